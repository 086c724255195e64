/* Geometries: molecules with constraints for the tests, one step of their motion, and a reference that solves them.
 * A test owns what it makes (geometry_clear). The reference is SHAKE and RATTLE bond by bond on positions and
 * velocities in long double, and shares nothing with the engine but the equations. */
#ifndef SK_TESTS_GEOMETRIES_H
#define SK_TESTS_GEOMETRIES_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "model/topology.h"

#define GEOMETRY_KT 2.4943387854 /* kJ/mol at 300 K */
#define GEOMETRY_DT 0.002

struct geometry {
    int natoms, nconstraints;
    size_t atom_capacity, mass_capacity, constraint_capacity;
    double (*x)[3];
    double *mass;
    struct sk_constraint *constraints; /* lengths are the distances of x; ascending after geometry_topology */
};

static uint64_t geometry_seed = 2026;

static inline double geometry_uniform(void)
{
    geometry_seed = geometry_seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(geometry_seed >> 11) * 0x1p-53;
}

static inline double geometry_normal(void)
{
    return sqrt(-2.0 * log(1.0 - geometry_uniform())) * cos(6.283185307179586 * geometry_uniform());
}

static inline double geometry_dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static inline void geometry_scale(double a[3], double length)
{
    const double norm = sqrt(geometry_dot(a, a));
    for (int d = 0; d < 3; d++)
        a[d] *= length / norm;
}

static inline int geometry_atom(struct geometry *g, double x, double y, double z, double mass)
{
    sk_reserve(&g->x, &g->atom_capacity, (size_t)g->natoms + 1);
    sk_reserve(&g->mass, &g->mass_capacity, (size_t)g->natoms + 1);
    g->x[g->natoms][0] = x;
    g->x[g->natoms][1] = y;
    g->x[g->natoms][2] = z;
    g->mass[g->natoms] = mass;
    return g->natoms++;
}

static inline void geometry_bond(struct geometry *g, int i, int j)
{
    double b[3];
    for (int d = 0; d < 3; d++)
        b[d] = g->x[i][d] - g->x[j][d];
    sk_reserve(&g->constraints, &g->constraint_capacity, (size_t)g->nconstraints + 1);
    g->constraints[g->nconstraints++] = (struct sk_constraint){i < j ? i : j, i < j ? j : i, sqrt(geometry_dot(b, b))};
}

static inline void geometry_clear(struct geometry *g)
{
    sk_free(&g->x);
    sk_free(&g->mass);
    sk_free(&g->constraints);
    *g = (struct geometry){0};
}

static inline struct geometry geometry_water(void)
{
    struct geometry g = {0};
    geometry_atom(&g, 0, 0, 0, 15.9994);
    geometry_atom(&g, 0.08165, 0.05773, 0, 1.008);
    geometry_atom(&g, -0.08165, 0.05773, 0, 1.008);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < i; j++)
            geometry_bond(&g, i, j);
    return g;
}

/* Rigid but for nothing with 9 constraints; with 10 one of them depends on the others. */
static inline struct geometry geometry_methane(int nconstraints)
{
    struct geometry g = {0};
    const double a = 0.109 / sqrt(3.0);
    geometry_atom(&g, 0, 0, 0, 12.011);
    geometry_atom(&g, a, a, a, 1.008);
    geometry_atom(&g, a, -a, -a, 1.008);
    geometry_atom(&g, -a, a, -a, 1.008);
    geometry_atom(&g, -a, -a, a, 1.008);
    for (int i = 0; i < 5; i++)
        for (int j = i + 1; j < 5; j++)
            if (g.nconstraints < nconstraints)
                geometry_bond(&g, i, j);
    return g;
}

static inline struct geometry geometry_ring(int n, double bond, double mass)
{
    struct geometry g = {0};
    const double turn = 6.283185307179586 / n, radius = 0.5 * bond / sin(0.5 * turn);
    for (int i = 0; i < n; i++)
        geometry_atom(&g, radius * cos(turn * i), radius * sin(turn * i), 0, mass);
    for (int i = 0; i < n; i++)
        geometry_bond(&g, i, (i + 1) % n);
    return g;
}

