#!/usr/bin/env python3
# timeout: 400 all: 2400
"""Rigid bonds of every shape through the whole program: lengths hold to the tolerance (recomputed from checkpoints by
scripts/constraint_residual.py), bits do not depend on ranks, and what cannot work is refused or ends by name."""
import re, sys
sys.dont_write_bytecode = True
from constraint_scene import *

CROWD = [(ring(3, name='R3'), 20), (ring(6, name='R6'), 20), (c60(), 3), (net(2, 1, 'FUS'), 8), (net(6, 6), 1),
         (methane(), 20), (ring(160, name='MAC', pucker=0.04), 1), (diamond(), 20), (water(), 60), (protein(12), 1)]
RANKS = (1, 2, 3, 4, 5, 7, 8, 16)


def same_everywhere(name, ini, steps, cases, tolerance=1e-10, settings=(), bonds='all-bonds', top=None):
    """The first case (ranks, settings) is the reference. Returns its outcome."""
    first = None
    for n, (ranks, own) in enumerate(cases):
        one = '%s on %d ranks%s' % (name, ranks, ''.join(' ' + s.split('.')[-1] for s in own))
        outcome = run(ini, ranks, steps, ('constraints.tolerance=%g' % tolerance, ) + tuple(settings) + tuple(own),
                      name='same%d' % (n > 0))
        first = first or outcome
        if outcome is not first:
            claim(one + ': same bits', outcome['state_hash'] == first['state_hash'] and
                  outcome.pressures() == first.pressures(), '%s, %s' % (outcome['state_hash'], first['state_hash']))
    left = residual('same0.h5', top or ini.replace('.ini', '.top'), '--bonds', bonds)
    claim('%s: %d rigid lengths to %g' % (name, left['bonds'], tolerance), left['length'] <= tolerance,
          '%.2e; rounds %.3g a step, at most %d, %d repairs, smallest pivot %.2e' %
          (left['length'], first['constraint_rounds_mean'], first['constraint_rounds_max'],
           first['constraint_repairs'], first['constraint_smallest_pivot']))
    return first


HOT = ('domain.rebalance=always', 'nonbonded.buffer_nm=0.01', 'system.maxwell_K=1500')


def shapes():
    """Each kind alone, hot, with a list rebuilt and atoms dealt anew at almost every step."""
    for molecule, count in CROWD:
        scene(molecule.name, [(molecule, count)], 4.0, bonds='all-bonds')
        cases = [(1, ()), (4, ('constraints.split_clusters=on', 'domain.curve=morton'))]
        if ALL:
            cases += [(r, ('domain.curve=' + c, 'constraints.split_clusters=' + s)) for r in RANKS for c, s in
                      (('hilbert', 'on'), ('morton', 'off'))]
        same_everywhere('shape ' + molecule.name, molecule.name + '.ini', 25, cases, settings=HOT)


def crowd():
    """All of them in one box, with waters, on every number of ranks."""
    scene('crowd', CROWD, 4.0, bonds='all-bonds')
    split = 'constraints.split_clusters=on'
    cases = [(1, ()), (2, ('domain.curve=morton', )), (3, ('domain.transport=mpi', )), (5, (split, )),
             (7, ('nonbonded.buffer_nm=0.3', 'domain.rebalance=off')), (8, ('domain.curve=morton', split)), (16, ())]
    if ALL:
        cases += [(r, ('domain.curve=' + c, 'constraints.split_clusters=' + s)) for r in RANKS for c in
                  ('hilbert', 'morton') for s in ('on', 'off')]
    first = same_everywhere('crowd', 'crowd.ini', 40, cases, settings=HOT)
    claim('crowd: rebuilt at almost every step', first['rebuilds'] >= 30, '%d rebuilds in 40 steps' % first['rebuilds'])
    moved = run('crowd.ini', 7, 40, HOT, name='moved')
    claim('crowd: atoms migrate', moved['migrated'] > 200, '%d' % moved['migrated'])
    # Cut in two by a restart on other ranks.
    run('crowd.ini', 5, 20, HOT, name='cut')
    whole = run('crowd.ini', 3, 40, HOT, name='cut', extra=('--resume', ))
    claim('crowd: resumed on 3 ranks after 5: same bits', whole['state_hash'] == first['state_hash'])
    # The comparison can fail.
    other = run('crowd.ini', 2, 40, HOT + ('constraints.tolerance=1e-9', ), name='other')
    claim('crowd: another tolerance, other bits', other['state_hash'] != first['state_hash'])


