/* Expected values: the analytic transition and stationary distributions of the stochastic equations, and the closed
 * formulas of the deterministic ones. Seeds are fixed; bounds are at 4.5 standard errors, in long runs with the number
 * of independent samples n (1 - c) / (1 + c), c the correlation from one step to the next. */
#include "dynamics/coupling.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

struct moments {
    double n, sum, square, fourth;
};

/* Sums about a centre given beforehand, so that nothing cancels. */
static void moments_add(struct moments *m, double x)
{
    m->n += 1;
    m->sum += x;
    m->square += x * x;
    m->fourth += x * x * x * x;
}

/* x - mean was added; fourth is the fourth central moment, fraction the share of independent samples. */
static void check_moments(const struct moments *m, double mean, double variance, double fourth, double fraction)
{
    double n = m->n * fraction;
    check_near(mean + m->sum / m->n, mean, 4.5 * sqrt(variance / n), 0);
    check_near(m->square / m->n, variance, 4.5 * sqrt((fourth - variance * variance) / n), 0);
}

/* Fourth central moment of a gamma distribution with shape a, scale s. */
static double gamma_fourth(double a, double s)
{
    return (3 * a * a + 6 * a) * s * s * s * s;
}

/* One step from a given kinetic energy: dof kinetic / scale is a noncentral chi-square, whatever the step size. */
static void test_v_rescale_transition(void **state)
{
    (void)state;
    const double dofs[] = {1, 1.3, 2, 3, 2.5, 21, 300.7, 71997}, ratios[] = {0.02, 0.3, 3};
    for (size_t d = 0; d < sizeof dofs / sizeof *dofs; d++)
        for (size_t r = 0; r < sizeof ratios / sizeof *ratios; r++) {
            double dof = dofs[d], kT = 2.5, target = 0.5 * dof * kT, kinetic = 0.6 * target, c = exp(-ratios[r]);
            double scale = 0.5 * kT * (1 - c), lambda = c * kinetic / scale;
            double mean = scale * (dof + lambda), variance = scale * scale * 2 * (dof + 2 * lambda);
            double fourth = 3 * variance * variance + pow(scale, 4) * 48 * (dof + 4 * lambda);
            struct moments m = {0};
            for (int64_t step = 0; step < 40000; step++) {
                double f = sk_v_rescale_factor(kinetic, target, dof, 0.5 * ratios[r], 0.5, 99, step, 0);
                assert_true(f >= 0);
                moments_add(&m, f * f * kinetic - mean);
            }
            check_near(c * kinetic + (1 - c) * target, mean, 0, 1e-12);
            check_moments(&m, mean, variance, fourth, 1);
        }
}

/* Kinetic energy alone, scaled again and again, has the canonical gamma distribution. */
static void test_v_rescale_stationary(void **state)
{
    (void)state;
    const double dofs[] = {1, 2, 3, 2.5, 30, 2997};
    for (size_t d = 0; d < sizeof dofs / sizeof *dofs; d++) {
        double dof = dofs[d], kT = 0.8, target = 0.5 * dof * kT, kinetic = 5 * target, c = exp(-0.2);
        struct moments m = {0};
        for (int64_t step = -200; step < 200000; step++) {
            double f = sk_v_rescale_factor(kinetic, target, dof, 0.02, 0.1, 7 + d, step, 0);
            kinetic *= f * f;
            if (step >= 0)
                moments_add(&m, kinetic - target);
        }
        check_moments(&m, target, 0.5 * dof * kT * kT, gamma_fourth(0.5 * dof, kT), (1 - c) / (1 + c));
    }
}

