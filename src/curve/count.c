#include "curve/count.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "base/sets.h"
#include "base/status.h"

struct sk_stencil sk_stencil_shell(void)
{
    return (struct sk_stencil){{-1, -1, -1}, {1, 1, 1}};
}

struct sk_stencil sk_stencil_corner(const int32_t reach[3])
{
    return (struct sk_stencil){{0, 0, 0}, {reach[0], reach[1], reach[2]}};
}

/* What one rank receives, by sender; few, so that a search along them is short. */
struct row {
    struct sk_traffic *list;
    size_t capacity;
    int32_t count, last;
};

struct counting {
    struct sk_count *count;
    const int32_t *n, *owner, *atoms;
    const int64_t *weight;
    struct row *rows;
    const int32_t **source; /* rows of owners that a row of cells looks at */
    int nsources;
    int32_t low, high; /* of the stencil along x */
    int32_t *differs;  /* [n0]: not zero where the stencil sees another rank */
};

static int32_t wrap(int32_t x, int32_t n)
{
    x %= n;
    return x < 0 ? x + n : x;
}

static void row_add(struct row *row, int32_t from, int64_t atoms)
{
    int32_t at = row->last;
    if (at >= row->count || row->list[at].from != from)
        for (at = 0; at < row->count && row->list[at].from != from;)
            at++;
    if (at == row->count) {
        sk_reserve(&row->list, &row->capacity, (size_t)row->count + 1);
        row->list[row->count++] = (struct sk_traffic){from, 0, 0};
    }
    row->list[at].cells++;
    row->list[at].atoms += atoms;
    row->last = at;
}

/* Marks the cells of a row of which some cell of the stencil has another owner: plain loops for vector units, for
 * most cells have none. */
static void find_differences(const struct counting *c, const int32_t *own)
{
    const int32_t n = c->n[0];
    memset(c->differs, 0, (size_t)n * sizeof *c->differs);
    for (int s = 0; s < c->nsources; s++) {
        const int32_t *other = c->source[s];
        for (int32_t d = c->low; d <= c->high; d++) {
            int32_t shift = wrap(-d, n), seam = n - shift; /* c = x - d */
            for (int32_t x = 0; x < seam; x++)
                c->differs[x] |= own[x] ^ other[x + shift];
            for (int32_t x = seam; x < n; x++)
                c->differs[x] |= own[x] ^ other[x - seam];
        }
    }
}

/* Gives the cell to every other rank in its stencil. */
static void give_cell(const struct counting *c, int32_t x, int32_t owner, int64_t atoms)
{
    int32_t seen[64], nseen = 0, previous = owner;
    int32_t *all = seen;
    size_t most = sizeof seen / sizeof *seen;
    int32_t *longer = NULL;
    for (int s = 0; s < c->nsources; s++)
        for (int32_t d = c->low; d <= c->high; d++) {
            int32_t at = x - d;
            if (at < 0 || at >= c->n[0])
                at = wrap(at, c->n[0]);
            int32_t other = c->source[s][at];
            if (other == owner || other == previous)
                continue;
            previous = other;
            int32_t k = 0;
            while (k < nseen && all[k] != other)
                k++;
            if (k < nseen)
                continue;
            if ((size_t)nseen == most) {
                if (!longer) {
                    size_t capacity = 0;
                    sk_reserve(&longer, &capacity, (size_t)c->nsources * (size_t)(c->high - c->low + 1));
                    memcpy(longer, seen, sizeof seen);
                    all = longer;
                }
                most = SIZE_MAX;
            }
            all[nseen++] = other;
            row_add(&c->rows[other], owner, atoms);
        }
    sk_free(&longer);
}

static void count_row(const struct counting *c, int64_t first)
{
    const int32_t *own = c->owner + first;
    for (int32_t x = 0; x < c->n[0]; x++) {
        SK_REQUIRE(own[x] >= 0 && own[x] < c->count->nranks);
        struct sk_rank_count *rank = &c->count->rank[own[x]];
        int64_t atoms = c->atoms ? c->atoms[first + x] : 0;
        rank->cells++;
        rank->weight += c->weight ? c->weight[first + x] : 1;
        rank->atoms += atoms;
        if (c->differs[x])
            give_cell(c, x, own[x], atoms);
    }
}