/* Bonds between all atoms closer than 1.1 bond lengths. */
static inline void geometry_bond_near(struct geometry *g, double bond)
{
    for (int i = 0; i < g->natoms; i++)
        for (int j = i + 1; j < g->natoms; j++) {
            double r2 = 0;
            for (int d = 0; d < 3; d++)
                r2 += (g->x[i][d] - g->x[j][d]) * (g->x[i][d] - g->x[j][d]);
            if (r2 < 1.21 * bond * bond)
                geometry_bond(g, i, j);
        }
}

/* A net of columns x rows hexagons, in a parallelogram: 3 rows columns + 2 (rows + columns) - 1 bonds. */
static inline struct geometry geometry_net(int columns, int rows)
{
    struct geometry g = {0};
    const double b = 0.142, w = b * sqrt(3.0);
    for (int y = 0; y <= rows; y++)
        for (int x = 0; x <= columns; x++) {
            const double left = w * x + 0.5 * w * y, up = 1.5 * b * y;
            if (!(x == 0 && y == 0))
                geometry_atom(&g, left, up, 0, 12.011);
            if (!(x == columns && y == rows))
                geometry_atom(&g, left + 0.5 * w, up + 0.5 * b, 0, 12.011);
        }
    geometry_bond_near(&g, b);
    return g;
}

static inline struct geometry geometry_c60(void)
{
    struct geometry g = {0};
    const double phi = 0.5 * (1.0 + sqrt(5.0)), scale = 0.5 * 0.144;
    const double seeds[3][3] = {{0, 1, 3 * phi}, {1, 2 + phi, 2 * phi}, {phi, 2, 2 * phi + 1}};
    for (int s = 0; s < 3; s++)
        for (int turn = 0; turn < 3; turn++)
            for (int sign = s == 0 ? 1 : 0; sign < 8; sign += s == 0 ? 2 : 1) {
                double p[3];
                for (int d = 0; d < 3; d++)
                    p[(d + turn) % 3] = scale * seeds[s][d] * (sign >> d & 1 ? 1 : -1);
                geometry_atom(&g, p[0], p[1], p[2], 12.011);
            }
    geometry_bond_near(&g, 0.144);
    return g;
}

/* A chain; angle in degrees, or 0 for free joints (beads two apart are then at least 0.9 bonds apart). With is_rod also
 * the distances of beads two apart are fixed. */
static inline struct geometry geometry_chain(int n, double angle, bool is_rod)
{
    struct geometry g = {0};
    const double bond = 0.153, bend = 3.141592653589793 * (1.0 - angle / 180.0);
    double u[3] = {1, 0, 0}, x[3] = {0, 0, 0};
    for (int i = 0; i < n; i++) {
        geometry_atom(&g, x[0], x[1], x[2], 14.027);
        double v[3], along;
        do {
            for (int d = 0; d < 3; d++)
                v[d] = geometry_normal();
            geometry_scale(v, 1.0);
            along = geometry_dot(u, v);
        } while (angle > 0.0 ? fabs(along) > 0.9 : 2.0 + 2.0 * along < 0.81);
        if (angle > 0.0) {
            for (int d = 0; d < 3; d++)
                v[d] -= along * u[d];
            geometry_scale(v, sin(bend));
            for (int d = 0; d < 3; d++)
                v[d] += cos(bend) * u[d];
        }
        for (int d = 0; d < 3; d++) {
            u[d] = v[d];
            x[d] += bond * u[d];
        }
    }
    for (int i = 0; i + 1 < n; i++) {
        geometry_bond(&g, i, i + 1);
        if (is_rod && i + 2 < n)
            geometry_bond(&g, i, i + 2);
    }
    return g;
}

/* Adds an atom bonded to parent, as far as can be from the parent's other bonds among the directions tried. */
static inline int geometry_grow(struct geometry *g, int parent, double bond, double mass)
{
    double best[3] = {1, 0, 0}, least = 2.0;
    for (int trial = 0; trial < 100; trial++) {
        double u[3], most = -1.0;
        for (int d = 0; d < 3; d++)
            u[d] = geometry_normal();
        geometry_scale(u, 1.0);
        for (int k = 0; k < g->nconstraints; k++) {
            const struct sk_constraint *c = &g->constraints[k];
            if (c->i != parent && c->j != parent)
                continue;
            double v[3];
            for (int d = 0; d < 3; d++)
                v[d] = g->x[c->i == parent ? c->j : c->i][d] - g->x[parent][d];
            geometry_scale(v, 1.0);
            most = fmax(most, geometry_dot(u, v));
        }
        /* About the angle of a tetrahedron; nothing straight. */
        if (fabs(most + 0.33) < least) {
            least = fabs(most + 0.33);
            memcpy(best, u, sizeof best);
        }
    }
    const double *x = g->x[parent];
    const int atom = geometry_atom(g, x[0] + bond * best[0], x[1] + bond * best[1], x[2] + bond * best[2], mass);
    geometry_bond(g, parent, atom);
    return atom;
}

