#include "dynamics/minimize.h"

#include <math.h>

#include "base/math.h"
#include "base/memory.h"

/* Steepest descent, as GROMACS has it */
#define STRETCH 1.2
#define SHORTEN 0.5
/* FIRE: Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006); these values, the order of the step and the half step back:
 * Guenole et al., Comput. Mater. Sci. 175, 109584 (2020) */
#define DELAY   20 /* steps downhill before the time step grows */
#define GROW    1.1
#define SHRINK  0.5
#define MIXING  0.25
#define FADE    0.99
/* Our own: no displacement is longer than so many initial steps; a time step that is too long for the stiffest mode
 * shows as forces that grow */
#define LONGEST 3.0
#define LOWER   0.7 /* of it: the ceiling from then on */
#define LIFT    1.1 /* of the ceiling, each time that motion ended otherwise: contacts that were stiff may be gone */

#define STUCK 0x1p-10 /* of a quantum of the kernel's grid: a shorter displacement does not count */

#define OUT_OF_RANGE "a force or an energy of a pair of atoms is out of range"

enum { MAX_FORCE, MAX_MOVE, MAX_TROUBLE, MAX_CORE, MAX_OVERLAP };

static bool is_fire(const struct sk_minimizer *m)
{
    return m->dynamics->parameters->run.integrator == SK_FIRE;
}

void sk_minimize_init(struct sk_minimizer *m, struct sk_dynamics *d)
{
    memset(m, 0, sizeof *m);
    m->dynamics = d;
    m->descent = (struct sk_descent){.mixing = MIXING, .is_crowded = true};
}

void sk_minimize_clear(struct sk_minimizer *m)
{
    sk_free(&m->force);
}

static void rest(struct sk_minimizer *m)
{
    struct sk_atoms *a = m->dynamics->atoms;
    if (a->n)
        memset(a->move, 0, (size_t)a->n * sizeof *a->move);
    m->is_resting = false;
}

void sk_minimize_restart(struct sk_minimizer *m)
{
    rest(m);
    m->descent = (struct sk_descent){.mixing = MIXING, .is_crowded = true};
    m->is_begun = m->is_evaluated = m->is_stuck = false;
}

/* Moves by atoms->move, corrected for constraints. Velocities stay, and no record is open. */
static void displace(struct sk_minimizer *m)
{
    struct sk_dynamics *d = m->dynamics;
    memset(&d->observables, 0, sizeof d->observables);
    sk_dynamics_constrain(d, NULL, 0, 0);
    sk_dynamics_displace(d);
    d->growth = 0; /* step lengths vary too much to tell from one when the list will be used up */
    m->is_evaluated = false;
}

/* ---- forces ---- */

static void project_forces(struct sk_minimizer *m)
{
    struct sk_dynamics *d = m->dynamics;
    double scale = 1 / d->force->nonbonded.pair.force_scale;
    sk_reserve(&m->force, &m->capacity, (size_t)d->atoms->n + 1);
    for (int i = 0; i < d->atoms->n; i++)
        for (int k = 0; k < 3; k++)
            m->force[i][k] = d->inverse_mass[3 * i + k] > 0 ? (double)d->force->total[i][k] * scale : 0;
    memset(m->virial, 0, sizeof m->virial);
    sk_dynamics_project(d, m->force[0], m->virial, 1);
}

static double square(const double v[3])
{
    return v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
}

/* Energies of the present forces as this step's open record. */
static void measure_energies(struct sk_minimizer *m)
{
    struct sk_observables *o = &m->dynamics->observables;
    sk_observe_forces(m->dynamics, true);
    o->is_coupled = o->has_momentum = false;
    memcpy(o->constraint_virial, m->virial, sizeof o->constraint_virial);
}

