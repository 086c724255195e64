#include "curve/load.h"

#include <math.h>
#include <stdbool.h>

#include "base/math.h"
#include "base/memory.h"

#define SAMPLES     6                  /* a cell's edge is sampled at so many places */
#define PARTS       16                 /* of a pair */
#define HALF_SPHERE 2.0943951023931953 /* 2/3 pi */

struct sk_cost sk_cost_default(void)
{
    return (struct sk_cost){1.0, 50.0, 0.0};
}

/* Two cells at an offset, and the share of the pairs between them that is within the radius. */
struct neighbour {
    int32_t offset[3];
    double share;
};

static double gap_of(int32_t offset, double edge)
{
    return offset == 0 ? 0.0 : (double)((offset > 0 ? offset : -offset) - 1) * edge;
}

/* Atoms of a cell and of one at an offset along an axis are (offset + b - a) edges apart, a and b even in [0, 1): the
 * difference has a triangular density. */
static double share_of(const int32_t offset[3], const double edge[3], double radius)
{
    double square[3][2 * SAMPLES], weight[2 * SAMPLES], share = 0.0;
    for (int i = 0; i < 2 * SAMPLES; i++) {
        double difference = (i + 0.5) / SAMPLES - 1.0;
        weight[i] = (1.0 - fabs(difference)) / SAMPLES;
        for (int k = 0; k < 3; k++) {
            double distance = (offset[k] + difference) * edge[k];
            square[k][i] = distance * distance;
        }
    }
    for (int a = 0; a < 2 * SAMPLES; a++)
        for (int b = 0; b < 2 * SAMPLES; b++)
            for (int c = 0; c < 2 * SAMPLES; c++)
                if (square[0][a] + square[1][b] + square[2][c] < radius * radius)
                    share += weight[a] * weight[b] * weight[c];
    return share;
}

/* One of each pair of opposite offsets, and none; returns how many. */
static int list_neighbours(const int32_t n[3], const double edge[3], double radius, struct neighbour **list)
{
    int32_t reach[3];
    int count = 0;
    double sum = 0.0;
    for (int k = 0; k < 3; k++) {
        double cells = floor(radius / edge[k]) + 1.0;
        reach[k] = cells < n[k] ? (int32_t)cells : n[k];
    }
    *list = sk_alloc((size_t)(2 * reach[0] + 1) * (size_t)(2 * reach[1] + 1) * (size_t)(reach[2] + 1), sizeof **list);
    for (int32_t z = 0; z <= reach[2]; z++)
        for (int32_t y = z ? -reach[1] : 0; y <= reach[1]; y++)
            for (int32_t x = z || y ? -reach[0] : 0; x <= reach[0]; x++) {
                double gap[3] = {gap_of(x, edge[0]), gap_of(y, edge[1]), gap_of(z, edge[2])};
                if (gap[0] * gap[0] + gap[1] * gap[1] + gap[2] * gap[2] >= radius * radius)
                    continue;
                struct neighbour *at = &(*list)[count++];
                *at = (struct neighbour){{x, y, z}, 0.0};
                at->share = share_of(at->offset, edge, radius) * (x || y || z ? 1.0 : 0.5);
                sum += at->share;
            }
    /* all shares are half the sphere's volume in cells, which the samples meet to within 2 %, or 30 % for large cells
     */
    double right = HALF_SPHERE * radius * radius * radius / (edge[0] * edge[1] * edge[2]);
    bool is_whole = radius < n[0] * edge[0] && radius < n[1] * edge[1] && radius < n[2] * edge[2];
    for (int i = 0; i < count && is_whole && sum > 0.0; i++)
        (*list)[i].share *= right / sum;
    return count;
}

static int32_t wrap(int32_t at, int32_t n)
{
    return at < 0 ? at + n : at >= n ? at - n : at;
}

struct grid {
    const int32_t *n, *atoms;
    const struct neighbour *list;
    int count;
};

