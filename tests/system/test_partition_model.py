#!/usr/bin/env python3
# timeout: 240 all: 240
"""skein partition --calibrate and the times it predicts: the file of constants is complete and sane, predictions are the
equation of docs/partition.md recomputed here from constants, owners and coordinates, they fall while there are cores, and
calibrations that are none are refused. Nothing depends on how fast this machine is."""
import json, math, os, shutil, sys, tempfile
from pathlib import Path

sys.dont_write_bytecode = True
from claims import ROOT, claim, have_failed
from partition_scene import all_cells, atoms_of, ghosts_of, objects, pairs_of, partition, read_gro, read_owners

MESSAGES = ('message_ns', 'byte_ns', 'reduce_ns', 'handover_ns')
WORK = ('pair_ns', 'atom_ns', 'cell_ns', 'ghost_ns', 'crowd', 'atoms_per_cell', 'pairs_per_atom')
MADE = {'event': 'calibration', 'run_file': 'made.ini', 'processes': 3, 'cores': 4, 'message_ns': 700.0, 'byte_ns': 0.13,
        'reduce_ns': 1900.0, 'handover_ns': 2100.0, 'pair_ns': 0.9, 'atom_ns': 31.0, 'cell_ns': 57.0, 'ghost_ns': 83.0,
        'crowd': 1.21, 'atoms_per_cell': 42.5, 'pairs_per_atom': 91.0}
WATER = ('water.ini', '--set', 'nonbonded.buffer_nm=0.05', '--set', 'nonbonded.cutoff_nm=0.45')


def write(path, constants):
    Path(path).write_text(json.dumps(constants))
    return path


def predicted(c, n, ranks, owner, reach, per_node=None, atoms=None, pairs=None):
    """The equation, us. Ghosts and messages by the corner rule: a rank needs a foreign cell B if it owns a cell c with
    0 <= B - c <= reach on each axis."""
    own, ghosts = ghosts_of(n, ranks, owner, 0, reach)
    cells = all_cells(n)
    filling = c['atoms_per_cell'] / reach ** 3
    size = {cell: atoms[i] if atoms else filling for i, cell in enumerate(cells)}
    work = [0.0] * ranks
    for i, cell in enumerate(cells):
        near = pairs[i] / 16 if atoms else c['pairs_per_atom'] * filling
        work[own[cell]] += c['pair_ns'] * near + c['atom_ns'] * size[cell] + c['cell_ns'] / reach ** 3 * (size[cell] > 0)
    imports = [sum(size[b] for b in g) for g in ghosts]
    exports, messages = [0.0] * ranks, [0] * ranks
    for r, g in enumerate(ghosts):
        for sender in {own[b] for b in g}:
            messages[r] += 1      # coordinates come
            messages[sender] += 1 # forces come back
        for b in g:
            exports[own[b]] += size[b]
    per_node = per_node or c['cores']
    slowest = 0
    for first in range(0, ranks, per_node):
        here = range(first, min(first + per_node, ranks))
        active = min(len(here), c['cores'])
        crowd = 1 + (c['crowd'] - 1) * min(1, (active - 1) / (c['processes'] - 1))
        times = [crowd * work[r] + c['ghost_ns'] * imports[r] + c['message_ns'] * messages[r] +
                 c['byte_ns'] * 12 * (imports[r] + exports[r]) for r in here]
        shared = c['handover_ns'] * sum(messages[r] for r in here) / active if len(here) > active else 0
        slowest = max(slowest, max(max(times), sum(times) / active) + shared)
    return 1e-3 * (slowest + c['reduce_ns'] * math.log2(ranks))


