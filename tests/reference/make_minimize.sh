#!/bin/bash
# Regenerates minimize/: potentials along the way of steepest descent, from GROMACS 2022.5 in double precision (Debian's
# gmx_d), for the peptide of SKEIN_SYSTEMS/aladip in rigid water, with reaction field as in make_peptide.sh. GROMACS writes
# the energies of steps that it keeps; those that it takes back are missing. In "hbonds" bonds to hydrogen are
# constrained, by LINCS with many iterations (GROMACS refuses SHAKE here).
set -eu
here=$(dirname "$(readlink -f "$0")")
root=$here/../..
systems=${SKEIN_SYSTEMS:-$root/../shared/systems}
gmx_d() { "$root/scripts/bench/gmx.sh" gmx_d "$@"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$here/minimize"
xz -dc "$systems/aladip/conf-pep-amber.gro.xz" > "$work/start.gro"
xz -dc "$systems/aladip/topol-pep-amber.pp.top.xz" > "$work/a.top"
for constraints in none h-bonds; do
    cat > "$work/a.mdp" << MDP
integrator = steep
emtol = 1
emstep = 0.01
nsteps = 60
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
constraints = $constraints
lincs-order = 8
lincs-iter = 8
nstenergy = 1
nstcalcenergy = 1
MDP
    (
        cd "$work"
        gmx_d grompp -quiet -f a.mdp -c start.gro -p a.top -o a.tpr -po out.mdp -maxwarn 9 > log 2>&1 &&
            gmx_d mdrun -quiet -s a.tpr -deffnm a -ntmpi 1 -ntomp 1 >> log 2>&1 || { tail -30 log; exit 1; }
        echo Potential | gmx_d energy -quiet -f a.edr -o a.xvg -dp > log 2>&1
    )
    {
        echo "# GROMACS 2022.5 double; pep-amber, steepest descent, emstep 0.01, constraints = $constraints: step, potential"
        awk '!/^[@#]/ { printf "%d\t%s\n", $1, $2 }' "$work/a.xvg"
    } > "$here/minimize/pep-amber-${constraints/-/}.tsv"
done
