#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/memory.h"
#include "mesh/accuracy.h"
#include "read/runfile.h"
#include "sim/groups.h"

#define TERMINAL_SECONDS 0.5 /* between two progress lines */
#define FILE_SECONDS     60.0

static bool is_lj(const struct skein *sim)
{
    return sim->parameters.units == SK_UNITS_LJ;
}

static bool is_minimizer(const struct skein *sim)
{
    return sk_is_minimizer(sim->parameters.run.integrator);
}

static const char *const curve_names[] = {[SK_CURVE_HILBERT] = "hilbert",
                                          [SK_CURVE_MORTON] = "morton",
                                          [SK_CURVE_KD] = "kd",
                                          [SK_CURVE_POWER] = "power",
                                          [SK_CURVE_AUTO] = "auto"};

static const char *curve_name(const struct skein *sim)
{
    return curve_names[sim->parameters.domain.curve];
}

/* What is used, if the choice was left to us. */
static const char *scheme_name(const struct skein *sim)
{
    return curve_names[sim->domain.cells.plan.scheme];
}

static enum sk_code json_end(struct skein *sim, struct sk_error *err)
{
    enum sk_code code = sim->has_json ? sk_json_end(&sim->json, err) : SK_OK;
    return sk_comm_agree(sim->comm, err, code);
}

/* Begins an event; false where nothing is written. */
static bool json_begin(struct skein *sim, const char *event)
{
    if (!sim->has_json)
        return false;
    sk_json_begin(&sim->json);
    sk_json_string(&sim->json, "event", event);
    return true;
}

/* Fails now, not after hours, if the folder of an output file cannot be written. */
static enum sk_code check_folder(const char *path, struct sk_error *err)
{
    char folder[SK_PATH_MAX];
    if (!path[0])
        return SK_OK;
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    if (access(slash ? folder : ".", W_OK | X_OK) != 0)
        return sk_fail(err, SK_EENV, "cannot write %s: folder %s: %s", path, slash ? folder : ".", strerror(errno));
    return SK_OK;
}

enum sk_code sk_report_folders(const struct skein *sim, struct sk_error *err)
{
    enum sk_code code = check_folder(sim->parameters.output.checkpoint, err);
    if (!code)
        code = check_folder(sim->parameters.output.trajectory, err);
    return code ? code : check_folder(sim->parameters.output.final_structure, err);
}

enum sk_code sk_report_open(struct skein *sim, struct sk_error *err)
{
    enum sk_code code = sk_comm_rank(sim->comm) == 0 ? sk_report_folders(sim, err) : SK_OK;
    const char *path = sim->options.log_json;
    if (!code && path && sk_comm_rank(sim->comm) == 0) {
        sim->json_file = fopen(path, sim->is_resumed ? "a" : "w");
        if (!sim->json_file)
            code = sk_fail(err, SK_EENV, "cannot write %s: %s", path, strerror(errno));
        else {
            sk_json_init(&sim->json, sim->json_file);
            sim->has_json = true;
        }
    }
    return sk_comm_agree(sim->comm, err, code);
}

void sk_report_parameters(struct skein *sim)
{
    if (!sim->log.out || sim->log.verbosity < SK_LOG_NORMAL)
        return;
    fprintf(sim->log.out, "\n# the complete run file, defaults included\n");
    sk_runfile_write(sim->log.out, &sim->parameters);
    fprintf(sim->log.out, "\n");
}

const char *sk_report_box(const struct sk_box *box, char text[SK_BOX_TEXT])
{
    int n = snprintf(text, SK_BOX_TEXT, "box %.6g x %.6g x %.6g", box->edge[0], box->edge[1], box->edge[2]);
    if (!sk_box_is_rectangular(box))
        snprintf(text + n, (size_t)(SK_BOX_TEXT - n),
                 ", tilted by %.6g (b along x), %.6g (c along x), %.6g (c along y)", box->tilt[0], box->tilt[1],
                 box->tilt[2]);
    return text;
}

