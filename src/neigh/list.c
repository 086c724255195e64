#include "neigh/list.h"

#include <string.h>

#include "base/memory.h"

#define MOST_CORNERS 64 /* larger ranges of cells are not looked through: their pairs are tested one by one */

/* Working space of one build, and what stays the same while one i-cluster meets packs. */
struct sk_list_scratch {
    int *candidates;  /* groups of SK_BRANCH packs near the present i-group */
    uint8_t *is_mine; /* [candidates] every pair with the candidate is this rank's */
    size_t is_mine_capacity;
    size_t candidates_capacity;
    uint8_t *near; /* which packs of each candidate come near the present i-cluster */
    size_t near_capacity;
    struct sk_tile *masked, *full; /* tiles of the present entry */
    size_t masked_capacity, full_capacity;
    int nmasked, nfull;
    int32_t *high; /* [packs][2][8] of the prune kernel */
    size_t high_capacity;
    int *stamp; /* [packs] 1 + index into masked of the present entry's tile, 0: none */
    size_t stamp_capacity;
};

struct side {
    const struct sk_tree *tree;
    const struct sk_cell_range *range;
    int first_pack, npacks;
};

struct build {
    const struct sk_list_context *context;
    struct sk_list_scratch *scratch;
    const struct sk_partners *partners;
    struct sk_tile_list *out;
    struct sk_excluded_list *excluded;
    struct side i, j;
    bool is_half;      /* i and j are the same packs: each unordered pair once */
    bool has_excluded; /* excluded pairs may be between i and j */
    float radius2;
    int shift;       /* present shift */
    int32_t s[3];    /* its components */
    float offset[3]; /* and length */
};

void sk_list_init(struct sk_list *list, const struct sk_topology *top)
{
    memset(list, 0, sizeof *list);
    sk_partners_init(&list->partners, top);
    list->scratch = sk_calloc(1, sizeof *list->scratch);
}

void sk_list_clear(struct sk_list *list)
{
    for (int part = 0; part < SK_LIST_PARTS; part++) {
        sk_free(&list->outer[part].entries);
        sk_free(&list->outer[part].tiles);
        sk_free(&list->inner[part].entries);
        sk_free(&list->inner[part].tiles);
        sk_free(&list->excluded[part].pairs);
    }
    sk_partners_clear(&list->partners);
    if (list->scratch) {
        sk_free(&list->scratch->candidates);
        sk_free(&list->scratch->near);
        sk_free(&list->scratch->is_mine);
        sk_free(&list->scratch->masked);
        sk_free(&list->scratch->full);
        sk_free(&list->scratch->stamp);
        sk_free(&list->scratch->high);
    }
    sk_free(&list->scratch);
}

/* Adds to the candidates the groups under element `index` of a level that come near the box. */
static void collect_candidates(struct build *b, int level, int index, const float lo[3], const float hi[3], int *n)
{
    const struct sk_tree *tree = b->j.tree;
    if (level == 0) {
        sk_reserve(&b->scratch->candidates, &b->scratch->candidates_capacity, (size_t)*n + 1);
        b->scratch->candidates[(*n)++] = index;
        return;
    }
    uint8_t near;
    b->context->near(tree->level[level], &index, 1, lo, hi, b->radius2, &near);
    for (int c = 0; c < SK_BRANCH; c++)
        if (near >> c & 1)
            collect_candidates(b, level - 1, SK_BRANCH * index + c, lo, hi, n);
}

static bool is_mine(struct sk_cells *cells, const int32_t corner[3])
{
    return sk_cells_find(cells, sk_cells_wrap(corner[0], cells->n[0]), sk_cells_wrap(corner[1], cells->n[1]),
                         sk_cells_wrap(corner[2], cells->n[2]))
               ->owner == cells->rank;
}

enum { CORNERS_FOREIGN, CORNERS_MINE, CORNERS_MIXED };

