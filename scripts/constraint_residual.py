#!/usr/bin/env python3
"""Recomputes from a checkpoint how well rigid bonds have their lengths, sharing no code with the program.

    scripts/constraint_residual.py CHECKPOINT FILE.top [--bonds none|h-bonds|all-bonds] [--define NAME]...
    scripts/constraint_residual.py CHECKPOINT LIST.txt
    options: --dt STEP (ps, or reduced units)   --tolerance TOL   --velocities   --json

A .top file is read for [ molecules ], [ constraints ], [ settles ] and, with --bonds, [ bonds ] (with lengths in their
lines, or in [ bondtypes ] and [ constrainttypes ] under the names of the atom types). Any other file is a list: two atom
ids, counted from 1, and a length in each line; # starts a comment. Between the atoms of a bond the nearest images count.

Prints the number of bonds, the largest relative error of a length and its atoms, and the largest |s . v| / s^2 (s: the
bond, v: relative velocity; times the step with --dt), which is zero for velocities at the time of the positions, as
velocity Verlet leaves them. Exit code 1 if a length (with --velocities: also a velocity, which needs --dt) is worse
than --tolerance, or if something cannot be read. Needs h5py (Debian: python3-h5py)."""
import argparse
import json
import os
import re
import sys

try:
    import h5py
    import numpy
except ImportError as missing:
    # Another Python may come first in PATH than the one that Debian's packages belong to.
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3") and "SKEIN_PYTHON" not in os.environ:
        os.environ["SKEIN_PYTHON"] = "tried"
        os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)
    sys.exit(f"constraint_residual: {missing}; install python3-h5py")


def lines_of(path, macros):
    """Lines of a .top file after its preprocessor: includes beside the file, conditions, macros of single words."""
    active, held = [], ""
    for raw in open(path):
        line = held + raw.split(";")[0].strip()
        held = line[:-1] + " " if line.endswith("\\") else ""
        if held or not line:
            continue
        words = line.split()
        directive = words[0] if words[0].startswith("#") else None
        if directive in ("#ifdef", "#ifndef"):
            active.append((words[1] in macros) == (directive == "#ifdef"))
        elif directive == "#else":
            active[-1] = not active[-1]
        elif directive == "#endif":
            active.pop()
        elif not all(active):
            continue
        elif directive == "#define":
            macros[words[1]] = " ".join(words[2:])
        elif directive == "#undef":
            macros.pop(words[1], None)
        elif directive == "#include":
            yield from lines_of(os.path.join(os.path.dirname(path), words[1].strip('"<>')), macros)
        elif directive is None:
            yield " ".join(macros.get(w, w) for w in words)


class Type:
    def __init__(self):
        self.atoms, self.bonds, self.constraints, self.settles = [], [], [], []


def read_top(path, which, macros):
    """Rigid bonds of the whole system: ids from 0, lengths."""
    types, counts, section, current, tables = {}, [], "", None, {"bondtypes": {}, "constrainttypes": {}}
    for line in lines_of(path, macros):
        header = re.fullmatch(r"\[\s*(\w+)\s*\]", line)
        words = line.split()
        if header:
            section = header[1]
        elif section == "moleculetype":
            current = types[words[0]] = Type()
        elif section == "molecules":
            counts.append((words[0], int(words[1])))
        elif section in tables:
            length = float(words[3])
            tables[section][words[0], words[1]] = tables[section][words[1], words[0]] = length
        elif section == "atoms":
            current.atoms.append((words[1], words[4]))
        elif section in ("bonds", "constraints", "settles"):
            getattr(current, section).append(words)
    first, pairs, lengths = 0, [], []
    for name, count in counts:
        rigid = list(rigid_of(types[name], which, tables))
        natoms = len(types[name].atoms)
        for _ in range(count):
            pairs += [(first + i, first + j) for i, j, _ in rigid]
            lengths += [d for _, _, d in rigid]
            first += natoms
    return first, pairs, lengths


