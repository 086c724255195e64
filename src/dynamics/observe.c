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
    AT_TERM_VIRIAL = AT_BONDED + SK_BONDED_ENERGIES,
    AT_MESH = AT_TERM_VIRIAL + 3,
    AT_GROUPS = AT_MESH + 1
};
/* What follows for each temperature group, if there are several. */
enum { GROUP_BEFORE, GROUP_AFTER, GROUP_MOMENTUM, GROUP_SUMS = GROUP_MOMENTUM + 3 };
_Static_assert(AT_GROUPS <= SK_REDUCE_SUM, "the reduction has room for all sums");
_Static_assert(AT_GROUPS + SK_GROUPS_MAX * GROUP_SUMS <= SK_REDUCE_MOST, "and for those of groups");

static int at_group(int group, int what)
{
    return AT_GROUPS + group * GROUP_SUMS + what;
}

int sk_observe_sums(int ngroups)
{
    return ngroups > 1 ? at_group(ngroups, 0) : SK_REDUCE_SUM;
}

static bool is_coupled(const struct sk_dynamics *d)
{
    const struct sk_parameters *p = d->parameters;
    bool has_bath = p->temperature.thermostat != SK_THERMOSTAT_NONE || p->pressure.barostat != SK_BAROSTAT_NONE;
    return has_bath && d->step > 0 && d->step % p->temperature.couple_every == 0;
}

bool sk_observe_wants_virial(const struct sk_dynamics *d, bool wants_energy)
{
    return wants_energy || (is_coupled(d) && d->parameters->pressure.barostat != SK_BAROSTAT_NONE);
}

/* Bonded terms, and what the mesh and the excluded pairs it includes have. */
static void observe_terms(struct sk_dynamics *d, struct sk_observables *o)
{
    struct sk_force *force = d->force;
    struct sk_parts *parts = o->has_energy && sk_parts_are_wanted(&force->parts) ? &force->parts : NULL;
    memcpy(o->term_virial, d->sites_virial, sizeof o->term_virial);
    sk_bonded_measure(&force->bonded, &force->local, &force->box, o->bonded, o->term_virial, parts);
    force->has_bad |= !sk_restraints_measure(&force->restraints, d->atoms, &force->box, &o->bonded[SK_ENERGY_RESTRAINT],
                                             o->term_virial);
    if (!force->mesh)
        return;
    sk_excluded_measure(&force->excluded, &force->local, &force->box, &o->energy[1], o->term_virial, parts);
    o->mesh_energy = force->mesh_sums.energy;
    for (int k = 0; k < 3; k++)
        o->term_virial[k] += force->mesh_sums.virial[k];
}

void sk_observe_forces(struct sk_dynamics *d, bool wants_energy)
{
    const struct sk_parameters *p = d->parameters;
    struct sk_observables *o = &d->observables;
    memset(o, 0, sizeof *o);
    o->step = d->step;
    o->is_open = true;
    o->box = *d->box;
    o->has_energy = wants_energy;
    o->is_coupled = is_coupled(d);
    o->has_virial = sk_observe_wants_virial(d, wants_energy);
    o->has_momentum = p->run.remove_com_every > 0 && d->step % p->run.remove_com_every == 0;
    if (o->has_energy) {
        sk_force_energy(d->force, d->atoms);
        memcpy(o->energy, d->force->energy, sizeof o->energy);
    }
    if (o->has_virial) { /* always, if there are energies */
        sk_force_virial(d->force, d->atoms, o->pair_virial);
        observe_terms(d, o);
    }
    if (o->has_energy && sk_parts_are_wanted(&d->force->parts))
        sk_parts_sum(&d->force->parts, d->comm);
}

/* Sums beyond those that travel are of groups that there are not. */
static void pack_groups(const struct sk_observables *o, struct sk_reduction *r)
{
    for (int g = 0; g < SK_GROUPS_MAX; g++) {
        r->sum[at_group(g, GROUP_BEFORE)] = o->group_before[g];
        r->sum[at_group(g, GROUP_AFTER)] = o->group_after[g];
        memcpy(r->sum + at_group(g, GROUP_MOMENTUM), o->group_momentum[g], sizeof o->group_momentum[g]);
    }
}

