/* Domain: owners of cells, migration, census and ghosts, against what a table of all atoms, known to every rank, says.
 * Ranks count their errors; only sums over ranks are asserted. */
#include <stdlib.h>

#include "domain/mixture.h"
#include "domain/plans.h"

#include "domain/domain.h"

static struct sk_comm *comm;
static int rank, size;

static int64_t summed(int64_t errors)
{
    sk_comm_sum_i64(comm, &errors, 1);
    return errors;
}

/* Is the value the same on every rank? */
static int64_t differing(int64_t value)
{
    int64_t low = value, high = value;
    sk_comm_min_i64(comm, &low, 1);
    sk_comm_max_i64(comm, &high, 1);
    return low != high;
}

/* ---- cells ---- */

/* Owners of all cells as the plan's own grid has them, before the cells take it over and after they had another. */
static int64_t check_owners(const int32_t n[3], uint64_t seed)
{
    struct sk_cells cells, other;
    struct sk_box box = {.edge = {1, 1, 1}};
    sk_cells_init(&cells, &box, 0.4, 1000, comm);
    sk_cells_init(&other, &box, 0.4, 1000, comm);
    memcpy(cells.n, n, sizeof cells.n);
    memcpy(other.n, n, sizeof other.n);
    int64_t errors = sk_cells_find(&cells, n[0] - 1, 0, n[2] / 2)->owner != 0; /* no plan yet */
    for (uint64_t round = 0; round < 3; round++) {
        plans_draw(&cells, seed + round);
        plans_draw(&other, seed + round);
        errors += differing(plans_hash(&cells));
        const struct sk_plan *plan = &other.plan;
        int32_t *owner = sk_alloc((size_t)plan->n[0] * (size_t)plan->n[1] * (size_t)plan->n[2], sizeof *owner);
        sk_plan_owners(plan, owner);
        for (int c = 0; c < n[0] * n[1] * n[2]; c++) {
            int32_t at[3] = {c % n[0], c / n[0] % n[1], c / n[0] / n[1]}, block[3];
            for (int k = 0; k < 3; k++)
                block[k] = at[k] / other.block[k];
            const struct sk_cell *cell = sk_cells_find(&cells, at[0], at[1], at[2]);
            errors += cell->index != c || cell->owner < 0 || cell->owner >= size ||
                      cell->owner != owner[block[0] + plan->n[0] * (block[1] + plan->n[1] * block[2])] ||
                      cell->key != sk_curve_key_turned(sk_plan_curve(plan), plan->turn, n, at[0], at[1], at[2]);
        }
        sk_free(&owner);
    }
    sk_cells_clear(&other);
    sk_cells_clear(&cells);
    return errors;
}

static void owners_are_those_of_the_plan(void **state)
{
    (void)state;
    static const int32_t grids[][3] = {{1, 1, 1}, {2, 1, 1}, {1, 1, 5},  {2, 3, 1},
                                       {4, 4, 4}, {7, 5, 3}, {1, 13, 9}, {10, 10, 10}};
    int64_t errors = 0;
    for (uint64_t g = 0; g < 8; g++)
        for (uint64_t trial = 0; trial < 6; trial++)
            errors += check_owners(grids[g], 100 * g + 10 * trial);
    assert_int_equal(summed(errors), 0);
}

static int64_t check_grid(const double edge[3], double list_radius, int64_t natoms, double factor,
                          const int32_t expected[3])
{
    struct sk_cells cells;
    struct sk_box box = {.edge = {edge[0], edge[1], edge[2]}};
    sk_cells_init(&cells, &box, list_radius, natoms, comm);
    if (factor > 1)
        sk_cells_coarsen(&cells, factor);
    int64_t errors = cells.rank != rank || cells.nranks != size;
    for (int k = 0; k < 3; k++)
        errors += cells.n[k] != expected[k];
    sk_cells_clear(&cells);
    return errors;
}

