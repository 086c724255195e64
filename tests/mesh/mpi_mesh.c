/* The reciprocal sum over ranks. Expected: explicit sums over wave vectors (explicit.h) within the error of the grid;
 * the same bits on one rank and on any layout, with atoms anywhere, by any kernel variant. */
#include "mesh/mesh.h"

#include <mpi.h>

#include "mesh/explicit.h"

static struct sk_comm *comm, *self;
static int rank, size;

#define FORCE_SCALE  0x1p30
#define ENERGY_SCALE 4294967296.0

/* Forces by id, sums of all ranks. */
struct outcome {
    sk_fixed (*force)[3];
    struct sk_mesh_sums sums;
    int lost;
};

struct job {
    const struct charges *c;
    struct sk_mesh_plan plan;
    int parts[2];
    const struct sk_kernel_variant *variant;
    enum deal { BLOCKS, STRIPES, ONE_HAS_ALL, NDEALS } deal;
    double reach, shift; /* atoms move by shift (fractions) after assign */
    double force_scale;
};

static int owner_of(enum deal deal, int i, int n, int nranks)
{
    return deal == BLOCKS ? (int)((int64_t)i * nranks / n) : deal == STRIPES ? i % nranks : nranks - 1;
}

static struct outcome run(struct sk_comm *on, const struct job *job)
{
    const struct charges *c = job->c;
    const int nranks = sk_comm_size(on), me = sk_comm_rank(on);
    struct sk_mesh_setup setup = {
        .plan = job->plan, .coulomb = 1.0, .parts = {job->parts[0], job->parts[1]}, .tag = 3, .variant = job->variant};
    struct outcome o = {.force = sk_calloc((size_t)c->n, sizeof *o.force)};
    sk_frac(*x)[3] = sk_alloc((size_t)c->n, sizeof *x);
    sk_fixed(*force)[3] = sk_calloc((size_t)c->n, sizeof *force);
    double *q = sk_alloc((size_t)c->n, sizeof *q), reach[3] = {job->reach, job->reach, job->reach};
    int *id = sk_alloc((size_t)c->n, sizeof *id), n = 0;
    for (int i = 0; i < c->n; i++)
        if (owner_of(job->deal, i, c->n, nranks) == me) {
            for (int d = 0; d < 3; d++) /* back along the shift, so that all jobs end at the same places */
                x[n][d] = c->x[i][d] - (sk_frac)(int64_t)(job->shift * 0x1p64);
            q[n] = c->q[i];
            id[n++] = i;
        }
    struct sk_mesh *mesh = sk_mesh_new(on, &setup);
    sk_mesh_set_lattice(mesh, c->lattice);
    sk_mesh_assign(mesh, n, (const sk_frac(*)[3])x, reach);
    for (int i = 0; i < n; i++)
        memcpy(x[i], c->x[id[i]], sizeof *x);
    for (int round = 0; round < 2; round++) { /* the second must not see the first */
        memset(&o.sums, 0, sizeof o.sums);
        memset(force, 0, (size_t)c->n * sizeof *force);
        o.lost = sk_mesh_begin(mesh, n, (const sk_frac(*)[3])x, q);
        bool is_fine = sk_mesh_solve(mesh, &o.sums);
        sk_mesh_end(mesh, job->force_scale, force);
        int64_t bad = !is_fine;
        sk_comm_max_i64(on, &bad, 1);
        assert_int_equal(bad, 0);
    }
    sk_mesh_free(&mesh);
    for (int i = 0; i < n; i++)
        memcpy(o.force[id[i]], force[i], sizeof *force);
    sk_comm_sum_i64(on, &o.force[0][0], 3 * c->n);
    sk_comm_sum_i128(on, &o.sums.energy, 1);
    sk_comm_sum_i128(on, o.sums.virial, 6);
    int64_t lost = o.lost;
    sk_comm_sum_i64(on, &lost, 1);
    o.lost = (int)lost;
    sk_free(&x);
    sk_free(&force);
    sk_free(&q);
    sk_free(&id);
    return o;
}

static struct job job_of(const struct charges *c, int nx, int ny, int nz, int order, double beta)
{
    return (struct job){.c = c,
                        .plan = {{nx, ny, nz}, order, beta},
                        .variant = sk_kernel_find("auto"),
                        .deal = BLOCKS,
                        .force_scale = FORCE_SCALE};
}

static const double rectangular[3][3] = {{2.1, 0, 0}, {0, 1.9, 0}, {0, 0, 2.3}};
static const double oblique[3][3] = {{2.2, 0, 0}, {0.7, 2.0, 0}, {-0.8, 0.9, 1.9}};

