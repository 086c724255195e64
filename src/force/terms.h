/* Terms: what is not in tiles: excluded pairs in a reaction field, and the sums that are only wanted now and then
 * (energies, virial). Part of force; owns nothing of its own. */
#ifndef SK_FORCE_TERMS_H
#define SK_FORCE_TERMS_H

#include "force/force.h"

/* Lists the excluded pairs of owned atoms (empty without a reaction field). */
void sk_terms_list_excluded(struct sk_force *force, const struct sk_atoms *atoms);
/* Adds their forces to force->total: F = -2 k_rf q_i q_j r within the cutoff. */
void sk_terms_add_excluded(struct sk_force *force, const struct sk_atoms *atoms, const struct sk_box *box);

#endif
