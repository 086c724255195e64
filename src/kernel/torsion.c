/* Terms of four and five atoms; declared in bonded.h. */
#include "kernel/bonded.h"

#include <math.h>

#include "base/math.h"
#include "kernel/bonded.inc.h"

#define PI 0x1.921fb54442d18p+1

/* The dihedral of ij, kj, kl, with m = ij x kj, n = kj x kl: x = m . n and y = |kj| (ij . n) are |m| |n| times its
 * cosine and sine. */
struct dihedral {
    double m[3], n[3], axis2, axis, x, y;
    double along_i, along_l; /* ij . kj and kl . kj over kj^2 */
};

BONDED_INLINE struct dihedral dihedral_of(const double ij[3], const double kj[3], const double kl[3])
{
    struct dihedral h;
    cross(ij, kj, h.m);
    cross(kj, kl, h.n);
    h.axis2 = dot(kj, kj);
    h.axis = sqrt(h.axis2);
    h.x = dot(h.m, h.n) + 0.0;                          /* never -0, for an undefined dihedral counts as cis */
    h.y = 0.5 * h.axis * (dot(ij, h.n) + dot(kl, h.m)); /* twice the same number: backwards it has the same bits */
    const double inverse = 1.0 / h.axis2;
    h.along_i = dot(ij, kj) * inverse;
    h.along_l = dot(kl, kj) * inverse;
    return h;
}

/* Cosine and sine; those of cis where the dihedral is undefined. */
BONDED_INLINE void dihedral_direction(const struct dihedral *h, double *cosine, double *sine)
{
    const double size2 = h->x * h->x + h->y * h->y, inverse = size2 > 0.0 ? 1.0 / sqrt(size2) : 0.0;
    *cosine = size2 > 0.0 ? h->x * inverse : 1.0;
    *sine = h->y * inverse;
}

/* g of the three vectors from dE/dphi (Blondel and Karplus, J. Comput. Chem. 17, 1132 (1996)). Where three atoms are in
 * line to 6e-8 the direction of the force is lost and its size without bound: none. */
BONDED_INLINE void dihedral_forces(const struct dihedral *h, double slope, double g[][3])
{
    const double m2 = dot(h->m, h->m), n2 = dot(h->n, h->n), least = h->axis2 * h->axis2 * 0x1p-48;
    const int is_defined = (m2 > least) & (n2 > least);
    const double s = is_defined ? -slope * h->axis : 0.0;
    const double si = is_defined ? s / m2 : 0.0, sl = is_defined ? s / n2 : 0.0;
    for (int a = 0; a < 3; a++) {
        g[0][a] = si * h->m[a];
        g[2][a] = sl * h->n[a];
        g[1][a] = is_defined ? -(h->along_i * g[0][a] + h->along_l * g[2][a]) : 0.0;
    }
}

/* (c + i s)^n by squaring; bits of n are factors 1 or z, without a branch for the n that occur. */
BONDED_INLINE void turn(double c, double s, int n, double *cosine, double *sine)
{
    double re = 1.0, im = 0.0;
    for (int i = 0; i < 3 || n > 0; i++) {
        const double bit = n & 1, factor = (1.0 - bit) + bit * c, side = bit * s, next = re * factor - im * side;
        im = re * side + im * factor;
        re = next;
        const double square = c * c - s * s;
        s = 2.0 * c * s;
        c = square;
        n >>= 1;
    }
    *cosine = re;
    *sine = im;
}

/* p: k, k cos phi0, k sin phi0, n; no angle is ever taken. */
BONDED_INLINE void term_dihedral_periodic(BONDED_TERM)
{
    (void)maps;
    const struct dihedral h = dihedral_of(d[0], d[1], d[2]);
    double c, s, cn, sn;
    dihedral_direction(&h, &c, &s);
    turn(c, s, (int)p[3], &cn, &sn);
    e[0] = p[0] + (p[1] * cn + p[2] * sn);
    dihedral_forces(&h, p[3] * (p[2] * cn - p[1] * sn), g);
}

BONDED_INLINE void term_dihedral_ryckaert(BONDED_TERM)
{
    (void)maps;
    const struct dihedral h = dihedral_of(d[0], d[1], d[2]);
    double c, s;
    dihedral_direction(&h, &c, &s);
    double sum = p[5], slope = 0.0; /* Horner, with the derivative by -cos phi */
    for (int n = 4; n >= 0; n--) {
        slope = sum - c * slope;
        sum = p[n] - c * sum;
    }
    e[0] = sum;
    dihedral_forces(&h, slope * s, g);
}

BONDED_INLINE void term_improper_harmonic(BONDED_TERM)
{
    (void)maps;
    const struct dihedral h = dihedral_of(d[0], d[1], d[2]);
    double x = sk_atan2(h.y, h.x) - p[0];
    x += x >= PI ? -2.0 * PI : x < -PI ? 2.0 * PI : 0.0;
    e[0] = 0.5 * (p[1] * x) * x;
    dihedral_forces(&h, p[1] * x, g);
}

