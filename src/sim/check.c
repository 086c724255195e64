/* `skein check`: what was read, and what the constraints look like as a graph on ranks. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "sim/groups.h"

#define SHORTEST_PERIOD 10 /* steps that a bond's oscillation should take at least; GROMACS warns likewise */

static double charge_of(const struct skein *sim, const struct sk_moltype *type)
{
    double charge = 0;
    for (int a = 0; a < type->natoms; a++) /* a kind that comes with the atom: a single atom of a data file */
        charge += type->atoms[a].kind >= 0 ? sim->top.kinds[type->atoms[a].kind].charge : 0;
    return charge;
}

static void print_terms(struct skein *sim, const struct sk_moltype *type)
{
    char text[768] = "";
    size_t used = 0;
    for (int t = 0, next; t < type->nterms && used < sizeof text; t = next) {
        for (next = t; next < type->nterms && type->terms[next].form == type->terms[t].form;)
            next++;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%d %s", used ? ", " : "", next - t,
                                 sk_bonded_name(type->terms[t].form));
    }
    if (type->nsites && used < sizeof text)
        snprintf(text + used, sizeof text - used, "%s%d virtual sites", used ? ", " : "", type->nsites);
    if (text[0])
        sk_log_note(&sim->log, SK_LOG_NORMAL, "%15s%s", "", text);
}

static void print_molecules(struct skein *sim)
{
    for (int b = 0; b < sim->top.nblocks; b++) {
        const struct sk_moltype *type = &sim->top.moltypes[sim->top.blocks[b].moltype];
        bool has_kinds = type->natoms > 0 && type->atoms[0].kind >= 0;
        char charge[40] = "";
        if (has_kinds)
            snprintf(charge, sizeof charge, ", charge %.6g e", charge_of(sim, type) + 0.0);
        sk_log_note(&sim->log, SK_LOG_NORMAL,
                    "%12lld x %-16s %d atoms%s, %d rigid waters, %d other constraints, %d exclusions each",
                    (long long)sim->top.blocks[b].count, type->name, type->natoms, charge, type->nsettles,
                    type->nconstraints, type->excluded_start[type->natoms] / 2);
        print_terms(sim, type);
    }
}

static void print_charge(struct skein *sim)
{
    double charge = sim->force.nonbonded.charge;
    enum sk_coulomb coulomb = sim->parameters.nonbonded.coulomb;
    if (fabs(charge) < 1e-6 * sqrt(sim->force.nonbonded.charge2 + 1) || coulomb == SK_COULOMB_NONE)
        return;
    if (fabs(charge - rint(charge)) > 1e-3)
        sk_log_warn(&sim->log, "the charges sum to %.6g e, which is not a whole number: is an atom missing?", charge);
    else
        sk_log_note(&sim->log, SK_LOG_NORMAL, "the charges sum to %.6g e%s", charge,
                    coulomb == SK_COULOMB_PME ? "; a uniform background neutralizes them" : "");
}

/* The bond that oscillates fastest beside the time step. */
static void print_periods(struct skein *sim)
{
    double least = INFINITY, dt = sim->parameters.run.dt;
    const struct sk_moltype *where = NULL;
    const struct sk_term *bond = NULL;
    for (int m = 0; m < sim->top.nmoltypes; m++)
        for (int t = 0; t < sim->top.moltypes[m].nterms; t++) {
            const struct sk_moltype *type = &sim->top.moltypes[m];
            const struct sk_term *term = &type->terms[t];
            if (term->form != SK_BOND_HARMONIC)
                continue;
            double mi = sim->top.kinds[type->atoms[term->atom[0]].kind].mass,
                   mj = sim->top.kinds[type->atoms[term->atom[1]].kind].mass,
                   k = sim->ff.parameters[term->parameter].p[1];
            double period = 2 * 3.14159265358979323846 * sqrt(mi * mj / (mi + mj) / k);
            if (period < least) {
                least = period;
                where = type;
                bond = term;
            }
        }
    if (least < SHORTEST_PERIOD * dt)
        sk_log_warn(
            &sim->log,
            "the bond of atoms %d and %d (%s, %s) of %s oscillates with a period of %.3g, less than %d steps of "
            "%.3g: take a shorter step or make it rigid ([constraints] bonds)",
            bond->atom[0] + 1, bond->atom[1] + 1, where->atoms[bond->atom[0]].name, where->atoms[bond->atom[1]].name,
            where->name, least, SHORTEST_PERIOD, dt);
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

void sk_sim_warn(struct skein *sim)
{
    print_charge(sim);
    print_periods(sim);
}

int skein_check(struct skein *sim)
{
    struct sk_log *log = &sim->log;
    char text[SK_BOX_TEXT];
    sk_report_parameters(sim);
    sk_log_note(log, SK_LOG_NORMAL, "title: %s", sim->top.title);
    print_molecules(sim);
    sk_sim_warn(sim);
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
    bool is_repairable = code == SKEIN_PHYSICS && sim->minimizer.has_overlap;
    if (code && !is_repairable)
        return code;
    if (sim->network.is_used) {
        print_graph(sim);
        print_crossings(sim, sim->options.check_ranks > 0 ? sim->options.check_ranks : sk_comm_size(sim->comm));
    }
    if (is_repairable)
        sk_log_note(log, SK_LOG_NORMAL, "note, for the minimizer to mend: %s", sim->error.message);
    sk_log_note(log, SK_LOG_NORMAL, "potential %.9g, kinetic %.9g, temperature %.6g, pressure %.6g", e.potential,
                e.kinetic, e.temperature, e.pressure);
    sk_log_note(log, SK_LOG_NORMAL, "input is valid");
    return SK_OK;
}
