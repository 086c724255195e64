/* The force kernel against a scalar loop (scene.h), its symmetries and its range test; pruning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

static const struct scene_rule rules[] = {
    {SK_LJ_GEOMETRIC, 0, 0.9, 0.9, 0}, {SK_LJ_LORENTZ, 0, 0.9, 0.9, 0},   {SK_LJ_TABLE, 0, 0.9, 0.9, 0},
    {SK_LJ_NONE, 1, 0.9, 0.9, 1},      {SK_LJ_GEOMETRIC, 1, 0.9, 0.9, 1}, {SK_LJ_LORENTZ, 1, 0.9, 0.9, 0},
    {SK_LJ_TABLE, 1, 0.9, 0.9, 1},     {SK_LJ_GEOMETRIC, 1, 1.0, 0.7, 1}, {SK_LJ_LORENTZ, 1, 0.7, 1.0, 1},
    {SK_LJ_TABLE, 1, 1.0, 0.7, 0},     {SK_LJ_NONE, 1, 0.7, 1.0, 0},
};
enum { KINDS = 4, NRULES = KINDS * sizeof rules / sizeof rules[0] };

/* Rule k / KINDS with switch k % KINDS. */
static void set_rule(struct scene *s, int k)
{
    scene_rule_set(s, rules[k / KINDS]);
    scene_switch(s, (enum sk_switch_kind)(k % KINDS), 0.8 * rules[k / KINDS].vdw_cutoff);
}

struct result {
    int32_t *f;
    int64_t shift[SK_SHIFTS][3];
    int bad;
};

static struct result result_start(const struct scene *s)
{
    struct result r = {.f = sk_alloc(24 * (size_t)s->packs.n, sizeof *r.f)};
    for (int k = 0; k < 24 * s->packs.n; k++)
        r.f[k] = 1000 * k; /* the kernel adds */
    for (int k = 0; k < SK_SHIFTS; k++)
        for (int axis = 0; axis < 3; axis++)
            r.shift[k][axis] = ((int64_t)1 << 40) + k;
    return r;
}

static struct result run_variant(const struct scene *s, const struct sk_kernel_variant *v)
{
    struct result r = result_start(s);
    struct sk_tiles tiles = scene_tiles(s);
    r.bad = v->pair(&s->packs, &tiles, &s->p, &s->shifts, r.f, r.shift) != 0;
    return r;
}

static struct result run_scalar(const struct scene *s)
{
    struct result r = result_start(s);
    r.bad = scalar_forces(s, r.f, r.shift);
    return r;
}

static void assert_variants_agree(const struct scene *s, int expect_bad)
{
    int count, ran = 0;
    const struct sk_kernel_variant *v = sk_kernel_variants(&count);
    struct result expected = run_scalar(s);
    assert_int_equal(expected.bad, expect_bad);
    for (int k = 0; k < count; k++) {
        if (!v[k].is_supported())
            continue;
        struct result r = run_variant(s, &v[k]);
        assert_int_equal(r.bad, expected.bad);
        if (!expected.bad) {
            assert_memory_equal(r.f, expected.f, 24 * (size_t)s->packs.n * sizeof *r.f);
            assert_memory_equal(r.shift, expected.shift, sizeof r.shift);
        }
        sk_free(&r.f);
        ran++;
    }
    assert_true(ran >= 1);
    sk_free(&expected.f);
}

/* Sum of what the kernel added, over all atoms. */
static void assert_sum_zero(const struct scene *s)
{
    struct result before = result_start(s), after = run_variant(s, sk_kernel_find("auto"));
    uint32_t sum[3] = {0}, size = 0;
    for (int k = 0; k < 24 * s->packs.n; k++) {
        uint32_t df = (uint32_t)after.f[k] - (uint32_t)before.f[k];
        sum[k / 8 % 3] += df;
        size += df != 0;
    }
    assert_true(size > 100);
    for (int k = 0; k < 3; k++)
        assert_int_equal(sum[k], 0);
    sk_free(&before.f);
    sk_free(&after.f);
}

static void test_bits(void **state)
{
    (void)state;
    for (int k = 0; k < NRULES; k++)
        for (int natoms = 185; natoms < 192; natoms += 3) { /* the last pack is filled to 1, 4, 7 */
            struct scene s;
            scene_init(&s, natoms, 2.2, 0.13);
            set_rule(&s, k);
            scene_list_all(&s, 3);
            assert_variants_agree(&s, 0);
            assert_sum_zero(&s);
            scene_list_random(&s);
            assert_variants_agree(&s, 0);
            scene_clear(&s);
        }
}

