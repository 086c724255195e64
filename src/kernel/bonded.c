#include "kernel/bonded.h"

#include <math.h>

#include "base/math.h"
#include "kernel/bonded.inc.h"

/* g = -slope d / r for a term that depends on r = |d| alone; no force where there is no direction. */
BONDED_INLINE void along(const double d[3], double slope, double r, double g[3])
{
    const double s = r > 0.0 ? -slope / r : 0.0;
    for (int a = 0; a < 3; a++)
        g[a] = s * d[a];
}

BONDED_INLINE double harmonic(double x, double k, double *slope)
{
    *slope = k * x;
    return 0.5 * (k * x) * x;
}

BONDED_INLINE void term_bond_harmonic(BONDED_TERM)
{
    (void)maps;
    const double r = sqrt(dot(d[0], d[0]));
    double slope;
    e[0] = harmonic(r - p[0], p[1], &slope);
    along(d[0], slope, r, g[0]);
}

BONDED_INLINE void term_bond_g96(BONDED_TERM)
{
    (void)maps;
    const double x = dot(d[0], d[0]) - p[0] * p[0], s = p[1] * x;
    e[0] = 0.25 * s * x;
    for (int a = 0; a < 3; a++)
        g[0][a] = -s * d[0][a];
}

BONDED_INLINE void term_bond_morse(BONDED_TERM)
{
    (void)maps;
    const double r = sqrt(dot(d[0], d[0])), decay = sk_exp(-p[2] * (r - p[0])), x = 1.0 - decay;
    e[0] = p[1] * x * x;
    along(d[0], 2.0 * p[1] * p[2] * decay * x, r, g[0]);
}

/* Energy; *s: force over distance. NaN from r = b on. */
BONDED_INLINE double fene(double r2, double b, double k, double *s)
{
    const double b2 = b * b, left = 1.0 - r2 / b2, u = left > 0.0 ? left : __builtin_nan("");
    *s = -k / u;
    return -0.5 * k * b2 * sk_log(u);
}

BONDED_INLINE void term_bond_fene(BONDED_TERM)
{
    (void)maps;
    double s;
    e[0] = fene(dot(d[0], d[0]), p[0], p[1], &s);
    for (int a = 0; a < 3; a++)
        g[0][a] = s * d[0][a];
}

BONDED_INLINE void term_bond_fene_lj(BONDED_TERM)
{
    (void)maps;
    const double r2 = dot(d[0], d[0]), sigma2 = p[3] * p[3];
    double s;
    e[0] = fene(r2, p[0], p[1], &s);
    if (r2 < 0x1.428a2f98d728bp+0 * sigma2) { /* 2^(1/3) */
        const double ratio = sigma2 / r2, six = ratio * ratio * ratio;
        e[0] += 4.0 * p[2] * (six - 1.0) * six + p[2];
        s += 24.0 * p[2] * (2.0 * six - 1.0) * six / r2;
    }
    for (int a = 0; a < 3; a++)
        g[0][a] = s * d[0][a];
}

BONDED_INLINE void term_pair(BONDED_TERM)
{
    (void)maps;
    const double true2 = dot(d[0], d[0]), r2 = true2 < p[3] ? p[3] : true2;
    const double rinv2 = 1.0 / r2, six = rinv2 * rinv2 * rinv2;
    e[0] = (p[1] * six - p[0]) * six;
    e[1] = p[2] * sqrt(rinv2);
    const double lj = (12.0 * p[1] * six - 6.0 * p[0]) * six; /* force times distance */
    double s = (lj + e[1]) * rinv2;
    if (true2 < p[3]) { /* the force stays what it is at the core's surface */
        const double radius = sqrt(r2), r = sqrt(true2), gap = (radius - r) / radius;
        e[0] += lj * gap;
        e[1] += e[1] * gap;
        s *= radius / r;
    }
    for (int a = 0; a < 3; a++)
        g[0][a] = s * d[0][a];
}

/* Harmonic in the angle between d0 and d1. With c = d0 x d1: theta = atan2(|c|, d0 . d1), which is as exact next to 0
 * and pi as elsewhere, dtheta/dd0 = d0 x c / (d0^2 |c|), dtheta/dd1 = c x d1 / (d1^2 |c|). */
BONDED_INLINE double angle(const double d[][3], double theta0, double k, double g[][3])
{
    double c[3], first[3], second[3], slope;
    cross(d[0], d[1], c);
    const double sine2 = dot(c, c), sine = sqrt(sine2);
    const double energy = harmonic(sk_atan2(sine, dot(d[0], d[1])) - theta0, k, &slope);
    const double s = -slope / sine;
    const double s0 = sine2 > 0.0 ? s / dot(d[0], d[0]) : 0.0, s1 = sine2 > 0.0 ? s / dot(d[1], d[1]) : 0.0;
    cross(d[0], c, first);
    cross(c, d[1], second);
    for (int a = 0; a < 3; a++) {
        g[0][a] = s0 * first[a];
        g[1][a] = s1 * second[a];
    }
    return energy;
}

BONDED_INLINE void term_angle_harmonic(BONDED_TERM)
{
    (void)maps;
    e[0] = angle(d, p[0], p[1], g);
}

