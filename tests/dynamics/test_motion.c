/* What any symplectic, time-reversible integrator with pair forces must show, on the water and the Lennard-Jones melt
 * of inputs/: the order of convergence, energy fluctuations, reversal, equality of the two integrators, and forces that
 * cancel exactly. Expected values are analytic (2 for the order, 4 for ratios); bounds of rounding are argued for in
 * docs/numerics.md. */
#include "scene.h"

#include <mpi.h>

#define VERLET "run.integrator=velocity-verlet"

static const char *const plain[] = {NULL};

/* ---- the sum of forces ---- */

static void check_sums(struct skein *sim)
{
    int64_t pair[3] = {0}, total[3] = {0}, wide[3] = {0};
    double square = 0, error = 0, *forces = scene_velocities(sim);
    const struct sk_force *f = &sim->force;
    for (int i = 0; i < sim->atoms.n; i++)
        for (int k = 0; k < 3; k++) {
            pair[k] += f->pair[i][k];
            total[k] += f->total[i][k];
            square += (double)f->pair[i][k] * f->pair[i][k];
        }
    assert_true(square > 1e6 * sim->atoms.n); /* there is something to cancel */
    sk_force_redo_wide(&sim->force, &sim->domain, &sim->atoms, &sim->dynamics.phases);
    for (int i = 0; i < sim->atoms.n; i++)
        for (int k = 0; k < 3; k++) {
            double d = (double)(f->wide[i][k] - f->pair[i][k]);
            wide[k] += f->wide[i][k];
            error += d * d;
        }
    for (int k = 0; k < 3; k++) {
        assert_int_equal(pair[k], 0);
        assert_int_equal(total[k], 0);
        assert_int_equal(wide[k], 0);
    }
    /* The same configuration on the same grid in double: what float arithmetic does, and no more. */
    assert_true(sqrt(error / square) < 3e-6);
    free(forces);
}

static void test_forces_cancel(void **state)
{
    (void)state;
    static const char *const files[] = {SCENE_WATER, SCENE_MELT};
    for (int s = 0; s < 2; s++) {
        struct skein *sim = scene_open(files[s], plain);
        check_sums(sim);
        scene_step(sim, 25);
        check_sums(sim);
        skein_close(&sim);
    }
}

/* ---- order ---- */

/* Positions at time `steps` x dt, of a run started with velocities at the step. */
static double *arrive(const char *file, const char *integrator, const char *dt, int64_t steps)
{
    const char *overrides[] = {integrator, dt, "run.velocity_time=on-step", NULL};
    struct skein *sim = scene_open(file, overrides);
    scene_step(sim, steps);
    double *x = scene_positions(sim);
    skein_close(&sim);
    return x;
}

struct course {
    const char *file, *dt[3], *fine;
    int steps[3], fine_steps;
};
/* Each dt half of the one before; the last, an eighth of the third, stands for the exact course: its own error, 1/64 of
 * the third's, moves the last order by 1 %. Short enough for chaos not to matter. */
static const struct course courses[] = {
    {SCENE_WATER, {"run.dt_ps=0.002", "run.dt_ps=0.001", "run.dt_ps=0.0005"}, "run.dt_ps=0.0000625", {16, 32, 64}, 512},
    {SCENE_MELT, {"run.dt=0.008", "run.dt=0.004", "run.dt=0.002"}, "run.dt=0.00025", {20, 40, 80}, 640},
};

static void check_order(const struct course *c, const char *integrator)
{
    double error[3], *exact = arrive(c->file, integrator, c->fine, c->fine_steps);
    struct skein *sim = scene_open(c->file, plain); /* for its box */
    for (int s = 0; s < 3; s++) {
        double *x = arrive(c->file, integrator, c->dt[s], c->steps[s]);
        error[s] = scene_distance(sim, x, exact);
        free(x);
    }
    print_message("%s %s: errors %.3e %.3e %.3e, orders %.3f %.3f\n", c->file, integrator, error[0], error[1], error[2],
                  log2(error[0] / error[1]), log2(error[1] / error[2]));
    for (int s = 0; s < 2; s++)
        check_near(log2(error[s] / error[s + 1]), 2.0, 0.1, 0);
    skein_close(&sim);
    free(exact);
}

