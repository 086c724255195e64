/* Expected values: Random123's published known-answer vectors (kat_vectors: philox4x64, 10 rounds), a second Philox
 * written here from the paper (Salmon et al., SC11), and the analytic distributions. Seeds are fixed, so a test that
 * passes once passes always; bounds are at 4.5 standard deviations. */
#include "base/rng.h"

#include <Random123/philox.h>
#include <string.h>

#include "base/hash.h"
#include "check.h"

__extension__ typedef unsigned __int128 wide;

struct kat {
    uint64_t counter[4], key[2], out[4];
};

static const struct kat kats[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}},
    {{~0ull, ~0ull, ~0ull, ~0ull},
     {~0ull, ~0ull},
     {0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0}},
    {{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
     {0x452821e638d01377, 0xbe5466cf34e90c6c},
     {0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6}},
};

static void philox_plain(const uint64_t counter[4], const uint64_t key[2], uint64_t x[4])
{
    uint64_t k0 = key[0], k1 = key[1];
    memcpy(x, counter, 4 * sizeof *x);
    for (int round = 0; round < 10; round++) {
        wide a = (wide)0xD2E7470EE14C6C93 * x[0], b = (wide)0xCA5A826395121157 * x[2];
        uint64_t next[4] = {(uint64_t)(b >> 64) ^ x[1] ^ k0, (uint64_t)b, (uint64_t)(a >> 64) ^ x[3] ^ k1, (uint64_t)a};
        memcpy(x, next, sizeof next);
        k0 += 0x9E3779B97F4A7C15;
        k1 += 0xBB67AE8584CAA73B;
    }
}

static void test_known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kats / sizeof *kats; i++) {
        philox4x64_ctr_t c;
        philox4x64_key_t k;
        uint64_t plain[4];
        memcpy(c.v, kats[i].counter, sizeof c.v);
        memcpy(k.v, kats[i].key, sizeof k.v);
        c = philox4x64_R(10, c, k);
        philox_plain(kats[i].counter, kats[i].key, plain);
        assert_memory_equal(c.v, kats[i].out, sizeof plain);
        assert_memory_equal(plain, kats[i].out, sizeof plain);
    }
    for (uint64_t i = 0; i < 1000; i++) { /* the layout of counter and key that the header states */
        uint64_t seed = i * 0x9e3779b97f4a7c15, id = i % 7 ? i : ~i, step = i << 40 | i, sub = i % 5, words[4],
                 plain[4];
        enum sk_rng_purpose purpose = (enum sk_rng_purpose)(1 + i % 4);
        sk_rng_words(seed, purpose, id, step, sub, words);
        philox_plain((uint64_t[4]){id, step, purpose, sub}, (uint64_t[2]){seed, 0x736b65696e}, plain);
        assert_memory_equal(words, plain, sizeof plain);
    }
}

enum { BINS = 64, DRAWS = 200000 };

/* Chi-square of values that should be uniform in (0, 1): 63 degrees of freedom, so 63 +- 11.2. */
static void check_uniform(const double *u, int n)
{
    int count[BINS] = {0};
    double chi = 0, expected = (double)n / BINS;
    for (int i = 0; i < n; i++) {
        assert_true(u[i] >= 0 && u[i] <= 1);
        count[u[i] < 1 ? (int)(u[i] * BINS) : BINS - 1]++;
    }
    for (int i = 0; i < BINS; i++)
        chi += (count[i] - expected) * (count[i] - expected) / expected;
    check_near(chi, BINS - 1, 4.5 * sqrt(2.0 * (BINS - 1)), 0);
}

/* Mean, variance and, where given, the fourth central moment within 4.5 standard errors. */
static void check_moments(const double *x, int n, double mean, double variance, double fourth)
{
    double m = 0, v = 0;
    for (int i = 0; i < n; i++)
        m += x[i] / n;
    check_near(m, mean, 4.5 * sqrt(variance / n), 0);
    for (int i = 0; i < n; i++)
        v += (x[i] - mean) * (x[i] - mean) / n;
    check_near(v, variance, 4.5 * sqrt((fourth - variance * variance) / n), 0);
}

