/* Speed of the kernels on two synthetic liquids; not part of the test run. Core cycles (calibrated with a
 * chain of multiplications) per atom and per tile, the least of many runs, for each variant. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <x86intrin.h>

#include "base/memory.h"
#include "kernel/pair.h"

struct liquid {
    const char *name;
    int n, group; /* atoms; atoms of a molecule exclude each other */
    double edge, cell, quantum;
    double cutoff, radius; /* interaction, list */
    double (*x)[3];
    int *has_lj;
    double *charge;
};

static double uniform(void)
{
    static uint64_t s = 88172645463325252ULL;
    s ^= s << 13;
    s ^= s >> 7;
    s ^= s << 17;
    return (double)(s >> 11) * 0x1p-53;
}
static double normal(void)
{
    return sqrt(-2.0 * log(uniform() + 1e-300)) * cos(6.283185307179586 * uniform());
}

static struct liquid liquid_lj(int cells, double radius)
{
    static const double base[4][3] = {{0, 0, 0}, {.5, .5, 0}, {.5, 0, .5}, {0, .5, .5}};
    struct liquid l = {"LJ rho 0.8442 rc 2.5", 4 * cells * cells * cells, 1, 0, 6.0, 0x1p-25, 2.5, radius, 0, 0, 0};
    l.edge = cbrt(l.n / 0.8442);
    l.x = sk_alloc((size_t)l.n, sizeof *l.x);
    l.has_lj = sk_alloc((size_t)l.n, sizeof *l.has_lj);
    l.charge = sk_calloc((size_t)l.n, sizeof *l.charge);
    for (int a = 0; a < l.n; a++) {
        int c = a / 4, place[3] = {c % cells, c / cells % cells, c / cells / cells};
        for (int k = 0; k < 3; k++)
            l.x[a][k] = (place[k] + base[a % 4][k] + 0.1) * l.edge / cells + 0.07 * normal();
        l.has_lj[a] = 1;
    }
    return l;
}

static struct liquid liquid_water(int side, double radius)
{
    struct liquid l = {"water rc 0.9", 3 * side * side * side, 3, side * 0.31046, 1.5, 0x1p-26, 0.9, radius, 0, 0, 0};
    l.x = sk_alloc((size_t)l.n, sizeof *l.x);
    l.has_lj = sk_calloc((size_t)l.n, sizeof *l.has_lj);
    l.charge = sk_calloc((size_t)l.n, sizeof *l.charge);
    for (int m = 0; m < l.n / 3; m++) {
        int place[3] = {m % side, m / side % side, m / side / side};
        double u[2][3];
        for (int h = 0; h < 2; h++) {
            double norm = 0.0;
            for (int k = 0; k < 3; k++) {
                u[h][k] = normal();
                norm += u[h][k] * u[h][k];
            }
            for (int k = 0; k < 3; k++)
                u[h][k] *= 0.1 / sqrt(norm);
        }
        for (int k = 0; k < 3; k++) {
            double c = (place[k] + 0.5) * 0.31046 + 0.015 * normal();
            l.x[3 * m][k] = c;
            l.x[3 * m + 1][k] = c + u[0][k] * 0.6;
            l.x[3 * m + 2][k] = c + u[1][k] * 0.6;
        }
        l.has_lj[3 * m] = 1;
        l.charge[3 * m] = -0.8476;
        l.charge[3 * m + 1] = l.charge[3 * m + 2] = 0.4238;
    }
    return l;
}

/* k-d order of a[0..n): full packs of `size` but for the last one. */
static const struct liquid *sort_liquid;
static int sort_axis;
static int by_place(const void *a, const void *b)
{
    int i = *(const int *)a, j = *(const int *)b;
    double d = sort_liquid->x[i][sort_axis] - sort_liquid->x[j][sort_axis];
    return d < 0 ? -1 : d > 0 ? 1 : i - j;
}
static int by_lj(const void *a, const void *b)
{
    int i = *(const int *)a, j = *(const int *)b;
    return sort_liquid->has_lj[i] != sort_liquid->has_lj[j] ? sort_liquid->has_lj[j] - sort_liquid->has_lj[i] : i - j;
}
static void kd(int *a, int n, int size)
{
    if (n <= size)
        return;
    double widest = -1.0;
    for (int k = 0; k < 3; k++) {
        double low = 1e9, high = -1e9;
        for (int i = 0; i < n; i++) {
            low = fmin(low, sort_liquid->x[a[i]][k]);
            high = fmax(high, sort_liquid->x[a[i]][k]);
        }
        if (high - low > widest) {
            widest = high - low;
            sort_axis = k;
        }
    }
    qsort(a, (size_t)n, sizeof *a, by_place);
    int packs = (n + size - 1) / size, left = (packs + 1) / 2 * size;
    kd(a, left, size);
    kd(a + left, n - left, size);
}

