#include "constrain/graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "constrain/window.h"

int sk_graph_overlap(double tolerance)
{
    return tolerance >= 1e-5 ? 8 : 12;
}

int sk_graph_solves(double tolerance)
{
    return tolerance >= 1e-7 ? 1 : tolerance >= 1e-13 ? 2 : 3;
}

static void graph_atoms(const struct sk_moltype *type, struct sk_graph *graph)
{
    graph->atom_start = sk_calloc((size_t)graph->natoms + 1, sizeof *graph->atom_start);
    graph->atom_constraint = sk_alloc(2 * (size_t)graph->nconstraints, sizeof *graph->atom_constraint);
    int *fill = sk_alloc((size_t)graph->natoms + 1, sizeof *fill);
    for (int k = 0; k < graph->nconstraints; k++) {
        graph->atom_start[type->constraints[k].i + 1]++;
        graph->atom_start[type->constraints[k].j + 1]++;
    }
    for (int a = 0; a < graph->natoms; a++)
        graph->atom_start[a + 1] += graph->atom_start[a];
    memcpy(fill, graph->atom_start, ((size_t)graph->natoms + 1) * sizeof *fill);
    for (int k = 0; k < graph->nconstraints; k++) {
        graph->atom_constraint[fill[type->constraints[k].i]++] = k;
        graph->atom_constraint[fill[type->constraints[k].j]++] = k;
    }
    sk_free(&fill);
}

/* Appends to queue[] the constraints that share an atom with k and whose mark is unset (-1), marking them, up to `most`
 * in the queue; returns its new length. */
static int graph_spread(const struct sk_moltype *type, const struct sk_graph *graph, int k, int *mark, int value,
                        int *queue, int n, int most)
{
    const int atoms[2] = {type->constraints[k].i, type->constraints[k].j};
    for (int end = 0; end < 2; end++)
        for (int e = graph->atom_start[atoms[end]]; e < graph->atom_start[atoms[end] + 1] && n < most; e++) {
            const int other = graph->atom_constraint[e];
            if (mark[other] >= 0)
                continue;
            mark[other] = value;
            queue[n++] = other;
        }
    return n;
}

/* Connected parts. The lowest constraint of one has its lowest atom: constraints ascend by (i, j), i < j. */
static void graph_components(const struct sk_moltype *type, struct sk_graph *graph)
{
    const size_t n = (size_t)graph->nconstraints;
    graph->component_of = sk_alloc(n, sizeof *graph->component_of);
    graph->component_size = sk_alloc(n, sizeof *graph->component_size);
    graph->component_lowest = sk_alloc(n, sizeof *graph->component_lowest);
    int *queue = sk_alloc(n, sizeof *queue);
    for (int k = 0; k < graph->nconstraints; k++)
        graph->component_of[k] = -1;
    for (int k = 0; k < graph->nconstraints; k++) {
        if (graph->component_of[k] >= 0)
            continue;
        const int component = graph->ncomponents++;
        int length = 1;
        queue[0] = k;
        graph->component_of[k] = component;
        for (int done = 0; done < length; done++)
            length = graph_spread(type, graph, queue[done], graph->component_of, component, queue, length,
                                  graph->nconstraints);
        graph->component_size[component] = length;
        graph->component_lowest[component] = type->constraints[k].i;
    }
    sk_free(&queue);
}

static int graph_root(const int *into, int core)
{
    while (into[core] != core)
        core = into[core];
    return core;
}

/* Cores being cut: members of core c are member[start[c] .. start[c + 1]); into[c] is the core that it joined. */
struct graph_cut {
    int ncores;
    int *start, *member, *size, *into;
};

/* Breadth-first from the lowest constraint without a core, again and again: compact cores that, in a chain, follow each
 * other. */
static void graph_grow(const struct sk_moltype *type, struct sk_graph *graph, struct graph_cut *cut)
{
    int end = 0;
    for (int k = 0; k < graph->nconstraints; k++)
        graph->core_of[k] = -1;
    for (int k = 0; k < graph->nconstraints; k++) {
        if (graph->core_of[k] >= 0)
            continue;
        const int core = cut->ncores++, start = end;
        cut->start[core] = start;
        cut->member[end++] = k;
        graph->core_of[k] = core;
        for (int done = start; done < end; done++)
            end = graph_spread(type, graph, cut->member[done], graph->core_of, core, cut->member, end,
                               start + SK_FRAGMENT_CORE);
        cut->size[core] = end - start;
        cut->into[core] = core;
    }
    cut->start[cut->ncores] = end;
}

