/* The splitting as functions. Expected: C library functions, the Madelung constant of rock salt, beta as gmx prints it,
 * and that nothing depends on beta in the end. */
#include "mesh/ewald.h"

#include "kernel/pair.h"
#include "mesh/explicit.h"

#define ROCK_SALT 1.74756459463318219064 /* OEIS A085469 */

static void test_beta(void **state)
{
    (void)state;
    /* gmx_d 2022.5, rcoulomb 0.9 ewald-rtol 1e-5 and 1.2, 1e-9: as in the references' logs */
    check_near(sk_ewald_beta(0.9, 1e-5), 3.470459, 5e-7, 0.0);
    check_near(sk_ewald_beta(1.2, 1e-9), 3.600004, 5e-7, 0.0);
    for (double rtol = 0.5; rtol > 1e-14; rtol *= 0.3)
        check_near(erfc(sk_ewald_beta(1.1, rtol) * 1.1), rtol, 0.0, 1e-13);
}

static void test_pairs(void **state)
{
    (void)state;
    const double beta = 3.4, two_over_sqrt_pi = 2.0 / sqrt(EXPLICIT_PI);
    for (double r = 1e-6; r < 1.5; r *= 1.07) {
        const double z = beta * r, gauss = two_over_sqrt_pi * beta * exp(-z * z);
        struct sk_ewald_pair real = sk_ewald_real(beta, r * r), excluded = sk_ewald_excluded(beta, r * r);
        check_near(real.energy, erfc(z) / r, 0.0, 1e-13);
        check_near(real.force, (erfc(z) / r + gauss) / (r * r), 0.0, 1e-13);
        check_near(excluded.energy, -erf(z) / r, 0.0, 1e-13);
        /* together they are 1/r; the difference of large numbers says nothing at small r */
        check_near(real.force - excluded.force, 1 / (r * r * r), 0.0, 1e-13);
        if (r > 0.05)
            check_near(excluded.force, (gauss - erf(z) / r) / (r * r), 1e-11, 1e-10);
    }
    /* limits of the series: 2 beta / sqrt(pi) and two thirds of it times beta^2 */
    struct sk_ewald_pair zero = sk_ewald_excluded(beta, 0.0);
    check_near(zero.energy, -two_over_sqrt_pi * beta, 0.0, 1e-15);
    check_near(zero.force, -two_over_sqrt_pi * beta * beta * beta * 2 / 3, 0.0, 1e-15);
    /* both sides of the change of formula */
    const double r2 = 0.25 / (beta * beta);
    check_near(sk_ewald_excluded(beta, r2 * (1 - 1e-12)).force, sk_ewald_excluded(beta, r2 * (1 + 1e-12)).force, 0.0,
               1e-11);
}

/* All of an Ewald sum: pairs and images within 1.5 edges (erfc has vanished there), wave vectors, self, background. */
static double whole_energy(const struct charges *c, double beta)
{
    const int limit[3] = {11, 11, 11};
    struct explicit_sums sums = {.force = sk_calloc((size_t)c->n, sizeof *sums.force)};
    double real = 0.0, q2 = 0.0, q = 0.0;
    explicit_reciprocal(c, beta, limit, &sums);
    for (int i = 0; i < c->n; i++) {
        q += c->q[i];
        q2 += c->q[i] * c->q[i];
        for (int j = 0; j < c->n; j++)
            for (int image = 0; image < 343; image++) {
                const int at[3] = {image % 7 - 3, image / 7 % 7 - 3, image / 49 - 3};
                double r2 = 0.0, r[3] = {0, 0, 0};
                if (i == j && image == 171)
                    continue;
                for (int e = 0; e < 3; e++)
                    for (int d = 0; d < 3; d++)
                        r[d] += (sk_frac_difference(c->x[i][e], c->x[j][e]) + at[e]) * c->lattice[e][d];
                for (int d = 0; d < 3; d++)
                    r2 += r[d] * r[d];
                real += 0.5 * c->q[i] * c->q[j] * sk_ewald_real(beta, r2).energy;
            }
    }
    sk_free(&sums.force);
    return real + sums.energy + sk_ewald_self(beta, 1.0, q2) + sk_ewald_background(beta, 1.0, q, charges_volume(c));
}

static void test_rock_salt(void **state)
{
    (void)state;
    const double lattice[3][3] = {{2, 0, 0}, {0, 2, 0}, {0, 0, 2}}; /* ions 1 apart */
    struct charges c = charges_new(8, lattice, 1);
    for (int i = 0; i < 8; i++) {
        for (int d = 0; d < 3; d++)
            c.x[i][d] = i >> d & 1 ? (sk_frac)1 << 63 : 0;
        c.q[i] = ((i & 1) + (i >> 1 & 1) + (i >> 2 & 1)) % 2 ? -1.0 : 1.0;
    }
    check_near(whole_energy(&c, 1.9), -4.0 * ROCK_SALT, 0.0, 1e-12);
    charges_free(&c);
}

/* With a net charge of several e, in an oblique lattice. */
static void test_beta_does_not_matter(void **state)
{
    (void)state;
    const double lattice[3][3] = {{2.0, 0, 0}, {0.3, 1.9, 0}, {-0.5, 0.7, 1.8}};
    struct charges c = charges_new(9, lattice, 2);
    double q = 0.0;
    for (int i = 0; i < c.n; i++)
        q += c.q[i] += 0.4;
    assert_true(fabs(q) > 2.0);
    check_near(whole_energy(&c, 1.7), whole_energy(&c, 2.1), 0.0, 1e-11);
    charges_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beta),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_rock_salt),
        cmocka_unit_test(test_beta_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
