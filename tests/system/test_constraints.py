#!/usr/bin/env python3
# timeout: 400 all: 7200
"""Constraints on the polymer melt (100 chains of 200 beads, every bond rigid), on a protein-like molecule and on one
chain of 10,000 beads: lengths to every tolerance, equal bits on any ranks with every integrator and bath, energies,
forces and motion against GROMACS 2022.5 in double precision (tests/reference/polymer), rounds, and messages counted
from outside by tests/support/count_mpi.c."""
import lzma, re, sys
sys.dont_write_bytecode = True
from constraint_scene import *

POLYMER = ROOT / 'inputs/polymer'
EDGE = 10.0293255


def use_polymer():
    for name in ('polymer.top', 'polymer.ini', 'polymer-lj.ini'):
        shutil.copy(POLYMER / name, name)
    for name in ('polymer.gro', 'polymer.data'):
        if not os.path.exists(name):
            Path(name).write_bytes(lzma.open(POLYMER / (name + '.xz')).read())


def use_protein():
    scene('protein', [(protein(60), 1), (water(), 100)], 6.0, bonds='all-bonds')


# ---- 1: lengths ----

def tolerances():
    use_polymer()
    use_protein()
    systems = (('polymer', ()), ('protein', ('nonbonded.buffer_nm=0.1', )))
    for name, settings in systems:
        for tolerance in ('1e-4', '1e-6', '1e-8', '1e-10', '1e-12'):
            ranks = 4 if tolerance in ('1e-6', '1e-12') else 2
            for integrator in ('leap-frog', 'velocity-verlet'):
                if integrator == 'velocity-verlet' and not ALL and tolerance not in ('1e-4', '1e-6', '1e-12'):
                    continue
                outcome = run(name + '.ini', ranks, 20, settings + ('constraints.tolerance=' + tolerance,
                                                                    'run.integrator=' + integrator))
                dt = '0.01' if name == 'polymer' else '0.002'
                left = residual('run.h5', name + '.top', '--bonds', 'all-bonds', '--dt', dt)
                good = left['length'] <= float(tolerance)
                # The program says the worst of all steps; this is the last one. It works with squares of lengths.
                good &= left['length'] <= 1.01 * outcome['constraint_worst'] + 1e-15
                if integrator == 'velocity-verlet':
                    good &= left['velocity'] <= float(tolerance)
                    good &= left['velocity'] <= 1.01 * outcome['constraint_velocity_worst'] + 1e-15
                claim('%s, tolerance %s, %s: %d lengths' % (name, tolerance, integrator, left['bonds']), good,
                      'length %.2e (worst said to be %.2e), velocity x dt %.2e (%.2e)' %
                      (left['length'], outcome['constraint_worst'], left['velocity'],
                       outcome['constraint_velocity_worst']))
                if tolerance in ('1e-6', '1e-12'):
                    most = 1 if tolerance == '1e-6' else 2
                    mean, solutions = outcome['constraint_rounds_mean'], outcome['constraint_solutions']
                    claim('%s, tolerance %s, %s: at most %d rounds in 99 %% of steps' % (name, tolerance, integrator, most),
                          outcome['constraint_repairs'] <= 0.01 * solutions and
                          (outcome['constraint_rounds_max'] <= most or mean <= 1.01 * most),
                          'mean %.3f, largest %d, %d repairs of %d solutions' %
                          (mean, outcome['constraint_rounds_max'], outcome['constraint_repairs'], solutions))
    # A checkpoint that is wrong is seen to be: the script can fail.
    wrong = Path('wrong.top')
    wrong.write_text(Path('polymer.top').read_text().replace('0.3395', '0.33950001'))
    run('polymer.ini', 2, 1)
    claim('another length in the topology is noticed',
          2.9e-8 < residual('run.h5', 'wrong.top', '--bonds', 'all-bonds')['length'] < 1e-6)


