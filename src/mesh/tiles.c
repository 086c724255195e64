#include "mesh/tiles.h"

#include <string.h>

#include "base/idmap.h"
#include "base/memory.h"
#include "par/links.h"

/* TILE: points along an edge at most, if there are other ranks. SPAN: tiles along an axis within a quarter of the
 * longest grid, and the ends. */
enum { TILE = 16, TILE_SPAN = SK_MESH_LARGEST / 4 / TILE + 3 };

/* What a grid point along an axis says of an atom behind it: its tile's part of the id, its part of the place there. */
struct along {
    int64_t id;
    ptrdiff_t place;
};

/* Tiles of one rank that have points on another, and where their points start in the message. */
struct share {
    int rank;
    int ntiles;
    int64_t *tile;                               /* ids */
    int *slot;                                   /* on the rank of the tiles: where they are kept */
    size_t tile_capacity, slot_capacity, length; /* length: points in all */
};

static int least(int a, int b)
{
    return a < b ? a : b;
}
static int most(int a, int b)
{
    return a > b ? a : b;
}

struct sk_mesh_tiles {
    struct sk_comm *comm;
    const struct sk_mesh_layout *layout;
    const struct sk_kernel_variant *variant;
    struct sk_spline spline;
    struct sk_mesh_block part; /* of the grid, this rank's */
    struct sk_mesh_shape shape;
    size_t tile_points;         /* with the padding */
    int tag, count[3], edge[3]; /* tiles along each axis, and points of each but the last, which may be shorter */
    struct along *along[3];     /* [n] */
    int ntiles;
    struct sk_idmap slot_of;
    int64_t *id; /* [ntiles] */
    size_t id_capacity, grid_capacity;
    int32_t *charge; /* [ntiles][tile_points]; the potential afterwards */
    struct sk_links *sum, *back;
    int nout, nin; /* tiles of mine with points elsewhere; tiles of others with points here */
    struct share own, *out, *in;
    int natoms;
    size_t atom_capacity;
    struct sk_mesh_atom *atom; /* [natoms], of the last spread */
};

/* Tiles of equal edges. A rank that is alone has one of the whole grid: no overhang is written or added twice. */
static void cut_axes(struct sk_mesh_tiles *t, int nranks, int order)
{
    int extent[3];
    for (int d = 0; d < 3; d++) {
        const int n = t->layout->n[d];
        t->count[d] = nranks == 1 ? 1 : (n + TILE - 1) / TILE;
        t->edge[d] = (n + t->count[d] - 1) / t->count[d];
        extent[d] = t->edge[d] + order - 1;
    }
    t->shape.row = (t->edge[2] + (order == 4 ? 4 : 8) + 3) / 4 * 4; /* rows are written 4 or 8 points at a time */
    t->shape.plane = t->shape.row * extent[1];
    t->tile_points = (size_t)(t->shape.plane * extent[0]);
}

static void fill_along(struct sk_mesh_tiles *t)
{
    const int64_t id[3] = {(int64_t)t->count[1] * t->count[2], t->count[2], 1};
    const ptrdiff_t place[3] = {t->shape.plane, t->shape.row, 1};
    for (int d = 0; d < 3; d++) {
        t->along[d] = sk_alloc((size_t)t->layout->n[d], sizeof **t->along);
        for (int k = 0; k < t->layout->n[d]; k++)
            t->along[d][k] = (struct along){k / t->edge[d] * id[d], k % t->edge[d] * place[d]};
    }
}

struct sk_mesh_tiles *sk_mesh_tiles_new(struct sk_comm *comm, const struct sk_mesh_layout *layout, int order,
                                        const struct sk_kernel_variant *variant, int tag)
{
    struct sk_mesh_tiles *t = sk_calloc(1, sizeof *t);
    t->comm = comm;
    t->layout = layout;
    t->variant = variant;
    t->tag = tag;
    sk_spline_init(&t->spline, order);
    t->part = sk_mesh_layout_block(layout, SK_MESH_GRID, sk_comm_rank(comm));
    cut_axes(t, sk_comm_size(comm), order);
    fill_along(t);
    sk_idmap_init(&t->slot_of);
    return t;
}

