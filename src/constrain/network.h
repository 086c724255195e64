/* Network: the constraints, rigid water apart, that a rank works on: fragments, the atoms of others that their windows
 * name (found through the directory, however far away), and the channels on which atoms and multipliers travel. Owns
 * all of these; made anew at every rebuild. A component of one fragment is solved by every rank that owns an atom of
 * it, with the same bits: nothing need be sent afterwards. A fragment of a larger component is solved by the owner of
 * its anchor alone, who checks it and sends its multipliers to the owners of the other atoms and to windows that
 * overlap it. Not here: how windows are cut (graph.h), the arithmetic of one (kernel/fragment.h), what is moved
 * (dynamics). */
#ifndef SK_CONSTRAIN_NETWORK_H
#define SK_CONSTRAIN_NETWORK_H

#include "base/idmap.h"
#include "constrain/graph.h"
#include "geom/box.h"
#include "kernel/pair.h"
#include "model/atoms.h"
#include "model/parameters.h"
#include "par/side.h"

/* One fragment of one molecule. */
struct sk_window {
    int32_t moltype, fragment;
    sk_gid molecule;    /* id of its first atom */
    int member;         /* first of its constraints in members, in the order of its shape */
    bool is_answerable; /* this rank owns the anchor */
};

/* What goes to or comes from other ranks: local atoms (ghosts on receiving), local constraints. */
struct sk_network_side {
    struct sk_side atoms, multipliers;
};

struct sk_network {
    struct sk_comm *comm;
    const struct sk_topology *top;
    struct sk_graphs graphs;
    const struct sk_kernel_variant *variant;
    enum sk_solver solver;
    double tolerance, limit; /* relative; limit: what a window is solved to */
    int solves;              /* of all windows in a normal step */
    int max_rounds;
    bool is_used;               /* the topology has constraints */
    bool has_neighbours;        /* some component has more than one fragment */
    int *edge_start, *edge_row; /* by shape: rows of the core that share an atom with a constraint outside of it */
    /* local atoms: owned ones by their index, then ghosts */
    int nowned, nghosts;
    sk_gid *ghost_id;
    sk_frac (*ghost_x)[3];
    double (*ghost_u)[3];
    size_t ghost_id_capacity, ghost_x_capacity, ghost_u_capacity;
    int nconstraints, nouter;
    int *outer; /* [nouter] local constraints of ghosts */
    struct sk_network_constraint {
        int32_t i, j; /* local atoms */
        int32_t moltype, index;
        sk_gid molecule;
    } * constraints;
    int32_t (*ends)[2];        /* i and j of the constraints once more, close together */
    double (*s)[3], (*p)[3];   /* old and drifted bonds */
    double *lambda, *previous; /* multipliers, and those of the last exchange, from which windows start */
    size_t constraints_capacity, ends_capacity, outer_capacity, s_capacity, p_capacity, lambda_capacity,
        previous_capacity;
    /* windows, sorted by class: [0, first_boundary) need nothing of other ranks, [first_boundary, first_private) need
     * atoms, the rest need nothing and are needed by nobody; by shape within */
    int nwindows, first_boundary, first_private, nmembers;
    struct sk_window *windows;
    int *members;         /* local constraints of the windows */
    double *residual;     /* [nwindows] of the core, at the last check */
    double *pivot;        /* [nwindows] smallest, of the last solution */
    char *is_overlapping; /* [nwindows] the component has other fragments, whose multipliers matter */
    size_t windows_capacity, members_capacity, residual_capacity, pivot_capacity, overlapping_capacity;
    /* owned atoms with constraints: theirs, ascending by template index; sign -1 where the atom is j */
    int nmoved;
    struct sk_network_atom {
        int32_t atom, first, end; /* into incident */
        double inverse_mass;
    } * moved;
    struct sk_network_incident {
        int32_t constraint;
        int32_t sign;
    } * incident;
    size_t moved_capacity, incident_capacity;
    void *scratch; /* of one batch */
    size_t scratch_bytes;
    double (*shaken)[3]; /* [nowned + nghosts] u as classic SHAKE changes it */
    size_t shaken_capacity;
    struct sk_idmap owned_of, ghost_of, constraint_of, window_of;
    struct sk_network_side send, recv;
    struct sk_links *atom_links, *multiplier_links;
    /* for the report */
    int64_t solutions, rounds, largest_rounds, halos, repairs;
    double worst, smallest_pivot;
    sk_gid failed_molecule; /* equal on all ranks; -1: none */
    int failed_moltype, failed_component;
};

static inline const struct sk_fragment *sk_window_fragment(const struct sk_network *network,
                                                           const struct sk_window *window)
{
    return &network->graphs.of[window->moltype].fragments[window->fragment];
}

static inline const struct sk_fragment_shape *sk_window_shape(const struct sk_network *network,
                                                              const struct sk_window *window)
{
    return &network->graphs.shapes[sk_window_fragment(network, window)->shape];
}

/* What is solved: bonds of fixed length (u: moves), or velocities along them (u: velocities). */
enum sk_network_what { SK_NETWORK_POSITIONS, SK_NETWORK_VELOCITIES };

/* Local. variant: for the window kernels. */
void sk_network_init(struct sk_network *network, struct sk_comm *comm, const struct sk_topology *top,
                     const struct sk_parameters *parameters, const struct sk_kernel_variant *variant);