static void report_mesh(struct skein *sim)
{
    if (!sim->force.mesh)
        return;
    const struct sk_mesh_plan *plan = sk_mesh_plan(sim->force.mesh);
    const struct sk_nonbonded *nb = &sim->force.nonbonded;
    const struct sk_mesh_charges charges = {nb->pair.coulomb, nb->charge2, (double)sim->top.natoms,
                                            sk_box_volume(&sim->box)};
    double lattice[3][3], spacing = 0; /* the largest */
    int parts[2];
    sk_mesh_parts(sim->force.mesh, parts);
    sk_box_lattice(&sim->box, lattice);
    for (int k = 0; k < 3; k++) {
        const double *v = lattice[k], h = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) / plan->n[k];
        spacing = h > spacing ? h : spacing;
    }
    sk_log_note(&sim->log, SK_LOG_NORMAL,
                "Ewald mesh %d x %d x %d of order %d in %d x %d parts, spacing %.4g, beta %.6g, charges in 2^-%d e",
                plan->n[0], plan->n[1], plan->n[2], plan->order, parts[0], parts[1], spacing, plan->beta,
                sk_mesh_charge_bits(sim->force.mesh));
    sk_log_note(&sim->log, SK_LOG_NORMAL,
                "rms errors of Coulomb forces, estimated for random charges: direct %.3g, mesh %.3g %s",
                sk_mesh_direct_error(&charges, sqrt(nb->pair.coulomb_cutoff2_d), plan->beta),
                sk_mesh_recip_error(&charges, spacing, plan->order, plan->beta), is_lj(sim) ? "" : "kJ/mol/nm");
}

enum sk_code sk_report_start(struct skein *sim, struct sk_error *err)
{
    struct sk_log *log = &sim->log;
    const int32_t *n = sim->domain.cells.n;
    int ranks = sk_comm_size(sim->comm);
    char text[SK_BOX_TEXT];
    sk_log_note(log, SK_LOG_NORMAL, "skein %s: %s", SK_VERSION, sim->top.title);
    sk_report_parameters(sim);
    sk_log_note(log, SK_LOG_NORMAL,
                "%lld atoms, %lld rigid waters, %lld other constraints, %.6g degrees of freedom, %s",
                (long long)sim->top.natoms, (long long)sk_topology_settles(&sim->top),
                (long long)sk_topology_constraints(&sim->top), sim->dynamics.dof, sk_report_box(&sim->box, text));
    sk_sim_print_groups(sim);
    sk_sim_warn(sim);
    if (sim->force.bonded.is_used)
        sk_log_note(log, SK_LOG_NORMAL, "%lld bonded terms", (long long)sim->force.bonded.expected.terms);
    bool is_chosen = sim->parameters.domain.curve == SK_CURVE_AUTO;
    sk_log_note(log, SK_LOG_NORMAL, "%d ranks, %s%s partition of %d x %d x %d cells, kernel %s, force scale 2^%d",
                ranks, is_chosen ? "auto: " : "", scheme_name(sim), n[0], n[1], n[2], sim->variant_names,
                __builtin_ctzll((unsigned long long)(sim->force.nonbonded.pair.force_scale < 1
                                                         ? 1
                                                         : sim->force.nonbonded.pair.force_scale)));
    if ((int64_t)n[0] * n[1] * n[2] < ranks)
        sk_log_note(log, SK_LOG_NORMAL, "note: there are fewer cells than ranks; some ranks will idle");
    sk_log_note(log, SK_LOG_NORMAL, "cutoff %.6g, list radius %.6g, inner %.6g", sim->force.nonbonded.cutoff,
                sim->force.list_radius, sim->force.inner_radius);
    report_mesh(sim);
    if (sim->is_resumed)
        sk_log_note(log, SK_LOG_NORMAL, "resumed from %s at step %lld", sim->checkpoint_used,
                    (long long)sim->checkpoint.step);
    if (is_minimizer(sim))
        sk_outcome_head(sim);
    else
        sk_log_note(log, SK_LOG_NORMAL, "\n%12s %12s %18s %18s %18s %12s %12s", "step", is_lj(sim) ? "time" : "time/ps",
                    "potential", "kinetic", "conserved", is_lj(sim) ? "temperature" : "T/K",
                    is_lj(sim) ? "pressure" : "P/bar");
    if (json_begin(sim, "start")) {
        sk_json_string(&sim->json, "version", SK_VERSION);
        sk_json_string(&sim->json, "units", is_lj(sim) ? "lj" : "gromacs");
        sk_json_int(&sim->json, "atoms", sim->top.natoms);
        sk_json_int(&sim->json, "ranks", ranks);
        sk_json_string(&sim->json, "curve", curve_name(sim));
        sk_json_string(&sim->json, "kernel", sim->variant_names);
        sk_json_int(&sim->json, "first_step", sim->dynamics.step);
        sk_json_int(&sim->json, "steps", sim->target_steps);
        sk_json_bool(&sim->json, "resumed", sim->is_resumed);
        sk_json_double(&sim->json, "force_scale", sim->force.nonbonded.pair.force_scale);
        sk_json_double(&sim->json, "list_radius", sim->force.list_radius);
        sk_json_double(&sim->json, "degrees_of_freedom", sim->dynamics.dof);
        sk_sim_freedom_json(sim, &sim->json);
    }
    return json_end(sim, err);
}

