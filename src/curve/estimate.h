/* Estimate: the fewest ghosts that a box of evenly spread weight has if it is cut into bricks, from real edges.
 * Owns the memo. Not here: where the cells are (kd.c). */
#ifndef SK_CURVE_ESTIMATE_H
#define SK_CURVE_ESTIMATE_H

#include <stddef.h>
#include <stdint.h>

struct sk_memo;

struct sk_estimate {
    int32_t n[3];         /* the periodic grid: ghosts do not overlap around it */
    int exact_below;      /* boxes of fewer ranks are searched, others have a formula */
    struct sk_memo *memo; /* freed by the caller, sk_free */
    size_t memo_size, memo_used;
};

#define SK_RATIOS 12

/* Summed ghosts of all ranks, at least 1; edges > 0. */
double sk_estimate_ghosts(struct sk_estimate *e, int ranks, const double edge[3]);
/* What a cut across an axis at this distance costs more because it ends within a layer; 0 if it does not. */
double sk_estimate_step(const double edge[3], int axis, double at);
/* Numbers of ranks worth trying on the smaller side of a cut, `layers` being the edge in bricks; returns how many. */
int sk_estimate_ratios(int ranks, double layers, int ratio[SK_RATIOS]);

#endif