/* Relative errors against the explicit sums. */
static void compare(const double lattice[3][3], int order, int points, double force_error, double energy_error)
{
    struct charges c = charges_new(50, lattice, 7);
    const int limit[3] = {13, 13, 13};
    struct explicit_sums sums = {.force = sk_calloc((size_t)c.n, sizeof *sums.force)};
    double difference = 0.0, all = 0.0, virial_size = 0.0;
    explicit_reciprocal(&c, 3.0, limit, &sums);
    struct job job = job_of(&c, points, points, points, order, 3.0);
    struct outcome o = run(comm, &job);
    for (int i = 0; i < c.n; i++)
        for (int d = 0; d < 3; d++) {
            const double error = (double)o.force[i][d] / FORCE_SCALE - sums.force[i][d];
            difference += error * error;
            all += sums.force[i][d] * sums.force[i][d];
        }
    for (int k = 0; k < 3; k++)
        virial_size += fabs(sums.virial[k]);
    if (rank == 0)
        print_message("order %d, %d points: force error %.2e, energy %.2e, virial %.2e\n", order, points,
                      sqrt(difference / all), (double)o.sums.energy / ENERGY_SCALE / sums.energy - 1,
                      ((double)o.sums.virial[3] / ENERGY_SCALE - sums.virial[3]) / virial_size);
    assert_true(sqrt(difference / all) < force_error);
    check_near((double)o.sums.energy / ENERGY_SCALE, sums.energy, 0.0, energy_error);
    for (int k = 0; k < 6; k++)
        check_near((double)o.sums.virial[k] / ENERGY_SCALE, sums.virial[k], energy_error * virial_size, 0.0);
    sk_free(&o.force);
    sk_free(&sums.force);
    charges_free(&c);
}

/* The error of order p goes with (spacing)^p until the rounding of floats and of the grid is left. */
static void agrees_with_explicit_sums(void **state)
{
    (void)state;
    compare(rectangular, 4, 32, 5e-4, 3e-4);
    compare(rectangular, 5, 42, 1e-5, 1e-5);
    compare(rectangular, 6, 64, 2e-6, 1e-6);
    compare(oblique, 4, 32, 1e-3, 1e-3);
    compare(oblique, 6, 64, 2e-6, 1e-6);
}

static int differs(const struct outcome *a, const struct outcome *b, int n)
{
    return memcmp(a->force, b->force, (size_t)n * sizeof *a->force) != 0 || a->sums.energy != b->sums.energy ||
           memcmp(a->sums.virial, b->sums.virial, sizeof a->sums.virial) != 0;
}

/* Grids that no number of ranks divides, smaller than a tile and several tiles large, odd and even. */
static void bits_do_not_depend_on_the_layout(void **state)
{
    (void)state;
    static const int grids[][4] = {{28, 28, 28, 4}, {26, 33, 20, 5}, {15, 12, 49, 6}, {6, 8, 7, 4}, {35, 54, 40, 6}};
    int nvariants, njobs = 0;
    const struct sk_kernel_variant *variants = sk_kernel_variants(&nvariants);
    for (size_t g = 0; g < sizeof grids / sizeof grids[0]; g++) {
        struct charges c = charges_new(g == 3 ? 1 : 83, g % 2 ? oblique : rectangular, 11 + g);
        struct job job = job_of(&c, grids[g][0], grids[g][1], grids[g][2], grids[g][3], 2.5);
        struct outcome one = run(self, &job);
        assert_int_equal(one.lost, 0);
        for (int p = 0; p <= size; p++)
            for (int q = p ? 1 : 0; q * p <= size && (p > 0 || q == 0); q++) {
                const struct sk_mesh_layout layout = {{grids[g][0], grids[g][1], grids[g][2]}, {p, q}};
                if (p > 0 && !sk_mesh_layout_fits(&layout, size))
                    continue;
                job.parts[0] = p; /* 0 0: as the mesh chooses */
                job.parts[1] = q;
                job.deal = (enum deal)(njobs % NDEALS);
                do { /* a different variant on each rank */
                    job.variant = &variants[(rank + njobs++) % nvariants];
                } while (!job.variant->is_supported());
                job.reach = njobs % 3 * 0.03;
                job.shift = njobs % 2 ? job.reach * 0.99 : -job.reach * 0.99;
                struct outcome all = run(comm, &job);
                assert_int_equal(all.lost, 0);
                if (differs(&one, &all, c.n))
                    print_error("grid %d %d %d, %d x %d parts, deal %d\n", grids[g][0], grids[g][1], grids[g][2], p, q,
                                (int)job.deal);
                assert_false(differs(&one, &all, c.n));
                sk_free(&all.force);
                if (p == 0)
                    break;
            }
        sk_free(&one.force);
        charges_free(&c);
    }
}

/* An atom that has left the tiles of its rank is reported, and nobody waits for it. */
/* A rank that is alone has all points. */
static void atoms_out_of_reach_are_counted(void **state)
{
    (void)state;
    struct charges c = charges_new(7, rectangular, 3);
    struct job job = job_of(&c, 64, 64, 64, 4, 2.5);
    job.shift = 0.3;
    struct outcome o = run(comm, &job);
    assert_int_equal(o.lost > 0, size > 1);
    sk_free(&o.force);
    charges_free(&c);
}