static const char *const bonded_names[SK_BONDED_ENERGIES] = {[SK_ENERGY_BOND] = "bond",
                                                             [SK_ENERGY_ANGLE] = "angle",
                                                             [SK_ENERGY_UREY_BRADLEY] = "urey_bradley",
                                                             [SK_ENERGY_DIHEDRAL] = "dihedral",
                                                             [SK_ENERGY_IMPROPER] = "improper",
                                                             [SK_ENERGY_CMAP] = "cmap",
                                                             [SK_ENERGY_LJ_14] = "lj_14",
                                                             [SK_ENERGY_COULOMB_14] = "coulomb_14",
                                                             [SK_ENERGY_RESTRAINT] = "position_restraint"};

enum sk_code sk_report_energy(struct skein *sim, struct sk_error *err)
{
    const struct sk_record *r = &sim->dynamics.record;
    sim->last_energy_step = r->step;
    if (is_minimizer(sim))
        sk_outcome_line(sim);
    else
        sk_log_note(&sim->log, SK_LOG_NORMAL, "%12lld %12.6g %18.9g %18.9g %18.9g %12.6g %12.6g", (long long)r->step,
                    r->time, r->potential, r->kinetic, r->conserved, r->temperature, r->pressure);
    if (json_begin(sim, "energy")) {
        struct sk_json *json = &sim->json;
        sk_json_int(json, "step", r->step);
        sk_json_double(json, is_lj(sim) ? "time" : "time_ps", r->time);
        sk_json_open_object(json, "terms");
        sk_json_double(json, "lj", r->lj);
        sk_json_double(json, "dispersion_correction", r->dispersion);
        sk_json_double(json, "coulomb_sr", r->coulomb);
        if (sim->force.mesh)
            sk_json_double(json, "coulomb_recip", r->coulomb_recip);
        for (int e = 0; e < SK_BONDED_ENERGIES; e++)
            if (e == SK_ENERGY_RESTRAINT ? sim->has_reference : sim->force.bonded.is_used)
                sk_json_double(json, bonded_names[e], r->bonded[e]);
        sk_json_close(json);
        sk_json_double(json, "potential", r->potential);
        sk_json_double(json, "kinetic", r->kinetic);
        sk_json_double(json, "total", r->total);
        sk_json_double(json, "conserved", r->conserved);
        sk_json_double(json, is_lj(sim) ? "temperature" : "temperature_K", r->temperature);
        sk_sim_temperatures_json(sim, json);
        sk_json_double(json, is_lj(sim) ? "pressure" : "pressure_bar", r->pressure);
        sk_json_open_array(json, is_lj(sim) ? "pressure_axes" : "pressure_axes_bar");
        for (int k = 0; k < 3; k++)
            sk_json_double(json, NULL, r->pressure_axis[k]);
        sk_json_close(json);
        sk_json_open_array(json, is_lj(sim) ? "box" : "box_nm");
        for (int k = 0; k < 3; k++)
            sk_json_double(json, NULL, r->box.edge[k]);
        sk_json_close(json);
        if (!sk_box_is_rectangular(&r->box)) {
            sk_json_open_array(json, is_lj(sim) ? "box_tilt" : "box_tilt_nm");
            for (int k = 0; k < 3; k++)
                sk_json_double(json, NULL, r->box.tilt[k]);
            sk_json_close(json);
        }
        sk_sim_parts_json(sim, json);
    }
    if (is_minimizer(sim))
        sk_outcome_json(sim);
    return json_end(sim, err);
}

