/* The real-space Ewald part of the pair kernels: against erfc and exp of the C library, and equal bits in all variants
 * and for tiles in any form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check.h"
#include "scene.h"

#define BETA   3.470459
#define CUTOFF 0.9

static const double beta_here = BETA;
static struct sk_ewald_table table;
static struct sk_ewald_series series;

static double exact_energy(double r)
{
    return erfc(BETA * r) / r;
}

/* F/r */
static double exact_force(double r2, const void *context)
{
    (void)context;
    const double r = sqrt(r2);
    return (exact_energy(r) + 2.0 / sqrt(3.14159265358979323846) * BETA * exp(-BETA * BETA * r2)) / r2;
}

static void set_ewald(struct scene *s, enum sk_lj_rule rule, double vdw_cutoff)
{
    scene_rule_set(s, (struct scene_rule){rule, 1, vdw_cutoff, CUTOFF, 0});
    sk_ewald_table_init(&table, CUTOFF * CUTOFF, exact_force, &beta_here);
    sk_ewald_series_init(&series, BETA, CUTOFF * CUTOFF);
    s->p.is_ewald = 1;
    s->p.ewald_table = &table;
    s->p.ewald_series = &series;
    s->p.c_rf = exact_energy(CUTOFF);
}

/* Atoms 0 and 8 with charges 1 and -1, no Lennard-Jones, distance r along x; quanta of it exact. */
static double pair_at(struct scene *s, double r)
{
    const int64_t quanta = llrint(r * 0x1p26);
    for (int axis = 0; axis < 3; axis++)
        s->packs.x[24 + 8 * axis] = s->packs.x[8 * axis] + (axis == 0 ? (int32_t)quanta : 0);
    return (double)quanta * 0x1p-26;
}

static void pair_scene(struct scene *s, double charge)
{
    scene_init(s, 9, 2.2, 0.2);
    s->type[0] = s->type[8] = s->packs.type[0] = s->packs.type[8] = 3;
    s->charge[0] = charge;
    s->charge[8] = -charge;
    set_ewald(s, SK_LJ_GEOMETRIC, CUTOFF);
    scene_tiles_reserve(s, 1, 1);
    s->entries[0] = (struct sk_ientry){0, SK_SHIFT_NONE, 0, 1, 1, 0};
    s->tiles[0] = (struct sk_tile){1, 1};
    s->nentries = s->ntiles = 1;
}

struct single {
    int32_t f[48];
    int64_t f64[48], shift[SK_SHIFTS][3];
    sk_int128 energy[2];
    int bad, wide_bad;
} __attribute__((aligned(64)));

static void run_single(const struct scene *s, const struct sk_kernel_variant *v, struct single *out)
{
    const struct sk_tiles tiles = scene_tiles(s);
    memset(out, 0, sizeof *out);
    out->wide_bad = v->wide(&s->packs, &tiles, &s->p, &s->shifts, out->f64, out->shift) != 0;
    out->wide_bad |= v->energy(&s->packs, &tiles, &s->p, &s->shifts, out->energy) != 0;
    memset(out->shift, 0, sizeof out->shift);
    out->bad = v->pair(&s->packs, &tiles, &s->p, &s->shifts, out->f, out->shift) != 0;
}

/* All distances from where the table begins to beyond the cutoff. Errors over the force of bare charges. */
static void test_distances(void **state)
{
    (void)state;
    int count;
    double worst = 0.0, worst_wide = 0.0, worst_energy = 0.0;
    const struct sk_kernel_variant *v = sk_kernel_variants(&count);
    struct scene s;
    pair_scene(&s, 0.1);
    s.p.force_scale = 0x1p40; /* rounding to units of 2^-40: what is left are the errors of the function */
    for (int k = 0; k < 3000; k++) {
        const double r = pair_at(&s, 0.0626 + (0.91 - 0.0626) * scene_uniform()), kqq = -0.01 * s.p.coulomb;
        const int is_in = r < CUTOFF;
        const double force = is_in ? kqq * r * exact_force(r * r, NULL) : 0.0, bare = fabs(kqq) / (r * r);
        const double energy = is_in ? kqq * (exact_energy(r) - exact_energy(CUTOFF)) : 0.0;
        struct single first, now;
        int has_first = 0;
        for (int n = 0; n < count; n++) {
            if (!v[n].is_supported())
                continue;
            run_single(&s, &v[n], has_first ? &now : &first);
            if (has_first)
                assert_memory_equal(&first, &now, sizeof now);
            has_first = 1;
        }
        assert_int_equal(first.bad | first.wide_bad, 0);
        assert_int_equal(first.f[0], -first.f[24]);
        assert_int_equal(first.shift[SK_SHIFT_NONE][0], first.f[0]);
        /* the fast kernel's scale is in the packs: 2^12 a kJ/mol/nm */
        const double error = fmax(fabs(first.f[24] / 4096.0 - force) - 0.5 / 4096.0, 0.0) / bare;
        worst = fmax(worst, error);
        worst_wide = fmax(worst_wide, fmax(fabs((double)first.f64[24] * 0x1p-40 - force) - 0x1p-41, 0.0) / bare);
        worst_energy = fmax(worst_energy, fmax(fabs((double)first.energy[1] * 0x1p-32 - energy) - 0x1p-33, 0.0));
    }
    print_message("force over that of bare charges: float %.2e, wide %.2e; energy %.2e kJ/mol\n", worst, worst_wide,
                  worst_energy);
    assert_true(worst < 7e-6 && worst > 1e-8);
    assert_true(worst_wide < 1e-12);
    assert_true(worst_energy < 1e-12);
    scene_clear(&s);
}

