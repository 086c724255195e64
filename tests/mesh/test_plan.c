/* Choice of the grid. Expected: what grompp of gmx 2022.5 said for boxes of 0.5 to 67.2 nm at a spacing of 0.1 nm
 * (order 4), and for the reference systems (systems/README.md). */
#include "mesh/plan.h"

#include <string.h>

#include "check.h"
#include "kernel/fft.h"

/* Every length that it took, in order. */
static const int gromacs[] = {6,   8,   10,  12,  14,  16,  20,  24,  25,  28,  32,  36,  40,  42,  44,
                              48,  52,  56,  60,  64,  72,  80,  84,  96,  100, 104, 108, 112, 120, 128,
                              144, 160, 168, 192, 200, 208, 216, 224, 240, 256, 280, 288, 300, 320, 324,
                              336, 384, 400, 416, 432, 448, 480, 512, 560, 576, 600, 640, 648, 672};
enum { LENGTHS = sizeof gromacs / sizeof gromacs[0] };

static void test_lengths(void **state)
{
    (void)state;
    for (int least = 1, k = 0; least <= gromacs[LENGTHS - 1]; least++) {
        if (least > gromacs[k])
            k++;
        assert_int_equal(sk_mesh_length(least), gromacs[k]);
    }
    for (int least = 1; least <= 4096; least += 7)
        assert_true(sk_fft_is_length(sk_mesh_length(least)));
}

static void check_grid(double x, double y, double z, int nx, int ny, int nz)
{
    const double edge[3][3] = {{x, 0, 0}, {0, y, 0}, {0, 0, z}};
    struct sk_mesh_plan plan;
    struct sk_error err;
    assert_int_equal(sk_mesh_plan_choose(&plan, edge, 0.12, 4, 0.9, 1e-5, &err), SK_OK);
    assert_int_equal(plan.n[0], nx);
    assert_int_equal(plan.n[1], ny);
    assert_int_equal(plan.n[2], nz);
    assert_int_equal(plan.order, 4);
    assert_int_equal(sk_mesh_plan_check(&plan, &err), SK_OK);
}

static void test_systems(void **state)
{
    (void)state;
    check_grid(3.1064, 3.1064, 3.1064, 28, 28, 28);       /* spce 3k */
    check_grid(6.2128, 6.2128, 6.2128, 52, 52, 52);       /* spce 24k */
    check_grid(12.4256, 12.4256, 6.2128, 104, 104, 52);   /* spce 96k */
    check_grid(24.8512, 24.8512, 12.4256, 208, 208, 104); /* spce 768k */
    check_grid(3.36, 0.6, 0.1, 28, 6, 6);                 /* exactly 28 spacings; not less than 2 (order - 1) */
}

static void test_refusals(void **state)
{
    (void)state;
    const double edge[3][3] = {{3, 0, 0}, {0, 3, 0}, {0, 0, 3}};
    struct sk_mesh_plan plan;
    struct sk_error err;
    assert_int_equal(sk_mesh_plan_choose(&plan, edge, 0.12, 3, 0.9, 1e-5, &err), SK_EINPUT);
    assert_int_equal(sk_mesh_plan_choose(&plan, edge, 0.12, 7, 0.9, 1e-5, &err), SK_EINPUT);
    assert_int_equal(sk_mesh_plan_choose(&plan, edge, 0.0, 4, 0.9, 1e-5, &err), SK_EINPUT);
    assert_int_equal(sk_mesh_plan_choose(&plan, edge, 1e-5, 4, 0.9, 1e-5, &err), SK_EINPUT);
    assert_int_equal(sk_mesh_plan_choose(&plan, edge, 0.12, 4, 0.0, 1e-5, &err), SK_EINPUT);
    assert_int_equal(sk_mesh_plan_choose(&plan, edge, 0.12, 4, 0.9, 1.0, &err), SK_EINPUT);
    assert_int_equal(sk_mesh_plan_choose(&plan, edge, 0.12, 4, 0.9, NAN, &err), SK_EINPUT);
    plan = (struct sk_mesh_plan){{28, 34, 28}, 4, 3.0}; /* 34 = 2 x 17 */
    assert_int_equal(sk_mesh_plan_check(&plan, &err), SK_EINPUT);
    assert_non_null(strstr(err.message, "34 points along y"));
    plan.n[1] = 3;
    assert_int_equal(sk_mesh_plan_check(&plan, &err), SK_EINPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_systems),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
