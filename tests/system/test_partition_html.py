#!/usr/bin/env python3
# timeout: 240 all: 240
"""skein partition --picture FILE.html: the page's data against --owners, --json and a recount here (the definition of
ghosts: distinct foreign cells within the shell, periodically); nothing that would be loaded; and in headless Chromium
the 3-D view draws the colours of the territories that it should, without a word on the console."""
import base64, json, math, os, re, shutil, struct, subprocess, sys, tempfile, zlib
from collections import Counter
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

sys.dont_write_bytecode = True
from claims import BUILD, ROOT, claim, have_failed

FLAGS = ('--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking '
         '--disable-component-update --disable-sync --use-gl=angle --use-angle=swiftshader '
         '--enable-unsafe-swiftshader --hide-scrollbars --force-device-scale-factor=1 --enable-logging=stderr '
         '--virtual-time-budget=600').split()
SHADES = (1, 0.88, 0.80, 0.78, 0.70, 0.62)  # of the six sides of a territory in the view


def partition(*arguments):
    run = subprocess.run([str(BUILD / 'skein'), 'partition', *map(str, arguments)], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode:
        raise RuntimeError('%s: code %d\n%s' % (arguments, run.returncode, run.stderr))
    return run.stdout


class Page(HTMLParser):
    """Rows of the table, the data block, text of headings, scripts and styles, and attributes that load something."""

    def __init__(self, path):
        super().__init__()
        self.rows, self.code, self.data, self.heading, self.loads, self.tags = [], '', '', '', [], Counter()
        self.inside = None
        self.feed(Path(path).read_text())
        self.data = json.loads(self.data)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags[tag] += 1
        self.loads += ['%s %s' % (tag, k) for k, v in attributes.items() if 'url(' in (v or '') or
                       k in ('src', 'href', 'srcset', 'poster', 'action', 'xlink:href') or k == 'data' and tag == 'object']
        if tag == 'meta' and 'http-equiv' in attributes:
            self.policy = attributes['content']
        if tag == 'tr':
            self.rows.append([])
        if tag in ('td', 'th') and self.rows:
            self.rows[-1].append('')
        self.inside = 'data' if attributes.get('id') == 'data' else tag

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, text):
        if self.inside in ('td', 'th'):
            self.rows[-1][-1] += text
        elif self.inside == 'data':
            self.data += text
        elif self.inside in ('script', 'style'):
            self.code += text
        elif self.inside == 'h1':
            self.heading += text


def varints(text):
    out, value, shift = [], 0, 0
    for byte in base64.b64decode(text):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            out.append(value)
            value = shift = 0
    return out


def owners_of(scheme):
    numbers = varints(scheme['owners'])
    return [rank for rank, length in zip(numbers[::2], numbers[1::2]) for _ in range(length)]


def ghosts_of(n, ranks, owner, reach):
    """Ghost cells of each rank."""
    strides, offsets = (1, n[0], n[0] * n[1]), [o for o in product(range(-reach, reach + 1), repeat=3) if any(o)]
    near = [[[(c + o) % n[k] * strides[k] for o in range(-reach, reach + 1)] for c in range(n[k])] for k in range(3)]
    ghosts = [set() for _ in range(ranks)]
    for z, y, x in product(range(n[2]), range(n[1]), range(n[0])):
        a, b, c = near[0][x], near[1][y], near[2][z]
        rank = owner[x + n[0] * (y + n[1] * z)]
        mine = ghosts[rank]
        for p, q, r in offsets:
            cell = a[p + reach] + b[q + reach] + c[r + reach]
            if owner[cell] != rank:
                mine.add(cell)
    return [len(g) for g in ghosts]


