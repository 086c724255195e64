#!/usr/bin/env python3
# timeout: 300 all: 1200
"""Switched Lennard-Jones through the whole program: against GROMACS 2022.5 in double precision and LAMMPS 29 Sep 2021
(tests/reference/make_switch.sh) on a mixture, and on CHARMM molecules with particle-mesh Ewald, of GROMACS and of LAMMPS
(the reference systems); dispersion corrections and pressures; equal bits on any number of ranks and kernels; errors by name.

Bars: energies fast 1e-6, oracle 1e-8; forces, rms over rms, fast 4e-6, oracle 1e-8. With charges and a cutoff of 1.2 nm
the fast forces are off by 7.5e-6, because so many pairs are rounded to integers (2^11 to the kJ/mol/nm): 8e-6 there, and
nowhere may a switch add more than 3 % to what the error is without one."""
import json, lzma, os, re, shutil, sys, tempfile
from pathlib import Path

import numpy

sys.dont_write_bytecode = True
import switch_scene
import test_lammps
from claims import ALL, REFERENCE, SYSTEMS, claim, have_failed, skein

ENERGY = {'fast': 1e-6, 'oracle': 1e-8}
FORCE = {'fast': 4e-6, 'oracle': 1e-8}
GRO = """[system]
structure = %s.gro
topology = %s.top
[run]
dt_ps = 0.002
[nonbonded]
cutoff_nm = %g
vdw_switch_nm = %g
vdw_modifier = %s-switch
coulomb = %s
"""
DATA = """[system]
data = mixture.data
units = lj
[run]
integrator = velocity-verlet
dt = 0.002
[nonbonded]
cutoff = %g
vdw_switch = %g
vdw_modifier = charmm-switch
mixing = lorentz-berthelot
pair_coeff = 1 1 1.0 1.0; 2 2 1.3 1.03
""" % (switch_scene.CUTOFF, switch_scene.START)


def evaluate(ini, kernel, *settings):
    options = [a for s in settings for a in ('--set', s)] + ['--oracle'] * (kernel == 'oracle')
    out = skein(3 if kernel == 'fast' else 2, 'energy', ini, '--json', '--forces', 'forces.txt', *options).stdout
    return json.loads(out.splitlines()[-1]), numpy.loadtxt('forces.txt')[:, 1:]


def energies(path):
    return {k: float(v) for k, v in (l.rstrip('\n').split('\t') for l in open(path) if not l.startswith('#'))}


def forces_of(path):
    table = numpy.loadtxt(lzma.open(path, 'rt'))
    return table[:, 0].astype(int) - 1, table[:, 1:]


def rms(x):
    return (x**2).sum()**0.5


def near(name, got, want, bar):
    error = abs(got - want) / abs(want)
    claim(name, error <= bar, '%.9f, reference %.9f, relative error %.2e' % (got, want, error))


def as_good(name, forces):
    """forces, from fast and oracle, beside those of the same run file without the switch."""
    ini = Path(name + '.ini').read_text()
    Path('plain.ini').write_text(re.sub('vdw_switch.*\n', '', re.sub(r'\w+-switch', 'potential-shift', ini)))
    plain = [evaluate('plain.ini', kernel)[1] for kernel in ('fast', 'oracle')]
    shift, switch = (rms(f[0] - f[1]) / rms(f[1]) for f in (plain, (forces['fast'], forces['oracle'])))
    claim(name + ': the fast forces are as good as without a switch', switch <= 1.03 * shift,
          'fast against oracle: %.3e, without a switch %.3e' % (switch, shift))


