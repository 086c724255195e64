#!/bin/bash
# Checkpoints: a run cut in two, frames never doubled, damage noticed, another input refused.
. "$(dirname "$0")/lib.sh"
use_water
run() { # RANKS NAME ARGUMENTS...
    local ranks=$1 name=$2
    shift 2
    skein "$ranks" run water.ini --quiet --log-json "$name.jsonl" --set output.checkpoint="$name.ckpt.h5" \
        --set output.trajectory="$name.h5md" --set output.trajectory_every=10 --set output.energy_every=10 "$@"
}
frames() { "$PYTHON" -c '
import h5py, sys
g = h5py.File(sys.argv[1])["particles/trajectory/position"]
print(" ".join(str(int(s)) for s in g["step"]), len(g["value"]))' "$1"; }

run 2 whole --steps 60
claim 'whole run' test $code -eq 0
whole=$(value whole.jsonl done state_hash)

run 3 cut --steps 25
claim 'first part' test $code -eq 0
run 2 cut --steps 60 --resume
claim 'second part on other ranks' test $code -eq 0
claim 'same bits' test "$(value cut.jsonl done state_hash)" = "$whole"
claim 'steps are a total' test "$(value cut.jsonl done steps)" = 60
claim 'frames not doubled' test "$(frames cut.h5md)" = '0 10 20 30 40 50 60 7'
claim '--log-json appends on resume' test "$(grep -c '"event": *"done"' cut.jsonl)" -eq 2
claim 'same energies' "$PYTHON" -c '
import json
def table(name):
    rows = {}
    for line in open(name):
        e = json.loads(line)
        if e["event"] == "energy":
            rows[e["step"]] = {k: e[k] for k in ("terms", "potential", "kinetic", "total", "conserved", "pressure_bar")}
    return rows
a, b = table("whole.jsonl"), table("cut.jsonl")
assert sorted(a) == [0, 10, 20, 30, 40, 50, 60] and a.keys() <= b.keys(), (sorted(a), sorted(b))
assert all(a[k] == b[k] for k in a), [k for k in a if a[k] != b[k]]'

run 2 cut --steps 60 --resume
claim 'resuming a finished run' test $code -eq 0
claim 'changes nothing' test "$(value cut.jsonl done state_hash)" = "$whole"

# Killed between checkpoints: goes back to the last one, and the frames written since are not doubled.
run 2 dead --steps 30
cp dead.ckpt.h5 saved.h5
run 2 dead --steps 50 --resume
cp saved.h5 dead.ckpt.h5
rm -f dead.ckpt.h5.prev
run 4 dead --steps 60 --resume
claim 'back to an older checkpoint' test $code -eq 0
claim 'same bits again' test "$(value dead.jsonl done state_hash)" = "$whole"
claim 'frames not doubled there either' test "$(frames dead.h5md)" = '0 10 20 30 40 50 60 7'

# A checkpoint that fails its checksums: the one before it serves.
run 2 two --steps 40 --set output.checkpoint_every=20
claim 'two generations' test -e two.ckpt.h5 -a -e two.ckpt.h5.prev
"$PYTHON" - << 'PY'
import h5py, os
# Flip a byte in the middle of the largest data set, found by its place in the file.
best = None
def look(name, item):
    global best
    if isinstance(item, h5py.Dataset) and item.id.get_offset() is not None:
        size = item.id.get_storage_size()
        if best is None or size > best[1]:
            best = (item.id.get_offset(), size)
with h5py.File("two.ckpt.h5") as f:
    f.visititems(look)
with open("two.ckpt.h5", "r+b") as f:
    f.seek(best[0] + best[1] // 2)
    byte = f.read(1)
    f.seek(-1, 1)
    f.write(bytes([byte[0] ^ 0x10]))
PY
cp two.ckpt.h5 damaged.h5
run 2 two --steps 60 --resume
claim 'damaged checkpoint: the previous one serves' test $code -eq 0
claim 'and gives the same bits' test "$(value two.jsonl done state_hash)" = "$whole"
cp damaged.h5 two.ckpt.h5
rm -f two.ckpt.h5.prev
run 2 two --steps 80 --resume
claim 'damaged and alone: an error of the environment' test $code -eq 3
claim 'it names the file' said 'two\.ckpt\.h5'
head -c 1000 damaged.h5 > two.ckpt.h5
run 2 two --steps 80 --resume
claim 'truncated: the same' test $code -eq 3

skein 2 run water.ini --steps 10 --resume --set output.checkpoint=none.ckpt.h5 --set output.trajectory=none.h5md
claim 'no checkpoint: starts afresh' test $code -eq 0
claim 'and says so' grep -qiE 'no checkpoint' out err
cp whole.ckpt.h5 other.ckpt.h5
sed 's/3\.16557e-01/3.16558e-01/' water.top > other.top
run 2 other --steps 80 --resume --set system.topology=other.top
claim 'a checkpoint of another input is refused' test $code -eq 1
run 2 other --steps 80 --resume --set run.integrator=velocity-verlet
claim 'so is another integrator' test $code -eq 1
claim 'the checkpoint is untouched' cmp -s whole.ckpt.h5 other.ckpt.h5

# A new run from the atoms of a checkpoint: from step 0, in the same place, whatever the integrator.
run 3 anew --steps 0 --set system.start=whole.ckpt.h5
claim 'a start from a checkpoint' test $code -eq 0
last() { grep '"event": *"energy"' "$1.jsonl" | tail -n 1 | sed 's/.*"potential": *\([^,]*\),.*/\1/'; }
claim 'is at step 0' test "$(value anew.jsonl done steps)" = 0
claim 'with the same atoms' test "$(last anew)" = "$(last whole)"
run 1 verlet --steps 5 --set system.start=whole.ckpt.h5 --set run.integrator=velocity-verlet
one=$(value verlet.jsonl done state_hash)
run 4 verlet --steps 5 --set system.start=whole.ckpt.h5 --set run.integrator=velocity-verlet
claim 'goes on by another integrator, on any ranks' test -n "$one" -a "$(value verlet.jsonl done state_hash)" = "$one"
run 2 other --steps 0 --set system.start=whole.ckpt.h5 --set system.replicate=2x1x1
claim 'not by more atoms' test $code -eq 1
claim 'which it says' said 'whole\.ckpt\.h5 has 3000 atoms, this input 6000'

# The final structure as other programs read it.
run 2 final --steps 60 --set output.final_structure=final.gro
claim 'a final structure' test "$(value final.jsonl done state_hash)" = "$whole"
run 2 again --steps 0 --set system.structure=final.gro
claim 'is where the run ended' awk -v a="$(last again)" -v b="$(last whole)" \
    'BEGIN { d = a / b - 1; exit !(d * d < 4e-12 && a != "") }'
finish