/* Slots of packs (-1: none), 8 a pack. is_split: each half of a pack compact in space, LJ first in each
 * half; else LJ first over the pack. */
static int *make_slots(struct liquid *l, int is_split, int *npacks)
{
    int g = (int)(l->edge / l->cell), ncells = g * g * g, *order = sk_alloc((size_t)l->n, sizeof *order);
    int *slots = sk_alloc((size_t)(l->n + 8 * ncells), sizeof *slots), count = 0;
    sort_liquid = l;
    for (int c = 0; c < ncells; c++) {
        int n = 0;
        for (int a = 0; a < l->n; a++) {
            int place = 0;
            for (int k = 0; k < 3; k++) {
                l->x[a][k] -= l->edge * floor(l->x[a][k] / l->edge);
                int p = (int)(l->x[a][k] / l->edge * g);
                place = place * g + (p < g ? p : g - 1);
            }
            if (place == c)
                order[n++] = a;
        }
        kd(order, n, 8);
        for (int p = 0; p < n; p += 8) {
            int m = n - p < 8 ? n - p : 8;
            if (is_split) {
                kd(order + p, m, 4);
                qsort(order + p, (size_t)(m < 4 ? m : 4), sizeof *order, by_lj);
                if (m > 4)
                    qsort(order + p + 4, (size_t)(m - 4), sizeof *order, by_lj);
            } else
                qsort(order + p, (size_t)m, sizeof *order, by_lj);
            for (int k = 0; k < 8; k++)
                slots[count++] = k < m ? order[p + k] : -1;
        }
    }
    sk_free(&order);
    *npacks = count / 8;
    return slots;
}

struct bench {
    struct sk_packs packs;
    struct sk_shifts shifts;
    struct sk_tiles tiles;
    struct sk_ientry *entries;
    struct sk_tile *list;
    int ntiles, nmasked;
    struct sk_pair_parameters p;
    double c6, c12, zero;
    double useful;
    int is_bad; /* some pair was out of range */
};

