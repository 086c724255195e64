/* Chain: exact bottleneck cuts. Expected: dynamic programming over all cuts; and cases whose answer is plain. */
#include "curve/chain.h"

#include "reference.h"

/* The least heaviest part, by the recurrence over (cells, parts). */
static int64_t least_bottleneck(const int64_t *prefix, int n, int parts)
{
    int64_t *best = malloc((size_t)(n + 1) * sizeof *best);
    for (int i = 0; i <= n; i++)
        best[i] = prefix[i];
    for (int p = 2; p <= parts; p++)
        for (int i = n; i >= 0; i--)
            for (int j = 0; j <= i; j++) {
                int64_t last = prefix[i] - prefix[j], most = best[j] > last ? best[j] : last;
                best[i] = most < best[i] ? most : best[i];
            }
    int64_t least = best[n];
    free(best);
    return least;
}

static void check_cut(const int64_t *prefix, int64_t n, int parts, const int64_t *cut, int64_t bottleneck)
{
    int64_t heaviest = 0;
    assert_int_equal(cut[0], 0);
    assert_int_equal(cut[parts], n);
    for (int p = 0; p < parts; p++) {
        assert_true(cut[p] <= cut[p + 1]);
        int64_t weight = prefix ? prefix[cut[p + 1]] - prefix[cut[p]] : cut[p + 1] - cut[p];
        heaviest = weight > heaviest ? weight : heaviest;
    }
    assert_int_equal(heaviest, bottleneck);
}

static void cuts_are_as_good_as_dynamic_programming(void **state)
{
    (void)state;
    for (int trial = 0; trial < 6000; trial++) {
        int n = (int)(random_u32() % 40), parts = 1 + (int)(random_u32() % 50);
        uint32_t range = 1u << random_u32() % 20, zeros = random_u32() % 4;
        int64_t prefix[41] = {0}, cut[51];
        for (int i = 0; i < n; i++)
            prefix[i + 1] = prefix[i] + (random_u32() % 4 < zeros ? 0 : random_u32() % (range + 1));
        int64_t bottleneck = sk_chain_cut(prefix, n, parts, cut);
        assert_int_equal(bottleneck, least_bottleneck(prefix, n, parts));
        check_cut(prefix, n, parts, cut, bottleneck);
    }
}

/* Any cut moved alone to another place that keeps the bottleneck does not come nearer to its share. */
static void no_cut_can_come_nearer(void **state)
{
    (void)state;
    for (int trial = 0; trial < 2000; trial++) {
        int n = 5 + (int)(random_u32() % 30), parts = 2 + (int)(random_u32() % 8);
        int64_t prefix[41] = {0}, cut[51];
        for (int i = 0; i < n; i++)
            prefix[i + 1] = prefix[i] + random_u32() % 100;
        int64_t bottleneck = sk_chain_cut(prefix, n, parts, cut);
        for (int p = 1; p < parts; p++)
            for (int64_t at = cut[p - 1]; at <= cut[p + 1]; at++) {
                if (prefix[at] - prefix[cut[p - 1]] > bottleneck || prefix[cut[p + 1]] - prefix[at] > bottleneck)
                    continue;
                assert_true(llabs(prefix[at] * parts - prefix[n] * p) >= llabs(prefix[cut[p]] * parts - prefix[n] * p));
            }
    }
}

static void uniform_chains_need_no_weights(void **state)
{
    (void)state;
    for (int trial = 0; trial < 3000; trial++) {
        int n = (int)(random_u32() % 300), parts = 1 + (int)(random_u32() % 200);
        int64_t prefix[301], plain[201], weighted[201];
        for (int i = 0; i <= n; i++)
            prefix[i] = i;
        int64_t bottleneck = sk_chain_cut(NULL, n, parts, plain);
        assert_int_equal(bottleneck, (n + parts - 1) / parts);
        check_cut(NULL, n, parts, plain, bottleneck);
        assert_int_equal(sk_chain_cut(prefix, n, parts, weighted), bottleneck);
        assert_memory_equal(plain, weighted, ((size_t)parts + 1) * sizeof *plain);
        for (int p = 0; p < parts; p++)
            assert_true(plain[p + 1] - plain[p] >= n / parts);
    }
}

static void large_weights_do_not_overflow(void **state)
{
    (void)state;
    const int64_t big = INT64_C(1) << 60;
    const int64_t prefix[] = {0, big, 2 * big, 3 * big, 4 * big, 5 * big, 6 * big, 7 * big};
    int64_t cut[8];
    assert_true(sk_chain_cut(prefix, 7, 7, cut) == big);
    assert_true(sk_chain_cut(prefix, 7, 3, cut) == 3 * big);
    check_cut(prefix, 7, 3, cut, 3 * big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_are_as_good_as_dynamic_programming),
        cmocka_unit_test(no_cut_can_come_nearer),
        cmocka_unit_test(uniform_chains_need_no_weights),
        cmocka_unit_test(large_weights_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
