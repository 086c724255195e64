#include "constrain/network.h"

#include <string.h>

#include "base/memory.h"
#include "base/sort.h"

#define INNER_LIMIT  0.03  /* of the tolerance: what a window is solved to */
#define FINEST_LIMIT 1e-14 /* rounding forbids less */

/* What a window's own solution cannot tell: all else has the multipliers with which the window was solved. */
static void network_find_edges(struct sk_network *n)
{
    int nrows = 0;
    size_t capacity = 0;
    n->edge_start = sk_calloc((size_t)n->graphs.nshapes + 1, sizeof *n->edge_start);
    for (int t = 0; t < n->graphs.nshapes; t++) {
        const struct sk_fragment_shape *shape = &n->graphs.shapes[t];
        for (int c = 0; c < shape->nwindow; c++) {
            bool is_edge = false;
            for (int e = shape->neighbour_start[c]; e < shape->neighbour_start[c + 1]; e++)
                is_edge |= shape->neighbour[e] >= shape->nwindow || !shape->is_core[shape->neighbour[e]];
            if (!shape->is_core[c] || !is_edge)
                continue;
            sk_reserve(&n->edge_row, &capacity, (size_t)nrows + 1);
            n->edge_row[nrows++] = c;
        }
        n->edge_start[t + 1] = nrows;
    }
}

void sk_network_init(struct sk_network *n, struct sk_comm *comm, const struct sk_topology *top,
                     const struct sk_parameters *parameters, const struct sk_kernel_variant *variant)
{
    memset(n, 0, sizeof *n);
    n->comm = comm;
    n->top = top;
    n->variant = variant;
    n->solver = parameters->constraints.solver;
    n->tolerance = parameters->constraints.tolerance;
    n->limit = INNER_LIMIT * n->tolerance > FINEST_LIMIT ? INNER_LIMIT * n->tolerance : FINEST_LIMIT;
    n->solves = sk_graph_solves(n->tolerance);
    n->max_rounds = (int)parameters->constraints.max_rounds;
    n->smallest_pivot = 1;
    n->failed_molecule = -1;
    sk_graphs_init(&n->graphs, top, n->tolerance);
    n->is_used = sk_topology_constraints(top) > 0;
    for (int t = 0; t < top->nmoltypes; t++)
        n->has_neighbours |= n->graphs.of[t].nfragments > n->graphs.of[t].ncomponents;
    for (int shape = 0; shape < n->graphs.nshapes; shape++) {
        size_t bytes = sk_fragment_lanes_bytes(&n->graphs.shapes[shape]);
        n->scratch_bytes = bytes > n->scratch_bytes ? bytes : n->scratch_bytes;
    }
    n->scratch = sk_alloc(n->scratch_bytes, 1);
    network_find_edges(n);
}

static void network_drop_links(struct sk_network *n)
{
    sk_links_free(&n->atom_links);
    sk_links_free(&n->multiplier_links);
    struct sk_side *sides[] = {&n->send.atoms, &n->send.multipliers, &n->recv.atoms, &n->recv.multipliers};
    for (int s = 0; s < 4; s++)
        sk_side_clear(sides[s]);
}

void sk_network_clear(struct sk_network *n)
{
    network_drop_links(n);
    sk_graphs_clear(&n->graphs);
    sk_free(&n->edge_start);
    sk_free(&n->edge_row);
    sk_free(&n->ghost_id);
    sk_free(&n->ghost_x);
    sk_free(&n->ghost_u);
    sk_free(&n->constraints);
    sk_free(&n->outer);
    sk_free(&n->ends);
    sk_free(&n->s);
    sk_free(&n->p);
    sk_free(&n->lambda);
    sk_free(&n->previous);
    sk_free(&n->windows);
    sk_free(&n->members);
    sk_free(&n->residual);
    sk_free(&n->pivot);
    sk_free(&n->is_overlapping);
    sk_free(&n->shaken);
    sk_free(&n->moved);
    sk_free(&n->incident);
    sk_free(&n->scratch);
    sk_idmap_clear(&n->owned_of);
    sk_idmap_clear(&n->ghost_of);
    sk_idmap_clear(&n->constraint_of);
    sk_idmap_clear(&n->window_of);
}

