#include "domain/balance.h"

#include <math.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "base/sort.h"
#include "base/timer.h"
#include "curve/adjust.h"
#include "curve/count.h"
#include "curve/score.h"

#define TRIGGER       1.05 /* imbalance that two checks in a row must find */
#define STRIKES       2
#define CHECK_STEPS   100  /* at least so many between checks: times of few steps are noise */
#define SLACK         0.01 /* a rank may be so much heavier than the mean if that saves ghosts */
#define GHOSTS_GROWN  1.05 /* of an adjusted plan over a new one: then take the new one */
#define NOISE         1.02 /* a change that did not help by more than this the other way is not undone */
#define WANTED        16.0 /* atoms in a cell */
#define CELLS_OF_RANK 256.0
#define WORK_RADIUS   1.06 /* of the cutoff: the inner list's */
#define RATE_MOST     3.0  /* no rank's measurement is trusted further */

_Static_assert((int)SK_CURVE_HILBERT == (int)SK_SCHEME_HILBERT && (int)SK_CURVE_MORTON == (int)SK_SCHEME_MORTON &&
                   (int)SK_CURVE_KD == (int)SK_SCHEME_KD && (int)SK_CURVE_POWER == (int)SK_SCHEME_POWER &&
                   (int)SK_CURVE_AUTO == SK_SCHEMES,
               "schemes and keys have one order");

void sk_balance_init(struct sk_balance *balance, struct sk_comm *comm, const struct sk_parameters *parameters)
{
    double vdw = parameters->nonbonded.vdw_cutoff, coulomb = parameters->nonbonded.coulomb_cutoff;
    *balance = (struct sk_balance){.comm = comm,
                                   .curve = parameters->domain.curve,
                                   .mode = parameters->domain.rebalance,
                                   .cost = {1, 2, 0},
                                   .radius = WORK_RADIUS * (vdw > coulomb ? vdw : coulomb),
                                   .predicted = 1,
                                   .predicted_tiles = 1,
                                   .imbalance = 1,
                                   .tile_imbalance = 1,
                                   .patience = STRIKES};
    balance->has_time = sk_comm_size(comm) > 1 && sk_comm_has_cores(comm);
}

void sk_balance_clear(struct sk_balance *balance)
{
    sk_plan_clear(&balance->old);
}

/* ---- what rank 0 looks at: the system on the grid that is planned ---- */

struct scene {
    int32_t n[3], block[3];
    int64_t cells;
    int32_t *atoms;
    int64_t *tiles, *weight;
};

/* The smallest blocks of cells of which there are few enough. */
static void scene_grid(struct scene *s, const struct sk_cells *cells)
{
    int64_t most = 64 * (int64_t)cells->nranks > SK_BALANCE_CELLS ? 64 * (int64_t)cells->nranks : SK_BALANCE_CELLS;
    for (int k = 0; k < 3; k++) {
        s->block[k] = 1;
        s->n[k] = cells->n[k];
    }
    while ((s->cells = (int64_t)s->n[0] * s->n[1] * s->n[2]) > most) {
        int k = s->n[0] >= s->n[1] && s->n[0] >= s->n[2] ? 0 : s->n[1] >= s->n[2] ? 1 : 2;
        s->block[k]++;
        s->n[k] = (cells->n[k] + s->block[k] - 1) / s->block[k];
    }
}

struct held {
    int64_t cell, atoms;
};

/* Atoms in the blocks where groups of this rank have their anchors; returns how many blocks. */
static int count_held(const struct scene *s, const struct sk_cells *cells, const struct sk_atoms *atoms,
                      struct held **held)
{
    struct sk_keyed *item = sk_alloc((size_t)atoms->n + 1, sizeof *item),
                    *scratch = sk_alloc((size_t)atoms->n + 1, sizeof *scratch);
    int n = 0, blocks = 0;
    for (int i = 0; i < atoms->n; i += atoms->group_size[i]) {
        int32_t at[3];
        for (int k = 0; k < 3; k++)
            at[k] = sk_frac_to_cell(atoms->x[i][k], cells->n[k]) / s->block[k];
        item[n++] = (struct sk_keyed){(uint64_t)(at[0] + s->n[0] * (at[1] + (int64_t)s->n[1] * at[2])),
                                      atoms->group_size[i]};
    }
    sk_sort_keyed(item, scratch, n);
    *held = sk_alloc((size_t)n + 1, sizeof **held);
    for (int i = 0; i < n; i++) {
        if (blocks == 0 || (*held)[blocks - 1].cell != (int64_t)item[i].key)
            (*held)[blocks++] = (struct held){(int64_t)item[i].key, 0};
        (*held)[blocks - 1].atoms += item[i].value;
    }
    sk_free(&scratch);
    sk_free(&item);
    return blocks;
}

