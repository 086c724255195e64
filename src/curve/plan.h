/* Plan: who owns each cell of a grid, as O(ranks) data: cut keys along a curve, a tree of planes (kd), or
 * centres with weights (power).
 * Owns its arrays; borrows weights for the call. Local throughout: nothing here communicates.
 * Not here: which plan is best (score.h), what it costs (count.h). */
#ifndef SK_CURVE_PLAN_H
#define SK_CURVE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "curve/curve.h"

struct sk_stencil;

enum sk_scheme { SK_SCHEME_HILBERT, SK_SCHEME_MORTON, SK_SCHEME_KD, SK_SCHEME_POWER };
#define SK_SCHEMES 4

struct sk_power; /* power.h */

/* A ragged plane: cells whose places along (axis, second, third) come lexicographically before `at` are on the left.
 * With at[1] = at[2] = 0 it is flat; else it has a step, so that the counts on both sides are exact. Places along the
 * second and third axes are counted from their upper ends where flip has bit 0 and 1 set. */
struct sk_plane {
    int32_t at[3];
    int32_t left;                      /* ranks on the left: the first ones of the node's */
    uint8_t axis, second, flip, spare; /* spare: 0, so that equal planes are equal bytes */
};

struct sk_plan {
    enum sk_scheme scheme;
    int turn; /* of the curve: 0 .. SK_CURVE_TURNS - 1 */
    int32_t n[3];
    int nranks;
    sk_key *cut;            /* [nranks + 1]: rank r owns keys in [cut[r], cut[r + 1]); NULL for others */
    int32_t origin[3];      /* of planes: the places they tell are counted from this cell, periodically (origin.h) */
    struct sk_plane *plane; /* [nranks - 1]: a tree in preorder: below node i the left child is i + 1, the right one
                             * i + left, and a node of one rank is that rank; NULL for others */
    struct sk_power *power; /* NULL for others */
};

/* What to share out. */
struct sk_share {
    int32_t n[3];
    int nranks;
    const int64_t *weight; /* [n0 n1 n2], x fastest, >= 0; NULL: every cell weighs 1 */
    const int32_t *atoms;  /* [n0 n1 n2]: what a ghost cell costs; NULL: 1 */
    /* A rank may be heavier than the mean by this share of it if that saves ghosts; 0: the best balance and nothing
     * else (exact bottleneck along curves, counts equal to one cell under kd). */
    double slack;
    const struct sk_stencil *stencil; /* whose ghosts are counted to choose among plans (score.h); NULL: the shell's */
};

/* Curves: exact bottleneck cut (chain.h), then slid within the slack (slide.h). kd: planes planned for the fewest
 * ghosts (kd.c). power: see sk_power_make. These two ignore the turn. At most 2^31 - 1 cells; 15 bytes per cell of
 * memory, 12 for kd (24 with weights), 40 for power (64). Local. */
void sk_plan_make(struct sk_plan *plan, const struct sk_share *share, enum sk_scheme scheme, int turn);
void sk_plan_clear(struct sk_plan *plan);

/* The curve along which the scheme orders cells. */
static inline enum sk_curve_kind sk_plan_curve(const struct sk_plan *plan)
{
    return plan->scheme == SK_SCHEME_MORTON ? SK_CURVE_KIND_MORTON : SK_CURVE_KIND_HILBERT;
}
/* The rank that owns a cell, 0 <= x < n. O(log ranks). */
int32_t sk_plan_owner(const struct sk_plan *plan, int32_t x, int32_t y, int32_t z);
/* The same for all cells, x fastest. */
void sk_plan_owners(const struct sk_plan *plan, int32_t *owner);

/* To bytes and back, on the same kind of machine: for a broadcast. bytes NULL: the size only. */
size_t sk_plan_pack(const struct sk_plan *plan, void *bytes);
/* The caller clears the plan. SK_EINPUT if the bytes are not a plan. */
enum sk_code sk_plan_unpack(struct sk_plan *plan, const void *bytes, size_t size, struct sk_error *err);

bool sk_plane_is_left(const struct sk_plane *plane, const int32_t n[3], const int32_t at[3]);
/* The rank of a cell below a node of the tree, its first one being 0. */
int32_t sk_plane_owner(const struct sk_plane *node, int32_t ranks, const int32_t n[3], const int32_t at[3]);
/* kd.c: the tree of planes. */
void sk_kd_make(struct sk_plan *plan, const struct sk_share *share);

#endif
