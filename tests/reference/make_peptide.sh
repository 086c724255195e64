#!/bin/bash
# Regenerates peptide-rf/: energies and forces of peptides in water with reaction field (epsilon_rf infinite, cutoff
# 0.9, potential-shift), from GROMACS 2022.5 in double precision (Debian's gmx_d), one step of `mdrun -nsteps 0`. The
# systems are those of SKEIN_SYSTEMS/aladip; water is rigid (SETTLE, whose virial is in the pressure), the rest is not.
# Velocities are those of the file, half a step back. rlist is far beyond the cutoff, as in make_rf.sh.
set -eu
here=$(dirname "$(readlink -f "$0")")
root=$here/../..
systems=${SKEIN_SYSTEMS:-$root/../shared/systems}
gmx_d() { "$root/scripts/bench/gmx.sh" gmx_d "$@"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$here/peptide-rf"
cat > "$work/a.mdp" << MDP
integrator = md
dt = 0.0005
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
vdw-modifier = Potential-shift
DispCorr = no
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
for name in ala-charmm27 pep-amber pep-opls; do
    xz -dc "$systems/aladip/conf-$name.gro.xz" > "$work/a.gro"
    xz -dc "$systems/aladip/topol-$name.pp.top.xz" > "$work/a.top"
    (
        cd "$work"
        gmx_d grompp -quiet -f a.mdp -c a.gro -p a.top -o a.tpr -po out.mdp -maxwarn 9 > log 2>&1 &&
            gmx_d mdrun -quiet -s a.tpr -deffnm a -ntmpi 1 -ntomp 1 >> log 2>&1 || { tail -30 log; exit 1; }
        # All terms, full digits.
        (seq 1 99; echo 0) | gmx_d energy -quiet -f a.edr -o a.xvg -dp > log 2>&1
    )
    {
        echo "# GROMACS 2022.5 double; $name, reaction field, rcoulomb = rvdw = 0.9, epsilon-rf 0, vdw-modifier Potential-shift"
        awk -F'"' '/^@ s[0-9]+ legend/ { name[++n] = $2 } !/^[@#]/ { split($0, v, " "); for (i = 1; i <= n; i++) print name[i] "\t" v[i + 1]; exit }' \
            "$work/a.xvg"
    } > "$here/peptide-rf/$name.energy.txt"
    python3 "$here/trr_forces.py" "$work/a.trr" "$here/peptide-rf/$name.forces.txt.xz"
done
