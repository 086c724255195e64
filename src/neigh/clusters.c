#include "neigh/clusters.h"

#include <float.h>
#include <string.h>

#include "base/memory.h"

#define BLOCK_ATOMS 256 /* consecutive atoms (along the curve) that are split into packs together */

struct cluster_item {
    float x[3];
    int32_t atom;
};

void sk_clusters_init(struct sk_clusters *clusters)
{
    memset(clusters, 0, sizeof *clusters);
}

static void tree_clear(struct sk_tree *tree)
{
    for (int l = 0; l < 16; l++)
        sk_free(&tree->level[l]);
}

static void clusters_free_packs(struct sk_clusters *c)
{
    sk_free(&c->packs.x);
    sk_free(&c->packs.q);
    sk_free(&c->packs.lj);
    sk_free(&c->packs.type);
    sk_free(&c->packs.qd);
    sk_free(&c->reference);
    sk_free(&c->atom);
    sk_free(&c->lanes);
    sk_free(&c->lj_lanes);
    sk_free(&c->half_boxes);
    sk_free(&c->cells);
}

void sk_clusters_clear(struct sk_clusters *clusters)
{
    clusters_free_packs(clusters);
    sk_free(&clusters->slot);
    sk_free(&clusters->items);
    sk_free(&clusters->place);
    sk_free(&clusters->owned_range);
    sk_free(&clusters->ghost_range);
    tree_clear(&clusters->owned);
    tree_clear(&clusters->ghosts);
}

static void clusters_reserve(struct sk_clusters *c, int npacks, bool has_cells)
{
    if ((size_t)npacks > c->pack_capacity || !c->packs.x) {
        size_t n = (size_t)npacks + (size_t)npacks / 8 + 8;
        clusters_free_packs(c);
        c->packs.x = sk_alloc(n, 24 * sizeof *c->packs.x);
        c->packs.q = sk_alloc(n, 8 * sizeof *c->packs.q);
        c->packs.lj = sk_alloc(n, 16 * sizeof *c->packs.lj);
        c->packs.type = sk_alloc(n, 8 * sizeof *c->packs.type);
        c->packs.qd = sk_alloc(n, 8 * sizeof *c->packs.qd);
        c->reference = sk_alloc(n, 24 * sizeof *c->reference);
        c->atom = sk_alloc(n, 8 * sizeof *c->atom);
        c->lanes = sk_alloc(n, 1);
        c->lj_lanes = sk_alloc(n, 1);
        c->half_boxes = sk_alloc((n + 3) / 4, sizeof *c->half_boxes);
        c->pack_capacity = n;
    }
    if (has_cells && !c->cells)
        c->cells = sk_alloc(c->pack_capacity, sizeof *c->cells);
    sk_reserve(&c->slot, &c->slot_capacity, (size_t)(c->nowned + c->nghosts) + 1);
}

/* Unwrapped place of an atom from its kernel coordinate (known modulo 2^32 quanta) and the cell it is in or near. */
static void unwrapped_place(const int32_t grid[3], const int32_t cell[3], const int32_t ncells[3],
                            const struct sk_box_grid *box, double quantum, double place[3])
{
    static const int32_t none[3] = {0, 0, 0};
    sk_frac middle[3];
    int64_t centre[3];
    for (int k = 0; k < 3; k++)
        middle[k] = (sk_frac)(2 * cell[k] + 1) * (((sk_frac)1 << 63) / (sk_frac)ncells[k]);
    sk_box_grid_place(box, middle, none, centre);
    for (int k = 0; k < 3; k++) {
        int32_t offset = (int32_t)((uint32_t)grid[k] - (uint32_t)centre[k]);
        place[k] = (double)(centre[k] + offset) * quantum;
    }
}

static int longest_axis(const struct cluster_item *items, int n)
{
    float lo[3], hi[3];
    memcpy(lo, items[0].x, sizeof lo);
    memcpy(hi, items[0].x, sizeof hi);
    for (int i = 1; i < n; i++)
        for (int k = 0; k < 3; k++) {
            lo[k] = items[i].x[k] < lo[k] ? items[i].x[k] : lo[k];
            hi[k] = items[i].x[k] > hi[k] ? items[i].x[k] : hi[k];
        }
    int axis = hi[1] - lo[1] > hi[0] - lo[0] ? 1 : 0;
    return hi[2] - lo[2] > hi[axis] - lo[axis] ? 2 : axis;
}

