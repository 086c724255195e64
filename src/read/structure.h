/* Structure: what is common to the readers of coordinates: a stream of blocks handed to a callback.
 * Serial, sees no par. Memory is bounded by the block, never by the system. */
#ifndef SK_READ_STRUCTURE_H
#define SK_READ_STRUCTURE_H

#include <stdbool.h>

#include "base/status.h"
#include "geom/box.h"
#include "model/forcefield.h"
#include "model/parameters.h"
#include "model/topology.h"

#define SK_BLOCK_ATOMS 8192

/* Atoms in file order, in the run's units, box-relative origin removed (coordinates start at 0). */
struct sk_atom_block {
    int n;
    sk_gid id[SK_BLOCK_ATOMS];        /* 0-based, in the unit system */
    int32_t kind[SK_BLOCK_ATOMS];     /* index into topology.kinds, or -1: from the template */
    double x[SK_BLOCK_ATOMS][3];      /* length */
    double v[SK_BLOCK_ATOMS][3];      /* length / time; zeros where the file has none */
    int32_t image[SK_BLOCK_ATOMS][3]; /* image flags of the file, else 0 */
};
typedef enum sk_code sk_atom_sink(void *context, const struct sk_atom_block *block, struct sk_error *err);

/* What a coordinate file says besides the atoms. */
struct sk_structure {
    int64_t natoms; /* in the file (unit system) */
    struct sk_box box;
    bool has_velocities;
};

/* .gro: reads everything but coordinates first (title, count, box from the last line), so that the box is known before
 * the atoms. Tilts beyond half an edge are reduced: the lattice is the same. Names are checked against the topology
 * (residue and atom names that differ: an error naming both, at most the first). */
enum sk_code sk_gro_open(const char *path, struct sk_structure *structure, struct sk_error *err);
enum sk_code sk_gro_read(const char *path, const struct sk_topology *top, sk_atom_sink *sink, void *context,
                         struct sk_error *err);
/* .top with #include, #define, #ifdef; fills both (initialised, empty), unit system only (replicate is applied by the
 * caller, who then calls sk_topology_finish again). bonds says which bonds become constraints; those that do not are
 * refused where they are used. On an error both are left empty. The same holds for sk_data_open. */
enum sk_code sk_top_read(const char *path, const char *define, const char *include_path, enum sk_bonds bonds,
                         struct sk_topology *top, struct sk_forcefield *ff, struct sk_error *err);
/* LAMMPS data file, in two passes. Open: header, masses, coefficients, terms and the kinds, ordered by type and charge;
 * types of the force field are the file's. Atoms without terms are of a molecule type 'atom', of one atom whose kind
 * comes with the atom; molecules are cut out of the ids by terms (lammps_molecules.c), and their templates have kinds.
 * Terms and kinds of all atoms are held while they are read. Read: Atoms blocks with v zero, then Velocities blocks
 * through velocity_sink (NULL: not wanted) with only id and v set, to be matched by id. */
enum sk_code sk_data_open(const char *path, const struct sk_parameters *parameters, struct sk_structure *structure,
                          struct sk_topology *top, struct sk_forcefield *ff, struct sk_error *err);
enum sk_code sk_data_read(const char *path, const struct sk_parameters *parameters, const struct sk_topology *top,
                          sk_atom_sink *atom_sink, sk_atom_sink *velocity_sink, void *context, struct sk_error *err);
/* Coulomb constant in the run's units: that of sk_units_of, but for a data file in real units LAMMPS' own
 * 332.06371 kcal/mol A e^-2. Local. */
double sk_data_coulomb(const struct sk_parameters *parameters);

#endif