static void shares_free(struct share **list, int *n)
{
    for (int k = 0; k < *n; k++) {
        sk_free(&(*list)[k].tile);
        sk_free(&(*list)[k].slot);
    }
    sk_free(list);
    *n = 0;
}

static void disconnect(struct sk_mesh_tiles *t)
{
    sk_links_free(&t->sum);
    sk_links_free(&t->back);
    shares_free(&t->out, &t->nout);
    shares_free(&t->in, &t->nin);
    sk_free(&t->own.tile);
    sk_free(&t->own.slot);
    t->own = (struct share){0};
}

void sk_mesh_tiles_free(struct sk_mesh_tiles **tiles)
{
    if (!*tiles)
        return;
    struct sk_mesh_tiles *t = *tiles;
    disconnect(t);
    sk_idmap_clear(&t->slot_of);
    sk_free(&t->id);
    sk_free(&t->charge);
    for (int d = 0; d < 3; d++)
        sk_free(&t->along[d]);
    sk_free(&t->atom);
    sk_free(tiles);
}

/* Points of a tile in a part of the grid. Along each axis they are one run or, where the tile goes beyond the end of
 * the grid, two (a grid is longer than an overhang): length points from `tile` on in the tile, from `part` on in the
 * part. */
struct overlap {
    int n[3];
    struct run {
        int tile, part, length;
    } run[3][2];
};

/* First grid point of a tile and its points with the overhang. */
static void tile_extent(const struct sk_mesh_tiles *t, int64_t id, int first[3], int extent[3])
{
    for (int d = 2; d >= 0; d--) {
        const int n = t->layout->n[d];
        first[d] = (int)(id % t->count[d]) * t->edge[d];
        id /= t->count[d];
        extent[d] = least(n - first[d], t->edge[d]) + t->spline.order - 1;
    }
}

static struct overlap overlap_of(const struct sk_mesh_tiles *t, int64_t id, const struct sk_mesh_block *part)
{
    struct overlap o = {.n = {0, 0, 0}};
    int first[3], extent[3];
    tile_extent(t, id, first, extent);
    for (int d = 0; d < 3; d++)
        for (int period = 0; period < first[d] + extent[d]; period += t->layout->n[d]) {
            const int lo = most(first[d], period + part->lo[d]);
            const int hi = least(first[d] + extent[d], period + part->hi[d]);
            if (lo < hi)
                o.run[d][o.n[d]++] = (struct run){lo - first[d], lo - period - part->lo[d], hi - lo};
        }
    return o;
}

static size_t overlap_points(const struct overlap *o)
{
    size_t points = 1;
    for (int d = 0; d < 3; d++) {
        int along = 0;
        for (int k = 0; k < o->n[d]; k++)
            along += o->run[d][k].length;
        points *= (size_t)along;
    }
    return points;
}

/* Calls visit(context, place in the tile, place in the part, length) for rows along z, in an order that both sides
 * know. */
typedef void run_visitor(void *context, ptrdiff_t in_tile, ptrdiff_t in_part, int length);
static inline __attribute__((always_inline)) void visit_runs(const struct sk_mesh_tiles *t, int64_t id,
                                                             const struct sk_mesh_block *part, run_visitor *visit,
                                                             void *context)
{
    const ptrdiff_t row = part->hi[2] - part->lo[2], plane = row * (part->hi[1] - part->lo[1]);
    const struct overlap o = overlap_of(t, id, part);
    for (int k = 0; k < o.n[0] * o.n[1] * o.n[2]; k++) {
        const struct run x = o.run[0][k / o.n[2] / o.n[1]], y = o.run[1][k / o.n[2] % o.n[1]], z = o.run[2][k % o.n[2]];
        for (int i = 0; i < x.length; i++)
            for (int j = 0; j < y.length; j++)
                visit(context, (x.tile + i) * t->shape.plane + (y.tile + j) * t->shape.row + z.tile,
                      (x.part + i) * plane + (y.part + j) * row + z.part, z.length);
    }
}

