#!/usr/bin/env python3
# timeout: 300 all: 1800
"""Groups of atoms through the whole program. Energies by pairs of groups and degrees of freedom against GROMACS 2022.5
(tests/reference/make_groups.sh). Two ideal gases in two baths: there the conserved energy is constant, whatever the baths
do, and each has the temperature of its own. A rigid bond with a frozen end, whose motion is known exactly. Frozen atoms
that are where they were, bit by bit. Equal bits on any number of ranks. Mistakes by file and line."""
import lzma, sys
from fractions import Fraction
sys.dont_write_bytecode = True
from constraint_scene import *

BAR = 16.6053906717 # kJ/mol/nm^3
FAST = 1e-6 # of an energy, float forces and integer coordinates aside: the grid of 2^-26 nm


def peptide():
    """The system of the references; False where it is absent."""
    if not SYSTEMS.is_dir():
        print('skip the peptide: no reference systems in %s' % SYSTEMS)
        return False
    Path('pep.gro').write_bytes(lzma.open(SYSTEMS / 'aladip/conf-pep-amber.gro.xz').read())
    Path('pep.top').write_bytes(lzma.open(SYSTEMS / 'aladip/topol-pep-amber.pp.top.xz').read())
    Path('pep.ini').write_text('''[system]
structure = pep.gro
topology = pep.top
[groups]
backbone = atom N CA C O
solvent = molecule SOL NA CL
water = residue SOL
ions = residue NA CL
head = id 1-40
some = id 199-498
[run]
dt_ps = 0.0005
remove_com_every = 0
[nonbonded]
cutoff_nm = 0.9
coulomb = reaction-field
''')
    return True


def rows(name):
    return [line.rstrip('\n').split('\t') for line in open(REFERENCE / 'groups' / name) if not line.startswith('#')]


def evaluate(ini, ranks, *settings):
    command = ['mpirun', '-n', str(ranks), str(BUILD / 'skein'), 'energy', ini, '--json']
    for s in settings:
        command += ['--set', s]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-1500:])
    return json.loads(done.stdout.splitlines()[-1])


# ---- against GROMACS ----

def energies():
    if not peptide():
        return
    names = {'backbone': 'backbone', 'sidechain': 'rest', 'solvent': 'solvent'}
    listed = 'output.energy_groups=backbone rest solvent'
    report = evaluate('pep.ini', 3, listed)
    pairs, worst, where = report['energy_groups'], 0, ''
    for name, value in rows('energy.txt'):
        kind, _, groups = name.partition(':')
        if not groups:
            continue
        a, b = (names[g] for g in groups.split('-'))
        key = {'Coul-SR': 'coulomb_sr', 'LJ-SR': 'lj', 'Coul-14': 'coulomb_14', 'LJ-14': 'lj_14'}[kind]
        got = pairs.get('%s:%s' % (a, b), pairs.get('%s:%s' % (b, a)))[key]
        off = abs(got / float(value) - 1)
        if off >= worst:
            worst, where = off, '%s: %.9g, reference %s' % (name, got, value)
    claim('energies of pairs of groups are those of GROMACS', worst < FAST, 'largest relative error %.1e, %s' %
          (worst, where))
    for key in ('lj', 'coulomb_sr', 'lj_14', 'coulomb_14'):
        parts = sum(Fraction(p[key]) for p in pairs.values())
        claim('parts of %s sum to the total, exactly' % key, parts == Fraction(report['terms'][key]),
              '%.17g, %.17g' % (parts, report['terms'][key]))
    other = evaluate('pep.ini', 1, listed)
    claim('the same parts on one rank and on three', other['energy_groups'] == pairs)
    plain = evaluate('pep.ini', 2)
    claim('parts change no total', plain['terms'] == report['terms'] and 'energy_groups' not in plain)


CASES = { # as in make_groups.sh: constraints, removal of motion, groups, what is frozen
    'h-bonds': ('h-bonds', 100, 'rest water ions'),
    'all-bonds': ('all-bonds', 100, 'backbone rest solvent'),
    'with-motion': ('all-bonds', 0, 'backbone rest solvent'),
    'cut': ('all-bonds', 100, 'head rest'),
    'frozen': ('all-bonds', None, 'backbone rest solvent', 'backbone'),
    'frozen-still': ('all-bonds', 100, 'backbone rest solvent', 'backbone'),
    'frozen-head': ('all-bonds', None, 'rest water ions', 'head'),
    'frozen-water': ('h-bonds', None, 'some rest', 'some'),
    'frozen-plane': ('h-bonds', None, 'rest water ions', 'ions', 'y x'),
}


