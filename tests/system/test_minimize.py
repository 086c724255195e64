#!/usr/bin/env python3
# timeout: 300 all: 1800
"""Minimizers through the whole program. Expected: minima that are known (two Lennard-Jones atoms, the cluster of 13,
a harmonic angle); potentials along the way of steepest descent from double-precision GROMACS
(tests/reference/make_minimize.sh); the program's own brute-force evaluation of final states, and distances computed here
from the files it leaves; the same bits on any number of ranks and across a restart."""
import json, lzma, math, os, random, re, sys, tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import h5py
from claims import ALL, BUILD, REFERENCE, ROOT, SYSTEMS, claim, have_failed, skein

TOLERANCE = 'run.force_tolerance_kJ_per_mol_per_nm=%g'
LJ = """[system]
data = %s.data
units = lj
[run]
integrator = fire
steps = 20000
force_tolerance = 2e-5
[nonbonded]
cutoff = 5
vdw_modifier = none
pair_coeff = 1 1 1.0 1.0
"""
GROMACS = """[system]
structure = %s.gro
topology = %s.top
velocities = file
[run]
integrator = fire
steps = 5000
[nonbonded]
cutoff_nm = 0.9
coulomb = %s
"""


def run(name, ranks, *settings, options=(), code=0):
    """The event `done`, with the events `energy` by step under 'energies' and the log under 'log'."""
    sets = [a for s in settings for a in ('--set', s)]
    log = skein(ranks, 'run', name + '.ini', '--log-json', 'log.jsonl', *sets, *options, code=code)
    events = [json.loads(line) for line in open('log.jsonl')]
    done = events[-1]
    done['energies'] = {e['step']: e for e in events if e['event'] == 'energy'}
    done['log'] = log.stdout
    return done


def positions(name):
    """Unwrapped positions of a checkpoint."""
    with h5py.File(name + '.ckpt.h5') as f:
        edge = f['state'].attrs['box']
        return [[(int(x) / 2**64 + int(i)) * e for x, i, e in zip(*row, edge)] for row in zip(f['x'], f['image'])]


def angle(a, b, c):
    u, v = [p - q for p, q in zip(a, b)], [p - q for p, q in zip(c, b)]
    return math.degrees(math.acos(sum(p * q for p, q in zip(u, v)) / math.hypot(*u) / math.hypot(*v)))


def write_data(name, places, edge=20):
    rows = ''.join('%d 1 %.9f %.9f %.9f\n' % (i + 1, *p) for i, p in enumerate(places))
    Path(name + '.data').write_text('cluster\n\n%d atoms\n1 atom types\n\n%s\nMasses\n\n1 1\n\nAtoms # atomic\n\n%s' %
                                    (len(places), ''.join('0 %g %slo %shi\n' % (edge, k, k) for k in 'xyz'), rows))
    Path(name + '.ini').write_text(LJ % name)


def known_minima():
    write_data('pair', [(9.5, 10, 10.1), (10.9, 10.4, 9.7)])
    for integrator in ('fire', 'steepest-descent'):
        done = run('pair', 1, 'run.integrator=' + integrator)
        x = positions('pair')
        error = math.dist(*x) - 2**(1 / 6)
        claim('two atoms, %s: distance 2^(1/6)' % integrator, done['converged'] and abs(error) <= 1e-6,
              'off by %.2e in %d steps, largest force %.2e' % (error, done['steps'], done['largest_force']))
        claim('two atoms, %s: energy -1' % integrator, abs(done['potential'] + 1) <= 1e-9, '%.12g' % done['potential'])
    # Wales and Doye, J. Phys. Chem. A 101, 5111 (1997): the icosahedron of 13 has -44.326801
    random.seed(3)
    golden = (1 + 5**0.5) / 2
    ring = [(0, a, b * golden) for a in (-1, 1) for b in (-1, 1)]
    corners = [tuple(p[(k - s) % 3] for k in range(3)) for p in ring for s in range(3)] + [(0, 0, 0)]
    write_data('icosahedron', [[10 + 0.6 * c + random.uniform(-0.1, 0.1) for c in p] for p in corners])
    for ranks in (1, 4):
        done = run('icosahedron', ranks, 'run.force_tolerance=1e-4')
        claim('13 atoms on %d ranks: the icosahedron' % ranks, done['converged'] and
              abs(done['potential'] + 44.326801) <= 1e-6, '%.9f in %d steps' % (done['potential'], done['steps']))


