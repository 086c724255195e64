/* Balance: the first plan, the grid it is made on, and what checks decide, by efforts that are planted: how much time
 * and how many tiles each rank says it had. All ranks must hold the same plan after whatever happened. */
#include "domain/mixture.h"
#include "domain/plans.h"

#include "domain/domain.h"
#include "domain/survey.h"

static struct sk_comm *comm;
static int rank, size;

static int64_t summed(int64_t errors)
{
    sk_comm_sum_i64(comm, &errors, 1);
    return errors;
}

static int64_t differing(int64_t value)
{
    int64_t low = value, high = value;
    sk_comm_min_i64(comm, &low, 1);
    sk_comm_max_i64(comm, &high, 1);
    return low != high;
}

struct world {
    struct mixture m;
    struct sk_parameters parameters;
    struct sk_domain domain;
    struct sk_atoms atoms;
    struct sk_error err;
    double radius;
};

/* Most of the single atoms go to a slab of a quarter of the box. */
static void make_slab(struct mixture *m)
{
    for (sk_gid id = 0; id < m->top.natoms; id++)
        if (m->atoms[id].group_size == 1 && id % 16)
            m->atoms[id].x[2] = m->atoms[id].x[2] / 4 + ((sk_frac)3 << 61);
}

static void world_start(struct world *w, const int count[3], const double edge[3], double radius, enum sk_curve curve,
                        bool is_slab, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    mixture_make(&w->m, count, edge, seed);
    if (is_slab)
        make_slab(&w->m);
    mixture_deal(&w->m, comm, seed, &w->atoms);
    w->parameters.domain.curve = curve;
    w->parameters.domain.rebalance = SK_REBALANCE_AUTO;
    w->parameters.nonbonded.vdw_cutoff = 0.9 * radius;
    w->radius = radius;
    SK_REQUIRE(sk_domain_start(&w->domain, comm, &w->parameters, &w->m.top, &w->m.box, radius, &w->atoms, &w->err) ==
               SK_OK);
}

static void world_clear(struct world *w)
{
    sk_domain_clear(&w->domain);
    sk_atoms_clear(&w->atoms);
    mixture_clear(&w->m);
}

/* Atoms of each block of cells, from the table. */
static int32_t *count_atoms(const struct mixture *m, const struct sk_cells *cells)
{
    const int32_t *n = cells->plan.n;
    int32_t *atoms = sk_calloc((size_t)n[0] * (size_t)n[1] * (size_t)n[2], sizeof *atoms), at[3];
    for (sk_gid id = 0; id < m->top.natoms; id++) {
        for (int k = 0; k < 3; k++)
            at[k] = (int32_t)floor((double)m->atoms[m->anchor[id]].x[k] * 0x1p-64 * cells->n[k]) / cells->block[k];
        atoms[at[0] + n[0] * (at[1] + n[1] * at[2])]++;
    }
    return atoms;
}

/* Largest over mean of the values by owner; *heaviest: largest value of a cell, over the mean as well. */
static double largest_share(const struct sk_plan *plan, const int64_t *value, double *heaviest)
{
    int64_t *sum = sk_calloc((size_t)plan->nranks, sizeof *sum), total = 0, largest = 0, most = 0, i = 0;
    for (int32_t z = 0; z < plan->n[2]; z++)
        for (int32_t y = 0; y < plan->n[1]; y++)
            for (int32_t x = 0; x < plan->n[0]; x++, i++) {
                sum[sk_plan_owner(plan, x, y, z)] += value[i];
                total += value[i];
                most = value[i] > most ? value[i] : most;
            }
    for (int r = 0; r < plan->nranks; r++)
        largest = sum[r] > largest ? sum[r] : largest;
    sk_free(&sum);
    *heaviest = (double)most * plan->nranks / (double)total;
    return (double)largest * plan->nranks / (double)total;
}