static void test_leap_frog_is_second_order(void **state)
{
    (void)state;
    for (int c = 0; c < 2; c++)
        check_order(&courses[c], "run.integrator=leap-frog");
}

static void test_verlet_is_second_order(void **state)
{
    (void)state;
    for (int c = 0; c < 2; c++)
        check_order(&courses[c], VERLET);
}

/* Started alike, the two go through the same positions: they are one map, written twice. */
static void test_integrators_agree(void **state)
{
    (void)state;
    static const char *const dt[] = {"run.dt_ps=0.002", "run.dt=0.005"};
    static const double bound[] = {1e-9, 1e-9};
    for (int c = 0; c < 2; c++) {
        struct skein *sim = scene_open(courses[c].file, plain);
        double *a = arrive(courses[c].file, "run.integrator=leap-frog", dt[c], 10);
        double *b = arrive(courses[c].file, VERLET, dt[c], 10);
        double distance = scene_distance(sim, a, b);
        print_message("%s: leap-frog to Verlet after 10 steps %.3e\n", courses[c].file, distance);
        assert_true(distance < bound[c]);
        free(a);
        free(b);
        skein_close(&sim);
    }
}

/* ---- energy ---- */

/* rms of the total energy about its mean over `count` looks, one every `every` steps. */
static double fluctuation(const char *file, const char *integrator, const char *dt, int count, int every)
{
    const char *overrides[] = {integrator, dt, "run.velocity_time=on-step", NULL};
    struct skein *sim = scene_open(file, overrides);
    double sum = 0, square = 0, first = 0;
    for (int n = 0; n < count; n++) {
        struct skein_energies e;
        scene_step(sim, every);
        assert_int_equal(skein_get_energies(sim, &e), 0);
        first = n ? first : e.total;
        sum += e.total - first;
        square += (e.total - first) * (e.total - first);
    }
    skein_close(&sim);
    return sqrt(square / count - sum / count * (sum / count));
}

static void test_energy_fluctuates_as_dt2(void **state)
{
    (void)state;
    static const char *const integrators[] = {"run.integrator=leap-frog", VERLET};
    for (int i = 0; i < 2; i++) {
        double coarse = fluctuation(SCENE_WATER, integrators[i], "run.dt_ps=0.002", 60, 1);
        double fine = fluctuation(SCENE_WATER, integrators[i], "run.dt_ps=0.001", 60, 2);
        print_message("water %s: rms of the total energy %.4f at 2 fs, %.4f at 1 fs, ratio %.3f\n", integrators[i],
                      coarse, fine, coarse / fine);
        check_near(coarse / fine, 4.0, 0.4, 0);
    }
}

/* Leap-frog reports the mean of the half steps before and after, Verlet the step itself. With a = F / m,
 * ((v - a dt / 2)^2 + (v + a dt / 2)^2) / 2 = v^2 + a^2 dt^2 / 4. */
static void test_kinetic_energies(void **state)
{
    (void)state;
    const char *const leap[] = {"run.integrator=leap-frog", "run.velocity_time=on-step", NULL};
    const char *const verlet[] = {VERLET, "run.velocity_time=on-step", NULL};
    struct skein *a = scene_open(SCENE_MELT, leap), *b = scene_open(SCENE_MELT, verlet);
    struct skein_energies e[2];
    assert_int_equal(skein_get_energies(a, &e[0]), 0);
    assert_int_equal(skein_get_energies(b, &e[1]), 0);
    double *f = scene_array(b), dt = 0.005, excess = 0, momentum[3];
    assert_int_equal(skein_get_forces(b, f), 0);
    for (int64_t i = 0; i < 3 * b->top.natoms; i++)
        excess += f[i] * f[i] * dt * dt / 8;
    assert_true(excess > 1e-3 * e[1].kinetic);
    check_near(e[1].kinetic, scene_motion(b, momentum), 0, 1e-11);
    check_near(e[0].kinetic - e[1].kinetic, excess, 0, 1e-8);
    check_near(e[1].temperature, 2 * e[1].kinetic / 12000, 0, 1e-12);
    check_near(e[0].potential, e[1].potential, 0, 0);
    free(f);
    skein_close(&a);
    skein_close(&b);
}

