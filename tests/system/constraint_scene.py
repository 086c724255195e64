"""For the system tests of constraints: claims, runs of the program, and molecules with rigid bonds as .gro and .top
files. Positions are in nm, masses in amu; lengths of bonds are the distances of the atoms as they are made here."""
import itertools, json, math, os, shutil, subprocess, sys, tempfile, time
from pathlib import Path

import numpy

from claims import ALL, BUILD, REFERENCE, ROOT, SYSTEMS, claim, have_failed

SLOW = float(os.environ.get('SKEIN_SLOW', 1))
R = 0.0083144626181532403


def in_folder(prefix, parts):
    """Runs parts in an empty folder; ends the program. Names on the command line choose some."""
    folder = tempfile.mkdtemp(prefix=prefix)
    os.chdir(folder)
    try:
        for part in parts:
            if len(sys.argv) > 1 and part.__name__ not in sys.argv[1:]:
                continue
            began = time.monotonic()
            try:
                part()
            except (RuntimeError, OSError, KeyError, ValueError, IndexError) as error:
                claim('%s: %s: %s' % (part.__name__, type(error).__name__, error), False)
            print('    %s took %.1f s' % (part.__name__, time.monotonic() - began), flush=True)
    finally:
        os.chdir(ROOT)
        shutil.rmtree(folder)
    sys.exit(have_failed())


class Outcome:
    """What a run left: exit code (None: it did not end), messages, events of the log by kind."""

    def __init__(self, code, err, log):
        self.code, self.err, self.events = code, err, {}
        if os.path.exists(log):
            for line in open(log):
                try:
                    event = json.loads(line)
                except ValueError: # a run that failed may have left half a line
                    continue
                self.events.setdefault(event['event'], []).append(event)

    def __getitem__(self, key):
        return self.events['done'][-1][key]

    def pressures(self):
        return [(e['step'], e['pressure_axes_bar'], e['conserved']) for e in self.events['energy']]


def attempt(ini, ranks=1, steps=None, settings=(), environment=None, extra=(), limit=120, name='run'):
    """One run of `skein run`, whatever comes of it; log and checkpoint are called name."""
    log = name + '.jsonl'
    for old in (log, name + '.h5', name + '.h5.failed.txt'):
        if os.path.exists(old) and '--resume' not in extra:
            os.remove(old)
    command = ['mpirun', '-n', str(ranks)]
    for key, value in (environment or {}).items():
        command += ['-x', '%s=%s' % (key, value)]
    command += [str(BUILD / 'skein'), 'run', ini, '--quiet', '--log-json', log, *extra]
    if steps is not None:
        command += ['--steps', str(steps)]
    for s in ('output.checkpoint=%s.h5' % name,) + tuple(settings):
        command += ['--set', s]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True, start_new_session=True)
    try:
        err = process.communicate(timeout=limit * SLOW)[1]
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 15)
        err, code = process.communicate()[1], None
    return Outcome(code, err.split('-' * 40)[0], log) # without mpirun's own words


def run(ini, *arguments, **keywords):
    """The same for a run that must work."""
    outcome = attempt(ini, *arguments, **keywords)
    if outcome.code != 0:
        raise RuntimeError('skein run %s %s %s: code %s\n%s' % (ini, arguments, keywords, outcome.code,
                                                               outcome.err[-1500:]))
    return outcome


def variants():
    """The two widest kernels that this processor has."""
    flags = open('/proc/cpuinfo').read()
    names = ['baseline'] + [v for v, f in (('avx2', ' avx2'), ('avx512', ' avx512vl')) if f in flags]
    return tuple(names[-2:] if len(names) > 1 else names * 2)


