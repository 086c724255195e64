/* Sets: disjoint sets of the integers 0 .. n - 1 (union-find), each known by its lowest member.
 * The caller owns parent[n]. Not here: sets that come apart again. */
#ifndef SK_BASE_SETS_H
#define SK_BASE_SETS_H

#include <stdint.h>

/* Every member alone. */
static inline void sk_sets_init(int32_t *parent, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        parent[i] = i;
}

/* The lowest member of the set of i; paths are halved on the way. */
static inline int32_t sk_sets_root(int32_t *parent, int32_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

static inline void sk_sets_join(int32_t *parent, int32_t i, int32_t j)
{
    i = sk_sets_root(parent, i);
    j = sk_sets_root(parent, j);
    if (i < j)
        parent[j] = i;
    else
        parent[i] = j;
}

#endif
