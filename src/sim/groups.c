#include "sim/groups.h"

#include <string.h>

#include "base/memory.h"
#include "model/freeze.h"
#include "read/runfile.h"
#include "read/selection.h"

/* Collective. The same failure on every rank, or none; what it says is about a key of the run file. */
static enum sk_code fail_at(const struct skein *sim, const char *run_file, const char *section, const char *key,
                            enum sk_code code, struct sk_error *err)
{
    if (code && sk_comm_rank(sim->comm) == 0) {
        char place[SK_PATH_MAX], what[sizeof err->message];
        int n = sim->options.noverrides;
        struct sk_override *overrides = sk_calloc((size_t)n, sizeof *overrides);
        for (int i = 0; i < n; i++)
            overrides[i].text = sim->options.overrides[i];
        sk_runfile_locate(run_file, overrides, n, section, key, place, sizeof place);
        memcpy(what, err->message, sizeof what);
        sk_fail(err, code, "%.500s: %.500s", place, what);
        sk_free(&overrides);
    }
    return sk_comm_agree(sim->comm, err, code);
}

/* The groups of the topology as it is; *failed: the definition that is wrong. */
static enum sk_code define_groups(struct skein *sim, int *failed, struct sk_error *err)
{
    sk_groups_clear(&sim->groups);
    sk_groups_init(&sim->groups, &sim->top);
    return sk_selections_read(&sim->parameters.groups, &sim->ff, &sim->groups, failed, err);
}

/* What is frozen follows from groups, and groups follow from molecule types, of which freezing may make more. */
static enum sk_code freeze(struct skein *sim, struct sk_error *err)
{
    struct sk_grouping list;
    bool axis[3];
    int failed;
    struct sk_error ignored; /* what was accepted before is accepted again */
    sk_grouping_init(&list, &sim->groups, sim->parameters.run.freeze);
    SK_REQUIRE(sk_axes_parse(sim->parameters.run.freeze_axes, axis));
    if (list.n == 0)
        return SK_OK;
    enum sk_code code = sk_topology_freeze(&sim->top, &sim->groups, sk_grouping_union(&list), axis, err);
    if (!code)
        SK_REQUIRE(define_groups(sim, &failed, &ignored) == SK_OK);
    return code;
}

enum sk_code sk_sim_define_groups(struct skein *sim, const char *run_file, struct sk_error *err)
{
    int failed = 0;
    enum sk_code code = define_groups(sim, &failed, err);
    code = fail_at(sim, run_file, "groups", sim->parameters.groups.of[failed].name, code, err);
    return code ? code : fail_at(sim, run_file, "run", "freeze", freeze(sim, err), err);
}

/* ---- the groups and the atoms ---- */

/* Collective. Every atom must be in exactly one group of the list, and every group must have one. */
static enum sk_code check_list(const struct skein *sim, const char *key, const char *names, struct sk_error *err)
{
    const struct sk_atoms *a = &sim->atoms;
    struct sk_grouping list;
    int64_t count[SK_GROUPS_MAX] = {0}, lowest = INT64_MAX, sets = 0;
    sk_grouping_init(&list, &sim->groups, names);
    for (int i = 0; list.n && i < a->n; i++) {
        uint32_t mine = sk_groups_of(&sim->groups, a->id[i], a->kind[i]);
        int group = sk_grouping_find(&list, mine);
        if (group >= 0)
            count[group]++;
        else if (a->id[i] < lowest) {
            lowest = a->id[i];
            sets = mine;
        }
    }
    int64_t first = lowest;
    sk_comm_min_i64(sim->comm, &first, 1);
    sets = lowest == first ? sets : 0;
    sk_comm_sum_i64(sim->comm, &sets, 1);
    sk_comm_sum_i64(sim->comm, count, SK_GROUPS_MAX);
    for (int g = 0; g < list.n && first == INT64_MAX; g++)
        if (count[g] == 0)
            return sk_fail(err, SK_EINPUT, "'%s': no atom is left for '%s'; remove it", key, list.name[g]);
    if (first == INT64_MAX)
        return SK_OK;
    char atom[SK_ATOM_NAME_MAX], in[2 * SK_NAME_MAX + 16] = "";
    sk_topology_name(&sim->top, first, -1, atom);
    if (sk_grouping_find(&list, (uint32_t)sets) == SK_IN_NO_GROUP)
        return sk_fail(err, SK_EINPUT, "'%s': atom %s is in none of the groups; add '%s' or a group that has it", key,
                       atom, SK_GROUP_REST);
    for (int g = 0, n = 0; g < list.n && n < 2; g++)
        if (list.sets[g] & (uint32_t)sets)
            snprintf(in + strlen(in), sizeof in - strlen(in), "%s'%s'", n++ ? " and " : "", list.name[g]);
    return sk_fail(err, SK_EINPUT, "'%s': atom %s is in both %s; it must be in one only", key, atom, in);
}

