#!/usr/bin/env python3
"""Energy drift without a bath, cutoff 0.9, dt 2 fs, from several velocity seeds; Skein and GROMACS by the same script
(same start, cutoff, mesh, no centre-of-mass removal in either, GROMACS with a safe fixed list). For each run the
least-squares slope of the total energy per atom and the rms about the fit. Systems: 3,000 atoms of SPC/E water with
reaction field (water) or particle-mesh Ewald (water-pme); DHFR in water, Ewald, bonds to hydrogen rigid (dhfr).
Asked for: |mean slope| at most that of GROMACS or BAR of the system, plus two standard errors; rms at most 1.1 times
that of GROMACS. Code 1 if not.
usage: nve_drift.py [--build build] [--system water] [--ps 100] [--seeds 5] [--jobs 2] [--engine skein,gmx]
                    [--integrator leap-frog]"""
import argparse, math, shutil, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy

sys.dont_write_bytecode = True
import engines

DT, EVERY = 0.002, 50
SETTLE_PS = {'water': 1.0, 'water-pme': 1.0, 'dhfr': 10.0} # DHFR's energy at half steps rises for as long
ATOMS = {'water': 3000, 'water-pme': 3000, 'dhfr': 23558}
BAR = {'water': 1e-6, 'water-pme': 2e-6, 'dhfr': 2e-6} # kJ/mol/ps per atom
MDP = """integrator = %(integrator)s
dt = 0.002
nsteps = %(steps)d
cutoff-scheme = Verlet
verlet-buffer-tolerance = -1
rlist = 1.1
nstlist = 10
rcoulomb = 0.9
rvdw = 0.9
vdw-modifier = Potential-shift
DispCorr = EnerPres
gen-vel = yes
gen-temp = 300
gen-seed = %(seed)d
comm-mode = None
nstenergy = %(every)d
nstcalcenergy = %(every)d
nstlog = 0
"""
MDP_ALSO = {'water': 'coulombtype = Reaction-Field\nepsilon-rf = 0\n',
            'water-pme': 'coulombtype = PME\nfourierspacing = 0.12\n',
            'dhfr': 'coulombtype = PME\nfourierspacing = 0.12\nconstraints = h-bonds\nlincs-order = 8\nlincs-iter = 4\n'}


def skein(seed, steps, options, folder):
    """Rows of the time and the total energy."""
    engines.place_inputs(options.system, options.build, folder)
    sets = ('temperature.thermostat=none', 'system.velocities=maxwell', 'system.maxwell_K=300', 'run.seed=%d' % seed,
            'output.energy_every=%d' % EVERY, 'run.integrator=' + options.integrator)
    events, _ = engines.skein(options.build, options.system + '.ini', steps, sets, folder)
    return numpy.array([(e['time_ps'], e['total']) for e in events])


def gmx(seed, steps, options, folder):
    name = engines.place_inputs(options.system, options.build, folder)
    integrator = {'leap-frog': 'md', 'velocity-verlet': 'md-vv'}[options.integrator]
    mdp = MDP % {'steps': steps, 'seed': seed, 'every': EVERY, 'integrator': integrator} + MDP_ALSO[options.system]
    return engines.gromacs('gmx', mdp, name, ['Total-Energy'], folder)


def fit(table, system):
    """Slope in kJ/mol/ps per atom and rms about the line in kJ/mol, after the time to settle."""
    t, e = table[table[:, 0] >= SETTLE_PS[system]].T
    slope, level = numpy.polyfit(t - t.mean(), e, 1)
    return slope / ATOMS[system], math.sqrt(((e - level - slope * (t - t.mean()))**2).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', type=lambda p: Path(p).absolute(), default=engines.ROOT / 'build')
    parser.add_argument('--system', default='water', choices=sorted(ATOMS))
    parser.add_argument('--ps', type=float, default=100)
    parser.add_argument('--seeds', type=int, default=5)
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--engine', default='skein,gmx')
    parser.add_argument('--integrator', default='leap-frog', choices=('leap-frog', 'velocity-verlet'))
    options = parser.parse_args()
    steps = round(options.ps / DT)
    results = {}
    for name in options.engine.split(','):
        engine = {'skein': skein, 'gmx': gmx}[name]

        def one(seed):
            folder = Path(tempfile.mkdtemp(prefix='skein-nve-'))
            try:
                return fit(engine(seed, steps, options, folder), options.system)
            finally:
                shutil.rmtree(folder)
        with ThreadPoolExecutor(options.jobs) as pool:
            rows = numpy.array(list(pool.map(one, range(1, options.seeds + 1))))
        mean, error = rows[:, 0].mean(), rows[:, 0].std(ddof=1) / math.sqrt(len(rows)) if len(rows) > 1 else 0.0
        results[name] = mean, error, rows[:, 1].mean()
        for seed, (slope, rms) in enumerate(rows, 1):
            print('%-6s seed %d: slope %+.3e kJ/mol/ps per atom, rms about the fit %.3f kJ/mol' % (name, seed, slope, rms))
        print('%-6s mean:   slope %+.3e +- %.1e (standard error), rms %.3f' % (name, *results[name]), flush=True)
    bad = False
    if 'skein' in results:
        mean, error, rms = results['skein']
        most = BAR[options.system]
        if 'gmx' in results:
            most = max(most, abs(results['gmx'][0]))
            bad = rms > 1.1 * results['gmx'][2]
            print('rms, skein over gmx: %.3f (asked for: at most 1.1)' % (rms / results['gmx'][2]))
        bad = bad or abs(mean) > most + 2 * error
        print('drift: %s' % ('NOT within %.1e + 2 standard errors, or rms too large' % most if bad else 'as asked for'))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
