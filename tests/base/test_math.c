/* Expected values: the C library's long double functions (11 or more bits beyond double), and the edge cases of
 * C11 annex F. The reference is used in tests only; the engine does not call it. */
#include "base/math.h"

#include <float.h>
#include <string.h>

#include "check.h"

typedef double function(double);
typedef long double reference(long double);

/* splitmix64: the test's own source of samples. */
static double sample(uint64_t *state, double low, double high)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return low + (high - low) * ((double)((z ^ (z >> 31)) >> 11) * 0x1p-53);
}

/* |got - expected| in units of the last place of a double of expected's size. */
static double ulps(double got, long double expected)
{
    int e = expected == 0 ? -1022 : ilogbl(expected);
    if (e < -1022)
        e = -1022;
    return (double)(fabsl((long double)got - expected) / ldexpl(1.0L, e - 52));
}

struct worst {
    double error, at;
};

static void worst_take(struct worst *w, double error, double at)
{
    if (!(error <= w->error)) { /* a NaN is taken, and fails below */
        w->error = error;
        w->at = at;
    }
}

/* Dense and random points of [low, high]; with is_log the points are spread in the exponent. */
static void check_range(const char *name, function *f, reference *g, double low, double high, int count, int is_log)
{
    struct worst w = {0, 0};
    uint64_t state = 1;
    for (int i = 0; i < 2 * count; i++) {
        double t = i < count ? (double)i / (count - 1) : sample(&state, 0, 1);
        double x = is_log ? exp2(log2(low) + t * (log2(high) - log2(low))) : low + t * (high - low);
        worst_take(&w, ulps(f(x), g(x)), x);
    }
    print_message("%-6s [%g, %g]: %.4f ulp at %.17g\n", name, low, high, w.error, w.at);
    if (!(w.error < 1.0))
        fail_msg("%s is off by %g ulp at %.17g", name, w.error, w.at);
}

static double sine(double x)
{
    double s, c;
    sk_sincos(x, &s, &c);
    return s;
}

static double cosine(double x)
{
    double s, c;
    sk_sincos(x, &s, &c);
    return c;
}

static void test_exp(void **state)
{
    (void)state;
    check_range("exp", sk_exp, expl, -1, 1, 200000, 0);
    check_range("exp", sk_exp, expl, -745.1, 709.78, 200000, 0);
    check_range("exp", sk_exp, expl, 1e-300, 1, 20000, 1);
    assert_true(sk_exp(0.0) == 1.0 && sk_exp(-0.0) == 1.0);
    assert_true(sk_exp(INFINITY) == INFINITY && sk_exp(710.0) == INFINITY && sk_exp(1e300) == INFINITY);
    assert_true(sk_exp(0x1.62e42fefa39efp+9) < INFINITY); /* log(DBL_MAX) rounded down */
    assert_true(sk_exp(0x1.62e42fefa39f0p+9) == INFINITY);
    assert_true(sk_exp(-INFINITY) == 0 && sk_exp(-746.0) == 0 && sk_exp(-745.0) == 0x1p-1074);
    assert_true(isnan(sk_exp(NAN)));
}

static void test_log(void **state)
{
    (void)state;
    check_range("log", sk_log, logl, 0.5, 2, 300000, 0);
    check_range("log", sk_log, logl, 1 - 1e-6, 1 + 1e-6, 20000, 0);
    check_range("log", sk_log, logl, 0x1p-1074, DBL_MAX / 2, 300000, 1);
    assert_true(sk_log(1.0) == 0 && sk_log(0.0) == -INFINITY && sk_log(-0.0) == -INFINITY);
    assert_true(sk_log(INFINITY) == INFINITY && isnan(sk_log(-1.0)) && isnan(sk_log(NAN)) && isnan(sk_log(-INFINITY)));
    assert_true(ulps(sk_log(DBL_MAX), logl(DBL_MAX)) < 1 && ulps(sk_log(0x1p-1074), logl(0x1p-1074)) < 1);
    for (int k = -1074; k < 1024; k++) /* powers of two: k log(2) rounded */
        assert_true(ulps(sk_log(ldexp(1.0, k)), k * 0.693147180559945309417232121458176568L) < 0.51);
}