/* Whether all corners, or none, that pairs between two ranges of cells can have are this rank's. */
static int corners_of(const struct build *b, const struct sk_cell_range *i, const struct sk_cell_range *j)
{
    if (i->is_deep || j->is_deep)
        return CORNERS_MINE;
    struct sk_cells *cells = b->context->cells;
    int32_t lo[3], hi[3];
    int64_t count = 1;
    for (int k = 0; k < 3; k++) {
        int32_t shift = b->s[k] * cells->n[k];
        lo[k] = i->lo[k] + shift < j->lo[k] ? i->lo[k] + shift : j->lo[k];
        hi[k] = i->hi[k] + shift < j->hi[k] ? i->hi[k] + shift : j->hi[k];
        count *= hi[k] - lo[k] + 1;
    }
    if (count > MOST_CORNERS)
        return CORNERS_MIXED;
    const bool has_first = is_mine(cells, lo);
    int32_t c[3];
    for (c[2] = lo[2]; c[2] <= hi[2]; c[2]++)
        for (c[1] = lo[1]; c[1] <= hi[1]; c[1]++)
            for (c[0] = lo[0]; c[0] <= hi[0]; c[0]++)
                if (is_mine(cells, c) != has_first)
                    return CORNERS_MIXED;
    return has_first ? CORNERS_MINE : CORNERS_FOREIGN;
}

/* Drops candidates all of whose pairs with the i-group are foreign; notes those that are wholly this rank's. */
static int sort_candidates(struct build *b, int group, int ncandidates)
{
    struct sk_list_scratch *s = b->scratch;
    int kept = 0;
    sk_reserve(&s->is_mine, &s->is_mine_capacity, (size_t)ncandidates);
    for (int g = 0; g < ncandidates; g++) {
        int corners = b->context->cells->nranks == 1 ? CORNERS_MINE
                                                     : corners_of(b, &b->i.range[group], &b->j.range[s->candidates[g]]);
        if (corners == CORNERS_FOREIGN)
            continue;
        s->candidates[kept] = s->candidates[g];
        s->is_mine[kept++] = corners == CORNERS_MINE;
    }
    return kept;
}

/* Bits (as in sk_tile.mask) of pairs whose corner cell this rank owns. */
static uint32_t mine_mask(const struct build *b, int half, const struct sk_pack_cells *pi,
                          const struct sk_pack_cells *pj)
{
    struct sk_cells *cells = b->context->cells;
    uint32_t mask = 0;
    for (int u = 0; u < pi->n; u++) {
        unsigned ilanes = pi->lanes[u] >> (SK_HALF * half) & 0xf;
        if (!ilanes)
            continue;
        for (int v = 0; v < pj->n; v++) {
            int32_t corner[3];
            for (int k = 0; k < 3; k++) {
                int32_t a = pi->cell[u][k] + b->s[k] * cells->n[k], c = pj->cell[v][k];
                corner[k] = a < c ? a : c;
            }
            if (!is_mine(cells, corner))
                continue;
            for (int i = 0; i < SK_HALF; i++)
                if (ilanes >> i & 1)
                    mask |= (uint32_t)pj->lanes[v] << (SK_PACK * i);
        }
    }
    return mask;
}

/* All pairs between existing lanes; inside one pack each pair once. */
static uint32_t lane_mask(unsigned ilanes, unsigned jlanes, int half, bool is_same_pack)
{
    uint32_t mask = 0;
    for (int i = 0; i < SK_HALF; i++)
        if (ilanes >> i & 1) {
            unsigned later = is_same_pack ? 0xffu << (SK_HALF * half + i + 1) & 0xff : 0xff;
            mask |= (uint32_t)(jlanes & later) << (SK_PACK * i);
        }
    return mask;
}

