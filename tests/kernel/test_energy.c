/* Energies, wide forces and the oracle, against each other and against a plain double loop here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check.h"
#include "scene.h"
#include "switch_reference.h"

static const struct scene_rule rules[] = {
    {SK_LJ_GEOMETRIC, 0, 0.9, 0.9, 0}, {SK_LJ_NONE, 1, 0.9, 0.9, 0},  {SK_LJ_GEOMETRIC, 1, 0.9, 0.9, 1},
    {SK_LJ_LORENTZ, 1, 0.9, 0.9, 0},   {SK_LJ_TABLE, 1, 1.0, 0.7, 1}, {SK_LJ_LORENTZ, 1, 0.7, 1.0, 1},
};
enum { KINDS = 4, NRULES = KINDS * sizeof rules / sizeof rules[0] };

/* Rule k / KINDS with switch k % KINDS. */
static void set_rule(struct scene *s, int k)
{
    scene_rule_set(s, rules[k / KINDS]);
    scene_switch(s, (enum sk_switch_kind)(k % KINDS), 0.8 * rules[k / KINDS].vdw_cutoff);
}

struct forces {
    double (*f)[3];
    long double energy[2];
    double virial[3][3];
};

static struct forces forces_new(const struct scene *s)
{
    struct forces r = {.f = sk_calloc((size_t)s->natoms, sizeof *r.f)};
    return r;
}

/* All pairs of groups of `group` atoms are excluded; each atom's list is ascending. */
static void exclusions(const struct scene *s, int group, int64_t **start, int32_t **list)
{
    *start = sk_calloc((size_t)s->natoms + 1, sizeof **start);
    *list = sk_calloc((size_t)(s->natoms * group), sizeof **list);
    int64_t k = 0;
    for (int a = 0; a < s->natoms; a++) {
        (*start)[a] = k;
        for (int b = a / group * group; b < (a / group + 1) * group && b < s->natoms; b++)
            if (b != a)
                (*list)[k++] = b;
    }
    (*start)[s->natoms] = k;
}

/* Adds the Lennard-Jones energy of a pair; returns F/r. */
static long double plain_lj(const struct scene *s, double c6, double c12, double shift, long double r,
                            long double *energy)
{
    const struct sk_switch *w = &s->p.vdw_switch;
    if (w->kind == SK_SWITCH_NONE) {
        const long double a6 = c6 / powl(r, 6.0L), a12 = c12 / powl(r, 12.0L);
        *energy += a12 - a6 + shift;
        return (12.0L * a12 - 6.0L * a6) / (r * r);
    }
    *energy += c12 * reference_power(w->kind, 12, w->start, w->end, r) -
               c6 * reference_power(w->kind, 6, w->start, w->end, r);
    return (c12 * reference_power_force(w->kind, 12, w->start, w->end, r) -
            c6 * reference_power_force(w->kind, 6, w->start, w->end, r)) /
           r;
}

