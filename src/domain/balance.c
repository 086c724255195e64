#include "domain/balance.h"

#include <math.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "base/timer.h"
#include "curve/adjust.h"
#include "curve/score.h"
#include "domain/survey.h"

#define TRIGGER       1.05 /* imbalance that two checks in a row must find */
#define STRIKES       2
#define CHECK_STEPS   100  /* at least so many between checks: times of few steps are noise */
#define SLACK         0.01 /* a rank may be so much heavier than the mean if that saves ghosts */
#define GHOSTS_GROWN  1.05 /* of an adjusted plan over a new one: then take the new one */
#define NOISE         1.02 /* a change that did not help by more than this the other way is not undone */
#define WANTED        16.0 /* atoms in a cell */
#define CELLS_OF_RANK 256.0
#define WORK_RADIUS   1.06 /* of the cutoff: the inner list's */

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
static void share_plan(struct sk_balance *balance, struct sk_cells *cells, const struct sk_survey *s,
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

static struct sk_share share_of(const struct sk_survey *s, int nranks, double slack)
{
    return (struct sk_share){{s->n[0], s->n[1], s->n[2]}, nranks, s->weight, s->atoms, slack, &s->stencil};
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

static void judge(struct verdict *verdict, const struct sk_survey *s, const struct sk_plan *plan)
{
    verdict->predicted = sk_survey_largest(s, plan, s->weight);
    verdict->predicted_tiles = sk_survey_largest(s, plan, s->tiles);
    verdict->size = (int64_t)sk_plan_pack(plan, NULL);
}

/* Collective. Cells of half the list radius cost more time than their finer cuts save, unless there are few of them for
 * each rank: then they become larger until an atom has WANTED others in its cell. */
static void choose_grid(const struct sk_balance *balance, struct sk_cells *cells, const struct sk_atoms *atoms)
{
    struct sk_survey s;
    sk_survey_count(&s, balance->comm, cells, atoms);
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
    sk_survey_clear(&s);
}

void sk_balance_start(struct sk_balance *balance, struct sk_cells *cells, const struct sk_atoms *atoms,
                      const struct sk_box *box)
{
    int64_t began = sk_timer_now();
    struct sk_survey s;
    struct sk_plan plan = {0};
    struct verdict verdict = {SK_BALANCE_STARTED, 0, 1, 1, 0};
    choose_grid(balance, cells, atoms);
    sk_survey_make(&s, balance->comm, cells, atoms, box, balance->radius, &balance->cost);
    if (sk_comm_rank(balance->comm) == 0) {
        struct sk_share share = share_of(&s, cells->nranks, SLACK);
        plan_afresh(balance, &share, &(struct sk_plan){0}, &plan);
        judge(&verdict, &s, &plan);
    }
    sk_comm_bcast(balance->comm, &verdict, sizeof verdict, 0);
    share_plan(balance, cells, &s, &verdict, &plan);
    sk_survey_clear(&s);
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

/* Rank 0. A better plan for the corrected survey. */
static void improve(const struct sk_balance *balance, const struct sk_cells *cells, const struct sk_survey *s,
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
                  : (double)sk_survey_ghosts(s, plan) > GHOSTS_GROWN * (double)sk_survey_ghosts(s, &fresh) ||
                        sk_survey_largest(s, plan, s->weight) > TRIGGER * sk_survey_largest(s, &fresh, s->weight)) {
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
    struct sk_survey s;
    struct sk_plan plan = {0};
    struct verdict verdict = {0};
    sk_survey_make(&s, balance->comm, cells, atoms, box, balance->radius, &balance->cost);
    sk_survey_correct(&s, balance->comm, cells, work, (double)balance->window.tiles);
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
    sk_survey_clear(&s);
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
    balance->patience = balance->patience < 1024 ? 2 * balance->patience : balance->patience;
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
