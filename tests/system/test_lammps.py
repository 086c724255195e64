#!/usr/bin/env python3
# timeout: 240 all: 900
"""LAMMPS data files with bonded terms through the whole program, against LAMMPS 29 Sep 2021: energies by term, forces and
pressure of every style (tests/reference/make_lammps.py), of the FENE chains and the peptide of the reference systems, and
a run of the chains; equal bits on any number of ranks. Run files are made from the lines of LAMMPS scripts.

Bars: fast 1e-6 and oracle 1e-8 relative in each term, forces 5e-6 and 1e-8 (rms, over rms force). Terms along bonds are
computed in double by both; a pair's energy is a sum of both signs, so that its bar is of what its parts are."""
import json, lzma, os, re, sys, tempfile
from pathlib import Path

sys.dont_write_bytecode = True
from claims import ALL, REFERENCE, ROOT, SYSTEMS, claim, have_failed, skein

BAR = {'fast': 1e-6, 'oracle': 1e-8}
FORCE = {'fast': 5e-6, 'oracle': 1e-8}
KCAL = 4.184
STEPS = 100 if ALL else 12
ATM = 1.01325
TERMS = {'E_bond': ['bond'], 'E_angle': ['angle', 'urey_bradley'], 'E_dihed': ['dihedral'], 'E_impro': ['improper'],
         'E_vdwl': ['lj', 'lj_14'], 'E_coul': ['coulomb_sr', 'coulomb_14'], 'E_pair': ['lj', 'lj_14']}
NONBONDED = ('pair_style', 'pair_modify', 'pair_coeff', 'special_bonds')
# Where LAMMPS switches what there is no switch for, and over a width that holds no pair.
PLAIN = 'cutoff_nm = %s\ncoulomb = cut\ncoulomb_modifier = none\nvdw_modifier = none\n'


def run_file(name, script, extra='', plain=''):
    """A run file of the lines of a script, each with '=' behind its first word; `plain`: instead of cutoffs."""
    lines = [l.split('#')[0].split() for l in script.split('\n')]
    lines = [l for l in lines if l]
    words = {l[0]: l[1:] for l in lines}
    is_real = words['units'][0] == 'real'
    text = '[system]\ndata = %s\nunits = %s\n[run]\nintegrator = velocity-verlet\ndt%s = %s\nremove_com_every = 0\n' % (
        words['read_data'][0], words['units'][0], '_ps' if is_real else '',
        float(words['timestep'][0]) * (0.001 if is_real else 1))
    text += '[nonbonded]\n'
    for l in lines:
        if l[0] in NONBONDED:
            text += '%s = %s\n' % (l[0], l[1] if l[0] == 'pair_style' and plain else ' '.join(l[1:]))
    text += plain + '[bonded]\n'
    for l in lines:
        if re.fullmatch('(bond|angle|dihedral|improper)_(style|coeff)', l[0]):
            text += '%s = %s\n' % (l[0], ' '.join(l[1:]))
    Path(name + '.ini').write_text(text + extra)


def evaluate(name, kernel, ranks):
    options = ['--oracle'] if kernel == 'oracle' else []
    out = skein(ranks if kernel == 'fast' else 1, 'energy', name + '.ini', '--json', '--forces', 'forces.txt', *options).stdout
    forces = [[float(w) for w in line.split()[1:]] for line in open('forces.txt')]
    return json.loads(out.splitlines()[-1]), forces


def thermo(path):
    head, *rows = [l.split() for l in open(path).read().strip().split('\n')]
    return [dict(zip(head, map(float, row))) for row in rows if row[0] != 'Step']


def forces_of(path):
    rows = [l.split() for l in lzma.open(path, 'rt').read().split('\n') if l and l[0] != '#']
    return [[float(w) for w in row[1:]] for row in rows]


def force_error(forces, want, unit, digits):
    """Rms of the difference over the rms force, and what the reference's last digit is worth."""
    square = sum(c * c for row in want for c in row)
    error = sum((a / unit - b)**2 for f, w in zip(forces, want) for a, b in zip(f, w))
    printed = sum((abs(c) * 10**(1 - digits))**2 / 12 for row in want for c in row)
    return (error / square)**0.5, (printed / square)**0.5


