#!/usr/bin/env python3
"""Regenerates lammps/: energies, forces and pressure of small molecules with every supported style of bonds, angles,
dihedrals and impropers and with weights of special_bonds, from LAMMPS 29 Sep 2021 (Debian's lmp), one `run 0` each.

    make_lammps.py            writes NAME.data, NAME.in, NAME.thermo.txt and NAME.forces.txt.xz for all NAMEs

The molecules are made up: a ring of five atoms with a tail, in random shapes, some across the faces of the box; the
numbers have no chemistry. Lines of NAME.in below '# model' are what a run file takes over (tests/system/test_lammps.py).
Charmm's switch, from 8.99999999 to 9, is none for any pair that there is. All output has 17 digits."""
import lzma, math, os, random, subprocess, sys
from pathlib import Path

HERE = Path(__file__).resolve().parent / 'lammps'
BONDS = [(1, 2), (2, 3), (3, 4), (4, 5), (5, 1), (1, 6), (6, 7), (7, 8), (3, 9)]
ATOMS = 9


def paths(length):
    """Paths of so many atoms along bonds, each once."""
    near = {i: [b for a, b in BONDS if a == i] + [a for a, b in BONDS if b == i] for i in range(1, ATOMS + 1)}
    found = [[i] for i in near]
    for _ in range(length - 1):
        found = [p + [j] for p in found for j in near[p[-1]] if j not in p]
    return sorted(p for p in found if p[0] < p[-1])


def shape(rng, length):
    """Places with bonds of about that length and nothing too close."""
    while True:
        x = [[length * math.cos(k * 1.2566), length * math.sin(k * 1.2566), 0] for k in range(5)]
        x += [[0, 0, 0] for _ in range(4)]
        x = [[0.86 * c + 0.12 * length * rng.uniform(-1, 1) for c in p] for p in x]
        for i, j in BONDS[5:]:
            d = [rng.gauss(0, 1) for _ in range(3)]
            scale = length * rng.uniform(0.95, 1.1) / math.dist(d, [0, 0, 0])
            x[j - 1] = [a + scale * b for a, b in zip(x[i - 1], d)]
        if all(math.dist(x[i], x[j]) > 0.9 * length for i in range(ATOMS) for j in range(i)):
            return x


def write_data(name, rng, edge, copies, length, ntypes, coeffs, types):
    """coeffs: section to lines; types: terms of a molecule as (section, type, atoms)."""
    sections = {'Bonds': [], 'Angles': [], 'Dihedrals': [], 'Impropers': []}
    atoms = []
    for m in range(copies):
        x = shape(rng, length)
        centre = [edge * (0.5 * (m >> k & 1) + 0.02) for k in range(3)]
        for i in range(ATOMS):
            place = [(c + p) % edge for c, p in zip(centre, x[i])]
            charge = [0.3, -0.4, 0.15, 0, -0.25, 0.35, -0.1, 0.2, -0.25][i]
            atoms.append('%d %d %d %s%s' % (m * ATOMS + i + 1, m + 1, 1 + i * i % ntypes, '%g ' % charge if name != 'beads'
                                            else '', ' '.join('%.6f' % p for p in place)))
        for section, kind, term in types:
            rows = sections[section]
            ids = [m * ATOMS + i for i in (term if rng.random() < 0.5 else term[::-1])]
            rows.append('%d %d %s' % (len(rows) + 1, kind, ' '.join(map(str, ids))))
    lines = ['%s: made by make_lammps.py' % name, '', '%d atoms' % len(atoms), '%d atom types' % ntypes]
    for section, rows in sections.items():
        kinds = [k for s, k, _ in types if s == section]
        lines += ['%d %s' % (len(rows), section.lower()), '%d %s types' % (max(kinds, default=0), section.lower()[:-1])]
    lines += ['', *('0 %g %slo %shi' % (edge, c, c) for c in 'xyz'), '', 'Masses', '']
    lines += ['%d %g' % (t + 1, 12 + t) for t in range(ntypes)]
    for section, rows in coeffs.items():
        lines += ['', section, '', *('%d %s' % (i + 1, r) for i, r in enumerate(rows))]
    lines += ['', 'Atoms # ' + ('molecular' if name == 'beads' else 'full'), '', *atoms]
    for section, rows in sections.items():
        if rows:
            rng.shuffle(rows)
            lines += ['', section, '', *rows]
    (HERE / (name + '.data')).write_text('\n'.join(lines) + '\n')


def terms(nbonds, nangles, ndihedrals, nimpropers, doubles=0):
    """All bonds, angles and dihedrals, with types in turn, some dihedrals twice; impropers at the branches."""
    found = [('Bonds', 1 + k % nbonds, list(b)) for k, b in enumerate(BONDS)]
    found += [('Angles', 1 + k % nangles, p) for k, p in enumerate(paths(3)) if nangles]
    found += [('Dihedrals', 1 + k % ndihedrals, p) for k, p in enumerate(paths(4)) if ndihedrals]
    found += [('Dihedrals', 1 + (k + 1) % ndihedrals, p) for k, p in enumerate(paths(4)[:doubles])]
    branches = [[1, 2, 5, 6], [2, 3, 4, 9], [5, 1, 6, 2]]
    return found + [('Impropers', 1 + k % nimpropers, p) for k, p in enumerate(branches) if nimpropers]