def freedom():
    """GROMACS prints six digits."""
    if not peptide():
        return
    Path('bare.ini').write_text(Path('pep.ini').read_text().replace('remove_com_every = 0\n', ''))
    for name, values in rows('freedom.txt'):
        bonds, every, groups, *frozen = CASES[name]
        settings = ['constraints.bonds=' + bonds, 'temperature.groups=' + groups]
        settings += ['run.remove_com_every=%d' % every] if every is not None else []
        settings += ['%s=%s' % s for s in zip(('run.freeze', 'run.freeze_axes'), frozen)]
        start = run('bare.ini', 2, 0, settings).events['start'][0]
        got = list(start['degrees_of_freedom_groups'].values())
        want = [float(v) for v in values.split()]
        close = len(got) == len(want) and all(abs(g - w) <= 6e-6 * w for g, w in zip(got, want))
        claim('degrees of freedom, %s' % name, close and abs(sum(got) - start['degrees_of_freedom']) < 1e-9,
              '%s, GROMACS %s' % (got, values))


# ---- two ideal gases ----

def gases():
    """Atoms that do not interact: only the baths change their energy. Bounds: 5 standard errors of a mean of values with
    the variance of a canonical ensemble, of which those of 2 tau are one."""
    light, heavy = Molecule('LIT', [[0, 0, 0]], 4.0), Molecule('HVY', [[0, 0, 0]], 40.0)
    scene('gas', [(light, 300), (heavy, 200)], 4.0)
    both = ('groups.light=molecule LIT', 'temperature.groups=light rest', 'temperature.group_target_K=450 150')
    steps, dt = 2000, 0.002
    for bath, tau, settings in (('v-rescale', (0.02, 0.04), ('run.remove_com_every=7', )),
                                ('v-rescale', (0.04, 0.02), ('run.integrator=velocity-verlet', )),
                                ('langevin', (0.02, 0.04), ())):
        outcome = run('gas.ini', 1, steps, both + settings + (
            'temperature.thermostat=' + bath, 'temperature.group_tau_ps=%g %g' % tau, 'temperature.couple_every=5',
            'output.energy_every=10'))
        name = ' '.join((bath, ) + settings)
        events = outcome.events['energy']
        spread = max(e['conserved'] for e in events) - min(e['conserved'] for e in events)
        scale = events[0]['kinetic']
        claim('gases, %s: conserved energy' % name, spread < 1e-9 * scale, 'spread %.2e of %.6g' % (spread, scale))
        freedom = outcome.events['start'][0]['degrees_of_freedom_groups']
        for group, target, t in zip(('light', 'rest'), (450, 150), tau):
            seen = [e['temperature_groups'][group] for e in events if e['step'] >= 500]
            mean = sum(seen) / len(seen)
            error = target * math.sqrt(2 / freedom[group] * 2 * t / ((steps - 500) * dt))
            claim('gases, %s: temperature of %s' % (name, group), abs(mean - target) < 5 * error,
                  '%.2f K, bath %g, standard error %.2f' % (mean, target, error))


# ---- frozen ----