def equation():
    positions, box = read_gro('water.gro')
    write('made.json', MADE)
    for ranks, per_node, scheme, cells in ((1, None, 'hilbert', 1), (3, None, 'kd', 1), (7, None, 'morton', 1),
                                           (8, 8, 'hilbert', 1), (12, 5, 'auto', 1), (9, 3, 'kd', 2), (6, 6, 'hilbert', 2)):
        common = ('--ranks', ranks, '--curve', scheme, '--calibration', 'made.json', '--owners', 'owners', '--cells',
                  'half' if cells == 2 else 'list-radius', *(('--ranks-per-node', per_node) if per_node else ()))
        name = '%d-%s-%s-%d' % (ranks, per_node, scheme, cells)
        r, = objects('--grid', '9x8x7', *common)
        mine = predicted(MADE, (9, 8, 7), ranks, read_owners('owners'), cells, per_node)
        claim('grid-%s' % name, abs(r['predicted_us_per_step'] / mine - 1) < 1e-9,
              '%.6g us, %.6g expected' % (r['predicted_us_per_step'], mine))
        r, = objects(*WATER, *common)
        n = r['cells']
        atoms = atoms_of(n, box, positions)
        mine = predicted(MADE, n, ranks, read_owners('owners'), cells, per_node, atoms, pairs_of(n, box, 0.5, atoms))
        claim('water-%s' % name, abs(r['predicted_us_per_step'] / mine - 1) < 1e-9,
              '%.6g us, %.6g expected' % (r['predicted_us_per_step'], mine))
    r, = objects('--grid', '4x4x4', '--ranks', 2, '--curve', 'kd')
    claim('none-without-calibration', r['predicted_us_per_step'] is None)


def table():
    arguments = (*WATER, '--ranks', '2,6', '--curve', 'hilbert,kd', '--calibration', write('made.json', MADE))
    found, run = objects(*arguments), partition(*arguments)
    rows = [line.split() for line in run.stdout.splitlines() if line.startswith('  hilbert ') or line.startswith('  kd ')]
    times = [row[-1] for row in rows if len(row) == 4] # scheme, memory, most memory, time
    claim('table-has-times', times == ['%.1f' % r['predicted_us_per_step'] for r in found] and 'us/step' in run.stdout,
          ' '.join(times))
    claim('table-is-narrow', max(map(len, run.stdout.splitlines())) <= 150)


def more_cores():
    """More ranks are faster while each has a core; more ranks than cores are not."""
    write('many.json', dict(MADE, cores=64))
    times = [r['predicted_us_per_step'] for r in objects(*WATER, '--ranks', '1,2,4,8', '--curve', 'kd', '--calibration',
                                                         'many.json')]
    claim('falls-with-ranks', all(a > b for a, b in zip(times, times[1:])), ' '.join('%.1f' % t for t in times))
    write('two.json', dict(MADE, cores=2))
    shared = [r['predicted_us_per_step'] for r in objects(*WATER, '--ranks', '2,4,8', '--curve', 'kd', '--calibration',
                                                          'two.json', '--ranks-per-node', 8)]
    claim('rises-beyond-the-cores', shared[0] < shared[1] < shared[2], ' '.join('%.1f' % t for t in shared))


