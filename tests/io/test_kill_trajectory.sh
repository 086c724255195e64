#!/bin/sh
# timeout: 180
# kill -9 at random times: every frame that was said to be safe can be read; the file can be continued by another number of
# ranks, without a frame doubled or lost.
. "$(dirname "$0")/lib.sh"
waters=6000
for delay in 0.15 0.4 0.73 1.1; do
    rm -f "$folder"/*
    timeout 60 mpirun -n 3 "$programs/mpi_trajectory" endless "$folder/a.h5md" $waters >"$folder/said" 2>/dev/null &
    job=$!
    for i in $(seq 300); do
        grep -q '^safe 1$' "$folder/said" && break
        sleep 0.1
    done
    sleep $delay
    ranks=$(sed -n 's/^pid //p' "$folder/said")
    kill -9 $ranks || fail "no ranks to kill"
    wait $job && fail "a killed job says it is well"
    safe=$(($(sed -n 's/^safe //p' "$folder/said" | tail -1) + 1))
    [ $safe -ge 2 ] || fail "only $safe frames before the kill"
    "$python" "$root/tests/io/check_h5md.py" "$folder/a.h5md" $waters $safe gromacs --at-least ||
        fail "after the kill, $safe safe frames"
    timeout 60 mpirun -n 2 "$programs/mpi_trajectory" resume "$folder/a.h5md" $waters 10 $((safe + 3)) || fail "resuming"
    "$python" "$root/tests/io/check_h5md.py" "$folder/a.h5md" $waters $((safe + 3)) gromacs || fail "resumed"
done
