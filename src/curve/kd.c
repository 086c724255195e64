/* Planned k-d cuts. At every node the axis and the ratio of ranks are chosen to minimise the estimated ghosts of all
 * ranks below it, from the continuous ghosts of boxes; then the cells are shared exactly by a ragged plane. */
#include <math.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "curve/estimate.h"
#include "curve/kd_slide.h"
#include "curve/origin.h"
#include "curve/plan.h"

struct planner {
    const struct sk_share *share;
    struct sk_plane *plane;
    int32_t *cells, *scratch; /* a permutation of the cells: each node owns a stretch */
    int64_t *layer[3];        /* [n[k]]: weight of layers of a node */
    struct sk_estimate estimate;
    double cap;     /* weight of a rank */
    int64_t scale;  /* of weights; each cell weighs one more, so that empty space is shared too */
    uint32_t *mark; /* by cell: epoch and SIDE bits; NULL: the grid is too large for counting */
    bool *matters;  /* by cell: whether its neighbours are counted (map.h) */
    uint32_t epoch;
    int search_to; /* nodes of up to so many ranks try several cuts and count */
};

/* A node: ranks, cells [from, to) of the permutation, bounds in whole layers and as real planes. */
struct node {
    int at, ranks;
    int64_t from, to, weight;
    int32_t low[3], high[3];
    double edge_low[3], edge_high[3];
};

static int64_t weight_of(const struct planner *p, int32_t cell)
{
    return p->share->weight ? p->share->weight[cell] * p->scale + 1 : 1;
}

static void place_of(const struct planner *p, int32_t cell, int32_t at[3])
{
    int32_t yz = cell / p->share->n[0];
    at[0] = cell - yz * p->share->n[0];
    at[2] = yz / p->share->n[1];
    at[1] = yz - at[2] * p->share->n[1];
}

static void weigh_layers(struct planner *p, const struct node *node)
{
    for (int k = 0; k < 3; k++)
        memset(p->layer[k] + node->low[k], 0, (size_t)(node->high[k] - node->low[k]) * sizeof **p->layer);
    for (int64_t i = node->from; i < node->to; i++) {
        int32_t at[3];
        place_of(p, p->cells[i], at);
        int64_t weight = weight_of(p, p->cells[i]);
        for (int k = 0; k < 3; k++)
            p->layer[k][at[k]] += weight;
    }
}

/* Where a plane lies in a layer, of which the node may have only a part, if this share of its weight is below. */
static double place_within(const struct node *node, int axis, int32_t layer, double share)
{
    double low = layer > node->edge_low[axis] ? layer : node->edge_low[axis];
    double high = layer + 1 < node->edge_high[axis] ? layer + 1 : node->edge_high[axis];
    return low < high ? low + share * (high - low) : low < node->edge_high[axis] ? low : node->edge_high[axis];
}

/* The real plane across an axis below which this much weight lies. */
static double plane_of(const struct planner *p, const struct node *node, int axis, double weight)
{
    double sum = 0.0;
    for (int32_t l = node->low[axis]; l < node->high[axis]; l++) {
        double layer = (double)p->layer[axis][l];
        if (layer > 0.0 && sum + layer >= weight)
            return place_within(node, axis, l, (weight - sum) / layer);
        sum += layer;
    }
    return node->edge_high[axis];
}

/* Where an even spread of the weight is a good guess (no weights), planes follow from the ratio. */
static double plane_for_ratio(const struct planner *p, const struct node *node, int axis, int left)
{
    double share = (double)left / node->ranks;
    if (!p->share->weight)
        return node->edge_low[axis] + share * (node->edge_high[axis] - node->edge_low[axis]);
    return plane_of(p, node, axis, share * (double)node->weight);
}

#define SEARCH_MOST   8
#define COUNTED_CELLS 4000000

struct choice {
    int axis, left;
    double ghosts; /* estimated */
};
#define CHOICES   3
#define PROMISING 0.02 /* so much worse than the best may the estimate be of what is tried */
#define THINNEST  1e-3 /* edge of a box, for estimates */

/* The thickness of the weight between two shares of it, as if it were evenly spread: empty layers count for nothing,
 * for there are no atoms to receive from them. */
