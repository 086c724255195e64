#include "mesh/layout.h"

#include <string.h>

#include "base/memory.h"
#include "par/links.h"

/* Part p of `parts` of n things. */
static void cut(int n, int parts, int p, int *lo, int *hi)
{
    *lo = (int)((int64_t)n * p / parts);
    *hi = (int)((int64_t)n * (p + 1) / parts);
}

static int part_of(int n, int parts, int i)
{
    return (int)(((int64_t)(i + 1) * parts - 1) / n);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

bool sk_mesh_layout_fits(const struct sk_mesh_layout *layout, int nranks)
{
    const int *n = layout->n, *parts = layout->parts;
    return parts[0] >= 1 && parts[1] >= 1 && parts[0] * parts[1] <= nranks && parts[0] <= least(n[1], n[2]) &&
           parts[1] <= least(n[1], n[0] / 2 + 1);
}

void sk_mesh_layout_choose(struct sk_mesh_layout *layout, const int n[3], int nranks, enum sk_mesh_cuts cuts)
{
    memcpy(layout->n, n, sizeof layout->n);
    layout->parts[0] = least(nranks, least(n[1], n[2]));
    layout->parts[1] = 1;
    if (nranks == 1 || cuts == SK_MESH_SLABS || (cuts == SK_MESH_AUTO && 4 * nranks <= least(n[1], n[2])))
        return;
    layout->parts[0] = 1;
    while ((layout->parts[0] + 1) * (layout->parts[0] + 1) <= nranks && layout->parts[0] < least(n[1], n[2]))
        layout->parts[0]++;
    layout->parts[1] = least(nranks / layout->parts[0], least(n[1], n[0] / 2 + 1));
}

struct sk_mesh_block sk_mesh_layout_block(const struct sk_mesh_layout *layout, enum sk_mesh_stage stage, int rank)
{
    const int *n = layout->n, *parts = layout->parts, nx = n[0] / 2 + 1;
    const int first = rank / parts[1], second = rank % parts[1];
    struct sk_mesh_block b = {{0, 0, 0}, {stage == SK_MESH_GRID ? n[0] : nx, n[1], n[2]}};
    if (rank >= parts[0] * parts[1])
        return (struct sk_mesh_block){{0, 0, 0}, {0, 0, 0}};
    if (stage == SK_MESH_SPECTRUM_Y || stage == SK_MESH_SPECTRUM_Z)
        cut(nx, parts[1], second, &b.lo[0], &b.hi[0]);
    else
        cut(n[1], parts[1], second, &b.lo[1], &b.hi[1]);
    if (stage == SK_MESH_SPECTRUM_Z)
        cut(n[1], parts[0], first, &b.lo[1], &b.hi[1]);
    else
        cut(n[2], parts[0], first, &b.lo[2], &b.hi[2]);
    return b;
}

int sk_mesh_layout_owner(const struct sk_mesh_layout *layout, int y, int z)
{
    return part_of(layout->n[2], layout->parts[0], z) * layout->parts[1] + part_of(layout->n[1], layout->parts[1], y);
}

/* What two ranks have in common. */
struct piece {
    int rank;
    struct sk_mesh_block block;
};
struct sk_mesh_move {
    struct sk_mesh_block from, to, own; /* own: what stays on this rank */
    bool is_idle;
    int nsend, nrecv;
    struct piece *send, *recv;
    struct sk_links *links;
};

static struct sk_mesh_block common(const struct sk_mesh_block *a, const struct sk_mesh_block *b)
{
    struct sk_mesh_block c;
    for (int d = 0; d < 3; d++) {
        c.lo[d] = a->lo[d] > b->lo[d] ? a->lo[d] : b->lo[d];
        c.hi[d] = least(a->hi[d], b->hi[d]);
        if (c.hi[d] < c.lo[d])
            c.hi[d] = c.lo[d];
    }
    return c;
}

/* The other ranks whose part at `stage` has something in common with `mine`. */
static struct piece *pieces(const struct sk_mesh_layout *layout, const struct sk_mesh_block *mine,
                            enum sk_mesh_stage stage, int rank, int *count)
{
    const int nranks = layout->parts[0] * layout->parts[1];
    struct piece *list = NULL;
    size_t capacity = 0;
    *count = 0;
    for (int r = 0; r < nranks; r++) {
        const struct sk_mesh_block theirs = sk_mesh_layout_block(layout, stage, r), both = common(mine, &theirs);
        if (r == rank || sk_mesh_block_size(&both) == 0)
            continue;
        sk_reserve(&list, &capacity, (size_t)*count + 1);
        list[(*count)++] = (struct piece){r, both};
    }
    return list;
}

static void lengths(const struct piece *list, int n, int *rank, size_t *length)
{
    for (int k = 0; k < n; k++) {
        rank[k] = list[k].rank;
        length[k] = sk_mesh_block_size(&list[k].block) * 2 * sizeof(float);
    }
}

struct sk_mesh_move *sk_mesh_move_new(struct sk_comm *comm, const struct sk_mesh_layout *layout,
                                      enum sk_mesh_stage from, enum sk_mesh_stage to, int tag)
{
    struct sk_mesh_move *move = sk_calloc(1, sizeof *move);
    const int rank = sk_comm_rank(comm);
    move->from = sk_mesh_layout_block(layout, from, rank);
    move->to = sk_mesh_layout_block(layout, to, rank);
    move->own = common(&move->from, &move->to);
    move->is_idle = true;
    for (int r = 0; r < layout->parts[0] * layout->parts[1]; r++) {
        const struct sk_mesh_block a = sk_mesh_layout_block(layout, from, r), b = sk_mesh_layout_block(layout, to, r);
        move->is_idle = move->is_idle && memcmp(&a, &b, sizeof a) == 0;
    }
    if (move->is_idle)
        return move;
    move->send = pieces(layout, &move->from, to, rank, &move->nsend);
    move->recv = pieces(layout, &move->to, from, rank, &move->nrecv);
    int *send_rank = sk_alloc((size_t)move->nsend, sizeof *send_rank);
    int *recv_rank = sk_alloc((size_t)move->nrecv, sizeof *recv_rank);
    size_t *send_length = sk_alloc((size_t)move->nsend, sizeof *send_length);
    size_t *recv_length = sk_alloc((size_t)move->nrecv, sizeof *recv_length);
    lengths(move->send, move->nsend, send_rank, send_length);
    lengths(move->recv, move->nrecv, recv_rank, recv_length);
    move->links = sk_links_new(comm, tag, move->nsend, send_rank, send_length, move->nrecv, recv_rank, recv_length);
    sk_free(&send_rank);
    sk_free(&recv_rank);
    sk_free(&send_length);
    sk_free(&recv_length);
    return move;
}

void sk_mesh_move_free(struct sk_mesh_move **move)
{
    if (!*move)
        return;
    sk_links_free(&(*move)->links);
    sk_free(&(*move)->send);
    sk_free(&(*move)->recv);
    sk_free(move);
}

bool sk_mesh_move_is_idle(const struct sk_mesh_move *move)
{
    return move->is_idle;
}

/* Copies `part` from an array over the block `source` to one over `target`. */
static void copy(const struct sk_mesh_block *part, const struct sk_mesh_block *source, const float *from,
                 const struct sk_mesh_block *target, float *to)
{
    const ptrdiff_t from_row = source->hi[2] - source->lo[2], from_plane = from_row * (source->hi[1] - source->lo[1]);
    const ptrdiff_t to_row = target->hi[2] - target->lo[2], to_plane = to_row * (target->hi[1] - target->lo[1]);
    const size_t length = (size_t)(part->hi[2] - part->lo[2]) * sizeof *to;
    for (int x = part->lo[0]; x < part->hi[0]; x++)
        for (int y = part->lo[1]; y < part->hi[1]; y++)
            memcpy(to + (x - target->lo[0]) * to_plane + (y - target->lo[1]) * to_row + (part->lo[2] - target->lo[2]),
                   from + (x - source->lo[0]) * from_plane + (y - source->lo[1]) * from_row +
                       (part->lo[2] - source->lo[2]),
                   length);
}

void sk_mesh_move_begin(struct sk_mesh_move *move, const float *re, const float *im)
{
    SK_REQUIRE(!move->is_idle);
    for (int k = 0; k < move->nsend; k++) {
        const struct sk_mesh_block *part = &move->send[k].block;
        float *buffer = sk_links_send_buffer(move->links, k);
        copy(part, &move->from, re, part, buffer);
        copy(part, &move->from, im, part, buffer + sk_mesh_block_size(part));
    }
    sk_links_begin(move->links);
}

void sk_mesh_move_end(struct sk_mesh_move *move, const float *re, const float *im, float *to_re, float *to_im)
{
    if (sk_mesh_block_size(&move->own) > 0) {
        copy(&move->own, &move->from, re, &move->to, to_re);
        copy(&move->own, &move->from, im, &move->to, to_im);
    }
    for (int k; (k = sk_links_arrived(move->links)) >= 0;) {
        const struct sk_mesh_block *part = &move->recv[k].block;
        const float *buffer = sk_links_recv_buffer(move->links, k);
        copy(part, part, buffer, &move->to, to_re);
        copy(part, part, buffer + sk_mesh_block_size(part), &move->to, to_im);
    }
    sk_links_end(move->links);
}
