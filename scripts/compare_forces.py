#!/usr/bin/env python3
"""What the error of the fast kernel's forces is made of, measured with a second implementation of the kernel in numpy
that shares no code with the engine: coordinate grid, float arithmetic, rounding to integer force units. The last column
compares the engine with it: forces in integer units, so a difference is a difference of bits. See docs/numerics.md.

usage: compare_forces.py [--build build] [--quantum-bits B] [--scale-bits S] [water melt argon]
With --quantum-bits or --scale-bits the second implementation runs with these instead of the engine's, without comparing.
Systems: inputs/water (SPC/E 3k, reaction field), inputs/lj-melt (4k, lj), argon (inputs/argon/slab in nm)."""
import argparse, lzma, os, subprocess, sys, tempfile
from pathlib import Path

import numpy
from numpy import float32, float64, int64, longdouble
from scipy.spatial import cKDTree

ROOT = Path(__file__).resolve().parents[1]
COULOMB, BOLTZMANN = 138.9354576, 0.0083144626181532403


class System:
    """Positions and box in length units, LJ parameters (sigma, epsilon) and charges per atom, molecules of `size` atoms
    whose inner pairs are excluded; run file and its folder's files."""
    name = ini = None
    size, has_charges, bits = 1, False, 26


def read_gro(text):
    lines = text.split('\n')
    n = int(lines[1])
    width = lines[2].index('.', lines[2].index('.') + 1) - lines[2].index('.')
    x = numpy.array([[float(l[20 + width * k:20 + width * (k + 1)]) for k in range(3)] for l in lines[2:2 + n]])
    return x, numpy.array([float(t) for t in lines[2 + n].split()[:3]])


def read_data(text):
    lines = text.split('\n')
    n = int([l for l in lines if l.endswith(' atoms')][0].split()[0])
    edge = [float(l.split()[1]) - float(l.split()[0]) for l in lines if l.endswith(('xlo xhi', 'ylo yhi', 'zlo zhi'))]
    start = [i for i, l in enumerate(lines) if l.startswith('Atoms')][0] + 2
    rows = [l.split() for l in lines[start:start + n]]
    x = numpy.empty((n, 3))
    for r in rows:
        x[int(r[0]) - 1] = [float(t) for t in r[2:5]]
    return x, numpy.array(edge), lines