def pendulum():
    """A rigid bond of length d from a frozen atom, turning by the angle a each step, as the dumbbell of
    test_constraint_physics.py: the force on the end is m (r(n+1) - 2 r(n) + r(n-1)) / dt^2."""
    d, dt, a, edge, mass = 0.4, 0.002, 0.05, 3.0, 28.0
    bond = lambda n: d * numpy.array([math.cos(a * n + 0.3), math.sin(a * n + 0.3), 0])
    anchor = numpy.array([2.9, 0.1, 1.5]) # across faces
    molecule = Molecule('PEN', [[0, 0, 0], bond(0)], (12.0, mass), [(0, 1, d)])
    for integrator in ('leap-frog', 'velocity-verlet'):
        leap = integrator == 'leap-frog'
        speed = lambda n: (bond(n) - bond(n - 1)) / dt if leap else (bond(n + 1) - bond(n - 1)) / (2 * dt)
        # what a frozen atom's velocity is in the file does not matter
        scene('pendulum', [(molecule, 1)], edge, at=[anchor], velocities='file', v=[[1, 2, 3], speed(0)])
        for ranks, solver, split in ((1, 'fragments', 'off'), (2, 'shake', 'on') if leap else (3, 'fragments', 'on')):
            outcome = run('pendulum.ini', ranks, 60, (
                'groups.end=id 1', 'run.freeze=end', 'run.integrator=' + integrator, 'output.energy_every=1',
                'constraints.tolerance=1e-13', 'constraints.solver=' + solver, 'constraints.split_clusters=' + split))
            worst = {'pressure': 0, 'kinetic': 0}
            for e in outcome.events['energy']:
                n, r = e['step'], bond(e['step'])
                speeds = (speed(n), speed(n + 1)) if leap else (speed(n), )
                kinetic = sum(0.5 * mass * u * u for u in speeds) / len(speeds)
                force = 2 * mass * (1 - math.cos(a)) / dt**2
                off = abs(numpy.array(e['pressure_axes_bar']) - (2 * kinetic - force * r * r) / edge**3 * BAR).max()
                worst['pressure'] = max(worst['pressure'], off / (force * d * d / edge**3 * BAR))
                worst['kinetic'] = max(worst['kinetic'], abs(e['kinetic'] / kinetic.sum() - 1))
            end = state('run.h5')[0]
            place = float(abs(end[1] - anchor - bond(60)).max())
            name = 'pendulum, %s, %s, %d ranks' % (integrator, solver, ranks)
            claim('%s: pressure and kinetic energy at 61 steps' % name, max(worst.values()) < 1e-8, str(worst))
            claim('%s: place after 3 rad' % name, place < 1e-9, '%.1e nm' % place)
            claim('%s: two degrees of freedom' % name, outcome.events['start'][0]['degrees_of_freedom'] == 2)


def bits_of(checkpoint):
    import h5py
    with h5py.File(checkpoint, 'r') as file:
        return file['x'][:], file['image'][:], file['v'][:]


def frozen():
    """Argon between a wall of itself, 1000 steps with everything that moves atoms."""
    argon = Molecule('AR', [[0, 0, 0]], 39.948, sigma=0.34, epsilon=0.996)
    scene('argon', [(argon, 343)], 2.8, spread=False, cutoff=0.9)
    wall = ('groups.wall=id 1-98', 'run.freeze=wall', 'temperature.thermostat=v-rescale', 'temperature.target_K=120',
            'temperature.tau_ps=0.2', 'run.remove_com_every=10', 'pressure.barostat=c-rescale', 'pressure.target_bar=1',
            'pressure.tau_ps=1', 'output.energy_every=100')
    x0, image0, _ = bits_of_run(wall, 0)
    x, image, v = bits_of_run(wall, 1000)
    claim('frozen atoms after 1000 steps', (x[:98] == x0[:98]).all() and (image[:98] == image0[:98]).all() and
          (v[:98] == 0).all() and (x[98:] != x0[98:]).all())
    # a run that goes on with other atoms frozen
    run('argon.ini', 2, 30, wall[2:], name='free')
    x0, image0, v0 = bits_of('free.h5')
    run('argon.ini', 3, 60, wall, name='free', extra=('--resume', ))
    x, image, v = bits_of('free.h5')
    claim('frozen on resume', (x[:98] == x0[:98]).all() and (v[:98] == 0).all() and (v0[:98] != 0).all() and
          (x[98:] != x0[98:]).all())
    # the energy of a fluid and a wall that does not move is conserved as that of a fluid alone
    drift = {}
    for name, settings in (('all', ()), ('walled', wall[:2])):
        events = run('argon.ini', 2, 1000, settings + ('output.energy_every=20', )).events['energy'][5:]
        values = [e['conserved'] for e in events]
        drift[name] = (max(values) - min(values)) / events[0]['kinetic']
    claim('energy of a fluid at a wall', drift['walled'] < 2 * drift['all'] + 1e-4, 'spread over kinetic energy: %s' % drift)


def bits_of_run(settings, steps):
    run('argon.ini', 2, steps, settings)
    return bits_of('run.h5')


