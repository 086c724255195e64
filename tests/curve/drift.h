/* Drift: liquid of 17.6 atoms per cell of the list radius in vapour of a hundredth of it, whose place is a real number:
 * a step of a fraction of a cell changes the atoms of the cells at its surface by that fraction. What a cell holds
 * beyond the mean belongs to the lattice, not to the step. Included after reference.h. */
#ifndef SK_TESTS_CURVE_DRIFT_H
#define SK_TESTS_CURVE_DRIFT_H

#include "curve/plan.h"
#include "reference.h"

enum drift_shape { DRIFT_SLAB, DRIFT_DROPLET };

struct drift {
    enum drift_shape shape;
    int normal; /* of the slab */
    int32_t n;
    double *spread, *dither; /* by cell, of the liquid and of the rounding */
    int32_t *atoms;
    int64_t *weight;
};

/* seed: of the lattice; the same everywhere. */
static inline void drift_init(struct drift *d, enum drift_shape shape, int normal, int32_t n, uint64_t seed)
{
    size_t cells = (size_t)n * (size_t)n * (size_t)n;
    *d = (struct drift){shape, normal, n, NULL, NULL, NULL, NULL};
    d->spread = malloc(cells * sizeof *d->spread);
    d->dither = malloc(cells * sizeof *d->dither);
    d->atoms = malloc(cells * sizeof *d->atoms);
    d->weight = malloc(cells * sizeof *d->weight);
    for (size_t c = 0; c < cells; c++) {
        double random[2];
        for (int k = 0; k < 2; k++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            random[k] = (double)(seed >> 33) / 2147483648.0;
        }
        d->spread[c] = sqrt(17.6) * (random[0] - 0.5);
        d->dither[c] = random[1];
    }
}

static inline void drift_clear(struct drift *d)
{
    free(d->spread);
    free(d->dither);
    free(d->atoms);
    free(d->weight);
}

/* The share of a cell that the liquid fills: exact for the slab, along the ray from the centre for the droplet. */
static inline double drift_filled(const struct drift *d, int32_t cell, const double at[3])
{
    const int32_t place[3] = {cell % d->n, cell / d->n % d->n, cell / d->n / d->n};
    double square = 0.0, radius = (d->shape == DRIFT_SLAB ? 5.3 : 10.0) * d->n / 32.0;
    for (int k = 0; k < 3; k++) {
        if (d->shape == DRIFT_SLAB && k != d->normal)
            continue;
        double far = place[k] + 0.5 - d->n / 2.0 - at[k];
        far -= d->n * floor(far / d->n + 0.5);
        square += far * far;
    }
    double filled = radius - sqrt(square) + 0.5;
    return filled < 0.0 ? 0.0 : filled > 1.0 ? 1.0 : filled;
}

/* The share of the load when the profile is `at` away from where it was. Weights are pairs. Valid until the next. */
static inline struct sk_share drift_share(struct drift *d, const double at[3], int nranks)
{
    const int32_t n = d->n, cells = n * n * n;
    for (int32_t c = 0; c < cells; c++) {
        double filled = drift_filled(d, c, at);
        d->atoms[c] = (int32_t)floor(filled * (17.6 + d->spread[c]) + (1.0 - filled) * 0.176 + d->dither[c]);
    }
    for (int32_t c = 0; c < cells; c++) {
        int64_t around = 0;
        for (int k = 0; k < 27 && d->atoms[c]; k++) {
            int32_t x = modulo(c % n + k % 3 - 1, n), y = modulo(c / n % n + k / 3 % 3 - 1, n);
            around += d->atoms[x + n * (y + n * modulo(c / n / n + k / 9 - 1, n))];
        }
        d->weight[c] = d->atoms[c] * around;
    }
    return (struct sk_share){{n, n, n}, nranks, d->weight, d->atoms, 0.0, NULL};
}

#endif