static void cells_are_half_the_radius_or_not_too_many(void **state)
{
    (void)state;
    static const double brick[3] = {4, 6.1, 1.9}, cube[3] = {8, 8, 8};
    int64_t errors = check_grid(brick, 2.0, 1000000, 1, (const int32_t[3]){4, 6, 1});
    errors += check_grid(brick, 2.0, 1000000, 1.9, (const int32_t[3]){2, 3, 1});
    errors += check_grid(cube, 0.001, 1000, 1, (const int32_t[3]){161, 161, 161}); /* 2^22 cells: 161.27 an edge */
    errors += check_grid(cube, 0.001, 8100000000, 1, (const int32_t[3]){2008, 2008, 2008}); /* one an atom: 2008.3 */
    errors += check_grid(cube, 0.099, 8100000000, 1, (const int32_t[3]){161, 161, 161});    /* 8 / 0.0495 = 161.6 */
    assert_int_equal(summed(errors), 0);
}

/* ---- a domain over the mixture ---- */

struct world {
    struct mixture m;
    struct sk_parameters parameters;
    struct sk_domain domain;
    struct sk_atoms atoms;
    struct sk_error err;
    double radius;
};

static void world_start(struct world *w, const int count[3], const double edge[3], double radius, enum sk_curve curve,
                        uint64_t seed)
{
    memset(w, 0, sizeof *w);
    mixture_make(&w->m, count, edge, seed);
    mixture_deal(&w->m, comm, seed, &w->atoms);
    w->parameters.domain.curve = curve;
    w->parameters.nonbonded.vdw_cutoff = 0.9 * radius;
    w->radius = radius;
    SK_REQUIRE(sk_domain_start(&w->domain, comm, &w->parameters, &w->m.top, &w->m.box, radius, &w->atoms, &w->err) ==
               SK_OK);
}

static enum sk_code world_rebuild(struct world *w)
{
    return sk_domain_rebuild(&w->domain, &w->m.top, &w->m.box, w->radius, NULL, &w->atoms, &w->err);
}

static void world_clear(struct world *w)
{
    sk_domain_clear(&w->domain);
    sk_atoms_clear(&w->atoms);
    mixture_clear(&w->m);
}

static struct sk_cell *cell_of(struct world *w, sk_gid id, int32_t cell[3])
{
    for (int k = 0; k < 3; k++)
        cell[k] = sk_frac_to_cell(w->m.atoms[w->m.anchor[id]].x[k], w->domain.cells.n[k]);
    return sk_cells_find(&w->domain.cells, cell[0], cell[1], cell[2]);
}

/* Every atom once, bit by bit as in the table, at the owner of its anchor's cell, groups whole and in curve order. */
static int64_t check_home(struct world *w)
{
    int64_t errors = 0, natoms = w->m.top.natoms;
    int64_t *times = sk_calloc((size_t)natoms, sizeof *times);
    sk_key last = 0;
    for (int i = 0, anchor = 0; i < w->atoms.n; i++) {
        struct sk_atom_record a, zero = {0};
        sk_atoms_get(&w->atoms, i, &a);
        const struct sk_atom_record *b = a.id >= 0 && a.id < natoms ? &w->m.atoms[a.id] : &zero;
        times[b->id]++;
        errors += a.id != b->id || a.kind != b->kind || a.group_size != b->group_size ||
                  memcmp(a.x, b->x, sizeof a.x) != 0 || memcmp(a.v, b->v, sizeof a.v) != 0 ||
                  memcmp(a.image, b->image, sizeof a.image) != 0;
        anchor = a.group_size ? i : anchor;
        errors += a.id != w->atoms.id[anchor] + (i - anchor) || i - anchor >= w->atoms.group_size[anchor];
        int32_t cell[3];
        const struct sk_cell *home = cell_of(w, b->id, cell);
        errors += home->owner != rank || home->key < last || memcmp(cell, w->domain.home.cell[i], sizeof cell) != 0 ||
                  memcmp(w->atoms.frame[i], w->m.atoms[w->m.anchor[b->id]].image, sizeof cell) != 0;
        last = home->key;
    }
    sk_comm_sum_i64(comm, times, (int)natoms);
    for (sk_gid id = 0; id < natoms; id++)
        errors += times[id] != 1;
    sk_free(&times);
    return errors;
}