/* The plan of these cells: what it is said to share, and as evenly as its cells allow. */
static int64_t check_shares(const struct mixture *m, const struct sk_cells *cells, const struct sk_balance *balance)
{
    const struct sk_plan *plan = &cells->plan;
    size_t ncells = (size_t)plan->n[0] * (size_t)plan->n[1] * (size_t)plan->n[2];
    int64_t *tiles = sk_alloc(ncells, sizeof *tiles), *weight = sk_alloc(ncells, sizeof *weight), errors = 0;
    int32_t *atoms = count_atoms(m, cells);
    double edge[3], heaviest, depth = ceil(log2(plan->nranks));
    for (int k = 0; k < 3; k++)
        edge[k] = m->box.edge[k] / cells->n[k] * cells->block[k];
    sk_load_tiles(plan->n, edge, balance->radius, atoms, tiles);
    sk_load_weigh((int64_t)ncells, tiles, atoms, &balance->cost, weight);
    double share = largest_share(plan, tiles, &heaviest);
    errors += !(fabs(share - balance->predicted_tiles) < 1e-12);
    share = largest_share(plan, weight, &heaviest);
    errors += !(fabs(share - balance->predicted) < 1e-12);
    /* one cell too much at a cut; a tree of planes: at each of its levels */
    errors += !(share <= 1.01 + heaviest * (plan->scheme == SK_SCHEME_KD ? depth : 1));
    if (errors)
        print_error("scheme %d, %d ranks: %g, predicted %g, heaviest cell %g\n", (int)plan->scheme, plan->nranks, share,
                    balance->predicted, heaviest);
    sk_free(&atoms);
    sk_free(&weight);
    sk_free(&tiles);
    return errors;
}

static void the_first_plan_is_shared_and_even(void **state)
{
    (void)state;
    static const int count[3] = {150, 50, 1500};
    static const double edge[3] = {3.1, 4.5, 4.0};
    int64_t errors = 0;
    for (uint64_t q = 0; q < 10; q++) {
        struct world w;
        world_start(&w, count, edge, 0.8, (enum sk_curve)(q / 2), q % 2, 80 + q);
        const struct sk_balance *b = &w.domain.balance;
        errors += differing(plans_hash(&w.domain.cells)) + differing((int64_t)(b->predicted * 1e9));
        errors += b->plans != 1 || b->action != SK_BALANCE_STARTED || w.domain.cells.plan.nranks != size;
        errors += check_shares(&w.m, &w.domain.cells, b);
        struct sk_balance balance;
        struct sk_cells cells; /* more ranks, and in the end more than there are cells with atoms */
        for (int nranks = 5; nranks < (q < 6 ? 2000 : 50); nranks *= 7) {
            sk_domain_suppose(&w.domain, &w.m.top, &w.m.box, w.radius, &w.atoms, nranks, (enum sk_curve)(q / 2),
                              &balance, &cells);
            errors += differing(plans_hash(&cells)) + check_shares(&w.m, &cells, &balance);
            sk_cells_clear(&cells);
            sk_balance_clear(&balance);
        }
        world_clear(&w);
    }
    assert_int_equal(summed(errors), 0);
}

/* ---- the grid ---- */

/* Cells for so many single atoms; returns how many atoms an atom has in its cell, in the mean, itself included. */
static double crowd(int natoms, const double edge[3], double radius, bool is_slab, int nranks, int32_t n[3])
{
    const int count[3] = {0, 0, natoms};
    struct world w;
    struct sk_balance balance;
    struct sk_cells cells;
    world_start(&w, count, edge, radius, SK_CURVE_HILBERT, is_slab, 90);
    sk_domain_suppose(&w.domain, &w.m.top, &w.m.box, w.radius, &w.atoms, nranks, SK_CURVE_HILBERT, &balance, &cells);
    memcpy(n, cells.n, sizeof cells.n);
    int32_t *atoms = count_atoms(&w.m, &cells);
    double squares = 0;
    for (int64_t c = 0; c < (int64_t)n[0] * n[1] * n[2]; c++)
        squares += (double)atoms[c] * atoms[c];
    sk_free(&atoms);
    sk_cells_clear(&cells);
    sk_balance_clear(&balance);
    world_clear(&w);
    return squares / natoms;
}

