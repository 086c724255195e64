/* Explicit: Ewald sums in double by their definition, over wave vectors and over images, as the second implementation
 * behind the tests of the mesh; any lattice, any charges. Boxes of random charges. */
#ifndef SK_TESTS_MESH_EXPLICIT_H
#define SK_TESTS_MESH_EXPLICIT_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "geom/fixed.h"
#include "par/mixer.h"

#define EXPLICIT_PI 3.14159265358979323846

struct charges {
    int n;
    double lattice[3][3];
    sk_frac (*x)[3];
    double *q;
};

static inline double explicit_uniform(uint64_t seed, int i, int d)
{
    return (double)(mix4(seed, (uint64_t)i, (uint64_t)d, 5) >> 11) * 0x1p-53;
}

/* n charges in [-1, 1], which do not sum to zero. */
static inline struct charges charges_new(int n, const double lattice[3][3], uint64_t seed)
{
    struct charges c = {.n = n, .x = sk_alloc((size_t)n, sizeof *c.x), .q = sk_alloc((size_t)n, sizeof *c.q)};
    memcpy(c.lattice, lattice, sizeof c.lattice);
    for (int i = 0; i < n; i++) {
        c.q[i] = 2.0 * explicit_uniform(seed, i, 3) - 1.0 + 0.1;
        for (int d = 0; d < 3; d++)
            c.x[i][d] = mix4(seed, (uint64_t)i, (uint64_t)d, 1);
    }
    return c;
}

static inline void charges_free(struct charges *c)
{
    sk_free(&c->x);
    sk_free(&c->q);
}

static inline double charges_volume(const struct charges *c)
{
    return c->lattice[0][0] * c->lattice[1][1] * c->lattice[2][2];
}

struct explicit_sums {
    double energy, virial[6]; /* xx yy zz xy xz yz of -1/2 sum of r F */
    double (*force)[3];
};

/* The wave vectors up to limit[] in each direction; forces are added. Constant 1. */
static inline void explicit_reciprocal(const struct charges *c, double beta, const int limit[3],
                                       struct explicit_sums *sums)
{
    const double(*h)[3] = (const double(*)[3])c->lattice, volume = charges_volume(c);
    const double inverse[3][3] = {{1 / h[0][0], -h[1][0] / (h[0][0] * h[1][1]),
                                   (h[1][0] * h[2][1] - h[2][0] * h[1][1]) / (h[0][0] * h[1][1] * h[2][2])},
                                  {0, 1 / h[1][1], -h[2][1] / (h[1][1] * h[2][2])},
                                  {0, 0, 1 / h[2][2]}};
    double(*phase)[2] = sk_alloc((size_t)c->n, sizeof *phase);
    for (int a = -limit[0]; a <= limit[0]; a++)
        for (int b = -limit[1]; b <= limit[1]; b++)
            for (int l = -limit[2]; l <= limit[2]; l++) {
                double k[3], k2 = 0.0, re = 0.0, im = 0.0;
                if (a == 0 && b == 0 && l == 0)
                    continue;
                for (int d = 0; d < 3; d++) {
                    k[d] = 2 * EXPLICIT_PI * (a * inverse[0][d] + b * inverse[1][d] + l * inverse[2][d]);
                    k2 += k[d] * k[d];
                }
                const double g = 4 * EXPLICIT_PI / volume * exp(-k2 / (4 * beta * beta)) / k2;
                for (int i = 0; i < c->n; i++) {
                    /* the fraction of a turn, exactly */
                    const sk_frac turn = (sk_frac)(int64_t)a * c->x[i][0] + (sk_frac)(int64_t)b * c->x[i][1] +
                                         (sk_frac)(int64_t)l * c->x[i][2];
                    const double angle = 2 * EXPLICIT_PI * ((double)(int64_t)turn * 0x1p-64);
                    phase[i][0] = cos(angle);
                    phase[i][1] = sin(angle);
                    re += c->q[i] * phase[i][0];
                    im += c->q[i] * phase[i][1];
                }
                const double e = 0.5 * g * (re * re + im * im);
                sums->energy += e;
                static const int pair[6][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}};
                for (int v = 0; v < 6; v++)
                    sums->virial[v] -= 0.5 * e *
                                       ((pair[v][0] == pair[v][1]) -
                                        2 * (1 / k2 + 1 / (4 * beta * beta)) * k[pair[v][0]] * k[pair[v][1]]);
                for (int i = 0; i < c->n; i++)
                    for (int d = 0; d < 3; d++)
                        sums->force[i][d] += c->q[i] * g * k[d] * (phase[i][1] * re - phase[i][0] * im);
            }
    sk_free(&phase);
}

#endif