/* The plain double loop: energies from the textbook, forces by hand, in long double. */
static struct forces plain_loop(const struct scene *s, int group)
{
    const struct sk_pair_parameters *p = &s->p;
    struct forces out = forces_new(s);
    for (int a = 0; a < s->natoms; a++)
        for (int b = a + 1; b < s->natoms; b++) {
            const int is_excluded = a / group == b / group, k = s->type[a] * SCENE_TYPES + s->type[b];
            long double d[3], r2 = 0.0L, fr = 0.0L;
            for (int axis = 0; axis < 3; axis++) {
                d[axis] = (long double)(int64_t)(s->x[a][axis] - s->x[b][axis]) * 0x1p-64L * s->edge[axis];
                r2 += d[axis] * d[axis];
            }
            const long double r = sqrtl(r2), qq = p->coulomb * s->charge[a] * s->charge[b];
            if (p->lj_rule != SK_LJ_NONE && !is_excluded && r2 < p->vdw_cutoff2_d) {
                fr += plain_lj(s, s->c6[k], s->c12[k], s->lj_shift[k], r, &out.energy[0]);
            }
            if (p->has_coulomb && r2 < p->coulomb_cutoff2_d) {
                if (!is_excluded) {
                    out.energy[1] += qq * (1.0L / r + p->k_rf * r2 - p->c_rf);
                    fr += qq * (1.0L / (r2 * r) - 2.0L * p->k_rf);
                } else if (p->is_reaction_field) {
                    out.energy[1] += qq * (p->k_rf * r2 - p->c_rf);
                    fr -= qq * 2.0L * p->k_rf;
                }
            }
            for (int i = 0; i < 3; i++) {
                out.f[a][i] += (double)(fr * d[i]);
                out.f[b][i] -= (double)(fr * d[i]);
                for (int j = 0; j < 3; j++)
                    out.virial[i][j] -= (double)(0.5L * fr * d[i] * d[j]);
            }
        }
    for (int a = 0; a < s->natoms && p->is_reaction_field; a++)
        out.energy[1] -= 0.5L * p->coulomb * p->c_rf * s->charge[a] * s->charge[a];
    return out;
}

static struct forces oracle_rows(const struct scene *s, int group, int parts)
{
    struct forces out = forces_new(s);
    int64_t *start;
    int32_t *list;
    const struct sk_box box = {{s->edge[0], s->edge[1], s->edge[2]}, {0}};
    exclusions(s, group, &start, &list);
    for (int k = 0; k < parts; k++)
        sk_pair_oracle(s->natoms, s->natoms * k / parts, s->natoms * (k + 1) / parts, (const sk_frac(*)[3])s->x, &box,
                       s->type, s->charge, group > 1 ? start : NULL, list, &s->p, out.f, out.energy, out.virial);
    sk_free(&start);
    sk_free(&list);
    return out;
}

static double force_error(const struct scene *s, const struct forces *a, const struct forces *b)
{
    double error = 0.0, size = 0.0;
    for (int k = 0; k < 3 * s->natoms; k++) {
        error += pow(a->f[k / 3][k % 3] - b->f[k / 3][k % 3], 2.0);
        size += pow(b->f[k / 3][k % 3], 2.0);
    }
    assert_true(size > 0.0);
    return sqrt(error / size);
}

static void test_oracle(void **state)
{
    (void)state;
    for (int k = 0; k < NRULES; k++)
        /* one block of partners and, but for the slow reference of switches, several */
        for (int natoms = 190; natoms < (k % KINDS ? 200 : 1300); natoms += 1000) {
            const double lost = k % KINDS ? 1e-8 : 1e-12; /* by finite differences */
            struct scene s;
            scene_init(&s, natoms, natoms > 1000 ? 4.5 : 2.3, 0.12);
            set_rule(&s, k);
            for (int group = k % KINDS ? 3 : 1; group <= 3; group += 2) {
                struct forces plain = plain_loop(&s, group), oracle = oracle_rows(&s, group, natoms > 1000 ? 7 : 1);
                for (int e = 0; e < 2; e++)
                    check_near((double)oracle.energy[e], (double)plain.energy[e], 1e-12, 1e-11);
                for (int a = 0; a < 9; a++)
                    check_near(oracle.virial[a / 3][a % 3], plain.virial[a / 3][a % 3], 1e-6, fmax(1e-10, lost));
                assert_true(force_error(&s, &oracle, &plain) < lost);
                sk_free(&plain.f);
                sk_free(&oracle.f);
            }
            scene_clear(&s);
        }
}

