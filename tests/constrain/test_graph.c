/* Graph: how constraints are cut. Expected: what the header claims, checked by brute force; what fragments solve
 * together is what bond-by-bond SHAKE and RATTLE in long double solve (geometries.h). */
#include "constrain/graph.h"

#include "check.h"
#include "constrain/emulation.h"

static bool do_share(const struct sk_constraint *a, const struct sk_constraint *b)
{
    return a->i == b->i || a->i == b->j || a->j == b->i || a->j == b->j;
}

/* Distances in the constraint graph from the core of a fragment, by sweeps until nothing changes (-1: never reached).
 */
static void core_distances(const struct geometry *g, const struct sk_graph *graph, int fragment, int *distance)
{
    for (int k = 0; k < g->nconstraints; k++)
        distance[k] = graph->core_of[k] == fragment ? 0 : -1;
    for (int layer = 0, is_growing = 1; is_growing; layer++) {
        is_growing = 0;
        for (int k = 0; k < g->nconstraints; k++)
            for (int l = 0; distance[k] == layer && l < g->nconstraints; l++)
                if (distance[l] < 0 && do_share(&g->constraints[k], &g->constraints[l])) {
                    distance[l] = layer + 1;
                    is_growing = 1;
                }
    }
}

static double coupling(const struct geometry *g, int k, int l)
{
    double sum = 0.0;
    for (int i = 0; i < g->natoms; i++) {
        const struct sk_constraint *a = &g->constraints[k], *b = &g->constraints[l];
        sum += ((i == a->i) - (i == a->j)) * ((i == b->i) - (i == b->j)) / g->mass[i];
    }
    return sum;
}

/* Rows of a shape: all that share an atom, ascending in the template, inside the envelope. */
static void check_shape(const struct geometry *g, const struct sk_fragment *fragment,
                        const struct sk_fragment_shape *shape)
{
    assert_int_equal(shape->neighbour_start[0], 0);
    assert_int_equal(shape->row_start[0], 0);
    for (int k = 0; k < shape->nwindow; k++) {
        const int constraint = fragment->constraint[k];
        const double length = g->constraints[constraint].length;
        int found = 0, last = -1;
        assert_true(shape->length2[k] == length * length);
        assert_true(shape->first[k] >= 0 && shape->first[k] <= k);
        assert_int_equal(shape->row_start[k + 1] - shape->row_start[k], k - shape->first[k]);
        for (int n = shape->neighbour_start[k]; n < shape->neighbour_start[k + 1]; n++) {
            const int l = shape->neighbour[n];
            assert_in_range(l, 0, shape->ntotal - 1);
            assert_true(fragment->constraint[l] > last);
            last = fragment->constraint[l];
            assert_true(do_share(&g->constraints[constraint], &g->constraints[last]));
            check_near(shape->coupling[n], coupling(g, constraint, last), 0.0, 1e-15);
            assert_true(l >= k || l >= shape->first[k]);
        }
        for (int l = 0; l < g->nconstraints; l++)
            found += do_share(&g->constraints[constraint], &g->constraints[l]);
        assert_int_equal(found, shape->neighbour_start[k + 1] - shape->neighbour_start[k]);
    }
}

static void check_fragment(const struct geometry *g, const struct sk_graphs *graphs, const struct sk_moltype *type,
                           int f)
{
    const struct sk_graph *graph = &graphs->of[0];
    const struct sk_fragment *fragment = &graph->fragments[f];
    const struct sk_fragment_shape *shape = &graphs->shapes[fragment->shape];
    int *distance = sk_alloc((size_t)g->nconstraints, sizeof *distance), nwindow = 0, ntotal = 0, ncore = 0;
    int anchor = -1;
    bool is_local = true;
    core_distances(g, graph, f, distance);
    for (int k = 0; k < g->nconstraints; k++) {
        ncore += distance[k] == 0;
        nwindow += distance[k] >= 0 && distance[k] <= graphs->overlap;
        ntotal += distance[k] >= 0 && distance[k] <= graphs->overlap + 1;
    }
    for (int k = 0, core = 0; k < g->nconstraints; k++)
        if (distance[k] == 0 && core++ == ncore / 2)
            anchor = g->constraints[k].i;
    assert_int_equal(shape->nwindow, nwindow);
    assert_int_equal(shape->ntotal, ntotal);
    assert_int_equal(fragment->ncore, ncore);
    assert_in_range(ncore, 1, SK_FRAGMENT_MOST);
    assert_int_equal(fragment->anchor, anchor);
    for (int k = 0; k < ntotal; k++) {
        const int constraint = fragment->constraint[k];
        assert_true(k < nwindow ? distance[constraint] <= graphs->overlap && distance[constraint] >= 0
                                : distance[constraint] == graphs->overlap + 1);
        if (k < nwindow)
            assert_int_equal(shape->is_core[k], distance[constraint] == 0);
        assert_int_equal(graph->component_of[constraint], fragment->component);
        distance[constraint] = -2; /* once only: the next time it fails above */
        is_local = is_local && type->group_of[g->constraints[constraint].i] == type->group_of[anchor] &&
                   type->group_of[g->constraints[constraint].j] == type->group_of[anchor];
    }
    assert_int_equal(fragment->is_local, is_local);
    check_shape(g, fragment, shape);
    sk_free(&distance);
}

