#!/usr/bin/env python3
# timeout: 600 all: 2400
"""Bonded terms through the whole program: energies by term against double-precision GROMACS 2022.5 (the reference
systems), forces against the oracle, equal bits on any number of ranks and partition, energy and momentum that are kept,
and terms that fail by name.

Bars for energies: fast 1e-6, oracle 1e-8, and 1e-8 kJ/mol for the bonds of dhfr, which are satisfied to six digits.
GROMACS has the 1-4 pairs from a table in double: that is where most of the 1e-8 goes. Terms depend on no Coulomb method
but the 1-4 pairs, which have the plain 1/r with all of them: so runs with reaction field are compared with those of
PME."""
import json, lzma, os, re, sys, tempfile
from pathlib import Path

sys.dont_write_bytecode = True
from claims import ALL, REFERENCE, SYSTEMS, claim, have_failed, skein

ENERGY = {'fast': 1e-6, 'oracle': 1e-8}
FORCE = 7e-6  # rms of the fast forces against the oracle, over the rms force, at a force scale of 2^11 or finer
SMALL = ['ala-amber', 'ala-charmm27', 'ala-opls', 'pep-amber', 'pep-charmm27', 'pep-opls']
KEYS = {'bond': ['Bond'], 'angle': ['Angle'], 'urey_bradley': ['U-B'], 'dihedral': ['Proper Dih.', 'Ryckaert-Bell.'],
        'improper': ['Improper Dih.', 'Per. Imp. Dih.'], 'cmap': ['CMAP Dih.'], 'lj_14': ['LJ-14'],
        'coulomb_14': ['Coulomb-14'], 'lj': ['LJ (SR)']}
INI = """[system]
structure = %s.gro
topology = %s.top
velocities = maxwell
maxwell_K = 300
[run]
integrator = leap-frog
dt_ps = 0.0005
steps = 100
seed = 7
[nonbonded]
cutoff_nm = 0.9
coulomb = reaction-field
[output]
energy_every = 50
"""


def unpack(source, name):
    Path(name).write_bytes(lzma.open(SYSTEMS / (source + '.xz')).read())


def scene(name):
    """Writes name.gro, name.top and name.ini."""
    if name in ('dhfr', 'popc'):
        unpack(name + '/conf.gro', name + '.gro')
        unpack(name + '/topol.pp.top', name + '.top')
    else:
        unpack('aladip/conf-%s.gro' % name, name + '.gro')
        unpack('aladip/topol-%s.pp.top' % name, name + '.top')
    Path(name + '.ini').write_text(INI % (name, name))


def evaluate(name, ranks, *settings, oracle=False):
    """Energy report and forces in the order of ids."""
    options = [a for s in settings for a in ('--set', s)] + ['--oracle'] * oracle
    out = skein(ranks, 'energy', name + '.ini', '--json', '--forces', 'forces.txt', *options).stdout
    forces = [[float(w) for w in line.split()[1:]] for line in open('forces.txt')]
    return json.loads(out.splitlines()[-1]), forces


def reference(path):
    rows = (line.rstrip('\n').split('\t') for line in open(path) if not line.startswith('#'))
    return {k: float(v) for k, v in rows}


def force_error(forces, want):
    """Rms of the difference over the rms force."""
    square = lambda table: sum(c * c for row in table for c in row)
    return (square([[a - b for a, b in zip(f, w)] for f, w in zip(forces, want)]) / square(want))**0.5


