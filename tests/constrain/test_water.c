/* Water: rigid triangles. Expected: analytic cases, and second implementations in long double that share
 * nothing with the code but the equations: SHAKE and RATTLE bond by bond, and continuation from no displacement.
 * Every problem is solved by all variants, in a lane among others, which must not matter. */
#include "constrain/water.h"

#include <string.h>

#include "check.h"

#define THERMAL 0.0083144626181532403 * 300.0 /* kT in kJ/mol */

struct model {
    double apex, leg, apex_leg, leg_leg;
};
static const struct model models[] = {
    {15.9994, 1.008, 0.1, 0.16330},     /* SPC/E */
    {15.9994, 1.008, 0.09572, 0.15139}, /* TIP3P */
    {1.0, 16.0, 0.12, 0.2},             /* legs much heavier than the apex */
    {7.0, 7.0, 1.0, 1.0},               /* equilateral, reduced units */
    {12.0, 1.0, 0.1, 0.02},             /* narrow */
};
#define MODELS (int)(sizeof models / sizeof *models)

static const int pair_atoms[3][2] = {{0, 1}, {0, 2}, {1, 2}};

/* A fixed generator, so that every run tests the same cases. */
static double uniform(void)
{
    static uint64_t seed = 2026;
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(seed >> 11) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2.0 * log(1.0 - uniform())) * cos(6.283185307179586 * uniform());
}

static void random_direction(double u[3])
{
    double norm = 0.0;
    for (int i = 0; i < 3; i++) {
        u[i] = normal();
        norm += u[i] * u[i];
    }
    for (int i = 0; i < 3; i++)
        u[i] /= sqrt(norm);
}

/* A rigid triangle in a random direction, apex at the origin. */
static void random_triangle(const struct model *m, double b[2][3])
{
    double p[3], q[3], along = 0.0, norm = 0.0;
    double half = 0.5 * m->leg_leg, height = sqrt(m->apex_leg * m->apex_leg - half * half);
    random_direction(p);
    random_direction(q);
    for (int i = 0; i < 3; i++)
        along += p[i] * q[i];
    for (int i = 0; i < 3; i++) {
        q[i] -= along * p[i];
        norm += q[i] * q[i];
    }
    for (int i = 0; i < 3; i++) {
        b[0][i] = height * q[i] / sqrt(norm) - half * p[i];
        b[1][i] = height * q[i] / sqrt(norm) + half * p[i];
    }
}

/* One problem and its solution, with what every solution must satisfy. */
struct problem {
    const struct model *model;
    struct sk_water water;
    double before[2][3], after[2][3];
    double correction[3][3], lambda[3], virial[3];
    double left; /* what sk_water_positions returned */
};

static void problem_init(struct problem *p, const struct model *m, double tolerance)
{
    memset(p, 0, sizeof *p);
    p->model = m;
    sk_water_init(&p->water, m->apex, m->leg, m->apex_leg, m->leg_leg, tolerance);
    random_triangle(m, p->before);
}

static void problem_displace(struct problem *p, const double d[3][3])
{
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 3; i++)
            p->after[k][i] = p->before[k][i] + d[k + 1][i] - d[0][i];
}

static void problem_displace_thermally(struct problem *p, double dt)
{
    double d[3][3];
    for (int a = 0; a < 3; a++)
        for (int i = 0; i < 3; i++)
            d[a][i] = dt * sqrt(THERMAL / (a ? p->model->leg : p->model->apex)) * normal();
    problem_displace(p, (const double(*)[3])d);
}

static double mass_of(const struct model *m, int a)
{
    return a ? m->leg : m->apex;
}

static double target_of(const struct model *m, int k)
{
    return k == 2 ? m->leg_leg : m->apex_leg;
}

/* Place of atom a relative to the apex. */
static double place(const double r[2][3], int a, int i)
{
    return a ? r[a - 1][i] : 0.0;
}

