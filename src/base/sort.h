/* Sort: stable radix sort of small keyed indices. Owns nothing. */
#ifndef SK_BASE_SORT_H
#define SK_BASE_SORT_H

#include <stdint.h>

struct sk_keyed {
    uint64_t key;
    int64_t value;
};
/* Sorts items[n] by key, ascending, stable; scratch[n] is overwritten. O(n) per significant byte pair. */
void sk_sort_keyed(struct sk_keyed *items, struct sk_keyed *scratch, int64_t n);

#endif
