/* Water, 1000 molecules, Coulomb and Lennard-Jones forces by brute force beside the mesh; 8000 molecules, mesh alone.
 * Expected: gmx_d 2022.5, systems/spce and tip3p, variant ref (rc 0.9, beta 3.470459, order 4, 28^3 and 52^3 points;
 * `Coul. recip.` is the mesh sum alone, `Coulomb (SR)` has the pairs, excluded pairs and self energy, shifted to zero
 * at the cutoff). */
#include "kernel/ewald_table.h"
#include "mesh/ewald.h"
#include "mesh/mesh.h"

#include <stdlib.h>

#include "base/memory.h"
#include "geom/units.h"
#include "read/files.h"

static struct sk_comm *comm;

#define CUTOFF 0.9
#define SCALE  0x1p32

struct model {
    const char *folder, *size;
    int natoms, points;
    double oxygen, sigma, depth, recip, short_range;
};
static const struct model models[] = {
    {"spce", "3k", 3000, 28, -0.8476, 0.316557, 0.650629, 329.156886156293, -55923.795098510622},
    {"tip3p", "3k", 3000, 28, -0.834, 0.315061, 0.636386, 404.972903902962, -46068.073936337045},
    {"spce", "24k", 24000, 52, -0.8476, 0.316557, 0.650629, 2795.276528330436, 0.0}};

struct water {
    const struct model *model;
    int n;
    double edge, *charge, (*force)[3], (*expected)[3];
    sk_frac (*x)[3];
};

static FILE *water_open(const struct water *w, const char *pattern)
{
    char name[128];
    snprintf(name, sizeof name, pattern, w->model->folder, w->model->size);
    const char *path = files_system(name);
    return path ? fopen(path, "r") : NULL;
}

static bool water_read(struct water *w)
{
    char line[256];
    FILE *in = water_open(w, "%s/conf-%s.gro.xz");
    if (!in)
        return false;
    double(*place)[3] = sk_alloc((size_t)w->n, sizeof *place);
    for (int i = 0; i < 2; i++)
        assert_non_null(fgets(line, sizeof line, in));
    for (int i = 0; i < w->n; i++) {
        assert_non_null(fgets(line, sizeof line, in));
        assert_int_equal(sscanf(line + 20, "%lf%lf%lf", &place[i][0], &place[i][1], &place[i][2]), 3);
        w->charge[i] = i % 3 ? -0.5 * w->model->oxygen : w->model->oxygen;
    }
    assert_int_equal(fscanf(in, "%lf", &w->edge), 1);
    fclose(in);
    for (int i = 0; i < w->n; i++)
        for (int d = 0; d < 3; d++) {
            const double s = place[i][d] / w->edge, fraction = s - floor(s);
            w->x[i][d] = fraction < 1.0 ? (sk_frac)(fraction * 0x1p64) : 0;
        }
    sk_free(&place);
    in = water_open(w, "%s/ref/%s-ref.forces.txt.xz");
    assert_non_null(in);
    for (int n = 0; fgets(line, sizeof line, in);) {
        int id;
        double f[3];
        if (sscanf(line, "%d%lf%lf%lf", &id, &f[0], &f[1], &f[2]) == 4) {
            memcpy(w->expected[id - 1], f, sizeof f);
            assert_true(++n <= w->n);
        }
    }
    fclose(in);
    return true;
}

static struct water water_new(const struct model *model)
{
    const size_t n = (size_t)model->natoms;
    return (struct water){.model = model,
                          .n = model->natoms,
                          .charge = sk_alloc(n, sizeof(double)),
                          .force = sk_calloc(n, sizeof(double[3])),
                          .expected = sk_calloc(n, sizeof(double[3])),
                          .x = sk_alloc(n, sizeof(sk_frac[3]))};
}

static void water_free(struct water *w)
{
    sk_free(&w->charge);
    sk_free(&w->force);
    sk_free(&w->expected);
    sk_free(&w->x);
}

/* Adds pair forces; returns Coulomb (SR). The real-space force comes from the functions in double or from the table. */
static double water_pairs(struct water *w, double beta, const struct sk_ewald_table *table)
{
    const double shift = erfc(beta * CUTOFF) / CUTOFF, s6 = pow(w->model->sigma, 6);
    double energy = 0.0;
    float r2s[16] __attribute__((aligned(64))) = {0}, fs[16] __attribute__((aligned(64)));
    for (int i = 0; i < w->n; i++)
        for (int j = i + 1; j < w->n; j++) {
            double r[3], r2 = 0.0, f;
            for (int d = 0; d < 3; d++) {
                r[d] = sk_frac_difference(w->x[i][d], w->x[j][d]) * w->edge;
                r2 += r[d] * r[d];
            }
            const double qq = SK_COULOMB * w->charge[i] * w->charge[j];
            if (r2 >= CUTOFF * CUTOFF)
                continue;
            if (i / 3 == j / 3) {
                const struct sk_ewald_pair e = sk_ewald_excluded(beta, r2);
                energy += qq * e.energy;
                f = qq * e.force;
            } else {
                const struct sk_ewald_pair e = sk_ewald_real(beta, r2);
                energy += qq * (e.energy - shift);
                f = qq * e.force;
                if (table) {
                    r2s[0] = (float)r2;
                    sk_kernel_find("auto")->ewald_table(table, r2s, fs, 16);
                    f = qq * (double)fs[0];
                }
                if (i % 3 == 0 && j % 3 == 0) {
                    const double a = s6 / (r2 * r2 * r2);
                    f += 24.0 * w->model->depth * (2.0 * a * a - a) / r2;
                }
            }
            for (int d = 0; d < 3; d++) {
                w->force[i][d] += f * r[d];
                w->force[j][d] -= f * r[d];
            }
        }
    return energy;
}