def rigid_of(molecule, which, tables):
    def row(words, table):
        i, j = int(words[0]) - 1, int(words[1]) - 1
        kinds = molecule.atoms[i][0], molecule.atoms[j][0]
        return i, j, float(words[3]) if len(words) > 3 else tables[table][kinds]

    for words in molecule.constraints:
        yield row(words, "constrainttypes")
    for words in molecule.settles:
        i, oh, hh = int(words[0]) - 1, float(words[2]), float(words[3])
        yield from ((i, i + 1, oh), (i, i + 2, oh), (i + 1, i + 2, hh))
    for words in molecule.bonds:
        has_hydrogen = any(molecule.atoms[int(w) - 1][1].upper().startswith("H") for w in words[:2])
        if words[2] in "1234" and (which == "all-bonds" or which == "h-bonds" and has_hydrogen):
            yield row(words, "bondtypes")


def read_list(path):
    rows = [line.split("#")[0].split() for line in open(path)]
    rows = [r for r in rows if r]
    return None, [(int(r[0]) - 1, int(r[1]) - 1) for r in rows], [float(r[2]) for r in rows]


def residuals(path, pairs, lengths):
    """Largest relative length error and largest |s . v| / s^2, each with the row of its bond."""
    with h5py.File(path, "r") as file:
        box = numpy.array(file["state"].attrs["box"])
        x, v = file["x"][:], file["v"][:]
    i, j = numpy.array(pairs, dtype=int).T
    lengths = numpy.array(lengths)
    # Differences of fractions modulo 2^64 are those of the nearest images, exactly.
    s = (x[i] - x[j]).view(numpy.int64).astype(numpy.longdouble) * numpy.longdouble(2)**-64 * box
    s2 = (s * s).sum(axis=1)
    error = numpy.abs(numpy.sqrt(s2) / lengths - 1)
    speed = numpy.abs((s * (v[i] - v[j])).sum(axis=1)) / s2
    return len(x), error.astype(float), speed.astype(float)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("topology")
    parser.add_argument("--bonds", choices=("none", "h-bonds", "all-bonds"), default="none")
    parser.add_argument("--define", action="append", default=[])
    parser.add_argument("--dt", type=float)
    parser.add_argument("--tolerance", type=float)
    parser.add_argument("--velocities", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.velocities and options.dt is None:
        sys.exit("constraint_residual: --velocities needs --dt")
    try:
        if options.topology.endswith(".top"):
            natoms, pairs, lengths = read_top(options.topology, options.bonds, {d: "" for d in options.define})
        else:
            natoms, pairs, lengths = read_list(options.topology)
        if not pairs:
            sys.exit(f"constraint_residual: {options.topology} has no rigid bonds")
        found, error, speed = residuals(options.checkpoint, pairs, lengths)
    except (OSError, KeyError, ValueError, IndexError, AttributeError) as trouble:
        sys.exit(f"constraint_residual: {options.checkpoint}, {options.topology}: {type(trouble).__name__}: {trouble}")
    if natoms is not None and natoms != found:
        sys.exit(f"constraint_residual: {options.topology} has {natoms} atoms, {options.checkpoint} {found}")
    speed *= options.dt or 1
    worst, fastest = int(error.argmax()), int(speed.argmax())
    unit = "" if options.dt else " per unit of time"
    if options.json:
        print(json.dumps({"bonds": len(pairs), "length": error[worst], "length_atoms": [k + 1 for k in pairs[worst]],
                          "velocity": speed[fastest], "velocity_atoms": [k + 1 for k in pairs[fastest]]}))
    else:
        print(f"rigid bonds: {len(pairs)}")
        print("largest relative error of a length: %.3e (atoms %d and %d, length %.9g)" %
              (error[worst], pairs[worst][0] + 1, pairs[worst][1] + 1, lengths[worst]))
        print("largest speed along a bond, over its length: %.3e%s (atoms %d and %d)" %
              (speed[fastest], unit, pairs[fastest][0] + 1, pairs[fastest][1] + 1))
    if options.tolerance is not None:
        bad = [w for w, value in (("length", error[worst]), ("velocity", speed[fastest] if options.velocities else 0))
               if not value <= options.tolerance]
        if bad:
            sys.exit(f"constraint_residual: {' and '.join(bad)} worse than {options.tolerance:g}")


if __name__ == "__main__":
    main()
