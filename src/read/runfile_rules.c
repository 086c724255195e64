#include <string.h>

#include "model/groups.h"
#include "read/runfile_internal.h"
#include "read/script.h"
#include "read/suggest.h"
#include "read/values.h"
#include "read/words.h"

/* The entry that counts for a key: the last given, or NULL. */
static const struct sk_entry *runfile_given(const struct runfile *run, const char *section, const char *name)
{
    const struct sk_key *key = sk_key_find(section, name);
    SK_REQUIRE(key);
    for (int i = run->entries.n - 1; i >= 0; i--)
        if (run->entries.entry[i].key == key)
            return &run->entries.entry[i];
    return NULL;
}

/* The name of a key in the unit system of the run. */
static const char *runfile_name(const struct runfile *run, const char *section, const char *name)
{
    return sk_key_name(sk_key_find(section, name), run->p->units);
}

/* "FILE: [section] CAUSE needs 'key'", at the line of the entry that causes the need if there is one. */
static enum sk_code runfile_needs(struct runfile *run, const struct sk_entry *cause, const char *section,
                                  const char *name, const char *hint)
{
    const char *key = runfile_name(run, section, name);
    if (cause)
        return sk_entry_fail(&run->entries, cause, run->err, "'%s = %.60s' needs '%s' in [%s]%s", cause->name,
                             cause->value, key, section, hint);
    return sk_fail(run->err, SK_EINPUT, "%s: '%s' is missing in [%s]%s", run->entries.file, key, section, hint);
}

/* The names in a list of groups, each defined and there once. Returns how many, or -1 with *err filled. */
static int runfile_list(struct runfile *run, const char *section, const char *name, const char *list, bool has_rest)
{
    const struct sk_entry *entry = runfile_given(run, section, name);
    const struct sk_definitions *defined = &run->p->groups;
    char words[SK_TEXT_MAX], hint[128], *word[SK_GROUPS_MAX];
    snprintf(words, sizeof words, "%s", list);
    int n = sk_words_split(words, word, SK_GROUPS_MAX);
    if (n > SK_GROUPS_MAX) {
        sk_entry_fail(&run->entries, entry, run->err, "'%s' lists more than %d groups", name, SK_GROUPS_MAX);
        return -1;
    }
    for (int i = 0; i < n; i++) {
        struct sk_suggestion suggestion = {word[i], NULL, 0};
        bool is_known = strcmp(word[i], SK_GROUP_ALL) == 0 || (has_rest && strcmp(word[i], SK_GROUP_REST) == 0);
        for (int g = 0; g < defined->n; g++) {
            is_known |= strcmp(word[i], defined->of[g].name) == 0;
            sk_suggestion_consider(&suggestion, defined->of[g].name);
        }
        if (!is_known) {
            sk_entry_fail(&run->entries, entry, run->err, "'%s' names '%.60s', which is not defined in [groups]%s",
                          name, word[i], sk_suggestion_text(&suggestion, hint, sizeof hint));
            return -1;
        }
        for (int j = 0; j < i; j++)
            if (strcmp(word[i], word[j]) == 0) {
                sk_entry_fail(&run->entries, entry, run->err, "'%s' names '%s' twice", name, word[i]);
                return -1;
            }
    }
    return n;
}

/* Keys of the other kind of input would have no effect; that is said rather than ignored. */
static enum sk_code runfile_strangers(struct runfile *run)
{
    bool has_data = run->p->system.data[0] != '\0';
    unsigned wrong = has_data ? SK_KEY_GROMACS_ONLY : SK_KEY_DATA_ONLY;
    for (int i = 0; i < run->entries.n; i++) {
        const struct sk_entry *entry = &run->entries.entry[i];
        bool is_text = entry->key->type == SK_KEY_TEXT || entry->key->type == SK_KEY_PATH ||
                       entry->key->type == SK_KEY_PATHS;
        bool is_empty = is_text && *((const char *)run->p + entry->key->offset) == '\0';
        if ((entry->key->flags & wrong) && !is_empty)
            return sk_entry_fail(&run->entries, entry, run->err, "'%s' has no meaning with '%s'; remove one of them",
                                 entry->name, has_data ? "data" : "structure");
    }
    return SK_OK;
}

/* Whether two values of a key say the same; lengths in other units are divided, which may change their last bit. */
static bool is_same(const struct sk_key *key, const void *a, const void *b)
{
    double x, y;
    if (key->type != SK_KEY_REAL)
        return memcmp(a, b, key->size) == 0;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x - y <= 1e-15 * x && y - x <= 1e-15 * x;
}

