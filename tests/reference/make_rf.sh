#!/bin/bash
# Regenerates spce-rf/: energies and forces of SPC/E water with reaction field (epsilon_rf infinite, cutoff 0.9), from
# GROMACS 2022.5 in double precision (Debian's gmx_d), one step of `mdrun -nsteps 0`.
#   plain   vdw-modifier None, no dispersion correction
#   shift   vdw-modifier Potential-shift, DispCorr EnerPres
# Kinetic energy and pressure are those of leap-frog with the file's velocities half a step back (continuation = yes);
# the pressure holds the constraint virial of SETTLE. 3k is inputs/water;
# 24k is conf-24k.gro.xz here (equilibrated with PME at 300 K).
set -eu
. "$(dirname "$(readlink -f "$0")")/gromacs.sh"
cp "$root/inputs/water/water.gro" 3k.gro
xz -dc "$here/spce-rf/conf-24k.gro.xz" > 24k.gro
for size in 3k 24k; do
    sed "s/^SOL  1000/SOL  $((${size%k} * 1000 / 3))/" "$root/inputs/water/water.top" > $size.top
    for variant in plain shift; do
        case $variant in
        plain) modifier=None dispersion=no ;;
        shift) modifier=Potential-shift dispersion=EnerPres ;;
        esac
        {
            one_step 0.002 1.25
            reaction_field $modifier $dispersion
            echo "constraints = none"
        } > a.mdp
        simulate -f a.mdp -c $size.gro -p $size.top
        keep "$here/spce-rf/$size-$variant" "SPC/E $size, reaction field, rcoulomb = rvdw = 0.9, epsilon-rf 0, $variant: vdw-modifier $modifier, DispCorr $dispersion"
    done
    # The modifier shifts energies only: one set of forces serves both variants.
    cmp <(xz -dc "$here/spce-rf/$size-plain.forces.txt.xz") <(xz -dc "$here/spce-rf/$size-shift.forces.txt.xz")
    mv "$here/spce-rf/$size-plain.forces.txt.xz" "$here/spce-rf/$size.forces.txt.xz"
    rm "$here/spce-rf/$size-shift.forces.txt.xz"
done