/* Quickselect: the `left` items smallest on the axis come first. */
static void items_select(struct cluster_item *items, int n, int left, int axis)
{
    int low = 0, high = n - 1;
    while (low < high) {
        float a = items[low].x[axis], b = items[(low + high) / 2].x[axis], c = items[high].x[axis];
        float pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
        int i = low, j = high;
        while (i <= j) {
            while (items[i].x[axis] < pivot)
                i++;
            while (items[j].x[axis] > pivot)
                j--;
            if (i <= j) {
                struct cluster_item swap = items[i];
                items[i++] = items[j];
                items[j--] = swap;
            }
        }
        if (left <= j)
            high = j;
        else if (left >= i)
            low = i;
        else
            return;
    }
}

/* Orders items so that every SK_PACK consecutive ones are close together (a k-d split with full leaves). */
static void items_split(struct cluster_item *items, int n, int leaf)
{
    while (n > leaf) {
        int left = ((n + leaf - 1) / leaf + 1) / 2 * leaf;
        items_select(items, n, left, longest_axis(items, n));
        items_split(items + left, n - left, leaf);
        n = left;
    }
}

/* Two compact halves; in each, atoms with Lennard-Jones parameters first, so that the kernel may skip the others'. */
static void pack_arrange(struct cluster_item *items, int n, const struct sk_lane *lanes, const int32_t *kind)
{
    items_split(items, n, SK_HALF);
    for (int first = 0; first < n; first += SK_HALF) {
        int end = first + SK_HALF < n ? first + SK_HALF : n, front = first;
        for (int i = first; i < end; i++)
            if (lanes[kind[items[i].atom]].has_lj) {
                struct cluster_item swap = items[front];
                items[front++] = items[i];
                items[i] = swap;
            }
    }
}

static void pack_fill(struct sk_clusters *c, int pack, const struct cluster_item *items, int n, int first_atom,
                      const struct sk_lane *lanes, const int32_t *kind)
{
    struct sk_packs *packs = &c->packs;
    memset(packs->x + 24 * pack, 0, 24 * sizeof *packs->x);
    memset(packs->lj + 16 * pack, 0, 16 * sizeof *packs->lj);
    c->lanes[pack] = c->lj_lanes[pack] = 0;
    for (int l = 0; l < SK_PACK; l++) {
        int at = SK_PACK * pack + l;
        if (l >= n) {
            c->atom[at] = -1;
            packs->q[at] = 0;
            packs->qd[at] = 0;
            packs->type[at] = 0;
            continue;
        }
        const struct sk_lane *lane = &lanes[kind[items[l].atom]];
        c->atom[at] = first_atom + items[l].atom;
        c->slot[first_atom + items[l].atom] = at;
        packs->q[at] = lane->q;
        packs->lj[16 * pack + l] = lane->lj[0];
        packs->lj[16 * pack + 8 + l] = lane->lj[1];
        packs->type[at] = lane->type;
        packs->qd[at] = lane->charge;
        c->lanes[pack] |= (uint8_t)(1 << l);
        c->lj_lanes[pack] |= (uint8_t)(lane->has_lj << l);
    }
}

/* How many of the first n items make a pack of at most this extent; orders them. Differences of kernel coordinates
 * wrap: in vapour, eight atoms may be so far apart that two of another image seem to be close. */
static int items_near(struct cluster_item *items, int n, float extent)
{
    while (n > 1) {
        int axis = longest_axis(items, n);
        float lo = items[0].x[axis], hi = lo;
        for (int i = 1; i < n; i++) {
            lo = items[i].x[axis] < lo ? items[i].x[axis] : lo;
            hi = items[i].x[axis] > hi ? items[i].x[axis] : hi;
        }
        if (hi - lo <= extent)
            break;
        items_select(items, n, n / 2, axis);
        n /= 2;
    }
    return n;
}

/* Packs n atoms, whose places start at place[0], into packs from first_pack on, none longer than the extent; returns
 * the number of packs. lanes NULL: only counts. */
static int clusters_pack(struct sk_clusters *c, int first_pack, int first_atom, int n, float extent,
                         const struct sk_lane *lanes, const int32_t *kind)
{
    const double(*place)[3] = (const double(*)[3])c->place + first_atom;
    int pack = first_pack;
    for (int begin = 0; begin < n; begin += BLOCK_ATOMS) {
        int count = n - begin < BLOCK_ATOMS ? n - begin : BLOCK_ATOMS;
        for (int i = 0; i < count; i++)
            c->items[i] = (struct cluster_item){{(float)(place[begin + i][0] - place[begin][0]),
                                                 (float)(place[begin + i][1] - place[begin][1]),
                                                 (float)(place[begin + i][2] - place[begin][2])},
                                                begin + i};
        items_split(c->items, count, SK_PACK);
        for (int i = 0, size; i < count; i += size, pack++) {
            int leaf = SK_PACK - i % SK_PACK;
            size = items_near(c->items + i, leaf < count - i ? leaf : count - i, extent);
            if (!lanes)
                continue;
            pack_arrange(c->items + i, size, lanes, kind);
            pack_fill(c, pack, c->items + i, size, first_atom, lanes, kind);
        }
    }
    return pack - first_pack;
}