enum task { POSITIONS, VELOCITIES };

static void lanes_solve(const struct sk_kernel_variant *variant, enum task task, const struct sk_water *water,
                        struct sk_water_lanes *lanes)
{
    if (task == POSITIONS)
        sk_water_positions(variant, water, lanes);
    else
        variant->water_velocities(water, lanes);
}

/* Puts the problem into a lane; beside it are others, shaken so that some have no solution. */
static void lanes_fill(struct sk_water_lanes *lanes, int lane, const double before[2][3], const double after[2][3],
                       const double change[3][3])
{
    memset(lanes, 0, sizeof *lanes);
    for (int l = 0; l < SK_WATER_LANES; l++)
        for (int i = 0; i < 3; i++) {
            const double shake = l == lane ? 1.0 : 1.0 + 0.1 * l * ((7 * l + 3 * i) % 5 - 2);
            for (int leg = 0; leg < 2; leg++) {
                lanes->before[leg][i][l] = before[leg][i];
                lanes->after[leg][i][l] = after[leg][i] * shake;
            }
            for (int a = 0; a < 3; a++)
                lanes->change[a][i][l] = change[a][i] * shake;
        }
}

/* Returns what is left. */
static double solve(enum task task, const struct sk_water *water, const double before[2][3], const double after[2][3],
                    double change[3][3], double lambda[3], double virial[3])
{
    static int lane;
    int count, has_first = 0;
    const struct sk_kernel_variant *variants = sk_kernel_variants(&count);
    struct sk_water_lanes first, lanes, start;
    lane = (lane + 1) % SK_WATER_LANES;
    lanes_fill(&start, lane, before, after, (const double(*)[3])change);
    for (int v = 0; v < count; v++) {
        if (!variants[v].is_supported())
            continue;
        lanes = start;
        lanes_solve(&variants[v], task, water, &lanes);
        if (has_first)
            assert_memory_equal(&lanes, &first, sizeof lanes);
        first = lanes;
        has_first = 1;
    }
    for (int i = 0; i < 3; i++) {
        lambda[i] = lanes.lambda[i][lane];
        virial[i] = lanes.virial[i][lane];
        for (int a = 0; a < 3; a++)
            change[a][i] = lanes.change[a][i][lane];
    }
    return lanes.worst[lane];
}

static void problem_solve(struct problem *p)
{
    memset(p->correction, 0, sizeof p->correction);
    p->left = solve(POSITIONS, &p->water, (const double(*)[3])p->before, (const double(*)[3])p->after, p->correction,
                    p->lambda, p->virial);
}

/* Largest relative error of the three lengths after the correction. */
static double problem_residual(const struct problem *p)
{
    long double worst = 0.0L;
    for (int k = 0; k < 3; k++) {
        int a = pair_atoms[k][0], b = pair_atoms[k][1];
        long double square = 0.0L, target = target_of(p->model, k);
        for (int i = 0; i < 3; i++) {
            long double x = (long double)place(p->after, b, i) + p->correction[b][i] - place(p->after, a, i) -
                            p->correction[a][i];
            square += x * x;
        }
        long double error = fabsl(sqrtl(square) - target) / target;
        worst = error > worst ? error : worst;
    }
    return (double)worst;
}

