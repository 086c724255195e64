#!/bin/bash
# Regenerates switch/: energies and forces (of every second atom) of a Lennard-Jones mixture (tests/system/switch_scene.py:
# 4,000 atoms of two types, Lorentz-Berthelot) with switched potentials, from 2 to 2.5 sigma of argon.
#   force, potential   GROMACS 2022.5 in double precision (Debian's gmx_d), vdw-modifier Force-switch and Potential-switch,
#                      DispCorr EnerPres, in nm; one step of `mdrun -nsteps 0`. Velocities are zero: the pressure is the virial's and the correction's.
#   charmm             LAMMPS 29 Sep 2021 (Debian's lmp), lj/charmm/coul/charmm without charges, reduced units
set -eu
. "$(dirname "$(readlink -f "$0")")/gromacs.sh"
mkdir -p "$here/switch"
"$python" "$root/tests/system/switch_scene.py" .
half() { awk '/^#/ || $1 % 2 == 1'; }
for kind in force potential; do
    {
        one_step 0.002 1.25
        cat << MDP
coulombtype = Cut-off
rcoulomb = 0.85125
rvdw = 0.85125
rvdw-switch = 0.681
vdwtype = Cut-off
vdw-modifier = ${kind^}-switch
DispCorr = EnerPres
constraints = none
MDP
    } > a.mdp
    simulate -f a.mdp -c mixture.gro -p mixture.top
    keep "$here/switch/$kind" "mixture of switch_scene.py, rvdw-switch 0.681, rvdw 0.85125, vdw-modifier ${kind^}-switch, DispCorr EnerPres"
    xz -dc "$here/switch/$kind.forces.txt.xz" | half > half.txt
    xz -9 < half.txt > "$here/switch/$kind.forces.txt.xz"
done
cat > in << 'LMP'
units lj
atom_style full
read_data mixture.data
pair_style lj/charmm/coul/charmm 2.0 2.5
pair_coeff 1 1 1.0 1.0
pair_coeff 2 2 1.3 1.03
neighbor 0.5 bin
thermo_style custom step evdwl press
thermo_modify format float %.15g norm no
dump f all custom 1 forces id fx fy fz
dump_modify f format float %.10g sort id
run 0
LMP
lmp -nocite -log log -screen none -in in
{
    echo "# LAMMPS 29 Sep 2021; mixture of switch_scene.py, lj/charmm/coul/charmm 2.0 2.5 without charges or velocities"
    awk '/^Step/ { getline; printf "E_vdwl\t%s\nPress\t%s\n", $2, $3; exit }' log
} > "$here/switch/charmm.energy.txt"
{
    echo "# id fx fy fz"
    awk '/^ITEM: ATOMS/ { on = 1; next } on { print $1, $2, $3, $4 }' forces
} | half | xz -9 > "$here/switch/charmm.forces.txt.xz"
