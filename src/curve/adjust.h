/* Adjust: a plan for new weights that is as near to an old plan as a cap on the load allows, so that few atoms change
 * rank. Changes the plan in place; borrows the share. Local throughout.
 * Not here: when to adjust or to plan anew (domain); plans from nothing (plan.h). */
#ifndef SK_CURVE_ADJUST_H
#define SK_CURVE_ADJUST_H

#include <stdint.h>

#include "curve/plan.h"

/* Moves the cuts or planes of a plan, or the weights of its centres (power.h), keeping its turn, its tree and axes, as
 * little as brings every rank's weight to (1 + slack) of the mean or as near to it as its cuts allow: along curves the
 * best bottleneck there is, under kd one cell's weight more at most. share->slack is not looked at; slack >= 0. A plan
 * that is in bounds stays as it is, bit for bit, and the heaviest rank never becomes heavier. Along curves no cuts
 * within four mean parts of these move less, each atom counted for every cut that passes it; but what one end of a
 * curve gains passes through all ranks up to the other end, so kd and power move far less when a profile drifts. Linear
 * in cells, kd: times the depth of the tree, squared at most; 60 bytes per cell of memory, 8 for kd. Local. */
void sk_plan_adjust(struct sk_plan *plan, const struct sk_share *share, double slack);

/* Atoms (share->atoms; NULL: cells) in the cells whose owner differs between two plans of one grid. O(cells). Local. */
int64_t sk_plan_moved(const struct sk_plan *before, const struct sk_plan *after, const struct sk_share *share);

#endif