/* What the visitors copy: between a tile, a part of the grid and a message (4 bytes a point). */
struct copying {
    void *tile, *part;
    unsigned char *message;
};

static void run_add(void *context, ptrdiff_t in_tile, ptrdiff_t in_part, int length)
{
    struct copying *c = context;
    const int32_t *from = (const int32_t *)c->tile + in_tile;
    int32_t *to = (int32_t *)c->part + in_part;
    for (int k = 0; k < length; k++)
        to[k] = (int32_t)((uint32_t)to[k] + (uint32_t)from[k]);
}
static void run_fetch(void *context, ptrdiff_t in_tile, ptrdiff_t in_part, int length)
{
    struct copying *c = context;
    memcpy((float *)c->tile + in_tile, (const float *)c->part + in_part, (size_t)length * sizeof(float));
}
static void run_tile_to_message(void *context, ptrdiff_t in_tile, ptrdiff_t in_part, int length)
{
    struct copying *c = context;
    (void)in_part;
    memcpy(c->message, (const int32_t *)c->tile + in_tile, (size_t)length * 4);
    c->message += (size_t)length * 4;
}
static void run_message_to_tile(void *context, ptrdiff_t in_tile, ptrdiff_t in_part, int length)
{
    struct copying *c = context;
    (void)in_part;
    memcpy((float *)c->tile + in_tile, c->message, (size_t)length * 4);
    c->message += (size_t)length * 4;
}
static void run_message_to_part(void *context, ptrdiff_t in_tile, ptrdiff_t in_part, int length)
{
    struct copying *c = context;
    const int32_t *from = (const int32_t *)(const void *)c->message;
    int32_t *to = (int32_t *)c->part + in_part;
    (void)in_tile;
    for (int k = 0; k < length; k++)
        to[k] = (int32_t)((uint32_t)to[k] + (uint32_t)from[k]);
    c->message += (size_t)length * 4;
}
static void run_part_to_message(void *context, ptrdiff_t in_tile, ptrdiff_t in_part, int length)
{
    struct copying *c = context;
    (void)in_tile;
    memcpy(c->message, (const float *)c->part + in_part, (size_t)length * 4);
    c->message += (size_t)length * 4;
}

/* Tiles along an axis from the grid step `lo` on over `steps` more, periodic; returns how many. */
static int tiles_along(int n, int edge, int lo, int steps, int *at)
{
    int count = 0;
    for (int c = lo, end = lo + steps; c <= end;) {
        const int place = c % n, tile = place / edge, next = (tile + 1) * edge;
        at[count++] = tile;
        c += (next < n ? next : n) - place;
    }
    return count;
}

/* The tiles that a place within reach of x may fall into. */
static void mark(struct sk_mesh_tiles *t, const sk_frac x[3], const sk_frac reach[3])
{
    int at[3][TILE_SPAN], count[3];
    for (int d = 0; d < 3; d++) {
        const int n = t->layout->n[d], lo = sk_frac_to_cell(x[d] - reach[d], n);
        const int hi = sk_frac_to_cell(x[d] + reach[d], n);
        count[d] = tiles_along(n, t->edge[d], lo, hi >= lo ? hi - lo : hi + n - lo, at[d]);
    }
    for (int i = 0; i < count[0] * count[1] * count[2]; i++) {
        const int x_tile = at[0][i / count[2] / count[1]], y_tile = at[1][i / count[2] % count[1]];
        const int64_t id = ((int64_t)x_tile * t->count[1] + y_tile) * t->count[2] + at[2][i % count[2]];
        if (sk_idmap_find(&t->slot_of, id) >= 0)
            continue;
        sk_reserve(&t->id, &t->id_capacity, (size_t)t->ntiles + 1);
        t->id[t->ntiles] = id;
        sk_idmap_set(&t->slot_of, id, t->ntiles++);
    }
}