def methane_over_five():
    """One rigid tetrahedron among points that feel nothing, so many that all of its nine constraints
    cross ranks where it lies by this seed."""
    random = numpy.random.default_rng(574)
    one, point = methane(), Molecule('PNT', [[0, 0, 0]], 40, element='A')
    centre = random.uniform(0, 0.37, 3)
    one.x = one.x @ rotation(random).T
    places = numpy.random.default_rng(1).uniform(0, 0.37, (6000, 3))
    scene('five', [(one, 1), (point, 6000)], 0.37, bonds='all-bonds', cutoff=0.03, at=[centre] + list(places))
    small = ('nonbonded.buffer_nm=0.01', 'domain.rebalance=always', 'constraints.split_clusters=on',
             'domain.curve=morton')
    for ranks in (5, 16):
        told = subprocess.run([str(BUILD / 'skein'), 'check', 'five.ini', '--ranks', str(ranks)] +
                              [a for s in small for a in ('--set', s)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        found = re.search(r'on %d ranks (\d+) of them join atoms of different ranks' % ranks, told)
        claim('tetrahedron: its atoms are on different ranks of %d' % ranks, bool(found) and int(found[1]) == 9,
              found[0] if found else told[-300:])
    same_everywhere('tetrahedron', 'five.ini', 20, [(1, ()), (5, ()), (16, ()),
                                                  (5, ('constraints.split_clusters=off', ))], settings=small)
    outcome = run('five.ini', 5, 20, small)
    claim('tetrahedron: solved by all concerned, without rounds', outcome['constraint_rounds_max'] == 0 and
          outcome['constraint_halos'] > 0, '%d rounds, %d halos' % (outcome['constraint_rounds_max'],
                                                                   outcome['constraint_halos']))


def masses():
    """Neighbours in a chain, and a hub and its satellites, with masses a factor of 10,000 apart."""
    base = chain(120, 112)
    light = Molecule('RAT', base.x, [1.008 if i % 2 else 10080 for i in range(120)], base.bonds)
    same_everywhere('mass ratio 1e4', scene_ini('ratio', [(light, 2)], 6.0), 30, [(1, ()), (3, ())])
    hub = Molecule('HUB', methane().x, [1.008] + 4 * [10080], methane().bonds)
    same_everywhere('mass ratio 1e4, rigid hub', scene_ini('hub', [(hub, 4)], 4.0), 30,
                    [(1, ()), (4, ('constraints.split_clusters=on', ))])


def scene_ini(name, *arguments, **keywords):
    scene(name, *arguments, bonds='all-bonds', **keywords)
    return name + '.ini'


def long_bonds():
    """Longer than the cutoff and the cells, up to almost half the box, across all faces, around the box."""
    far = Molecule('FAR', [[0, 0, 0], [1.2, 0, 0], [1.2, 1.3, 0], [0.4, 0.9, 1.1]], 40, [(0, 1), (1, 2), (2, 3), (0, 3)])
    cold = ('nonbonded.buffer_nm=0.1', 'domain.rebalance=always')
    same_everywhere('bonds of four cutoffs', scene_ini('far', [(far, 40)], 5.0, cutoff=0.3), 25,
                    [(1, ()), (3, ()), (8, ('domain.curve=morton', )), (16, ())], settings=cold)
    corner = Molecule('COR', [[-0.05, -0.04, -0.06], [0.06, 0.05, 0.04]], 12, [(0, 1)])
    same_everywhere('a bond across three faces', scene_ini('corner', [(corner, 1)], 3.0, at=[0, 0, 0]), 40,
                    [(1, ()), (2, ('constraints.split_clusters=on', )), (8, ('constraints.split_clusters=on', ))])
    for fraction in (0.49, 0.51):
        d = 3 * fraction
        # Diagonal: each component is below half of the edge, as the nearest image must be to tell.
        x = numpy.array([[0, 0, 0], [d, d, d] / numpy.sqrt(3)])
        long = Molecule('LNG', x, 40, [(0, 1)])
        ini = scene_ini('half', [(long, 5)], 3.0, cutoff=0.3)
        if fraction < 0.5:
            same_everywhere('a bond of 0.49 box edges', ini, 40, [(1, ()), (4, ('constraints.split_clusters=on', ))])
        else:
            refused('a bond of 0.51 box edges', ini, r'atoms 1 and 2', r'half', ranks=3)


def endless():
    """A chain that is closed through the periodic box: it has no ends, and no place to be made whole."""
    n, edge = 120, 14.4
    x = numpy.array([[edge / n * i, 1 + 0.04 * (-1)**i, 1.5] for i in range(n)])
    d = math.sqrt((edge / n)**2 + 0.08**2)
    loop = Molecule('INF', x, 14, [(i, (i + 1) % n, d) for i in range(n)])
    same_everywhere('a chain closed through the box', scene_ini('loop', [(loop, 2)], edge, at=[0, [0, 1.2, 0.9]]), 40,
                    [(1, ()), (2, ()), (7, ('domain.curve=morton', ))], settings=HOT)


def few():
    """Ranks that have no constraints, and ranks that have nothing."""
    argon = Molecule('AR', [[0, 0, 0]], 39.948, sigma=0.34, epsilon=1.0, element='A')
    places = [[0.4 * (i % 10) + 0.2, 0.4 * (i // 10 % 10) + 0.2, 0.4 * (i // 100) + 0.2] for i in range(1000)]
    some = chain(12, 112)
    same_everywhere('one chain in argon', scene_ini('argon', [(argon, 1000), (some, 1)], 4.0, cutoff=0.85,
                                                  at=places + [[2.0, 2.0, 2.0]]), 12,
                    [(1, ()), (4, ()), (16, ('domain.curve=morton', ))], settings=('system.maxwell_K=100', ))
    ini = scene_ini('one', [(ring(3), 1)], 3.0)
    same_everywhere('three atoms', ini, 30, [(1, ()), (16, ('constraints.split_clusters=on', )), (16, ())])
    claim('three atoms: there are empty ranks', run(ini, 16, 5)['owned_min'] == 0)


def rods():
    """Bonds in a nearly straight line, and braced ones: rounds contract too slowly, the exact fallback answers."""
    rod = chain(150, 178, name='ROD')
    first = same_everywhere('rod of 178 degrees', scene_ini('rod', [(rod, 2)], 6.0), 25,
                            [(1, ()), (2, ()), (5, ('domain.curve=morton', )), (8, ('domain.rebalance=always', ))],
                            settings=('system.maxwell_K=20', ))
    claim('rod of 178 degrees: the fallback fires', first['constraint_repairs'] > 0, '%d' % first['constraint_repairs'])
    cycle = ring(120, name='CYC')
    first = same_everywhere('macrocycle of 177 degrees', scene_ini('cycle', [(cycle, 2)], 6.0), 25, [(1, ()), (3, ())])
    claim('macrocycle of 177 degrees: the fallback fires', first['constraint_repairs'] > 0,
          '%d' % first['constraint_repairs'])


def refused(name, ini, *patterns, ranks=2, code=1, settings=(), limit=60):
    outcome = attempt(ini, ranks, 20, settings, limit=limit)
    missing = [p for p in patterns if not re.search(p, outcome.err, re.I)]
    claim(name + ': named error', outcome.code == code and not missing,
          'code %s, without %s: %s' % (outcome.code, missing, outcome.err.strip()[:600]))
    return outcome


def refusals():
    """What cannot be solved is said at the start, with code 1, by name."""
    refused('linear CO2 with its angle', scene_ini('co2', [(straight(180, 'CO2'), 2)], 3.0), 'CO2', 'depend', r'\b1\b',
            r'\b3\b', 'virtual site')
    refused('CH4 with ten constraints', scene_ini('ten', [(methane(10), 2)], 3.0), 'CH4', 'depend')
    two = ring(3, name='DUP')
    two.bonds.append((1, 0, two.bonds[0][2]))
    refused('a constraint twice', scene_ini('twice', [(two, 1)], 3.0), 'twice|duplicate|already|second', r'\b1\b.*\b2\b')
    odd = Molecule('ODD', ring(3).x, 12, [(0, 1, 0.1), (1, 2, 0.1), (0, 2, 0.3)])
    refused('lengths 1, 1, 3', scene_ini('odd', [(odd, 1)], 3.0), 'ODD', 'triangle', r'0\.3')
    null = Molecule('NUL', ring(3).x, [12, 12, 0], ring(3).bonds)
    refused('a mass of zero', scene_ini('null', [(null, 1)], 3.0), 'mass')
    negative = Molecule('NEG', ring(3).x, 12, [(0, 1, -0.1)])
    refused('a negative length', scene_ini('negative', [(negative, 1)], 3.0), 'positive|length')
    refused('a tolerance of 1e-15', scene_ini('fine', [(ring(6), 2)], 3.0), 'tolerance', '1e-13',
            settings=('constraints.tolerance=1e-15', ))
    bent = attempt(scene_ini('bent', [(straight(175, 'BNT'), 2)], 3.0), 2, 20)
    claim('175 degrees: a warning', bent.code == 0 and re.search('nearly depends', bent.err) and 'BNT' in bent.err,
          'code %s: %s' % (bent.code, bent.err.strip()[:400]))
    finest = attempt(scene_ini('finest', [(protein(12), 1), (c60(), 2)], 4.0), 3, 20, ('constraints.tolerance=1e-13', ))
    claim('a tolerance of 1e-13: reached, or a named error',
          finest.code == 0 and residual('run.h5', 'finest.top', '--bonds', 'all-bonds')['length'] <= 1e-13 or
          finest.code == 2 and 'do not converge' in finest.err, 'code %s %s' % (finest.code, finest.err[:400]))


def failures_named():
    """Two atoms too close in the midst of chains: every rank ends with code 2, the message names atoms, and the
    component that failed is on disk as it was before."""
    n, bond = 60, 0.3
    x = numpy.array([[0.25 * i, 0.5 * math.sqrt(bond**2 - 0.25**2) * (-1)**i, 0] for i in range(n)])
    sigma = [0.35 if i == 30 else 0 for i in range(n)]
    one = Molecule('POL', x, 40, [(i, i + 1) for i in range(n - 1)], sigma=sigma, epsilon=[1.0 if s else 0 for s in sigma])
    for apart, what in ((0.177, 'a force of 1e6'), (0.0005, 'atoms that overlap')):
        ini = scene_ini('crash', [(one, 2)], 20.0, at=[numpy.array([2.0, 6, 6]), numpy.array([2.0, 6, 6 + apart])],
                        cutoff=0.6, velocities='file')
        for ranks in (1, 4):
            title = '%s on %d ranks' % (what, ranks)
            outcome = refused(title, ini, r'step \d', r'atom (31|91)\b' if apart < 0.01 else r'atom \d+', code=2, ranks=ranks,
                              settings=('run.dt_ps=0.01', ))
            if apart < 0.01:
                continue
            claim(title + ': names molecule, atoms, ranks, lengths and rounds',
                  all(re.search(p, outcome.err) for p in
                      ('molecule POL', r'atom \d+ \(C, residue POL 1, rank \d\)', r'target length 0\.3',
                       'relative error', 'by round')),
                  outcome.err[:600])
            rows = numpy.array([[float(t) for t in (l.split()[0], *l.split()[-6:])] for l in open('run.h5.failed.txt')
                                if not l.startswith('#')])
            rows = rows[rows[:, 0].argsort()]
            d = numpy.linalg.norm(numpy.diff(rows[:, 1:4], axis=0), axis=1)
            claim(title + ': the dump has the component as it was', len(rows) == n and rows[0, 0] in (1, 61) and
                  bool((abs(d / bond - 1) < 1e-9).all()), '%d atoms from %d, lengths off by %.1e' %
                  (len(rows), rows[0, 0], abs(d / bond - 1).max()))


def shake():
    """The classic solver: the same positions as the fragments', the same bits on any ranks."""
    some = [(chain(80, 112), 4), (protein(12), 1), (ring(6, name='R6'), 10)]
    if ALL:  # Gauss-Seidel takes hundreds of sweeps on a cage, thousands on a rigid tetrahedron
        some += [(c60(), 3), (methane(), 10)]
    for molecule, count in some:
        ini = scene_ini('sh', [(molecule, count)], 4.0)
        fine = ('constraints.tolerance=1e-12', 'nonbonded.buffer_nm=0.05')
        cases = [(1, ()), (3, ()), (4, ('domain.curve=morton', 'constraints.split_clusters=on'))]
        first = same_everywhere('shake ' + molecule.name, ini, 5, cases, tolerance=1e-12,
                                settings=fine + ('constraints.solver=shake', ))
        x = state('same0.h5')[0]
        fragments = run(ini, 2, 5, fine, name='fragments')
        off = float(abs(x - state('fragments.h5')[0]).max())
        claim('shake %s: as the fragment solver has it' % molecule.name, off < 2e-11 and
              fragments['state_hash'] != first['state_hash'], 'largest difference %.1e nm after 5 steps' % off)


in_folder('skein-shapes-', (shapes, crowd, methane_over_five, masses, long_bonds, endless, few, rods, refusals,
                            failures_named, shake))