/* Sets a key as pair_style or pair_modify, `by`, say, unless it is given; then it must say the same. */
static enum sk_code runfile_imply(struct runfile *run, const char *by, const struct sk_implied *implied)
{
    const struct sk_entry *cause = runfile_given(run, "nonbonded", by);
    const struct sk_key *key = sk_key_find("nonbonded", implied->name);
    const char *name = sk_key_name(key, run->p->units);
    const struct sk_entry *given = runfile_given(run, "nonbonded", implied->name);
    unsigned char before[sizeof(double)];
    char why[512];
    SK_REQUIRE(key->size <= sizeof before);
    void *field = (char *)run->p + key->offset;
    memcpy(before, field, key->size);
    if (!sk_value_set(key, implied->value, run->folder, run->p, why, sizeof why))
        return sk_entry_fail(&run->entries, cause, run->err, "'%s = %.120s': %s", cause->name, cause->value, why);
    if (given && !is_same(key, before, field))
        return sk_entry_fail(&run->entries, given, run->err, "'%s = %.60s' contradicts '%s = %.120s', which says %s",
                             name, given->value, cause->name, cause->value, implied->value);
    if (given)
        memcpy(field, before, key->size);
    else
        sk_entries_imply(&run->entries, key, implied->value, cause->line);
    return SK_OK;
}

static enum sk_code runfile_pairs(struct runfile *run)
{
    const char *style = run->p->nonbonded.pair_style, *modify = run->p->nonbonded.pair_modify;
    const struct sk_entry *both = runfile_given(run, "nonbonded", "cutoff_nm");
    struct sk_implied implied[SK_IMPLIED_MAX];
    char why[512];
    int nstyle = sk_pair_style_implied(style, run->p->system.is_real, implied, why, sizeof why);
    int n = nstyle < 0 ? -1 : sk_pair_modify_implied(modify, style, nstyle, implied, why, sizeof why);
    if (n < 0)
        return sk_entry_fail(&run->entries, runfile_given(run, "nonbonded", nstyle < 0 ? "pair_style" : "pair_modify"),
                             run->err, "%s", why);
    for (int i = 0; i < n; i++) {
        bool is_cutoff = strstr(implied[i].name, "cutoff") != NULL;
        const char *cause = implied[i].is_modified ? "pair_modify" : "pair_style";
        if (is_cutoff && both)
            return sk_entry_fail(&run->entries, both, run->err,
                                 "'%s' and 'pair_style = %.60s' both say the cutoff; "
                                 "remove one of them",
                                 both->name, style);
        if (runfile_imply(run, cause, &implied[i]) != SK_OK)
            return run->err->code;
    }
    return SK_OK;
}

static enum sk_code runfile_system(struct runfile *run)
{
    struct sk_parameters *p = run->p;
    bool has_structure = p->system.structure[0] != '\0', has_data = p->system.data[0] != '\0';
    const struct sk_entry *structure = runfile_given(run, "system", "structure");
    const struct sk_entry *data = runfile_given(run, "system", "data");
    if (has_structure && has_data)
        return sk_entry_fail(&run->entries, data, run->err,
                             "both 'structure' and 'data' are given; remove one of them");
    if (!has_structure && !has_data)
        return sk_fail(run->err, SK_EINPUT,
                       "%s: [system] needs 'structure' and 'topology' (GROMACS), or 'data' and 'units' (LAMMPS)",
                       run->entries.file);
    if (runfile_strangers(run))
        return run->err->code;
    if (has_structure && !p->system.topology[0])
        return runfile_needs(run, structure, "system", "topology", "");
    if (has_data && !runfile_given(run, "system", "units"))
        return runfile_needs(run, data, "system", "units", " (lj or real)");
    if (p->system.velocities == SK_VELOCITIES_MAXWELL && !runfile_given(run, "system", "maxwell_K"))
        return runfile_needs(run, runfile_given(run, "system", "velocities"), "system", "maxwell_K", "");
    return SK_OK;
}

