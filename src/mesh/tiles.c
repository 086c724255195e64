#include "mesh/tiles.h"

#include <string.h>

#include "base/idmap.h"
#include "base/memory.h"
#include "par/links.h"

/* SPAN: tiles along an axis within a quarter of the longest grid, and the ends. */
enum { TILE_BITS = 4, TILE = 1 << TILE_BITS, TILE_SPAN = SK_MESH_LARGEST / 4 / TILE + 3 };

/* Tiles of one rank that have points on another, and where their points start in the message. */
struct share {
    int rank;
    int ntiles;
    int64_t *tile;                               /* ids */
    int *slot;                                   /* on the rank of the tiles: where they are kept */
    size_t tile_capacity, slot_capacity, length; /* length: points in all */
};

struct sk_mesh_tiles {
    struct sk_comm *comm;
    const struct sk_mesh_layout *layout;
    const struct sk_kernel_variant *variant;
    struct sk_spline spline;
    struct sk_mesh_block part; /* of the grid, this rank's */
    struct sk_mesh_shape shape;
    size_t tile_points; /* with the padding */
    int tag, count[3];  /* tiles along each axis */
    int ntiles;
    struct sk_idmap slot_of;
    int64_t *id; /* [ntiles] */
    size_t id_capacity, grid_capacity;
    int32_t *charge; /* [ntiles][tile_points]; the potential afterwards */
    struct sk_links *sum, *back;
    int nout, nin; /* tiles of mine with points elsewhere; tiles of others with points here */
    struct share own, *out, *in;
    int natoms, nchunks;
    size_t chunk_capacity, value_capacity;
    struct sk_mesh_chunk *chunk;
    float (*value)[SK_MESH_CHUNK][4];
};

struct sk_mesh_tiles *sk_mesh_tiles_new(struct sk_comm *comm, const struct sk_mesh_layout *layout, int order,
                                        const struct sk_kernel_variant *variant, int tag)
{
    struct sk_mesh_tiles *t = sk_calloc(1, sizeof *t);
    const int extent = TILE + order - 1;
    t->comm = comm;
    t->layout = layout;
    t->variant = variant;
    t->tag = tag;
    sk_spline_init(&t->spline, order);
    t->part = sk_mesh_layout_block(layout, SK_MESH_GRID, sk_comm_rank(comm));
    t->shape.row = order == 4 ? 20 : 24; /* rows are written 4 or 8 points at a time */
    t->shape.plane = t->shape.row * extent;
    t->tile_points = (size_t)(t->shape.plane * extent) + 8;
    for (int d = 0; d < 3; d++)
        t->count[d] = (layout->n[d] + TILE - 1) >> TILE_BITS;
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
    sk_free(&t->chunk);
    sk_free(&t->value);
    sk_free(tiles);
}

/* Points of a tile in a part of the grid: for each row of them one or more runs along z, in an order that both sides
 * know. The visitor gets places in the tile and in an array over the part. */
struct runs {
    int first[3], extent[3];                                 /* of the tile: grid point, points with overhang */
    int n, length[TILE + 8], tile[TILE + 8], grid[TILE + 8]; /* the runs along z */
};

static void runs_init(const struct sk_mesh_tiles *t, int64_t id, const struct sk_mesh_block *part, struct runs *r)
{
    const int *n = t->layout->n;
    int64_t rest = id;
    r->n = 0;
    for (int d = 2; d >= 0; d--) {
        r->first[d] = (int)(rest % t->count[d]) << TILE_BITS;
        rest /= t->count[d];
        r->extent[d] = (n[d] - r->first[d] < TILE ? n[d] - r->first[d] : TILE) + t->spline.order - 1;
    }
    for (int k = 0, was_in = 0; k < r->extent[2]; k++) {
        const int z = (r->first[2] + k) % n[2], is_in = z >= part->lo[2] && z < part->hi[2];
        if (is_in && was_in && z != 0) {
            r->length[r->n - 1]++;
        } else if (is_in) {
            r->tile[r->n] = k;
            r->grid[r->n] = z - part->lo[2];
            r->length[r->n++] = 1;
        }
        was_in = is_in;
    }
}

/* Calls visit(context, place in the tile, place in the part, length) for each run; returns the number of points. */
typedef void run_visitor(void *context, ptrdiff_t in_tile, ptrdiff_t in_part, int length);
static inline __attribute__((always_inline)) size_t visit_runs(const struct sk_mesh_tiles *t, int64_t id,
                                                               const struct sk_mesh_block *part, run_visitor *visit,
                                                               void *context)
{
    const int *n = t->layout->n;
    const ptrdiff_t row = part->hi[2] - part->lo[2], plane = row * (part->hi[1] - part->lo[1]);
    struct runs r;
    size_t points = 0;
    runs_init(t, id, part, &r);
    for (int i = 0; i < r.extent[0]; i++)
        for (int j = 0; j < r.extent[1]; j++) {
            const int x = (r.first[0] + i) % n[0], y = (r.first[1] + j) % n[1];
            if (x < part->lo[0] || x >= part->hi[0] || y < part->lo[1] || y >= part->hi[1])
                continue;
            const ptrdiff_t in_tile = i * t->shape.plane + j * t->shape.row;
            const ptrdiff_t in_part = (x - part->lo[0]) * plane + (y - part->lo[1]) * row;
            for (int k = 0; k < r.n; k++) {
                visit(context, in_tile + r.tile[k], in_part + r.grid[k], r.length[k]);
                points += (size_t)r.length[k];
            }
        }
    return points;
}

