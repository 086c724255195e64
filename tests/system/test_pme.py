#!/usr/bin/env python3
# timeout: 300 all: 2400
"""Particle-mesh Ewald through the whole program, against double-precision GROMACS 2022.5 (the reference systems): energies
by term, forces, pressure; mesh errors beside GROMACS' own; equal bits on any number of ranks, in slabs and pencils, on
every kernel, over a restart; charges that are not neutral, and errors by name.

The bars are those of scenes.py; 1e-8 kJ/mol for the bonds of dhfr, which are satisfied to six digits.

Not as GROMACS has it: the pressure of the background of a net charge. Its energy E is proportional to 1/V, so its
pressure is E/V; GROMACS 2022 adds -E/V to each diagonal element of the virial where -E/2 belongs."""
import lzma, os, re, subprocess, sys, tempfile, warnings
from pathlib import Path

import numpy

sys.dont_write_bytecode = True
import scenes
from claims import ALL, REFERENCE, ROOT, SYSTEMS, claim, have_failed, skein
from scenes import BAROSTAT, CASES, evaluate, reference, rms, run

COULOMB, BAR, BETA = 138.9354576, 16.6053906717, 3.470459

INI = """[system]
structure = %s.gro
topology = %s.top
[run]
integrator = leap-frog
dt_ps = 0.002
steps = 0
[nonbonded]
cutoff_nm = 0.9
coulomb = pme
vdw_modifier = %s
coulomb_modifier = %s
dispersion_correction = %s
[constraints]
bonds = %s
"""
TILTED = ('dodecahedron', 'octahedron')  # tests/reference/make_dodecahedron.sh
BONDS = {'none': 'none', 'hbonds': 'h-bonds', 'allbonds': 'all-bonds'}


def unpack(source, name):
    path = SYSTEMS / source
    Path(name).write_bytes(path.read_bytes() if path.exists() else lzma.open('%s.xz' % path).read())


