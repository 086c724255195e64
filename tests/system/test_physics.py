#!/usr/bin/env python3
# timeout: 240 all: 2400
"""Thermostats and barostats in short runs: temperatures and their fluctuations are those of the canonical ensemble,
conserved energies do not drift, boxes answer pressure. Expected values are analytic; statistical bounds are 5 standard
errors with the correlation time of the coupling. With check-all a longer run of water at constant pressure."""
import json, math, os, shutil, subprocess, sys, tempfile
from pathlib import Path

import numpy

sys.dont_write_bytecode = True
from claims import ALL, BUILD, ROOT, claim, have_failed

R = 0.0083144626181532403


def run(ini, steps, *settings):
    """Columns of the energy lines by name; times and temperatures without their units."""
    options = [a for s in ('output.energy_every=10', 'output.trajectory=') + settings for a in ('--set', s)]
    done = subprocess.run(['mpirun', '-n', '2', str(BUILD / 'skein'), 'run', ini, '--quiet', '--steps', str(steps),
                           '--log-json', 'e.jsonl', *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError('skein run %s %s: code %d\n%s' % (ini, settings, done.returncode, done.stderr[-2000:]))
    rows = [r for r in map(json.loads, open('e.jsonl')) if r['event'] == 'energy']
    short = lambda key: key.replace('_ps', '').replace('_K', '').replace('_bar', '').replace('_nm', '')
    return {short(k): numpy.array([r[k] for r in rows]) for k in rows[0] if k not in ('event', 'terms')}


def slope(e):
    return numpy.polyfit(e['time'] - e['time'].mean(), e['conserved'], 1)[0]


def canonical(name, e, skip, target, dof, correlation):
    """Mean temperature, and its variance 2 T^2 / dof. correlation: integrated correlation time."""
    kept = e['time'] >= skip
    T, samples = e['temperature'][kept], (e['time'][-1] - skip) / (2 * correlation)
    width = target * math.sqrt(2 / dof)
    claim('%s: reaches its temperature' % name, abs(T.mean() - target) <= 5 * width / math.sqrt(samples),
          '%.5g, target %.5g, standard error %.2g' % (T.mean(), target, width / math.sqrt(samples)))
    ratio = T.var(ddof=1) / width**2
    claim('%s: kinetic energy fluctuates as it must' % name, abs(ratio - 1) <= 5 * math.sqrt(2 / samples),
          'variance over that of the canonical ensemble %.3f, standard error %.2f' % (ratio, math.sqrt(2 / samples)))


def melt():
    hot = ('system.velocities=maxwell', 'system.maxwell=1.1', 'run.dt=0.004', 'temperature.target=0.75')
    e = run('lj-melt-4k.ini', 1500, *hot, 'temperature.thermostat=v-rescale', 'temperature.tau=0.08')
    claim('melt v-rescale: starts as told', abs(e['temperature'][0] / 1.1 - 1) < 0.01, '%.4f' % e['temperature'][0])
    canonical('melt v-rescale', e, 1.0, 0.75, 12000, 0.08)
    # Heat moves between the potential and the kinetic energy; the sum with the bath stays, but for jumps at the cutoff.
    claim('melt v-rescale: conserved energy', numpy.ptp(e['conserved']) < 0.02 * numpy.ptp(e['total']),
          'ranges %.3g and %.4g' % (numpy.ptp(e['conserved']), numpy.ptp(e['total'])))
    e = run('lj-melt-4k.ini', 1500, *hot, 'temperature.thermostat=langevin', 'temperature.tau=0.2')
    canonical('melt langevin', e, 2.0, 0.75, 12000, 0.1)
    flow = 2 * e['kinetic'].mean() / 0.2
    claim('melt langevin: conserved energy', abs(slope(e)) < 1e-3 * flow,
          '%.4g a time unit, %.1e of what the bath moves' % (slope(e), abs(slope(e)) / flow))


def water():
    bath = ('temperature.target_K=300', )
    e = run('water-nve.ini', 1000, *bath, 'temperature.thermostat=v-rescale', 'temperature.tau_ps=0.1')
    canonical('water v-rescale', e, 0.1, 300, 6000, 0.1)
    claim('water v-rescale: conserved energy', abs(slope(e)) < 5, '%.3g kJ/mol/ps' % slope(e))
    # The bath takes 2 K / tau and gives as much: what is lost of it in the books must be small. Leap-frog's own work by
    # the bath, of second order in dt, is 1.7e-4 of it at 2 fs; noise along rigid bonds, not taken out, would be 0.5.
    e = run('water-nve.ini', 1000, *bath, 'temperature.thermostat=langevin', 'temperature.tau_ps=0.2')
    canonical('water langevin', e, 0.4, 300, 6000, 0.1)
    flow = 2 * e['kinetic'].mean() / 0.2
    claim('water langevin: conserved energy', abs(slope(e)) < 1e-3 * flow,
          '%.4g kJ/mol/ps, %.1e of what the bath moves' % (slope(e), abs(slope(e)) / flow))


def volumes():
    for barostat in ('berendsen', 'c-rescale'):
        for target, sign in ((5000, -1), (-3000, 1)):
            e = run('water-npt.ini', 200, 'pressure.barostat=' + barostat, 'pressure.target_bar=%d' % target,
                    'pressure.tau_ps=0.2')
            v = e['box'].prod(axis=1)
            claim('%s: the box answers %d bar' % (barostat, target), sign * (v[-1] / v[0] - 1) > 0.01,
                  'volume %.3f to %.3f nm^3' % (v[0], v[-1]))
            same = numpy.ptp(e['box'] / e['box'][0], axis=1).max()
            claim('%s, %d bar: isotropic' % (barostat, target), same < 1e-12, 'edges differ by %.1e' % same)
    e = run('water-npt.ini', 200, 'pressure.coupling=semi-isotropic', 'pressure.target_bar=3000', 'pressure.tau_ps=0.2')
    growth = e['box'][-1] / e['box'][0]
    claim('semi-isotropic: x with y, z apart', abs(growth[0] - growth[1]) < 1e-12 < abs(growth[0] - growth[2]) and
          growth.prod() < 1, 'edges by %s' % growth)


def density(e, skip):
    volume = e['box'].prod(axis=1)[e['time'] >= skip].mean()
    return 1000 * 18.01528 * 1.66053907 / volume


def pressure():
    """SPC/E at 300 K and 1 bar has 0.994 to 1.000 g/cm^3, depending on the cutoff; this start is in equilibrium."""
    ps, bound = (200, 8) if ALL else (2, 25)
    e = run('water-npt.ini', 500 * ps)
    rho = density(e, 0.1 * ps)
    claim('water at 1 bar: density', abs(rho - 997) < bound, '%.1f kg/m^3 over %d ps' % (rho, ps))
    # First order in the change of volume, with the pressure of two steps before: 8 kJ/mol/ps at tau = 2 ps (docs).
    claim('water at 1 bar: conserved energy', abs(slope(e)) < 30, '%.3g kJ/mol/ps' % slope(e))
    if ALL:
        P = e['pressure'][e['time'] >= 20]
        blocks = P[:len(P) // 30 * 30].reshape(30, -1).mean(axis=1)
        error = blocks.std(ddof=1) / 30**0.5
        claim('water at 1 bar: mean pressure', abs(P.mean() - 1) < 5 * error, '%.1f +- %.1f bar' % (P.mean(), error))
        canonical('water at 1 bar', e, 20, 300, 5997, 0.5)


folder = tempfile.mkdtemp(prefix='skein-physics-')
os.chdir(folder)
try:
    for name in ('water.gro', 'water.top', 'water-nve.ini', 'water-npt.ini'):
        shutil.copy(BUILD / 'inputs/water' / name, name)
    for name in ('lj-melt-4k.ini', 'snap-4k.data'):
        shutil.copy(BUILD / 'inputs/lj-melt' / name, name)
    for part in (melt, water, volumes, pressure):
        try:
            part()
        except (RuntimeError, OSError, KeyError, ValueError, IndexError) as error:
            claim('%s: %s' % (part.__name__, error), False)
finally:
    os.chdir(ROOT)
    shutil.rmtree(folder)
sys.exit(have_failed())
