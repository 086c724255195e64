#!/bin/bash
# Regenerates sites/: energies and forces of four- and five-site water (TIP4P, TIP5P: virtual sites in the plane and off
# it), of a linear molecule with a site on its axis (virtual_sites2), and of a peptide whose heavy atoms are held to other
# places in another box (position restraints, refcoord-scaling = all), with PME, from GROMACS 2022.5 in double precision
# (Debian's gmx_d), one step of `mdrun -nsteps 0`. Water is rigid; velocities are those of the file, half a step back.
# SKEIN_SYSTEMS: for the peptide.
set -eu
export GMX_NBNXN_EWALD_ANALYTICAL=1 # not from a table, whose forces are off by 7e-7
. "$(dirname "$(readlink -f "$0")")/gromacs.sh"
mkdir -p "$here/sites"
{
    one_step 0.002 1.2
    pme
    printf 'constraints = none\nrefcoord-scaling = all\n'
} > ref.mdp
# The reference of NAME.gro and NAME.top, restraints held to $2.
reference() {
    simulate -f ref.mdp -c $1.gro -r $2 -p $1.top -pp pp.top
    keep "$here/sites/$1" "$1, PME $(pme_mesh)"
    xz -9e < $1.gro > "$here/sites/$1.gro.xz"
    xz -9e < pp.top > "$here/sites/$1.top.xz"
}
# Sites of NAME.gro to twelve decimals: what `mdrun -nsteps 0` takes them to be in pairs (the mesh has them made anew).
cat > sites.py << 'PY'
import sys
import numpy
name, stride = sys.argv[1], int(sys.argv[2])
rules = {'tip4p': [(3, 0.128012065, 0.128012065, 0)], 'line': [(2, 0.5, 0, 0)],
         'tip5p': [(3, -0.344908, -0.344908, -6.4437903493), (4, -0.344908, -0.344908, 6.4437903493)]}[name]
lines = open(name + '.gro').read().split('\n')
n = int(lines[1])
x = numpy.array([[float(l[20 + 8 * k:28 + 8 * k]) for k in range(3)] for l in lines[2:2 + n]])
box = numpy.array([float(w) for w in lines[2 + n].split()])
for site, a, b, c in rules:
    u, v = x[1::stride] - x[0::stride], x[2::stride] - x[0::stride]
    u, v = u - box * numpy.rint(u / box), v - box * numpy.rint(v / box)
    x[site::stride] = x[0::stride] + a * u + b * v + c * numpy.cross(u, v)
with open(name + '.gro', 'w') as out:
    out.write('\n'.join(lines[:2]) + '\n')
    for l, place in zip(lines[2:2 + n], x):
        velocity = [float(l[44 + 8 * k:52 + 8 * k]) for k in range(3)]
        out.write(l[:20] + ''.join('%17.12f' % w for w in place) + ''.join('%17.13f' % w for w in velocity) + '\n')
    out.write(lines[2 + n] + '\n')
PY
for water in tip4p tip5p; do
    run gmx solvate -quiet -cs $water.gro -box 2.5 2.5 2.5 -o $water.gro
    n=$(($(sed -n 2p $water.gro) / ${water:3:1}))
    printf '#include "oplsaa.ff/forcefield.itp"\n#include "oplsaa.ff/%s.itp"\n[ system ]\n%s\n[ molecules ]\nSOL %d\n' $water $water $n > $water.top
    equilibrate $water $water.gro 100 2000 none
    "$python" sites.py $water ${water:3:1}
    reference $water $water.gro
done
# Three charges in a line, the outer ones at the ends of a bond, the middle one on it: a model of nitrogen.
cat > line.top << TOP
[ defaults ]
1 2 no 1.0 1.0
[ atomtypes ]
N 7 14.0067 0 A 0.331 0.2993
M 0 0 0 D 0 0
[ moleculetype ]
N2 2
[ atoms ]
1 N 1 N2 N1 1 -0.482
2 N 1 N2 N2 1 -0.482
3 M 1 N2 COM 1 0.964 0
[ bonds ]
1 2 1 0.11 500000
[ virtual_sites2 ]
3 1 2 1 0.5
[ exclusions ]
1 2 3
2 1 3
3 1 2
[ system ]
nitrogen
[ molecules ]
N2 300
TOP
printf 'one\n3\n    1N2     N1    1   0.000   0.000   0.000\n    1N2     N2    2   0.110   0.000   0.000\n    1N2    COM    3   0.055   0.000   0.000\n 1 1 1\n' > one.gro
run gmx insert-molecules -quiet -ci one.gro -nmol 300 -box 2.7 2.7 2.7 -seed 2 -o line.gro
equilibrate line line.gro 100 2000 none
"$python" sites.py line 3
reference line line.gro
xz -dc "$systems/aladip/conf-ala-amber.gro.xz" > held.gro
xz -dc "$systems/aladip/topol-ala-amber.pp.top.xz" > held.top
"$python" - << 'PY'
import math, re
lines = open('held.gro').read().split('\n')
n = int(lines[1])
heavy = [i + 1 for i, l in enumerate(lines[2:2 + n]) if l[5:10].strip() != 'SOL' and not l[10:15].strip().startswith('H')]
text = open('held.top').read()
block = '[ position_restraints ]\n' + ''.join('%d 1 %d %d %d\n' % (a, 1000, 500 * (a % 3), 2000) for a in heavy)
start = text.index('[ moleculetype ]', text.index('[ moleculetype ]'))
end = text.index('[ moleculetype ]', start + 5)  # the peptide is the first molecule
open('held.top', 'w').write(text[:end] + block + '\n' + text[end:])
width = lines[2].index('.', lines[2].index('.') + 1) - lines[2].index('.')
out = lines[:2]
for i, l in enumerate(lines[2:2 + n]):
    x = [float(l[20 + width * k:20 + width * (k + 1)]) * 1.02 + 0.03 * math.sin(7 * i + k) for k in range(3)]
    out.append(l[:20] + ''.join('%*.*f' % (width, width - 5, c) for c in x))
out.append(' '.join('%.5f' % (1.02 * float(w)) for w in lines[2 + n].split()))
open('place.gro', 'w').write('\n'.join(out) + '\n')
PY
reference held place.gro
xz -9e < place.gro > "$here/sites/place.gro.xz"
