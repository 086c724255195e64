/* Estimates of force errors, against errors that are measured: random charges, the mesh in double (mesh/reference.h)
 * and the direct part cut off, beside sums over wave vectors and images by definition (explicit.h). Estimates leave out
 * what the mesh does to a charge by its own image in it, which here is about as much as the rest. */
#include "mesh/accuracy.h"

#include "explicit.h"
#include "mesh/ewald.h"
#include "mesh/reference.h"

#define N 150

static double rms(const double (*a)[3], const double (*b)[3])
{
    double sum = 0;
    for (int i = 0; i < N; i++)
        for (int d = 0; d < 3; d++)
            sum += (a[i][d] - b[i][d]) * (a[i][d] - b[i][d]);
    return sqrt(sum / N);
}

static struct sk_mesh_charges totals(const struct charges *c)
{
    struct sk_mesh_charges t = {.coulomb = 1, .natoms = c->n, .volume = charges_volume(c)};
    for (int i = 0; i < c->n; i++)
        t.sum_q2 += c->q[i] * c->q[i];
    return t;
}

static void mesh_errors_are_as_estimated(void **state)
{
    (void)state;
    const double lattice[3][3] = {{2, 0, 0}, {0, 2, 0}, {0, 0, 2}};
    struct charges c = charges_new(N, lattice, 11);
    const struct sk_mesh_charges t = totals(&c);
    static const struct {
        int n, order;
        double beta;
    } of[] = {{18, 4, 3.5}, {24, 4, 3.5}, {14, 5, 3.0}, {20, 5, 3.0}, {12, 6, 2.5}, {16, 6, 3.0}};
    for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
        const int limit[3] = {12, 12, 12};
        const struct sk_mesh_plan plan = {{of[k].n, of[k].n, of[k].n}, of[k].order, of[k].beta};
        struct explicit_sums exact = {.force = sk_calloc(N, sizeof *exact.force)};
        double(*force)[3] = sk_calloc(N, sizeof *force);
        explicit_reciprocal(&c, of[k].beta, limit, &exact);
        sk_mesh_reference(&plan, 1, lattice, N, (const sk_frac(*)[3])c.x, c.q, force);
        double found = rms((const double(*)[3])force, (const double(*)[3])exact.force),
               estimate = sk_mesh_recip_error(&t, 2.0 / of[k].n, of[k].order, of[k].beta);
        print_message("           %d points, order %d, beta %.1f: error %.3e, estimate %.3e\n", of[k].n, of[k].order,
                      of[k].beta, found, estimate);
        assert_true(found > 0.7 * estimate && found < 2.5 * estimate);
        sk_free(&exact.force);
        sk_free(&force);
    }
    charges_free(&c);
}

/* All images within twice the cutoff against those within the cutoff. */
static void direct_errors_are_as_estimated(void **state)
{
    (void)state;
    const double lattice[3][3] = {{2, 0, 0}, {0, 2, 0}, {0, 0, 2}}, cutoff = 0.9;
    struct charges c = charges_new(N, lattice, 12);
    const struct sk_mesh_charges t = totals(&c);
    for (double beta = 2.0; beta < 3.6; beta += 0.5) {
        double(*near)[3] = sk_calloc(N, sizeof *near), (*all)[3] = sk_calloc(N, sizeof *all);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                for (int image = 0; image < 27; image++) {
                    const int turn[3] = {image % 3 - 1, image / 3 % 3 - 1, image / 9 - 1};
                    double r[3], r2 = 0;
                    for (int d = 0; d < 3; d++) {
                        r[d] = 2 * (sk_frac_difference(c.x[i][d], c.x[j][d]) + turn[d]);
                        r2 += r[d] * r[d];
                    }
                    if (r2 == 0 || r2 >= 4 * cutoff * cutoff)
                        continue;
                    const double f = c.q[i] * c.q[j] * sk_ewald_real(beta, r2).force;
                    for (int d = 0; d < 3; d++) {
                        all[i][d] += f * r[d];
                        near[i][d] += r2 < cutoff * cutoff ? f * r[d] : 0;
                    }
                }
        double found = rms((const double(*)[3])near, (const double(*)[3])all),
               estimate = sk_mesh_direct_error(&t, cutoff, beta);
        print_message("           beta %.1f: error %.3e, estimate %.3e\n", beta, found, estimate);
        assert_true(found > 0.7 * estimate && found < 1.4 * estimate);
        sk_free(&near);
        sk_free(&all);
    }
    charges_free(&c);
}

static void plans_keep_the_bound(void **state)
{
    (void)state;
    const double edge[3][3] = {{6, 0, 0}, {0, 4, 0}, {0, 0, 5}};
    const struct sk_mesh_charges t = {138.9, 15000, 12000, 120};
    struct sk_error err;
    double before = 0;
    for (double bound = 3; bound > 0.01; bound /= 3) {
        struct sk_mesh_plan plan;
        assert_int_equal(sk_mesh_plan_for_error(&plan, edge, &t, 0.9, 5, bound, &err), SK_OK);
        assert_int_equal(sk_mesh_plan_check(&plan, &err), SK_OK);
        double direct = sk_mesh_direct_error(&t, 0.9, plan.beta);
        assert_true(plan.beta > before);
        check_near(direct, bound / sqrt(2.0), 0, 1e-6);
        for (int d = 0; d < 3; d++)
            assert_true(sk_mesh_recip_error(&t, edge[d][d] / plan.n[d], 5, plan.beta) <= bound / sqrt(2.0) * 1.001);
        before = plan.beta;
    }
    struct sk_mesh_plan plan;
    assert_int_equal(sk_mesh_plan_for_error(&plan, edge, &t, 0.9, 4, 1e-30, &err), SK_EINPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mesh_errors_are_as_estimated),
        cmocka_unit_test(direct_errors_are_as_estimated),
        cmocka_unit_test(plans_keep_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