static void test_sincos(void **state)
{
    (void)state;
    check_range("sin", sine, sinl, -4, 4, 200000, 0);
    check_range("cos", cosine, cosl, -4, 4, 200000, 0);
    check_range("sin", sine, sinl, -1e5, 1e5, 200000, 0);
    check_range("cos", cosine, cosl, -1e5, 1e5, 200000, 0);
    check_range("sin", sine, sinl, 1e-300, 1, 20000, 1);
    struct worst w = {0, 0};
    for (int n = -63661; n <= 63661; n++) /* next to the zeros, where the reduction cancels most */
        for (int side = -1; side <= 1; side++) {
            double x = (double)(n * 1.57079632679489661923132169163975144L);
            x = side ? nextafter(x, side * INFINITY) : x;
            worst_take(&w, ulps(sine(x), sinl(x)), x);
            worst_take(&w, ulps(cosine(x), cosl(x)), x);
        }
    print_message("sincos at multiples of pi/2: %.4f ulp at %.17g\n", w.error, w.at);
    assert_true(w.error < 1);
    /* x87 reduces by a finite pi in some libraries: pin one hard point by its 40-digit value (mpmath). */
    assert_true(ulps(cosine(1.5707963267948966), 6.123233995736765886130329661375e-17L) < 0.51);
    assert_true(signbit(sine(-0.0)) && sine(-0.0) == 0 && cosine(0.0) == 1);
    assert_true(isnan(sine(INFINITY)) && isnan(cosine(NAN)) && isnan(sine(1.1e5)));
}

/* |atan2 - reference| over the plane: directions all around, distances over many powers of two. */
static void check_atan2(const char *name, double low, double high, int count)
{
    struct worst w = {0, 0};
    uint64_t random = 3;
    for (int i = 0; i < count; i++) {
        double ratio = exp2(sample(&random, low, high)), r = exp2(sample(&random, -40, 40));
        int octant = (int)sample(&random, 0, 8);
        double a = r * ratio * (octant & 1 ? -1 : 1), b = r * (octant & 2 ? -1 : 1);
        double y = octant & 4 ? a : b, x = octant & 4 ? b : a;
        worst_take(&w, ulps(sk_atan2(y, x), atan2l(y, x)), y / x);
    }
    print_message("atan2 %s: %.4f ulp at y/x = %.17g\n", name, w.error, w.at);
    assert_true(w.error < 1);
}

static void test_atan2(void **state)
{
    (void)state;
    check_atan2("all around", -6, 0, 1000000);
    check_atan2("next to the axes", -60, -6, 300000);
    check_atan2("on the axes", -900, -60, 100000);
    struct worst w = {0, 0};
    for (int k = 1; k < 16; k++) /* where the table's entries meet, and at the entries */
        for (int side = -2000; side <= 2000; side++) {
            double y = k / 16.0 + side * 0x1p-53, x = 1 + (side % 7) * 0x1p-52;
            worst_take(&w, ulps(sk_atan2(y, x), atan2l(y, x)), y);
            worst_take(&w, ulps(sk_atan2(y, -x), atan2l(y, -x)), y);
            worst_take(&w, ulps(sk_atan2(-x, y), atan2l(-x, y)), y);
        }
    print_message("atan2 at the table: %.4f ulp at %.17g\n", w.error, w.at);
    assert_true(w.error < 1);
    /* 40 digits from mpmath, should a long double library be off: atan(1/3), atan2(1, -3), atan2(3, 1) */
    assert_true(ulps(sk_atan2(1, 3), 0.3217505543966421934014046143586613190208L) < 0.51);
    assert_true(ulps(sk_atan2(1, -3), 2.819842099193151045061238768920841565176L) < 0.51);
    assert_true(ulps(sk_atan2(3, 1), 1.249045772398254425829917077281090123078L) < 0.51);
}

static void test_atan2_edges(void **state)
{
    (void)state;
    const double v[] = {0.0,     0x1p-1074, 0x1p-1030, 0x1p-600, 0x1p-499, 0x1p-401, 0x1p-399, 1.0,
                        0x1p399, 0x1p499,   0x1p501,   0x1p1000, DBL_MAX,  INFINITY, NAN};
    const int count = sizeof v / sizeof *v;
    for (int i = 0; i < 4 * count * count; i++) {
        double y = v[i / 4 / count] * (i & 1 ? -1 : 1), x = v[i / 4 % count] * (i & 2 ? -1 : 1);
        double got = sk_atan2(y, x);
        long double expected = atan2l(y, x);
        int is_same = isnan(got) ? isnan(expected) : ulps(got, expected) < 1 && !signbit(got) == !signbit(expected);
        if (!is_same)
            fail_msg("atan2(%g, %g) = %.17g, C gives %.17Lg", y, x, got, expected);
    }
    assert_true(isnan(sk_atan2(NAN, 0)) && isnan(sk_atan2(INFINITY, NAN)));
}

static void test_erf(void **state)
{
    (void)state;
    check_range("erf", sk_erf, erfl, -7, 7, 100000, 0);
    check_range("erf", sk_erf, erfl, 0x1p-1060, 1, 20000, 1);
    check_range("erfc", sk_erfc, erfcl, -7, 2, 50000, 0);
    check_range("erfc", sk_erfc, erfcl, 1.9, 2.1, 20000, 0);
    check_range("erfc", sk_erfc, erfcl, 2, 27.25, 100000, 0);
    check_range("erfc", sk_erfc, erfcl, 1e-300, 1, 20000, 1);
    assert_true(sk_erf(INFINITY) == 1 && sk_erf(-INFINITY) == -1 && isnan(sk_erf(NAN)) && signbit(sk_erf(-0.0)));
    assert_true(sk_erfc(INFINITY) == 0 && sk_erfc(-INFINITY) == 2 && sk_erfc(0.0) == 1 && isnan(sk_erfc(NAN)));
    assert_true(sk_erfc(28.0) == 0 && ulps(sk_erf(0x1p-1074), erfl(0x1p-1074)) < 1);
}