/* Moving all coordinates over the wrap of int32 changes nothing. */
static void test_wrap(void **state)
{
    (void)state;
    static const int32_t offsets[] = {INT32_MAX, INT32_MAX - 0x4000000, -0x4000000, INT32_MIN};
    struct scene s;
    scene_init(&s, 190, 2.2, 0.13);
    scene_rule_set(&s, rules[4]);
    scene_list_all(&s, 3);
    struct result home = run_variant(&s, sk_kernel_find("auto"));
    for (int k = 0; k < 4; k++) {
        scene_place(&s, offsets[k]);
        assert_variants_agree(&s, 0);
        struct result r = run_variant(&s, sk_kernel_find("auto"));
        for (int a = 0; a < s.natoms; a++)
            for (int axis = 0; axis < 3; axis++) {
                int place = 24 * (a / 8) + 8 * axis + a % 8;
                assert_int_equal(r.f[place], home.f[place]);
            }
        sk_free(&r.f);
    }
    sk_free(&home.f);
    scene_clear(&s);
}

/* i against j and j against i give the same bits: pack 0 and pack 1 with sides and shifts swapped. */
static void test_order(void **state)
{
    (void)state;
    for (int k = 0; k < NRULES; k++) {
        struct scene s;
        struct result r[2];
        scene_init(&s, 16, 1.0, 0.12);
        set_rule(&s, k);
        for (int swap = 0; swap < 2; swap++) {
            scene_tiles_reserve(&s, 2 * SK_SHIFTS, 2 * SK_SHIFTS);
            for (int h = 0; h < 2 * SK_SHIFTS; h++) {
                int shift = swap ? SK_SHIFTS - 1 - h / 2 : h / 2, i = h % 2 + 2 * swap;
                s.entries[s.nentries++] = (struct sk_ientry){i, shift, h, h, h + 1, scene_icluster_has_lj(&s, i)};
                s.tiles[s.ntiles++] = (struct sk_tile){!swap, UINT32_MAX};
            }
            assert_variants_agree(&s, 0);
            r[swap] = run_variant(&s, sk_kernel_find("auto"));
        }
        assert_memory_equal(r[0].f, r[1].f, 48 * sizeof *r[0].f);
        for (int h = 0; h < SK_SHIFTS; h++)
            for (int axis = 0; axis < 3; axis++) /* what i feels by s, j feels by -s */
                assert_int_equal(r[0].shift[h][axis] - ((int64_t)1 << 40) - h,
                                 -(r[1].shift[26 - h][axis] - ((int64_t)1 << 40) - (26 - h)));
        sk_free(&r[0].f);
        sk_free(&r[1].f);
        scene_clear(&s);
    }
}

/* Two atoms, one in each of two packs, everything else masked off. */
static void pair_scene(struct scene *s, int rule, int type, double charge)
{
    scene_init(s, 9, 2.2, 0.2);
    s->type[0] = s->type[8] = s->packs.type[0] = s->packs.type[8] = type;
    s->charge[0] = charge;
    s->charge[8] = -charge;
    set_rule(s, rule);
    scene_tiles_reserve(s, 1, 1);
    s->entries[0] = (struct sk_ientry){0, SK_SHIFT_NONE, 0, 1, 1, scene_icluster_has_lj(s, 0)};
    s->tiles[0] = (struct sk_tile){1, 1};
    s->nentries = s->ntiles = 1;
}

/* The flag comes with the first quantum at which F/r of two charges exceeds 2^28 over the cutoff. */
static void test_range(void **state)
{
    (void)state;
    struct scene s;
    pair_scene(&s, 3 * KINDS, 3, 1.0);
    /* F/r = 138.9 S / r^3 - ... */
    const double k = s.p.coulomb * s.p.force_scale, rc3 = 0.9 * 0.9 * 0.9, limit = 0x1p28 / 0.9;
    int changes = 0, last = 1;
    for (int step = -2000; step < 2000; step++) {
        const double r = cbrt(k / limit) * (1.0 + step * 1e-7);
        const int64_t quanta = llrint(r * 0x1p26);
        s.packs.x[0] = 77;
        s.packs.x[24] = (int32_t)(77 + quanta);
        s.packs.x[8] = s.packs.x[32] = s.packs.x[16] = s.packs.x[40] = -5;
        const double exact = (double)quanta * 0x1p-26, scalar_force = k * (1.0 / (exact * exact * exact) - 1.0 / rc3);
        struct result scalar = run_scalar(&s);
        const int bad = scalar.bad;
        sk_free(&scalar.f);
        if (fabs(scalar_force - limit) > limit * 1e-6) /* float arithmetic decides within its rounding */
            assert_int_equal(bad, scalar_force > limit);
        changes += bad != last;
        last = bad;
        assert_variants_agree(&s, bad);
    }
    assert_true(changes % 2 == 1);
    scene_clear(&s);
}

