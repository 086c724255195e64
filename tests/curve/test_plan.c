/* Plan: owners from cut keys and from trees of planes; sliding; scores. Power diagrams and unevenly filled boxes have
 * test_power.c. Expected: the owner of a cell by another way (its place on the curve), recounts from the map of owners,
 * exhaustive search over cuts on small grids, and the measures that the design notes of the project have published or
 * set as goals. SKEIN_TEST_ALL: all boxes. */
#include "curve/plan.h"

#include <math.h>

#include "curve/chain.h"
#include "curve/score.h"
#include "curve/slide.h"
#include "uneven.h"

static const enum sk_scheme schemes[SK_SCHEMES] = {SK_SCHEME_HILBERT, SK_SCHEME_MORTON, SK_SCHEME_KD, SK_SCHEME_POWER};

static bool is_all(void)
{
    return getenv("SKEIN_TEST_ALL") != NULL;
}

/* The owner by search in the plan is the number of cuts at or before the cell's place on the curve. */
static void owners_follow_the_cut(void **state)
{
    (void)state;
    for (int trial = 0; trial < 200; trial++) {
        struct sk_share share = random_share(9);
        int kind = trial % 2, turn = (int)(random_u32() % SK_CURVE_TURNS);
        share.slack = 0.0;
        int64_t cells = cells_in(share.n), *prefix = malloc((size_t)(cells + 1) * sizeof *prefix), cut[31];
        int32_t *order = malloc((size_t)cells * sizeof *order);
        sk_curve_cells((enum sk_curve_kind)kind, turn, share.n, order);
        prefix[0] = 0;
        for (int64_t i = 0; i < cells; i++)
            prefix[i + 1] = prefix[i] + share.weight[order[i]];
        sk_chain_cut(prefix, cells, share.nranks, cut);
        int32_t *owner = owners_of(&share, kind ? SK_SCHEME_MORTON : SK_SCHEME_HILBERT, turn);
        for (int p = 0; p < share.nranks; p++)
            for (int64_t i = cut[p]; i < cut[p + 1]; i++)
                assert_int_equal(owner[order[i]], p);
        free(owner);
        free(order);
        free(prefix);
        clear_share(&share);
    }
}

static void plans_survive_packing(void **state)
{
    (void)state;
    for (int trial = 0; trial < 150; trial++) {
        struct sk_share share = random_share(10);
        struct sk_plan plan, copy;
        struct sk_error err;
        sk_plan_make(&plan, &share, schemes[trial % SK_SCHEMES], trial % SK_CURVE_TURNS);
        size_t size = sk_plan_pack(&plan, NULL);
        char *bytes = malloc(size);
        assert_int_equal(sk_plan_pack(&plan, bytes), size);
        assert_int_equal(sk_plan_unpack(&copy, bytes, size, &err), SK_OK);
        for (int32_t z = 0; z < share.n[2]; z++)
            for (int32_t y = 0; y < share.n[1]; y++)
                for (int32_t x = 0; x < share.n[0]; x++) {
                    int32_t owner = sk_plan_owner(&plan, x, y, z);
                    assert_true(owner >= 0 && owner < share.nranks);
                    assert_int_equal(sk_plan_owner(&copy, x, y, z), owner);
                }
        sk_plan_clear(&copy);
        assert_int_equal(sk_plan_unpack(&copy, bytes, size - 1, &err), SK_EINPUT);
        assert_null(copy.cut);
        bytes[0] ^= 1;
        assert_int_equal(sk_plan_unpack(&copy, bytes, size, &err), SK_EINPUT);
        bytes[0] ^= 1;
        for (int k = 0; k < 20; k++) { /* a damaged plan is refused or still gives owners in range */
            size_t at = random_u32() % size;
            char kept = bytes[at];
            bytes[at] = (char)random_u32();
            if (sk_plan_unpack(&copy, bytes, size, &err) == SK_OK) {
                int32_t owner = sk_plan_owner(&copy, 0, copy.n[1] - 1, copy.n[2] / 2);
                assert_true(owner >= 0 && owner < copy.nranks);
                sk_plan_clear(&copy);
            }
            bytes[at] = kept;
        }
        free(bytes);
        sk_plan_clear(&plan);
        clear_share(&share);
    }
}

