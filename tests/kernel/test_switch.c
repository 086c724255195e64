/* Switched Lennard-Jones: the functions of switch.h, and all pair kernels on pairs at all distances, against the
 * definitions in switch_reference.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check.h"
#include "scene.h"
#include "switch_reference.h"

static const enum sk_switch_kind kinds[] = {SK_SWITCH_FORCE, SK_SWITCH_POTENTIAL, SK_SWITCH_CHARMM};
/* CHARMM's in nm and in Angstrom, AMBER-like, narrow, wide, reduced units */
static const double ranges[][2] = {{1.0, 1.2}, {8.0, 10.0}, {0.8, 0.9}, {0.88, 0.9}, {0.3, 1.2}, {2.0, 2.5}};
enum { KINDS = sizeof kinds / sizeof kinds[0], RANGES = sizeof ranges / sizeof ranges[0] };

static void test_powers(void **state)
{
    (void)state;
    for (int k = 0; k < KINDS * RANGES; k++) {
        const enum sk_switch_kind kind = kinds[k % KINDS];
        const double start = ranges[k / KINDS][0], end = ranges[k / KINDS][1];
        struct sk_switch s;
        sk_switch_init(&s, kind, start, end);
        for (int i = 0; i < 120; i++) {
            const double r = i < 90 ? start + (end - start) * (i + 0.5) / 90 : start * (0.5 + 0.016 * (i - 90));
            const struct sk_switched got = sk_switch_powers(&s, r * r);
            for (int n = 0; n < 2; n++) {
                const int p = n ? 12 : 6;
                const double plain = pow(r, -p);
                check_near(got.energy[n] + s.shift[n], (double)reference_power(kind, p, start, end, r), 1e-13 * plain,
                           1e-13);
                if (reference_is_smooth(start, end, r))
                    check_near(got.force[n] * r, (double)reference_power_force(kind, p, start, end, r),
                               1e-8 * p * plain / r, 0.0);
            }
        }
        const struct sk_switched last = sk_switch_powers(&s, end * end * (1.0 - 1e-15));
        for (int n = 0; n < 2; n++) {
            const double plain = pow(end, n ? -12.0 : -6.0);
            check_near(last.energy[n] + s.shift[n], 0.0, 1e-12 * plain, 0.0);
            check_near(last.force[n], 0.0, 1e-10 * plain / (end * end), 0.0);
        }
    }
}

/* The missing attraction, by quadrature of the reference; inside the start and beyond the end it is exact. */
static void test_lacking(void **state)
{
    (void)state;
    enum { PARTS = 600 };
    for (int k = 0; k < KINDS * RANGES; k++) {
        const enum sk_switch_kind kind = kinds[k % KINDS];
        const long double start = ranges[k / KINDS][0], end = ranges[k / KINDS][1], step = (end - start) / PARTS;
        struct sk_switch s;
        sk_switch_init(&s, kind, (double)start, (double)end);
        const long double inside = reference_power(kind, 6, start, end, start) - powl(start, -6.0L);
        long double sum = inside * powl(start, 3.0L) / 3 - powl(end, -3.0L) / 3;
        for (int i = 0; i <= PARTS; i++) {
            const long double r = start + i * step;
            const long double lacking = reference_power(kind, 6, start, end, r) - powl(r, -6.0L);
            sum += (i == 0 || i == PARTS ? 1.0L : i % 2 ? 4.0L : 2.0L) / 3 * step * r * r * lacking;
        }
        check_near(sk_switch_lacking(&s), (double)sum, 0.0, 1e-8);
    }
}

/* Atoms 0 and 8, of type 0, distance r along x (quanta of it exact), everything else masked off. */
static double pair_at(struct scene *s, double r)
{
    const int64_t quanta = llrint(r * 0x1p26);
    for (int axis = 0; axis < 3; axis++)
        s->packs.x[24 + 8 * axis] = s->packs.x[8 * axis] + (axis == 0 ? (int32_t)quanta : 0);
    return (double)quanta * 0x1p-26;
}

#define FINE 0x1p22 /* force units per kJ/mol/nm: rounding to them does not hide what float does */
static void pair_scene(struct scene *s, enum sk_lj_rule rule, enum sk_switch_kind kind, double start, double end)
{
    scene_init(s, 9, 2.6, 0.2);
    s->type[0] = s->type[8] = s->packs.type[0] = s->packs.type[8] = 0;
    scene_rule_set(s, (struct scene_rule){rule, 0, end, end, 0});
    scene_switch(s, kind, start);
    for (int k = 0; k < SCENE_TYPES * SCENE_TYPES * 2; k++)
        s->table[k] *= (float)(FINE / s->p.force_scale);
    for (int k = 0; k < 16 * s->packs.n; k++) /* sigma / 2 of the Lorentz rule is no force */
        s->packs.lj[k] *= rule == SK_LJ_LORENTZ && k % 16 < 8 ? 1.0f : (float)sqrt(FINE / s->p.force_scale);
    scene_tiles_reserve(s, 1, 1);
    s->entries[0] = (struct sk_ientry){0, SK_SHIFT_NONE, 0, 1, 1, 1};
    s->tiles[0] = (struct sk_tile){1, 1};
    s->nentries = s->ntiles = 1;
}