/* What of the oracle's energy is not in tiles: excluded pairs' field and the self term. */
static double field_rest(const struct scene *s, int group)
{
    const struct sk_pair_parameters *p = &s->p;
    double rest = 0.0;
    for (int a = 0; a < s->natoms && p->is_reaction_field; a++) {
        rest -= 0.5 * p->coulomb * p->c_rf * s->charge[a] * s->charge[a];
        for (int b = a + 1; b < s->natoms && b / group == a / group; b++) {
            double r2 = scene_distance2(s, a, b);
            if (r2 < p->coulomb_cutoff2_d)
                rest += p->coulomb * s->charge[a] * s->charge[b] * (p->k_rf * r2 - p->c_rf);
        }
    }
    return rest;
}

static void test_energies(void **state)
{
    (void)state;
    int count;
    const struct sk_kernel_variant *v = sk_kernel_variants(&count);
    for (int k = 0; k < NRULES; k++) {
        struct scene s;
        scene_init(&s, 190, 2.3, 0.12);
        set_rule(&s, k);
        scene_list_all(&s, 3);
        struct sk_tiles tiles = scene_tiles(&s);
        struct forces oracle = oracle_rows(&s, 3, 1);
        sk_int128 first[2] = {0, 0};
        for (int n = 0; n < count; n++) {
            sk_int128 energy[2] = {5, -7};
            if (!v[n].is_supported())
                continue;
            assert_int_equal(v[n].energy(&s.packs, &tiles, &s.p, &s.shifts, energy), 0);
            check_near((double)(energy[0] - 5) / SK_ENERGY_SCALE, (double)oracle.energy[0], 1e-5, 1e-6);
            check_near((double)(energy[1] + 7) / SK_ENERGY_SCALE + field_rest(&s, 3), (double)oracle.energy[1], 1e-6,
                       1e-6);
            if (n == 0)
                memcpy(first, energy, sizeof first);
            assert_memory_equal(first, energy, sizeof first);
        }
        sk_free(&oracle.f);
        scene_clear(&s);
    }
}

/* Energies between groups by a plain loop over pairs, and the sums of their magnitudes. */
static void plain_parts(const struct scene *s, int group, const uint8_t *of, double (*parts)[2], double (*size)[2])
{
    const struct sk_pair_parameters *p = &s->p;
    for (int a = 0; a < s->natoms; a++)
        for (int b = a + 1; b < s->natoms; b++) {
            const int k = s->type[a] * SCENE_TYPES + s->type[b], part = sk_group_pair(of[a], of[b]);
            const double r2 = scene_distance2(s, a, b), r = sqrt(r2);
            long double energy[2] = {0, 0};
            if (a / group == b / group)
                continue;
            if (p->lj_rule != SK_LJ_NONE && r2 < p->vdw_cutoff2_d)
                plain_lj(s, s->c6[k], s->c12[k], s->lj_shift[k], r, &energy[0]);
            if (p->has_coulomb && r2 < p->coulomb_cutoff2_d)
                energy[1] = p->coulomb * s->charge[a] * s->charge[b] * (1.0 / r + p->k_rf * r2 - p->c_rf);
            for (int e = 0; e < 2; e++) {
                parts[part][e] += (double)energy[e];
                size[part][e] += (double)fabsl(energy[e]);
            }
        }
}