/* What belongs to ghost `id` in exchange `round`, component k. */
static int32_t grid_of(sk_gid id, int round, int k)
{
    return (int32_t)mix4(40, (uint64_t)id, (uint64_t)round, (uint64_t)k);
}

/* Forward brings to each ghost what its owner has for its id. */
static int64_t check_forward(struct world *w, int round)
{
    struct sk_halo *halo = &w->domain.halo;
    int64_t errors = 0;
    int32_t(*grid)[3] = sk_alloc((size_t)w->atoms.n + 1, sizeof *grid);
    for (int i = 0; i < w->atoms.n; i++)
        for (int k = 0; k < 3; k++)
            grid[i][k] = grid_of(w->atoms.id[i], round, k);
    sk_halo_forward_begin(halo, (const int32_t(*)[3])grid);
    int first = 0, count = 0, seen = 0;
    for (const int32_t(*ghosts)[3]; (ghosts = sk_halo_arrived(halo, &first, &count)); seen += count)
        for (int g = 0; g < count; g++)
            for (int k = 0; k < 3; k++)
                errors += ghosts[g][k] != grid_of(halo->id[first + g], round, k);
    sk_free(&grid);
    return errors + (seen != halo->nghosts);
}

/* Reverse adds at the owner what every holder has for the atom: a function of holder and id. */
static int64_t check_reverse(struct world *w, const int64_t *holders, int round)
{
    const struct sk_halo *halo = &w->domain.halo;
    int64_t errors = 0;
    int32_t(*ghost)[3] = sk_alloc((size_t)halo->nghosts + 1, sizeof *ghost),
    (*sum)[3] = sk_alloc((size_t)w->atoms.n + 1, sizeof *sum);
    int64_t(*ghost_wide)[3] = sk_alloc((size_t)halo->nghosts + 1, sizeof *ghost_wide),
    (*sum_wide)[3] = sk_alloc((size_t)w->atoms.n + 1, sizeof *sum_wide);
    for (int g = 0; g < halo->nghosts; g++)
        for (int k = 0; k < 3; k++) {
            ghost[g][k] = (int32_t)((uint32_t)grid_of(halo->id[g], round, k) * (uint32_t)(rank + 1));
            ghost_wide[g][k] = (int64_t)grid_of(halo->id[g], round, k) * (rank + 1) * (1 << 20);
        }
    for (int i = 0; i < w->atoms.n; i++)
        for (int k = 0; k < 3; k++)
            sum_wide[i][k] = sum[i][k] = i + k;
    sk_halo_reverse_begin(&w->domain.halo, (const int32_t(*)[3])ghost);
    sk_halo_reverse_end(&w->domain.halo, sum);
    sk_halo_reverse_wide(&w->domain.halo, (const int64_t(*)[3])ghost_wide, sum_wide);
    for (int i = 0; i < w->atoms.n; i++)
        for (int k = 0; k < 3; k++) {
            int64_t right = grid_of(w->atoms.id[i], round, k) * holders[w->atoms.id[i]];
            errors += sum[i][k] != (int32_t)((uint32_t)right + (uint32_t)(i + k));
            errors += sum_wide[i][k] != right * (1 << 20) + i + k;
        }
    sk_free(&sum_wide);
    sk_free(&ghost_wide);
    sk_free(&sum);
    sk_free(&ghost);
    return errors;
}

