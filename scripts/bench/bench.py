#!/usr/bin/env python3
"""Speeds as ratios in one run on this machine: Lennard-Jones melt of 32,000 atoms against LAMMPS (-sf opt); 24,000 atoms
of SPC/E water with reaction field and with particle-mesh Ewald, and DHFR in water (23,558 atoms, Ewald, bonds to hydrogen
rigid) against GROMACS; at 1 and 2 ranks, equal cutoffs, meshes and orders, the same start. From outside: the
time of a long run less that of a short one, over the difference in steps; engines take turns, the best of the repeats
counts. Virtual cores differ by up to a fifth from hour to hour, and ranks with equal work wait for the slowest core:
efficiency is the time of one rank pinned to the slowest core over ranks times the parallel time; "core spread" is the
slowest over the fastest. A busy machine still spoils it: run it alone. Timings are no tests: the exit code says only
that all runs ran.
usage: bench.py [--build build] [--repeat 3] [--quick] [--ranks 1,2] [--systems melt,water,water-pme,dhfr] [--json PATH]"""
import argparse, json, lzma, os, shutil, subprocess, sys, tempfile, time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
TARGET = {'melt': 2.5, 'water': 1.0, 'water-pme': 1.0, 'dhfr': 1.0}
ATOMS = {'melt': 32000, 'water': 24000, 'water-pme': 24000, 'dhfr': 23558}
MPI = {'OMPI_ALLOW_RUN_AS_ROOT': '1', 'OMPI_ALLOW_RUN_AS_ROOT_CONFIRM': '1', 'OMPI_MCA_rmaps_base_oversubscribe': '1',
       'OMPI_MCA_hwloc_base_binding_policy': 'none'}

LAMMPS = """units lj
atom_style atomic
read_data snap-32k.data
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0 2.5
neighbor 0.3 bin
neigh_modify delay 0 every 20 check no
timestep 0.005
fix 1 all nve
thermo 100
run ${steps}
"""
GROMACS = """integrator = md
dt = 0.002
nsteps = -1
cutoff-scheme = Verlet
rcoulomb = 0.9
rvdw = 0.9
vdw-modifier = Potential-shift
DispCorr = EnerPres
continuation = yes
tcoupl = v-rescale
tc-grps = System
tau-t = 0.5
ref-t = 300
nstenergy = 100
nstcalcenergy = 100
nstlog = 0
"""
GROMACS_ALSO = {'water': 'coulombtype = Reaction-Field\nepsilon-rf = 0\n',
                'water-pme': 'coulombtype = PME\nfourierspacing = 0.12\n',
                'dhfr': 'coulombtype = PME\nfourierspacing = 0.12\nconstraints = h-bonds\n'}


