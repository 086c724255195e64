#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "curve/chain.h"
#include "curve/power_fit.h"

/* ---- seed ---- */

/* The weighted mean place of each rank's cells, from the rank's own site: distances are periodic. */
static void centre_sites(struct sk_fit *fit)
{
    double(*sum)[4] = sk_calloc((size_t)fit->map.nranks, sizeof *sum);
    for (int32_t c = 0; c < fit->map.ncells; c++) {
        int32_t rank = fit->map.owner[c],
                at[3] = {c % fit->map.n[0], c / fit->map.n[0] % fit->map.n[1], c / fit->map.n[0] / fit->map.n[1]};
        /* Empty cells count a little, for ranks that have no others. */
        double weight = fit->map.share->weight ? (double)fit->map.share->weight[c] + 1e-6 * fit->map.mean : 1.0;
        sum[rank][3] += weight;
        for (int k = 0; k < 3; k++) {
            double period = (double)fit->map.n[k] * SK_POWER_UNIT;
            double d = (double)at[k] * SK_POWER_UNIT - (double)fit->power->site[rank].at[k];
            d += d < -0.5 * period ? period : d >= 0.5 * period ? -period : 0.0;
            sum[rank][k] += weight * d;
        }
    }
    for (int r = 0; r < fit->map.nranks; r++)
        for (int k = 0; k < 3 && sum[r][3] > 0.0; k++) {
            int64_t period = (int64_t)fit->map.n[k] * SK_POWER_UNIT;
            int64_t at = (fit->power->site[r].at[k] + sk_round(sum[r][k] / sum[r][3])) % period;
            fit->power->site[r].at[k] = at < 0 ? at + period : at;
        }
    sk_free(&sum);
}

/* Centres of the parts of the k-d plan, all of weight 0. A rank without cells is out of the way. */
static void seed_sites(struct sk_fit *fit)
{
    struct sk_plan kd;
    sk_plan_make(&kd, fit->map.share, SK_SCHEME_KD, 0);
    sk_plan_owners(&kd, fit->map.owner);
    sk_plan_clear(&kd);
    for (int r = 0; r < fit->map.nranks; r++)
        fit->power->site[r] = (struct sk_site){{0, 0, 0}, -SK_POWER_MOST};
    for (int32_t c = 0; c < fit->map.ncells; c++) {
        struct sk_site *site = &fit->power->site[fit->map.owner[c]];
        int32_t at[3] = {c % fit->map.n[0], c / fit->map.n[0] % fit->map.n[1], c / fit->map.n[0] / fit->map.n[1]};
        if (site->weight == 0)
            continue;
        for (int k = 0; k < 3; k++)
            site->at[k] = (int64_t)at[k] * SK_POWER_UNIT; /* the first cell: parts of the plan do not wrap */
        site->weight = 0;
    }
    centre_sites(fit);
}

/* ---- balance ---- */

#define REACH 2

/* Gives each rank in turn, if its load is not between two bounds, the weight with which it has about the target, the
 * others' being what they are. Returns how many were not. */
static int balance_sweep(struct sk_fit *fit, struct sk_view *view, double low, double target, double high)
{
    int changed = 0;
    for (int r = 0; r < fit->map.nranks; r++) {
        double load = (double)fit->map.load[r];
        struct sk_site *site = &fit->power->site[r];
        if ((load >= low && load <= high) || (site->weight == -SK_POWER_MOST && load == 0.0))
            continue;
        changed++;
        sk_view_make(view, fit, r, REACH);
        sk_view_aim(view, fit, site->at);
        site->weight = sk_view_weigh(view, site->weight, target, target);
        sk_view_apply(view, fit, (double)site->weight, false);
    }
    return changed;
}

/* The lightest rank, if it has little, goes to the cell of the heaviest that is farthest from that one's site: where
 * there is only vapour around it, no weight brings it anything. False if all have enough. */
static bool revive_lightest(struct sk_fit *fit)
{
    int light = 0, heavy = 0;
    for (int r = 1; r < fit->map.nranks; r++) {
        light = fit->map.load[r] < fit->map.load[light] ? r : light;
        heavy = fit->map.load[r] > fit->map.load[heavy] ? r : heavy;
    }
    if ((double)fit->map.load[light] > 0.75 * fit->map.mean || (double)fit->map.load[heavy] <= fit->cap)
        return false;
    struct sk_site *site = fit->power->site;
    int64_t farthest = -1;
    int32_t to = fit->map.head[heavy];
    for (int32_t c = fit->map.head[heavy]; c >= 0; c = fit->map.next[c]) {
        int32_t at[3] = {c % fit->map.n[0], c / fit->map.n[0] % fit->map.n[1], c / fit->map.n[0] / fit->map.n[1]};
        int64_t distance = sk_site_distance2(&site[heavy], fit->map.n, at);
        if (distance <= farthest ||
            (fit->map.share->weight && (double)fit->map.share->weight[c] < 1e-3 * fit->map.mean))
            continue;
        farthest = distance;
        to = c;
    }
    site[light] = (struct sk_site){
        {to % fit->map.n[0], to / fit->map.n[0] % fit->map.n[1], to / fit->map.n[0] / fit->map.n[1]},
        site[heavy].weight};
    for (int k = 0; k < 3; k++)
        site[light].at[k] *= SK_POWER_UNIT;
    return true;
}