/* out_a = 1/m_a sum of +-l b: the meaning of multipliers, and the virial that belongs to these forces. */
static void check_consistent(const struct model *m, const double b[2][3], const double l[3], const double change[3][3],
                             const double virial[3])
{
    double largest = 0.0, momentum[3] = {0.0}, torque[3] = {0.0};
    for (int a = 0; a < 3; a++)
        for (int i = 0; i < 3; i++)
            largest = fmax(largest, mass_of(m, a) * fabs(change[a][i]));
    for (int a = 0; a < 3; a++)
        for (int i = 0; i < 3; i++) {
            int j = (i + 1) % 3, h = (i + 2) % 3;
            double expected = 0.0;
            for (int k = 0; k < 3; k++) {
                double pair = place(b, pair_atoms[k][1], i) - place(b, pair_atoms[k][0], i);
                expected += a == pair_atoms[k][1] ? l[k] * pair : a == pair_atoms[k][0] ? -l[k] * pair : 0.0;
            }
            check_near(mass_of(m, a) * change[a][i], expected, 2e-15 * largest, 0.0);
            momentum[i] += mass_of(m, a) * change[a][i];
            torque[i] += mass_of(m, a) * (place(b, a, j) * change[a][h] - place(b, a, h) * change[a][j]);
        }
    for (int i = 0; i < 3; i++) {
        check_near(momentum[i], 0.0, 2e-15 * largest, 0.0);
        check_near(torque[i], 0.0, 5e-15 * largest * m->apex_leg, 0.0);
        double sum = 0.0; /* -1/2 sum over atoms x F */
        for (int a = 0; a < 3; a++)
            sum -= 0.5 * place(b, a, i) * mass_of(m, a) * change[a][i];
        check_near(virial[i], sum, 5e-15 * largest * m->apex_leg, 0.0);
    }
}

static void check_solved(const struct problem *p)
{
    double residual = problem_residual(p);
    assert_true(p->left <= p->water.tolerance);
    check_near(residual, p->left, 1e-15, 1e-3);
    check_consistent(p->model, p->before, p->lambda, p->correction, p->virial);
}

/* SHAKE, bond by bond along the old directions until every length is right to 1e-17. */
static void reference_shake(const struct problem *p, long double correction[3][3])
{
    long double r[3][3];
    for (int a = 0; a < 3; a++)
        for (int i = 0; i < 3; i++)
            r[a][i] = place(p->after, a, i);
    for (int sweep = 0; sweep < 5000; sweep++) {
        long double worst = 0.0L;
        for (int k = 0; k < 3; k++) {
            int a = pair_atoms[k][0], b = pair_atoms[k][1];
            long double wa = 1.0L / mass_of(p->model, a), wb = 1.0L / mass_of(p->model, b);
            long double target = target_of(p->model, k), square = 0.0L, cosine = 0.0L;
            for (int i = 0; i < 3; i++) {
                long double now = r[b][i] - r[a][i], old = (long double)place(p->before, b, i) - place(p->before, a, i);
                square += now * now;
                cosine += now * old;
            }
            long double g = (target * target - square) / (2.0L * (wa + wb) * cosine);
            worst = fmaxl(worst, fabsl(square / (target * target) - 1.0L));
            for (int i = 0; i < 3; i++) {
                long double old = (long double)place(p->before, b, i) - place(p->before, a, i);
                r[a][i] -= wa * g * old;
                r[b][i] += wb * g * old;
            }
        }
        if (worst < 1e-17L) {
            for (int a = 0; a < 3; a++)
                for (int i = 0; i < 3; i++)
                    correction[a][i] = r[a][i] - place(p->after, a, i);
            return;
        }
    }
    fail_msg("the reference SHAKE did not converge");
}

/* All displacements and multipliers as they are: uniform shrinking about the centre of mass has multipliers
 * -s m (1 - 2 u) for the bonds of the apex and -s m u for the legs, with u = leg's part of the mass. */
static void check_uniform(const struct problem *p, double s, double relative)
{
    double m = p->model->leg, u = m / (p->model->apex + 2.0 * m);
    for (int k = 0; k < 3; k++)
        check_near(p->lambda[k], k == 2 ? -s * m * u : -s * m * (1.0 - 2.0 * u), 1e-15 * m + relative * m, 0.0);
}

