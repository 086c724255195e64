#!/bin/bash
# Regenerates minimize/: potentials along the way of steepest descent, from GROMACS 2022.5 in double precision (Debian's
# gmx_d), for the peptide of SKEIN_SYSTEMS/aladip in rigid water, with reaction field as in make_peptide.sh. GROMACS writes
# the energies of steps that it keeps; those that it takes back are missing. In "hbonds" bonds to hydrogen are
# constrained, by LINCS with many iterations (GROMACS refuses SHAKE here).
set -eu
. "$(dirname "$(readlink -f "$0")")/gromacs.sh"
mkdir -p "$here/minimize"
xz -dc "$systems/aladip/conf-pep-amber.gro.xz" > start.gro
xz -dc "$systems/aladip/topol-pep-amber.pp.top.xz" > a.top
for constraints in none h-bonds; do
    cat > a.mdp << MDP
integrator = steep
emtol = 1
emstep = 0.01
nsteps = 60
cutoff-scheme = Verlet
nstlist = 10
verlet-buffer-tolerance = -1
rlist = 1.25
$(reaction_field Potential-shift no)
constraints = $constraints
lincs-order = 8
lincs-iter = 8
nstenergy = 1
nstcalcenergy = 1
MDP
    simulate -f a.mdp -c start.gro -p a.top
    run gmx_d energy -quiet -f a.edr -o a.xvg -dp < <(echo Potential)
    {
        echo "# GROMACS 2022.5 double; pep-amber, steepest descent, emstep 0.01, constraints = $constraints: step, potential"
        awk '!/^[@#]/ { printf "%d\t%s\n", $1, $2 }' a.xvg
    } > "$here/minimize/pep-amber-${constraints/-/}.tsv"
done
