#include "curve/power_fit.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

void sk_fit_init(struct sk_fit *fit, const struct sk_share *share, struct sk_power *power)
{
    *fit = (struct sk_fit){.power = power, .random = 1};
    sk_map_init(&fit->map, share);
    fit->mark = sk_calloc((size_t)fit->map.ncells, sizeof *fit->mark);
    fit->matters = sk_map_matters(&fit->map);
}

void sk_fit_clear(struct sk_fit *fit)
{
    sk_map_clear(&fit->map);
    sk_free(&fit->mark);
    sk_free(&fit->matters);
}

void sk_fit_refresh(struct sk_fit *fit)
{
    sk_power_index(fit->power, fit->map.n, fit->map.nranks);
    for (int32_t c = 0; c < fit->map.ncells; c++) {
        int32_t at[3];
        sk_map_place(&fit->map, c, at);
        fit->map.owner[c] = sk_power_owner(fit->power, fit->map.n, at);
    }
    sk_map_gather(&fit->map);
}

double sk_fit_excess(const struct sk_fit *fit)
{
    double sum = 0.0;
    for (int r = 0; r < fit->map.nranks; r++)
        sum += (double)fit->map.load[r] > fit->cap ? (double)fit->map.load[r] - fit->cap : 0.0;
    return sum;
}

/* ---- views ---- */

static void add_cell(struct sk_view *view, struct sk_fit *fit, int32_t cell)
{
    if (fit->mark[cell] == fit->epoch || !fit->matters[cell])
        return;
    fit->mark[cell] = fit->epoch;
    sk_reserve(&view->cells, &view->cells_capacity, view->count + 1);
    view->cells[view->count++] = cell;
}

static bool is_surface(const struct sk_fit *fit, int32_t cell)
{
    int32_t cells[27], rank = fit->map.owner[cell], differs = 0;
    sk_map_around(&fit->map, cell, cells);
    for (int k = 0; k < 27; k++)
        differs |= fit->map.owner[cells[k]] ^ rank;
    return differs != 0;
}

/* The surface of the rank, or where its site is if it has no cells, and what is within `depth` of it. */
static void collect_cells(struct sk_view *view, struct sk_fit *fit, int depth)
{
    view->count = 0;
    fit->epoch++;
    for (int32_t c = fit->map.head[view->rank]; c >= 0; c = fit->map.next[c])
        if (fit->matters[c] && is_surface(fit, c))
            add_cell(view, fit, c);
    if (fit->map.head[view->rank] < 0) {
        int64_t cell = 0;
        for (int k = 2; k >= 0; k--)
            cell = cell * fit->map.n[k] +
                   (fit->power->site[view->rank].at[k] + SK_POWER_UNIT / 2) / SK_POWER_UNIT % fit->map.n[k];
        add_cell(view, fit, (int32_t)cell);
    }
    size_t from = 0;
    for (int d = 0; d < depth; d++)
        for (size_t to = view->count; from < to; from++) {
            int32_t cells[27];
            sk_map_around(&fit->map, view->cells[from], cells);
            for (int k = 0; k < 27; k++)
                add_cell(view, fit, cells[k]);
        }
}

static inline double distance2_to(const int32_t n[3], const double place[3], const int64_t at[3])
{
    double sum = 0.0;
    for (int k = 0; k < 3; k++) {
        double period = (double)n[k] * SK_POWER_UNIT, d = fabs(place[k] - (double)at[k]);
        d = period - d < d ? period - d : d;
        sum += d * d;
    }
    return sum;
}

/* The other ranks that have cells in the view. */
static void collect_ranks(struct sk_view *view, struct sk_fit *fit)
{
    view->nranks = 0;
    for (size_t i = 0; i < view->count; i++) {
        int32_t rank = fit->map.owner[view->cells[i]];
        size_t k = 0;
        while (k < view->nranks && view->ranks[k] != rank)
            k++;
        if (k < view->nranks || rank == view->rank)
            continue;
        sk_reserve(&view->ranks, &view->ranks_capacity, view->nranks + 1);
        view->ranks[view->nranks++] = rank;
    }
}

