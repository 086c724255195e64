#!/usr/bin/env python3
"""The kernels of kernel/bonded.h on whole molecules: the terms of two peptides in three force fields, looked up here
from self-contained topologies by a small reader of its own, against the energies by term of double-precision GROMACS
2022.5; and of a chain and a peptide against those of LAMMPS (29 Sep 2021). The kernels are compiled into a library of
their own and called directly: nothing of the engine stands between."""
import ctypes, lzma, math, os, shutil, subprocess, sys, tempfile
from pathlib import Path

sys.dont_write_bytecode = True
from claims import ROOT, SYSTEMS, claim, have_failed

BLOCK, VECTORS = 32, 4  # SK_BONDED_BLOCK, SK_BONDED_VECTORS
COULOMB = 138.9354576   # of GROMACS 2022
DEGREE = math.pi / 180


class Map(ctypes.Structure):
    _fields_ = [('n', ctypes.c_int), ('node', ctypes.c_void_p)]


class Block(ctypes.Structure):
    _fields_ = [('n', ctypes.c_int), ('p', ctypes.c_void_p), ('maps', ctypes.c_void_p),
                ('d', ctypes.c_double * BLOCK * 3 * VECTORS), ('energy', ctypes.c_double * BLOCK * 2),
                ('g', ctypes.c_double * BLOCK * 3 * VECTORS)]


def library(folder):
    path = Path(folder, 'bonded.so')
    sources = [ROOT / 'src' / name for name in ('kernel/bonded.c', 'kernel/torsion.c', 'base/math.c', 'base/status.c')]
    compiler = shutil.which('mpicc') or 'cc'
    subprocess.run([compiler, '-std=c11', '-O2', '-ffp-contract=off', '-fPIC', '-shared', '-D_GNU_SOURCE',
                    '-I%s' % (ROOT / 'src'), '-o', path, *sources, '-lm'], check=True)
    return ctypes.CDLL(str(path))


def sections(text):
    """(section, words) of every data line; lines that go on are joined."""
    name = None
    for line in text.replace('\\\n', ' ').split('\n'):
        words = line.split(';')[0].split()
        if words[:1] == ['[']:
            name = words[1]
        elif words:
            yield name, words


class Topology:
    """The first molecule of a topology without includes and macros, and the types of the force field."""

    def __init__(self, text):
        self.types, self.lj, self.charge, self.bond_type = {}, {}, [], []
        self.terms, self.atom_type = {}, []
        molecules = 0
        for name, w in sections(text):
            molecules += name == 'moleculetype'
            if molecules > 1 and name not in ('system', 'molecules'):
                break
            if name == 'defaults':
                self.rule, self.fudge_lj, self.fudge_qq = int(w[1]), float(w[3]), float(w[4])
            elif name == 'atomtypes':
                self.lj[w[0]] = (w[1] if len(w) == 8 else w[0], float(w[-2]), float(w[-1]))
            elif name == 'atoms':
                self.atom_type.append(w[1])
                self.bond_type.append(self.lj[w[1]][0])
                self.charge.append(float(w[6]))
            elif name in ('bonds', 'pairs', 'angles', 'dihedrals', 'cmap'):
                self.terms.setdefault(name, []).append(w)
            elif name and name.endswith('types'):
                self.types.setdefault(name, []).append(w)

    def look_up(self, name, names, function):
        """The lines of a table that fit best: fewest wildcards, first of those; all that follow with the same names."""
        best, count = None, len(names) + 1
        table = self.types.get(name, [])
        for k, w in enumerate(table):
            if w[len(names)] != function:
                continue
            for way in (names, names[::-1]):
                wild = sum(a == 'X' for a in w[:len(names)])
                if wild < count and all(a in ('X', b) for a, b in zip(w, way)):
                    best, count = k, wild
        if best is None:
            raise KeyError('%s %s %s' % (name, names, function))
        found, last = [], best
        while last < len(table) and table[last][:len(names) + 1] == table[best][:len(names) + 1]:
            found.append(table[last][len(names) + 1:])
            last += 1
        return found if function == '9' else found[:1]

    def parameters(self, section, natoms):
        """(atoms, function, parameters) of every term; those of type 9 may be several."""
        table = {'bonds': 'bondtypes', 'angles': 'angletypes', 'dihedrals': 'dihedraltypes', 'cmap': 'cmaptypes'}
        for w in self.terms.get(section, []):
            atoms, function = [int(a) - 1 for a in w[:natoms]], w[natoms]
            given = [w[natoms + 1:]] if len(w) > natoms + 1 else \
                self.look_up(table[section], [self.bond_type[a] for a in atoms], function)
            for values in given:
                yield atoms, function, [float(v) for v in values]

    def pair(self, i, j):
        a, b = self.atom_type[i], self.atom_type[j]
        for w in self.types.get('pairtypes', []):
            if w[:2] in ([a, b], [b, a]):
                sigma, epsilon = float(w[3]), float(w[4])
                break
        else:
            (_, sa, ea), (_, sb, eb) = self.lj[a], self.lj[b]
            sigma = math.sqrt(sa * sb) if self.rule == 3 else 0.5 * (sa + sb)
            epsilon = self.fudge_lj * math.sqrt(ea * eb)
        six = sigma ** 6
        qq = COULOMB * self.fudge_qq * self.charge[i] * self.charge[j]
        return [4 * epsilon * six, 4 * epsilon * six * six, qq]