static int network_atom(struct sk_network *n, sk_gid id)
{
    int atom = sk_idmap_find(&n->owned_of, id);
    if (atom < 0)
        atom = sk_idmap_find(&n->ghost_of, id);
    if (atom >= 0)
        return atom;
    sk_reserve(&n->ghost_id, &n->ghost_id_capacity, (size_t)n->nghosts + 1);
    n->ghost_id[n->nghosts] = id;
    sk_idmap_set(&n->ghost_of, id, n->nowned + n->nghosts);
    return n->nowned + n->nghosts++;
}

static int network_constraint(struct sk_network *n, int moltype, sk_gid molecule, int index)
{
    int k = sk_idmap_find(&n->constraint_of, sk_network_key(molecule, index));
    if (k >= 0)
        return k;
    const struct sk_constraint *c = &n->top->moltypes[moltype].constraints[index];
    k = n->nconstraints++;
    sk_reserve(&n->constraints, &n->constraints_capacity, (size_t)k + 1);
    int i = network_atom(n, molecule + c->i), j = network_atom(n, molecule + c->j);
    n->constraints[k] = (struct sk_network_constraint){i, j, moltype, index, molecule};
    sk_reserve(&n->ends, &n->ends_capacity, (size_t)k + 1);
    n->ends[k][0] = i;
    n->ends[k][1] = j;
    sk_idmap_set(&n->constraint_of, sk_network_key(molecule, index), k);
    if (i >= n->nowned || j >= n->nowned) {
        sk_reserve(&n->outer, &n->outer_capacity, (size_t)n->nouter + 1);
        n->outer[n->nouter++] = k;
    }
    return k;
}

static void network_add_window(struct sk_network *n, int moltype, sk_gid molecule, int fragment)
{
    if (sk_idmap_find(&n->window_of, sk_network_key(molecule, fragment)) >= 0)
        return;
    const struct sk_fragment *f = &n->graphs.of[moltype].fragments[fragment];
    int ntotal = n->graphs.shapes[f->shape].ntotal, w = n->nwindows++;
    sk_reserve(&n->windows, &n->windows_capacity, (size_t)w + 1);
    sk_reserve(&n->members, &n->members_capacity, (size_t)(n->nmembers + ntotal));
    bool is_answerable = sk_idmap_find(&n->owned_of, molecule + f->anchor) >= 0;
    n->windows[w] = (struct sk_window){moltype, fragment, molecule, n->nmembers, is_answerable};
    sk_idmap_set(&n->window_of, sk_network_key(molecule, fragment), w);
    for (int c = 0; c < ntotal; c++)
        n->members[n->nmembers++] = network_constraint(n, moltype, molecule, f->constraint[c]);
}

/* The constraints of an owned atom, which move it, in the order in which corrections are summed. */
static void network_add_moved(struct sk_network *n, int atom, sk_gid id)
{
    struct sk_place at = sk_topology_find(n->top, id);
    const struct sk_graph *graph = &n->graphs.of[at.moltype];
    if (!graph->nfragments || graph->atom_start[at.place] == graph->atom_start[at.place + 1])
        return;
    const struct sk_moltype *type = &n->top->moltypes[at.moltype];
    sk_reserve(&n->moved, &n->moved_capacity, (size_t)n->nmoved + 1);
    struct sk_network_atom *moved = &n->moved[n->nmoved];
    moved->atom = atom;
    moved->first = n->nmoved ? moved[-1].end : 0;
    moved->end = moved->first + graph->atom_start[at.place + 1] - graph->atom_start[at.place];
    moved->inverse_mass = 1 / sk_template_mass(n->top, &type->atoms[at.place]);
    n->nmoved++;
    sk_reserve(&n->incident, &n->incident_capacity, (size_t)moved->end);
    for (int c = graph->atom_start[at.place], e = moved->first; e < moved->end; c++, e++) {
        int index = graph->atom_constraint[c];
        int k = network_constraint(n, at.moltype, at.molecule, index);
        n->incident[e] = (struct sk_network_incident){k, type->constraints[index].i == at.place ? 1 : -1};
    }
}