BEADS = """[ defaults ]
1 2 no 1 1
[ atomtypes ]
B 12 0 A 0 0
[ moleculetype ]
BEADS 2
[ atoms ]
1 B 1 BEA B1 1
2 B 1 BEA B2 2
3 B 1 BEA B3 3
[ bonds ]
1 2 1 0.15 100000
2 3 1 0.12 200000
[ angles ]
1 2 3 1 109.5 400
[ system ]
beads
[ molecules ]
BEADS 1
"""


def beads():
    rows = [(1.0, 1.0, 1.0), (1.17, 1.02, 0.98), (1.26, 1.06, 0.93)]
    lines = ''.join('%5d%-5s%5s%5d%8.3f%8.3f%8.3f\n' % (1, 'BEA', 'B%d' % (i + 1), i + 1, *p) for i, p in enumerate(rows))
    Path('beads.gro').write_text('beads\n3\n%s   3.0   3.0   3.0\n' % lines)
    Path('beads.top').write_text(BEADS)
    Path('beads.ini').write_text(GROMACS % ('beads', 'beads', 'none'))
    for integrator, tolerance in (('fire', 1e-3), ('steepest-descent', 1e-2)):
        done = run('beads', 2, 'run.integrator=' + integrator, TOLERANCE % tolerance)
        a, b, c = positions('beads')
        off = (math.dist(a, b) - 0.15, math.dist(b, c) - 0.12, angle(a, b, c) - 109.5)
        claim('three beads, %s: bonds and angle' % integrator, done['converged'] and max(map(abs, off[:2])) <= 1e-6 and
              abs(off[2]) <= 1e-2 * tolerance**0.5 and abs(done['potential']) < 1e-6,
              'off by %.1e nm, %.1e nm, %.1e degrees; %d steps' % (*off, done['steps']))


def unpack(name):
    Path(name + '.gro').write_bytes(lzma.open(SYSTEMS / ('aladip/conf-%s.gro.xz' % name)).read())
    Path(name + '.top').write_bytes(lzma.open(SYSTEMS / ('aladip/topol-%s.pp.top.xz' % name)).read())
    Path(name + '.ini').write_text(GROMACS % (name, name, 'reaction-field'))


def as_gromacs(steps):
    """The same steps are kept and taken back, with the same potentials."""
    for constraints in ('none', 'h-bonds'):
        done = run('pep-amber', 2, 'run.integrator=steepest-descent', 'constraints.bonds=' + constraints,
                   'output.energy_every=1', TOLERANCE % 1, options=('--steps', steps))
        rows = open(REFERENCE / 'minimize' / ('pep-amber-%s.tsv' % constraints.replace('-', '')))
        want = {int(s): float(e) for s, e in (r.split() for r in rows if r[0] != '#') if int(s) <= steps}
        ours = {s: e['potential'] for s, e in done['energies'].items()}
        kept = [s for s in range(steps + 1) if s == 0 or ours[s] < ours[s - 1]]
        worst = max(abs(ours[s] / want[s] - 1) for s in want)
        claim('steepest descent as GROMACS does it, constraints %s' % constraints, kept == sorted(want) and worst <= 3e-7,
              '%d of %d steps kept, potentials differ by %.1e at most' % (len(kept) - 1, steps, worst))
        claim('and names the atom, constraints %s' % constraints, done['largest_force_atom'] == 196 and
              done['largest_force_name'] == '196 (C, residue LEU 54)' and done['reason'] == 'steps' and
              'NOT converged in %d steps: the limit of [run] steps' % steps in done['log'], done['largest_force_name'])


