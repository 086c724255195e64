#!/bin/bash
# only: all
# timeout: 400
# Nothing on a rank grows with the system but what it owns and borrows: from 24,000 to 768,000 atoms on 4 ranks the peak
# memory of a process less that of its atoms, ghosts and lists grows by less than 10 MB.
. "$(dirname "$0")/lib.sh"
LIMIT=180
overhead() {
    skein 4 run "$ROOT/inputs/water/water.ini" --quiet --steps 12 --log-json "$1.jsonl" --set system.replicate="$1" \
        --set output.trajectory= --set output.checkpoint="$WORK/$1.ckpt.h5"
    rm -f "$1".ckpt.h5*
    value "$1.jsonl" done overhead_bytes
}
small=$(overhead 2x2x2)
large=$(overhead 8x8x4)
echo "overhead: 24,000 atoms ${small:-none} bytes, 768,000 atoms ${large:-none} bytes"
claim "memory does not grow with the system" awk -v a="${small:-0}" -v b="${large:-0}" \
    'BEGIN { exit !(a > 0 && b > 0 && b - a < 10e6) }'
finish
