/* Origin: where a periodic box is opened before planes cut it.
 * Owns the arrays of the shares it makes, but for those that it borrows from the share that was given.
 * Not here: the planes (kd.c), curves, which have their own order. */
#ifndef SK_CURVE_ORIGIN_H
#define SK_CURVE_ORIGIN_H

#include "curve/plan.h"

/* The planes of a tree never pass through the faces of the box: a slab or droplet that lies across a face would be cut
 * there, whatever else. So the faces are moved, along each axis, to where there is least weight; not if there is little
 * to gain. origin: the cell that becomes the first one, 0 <= origin < n. Local. */
void sk_origin_choose(const struct sk_share *share, int32_t origin[3]);
/* The share as seen from there: cell (x, y, z) of it is cell origin + (x, y, z), periodically; with the same arrays
 * where nothing moves. The caller clears it before it frees the share. Local. */
void sk_origin_move(const struct sk_share *share, const int32_t origin[3], struct sk_share *moved);
void sk_origin_clear(const struct sk_share *share, struct sk_share *moved);

static inline int32_t sk_origin_place(int32_t at, int32_t origin, int32_t n)
{
    return at < origin ? at - origin + n : at - origin;
}

#endif
