#!/usr/bin/env python3
# timeout: 240 all: 240
"""skein partition: its counts against a brute-force recount of --owners in plain Python; table, JSON and picture; bad
input. Expected numbers come from the definition of ghosts (distinct foreign cells among the 26 periodic neighbours) and,
for a configuration, from binning the coordinates of the structure file here."""
import json, lzma, os, re, shutil, sys, tempfile
import xml.etree.ElementTree as ElementTree
from itertools import product
from pathlib import Path

sys.dont_write_bytecode = True
from claims import ROOT, claim, have_failed
from partition_scene import (atoms_of, cell_of, differences, objects, pairs_of, partition, read_gro, read_owners,
                             recount)

CELLS = {1: 'list-radius', 2: 'half'}
PLAIN = ('hilbert', 'morton', 'kd')
SCHEMES = (*PLAIN, 'power') # power is for run files, and for grids if it is named
KEYS = ('curve', 'ranks', 'imbalance', 'ghosts_mean', 'ghosts_max', 'ghosts_over_ideal', 'neighbours_mean',
        'neighbours_max', 'messages', 'bytes_per_step')


def grids():
    for n, ranks, slack, reach in (((8, 8, 8), 8, 0, 1), ((8, 8, 8), 5, 0, 2), ((7, 5, 3), 6, 0, 1),
                                   ((10, 8, 5), 9, 10, 1), ((12, 1, 4), 7, 0, 2), ((2, 2, 9), 4, 0, 1),
                                   ((1, 1, 6), 3, 0, 1), ((9, 9, 9), 27, 3, 1), ((12, 10, 6), 6, 0, 2)):
        for scheme in (*SCHEMES, 'auto'):
            name = '%dx%dx%d' % n
            report, = objects('--grid', name, '--ranks', ranks, '--curve', scheme, '--owners', 'owners',
                              '--ranks-per-node', 3, '--slack', slack, '--cells', CELLS[reach])
            owner = read_owners('owners')
            bad = [] if set(owner) == set(range(ranks)) and len(owner) == n[0] * n[1] * n[2] else ['owners of cells']
            bad += differences(report, recount(n, ranks, owner, per_node=3, reach=reach))
            bad += [] if report['shell'] == reach and report['constraints_cut'] is None else ['shell or constraints']
            claim('recount-%s-%d-%s-%s' % (name, ranks, scheme, CELLS[reach]), not bad, '; '.join(bad))


def known():
    """64 ranks on 16x16x16: all give cubes of 4x4x4, with 6^3 - 4^3 ghosts from 26 ranks, and nothing is better."""
    for scheme in SCHEMES:
        r, = objects('--grid', '16x16x16', '--ranks', 64, '--curve', scheme)
        claim('cubes-%s' % scheme, (r['imbalance'], r['ghosts_mean'], r['ghosts_max'], r['neighbours_max']) ==
              (1, 152, 152, 26) and abs(r['ghosts_over_ideal'] - 1) < 1e-12, '%(ghosts_mean)g ghosts' % r)
        r, = objects('--grid', '16x16x16', '--ranks', 64, '--curve', scheme, '--cells', 'half')
        claim('half-cubes-%s' % scheme, (r['ghosts_mean'], r['neighbours_max']) == (8 ** 3 - 4 ** 3, 26) and
              abs(r['ghosts_over_ideal'] - 1) < 1e-12, '%(ghosts_mean)g ghosts' % r)
    r, = objects('--grid', '4x4x4', '--ranks', 1, '--curve', 'auto')
    claim('one-rank', r['ghosts_mean'] == r['messages'] == r['bytes_per_step'] == 0 and
          r['ghosts_over_ideal'] is None and r['imbalance'] == 1)