#define LEVELS_TOGETHER 6

/* Sweeps until all loads are within half the slack, at most so many. */
static void balance(struct sk_fit *fit, struct sk_view *view, int sweeps)
{
    double spare = 0.5 * (fit->cap - fit->map.mean);
    for (int k = 0; k < sweeps; k++) {
        bool is_done = !balance_sweep(fit, view, fit->map.mean - spare, fit->map.mean, fit->map.mean + spare);
        if (is_done || (k + 1) % LEVELS_TOGETHER == 0) {
            sk_fit_refresh(fit);
            if (revive_lightest(fit))
                sk_fit_refresh(fit);
            else if (is_done)
                return;
        }
    }
    sk_fit_refresh(fit);
}

static double heaviest(const struct sk_fit *fit)
{
    int64_t most = 0;
    for (int r = 0; r < fit->map.nranks; r++)
        most = fit->map.load[r] > most ? fit->map.load[r] : most;
    return (double)most;
}

#define SHED_SWEEPS    40
#define LEVEL_SWEEPS   20
#define SHEDS_TOGETHER 4

/* Ranks above the cap shed cells to their neighbours, these to theirs, and so on; if that does not come to an end, all
 * loads are levelled. Keeps the sites with the least heaviest load. */
void sk_fit_settle(struct sk_fit *fit, struct sk_view *view)
{
    size_t size = (size_t)fit->map.nranks * sizeof *fit->power->site;
    struct sk_site *best = sk_alloc(size, 1);
    double least = heaviest(fit), target = fit->map.mean + 0.9 * (fit->cap - fit->map.mean),
           spare = target - fit->map.mean;
    memcpy(best, fit->power->site, size);
    for (int k = 0; k < SHED_SWEEPS + LEVEL_SWEEPS && least > fit->cap; k++) {
        bool is_level = k >= SHED_SWEEPS;
        for (int j = 0; j < SHEDS_TOGETHER; j++)
            if (!balance_sweep(fit, view, is_level ? fit->map.mean - 0.5 * spare : 0.0,
                               is_level ? fit->map.mean : target,
                               is_level ? fit->map.mean + 0.5 * spare : target + 0.05 * spare))
                break;
        sk_fit_refresh(fit);
        double most = heaviest(fit);
        if (most < least) {
            least = most;
            memcpy(best, fit->power->site, size);
        }
    }
    memcpy(fit->power->site, best, size);
    sk_fit_refresh(fit);
    sk_free(&best);
}

/* ---- exceptions ---- */

struct offer {
    int64_t change; /* of ghosts */
    int32_t cell, to;
};

/* The rank around a cell that can take it within the cap for the least ghosts; to is -1 if there is none. */
static struct offer offer_for(struct sk_fit *fit, int32_t cell)
{
    struct offer best = {INT64_MAX, cell, -1};
    int32_t around[27], rank = fit->map.owner[cell], previous = rank;
    double weight = fit->map.share->weight ? (double)fit->map.share->weight[cell] : 1.0;
    sk_map_around(&fit->map, cell, around);
    for (int k = 0; k < 27; k++) {
        int32_t other = fit->map.owner[around[k]];
        if (other == rank || other == previous || (double)fit->map.load[other] + weight > fit->cap)
            continue;
        previous = other;
        int64_t change = sk_map_change(&fit->map, cell, other);
        if (change < best.change) {
            best.change = change;
            best.to = other;
        }
    }
    return best;
}

static int by_change(const void *a, const void *b)
{
    const struct offer *x = a, *y = b;
    if (x->change != y->change)
        return x->change < y->change ? -1 : 1;
    return (x->cell > y->cell) - (x->cell < y->cell);
}

static int by_cell(const void *a, const void *b)
{
    int32_t x = ((const struct sk_exception *)a)->cell, y = ((const struct sk_exception *)b)->cell;
    return (x > y) - (x < y);
}

static void except(struct sk_fit *fit, struct offer offer)
{
    struct sk_power *power = fit->power;
    sk_map_move(&fit->map, offer.cell, offer.to, false);
    power->exception[power->nexceptions++] = (struct sk_exception){offer.cell, offer.to};
}

/* Single cells leave ranks that are above the cap all the same. */
static void relieve(struct sk_fit *fit, struct sk_view *view, int32_t most)
{
    for (int r = 0; r < fit->map.nranks; r++)
        while ((double)fit->map.load[r] > fit->cap && fit->power->nexceptions < most) {
            struct offer best = {INT64_MAX, -1, -1};
            sk_view_make(view, fit, r, 0);
            for (size_t i = 0; i < view->count; i++) {
                struct offer offer = offer_for(fit, view->reach[i].cell);
                if (view->reach[i].weight > 0.0 && offer.to >= 0 && offer.change < best.change)
                    best = offer;
            }
            if (best.to < 0)
                break;
            except(fit, best);
        }
}

