#include <stdlib.h>
#include <string.h>

#include "base/fpmode.h"
#include "base/memory.h"
#include "mesh/accuracy.h"
#include "sim/groups.h"

#define AUTO_BUFFER 0.48 /* of the cutoff: list radius less cutoff */

void skein_options_init(struct skein_options *options)
{
    memset(options, 0, sizeof *options);
    options->steps = -1;
}

/* The variant of this rank: entry rank modulo count of the comma-separated list. */
static enum sk_code choose_variant(struct skein *sim, const struct sk_kernel_variant **variant, struct sk_error *err)
{
    char list[sizeof sim->parameters.domain.kernel], *names[16], *rest = NULL;
    int count = 0;
    memcpy(list, sim->parameters.domain.kernel, sizeof list);
    for (char *name = strtok_r(list, ", ", &rest); name && count < 16; name = strtok_r(NULL, ", ", &rest))
        names[count++] = name;
    const char *name = count ? names[sk_comm_rank(sim->comm) % count] : "auto";
    *variant = sk_kernel_find(name);
    enum sk_code code = SK_OK;
    int nvariants;
    const struct sk_kernel_variant *all = sk_kernel_variants(&nvariants);
    if (!*variant) {
        char known[128] = "auto";
        for (int v = 0; v < nvariants; v++)
            snprintf(known + strlen(known), sizeof known - strlen(known), ", %s", all[v].name);
        code = sk_fail(err, SK_EINPUT, "[domain] kernel: no variant is called '%s'; there are %s", name, known);
    } else if (!(*variant)->is_supported())
        code = sk_fail(
            err, SK_EINPUT,
            "[domain] kernel = %s: this processor lacks the instructions; 'auto' takes the fastest that runs", name);
    else
        snprintf(sim->variant_names, sizeof sim->variant_names, "%s",
                 count > 1 ? sim->parameters.domain.kernel : (*variant)->name);
    return sk_comm_agree(sim->comm, err, code);
}

/* List radius from cutoff and buffer; a list must see one image of an atom only (docs/numerics.md). */
static enum sk_code choose_radius(struct skein *sim, double cutoff, double *radius, struct sk_error *err)
{
    double buffer = sim->parameters.nonbonded.buffer, wanted = cutoff + (buffer > 0 ? buffer : AUTO_BUFFER * cutoff);
    double width[3];
    int axis = 0;
    sk_box_widths(&sim->box, width);
    for (int k = 1; k < 3; k++)
        axis = width[k] < width[axis] ? k : axis;
    double limit = 0.5 * width[axis] * (1 - 1e-6);
    *radius = buffer > 0 || wanted < limit ? wanted : limit;
    if (buffer > 0 && buffer < SK_FORCE_LEAST_BUFFER * cutoff)
        return sk_fail(
            err, SK_EINPUT,
            "[nonbonded] buffer = %.6g is too small to be of use: give at least %.6g (%g of the cutoff), or auto",
            buffer, SK_FORCE_LEAST_BUFFER * cutoff, SK_FORCE_LEAST_BUFFER);
    if (*radius > limit || *radius < cutoff * (1 + SK_FORCE_LEAST_BUFFER))
        return sk_fail(
            err, SK_EINPUT,
            "the box is too small along %c, %.6g wide: the list radius (cutoff %.6g and its buffer) must stay under "
            "half of that; use a shorter cutoff or replicate the system",
            "xyz"[axis], width[axis], cutoff);
    return SK_OK;
}

static void count_kinds(struct skein *sim, int64_t *count)
{
    for (int i = 0; i < sim->atoms.n; i++)
        count[sim->atoms.kind[i]]++;
    sk_comm_sum_i64(sim->comm, count, sim->top.nkinds);
}

