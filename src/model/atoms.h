/* Atoms: the state of the atoms a rank owns, structure of arrays, in home order: ownership groups
 * contiguous (anchor first, then members by place), groups sorted by cell along the curve.
 * Owns its arrays. Not here: ghosts, kernel copies (neigh), forces (force). */
#ifndef SK_MODEL_ATOMS_H
#define SK_MODEL_ATOMS_H

#include <stddef.h>

#include "geom/box.h"

struct sk_atoms {
    int n;
    size_t capacity;
    uint64_t revision;   /* grows when order or membership changes */
    sk_gid *id;          /* [n] */
    int32_t *kind;       /* [n] index into sk_topology.kinds */
    sk_frac (*x)[3];     /* [n] fraction of the box edge */
    int32_t (*image)[3]; /* [n] wraps; x + image * 2^64 is the unwrapped place */
    double (*v)[3];      /* [n] length / time, raw bits are state */
    double (*move)[3];   /* [n] length, the last displacement: what a minimizer goes on from, and may take back */
    int32_t (*frame)[3]; /* [n] image of the group's anchor at the last rebuild: kernel coordinates count from it */
    int32_t *group_size; /* [n] atoms of the group at its anchor, 0 elsewhere */
};

void sk_atoms_init(struct sk_atoms *atoms);
void sk_atoms_clear(struct sk_atoms *atoms);
/* Room for n atoms; n and the content stay. */
void sk_atoms_reserve(struct sk_atoms *atoms, size_t n);
/* Bytes held. */
size_t sk_atoms_memory(const struct sk_atoms *atoms);
/* The record that travels when an atom changes its owner; plain bytes. */
struct sk_atom_record {
    sk_gid id;
    sk_frac x[3];
    double v[3];
    double move[3];
    int32_t image[3];
    int32_t kind;
    int32_t group_size;
};
/* put needs i < capacity, leaves n alone and sets frame to the atom's own image (right for an anchor;
 * the rebuild gives members their anchor's). */
void sk_atoms_get(const struct sk_atoms *atoms, int i, struct sk_atom_record *record);
void sk_atoms_put(struct sk_atoms *atoms, int i, const struct sk_atom_record *record);

/* The sum modulo 2^64 over atoms of XXH3_64 of (id + 1 as u64, x 3 x u64, image 3 x i32, v 3 x f64 with -0
 * made +0), little-endian, packed without padding (68 bytes). Box and step are added by sk_state_hash_frame. */
uint64_t sk_atoms_hash(const struct sk_atoms *atoms);
/* XXH3_64 of (edge 3 x f64, step u64), in a box that is not rectangular also (tilt 3 x f64), little-endian, 32 or 56
 * bytes: added once to the sum over ranks. */
uint64_t sk_state_hash_frame(const struct sk_box *box, int64_t step);

#endif
