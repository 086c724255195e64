/* Dynamics: the time step. A step n is evaluate(n), which makes forces at x(n), and advance(n), which moves to n + 1.
 * Owns nothing of the system: it borrows atoms, domain, forces and constraints for its life; owns its accumulators.
 * Not here: files, the loop over steps and what stops it (sim).
 *
 * Phases. Leap-frog: between steps v is v(n - 1/2). Velocity Verlet: v(n - 1/2) after advance, made v(n) by evaluate.
 * What a step must know of all ranks travels in one hidden reduction, launched after the pair kernel and read before
 * the velocities move; sums of step n travel with the reduction of step n + 1. */
#ifndef SK_DYNAMICS_DYNAMICS_H
#define SK_DYNAMICS_DYNAMICS_H

#include <stdbool.h>
#include <string.h>

#include "constrain/network.h"
#include "constrain/rigid.h"
#include "constrain/sites.h"
#include "dynamics/thermal.h"
#include "force/force.h"
#include "model/parameters.h"

/* What is observed at one step; in the run's units. */
struct sk_record {
    int64_t step;
    double time;
    double lj, coulomb, coulomb_recip, dispersion, bonded[SK_BONDED_ENERGIES], potential, kinetic, total, conserved;
    double temperature, pressure; /* reported units */
    double pressure_axis[3];      /* diagonal, reported units */
    double volume;
    struct sk_box box;
    double constraint_virial;                /* trace of -1/2 sum r F of constraint forces */
    double group_temperature[SK_GROUPS_MAX]; /* of the temperature groups */
    struct sk_part {
        double lj, coulomb, lj_14, coulomb_14;
    } part[SK_PARTS]; /* between the energy groups, by sk_group_pair */
};

/* Sums over atoms of one step, as integers, on their way to all ranks. */
struct sk_observables {
    int64_t step;
    bool is_open; /* collected, not yet reduced */
    bool has_energy, has_virial, is_coupled, has_momentum;
    struct sk_box box;
    sk_int128 energy[2], mesh_energy, bonded[SK_BONDED_ENERGIES];   /* energy[1]: with excluded pairs */
    sk_int128 pair_virial[3], term_virial[3], constraint_virial[3]; /* terms: bonded, excluded pairs, mesh, sites */
    sk_int128 kinetic_before[3], kinetic_after[3];                  /* of the velocities that enter and leave advance */
    sk_int128 momentum[3];
    sk_int128 bath; /* energy that the Langevin bath gave */
    /* the same by temperature groups, if there are several */
    sk_int128 group_before[SK_GROUPS_MAX], group_after[SK_GROUPS_MAX], group_momentum[SK_GROUPS_MAX][3];
};

struct sk_dynamics {
    /* borrowed */
    const struct sk_parameters *parameters;
    const struct sk_topology *top;
    const struct sk_groups *groups;
    struct sk_units units;
    struct sk_comm *comm;
    struct sk_domain *domain;
    struct sk_force *force;
    struct sk_rigid *rigid;
    struct sk_sites *sites;
    struct sk_network *network;
    struct sk_atoms *atoms;
    struct sk_box *box;
    struct sk_force_phases phases;
    int phase_update, phase_rebuild, phase_reduce, phase_constrain;
    /* state */
    int64_t step;
    bool is_on_step;         /* velocities are at time step, not half a step before */
    double conserved_offset; /* minus the energy that baths have given */
    bool has_pending_box;
    double pending_box[3]; /* factors along x, y, z to apply at the end of the next advance */
    /* derived constants */
    struct sk_thermal thermal;
    double dof;                                                  /* of all atoms */
    double langevin_a[SK_GROUPS_MAX], langevin_b[SK_GROUPS_MAX]; /* by temperature group */
    /* in flight */
    struct sk_observables observables;
    struct sk_record record;        /* last completed */
    bool has_record;                /* a record was completed by the last evaluate */
    bool needs_rebuild;             /* equal on all ranks */
    int64_t effort_step, effort_ns; /* when the effort of this rank was last asked for */
    double moved, growth; /* largest displacement on this rank since the list was made, and its last increase */
    int64_t failed_atom;  /* owned atom that could not be moved, or -1 */
    int local_request;    /* e.g. a signal on this rank; its maximum over ranks is in agreed_request */
    int agreed_request;
    double constraint_worst; /* largest relative residual ever on this rank */
    int failed_water;
    bool is_unchecked;           /* the network's last solution of positions has not been checked */
    bool is_trial;               /* what fails now will be taken back: no file about it */
    bool wants_wide;             /* forces are to be made in wide arithmetic in any case; equal on all ranks */
    double velocity_worst;       /* largest speed left along a constraint on this rank, x dt, relative to its length */
    sk_int128 sites_virial[3];   /* of the forces on virtual sites */
    sk_int128 network_virial[3]; /* the network's part of the constraint virial */
    /* of the last move; rate: of velocities over moves, 0 where velocities stay; divisor: the barostat's, since */
    struct sk_box moved_box;
    double virial_scale, move_rate, velocity_divisor[3];
    double *inverse_mass; /* [owned][3] 1 / mass, for flat loops; 0 where an atom does not move */
    double *skewed;       /* [owned][3] moves as lengths along the diagonal of a box that is not rectangular */
    size_t inverse_mass_capacity, skewed_capacity;
};

/* Collective. Derived constants and zeroed accumulators; the borrowed fields are set by the caller before. Frozen atoms
 * lose their velocities. */
void sk_dynamics_init(struct sk_dynamics *dynamics);
/* Collective, both, at a fresh start: the network is that of the present atoms (sk_network_examine has made it).
 * Maxwell velocities at parameters->system.maxwell from (seed, id), centre-of-mass motion taken out,
 * projected on the constraints, scaled to the exact temperature. */
