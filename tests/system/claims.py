"""For the system tests in Python: where things are, runs of the program, and claims, which the runner counts as tests of
their own."""
import os, subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = (ROOT / os.environ.get('BUILD', 'build')).absolute()
SYSTEMS = Path(os.environ.get('SKEIN_SYSTEMS', ROOT.parent / 'shared' / 'systems'))
REFERENCE = ROOT / 'tests' / 'reference'
ALL = bool(os.environ.get('SKEIN_TEST_ALL'))
_failures = 0


def claim(name, good, detail=''):
    global _failures
    _failures += not good
    print(('ok %s' if good else 'not ok %s') % name)
    if detail:
        print('    %s' % detail, flush=True)


def have_failed():
    return _failures > 0


def skein(ranks, *arguments, code=0):
    """A run of the program with these arguments; RuntimeError if it ends with another code."""
    run = subprocess.run(['mpirun', '-n', str(ranks), str(BUILD / 'skein'), *map(str, arguments)],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode != code:
        raise RuntimeError('skein %s on %d: code %d\n%s' %
                           (' '.join(map(str, arguments)), ranks, run.returncode, run.stderr[-2000:]))
    return run
