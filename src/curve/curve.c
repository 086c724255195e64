#include "curve/curve.h"

#include <stdbool.h>

#include "base/status.h"

/* A block of cells in its own frame: lengths and a cell's place along its axes a, b, c. The curve enters
 * at (0, 0, 0) and leaves at (len[0] - 1, 0, 0): a is the major axis. Cells are coloured like a chess board,
 * and every step changes the colour, so such a path exists only if len[0] is even, or if all lengths are odd
 * (and len[0] > 1 unless the block is one cell). Every split below makes only such blocks, whose ends
 * meet face to face; therefore all steps of the curve do, in any box. */
struct block {
    int64_t len[3];
    int64_t at[3];
};

/* Hilbert's curve in a cube of 2^bits: octants in Gray code order 000 001 011 010 110 111 101 100 (bits a b c);
 * for each its rank, the source of each axis of its own frame, and which of them are reversed. Of the
 * curves with one generator, this arrangement (that of cornerstone-octree) has the least mean surface. */
struct octant {
    unsigned char rank, axis[3];
    bool is_reversed[3];
};

static const struct octant octants[8] = {
    {0, {2, 1, 0}, {0, 0, 0}}, {1, {1, 2, 0}, {0, 0, 0}}, {3, {0, 1, 2}, {0, 1, 1}}, {2, {1, 2, 0}, {0, 0, 0}},
    {7, {2, 1, 0}, {1, 0, 1}}, {6, {1, 2, 0}, {1, 0, 1}}, {4, {0, 1, 2}, {0, 1, 1}}, {5, {1, 2, 0}, {1, 0, 1}},
};

static sk_key hilbert_cube(int bits, const int64_t at[3])
{
    uint64_t a = (uint64_t)at[0], b = (uint64_t)at[1], c = (uint64_t)at[2];
    sk_key key = 0;
    for (int level = bits - 1; level >= 0; level--) {
        const struct octant *o = &octants[(a >> level & 1) << 2 | (b >> level & 1) << 1 | (c >> level & 1)];
        const uint64_t from[3] = {a, b, c};
        key = key << 3 | o->rank;
        a = from[o->axis[0]] ^ -(uint64_t)o->is_reversed[0];
        b = from[o->axis[1]] ^ -(uint64_t)o->is_reversed[1];
        c = from[o->axis[2]] ^ -(uint64_t)o->is_reversed[2];
    }
    return key;
}

/* The exponent of a power of two, else -1. */
static int log2_exact(int64_t n)
{
    return (n & (n - 1)) == 0 ? __builtin_ctzll((uint64_t)n) : -1;
}

/* The even and the odd number next to n / 2; for n > 2 both parts are positive. */
static int64_t even_half(int64_t n)
{
    return (n / 2 + 1) / 2 * 2;
}

static int64_t odd_half(int64_t n)
{
    return (n / 2 - 1) | 1;
}

static void block_set(struct block *block, int64_t la, int64_t lb, int64_t lc, int64_t a, int64_t b, int64_t c)
{
    *block = (struct block){{la, lb, lc}, {a, b, c}};
}

static void block_swap_minors(struct block *block)
{
    block_set(block, block->len[0], block->len[2], block->len[1], block->at[0], block->at[2], block->at[1]);
}

/* Two halves, one behind the other along a. */
static sk_key split_long(struct block *block)
{
    int64_t w = block->len[0], half = even_half(w);
    if (block->at[0] < half) {
        block->len[0] = half;
        return 0;
    }
    block->len[0] = w - half;
    block->at[0] -= half;
    return (sk_key)(half * block->len[1] * block->len[2]);
}

/* Three parts: out along b, over along a, back along b; c is not split. */
static sk_key split_flat(struct block *block)
{
    const int64_t w = block->len[0], h = block->len[1], d = block->len[2];
    const int64_t a = block->at[0], b = block->at[1], c = block->at[2];
    const int64_t h1 = h == 2 ? 1 : even_half(h), w1 = w / 2;
    if (b >= h1) {
        block_set(block, w, h - h1, d, a, b - h1, c);
        return (sk_key)(h1 * d * w1);
    }
    if (a < w1) {
        block_set(block, h1, d, w1, b, c, a);
        return 0;
    }
    block_set(block, h1, d, w - w1, h1 - 1 - b, c, w - 1 - a);
    return (sk_key)(h1 * d * w1 + w * (h - h1) * d);
}