/* Collective. Fills atoms on rank 0. */
static void scene_count(struct scene *s, const struct sk_balance *balance, const struct sk_cells *cells,
                        const struct sk_atoms *atoms)
{
    *s = (struct scene){0};
    scene_grid(s, cells);
    struct held *held;
    int blocks = count_held(s, cells, atoms, &held);
    struct sk_parcel parcel = {0, (size_t)blocks * sizeof *held, (unsigned char *)held};
    struct sk_receipt receipt;
    sk_comm_exchange(balance->comm, &parcel, 1, &receipt);
    sk_free(&held);
    if (sk_comm_rank(balance->comm) == 0)
        s->atoms = sk_calloc((size_t)s->cells, sizeof *s->atoms);
    for (int p = 0; p < receipt.count; p++)
        for (size_t at = 0; at < receipt.parcels[p].length; at += sizeof *held) {
            struct held h;
            memcpy(&h, receipt.parcels[p].bytes + at, sizeof h);
            s->atoms[h.cell] += (int32_t)h.atoms;
        }
    sk_receipt_clear(&receipt);
}

/* Collective. Fills atoms, tiles and weight on rank 0. */
static void scene_make(struct scene *s, const struct sk_balance *balance, const struct sk_cells *cells,
                       const struct sk_atoms *atoms, const struct sk_box *box)
{
    scene_count(s, balance, cells, atoms);
    if (sk_comm_rank(balance->comm) != 0)
        return;
    double edge[3];
    for (int k = 0; k < 3; k++)
        edge[k] = box->edge[k] / cells->n[k] * s->block[k];
    s->tiles = sk_alloc((size_t)s->cells, sizeof *s->tiles);
    s->weight = sk_alloc((size_t)s->cells, sizeof *s->weight);
    sk_load_tiles(s->n, edge, balance->radius, s->atoms, s->tiles);
    sk_load_weigh(s->cells, s->tiles, s->atoms, &balance->cost, s->weight);
}

static void scene_clear(struct scene *s)
{
    sk_free(&s->atoms);
    sk_free(&s->tiles);
    sk_free(&s->weight);
}

/* Largest sum over a rank's cells, over the mean. */
static double largest_share(const struct scene *s, const struct sk_plan *plan, const int64_t *value)
{
    int64_t *sum = sk_calloc((size_t)plan->nranks, sizeof *sum), largest = 0, total = 0, *at = NULL;
    int32_t *owner = sk_alloc((size_t)s->cells, sizeof *owner);
    sk_plan_owners(plan, owner);
    for (int64_t i = 0; i < s->cells; i++) {
        at = &sum[owner[i]];
        *at += value[i];
        total += value[i];
        largest = *at > largest ? *at : largest;
    }
    sk_free(&owner);
    sk_free(&sum);
    return total > 0 ? (double)largest * plan->nranks / (double)total : 1;
}

static int64_t ghosts_of(const struct scene *s, const struct sk_plan *plan)
{
    const struct sk_stencil shell = sk_stencil_shell();
    struct sk_count count;
    struct sk_count_summary summary;
    int32_t *owner = sk_alloc((size_t)s->cells, sizeof *owner);
    sk_plan_owners(plan, owner);
    sk_count_make(&count, s->n, plan->nranks, owner, s->weight, s->atoms, &shell);
    sk_count_summarize(&count, 0, &summary);
    sk_count_clear(&count);
    sk_free(&owner);
    return summary.ghost_atoms;
}

static void plan_copy(struct sk_plan *copy, const struct sk_plan *plan)
{
    struct sk_error err;
    size_t size = sk_plan_pack(plan, NULL);
    void *bytes = sk_alloc(size, 1);
    sk_plan_pack(plan, bytes);
    SK_REQUIRE(sk_plan_unpack(copy, bytes, size, &err) == SK_OK);
    sk_free(&bytes);
}

