/* Pair sets: what the tiles of all ranks hold, as (id, id, image) read from the coordinates that the kernel will see,
 * against brute force over all pairs and images; for 1 to 5 cells along each axis in all mixes, random plans,
 * boxes and radii. Every pair within the radius must be there exactly once over all ranks. A second kind of world
 * has chains whose exclusions cross groups, cells, ranks and faces; there the list of excluded pairs is looked at too.
 * A third kind has few molecules in boxes about as long as the 2^32 quanta after which kernel coordinates repeat. */
#include <stdlib.h>

#include "domain/plans.h"
#include "neigh/chains.h"

#include "force/force.h"

#define QUANTUM 0x1p-26
#define REACH   (QUANTUM * 0x1p31) /* kernel coordinates that differ by more seem to be nearer */
#define SLACK   1e-7               /* pairs so close to a radius may be in or out: the kernel grid is 1.5e-8 wide */

static struct sk_comm *comm;
static int rank, size;

struct world {
    struct mixture m;
    struct sk_parameters parameters;
    struct sk_domain domain;
    struct sk_force force;
    struct sk_atoms atoms;
    struct sk_timer timer;
    struct sk_force_phases phases;
    struct sk_error err;
    uint64_t seed;
    int32_t n[3];
    bool has_chains, is_sparse;
};

/* A pair as one number: ids ascending, image of the second seen from the first. */
struct pair_codes {
    int64_t *code;
    int n;
    size_t capacity;
    int64_t misplaced; /* tile bits that are no pair of atoms, or at no periodic image of their distance */
};

static void codes_add(struct pair_codes *c, const struct world *w, sk_gid i, sk_gid j, const int image[3])
{
    int sign = i < j ? 1 : -1, o = 0;
    for (int k = 0; k < 3; k++)
        o = 5 * o + sign * image[k] + 2;
    sk_reserve(&c->code, &c->capacity, (size_t)c->n + 1);
    c->code[c->n++] = ((i < j ? i : j) * w->m.top.natoms + (i < j ? j : i)) * 125 + o;
}

static double distance2(const struct world *w, sk_gid i, sk_gid j, const int image[3])
{
    const int back[3] = {-image[0], -image[1], -image[2]};
    double d[3]; /* from the lower id, so that every rank gets the same bits */
    mixture_vector(&w->m, i < j ? i : j, i < j ? j : i, i < j ? image : back, d);
    return d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
}

/* A pair of lanes (SK_PACK * pack + lane), the first moved by a shift. */
static void collect_lanes(struct pair_codes *c, const struct world *w, int u, int v, int shift, double radius)
{
    const struct sk_clusters *clusters = &w->force.clusters;
    int a = clusters->atom[u], b = clusters->atom[v];
    if (a < 0 || b < 0) {
        c->misplaced++;
        return;
    }
    sk_gid i = a < w->atoms.n ? w->atoms.id[a] : w->domain.halo.id[a - w->atoms.n];
    sk_gid j = b < w->atoms.n ? w->atoms.id[b] : w->domain.halo.id[b - w->atoms.n];
    const int32_t *xi = clusters->packs.x + 24 * (u / SK_PACK) + u % SK_PACK;
    const int32_t *xj = clusters->packs.x + 24 * (v / SK_PACK) + v % SK_PACK;
    static const int none[3] = {0, 0, 0};
    int image[3], off = 0;
    double seen[3], rest[3], turns[3], seen2 = 0;
    mixture_vector(&w->m, i, j, none, rest);
    for (int k = 0; k < 3; k++) {
        uint32_t moved = (uint32_t)xi[8 * k] + (uint32_t)w->force.shifts.x[shift][k];
        seen[k] = (double)(int32_t)((uint32_t)xj[8 * k] - moved) * QUANTUM;
        rest[k] = seen[k] - rest[k];
        seen2 += seen[k] * seen[k];
    }
    sk_box_fractions(&w->m.box, rest, turns);
    for (int k = 0; k < 3; k++)
        image[k] = (int)rint(turns[k]);
    mixture_vector(&w->m, i, j, image, rest);
    for (int k = 0; k < 3; k++) /* a shift has up to three rounded vectors */
        off += fabs(seen[k] - rest[k]) > 6 * QUANTUM;
    if (off) /* in a large box two atoms may seem to be where they are not, but not within the radius */
        c->misplaced += !w->is_sparse || seen2 < (radius + SLACK) * (radius + SLACK);
    else if (i == j)
        c->misplaced += distance2(w, i, j, image) < radius * radius;
    else if (distance2(w, i, j, image) < (radius - SLACK) * (radius - SLACK))
        codes_add(c, w, i, j, image);
}