static double thickness(const struct planner *p, const struct node *node, int axis, double from, double to)
{
    double passed = 0.0, sum = 0.0, squares = 0.0;
    for (int32_t l = node->low[axis]; l < node->high[axis]; l++) {
        double layer = (double)p->layer[axis][l];
        double low = from > passed ? from - passed : 0.0, high = to - passed < layer ? to - passed : layer;
        passed += layer;
        if (high > low) {
            sum += high - low;
            squares += (high - low) * layer;
        }
    }
    return squares > 0.0 && sum * sum > THINNEST * squares ? sum * sum / squares : THINNEST;
}

/* Edges of the two boxes that a cut makes: halves[0] has `left` ranks. Returns where the cut lies. */
static double halve(const struct planner *p, const struct node *node, const double edge[3], int axis, int left,
                    double halves[2][3])
{
    double plane = plane_for_ratio(p, node, axis, left), all = (double)node->weight, share = all * left / node->ranks;
    memcpy(halves[0], edge, 3 * sizeof *edge);
    memcpy(halves[1], edge, 3 * sizeof *edge);
    halves[0][axis] = plane - node->edge_low[axis];
    halves[1][axis] = node->edge_high[axis] - plane;
    if (p->share->weight) {
        halves[0][axis] = thickness(p, node, axis, 0.0, share);
        halves[1][axis] = thickness(p, node, axis, share, all);
    }
    for (int k = 0; k < 2; k++)
        halves[k][axis] = halves[k][axis] > THINNEST ? halves[k][axis] : THINNEST;
    return plane;
}

/* The axes and numbers of ranks on the left with the least estimated ghosts, best first; returns how many. */
static int choose_cuts(struct planner *p, const struct node *node, struct choice best[CHOICES])
{
    double edge[3], volume = 1.0;
    int nbest = 0;
    for (int k = 0; k < 3; k++) {
        edge[k] = p->share->weight ? thickness(p, node, k, 0.0, (double)node->weight)
                                   : node->edge_high[k] - node->edge_low[k];
        edge[k] = edge[k] > THINNEST ? edge[k] : THINNEST;
        volume *= edge[k];
    }
    double side = sk_cbrt(volume / node->ranks);
    for (int axis = 0; axis < 3; axis++) {
        int ratio[SK_RATIOS], count = sk_estimate_ratios(node->ranks, edge[axis] / side, ratio);
        for (int i = 0; i < 2 * count; i++) {
            struct choice choice = {axis, i % 2 ? node->ranks - ratio[i / 2] : ratio[i / 2], 0.0};
            if (i % 2 && 2 * choice.left == node->ranks)
                continue;
            double halves[2][3], plane = halve(p, node, edge, axis, choice.left, halves);
            choice.ghosts = sk_estimate_step(edge, axis, plane) +
                            sk_estimate_ghosts(&p->estimate, choice.left, halves[0]) +
                            sk_estimate_ghosts(&p->estimate, node->ranks - choice.left, halves[1]);
            int at = nbest < CHOICES ? nbest++ : CHOICES;
            for (; at > 0 && choice.ghosts < best[at - 1].ghosts * (1.0 - 1e-9); at--)
                if (at < CHOICES)
                    best[at] = best[at - 1];
            if (at < CHOICES)
                best[at] = choice;
        }
    }
    return nbest;
}

/* The place in a row of weights, from the low end or from the high one, where the running sum passes the target; *sum
 * becomes what lies before it. */
static int32_t find_place(const int64_t *weights, int32_t low, int32_t high, bool is_flipped, int64_t target,
                          int64_t *sum)
{
    int32_t at = is_flipped ? high - 1 : low, last = is_flipped ? low : high - 1, step = is_flipped ? -1 : 1;
    while (at != last && *sum + weights[at] <= target) {
        *sum += weights[at];
        at += step;
    }
    return at;
}

/* Weighs, along one axis, those cells of the node whose places on `fixed` other axes are given. */
static void weigh_within(struct planner *p, const struct node *node, int axis, int fixed, const int axes[2],
                         const int32_t place[2])
{
    memset(p->layer[axis] + node->low[axis], 0, (size_t)(node->high[axis] - node->low[axis]) * sizeof **p->layer);
    for (int64_t i = node->from; i < node->to; i++) {
        int32_t at[3];
        place_of(p, p->cells[i], at);
        bool is_in = true;
        for (int k = 0; k < fixed; k++)
            is_in &= at[axes[k]] == place[k];
        if (is_in)
            p->layer[axis][at[axis]] += weight_of(p, p->cells[i]);
    }
}

/* A flat plane near the target that keeps both sides within the slack; half of what is left of it stays for the cuts
 * below. False if there is none. */
