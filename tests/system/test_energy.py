#!/usr/bin/env python3
# timeout: 300 all: 1200
"""Energies, forces and pressure against reference programs: GROMACS 2022.5 in double precision (water with reaction
field: tests/reference/make_rf.sh; argon: the reference systems) and LAMMPS 29 Sep 2021 (Lennard-Jones melt:
tests/reference/make_melt.sh). Bars: fast kernels 1e-6 in the energy and 5e-6 in the forces (rms, over rms force),
oracle 3e-9 and 1e-8.

How the force files allow that: their 8 to 10 digits are worth 1e-10 to 2e-9 of the rms force. The argon systems are
compared twice: as .gro and .top with GROMACS (seven decimals in nm), and as data files with LAMMPS; every variant of the
kernel must give the bits of the first."""
import importlib.util, json, lzma, os, shutil, sys, tempfile
from pathlib import Path

import numpy

sys.dont_write_bytecode = True
from claims import ALL, BUILD, REFERENCE, ROOT, SYSTEMS, claim, have_failed, skein

ENERGY = {'fast': 1e-6, 'oracle': 3e-9}
FORCE = {'fast': 5e-6, 'oracle': 1e-8}


def evaluate(ini, kernel, ranks=2, settings=()):
    """The energy report and the forces, by id."""
    options = [a for s in settings for a in ('--set', s)]
    if kernel == 'oracle':
        options.append('--oracle')
    elif kernel != 'fast':
        options += ['--set', 'domain.kernel=' + kernel]
    out = skein(ranks, 'energy', ini, '--json', '--forces', 'forces.txt', *options).stdout
    report = [json.loads(line) for line in out.splitlines()][-1]
    table = numpy.loadtxt('forces.txt')
    assert (table[:, 0] == numpy.arange(1, len(table) + 1)).all(), 'ids'
    return report, table[:, 1:]


def reference_forces(path):
    table = numpy.loadtxt(lzma.open(path, 'rt'))
    return table[:, 0].astype(int) - 1, table[:, 1:]


def reference_energies(path):
    return {k: float(v) for k, v in (l.rstrip('\n').split('\t') for l in open(path) if not l.startswith('#'))}


def compare_energy(name, kernel, got, want):
    error = abs(got - want) / abs(want)
    claim(name, error <= ENERGY.get(kernel, 1e-6), '%.9f, reference %.9f, relative error %.2e' % (got, want, error))


def compare_forces(name, kernel, forces, path, spare=()):
    ids, want = reference_forces(path)
    use = ~numpy.isin(ids, list(spare))
    difference = forces[ids[use]] - want[use]
    scale = (want[use]**2).sum()**0.5
    error = (difference**2).sum()**0.5 / scale
    # LAMMPS prints 8 significant digits: errors evenly spread over one unit of the last.
    printed = 10**numpy.floor(numpy.log10(abs(want[use]) + 1e-30) - 7) / 12**0.5 * ('.lmp-' in path.name)
    allowed = (FORCE.get(kernel, 5e-6)**2 + (printed**2).sum() / scale**2)**0.5
    claim(name, error <= allowed, 'rms force error over rms force %.2e (at most %.2e), worst component %.2e' %
          (error, allowed, abs(difference).max()))