SCRIPTS = {
    'opls': '''units real
atom_style full
# model
pair_style lj/cut/coul/cut 8.0 10.0
pair_modify mix geometric
pair_coeff 1 2 0.05 1.9
bond_style harmonic
angle_style harmonic
angle_coeff 2 47.0 111.0
dihedral_style opls
improper_style cvff
special_bonds lj 0 0 0.5 coul 0 0 0.5
''',
    'amber': '''units real
atom_style full
# model
pair_style lj/cut/coul/cut 9.0
pair_modify mix arithmetic
pair_coeff * * 0.1 2.1
pair_coeff 2 * 0.07 2.4
pair_coeff 3 3 0.0 1.0
bond_style harmonic
bond_coeff * 310.0 1.4
bond_coeff 2 367.5 1.5
angle_style harmonic
angle_coeff 1 63.0 120.0
angle_coeff 2* 50.0 109.5
dihedral_style harmonic
dihedral_coeff 1 3.625 -1 2
dihedral_coeff 2 0.155 1 3
dihedral_coeff 3 0.8 -1 1
improper_style harmonic
improper_coeff 1 10.5 180.0
improper_coeff 2 1.1 0.0
special_bonds amber
''',
    'charmm': '''units real
atom_style full
# model
pair_style lj/charmm/coul/charmm 8.99999999 9.0
pair_coeff 1 1 0.11 2.0 0.1 1.9
pair_coeff 2 2 0.08 2.2 0.01 2.0
pair_coeff 3 3 0.05 1.5
pair_coeff 1 3 0.3 1.8 0.2 1.6
bond_style harmonic
angle_style charmm
dihedral_style charmm
improper_style harmonic
special_bonds charmm
''',
    'beads': '''units lj
atom_style molecular
# model
pair_style lj/cut 2.5
bond_style fene
angle_style harmonic
dihedral_style multi/harmonic
special_bonds lj 0 0.3 1
'''}

COMMON = '''read_data %s.data
%s
timestep 0.001
thermo_style custom step ebond eangle edihed eimp evdwl ecoul press
thermo_modify format float %%.17g norm no
dump d all custom 1 force.dump id fx fy fz
dump_modify d format float %%.17g sort id
run 0
'''


def write_all():
    rng = random.Random(2021)
    write_data('opls', rng, 24.0, 8, 1.5, 3,
               {'Pair Coeffs # lj/cut/coul/cut': ['0.066 2.0', '0.17 1.8', '0.03 1.4'],
                'Bond Coeffs # harmonic': ['268.0 1.529', '320.0 1.41', '340.0 1.45'],
                'Angle Coeffs # harmonic': ['58.35 112.7', '50.0 109.5'],
                'Dihedral Coeffs # opls': ['1.74 -0.157 0.279 0.0', '0.65 -0.25 0.67 0.31', '0.0 0.0 0.3 0.0'],
                'Improper Coeffs # cvff': ['1.1 -1 2', '0.9 1 3']}, terms(3, 2, 3, 2))
    write_data('amber', rng, 24.0, 8, 1.45, 3, {}, terms(2, 3, 3, 2, 5))
    write_data('charmm', rng, 24.0, 8, 1.45, 3,
               {'Bond Coeffs # harmonic': ['222.5 1.53', '305.0 1.375'],
                'Angle Coeffs # charmm': ['33.0 109.5 30.0 2.163', '50.0 120.0 0.0 0.0', '35.5 108.4 5.4 1.802'],
                'Dihedral Coeffs # charmm': ['0.2 1 180 1.0', '2.5 2 60 0.5', '0.04 3 -30 0.0', '0.0 1 0 1.0', '0.3 0 0 0.25'],
                'Improper Coeffs # harmonic': ['120.0 0.0', '20.0 180.0']}, terms(2, 3, 5, 2, 4))
    write_data('beads', rng, 10.0, 8, 0.9, 2,
               {'Pair Coeffs # lj/cut': ['1.0 0.8', '0.7 0.9'],
                'Bond Coeffs # fene': ['30.0 1.2 1.0 0.8', '40.0 1.25 0.0 0.0'],
                'Angle Coeffs # harmonic': ['5.0 109.5', '3.0 140.0'],
                'Dihedral Coeffs # multi/harmonic': ['1.0 0.7 -0.4 0.3 0.2', '0.5 -0.2 0.1 0.0 0.0']},
               terms(2, 2, 2, 0))


def refer(name):
    head, model = SCRIPTS[name].split('# model\n')
    styles = [l for l in model.split('\n') if '_coeff' not in l]
    coeffs = [l for l in model.split('\n') if '_coeff' in l]
    script = head + '# model\n' + '\n'.join(styles) + COMMON % (name, '\n'.join(coeffs))
    (HERE / (name + '.in')).write_text(script)
    subprocess.run(['lmp', '-nocite', '-log', 'log', '-screen', 'none', '-in', name + '.in'], check=True)
    log = open('log').read().split('\n')
    row = [i for i, l in enumerate(log) if l.startswith('Step')][0]
    (HERE / (name + '.thermo.txt')).write_text('%s\n%s\n' % (log[row].strip(), log[row + 1].strip()))
    dump = ''.join(open('force.dump').readlines()[9:])
    with lzma.open(HERE / (name + '.forces.txt.xz'), 'wt', preset=9) as out:
        out.write(dump)
    os.remove('force.dump')
    os.remove('log')


def main():
    HERE.mkdir(exist_ok=True)
    os.chdir(HERE)
    write_all()
    for name in SCRIPTS:
        refer(name)


if __name__ == '__main__':
    main()