def calibration():
    one = partition('--calibrate', '--output', 'one.json')
    claim('one-process-is-refused', one.returncode == 1 and 'needs two or more' in one.stderr and
          not Path('one.json').exists(), one.stderr.strip())
    run = partition('--calibrate', launcher=('mpirun', '-n', '2'))
    made = json.loads(Path('skein-calibration.json').read_text()) if run.returncode == 0 else {}
    claim('messages-measured', all(0 <= made.get(k, -1) < 1e9 for k in MESSAGES) and made['message_ns'] > 0 and
          made['reduce_ns'] > 0 and all(made[k] is None for k in WORK), run.stderr[-300:])
    claim('says-what-is-missing', partition('--grid', '8x8x8', '--ranks', 4, '--calibration', 'skein-calibration.json')
          .stderr.count('made without a run file') == 1)
    os.mkdir('beside')
    for name in ('water.ini', 'water.gro', 'water.top'):
        shutil.copy(name, Path('beside') / name)
    run = partition('beside/water.ini', '--calibrate', launcher=('mpirun', '-n', '2'))
    path = Path('beside/skein-calibration.json')
    made = json.loads(path.read_text()) if path.exists() else {}
    positive = [k for k in ('pair_ns', 'atom_ns', 'message_ns', 'reduce_ns', 'atoms_per_cell', 'pairs_per_atom')
                if not 0 < made.get(k, 0) < 1e9]
    least = [k for k in ('byte_ns', 'handover_ns', 'cell_ns', 'ghost_ns') if not 0 <= made.get(k, -1) < 1e9]
    claim('all-constants', run.returncode == 0 and not positive and not least and made['crowd'] >= 1 and
          made['cores'] == os.cpu_count() and made['processes'] == 2 and made['run_file'].endswith('water.ini'),
          ' '.join(positive + least) + run.stderr[-300:])
    # Numbers of the liquid that no clock decides: water in a cube of the list radius, and pairs within it.
    positions, box = read_gro('water.gro')
    r, = objects('water.ini', '--ranks', 1, '--curve', 'kd', '--calibration', path, '--owners', 'owners')
    pairs = pairs_of(r['cells'], box, 1.332, atoms_of(r['cells'], box, positions))
    claim('density', abs(made['atoms_per_cell'] / (len(positions) * 1.332 ** 3 / math.prod(box)) - 1) < 1e-9)
    claim('pairs', abs(made['pairs_per_atom'] / (sum(pairs) / 16 / len(positions)) - 1) < 0.01, # it has moved a little
          '%.4g' % made['pairs_per_atom'])
    filled = sum(a > 0 for a in atoms_of(r['cells'], box, positions))
    alone = 1e-3 * (made['pair_ns'] * sum(pairs) / 16 + made['atom_ns'] * len(positions) + made['cell_ns'] * filled)
    claim('one-rank-is-the-work', abs(r['predicted_us_per_step'] / alone - 1) < 1e-9)


def refusals():
    for name, text, words in (
            ('text', 'hello', 'is not a calibration'), ('empty', '', 'is not a calibration'),
            ('open', json.dumps(MADE)[:-1], 'does not end'), ('array', '[1, 2]', 'is not a calibration'),
            ('string', json.dumps(dict(MADE, pair_ns=True)), 'pair_ns is not a number'),
            ('negative', json.dumps(dict(MADE, atom_ns=-3)), 'atom_ns = -3 is out of range'),
            ('nan', json.dumps(dict(MADE, atom_ns=math.nan)), 'atom_ns'),
            ('zero', json.dumps(dict(MADE, message_ns=0)), 'message_ns = 0 is out of range'),
            ('cores', json.dumps(dict(MADE, cores=2.5)), 'cores = 2.5 is out of range'),
            ('crowd', json.dumps(dict(MADE, crowd=0.5)), 'crowd = 0.5 is out of range'),
            ('long', json.dumps(dict(MADE, note='x' * 20000)), 'too long'),
            *(('without-' + k, json.dumps({a: b for a, b in MADE.items() if a != k}), 'has no ' + k)
              for k in (*MESSAGES, *WORK, 'cores', 'processes'))):
        Path('bad.json').write_text(text)
        run = partition('--grid', '4x4x4', '--ranks', 2, '--calibration', 'bad.json')
        claim('refuses-%s' % name, run.returncode == 1 and words in run.stderr and 'bad.json' in run.stderr and
              not run.stdout, run.stderr.strip())
    run = partition('--grid', '4x4x4', '--ranks', 2, '--calibration', 'absent.json')
    claim('refuses-absent', run.returncode == 1 and 'absent.json' in run.stderr, run.stderr.strip())


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in ('water.ini', 'water.gro', 'water.top'):
            shutil.copy(ROOT / 'inputs' / 'water' / name, name)
        for part in (equation, table, more_cores, calibration, refusals):
            part()
        os.chdir('/')
    return have_failed()


if __name__ == '__main__':
    sys.exit(main())
