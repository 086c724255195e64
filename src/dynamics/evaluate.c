#include <math.h>
#include <string.h>

#include "base/math.h"
#include "dynamics/dynamics.h"

#define LARGEST_SCALING 0.05 /* of a box edge at one coupling */
#define ROOM_TO_SHRINK  0.02 /* of the list radius, when it is fitted into a smaller box */
#define GROWTH_MARGIN   1.5  /* displacements may grow faster in the next step than in this one */

enum {
    MAX_DISPLACEMENT,
    MAX_EXPECTED,
    MAX_RANGE,
    MAX_PRUNE,
    MAX_FAILED,
    MAX_REQUEST,
    MAX_RESIDUAL,
    MAX_BONDED,
    MAX_CROWD
};

/* What this rank did since the last rebuild, but for what may have been waiting. */
static struct sk_effort effort_of(struct sk_dynamics *d)
{
    const struct sk_force_phases *phases = &d->phases;
    int64_t ns = sk_timer_ns(phases->timer, phases->pair) + sk_timer_ns(phases->timer, phases->prune) +
                 sk_timer_ns(phases->timer, phases->list) + sk_timer_ns(phases->timer, phases->bonded) +
                 sk_timer_ns(phases->timer, phases->mesh) + sk_timer_ns(phases->timer, d->phase_update);
    if (d->effort_ns > ns) /* the timer has been zeroed since */
        d->effort_ns = 0;
    struct sk_effort effort = {d->step - d->effort_step, sk_force_tiles(d->force), (double)(ns - d->effort_ns) * 1e-9};
    d->effort_step = d->step;
    d->effort_ns = ns;
    return effort;
}

static enum sk_code dynamics_rebuild(struct sk_dynamics *d, struct sk_error *err)
{
    sk_timer_enter(d->phases.timer, d->phase_rebuild);
    struct sk_effort effort = effort_of(d);
    sk_sites_place(d->sites, d->box, d->atoms);
    enum sk_code code = sk_dynamics_settle(d, d->step, err); /* while it is known who has what */
    if (!code)
        code = sk_domain_rebuild(d->domain, d->top, d->box, d->force->list_radius, d->domain->rebuilds ? &effort : NULL,
                                 d->atoms, err);
    if (!code)
        code = sk_network_rebuild(d->network, d->atoms, err);
    if (!code)
        code = sk_force_rebuild(d->force, d->domain, d->atoms, &d->phases, err);
    if (code)
        return code;
    sk_rigid_rebuild(d->rigid, d->top, d->atoms);
    sk_sites_rebuild(d->sites, d->top, d->atoms);
    sk_dynamics_set_masses(d);
    d->needs_rebuild = false;
    d->moved = 0;
    return SK_OK;
}

static void spread_sites(struct sk_dynamics *d)
{
    sk_sites_spread(d->sites, d->box, d->atoms, d->force->nonbonded.pair.force_scale, d->force->total, d->sites_virial);
}

static void redo_wide(struct sk_dynamics *d)
{
    sk_force_redo_wide(d->force, d->domain, d->atoms, &d->phases);
    spread_sites(d); /* what the wide forces differ by */
}

