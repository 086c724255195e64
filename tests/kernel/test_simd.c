/* The software fma of the baseline against the C library's, bit for bit, and the tile reductions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/simd.h"
#include "scene.h"

static float random_float(int kind)
{
    uint32_t bits = (uint32_t)(scene_random() >> 32);
    union {
        uint32_t u;
        float f;
    } all = {bits};
    static const float special[] = {0.0f, -0.0f, 1.0f, -1.0f, 0x1p-149f, 0x1p-126f, 0x1.fffffep127f, INFINITY, NAN};
    if (kind == 0)
        return all.f; /* any bits: infinities, NaN, subnormals */
    if (kind == 1)
        return special[bits % 9];
    all.u = (bits & 0x807fffff) | (uint32_t)(120 + bits % 13) << 23; /* alike, so that sums cancel */
    return all.f;
}

static void check_fma(const float a[4], const float b[4], const float c[4])
{
    float got[SK_LANES] = {0};
    union {
        vf v;
        float f[SK_LANES];
    } x = {.f = {0}}, y = {.f = {0}}, z = {.f = {0}}, r;
    memcpy(x.f, a, 4 * sizeof *a);
    memcpy(y.f, b, 4 * sizeof *a);
    memcpy(z.f, c, 4 * sizeof *a);
    r.v = vf_fma(x.v, y.v, z.v);
    memcpy(got, r.f, sizeof got);
    for (int l = 0; l < 4; l++) {
        const float expected = fmaf(a[l], b[l], c[l]);
        if (isnan(expected))
            assert_true(isnan(got[l]));
        else
            assert_memory_equal(&got[l], &expected, sizeof expected);
    }
}

static void test_fma(void **state)
{
    (void)state;
    for (int round = 0; round < 1000000; round++) {
        float a[4], b[4], c[4];
        for (int l = 0; l < 4; l++) {
            a[l] = random_float(round % 3);
            b[l] = random_float(round % 3);
            c[l] = random_float(round / 3 % 3);
            if (round % 7 == 0 && l < 2) /* all but cancels, or lands half way between two floats */
                c[l] = l ? -a[l] * b[l] : ldexpf(a[l] * b[l], 24);
            if (round % 11 == 0)
                a[l] = ldexpf(a[l], -70), b[l] = ldexpf(b[l], -70); /* subnormal products */
        }
        check_fma(a, b, c);
    }
}

static void test_tile_sums(void **state)
{
    (void)state;
    union {
        vi v[SK_REGS];
        int32_t lane[32];
    } t;
    int32_t j[8] __attribute__((aligned(64))) = {0}, i[4] __attribute__((aligned(16)));
    for (int l = 0; l < 32; l++)
        t.lane[l] = (int32_t)scene_random();
    vi_add_j(j, t.v);
    _mm_store_si128((__m128i *)i, vi_sum_i(t.v));
    for (int b = 0; b < 8; b++)
        assert_int_equal((uint32_t)j[b], (uint32_t)t.lane[b] + (uint32_t)t.lane[8 + b] + (uint32_t)t.lane[16 + b] +
                                             (uint32_t)t.lane[24 + b]);
    for (int a = 0; a < 4; a++) {
        uint32_t sum = 0;
        for (int b = 0; b < 8; b++)
            sum += (uint32_t)t.lane[8 * a + b];
        assert_int_equal((uint32_t)i[a], sum);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fma), cmocka_unit_test(test_tile_sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
