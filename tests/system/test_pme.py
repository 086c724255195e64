#!/usr/bin/env python3
# timeout: 300 all: 2400
"""Particle-mesh Ewald through the whole program, against double-precision GROMACS 2022.5 (the reference systems): energies
by term, forces, pressure; mesh errors beside GROMACS' own; equal bits on any number of ranks, in slabs and pencils, on
every kernel, over a restart; charges that are not neutral, and errors by name.

Bars: energies fast 1e-6, oracle 1e-8 (1e-8 kJ/mol for the bonds of dhfr, which are satisfied to six digits); forces,
rms over rms, fast 7e-6, oracle 1.1e-8; pressure fast 0.5 bar, oracle 0.05. The forces of the oracle are as near as
GROMACS' table for 1-4 pairs lets them.

Not as GROMACS has it: the pressure of the background of a net charge. Its energy E is proportional to 1/V, so its
pressure is E/V; GROMACS 2022 adds -E/V to each diagonal element of the virial where -E/2 belongs."""
import json, lzma, os, re, subprocess, sys, tempfile, warnings
from pathlib import Path

import numpy

sys.dont_write_bytecode = True
from claims import ALL, BUILD, REFERENCE, ROOT, SYSTEMS, claim, have_failed

ENERGY = {'fast': 1e-6, 'oracle': 1e-8}
FORCE = {'fast': 7e-6, 'oracle': 1.1e-8}
PRESSURE = {'fast': 0.5, 'oracle': 0.05}
COULOMB, BAR, BETA = 138.9354576, 16.6053906717, 3.470459
KEYS = {'bond': ['Bond'], 'angle': ['Angle'], 'urey_bradley': ['U-B'], 'dihedral': ['Proper Dih.', 'Ryckaert-Bell.'],
        'improper': ['Improper Dih.', 'Per. Imp. Dih.'], 'cmap': ['CMAP Dih.'], 'lj_14': ['LJ-14'],
        'coulomb_14': ['Coulomb-14'], 'lj': ['LJ (SR)'], 'dispersion_correction': ['Disper. corr.']}
COULOMB_KEYS = {'coulomb_sr': ['Coulomb (SR)'], 'coulomb_recip': ['Coul. recip.']}
INI = """[system]
structure = %s.gro
topology = %s.top
[run]
integrator = leap-frog
dt_ps = 0.002
steps = 0
[nonbonded]
cutoff_nm = 0.9
coulomb = pme
vdw_modifier = %s
coulomb_modifier = %s
dispersion_correction = %s
[constraints]
bonds = %s
"""
TILTED = ('dodecahedron', 'octahedron')  # tests/reference/make_dodecahedron.sh
BONDS = {'none': 'none', 'hbonds': 'h-bonds', 'allbonds': 'all-bonds'}


def unpack(source, name):
    Path(name).write_bytes(lzma.open(SYSTEMS / (source + '.xz')).read())