/* One attempt at the forces with the present list; *global has this step's maxima and the last step's sums. */
static void evaluate_once(struct sk_dynamics *d, bool wants_sums, struct sk_reduction *global)
{
    struct sk_reduction local;
    memset(&local, 0, sizeof local);
    sk_sites_place(d->sites, d->box, d->atoms);
    double moved = sk_force_displacement(d->force, d->atoms, d->box);
    if (moved > 0)
        d->growth = moved > d->moved ? moved - d->moved : 0;
    d->moved = moved;
    sk_force_begin(d->force, d->domain, d->atoms, wants_sums, &d->phases);
    local.max[MAX_DISPLACEMENT] = sk_order_bits(moved);
    local.max[MAX_EXPECTED] = sk_order_bits(moved + GROWTH_MARGIN * d->growth);
    local.max[MAX_RANGE] = d->force->has_range;
    local.max[MAX_PRUNE] = sk_force_expects_prune(d->force);
    local.max[MAX_FAILED] = d->failed_atom >= 0 || d->failed_water >= 0;
    local.max[MAX_REQUEST] = d->local_request;
    local.max[MAX_BONDED] = d->force->bonded.has_failed || d->force->bonded.has_overflow;
    local.max[MAX_CROWD] = d->force->has_crowd;
    sk_timer_enter(d->phases.timer, d->phase_constrain);
    local.max[MAX_RESIDUAL] = sk_order_bits(sk_dynamics_check(d));
    sk_observe_pack(&d->observables, &local);
    sk_reduction_begin(d->comm, &local);
    sk_force_end(d->force, d->domain, d->atoms, &d->phases);
    memset(d->sites_virial, 0, sizeof d->sites_virial);
    spread_sites(d);
    sk_timer_enter(d->phases.timer, d->phase_reduce);
    sk_reduction_end(d->comm, global);
}

static double largest_force(const struct sk_dynamics *d)
{
    double scale = 1 / d->force->nonbonded.pair.force_scale, largest2 = 0;
    for (int i = 0; i < d->atoms->n; i++) {
        double f2 = 0;
        for (int k = 0; k < 3; k++)
            f2 += (double)d->force->total[i][k] * (double)d->force->total[i][k] * scale * scale;
        largest2 = f2 > largest2 ? f2 : largest2;
    }
    return sqrt(largest2);
}

/* Names the two atoms that are closest to each other over all ranks, which is what forces run away from; `what` says
 * what happened. The largest force leaves out pairs that have no finite one. Collective. */
static enum sk_code fail_runaway(struct sk_dynamics *d, const char *what, struct sk_error *err)
{
    sk_gid pair[2] = {0, 0};
    double largest = largest_force(d), distance = sk_force_closest(d->force, d->atoms, &d->domain->halo, pair);
    double extremes[2] = {largest, -distance};
    sk_comm_max_f64(d->comm, extremes, 2);
    enum sk_code code = SK_OK;
    if (-distance == extremes[1]) {
        char i[SK_ATOM_NAME_MAX], j[SK_ATOM_NAME_MAX];
        sk_topology_name(d->top, pair[0], -1, i);
        sk_topology_name(d->top, pair[1], -1, j);
        code = sk_fail(
            err, SK_EPHYSICS,
            "step %lld: %s; atom %s and atom %s are only %.3g apart, on rank %d; the largest force is %.6g %s "
            "beside; look for overlapping atoms there, or take a shorter time step",
            (long long)d->step, what, i, j, distance, sk_comm_rank(d->comm), extremes[0],
            d->units.system == SK_UNITS_LJ ? "epsilon/sigma" : "kJ/mol/nm");
    }
    return sk_comm_agree(d->comm, err, code);
}

enum sk_code sk_dynamics_verify(struct sk_dynamics *d, struct sk_error *err)
{
    enum sk_code code = SK_OK;
    if (d->failed_atom >= 0) {
        int64_t i = d->failed_atom;
        const double *v = d->atoms->v[i];
        code = sk_fail(
            err, SK_EPHYSICS,
            "step %lld: atom %lld moves by more than a quarter of the box in one step (velocity %.4g %.4g "
            "%.4g, force %.4g %.4g %.4g) on rank %d; the time step is too long or the start has overlapping atoms",
            (long long)d->step, (long long)d->atoms->id[i] + 1, v[0], v[1], v[2],
            (double)d->force->total[i][0] / d->force->nonbonded.pair.force_scale,
            (double)d->force->total[i][1] / d->force->nonbonded.pair.force_scale,
            (double)d->force->total[i][2] / d->force->nonbonded.pair.force_scale, sk_comm_rank(d->comm));
    } else if (d->failed_water >= 0) {
        const struct sk_rigid_water *w = &d->rigid->waters[d->failed_water];
        code = sk_fail(
            err, SK_EPHYSICS,
            "step %lld: rigid water of atoms %lld, %lld, %lld cannot be constrained (relative length error %.3g, "
            "tolerance %.3g) on rank %d; the time step is too long or the start has overlapping atoms",
            (long long)d->step, (long long)d->atoms->id[w->atom[0]] + 1, (long long)d->atoms->id[w->atom[1]] + 1,
            (long long)d->atoms->id[w->atom[2]] + 1, d->constraint_worst, d->rigid->kinds[w->kind].tolerance,
            sk_comm_rank(d->comm));
    }
    return sk_comm_agree(d->comm, err, code);
}