static void setup_dynamics(struct skein *sim)
{
    struct sk_dynamics *d = &sim->dynamics;
    d->parameters = &sim->parameters;
    d->top = &sim->top;
    d->groups = &sim->groups;
    d->comm = sim->comm;
    d->domain = &sim->domain;
    d->force = &sim->force;
    d->rigid = &sim->rigid;
    d->sites = &sim->sites;
    d->network = &sim->network;
    d->atoms = &sim->atoms;
    d->box = &sim->box;
    d->phases.timer = &sim->timer;
    sk_dynamics_init(d);
    sk_minimize_init(&sim->minimizer, d);
    sim->phase_output = sk_timer_phase(&sim->timer, "output");
    if (sim->is_resumed || (sim->is_started && sim->parameters.system.velocities == SK_VELOCITIES_FILE))
        d->is_on_step = sim->checkpoint.velocity_time == SK_VELOCITY_ON_STEP;
    if (!sim->is_resumed)
        return;
    d->step = sim->checkpoint.step;
    d->conserved_offset = sim->checkpoint.conserved_offset;
    d->has_pending_box = sim->checkpoint.has_pending_box;
    memcpy(d->pending_box, sim->checkpoint.pending_box, sizeof d->pending_box);
    const double *descent = sim->checkpoint.descent;
    sim->minimizer.descent = (struct sk_descent){
        descent[0], descent[1], descent[2], descent[3], sim->checkpoint.downhill, sim->checkpoint.is_crowded != 0};
    sim->minimizer.is_begun = true;
}

/* The mesh of the run file, or that of a run that goes on; beta 0: none. */
static enum sk_code choose_mesh(const struct skein *sim, const struct sk_units *units, const int64_t *kind_count,
                                struct sk_mesh_plan *plan, struct sk_error *err)
{
    const struct sk_parameters *p = &sim->parameters;
    struct sk_mesh_charges charges = {
        .coulomb = units->coulomb, .natoms = (double)sim->top.natoms, .volume = sk_box_volume(&sim->box)};
    double lattice[3][3], cutoff = p->nonbonded.coulomb_cutoff;
    int order = (int)p->nonbonded.mesh_order;
    for (int k = 0; k < sim->top.nkinds; k++)
        charges.sum_q2 += (double)kind_count[k] * sim->top.kinds[k].charge * sim->top.kinds[k].charge;
    *plan = (struct sk_mesh_plan){.order = order};
    if (p->nonbonded.coulomb != SK_COULOMB_PME || charges.sum_q2 == 0)
        return SK_OK;
    if (sim->is_resumed) {
        memcpy(plan->n, sim->checkpoint.mesh, sizeof plan->n);
        plan->beta = sim->checkpoint.ewald_beta;
        return sk_mesh_plan_check(plan, err);
    }
    sk_box_lattice(&sim->box, lattice);
    enum sk_code code = p->nonbonded.coulomb_error > 0
                            ? sk_mesh_plan_for_error(plan, (const double(*)[3])lattice, &charges, cutoff, order,
                                                     p->nonbonded.coulomb_error, err)
                            : sk_mesh_plan_choose(plan, (const double(*)[3])lattice, p->nonbonded.mesh_spacing, order,
                                                  cutoff, p->nonbonded.ewald_rtol, err);
    if (!code && p->nonbonded.mesh[0])
        memcpy(plan->n, p->nonbonded.mesh, sizeof plan->n);
    return code ? code : sk_mesh_plan_check(plan, err);
}

