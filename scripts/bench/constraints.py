#!/usr/bin/env python3
"""Cost of constraints on this machine: the polymer melt of inputs/polymer (20,000 beads, 19,900 rigid bonds, 10 fs, no
thermostat) with our fragment solver and our classic SHAKE at given tolerances, and with GROMACS, by default at 1 and 2
ranks: LINCS (several ranks: P-LINCS, -ntmpi N -ntomp 1) of several orders and iterations, and SHAKE (1 rank: GROMACS
refuses it across domains); gmx computes in single precision, gmx_d in double as our constraints are.

Columns: exchanges of a step with neighbours (ours counted: positions once, then multipliers; GROMACS by its algorithm:
one, and one each iteration); largest relative error of a bond, and for GROMACS also the RMSD that it prints. Ours: the
largest over all steps, and of the last step recomputed from the checkpoint by scripts/constraint_residual.py. GROMACS':
recomputed here from the full-precision frames of a separate run. LINCS has no tolerance to reach, so what it reaches
decides with whom it is compared. Then the time of constraints in a step by the program's own timer (skein: phase
constrain, mean over ranks; gmx: row Constraints of md.log), the same as core time per bond, and the time of a whole
step: all of the best long run less those of the best short one; engines take turns.

From outside, constraints cannot be timed by leaving them out: without them neither program survives 10 fs. What can:
two settings of one program differ by their constraints alone, so whole steps must differ as the timers say; "unexplained"
is the largest difference between the two, over the settings of one program, and says how far timers can be trusted.

A busy machine spoils timings: run it alone. They are no tests: the exit code says only that all runs ran.
usage: constraints.py [--build build] [--repeat 3] [--quick] [--ranks 1,2] [--only REGEX] [--json PATH]"""
import argparse, array, json, lzma, os, re, shutil, struct, subprocess, sys, tempfile
from pathlib import Path

from bench import HERE, ROOT, run

BEADS, CHAIN, LENGTH = 20000, 200, 0.3395
BONDS = BEADS // CHAIN * (CHAIN - 1)
OURS = [('fragments', '1e-4'), ('fragments', '1e-6'), ('fragments', '1e-10'), ('shake', '1e-4'), ('shake', '1e-6')]
PEERS = [('gmx', 'lincs', 4, 1), ('gmx', 'lincs', 8, 1), ('gmx', 'lincs', 4, 2), ('gmx', 'lincs', 8, 2),
         ('gmx_d', 'lincs', 4, 1), ('gmx_d', 'lincs', 8, 1), ('gmx_d', 'lincs', 8, 2), ('gmx_d', 'lincs', 8, 4),
         ('gmx', 'shake', '1e-4', 0), ('gmx_d', 'shake', '1e-4', 0), ('gmx_d', 'shake', '1e-6', 0),
         ('gmx_d', 'shake', '1e-10', 0)]
MDP = """integrator = md
dt = 0.01
nsteps = -1
cutoff-scheme = Verlet
nstlist = 10
verlet-buffer-tolerance = -1
rlist = 0.50
coulombtype = Cut-off
rcoulomb = 0.39285972
rvdw = 0.39285972
vdw-modifier = Potential-shift
DispCorr = no
continuation = yes
comm-mode = None
constraints = all-bonds
nstenergy = 100
nstcalcenergy = 100
nstlog = 100
"""
SLACK = 1.01    # SHAKE bounds d^2 - r^2, and frames in single precision are rounded
FRAMES = 'nstxout = 20\n'  # of the run in which errors are measured, which writes nothing else


def prepare(folder):
    for name in ('polymer.ini', 'polymer.top'):
        shutil.copy(ROOT / 'inputs/polymer' / name, folder)
    (folder / 'polymer.gro').write_bytes(lzma.open(ROOT / 'inputs/polymer/polymer.gro.xz').read())


class Skein:
    """Our program with one solver at one tolerance."""

    def __init__(self, solver, tolerance, ranks, build, folder):
        self.name, self.program = 'skein %s %s' % (solver, tolerance), 'skein'
        self.solver, self.tolerance, self.ranks, self.build, self.folder = solver, tolerance, ranks, build, folder

    def go(self, steps):
        """The JSON line of the end of a run."""
        events = self.folder / 'skein.json'
        events.unlink(missing_ok=True)
        run(['mpirun', '-n', self.ranks, self.build / 'skein', 'run', 'polymer.ini', '--quiet', '--steps', steps, '--log-json',
             events, '--set', 'constraints.solver=' + self.solver, '--set', 'constraints.tolerance=' + self.tolerance,
             '--set', 'output.checkpoint=polymer.ckpt.h5'], self.folder)
        return json.loads(events.read_text().splitlines()[-1])

    def times(self, steps):
        done = self.go(steps)
        return done['wall_s'], done['phases_s']['constrain']

    def errors(self, steps):
        done = self.go(steps)
        script = ROOT / 'scripts/constraint_residual.py'
        final = subprocess.run([script, self.folder / 'polymer.ckpt.h5', self.folder / 'polymer.top', '--bonds', 'all-bonds',
                                '--json'], stdout=subprocess.PIPE, text=True, check=True)
        solutions, parallel = done['constraint_solutions'], self.ranks > 1
        rounds, final = done['constraint_rounds_mean'], json.loads(final.stdout)
        assert final['bonds'] == BONDS, 'constraint_residual.py sees other bonds than this script'
        return {'exchanges': parallel * (done['constraint_halos'] / solutions + rounds), 'rounds': rounds,
                'rounds_max': done['constraint_rounds_max'], 'repairs': done['constraint_repairs'],
                'error': done['constraint_worst'], 'error_recomputed': final['length']}