def no_rounds():
    """Rigid water and bonds to hydrogen alone are solved within a rank, without a message."""
    base = protein(60)
    x, mass = base.x, base.mass
    hydrogens = Molecule('HYD', x, mass, [b for b in base.bonds if min(mass[b[0]], mass[b[1]]) < 1.2], section='bonds')
    scene('hydrogens', [(hydrogens, 1), (water(), 300)], 6.0, bonds='h-bonds')
    outcome = run('hydrogens.ini', 4, 50, ('domain.rebalance=always', 'nonbonded.buffer_nm=0.05'))
    claim('water and bonds to hydrogen: no rounds, no halos', outcome['constraint_rounds_max'] == 0 and
          outcome['constraint_halos'] == 0 and outcome['constraint_solutions'] > 0 and outcome['migrated'] > 0,
          '%d rounds, %d halos, %d solutions' % (outcome['constraint_rounds_max'], outcome['constraint_halos'],
                                                 outcome['constraint_solutions']))
    left = residual('run.h5', 'hydrogens.top', '--bonds', 'h-bonds')
    claim('water and bonds to hydrogen: lengths', left['length'] <= 1e-10 and left['bonds'] == 900 + len(hydrogens.bonds),
          '%d, %.1e' % (left['bonds'], left['length']))


# ---- 2, 3: bits ----

BATHS = {
    'nve': (),
    'verlet': ('run.integrator=velocity-verlet', ),
    'v-rescale': ('temperature.thermostat=v-rescale', 'temperature.target_K=120', 'temperature.tau_ps=0.5'),
    'langevin': ('temperature.thermostat=langevin', 'temperature.target_K=120', 'temperature.tau_ps=0.5'),
    'verlet-langevin': ('run.integrator=velocity-verlet', 'temperature.thermostat=langevin', 'temperature.target_K=120',
                        'temperature.tau_ps=0.5'),
    'npt': ('temperature.thermostat=v-rescale', 'temperature.target_K=120', 'temperature.tau_ps=0.5',
            'pressure.barostat=c-rescale', 'pressure.target_bar=1500', 'pressure.tau_ps=1'),
}


