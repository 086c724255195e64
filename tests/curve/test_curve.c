/* Curve: keys of cells. Expected: properties that define the curves (a bijection, steps between face
 * neighbours, nested cubes), a naive bit loop for Morton, and the surface ratios published in the design
 * notes of the project (generalised Hilbert over Morton at awkward counts: 0.93 and 0.89). */
#include "curve/curve.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

static const enum sk_curve_kind kinds[2] = {SK_CURVE_KIND_HILBERT, SK_CURVE_KIND_MORTON};

/* Cells (x * ny + y) * nz + z by key, checked to be a bijection onto distinct keys below the end; the
 * caller frees. *end is the number of keys; keys that no cell has hold -1. */
static int32_t *cells_by_key(enum sk_curve_kind kind, const int32_t n[3], int64_t *end)
{
    *end = (int64_t)sk_curve_end(kind, n);
    int32_t *by = malloc((size_t)*end * sizeof *by);
    for (int64_t k = 0; k < *end; k++)
        by[k] = -1;
    for (int32_t x = 0; x < n[0]; x++)
        for (int32_t y = 0; y < n[1]; y++)
            for (int32_t z = 0; z < n[2]; z++) {
                sk_key key = sk_curve_key(kind, n, x, y, z);
                assert_true(key < (sk_key)*end);
                assert_int_equal(by[key], -1);
                by[key] = (x * n[1] + y) * n[2] + z;
            }
    assert_int_equal(by[0], 0); /* the first cell is the corner */
    assert_true(by[*end - 1] >= 0);
    return by;
}

static int distance(const int32_t n[3], int32_t a, int32_t b)
{
    return abs(a % n[2] - b % n[2]) + abs(a / n[2] % n[1] - b / n[2] % n[1]) + abs(a / n[2] / n[1] - b / n[2] / n[1]);
}

static void check_box(int32_t nx, int32_t ny, int32_t nz)
{
    const int32_t n[3] = {nx, ny, nz};
    int64_t end;
    free(cells_by_key(SK_CURVE_KIND_MORTON, n, &end));
    int32_t *by = cells_by_key(SK_CURVE_KIND_HILBERT, n, &end);
    assert_int_equal(end, (int64_t)nx * ny * nz);
    int jumps = 0;
    for (int64_t k = 1; k < end; k++)
        jumps += distance(n, by[k - 1], by[k]) != 1;
    if (jumps)
        print_error("%d x %d x %d: %d steps are not between face neighbours\n", nx, ny, nz, jumps);
    /* Colour the cells like a chess board: a path through all of them exists for every box, for its ends may
     * be chosen to suit the numbers of the two colours. So there is no unavoidable exception. */
    assert_int_equal(jumps, 0);
    free(by);
}

static void every_small_box_is_a_path(void **state)
{
    (void)state;
    for (int x = 1; x <= 9; x++)
        for (int y = 1; y <= 9; y++)
            for (int z = 1; z <= 9; z++)
                check_box(x, y, z);
}

static void larger_boxes_are_paths(void **state)
{
    (void)state;
    static const int32_t boxes[][3] = {
        {40, 32, 20}, {64, 64, 64}, {1, 1, 1000}, {1, 777, 1},   {512, 1, 1},  {24, 24, 24}, {25, 25, 25}, {101, 4, 4},
        {4, 101, 6},  {2, 2, 99},   {31, 33, 35}, {36, 20, 100}, {1, 99, 98},  {17, 1, 64},  {3, 4, 200},  {50, 49, 47},
        {15, 24, 37}, {16, 16, 48}, {8, 64, 8},   {63, 2, 63},   {10, 11, 12}, {13, 64, 3},  {1, 2, 301},  {127, 3, 5},
    };
    for (size_t b = 0; b < sizeof boxes / sizeof *boxes; b++)
        check_box(boxes[b][0], boxes[b][1], boxes[b][2]);
}

static int64_t random_below(int64_t n)
{
    static uint64_t seed = 12345; /* a linear congruential generator: the same cells everywhere */
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((seed >> 20) % (uint64_t)n);
}

