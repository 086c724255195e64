/* Math: elementary functions whose results feed the state. The C library's versions pick code by
 * processor and are not correctly rounded; these use IEEE double add, multiply, divide, sqrt only
 * (no fma, no contraction), so their bits are the same on every machine. Error below 1 ulp on the
 * stated range is tested against long double. Edge cases (0, inf, NaN, overflow) as in C. */
#ifndef SK_BASE_MATH_H
#define SK_BASE_MATH_H

#include <stdint.h>

double sk_exp(double x);
double sk_log(double x);
void sk_sincos(double x, double *s, double *c); /* |x| <= 1e5; NaN beyond */
double sk_atan2(double y, double x);            /* angle of (x, y) in [-pi, pi] */
double sk_erf(double x);
double sk_erfc(double x);
double sk_cbrt(double x);
double sk_pow(double x, double y); /* x >= 0 (NaN below, -0 as 0); exp(y log x) with log in double-double */
/* Integer power by squaring, n >= 0; rounded at each product, so error grows with n. */
double sk_powi(double x, int n);

/* Nearest integer, ties to even, of a double below 2^63 in magnitude. */
static inline int64_t sk_round(double x)
{
    return (int64_t)__builtin_rint(x);
}

#endif