def report():
    arguments = ('--grid', '12x10x8', '--ranks', '4..6,16')
    found = objects(*arguments)
    claim('json-keys', all(k in r for r in found for k in KEYS))
    claim('json-order', [(r['ranks'], r['curve']) for r in found] ==
          [(p, c) for p in (4, 5, 6, 16) for c in (*PLAIN, 'auto')])
    auto = {r['ranks']: r for r in found if r['curve'] == 'auto'}
    claim('auto-is-best', all(auto[r['ranks']]['ghosts_mean'] <= r['ghosts_mean'] and auto[r['ranks']]['is_best']
                              for r in found if r['imbalance'] <= auto[r['ranks']]['imbalance'] + 0.03))
    claim('auto-names-a-scheme', all(r['scheme'] in SCHEMES and 0 <= r['turn'] < 6 for r in found))
    run = partition(*arguments)
    rows = re.findall(r'^([ *]) (hilbert|morton|kd|power|auto)(?: = \w+(?:, turn \d)?)? +([\d.]+) +([\d.]+) +(\d+) +[\d.]+ +'
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


def configuration():
    for name in ('water.ini', 'water.gro', 'water.top'):
        shutil.copy(ROOT / 'inputs' / 'water' / name, name)
    settings = ('water.ini', '--set', 'nonbonded.buffer_nm=0.05', '--set', 'nonbonded.cutoff_nm=0.45')
    positions, box = read_gro('water.gro')
    for scheme, ranks, reach in (*product((*SCHEMES, 'auto'), (7, 12), (1,)), ('hilbert', 12, 2), ('kd', 7, 2)):
        found, = objects(*settings, '--ranks', ranks, '--curve', scheme, '--owners', 'owners', '--cost', '1,50,2',
                         '--ranks-per-node', 2, '--cells', CELLS[reach])
        n = found['cells']
        atoms = atoms_of(n, box, positions)
        weight = [p + 16 * (50 * a + 2) for p, a in zip(pairs_of(n, box, 0.5, atoms), atoms)]
        owner = read_owners('owners')
        bad = [] if n == [int(e / 0.5 * reach) for e in box] else ['cells %s' % n]
        bad += differences(found, recount(n, ranks, owner, weight, atoms, 2, reach))
        bad += [] if found['constraints'] == found['constraints_cut'] == 0 else ['waters are never cut']
        claim('water-%d-%s-%s' % (ranks, scheme, CELLS[reach]), not bad, '; '.join(bad))
    alone = partition(*settings, '--ranks', '4,8', '--json')
    many = partition(*settings, '--ranks', '4,8', '--json', launcher=('mpirun', '-n', '3'))
    claim('three-processes-speak-once', alone.returncode == many.returncode == 0 and many.stdout == alone.stdout and
          alone.stdout.count('\n') == 2 * len(SCHEMES) + 2, many.stderr[-300:])


def constraints():
    """Chains of beads joined by rigid bonds: a bond is cut where the owners of its two beads differ."""
    for name in ('polymer.ini', 'polymer.top'):
        shutil.copy(ROOT / 'inputs' / 'polymer' / name, name)
    Path('polymer.gro').write_bytes(lzma.open(ROOT / 'inputs' / 'polymer' / 'polymer.gro.xz').read())
    positions, box = read_gro('polymer.gro')
    beads = 200
    for scheme, ranks, cells in (('hilbert', 8, 'list-radius'), ('kd', 13, 'half')):
        found, = objects('polymer.ini', '--ranks', ranks, '--curve', scheme, '--owners', 'owners', '--cells', cells)
        owner = read_owners('owners')
        rank = [owner[cell_of(found['cells'], box, p)] for p in positions]
        cut = sum(rank[i] != rank[i + 1] for i in range(len(rank) - 1) if (i + 1) % beads)
        claim('constraints-cut-%d-%s' % (ranks, scheme), found['constraints_cut'] == cut > 0 and
              found['constraints'] == len(rank) // beads * (beads - 1), '%d of %d' % (cut, found['constraints']))


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
            (('--grid', '8x8x8', '--ranks', '4', '--cells', 'whole'), '--cells wants'),
            (('--grid', '8x8x8', '--calibrate'), 'not with --grid'),
            (('--calibrate', '--ranks', '4'), '--calibrate takes'),
            (('--grid', '8x8x8', '--ranks', '4', '--output', 'x'), 'belongs to --calibrate'),
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
        for part in (known, grids, report, configuration, constraints, picture, refusals):
            part()
        os.chdir('/')
    return have_failed()


if __name__ == '__main__':
    sys.exit(main())
