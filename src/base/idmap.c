#include "base/idmap.h"

#include <string.h>

#include "base/memory.h"
#include "base/status.h"

void sk_idmap_init(struct sk_idmap *map)
{
    memset(map, 0, sizeof *map);
}

void sk_idmap_clear(struct sk_idmap *map)
{
    sk_free(&map->slot);
    sk_idmap_init(map);
}

static size_t idmap_place(const struct sk_idmap *map, int64_t key)
{
    uint64_t h = (uint64_t)key * 0x9e3779b97f4a7c15u;
    size_t s = (size_t)(h >> 20) & (map->size - 1);
    while (map->slot[s].key >= 0 && map->slot[s].key != key)
        s = (s + 1) & (map->size - 1);
    return s;
}

void sk_idmap_reset(struct sk_idmap *map, size_t expected)
{
    size_t size = 16;
    while (size < 2 * expected)
        size *= 2;
    if (size > map->size) {
        sk_free(&map->slot);
        map->slot = sk_alloc(size, sizeof *map->slot);
        map->size = size;
    }
    for (size_t s = 0; s < map->size; s++)
        map->slot[s].key = -1;
    map->used = 0;
}

int32_t sk_idmap_find(const struct sk_idmap *map, int64_t key)
{
    if (map->used == 0)
        return -1;
    const struct sk_idmap_slot *slot = &map->slot[idmap_place(map, key)];
    return slot->key < 0 ? -1 : slot->value;
}

static void idmap_grow(struct sk_idmap *map)
{
    struct sk_idmap old = *map;
    sk_idmap_init(map);
    sk_idmap_reset(map, old.size);
    for (size_t s = 0; s < old.size; s++)
        if (old.slot[s].key >= 0)
            sk_idmap_set(map, old.slot[s].key, old.slot[s].value);
    sk_free(&old.slot);
}

void sk_idmap_set(struct sk_idmap *map, int64_t key, int32_t value)
{
    SK_REQUIRE(key >= 0 && value >= 0);
    if (2 * (map->used + 1) > map->size)
        idmap_grow(map);
    struct sk_idmap_slot *slot = &map->slot[idmap_place(map, key)];
    map->used += slot->key < 0;
    *slot = (struct sk_idmap_slot){key, value};
}
