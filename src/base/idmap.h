/* Idmap: from 64-bit keys to small integers, by open addressing. Owns its table. Not here: other payloads. */
#ifndef SK_BASE_IDMAP_H
#define SK_BASE_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct sk_idmap {
    size_t size, used; /* size: a power of two, or 0 */
    struct sk_idmap_slot {
        int64_t key; /* -1: free */
        int32_t value;
    } * slot;
};

void sk_idmap_init(struct sk_idmap *map);
void sk_idmap_clear(struct sk_idmap *map);
/* Empties the map and makes room for `expected` keys; it grows beyond by itself. */
void sk_idmap_reset(struct sk_idmap *map, size_t expected);
/* The value of a key >= 0, or -1. */
int32_t sk_idmap_find(const struct sk_idmap *map, int64_t key);
/* Sets the value (>= 0) of a key >= 0. */
void sk_idmap_set(struct sk_idmap *map, int64_t key, int32_t value);

#endif