/* Half a kick for velocity Verlet, after which velocities obey the constraints at time n. */
static void finish_kick(struct sk_dynamics *d, double dt)
{
    struct sk_atoms *a = d->atoms;
    d->force->variant->kick(a->v[0], d->force->total[0], d->inverse_mass, dt / d->force->nonbonded.pair.force_scale,
                            3 * a->n);
    sk_dynamics_project(d, a->v[0], NULL, 0);
}

/* Brings velocities to the phase that the integrator keeps between steps (see the header). */
static void settle_phase(struct sk_dynamics *d)
{
    bool is_verlet = d->parameters->run.integrator == SK_VELOCITY_VERLET;
    if (is_verlet && !d->is_on_step)
        finish_kick(d, 0.5 * d->parameters->run.dt);
    else if (!is_verlet && d->is_on_step)
        finish_kick(d, -0.5 * d->parameters->run.dt);
    d->is_on_step = is_verlet;
}

/* The box after a barostat's change: a list must still see one image of an atom only, so its buffer shrinks with the
 * box, as far as it can. The same on every rank. */
static enum sk_code fit_list(struct sk_dynamics *d, struct sk_error *err)
{
    double width[3];
    int axis = 0;
    sk_box_widths(d->box, width);
    for (int k = 1; k < 3; k++)
        axis = width[k] < width[axis] ? k : axis;
    if (d->force->list_radius < 0.5 * width[axis])
        return SK_OK;
    d->needs_rebuild = true;
    if (sk_force_set_radius(d->force, 0.5 * width[axis] * (1 - ROOM_TO_SHRINK)))
        return SK_OK;
    return sk_fail(
        err, SK_EPHYSICS,
        "step %lld: the box has shrunk to a width of %.6g along %c, less than twice the cutoff %.6g with the "
        "least buffer; use a larger system or a shorter cutoff",
        (long long)d->step, width[axis], "xyz"[axis], d -> force -> nonbonded.cutoff);
}

/* A barostat's edge factors: one far from 1 means a start far from equilibrium. The same on every rank. */
static enum sk_code check_barostat(const struct sk_dynamics *d, struct sk_error *err)
{
    for (int k = 0; d->has_pending_box && k < 3; k++)
        if (!(fabs(d->pending_box[k] - 1) < LARGEST_SCALING))
            return sk_fail(
                err, SK_EPHYSICS,
                "step %lld: the barostat would scale the box edge along %c by %.6g at once; equilibrate without it "
                "first, or take a longer [pressure] tau",
                (long long)d->step, "xyz"[k], d -> pending_box[k]);
    return SK_OK;
}

enum sk_code sk_dynamics_fail(struct sk_dynamics *d, enum sk_trouble trouble, const char *what, struct sk_error *err)
{
    return trouble == SK_TROUBLE_BONDED ? sk_bonded_fail(&d->force->bonded, &d->force->local, d->box, d->step, err)
                                        : fail_runaway(d, what, err);
}

enum sk_trouble sk_dynamics_energy_trouble(const struct sk_dynamics *d)
{
    return d->force->bonded.has_overflow ? SK_TROUBLE_BONDED : d->force->has_bad ? SK_TROUBLE_PAIR : SK_TROUBLE_NONE;
}

