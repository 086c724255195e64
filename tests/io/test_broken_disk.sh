#!/bin/sh
# timeout: 120
# A disk whose writes fail in the middle of a checkpoint or frame (collective MPI-IO of Open MPI 4.1 reports success or
# hangs): the job ends with code 3 and without hanging; the earlier checkpoint and frames are whole, and nothing lies beside them.
. "$(dirname "$0")/lib.sh"
for ranks in 1 3; do
    said=$(timeout 60 mpirun -n $ranks "$programs/mpi_checkpoint" write "$folder/a.h5" 140000) || fail "writing: $said"
    timeout 60 mpirun -n $ranks "$programs/mpi_checkpoint" break "$folder/a.h5" 140000 >"$folder/log" 2>&1
    code=$?
    [ $code = 3 ] || fail "exit code $code on $ranks ranks, expected 3: $(tail -3 "$folder/log")"
    grep -q "a.h5.tmp" "$folder/log" || fail "the message does not name the file"
    [ -e "$folder/a.h5.tmp" ] && fail "a.h5.tmp is left"
    [ "$("$python" "$root/scripts/statehash" "$folder/a.h5")" = "$said" ] || fail "the earlier checkpoint is damaged"
    timeout 60 mpirun -n $ranks "$programs/mpi_trajectory" break "$folder/a.h5md" 9000 5 >"$folder/log" 2>&1
    code=$?
    [ $code = 3 ] || fail "trajectory: exit code $code on $ranks ranks, expected 3: $(tail -3 "$folder/log")"
    grep -Eq "a.h5md: (a frame does not read back|cannot write)" "$folder/log" || fail "the message does not say why"
    "$python" "$root/tests/io/check_h5md.py" "$folder/a.h5md" 9000 2 gromacs || fail "the earlier frames are damaged"
done
echo "broken disk: code 3, the earlier checkpoint and frames are whole"
