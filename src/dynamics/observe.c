#include <string.h>

#include "base/math.h"
#include "dynamics/coupling.h"
#include "dynamics/dynamics.h"

/* Places of the observables in the reduction's sums. */
enum {
    AT_ENERGY = 0,
    AT_PAIR = 2,
    AT_CONSTRAINT = 5,
    AT_BEFORE = 8,
    AT_AFTER = 11,
    AT_MOMENTUM = 14,
    AT_BATH = 17,
    AT_BONDED = 18,
    AT_BONDED_VIRIAL = AT_BONDED + SK_BONDED_ENERGIES,
    AT_END = AT_BONDED_VIRIAL + 3
};
_Static_assert(AT_END <= SK_REDUCE_SUM, "the reduction has room for all sums");

void sk_observe_forces(struct sk_dynamics *d, bool wants_energy)
{
    const struct sk_parameters *p = d->parameters;
    struct sk_observables *o = &d->observables;
    memset(o, 0, sizeof *o);
    bool has_bath = p->temperature.thermostat != SK_THERMOSTAT_NONE || p->pressure.barostat != SK_BAROSTAT_NONE;
    o->step = d->step;
    o->is_open = true;
    memcpy(o->edge, d->box->edge, sizeof o->edge);
    o->has_energy = wants_energy;
    o->is_coupled = has_bath && d->step > 0 && d->step % p->temperature.couple_every == 0;
    o->has_virial = wants_energy || (o->is_coupled && p->pressure.barostat != SK_BAROSTAT_NONE);
    o->has_momentum = p->run.remove_com_every > 0 && d->step % p->run.remove_com_every == 0;
    if (o->has_energy) {
        sk_force_energy(d->force, d->atoms);
        memcpy(o->energy, d->force->energy, sizeof o->energy);
    }
    if (o->has_virial)
        sk_force_virial(d->force, d->atoms, o->pair_virial);
    if (o->has_virial) /* always, if there are energies */
        sk_bonded_measure(&d->force->bonded, o->bonded, o->bonded_virial);
}

void sk_observe_pack(const struct sk_observables *o, struct sk_reduction *r)
{
    if (!o->is_open)
        return;
    memcpy(r->sum + AT_ENERGY, o->energy, sizeof o->energy);
    memcpy(r->sum + AT_PAIR, o->pair_virial, sizeof o->pair_virial);
    memcpy(r->sum + AT_CONSTRAINT, o->constraint_virial, sizeof o->constraint_virial);
    memcpy(r->sum + AT_BEFORE, o->kinetic_before, sizeof o->kinetic_before);
    memcpy(r->sum + AT_AFTER, o->kinetic_after, sizeof o->kinetic_after);
    memcpy(r->sum + AT_MOMENTUM, o->momentum, sizeof o->momentum);
    r->sum[AT_BATH] = o->bath;
    memcpy(r->sum + AT_BONDED, o->bonded, sizeof o->bonded);
    memcpy(r->sum + AT_BONDED_VIRIAL, o->bonded_virial, sizeof o->bonded_virial);
}

static double from_fixed(sk_int128 sum)
{
    return (double)sum / SK_ENERGY_SCALE;
}

sk_int128 sk_observe_potential(const struct sk_reduction *r)
{
    sk_int128 sum = r->sum[AT_ENERGY] + r->sum[AT_ENERGY + 1];
    for (int e = 0; e < SK_BONDED_ENERGIES; e++)
        sum += r->sum[AT_BONDED + e];
    return sum;
}

/* Kinetic energy of an axis at the record's time: leap-frog, mean of the two half steps; Verlet, on the step. */
static double axis_kinetic(const struct sk_dynamics *d, const struct sk_reduction *r, int k)
{
    double before = from_fixed(r->sum[AT_BEFORE + k]), after = from_fixed(r->sum[AT_AFTER + k]);
    return d->parameters->run.integrator == SK_LEAP_FROG ? 0.5 * (before + after) : before;
}

/* Virial of an axis, -1/2 sum r F. */
static double axis_virial(const struct sk_dynamics *d, const struct sk_reduction *r, int k)
{
    const struct sk_pair_parameters *pair = &d->force->nonbonded.pair;
    double pairs = -0.5 * (double)r->sum[AT_PAIR + k] * pair->quantum / pair->force_scale;
    return pairs + from_fixed(r->sum[AT_BONDED_VIRIAL + k]) + from_fixed(r->sum[AT_CONSTRAINT + k]);
}