def check_data(label, arguments, schemes, path):
    """The page of these arguments; its data and table."""
    partition(*arguments, '--curve', ','.join(schemes), '--picture', path)
    page = Page(path)
    data, bad = page.data, []
    reports = [json.loads(line) for line in partition(*arguments, '--curve', ','.join(schemes), '--json').splitlines()]
    for scheme, report in zip(data['schemes'], reports):
        owner = owners_of(scheme)
        partition(*arguments, '--curve', report['curve'], '--owners', 'owners')
        if owner != [int(line) for line in Path('owners').read_text().split()]:
            bad.append('%s: owners' % report['curve'])
        width = len(data['by_rank'])
        numbers = varints(scheme['by_rank'])
        rank = {key: numbers[k::width] for k, key in enumerate(data['by_rank'])}
        if [owner.count(r) for r in range(data['ranks'])] != rank['cells']:
            bad.append('%s: cells by rank' % report['curve'])
        if ghosts_of(data['cells'], data['ranks'], owner, data['reach']) != rank['ghosts']:
            bad.append('%s: ghosts by rank' % report['curve'])
        if (max(rank['ghosts']), sum(rank['neighbours'])) != (report['ghosts_max'], report['messages']) or \
                abs(sum(rank['ghosts']) / data['ranks'] - report['ghosts_mean']) > 1e-9 * report['ghosts_mean'] or \
                data['has_atoms'] and max(rank['ghost_atoms']) != report['ghost_atoms_max']:
            bad.append('%s: not the numbers of --json' % report['curve'])
    claim('%s-data' % label, not bad and data['drawn'] == data['cells'] == reports[0]['cells'] and
          len(data['schemes']) == len(reports) == len(schemes), '; '.join(bad))
    table = {row[0]: [float(c.replace('\u202f', '')) for c in row[1:]] for row in page.rows[1:]}
    wanted = (('ghost cells of a rank, mean', 'ghosts_mean', 1), ('ghost cells, largest', 'ghosts_max', 0),
              ('imbalance, heaviest rank over the mean', 'imbalance', 4), ('messages, one direction', 'messages', 0),
              ('bytes per step, all ranks', 'bytes_per_step', 0), ('pieces of a territory, mean', 'components_mean', 2))
    wrong = [name for name, key, digits in wanted
             if table.get(name) != [float('%.*f' % (digits, r[key])) for r in reports]]
    claim('%s-table' % label, not wrong, '; '.join(wrong))
    return page


def check_alone(label, page):
    """Nothing to load, and no way to."""
    ways = r'url\(|@import|\bimport\s*\(|fetch\(|XMLHttpRequest|WebSocket|sendBeacon|new Worker|new Image\b'
    in_code = re.findall(ways, page.code)
    addresses = set(re.findall(r'https?://[^\s"\'`)<]*', page.code)) - {'http://get.webgl.org'} # regl's error message
    claim('%s-loads-nothing' % label, not page.loads and not in_code and not addresses and
          page.policy.startswith("default-src 'none'"), ' '.join([*page.loads, *in_code, *addresses]))
    claim('%s-licence' % label, 'Permission is hereby granted' in page.code and 'Mikola Lysenko' in page.code)