static void collect(struct pair_codes *c, const struct world *w, const struct sk_tile_list *list, double radius)
{
    for (int k = 0; k < list->nentries; k++) {
        const struct sk_ientry *e = &list->entries[k];
        for (int t = e->first; t < e->end; t++) {
            c->misplaced += t >= e->first_full && list->tiles[t].mask != 0xffffffffu;
            for (int bit = 0; bit < 32; bit++)
                if (list->tiles[t].mask >> bit & 1)
                    collect_lanes(c, w, SK_HALF * e->icluster + bit / 8, SK_PACK * list->tiles[t].pack + bit % 8,
                                  e->shift, radius);
        }
    }
}

static void collect_excluded(struct pair_codes *c, const struct world *w, double radius)
{
    for (int part = 0; part < SK_LIST_PARTS; part++)
        for (int p = 0; p < w->force.list.excluded[part].n; p++) {
            const struct sk_excluded_pair *e = &w->force.list.excluded[part].pairs[p];
            collect_lanes(c, w, e->i, e->j, e->shift, radius);
        }
}

/* The bonded image is the nearest in all worlds but those with chains, and there every image is excluded. */
static bool is_excluded(const struct world *w, sk_gid i, sk_gid j)
{
    if (w->has_chains)
        return chains_is_excluded(&w->m, i, j);
    struct sk_place at = sk_topology_find(&w->m.top, i), to = sk_topology_find(&w->m.top, j);
    return at.molecule == to.molecule && (at.moltype != 1 || abs(at.place - to.place) <= 1);
}

static bool has_charges(const struct world *w, sk_gid i, sk_gid j)
{
    const struct sk_kind *kinds = w->m.top.kinds;
    return kinds[w->m.atoms[i].kind].charge != 0 && kinds[w->m.atoms[j].kind].charge != 0;
}

/* Pairs that interact, or excluded pairs of charged atoms. */
static void brute_force(struct pair_codes *c, const struct world *w, double radius, bool wants_excluded)
{
    double limit = radius - SLACK;
    int o[3] = {0, 0, 0};
    for (sk_gid i = 0; i < w->m.top.natoms; i++)
        for (sk_gid j = i + 1; j < w->m.top.natoms; j++) {
            if (is_excluded(w, i, j) != wants_excluded || (wants_excluded && !has_charges(w, i, j)))
                continue;
            for (o[2] = -1; o[2] <= 1; o[2]++) {
                double d[3];
                mixture_vector(&w->m, i, j, o, d); /* the third component depends on the third image alone */
                if (fabs(d[2]) > limit)
                    continue;
                for (o[1] = -1; o[1] <= 1; o[1]++)
                    for (o[0] = -1; o[0] <= 1; o[0]++)
                        if (distance2(w, i, j, o) < limit * limit)
                            codes_add(c, w, i, j, o);
            }
        }
}

