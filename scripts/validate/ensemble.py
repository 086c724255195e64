#!/usr/bin/env python3
"""Whether thermostats and barostats sample the ensemble that they should, with particle-mesh Ewald and rigid bonds: 3,000
atoms of SPC/E water (water), and alanine dipeptide in TIP3P water, 1,729 atoms, bonds to hydrogen rigid (peptide).

Two runs that differ in temperature or pressure alone: by M. R. Shirts, J. Chem. Theory Comput. 9, 909 (2013), the ratio
of their distributions is exp(a + b x) with b known, whatever the system is:
    two temperatures, constant volume:    x = potential energy U,     b = 1/kT1 - 1/kT2
    two temperatures, constant pressure:  x = U + P V,                b = 1/kT1 - 1/kT2
    two pressures:                        x = V,                      b = (P1 - P2) / kT
b is the maximum of the likelihood; its error is from blocks drawn anew. And the kinetic energy is Maxwell's: its mean is
n kT / 2 (within 3 errors and 0.1 %, what a step of 2 fs may do), its variance n (kT)^2 / 2, n degrees of freedom.
Asked for: b within 3 errors, errors of at most 25 % (else: a longer run). Berendsen's barostat has no ensemble: its mean
pressure alone is compared. Code 1 if not.
Every run has a seed of its own; another --seed gives others.
usage: ensemble.py [--build build] [--system water,peptide] [--ps 120] [--jobs 2] [--only REGEX] [--seed 1]"""
import argparse, lzma, re, shutil, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy

sys.dont_write_bytecode = True
import engines

K_B = 0.00831446261815324            # kJ/mol/K
BAR_NM3 = 0.0602214076               # kJ/mol
T, P, SETTLE_PS, BLOCKS, DRAWS = 300.0, 1.0, 10.0, 20, 200
# temperatures and pressures further apart than that would hardly overlap: about two widths of the distributions
WARMER = {'water': 306.0, 'peptide': 308.0}
HIGHER = {'water': 350.0, 'peptide': 450.0}
PEPTIDE = """[system]
structure = peptide.gro
topology = peptide.top
[run]
integrator = leap-frog
dt_ps = 0.002
steps = 1000
[nonbonded]
cutoff_nm = 0.9
coulomb = pme
dispersion_correction = energy-pressure
[constraints]
bonds = h-bonds
[temperature]
thermostat = v-rescale
target_K = 300
tau_ps = 0.5
"""
VV = ('run.integrator=velocity-verlet', )
LANGEVIN = ('temperature.thermostat=langevin', 'temperature.tau_ps=1')
V_RESCALE = ('temperature.thermostat=v-rescale', 'temperature.tau_ps=0.2')
C_RESCALE = ('pressure.barostat=c-rescale', 'pressure.tau_ps=0.5')
BERENDSEN = ('pressure.barostat=berendsen', 'pressure.tau_ps=1')


def prepare(folder, build):
    engines.place_inputs('water-pme', build, folder)
    shutil.move(folder / 'water-pme.ini', folder / 'water.ini')
    stem = engines.ROOT / 'tests/reference/sites/held'
    (folder / 'peptide.gro').write_bytes(lzma.open('%s.gro.xz' % stem).read())
    text = lzma.open('%s.top.xz' % stem, 'rt').read()
    (folder / 'peptide.top').write_text(re.sub(r'\[ *position_restraints *\][^[]*', '', text))
    (folder / 'peptide.ini').write_text(PEPTIDE)


def run(name, tag, settings, options, folder):
    """Kinetic and potential energy, volume and pressure of the samples, and the degrees of freedom."""
    events, said = engines.skein(options.build, name + '.ini', round(options.ps / 0.002),
                                 ('output.energy_every=20', ) + settings, folder, tag)
    rows = [e for e in events if e['time_ps'] >= SETTLE_PS]
    volume = [r['box_nm'][0] * r['box_nm'][1] * r['box_nm'][2] for r in rows]
    table = {'U': [r['potential'] for r in rows], 'K': [r['kinetic'] for r in rows], 'V': volume,
             'P': [r['pressure_bar'] for r in rows]}
    freedom = int(re.search(r'(\d+) degrees of freedom', said).group(1))
    return {k: numpy.array(v) for k, v in table.items()}, freedom


def slope(x1, x2):
    """b of the maximum likelihood of: sample x belongs to the second set with odds exp(a + b x)."""
    x, is_second = numpy.concatenate((x1, x2)), numpy.repeat((0.0, 1.0), (len(x1), len(x2)))
    middle, width = x.mean(), x.std()
    u, (a, b) = (x - middle) / width, (0.0, 0.0)
    for _ in range(50):
        p = 1 / (1 + numpy.exp(-(a + b * u)))
        g, w = is_second - p, p * (1 - p)
        step = numpy.linalg.solve([[w.sum(), (w * u).sum()], [(w * u).sum(), (w * u * u).sum()]], [g.sum(), (g * u).sum()])
        a, b = a + step[0], b + step[1]
        if abs(step).max() < 1e-10:
            break
    return b / width