/* ---- plans ---- */

/* What rank 0 tells all. */
struct verdict {
    int64_t action, size; /* of the plan in bytes; 0: none */
    double predicted, predicted_tiles, moved;
};

/* Collective. *plan is rank 0's, and becomes every rank's. */
static void share_plan(struct sk_balance *balance, struct sk_cells *cells, const struct scene *s,
                       const struct verdict *verdict, struct sk_plan *plan)
{
    struct sk_error err;
    void *bytes = sk_alloc((size_t)verdict->size, 1);
    if (sk_comm_rank(balance->comm) == 0)
        sk_plan_pack(plan, bytes);
    sk_comm_bcast(balance->comm, bytes, (size_t)verdict->size, 0);
    if (sk_comm_rank(balance->comm) != 0)
        SK_REQUIRE(sk_plan_unpack(plan, bytes, (size_t)verdict->size, &err) == SK_OK);
    sk_free(&bytes);
    balance->predicted = verdict->predicted;
    balance->predicted_tiles = verdict->predicted_tiles;
    balance->plans++;
    sk_cells_set_plan(cells, plan, s->block);
}

static struct sk_share share_of(const struct scene *s, int nranks, double slack)
{
    return (struct sk_share){{s->n[0], s->n[1], s->n[2]}, nranks, s->weight, s->atoms, slack};
}

/* A plan from nothing. An `auto` that has chosen stays with its choice. */
static void plan_afresh(const struct sk_balance *balance, const struct sk_share *share, const struct sk_plan *last,
                        struct sk_plan *plan)
{
    if (last->nranks) {
        sk_plan_make(plan, share, last->scheme, last->turn);
    } else if (balance->curve == SK_CURVE_AUTO) {
        struct sk_score scores[SK_SCORES];
        int best;
        sk_score_make(share, (1u << SK_SCHEMES) - 1, scores, &best, plan);
    } else {
        sk_plan_make(plan, share, (enum sk_scheme)balance->curve, 0);
    }
}

static void judge(struct verdict *verdict, const struct scene *s, const struct sk_plan *plan)
{
    verdict->predicted = largest_share(s, plan, s->weight);
    verdict->predicted_tiles = largest_share(s, plan, s->tiles);
    verdict->size = (int64_t)sk_plan_pack(plan, NULL);
}

/* Collective. Cells of half the list radius cost more time than their finer cuts save, unless there are few of them for
 * each rank: then they become larger until an atom has WANTED others in its cell. */
static void choose_grid(const struct sk_balance *balance, struct sk_cells *cells, const struct sk_atoms *atoms)
{
    struct scene s;
    scene_count(&s, balance, cells, atoms);
    double factor = 1;
    if (sk_comm_rank(balance->comm) == 0) {
        double sum = 0, squares = 0, cells_of_block = (double)s.block[0] * s.block[1] * s.block[2];
        for (int64_t i = 0; i < s.cells; i++) {
            sum += s.atoms[i];
            squares += (double)s.atoms[i] * s.atoms[i];
        }
        double wanted = sum / cells->nranks / CELLS_OF_RANK;
        wanted = wanted < WANTED ? wanted : WANTED;
        if (squares > 0 && wanted * sum * cells_of_block > squares)
            factor = sk_cbrt(wanted * sum * cells_of_block / squares);
    }
    sk_comm_bcast(balance->comm, &factor, sizeof factor, 0);
    sk_cells_coarsen(cells, factor);
    scene_clear(&s);
}

void sk_balance_start(struct sk_balance *balance, struct sk_cells *cells, const struct sk_atoms *atoms,
                      const struct sk_box *box)
{
    int64_t began = sk_timer_now();
    struct scene s;
    struct sk_plan plan = {0};
    struct verdict verdict = {SK_BALANCE_STARTED, 0, 1, 1, 0};
    choose_grid(balance, cells, atoms);
    scene_make(&s, balance, cells, atoms, box);
    if (sk_comm_rank(balance->comm) == 0) {
        struct sk_share share = share_of(&s, cells->nranks, SLACK);
        plan_afresh(balance, &share, &(struct sk_plan){0}, &plan);
        judge(&verdict, &s, &plan);
    }
    sk_comm_bcast(balance->comm, &verdict, sizeof verdict, 0);
    share_plan(balance, cells, &s, &verdict, &plan);
    scene_clear(&s);
    balance->recut_s = (double)(sk_timer_now() - began) * 1e-9;
    sk_comm_max_f64(balance->comm, &balance->recut_s, 1);
}