static void entry_add(struct build *b, int ipack, int half, int jpack, bool has_all)
{
    const struct sk_clusters *c = b->context->clusters;
    unsigned ilanes = c->lanes[ipack] >> (SK_HALF * half) & 0xf;
    bool is_same_pack = ipack == jpack && b->shift == SK_SHIFT_NONE;
    uint32_t mask = ilanes == 0xf && c->lanes[jpack] == 0xff && !is_same_pack
                        ? 0xffffffffu
                        : lane_mask(ilanes, c->lanes[jpack], half, is_same_pack);
    if (!has_all && !c->cells[ipack].is_deep && !c->cells[jpack].is_deep)
        mask &= mine_mask(b, half, &c->cells[ipack], &c->cells[jpack]);
    if (!mask)
        return;
    struct sk_list_scratch *s = b->scratch;
    s->masked[s->nmasked++] = (struct sk_tile){jpack, mask};
    s->stamp[jpack] = s->nmasked;
}

/* Lists the excluded pair of lanes i and j, if it is within the list radius in the present image. */
static void excluded_add(struct build *b, int i, int j)
{
    const struct sk_clusters *c = b->context->clusters;
    double qq = c->packs.qd[i] * c->packs.qd[j], r2 = 0;
    if (qq == 0)
        return;
    for (int k = 0; k < 3; k++) {
        double d = c->place[c->atom[i]][k] + b->context->shift[b->shift][k] - c->place[c->atom[j]][k];
        r2 += d * d;
    }
    if (!(r2 <= b->radius2))
        return;
    struct sk_excluded_list *list = b->excluded;
    sk_reserve(&list->pairs, &list->capacity, (size_t)list->n + 1);
    list->pairs[list->n++] = (struct sk_excluded_pair){i, j, b->shift, qq};
}

/* Takes the excluded partners of the i-cluster's atoms out of the present entry, whatever its shift. The list radius is
 * below half of every width of the box, so two atoms are within it in one image at most, and that is the image in which
 * the oracle excludes them, the nearest. A bit that is cleared in another image is of a pair beyond the radius, which
 * the list need not hold. Each pair within the radius has its bit in one entry over all ranks; there it is cleared, and
 * there the excluded pair is listed. */
static void entry_exclude(struct build *b, int ipack, int half)
{
    const struct sk_clusters *c = b->context->clusters;
    const struct sk_partners *partners = b->partners;
    for (int i = 0; i < SK_HALF; i++) {
        int islot = SK_PACK * ipack + SK_HALF * half + i, atom = c->atom[islot];
        if (atom < 0)
            continue;
        for (int e = partners->start[atom]; e < partners->start[atom + 1]; e++) {
            int slot = c->slot[partners->partner[e]], tile = b->scratch->stamp[slot / SK_PACK];
            if (!tile)
                continue;
            uint32_t *mask = &b->scratch->masked[tile - 1].mask, bit = 1u << (SK_PACK * i + slot % SK_PACK);
            if (*mask & bit && b->context->wants_excluded)
                excluded_add(b, islot, slot);
            *mask &= ~bit;
        }
    }
}

static void entry_finish(struct build *b, int ipack, int half)
{
    struct sk_list_scratch *s = b->scratch;
    struct sk_tile_list *out = b->out;
    sk_reserve(&out->tiles, &out->tiles_capacity, (size_t)(out->ntiles + s->nmasked));
    int first = out->ntiles, nfull = 0;
    sk_reserve(&s->full, &s->full_capacity, (size_t)s->nmasked);
    for (int t = 0; t < s->nmasked; t++) {
        s->stamp[s->masked[t].pack] = 0;
        if (s->masked[t].mask == 0xffffffffu)
            s->full[nfull++] = s->masked[t];
        else if (s->masked[t].mask)
            out->tiles[out->ntiles++] = s->masked[t];
    }
    int first_full = out->ntiles;
    memcpy(out->tiles + first_full, s->full, (size_t)nfull * sizeof *s->full);
    out->ntiles += nfull;
    s->nmasked = 0;
    if (out->ntiles == first)
        return;
    sk_reserve(&out->entries, &out->entries_capacity, (size_t)out->nentries + 1);
    out->entries[out->nentries++] = (struct sk_ientry){
        2 * ipack + half, b->shift,    first,
        first_full,       out->ntiles, (b->context->clusters->lj_lanes[ipack] >> (SK_HALF * half) & 0xf) != 0};
}