/* Five parts, needs an even length along a: out along b, out along c, over along a, back along c, back along b. */
static sk_key split_cube(struct block *block)
{
    const int64_t w = block->len[0], h = block->len[1], d = block->len[2];
    const int64_t a = block->at[0], b = block->at[1], c = block->at[2];
    const int64_t w1 = d % 2 ? odd_half(w) : w / 2, h1 = h == 2 ? 1 : even_half(h), d1 = d / 2;
    const int64_t v1 = h1 * d1 * w1, v2 = d * w1 * (h - h1), v3 = w * h1 * (d - d1), v4 = d * (w - w1) * (h - h1);
    if (b >= h1 && a < w1) {
        block_set(block, d, w1, h - h1, c, a, b - h1);
        return (sk_key)v1;
    }
    if (b >= h1) {
        block_set(block, d, w - w1, h - h1, d - 1 - c, w - 1 - a, b - h1);
        return (sk_key)(v1 + v2 + v3);
    }
    if (c >= d1) {
        block_set(block, w, h1, d - d1, a, h1 - 1 - b, d - 1 - c);
        return (sk_key)(v1 + v2);
    }
    if (a < w1) {
        block_set(block, h1, d1, w1, b, c, a);
        return 0;
    }
    block_set(block, h1, d1, w - w1, h1 - 1 - b, c, w - 1 - a);
    return (sk_key)(v1 + v2 + v3 + v4);
}

/* The aspect ratio above which the measured surface of segments (11 boxes, 23 counts) is less if only the
 * longer side is cut: 5/4. Ratios of 1.1 to 1.4 are within 1 % of it. */
static bool is_longer(int64_t n, int64_t than)
{
    return 4 * n > 5 * than;
}

/* Replaces the block by its part that holds the cell; returns the number of cells before that part. */
static sk_key split(struct block *block)
{
    int64_t w = block->len[0], h = block->len[1], d = block->len[2];
    if (is_longer(w, h) && is_longer(w, d))
        return split_long(block);
    /* In a block of odd lengths five parts cannot all keep the colours; three can. */
    bool is_odd = w % 2 && h % 2 && d % 2;
    if (is_odd || d <= 2 || h <= 2 || is_longer(h, d) || is_longer(d, h)) {
        if (h == 2 && d == 2)
            return split_cube(block);
        if (d > h)
            block_swap_minors(block);
        return split_flat(block);
    }
    if (d % 2 && h % 2 == 0) /* the parts that cross along c need it even, or an odd w1 and h - h1 */
        block_swap_minors(block);
    return split_cube(block);
}

static sk_key hilbert_block(struct block *block)
{
    sk_key key = 0;
    for (;;) {
        const int64_t *len = block->len;
        if (len[1] == 1 && len[2] == 1)
            return key + (sk_key)block->at[0];
        int bits = len[0] == len[1] && len[0] == len[2] ? log2_exact(len[0]) : -1;
        if (bits >= 0)
            return key + hilbert_cube(bits, block->at);
        key += split(block);
    }
}

/* The axes of the box, longest first (the first of equals first). */
static void order_axes(const int32_t n[3], int axis[3])
{
    for (int k = 0; k < 3; k++)
        axis[k] = k;
    for (int k = 0; k < 2; k++)
        for (int j = 0; j < 2 - k; j++)
            if (n[axis[j]] < n[axis[j + 1]]) {
                int kept = axis[j];
                axis[j] = axis[j + 1];
                axis[j + 1] = kept;
            }
}

