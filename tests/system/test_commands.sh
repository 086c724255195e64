#!/bin/bash
# Commands, exit codes, and who writes where.
. "$(dirname "$0")/lib.sh"
use_water

skein_alone --version
claim '--version' test $code -eq 0
claim '--version names it' grep -qE '^skein [0-9]+\.[0-9]+\.[0-9]+' out
skein_alone --help
claim '--help' test $code -eq 0
for command in run energy check; do
    claim "--help names $command" grep -qw "$command" out
    cp out help
    skein_alone help $command
    claim "help $command" test $code -eq 0 -a -s out
    cp help out
done
for bad in '' 'nonsense' 'run' 'run water.ini --nonsense' 'run water.ini --steps' 'run water.ini --steps -5' \
    'run water.ini --steps 1x' 'run water.ini --set nodot' 'run water.ini --set run.nosuchkey=1' \
    'run absent.ini' 'energy' 'check absent.ini' 'run water.ini extra.ini' 'run water.ini --max-hours abc' \
    'help nonsense'; do
    skein_alone $bad
    claim "usage refused: '$bad'" test $code -eq 1 -a -s err
done
skein 2 run water.ini --nonsense
claim 'refused on two ranks' test $code -eq 1
claim 'said once' test "$(grep -c nonsense err)" -eq 1

skein 2 check water.ini
claim 'check accepts a good input' test $code -eq 0
claim 'check runs nothing' test ! -e water.ckpt.h5

skein 2 energy water.ini --json
claim 'energy --json' test $code -eq 0
claim 'stdout carries JSON only' "$PYTHON" -c '
import json
lines = open("out").read().splitlines()
assert lines and all(isinstance(json.loads(l), dict) for l in lines)
e = json.loads(lines[-1])
assert e["event"] == "energy" and {"lj", "dispersion_correction", "coulomb_sr"} <= set(e["terms"]), e
assert abs(sum(e["terms"].values()) - e["potential"]) < 1e-6 * abs(e["potential"])'
skein 3 energy water.ini --forces f3.txt
skein_alone energy water.ini --forces f1.txt
claim 'forces in a file, by id' test "$(awk '$1 == NR && NF == 4 { n++ } END { print n }' f1.txt)" = 3000
claim 'forces: same text on 1 and 3 ranks' cmp -s f1.txt f3.txt

skein 2 run water.ini --steps 20 --log-json log.jsonl --set output.energy_every=10 --set output.trajectory=a.h5md \
    --set output.trajectory_every=10
claim 'run' test $code -eq 0
claim 'log and report' grep -qE 'state hash: [0-9a-f]{16}' out err
claim 'JSON lines hold the documented keys' "$PYTHON" -c '
import json
events = [json.loads(l) for l in open("log.jsonl")]
kinds = [e["event"] for e in events]
assert kinds[0] == "start" and kinds[-1] == "done" and "checkpoint" in kinds, kinds
energies = [e for e in events if e["event"] == "energy"]
assert [e["step"] for e in energies] == [0, 10, 20], energies
for key in "time_ps terms potential kinetic total conserved temperature_K pressure_bar".split():
    assert key in energies[0], key
for key in ("steps atoms ranks curve wall_s setup_s ns_per_day atom_steps_per_s phases_s imbalance owned_min owned_max "
            "rebuilds migrated ghosts_per_atom import_cells messages_per_step bytes_per_step "
            "blocking_collectives_per_step state_hash").split():
    assert key in events[-1], key
assert events[-1]["steps"] == 20 and events[-1]["atoms"] == 3000 and events[-1]["ranks"] == 2'
cat > read.py << 'PY'
import sys, warnings
warnings.simplefilter("ignore")
import numpy, MDAnalysis
r = MDAnalysis.Universe("a.h5md").trajectory  # no topology file
assert r.n_atoms == 3000 and [round(t.time, 6) for t in r] == [0.0, 0.02, 0.04], [t.time for t in r]
gro = open("water.gro").read().splitlines()[2:3002]
w = gro[0].index(".", gro[0].index(".") + 1) - gro[0].index(".")
x = numpy.array([[float(l[20 + k * w:20 + (k + 1) * w]) for k in range(3)] for l in gro]) * 10
box = r[0].dimensions
assert abs(box[:3] - 31.064).max() < 1e-4 and abs(box[3:] - 90).max() < 1e-4, box
d = r[0].positions - x
d -= box[0] * numpy.rint(d / box[0])
assert abs(d).max() < 1e-4, abs(d).max()
PY
claim 'MDAnalysis reads the trajectory' "$PYTHON" read.py
skein_alone run water.ini --steps 5 --set output.trajectory=wrong.xyz
claim 'a trajectory with another suffix is refused' test $code -eq 1
claim 'and the message names the right one' said '\.h5md'
finish