/* Without weights every rank has the mean number of cells, rounded down or up. */
static void kd_counts_are_exact(void **state)
{
    (void)state;
    for (int trial = 0; trial < 60; trial++) {
        struct sk_share share = {.nranks = 1 + (int)(random_u32() % 80)};
        for (int k = 0; k < 3; k++)
            share.n[k] = 1 + (int32_t)(random_u32() % 14);
        int64_t cells = cells_in(share.n), held[80] = {0};
        int32_t *owner = owners_of(&share, SK_SCHEME_KD, 0);
        for (int64_t c = 0; c < cells; c++)
            held[owner[c]]++;
        for (int r = 0; r < share.nranks; r++)
            assert_true(held[r] == cells / share.nranks || held[r] == (cells + share.nranks - 1) / share.nranks);
        free(owner);
    }
}

/* Weighted kd: a cut is at most half a cell away from its share, so a rank is off by at most half the heaviest cell
 * for each plane above it, of which there are fewer than the ranks (and about their logarithm). */
static void kd_shares_weights(void **state)
{
    (void)state;
    for (int trial = 0; trial < 60; trial++) {
        struct sk_share share = random_share(12);
        share.slack = 0.0;
        int64_t cells = cells_in(share.n), held[30] = {0}, total = 0, heaviest = 0;
        int32_t *owner = owners_of(&share, SK_SCHEME_KD, 0);
        for (int64_t c = 0; c < cells; c++) {
            held[owner[c]] += share.weight[c];
            total += share.weight[c];
            heaviest = share.weight[c] > heaviest ? share.weight[c] : heaviest;
        }
        for (int r = 0; r < share.nranks; r++)
            check_near((double)held[r], (double)total / share.nranks, 1.5 * (double)heaviest, 0);
        free(owner);
        clear_share(&share);
    }
}

static int64_t part_ghosts(const struct sk_slide *slide, int64_t from, int64_t to)
{
    int64_t cells = cells_in(slide->n), sum = 0;
    int32_t *owner = calloc((size_t)cells, sizeof *owner);
    for (int64_t i = from; i < to; i++)
        owner[slide->cells[i]] = 1;
    struct sk_stencil shell = sk_stencil_shell();
    bool *has = needed_cells(slide->n, 2, owner, &shell);
    for (int64_t c = 0; c < cells; c++)
        sum += has[cells + c] ? slide->value ? slide->value[c] : 1 : 0;
    free(has);
    free(owner);
    return sum;
}

/* Sums by sets; never more ghosts than before, never beyond the cap; and near the best of all cuts into three. */
static void sliding_lowers_ghosts(void **state)
{
    (void)state;
    double found = 0.0, possible = 0.0;
    for (int trial = 0; trial < 30; trial++) {
        struct sk_share share = random_share(5);
        int64_t cells = cells_in(share.n), prefix[126] = {0}, cut[4], was = 0, is = 0, least = INT64_MAX;
        int32_t order[125];
        sk_curve_cells((enum sk_curve_kind)(trial % 2), trial % SK_CURVE_TURNS, share.n, order);
        for (int64_t i = 0; i < cells; i++)
            prefix[i + 1] = prefix[i] + share.weight[order[i]] + 1;
        struct sk_slide slide = {{share.n[0], share.n[1], share.n[2]}, order, prefix, share.atoms, 3, 0};
        slide.cap = sk_chain_cut(prefix, cells, 3, cut);
        slide.cap = slide.cap > prefix[cells] * 2 / 5 ? slide.cap : prefix[cells] * 2 / 5;
        for (int p = 0; p < 3; p++)
            was += part_ghosts(&slide, cut[p], cut[p + 1]);
        int64_t sum = sk_slide_cuts(&slide, cut);
        for (int p = 0; p < 3; p++) {
            assert_true(cut[p] <= cut[p + 1] && prefix[cut[p + 1]] - prefix[cut[p]] <= slide.cap);
            is += part_ghosts(&slide, cut[p], cut[p + 1]);
        }
        assert_int_equal(is, sum);
        assert_true(is <= was);
        for (int64_t a = 0; a <= cells; a++)
            for (int64_t b = a; b <= cells; b++) {
                if (prefix[a] > slide.cap || prefix[b] - prefix[a] > slide.cap || prefix[cells] - prefix[b] > slide.cap)
                    continue;
                int64_t ghosts = part_ghosts(&slide, 0, a) + part_ghosts(&slide, a, b) + part_ghosts(&slide, b, cells);
                least = ghosts < least ? ghosts : least;
            }
        assert_true(is >= least);
        found += (double)is;
        possible += (double)least;
        clear_share(&share);
    }
    print_message("           sliding reaches %.3f of the least possible\n", found / possible);
    assert_true(found <= 1.05 * possible);
}