enum sk_code sk_report_balance(struct skein *sim, struct sk_error *err)
{
    static const char *const actions[] = {[SK_BALANCE_STARTED] = "started",
                                          [SK_BALANCE_ADJUSTED] = "adjusted",
                                          [SK_BALANCE_RENEWED] = "renewed",
                                          [SK_BALANCE_UNDONE] = "undone"};
    const struct sk_balance *b = &sim->domain.balance;
    if (b->plans == sim->reported_plans)
        return SK_OK;
    sim->reported_plans = b->plans;
    if (b->action == SK_BALANCE_STARTED)
        return SK_OK;
    if (b->mode == SK_REBALANCE_ALWAYS)
        ; /* no news */
    else if (b->action == SK_BALANCE_UNDONE)
        sk_log_note(&sim->log, SK_LOG_NORMAL,
                    "step %lld: the last change of the partition has not made the busiest rank faster: undone",
                    (long long)sim->dynamics.step);
    else
        sk_log_note(
            &sim->log, SK_LOG_NORMAL,
            "step %lld: partition %s: the busiest rank had %.3f of the mean work, %.3f predicted; %.2f %% of the "
            "atoms move; it took %.3g s",
            (long long)sim->dynamics.step, actions[b->action], b->before, b->predicted, 100 * b->moved, b->recut_s);
    if (json_begin(sim, "rebalance")) {
        struct sk_json *json = &sim->json;
        sk_json_int(json, "step", sim->dynamics.step);
        sk_json_string(json, "action", actions[b->action]);
        sk_json_double(json, "imbalance", b->before);
        sk_json_double(json, "tile_imbalance", b->tile_imbalance);
        sk_json_double(json, "import_imbalance", b->predicted);
        sk_json_double(json, "import_tile_imbalance", b->predicted_tiles);
        sk_json_double(json, "moved", b->moved);
        sk_json_double(json, "seconds", b->recut_s);
    }
    return json_end(sim, err);
}

enum sk_code sk_report_checkpoint(struct skein *sim, double seconds, struct sk_error *err)
{
    if (json_begin(sim, "checkpoint")) {
        sk_json_int(&sim->json, "step", sim->dynamics.step);
        sk_json_string(&sim->json, "path", sim->parameters.output.checkpoint);
        sk_json_double(&sim->json, "seconds", seconds);
    }
    return json_end(sim, err);
}

void sk_report_progress(struct skein *sim)
{
    if (!sim->log.out)
        return;
    double now = sk_comm_wall(), interval = sim->log.is_terminal ? TERMINAL_SECONDS : FILE_SECONDS;
    int64_t done = sim->dynamics.step - sim->loop_first_step, left = sim->target_steps - sim->dynamics.step;
    if (done < 1 || now - sim->last_progress < interval)
        return;
    sim->last_progress = now;
    double remaining = (now - sim->opened_at - sim->setup_s) / (double)done * (double)left;
    const char *format = "step %lld of %lld (%.1f %%), about %.0f s left";
    double percent = 100.0 * (double)sim->dynamics.step / (double)sim->target_steps;
    if (sim->log.is_terminal)
        sk_log_progress(&sim->log, format, (long long)sim->dynamics.step, (long long)sim->target_steps, percent,
                        remaining);
    else
        sk_log_note(&sim->log, SK_LOG_NORMAL, format, (long long)sim->dynamics.step, (long long)sim->target_steps,
                    percent, remaining);
}

