#include "curve/kd_slide.h"

#include <string.h>

#include "base/memory.h"
#include "curve/anneal.h"

/* A cell, and the rank that gets it. */
struct change {
    int32_t cell, to;
};

struct slider {
    struct sk_plan *plan;
    struct sk_map *map;
    int64_t cap, heaviest; /* loads: what is wanted, and what no rank may exceed */
    double temperature;
    uint64_t random;
    int64_t ghosts;               /* of all ranks */
    int32_t *row, *other;         /* cells of a node near its plane, in the plane's order; scratch for another order */
    struct change *change, *back; /* that a new plane makes, and that would undo it */
};

/* A subtree: its ranks are first, first + 1, ..., its cells are in a box that others share only at ragged planes. */
struct node {
    struct sk_plane *plane;
    int32_t first, ranks, low[3], high[3];
};

static struct node child_of(const struct node *node, bool is_left)
{
    const struct sk_plane *plane = node->plane;
    struct node child = *node;
    int axis = plane->axis;
    int32_t at = plane->at[0], end = at + (plane->at[1] || plane->at[2]);
    if (is_left) {
        child.plane = node->plane + 1;
        child.ranks = plane->left;
        child.high[axis] = end < node->high[axis] ? end : node->high[axis];
    } else {
        child.plane = node->plane + plane->left;
        child.first += plane->left;
        child.ranks -= plane->left;
        child.low[axis] = at > node->low[axis] ? at : node->low[axis];
    }
    return child;
}

/* ---- the cells near a plane ---- */

/* Those of the node in three layers around one, in the order in which a plane like this passes them; returns how many.
 */
static int32_t fill_row(const struct slider *s, const struct node *node, const struct sk_plane *plane, int32_t layer,
                        int32_t *row)
{
    const int32_t *n = s->plan->n;
    int axis = plane->axis, b = plane->second, c = 3 - axis - b;
    int32_t at[3], count = 0;
    int32_t from = layer - 1 > node->low[axis] ? layer - 1 : node->low[axis];
    int32_t to = layer + 2 < node->high[axis] ? layer + 2 : node->high[axis];
    for (at[axis] = from; at[axis] < to; at[axis]++)
        for (int32_t i = node->low[b]; i < node->high[b]; i++)
            for (int32_t j = node->low[c]; j < node->high[c]; j++) {
                at[b] = plane->flip & 1 ? node->low[b] + node->high[b] - 1 - i : i;
                at[c] = plane->flip & 2 ? node->low[c] + node->high[c] - 1 - j : j;
                int32_t cell = at[0] + n[0] * (at[1] + n[1] * at[2]), rank = s->map->owner[cell] - node->first;
                if (rank >= 0 && rank < node->ranks)
                    row[count++] = cell;
            }
    return count;
}

static int32_t layer_of(const struct slider *s, int axis, int32_t cell)
{
    int32_t at[3];
    sk_map_place(s->map, cell, at);
    return at[axis];
}

