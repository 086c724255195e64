"""Opens a trajectory of mpi_trajectory in MDAnalysis, without a topology file, and compares it with the frames' definition
(tests/io/system.h), computed here a second time.

    check_h5md.py FILE WATERS FRAMES gromacs|lj [--at-least]

--at-least: the file may hold frames that were begun after these FRAMES, which alone must be right."""
import sys
import warnings

import h5py
import numpy

with warnings.catch_warnings(record=True):
    import MDAnalysis

MASK = 2**64 - 1


def mix(x):
    """SplitMix64 on arrays of uint64."""
    with numpy.errstate(over="ignore"):
        x = x + numpy.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        return x ^ (x >> numpy.uint64(31))


def frame(natoms, k):
    """Fractions, images and velocities of configuration k, and the box edges."""
    with numpy.errstate(over="ignore"):
        index = numpy.arange(natoms * 3, dtype=numpy.uint64) + numpy.uint64(k * 0x1000003)
    bits = mix(index).reshape(natoms, 3)
    image = (bits % numpy.uint64(7)).astype(numpy.int32) - 3
    v = mix(bits).view(numpy.int64).astype(float) * 2.0**-62
    v[::11, 1] = -0.0
    return bits.astype(float) * 2.0**-64, image, v, numpy.array([3.0, 4.0, 5.0]) + 0.125 * k


def require(claim, what):
    if not claim:
        sys.exit(f"FAILED: {what}")


def close(a, b, scale, what):
    worst = numpy.abs(numpy.asarray(a, dtype=float) - b).max()
    require(worst <= 2e-7 * scale, f"{what} off by {worst}")


def check_frames(universe, natoms, frames, is_lj):
    # MDAnalysis turns nm, ps, kJ/mol into Angstrom, ps, kJ/mol/Angstrom; without units it takes numbers as they are.
    length, force = (1, 1) if is_lj else (10, 0.1)
    for k, ts in enumerate(universe.trajectory[:frames]):
        x, _, v, edges = frame(natoms, k)
        require(ts.time == 0.25 * k, f"frame {k}: time {ts.time}")
        require(ts.data["step"] == 10 * k, f"frame {k}: step {ts.data['step']}")
        close(ts.dimensions, numpy.append(edges * length, [90, 90, 90]), 100, f"frame {k}: box")
        close(ts.positions, x * edges * length, 2 * edges.max() * length, f"frame {k}: positions")
        close(ts.velocities, v * length, 2 * length, f"frame {k}: velocities")
        close(ts.forces, -3 * v * force, 6 * force, f"frame {k}: forces")


def check_static(file, natoms, frames):
    """What MDAnalysis does not read."""
    atoms = file["particles/trajectory"]
    topology = file["parameters/topology"]
    ids = numpy.arange(1, natoms + 1)
    require(list(file["h5md"].attrs["version"]) == [1, 1], "H5MD version")
    require((atoms["id"][:] == ids).all(), "id")
    require((atoms["species"][:] == ((ids - 1) % 3 > 0)).all(), "species")
    require((atoms["mass"][:] == numpy.where((ids - 1) % 3 == 0, 15.9994, 1.008)).all(), "mass")
    require((atoms["charge"][:] == numpy.where((ids - 1) % 3 == 0, -0.8476, 0.4238)).all(), "charge")
    require(list(topology["atom_name"][:]) == [b"OW", b"HW1", b"HW2"] * (natoms // 3), "atom names")
    require(set(topology["residue_name"][:]) == {b"SOL"}, "residue names")
    require((topology["residue_id"][:] == (ids - 1) // 3 + 1).all(), "residue ids")
    oxygen = ids[::3]
    bonds = numpy.stack([oxygen, oxygen + 1, oxygen, oxygen + 2], axis=1).reshape(-1, 2)
    require((topology["bonds"][:] == bonds).all(), "bonds")
    require(file["parameters/run"].attrs["velocity_time"] == "half-step-back", "velocity time")
    for k in range(frames):
        require((atoms["image/value"][k] == frame(natoms, k)[1]).all(), f"frame {k}: images")


def main():
    path, waters, frames, units = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    is_lj, natoms = units == "lj", 3 * waters
    if is_lj:
        # MDAnalysis 2.4 passes convert_units on to its count of atoms, which refuses it.
        universe = MDAnalysis.Universe.empty(natoms)
        universe.load_new(path, convert_units=False)
    else:
        universe = MDAnalysis.Universe(path)
    count = len(universe.trajectory)
    require(len(universe.atoms) == natoms, f"{len(universe.atoms)} atoms")
    require(count == frames or ("--at-least" in sys.argv and count > frames), f"{count} frames, expected {frames}")
    check_frames(universe, natoms, frames, is_lj)
    with h5py.File(path, "r") as file:
        check_static(file, natoms, frames)
        has_unit = "unit" in file["particles/trajectory/position/value"].attrs
        require(has_unit != is_lj, "units")
    print(f"MDAnalysis reads {frames} frames of {natoms} atoms")


if __name__ == "__main__":
    main()