def draw(rng, *samples):
    """Each of samples, made of its blocks, drawn with replacement."""
    drawn = []
    for x in samples:
        blocks = numpy.array_split(x, BLOCKS)
        drawn.append(numpy.concatenate([blocks[k] for k in rng.integers(BLOCKS, size=BLOCKS)]))
    return drawn


def judge(title, value, error, want, most=float('inf'), allowance=0.0):
    """Prints; whether it is as it should be."""
    is_good = abs(value - want) <= 3 * error + allowance and error <= most * abs(want)
    why = '' if is_good else '   TOO UNCERTAIN' if error > most * abs(want) else '   WRONG'
    print('%-62s %11.5g +- %-9.2g expected %11.5g%s' % (title, value, error, want, why), flush=True)
    return is_good


def ratio(title, x1, x2, want):
    rng = numpy.random.default_rng(1)
    error = numpy.std([slope(*draw(rng, x1, x2)) for _ in range(DRAWS)], ddof=1)
    return judge(title, slope(x1, x2), error, want, 0.25)


def kinetic(title, result, temperature):
    table, freedom = result
    rng, kT = numpy.random.default_rng(2), K_B * temperature
    drawn = [draw(rng, table['K'])[0] for _ in range(DRAWS)]
    mean, variance = 0.5 * freedom * kT, 0.5 * freedom * kT * kT
    good = judge(title + ': mean kinetic energy', table['K'].mean(), numpy.std([d.mean() for d in drawn], ddof=1), mean,
                 allowance=1e-3 * mean)
    return judge(title + ': its variance', table['K'].var(), numpy.std([d.var() for d in drawn], ddof=1), variance, 0.25) and good


def cases(name):
    """(tag, settings) of all runs, by what they are for."""
    warm, high = 'temperature.target_K=%g' % WARMER[name], 'pressure.target_bar=%g' % HIGHER[name]
    at = 'pressure.target_bar=%g' % P
    return {
        'v-rescale': (V_RESCALE, V_RESCALE + (warm, ), None),
        'v-rescale, velocity Verlet': (V_RESCALE + VV, V_RESCALE + VV + (warm, ), None),
        'Langevin': (LANGEVIN, LANGEVIN + (warm, ), None),
        'C-rescale, v-rescale': (V_RESCALE + C_RESCALE + (at, ), V_RESCALE + C_RESCALE + (at, warm),
                                 V_RESCALE + C_RESCALE + (high, )),
        'C-rescale, Langevin': (LANGEVIN + C_RESCALE + (at, ), LANGEVIN + C_RESCALE + (at, warm),
                                LANGEVIN + C_RESCALE + (high, )),
        'Berendsen, v-rescale': (V_RESCALE + BERENDSEN + (at, ), None, V_RESCALE + BERENDSEN + (high, ))}


def evaluate(name, what, results):
    base, warmer, higher = results
    T2, P2, title, good = WARMER[name], HIGHER[name], '%s, %s' % (name, what), True
    between = 1 / (K_B * T) - 1 / (K_B * T2)
    if what.startswith('Berendsen'):
        for result, target in ((base, P), (higher, P2)):
            rng = numpy.random.default_rng(3)
            p = result[0]['P']
            error = numpy.std([draw(rng, p)[0].mean() for _ in range(DRAWS)], ddof=1)
            good &= judge('%s: mean pressure, bar' % title, p.mean(), error, target)
        return good
    good &= kinetic(title, base, T)
    good &= kinetic(title + ', warmer', warmer, T2)
    a, b = base[0], warmer[0]
    if higher:
        good &= ratio(title + ': U + P V', a['U'] + P * BAR_NM3 * a['V'], b['U'] + P * BAR_NM3 * b['V'], between)
        good &= ratio(title + ': V', a['V'], higher[0]['V'], (P - P2) * BAR_NM3 / (K_B * T))
    else:
        good &= ratio(title + ': U', a['U'], b['U'], between)
    return good


def seed(options, name, n, k):
    return 1000 * options.seed + 100 * sorted(WARMER).index(name) + 10 * n + k


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', type=lambda p: Path(p).absolute(), default=engines.ROOT / 'build')
    parser.add_argument('--system', default='water,peptide')
    parser.add_argument('--ps', type=float, default=120)
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--only', default='.')
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix='skein-ensemble-'))
    good = True
    try:
        prepare(folder, options.build)
        with ThreadPoolExecutor(options.jobs) as pool:
            waiting = [(name, what, [s and pool.submit(run, name, '%s-%d-%d' % (name, n, k),
                                                       s + ('run.seed=%d' % seed(options, name, n, k), ), options, folder)
                                     for k, s in enumerate(settings)])
                       for name in options.system.split(',') for n, (what, settings) in enumerate(cases(name).items())
                       if re.search(options.only, what)]
            for name, what, futures in waiting:
                good &= evaluate(name, what, [f and f.result() for f in futures])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print('as they should be' if good else 'NOT as they should be')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