static void analytic_cases(void **state)
{
    (void)state;
    for (int t = 0; t < 200; t++) {
        struct problem p;
        problem_init(&p, &models[t % MODELS], 1e-13);
        /* Nothing moved: nothing to correct. */
        memcpy(p.after, p.before, sizeof p.after);
        problem_solve(&p);
        check_solved(&p);
        check_uniform(&p, 0.0, 1e-13);
        /* The triangle grew by s about its centre: it shrinks back along the old bonds. */
        double s = 0.4 * (uniform() - 0.5);
        for (int k = 0; k < 2; k++)
            for (int i = 0; i < 3; i++)
                p.after[k][i] = (1.0 + s) * p.before[k][i];
        problem_solve(&p);
        check_solved(&p);
        check_uniform(&p, s, 1e-12);
        /* It drifted along the tangents of a rotation in its plane by phi: the radius must shrink so that
         * (1 - s)^2 + phi^2 = 1, the rotation of the leap-frog step. */
        double phi = 0.8 * (uniform() - 0.5), z[3], area = 0.0;
        for (int i = 0; i < 3; i++) {
            int j = (i + 1) % 3, h = (i + 2) % 3;
            z[i] = p.before[0][j] * p.before[1][h] - p.before[0][h] * p.before[1][j];
            area += z[i] * z[i];
        }
        for (int k = 0; k < 2; k++)
            for (int i = 0; i < 3; i++) {
                int j = (i + 1) % 3, h = (i + 2) % 3;
                p.after[k][i] = p.before[k][i] + phi * (z[j] * p.before[k][h] - z[h] * p.before[k][j]) / sqrt(area);
            }
        problem_solve(&p);
        check_solved(&p);
        check_uniform(&p, 1.0 - sqrt(1.0 - phi * phi), 1e-12);
    }
}

/* 300 K and 2 fs (SPC/E; the same displacements relative to the lengths are mild for the others). */
static void thermal_steps_agree_with_shake(void **state)
{
    (void)state;
    for (int t = 0; t < 4000; t++) {
        struct problem p;
        long double expected[3][3];
        problem_init(&p, &models[t % 2 ? 0 : t / 2 % MODELS], 1e-13);
        problem_displace_thermally(&p, 0.002);
        if (t % 3 == 0) /* a barostat has scaled the box: the old triangle is not quite rigid */
            for (int k = 0; k < 2; k++)
                for (int i = 0; i < 3; i++)
                    p.before[k][i] *= 1.0 + 1e-3 * (i - 0.7);
        problem_solve(&p);
        check_solved(&p);
        reference_shake(&p, expected);
        for (int a = 0; a < 3; a++)
            for (int i = 0; i < 3; i++)
                check_near(p.correction[a][i], (double)expected[a][i], 1e-12 * p.model->apex_leg, 0.0);
    }
}

static void every_tolerance_is_met(void **state)
{
    (void)state;
    static const double tolerances[] = {1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 1e-13};
    for (int t = 0; t < 6000; t++) {
        struct problem p;
        problem_init(&p, &models[t / 6 % MODELS], tolerances[t % 6]);
        problem_displace_thermally(&p, 0.002);
        problem_solve(&p);
        check_solved(&p);
    }
}

/* Gauss-Jordan with row pivoting: m becomes diagonal beside its right side. */
static void eliminate(long double m[3][4])
{
    for (int c = 0; c < 3; c++) {
        int best = c;
        for (int k = c + 1; k < 3; k++)
            best = fabsl(m[k][c]) > fabsl(m[best][c]) ? k : best;
        for (int o = 0; o < 4; o++) {
            long double kept = m[c][o];
            m[c][o] = m[best][o];
            m[best][o] = kept;
        }
        for (int k = 0; k < 3; k++)
            for (int o = 3; o >= c && k != c; o--)
                m[k][o] -= m[c][o] * m[k][c] / m[c][c];
    }
}

/* The multipliers that grow out of zero as the displacement does: Newton in long double at every hundredth of
 * it. Returns 0 if that branch ends before the whole displacement. */