void sk_dynamics_maxwell(struct sk_dynamics *dynamics);
/* Local, at any start, before the rest: virtual sites of the present atoms, at their places and without velocities. */
void sk_dynamics_place_sites(struct sk_dynamics *dynamics);
/* Local. Takes velocities, and what a minimizer has of them, along the axes along which atoms do not move, and those of
 * virtual sites. */
void sk_dynamics_stop_frozen(struct sk_dynamics *dynamics);
/* Velocities of a file: those that are on the step lose their parts along constraints
 * (those half a step back are left alone: the first step's constraints make them right). */
void sk_dynamics_accept(struct sk_dynamics *dynamics);
/* Collective. Forces at the present positions (rebuilding the list first or again if it must), reduction, completion of
 * the previous step's record, thermostat factor and centre-of-mass removal that are due. `wants_energy`: this step's
 * record shall have energies. Errors: SK_EPHYSICS naming step, atom and force, or the
 * bonded term; SK_EINTERNAL from the census. */
enum sk_code sk_dynamics_evaluate(struct sk_dynamics *dynamics, bool wants_energy, struct sk_error *err);
/* Local but for a pending change of the box. Moves velocities and positions to the next step. */
void sk_dynamics_advance(struct sk_dynamics *dynamics);
/* Collective. Completes the record of the present step by an advance that is undone (velocities, positions and
 * accumulators come back bit by bit). Call after evaluate with wants_energy. Errors: SK_EPHYSICS from constraints. */
enum sk_code sk_dynamics_trial(struct sk_dynamics *dynamics, struct sk_error *err);
/* Collective. Reduced state hash of the present step. */
uint64_t sk_dynamics_hash(struct sk_dynamics *dynamics);
/* Collective. Agrees on a failure noted by advance. */
enum sk_code sk_dynamics_verify(struct sk_dynamics *dynamics, struct sk_error *err);

/* Frees what init and the steps allocated. */
void sk_dynamics_clear(struct sk_dynamics *dynamics);
/* Bytes held. */
size_t sk_dynamics_memory(const struct sk_dynamics *dynamics);

/* ---- internal to the module ---- */

/* Non-negative doubles order like these bits, in which their maximum travels. */
static inline int64_t sk_order_bits(double x)
{
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline double sk_order_value(int64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* evaluate.c. Collective. Forces at the present positions, of a complete list and bonds that are right, in wide
 * arithmetic if they must be; global: what all ranks have found, with the sums that were packed; trouble: equal on all
 * ranks, what has no force. Errors as sk_dynamics_evaluate, but for trouble, which sk_dynamics_fail makes one of
 * (collective). */
enum sk_trouble { SK_TROUBLE_NONE, SK_TROUBLE_PAIR, SK_TROUBLE_BONDED };
enum sk_code sk_dynamics_forces(struct sk_dynamics *dynamics, bool wants_sums, struct sk_reduction *global,
                                enum sk_trouble *trouble, struct sk_error *err);
enum sk_code sk_dynamics_fail(struct sk_dynamics *dynamics, enum sk_trouble trouble, const char *what,
                              struct sk_error *err);
/* Local. What has no energy, after sk_observe_forces. */
enum sk_trouble sk_dynamics_energy_trouble(const struct sk_dynamics *dynamics);
/* advance.c: the advance without what belongs to the end of a step; the part of it that changes positions, by
 * atoms->move; arrays for owned atoms in a new order. */
void sk_dynamics_move(struct sk_dynamics *dynamics);
void sk_dynamics_displace(struct sk_dynamics *dynamics);
void sk_dynamics_set_masses(struct sk_dynamics *dynamics);
/* constraints.c, collective over neighbours. Project: vectors v[owned][3] without components along constraints
 * (RATTLE), with virial[3] += scale x -1/2 sum mu b b unless NULL. Constrain: atoms->move, and velocities v unless
 * NULL, such that constraints hold after the move. Note: after the move, that this solution is to be checked; check:
 * its largest residual on this rank (0: nothing to check). Repair (collective, blocking): more rounds, and the move
 * anew, with all sums. Settle: check on all ranks, and repair if it must be. Retract (local): the last move of all
 * atoms is taken back, bit by bit. */
void sk_dynamics_project(struct sk_dynamics *dynamics, double *v, sk_int128 virial[3], double scale);
void sk_dynamics_constrain(struct sk_dynamics *dynamics, double *v, double dt, double virial_scale);
void sk_dynamics_note_solution(struct sk_dynamics *dynamics);
double sk_dynamics_check(struct sk_dynamics *dynamics);
enum sk_code sk_dynamics_repair(struct sk_dynamics *dynamics, int64_t step, struct sk_error *err);
enum sk_code sk_dynamics_settle(struct sk_dynamics *dynamics, int64_t step, struct sk_error *err);
void sk_dynamics_retract(struct sk_dynamics *dynamics);
/* observe.c: collects, packs and unpacks what a step observes. */
int sk_observe_sums(int ngroups); /* that the reduction must carry, with so many temperature groups */
bool sk_observe_wants_virial(const struct sk_dynamics *dynamics, bool wants_energy);
void sk_observe_forces(struct sk_dynamics *dynamics, bool wants_energy);
void sk_observe_pack(const struct sk_observables *observables, struct sk_reduction *reduction);
void sk_observe_complete(struct sk_dynamics *dynamics, const struct sk_reduction *reduction);
/* The potential energy in what was packed, in SK_ENERGY_SCALE, without corrections that positions do not change. */
sk_int128 sk_observe_potential(const struct sk_reduction *reduction);

#endif
