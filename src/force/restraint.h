/* Restraint: position restraints, 1/2 sum of k (x - x0)^2 along x, y, z, whose references are fractions of the box:
 * they move when it changes. Each belongs to the owner of its atom. Forces do not sum to zero over the system. Owns the
 * list of this rank, made anew at every rebuild. Not here: where the references are (domain/reference.h). */
#ifndef SK_FORCE_RESTRAINT_H
#define SK_FORCE_RESTRAINT_H

#include "base/int128.h"
#include "domain/reference.h"
#include "geom/box.h"
#include "kernel/bonded.h"
#include "model/forcefield.h"

struct sk_restraint_block {
    int n;
    double k[3][SK_BONDED_BLOCK];
    int32_t atom[1][SK_BONDED_BLOCK]; /* owned */
    sk_frac place[SK_BONDED_BLOCK][3];
};

struct sk_restraints {
    const struct sk_topology *top;
    const struct sk_reference *reference; /* NULL: none are used */
    double (*constants)[3];               /* [parameters of the force field] kx, ky, kz; copied */
    double scale;                         /* force units per kJ/mol/nm */
    int nblocks;
    struct sk_restraint_block *blocks;
    size_t capacity;
};

/* Local. The reference is borrowed; NULL where the topology has no restraints. */
void sk_restraints_init(struct sk_restraints *restraints, const struct sk_topology *top, const struct sk_forcefield *ff,
                        const struct sk_reference *reference, double scale);
void sk_restraints_clear(struct sk_restraints *restraints);
/* Collective. The restraints of the owned atoms. */
void sk_restraints_rebuild(struct sk_restraints *restraints, const struct sk_atoms *atoms);
/* Local. Adds forces to total[owned]. */
void sk_restraints_run(const struct sk_restraints *restraints, const struct sk_atoms *atoms, const struct sk_box *box,
                       int64_t (*total)[3]);
/* Local. Adds energy and the diagonal of the virial, -1/2 sum d g, each rounded once, in SK_ENERGY_SCALE. Returns false
 * if one is out of range (not added). */
bool sk_restraints_measure(const struct sk_restraints *restraints, const struct sk_atoms *atoms,
                           const struct sk_box *box, sk_int128 *energy, sk_int128 virial[3]);
size_t sk_restraints_memory(const struct sk_restraints *restraints);

#endif