def sites():
    """Four-site water on a mesh, of which a part is frozen: six degrees of freedom for each that moves, none for its site;
    energies of groups that sum to the totals."""
    for suffix in ('.gro', '.top'):
        Path('four' + suffix).write_bytes(lzma.open(REFERENCE / 'sites' / ('tip4p%s.xz' % suffix)).read())
    Path('four.ini').write_text('''[system]
structure = four.gro
topology = four.top
[groups]
ice = id 1-400
left = id 401-1000
[run]
dt_ps = 0.002
freeze = ice
[nonbonded]
cutoff_nm = 0.9
coulomb = pme
[temperature]
groups = left rest
group_target_K = 350 250
group_tau_ps = 0.1 0.2
[output]
energy_groups = ice rest
energy_every = 20
''')
    baths = ('temperature.thermostat=langevin', 'run.integrator=velocity-verlet'), ('temperature.thermostat=v-rescale', )
    cases = (2, ('domain.curve=morton', )), (3, ('constraints.split_clusters=on', )), (7, ('domain.curve=morton', ))
    run('four.ini', 1, 0, baths[1])
    place = bits_of('run.h5')
    for bath in baths:
        first = run('four.ini', 1, 40, bath)
        end, start = bits_of('run.h5'), first.events['start'][0]
        name = 'four-site water, %s' % bath[0].split('=')[1]
        claim('%s: frozen waters and their sites' % name, all((a[:400] == b[:400]).all() for a, b in
              zip(place[:2], end)) and (end[2][:400] == 0).all() and (end[0][400:] != place[0][400:]).all())
        freedom = start['degrees_of_freedom_groups']
        claim('%s: degrees of freedom' % name, freedom == {'left': 150 * 6, 'rest': 265 * 6}, str(freedom))
        last = first.events['energy'][-1]
        for key in ('lj', 'coulomb_sr'):
            parts = sum(p[key] for p in last['energy_groups'].values())
            claim('%s: parts of %s' % (name, key), abs(parts / last['terms'][key] - 1) < 1e-12, '%.17g' % parts)
        for ranks, own in cases if ALL else cases[bath is baths[1]::2]:
            other = run('four.ini', ranks, 40, bath + own)
            claim('%s, %d ranks: same bits' % (name, ranks), other['state_hash'] == first['state_hash'] and
                  other.events['energy'][-1]['energy_groups'] == last['energy_groups'])
        run('four.ini', 2, 20, bath, name='half')
        other = run('four.ini', 3, 40, bath, name='half', extra=('--resume', ))
        claim('%s, resumed: same bits' % name, other['state_hash'] == first['state_hash'])


def minimized():
    """Two atoms, of which one is frozen, at their lowest energy; and a peptide that is frozen in part."""
    argon = Molecule('AR', [[0, 0, 0]], 39.948, sigma=0.34, epsilon=0.996)
    anchor, begin = numpy.array([2.3, 0.1, 1.2]), numpy.array([2.55, 0.3, 0.95])
    scene('two', [(argon, 2)], 2.4, cutoff=1.0, at=[anchor, begin], velocities='file', v=[[1, 2, 3], [0, 0, 0]])
    for integrator in ('fire', 'steepest-descent'):
        done = run('two.ini', 2, 500, ('groups.end=id 1', 'run.freeze=end', 'run.integrator=' + integrator,
                                       'run.force_tolerance_kJ_per_mol_per_nm=1e-2'))
        x = state('run.h5')[0]
        away = math.dist(x[0], x[1]) / (0.34 * 2**(1 / 6)) - 1
        claim('%s from a frozen atom' % integrator, done['converged'] and abs(away) < 1e-4 and
              abs(x[0] - anchor).max() < 1e-9 and done['largest_force_atom'] == 2, 'off by %.1e' % away)
    if not peptide():
        return
    begin = ('groups.anchor=id 1-40', 'run.integrator=fire', 'constraints.bonds=all-bonds')
    run('pep.ini', 1, 0, begin + ('run.freeze=anchor', ))
    place = bits_of('run.h5')[:2]
    first = run('pep.ini', 1, 40, begin + ('run.freeze=anchor', 'output.energy_groups=backbone rest'))
    end = bits_of('run.h5')[:2]
    claim('fire: frozen atoms of a peptide', all((a[:40] == b[:40]).all() for a, b in zip(place, end)) and
          (end[0][40:] != place[0][40:]).all() and first['largest_force_atom'] > 40)
    run('pep.ini', 2, 20, begin + ('run.freeze=anchor', 'domain.curve=morton'), name='half')
    other = run('pep.ini', 3, 40, begin + ('run.freeze=anchor', ), name='half', extra=('--resume', ))
    claim('fire, frozen, resumed: same bits', other['state_hash'] == first['state_hash'])
    run('pep.ini', 2, 20, begin, name='half')
    place = bits_of('half.h5')[:2]
    run('pep.ini', 3, 40, begin + ('run.freeze=anchor', ), name='half', extra=('--resume', ))
    claim('fire: frozen on resume', all((a[:40] == b[:40]).all() for a, b in zip(place, bits_of('half.h5'))))