static void bench_fill(struct bench *b, const struct liquid *l, const int *slots)
{
    const size_t lanes = 8 * (size_t)b->packs.n;
    const double S = (l->group == 3 ? 4096.0 : 65536.0) * l->quantum;
    b->packs.x = sk_calloc(3 * lanes, sizeof(int32_t));
    b->packs.q = sk_calloc(lanes, sizeof(float));
    b->packs.qd = sk_calloc(lanes, sizeof(double));
    b->packs.lj = sk_calloc(2 * lanes, sizeof(float));
    b->packs.type = sk_calloc(lanes, sizeof(int32_t));
    b->c6 = l->group == 3 ? 0.0026173456 : 4.0;
    b->c12 = l->group == 3 ? 2.634129e-6 : 4.0;
    b->p = (struct sk_pair_parameters){.lj_rule = SK_LJ_GEOMETRIC,
                                       .has_coulomb = l->group == 3,
                                       .is_reaction_field = l->group == 3,
                                       .r2_scale = (float)(l->quantum * l->quantum),
                                       .quantum = l->quantum,
                                       .scalar_limit = (float)(SK_PAIR_FORCE_LIMIT * l->quantum / l->cutoff),
                                       .vdw_cutoff2 = (float)(l->cutoff * l->cutoff),
                                       .coulomb_cutoff2 = (float)(l->cutoff * l->cutoff),
                                       .k_rf = 0.5 / pow(l->cutoff, 3.0),
                                       .c_rf = 1.5 / l->cutoff,
                                       .ntypes = 1,
                                       .c6 = &b->c6,
                                       .c12 = &b->c12,
                                       .vdw_cutoff2_d = l->cutoff * l->cutoff,
                                       .coulomb_cutoff2_d = l->cutoff * l->cutoff,
                                       .coulomb = 138.9354576,
                                       .lj_shift = &b->zero,
                                       .force_scale = S / l->quantum};
    b->p.two_k_rf = (float)(2.0 * b->p.k_rf);
    for (size_t s = 0; s < lanes; s++) {
        int a = slots[s];
        for (size_t k = 0; k < 3 && a >= 0; k++)
            b->packs.x[24 * (s / 8) + 8 * k + s % 8] = (int32_t)(uint32_t)(int64_t)llrint(l->x[a][k] / l->quantum);
        if (a < 0)
            continue;
        b->packs.q[s] = (float)(l->charge[a] * sqrt(138.9354576 * S));
        b->packs.qd[s] = l->charge[a];
        b->packs.lj[16 * (s / 8) + s % 8] = l->has_lj[a] ? (float)sqrt(6.0 * b->c6 * S) : 0.0f;
        b->packs.lj[16 * (s / 8) + 8 + s % 8] = l->has_lj[a] ? (float)sqrt(12.0 * b->c12 * S) : 0.0f;
    }
    for (int h = 0; h < SK_SHIFTS; h++)
        for (int k = 0; k < 3; k++) {
            int step[3] = {h % 3 - 1, h / 3 % 3 - 1, h / 9 - 1};
            b->shifts.x[h][k] = (int32_t)(uint32_t)(int64_t)(step[k] * llrint(l->edge / l->quantum));
        }
}

/* The tile of an i-cluster and a pack: its mask without excluded pairs, or 0 if no pair is within radius. */
static uint32_t tile_mask(const struct liquid *l, const int *i, const int *j, int shift, double *useful)
{
    const int step[3] = {shift % 3 - 1, shift / 3 % 3 - 1, shift / 9 - 1};
    uint32_t mask = 0;
    int is_near = 0;
    for (int t = 0; t < 32; t++) {
        int a = i[t / 8], b = j[t % 8];
        if (a < 0 || b < 0 || a / l->group == b / l->group || i + t / 8 >= j + t % 8)
            continue;
        double r2 = 0.0;
        for (int k = 0; k < 3; k++) {
            double d = l->x[a][k] + step[k] * l->edge - l->x[b][k];
            r2 += d * d;
        }
        mask |= 1U << t;
        is_near |= r2 < l->radius * l->radius;
        *useful += r2 < l->cutoff * l->cutoff;
    }
    return is_near ? mask : 0;
}

static void box_of(const struct liquid *l, const int *slots, int n, double centre[3], double half[3])
{
    for (int k = 0; k < 3; k++) {
        double low = 1e9, high = -1e9;
        for (int i = 0; i < n; i++)
            if (slots[i] >= 0) {
                low = fmin(low, l->x[slots[i]][k]);
                high = fmax(high, l->x[slots[i]][k]);
            }
        centre[k] = 0.5 * (low + high);
        half[k] = 0.5 * (high - low);
    }
}