/* Ghosts are foreign atoms, each once, with kind and cell; then messages both ways, twice. */
static int64_t check_halo(struct world *w)
{
    const struct sk_halo *halo = &w->domain.halo;
    int64_t errors = 0, *holders = sk_calloc((size_t)w->m.top.natoms, sizeof *holders);
    for (int g = 0; g < halo->nghosts; g++) {
        int32_t cell[3];
        errors += cell_of(w, halo->id[g], cell)->owner == rank || holders[halo->id[g]] != 0 ||
                  halo->kind[g] != w->m.atoms[halo->id[g]].kind || memcmp(cell, halo->cell[g], sizeof cell) != 0;
        holders[halo->id[g]] = rank + 1;
    }
    sk_comm_sum_i64(comm, holders, (int)w->m.top.natoms); /* sum of (rank + 1) over those who hold the atom */
    for (int round = 0; round < 2; round++) {
        errors += check_forward(w, round);
        errors += check_reverse(w, holders, round);
    }
    sk_free(&holders);
    return errors;
}

static void kicked_atoms_go_home_and_ghosts_follow(void **state)
{
    (void)state;
    static const int count[3] = {60, 20, 100};
    static const double edge[3] = {3.1, 2.2, 4.0};
    int64_t errors = 0, migrated = 0, ghosts = 0;
    for (uint64_t curve = 0; curve < 5; curve++) {
        struct world w;
        world_start(&w, count, edge, 0.7, (enum sk_curve)curve, 50 + curve);
        for (uint64_t round = 0; round < 8; round++) {
            /* small and large kicks; the plan of the start, one drawn at random, or the last one again */
            mixture_kick(&w.m, round % 4 == 3 ? 1.5 : 0.2 * (double)round, 0.02, round);
            mixture_update(&w.m, &w.atoms);
            if (round && round % 3 != 2)
                plans_draw(&w.domain.cells, 8 * curve + round);
            errors += world_rebuild(&w) != SK_OK;
            errors += check_home(&w);
            errors += check_halo(&w);
            ghosts += w.domain.halo.nghosts;
        }
        migrated += w.domain.home.migrated;
        world_clear(&w);
    }
    assert_int_equal(summed(errors), 0);
    assert_true(size == 1 || (summed(migrated) > 0 && summed(ghosts) > 0));
}

static void a_lost_or_doubled_group_fails_the_census_everywhere(void **state)
{
    (void)state;
    static const int count[3] = {60, 20, 100};
    static const double edge[3] = {3.1, 2.2, 4.0};
    int64_t errors = 0;
    for (int what = 0; what < 3; what++) {
        struct world w;
        world_start(&w, count, edge, 0.7, SK_CURVE_HILBERT, 60);
        errors += world_rebuild(&w) != SK_OK;
        int64_t nsingles = 0;
        for (int i = 0; i < w.atoms.n; i++)
            nsingles += w.atoms.group_size[i] == 1;
        int64_t most = nsingles;
        sk_comm_max_i64(comm, &most, 1);
        int64_t chosen = nsingles == most ? rank : size;
        sk_comm_min_i64(comm, &chosen, 1);
        int a = -1, b = -1;
        for (int i = 0; i < w.atoms.n; i++)
            if (w.atoms.group_size[i] == 1)
                b = a, a = i;
        struct sk_atom_record record;
        if (chosen == rank && what == 0) { /* the last single atom is lost: what follows moves up */
            for (int i = a; i + 1 < w.atoms.n; i++) {
                sk_atoms_get(&w.atoms, i + 1, &record);
                sk_atoms_put(&w.atoms, i, &record);
            }
            w.atoms.n--;
        } else if (chosen == rank && what == 1) { /* comes twice */
            sk_atoms_reserve(&w.atoms, (size_t)w.atoms.n + 1);
            sk_atoms_get(&w.atoms, a, &record);
            sk_atoms_put(&w.atoms, w.atoms.n++, &record);
        } else if (chosen == rank) { /* one is lost, another comes twice */
            sk_atoms_get(&w.atoms, a, &record);
            sk_atoms_put(&w.atoms, b, &record);
        }
        errors += world_rebuild(&w) != SK_EINTERNAL || !strstr(w.err.message, "census");
        errors += what == 2 && !strstr(w.err.message, "one lost, another doubled");
        world_clear(&w);
    }
    assert_int_equal(summed(errors), 0);
}

/* ---- what is imported ---- */

/* Distance on axis k from the place of atom b to cell c of the grid, grown by `up` above and `down` below, over all
 * periodic images; 0 inside. */