static enum sk_code setup_forces(struct skein *sim, struct sk_error *err)
{
    const struct sk_kernel_variant *variant;
    enum sk_code code = choose_variant(sim, &variant, err);
    if (code)
        return code;
    int64_t *kind_count = sk_calloc((size_t)sim->top.nkinds, sizeof *kind_count);
    count_kinds(sim, kind_count);
    struct sk_units units = sk_units_of(sim->parameters.units);
    if (sim->parameters.system.is_real)
        units.coulomb = sk_data_coulomb(&sim->parameters);
    sim->dynamics.units = units;
    struct sk_mesh_plan plan;
    struct sk_nonbonded nonbonded;
    if (!(code = choose_mesh(sim, &units, kind_count, &plan, err)))
        sk_nonbonded_init(&nonbonded, &sim->parameters, &sim->ff, &sim->top, &units, kind_count,
                          sim->is_resumed ? sim->checkpoint.force_scale : 0, plan.beta);
    sk_free(&kind_count);
    double radius = 0;
    if (code)
        return code;
    code = choose_radius(sim, nonbonded.cutoff, &radius, err);
    sk_force_init(&sim->force, &sim->top, variant);
    sim->force.nonbonded = nonbonded;
    sk_parts_init(&sim->force.parts, &sim->groups, sim->parameters.output.energy_groups);
    sk_force_set_radius(&sim->force, radius);
    sim->has_force = true;
    if (code)
        return code;
    static const enum sk_mesh_cuts cuts[] = {
        [SK_LAYOUT_AUTO] = SK_MESH_AUTO, [SK_LAYOUT_SLAB] = SK_MESH_SLABS, [SK_LAYOUT_PENCIL] = SK_MESH_PENCILS};
    sk_force_init_terms(&sim->force, sim->comm, &sim->ff, sim->has_reference ? &sim->reference : NULL,
                        nonbonded.pair.is_ewald ? &plan : NULL, cuts[sim->parameters.domain.mesh_layout]);
    sk_force_set_box(&sim->force, &sim->box);
    return SK_OK;
}

static enum sk_code setup_charge_bits(struct skein *sim, struct sk_error *err)
{
    if (!sim->is_resumed)
        return sk_force_choose_charge_bits(&sim->force, &sim->atoms, err);
    sk_mesh_set_charge_bits(sim->force.mesh, sim->checkpoint.charge_bits);
    return SK_OK;
}

static enum sk_code find_checkpoint(struct skein *sim, struct sk_error *err)
{
    const struct sk_parameters *p = &sim->parameters;
    if (!sim->options.resume)
        return SK_OK;
    bool exists = false;
    enum sk_code code = sk_checkpoint_find(sim->comm, p->output.checkpoint, &exists, sim->checkpoint_used,
                                           &sim->checkpoint, err);
    if (code)
        return code;
    if (!exists) {
        sk_log_note(&sim->log, SK_LOG_NORMAL, "--resume: there is no checkpoint %s yet; starting afresh",
                    p->output.checkpoint);
        return SK_OK;
    }
    if (strcmp(sim->checkpoint_used, p->output.checkpoint) != 0)
        sk_log_warn(&sim->log, "%s is missing or damaged; resuming from %s", p->output.checkpoint,
                    sim->checkpoint_used);
    const struct sk_checkpoint_state *c = &sim->checkpoint;
    if (c->model_hash != sim->model_hash || c->natoms != sim->top.natoms)
        return sk_fail(
            err, SK_EINPUT,
            "%s is of another system (its model hash is %016llx, this input's %016llx); run without --resume, "
            "or give the input it was made from",
            sim->checkpoint_used, (unsigned long long)c->model_hash, (unsigned long long)sim->model_hash);
    if (c->integrator != (int)p->run.integrator)
        return sk_fail(
            err, SK_EINPUT,
            "%s was written by another integrator; [run] integrator cannot change on --resume: to begin a run "
            "from its atoms, name it as [system] start and write another [output] checkpoint",
            sim->checkpoint_used);
    if (c->seed != p->run.seed)
        return sk_fail(err, SK_EINPUT, "%s was written with seed = %llu; [run] seed cannot change on --resume",
                       sim->checkpoint_used, (unsigned long long)c->seed);
    if (c->constraint_solver != (int)p->constraints.solver || c->constraint_tolerance != p->constraints.tolerance)
        sk_log_note(&sim->log, SK_LOG_NORMAL,
                    "--resume: [constraints] solver or tolerance has changed: the run goes on "
                    "from the same state, with other bits than it would have had");
    sim->box = c->box;
    sim->is_resumed = true;
    return SK_OK;
}