static int by_sender(const void *a, const void *b)
{
    int32_t x = ((const struct sk_traffic *)a)->from, y = ((const struct sk_traffic *)b)->from;
    return (x > y) - (x < y);
}

/* From rows to arrays without gaps, and the sums over them. */
static void gather_rows(struct sk_count *count, struct row *rows)
{
    count->first = sk_alloc((size_t)count->nranks + 1, sizeof *count->first);
    count->first[0] = 0;
    for (int r = 0; r < count->nranks; r++)
        count->first[r + 1] = count->first[r] + rows[r].count;
    count->traffic = sk_alloc((size_t)count->first[count->nranks] + 1, sizeof *count->traffic);
    for (int r = 0; r < count->nranks; r++) {
        struct sk_traffic *traffic = count->traffic + count->first[r];
        if (rows[r].count) {
            memcpy(traffic, rows[r].list, (size_t)rows[r].count * sizeof *traffic);
            qsort(traffic, (size_t)rows[r].count, sizeof *traffic, by_sender);
        }
        struct sk_rank_count *to = &count->rank[r];
        to->neighbours = rows[r].count;
        for (int32_t k = 0; k < rows[r].count; k++) {
            struct sk_rank_count *from = &count->rank[traffic[k].from];
            to->ghosts += traffic[k].cells;
            to->ghost_atoms += traffic[k].atoms;
            from->sent += traffic[k].cells;
            from->sent_atoms += traffic[k].atoms;
        }
        sk_free(&rows[r].list);
    }
}

void sk_count_make(struct sk_count *count, const int32_t n[3], int nranks, const int32_t *owner, const int64_t *weight,
                   const int32_t *atoms, const struct sk_stencil *stencil)
{
    for (int k = 0; k < 3; k++)
        SK_REQUIRE(n[k] >= 1 && stencil->low[k] <= 0 && stencil->high[k] >= 0);
    *count = (struct sk_count){.nranks = nranks};
    count->rank = sk_calloc((size_t)nranks, sizeof *count->rank);
    struct counting c = {count, n, owner, atoms, weight, NULL, NULL, 0, stencil->low[0], stencil->high[0], NULL};
    int32_t ny = stencil->high[1] - stencil->low[1] + 1, nz = stencil->high[2] - stencil->low[2] + 1;
    c.nsources = ny * nz;
    c.rows = sk_calloc((size_t)nranks, sizeof *c.rows);
    c.source = sk_alloc((size_t)c.nsources, sizeof *c.source);
    c.differs = sk_alloc((size_t)n[0], sizeof *c.differs);
    for (int32_t z = 0; z < n[2]; z++)
        for (int32_t y = 0; y < n[1]; y++) {
            for (int s = 0; s < c.nsources; s++) {
                int32_t sy = wrap(y - stencil->low[1] - s % ny, n[1]), sz = wrap(z - stencil->low[2] - s / ny, n[2]);
                c.source[s] = owner + (int64_t)n[0] * (sy + (int64_t)n[1] * sz);
            }
            int64_t first = (int64_t)n[0] * (y + (int64_t)n[1] * z);
            find_differences(&c, owner + first);
            count_row(&c, first);
        }
    gather_rows(count, c.rows);
    sk_free(&c.differs);
    sk_free(&c.source);
    sk_free(&c.rows);
}

static void join(int32_t *parent, const int32_t *owner, int32_t a, int32_t b)
{
    if (owner[a] == owner[b])
        sk_sets_join(parent, a, b);
}