class Gromacs:
    """gmx or gmx_d with LINCS of an order and iterations, or SHAKE at a tolerance."""

    def __init__(self, program, algorithm, first, iterations, ranks, folder):
        self.program, self.ranks, self.folder, self.iterations = program, ranks, folder, iterations
        is_lincs = algorithm == 'lincs'
        self.name = '%s LINCS %d/%d' % (program, first, iterations) if is_lincs else '%s SHAKE %s' % (program, first)
        self.stem = self.name.replace(' ', '-').replace('/', '-')
        choice = ('constraint-algorithm = Lincs\nlincs-order = %d\nlincs-iter = %d\n' % (first, iterations) if is_lincs else
                  'constraint-algorithm = Shake\nshake-tol = %s\n' % first)
        for suffix, more in (('', ''), ('-x', FRAMES)):
            stem = self.stem + suffix
            (folder / (stem + '.mdp')).write_text(MDP + choice + more)
            if not (folder / (stem + '.tpr')).exists():
                run([HERE / 'gmx.sh', program, 'grompp', '-quiet', '-f', stem + '.mdp', '-c', 'polymer.gro', '-p', 'polymer.top',
                     '-o', stem + '.tpr', '-maxwarn', '5'], folder)

    def go(self, stem, steps):
        run([HERE / 'gmx.sh', self.program, 'mdrun', '-quiet', '-s', stem + '.tpr', '-deffnm', stem, '-nsteps', steps,
             '-noconfout', '-ntmpi', self.ranks, '-ntomp', 1, '-nb', 'cpu', '-pin', 'off', '-cpt', -1], self.folder)
        return (self.folder / (stem + '.log')).read_text()

    def times(self, steps):
        accounts = self.go(self.stem, steps).split('T I M E   A C C O U N T I N G')[-1]
        row = re.search(r'^ Constraints +\d+ +\d+ +\d+ +([\d.]+)', accounts, re.M)
        total = re.search(r'^ Total +([\d.]+)', accounts, re.M)
        return float(total[1]), float(row[1])

    def errors(self, steps):
        log = self.go(self.stem + '-x', steps)
        found = [bond_errors(x, box) for x, box in frames(self.folder / (self.stem + '-x.trr'))][1:]  # the first is the start
        exchanges = (1 + self.iterations) if self.ranks > 1 else 0
        return {'exchanges': exchanges, 'rounds': self.iterations or None, 'error': max(e for e, _ in found),
                'rms': max(r for _, r in found), 'rms_printed': printed_rmsd(log)}


def printed_rmsd(log):
    """The largest 'Constr. rmsd' of the log's energies, in fields of 15 characters; None where there is none (SHAKE)."""
    values, lines = [], log.split('<====  A V E R A G E S')[0].splitlines()
    for head, line in zip(lines, lines[1:]):
        if 'Constr. rmsd' in head:
            at = head.index('Constr. rmsd') // 15 * 15
            values.append(float(line[at:at + 15]))
    return max(values) if values else None


