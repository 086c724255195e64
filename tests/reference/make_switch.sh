#!/bin/bash
# Regenerates switch/: energies and forces (of every second atom) of a Lennard-Jones mixture (tests/system/switch_scene.py:
# 4,000 atoms of two types, Lorentz-Berthelot) with switched potentials, from 2 to 2.5 sigma of argon.
#   force, potential   GROMACS 2022.5 in double precision (Debian's gmx_d), vdw-modifier Force-switch and Potential-switch,
#                      DispCorr EnerPres, in nm; one step of `mdrun -nsteps 0`. rlist is far beyond the cutoff, as in
#                      make_rf.sh. Velocities are zero: the pressure is the virial's and the correction's.
#   charmm             LAMMPS 29 Sep 2021 (Debian's lmp), lj/charmm/coul/charmm without charges, reduced units
set -eu
here=$(dirname "$(readlink -f "$0")")
root=$here/../..
gmx_d() { "$root/scripts/bench/gmx.sh" gmx_d "$@"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$here/switch"
python3 "$root/tests/system/switch_scene.py" "$work"
half() { awk '/^#/ || $1 % 2 == 1'; }
for kind in force potential; do
    cat > "$work/a.mdp" << MDP
integrator = md
dt = 0.002
nsteps = 0
cutoff-scheme = Verlet
nstlist = 10
verlet-buffer-tolerance = -1
rlist = 1.25
coulombtype = Cut-off
rcoulomb = 0.85125
rvdw = 0.85125
rvdw-switch = 0.681
vdwtype = Cut-off
vdw-modifier = ${kind^}-switch
DispCorr = EnerPres
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
        gmx_d grompp -quiet -f a.mdp -c mixture.gro -p mixture.top -o a.tpr -po out.mdp -maxwarn 9 > log 2>&1 &&
            gmx_d mdrun -quiet -s a.tpr -deffnm a -ntmpi 1 -ntomp 1 >> log 2>&1 || { tail -30 log; exit 1; }
        (seq 1 99; echo 0) | gmx_d energy -quiet -f a.edr -o a.xvg -dp > log 2>&1
    )
    {
        echo "# GROMACS 2022.5 double; mixture of switch_scene.py, rvdw-switch 0.681, rvdw 0.85125, vdw-modifier ${kind^}-switch, DispCorr EnerPres"
        awk -F'"' '/^@ s[0-9]+ legend/ { name[++n] = $2 } !/^[@#]/ { split($0, v, " "); for (i = 1; i <= n; i++) print name[i] "\t" v[i + 1]; exit }' \
            "$work/a.xvg"
    } > "$here/switch/$kind.energy.txt"
    python3 "$here/trr_forces.py" "$work/a.trr" "$work/a.txt.xz"
    xz -dc "$work/a.txt.xz" | half | xz -9 > "$here/switch/$kind.forces.txt.xz"
done
cat > "$work/in" << 'LMP'
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
(cd "$work" && lmp -nocite -log log -screen none -in in)
{
    echo "# LAMMPS 29 Sep 2021; mixture of switch_scene.py, lj/charmm/coul/charmm 2.0 2.5 without charges or velocities"
    awk '/^Step/ { getline; printf "E_vdwl\t%s\nPress\t%s\n", $2, $3; exit }' "$work/log"
} > "$here/switch/charmm.energy.txt"
{
    echo "# id fx fy fz"
    awk '/^ITEM: ATOMS/ { on = 1; next } on { print $1, $2, $3, $4 }' "$work/forces"
} | half | xz -9 > "$here/switch/charmm.forces.txt.xz"