/* ---- reversal ---- */

static void turn(struct skein *sim)
{
    double *v = scene_velocities(sim), *f = scene_array(sim);
    assert_int_equal(skein_get_forces(sim, f), 0);
    if (sim->parameters.run.integrator == SK_LEAP_FROG) /* v(n - 1/2) becomes -v(n + 1/2) */
        for (int64_t i = 0; i < 3 * sim->top.natoms; i++)
            v[i] += f[i] / sim->top.kinds[0].mass * sim->parameters.run.dt;
    for (int64_t i = 0; i < 3 * sim->top.natoms; i++)
        v[i] = -v[i];
    assert_int_equal(skein_set_velocities(sim, v), 0);
    free(v);
    free(f);
}

/* Distance from the start after `steps` there and back, from all 64 bits of the coordinates; *away: from the start to
 * the turn. The first steps bring waters, which a file gives to some decimals, to their exact shape. */
static double there_and_back(const char *file, const char *integrator, int64_t steps, double *away)
{
    const char *overrides[] = {integrator, "run.velocity_time=on-step", NULL};
    struct skein *sim = scene_open(file, overrides);
    scene_step(sim, 2);
    double *near = scene_positions(sim);
    sk_frac *start = scene_fractions(sim);
    scene_step(sim, steps);
    double *middle = scene_positions(sim);
    turn(sim);
    scene_step(sim, steps);
    sk_frac *end = scene_fractions(sim);
    double sum = 0;
    for (int64_t i = 0; i < 3 * sim->top.natoms; i++) {
        double d = sk_frac_difference(start[i], end[i]) * sim->box.edge[i % 3];
        sum += d * d / (double)sim->top.natoms;
    }
    *away = scene_distance(sim, near, middle);
    print_message("%s %s: %lld steps away %.3e, back to %.3e\n", file, integrator, (long long)steps, *away, sqrt(sum));
    skein_close(&sim);
    free(near);
    free(start);
    free(middle);
    free(end);
    return sqrt(sum);
}

static void test_time_reversal(void **state)
{
    (void)state;
    double away;
    assert_true(there_and_back(SCENE_MELT, VERLET, 10, &away) < 1e-17 && away > 1e-2);
    assert_true(there_and_back(SCENE_MELT, VERLET, 100, &away) < 1e-9 && away > 1e-1);
    assert_true(there_and_back(SCENE_MELT, "run.integrator=leap-frog", 100, &away) < 1e-9 && away > 1e-1);
    assert_true(there_and_back(SCENE_WATER, VERLET, 10, &away) < 1e-12 && away > 1e-3);
    assert_true(there_and_back(SCENE_WATER, VERLET, 100, &away) < 1e-8 && away > 1e-2);
}

/* ---- start ---- */

static void check_start(const char *file, const char *const *overrides, double dof, double boltzmann,
                        double temperature)
{
    struct skein *sim = scene_open(file, overrides);
    double momentum[3], kinetic = scene_motion(sim, momentum), thermal = 0;
    check_near(sim->dynamics.dof, dof, 0, 0);
    /* each of 3n terms was rounded to 2^-32 before the sum: 4 standard deviations */
    check_near(kinetic, 0.5 * dof * boltzmann * temperature, 4 * sqrt(3.0 * sim->atoms.n / 12) * 0x1p-32, 1e-14);
    for (int i = 0; i < sim->atoms.n; i++)
        thermal += sqrt(scene_mass(sim, i) * boltzmann * temperature);
    for (int k = 0; k < 3 && sim->parameters.run.remove_com_every > 0; k++)
        check_near(momentum[k], 0, 1e-9 * thermal, 0);
    skein_close(&sim);
}

