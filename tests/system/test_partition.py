#!/usr/bin/env python3
# timeout: 240 all: 240
"""skein partition: its counts against a brute-force recount of --owners in plain Python; table, JSON and picture; bad
input. Expected numbers come from the definition of ghosts (distinct foreign cells among the 26 periodic neighbours) and,
for a configuration, from binning the coordinates of the structure file here."""
import json, os, re, shutil, subprocess, sys, tempfile
import xml.etree.ElementTree as ElementTree
from itertools import product
from pathlib import Path

sys.dont_write_bytecode = True
from claims import BUILD, ROOT, claim, have_failed

SCHEMES = ('hilbert', 'morton', 'kd')
KEYS = ('curve', 'ranks', 'imbalance', 'ghosts_mean', 'ghosts_max', 'ghosts_over_ideal', 'neighbours_mean',
        'neighbours_max', 'messages', 'bytes_per_step')


def partition(*arguments, launcher=()):
    return subprocess.run([*launcher, str(BUILD / 'skein'), 'partition', *map(str, arguments)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def objects(*arguments):
    run = partition(*arguments, '--json')
    if run.returncode:
        raise RuntimeError('%s: code %d\n%s' % (arguments, run.returncode, run.stderr))
    return [json.loads(line) for line in run.stdout.splitlines()]


def neighbours_of(n, cell):
    x, y, z = cell
    return {((x + a) % n[0], (y + b) % n[1], (z + c) % n[2]) for a, b, c in product((-1, 0, 1), repeat=3)} - {cell}


def recount(n, ranks, owner, weight=None, atoms=None, per_node=0):
    """The counts of one partition, from sets of cells."""
    cells = [(x, y, z) for z in range(n[2]) for y in range(n[1]) for x in range(n[0])]
    own = dict(zip(cells, owner))
    ghosts = [set() for _ in range(ranks)]
    load = [0] * ranks
    for i, cell in enumerate(cells):
        load[own[cell]] += weight[i] if weight else 1
        ghosts[own[cell]] |= {c for c in neighbours_of(n, cell) if own[c] != own[cell]}
    size = dict(zip(cells, atoms)) if atoms else None
    value = [sum(size[c] for c in g) if atoms else len(g) for g in ghosts]
    senders = [{own[c] for c in g} for g in ghosts]
    away = [sum((size[c] if atoms else 1) for c in g if own[c] // per_node != r // per_node)
            for r, g in enumerate(ghosts)] if per_node else None
    return {'imbalance': max(load) * ranks / sum(load), 'ghosts_mean': sum(map(len, ghosts)) / ranks,
            'ghosts_max': max(map(len, ghosts)), 'neighbours_mean': sum(map(len, senders)) / ranks,
            'neighbours_max': max(map(len, senders)), 'messages': sum(map(len, senders)),
            'bytes_per_step': 24 * sum(value), 'ghost_atoms_mean': sum(value) / ranks, 'ghost_atoms_max': max(value),
            'components_mean': sum(components(n, own, r) for r in range(ranks)) / ranks,
            'off_node': sum(away) / max(1, sum(value)) if per_node else None}


def components(n, own, rank):
    left, count = {c for c in own if own[c] == rank}, 0
    while left:
        count += 1
        todo = [left.pop()]
        while todo:
            cell = todo.pop()
            for k, d in product(range(3), (-1, 1)):
                other = list(cell)
                other[k] = (other[k] + d) % n[k]
                if tuple(other) in left:
                    left.remove(tuple(other))
                    todo.append(tuple(other))
    return count


def differences(report, counts):
    return ['%s: %r, recounted %r' % (k, report[k], v) for k, v in counts.items()
            if (report[k] is None) != (v is None) or (v is not None and abs(report[k] - v) > 1e-9 * max(1, abs(v)))]


def read_owners(path):
    return [int(line) for line in Path(path).read_text().split('\n')[:-1]]


def grids():
    for n, ranks, slack in (((8, 8, 8), 8, 0), ((8, 8, 8), 5, 0), ((7, 5, 3), 6, 0), ((10, 8, 5), 9, 10),
                            ((12, 1, 4), 7, 0), ((2, 2, 9), 4, 0), ((1, 1, 6), 3, 0), ((9, 9, 9), 27, 3)):
        for scheme in (*SCHEMES, 'auto'):
            name = '%dx%dx%d' % n
            report, = objects('--grid', name, '--ranks', ranks, '--curve', scheme, '--owners', 'owners',
                              '--ranks-per-node', 3, '--slack', slack)
            owner = read_owners('owners')
            bad = [] if set(owner) == set(range(ranks)) and len(owner) == n[0] * n[1] * n[2] else ['owners of cells']
            bad += differences(report, recount(n, ranks, owner, per_node=3))
            claim('recount-%s-%d-%s' % (name, ranks, scheme), not bad, '; '.join(bad))


def known():
    """64 ranks on 16x16x16: all give cubes of 4x4x4, with 6^3 - 4^3 ghosts from 26 ranks, and nothing is better."""
    for scheme in SCHEMES:
        r, = objects('--grid', '16x16x16', '--ranks', 64, '--curve', scheme)
        claim('cubes-%s' % scheme, (r['imbalance'], r['ghosts_mean'], r['ghosts_max'], r['neighbours_max']) ==
              (1, 152, 152, 26) and abs(r['ghosts_over_ideal'] - 1) < 1e-12, '%(ghosts_mean)g ghosts' % r)
    r, = objects('--grid', '4x4x4', '--ranks', 1, '--curve', 'auto')
    claim('one-rank', r['ghosts_mean'] == r['messages'] == r['bytes_per_step'] == 0 and
          r['ghosts_over_ideal'] is None and r['imbalance'] == 1)


def report():
    arguments = ('--grid', '12x10x8', '--ranks', '4..6,16')
    found = objects(*arguments)
    claim('json-keys', all(k in r for r in found for k in KEYS))
    claim('json-order', [(r['ranks'], r['curve']) for r in found] ==
          [(p, c) for p in (4, 5, 6, 16) for c in (*SCHEMES, 'auto')])
    auto = {r['ranks']: r for r in found if r['curve'] == 'auto'}
    claim('auto-is-best', all(auto[r['ranks']]['ghosts_mean'] <= r['ghosts_mean'] and auto[r['ranks']]['is_best']
                              for r in found if r['imbalance'] <= auto[r['ranks']]['imbalance'] + 0.03))
    claim('auto-names-a-scheme', all(r['scheme'] in SCHEMES and 0 <= r['turn'] < 6 for r in found))
    run = partition(*arguments)
    rows = re.findall(r'^([ *]) (hilbert|morton|kd|auto)(?: = \w+(?:, turn \d)?)? +([\d.]+) +([\d.]+) +(\d+) +[\d.]+ +'
                      r'(?:best|[+-][\d.]+ %) +([\d.]+) +(\d+) +(\d+) ', run.stdout, re.M)
    same = len(rows) == len(found) and run.returncode == 0
    for row, r in zip(rows, found):
        same &= row == ('*' if r['is_best'] else ' ', r['curve'], '%.4f' % r['imbalance'], '%.1f' % r['ghosts_mean'],
                        str(r['ghosts_max']), '%.1f' % r['neighbours_mean'], str(r['neighbours_max']),
                        str(r['messages']))
    claim('table-is-json', same, '%d rows' % len(rows))
    score = {(r['ranks'], r['curve']): r['ghosts_mean'] for r in found}
    fewer = sum(score[p, 'hilbert'] < score[p, 'morton'] for p in auto)
    equal = sum(score[p, 'hilbert'] == score[p, 'morton'] for p in auto)
    claim('verdict', re.search(r'hilbert +fewer %d times, as many %d, more %d' % (fewer, equal, len(auto) - fewer - equal),
                               run.stdout) is not None)
    idle = partition('--grid', '2x2x2', '--ranks', 11, '--json')
    claim('idle-ranks', idle.returncode == 0 and '3 of them have nothing to do' in idle.stderr and
          all(json.loads(l)['ranks'] == 11 for l in idle.stdout.splitlines()), idle.stderr.strip())


def read_gro(path):
    lines = Path(path).read_text().splitlines()
    count, dots = int(lines[1]), [i for i, c in enumerate(lines[2]) if c == '.']
    w = dots[1] - dots[0] # the format's own rule for the width of a number
    return ([[float(l[20 + w * k:20 + w * (k + 1)]) for k in range(3)] for l in lines[2:2 + count]],
            [float(w) for w in lines[2 + count].split()[:3]])


def configuration():
    for name in ('water.ini', 'water.gro', 'water.top'):
        shutil.copy(ROOT / 'inputs' / 'water' / name, name)
    settings = ('water.ini', '--set', 'nonbonded.buffer_nm=0.05', '--set', 'nonbonded.cutoff_nm=0.45')
    positions, box = read_gro('water.gro')
    for scheme, ranks in product((*SCHEMES, 'auto'), (7, 12)):
        found, = objects(*settings, '--ranks', ranks, '--curve', scheme, '--owners', 'owners', '--cost', '1,50,2',
                         '--ranks-per-node', 2)
        n = found['cells']
        atoms = [0] * (n[0] * n[1] * n[2])
        for p in positions:
            c = [int(p[k] % box[k] / box[k] * n[k]) for k in range(3)]
            atoms[c[0] + n[0] * (c[1] + n[1] * c[2])] += 1
        weight = []
        for i, a in enumerate(atoms):
            near = neighbours_of(n, (i % n[0], i // n[0] % n[1], i // (n[0] * n[1])))
            weight.append(a * (a + sum(atoms[x + n[0] * (y + n[1] * z)] for x, y, z in near)) + 50 * a + 2)
        owner = read_owners('owners')
        bad = [] if n == [int(e / 0.5) for e in box] else ['cells %s' % n]
        bad += differences(found, recount(n, ranks, owner, weight, atoms, 2))
        claim('water-%d-%s' % (ranks, scheme), not bad, '; '.join(bad))
    alone = partition(*settings, '--ranks', '4,8', '--json')
    many = partition(*settings, '--ranks', '4,8', '--json', launcher=('mpirun', '-n', '3'))
    claim('three-processes-speak-once', alone.returncode == many.returncode == 0 and many.stdout == alone.stdout and
          alone.stdout.count('\n') == 8, many.stderr[-300:])


def picture():
    for arguments, label in ((('--grid', '16x12x8', '--ranks', 12, '--curve', 'hilbert,morton'), 'curves'),
                             (('--grid', '60x4x1', '--ranks', 600, '--curve', 'kd,auto'), 'many'),
                             (('--grid', '5x5x5', '--ranks', 4, '--curve', 'kd'), 'single'),
                             (('--grid', '4x4x4', '--ranks', 1, '--curve', 'auto,hilbert'), 'one-rank')):
        run = partition(*arguments, '--picture', 'picture.svg')
        root = ElementTree.parse('picture.svg').getroot() if run.returncode == 0 else None
        text = ' '.join(e.text for e in root.iter() if e.tag.endswith('text')) if root is not None else ''
        names = [n for n in arguments[-1].split(',') if n not in text]
        links = [v for e in root.iter() for k, v in e.attrib.items() if 'href' in k] if root is not None else ['none']
        numbers = 'nan' not in Path('picture.svg').read_text() and 'inf' not in Path('picture.svg').read_text()
        claim('picture-%s' % label, not names and not links and numbers and '%s ranks' % arguments[3] in text and
              'ideal' in text and 'traffic' in text, run.stderr)


def refusals():
    for arguments, words in (
            (('--grid', '8x8', '--ranks', '4'), '--grid wants'), (('--grid', '8x0x8', '--ranks', '4'), '--grid wants'),
            (('--grid', '8x8x8x8', '--ranks', '4'), '--grid wants'), (('--grid', '-8x8x8', '--ranks', '4'), '--grid wants'),
            (('--grid', '2000x2000x2000', '--ranks', '4'), 'more than 2147483647 cells'),
            (('--grid', '8x8x8'), 'needs --ranks'), (('--ranks', '4'), 'needs a run file or --grid'),
            (('--grid', '8x8x8', '--ranks', '4,'), '--ranks wants'), (('--grid', '8x8x8', '--ranks', '0'), '--ranks wants'),
            (('--grid', '8x8x8', '--ranks', '8..2'), '--ranks wants'),
            (('--grid', '8x8x8', '--ranks', '65537'), '--ranks wants'),
            (('--grid', '8x8x8', '--ranks', '1..60000'), 'more than 4096'),
            (('--grid', '8x8x8', '--ranks', '4', '--curve', 'hilbrt'), "did you mean 'hilbert'"),
            (('--grid', '8x8x8', '--ranks', '4', '--curve', 'peano'), 'the schemes are'),
            (('--grid', '8x8x8', '--ranks', '4', '--curve', 'kd,kd'), 'twice'),
            (('--grid', '8x8x8', '--ranks', '4', '--curve', 'kd,'), 'no scheme'),
            (('--grid', '8x8x8', '--ranks', '4', '--owners', 'x'), 'one scheme and one rank count'),
            (('--grid', '8x8x8', '--ranks', '4,5', '--curve', 'kd', '--owners', 'x'), 'one scheme and one rank count'),
            (('--grid', '8x8x8', '--ranks', '4,5', '--picture', 'x.svg'), 'one rank count'),
            (('--grid', '8x8x8', '--ranks', '4', '--picture', 'x.png'), '.svg'),
            (('--grid', '8x8x8', '--ranks', '4', '--slack', 'much'), '--slack wants'),
            (('--grid', '8x8x8', '--ranks', '4', '--cost', '1,2'), '--cost wants'),
            (('--grid', '8x8x8', '--ranks', '4', '--cost', '0,0,0'), 'free'),
            (('--grid', '8x8x8', '--ranks', '4', '--ranks-per-node', '0'), '--ranks-per-node wants'),
            (('--grid', '8x8x8', '--ranks', '4', '--set', 'a.b=c'), 'belongs to a run file'),
            (('--grid', '8x8x8', 'x.ini', '--ranks', '4'), 'not both'),
            (('--grid', '8x8x8', '--ranks'), 'needs a value'), (('--grid', '8x8x8', '--rank', '4'), 'no option'),
            (('absent.ini', '--ranks', '4'), 'absent.ini')):
        run = partition(*arguments)
        said = run.stderr.count('skein: ')
        claim('refuses-%s' % '_'.join(arguments), run.returncode == 1 and words in run.stderr and said == 1 and
              not run.stdout, run.stderr.split('\n')[0])
    run = partition('--grid', '4x4x4', '--ranks', '2', '--curve', 'kd', '--owners', 'no/such/folder')
    claim('owners-unwritable', run.returncode == 3 and 'no/such/folder' in run.stderr, run.stderr.strip())


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for part in (known, grids, report, configuration, picture, refusals):
            part()
        os.chdir('/')
    return have_failed()


if __name__ == '__main__':
    sys.exit(main())