def mixture():
    switch_scene.write('.')
    for kind in ('force', 'potential', 'charmm'):
        Path(kind + '.ini').write_text(DATA if kind == 'charmm' else GRO % (
            'mixture', 'mixture', switch_scene.CUTOFF * switch_scene.SIGMA, switch_scene.START * switch_scene.SIGMA, kind,
            'none'))
        want = energies(REFERENCE / 'switch' / (kind + '.energy.txt'))
        ids, exact = forces_of(REFERENCE / 'switch' / (kind + '.forces.txt.xz'))
        forces = {}
        for kernel in ('fast', 'oracle'):
            label = 'mixture, %s-switch, %s: ' % (kind, kernel)
            dispersion = 'none' if kind == 'charmm' else 'energy-pressure'
            report, forces[kernel] = evaluate(kind + '.ini', kernel, 'nonbonded.dispersion_correction=' + dispersion)
            near(label + 'energy', report['terms']['lj'], want.get('LJ (SR)', want.get('E_vdwl')), ENERGY[kernel])
            error = rms(forces[kernel][ids] - exact) / rms(exact)
            claim(label + 'forces', error <= FORCE[kernel], 'rms error %.2e of the rms force' % error)
            if kind == 'charmm':
                near(label + 'pressure', report['pressure'], want['Press'], 1e-5)
                continue
            near(label + 'dispersion correction', report['terms']['dispersion_correction'], want['Disper. corr.'], 1e-8)
            off = report['pressure_bar'] - want['Pressure']
            claim(label + 'pressure', abs(off) <= 0.01, '%.6f bar (%.3f of it the correction), off by %.6f' %
                  (report['pressure_bar'], want['Pres. DC'], off))
        if ALL:
            as_good(kind, forces)
    report, _ = evaluate('force.ini', 'fast', 'nonbonded.dispersion_correction=energy')
    want = energies(REFERENCE / 'switch/force.energy.txt')
    off = report['pressure_bar'] - want['Pressure'] + want['Pres. DC']
    claim('mixture, force-switch: pressure without its correction', abs(off) <= 0.01, 'off by %.6f bar' % off)


TERMS = {'lj': 'LJ (SR)', 'lj_14': 'LJ-14', 'urey_bradley': 'U-B', 'cmap': 'CMAP Dih.'}


def unpack(source, name):
    Path(name).write_bytes(lzma.open(SYSTEMS / (source + '.xz')).read())


def charmm(name):
    """CHARMM molecules: force-switch from 1.0 to 1.2 nm, particle-mesh Ewald, 1-4 pairs as they are."""
    folder, stem, topology = ('popc', 'fsw-none', 'topol.pp.top') if name == 'popc' else \
        ('aladip', name + '-fsw', 'topol-%s.pp.top' % name)
    unpack('%s/%s.gro' % (folder, 'conf' if name == 'popc' else 'conf-' + name), name + '.gro')
    unpack('%s/%s' % (folder, topology), name + '.top')
    Path(name + '.ini').write_text(GRO % (name, name, 1.2, 1.0, 'force', 'pme'))
    want = energies(SYSTEMS / folder / 'ref' / (stem + '.energy.txt'))
    ids, exact = forces_of(SYSTEMS / folder / 'ref' / (stem + '.forces.txt.xz'))
    report, forces, error = {}, {}, {}
    for kernel in ('fast', 'oracle'):
        label = '%s, %s: ' % (name, kernel)
        report[kernel], forces[kernel] = evaluate(name + '.ini', kernel)
        for key, term in TERMS.items():
            if want.get(term):  # GROMACS' table for 1-4 pairs is good to 4e-9
                near(label + key, report[kernel]['terms'][key], want[term], ENERGY[kernel])
        near(label + 'potential', report[kernel]['potential'], want['Potential'], ENERGY[kernel])
        error[kernel] = rms(forces[kernel][ids] - exact) / rms(exact)
        bar = 8e-6 if kernel == 'fast' else 1.1e-8
        claim(label + 'forces', error[kernel] <= bar, 'rms error %.2e of the rms force' % error[kernel])
        off = report[kernel]['pressure_bar'] - want['Pressure']
        claim(label + 'pressure', abs(off) <= (1 if kernel == 'fast' else 0.01), 'off by %.4f bar' % off)
    as_good(name, forces)


def peptide():
    """LAMMPS' own peptide by its pair_style lj/charmm/coul/long 8.0 10.0 10.0. Its Ewald sum takes erfc from a polynomial
    that is good to 1e-7, which forces may be off by."""
    unpack('peptide-lmp/data.peptide', 'data.peptide')
    test_lammps.run_file('peptide', (SYSTEMS / 'peptide-lmp/in.A').read_text() + 'special_bonds charmm\n')
    ini = Path('peptide.ini').read_text()
    mesh = 'mesh_order = 6\nmesh_spacing_nm = 0.04\newald_rtol = 1e-8\n'
    Path('peptide.ini').write_text(ini.replace('[bonded]', mesh + '[bonded]'))
    want = test_lammps.thermo(SYSTEMS / 'peptide-lmp/ref/thermo-B.txt')[0]
    ids, exact = forces_of(SYSTEMS / 'peptide-lmp/ref/step0-B.forces.txt.xz')
    for kernel in ('fast', 'oracle'):
        report, forces = evaluate('peptide.ini', kernel)
        energy = (report['terms']['lj'] + report['terms']['lj_14']) / test_lammps.KCAL
        near('peptide of LAMMPS, %s: E_vdwl' % kernel, energy, want['E_vdwl'], ENERGY[kernel])
        error = rms(forces[ids] / (10 * test_lammps.KCAL) - exact) / rms(exact)
        claim('peptide of LAMMPS, %s: forces' % kernel, error <= (8e-6 if kernel == 'fast' else 1e-6),
              'rms error %.2e of the rms force' % error)


