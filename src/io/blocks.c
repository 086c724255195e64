#include "io/blocks.h"

#include <stddef.h>
#include <string.h>
#include <xxhash.h>

#include "base/memory.h"

_Static_assert(SK_BLOCK_ROWS % SK_BLOCK_PIECE == 0, "a piece must not straddle blocks");
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "checksums are defined on little-endian bytes"
#endif

/* A dataset: width values of an atom, `bytes` in all, at `offset` of the record. */
struct column {
    const char *path, *checksum;
    enum sk_h5_type type;
    int width;
    size_t bytes, offset;
};

static const struct column columns[] = {
    {"/x", "/checksum/x", SK_H5_U64, 3, 24, offsetof(struct sk_atom_record, x)},
    {"/image", "/checksum/image", SK_H5_I32, 3, 12, offsetof(struct sk_atom_record, image)},
    {"/v", "/checksum/v", SK_H5_F64, 3, 24, offsetof(struct sk_atom_record, v)},
    {"/kind", "/checksum/kind", SK_H5_I32, 1, 4, offsetof(struct sk_atom_record, kind)},
    {"/move", "/checksum/move", SK_H5_F64, 3, 24, offsetof(struct sk_atom_record, move)}, /* if there are moves */
};
enum { COLUMNS = sizeof columns / sizeof columns[0], COLUMN_BYTES_MAX = 24 };

static int columns_used(bool has_moves)
{
    return has_moves ? COLUMNS : COLUMNS - 1;
}

static struct sk_h5_shape column_shape(const struct column *c, int64_t natoms)
{
    struct sk_h5_shape shape = {c->width > 1 ? 2 : 1, {(uint64_t)natoms, (uint64_t)c->width}, {0}};
    return shape;
}

static struct sk_h5_slab column_rows(const struct column *c, int64_t first, int64_t n)
{
    struct sk_h5_slab slab = {{(uint64_t)first, 0}, {(uint64_t)n, (uint64_t)c->width}};
    return slab;
}

enum sk_code sk_blocks_layout(struct sk_h5 *file, int64_t natoms, bool has_moves, struct sk_error *err)
{
    struct sk_h5_shape sums = {1, {(uint64_t)sk_blocks_count(natoms)}, {0}};
    int32_t rows = SK_BLOCK_ROWS;
    enum sk_code code = SK_OK;
    for (int c = 0; !code && c < columns_used(has_moves); c++) {
        struct sk_h5_shape shape = column_shape(&columns[c], natoms);
        code = sk_h5_dataset(file, columns[c].path, columns[c].type, &shape, err);
        if (!code)
            code = sk_h5_dataset(file, columns[c].checksum, SK_H5_U64, &sums, err);
    }
    return code ? code : sk_h5_attribute_write(file, "/checksum", "block_atoms", SK_H5_I32, 0, &rows, err);
}

int64_t sk_blocks_bytes(int64_t natoms, bool has_moves)
{
    int64_t bytes = 0;
    for (int c = 0; c < columns_used(has_moves); c++)
        bytes += natoms * (int64_t)columns[c].bytes + sk_blocks_count(natoms) * 8;
    return bytes;
}

/* What a writing rank carries from piece to piece. */
struct writer {
    XXH3_state_t *state[COLUMNS]; /* of the block being written */
    uint64_t *sums[COLUMNS];      /* of the blocks written */
    int64_t first_block, blocks;
    int columns;
    unsigned char *rows; /* one column of a piece */
};

static void writer_init(struct writer *w, const struct sk_merge_plan *plan, bool has_moves, int rank)
{
    sk_gid first;
    int64_t n;
    memset(w, 0, sizeof *w);
    w->columns = columns_used(has_moves);
    sk_merge_piece(plan, rank, 0, &first, &n);
    if (!n)
        return;
    w->first_block = first / SK_BLOCK_ROWS;
    w->rows = sk_alloc((size_t)n, COLUMN_BYTES_MAX);
    for (int c = 0; c < w->columns; c++) {
        w->sums[c] = sk_alloc((size_t)(plan->rounds * plan->piece / SK_BLOCK_ROWS + 1), sizeof(uint64_t));
        w->state[c] = XXH3_createState();
        if (!w->state[c])
            sk_die(SK_EENV, "out of memory: cannot allocate a checksum state");
    }
}

static void writer_clear(struct writer *w)
{
    for (int c = 0; c < COLUMNS; c++) {
        XXH3_freeState(w->state[c]);
        sk_free(&w->sums[c]);
    }
    sk_free(&w->rows);
}

/* Adds rows of column c to its block's checksum; pieces end where blocks do. */
static void writer_sum(struct writer *w, int c, sk_gid first, int64_t n, int64_t natoms)
{
    if (first % SK_BLOCK_ROWS == 0)
        XXH3_64bits_reset(w->state[c]);
    XXH3_64bits_update(w->state[c], w->rows, (size_t)n * columns[c].bytes);
    if ((first + n) % SK_BLOCK_ROWS == 0 || first + n == natoms) {
        int64_t block = first / SK_BLOCK_ROWS - w->first_block;
        w->sums[c][block] = XXH3_64bits_digest(w->state[c]);
        w->blocks = block + 1;
    }
}

static void record_fill(const void *context, int i, void *record)
{
    sk_atoms_get(context, i, record);
}

