/* Fragment: Newton on multipliers. Expected: SHAKE and RATTLE bond by bond in long double (constrain/geometries.h),
 * published and analytic pivots, and equal bits over variants and lanes. */
#include "kernel/fragment.h"

#include "check.h"
#include "constrain/emulation.h"

struct scene {
    struct geometry g;
    struct sk_topology top;
    struct sk_graphs graphs;
    struct sk_fragment fragment; /* the whole of component 0 */
    struct sk_fragment_shape shape;
};

static struct scene scene_new(struct geometry g)
{
    struct scene scene = {.g = g};
    geometry_topology(&scene.g, false, &scene.top);
    sk_graphs_init(&scene.graphs, &scene.top, 1e-6);
    sk_graph_whole(&scene.top, &scene.graphs.of[0], 0, 0, &scene.fragment, &scene.shape);
    return scene;
}

static void scene_free(struct scene *scene)
{
    sk_fragment_clear(&scene->fragment, &scene->shape);
    sk_graphs_clear(&scene->graphs);
    sk_topology_clear(&scene->top);
    geometry_clear(&scene->g);
}

enum { KINDS = 8 };
static struct geometry make(int kind)
{
    switch (kind) {
    case 0: return geometry_water();
    case 1: return geometry_methane(9);
    case 2: return geometry_ring(3, 0.15, 12.011);
    case 3: return geometry_ring(6, 0.14, 13.019);
    case 4: return geometry_net(2, 1);
    case 5: return geometry_c60();
    case 6: return geometry_chain(60, 0.0, false);
    default: return geometry_protein(8);
    }
}

static long double (*widen(const struct geometry *g, const double (*y)[3]))[3]
{
    long double(*z)[3] = sk_alloc((size_t)g->natoms, sizeof *z);
    for (int i = 0; i < g->natoms; i++)
        for (int d = 0; d < 3; d++)
            z[i][d] = y[i][d];
    return z;
}

/* The direct solution is the reference's, which took hundreds of sweeps. */
static void test_positions(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        struct scene s = scene_new(make(kind));
        double(*y)[3] = geometry_drift(&s.g), *lambda = sk_calloc((size_t)s.g.nconstraints, sizeof *lambda);
        long double(*z)[3] = widen(&s.g, (const double(*)[3])y);
        struct emulation_result result = emulation_solve(&s.g, (const double(*)[3])y, lambda, lambda, &s.fragment,
                                                         &s.shape, true, 1e-14, 6);
        assert_true(reference_positions(&s.g, (const double(*)[3])s.g.x, z, 1e-16L) > 0);
        assert_true(result.residual <= 1e-14);
        assert_in_range(result.steps, 2, 5);
        check_near(emulation_residual(&s.g, (const double(*)[3])y, lambda, true), 0.0, 2e-14, 0.0);
        check_near(emulation_distance(&s.g, (const double(*)[3])y, lambda, (const long double(*)[3])z), 0.0, 3e-13,
                   0.0);
        sk_free(&z);
        sk_free(&y);
        sk_free(&lambda);
        scene_free(&s);
    }
}

static void test_velocities(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        struct scene s = scene_new(make(kind));
        double(*v)[3] = sk_alloc((size_t)s.g.natoms, sizeof *v);
        double *mu = sk_calloc((size_t)s.g.nconstraints, sizeof *mu);
        for (int i = 0; i < s.g.natoms; i++)
            for (int d = 0; d < 3; d++)
                v[i][d] = geometry_normal();
        long double(*z)[3] = widen(&s.g, (const double(*)[3])v);
        struct emulation_result result = emulation_solve(&s.g, (const double(*)[3])v, mu, mu, &s.fragment, &s.shape,
                                                         false, 0.0, 0);
        assert_true(reference_velocities(&s.g, (const double(*)[3])s.g.x, z, NULL, 1e-16L) > 0);
        /* Velocities are of order 1 and bonds of 0.1. */
        check_near(result.residual, 0.0, 3e-13, 0.0);
        check_near(emulation_residual(&s.g, (const double(*)[3])v, mu, false), 0.0, 3e-13, 0.0);
        check_near(emulation_distance(&s.g, (const double(*)[3])v, mu, (const long double(*)[3])z), 0.0, 3e-12, 0.0);
        sk_free(&z);
        sk_free(&v);
        sk_free(&mu);
        scene_free(&s);
    }
}

/* Eight lanes of one shape, each with its own drift, and what a kernel made of them. */
struct batch {
    const struct sk_fragment_shape *shape;
    void *memory;
    struct sk_fragment_lanes lanes;
};

static struct batch batch_new(const struct sk_fragment_shape *shape)
{
    struct batch batch = {.shape = shape, .memory = sk_calloc(sk_fragment_lanes_bytes(shape), 1)};
    sk_fragment_lanes_place(shape, batch.memory, &batch.lanes);
    return batch;
}

