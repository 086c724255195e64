/* What a minimizer reports: the largest force and where it is, and how it ended. */
#include "sim/sim.h"

/* The worst atom; collective. */
static sk_gid find_worst(const struct skein *sim, char name[SK_ATOM_NAME_MAX])
{
    sk_gid worst = sk_minimize_worst(&sim->minimizer);
    sk_topology_name(&sim->top, worst, -1, name);
    return worst;
}

static const char *unit_of(const struct skein *sim)
{
    return sim->parameters.units == SK_UNITS_LJ ? "epsilon/sigma" : "kJ/mol/nm";
}

void sk_outcome_head(struct skein *sim)
{
    sk_log_note(&sim->log, SK_LOG_NORMAL, "\n%12s %18s %18s   on atom", "step", "potential", "largest force");
}

void sk_outcome_line(struct skein *sim)
{
    char name[SK_ATOM_NAME_MAX];
    find_worst(sim, name);
    sk_log_note(&sim->log, SK_LOG_NORMAL, "%12lld %18.9g %18.6g   %s%s", (long long)sim->dynamics.step,
                sim->dynamics.record.potential, sim->minimizer.largest, name,
                sim->minimizer.has_overlap ? "; atoms overlap" : "");
}

void sk_outcome_json(struct skein *sim)
{
    char name[SK_ATOM_NAME_MAX];
    sk_gid worst = find_worst(sim, name);
    if (!sim->has_json)
        return;
    sk_json_double(&sim->json, "largest_force", sim->minimizer.largest);
    sk_json_int(&sim->json, "largest_force_atom", worst + 1);
    sk_json_string(&sim->json, "largest_force_name", name);
    sk_json_bool(&sim->json, "overlap", sim->minimizer.has_overlap);
}

/* Why it ended, for people and, as one word, for programs. */
static const char *reason_of(const struct skein *sim, bool is_stopped)
{
    return sk_minimize_has_converged(&sim->minimizer) ? "converged"
           : is_stopped                               ? "stopped"
           : sim->minimizer.is_stuck                  ? "stuck"
                                                      : "steps";
}

void sk_outcome_done_json(struct skein *sim, bool is_stopped)
{
    sk_outcome_json(sim);
    if (!sim->has_json)
        return;
    sk_json_bool(&sim->json, "converged", sk_minimize_has_converged(&sim->minimizer));
    sk_json_string(&sim->json, "reason", reason_of(sim, is_stopped));
    if (sim->minimizer.has_energy)
        sk_json_double(&sim->json, "potential", sim->dynamics.record.potential);
}

void sk_outcome_conclude(struct skein *sim, bool is_stopped)
{
    const struct sk_minimizer *m = &sim->minimizer;
    char name[SK_ATOM_NAME_MAX];
    find_worst(sim, name);
    if (sk_minimize_has_converged(m))
        sk_log_note(&sim->log, SK_LOG_NORMAL, "\nconverged in %lld steps", (long long)sim->dynamics.step);
    else
        sk_log_note(&sim->log, SK_LOG_NORMAL, "\nNOT converged in %lld steps%s", (long long)sim->dynamics.step,
                    is_stopped    ? ": stopped early"
                    : m->is_stuck ? ": no shorter step leads downhill; what is left is the accuracy of forces, or a "
                                    "potential that is not smooth (a plain cutoff)"
                                  : ": the limit of [run] steps");
    sk_log_note(&sim->log, SK_LOG_NORMAL, "%-24s %.6g %s on atom %s, tolerance %.6g", "largest force", m->largest,
                unit_of(sim), name, sim->parameters.run.force_tolerance);
    if (m->has_energy)
        sk_log_note(&sim->log, SK_LOG_NORMAL, "%-24s %.9g", "potential", sim->dynamics.record.potential);
    if (m->has_overlap) {
        struct sk_error overlap;
        sk_dynamics_fail(&sim->dynamics, SK_TROUBLE_PAIR, SK_OVERLAP, &overlap);
        sk_log_warn(&sim->log, "%s", overlap.message);
    }
}