/* Everything that the final report needs of all ranks. */
struct totals {
    double phase_s[SK_TIMER_PHASES];       /* mean over ranks */
    double tile_imbalance, tiles_per_atom; /* of the present lists */
    int64_t owned_min, owned_max, migrated, wide, prunes;
    struct sk_import import; /* since the last rebuild */
    double messages_per_step, bytes_per_step, collectives_per_step;
    double peak_rss, memory; /* bytes: largest on a rank; held by atoms, lists, halo over all ranks */
    double overhead;         /* bytes: largest on a rank, peak less what it holds of atoms, lists, halo */
    double constraint_worst, velocity_worst, smallest_pivot, rounds_mean;
};

static struct totals collect_totals(struct skein *sim)
{
    struct totals t;
    memset(&t, 0, sizeof t);
    double steps = (double)(sim->dynamics.step - sim->loop_first_step), ranks = sk_comm_size(sim->comm);
    steps = steps > 0 ? steps : 1;
    struct sk_comm_stats now = sk_comm_stats(sim->comm);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    int64_t held = (int64_t)(sk_force_memory(&sim->force) + sk_domain_memory(&sim->domain) +
                             sk_dynamics_memory(&sim->dynamics) + sk_atoms_memory(&sim->atoms));
    int64_t sums[9 + SK_TIMER_PHASES] = {sim->domain.halo.nghosts,
                                         sim->domain.halo.import_cells,
                                         sim->domain.home.migrated,
                                         (int64_t)(now.messages - sim->loop_stats.messages),
                                         (int64_t)(now.bytes - sim->loop_stats.bytes),
                                         (int64_t)(now.blocking_collectives - sim->loop_stats.blocking_collectives),
                                         sim->force.prunes,
                                         held,
                                         sim->domain.halo.recv.nlinks};
    for (int p = 0; p < sim->timer.count; p++)
        sums[9 + p] = sk_timer_ns(&sim->timer, p);
    sk_comm_sum_i64(sim->comm, sums, 9 + SK_TIMER_PHASES);
    t.import = (struct sk_import){sums[0], 0, sums[1], sums[8]};
    t.migrated = sums[2];
    t.messages_per_step = (double)sums[3] / steps;
    t.bytes_per_step = (double)sums[4] / steps;
    t.collectives_per_step = (double)sums[5] / steps / ranks;
    t.prunes = sums[6];
    t.memory = (double)sums[7];
    for (int p = 0; p < sim->timer.count; p++)
        t.phase_s[p] = (double)sums[9 + p] * 1e-9 / ranks;
    int64_t tiles = sk_force_tiles(&sim->force);
    int64_t extremes[6] = {
        sim->atoms.n, -sim->atoms.n, usage.ru_maxrss * 1024, usage.ru_maxrss * 1024 - held, sim->domain.halo.nghosts,
        tiles};
    sk_comm_max_i64(sim->comm, extremes, 6);
    sk_comm_sum_i64(sim->comm, &tiles, 1);
    t.tiles_per_atom = (double)tiles / (double)sim->top.natoms;
    t.tile_imbalance = tiles > 0 ? (double)extremes[5] * ranks / (double)tiles : 1;
    t.import.atoms_max = extremes[4];
    t.owned_max = extremes[0];
    t.owned_min = -extremes[1];
    t.peak_rss = (double)extremes[2];
    t.overhead = (double)extremes[3];
    t.wide = sim->force.wide_steps;
    const struct sk_network *network = &sim->network;
    double waters = sim->dynamics.constraint_worst;
    double worst[3] = {network->worst > waters ? network->worst : waters, sim->dynamics.velocity_worst,
                       -network->smallest_pivot};
    sk_comm_max_f64(sim->comm, worst, 3);
    t.constraint_worst = worst[0];
    t.velocity_worst = worst[1];
    t.smallest_pivot = -worst[2];
    t.rounds_mean = network->solutions ? (double)network->rounds / (double)network->solutions : 0;
    return t;
}