def gromacs(name):
    """Everything together with reaction field, flexible but for the water (tests/reference/make_peptide.sh). The
    pressure is a small difference of terms about 20 times the kinetic part (about 1370 bar)."""
    want = reference(REFERENCE / 'peptide-rf' / (name + '.energy.txt'))
    rows = lzma.open(REFERENCE / 'peptide-rf' / (name + '.forces.txt.xz'), 'rt')
    exact = [[float(w) for w in line.split()[1:]] for line in rows if not line.startswith('#')]
    text = Path(name + '.ini').read_text()
    Path('own.ini').write_text(text.replace('maxwell\nmaxwell_K = 300', 'file'))
    report, forces = evaluate('own', 3)
    claim('%s with GROMACS: potential' % name, abs(report['potential'] / want['Potential'] - 1) <= 1e-7,
          '%.9f, reference %.9f' % (report['potential'], want['Potential']))
    claim('%s with GROMACS: pressure' % name, abs(report['pressure_bar'] - want['Pressure']) <= 0.05,
          '%.6f bar, reference %.6f' % (report['pressure_bar'], want['Pressure']))
    error = force_error(evaluate('own', 2, oracle=True)[1], exact)
    claim('%s with GROMACS: forces of the oracle' % name, error <= 1e-8, 'rms %.2e of the rms force' % error)


def energies(label, name, path, *settings):
    want = reference(SYSTEMS / path)
    forces = {}
    for kernel in ('fast', 'oracle'):
        report, forces[kernel] = evaluate(name, 3 if kernel == 'fast' else 2, *settings, oracle=kernel == 'oracle')
        terms, worst, where = report['terms'], 0, ''
        for key, names in KEYS.items():
            expected = sum(want.get(n, 0) for n in names)
            off = abs(terms[key] - expected) / max(abs(expected), 1e-8 / ENERGY[kernel])
            if off >= worst:
                worst, where = off, key
        claim('%s, %s: energies by term' % (label, kernel), worst <= ENERGY[kernel],
              'largest relative error %.2e (%s)' % (worst, where))
        sums = sum(v for v in terms.values())
        claim('%s, %s: potential is the sum of terms' % (label, kernel),
              abs(sums - report['potential']) <= 1e-9 * abs(sums), '%.9f, %.9f' % (sums, report['potential']))
    error = force_error(forces['fast'], forces['oracle'])
    # the rounding of pair forces, which coarser scales have more of
    scale = run(name, 1, 0, *settings)['force_scale']
    claim('%s: forces against the oracle' % label, error <= FORCE * max(1, 2048 / scale),
          'rms %.2e of the rms force, scale %g' % (error, scale))


def run(name, ranks, steps, *settings, resume=False):
    """The report of the end, with the energy lines in 'energies'."""
    options = [a for s in ('output.checkpoint=out.h5', ) + settings for a in ('--set', s)]
    for old in Path('.').glob('out.h5*'):
        if not resume:
            old.unlink()
    skein(ranks, 'run', name + '.ini', '--steps', steps, '--quiet', '--log-json', 'log.json', *options,
          *(['--resume'] * resume))
    events = [json.loads(line) for line in open('log.json')]
    done = events[-1]
    done['energies'] = [e for e in events if e['event'] == 'energy']
    done['force_scale'] = [e for e in events if e['event'] == 'start'][0]['force_scale']
    return done


HOT = ('nonbonded.buffer_nm=0.02', 'domain.rebalance=always')
CASES = [(2, ()), (3, ('domain.curve=morton', )), (4, ('domain.curve=kd', )), (7, ('domain.transport=mpi', )),
         (8, HOT), (16, ('domain.curve=morton', ) + HOT)]