static void test_v_rescale_limits(void **state)
{
    (void)state;
    assert_true(sk_v_rescale_factor(3, 4, 5, 0, 0.1, 1, 1, 0) == 1); /* no time, no change */
    assert_true(sk_v_rescale_factor(0, 4, 5, 0.1, 0.1, 1, 1, 0) == 1);
    check_near(sk_v_rescale_factor(3, 0, 5, 0.1, 0.2, 1, 1, 0), exp(-0.25), 0, 1e-15); /* at zero K it only cools */
    for (int64_t step = 0; step < 20000; step++) { /* tiny, huge and fractional cases stay finite */
        double f = sk_v_rescale_factor(1e-30, 1, 0.5, 0.1, 1e-3, 4, step, 0),
               g = sk_v_rescale_factor(1e30, 1, 1, 0.1, 1e-3, 4, step, 0);
        assert_true(f >= 0 && isfinite(f) && g >= 0 && isfinite(g));
    }
    double a = sk_v_rescale_factor(3, 4, 5, 0.1, 0.1, 1, 1, 0);
    assert_true(a == sk_v_rescale_factor(3, 4, 5, 0.1, 0.1, 1, 1, 0));
    assert_true(a != sk_v_rescale_factor(3, 4, 5, 0.1, 0.1, 2, 1, 0) &&
                a != sk_v_rescale_factor(3, 4, 5, 0.1, 0.1, 1, 2, 0));
}

static void test_langevin(void **state)
{
    (void)state;
    for (double ratio = 1e-9; ratio < 60; ratio *= 1.7) {
        double a, b, kT = 2.49;
        sk_langevin_factors(0.5 * ratio, 0.5, kT, &a, &b);
        check_near(a, exp(-ratio), 0, 4e-16);
        check_near(b, sqrt(-kT * expm1(-2 * ratio)), 0, 1e-16 / ratio + 4e-16);
        check_near(a * a * kT + b * b, kT, 0, 8e-16); /* the canonical variance is a fixed point */
    }
}

static struct sk_parameters parameters_of(enum sk_barostat barostat, enum sk_coupling coupling, double target,
                                          double tau, double compressibility)
{
    struct sk_parameters p;
    memset(&p, 0, sizeof p);
    p.units = SK_UNITS_LJ;
    p.run.seed = 31;
    p.pressure.barostat = barostat;
    p.pressure.coupling = coupling;
    p.pressure.target = target;
    p.pressure.tau = tau;
    p.pressure.compressibility = compressibility;
    return p;
}

static void test_berendsen(void **state)
{
    (void)state;
    const double pressure[3] = {10, 40, -20}, kbar = 1e-3 * 16.605390671738466; /* bar of 1e-3 kJ/mol/nm^3 */
    double mu[3];
    struct sk_parameters p = parameters_of(SK_BAROSTAT_BERENDSEN, SK_COUPLING_ISOTROPIC, 4, 2, 0.03);
    sk_barostat_factors(&p, pressure, 27, 1, 0.1, 5, mu);
    for (int i = 0; i < 3; i++)
        check_near(mu[i], 1 - 0.1 / 2 * 0.03 * (4 - 10) / 3, 1e-15, 0);
    p.pressure.coupling = SK_COUPLING_SEMI_ISOTROPIC;
    sk_barostat_factors(&p, pressure, 27, 1, 0.1, 5, mu);
    check_near(mu[0], 1 - 0.1 / 2 * 0.03 * (4 - 25) / 3, 1e-15, 0);
    check_near(mu[1], 1 - 0.1 / 2 * 0.03 * (4 - 25) / 3, 1e-15, 0);
    check_near(mu[2], 1 - 0.1 / 2 * 0.03 * (4 + 20) / 3, 1e-15, 0);
    p.pressure.coupling = SK_COUPLING_ANISOTROPIC;
    sk_barostat_factors(&p, pressure, 27, 1, 0.1, 5, mu);
    for (int i = 0; i < 3; i++)
        check_near(mu[i], 1 - 0.1 / 2 * 0.03 * (4 - pressure[i]) / 3, 1e-15, 0);

    /* bar: target 1 bar, 4.5e-5 per bar, pressures of 1e-3 kJ/mol/nm^3 = 0.0166 bar */
    p = parameters_of(SK_BAROSTAT_BERENDSEN, SK_COUPLING_ISOTROPIC, 1, 0.5, 4.5e-5);
    p.units = SK_UNITS_GROMACS;
    sk_barostat_factors(&p, (const double[3]){1e-3, 1e-3, 1e-3}, 30, 2.49, 0.02, 5, mu);
    check_near(mu[0] - 1, -0.02 / 0.5 * 4.5e-5 * (1 - kbar) / 3, 2.3e-16, 1e-12);
    p.pressure.barostat = SK_BAROSTAT_NONE;
    sk_barostat_factors(&p, pressure, 30, 2.49, 0.02, 5, mu);
    assert_true(mu[0] == 1 && mu[1] == 1 && mu[2] == 1);
}