def run(command, folder):
    env = dict(os.environ, **MPI)
    start = time.perf_counter()
    done = subprocess.run([str(c) for c in command], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit('%s: code %d\n%s' % (' '.join(map(str, command)), done.returncode, done.stdout[-3000:]))
    return seconds


def prepare(folder):
    (folder / 'snap-32k.data').write_bytes(lzma.open(ROOT / 'inputs/lj-melt/snap-32k.data.xz').read())
    (folder / 'in.lj').write_text(LAMMPS)
    (folder / 'water.gro').write_bytes(lzma.open(ROOT / 'tests/reference/spce-rf/conf-24k.gro.xz').read())
    (folder / 'water.top').write_text((ROOT / 'inputs/water/water.top').read_text().replace('SOL  1000', 'SOL  8000'))
    for kind in ('gro', 'top'):
        (folder / ('dhfr.' + kind)).write_bytes(lzma.open(ROOT / ('inputs/dhfr/dhfr.%s.xz' % kind)).read())
    for name, source in (('melt', 'lj-melt/lj-melt-32k.ini'), ('water', 'water/water.ini'),
                         ('water-pme', 'water/water-pme.ini'), ('dhfr', 'dhfr/dhfr.ini')):
        text = (ROOT / 'inputs' / source).read_text()
        (folder / (name + '.ini')).write_text('\n'.join(l for l in text.split('\n') if not l.startswith('trajectory')))
    for name, also in GROMACS_ALSO.items():
        (folder / (name + '.mdp')).write_text(GROMACS + also)
        stem = name.split('-')[0]
        run([HERE / 'gmx.sh', 'gmx', 'grompp', '-quiet', '-f', name + '.mdp', '-c', stem + '.gro', '-p', stem + '.top', '-o',
             name + '.tpr', '-maxwarn', '5'], folder)


def skein(system, ranks, steps, build, folder, core=None):
    return run((['taskset', '-c', core] if core is not None else []) +
               ['mpirun', '-n', ranks, build / 'skein', 'run', system + '.ini', '--quiet', '--steps', steps, '--set',
                'output.checkpoint=%s.ckpt.h5' % system], folder)


def lammps(ranks, steps, folder):
    return run(['mpirun', '-n', ranks, 'lmp', '-sf', 'opt', '-var', 'steps', steps, '-in', 'in.lj', '-log', 'none', '-screen',
                'none'], folder)


def gromacs(system, split, steps, folder):
    return run([HERE / 'gmx.sh', 'gmx', 'mdrun', '-quiet', '-s', system + '.tpr', '-deffnm', 'w', '-nsteps', steps, '-noconfout',
                '-ntmpi', split[0], '-ntomp', split[1], '-nb', 'cpu', '-pin', 'off'], folder)


def seconds_per_step(engines, short, long, repeat):
    """{name: best seconds per step}; the engines take turns, so that all see the same machine."""
    best = {}
    for _ in range(repeat):
        for name, engine in engines.items():
            difference = -engine(short) + engine(long)
            best[name] = min(best.get(name, 1e9), difference / (long - short))
    return best


def memory(build, folder):
    """Bytes per atom of one rank, and what it needs before the first, from two sizes of water."""
    sizes = []
    for copies in (1, 2):
        child = subprocess.run([sys.executable, '-c', """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)""", str(build / 'skein'), 'run', 'water.ini', '--quiet', '--steps',
            '20', '--set', 'system.replicate=%dx%dx%d' % (copies, copies, copies), '--set', 'output.checkpoint=m%d.h5' % copies],
            cwd=folder, env=dict(os.environ, **MPI), stdout=subprocess.PIPE, text=True, check=True)
        sizes.append(int(child.stdout) * 1024)
    per_atom = (sizes[1] - sizes[0]) / (7 * ATOMS['water'])
    return per_atom, sizes[0] - per_atom * ATOMS['water']


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', type=Path, default=ROOT / 'build')
    parser.add_argument('--repeat', type=int, default=3)
    parser.add_argument('--quick', action='store_true', help='shorter runs, one repeat: to see that it works')
    parser.add_argument('--ranks', default='1,2')
    parser.add_argument('--systems', default=','.join(ATOMS))
    parser.add_argument('--json', type=Path)
    options = parser.parse_args()
    build, cores = options.build.absolute(), sorted(os.sched_getaffinity(0))
    short, long, repeat = (50, 250, 1) if options.quick else (100, 900, options.repeat)
    folder = Path(tempfile.mkdtemp(prefix='skein-bench-'))
    try:
        prepare(folder)
        clock = folder / 'clock'
        run(['cc', '-O1', HERE / 'clock.c', '-o', clock], folder)
        ghz = float(subprocess.run([clock], stdout=subprocess.PIPE, text=True).stdout)
        print('core clock %.2f GHz, load %.2f' % (ghz, os.getloadavg()[0]))
        print('%-9s %5s %-26s %9s %9s %7s %8s %12s %12s %14s' % ('system', 'ranks', 'peer', 'peer ms', 'skein ms', 'ratio', 'target',
                                                          'efficiency', 'core spread', 'cycles/atom'))
        records = []
        for system in options.systems.split(','):
            for ranks in map(int, options.ranks.split(',')):
                engines = {'skein': lambda n, s=system, r=ranks: skein(s, r, n, build, folder)}
                if system == 'melt':
                    engines['lmp -sf opt, %d ranks' % ranks] = lambda n, r=ranks: lammps(r, n, folder)
                else:
                    for split in {(1, ranks), (ranks, 1)}:
                        engines['gmx -ntmpi %d -ntomp %d' % split] = lambda n, s=system, p=split: gromacs(s, p, n, folder)
                for core in cores[:ranks]:
                    engines[core] = lambda n, s=system, c=core: skein(s, 1, n, build, folder, c)
                best = seconds_per_step(engines, short, long, repeat)
                own, alone = best.pop('skein'), [best.pop(core) for core in cores[:ranks]]
                peer = min(best, key=best.get)
                record = {'system': system, 'ranks': ranks, 'peer': peer, 'peer_ms': best[peer] * 1e3, 'skein_ms': own * 1e3,
                          'ratio': best[peer] / own, 'target': TARGET[system], 'efficiency': max(alone) / (own * ranks),
                          'core_spread': max(alone) / min(alone), 'cycles_per_atom_step': own * ranks * ghz * 1e9 / ATOMS[system]}
                records.append(record)
                print('%-9s %5d %-26s %9.3f %9.3f %7.2f %8.1f %12.2f %12.2f %14.0f' % tuple(record.values()), flush=True)
        per_atom, base = memory(build, folder)
        print('memory: %.0f bytes per atom on one rank, and %.1f MB before the first' % (per_atom, base / 1e6))
        if options.json:
            options.json.write_text(json.dumps({'ghz': ghz, 'runs': records, 'bytes_per_atom': per_atom, 'base_bytes': base},
                                               indent=1) + '\n')
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    main()
