/* Count: ghosts, imports, neighbours, traffic, components. Expected: a second counter that uses sets (reference.h);
 * the counts that the design notes of the project have published for uniform grids; bricks by hand. */
#include "curve/count.h"

#include "curve/chain.h"
#include "curve/curve.h"
#include "reference.h"

static void random_maps_agree_with_sets(void **state)
{
    (void)state;
    for (int trial = 0; trial < 300; trial++) {
        int32_t n[3], reach[3], *owner;
        for (int k = 0; k < 3; k++) {
            n[k] = 1 + (int32_t)(random_u32() % 8);
            reach[k] = (int32_t)(random_u32() % 4);
        }
        int64_t cells = cells_in(n);
        int nranks = 1 + (int)(random_u32() % 9), kind = (int)(random_u32() % 3);
        owner = malloc((size_t)cells * sizeof *owner);
        int64_t *weight = malloc((size_t)cells * sizeof *weight);
        int32_t *atoms = malloc((size_t)cells * sizeof *atoms);
        for (int64_t c = 0; c < cells; c++) { /* noise, rows of one owner, or stretches of a row-major order */
            owner[c] = (int32_t)(kind == 0   ? random_u32() % (unsigned)nranks
                                 : kind == 1 ? (unsigned)(c / n[0] * 7 % nranks)
                                             : (unsigned)(c * nranks / cells));
            weight[c] = random_u32() % 1000;
            atoms[c] = (int32_t)(random_u32() % 50);
        }
        struct sk_stencil shell = sk_stencil_shell(), corner = sk_stencil_corner(reach);
        check_count(n, nranks, owner, weight, atoms, &shell);
        check_count(n, nranks, owner, trial % 2 ? weight : NULL, trial % 3 ? atoms : NULL, &corner);
        free(atoms);
        free(weight);
        free(owner);
    }
}

/* Every cell its own rank, and a stencil that holds more ranks than the counter keeps on its stack. */
static void wide_stencils_are_counted(void **state)
{
    (void)state;
    const int32_t n[3] = {7, 6, 5}, reach[3] = {4, 4, 4};
    int32_t owner[210];
    for (int c = 0; c < 210; c++)
        owner[c] = c;
    struct sk_stencil corner = sk_stencil_corner(reach);
    check_count(n, 210, owner, NULL, NULL, &corner);
}

/* 4 x 4 x 4 bricks of 8 x 8 x 8 cells: 10^3 - 8^3 = 488 ghosts from 26 neighbours; imports at reach 1 are 9^3 - 8^3 =
 * 217 cells from 7. With 4 ranks on a node, a node is a tube along x: the ghosts across the two faces of a brick (one
 * for imports), 64 cells each, are its own. */
static void bricks_are_as_computed(void **state)
{
    (void)state;
    const int32_t n[3] = {32, 32, 32}, reach[3] = {1, 1, 1};
    int32_t *owner = malloc(32768 * sizeof *owner);
    for (int32_t c = 0; c < 32768; c++)
        owner[c] = c % 32 / 8 + 4 * (c / 32 % 32 / 8) + 16 * (c / 1024 / 8);
    struct sk_stencil stencils[2] = {sk_stencil_shell(), sk_stencil_corner(reach)};
    static const int64_t ghosts[2] = {488, 217};
    static const int32_t neighbours[2] = {26, 7};
    for (int s = 0; s < 2; s++) {
        struct sk_count count;
        struct sk_count_summary summary;
        sk_count_make(&count, n, 64, owner, NULL, NULL, &stencils[s]);
        sk_count_components(&count, n, owner);
        sk_count_summarize(&count, 4, &summary);
        for (int r = 0; r < 64; r++) {
            assert_int_equal(count.rank[r].ghosts, ghosts[s]);
            assert_int_equal(count.rank[r].sent, ghosts[s]);
            assert_int_equal(count.rank[r].neighbours, neighbours[s]);
            assert_int_equal(count.rank[r].components, 1);
        }
        assert_int_equal(summary.messages, 64 * neighbours[s]);
        check_near(summary.imbalance, 1.0, 1e-15, 0);
        check_near(summary.off_node, s == 0 ? (488.0 - 128.0) / 488.0 : (217.0 - 64.0) / 217.0, 1e-12, 0);
        sk_count_clear(&count);
    }
    free(owner);
}