def terms_of(top, maps):
    """(name of GROMACS, kernel, atoms, parameters); maps gets the grids."""
    for atoms, _, (b, k) in top.parameters('bonds', 2):
        yield 'Bond', 'bond_harmonic', atoms, [b, k]
    for atoms, function, p in top.parameters('angles', 3):
        if function == '5':
            yield 'U-B', 'angle_urey_bradley', atoms, [p[0] * DEGREE, p[1], p[2], p[3]]
        else:
            yield 'Angle', 'angle_harmonic', atoms, [p[0] * DEGREE, p[1]]
    for atoms, function, p in top.parameters('dihedrals', 4):
        if function == '3':
            yield 'Ryckaert-Bell.', 'dihedral_ryckaert', atoms, p
        elif function == '2':
            yield 'Improper Dih.', 'improper_harmonic', atoms, [p[0] * DEGREE, p[1]]
        else:
            name = 'Per. Imp. Dih.' if function == '4' else 'Proper Dih.'
            yield name, 'dihedral_periodic', atoms, ('periodic', p[0] * DEGREE, p[1], int(p[2]))
    for atoms, _, p in top.parameters('cmap', 5):
        assert p[0] == p[1]
        maps.append((int(p[0]), p[2:]))
        yield 'CMAP Dih.', 'cmap', atoms, [len(maps) - 1]
    for w in top.terms['pairs']:
        i, j = int(w[0]) - 1, int(w[1]) - 1
        yield 'pair', 'pair', [i, j], top.pair(i, j)


def prepared(lib, p):
    if p[0] != 'periodic':
        return p
    out = (ctypes.c_double * 4)()
    lib.sk_bonded_prepare_periodic(ctypes.c_double(p[1]), ctypes.c_double(p[2]), ctypes.c_int(p[3]), out)
    return list(out)


def prepared_maps(lib, maps):
    """Map structures and what they point to."""
    nodes = [(ctypes.c_double * (4 * n * n))() for n, _ in maps]
    for (n, energy), node in zip(maps, nodes):
        assert len(energy) == n * n
        lib.sk_bonded_prepare_map(ctypes.c_int(n), (ctypes.c_double * (n * n))(*energy), node)
    return (Map * max(1, len(maps)))(*[Map(n, ctypes.addressof(node)) for (n, _), node in zip(maps, nodes)]), nodes


def energies(lib, terms, maps, x, box):
    """Sums of the terms' energies by name, a block of terms of one name and kernel at a time."""
    held, nodes = prepared_maps(lib, maps)
    alike, total = {}, {}
    for name, kernel, atoms, p in terms:
        alike.setdefault((name, kernel), []).append((atoms, prepared(lib, p)))
    for (name, kernel), those in alike.items():
        for start in range(0, len(those), BLOCK):
            some = those[start:start + BLOCK]
            values = (ctypes.c_double * BLOCK * 6)()
            block = Block(n=len(some), p=ctypes.addressof(values), maps=ctypes.addressof(held))
            for lane, (atoms, p) in enumerate(some):
                for v, value in enumerate(p):
                    values[v][lane] = value
                for v in range(len(atoms) - 1):
                    head, tail = x[atoms[v + v % 2]], x[atoms[v + 1 - v % 2]]
                    for a in range(3):
                        d = head[a] - tail[a]
                        block.d[v][a][lane] = d - box[a] * round(d / box[a])
            getattr(lib, 'sk_bonded_' + kernel)(ctypes.byref(block))
            for part, label in enumerate(['LJ-14', 'Coulomb-14'] if kernel == 'pair' else [name]):
                total.setdefault(label, []).extend(block.energy[part][:len(some)])
    return {name: math.fsum(values) for name, values in total.items()}


def read_gro(text, natoms):
    lines = text.split('\n')
    width = lines[2].index('.', lines[2].index('.') + 1) - lines[2].index('.')
    x = [[float(line[20 + k * width:20 + (k + 1) * width]) for k in range(3)] for line in lines[2:2 + natoms]]
    return x, [float(v) for v in lines[2 + int(lines[1])].split()[:3]]