static void cells_grow_to_hold_sixteen_atoms_where_ranks_have_many(void **state)
{
    (void)state;
    static const double edge[3] = {10, 8, 9};
    int32_t n[3];
    int64_t errors = 0;
    /* 5760 cells of half the radius; for 5760 ranks they stay */
    crowd(20000, edge, 1.0, false, 5760, n);
    errors += n[0] != 20 || n[1] != 16 || n[2] != 18;
    /* for one rank they hold sixteen, to within what whole numbers of cells and chance do */
    double held = crowd(20000, edge, 1.0, false, 1, n);
    errors += !(held > 12 && held < 24) || n[0] >= 20 || n[1] >= 16 || n[2] >= 18;
    /* 10 ranks of 256 cells: 2560 cells at least, and not many more */
    crowd(20000, edge, 1.0, false, 10, n);
    errors += n[0] * n[1] * n[2] < 2000 || n[0] * n[1] * n[2] > 3500;
    /* an atom's neighbours count, not empty space: in the slab there are sixteen too */
    held = crowd(20000, edge, 0.8, true, 1, n);
    errors += !(held > 12 && held < 24);
    /* cells of half the radius hold more already */
    crowd(20000, edge, 4.0, false, 1, n);
    errors += n[0] != 5 || n[1] != 4 || n[2] != 4;
    assert_int_equal(summed(errors), 0);
}

static void very_many_cells_are_planned_in_blocks(void **state)
{
    (void)state;
    static const int count[3] = {100, 30, 300};
    static const double edge[3] = {10, 9, 11};
    struct world w;
    struct sk_balance balance;
    struct sk_cells cells;
    world_start(&w, count, edge, 0.2, SK_CURVE_HILBERT, false, 95);
    sk_domain_suppose(&w.domain, &w.m.top, &w.m.box, w.radius, &w.atoms, 4096, SK_CURVE_HILBERT, &balance, &cells);
    int64_t planned = 1, all = 1, errors = differing(plans_hash(&cells));
    for (int k = 0; k < 3; k++) {
        planned *= cells.plan.n[k];
        all *= cells.n[k];
        errors += cells.plan.n[k] != (cells.n[k] + cells.block[k] - 1) / cells.block[k] || cells.block[k] > 3;
    }
    errors += all <= SK_SURVEY_CELLS || planned > SK_SURVEY_CELLS || planned < SK_SURVEY_CELLS / 4;
    errors += cells.plan.nranks != 4096 || check_shares(&w.m, &cells, &balance) != 0;
    sk_cells_clear(&cells);
    sk_balance_clear(&balance);
    world_clear(&w);
    assert_int_equal(summed(errors), 0);
}

/* ---- checks ---- */

static const int check_count[3] = {200, 0, 1800};
static const double check_edge[3] = {3.1, 3.6, 4.0};

/* Rank `busy` works `more` times as much as others, whose steps take `pace` seconds. */
static struct sk_effort effort_of(int busy, double more, double pace, int64_t steps)
{
    double share = rank == busy ? more : 1;
    return (struct sk_effort){steps, (int64_t)(1000 * share), pace * share * (double)steps};
}

static void check(struct world *w, struct sk_effort effort)
{
    sk_balance_check(&w->domain.balance, &w->domain.cells, &w->atoms, &w->m.box, &effort);
}

/* The rank that owns each atom; the caller frees it. */
static int32_t *owners_of_atoms(const struct world *w)
{
    int32_t *owner = sk_alloc((size_t)w->m.top.natoms, sizeof *owner), at[3];
    for (sk_gid id = 0; id < w->m.top.natoms; id++) {
        const struct sk_cells *cells = &w->domain.cells;
        for (int k = 0; k < 3; k++)
            at[k] = (int32_t)floor((double)w->m.atoms[w->m.anchor[id]].x[k] * 0x1p-64 * cells->n[k]) / cells->block[k];
        owner[id] = sk_plan_owner(&cells->plan, at[0], at[1], at[2]);
    }
    return owner;
}

/* Of the busiest rank over the mean, if the atoms that were rank `busy`'s by `before` are worth twice as much. */
static double relieved(const struct world *w, const int32_t *before, int busy)
{
    int32_t *now = owners_of_atoms(w);
    int64_t *work = sk_calloc((size_t)size, sizeof *work), largest = 0, total = 0;
    for (sk_gid id = 0; id < w->m.top.natoms; id++) {
        work[now[id]] += 1 + (before[id] == busy);
        total += 1 + (before[id] == busy);
    }
    for (int r = 0; r < size; r++)
        largest = work[r] > largest ? work[r] : largest;
    sk_free(&work);
    sk_free(&now);
    return (double)largest * size / (double)total;
}