static int reference_continuation(const struct problem *p, long double l[3])
{
    l[0] = l[1] = l[2] = 0.0L;
    for (int part = 1; part <= 100; part++) {
        long double error = 1.0L;
        for (int newton = 0; newton < 30 && error > 1e-17L; newton++) {
            long double r[3][3], m[3][4];
            for (int a = 0; a < 3; a++)
                for (int i = 0; i < 3; i++) {
                    long double b = place(p->before, a, i);
                    r[a][i] = b + ((long double)place(p->after, a, i) - b) * part / 100;
                }
            for (int k = 0; k < 3; k++)
                for (int i = 0; i < 3; i++) {
                    int a = pair_atoms[k][0], b = pair_atoms[k][1];
                    long double pair = (long double)place(p->before, b, i) - place(p->before, a, i);
                    r[a][i] -= l[k] * pair / mass_of(p->model, a);
                    r[b][i] += l[k] * pair / mass_of(p->model, b);
                }
            error = 0.0L;
            for (int k = 0; k < 3; k++) {
                int a = pair_atoms[k][0], b = pair_atoms[k][1];
                long double target = target_of(p->model, k), square = 0.0L;
                for (int i = 0; i < 3; i++)
                    square += (r[b][i] - r[a][i]) * (r[b][i] - r[a][i]);
                m[k][3] = (target * target - square) / 2.0L;
                error = fmaxl(error, fabsl(m[k][3]) / (target * target));
                for (int o = 0; o < 3; o++) {
                    int c = pair_atoms[o][0], d = pair_atoms[o][1];
                    m[k][o] = 0.0L;
                    for (int i = 0; i < 3; i++) {
                        long double pair = (long double)place(p->before, d, i) - place(p->before, c, i);
                        long double move = ((b == d) - (b == c)) * pair / mass_of(p->model, b) -
                                           ((a == d) - (a == c)) * pair / mass_of(p->model, a);
                        m[k][o] += (r[b][i] - r[a][i]) * move;
                    }
                }
            }
            eliminate(m);
            for (int k = 0; k < 3; k++)
                l[k] += m[k][3] / m[k][k];
        }
        if (!(error <= 1e-17L))
            return 0;
    }
    return 1;
}

/* Every atom moves by a given part of the bond in a random direction: far beyond what a sound step does. Where
 * a solution grows out of zero it must be found; where none is found the residual must say so. */
static void large_displacements_find_the_right_root(void **state)
{
    (void)state;
    static const double parts[] = {0.1, 0.2, 0.3, 0.4, 0.5};
    int solved[5] = {0}, refused[5] = {0}, compared[5] = {0};
    for (int t = 0; t < 5000; t++) {
        struct problem p;
        double d[3][3];
        long double expected[3];
        int part = t % 5;
        problem_init(&p, &models[t / 5 % 4], 1e-12);
        for (int a = 0; a < 3; a++) {
            random_direction(d[a]);
            for (int i = 0; i < 3; i++)
                d[a][i] *= parts[part] * p.model->apex_leg;
        }
        problem_displace(&p, (const double(*)[3])d);
        problem_solve(&p);
        int has_branch = reference_continuation(&p, expected);
        if (!(p.left <= 1e-12)) {
            assert_false(has_branch);
            check_near(p.left, problem_residual(&p), 0.0, 0.5); /* both to first order: the drifted lengths */
            for (int k = 0; k < 3; k++)
                assert_true(p.lambda[k] == 0.0);
            refused[part]++;
            continue;
        }
        check_solved(&p);
        solved[part]++;
        double scale = p.model->leg * p.model->apex / (p.model->leg + p.model->apex);
        for (int k = 0; k < 3 && has_branch; k++) /* a nearly singular branch amplifies the last digits */
            check_near(p.lambda[k], (double)expected[k], 1e-7 * scale, 1e-7);
        compared[part] += has_branch;
    }
    for (int part = 0; part < 5; part++)
        print_message("           %.1f d: %d solved, %d without solution, %d compared\n", parts[part], solved[part],
                      refused[part], compared[part]);
    assert_true(refused[0] == 0 && refused[1] == 0);
    assert_true(compared[0] == 1000 && compared[4] > 300);
}

