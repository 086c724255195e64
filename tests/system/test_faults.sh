#!/bin/bash
# The tests of equal bits can fail: another seed or one step more gives another hash; and with a fault planted in the
# engine (tests/faults/faults.c) the hash is another, or a check of the engine ends the run. No rank waits for ever.
. "$(dirname "$0")/lib.sh"
use_water
run() { # NAME RANKS OPTIONS...
    local name=$1 ranks=$2
    shift 2
    rm -f "$name.jsonl"
    skein "$ranks" run water-nve.ini --quiet --steps 60 --log-json "$name.jsonl" --set output.checkpoint="$name.ckpt.h5" \
        --set nonbonded.buffer_nm=0.15 "$@" # a short buffer: several rebuilds in a short run
    hash=$(value "$name.jsonl" done state_hash)
}
run right 1
right=$hash
claim 'a run of 60 steps' test $code -eq 0 -a -n "$right"
run longer 1 --steps 61
claim 'one step more: another hash' test $code -eq 0 -a -n "$hash" -a "$hash" != "$right"
maxwell=(--set system.velocities=maxwell --set system.maxwell_K=300)
run seed1 2 "${maxwell[@]}" --set run.seed=1
first=$hash
run again 1 "${maxwell[@]}" --set run.seed=1
claim 'the same seed: equal bits' test $code -eq 0 -a -n "$first" -a "$hash" = "$first"
run seed2 1 "${maxwell[@]}" --set run.seed=2
claim 'another seed: another hash' test $code -eq 0 -a -n "$hash" -a "$hash" != "$first"

SKEIN=$BUILD/tests/skein-faults
run none 3
claim 'without a fault: the bits of the other program on one rank' test $code -eq 0 -a "$hash" = "$right"
claim 'rebuilds and migrations happen' above "$(value none.jsonl done rebuilds)" 1
for fault in ghost pair stale atom; do
    export SKEIN_FAULT=$fault
    run $fault 3
    claim "$fault: planted" grep -q "planted: $fault" err
    claim "$fault: no hang" test $code -ne 124
    claim "$fault: noticed (code $code, hash ${hash:-none})" test $code -ne 0 -o "$hash" != "$right"
done
claim 'an atom lost trips a check' test $code -ne 0
claim 'which names it' said 'census'
finish
