#!/usr/bin/env python3
# timeout: 300 all: 3600
"""Physics of rigid bonds: tension and pressure of a dumbbell as they are analytically, step by step; motion that runs
back; energy fluctuations of second order in the time step; the same temperature in every kind of molecule; and the
mean pressure from atoms, with constraint forces, equal to that from molecules, without, which is computed here from
the trajectory. Statistical bounds are 5 standard errors."""
import lzma, sys
sys.dont_write_bytecode = True
from constraint_scene import *

BAR = 16.6053906717 # kJ/mol/nm^3
COULOMB = 138.935458


VERLET = ('run.integrator=velocity-verlet', )


def frames(path):
    """Time, box edges, unwrapped positions and velocities of each frame."""
    import h5py
    with h5py.File(path, 'r') as file:
        group = file['particles/trajectory']
        for k in range(len(group['position/value'])):
            edge = numpy.diagonal(group['box/edges/value'][k])
            x = group['position/value'][k] + group['image/value'][k] * edge
            yield edge, x, group['velocity/value'][k].astype(float)


# ---- dumbbell ----

def dumbbell():
    """Two atoms at a fixed distance d around a centre at rest, turning in a plane by the angle a each step. What both
    integrators do then is known exactly: bonds turn by a; leap-frog's velocities are chords; the constraint force is
    mu (r(n+1) - 2 r(n) + r(n-1)) / dt^2 = -2 mu (1 - cos a) / dt^2 r(n), also in velocity Verlet, whose velocity is
    d sin(a) / dt. Along x: V P_x = 2 K_x + r_x G_x."""
    d, dt, a, edge, masses = 0.4, 0.002, 0.05, 3.0, (12.0, 28.0)
    mu = masses[0] * masses[1] / sum(masses)
    shares = numpy.array([masses[1], -masses[0]]) / sum(masses)
    bond = lambda n: d * numpy.array([math.cos(a * n + 0.3), math.sin(a * n + 0.3), 0])
    centre = numpy.array([2.9, 0.1, 1.5]) # across faces
    x = numpy.array([s * bond(0) for s in shares])
    molecule = Molecule('DUM', x, masses, [(0, 1, d)])
    for integrator in ('leap-frog', 'velocity-verlet'):
        leap = integrator == 'leap-frog'
        relative = lambda n: (bond(n) - bond(n - 1)) / dt if leap else (bond(n + 1) - bond(n - 1)) / (2 * dt)
        v = [s * relative(0) for s in shares]
        scene('dumbbell', [(molecule, 1)], edge, at=[centre], velocities='file', v=v)
        for ranks, split in ((1, 'off'), (3, 'on')):
            outcome = run('dumbbell.ini', ranks, 60, ('run.integrator=' + integrator, 'output.energy_every=1',
                                                      'constraints.tolerance=1e-13',
                                                      'constraints.split_clusters=' + split))
            worst = {'pressure': 0, 'kinetic': 0, 'place': 0}
            for e in outcome.events['energy']:
                n, r = e['step'], bond(e['step'])
                speeds = (relative(n), relative(n + 1)) if leap else (relative(n), )
                kinetic = sum(0.5 * mu * u * u for u in speeds) / len(speeds)
                pressure = (2 * kinetic - 2 * mu * (1 - math.cos(a)) / dt**2 * r * r) / edge**3 * BAR
                scale = 2 * mu * (1 - math.cos(a)) / dt**2 * d * d / edge**3 * BAR
                off = abs(numpy.array(e['pressure_axes_bar']) - pressure).max()
                worst['pressure'] = max(worst['pressure'], off / scale)
                worst['kinetic'] = max(worst['kinetic'], abs(e['kinetic'] / kinetic.sum() - 1))
            end = state('run.h5')[0]
            worst['place'] = float(max(abs(end[i] - centre - shares[i] * bond(60)).max() for i in range(2)))
            claim('dumbbell, %s, %d ranks: pressure along each axis at 61 steps' % (integrator, ranks),
                  worst['pressure'] < 1e-8, 'largest error over the constraint part %.1e' % worst['pressure'])
            claim('dumbbell, %s, %d ranks: kinetic energy' % (integrator, ranks), worst['kinetic'] < 1e-8,
                  '%.1e' % worst['kinetic'])
            claim('dumbbell, %s, %d ranks: place after 3 rad' % (integrator, ranks), worst['place'] < 1e-9,
                  '%.1e nm' % worst['place'])


# ---- reversal, fluctuations ----

def use_polymer():
    for name in ('polymer.top', 'polymer.ini'):
        shutil.copy(ROOT / 'inputs/polymer' / name, name)
    Path('polymer.gro').write_bytes(lzma.open(ROOT / 'inputs/polymer/polymer.gro.xz').read())