/* The checkpoint whose atoms a fresh run takes. */
static enum sk_code find_start(struct skein *sim, struct sk_error *err)
{
    const char *path = sim->parameters.system.start;
    bool exists = false;
    if (sim->is_resumed || !path[0])
        return SK_OK;
    enum sk_code code = sk_checkpoint_find(sim->comm, path, &exists, sim->checkpoint_used, &sim->checkpoint, err);
    if (code)
        return code;
    if (!exists)
        return sk_fail(err, SK_EINPUT, "[system] start: there is no checkpoint %s", path);
    if (strcmp(sim->checkpoint_used, path) != 0)
        sk_log_warn(&sim->log, "%s is missing or damaged; starting from %s", path, sim->checkpoint_used);
    if (sim->checkpoint.natoms != sim->top.natoms)
        return sk_fail(
            err, SK_EINPUT,
            "[system] start: %s has %lld atoms, this input %lld; it must be a checkpoint of the same molecules",
            sim->checkpoint_used, (long long)sim->checkpoint.natoms, (long long)sim->top.natoms);
    if (sim->checkpoint.model_hash != sim->model_hash)
        sk_log_note(&sim->log, SK_LOG_NORMAL,
                    "note: %s was written with another force field, other cutoffs or constraints",
                    sim->checkpoint_used);
    sim->box = sim->checkpoint.box;
    sim->is_started = true;
    return SK_OK;
}

static enum sk_code examine_constraints(struct skein *sim, struct sk_error *err)
{
    struct sk_weakness weakness;
    enum sk_code code = sk_network_examine(&sim->network, &sim->atoms, &sim->box, &weakness, err);
    struct sk_weakness *all = sk_alloc((size_t)sk_comm_size(sim->comm), sizeof *all);
    sk_comm_gather(sim->comm, &weakness, sizeof weakness, all, 0);
    for (int r = 0; !code && sk_comm_rank(sim->comm) == 0 && r < sk_comm_size(sim->comm); r++)
        if (all[r].pivot < 1) {
            sk_log_warn(&sim->log, "the constraint %s nearly depends on others there (pivot %.1e of 1)", all[r].where,
                        all[r].pivot);
            break;
        }
    sk_free(&all);
    return code;
}

/* The topology that constraints are made from. To a minimizer all atoms have the same mass: it goes along forces, and a
 * force that constraints balance has no other part along them than these take. */
static const struct sk_topology *topology_of_motion(struct skein *sim)
{
    if (!sk_is_minimizer(sim->parameters.run.integrator))
        return &sim->top;
    sk_topology_copy(&sim->top, &sim->even);
    for (int k = 0; k < sim->even.nkinds; k++)
        sim->even.kinds[k].mass = 1;
    return &sim->even;
}

static void setup_constraints(struct skein *sim)
{
    const struct sk_topology *top = topology_of_motion(sim);
    sk_rigid_init(&sim->rigid, top, sim->parameters.constraints.tolerance);
    sk_network_init(&sim->network, sim->comm, top, &sim->parameters, sim->force.variant);
    sim->has_rigid = true;
}

/* Velocities of a fresh start; a minimizer leaves those of the file alone. */
static void setup_velocities(struct skein *sim)
{
    if (sk_is_minimizer(sim->parameters.run.integrator))
        return;
    if (sim->parameters.system.velocities == SK_VELOCITIES_MAXWELL)
        sk_dynamics_maxwell(&sim->dynamics);
    else
        sk_dynamics_accept(&sim->dynamics);
}