def water():
    for size in ('3k', '24k'):
        structure = 'water-%s.gro' % size
        if size == '3k':
            shutil.copy(ROOT / 'inputs/water/water.gro', structure)
        else:
            open(structure, 'wb').write(lzma.open(REFERENCE / 'spce-rf/conf-24k.gro.xz').read())
        top = (ROOT / 'inputs/water/water.top').read_text().replace('SOL  1000', 'SOL  %d' % (int(size[:-1]) * 1000 // 3))
        Path('water-%s.top' % size).write_text(top)
        ini = (ROOT / 'inputs/water/water-nve.ini').read_text()
        Path('w.ini').write_text(ini.replace('water.gro', structure).replace('water.top', 'water-%s.top' % size))
        for variant, settings in (
                ('plain', ('nonbonded.vdw_modifier=none', 'nonbonded.dispersion_correction=none')),
                ('shift', ('nonbonded.vdw_modifier=potential-shift', 'nonbonded.dispersion_correction=energy-pressure'))):
            want = reference_energies(REFERENCE / 'spce-rf' / ('%s-%s.energy.txt' % (size, variant)))
            for kernel in ('fast', 'oracle'):
                name = 'water %s %s %s: ' % (size, variant, kernel)
                report, forces = evaluate('w.ini', kernel, 3 if kernel == 'fast' else 2, settings)
                terms = report['terms']
                compare_energy(name + 'Lennard-Jones', kernel, terms['lj'], want['LJ (SR)'])
                compare_energy(name + 'Coulomb', kernel, terms['coulomb_sr'], want['Coulomb (SR)'])
                compare_energy(name + 'potential', kernel, report['potential'], want['Potential'])
                if variant == 'shift':
                    compare_energy(name + 'dispersion correction', kernel, terms['dispersion_correction'],
                                   want['Disper. corr.'])
                compare_forces(name + 'forces', kernel, forces, REFERENCE / 'spce-rf' / ('%s.forces.txt.xz' % size))
                if kernel == 'fast':
                    # The virial is a small difference of terms about 20 times the kinetic part (1370 bar).
                    error = abs(report['pressure_bar'] - want['Pressure'])
                    claim(name + 'pressure', error <= 0.05, '%.6f bar, reference %.6f' %
                          (report['pressure_bar'], want['Pressure']))


def thermo(path):
    return numpy.loadtxt(path)  # step temp epair ke etotal press


def melt():
    for size in ('4k', '32k'):
        ini = 'lj-melt-%s.ini' % size
        shutil.copy(ROOT / 'inputs/lj-melt' / ini, ini)
        Path('snap-%s.data' % size).write_bytes(lzma.open(ROOT / 'inputs/lj-melt' / ('snap-%s.data.xz' % size)).read())
        exact = thermo(REFERENCE / 'lj-melt' / ('%s-exact.thermo.txt' % size))
        moved = thermo(REFERENCE / 'lj-melt' / ('%s-moved.thermo.txt' % size))
        for kernel in ('fast', 'oracle'):
            name = 'melt %s %s: ' % (size, kernel)
            report, forces = evaluate(ini, kernel, 3 if kernel == 'fast' else 2)
            compare_energy(name + 'energy', kernel, report['potential'], exact[0, 2])
            compare_forces(name + 'forces', kernel, forces, REFERENCE / 'lj-melt' / ('%s.forces.txt.xz' % size))
            if kernel == 'fast':
                claim(name + 'pressure', abs(report['pressure'] - exact[0, 5]) <= 2e-5,
                      '%.9f, reference %.9f' % (report['pressure'], exact[0, 5]))
        skein(2, 'run', ini, '--quiet', '--steps', 100, '--log-json', 'melt.jsonl', '--set', 'output.energy_every=1')
        rows = [json.loads(l) for l in open('melt.jsonl')]
        rows = [r for r in rows if r['event'] == 'energy']
        # LAMMPS always takes three degrees of freedom off; here they count unless the centre of mass is held.
        n = int(size[:-1]) * 1000
        got = numpy.array([(r['step'], r['temperature'] * n / (n - 1), r['potential'], r['kinetic'], r['total'],
                            r['pressure']) for r in rows])
        claim('melt %s: 100 steps' % size, got.shape == exact.shape and (got[:, 0] == exact[:, 0]).all(), str(got.shape))
        # The bar: three times what a perturbation of 1e-6 in the velocities has done by then, and a floor: 1e-6 of the
        # quantity, and five pairs on the other side of the unshifted cutoff, a jump of 0.0163 each.
        spread = numpy.maximum.accumulate(abs(moved - exact), axis=0)
        jump = 5 * 0.0163
        floor = {1: jump / n, 2: jump, 3: jump, 4: jump, 5: 1e-5}
        for column, what in ((1, 'temperature'), (2, 'potential'), (3, 'kinetic'), (4, 'total'), (5, 'pressure')):
            bar = 3 * spread[:, column] + floor[column] + 1e-6 * abs(exact[:, column])
            error = abs(got[:, column] - exact[:, column])
            claim('melt %s: %s over 100 steps' % (size, what), bool((error <= bar).all()),
                  'largest error %.3e (%.2f of the bar)' % (error.max(), (error / bar).max()))


def pairs_at_cutoff(x, edge, cutoff, width):
    """Pairs within width of the cutoff: on the kernel's grid they may fall on its other side."""
    from scipy.spatial import cKDTree
    x = x - edge * numpy.floor(x / edge)
    x[x >= edge] = 0
    pairs = cKDTree(x, boxsize=edge).query_pairs(cutoff + 2 * width, output_type='ndarray')
    d = x[pairs[:, 0]] - x[pairs[:, 1]]
    d -= edge * numpy.rint(d / edge)
    r = numpy.sqrt((d * d).sum(1))
    near = numpy.abs(r - cutoff) < width
    # By chance: what a band 10,000 times as wide holds, scaled.
    chance = (numpy.abs(r - cutoff + 1e4 * width) < 1e4 * width).sum() / 1e4
    return pairs[near], chance


SIGMA, EPSILON, CUTOFF = 0.3405, 0.996, 0.85125
GRID = {'nm': 2.0**-26, 'lj': 2.0**-25}


def argon_gro(lines, n, edge):
    """As the references' start was made (data2gro.py there): in nm, rounded to seven decimals."""
    start = [i for i, l in enumerate(lines) if l.startswith('Atoms')][0] + 2
    with open('argon.gro', 'w') as out:
        out.write('argon\n%d\n' % n)
        for i, line in enumerate(lines[start:start + n]):
            x = [float(t) * SIGMA for t in line.split()[2:5]]
            out.write('%5d%-5s%5s%5d%12.7f%12.7f%12.7f\n' % ((i + 1) % 100000, 'AR', 'AR', (i + 1) % 100000, *x))
        out.write('%.9f %.9f %.9f\n' % tuple(e * SIGMA for e in edge))
    Path('argon.top').write_text(
        '[ defaults ]\n1 2 no 1.0 1.0\n[ atomtypes ]\nAR 39.948 0.0 A 0.3405 0.996\n[ moleculetype ]\nAR 1\n'
        '[ atoms ]\n1 AR 1 AR AR 1 0.0 39.948\n[ system ]\nargon\n[ molecules ]\nAR %d\n' % n)
    Path('gro.ini').write_text(
        '[system]\nstructure = argon.gro\ntopology = argon.top\n[run]\ndt_ps = 0.005\n[nonbonded]\ncutoff_nm = %g\n'
        'vdw_modifier = none\ncoulomb = none\ndispersion_correction = none\n' % CUTOFF)
    text = open('argon.gro').read().split('\n')
    x = numpy.array([[float(l[20 + 12 * k:32 + 12 * k]) for k in range(3)] for l in text[2:2 + n]])
    return x, numpy.array([float(t) for t in text[2 + n].split()])


def argon_data(lines, n, edge):
    Path('argon.data').write_text('\n'.join(lines))
    Path('data.ini').write_text('[system]\ndata = argon.data\nunits = lj\n[run]\ndt = 0.005\n[nonbonded]\ncutoff = 2.5\n'
                                'vdw_modifier = none\ncoulomb = none\npair_coeff = 1 1 1.0 1.0\n')
    start = [i for i, l in enumerate(lines) if l.startswith('Atoms')][0] + 2
    return numpy.array([l.split()[2:5] for l in lines[start:start + n]], dtype=float), numpy.array(edge)


def compare_argon(name, ini, kernels, x, edge, cutoff, quantum, energy, forces_file):
    # The grid moves a distance by up to 2 sqrt(3) quanta, and r^2 in float by 2^-22 of itself.
    near, chance = pairs_at_cutoff(x, edge, cutoff, 2 * 3**0.5 * quantum + 2.0**-23 * cutoff)
    claim(name + ': pairs at the cutoff are as many as chance has it', len(near) <= chance + 5 * chance**0.5 + 3,
          '%d pairs, %.2f expected: %s' % (len(near), chance, near[:9].tolist()))
    bits = {}
    for kernel in kernels:
        report, forces = evaluate(ini, kernel, 1 if kernel in ('baseline', 'avx2', 'avx512') else 2)
        spare = set(near.ravel().tolist()) if kernel != 'oracle' else ()
        compare_energy('%s %s: energy' % (name, kernel), kernel, report['potential'], energy)
        compare_forces('%s %s: forces' % (name, kernel), kernel, forces, forces_file, spare)
        if kernel != 'oracle':
            bits[kernel] = forces.tobytes(), report['potential']
    if len(bits) > 1:
        claim(name + ': the same bits from every kernel', len(set(bits.values())) == 1, ', '.join(bits))


def variants():
    """Those that this processor runs, by /proc/cpuinfo; the first stands for what `auto` takes."""
    flags = open('/proc/cpuinfo').read()
    return ['fast', 'baseline'] + [v for v, f in (('avx2', ' avx2'), ('avx512', ' avx512vl')) if f in flags]


def argon():
    if not (SYSTEMS / 'slab/ref').is_dir():
        print('skip argon: no reference systems at SKEIN_SYSTEMS')
        return
    for kind in ('slab', 'droplet', 'clusters'):
        lines = lzma.open(SYSTEMS / 'slab' / ('data.%s.xz' % kind), 'rt').read().split('\n')
        n = int(lines[2].split()[0])
        edge = [float(l.split()[1]) for l in lines if l.endswith(('xlo xhi', 'ylo yhi', 'zlo zhi'))]
        kernels = variants() if kind == 'slab' or ALL else ['fast']
        kernels += ['oracle'] if kind == 'slab' or ALL else []
        x, e = argon_gro(lines, n, edge)
        want = reference_energies(SYSTEMS / 'slab/ref' / ('%s-gmx.energy.txt' % kind))['LJ (SR)']
        compare_argon('argon %s (gmx_d)' % kind, 'gro.ini', kernels, x, e, CUTOFF, GRID['nm'], want,
                      SYSTEMS / 'slab/ref' / ('%s-gmx.forces.txt.xz' % kind))
        x, e = argon_data(lines, n, edge)
        row = open(SYSTEMS / 'slab/ref' / ('%s.lmp-thermo.txt' % kind)).read().split('\n')[1].split()
        compare_argon('argon %s (lmp)' % kind, 'data.ini', ['fast', 'oracle'] if ALL else ['fast'], x, e, 2.5,
                      GRID['lj'], float(row[2]), SYSTEMS / 'slab/ref' / ('%s.lmp-forces.txt.xz' % kind))


def parts():
    """The error of the forces, part by part, and the engine's integers against a second implementation."""
    spec = importlib.util.spec_from_file_location('compare_forces', ROOT / 'scripts/compare_forces.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    for name in tool.SYSTEMS:
        here = Path(tempfile.mkdtemp(dir='.')).absolute()
        system = tool.SYSTEMS[name](here)
        m = tool.measure(system)
        p = tool.parts(m)
        off = tool.compare_engine(system, m, BUILD, here)
        claim('parts %s: every force is the second implementation\'s, bit by bit' % system.name, not off.any(),
              '%d of %d atoms differ, by at most %g units' % ((off > 0).sum(), len(off), off.max()))
        # Half a quantum in each coordinate against force constants of 1e5 kJ/mol/nm^2; a few float roundings of 6e-8
        # for each of some pairs that nearly cancel; rounding to integers exactly as independent errors in [-1/2, 1/2].
        claim('parts %s: grid' % system.name, p['grid'] < 6e-7, '%.2e' % p['grid'])
        claim('parts %s: float' % system.name, p['float'] < 1e-6, '%.2e' % p['float'])
        claim('parts %s: rounding' % system.name, abs(p['rounding'] / p['rounding, predicted'] - 1) < 0.05,
              '%.2e, predicted %.2e' % (p['rounding'], p['rounding, predicted']))
        sum2 = (p['grid']**2 + p['float']**2 + p['rounding']**2)**0.5
        claim('parts %s: add up' % system.name, abs(p['all'] / sum2 - 1) < 0.05, '%.2e, root of squares %.2e' %
              (p['all'], sum2))


folder = tempfile.mkdtemp(prefix='skein-energy-')
os.chdir(folder)
try:
    for part in (parts, water, melt, argon):
        try:
            part()
        except (RuntimeError, OSError, KeyError, AssertionError, ValueError, IndexError) as error:
            claim('%s: %s' % (part.__name__, error), False)
finally:
    shutil.rmtree(folder)
sys.exit(have_failed())