/* Every rank makes every call, whatever failed before: the writes are collective. */
static enum sk_code piece_write(struct writer *w, struct sk_h5 *file, const struct sk_atom_record *records,
                                sk_gid first, int64_t n, int64_t natoms, struct sk_error *err)
{
    enum sk_code code = SK_OK;
    struct sk_error other;
    for (int c = 0; c < w->columns; c++) {
        struct sk_h5_slab slab = column_rows(&columns[c], first, n);
        for (int64_t i = 0; i < n; i++)
            memcpy(w->rows + (size_t)i * columns[c].bytes, (const unsigned char *)&records[i] + columns[c].offset,
                   columns[c].bytes);
        if (n)
            writer_sum(w, c, first, n, natoms);
        enum sk_code now = sk_h5_write(file, columns[c].path, columns[c].type, &slab, w->rows, code ? &other : err);
        code = code ? code : now;
    }
    return code;
}

static enum sk_code sums_write(const struct writer *w, struct sk_h5 *file, struct sk_error *err)
{
    struct sk_h5_slab slab = {{(uint64_t)w->first_block}, {(uint64_t)w->blocks}};
    enum sk_code code = SK_OK;
    struct sk_error other;
    for (int c = 0; c < w->columns; c++) {
        enum sk_code now = sk_h5_write(file, columns[c].checksum, SK_H5_U64, &slab, w->sums[c], code ? &other : err);
        code = code ? code : now;
    }
    return code;
}

enum sk_code sk_blocks_write(struct sk_comm *comm, struct sk_h5 *file, const struct sk_atoms *atoms, int64_t natoms,
                             bool has_moves, struct sk_error *err)
{
    struct sk_merge_plan plan = sk_merge_plan_make(natoms, sk_comm_size(comm), SK_BLOCK_ROWS, SK_BLOCK_PIECE);
    struct sk_merge *merge;
    struct writer w;
    enum sk_code code = sk_merge_new(comm, &plan, atoms->n, atoms->id, sizeof(struct sk_atom_record), &merge, err);
    if (code)
        return code;
    writer_init(&w, &plan, has_moves, sk_comm_rank(comm));
    for (int64_t round = 0; !code && round < plan.rounds; round++) {
        const void *records;
        sk_gid first;
        int64_t n;
        sk_merge_piece(&plan, sk_comm_rank(comm), round, &first, &n);
        code = sk_merge_round(merge, round, record_fill, atoms, &records, err);
        if (!code)
            code = sk_comm_agree(comm, err, piece_write(&w, file, records, first, n, natoms, err));
    }
    if (!code)
        code = sk_comm_agree(comm, err, sums_write(&w, file, err));
    writer_clear(&w);
    sk_merge_free(&merge);
    return code;
}

enum sk_code sk_blocks_shapes(struct sk_h5 *file, int64_t natoms, bool has_moves, struct sk_error *err)
{
    for (int c = 0; c < columns_used(has_moves); c++) {
        struct sk_h5_shape shape, want = column_shape(&columns[c], natoms), sums;
        enum sk_code code = sk_h5_shape(file, columns[c].path, columns[c].type, &shape, err);
        if (!code)
            code = sk_h5_shape(file, columns[c].checksum, SK_H5_U64, &sums, err);
        if (code)
            return code;
        if (shape.rank != want.rank || shape.size[0] != want.size[0] ||
            (want.rank > 1 && shape.size[1] != want.size[1]) || sums.rank != 1 ||
            sums.size[0] != (uint64_t)sk_blocks_count(natoms))
            return sk_fail(err, SK_EENV, "dataset %s has not the shape of %lld atoms", columns[c].path,
                           (long long)natoms);
    }
    return SK_OK;
}

static enum sk_code column_read(struct sk_h5 *file, const struct column *c, XXH3_state_t *state, unsigned char *rows,
                                int64_t natoms, int64_t block, sk_gid first, int64_t n, struct sk_atom_record *records,
                                struct sk_error *err)
{
    int64_t at = block * SK_BLOCK_ROWS, end = at + SK_BLOCK_ROWS < natoms ? at + SK_BLOCK_ROWS : natoms;
    XXH3_64bits_reset(state);
    while (at < end) {
        int64_t count = end - at < SK_BLOCK_PIECE ? end - at : SK_BLOCK_PIECE;
        struct sk_h5_slab slab = column_rows(c, at, count);
        enum sk_code code = sk_h5_read(file, c->path, c->type, &slab, rows, err);
        if (code)
            return code;
        XXH3_64bits_update(state, rows, (size_t)count * c->bytes);
        for (int64_t i = 0; records && i < count; i++)
            if (at + i >= first && at + i < first + n)
                memcpy((unsigned char *)&records[at + i - first] + c->offset, rows + (size_t)i * c->bytes, c->bytes);
        at += count;
    }
    return SK_OK;
}

enum sk_code sk_blocks_read(struct sk_h5 *file, const char *path, int64_t natoms, bool has_moves, int64_t block,
                            sk_gid first, int64_t n, struct sk_atom_record *records, struct sk_error *err)
{
    struct sk_h5_slab one = {{(uint64_t)block}, {1}};
    unsigned char *rows = sk_alloc(SK_BLOCK_PIECE, COLUMN_BYTES_MAX);
    XXH3_state_t *state = XXH3_createState();
    enum sk_code code = SK_OK;
    if (!state)
        sk_die(SK_EENV, "out of memory: cannot allocate a checksum state");
    for (int c = 0; !code && c < columns_used(has_moves); c++) {
        uint64_t sum;
        code = column_read(file, &columns[c], state, rows, natoms, block, first, n, records, err);
        if (!code)
            code = sk_h5_read(file, columns[c].checksum, SK_H5_U64, &one, &sum, err);
        if (!code && sum != XXH3_64bits_digest(state))
            code = sk_fail(err, SK_EENV, "%s: damaged: checksum of dataset %s, atoms %lld and following, differs", path,
                           columns[c].path, (long long)block * SK_BLOCK_ROWS + 1);
    }
    XXH3_freeState(state);
    sk_free(&rows);
    return code;
}
