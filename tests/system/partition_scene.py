"""For the system tests of skein partition: runs of the program, and its counts once more, from the definitions and the
map of owners, in plain Python."""
import json, math, subprocess
from itertools import product
from pathlib import Path

from claims import BUILD


def partition(*arguments, launcher=()):
    return subprocess.run([*launcher, str(BUILD / 'skein'), 'partition', *map(str, arguments)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def objects(*arguments):
    run = partition(*arguments, '--json')
    if run.returncode:
        raise RuntimeError('%s: code %d\n%s' % (arguments, run.returncode, run.stderr))
    return [json.loads(line) for line in run.stdout.splitlines()]


def read_owners(path):
    return [int(line) for line in Path(path).read_text().split('\n')[:-1]]


def read_gro(path):
    lines = Path(path).read_text().splitlines()
    count, dots = int(lines[1]), [i for i, c in enumerate(lines[2]) if c == '.']
    w = dots[1] - dots[0] # the format's own rule for the width of a number
    return ([[float(l[20 + w * k:20 + w * (k + 1)]) for k in range(3)] for l in lines[2:2 + count]],
            [float(w) for w in lines[2 + count].split()[:3]])


def all_cells(n):
    return [(x, y, z) for z in range(n[2]) for y in range(n[1]) for x in range(n[0])]


def cell_of(n, box, position):
    c = [int(position[k] % box[k] / box[k] * n[k]) for k in range(3)]
    return c[0] + n[0] * (c[1] + n[1] * c[2])


def atoms_of(n, box, positions):
    atoms = [0] * (n[0] * n[1] * n[2])
    for p in positions:
        atoms[cell_of(n, box, p)] += 1
    return atoms


def neighbours_of(n, cell, low=-1, high=1):
    x, y, z = cell
    return {((x + a) % n[0], (y + b) % n[1], (z + c) % n[2])
            for a, b, c in product(range(low, high + 1), repeat=3)} - {cell}


def ghosts_of(n, ranks, owner, low=-1, high=1):
    """The foreign cells that each rank needs."""
    cells = all_cells(n)
    own = dict(zip(cells, owner))
    ghosts = [set() for _ in range(ranks)]
    for cell in cells:
        ghosts[own[cell]] |= {c for c in neighbours_of(n, cell, low, high) if own[c] != own[cell]}
    return own, ghosts


def recount(n, ranks, owner, weight=None, atoms=None, per_node=0, reach=1):
    """The counts of one partition, from sets of cells."""
    cells = all_cells(n)
    own, ghosts = ghosts_of(n, ranks, owner, -reach, reach)
    load, held = [0] * ranks, [0] * ranks
    for i, cell in enumerate(cells):
        load[own[cell]] += weight[i] if weight else 1
        held[own[cell]] += atoms[i] if atoms else 1
    size = dict(zip(cells, atoms)) if atoms else None
    value = [sum(size[c] for c in g) if atoms else len(g) for g in ghosts]
    senders = [{own[c] for c in g} for g in ghosts]
    away = [sum((size[c] if atoms else 1) for c in g if own[c] // per_node != r // per_node)
            for r, g in enumerate(ghosts)] if per_node else None
    memory = [926 * a + 0.42 * 450 * g for a, g in zip(held, value)]
    return {'imbalance': max(load) * ranks / sum(load), 'ghosts_mean': sum(map(len, ghosts)) / ranks,
            'ghosts_max': max(map(len, ghosts)), 'neighbours_mean': sum(map(len, senders)) / ranks,
            'neighbours_max': max(map(len, senders)), 'messages': sum(map(len, senders)),
            'bytes_per_step': 24 * sum(value), 'ghost_atoms_mean': sum(value) / ranks, 'ghost_atoms_max': max(value),
            'components_mean': sum(components(n, own, r) for r in range(ranks)) / ranks,
            'memory_bytes_mean': int(sum(memory) / ranks + 0.5), 'memory_bytes_max': int(max(memory) + 0.5),
            'off_node': sum(away) / max(1, sum(value)) if per_node else None}


def components(n, own, rank):
    left, count = {c for c in own if own[c] == rank}, 0
    while left:
        count += 1
        todo = [left.pop()]
        while todo:
            cell = todo.pop()
            for k, d in product(range(3), (-1, 1)):
                other = list(cell)
                other[k] = (other[k] + d) % n[k]
                if tuple(other) in left:
                    left.remove(tuple(other))
                    todo.append(tuple(other))
    return count


def differences(report, counts):
    return ['%s: %r, recounted %r' % (k, report[k], v) for k, v in counts.items()
            if (report[k] is None) != (v is None) or (v is not None and abs(report[k] - v) > 1e-9 * max(1, abs(v)))]


def pairs_of(n, box, radius, atoms):
    """16 times the expected number of pairs within the radius whose corner, the componentwise minimum of both cells, is
    the cell: atoms spread evenly, the difference of two places in a cell sampled at 12 places an axis; all shares add up to
    half the sphere, unless the box is smaller."""
    edge = [box[k] / n[k] for k in range(3)]
    samples = [((i + 0.5) / 6 - 1, (1 - abs((i + 0.5) / 6 - 1)) / 6) for i in range(12)]

    def share(offset):
        near = 0
        for (a, u), (b, v) in product(samples, repeat=2):
            plane = ((offset[0] + a) * edge[0]) ** 2 + ((offset[1] + b) * edge[1]) ** 2
            near += u * v * sum(w for c, w in samples if plane + ((offset[2] + c) * edge[2]) ** 2 < radius ** 2)
        return near

    reach = [min(int(radius / edge[k]) + 1, n[k]) for k in range(3)]
    shares = {}
    for offset in product(*(range(-r, r + 1) for r in reach)):
        if (offset[2], offset[1], offset[0]) >= (0, 0, 0): # each pair of cells once
            gap = [max(abs(offset[k]) - 1, 0) * edge[k] for k in range(3)]
            if sum(g * g for g in gap) < radius ** 2:
                shares[offset] = share(tuple(map(abs, offset))) * (0.5 if offset == (0, 0, 0) else 1)
    if all(radius < box[k] for k in range(3)):
        right = 2 / 3 * math.pi * radius ** 3 / (edge[0] * edge[1] * edge[2]) / sum(shares.values())
        shares = {offset: part * right for offset, part in shares.items()}
    found = [0.0] * len(atoms)
    for i, cell in enumerate(all_cells(n)):
        for offset, part in (shares.items() if atoms[i] else ()):
            other = [(cell[k] + offset[k]) % n[k] for k in range(3)]
            corner = [(cell[k] + min(offset[k], 0)) % n[k] for k in range(3)]
            found[corner[0] + n[0] * (corner[1] + n[1] * corner[2])] += \
                atoms[i] * atoms[other[0] + n[0] * (other[1] + n[1] * other[2])] * part
    return [math.floor(16 * p + 0.5) for p in found]