def scene(name, variant='ref', bonds='none'):
    """Writes name.gro, name.top and name.ini; the stem of the reference."""
    if name in ('dhfr', 'popc'):
        unpack(name + '/conf.gro', name + '.gro')
        unpack(name + '/topol.pp.top', name + '.top')
        stem = '%s/ref/%s-%s' % (name, variant, bonds)
    elif name.startswith(('spce', 'tip3p')):
        model, size = name.split('-')
        unpack('%s/conf-%s.gro' % (model, size), name + '.gro')
        unpack('%s/topol-3k.pp.top' % model, name + '.top')
        text = Path(name + '.top').read_text()
        Path(name + '.top').write_text(re.sub(r'SOL +1000', 'SOL %d' % (1000 * int(size[:-1]) // 3), text))
        stem = '%s/ref/%s-%s' % (model, size, variant)
    elif name in TILTED:
        for suffix in ('.gro', '.top'):
            Path(name + suffix).write_bytes(lzma.open(REFERENCE / 'dodecahedron' / (name + suffix + '.xz')).read())
        stem = REFERENCE / 'dodecahedron' / name
    else:
        unpack('aladip/conf-%s.gro' % name, name + '.gro')
        unpack('aladip/topol-%s.pp.top' % name, name + '.top')
        stem = 'aladip/ref/%s-%s' % (name, variant)
    modifier = 'none' if variant == 'plain' else 'potential-shift'
    dispersion = 'none' if variant == 'plain' else 'energy-pressure'
    Path(name + '.ini').write_text(INI % (name, name, modifier, modifier, dispersion, BONDS[bonds]))
    return str(SYSTEMS / stem)


def background(name):
    """What GROMACS' pressure lacks, bar."""
    charge = {'dhfr': -11, 'dodecahedron': 1, 'octahedron': 1}.get(name, 0)
    volume = numpy.prod([float(w) for w in Path(name + '.gro').read_text().split('\n')[-2].split()[:3]])
    density = -COULOMB * numpy.pi * charge**2 / (2 * volume**2 * BETA**2)  # energy / volume
    return BAR * (density + 2 * -density / volume)


def agreement(name, variant='ref', bonds='none', kernels=('fast', 'oracle')):
    stem = scene(name, variant, bonds)
    scenes.agreement('%s %s %s' % (name, variant, bonds), name, stem, kernels, background(name))


def bits(name, steps, settings, cases, bonds):
    scene(name, 'ref', bonds)
    scenes.bits('%s %s' % (name, bonds), name, steps, settings, cases)


def mesh_errors(name):
    """Forces beside a converged Ewald sum: ours may be 1.1 times as far from it as those of GROMACS with the same mesh."""
    _, some, converged = reference(scene(name, 'ewald'))
    _, ids, theirs = reference(scene(name, 'ref'))
    both, at, of = numpy.intersect1d(some, ids, return_indices=True)
    converged, theirs, ours = converged[at], theirs[of], evaluate(name, 2)[1][both]
    error, allowed = rms(ours - converged), rms(theirs - converged)
    claim('%s: mesh error beside that of GROMACS' % name, error <= 1.1 * allowed, 'ratio %.4f, %.2e of the rms force' %
          (error / allowed, error / rms(converged)))


def asked_errors(name):
    """A mesh that is chosen for an error of forces has it, beside a converged Ewald sum."""
    _, ids, converged = reference(scene(name, 'ewald'))
    scene(name, 'plain')
    for bound, order in ((2, 5), (0.2, 6)):
        forces = evaluate(name, 2, 'nonbonded.coulomb_force_error_kJ_per_mol_per_nm=%g' % bound, 'nonbonded.mesh_order=%d' %
                          order)[1]
        error = rms(forces[ids] - converged) / len(ids)**0.5
        claim('%s: a force error of %g is asked for' % (name, bound), 0.2 * bound < error <= bound, '%.3g found' % error)


def trajectory(name):
    """Tilted boxes in files: what MDAnalysis makes of a trajectory, and the state hash from the checkpoint."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        import MDAnalysis
        scene(name, 'ref', 'hbonds')
        done = run(name, 3, 2, 'output.trajectory=out.h5md', 'output.trajectory_every=2', 'run.dt_ps=1e-9')
        universe = MDAnalysis.Universe('out.h5md')
        lines = Path(name + '.gro').read_text().split('\n')
        n, box = int(lines[1]), [float(w) for w in lines[-2].split()]
        lattice = 10 * numpy.array([[box[0], 0, 0], [box[5], box[1], 0], [box[7], box[8], box[2]]])
        width = lines[2].index('.', 29) - lines[2].index('.')
        want = 10 * numpy.array([[float(l[20 + width * k:20 + width * (k + 1)]) for k in range(3)] for l in lines[2:2 + n]])
        turns = (universe.trajectory[0].positions - want) @ numpy.linalg.inv(lattice)
        off = abs(turns - numpy.rint(turns)).max()
    claim('%s: MDAnalysis reads the places' % name, off < 2e-6, 'off by %.1e of an edge' % off)
    off = abs(universe.trajectory[0].triclinic_dimensions - lattice).max()
    claim('%s: MDAnalysis reads the box' % name, off < 1e-4, 'off by %.1e Angstrom' % off)
    said = subprocess.run([os.environ.get('PYTHON', sys.executable), str(ROOT / 'scripts' / 'statehash'), 'out.h5'],
                          stdout=subprocess.PIPE, text=True).stdout
    claim('%s: statehash of the checkpoint' % name, done['state_hash'] in said, said.strip())


def refusals():
    scene('spce-3k')
    for setting, code, words in (
            ('nonbonded.mesh=28x28x34', 1, 'mesh of 34 points along z: a number from 4 to 4096 without prime factors above 13'),
            ('nonbonded.mesh_spacing_nm=0.0005', 1, 'needs more than 4096 points'),
            ('nonbonded.mesh_order=7', 1, "'mesh_order' = 7 is out of range: at least 4, at most 6")):
        said = skein(2, 'energy', 'spce-3k.ini', '--set', setting, code=code).stderr
        claim('%s is refused' % setting, words in said, said.split('\n')[0])
    run('spce-3k', 2, 4)
    said = skein(2, 'run', 'spce-3k.ini', '--resume', '--steps', 8, '--set', 'output.checkpoint=out.h5', '--set',
                 'nonbonded.mesh_order=5', code=1).stderr
    claim('another mesh on --resume is refused', 'of another system' in said, said.split('\n')[0])


def main():
    if not (SYSTEMS / 'spce').is_dir():
        print('no reference systems in %s' % SYSTEMS)
        return 77
    os.chdir(tempfile.mkdtemp(prefix='skein-pme-'))
    agreement('spce-3k')
    agreement('pep-charmm27')
    agreement('ala-opls', 'plain')
    agreement('dhfr', 'ref', 'hbonds')
    agreement('popc', 'ref', 'hbonds', ('fast', ))
    agreement('dodecahedron', 'ref', 'hbonds')
    agreement('octahedron', 'ref', 'hbonds', ('fast', ))
    mesh_errors('spce-3k')
    asked_errors('spce-3k')
    bits('ala-charmm27', 40, BAROSTAT, CASES if ALL else CASES[1:6:2], 'hbonds')
    bits('octahedron', 40, BAROSTAT, CASES if ALL else CASES[3:6:2], 'hbonds')
    trajectory('octahedron')
    refusals()
    if ALL:
        agreement('octahedron', 'ref', 'hbonds')
        for name in ('spce-24k', 'tip3p-3k', 'tip3p-24k'):
            agreement(name)
        for name in ('spce-3k', 'spce-24k', 'tip3p-3k', 'tip3p-24k'):
            agreement(name, 'plain')
        for name in ('ala-amber', 'ala-charmm27', 'ala-opls', 'pep-amber', 'pep-charmm27', 'pep-opls'):
            agreement(name)
            agreement(name, 'plain')
        for variant, bonds in (('ref', 'none'), ('plain', 'none'), ('ref', 'allbonds')):
            agreement('dhfr', variant, bonds)
        agreement('popc')
        agreement('popc', 'ref', 'hbonds')
        for name in ('spce-24k', 'tip3p-3k', 'ala-amber', 'ala-charmm27', 'pep-opls'):
            mesh_errors(name)
        for name, bonds in (('dhfr', 'hbonds'), ('dhfr', 'allbonds'), ('popc', 'hbonds'), ('dodecahedron', 'hbonds')):
            bits(name, 200, (), CASES, bonds)
    return 1 if have_failed() else 0


sys.exit(main())