static void test_parts(void **state)
{
    enum { GROUPS = 4, PARTS = GROUPS * (GROUPS + 1) / 2 };
    (void)state;
    int count;
    const struct sk_kernel_variant *v = sk_kernel_variants(&count);
    assert_int_equal(sk_group_pair(2, 3), sk_group_pair(3, 2));
    assert_int_equal(sk_group_pair(15, 15), 16 * 17 / 2 - 1);
    for (int k = 0; k < 2 * NRULES; k++) {
        struct scene s;
        double plain[PARTS][2] = {{0}}, size[PARTS][2] = {{0}};
        sk_int128 first[PARTS][2];
        scene_init(&s, 190, 2.3, 0.12);
        set_rule(&s, k % NRULES);
        scene_list_all(&s, 3);
        struct sk_tiles tiles = scene_tiles(&s);
        uint8_t *of = sk_calloc(8 * (size_t)s.packs.n, sizeof *of);
        for (int a = 0; a < s.natoms; a++) /* in stretches, and mixed */
            of[a] = k < NRULES ? (uint8_t)(a * GROUPS / s.natoms) : (uint8_t)(scene_random() % GROUPS);
        plain_parts(&s, 3, of, plain, size);
        for (int n = 0; n < count; n++) {
            sk_int128 energy[2] = {0, 0}, parts[PARTS][2] = {{0}}, sum[2] = {0, 0};
            if (!v[n].is_supported())
                continue;
            assert_int_equal(v[n].energy(&s.packs, &tiles, &s.p, &s.shifts, energy), 0);
            assert_int_equal(v[n].parts(&s.packs, &tiles, &s.p, &s.shifts, of, parts), 0);
            for (int e = 0; e < 2 * PARTS; e++) {
                sum[e % 2] += parts[e / 2][e % 2];
                check_near((double)parts[e / 2][e % 2] / SK_ENERGY_SCALE, plain[e / 2][e % 2],
                           1e-6 * size[e / 2][e % 2], 0);
            }
            assert_memory_equal(sum, energy, sizeof sum);
            if (n == 0)
                memcpy(first, parts, sizeof first);
            assert_memory_equal(first, parts, sizeof first);
        }
        sk_free(&of);
        scene_clear(&s);
    }
}

/* Fast and wide forces against the oracle: the grid of 2^-26 nm and rounding to 2^-12 kJ/mol/nm remain. */
static void test_forces(void **state)
{
    (void)state;
    int count;
    const struct sk_kernel_variant *v = sk_kernel_variants(&count);
    for (int k = 0; k < NRULES; k++) {
        struct scene s;
        scene_init(&s, 190, 2.3, 0.12);
        set_rule(&s, k);
        s.p.is_reaction_field = 0; /* excluded pairs are in no tile */
        scene_list_all(&s, 3);
        struct sk_tiles tiles = scene_tiles(&s);
        struct forces oracle = oracle_rows(&s, 3, 1), fast = forces_new(&s), wide = forces_new(&s);
        const size_t lanes = 24 * (size_t)s.packs.n;
        int64_t *f64 = NULL, *first = NULL, shift[SK_SHIFTS][3];
        for (int n = 0; n < count; n++) {
            if (!v[n].is_supported())
                continue;
            int32_t *f = sk_calloc(lanes, sizeof *f);
            int64_t shift32[SK_SHIFTS][3] = {{0}};
            f64 = sk_calloc(lanes, sizeof *f64);
            memset(shift, 0, sizeof shift);
            assert_int_equal(v[n].pair(&s.packs, &tiles, &s.p, &s.shifts, f, shift32), 0);
            assert_int_equal(v[n].wide(&s.packs, &tiles, &s.p, &s.shifts, f64, shift), 0);
            for (int c = 0; c < 3 * SK_SHIFTS; c++)
                check_near((double)shift[c / 3][c % 3], (double)shift32[c / 3][c % 3], 300.0, 2e-6);
            for (int c = 0; c < 3 * s.natoms; c++) {
                int a = c / 3, place = 24 * (a / 8) + 8 * (c % 3) + a % 8;
                fast.f[a][c % 3] = f[place] / s.p.force_scale;
                wide.f[a][c % 3] = (double)f64[place] / s.p.force_scale;
            }
            sk_free(&f);
            if (first)
                assert_memory_equal(first, f64, lanes * sizeof *first);
            else
                first = f64;
            if (first != f64)
                sk_free(&f64);
        }
        assert_true(force_error(&s, &fast, &oracle) < 3e-6);
        assert_true(force_error(&s, &wide, &oracle) < 2e-6);
        sk_free(&first);
        sk_free(&oracle.f);
        sk_free(&fast.f);
        sk_free(&wide.f);
        scene_clear(&s);
    }
}

