#include "curve/power_fit.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* ---- the map ---- */

static void place_of(const struct sk_fit *fit, int32_t cell, int32_t at[3])
{
    int32_t yz = cell / fit->n[0];
    at[0] = cell - yz * fit->n[0];
    at[2] = yz / fit->n[1];
    at[1] = yz - at[2] * fit->n[1];
}

static int64_t weight_of(const struct sk_fit *fit, int32_t cell)
{
    return fit->share->weight ? fit->share->weight[cell] : 1;
}

static void link_cell(struct sk_fit *fit, int32_t cell, int32_t rank)
{
    int32_t first = fit->head[rank];
    fit->owner[cell] = rank;
    fit->next[cell] = first;
    fit->last[cell] = -1;
    if (first >= 0)
        fit->last[first] = cell;
    fit->head[rank] = cell;
    fit->load[rank] += weight_of(fit, cell);
}

static void unlink_cell(struct sk_fit *fit, int32_t cell)
{
    int32_t next = fit->next[cell], last = fit->last[cell], rank = fit->owner[cell];
    if (next >= 0)
        fit->last[next] = last;
    if (last >= 0)
        fit->next[last] = next;
    else
        fit->head[rank] = next;
    fit->load[rank] -= weight_of(fit, cell);
}

/* Cells on a line around x, periodically. */
static void around(int32_t x, int32_t n, int reach, int32_t *places)
{
    for (int d = -reach; d <= reach; d++) {
        int32_t at = x + d;
        while (at < 0)
            at += n;
        while (at >= n)
            at -= n;
        places[d + reach] = at;
    }
}

void sk_fit_around(const struct sk_fit *fit, int32_t cell, int32_t cells[27])
{
    int32_t at[3], xs[3], ys[3], zs[3];
    place_of(fit, cell, at);
    if (at[0] > 0 && at[0] < fit->n[0] - 1 && at[1] > 0 && at[1] < fit->n[1] - 1 && at[2] > 0 &&
        at[2] < fit->n[2] - 1) {
        for (int k = 0; k < 27; k++)
            cells[k] = cell + fit->offset[k];
        return;
    }
    around(at[0], fit->n[0], 1, xs);
    around(at[1], fit->n[1], 1, ys);
    around(at[2], fit->n[2], 1, zs);
    for (int k = 0; k < 27; k++)
        cells[k] = xs[k % 3] + fit->n[0] * (ys[k / 3 % 3] + fit->n[1] * zs[k / 9]);
}

/* Thin vapour is most of the cells of an uneven box, and next to nothing of its ghosts and loads. */
#define THIN 0.04

static void choose_cells(struct sk_fit *fit)
{
    int64_t *atoms = sk_alloc((size_t)fit->ncells, sizeof *atoms), most = 0;
    fit->matters = sk_alloc((size_t)fit->ncells, sizeof *fit->matters);
    for (int32_t c = 0; c < fit->ncells; c++) {
        int32_t cells[27];
        sk_fit_around(fit, c, cells);
        atoms[c] = 0;
        for (int k = 0; k < 27; k++)
            atoms[c] += fit->share->atoms ? fit->share->atoms[cells[k]] : 1;
        most = atoms[c] > most ? atoms[c] : most;
    }
    for (int32_t c = 0; c < fit->ncells; c++)
        fit->matters[c] = (double)atoms[c] > THIN * (double)most || (double)weight_of(fit, c) > 1e-4 * fit->mean;
    sk_free(&atoms);
}