static void test_cbrt(void **state)
{
    (void)state;
    check_range("cbrt", sk_cbrt, cbrtl, 1, 8, 200000, 0);
    check_range("cbrt", sk_cbrt, cbrtl, -30, 30, 50000, 0);
    check_range("cbrt", sk_cbrt, cbrtl, 0x1p-1074, DBL_MAX / 2, 200000, 1);
    for (int n = -2000; n <= 2000; n++)
        assert_true(sk_cbrt((double)n * n * n) == n);
    assert_true(sk_cbrt(0x1p-1074) == 0x1p-358 && signbit(sk_cbrt(-0.0)) && sk_cbrt(-INFINITY) == -INFINITY);
    assert_true(isnan(sk_cbrt(NAN)));
}

static void test_pow(void **state)
{
    (void)state;
    struct worst w = {0, 0};
    uint64_t random = 7;
    for (int i = 0; i < 600000; i++) {
        double x = i % 3 ? exp2(sample(&random, -1074, 1023.9)) : sample(&random, 0.9, 1.1);
        double most = 1070 / fmax(fabs(log2(x)), 1e-3), y = sample(&random, -most, most);
        long double expected = powl(x, y);
        if (expected < DBL_MAX)
            worst_take(&w, ulps(sk_pow(x, y), expected), x);
    }
    for (int k = 1; k < 300000; k++) { /* x next to 1, y huge: where log needs its second word */
        double x = 1 + (k - 150000) * 0x1p-40, y = sample(&random, -4e9, 4e9);
        long double expected = powl(x, y);
        if (expected < DBL_MAX)
            worst_take(&w, ulps(sk_pow(x, y), expected), x);
    }
    print_message("pow: %.4f ulp, x = %.17g\n", w.error, w.at);
    assert_true(w.error < 1);
    for (int n = 0; n <= 33; n++) /* exact powers stay exact */
        assert_true(sk_pow(3.0, n) == sk_powi(3.0, n));
    assert_true(sk_pow(2.0, -1074.0) == 0x1p-1074 && sk_pow(0.25, -0.5) == 2 && sk_pow(2.0, 1024.0) == INFINITY);
}

static void test_pow_edges(void **state)
{
    (void)state;
    const double xs[] = {0.0,     0x1p-1074, 0.5, 1.0 - DBL_EPSILON / 2, 1.0, 1.0 + DBL_EPSILON, 2.0,
                         DBL_MAX, INFINITY,  NAN};
    const double ys[] = {-INFINITY, -DBL_MAX, -1e20,  -0x1p64, -1.0,    -1e-300,  -0.0, 0.0,
                         1e-300,    1.0,      0x1p64, 1e20,    DBL_MAX, INFINITY, NAN};
    for (size_t i = 0; i < sizeof xs / sizeof *xs; i++)
        for (size_t j = 0; j < sizeof ys / sizeof *ys; j++) {
            double got = sk_pow(xs[i], ys[j]), expected = pow(xs[i], ys[j]);
            if (!(got == expected || (isnan(got) && isnan(expected))))
                fail_msg("pow(%g, %g) = %g, C gives %g", xs[i], ys[j], got, expected);
        }
    assert_true(isnan(sk_pow(-2.0, 0.5)));
}

static void test_powi(void **state)
{
    (void)state;
    assert_true(sk_powi(7.0, 0) == 1 && sk_powi(0.0, 0) == 1 && sk_powi(NAN, 0) == 1);
    double product = 1;
    for (int n = 0; n <= 22; n++, product *= -5.0) /* 5^22 < 2^53: exact */
        assert_true(sk_powi(-5.0, n) == product);
    for (int n = 1; n < 60; n++)
        check_near(sk_powi(1.1, n), (double)powl(1.1, n), 0, n * DBL_EPSILON);
    assert_true(sk_powi(2.0, 1023) == 0x1p1023 && sk_powi(2.0, 1024) == INFINITY);
}

static void test_round(void **state)
{
    (void)state;
    assert_true(sk_round(0.5) == 0 && sk_round(1.5) == 2 && sk_round(-2.5) == -2 && sk_round(-2.51) == -3);
    assert_true(sk_round(0x1p62) == (int64_t)1 << 62);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp),   cmocka_unit_test(test_log),         cmocka_unit_test(test_sincos),
        cmocka_unit_test(test_atan2), cmocka_unit_test(test_atan2_edges), cmocka_unit_test(test_erf),
        cmocka_unit_test(test_cbrt),  cmocka_unit_test(test_pow),         cmocka_unit_test(test_pow_edges),
        cmocka_unit_test(test_powi),  cmocka_unit_test(test_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
