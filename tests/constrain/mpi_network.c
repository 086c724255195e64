#include "check.h"

#include <mpi.h>
#include <stdlib.h>

#include "base/math.h"
#include "constrain/geometries.h"
#include "constrain/network.h"
#include "par/mixer.h"

/* Atoms of one molecule are dealt to the ranks by various maps, with no regard to where they are; whatever the map,
 * every atom must get the same bits as on one rank, and what SHAKE in long double says (geometries.h). */

#define EDGE 2.5 /* nm: chains wrap many times */

static struct sk_comm *comm, *self;
static int rank, size;

enum map { BLOCKS, STRIPES, SCATTERED, ONE_HAS_ALL, NMAPS };

static int owner_of(enum map map, int id, int natoms, int nranks)
{
    switch (map) {
    case BLOCKS: return (int)((int64_t)id * nranks / natoms);
    case STRIPES: return id % nranks;
    case SCATTERED: return (int)(mix4(7, (uint64_t)id, 1, 2) % (uint64_t)nranks);
    default: return nranks - 1;
    }
}

static void deal(const struct geometry *g, enum map map, struct sk_comm *on, struct sk_atoms *atoms)
{
    sk_atoms_init(atoms);
    sk_atoms_reserve(atoms, (size_t)g->natoms);
    for (int id = 0; id < g->natoms; id++) {
        if (owner_of(map, id, g->natoms, sk_comm_size(on)) != sk_comm_rank(on))
            continue;
        int i = atoms->n++;
        atoms->id[i] = id;
        for (int d = 0; d < 3; d++) {
            double place = g->x[id][d] / EDGE;
            atoms->x[i][d] = (sk_frac)((place - floor(place)) * 0x1p64);
        }
    }
}

/* What a solution gives: corrections by id (zero where not owned), virial and how it went. */
struct outcome {
    double (*correction)[3];
    sk_int128 virial[3];
    double residual;
    int64_t rounds, repairs;
    enum sk_code code;
    char message[1024];
};

struct problem {
    struct geometry g;
    struct sk_topology top;
    double (*u)[3]; /* by id */
    enum sk_network_what what;
    struct sk_parameters parameters;
};

static void problem_init(struct problem *p, struct geometry g, enum sk_network_what what, double tolerance)
{
    memset(p, 0, sizeof *p);
    p->g = g;
    p->what = what;
    geometry_topology(&p->g, true, &p->top);
    double(*y)[3] = geometry_drift(&p->g);
    for (int i = 0; i < g.natoms; i++)
        for (int d = 0; d < 3; d++)
            y[i][d] = what == SK_NETWORK_POSITIONS ? y[i][d] - p->g.x[i][d] : (y[i][d] - p->g.x[i][d]) / GEOMETRY_DT;
    p->u = y;
    p->parameters.constraints.tolerance = tolerance;
    p->parameters.constraints.max_rounds = 50;
}

static void problem_clear(struct problem *p)
{
    sk_free(&p->u);
    sk_topology_clear(&p->top);
    geometry_clear(&p->g);
}

static void outcome_clear(struct outcome *o)
{
    sk_free(&o->correction);
}