/* Beyond the fast range the wide kernel still answers; on one point neither it nor the energies do. */
static void test_wide_range(void **state)
{
    (void)state;
    int count;
    const struct sk_kernel_variant *v = sk_kernel_variants(&count);
    struct scene s;
    scene_init(&s, 9, 2.3, 0.2);
    s.type[0] = s.type[8] = s.packs.type[0] = s.packs.type[8] = 0;
    s.charge[0] = s.charge[8] = 0.0;
    scene_rule_set(&s, rules[2]);
    scene_tiles_reserve(&s, 1, 1);
    s.entries[0] = (struct sk_ientry){0, SK_SHIFT_NONE, 0, 1, 1, 1};
    s.tiles[0] = (struct sk_tile){1, 1};
    s.nentries = s.ntiles = 1;
    struct sk_tiles tiles = scene_tiles(&s);
    for (int k = 0; k < 3; k++)
        s.packs.x[24 + 8 * k] = s.packs.x[8 * k];
    s.packs.x[24] += 0x400000; /* 2^-4 nm */
    const double force = 12.0 * s.c12[0] * 0x1p52 - 6.0 * s.c6[0] * 0x1p28;
    const double energy_expected = s.c12[0] * 0x1p48 - s.c6[0] * 0x1p24;
    for (int n = 0; n < count; n++) {
        int32_t f[48] __attribute__((aligned(64))) = {0};
        int64_t f64[48] = {0}, shift[SK_SHIFTS][3] = {{0}};
        sk_int128 energy[2] = {0, 0};
        if (!v[n].is_supported())
            continue;
        s.packs.x[24] = s.packs.x[0] + 0x400000;
        assert_true(v[n].pair(&s.packs, &tiles, &s.p, &s.shifts, f, shift));
        memset(shift, 0, sizeof shift);
        assert_int_equal(v[n].wide(&s.packs, &tiles, &s.p, &s.shifts, f64, shift), 0);
        check_near((double)f64[0], -force * s.p.force_scale, 1.0, 1e-12);
        check_near((double)f64[24], force * s.p.force_scale, 1.0, 1e-12);
        assert_int_equal(shift[SK_SHIFT_NONE][0], f64[0]);
        /* 7e8 kJ/mol are beyond the guard */
        assert_true(fabs(energy_expected) > 0x1p19);
        assert_true(v[n].energy(&s.packs, &tiles, &s.p, &s.shifts, energy));
        assert_true(energy[0] == 0);
        s.packs.x[24] = s.packs.x[0];
        assert_true(v[n].wide(&s.packs, &tiles, &s.p, &s.shifts, f64, shift));
        assert_true(v[n].energy(&s.packs, &tiles, &s.p, &s.shifts, energy));
        s.tiles[0].mask = 0;
        assert_int_equal(v[n].wide(&s.packs, &tiles, &s.p, &s.shifts, f64, shift), 0);
        assert_int_equal(v[n].energy(&s.packs, &tiles, &s.p, &s.shifts, energy), 0);
        s.tiles[0].mask = 1;
    }
    scene_clear(&s);
}

/* A pair alone in its tile: atoms 0 and 8, on one point. */
static void couple_init(struct scene *s, int32_t type, double charge, double other)
{
    scene_init(s, 9, 2.3, 0.2);
    s->type[0] = s->type[8] = s->packs.type[0] = s->packs.type[8] = type;
    s->charge[0] = charge;
    s->charge[8] = other;
    scene_rule_set(s, rules[2]);
    scene_tiles_reserve(s, 1, 1);
    s->entries[0] = (struct sk_ientry){0, SK_SHIFT_NONE, 0, 1, 1, 1};
    s->tiles[0] = (struct sk_tile){1, 1};
    s->nentries = s->ntiles = 1;
    for (int k = 0; k < 3; k++)
        s->packs.x[24 + 8 * k] = s->packs.x[8 * k];
}

