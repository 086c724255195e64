#include "mesh/accuracy.h"

#include <math.h>
#include <stdbool.h>

#include "base/math.h"

#define PI 3.14159265358979323846

enum {
    POINTS = 24, /* of a cube whose wave vectors stand for those of all boxes with this spacing: an even number */
    ALIASES = 2  /* on each side */
};
#define TWO_SIDES (2 * ALIASES + 1)

double sk_mesh_direct_error(const struct sk_mesh_charges *c, double cutoff, double beta)
{
    return 2.0 * c->coulomb * c->sum_q2 / sqrt(c->natoms * cutoff * c->volume) * sk_exp(-beta * beta * cutoff * cutoff);
}

/* (sin x / x)^order */
static double spline_transform(double x, int order)
{
    double s, c;
    sk_sincos(x, &s, &c);
    return x == 0.0 ? 1.0 : sk_powi(s / x, order);
}

/* One axis: wave vectors of a point and its aliases, and the squared transforms of the spline there, in the units of
 * the spacing. The moduli of SPME make the spline exact at the point itself: its transform is divided by that of the
 * sum of aliases. */
struct axis {
    double k[TWO_SIDES], u2[TWO_SIDES];
};

static void fill_axis(struct axis *a, int point, int order)
{
    double sum = 0.0;
    for (int m = 0; m < TWO_SIDES; m++) {
        const double k = 2.0 * PI * ((double)point / POINTS + (m - ALIASES));
        const double u = spline_transform(0.5 * k, order);
        a->k[m] = k;
        a->u2[m] = u * u;
        sum += u;
    }
    for (int m = 0; m < TWO_SIDES; m++)
        a->u2[m] /= sum * sum;
}

/* exp(-k^2 / 4 beta^2) 4 pi / k^2 */
static double potential(double k2, double beta)
{
    return k2 > 0.0 ? 4.0 * PI * sk_exp(-k2 / (4.0 * beta * beta)) / k2 : 0.0;
}

/* Mean squared error of the force at a wave vector: sum k^2 phi^2 - 2 G sum k^2 phi U^2 + G^2 sum U^2 sum k^2 U^2 over
 * its aliases, phi the potential and G that of the wave vector itself. beta in units of 1 / spacing. */
static double squared_error(const struct axis *x, const struct axis *y, const struct axis *z, double beta)
{
    double true2 = 0.0, mixed = 0.0, weight = 0.0, slope = 0.0;
    const double own = x->k[ALIASES] * x->k[ALIASES] + y->k[ALIASES] * y->k[ALIASES] + z->k[ALIASES] * z->k[ALIASES];
    const double g = potential(own, beta);
    for (int a = 0; a < TWO_SIDES; a++)
        for (int b = 0; b < TWO_SIDES; b++)
            for (int c = 0; c < TWO_SIDES; c++) {
                const double k2 = x->k[a] * x->k[a] + y->k[b] * y->k[b] + z->k[c] * z->k[c];
                const double u2 = x->u2[a] * y->u2[b] * z->u2[c], phi = potential(k2, beta);
                true2 += k2 * phi * phi;
                mixed += k2 * phi * u2;
                weight += u2;
                slope += k2 * u2;
            }
    return true2 - 2.0 * g * mixed + g * g * weight * slope;
}

double sk_mesh_recip_error(const struct sk_mesh_charges *c, double spacing, int order, double beta)
{
    struct axis axis[POINTS / 2 + 1];
    double sum = 0.0;
    for (int i = 0; i <= POINTS / 2; i++)
        fill_axis(&axis[i], i, order);
    for (int i = 0; i <= POINTS / 2; i++)
        for (int j = 0; j <= i; j++)
            for (int k = 0; k <= j; k++) {
                double copies = i == j && j == k ? 1.0 : i == j || j == k ? 3.0 : 6.0;
                const int at[3] = {i, j, k};
                for (int d = 0; d < 3; d++) /* both signs */
                    copies *= at[d] == 0 || at[d] == POINTS / 2 ? 1.0 : 2.0;
                if (i > 0)
                    sum += copies * squared_error(&axis[i], &axis[j], &axis[k], beta * spacing);
            }
    /* the sum over wave vectors of a box, over its volume: of the cube of POINTS, in units of the spacing */
    const double mean = sum / ((double)POINTS * POINTS * POINTS);
    /* phi k is in units of the spacing, squared; the density of wave vectors in 1 / spacing^3 */
    return c->coulomb * c->sum_q2 / sqrt(c->natoms * c->volume) * sqrt(mean / spacing);
}

enum sk_code sk_mesh_plan_for_error(struct sk_mesh_plan *plan, const double edge[3][3],
                                    const struct sk_mesh_charges *charges, double cutoff, int order, double bound,
                                    struct sk_error *err)
{
    const double half = bound / sqrt(2.0);
    double low = 0.0, high = 7.0 / cutoff;
    *plan = (struct sk_mesh_plan){.order = order};
    if (!(sk_mesh_direct_error(charges, cutoff, high) <= half))
        return sk_fail(err, SK_EINPUT, "no splitting keeps the error of Coulomb forces under %g with a cutoff of %g",
                       bound, cutoff);
    for (int k = 0; k < 60; k++) {
        const double middle = 0.5 * (low + high);
        if (sk_mesh_direct_error(charges, cutoff, middle) <= half)
            high = middle;
        else
            low = middle;
    }
    plan->beta = high > 0.1 / cutoff ? high : 0.1 / cutoff;
    double fine = 0.01 * cutoff, coarse = cutoff;
    if (!(sk_mesh_recip_error(charges, fine, order, plan->beta) <= half))
        return sk_fail(
            err, SK_EINPUT,
            "no mesh of order %d keeps the error of Coulomb forces under %g; take a higher order or a longer "
            "cutoff",
            order, bound);
    for (int k = 0; k < 30; k++) {
        const double middle = sqrt(fine * coarse);
        if (sk_mesh_recip_error(charges, middle, order, plan->beta) <= half)
            fine = middle;
        else
            coarse = middle;
    }
    return sk_mesh_plan_lengths(plan, edge, fine, err);
}
