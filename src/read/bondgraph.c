#include "read/bondgraph.h"

#include "base/memory.h"

void sk_place_pairs_add(struct sk_place_pairs *pairs, int i, int j)
{
    sk_reserve(&pairs->pair, &pairs->capacity, pairs->n + 1);
    pairs->pair[pairs->n][0] = i;
    pairs->pair[pairs->n++][1] = j;
}

void sk_place_pairs_clear(struct sk_place_pairs *pairs)
{
    sk_free(&pairs->pair);
    pairs->n = pairs->capacity = 0;
}

/* Rows of neighbours, both directions. */
struct graph {
    size_t *start;  /* [natoms + 1] */
    int *neighbour; /* [2 x bonds] */
};

static void graph_make(struct graph *graph, int natoms, const struct sk_place_pairs *bonds)
{
    size_t n = (size_t)natoms;
    graph->start = sk_calloc(n + 2, sizeof *graph->start);
    graph->neighbour = sk_alloc(2 * bonds->n, sizeof *graph->neighbour);
    size_t *next = graph->start + 1; /* next[i] becomes the end of row i */
    for (size_t b = 0; b < bonds->n; b++) {
        next[bonds->pair[b][0] + 1]++;
        next[bonds->pair[b][1] + 1]++;
    }
    for (size_t i = 0; i < n; i++)
        next[i + 1] += next[i];
    for (size_t b = 0; b < bonds->n; b++) {
        int i = bonds->pair[b][0], j = bonds->pair[b][1];
        graph->neighbour[next[i]++] = j;
        graph->neighbour[next[j]++] = i;
    }
}

/* Breadth first from i: queue holds the places found, from[] who was seen from where last. */
static void graph_walk(const struct graph *graph, int i, int depth, const bool *is_excluded, int *queue, int *from,
                       struct sk_place_pairs *found)
{
    int head = 0, tail = 1;
    queue[0] = i;
    from[i] = i;
    for (int d = 1; d <= depth && head < tail; d++)
        for (int level = tail; head < level; head++)
            for (size_t k = graph->start[queue[head]]; k < graph->start[queue[head] + 1]; k++) {
                int j = graph->neighbour[k];
                if (from[j] == i)
                    continue;
                from[j] = i;
                queue[tail++] = j;
                if (j > i && (!is_excluded || is_excluded[d - 1]))
                    sk_place_pairs_add(found, i, j);
            }
}

bool sk_bondgraph_exclude(int natoms, const struct sk_place_pairs *bonds, int depth, const bool *is_excluded,
                          struct sk_place_pairs *found)
{
    struct graph graph;
    if (bonds->n == 0 || depth == 0)
        return true;
    graph_make(&graph, natoms, bonds);
    int *queue = sk_alloc((size_t)natoms, sizeof *queue), *from = sk_alloc((size_t)natoms, sizeof *from);
    for (int i = 0; i < natoms; i++)
        from[i] = -1;
    for (int i = 0; i < natoms && found->n <= SK_PLACE_PAIRS_MAX; i++)
        graph_walk(&graph, i, depth, is_excluded, queue, from, found);
    sk_free(&queue);
    sk_free(&from);
    sk_free(&graph.start);
    sk_free(&graph.neighbour);
    return found->n <= SK_PLACE_PAIRS_MAX;
}

void sk_bondgraph_set(const struct sk_place_pairs *pairs, struct sk_moltype *type)
{
    type->excluded_start = sk_calloc((size_t)type->natoms + 2, sizeof *type->excluded_start);
    type->excluded = sk_alloc(pairs->n, sizeof *type->excluded);
    int *next = type->excluded_start + 1; /* next[i] becomes the end of row i */
    for (size_t k = 0; k < pairs->n; k++)
        next[pairs->pair[k][0] + 1]++;
    for (int i = 0; i < type->natoms; i++)
        next[i + 1] += next[i];
    for (size_t k = 0; k < pairs->n; k++)
        type->excluded[next[pairs->pair[k][0]]++] = pairs->pair[k][1];
}