/* The windows that an owned atom asks for. */
static void network_add_fragments(struct sk_network *n, sk_gid id)
{
    struct sk_place at = sk_topology_find(n->top, id);
    const struct sk_graph *graph = &n->graphs.of[at.moltype];
    if (!graph->nfragments)
        return;
    for (int f = graph->atom_fragment_start[at.place]; f < graph->atom_fragment_start[at.place + 1]; f++) {
        const struct sk_fragment *fragment = &graph->fragments[graph->atom_fragment[f]];
        if (sk_fragment_is_alone(graph, fragment) || fragment->anchor == at.place)
            network_add_window(n, at.moltype, at.molecule, graph->atom_fragment[f]);
    }
}

static void network_add_windows(struct sk_network *n, const struct sk_atoms *atoms)
{
    n->nowned = atoms->n;
    n->nghosts = n->nconstraints = n->nouter = n->nwindows = n->nmembers = n->nmoved = 0;
    sk_idmap_reset(&n->owned_of, (size_t)atoms->n);
    sk_idmap_reset(&n->ghost_of, 64);
    sk_idmap_reset(&n->constraint_of, (size_t)atoms->n);
    sk_idmap_reset(&n->window_of, 64);
    for (int i = 0; i < atoms->n; i++) {
        struct sk_place at = sk_topology_find(n->top, atoms->id[i]);
        if (n->graphs.of[at.moltype].nfragments)
            sk_idmap_set(&n->owned_of, atoms->id[i], i);
    }
    /* in the order of the atoms, in which most of the work on constraints runs */
    for (int i = 0; i < atoms->n; i++)
        network_add_moved(n, i, atoms->id[i]);
    for (int i = 0; i < atoms->n; i++)
        network_add_fragments(n, atoms->id[i]);
}

enum window_class { NEEDED, BOUNDARY, PRIVATE, NCLASSES };

/* Marks constraints that windows need of other ranks, and those that other ranks need. */
static unsigned char *network_mark(const struct sk_network *n, const struct sk_lack *lack)
{
    enum { LACKING = 1, SENT = 2 };
    unsigned char *mark = sk_calloc((size_t)n->nconstraints, 1);
    for (int m = 0; m < lack->nmultipliers; m++)
        mark[lack->multiplier[m]] |= LACKING;
    for (int o = 0; o < n->nouter; o++)
        mark[n->outer[o]] |= LACKING;
    for (int t = 0; t < sk_side_items(&n->send.multipliers); t++)
        mark[n->send.multipliers.item[t]] |= SENT;
    return mark;
}

static enum window_class window_class_of(const struct sk_network *n, int w, const unsigned char *mark)
{
    const struct sk_window *window = &n->windows[w];
    int all = 0;
    for (int m = 0; m < sk_window_shape(n, window)->ntotal; m++)
        all |= mark[n->members[window->member + m]];
    if (all & 1)
        return BOUNDARY;
    /* every second batch of the private ones is solved while atoms travel, the rest while multipliers do */
    return all || w / SK_FRAGMENT_LANES % 2 ? NEEDED : PRIVATE;
}

