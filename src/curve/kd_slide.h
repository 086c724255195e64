/* Slide of k-d plans: moves the planes, within a cap on the load, to where the ranks have fewer ghosts.
 * Borrows the plan and the map of its owners. Not here: the first planes (kd.c), cuts of curves (slide.h). */
#ifndef SK_CURVE_KD_SLIDE_H
#define SK_CURVE_KD_SLIDE_H

#include "curve/map.h"

/* Changes places and steps of the planes, never the tree, so that the ghosts of all ranks (map.h) fall. No rank becomes
 * heavier than the cap, or than the heaviest is already; ghosts rise only where that brings loads below the cap. The
 * map is that of the share that the planes cut (origin 0), and has the owners of the plan before the call, not after
 * it. Annealing, the same everywhere; a tenth of a second on 64 ranks. Local. */
void sk_kd_slide(struct sk_plan *plan, struct sk_map *map, int64_t cap);

#endif