static enum sk_code open_all(struct skein *sim, const char *run_file, struct sk_error *err)
{
    int launched = sk_comm_launcher_size();
    if (launched > sk_comm_size(sim->comm) && !sim->options.mpi_comm)
        return sk_fail(err, SK_EENV,
                       "the launcher started %d processes but MPI sees %d: mpirun and the MPI library do not belong "
                       "together; use the mpirun of the Open MPI that skein was built with",
                       launched, sk_comm_size(sim->comm));
    enum sk_code code = sk_sim_read_model(sim, run_file, err);
    static const enum sk_links_transport transports[] = {
        [SK_TRANSPORT_AUTO] = SK_LINKS_AUTO, [SK_TRANSPORT_MPI] = SK_LINKS_MPI, [SK_TRANSPORT_RING] = SK_LINKS_RING};
    if (!code) {
        sk_comm_set_transport(sim->comm, transports[sim->parameters.domain.transport]);
        code = find_checkpoint(sim, err);
    }
    if (!code)
        code = find_start(sim, err);
    if (!code)
        code = sim->is_resumed || sim->is_started ? sk_sim_read_checkpoint(sim, err) : sk_sim_read_atoms(sim, err);
    if (!code)
        code = sk_sim_read_reference(sim, err);
    if (!code)
        code = setup_forces(sim, err);
    if (code)
        return code;
    setup_constraints(sim);
    code = sk_domain_start(&sim->domain, sim->comm, &sim->parameters, &sim->top, &sim->box, sim->force.list_radius,
                           &sim->atoms, err);
    sim->has_domain = true;
    if (!code)
        code = sk_sim_check_groups(sim, run_file, err);
    if (code || (sim->force.mesh && (code = setup_charge_bits(sim, err))))
        return code;
    setup_dynamics(sim);
    sk_dynamics_place_sites(&sim->dynamics);
    sk_parts_count(&sim->force.parts, sim->comm, &sim->atoms);
    if ((code = examine_constraints(sim, err)))
        return code;
    if (!sim->is_resumed)
        setup_velocities(sim);
    sim->target_steps = sim->options.steps >= 0 ? sim->options.steps : sim->parameters.run.steps;
    sim->last_energy_step = sim->is_resumed ? sim->checkpoint.last_energy_step : -1;
    return SK_OK;
}

static enum sk_code sim_open(const char *run_file, const struct skein_options *options, struct skein **simulation)
{
    struct skein *sim = *simulation = sk_calloc(1, sizeof *sim);
    if (options)
        sim->options = *options;
    else
        skein_options_init(&sim->options);
    sk_atoms_init(&sim->atoms);
    sk_topology_init(&sim->top);
    sk_topology_init(&sim->even);
    sk_forcefield_init(&sim->ff);
    sk_timer_init(&sim->timer);
    sim->comm = sk_comm_new(sim->options.mpi_comm);
    sim->opened_at = sk_comm_wall();
    sk_log_init(&sim->log, sim->options.log, sim->options.log ? sk_comm_rank(sim->comm) : 1,
                sim->options.quiet ? SK_LOG_QUIET : SK_LOG_NORMAL);
    int code = open_all(sim, run_file, &sim->error);
    sim->setup_s = sk_comm_wall() - sim->opened_at;
    return code;
}

int skein_open(const char *run_file, const struct skein_options *options, struct skein **simulation)
{
    unsigned mode = sk_fpmode_enter();
    int code = (int)sim_open(run_file, options, simulation);
    sk_fpmode_leave(mode);
    return code;
}

void skein_close(struct skein **simulation)
{
    struct skein *sim = *simulation;
    if (!sim)
        return;
    struct sk_error ignored;
    if (sim->trajectory)
        sk_trajectory_close(&sim->trajectory, &ignored);
    if (sim->has_json)
        sk_json_clear(&sim->json);
    if (sim->json_file)
        fclose(sim->json_file);
    if (sim->has_domain)
        sk_domain_clear(&sim->domain);
    if (sim->has_force)
        sk_force_clear(&sim->force);
    if (sim->has_rigid) {
        sk_network_clear(&sim->network);
        sk_rigid_clear(&sim->rigid);
        sk_sites_clear(&sim->sites);
    }
    sk_reference_clear(&sim->reference);
    sk_minimize_clear(&sim->minimizer);
    sk_dynamics_clear(&sim->dynamics);
    sk_atoms_clear(&sim->atoms);
    sk_forcefield_clear(&sim->ff);
    sk_groups_clear(&sim->groups);
    sk_topology_clear(&sim->even);
    sk_topology_clear(&sim->top);
    sk_comm_free(&sim->comm);
    sk_free(simulation);
}

const char *skein_message(const struct skein *simulation)
{
    return simulation->error.message;
}

int skein_rank(const struct skein *simulation)
{
    return sk_comm_rank(simulation->comm);
}

const char *skein_version(void)
{
    return SK_VERSION;
}
