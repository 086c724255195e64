#!/bin/bash
# libskein as another program meets it: installed, found by pkg-config, linked shared and static; the example gives the
# bits of the program.
. "$(dirname "$0")/lib.sh"
if nm "$BUILD/base/status.o" 2> /dev/null | grep -q __asan; then skip_all 'not with sanitizers'; fi
use_water
make -C "$ROOT" --no-print-directory install BUILD="$BUILD" PREFIX=/opt/skein DESTDIR="$WORK/stage" > err 2>&1
code=$? last_command='make install'
claim 'make install' test $code -eq 0
stage=$WORK/stage/opt/skein
for file in bin/skein include/skein/skein.h lib/libskein.a lib/libskein.so lib/libskein.so.0 lib/pkgconfig/skein.pc; do
    claim "installed: $file" test -e "$stage/$file"
done
claim 'DESTDIR stays out of skein.pc' grep -qx 'prefix=/opt/skein' "$stage/lib/pkgconfig/skein.pc"

make -C "$ROOT" --no-print-directory install BUILD="$BUILD" PREFIX="$WORK/here" > err 2>&1
claim 'make install PREFIX' test -x here/bin/skein
export PKG_CONFIG_PATH=$WORK/here/lib/pkgconfig
claim 'pkg-config' pkg-config --exists skein
claim 'the version is one' test "$(here/bin/skein --version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)" = \
    "$(pkg-config --modversion skein)"

example=$ROOT/tests/library/example.c
claim 'the example is about 40 lines' test "$(wc -l < "$example")" -le 50
# Links against nothing but what pkg-config says.
mpicc -std=c11 -Wall -Wextra -Werror "$example" $(pkg-config --cflags --libs skein) -o shared 2> err
claim 'linked with the shared library' test -x shared
mpicc -std=c11 -Wall -Wextra "$example" $(pkg-config --cflags skein) "$WORK/here/lib/libskein.a" \
    $(pkg-config --static --libs skein | sed 's/-lskein//') -o static 2> err
claim 'linked with the static library' test -x static
grep -q mpi.h here/include/skein/skein.h || {
    gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c -I here/include - <<< '#include <skein/skein.h>' 2> err
    claim 'the header stands alone' test $? -eq 0
}

skein 2 run water-nve.ini --steps 20 --log-json program.jsonl
wanted=$(value program.jsonl done state_hash)
claim 'the program' test -n "$wanted"
for kind in shared static; do
    for ranks in 1 3; do
        LD_LIBRARY_PATH=$WORK/here/lib timeout 60 mpirun -n $ranks "./$kind" water-nve.ini 20 > out 2> err < /dev/null
        code=$? last_command="$kind on $ranks"
        claim "example, $kind, $ranks ranks" test $code -eq 0
        claim "example, $kind, $ranks ranks: the program's bits" grep -q "$wanted" out
    done
done
LD_LIBRARY_PATH=$WORK/here/lib timeout 60 mpirun -n 2 ./shared absent.ini 20 > out 2> err < /dev/null
code=$? last_command='example with a bad file'
claim 'example: an error comes back as an error' test $code -ne 0 -a $code -lt 126
finish