static const unsigned char turns[SK_CURVE_TURNS][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

static sk_key hilbert_key(int turn, const int32_t n[3], const int32_t at[3])
{
    int axis[3];
    order_axes(n, axis);
    struct block block;
    for (int k = 0; k < 3; k++) {
        block.len[k] = n[axis[turns[turn][k]]];
        block.at[k] = at[axis[turns[turn][k]]];
    }
    if (block.len[0] == 1) /* no way along it */
        block_set(&block, block.len[1], block.len[2], 1, block.at[1], block.at[2], 0);
    if (block.len[0] == 1)
        block_set(&block, block.len[1], 1, 1, block.at[1], 0, 0);
    int even = 0;
    while (even < 3 && block.len[even] % 2)
        even++;
    if (even == 0 || even == 3)
        return hilbert_block(&block);
    /* The longest axis is odd and another is even, so that no path leaves at the end of the longest: an even
     * length of it comes first, and the rest, about as long as it is wide, is crossed along the even axis. */
    int64_t w = block.len[0], rest = 2 * w > 3 * block.len[even] ? block.len[even] - 1 : w;
    if (block.at[0] < w - rest) {
        block.len[0] = w - rest;
        return hilbert_block(&block);
    }
    sk_key before = (sk_key)((w - rest) * block.len[1] * block.len[2]);
    int other = 3 - even;
    int64_t a = block.at[0] - (w - rest);
    block_set(&block, block.len[even], rest, block.len[other], block.at[even], a, block.at[other]);
    return before + hilbert_block(&block);
}

/* The number of bits that the coordinates 0 .. n - 1 need. */
static int bits_of(int32_t n)
{
    return n > 1 ? 32 - __builtin_clz((unsigned)(n - 1)) : 0;
}

/* From the highest bit down, each axis that has the bit gives it, in the order of the turn. */
static sk_key morton_key(int turn, const int32_t n[3], const int32_t at[3])
{
    const int bits[3] = {bits_of(n[0]), bits_of(n[1]), bits_of(n[2])};
    int level = bits[0] > bits[1] ? bits[0] : bits[1];
    sk_key key = 0;
    for (level = (level > bits[2] ? level : bits[2]) - 1; level >= 0; level--)
        for (int j = 0; j < 3; j++) {
            int k = turns[turn][j];
            if (level < bits[k])
                key = key << 1 | (sk_key)(at[k] >> level & 1);
        }
    return key;
}

sk_key sk_curve_key_turned(enum sk_curve_kind kind, int turn, const int32_t n[3], int32_t x, int32_t y, int32_t z)
{
    const int32_t at[3] = {x, y, z};
    SK_REQUIRE(turn >= 0 && turn < SK_CURVE_TURNS);
    for (int k = 0; k < 3; k++)
        SK_REQUIRE(n[k] >= 1 && n[k] <= 1 << 20 && at[k] >= 0 && at[k] < n[k]);
    return kind == SK_CURVE_KIND_MORTON ? morton_key(turn, n, at) : hilbert_key(turn, n, at);
}

sk_key sk_curve_key(enum sk_curve_kind kind, const int32_t n[3], int32_t x, int32_t y, int32_t z)
{
    return sk_curve_key_turned(kind, 0, n, x, y, z);
}

sk_key sk_curve_end_turned(enum sk_curve_kind kind, int turn, const int32_t n[3])
{
    if (kind == SK_CURVE_KIND_MORTON) /* the key grows with every coordinate */
        return sk_curve_key_turned(kind, turn, n, n[0] - 1, n[1] - 1, n[2] - 1) + 1;
    return (sk_key)n[0] * (sk_key)n[1] * (sk_key)n[2];
}

sk_key sk_curve_end(enum sk_curve_kind kind, const int32_t n[3])
{
    return sk_curve_end_turned(kind, 0, n);
}

/* Morton keys have gaps, so its cells are met by halving: the bits of the key from the highest down. */
struct halving {
    const int32_t *n;
    int nbits;
    unsigned char axis[60], level[60];
    int32_t *cells;
    int64_t count;
};

static void halving_walk(struct halving *h, int bit, const int32_t at[3])
{
    for (int k = 0; k < 3; k++)
        if (at[k] >= h->n[k])
            return;
    if (bit == h->nbits) {
        h->cells[h->count++] = at[0] + h->n[0] * (at[1] + h->n[1] * at[2]);
        return;
    }
    int32_t upper[3] = {at[0], at[1], at[2]};
    upper[h->axis[bit]] += (int32_t)1 << h->level[bit];
    halving_walk(h, bit + 1, at);
    halving_walk(h, bit + 1, upper);
}

static void morton_cells(int turn, const int32_t n[3], int32_t *cells)
{
    struct halving h = {.n = n, .cells = cells};
    for (int level = 19; level >= 0; level--)
        for (int j = 0; j < 3; j++) {
            int k = turns[turn][j];
            if (level < bits_of(n[k])) {
                h.axis[h.nbits] = (unsigned char)k;
                h.level[h.nbits++] = (unsigned char)level;
            }
        }
    halving_walk(&h, 0, (const int32_t[3]){0, 0, 0});
}

void sk_curve_cells(enum sk_curve_kind kind, int turn, const int32_t n[3], int32_t *cells)
{
    SK_REQUIRE((int64_t)n[0] * n[1] <= INT32_MAX && (int64_t)n[0] * n[1] * n[2] <= INT32_MAX);
    if (kind == SK_CURVE_KIND_MORTON) {
        morton_cells(turn, n, cells);
        return;
    }
    int32_t cell = 0;
    for (int32_t z = 0; z < n[2]; z++)
        for (int32_t y = 0; y < n[1]; y++)
            for (int32_t x = 0; x < n[0]; x++)
                cells[hilbert_key(turn, n, (const int32_t[3]){x, y, z})] = cell++;
}