static void boxes_set_empty(struct sk_boxes *boxes)
{
    for (int k = 0; k < 3; k++)
        for (int b = 0; b < SK_BRANCH; b++) {
            boxes->lo[k][b] = FLT_MAX;
            boxes->hi[k][b] = -FLT_MAX;
        }
}

static void boxes_include(struct sk_boxes *boxes, int b, const float lo[3], const float hi[3])
{
    for (int k = 0; k < 3; k++) {
        boxes->lo[k][b] = lo[k] < boxes->lo[k][b] ? lo[k] : boxes->lo[k][b];
        boxes->hi[k][b] = hi[k] > boxes->hi[k][b] ? hi[k] : boxes->hi[k][b];
    }
}

static void boxes_union(const struct sk_boxes *boxes, float lo[3], float hi[3])
{
    for (int k = 0; k < 3; k++) {
        lo[k] = FLT_MAX;
        hi[k] = -FLT_MAX;
        for (int b = 0; b < SK_BRANCH; b++) {
            lo[k] = boxes->lo[k][b] < lo[k] ? boxes->lo[k][b] : lo[k];
            hi[k] = boxes->hi[k][b] > hi[k] ? boxes->hi[k][b] : hi[k];
        }
    }
}

static void tree_level(struct sk_tree *tree, int level, int children)
{
    int count = (children + SK_BRANCH - 1) / SK_BRANCH;
    sk_reserve(&tree->level[level], &tree->capacity[level], (size_t)count + 1);
    tree->count[level] = count;
    for (int i = 0; i < count; i++)
        boxes_set_empty(&tree->level[level][i]);
}

/* Boxes of packs [first, first + npacks) and of their halves, then the levels above. */
static void tree_build(struct sk_tree *tree, struct sk_clusters *c, int first, int npacks)
{
    tree_level(tree, 0, npacks);
    for (int p = 0; p < npacks; p++)
        for (int l = 0; l < SK_PACK; l++) {
            int atom = c->atom[SK_PACK * (first + p) + l], half = 2 * (first + p) + l / SK_HALF;
            if (atom < 0)
                continue;
            const double *x = c->place[atom];
            float at[3] = {(float)x[0], (float)x[1], (float)x[2]};
            boxes_include(&tree->level[0][p / SK_BRANCH], p % SK_BRANCH, at, at);
            boxes_include(&c->half_boxes[half / SK_BRANCH], half % SK_BRANCH, at, at);
        }
    int level = 0;
    for (; tree->count[level] > 1; level++) {
        tree_level(tree, level + 1, tree->count[level]);
        for (int i = 0; i < tree->count[level]; i++) {
            float lo[3], hi[3];
            boxes_union(&tree->level[level][i], lo, hi);
            boxes_include(&tree->level[level + 1][i / SK_BRANCH], i % SK_BRANCH, lo, hi);
        }
    }
    tree->nlevels = npacks ? level + 1 : 0;
    if (npacks)
        boxes_union(&tree->level[level][0], tree->lo, tree->hi);
}

static void pack_list_cells(struct sk_clusters *c, int pack, struct sk_cells *cells, const struct sk_home *home,
                            const struct sk_halo *halo)
{
    struct sk_pack_cells *list = &c->cells[pack];
    list->n = 0;
    list->is_deep = true;
    for (int l = 0; l < SK_PACK; l++) {
        int atom = c->atom[SK_PACK * pack + l];
        if (atom < 0)
            continue;
        const int32_t *cell = atom < c->nowned ? home->cell[atom] : halo->cell[atom - c->nowned];
        int u = 0;
        while (u < list->n && memcmp(list->cell[u], cell, sizeof list->cell[u]) != 0)
            u++;
        if (u == list->n) {
            memcpy(list->cell[u], cell, sizeof list->cell[u]);
            list->lanes[u] = 0;
            list->n++;
            list->is_deep = list->is_deep && sk_cells_find(cells, cell[0], cell[1], cell[2])->is_deep;
        }
        list->lanes[u] |= (uint8_t)(1 << l);
    }
}