def gro_atoms(text):
    lines = text.split('\n')
    dots = [m.start() for m in re.finditer(r'\.', lines[2])]
    return lines, dots[1] - dots[0]


def shift_atoms(source, target, change):
    """change(atoms): a list of positions, to be changed in place."""
    lines, w = gro_atoms(Path(source).read_text())
    n = int(lines[1])
    atoms = [[float(line[20 + w * k:20 + w * (k + 1)]) for k in range(3)] for line in lines[2:2 + n]]
    change(atoms)
    for i, x in enumerate(atoms):
        line = lines[2 + i]
        lines[2 + i] = line[:20] + ''.join('%*.*f' % (w, w - 5, c) for c in x) + line[20 + 3 * w:]
    Path(target).write_text('\n'.join(lines))


def overlap(atoms):
    """Waters: one exactly on another, one 0.01 nm beside another, a hydrogen on another's oxygen."""
    atoms[3:6] = [list(x) for x in atoms[0:3]]
    atoms[9:12] = [[x[0] + 0.01, x[1], x[2]] for x in atoms[6:9]]
    shift = [atoms[12][k] - atoms[16][k] for k in range(3)]
    atoms[15:18] = [[x[k] + shift[k] for k in range(3)] for x in atoms[15:18]]


def crumple(atoms):
    """A peptide with noise of 0.03 nm, and two of its atoms 0.01 nm apart."""
    random.seed(5)
    for x in atoms[:200]:
        x[:] = [c + random.gauss(0, 0.03) for c in x]
    atoms[40] = [atoms[100][0] + 0.006, atoms[100][1] + 0.008, atoms[100][2]]


def closest_oxygens(name, count):
    """Smallest distance of the oxygens of the first waters to any other one, nearest images."""
    lines, w = gro_atoms(Path(name).read_text())
    oxygens = [[float(line[20 + w * k:20 + w * (k + 1)]) for k in range(3)] for line in lines[2:2 + int(lines[1]):3]]
    edge = float(lines[-2].split()[0])
    near = lambda d: d - edge * round(d / edge)
    return min(math.hypot(*(near(p - q) for p, q in zip(x, y))) for i, x in enumerate(oxygens[:count])
               for y in oxygens[i + 1:])


def check_end(title, name, done, bar=0):
    """The final state, from its checkpoint, by brute force in double precision. bar: for the largest force, of systems
    without constraints."""
    Path('end.ini').write_text(Path(name + '.ini').read_text().replace('[run]', 'start = %s.ckpt.h5\n[run]' % name))
    out = skein(2, 'energy', 'end.ini', '--oracle', '--json', '--forces', 'forces.txt').stdout
    exact = json.loads(out.splitlines()[-1])['potential']
    claim('%s: potential by brute force' % title, abs(done['potential'] / exact - 1) <= 1e-7,
          '%.6f, oracle %.6f' % (done['potential'], exact))
    if bar:
        forces = [[float(c) for c in line.split()[1:]] for line in open('forces.txt')]
        sizes = [math.hypot(*f) for f in forces]
        claim('%s: largest force by brute force' % title, abs(max(sizes) - done['largest_force']) <= bar,
              '%.4f, oracle %.4f' % (done['largest_force'], max(sizes)))