static struct share *share_of(struct share **list, int *n, size_t *capacity, int rank)
{
    for (int k = 0; k < *n; k++)
        if ((*list)[k].rank == rank)
            return &(*list)[k];
    sk_reserve(list, capacity, (size_t)*n + 1);
    (*list)[*n] = (struct share){.rank = rank};
    return &(*list)[(*n)++];
}

/* Notes a tile for every rank that has points of it. */
static void deal(struct sk_mesh_tiles *t, int slot, size_t *capacity)
{
    const int me = sk_comm_rank(t->comm);
    int seen[(TILE + 8) * (TILE + 8)], nseen = 0, first[3], extent[3];
    tile_extent(t, t->id[slot], first, extent);
    for (int j = 0; j < extent[1]; j++)
        for (int k = 0; k < extent[2]; k++) {
            const int y = (first[1] + j) % t->layout->n[1], z = (first[2] + k) % t->layout->n[2];
            const int owner = sk_mesh_layout_owner(t->layout, y, z);
            int s = 0;
            while (s < nseen && seen[s] != owner)
                s++;
            if (s < nseen)
                continue;
            seen[nseen++] = owner;
            struct share *share = owner == me ? &t->own : share_of(&t->out, &t->nout, capacity, owner);
            sk_reserve(&share->tile, &share->tile_capacity, (size_t)share->ntiles + 1);
            sk_reserve(&share->slot, &share->slot_capacity, (size_t)share->ntiles + 1);
            share->tile[share->ntiles] = t->id[slot];
            share->slot[share->ntiles++] = slot;
        }
}

static void measure(const struct sk_mesh_tiles *t, struct share *list, int n, bool is_out)
{
    const int me = sk_comm_rank(t->comm);
    for (int k = 0; k < n; k++) {
        const struct sk_mesh_block part = sk_mesh_layout_block(t->layout, SK_MESH_GRID, is_out ? list[k].rank : me);
        list[k].length = 0;
        for (int i = 0; i < list[k].ntiles; i++) {
            const struct overlap o = overlap_of(t, list[k].tile[i], &part);
            list[k].length += overlap_points(&o);
        }
    }
}

/* Owners learn which tiles will come from whom. */
static void announce(struct sk_mesh_tiles *t)
{
    struct sk_parcel *parcel = sk_alloc((size_t)t->nout, sizeof *parcel);
    struct sk_receipt receipt;
    for (int k = 0; k < t->nout; k++)
        parcel[k] = (struct sk_parcel){.rank = t->out[k].rank,
                                       .length = (size_t)t->out[k].ntiles * sizeof(int64_t),
                                       .bytes = (unsigned char *)t->out[k].tile};
    sk_comm_exchange(t->comm, parcel, t->nout, &receipt);
    t->nin = receipt.count;
    t->in = sk_calloc((size_t)t->nin, sizeof *t->in);
    for (int k = 0; k < t->nin; k++) {
        const struct sk_parcel *p = &receipt.parcels[k];
        t->in[k].rank = p->rank;
        t->in[k].ntiles = (int)(p->length / sizeof(int64_t));
        t->in[k].tile = sk_alloc((size_t)t->in[k].ntiles, sizeof(int64_t));
        memcpy(t->in[k].tile, p->bytes, p->length);
    }
    sk_receipt_clear(&receipt);
    sk_free(&parcel);
}

