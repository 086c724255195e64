/* Spreading and gathering. Expected: B-splines by their recursion in double, brute force over points; exact sums of
 * integers; the same bits in all variants. */
#include "kernel/mesh.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "kernel/pair.h"

enum { N = 20, ROW = 24, PLANE = 24 * N, ATOMS = 71 };
static const struct sk_mesh_shape shape = {ROW, PLANE};

static uint64_t random_state = 88172645463325252ULL;
static double uniform(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (double)(random_state >> 11) * 0x1p-53;
}

/* M_p(x), Essmann et al. 1995, equation 4.1. */
static double cardinal(int p, double x)
{
    if (x <= 0.0 || x >= p)
        return 0.0;
    if (p == 2)
        return 1.0 - fabs(x - 1.0);
    return (x * cardinal(p - 1, x) + (p - x) * cardinal(p - 1, x - 1.0)) / (p - 1);
}

static double slope(int p, double x)
{
    return cardinal(p - 1, x) - cardinal(p - 1, x - 1.0);
}

struct scene {
    struct sk_mesh_atom atom[ATOMS];
    int at[ATOMS][3];
};

static struct scene *scene_new(double scale)
{
    struct scene *s = sk_calloc(1, sizeof *s);
    for (int i = 0; i < ATOMS; i++) {
        struct sk_mesh_atom *a = &s->atom[i];
        a->q = (float)((2.0 * uniform() - 1.0) * scale);
        for (int d = 0; d < 3; d++) {
            s->at[i][d] = (int)(uniform() * (N - SK_SPLINE_ORDER));
            a->t[d] = i == 0 ? 0.0f : i == 1 ? 1.0f : (float)uniform();
        }
        a->place = s->at[i][0] * PLANE + s->at[i][1] * ROW + s->at[i][2];
    }
    return s;
}

static void test_weights(void **state)
{
    (void)state;
    for (int order = 4; order <= 6; order++) {
        struct sk_spline spline;
        double knot[SK_SPLINE_ORDER];
        sk_spline_init(&spline, order);
        sk_spline_knots(order, knot);
        for (int k = 0; k < order; k++)
            check_near(knot[k], cardinal(order, k), 1e-15, 1e-15);
        for (double t = 0.0; t <= 1.0; t += 0.0625)
            for (int j = 0; j < order; j++) {
                double value = 0.0, derivative = 0.0;
                for (int k = order - 1; k >= 0; k--)
                    value = value * t + spline.value[j][k];
                for (int k = order - 2; k >= 0; k--)
                    derivative = derivative * t + spline.slope[j][k];
                check_near(value, cardinal(order, t + order - 1 - j), 1e-7, 0.0);
                check_near(derivative, slope(order, t + order - 1 - j), 2e-7, 0.0);
            }
    }
}

static void check_spread(int order)
{
    const size_t room = (size_t)N * PLANE;
    struct sk_spline spline;
    struct scene *s = scene_new(0x1p24);
    int32_t *grid = sk_calloc(room, sizeof *grid), *other = sk_calloc(room, sizeof *other);
    double *exact = sk_calloc(room, sizeof *exact), sum = 0.0, charge = 0.0;
    int nvariants, has_first = 0;
    const struct sk_kernel_variant *variants = sk_kernel_variants(&nvariants);

    sk_spline_init(&spline, order);
    for (int k = 0; k < nvariants; k++) {
        if (!variants[k].is_supported())
            continue;
        memset(other, 0, room * sizeof *other);
        variants[k].spread(&spline, s->atom, ATOMS, &shape, has_first ? other : grid);
        if (has_first)
            assert_memory_equal(grid, other, room * sizeof *grid);
        has_first = 1;
    }
    for (int i = 0; i < ATOMS; i++) {
        const struct sk_mesh_atom *a = &s->atom[i];
        charge += a->q;
        for (int p = 0; p < order * order * order; p++) {
            const int j[3] = {p / order / order, p / order % order, p % order};
            double weight = a->q;
            for (int d = 0; d < 3; d++)
                weight *= cardinal(order, a->t[d] + order - 1 - j[d]);
            exact[(s->at[i][0] + j[0]) * PLANE + (s->at[i][1] + j[1]) * ROW + s->at[i][2] + j[2]] += weight;
        }
    }
    /* a float's rounding of a weight, three times, and half a unit, from the few atoms that share a point */
    for (size_t i = 0; i < room; i++) {
        check_near(grid[i], exact[i], 20.0, 0.0);
        sum += grid[i];
    }
    check_near(sum, charge, ATOMS * 30.0, 0.0);
    /* one atom at a time adds up to the same: sums of integers */
    memset(other, 0, room * sizeof *other);
    for (int i = ATOMS - 1; i >= 0; i--)
        sk_kernel_find("auto")->spread(&spline, &s->atom[i], 1, &shape, other);
    assert_memory_equal(grid, other, room * sizeof *grid);
    sk_free(&grid);
    sk_free(&other);
    sk_free(&exact);
    sk_free(&s);
}