/* Solves on all ranks of `on`, with repair where it must be. */
static void solve(const struct problem *p, enum map map, struct sk_comm *on, struct outcome *o)
{
    struct sk_network network;
    struct sk_atoms atoms;
    struct sk_box box = {.edge = {EDGE, EDGE, EDGE}};
    struct sk_error err = {0};
    memset(o, 0, sizeof *o);
    deal(&p->g, map, on, &atoms);
    sk_network_init(&network, on, &p->top, &p->parameters, sk_kernel_find("auto"));
    o->code = sk_network_rebuild(&network, &atoms, &err);
    double *u = sk_calloc((size_t)atoms.n * 3 + 3, sizeof *u);
    for (int i = 0; i < atoms.n; i++)
        memcpy(u + 3 * i, p->u[atoms.id[i]], sizeof p->u[0]);
    for (int turn = 0; turn < 2 && !o->code; turn++) { /* a second time: nothing may be left of the first */
        sk_network_begin(&network, &atoms, u);
        sk_network_solve(&network, p->what, &atoms, &box, u);
        o->residual = sk_network_check(&network, p->what);
        sk_comm_max_f64(on, &o->residual, 1);
        if (!(o->residual <= network.tolerance))
            o->code = sk_network_repair(&network, p->what, 42, &err);
    }
    o->correction = sk_calloc((size_t)p->g.natoms, sizeof *o->correction);
    for (int m = 0; m < network.nmoved; m++)
        sk_network_correction(&network, m, o->correction[atoms.id[network.moved[m].atom]]);
    sk_network_virial(&network, 1e6, o->virial);
    sk_comm_sum_i128(on, o->virial, 3);
    o->rounds = network.largest_rounds;
    o->repairs = network.repairs;
    memcpy(o->message, err.message, sizeof o->message < sizeof err.message ? sizeof o->message : sizeof err.message);
    sk_free(&u);
    sk_network_clear(&network);
    sk_atoms_clear(&atoms);
}

/* Atoms of this rank whose corrections differ from those of one rank, over all ranks. */
static int64_t count_differences(const struct problem *p, enum map map, const struct outcome *one,
                                 const struct outcome *many)
{
    int64_t differences = memcmp(one->virial, many->virial, sizeof one->virial) != 0;
    for (int id = 0; id < p->g.natoms; id++)
        if (owner_of(map, id, p->g.natoms, size) == rank)
            differences += memcmp(one->correction[id], many->correction[id], sizeof one->correction[id]) != 0;
    sk_comm_sum_i64(comm, &differences, 1);
    return differences;
}

/* Largest distance of a constrained atom from the reference's, in u's units. */
static double reference_error(const struct problem *p, const struct outcome *o)
{
    long double(*y)[3] = sk_alloc((size_t)p->g.natoms, sizeof *y);
    bool is_positions = p->what == SK_NETWORK_POSITIONS;
    for (int i = 0; i < p->g.natoms; i++)
        for (int d = 0; d < 3; d++)
            y[i][d] = (is_positions ? (long double)p->g.x[i][d] : 0) + p->u[i][d];
    int sweeps = is_positions ? reference_positions(&p->g, (const double(*)[3])p->g.x, y, 1e-14L)
                              : reference_velocities(&p->g, (const double(*)[3])p->g.x, y, NULL, 1e-13L);
    double worst = sweeps < 0 ? INFINITY : 0;
    for (int i = 0; i < p->g.natoms; i++)
        for (int d = 0; d < 3; d++) {
            double want = (double)(y[i][d] - (is_positions ? (long double)p->g.x[i][d] : 0) - p->u[i][d]);
            worst = fmax(worst, fabs(o->correction[i][d] - want));
        }
    sk_free(&y);
    return worst;
}

static struct geometry rigid_methane(void)
{
    return geometry_methane(9);
}
static struct geometry ring_3(void)
{
    return geometry_ring(3, 0.15, 12);
}
static struct geometry ring_200(void)
{
    return geometry_ring(200, 0.15, 14);
}
static struct geometry net(void)
{
    return geometry_net(10, 12);
}
static struct geometry free_chain(void)
{
    return geometry_chain(1000, 0, false);
}
static struct geometry protein(void)
{
    return geometry_protein(60);
}

static const struct {
    const char *name;
    struct geometry (*make)(void);
    double accuracy; /* of the correction at 1e-12, nm: bonds by the reference's own conditioning */
} molecules[] = {{"water", geometry_water, 1e-12}, {"methane", rigid_methane, 1e-11}, {"3-ring", ring_3, 1e-12},
                 {"C60", geometry_c60, 1e-11},     {"200-ring", ring_200, 1e-11},     {"net", net, 1e-11},
                 {"chain", free_chain, 1e-11},     {"protein", protein, 1e-11}};