/* Energies (Lennard-Jones, Coulomb) and forces at distance r, from the textbook. */
static void couple_values(const struct scene *s, double r, double energy[2], double force[2])
{
    const struct sk_pair_parameters *p = &s->p;
    const int k = s->type[0] * SCENE_TYPES + s->type[8];
    const double c6 = s->c6[k], c12 = s->c12[k], qq = p->coulomb * s->charge[0] * s->charge[8];
    energy[0] = c12 == 0 ? 0 : c12 * pow(r, -12) - c6 * pow(r, -6) + s->lj_shift[k];
    energy[1] = qq == 0 ? 0 : qq * (1 / r + p->k_rf * r * r - p->c_rf);
    force[0] = 12 * c12 * pow(r, -13) - 6 * c6 * pow(r, -7);
    force[1] = qq * (1 / (r * r) - 2 * p->k_rf * r);
}

/* Within the core the force is that of its surface and the energy a straight line; outside nothing changes. */
static void core_holds(struct scene *s, const struct sk_kernel_variant *v, double radius, double r)
{
    struct sk_tiles tiles = scene_tiles(s);
    int64_t f[48] = {0}, shift[SK_SHIFTS][3] = {{0}};
    sk_int128 energy[2] = {0, 0};
    const int32_t dx = (int32_t)rint(r * 0x1p26);
    double e[2], force[2], real = dx * 0x1p-26;
    s->packs.x[24] = s->packs.x[0] + dx;
    const int expected = real < radius ? SK_PAIR_CORE | (dx == 0 ? SK_PAIR_COINCIDENT : 0) : 0;
    assert_int_equal(v->wide(&s->packs, &tiles, &s->p, &s->shifts, f, shift), expected);
    assert_int_equal(v->energy(&s->packs, &tiles, &s->p, &s->shifts, energy), expected);
    couple_values(s, real < radius ? radius : real, e, force);
    for (int part = 0; part < 2; part++) {
        e[part] += real < radius ? force[part] * (radius - real) : 0;
        check_near((double)energy[part] / SK_ENERGY_SCALE, e[part], 1e-9, 1e-10);
    }
    const double total = dx == 0 ? 0 : (force[0] + force[1]) * s->p.force_scale;
    check_near((double)f[24], total, 1.0, 1e-10);
    check_near((double)f[0], -total, 1.0, 1e-10);
    assert_int_equal(shift[SK_SHIFT_NONE][0], f[0]);
}

static void test_cores(void **state)
{
    (void)state;
    static const double charges[][2] = {{0, 0}, {0.4, -0.8}, {-0.8, -0.8}}, radii[] = {0.17, 0.2, 0.22};
    int count;
    const struct sk_kernel_variant *v = sk_kernel_variants(&count);
    double core2[SCENE_TYPES * SCENE_TYPES];
    for (int n = 0; n < count; n++)
        for (int k = 0; v[n].is_supported() && k < 27; k++) {
            struct scene s;
            const double *q = charges[k % 3], radius = radii[k / 3 % 3];
            const int type = k / 9 == 2 ? 3 : k / 9; /* type 3 has charges alone */
            couple_init(&s, type, q[0], q[1]);
            for (int t = 0; t < SCENE_TYPES * SCENE_TYPES; t++)
                core2[t] = s.c12[t] > 0 ? radius * radius : 0;
            s.p.core2 = core2;
            s.p.core_charge2 = radius * radius;
            if (type < 3 || q[0] != 0)
                for (int step = 0; step < 12; step++)
                    core_holds(&s, &v[n], radius, 0.02 * step + (step ? 0.003 : 0));
            scene_clear(&s);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oracle), cmocka_unit_test(test_energies),   cmocka_unit_test(test_parts),
        cmocka_unit_test(test_forces), cmocka_unit_test(test_wide_range), cmocka_unit_test(test_cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
