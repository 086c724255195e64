/* Balance: which rank gets which cells, at the start and when the work has become uneven.
 * Rank 0 learns how many atoms are in each cell, weighs the cells with a cost model corrected by what ranks measured,
 * and makes the plan (curve/plan.h), which all ranks get: the same code for every scheme, offline and in a run.
 * Bits do not depend on plans. Owns its copy of the last plan. Not here: moving atoms (migrate.h), counting partitions
 * (curve/count.h). */
#ifndef SK_DOMAIN_BALANCE_H
#define SK_DOMAIN_BALANCE_H

#include "curve/load.h"
#include "domain/cells.h"
#include "model/atoms.h"
#include "model/parameters.h"

/* What this rank did since the last rebuild. */
struct sk_effort {
    int64_t steps;
    int64_t tiles;  /* in its lists now */
    double seconds; /* of forces, lists and motion, without waiting */
};

enum sk_balance_action { SK_BALANCE_STARTED, SK_BALANCE_ADJUSTED, SK_BALANCE_RENEWED, SK_BALANCE_UNDONE };

struct sk_balance {
    struct sk_comm *comm;
    enum sk_curve curve; /* what was asked for; the plan's scheme is what is used */
    enum sk_rebalance mode;
    struct sk_cost cost;
    double radius;                     /* within which pairs are work, length units: the cutoff and a little */
    bool has_time;                     /* each rank has a core, so that its seconds say something */
    double predicted, predicted_tiles; /* largest over mean: weight and tiles of the present plan when it was made */
    double imbalance, tile_imbalance;  /* largest over mean: work and tiles, measured at the last rebuild */
    int64_t plans;                     /* used so far: the first one, new ones, old ones again */
    /* of the last change of plan, for the log */
    enum sk_balance_action action;
    double before; /* imbalance that asked for it */
    double moved;  /* share of the atoms that it moves */
    /* window of the present check */
    struct sk_effort window;
    int strikes, patience;  /* checks in a row that found too much, and how many it takes */
    double largest;         /* work of the busiest rank in a step before the last change; 0: nothing to compare */
    int64_t since;          /* steps since the last change */
    double recut_s, pace_s; /* what a change takes, what a step takes: seconds */
    struct sk_plan old;     /* before the last change; nranks 0: none */
};

void sk_balance_init(struct sk_balance *balance, struct sk_comm *comm, const struct sk_parameters *parameters);
void sk_balance_clear(struct sk_balance *balance);
/* Collective. Edges of the cells, which must be new, and the first plan, for cells->nranks ranks (of which this process
 * need not be one), from where the atoms' groups are. box edges and list_radius in length units. */
void sk_balance_start(struct sk_balance *balance, struct sk_cells *cells, const struct sk_atoms *atoms,
                      const struct sk_box *box);
/* Collective, at a rebuild, before atoms migrate. Notes what was done; makes a new plan if the mode says so: when two
 * checks in a row found a rank 5 % over the mean and the gain over as many steps as the last plan was used for pays
 * for the change; first by moving the old plan's cuts as little as possible, or afresh if that has many more ghosts.
 * A change that made the busiest rank slower is undone at the next check, and the next one waits twice as long. Mode
 * always: every time, by moved cuts and by a new plan in turn. */
void sk_balance_check(struct sk_balance *balance, struct sk_cells *cells, const struct sk_atoms *atoms,
                      const struct sk_box *box, const struct sk_effort *effort);

#endif
