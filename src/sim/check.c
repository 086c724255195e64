/* `skein check`: what was read, and what the constraints look like as a graph on ranks. */
#include <string.h>

#include "base/memory.h"
#include "sim/groups.h"

static void print_molecules(struct skein *sim)
{
    for (int b = 0; b < sim->top.nblocks; b++) {
        const struct sk_moltype *type = &sim->top.moltypes[sim->top.blocks[b].moltype];
        sk_log_note(&sim->log, SK_LOG_NORMAL,
                    "%12lld x %-16s %d atoms, %d rigid waters, %d other constraints, %d exclusions each",
                    (long long)sim->top.blocks[b].count, type->name, type->natoms, type->nsettles, type->nconstraints,
                    type->excluded_start[type->natoms] / 2);
    }
}

/* Of the whole system, from the templates. */
static void print_graph(struct skein *sim)
{
    int64_t components = 0, fragments = 0, largest = 0, largest_atoms = 0;
    int64_t copies = (int64_t)sim->top.replicate[0] * sim->top.replicate[1] * sim->top.replicate[2];
    const struct sk_graphs *graphs = &sim->network.graphs;
    const char *name = "";
    for (int b = 0; b < sim->top.nblocks; b++) {
        const struct sk_molblock *block = &sim->top.blocks[b];
        const struct sk_graph *graph = &graphs->of[block->moltype];
        components += copies * block->count * graph->ncomponents;
        fragments += copies * block->count * graph->nfragments;
        for (int c = 0; c < graph->ncomponents; c++)
            if (graph->component_size[c] > largest) {
                largest = graph->component_size[c];
                name = sim->top.moltypes[block->moltype].name;
                largest_atoms = 0;
                for (int a = 0; a < graph->natoms; a++)
                    largest_atoms += graph->atom_start[a] < graph->atom_start[a + 1] &&
                                     graph->component_of[graph->atom_constraint[graph->atom_start[a]]] == c;
            }
    }
    sk_log_note(&sim->log, SK_LOG_NORMAL,
                "constraints: %lld in %lld components (and %lld rigid waters); the largest has %lld constraints of "
                "%lld atoms, in %s",
                (long long)sk_topology_constraints(&sim->top), (long long)components,
                (long long)sk_topology_settles(&sim->top), (long long)largest, (long long)largest_atoms, name);
    sk_log_note(&sim->log, SK_LOG_NORMAL,
                "constraints: %lld fragments of %d shapes, windows overlap by %d bonds; %d message rounds a step",
                (long long)fragments, graphs->nshapes, graphs->overlap,
                sim->network.has_neighbours ? sim->network.solves : 0);
}

/* Constraints between atoms of different ranks, and the answered windows with cores on several, if atoms were dealt to
 * nranks ranks. Collective. */
static void count_crossings(struct skein *sim, int nranks, int64_t crossing[2])
{
    struct sk_network *n = &sim->network;
    int32_t *owner = sk_alloc((size_t)sim->atoms.n, sizeof *owner);
    double(*mine)[3] = sk_calloc((size_t)sim->atoms.n + 1, sizeof *mine);
    double(*ghost)[3] = sk_calloc((size_t)n->nghosts + 1, sizeof *ghost);
    struct sk_cells cells;
    struct sk_balance balance;
    sk_domain_suppose(&sim->domain, &sim->top, &sim->box, sim->force.list_radius, &sim->atoms, nranks,
                      sim->parameters.domain.curve, &balance, &cells);
    sk_domain_deal(&cells, &sim->atoms, owner);
    sk_cells_clear(&cells);
    sk_balance_clear(&balance);
    for (int i = 0; i < sim->atoms.n; i++)
        mine[i][0] = owner[i];
    sk_network_forward(n, (const double(*)[3])mine, ghost);
    crossing[0] = crossing[1] = 0;
#define RANK_OF(atom) ((atom) < n->nowned ? mine[atom][0] : ghost[(atom)-n->nowned][0])
    for (int k = 0; k < n->nconstraints; k++)
        crossing[0] += n->constraints[k].i < n->nowned && RANK_OF(n->constraints[k].i) != RANK_OF(n->constraints[k].j);
    for (int w = 0; w < n->nwindows; w++) {
        const struct sk_window *window = &n->windows[w];
        const struct sk_fragment_shape *shape = sk_window_shape(n, window);
        double first = RANK_OF(n->constraints[n->members[window->member]].i);
        bool is_shared = false, has_first = false;
        for (int c = 0; c < shape->nwindow; c++) {
            const struct sk_network_constraint *k = &n->constraints[n->members[window->member + c]];
            if (!shape->is_core[c])
                continue;
            first = has_first ? first : RANK_OF(k->i);
            has_first = true;
            is_shared |= RANK_OF(k->i) != first || RANK_OF(k->j) != first;
        }
        crossing[1] += window->is_answerable && is_shared;
    }
#undef RANK_OF
    sk_comm_sum_i64(sim->comm, crossing, 2);
    sk_free(&ghost);
    sk_free(&mine);
    sk_free(&owner);
}

static void print_crossings(struct skein *sim, int nranks)
{
    int64_t crossing[2];
    count_crossings(sim, nranks, crossing);
    sk_log_note(&sim->log, SK_LOG_NORMAL,
                "constraints: on %d ranks %lld of them join atoms of different ranks, and %lld fragments are solved by "
                "more than one",
                nranks, (long long)crossing[0], (long long)crossing[1]);
}

int skein_check(struct skein *sim)
{
    struct sk_log *log = &sim->log;
    char text[SK_BOX_TEXT];
    sk_report_parameters(sim);
    sk_log_note(log, SK_LOG_NORMAL, "title: %s", sim->top.title);
    print_molecules(sim);
    const int32_t *n = sim->domain.cells.n;
    sk_log_note(log, SK_LOG_NORMAL, "%lld atoms (replicate %dx%dx%d), %s, %.6g degrees of freedom, %d x %d x %d cells",
                (long long)sim->top.natoms, sim->top.replicate[0], sim->top.replicate[1], sim->top.replicate[2],
                sk_report_box(&sim->box, text), sim->dynamics.dof, n[0], n[1], n[2]);
    sk_sim_print_groups(sim);
    struct skein_energies e;
    int code = (int)sk_comm_agree(sim->comm, &sim->error,
                                  sk_comm_rank(sim->comm) == 0 ? sk_report_folders(sim, &sim->error) : SK_OK);
    if (!code)
        code = skein_get_energies(sim, &e);
    if (code)
        return code;
    if (sim->network.is_used) {
        print_graph(sim);
        print_crossings(sim, sim->options.check_ranks > 0 ? sim->options.check_ranks : sk_comm_size(sim->comm));
    }
    sk_log_note(log, SK_LOG_NORMAL, "potential %.9g, kinetic %.9g, temperature %.6g, pressure %.6g", e.potential,
                e.kinetic, e.temperature, e.pressure);
    sk_log_note(log, SK_LOG_NORMAL, "input is valid");
    return SK_OK;
}