def compare(label, name, want, force_file, digits, keys, is_real, ranks=1):
    unit = KCAL if is_real else 1
    for kernel in ('fast', 'oracle'):
        report, forces = evaluate(name, kernel, ranks)
        for key in keys:
            parts = [report['terms'][t] / unit for t in TERMS[key]]
            off = abs(sum(parts) - want[key])
            bar = BAR[kernel] * max(abs(want[key]), max(map(abs, parts)))
            claim('%s, %s: %s' % (label, kernel, key), off <= bar, '%.12g, LAMMPS %.12g, relative error %.1e' %
                  (sum(parts), want[key], off / max(abs(want[key]), 1e-300)))
        if force_file:
            error, printed = force_error(forces, forces_of(force_file), 10 * unit if is_real else 1, digits)
            claim('%s, %s: forces' % (label, kernel), error <= (FORCE[kernel]**2 + printed**2)**0.5,
                  'rms %.2e of the rms force; digits of the reference %.1e' % (error, printed))
        if force_file and kernel == 'fast':
            got = report['pressure_bar'] / ATM if is_real else report['pressure']
            claim('%s, %s: pressure' % (label, kernel), abs(got - want['Press']) <= 1e-6 * abs(want['Press']),
                  '%.12g, LAMMPS %.12g' % (got, want['Press']))


def styles():
    """Every style, and weights that are neither 0 nor 1."""
    folder = REFERENCE / 'lammps'
    for path in sorted(folder.glob('*.in')):
        name = path.stem
        Path(name + '.data').write_bytes((folder / (name + '.data')).read_bytes())
        script = path.read_text()
        run_file(name, script, plain=PLAIN % 0.9 if 'coul/charmm' in script else '')
        keys = ['E_bond', 'E_angle', 'E_dihed', 'E_impro', 'E_vdwl', 'E_coul']
        compare(name, name, thermo(folder / (name + '.thermo.txt'))[0], folder / (name + '.forces.txt.xz'), 17, keys,
                'units real' in script)



def systems():
    """The FENE chains and the peptide: flexible, with plain cutoffs."""
    chain()
    folder = SYSTEMS / 'chain/ref'
    compare('chain', 'chain', thermo(folder / 'nve-thermo.txt')[0], folder / 'step0.forces.txt.xz', 8,
            ['E_pair', 'E_bond'], False, 3)
    Path('data.peptide').write_bytes(lzma.open(SYSTEMS / 'peptide-lmp/data.peptide.xz').read())
    script = (SYSTEMS / 'peptide-lmp/in.A').read_text() + 'special_bonds charmm\n'
    run_file('peptide', script, plain=PLAIN % 1.0)
    compare('peptide', 'peptide', thermo(SYSTEMS / 'peptide-lmp/ref/thermo-A.txt')[0], None, 15,
            ['E_bond', 'E_angle', 'E_dihed', 'E_impro'], True, 2)


def chain():
    """chain.ini: the reference system or, where there is none, the flexible chains of inputs/."""
    if (SYSTEMS / 'chain').is_dir():
        Path('data.chain').write_bytes(lzma.open(SYSTEMS / 'chain/data.chain.xz').read())
        run_file('chain', (SYSTEMS / 'chain/in.chain.ref').read_text())
        return
    Path('polymer.data').write_bytes(lzma.open(ROOT / 'inputs/polymer/polymer.data.xz').read())
    Path('chain.ini').write_text((ROOT / 'inputs/polymer/polymer-fene.ini').read_text())


def run(name, ranks, steps, *settings, resume=False):
    options = [a for s in ('output.checkpoint=out.h5', 'output.energy_every=1') + settings for a in ('--set', s)]
    for old in Path('.').glob('out.h5*'):
        if not resume:
            old.unlink()
    skein(ranks, 'run', name + '.ini', '--steps', steps, '--quiet', '--log-json', 'log.json', *options,
          *(['--resume'] * resume))
    events = [json.loads(line) for line in open('log.json')]
    events[-1]['energies'] = [e for e in events if e['event'] == 'energy']
    return events[-1]