/* By class, equal shapes together: a batch is a run of windows of one shape. */
static void network_sort_windows(struct sk_network *n, const struct sk_lack *lack)
{
    unsigned char *mark = network_mark(n, lack);
    size_t count = (size_t)n->nwindows;
    int in_class[NCLASSES] = {0};
    struct sk_keyed *order = sk_alloc(count, sizeof *order), *scratch = sk_alloc(count, sizeof *scratch);
    for (int w = 0; w < n->nwindows; w++) {
        enum window_class class = window_class_of(n, w, mark);
        int shape = sk_window_fragment(n, &n->windows[w])->shape;
        in_class[class]++;
        order[w] = (struct sk_keyed){(uint64_t) class << 32 | (uint64_t)shape, w};
    }
    n->first_boundary = in_class[NEEDED];
    n->first_private = in_class[NEEDED] + in_class[BOUNDARY];
    sk_sort_keyed(order, scratch, n->nwindows);
    struct sk_window *sorted = sk_alloc(count, sizeof *sorted);
    for (int w = 0; w < n->nwindows; w++)
        sorted[w] = n->windows[order[w].value];
    sk_free(&n->windows);
    n->windows = sorted;
    n->windows_capacity = count;
    for (int w = 0; w < n->nwindows; w++)
        sk_idmap_set(&n->window_of, sk_network_key(sorted[w].molecule, sorted[w].fragment), w);
    sk_free(&mark);
    sk_free(&order);
    sk_free(&scratch);
}

enum sk_code sk_network_rebuild(struct sk_network *n, const struct sk_atoms *atoms, struct sk_error *err)
{
    if (!n->is_used)
        return SK_OK;
    network_drop_links(n);
    network_add_windows(n, atoms);
    struct sk_lack lack;
    sk_lack_find(n, &lack);
    enum sk_code code = SK_OK;
    if (n->graphs.has_remote && sk_comm_size(n->comm) > 1)
        code = sk_network_connect(n, &lack, err);
    if (!code)
        network_sort_windows(n, &lack);
    sk_lack_clear(&lack);
    if (code)
        return code;
    sk_reserve(&n->ghost_x, &n->ghost_x_capacity, (size_t)n->nghosts);
    sk_reserve(&n->ghost_u, &n->ghost_u_capacity, (size_t)n->nghosts);
    size_t count = (size_t)n->nconstraints;
    sk_reserve(&n->s, &n->s_capacity, count);
    sk_reserve(&n->p, &n->p_capacity, count);
    sk_reserve(&n->lambda, &n->lambda_capacity, count);
    sk_reserve(&n->previous, &n->previous_capacity, count);
    sk_reserve(&n->residual, &n->residual_capacity, (size_t)n->nwindows);
    sk_reserve(&n->pivot, &n->pivot_capacity, (size_t)n->nwindows);
    sk_reserve(&n->is_overlapping, &n->overlapping_capacity, (size_t)n->nwindows);
    for (int w = 0; w < n->nwindows; w++)
        n->is_overlapping[w] = !sk_fragment_is_alone(&n->graphs.of[n->windows[w].moltype],
                                                     sk_window_fragment(n, &n->windows[w]));
    if (n->solver == SK_SOLVER_SHAKE)
        sk_reserve(&n->shaken, &n->shaken_capacity, (size_t)(n->nowned + n->nghosts));
    return code;
}

size_t sk_network_memory(const struct sk_network *n)
{
    return n->ghost_id_capacity * sizeof *n->ghost_id + (n->ghost_x_capacity + n->ghost_u_capacity) * 24 +
           n->constraints_capacity * sizeof *n->constraints + n->outer_capacity * sizeof *n->outer +
           n->ends_capacity * sizeof *n->ends + (n->s_capacity + n->p_capacity) * 24 +
           (n->lambda_capacity + n->previous_capacity) * 8 + n->windows_capacity * sizeof *n->windows +
           n->members_capacity * sizeof *n->members + (n->residual_capacity + n->pivot_capacity) * 8 +
           n->overlapping_capacity + n->shaken_capacity * sizeof *n->shaken + n->moved_capacity * sizeof *n->moved +
           n->incident_capacity * sizeof *n->incident + n->scratch_bytes +
           (n->owned_of.size + n->ghost_of.size + n->constraint_of.size + n->window_of.size) *
               sizeof(struct sk_idmap_slot);
}