def browse(browser, address, *flags):
    with tempfile.TemporaryDirectory() as profile:
        run = subprocess.run([browser, *FLAGS, '--user-data-dir=' + profile, *flags, address], timeout=100,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = [line for line in run.stderr.splitlines() if 'CONSOLE' in line and 'GL Driver Message' not in line]
    return run.stdout, said


def read_png(path):
    """Width and rows of (r, g, b), from 8-bit RGB or RGBA without interlace."""
    raw, at, packed = Path(path).read_bytes(), 8, b''
    while at < len(raw):
        size, kind = struct.unpack('>I4s', raw[at:at + 8])
        body = raw[at + 8:at + 8 + size]
        if kind == b'IHDR':
            width, height, depth, colour, _, _, interlace = struct.unpack('>IIBBBBB', body)
        packed += body if kind == b'IDAT' else b''
        at += 12 + size
    if depth != 8 or colour not in (2, 6) or interlace:
        raise RuntimeError('%s: PNG of another kind' % path)
    step = 3 if colour == 2 else 4
    line, flat, above, rows = width * step, zlib.decompress(packed), bytearray(width * step), []
    for y in range(height):
        kind, row = flat[y * (line + 1)], bytearray(flat[y * (line + 1) + 1:(y + 1) * (line + 1)])
        for i in range(line) if kind else ():
            left, up = row[i - step] if i >= step else 0, above[i]
            if kind == 1:
                guess = left
            elif kind == 2:
                guess = up
            elif kind == 3:
                guess = (left + up) // 2
            else:
                corner = above[i - step] if i >= step else 0
                p = left + up - corner
                a, b, c = abs(p - left), abs(p - up), abs(p - corner)
                guess = left if a <= b and a <= c else up if b <= c else corner
            row[i] = (row[i] + guess) & 255
        rows.append([tuple(row[i:i + 3]) for i in range(0, line, step)])
        above = row
    return rows


def seen_ranks(rows, place, colours):
    """Ranks of which the canvas shows at least 20 pixels, and how many colours it has in all."""
    x, y, width, height = place
    pixels = Counter(p for row in rows[y:y + height] for p in row[x:x + width])
    shown = Counter()
    for pixel, count in pixels.items():
        for rank, colour in enumerate(colours):
            if any(all(abs(pixel[k] - s * colour[k]) <= 1.5 for k in range(3)) for s in SHADES):
                shown[rank] += count
                break
    return {r for r, count in shown.items() if count >= 20}, len(pixels)


def check_view(browser, label, page, path, hash_, wanted):
    """What the view draws. wanted(ranks seen) -> bool."""
    address = Path(path).absolute().as_uri() + '#turns=0&' + hash_
    Path('shot.png').unlink(missing_ok=True)
    dom, said = browse(browser, address, '--window-size=760,560', '--dump-dom',
                       '--screenshot=' + str(Path('shot.png').absolute()))
    facts = dict(re.findall(r'data-(\w+)="([^"]*)"', re.search(r'<section id="view"[^>]*>', dom)[0]))
    place = [int(v) for v in facts.get('place', '0 0 0 0').split()]
    raw = base64.b64decode(page.data['colours'])
    ranks, colours = seen_ranks(read_png('shot.png'), place, [raw[i:i + 3] for i in range(0, len(raw), 3)])
    claim('%s-view' % label, facts.get('state') == 'drawn' and wanted(ranks) and place[2] > 300 and place[3] > 250 and
          colours > 20, '%d ranks and %d colours seen, %s' % (len(ranks), colours, facts))
    claim('%s-console' % label, not said, '; '.join(said))
    return facts


# Clicks all over the view, then moves every control.
HANDS = """<script>(function () {
const canvas = document.querySelector('#stage canvas'), place = canvas.getBoundingClientRect();
canvas.setPointerCapture = () => {};
for (let i = 1; i < 12; i++) for (let j = 1; j < 12; j++) for (const type of ['pointerdown', 'pointerup'])
  canvas.dispatchEvent(new PointerEvent(type, { pointerId: 1, clientX: place.left + place.width * i / 12,
    clientY: place.top + place.height * j / 12 }));
document.title = document.getElementById('swatch').style.background;
for (const [id, value, type] of [['explode', 40, 'input'], ['peel', 3, 'input'], ['axis', 1, 'change'], ['cut', 4, 'input'],
    ['hide', '1', 'change'], ['rank', 2, 'change']]) {
  document.getElementById(id).value = value;
  document.getElementById(id).dispatchEvent(new Event(type));
}
document.getElementById('shell').click();
document.querySelectorAll('#schemes input')[2].click();
document.body.dataset.told = [...document.querySelectorAll('#panel output, #note')].map(e => e.textContent).join('|');
document.getElementById('reset').click();
})();</script>"""


def check_hands(browser, page, path):
    """A click chooses the territory under it, and the controls work."""
    text = Path(path).read_text()
    Path('hands.html').write_text(text.replace('</body>', HANDS + '</body>'))
    dom, said = browse(browser, Path('hands.html').absolute().as_uri() + '#turns=0&peel=1&rank=5', '--dump-dom')
    colour = 'rgb(%d, %d, %d)' % tuple(base64.b64decode(page.data['colours'])[:3])
    title = re.search(r'<title>(.*?)</title>', dom)[1]
    told = re.search(r'data-told="([^"]*)"', dom)
    claim('click', title == colour, '%s, rank 0 is %s' % (title, colour))
    claim('controls', not said and told and all(word in told[1] for word in ('40 %', '0\u20132', 'at 4', 'rank 2')),
          '; '.join([told[1] if told else 'nothing', *said]))


def check_sampled():
    """A grid of 576,000 cells is drawn coarser and says so; its counts are those of the full grid."""
    arguments = ('--grid', '120x80x60', '--ranks', 20, '--curve', 'kd')
    partition(*arguments, '--picture', 'coarse.html')
    report, = [json.loads(line) for line in partition(*arguments, '--json').splitlines()]
    partition(*arguments, '--owners', 'owners')
    full, data = [int(line) for line in Path('owners').read_text().split()], Page('coarse.html').data
    (nx, ny, _), step, drawn = data['cells'], data['step'], data['drawn']
    at = [[min(data['cells'][k] - 1, b * step[k] + step[k] // 2) for b in range(drawn[k])] for k in range(3)]
    expected = [full[x + nx * (y + ny * z)] for z in at[2] for y in at[1] for x in at[0]]
    width, numbers = len(data['by_rank']), varints(data['schemes'][0]['by_rank'])
    claim('coarse', data['cells'] == [120, 80, 60] and math.prod(drawn) <= 512000 and
          owners_of(data['schemes'][0]) == expected and sum(numbers[0::width]) == 576000 and
          max(numbers[data['by_rank'].index('ghosts')::width]) == report['ghosts_max'], str(drawn))


def main():
    browser = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
    folder = Path(tempfile.mkdtemp())
    os.chdir(folder)
    try:
        schemes = ('hilbert', 'morton', 'kd')
        page = check_data('grid', ('--grid', '12x10x7', '--ranks', 11), schemes, 'grid.html')
        check_alone('grid', page)
        source = ROOT / 'inputs' / 'argon'
        # An awkward name: it stands in the title and in the data.
        Path('a<b>&c.ini').write_text((source / 'droplet.ini').read_text())
        subprocess.run('xz -dc %s > droplet.data' % (source / 'droplet.data.xz'), shell=True, check=True)
        drop = check_data('droplet', ('a<b>&c.ini', '--ranks', 24), ('hilbert', 'kd'), 'droplet.html')
        check_alone('droplet', drop)
        claim('awkward-name', 'a<b>&c.ini' in drop.heading and 'a<b>&c.ini' in drop.data['name'], drop.heading)
        check_sampled()
        failed = subprocess.run([str(BUILD / 'skein'), 'partition', '--grid', '4x4x4', '--ranks', '2',
                                 '--picture', 'no/such/x.html'],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        claim('unwritable', failed.returncode == 3 and 'no/such/x.html' in failed.stderr, failed.stderr.strip())
        if not browser:
            print('skip browser: no Chromium (scripts/install-deps.sh --tests)')
        else:
            check_view(browser, 'all-ranks', page, 'grid.html', 'scheme=1&explode=60', lambda seen: len(seen) >= 8)
            check_view(browser, 'peeled', page, 'grid.html', 'scheme=1&peel=2', lambda seen: seen == {0, 1})
            check_view(browser, 'hidden', page, 'grid.html', 'cut=4&axis=2&hide=0,2-8',
                       lambda seen: seen and seen <= {1, 9, 10})
            check_hands(browser, page, 'grid.html')
            number = drop.data['by_rank'].index('ghosts') + 5 * len(drop.data['by_rank'])
            facts = check_view(browser, 'shell', drop, 'droplet.html', 'scheme=1&rank=5&shell=1',
                               lambda seen: 5 in seen and len(seen) >= 3)
            ghosts = varints(drop.data['schemes'][1]['by_rank'])[number]
            claim('shell-cells', facts.get('shell') == str(ghosts), str(facts))
    finally:
        os.chdir('/')
        shutil.rmtree(folder)
    return have_failed()


if __name__ == '__main__':
    sys.exit(main())