/* How many cells of a row are on the left. */
static int32_t place_in_row(const struct slider *s, const struct sk_plane *plane, int32_t count)
{
    int32_t low = 0, high = count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2, at[3];
        sk_map_place(s->map, s->row[middle], at);
        if (sk_plane_is_left(plane, s->plan->n, at))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Puts the plane between two cells of a row, as flat as can be. */
static void put_plane(const struct slider *s, struct sk_plane *plane, const int32_t *row, int32_t count, int32_t place)
{
    const int32_t *n = s->plan->n;
    int axis = plane->axis, b = plane->second, c = 3 - axis - b;
    int32_t at[3], last[3];
    sk_map_place(s->map, row[place < count ? place : count - 1], at);
    sk_map_place(s->map, row[place > 0 ? place - 1 : 0], last);
    bool is_flat = place == 0 || place == count || at[axis] != last[axis];
    plane->at[0] = at[axis] + (place == count);
    plane->at[1] = is_flat ? 0 : plane->flip & 1 ? n[b] - 1 - at[b] : at[b];
    plane->at[2] = is_flat || at[b] != last[b] ? 0 : plane->flip & 2 ? n[c] - 1 - at[c] : at[c];
}

/* ---- trials ---- */

static int64_t excess_of(const struct slider *s, int32_t rank)
{
    int64_t load = s->map->load[rank];
    return load > s->cap ? load - s->cap : 0;
}

/* What the sum of all excess over the cap would change by; INT64_MAX if a rank became heavier than any was. */
static int64_t change_of_excess(struct slider *s, int32_t count)
{
    int64_t *load = s->map->load;
    int64_t before = 0, after = 0;
    for (int32_t i = 0; i < count; i++) {
        int64_t weight = sk_map_weight(s->map, s->change[i].cell);
        int32_t from = s->back[i].to, to = s->change[i].to;
        before += excess_of(s, from) + excess_of(s, to);
        load[from] -= weight;
        load[to] += weight;
        after += excess_of(s, from) + excess_of(s, to);
    }
    bool is_too_heavy = false;
    for (int32_t i = 0; i < count; i++)
        is_too_heavy |= load[s->change[i].to] > s->heaviest;
    for (int32_t i = 0; i < count; i++) {
        int64_t weight = sk_map_weight(s->map, s->change[i].cell);
        load[s->back[i].to] += weight;
        load[s->change[i].to] -= weight;
    }
    return is_too_heavy ? INT64_MAX : after - before;
}

/* Gives the cells in [from, to) of the row to whom they belong now that the node's plane is another one; false, and
 * nothing is changed, if a rank became too heavy or there are more ghosts than may be accepted. */
static bool try_plane(struct slider *s, const struct node *node, int32_t from, int32_t to)
{
    int32_t count = 0;
    for (int32_t i = from; i < to; i++) {
        int32_t at[3], cell = s->row[i];
        sk_map_place(s->map, cell, at);
        int32_t rank = node->first + sk_plane_owner(node->plane, node->ranks, s->plan->n, at);
        if (rank == s->map->owner[cell])
            continue;
        s->back[count] = (struct change){cell, s->map->owner[cell]};
        s->change[count++] = (struct change){cell, rank};
    }
    int64_t excess = change_of_excess(s, count);
    if (excess > 0)
        return false;
    int64_t ghosts = 0;
    for (int32_t i = 0; i < count; i++)
        ghosts += sk_map_move(s->map, s->change[i].cell, s->change[i].to, true);
    if (excess < 0 || sk_anneal_accepts(&s->random, (double)ghosts, s->temperature)) {
        s->ghosts += ghosts;
        return true;
    }
    while (count-- > 0)
        sk_map_move(s->map, s->back[count].cell, s->back[count].to, false);
    return false;
}

/* What is tried: how often a step in another order, a flat plane, a shift of the step; and the longest shift. */
#define TURN_SHARE 0.1
#define FLAT_SHARE 0.2
#define FARTHEST   40

/* Another order of the rows, with as many cells on the left. */
static void try_turn(struct slider *s, const struct node *node, int32_t layer, int32_t count, int32_t place)
{
    struct sk_plane *plane = node->plane, old = *plane;
    plane->second = (uint8_t)((plane->axis + (sk_anneal_next(&s->random) < 0.5 ? 1 : 2)) % 3);
    plane->flip = (uint8_t)(4.0 * sk_anneal_next(&s->random));
    if (plane->second == old.second && plane->flip == old.flip)
        return;
    fill_row(s, node, plane, layer, s->other);
    put_plane(s, plane, s->other, count, place);
    if (try_plane(s, node, 0, count)) {
        int32_t *row = s->row;
        s->row = s->other;
        s->other = row;
    } else {
        *plane = old;
    }
}

/* A place in the row: the next end of a layer, or one some cells away; -1: there is none. */
static int32_t choose_place(struct slider *s, const struct node *node, int32_t count, int32_t place)
{
    bool is_up = sk_anneal_next(&s->random) < 0.5;
    int axis = node->plane->axis, step = is_up ? 1 : -1;
    if (place + step < 0 || place + step > count)
        return -1;
    double random = sk_anneal_next(&s->random), far = sk_anneal_next(&s->random);
    if (random >= FLAT_SHARE) {
        int32_t to = place + step * (1 + (int32_t)(far * far * FARTHEST));
        return to >= 0 && to <= count ? to : -1;
    }
    int32_t to = place + step, layer = layer_of(s, axis, s->row[is_up ? place : place - 1]);
    while (to > 0 && to < count && layer_of(s, axis, s->row[is_up ? to : to - 1]) == layer)
        to += step;
    return to;
}

static void slide_plane(struct slider *s, const struct node *node, int trials)
{
    struct sk_plane *plane = node->plane;
    int32_t layer = plane->at[0], count = fill_row(s, node, plane, layer, s->row);
    if (count < 2)
        return;
    int32_t place = place_in_row(s, plane, count);
    for (int t = 0; t < trials; t++) {
        if (sk_anneal_next(&s->random) < TURN_SHARE) {
            try_turn(s, node, layer, count, place);
            continue;
        }
        int32_t to = choose_place(s, node, count, place);
        if (to < 0)
            continue;
        struct sk_plane old = *plane;
        put_plane(s, plane, s->row, count, to);
        if (try_plane(s, node, place < to ? place : to, place < to ? to : place))
            place = to;
        else
            *plane = old;
    }
}

static void slide_below(struct slider *s, const struct node *node, int trials)
{
    if (node->ranks == 1)
        return;
    slide_plane(s, node, trials);
    for (int k = 0; k < 2; k++) {
        struct node child = child_of(node, k == 0);
        slide_below(s, &child, trials);
    }
}

#define SWEEPS 30
#define COLD   2     /* of them accept no loss */
#define SETTLE 6     /* sweeps before, which only lower what is above the cap */
#define HOT    0.015 /* of the mean ghosts of a rank: the first temperature */
#define TRIALS 10    /* at most for each plane and sweep; four times as many find a thousandth more */
#define FEWEST 5     /* at least */
#define EFFORT                                                                                             \
    6.0e4 /* trials in all if that is between the two, and at most four times as many: a tenth of a second \
           */

static void plan_effort(int nranks, int *sweeps, int *trials)
{
    double each = EFFORT / SWEEPS / nranks, most = 4.0 * EFFORT / FEWEST / nranks;
    *trials = each > TRIALS ? TRIALS : each < FEWEST ? FEWEST : (int)each;
    *sweeps = most > SWEEPS ? SWEEPS : (int)most + 2 * COLD;
}

static int64_t heaviest_load(const struct sk_map *map)
{
    int64_t most = 0;
    for (int r = 0; r < map->nranks; r++)
        most = map->load[r] > most ? map->load[r] : most;
    return most;
}

/* Keeps the best planes. */
static void anneal(struct slider *s, const struct node *root, int sweeps, int trials)
{
    struct sk_plan *plan = s->plan;
    size_t size = ((size_t)plan->nranks - 1) * sizeof *plan->plane;
    struct sk_plane *best = sk_alloc((size_t)plan->nranks, sizeof *best);
    int64_t least = s->ghosts;
    double hot = HOT * (double)s->ghosts / plan->nranks;
    memcpy(best, plan->plane, size);
    for (int k = 0; k < sweeps; k++) {
        double rest = 1.0 - (double)k / (sweeps - COLD);
        s->temperature = rest > 0.0 ? hot * rest * rest : 0.0;
        slide_below(s, root, trials);
        if (s->ghosts < least) {
            least = s->ghosts;
            memcpy(best, plan->plane, size);
        }
    }
    memcpy(plan->plane, best, size);
    sk_free(&best);
}

void sk_kd_slide(struct sk_plan *plan, struct sk_map *map, int64_t cap)
{
    struct slider s = {.plan = plan, .map = map, .cap = cap, .random = 1};
    struct node root = {plan->plane, 0, plan->nranks, {0, 0, 0}, {plan->n[0], plan->n[1], plan->n[2]}};
    int32_t least = map->n[0] < map->n[1] ? map->n[0] : map->n[1];
    least = least < map->n[2] ? least : map->n[2];
    size_t cells = 3 * (size_t)(map->ncells / least); /* of three layers */
    int sweeps, trials;
    plan_effort(plan->nranks, &sweeps, &trials);
    s.row = sk_alloc(cells, sizeof *s.row);
    s.other = sk_alloc(cells, sizeof *s.other);
    s.change = sk_alloc(cells, sizeof *s.change);
    s.back = sk_alloc(cells, sizeof *s.back);
    s.ghosts = sk_map_ghosts(map);
    s.heaviest = heaviest_load(map) > cap ? heaviest_load(map) : cap;
    for (int k = 0; k < SETTLE && heaviest_load(map) > cap; k++)
        slide_below(&s, &root, trials);
    s.cap = heaviest_load(map) > cap ? heaviest_load(map) : cap;
    anneal(&s, &root, sweeps, trials);
    sk_free(&s.back);
    sk_free(&s.change);
    sk_free(&s.other);
    sk_free(&s.row);
}
