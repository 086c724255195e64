/* Near: which of many bounding boxes come within a radius of one box. Allocates nothing, communicates nothing.
 * Not here: trees of boxes (neigh). */
#ifndef SK_KERNEL_NEAR_H
#define SK_KERNEL_NEAR_H

#include <stdint.h>

#define SK_BRANCH 8 /* boxes to an element: packs or nodes under a node of neigh's trees */

/* Bounding boxes of SK_BRANCH siblings; an empty sibling has lo > hi. Length units. */
struct sk_boxes {
    float lo[3][SK_BRANCH], hi[3][SK_BRANCH];
} __attribute__((aligned(64)));

/* bits[c] for c in [0, n): bit b is set if the distance of box b of elements[index[c]] from the box lo..hi is at most
 * the square root of radius2 (float arithmetic: the caller widens the radius by its rounding). */
typedef void sk_near_kernel(const struct sk_boxes *elements, const int *index, int n, const float lo[3],
                            const float hi[3], float radius2, uint8_t *bits);

#endif