/* What dynamics and minimizers have each for themselves; 0 is written as "not used". */
static enum sk_code runfile_integrator(struct runfile *run)
{
    struct sk_parameters *p = run->p;
    if (!sk_is_minimizer(p->run.integrator)) {
        p->run.force_tolerance = p->run.initial_step = 0;
        return runfile_given(run, "run", "dt_ps") ? SK_OK : runfile_needs(run, NULL, "run", "dt_ps", "");
    }
    p->run.dt = 0;
    if (p->run.force_tolerance == 0)
        p->run.force_tolerance = p->units == SK_UNITS_LJ ? 1 : 100;
    if (p->run.initial_step == 0)
        p->run.initial_step = 0.01;
    return SK_OK;
}

static enum sk_code runfile_run(struct runfile *run)
{
    struct sk_parameters *p = run->p;
    if (runfile_integrator(run))
        return run->err->code;
    if (p->run.velocity_time == SK_VELOCITY_AUTO)
        p->run.velocity_time = p->run.integrator == SK_VELOCITY_VERLET ? SK_VELOCITY_ON_STEP
                                                                       : SK_VELOCITY_HALF_STEP_BACK;
    int frozen = runfile_list(run, "run", "freeze", p->run.freeze, false);
    if (frozen < 0)
        return run->err->code;
    bool axis[3];
    if (!sk_axes_parse(p->run.freeze_axes, axis))
        return sk_entry_fail(&run->entries, runfile_given(run, "run", "freeze_axes"), run->err,
                             "'freeze_axes' = %s is not a list of x, y and z, each at most once", p->run.freeze_axes);
    if (!runfile_given(run, "run", "remove_com_every"))
        p->run.remove_com_every = frozen || p->temperature.thermostat == SK_THERMOSTAT_LANGEVIN ? 0 : 100;
    return SK_OK;
}

/* After the cutoffs are known. */
static enum sk_code runfile_switch(struct runfile *run)
{
    const struct sk_parameters *p = run->p;
    const struct sk_entry *modifier = runfile_given(run, "nonbonded", "vdw_modifier");
    const struct sk_entry *start = runfile_given(run, "nonbonded", "vdw_switch_nm");
    if (p->nonbonded.vdw_modifier == SK_MODIFIER_POTENTIAL_SHIFT || p->nonbonded.vdw_modifier == SK_MODIFIER_NONE) {
        if (start)
            return sk_entry_fail(&run->entries, start, run->err,
                                 "'%s' is for 'vdw_modifier' = force-switch, potential-switch or charmm-switch; remove "
                                 "it or set one of them",
                                 start->name);
        return SK_OK;
    }
    if (!start)
        return runfile_needs(run, modifier, "nonbonded", "vdw_switch_nm", "");
    if (p->nonbonded.vdw_switch >= p->nonbonded.vdw_cutoff)
        return sk_entry_fail(&run->entries, start, run->err,
                             "'%s' = %g is not less than the Lennard-Jones cutoff, %g: nothing would be switched",
                             start->name, p->nonbonded.vdw_switch, p->nonbonded.vdw_cutoff);
    return SK_OK;
}

static enum sk_code runfile_nonbonded(struct runfile *run)
{
    struct sk_parameters *p = run->p;
    const struct sk_entry *both = runfile_given(run, "nonbonded", "cutoff_nm");
    const struct sk_entry *vdw = runfile_given(run, "nonbonded", "vdw_cutoff_nm");
    const struct sk_entry *coulomb = runfile_given(run, "nonbonded", "coulomb_cutoff_nm");
    const struct sk_entry *epsilon = runfile_given(run, "nonbonded", "epsilon_rf");
    char hint[128];
    if (both && (vdw || coulomb))
        return sk_entry_fail(&run->entries, vdw ? vdw : coulomb, run->err,
                             "'%s' and '%s' are both given; remove one of them", vdw ? vdw->name : coulomb->name,
                             both->name);
    if (!runfile_given(run, "nonbonded", "coulomb") && p->units != SK_UNITS_LJ)
        return runfile_needs(run, NULL, "nonbonded", "coulomb", " (none, cut, reaction-field or pme)");
    snprintf(hint, sizeof hint, " (or '%s' and '%s')", runfile_name(run, "nonbonded", "vdw_cutoff_nm"),
             runfile_name(run, "nonbonded", "coulomb_cutoff_nm"));
    if (!both && !vdw && !coulomb)
        return runfile_needs(run, NULL, "nonbonded", "cutoff_nm", hint);
    if (!both && !vdw)
        return runfile_needs(run, coulomb, "nonbonded", "vdw_cutoff_nm", "");
    if (!both && !coulomb && p->nonbonded.coulomb != SK_COULOMB_NONE)
        return runfile_needs(run, vdw, "nonbonded", "coulomb_cutoff_nm", "");
    if (!coulomb)
        p->nonbonded.coulomb_cutoff = p->nonbonded.vdw_cutoff;
    const struct sk_entry *bound = runfile_given(run, "nonbonded", "coulomb_force_error_kJ_per_mol_per_nm");
    const struct sk_entry *rtol = runfile_given(run, "nonbonded", "ewald_rtol");
    const struct sk_entry *spacing = runfile_given(run, "nonbonded", "mesh_spacing_nm");
    if (bound && (rtol || spacing))
        return sk_entry_fail(&run->entries, bound, run->err, "'%s' says already what '%s' is to be; remove one of them",
                             bound->name, (rtol ? rtol : spacing)->name);
    if (epsilon && p->nonbonded.epsilon_rf != 0.0 && p->nonbonded.epsilon_rf < 1.0)
        return sk_entry_fail(&run->entries, epsilon, run->err,
                             "'epsilon_rf' is a relative permittivity: 0 (a conductor) or at least 1");
    return runfile_switch(run);
}