/* A tiny core joins the smallest one beside it, the lowest of equals. */
static void graph_join(const struct sk_moltype *type, const struct sk_graph *graph, struct graph_cut *cut)
{
    for (int core = 0; core < cut->ncores; core++) {
        if (cut->into[core] != core || cut->size[core] >= SK_FRAGMENT_TINY)
            continue;
        int best = -1;
        for (int m = cut->start[core]; m < cut->start[core + 1]; m++) {
            const struct sk_constraint *constraint = &type->constraints[cut->member[m]];
            const int atoms[2] = {constraint->i, constraint->j};
            for (int end = 0; end < 2; end++)
                for (int e = graph->atom_start[atoms[end]]; e < graph->atom_start[atoms[end] + 1]; e++) {
                    const int other = graph_root(cut->into, graph->core_of[graph->atom_constraint[e]]);
                    if (other != core && (best < 0 || cut->size[other] < cut->size[best] ||
                                          (cut->size[other] == cut->size[best] && other < best)))
                        best = other;
                }
        }
        if (best < 0 || cut->size[best] + cut->size[core] > SK_FRAGMENT_MOST)
            continue;
        cut->into[core] = best;
        cut->size[best] += cut->size[core];
    }
}

/* Fills core_of and, for each fragment, its core (ascending): core[core_start[f] .. core_start[f + 1]). */
static void graph_cores(const struct sk_moltype *type, struct sk_graph *graph, int **core_start, int **core)
{
    const size_t n = (size_t)graph->nconstraints;
    struct graph_cut cut = {0};
    graph->core_of = sk_alloc(n, sizeof *graph->core_of);
    cut.start = sk_alloc(n + 1, sizeof *cut.start);
    cut.member = sk_alloc(n, sizeof *cut.member);
    cut.size = sk_alloc(n, sizeof *cut.size);
    cut.into = sk_alloc(n, sizeof *cut.into);
    graph_grow(type, graph, &cut);
    graph_join(type, graph, &cut);
    int *number = sk_alloc(n, sizeof *number);
    for (int c = 0; c < cut.ncores; c++)
        if (cut.into[c] == c)
            number[c] = graph->nfragments++;
    *core_start = sk_calloc((size_t)graph->nfragments + 1, sizeof **core_start);
    *core = sk_alloc(n, sizeof **core);
    for (int k = 0; k < graph->nconstraints; k++) {
        graph->core_of[k] = number[graph_root(cut.into, graph->core_of[k])];
        (*core_start)[graph->core_of[k] + 1]++;
    }
    for (int f = 0; f < graph->nfragments; f++)
        (*core_start)[f + 1] += (*core_start)[f];
    memcpy(cut.start, *core_start, (size_t)graph->nfragments * sizeof *cut.start);
    for (int k = 0; k < graph->nconstraints; k++)
        (*core)[cut.start[graph->core_of[k]]++] = k;
    sk_free(&number);
    sk_free(&cut.start);
    sk_free(&cut.member);
    sk_free(&cut.size);
    sk_free(&cut.into);
}

static void graph_colours(const struct sk_moltype *type, struct sk_graph *graph)
{
    const size_t n = (size_t)graph->nconstraints;
    graph->colour = sk_alloc(n, sizeof *graph->colour);
    int *used_by = sk_alloc(n, sizeof *used_by);
    for (int k = 0; k < graph->nconstraints; k++)
        graph->colour[k] = used_by[k] = -1;
    for (int k = 0; k < graph->nconstraints; k++) {
        const int atoms[2] = {type->constraints[k].i, type->constraints[k].j};
        for (int end = 0; end < 2; end++)
            for (int e = graph->atom_start[atoms[end]]; e < graph->atom_start[atoms[end] + 1]; e++) {
                const int other = graph->atom_constraint[e];
                if (other >= k)
                    break;
                used_by[graph->colour[other]] = k;
            }
        int colour = 0;
        while (used_by[colour] == k)
            colour++;
        graph->colour[k] = colour;
        if (colour >= graph->ncolours)
            graph->ncolours = colour + 1;
    }
    sk_free(&used_by);
}

/* Which cores touch each place. */
static void graph_atom_fragments(struct sk_graph *graph)
{
    graph->atom_fragment_start = sk_alloc((size_t)graph->natoms + 1, sizeof *graph->atom_fragment_start);
    graph->atom_fragment = sk_alloc(2 * (size_t)graph->nconstraints, sizeof *graph->atom_fragment);
    int n = 0;
    for (int a = 0; a < graph->natoms; a++) {
        const int start = n;
        graph->atom_fragment_start[a] = start;
        for (int e = graph->atom_start[a]; e < graph->atom_start[a + 1]; e++) {
            const int fragment = graph->core_of[graph->atom_constraint[e]];
            int at = n;
            while (at > start && graph->atom_fragment[at - 1] >= fragment)
                at--;
            if (at < n && graph->atom_fragment[at] == fragment)
                continue;
            memmove(graph->atom_fragment + at + 1, graph->atom_fragment + at, (size_t)(n - at) * sizeof(int));
            graph->atom_fragment[at] = fragment;
            n++;
        }
    }
    graph->atom_fragment_start[graph->natoms] = n;
}

/* Open addressing over the shapes made so far: slot[] holds shape + 1, 0 is empty. */
struct graph_table {
    size_t nslots, capacity; /* nslots is a power of two; capacity of shapes */
    int *slot;
    uint64_t *hash; /* [nshapes] */
    size_t hash_capacity;
};