static int ascending(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void tell(const struct world *w, const char *what, const char *when, int64_t code)
{
    int64_t n = w->m.top.natoms, o = code % 125;
    print_error("%s, %dx%dx%d cells, scheme %d, %d ranks, seed %llu: pair %lld %lld image %d %d %d %s\n", when, w->n[0],
                w->n[1], w->n[2], (int)w->domain.cells.plan.scheme, size, (unsigned long long)w->seed,
                (long long)(code / 125 / n), (long long)(code / 125 % n), (int)(o / 25) - 2, (int)(o / 5 % 5) - 2,
                (int)(o % 5) - 2, what);
}

/* On rank 0: errors between two lists; what was found may repeat, and must not. */
static int64_t compare(const struct world *w, const char *when, struct pair_codes *found, struct pair_codes *right)
{
    int64_t errors = 0;
    if (found->n)
        qsort(found->code, (size_t)found->n, sizeof *found->code, ascending);
    for (int f = 0, r = 0; f < found->n || r < right->n;) {
        int64_t a = f < found->n ? found->code[f] : INT64_MAX, b = r < right->n ? right->code[r] : INT64_MAX;
        const char *what = a < b ? (r > 0 && right->code[r - 1] == a ? "doubled" : "should not be there") : "missing";
        f += a <= b;
        r += b <= a;
        if (a != b && errors++ < 3)
            tell(w, what, when, a < b ? a : b);
    }
    return errors;
}

/* Collective. What the ranks found, which is freed, against brute force; *npairs counts the pairs. */
static int64_t check_codes(const struct world *w, const char *when, struct pair_codes *mine, double radius,
                           bool is_of_excluded, int64_t *npairs)
{
    struct pair_codes all = {0}, right = {0};
    struct sk_parcel parcel = {0, (size_t)mine->n * sizeof *mine->code, (unsigned char *)mine->code};
    struct sk_receipt receipt;
    sk_comm_exchange(comm, &parcel, 1, &receipt);
    for (int p = 0; p < receipt.count; p++) {
        size_t count = receipt.parcels[p].length / sizeof *all.code;
        sk_reserve(&all.code, &all.capacity, (size_t)all.n + count + 1);
        memcpy(all.code + all.n, receipt.parcels[p].bytes, receipt.parcels[p].length);
        all.n += (int)count;
    }
    sk_receipt_clear(&receipt);
    int64_t sums[2] = {mine->misplaced, 0};
    if (mine->misplaced)
        print_error("%s, seed %llu: %lld tile bits of rank %d are no pair\n", when, (unsigned long long)w->seed,
                    (long long)mine->misplaced, rank);
    if (rank == 0) {
        brute_force(&right, w, radius, is_of_excluded);
        if (right.n)
            qsort(right.code, (size_t)right.n, sizeof *right.code, ascending);
        sums[0] += compare(w, when, &all, &right);
        sums[1] = right.n;
    }
    sk_free(&mine->code);
    sk_free(&all.code);
    sk_free(&right.code);
    sk_comm_sum_i64(comm, sums, 2);
    *npairs += sums[1];
    return sums[0];
}

/* Collective. Tiles of both parts, of all ranks, and excluded pairs. */
static int64_t check_lists(const struct world *w, const char *when, const struct sk_tile_list *parts, double radius,
                           int64_t *npairs)
{
    struct pair_codes pairs = {0}, excluded = {0};
    for (int part = 0; part < SK_LIST_PARTS; part++)
        collect(&pairs, w, &parts[part], radius);
    int64_t errors = check_codes(w, when, &pairs, radius, false, npairs);
    if (!w->has_chains)
        return errors;
    collect_excluded(&excluded, w, radius);
    return errors + check_codes(w, "excluded pairs", &excluded, radius, true, &npairs[1]);
}

static void world_set_forces(struct world *w, double list_radius)
{
    int count;
    const struct sk_kernel_variant *variants = sk_kernel_variants(&count),
                                   *variant = &variants[w->seed % (size_t)count];
    if (!variant->is_supported())
        variant = sk_kernel_find("auto");
    sk_force_init(&w->force, &w->m.top, variant);
    w->force.list_radius = list_radius;
    w->force.inner_radius = 0.87 * list_radius;
    double cutoff = 0.8 * list_radius;
    w->force.nonbonded.cutoff = cutoff;
    w->force.nonbonded.pair = (struct sk_pair_parameters){.lj_rule = SK_LJ_NONE, /* charges only in double: no forces */
                                                          .has_coulomb = true,
                                                          .is_reaction_field = w->has_chains,
                                                          .r2_scale = (float)(QUANTUM * QUANTUM),
                                                          .scalar_limit = 1.0f,
                                                          .vdw_cutoff2 = (float)(cutoff * cutoff),
                                                          .coulomb_cutoff2 = (float)(cutoff * cutoff),
                                                          .quantum = QUANTUM,
                                                          .force_scale = 1};
    w->force.nonbonded.lanes = sk_calloc((size_t)w->m.top.nkinds, sizeof *w->force.nonbonded.lanes);
    for (int k = 0; k < w->m.top.nkinds; k++) {
        w->force.nonbonded.lanes[k].has_lj = k == MIXTURE_OXYGEN || k == MIXTURE_SINGLE; /* mixed and pure packs */
        w->force.nonbonded.lanes[k].charge = w->m.top.kinds[k].charge;
    }
    sk_force_set_box(&w->force, &w->m.box);
    sk_timer_init(&w->timer);
    sk_force_phases_init(&w->phases, &w->timer);
}

static int64_t world_rebuild(struct world *w)
{
    enum sk_code code = sk_domain_rebuild(&w->domain, &w->m.top, &w->m.box, w->force.list_radius, NULL, &w->atoms,
                                          &w->err);
    if (code) {
        if (rank == 0)
            print_error("%s\n", w->err.message);
        return 1;
    }
    return sk_force_rebuild(&w->force, &w->domain, &w->atoms, &w->phases, &w->err) != SK_OK;
}

/* Atoms move within what the list allows; before every use the pruned list holds every pair of the cutoff. */
static int64_t check_drift(struct world *w, int64_t *npairs)
{
    double cutoff = w->force.nonbonded.cutoff, allowance = sk_force_allowance(&w->force, &w->m.box);
    double little = (w->force.inner_radius - cutoff) / 2 * 0.99; /* keeps the inner list */
    double drift[3] = {0, little, allowance - little};
    int64_t errors = 0;
    for (int step = 0; step < 3; step++) {
        mixture_kick(&w->m, 0, drift[step], w->seed + (uint64_t)step);
        mixture_update(&w->m, &w->atoms);
        sk_force_begin(&w->force, &w->domain, &w->atoms, false, &w->phases);
        sk_force_end(&w->force, &w->domain, &w->atoms, &w->phases);
        errors += check_lists(w, step ? "after drift" : "pruned", w->force.list.inner,
                              step ? cutoff : w->force.inner_radius, npairs);
    }
    return errors;
}

static double smallest_width(const struct sk_box *box)
{
    double width[3];
    sk_box_widths(box, width);
    double least = width[0] < width[1] ? width[0] : width[1];
    return width[2] < least ? width[2] : least;
}

/* Every other world is tilted, by up to half an edge each. */
static struct sk_box draw_box(const struct world *w, const double edge[3])
{
    struct sk_box box = {{edge[0], edge[1], edge[2]}, {0, 0, 0}};
    static const int of[3] = {0, 0, 1};
    for (uint64_t k = 0; k < 3 && w->seed % 2 && !w->is_sparse; k++)
        box.tilt[k] = (mixture_uniform(w->seed, 26, k, 0) - 0.5) * edge[of[k]];
    return box;
}

static void world_fill(struct world *w, const int count[3], const double edge[3])
{
    static const int chains[CHAINS_TYPES] = {1, 12, 6, 2, 1, 8};
    if (w->has_chains) {
        chains_make(&w->m, chains, edge, 0, w->seed);
        chains_deal(&w->m, comm, w->seed, &w->atoms);
    } else {
        mixture_make(&w->m, count, edge, w->seed);
        mixture_deal(&w->m, comm, w->seed, &w->atoms);
    }
}

/* One system, which has seed, n and kind: lists, drift, then far kicks and lists again, with a new plan or the old one.
 * count: of the mixture. */
static int64_t check_world(struct world *w, const int count[3], const struct sk_box *box, double list_radius,
                           bool has_more, int64_t *npairs)
{
    world_fill(w, count, box->edge);
    w->m.box = *box;
    w->parameters.nonbonded.vdw_cutoff = 0.8 * list_radius;
    int64_t errors = sk_domain_start(&w->domain, comm, &w->parameters, &w->m.top, &w->m.box, list_radius, &w->atoms,
                                     &w->err);
    memcpy(w->domain.cells.n, w->n, sizeof w->domain.cells.n); /* nothing is remembered of cells yet */
    plans_draw(&w->domain.cells, w->seed);
    world_set_forces(w, list_radius);
    errors += world_rebuild(w);
    errors += errors ? 0 : check_lists(w, "new list", w->force.list.outer, list_radius, npairs);
    if (has_more && !errors) {
        errors += check_drift(w, npairs);
        mixture_kick(&w->m, 0.3 * smallest_width(box), 0, w->seed + 9);
        mixture_update(&w->m, &w->atoms);
        if (w->seed % 3 == 0)
            plans_draw(&w->domain.cells, w->seed + 1);
        errors += world_rebuild(w);
        errors += errors ? 0 : check_lists(w, "after kicks", w->force.list.outer, list_radius, npairs);
    }
    sk_nonbonded_clear(&w->force.nonbonded);
    sk_force_clear(&w->force);
    sk_domain_clear(&w->domain);
    sk_atoms_clear(&w->atoms);
    mixture_clear(&w->m);
    return errors;
}

/* npairs[2]: pairs, and excluded pairs, that there were to find. */
static int64_t check_mixes_of_cells(bool has_chains, int64_t npairs[2])
{
    static const double edges[4][3] = {{1.6, 1.6, 1.6}, {1.6, 2.5, 3.2}, {4.1, 1.7, 1.7}, {2.3, 6.0, 1.6}};
    static const double share[3] = {0.49, 0.3, 0.15}; /* list radius, of the smallest width */
    static const int count[3] = {30, 10, 40};
    int64_t errors = 0;
    for (int mix_of_cells = 0; mix_of_cells < 125 && !errors; mix_of_cells++)
        for (int twice = 0; twice < 2 && !errors; twice++) {
            struct world w = {.seed = (uint64_t)(2 * mix_of_cells + twice) + 1000,
                              .n = {mix_of_cells % 5 + 1, mix_of_cells / 5 % 5 + 1, mix_of_cells / 25 + 1},
                              .has_chains = has_chains};
            struct sk_box box = draw_box(&w, edges[mix(w.seed) % 4]);
            double radius = share[mix_of_cells % 3] * smallest_width(&box);
            errors += check_world(&w, count, &box, radius, (mix_of_cells + twice) % 2, npairs);
        }
    return errors;
}

static void pair_sets_of_all_mixes_of_cells(void **state)
{
    (void)state;
    int64_t npairs[2] = {0};
    assert_int_equal(check_mixes_of_cells(false, npairs), 0);
    assert_true(npairs[0] > 500000); /* there was something to find */
}

static void exclusions_across_groups_in_all_mixes_of_cells(void **state)
{
    (void)state;
    int64_t npairs[2] = {0};
    assert_int_equal(check_mixes_of_cells(true, npairs), 0);
    assert_true(npairs[0] > 500000);
    assert_true(npairs[1] > 50000);
}

/* Packs of few molecules would span the box: two atoms could seem to be neighbours that are 2^32 quanta apart. */
static void sparse_boxes_about_as_long_as_coordinates_reach(void **state)
{
    (void)state;
    static const double edges[4][3] = {{1.9 * REACH, 1.9 * REACH, 1.9 * REACH},
                                       {2.4 * REACH, 1.9 * REACH, 15.0},
                                       {15.0, 2.4 * REACH, 2.4 * REACH},
                                       {2.4 * REACH, 2.4 * REACH, 2.4 * REACH}};
    int64_t npairs = 0, errors = 0;
    for (uint64_t trial = 0; trial < 40 && !errors; trial++) {
        struct world w = {.seed = 2000 + trial, .is_sparse = true};
        const int count[3] = {4 + (int)(trial % 3) * 3, 2, 4 + (int)(trial % 5) * 6};
        for (uint64_t k = 0; k < 3; k++) /* no cell is as long as coordinates reach */
            w.n[k] = 2 + (int32_t)(mix4(w.seed, 25, k, 0) % 5);
        struct sk_box box = draw_box(&w, edges[trial % 4]);
        errors += check_world(&w, count, &box, 7.0, trial % 8 < 4, &npairs);
    }
    assert_int_equal(errors, 0);
    assert_true(npairs > 1000);
}

int main(void)
{
    comm = sk_comm_new(NULL);
    rank = sk_comm_rank(comm);
    size = sk_comm_size(comm);
    const struct CMUnitTest tests[] = {cmocka_unit_test(pair_sets_of_all_mixes_of_cells),
                                       cmocka_unit_test(exclusions_across_groups_in_all_mixes_of_cells),
                                       cmocka_unit_test(sparse_boxes_about_as_long_as_coordinates_reach)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sk_comm_free(&comm);
    return failed;
}