static double water_mesh(struct water *w, double beta)
{
    struct sk_mesh_setup setup = {.coulomb = SK_COULOMB, .variant = sk_kernel_find("auto")};
    struct sk_mesh_sums sums = {0};
    struct sk_error err;
    const double lattice[3][3] = {{w->edge, 0, 0}, {0, w->edge, 0}, {0, 0, w->edge}}, reach[3] = {0, 0, 0};
    sk_fixed(*force)[3] = sk_calloc((size_t)w->n, sizeof *force);
    assert_int_equal(sk_mesh_plan_choose(&setup.plan, lattice, 0.12, 4, CUTOFF, 1e-5, &err), SK_OK);
    assert_int_equal(setup.plan.n[0], w->model->points);
    check_near(setup.plan.beta, beta, 1e-12, 0.0);
    struct sk_mesh *mesh = sk_mesh_new(comm, &setup);
    sk_mesh_set_lattice(mesh, lattice);
    sk_mesh_assign(mesh, w->n, (const sk_frac(*)[3])w->x, reach);
    assert_int_equal(sk_mesh_choose_charge_bits(mesh, w->n, (const sk_frac(*)[3])w->x, w->charge, &err), SK_OK);
    assert_int_equal(sk_mesh_begin(mesh, w->n, (const sk_frac(*)[3])w->x, w->charge), 0);
    assert_true(sk_mesh_solve(mesh, &sums));
    sk_mesh_end(mesh, SCALE, force);
    for (int i = 0; i < w->n; i++)
        for (int d = 0; d < 3; d++)
            w->force[i][d] += (double)force[i][d] / SCALE;
    sk_mesh_free(&mesh);
    sk_free(&force);
    return (double)sums.energy / SK_ENERGY_SCALE;
}

static double force_error(const struct water *w)
{
    double difference = 0.0, size = 0.0;
    for (int i = 0; i < w->n; i++)
        for (int d = 0; d < 3; d++) {
            const double error = w->force[i][d] - w->expected[i][d];
            difference += error * error;
            size += w->expected[i][d] * w->expected[i][d];
        }
    return sqrt(difference / size);
}

static void check_model(const struct model *model)
{
    struct water w = water_new(model);
    struct sk_ewald_table table;
    const double beta = sk_ewald_beta(CUTOFF, 1e-5);
    double q2 = 0.0;
    if (!water_read(&w)) {
        water_free(&w);
        skip();
    }
    sk_ewald_table_init(&table, CUTOFF * CUTOFF, sk_ewald_real_force, &beta);
    for (int i = 0; i < w.n; i++)
        q2 += w.charge[i] * w.charge[i];
    const double mesh = water_mesh(&w, beta);
    print_message("%s %s: recip %.6f, expected %.6f\n", model->folder, model->size, mesh, model->recip);
    check_near(mesh, model->recip, 0.0, 1e-6);
    if (model->short_range != 0.0) {
        double(*only_mesh)[3] = sk_alloc((size_t)w.n, sizeof *only_mesh);
        memcpy(only_mesh, w.force, (size_t)w.n * sizeof *only_mesh);
        check_near(water_pairs(&w, beta, NULL) + sk_ewald_self(beta, SK_COULOMB, q2), model->short_range, 0.0, 1e-8);
        print_message("relative force error %.2e", force_error(&w));
        assert_true(force_error(&w) < 1e-6);
        memcpy(w.force, only_mesh, (size_t)w.n * sizeof *only_mesh);
        water_pairs(&w, beta, &table);
        print_message(", with the table %.2e\n", force_error(&w));
        assert_true(force_error(&w) < 7e-6); /* mixed-precision GROMACS: 7.5e-6 */
        sk_free(&only_mesh);
    }
    water_free(&w);
}

static void spce_agrees_with_gromacs(void **state)
{
    (void)state;
    check_model(&models[0]);
}

static void tip3p_agrees_with_gromacs(void **state)
{
    (void)state;
    check_model(&models[1]);
}

static void a_larger_grid_agrees_with_gromacs(void **state)
{
    (void)state;
    check_model(&models[2]);
}

int main(void)
{
    comm = sk_comm_new(NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spce_agrees_with_gromacs),
        cmocka_unit_test(tip3p_agrees_with_gromacs),
        cmocka_unit_test(a_larger_grid_agrees_with_gromacs),
    };
    int failed = cmocka_run_group_tests(tests, files_make, files_remove);
    sk_comm_free(&comm);
    return failed;
}