static void graph_table_grow(struct graph_table *table, int nshapes)
{
    sk_free(&table->slot);
    table->nslots = table->nslots ? 2 * table->nslots : 64;
    table->slot = sk_calloc(table->nslots, sizeof *table->slot);
    for (int s = 0; s < nshapes; s++) {
        size_t at = table->hash[s] & (table->nslots - 1);
        while (table->slot[at])
            at = (at + 1) & (table->nslots - 1);
        table->slot[at] = s + 1;
    }
}

/* The number of the shape among those known; takes it over. */
static int graph_shape(struct sk_graphs *graphs, struct graph_table *table, struct sk_fragment_shape *shape)
{
    if (2 * (size_t)graphs->nshapes >= table->nslots)
        graph_table_grow(table, graphs->nshapes);
    const uint64_t hash = sk_window_hash(shape);
    size_t at = hash & (table->nslots - 1);
    for (; table->slot[at]; at = (at + 1) & (table->nslots - 1)) {
        const int s = table->slot[at] - 1;
        if (table->hash[s] == hash && sk_window_is_same(&graphs->shapes[s], shape)) {
            sk_fragment_clear(&(struct sk_fragment){0}, shape);
            return s;
        }
    }
    table->slot[at] = ++graphs->nshapes;
    sk_reserve(&table->hash, &table->hash_capacity, (size_t)graphs->nshapes);
    sk_reserve(&graphs->shapes, &table->capacity, (size_t)graphs->nshapes);
    table->hash[graphs->nshapes - 1] = hash;
    graphs->shapes[graphs->nshapes - 1] = *shape;
    return graphs->nshapes - 1;
}

static void graph_init(const struct sk_topology *top, int moltype, struct sk_graphs *graphs, struct graph_table *table)
{
    const struct sk_moltype *type = &top->moltypes[moltype];
    struct sk_graph *graph = &graphs->of[moltype];
    graph->nconstraints = type->nconstraints;
    graph->natoms = type->natoms;
    int *core_start, *core;
    graph_atoms(type, graph);
    graph_components(type, graph);
    graph_cores(type, graph, &core_start, &core);
    graph_colours(type, graph);
    graph_atom_fragments(graph);
    struct sk_window_maker maker;
    sk_window_maker_init(&maker, top, moltype, graph);
    graph->fragments = sk_calloc((size_t)graph->nfragments, sizeof *graph->fragments);
    for (int f = 0; f < graph->nfragments; f++) {
        struct sk_fragment *fragment = &graph->fragments[f];
        struct sk_fragment_shape shape;
        sk_window_make(&maker, core + core_start[f], core_start[f + 1] - core_start[f], graphs->overlap, fragment,
                       &shape);
        fragment->component = graph->component_of[core[core_start[f]]];
        fragment->shape = graph_shape(graphs, table, &shape);
        graphs->has_remote |= !fragment->is_local;
    }
    sk_window_maker_clear(&maker);
    sk_free(&core_start);
    sk_free(&core);
}

void sk_graphs_init(struct sk_graphs *graphs, const struct sk_topology *top, double tolerance)
{
    struct graph_table table = {0};
    *graphs = (struct sk_graphs){.nmoltypes = top->nmoltypes, .overlap = sk_graph_overlap(tolerance)};
    graphs->of = sk_calloc((size_t)top->nmoltypes, sizeof *graphs->of);
    for (int m = 0; m < top->nmoltypes; m++)
        graph_init(top, m, graphs, &table);
    sk_free(&table.slot);
    sk_free(&table.hash);
}

void sk_graphs_clear(struct sk_graphs *graphs)
{
    for (int m = 0; m < graphs->nmoltypes; m++) {
        struct sk_graph *graph = &graphs->of[m];
        for (int f = 0; f < graph->nfragments; f++)
            sk_free(&graph->fragments[f].constraint);
        sk_free(&graph->component_of);
        sk_free(&graph->component_size);
        sk_free(&graph->component_lowest);
        sk_free(&graph->core_of);
        sk_free(&graph->colour);
        sk_free(&graph->fragments);
        sk_free(&graph->atom_start);
        sk_free(&graph->atom_constraint);
        sk_free(&graph->atom_fragment_start);
        sk_free(&graph->atom_fragment);
    }
    for (int s = 0; s < graphs->nshapes; s++)
        sk_fragment_clear(&(struct sk_fragment){0}, &graphs->shapes[s]);
    sk_free(&graphs->of);
    sk_free(&graphs->shapes);
    *graphs = (struct sk_graphs){0};
}

void sk_graph_whole(const struct sk_topology *top, const struct sk_graph *graph, int moltype, int component,
                    struct sk_fragment *fragment, struct sk_fragment_shape *shape)
{
    int *core = sk_alloc((size_t)graph->component_size[component], sizeof *core), n = 0;
    for (int k = 0; k < graph->nconstraints; k++)
        if (graph->component_of[k] == component)
            core[n++] = k;
    struct sk_window_maker maker;
    sk_window_maker_init(&maker, top, moltype, graph);
    sk_window_make(&maker, core, n, 0, fragment, shape);
    fragment->component = component;
    fragment->shape = -1;
    sk_window_maker_clear(&maker);
    sk_free(&core);
}