def run(ini, ranks, steps, *settings, resume=False, code=0):
    options = [a for s in ('output.checkpoint=out.h5', ) + settings for a in ('--set', s)]
    if not resume:
        Path('out.h5').unlink(missing_ok=True)
    said = skein(ranks, 'run', ini, '--steps', steps, '--quiet', '--log-json', 'log.json', *options,
                 *(['--resume'] * resume), code=code).stderr
    return said if code else [json.loads(line) for line in open('log.json')]


WARM = ('system.velocities=maxwell', 'system.maxwell_K=100')


def bits():
    flags = open('/proc/cpuinfo').read()
    kernels = ','.join([v for v, f in (('avx2', ' avx2'), ('avx512', ' avx512vl')) if f in flags] + ['baseline'])
    inis = ['force', 'potential', 'charmm'] if ALL else ['force', 'charmm']
    if Path('ala-charmm27.ini').exists():
        inis.append('ala-charmm27')
    for ini in inis:
        warm = ('system.velocities=maxwell', 'system.maxwell=0.7') if ini == 'charmm' else WARM
        last = run(ini + '.ini', 1, 40, *warm)[-1]
        other = run(ini + '.ini', 3, 40, *warm, 'domain.curve=morton', 'domain.kernel=' + kernels)[-1]
        claim('%s: same bits on 3 ranks, kernels %s' % (ini, kernels), last['state_hash'] == other['state_hash'],
              '%s, %s' % (last['state_hash'], other['state_hash']))
    run('force.ini', 2, 4, *WARM)
    said = run('force.ini', 2, 8, *WARM, 'nonbonded.vdw_switch_nm=0.69', resume=True, code=1)
    claim('another start of the switch on --resume is refused', 'of another system' in said, said.split('\n')[0])


def conserved():
    """Total energy over 20 ps of the mixture: what a force that jumps at the cutoff does to it, and one that does not."""
    drift = {}
    for modifier in ('potential-shift', 'force-switch', 'potential-switch', 'charmm-switch'):
        Path('nve.ini').write_text((GRO % ('mixture', 'mixture', 0.85125, 0.681, 'X', 'none')).replace(
            'X-switch', modifier).replace('vdw_switch_nm = 0.681\n', '' if 'shift' in modifier else
                                          'vdw_switch_nm = 0.681\n'))
        events = run('nve.ini', 2, 10000, *WARM, 'output.energy_every=50', 'run.integrator=velocity-verlet')
        rows = numpy.array([(e['time_ps'], e['total']) for e in events if e['event'] == 'energy'])
        rows = rows[rows[:, 0] > 2]
        drift[modifier] = numpy.polyfit(*rows.T, 1)[0] / switch_scene.N
        claim('energy drift with %s' % modifier, abs(drift[modifier]) <= (1e-6 if 'shift' in modifier else 1e-7),
              '%.2e kJ/mol/ps per atom; potential-shift %.2e' % (drift[modifier], drift['potential-shift']))


def main():
    os.chdir(tempfile.mkdtemp(prefix='skein-switch-'))
    mixture()
    if (SYSTEMS / 'aladip/ref').is_dir() and (SYSTEMS / 'peptide-lmp').is_dir():
        charmm('ala-charmm27')
        peptide()
        if ALL:
            charmm('pep-charmm27')
            charmm('popc')
    else:
        print('skip CHARMM molecules: no reference systems at SKEIN_SYSTEMS')
    bits()
    if ALL:
        conserved()
    shutil.rmtree(os.getcwd())
    return 1 if have_failed() else 0


sys.exit(main())