/* One value for each of n temperature groups: given in values, or the common one for all; of a thermostat that is used.
 */
static enum sk_code runfile_group_values(struct runfile *run, int n, const char *name, const char *common_name,
                                         double common, double values[SK_GROUPS_MAX])
{
    const struct sk_entry *given = runfile_given(run, "temperature", name);
    int count = 0;
    while (count < SK_GROUPS_MAX && values[count] > 0)
        count++;
    if (count != 0 && count != n)
        return sk_entry_fail(&run->entries, given, run->err, "'%s' has %d numbers, but 'groups' names %d groups",
                             given->name, count, n);
    bool is_needed = run->p->temperature.thermostat != SK_THERMOSTAT_NONE;
    if (is_needed && count == 0 && !runfile_given(run, "temperature", common_name))
        return runfile_needs(run, runfile_given(run, "temperature", "thermostat"), "temperature", common_name, "");
    for (int g = 0; is_needed && count == 0 && g < n; g++)
        values[g] = common;
    return SK_OK;
}

static enum sk_code runfile_temperature(struct runfile *run)
{
    struct sk_parameters *p = run->p;
    int n = runfile_list(run, "temperature", "groups", p->temperature.groups, true);
    if (n < 0)
        return run->err->code;
    enum sk_code code = runfile_group_values(run, n, "group_target_K", "target_K", p->temperature.target,
                                             p->temperature.group_target);
    return code ? code
                : runfile_group_values(run, n, "group_tau_ps", "tau_ps", p->temperature.tau, p->temperature.group_tau);
}

static enum sk_code runfile_pressure(struct runfile *run)
{
    struct sk_parameters *p = run->p;
    const struct sk_entry *cause = runfile_given(run, "pressure", "barostat");
    if (p->pressure.compressibility == 0.0 && p->units == SK_UNITS_GROMACS)
        p->pressure.compressibility = 4.5e-5;
    if (p->pressure.barostat == SK_BAROSTAT_NONE)
        return SK_OK;
    if (!runfile_given(run, "pressure", "target_bar"))
        return runfile_needs(run, cause, "pressure", "target_bar", "");
    if (!runfile_given(run, "pressure", "tau_ps"))
        return runfile_needs(run, cause, "pressure", "tau_ps", "");
    if (p->pressure.compressibility == 0.0)
        return runfile_needs(run, cause, "pressure", "compressibility_per_bar", "");
    if (p->pressure.barostat == SK_BAROSTAT_C_RESCALE && !(p->temperature.target > 0.0))
        return runfile_needs(run, cause, "temperature", "target_K", ", the temperature of its noise");
    return SK_OK;
}

/* The run file's path with another suffix: water.ini gives water.ckpt.h5. */
static enum sk_code runfile_checkpoint(struct runfile *run)
{
    const char *slash = strrchr(run->entries.file, '/');
    const char *stem = slash ? slash + 1 : run->entries.file;
    const char *dot = strrchr(stem, '.');
    size_t n = dot && dot != stem ? (size_t)(dot - stem) : strlen(stem);
    char name[SK_PATH_MAX], why[512];
    if (n + sizeof ".ckpt.h5" > sizeof name)
        return sk_fail(run->err, SK_EINPUT, "%.200s: the name is too long", run->entries.file);
    for (size_t i = 0; i < n; i++)
        if (stem[i] == '"' || (unsigned char)stem[i] < ' ' || stem[i] == 127)
            return sk_fail(run->err, SK_EINPUT,
                           "%.200s: the name has a double quote or a control character; set output.checkpoint",
                           run->entries.file);
    snprintf(name, sizeof name, "%.*s.ckpt.h5", (int)n, stem);
    if (!sk_value_set(sk_key_find("output", "checkpoint"), name, run->folder, run->p, why, sizeof why))
        return sk_fail(run->err, SK_EINPUT, "%.200s: %s", run->entries.file, why);
    return SK_OK;
}