def snapshot(name, checkpoint, sign):
    """A start from a checkpoint, with velocities as they are or turned round."""
    x, v, box = state(checkpoint)
    structure(name + '.gro', [('POL', 'B')] * len(x), x.astype(float), box, sign * v)
    Path(name + '.ini').write_text(Path('polymer.ini').read_text().replace('polymer.gro', name + '.gro'))
    return x, v


def reversal():
    """Velocity Verlet with rigid bonds runs back where it came from."""
    use_polymer()
    settings = ('run.integrator=velocity-verlet', 'constraints.tolerance=1e-12')
    run('polymer.ini', 2, 10, settings, name='start')
    x0, v0 = snapshot('there', 'start.h5', 1)
    run('there.ini', 2, 40, settings, name='turn')
    x1, _ = snapshot('back', 'turn.h5', -1)
    run('back.ini', 3, 40, settings, name='end')
    x2, v2, _ = state('end.h5')
    off, way = float(abs(x2 - x0).max()), float(abs(x1 - x0).max())
    # The files have twelve digits, forces see positions on a grid of 1.5e-8 nm, and 40 steps amplify both.
    claim('40 steps and back: positions', off < 2e-8 and way > 0.05, 'off by %.1e nm, after a way of %.2g nm' % (off, way))
    claim('40 steps and back: velocities', float(abs(v2 + v0).max()) < 1e-6, 'off by %.1e nm/ps' % abs(v2 + v0).max())


def fluctuations():
    """NVE from the same start over the same time: fluctuations of the energy fall with the square of the step."""
    use_polymer()
    for integrator in ('velocity-verlet', 'leap-frog'):
        noise = {}
        for split in (1, 2):
            outcome = run('polymer.ini', 2, 200 * split, ('run.integrator=' + integrator, 'run.dt_ps=%g' % (0.01 / split),
                                                          'output.energy_every=%d' % split, 'constraints.tolerance=1e-8'))
            # Not the start: the file's velocities belong to no dt but 0.01 ps.
            e = numpy.array([r['conserved'] for r in outcome.events['energy']])[20:]
            noise[split] = e.std()
        claim('%s: fluctuations fall with dt^2' % integrator, 3 < noise[1] / noise[2] < 5.3,
              '%.3g kJ/mol at 10 fs, %.3g at 5 fs: ratio %.2f' % (noise[1], noise[2], noise[1] / noise[2]))


def momenta():
    """A molecule that nothing acts on keeps momentum and angular momentum to rounding, though its bonds pull at each other
    in messages between ranks, whatever the tolerance."""
    one = protein(60)
    scene('free', [(one, 1)], 12.0, bonds='all-bonds')
    mass = numpy.array(one.mass)[:, None]
    for tolerance in ('1e-4', '1e-10'):
        sums = []
        for steps in (1, 200):
            run('free.ini', 4, steps, ('constraints.tolerance=' + tolerance, 'nonbonded.buffer_nm=0.1'))
            x, v, _ = state('run.h5')
            p = mass * v
            # Leap-frog: x(n) x v(n - 1/2) is what central forces keep.
            sums.append((p.sum(0), numpy.cross(x.astype(float), p).sum(0), abs(p).sum(), float((abs(p) * abs(x)).sum())))
        linear, angular = abs(sums[1][0] - sums[0][0]).max() / sums[0][2], abs(sums[1][1] - sums[0][1]).max() / sums[0][3]
        claim('tolerance %s: momentum over 200 steps' % tolerance, linear < 1e-13, 'changes by %.1e of its parts' % linear)
        claim('tolerance %s: angular momentum over 200 steps' % tolerance, angular < 1e-13, 'changes by %.1e of its parts' % angular)


# ---- equipartition ----