void sk_view_make(struct sk_view *view, struct sk_fit *fit, int rank, int depth)
{
    view->rank = rank;
    collect_cells(view, fit, depth);
    collect_ranks(view, fit);
    sk_reserve(&view->reach, &view->capacity, view->count);
    view->base = (double)fit->map.load[rank];
    for (size_t i = 0; i < view->count; i++) {
        struct sk_reach *reach = &view->reach[i];
        int32_t at[3];
        sk_map_place(&fit->map, view->cells[i], at);
        *reach = (struct sk_reach){.cell = view->cells[i], .rival = -1, .other = HUGE_VAL};
        reach->weight = (double)sk_map_weight(&fit->map, reach->cell);
        for (int k = 0; k < 3; k++)
            reach->place[k] = (double)at[k] * SK_POWER_UNIT;
        if (fit->map.owner[reach->cell] == rank)
            view->base -= reach->weight;
    }
    for (size_t k = 0; k < view->nranks; k++) {
        const struct sk_site site = fit->power->site[view->ranks[k]];
        for (size_t i = 0; i < view->count; i++) {
            struct sk_reach *reach = &view->reach[i];
            double key = distance2_to(fit->map.n, reach->place, site.at) - (double)site.weight;
            if (key < reach->other || (key == reach->other && view->ranks[k] < reach->rival)) {
                reach->other = key;
                reach->rival = view->ranks[k];
            }
        }
    }
}

void sk_view_clear(struct sk_view *view)
{
    sk_free(&view->reach);
    sk_free(&view->step);
    sk_free(&view->ranks);
    sk_free(&view->cells);
}

void sk_view_aim(struct sk_view *view, const struct sk_fit *fit, const int64_t at[3])
{
    for (size_t i = 0; i < view->count; i++) {
        struct sk_reach *reach = &view->reach[i];
        reach->need = reach->rival < 0 ? -HUGE_VAL
                                       : distance2_to(fit->map.n, reach->place, at) - reach->other +
                                             (reach->rival < view->rank ? 1.0 : 0.0);
    }
}

/* The largest need of the cells that, in the order of their need, may be taken while the load stays at most (or, not
 * is_most, below) the target; *load becomes what it is then. Partition around a middle element again and again. */
static double select_step(struct sk_step *step, size_t count, double target, bool is_most, double *load)
{
    double last = -HUGE_VAL;
    while (count) {
        double pivot = step[count / 2].need, sum = *load;
        size_t left = 0;
        for (size_t i = 0; i < count; i++)
            if (step[i].need <= pivot) {
                struct sk_step s = step[i];
                sum += s.weight;
                step[i] = step[left];
                step[left++] = s;
            }
        if (is_most ? sum <= target : sum < target) {
            *load = sum;
            last = pivot;
            step += left;
            count -= left;
        } else {
            size_t below = 0; /* all that are less than the pivot */
            for (size_t i = 0; i < left; i++)
                if (step[i].need < pivot) {
                    struct sk_step s = step[i];
                    step[i] = step[below];
                    step[below++] = s;
                }
            count = below;
        }
    }
    return last;
}

static double select_weight(struct sk_view *view, double target, bool is_most, double *load)
{
    size_t count = 0;
    sk_reserve(&view->step, &view->step_capacity, view->count);
    for (size_t i = 0; i < view->count; i++)
        if (view->reach[i].weight > 0.0)
            view->step[count++] = (struct sk_step){view->reach[i].need, view->reach[i].weight};
    *load = view->base;
    return select_step(view->step, count, target, is_most, load);
}

/* The least need above a weight, where the next cell comes in. */
static double next_step(const struct sk_view *view, double weight)
{
    double next = HUGE_VAL;
    for (size_t i = 0; i < view->count; i++)
        if (view->reach[i].weight > 0.0 && view->reach[i].need > weight && view->reach[i].need < next)
            next = view->reach[i].need;
    return next;
}

int64_t sk_view_weigh(struct sk_view *view, int64_t weight, double low, double high)
{
    double load = view->base, limit = (double)(SK_POWER_MOST / 4), chosen;
    for (size_t i = 0; i < view->count; i++)
        load += view->reach[i].need <= (double)weight ? view->reach[i].weight : 0.0;
    if (load >= low && load <= high)
        return weight;
    chosen = select_weight(view, high, true, &load);
    double next = next_step(view, chosen); /* every weight from chosen to below next has this load */
    if (load < low && chosen < (double)weight && (double)weight < next)
        return weight;
    if (next < HUGE_VAL && chosen > -HUGE_VAL && (double)weight > chosen)
        chosen = floor(0.5 * (chosen + next));
    else if (chosen == -HUGE_VAL)
        chosen = next < HUGE_VAL ? next - 1.0 : (double)weight;
    chosen = chosen > limit ? limit : chosen < -limit ? -limit : chosen;
    return (int64_t)chosen;
}

int64_t sk_view_apply(const struct sk_view *view, struct sk_fit *fit, double weight, bool is_counted)
{
    int64_t change = 0;
    for (size_t i = 0; i < view->count; i++) {
        const struct sk_reach *reach = &view->reach[i];
        int32_t to = reach->need <= weight ? view->rank : reach->rival;
        if (fit->map.owner[reach->cell] != to)
            change += sk_map_move(&fit->map, reach->cell, to, is_counted);
    }
    return change;
}
