/* Slow second opinions for the tests of curve: a partition counted with sets, and Skilling's Hilbert curve (AIP
 * Conference Proceedings 707, 381, 2004), whose counts the design notes of the project have published. */
#ifndef SK_TESTS_CURVE_REFERENCE_H
#define SK_TESTS_CURVE_REFERENCE_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "curve/count.h"

static inline int64_t cells_in(const int32_t n[3])
{
    return (int64_t)n[0] * n[1] * n[2];
}

static inline uint32_t random_u32(void)
{
    static uint64_t seed = 987654321; /* a linear congruential generator: the same cases everywhere */
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33);
}

static inline int32_t modulo(int32_t a, int32_t n)
{
    return (a % n + n) % n;
}

/* has[r * cells + B]: rank r needs the foreign cell B, for it owns some c with B - c in the stencil. */
static inline bool *needed_cells(const int32_t n[3], int nranks, const int32_t *owner, const struct sk_stencil *s)
{
    int64_t cells = cells_in(n);
    bool *has = calloc((size_t)(cells * nranks), sizeof *has);
    for (int32_t c = 0; c < cells; c++)
        for (int32_t dz = s->low[2]; dz <= s->high[2]; dz++)
            for (int32_t dy = s->low[1]; dy <= s->high[1]; dy++)
                for (int32_t dx = s->low[0]; dx <= s->high[0]; dx++) {
                    int32_t x = modulo(c % n[0] + dx, n[0]), y = modulo(c / n[0] % n[1] + dy, n[1]);
                    int32_t z = modulo(c / n[0] / n[1] + dz, n[2]), b = x + n[0] * (y + n[1] * z);
                    if (owner[b] != owner[c])
                        has[owner[c] * cells + b] = true;
                }
    return has;
}

/* The numbers of pieces of a rank's cells: the smallest label spreads through faces until nothing changes. */
static inline int pieces(const int32_t n[3], const int32_t *owner, int rank)
{
    int64_t cells = cells_in(n);
    int32_t *label = malloc((size_t)cells * sizeof *label);
    for (int32_t c = 0; c < cells; c++)
        label[c] = c;
    for (bool is_changed = true; is_changed;) {
        is_changed = false;
        for (int32_t c = 0; c < cells; c++)
            for (int face = 0; face < 6; face++) {
                int32_t at[3] = {c % n[0], c / n[0] % n[1], c / n[0] / n[1]};
                at[face / 2] = modulo(at[face / 2] + (face % 2 ? 1 : -1), n[face / 2]);
                int32_t to = at[0] + n[0] * (at[1] + n[1] * at[2]);
                if (owner[c] == rank && owner[to] == rank && label[to] < label[c]) {
                    label[c] = label[to];
                    is_changed = true;
                }
            }
    }
    int count = 0;
    for (int32_t c = 0; c < cells; c++)
        count += owner[c] == rank && label[c] == c;
    free(label);
    return count;
}

/* Everything sk_count knows, against the sets. */
static inline void check_count(const int32_t n[3], int nranks, const int32_t *owner, const int64_t *weight,
                               const int32_t *atoms, const struct sk_stencil *stencil)
{
    int64_t cells = cells_in(n), ghosts_of_all = 0;
    struct sk_count count;
    sk_count_make(&count, n, nranks, owner, weight, atoms, stencil);
    sk_count_components(&count, n, owner);
    bool *has = needed_cells(n, nranks, owner, stencil);
    for (int r = 0; r < nranks; r++) {
        struct sk_rank_count expected = {.components = pieces(n, owner, r)};
        struct sk_traffic *from = calloc((size_t)nranks, sizeof *from);
        for (int64_t b = 0; b < cells; b++) {
            if (owner[b] == r) {
                expected.cells++;
                expected.weight += weight ? weight[b] : 1;
                expected.atoms += atoms ? atoms[b] : 0;
                for (int s = 0; s < nranks; s++) {
                    expected.sent += has[s * cells + b];
                    expected.sent_atoms += has[s * cells + b] && atoms ? atoms[b] : 0;
                }
            }
            if (has[r * cells + b]) {
                expected.ghosts++;
                expected.ghost_atoms += atoms ? atoms[b] : 0;
                expected.neighbours += from[owner[b]].cells == 0;
                from[owner[b]].cells++;
                from[owner[b]].atoms += atoms ? atoms[b] : 0;
            }
        }
        ghosts_of_all += expected.ghosts;
        const struct sk_rank_count *got = &count.rank[r];
        assert_int_equal(got->cells, expected.cells);
        assert_int_equal(got->weight, expected.weight);
        assert_int_equal(got->atoms, expected.atoms);
        assert_int_equal(got->ghosts, expected.ghosts);
        assert_int_equal(got->ghost_atoms, expected.ghost_atoms);
        assert_int_equal(got->sent, expected.sent);
        assert_int_equal(got->sent_atoms, expected.sent_atoms);
        assert_int_equal(got->neighbours, expected.neighbours);
        assert_int_equal(got->components, expected.components);
        int64_t at = count.first[r];
        for (int s = 0; s < nranks; s++)
            if (from[s].cells) {
                assert_int_equal(count.traffic[at].from, s);
                assert_int_equal(count.traffic[at].cells, from[s].cells);
                assert_int_equal(count.traffic[at++].atoms, from[s].atoms);
            }
        assert_int_equal(at, count.first[r + 1]);
        free(from);
    }
    struct sk_count_summary summary;
    sk_count_summarize(&count, 1, &summary);
    assert_int_equal(summary.ghosts, ghosts_of_all);
    assert_int_equal(summary.messages, count.first[nranks]);
    free(has);
    sk_count_clear(&count);
}

/* Cells of a cube of 2^bits along Skilling's curve. */
static inline void skilling_cells(int bits, int32_t *cells)
{
    const int n = 1 << bits;
    for (int64_t h = 0; h < (int64_t)n * n * n; h++) {
        unsigned x[3] = {0, 0, 0};
        for (int i = 0; i < 3 * bits; i++)
            x[i % 3] |= (unsigned)(h >> (3 * bits - 1 - i) & 1) << (bits - 1 - i / 3);
        unsigned t = x[2] >> 1;
        x[2] ^= x[1];
        x[1] ^= x[0];
        x[0] ^= t;
        for (unsigned q = 2; q != 1u << bits; q <<= 1)
            for (int i = 2; i >= 0; i--) {
                if (x[i] & q) {
                    x[0] ^= q - 1;
                } else {
                    t = (x[0] ^ x[i]) & (q - 1);
                    x[0] ^= t;
                    x[i] ^= t;
                }
            }
        cells[h] = (int32_t)(x[0] + (unsigned)n * (x[1] + (unsigned)n * x[2]));
    }
}

#endif