static int64_t atoms_of(const struct world *w, int owner)
{
    int32_t *now = owners_of_atoms(w);
    int64_t sum = 0;
    for (sk_gid id = 0; id < w->m.top.natoms; id++)
        sum += now[id] == owner;
    sk_free(&now);
    return sum;
}

/* Sends atoms home and proves by the census and the halo's own check that nothing is lost. */
static int64_t rebuild(struct world *w)
{
    return sk_domain_rebuild(&w->domain, &w->m.top, &w->m.box, w->radius, NULL, &w->atoms, &w->err) != SK_OK;
}

static void start_check(struct world *w, enum sk_curve curve, enum sk_rebalance mode, bool has_time, int64_t *errors)
{
    world_start(w, check_count, check_edge, 0.8, curve, false, 100);
    w->domain.balance.mode = mode;
    w->domain.balance.has_time = has_time;
    *errors += rebuild(w);
}

/* A step takes a second, so that any change pays. */
static void two_checks_above_the_trigger_relieve_the_busy_rank(void **state)
{
    (void)state;
    int64_t errors = 0;
    for (int curve = 0; curve < 5 && size > 1; curve++) {
        struct world w;
        const struct sk_balance *b = &w.domain.balance;
        const int busy = curve % size;
        start_check(&w, (enum sk_curve)curve, SK_REBALANCE_AUTO, true, &errors);
        int64_t first = plans_hash(&w.domain.cells), had = w.domain.home.migrated;
        int32_t *before = owners_of_atoms(&w);
        for (int c = 0; c < 6; c++)
            check(&w, effort_of(busy, 1.04, 1, 100));
        errors += b->plans != 1 || !(b->imbalance > 1 && b->imbalance < 1.05);
        check(&w, effort_of(busy, 2, 1, 100)); /* the first, */
        check(&w, effort_of(busy, 1, 1, 100)); /* which was chance */
        check(&w, effort_of(busy, 2, 1, 100));
        errors += b->plans != 1 || plans_hash(&w.domain.cells) != first;
        check(&w, effort_of(busy, 2, 1, 100));
        errors += b->plans != 2 || plans_hash(&w.domain.cells) == first || differing(plans_hash(&w.domain.cells));
        errors += b->action != SK_BALANCE_ADJUSTED && b->action != SK_BALANCE_RENEWED;
        errors += fabs(b->before - 2.0 * size / (size + 1)) > 1e-6 || !(b->predicted < 1.1);
        errors += !(relieved(&w, before, busy) < 1.15);
        /* what moved is what is said to move */
        int32_t *now = owners_of_atoms(&w);
        int64_t moved = 0;
        for (sk_gid id = 0; id < w.m.top.natoms; id++)
            moved += now[id] != before[id];
        errors += !(fabs(b->moved * (double)w.m.top.natoms - (double)moved) < 0.5) || moved == 0;
        errors += rebuild(&w);
        had = w.domain.home.migrated - had;
        sk_comm_sum_i64(comm, &had, 1);
        errors += had == 0 || had > moved; /* groups */
        sk_free(&now);
        sk_free(&before);
        world_clear(&w);
    }
    assert_int_equal(summed(errors), 0);
}

static void few_steps_are_gathered(void **state)
{
    (void)state;
    int64_t errors = 0;
    struct world w;
    start_check(&w, SK_CURVE_HILBERT, SK_REBALANCE_AUTO, true, &errors);
    for (int c = 1; c <= 20; c++) {
        check(&w, effort_of(0, 2, 1, c % 10 ? 10 : 17)); /* 107 steps in ten */
        errors += w.domain.balance.plans != 1 + (c == 20 && size > 1);
    }
    world_clear(&w);
    assert_int_equal(summed(errors), 0);
}