/* What all ranks know of the present positions. */
static void measure(struct sk_minimizer *m, bool wants_energy)
{
    struct sk_dynamics *d = m->dynamics;
    struct sk_reduction local, global;
    double force2 = 0, move2 = 0;
    memset(&local, 0, sizeof local);
    for (int i = 0; i < d->atoms->n; i++) {
        double f2 = square(m->force[i]), u2 = square(d->atoms->move[i]);
        force2 = f2 > force2 ? f2 : force2;
        move2 = u2 > move2 ? u2 : move2;
    }
    local.max[MAX_CORE] = d->force->has_core; /* before energies add to it: they are not always made */
    if (wants_energy) {
        measure_energies(m);
        local.max[MAX_TROUBLE] = sk_dynamics_energy_trouble(d);
        sk_observe_pack(&d->observables, &local);
    }
    local.max[MAX_FORCE] = sk_order_bits(force2);
    local.max[MAX_MOVE] = sk_order_bits(move2);
    local.max[MAX_OVERLAP] = d->force->has_core || (wants_energy && d->force->bonded.has_core);
    sk_timer_enter(d->phases.timer, d->phase_reduce);
    sk_reduction_begin(d->comm, &local);
    sk_reduction_end(d->comm, &global);
    sk_timer_enter(d->phases.timer, d->phase_update);
    m->largest = sqrt(sk_order_value(global.max[MAX_FORCE]));
    m->longest = sqrt(sk_order_value(global.max[MAX_MOVE]));
    m->has_core = m->is_evaluated ? m->has_core : global.max[MAX_CORE] != 0;
    m->has_overlap = global.max[MAX_OVERLAP] != 0;
    m->trouble = (enum sk_trouble)global.max[MAX_TROUBLE];
    m->has_energy = wants_energy && !m->trouble;
    if (m->has_energy) {
        m->potential = sk_observe_potential(&global);
        sk_observe_complete(d, &global);
    }
    d->observables.is_open = false;
    d->force->bonded.has_overflow = false; /* a step that is taken back may have had no energy */
}

/* Whether a step from rest would be too short to be seen. */
static bool is_too_short(const struct sk_minimizer *m, double largest)
{
    double reach = m->descent.reach, length = is_fire(m) ? reach * reach * largest : reach;
    return reach > 0 && length < STUCK * m->dynamics->force->nonbonded.pair.quantum;
}

/* Forces, energies and what all ranks know of them; m->trouble is what has no force or energy. */
static enum sk_code look(struct sk_minimizer *m, bool wants_energy, struct sk_error *err)
{
    struct sk_dynamics *d = m->dynamics;
    struct sk_reduction global;
    wants_energy |= !is_fire(m);
    if (m->is_evaluated && (m->has_energy || !wants_energy))
        return SK_OK;
    if (!m->is_evaluated) {
        d->wants_wide = m->descent.is_crowded;
        enum sk_code code = sk_dynamics_forces(d, true, &global, &m->trouble, err);
        if (code || m->trouble)
            return code;
        project_forces(m);
    }
    sk_timer_enter(d->phases.timer, d->phase_update);
    if (m->is_resting)
        rest(m);
    measure(m, wants_energy);
    m->is_evaluated = true;
    m->is_stuck = !(m->largest > 0) || is_too_short(m, m->largest);
    return SK_OK;
}

enum sk_code sk_minimize_evaluate(struct sk_minimizer *m, bool wants_energy, struct sk_error *err)
{
    struct sk_dynamics *d = m->dynamics;
    if (!m->is_begun) {
        rest(m);
        sk_rigid_rebuild(d->rigid, d->top, d->atoms);
        displace(m);
        m->is_begun = m->is_resting = true;
    }
    enum sk_code code = look(m, wants_energy, err);
    if (!code && m->trouble)
        code = sk_dynamics_fail(d, m->trouble, OUT_OF_RANGE, err);
    return code;
}

bool sk_minimize_has_converged(const struct sk_minimizer *m)
{
    return m->largest <= m->dynamics->parameters->run.force_tolerance && !m->has_overlap;
}

sk_gid sk_minimize_worst(const struct sk_minimizer *m)
{
    const struct sk_dynamics *d = m->dynamics;
    int64_t id = INT64_MAX;
    for (int i = 0; i < d->atoms->n; i++)
        if (sqrt(square(m->force[i])) == m->largest && d->atoms->id[i] < id)
            id = d->atoms->id[i];
    sk_comm_min_i64(d->comm, &id, 1);
    return id;
}

/* ---- steps ---- */

/* move <- keep x move + push x force */
static void turn(struct sk_minimizer *m, double keep, double push)
{
    double *move = m->dynamics->atoms->move[0];
    const double *force = m->force[0];
    for (int c = 0; c < 3 * m->dynamics->atoms->n; c++)
        move[c] = keep * move[c] + push * force[c];
}

/* The power of two that brings numbers of at most `largest` > 0 to at most 2^58. */
static double scale_below(double largest)
{
    int exponent = (int)(sk_order_bits(largest) >> 52) - 1022; /* largest < 2^exponent */
    return ldexp(1.0, 58 - exponent);
}