static void batch_run(struct batch *batch, const struct sk_kernel_variant *variant, bool is_positions)
{
    if (is_positions)
        variant->fragment_positions(batch->shape, &batch->lanes, 1e-9, 5);
    else
        variant->fragment_velocities(batch->shape, &batch->lanes);
}

/* Everything that comes out of a lane has the same bits. */
static void assert_same_lane(const struct batch *a, int lane_a, const struct batch *b, int lane_b)
{
    for (int k = 0; k < a->shape->ntotal; k++)
        assert_memory_equal(&a->lanes.lambda[k][lane_a], &b->lanes.lambda[k][lane_b], sizeof(double));
    assert_memory_equal(&a->lanes.residual[lane_a], &b->lanes.residual[lane_b], sizeof(double));
    assert_memory_equal(&a->lanes.pivot[lane_a], &b->lanes.pivot[lane_b], sizeof(double));
    assert_int_equal(a->lanes.steps[lane_a], b->lanes.steps[lane_b]);
}

enum { DRIFTS = SK_FRAGMENT_LANES };
struct drifts {
    double (*y[DRIFTS])[3], *lambda[DRIFTS];
};

static struct drifts drifts_new(const struct geometry *g)
{
    struct drifts drifts;
    for (int d = 0; d < DRIFTS; d++) {
        drifts.y[d] = geometry_drift(g);
        drifts.lambda[d] = sk_alloc((size_t)g->nconstraints, sizeof(double));
        /* The first lane is far off and takes more steps than the others. */
        for (int k = 0; k < g->nconstraints; k++) {
            const struct sk_constraint *c = &g->constraints[k];
            const double scale = 1.0 / (1.0 / g->mass[c->i] + 1.0 / g->mass[c->j]);
            drifts.lambda[d][k] = (d == 0 ? 0.1 : 1e-5) * scale * geometry_normal();
        }
    }
    return drifts;
}

static void drifts_free(struct drifts *drifts)
{
    for (int d = 0; d < DRIFTS; d++) {
        sk_free(&drifts->y[d]);
        sk_free(&drifts->lambda[d]);
    }
}

/* Fragment f of the molecule, lane after lane with the drift that which[] names (-1: a lane of NaN). */
static struct batch batch_load(const struct scene *s, int f, const struct drifts *drifts, const int *which)
{
    const struct sk_fragment *fragment = &s->graphs.of[0].fragments[f];
    struct batch batch = batch_new(&s->graphs.shapes[fragment->shape]);
    for (int lane = 0; lane < SK_FRAGMENT_LANES; lane++) {
        const int drift = which[lane] < 0 ? 0 : which[lane];
        emulation_load(&s->g, (const double(*)[3])drifts->y[drift], drifts->lambda[drift], fragment, batch.shape,
                       &batch.lanes, lane);
        if (which[lane] < 0)
            batch.lanes.p[batch.shape->nwindow / 2][1][lane] = NAN;
    }
    return batch;
}

static void test_variants_and_lanes(void **state)
{
    (void)state;
    static const int orders[4][SK_FRAGMENT_LANES] = {
        {0, 1, 2, 3, 4, 5, 6, 7}, {3, 6, 0, 7, 1, 2, 5, 4}, {0, 0, 0, 5, 5, 5, 5, 1}, {-1, 0, -1, 2, 1, -1, 7, 3}};
    int nvariants;
    const struct sk_kernel_variant *variants = sk_kernel_variants(&nvariants);
    for (int kind = 0; kind < KINDS; kind++) {
        struct scene s = scene_new(kind == KINDS - 1 ? geometry_protein(20) : make(kind));
        struct drifts drifts = drifts_new(&s.g);
        for (int is_positions = 0; is_positions < 2; is_positions++) {
            const int f = s.graphs.of[0].nfragments / 2;
            struct batch expected = batch_load(&s, f, &drifts, orders[0]);
            batch_run(&expected, &variants[0], is_positions);
            for (int lane = 0; is_positions && lane < SK_FRAGMENT_LANES; lane++)
                assert_true(expected.lanes.residual[lane] <= 1e-9);
            if (is_positions && kind >= 5)
                assert_true(expected.lanes.steps[0] > expected.lanes.steps[1]);
            for (int v = 0; v < nvariants; v++)
                for (int o = 0; o < 4 && variants[v].is_supported(); o++) {
                    struct batch batch = batch_load(&s, f, &drifts, orders[o]);
                    batch_run(&batch, &variants[v], is_positions);
                    for (int lane = 0; lane < SK_FRAGMENT_LANES; lane++) {
                        if (orders[o][lane] >= 0)
                            assert_same_lane(&batch, lane, &expected, orders[o][lane]);
                        else
                            assert_true(isnan(batch.lanes.residual[lane]) && batch.lanes.steps[lane] == !is_positions);
                    }
                    sk_free(&batch.memory);
                }
            sk_free(&expected.memory);
        }
        drifts_free(&drifts);
        scene_free(&s);
    }
}

