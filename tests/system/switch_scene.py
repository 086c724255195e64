#!/usr/bin/env python3
"""A mixture for switched Lennard-Jones: inputs/lj-melt/snap-4k, of which two thirds are argon and the rest somewhat larger.
usage: switch_scene.py FOLDER   writes mixture.gro and mixture.top (in nm, for GROMACS), mixture.data (for LAMMPS)"""
import lzma, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIGMA, EPSILON = 0.3405, 0.996                  # argon; reduced units of the data file
N, SMALL = 4000, 2667
TYPES = (('AR', 39.948, 1.0, 1.0), ('KR', 83.798, 1.03, 1.3))  # name, mass, sigma and epsilon over argon's
START, CUTOFF = 2.0, 2.5                        # sigma


def write(folder):
    lines = lzma.open(ROOT / 'inputs/lj-melt/snap-4k.data.xz', 'rt').read().split('\n')
    edge = float([l for l in lines if l.endswith('xlo xhi')][0].split()[1])
    first = [i for i, l in enumerate(lines) if l.startswith('Atoms')][0] + 2
    rows = sorted(((int(w[0]), *w[2:5]) for w in (l.split() for l in lines[first:first + N])))
    with open(Path(folder) / 'mixture.data', 'w') as out:
        out.write('LAMMPS data file: a mixture\n\n%d atoms\n2 atom types\n\n' % N)
        out.writelines('0 %.17g %slo %shi\n' % (edge, axis, axis) for axis in 'xyz')
        out.write('\nMasses\n\n1 1\n2 2\n\nAtoms # full\n\n')
        out.writelines('%d 1 %d 0 %s %s %s\n' % (i, 1 + (i > SMALL), *x) for i, *x in rows)
    with open(Path(folder) / 'mixture.gro', 'w') as out:
        out.write('mixture\n%d\n' % N)
        for i, *x in rows:
            name = TYPES[i > SMALL][0]
            out.write('%5d%-5s%5s%5d%12.7f%12.7f%12.7f\n' % (i, name, name, i, *(float(t) * SIGMA for t in x)))
        out.write('%.9f %.9f %.9f\n' % ((edge * SIGMA, ) * 3))
    with open(Path(folder) / 'mixture.top', 'w') as out:
        out.write('[ defaults ]\n1 2 no 1.0 1.0\n[ atomtypes ]\n')
        out.writelines('%s %g 0.0 A %.10g %.10g\n' % (name, mass, sigma * SIGMA, epsilon * EPSILON)
                       for name, mass, sigma, epsilon in TYPES)
        for name, mass, _, _ in TYPES:
            out.write('[ moleculetype ]\n%s 1\n[ atoms ]\n1 %s 1 %s %s 1 0.0 %g\n' % (name, name, name, name, mass))
        out.write('[ system ]\nmixture\n[ molecules ]\nAR %d\nKR %d\n' % (SMALL, N - SMALL))


if __name__ == '__main__':
    write(sys.argv[1])