static void json_done(struct skein *sim, const struct totals *t, bool is_stopped, double rate, double per_day,
                      uint64_t hash)
{
    struct sk_json *json = &sim->json;
    char text[17];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
    sk_json_int(json, "steps", sim->dynamics.step);
    sk_json_int(json, "steps_done", sim->dynamics.step - sim->loop_first_step);
    sk_json_bool(json, "stopped", is_stopped);
    sk_json_int(json, "atoms", sim->top.natoms);
    sk_json_int(json, "ranks", sk_comm_size(sim->comm));
    sk_json_string(json, "curve", curve_name(sim));
    sk_json_string(json, "scheme", scheme_name(sim));
    sk_json_double(json, "wall_s", sim->loop_s);
    sk_json_double(json, "setup_s", sim->setup_s);
    sk_json_double(json, is_lj(sim) ? "tau_per_day" : "ns_per_day", per_day);
    sk_json_double(json, "atom_steps_per_s", rate * (double)sim->top.natoms);
    sk_json_open_object(json, "phases_s");
    for (int p = 0; p < sim->timer.count; p++)
        sk_json_double(json, sim->timer.name[p], t->phase_s[p]);
    sk_json_close(json);
    const struct sk_balance *balance = &sim->domain.balance;
    sk_json_double(json, "imbalance", balance->imbalance);
    sk_json_double(json, "tile_imbalance", t->tile_imbalance);
    sk_json_double(json, "tiles_per_atom", t->tiles_per_atom);
    sk_json_double(json, "import_imbalance", balance->predicted);
    sk_json_double(json, "import_tile_imbalance", balance->predicted_tiles);
    sk_json_int(json, "owned_min", t->owned_min);
    sk_json_int(json, "owned_max", t->owned_max);
    sk_json_int(json, "rebuilds", sim->domain.rebuilds);
    sk_json_int(json, "recuts", sim->domain.balance.plans);
    sk_json_int(json, "prunes", t->prunes);
    sk_json_int(json, "migrated", t->migrated);
    sk_json_int(json, "wide_steps", t->wide);
    sk_json_double(json, "ghosts_per_atom", (double)t->import.atoms / (double)sim->top.natoms);
    sk_json_int(json, "import_cells", t->import.cells);
    sk_json_int(json, "import_atoms", t->import.atoms);
    sk_json_int(json, "import_atoms_max", t->import.atoms_max);
    sk_json_int(json, "import_messages", t->import.messages);
    sk_json_double(json, "messages_per_step", t->messages_per_step);
    sk_json_double(json, "bytes_per_step", t->bytes_per_step);
    sk_json_double(json, "blocking_collectives_per_step", t->collectives_per_step);
    const struct sk_network *network = &sim->network;
    sk_json_double(json, "constraint_rounds_mean", t->rounds_mean);
    sk_json_int(json, "constraint_rounds_max", network->largest_rounds);
    sk_json_int(json, "constraint_halos", network->halos);
    sk_json_int(json, "constraint_solutions", network->solutions);
    sk_json_int(json, "constraint_repairs", network->repairs);
    sk_json_double(json, "constraint_worst", t->constraint_worst);
    sk_json_double(json, "constraint_velocity_worst", t->velocity_worst);
    sk_json_double(json, "constraint_smallest_pivot", t->smallest_pivot);
    sk_json_double(json, "peak_rss_bytes", t->peak_rss);
    sk_json_double(json, "overhead_bytes", t->overhead);
    sk_json_double(json, "memory_bytes_per_atom", t->memory / (double)sim->top.natoms);
    sk_json_string(json, "state_hash", text);
}