static void complete_record(struct sk_dynamics *d, const struct sk_reduction *r)
{
    struct sk_record *record = &d->record;
    const struct sk_nonbonded *nb = &d->force->nonbonded;
    memset(record, 0, sizeof *record);
    record->step = d->observables.step;
    record->time = (double)record->step * d->parameters->run.dt;
    memcpy(record->edge, d->observables.edge, sizeof record->edge);
    double volume = record->edge[0] * record->edge[1] * record->edge[2];
    double tail = nb->dispersion_pressure_volume2 / (volume * volume);
    record->volume = volume;
    for (int k = 0; k < 3; k++) {
        double kinetic = axis_kinetic(d, r, k);
        record->kinetic += kinetic;
        record->pressure_axis[k] = 2 * (kinetic - axis_virial(d, r, k)) / volume + tail;
        record->pressure += record->pressure_axis[k] / 3;
    }
    record->lj = from_fixed(r->sum[AT_ENERGY]);
    record->coulomb = from_fixed(r->sum[AT_ENERGY + 1]);
    record->dispersion = nb->dispersion_energy_volume / volume + nb->dispersion_energy_const;
    record->potential = record->lj + record->coulomb + record->dispersion;
    for (int e = 0; e < SK_BONDED_ENERGIES; e++) {
        record->bonded[e] = from_fixed(r->sum[AT_BONDED + e]);
        record->potential += record->bonded[e];
    }
    record->total = record->potential + record->kinetic;
    record->conserved = record->total + d->conserved_offset - 0.5 * from_fixed(r->sum[AT_BATH]);
    record->temperature = d->dof > 0 ? 2 * record->kinetic / (d->dof * d->units.boltzmann) : 0;
    d->has_record = true;
}

/* Velocities v <- factor x (v - drift), on the velocities that kinetic_after and momentum measured. */
static void change_velocities(struct sk_dynamics *d, double factor, const double drift[3])
{
    for (int i = 0; i < d->atoms->n; i++)
        for (int k = 0; k < 3; k++)
            d->atoms->v[i][k] = factor * (d->atoms->v[i][k] - drift[k]);
}

static void act_on_velocities(struct sk_dynamics *d, const struct sk_reduction *r)
{
    const struct sk_parameters *p = d->parameters;
    bool is_verlet = p->run.integrator == SK_VELOCITY_VERLET;
    /* of the velocities that are changed; and what the thermostat looks at, for Verlet on the step */
    double kinetic = 0, seen = 0, drift[3] = {0}, factor = 1;
    for (int k = 0; k < 3; k++) {
        kinetic += from_fixed(r->sum[AT_AFTER + k]);
        seen += from_fixed(r->sum[(is_verlet ? AT_BEFORE : AT_AFTER) + k]);
    }
    if (d->observables.has_momentum)
        for (int k = 0; k < 3; k++) {
            drift[k] = from_fixed(r->sum[AT_MOMENTUM + k]) / d->total_mass;
            double lost = 0.5 * d->total_mass * drift[k] * drift[k];
            kinetic -= lost;
            seen -= lost;
            d->conserved_offset += lost;
        }
    if (d->observables.is_coupled && p->temperature.thermostat == SK_THERMOSTAT_V_RESCALE) {
        double period = (double)p->temperature.couple_every * p->run.dt;
        double target = 0.5 * d->dof * d->units.boltzmann * p->temperature.target;
        factor = sk_v_rescale_factor(seen, target, d->dof, period, p->temperature.tau, p->run.seed,
                                     d->observables.step);
        d->conserved_offset -= (factor * factor - 1) * kinetic;
    }
    if (d->observables.has_momentum || factor != 1)
        change_velocities(d, factor, drift);
}

/* Edge factors that the barostat asks for; they are applied at the end of the step that begins. */
static void prepare_box(struct sk_dynamics *d)
{
    const struct sk_parameters *p = d->parameters;
    double internal[3], period = (double)p->temperature.couple_every * p->run.dt;
    double temperature = p->temperature.thermostat != SK_THERMOSTAT_NONE ? p->temperature.target
                                                                         : d->record.temperature;
    for (int k = 0; k < 3; k++)
        internal[k] = d->record.pressure_axis[k];
    sk_barostat_factors(p, internal, d->record.volume, d->units.boltzmann * temperature, period, d->observables.step,
                        d->pending_box);
    d->has_pending_box = true;
    /* work done on the system by the change of volume, to first order */
    double growth = d->pending_box[0] * d->pending_box[1] * d->pending_box[2] - 1;
    d->conserved_offset += d->record.pressure * growth * d->record.volume;
}

void sk_observe_complete(struct sk_dynamics *d, const struct sk_reduction *r)
{
    struct sk_observables *o = &d->observables;
    if (!o->is_open)
        return;
    bool has_record = o->has_energy || o->is_coupled;
    if (has_record)
        complete_record(d, r);
    d->conserved_offset -= from_fixed(r->sum[AT_BATH]);
    if (o->is_coupled || o->has_momentum)
        act_on_velocities(d, r);
    if (o->is_coupled && d->parameters->pressure.barostat != SK_BAROSTAT_NONE)
        prepare_box(d);
    if (has_record) {
        d->record.pressure *= d->units.pressure;
        for (int k = 0; k < 3; k++)
            d->record.pressure_axis[k] *= d->units.pressure;
    }
    d->has_record = o->has_energy;
    o->is_open = false;
}
