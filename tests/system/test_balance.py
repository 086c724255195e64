#!/usr/bin/env python3
# timeout: 600 all: 3000
"""Partitions in the engine: equal states with every scheme, also when the plan changes at every rebuild; measured tiles
against what the plan predicted; what is imported against what `skein partition --imports` says without running."""
import json, lzma, os, shutil, subprocess, sys, tempfile
from pathlib import Path

sys.dont_write_bytecode = True
from claims import ALL, BUILD, ROOT, SYSTEMS, claim, have_failed

SCHEMES = ('hilbert', 'morton', 'kd', 'power', 'auto')
WITHIN = 0.02  # of the predicted tile imbalance


def unpack(folder):
    """Run files of slab, droplet and clusters in the folder; clusters only if the reference systems are there."""
    names = ['slab', 'droplet']
    for name in names:
        Path(folder, name + '.data').write_bytes(lzma.open(ROOT / 'inputs' / 'argon' / (name + '.data.xz')).read())
        shutil.copy(ROOT / 'inputs' / 'argon' / (name + '.ini'), folder)
    clusters = SYSTEMS / 'slab' / 'data.clusters.xz'
    if not clusters.exists():
        print('skipped: clusters, for %s is not there' % clusters)
        return names
    Path(folder, 'clusters.data').write_bytes(lzma.open(clusters).read())
    Path(folder, 'clusters.ini').write_text(Path(folder, 'droplet.ini').read_text().replace('droplet', 'clusters'))
    return names + ['clusters']


def run(name, ranks, steps, *settings):
    """The events of a run."""
    log = '%s-%d.json' % (name, ranks)
    command = ['mpirun', '-n', str(ranks), str(BUILD / 'skein'), 'run', name + '.ini', '--steps', str(steps), '--quiet',
               '--log-json', log]
    for setting in (*settings, 'output.checkpoint=%s-%d.h5' % (name, ranks)):
        command += ['--set', setting]
    outcome = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True)
    if outcome.returncode:
        raise RuntimeError('%s: code %d\n%s' % (' '.join(command), outcome.returncode, outcome.stdout))
    return [json.loads(line) for line in Path(log).read_text().splitlines()]


def forced(name, ranks, scheme, steps=80):
    """A run with a new plan at every rebuild; how far the tiles were from the prediction where a plan was adjusted, for
    which the ranks' last measurements are of nearly the same cells."""
    events = run(name, ranks, steps, 'domain.curve=' + scheme, 'domain.rebalance=always')
    changes = [e for e in events if e['event'] == 'rebalance']
    done = events[-1]
    measured = [e['tile_imbalance'] for e in changes[1:]] + [done['tile_imbalance']]
    off = [m / e['import_tile_imbalance'] - 1 for e, m in zip(changes, measured) if e['action'] == 'adjusted']
    return done, len(changes), off


def equal_states(names):
    for name in names:
        reference = run(name, 1, 80)[-1]['state_hash']
        cases = {'slab': [(8, 'hilbert')], 'droplet': [(8, 'morton'), (16, 'auto')], 'clusters': [(16, 'kd')]}[name]
        if ALL:
            cases = [(r, s) for r in (2, 3, 7, 8, 16) for s in SCHEMES]
        for ranks, scheme in cases:
            done, changes, off = forced(name, ranks, scheme)
            claim('%s-%s-%d-state' % (name, scheme, ranks), done['state_hash'] == reference and changes >= 2,
                  '%s, %d new plans, %s' % (done['state_hash'], changes, done['scheme']))
            if ranks >= 8:
                worst = max(off, key=abs, default=1)
                claim('%s-%s-%d-tiles' % (name, scheme, ranks), abs(worst) <= WITHIN,
                      'measured over predicted %+.2f %% at worst, %.3f at the end' % (100 * worst, done['tile_imbalance']))


def resumed(name):
    """A checkpoint of one partition goes on with another."""
    whole = run(name, 1, 60)[-1]['state_hash']
    for path in Path('.').glob('%s-*.h5*' % name):
        path.unlink()
    run(name, 5, 30, 'domain.curve=power', 'output.checkpoint=half.h5')
    for ranks, scheme in ((3, 'kd'), (8, 'auto')):
        shutil.copy('%s-5.h5' % name, '%s-%d.h5' % (name, ranks))
        log = subprocess.run(['mpirun', '-n', str(ranks), str(BUILD / 'skein'), 'run', name + '.ini', '--steps', '60',
                              '--quiet', '--resume', '--set', 'domain.curve=' + scheme, '--set',
                              'output.checkpoint=%s-%d.h5' % (name, ranks)], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        claim('%s-resumed-%s-%d' % (name, scheme, ranks), 'state hash: ' + whole in log.stdout, log.stdout.strip()[-200:])


def imports(names):
    """The same cells, plan, ghosts and messages, computed by one process for all ranks and met by the ranks."""
    keys = ('import_cells', 'import_atoms', 'import_atoms_max', 'import_messages', 'import_imbalance',
            'import_tile_imbalance')
    for name in names:
        some = ('auto', ) if name == 'clusters' else ('hilbert', 'kd')
        for ranks in (8, 16) if ALL else (8, ):
            offline = subprocess.run([str(BUILD / 'skein'), 'partition', name + '.ini', '--ranks', str(ranks), '--json',
                                      '--imports', '--curve', ','.join(SCHEMES if ALL else some)],
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            if offline.returncode:
                raise RuntimeError(offline.stderr)
            for line in offline.stdout.splitlines():
                told = json.loads(line)
                live = run(name, ranks, 0, 'domain.curve=' + told['curve'])[-1]
                bad = ['%s: %r offline, %r live' % (k, told[k], live[k]) for k in keys if told[k] != live[k]]
                bad += [] if told['import_scheme'] == live['scheme'] else ['scheme']
                claim('%s-imports-%s-%d' % (name, told['curve'], ranks), not bad and told['import_atoms'] > 0,
                      '; '.join(bad))
    refused = subprocess.run(['mpirun', '-n', '2', str(BUILD / 'skein'), 'partition', names[0] + '.ini', '--ranks', '2',
                              '--imports', '--curve', 'kd'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
    claim('imports-of-two-processes', refused.returncode == 1 and 'one process' in refused.stderr, refused.stderr[-200:])


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        names = unpack(folder)
        imports(names)
        equal_states(names)
        resumed('droplet')
        os.chdir(ROOT)
    sys.exit(have_failed())


main()