/* RATTLE, bond by bond. */
static void reference_rattle(const struct model *m, const double b[2][3], long double v[3][3])
{
    for (int sweep = 0; sweep < 20000; sweep++) {
        long double worst = 0.0L;
        for (int k = 0; k < 3; k++) {
            int c = pair_atoms[k][0], d = pair_atoms[k][1];
            long double wc = 1.0L / mass_of(m, c), wd = 1.0L / mass_of(m, d), along = 0.0L, square = 0.0L;
            for (int i = 0; i < 3; i++) {
                long double pair = (long double)place(b, d, i) - place(b, c, i);
                along += pair * (v[d][i] - v[c][i]);
                square += pair * pair;
            }
            worst = fmaxl(worst, fabsl(along) / square);
            for (int i = 0; i < 3; i++) {
                long double pair = (long double)place(b, d, i) - place(b, c, i), g = -along / (square * (wc + wd));
                v[c][i] -= wc * g * pair;
                v[d][i] += wd * g * pair;
            }
        }
        if (worst < 1e-17L)
            return;
    }
    fail_msg("the reference RATTLE did not converge");
}

static void velocities_agree_with_rattle(void **state)
{
    (void)state;
    for (int t = 0; t < 2000; t++) {
        const struct model *m = &models[t % MODELS];
        struct sk_water water;
        double b[2][3], v[3][3], old[3][3], change[3][3], mu[3], virial[3], largest = 0.0;
        long double expected[3][3];
        sk_water_init(&water, m->apex, m->leg, m->apex_leg, m->leg_leg, 1e-6);
        random_triangle(m, b);
        for (int a = 0; a < 3; a++)
            for (int i = 0; i < 3; i++) {
                expected[a][i] = old[a][i] = v[a][i] = normal();
                largest = fmax(largest, fabs(v[a][i]));
            }
        double left = solve(VELOCITIES, &water, (const double(*)[3])b, (const double(*)[3])b, v, mu, virial);
        assert_true(left <= 1e-13 * largest / m->leg_leg);
        reference_rattle(m, (const double(*)[3])b, expected);
        for (int a = 0; a < 3; a++)
            for (int i = 0; i < 3; i++) {
                check_near(v[a][i], (double)expected[a][i], 1e-12 * largest, 0.0);
                change[a][i] = v[a][i] - old[a][i];
            }
        /* What was taken away is all along the bonds: nothing of it is left by a second call. */
        solve(VELOCITIES, &water, (const double(*)[3])b, (const double(*)[3])b, change, mu, virial);
        for (int a = 0; a < 3; a++)
            for (int i = 0; i < 3; i++)
                check_near(change[a][i], 0.0, 1e-12 * largest, 0.0);
    }
}