enum sk_code sk_report_done(struct skein *sim, bool is_stopped, struct sk_error *err)
{
    struct totals t = collect_totals(sim);
    uint64_t hash = sk_dynamics_hash(&sim->dynamics);
    double steps = (double)(sim->dynamics.step - sim->loop_first_step),
           rate = sim->loop_s > 0 ? steps / sim->loop_s : 0;
    double per_day = rate * sim->parameters.run.dt * 86400 * (is_lj(sim) ? 1 : 1e-3), phases = 0;
    struct sk_log *log = &sim->log;
    for (int p = 0; p < sim->timer.count; p++)
        phases += t.phase_s[p];
    sk_log_note(log, SK_LOG_NORMAL, "\n%-24s %s %lld", is_stopped ? "stopped early" : "done", "at step",
                (long long)sim->dynamics.step);
    sk_log_note(log, SK_LOG_NORMAL, "%-24s %.3f s (and %.3f s of setup)", "wall time", sim->loop_s, sim->setup_s);
    if (is_minimizer(sim))
        sk_log_note(log, SK_LOG_NORMAL, "%-24s %.4g steps/s", "speed", rate);
    else
        sk_log_note(log, SK_LOG_NORMAL, "%-24s %.4g %s, %.4g steps/s, %.4g million atom-steps/s", "speed", per_day,
                    is_lj(sim) ? "tau/day" : "ns/day", rate, rate * (double)sim->top.natoms * 1e-6);
    for (int p = 0; p < sim->timer.count; p++)
        if (t.phase_s[p] > 0)
            sk_log_note(log, SK_LOG_NORMAL, "  %-22s %6.1f %%", sim->timer.name[p], 100 * t.phase_s[p] / phases);
    sk_log_note(log, SK_LOG_NORMAL, "%-24s %.3f (largest work over mean), %lld to %lld atoms a rank", "load imbalance",
                sim->domain.balance.imbalance, (long long)t.owned_min, (long long)t.owned_max);
    sk_log_note(log, SK_LOG_NORMAL, "%-24s %lld list rebuilds, %lld migrations, %lld wide steps", "rebuilds",
                (long long)sim->domain.rebuilds, (long long)t.migrated, (long long)t.wide);
    sk_log_note(log, SK_LOG_NORMAL, "%-24s %s, made or moved %lld times, tiles %.3f (predicted %.3f)", "partition",
                scheme_name(sim), (long long)sim->domain.balance.plans, t.tile_imbalance,
                sim->domain.balance.predicted_tiles);
    sk_log_note(log, SK_LOG_NORMAL, "%-24s %.3f", "ghosts per atom", (double)t.import.atoms / (double)sim->top.natoms);
    sk_log_note(log, SK_LOG_NORMAL, "%-24s %.1f messages, %.0f bytes", "a step sends", t.messages_per_step,
                t.bytes_per_step);
    if (sim->network.is_used)
        sk_log_note(log, SK_LOG_NORMAL,
                    "%-24s %.3f rounds a solution (at most %lld), %lld repairs, worst error %.2e, smallest pivot %.2e",
                    "constraints", t.rounds_mean, (long long)sim->network.largest_rounds,
                    (long long)sim->network.repairs, t.constraint_worst, t.smallest_pivot);
    sk_log_note(log, SK_LOG_NORMAL, "%-24s %.0f bytes an atom, largest process %.1f MB", "memory",
                t.memory / (double)sim->top.natoms, t.peak_rss * 1e-6);
    if (sim->network.repairs * 100 > sim->network.solutions)
        sk_log_warn(log,
                    "more than 1 %% of the constraint solutions needed extra rounds, which are slow: a shorter time "
                    "step would help, or fewer nearly straight groups");
    if (is_minimizer(sim))
        sk_outcome_conclude(sim, is_stopped);
    if (json_begin(sim, "done"))
        json_done(sim, &t, is_stopped, rate, per_day, hash);
    if (is_minimizer(sim))
        sk_outcome_done_json(sim, is_stopped);
    enum sk_code code = json_end(sim, err);
    /* printed even with --quiet: it is the run's result */
    if (sim->log.out)
        fprintf(sim->log.out, "state hash: %016llx\n", (unsigned long long)hash);
    if (is_stopped)
        sk_log_note(log, SK_LOG_NORMAL, "run the same command again with --resume to go on");
    return code;
}