def bad_water():
    """Also that all that a step may depend on is exact: repaired alike on other ranks."""
    for name in ('water.gro', 'water.top'):
        Path(name).write_bytes((BUILD / 'inputs' / 'water' / name).read_bytes())
    shift_atoms('water.gro', 'bad.gro', overlap)
    Path('bad.ini').write_text(GROMACS % ('bad', 'water', 'reaction-field'))
    for integrator in ('fire', 'steepest-descent'):
        one = run('bad', 1, 'run.integrator=' + integrator, TOLERANCE % 300, 'output.final_structure=end.gro')
        first = one['energies'][0]
        claim('overlapping waters, %s: the start is seen' % integrator, first['overlap'] and one['wide_steps'] > 0 and
              'atoms overlap' in one['log'], '%d wide steps, potential %.4g' % (one['wide_steps'], first['potential']))
        apart = closest_oxygens('end.gro', 6)
        claim('overlapping waters, %s: repaired' % integrator, one['converged'] and not one['overlap'] and apart > 0.24,
              'largest force %.1f, closest oxygens %.4f nm, %d steps' % (one['largest_force'], apart, one['steps']))
        other = run('bad', 4, 'run.integrator=' + integrator, TOLERANCE % 300, 'domain.curve=morton')
        claim('overlapping waters, %s: same bits' % integrator, one['state_hash'] == other['state_hash'] and
              one['wide_steps'] == other['wide_steps'], '%s, %s' % (one['state_hash'], other['state_hash']))
    check_end('overlapping waters', 'bad', other)
    check = skein(1, 'check', 'bad.ini').stdout
    claim('overlapping waters: skein check says what the minimizer will mend', 'for the minimizer to mend' in check and
          'input is valid' in check)
    said = skein(2, 'energy', 'bad.ini', code=2).stderr
    claim('overlapping waters: their energies are refused', 'atoms overlap' in said, said.strip()[:200])


CASES = [(2, ('domain.curve=morton', 'domain.kernel=baseline,avx2')), (3, ('nonbonded.buffer_nm=0.02', )),
         (4, ('domain.curve=kd', 'domain.transport=mpi')), (7, ('domain.curve=morton', 'domain.rebalance=always'))]