/* One i-cluster against the candidate groups. */
static void build_entry(struct build *b, int ipack, int half, int ncandidates)
{
    struct sk_list_scratch *s = b->scratch;
    int icluster = 2 * ipack + half;
    const struct sk_boxes *boxes = &b->context->clusters->half_boxes[icluster / SK_BRANCH];
    float lo[3], hi[3];
    for (int k = 0; k < 3; k++) {
        lo[k] = boxes->lo[k][icluster % SK_BRANCH] + b->offset[k];
        hi[k] = boxes->hi[k][icluster % SK_BRANCH] + b->offset[k];
    }
    sk_reserve(&s->masked, &s->masked_capacity, (size_t)(SK_BRANCH * ncandidates));
    sk_reserve(&s->near, &s->near_capacity, (size_t)ncandidates);
    b->context->near(b->j.tree->level[0], s->candidates, ncandidates, lo, hi, b->radius2, s->near);
    for (int g = 0; g < ncandidates; g++) {
        for (unsigned near = s->near[g]; near; near &= near - 1) {
            int jpack = b->j.first_pack + SK_BRANCH * s->candidates[g] + __builtin_ctz(near);
            if (b->is_half && b->shift == SK_SHIFT_NONE && jpack < ipack)
                continue;
            entry_add(b, ipack, half, jpack, s->is_mine[g]);
        }
    }
    if (!s->nmasked)
        return;
    if (b->has_excluded)
        entry_exclude(b, ipack, half);
    entry_finish(b, ipack, half);
}

static void build_group(struct build *b, int group)
{
    const struct sk_boxes *boxes = &b->i.tree->level[0][group];
    float lo[3], hi[3];
    for (int k = 0; k < 3; k++) {
        lo[k] = boxes->lo[k][0] + b->offset[k];
        hi[k] = boxes->hi[k][0] + b->offset[k];
        for (int p = 1; p < SK_BRANCH; p++) {
            float l = boxes->lo[k][p] + b->offset[k], h = boxes->hi[k][p] + b->offset[k];
            lo[k] = l < lo[k] ? l : lo[k];
            hi[k] = h > hi[k] ? h : hi[k];
        }
        if (lo[k] > b->j.tree->hi[k] && (lo[k] - b->j.tree->hi[k]) * (lo[k] - b->j.tree->hi[k]) > b->radius2)
            return;
        if (hi[k] < b->j.tree->lo[k] && (b->j.tree->lo[k] - hi[k]) * (b->j.tree->lo[k] - hi[k]) > b->radius2)
            return;
    }
    int ncandidates = 0;
    collect_candidates(b, b->j.tree->nlevels - 1, 0, lo, hi, &ncandidates);
    ncandidates = sort_candidates(b, group, ncandidates);
    for (int p = SK_BRANCH * group; ncandidates && p < SK_BRANCH * (group + 1) && p < b->i.npacks; p++)
        for (int half = 0; half < 2; half++)
            if (b->context->clusters->lanes[b->i.first_pack + p] >> (SK_HALF * half) & 0xf)
                build_entry(b, b->i.first_pack + p, half, ncandidates);
}

/* All pairs between sides i and j, every periodic shift; with is_half only one of each shift and its opposite. */
static void build_sides(struct build *b)
{
    if (!b->i.npacks || !b->j.npacks)
        return;
    float largest = 0;
    for (int s = 0; s < SK_SHIFTS; s++)
        for (int k = 0; k < 3; k++)
            largest = (float)(b->context->shift[s][k] > largest ? b->context->shift[s][k] : largest);
    /* boxes are float: widen the radius by their rounding */
    float radius = (float)b->context->radius + 4e-7f * largest;
    b->radius2 = radius * radius * (1 + 1e-6f);
    for (b->shift = b->is_half ? SK_SHIFT_NONE : 0; b->shift < SK_SHIFTS; b->shift++) {
        sk_shift_of(b->shift, b->s);
        for (int k = 0; k < 3; k++)
            b->offset[k] = (float)b->context->shift[b->shift][k];
        for (int group = 0; group < b->i.tree->count[0]; group++)
            build_group(b, group);
    }
}