static void bench_list(struct bench *b, const struct liquid *l, const int *slots)
{
    const int n = b->packs.n;
    double(*box)[2][3] = sk_alloc((size_t)n, sizeof *box);
    struct sk_tile *near[SK_SHIFTS];
    int count[SK_SHIFTS];
    b->entries = sk_alloc((size_t)n * 2 * SK_SHIFTS, sizeof *b->entries);
    b->list = sk_alloc((size_t)n * 400, sizeof *b->list);
    for (int h = 0; h < SK_SHIFTS; h++)
        near[h] = sk_alloc((size_t)n, sizeof *near[h]);
    for (int j = 0; j < n; j++)
        box_of(l, slots + 8 * j, 8, box[j][0], box[j][1]);
    for (int i = 0; i < 2 * n; i++) {
        double ci[3], hi[3];
        int has_lj = 0;
        memset(count, 0, sizeof count);
        box_of(l, slots + 4 * i, 4, ci, hi);
        if (slots[4 * i] < 0)
            continue;
        for (int k = 0; k < 4; k++)
            has_lj |= slots[4 * i + k] >= 0 && l->has_lj[slots[4 * i + k]];
        for (int j = i / 2; j < n; j++) {
            int shift = SK_SHIFT_NONE, weight[3] = {1, 3, 9};
            double gap2 = 0.0;
            for (int k = 0; k < 3; k++) {
                double step = rint((box[j][0][k] - ci[k]) / l->edge);
                double gap = fabs(ci[k] + step * l->edge - box[j][0][k]) - hi[k] - box[j][1][k];
                shift += (int)step * weight[k];
                gap2 += gap > 0.0 ? gap * gap : 0.0;
            }
            if (gap2 >= l->radius * l->radius)
                continue;
            uint32_t mask = tile_mask(l, slots + 4 * i, slots + 8 * j, shift, &b->useful);
            if (mask)
                near[shift][count[shift]++] = (struct sk_tile){j, mask};
        }
        for (int h = 0; h < SK_SHIFTS; h++) {
            struct sk_ientry e = {i, h, b->ntiles, 0, 0, has_lj};
            for (int is_full = 0; is_full < 2; is_full++) {
                for (int t = 0; t < count[h]; t++)
                    if ((near[h][t].mask == UINT32_MAX) == is_full)
                        b->list[b->ntiles++] = near[h][t];
                if (!is_full)
                    e.first_full = b->ntiles;
            }
            e.end = b->ntiles;
            b->nmasked += e.first_full - e.first;
            if (count[h])
                b->entries[b->tiles.end_entry++] = e;
        }
    }
    b->tiles.entries = b->entries;
    b->tiles.tiles = b->list;
    for (int h = 0; h < SK_SHIFTS; h++)
        sk_free(&near[h]);
    sk_free(&box);
}

/* Core cycles per tick of the time stamp counter. */
static double calibrate(void)
{
    double best = 0.0;
    for (int r = 0; r < 30; r++) {
        uint64_t x = 3, start = __rdtsc();
        for (int k = 0; k < 20000; k++)
            __asm__ volatile("imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0" : "+r"(x));
        double ratio = 20000.0 * 12.0 / (double)(__rdtsc() - start);
        best = ratio > best ? ratio : best;
    }
    return best;
}

enum what { FORCES, WIDE, ENERGIES, PRUNE };
static double bench_run(struct bench *b, const struct sk_kernel_variant *v, enum what what, int runs, double ratio)
{
    const size_t lanes = 24 * (size_t)b->packs.n;
    int32_t *f = sk_calloc(lanes, sizeof *f);
    int64_t *wide = sk_calloc(lanes, sizeof *wide), shift[SK_SHIFTS][3] = {{0}};
    struct sk_ientry *entries = sk_alloc((size_t)b->tiles.end_entry, sizeof *entries);
    struct sk_tile *kept = sk_alloc((size_t)b->ntiles + 1, sizeof *kept);
    int32_t *high = sk_alloc(16 * (size_t)b->packs.n, sizeof *high),
            limit2 = sk_prune_limit2(sqrt(b->p.vdw_cutoff2_d), b->p.quantum);
    sk_int128 energy[2] = {0, 0};
    uint64_t best = UINT64_MAX;
    int bad = 0;
    for (int r = 0; r < runs; r++) {
        uint64_t start = __rdtsc();
        if (what == FORCES)
            bad |= v->pair(&b->packs, &b->tiles, &b->p, &b->shifts, f, shift);
        else if (what == WIDE)
            bad |= v->wide(&b->packs, &b->tiles, &b->p, &b->shifts, wide, shift);
        else if (what == ENERGIES)
            bad |= v->energy(&b->packs, &b->tiles, &b->p, &b->shifts, energy);
        else
            v->prune(&b->packs, &b->tiles, limit2, &b->shifts, high, entries, kept);
        uint64_t time = __rdtsc() - start;
        best = time < best ? time : best;
    }
    b->is_bad |= bad;
    sk_free(&f);
    sk_free(&wide);
    sk_free(&entries);
    sk_free(&kept);
    sk_free(&high);
    return (double)best * ratio;
}

