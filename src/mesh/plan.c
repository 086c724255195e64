#include "mesh/plan.h"

#include <math.h>
#include <stdbool.h>

#include "kernel/fft.h"
#include "kernel/mesh.h"
#include "mesh/ewald.h"

/* What grompp says for boxes of all sizes up to 33 nm at a spacing of 0.1 (gmx 2022.5). */
static bool is_gromacs_length(int n)
{
    static const int small[] = {6, 8, 10, 12, 14, 16, 20, 24, 25, 28, 32, 36, 40, 42, 44};
    static const int base[] = {48, 50, 52, 54, 56, 60, 64, 70, 72, 75, 80, 81, 84};
    if (n < 48) {
        for (size_t k = 0; k < sizeof small / sizeof small[0]; k++)
            if (n == small[k])
                return true;
        return false;
    }
    if (n % 4 || n == 140)
        return false;
    while (n > 84 && n % 2 == 0)
        n /= 2;
    for (size_t k = 0; k < sizeof base / sizeof base[0]; k++)
        if (n == base[k])
            return true;
    return false;
}

int sk_mesh_length(int least)
{
    int n = least > 6 ? least : 6;
    while (!is_gromacs_length(n))
        n++;
    return n;
}

enum sk_code sk_mesh_plan_choose(struct sk_mesh_plan *plan, const double edge[3][3], double spacing, int order,
                                 double cutoff, double rtol, struct sk_error *err)
{
    if (order < 4 || order > SK_SPLINE_ORDER)
        return sk_fail(err, SK_EINPUT, "mesh order %d: it must be 4, 5 or 6", order);
    if (!(spacing > 0.0))
        return sk_fail(err, SK_EINPUT, "mesh spacing %g: it must be positive", spacing);
    if (!(cutoff > 0.0 && rtol > 1e-15 && rtol < 1.0))
        return sk_fail(err, SK_EINPUT,
                       "cutoff %g with an Ewald tolerance of %g: the cutoff must be positive, the "
                       "tolerance between 1e-15 and 1",
                       cutoff, rtol);
    *plan = (struct sk_mesh_plan){.order = order, .beta = sk_ewald_beta(cutoff, rtol)};
    return sk_mesh_plan_lengths(plan, edge, spacing, err);
}

enum sk_code sk_mesh_plan_lengths(struct sk_mesh_plan *plan, const double edge[3][3], double spacing,
                                  struct sk_error *err)
{
    for (int d = 0; d < 3; d++) {
        const double length = sqrt(edge[d][0] * edge[d][0] + edge[d][1] * edge[d][1] + edge[d][2] * edge[d][2]);
        if (!(length / spacing <= SK_MESH_LARGEST))
            return sk_fail(err, SK_EINPUT, "a mesh spacing of %g in a box of %g needs more than %d points", spacing,
                           length, SK_MESH_LARGEST);
        /* a spacing that divides the edge but for rounding counts as dividing it */
        const int least = (int)-floor(1e-9 - length / spacing), fewest = 2 * (plan->order - 1);
        plan->n[d] = sk_mesh_length(least > fewest ? least : fewest);
    }
    return SK_OK;
}

enum sk_code sk_mesh_plan_check(const struct sk_mesh_plan *plan, struct sk_error *err)
{
    if (plan->order < 4 || plan->order > SK_SPLINE_ORDER)
        return sk_fail(err, SK_EINPUT, "mesh order %d: it must be 4, 5 or 6", plan->order);
    if (!(plan->beta > 0.0 && plan->beta < 1e6))
        return sk_fail(err, SK_EINPUT, "splitting parameter %g: it must be positive", plan->beta);
    for (int d = 0; d < 3; d++)
        if (plan->n[d] < plan->order || plan->n[d] > SK_MESH_LARGEST || !sk_fft_is_length(plan->n[d]))
            return sk_fail(err, SK_EINPUT,
                           "mesh of %d points along %c: a number from %d to %d without prime factors "
                           "above 13 is needed",
                           plan->n[d], "xyz"[d], plan -> order, SK_MESH_LARGEST);
    return SK_OK;
}