def equipartition():
    """Rigid waters, rings, chains, tetrahedra, C60 and single atoms with one bath: each kind has kT / 2 in each of its
    degrees of freedom, which are three an atom less one a constraint."""
    def soft(molecule, sigma=0.3):
        n = len(molecule.x)
        molecule.lj = [(sigma if m > 2 else 0, 0.4 if m > 2 else 0) for m in molecule.mass]
        molecule.exclude = 3
        return molecule if n else None

    atom = Molecule('ATM', [[0, 0, 0]], 40, element='A')
    water_like = soft(water())
    water_like.exclude = 2
    blocks = [(water_like, 120), (soft(ring(6, name='R6', pucker=0.02)), 60), (soft(chain(10, 112)), 60),
              (soft(methane()), 60), (soft(diamond()), 60), (soft(c60()), 4), (soft(atom), 120)]
    scene('kinds', blocks, 8.0, bonds='all-bonds', spread=False, cutoff=0.8)
    T, steps = 300.0, 40000 if ALL else 6000
    cases = [('velocity-verlet', 'langevin')]
    if ALL:
        cases += [('leap-frog', 'langevin'), ('velocity-verlet', 'v-rescale')]
    for integrator, bath in cases:
        run('kinds.ini', 2, steps,
            ('run.integrator=' + integrator, 'temperature.thermostat=' + bath, 'temperature.target_K=300',
             'temperature.tau_ps=0.05', 'output.trajectory=kinds.h5md', 'output.trajectory_every=50',
             'output.velocities=on', 'output.energy_every=0', 'constraints.tolerance=1e-8'), limit=1200)
        speeds = [v for _, _, v in frames('kinds.h5md')][10:]
        os.remove('kinds.h5md')
        first = 0
        for molecule, count in blocks:
            n = len(molecule.x)
            mass = numpy.tile(molecule.mass, count)
            energy = numpy.array([0.5 * (mass[:, None] * v[first:first + n * count]**2).sum() for v in speeds])
            first += n * count
            dof = count * (3 * n - (3 if molecule.settles else len(molecule.bonds)))
            ratio = energy.mean() / (0.5 * dof * R * T)
            # Frames are two coupling times of the Langevin bath apart (kinetic energies forget in half of one); with
            # v-rescale motion inside and between molecules must do it, in a gas in some picoseconds.
            independent = len(energy) if bath == 'langevin' else len(energy) / 40
            error = math.sqrt(2 / dof / independent)
            claim('%s, %s: temperature of %s' % (integrator, bath, molecule.name), abs(ratio - 1) < 5 * error + 0.003,
                  '%.4f of the target, standard error %.4f (%d degrees of freedom)' % (ratio, error, dof))


# ---- pressure ----

def molecular_pressure(edge, x, v, mass, charge, lj, owner, cutoff):
    """From the motion of centres of mass, and pair forces between different molecules along the lines between them.
    Lennard-Jones, cut, and reaction field with a conductor around."""
    from scipy.spatial import cKDTree
    total = numpy.bincount(owner, mass)
    centre = numpy.array([numpy.bincount(owner, mass * x[:, k]) / total for k in range(3)]).T
    flow = numpy.array([numpy.bincount(owner, mass * v[:, k]) / total for k in range(3)]).T
    kinetic = 0.5 * (total[:, None] * flow**2).sum()
    inside = x - edge * numpy.floor(x / edge)
    inside[inside >= edge] = 0
    i, j = cKDTree(inside, boxsize=edge).query_pairs(cutoff, output_type='ndarray').T
    apart = owner[i] != owner[j]
    i, j = i[apart], j[apart]
    r = x[i] - x[j]
    shift = edge * numpy.rint(r / edge)
    r -= shift
    r2 = (r * r).sum(1)
    sigma, epsilon = 0.5 * (lj[i, 0] + lj[j, 0]), numpy.sqrt(lj[i, 1] * lj[j, 1])
    s6 = (sigma**2 / r2)**3
    scalar = 24 * epsilon * (2 * s6 * s6 - s6) / r2
    scalar += COULOMB * charge[i] * charge[j] * (r2**-1.5 - cutoff**-3)
    lever = centre[owner[i]] - centre[owner[j]] - shift
    return (2 * kinetic + (scalar * (r * lever).sum(1)).sum()) / (3 * edge.prod()) * BAR


def both_pressures(ini, steps, every, settings, system, averages=False):
    """At each frame: atomic pressure from the log, molecular one from the trajectory. averages: velocities are half a
    step back, and kinetic energies the means of those before and after (leap-frog's own; every must be 1)."""
    settings += ('output.trajectory=p.h5md', 'output.velocities=on', 'output.trajectory_every=%d' % every,
                 'output.energy_every=%d' % every)
    outcome = run(ini, 2, steps, settings, limit=1800)
    atomic = numpy.array([e['pressure_bar'] for e in outcome.events['energy']])
    all_frames = list(frames('p.h5md'))
    os.remove('p.h5md')
    if len(atomic) != len(all_frames):
        raise RuntimeError('%d energies, %d frames' % (len(atomic), len(all_frames)))
    if not averages:
        return atomic, numpy.array([molecular_pressure(edge, x, v, *system) for edge, x, v in all_frames])
    means = []
    for (edge, x, before), (_, _, after) in zip(all_frames, all_frames[1:]):
        both = [molecular_pressure(edge, x, v, *system) for v in (before, after)]
        means.append(sum(both) / 2)
    return atomic[:-1], numpy.array(means)