def same(name, ini, steps, cases, settings):
    """cases: (ranks, settings, ranks of the first half or None). The first is the reference."""
    first = None
    settings = ('output.energy_every=5', ) + settings
    for ranks, own, cut in cases:
        title = '%s on %d%s%s' % (name, ranks, ' after %d' % cut if cut else '', ''.join(' ' + s.split('.')[1] for s in own))
        extra = ()
        if cut:
            run(ini, cut, steps // 2, settings, name='bits')
            extra = ('--resume', )
        outcome = run(ini, ranks, steps, settings + own, name='bits', extra=extra)
        if first is None:
            first = outcome
            claim('%s: the reference rebuilds' % name, outcome['rebuilds'] >= 2, '%d rebuilds' % outcome['rebuilds'])
            continue
        whole, part = dict((p[0], p) for p in first.pressures()), outcome.pressures()
        claim(title + ': same hash', outcome['state_hash'] == first['state_hash'],
              '%s, %s; %d migrated' % (outcome['state_hash'], first['state_hash'], outcome['migrated']))
        claim(title + ': same pressures and energies', len(part) >= 2 and all(p == whole.get(p[0]) for p in part),
              '%d records' % len(part))


def bits():
    use_polymer()
    use_protein()
    narrow, wide = variants()
    steps = 200 if ALL else 20
    short = ('nonbonded.buffer_nm=0.06', )
    margin = ('nonbonded.buffer_nm=0.25', )
    covering = {
        'nve': [(2, ('domain.curve=morton', 'domain.kernel=' + narrow), None), (3, ('domain.rebalance=always', ), None),
                (7, ('domain.kernel=%s,%s' % (narrow, wide), ), None), (16, margin, None)],
        'verlet': [(4, ('domain.curve=morton', ), None), (3, (), 2)],
        'v-rescale': [(8, ('domain.curve=morton', ), None)],
        'langevin': [(3, ('domain.kernel=%s,%s' % (narrow, wide), ), None)],
        'verlet-langevin': [(2, margin, None)],
        'npt': [(4, (), None), (2, ('domain.curve=morton', ), 7)],
    }
    for bath, settings in BATHS.items():
        cases = covering[bath]
        if ALL:
            cases = [(r, ('domain.curve=' + c, 'domain.kernel=' + k), None) for r in (1, 2, 3, 4, 7, 8, 16)
                     for c in ('hilbert', 'morton') for k in (narrow, wide)]
            cases += [(5, ('domain.kernel=%s,%s' % (narrow, wide), 'domain.rebalance=always'), None), (4, margin, None),
                      (2, ('domain.curve=morton', ), 7), (8, (), 3), (1, (), 16), (16, ('domain.transport=mpi', ), None)]
        same('polymer ' + bath, 'polymer.ini', steps, [(1, ('domain.kernel=' + wide, ), None)] + cases, short + settings)
    for bath in BATHS if ALL else ('verlet-langevin', ):
        cases = [(1, (), None), (3, ('domain.rebalance=always', ), None), (7, ('domain.curve=morton', ), 2)]
        if ALL:
            cases += [(r, ('domain.curve=' + c, ), None) for r in (2, 4, 8, 16) for c in ('hilbert', 'morton')]
        same('protein ' + bath, 'protein.ini', steps, cases, ('nonbonded.buffer_nm=0.02', ) +
             tuple(s.replace('target_K=120', 'target_K=300') for s in BATHS[bath]))


def long_chain():
    """One chain of 10,000 beads, folded through the whole box, so that it passes every rank."""
    beads = lattice_chain(10000, 8.0, 0.36)
    scene('chain', [(beads, 1)], 8.0, bonds='all-bonds', at=[0], cutoff=0.4)
    settings = ('constraints.tolerance=1e-8', 'nonbonded.buffer_nm=0.05', 'run.dt_ps=0.004')
    same('one chain of 10,000 beads', 'chain.ini', 20, [(1, (), None), (16, (), None), (7, ('domain.curve=morton', ), 3)] +
         ([(r, (), None) for r in (2, 3, 4, 8)] if ALL else []), settings)
    outcome = run('chain.ini', 16, 20, settings)
    left = residual('run.h5', 'chain.top')
    claim('one chain of 10,000 beads: lengths', left['length'] <= 1e-8 and left['bonds'] == 9999, '%.1e' % left['length'])
    claim('one chain of 10,000 beads: on all ranks', outcome['owned_min'] > 0, '%d to %d atoms' %
          (outcome['owned_min'], outcome['owned_max']))
    told = subprocess.run([str(BUILD / 'skein'), 'check', 'chain.ini', '--ranks', '16'], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout
    found = re.search(r'on 16 ranks (\d+) of them join atoms of different ranks', told)
    claim('skein check counts the crossings', bool(found) and 300 < int(found[1]) < 9999 and '9999 in 1 components' in told,
          found[0] if found else told[-300:])


# ---- 4: reference ----

def energies(report):
    return {k: float(v) for k, v in (l.rstrip('\n').split('\t') for l in open(report) if l.strip())}


def reference():
    use_polymer()
    here = REFERENCE / 'polymer'
    want = energies(here / 'energy.txt')
    table = numpy.loadtxt(lzma.open(here / 'forces.txt.xz', 'rt'))
    for kernel, energy_bar, force_bar in (('fast', 1e-6, 5e-6), ('oracle', 3e-9, 1e-8)):
        out = subprocess.run(['mpirun', '-n', '3', str(BUILD / 'skein'), 'energy', 'polymer.ini', '--json', '--forces',
                              'forces.txt'] + (['--oracle'] if kernel == 'oracle' else []), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if out.returncode:
            raise RuntimeError(out.stderr[-1000:])
        report = json.loads(out.stdout.splitlines()[-1])
        error = abs(report['potential'] / want['Potential'] - 1)
        claim('polymer %s: energy' % kernel, error <= energy_bar, '%.9f, GROMACS %.9f: %.1e' %
              (report['potential'], want['Potential'], error))
        f = numpy.loadtxt('forces.txt')[:, 1:]
        error = float((((f - table[:, 1:])**2).sum() / (table[:, 1:]**2).sum())**0.5)
        claim('polymer %s: forces' % kernel, error <= force_bar, 'rms error over rms force %.1e' % error)
        # kinetic part, pair virial and constraint virial: 217, 1359 and 303 bar
        pressure = want['Pressure']
        claim('polymer %s: pressure' % kernel, abs(report['pressure_bar'] - pressure) < 2e-3,
              '%.6f bar, GROMACS %.6f' % (report['pressure_bar'], pressure))


def motion():
    """Ten steps of motion, and energies and pressures over 100 steps, against near-exact LINCS."""
    use_polymer()
    here = REFERENCE / 'polymer'
    for integrator, key in (('leap-frog', 'md'), ('velocity-verlet', 'md-vv')):
        settings = ('run.integrator=' + integrator, 'constraints.tolerance=1e-12', 'output.energy_every=1')
        run('polymer.ini', 2, 10, settings)
        x, _, box = state('run.h5')
        ref = numpy.loadtxt(lzma.open(here / ('x-step10-%s.txt.xz' % key), 'rt'))
        d = (x[ref[:, 0].astype(int) - 1] - ref[:, 1:]).astype(float)
        d -= numpy.rint(d / box) * box
        # Nine digits are printed: coordinates beyond 10 nm (few) to 5e-8 nm, the others to 5e-9. Forces differ by
        # 1e-6 of theirs, which after ten steps is 1e-8 of what they moved an atom: 0.1 ps^2 / 2 x 66 / 40 nm.
        printed = 0.5 * 10.0**(numpy.floor(numpy.log10(abs(ref[:, 1:]) + 1e-30)) - 8)
        claim('polymer %s: positions after ten steps' % integrator, bool((abs(d) <= printed + 5e-8).all()) and
              float((d**2).mean()**0.5) < 6e-9, 'rms %.1e nm, largest %.1e' % ((d**2).mean()**0.5, abs(d).max()))
        outcome = run('polymer.ini', 2, 100, settings)
        head, *rows = [l.rstrip('\n').split('\t') for l in open(here / ('nve-%s.tsv' % key))]
        ref = numpy.array(rows, dtype=float)
        got = outcome.events['energy']
        # Velocity Verlet: both constraint forces are right to an error of first order in dt, which here is 0.15 bar of 303.
        verlet = integrator != 'leap-frog'
        for name, column, bar in (('potential', 'Potential', 0.003), ('kinetic', 'Kinetic En.', 0.003),
                                  ('pressure_bar', 'Pressure', 0.5 if verlet else 0.002)):
            error = abs(numpy.array([e[name] for e in got]) - ref[:, head.index(column)])
            claim('polymer %s: %s over 100 steps' % (integrator, name), len(got) == 101 and bool((error[1:] < bar).all()),
                  'largest difference %.2e (of %.6g)' % (error[1:].max(), got[1][name]))
            # The velocities of the file do not obey the constraints at this time; GROMACS projects them first.
            claim('polymer %s: %s of the start' % (integrator, name), error[0] < bar, '%.2e' % error[0])


def lammps():
    """The data file in reduced units is the same system: energies agree, in units of epsilon (1 kJ/mol)."""
    use_polymer()
    out = subprocess.run(['mpirun', '-n', '2', str(BUILD / 'skein'), 'energy', 'polymer-lj.ini', '--json'],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if out.returncode:
        raise RuntimeError(out.stderr[-1000:])
    got = json.loads(out.stdout.splitlines()[-1])['potential']
    want = float(open(REFERENCE / 'polymer/lmp-thermo.txt').read().split('\n')[1].split()[2])
    claim('polymer as a data file: energy', abs(got / want - 1) < 1e-6, '%.9f, LAMMPS %.9f' % (got, want))
    a = run('polymer-lj.ini', 1, 20, name='a')
    b = run('polymer-lj.ini', 4, 20, ('domain.curve=morton', 'constraints.bonds=none', 'constraints.bond_types=1'), name='b')
    claim('polymer as a data file: same bits, bonds rigid by type', a['state_hash'] == b['state_hash'])
    Path('list.txt').write_text('# 1-2 distances\n' + ''.join(
        '%d %d 0.97\n' % (i + 1, i + 2) for i in range(20000) if (i + 1) % 200))
    claim('polymer as a data file: lengths', residual('b.h5', 'list.txt')['length'] <= 1e-6)


def slope_of(outcome, dof, skip):
    e = numpy.array([(r['time_ps'], r['conserved']) for r in outcome.events['energy'] if r['step'] >= skip])
    fit = numpy.polyfit(e[:, 0] - e[:, 0].mean(), e[:, 1], 1)
    return fit[0] / dof, (e[:, 1] - numpy.polyval(fit, e[:, 0] - e[:, 0].mean())).std()


def drift():
    """Energy in NVE: no drift that shows against its fluctuation, whatever the tolerance below 1e-6."""
    use_polymer()
    steps = 100000 if ALL else 2000
    dof = 100 * 401
    outcome = run('polymer.ini', 2, steps, ('output.energy_every=10', ), limit=3600)
    slope, noise = slope_of(outcome, dof, 100)
    ps = steps * 0.01
    # kJ/mol/ps per degree of freedom; kT/2 is 0.49. Standard error of a slope of uncorrelated noise is sqrt(12/n)/T.
    bar = 1e-6 if ALL else 2e-5
    claim('polymer NVE: energy over %d steps' % steps, abs(slope) < bar,
          'slope %.2e kJ/mol/ps per degree of freedom, fluctuation %.2g kJ/mol, over %.0f ps, total %.6g' %
          (slope, noise, ps, outcome.events['energy'][-1]['total']))
    claim('polymer NVE: no repairs', outcome['constraint_repairs'] <= 0.01 * steps, '%d' % outcome['constraint_repairs'])
    left = residual('run.h5', 'polymer.top', '--bonds', 'all-bonds')['length']
    claim('polymer NVE: lengths after %d steps' % steps, left <= 1e-6, '%.1e' % left)
    if ALL:
        half = run('polymer.ini', 2, steps // 2, ('run.dt_ps=0.005', 'output.energy_every=20'), limit=3600)
        other, quiet = slope_of(half, dof, 200)
        claim('polymer NVE: fluctuations fall with dt^2', 3 < noise / quiet < 6, '%.3g and %.3g kJ/mol, slopes %.2e %.2e' %
              (noise, quiet, slope, other))


# ---- 7: messages ----

def audit():
    """Between two steps without rebuild, output or checkpoint there is no blocking collective, with a thermostat; and
    the messages are those that the report tells."""
    use_polymer()
    library = Path('count_mpi.so').absolute()
    made = subprocess.run(['mpicc', '-O1', '-std=c11', '-fPIC', '-shared', str(ROOT / 'tests/support/count_mpi.c'), '-o',
                           str(library)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode:
        raise RuntimeError(made.stdout[-1000:])
    counts, ranks = {}, 4
    for tolerance in ('1e-6', '1e-12'):
        for steps in (10, 30):
            outcome = run('polymer.ini', ranks, steps, BATHS['v-rescale'] +
                          ('domain.transport=mpi', 'nonbonded.buffer_nm=0.8', 'output.energy_every=0',
                           'constraints.tolerance=' + tolerance),
                          environment={'LD_PRELOAD': library, 'COUNT_MPI_FILE': Path('count').absolute()})
            sent = nonblocking = 0
            blocking = {}
            for rank in range(ranks):
                for line in open('count.%d' % rank):
                    *what, n = line.split()
                    if what[0] == 'sent':
                        sent += int(n)
                    elif what[0] == 'nonblocking':
                        nonblocking += int(n)
                    else:
                        blocking[what[1]] = blocking.get(what[1], 0) + int(n)
            counts[tolerance, steps] = outcome, sent, nonblocking, blocking
        (short, sent0, soft0, hard0), (long, sent1, soft1, hard1) = counts[tolerance, 10], counts[tolerance, 30]
        claim('audit %s: no rebuild between step 10 and 30' % tolerance, short['rebuilds'] == long['rebuilds'])
        claim('audit %s: no blocking collective in 20 steps' % tolerance, hard0 == hard1 and sum(hard0.values()) > 0,
              'both runs: %s' % sorted(hard0.items()))
        claim('audit %s: one non-blocking reduction a step' % tolerance, soft1 - soft0 == 20 * ranks, '%d' % (soft1 - soft0))
        told = [round(o['messages_per_step'] * o['steps_done']) for o in (short, long)]
        claim('audit %s: messages are as the report has it' % tolerance, sent1 - sent0 == told[1] - told[0] > 0,
              '%d counted, %d told, %.4g a step' % (sent1 - sent0, told[1] - told[0], (sent1 - sent0) / 20))
        claim('audit %s: the same number in each step' % tolerance, (sent1 - sent0) % 20 == 0)
        per_step = [round(o['blocking_collectives_per_step'] * o['steps_done']) for o in (short, long)]
        claim('audit %s: the report counts as many blocking ones in both' % tolerance, per_step[0] == per_step[1], str(per_step))
    a, b = ((counts[t, 30][1] - counts[t, 10][1]) / 20 for t in ('1e-6', '1e-12'))
    claim('audit: a tighter tolerance costs one more exchange of multipliers', 0 < b - a < 0.5 * a,
          '%.4g and %.4g messages a step' % (a, b))


def sections(text):
    """[(name, lines)] of a topology without macros, comments cut."""
    found = [('', [])]
    for line in text.split('\n'):
        line = line.split(';')[0].strip()
        if line.startswith('['):
            found.append((line.strip('[] '), []))
        elif line and not line.startswith('#'):
            found[-1][1].append(line.split())
    return found


def peptide():
    """The 12-residue peptide of the reference systems in water, every bond rigid: its topology without the terms that
    bend and turn, lengths looked up here, not by the program."""
    systems = SYSTEMS / 'aladip'
    if not systems.is_dir():
        print('skip peptide: no reference systems at SKEIN_SYSTEMS')
        return
    Path('peptide.gro').write_bytes(lzma.open(systems / 'conf-pep-amber.gro.xz').read())
    parts = sections(lzma.open(systems / 'topol-pep-amber.pp.top.xz', 'rt').read())
    lengths, types, out, nbonds = {}, [], [], 0
    for name, lines in parts:
        if name == 'bondtypes':
            for a, b, function, length, *_ in lines:
                lengths[a, b] = lengths[b, a] = length
        if name == 'atoms':
            types = [l[1] for l in lines]
        if name == 'bonds':
            lines = [[i, j, '1', lengths[types[int(i) - 1], types[int(j) - 1]], '1'] for i, j, *_ in lines]
            nbonds = max(nbonds, len(lines))
        if name in ('defaults', 'atomtypes', 'moleculetype', 'atoms', 'bonds', 'settles', 'exclusions', 'system', 'molecules'):
            out += ['[ %s ]' % name] + [' '.join(l) for l in lines]
    Path('peptide.top').write_text('\n'.join(out) + '\n')
    Path('peptide.ini').write_text("""[system]
structure = peptide.gro
topology = peptide.top
velocities = maxwell
maxwell_K = 300
[run]
integrator = leap-frog
dt_ps = 0.001
steps = 50
seed = 4
[nonbonded]
cutoff_nm = 0.9
coulomb = none
[constraints]
bonds = all-bonds
tolerance = 1e-8
[temperature]
thermostat = v-rescale
target_K = 300
tau_ps = 0.02
[output]
energy_every = 10
""")
    bits = set()
    for ranks, settings in ((1, ()), (3, ('domain.curve=morton',)), (8, ()), (16, ('constraints.split_clusters=on',))):
        outcome = run('peptide.ini', ranks, 50, settings)
        bits.add((outcome['state_hash'], tuple(e['pressure_bar'] for e in outcome.events['energy'])))
        left = residual('run.h5', 'peptide.top', '--bonds', 'all-bonds', '--dt', '0.001')
        claim('peptide on %d ranks: %d lengths of bonds and waters' % (ranks, left['bonds']),
              left['length'] <= 1e-8 and left['bonds'] > nbonds > 200, '%.2e' % left['length'])
    claim('peptide: the same bits on any ranks, clusters split or not', len(bits) == 1, '%d different' % len(bits))


in_folder('skein-constraints-', (tolerances, no_rounds, bits, long_chain, reference, motion, lammps, drift, audit, peptide))