# ---- bits ----

def bits():
    """All at once: baths and energies by groups, the head of the peptide frozen in the middle of its bonds."""
    if not peptide():
        return
    everything = ('groups.anchor=id 1-25', 'run.freeze=anchor', 'constraints.bonds=all-bonds', 'run.dt_ps=0.002',
                  'temperature.groups=backbone rest solvent', 'temperature.group_target_K=310 300 290',
                  'temperature.group_tau_ps=0.1 0.2 0.3', 'output.energy_groups=solvent rest backbone',
                  'output.energy_every=20')
    runs = (('temperature.thermostat=v-rescale', 'pressure.barostat=c-rescale', 'pressure.target_bar=1',
             'pressure.tau_ps=2', 'temperature.target_K=300'),
            ('temperature.thermostat=langevin', 'run.integrator=velocity-verlet', 'nonbonded.coulomb=pme'))
    places = [(7, ('nonbonded.buffer_nm=0.05', 'domain.rebalance=always', 'constraints.split_clusters=on')),
              (3, ('domain.curve=morton', 'domain.kernel=%s,%s' % variants())), (2, ()),
              (4, ('domain.curve=kd', 'domain.transport=mpi'))]
    for kind, where in zip(runs, (places, places) if ALL else (places[:1], places[1:2])):
        name = kind[0].split('=')[1]
        first = run('pep.ini', 1, 40, everything + kind)
        told = [(e['energy_groups'], e['temperature_groups'], e['conserved']) for e in first.events['energy']]
        for ranks, own in where:
            other = run('pep.ini', ranks, 40, everything + kind + own)
            seen = [(e['energy_groups'], e['temperature_groups'], e['conserved']) for e in other.events['energy']]
            claim('%s, %d ranks: same bits' % (name, ranks), other['state_hash'] == first['state_hash'] and seen == told,
                  '%s, %s' % (other['state_hash'], first['state_hash']))
        run('pep.ini', 2, 25, everything + kind, name='half')
        other = run('pep.ini', 3, 40, everything + kind, name='half', extra=('--resume', ))
        claim('%s, resumed: same bits' % name, other['state_hash'] == first['state_hash'] and
              other.events['energy'][-1]['energy_groups'] == told[-1][0])


# ---- mistakes ----

def mistakes():
    argon = Molecule('AR', [[0, 0, 0]], 39.948, sigma=0.34, epsilon=0.996)
    scene('err', [(argon, 60), (water(), 4)], 2.4, spread=False, cutoff=0.9)
    lines = len(Path('err.ini').read_text().splitlines())
    for text, message in (
        ('[groups]\na = residue ARG', "err.ini:%d: group 'a': the system has no residue 'ARG'; did you mean 'AR'?"),
        ('[groups]\na = all\n[output]\nenergy_groups = a rest', "err.ini:+2: 'energy_groups': no atom is left for 'rest'"),
        ('[groups]\na = id 1-30\n[temperature]\ngroups = a',
         "err.ini:+2: 'groups': atom 31 (C, residue AR 1) is in none of the groups; add 'rest' or a group that has it"),
        ('[groups]\na = id 1-30\nb = id 30-40\n[temperature]\ngroups = b rest a',
         "err.ini:+3: 'groups': atom 30 (C, residue AR 1) is in both 'b' and 'a'; it must be in one only"),
        ('[groups]\na = all\nb = rest', "err.ini:+1: group 'b' selects nothing: every atom is in another group"),
        ('[groups]\na = id 62-65\n[run]\nfreeze = a',
         'err.ini:+2: atom 61 (O, residue SOL 1) is in a rigid water that is frozen in part; freeze all of it or nothing'),
        ('[run]\nfreeze = all', "err.ini:%d: 'freeze' leaves no atom that can move")):
        text = Path('err.ini').read_text() + text + '\n'
        Path('wrong.ini').write_text(text)
        said = attempt('wrong.ini', 3 if 'both' in message else 1, 0)
        want = message.replace('err.ini', 'wrong.ini')
        for k in range(4):
            want = want.replace('ini:+%d' % k, 'ini:%d' % (lines + 2 + k))
        want = want.replace('%d', str(lines + 2))
        claim('refused: %s' % message.split(': ', 1)[1], said.code == 1 and want in said.err, said.err.strip()[-300:])


if __name__ == '__main__':
    in_folder('skein-groups-', [energies, freedom, gases, pendulum, frozen, sites, minimized, bits, mistakes])
