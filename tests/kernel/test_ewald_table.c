/* The table of the real-space force. Expected: erfc and exp of the C library; equal bits in all variants. */
#include "kernel/ewald_table.h"

#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "kernel/pair.h"

enum { POINTS = 1 << 20 };

static double force(double r2, const void *context)
{
    const double beta = *(const double *)context, r = sqrt(r2);
    return (erfc(beta * r) / r + 2.0 / sqrt(3.14159265358979323846) * beta * exp(-beta * beta * r2)) / r2;
}

/* Largest error over the force of bare charges, and root mean square over the force itself with the weights of a
 * liquid (as many pairs as r^2 dr has). */
static void check_table(double cutoff, double beta, double bound)
{
    struct sk_ewald_table table;
    float *r2 = sk_alloc(POINTS, sizeof *r2), *f = sk_alloc(POINTS, sizeof *f), *g = sk_alloc(POINTS, sizeof *g);
    double worst = 0.0, difference = 0.0, size = 0.0;
    int nvariants, has_first = 0;
    const struct sk_kernel_variant *variant = sk_kernel_variants(&nvariants);

    sk_ewald_table_init(&table, cutoff * cutoff, force, &beta);
    assert_true(table.least2 <= cutoff * cutoff / 160.0 && table.least2 > 0.0f);
    for (int i = 0; i < POINTS; i++)
        r2[i] = (float)(table.least2 + (cutoff * cutoff * (1 - 1e-7) - table.least2) * pow(i / (POINTS - 1.0), 3.0));
    for (int k = 0; k < nvariants; k++) {
        if (!variant[k].is_supported())
            continue;
        variant[k].ewald_table(&table, r2, has_first ? g : f, POINTS);
        if (has_first)
            assert_memory_equal(f, g, POINTS * sizeof *f);
        has_first = 1;
    }
    for (int i = 0; i < POINTS; i++) {
        const double r = sqrt(r2[i]), exact = force(r2[i], &beta), error = f[i] - exact;
        worst = fabs(error) * r * r * r > worst ? fabs(error) * r * r * r : worst;
        if (r > 0.15 * cutoff) {
            difference += error * error * r2[i] * r2[i];
            size += exact * exact * r2[i] * r2[i];
        }
    }
    print_message("cutoff %g beta %g: error over 1/r^2 at most %.2e, rms over the force %.2e\n", cutoff, beta, worst,
                  sqrt(difference / size));
    assert_true(worst < bound);
    sk_free(&r2);
    sk_free(&f);
    sk_free(&g);
}

static void test_accuracy(void **state)
{
    (void)state;
    check_table(0.9, 3.470459, 6e-6);
    check_table(1.2, 2.602844, 6e-6);
    check_table(0.5, 7.0, 6e-6);
    check_table(10.0, 0.3123, 6e-6);
    check_table(1.0, 1e-3, 6e-6); /* next to plain Coulomb */
}

/* Closer than the second piece there is no force; any float is safe, also beyond the cutoff. */
static void test_ends(void **state)
{
    (void)state;
    struct sk_ewald_table table;
    const double beta = 3.1;
    int nvariants;
    const struct sk_kernel_variant *variant = sk_kernel_variants(&nvariants);
    float r2[16] __attribute__((aligned(64))) = {0.0f, 1e-30f, -1.0f, NAN, 1e-5f, 0.0f, 1.5f, 1e30f, INFINITY};
    float f[16] __attribute__((aligned(64)));
    sk_ewald_table_init(&table, 0.81, force, &beta);
    for (int k = 0; k < nvariants; k++) {
        if (!variant[k].is_supported())
            continue;
        variant[k].ewald_table(&table, r2, f, 16);
        for (int i = 0; i < 6; i++)
            check_near(f[i], force(table.least2, &beta), 0.0, 6e-6);
        for (int i = 6; i < 9; i++)
            assert_true(isfinite(f[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_accuracy), cmocka_unit_test(test_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