/* Cubic Hermite basis at t in [0, 1]: values and slopes of the nodes 0 and 1. */
struct hermite {
    double value[4], slope[4]; /* of: value at 0, slope at 0, value at 1, slope at 1 */
};

BONDED_INLINE struct hermite hermite_of(double t)
{
    const double u = 1.0 - t;
    return (struct hermite){{(1.0 + 2.0 * t) * u * u, t * u * u, t * t * (3.0 - 2.0 * t), -t * t * u},
                            {-6.0 * t * u, u * (1.0 - 3.0 * t), 6.0 * t * u, t * (3.0 * t - 2.0)}};
}

/* Node before an angle, node after it, and the part of the way. */
BONDED_INLINE double grid_place(double angle, int n, int *node, int *next)
{
    const double x = (angle + PI) * ((double)n / (2.0 * PI));
    int i = x < n ? (int)x : n - 1;
    *node = i;
    *next = i + 1 < n ? i + 1 : 0;
    return x - i;
}

/* Energy and slopes by the angles, of the bicubic patch. */
static double map_energy(const struct sk_bonded_map *map, double phi, double psi, double *by_phi, double *by_psi)
{
    int i[2], j[2];
    const struct hermite t = hermite_of(grid_place(phi, map->n, &i[0], &i[1]));
    const struct hermite u = hermite_of(grid_place(psi, map->n, &j[0], &j[1]));
    double energy = 0.0, by_t = 0.0, by_u = 0.0;
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 2; b++) {
            const double *f = map->node[i[a] * map->n + j[b]], *tv = t.value + 2 * a, *ts = t.slope + 2 * a;
            const double *uv = u.value + 2 * b, *us = u.slope + 2 * b;
            const double plain = uv[0] * f[0] + uv[1] * f[2], tilted = uv[0] * f[1] + uv[1] * f[3];
            energy += tv[0] * plain + tv[1] * tilted;
            by_t += ts[0] * plain + ts[1] * tilted;
            by_u += tv[0] * (us[0] * f[0] + us[1] * f[2]) + tv[1] * (us[0] * f[1] + us[1] * f[3]);
        }
    *by_phi = by_t * ((double)map->n / (2.0 * PI));
    *by_psi = by_u * ((double)map->n / (2.0 * PI));
    return energy;
}

BONDED_INLINE void term_cmap(BONDED_TERM)
{
    double back[3][3], other[3][3], by_phi, by_psi; /* psi goes the other way along d1, d2, d3 */
    for (int a = 0; a < 3; a++)
        for (int v = 0; v < 3; v++)
            back[v][a] = -d[v + 1][a];
    const struct dihedral phi = dihedral_of(d[0], d[1], d[2]), psi = dihedral_of(back[0], back[1], back[2]);
    e[0] = map_energy(&maps[(int)p[0]], sk_atan2(phi.y, phi.x), sk_atan2(psi.y, psi.x), &by_phi, &by_psi);
    dihedral_forces(&phi, by_phi, g);
    dihedral_forces(&psi, by_psi, other);
    for (int a = 0; a < 3; a++) {
        g[1][a] -= other[0][a];
        g[2][a] -= other[1][a];
        g[3][a] = -other[2][a];
    }
}

BONDED_KERNEL(dihedral_periodic, 3, 4, 1)
BONDED_KERNEL(dihedral_ryckaert, 3, 6, 1)
BONDED_KERNEL(improper_harmonic, 3, 2, 1)
BONDED_KERNEL(cmap, 4, 1, 1)

void sk_bonded_prepare_periodic(double phi0, double k, int n, double p[4])
{
    double sine, cosine;
    sk_sincos(n < 0 ? -phi0 : phi0, &sine, &cosine);
    p[0] = k;
    p[1] = k * cosine;
    p[2] = k * sine;
    p[3] = n < 0 ? -n : n;
}

/* Derivative, by the node's number, at node i of the periodic cubic spline through n values, `stride` doubles apart.
 * The slopes s solve s(i-1) + 4 s(i) + s(i+1) = 3 (f(i+1) - f(i-1)), cyclic; the inverse of that matrix is (z^k +
 * z^(n-k)) / ((1 - z^n) 2 sqrt(3)) at distance k < n, z = sqrt(3) - 2. */
static double spline_slope(const double *f, int n, int stride, int i)
{
    const double z = sqrt(3.0) - 2.0, scale = 3.0 / (2.0 * sqrt(3.0) * (1.0 - sk_powi(z, n)));
    double sum = 0.0;
    for (int k = 0; k < n; k++) {
        const double after = f[stride * ((i + k + 1) % n)], before = f[stride * ((i + k + n - 1) % n)];
        sum += (sk_powi(z, k) + sk_powi(z, n - k)) * (after - before);
    }
    return scale * sum;
}

void sk_bonded_prepare_map(int n, const double *energy, double (*node)[4])
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double *f = node[i * n + j];
            f[0] = energy[i * n + j];
            f[1] = spline_slope(energy + j, n, n, i);
            f[2] = spline_slope(energy + i * n, n, 1, j);
        }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            node[i * n + j][3] = spline_slope(&node[i * n][1], n, 4, j);
}