/* Cell ranges of the elements that hold packs [first, first + npacks). */
static void ranges_build(const struct sk_clusters *c, struct sk_cell_range *range, int first, int npacks)
{
    for (int p = 0; p < npacks; p++) {
        const struct sk_pack_cells *list = &c->cells[first + p];
        struct sk_cell_range *r = &range[p / SK_BRANCH];
        r->is_deep = list->is_deep && (p % SK_BRANCH == 0 || r->is_deep);
        for (int u = 0; u < list->n; u++)
            for (int k = 0; k < 3; k++) {
                bool is_first = p % SK_BRANCH == 0 && u == 0;
                r->lo[k] = is_first || list->cell[u][k] < r->lo[k] ? list->cell[u][k] : r->lo[k];
                r->hi[k] = is_first || list->cell[u][k] > r->hi[k] ? list->cell[u][k] : r->hi[k];
            }
    }
}

/* Where no two atoms are farther apart than the extent, packs are full and need no counting. */
static int packs_of(struct sk_clusters *c, int natoms, int first_atom, float extent)
{
    int blocks = natoms / BLOCK_ATOMS, rest = natoms % BLOCK_ATOMS;
    bool is_near = true;
    for (int k = 0; k < 3 && natoms; k++) {
        double lo = c->place[first_atom][k], hi = lo;
        for (int i = first_atom; i < first_atom + natoms; i++) {
            lo = c->place[i][k] < lo ? c->place[i][k] : lo;
            hi = c->place[i][k] > hi ? c->place[i][k] : hi;
        }
        is_near = is_near && hi - lo < 0.99 * extent;
    }
    return is_near ? blocks * (BLOCK_ATOMS / SK_PACK) + (rest + SK_PACK - 1) / SK_PACK
                   : clusters_pack(c, 0, first_atom, natoms, extent, NULL, NULL);
}

void sk_clusters_build(struct sk_clusters *c, struct sk_cells *cells, const struct sk_home *home,
                       const struct sk_atoms *atoms, const struct sk_halo *halo, const int32_t (*grid)[3],
                       const struct sk_box_grid *box_grid, double quantum, const struct sk_lane *lanes)
{
    c->nowned = atoms->n;
    c->nghosts = halo->nghosts;
    int nlocal = c->nowned + c->nghosts;
    /* two packs and twice the list radius: less than the range of 2^32, for radii up to 12 nm */
    float extent = (float)(0x1.4p30 * quantum);
    sk_reserve(&c->items, &c->items_capacity, BLOCK_ATOMS);
    sk_reserve(&c->place, &c->place_capacity, (size_t)nlocal + 1);
    for (int i = 0; i < nlocal; i++)
        unwrapped_place(grid[i], i < c->nowned ? home->cell[i] : halo->cell[i - c->nowned], cells->n, box_grid, quantum,
                        c->place[i]);
    int npacks = packs_of(c, c->nowned, 0, extent) + packs_of(c, c->nghosts, c->nowned, extent);
    clusters_reserve(c, npacks, cells->nranks > 1);
    c->packs.n = npacks;
    c->owned_packs = clusters_pack(c, 0, 0, c->nowned, extent, lanes, atoms->kind);
    clusters_pack(c, c->owned_packs, c->nowned, c->nghosts, extent, lanes, halo->kind);
    for (int i = 0; i < (npacks + 3) / 4; i++)
        boxes_set_empty(&c->half_boxes[i]);
    tree_build(&c->owned, c, 0, c->owned_packs);
    tree_build(&c->ghosts, c, c->owned_packs, npacks - c->owned_packs);
    if (cells->nranks == 1)
        return;
    for (int p = 0; p < npacks; p++)
        pack_list_cells(c, p, cells, home, halo);
    sk_reserve(&c->owned_range, &c->owned_range_capacity, (size_t)c->owned.count[0] + 1);
    sk_reserve(&c->ghost_range, &c->ghost_range_capacity, (size_t)c->ghosts.count[0] + 1);
    ranges_build(c, c->owned_range, 0, c->owned_packs);
    ranges_build(c, c->ghost_range, c->owned_packs, npacks - c->owned_packs);
}

size_t sk_clusters_memory(const struct sk_clusters *c)
{
    size_t pack = 24 * 4 * 2 + 8 * (4 + 8 + 4 + 8 + 4) + 2 + sizeof(struct sk_boxes) / 2 +
                  (c->cells ? sizeof *c->cells : 0);
    return c->pack_capacity * pack + c->slot_capacity * sizeof *c->slot + c->place_capacity * sizeof *c->place;
}