/* Forces are minus the gradient of the energy: central differences in the place of an atom. */
static void forces_are_the_gradient(void **state)
{
    (void)state;
    struct charges c = charges_new(20, rectangular, 5);
    struct job job = job_of(&c, 32, 32, 32, 6, 2.5);
    struct outcome o = run(comm, &job);
    const double step = 1e-3;
    for (int d = 0; d < 3; d++) {
        double energy[2];
        const sk_frac before = c.x[4][d];
        for (int k = 0; k < 2; k++) {
            c.x[4][d] = before + (sk_frac)(int64_t)((k ? step : -step) / rectangular[d][d] * 0x1p64);
            struct outcome moved = run(comm, &job);
            energy[k] = (double)moved.sums.energy / ENERGY_SCALE;
            sk_free(&moved.force);
        }
        c.x[4][d] = before;
        check_near((double)o.force[4][d] / FORCE_SCALE, -(energy[1] - energy[0]) / (2 * step), 3e-4, 1e-4);
    }
    sk_free(&o.force);
    charges_free(&c);
}

/* More charge than the scale was chosen for is noticed where the grid point is. */
static void crowds_are_noticed(struct sk_mesh *mesh, const struct charges *c)
{
    sk_fixed force[1][3] = {{0, 0, 0}};
    for (int i = 0; i < c->n; i++)
        c->q[i] = 400.0 / size;
    sk_mesh_begin(mesh, 1, (const sk_frac(*)[3])c->x, c->q);
    int64_t crowds = !sk_mesh_solve(mesh, NULL);
    sk_mesh_end(mesh, 1.0, force);
    sk_comm_max_i64(comm, &crowds, 1);
    assert_int_equal(crowds, 1);
}

/* A charge on every rank, all at one grid point, where the weight is (2/3)^3: with 18, 119, 889 and 1185 e there. */
static void scale_follows_the_charges(void **state)
{
    (void)state;
    static const double charge[] = {60.0, 400.0, 3000.0, 4000.0};
    const double none[3] = {0, 0, 0};
    const int limit[3] = {11, 11, 11};
    struct sk_error err;
    struct charges c = charges_new(size, rectangular, 9);
    struct sk_mesh_setup setup = {.plan = {{24, 24, 24}, 4, 2.0}, .coulomb = 1.0, .variant = sk_kernel_find("auto")};
    struct sk_mesh *mesh = sk_mesh_new(comm, &setup);
    memset(c.x, 0, (size_t)c.n * sizeof *c.x);
    sk_mesh_set_lattice(mesh, c.lattice);
    sk_mesh_assign(mesh, 1, (const sk_frac(*)[3])c.x, none);
    for (int k = 0; k < 4; k++) {
        struct sk_mesh_sums sums = {0};
        sk_fixed force[1][3] = {{0, 0, 0}};
        for (int i = 0; i < c.n; i++)
            c.q[i] = charge[k] / size;
        const enum sk_code code = sk_mesh_choose_charge_bits(mesh, 1, (const sk_frac(*)[3])c.x, c.q, &err);
        assert_int_equal(code, k == 3 ? SK_EINPUT : SK_OK);
        if (k == 3)
            continue;
        assert_int_equal(sk_mesh_charge_bits(mesh), k == 0 ? 24 : 20);
        sk_mesh_begin(mesh, 1, (const sk_frac(*)[3])c.x, c.q);
        assert_true(sk_mesh_solve(mesh, &sums));
        sk_mesh_end(mesh, 1.0, force);
        sk_comm_sum_i128(comm, &sums.energy, 1);
        struct explicit_sums expected = {.force = sk_calloc((size_t)c.n, sizeof *expected.force)};
        explicit_reciprocal(&c, 2.0, limit, &expected);
        check_near((double)sums.energy / ENERGY_SCALE, expected.energy, 0.0, 3e-3); /* the error of this grid */
        sk_free(&expected.force);
        if (k == 0)
            crowds_are_noticed(mesh, &c);
    }
    sk_mesh_free(&mesh);
    charges_free(&c);
}

int main(void)
{
    comm = sk_comm_new(NULL);
    MPI_Comm alone = MPI_COMM_SELF;
    self = sk_comm_new(&alone);
    rank = sk_comm_rank(comm);
    size = sk_comm_size(comm);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_explicit_sums),      cmocka_unit_test(bits_do_not_depend_on_the_layout),
        cmocka_unit_test(atoms_out_of_reach_are_counted), cmocka_unit_test(forces_are_the_gradient),
        cmocka_unit_test(scale_follows_the_charges),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sk_comm_free(&self);
    sk_comm_free(&comm);
    return failed;
}