void sk_fit_init(struct sk_fit *fit, const struct sk_share *share, struct sk_power *power)
{
    *fit = (struct sk_fit){.share = share, .nranks = share->nranks, .power = power, .random = 1};
    memcpy(fit->n, share->n, sizeof fit->n);
    fit->ncells = (int64_t)fit->n[0] * fit->n[1] * fit->n[2];
    fit->owner = sk_alloc((size_t)fit->ncells, sizeof *fit->owner);
    fit->next = sk_alloc((size_t)fit->ncells, sizeof *fit->next);
    fit->last = sk_alloc((size_t)fit->ncells, sizeof *fit->last);
    fit->mark = sk_calloc((size_t)fit->ncells, sizeof *fit->mark);
    fit->head = sk_alloc((size_t)fit->nranks, sizeof *fit->head);
    fit->load = sk_alloc((size_t)fit->nranks, sizeof *fit->load);
    for (int k = 0; k < 27; k++)
        fit->offset[k] = k % 3 - 1 + fit->n[0] * (k / 3 % 3 - 1 + fit->n[1] * (k / 9 - 1));
    double total = 0.0;
    for (int32_t c = 0; c < fit->ncells; c++)
        total += (double)weight_of(fit, c);
    fit->mean = total / fit->nranks;
    choose_cells(fit);
}

void sk_fit_clear(struct sk_fit *fit)
{
    sk_free(&fit->owner);
    sk_free(&fit->next);
    sk_free(&fit->last);
    sk_free(&fit->mark);
    sk_free(&fit->matters);
    sk_free(&fit->head);
    sk_free(&fit->load);
}

void sk_fit_refresh(struct sk_fit *fit)
{
    sk_power_index(fit->power, fit->n, fit->nranks);
    for (int r = 0; r < fit->nranks; r++) {
        fit->head[r] = -1;
        fit->load[r] = 0;
    }
    for (int32_t c = 0; c < fit->ncells; c++) {
        int32_t at[3];
        place_of(fit, c, at);
        link_cell(fit, c, sk_power_owner(fit->power, fit->n, at));
    }
}

double sk_fit_excess(const struct sk_fit *fit)
{
    double sum = 0.0;
    for (int r = 0; r < fit->nranks; r++)
        sum += (double)fit->load[r] > fit->cap ? (double)fit->load[r] - fit->cap : 0.0;
    return sum;
}

/* ---- ghosts: a cell is a ghost of every rank but its own that has a cell among the 27 around it ---- */

bool sk_fit_can_count(const struct sk_fit *fit)
{
    return fit->n[0] >= 3 && fit->n[1] >= 3 && fit->n[2] >= 3;
}

int64_t sk_fit_ghosts(const struct sk_fit *fit)
{
    int64_t ghosts = 0;
    for (int32_t c = 0; c < fit->ncells; c++) {
        int32_t cells[27], seen[27], nseen = 0;
        int64_t value = fit->share->atoms ? fit->share->atoms[c] : 1;
        if (!value)
            continue;
        sk_fit_around(fit, c, cells);
        for (int k = 0; k < 27; k++) {
            int32_t rank = fit->owner[cells[k]], i = 0;
            while (i < nseen && seen[i] != rank)
                i++;
            if (i == nseen)
                seen[nseen++] = rank;
        }
        ghosts += value * (nseen - 1);
    }
    return ghosts;
}

/* Of the cells around a cell, those that see no other cell of `from` stop being its ghosts, those that see none of
 * `to` become its. Both counts in one number: sums over boxes of 3 x 3 x 3, axis by axis. */
