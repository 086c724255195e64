#include "mesh/reference.h"

#include <math.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "kernel/mesh.h"
#include "mesh/influence.h"

#define PI 3.14159265358979323846

/* The splines of one atom along one axis: `order` grid points from `first` on. */
struct weights {
    int first;
    double w[SK_SPLINE_ORDER], slope[SK_SPLINE_ORDER];
};

/* M_p(u + j) for j = 0 .. p - 1 by recursion (Essmann et al. 1995, equation 4.1); grid point first + order - 1 - j. */
static void weights_of(struct weights *weights, sk_frac x, int n, int order)
{
    const sk_uint128 place = (sk_uint128)x * (uint32_t)n;
    const double u = (double)(uint64_t)place * 0x1p-64;
    double m[SK_SPLINE_ORDER] = {u, 1.0 - u}, lower[SK_SPLINE_ORDER] = {0};
    for (int p = 3; p <= order; p++) {
        memcpy(lower, m, sizeof m);
        for (int j = 0; j < p; j++)
            m[j] = ((u + j) * (j < p - 1 ? lower[j] : 0.0) + (p - u - j) * (j > 0 ? lower[j - 1] : 0.0)) / (p - 1);
    }
    weights->first = (int)(place >> 64) - order + 1;
    for (int j = 0; j < order; j++) {
        const int at = order - 1 - j;
        weights->w[at] = m[j];
        weights->slope[at] = (j < order - 1 ? lower[j] : 0.0) - (j > 0 ? lower[j - 1] : 0.0);
    }
}

struct grid {
    const struct sk_mesh_plan *plan;
    double (*value)[2]; /* [n0][n1][n2], complex */
};

static double *point(const struct grid *grid, const struct weights w[3], int a, int b, int c)
{
    const int *n = grid->plan->n, at[3] = {w[0].first + a, w[1].first + b, w[2].first + c};
    size_t index = 0;
    for (int d = 0; d < 3; d++)
        index = index * (size_t)n[d] + (size_t)((at[d] + n[d]) % n[d]);
    return grid->value[index];
}

static void spread(const struct grid *grid, const struct weights w[3], double charge)
{
    const int p = grid->plan->order;
    for (int a = 0; a < p; a++)
        for (int b = 0; b < p; b++)
            for (int c = 0; c < p; c++)
                *point(grid, w, a, b, c) += charge * w[0].w[a] * w[1].w[b] * w[2].w[c];
}

/* Gradient of the potential by steps of the grid along the edges. */
static void gather(const struct grid *grid, const struct weights w[3], double gradient[3])
{
    const int p = grid->plan->order;
    for (int a = 0; a < p; a++)
        for (int b = 0; b < p; b++)
            for (int c = 0; c < p; c++) {
                const double value = *point(grid, w, a, b, c);
                gradient[0] += value * w[0].slope[a] * w[1].w[b] * w[2].w[c];
                gradient[1] += value * w[0].w[a] * w[1].slope[b] * w[2].w[c];
                gradient[2] += value * w[0].w[a] * w[1].w[b] * w[2].slope[c];
            }
}

/* All lines along an axis: sum over j of value_j exp(sign 2 pi i j k / n). */
static void transform(const struct grid *grid, int axis, double sign)
{
    const int *n = grid->plan->n, length = n[axis];
    const size_t step = axis == 0 ? (size_t)n[1] * (size_t)n[2] : axis == 1 ? (size_t)n[2] : 1;
    const size_t points = (size_t)n[0] * (size_t)n[1] * (size_t)n[2];
    double(*root)[2] = sk_alloc((size_t)length, sizeof *root), (*line)[2] = sk_alloc((size_t)length, sizeof *line);
    for (int k = 0; k < length; k++)
        sk_sincos(sign * 2.0 * PI * k / length, &root[k][1], &root[k][0]);
    for (size_t start = 0; start < points; start++) {
        if (start / step % (size_t)length)
            continue;
        for (int k = 0; k < length; k++) {
            double re = 0.0, im = 0.0;
            for (int j = 0, turn = 0; j < length; j++, turn = turn + k < length ? turn + k : turn + k - length) {
                const double *v = grid->value[start + (size_t)j * step];
                re += v[0] * root[turn][0] - v[1] * root[turn][1];
                im += v[0] * root[turn][1] + v[1] * root[turn][0];
            }
            line[k][0] = re;
            line[k][1] = im;
        }
        for (int k = 0; k < length; k++)
            memcpy(grid->value[start + (size_t)k * step], line[k], sizeof *line);
    }
    sk_free(&root);
    sk_free(&line);
}

static void convolve(const struct grid *grid, const struct sk_influence *influence, struct sk_mesh_reference *sums)
{
    const int *n = grid->plan->n;
    double(*value)[2] = grid->value, virial[6];
    int k[3];
    for (k[0] = 0; k[0] < n[0]; k[0]++)
        for (k[1] = 0; k[1] < n[1]; k[1]++)
            for (k[2] = 0; k[2] < n[2]; k[2]++, value++) {
                const double g = sk_influence_at(influence, k);
                const double square = (*value)[0] * (*value)[0] + (*value)[1] * (*value)[1];
                sums->energy += sk_influence_energy(influence, k, g, square, virial);
                for (int c = 0; c < 6; c++)
                    sums->virial[c] += virial[c];
                (*value)[0] *= g;
                (*value)[1] *= g;
            }
}

struct sk_mesh_reference sk_mesh_reference(const struct sk_mesh_plan *plan, double coulomb, const double lattice[3][3],
                                           int n, const sk_frac (*x)[3], const double *charge, double (*force)[3])
{
    struct sk_mesh_reference sums = {0};
    struct sk_influence influence;
    struct grid grid = {.plan = plan};
    struct weights(*w)[3] = sk_alloc((size_t)n, sizeof *w);
    grid.value = sk_calloc((size_t)plan->n[0] * (size_t)plan->n[1] * (size_t)plan->n[2], sizeof *grid.value);
    sk_influence_init(&influence, plan, coulomb);
    sk_influence_set_lattice(&influence, lattice);
    for (int i = 0; i < n; i++) {
        for (int d = 0; d < 3; d++)
            weights_of(&w[i][d], x[i][d], plan->n[d], plan->order);
        spread(&grid, w[i], charge[i]);
    }
    for (int axis = 0; axis < 3; axis++)
        transform(&grid, axis, -1.0);
    convolve(&grid, &influence, &sums);
    for (int axis = 0; axis < 3; axis++)
        transform(&grid, axis, 1.0);
    for (int i = 0; i < n; i++) {
        double gradient[3] = {0};
        gather(&grid, w[i], gradient);
        for (int e = 0; e < 3; e++)
            for (int d = 0; d < 3; d++)
                force[i][d] -= charge[i] * gradient[e] * plan->n[e] * influence.gradient[e][d];
    }
    sk_influence_clear(&influence);
    sk_free(&grid.value);
    sk_free(&w);
    return sums;
}