/* Lists by place against a search of everything; colours; components. */
static void check_lists(const struct geometry *g, const struct sk_graph *graph)
{
    for (int i = 0; i < g->natoms; i++) {
        int at = graph->atom_start[i], touched = 0;
        for (int k = 0; k < g->nconstraints; k++)
            if (g->constraints[k].i == i || g->constraints[k].j == i)
                assert_int_equal(graph->atom_constraint[at++], k);
        assert_int_equal(at, graph->atom_start[i + 1]);
        for (int f = 0; f < graph->nfragments; f++) {
            bool is_touched = false;
            for (int e = graph->atom_start[i]; e < at; e++)
                is_touched = is_touched || graph->core_of[graph->atom_constraint[e]] == f;
            if (is_touched)
                assert_int_equal(graph->atom_fragment[graph->atom_fragment_start[i] + touched++], f);
        }
        assert_int_equal(touched, graph->atom_fragment_start[i + 1] - graph->atom_fragment_start[i]);
    }
    for (int k = 0; k < g->nconstraints; k++) {
        int least = 0, size = 0;
        for (int l = 0; l < g->nconstraints; l++) {
            if (l != k && do_share(&g->constraints[k], &g->constraints[l])) {
                assert_true(graph->colour[k] != graph->colour[l]);
                assert_int_equal(graph->component_of[k], graph->component_of[l]);
                least += l < k;
            }
            size += graph->component_of[k] == graph->component_of[l];
        }
        assert_in_range(graph->colour[k], 0, least); /* greedy: no more colours than neighbours before it */
        assert_true(graph->colour[k] < graph->ncolours);
        assert_int_equal(graph->component_size[graph->component_of[k]], size);
        assert_true(graph->component_lowest[graph->component_of[k]] <= g->constraints[k].i);
    }
    for (int c = 1; c < graph->ncomponents; c++)
        assert_true(graph->component_lowest[c] > graph->component_lowest[c - 1]);
}

/* Two molecules of one template, the second after the first. */
static struct geometry join(struct geometry a, struct geometry b)
{
    const int shift = a.natoms;
    for (int i = 0; i < b.natoms; i++)
        geometry_atom(&a, b.x[i][0] + 10.0, b.x[i][1], b.x[i][2], b.mass[i]);
    for (int k = 0; k < b.nconstraints; k++)
        geometry_bond(&a, b.constraints[k].i + shift, b.constraints[k].j + shift);
    geometry_clear(&b);
    return a;
}

static void test_cut(void **state)
{
    (void)state;
    for (int kind = 0; kind < 9; kind++) {
        struct geometry g = kind == 0   ? geometry_water()
                            : kind == 1 ? geometry_methane(9)
                            : kind == 2 ? geometry_c60()
                            : kind == 3 ? geometry_net(6, 6)
                            : kind == 4 ? geometry_protein(25)
                            : kind == 5 ? geometry_chain(65, 111.0, false)
                            : kind == 6 ? geometry_chain(300, 170.0, true)
                            : kind == 7 ? join(geometry_protein(9), geometry_water())
                                        : join(geometry_ring(70, 0.15, 12.0), geometry_methane(9));
        struct sk_topology top;
        struct sk_graphs graphs;
        geometry_topology(&g, kind % 2 == 0, &top);
        sk_graphs_init(&graphs, &top, kind % 3 == 0 ? 1e-4 : 1e-6);
        const struct sk_graph *graph = &graphs.of[0];
        assert_int_equal(graphs.overlap, kind % 3 == 0 ? 8 : 12);
        assert_int_equal(graph->ncomponents, kind < 7 ? 1 : 2);
        bool has_remote = false;
        for (int f = 0; f < graph->nfragments; f++) {
            check_fragment(&g, &graphs, &top.moltypes[0], f);
            has_remote = has_remote || !graph->fragments[f].is_local;
            if (graph->component_size[graph->fragments[f].component] <= SK_FRAGMENT_CORE)
                assert_int_equal(graph->fragments[f].ncore, graph->component_size[graph->fragments[f].component]);
        }
        assert_int_equal(graphs.has_remote, has_remote);
        assert_int_equal(graphs.has_remote, kind != 1); /* five atoms are owned as one, but kind 0 is split */
        check_lists(&g, graph);
        sk_graphs_clear(&graphs);
        sk_topology_clear(&top);
        geometry_clear(&g);
    }
}

