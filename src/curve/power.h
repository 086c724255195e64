/* Power: a power diagram as a plan. A cell belongs to the rank whose centre has the least (distance squared - weight),
 * periodically, ties to the lower rank; a few cells are exceptions. All whole numbers, so the same on every machine.
 * Owns its arrays. Not here: how centres are chosen (power_make.c), what a partition costs (count.h). */
#ifndef SK_CURVE_POWER_H
#define SK_CURVE_POWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "curve/plan.h"

#define SK_POWER_UNIT       256 /* parts of a cell's edge */
/* Most exceptions for each rank, in the mean. */
#define SK_POWER_EXCEPTIONS 4
/* Weights stay between minus and plus this. */
#define SK_POWER_MOST       (INT64_C(1) << 60)

struct sk_site {
    int64_t at[3];  /* 0 <= at < n SK_POWER_UNIT, from the centre of cell 0 */
    int64_t weight; /* in units squared */
};

struct sk_exception {
    int32_t cell, rank;
};

/* A box of cells halved along its longest edge again and again; a leaf lists the ranks that may own cells of it. */
struct sk_power_node {
    int32_t axis;  /* 3: a leaf */
    int32_t at;    /* cells below are in the next node; a leaf: its number of ranks */
    int32_t other; /* node of the rest; a leaf: its first candidate */
};

struct sk_power {
    struct sk_site *site;           /* [nranks] */
    struct sk_exception *exception; /* [nexceptions], by cell, ascending; at most SK_POWER_EXCEPTIONS nranks */
    int32_t nexceptions;
    struct sk_power_node *node; /* for looking up: sk_power_index */
    int32_t *candidate;
    size_t nodes, candidates, node_capacity, candidate_capacity;
};

/* A plan of scheme SK_SCHEME_POWER for a share, from the k-d plan of the same share: balanced k-means, then centres,
 * weights and single cells are moved where that saves ghosts and keeps all loads within the cap, max(best possible,
 * (1 + slack) mean), where the best possible is what the Hilbert curve reaches. Returns whether they are; if not, the
 * plan is valid and the best balanced one found. Above SK_POWER_FEW cells: k-means only. Local. */
bool sk_power_make(struct sk_plan *plan, const struct sk_share *share);
#define SK_POWER_FEW 4000000

/* Changes the weights of the centres and the exceptions of a plan, and these as little as possible, until no load of
 * the share is above the cap. Returns whether that is so; if not, the heaviest load is the least found. Local. */
bool sk_power_adjust(struct sk_plan *plan, const struct sk_share *share, double cap);

/* The owner of a cell; the index must be up to date. O(log ranks). */
int32_t sk_power_owner(const struct sk_power *power, const int32_t n[3], const int32_t at[3]);
/* From a site to the centre of a cell; exact, below 2^56. */
int64_t sk_site_distance2(const struct sk_site *site, const int32_t n[3], const int32_t at[3]);
/* Without exceptions. */
int32_t sk_power_owner_by_site(const struct sk_power *power, const int32_t n[3], const int32_t at[3]);
/* Makes the index anew, after a change of sites. O(ranks log ranks). */
void sk_power_index(struct sk_power *power, const int32_t n[3], int nranks);
/* Whether sites, exceptions and their order are in range. */
bool sk_power_is_valid(const struct sk_power *power, const int32_t n[3], int nranks);
void sk_power_clear(struct sk_power *power);

#endif