static enum sk_trouble agree_on_trouble(struct sk_dynamics *d, enum sk_trouble mine)
{
    int64_t trouble = mine;
    sk_comm_max_i64(d->comm, &trouble, 1);
    return (enum sk_trouble)trouble;
}

/* Forces in float, at positions that obey the constraints, of a list that is complete. */
static enum sk_code fast_forces(struct sk_dynamics *d, bool wants_sums, struct sk_reduction *global,
                                struct sk_error *err)
{
    bool has_failed = false;
    for (bool is_first = true;; is_first = false) {
        evaluate_once(d, wants_sums, global);
        has_failed |= global->max[MAX_FAILED] != 0;
        d->agreed_request = (int)global->max[MAX_REQUEST];
        if (global->max[MAX_PRUNE])
            sk_force_ask_prune(d->force);
        double allowance = sk_force_allowance(d->force, d->box);
        if (has_failed) {
            if (global->max[MAX_RANGE]) /* so that the message tells true forces */
                redo_wide(d);
            return sk_dynamics_verify(d, err);
        }
        if (!(sk_order_value(global->max[MAX_RESIDUAL]) <= d->network->tolerance)) {
            enum sk_code code = sk_dynamics_repair(d, d->step, err);
            if (code)
                return code;
            evaluate_once(d, wants_sums, global);
        }
        d->needs_rebuild = sk_order_value(global->max[MAX_EXPECTED]) > allowance;
        if (sk_order_value(global->max[MAX_DISPLACEMENT]) <= allowance)
            return SK_OK;
        if (!is_first)
            return sk_fail(err, SK_EINTERNAL, "step %lld: a fresh pair list is not valid; please report this",
                           (long long)d->step);
        enum sk_code code = dynamics_rebuild(d, err);
        if (code)
            return code;
    }
}

enum sk_code sk_dynamics_forces(struct sk_dynamics *d, bool wants_sums, struct sk_reduction *global,
                                enum sk_trouble *trouble, struct sk_error *err)
{
    *trouble = SK_TROUBLE_NONE;
    enum sk_code code = fit_list(d, err);
    if (!code && d->needs_rebuild)
        code = dynamics_rebuild(d, err);
    if (!code)
        code = fast_forces(d, wants_sums, global, err);
    if (code)
        return code;
    if (global->max[MAX_CROWD])
        return sk_fail(err, SK_EPHYSICS,
                       "step %lld: charges have crowded at a point of the Ewald mesh beyond twice of what could meet "
                       "there at the start; look for ions that have collapsed onto one another",
                       (long long)d->step);
    if (global->max[MAX_BONDED])
        *trouble = SK_TROUBLE_BONDED;
    else if (global->max[MAX_RANGE] || d->wants_wide) {
        redo_wide(d);
        *trouble = agree_on_trouble(d, d->force->has_bad ? SK_TROUBLE_PAIR : SK_TROUBLE_NONE);
    }
    return SK_OK;
}

enum sk_code sk_dynamics_evaluate(struct sk_dynamics *d, bool wants_energy, struct sk_error *err)
{
    struct sk_reduction global;
    enum sk_trouble trouble;
    d->has_record = false;
    enum sk_code code = sk_dynamics_forces(d, sk_observe_wants_virial(d, wants_energy), &global, &trouble, err);
    if (!code && trouble)
        code = sk_dynamics_fail(d, trouble, "a force is not finite", err);
    if (code)
        return code;
    sk_timer_enter(d->phases.timer, d->phase_update);
    sk_observe_complete(d, &global);
    if ((code = check_barostat(d, err)))
        return code;
    sk_observe_forces(d, wants_energy);
    if (wants_energy) {
        trouble = agree_on_trouble(d, sk_dynamics_energy_trouble(d));
        if (trouble)
            return sk_dynamics_fail(d, trouble, "the energy of a pair of atoms is out of range", err);
    }
    settle_phase(d);
    return SK_OK;
}