static double bare_coulomb(double r2, const void *context)
{
    (void)context;
    return 1.0 / (r2 * sqrt(r2));
}

/* Every kind of switch and both sorts of charges, beside the same without a switch, a little of each in turn: other
 * work on the machine then slows them alike. */
static void bench_switches(struct bench *b, const struct sk_kernel_variant *v)
{
    static const char *const kinds[] = {"none", "force", "potential", "charmm"};
    static struct sk_ewald_table table; /* of what function does not matter here */
    const struct sk_pair_parameters plain = b->p;
    const double cutoff = sqrt(plain.vdw_cutoff2_d);
    sk_ewald_table_init(&table, plain.coulomb_cutoff2_d, bare_coulomb, NULL);
    for (int is_ewald = 0; is_ewald <= plain.has_coulomb; is_ewald++) {
        double best[4] = {1e300, 1e300, 1e300, 1e300};
        for (int k = 0; k < 4 * 8; k++) {
            const enum sk_switch_kind kind = (enum sk_switch_kind)(k % 4);
            b->p.is_ewald = is_ewald;
            b->p.ewald_table = &table;
            sk_switch_init(&b->p.vdw_switch, kind, 0.8 * cutoff, cutoff);
            double cycles = bench_run(b, v, FORCES, v->name[0] == 'b' ? 1 : 8, calibrate());
            best[kind] = fmin(best[kind], cycles);
        }
        printf("  %-8s %s switch:", v->name, is_ewald ? "ewald" : "forces");
        for (int k = 0; k < 4; k++)
            printf(" %s %.1f/tile (%.2f);", kinds[k], best[k] / b->ntiles, best[k] / best[0]);
        printf("\n");
    }
    b->p = plain;
}

static void bench_liquid(struct liquid l, int is_split, const char *only, int is_long)
{
    struct bench b = {0};
    int *slots = make_slots(&l, is_split, &b.packs.n), count;
    const struct sk_kernel_variant *v = sk_kernel_variants(&count);
    bench_fill(&b, &l, slots);
    bench_list(&b, &l, slots);
    printf("%s, list %.3f, %d atoms, %s halves: fill %.3f, tiles/atom %.2f, per entry %.1f, masked %.3f, "
           "useful pairs/atom %.1f, efficiency %.3f\n",
           l.name, l.radius, l.n, is_split ? "compact" : "mixed", l.n / (8.0 * b.packs.n), (double)b.ntiles / l.n,
           (double)b.ntiles / b.tiles.end_entry, (double)b.nmasked / b.ntiles, b.useful / l.n,
           b.useful / b.ntiles / 32.0);
    for (int k = 0; k < count; k++) {
        static const char *const names[] = {"forces", "wide", "energies", "prune"};
        if (!v[k].is_supported() || (only && strcmp(only, v[k].name)))
            continue;
        printf("  %-8s", v[k].name);
        for (int what = FORCES; what <= PRUNE; what++) {
            if (!is_long && what != FORCES)
                continue;
            const int runs = (what != FORCES && what != PRUNE) || v[k].name[0] == 'b' ? 5 : 60;
            double cycles = bench_run(&b, &v[k], (enum what)what, runs, calibrate());
            printf(" %s %.0f/atom %.1f/tile;", names[what], cycles / l.n, cycles / b.ntiles);
        }
        printf("%s\n", b.is_bad ? " (out of range)" : ""); /* the random start has contacts */
        if (is_long)
            bench_switches(&b, &v[k]);
    }
    void *all[] = {slots,     b.packs.x, b.packs.q, b.packs.qd, b.packs.lj, b.packs.type,
                   b.entries, b.list,    l.x,       l.has_lj,   l.charge};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
        sk_free(&all[k]);
}

/* bench_pair [VARIANT [forces]]: all kernels of all variants, or one variant, or its force kernel alone. */
int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;
    bench_liquid(liquid_lj(18, 2.6), 1, only, argc < 3);
    bench_liquid(liquid_water(20, 0.95), 1, only, argc < 3);
    bench_liquid(liquid_water(20, 0.95), 0, only, argc < 3);
    return 0;
}
