#include <math.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "curve/anneal.h"
#include "curve/power_fit.h"

struct search {
    struct sk_fit *fit;
    struct sk_view view;
    double temperature, step, penalty; /* ghosts for a mean load of excess */
    int32_t (*undo)[2];
    size_t nundo, capacity;
};

/* Overload, in weight, is paid for; so is a rank far below the mean, which makes it hard for the others. */
#define UNDER 0.3
#define LIGHT 0.94
#define INNER 0.97 /* share of the slack that is used on the way */

static double excess_of(const struct sk_fit *fit, int rank)
{
    double over = (double)fit->map.load[rank] - (fit->map.mean + INNER * (fit->cap - fit->map.mean));
    double under = LIGHT * fit->map.mean - (double)fit->map.load[rank];
    return over > 0.0 ? over : under > 0.0 ? UNDER * under : 0.0;
}

static double excess_in_view(const struct search *s)
{
    double sum = excess_of(s->fit, s->view.rank);
    for (size_t k = 0; k < s->view.nranks; k++)
        sum += excess_of(s->fit, s->view.ranks[k]);
    return sum;
}

/* Tries another place for the site in view; keeps it if that is better, or not much worse. */
static void try_place(struct search *s)
{
    struct sk_fit *fit = s->fit;
    struct sk_view *view = &s->view;
    struct sk_site *site = &fit->power->site[view->rank], moved = *site;
    double move[3];
    for (int k = 0; k < 3; k++) {
        move[k] = s->step * SK_POWER_UNIT * (2.0 * sk_anneal_next(&fit->random) - 1.0);
        int64_t period = (int64_t)fit->map.n[k] * SK_POWER_UNIT;
        moved.at[k] = ((site->at[k] + sk_round(move[k])) % period + period) % period;
    }
    sk_view_aim(view, fit, moved.at);
    double load = (double)fit->map.load[view->rank], slack = fit->cap - fit->map.mean;
    double target = load + slack * (2.0 * sk_anneal_next(&fit->random) - 1.0);
    target = target < fit->cap ? target : fit->cap;
    moved.weight = sk_view_weigh(view, site->weight, target - 0.25 * slack, target);
    double before = excess_in_view(s);
    int64_t change = 0;
    s->nundo = 0;
    for (size_t i = 0; i < view->count; i++) {
        const struct sk_reach *reach = &view->reach[i];
        int32_t to = reach->need <= (double)moved.weight ? view->rank : reach->rival;
        if (fit->map.owner[reach->cell] == to)
            continue;
        sk_reserve(&s->undo, &s->capacity, s->nundo + 1);
        s->undo[s->nundo][0] = reach->cell;
        s->undo[s->nundo++][1] = fit->map.owner[reach->cell];
        change += sk_map_move(&fit->map, reach->cell, to, true);
    }
    double cost = (double)change + s->penalty * (excess_in_view(s) - before) / fit->map.mean;
    if (sk_anneal_accepts(&fit->random, cost, s->temperature)) {
        *site = moved;
        return;
    }
    while (s->nundo-- > 0)
        sk_map_move(&fit->map, s->undo[s->nundo][0], s->undo[s->nundo][1], false);
}

/* Most trials for each rank, and in all if a rank had one cell: those of many take longer. Some seconds, measured to be
 * what it takes to find little more. */
#define TRIALS          1800
#define BUDGET          2.5e6
#define TRIALS_PER_CELL 60.0
#define REACH           2

static void plan_effort(const struct sk_fit *fit, int *sweeps, int *trials)
{
    double cells = 0.0;
    for (int32_t c = 0; c < fit->map.ncells; c++)
        cells += fit->matters[c];
    double side = sk_cbrt(cells / fit->map.nranks + 1.0), each = BUDGET / (side * side * fit->map.nranks);
    double most = cells / fit->map.nranks * TRIALS_PER_CELL < TRIALS ? cells / fit->map.nranks * TRIALS_PER_CELL
                                                                     : TRIALS;
    each = each < most ? each : most;
    *sweeps = (int)sqrt(each) + 2;
    *trials = (int)(each / *sweeps) + 1;
}

/* From how many ghosts of a rank worse is accepted, and cells that a site moves, to what. */
#define HOT     0.03
#define FAR     0.7
#define NEAR    0.1
#define PENALTY 10.0 /* ghosts of a rank for a mean load too much; in the end twenty times that */
#define COLD    3    /* sweeps that accept nothing worse */

void sk_fit_search(struct sk_fit *fit)
{
    struct search s = {.fit = fit};
    size_t size = (size_t)fit->map.nranks * sizeof *fit->power->site;
    struct sk_site *best = sk_alloc(size, 1);
    memcpy(best, fit->power->site, size);
    int64_t ghosts = sk_map_ghosts(&fit->map), least = sk_fit_excess(fit) == 0.0 ? ghosts : INT64_MAX;
    double each = (double)ghosts / fit->map.nranks;
    int sweeps, trials;
    plan_effort(fit, &sweeps, &trials);
    for (int k = 0; k < sweeps; k++) {
        double part = (double)k / sweeps;
        s.penalty = PENALTY * each * (1.0 + 20.0 * part * part);
        s.temperature = k < sweeps - COLD ? HOT * each * (1.0 - part) * (1.0 - part) : 0.0;
        s.step = FAR * (1.0 - part) + NEAR * part;
        for (int r = 0; r < fit->map.nranks; r++) {
            sk_view_make(&s.view, fit, r, REACH);
            for (int t = 0; t < trials && s.view.count; t++)
                try_place(&s);
        }
        sk_fit_refresh(fit);
        if (k == sweeps - 1)
            sk_fit_settle(fit, &s.view);
        ghosts = sk_map_ghosts(&fit->map);
        if (sk_fit_excess(fit) == 0.0 && ghosts < least) {
            least = ghosts;
            memcpy(best, fit->power->site, size);
        }
    }
    if (least < INT64_MAX) { /* else what has been settled is better balanced */
        memcpy(fit->power->site, best, size);
        sk_fit_refresh(fit);
    }
    sk_free(&best);
    sk_free(&s.undo);
    sk_view_clear(&s.view);
}