/* One C-rescale step: drift and noise of log V and of each axis, in bar. */
static void test_c_rescale_step(void **state)
{
    (void)state;
    const double pressure[3] = {20, 50, 80}, volume = 30, kT = 2.49, bar = 16.605390671738466,
                 beta = 4.5e-5 * 0.02 / 0.5;
    const double parts[3][3] = {
        {1, 1, 1}, {2. / 3, 2. / 3, 1. / 3}, {1. / 3, 1. / 3, 1. / 3}}; /* of log V in the group */
    const double edges[3][3] = {{3, 3, 3}, {2, 2, 1}, {1, 1, 1}};
    const double means[3][3] = {{50, 50, 50}, {35, 35, 80}, {20, 50, 80}};
    for (int mode = 0; mode < 3; mode++) {
        struct sk_parameters p = parameters_of(SK_BAROSTAT_C_RESCALE, (enum sk_coupling)mode, 300, 0.5, 4.5e-5);
        p.units = SK_UNITS_GROMACS;
        struct moments m[4] = {{0}};
        double drift[3], variance[3], total = 0, cross = 0;
        for (int i = 0; i < 3; i++) {
            drift[i] = -beta * (300 - means[mode][i] * bar) / 3;
            variance[i] = 2 * kT * bar * beta * parts[mode][i] / volume / (edges[mode][i] * edges[mode][i]);
            total += drift[i];
        }
        for (int64_t step = 0; step < 100000; step++) {
            double mu[3], sum = 0;
            sk_barostat_factors(&p, pressure, volume, kT, 0.02, step, mu);
            for (int i = 0; i < 3; i++) {
                moments_add(&m[i], log(mu[i]) - drift[i]);
                sum += log(mu[i]);
            }
            moments_add(&m[3], sum - total);
            cross += (log(mu[0]) - drift[0]) * (log(mu[2]) - drift[2]) / 100000;
            assert_true(mode == 2 || mu[0] == mu[1]);
            assert_true((mu[1] == mu[2]) == (mode == 0));
        }
        for (int i = 0; i < 3; i++)
            check_moments(&m[i], drift[i], variance[i], 3 * variance[i] * variance[i], 1);
        double whole = 2 * kT * bar * beta / volume; /* log V: the same for every coupling */
        check_moments(&m[3], total, whole, 3 * whole * whole, 1);
        double correlation = cross / sqrt(variance[0] * variance[2]);
        check_near(correlation, mode == 0 ? 1 : 0, mode == 0 ? 0.02 : 4.5 / sqrt(100000), 0);
    }
}

/* Toy: an ideal gas of N atoms, of which only the volume moves: P = N kT / V. At constant pressure its volume has the
 * density V^N exp(-P0 V / kT): a gamma distribution of shape N + 1. A misplaced kT/V in the drift moves the mean by
 * kT / P0, the shape by 1. */
static void test_c_rescale_ideal_gas(void **state)
{
    (void)state;
    const double atoms = 20, kT = 1.5, target = 2.0, rate = 0.02, scale = kT / target, shape = atoms + 1;
    for (int mode = 0; mode < 3; mode++) {
        /* with compressibility 1 / P0 the volume relaxes with tau */
        struct sk_parameters p = parameters_of(SK_BAROSTAT_C_RESCALE, (enum sk_coupling)mode, target, 1, 1 / target);
        double volume = 3 * shape * scale;
        struct moments m = {0};
        for (int64_t step = -2000; step < 800000; step++) {
            double P = atoms * kT / volume, mu[3];
            sk_barostat_factors(&p, (const double[3]){P, P, P}, volume, kT, rate, step, mu);
            volume *= mu[0] * mu[1] * mu[2];
            if (step >= 0)
                moments_add(&m, volume - shape * scale);
        }
        print_message("mode %d: mean %.4f (N + 1 = %g), variance %.4f\n", mode, shape + m.sum / m.n / scale, shape,
                      m.square / m.n / scale / scale);
        check_moments(&m, shape * scale, shape * scale * scale, gamma_fourth(shape, scale), 0.5 * rate);
    }
}

