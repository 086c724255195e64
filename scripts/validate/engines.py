"""Runs of Skein and of GROMACS that the scripts here compare: each in a folder of its own, one process, one core."""
import json, os, shutil, subprocess
from pathlib import Path

import numpy

ROOT = Path(__file__).resolve().parents[2]
GMX = ROOT / 'scripts/bench/gmx.sh'
MPI = {'OMPI_ALLOW_RUN_AS_ROOT': '1', 'OMPI_ALLOW_RUN_AS_ROOT_CONFIRM': '1', 'OMPI_MCA_hwloc_base_binding_policy': 'none'}


def run(command, folder, text=''):
    """What the command said; RuntimeError with the end of it if its code is not 0."""
    done = subprocess.run([str(c) for c in command], cwd=folder, env=dict(os.environ, **MPI), input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise RuntimeError('%s: code %d\n%s' % (' '.join(map(str, command)), done.returncode, done.stdout[-2000:]))
    return done.stdout


def place_inputs(system, build, folder):
    """NAME.gro, NAME.top and the run file SYSTEM.ini of the unpacked inputs; returns NAME."""
    name = system.split('-')[0]
    for file in (name + '.gro', name + '.top', system + '.ini'):
        shutil.copy(build / 'inputs' / name / file, folder)
    return name


def skein(build, run_file, steps, settings, folder, tag='run'):
    """The events `energy` of a run without a trajectory, and what it said."""
    sets = ('output.trajectory=', 'output.checkpoint=%s.ckpt.h5' % tag, *settings)
    said = run([build / 'skein', 'run', run_file, '--steps', steps, '--log-json', tag + '.jsonl',
                *(a for s in sets for a in ('--set', s))], folder)
    return [e for e in map(json.loads, open(Path(folder) / (tag + '.jsonl'))) if e['event'] == 'energy'], said


def gromacs(program, mdp, name, terms, folder):
    """Rows of the time and the energy terms of NAME.gro and NAME.top; program: gmx or gmx_d."""
    (folder / 'a.mdp').write_text(mdp)
    run([GMX, program, 'grompp', '-quiet', '-f', 'a.mdp', '-c', name + '.gro', '-p', name + '.top', '-o', 'a.tpr', '-maxwarn',
         '9'], folder)
    run([GMX, program, 'mdrun', '-quiet', '-s', 'a.tpr', '-deffnm', 'a', '-ntmpi', '1', '-ntomp', '1', '-pin', 'off'], folder)
    run([GMX, program, 'energy', '-quiet', '-f', 'a.edr', '-o', 'a.xvg'], folder, '\n'.join(terms) + '\n\n')
    return numpy.array([[float(t) for t in line.split()] for line in open(folder / 'a.xvg') if line[0] not in '#@'])