/* A lane that is done keeps its multipliers bit by bit, takes no step, and has pivot 1. */
static void test_done_lanes(void **state)
{
    (void)state;
    static const int order[SK_FRAGMENT_LANES] = {0, 1, 2, 3, 4, 5, 6, 7};
    int nvariants;
    const struct sk_kernel_variant *variants = sk_kernel_variants(&nvariants);
    struct scene s = scene_new(make(7));
    struct drifts drifts = drifts_new(&s.g);
    for (int v = 0; v < nvariants; v++) {
        if (!variants[v].is_supported())
            continue;
        struct batch first = batch_load(&s, 0, &drifts, order), second = batch_load(&s, 0, &drifts, order);
        variants[v].fragment_positions(first.shape, &first.lanes, 1e-9, 0);
        for (int lane = 0; lane < SK_FRAGMENT_LANES; lane++)
            assert_true(first.lanes.steps[lane] == 0 && first.lanes.pivot[lane] == 1.0 &&
                        first.lanes.residual[lane] > 1e-9);
        for (int k = 0; k < first.shape->ntotal; k++)
            assert_memory_equal(first.lanes.lambda[k], second.lanes.lambda[k], sizeof first.lanes.lambda[k]);
        batch_run(&first, &variants[v], true);
        for (int k = 0; k < first.shape->ntotal; k++)
            for (int lane = 0; lane < SK_FRAGMENT_LANES; lane += 2)
                second.lanes.lambda[k][lane] = first.lanes.lambda[k][lane];
        batch_run(&second, &variants[v], true);
        for (int lane = 0; lane < SK_FRAGMENT_LANES; lane++) {
            if (lane % 2)
                assert_same_lane(&first, lane, &second, lane);
            else
                assert_true(second.lanes.steps[lane] == 0 && second.lanes.pivot[lane] == 1.0);
            for (int k = 0; k < first.shape->ntotal; k++)
                assert_memory_equal(&first.lanes.lambda[k][lane], &second.lanes.lambda[k][lane], sizeof(double));
        }
        sk_free(&first.memory);
        sk_free(&second.memory);
    }
    drifts_free(&drifts);
    scene_free(&s);
}

static double pivot_of(struct geometry g)
{
    struct scene s = scene_new(g);
    double *mu = sk_calloc((size_t)s.g.nconstraints, sizeof *mu);
    const double pivot =
        emulation_solve(&s.g, (const double(*)[3])s.g.x, mu, mu, &s.fragment, &s.shape, false, 0.0, 0).pivot;
    sk_free(&mu);
    scene_free(&s);
    return pivot;
}

/* Three atoms of one mass, two bonds and the side across, u the cosine of the angle's supplement. J scaled to a unit
 * diagonal couples the bonds by -u/2 and each with the side by w, w^2 = (1 + u) / 8; the last pivot is the determinant
 * over that of the rows before, two bonds or a bond and the side. */
static void check_bent(double angle)
{
    const double u = -cos(3.141592653589793 * angle / 180.0), w2 = (1.0 + u) / 8.0;
    const double determinant = 1.0 - u * u / 4.0 - 2.0 * w2 - u * w2;
    const double pivot = pivot_of(geometry_chain(3, angle, true));
    if (fabs(pivot * (1.0 - w2) - determinant) > 1e-13)
        check_near(pivot * (1.0 - u * u / 4.0), determinant, 1e-13, 0.0);
}

static void test_pivots(void **state)
{
    (void)state;
    /* Two bonds of equal masses: 1 - u^2 / 4 with the cosine u of their angle. */
    struct geometry g = {0};
    geometry_atom(&g, 0, 0, 0, 10);
    geometry_atom(&g, 0.1, 0, 0, 10);
    geometry_atom(&g, 0.1, 0.1, 0, 10);
    geometry_bond(&g, 0, 1);
    geometry_bond(&g, 1, 2);
    check_near(pivot_of(g), 1.0, 1e-14, 0.0);
    check_near(pivot_of(geometry_chain(3, 120.0, false)), 1.0 - 0.25 * 0.25, 1e-13, 0.0);
    check_near(pivot_of(geometry_methane(9)), 0.22, 0.02, 0.0);            /* the value of the research prototype */
    check_near(pivot_of(geometry_methane(10)), 0.0, 1e-14, 0.0);           /* dependent */
    check_near(pivot_of(geometry_chain(3, 180.0, true)), 0.0, 1e-14, 0.0); /* linear */
    check_bent(120.0);
    check_bent(175.0);
    check_bent(179.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_positions),  cmocka_unit_test(test_velocities), cmocka_unit_test(test_variants_and_lanes),
        cmocka_unit_test(test_done_lanes), cmocka_unit_test(test_pivots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