def water(folder):
    s = System()
    s.name, s.size, s.has_charges, s.cutoff = 'SPC/E 3k', 3, True, 0.9
    for name in ('water.gro', 'water.top', 'water-nve.ini'):
        (folder / name).write_bytes((ROOT / 'inputs/water' / name).read_bytes())
    s.ini = 'water-nve.ini'
    s.x, s.edge = read_gro((folder / 'water.gro').read_text())
    n = len(s.x)
    s.charge = numpy.tile([-0.8476, 0.4238, 0.4238], n // 3)
    s.sigma, s.epsilon = 0.316557, 0.650629
    s.has_lj = numpy.tile([True, False, False], n // 3)
    s.k_rf, s.kT = 1 / (2 * s.cutoff**3), 300 * BOLTZMANN
    return s


def melt(folder):
    s = System()
    s.name, s.cutoff, s.bits = 'LJ melt 4k', 2.5, 25
    text = lzma.open(ROOT / 'inputs/lj-melt/snap-4k.data.xz', 'rt').read()
    (folder / 'snap-4k.data').write_text(text)
    (folder / 'lj-melt-4k.ini').write_bytes((ROOT / 'inputs/lj-melt/lj-melt-4k.ini').read_bytes())
    s.ini = 'lj-melt-4k.ini'
    s.x, s.edge, _ = read_data(text)
    s.sigma = s.epsilon = s.kT = 1.0
    return s


def argon(folder):
    s = System()
    s.name, s.cutoff, s.sigma, s.epsilon = 'argon slab', 0.85125, 0.3405, 0.996
    s.x, s.edge, _ = read_data(lzma.open(ROOT / 'inputs/argon/slab.data.xz', 'rt').read())
    n = len(s.x)
    with open(folder / 'argon.gro', 'w') as out:
        out.write('argon\n%d\n' % n)
        for i, x in enumerate(s.x * s.sigma):
            out.write('%5d%-5s%5s%5d%12.7f%12.7f%12.7f\n' % ((i + 1) % 100000, 'AR', 'AR', (i + 1) % 100000, *x))
        out.write('%.9f %.9f %.9f\n' % tuple(s.edge * s.sigma))
    s.x, s.edge = read_gro((folder / 'argon.gro').read_text())
    (folder / 'argon.top').write_text(
        '[ defaults ]\n1 2 no 1.0 1.0\n[ atomtypes ]\nAR 39.948 0.0 A 0.3405 0.996\n[ moleculetype ]\nAR 1\n'
        '[ atoms ]\n1 AR 1 AR AR 1 0.0 39.948\n[ system ]\nargon\n[ molecules ]\nAR %d\n' % n)
    (folder / 'argon.ini').write_text(
        '[system]\nstructure = argon.gro\ntopology = argon.top\n[run]\ndt_ps = 0.005\n[nonbonded]\ncutoff_nm = 0.85125\n'
        'vdw_modifier = none\ncoulomb = none\ndispersion_correction = none\n')
    s.ini, s.kT = 'argon.ini', s.epsilon
    return s


def force_scale_bits(s):
    """The rule of docs/numerics.md, in its own words: the wall's force at 50 kT, by bisection on r."""
    low, high = 0.3 * s.sigma, s.sigma
    for _ in range(200):
        r = 0.5 * (low + high)
        u = (s.sigma / r)**6
        low, high = (r, high) if 4 * s.epsilon * (u * u - u) > 50 * s.kT else (low, r)
    u = (s.sigma / low)**6
    wall = 24 * s.epsilon * (2 * u * u - u) / low
    return int(numpy.ceil(25 - numpy.log2(wall)))


def fma(a, b, c):
    """Float fused multiply-add: the product is exact in double; rounding twice differs once in 2^29."""
    return (a.astype(float64) * b.astype(float64) + numpy.asarray(c).astype(float64)).astype(float32)


def add_up(n, i, j, f):
    """Sum over pairs: the force f acts on j, its opposite on i."""
    out = numpy.empty((n, 3))
    for k in range(3):
        out[:, k] = numpy.bincount(j, f[:, k], n) - numpy.bincount(i, f[:, k], n)
    return out


def double_forces(s, d, qq, lj):
    r2 = (d * d).sum(1)
    d = numpy.where(r2 < s.cutoff * s.cutoff, 1.0, 0.0)[:, None] * d
    u = (s.sigma * s.sigma / r2)**3
    f = numpy.where(lj, 24 * s.epsilon * (2 * u * u - u) / r2, 0)
    if s.has_charges:
        f = f + qq * (r2**-1.5 - 2 * s.k_rf)
    return f[:, None] * d


def float_forces(s, d, i, j, g, scale):
    """The kernel's arithmetic on integer differences d, up to the last rounding: forces in integer units."""
    S, inverse = scale * g, float32(1 / (g * g))
    d = d.astype(float32)
    r2 = fma(d[:, 0], d[:, 0], numpy.full(len(d), float32(2.0**-31) * inverse))
    r2 = fma(d[:, 2], d[:, 2], fma(d[:, 1], d[:, 1], r2))
    rinv2 = inverse / r2
    c6, c12 = 4 * s.epsilon * s.sigma**6, 4 * s.epsilon * s.sigma**12
    a, b = float32(numpy.sqrt(6 * c6 * S)), float32(numpy.sqrt(12 * c12 * S))
    r6 = (rinv2 * rinv2) * rinv2
    f = fma(numpy.full(len(d), b * b), r6, -(a * a)) * (r6 * rinv2)
    if s.has_charges:
        f = numpy.where(s.has_lj[i] & s.has_lj[j], f, float32(0))
        q = (s.charge * numpy.sqrt(COULOMB * S)).astype(float32)
        f = fma(q[i] * q[j], fma(rinv2, numpy.sqrt(rinv2), -float32(2 * s.k_rf)), f)
    return numpy.where(r2 < float32(s.cutoff * s.cutoff) * inverse, f, float32(0))[:, None] * d


def measure(s, quantum_bits=None, scale_bits=None):
    """Forces of the second implementation, stage by stage; energy/length units, and the last in integers."""
    n, g = len(s.x), 2.0**-(quantum_bits or s.bits)
    scale = 2.0**(force_scale_bits(s) if scale_bits is None else scale_bits)
    fraction = s.x.astype(longdouble) / s.edge
    fraction -= numpy.floor(fraction)
    N = numpy.rint(s.edge / g).astype(int64)
    grid = numpy.rint(fraction * N).astype(int64)
    x = numpy.array(fraction * s.edge, dtype=float64)
    x[x >= s.edge] = 0
    pairs = cKDTree(x, boxsize=s.edge).query_pairs(s.cutoff * (1 + 1e-6) + 8 * g, output_type='ndarray')
    inner = pairs[:, 0] // s.size == pairs[:, 1] // s.size if s.size > 1 else numpy.zeros(len(pairs), bool)

    def differences(pairs):
        i, j = pairs.T
        d = fraction[j] - fraction[i]
        exact = numpy.array((d - numpy.rint(d)) * s.edge, dtype=float64)
        whole = grid[j] - grid[i]
        whole -= N * numpy.rint(whole / N).astype(int64)
        return i, j, exact, whole
    i, j, exact, whole = differences(pairs[~inner])
    r = numpy.sqrt((exact * exact).sum(1))
    # May fall on the other side: by the grid, and by r^2 in float.
    doubtful = abs(r - s.cutoff) < 2 * 3**0.5 * g + 2.0**-23 * s.cutoff
    spare = numpy.zeros(n, bool)
    spare[i[doubtful]] = spare[j[doubtful]] = True
    qq = COULOMB * s.charge[i] * s.charge[j] if s.has_charges else 0.0
    lj = s.has_lj[i] & s.has_lj[j] if s.has_charges else numpy.ones(len(i), bool)
    raw = float_forces(s, whole, i, j, g, scale)
    stages = {'exact': add_up(n, i, j, double_forces(s, exact, qq, lj)),
              'grid': add_up(n, i, j, double_forces(s, whole * g, qq, lj)),
              'float': add_up(n, i, j, raw.astype(float64)) / scale,
              'rounded': add_up(n, i, j, numpy.rint(raw).astype(float64))}
    if s.size > 1 and s.has_charges:  # excluded pairs feel the field: double, from the grid, rounded
        i, j, exact, whole = differences(pairs[inner])
        factor = (-2 * s.k_rf * COULOMB * (s.charge[i] * s.charge[j]))[:, None]
        for name, d in ('exact', exact), ('grid', whole * g), ('float', whole * g):
            stages[name] += add_up(n, i, j, factor * d)
        stages['rounded'] += add_up(n, i, j, numpy.rint(factor * g * scale * whole))
    stages['spare'], stages['scale'] = spare, scale
    stages['neighbours'] = 2 * (raw != 0).any(1).sum() / n
    return stages


def engine_forces(s, build, folder, kernel='auto'):
    run = subprocess.run([str(build / 'skein'), 'energy', s.ini, '--json', '--forces', 'f.txt', '--set',
                          'domain.kernel=' + kernel], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         env=dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT='1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM='1'))
    if run.returncode:
        raise RuntimeError('skein energy: %s' % run.stderr)
    return numpy.loadtxt(folder / 'f.txt')[:, 1:]


def compare_engine(s, m, build, folder, kernel='auto'):
    """Largest difference in integer units of each atom's force."""
    units = numpy.rint(engine_forces(s, build, folder, kernel) * m['scale'])  # printed with 15 digits
    return numpy.abs(units - m['rounded']).max(1)


def rms(a, keep):
    return numpy.sqrt((a[keep]**2).sum(1).mean())


def parts(m):
    """Relative rms of each part and of the whole."""
    keep, scale = ~m['spare'], m['scale']
    whole = rms(m['exact'], keep)
    return {'grid': rms(m['grid'] - m['exact'], keep) / whole,
            'float': rms(m['float'] - m['grid'], keep) / whole,
            'rounding': rms(m['rounded'] / scale - m['float'], keep) / whole,
            'rounding, predicted': numpy.sqrt(3 * m['neighbours'] / 12) / scale / whole,
            'all': rms(m['rounded'] / scale - m['exact'], keep) / whole}


SYSTEMS = {'water': water, 'melt': melt, 'argon': argon}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', type=Path, default=ROOT / 'build')
    parser.add_argument('--quantum-bits', type=int)
    parser.add_argument('--scale-bits', type=int)
    parser.add_argument('systems', nargs='*', metavar='system', help='of water, melt, argon; all')
    options = parser.parse_args()
    is_varied = options.quantum_bits is not None or options.scale_bits is not None
    print('%-12s %6s %6s %10s %10s %10s %10s %10s  %s' % ('system', 'grid', 'scale', 'grid', 'float', 'rounding',
                                                          'predicted', 'all', 'engine'))
    for name in options.systems or SYSTEMS:
        with tempfile.TemporaryDirectory(prefix='skein-forces-') as folder:
            s = SYSTEMS[name](Path(folder))
            m = measure(s, options.quantum_bits, options.scale_bits)
            p = parts(m)
            verdict = ''
            if not is_varied:
                off = compare_engine(s, m, options.build.absolute(), Path(folder))
                verdict = '%d of %d atoms differ, by at most %g units' % ((off > 0).sum(), len(off), off.max())
        print('%-12s   2^-%d   2^%d %10.2e %10.2e %10.2e %10.2e %10.2e  %s' % (
            s.name, options.quantum_bits or s.bits, numpy.log2(m['scale']), p['grid'], p['float'], p['rounding'],
            p['rounding, predicted'], p['all'], verdict), flush=True)


if __name__ == '__main__':
    sys.exit(main())
