/* Excluded: pairs of a topology without Coulomb interaction, of which the Ewald mesh computes its part all the same:
 * here it is taken back, at any distance, in the image of the shorter difference. A pair belongs to the owner of its
 * first atom. Sums are integers: bits do not depend on ranks. Owns pairs, made anew at every rebuild; borrows local
 * atoms and the topology. Not here: the mesh. */
#ifndef SK_FORCE_EXCLUDED_H
#define SK_FORCE_EXCLUDED_H

#include "base/int128.h"
#include "force/local.h"
#include "force/parts.h"
#include "geom/box.h"
#include "kernel/pair.h"

/* Charged exclusions of a molecule type by their first place: those of place a are start[a] .. start[a + 1] - 1. */
struct sk_excluded_index {
    int *start, *other; /* [natoms + 1]; places beyond the first one */
    double *qq;         /* products of charges with the Coulomb constant */
};

struct sk_excluded {
    const struct sk_topology *top;
    const struct sk_kernel_variant *variant;
    struct sk_excluded_index *index; /* [moltypes]; NULL: not used */
    struct sk_ewald_series near;     /* for the distances that most pairs have */
    double scale;                    /* force units per kJ/mol/nm */
    int64_t expected, expected_hash; /* pairs over all ranks and the sum of the hashes of their ids */
    int n;
    int32_t (*atom)[2]; /* [n] local atoms */
    double *qq;         /* [n] */
    size_t atom_capacity, qq_capacity;
};

/* Collective. Makes the molecules that have such pairs wanted in local. `coulomb`: energy x length / charge^2. */
void sk_excluded_init(struct sk_excluded *excluded, struct sk_local *local, const struct sk_kernel_variant *variant,
                      double beta, double coulomb, double scale);
/* A zeroed struct counts as without pairs here and in all that follows. */
void sk_excluded_clear(struct sk_excluded *excluded);
/* Local, between sk_local_list and connect. */
void sk_excluded_list(struct sk_excluded *excluded, struct sk_local *local);
/* Collective: every pair once. Errors: SK_EINTERNAL. */
enum sk_code sk_excluded_verify(const struct sk_excluded *excluded, struct sk_comm *comm, const struct sk_local *local,
                                struct sk_error *err);
/* Local, between sk_local_receive and return: adds to the forces of local atoms. */
void sk_excluded_run(const struct sk_excluded *excluded, struct sk_local *local, const struct sk_box *box);
/* Local. Adds energy and the diagonal of the virial, -1/2 sum d g, at the last evaluation's places, each pair rounded
 * once, in SK_ENERGY_SCALE; the energy also to parts unless NULL. */
void sk_excluded_measure(const struct sk_excluded *excluded, const struct sk_local *local, const struct sk_box *box,
                         sk_int128 *energy, sk_int128 virial[3], struct sk_parts *parts);
size_t sk_excluded_memory(const struct sk_excluded *excluded);

#endif