static double axis_distance(const struct world *w, sk_gid b, int k, int32_t c, double up, double down)
{
    double edge = w->m.box.edge[k], n = w->domain.cells.n[k], best = edge;
    double x = (double)w->m.atoms[b].x[k] * 0x1p-64 * edge;
    for (int s = -1; s <= 1; s++) {
        double low = c / n * edge - down + s * edge, high = (c + 1) / n * edge + up + s * edge;
        double d = x < low ? low - x : x > high ? x - high : 0;
        best = d < best ? d : best;
    }
    return best;
}

enum { NEEDED = 1, IN_SHELL = 2, NEAR_CORNER = 4 };

/* NEEDED: there is a pair within the radius whose corner cell is this rank's. */
static void mark_needed(struct world *w, unsigned char *flags)
{
    const int32_t *n = w->domain.cells.n;
    double radius2 = w->radius * w->radius;
    for (sk_gid a = 0; a < w->m.top.natoms; a++)
        for (sk_gid b = a + 1; b < w->m.top.natoms; b++) {
            double d2 = 0;
            int32_t ca[3], cb[3], corner[3];
            static const int none[3] = {0, 0, 0};
            int image[3];
            double vector[3];
            mixture_vector(&w->m, a, b, none, vector);
            for (int k = 0; k < 3; k++) {
                double d = vector[k];
                image[k] = -(int)rint(d / w->m.box.edge[k]);
                d += image[k] * w->m.box.edge[k];
                d2 += d * d;
            }
            if (d2 >= radius2)
                continue;
            cell_of(w, a, ca);
            cell_of(w, b, cb);
            for (int k = 0; k < 3; k++) { /* cells of the anchors, unwrapped, as seen from a's */
                const struct sk_atom_record *ra = &w->m.atoms[a], *rb = &w->m.atoms[b];
                int wa = ra->image[k] - w->m.atoms[w->m.anchor[a]].image[k];
                int wb = rb->image[k] - w->m.atoms[w->m.anchor[b]].image[k];
                int32_t other = cb[k] + (image[k] + wa - wb) * n[k];
                corner[k] = sk_cells_wrap(ca[k] < other ? ca[k] : other, n[k]);
            }
            if (sk_cells_find(&w->domain.cells, corner[0], corner[1], corner[2])->owner == rank)
                flags[a] |= NEEDED, flags[b] |= NEEDED;
        }
}

/* Does atom b, as seen from cell c below and before its own, come within the radius of where c's atoms can be? */
static bool is_near_corner(struct world *w, sk_gid b, const int32_t c[3])
{
    const struct sk_atom_record *atom = &w->m.atoms[b];
    double d2 = 0, radius = w->radius * (1 + 1e-9) + 1e-9;
    int32_t cell[3];
    cell_of(w, b, cell);
    for (int k = 0; k < 3; k++) {
        double n = w->domain.cells.n[k];
        int offset = sk_cells_wrap(cell[k] - c[k], w->domain.cells.n[k]);
        double x = (double)atom->x[k] * 0x1p-64 + (atom->image[k] - w->m.atoms[w->m.anchor[b]].image[k]);
        double d = (x - (cell[k] - offset + 1) / n) * w->m.box.edge[k] - w->domain.stick_up[k];
        d2 += offset > 0 && d > 0 ? d * d : 0;
    }
    return d2 <= radius * radius;
}

/* IN_SHELL: within the radius of this rank's territory, as a full shell would import. NEAR_CORNER: the rule of halo.h,
 * cell by cell. */
