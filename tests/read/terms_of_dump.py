#!/usr/bin/python3
"""Figures of the bonded terms that GROMACS makes of a topology, as rows of tests/read/terms.inc.

    gmx_d grompp -f x.mdp -c conf.gro -p topol.top -o x.tpr    (x.mdp: constraints = none, h-bonds, ...)
    gmx_d dump -s x.tpr | terms_of_dump.py NAME ...

A row for each form of sk_bonded_form that occurs, over all molecule types, each once: number of terms, sum over terms
and their atoms of (k + 1) (atom_k + 1), and for every parameter its sum, its sum of squares and its sum times the first
atom's number from 1. Units as in model/bonded.h. A last row: constraints, their lengths and excluded pairs."""
import math
import re
import sys

NUMBER = r"[-+]?\d+\.?\d*(?:e[-+]?\d+)?"
RADIAN = math.pi / 180


def read(lines):
    functions, molecules, fudge = {}, [], 1.0
    for line in lines:
        text = line.strip()
        found = re.match(r"functype\[(\d+)\]=(\w+)(?:, (.*))?", text)
        if found:
            values = dict(re.findall(r"([\w\[\]]+)=\s*(%s)" % NUMBER, found.group(3) or ""))
            functions[int(found.group(1))] = (found.group(2), {k: float(v) for k, v in values.items()})
        elif text.startswith("fudgeQQ"):
            fudge = float(text.split("=")[1])
        elif text.startswith("moltype ("):
            molecules.append({"charge": [], "terms": [], "excluded": 0})
        elif molecules and re.match(r"atom\[ *\d+\]=\{type=", text):
            molecules[-1]["charge"].append(float(re.search(r"q=\s*(%s)" % NUMBER, text).group(1)))
        elif molecules and text.startswith("numElements="):
            molecules[-1]["excluded"] = int(text.split("=")[1]) - len(molecules[-1]["charge"])
        elif molecules:
            found = re.match(r"\d+ type=(\d+) \((\w+)\)((?:\s+\d+)+)$", text)
            if found:
                molecules[-1]["terms"].append((int(found.group(1)), [int(a) for a in found.group(3).split()]))
    return functions, molecules, fudge


def ryckaert(f):
    return [f[1] + 0.5 * (f[0] + f[2]), 0.5 * (3 * f[2] - f[0]), 4 * f[3] - f[1], -2 * f[2], -4 * f[3], 0.0]


def form_of(name, p, charge, atoms, fudge):
    get = lambda *names: [p[n] for n in names]
    pair = lambda: charge[atoms[0]] * charge[atoms[1]]
    table = {
        "BONDS": lambda: ("SK_BOND_HARMONIC", get("b0A", "cbA")),
        "HARMONIC": lambda: ("SK_BOND_HARMONIC", get("b0A", "cbA")),
        "G96BONDS": lambda: ("SK_BOND_G96", [math.sqrt(p["b0A"]), p["cbA"]]),
        "MORSE": lambda: ("SK_BOND_MORSE", get("b0A", "cbA", "betaA")),
        "FENEBONDS": lambda: ("SK_BOND_FENE", get("bm", "kb")),
        "ANGLES": lambda: ("SK_ANGLE_HARMONIC", [p["thA"] * RADIAN, p["ctA"]]),
        "G96ANGLES": lambda: ("SK_ANGLE_G96", [math.acos(p["thA"]), p["ctA"]]),
        "UREY_BRADLEY": lambda: ("SK_ANGLE_UREY_BRADLEY",
                                 [p["thetaA"] * RADIAN] + get("kthetaA", "r13A", "kUBA")),
        "PDIHS": lambda: ("SK_DIHEDRAL_PERIODIC", [p["phiA"] * RADIAN, p["cpA"], p["mult"]]),
        "PIDIHS": lambda: ("SK_IMPROPER_PERIODIC", [p["phiA"] * RADIAN, p["cpA"], p["mult"]]),
        "IDIHS": lambda: ("SK_IMPROPER_HARMONIC", [p["xiA"] * RADIAN, p["cxA"]]),
        "RBDIHS": lambda: ("SK_DIHEDRAL_RYCKAERT", [p["rbcA[%d]" % k] for k in range(6)]),
        "FOURDIHS": lambda: ("SK_DIHEDRAL_RYCKAERT", ryckaert([p["FourA[%d]" % k] for k in range(4)])),
        "LJ14": lambda: ("SK_PAIR_14", get("c6A", "c12A") + [fudge * pair()]),
        "LJC14_Q": lambda: ("SK_PAIR_14", get("c6", "c12") + [p["fqq"] * p["qi"] * p["qj"]]),
        "CMAP": lambda: ("SK_CMAP", []),
    }
    return table[name]() if name in table else (None, None)


def main():
    functions, molecules, fudge = read(sys.stdin)
    rows, rigid, length = {}, 0, 0.0
    for molecule in molecules:
        for kind, atoms in molecule["terms"]:
            name, p = functions[kind]
            if name in ("CONSTR", "CONSTRNC"):
                rigid, length = rigid + 1, length + p["dA"]
            form, values = form_of(name, p, molecule["charge"], atoms, fudge)
            if form is None:
                continue
            row = rows.setdefault(form, [0, 0, [[0.0, 0.0, 0.0] for _ in values]])
            row[0] += 1
            row[1] += sum((k + 1) * (a + 1) for k, a in enumerate(atoms))
            for sums, v in zip(row[2], values):
                sums[0] += v
                sums[1] += v * v
                sums[2] += v * (atoms[0] + 1)
    name = " ".join(sys.argv[1:])
    for form, (n, moment, sums) in rows.items():
        figures = ", ".join("{%.10g, %.10g, %.10g}" % tuple(s) for s in sums) or "{0}"
        print("    {%s, %s, %d, %d, {%s}}," % (name, form, n, moment, figures))
    excluded = sum(m["excluded"] for m in molecules)
    print("    {%s, -1, %d, %d, {{%.10g}}}," % (name, rigid, excluded, length))


main()