/* Closer than the table reaches charges are out of range, however small; without charge nothing is. */
static void test_close(void **state)
{
    (void)state;
    int count;
    const struct sk_kernel_variant *v = sk_kernel_variants(&count);
    for (int k = 0; k < 8; k++) {
        static const double charges[] = {1e-6, 0.0, 0.1, 2.0};
        const double charge = charges[k / 2];
        struct scene s;
        pair_scene(&s, charge);
        s.entries[0].has_lj = k % 2; /* whichever loop it is */
        for (int step = 0; step < 40; step++) {
            const double r = pair_at(&s, step < 3 ? step * 0x1p-26 : step * 0.0025);
            const int is_near = (float)(r * r) < table.least2;
            for (int n = 0; n < count; n++) {
                struct single out;
                if (!v[n].is_supported())
                    continue;
                s.tiles[0].mask = 1;
                run_single(&s, &v[n], &out);
                if (is_near || charge < 1.0)
                    assert_int_equal(out.bad, is_near && charge != 0.0);
                if (charge == 0.0)
                    assert_true(out.f[24] == 0 && out.f64[24] == 0 && out.energy[1] == 0 && !out.wide_bad);
                if (step > 2 && is_near && charge != 0.0) {
                    const double force = -charge * charge * s.p.coulomb * r * exact_force(r * r, NULL);
                    assert_int_equal(out.wide_bad, 0);
                    check_near((double)out.f64[24], force * s.p.force_scale, 0.51, 1e-12);
                }
                s.tiles[0].mask = 0; /* masked lanes: neither force nor flag */
                run_single(&s, &v[n], &out);
                assert_int_equal(out.bad | out.wide_bad, 0);
                assert_true(out.f[24] == 0 && out.f64[24] == 0 && out.energy[1] == 0);
            }
        }
        scene_clear(&s);
    }
}

static void run_all(const struct scene *s, const struct sk_kernel_variant *v, int32_t *f)
{
    const struct sk_tiles tiles = scene_tiles(s);
    int64_t shift[SK_SHIFTS][3] = {{0}};
    memset(f, 0, 24 * (size_t)s->packs.n * sizeof *f);
    assert_int_equal(v->pair(&s->packs, &tiles, &s->p, &s->shifts, f, shift), 0);
}

/* Every tile an entry of its own, in reverse, one pair a time. */
static void list_apart(struct scene *s)
{
    struct scene old = *s;
    s->tiles = NULL;
    s->entries = NULL;
    scene_tiles_reserve(s, 32 * old.ntiles, 32 * old.ntiles);
    for (int n = old.nentries - 1; n >= 0; n--)
        for (int t = old.entries[n].first; t < old.entries[n].end; t++)
            for (int l = 0; l < 32; l++) {
                if (!(old.tiles[t].mask >> l & 1))
                    continue;
                s->entries[s->nentries] = old.entries[n];
                s->entries[s->nentries].first = s->ntiles;
                s->entries[s->nentries].first_full = s->entries[s->nentries].end = s->ntiles + 1;
                s->nentries++;
                s->tiles[s->ntiles++] = (struct sk_tile){old.tiles[t].pack, 1U << l};
            }
    sk_free(&old.tiles);
    sk_free(&old.entries);
}

/* Every rule, twin cutoffs and switches: equal bits over variants and tile forms, all three kernels against the oracle.
 */