/* Equal stretches give equal shapes, and no stretch is tiny. */
static void test_polymer_shapes(void **state)
{
    (void)state;
    for (int has_side = 0; has_side < 2; has_side++) {
        struct geometry g = {0};
        for (int i = 0; i < 10000; i++) {
            const int bead = geometry_atom(&g, 0.15 * i, 0.0, 0.0, 14.0);
            if (i > 0)
                geometry_bond(&g, has_side ? bead - 2 : bead - 1, bead);
            if (has_side)
                geometry_bond(&g, bead, geometry_atom(&g, 0.15 * i, 0.1, 0.0, 1.0));
        }
        for (int k = 0; k < g.nconstraints; k++)
            g.constraints[k].length = g.mass[g.constraints[k].j] > 2.0 ? 0.15 : 0.1;
        struct sk_topology top;
        struct sk_graphs graphs;
        geometry_topology(&g, false, &top);
        sk_graphs_init(&graphs, &top, 1e-6);
        assert_in_range(graphs.nshapes, 2, 6);
        assert_in_range(graphs.of[0].nfragments, g.nconstraints / SK_FRAGMENT_CORE,
                        g.nconstraints / SK_FRAGMENT_CORE + 1);
        for (int f = 0; f < graphs.of[0].nfragments; f++)
            assert_in_range(graphs.of[0].fragments[f].ncore, SK_FRAGMENT_TINY, SK_FRAGMENT_MOST);
        sk_graphs_clear(&graphs);
        sk_topology_clear(&top);
        geometry_clear(&g);
    }
}

/* A type without constraints, and shapes shared between types. */
static void test_types(void **state)
{
    (void)state;
    struct geometry g = geometry_protein(12);
    struct sk_topology top;
    struct sk_graphs graphs;
    geometry_topology(&g, false, &top);
    struct sk_moltype *types = sk_calloc(3, sizeof *types);
    struct sk_error err;
    types[1] = types[2] = top.moltypes[0];
    types[0] = (struct sk_moltype){.natoms = 7, .atoms = sk_calloc(7, sizeof *types[0].atoms)};
    assert_int_equal(sk_moltype_finish(&types[0], &err), SK_OK);
    struct sk_topology three = top;
    three.nmoltypes = 3;
    three.moltypes = types;
    sk_graphs_init(&graphs, &three, 1e-10);
    assert_int_equal(graphs.of[0].nfragments, 0);
    assert_int_equal(graphs.of[0].ncomponents, 0);
    assert_int_equal(graphs.of[0].atom_start[7], 0);
    assert_int_equal(graphs.of[0].atom_fragment_start[7], 0);
    assert_int_equal(graphs.nshapes, graphs.of[1].nfragments);
    for (int f = 0; f < graphs.of[1].nfragments; f++)
        assert_int_equal(graphs.of[1].fragments[f].shape, graphs.of[2].fragments[f].shape);
    sk_graphs_clear(&graphs);
    /* The first alone frees with a topology of its own; the other two are one and the same. */
    top.moltypes[0] = types[0];
    types[0] = types[1];
    top.nmoltypes = 1;
    sk_topology_clear(&top);
    top = (struct sk_topology){.nmoltypes = 1, .moltypes = types};
    sk_topology_clear(&top);
    geometry_clear(&g);
}

enum { FLEXIBLE = 4 };
static struct geometry make_flexible(int kind)
{
    switch (kind) {
    case 0: return geometry_protein(60);
    case 1: return geometry_chain(1000, 0.0, false);
    case 2: return geometry_chain(1000, 111.0, false);
    default: return geometry_c60();
    }
}

/* As many solves as sk_graph_solves says meet the tolerance in chains, proteins and cages, of positions and of
 * velocities (error of the bond over a time step), and more of them end at the reference. */