static enum sk_code runfile_overwrites(struct runfile *run, const char *key, const char *path)
{
    const struct sk_parameters *p = run->p;
    const char *inputs[] = {p->system.structure, p->system.topology, p->system.data, p->system.start};
    for (int i = 0; i < 4; i++)
        if (path[0] && strcmp(inputs[i], path) == 0)
            return sk_fail(run->err, SK_EINPUT, "%.200s: [output] '%s' would overwrite the input %.400s",
                           run->entries.file, key, inputs[i]);
    return SK_OK;
}

static enum sk_code runfile_final(struct runfile *run)
{
    const char *path = run->p->output.final_structure;
    const struct sk_entry *entry = runfile_given(run, "output", "final_structure");
    size_t n = strlen(path);
    if (n == 0)
        return SK_OK;
    if (n < 5 || strcmp(path + n - 4, ".gro") != 0)
        return sk_entry_fail(&run->entries, entry, run->err,
                             "'final_structure' must end in .gro, the one format that is written");
    if (run->p->units == SK_UNITS_LJ)
        return sk_entry_fail(&run->entries, entry, run->err,
                             "'final_structure' is in nm, but units = lj is in reduced units; use the checkpoint "
                             "([system] start)");
    if (strcmp(path, run->p->output.checkpoint) == 0)
        return sk_entry_fail(&run->entries, entry, run->err, "'final_structure' and 'checkpoint' are the same file");
    return runfile_overwrites(run, "final_structure", path);
}

static enum sk_code runfile_output(struct runfile *run)
{
    struct sk_parameters *p = run->p;
    const struct sk_entry *trajectory = runfile_given(run, "output", "trajectory");
    const struct sk_entry *every = runfile_given(run, "output", "trajectory_every");
    bool has_trajectory = p->output.trajectory[0] != '\0';
    size_t n = strlen(p->output.trajectory);
    if (runfile_list(run, "output", "energy_groups", p->output.energy_groups, true) < 0)
        return run->err->code;
    if (!p->output.checkpoint[0] && runfile_checkpoint(run))
        return run->err->code;
    if (runfile_overwrites(run, "checkpoint", p->output.checkpoint) || runfile_final(run))
        return run->err->code;
    if (!has_trajectory) {
        if (p->output.trajectory_every > 0 && !trajectory)
            return runfile_needs(run, every, "output", "trajectory", "");
        p->output.trajectory_every = 0; /* an empty 'trajectory' switches it off, whatever else is said */
        return SK_OK;
    }
    if (n < 6 || strcmp(p->output.trajectory + n - 5, ".h5md") != 0 || p->output.trajectory[n - 6] == '/')
        return sk_entry_fail(&run->entries, trajectory, run->err,
                             "'trajectory' must end in .h5md (readers go by the suffix)");
    if (strcmp(p->output.trajectory, p->output.checkpoint) == 0)
        return sk_entry_fail(&run->entries, trajectory, run->err, "'trajectory' and 'checkpoint' are the same file");
    if (!every)
        p->output.trajectory_every = 1000;
    if (p->output.trajectory_every == 0)
        return sk_entry_fail(&run->entries, every, run->err,
                             "'trajectory_every' = 0 would never write a frame; remove 'trajectory' instead");
    if (!p->output.positions && !p->output.velocities && !p->output.forces)
        return sk_entry_fail(&run->entries, trajectory, run->err,
                             "'trajectory' would be empty: positions, velocities and forces are all off");
    return SK_OK;
}

enum sk_code sk_runfile_rules(struct runfile *run)
{
    static enum sk_code (*const rules[])(struct runfile *) = {runfile_system,    runfile_pairs,       runfile_run,
                                                              runfile_nonbonded, runfile_temperature, runfile_pressure,
                                                              runfile_output};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i](run))
            return run->err->code;
    return SK_OK;
}