def dynamics():
    """A short run of the chains: the energies of LAMMPS, until chaos parts them (1e-7 after 12 steps, 3e-6 after 100), and
    the same bits however it is divided."""
    chain()
    first = run('chain', 1, STEPS)
    if (SYSTEMS / 'chain').is_dir():
        want = thermo(SYSTEMS / 'chain/ref/nve-thermo.txt')[1:STEPS + 2] # the first row is of another run
        for key, parts in (('E_pair', ['lj']), ('E_bond', ['bond'])):
            off = max(abs(sum(e['terms'][p] for p in parts) / w[key] - 1) for e, w in zip(first['energies'], want))
            claim('chain: %s over %d steps' % (key, STEPS), len(first['energies']) == STEPS + 1 and off <= (1e-5 if ALL else 1e-6),
                  'largest relative error %.1e' % off)
    for ranks, settings in ((2, ()), (3, ('domain.curve=morton', )), (5, ('domain.rebalance=always', )),
                            (5, ('domain.curve=morton', 'nonbonded.buffer=0.1'))):
        other = run('chain', ranks, STEPS, *settings)
        claim('chain, %d ranks %s: same bits' % (ranks, ' '.join(settings)),
              other['state_hash'] == first['state_hash'] and
              [e['terms'] for e in other['energies']] == [e['terms'] for e in first['energies']],
              '%s, %s' % (other['state_hash'], first['state_hash']))
    run('chain', 2, STEPS // 2)
    other = run('chain', 3, STEPS, resume=True)
    claim('chain, resumed: same bits', other['state_hash'] == first['state_hash'])


def tilted():
    """One lattice by three data files, with small tilts, with larger ones and with images, against a sum over images."""
    import numpy
    random = numpy.random.default_rng(5)
    lattice = numpy.array([[10, 0, 0], [4.5, 9, 0], [-3.7, 3.1, 9.5]])
    other = lattice + numpy.array([[0, 0, 0], [10, 0, 0], [10 - 4.5, -9, 0]])  # the same points
    grid = numpy.array([[i, j, k] for i in range(9) for j in range(8) for k in range(8)]) / [9, 8, 8]
    x = (grid + random.uniform(-0.02, 0.02, grid.shape)) @ lattice
    turns = random.integers(-2, 3, grid.shape)
    energy, force = 0, numpy.zeros_like(x)
    for shift in numpy.array([[i, j, k] for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)]) @ lattice:
        for i in range(len(x)):
            d = x[i] + shift - x
            r2 = (d * d).sum(1)
            near = (r2 < 2.5**2) & (r2 > 0)
            u = 1 / r2[near]**3
            energy += 2 * (u * u - u).sum()
            force[i] += (24 * (2 * u * u - u) / r2[near]) @ d[near]
    norm = (force**2).sum()**0.5
    for name, rows, places, images in (('tilt', lattice, x, None), ('steep', other, x, None),
                                       ('images', other, x - turns @ other, turns)):
        Path(name + '.data').write_text(
            'tilted\n\n%d atoms\n1 atom types\n0 10 xlo xhi\n0 9 ylo yhi\n0 9.5 zlo zhi\n%.17g %.17g %.17g xy xz yz\n\n'
            'Masses\n\n1 1\n\nAtoms # atomic\n\n' % (len(x), rows[1][0], rows[2][0], rows[2][1]) + ''.join(
                '%d 1 %.17g %.17g %.17g%s\n' % (i + 1, *p, '' if images is None else ' %d %d %d' % tuple(images[i]))
                for i, p in enumerate(places)))
        Path(name + '.ini').write_text('[system]\ndata = %s.data\nunits = lj\n[run]\ndt = 0.001\n[nonbonded]\ncutoff = 2.5\n'
                                       'vdw_modifier = none\npair_coeff = 1 1 1 1\n' % name)
        report, forces = evaluate(name, 'oracle', 1)
        off = abs(report['potential'] / energy - 1), (abs(numpy.array(forces) - force)**2).sum()**0.5 / norm
        claim('tilted box, %s: energy and forces' % name, max(off) < 1e-12, 'relative errors %.1e, %.1e' % off)
        report, forces = evaluate(name, 'fast', 3)
        off = abs(report['potential'] / energy - 1), (abs(numpy.array(forces) - force)**2).sum()**0.5 / norm
        claim('tilted box, %s on 3 ranks: energy and forces' % name, off[0] < 1e-6 and off[1] < 5e-6,
              'relative errors %.1e, %.1e' % off)


def main():
    styles()
    tilted()
    if (SYSTEMS / 'chain').is_dir() and (SYSTEMS / 'peptide-lmp').is_dir():
        systems()
    else:
        print('skip systems: no reference systems in %s' % SYSTEMS)
    dynamics()
    return have_failed()


if __name__ == '__main__':
    with tempfile.TemporaryDirectory(prefix='skein-lammps-') as folder:
        os.chdir(folder)
        sys.exit(main())