/* Collective. Atoms of every group, which all have some; only `rest` can be found to have none so late. */
static enum sk_code count_groups(struct skein *sim, int *failed, struct sk_error *err)
{
    const struct sk_atoms *a = &sim->atoms;
    memset(sim->group_atoms, 0, sizeof sim->group_atoms);
    for (int i = 0; sim->groups.n && i < a->n; i++) {
        uint32_t sets = sk_groups_of(&sim->groups, a->id[i], a->kind[i]);
        for (int g = 0; g < sim->groups.n; g++)
            sim->group_atoms[g] += sets >> g & 1;
    }
    sk_comm_sum_i64(sim->comm, sim->group_atoms, SK_GROUPS_MAX);
    for (*failed = 0; *failed < sim->groups.n; ++*failed)
        if (sim->group_atoms[*failed] == 0)
            return sk_fail(err, SK_EINPUT, "group '%s' selects nothing: every atom is in another group",
                           sim->groups.name[*failed]);
    *failed = 0;
    return SK_OK;
}

/* Collective. Something must be left to move. */
static enum sk_code check_frozen(const struct skein *sim, struct sk_error *err)
{
    const struct sk_atoms *a = &sim->atoms;
    struct sk_grouping list;
    bool axis[3];
    int64_t left = 0;
    sk_grouping_init(&list, &sim->groups, sim->parameters.run.freeze);
    SK_REQUIRE(sk_axes_parse(sim->parameters.run.freeze_axes, axis));
    bool is_whole = axis[0] && axis[1] && axis[2];
    if (list.n == 0)
        return SK_OK;
    for (int i = 0; i < a->n; i++)
        left += !is_whole || !(sk_groups_of(&sim->groups, a->id[i], a->kind[i]) & sk_grouping_union(&list));
    sk_comm_sum_i64(sim->comm, &left, 1);
    return left ? SK_OK : sk_fail(err, SK_EINPUT, "'freeze' leaves no atom that can move");
}

enum sk_code sk_sim_check_groups(struct skein *sim, const char *run_file, struct sk_error *err)
{
    const struct sk_parameters *p = &sim->parameters;
    int failed;
    enum sk_code code = count_groups(sim, &failed, err);
    code = fail_at(sim, run_file, "groups", p->groups.of[failed].name, code, err);
    if (!code)
        code = fail_at(sim, run_file, "run", "freeze", check_frozen(sim, err), err);
    if (!code)
        code = fail_at(sim, run_file, "temperature", "groups", check_list(sim, "groups", p->temperature.groups, err),
                       err);
    if (!code)
        code = fail_at(sim, run_file, "output", "energy_groups",
                       check_list(sim, "energy_groups", p->output.energy_groups, err), err);
    return code;
}

/* ---- what is told ---- */

