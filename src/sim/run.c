#include <math.h>
#include <string.h>

#include "base/fpmode.h"
#include "base/memory.h"
#include "base/signals.h"
#include "io/gro.h"
#include "sim/sim.h"

static enum sk_code write_checkpoint(struct skein *sim, struct sk_error *err)
{
    struct sk_dynamics *d = &sim->dynamics;
    double began = sk_comm_wall();
    struct sk_checkpoint_state state;
    memset(&state, 0, sizeof state);
    state.natoms = sim->top.natoms;
    state.step = d->step;
    state.time = (double)d->step * sim->parameters.run.dt;
    state.box = sim->box;
    state.seed = sim->parameters.run.seed;
    state.model_hash = sim->model_hash;
    state.state_hash = sk_dynamics_hash(d);
    state.integrator = (int32_t)sim->parameters.run.integrator;
    state.velocity_time = d->is_on_step ? SK_VELOCITY_ON_STEP : SK_VELOCITY_HALF_STEP_BACK;
    state.quantum_bits = d->units.quantum_bits;
    state.reference_hash = sim->has_reference ? sim->reference.hash : 0;
    state.force_scale = sim->force.nonbonded.pair.force_scale;
    if (sim->force.mesh) {
        const struct sk_mesh_plan *plan = sk_mesh_plan(sim->force.mesh);
        memcpy(state.mesh, plan->n, sizeof state.mesh);
        state.mesh_order = plan->order;
        state.ewald_beta = plan->beta;
        state.charge_bits = sk_mesh_charge_bits(sim->force.mesh);
    }
    state.constraint_solver = sim->parameters.constraints.solver;
    state.fragment_core = SK_FRAGMENT_CORE;
    state.fragment_overlap = sim->network.graphs.overlap;
    state.constraint_tolerance = sim->parameters.constraints.tolerance;
    state.has_pending_box = d->has_pending_box;
    memcpy(state.pending_box, d->pending_box, sizeof state.pending_box);
    state.conserved_offset = d->conserved_offset;
    state.last_energy_step = sim->last_energy_step;
    const struct sk_descent *s = &sim->minimizer.descent;
    memcpy(state.descent, (double[4]){s->reach, s->ceiling, s->mixing, s->square}, sizeof state.descent);
    state.downhill = s->downhill;
    state.is_crowded = s->is_crowded;
    state.has_moves = sim->parameters.run.integrator == SK_FIRE;
    state.rebuilds = sim->domain.rebuilds;
    snprintf(state.version, sizeof state.version, "%s", SK_VERSION);
    enum sk_code code = sk_checkpoint_write(sim->comm, sim->parameters.output.checkpoint, &state, &sim->atoms, err);
    if (!code)
        code = sk_report_checkpoint(sim, sk_comm_wall() - began, err);
    return code;
}

static enum sk_code write_frame(struct skein *sim, struct sk_error *err)
{
    struct sk_dynamics *d = &sim->dynamics;
    double(*force)[3] = NULL;
    if (sim->parameters.output.forces) {
        force = sk_alloc((size_t)sim->atoms.n, sizeof *force);
        double scale = 1 / sim->force.nonbonded.pair.force_scale;
        for (int i = 0; i < sim->atoms.n; i++)
            for (int k = 0; k < 3; k++)
                force[i][k] = (double)sim->force.total[i][k] * scale;
    }
    struct sk_frame frame = {d->step, (double)d->step * sim->parameters.run.dt, sim->box, &sim->atoms,
                             (const double(*)[3])force};
    enum sk_code code = sk_trajectory_write(sim->trajectory, &frame, err);
    sk_free(&force);
    return code;
}

/* Why this rank wants to stop: 0 not at all. Its maximum over ranks is known after the next evaluate. */
static int wants_stop(const struct skein *sim)
{
    double hours = sim->options.max_hours;
    bool is_late = hours > 0 && sk_comm_rank(sim->comm) == 0 && sk_comm_wall() - sim->opened_at > hours * 3600;
    return sk_signals_pending() || is_late;
}

static bool is_due(int64_t step, int64_t every)
{
    return every > 0 && step % every == 0;
}

/* Output that belongs to the present step, whose forces are known and whose reduction is closed. */
static enum sk_code write_step(struct skein *sim, bool is_end, struct sk_error *err)
{
    const struct sk_parameters *p = &sim->parameters;
    struct sk_dynamics *d = &sim->dynamics;
    int before = sk_timer_enter(&sim->timer, sim->phase_output);
    enum sk_code code = sk_report_balance(sim, err);
    if (!code && d->has_record)
        code = sk_report_energy(sim, err);
    if (!code && sim->trajectory && is_due(d->step, p->output.trajectory_every))
        code = write_frame(sim, err);
    if (!code && is_due(d->step, p->output.hash_every))
        sk_log_note(&sim->log, SK_LOG_NORMAL, "step %lld state hash: %016llx", (long long)d->step,
                    (unsigned long long)sk_dynamics_hash(d));
    bool has_moved = d->step > sim->loop_first_step;
    if (!code && !is_end && has_moved && is_due(d->step, p->output.checkpoint_every))
        code = write_checkpoint(sim, err);
    sk_timer_enter(&sim->timer, before);
    return code;
}