/* A ring of six at the end of a side chain: the first of it is grown, the others are set around the axis through it. */
static inline void geometry_phenyl(struct geometry *g, int parent)
{
    const int first = geometry_grow(g, parent, 0.151, 12.011);
    double axis[3], side[3], along;
    for (int d = 0; d < 3; d++) {
        axis[d] = g->x[first][d] - g->x[parent][d];
        side[d] = geometry_normal();
    }
    geometry_scale(axis, 1.0);
    along = geometry_dot(axis, side);
    for (int d = 0; d < 3; d++)
        side[d] -= along * axis[d];
    geometry_scale(side, 1.0);
    double centre[3];
    for (int d = 0; d < 3; d++)
        centre[d] = g->x[first][d] + 0.14 * axis[d];
    int ring[6] = {first};
    for (int i = 1; i < 6; i++) {
        const double turn = 6.283185307179586 / 6.0 * i;
        double carbon[3], hydrogen[3];
        for (int d = 0; d < 3; d++) {
            const double out = sin(turn) * side[d] - cos(turn) * axis[d];
            carbon[d] = centre[d] + 0.14 * out;
            hydrogen[d] = centre[d] + 0.249 * out;
        }
        ring[i] = geometry_atom(g, carbon[0], carbon[1], carbon[2], 12.011);
        geometry_bond(g, ring[i - 1], ring[i]);
        geometry_bond(g, ring[i], geometry_atom(g, hydrogen[0], hydrogen[1], hydrogen[2], 1.008));
    }
    geometry_bond(g, ring[5], first);
}

/* All bonds of something like a protein: a backbone with side chains of several kinds and rings, 17 bonds a residue. */
static inline struct geometry geometry_protein(int nresidues)
{
    struct geometry g = {0};
    int last = -1;
    for (int r = 0; r < nresidues; r++) {
        const int n = last < 0 ? geometry_atom(&g, 0, 0, 0, 14.007) : geometry_grow(&g, last, 0.133, 14.007);
        const int alpha = geometry_grow(&g, n, 0.147, 12.011);
        geometry_grow(&g, n, 0.101, 1.008);
        const int c = geometry_grow(&g, alpha, 0.153, 12.011);
        geometry_grow(&g, alpha, 0.109, 1.008);
        geometry_grow(&g, c, 0.123, 15.999);
        int side = geometry_grow(&g, alpha, 0.153, 12.011);
        const int kind = r % 4;
        for (int link = 0; link < kind; link++) {
            const int next = geometry_grow(&g, side, 0.153, 12.011);
            geometry_grow(&g, side, 0.109, 1.008);
            geometry_grow(&g, side, 0.109, 1.008);
            side = next;
        }
        if (kind == 1 || kind == 2) {
            geometry_phenyl(&g, side);
        } else {
            for (int h = 0; h < 3; h++)
                geometry_grow(&g, side, 0.109, 1.008);
        }
        last = c;
    }
    return g;
}

/* A topology of one molecule; its constraints, sorted, replace those of g. */
static inline void geometry_topology(struct geometry *g, bool is_split, struct sk_topology *top)
{
    struct sk_error err;
    sk_topology_init(top);
    top->nmoltypes = 1;
    top->moltypes = sk_calloc(1, sizeof *top->moltypes);
    top->nblocks = 1;
    top->blocks = sk_calloc(1, sizeof *top->blocks);
    top->blocks[0].count = 1;
    struct sk_moltype *type = top->moltypes;
    type->natoms = g->natoms;
    type->is_split = is_split;
    type->atoms = sk_calloc((size_t)g->natoms, sizeof *type->atoms);
    for (int i = 0; i < g->natoms; i++)
        type->atoms[i].kind = sk_topology_kind(top, 0, 0.0, g->mass[i]);
    type->nconstraints = g->nconstraints;
    type->constraints = sk_alloc((size_t)g->nconstraints, sizeof *type->constraints);
    memcpy(type->constraints, g->constraints, (size_t)g->nconstraints * sizeof *type->constraints);
    SK_REQUIRE(sk_moltype_finish(type, &err) == SK_OK);
    memcpy(g->constraints, type->constraints, (size_t)g->nconstraints * sizeof *type->constraints);
    SK_REQUIRE(sk_topology_finish(top, &err) == SK_OK);
}

