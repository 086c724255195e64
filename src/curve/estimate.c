#include "curve/estimate.h"

#include <math.h>
#include <stdbool.h>

#include "base/math.h"
#include "base/memory.h"

/* Estimates are remembered by ranks and edges: whole ones, for they need no step, and others in steps of 2 %. */
struct sk_memo {
    uint64_t key; /* 0: free */
    double ghosts;
};

static double box_ghosts(const struct sk_estimate *e, const double edge[3])
{
    double all = 1.0, own = 1.0;
    for (int k = 0; k < 3; k++) {
        double n = e->n[k];
        all *= edge[k] + 2.0 < n ? edge[k] + 2.0 : n;
        own *= edge[k];
    }
    return all - own;
}

#define RAGGED_ROWS 1.0

/* What cutting across an axis at a distance from the low face costs more if no whole layer ends there: both sides see
 * one more row. */
double sk_estimate_step(const double edge[3], int axis, double at)
{
    if (fabs(at - sk_round(at)) < 1e-6)
        return 0.0;
    double b = edge[(axis + 1) % 3], c = edge[(axis + 2) % 3];
    return RAGGED_ROWS * (b < c ? b : c);
}

/* Ghosts of all ranks if the box is cut in layers, those in columns, those in bricks; whole numbers of layers and
 * columns only, the formula for many ranks. */
static double staggered_ghosts(const struct sk_estimate *e, int ranks, const double edge[3])
{
    double volume = edge[0] * edge[1] * edge[2] / ranks, side = sk_cbrt(volume), least = HUGE_VAL;
    for (int order = 0; order < 6; order++) {
        int a = order % 3, b = (a + 1 + order / 3) % 3, c = 3 - a - b;
        double layers = floor(edge[a] / side);
        for (int i = 0; i < 2; i++, layers += 1.0) {
            double thick = edge[a] / (layers < 1.0 ? 1.0 : layers), wide = sqrt(volume / thick);
            double columns = floor(edge[b] / wide);
            for (int j = 0; j < 2; j++, columns += 1.0) {
                double brick[3];
                brick[a] = thick;
                brick[b] = edge[b] / (columns < 1.0 ? 1.0 : columns);
                brick[c] = volume / (thick * brick[b]);
                if (brick[c] > edge[c] * (1.0 + 1e-9))
                    continue;
                double ghosts = ranks * box_ghosts(e, brick);
                least = ghosts < least ? ghosts : least;
            }
        }
    }
    return least;
}

#define SK_RATIOS     12
#define ALL_RATIOS_TO 12

/* The numbers of ranks that may go left, at most half; returns how many. */
int sk_estimate_ratios(int ranks, double layers, int ratio[SK_RATIOS])
{
    int count = 0;
    if (ranks <= ALL_RATIOS_TO) {
        for (int q = ranks / 2; q >= 1; q--)
            ratio[count++] = q;
        return count;
    }
    int tries[SK_RATIOS], ntries = 0;
    tries[ntries++] = ranks / 2;
    for (int i = 0; i < 3; i++) {
        double k = floor(layers) + i;
        if (k < 2.0)
            continue;
        int q = (int)(ranks * floor(0.5 * k) / k + 0.5);
        tries[ntries++] = q;
        tries[ntries++] = q - 1;
        tries[ntries++] = q + 1;
    }
    for (int i = 0; i < ntries; i++) {
        bool is_new = tries[i] >= 1 && tries[i] <= ranks / 2;
        for (int j = 0; j < count; j++)
            is_new &= ratio[j] != tries[i];
        if (is_new)
            ratio[count++] = tries[i];
    }
    return count;
}

static uint64_t memo_key(int ranks, const double edge[3])
{
    uint64_t key = (uint64_t)ranks;
    for (int k = 0; k < 3; k++) {
        int64_t nearest = sk_round(edge[k]);
        bool is_whole = fabs(edge[k] - (double)nearest) < 1e-6 && nearest < 2048;
        key = key << 12 | (is_whole ? 2048u + (uint64_t)nearest
                                    : (uint64_t)(32.0 * 1.4426950408889634 * sk_log(64.0 * edge[k] + 1.0)));
    }
    return key + 1;
}

static struct sk_memo *memo_slot(struct sk_memo *memo, size_t size, uint64_t key)
{
    size_t slot = (size_t)(key * 0x9e3779b97f4a7c15u >> 20) & (size - 1);
    while (memo[slot].key && memo[slot].key != key)
        slot = (slot + 1) & (size - 1);
    return &memo[slot];
}

static void memo_put(struct sk_estimate *e, uint64_t key, double ghosts)
{
    if (2 * (e->memo_used + 1) > e->memo_size) {
        size_t size = e->memo_size ? 2 * e->memo_size : 4096;
        struct sk_memo *memo = sk_calloc(size, sizeof *memo);
        for (size_t i = 0; i < e->memo_size; i++)
            if (e->memo[i].key)
                *memo_slot(memo, size, e->memo[i].key) = e->memo[i];
        sk_free(&e->memo);
        e->memo = memo;
        e->memo_size = size;
    }
    struct sk_memo *slot = memo_slot(e->memo, e->memo_size, key);
    e->memo_used += !slot->key;
    *slot = (struct sk_memo){key, ghosts};
}

/* Least ghosts of all ranks below a node whose weight is evenly spread in a box. */
double sk_estimate_ghosts(struct sk_estimate *e, int ranks, const double edge[3])
{
    if (ranks == 1)
        return box_ghosts(e, edge);
    if (ranks >= e->exact_below)
        return staggered_ghosts(e, ranks, edge);
    uint64_t key = memo_key(ranks, edge);
    if (e->memo_size) {
        const struct sk_memo *known = memo_slot(e->memo, e->memo_size, key);
        if (known->key)
            return known->ghosts;
    }
    double least = HUGE_VAL, side = sk_cbrt(edge[0] * edge[1] * edge[2] / ranks);
    double longest = edge[0] > edge[1] ? edge[0] : edge[1];
    longest = longest > edge[2] ? longest : edge[2];
    for (int axis = 0; axis < 3; axis++) {
        if (3.0 * edge[axis] < longest)
            continue;
        int ratio[SK_RATIOS], count = sk_estimate_ratios(ranks, edge[axis] / side, ratio);
        for (int i = 0; i < count; i++) {
            double part[3] = {edge[0], edge[1], edge[2]};
            part[axis] = edge[axis] * ratio[i] / ranks;
            double ghosts = sk_estimate_step(edge, axis, part[axis]) + sk_estimate_ghosts(e, ratio[i], part);
            if (ghosts >= least)
                continue;
            part[axis] = edge[axis] - part[axis];
            ghosts += sk_estimate_ghosts(e, ranks - ratio[i], part);
            least = ghosts < least ? ghosts : least;
        }
    }
    memo_put(e, key, least);
    return least;
}