static void a_change_that_cannot_pay_is_left(void **state)
{
    (void)state;
    int64_t errors = 0;
    struct world w;
    struct sk_balance *b = &w.domain.balance;
    start_check(&w, SK_CURVE_KD, SK_REBALANCE_AUTO, true, &errors);
    int64_t before = plans_hash(&w.domain.cells);
    for (int c = 0; c < 4; c++) { /* at most half of 400 steps of 2 s */
        b->recut_s = 500;
        check(&w, effort_of(0, 2, 1, 100));
        errors += b->plans != 1 || plans_hash(&w.domain.cells) != before;
    }
    check(&w, effort_of(0, 2, 1, 100));
    errors += size > 1 && b->recut_s >= 500; /* it has been measured meanwhile, and is less */
    check(&w, effort_of(0, 2, 1, 100));
    errors += b->plans != 1 + (size > 1);
    /* what is gained by evening out a hundred steps of a nanosecond never pays */
    world_clear(&w);
    start_check(&w, SK_CURVE_KD, SK_REBALANCE_AUTO, true, &errors);
    b->recut_s = 1e-3;
    for (int c = 0; c < 2; c++)
        check(&w, effort_of(0, 2, 1e-7, 100));
    errors += b->plans != 1;
    world_clear(&w);
    assert_int_equal(summed(errors), 0);
}

static void a_change_that_harms_is_undone_and_the_next_waits(void **state)
{
    (void)state;
    int64_t errors = 0;
    for (int curve = 0; curve < 5 && size > 1; curve++)
        for (int is_better = 0; is_better < 2; is_better++) {
            struct world w;
            const struct sk_balance *b = &w.domain.balance;
            start_check(&w, (enum sk_curve)curve, SK_REBALANCE_AUTO, true, &errors);
            int64_t first = plans_hash(&w.domain.cells);
            for (int c = 0; c < 2; c++)
                check(&w, effort_of(0, 2, 1, 100));
            int64_t second = plans_hash(&w.domain.cells);
            errors += b->plans != 2 || second == first || rebuild(&w) != 0;
            check(&w, effort_of(size - 1, is_better ? 1.9 : 2.1, 1, 100)); /* the busiest had two seconds before */
            if (is_better) {
                errors += b->plans != 2 || plans_hash(&w.domain.cells) != second;
                check(&w, effort_of(size - 1, 2.5, 1, 100)); /* only the next check says whether it was good */
                errors += b->action == SK_BALANCE_UNDONE || b->plans != 3; /* and this one is the second bad one */
            } else {
                errors += b->plans != 3 || b->action != SK_BALANCE_UNDONE || b->moved != 0;
                errors += plans_hash(&w.domain.cells) != first || differing(first) || rebuild(&w) != 0;
                for (int c = 0; c < 4; c++) {
                    errors += b->plans != 3;
                    check(&w, effort_of(0, 2, 1, 100));
                }
                errors += b->plans != 4; /* after four, no longer two */
            }
            errors += rebuild(&w);
            world_clear(&w);
        }
    assert_int_equal(summed(errors), 0);
}

static void modes_off_and_always(void **state)
{
    (void)state;
    int64_t errors = 0;
    struct world w;
    start_check(&w, SK_CURVE_POWER, SK_REBALANCE_OFF, true, &errors);
    int64_t before = plans_hash(&w.domain.cells);
    for (int c = 0; c < 10; c++)
        check(&w, effort_of(0, 10, 1, 1000));
    errors += w.domain.balance.plans != 1 || plans_hash(&w.domain.cells) != before;
    world_clear(&w);
    start_check(&w, SK_CURVE_HILBERT, SK_REBALANCE_ALWAYS, false, &errors);
    int64_t adjusted = 0, renewed = 0;
    for (int c = 0; c < 10; c++) {
        check(&w, effort_of(c % size, 3, 0, c % 2)); /* no time, one step or none */
        adjusted += w.domain.balance.action == SK_BALANCE_ADJUSTED;
        renewed += w.domain.balance.action == SK_BALANCE_RENEWED;
        errors += w.domain.balance.plans != 2 + c || differing(plans_hash(&w.domain.cells)) || rebuild(&w) != 0;
    }
    errors += adjusted == 0 || renewed == 0 || adjusted + renewed != 10;
    world_clear(&w);
    assert_int_equal(summed(errors), 0);
}

