#!/bin/bash
# Stops, losses and a hostile environment: the documented exit codes, no hang, earlier output intact.
. "$(dirname "$0")/lib.sh"
use_water
background= hog=
finish_hook() {
    # timeout passes it on to mpirun, which ends its ranks.
    [ -z "$background" ] || { kill -TERM "$background" 2> /dev/null && wait "$background"; }
    [ -z "$hog" ] || umount "$hog" 2> /dev/null
}
# start RANKS ARGUMENTS...: in the background; returns when it has begun to step (the first energy line is out).
start() {
    local ranks=$1
    shift
    rm -f log.jsonl
    timeout -k 5 $((LIMIT * SLOW)) mpirun -n "$ranks" "$SKEIN" run water.ini --steps 100000000 --log-json log.jsonl \
        --set output.energy_every=10 "$@" > out 2> err < /dev/null &
    background=$!
    last_command="skein run $* on $ranks, in the background"
    for _ in $(seq $((300 * SLOW))); do
        if [ -s log.jsonl ] && [ "$(value log.jsonl energy step)" -ge 10 ] 2> /dev/null; then return 0; fi
        kill -0 "$background" 2> /dev/null || return 1
        sleep 0.1
    done
    return 1
}
# Waits for it, at most $1 seconds: $code, or 124.
await() {
    local tenth
    code=124
    for tenth in $(seq $(($1 * 10 * SLOW))); do
        if ! kill -0 "$background" 2> /dev/null; then
            wait "$background"
            code=$?
            background=
            return
        fi
        sleep 0.1
    done
}
mpirun_of() { # the child of timeout
    local stat
    for stat in /proc/[0-9]*/stat; do
        sed 's/^\([0-9]*\) (.*) [A-Z] \([0-9]*\) .*/\2 \1/' "$stat" 2> /dev/null
    done | awk -v parent="$background" '$1 == parent { print $2; exit }'
}
last_rank() { # of the program running in this test's folder
    local proc found=
    for proc in /proc/[0-9]*; do
        if [ "$(readlink "$proc/cwd" 2> /dev/null)" = "$WORK" ] &&
            [ "$(tr '\0' '\n' < "$proc/cmdline" 2> /dev/null | head -n 1)" = "$SKEIN" ]; then found=${proc#/proc/}; fi
    done
    echo "$found"
}

# USR1 (mpirun forwards it to every rank): a checkpoint and code 75; then --resume goes on.
claim 'a long run starts' start 2
kill -USR1 "$(mpirun_of)"
await 30
claim 'USR1: code 75' test $code -eq 75
claim 'USR1: a checkpoint' test -e water.ckpt.h5
reached=$(value log.jsonl done steps)
claim 'USR1: the report says how far it came' above "${reached:-0}" 0
skein 3 run water.ini --resume --steps $((${reached:-0} + 10)) --log-json rest.jsonl
claim 'and it goes on' test $code -eq 0 -a "$(value rest.jsonl done steps)" = $((${reached:-0} + 10))
skein 1 run water.ini --steps $((${reached:-0} + 10)) --log-json straight.jsonl --set output.checkpoint=straight.ckpt.h5
claim 'with the bits of a run that was not stopped' \
    test "$(value rest.jsonl done state_hash)" = "$(value straight.jsonl done state_hash)"

skein 2 run water.ini --steps 100000000 --max-hours 0.001 --set output.checkpoint=hours.ckpt.h5
claim '--max-hours: code 75' test $code -eq 75
claim '--max-hours: a checkpoint' test -e hours.ckpt.h5

# A rank killed: the whole job ends within 10 s, with a code.
if start 3 --set output.checkpoint=killed.ckpt.h5; then
    cp water.ckpt.h5 before.h5
    kill -KILL "$(last_rank)"
    await 10
    claim 'a rank killed: the job ends within 10 s' test $code -ne 124
    claim 'with a code of its own' test $code -ne 0
    claim 'older output is intact' cmp -s water.ckpt.h5 before.h5
else not_ok 'a run to kill a rank of'; fi

# An unwritable folder (root may write anywhere, so a file stands where a folder should be).
: > plainfile
skein 2 run water.ini --steps 5 --set output.checkpoint=plainfile/a.ckpt.h5
claim 'no folder to write to: code 3' test $code -eq 3
claim 'the path is named' said plainfile
skein 2 run water.ini --steps 5 --set output.trajectory=absent/a.h5md
claim 'no folder for the trajectory: code 3' test $code -eq 3
skein 2 run water.ini --steps 5 --log-json absent/a.jsonl
claim 'no folder for --log-json: code 3' test $code -eq 3
skein_alone energy water.ini --forces absent/f.txt
claim 'no folder for --forces: code 3' test $code -eq 3

# A full disk.
mkdir small
if mount -t tmpfs -o size=700k tmpfs small 2> /dev/null; then
    hog=$WORK/small
    skein 2 run water.ini --steps 10 --set output.checkpoint=small/a.ckpt.h5
    claim 'room for one checkpoint' test $code -eq 0
    cp small/a.ckpt.h5 kept.h5
    skein 2 run water.ini --steps 1000 --resume --set output.checkpoint=small/a.ckpt.h5 \
        --set output.trajectory=small/a.h5md --set output.trajectory_every=10 --set output.checkpoint_every=100
    claim 'disk full: code 3' test $code -eq 3
    claim 'disk full: it says where' said 'small/a'
    "$PYTHON" "$ROOT/scripts/statehash" small/a.ckpt.h5 > hash.txt 2>> err
    claim 'the checkpoint there is still whole' grep -qE '[0-9a-f]{16}' hash.txt
    umount small
    hog=
elif [ -e /dev/full ]; then
    # No right to mount: the log at least.
    skein_alone energy water.ini --forces /dev/full
    claim 'disk full: code 3' test $code -eq 3
fi
finish