struct single {
    int32_t f[48];
    int64_t f64[48], shift[SK_SHIFTS][3];
    sk_int128 energy[2];
    int bad;
} __attribute__((aligned(64)));

/* All kernels of all variants: equal bits. */
static struct single run_single(struct scene *s)
{
    int count, has_first = 0;
    const struct sk_kernel_variant *v = sk_kernel_variants(&count);
    const struct sk_tiles tiles = scene_tiles(s);
    struct single first, now;
    memset(&first, 0, sizeof first);
    for (int n = 0; n < count; n++) {
        if (!v[n].is_supported())
            continue;
        memset(&now, 0, sizeof now);
        s->p.force_scale = 0x1p40;
        now.bad = v[n].wide(&s->packs, &tiles, &s->p, &s->shifts, now.f64, now.shift) != 0;
        now.bad |= v[n].energy(&s->packs, &tiles, &s->p, &s->shifts, now.energy) != 0;
        memset(now.shift, 0, sizeof now.shift);
        now.bad |= v[n].pair(&s->packs, &tiles, &s->p, &s->shifts, now.f, now.shift) != 0;
        if (has_first)
            assert_memory_equal(&first, &now, sizeof now);
        first = now;
        has_first = 1;
    }
    return first;
}

/* Errors over what repulsion and attraction without a switch would add up to. A distance in float is good to 1e-7; in
 * widths of the switched range that is as much more as the range is narrower. */
static void test_distances(void **state)
{
    (void)state;
    static const enum sk_lj_rule rules[] = {SK_LJ_GEOMETRIC, SK_LJ_LORENTZ, SK_LJ_TABLE};
    double worst = 0.0, worst_wide = 0.0, worst_energy = 0.0;
    for (int k = 0; k < KINDS * 3 * 3; k++) {
        const enum sk_switch_kind kind = kinds[k % KINDS];
        const double start = ranges[2 * (k / 9)][0], end = ranges[2 * (k / 9)][1];
        struct scene s;
        pair_scene(&s, rules[k / 3 % 3], kind, start, end);
        const double c6 = s.c6[0], c12 = s.c12[0];
        for (int i = 0; i < 100; i++) {
            const double r = pair_at(&s, 0.42 + (end + 0.02 - 0.42) * scene_uniform());
            const struct single got = run_single(&s);
            assert_int_equal(got.bad, 0);
            assert_int_equal(got.f[0], -got.f[24]);
            assert_int_equal(got.shift[SK_SHIFT_NONE][0], got.f[0]);
            const double energy = (double)(c12 * reference_power(kind, 12, start, end, r) -
                                           c6 * reference_power(kind, 6, start, end, r));
            worst_energy = fmax(worst_energy, fabs((double)got.energy[0] * 0x1p-32 - energy));
            if (!reference_is_smooth(start, end, r))
                continue;
            const double force = (double)(c12 * reference_power_force(kind, 12, start, end, r) -
                                          c6 * reference_power_force(kind, 6, start, end, r));
            const double size = 12.0 * c12 * pow(r, -13.0) + 6.0 * c6 * pow(r, -7.0);
            const double error = fmax(fabs(got.f[24] / FINE - force) - 0.5 / FINE, 0.0) / size;
            worst = fmax(worst, error * (end - start) / end);
            worst_wide = fmax(worst_wide, fabs((double)got.f64[24] * 0x1p-40 - force) / size);
        }
        scene_clear(&s);
    }
    print_message("force over both terms without a switch: float %.2e x end / width, wide %.2e; energy %.2e kJ/mol\n",
                  worst, worst_wide, worst_energy);
    assert_true(worst < 1e-6 && worst > 1e-8);
    assert_true(worst_wide < 1e-9); /* of the finite differences */
    assert_true(worst_energy < 0x1p-32);
}

/* Closer than any start the kernels give what they give without a switch, but for float rounding and the shift. */
static void test_inside(void **state)
{
    (void)state;
    for (int k = 0; k < KINDS; k++) {
        struct scene s, plain;
        pair_scene(&s, SK_LJ_GEOMETRIC, kinds[k], 0.7, 0.9);
        pair_scene(&plain, SK_LJ_GEOMETRIC, SK_SWITCH_NONE, 0.0, 0.9);
        for (int i = 0; i < 300; i++) {
            const double r = pair_at(&s, 0.42 + (0.7 - 0.42) * i / 300.0);
            pair_at(&plain, r);
            const struct single got = run_single(&s), want = run_single(&plain);
            check_near(got.f[24], want.f[24], 2.0, 1e-6);
            check_near((double)got.f64[24], (double)want.f64[24], 2.0, 1e-14);
        }
        scene_clear(&s);
        scene_clear(&plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_powers), cmocka_unit_test(test_lacking),
                                       cmocka_unit_test(test_distances), cmocka_unit_test(test_inside)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