static double draws[DRAWS], unit[DRAWS];

static void test_uniform(void **state)
{
    (void)state;
    struct sk_rng rng = {2024, SK_RNG_MAXWELL, 5, 9, 0};
    double low = 1, high = 0;
    for (int i = 0; i < DRAWS; i++) {
        draws[i] = sk_rng_uniform(&rng);
        low = fmin(low, draws[i]);
        high = fmax(high, draws[i]);
        double scaled = draws[i] * 0x1p53;
        assert_true(scaled == rint(scaled)); /* a multiple of 2^-53 */
    }
    assert_true(low > 0 && high < 1 && low < 1e-4 && high > 1 - 1e-4);
    assert_int_equal(rng.sub, DRAWS);
    check_uniform(draws, DRAWS);
    check_moments(draws, DRAWS, 0.5, 1.0 / 12, 1.0 / 80);
}

static void test_normal(void **state)
{
    (void)state;
    struct sk_rng rng = {2024, SK_RNG_V_RESCALE, 0, 3, 0};
    for (int i = 0; i < DRAWS; i++) {
        draws[i] = sk_rng_normal(&rng);
        unit[i] = 0.5 * erfc(-draws[i] / sqrt(2.0));
    }
    check_moments(draws, DRAWS, 0, 1, 3);
    check_uniform(unit, DRAWS);
}

static void test_normal4(void **state)
{
    (void)state;
    double cross[6] = {0}, squares[6] = {0};
    for (int i = 0; i < DRAWS / 4; i++) {
        double z[4];
        sk_rng_normal4(77, SK_RNG_LANGEVIN, (uint64_t)i, 12, 0, z);
        memcpy(draws + 4 * i, z, sizeof z);
        for (int a = 0, k = 0; a < 4; a++)
            for (int b = a + 1; b < 4; b++, k++) {
                cross[k] += z[a] * z[b] / sqrt(DRAWS / 4);
                squares[k] += (z[a] * z[a] - 1) * (z[b] * z[b] - 1) / sqrt(4.0 * DRAWS / 4);
            }
    }
    for (int i = 0; i < DRAWS; i++)
        unit[i] = 0.5 * erfc(-draws[i] / sqrt(2.0));
    check_moments(draws, DRAWS, 0, 1, 3);
    check_uniform(unit, DRAWS);
    for (int k = 0; k < 6; k++) { /* the four are independent, also in their sizes */
        check_near(cross[k], 0, 4.5, 0);
        check_near(squares[k], 0, 4.5, 0);
    }
}

/* Box-Muller from its definition, with the C library, on the same words. */
static void test_box_muller(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t w[4];
        double z[4];
        sk_rng_words(3, SK_RNG_MAXWELL, i, 0, 0, w);
        sk_rng_normal4(3, SK_RNG_MAXWELL, i, 0, 0, z);
        for (int k = 0; k < 4; k += 2) {
            long double a = (long double)((w[k] >> 11) | 1) * 0x1p-53L,
                        b = (long double)((w[k + 1] >> 11) | 1) * 0x1p-53L;
            long double r = sqrtl(-2 * logl(a)), angle = 6.283185307179586476925286766559L * b;
            check_near(z[k], (double)(r * cosl(angle)), 4e-15, 1e-15);
            check_near(z[k + 1], (double)(r * sinl(angle)), 4e-15, 1e-15);
        }
    }
}

/* Regularized lower incomplete gamma function by its series (small x) or by Lentz's continued fraction. */
static double gamma_p(double a, double x)
{
    if (x <= 0)
        return 0;
    double front = exp(a * log(x) - x - lgamma(a));
    if (x < a + 1) {
        double term = 1 / a, sum = term;
        for (double n = a + 1; term > 1e-17 * sum; n++)
            sum += term *= x / n;
        return front * sum;
    }
    double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
    for (int i = 1; i < 10000; i++) {
        double an = -i * (i - a), factor;
        b += 2;
        d = 1 / (an * d + b);
        c = b + an / c;
        h *= factor = c * d;
        if (fabs(factor - 1) < 1e-15)
            break;
    }
    return 1 - front * h;
}

