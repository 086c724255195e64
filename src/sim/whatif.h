/* Whatif: what a tool may ask of an open simulation about partitions that it does not run, and what its work costs.
 * Owns nothing. Not here: partitions (curve), tables (app). */
#ifndef SK_SIM_WHATIF_H
#define SK_SIM_WHATIF_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/halo.h"
#include "model/parameters.h"

struct skein;

/* Constraints of the whole system, those of rigid waters apart. Local. */
int64_t sk_whatif_constraints(const struct skein *sim);
/* Those between atoms of different ownership groups, which only a partition decides about: (*anchors)[k] are the ids
 * of the two atoms whose cells say who owns the ends of constraint k. Returns how many; the caller frees *anchors, 16
 * bytes each. Local. */
int64_t sk_whatif_crossable(const struct skein *sim, int64_t (**anchors)[2]);

/* What the engine itself would do at the start on some number of ranks: its own cells, its own plan. */
struct sk_supposition {
    double imbalance, tile_imbalance; /* predicted: largest over mean */
    struct sk_import import;
    enum sk_curve scheme; /* used */
};
/* Changes the order of the atoms. False if there are more processes than one. Local. */
bool sk_whatif_suppose(struct skein *sim, int nranks, enum sk_curve curve, struct sk_supposition *supposition);

/* Where the time of a step goes on this rank, seconds. */
struct sk_pace {
    double step;      /* wall time; pairs, atoms and rebuild are its parts */
    double processor; /* the same as processor time: what others had of the core is not in it, busy waiting is */
    double pairs;     /* pair kernels, lists and their pruning */
    double atoms;     /* motion, constraints, halo, waiting */
    double rebuild;   /* cells, migration, ghosts */
};
/* Collective. Runs `steps` steps and says what one took in the mean. Errors: those of the steps; the message is in
 * skein_message. */
int sk_whatif_pace(struct skein *sim, int64_t steps, struct sk_pace *pace);

#endif