static int64_t change_of_ghosts(const struct sk_fit *fit, int32_t cell, int32_t from, int32_t to)
{
    int32_t at[3], xs[5], ys[5], zs[5];
    uint16_t has[5][5][3], sum[5][3][3];
    int64_t change = 0;
    place_of(fit, cell, at);
    around(at[0], fit->n[0], 2, xs);
    around(at[1], fit->n[1], 2, ys);
    around(at[2], fit->n[2], 2, zs);
    for (int z = 0; z < 5; z++)
        for (int y = 0; y < 5; y++) {
            const int32_t *row = fit->owner + (int64_t)fit->n[0] * (ys[y] + (int64_t)fit->n[1] * zs[z]);
            uint16_t is[5];
            for (int x = 0; x < 5; x++)
                is[x] = (uint16_t)((row[xs[x]] == from) | (row[xs[x]] == to) << 8);
            for (int x = 0; x < 3; x++)
                has[z][y][x] = (uint16_t)(is[x] + is[x + 1] + is[x + 2]);
        }
    for (int z = 0; z < 5; z++)
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 3; x++)
                sum[z][y][x] = (uint16_t)(has[z][y][x] + has[z][y + 1][x] + has[z][y + 2][x]);
    for (int z = 0; z < 3; z++)
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 3; x++) {
                unsigned seen = (unsigned)sum[z][y][x] + sum[z + 1][y][x] + sum[z + 2][y][x];
                int sign = ((seen >> 8) == 0) - ((seen & 255) == 1);
                int64_t other = xs[x + 1] + (int64_t)fit->n[0] * (ys[y + 1] + (int64_t)fit->n[1] * zs[z + 1]);
                if (sign)
                    change += sign * (fit->share->atoms ? fit->share->atoms[other] : 1);
            }
    return change;
}

int64_t sk_fit_change(const struct sk_fit *fit, int32_t cell, int32_t to)
{
    return sk_fit_can_count(fit) ? change_of_ghosts(fit, cell, fit->owner[cell], to) : 0;
}

int64_t sk_fit_move(struct sk_fit *fit, int32_t cell, int32_t to, bool is_counted)
{
    int64_t change = is_counted ? change_of_ghosts(fit, cell, fit->owner[cell], to) : 0;
    unlink_cell(fit, cell);
    link_cell(fit, cell, to);
    return change;
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
    int32_t cells[27], rank = fit->owner[cell], differs = 0;
    sk_fit_around(fit, cell, cells);
    for (int k = 0; k < 27; k++)
        differs |= fit->owner[cells[k]] ^ rank;
    return differs != 0;
}

/* The surface of the rank, or where its site is if it has no cells, and what is within `depth` of it. */
static void collect_cells(struct sk_view *view, struct sk_fit *fit, int depth)
{
    view->count = 0;
    fit->epoch++;
    for (int32_t c = fit->head[view->rank]; c >= 0; c = fit->next[c])
        if (fit->matters[c] && is_surface(fit, c))
            add_cell(view, fit, c);
    if (fit->head[view->rank] < 0) {
        int64_t cell = 0;
        for (int k = 2; k >= 0; k--)
            cell = cell * fit->n[k] +
                   (fit->power->site[view->rank].at[k] + SK_POWER_UNIT / 2) / SK_POWER_UNIT % fit->n[k];
        add_cell(view, fit, (int32_t)cell);
    }
    size_t from = 0;
    for (int d = 0; d < depth; d++)
        for (size_t to = view->count; from < to; from++) {
            int32_t cells[27];
            sk_fit_around(fit, view->cells[from], cells);
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
        int32_t rank = fit->owner[view->cells[i]];
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
    view->base = (double)fit->load[rank];
    for (size_t i = 0; i < view->count; i++) {
        struct sk_reach *reach = &view->reach[i];
        int32_t at[3];
        place_of(fit, view->cells[i], at);
        *reach = (struct sk_reach){.cell = view->cells[i], .rival = -1, .other = HUGE_VAL};
        reach->weight = (double)weight_of(fit, reach->cell);
        for (int k = 0; k < 3; k++)
            reach->place[k] = (double)at[k] * SK_POWER_UNIT;
        if (fit->owner[reach->cell] == rank)
            view->base -= reach->weight;
    }
    for (size_t k = 0; k < view->nranks; k++) {
        const struct sk_site site = fit->power->site[view->ranks[k]];
        for (size_t i = 0; i < view->count; i++) {
            struct sk_reach *reach = &view->reach[i];
            double key = distance2_to(fit->n, reach->place, site.at) - (double)site.weight;
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
                                       : distance2_to(fit->n, reach->place, at) - reach->other +
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
        if (fit->owner[reach->cell] != to)
            change += sk_fit_move(fit, reach->cell, to, is_counted);
    }
    return change;
}
