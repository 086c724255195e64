#!/usr/bin/env python3
"""Checks the times that skein partition predicts against runs on this machine: the table in docs/partition.md.
usage: predict.py [--build build] [--repeats 3] [--steps N] [RUN.ini ...]   (default: lj-melt-32k, water, droplet)
Calibrates with two processes, then runs 1, 2, 4 and 8 ranks, predicted and measured in turn; the fastest run counts, for
what else the machine does only makes it slower. All ranks are on one node. Needs `make all inputs` and a quiet machine."""
import argparse, json, os, subprocess, sys, tempfile
from pathlib import Path

RANKS = (1, 2, 4, 8)
ENVIRONMENT = dict(os.environ, OMPI_MCA_rmaps_base_oversubscribe='1', OMPI_MCA_mpi_yield_when_idle='1',
                   OMPI_MCA_hwloc_base_binding_policy='none')


def call(*command):
    run = subprocess.run([str(c) for c in command], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True)
    if run.returncode:
        sys.exit('%s: code %d\n%s' % (' '.join(map(str, command)), run.returncode, run.stderr))
    if 'busy' in run.stderr:
        print(run.stderr.strip(), file=sys.stderr)
    return run.stdout


def measure(skein, run_file, ranks, steps, folder):
    log = folder / 'run.jsonl'
    call('mpirun', '-n', ranks, skein, 'run', run_file, '--steps', steps, '--quiet', '--log-json', log, '--set',
         'output.checkpoint=%s' % (folder / 'run.ckpt.h5'), '--set', 'output.trajectory=')
    done = json.loads(log.read_text().splitlines()[-1])
    return 1e6 * done['wall_s'] / done['steps']


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--build', default='build')
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--steps', type=int, default=400)
    parser.add_argument('run_files', nargs='*')
    options = parser.parse_args()
    skein, inputs = Path(options.build).absolute() / 'skein', Path(options.build).absolute() / 'inputs'
    files = options.run_files or [inputs / 'lj-melt' / 'lj-melt-32k.ini', inputs / 'water' / 'water.ini',
                                  inputs / 'argon' / 'droplet.ini']
    print('| system | ranks | predicted, us | measured, us | predicted / measured |\n|---|---|---|---|---|')
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for run_file in files:
            call('mpirun', '-n', 2, skein, 'partition', run_file, '--calibrate', '--output', folder / 'c.json')
            best = {}
            for _ in range(options.repeats):
                for ranks in RANKS:
                    time = measure(skein, run_file, ranks, options.steps, folder)
                    best[ranks] = min(best.get(ranks, time), time)
            for line in call(skein, 'partition', run_file, '--ranks', ','.join(map(str, RANKS)), '--curve', 'hilbert',
                             '--ranks-per-node', max(RANKS), '--calibration', folder / 'c.json', '--json').splitlines():
                r = json.loads(line)
                predicted, measured = r['predicted_us_per_step'], best[r['ranks']]
                print('| %s | %d | %.0f | %.0f | %.2f |' % (Path(run_file).stem, r['ranks'], predicted, measured,
                                                           predicted / measured), flush=True)


if __name__ == '__main__':
    main()
