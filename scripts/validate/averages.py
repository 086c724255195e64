#!/usr/bin/env python3
"""Mean potential energy and pressure of 3,000 atoms of SPC/E water (particle-mesh Ewald, rigid, v-rescale at 300 K, dt
2 fs), beside double-precision GROMACS from the same start with the same cutoff, mesh and bath. Errors of the means are
from blocks of 10 ps. Asked for: differences within 3 errors. Code 1 if not.
usage: averages.py [--build build] [--ps 200] [--json PATH]"""
import argparse, json, math, shutil, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy

sys.dont_write_bytecode = True
import engines

SETTLE_PS, BLOCK_PS, EVERY = 10.0, 10.0, 50
MDP = """integrator = md
dt = 0.002
nsteps = %d
cutoff-scheme = Verlet
verlet-buffer-tolerance = -1
rlist = 1.1
nstlist = 10
coulombtype = PME
fourierspacing = 0.12
rcoulomb = 0.9
rvdw = 0.9
vdw-modifier = Potential-shift
DispCorr = EnerPres
continuation = yes
tcoupl = v-rescale
tc-grps = System
tau-t = 0.5
ref-t = 300
comm-mode = None
nstenergy = 50
nstcalcenergy = 50
nstlog = 0
"""


def skein(steps, build, folder):
    """Rows of time, potential energy and pressure."""
    engines.place_inputs('water-pme', build, folder)
    events, _ = engines.skein(build, 'water-pme.ini', steps, ('output.energy_every=%d' % EVERY, ), folder)
    return numpy.array([(e['time_ps'], e['potential'], e['pressure_bar']) for e in events])


def gmx_d(steps, build, folder):
    engines.place_inputs('water-pme', build, folder)
    return engines.gromacs('gmx_d', MDP % steps, 'water', ['Potential', 'Pressure'], folder)


def means(rows):
    """[(mean, error)] of the columns after the time."""
    kept = rows[rows[:, 0] >= SETTLE_PS]
    blocks = numpy.array_split(kept[:, 1:], max(8, int((kept[-1, 0] - SETTLE_PS) / BLOCK_PS)))
    of_blocks = numpy.array([b.mean(0) for b in blocks])
    return list(zip(kept[:, 1:].mean(0), of_blocks.std(0, ddof=1) / math.sqrt(len(blocks))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', type=lambda p: Path(p).absolute(), default=engines.ROOT / 'build')
    parser.add_argument('--ps', type=float, default=200)
    parser.add_argument('--json', type=Path)
    options = parser.parse_args()
    runs, folders, good = {'skein': skein, 'gmx_d': gmx_d}, {}, True
    try:
        folders = {name: Path(tempfile.mkdtemp(prefix='skein-averages-')) for name in runs}
        with ThreadPoolExecutor(2) as pool:
            futures = {name: pool.submit(engine, round(options.ps / 0.002), options.build, folders[name])
                       for name, engine in runs.items()}
            found = {name: means(future.result()) for name, future in futures.items()}
    finally:
        for folder in folders.values():
            shutil.rmtree(folder, ignore_errors=True)
    for k, what in enumerate(('potential, kJ/mol', 'pressure, bar')):
        (ours, error), (theirs, other) = found['skein'][k], found['gmx_d'][k]
        both = math.hypot(error, other)
        is_good = abs(ours - theirs) <= 3 * both
        good &= is_good
        print('%-18s skein %.6g +- %.2g, gmx_d %.6g +- %.2g: differ by %.2f errors%s' %
              (what, ours, error, theirs, other, (ours - theirs) / both, '' if is_good else '   WRONG'))
    if options.json:
        options.json.write_text(json.dumps(found) + '\n')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