/* What the visitors copy: between a tile, a part of the grid and a message (4 bytes a point). */
struct copying {
    void *tile, *part;
    unsigned char *message;
};

static void run_count(void *context, ptrdiff_t in_tile, ptrdiff_t in_part, int length)
{
    (void)context, (void)in_tile, (void)in_part, (void)length;
}
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
static int tiles_along(int n, int lo, int steps, int *at)
{
    int count = 0;
    for (int c = lo, end = lo + steps; c <= end;) {
        const int place = c % n, tile = place >> TILE_BITS, next = (tile + 1) << TILE_BITS;
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
        count[d] = tiles_along(n, lo, hi >= lo ? hi - lo : hi + n - lo, at[d]);
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
    const struct sk_mesh_block whole = {{0, 0, 0}, {t->layout->n[0], t->layout->n[1], t->layout->n[2]}};
    struct runs r;
    int seen[(TILE + 8) * (TILE + 8)], nseen = 0;
    runs_init(t, t->id[slot], &whole, &r);
    for (int j = 0; j < r.extent[1]; j++)
        for (int k = 0; k < r.extent[2]; k++) {
            const int y = (r.first[1] + j) % t->layout->n[1], z = (r.first[2] + k) % t->layout->n[2];
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
        for (int i = 0; i < list[k].ntiles; i++)
            list[k].length += visit_runs(t, list[k].tile[i], &part, run_count, NULL);
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
    t->ntiles = t->natoms = t->nchunks = 0;
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

/* The tile of an atom, or -1, and its place there. */
static inline int locate(const struct sk_mesh_tiles *t, const sk_frac x[3], int64_t *last_id, int *last_slot, int lane,
                         struct sk_mesh_chunk *chunk)
{
    int at[3];
    for (int d = 0; d < 3; d++) {
        const sk_uint128 place = (sk_uint128)x[d] * (uint32_t)t->layout->n[d];
        at[d] = (int)(place >> 64);
        chunk->t[d][lane] = (float)(int32_t)((uint64_t)place >> 33) * 0x1p-31f;
    }
    const int64_t id = ((int64_t)(at[0] >> TILE_BITS) * t->count[1] + (at[1] >> TILE_BITS)) * t->count[2] +
                       (at[2] >> TILE_BITS);
    if (id != *last_id) {
        *last_id = id;
        *last_slot = sk_idmap_find(&t->slot_of, id);
    }
    chunk->place[lane] = (ptrdiff_t)((size_t)(*last_slot < 0 ? 0 : *last_slot) * t->tile_points) +
                         (at[0] & (TILE - 1)) * t->shape.plane + (at[1] & (TILE - 1)) * t->shape.row +
                         (at[2] & (TILE - 1));
    return *last_slot;
}

int sk_mesh_tiles_spread(struct sk_mesh_tiles *t, int n, const sk_frac (*x)[3], const double *charge, double scale)
{
    int64_t last_id = -1;
    int last_slot = -1, nlost = 0;
    t->natoms = n;
    t->nchunks = (n + SK_MESH_CHUNK - 1) / SK_MESH_CHUNK;
    sk_reserve(&t->chunk, &t->chunk_capacity, (size_t)t->nchunks);
    sk_reserve(&t->value, &t->value_capacity, (size_t)t->nchunks);
    if (t->ntiles > 0)
        memset(t->charge, 0, (size_t)t->ntiles * t->tile_points * sizeof *t->charge);
    for (int c = 0; c < t->nchunks; c++) {
        struct sk_mesh_chunk *chunk = &t->chunk[c];
        const int first = c * SK_MESH_CHUNK, lanes = n - first < SK_MESH_CHUNK ? n - first : SK_MESH_CHUNK;
        chunk->n = lanes;
        if (lanes < SK_MESH_CHUNK)
            memset(chunk->t, 0, sizeof chunk->t);
        for (int l = 0; l < lanes; l++) {
            const bool is_lost = locate(t, x[first + l], &last_id, &last_slot, l, chunk) < 0;
            chunk->q[l] = is_lost ? 0.0f : (float)(charge[first + l] * scale);
            nlost += is_lost;
        }
    }
    if (t->ntiles > 0)
        t->variant->spread(&t->spline, t->chunk, t->nchunks, &t->shape, t->charge);
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

const float (*sk_mesh_tiles_gather(struct sk_mesh_tiles *t))[4]
{
    if (t->ntiles > 0)
        t->variant->gather(&t->spline, t->chunk, t->nchunks, &t->shape, (const float *)(const void *)t->charge,
                           t->value);
    else if (t->nchunks > 0)
        memset(t->value, 0, (size_t)t->nchunks * sizeof *t->value);
    return (const float(*)[4])t->value;
}

size_t sk_mesh_tiles_memory(const struct sk_mesh_tiles *t)
{
    return sizeof *t + t->id_capacity * sizeof *t->id + t->grid_capacity * sizeof *t->charge +
           t->chunk_capacity * sizeof *t->chunk + t->value_capacity * sizeof *t->value +
           t->slot_of.size * sizeof(struct sk_idmap_slot);
}
