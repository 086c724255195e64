#!/usr/bin/env python3
"""Writes docs/hilbert-vs-morton.md and its pictures: when does the curve matter?
usage: hilbert_vs_morton.py [--build build] [--output docs/hilbert-vs-morton.md] [--quick]
Every figure comes from `skein partition`, `skein run`, tests/curve/drift_table.c or ghosts_table.c there; where the words
claim something, the script stops if the figures no longer say so. Needs `make all inputs`; below 15 minutes. --quick, below one minute,
does a part of the work, for the test; it wants another --output."""
import argparse, json, math, os, re, statistics, subprocess, sys, tempfile, textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'tests' / 'system'))
from partition_scene import atoms_of, pairs_of, read_owners

PAGE = ROOT / 'docs' / 'hilbert-vs-morton.md'
SCHEMES = ('hilbert', 'morton', 'kd', 'auto')
BOXES = ('32x32x32', '24x24x24', '40x32x20', '36x20x100', '50x50x50')
AWKWARD = (5, 7, 11, 13, 20, 24, 30, 48, 60, 96, 100, 127, 200, 250, 300, 400, 500)
POWERS = (2, 4, 8, 16, 32, 64, 128, 256)
CASES = (('32x32x32', 16), ('32x32x32', 48), ('32x32x32', 64), ('32x32x32', 100), ('40x32x20', 100), ('36x20x100', 60))
NODES = (('64x64x64', 512), ('80x64x40', 512), ('50x50x50', 480))
PER_NODE = 48
PICTURES = (('cube-48', ('--grid', '32x32x32', '--ranks', 48, '--curve', 'hilbert,morton'),
             'A cube of 32x32x32 cells on 48 ranks: along Morton every third rank is in two pieces'),
            ('long-60', ('--grid', '36x20x100', '--ranks', 60, '--curve', 'hilbert,kd'),
             'A long box on 60 ranks: planned planes make compact blocks'),
            ('droplet-64', ('inputs/argon/droplet.ini', '--ranks', 64, '--curve', 'hilbert,kd'),
             'The droplet on 64 ranks, weighed by work: parts in the liquid are small, those with vapour large'),
            ('slab-64', ('inputs/argon/slab.ini', '--ranks', 64, '--curve', 'hilbert,kd'), 'The slab on 64 ranks'))
RUNS = (('water', 'inputs/water/water.ini', 'rigid water, 3,000 atoms'),
        ('melt', 'inputs/lj-melt/lj-melt-32k.ini', 'Lennard-Jones melt, 32,000 atoms'))
ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT='1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM='1',
                   OMPI_MCA_rmaps_base_oversubscribe='1', OMPI_MCA_mpi_yield_when_idle='1',
                   OMPI_MCA_hwloc_base_binding_policy='none')


