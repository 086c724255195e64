/* Parts: the Lennard-Jones and direct Coulomb energies of a step, told apart by pairs of groups of atoms; integers that
 * sum exactly to the totals, whoever computes what. Owns which group each lane is in; borrows the groups. Not here: the
 * energies themselves (force.h, bonded.h, excluded.h), which add to the parts where they are made. */
#ifndef SK_FORCE_PARTS_H
#define SK_FORCE_PARTS_H

#include "base/int128.h"
#include "domain/halo.h"
#include "model/groups.h"
#include "neigh/clusters.h"

#define SK_PARTS (SK_GROUPS_MAX * (SK_GROUPS_MAX + 1) / 2)

struct sk_parts {
    const struct sk_groups *groups;
    struct sk_grouping grouping; /* n = 0: no parts are wanted */
    uint8_t *lane;               /* [packs][8] its group */
    size_t lane_capacity;
    /* By sk_group_pair, in SK_ENERGY_SCALE: Lennard-Jones and Coulomb energies of pairs in the list, and of 1-4 pairs.
     * Of this rank, until sk_parts_sum. */
    sk_int128 pair[SK_PARTS][2], near[SK_PARTS][2];
    double charge2[SK_GROUPS_MAX]; /* sums of squared charges over all atoms; sk_parts_count */
};

/* names: a list of groups, empty for none. Every atom is in exactly one of them: the caller has seen to it. Local. */
void sk_parts_init(struct sk_parts *parts, const struct sk_groups *groups, const char *names);
void sk_parts_clear(struct sk_parts *parts);
static inline bool sk_parts_are_wanted(const struct sk_parts *parts)
{
    return parts->grouping.n > 0;
}
/* Collective. */
void sk_parts_count(struct sk_parts *parts, struct sk_comm *comm, const struct sk_atoms *atoms);
/* Local. After every sk_clusters_build. */
void sk_parts_set_lanes(struct sk_parts *parts, const struct sk_clusters *clusters, const struct sk_atoms *atoms,
                        const struct sk_halo *halo);
/* Local. All energies are zero. */
void sk_parts_reset(struct sk_parts *parts);
/* Local. The place in the matrix of two atoms whose kinds come from their templates. */
int sk_parts_of(const struct sk_parts *parts, sk_gid i, sk_gid j);
/* Collective. Energies are those of all ranks. */
void sk_parts_sum(struct sk_parts *parts, struct sk_comm *comm);

#endif