static void check_published(const int32_t n[3], const int32_t *cells, int nranks, double mean, int64_t most)
{
    int64_t cut[129];
    int32_t *owner = malloc((size_t)cells_in(n) * sizeof *owner);
    sk_chain_cut(NULL, cells_in(n), nranks, cut);
    for (int p = 0; p < nranks; p++)
        for (int64_t i = cut[p]; i < cut[p + 1]; i++)
            owner[cells[i]] = p;
    struct sk_count count;
    struct sk_count_summary summary;
    struct sk_stencil shell = sk_stencil_shell();
    sk_count_make(&count, n, nranks, owner, NULL, NULL, &shell);
    sk_count_summarize(&count, 0, &summary);
    check_near(summary.ghosts_mean, mean, 0.75, 0); /* published as whole numbers; shares may be rounded otherwise */
    assert_true(llabs(summary.ghosts_max - most) <= 1);
    sk_count_clear(&count);
    free(owner);
}

static void published_counts_are_met(void **state)
{
    (void)state;
    static const struct {
        int ranks, morton_max, skilling_max;
        double morton, skilling;
    } cube[] = {
        {16, 1192, 1192, 1192, 1192}, {48, 856, 779, 739, 753},  {64, 488, 488, 488, 488},
        {100, 600, 513, 503, 469},    {127, 516, 479, 443, 405},
    };
    const int32_t n[3] = {32, 32, 32}, small[3] = {24, 24, 24}, flat[3] = {40, 32, 20}, large[3] = {128, 128, 128};
    int32_t *cells = malloc(32768 * sizeof *cells);
    for (size_t k = 0; k < sizeof cube / sizeof *cube; k++) {
        sk_curve_cells(SK_CURVE_KIND_MORTON, 0, n, cells);
        check_published(n, cells, cube[k].ranks, cube[k].morton, cube[k].morton_max);
        skilling_cells(5, cells);
        check_published(n, cells, cube[k].ranks, cube[k].skilling, cube[k].skilling_max);
    }
    sk_curve_cells(SK_CURVE_KIND_MORTON, 0, small, cells);
    check_published(small, cells, 64, 400, 456);
    sk_curve_cells(SK_CURVE_KIND_MORTON, 5, flat, cells); /* published with z first */
    check_published(flat, cells, 8, 1973, 2496);
    free(cells);
    check_near(sk_count_ideal(n, 32768.0 / 16), 1128, 0.5, 0);
    check_near(sk_count_ideal(n, 32768.0 / 48), 579, 0.5, 0);
    check_near(sk_count_ideal(n, 32768.0 / 64), 488, 1e-9, 0);
    check_near(sk_count_ideal(n, 32768.0 / 100), 376, 0.5, 0);
    check_near(sk_count_ideal(n, 32768.0 / 127), 328, 0.5, 0);
    check_near(sk_count_ideal(small, 216), 296, 1e-9, 0);
    check_near(sk_count_ideal(flat, 3200), 1092, 0.5, 0);
    check_near(sk_count_ideal(large, 2097152.0 / 96), 5032, 0.7, 0);
    check_near(sk_count_ideal(n, 16384), 2048, 1e-9, 0); /* half the box: a slab */
    check_near(sk_count_ideal(n, 32768), 0, 1e-9, 0);
    /* a shell of two cells: around a cube of 8 it ends 12 apart; a slab of half the box has two on either side */
    check_near(sk_count_ideal_shell(n, 512, 2), 12 * 12 * 12 - 512, 1e-9, 0);
    check_near(sk_count_ideal_shell(n, 16384, 2), 4 * 1024, 1e-9, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_maps_agree_with_sets),
        cmocka_unit_test(wide_stencils_are_counted),
        cmocka_unit_test(bricks_are_as_computed),
        cmocka_unit_test(published_counts_are_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