def rigid_pressure():
    """Rigid molecules: sums of m (r - R)^2 are constant, so that atoms and molecules have the same pressure in every
    single step, exactly so with leap-frog's central differences; velocity Verlet is off by the square of dt."""
    for name in ('water.gro', 'water.top', 'water-nve.ini'):
        shutil.copy(ROOT / 'inputs/water' / name, name)
    n = 1000
    system = (numpy.tile([15.9994, 1.008, 1.008], n), numpy.tile([-0.8476, 0.4238, 0.4238], n),
              numpy.tile([[0.316557, 0.650629], [0, 0], [0, 0]], (n, 1)), numpy.arange(3 * n) // 3, 0.9)
    plain = ('nonbonded.dispersion_correction=none', 'constraints.tolerance=1e-12')
    atomic, molecular = both_pressures('water-nve.ini', 100 if ALL else 6, 1, plain, system, averages=True)
    off = abs(atomic - molecular).max()
    claim('rigid water, leap-frog: atomic and molecular pressure agree in each step', off < 0.1,
          'largest difference %.2e bar in %d steps, pressures from %.0f to %.0f' % (off, len(atomic), atomic.min(), atomic.max()))
    # The same molecules with rigid bonds as constraints, which are solved by fragments.
    top = Path('water.top').read_text()
    start, end = top.index('[ settles ]'), top.index('[ exclusions ]')
    Path('bonds.top').write_text(top[:start] + '[ constraints ]\n1 2 1 0.1\n1 3 1 0.1\n2 3 1 0.1633\n' + top[end:])
    rigid = plain + ('system.topology=bonds.top', 'constraints.split_clusters=on')
    atomic, molecular = both_pressures('water-nve.ini', 100 if ALL else 6, 1, rigid, system, averages=True)
    off = abs(atomic - molecular).max()
    claim('water of three constraints, leap-frog: the same', off < 0.1, 'largest difference %.2e bar in %d steps' %
          (off, len(atomic)))
    difference = {}
    for dt in (0.002, 0.001):
        atomic, molecular = both_pressures('water-nve.ini', 4000 if ALL else 240, 20,
                                           plain + VERLET + ('run.dt_ps=%g' % dt, ), system)
        difference[dt] = (atomic - molecular)[1:].mean()
    ratio = difference[0.002] / difference[0.001]
    claim('rigid water, velocity Verlet: the difference falls with dt^2', abs(difference[0.002]) < 30 and
          (3.4 < ratio < 4.6 if ALL else 2.5 < ratio < 6),
          '%.2f bar at 2 fs, %.2f at 1 fs: ratio %.2f' % (difference[0.002], difference[0.001], ratio))


def chain_pressure():
    """Chains of ten beads that repel each other: shapes fluctuate, and the pressures agree on the average."""
    count, size, edge = 128, 10, 6.0
    x = numpy.array([[0.28 * i, 0.5 * math.sqrt(0.3395**2 - 0.28**2) * (-1)**i, 0] for i in range(size)])
    one = Molecule('POL', x, 40, [(i, i + 1) for i in range(size - 1)], sigma=0.35, epsilon=1.0, exclude=1)
    places = [numpy.array([3.0 * (m % 2), 0.75 * (m // 2 % 8), 0.75 * (m // 16)]) for m in range(count)]
    scene('chains', [(one, count)], edge, bonds='all-bonds', at=places, cutoff=0.39285972)
    n = count * size
    system = (numpy.full(n, 40.0), numpy.zeros(n), numpy.tile([0.35, 1.0], (n, 1)), numpy.arange(n) // size, 0.39285972)
    atomic, molecular = both_pressures('chains.ini', 400000 if ALL else 16000, 100,
                                       ('run.dt_ps=0.005', 'run.integrator=velocity-verlet', 'temperature.thermostat=v-rescale',
                                        'temperature.target_K=120', 'temperature.tau_ps=0.5', 'system.maxwell_K=120',
                                        'constraints.tolerance=1e-8'), system)
    d = (atomic - molecular)[len(atomic) // 8:] # the chains start stretched
    means = d[:len(d) // 12 * 12].reshape(12, -1).mean(axis=1)
    error = means.std(ddof=1) / math.sqrt(12)
    claim('chains: mean atomic pressure is the molecular one', abs(d.mean()) < 5 * error and error < (1 if ALL else 4),
          'atomic %.2f bar, molecular %.2f, difference %.2f, standard error %.2f; frames differ by %.1f' %
          (atomic[-len(d):].mean(), molecular[-len(d):].mean(), d.mean(), error, d.std()))


in_folder('skein-rigid-physics-', (dumbbell, momenta, reversal, fluctuations, equipartition, rigid_pressure, chain_pressure))