void sk_observe_pack(const struct sk_observables *o, struct sk_reduction *r)
{
    if (!o->is_open)
        return;
    pack_groups(o, r);
    memcpy(r->sum + AT_ENERGY, o->energy, sizeof o->energy);
    memcpy(r->sum + AT_PAIR, o->pair_virial, sizeof o->pair_virial);
    memcpy(r->sum + AT_CONSTRAINT, o->constraint_virial, sizeof o->constraint_virial);
    memcpy(r->sum + AT_BEFORE, o->kinetic_before, sizeof o->kinetic_before);
    memcpy(r->sum + AT_AFTER, o->kinetic_after, sizeof o->kinetic_after);
    memcpy(r->sum + AT_MOMENTUM, o->momentum, sizeof o->momentum);
    r->sum[AT_BATH] = o->bath;
    memcpy(r->sum + AT_BONDED, o->bonded, sizeof o->bonded);
    memcpy(r->sum + AT_TERM_VIRIAL, o->term_virial, sizeof o->term_virial);
    r->sum[AT_MESH] = o->mesh_energy;
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
    return pairs + from_fixed(r->sum[AT_TERM_VIRIAL + k]) + from_fixed(r->sum[AT_CONSTRAINT + k]);
}

/* Kinetic energy of a temperature group at the record's time; all: that of all atoms. */
static double group_kinetic(const struct sk_dynamics *d, const struct sk_reduction *r, int group, double all)
{
    if (d->thermal.n == 1)
        return all;
    double before = from_fixed(r->sum[at_group(group, GROUP_BEFORE)]),
           after = from_fixed(r->sum[at_group(group, GROUP_AFTER)]);
    return d->parameters->run.integrator == SK_LEAP_FROG ? 0.5 * (before + after) : before;
}

static double temperature_of(const struct sk_dynamics *d, double kinetic, double dof)
{
    return dof > 0 ? 2 * kinetic / (dof * d->units.boltzmann) : 0;
}

/* What was told apart by energy groups; a charge's Ewald energy with itself is its group's. */
static void complete_parts(struct sk_dynamics *d)
{
    const struct sk_parts *parts = &d->force->parts;
    const struct sk_nonbonded *nb = &d->force->nonbonded;
    for (int b = 0; b < parts->grouping.n; b++)
        for (int a = 0; a <= b; a++) {
            int p = sk_group_pair(a, b);
            double self = a == b && nb->charge2 > 0 ? nb->ewald_self * (parts->charge2[a] / nb->charge2) : 0;
            d->record.part[p].lj = from_fixed(parts->pair[p][0]);
            d->record.part[p].coulomb = from_fixed(parts->pair[p][1]) + self;
            d->record.part[p].lj_14 = from_fixed(parts->near[p][0]);
            d->record.part[p].coulomb_14 = from_fixed(parts->near[p][1]);
        }
}

static void complete_record(struct sk_dynamics *d, const struct sk_reduction *r)
{
    struct sk_record *record = &d->record;
    const struct sk_nonbonded *nb = &d->force->nonbonded;
    memset(record, 0, sizeof *record);
    record->step = d->observables.step;
    record->time = (double)record->step * d->parameters->run.dt;
    record->box = d->observables.box;
    double volume = sk_box_volume(&record->box);
    double background = nb->background_volume / volume;
    double tail = nb->dispersion_pressure_volume2 / (volume * volume) + background / volume;
    record->volume = volume;
    for (int k = 0; k < 3; k++) {
        double kinetic = axis_kinetic(d, r, k);
        record->kinetic += kinetic;
        record->constraint_virial += from_fixed(r->sum[AT_CONSTRAINT + k]);
        record->pressure_axis[k] = 2 * (kinetic - axis_virial(d, r, k)) / volume + tail;
        record->pressure += record->pressure_axis[k] / 3;
    }
    record->lj = from_fixed(r->sum[AT_ENERGY]);
    record->coulomb = from_fixed(r->sum[AT_ENERGY + 1]) + nb->ewald_self;
    record->coulomb_recip = from_fixed(r->sum[AT_MESH]) + background;
    record->dispersion = nb->dispersion_energy_volume / volume + nb->dispersion_energy_const;
    record->potential = record->lj + record->coulomb + record->coulomb_recip + record->dispersion;
    for (int e = 0; e < SK_BONDED_ENERGIES; e++) {
        record->bonded[e] = from_fixed(r->sum[AT_BONDED + e]);
        record->potential += record->bonded[e];
    }
    record->total = record->potential + record->kinetic;
    record->conserved = record->total + d->conserved_offset - 0.5 * from_fixed(r->sum[AT_BATH]);
    record->temperature = temperature_of(d, record->kinetic, d->dof);
    for (int g = 0; g < d->thermal.n; g++)
        record->group_temperature[g] = temperature_of(d, group_kinetic(d, r, g, record->kinetic), d->thermal.dof[g]);
    if (d->observables.has_energy)
        complete_parts(d);
    d->has_record = true;
}