static void test_gamma(void **state)
{
    (void)state;
    const double shapes[] = {0.05, 0.5, 0.99, 1, 1.25, 3, 17.5, 1500, 36000.5};
    check_near(gamma_p(0.5, 1), erf(1.0), 1e-15, 0);
    check_near(gamma_p(3, 9), 1 - exp(-9) * (1 + 9 + 40.5), 1e-15, 0);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        double a = shapes[s];
        int n = DRAWS / 4;
        struct sk_rng rng = {11, SK_RNG_V_RESCALE, s, 0, 0};
        for (int i = 0; i < n; i++) {
            draws[i] = sk_rng_gamma(&rng, a);
            assert_true(draws[i] >= 0);
            unit[i] = gamma_p(a, draws[i]);
        }
        check_moments(draws, n, a, a, 3 * a * a + 6 * a);
        check_uniform(unit, n);
    }
}

/* Streams that differ in one field only have nothing to do with each other. */
static void test_streams(void **state)
{
    (void)state;
    const int n = 20000;
    for (int field = 0; field < 5; field++) {
        double correlation = 0, flipped = 0;
        for (int i = 0; i < n; i++) {
            uint64_t f[5] = {42, SK_RNG_LANGEVIN, (uint64_t)i, (uint64_t)i / 3, (uint64_t)i % 3}, a[4], b[4];
            sk_rng_words(f[0], (enum sk_rng_purpose)f[1], f[2], f[3], f[4], a);
            f[field] += 1;
            sk_rng_words(f[0], (enum sk_rng_purpose)f[1], f[2], f[3], f[4], b);
            for (int k = 0; k < 4; k++) {
                assert_true(a[k] != b[k]);
                flipped += __builtin_popcountll(a[k] ^ b[k]);
                correlation += 12 * ((double)a[k] * 0x1p-64 - 0.5) * ((double)b[k] * 0x1p-64 - 0.5);
            }
        }
        check_near(correlation / sqrt(4.0 * n), 0, 4.5, 0);
        check_near(flipped, 128.0 * n, 4.5 * sqrt(64.0 * n), 0); /* 256 bits a block, each flips with 1/2 */
    }
}

/* A stream is a function of its fields, wherever and however often it is asked. */
static void test_repeats(void **state)
{
    (void)state;
    struct sk_rng a = {5, SK_RNG_V_RESCALE, 0, 1ull << 40, 0}, b = a;
    double first = sk_rng_gamma(&a, 0.3), second = sk_rng_normal(&a);
    assert_true(first == sk_rng_gamma(&b, 0.3) && second == sk_rng_normal(&b) && a.sub == b.sub && second != first);
    uint64_t sub = a.sub;
    assert_true(sk_rng_uniform(&a) != sk_rng_uniform(&a) && a.sub == sub + 2);
}

/* XXH3_64bits by python-xxhash 3.0.0; the empty string's value is in the xxHash specification too. */
static void test_hash(void **state)
{
    (void)state;
    unsigned char bytes[768];
    for (int i = 0; i < 768; i++)
        bytes[i] = (unsigned char)i;
    assert_true(sk_hash("", 0) == 0x2d06800538d394c2);
    assert_true(sk_hash("skein", 5) == 0x7b4b19e6adeab3db);
    assert_true(sk_hash(bytes, 768) == 0x4066a57f4496584a);
    assert_true(sk_hash_id(0) == 0xc77b3abb6f87acd9 && sk_hash_id(1) == 0x2fbc593564db792e);
    assert_true(sk_hash_id(-1) == 0x5111c7e47d784413 && sk_hash_id(123456789012) == 0x1dda852da7ed0152);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers), cmocka_unit_test(test_uniform),    cmocka_unit_test(test_normal),
        cmocka_unit_test(test_normal4),       cmocka_unit_test(test_box_muller), cmocka_unit_test(test_gamma),
        cmocka_unit_test(test_streams),       cmocka_unit_test(test_repeats),    cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