void sk_list_build(struct sk_list *list, const struct sk_list_context *context)
{
    const struct sk_clusters *c = context->clusters;
    struct side owned = {&c->owned, c->owned_range, 0, c->owned_packs};
    struct side ghosts = {&c->ghosts, c->ghost_range, c->owned_packs, c->packs.n - c->owned_packs};
    for (int part = 0; part < SK_LIST_PARTS; part++) {
        list->outer[part].nentries = list->outer[part].ntiles = 0;
        list->inner[part].nentries = list->inner[part].ntiles = 0;
        list->excluded[part].n = 0;
    }
    sk_partners_build(&list->partners, context->top, context->atoms, context->ghost_id, c->nghosts);
    struct sk_list_scratch *s = list->scratch;
    if ((size_t)c->packs.n > s->stamp_capacity) {
        sk_reserve(&s->stamp, &s->stamp_capacity, (size_t)c->packs.n);
        memset(s->stamp, 0, s->stamp_capacity * sizeof *s->stamp);
    }
    struct build b = {.context = context, .scratch = s, .partners = &list->partners};
    struct sk_tile_list *interior = &list->outer[SK_LIST_INTERIOR], *boundary = &list->outer[SK_LIST_BOUNDARY];
    b.out = interior, b.excluded = &list->excluded[SK_LIST_INTERIOR];
    b.i = owned, b.j = owned, b.is_half = true;
    b.has_excluded = true;
    build_sides(&b);
    b.out = boundary, b.excluded = &list->excluded[SK_LIST_BOUNDARY];
    b.i = owned, b.j = ghosts, b.is_half = false;
    b.has_excluded = list->partners.has_crossing; /* else both atoms are owned or neither */
    build_sides(&b);
    b.i = ghosts, b.j = ghosts, b.is_half = true;
    build_sides(&b);
}

struct sk_tiles sk_list_tiles(const struct sk_tile_list *list)
{
    return (struct sk_tiles){list->entries, 0, list->nentries, list->tiles};
}

void sk_list_trim(struct sk_list *list, const struct sk_packs *packs, sk_prune_kernel *prune, int32_t limit2,
                  const struct sk_shifts *shifts)
{
    struct sk_list_scratch *s = list->scratch;
    sk_reserve(&s->high, &s->high_capacity, 2 * SK_PACK * (size_t)packs->n);
    for (int part = 0; part < SK_LIST_PARTS; part++) {
        struct sk_tile_list *outer = &list->outer[part];
        struct sk_tiles tiles = sk_list_tiles(outer);
        outer->ntiles = prune(packs, &tiles, limit2, shifts, s->high, outer->entries, outer->tiles);
    }
}

void sk_list_prune(struct sk_list *list, enum sk_list_part part, const struct sk_packs *packs, sk_prune_kernel *prune,
                   int32_t limit2, const struct sk_shifts *shifts)
{
    struct sk_tile_list *inner = &list->inner[part];
    struct sk_tiles outer = sk_list_tiles(&list->outer[part]);
    sk_reserve(&inner->entries, &inner->entries_capacity, (size_t)list->outer[part].nentries);
    sk_reserve(&inner->tiles, &inner->tiles_capacity, (size_t)list->outer[part].ntiles);
    inner->nentries = list->outer[part].nentries;
    inner->ntiles = prune(packs, &outer, limit2, shifts, list->scratch->high, inner->entries, inner->tiles);
}

static size_t tile_list_memory(const struct sk_tile_list *list)
{
    return list->entries_capacity * sizeof *list->entries + list->tiles_capacity * sizeof *list->tiles;
}

size_t sk_list_memory(const struct sk_list *list)
{
    size_t bytes = 0;
    for (int part = 0; part < SK_LIST_PARTS; part++)
        bytes += tile_list_memory(&list->outer[part]) + tile_list_memory(&list->inner[part]) +
                 list->excluded[part].capacity * sizeof *list->excluded[part].pairs;
    return bytes + sk_partners_memory(&list->partners);
}
