/* Second implementation of the bonded energies, in long double from positions, written by other formulas: angles by
 * half-angle differences of unit vectors, dihedrals by projection onto the plane across the axis, maps as a spline of
 * splines. Forces are its five-point differences. */
#ifndef SK_TESTS_BONDED_REFERENCE_H
#define SK_TESTS_BONDED_REFERENCE_H

#include <math.h>
#include <string.h>

typedef long double real;
typedef real reference(real x[][3], const double *p);

#define REFERENCE_PI 3.14159265358979323846264338327950288L
#define MAP_NODES    24

static inline void minus(const real a[3], const real b[3], real c[3])
{
    for (int k = 0; k < 3; k++)
        c[k] = a[k] - b[k];
}

static inline real inner(const real a[3], const real b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static inline real distance(const real a[3], const real b[3])
{
    real d[3];
    minus(a, b, d);
    return sqrtl(inner(d, d));
}

static inline real reference_angle(const real a[3], const real b[3], const real c[3])
{
    real u[3], v[3], sum[3], difference[3];
    minus(a, b, u);
    minus(c, b, v);
    const real nu = sqrtl(inner(u, u)), nv = sqrtl(inner(v, v));
    for (int k = 0; k < 3; k++) {
        sum[k] = u[k] / nu + v[k] / nv;
        difference[k] = u[k] / nu - v[k] / nv;
    }
    return 2 * atan2l(sqrtl(inner(difference, difference)), sqrtl(inner(sum, sum)));
}

static inline real reference_dihedral(const real a[3], const real b[3], const real c[3], const real d[3])
{
    real axis[3], u[3], v[3];
    minus(c, b, axis);
    const real length = sqrtl(inner(axis, axis));
    minus(a, b, u);
    minus(d, c, v);
    const real pu = inner(u, axis) / length, pv = inner(v, axis) / length;
    for (int k = 0; k < 3; k++) {
        axis[k] /= length;
        u[k] -= pu * axis[k];
        v[k] -= pv * axis[k];
    }
    const real w[3] = {axis[1] * u[2] - axis[2] * u[1], axis[2] * u[0] - axis[0] * u[2],
                       axis[0] * u[1] - axis[1] * u[0]};
    return atan2l(inner(w, v), inner(u, v));
}

static inline real e_bond_harmonic(real x[][3], const double *p)
{
    return p[1] * powl(distance(x[0], x[1]) - p[0], 2) / 2;
}

static inline real e_bond_g96(real x[][3], const double *p)
{
    const real r = distance(x[0], x[1]);
    return p[1] * powl((r - p[0]) * (r + p[0]), 2) / 4;
}

static inline real e_bond_morse(real x[][3], const double *p)
{
    return p[1] * powl(expm1l(-p[2] * (distance(x[0], x[1]) - p[0])), 2);
}

static inline real e_bond_fene(real x[][3], const double *p)
{
    return -p[1] * (real)p[0] * p[0] * log1pl(-powl(distance(x[0], x[1]) / p[0], 2)) / 2;
}

static inline real e_bond_fene_lj(real x[][3], const double *p)
{
    const real r = distance(x[0], x[1]), s = p[3];
    const real lj = r < powl(2, 1 / 6.0L) * s ? 4 * p[2] * (powl(s / r, 12) - powl(s / r, 6)) + p[2] : 0;
    return e_bond_fene(x, p) + lj;
}

static inline real e_pair(real x[][3], const double *p)
{
    const real r = distance(x[0], x[1]);
    return p[1] / powl(r, 12) - p[0] / powl(r, 6) + p[2] / r;
}

/* Within the core, of squared radius p[3], the tangent to the curve at its surface. */
static inline real e_pair_core(real x[][3], const double *p)
{
    const real r = distance(x[0], x[1]), c = sqrtl(p[3]);
    if (r >= c)
        return e_pair(x, p);
    const real slope = -12 * p[1] / powl(c, 13) + 6 * p[0] / powl(c, 7) - p[2] / (c * c);
    return p[1] / powl(c, 12) - p[0] / powl(c, 6) + p[2] / c + slope * (r - c);
}

static inline real e_angle_harmonic(real x[][3], const double *p)
{
    return p[1] * powl(reference_angle(x[0], x[1], x[2]) - p[0], 2) / 2;
}

static inline real e_angle_g96(real x[][3], const double *p)
{
    return p[1] * powl(cosl(reference_angle(x[0], x[1], x[2])) - cosl(p[0]), 2) / 2;
}

static inline real e_angle_urey_bradley(real x[][3], const double *p)
{
    return e_angle_harmonic(x, p) + p[3] * powl(distance(x[0], x[2]) - p[2], 2) / 2;
}

static inline real e_dihedral_periodic(real x[][3], const double *p)
{
    return p[1] * (1 + cosl(p[2] * reference_dihedral(x[0], x[1], x[2], x[3]) - p[0]));
}

static inline real e_dihedral_ryckaert(real x[][3], const double *p)
{
    const real c = cosl(reference_dihedral(x[0], x[1], x[2], x[3]) - REFERENCE_PI);
    real sum = 0;
    for (int n = 0; n < 6; n++)
        sum += p[n] * powl(c, n);
    return sum;
}

static inline real e_improper_harmonic(real x[][3], const double *p)
{
    real turn = reference_dihedral(x[0], x[1], x[2], x[3]) - p[0];
    turn -= 2 * REFERENCE_PI * floorl(turn / (2 * REFERENCE_PI) + 0.5L);
    return p[1] * turn * turn / 2;
}

static inline real e_position(real x[][3], const double *p)
{
    real sum = 0;
    for (int k = 0; k < 3; k++)
        sum += p[k] * x[0][k] * x[0][k] / 2;
    return sum;
}

/* Smooth but not symmetric, in kJ/mol. */
static inline void reference_map(double energy[MAP_NODES * MAP_NODES])
{
    for (int i = 0; i < MAP_NODES; i++)
        for (int j = 0; j < MAP_NODES; j++)
            energy[i * MAP_NODES + j] = (i * 37 + j * 91 + i * j * 13) % 29 - 11.5 + 0.25 * ((i * i + 3 * j) % 7);
}

/* Value at t (in nodes) of the periodic cubic spline through f[0 .. n), its curvatures found by Gauss-Seidel. */
static inline real spline(const real *f, int n, real t)
{
    real m[MAP_NODES] = {0};
    for (int sweep = 0; sweep < 60; sweep++)
        for (int i = 0; i < n; i++) {
            const int before = (i + n - 1) % n, after = (i + 1) % n;
            m[i] = (6 * (f[after] - 2 * f[i] + f[before]) - m[before] - m[after]) / 4;
        }
    const int i = (int)floorl(t) % n, j = (i + 1) % n;
    const real b = t - floorl(t), a = 1 - b;
    return a * f[i] + b * f[j] + ((a * a * a - a) * m[i] + (b * b * b - b) * m[j]) / 6;
}

static inline real reference_map_energy(real phi, real psi)
{
    double energy[MAP_NODES * MAP_NODES];
    const real per_angle = MAP_NODES / (2 * REFERENCE_PI);
    reference_map(energy);
    real line[MAP_NODES];
    for (int i = 0; i < MAP_NODES; i++) {
        real row[MAP_NODES];
        for (int j = 0; j < MAP_NODES; j++)
            row[j] = energy[i * MAP_NODES + j];
        line[i] = spline(row, MAP_NODES, (psi + REFERENCE_PI) * per_angle);
    }
    return spline(line, MAP_NODES, (phi + REFERENCE_PI) * per_angle);
}

static inline real e_cmap(real x[][3], const double *p)
{
    (void)p;
    return reference_map_energy(reference_dihedral(x[0], x[1], x[2], x[3]), reference_dihedral(x[1], x[2], x[3], x[4]));
}

/* f = -dE/dx: five-point differences, error about h^4. */
static inline void reference_forces(reference *energy, int natoms, real x[][3], const double *p, real f[][3])
{
    const real h = 0x1p-18L;
    for (int i = 0; i < natoms; i++)
        for (int k = 0; k < 3; k++) {
            const real at = x[i][k];
            real e[4];
            for (int s = 0; s < 4; s++) {
                x[i][k] = at + h * (s < 2 ? s - 2 : s - 1);
                e[s] = energy(x, p);
            }
            x[i][k] = at;
            f[i][k] = -(8 * (e[2] - e[1]) - (e[3] - e[0])) / (12 * h);
        }
}

#endif