/* ---- during a run ---- */

/* Work of this rank in a step. */
static double work_of(const struct sk_balance *balance, const struct sk_effort *effort, int natoms, bool by_time)
{
    if (by_time)
        return effort->seconds / (double)effort->steps;
    return balance->cost.pair * (double)effort->tiles + balance->cost.atom * natoms;
}

/* Rank 0. Multiplies each cell's value by what its owner measured over what the cells of that rank sum to; both sums
 * over all ranks count as equal. */
static void correct(const struct scene *s, const int32_t *owner, int nranks, const double *measured, int64_t *value)
{
    double *rate = sk_calloc((size_t)nranks, sizeof *rate), all = 0, modelled = 0;
    for (int64_t i = 0; i < s->cells; i++)
        rate[owner[i]] += (double)value[i];
    for (int r = 0; r < nranks; r++) {
        all += measured[r];
        modelled += rate[r];
    }
    for (int r = 0; r < nranks; r++) {
        rate[r] = rate[r] > 0 && all > 0 ? measured[r] / all * modelled / rate[r] : 1;
        rate[r] = rate[r] > RATE_MOST ? RATE_MOST : rate[r] < 1 / RATE_MOST ? 1 / RATE_MOST : rate[r];
    }
    for (int64_t i = 0; i < s->cells; i++)
        value[i] = (int64_t)floor((double)value[i] * rate[owner[i]] + 0.5);
    sk_free(&rate);
}

/* Collective. Rank 0's scene as all ranks have measured it. */
static void scene_correct(struct scene *s, const struct sk_balance *balance, const struct sk_cells *cells, double work,
                          double tiles)
{
    int nranks = cells->nranks;
    double *works = sk_alloc((size_t)nranks, sizeof *works), *all_tiles = sk_alloc((size_t)nranks, sizeof *all_tiles);
    sk_comm_gather(balance->comm, &work, sizeof work, works, 0);
    sk_comm_gather(balance->comm, &tiles, sizeof tiles, all_tiles, 0);
    if (sk_comm_rank(balance->comm) == 0) {
        int32_t *owner = sk_alloc((size_t)s->cells, sizeof *owner);
        sk_plan_owners(&cells->plan, owner);
        correct(s, owner, nranks, works, s->weight);
        correct(s, owner, nranks, all_tiles, s->tiles);
        sk_free(&owner);
    }
    sk_free(&all_tiles);
    sk_free(&works);
}

/* Rank 0. A better plan for the corrected scene. */
static void improve(const struct sk_balance *balance, const struct sk_cells *cells, const struct scene *s,
                    struct sk_plan *plan, struct verdict *verdict)
{
    struct sk_share share = share_of(s, cells->nranks, SLACK);
    struct sk_plan fresh;
    plan_afresh(balance, &share, &cells->plan, &fresh);
    plan_copy(plan, &cells->plan);
    verdict->action = SK_BALANCE_ADJUSTED;
    bool is_forced = balance->mode == SK_REBALANCE_ALWAYS; /* both ways in turn */
    sk_plan_adjust(plan, &share, is_forced ? 0 : SLACK);
    if (is_forced ? balance->plans % 2 == 0
                  : (double)ghosts_of(s, plan) > GHOSTS_GROWN * (double)ghosts_of(s, &fresh) ||
                        largest_share(s, plan, s->weight) > TRIGGER * largest_share(s, &fresh, s->weight)) {
        struct sk_plan spare = *plan;
        *plan = fresh;
        fresh = spare;
        verdict->action = SK_BALANCE_RENEWED;
    }
    sk_plan_clear(&fresh);
    judge(verdict, s, plan);
    int64_t atoms = 0;
    for (int64_t i = 0; i < s->cells; i++)
        atoms += s->atoms[i];
    verdict->moved = (double)sk_plan_moved(&cells->plan, plan, &share) / (double)(atoms > 0 ? atoms : 1);
}