/* Velocities v <- factor x (v - drift), on the velocities that kinetic_after and momentum measured. */
static void change_velocities(struct sk_dynamics *d, const double factor[SK_GROUPS_MAX], const double drift[3])
{
    for (int i = 0; i < d->atoms->n; i++) {
        double mine = factor[d->thermal.group[i]];
        for (int k = 0; k < 3; k++)
            if (d->inverse_mass[3 * i + k] > 0)
                d->atoms->v[i][k] = mine * (d->atoms->v[i][k] - drift[k]);
    }
}

/* Kinetic energies of temperature groups: of the velocities that are changed, and of those that the thermostat looks
 * at, for Verlet on the step. */
struct heat {
    double kinetic[SK_GROUPS_MAX], seen[SK_GROUPS_MAX];
};

static void fill_heat(const struct sk_dynamics *d, const struct sk_reduction *r, struct heat *heat)
{
    bool is_verlet = d->parameters->run.integrator == SK_VELOCITY_VERLET;
    memset(heat, 0, sizeof *heat);
    for (int g = 0; d->thermal.n > 1 && g < d->thermal.n; g++) {
        heat->kinetic[g] = from_fixed(r->sum[at_group(g, GROUP_AFTER)]);
        heat->seen[g] = from_fixed(r->sum[at_group(g, is_verlet ? GROUP_BEFORE : GROUP_AFTER)]);
    }
    for (int k = 0; d->thermal.n == 1 && k < 3; k++) {
        heat->kinetic[0] += from_fixed(r->sum[AT_AFTER + k]);
        heat->seen[0] += from_fixed(r->sum[(is_verlet ? AT_BEFORE : AT_AFTER) + k]);
    }
}

/* Removes the motion of the centre of mass along an axis from the energies: P^2 / 2 M of the whole, of a group the part
 * of its own that goes with the whole. Returns its velocity. */
static double remove_motion(struct sk_dynamics *d, const struct sk_reduction *r, int k, struct heat *heat)
{
    const struct sk_thermal *t = &d->thermal;
    double mass = t->total_mass[k], drift = mass > 0 ? from_fixed(r->sum[AT_MOMENTUM + k]) / mass : 0;
    double lost = 0.5 * mass * drift * drift;
    for (int g = 0; g < t->n; g++) {
        double momentum = from_fixed(r->sum[at_group(g, GROUP_MOMENTUM + k)]);
        double mine = t->n == 1 ? lost : drift * (momentum - 0.5 * t->mass[g][k] * drift);
        heat->kinetic[g] -= mine;
        heat->seen[g] -= mine;
    }
    d->conserved_offset += lost;
    return drift;
}

static void act_on_velocities(struct sk_dynamics *d, const struct sk_reduction *r)
{
    const struct sk_parameters *p = d->parameters;
    const struct sk_thermal *t = &d->thermal;
    struct heat heat;
    double drift[3] = {0}, factor[SK_GROUPS_MAX];
    bool is_rescaled = d->observables.is_coupled && p->temperature.thermostat == SK_THERMOSTAT_V_RESCALE, acts = false;
    fill_heat(d, r, &heat);
    for (int k = 0; d->observables.has_momentum && k < 3; k++)
        drift[k] = remove_motion(d, r, k, &heat);
    for (int g = 0; g < t->n; g++) {
        factor[g] = 1;
        if (is_rescaled && t->dof[g] > 0) {
            double period = (double)p->temperature.couple_every * p->run.dt;
            double target = 0.5 * t->dof[g] * d->units.boltzmann * t->target[g];
            factor[g] = sk_v_rescale_factor(heat.seen[g], target, t->dof[g], period, t->tau[g], p->run.seed,
                                            d->observables.step, g);
            d->conserved_offset -= (factor[g] * factor[g] - 1) * heat.kinetic[g];
        }
        acts |= factor[g] != 1;
    }
    if (d->observables.has_momentum || acts)
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