static void test_convergence(void **state)
{
    (void)state;
    static const double tolerances[] = {1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12};
    for (int kind = 0; kind < FLEXIBLE; kind++) {
        struct geometry g = make_flexible(kind);
        struct sk_topology top;
        geometry_topology(&g, false, &top);
        double(*y)[3] = geometry_drift(&g), (*v)[3] = sk_alloc((size_t)g.natoms, sizeof *v);
        long double(*z)[3] = sk_alloc((size_t)g.natoms, sizeof *z);
        double *lambda = sk_alloc((size_t)g.nconstraints, sizeof *lambda);
        for (int i = 0; i < g.natoms; i++)
            for (int d = 0; d < 3; d++) {
                z[i][d] = y[i][d];
                v[i][d] = sqrt(GEOMETRY_KT / g.mass[i]) * geometry_normal();
            }
        assert_true(reference_positions(&g, (const double(*)[3])g.x, z, 1e-15L) > 0);
        for (int t = 0; t < (int)(sizeof tolerances / sizeof *tolerances); t++) {
            const double tolerance = tolerances[t];
            struct sk_graphs graphs;
            sk_graphs_init(&graphs, &top, tolerance);
            memset(lambda, 0, (size_t)g.nconstraints * sizeof *lambda);
            for (int n = 0; n < sk_graph_solves(tolerance); n++)
                emulation_round(&g, &graphs, (const double(*)[3])v, lambda, false, 0.0, 0);
            assert_true(GEOMETRY_DT * emulation_residual(&g, (const double(*)[3])v, lambda, false) <= tolerance);
            memset(lambda, 0, (size_t)g.nconstraints * sizeof *lambda);
            for (int n = 0; n < sk_graph_solves(tolerance); n++)
                emulation_round(&g, &graphs, (const double(*)[3])y, lambda, true, 0.03 * tolerance, 8);
            assert_true(emulation_residual(&g, (const double(*)[3])y, lambda, true) <= tolerance);
            for (int n = 0; n < 2; n++)
                emulation_round(&g, &graphs, (const double(*)[3])y, lambda, true, 1e-15, 3);
            check_near(emulation_residual(&g, (const double(*)[3])y, lambda, true), 0.0, 1e-13, 0.0);
            check_near(emulation_distance(&g, (const double(*)[3])y, lambda, (const long double(*)[3])z), 0.0, 1e-11,
                       0.0);
            sk_graphs_clear(&graphs);
        }
        sk_free(&lambda);
        sk_free(&z);
        sk_free(&v);
        sk_free(&y);
        sk_topology_clear(&top);
        geometry_clear(&g);
    }
}

/* Almost straight chains contract slowly, nets not fast; the whole is solved in a few steps all the same. */
static void test_slow(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct geometry g = kind == 0   ? geometry_chain(300, 178.0, false)
                            : kind == 1 ? geometry_chain(300, 170.0, true)
                                        : geometry_net(11, 11);
        const double slow[3] = {0.1, 1e-3, 1e-3}, fast[3] = {0.95, 0.5, 0.5};
        struct sk_topology top;
        struct sk_graphs graphs;
        struct sk_fragment fragment;
        struct sk_fragment_shape shape;
        geometry_topology(&g, false, &top);
        sk_graphs_init(&graphs, &top, 1e-6);
        double(*y)[3] = emulation_drift(&g, &top, &graphs);
        double *lambda = sk_calloc((size_t)g.nconstraints, sizeof *lambda), before, after = 0.0;
        for (int n = 0; n < 5; n++) {
            before = after;
            emulation_round(&g, &graphs, (const double(*)[3])y, lambda, true, 1e-15, 8);
            after = emulation_residual(&g, (const double(*)[3])y, lambda, true);
            if (n > 1)
                assert_true(after > slow[kind] * before && after < fast[kind] * before);
        }
        memset(lambda, 0, (size_t)g.nconstraints * sizeof *lambda);
        sk_graph_whole(&top, &graphs.of[0], 0, 0, &fragment, &shape);
        assert_int_equal(shape.nwindow, g.nconstraints);
        assert_int_equal(shape.ntotal, g.nconstraints);
        assert_int_equal(fragment.ncore, g.nconstraints);
        check_shape(&g, &fragment, &shape);
        const struct emulation_result result = emulation_solve(&g, (const double(*)[3])y, lambda, lambda, &fragment,
                                                               &shape, true, 3e-8, 8);
        assert_in_range(result.steps, 2, 4);
        assert_true(emulation_residual(&g, (const double(*)[3])y, lambda, true) <= 1e-7);
        sk_fragment_clear(&fragment, &shape);
        sk_free(&lambda);
        sk_free(&y);
        sk_graphs_clear(&graphs);
        sk_topology_clear(&top);
        geometry_clear(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),         cmocka_unit_test(test_polymer_shapes), cmocka_unit_test(test_types),
        cmocka_unit_test(test_convergence), cmocka_unit_test(test_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