/* Collective. A new plan, if it pays. */
static void balance_change(struct sk_balance *balance, struct sk_cells *cells, const struct sk_atoms *atoms,
                           const struct sk_box *box, double work, double largest)
{
    int64_t began = sk_timer_now();
    struct scene s;
    struct sk_plan plan = {0};
    struct verdict verdict = {0};
    scene_make(&s, balance, cells, atoms, box);
    scene_correct(&s, balance, cells, work, (double)balance->window.tiles);
    if (sk_comm_rank(balance->comm) == 0) {
        improve(balance, cells, &s, &plan, &verdict);
        double gain = 1 - verdict.predicted / balance->imbalance; /* share of a step's time */
        bool pays = gain > 0 && gain * balance->pace_s * (double)balance->since > balance->recut_s;
        if (balance->mode != SK_REBALANCE_ALWAYS && !pays)
            verdict.size = 0;
    }
    sk_comm_bcast(balance->comm, &verdict, sizeof verdict, 0);
    if (verdict.size) {
        sk_plan_clear(&balance->old);
        plan_copy(&balance->old, &cells->plan);
        share_plan(balance, cells, &s, &verdict, &plan);
        balance->action = (enum sk_balance_action)verdict.action;
        balance->moved = verdict.moved;
        balance->before = balance->imbalance;
        balance->largest = balance->mode == SK_REBALANCE_ALWAYS ? 0 : largest;
        balance->since = 0;
    } else {
        sk_plan_clear(&plan);
    }
    scene_clear(&s);
    double seconds = (double)(sk_timer_now() - began) * 1e-9;
    sk_comm_max_f64(balance->comm, &seconds, 1);
    balance->recut_s = seconds;
}

static void balance_undo(struct sk_balance *balance, struct sk_cells *cells)
{
    int32_t block[3];
    memcpy(block, cells->block, sizeof block);
    sk_cells_set_plan(cells, &balance->old, block);
    balance->action = SK_BALANCE_UNDONE;
    balance->plans++;
    balance->before = balance->imbalance;
    balance->moved = 0;
    balance->largest = 0;
    balance->since = 0;
    balance->patience *= 2;
}

void sk_balance_check(struct sk_balance *balance, struct sk_cells *cells, const struct sk_atoms *atoms,
                      const struct sk_box *box, const struct sk_effort *effort)
{
    struct sk_effort *window = &balance->window;
    bool is_forced = balance->mode == SK_REBALANCE_ALWAYS;
    window->steps += effort->steps;
    window->seconds += effort->seconds;
    window->tiles = effort->tiles;
    balance->since += effort->steps;
    bool is_due = is_forced || (balance->mode == SK_REBALANCE_AUTO && window->steps >= CHECK_STEPS);
    bool by_time = balance->has_time && is_due && !is_forced;
    double work = work_of(balance, window, atoms->n, by_time);
    /* whole numbers: the same sums and decisions on every rank */
    double unit = by_time ? 1e-9 : 1;
    int64_t largest[3] = {(int64_t)(work / unit), window->tiles, (int64_t)(window->seconds * 1e9)};
    int64_t total[2] = {largest[0], largest[1]};
    sk_comm_max_i64(balance->comm, largest, 3);
    sk_comm_sum_i64(balance->comm, total, 2);
    balance->imbalance = total[0] > 0 ? (double)largest[0] * cells->nranks / (double)total[0] : 1;
    balance->tile_imbalance = total[1] > 0 ? (double)largest[1] * cells->nranks / (double)total[1] : 1;
    if (!is_due)
        return;
    balance->pace_s = (double)largest[2] * 1e-9 / (double)(window->steps > 0 ? window->steps : 1);
    if (balance->largest > 0 && (double)largest[0] > NOISE * balance->largest) {
        balance_undo(balance, cells);
    } else {
        balance->largest = 0;
        balance->strikes = balance->imbalance > TRIGGER ? balance->strikes + 1 : 0;
        if ((is_forced || balance->strikes >= balance->patience) && total[0] > 0) {
            balance_change(balance, cells, atoms, box, work, (double)largest[0]);
            balance->strikes = 0;
        }
    }
    *window = (struct sk_effort){0};
}