void sk_network_clear(struct sk_network *network);
/* Collective. After owned atoms changed. Errors (SK_EINTERNAL): an atom that no rank owns. */
enum sk_code sk_network_rebuild(struct sk_network *network, const struct sk_atoms *atoms, struct sk_error *err);

/* Collective, at the start, with atoms wherever they are. Errors (SK_EINPUT): lengths that make no triangle or reach
 * half the box, constraints that depend on each other; all by name. weakness: on the rank that has it, the constraint
 * that is closest to depending on others, if its pivot is below 1e-2 (bond angles beyond about 174 degrees). */
struct sk_weakness {
    double pivot;
    char where[384];
};
enum sk_code sk_network_examine(struct sk_network *network, const struct sk_atoms *atoms, const struct sk_box *box,
                                struct sk_weakness *weakness, struct sk_error *err);

/* Collective over neighbours, the three in this order; anything may be done between the first two.
 * Begin: positions at time t and u of owned atoms [n][3] leave. Solve: multipliers of all constraints of owned atoms;
 * with SK_NETWORK_POSITIONS so that the bonds of x + u have their lengths, to the accuracy of the normal number of
 * solves. Check (local; at any time until the next begin) returns the largest relative error of a length (or of
 * |s . v| / s^2), on this rank, in the cores that it solved: NaN or too large is for sk_network_repair. */
void sk_network_begin(struct sk_network *network, const struct sk_atoms *atoms, const double *u);
void sk_network_solve(struct sk_network *network, enum sk_network_what what, const struct sk_atoms *atoms,
                      const struct sk_box *box, const double *u);
double sk_network_check(struct sk_network *network, enum sk_network_what what);
/* Correction of moved atom m: inverse mass times sum of sign lambda s. */
void sk_network_correction(const struct sk_network *network, int m, double correction[3]);
/* Adds the corrections of all moved atoms to u [owned][3], and `scale` times them to v unless NULL. */
void sk_network_apply(const struct sk_network *network, double *u, double *v, double scale);
/* Adds to virial[3] the diagonal of -1/2 sum lambda s (x) s over the constraints whose lower atom this rank owns,
 * scaled and rounded one at a time. */
void sk_network_virial(const struct sk_network *network, double scale, sk_int128 virial[3]);
/* Collective, blocking, rare: after check found too much on some rank. More rounds for the components concerned; those
 * that contract too slowly are solved exactly, on one rank. Errors (SK_EPHYSICS) name step, molecule, residue, atoms,
 * ranks, lengths and the residual of each round; failed_molecule and failed_component tell which. */
enum sk_code sk_network_repair(struct sk_network *network, enum sk_network_what what, int64_t step,
                               struct sk_error *err);
size_t sk_network_memory(const struct sk_network *network);

/* ---- internal to the module ---- */

/* Keys that tell constraints and fragments of all molecules apart: a molecule has at most three an atom, or examine
 * refuses it. */
static inline int64_t sk_network_key(sk_gid molecule, int index)
{
    return 4 * molecule + index;
}

/* connect.c. What this rank lacks: ghosts, then multipliers from outside the cores that it solves itself; the id of the
 * atom whose owner has each. */
struct sk_lack {
    int nmultipliers;
    int *multiplier; /* local constraints */
    sk_gid *id;      /* [nghosts + nmultipliers] */
    int32_t *owner;
};
void sk_lack_find(struct sk_network *network, struct sk_lack *lack);
void sk_lack_clear(struct sk_lack *lack);
/* Collective. Finds who has what this rank lacks and makes the channels. */
enum sk_code sk_network_connect(struct sk_network *network, const struct sk_lack *lack, struct sk_error *err);

/* solve.c. Solves windows [first, end), or those with is_wanted[window] of them, from the previous multipliers; their
 * cores go to lambda. */
void sk_network_run(struct sk_network *network, enum sk_network_what what, int first, int end, const char *is_wanted);
/* Multipliers of answered cores leave; those of other ranks have arrived in lambda. */
void sk_network_exchange_begin(struct sk_network *network);
void sk_network_exchange_end(struct sk_network *network);
/* Refreshes residual[] of the windows; the largest, or NaN. After a solution (is_wanted NULL) of all of them, where
 * only rows at the edges of cores need a look; else of those with is_wanted, over their whole cores. */
double sk_network_measure(struct sk_network *network, enum sk_network_what what, const char *is_wanted);
/* Relative error of constraint row c of a window with the present multipliers (all of its neighbours are members). */
double sk_network_residual(const struct sk_network *network, enum sk_network_what what, const struct sk_window *window,
                           int c);
/* shake.c: the classic solver, from bonds s and u of local atoms; the largest residual that is left is equal on all
 * ranks. Collective, blocking. */
void sk_network_shake(struct sk_network *network, enum sk_network_what what, const double *u);
double sk_network_shake_measure(struct sk_network *network, enum sk_network_what what, int *worst_constraint);
/* solve.c: sends value (owned [n][3]) of atoms that others hold, receives that of ghosts into ghost [nghosts][3]. */
void sk_network_forward(struct sk_network *network, const double (*value)[3], double (*ghost)[3]);

#endif
