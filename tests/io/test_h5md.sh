#!/bin/sh
# timeout: 120
# The trajectory in MDAnalysis, from several rank counts, in both systems of units.
. "$(dirname "$0")/lib.sh"
run() {
    timeout 60 mpirun -n "$1" "$programs/mpi_trajectory" write "$folder/a.h5md" "$2" "$3" "$4" || fail "writing"
    "$python" "$root/tests/io/check_h5md.py" "$folder/a.h5md" "$2" "$3" "$4" || fail "reading, $1 ranks"
}
run 1 50 3 gromacs
run 4 15000 4 gromacs
run 3 700 3 lj