static void mark_near(struct world *w, unsigned char *flags)
{
    const int32_t *n = w->domain.cells.n;
    double radius2 = w->radius * w->radius;
    for (int c = 0; c < n[0] * n[1] * n[2]; c++) {
        int32_t at[3] = {c % n[0], c / n[0] % n[1], c / n[0] / n[1]};
        if (sk_cells_find(&w->domain.cells, at[0], at[1], at[2])->owner != rank)
            continue;
        for (sk_gid b = 0; b < w->m.top.natoms; b++) {
            double d2 = 0;
            for (int k = 0; k < 3 && d2 < radius2; k++) {
                double d = axis_distance(w, b, k, at[k], w->domain.stick_up[k], w->domain.stick_down[k]);
                d2 += d * d;
            }
            flags[b] |= d2 <= radius2 ? IN_SHELL : 0;
            flags[b] |= is_near_corner(w, b, at) ? NEAR_CORNER : 0;
        }
    }
}

/* Adds to sums: ghosts, needed, full shell. */
static int64_t check_import(struct world *w, int64_t sums[3])
{
    int64_t errors = 0;
    unsigned char *flags = sk_calloc((size_t)w->m.top.natoms, 1);
    mark_needed(w, flags);
    mark_near(w, flags);
    for (int i = 0; i < w->atoms.n; i++)
        flags[w->atoms.id[i]] = 0;
    sums[0] += w->domain.halo.nghosts;
    for (sk_gid id = 0; id < w->m.top.natoms; id++) {
        sums[1] += (flags[id] & NEEDED) != 0;
        sums[2] += (flags[id] & IN_SHELL) != 0;
    }
    for (int g = 0; g < w->domain.halo.nghosts; g++) {
        unsigned char *flag = &flags[w->domain.halo.id[g]];
        errors += !(*flag & NEAR_CORNER); /* not by the rule */
        *flag = 0;
    }
    for (sk_gid id = 0; id < w->m.top.natoms; id++)
        errors += (flags[id] & (NEEDED | NEAR_CORNER)) != 0; /* should be here */
    sk_free(&flags);
    return errors;
}

static void the_import_is_what_the_corner_rule_needs(void **state)
{
    (void)state;
    static const int counts[2][3] = {{0, 0, 2600}, {500, 100, 700}};
    static const double edge[3] = {5.0, 4.0, 4.5};
    for (int s = 0; s < 2; s++) {
        struct world w;
        int64_t sums[3] = {0};
        world_start(&w, counts[s], edge, 0.9, s ? SK_CURVE_MORTON : SK_CURVE_HILBERT, 70);
        int64_t errors = world_rebuild(&w) != SK_OK;
        errors += check_import(&w, sums);
        world_clear(&w);
        sk_comm_sum_i64(comm, sums, 3);
        assert_int_equal(summed(errors), 0);
        assert_true(size == 1 || sums[1] > 0);
        /* ghosts are chosen by distance from cells, not from atoms: some are without a partner */
        assert_true((double)sums[0] <= 1.6 * (double)sums[1]);
        assert_true((double)sums[0] <= 0.7 * (double)sums[2]);
    }
}

static void the_import_is_right_by_any_plan(void **state)
{
    (void)state;
    static const int count[3] = {80, 20, 120};
    static const double edge[3] = {3.1, 2.2, 4.0};
    struct world w;
    world_start(&w, count, edge, 0.7, SK_CURVE_HILBERT, 71);
    int64_t errors = 0, sums[3] = {0};
    for (uint64_t round = 0; round < 12; round++) {
        plans_draw(&w.domain.cells, 300 + round);
        errors += world_rebuild(&w) != SK_OK;
        errors += check_import(&w, sums);
    }
    world_clear(&w);
    assert_int_equal(summed(errors), 0);
    assert_true(size == 1 || summed(sums[1]) > 0);
}

int main(void)
{
    comm = sk_comm_new(NULL);
    rank = sk_comm_rank(comm);
    size = sk_comm_size(comm);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owners_are_those_of_the_plan),
        cmocka_unit_test(cells_are_half_the_radius_or_not_too_many),
        cmocka_unit_test(kicked_atoms_go_home_and_ghosts_follow),
        cmocka_unit_test(a_lost_or_doubled_group_fails_the_census_everywhere),
        cmocka_unit_test(the_import_is_what_the_corner_rule_needs),
        cmocka_unit_test(the_import_is_right_by_any_plan),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sk_comm_free(&comm);
    return failed;
}