static int64_t at_offset(const struct grid *g, const int32_t at[3], int32_t x, int32_t y, int32_t z)
{
    return wrap(at[0] + x, g->n[0]) +
           (int64_t)g->n[0] * (wrap(at[1] + y, g->n[1]) + (int64_t)g->n[1] * wrap(at[2] + z, g->n[2]));
}

/* Adds to pairs[] of the corner cells those of one cell with the others of its half shell, times the mean of per_pair[]
 * of both (NULL: 1); to both[], unless NULL, the pairs of each of the two cells. */
static void add_cell(const struct grid *g, const int32_t at[3], const float *per_pair, double *pairs, double *both)
{
    int64_t cell = at_offset(g, at, 0, 0, 0);
    double here = g->atoms[cell];
    for (int i = 0; i < g->count && here > 0; i++) {
        const int32_t *d = g->list[i].offset;
        int64_t other = at_offset(g, at, d[0], d[1], d[2]);
        double found = here * g->atoms[other] * g->list[i].share;
        if (both) {
            both[cell] += found;
            both[other] += found;
            continue;
        }
        if (per_pair)
            found *= 0.5 * (per_pair[cell] + per_pair[other]);
        pairs[at_offset(g, at, d[0] < 0 ? d[0] : 0, d[1] < 0 ? d[1] : 0, d[2] < 0 ? d[2] : 0)] += found;
    }
}

static void add_cells(const struct grid *g, const float *per_pair, double *pairs, double *both)
{
    int32_t at[3];
    for (at[2] = 0; at[2] < g->n[2]; at[2]++)
        for (at[1] = 0; at[1] < g->n[1]; at[1]++)
            for (at[0] = 0; at[0] < g->n[0]; at[0]++)
                add_cell(g, at, per_pair, pairs, both);
}

static void estimate(const int32_t n[3], const double edge[3], double radius, const int32_t *atoms, bool in_tiles,
                     int64_t *value)
{
    struct neighbour *list;
    struct grid g = {n, atoms, NULL, list_neighbours(n, edge, radius, &list)};
    g.list = list;
    int64_t cells = (int64_t)n[0] * n[1] * n[2];
    double *sum = sk_calloc((size_t)cells, sizeof *sum);
    float *per_pair = in_tiles ? sk_alloc((size_t)cells, sizeof *per_pair) : NULL;
    if (in_tiles) {
        add_cells(&g, NULL, NULL, sum);
        for (int64_t i = 0; i < cells; i++) {
            double of_atom = atoms[i] > 0 ? 0.5 * sum[i] / atoms[i] : 0.0;
            per_pair[i] = (float)(1.0 / (0.7 + (of_atom > 0.0 ? 1.55 * sk_exp(0.42 * sk_log(of_atom)) : 0.0)));
            sum[i] = 0.0;
        }
    }
    add_cells(&g, per_pair, sum, NULL);
    for (int64_t i = 0; i < cells; i++)
        value[i] = (int64_t)floor(sum[i] * PARTS + 0.5);
    sk_free(&per_pair);
    sk_free(&sum);
    sk_free(&list);
}

void sk_load_pairs(const int32_t n[3], const double edge[3], double radius, const int32_t *atoms, int64_t *pairs)
{
    estimate(n, edge, radius, atoms, false, pairs);
}

void sk_load_tiles(const int32_t n[3], const double edge[3], double radius, const int32_t *atoms, int64_t *tiles)
{
    estimate(n, edge, radius, atoms, true, tiles);
}

void sk_load_weigh(int64_t cells, const int64_t *pairs, const int32_t *atoms, const struct sk_cost *cost,
                   int64_t *weight)
{
    for (int64_t i = 0; i < cells; i++)
        weight[i] = (int64_t)floor(cost->pair * (double)pairs[i] + PARTS * (cost->atom * atoms[i] + cost->cell) + 0.5);
}