def bits():
    """A bad start, with bonds to hydrogen rigid: wide steps, steps that are taken back, migration."""
    shift_atoms('pep-amber.gro', 'crumpled.gro', crumple)
    Path('crumpled.ini').write_text(GROMACS % ('crumpled', 'pep-amber', 'reaction-field'))
    for integrator, steps in (('fire', 60), ('steepest-descent', 24)):
        always = ('run.integrator=' + integrator, 'constraints.bonds=h-bonds', TOLERANCE % 1)
        one = run('crumpled', 1, *always, options=('--steps', steps))
        claim('crumpled peptide, %s: wide steps' % integrator, one['wide_steps'] > 0, '%d' % one['wide_steps'])
        for ranks, settings in CASES if ALL else CASES[integrator == 'fire'::2]:
            other = run('crumpled', ranks, *always, *settings, options=('--steps', steps))
            claim('crumpled peptide, %s: same bits on %d ranks' % (integrator, ranks),
                  other['state_hash'] == one['state_hash'], '%s, %s' % (other['state_hash'], one['state_hash']))
        for ranks, part in ((3, steps // 2 + 1), (2, steps)):
            other = run('crumpled', ranks, *always, 'output.checkpoint=%s.h5' % integrator,
                        options=('--steps', part, '--resume'))
        claim('crumpled peptide, %s: same bits in two parts' % integrator, other['state_hash'] == one['state_hash'],
              '%s, %s' % (other['state_hash'], one['state_hash']))


def drop(atoms):
    """Six waters with their oxygens exactly on atoms of the peptide, and two atoms three bonds apart 0.005 nm apart."""
    for w in range(6):
        oxygen = WATERS + 3 * w
        shift = [atoms[3 * w][k] - atoms[oxygen][k] for k in range(3)]
        atoms[oxygen:oxygen + 3] = [[x[k] + shift[k] for k in range(3)] for x in atoms[oxygen:oxygen + 3]]
    atoms[0] = [atoms[4][0] + 0.005, atoms[4][1], atoms[4][2]]


def walls():
    """Hydrogens without a Lennard-Jones wall inside the walls of other atoms."""
    global WATERS
    unpack('pep-opls')
    lines = Path('pep-opls.gro').read_text().split('\n')
    WATERS = next(i for i, line in enumerate(lines[2:]) if line[5:8] == 'SOL')
    shift_atoms('pep-opls.gro', 'dropped.gro', drop)
    Path('dropped.ini').write_text(GROMACS % ('dropped', 'pep-opls', 'reaction-field'))
    done = run('dropped', 2, TOLERANCE % 1000)
    claim('waters on a peptide: repaired', done['converged'] and not done['overlap'] and done['steps'] < 200,
          '%d steps, potential %.6g to %.6g' % (done['steps'], done['energies'][0]['potential'], done['potential']))
    check_end('waters on a peptide', 'dropped', done)


def repaired():
    """To the end, then on from there."""
    done = run('crumpled', 2, 'constraints.bonds=h-bonds', 'output.final_structure=end.gro', 'output.trajectory=end.h5md')
    claim('crumpled peptide: repaired', done['converged'] and not done['overlap'] and done['largest_force'] <= 100,
          'potential %.6g to %.6g, largest force %.2f on %s, %d steps' % (done['energies'][0]['potential'],
          done['potential'], done['largest_force'], done['largest_force_name'], done['steps']))
    claim('crumpled peptide: constraints hold', done['constraint_worst'] <= 1e-10, '%.1e' % done['constraint_worst'])
    text = Path('crumpled.ini').read_text() + '[constraints]\nbonds = h-bonds\n'
    Path('crumpled.ini').write_text(text)
    check_end('crumpled peptide', 'crumpled', done)
    with h5py.File('end.h5md') as f, h5py.File('crumpled.ckpt.h5') as c:
        position = f['particles/trajectory/position']
        claim('the final frame is in the trajectory', list(position['step'][:]) == [0, done['steps']])
        bonds = f['parameters/topology/bonds'][:] - 1
        x, edge = position['value'][-1], c['state'].attrs['box']
        d = x[bonds[:, 0]] - x[bonds[:, 1]]
        d -= edge * (d / edge).round()
        lengths = (d**2).sum(1)**0.5
        claim('waters are rigid there', abs(lengths / 0.09572 - 1).max() <= 1e-9, '%d bonds, off by %.1e at most' %
              (len(lengths), abs(lengths / 0.09572 - 1).max()))
        lines, w = gro_atoms(Path('crumpled.gro').read_text())
        given = [[float(line[20 + w * k:20 + w * (k + 1)]) for k in (3, 4, 5)] for line in lines[2:-2]]
        claim('velocities are those of the file', given == c['v'][:].tolist() and given[0] != [0, 0, 0])
    dynamics = ('run.integrator=leap-frog', 'run.dt_ps=0.001', 'run.steps=20', 'output.checkpoint=md.h5',
                'output.energy_every=10')
    md = run('crumpled', 3, *dynamics, 'system.start=crumpled.ckpt.h5')
    claim('dynamics starts from the minimum', abs(md['energies'][0]['potential'] - done['potential']) <= 1e-6 and
          md['steps'] == 20, '%.9g, %.9g' % (md['energies'][0]['potential'], done['potential']))
    other = run('crumpled', 1, *dynamics, 'system.start=crumpled.ckpt.h5')
    claim('on any number of ranks', md['state_hash'] == other['state_hash'])
    md = run('crumpled', 2, *dynamics, 'system.structure=end.gro')
    claim('or from the .gro file', abs(md['energies'][0]['potential'] / done['potential'] - 1) <= 2e-6,
          '%.9g, %.9g' % (md['energies'][0]['potential'], done['potential']))


def speed():
    """Of the two methods; both go downhill to about the same."""
    steps = {}
    for integrator, most in (('fire', 3000), ('steepest-descent', 3000)):
        done = run('pep-amber', 2, 'run.integrator=' + integrator, options=('--steps', most))
        steps[integrator] = done['steps']
        claim('pep-amber, %s: lower' % integrator, done['potential'] < done['energies'][0]['potential'] - 5000,
              '%s after %d steps: %.6g, largest force %.1f' % (done['reason'], done['steps'], done['potential'],
                                                               done['largest_force']))
        if done['converged']:
            check_end('pep-amber, %s' % integrator, 'pep-amber', done)
    claim('FIRE converges in fewer steps', steps['fire'] < steps['steepest-descent'], '%s' % steps)


def melt():
    """Without any rigid bond, so that the oracle's forces can be compared as they are."""
    Path('snap-4k.data').write_bytes((BUILD / 'inputs' / 'lj-melt' / 'snap-4k.data').read_bytes())
    Path('melt.ini').write_text((LJ % 'snap-4k').replace('cutoff = 5', 'cutoff = 2.5'))
    for integrator, steps in (('fire', 150), ('steepest-descent', 40)):
        done = run('melt', 3, 'run.integrator=' + integrator, options=('--steps', steps))
        claim('melt, %s: lower' % integrator, done['potential'] < done['energies'][0]['potential'] - 2000,
              '%.6g to %.6g' % (done['energies'][0]['potential'], done['potential']))
        check_end('melt, %s' % integrator, 'melt', done, 0.001)


def meshes():
    """With an Ewald mesh: a peptide in a dodecahedron, water with virtual sites."""
    for name in ('dodecahedron/dodecahedron', 'sites/tip4p'):
        stem, short = REFERENCE / name, name.split('/')[1]
        for kind in ('gro', 'top'):
            Path('%s.%s' % (short, kind)).write_bytes(lzma.open('%s.%s.xz' % (stem, kind)).read())
        Path(short + '.ini').write_text(GROMACS.replace('0.9', '0.75') % (short, short, 'pme'))
        done = run(short, 1, 'output.final_structure=end.gro', options=('--steps', 40))
        other = run(short, 3, 'domain.curve=morton', options=('--steps', 40))
        claim('%s: lower, with the same bits' % short, done['potential'] < done['energies'][0]['potential'] - 1000 and
              done['state_hash'] == other['state_hash'], '%.6g to %.6g, %s, %s' % (
                  done['energies'][0]['potential'], done['potential'], done['state_hash'], other['state_hash']))
        check_end(short, short, done)
        again = json.loads(skein(1, 'energy', short + '.ini', '--json', '--set', 'system.structure=end.gro').stdout)
        claim('%s: the same from the .gro file' % short, abs(again['potential'] / done['potential'] - 1) <= 2e-6,
              '%.9g, %.9g' % (again['potential'], done['potential']))


def failures():
    write_data('other', [(9.5, 10, 10.1), (10.9, 10.4, 9.7), (12, 12, 12)])
    said = skein(2, 'run', 'other.ini', '--quiet', '--set', 'system.start=pair.ckpt.h5', code=1).stderr
    claim('start from another system', 'has 2 atoms, this input 3' in said, said.strip()[:200])
    said = skein(1, 'run', 'other.ini', '--quiet', '--set', 'system.start=nothing.h5', code=1).stderr
    claim('start from nothing', 'there is no checkpoint' in said, said.strip()[:200])
    said = skein(2, 'run', 'pair.ini', '--quiet', '--resume', '--set', 'run.integrator=leap-frog', '--set', 'run.dt=0.001',
                 code=1).stderr
    claim('another integrator on --resume', '[system] start' in said, said.strip()[:200])
    torn = BEADS.replace('1 2 1 0.15 100000', '1 2 7 0.15 100000')
    Path('beads.top').write_text(torn)
    said = skein(2, 'run', 'beads.ini', '--quiet', code=2).stderr
    claim('a torn FENE bond ends the run by name', 'FENE' in said and '1 (B1, residue BEA 1)' in said, said.strip()[:200])


def main():
    for part in (known_minima, beads, failures, melt, bad_water, meshes):
        part()
    if not SYSTEMS.is_dir():
        print('skip peptides: no reference systems in %s' % SYSTEMS)
        return have_failed()
    unpack('pep-amber')
    as_gromacs(60 if ALL else 20)
    bits()
    repaired()
    walls()
    if ALL:
        speed()
    return have_failed()


if __name__ == '__main__':
    with tempfile.TemporaryDirectory(prefix='skein-minimize-') as folder:
        os.chdir(folder)
        sys.exit(main())