def frames(path):
    """Positions and box edges of every frame of a .trr file with positions alone."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        magic, _, length = struct.unpack_from('>3i', data, at)
        assert magic == 1993, 'not a .trr file'
        at += 12 + (length + 3) // 4 * 4
        size = struct.unpack_from('>10i', data, at)  # ir, e, box, virial, pressure, top, sym, x, v, f
        natoms, = struct.unpack_from('>i', data, at + 40)
        real = size[2] // 9
        kind = 'd' if real == 8 else 'f'
        at += 52 + 2 * real  # natoms, step, nre; time, lambda
        box = struct.unpack_from('>9' + kind, data, at)
        start = at + sum(size[:7])
        assert natoms == BEADS and size[7] == 3 * natoms * real, 'no positions in a frame'
        x = array.array(kind, data[start:start + size[7]])
        x.byteswap()
        at += sum(size)
        yield x, (box[0], box[4], box[8])


def bond_errors(x, box):
    """Largest and root mean square relative error of the bonds, nearest images."""
    worst = total = 0
    for i in range(BEADS - 1):
        if i % CHAIN == CHAIN - 1:
            continue
        square = 0
        for k in range(3):
            d = x[3 * i + k] - x[3 * i + 3 + k]
            d -= box[k] * round(d / box[k])
            square += d * d
        error = abs(square**0.5 / LENGTH - 1)
        worst, total = max(worst, error), total + error * error
    return worst, (total / BONDS)**0.5


def measure(engines, short, long, repeat):
    """{name: (step, constraints)} in seconds: the best long run less the best short one; engines take turns. (A disturbed
    short run would make the best of the differences, even a negative one.)"""
    best = {}
    for _ in range(repeat):
        for engine in engines:
            for steps in (short, long):
                found = engine.times(steps)
                best[engine.name, steps] = [min(p) for p in zip(best.get((engine.name, steps), found), found)]
    return {e.name: [(b - a) / (long - short) for a, b in zip(best[e.name, short], best[e.name, long])] for e in engines}


def unexplained(records, program):
    """Largest difference between what whole steps and what timers say about two settings of a program, in us."""
    rest = [r['step_us'] - r['constrain_us'] for r in records if r['program'] == program]
    return max(rest) - min(rest) if len(rest) > 1 else None


def number(x):
    return '-' if x is None else '%.1e' % x


def show(record):
    rounds = '-' if record['rounds'] is None else '%.3g' % record['rounds']
    print('%5d %-22s %6s %9.3g %9s %9s %9s %10.1f %8.1f %10.1f' % (
        record['ranks'], record['name'], rounds, record['exchanges'], number(record['error']),
        number(record.get('error_recomputed')), number(record.get('rms_printed')), record['constrain_us'],
        record['core_ns_per_bond'], record['step_us']), flush=True)


def compare(records, ranks):
    """Each of our settings with the fastest peer whose bonds are at least as good as our tolerance."""
    for own in [r for r in records if r['program'] == 'skein']:
        tolerance = float(own['name'].split()[-1])
        peers = [r for r in records if r is not own and r['error'] <= SLACK * tolerance and
                 (r['program'] != 'skein' or r['solver'] != own['solver'])]
        if not peers:
            print('%d ranks, %-22s no peer reaches %.0e' % (ranks, own['name'] + ':', tolerance))
            continue
        peer = min(peers, key=lambda r: r['constrain_us'])
        print('%d ranks, %-22s fastest peer that reaches %.0e is %s (%.1e): it takes %.2f of our time' % (
            ranks, own['name'] + ':', tolerance, peer['name'], peer['error'], peer['constrain_us'] / own['constrain_us']))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', type=Path, default=ROOT / 'build')
    parser.add_argument('--repeat', type=int, default=3)
    parser.add_argument('--quick', action='store_true', help='shorter runs, one repeat: to see that it works')
    parser.add_argument('--ranks', default='1,2')
    parser.add_argument('--only', default='', help='a regular expression: names of rows')
    parser.add_argument('--json', type=Path)
    options = parser.parse_args()
    build = options.build.absolute()
    short, long, repeat = (20, 120, 1) if options.quick else (100, 600, options.repeat)
    folder, everything = Path(tempfile.mkdtemp(prefix='skein-constraints-')), []
    try:
        prepare(folder)
        for ranks in map(int, options.ranks.split(',')):
            engines = [Skein(*o, ranks, build, folder) for o in OURS]
            engines += [Gromacs(*p, ranks, folder) for p in PEERS if ranks == 1 or p[1] == 'lincs']
            engines = [e for e in engines if re.search(options.only, e.name)]
            print('\n%d bonds, load %.2f\n%5s %-22s %6s %9s %9s %9s %9s %10s %8s %10s' % (
                BONDS, os.getloadavg()[0], 'ranks', 'solver', 'rounds', 'exchanges', 'error', 'error (h5)', 'rmsd (gmx)',
                'constr. us', 'ns/bond', 'step us'), flush=True)
            best, records = measure(engines, short, long, repeat), []
            for engine in engines:
                step, constraints = best[engine.name]
                records.append({'name': engine.name, 'program': engine.program, 'solver': engine.name.split()[1],
                                'ranks': ranks, **engine.errors(200 if not options.quick else 60), 'step_us': step * 1e6,
                                'constrain_us': constraints * 1e6, 'core_ns_per_bond': constraints * ranks / BONDS * 1e9})
                show(records[-1])
            for program in ('skein', 'gmx', 'gmx_d'):
                rest = unexplained(records, program)
                if rest is not None:
                    print('%s: %.0f us of a step unexplained' % (program, rest))
            compare(records, ranks)
            everything += records
        if options.json:
            options.json.write_text(json.dumps({'bonds': BONDS, 'runs': everything}, indent=1) + '\n')
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    main()