static bool flat_plane(const struct planner *p, const struct node *node, int left, int64_t before, int64_t layer,
                       int64_t target, bool *is_above)
{
    double mean = (double)node->weight / node->ranks;
    bool is_found = false;
    for (int k = 0; k < 2; k++) {
        int above = before + layer - target < target - before ? !k : k; /* the nearer one first */
        double weight = (double)(before + (above ? layer : 0)), other = (double)node->weight - weight;
        int right = node->ranks - left;
        double spare = p->cap - mean;
        if (!is_found && weight <= left * (mean + (left > 1 ? 0.5 : 1.0) * spare) &&
            other <= right * (mean + (right > 1 ? 0.5 : 1.0) * spare)) {
            *is_above = above;
            is_found = true;
        }
    }
    return is_found;
}

/* The layer that holds the plane, which is flat if its weight allows; returns whether it is. *real is where it lies,
 * *before the weight of the layers below. */
static bool find_layer(const struct planner *p, const struct node *node, struct sk_plane *plane, double *real,
                       int64_t *before)
{
    int axis = plane->axis;
    int64_t target = (int64_t)floor((double)node->weight * plane->left / node->ranks + 0.5);
    *before = 0;
    int32_t l = find_place(p->layer[axis], node->low[axis], node->high[axis], false, target, before);
    int64_t layer = p->layer[axis][l];
    bool is_above = false, is_flat = target == *before || target == *before + layer;
    *real = place_within(node, axis, l, layer > 0 ? (double)(target - *before) / (double)layer : 0.0);
    plane->at[0] = l;
    plane->at[1] = plane->at[2] = 0;
    if (is_flat)
        is_above = target != *before;
    else
        is_flat = flat_plane(p, node, plane->left, *before, layer, target, &is_above);
    if (is_flat)
        *real = plane->at[0] += is_above;
    return is_flat;
}

/* The step of a plane in its layer, so that the weights are as the ranks. */
static void place_step(struct planner *p, const struct node *node, struct sk_plane *plane, int64_t before)
{
    int axis = plane->axis, second = plane->second, third = 3 - axis - second;
    const int32_t *n = p->share->n;
    bool is_flipped[2] = {plane->flip & 1, plane->flip & 2};
    int64_t target = (int64_t)floor((double)node->weight * plane->left / node->ranks + 0.5), sum = before;
    weigh_within(p, node, second, 1, (const int[2]){axis, 0}, (const int32_t[2]){plane->at[0], 0});
    int32_t row = find_place(p->layer[second], node->low[second], node->high[second], is_flipped[0], target, &sum);
    weigh_within(p, node, third, 2, (const int[2]){axis, second}, (const int32_t[2]){plane->at[0], row});
    int32_t place = find_place(p->layer[third], node->low[third], node->high[third], is_flipped[1], target, &sum);
    int64_t cell = p->layer[third][place];
    plane->at[1] = is_flipped[0] ? n[second] - 1 - row : row;
    plane->at[2] = (is_flipped[1] ? n[third] - 1 - place : place) + (sum + cell - target < target - sum);
}

#define SIDE_LEFT  1u
#define SIDE_RIGHT 2u
#define SIDE_BITS  4 /* two for the side of a cell, two for whose ghost it is already */

/* Ghosts of both sides as if each were a rank, in the layers within two of the plane: no other ghosts depend on its
 * step. plane NULL: ghosts of the node. */
static int64_t count_ghosts(struct planner *p, const struct node *node, const struct sk_plane *plane)
{
    const int32_t *n = p->share->n;
    uint32_t *mark = p->mark, base = ++p->epoch << SIDE_BITS;
    int64_t ghosts = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = node->from; i < node->to; i++) {
            int32_t at[3], cell = p->cells[i];
            if (pass == 1 && !p->matters[cell])
                continue;
            place_of(p, cell, at);
            if (plane && (at[plane->axis] < plane->at[0] - 2 || at[plane->axis] > plane->at[0] + 2))
                continue;
            if (pass == 0) {
                mark[cell] = base | (plane && !sk_plane_is_left(plane, n, at) ? SIDE_RIGHT : SIDE_LEFT);
                continue;
            }
            uint32_t side = mark[cell] & (SIDE_LEFT | SIDE_RIGHT);
            for (int k = 0; k < 9; k++) {
                int32_t y = at[1] + k % 3 - 1, z = at[2] + k / 3 - 1;
                y = y < 0 ? n[1] - 1 : y == n[1] ? 0 : y;
                z = z < 0 ? n[2] - 1 : z == n[2] ? 0 : z;
                uint32_t *row = mark + (int64_t)n[0] * (y + (int64_t)n[1] * z);
                for (int j = -1; j < 2; j++) {
                    int32_t x = at[0] + j;
                    uint32_t *to = &row[x < 0 ? n[0] - 1 : x == n[0] ? 0 : x];
                    *to = *to < base ? base : *to;
                    if (*to & (side | side << 2))
                        continue;
                    *to |= side << 2;
                    ghosts += p->share->atoms ? p->share->atoms[to - mark] : 1;
                }
            }
        }
    return ghosts;
}