void sk_sim_print_groups(struct skein *sim)
{
    const struct sk_thermal *t = &sim->dynamics.thermal;
    bool is_lj = sim->parameters.units == SK_UNITS_LJ, has_bath = sim->parameters.temperature.thermostat;
    for (int g = 0; g < sim->groups.n; g++)
        sk_log_note(&sim->log, SK_LOG_NORMAL, "group %s: %lld atoms", sim->groups.name[g],
                    (long long)sim->group_atoms[g]);
    for (int g = 0; g < t->grouping.n; g++) {
        char bath[96] = "";
        if (has_bath && t->dof[g] > 0)
            snprintf(bath, sizeof bath, ", to %.6g%s in %.6g%s", t->target[g], is_lj ? "" : " K", t->tau[g],
                     is_lj ? "" : " ps");
        sk_log_note(&sim->log, SK_LOG_NORMAL, "temperature group %s: %lld atoms, %.8g degrees of freedom%s",
                    t->grouping.name[g], (long long)t->atoms[g], t->dof[g], bath);
        if (has_bath && !(t->dof[g] > 0))
            sk_log_warn(&sim->log, "temperature group %s has no degrees of freedom: it is coupled to nothing",
                        t->grouping.name[g]);
    }
    if (t->split > 0 && sim->parameters.temperature.thermostat == SK_THERMOSTAT_V_RESCALE)
        sk_log_warn(&sim->log,
                    "%lld constraints join atoms of different temperature groups; the conserved energy lacks the work "
                    "that they do when velocities are rescaled",
                    (long long)t->split);
    if (t->frozen)
        sk_log_note(&sim->log, SK_LOG_NORMAL, "%lld atoms are frozen along %s", (long long)t->frozen_atoms,
                    sim->parameters.run.freeze_axes);
}

void sk_sim_freedom_json(const struct skein *sim, struct sk_json *json)
{
    const struct sk_thermal *t = &sim->dynamics.thermal;
    if (t->grouping.n == 0)
        return;
    sk_json_open_object(json, "degrees_of_freedom_groups");
    for (int g = 0; g < t->grouping.n; g++)
        sk_json_double(json, t->grouping.name[g], t->dof[g]);
    sk_json_close(json);
}

void sk_sim_temperatures_json(const struct skein *sim, struct sk_json *json)
{
    const struct sk_thermal *t = &sim->dynamics.thermal;
    if (t->grouping.n == 0)
        return;
    sk_json_open_object(json, "temperature_groups");
    for (int g = 0; g < t->grouping.n; g++)
        sk_json_double(json, t->grouping.name[g], sim->dynamics.record.group_temperature[g]);
    sk_json_close(json);
}

void sk_sim_parts_json(const struct skein *sim, struct sk_json *json)
{
    struct skein_group_energies pair[SK_PARTS];
    int n = skein_get_group_energies(sim, pair, SK_PARTS);
    if (n == 0)
        return;
    sk_json_open_object(json, "energy_groups");
    for (int p = 0; p < n; p++) {
        char name[2 * SK_NAME_MAX + 2];
        snprintf(name, sizeof name, "%s:%s", pair[p].first, pair[p].second);
        sk_json_open_object(json, name);
        sk_json_double(json, "lj", pair[p].lj);
        sk_json_double(json, "coulomb_sr", pair[p].coulomb);
        if (sim->force.bonded.is_used) {
            sk_json_double(json, "lj_14", pair[p].lj_14);
            sk_json_double(json, "coulomb_14", pair[p].coulomb_14);
        }
        sk_json_close(json);
    }
    sk_json_close(json);
}

int skein_get_group_energies(const struct skein *sim, struct skein_group_energies *pairs, int most)
{
    const struct sk_grouping *list = &sim->force.parts.grouping;
    int n = 0;
    for (int a = 0; a < list->n; a++)
        for (int b = a; b < list->n; b++, n++) {
            const struct sk_part *part = &sim->dynamics.record.part[sk_group_pair(a, b)];
            if (n < most)
                pairs[n] = (struct skein_group_energies){list->name[a], list->name[b], part->lj,
                                                         part->coulomb, part->lj_14,   part->coulomb_14};
        }
    return n;
}

int skein_get_temperature_groups(const struct skein *sim, struct skein_temperature_group *groups, int most)
{
    const struct sk_thermal *t = &sim->dynamics.thermal;
    for (int g = 0; g < t->grouping.n && g < most; g++)
        groups[g] = (struct skein_temperature_group){t->grouping.name[g], t->atoms[g], t->dof[g],
                                                     sim->dynamics.record.group_temperature[g]};
    return t->grouping.n;
}
