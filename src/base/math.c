#include "base/math.h"

#include <string.h>

#include "base/status.h"

/* Every function reduces its argument exactly or in double-double and leaves only a small term to plain
 * double, so that the last addition makes nearly all of the error. Coefficients are Taylor or
 * continued-fraction terms; the split constants were computed with mpmath at 400 bits. */

struct dd {
    double hi, lo; /* hi + lo, |lo| <= ulp(hi) / 2 */
};

#define INV_LN2 0x1.71547652b82fep+0
#define LN2_A   0x1.62e42fefa2p-1 /* 40 bits: times an exponent it is exact */
#define LN2_B   0x1.9ef35793c7673p-41
static const struct dd two_over_sqrt_pi = {0x1.20dd750429b6dp+0, 0x1.1ae3a914fed8p-56};
static const struct dd one_over_sqrt_pi = {0x1.20dd750429b6dp-1, 0x1.1ae3a914fed8p-57};

static inline uint64_t bits_of(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline double double_of(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* Nearest integer of |x| < 2^51 without a library call. */
static inline double nearest(double x)
{
    return (x + 0x1.8p52) - 0x1.8p52;
}

static inline struct dd two_sum(double a, double b)
{
    double s = a + b, t = s - a;
    return (struct dd){s, (a - (s - t)) + (b - t)};
}

/* Needs |a| >= |b| or a = 0. */
static inline struct dd fast_two_sum(double a, double b)
{
    double s = a + b;
    return (struct dd){s, b - (s - a)};
}

/* Exact product by Dekker's splitting: no fma, for a machine without one would call the library. */
static inline struct dd two_prod(double a, double b)
{
    double p = a * b;
    double ta = 134217729.0 * a, tb = 134217729.0 * b;
    double ah = ta - (ta - a), bh = tb - (tb - b), al = a - ah, bl = b - bh;
    return (struct dd){p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}

static struct dd dd_add(struct dd a, struct dd b)
{
    struct dd s = two_sum(a.hi, b.hi), t = two_sum(a.lo, b.lo);
    s = fast_two_sum(s.hi, s.lo + t.hi);
    return fast_two_sum(s.hi, s.lo + t.lo);
}

static struct dd dd_mul(struct dd a, struct dd b)
{
    struct dd p = two_prod(a.hi, b.hi);
    return fast_two_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

static struct dd dd_scale(struct dd a, double b)
{
    struct dd p = two_prod(a.hi, b);
    return fast_two_sum(p.hi, p.lo + a.lo * b);
}

static struct dd dd_div(struct dd a, struct dd b)
{
    double q = a.hi / b.hi;
    struct dd p = dd_scale(b, q);
    double r = ((a.hi - p.hi) + (a.lo - p.lo)) / b.hi;
    return fast_two_sum(q, r);
}

/* x 2^k for |k| < 2044, rounded at most once when the result is subnormal. */
static double scale_by_power(double x, int k)
{
    int first = k / 2, second = k - first;
    return x * double_of((uint64_t)(1023 + first) << 52) * double_of((uint64_t)(1023 + second) << 52);
}

/* exp(hi + lo) = result 2^exponent with relative error below 2^-55; |hi| < 760. */
static inline struct dd exp_reduced(double hi, double lo, int *exponent)
{
    double k = nearest(hi * INV_LN2);
    struct dd r = two_sum(hi - k * LN2_A, -(k * LN2_B));
    r = two_sum(r.hi, r.lo + lo);
    double t = r.hi, z = t * t, zz = z * z;
    double even = (1.0 / 2 + z * (1.0 / 24)) +
                  zz * ((1.0 / 720 + z * (1.0 / 40320)) +
                        zz * ((1.0 / 3628800 + z * (1.0 / 479001600)) + zz * (1.0 / 87178291200)));
    double odd = (1.0 / 6 + z * (1.0 / 120)) +
                 zz * ((1.0 / 5040 + z * (1.0 / 362880)) + zz * (1.0 / 39916800 + z * (1.0 / 6227020800)));
    struct dd s = fast_two_sum(1.0, t);
    *exponent = (int)k;
    return fast_two_sum(s.hi, s.lo + ((r.lo + r.lo * t) + z * (even + t * odd)));
}

double sk_exp(double x)
{
    if (!(x < 710.0))
        return x + __builtin_inf(); /* overflow, or NaN */
    if (x < -745.2)
        return 0.0;
    int k;
    struct dd m = exp_reduced(x, 0.0, &k);
    return scale_by_power(m.hi, k);
}

/* x = 2^exponent (1 + f), 1 + f in [sqrt(1/2), sqrt(2)), f exact; x positive and finite. */
static inline double log_reduced(double x, double *exponent)
{
    double bias = 0.0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        bias = 54.0;
    }
    int64_t i = (int64_t)(bits_of(x) - bits_of(0x1.6a09e667f3bcdp-1));
    int64_t k = i >> 52;
    *exponent = (double)k - bias;
    return double_of(bits_of(x) - ((uint64_t)k << 52)) - 1.0;
}

/* s = f / (2 + f): log(1 + f) = 2 atanh(s). Relative error about 2^-100. */
static inline struct dd atanh_argument(double f)
{
    double d = 2.0 + f, d_lo = f - (d - 2.0);
    double inverse = 1.0 / d, s = f * inverse;
    struct dd p = two_prod(s, d);
    return (struct dd){s, (((f - p.hi) - p.lo) - s * d_lo) * inverse};
}

/* atanh(s)/s = 1 + z/3 + z^2/5 + ...; these are the sums from z/3 (over z) and from z^3/7 (over z^3); z <= 0.0295. */
static inline double atanh_tail_3(double z)
{
    double zz = z * z, z4 = zz * zz;
    return ((1.0 / 3 + z * (1.0 / 5)) + zz * (1.0 / 7 + z * (1.0 / 9))) +
           z4 * (((1.0 / 11 + z * (1.0 / 13)) + zz * (1.0 / 15 + z * (1.0 / 17))) +
                 z4 * ((1.0 / 19 + z * (1.0 / 21)) + zz * (1.0 / 23)));
}

static double atanh_tail_7(double z)
{
    double sum = 0.0;
    for (int n = 25; n >= 7; n -= 2)
        sum = sum * z + 1.0 / n;
    return sum;
}

/* What log gives where the reduction does not apply. */
static inline double log_edge(double x)
{
    if (x == 0.0)
        return -__builtin_inf();
    return x > 0.0 || x != x ? x + x : __builtin_nan("");
}

double sk_log(double x)
{
    if (!(x > 0.0 && x <= 0x1.fffffffffffffp+1023))
        return log_edge(x);
    double k, f = log_reduced(x, &k);
    struct dd s = atanh_argument(f);
    double z = s.hi * s.hi, twice = 2.0 * s.hi;
    struct dd sum = two_sum(k * LN2_A, twice);
    return sum.hi + (sum.lo + (k * LN2_B + (2.0 * s.lo + twice * z * atanh_tail_3(z))));
}

/* log(x) to about 2^-68 of its size, for pow. */
static struct dd log_dd(double x)
{
    static const struct dd third = {0x1.5555555555555p-2, 0x1.5555555555555p-56};
    static const struct dd fifth = {0x1.999999999999ap-3, -0x1.999999999999ap-57};
    double k, f = log_reduced(x, &k);
    struct dd s = atanh_argument(f);
    s = fast_two_sum(s.hi, s.lo);
    struct dd z = dd_mul(s, s);
    struct dd tail = dd_add(fifth, (struct dd){z.hi * atanh_tail_7(z.hi), 0.0});
    tail = dd_add(third, dd_mul(z, tail));
    struct dd twice = {2.0 * s.hi, 2.0 * s.lo};
    struct dd small = dd_add(twice, dd_mul(twice, dd_mul(z, tail)));
    struct dd large = dd_add((struct dd){k * LN2_A, 0.0}, two_prod(k, LN2_B));
    return dd_add(large, small);
}

/* C's answers for x >= 0 or NaN, y any; false: none of them applies. */
static int pow_edge(double x, double y, double *result)
{
    double infinity = __builtin_inf();
    if (y == 0.0 || x == 1.0)
        *result = 1.0;
    else if (x != x || y != y || x < 0.0)
        *result = x < 0.0 ? __builtin_nan("") : x + y;
    else if (x == 0.0 || x == infinity)
        *result = (x == 0.0) == (y > 0.0) ? 0.0 : infinity;
    else if (y >= 0x1p64 || y <= -0x1p64) /* |y log x| > 2^10 for every x but 1 */
        *result = (x > 1.0) == (y > 0.0) ? infinity : 0.0;
    else if (y <= 0x1p-70 && y >= -0x1p-70) /* |y log x| < 2^-60 */
        *result = 1.0;
    else
        return 0;
    return 1;
}

double sk_pow(double x, double y)
{
    double edge;
    if (pow_edge(x, y, &edge))
        return edge;
    struct dd power = dd_scale(log_dd(x), y);
    if (power.hi > 710.0)
        return __builtin_inf();
    if (power.hi < -746.0)
        return 0.0;
    int k;
    struct dd m = exp_reduced(power.hi, power.lo, &k);
    return scale_by_power(m.hi, k);
}

double sk_powi(double x, int n)
{
    SK_REQUIRE(n >= 0);
    double result = 1.0;
    for (;;) {
        if (n & 1)
            result *= x;
        n >>= 1;
        if (!n)
            return result;
        x *= x;
    }
}

/* sin and cos of r.hi + r.lo, |r.hi| <= pi/4 and a little. */
static inline void sincos_reduced(struct dd r, double *s, double *c)
{
    double h = r.hi;
    struct dd square = two_prod(h, h);
    double z = square.hi, zz = z * z, z4 = zz * zz;
    double sine = ((-1.0 / 6 + z * (1.0 / 120)) + zz * (-1.0 / 5040 + z * (1.0 / 362880))) +
                  z4 * ((-1.0 / 39916800 + z * (1.0 / 6227020800)) +
                        zz * (-1.0 / 1307674368000 + z * (1.0 / 355687428096000)));
    double cosine = ((1.0 / 24 + z * (-1.0 / 720)) + zz * (1.0 / 40320 + z * (-1.0 / 3628800))) +
                    z4 * ((1.0 / 479001600 + z * (-1.0 / 87178291200)) +
                          zz * (1.0 / 20922789888000 + z * (-1.0 / 6402373705728000)));
    *s = h + (h * z * sine + (r.lo - 0.5 * (z * r.lo)));
    struct dd w = fast_two_sum(1.0, -0.5 * z);
    *c = w.hi + (w.lo + (zz * cosine - (0.5 * square.lo + h * r.lo)));
}

void sk_sincos(double x, double *s, double *c)
{
    if (!(x >= -1e5 && x <= 1e5)) {
        *s = *c = __builtin_nan("");
        return;
    }
    /* pi/2 in parts of 33 bits: times |n| < 2^17 the first three are exact, and so are the differences. */
    double n = nearest(x * 0x1.45f306dc9c883p-1);
    struct dd a = two_sum(x - n * 0x1.921fb544p+0, -(n * 0x1.0b4611a6p-34));
    struct dd b = two_sum(a.hi, -(n * 0x1.3198a2ep-69));
    struct dd r = fast_two_sum(b.hi, (a.lo + b.lo) - n * 0x1.b839a252049c1p-104);
    double sine, cosine;
    sincos_reduced(r, &sine, &cosine);
    if (x == 0.0)
        sine = x; /* keeps the sign of -0 */
    int quadrant = (int)n & 3;
    double first = quadrant & 1 ? cosine : sine, second = quadrant & 1 ? sine : cosine;
    *s = quadrant & 2 ? -first : first;
    *c = (quadrant + 1) & 2 ? -second : second;
}

/* atan(k / 8) */
static const struct dd atan_eighths[9] = {
    {0.0, 0.0},
    {0x1.fd5ba9aac2f6ep-4, -0x1.cd37686760c17p-59},
    {0x1.f5b75f92c80ddp-3, 0x1.8ab6e3cf7afbdp-57},
    {0x1.6f61941e4def1p-2, -0x1.c63aae6f6e918p-56},
    {0x1.dac670561bb4fp-2, 0x1.a2b7f222f65e2p-56},
    {0x1.1e00babdefeb4p-1, -0x1.928df287a668fp-58},
    {0x1.4978fa3269ee1p-1, 0x1.2419a87f2a458p-56},
    {0x1.700a7c5784634p-1, -0x1.8c34d25aadef6p-56},
    {0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55},
};
static const struct dd half_turns[3] = {
    {0.0, 0.0}, {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54}, {0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53}};

/* base + sign atan(low / high), 0 <= low <= high, neither near the ends of the exponents. With c = k / 8 next to
 * low / high: atan(low / high) = atan(c) + atan(t), t = (low - c high) / (high + c low), |t| <= 1/16. */
static inline double atan_reduced(double low, double high, double sign, struct dd base)
{
    double k = nearest(low / high * 8.0), c = 0.125 * k;
    double split = 134217729.0 * high, top = split - (split - high); /* c has 4 bits: c times a part is exact */
    struct dd num = two_sum(low, -(c * top));
    num = two_sum(num.hi, num.lo - c * (high - top));
    struct dd den = fast_two_sum(high, c * low);
    double inverse = 1.0 / den.hi, t = num.hi * inverse;
    struct dd p = two_prod(t, den.hi);
    double t_lo = (((num.hi - p.hi) - p.lo) + (num.lo - t * den.lo)) * inverse;
    double z = t * t, zz = z * z;
    double tail = ((-1.0 / 3 + z * (1.0 / 5)) + zz * (-1.0 / 7 + z * (1.0 / 9))) +
                  zz * zz * (-1.0 / 11 + z * (1.0 / 13));
    struct dd a = atan_eighths[(int)k];
    struct dd s = fast_two_sum(base.hi, sign * a.hi);
    struct dd sum = fast_two_sum(s.hi, sign * t);
    return sum.hi + (sum.lo + (s.lo + (base.lo + sign * (a.lo + (t_lo + t * z * tail)))));
}

/* 0 <= low <= high where the plain way does not apply: zero, infinite or far apart. */
static double atan_edge(double low, double high, double sign, struct dd base)
{
    if (high > 0x1.fffffffffffffp+1023) { /* infinite: the angle is as that of 0 / 1 or 1 / 1 */
        low = low == high ? 1.0 : 0.0;
        high = 1.0;
    }
    if (high < 0x1p-500) { /* exact, and more than enough for any ratio that is not itself tiny */
        low *= 0x1p600;
        high *= 0x1p600;
    }
    if (low == 0.0)
        return base.hi;
    if (low > high * 0x1p-60) {
        double down = high > 0x1p400 ? 0x1p-600 : 1.0;
        return atan_reduced(low * down, high * down, sign, base);
    }
    return base.hi == 0.0 ? low / high : base.hi + (base.lo + sign * (low / high));
}

double sk_atan2(double y, double x)
{
    if (x != x || y != y)
        return x + y;
    double ax = __builtin_fabs(x), ay = __builtin_fabs(y);
    int is_steep = ay > ax, is_left = __builtin_signbit(x) != 0;
    double low = is_steep ? ax : ay, high = is_steep ? ay : ax, sign = is_steep != is_left ? -1.0 : 1.0;
    struct dd base = half_turns[is_steep ? 1 : 2 * is_left];
    int is_plain = (low > 0x1p-400) & (high < 0x1p500);
    double angle = is_plain ? atan_reduced(low, high, sign, base) : atan_edge(low, high, sign, base);
    return __builtin_copysign(angle, y);
}

double sk_cbrt(double x)
{
    if (x == 0.0 || !(x - x == 0.0))
        return x + x;
    double m = __builtin_fabs(x);
    int k = 0;
    if (m < 0x1p-1022) {
        m *= 0x1p54;
        k = -54;
    }
    int exponent = (int)(bits_of(m) >> 52) - 1023;
    int third = (exponent + 3000) / 3 - 1000;
    m = double_of(bits_of(m) - ((uint64_t)(3 * (int64_t)third) << 52)); /* in [1, 8) */
    double y = 0.78 + m * (0.28 - m * 0.0165);                          /* within 6 % */
    for (int i = 0; i < 3; i++) {                                       /* Halley: error cubed each time */
        double cube = y * y * y;
        y = y * (cube + 2.0 * m) / (2.0 * cube + m);
    }
    struct dd square = two_prod(y, y), cube = two_prod(square.hi, y);
    y += (((m - cube.hi) - cube.lo) - square.lo * y) / (3.0 * square.hi);
    return __builtin_copysign(scale_by_power(y, third + k / 3), x);
}

/* erf(x) for |x| < 2 by its Maclaurin series in double-double: the terms cancel at most 4 bits. */
static struct dd erf_series(double x)
{
    struct dd square = two_prod(x, x), term = {x, 0.0}, sum = {x, 0.0};
    for (int n = 1; n < 60 && __builtin_fabs(term.hi) > 0x1p-75 * __builtin_fabs(sum.hi); n++) {
        term = dd_div(dd_mul(term, square), (struct dd){-(double)n, 0.0});
        sum = dd_add(sum, dd_div(term, (struct dd){2.0 * n + 1.0, 0.0}));
    }
    return dd_mul(two_over_sqrt_pi, sum);
}

/* erfc(x) for x >= 2 by its continued fraction; an error deep inside shrinks on its way out, so only the
 * outermost levels need double-double. */
static double erfc_tail(double x)
{
    double t = x;
    for (int j = 10 + (int)(320.0 / (x * x)); j > 4; j--)
        t = x + 0.5 * j / t;
    struct dd fraction = {t, 0.0};
    for (int j = 4; j > 0; j--)
        fraction = dd_add((struct dd){x, 0.0}, dd_div((struct dd){0.5 * j, 0.0}, fraction));
    struct dd square = two_prod(x, x);
    int k;
    struct dd m = exp_reduced(-square.hi, -square.lo, &k);
    m = dd_mul(m, dd_div(one_over_sqrt_pi, fraction));
    return scale_by_power(m.hi, k);
}

double sk_erf(double x)
{
    double size = __builtin_fabs(x);
    if (x != x)
        return x + x;
    if (size < 0x1p-900) /* linear here; scaled so that no partial product is subnormal */
        return x == 0.0 ? x : erf_series(x * 0x1p300).hi * 0x1p-300;
    if (size < 2.0)
        return erf_series(x).hi;
    return __builtin_copysign(size < 6.0 ? 1.0 - erfc_tail(size) : 1.0, x);
}

double sk_erfc(double x)
{
    if (x != x)
        return x + x;
    if (x >= 2.0)
        return x < 27.3 ? erfc_tail(x) : 0.0;
    if (x <= -2.0)
        return x > -6.0 ? 2.0 - erfc_tail(-x) : 2.0;
    if (__builtin_fabs(x) < 0x1p-60)
        return 1.0;
    struct dd s = erf_series(x);
    return dd_add((struct dd){1.0, 0.0}, (struct dd){-s.hi, -s.lo}).hi;
}