/* The step with the fewest ghosts on both sides: rows along either axis, from any corner. */
static void choose_step(struct planner *p, const struct node *node, struct sk_plane *plane, int64_t before)
{
    struct sk_plane best = *plane;
    int64_t least = INT64_MAX;
    for (int k = 0; k < 8; k++) {
        plane->second = (uint8_t)((plane->axis + 1 + k / 4) % 3);
        plane->flip = k % 4;
        place_step(p, node, plane, before);
        int64_t ghosts = count_ghosts(p, node, plane);
        if (ghosts < least) {
            least = ghosts;
            best = *plane;
        }
    }
    *plane = best;
}

/* Stable, so that cells stay in the order of memory. Returns where the right side begins. */
static int64_t divide(struct planner *p, const struct node *node, const struct sk_plane *plane, int64_t *weight)
{
    int64_t left = node->from, right = 0;
    *weight = 0;
    for (int64_t i = node->from; i < node->to; i++) {
        int32_t at[3], cell = p->cells[i];
        place_of(p, cell, at);
        if (sk_plane_is_left(plane, p->share->n, at)) {
            *weight += weight_of(p, cell);
            p->cells[left++] = cell;
        } else {
            p->scratch[right++] = cell;
        }
    }
    if (right)
        memcpy(p->cells + left, p->scratch, (size_t)right * sizeof *p->cells);
    return left;
}

static int64_t cut_node(struct planner *p, const struct node *node);

/* Cuts the node as chosen, and what is below it. */
static int64_t cut_as_chosen(struct planner *p, const struct node *node, const struct choice *choice)
{
    struct sk_plane *plane = &p->plane[node->at];
    int axis = choice->axis, b = (axis + 1) % 3, c = (axis + 2) % 3;
    bool is_b_longer = node->edge_high[b] - node->edge_low[b] > node->edge_high[c] - node->edge_low[c];
    *plane = (struct sk_plane){{0, 0, 0}, choice->left, (uint8_t)axis, (uint8_t)(is_b_longer ? b : c), 0, 0};
    double real;
    int64_t before;
    bool is_flat = find_layer(p, node, plane, &real, &before);
    if (!is_flat && p->mark)
        choose_step(p, node, plane, before);
    else if (!is_flat)
        place_step(p, node, plane, before);
    struct node low = *node, high = *node;
    low.at = node->at + 1;
    high.at = node->at + choice->left;
    low.ranks = choice->left;
    high.ranks = node->ranks - choice->left;
    low.to = high.from = divide(p, node, plane, &low.weight);
    high.weight = node->weight - low.weight;
    low.edge_high[axis] = high.edge_low[axis] = real;
    low.high[axis] = plane->at[0] + !is_flat;
    high.low[axis] = plane->at[0];
    int64_t ghosts = cut_node(p, &low);
    return ghosts + cut_node(p, &high);
}

/* Returns the ghosts of all ranks below, which depend on nothing outside the node; 0 if they are not counted. */
static int64_t cut_node(struct planner *p, const struct node *node)
{
    if (node->from == node->to) { /* more ranks than cells: any planes will do */
        for (int k = 0; k < node->ranks - 1; k++)
            p->plane[node->at + k] = (struct sk_plane){{0, 0, 0}, 1, 0, 1, 0, 0};
        return 0;
    }
    if (node->ranks == 1)
        return p->mark ? count_ghosts(p, node, NULL) : 0;
    struct choice choice[CHOICES];
    weigh_layers(p, node);
    int count = choose_cuts(p, node, choice);
    if (node->ranks > p->search_to)
        return cut_as_chosen(p, node, &choice[0]);
    struct sk_plane best[SEARCH_MOST];
    size_t size = ((size_t)node->ranks - 1) * sizeof *best;
    int64_t least = INT64_MAX;
    for (int k = 0; k < count && choice[k].ghosts <= (1.0 + PROMISING) * choice[0].ghosts; k++) {
        if (k > 0)
            weigh_layers(p, node);
        int64_t ghosts = cut_as_chosen(p, node, &choice[k]);
        if (ghosts >= least)
            continue;
        least = ghosts;
        memcpy(best, p->plane + node->at, size);
    }
    memcpy(p->plane + node->at, best, size);
    return least;
}

