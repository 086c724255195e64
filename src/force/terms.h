/* Terms: what is not in tiles: excluded pairs in a reaction field, and the sums that are only wanted now and then
 * (energies, virial). Part of force; owns nothing of its own. */
#ifndef SK_FORCE_TERMS_H
#define SK_FORCE_TERMS_H

#include "force/force.h"

/* Adds the forces of the excluded pairs of a part to the packs' pair forces and to the shift forces, at the packs'
 * present coordinates: F = -2 k_rf q_i q_j r within the Coulomb cutoff. */
void sk_terms_add_excluded(struct sk_force *force, enum sk_list_part part);
/* The same for a wide step, both parts. */
void sk_terms_add_excluded_wide(struct sk_force *force);
/* With cores, in a wide step: pairs of atoms on one point are pushed apart. Defined in closest.c. */
void sk_terms_part_coincident(struct sk_force *force, const struct sk_atoms *atoms, const struct sk_halo *halo);

#endif
