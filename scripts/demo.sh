#!/bin/bash
# What `make demo` runs once the program is built: 24,000 atoms of water, once along the Hilbert and once along the
# Morton curve, both reports side by side, and whether the two runs end in the same bits. Code 1 if they do not.
#   BUILD=build RANKS=2 STEPS=500 scripts/demo.sh
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
build=${BUILD:-build}
cores=$(nproc 2> /dev/null || echo 2)
ranks=${RANKS:-$((cores < 2 ? 2 : cores > 16 ? 16 : cores))}
steps=${STEPS:-500}
. scripts/mpi-env.sh

folder=$build/demo
rm -rf "$folder"
mkdir -p "$folder"
cp inputs/water/water.gro inputs/water/water.top inputs/water/water.ini "$folder"

echo "24,000-atom SPC/E water (3,000 replicated 2x2x2), $ranks ranks, $steps steps, two curves."
for curve in hilbert morton; do
    echo
    echo "== curve = $curve"
    mpirun -n "$ranks" "$build/skein" run "$folder/water.ini" --steps "$steps" --log-json "$folder/$curve.jsonl" \
        --set system.replicate=2x2x2 --set system.velocities=maxwell --set system.maxwell_K=300 \
        --set domain.curve=$curve --set output.trajectory=$curve.h5md \
        --set output.checkpoint=$curve.ckpt.h5
done

# One value of the last report; the JSON line is flat but for phases_s, which is split apart first.
report() {
    grep '"event": *"done"' "$folder/$1.jsonl" | tail -n 1 | sed 's/[{}]/,/g; s/"phases_s":,/,/' | tr ',' '\n' |
        sed -n 's/^ *"\([^"]*\)": *"\{0,1\}\([^"]*\)"\{0,1\} *$/\1 \2/p'
}
echo
printf '%-32s %18s %18s\n' 'report' hilbert morton
awk '
    FNR == NR { left[$1] = $2; order[++n] = $1; next }
    { right[$1] = $2; if (!($1 in left)) order[++n] = $1 }
    function short(v, k) { return k != "state_hash" && v ~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/ && v ~ /[.e]/ ? sprintf("%.5g", v) : v }
    END {
        for (i = 1; i <= n; i++) {
            k = order[i]
            if (k != "event" && k != "curve") printf "%-32s %18s %18s\n", k, short(left[k], k), short(right[k], k)
        }
    }' <(report hilbert) <(report morton)

hilbert=$(report hilbert | sed -n 's/^state_hash //p')
morton=$(report morton | sed -n 's/^state_hash //p')
echo
if [ -n "$hilbert" ] && [ "$hilbert" = "$morton" ]; then
    echo "state hashes are EQUAL: $hilbert. Every atom has the same position and velocity, bit for bit, on both curves."
    echo "Trajectories: $folder/hilbert.h5md, $folder/morton.h5md"
else
    echo "state hashes DIFFER: hilbert ${hilbert:-none}, morton ${morton:-none}" >&2
    exit 1
fi