def scene(name, variant='ref', bonds='none'):
    """Writes name.gro, name.top and name.ini; the stem of the reference."""
    if name in ('dhfr', 'popc'):
        unpack(name + '/conf.gro', name + '.gro')
        unpack(name + '/topol.pp.top', name + '.top')
        stem = '%s/ref/%s-%s' % (name, variant, bonds)
    elif name.startswith('spce'):
        size = name.split('-')[1]
        unpack('spce/conf-%s.gro' % size, name + '.gro')
        unpack('spce/topol-3k.pp.top', name + '.top')
        text = Path(name + '.top').read_text()
        Path(name + '.top').write_text(re.sub(r'SOL +1000', 'SOL %d' % (1000 * int(size[:-1]) // 3), text))
        stem = 'spce/ref/%s-%s' % (size, variant)
    elif name in TILTED:
        for suffix in ('.gro', '.top'):
            Path(name + suffix).write_bytes(lzma.open(REFERENCE / 'dodecahedron' / (name + suffix + '.xz')).read())
        stem = REFERENCE / 'dodecahedron' / name
    else:
        unpack('aladip/conf-%s.gro' % name, name + '.gro')
        unpack('aladip/topol-%s.pp.top' % name, name + '.top')
        stem = 'aladip/ref/%s-%s' % (name, variant)
    modifier = 'none' if variant == 'plain' else 'potential-shift'
    dispersion = 'none' if variant == 'plain' else 'energy-pressure'
    Path(name + '.ini').write_text(INI % (name, name, modifier, modifier, dispersion, BONDS[bonds]))
    return str(SYSTEMS / stem)


def skein(ranks, *arguments, code=0):
    run = subprocess.run(['mpirun', '-n', str(ranks), str(BUILD / 'skein'), *map(str, arguments)],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode != code:
        raise RuntimeError('skein %s on %d: code %d\n%s' %
                           (' '.join(map(str, arguments)), ranks, run.returncode, run.stderr[-2000:]))
    return run


def evaluate(name, ranks, *settings, oracle=False):
    options = [a for s in settings for a in ('--set', s)] + ['--oracle'] * oracle
    out = skein(ranks, 'energy', name + '.ini', '--json', '--forces', 'forces.txt', *options).stdout
    return json.loads(out.splitlines()[-1]), numpy.loadtxt('forces.txt')[:, 1:]


def reference(stem):
    rows = (line.rstrip('\n').split('\t') for line in open(stem + '.energy.txt') if not line.startswith('#'))
    table = numpy.loadtxt(lzma.open(stem + '.forces.txt.xz', 'rt'))
    return {k: float(v) for k, v in rows}, table[:, 0].astype(int) - 1, table[:, 1:]


def rms(x):
    return (x**2).sum()**0.5


def background(name):
    """What GROMACS' pressure lacks, bar."""
    charge = {'dhfr': -11, 'dodecahedron': 1, 'octahedron': 1}.get(name, 0)
    volume = numpy.prod([float(w) for w in Path(name + '.gro').read_text().split('\n')[-2].split()[:3]])
    density = -COULOMB * numpy.pi * charge**2 / (2 * volume**2 * BETA**2)  # energy / volume
    return BAR * (density + 2 * -density / volume)


def agreement(name, variant='ref', bonds='none', kernels=('fast', 'oracle')):
    stem = scene(name, variant, bonds)
    want, ids, exact = reference(stem)
    for kernel in kernels:
        label = '%s %s %s, %s: ' % (name, variant, bonds, kernel)
        report, forces = evaluate(name, 3 if kernel == 'fast' else 2, oracle=kernel == 'oracle')
        worst, where = 0, ''
        coulomb = abs(sum(want[n] for names in COULOMB_KEYS.values() for n in names))
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
        off = report['pressure_bar'] - want['Pressure'] - background(name)
        claim(label + 'pressure', abs(off) <= PRESSURE[kernel], '%.4f bar, off by %.4f' % (report['pressure_bar'], off))


def mesh_errors(name):
    """Forces beside a converged Ewald sum: ours may be 1.1 times as far from it as those of GROMACS with the same mesh."""
    _, _, converged = reference(scene(name, 'ewald'))
    _, ids, theirs = reference(scene(name, 'ref'))
    ours = evaluate(name, 2)[1]
    error, allowed = rms(ours[ids] - converged), rms(theirs - converged)
    claim('%s: mesh error beside that of GROMACS' % name, error <= 1.1 * allowed, 'ratio %.4f, %.2e of the rms force' %
          (error / allowed, error / rms(converged)))


def run(name, ranks, steps, *settings, resume=False):
    options = [a for s in ('output.checkpoint=out.h5', ) + settings for a in ('--set', s)]
    for old in Path('.').glob('out.h5*'):
        if not resume:
            old.unlink()
    skein(ranks, 'run', name + '.ini', '--steps', steps, '--quiet', '--log-json', 'log.json', *options,
          *(['--resume'] * resume))
    events = [json.loads(line) for line in open('log.json')]
    events[-1]['energies'] = [(e['terms'], e['pressure_bar']) for e in events if e['event'] == 'energy']
    return events[-1]


HOT = ('nonbonded.buffer_nm=0.02', 'domain.rebalance=always')
CASES = [(2, ('domain.curve=morton', )), (3, ('domain.mesh_layout=pencil', 'domain.kernel=avx2,avx512,baseline')),
         (4, ('domain.mesh_layout=pencil', 'domain.curve=kd')), (7, ('domain.transport=mpi', )),
         (8, HOT + ('domain.mesh_layout=pencil', )), (16, ('domain.curve=morton', 'domain.mesh_layout=slab') + HOT)]
THERMOSTAT = ('temperature.thermostat=v-rescale', 'temperature.target_K=300', 'temperature.tau_ps=0.1')
BAROSTAT = THERMOSTAT + ('pressure.barostat=c-rescale', 'pressure.target_bar=1', 'pressure.tau_ps=1')


def bits(name, steps, settings, cases, bonds):
    scene(name, 'ref', bonds)
    settings += ('output.energy_every=%d' % (steps // 2), )
    label = '%s %s %s' % (name, bonds, ' '.join(s.split('.')[-1] for s in settings[:-1]))
    first = run(name, 1, steps, *settings)
    for ranks, own in cases:
        other = run(name, ranks, steps, *settings, *own)
        claim('%s, %d ranks %s: same bits' % (label, ranks, ' '.join(s.split('.')[-1] for s in own)),
              other['state_hash'] == first['state_hash'] and other['energies'] == first['energies'],
              '%s, %s; %d rebuilds' % (other['state_hash'], first['state_hash'], other['rebuilds']))
    run(name, 2, steps // 2, *settings)
    other = run(name, 3, steps, *settings, resume=True)
    claim('%s, resumed: same bits' % label, other['state_hash'] == first['state_hash'])


def trajectory(name):
    """Tilted boxes in files: what MDAnalysis makes of a trajectory, and the state hash from the checkpoint."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        import MDAnalysis
        scene(name, 'ref', 'hbonds')
        done = run(name, 3, 2, 'output.trajectory=out.h5md', 'output.trajectory_every=2', 'run.dt_ps=1e-9')
        universe = MDAnalysis.Universe('out.h5md')
        lines = Path(name + '.gro').read_text().split('\n')
        n, box = int(lines[1]), [float(w) for w in lines[-2].split()]
        lattice = 10 * numpy.array([[box[0], 0, 0], [box[5], box[1], 0], [box[7], box[8], box[2]]])
        width = lines[2].index('.', 29) - lines[2].index('.')
        want = 10 * numpy.array([[float(l[20 + width * k:20 + width * (k + 1)]) for k in range(3)] for l in lines[2:2 + n]])
        turns = (universe.trajectory[0].positions - want) @ numpy.linalg.inv(lattice)
        off = abs(turns - numpy.rint(turns)).max()
    claim('%s: MDAnalysis reads the places' % name, off < 2e-6, 'off by %.1e of an edge' % off)
    off = abs(universe.trajectory[0].triclinic_dimensions - lattice).max()
    claim('%s: MDAnalysis reads the box' % name, off < 1e-4, 'off by %.1e Angstrom' % off)
    said = subprocess.run([os.environ.get('PYTHON', sys.executable), str(ROOT / 'scripts' / 'statehash'), 'out.h5'],
                          stdout=subprocess.PIPE, text=True).stdout
    claim('%s: statehash of the checkpoint' % name, done['state_hash'] in said, said.strip())


def refusals():
    scene('spce-3k')
    for setting, code, words in (
            ('nonbonded.mesh=28x28x34', 1, 'mesh of 34 points along z: a number from 4 to 4096 without prime factors above 13'),
            ('nonbonded.mesh_spacing_nm=0.0005', 1, 'needs more than 4096 points'),
            ('nonbonded.mesh_order=7', 1, "'mesh_order' = 7 is out of range: at least 4, at most 6")):
        said = skein(2, 'energy', 'spce-3k.ini', '--set', setting, code=code).stderr
        claim('%s is refused' % setting, words in said, said.split('\n')[0])
    run('spce-3k', 2, 4)
    said = skein(2, 'run', 'spce-3k.ini', '--resume', '--steps', 8, '--set', 'output.checkpoint=out.h5', '--set',
                 'nonbonded.mesh_order=5', code=1).stderr
    claim('another mesh on --resume is refused', 'of another system' in said, said.split('\n')[0])


def main():
    if not (SYSTEMS / 'spce').is_dir():
        print('no reference systems in %s' % SYSTEMS)
        return 77
    os.chdir(tempfile.mkdtemp(prefix='skein-pme-'))
    agreement('spce-3k')
    agreement('pep-charmm27')
    agreement('ala-opls', 'plain')
    agreement('dhfr', 'ref', 'hbonds')
    agreement('popc', 'ref', 'hbonds', ('fast', ))
    agreement('dodecahedron', 'ref', 'hbonds')
    agreement('octahedron', 'ref', 'hbonds', ('fast', ))
    mesh_errors('spce-3k')
    bits('ala-charmm27', 40, BAROSTAT, CASES if ALL else CASES[1:6:2], 'hbonds')
    bits('octahedron', 40, BAROSTAT, CASES if ALL else CASES[3:6:2], 'hbonds')
    trajectory('octahedron')
    refusals()
    if ALL:
        agreement('octahedron', 'ref', 'hbonds')
        for name in ('spce-3k', 'spce-24k'):
            agreement(name, 'plain')
        agreement('spce-24k')
        for name in ('ala-amber', 'ala-charmm27', 'ala-opls', 'pep-amber', 'pep-charmm27', 'pep-opls'):
            agreement(name)
            agreement(name, 'plain')
        for variant, bonds in (('ref', 'none'), ('plain', 'none'), ('ref', 'allbonds')):
            agreement('dhfr', variant, bonds)
        agreement('popc')
        agreement('popc', 'ref', 'hbonds')
        for name in ('ala-amber', 'pep-opls'):
            mesh_errors(name)
        for name, bonds in (('dhfr', 'hbonds'), ('dhfr', 'allbonds'), ('popc', 'hbonds'), ('dodecahedron', 'hbonds')):
            bits(name, 200, (), CASES, bonds)
    return 1 if have_failed() else 0


sys.exit(main())