static void test_maxwell(void **state)
{
    (void)state;
    const double R = 8.31446261815324e-3;
    const char *const removed[] = {"system.velocities=maxwell", "system.maxwell_K=310", "run.remove_com_every=100",
                                   NULL};
    const char *const kept[] = {"system.velocities=maxwell", "system.maxwell_K=310", "run.seed=5", NULL};
    const char *const bath[] = {"system.velocities=maxwell", "system.maxwell_K=310", "temperature.thermostat=langevin",
                                "temperature.target_K=300",  "temperature.tau_ps=1", NULL};
    const char *const melt[] = {"system.velocities=maxwell", "system.maxwell=1.44", "run.remove_com_every=1", NULL};
    /* 1,000 waters: 9 coordinates less 3 rigid distances each */
    check_start(SCENE_WATER, removed, 5997, R, 310);
    check_start(SCENE_WATER, kept, 6000, R, 310);
    check_start(SCENE_WATER, bath, 6000, R, 310);
    check_start(SCENE_MELT, melt, 11997, 1, 1.44);
}

/* Each atom's velocity components have the Maxwell distribution: second and fourth moments. */
static void test_maxwell_distribution(void **state)
{
    (void)state;
    const char *const melt[] = {"system.velocities=maxwell", "system.maxwell=1.44", NULL};
    struct skein *sim = scene_open(SCENE_MELT, melt);
    double fourth = 0, n = 3.0 * sim->atoms.n;
    for (int i = 0; i < sim->atoms.n; i++)
        for (int k = 0; k < 3; k++)
            fourth += pow(sim->atoms.v[i][k], 4) / n;
    /* <v^4> = 3 T^2; its variance 96 T^4 / n, less as the second moment is fixed (96 - 72 = 24) */
    check_near(fourth / (1.44 * 1.44), 3, 4.5 * sqrt(24 / n), 0);
    skein_close(&sim);
}

/* The momentum of a bath-free run stays what it was: pair forces cancel. And removal takes it out. */
static void test_momentum(void **state)
{
    (void)state;
    double before[3], after[3];
    struct skein *sim = scene_open(SCENE_MELT, plain);
    free(scene_velocities(sim));
    scene_motion(sim, before);
    scene_step(sim, 40);
    scene_motion(sim, after);
    for (int k = 0; k < 3; k++)
        check_near(after[k], before[k], 1e-9, 0);
    double *v = scene_velocities(sim);
    for (int64_t i = 0; i < 3 * sim->top.natoms; i++)
        v[i] += i % 3 == 0 ? 0.25 : 0;
    skein_set_velocities(sim, v);
    scene_step(sim, 40);
    scene_motion(sim, after);
    check_near(after[0], before[0] + 0.25 * 4000, 1e-6, 0);
    free(v);
    skein_close(&sim);
    const char *const removing[] = {"run.remove_com_every=5", NULL};
    sim = scene_open(SCENE_MELT, removing);
    v = scene_velocities(sim);
    for (int64_t i = 0; i < 3 * sim->top.natoms; i++)
        v[i] += i % 3 == 0 ? 0.25 : 0;
    skein_set_velocities(sim, v);
    scene_step(sim, 12);
    scene_motion(sim, after);
    for (int k = 0; k < 3; k++)
        check_near(after[k], 0, 1e-6, 0); /* 4,000 roundings of 2^-33 at worst */
    free(v);
    skein_close(&sim);
}

int main(void)
{
    MPI_Init(NULL, NULL); /* else the first skein_close ends MPI for good */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forces_cancel),
        cmocka_unit_test(test_leap_frog_is_second_order),
        cmocka_unit_test(test_verlet_is_second_order),
        cmocka_unit_test(test_integrators_agree),
        cmocka_unit_test(test_energy_fluctuates_as_dt2),
        cmocka_unit_test(test_kinetic_energies),
        cmocka_unit_test(test_time_reversal),
        cmocka_unit_test(test_maxwell),
        cmocka_unit_test(test_maxwell_distribution),
        cmocka_unit_test(test_momentum),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failures;
}