static enum sk_code run_loop(struct skein *sim, bool *is_stopped, struct sk_error *err)
{
    struct sk_dynamics *d = &sim->dynamics;
    const struct sk_parameters *p = &sim->parameters;
    for (;;) {
        bool is_last = d->step >= sim->target_steps;
        bool wants_energy = (is_last || is_due(d->step, p->output.energy_every)) && d->step > sim->last_energy_step;
        d->local_request = wants_stop(sim);
        enum sk_code code = sk_dynamics_evaluate(d, wants_energy, err);
        if (code)
            return code;
        *is_stopped = !is_last && d->agreed_request;
        if ((code = write_step(sim, is_last || *is_stopped, err)))
            return code;
        if (is_last && wants_energy) {
            if ((code = sk_dynamics_trial(d, err)) || (code = sk_report_energy(sim, err)))
                return code;
        }
        if (is_last || *is_stopped)
            return write_checkpoint(sim, err);
        sk_report_progress(sim);
        sk_dynamics_advance(d);
    }
}

/* Forces of the present step of a minimizer, and its energies where they are reported; *ends if it is the last one. */
static enum sk_code minimize_look(struct skein *sim, bool *ends, struct sk_error *err)
{
    struct sk_minimizer *m = &sim->minimizer;
    struct sk_dynamics *d = &sim->dynamics;
    bool is_asked = is_due(d->step, sim->parameters.output.energy_every);
    enum sk_code code = sk_minimize_evaluate(m, is_asked, err);
    if (code)
        return code;
    *ends = sk_minimize_has_converged(m) || m->is_stuck || d->step >= sim->target_steps;
    if (*ends) /* energies, too, must have been found to be the force field's */
        code = sk_minimize_evaluate(m, true, err);
    *ends = sk_minimize_has_converged(m) || m->is_stuck || d->step >= sim->target_steps;
    d->has_record = (*ends || is_asked) && d->step > sim->last_energy_step;
    return code;
}

static enum sk_code minimize_loop(struct skein *sim, bool *is_stopped, struct sk_error *err)
{
    struct sk_dynamics *d = &sim->dynamics;
    for (bool ends = false;;) {
        d->local_request = wants_stop(sim);
        enum sk_code code = minimize_look(sim, &ends, err);
        if (code)
            return code;
        *is_stopped = !ends && d->agreed_request;
        if ((code = write_step(sim, ends || *is_stopped, err)))
            return code;
        if (ends && sim->trajectory && (code = write_frame(sim, err))) /* once: a step's second frame is left out */
            return code;
        if (ends || *is_stopped)
            return write_checkpoint(sim, err);
        sk_report_progress(sim);
        if ((code = sk_minimize_step(&sim->minimizer, err)))
            return code;
    }
}

static void mark_loop_start(struct skein *sim)
{
    sk_comm_barrier(sim->comm);
    sim->loop_first_step = sim->dynamics.step;
    sim->loop_stats = sk_comm_stats(sim->comm);
    sk_timer_reset(&sim->timer);
    sim->setup_s = sk_comm_wall() - sim->opened_at;
}

static int sim_run(struct skein *sim)
{
    struct sk_error *err = &sim->error;
    enum sk_code code = sk_report_open(sim, err);
    if (!code && sim->parameters.output.trajectory[0])
        code = sk_trajectory_open(sim->comm, &sim->parameters, &sim->top, sim->is_resumed ? sim->checkpoint.step : -1,
                                  &sim->trajectory, err);
    if (!code)
        code = sk_report_start(sim, err);
    if (code)
        return code;
    sk_signals_catch();
    mark_loop_start(sim);
    double began = sk_comm_wall();
    bool is_stopped = false;
    bool is_minimizer = sk_is_minimizer(sim->parameters.run.integrator);
    code = is_minimizer ? minimize_loop(sim, &is_stopped, err) : run_loop(sim, &is_stopped, err);
    sim->loop_s = sk_comm_wall() - began;
    sk_timer_enter(&sim->timer, SK_TIMER_NONE);
    if (sim->trajectory) {
        struct sk_error closing;
        enum sk_code closed = sk_trajectory_close(&sim->trajectory, &closing);
        if (!code && closed) {
            *err = closing;
            code = closed;
        }
    }
    const char *final = sim->parameters.output.final_structure;
    if (!code && !is_stopped && final[0])
        code = sk_gro_write(sim->comm, final, &sim->top, &sim->box, &sim->atoms, sim->dynamics.step, err);
    if (!code)
        code = sk_report_done(sim, is_stopped, err);
    return code ? (int)code : is_stopped ? SK_EXIT_STOPPED : SK_OK;
}

int skein_run(struct skein *sim)
{
    unsigned mode = sk_fpmode_enter();
    int code = sim_run(sim);
    sk_fpmode_leave(mode);
    return code;
}
