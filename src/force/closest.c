#include "force/force.h"

#include <math.h>

/* A pair of lanes of the tiles, and its squared distance in quanta. */
struct nearest {
    int32_t i, j;
    double r2;
};

static bool has_interaction(const struct sk_clusters *c, int32_t i, int32_t j)
{
    bool has_lj = (c->lj_lanes[i / SK_PACK] >> i % SK_PACK & 1) && (c->lj_lanes[j / SK_PACK] >> j % SK_PACK & 1);
    return has_lj || c->packs.qd[i] * c->packs.qd[j] != 0;
}

static void search_tile(const struct sk_clusters *c, const struct sk_tile *tile, int ipack, int half,
                        const int32_t shift[3], struct nearest *nearest)
{
    for (unsigned bits = tile->mask; bits; bits &= bits - 1) {
        int bit = __builtin_ctz(bits), i = SK_HALF * half + bit / SK_PACK, j = bit % SK_PACK;
        const int32_t *xi = c->packs.x + 24 * (size_t)ipack + i, *xj = c->packs.x + 24 * (size_t)tile->pack + j;
        double r2 = 0;
        for (int k = 0; k < 3; k++) {
            double d = (int32_t)((uint32_t)xi[SK_PACK * k] + (uint32_t)shift[k] - (uint32_t)xj[SK_PACK * k]);
            r2 += d * d;
        }
        int32_t lane_i = SK_PACK * ipack + i, lane_j = SK_PACK * tile->pack + j;
        if (r2 < nearest->r2 && has_interaction(c, lane_i, lane_j))
            *nearest = (struct nearest){lane_i, lane_j, r2};
    }
}

static sk_gid id_of(const struct sk_clusters *c, const struct sk_atoms *atoms, const struct sk_halo *halo, int32_t lane)
{
    int atom = c->atom[lane];
    return atom < c->nowned ? atoms->id[atom] : halo->id[atom - c->nowned];
}

double sk_force_closest(const struct sk_force *force, const struct sk_atoms *atoms, const struct sk_halo *halo,
                        sk_gid pair[2])
{
    const struct sk_clusters *c = &force->clusters;
    struct nearest nearest = {-1, -1, INFINITY};
    for (int part = 0; part < SK_LIST_PARTS; part++) {
        const struct sk_tile_list *list = &force->list.inner[part];
        for (int e = 0; e < list->nentries; e++)
            for (int t = list->entries[e].first; t < list->entries[e].end; t++)
                search_tile(c, &list->tiles[t], list->entries[e].icluster / 2, list->entries[e].icluster % 2,
                            force->shifts.x[list->entries[e].shift], &nearest);
    }
    if (nearest.i < 0)
        return INFINITY;
    pair[0] = id_of(c, atoms, halo, nearest.i);
    pair[1] = id_of(c, atoms, halo, nearest.j);
    return sqrt(nearest.r2) * force->nonbonded.pair.quantum;
}
