#!/bin/bash
# The rules that hold the modules apart, and that their checker notices a breach.
. "$(dirname "$0")/lib.sh"
if nm "$BUILD/base/status.o" 2> /dev/null | grep -q __asan; then skip_all 'sanitizers add symbols of their own'; fi
"$ROOT/scripts/check-layers.py" --build "$BUILD" > err 2>&1
code=$?
last_command=check-layers.py
claim 'layers' test $code -eq 0

# A copy of the tree with one breach after another: each must be found.
mkdir -p tree
cp -r "$ROOT/src" "$ROOT/scripts" "$ROOT/include" tree
breach() { # NAME FILE LINE PATTERN
    cp "tree/$2" saved
    printf '%s\n' "$3" >> "tree/$2"
    tree/scripts/check-layers.py --sources-only > err 2>&1
    claim "a breach is found: $1" grep -q "$4" err
    cp saved "tree/$2"
}
breach 'upward include' src/base/status.c '#include "par/comm.h"' 'status.c:.*only lower rows'
breach 'sideways include' src/geom/box.h '#include "curve/curve.h"' 'box.h:.*only lower rows'
breach 'a parser that sees par' src/read/runfile.c '#include "par/comm.h"' 'read may not include par'
breach 'mpi.h outside par' src/domain/halo.c '#include <mpi.h>' 'halo.c:.*mpi.h'
breach 'a machine path' src/base/status.c "/* /""home/someone/file */" 'a path of one machine'
cat > bad.c << 'C'
#include <math.h>
double counter;
double bad(double x);
double bad(double x) { counter += 1; return exp(x); }
C
mkdir -p tree/build/base
mpicc -c -fPIC -O2 bad.c -o tree/build/base/status.o
mpicc -c -fPIC -O2 bad.c -o tree/build/base/memory.o
tree/scripts/check-layers.py --build tree/build > err 2>&1
claim 'a breach is found: exp' grep -q 'base/memory.o: calls exp of libm' err
claim 'a breach is found: a mutable global' grep -q 'base/memory.o: holds the mutable global counter' err
claim 'the process record may be global' test "$(grep -c 'base/status.o: holds' err)" -eq 0
finish