/* Sums over all atoms: force . move, force . force, move . move; exact in integers that suit the largest ones. */
static void sum_products(const struct sk_minimizer *m, double sum[3])
{
    const struct sk_dynamics *d = m->dynamics;
    double scale[3] = {scale_below(m->largest * m->longest), scale_below(m->largest * m->largest),
                       scale_below(m->longest * m->longest)};
    sk_int128 exact[3] = {0, 0, 0};
    for (int i = 0; i < d->atoms->n; i++) {
        const double *f = m->force[i], *u = d->atoms->move[i];
        exact[0] += sk_round((f[0] * u[0] + f[1] * u[1] + f[2] * u[2]) * scale[0]);
        exact[1] += sk_round(square(f) * scale[1]);
        exact[2] += sk_round(square(u) * scale[2]);
    }
    sk_comm_sum_i128(d->comm, exact, 3);
    for (int s = 0; s < 3; s++)
        sum[s] = (double)exact[s] / scale[s];
}

static void propose_descent(struct sk_minimizer *m)
{
    if (m->descent.reach == 0)
        m->descent.reach = m->dynamics->parameters->run.initial_step;
    turn(m, 0, m->descent.reach / m->largest);
}

/* Uphill: the minimum along the motion is passed, or the motion has become unstable. Half of the last move is taken
 * back, and motion begins anew. */
static void propose_rest(struct sk_minimizer *m, double square)
{
    struct sk_descent *s = &m->descent;
    double ceiling = square > s->square ? LOWER * s->reach : LIFT * s->ceiling;
    *s = (struct sk_descent){
        .reach = SHRINK * s->reach, .ceiling = ceiling, .mixing = MIXING, .is_crowded = s->is_crowded};
    turn(m, -0.5, 0);
    m->is_resting = true;
}

/* The last move over the time step is the velocity, which is accelerated and turned towards the force. */
static void propose_fire(struct sk_minimizer *m)
{
    struct sk_descent *s = &m->descent;
    double sum[3] = {0, 1, 0}, before = s->reach;
    if (s->reach == 0)
        before = s->reach = sqrt(m->dynamics->parameters->run.initial_step / m->largest);
    bool is_moving = m->longest > 0;
    if (is_moving) {
        sum_products(m, sum);
        if (!(sum[0] > 0)) {
            propose_rest(m, sum[1]);
            return;
        }
        s->square = s->square > 0 ? s->square : sum[1];
        if (++s->downhill > DELAY) {
            s->reach = s->ceiling > 0 && GROW * s->reach > s->ceiling ? s->ceiling : GROW * s->reach;
            s->mixing *= FADE;
        }
    }
    double ratio = s->reach / before, mixing = is_moving ? s->mixing : 0;
    double keep = (1 - mixing) * ratio;
    double push = (1 - mixing) * s->reach * s->reach + mixing * ratio * sqrt(sum[2] / sum[1]);
    double most = keep * m->longest + push * m->largest;
    double allowed = LONGEST * m->dynamics->parameters->run.initial_step;
    double cut = most > allowed ? allowed / most : 1;
    turn(m, cut * keep, cut * push);
}

/* Back to where the step began; the next one is shorter. */
static void take_back(struct sk_minimizer *m)
{
    struct sk_descent *s = &m->descent;
    sk_dynamics_retract(m->dynamics);
    rest(m);
    m->is_evaluated = false;
    *s = (struct sk_descent){
        .reach = SHORTEN * s->reach, .ceiling = s->ceiling, .mixing = MIXING, .is_crowded = s->is_crowded};
}

enum sk_code sk_minimize_step(struct sk_minimizer *m, struct sk_error *err)
{
    struct sk_dynamics *d = m->dynamics;
    sk_int128 potential = m->potential;
    double worst = d->constraint_worst, largest = m->largest;
    if (m->is_stuck)
        return SK_OK;
    m->descent.is_crowded = m->has_core;
    if (is_fire(m))
        propose_fire(m);
    else
        propose_descent(m);
    displace(m);
    d->step++;
    d->is_trial = true;
    enum sk_code code = look(m, false, err);
    d->is_trial = false;
    bool has_failed = code == SK_EPHYSICS || (!code && m->trouble);
    if (code && !has_failed)
        return code;
    if (has_failed && is_too_short(m, largest))
        return code ? code : sk_dynamics_fail(d, m->trouble, OUT_OF_RANGE, err);
    bool is_higher = m->potential > potential || (m->potential == potential && m->largest >= largest);
    if (has_failed || (!is_fire(m) && is_higher)) {
        d->constraint_worst = worst;
        take_back(m);
        return SK_OK;
    }
    if (!is_fire(m))
        m->descent.reach *= STRETCH;
    return SK_OK;
}