/* In boxes too large to be walked: every cell's successor and predecessor are among its face neighbours. */
static void huge_boxes_are_paths_everywhere_looked_at(void **state)
{
    (void)state;
    static const int32_t boxes[][3] = {
        {1 << 20, 1 << 20, 1 << 20},
        {(1 << 20) - 1, (1 << 20) - 1, (1 << 20) - 1},
        {1 << 20, 1, 1},
        {999999, 77, 1048576},
        {1000, 999, 998},
        {5, 1000001, 2},
        {1, 1048575, 4096},
        {640, 480, 1048573},
    };
    for (size_t b = 0; b < sizeof boxes / sizeof *boxes; b++) {
        const int32_t *n = boxes[b];
        sk_key end = sk_curve_end(SK_CURVE_KIND_HILBERT, n);
        assert_true(end == (sk_key)n[0] * (sk_key)n[1] * (sk_key)n[2]);
        for (int trial = 0; trial < 3000; trial++) {
            int32_t at[3];
            for (int k = 0; k < 3; k++)
                at[k] = (int32_t)random_below(n[k]);
            sk_key key = sk_curve_key(SK_CURVE_KIND_HILBERT, n, at[0], at[1], at[2]);
            int before = key == 0, after = key == end - 1;
            assert_true(key < end);
            for (int face = 0; face < 6; face++) {
                int32_t to[3] = {at[0], at[1], at[2]};
                to[face / 2] += face % 2 ? 1 : -1;
                if (to[face / 2] < 0 || to[face / 2] >= n[face / 2])
                    continue;
                sk_key next = sk_curve_key(SK_CURVE_KIND_HILBERT, n, to[0], to[1], to[2]);
                before += next + 1 == key;
                after += next == key + 1;
            }
            assert_int_equal(before, 1);
            assert_int_equal(after, 1);
        }
    }
}

/* Turned curves are bijections too, Hilbert ones are paths, the list of cells is in the order of the keys, and turn 0
 * is the plain curve. */
static void turned_curves_are_curves(void **state)
{
    (void)state;
    int32_t *cells = malloc(100000 * sizeof *cells);
    for (int box = 0; box < 400; box++) {
        int32_t n[3], most = box < 350 ? 10 : 45;
        for (int k = 0; k < 3; k++)
            n[k] = 1 + (int32_t)random_below(most);
        for (int kind = 0; kind < 2; kind++)
            for (int turn = 0; turn < SK_CURVE_TURNS; turn++) {
                int64_t count = (int64_t)n[0] * n[1] * n[2];
                sk_key last = 0;
                sk_curve_cells(kinds[kind], turn, n, cells);
                for (int64_t i = 0; i < count; i++) {
                    int32_t x = cells[i] % n[0], y = cells[i] / n[0] % n[1], z = cells[i] / n[0] / n[1];
                    sk_key key = sk_curve_key_turned(kinds[kind], turn, n, x, y, z);
                    assert_true(i == 0 ? key == 0 : key > last);
                    if (turn == 0)
                        assert_true(key == sk_curve_key(kinds[kind], n, x, y, z));
                    if (kind == 0 && i > 0) {
                        int32_t px = cells[i - 1] % n[0], py = cells[i - 1] / n[0] % n[1],
                                pz = cells[i - 1] / n[0] / n[1];
                        assert_int_equal(abs(x - px) + abs(y - py) + abs(z - pz), 1);
                    }
                    last = key;
                }
                assert_true(last + 1 == sk_curve_end_turned(kinds[kind], turn, n));
            }
    }
    free(cells);
}

/* On 2^k cubes every aligned cube of 2^j is one stretch of the curve: with the steps above, a Hilbert curve. */
static void cubes_nest(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++)
        for (int bits = 1; bits <= 5; bits++) {
            const int32_t n[3] = {1 << bits, 1 << bits, 1 << bits};
            int64_t end;
            int32_t *by = cells_by_key(kinds[k], n, &end);
            for (int j = 1; j < bits; j++)
                for (int64_t key = 0; key < end; key++) {
                    int64_t first = key >> 3 * j << 3 * j;
                    assert_int_equal(by[key] >> j & ((1 << (bits - j)) - 1), by[first] >> j & ((1 << (bits - j)) - 1));
                    assert_int_equal(by[key] >> (bits + j) & ((1 << (bits - j)) - 1),
                                     by[first] >> (bits + j) & ((1 << (bits - j)) - 1));
                    assert_int_equal(by[key] >> (2 * bits + j), by[first] >> (2 * bits + j));
                }
            free(by);
        }
}

/* From the lowest bit up: each axis that still has values to tell apart gives a bit, z before y before x. */
static sk_key naive_morton(const int32_t n[3], const int32_t at[3])
{
    sk_key key = 0;
    int place = 0;
    for (int bit = 0; bit < 20; bit++)
        for (int k = 2; k >= 0; k--)
            if (((int64_t)1 << bit) < n[k])
                key += (sk_key)(at[k] / (1 << bit) % 2) << place++;
    return key;
}

