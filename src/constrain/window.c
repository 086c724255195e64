#include "constrain/window.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

void sk_window_maker_init(struct sk_window_maker *maker, const struct sk_topology *top, int moltype,
                          const struct sk_graph *graph)
{
    const struct sk_moltype *type = &top->moltypes[moltype];
    maker->type = type;
    maker->graph = graph;
    maker->inverse_mass = sk_calloc((size_t)type->natoms, sizeof *maker->inverse_mass);
    maker->place = sk_alloc((size_t)graph->nconstraints, sizeof *maker->place);
    for (int k = 0; k < graph->nconstraints; k++) {
        const int atoms[2] = {type->constraints[k].i, type->constraints[k].j};
        for (int end = 0; end < 2; end++) {
            const int kind = type->atoms[atoms[end]].kind;
            SK_REQUIRE(kind >= 0 && kind < top->nkinds && top->kinds[kind].mass > 0.0);
            maker->inverse_mass[atoms[end]] = 1.0 / sk_template_mass(top, &type->atoms[atoms[end]]);
        }
        maker->place[k] = -1;
    }
}

void sk_window_maker_clear(struct sk_window_maker *maker)
{
    sk_free(&maker->inverse_mass);
    sk_free(&maker->place);
}

static int window_compare(const void *a, const void *b)
{
    const int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* Appends the constraints that share an atom with list[from..to) and are not in the list; returns the new length. */
static int window_layer(struct sk_window_maker *maker, int **list, size_t *capacity, int from, int to)
{
    const struct sk_graph *graph = maker->graph;
    int n = to;
    for (int c = from; c < to; c++) {
        const struct sk_constraint *constraint = &maker->type->constraints[(*list)[c]];
        const int atoms[2] = {constraint->i, constraint->j};
        for (int end = 0; end < 2; end++)
            for (int e = graph->atom_start[atoms[end]]; e < graph->atom_start[atoms[end] + 1]; e++) {
                const int other = graph->atom_constraint[e];
                if (maker->place[other] >= 0)
                    continue;
                maker->place[other] = 0;
                sk_reserve(list, capacity, (size_t)n + 1);
                (*list)[n++] = other;
            }
    }
    return n;
}

/* The window and its rim, each ascending, with maker->place the place in the list. */
static int *window_grow(struct sk_window_maker *maker, const int *core, int ncore, int overlap, int *nwindow,
                        int *ntotal)
{
    int *list = NULL;
    size_t capacity = 0;
    sk_reserve(&list, &capacity, (size_t)ncore);
    for (int c = 0; c < ncore; c++) {
        list[c] = core[c];
        maker->place[core[c]] = 0;
    }
    int from = 0, n = ncore;
    for (int layer = 0; layer < overlap && from < n; layer++) {
        const int to = n;
        n = window_layer(maker, &list, &capacity, from, to);
        from = to;
    }
    *nwindow = n;
    *ntotal = window_layer(maker, &list, &capacity, from, n);
    qsort(list, (size_t)*nwindow, sizeof *list, window_compare);
    qsort(list + *nwindow, (size_t)(*ntotal - *nwindow), sizeof *list, window_compare);
    for (int c = 0; c < *ntotal; c++)
        maker->place[list[c]] = c;
    return list;
}

/* For each constraint of the window those that share an atom with it, itself among them, ascending in the template, as
 * places in the list. */
static void window_adjacency(const struct sk_window_maker *maker, const int *list, int nwindow, int **start, int **next)
{
    const struct sk_graph *graph = maker->graph;
    size_t capacity = 0, n = 0;
    *start = sk_alloc((size_t)nwindow + 1, sizeof **start);
    *next = NULL;
    for (int c = 0; c < nwindow; c++) {
        (*start)[c] = (int)n;
        const struct sk_constraint *constraint = &maker->type->constraints[list[c]];
        int a = graph->atom_start[constraint->i], b = graph->atom_start[constraint->j];
        const int a_end = graph->atom_start[constraint->i + 1], b_end = graph->atom_start[constraint->j + 1];
        sk_reserve(next, &capacity, n + (size_t)(a_end - a + b_end - b));
        while (a < a_end || b < b_end) {
            const int of_i = a < a_end ? graph->atom_constraint[a] : graph->nconstraints;
            const int of_j = b < b_end ? graph->atom_constraint[b] : graph->nconstraints;
            const int least = of_i < of_j ? of_i : of_j;
            a += of_i == least;
            b += of_j == least;
            (*next)[n++] = maker->place[least];
        }
    }
    (*start)[nwindow] = (int)n;
}

/* A breadth-first walk over the window from root: order[] and level[] of what it reaches; returns how many. */
static int window_walk(const int *start, const int *next, int nwindow, int root, int *order, int *level)
{
    for (int c = 0; c < nwindow; c++)
        level[c] = -1;
    int n = 0;
    order[n++] = root;
    level[root] = 0;
    for (int done = 0; done < n; done++) {
        const int c = order[done], first = n;
        for (int e = start[c]; e < start[c + 1]; e++) {
            const int other = next[e];
            if (other >= nwindow || level[other] >= 0)
                continue;
            level[other] = level[c] + 1;
            /* Cuthill and McKee: fewest neighbours first, and by index where they are as many. */
            const int degree = start[other + 1] - start[other];
            int at = n++;
            for (; at > first && start[order[at - 1] + 1] - start[order[at - 1]] > degree; at--)
                order[at] = order[at - 1];
            order[at] = other;
        }
    }
    return n;
}

/* Reverse Cuthill-McKee from a constraint that the walk of George and Liu finds: far from all others. order[place in
 * the window] = place in the list. */
static void window_order(const int *start, const int *next, int nwindow, int *order)
{
    int *level = sk_alloc((size_t)nwindow, sizeof *level);
    int root = 0, height = -1;
    for (int c = 1; c < nwindow; c++)
        if (start[c + 1] - start[c] < start[root + 1] - start[root])
            root = c;
    for (;;) {
        const int n = window_walk(start, next, nwindow, root, order, level);
        SK_REQUIRE(n == nwindow);
        const int last = level[order[n - 1]];
        if (last <= height)
            break;
        height = last;
        int best = -1;
        for (int c = 0; c < nwindow; c++)
            if (level[c] == last && (best < 0 || start[c + 1] - start[c] < start[best + 1] - start[best]))
                best = c;
        root = best;
    }
    for (int c = 0; c < nwindow / 2; c++) {
        const int other = order[c];
        order[c] = order[nwindow - 1 - c];
        order[nwindow - 1 - c] = other;
    }
    sk_free(&level);
}

/* c_kl: the sum over shared atoms of the product of signs over the mass. */
static double window_coupling(const struct sk_window_maker *maker, int k, int l)
{
    const struct sk_constraint *a = &maker->type->constraints[k], *b = &maker->type->constraints[l];
    const double of_i = maker->inverse_mass[a->i], of_j = maker->inverse_mass[a->j];
    double sum = 0.0;
    if (a->i == b->i)
        sum += of_i;
    if (a->i == b->j)
        sum -= of_i;
    if (a->j == b->i)
        sum -= of_j;
    if (a->j == b->j)
        sum += of_j;
    return sum;
}

static void window_fill(const struct sk_window_maker *maker, const int *constraint, const int *core, int ncore,
                        const int *start, const int *next, const int *order, const int *place,
                        struct sk_fragment_shape *shape)
{
    const size_t nwindow = (size_t)shape->nwindow, nnext = (size_t)start[shape->nwindow];
    shape->neighbour_start = sk_alloc(nwindow + 1, sizeof *shape->neighbour_start);
    shape->neighbour = sk_alloc(nnext, sizeof *shape->neighbour);
    shape->coupling = sk_alloc(nnext, sizeof *shape->coupling);
    shape->length2 = sk_alloc(nwindow, sizeof *shape->length2);
    shape->is_core = sk_alloc(nwindow, sizeof *shape->is_core);
    shape->first = sk_alloc(nwindow, sizeof *shape->first);
    shape->row_start = sk_alloc(nwindow + 1, sizeof *shape->row_start);
    int n = 0, rows = 0;
    for (int k = 0; k < shape->nwindow; k++) {
        const double length = maker->type->constraints[constraint[k]].length;
        shape->length2[k] = length * length;
        shape->neighbour_start[k] = n;
        shape->row_start[k] = rows;
        shape->first[k] = k;
        for (int e = start[order[k]]; e < start[order[k] + 1]; e++) {
            const int l = next[e] < shape->nwindow ? place[next[e]] : next[e];
            shape->neighbour[n] = l;
            shape->coupling[n++] = window_coupling(maker, constraint[k], constraint[l]);
            if (l < shape->first[k])
                shape->first[k] = l;
        }
        rows += k - shape->first[k];
        shape->is_core[k] = bsearch(&constraint[k], core, (size_t)ncore, sizeof *core, window_compare) != NULL;
    }
    shape->neighbour_start[shape->nwindow] = n;
    shape->row_start[shape->nwindow] = rows;
}

/* Who owns and lists the fragment. */
static void window_describe(const struct sk_moltype *type, const int *core, int ncore, int ntotal,
                            struct sk_fragment *fragment)
{
    fragment->ncore = ncore;
    fragment->anchor = type->constraints[core[ncore / 2]].i;
    const int group = type->group_of[fragment->anchor];
    fragment->is_local = true;
    for (int c = 0; c < ntotal; c++) {
        const struct sk_constraint *constraint = &type->constraints[fragment->constraint[c]];
        if (type->group_of[constraint->i] != group || type->group_of[constraint->j] != group)
            fragment->is_local = false;
    }
}

void sk_window_make(struct sk_window_maker *maker, const int *core, int ncore, int overlap,
                    struct sk_fragment *fragment, struct sk_fragment_shape *shape)
{
    int nwindow, ntotal, *start, *next;
    int *list = window_grow(maker, core, ncore, overlap, &nwindow, &ntotal);
    window_adjacency(maker, list, nwindow, &start, &next);
    int *order = sk_alloc((size_t)nwindow, sizeof *order), *place = sk_alloc((size_t)nwindow, sizeof *place);
    window_order(start, next, nwindow, order);
    fragment->constraint = sk_alloc((size_t)ntotal, sizeof *fragment->constraint);
    for (int k = 0; k < ntotal; k++)
        fragment->constraint[k] = list[k < nwindow ? order[k] : k];
    for (int k = 0; k < nwindow; k++)
        place[order[k]] = k;
    window_describe(maker->type, core, ncore, ntotal, fragment);
    *shape = (struct sk_fragment_shape){.nwindow = nwindow, .ntotal = ntotal};
    window_fill(maker, fragment->constraint, core, ncore, start, next, order, place, shape);
    for (int c = 0; c < ntotal; c++)
        maker->place[list[c]] = -1;
    sk_free(&start);
    sk_free(&next);
    sk_free(&order);
    sk_free(&place);
    sk_free(&list);
}

/* The arrays of a shape, for what compares them. */
enum { WINDOW_PARTS = 7 };
static void window_parts(const struct sk_fragment_shape *shape, const void *part[WINDOW_PARTS],
                         size_t bytes[WINDOW_PARTS])
{
    const size_t n = (size_t)shape->nwindow, nneighbours = (size_t)shape->neighbour_start[n];
    const void *const parts[WINDOW_PARTS] = {shape->neighbour_start, shape->neighbour, shape->coupling, shape->length2,
                                             shape->is_core,         shape->first,     shape->row_start};
    const size_t sizes[WINDOW_PARTS] = {
        (n + 1) * sizeof *shape->neighbour_start,
        nneighbours * sizeof *shape->neighbour,
        nneighbours * sizeof *shape->coupling,
        n * sizeof *shape->length2,
        n * sizeof *shape->is_core,
        n * sizeof *shape->first,
        (n + 1) * sizeof *shape->row_start,
    };
    memcpy(part, parts, sizeof parts);
    memcpy(bytes, sizes, sizeof sizes);
}

uint64_t sk_window_hash(const struct sk_fragment_shape *shape)
{
    const void *part[WINDOW_PARTS];
    size_t bytes[WINDOW_PARTS];
    uint64_t hashes[WINDOW_PARTS + 1];
    window_parts(shape, part, bytes);
    for (int p = 0; p < WINDOW_PARTS; p++)
        hashes[p] = sk_hash(part[p], bytes[p]);
    hashes[WINDOW_PARTS] = (uint64_t)shape->ntotal;
    return sk_hash(hashes, sizeof hashes);
}

bool sk_window_is_same(const struct sk_fragment_shape *a, const struct sk_fragment_shape *b)
{
    if (a->nwindow != b->nwindow || a->ntotal != b->ntotal ||
        a->neighbour_start[a->nwindow] != b->neighbour_start[b->nwindow])
        return false;
    const void *part_a[WINDOW_PARTS], *part_b[WINDOW_PARTS];
    size_t bytes_a[WINDOW_PARTS], bytes_b[WINDOW_PARTS];
    window_parts(a, part_a, bytes_a);
    window_parts(b, part_b, bytes_b);
    for (int p = 0; p < WINDOW_PARTS; p++)
        if (memcmp(part_a[p], part_b[p], bytes_a[p]) != 0)
            return false;
    return true;
}

void sk_fragment_clear(struct sk_fragment *fragment, struct sk_fragment_shape *shape)
{
    sk_free(&fragment->constraint);
    sk_free(&shape->neighbour_start);
    sk_free(&shape->neighbour);
    sk_free(&shape->coupling);
    sk_free(&shape->length2);
    sk_free(&shape->is_core);
    sk_free(&shape->first);
    sk_free(&shape->row_start);
}

size_t sk_fragment_lanes_bytes(const struct sk_fragment_shape *shape)
{
    const size_t rows = 3 * (size_t)shape->ntotal + (size_t)shape->ntotal + 8 * (size_t)shape->nwindow +
                        2 * (size_t)shape->row_start[shape->nwindow];
    return rows * sizeof(double[SK_FRAGMENT_LANES]);
}

void sk_fragment_lanes_place(const struct sk_fragment_shape *shape, void *memory, struct sk_fragment_lanes *lanes)
{
    double(*row)[SK_FRAGMENT_LANES] = memory;
    lanes->s = (double(*)[3][SK_FRAGMENT_LANES])row;
    row += 3 * (size_t)shape->ntotal;
    lanes->p = (double(*)[3][SK_FRAGMENT_LANES])row;
    row += 3 * (size_t)shape->nwindow;
    lanes->r = (double(*)[3][SK_FRAGMENT_LANES])row;
    row += 3 * (size_t)shape->nwindow;
    lanes->lambda = row;
    row += shape->ntotal;
    lanes->f = row;
    row += shape->nwindow;
    lanes->diagonal = row;
    row += shape->nwindow;
    lanes->lower = row;
    row += shape->row_start[shape->nwindow];
    lanes->upper = row;
}
