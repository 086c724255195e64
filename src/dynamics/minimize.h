/* Minimize: from the present positions downhill to a local minimum of the potential, on any number of ranks with the
 * same bits, by steepest descent or by FIRE. All atoms have mass 1 here: the network and the rigid waters of the
 * dynamics that it borrows are made with such masses. Velocities of atoms are not touched. Owns the forces along which
 * it goes; what it goes on from travels with the atoms (atoms->move) and is in checkpoints.
 *
 * Forces and energies have cores (sk_core2), so that any start has finite ones that fit each other. Whatever decides
 * comes from maxima and integer sums over all ranks.
 * Not here: the loop over steps and what it writes (sim). */
#ifndef SK_DYNAMICS_MINIMIZE_H
#define SK_DYNAMICS_MINIMIZE_H

#include "dynamics/dynamics.h"

/* What a minimizer goes on from, besides positions and atoms->move: in checkpoints. */
struct sk_descent {
    double reach; /* longest displacement of the next trial, or FIRE's time step; 0 before the first step */
    /* FIRE's own */
    double ceiling;   /* longest time step, from those that have proved too long; 0: none known */
    double mixing;    /* how much velocities are turned into the force */
    double square;    /* sum of squares of the forces after the first step from rest; 0 at rest */
    int64_t downhill; /* steps downhill in a row */
    /* both */
    bool is_crowded; /* pairs of atoms were within their cores a step ago: forces are made in wide arithmetic */
};

struct sk_minimizer {
    struct sk_dynamics *dynamics; /* borrowed */
    struct sk_descent descent;
    bool is_begun, is_resting; /* resting: once forces are known, FIRE's velocities are zero */
    /* of the present positions, equal on all ranks */
    bool is_evaluated, has_energy;
    double largest, longest; /* largest force without its part along constraints; longest last displacement */
    sk_int128 potential;     /* without corrections that do not change; has_energy */
    enum sk_trouble trouble;
    bool has_core;    /* some pair is within its core, */
    bool has_overlap; /* or, when energies were asked for, a 1-4 pair: forces are not those of the force field */
    bool is_stuck;    /* no step that could be told from none leads downhill */
    /* of this rank */
    double (*force)[3]; /* [owned] without components along constraints */
    size_t capacity;
    sk_int128 virial[3]; /* of constraints */
};

void sk_minimize_init(struct sk_minimizer *minimizer, struct sk_dynamics *dynamics);
void sk_minimize_clear(struct sk_minimizer *minimizer);
/* Collective. Forces at the present positions, and with `wants_energy` their energies, as dynamics->record (kinetic
 * energy and temperature 0, the pressure that of the virial). The first call makes constraints hold. Errors: as
 * sk_dynamics_evaluate. */
enum sk_code sk_minimize_evaluate(struct sk_minimizer *minimizer, bool wants_energy, struct sk_error *err);
/* Collective, after evaluate (steepest descent: with energies). One step: to better positions, or, where the step was
 * too long, back bit by bit, to try a shorter one next. Errors: SK_EPHYSICS if the shortest step fails. */
enum sk_code sk_minimize_step(struct sk_minimizer *minimizer, struct sk_error *err);
/* Local, after evaluate. The largest force is below the tolerance, and it is the force field's. */
bool sk_minimize_has_converged(const struct sk_minimizer *minimizer);
/* Collective, after evaluate. The atom that has the largest force (the lowest id of several). */
sk_gid sk_minimize_worst(const struct sk_minimizer *minimizer);
/* Positions have been changed from outside: begin anew. */
void sk_minimize_restart(struct sk_minimizer *minimizer);

#endif
