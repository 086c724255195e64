"""What the system tests of force fields share: runs of the program on scenes NAME.ini, agreement with the double-precision
reference of GROMACS 2022.5 (STEM.energy.txt, STEM.forces.txt.xz), and equal bits.

Bars: energies fast 1e-6, oracle 1e-8; forces, rms over rms, fast 7e-6, oracle 1.1e-8; pressure fast 0.5 bar, oracle
0.05. The forces of the oracle are as near as GROMACS' table for 1-4 pairs lets them."""
import json, lzma
from pathlib import Path

import numpy

from claims import claim, skein

ENERGY = {'fast': 1e-6, 'oracle': 1e-8}
FORCE = {'fast': 7e-6, 'oracle': 1.1e-8}
PRESSURE = {'fast': 0.5, 'oracle': 0.05}
KEYS = {'bond': ['Bond'], 'angle': ['Angle'], 'urey_bradley': ['U-B'], 'dihedral': ['Proper Dih.', 'Ryckaert-Bell.'],
        'improper': ['Improper Dih.', 'Per. Imp. Dih.'], 'cmap': ['CMAP Dih.'], 'lj_14': ['LJ-14'],
        'coulomb_14': ['Coulomb-14'], 'lj': ['LJ (SR)'], 'dispersion_correction': ['Disper. corr.'],
        'position_restraint': ['Position Rest.']}
COULOMB_KEYS = {'coulomb_sr': ['Coulomb (SR)'], 'coulomb_recip': ['Coul. recip.']}


def evaluate(name, ranks, *settings, oracle=False):
    options = [a for s in settings for a in ('--set', s)] + ['--oracle'] * oracle
    out = skein(ranks, 'energy', name + '.ini', '--json', '--forces', 'forces.txt', *options).stdout
    return json.loads(out.splitlines()[-1]), numpy.loadtxt('forces.txt')[:, 1:]


def reference(stem):
    rows = (line.rstrip('\n').split('\t') for line in open(str(stem) + '.energy.txt') if not line.startswith('#'))
    table = numpy.loadtxt(lzma.open(str(stem) + '.forces.txt.xz', 'rt'))
    return {k: float(v) for k, v in rows}, table[:, 0].astype(int) - 1, table[:, 1:]


def rms(x):
    return (x**2).sum()**0.5


def agreement(what, name, stem, kernels=('fast', 'oracle'), lacking=0, coulomb=0):
    """lacking: of the reference's pressure, bar; coulomb: what its Coulomb terms are made of is as large as this."""
    want, ids, exact = reference(stem)
    for kernel in kernels:
        label = '%s, %s: ' % (what, kernel)
        report, forces = evaluate(name, 3 if kernel == 'fast' else 2, oracle=kernel == 'oracle')
        worst, where = 0, ''
        coulomb = max(coulomb, abs(sum(want[n] for names in COULOMB_KEYS.values() for n in names)))
        for key, value in report['terms'].items():
            expected = sum(want.get(n, 0) for n in {**KEYS, **COULOMB_KEYS}[key])
            # the two parts of one interaction, of which each alone depends on how it is split
            scale = coulomb if key in COULOMB_KEYS else max(abs(expected), 1e-8 / ENERGY[kernel])
            if abs(value - expected) / scale >= worst:
                worst, where = abs(value - expected) / scale, key
        claim(label + 'energies by term', worst <= ENERGY[kernel], 'largest relative error %.2e (%s)' % (worst, where))
        claim(label + 'potential is the sum of terms',
              abs(sum(report['terms'].values()) / report['potential'] - 1) <= 1e-12)
        error = rms(forces[ids] - exact) / rms(exact)
        claim(label + 'forces', error <= FORCE[kernel], 'rms error %.2e of the rms force' % error)
        off = report['pressure_bar'] - want['Pressure'] - lacking
        claim(label + 'pressure', abs(off) <= PRESSURE[kernel], '%.4f bar, off by %.4f' % (report['pressure_bar'], off))


def run(name, ranks, steps, *settings, resume=False):
    options = [a for s in ('output.checkpoint=out.h5', ) + settings for a in ('--set', s)]
    for old in Path('.').glob('out.h5*'):
        if not resume:
            old.unlink()
    skein(ranks, 'run', name + '.ini', '--steps', steps, '--quiet', '--log-json', 'log.json', *options,
          *(['--resume'] * resume))
    events = [json.loads(line) for line in open('log.json')]
    events[-1]['events'] = events
    events[-1]['energies'] = [(e['terms'], e['pressure_bar']) for e in events if e['event'] == 'energy']
    return events[-1]


HOT = ('nonbonded.buffer_nm=0.02', 'domain.rebalance=always')
CASES = [(2, ('domain.curve=morton', )), (3, ('domain.mesh_layout=pencil', 'domain.kernel=avx2,avx512,baseline')),
         (4, ('domain.mesh_layout=pencil', 'domain.curve=kd')), (7, ('domain.transport=mpi', )),
         (8, HOT + ('domain.mesh_layout=pencil', )), (16, ('domain.curve=morton', 'domain.mesh_layout=slab') + HOT)]
THERMOSTAT = ('temperature.thermostat=v-rescale', 'temperature.target_K=300', 'temperature.tau_ps=0.1')
BAROSTAT = THERMOSTAT + ('pressure.barostat=c-rescale', 'pressure.target_bar=1', 'pressure.tau_ps=1')


def bits(what, name, steps, settings, cases):
    """One rank without anything against ranks and settings of the cases, and against a resumed run."""
    settings += ('output.energy_every=%d' % (steps // 2), )
    label = '%s %s' % (what, ' '.join(s.split('.')[-1] for s in settings[:-1]))
    first = run(name, 1, steps, *settings)
    for ranks, own in cases:
        other = run(name, ranks, steps, *settings, *own)
        claim('%s, %d ranks %s: same bits' % (label, ranks, ' '.join(s.split('.')[-1] for s in own)),
              other['state_hash'] == first['state_hash'] and other['energies'] == first['energies'],
              '%s, %s; %d rebuilds' % (other['state_hash'], first['state_hash'], other['rebuilds']))
    run(name, 2, steps // 2, *settings)
    other = run(name, 3, steps, *settings, resume=True)
    claim('%s, resumed: same bits' % label, other['state_hash'] == first['state_hash'])
