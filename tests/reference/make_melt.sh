#!/bin/bash
# Regenerates lj-melt/: forces of the start (32k: every second atom), and 100 steps of thermo, every step, of the Lennard-Jones melt from Debian's LAMMPS (29 Sep 2021),
# started from inputs/lj-melt/snap-{4k,32k}.data.xz (positions to 8 and velocities to 6 decimals: the file is the exact
# start), velocity Verlet, dt 0.005, cutoff 2.5 unshifted. Extensive energies. And the same from a start in which every
# velocity component is moved by 1e-6 up or down, one unit of the file's last digit and about what 100 steps of forces
# good to 1e-6 add up to: what the system makes of a perturbation of that size is the bar for the fast kernels.
set -eu
here=$(dirname "$(readlink -f "$0")")
root=$here/../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/in" << 'LMP'
units lj
atom_style atomic
read_data ${data}
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0 2.5
neighbor 0.5 bin
neigh_modify every 1 delay 0 check yes
timestep 0.005
thermo_style custom step temp epair ke etotal press
thermo_modify format float %.15g norm no
thermo 1
fix 1 all nve
dump f all custom 1000 forces.${data} id fx fy fz
dump_modify f format float %.10g sort id
run 100
LMP
for size in 4k 32k; do
    xz -dc "$root/inputs/lj-melt/snap-$size.data.xz" > "$work/exact.data"
    awk 'function sign(k) { k = sin(k) * 43758.5453; return k - int(k) > (k < 0 ? -0.5 : 0.5) ? 1e-6 : -1e-6 }
         /^Velocities/ { on = 1 }
         on && NF == 4 { for (c = 2; c <= 4; c++) $c = sprintf("%.6f", $c + sign(12.9898 * $1 + 78.233 * c)) }
         { print }' \
        "$work/exact.data" > "$work/moved.data"
    for start in exact moved; do
        (cd "$work" && lmp -nocite -v data $start.data -log log.$start -screen none -in in)
        {
            echo "# LAMMPS 29 Sep 2021, lj/cut 2.5, NVE, dt 0.005, snap-$size.data, start $start: step temp epair ke etotal press"
            awk '/^Step/ { on = 1; next } /^Loop/ { on = 0 } on { print $1, $2, $3, $4, $5, $6 }' "$work/log.$start"
        } > "$here/lj-melt/$size-$start.thermo.txt"
    done
    awk -v every=$([ $size = 4k ] && echo 1 || echo 2) 'BEGIN { print "# id fx fy fz" } /^ITEM: ATOMS/ { on = 1; next } on && ($1 - 1) % every == 0 { print $1, $2, $3, $4 }' \
        "$work/forces.exact.data" | xz -9 > "$here/lj-melt/$size.forces.txt.xz"
done