/* The same with the instantaneous kinetic energy in the pressure, velocities scaled by 1 / mu with the box and
 * thermostatted by v-rescale: both distributions must come out, and independent of each other. */
static void test_npt_ideal_gas(void **state)
{
    (void)state;
    const double atoms = 12, dof = 36, kT = 1.5, target_kinetic = 0.5 * dof * kT, target = 2.0, rate = 0.02;
    const double scale = kT / target, shape = atoms + 1, c = exp(-0.05);
    struct sk_parameters p = parameters_of(SK_BAROSTAT_C_RESCALE, SK_COUPLING_ISOTROPIC, target, 1, 1 / target);
    double volume = shape * scale, kinetic = target_kinetic, cross = 0;
    struct moments v = {0}, k = {0};
    for (int64_t step = -2000; step < 800000; step++) {
        double P = 2 * kinetic / (3 * volume), mu[3];
        sk_barostat_factors(&p, (const double[3]){P, P, P}, volume, kT, rate, step, mu);
        volume *= mu[0] * mu[1] * mu[2];
        kinetic /= mu[0] * mu[0];
        double f = sk_v_rescale_factor(kinetic, target_kinetic, dof, 0.05, 1, 3, step, 0);
        kinetic *= f * f;
        if (step < 0)
            continue;
        moments_add(&v, volume - shape * scale);
        moments_add(&k, kinetic - target_kinetic);
        cross += (volume - shape * scale) * (kinetic - target_kinetic);
    }
    double correlation = cross / v.n / sqrt(shape * scale * scale * 0.5 * dof * kT * kT);
    print_message("volume %.4f (13), variance %.4f (13); K %.4f (18), variance %.4f (18); correlation %.4f\n",
                  shape + v.sum / v.n / scale, v.square / v.n / scale / scale, (target_kinetic + k.sum / k.n) / kT,
                  k.square / k.n / kT / kT, correlation);
    check_moments(&v, shape * scale, shape * scale * scale, gamma_fourth(shape, scale), 0.25 * rate);
    check_moments(&k, target_kinetic, 0.5 * dof * kT * kT, gamma_fourth(0.5 * dof, kT), 0.5 * (1 - c) / (1 + c));
    check_near(correlation, 0, 0.05, 0);
}

static void bad_v_rescale(void)
{
    sk_v_rescale_factor(1, 1, 3, 0.1, 0, 1, 1, 0);
}

static void bad_dof(void)
{
    sk_v_rescale_factor(1, 1, 0, 0.1, 1, 1, 1, 0);
}

static void bad_langevin(void)
{
    double a, b;
    sk_langevin_factors(0.1, -1, 1, &a, &b);
}

static void bad_barostat(void)
{
    double mu[3];
    struct sk_parameters p = parameters_of(SK_BAROSTAT_BERENDSEN, SK_COUPLING_ISOTROPIC, 1, 0, 1);
    sk_barostat_factors(&p, (const double[3]){1, 1, 1}, 1, 1, 1, 1, mu);
}

static void good_barostat(void)
{
    double mu[3];
    struct sk_parameters p = parameters_of(SK_BAROSTAT_BERENDSEN, SK_COUPLING_ISOTROPIC, 1, 1, 1);
    sk_barostat_factors(&p, (const double[3]){1, 1, 1}, 1, 1, 1, 1, mu);
}

static int exit_code_of(void (*f)(void))
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(98);
        f();
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_requirements(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(bad_v_rescale), 70);
    assert_int_equal(exit_code_of(bad_dof), 70);
    assert_int_equal(exit_code_of(bad_langevin), 70);
    assert_int_equal(exit_code_of(bad_barostat), 70);
    assert_int_equal(exit_code_of(good_barostat), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v_rescale_transition),
        cmocka_unit_test(test_v_rescale_stationary),
        cmocka_unit_test(test_v_rescale_limits),
        cmocka_unit_test(test_langevin),
        cmocka_unit_test(test_berendsen),
        cmocka_unit_test(test_c_rescale_step),
        cmocka_unit_test(test_c_rescale_ideal_gas),
        cmocka_unit_test(test_npt_ideal_gas),
        cmocka_unit_test(test_requirements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
