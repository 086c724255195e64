#!/bin/bash
# Regenerates peptide-rf/: energies and forces of peptides in water with reaction field (epsilon_rf infinite, cutoff
# 0.9, potential-shift), from GROMACS 2022.5 in double precision (Debian's gmx_d), one step of `mdrun -nsteps 0`. The
# systems are those of SKEIN_SYSTEMS/aladip; water is rigid (SETTLE, whose virial is in the pressure), the rest is not.
# Velocities are those of the file, half a step back.
set -eu
. "$(dirname "$(readlink -f "$0")")/gromacs.sh"
{
    one_step 0.0005 1.25
    reaction_field Potential-shift no
    echo "constraints = none"
} > a.mdp
for name in ala-charmm27 pep-amber pep-opls; do
    xz -dc "$systems/aladip/conf-$name.gro.xz" > a.gro
    xz -dc "$systems/aladip/topol-$name.pp.top.xz" > a.top
    simulate -f a.mdp -c a.gro -p a.top
    keep "$here/peptide-rf/$name" "$name, reaction field, rcoulomb = rvdw = 0.9, epsilon-rf 0, vdw-modifier Potential-shift"
done