static void test_range_same_point(void **state)
{
    (void)state;
    static const struct {
        int rule, type;
        double charge;
        int expect_bad;
    } cases[] = {
        {3, 3, 0.5, 1},
        {0, 0, 0.0, 1},
        {1, 1, 0.0, 1},
        {2, 2, 0.0, 1},
        {4, 0, 0.5, 1},
        {4, 3, 0.5, 1},
        {5, 1, 0.0, 1},
        {6, 3, 1e-2, 1},
        {7, 0, 0.5, 1},
        {8, 0, 0.0, 1},
        {9, 2, 0.5, 1},
        /* no parameters, no force: a mere point */
        {0, 3, 0.0, 0},
        {3, 3, 0.0, 0},
        {4, 3, 0.0, 0},
        {5, 4, 0.0, 0},
        {6, 3, 0.0, 0},
        {8, 4, 0.0, 0},
    };
    for (size_t k = 0; k < KINDS * sizeof cases / sizeof cases[0]; k++)
        for (int quanta = 0; quanta < 3; quanta++) {
            struct scene s;
            pair_scene(&s, KINDS * cases[k / KINDS].rule + (int)k % KINDS, cases[k / KINDS].type,
                       cases[k / KINDS].charge);
            s.entries[0].has_lj = 1; /* the result must not hang on which loop runs */
            for (int axis = 0; axis < 3; axis++)
                s.packs.x[24 + 8 * axis] = s.packs.x[8 * axis] + quanta;
            assert_variants_agree(&s, cases[k / KINDS].expect_bad);
            s.tiles[0].mask = 2; /* masked off: another pair of lanes, far away */
            s.packs.x[24 + 1] = s.packs.x[0] + 0x2000000;
            assert_variants_agree(&s, 0);
            scene_clear(&s);
        }
}

/* A geometric and a Lorentz system written as a table of type pairs: equal but for rounding. */
static void test_table(void **state)
{
    (void)state;
    static const int which[] = {0, 1, 4, 5, 7, 8};
    for (int k = 0; k < 6 * KINDS; k++) {
        struct scene s;
        scene_init(&s, 190, 2.2, 0.13);
        set_rule(&s, KINDS * which[k / KINDS] + k % KINDS);
        scene_list_all(&s, 1);
        struct result direct = run_variant(&s, sk_kernel_find("auto"));
        s.p.lj_rule = SK_LJ_TABLE;
        struct result table = run_variant(&s, sk_kernel_find("auto"));
        double error = 0.0, size = 0.0;
        for (int n = 0; n < 24 * s.packs.n; n++) {
            error += pow((double)table.f[n] - direct.f[n], 2.0);
            size += pow(direct.f[n] - 1000.0 * n, 2.0);
        }
        /* with a switch they may round to the same integers */
        assert_true((error > 0.0 || k % KINDS) && sqrt(error / size) < 1e-6);
        sk_free(&direct.f);
        sk_free(&table.f);
        scene_clear(&s);
    }
}

/* By the high halves of coordinates. Those closer than radius must be. */
static int scalar_is_within(const struct scene *s, int a, int b, const int32_t shift[3], double radius)
{
    int64_t high2 = 0;
    double r2 = 0.0;
    for (int k = 0; k < 3; k++) {
        const uint32_t xa = (uint32_t)s->packs.x[24 * (a / 8) + 8 * k + a % 8] + (uint32_t)shift[k];
        const uint32_t xb = (uint32_t)s->packs.x[24 * (b / 8) + 8 * k + b % 8];
        const int16_t high = (int16_t)((xa >> 16) - (xb >> 16));
        const double d = (int32_t)(xa - xb) * s->p.quantum;
        high2 += high * high;
        r2 += d * d;
    }
    const int is_within = high2 < sk_prune_limit2(radius, s->p.quantum);
    assert_true(is_within || r2 >= radius * radius);
    assert_true(!is_within || sqrt(r2) < radius + 4.0 * 0x1p16 * s->p.quantum);
    return is_within;
}