/* The gradient of the potential at an atom, by brute force. */
static void gradient_of(const struct scene *s, int order, const float *grid, int i, double gradient[3])
{
    const struct sk_mesh_atom *a = &s->atom[i];
    gradient[0] = gradient[1] = gradient[2] = 0.0;
    for (int p = 0; p < order * order * order; p++) {
        const int j[3] = {p / order / order, p / order % order, p % order};
        double w[3], v[3];
        for (int d = 0; d < 3; d++) {
            w[d] = cardinal(order, a->t[d] + order - 1 - j[d]);
            v[d] = slope(order, a->t[d] + order - 1 - j[d]);
        }
        const double g = grid[(s->at[i][0] + j[0]) * PLANE + (s->at[i][1] + j[1]) * ROW + s->at[i][2] + j[2]];
        gradient[0] += g * v[0] * w[1] * w[2];
        gradient[1] += g * w[0] * v[1] * w[2];
        gradient[2] += g * w[0] * w[1] * v[2];
    }
}

/* With a frame of a tilted lattice, and from forces that are not zero; scale: of forces to integers. */
static void check_gather(int order, double scale)
{
    static const double frame[3][3] = {{1.0, -0.25, 0.375}, {0.0, 1.25, -0.5}, {0.0, 0.0, 0.75}};
    const size_t room = (size_t)N * PLANE;
    struct sk_spline spline;
    struct scene *s = scene_new(1.0);
    float *grid = sk_alloc(room, sizeof *grid);
    double to_force[3][3], charge[ATOMS];
    int64_t force[ATOMS][3], other[ATOMS][3];
    int nvariants, has_first = 0;
    const struct sk_kernel_variant *variants = sk_kernel_variants(&nvariants);

    sk_spline_init(&spline, order);
    for (size_t i = 0; i < room; i++)
        grid[i] = (float)(2.0 * uniform() - 1.0);
    for (int i = 0; i < ATOMS; i++)
        charge[i] = 2.0 * uniform() - 1.0;
    for (int k = 0; k < 9; k++)
        to_force[k / 3][k % 3] = scale * frame[k / 3][k % 3];
    for (int k = 0; k < nvariants; k++) {
        if (!variants[k].is_supported())
            continue;
        int64_t(*to)[3] = has_first ? other : force;
        for (int i = 0; i < 3 * ATOMS; i++)
            to[i / 3][i % 3] = i;
        variants[k].gather(&spline, s->atom, ATOMS, &shape, grid, (const double(*)[3])to_force, charge, to);
        if (has_first)
            assert_memory_equal(force, other, sizeof force);
        has_first = 1;
    }
    for (int i = 0; i < ATOMS; i++) {
        double gradient[3];
        gradient_of(s, order, grid, i, gradient);
        for (int d = 0; d < 3; d++) {
            double exact = 0.0;
            for (int e = 0; e < 3; e++)
                exact += charge[i] * gradient[e] * frame[e][d];
            check_near((double)(force[i][d] - (3 * i + d)) / scale, exact, 3e-6 + 0.5 / scale, 0.0);
        }
    }
    sk_free(&grid);
    sk_free(&s);
}

static void test_spread(void **state)
{
    (void)state;
    for (int order = 4; order <= 6; order++)
        check_spread(order);
}

static void test_gather(void **state)
{
    (void)state;
    for (int order = 4; order <= 6; order++)
        for (int bits = 0; bits <= 56; bits += 28) /* the largest are beyond what a sum rounds */
            check_gather(order, ldexp(1.0, bits));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_gather),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