/* Times say that rank 0 is busy, tiles that the last one is. */
static void ranks_that_share_cores_are_judged_by_tiles(void **state)
{
    (void)state;
    int64_t errors = 0;
    for (int has_time = 0; has_time < 2 && size > 1; has_time++) {
        struct world w;
        const struct sk_balance *b = &w.domain.balance;
        start_check(&w, SK_CURVE_HILBERT, SK_REBALANCE_AUTO, has_time, &errors);
        int64_t first = atoms_of(&w, 0), last = atoms_of(&w, size - 1);
        errors += differing(first);
        for (int c = 0; c < 2; c++) {
            struct sk_effort effort = effort_of(0, 2, 1, 100);
            effort.tiles = rank == size - 1 ? 100000 : 25000;
            check(&w, effort);
        }
        errors += b->plans != 2;
        errors += has_time ? !((double)atoms_of(&w, 0) < 0.9 * (double)first)
                           : !((double)atoms_of(&w, size - 1) < 0.9 * (double)last && atoms_of(&w, 0) > first);
        world_clear(&w);
    }
    assert_int_equal(summed(errors), 0);
}

static void plans_are_equal_whatever_happens(void **state)
{
    (void)state;
    int64_t errors = 0, plans = 0;
    for (uint64_t trial = 0; trial < 6; trial++) {
        struct world w;
        start_check(&w, (enum sk_curve)(trial % 5), SK_REBALANCE_AUTO, trial % 2, &errors);
        struct sk_balance *b = &w.domain.balance;
        for (uint64_t c = 0; c < 40; c++) {
            uint64_t draw = mix4(trial, 3, c, 0), mine = mix4(trial, 4, c, (uint64_t)rank);
            static const enum sk_rebalance modes[] = {SK_REBALANCE_AUTO, SK_REBALANCE_AUTO, SK_REBALANCE_AUTO,
                                                      SK_REBALANCE_AUTO, SK_REBALANCE_OFF,  SK_REBALANCE_ALWAYS};
            struct sk_effort effort = {draw % 7 ? (int64_t)(draw % 300) : 0, (int64_t)(mine % 30000), 0};
            effort.seconds = draw % 11 ? (double)(mine / 16 % 1000) * 1e-2 * (double)effort.steps : 0;
            b->mode = modes[draw / 16 % 6];
            b->has_time = draw / 64 % 2;
            mixture_kick(&w.m, 0.3, 0.02, draw);
            mixture_update(&w.m, &w.atoms);
            errors += sk_domain_rebuild(&w.domain, &w.m.top, &w.m.box, w.radius, &effort, &w.atoms, &w.err) != SK_OK;
            errors += differing(plans_hash(&w.domain.cells)) + differing(b->plans) + differing(b->strikes) +
                      differing(b->patience) + differing((int64_t)(b->imbalance * 1e9));
            errors += w.domain.cells.plan.nranks != size || !(b->imbalance >= 1 && b->imbalance <= size);
        }
        plans += b->plans;
        world_clear(&w);
    }
    assert_int_equal(summed(errors), 0);
    assert_true(size == 1 || plans > 30);
}

int main(void)
{
    comm = sk_comm_new(NULL);
    rank = sk_comm_rank(comm);
    size = sk_comm_size(comm);
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_first_plan_is_shared_and_even),
                                       cmocka_unit_test(cells_grow_to_hold_sixteen_atoms_where_ranks_have_many),
                                       cmocka_unit_test(very_many_cells_are_planned_in_blocks),
                                       cmocka_unit_test(two_checks_above_the_trigger_relieve_the_busy_rank),
                                       cmocka_unit_test(few_steps_are_gathered),
                                       cmocka_unit_test(a_change_that_cannot_pay_is_left),
                                       cmocka_unit_test(a_change_that_harms_is_undone_and_the_next_waits),
                                       cmocka_unit_test(modes_off_and_always),
                                       cmocka_unit_test(ranks_that_share_cores_are_judged_by_tiles),
                                       cmocka_unit_test(plans_are_equal_whatever_happens)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sk_comm_free(&comm);
    return failed;
}