/* The weights that the goals name: a cell costs its atoms times those around it. Few ranks, so that it is quick. */
static void scores_pick_the_least(void **state)
{
    (void)state;
    for (int trial = 0; trial < 8; trial++) {
        struct sk_share share = random_share(12);
        struct sk_score scores[SK_SCORES];
        struct sk_plan plan;
        int best, lines = sk_score_make(&share, 7, scores, &best, &plan);
        assert_int_equal(lines, 2 * SK_CURVE_TURNS + 1);
        for (int k = 0; k < lines; k++) {
            struct sk_count_summary summary;
            int32_t *owner = owners_of(&share, scores[k].scheme, scores[k].turn);
            summarize(&share, owner, &summary);
            assert_int_equal(summary.ghost_atoms, scores[k].summary.ghost_atoms);
            check_near(scores[k].summary.imbalance, summary.imbalance, 1e-12, 0);
            if (summary.imbalance <= scores[best].summary.imbalance)
                assert_true(summary.ghost_atoms >= scores[best].summary.ghost_atoms);
            free(owner);
        }
        assert_int_equal(plan.scheme, scores[best].scheme);
        assert_int_equal(plan.turn, scores[best].turn);
        sk_plan_clear(&plan);
        clear_share(&share);
    }
}

/* ---- the goals ---- */

static const int32_t boxes[][3] = {{24, 24, 24}, {32, 32, 32}, {40, 32, 20}, {36, 20, 100}, {50, 50, 50}};
static const int awkward[17] = {5, 7, 11, 13, 20, 24, 37, 48, 60, 73, 100, 127, 150, 200, 250, 375, 500};

/* Best curve, slid within 3 %, over plain Morton; and the best of all schemes over plain Morton. */
static void best_curve_beats_morton(void **state)
{
    (void)state;
    double sum = 0.0;
    int count = 0, nboxes = is_all() ? 5 : 3, step = is_all() ? 1 : 3;
    for (int b = 0; b < nboxes; b++) {
        double here = 0.0, worst = 0.0;
        int n = 0;
        for (int k = 0; k < 17; k += step, n++) {
            struct sk_share share = {.n = {boxes[b][0], boxes[b][1], boxes[b][2]}, .nranks = awkward[k]};
            struct sk_count_summary morton;
            int32_t *owner = owners_of(&share, SK_SCHEME_MORTON, 0);
            summarize(&share, owner, &morton);
            free(owner);
            struct sk_score scores[SK_SCORES];
            int best;
            share.slack = 0.03;
            int lines = sk_score_make(&share, 7, scores, &best, NULL);
            double curve = HUGE_VAL, automatic = (double)scores[best].summary.ghosts / (double)morton.ghosts;
            for (int l = 0; l < lines; l++) {
                double ratio = (double)scores[l].summary.ghosts / (double)morton.ghosts;
                if (scores[l].scheme != SK_SCHEME_KD && ratio < curve)
                    curve = ratio;
            }
            here += log(curve);
            worst = automatic > worst ? automatic : worst;
        }
        print_message("           %d x %d x %d: best curve %.3f of Morton, the best of all at worst %.3f\n",
                      boxes[b][0], boxes[b][1], boxes[b][2], exp(here / n), worst);
        assert_true(worst <= 1.0);
        sum += here;
        count += n;
    }
    print_message("           best curve over Morton %.4f\n", exp(sum / count));
    assert_true(exp(sum / count) <= (is_all() ? 0.83 : 0.88));
}