BONDED_INLINE void term_angle_urey_bradley(BONDED_TERM)
{
    (void)maps;
    const double across[3] = {d[0][0] - d[1][0], d[0][1] - d[1][1], d[0][2] - d[1][2]};
    const double r = sqrt(dot(across, across));
    double slope, h[3];
    e[0] = angle(d, p[0], p[1], g) + harmonic(r - p[2], p[3], &slope);
    along(across, slope, r, h);
    for (int a = 0; a < 3; a++) {
        g[0][a] += h[a];
        g[1][a] -= h[a];
    }
}

/* dcos/dd0 = (d1 / |d1| - cos d0 / |d0|) / |d0| */
BONDED_INLINE void term_angle_g96(BONDED_TERM)
{
    (void)maps;
    const double inverse0 = 1.0 / sqrt(dot(d[0], d[0])), inverse1 = 1.0 / sqrt(dot(d[1], d[1]));
    const double cosine = dot(d[0], d[1]) * (inverse0 * inverse1);
    double slope;
    e[0] = harmonic(cosine - p[0], p[1], &slope);
    for (int a = 0; a < 3; a++) {
        const double u0 = d[0][a] * inverse0, u1 = d[1][a] * inverse1;
        g[0][a] = -slope * inverse0 * (u1 - cosine * u0);
        g[1][a] = -slope * inverse1 * (u0 - cosine * u1);
    }
}

BONDED_INLINE void term_position(BONDED_TERM)
{
    (void)maps;
    for (int a = 0; a < 3; a++)
        g[0][a] = -p[a] * d[0][a];
    e[0] = -0.5 * dot(g[0], d[0]);
}

BONDED_KERNEL(bond_harmonic, 1, 2, 1)
BONDED_KERNEL(bond_g96, 1, 2, 1)
BONDED_KERNEL(bond_morse, 1, 3, 1)
BONDED_KERNEL(bond_fene, 1, 2, 1)
BONDED_KERNEL(bond_fene_lj, 1, 4, 1)
BONDED_KERNEL(pair, 1, 4, 2)
BONDED_KERNEL(angle_harmonic, 2, 2, 1)
BONDED_KERNEL(angle_g96, 2, 2, 1)
BONDED_KERNEL(angle_urey_bradley, 2, 4, 1)
BONDED_KERNEL(position, 1, 3, 1)

void sk_bonded_prepare_g96(double theta0, double k, double p[2])
{
    double sine;
    sk_sincos(theta0, &sine, &p[0]);
    p[1] = k;
}

/* Nearest integer of |x| <= SK_BONDED_LARGEST: one instruction, by the rounding mode, which is to nearest. */
BONDED_INLINE int64_t rounded_of(double x, int *is_bad)
{
    const int is_good = fabs(x) <= SK_BONDED_LARGEST;
    *is_bad |= !is_good;
    return __builtin_llrint(is_good ? x : 0.0);
}

int sk_bonded_round(const struct sk_bonded_block *block, int natoms, double scale,
                    int64_t rounded[][3][SK_BONDED_BLOCK])
{
    int bad[SK_BONDED_BLOCK] = {0}, first = -1;
    const int components = 3 * sk_bonded_vectors(natoms);
    for (int c = 0; c < components; c++)
        for (int l = 0; l < block->n; l++)
            rounded[c / 3][c % 3][l] = rounded_of(block->g[c / 3][c % 3][l] * scale, &bad[l]);
    for (int l = block->n - 1; l >= 0; l--) {
        first = bad[l] ? l : first;
        for (int c = 0; bad[l] && c < components; c++)
            rounded[c / 3][c % 3][l] = 0;
    }
    return first;
}

void sk_bonded_scatter(int n, int natoms, int64_t rounded[][3][SK_BONDED_BLOCK], const int32_t (*atom)[SK_BONDED_BLOCK],
                       int64_t (*f)[3])
{
    for (int v = 0; v < sk_bonded_vectors(natoms); v++)
        for (int l = 0; l < n; l++) {
            int64_t *head = f[atom[sk_bonded_head(v)][l]];
            int64_t *tail = natoms > 1 ? f[atom[sk_bonded_tail(v)][l]] : 0;
            for (int a = 0; a < 3; a++) {
                const uint64_t value = (uint64_t)rounded[v][a][l];
                head[a] = (int64_t)((uint64_t)head[a] + value);
                if (tail)
                    tail[a] = (int64_t)((uint64_t)tail[a] - value);
            }
        }
}

int sk_bonded_sum(const struct sk_bonded_block *block, int natoms, int parts, double scale, int64_t energy[2],
                  int64_t virial[3])
{
    int first = -1;
    for (int l = 0; l < block->n; l++) {
        int64_t value[5] = {0};
        int bad = 0;
        for (int i = 0; i < parts; i++)
            value[i] = rounded_of(block->energy[i][l] * scale, &bad);
        for (int a = 0; a < 3; a++) {
            double sum = 0.0;
            for (int v = 0; v < sk_bonded_vectors(natoms); v++)
                sum += block->d[v][a][l] * block->g[v][a][l];
            value[2 + a] = rounded_of(-0.5 * sum * scale, &bad);
        }
        first = bad && first < 0 ? l : first;
        for (int i = 0; !bad && i < 5; i++) {
            int64_t *sum = i < 2 ? &energy[i] : &virial[i - 2];
            *sum = (int64_t)((uint64_t)*sum + (uint64_t)value[i]);
        }
    }
    return first;
}
