#!/usr/bin/env python3
"""Enforces what holds the modules apart (src/README.md): who includes what, who sees MPI and HDF5, which functions of
libm feed the engine, no mutable globals, nothing but skein.h exported, no path of somebody's machine in a file.
usage: check-layers.py [--build build] [--sources-only]   Each finding is a line; code 1 if there is one."""
import argparse, os, re, subprocess, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROWS = [['base'], ['par', 'geom', 'curve'], ['kernel', 'model'], ['read', 'domain'], ['neigh', 'io', 'mesh'],
        ['force', 'constrain'], ['dynamics'], ['sim'], ['app']]
ROW = {module: row for row, modules in enumerate(ROWS) for module in modules}
# Lower rows, but not for these: kernels are loops on plain arrays, parsers are fuzzed without MPI. Elementary functions
# own nothing and allocate nothing: kernels may have them.
NEVER = {'kernel': {'base', 'par', 'curve'}, 'read': {'par'}}
EVEN_SO = {('kernel', 'base/math.h')}
SEES_MPI = re.compile(r'src/par/|src/io/h5\.c$')
SEES_HDF5 = re.compile(r'src/io/h5\.c$')
# Exact or correctly rounded in IEEE arithmetic, so the same on every machine; the rest of libm is not.
PERMITTED = {name + suffix for name in ('sqrt', 'fabs', 'floor', 'rint', 'ldexp', 'copysign', 'fma')
             for suffix in ('', 'f')}
# The process record: rank and abort hook, set once (base/status.h); and what a signal handler can reach.
MAY_HOLD_GLOBALS = {'base/status.o', 'base/signals.o'}

findings = []


def finding(place, text):
    findings.append('%s: %s' % (place, text))


def check_includes():
    for path in sorted(ROOT.glob('src/*/*.[ch]')):
        name, module = str(path.relative_to(ROOT)), path.parent.name
        if module not in ROW:
            finding(name, 'module %s is in no row (scripts/check-layers.py)' % module)
            continue
        for number, line in enumerate(path.read_text().split('\n'), 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if not match:
                continue
            place, header = '%s:%d' % (name, number), match[2]
            if header == 'mpi.h' and not SEES_MPI.match(name):
                finding(place, 'only src/par and src/io/h5.c may include mpi.h')
            elif re.match(r'hdf5|H5', header) and not SEES_HDF5.match(name):
                finding(place, 'only src/io/h5.c may include HDF5')
            elif header == 'skein/skein.h':
                if ROW[module] < ROW['sim']:
                    finding(place, 'the public header is for sim and app')
            elif match[1] == '"':
                check_include(place, module, header)
    for path in sorted(ROOT.glob('include/*/*.h')):
        for header in re.findall(r'#\s*include\s*"([^"]+)"', path.read_text()):
            finding(path.relative_to(ROOT), 'the installed header includes the internal "%s"' % header)


def check_include(place, module, header):
    if '/' not in header:
        finding(place, 'write "%s/%s": includes name their module' % (module, header))
        return
    other = header.split('/')[0]
    if not (ROOT / 'src' / header).exists():
        finding(place, '"%s" does not exist' % header)
    elif other not in ROW:
        finding(place, 'module %s is in no row' % other)
    elif other == module:
        return
    elif ROW[other] >= ROW[module]:
        finding(place, '%s (row %d) includes %s (row %d): only lower rows' % (module, ROW[module], other, ROW[other]))
    elif other in NEVER.get(module, ()) and (module, header) not in EVEN_SO:
        finding(place, '%s may not include %s' % (module, other))


def nm(*arguments):
    return subprocess.run(['nm', *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout.split('\n')


def libm_symbols():
    path = subprocess.run(['cc', '-print-file-name=libm.so.6'], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {line.split()[-1].split('@')[0] for line in nm('-D', '--defined-only', path.strip()) if line.split()[1:]}


def check_objects(build):
    libm = libm_symbols()
    for path in sorted((ROOT / 'src').glob('*/*.c')):
        module = path.parent.name
        if module == 'app':
            continue
        stems = [path.stem] if str(path.relative_to(ROOT)) != 'src/kernel/variant.c' else \
            [p.stem for p in (build / 'kernel').glob('variant_*.o')]
        for stem in stems:
            check_object(build / module / (stem + '.o'), module + '/' + stem + '.o', libm)


def check_object(path, name, libm):
    if not path.exists():
        finding(name, 'not built')
        return
    for line in nm('-u', path):
        symbol = line.split()[-1] if line.split() else ''
        if symbol in libm and symbol not in PERMITTED:
            finding(name, 'calls %s of libm; permitted are %s' % (symbol, ' '.join(sorted(PERMITTED))))
        if re.match(r'P?MPI_[A-Z]', symbol) and not name.startswith('par/'):
            finding(name, 'calls %s; only par makes MPI calls' % symbol)
        if re.match(r'H5[A-Z]+[a-z_]', symbol) and name != 'io/h5.o':
            finding(name, 'calls %s; only io/h5 makes HDF5 calls' % symbol)
    if name in MAY_HOLD_GLOBALS:
        return
    for line in nm('--format=sysv', path):
        field = [f.strip() for f in line.split('|')]
        # .data.rel.ro is constant after loading: tables with pointers in position-independent code.
        if len(field) == 7 and field[3] == 'OBJECT' and re.match(r'\.(data|bss|tdata|tbss)(?!\.rel\.ro)|\*COM', field[6]):
            finding(name, 'holds the mutable global %s' % field[0])


def check_exports(build):
    library = build / 'libskein.so'
    header = ROOT / 'include/skein/skein.h'
    if not (library.exists() and header.exists()):
        return
    public = set(re.findall(r'\w+', header.read_text()))
    for line in nm('-D', '--defined-only', library):
        symbol = line.split()[-1] if line.split() else ''
        if symbol and symbol not in public and not symbol.startswith('_'):
            finding('libskein.so', 'exports %s, which skein.h does not declare' % symbol)


def check_paths():
    listed = subprocess.run(['git', '-C', ROOT, 'ls-files', '-co', '--exclude-standard'], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True)
    names = listed.stdout.split('\n') if listed.returncode == 0 else \
        [str(Path(d, f).relative_to(ROOT)) for d, _, files in os.walk(ROOT) for f in files]
    # Where this checkout is, and where such machines keep their trees; examples may say /home/me.
    trees = [re.escape(str(ROOT)) + r'\b'] + ['(?<![A-Za-z0-9_.$})])/%s/[A-Za-z0-9_.-]' % d for d in ('work', 'root')]
    machine = re.compile('|'.join(trees + [r'/home/(?!me\b|user\b)[A-Za-z0-9_.-]+/']))
    for name in filter(None, names):
        try:
            text = (ROOT / name).read_text()
        except (UnicodeDecodeError, OSError):
            continue
        for number, line in enumerate(text.split('\n'), 1):
            if machine.search(line):
                finding('%s:%d' % (name, number), 'a path of one machine: %s' % line.strip()[:100])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', type=Path, default=ROOT / 'build')
    parser.add_argument('--sources-only', action='store_true')
    options = parser.parse_args()
    check_includes()
    check_paths()
    if not options.sources_only:
        check_objects(options.build.absolute())
        check_exports(options.build.absolute())
    print('\n'.join(findings) if findings else 'layers: nothing found')
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
