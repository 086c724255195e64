/* Spreading and gathering. Expected: B-splines by their recursion in double, brute force over points; exact sums of
 * integers; the same bits in all variants. */
#include "kernel/mesh.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "kernel/pair.h"

enum { N = 20, ROW = 24, PLANE = 24 * N, CHUNKS = 5, ATOMS = CHUNKS * SK_MESH_CHUNK - 9 };
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
    struct sk_mesh_chunk chunk[CHUNKS];
    int at[ATOMS][3];
};

static struct scene *scene_new(double scale)
{
    struct scene *s = sk_calloc(1, sizeof *s);
    for (int i = 0; i < ATOMS; i++) {
        struct sk_mesh_chunk *c = &s->chunk[i / SK_MESH_CHUNK];
        const int l = i % SK_MESH_CHUNK;
        c->n = l + 1;
        c->q[l] = (float)((2.0 * uniform() - 1.0) * scale);
        for (int d = 0; d < 3; d++) {
            s->at[i][d] = (int)(uniform() * (N - SK_SPLINE_ORDER));
            c->t[d][l] = i == 0 ? 0.0f : i == 1 ? 1.0f : (float)uniform();
        }
        c->place[l] = s->at[i][0] * PLANE + s->at[i][1] * ROW + s->at[i][2];
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
        variants[k].spread(&spline, s->chunk, CHUNKS, &shape, has_first ? other : grid);
        if (has_first)
            assert_memory_equal(grid, other, room * sizeof *grid);
        has_first = 1;
    }
    for (int i = 0; i < ATOMS; i++) {
        const struct sk_mesh_chunk *c = &s->chunk[i / SK_MESH_CHUNK];
        const int l = i % SK_MESH_CHUNK;
        charge += c->q[l];
        for (int p = 0; p < order * order * order; p++) {
            const int j[3] = {p / order / order, p / order % order, p % order};
            double weight = c->q[l];
            for (int d = 0; d < 3; d++)
                weight *= cardinal(order, c->t[d][l] + order - 1 - j[d]);
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
    for (int i = ATOMS - 1; i >= 0; i--) {
        struct sk_mesh_chunk one = {.n = 1};
        for (int d = 0; d < 3; d++)
            one.t[d][0] = s->chunk[i / SK_MESH_CHUNK].t[d][i % SK_MESH_CHUNK];
        one.q[0] = s->chunk[i / SK_MESH_CHUNK].q[i % SK_MESH_CHUNK];
        one.place[0] = s->chunk[i / SK_MESH_CHUNK].place[i % SK_MESH_CHUNK];
        sk_kernel_find("auto")->spread(&spline, &one, 1, &shape, other);
    }
    assert_memory_equal(grid, other, room * sizeof *grid);
    sk_free(&grid);
    sk_free(&other);
    sk_free(&exact);
    sk_free(&s);
}

static void check_gather(int order)
{
    const size_t room = (size_t)N * PLANE;
    struct sk_spline spline;
    struct scene *s = scene_new(1.0);
    float *grid = sk_alloc(room, sizeof *grid);
    float(*value)[SK_MESH_CHUNK][4] = sk_calloc(CHUNKS, sizeof *value),
    (*other)[SK_MESH_CHUNK][4] = sk_calloc(CHUNKS, sizeof *value);
    int nvariants, has_first = 0;
    const struct sk_kernel_variant *variants = sk_kernel_variants(&nvariants);

    sk_spline_init(&spline, order);
    for (size_t i = 0; i < room; i++)
        grid[i] = (float)(2.0 * uniform() - 1.0);
    for (int k = 0; k < nvariants; k++) {
        if (!variants[k].is_supported())
            continue;
        variants[k].gather(&spline, s->chunk, CHUNKS, &shape, grid, has_first ? other : value);
        if (has_first)
            assert_memory_equal(value, other, CHUNKS * sizeof *value);
        has_first = 1;
    }
    for (int i = 0; i < ATOMS; i++) {
        const struct sk_mesh_chunk *c = &s->chunk[i / SK_MESH_CHUNK];
        const int l = i % SK_MESH_CHUNK;
        double exact[4] = {0.0, 0.0, 0.0, 0.0};
        for (int p = 0; p < order * order * order; p++) {
            const int j[3] = {p / order / order, p / order % order, p % order};
            double w[3], v[3];
            for (int d = 0; d < 3; d++) {
                w[d] = cardinal(order, c->t[d][l] + order - 1 - j[d]);
                v[d] = slope(order, c->t[d][l] + order - 1 - j[d]);
            }
            const double g = grid[(s->at[i][0] + j[0]) * PLANE + (s->at[i][1] + j[1]) * ROW + s->at[i][2] + j[2]];
            exact[0] += g * v[0] * w[1] * w[2];
            exact[1] += g * w[0] * v[1] * w[2];
            exact[2] += g * w[0] * w[1] * v[2];
            exact[3] += g * w[0] * w[1] * w[2];
        }
        for (int d = 0; d < 4; d++)
            check_near(value[i / SK_MESH_CHUNK][l][d], exact[d], 1e-6, 0.0);
    }
    sk_free(&grid);
    sk_free(&value);
    sk_free(&other);
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
        check_gather(order);
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