def bits(name, steps, settings, cases):
    label = '%s %s' % (name, ' '.join(s.split('.')[-1] for s in settings))
    first = run(name, 1, steps, *settings)
    terms = [e['terms'] for e in first['energies']]
    for ranks, own in cases:
        other = run(name, ranks, steps, *settings, *own)
        claim('%s, %d ranks %s: same bits' % (label, ranks, ' '.join(s.split('.')[-1] for s in own)),
              other['state_hash'] == first['state_hash'] and [e['terms'] for e in other['energies']] == terms and
              [e['pressure_bar'] for e in other['energies']] == [e['pressure_bar'] for e in first['energies']],
              '%s, %s; %d rebuilds' % (other['state_hash'], first['state_hash'], other['rebuilds']))
    run(name, 2, steps // 2, *settings)
    other = run(name, 3, steps, *settings, resume=True)
    claim('%s, resumed: same bits' % label, other['state_hash'] == first['state_hash'])


def conservation():
    """Leap-frog keeps a shadow energy: what is left of its fluctuation goes with the square of the time step."""
    spread, slope = {}, {}
    for dt, steps in ((0.0005, 500), (0.00025, 1000)):
        done = run('ala-charmm27', 2, steps, 'run.dt_ps=%g' % dt, 'output.energy_every=%d' % (steps // 100))
        values = [(e['time_ps'], e['conserved']) for e in done['energies']]
        values = values[len(values) // 10:]
        mean = sum(v for _, v in values) / len(values)
        middle = sum(t for t, _ in values) / len(values)
        slope[dt] = sum((t - middle) * v for t, v in values) / sum((t - middle)**2 for t, _ in values)
        spread[dt] = (sum((v - mean)**2 for _, v in values) / len(values))**0.5
    ratio = spread[0.0005] / spread[0.00025]
    kinetic = done['energies'][-1]['kinetic']
    claim('conserved energy follows the square of the time step', 3 <= ratio <= 5, 'spread %.4g and %.4g: ratio %.3f' %
          (spread[0.0005], spread[0.00025], ratio))
    claim('conserved energy does not drift', abs(slope[0.0005]) * 0.225 <= 2 * spread[0.0005] + 1e-4 * kinetic,
          '%.4g in 0.225 ps, kinetic %.4g' % (slope[0.0005] * 0.225, kinetic))


def momentum():
    for name in ('ala-charmm27', 'pep-opls'):
        scale = run(name, 1, 0)['force_scale']
        for ranks in (1, 3):
            forces = evaluate(name, ranks)[1]
            whole = [[round(c * scale) for c in row] for row in forces]
            off = max(abs(c * scale - w) for row, line in zip(forces, whole) for c, w in zip(row, line))
            sums = [sum(row[k] for row in whole) for k in range(3)]
            claim('%s on %d ranks: forces are integers that sum to zero' % (name, ranks), off < 1e-3 and sums == [0, 0, 0],
                  'sums %s, off by %.1e' % (sums, off))


# A box of loose pairs of atoms, each pair bonded; one of them too far apart.
PAIRS_TOP = """[ defaults ]
1 2 no 1 1
[ atomtypes ]
A 12 0 A 0.1 0.1
[ moleculetype ]
PAIR 1
[ atoms ]
1 A 1 PAI A1 1
2 A 1 PAI A2 1
[ bonds ]
1 2 7 0.5 1000
[ system ]
pairs
[ molecules ]
PAIR 8
"""


def pairs(apart, crowd=1.5):
    """crowd: distance of the first two molecules along y."""
    rows = []
    for m in range(8):
        x, y, z = 0.6 + 1.5 * (m & 1), 0.6 + (crowd if m == 2 else 1.5 * (m >> 1 & 1)), 0.6 + 1.5 * (m >> 2)
        for a in range(2):
            shift = (0.2 if m != 5 else apart) * a
            rows.append('%5d%-5s%5s%5d%8.3f%8.3f%8.3f' % (m + 1, 'PAI', 'A%d' % (a + 1), 2 * m + a + 1, x + shift, y, z))
    Path('pairs.gro').write_text('pairs\n16\n%s\n   3.0   3.0   3.0\n' % '\n'.join(rows))
    Path('pairs.top').write_text(PAIRS_TOP)
    Path('pairs.ini').write_text((INI % ('pairs', 'pairs')).replace('reaction-field', 'none').replace('maxwell', 'file', 1)
                                 .replace('maxwell_K = 300\n', ''))


def failures():
    """FENE bonds of at most 0.5 nm, as .top bonds 7."""
    pairs(0.3)
    got = evaluate('pairs', 2)[0]['terms']['bond']
    from math import log
    want = sum(-0.5 * 1000 * 0.25 * log(1 - r * r / 0.25) for r in [0.2] * 7 + [0.3])
    claim('FENE bonds', abs(got - want) <= 1e-6 * want, '%.9g, by hand %.9g' % (got, want))
    for apart, length in ((0.55, '0.55'), (1.4, '1.4')):
        pairs(apart)
        said = []
        for ranks in (1, 3):
            error = skein(ranks, 'run', 'pairs.ini', '--quiet', code=2).stderr
            said.append(re.sub(r'rank \d+', 'rank', ' '.join(l for l in error.split('\n') if l.startswith('skein:'))))
        words = ('step 0', 'FENE bonds', '11 (A1, residue PAI', '12 (A2, residue PAI', 'molecule PAIR', length)
        claim('a bond of %s nm ends the run by name' % length, all(w in said[0] for w in words) and said[0] == said[1],
              said[0])


def wide():
    """Two molecules so close that their pairs are out of range: the step is done again in wide arithmetic, and bonded
    forces stay what they are."""
    pairs(0.3, 0.05)
    first = run('pairs', 1, 0)
    claim('pairs out of range make wide steps', first['wide_steps'] > 0, '%d wide steps' % first['wide_steps'])
    forces = evaluate('pairs', 3)[1]
    error = force_error(forces, evaluate('pairs', 2, oracle=True)[1])
    # a grid of 2^-26 nm, 0.05 nm apart, in forces that go with r^-13: 4e-6
    claim('wide steps with bonds: forces against the oracle', error <= 1e-5, 'rms %.2e of the rms force' % error)
    # the last molecule is out of reach of others: -k r / (1 - r^2 / b^2)
    alone, want = forces[-1][0], -1000 * 0.2 / (1 - 0.16)
    claim('wide steps with bonds: the force of a bond', abs(alone - want) <= 1e-5 * abs(want), '%.9g, by hand %.9g' %
          (alone, want))
    done = run('pairs', 1, 40)
    other = run('pairs', 4, 40, *HOT)
    claim('wide steps with bonds: same bits', done['state_hash'] == other['state_hash'] and
          done['wide_steps'] == other['wide_steps'], '%s, %s, %d wide steps' %
          (done['state_hash'], other['state_hash'], done['wide_steps']))


def main():
    if not SYSTEMS.is_dir():
        print('no reference systems in %s' % SYSTEMS)
        return 77
    for name in SMALL + ['dhfr', 'popc']:
        scene(name)
    for name in SMALL:
        energies(name, name, 'aladip/ref/%s-ref.energy.txt' % name)
    for name in ('ala-charmm27', 'pep-amber', 'pep-opls'):
        gromacs(name)
    energies('dhfr none', 'dhfr', 'dhfr/ref/ref-none.energy.txt')
    energies('dhfr h-bonds', 'dhfr', 'dhfr/ref/ref-hbonds.energy.txt', 'constraints.bonds=h-bonds')
    if ALL:
        energies('popc none', 'popc', 'popc/ref/ref-none.energy.txt')
    momentum()
    failures()
    wide()
    for k, name in enumerate(('ala-charmm27', 'pep-amber')):
        bits(name, 100, ('constraints.bonds=none', ), CASES if ALL else CASES[k::2])
        bits(name, 100, ('constraints.bonds=h-bonds', 'run.dt_ps=0.002'), CASES if ALL else CASES[1 + k::3])
    bits('dhfr', 20, ('constraints.bonds=none', ), [(7, ())] + ([(4, HOT)] if ALL else []))
    conservation()
    return have_failed()


if __name__ == '__main__':
    with tempfile.TemporaryDirectory(prefix='skein-bonded-') as folder:
        os.chdir(folder)
        sys.exit(main())