static void morton_is_the_naive_loop(void **state)
{
    (void)state;
    static const int32_t boxes[][3] = {
        {64, 64, 64}, {40, 32, 20}, {1, 1, 17}, {1 << 20, 1 << 20, 1 << 20}, {3, 1, 1000}, {1 << 20, 2, 65}, {5, 9, 8},
    };
    for (size_t b = 0; b < sizeof boxes / sizeof *boxes; b++) {
        const int32_t *n = boxes[b], last[3] = {n[0] - 1, n[1] - 1, n[2] - 1};
        for (int trial = 0; trial < 5000; trial++) {
            int32_t at[3];
            for (int k = 0; k < 3; k++)
                at[k] = (int32_t)random_below(n[k]);
            assert_true(sk_curve_key(SK_CURVE_KIND_MORTON, n, at[0], at[1], at[2]) == naive_morton(n, at));
        }
        assert_true(sk_curve_end(SK_CURVE_KIND_MORTON, n) == naive_morton(n, last) + 1);
    }
}

/* Distinct foreign cells among the 26 periodic neighbours, summed over the segments of a curve cut in equal parts. */
static int64_t ghosts(const int32_t n[3], const int32_t *order, int parts)
{
    int64_t cells = (int64_t)n[0] * n[1] * n[2], sum = 0;
    int *owner = malloc((size_t)cells * sizeof *owner), *seen = malloc((size_t)cells * sizeof *seen);
    for (int p = 0; p < parts; p++)
        for (int64_t k = cells * p / parts; k < cells * (p + 1) / parts; k++) {
            owner[order[k]] = p;
            seen[order[k]] = -1;
        }
    for (int64_t k = 0; k < cells; k++) {
        int32_t z = order[k] % n[2], y = order[k] / n[2] % n[1], x = order[k] / n[2] / n[1];
        int p = owner[order[k]];
        for (int d = 0; d < 27; d++) {
            int32_t cell = ((x + d / 9 - 1 + n[0]) % n[0] * n[1] + (y + d / 3 % 3 - 1 + n[1]) % n[1]) * n[2] +
                           (z + d % 3 - 1 + n[2]) % n[2];
            sum += owner[cell] != p && seen[cell] != p;
            seen[cell] = owner[cell] != p ? p : seen[cell];
        }
    }
    free(owner);
    free(seen);
    return sum;
}

/* Mean over counts of ghosts along Hilbert over ghosts along Morton. */
static double surface_ratio(const int32_t n[3], int count, const int parts[])
{
    int32_t *order[2];
    for (int k = 0; k < 2; k++) {
        int64_t end, cells = 0;
        order[k] = cells_by_key(kinds[k], n, &end);
        for (int64_t key = 0; key < end; key++)
            if (order[k][key] >= 0)
                order[k][cells++] = order[k][key];
        assert_int_equal(cells, (int64_t)n[0] * n[1] * n[2]);
    }
    double sum = 0.0;
    for (int i = 0; i < count; i++)
        sum += (double)ghosts(n, order[0], parts[i]) / (double)ghosts(n, order[1], parts[i]);
    free(order[0]);
    free(order[1]);
    return sum / count;
}

static void hilbert_segments_are_more_compact(void **state)
{
    (void)state;
    static const int awkward[] = {5, 7, 11, 12, 13, 17, 20, 24, 29, 31, 37, 48, 50, 60, 73, 96, 100, 127};
    static const int powers[] = {16, 32, 64};
    static const struct {
        int32_t n[3];
        double awkward, powers;
    } boxes[] = {
        {{24, 24, 24}, 0.95, 0.84}, {{40, 32, 20}, 0.95, 0.83}, {{32, 32, 32}, 0.94, 1.0 + 1e-12},
        {{25, 25, 25}, 0.95, 0.95}, {{15, 24, 37}, 0.95, 0.95},
    };
    for (size_t b = 0; b < sizeof boxes / sizeof *boxes; b++) {
        double ratio = surface_ratio(boxes[b].n, sizeof awkward / sizeof *awkward, awkward);
        double even = surface_ratio(boxes[b].n, sizeof powers / sizeof *powers, powers);
        print_message("           %d x %d x %d: Hilbert over Morton %.3f at awkward counts, %.3f at powers of two\n",
                      boxes[b].n[0], boxes[b].n[1], boxes[b].n[2], ratio, even);
        assert_true(ratio <= boxes[b].awkward);
        assert_true(even <= boxes[b].powers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_small_box_is_a_path),
        cmocka_unit_test(larger_boxes_are_paths),
        cmocka_unit_test(huge_boxes_are_paths_everywhere_looked_at),
        cmocka_unit_test(turned_curves_are_curves),
        cmocka_unit_test(cubes_nest),
        cmocka_unit_test(morton_is_the_naive_loop),
        cmocka_unit_test(hilbert_segments_are_more_compact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