static void connect(struct sk_mesh_tiles *t)
{
    int *out_rank = sk_alloc((size_t)t->nout, sizeof *out_rank), *in_rank = sk_alloc((size_t)t->nin, sizeof *in_rank);
    size_t *out = sk_alloc((size_t)t->nout, sizeof *out), *in = sk_alloc((size_t)t->nin, sizeof *in);
    for (int k = 0; k < t->nout; k++) {
        out_rank[k] = t->out[k].rank;
        out[k] = t->out[k].length * 4;
    }
    for (int k = 0; k < t->nin; k++) {
        in_rank[k] = t->in[k].rank;
        in[k] = t->in[k].length * 4;
    }
    t->sum = sk_links_new(t->comm, t->tag, t->nout, out_rank, out, t->nin, in_rank, in);
    t->back = sk_links_new(t->comm, t->tag + 1, t->nin, in_rank, in, t->nout, out_rank, out);
    sk_free(&out_rank);
    sk_free(&in_rank);
    sk_free(&out);
    sk_free(&in);
}

void sk_mesh_tiles_assign(struct sk_mesh_tiles *t, int n, const sk_frac (*x)[3], const double reach[3])
{
    sk_frac far[3];
    size_t capacity = 0;
    for (int d = 0; d < 3; d++) {
        SK_REQUIRE(reach[d] >= 0.0 && reach[d] <= 0.125);
        far[d] = (sk_frac)(reach[d] * 0x1p64);
    }
    disconnect(t);
    sk_idmap_reset(&t->slot_of, 64);
    t->ntiles = t->natoms = 0;
    for (int i = 0; i < n; i++)
        mark(t, x[i], far);
    for (int slot = 0; slot < t->ntiles; slot++)
        deal(t, slot, &capacity);
    announce(t);
    measure(t, t->out, t->nout, true);
    measure(t, t->in, t->nin, false);
    connect(t);
    sk_reserve(&t->charge, &t->grid_capacity, (size_t)t->ntiles * t->tile_points);
}

/* An atom's first grid point along an axis; *t: how far past it. The product of fraction and length in two parts, for
 * that is fast everywhere. */
static inline int point_along(sk_frac x, int n, float *t)
{
    const uint64_t place = (x >> 32) * (uint32_t)n + ((x & 0xffffffff) * (uint32_t)n >> 32);
    *t = (float)(int32_t)((uint32_t)place >> 1) * 0x1p-31f;
    return (int)(place >> 32);
}

int sk_mesh_tiles_spread(struct sk_mesh_tiles *t, int n, const sk_frac (*x)[3], const double *charge, double scale)
{
    const struct along *const *along = (const struct along *const *)t->along;
    const int size[3] = {t->layout->n[0], t->layout->n[1], t->layout->n[2]};
    int64_t last_id = -1;
    int slot = -1, nlost = 0;
    t->natoms = n;
    sk_reserve(&t->atom, &t->atom_capacity, (size_t)n);
    if (t->ntiles > 0)
        memset(t->charge, 0, (size_t)t->ntiles * t->tile_points * sizeof *t->charge);
    for (int i = 0; i < n; i++) {
        struct sk_mesh_atom *atom = &t->atom[i];
        const struct along *in_x = &along[0][point_along(x[i][0], size[0], &atom->t[0])];
        const struct along *in_y = &along[1][point_along(x[i][1], size[1], &atom->t[1])];
        const struct along *in_z = &along[2][point_along(x[i][2], size[2], &atom->t[2])];
        const int64_t id = in_x->id + in_y->id + in_z->id;
        if (id != last_id) {
            last_id = id;
            slot = sk_idmap_find(&t->slot_of, id);
        }
        atom->q = slot < 0 ? 0.0f : (float)(charge[i] * scale);
        atom->place = in_x->place + in_y->place + in_z->place;
        atom->place += (ptrdiff_t)((size_t)(slot < 0 ? 0 : slot) * t->tile_points);
        nlost += slot < 0;
    }
    if (t->ntiles > 0)
        t->variant->spread(&t->spline, t->atom, n, &t->shape, t->charge);
    return nlost;
}

