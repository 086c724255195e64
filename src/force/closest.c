/* Pairs of atoms that are too close: the closest one, for messages, and those on one point, which have no direction to
 * part in. */
#include <math.h>

#include "base/math.h"
#include "base/rng.h"
#include "force/terms.h"

#define PART_FORCE 0x1p31 /* integer units: about that of cores (sk_core2) */

/* A pair of lanes of the tiles, the shift of the first one, and their squared distance in quanta. */
struct pair {
    int32_t i, j;
    int shift;
    double r2;
};

typedef void pair_visitor(const struct pair *pair, void *context);

static double distance2(const struct sk_clusters *c, int32_t i, int32_t j, const int32_t shift[3])
{
    const int32_t *xi = c->packs.x + 24 * (size_t)(i / SK_PACK) + i % SK_PACK,
                  *xj = c->packs.x + 24 * (size_t)(j / SK_PACK) + j % SK_PACK;
    double r2 = 0;
    for (int k = 0; k < 3; k++) {
        double d = (int32_t)((uint32_t)xi[SK_PACK * k] + (uint32_t)shift[k] - (uint32_t)xj[SK_PACK * k]);
        r2 += d * d;
    }
    return r2;
}

static void visit_tile(const struct sk_force *force, const struct sk_ientry *entry, const struct sk_tile *tile,
                       pair_visitor *visit, void *context)
{
    for (unsigned bits = tile->mask; bits; bits &= bits - 1) {
        int bit = __builtin_ctz(bits);
        struct pair pair = {SK_HALF * entry->icluster + bit / SK_PACK, SK_PACK * tile->pack + bit % SK_PACK,
                            entry->shift, 0};
        pair.r2 = distance2(&force->clusters, pair.i, pair.j, force->shifts.x[entry->shift]);
        visit(&pair, context);
    }
}

static void visit_pairs(const struct sk_force *force, pair_visitor *visit, void *context)
{
    for (int part = 0; part < SK_LIST_PARTS; part++) {
        const struct sk_tile_list *list = &force->list.inner[part];
        for (int e = 0; e < list->nentries; e++)
            for (int t = list->entries[e].first; t < list->entries[e].end; t++)
                visit_tile(force, &list->entries[e], &list->tiles[t], visit, context);
    }
}

static sk_gid id_of(const struct sk_clusters *c, const struct sk_atoms *atoms, const struct sk_halo *halo, int32_t lane)
{
    int atom = c->atom[lane];
    return atom < c->nowned ? atoms->id[atom] : halo->id[atom - c->nowned];
}

struct search {
    const struct sk_clusters *clusters;
    struct pair nearest;
};

static void visit_nearest(const struct pair *pair, void *context)
{
    struct search *search = context;
    const struct sk_clusters *c = search->clusters;
    int32_t i = pair->i, j = pair->j;
    bool has_lj = (c->lj_lanes[i / SK_PACK] >> i % SK_PACK & 1) && (c->lj_lanes[j / SK_PACK] >> j % SK_PACK & 1);
    if (pair->r2 < search->nearest.r2 && (has_lj || c->packs.qd[i] * c->packs.qd[j] != 0))
        search->nearest = *pair;
}

double sk_force_closest(const struct sk_force *force, const struct sk_atoms *atoms, const struct sk_halo *halo,
                        sk_gid id[2])
{
    struct search search = {&force->clusters, {-1, -1, 0, INFINITY}};
    visit_pairs(force, visit_nearest, &search);
    if (search.nearest.i < 0)
        return INFINITY;
    id[0] = id_of(&force->clusters, atoms, halo, search.nearest.i);
    id[1] = id_of(&force->clusters, atoms, halo, search.nearest.j);
    return sqrt(search.nearest.r2) * force->nonbonded.pair.quantum;
}

/* Who parts. */
struct parting {
    struct sk_force *force;
    const struct sk_atoms *atoms;
    const struct sk_halo *halo;
};

/* Pushes two atoms on one point apart, along a line drawn from their ids; only if they repel each other. */
static void visit_coincident(const struct pair *pair, void *context)
{
    const struct parting *parting = context;
    struct sk_force *force = parting->force;
    const struct sk_clusters *c = &force->clusters;
    const struct sk_pair_parameters *p = &force->nonbonded.pair;
    const int32_t *type = c->packs.type;
    bool has_wall = p->core2[type[pair->i] * p->ntypes + type[pair->j]] > 0;
    if (pair->r2 > 0 || !(has_wall || (p->has_coulomb && c->packs.qd[pair->i] * c->packs.qd[pair->j] > 0)))
        return;
    sk_gid i = id_of(c, parting->atoms, parting->halo, pair->i), j = id_of(c, parting->atoms, parting->halo, pair->j);
    double line[4];
    sk_rng_normal4(0, SK_RNG_PART, (uint64_t)(i < j ? i : j), (uint64_t)(i < j ? j : i), 0, line);
    double length = sqrt(line[0] * line[0] + line[1] * line[1] + line[2] * line[2]);
    int64_t *fi = force->pack_wide + 24 * (pair->i / SK_PACK) + pair->i % SK_PACK,
            *fj = force->pack_wide + 24 * (pair->j / SK_PACK) + pair->j % SK_PACK;
    for (int k = 0; k < 3; k++) {
        int64_t f = sk_round((i < j ? PART_FORCE : -PART_FORCE) * line[k] / length);
        fi[SK_PACK * k] += f;
        fj[SK_PACK * k] -= f;
        force->shift_force[pair->shift][k] += f;
    }
}

void sk_terms_part_coincident(struct sk_force *force, const struct sk_atoms *atoms, const struct sk_halo *halo)
{
    struct parting parting = {force, atoms, halo};
    visit_pairs(force, visit_coincident, &parting);
}