def residual(checkpoint, topology, *options):
    """What scripts/constraint_residual.py says."""
    done = subprocess.run([sys.executable, '-B', str(ROOT / 'scripts/constraint_residual.py'), checkpoint, topology,
                           '--json', *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if not done.stdout:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


# ---- molecules ----

class Molecule:
    """x [n][3]; mass [n]; bonds: pairs, or triples with a length; settles: (OH, HH) of a rigid water."""

    def __init__(self, name, x, mass, bonds=(), settles=None, section='constraints', element='C', charge=0.0,
                 angles=(), sigma=0.0, epsilon=0.0, exclude=0):
        self.name, self.x = name, numpy.array(x, dtype=float)
        n = len(self.x)
        self.mass = [float(mass)] * n if numpy.isscalar(mass) else [float(m) for m in mass]
        self.charge = [float(charge)] * n if numpy.isscalar(charge) else list(charge)
        self.bonds = [(b[0], b[1], b[2] if len(b) > 2 else float(numpy.linalg.norm(self.x[b[0]] - self.x[b[1]])))
                      for b in bonds]
        self.settles, self.section, self.element, self.angles = settles, section, element, list(angles)
        self.lj = [(sigma, epsilon)] * n if numpy.isscalar(sigma) else list(zip(sigma, epsilon))
        self.exclude = exclude

    def types(self):
        """Name of the atom type of each atom: one for each mass, charge and strength."""
        kinds = sorted(set(zip(self.mass, self.charge, self.lj)))
        return ['%s%d' % (self.name, kinds.index(k)) for k in zip(self.mass, self.charge, self.lj)]


def near_bonds(x, length):
    d = numpy.linalg.norm(x[:, None] - x[None], axis=2)
    i, j = numpy.where(numpy.triu(d < 1.1 * length, 1))
    return list(zip(i.tolist(), j.tolist()))


def water():
    return Molecule('SOL', [[0, 0, 0], [0.081649, 0.0577359, 0], [-0.081649, 0.0577359, 0]], [15.9994, 1.008, 1.008],
                    settles=(0.1, 0.16330), element='O', exclude=2)


def ring(n, bond=0.14, mass=12.011, name='RNG', pucker=0.0):
    turn = 2 * math.pi / n
    radius = 0.5 * bond / math.sin(0.5 * turn)
    x = [[radius * math.cos(turn * i), radius * math.sin(turn * i), pucker * (-1)**i] for i in range(n)]
    return Molecule(name, x, mass, [(i, (i + 1) % n) for i in range(n)])


def net(columns, rows, name='NET'):
    b = 0.142
    w, x = b * math.sqrt(3), []
    for r in range(rows + 1):
        for c in range(columns + 1):
            left, up = w * c + 0.5 * w * r, 1.5 * b * r
            if (c, r) != (0, 0):
                x.append([left, up, 0])
            if (c, r) != (columns, rows):
                x.append([left + 0.5 * w, up + 0.5 * b, 0])
    x = numpy.array(x)
    return Molecule(name, x, 12.011, near_bonds(x, b))


def c60():
    phi = (1 + math.sqrt(5)) / 2
    x = set()
    for seed in ((0, 1, 3 * phi), (1, 2 + phi, 2 * phi), (phi, 2, 2 * phi + 1)):
        for signs in itertools.product((1, -1), repeat=3):
            p = [0.072 * s * c for s, c in zip(signs, seed)]
            for turn in range(3):
                x.add(tuple(round(p[(k + turn) % 3] + 0.0, 12) for k in range(3)))
    x = numpy.array(sorted(x))
    assert len(x) == 60
    return Molecule('C60', x, 12.011, near_bonds(x, 0.144))


def methane(nbonds=9, name='CH4'):
    a = 0.109 / math.sqrt(3)
    x = [[0, 0, 0], [a, a, a], [a, -a, -a], [-a, a, -a], [-a, -a, a]]
    return Molecule(name, x, [12.011] + 4 * [1.008], list(itertools.combinations(range(5), 2))[:nbonds])


def diamond():
    """Five rigid bonds: a square of 0.15 nm, folded, and one of its diagonals."""
    x = [[0, 0, 0], [0.15, 0, 0], [0.15, 0.14, 0.05], [0, 0.14, 0.05]]
    return Molecule('DIA', x, 12.011, [(0, 1), (1, 2), (2, 3), (0, 3), (0, 2)])


def chain(n, angle=None, bond=0.153, mass=14.027, name='CHN', seed=1, braced=False):
    """A chain of fixed angle in degrees, or freely jointed (beads two apart at least 0.9 bonds from each other)."""
    random = numpy.random.default_rng(seed)
    x, u = [numpy.zeros(3)], numpy.array([1.0, 0, 0])
    for _ in range(n - 1):
        while True:
            v = random.normal(size=3)
            v /= numpy.linalg.norm(v)
            along = u @ v
            if angle is None:
                if 2 + 2 * along >= 0.81:
                    break
            elif abs(along) < 0.9:
                v -= along * u
                bend = math.pi * (1 - angle / 180)
                v = math.cos(bend) * u + math.sin(bend) * v / numpy.linalg.norm(v)
                break
        u = v
        x.append(x[-1] + bond * u)
    bonds = [(i, i + 1) for i in range(n - 1)] + ([(i, i + 2) for i in range(n - 2)] if braced else [])
    return Molecule(name, x, mass, bonds)


def protein(nresidues, seed=5, section='bonds'):
    """Bonds like those of a protein: a backbone, side chains of several lengths, rings of six, hydrogens."""
    random = numpy.random.default_rng(seed)
    x, mass, bonds = [], [], []

    def grow(parent, length, m):
        """Bonded to parent, about a tetrahedral angle from its other bonds."""
        if parent is None:
            x.append(numpy.zeros(3))
        else:
            others = [x[b[1 - b.index(parent)]] - x[parent] for b in bonds if parent in b]
            best, least = None, 9
            for _ in range(60):
                u = random.normal(size=3)
                u /= numpy.linalg.norm(u)
                most = max([u @ o / numpy.linalg.norm(o) for o in others], default=-0.33)
                if abs(most + 0.33) < least:
                    best, least = u, abs(most + 0.33)
            x.append(x[parent] + length * best)
            bonds.append((parent, len(x) - 1))
        mass.append(m)
        return len(x) - 1

    def phenyl(parent):
        first = grow(parent, 0.151, 12.011)
        axis = (x[first] - x[parent]) / numpy.linalg.norm(x[first] - x[parent])
        side = numpy.cross(axis, random.normal(size=3))
        side /= numpy.linalg.norm(side)
        members = [first]
        for i in range(1, 6):
            out = math.sin(math.pi / 3 * i) * side - math.cos(math.pi / 3 * i) * axis
            for r, m in ((0.14, 12.011), (0.249, 1.008)):
                x.append(x[first] + 0.14 * axis + r * out)
                mass.append(m)
            members.append(len(x) - 2)
            bonds.extend([(members[-2], members[-1]), (members[-1], len(x) - 1)])
        bonds.append((members[0], members[-1]))

    last = None
    for r in range(nresidues):
        nitrogen = grow(last, 0.133, 14.007)
        alpha = grow(nitrogen, 0.147, 12.011)
        grow(nitrogen, 0.101, 1.008)
        last = grow(alpha, 0.153, 12.011)
        grow(alpha, 0.109, 1.008)
        grow(last, 0.123, 15.999)
        side = grow(alpha, 0.153, 12.011)
        for _ in range(r % 4):
            link = grow(side, 0.153, 12.011)
            grow(side, 0.109, 1.008)
            grow(side, 0.109, 1.008)
            side = link
        if r % 4 in (1, 2):
            phenyl(side)
        else:
            for _ in range(3):
                grow(side, 0.109, 1.008)
    return Molecule('PRO', x, mass, bonds, section=section)


def lattice_chain(n, edge, bond, name='LAT', mass=12.0):
    """A chain on a cubic lattice of about `bond` that fills a box of `edge` boustrophedon, layer by layer, a little
    displaced so that no three beads are in line."""
    per = int(edge / bond)
    random = numpy.random.default_rng(3)
    x, back, turned = [], False, False
    for layer in range(per):
        for row in reversed(range(per)) if turned else range(per):
            x += [[c, row, layer] for c in (reversed(range(per)) if back else range(per))]
            back = not back
        turned = not turned
    x = numpy.array(x[:n], dtype=float) * edge / per
    assert len(x) == n, 'the chain does not fit'
    x += random.uniform(-0.25, 0.25, x.shape) * edge / per
    return Molecule(name, x, mass, [(i, i + 1) for i in range(n - 1)])




def rotation(random):
    q = random.normal(size=4)
    w, a, b, c = q / numpy.linalg.norm(q)
    return numpy.array([[1 - 2 * (b * b + c * c), 2 * (a * b - w * c), 2 * (a * c + w * b)],
                        [2 * (a * b + w * c), 1 - 2 * (a * a + c * c), 2 * (b * c - w * a)],
                        [2 * (a * c - w * b), 2 * (b * c + w * a), 1 - 2 * (a * a + b * b)]])


def topology(path, blocks, duplicate=None, rule=2, extra=''):
    """blocks: (molecule, count). Every block of one name has the same molecule."""
    text = '[ defaults ]\n1 %d no 1.0 1.0\n[ atomtypes ]\n' % rule
    seen, kinds = {}, {}
    for molecule, _ in blocks:
        for kind, mass, charge, lj in zip(molecule.types(), molecule.mass, molecule.charge, molecule.lj):
            kinds[kind] = '%s %.6f %.6f A %.9g %.9g\n' % (kind, mass, charge, *lj)
    text += ''.join(kinds[k] for k in sorted(kinds)) + extra
    for molecule, _ in blocks:
        if molecule.name in seen:
            continue
        seen[molecule.name] = molecule
        text += '[ moleculetype ]\n%s %d\n[ atoms ]\n' % (molecule.name, molecule.exclude)
        names = atom_names(molecule)
        for i, kind in enumerate(molecule.types()):
            text += '%d %s 1 %s %s %d %.6f %.6f\n' % (i + 1, kind, molecule.name, names[i], i + 1, molecule.charge[i],
                                                    molecule.mass[i])
        if molecule.bonds:
            text += '[ %s ]\n' % molecule.section
            stiff = ' 1000' if molecule.section == 'bonds' else ''
            text += ''.join('%d %d 1 %.15g%s\n' % (i + 1, j + 1, d, stiff) for i, j, d in molecule.bonds)
        if molecule.angles:
            text += '[ angles ]\n' + ''.join('%d %d %d 1 %g 100\n' % a for a in molecule.angles)
        if molecule.settles:
            text += '[ settles ]\n1 1 %.9g %.9g\n[ exclusions ]\n1 2 3\n2 1 3\n3 1 2\n' % molecule.settles
    text += '[ system ]\nscene\n[ molecules ]\n' + ''.join('%s %d\n' % (m.name, count) for m, count in blocks)
    Path(path).write_text(text)


def atom_names(molecule):
    return ['H' if m < 1.2 else molecule.element for m in molecule.mass]


def structure(path, names, x, edge, v=None):
    """A .gro file with twelve decimals. names: (residue, atom)."""
    edge = [edge] * 3 if numpy.isscalar(edge) else edge
    with open(path, 'w') as out:
        out.write('scene\n%d\n' % len(x))
        for i, p in enumerate(x):
            out.write('%5d%-5s%5s%5d' % (1, *names[i], (i + 1) % 100000) + ''.join('%17.12f' % c for c in p))
            if v is not None:
                out.write(''.join('%17.13f' % c for c in v[i]))
            out.write('\n')
        out.write('%.12f %.12f %.12f\n' % tuple(edge))


INI = '''[system]
structure = %(name)s.gro
topology = %(name)s.top
velocities = %(velocities)s
[run]
integrator = leap-frog
dt_ps = 0.002
steps = 100
seed = 7
remove_com_every = 0
[nonbonded]
cutoff_nm = %(cutoff)g
coulomb = none
vdw_modifier = potential-shift
[constraints]
bonds = %(bonds)s
tolerance = 1e-10
[output]
energy_every = 10
'''


def scene(name, blocks, edge, seed=11, bonds='none', velocities='maxwell', cutoff=0.5, spread=True, v=None, at=None):
    """Files name.gro, .top and .ini of molecules turned and set anywhere in the box (spread), or on a lattice, or
    `at` their own places."""
    random = numpy.random.default_rng(seed)
    total = sum(count for _, count in blocks)
    per = math.ceil(total**(1 / 3))
    x, names, m = [], [], 0
    for molecule, count in blocks:
        for _ in range(count):
            centre = molecule.x.mean(axis=0)
            if at is not None:
                x.append(molecule.x + at[m])
            elif spread:
                x.append((molecule.x - centre) @ rotation(random).T + random.uniform(0, 1, 3) * edge)
            else:
                place = numpy.array([m % per, m // per % per, m // per**2]) + 0.5
                x.append((molecule.x - centre) @ rotation(random).T + place * edge / per)
            names += [(molecule.name, a) for a in atom_names(molecule)]
            m += 1
    x = numpy.concatenate(x)
    structure(name + '.gro', names, x, edge, v)
    topology(name + '.top', blocks)
    text = INI % {'name': name, 'bonds': bonds, 'velocities': velocities, 'cutoff': cutoff}
    if velocities == 'maxwell':
        text = text.replace('velocities = maxwell', 'velocities = maxwell\nmaxwell_K = 300')
    Path(name + '.ini').write_text(text)
    return x


def straight(angle, name, bond=0.116, mass=(15.9994, 12.011, 15.9994)):
    """Three atoms with all three distances rigid; angle in degrees."""
    half = math.radians(angle / 2)
    x = [[-bond * math.sin(half), bond * math.cos(half), 0], [0, 0, 0], [bond * math.sin(half), bond * math.cos(half), 0]]
    return Molecule(name, x, mass, [(0, 1), (1, 2), (0, 2)])


def state(checkpoint):
    """Unwrapped positions, velocities, box."""
    import h5py
    with h5py.File(checkpoint, 'r') as file:
        box = numpy.array(file['state'].attrs['box'])
        return (file['x'][:].astype(numpy.longdouble) * numpy.longdouble(2)**-64 + file['image'][:]) * box, file['v'][:], box