void sk_mesh_tiles_sum_begin(struct sk_mesh_tiles *t)
{
    for (int k = 0; k < t->nout; k++) {
        const struct sk_mesh_block part = sk_mesh_layout_block(t->layout, SK_MESH_GRID, t->out[k].rank);
        struct copying c = {.message = sk_links_send_buffer(t->sum, k)};
        for (int i = 0; i < t->out[k].ntiles; i++) {
            c.tile = t->charge + (size_t)t->out[k].slot[i] * t->tile_points;
            visit_runs(t, t->out[k].tile[i], &part, run_tile_to_message, &c);
        }
    }
    sk_links_begin(t->sum);
}

void sk_mesh_tiles_sum_end(struct sk_mesh_tiles *t, int32_t *grid)
{
    struct copying c = {.part = grid};
    if (sk_mesh_block_size(&t->part) > 0)
        memset(grid, 0, sk_mesh_block_size(&t->part) * sizeof *grid);
    for (int i = 0; i < t->own.ntiles; i++) {
        c.tile = t->charge + (size_t)t->own.slot[i] * t->tile_points;
        visit_runs(t, t->own.tile[i], &t->part, run_add, &c);
    }
    for (int k; (k = sk_links_arrived(t->sum)) >= 0;) {
        /* read only; the visitors of both directions share a struct */
        c.message = (unsigned char *)(uintptr_t)sk_links_recv_buffer(t->sum, k);
        for (int i = 0; i < t->in[k].ntiles; i++)
            visit_runs(t, t->in[k].tile[i], &t->part, run_message_to_part, &c);
    }
    sk_links_end(t->sum);
}

void sk_mesh_tiles_share_begin(struct sk_mesh_tiles *t, const float *potential)
{
    for (int k = 0; k < t->nin; k++) {
        struct copying c = {.part = (void *)(uintptr_t)potential, .message = sk_links_send_buffer(t->back, k)};
        for (int i = 0; i < t->in[k].ntiles; i++)
            visit_runs(t, t->in[k].tile[i], &t->part, run_part_to_message, &c);
    }
    sk_links_begin(t->back);
}

void sk_mesh_tiles_share_end(struct sk_mesh_tiles *t, const float *potential)
{
    struct copying c = {.part = (void *)(uintptr_t)potential};
    for (int i = 0; i < t->own.ntiles; i++) {
        c.tile = t->charge + (size_t)t->own.slot[i] * t->tile_points;
        visit_runs(t, t->own.tile[i], &t->part, run_fetch, &c);
    }
    for (int k; (k = sk_links_arrived(t->back)) >= 0;) {
        const struct sk_mesh_block part = sk_mesh_layout_block(t->layout, SK_MESH_GRID, t->out[k].rank);
        c.message = (unsigned char *)(uintptr_t)sk_links_recv_buffer(t->back, k);
        for (int i = 0; i < t->out[k].ntiles; i++) {
            c.tile = t->charge + (size_t)t->out[k].slot[i] * t->tile_points;
            visit_runs(t, t->out[k].tile[i], &part, run_message_to_tile, &c);
        }
    }
    sk_links_end(t->back);
}

void sk_mesh_tiles_gather(struct sk_mesh_tiles *t, const double to_force[3][3], const double *charge,
                          sk_fixed (*force)[3])
{
    if (t->ntiles > 0)
        t->variant->gather(&t->spline, t->atom, t->natoms, &t->shape, (const float *)(const void *)t->charge, to_force,
                           charge, force);
}

size_t sk_mesh_tiles_memory(const struct sk_mesh_tiles *t)
{
    return sizeof *t + t->id_capacity * sizeof *t->id + t->grid_capacity * sizeof *t->charge +
           t->atom_capacity * sizeof *t->atom + t->slot_of.size * sizeof(struct sk_idmap_slot);
}
