#!/usr/bin/env python3
# timeout: 240 all: 900
"""Virtual sites and position restraints through the whole program, against double-precision GROMACS 2022.5
(tests/reference/make_sites.sh): four- and five-site water (sites in the plane of the atoms and off it), a molecule with a
site on its axis, a peptide that is held to other places in another box. Energies by term, forces, pressure; equal bits
on any number of ranks and over a restart; energy that is kept; references that change are refused."""
import lzma, os, sys, tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import scenes
from claims import ALL, REFERENCE, claim, have_failed, skein
from scenes import BAROSTAT, CASES, run

INI = """[system]
structure = %s.gro
topology = %s.top
%s
[run]
integrator = leap-frog
dt_ps = 0.002
steps = 0
[nonbonded]
cutoff_nm = 0.9
coulomb = pme
dispersion_correction = energy-pressure
"""
NAMES = ('tip4p', 'tip5p', 'line', 'held')
LANGEVIN = ('run.integrator=velocity-verlet', 'run.dt_ps=0.001', 'temperature.thermostat=langevin', 'temperature.target_K=300',
            'temperature.tau_ps=1')


def unpack(*files):
    for name in files:
        Path(name).write_bytes(lzma.open(REFERENCE / 'sites' / (name + '.xz')).read())


def conservation(name, settings):
    """Conserved energy over 0.4 ps, in the mean of the first and the last quarter, against the kinetic energy."""
    done = run(name, 2, 400, 'output.energy_every=4', *settings)
    values = [e['conserved'] for e in done['events'] if e['event'] == 'energy']
    quarter = len(values) // 4
    first, last = (sum(v) / quarter for v in (values[1:1 + quarter], values[-quarter:]))
    kinetic = [e['kinetic'] for e in done['events'] if e['event'] == 'energy'][-1]
    claim('%s: energy is kept' % name, abs(last - first) <= 3e-4 * kinetic, 'off by %.3g, kinetic %.6g' %
          (last - first, kinetic))


def main():
    os.chdir(tempfile.mkdtemp(prefix='skein-sites-'))
    unpack('place.gro')
    for name in NAMES:
        unpack(name + '.gro', name + '.top')
        Path(name + '.ini').write_text(INI % (name, name, 'restraint_reference = place.gro' * (name == 'held')))
        # direct energy, of which excluded pairs and self energy of `line` are 1e5 kJ/mol each and cancel
        scenes.agreement(name, name, REFERENCE / 'sites' / name, coulomb=1e5 if name == 'line' else 0)
    scenes.bits('tip5p', 'tip5p', 40, BAROSTAT, CASES if ALL else CASES[1:6:2])
    scenes.bits('tip4p', 'tip4p', 40, LANGEVIN, CASES if ALL else CASES[:1])
    scenes.bits('held', 'held', 40, BAROSTAT, CASES if ALL else CASES[3:5])
    scenes.bits('line', 'line', 40, (), CASES if ALL else CASES[:1])
    for name in NAMES if ALL else ('tip4p', ):
        conservation(name, ('run.dt_ps=0.001', ))
    said = skein(2, 'run', 'held.ini', '--resume', '--steps', 80, '--set', 'output.checkpoint=out.h5', '--set',
                 'system.restraint_reference=held.gro', code=1) if run('held', 2, 40) else None
    claim('another reference on --resume is refused', 'what position restraints hold to has changed' in said.stderr,
          said.stderr.split('\n')[0])
    Path('short.gro').write_text(Path('tip4p.gro').read_text())
    said = skein(2, 'run', 'held.ini', '--set', 'system.restraint_reference=short.gro', code=1)
    claim('a reference of other atoms is refused', 'position restraints need the same atoms' in said.stderr,
          said.stderr.split('\n')[0])
    return 1 if have_failed() else 0


sys.exit(main())
