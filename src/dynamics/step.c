#include <float.h>
#include <math.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "dynamics/coupling.h"
#include "dynamics/dynamics.h"

#define SPEED_MARGIN 1.3 /* an atom may be faster at the next step than at this one */
#define LARGEST_MOVE 0.25 /* box edges in one step: beyond, the run has failed */

enum { MAX_DISPLACEMENT, MAX_EXPECTED, MAX_RANGE, MAX_BAD, MAX_FAILED, MAX_REQUEST };

/* Non-negative doubles order like their bits. */
static int64_t bits_of(double x)
{
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double from_bits(int64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* ---- evaluate: forces at x(n) ---- */

static enum sk_code dynamics_rebuild(struct sk_dynamics *d, struct sk_error *err)
{
    sk_timer_enter(d->phases.timer, d->phase_rebuild);
    enum sk_code code = sk_domain_rebuild(d->domain, d->top, d->box, d->force->list_radius,
                                          d->domain->rebuilds ? d->force->work : NULL, d->atoms, err);
    if (code)
        return code;
    sk_rigid_rebuild(d->rigid, d->top, d->atoms);
    sk_force_rebuild(d->force, d->domain, d->atoms, d->box, &d->phases);
    d->needs_rebuild = false;
    return SK_OK;
}

/* One attempt at the forces with the present list; *global has this step's maxima and the last step's sums. */
static void evaluate_once(struct sk_dynamics *d, struct sk_reduction *global)
{
    struct sk_reduction local;
    memset(&local, 0, sizeof local);
    double moved = sk_force_displacement(d->force, d->atoms, d->box);
    sk_force_begin(d->force, d->domain, d->atoms, d->box, &d->phases);
    local.max[MAX_DISPLACEMENT] = bits_of(moved);
    local.max[MAX_EXPECTED] = bits_of(moved + SPEED_MARGIN * sqrt(d->fastest2) * d->parameters->run.dt);
    local.max[MAX_RANGE] = d->force->has_range;
    local.max[MAX_FAILED] = d->failed_atom >= 0 || d->failed_water >= 0;
    local.max[MAX_REQUEST] = d->local_request;
    sk_observe_pack(&d->observables, &local);
    sk_reduction_begin(d->comm, &local);
    sk_force_end(d->force, d->domain, d->atoms, d->box, &d->phases);
    sk_timer_enter(d->phases.timer, d->phase_reduce);
    sk_reduction_end(d->comm, global);
}

/* Names the atom with the largest force over all ranks. Collective. */
static enum sk_code fail_runaway(struct sk_dynamics *d, const char *what, struct sk_error *err)
{
    double scale = 1 / d->force->nonbonded.pair.force_scale, largest2 = -1;
    int worst = -1;
    for (int i = 0; i < d->atoms->n; i++) {
        double f2 = 0;
        for (int k = 0; k < 3; k++)
            f2 += (double)d->force->total[i][k] * (double)d->force->total[i][k] * scale * scale;
        if (f2 > largest2) {
            largest2 = f2;
            worst = i;
        }
    }
    int64_t mine = worst >= 0 ? bits_of(sqrt(largest2)) : -1, all = mine;
    sk_comm_max_i64(d->comm, &all, 1);
    enum sk_code code = SK_OK;
    if (mine == all && worst >= 0) {
        struct sk_place at = sk_topology_find(d->top, d->atoms->id[worst]);
        const struct sk_moltype *type = &d->top->moltypes[at.moltype];
        double place[3];
        for (int k = 0; k < 3; k++)
            place[k] = (double)d->atoms->x[worst][k] * 0x1p-64 * d->box->edge[k];
        code = sk_fail(err, SK_EPHYSICS,
                       "step %lld: %s; the largest force, %.6g %s, acts on atom %lld (%s of %s, molecule at atom %lld) at "
                       "%.4f %.4f %.4f on rank %d; look for overlapping atoms there, or take a shorter time step",
                       (long long)d->step, what, sqrt(largest2),
                       d->units.system == SK_UNITS_LJ ? "epsilon/sigma" : "kJ/mol/nm",
                       (long long)d->atoms->id[worst] + 1, type->atoms[at.place].name, type->name,
                       (long long)at.molecule + 1, place[0], place[1], place[2], sk_comm_rank(d->comm));
    }
    return sk_comm_agree(d->comm, err, code);
}

enum sk_code sk_dynamics_verify(struct sk_dynamics *d, struct sk_error *err)
{
    enum sk_code code = SK_OK;
    if (d->failed_atom >= 0) {
        int64_t i = d->failed_atom;
        const double *v = d->atoms->v[i];
        code = sk_fail(err, SK_EPHYSICS,
                       "step %lld: atom %lld moves by more than a quarter of the box in one step (velocity %.4g %.4g "
                       "%.4g, force %.4g %.4g %.4g) on rank %d; the time step is too long or the start has overlapping atoms",
                       (long long)d->step, (long long)d->atoms->id[i] + 1, v[0], v[1], v[2],
                       (double)d->force->total[i][0] / d->force->nonbonded.pair.force_scale,
                       (double)d->force->total[i][1] / d->force->nonbonded.pair.force_scale,
                       (double)d->force->total[i][2] / d->force->nonbonded.pair.force_scale, sk_comm_rank(d->comm));
    } else if (d->failed_water >= 0) {
        const struct sk_rigid_water *w = &d->rigid->waters[d->failed_water];
        code = sk_fail(err, SK_EPHYSICS,
                       "step %lld: rigid water of atoms %lld, %lld, %lld cannot be constrained (relative length error %.3g, "
                       "tolerance %.3g) on rank %d; the time step is too long or the start has overlapping atoms",
                       (long long)d->step, (long long)d->atoms->id[w->atom[0]] + 1,
                       (long long)d->atoms->id[w->atom[1]] + 1, (long long)d->atoms->id[w->atom[2]] + 1,
                       d->constraint_worst, d->rigid->kinds[w->kind].tolerance, sk_comm_rank(d->comm));
    }
    return sk_comm_agree(d->comm, err, code);
}

/* Half a kick for velocity Verlet, after which velocities obey the constraints at time n. */
static void finish_kick(struct sk_dynamics *d, double dt)
{
    struct sk_atoms *a = d->atoms;
    double scale = dt / d->force->nonbonded.pair.force_scale;
    for (int i = 0; i < a->n; i++) {
        double factor = scale / d->top->kinds[a->kind[i]].mass;
        for (int k = 0; k < 3; k++)
            a->v[i][k] += (double)d->force->total[i][k] * factor;
    }
    for (int w = 0; w < d->rigid->nwaters; w++) {
        const int *atom = d->rigid->waters[w].atom;
        double bond[2][3], v[3][3], mu[3], virial[3][3] = {{0}};
        for (int k = 0; k < 3; k++) {
            bond[0][k] = sk_frac_difference(a->x[atom[1]][k], a->x[atom[0]][k]) * d->box->edge[k];
            bond[1][k] = sk_frac_difference(a->x[atom[2]][k], a->x[atom[0]][k]) * d->box->edge[k];
        }
        for (int m = 0; m < 3; m++)
            memcpy(v[m], a->v[atom[m]], sizeof v[m]);
        sk_water_velocities(&d->rigid->kinds[d->rigid->waters[w].kind], bond, v, mu, virial);
        for (int m = 0; m < 3; m++)
            memcpy(a->v[atom[m]], v[m], sizeof v[m]);
    }
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

enum sk_code sk_dynamics_evaluate(struct sk_dynamics *d, bool wants_energy, struct sk_error *err)
{
    struct sk_reduction global;
    bool has_failed = false;
    d->has_record = false;
    if (d->needs_rebuild) {
        enum sk_code code = dynamics_rebuild(d, err);
        if (code)
            return code;
    }
    for (bool is_first = true;; is_first = false) {
        evaluate_once(d, &global);
        has_failed |= global.max[MAX_FAILED] != 0;
        d->agreed_request = (int)global.max[MAX_REQUEST];
        double allowance = sk_force_allowance(d->force, d->box);
        if (has_failed)
            return sk_dynamics_verify(d, err);
        d->needs_rebuild = from_bits(global.max[MAX_EXPECTED]) > allowance;
        if (from_bits(global.max[MAX_DISPLACEMENT]) <= allowance)
            break;
        if (!is_first)
            return sk_fail(err, SK_EINTERNAL, "step %lld: a fresh pair list is not valid; please report this",
                           (long long)d->step);
        enum sk_code code = dynamics_rebuild(d, err);
        if (code)
            return code;
    }
    if (global.max[MAX_RANGE]) {
        sk_force_redo_wide(d->force, d->domain, d->atoms, d->box, &d->phases);
        int64_t is_bad = d->force->has_bad;
        sk_comm_max_i64(d->comm, &is_bad, 1);
        if (is_bad)
            return fail_runaway(d, "a force is not finite", err);
    }
    sk_timer_enter(d->phases.timer, d->phase_update);
    sk_observe_complete(d, &global);
    sk_observe_forces(d, wants_energy);
    if (wants_energy) {
        int64_t is_bad = d->force->has_bad;
        sk_comm_max_i64(d->comm, &is_bad, 1);
        if (is_bad)
            return fail_runaway(d, "the energy of a pair of atoms is out of range", err);
    }
    settle_phase(d);
    return SK_OK;
}

/* ---- advance: to x(n + 1) ---- */

/* Constants of one advance. */
struct mover {
    struct sk_dynamics *d;
    struct sk_atoms *atoms;
    double dt, kick, to_fraction[3], to_length[3];
    bool is_langevin, has_kinetic, has_momentum, has_virial;
    double fastest2;
    int64_t before[3], after[3], momentum[3], bath;
    sk_int128 virial[3];
    double virial_scale;
};

static void add_kinetic(double mass, const double v[3], int64_t sum[3])
{
    for (int k = 0; k < 3; k++)
        sum[k] += sk_round(0.5 * mass * v[k] * v[k] * SK_ENERGY_SCALE);
}

static void kick(const struct mover *m, int i, double mass, double v[3])
{
    double factor = m->kick / mass;
    for (int k = 0; k < 3; k++)
        v[k] = m->atoms->v[i][k] + (double)m->d->force->total[i][k] * factor;
}

/* Displacement of an atom in this step, length units; a Langevin bath acts in the middle of it (LFMiddle). */
static void drift(struct mover *m, int i, double mass, double v[3], double move[3])
{
    if (!m->is_langevin) {
        for (int k = 0; k < 3; k++)
            move[k] = v[k] * m->dt;
        return;
    }
    double noise[4], b = m->d->langevin_b / sqrt(mass), half = 0.5 * m->dt;
    sk_rng_normal4(m->d->parameters->run.seed, SK_RNG_LANGEVIN, (uint64_t)m->atoms->id[i], (uint64_t)m->d->step, 0,
                   noise);
    for (int k = 0; k < 3; k++) {
        double entering = v[k];
        v[k] = m->d->langevin_a * entering + b * noise[k];
        move[k] = half * entering + half * v[k];
        m->bath += sk_round(0.5 * mass * (v[k] * v[k] - entering * entering) * SK_ENERGY_SCALE);
    }
}

/* Moves atom i and gives it its new velocity. */
static void place(struct mover *m, int i, double mass, const double v[3], const double move[3])
{
    struct sk_atoms *a = m->atoms;
    double fraction[3];
    for (int k = 0; k < 3; k++) {
        fraction[k] = move[k] * m->to_fraction[k];
        if (!(fabs(fraction[k]) < LARGEST_MOVE * 0x1p64)) {
            m->d->failed_atom = i;
            return;
        }
    }
    double speed2 = 0;
    for (int k = 0; k < 3; k++) {
        sk_frac old = a->x[i][k];
        int64_t step = sk_round(fraction[k]);
        a->x[i][k] = old + (sk_frac)step;
        a->image[i][k] += (step > 0 && a->x[i][k] < old) - (step < 0 && a->x[i][k] > old);
        a->v[i][k] = v[k];
        speed2 += v[k] * v[k];
    }
    m->fastest2 = speed2 > m->fastest2 ? speed2 : m->fastest2;
    if (m->has_kinetic)
        add_kinetic(mass, v, m->after);
    if (m->has_momentum)
        for (int k = 0; k < 3; k++)
            m->momentum[k] += sk_round(mass * v[k] * SK_ENERGY_SCALE);
}

static void move_free(struct mover *m)
{
    const struct sk_kind *kinds = m->d->top->kinds;
    for (int n = 0; n < m->d->rigid->nfree; n++) {
        int i = m->d->rigid->free_atom[n];
        double v[3], move[3], mass = kinds[m->atoms->kind[i]].mass;
        if (m->has_kinetic)
            add_kinetic(mass, m->atoms->v[i], m->before);
        kick(m, i, mass, v);
        drift(m, i, mass, v, move);
        place(m, i, mass, v, move);
    }
}

static void add_virial(struct mover *m, double virial[3][3], double scale)
{
    for (int k = 0; k < 3; k++)
        m->virial[k] += sk_round(virial[k][k] * scale * SK_ENERGY_SCALE);
}

static void move_water(struct mover *m, const struct sk_rigid_water *water)
{
    struct sk_dynamics *d = m->d;
    const struct sk_water *kind = &d->rigid->kinds[water->kind];
    double before[2][3], after[2][3], v[3][3], move[3][3], correction[3][3], lambda[3];
    double virial[3][3] = {{0}}, mass[3] = {kind->mass_apex, kind->mass_leg, kind->mass_leg};
    for (int a = 0; a < 3; a++) {
        if (m->has_kinetic)
            add_kinetic(mass[a], m->atoms->v[water->atom[a]], m->before);
        kick(m, water->atom[a], mass[a], v[a]);
    }
    for (int leg = 0; leg < 2; leg++)
        for (int k = 0; k < 3; k++)
            before[leg][k] = sk_frac_difference(m->atoms->x[water->atom[leg + 1]][k], m->atoms->x[water->atom[0]][k]) *
                             m->to_length[k];
    if (m->is_langevin) {
        sk_water_velocities(kind, (const double(*)[3])before, v, lambda, virial);
        add_virial(m, virial, 1 / m->dt);
        memset(virial, 0, sizeof virial);
    }
    for (int a = 0; a < 3; a++)
        drift(m, water->atom[a], mass[a], v[a], move[a]);
    for (int leg = 0; leg < 2; leg++)
        for (int k = 0; k < 3; k++)
            after[leg][k] = before[leg][k] + (move[leg + 1][k] - move[0][k]);
    double worst = sk_water_positions(kind, (const double(*)[3])before, (const double(*)[3])after, correction, lambda,
                                      virial);
    if (!(worst <= d->constraint_worst))
        d->constraint_worst = worst;
    if (!(worst <= kind->tolerance) && d->failed_water < 0)
        d->failed_water = (int)(water - d->rigid->waters);
    if (m->has_virial)
        add_virial(m, virial, m->virial_scale);
    for (int a = 0; a < 3; a++) {
        for (int k = 0; k < 3; k++) {
            move[a][k] += correction[a][k];
            v[a][k] += correction[a][k] / m->dt;
        }
        place(m, water->atom[a], mass[a], v[a], move[a]);
    }
}

static void apply_box(struct sk_dynamics *d)
{
    for (int k = 0; k < 3; k++)
        d->box->edge[k] *= d->pending_box[k];
    if (d->parameters->pressure.barostat == SK_BAROSTAT_C_RESCALE)
        for (int i = 0; i < d->atoms->n; i++)
            for (int k = 0; k < 3; k++)
                d->atoms->v[i][k] /= d->pending_box[k];
    d->has_pending_box = false;
    sk_force_set_box(d->force, d->box);
}

static void advance(struct sk_dynamics *d)
{
    struct sk_observables *o = &d->observables;
    const struct sk_parameters *p = d->parameters;
    bool is_verlet = p->run.integrator == SK_VELOCITY_VERLET;
    double dt = p->run.dt, kick_time = is_verlet ? 0.5 * dt : dt;
    struct mover m = {.d = d, .atoms = d->atoms, .dt = dt};
    m.kick = kick_time / d->force->nonbonded.pair.force_scale;
    for (int k = 0; k < 3; k++) {
        m.to_length[k] = d->box->edge[k];
        m.to_fraction[k] = 0x1p64 / d->box->edge[k];
    }
    m.is_langevin = p->temperature.thermostat == SK_THERMOSTAT_LANGEVIN;
    m.has_kinetic = o->has_energy || o->is_coupled || o->has_momentum;
    m.has_momentum = o->has_momentum;
    m.has_virial = o->has_virial;
    m.virial_scale = 1 / (dt * kick_time);
    move_free(&m);
    for (int w = 0; w < d->rigid->nwaters; w++)
        move_water(&m, &d->rigid->waters[w]);
    for (int k = 0; k < 3; k++) {
        o->kinetic_before[k] = m.before[k];
        o->kinetic_after[k] = m.after[k];
        o->momentum[k] = m.momentum[k];
        o->constraint_virial[k] = m.virial[k];
    }
    o->bath = m.bath;
    d->fastest2 = m.fastest2;
}

void sk_dynamics_advance(struct sk_dynamics *d)
{
    sk_timer_enter(d->phases.timer, d->phase_update);
    advance(d);
    d->is_on_step = false;
    if (d->has_pending_box)
        apply_box(d);
    d->step++;
}

void sk_dynamics_trial(struct sk_dynamics *d)
{
    struct sk_atoms *a = d->atoms;
    size_t n = (size_t)a->n;
    sk_frac(*x)[3] = sk_alloc(n, sizeof *x);
    double(*v)[3] = sk_alloc(n, sizeof *v), fastest2 = d->fastest2, offset = d->conserved_offset;
    int32_t(*image)[3] = sk_alloc(n, sizeof *image);
    memcpy(x, a->x, n * sizeof *x);
    memcpy(v, a->v, n * sizeof *v);
    memcpy(image, a->image, n * sizeof *image);
    struct sk_observables kept = d->observables;
    bool has_pending_box = d->has_pending_box;
    double pending_box[3];
    memcpy(pending_box, d->pending_box, sizeof pending_box);
    advance(d);
    struct sk_reduction local, global;
    memset(&local, 0, sizeof local);
    sk_observe_pack(&d->observables, &local);
    sk_reduction_begin(d->comm, &local);
    sk_reduction_end(d->comm, &global);
    d->observables.is_coupled = d->observables.has_momentum = false; /* the record only: baths act in the real advance */
    sk_observe_complete(d, &global);
    d->observables = kept;
    d->fastest2 = fastest2;
    d->conserved_offset = offset;
    d->has_pending_box = has_pending_box;
    memcpy(d->pending_box, pending_box, sizeof pending_box);
    memcpy(a->x, x, n * sizeof *x);
    memcpy(a->v, v, n * sizeof *v);
    memcpy(a->image, image, n * sizeof *image);
    sk_free(&x);
    sk_free(&v);
    sk_free(&image);
}

uint64_t sk_dynamics_hash(struct sk_dynamics *d)
{
    int64_t sum = (int64_t)sk_atoms_hash(d->atoms);
    sk_comm_sum_i64(d->comm, &sum, 1);
    return (uint64_t)sum + sk_state_hash_frame(d->box->edge, d->step);
}

/* ---- start ---- */

void sk_dynamics_init(struct sk_dynamics *d)
{
    const struct sk_parameters *p = d->parameters;
    bool is_langevin = p->temperature.thermostat == SK_THERMOSTAT_LANGEVIN;
    d->dof = 3.0 * (double)d->top->natoms - 3.0 * (double)sk_topology_settles(d->top);
    if (p->run.remove_com_every > 0 && !is_langevin)
        d->dof -= 3;
    if (is_langevin)
        sk_langevin_factors(p->run.dt, p->temperature.tau, d->units.boltzmann * p->temperature.target, &d->langevin_a,
                            &d->langevin_b);
    d->needs_rebuild = true;
    d->failed_atom = d->failed_water = -1;
    d->constraint_worst = 0;
    d->is_on_step = p->run.velocity_time == SK_VELOCITY_ON_STEP;
    struct sk_timer *timer = d->phases.timer;
    d->phases.pair = sk_timer_phase(timer, "pair");
    d->phases.prune = sk_timer_phase(timer, "prune");
    d->phases.list = sk_timer_phase(timer, "list");
    d->phases.halo = sk_timer_phase(timer, "halo");
    d->phase_rebuild = sk_timer_phase(timer, "rebuild");
    d->phase_reduce = sk_timer_phase(timer, "reduce");
    d->phase_update = sk_timer_phase(timer, "update");
}