/* Velocities v without a part along the bonds x: RATTLE bond by bond, until |s . v| / d^2 <= limit for all, in
 * multipliers mu (accumulated; may be NULL). Returns the sweeps. */
static inline int reference_velocities(const struct geometry *g, const double (*x)[3], long double (*v)[3],
                                       long double *mu, long double limit)
{
    for (int sweep = 0; sweep < 100000; sweep++) {
        long double worst = 0;
        for (int k = 0; k < g->nconstraints; k++) {
            const struct sk_constraint *c = &g->constraints[k];
            long double dot = 0, s[3], s2 = 0;
            for (int d = 0; d < 3; d++) {
                s[d] = (long double)x[c->i][d] - x[c->j][d];
                dot += s[d] * (v[c->i][d] - v[c->j][d]);
                s2 += s[d] * s[d];
            }
            const long double left = fabsl(dot) / ((long double)c->length * c->length);
            worst = left > worst ? left : worst;
            const long double step = -dot / (s2 * (1 / (long double)g->mass[c->i] + 1 / (long double)g->mass[c->j]));
            for (int d = 0; d < 3; d++) {
                v[c->i][d] += step * s[d] / g->mass[c->i];
                v[c->j][d] -= step * s[d] / g->mass[c->j];
            }
            if (mu)
                mu[k] += step;
        }
        if (worst <= limit)
            return sweep;
    }
    return -1;
}

/* SHAKE bond by bond: moves y along the bonds of x until |f| / d^2 <= limit for all. Returns the sweeps. */
static inline int reference_positions(const struct geometry *g, const double (*x)[3], long double (*y)[3],
                                      long double limit)
{
    for (int sweep = 0; sweep < 100000; sweep++) {
        long double worst = 0;
        for (int k = 0; k < g->nconstraints; k++) {
            const struct sk_constraint *c = &g->constraints[k];
            const long double length2 = c->length * c->length; /* as the engine: the rounded square */
            long double r2 = 0, rs = 0;
            for (int d = 0; d < 3; d++) {
                const long double r = y[c->i][d] - y[c->j][d];
                r2 += r * r;
                rs += r * ((long double)x[c->i][d] - x[c->j][d]);
            }
            const long double f = (length2 - r2) / 2, left = fabsl(f) / length2;
            worst = left > worst ? left : worst;
            const long double step = f / (rs * (1 / (long double)g->mass[c->i] + 1 / (long double)g->mass[c->j]));
            for (int d = 0; d < 3; d++) {
                const long double s = (long double)x[c->i][d] - x[c->j][d];
                y[c->i][d] += step * s / g->mass[c->i];
                y[c->j][d] -= step * s / g->mass[c->j];
            }
        }
        if (worst <= limit)
            return sweep;
    }
    return -1;
}

/* Positions drifted by one step: Maxwell velocities at 300 K without a part along bonds, forces of 600 kJ/mol/nm. The
 * caller frees it. */
static inline double (*geometry_drift(const struct geometry *g))[3]
{
    long double(*v)[3] = sk_alloc((size_t)g->natoms, sizeof *v);
    for (int i = 0; i < g->natoms; i++)
        for (int d = 0; d < 3; d++)
            v[i][d] = sqrt(GEOMETRY_KT / g->mass[i]) * geometry_normal();
    reference_velocities(g, (const double(*)[3])g->x, v, NULL, 1e-6L);
    double(*y)[3] = sk_alloc((size_t)g->natoms, sizeof *y);
    for (int i = 0; i < g->natoms; i++)
        for (int d = 0; d < 3; d++)
            y[i][d] = g->x[i][d] +
                      GEOMETRY_DT * ((double)v[i][d] + GEOMETRY_DT * 600.0 * geometry_normal() / g->mass[i]);
    sk_free(&v);
    return y;
}

#endif