def check(lib, folder, system):
    top = Topology(lzma.open(folder / ('topol-%s.pp.top.xz' % system), 'rt').read())
    x, box = read_gro(lzma.open(folder / ('conf-%s.gro.xz' % system), 'rt').read(), len(top.charge))
    reference = open(folder / 'ref' / ('%s-plain.energy.txt' % system)).read()
    expected = dict(line.split('\t')[:2] for line in reference.splitlines())
    maps = []
    terms = list(terms_of(top, maps))
    found = energies(lib, terms, maps, x, box)
    wanted = {name for name in ('Bond', 'Angle', 'U-B', 'Proper Dih.', 'Ryckaert-Bell.', 'Improper Dih.',
                                'Per. Imp. Dih.', 'CMAP Dih.', 'LJ-14', 'Coulomb-14') if name in expected}
    claim('%s: the terms are those of GROMACS' % system, set(found) == wanted, ' '.join(sorted(found)))
    for name in sorted(wanted & set(found)):
        value = float(expected[name])
        off = abs(found[name] - value) / abs(value)
        claim('%s: %s to 1e-8' % (system, name), off <= 1e-8,
              '%.9f, GROMACS %.9f, off by %.1e' % (found[name], value, off))


def read_data(text):
    """Sections of a LAMMPS data file, as lists of words, and the box edges."""
    found, name, box = {}, None, []
    for line in text.split('\n')[1:]:
        words = line.split('#')[0].split()
        if words and words[-1] in ('xhi', 'yhi', 'zhi'):
            box.append(float(words[1]) - float(words[0]))
        elif words and words[0][0].isalpha():
            name = ' '.join(words)
        elif words and name:
            found.setdefault(name, []).append(words)
    return found, box


def lammps_terms(data, bond, chain):
    """Terms of LAMMPS' styles harmonic or fene, charmm, charmm and harmonic, in its units: its k has no 1/2."""
    def those(section):
        for w in data.get(section, []):
            yield w[1], [int(a) - 1 for a in w[2:]]
    c = {s: {w[0]: [float(v) for v in w[1:]] for w in data.get(s + ' Coeffs', [])}
         for s in ('Bond', 'Angle', 'Dihedral', 'Improper')}
    for kind, atoms in those('Bonds'):
        yield 'E_bond', bond, atoms, chain or [c['Bond'][kind][1], 2 * c['Bond'][kind][0]]
    for kind, atoms in those('Angles'):
        k, theta0, kub, b = c['Angle'][kind]
        yield 'E_angle', 'angle_urey_bradley', atoms, [theta0 * DEGREE, 2 * k, b, 2 * kub]
    for kind, atoms in those('Dihedrals'):
        k, n, phi0, _ = c['Dihedral'][kind]
        yield 'E_dihed', 'dihedral_periodic', atoms, ('periodic', phi0 * DEGREE, k, int(n))
    for kind, atoms in those('Impropers'):
        k, chi0 = c['Improper'][kind]
        yield 'E_impro', 'improper_harmonic', atoms, [chi0 * DEGREE, 2 * k]


def check_lammps(lib, name, folder, thermo, place, bond, chain):
    """`place`: column of x in the atoms' lines."""
    if not (SYSTEMS / folder).exists():
        print('skip %s: no %s in SKEIN_SYSTEMS' % (name, folder))
        return
    data, box = read_data(lzma.open(SYSTEMS / folder, 'rt').read())
    atoms = sorted(data['Atoms'], key=lambda w: int(w[0]))
    x = [[float(v) for v in w[place:place + 3]] for w in atoms]
    lines = [line.split() for line in open(SYSTEMS / thermo)]
    expected = dict(zip(lines[0], map(float, lines[1])))
    for term, value in sorted(energies(lib, lammps_terms(data, bond, chain), [], x, box).items()):
        off = abs(value - expected[term]) / abs(expected[term])
        claim('%s: %s to 1e-12' % (name, term), off <= 1e-12,
              '%.9f, LAMMPS %.9f, off by %.1e' % (value, expected[term], off))


def main():
    if not (SYSTEMS / 'aladip').is_dir():
        print('no reference systems (SKEIN_SYSTEMS)')
        return 77
    with tempfile.TemporaryDirectory() as scratch:
        lib = library(scratch)
        for system in ('ala-amber', 'ala-charmm27', 'ala-opls', 'pep-amber', 'pep-charmm27', 'pep-opls'):
            check(lib, SYSTEMS / 'aladip', system)
        check_lammps(lib, 'chain', 'chain/data.chain.xz', 'chain/ref/nve-thermo.txt', 3, 'bond_fene_lj',
                     [1.5, 30, 1, 1])
        check_lammps(lib, 'peptide', 'peptide-lmp/data.peptide.xz', 'peptide-lmp/ref/thermo-A.txt', 4, 'bond_harmonic',
                     None)
    return 1 if have_failed() else 0


if __name__ == '__main__':
    sys.exit(main())
