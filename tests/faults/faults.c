/* Planted faults: linked with --wrap between the engine's objects, so that a run can lose a ghost, count a pair twice,
 * use a stale message or lose a molecule, as a bug would. tests/system/test_faults.sh claims that each is noticed:
 * another state hash, or a check that ends the run. SKEIN_FAULT names the fault; without it nothing is changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "domain/domain.h"
#include "neigh/list.h"

void __real_sk_list_build(struct sk_list *list, const struct sk_list_context *context);
void __wrap_sk_list_build(struct sk_list *list, const struct sk_list_context *context);
void __real_sk_home_migrate(struct sk_home *home, struct sk_cells *cells, struct sk_comm *comm, struct sk_atoms *atoms);
void __wrap_sk_home_migrate(struct sk_home *home, struct sk_cells *cells, struct sk_comm *comm, struct sk_atoms *atoms);
const int32_t (*__real_sk_halo_arrived(struct sk_halo *halo, int *first, int *count))[3];
const int32_t (*__wrap_sk_halo_arrived(struct sk_halo *halo, int *first, int *count))[3];

/* On one rank of several, once, in the midst of the run: at the `when`-th call. */
static bool is_now(const char *fault, int *calls, int when)
{
    const char *wanted = getenv("SKEIN_FAULT");
    if (!wanted || strcmp(wanted, fault) != 0 || sk_process_rank() != 1 || ++*calls != when)
        return false;
    fprintf(stderr, "planted: %s\n", fault);
    return true;
}

/* All pairs of the ghost with the most of them leave the list. */
static void drop_ghost(struct sk_list *list, const struct sk_clusters *clusters)
{
    struct sk_tile_list *part = &list->outer[SK_LIST_BOUNDARY];
    int slots = clusters->packs.n * SK_PACK, best = -1;
    int *pairs = sk_calloc((size_t)slots, sizeof *pairs);
    for (int t = 0; t < part->ntiles; t++)
        for (int bit = 0; bit < 32; bit++)
            if (part->tiles[t].mask >> bit & 1)
                pairs[part->tiles[t].pack * SK_PACK + bit % 8]++;
    for (int s = 0; s < slots; s++)
        if (clusters->atom[s] >= clusters->nowned && (best < 0 || pairs[s] > pairs[best]))
            best = s;
    sk_free(&pairs);
    SK_REQUIRE(best >= 0);
    for (int e = 0; e < part->nentries; e++) {
        struct sk_ientry *entry = &part->entries[e];
        entry->first_full = entry->end; /* every mask is looked at */
        for (int t = entry->first; t < entry->end; t++) {
            if (part->tiles[t].pack == best / SK_PACK)
                part->tiles[t].mask &= ~(0x01010101u << best % SK_PACK);
            if (entry->icluster == best / SK_HALF)
                part->tiles[t].mask &= ~(0xFFu << 8 * (best % SK_HALF));
        }
    }
}

/* A tile of neighbours for certain (a pack with itself) is listed a second time. */
static void double_pair(struct sk_list *list)
{
    struct sk_tile_list *part = &list->outer[SK_LIST_INTERIOR];
    for (int e = 0; e < part->nentries; e++) {
        struct sk_ientry entry = part->entries[e];
        for (int t = entry.first; t < entry.end; t++) {
            struct sk_tile tile = part->tiles[t];
            if (tile.pack != entry.icluster / 2 || entry.shift != SK_SHIFT_NONE || tile.mask == 0)
                continue;
            sk_reserve(&part->tiles, &part->tiles_capacity, (size_t)part->ntiles + 1);
            sk_reserve(&part->entries, &part->entries_capacity, (size_t)part->nentries + 1);
            entry.first = part->ntiles;
            entry.first_full = entry.end = part->ntiles + 1;
            part->tiles[part->ntiles++] = tile;
            part->entries[part->nentries++] = entry;
            return;
        }
    }
    SK_REQUIRE(!"no tile to double");
}

void __wrap_sk_list_build(struct sk_list *list, const struct sk_list_context *context)
{
    static int ghost, pair;
    __real_sk_list_build(list, context);
    if (is_now("ghost", &ghost, 2))
        drop_ghost(list, context->clusters);
    if (is_now("pair", &pair, 2))
        double_pair(list);
}

/* The last molecule that arrived is forgotten. */
void __wrap_sk_home_migrate(struct sk_home *home, struct sk_cells *cells, struct sk_comm *comm, struct sk_atoms *atoms)
{
    static int calls;
    __real_sk_home_migrate(home, cells, comm, atoms);
    if (is_now("atom", &calls, 2))
        while (atoms->n > 0 && atoms->group_size[--atoms->n] == 0)
            ;
}

/* Coordinates of the step before are taken for those of this one. */
const int32_t (*__wrap_sk_halo_arrived(struct sk_halo *halo, int *first, int *count))[3]
{
    static int calls, old_first = -1, old_count;
    static int32_t(*old)[3];
    static size_t capacity;
    const int32_t(*grid)[3] = __real_sk_halo_arrived(halo, first, count);
    if (!grid)
        return NULL;
    bool is_same = *first == old_first && *count == old_count;
    if (*first == 0 && is_same && is_now("stale", &calls, 5))
        return (const int32_t(*)[3])old;
    if (*first == 0) {
        sk_reserve(&old, &capacity, (size_t)*count);
        memcpy(old, grid, (size_t)*count * sizeof *grid);
        old_first = *first;
        old_count = *count;
    }
    return grid;
}