class Tool:
    """Runs things with the build folder as working folder, so that names of inputs are relative."""

    def __init__(self, build, scratch):
        self.build, self.scratch = build, scratch

    def call(self, *command, cwd=None):
        run = subprocess.run([str(c) for c in command], cwd=cwd or self.build, env=ENVIRONMENT, text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if run.returncode:
            sys.exit('%s: code %d\n%s' % (' '.join(map(str, command)), run.returncode, run.stderr))
        return run.stdout

    def text(self, *arguments):
        return self.call(self.build / 'skein', 'partition', *arguments)

    def counts(self, *arguments):
        """{(ranks, scheme): what was counted}"""
        found = map(json.loads, self.text(*arguments, '--json').splitlines())
        return {(r['ranks'], r['curve']): r for r in found}

    def run(self, ranks, run_file, scheme, steps):
        log = self.scratch / 'run.jsonl'
        self.call('mpirun', '-n', ranks, self.build / 'skein', 'run', run_file, '--steps', steps, '--quiet',
                  '--log-json', log, '--set', 'domain.curve=%s' % scheme, '--set', 'output.checkpoint=', '--set',
                  'output.trajectory=')
        return json.loads(log.read_text().splitlines()[-1])


def holds(is_so, words):
    if not is_so:
        sys.exit('the figures no longer say: %s' % words)


def table(head, rows):
    lines = ['| %s |' % ' | '.join(head), '|%s' % ('---|' * len(head))]
    return '\n'.join(lines + ['| %s |' % ' | '.join(map(str, row)) for row in rows])


def mean_ratio(pairs):
    return math.exp(statistics.mean(math.log(a / b) for a, b in pairs))


def percent(ratio):
    """'17 % fewer', of things that can be counted."""
    change = round(100 * abs(ratio - 1))
    return '%d %% %s' % (change, 'fewer' if ratio < 1 else 'more') if change else 'about as many'


def span(values, form='%.2f'):
    low, high = form % min(values), form % max(values)
    return low if low == high else '%s to %s' % (low, high)


def at_once(function, cases):
    with ThreadPoolExecutor(max(1, min(4, os.cpu_count()))) as pool:
        return list(pool.map(lambda case: function(*case), cases))


def named(r):
    return '%s = %s' % (r['curve'], r['scheme']) if r['curve'] == 'auto' else r['curve']


# ---- even boxes ----

def count_boxes(tool, boxes, with_slack):
    lists = ','.join(map(str, AWKWARD + POWERS))
    cases = [(box, slack) for slack in (0, 3) for box in (with_slack if slack else boxes)]
    return dict(zip(cases, at_once(lambda box, slack: tool.counts('--grid', box, '--ranks', lists, '--slack', slack),
                                   cases)))


def ghosts(found, ranks, scheme):
    return found[ranks, scheme]['ghosts_mean']


def against_morton(found, ranks, scheme):
    """fewer / as many / more ghosts than Morton, and the geometric mean of the ratio"""
    pairs = [(ghosts(found, p, scheme), ghosts(found, p, 'morton')) for p in ranks]
    score = [sum(a < b for a, b in pairs), sum(a == b for a, b in pairs), sum(a > b for a, b in pairs)]
    return '%d / %d / %d' % tuple(score), mean_ratio(pairs)


def write_boxes(counts, boxes):
    groups = [(box, name, ranks) for name, ranks in (('awkward', AWKWARD), ('powers of two', POWERS)) for box in boxes]
    plain, slack = [], []
    for box, name, ranks in groups:
        row = [box, name]
        for scheme in ('hilbert', 'kd', 'auto'):
            score, mean = against_morton(counts[box, 0], ranks, scheme)
            row += ['%.3f' % mean, score]
        plain.append(row)
        if (box, 3) in counts:
            slack.append([box, name] + ['%.3f' % mean_ratio(
                [(ghosts(counts[box, 3], p, s), ghosts(counts[box, 0], p, 'morton')) for p in ranks]) for s in SCHEMES])
    everything = [(counts[box, 0], p) for box in boxes for p in AWKWARD]
    overall = {s: mean_ratio([(ghosts(f, p, s), ghosts(f, p, 'morton')) for f, p in everything]) for s in SCHEMES}
    holds(overall['kd'] < overall['hilbert'] < 1, 'with awkward rank counts kd beats Hilbert, Hilbert Morton')
    holds(all(ghosts(counts[box, 0], p, 'auto') <= ghosts(counts[box, 0], p, 'morton') for box in boxes
              for p in AWKWARD + POWERS), 'auto is never above Morton')
    losses = {s: ['%s on %d (%.0f against %.0f)' % (box, p, ghosts(counts[box, 0], p, s), ghosts(counts[box, 0], p, o))
                  for o in ('morton', 'hilbert') for box in boxes for p in sorted(AWKWARD + POWERS)
                  if o != s and ghosts(counts[box, 0], p, s) > ghosts(counts[box, 0], p, o)
                  and (s != 'kd' or o == min(('morton', 'hilbert'), key=lambda c: ghosts(counts[box, 0], p, c)))]
              for s in ('hilbert', 'kd')}
    head = ['cells', 'ranks'] + [w for s in ('hilbert', 'kd', 'auto') for w in (s, 'fewer / same / more')]
    text = '''## Even boxes: %d boxes, %d rank counts

Ghosts of all ranks over those of Morton, geometric mean; below 1 is better than Morton. *Awkward* are %s ranks, *powers
of two* %s. Every cell weighs the same, and every rank gets as many cells as can be. *Fewer / same / more*: in how
many of the rank counts the scheme has fewer ghosts than Morton, as many, or more.

%s

If a rank may be 3 %% heavier than the mean (`--slack 3`), cuts can go where they make fewer ghosts. The same, over
Morton without slack:

%s

Hilbert loses to Morton in %d of the %d cases: %s. kd loses to the better curve in %d: %s.
''' % (len(boxes), len(AWKWARD + POWERS), ', '.join(map(str, AWKWARD)), ', '.join(map(str, POWERS)), table(head, plain),
       table(['cells', 'ranks', *SCHEMES], slack),
       len(losses['hilbert']), len(boxes) * len(AWKWARD + POWERS), '; '.join(losses['hilbert']) or 'none',
       len(losses['kd']), '; '.join(losses['kd']) or 'none')
    return text, overall


def write_cases(tool, cases):
    rows, found = [], {}
    for box, ranks in cases:
        counts = tool.counts('--grid', box, '--ranks', ranks, '--curve', ','.join(SCHEMES))
        for scheme in SCHEMES:
            r = found[box, ranks, scheme] = counts[ranks, scheme]
            rows.append(['%s, %d' % (box, ranks) if scheme == 'hilbert' else '', named(r), '%.3f' % r['imbalance'],
                         '%.1f' % r['ghosts_mean'], r['ghosts_max'], '%.3f' % r['ghosts_over_ideal'],
                         '%.1f' % r['neighbours_mean'], r['messages'], '%.2f' % r['components_mean']])
    value = lambda box, ranks, scheme, key: found[box, ranks, scheme][key]
    g = lambda box, ranks, scheme: value(box, ranks, scheme, 'ghosts_mean')
    holds(g('32x32x32', 16, 'hilbert') == g('32x32x32', 16, 'morton') and value('32x32x32', 16, 'hilbert', 'messages') >
          value('32x32x32', 16, 'morton', 'messages'), 'on 16 ranks the ghosts are equal and Morton has fewer messages')
    holds(len({g('32x32x32', 64, s) for s in SCHEMES}) == 1, 'on 64 ranks all are equal')
    holds(g('40x32x20', 100, 'morton') < min(g('40x32x20', 100, s) for s in ('hilbert', 'kd')), 'Morton wins there')
    holds(abs(value('32x32x32', 48, 'morton', 'components_mean') - 4 / 3) < 1e-9, 'every third rank is in two pieces')
    text = '''## Single cases in full

*ghosts* and *max*: ghost cells of a rank, mean and largest. */ideal*: mean over the ghosts of the best cube, tube or
slab of the same volume. *neighbours*: ranks that a rank receives from. *messages*: all ranks, one direction. *pieces*:
connected parts of a rank's cells.

%s

- 16 ranks on the cube: Hilbert and Morton have the same ghosts, and Morton has %d messages to Hilbert's %d.
- 48 ranks: Morton's largest rank has %.0f %% more ghosts than its mean, Hilbert's %.0f %%.
- 64 ranks: every scheme makes the same 8x8x8 cubes.
- 40x32x20 on 100 ranks is a loss of Hilbert: %.0f ghosts against %.0f, for blocks of 8x8x4 cells happen to fit Morton.
''' % (table(['case', 'scheme', 'imbalance', 'ghosts', 'max', '/ideal', 'neighbours', 'messages', 'pieces'], rows),
       value('32x32x32', 16, 'morton', 'messages'), value('32x32x32', 16, 'hilbert', 'messages'),
       *(100 * (value('32x32x32', 48, s, 'ghosts_max') / g('32x32x32', 48, s) - 1) for s in ('morton', 'hilbert')),
       g('40x32x20', 100, 'hilbert'), g('40x32x20', 100, 'morton'))
    return text, found


# ---- uneven systems ----

def read_data(path):
    """Positions and box edges of a LAMMPS data file of style atomic; positions from the lower corner."""
    lines = path.read_text().splitlines()
    bounds = [[float(w) for w in line.split()[:2]] for k in 'xyz' for line in lines if line.endswith('%shi' % k)]
    start = next(i for i, line in enumerate(lines) if line.startswith('Atoms')) + 2
    positions = []
    for line in lines[start:]:
        if not line.strip():
            break
        positions.append([float(w) - low for w, (low, _) in zip(line.split()[2:5], bounds)])
    return positions, [high - low for low, high in bounds]


def prepare_systems(tool, is_quick):
    """(name, run file, data file): those of inputs/argon, and the clusters where the reference systems are."""
    folder = tool.build / 'inputs' / 'argon'
    systems = [(n, folder / ('%s.ini' % n), folder / ('%s.data' % n)) for n in ('slab', 'droplet')]
    packed = Path(os.environ.get('SKEIN_SYSTEMS', ROOT.parent / 'shared' / 'systems')) / 'slab' / 'data.clusters.xz'
    if packed.exists():
        data, run_file = tool.scratch / 'clusters.data', tool.scratch / 'clusters.ini'
        with open(data, 'w') as out:
            subprocess.run(['xz', '-dc', packed], stdout=out, check=True)
        run_file.write_text((folder / 'droplet.ini').read_text().replace('droplet', 'clusters'))
        systems.append(('clusters', run_file, data))
    return systems[:1] if is_quick else systems


def imbalance_of(weight, owner, ranks):
    load = [0] * ranks
    for w, r in zip(weight, owner):
        load[r] += w
    return max(load) * ranks / sum(load)


def count_system(tool, run_file, data, ranks_list, schemes):
    """Counts of all schemes; and what the busiest rank has to do if cells or atoms are shared out instead of work."""
    arguments = (run_file, '--ranks', ','.join(map(str, ranks_list)), '--curve', ','.join(schemes))
    radius = float(re.search(r'with the list radius ([\d.]+) as edge', tool.text(run_file, '--ranks', 2, '--curve',
                                                                                 'kd'))[1])
    found = tool.counts(*arguments)
    finer = tool.counts(run_file, '--ranks', arguments[2], '--curve', 'hilbert', '--cells', 'half')
    positions, box = read_data(data)
    n = found[ranks_list[0], 'hilbert']['cells']
    atoms = atoms_of(n, box, positions)
    weight = [p + 16 * 50 * a for p, a in zip(pairs_of(n, box, radius, atoms), atoms)] # the default --cost 1,50,0
    shared = {}
    for ranks in ranks_list:
        for name, cost in (('cells', '0,0,1'), ('atoms', '0,1,0'), ('work', '1,50,0')):
            owners = tool.scratch / (data.name + '.owners')
            tool.text(run_file, '--ranks', ranks, '--curve', 'hilbert', '--cost', cost, '--owners', owners)
            shared[ranks, name] = imbalance_of(weight, read_owners(owners), ranks)
        holds(abs(shared[ranks, 'work'] / found[ranks, 'hilbert']['imbalance'] - 1) < 1e-6, 'weights')
        shared[ranks, 'finer'] = finer[ranks, 'hilbert']['imbalance']
    return found, shared


def coarse_cells(found, ranks):
    imbalance = {s: [r['imbalance'] for (_, p, scheme), r in found.items() if (p, scheme) == (ranks, s)]
                 for s in ('kd', 'hilbert')}
    holds(max(imbalance['kd']) > max(imbalance['hilbert']), 'kd is less balanced where a rank has few cells')
    return '''These cells have the list radius as edge. Where that leaves a rank few of them, kd is less balanced: on %d
ranks its busiest one has %s times the mean, along Hilbert %s. So `auto` may take another scheme there,
though kd has fewer ghosts. A run uses cells of half the edge, which balance better.
''' % (ranks, span(imbalance['kd']), span(imbalance['hilbert']))


def write_uneven(tool, is_quick):
    systems = prepare_systems(tool, is_quick)
    ranks_list, schemes = ((64,), SCHEMES) if is_quick else ((64, 512), (*SCHEMES[:3], 'power', 'auto'))
    rows, weighing, found, worst = [], [], {}, []
    counted = at_once(lambda _, *files: count_system(tool, *files, ranks_list, schemes), systems)
    for (name, _, _), (counts, shared) in zip(systems, counted):
        for ranks in ranks_list:
            label = '%s, %d' % (name, ranks)
            weighing.append([label] + ['%.2f' % shared[ranks, k] for k in ('cells', 'atoms')] +
                            ['%.3f' % shared[ranks, k] for k in ('work', 'finer')])
            holds(shared[ranks, 'cells'] > shared[ranks, 'atoms'] > shared[ranks, 'work'] > shared[ranks, 'finer'],
                  'atoms balance better than cells, work better than atoms, finer cells better still')
            worst.append(shared[ranks, 'cells'])
            for scheme in schemes:
                r = found[name, ranks, scheme] = counts[ranks, scheme]
                rows.append([label if scheme == 'hilbert' else '', named(r) + (' *' if r['is_best'] else ''),
                             '%.3f' % r['imbalance'], '%.0f' % r['ghost_atoms_mean'], r['ghost_atoms_max'],
                             '%.3f' % (r['ghost_atoms_mean'] / counts[ranks, 'morton']['ghost_atoms_mean']),
                             '%.1f' % r['neighbours_mean'], r['messages']])
    is_all = is_quick or len(systems) > 2
    absent = '' if is_all else '\nThe clusters are not in this table: the reference systems were absent.\n'
    text = '''## Slabs, droplets, clusters

About 100,000 Lennard-Jones atoms each, in a liquid slab, a droplet, or clusters, with vapour around (`inputs/argon`;
the clusters are a reference system that is not in the repository). First, what is shared out. Busiest rank over the
mean, in work (pairs, and 50 pairs for an atom), along the Hilbert curve, if all ranks get equal cells, equal atoms or
equal work; the last column has cells of half the edge:

%s

This is worth far more than any choice of scheme: with equal cells all ranks wait for one that has up to %.1f times the
mean. Every scheme of Skein shares out work. Second, the schemes, with equal work. Ghost atoms of a rank, mean and
largest, and the mean over Morton's; `*` marks the fewest ghost atoms among those within 3 %% of the best balance:

%s

%s
%s''' % (table(['system, ranks', 'equal cells', 'equal atoms', 'equal work', 'equal work, half cells'], weighing),
         max(worst), table(['system, ranks', 'scheme', 'imbalance', 'ghost atoms', 'max', '/morton', 'neighbours',
                            'messages'], rows), coarse_cells(found, max(ranks_list)), absent)
    return text, found, worst


def run_table(tool, name, *arguments):
    """What a program of tests/curve prints, which is made if need be."""
    program = tool.build / 'tests' / 'curve' / name
    if not program.exists():
        tool.call('make', '--no-print-directory', 'BUILD=%s' % tool.build, program, cwd=ROOT)
    return [json.loads(line) for line in tool.call(program, *arguments).splitlines()]


def write_plain(tool, is_quick):
    found = run_table(tool, 'ghosts_table', *((1, 1) if is_quick else (5, 3)))
    over = lambda r, curve: r['auto'] / r[curve]
    rows = [[r['case'] if r['counted'] == 'whole cells' else '', r['counted'],
             *('%.0f' % r[k] for k in ('skilling', 'hilbert', 'auto')), '%.3f' % over(r, 'skilling'),
             '%.3f' % over(r, 'hilbert'), '%.2f' % r['published']] for r in found]
    missed = ['%s %s (%.3f against %.2f)' % (r['case'], r['counted'], over(r, 'skilling'), r['published'])
              for r in found if over(r, 'skilling') > r['published']]
    holds(all(over(r, k) <= r['published'] for r in found if r['counted'] == 'whole cells'
              for k in ('skilling', 'hilbert')), 'in whole cells the prototype is met over either curve')
    holds(is_quick or all(r['case'] == 'slab' for r in found if over(r, 'skilling') > r['published']),
          'droplet and clusters meet the prototype by both definitions')
    pairs = list(zip(found[::2], found[1::2])) # by both countings
    left_out = lambda *keys: [100 * (1 - within[k] / whole[k]) for whole, within in pairs for k in keys]
    return '''## Against plain Hilbert, by two definitions

A prototype, made before this engine, found for its best partition on %d ranks %s of the ghost atoms of the plain Hilbert
curve. It had a liquid of 17.6 atoms a cell in 32x32x32 cells, pairs as work, and loads within 3 %%. The same kind of
systems here (not the same atoms), two countings and two curves. *Whole cells*: all atoms of the foreign cells
that touch a rank's own, which is what the engine receives. *Within the cutoff*: the atoms of them that are no farther
from a cell of the rank than the edge of a cell, as the notes on the prototype say. *Skilling*: the curve that the prototype
called Hilbert, in its cube of 2^k cells; *hilbert*: the one of this engine, fitted to the box. Mean of %d realisations,
the curves also in the mean of 16 places in the box, for they have up to a fifth more or fewer ghosts by place; `auto`
opens the box where it is lightest and so has the same wherever the liquid is.

%s

Prototype not met, over its curve: %s. Counting by distance leaves out %s %% of the ghosts of the curves and %s %% of those
of `auto`. Where in the box the slab of the prototype was is not known.
''' % (found[0]['ranks'], ', '.join('%.2f (%s)' % (r['published'], r['case']) for r in found
                                     if r['counted'] == 'whole cells'), found[0]['realisations'],
       table(['system', 'counted', 'skilling', 'hilbert', 'auto', 'auto / skilling', 'auto / hilbert', 'prototype'],
             rows), '; '.join(missed) or 'none', span(left_out('skilling', 'hilbert'), '%.0f'),
       span(left_out('auto'), '%.0f'))


# ---- nodes, time, drift ----

def write_nodes(tool, cases):
    rows, away, counted = [], {}, []
    for box, ranks in cases:
        counts = tool.counts('--grid', box, '--ranks', ranks, '--ranks-per-node', PER_NODE)
        counted += [ghosts(counts, ranks, s) - ghosts(counts, ranks, 'kd') for s in SCHEMES]
        for scheme in SCHEMES:
            r = counts[ranks, scheme]
            away[box, scheme] = r['ghosts_mean'] * r['off_node']
            rows.append(['%s, %d' % (box, ranks) if scheme == 'hilbert' else '', named(r), '%.1f' % r['ghosts_mean'],
                         '%.3f' % r['off_node'], '%.1f' % away[box, scheme]])
    ratios = {s: [away[box, s] / away[box, 'hilbert'] for box, _ in cases] for s in ('morton', 'kd')}
    holds(min(counted) >= 0, 'kd has the fewest ghosts in all where they differ')
    holds(min(ratios['morton'] + ratios['kd']) > 1, 'Hilbert has the fewest ghosts from other nodes')
    text = '''## Many ranks on nodes

%d consecutive ranks share a node. Ghost cells of a rank, the share of them that comes from another node, and the
product:

%s

Here the Hilbert curve has a merit of its own: a stretch of it is compact at every length, so the ranks of a node lie
together. Between nodes Morton has %s times Hilbert's ghosts and kd %s times, though kd has the fewest
in all where they differ. `auto` does not look at nodes. If the network between nodes is what limits you, look at
`off-node` (`--ranks-per-node`) and try `hilbert`.
''' % (PER_NODE, table(['cells, ranks', 'scheme', 'ghosts', 'off-node', 'ghosts from other nodes'], rows),
       span(ratios['morton']), span(ratios['kd']))
    return text, ratios


def time_runs(tool, repeats, steps):
    """Schemes in turn, so that what else the machine does hits all alike; returns {(run, scheme): [done, ...]}"""
    done = {}
    for _ in range(repeats):
        for name, run_file, _ in RUNS:
            for scheme in SCHEMES:
                done.setdefault((name, scheme), []).append(tool.run(2, run_file, scheme, steps[name]))
    return done


def write_time(tool, repeats, steps, ranks_list):
    load, done = os.getloadavg()[0], time_runs(tool, repeats, steps)
    rows, verdicts, is_noise = [], [], True
    for name, _, label in RUNS:
        pace = {s: [d['steps_done'] / d['wall_s'] for d in done[name, s]] for s in SCHEMES}
        for scheme in SCHEMES:
            d = done[name, scheme][0]
            rows.append([label if scheme == 'hilbert' else '', named(d),
                         *('%.0f' % f(pace[scheme]) for f in (statistics.median, min, max)),
                         '%.3f' % d['ghosts_per_atom'], '%.1f' % d['messages_per_step'], '%.0f' % d['bytes_per_step']])
        medians = [statistics.median(p) for p in pace.values()]
        between, within = max(medians) / min(medians), statistics.median(max(p) / min(p) for p in pace.values())
        is_noise &= between <= within
        verdicts.append('%s: the medians of the schemes differ by a factor of %.2f, runs of one scheme by %.2f, so '
                        'that the difference is %s' % (label, between, within, 'within the noise' if between <= within
                                                       else 'more than the noise of these runs'))
    cores = os.cpu_count()
    busy = ('which is more than they can do' if load > cores else 'so it was not quiet' if load > 0.2 else
            'and nothing else ran')
    few = ('These runs show no difference in time between the schemes; they do not show that there is none. '
           if is_noise else '')
    melt = [done['melt', s][0]['ghosts_per_atom'] for s in ('hilbert', 'morton')]
    return '''## What it means in time

Runs on two ranks, %s steps, %d for each scheme and system, the schemes in turn. Steps a second, then counts of a step
(*ghosts per atom*: what the engine imports, over the atoms):

%s

%s. The load of the machine was %.1f on %d cores before the runs, %s, so read the counts and not the
times. %sGhosts differ even on two ranks: those of the melt are %.2f per atom
along Hilbert and %.2f along Morton, for its cells are no power of two along an edge. What many
ranks on a real network gain from fewer ghosts has not been measured.

The bits are the same. State hashes after %s steps, each found equal over %s:

%s
''' % (' and '.join('%d (%s)' % (steps[n], n) for n, _, _ in RUNS), repeats,
       table(['system', 'scheme', 'steps/s, median', 'slowest', 'fastest', 'ghosts per atom', 'messages/step',
              'bytes/step'], rows), '. '.join(v[0].upper() + v[1:] for v in verdicts), load, cores,
       busy, few, *melt, *write_hashes(tool, ranks_list)), is_noise


def write_hashes(tool, ranks_list):
    rows, steps = [], 40
    for name, run_file, label in RUNS:
        hashes = set()
        for ranks in ranks_list:
            done = [tool.run(ranks, run_file, scheme, steps) for scheme in SCHEMES]
            hashes |= {d['state_hash'] for d in done}
            rows.append([label if ranks == ranks_list[0] else '', ranks, *('%.3f' % d['ghosts_per_atom'] for d in done),
                         ', '.join('%.0f' % d['import_messages'] for d in done), '`%s`' % done[0]['state_hash']])
        holds(len(hashes) == 1, 'state hashes are equal')
    return steps, '%s and %s ranks' % (', '.join(SCHEMES), ', '.join(map(str, ranks_list))), table(
        ['system', 'ranks', *('ghosts per atom, %s' % s for s in SCHEMES), 'messages one way, in this order',
         'state hash'], rows)


def write_drift(tool, is_quick):
    found = run_table(tool, 'drift_table', *((4, 1) if is_quick else (24, 4)))
    rows = [[r['case'] if r['scheme'] == 'morton' else '', r['scheme'], '%.1f' % (100 * r['recut']),
             '%.1f' % (100 * r['adjusted']), r['changes'], '%.3f' % r['ghosts'], '%.3f' % r['imbalance']]
            for r in found]
    by = lambda scheme, key: [100 * r[key] for r in found if r['scheme'] == scheme]
    holds(max(by('kd', 'adjusted')) < min(by('kd', 'recut')), 'kd: adjusting moves less than planning anew')
    holds(is_quick or max(by('kd', 'adjusted')) < min(by('hilbert', 'adjusted')), 'adjusted kd moves less than a curve')
    return '''## A profile that drifts

A slab or droplet moves by a sixteenth of a cell in each of %d steps through 32x32x32 cells, on %d ranks. Share of all
atoms that change rank in a step, in the mean: with a new partition at every step, and adjusted much as the engine does
it (the old one is moved when the busiest rank was 5 %% over the mean in two checks running, to 3 %%, and made anew when
that has 5 %% fewer ghosts). *Changes* is how often; *ghosts* are those of the adjusted plan over those of a new one, in
the mean; *imbalance* is the largest there was.

%s

kd made anew moves more than any curve, %s %% of the atoms, for a small change can turn a plane high up in its tree.
Adjusted, it moves %s %%, Hilbert %s %%: a curve has to pass on through all ranks in between what it takes at
one end and needs at the other. So rebalancing is no reason against kd, if it is adjusted, which is what Skein does.
''' % (found[0]['steps'], found[0]['ranks'],
       table(['profile', 'scheme', 'anew each step, %', 'adjusted, %', 'changes', 'ghosts', 'imbalance'], rows),
       span(by('kd', 'recut'), '%.0f'), *(span(by(s, 'adjusted'), '%.1f') for s in ('kd', 'hilbert')))


def draw(tool, folder):
    folder.mkdir(exist_ok=True)
    lines = []
    for name, arguments, words in PICTURES:
        path = folder / ('%s.svg' % name)
        tool.text(*arguments, '--picture', path)
        holds(path.stat().st_size < 150000, '%s is small' % path.name)
        lines.append('%s:\n\n![%s](pictures/%s)\n' % (words, words, path.name))
    return '\n'.join(lines)


# ---- the page ----

PAGE_TEXT = '''# Hilbert or Morton: when does the curve matter?

<!-- Written by scripts/hilbert_vs_morton.py; do not edit. -->

A box is cut into cells, and every rank gets some of them. What it needs of others are its *ghosts*: the cells of other
ranks that touch its own. Fewer ghosts are fewer bytes to send and fewer atoms to hold. The usual claim is that the
Hilbert curve makes compact parts and the Morton curve jagged ones. That is true at times, and there are better
schemes than both. All results of a run are the same bits with any of them.

## In short

%(short)s

Set the scheme with `curve = hilbert`, `morton`, `kd`, `power` or `auto` in the section `[domain]` of a run file; ask
for your own box and rank counts with `skein partition` ([how](partition.md)). It takes seconds.

%(boxes)s
%(cases)s
%(uneven)s
%(plain)s
%(nodes)s
%(time)s
%(drift)s
## Pictures

%(pictures)s
For a page with a 3-D view that turns: `skein partition --grid 32x32x32 --ranks 48 --picture page.html`
([what it shows](partition.md#the-page)).

## How this was made

```
make all inputs
scripts/hilbert_vs_morton.py
```

`%(version)s`, %(machine)s. The script calls `skein partition ... --json` and `--picture`, `mpirun skein run`,
`tests/curve/drift_table.c` and `ghosts_table.c`, and copies no figure of ours by hand. Counts come out the same on every machine; times do not.
Every count can be checked: `--owners` writes who owns each cell, and `tests/system/test_partition.py` recounts. The
schemes are explained in [partition.md](partition.md).
'''


def write_short(counts, boxes, overall, cases, uneven, nodes, is_noise):
    powers = [(ghosts(counts['32x32x32', 0], p, 'hilbert'), ghosts(counts['32x32x32', 0], p, 'morton')) for p in POWERS]
    holds(all(a == b for a, b in powers), 'on cubes of 2^k cells and 2^k ranks the curves are equal')
    kd = [ghosts(counts['32x32x32', 0], p, 'kd') / ghosts(counts['32x32x32', 0], p, 'morton') for p in POWERS]
    g = {s: cases['36x20x100', 60, s]['ghosts_mean'] for s in SCHEMES}
    _, found, worst = uneven
    ratio = {s: [found[n, p, s]['ghost_atoms_mean'] / found[n, p, 'morton']['ghost_atoms_mean']
                 for n, p in sorted({k[:2] for k in found})] for s in ('hilbert', 'kd')}
    few = ('no difference in time could be shown on two ranks' if is_noise else
           'the times of runs on two ranks are below')
    return '''- **A cube with 2^k cells along each edge, on 2^k ranks:** Hilbert or Morton does not matter,
  both have the same ghosts (32x32x32,
  %d of %d rank counts). `kd` has %.0f %% fewer to %.0f %% more.
- **Any other box or rank count:** use `kd`. Over %d boxes and %d awkward rank counts it has %s ghosts than Morton in
  the mean, Hilbert %s. There are losses, listed below; `auto` counts all and was never above Morton.
- **Flat or long boxes:** here it matters most. 36x20x100 cells on 60 ranks: %.0f ghosts a rank with `kd`, %.0f with
  Hilbert, %.0f with Morton.
- **Slabs, droplets, clusters:** what matters first is to share out work, which every scheme does; with equal cells the
  busiest rank has %s times the mean. Then `auto`: `kd` has %s of Morton's ghost atoms, Hilbert %s.
- **Few ranks (2 to 8, one machine):** leave it as it is; %s.
- **Many ranks on nodes with a slow network between them:** try `hilbert`. It sends least between nodes: Morton %s times
  as much, `kd` %s times. `auto` does not look at nodes.''' % (
        len(powers), len(powers), 100 * (1 - min(kd)), 100 * (max(kd) - 1), len(boxes), len(AWKWARD),
        percent(overall['kd']), percent(overall['hilbert']), g['kd'], g['hilbert'], g['morton'], span(worst, '%.1f'),
        span(ratio['kd']), span(ratio['hilbert']), few, span(nodes['morton']), span(nodes['kd']))


def wrapped(page):
    """Paragraphs and list items to lines of 120 columns; tables, code, headings and pictures as they are."""
    blocks = []
    for block in re.split(r'\n{2,}', page.strip()):
        if not block.startswith(('|', '```', '!', '#', '<')):
            block = '\n'.join(textwrap.fill(' '.join(item.split()), 120, break_long_words=False, break_on_hyphens=False,
                                            subsequent_indent='  ' if item.startswith('- ') else '')
                              for item in re.split(r'\n(?=- )', block))
        blocks.append(block)
    return '\n\n'.join(blocks) + '\n'


def machine():
    info = Path('/proc/cpuinfo')
    name = re.search(r'model name\s*: (.*)', info.read_text()) if info.exists() else None
    return '%s with %d cores' % (name[1].strip() if name else 'a machine', os.cpu_count())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', type=Path, default=Path(os.environ.get('BUILD', 'build')))
    parser.add_argument('--output', type=Path, default=PAGE)
    parser.add_argument('--quick', action='store_true')
    options = parser.parse_args()
    if options.quick and options.output.resolve() == PAGE:
        parser.error('--quick wants another --output')
    boxes, cases, nodes = (BOXES[:2], CASES, NODES[:1]) if options.quick else (BOXES, CASES, NODES)
    with tempfile.TemporaryDirectory() as scratch:
        tool = Tool((ROOT / options.build).resolve(), Path(scratch))
        counts = count_boxes(tool, boxes, boxes[1:] if options.quick else boxes)
        boxes_text, overall = write_boxes(counts, boxes)
        cases_text, found = write_cases(tool, cases)
        nodes_text, ratios = write_nodes(tool, nodes)
        uneven = write_uneven(tool, options.quick)
        time_text, is_noise = write_time(tool, *((1, {'water': 20, 'melt': 5}, (2,)) if options.quick else
                                                (5, {'water': 500, 'melt': 150}, (1, 2, 4, 8))))
        page = PAGE_TEXT % {
            'short': write_short(counts, boxes, overall, found, uneven, ratios, is_noise), 'boxes': boxes_text,
            'cases': cases_text, 'uneven': uneven[0], 'plain': write_plain(tool, options.quick), 'nodes': nodes_text,
            'time': time_text,
            'drift': write_drift(tool, options.quick),
            'pictures': draw(tool, options.output.resolve().parent / 'pictures'),
            'version': tool.call(tool.build / 'skein', '--version').strip(), 'machine': machine()}
    options.output.write_text(wrapped(page))


if __name__ == '__main__':
    main()