#define WORTH 0.0005 /* of the mean ghosts of a rank: what an exception must save */

/* Single cells go where they save the most ghosts. */
static void save_ghosts(struct sk_fit *fit, int32_t most)
{
    struct offer *offers = NULL;
    size_t count = 0, capacity = 0;
    int64_t worth = (int64_t)(WORTH * (double)sk_map_ghosts(&fit->map) / fit->map.nranks) + 1;
    for (int32_t c = 0; c < fit->map.ncells; c++) {
        struct offer offer = fit->matters[c] ? offer_for(fit, c) : (struct offer){INT64_MAX, c, -1};
        if (offer.to < 0 || offer.change > -worth)
            continue;
        sk_reserve(&offers, &capacity, count + 1);
        offers[count++] = offer;
    }
    if (count)
        qsort(offers, count, sizeof *offers, by_change);
    for (size_t i = 0; i < count && fit->power->nexceptions < most; i++) {
        struct offer now = offer_for(fit, offers[i].cell); /* others may have moved meanwhile */
        if (now.to >= 0 && now.change <= -worth)
            except(fit, now);
    }
    sk_free(&offers);
}

/* The list is short, so that owners are quickly found and plans cheaply sent. A cell is never excepted twice: those of
 * relieve() leave ranks that are too heavy to take them back. */
static void add_exceptions(struct sk_fit *fit, struct sk_view *view, bool is_saving)
{
    struct sk_power *power = fit->power;
    int32_t most = SK_POWER_EXCEPTIONS * fit->map.nranks;
    sk_free(&power->exception);
    power->exception = sk_alloc((size_t)most, sizeof *power->exception);
    power->nexceptions = 0;
    relieve(fit, view, most);
    if (is_saving && !power->nexceptions)
        save_ghosts(fit, most);
    if (power->nexceptions)
        qsort(power->exception, (size_t)power->nexceptions, sizeof *power->exception, by_cell);
}

bool sk_power_adjust(struct sk_plan *plan, const struct sk_share *share, double cap)
{
    struct sk_fit fit;
    struct sk_view view = {0};
    SK_REQUIRE(plan->scheme == SK_SCHEME_POWER && plan->nranks == share->nranks);
    sk_fit_init(&fit, share, plan->power);
    fit.cap = cap > fit.map.mean ? cap : fit.map.mean;
    plan->power->nexceptions = 0;
    sk_fit_refresh(&fit);
    sk_fit_settle(&fit, &view);
    add_exceptions(&fit, &view, false);
    bool is_within = sk_fit_excess(&fit) == 0.0;
    sk_view_clear(&view);
    sk_fit_clear(&fit);
    return is_within;
}

/* ---- the whole ---- */

/* What is possible is near what the Hilbert curve reaches. */
static double load_cap(const struct sk_fit *fit)
{
    const struct sk_share *share = fit->map.share;
    int32_t *cells = sk_alloc((size_t)fit->map.ncells, sizeof *cells);
    int64_t *prefix = sk_alloc((size_t)fit->map.ncells + 1, sizeof *prefix);
    int64_t *cut = sk_alloc((size_t)fit->map.nranks + 1, sizeof *cut);
    sk_curve_cells(SK_CURVE_KIND_HILBERT, 0, fit->map.n, cells);
    prefix[0] = 0;
    for (int64_t i = 0; i < fit->map.ncells; i++)
        prefix[i + 1] = prefix[i] + (share->weight ? share->weight[cells[i]] : 1);
    double possible = (double)sk_chain_cut(prefix, fit->map.ncells, fit->map.nranks, cut);
    sk_free(&cut);
    sk_free(&prefix);
    sk_free(&cells);
    double cap = fit->map.mean * (1.0 + share->slack);
    return cap > possible ? cap : possible;
}

#define LLOYD_STEPS 12
#define LLOYD_FEW   4 /* on large grids */
#define LARGE       200000

bool sk_power_make(struct sk_plan *plan, const struct sk_share *share)
{
    struct sk_fit fit;
    struct sk_view view = {0};
    plan->power = sk_calloc(1, sizeof *plan->power);
    plan->power->site = sk_alloc((size_t)share->nranks, sizeof *plan->power->site);
    sk_fit_init(&fit, share, plan->power);
    fit.cap = load_cap(&fit);
    int steps = fit.map.ncells > LARGE ? LLOYD_FEW : LLOYD_STEPS;
    seed_sites(&fit);
    sk_fit_refresh(&fit);
    balance(&fit, &view, 36);
    for (int k = 0; k < steps; k++) {
        centre_sites(&fit);
        sk_fit_refresh(&fit);
        balance(&fit, &view, 12);
    }
    balance(&fit, &view, 60);
    if (sk_map_can_count(&fit.map) && fit.map.ncells <= SK_POWER_FEW && share->nranks > 1)
        sk_fit_search(&fit);
    sk_fit_settle(&fit, &view);
    add_exceptions(&fit, &view, sk_map_can_count(&fit.map));
    bool is_within = sk_fit_excess(&fit) == 0.0;
    sk_view_clear(&view);
    sk_fit_clear(&fit);
    return is_within;
}
