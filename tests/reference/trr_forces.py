#!/usr/bin/env python3
"""Forces of the first frame of a GROMACS .trr (single or double precision) as text: 'id fx fy fz', ids from 1.
usage: trr_forces.py IN.trr OUT.txt.xz   (standard library only)"""
import lzma, math, struct, sys


def first_frame(data):
    at = 0

    def integer():
        nonlocal at
        at += 4
        return struct.unpack_from('>i', data, at - 4)[0]

    assert integer() == 1993, 'not a .trr file'
    integer()
    length = integer()
    at += (length + 3) // 4 * 4
    size = [integer() for _ in range(10)]  # ir, e, box, vir, pres, top, sym, x, v, f
    natoms, _, _ = integer(), integer(), integer()
    real = size[2] // 9
    at += 2 * real                         # time, lambda
    at += sum(size[2:9])                   # box .. v
    assert size[9] == 3 * natoms * real, 'no forces in the frame'
    return natoms, struct.unpack_from('>%d%s' % (3 * natoms, 'd' if real == 8 else 'f'), data, at)


natoms, f = first_frame(open(sys.argv[1], 'rb').read())
rms = math.sqrt(sum(c * c for c in f) / natoms)
with lzma.open(sys.argv[2], 'wt', preset=9) as out:
    out.write('# natoms=%d rms_vector=%.12g kJ/mol/nm, id fx fy fz\n' % (natoms, rms))
    for i in range(natoms):
        out.write('%d %.10g %.10g %.10g\n' % (i + 1, *f[3 * i:3 * i + 3]))
print('%s: %d atoms, rms force %.9g' % (sys.argv[2], natoms, rms))