static void check_prune(const struct scene *s, const struct sk_kernel_variant *v, double radius, int begin)
{
    struct sk_tiles tiles = {s->entries, begin, s->nentries, s->tiles};
    struct sk_ientry *entries = sk_calloc((size_t)s->nentries, sizeof *entries);
    struct sk_tile *kept = sk_calloc((size_t)s->ntiles + 1, sizeof *kept);
    int32_t *high = sk_alloc(16 * (size_t)s->packs.n, sizeof *high);
    const int32_t limit2 = sk_prune_limit2(radius, s->p.quantum);
    int count = v->prune(&s->packs, &tiles, limit2, &s->shifts, high, entries, kept), place = 0;
    for (int n = begin; n < s->nentries; n++) {
        const struct sk_ientry *e = &s->entries[n], *out = &entries[n - begin];
        assert_int_equal(out->icluster, e->icluster);
        assert_int_equal(out->shift, e->shift);
        assert_int_equal(out->has_lj, e->has_lj);
        assert_int_equal(out->first, place);
        for (int t = e->first; t < e->end; t++) {
            int is_near = 0;
            for (int l = 0; l < 32; l++)
                if (s->tiles[t].mask >> l & 1)
                    is_near |= scalar_is_within(s, 4 * e->icluster + l / 8, 8 * s->tiles[t].pack + l % 8,
                                                s->shifts.x[e->shift], radius);
            if (t == e->first_full)
                assert_int_equal(out->first_full, place);
            if (is_near) {
                assert_int_equal(kept[place].pack, s->tiles[t].pack);
                assert_int_equal(kept[place].mask, s->tiles[t].mask);
                place++;
            }
        }
        if (e->first_full == e->end)
            assert_int_equal(out->first_full, place);
        assert_int_equal(out->end, place);
    }
    assert_int_equal(count, place);
    assert_true(place > 0 && place < s->ntiles);
    sk_free(&high);
    sk_free(&entries);
    sk_free(&kept);
}

static void test_prune(void **state)
{
    (void)state;
    int count;
    const struct sk_kernel_variant *v = sk_kernel_variants(&count);
    struct scene s;
    scene_init(&s, 185, 2.2, 0.1);
    scene_rule_set(&s, rules[4]);
    for (int k = 0; k < count; k++)
        for (int list = 0; list < 2 && v[k].is_supported(); list++) {
            if (list)
                scene_list_random(&s);
            else
                scene_list_all(&s, 3);
            check_prune(&s, &v[k], 0.4, 0);
            check_prune(&s, &v[k], 0.3, 7);
        }
    scene_clear(&s);
}

static void test_displacement(void **state)
{
    (void)state;
    enum { PACKS = 13 };
    int32_t *x = sk_alloc(24 * PACKS, sizeof *x), *reference = sk_alloc(24 * PACKS, sizeof *x);
    int count;
    const struct sk_kernel_variant *v = sk_kernel_variants(&count);
    for (int round = 0; round < 50; round++) {
        double largest = 0.0;
        for (int k = 0; k < 24 * PACKS; k++) {
            reference[k] = (int32_t)scene_random();
            x[k] = (int32_t)((uint32_t)reference[k] + (uint32_t)(scene_random() >> 48) - 30000U);
        }
        for (int a = 0; a < 8 * PACKS; a++) {
            double r2 = 0.0;
            for (int k = 0; k < 3; k++) {
                int place = 24 * (a / 8) + 8 * k + a % 8;
                double d = (int32_t)((uint32_t)x[place] - (uint32_t)reference[place]);
                r2 += d * d;
            }
            largest = r2 > largest ? r2 : largest;
        }
        for (int k = 0; k < count; k++)
            if (v[k].is_supported()) {
                float got = v[k].displacement(x, reference, PACKS);
                assert_true(fabs(got - largest) <= 3e-7 * largest);
                assert_true(got == v[0].displacement(x, reference, PACKS));
            }
    }
    sk_free(&x);
    sk_free(&reference);
}

static void test_find(void **state)
{
    (void)state;
    int count;
    const struct sk_kernel_variant *v = sk_kernel_variants(&count), *fastest = NULL;
    assert_int_equal(count, 3);
    for (int k = 0; k < count; k++) {
        assert_ptr_equal(sk_kernel_find(v[k].name), &v[k]);
        if (v[k].is_supported())
            fastest = &v[k];
    }
    assert_true(v[0].is_supported());
    assert_string_equal(v[0].name, "baseline");
    assert_ptr_equal(sk_kernel_find("auto"), fastest);
    assert_null(sk_kernel_find("neon"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_range_same_point),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_prune),
        cmocka_unit_test(test_displacement),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
