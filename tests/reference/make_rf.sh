#!/bin/bash
# Regenerates spce-rf/: energies and forces of SPC/E water with reaction field (epsilon_rf infinite, cutoff 0.9), from
# GROMACS 2022.5 in double precision (Debian's gmx_d), one step of `mdrun -nsteps 0`.
#   plain   vdw-modifier None, no dispersion correction
#   shift   vdw-modifier Potential-shift, DispCorr EnerPres
# Kinetic energy and pressure are those of leap-frog with the file's velocities half a step back (continuation = yes);
# the pressure holds the constraint virial of SETTLE. rlist is far beyond the cutoff: gmx 2022.5 misses pairs when it
# is close. 3k is inputs/water; 24k is conf-24k.gro.xz here (equilibrated with PME at 300 K).
set -eu
here=$(dirname "$(readlink -f "$0")")
root=$here/../..
gmx_d() { "$root/scripts/bench/gmx.sh" gmx_d "$@"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$root/inputs/water/water.gro" "$work/3k.gro"
xz -dc "$here/spce-rf/conf-24k.gro.xz" > "$work/24k.gro"
for size in 3k 24k; do
    sed "s/^SOL  1000/SOL  $((${size%k} * 1000 / 3))/" "$root/inputs/water/water.top" > "$work/$size.top"
    for variant in plain shift; do
        case $variant in
        plain) modifier=None dispersion=no ;;
        shift) modifier=Potential-shift dispersion=EnerPres ;;
        esac
        cat > "$work/a.mdp" << MDP
integrator = md
dt = 0.002
nsteps = 0
cutoff-scheme = Verlet
nstlist = 10
verlet-buffer-tolerance = -1
rlist = 1.25
coulombtype = Reaction-Field
rcoulomb = 0.9
epsilon-r = 1
epsilon-rf = 0
rvdw = 0.9
vdwtype = Cut-off
vdw-modifier = $modifier
DispCorr = $dispersion
constraints = none
continuation = yes
gen-vel = no
tcoupl = no
pcoupl = no
comm-mode = None
nstxout = 1
nstvout = 1
nstfout = 1
nstenergy = 1
nstcalcenergy = 1
MDP
        (
            cd "$work"
            gmx_d grompp -quiet -f a.mdp -c $size.gro -p $size.top -o a.tpr -po out.mdp -maxwarn 9 > log 2>&1 &&
                gmx_d mdrun -quiet -s a.tpr -deffnm a -ntmpi 1 -ntomp 1 >> log 2>&1 || { tail -30 log; exit 1; }
            # All terms, full digits.
            (seq 1 99; echo 0) | gmx_d energy -quiet -f a.edr -o a.xvg -dp > log 2>&1
        )
        {
            echo "# GROMACS 2022.5 double; SPC/E $size, reaction field, rcoulomb = rvdw = 0.9, epsilon-rf 0, $variant: vdw-modifier $modifier, DispCorr $dispersion"
            awk -F'"' '/^@ s[0-9]+ legend/ { name[++n] = $2 } !/^[@#]/ { split($0, v, " "); for (i = 1; i <= n; i++) print name[i] "\t" v[i + 1]; exit }' \
                "$work/a.xvg"
        } > "$here/spce-rf/$size-$variant.energy.txt"
        python3 "$here/trr_forces.py" "$work/a.trr" "$here/spce-rf/$size-$variant.forces.txt.xz"
    done
    # The modifier shifts energies only: one set of forces serves both variants.
    cmp <(xz -dc "$here/spce-rf/$size-plain.forces.txt.xz") <(xz -dc "$here/spce-rf/$size-shift.forces.txt.xz")
    mv "$here/spce-rf/$size-plain.forces.txt.xz" "$here/spce-rf/$size.forces.txt.xz"
    rm "$here/spce-rf/$size-shift.forces.txt.xz"
done
