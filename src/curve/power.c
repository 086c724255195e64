#include "curve/power.h"

#include <string.h>

#include "base/memory.h"

/* Exact: below 2^56. */
int64_t sk_site_distance2(const struct sk_site *site, const int32_t n[3], const int32_t at[3])
{
    int64_t sum = 0;
    for (int k = 0; k < 3; k++) {
        int64_t period = (int64_t)n[k] * SK_POWER_UNIT, d = (int64_t)at[k] * SK_POWER_UNIT - site->at[k];
        d = d < 0 ? -d : d;
        d = period - d < d ? period - d : d;
        sum += d * d;
    }
    return sum;
}

/* ---- the index ---- */

#define LEAF_RANKS 6

struct box {
    int32_t low[3], high[3]; /* cells, high excluded */
};

static int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The least and the largest distance squared from a site to the centres of cells of a box (the least is a bound, for
 * a site between two centres counts as on one). */
static void distances_to_box(const struct sk_site *site, const int32_t n[3], const struct box *box, int64_t *least,
                             int64_t *most)
{
    *least = *most = 0;
    for (int k = 0; k < 3; k++) {
        int64_t period = (int64_t)n[k] * SK_POWER_UNIT,
                length = (int64_t)(box->high[k] - box->low[k] - 1) * SK_POWER_UNIT;
        int64_t beyond = site->at[k] - (int64_t)box->low[k] * SK_POWER_UNIT; /* from the first centre, upwards */
        beyond = beyond < 0 ? beyond + period : beyond;
        int64_t to_first = least_of(beyond, period - beyond),
                last = beyond > length ? beyond - length : length - beyond;
        int64_t to_last = least_of(last, period - last);
        int64_t near = beyond <= length ? 0 : least_of(to_first, to_last),
                far = to_first > to_last ? to_first : to_last;
        int64_t opposite = beyond + period / 2; /* the farthest point of the circle, if the box has it */
        if (opposite % period <= length)
            far = (period + 1) / 2;
        *least += near * near;
        *most += far * far;
    }
}

/* Keeps those of the ranks that may own a cell of the box: some cell may be nearer to them than every cell is to any
 * other. Returns how many. */
static int32_t filter(const struct sk_power *power, const int32_t n[3], const struct box *box, const int32_t *from,
                      int32_t count, int32_t *to)
{
    int64_t bound = INT64_MAX, least, most;
    for (int32_t i = 0; i < count; i++) {
        const struct sk_site *site = &power->site[from[i]];
        distances_to_box(site, n, box, &least, &most);
        bound = least_of(bound, most - site->weight);
    }
    int32_t kept = 0;
    for (int32_t i = 0; i < count; i++) {
        const struct sk_site *site = &power->site[from[i]];
        distances_to_box(site, n, box, &least, &most);
        if (least - site->weight <= bound)
            to[kept++] = from[i];
    }
    return kept;
}

static void add_node(struct sk_power *power, const int32_t n[3], const struct box *box, const int32_t *ranks,
                     int32_t count)
{
    int32_t *mine = sk_alloc((size_t)count, sizeof *mine);
    int32_t left = filter(power, n, box, ranks, count, mine);
    int axis = 0;
    for (int k = 1; k < 3; k++)
        axis = box->high[k] - box->low[k] > box->high[axis] - box->low[axis] ? k : axis;
    sk_reserve(&power->node, &power->node_capacity, power->nodes + 1);
    size_t here = power->nodes++;
    if (left <= LEAF_RANKS || box->high[axis] - box->low[axis] <= 2) {
        sk_reserve(&power->candidate, &power->candidate_capacity, power->candidates + (size_t)left);
        memcpy(power->candidate + power->candidates, mine, (size_t)left * sizeof *mine);
        power->node[here] = (struct sk_power_node){3, left, (int32_t)power->candidates};
        power->candidates += (size_t)left;
    } else {
        struct box low = *box, high = *box;
        low.high[axis] = high.low[axis] = box->low[axis] + (box->high[axis] - box->low[axis]) / 2;
        add_node(power, n, &low, mine, left);
        power->node[here] = (struct sk_power_node){axis, low.high[axis], (int32_t)power->nodes};
        add_node(power, n, &high, mine, left);
    }
    sk_free(&mine);
}

void sk_power_index(struct sk_power *power, const int32_t n[3], int nranks)
{
    struct box all = {{0, 0, 0}, {n[0], n[1], n[2]}};
    int32_t *ranks = sk_alloc((size_t)nranks, sizeof *ranks);
    for (int r = 0; r < nranks; r++)
        ranks[r] = r;
    power->nodes = power->candidates = 0;
    add_node(power, n, &all, ranks, nranks);
    sk_free(&ranks);
}

/* ---- owners ---- */

int32_t sk_power_owner_by_site(const struct sk_power *power, const int32_t n[3], const int32_t at[3])
{
    const struct sk_power_node *node = power->node;
    while (node->axis < 3)
        node = at[node->axis] < node->at ? node + 1 : power->node + node->other;
    const int32_t *candidate = power->candidate + node->other;
    int32_t best = candidate[0];
    if (node->at == 1)
        return best;
    int64_t least = sk_site_distance2(&power->site[best], n, at) - power->site[best].weight;
    for (int32_t i = 1; i < node->at; i++) {
        const struct sk_site *site = &power->site[candidate[i]];
        int64_t key = sk_site_distance2(site, n, at) - site->weight;
        if (key < least) { /* candidates ascend: ties go to the lower rank */
            least = key;
            best = candidate[i];
        }
    }
    return best;
}

int32_t sk_power_owner(const struct sk_power *power, const int32_t n[3], const int32_t at[3])
{
    int32_t cell = at[0] + n[0] * (at[1] + n[1] * at[2]), low = 0, high = power->nexceptions;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (power->exception[middle].cell < cell)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < power->nexceptions && power->exception[low].cell == cell)
        return power->exception[low].rank;
    return sk_power_owner_by_site(power, n, at);
}

bool sk_power_is_valid(const struct sk_power *power, const int32_t n[3], int nranks)
{
    int64_t cells = (int64_t)n[0] * n[1] * n[2];
    for (int r = 0; r < nranks; r++) {
        const struct sk_site *site = &power->site[r];
        for (int k = 0; k < 3; k++)
            if (site->at[k] < 0 || site->at[k] >= (int64_t)n[k] * SK_POWER_UNIT)
                return false;
        if (site->weight < -SK_POWER_MOST || site->weight > SK_POWER_MOST)
            return false;
    }
    for (int32_t i = 0; i < power->nexceptions; i++) {
        const struct sk_exception *e = &power->exception[i];
        if (e->cell < 0 || e->cell >= cells || e->rank < 0 || e->rank >= nranks || (i > 0 && e->cell <= e[-1].cell))
            return false;
    }
    return true;
}

void sk_power_clear(struct sk_power *power)
{
    sk_free(&power->site);
    sk_free(&power->exception);
    sk_free(&power->node);
    sk_free(&power->candidate);
    *power = (struct sk_power){0};
}
