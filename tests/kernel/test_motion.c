/* Motion: the flat loops. Expected: image and fraction as one number of 128 bits, to which the rounded step is added;
 * kick and drift as written; the same bits in every variant, for every remainder. */
#include "kernel/motion.h"

#include <string.h>

#include "check.h"
#include "kernel/pair.h"

enum { MOST = 100 };

/* A fixed generator, so that every run tests the same cases. */
static uint64_t bits(void)
{
    static uint64_t seed = 2026;
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return seed ^ seed >> 29;
}

static double uniform(void)
{
    return (double)(bits() >> 11) * 0x1p-52 - 1.0;
}

/* A step of any size below half a box; some are halfway between integers. */
static double random_step(void)
{
    static const double sizes[] = {0x1p62, 0x1p55, 0x1p52, 0x1p40, 0x1p3, 0.0};
    const double step = sizes[bits() % 6] * uniform();
    return bits() % 4 ? step : rint(step) + (fabs(step) < 0x1p40 ? 0.5 : 0.0);
}

/* Fractions, some of them at the edge of the box. */
static sk_frac random_place(void)
{
    const sk_frac place = bits();
    return bits() % 4 ? place : bits() % 2 ? place >> 61 : ~(place >> 61);
}

static void test_move(void **state)
{
    (void)state;
    static const double to_fraction[3] = {0x1p10, 0x1p12, 0x1p11}; /* so that products are exact */
    int nvariants, wraps = 0;
    const struct sk_kernel_variant *variants = sk_kernel_variants(&nvariants);
    for (int n = 0; n < MOST; n++) {
        sk_frac x[MOST], expected_x[MOST];
        int32_t image[MOST], expected_image[MOST];
        double move[MOST], largest = 0.0;
        for (int c = 0; c < MOST; c++) {
            const double step = random_step();
            x[c] = random_place();
            image[c] = (int32_t)(bits() % 7) - 3;
            move[c] = step / to_fraction[c % 3];
            const sk_int128 place = ((sk_int128)image[c] * ((sk_int128)1 << 64)) + (sk_int128)x[c] +
                                    (c < n ? (sk_int128)rint(step) : 0);
            expected_x[c] = (sk_frac)place;
            expected_image[c] = (int32_t)(place >> 64);
            wraps += expected_image[c] != image[c];
            largest = c < n ? fmax(largest, fabs(step)) : largest;
        }
        for (int v = 0; v < nvariants; v++) {
            sk_frac to[MOST];
            int32_t turns[MOST];
            if (!variants[v].is_supported())
                continue;
            memcpy(to, x, sizeof to);
            memcpy(turns, image, sizeof turns);
            assert_true(variants[v].move(to, turns, move, to_fraction, n) == largest);
            assert_memory_equal(to, expected_x, sizeof to);
            assert_memory_equal(turns, expected_image, sizeof turns);
        }
    }
    assert_true(wraps > MOST);
}

/* What is too far, or no number, does not move, and is said to have gone very far. */
static void test_runaway(void **state)
{
    (void)state;
    static const double far[] = {NAN, INFINITY, -INFINITY, 0x1p63, -0x1p70}, to_fraction[3] = {1.0, 1.0, 1.0};
    int nvariants;
    const struct sk_kernel_variant *variants = sk_kernel_variants(&nvariants);
    for (int v = 0; v < nvariants; v++)
        for (int at = 0; at < MOST && variants[v].is_supported(); at++) {
            sk_frac x[MOST] = {0};
            int32_t image[MOST] = {0};
            double move[MOST] = {0};
            move[at] = far[at % 5];
            assert_true(variants[v].move(x, image, move, to_fraction, MOST) > 0x1p63);
            assert_true(x[at] == 0 && image[at] == 0);
        }
}

static void test_kick_and_drift(void **state)
{
    (void)state;
    int nvariants;
    const struct sk_kernel_variant *variants = sk_kernel_variants(&nvariants);
    for (int n = 0; n < MOST; n++) {
        double v[MOST], inverse_mass[MOST], expected_v[MOST], expected_move[MOST];
        int64_t f[MOST];
        for (int c = 0; c < MOST; c++) {
            v[c] = uniform();
            f[c] = (int64_t)bits() >> bits() % 40;
            inverse_mass[c] = 1.0 + uniform();
            expected_v[c] = c < n ? v[c] + (double)f[c] * (1e-12 * inverse_mass[c]) : v[c];
            expected_move[c] = c < n ? expected_v[c] * 0.002 : 7.0;
        }
        for (int k = 0; k < nvariants; k++) {
            double speed[MOST], move[MOST];
            if (!variants[k].is_supported())
                continue;
            memcpy(speed, v, sizeof speed);
            for (int c = 0; c < MOST; c++)
                move[c] = 7.0;
            variants[k].kick(speed, f, inverse_mass, 1e-12, n);
            variants[k].drift(move, speed, 0.002, n);
            assert_memory_equal(speed, expected_v, sizeof speed);
            assert_memory_equal(move, expected_move, sizeof move);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_move),
        cmocka_unit_test(test_runaway),
        cmocka_unit_test(test_kick_and_drift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