static void kd_is_near_the_ideal(void **state)
{
    (void)state;
    static const int counts[] = {3,  5,  6,  7,  10,  11,  12,  13,  20,  24,  31,  37, 48,
                                 50, 60, 73, 96, 100, 120, 127, 150, 176, 200, 224, 256};
    static const int32_t grids[][3] = {{32, 32, 32}, {40, 32, 20}, {64, 64, 64}};
    static const struct {
        int ranks;
        double mean;
    } published[] = {{48, 607}, {100, 399}, {127, 350}};
    double sum = 0.0, worst = 0.0;
    int n = 0, step = is_all() ? 1 : 3;
    for (int g = 0; g < (is_all() ? 3 : 2); g++)
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k += (size_t)step, n++) {
            struct sk_share share = {.n = {grids[g][0], grids[g][1], grids[g][2]}, .nranks = counts[k]};
            struct sk_count_summary summary;
            int32_t *owner = owners_of(&share, SK_SCHEME_KD, 0);
            summarize(&share, owner, &summary);
            free(owner);
            double ratio = summary.ghosts_mean / sk_count_ideal(share.n, (double)cells_in(share.n) / counts[k]);
            sum += log(ratio);
            worst = ratio > worst ? ratio : worst;
        }
    print_message("           kd over ideal %.4f, at worst %.4f\n", exp(sum / n), worst);
    assert_true(exp(sum / n) <= 1.06 && worst <= 1.11);
    for (size_t k = 0; k < sizeof published / sizeof *published; k++) {
        struct sk_share share = {.n = {32, 32, 32}, .nranks = published[k].ranks};
        struct sk_count_summary summary;
        int32_t *owner = owners_of(&share, SK_SCHEME_KD, 0);
        summarize(&share, owner, &summary);
        free(owner);
        assert_true(summary.ghosts_mean <= published[k].mean + 0.5); /* the prototype's plan, or a better one */
    }
}

/* Published: the arrangement of octants used here has 1.260 / 1.286 = 0.980 of Skilling's ghosts on 64^3, for other
 * counts 0.970; the counts here are a third set. */
static void hilbert_is_the_best_variant(void **state)
{
    (void)state;
    const int32_t n[3] = {64, 64, 64};
    int32_t *cells = malloc(262144 * sizeof *cells), *owner = malloc(262144 * sizeof *owner);
    int64_t cut[501];
    double sum = 0.0;
    for (int k = 0; k < 17; k++) {
        struct sk_share share = {.n = {64, 64, 64}, .nranks = awkward[k]};
        struct sk_count_summary summary[2];
        sk_chain_cut(NULL, 262144, awkward[k], cut);
        for (int variant = 0; variant < 2; variant++) {
            if (variant)
                skilling_cells(6, cells);
            else
                sk_curve_cells(SK_CURVE_KIND_HILBERT, 0, n, cells);
            for (int p = 0; p < awkward[k]; p++)
                for (int64_t i = cut[p]; i < cut[p + 1]; i++)
                    owner[cells[i]] = p;
            summarize(&share, owner, &summary[variant]);
        }
        sum += log(summary[0].ghosts_mean / summary[1].ghosts_mean);
    }
    print_message("           ghosts of this Hilbert curve over Skilling's: %.4f\n", exp(sum / 17));
    assert_true(exp(sum / 17) <= 0.99);
    free(owner);
    free(cells);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owners_follow_the_cut),       cmocka_unit_test(plans_survive_packing),
        cmocka_unit_test(kd_counts_are_exact),         cmocka_unit_test(kd_shares_weights),
        cmocka_unit_test(sliding_lowers_ghosts),       cmocka_unit_test(scores_pick_the_least),
        cmocka_unit_test(best_curve_beats_morton),     cmocka_unit_test(kd_is_near_the_ideal),
        cmocka_unit_test(hilbert_is_the_best_variant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