/* Nodes of up to so many ranks try several cuts. Each halving takes about twice the time: a second for most cells.
 * Evenly spread weight is estimated so well that counting finds little more. */
static int choose_search(const struct planner *p, int64_t cells)
{
    int64_t count = 0;
    for (int64_t c = 0; c < cells; c++)
        count += p->matters[c];
    if (!p->share->weight || count > 1000000)
        return 2;
    return count > 50000 ? 4 : SEARCH_MOST;
}

/* map: for counting; NULL: the grid is too large for that. */
static void plan_planes(struct sk_plan *plan, const struct sk_share *share, const struct sk_map *map)
{
    int64_t cells = (int64_t)share->n[0] * share->n[1] * share->n[2];
    struct planner p = {.share = share,
                        .plane = plan->plane,
                        .estimate = {{share->n[0], share->n[1], share->n[2]}, share->weight ? 9 : 400, NULL, 0, 0}};
    struct node root = {.ranks = share->nranks, .to = cells};
    p.cells = sk_alloc((size_t)cells, sizeof *p.cells);
    p.scratch = sk_alloc((size_t)cells, sizeof *p.scratch);
    if (map) {
        p.mark = sk_calloc((size_t)cells, sizeof *p.mark);
        p.matters = sk_map_matters(map);
        p.search_to = choose_search(&p, cells);
    }
    int64_t total = 0, heaviest = 0;
    for (int32_t i = 0; i < cells; i++) {
        p.cells[i] = i;
        int64_t weight = share->weight ? share->weight[i] : 1;
        total += weight;
        heaviest = weight > heaviest ? weight : heaviest;
    }
    for (p.scale = share->weight ? 1 << 16 : 1; p.scale > 1 && total > (INT64_C(1) << 60) / p.scale;)
        p.scale /= 2;
    root.weight = share->weight ? total * p.scale + cells : cells;
    /* Steps are as exact as cells are small: that much of the slack is theirs. */
    double mean = (double)root.weight / share->nranks;
    p.cap = mean * (1.0 + share->slack) - (double)(heaviest * p.scale);
    p.cap = p.cap > mean ? p.cap : mean;
    for (int k = 0; k < 3; k++) {
        p.layer[k] = sk_alloc((size_t)share->n[k], sizeof **p.layer);
        root.high[k] = share->n[k];
        root.edge_high[k] = share->n[k];
    }
    cut_node(&p, &root);
    for (int k = 0; k < 3; k++)
        sk_free(&p.layer[k]);
    sk_free(&p.matters);
    sk_free(&p.mark);
    sk_free(&p.estimate.memo);
    sk_free(&p.scratch);
    sk_free(&p.cells);
}

static void plan_and_slide(struct sk_plan *plan, const struct sk_share *share)
{
    struct sk_map map;
    sk_map_init(&map, share);
    plan_planes(plan, share, &map);
    if (share->slack > 0.0 && share->nranks > 1 && sk_map_can_count(&map)) {
        sk_plan_owners(plan, map.owner);
        sk_map_gather(&map);
        sk_kd_slide(plan, &map, (int64_t)floor(map.mean * (1.0 + share->slack)));
    }
    sk_map_clear(&map);
}

void sk_kd_make(struct sk_plan *plan, const struct sk_share *share)
{
    int64_t cells = (int64_t)share->n[0] * share->n[1] * share->n[2];
    int32_t origin[3];
    struct sk_share moved;
    plan->plane = sk_alloc((size_t)share->nranks, sizeof *plan->plane);
    sk_origin_choose(share, origin);
    sk_origin_move(share, origin, &moved);
    if (cells > COUNTED_CELLS)
        plan_planes(plan, &moved, NULL);
    else
        plan_and_slide(plan, &moved);
    sk_origin_clear(share, &moved);
    memcpy(plan->origin, origin, sizeof origin); /* not before: the plan of the share that was moved had none */
}