enum { NMOLECULES = sizeof molecules / sizeof *molecules };

static void check_molecule(int m, enum sk_network_what what, double tolerance, enum sk_solver solver, double accuracy)
{
    struct problem p;
    struct outcome one, many;
    geometry_seed = 2026 + (uint64_t)m;
    problem_init(&p, molecules[m].make(), what, tolerance);
    p.parameters.constraints.solver = solver;
    solve(&p, ONE_HAS_ALL, self, &one);
    assert_int_equal(one.code, SK_OK);
    if (accuracy > 0 && reference_error(&p, &one) > accuracy)
        fail_msg("%s at %g: off the reference by %.3g", molecules[m].name, tolerance, reference_error(&p, &one));
    for (enum map map = 0; map < NMAPS; map++) {
        solve(&p, map, comm, &many);
        assert_int_equal(many.code, SK_OK);
        int64_t differences = count_differences(&p, map, &one, &many);
        if (differences)
            fail_msg("%s at %g, map %d: %lld differences from one rank", molecules[m].name, tolerance, (int)map,
                     (long long)differences);
        outcome_clear(&many);
    }
    if (rank == 0 && solver == SK_SOLVER_FRAGMENTS && size == 1)
        printf("%s %g: residual %.2e, %lld rounds, %lld repairs\n", molecules[m].name, tolerance, one.residual,
               (long long)one.rounds, (long long)one.repairs);
    outcome_clear(&one);
    problem_clear(&p);
}

static void positions_have_the_same_bits_on_any_map(void **state)
{
    (void)state;
    for (int m = 0; m < NMOLECULES; m++) {
        check_molecule(m, SK_NETWORK_POSITIONS, 1e-4, SK_SOLVER_FRAGMENTS, 0);
        check_molecule(m, SK_NETWORK_POSITIONS, 1e-8, SK_SOLVER_FRAGMENTS, 0);
        check_molecule(m, SK_NETWORK_POSITIONS, 1e-12, SK_SOLVER_FRAGMENTS, molecules[m].accuracy);
    }
}

static void velocities_have_the_same_bits_on_any_map(void **state)
{
    (void)state;
    for (int m = 0; m < NMOLECULES; m++)
        check_molecule(m, SK_NETWORK_VELOCITIES, 1e-12, SK_SOLVER_FRAGMENTS, 1e-9);
}

static void classic_shake_has_the_same_bits_on_any_map(void **state)
{
    (void)state;
    const int few[] = {0, 2, 3, 7}; /* it is slow */
    for (int f = 0; f < (int)(sizeof few / sizeof *few); f++)
        check_molecule(few[f], SK_NETWORK_POSITIONS, 1e-10, SK_SOLVER_SHAKE, 1e-9);
    check_molecule(3, SK_NETWORK_VELOCITIES, 1e-10, SK_SOLVER_SHAKE, 1e-7);
}

/* A nearly straight rod contracts too slowly over fragments: it is solved as a whole. */
static void a_rod_is_solved_as_a_whole(void **state)
{
    (void)state;
    struct problem p;
    struct outcome one, many;
    geometry_seed = 5;
    problem_init(&p, geometry_chain(150, 178, true), SK_NETWORK_POSITIONS, 1e-6);
    /* at 300 K an atom may move by as much as it stands off the line of its neighbours: then there is no solution */
    for (int i = 0; i < p.g.natoms; i++)
        for (int d = 0; d < 3; d++)
            p.u[i][d] *= 0.2;
    solve(&p, ONE_HAS_ALL, self, &one);
    if (one.code)
        fail_msg("%s", one.message);
    assert_true(one.repairs > 0);
    assert_true(one.rounds < 12);
    for (enum map map = 0; map < NMAPS; map++) {
        solve(&p, map, comm, &many);
        assert_int_equal(many.code, SK_OK);
        assert_int_equal(count_differences(&p, map, &one, &many), 0);
        outcome_clear(&many);
    }
    outcome_clear(&one);
    problem_clear(&p);
}

