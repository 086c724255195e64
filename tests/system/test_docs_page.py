#!/usr/bin/env python3
# timeout: 300 all: 300
"""docs/hilbert-vs-morton.md: the script that writes it runs; the page is whole; its counts of bare grids are what the
program counts now. No times are compared."""
import math, re, subprocess, sys, tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.dont_write_bytecode = True
from claims import BUILD, ROOT, claim, have_failed
from partition_scene import objects

PAGE = ROOT / 'docs' / 'hilbert-vs-morton.md'
BOXES = ('32x32x32', '24x24x24')
SECTIONS = ('In short', 'Even boxes', 'Single cases in full', 'Slabs, droplets, clusters', 'Against plain Hilbert',
            'Many ranks on nodes', 'What it means in time', 'A profile that drifts', 'Pictures', 'How this was made')


def section(page, name):
    """From the heading that starts so to the next one."""
    found = re.search(r'^## %s.*?(?=^## |\Z)' % re.escape(name), page, re.M | re.S)
    return found[0] if found else ''


def rows_of(page, name):
    rows = [[w.strip() for w in line[1:-1].split('|')] for line in section(page, name).splitlines() if line[:1] == '|']
    return [row for row in rows if row[0][:3] != '---']


def is_whole(page, folder, name):
    missing = [s for s in SECTIONS if not section(page, s)]
    claim('sections-%s' % name, not missing, ', '.join(missing))
    bad = re.findall(r'TODO|FIXME|XXX|%\(\w+\)|%\.\d[fg]|\bnan\b|\binf\b|\bNone\b', page)
    claim('no-placeholder-%s' % name, not bad, ', '.join(bad))
    widths = [{len(row) for row in rows_of(page, s)} for s in ('Single', 'Slabs', 'Many', 'A profile')]
    claim('tables-%s' % name, all(w for w in widths) and len(widths[0]) == len(widths[2]) == len(widths[3]) == 1,
          str(widths))
    pictures = re.findall(r'!\[[^]]+\]\(([^)]+)\)', page)
    roots = [ElementTree.parse(folder / p).getroot().tag.rpartition('}')[2] for p in pictures]
    claim('pictures-%s' % name, 2 <= len(roots) <= 4 and set(roots) == {'svg'}, ', '.join(pictures))


def is_counted_anew(committed, fresh):
    """Rows of the committed page that the quick run makes too are the same, and there are some."""
    for name, least in (('Even boxes', 6), ('Single', 12), ('Many', 4)):
        old, new = rows_of(committed, name), rows_of(fresh, name)
        lost = [' '.join(row) for row in new if row not in old]
        claim('counts-%s' % name.split()[0].lower(), len(new) >= least and not lost, '; '.join(lost))


def means_are_means(committed):
    """The geometric means of the first table once more, from what the program reports here."""
    head = section(committed, 'Even boxes').replace('\n', ' ')
    lists = re.search(r'\*Awkward\* are ([\d, ]+) ranks, \*powers of two\* ([\d, ]+)\.', head)
    counts = [list(map(int, text.split(','))) for text in lists.groups()]
    for box in BOXES[1:]:
        for group, ranks in zip(('awkward', 'powers of two'), counts):
            found = {(r['curve'], r['ranks']): r['ghosts_mean'] for r in objects(
                '--grid', box, '--ranks', ','.join(map(str, ranks)), '--curve', 'hilbert,morton,kd')}
            ratio = {s: [found[s, p] / found['morton', p] for p in ranks] for s in ('hilbert', 'kd')}
            expected = [w for s in ('hilbert', 'kd') for w in (
                '%.3f' % math.prod(ratio[s]) ** (1 / len(ranks)),
                '%d / %d / %d' % tuple(sum((q > 1) - (q < 1) == sign for q in ratio[s]) for sign in (-1, 0, 1)))]
            row = next((r for r in rows_of(committed, 'Even boxes') if r[:2] == [box, group]), [])
            claim('mean-%s-%s' % (box, group.replace(' ', '-')), row[2:6] == expected, '%s; %s' % (row, expected))


def main():
    committed = PAGE.read_text()
    is_whole(committed, PAGE.parent, 'committed')
    means_are_means(committed)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / 'page.md'
        run = subprocess.run([sys.executable, ROOT / 'scripts' / 'hilbert_vs_morton.py', '--quick', '--build', BUILD,
                              '--output', out], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        claim('script-runs', run.returncode == 0, run.stdout[-500:])
        if run.returncode == 0:
            fresh = out.read_text()
            is_whole(fresh, out.parent, 'quick')
            is_counted_anew(committed, fresh)
    return have_failed()


if __name__ == '__main__':
    sys.exit(main())
