#include "base/sort.h"

#include <string.h>

#define DIGIT_BITS 11
#define DIGITS     (1 << DIGIT_BITS)

void sk_sort_keyed(struct sk_keyed *items, struct sk_keyed *scratch, int64_t n)
{
    uint64_t largest = 0;
    for (int64_t i = 0; i < n; i++)
        largest = items[i].key > largest ? items[i].key : largest;
    struct sk_keyed *from = items, *to = scratch;
    for (int shift = 0; shift < 64 && largest >> shift; shift += DIGIT_BITS) {
        int64_t start[DIGITS + 1] = {0};
        for (int64_t i = 0; i < n; i++)
            start[(from[i].key >> shift & (DIGITS - 1)) + 1]++;
        for (int d = 0; d < DIGITS; d++)
            start[d + 1] += start[d];
        for (int64_t i = 0; i < n; i++)
            to[start[from[i].key >> shift & (DIGITS - 1)]++] = from[i];
        struct sk_keyed *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, (size_t)n * sizeof *items);
}