/* No solution: a bond far longer than its atoms can be brought together along the old directions. */
static void failure_names_the_bond(void **state)
{
    (void)state;
    struct problem p;
    struct outcome many;
    geometry_seed = 9;
    problem_init(&p, free_chain(), SK_NETWORK_POSITIONS, 1e-6);
    for (int d = 0; d < 3; d++)
        p.u[500][d] += 1;
    p.parameters.constraints.max_rounds = 6;
    solve(&p, SCATTERED, comm, &many);
    assert_int_equal(many.code, SK_EPHYSICS);
    assert_non_null(strstr(many.message, "step 42"));
    assert_true(strstr(many.message, "atom 500 ") || strstr(many.message, "atom 501 ") ||
                strstr(many.message, "atom 502 "));
    outcome_clear(&many);
    problem_clear(&p);
}

/* A multiplier that changed on its way is seen by the check of the same step. */
static void a_wrong_multiplier_is_caught(void **state)
{
    (void)state;
    struct problem p;
    struct sk_network network;
    struct sk_atoms atoms;
    struct sk_box box = {.edge = {EDGE, EDGE, EDGE}};
    struct sk_error err;
    geometry_seed = 3;
    problem_init(&p, free_chain(), SK_NETWORK_POSITIONS, 1e-8);
    deal(&p.g, BLOCKS, comm, &atoms); /* by stripes every rank would solve everything */
    sk_network_init(&network, comm, &p.top, &p.parameters, sk_kernel_find("auto"));
    assert_int_equal(sk_network_rebuild(&network, &atoms, &err), SK_OK);
    double *u = sk_calloc((size_t)atoms.n * 3 + 3, sizeof *u);
    for (int i = 0; i < atoms.n; i++)
        memcpy(u + 3 * i, p.u[atoms.id[i]], sizeof p.u[0]);
    for (int is_wrong = 0; is_wrong < 2; is_wrong++) {
        sk_network_begin(&network, &atoms, u);
        sk_network_solve(&network, SK_NETWORK_POSITIONS, &atoms, &box, u);
        for (int t = 0; is_wrong && rank == size - 1 && t < sk_side_items(&network.recv.multipliers); t++)
            network.lambda[network.recv.multipliers.item[t]] *= 1.01;
        /* on one rank nothing travels: a multiplier at the edge of a core */
        const struct sk_fragment *first = &network.graphs.of[0].fragments[size == 1 ? network.windows[0].fragment : 0];
        int row = network.edge_row[network.edge_start[first->shape]];
        if (is_wrong && size == 1)
            network.lambda[network.members[network.windows[0].member + row]] *= 1.01;
        double residual = sk_network_check(&network, SK_NETWORK_POSITIONS);
        sk_comm_max_f64(comm, &residual, 1);
        assert_true(is_wrong ? residual > 1e-8 : residual <= 1e-8);
    }
    sk_free(&u);
    sk_network_clear(&network);
    sk_atoms_clear(&atoms);
    problem_clear(&p);
}

int main(void)
{
    comm = sk_comm_new(NULL);
    MPI_Comm alone = MPI_COMM_SELF;
    self = sk_comm_new(&alone);
    rank = sk_comm_rank(comm);
    size = sk_comm_size(comm);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_have_the_same_bits_on_any_map),
        cmocka_unit_test(velocities_have_the_same_bits_on_any_map),
        cmocka_unit_test(classic_shake_has_the_same_bits_on_any_map),
        cmocka_unit_test(a_rod_is_solved_as_a_whole),
        cmocka_unit_test(failure_names_the_bond),
        cmocka_unit_test(a_wrong_multiplier_is_caught),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sk_comm_free(&self);
    sk_comm_free(&comm);
    return failed;
}