static void test_scenes(void **state)
{
    (void)state;
    static const enum sk_lj_rule rules[] = {SK_LJ_NONE, SK_LJ_GEOMETRIC, SK_LJ_LORENTZ, SK_LJ_TABLE};
    int count;
    const struct sk_kernel_variant *v = sk_kernel_variants(&count);
    for (int k = 0; k < 12 + 9; k++) {
        struct scene s;
        const double vdw_cutoff = k < 4 ? CUTOFF : k < 8 ? 0.7 : 1.0;
        scene_init(&s, 188, 2.3, 0.12);
        set_ewald(&s, k < 12 ? rules[k % 4] : rules[1 + k % 3], vdw_cutoff);
        if (k >= 12)
            scene_switch(&s, (enum sk_switch_kind)(1 + (k - 12) / 3), 0.8 * vdw_cutoff);
        scene_list_all(&s, 1);
        const size_t lanes = 24 * (size_t)s.packs.n;
        int32_t *first = sk_alloc(lanes, sizeof *first), *f = sk_alloc(lanes, sizeof *f);
        int64_t *wide = sk_calloc(lanes, sizeof *wide), shift[SK_SHIFTS][3] = {{0}};
        double(*oracle)[3] = sk_calloc((size_t)s.natoms, sizeof *oracle), virial[3][3] = {{0.0}};
        long double energy[2] = {0.0L, 0.0L};
        sk_int128 sum[2] = {0, 0};
        const struct sk_tiles tiles = scene_tiles(&s);
        const struct sk_box box = {{s.edge[0], s.edge[1], s.edge[2]}, {0}};
        sk_pair_oracle(s.natoms, 0, s.natoms, (const sk_frac(*)[3])s.x, &box, s.type, s.charge, NULL, NULL, &s.p,
                       oracle, energy, virial);
        run_all(&s, sk_kernel_find("auto"), first);
        assert_int_equal(v[0].wide(&s.packs, &tiles, &s.p, &s.shifts, wide, shift), 0);
        assert_int_equal(v[0].energy(&s.packs, &tiles, &s.p, &s.shifts, sum), 0);
        for (int e = 0; e < 2; e++)
            /* atoms move to a grid of 2^-26 nm, against up to 6000 kJ/mol/nm a pair */
            check_near((double)sum[e] / SK_ENERGY_SCALE, (double)energy[e], 3e-4, 1e-6);
        double error = 0.0, error_wide = 0.0, size = 0.0;
        for (int c = 0; c < 3 * s.natoms; c++) {
            const int place = 24 * (c / 3 / 8) + 8 * (c % 3) + c / 3 % 8;
            const double expected = oracle[c / 3][c % 3] * s.p.force_scale;
            error += pow(first[place] - expected, 2.0);
            error_wide += pow((double)wide[place] - expected, 2.0);
            size += expected * expected;
        }
        assert_true(sqrt(error / size) < 7e-6 && sqrt(error_wide / size) < 2e-6);
        for (int is_apart = 0; is_apart < (k < 12 ? 2 : 1); is_apart++) {
            for (int n = 0; n < count; n++) {
                if (!v[n].is_supported())
                    continue;
                run_all(&s, &v[n], f);
                assert_memory_equal(f, first, lanes * sizeof *f);
            }
            if (!is_apart)
                list_apart(&s);
        }
        sk_free(&first);
        sk_free(&f);
        sk_free(&wide);
        sk_free(&oracle);
        scene_clear(&s);
    }
}

/* The series over the range of splittings that the header states. */
static void test_series(void **state)
{
    (void)state;
    static const double z_at_cutoff[] = {0.1, 1.0, 3.1234132743, 4.05, 5.5, 7.0};
    for (int k = 0; k < 6; k++) {
        const double beta = z_at_cutoff[k] / 1.2;
        struct sk_ewald_series own;
        sk_ewald_series_init(&own, beta, 1.44);
        for (int i = 0; i <= 1000; i++) {
            const long double r = 1.2L * (i + 0.01L) / 1000.01L, r2 = r * r, z = beta * r;
            double energy = 0.0, force = 0.0, s = (double)r2 * own.scale - 1.0;
            for (int t = own.terms - 1; t >= 0; t--) {
                energy = energy * s + own.energy[t];
                force = force * s + own.force[t];
            }
            check_near(energy, (double)(erfl(z) / r), 2e-15 * beta, 0.0);
            if (z > 0.1L)
                check_near(force, (double)((erfl(z) / r - 1.12837916709551257390L * beta * expl(-z * z)) / r2),
                           2e-15 * beta * beta * beta, 0.0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_series), cmocka_unit_test(test_distances),
                                       cmocka_unit_test(test_close), cmocka_unit_test(test_scenes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