void sk_count_components(struct sk_count *count, const int32_t n[3], const int32_t *owner)
{
    int64_t cells = (int64_t)n[0] * n[1] * n[2], plane = (int64_t)n[0] * n[1];
    SK_REQUIRE(cells <= INT32_MAX);
    int32_t *parent = sk_alloc((size_t)cells, sizeof *parent);
    sk_sets_init(parent, (int32_t)cells);
    int32_t cell = 0;
    for (int32_t z = 0; z < n[2]; z++)
        for (int32_t y = 0; y < n[1]; y++)
            for (int32_t x = 0; x < n[0]; x++, cell++) {
                join(parent, owner, x > 0 ? cell - 1 : cell + n[0] - 1, cell);
                join(parent, owner, y > 0 ? cell - n[0] : (int32_t)(cell + plane - n[0]), cell);
                join(parent, owner, (int32_t)(z > 0 ? cell - plane : cell + cells - plane), cell);
            }
    for (int r = 0; r < count->nranks; r++)
        count->rank[r].components = 0;
    for (cell = 0; cell < cells; cell++)
        count->rank[owner[cell]].components += parent[cell] == cell;
    sk_free(&parent);
}

void sk_count_clear(struct sk_count *count)
{
    sk_free(&count->rank);
    sk_free(&count->first);
    sk_free(&count->traffic);
    count->nranks = 0;
}

#define MORE(most, value) ((most) = (value) > (most) ? (value) : (most))

void sk_count_summarize(const struct sk_count *count, int ranks_per_node, struct sk_count_summary *summary)
{
    *summary = (struct sk_count_summary){0};
    int64_t weight = 0, weight_max = 0, components = 0, away = 0, away_atoms = 0;
    int node = ranks_per_node > 0 ? ranks_per_node : 1;
    for (int r = 0; r < count->nranks; r++) {
        const struct sk_rank_count *rank = &count->rank[r];
        weight += rank->weight;
        MORE(weight_max, rank->weight);
        summary->ghosts += rank->ghosts;
        MORE(summary->ghosts_max, rank->ghosts);
        summary->ghost_atoms += rank->ghost_atoms;
        MORE(summary->ghost_atoms_max, rank->ghost_atoms);
        summary->messages += rank->neighbours;
        MORE(summary->neighbours_max, rank->neighbours);
        components += rank->components;
        MORE(summary->components_max, rank->components);
        for (int64_t k = count->first[r]; k < count->first[r + 1]; k++)
            if (count->traffic[k].from / node != r / node) {
                away += count->traffic[k].cells;
                away_atoms += count->traffic[k].atoms;
            }
    }
    double ranks = count->nranks;
    summary->imbalance = weight ? (double)weight_max * ranks / (double)weight : 1.0;
    summary->ghosts_mean = (double)summary->ghosts / ranks;
    summary->ghost_atoms_mean = (double)summary->ghost_atoms / ranks;
    summary->neighbours_mean = (double)summary->messages / ranks;
    summary->components_mean = (double)components / ranks;
    summary->off_node = summary->ghosts ? (double)away / (double)summary->ghosts : 0.0;
    summary->off_node_atoms = summary->ghost_atoms ? (double)away_atoms / (double)summary->ghost_atoms : 0.0;
}

static double grown(double length, double shell, double edge)
{
    return length + 2.0 * shell < edge ? length + 2.0 * shell : edge;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

double sk_count_ideal(const int32_t n[3], double cells)
{
    return sk_count_ideal_shell(n, cells, 1);
}

double sk_count_ideal_shell(const int32_t n[3], double cells, int reach)
{
    double least = (double)n[0] * n[1] * n[2] - cells; /* all that is foreign */
    double side = sk_cbrt(cells);
    if (side <= n[0] && side <= n[1] && side <= n[2])
        least = smaller(least, grown(side, reach, n[0]) * grown(side, reach, n[1]) * grown(side, reach, n[2]) - cells);
    for (int k = 0; k < 3; k++) {
        double a = n[(k + 1) % 3], b = n[(k + 2) % 3];
        side = sqrt(cells / n[k]); /* a tube along k */
        if (side <= a && side <= b)
            least = smaller(least, n[k] * grown(side, reach, a) * grown(side, reach, b) - cells);
        side = cells / (a * b); /* a slab across k */
        if (side <= n[k])
            least = smaller(least, a * b * grown(side, reach, n[k]) - cells);
    }
    return least > 0.0 ? least : 0.0;
}