/* From rest plus pure constraint motion, the change is the multipliers' doing: momentum, torque, virial. */
static void velocity_forces_are_consistent(void **state)
{
    (void)state;
    for (int t = 0; t < 500; t++) {
        const struct model *m = &models[t % MODELS];
        struct sk_water water;
        double b[2][3], v[3][3], change[3][3], mu[3], virial[3], kinetic[2] = {0.0, 0.0};
        sk_water_init(&water, m->apex, m->leg, m->apex_leg, m->leg_leg, 1e-6);
        random_triangle(m, b);
        for (int a = 0; a < 3; a++)
            for (int i = 0; i < 3; i++) {
                v[a][i] = change[a][i] = normal();
                kinetic[0] += mass_of(m, a) * v[a][i] * v[a][i];
            }
        solve(VELOCITIES, &water, (const double(*)[3])b, (const double(*)[3])b, v, mu, virial);
        double largest = 0.0, momentum[3] = {0.0}, torque[3] = {0.0};
        for (int a = 0; a < 3; a++)
            for (int i = 0; i < 3; i++) {
                change[a][i] = v[a][i] - change[a][i];
                kinetic[1] += mass_of(m, a) * v[a][i] * v[a][i];
                largest = fmax(largest, mass_of(m, a) * (fabs(v[a][i]) + fabs(change[a][i])));
            }
        assert_true(kinetic[1] < kinetic[0]); /* an orthogonal projection takes energy away */
        for (int a = 0; a < 3; a++)
            for (int i = 0; i < 3; i++) {
                int j = (i + 1) % 3, h = (i + 2) % 3;
                momentum[i] += mass_of(m, a) * change[a][i];
                torque[i] += mass_of(m, a) * (place(b, a, j) * change[a][h] - place(b, a, h) * change[a][j]);
            }
        for (int i = 0; i < 3; i++) {
            check_near(momentum[i], 0.0, 5e-15 * largest, 0.0);
            check_near(torque[i], 0.0, 5e-15 * largest * m->apex_leg, 0.0);
            double sum = 0.0;
            for (int a = 0; a < 3; a++)
                sum -= 0.5 * place(b, a, i) * mass_of(m, a) * change[a][i];
            check_near(virial[i], sum, 5e-15 * largest * m->apex_leg, 0.0);
        }
    }
}

/* Translation and rotation are no business of the constraints. */
static void rigid_motion_is_left_alone(void **state)
{
    (void)state;
    for (int t = 0; t < 200; t++) {
        const struct model *m = &models[t % MODELS];
        struct sk_water water;
        double b[2][3], v[3][3], old[3][3], w[3], mu[3], virial[3];
        sk_water_init(&water, m->apex, m->leg, m->apex_leg, m->leg_leg, 1e-6);
        random_triangle(m, b);
        random_direction(w);
        for (int a = 0; a < 3; a++)
            for (int i = 0; i < 3; i++) {
                int j = (i + 1) % 3, h = (i + 2) % 3;
                old[a][i] = v[a][i] = 0.3 * i + (w[j] * place(b, a, h) - w[h] * place(b, a, j)) / m->apex_leg;
            }
        solve(VELOCITIES, &water, (const double(*)[3])b, (const double(*)[3])b, v, mu, virial);
        for (int a = 0; a < 3; a++)
            for (int i = 0; i < 3; i++)
                check_near(v[a][i], old[a][i], 2e-14, 0.0);
    }
}

static void nonsense_is_reported(void **state)
{
    (void)state;
    struct problem p;
    problem_init(&p, &models[0], 1e-6);
    problem_displace_thermally(&p, 0.002);
    p.after[1][2] = NAN;
    problem_solve(&p);
    assert_false(p.left <= 1e-6);
    problem_init(&p, &models[0], 1e-6); /* the old triangle is a line: no forces across it */
    problem_displace_thermally(&p, 0.002);
    for (int i = 0; i < 3; i++)
        p.before[1][i] = 2.0 * p.before[0][i];
    problem_solve(&p);
    assert_false(p.left <= 1e-6);
    problem_init(&p, &models[0], 1e-6); /* an atom flew away out of the plane: no triangle reaches it */
    double away[3][3] = {{0.0}, {0.0}, {5.0, 5.0, 5.0}};
    problem_displace(&p, (const double(*)[3])away);
    problem_solve(&p);
    assert_false(p.left <= 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(analytic_cases),
        cmocka_unit_test(thermal_steps_agree_with_shake),
        cmocka_unit_test(every_tolerance_is_met),
        cmocka_unit_test(large_displacements_find_the_right_root),
        cmocka_unit_test(velocities_agree_with_rattle),
        cmocka_unit_test(velocity_forces_are_consistent),
        cmocka_unit_test(rigid_motion_is_left_alone),
        cmocka_unit_test(nonsense_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
