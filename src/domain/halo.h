/* Halo: the ghost atoms a rank borrows and the channels that refresh them.
 * forward copies kernel coordinates of owned atoms to their ghosts; reverse sums ghost forces to the owners (integers:
 * order does not matter). Ghosts are chosen by the corner-cell rule (see src/README.md): a rank needs an atom of cell B
 * if the atom is within the list radius of a cell c that the rank owns, at an offset B - c >= 0 on every axis.
 * Owns ghost records, channels and buffers; rebuilt as a whole. Not here: who owns a cell (cells.h). */
#ifndef SK_DOMAIN_HALO_H
#define SK_DOMAIN_HALO_H

#include "domain/cells.h"
#include "domain/migrate.h"
#include "par/side.h"

struct sk_halo {
    int nghosts;
    sk_gid *id;         /* [nghosts] */
    int32_t *kind;      /* [nghosts] */
    int32_t (*cell)[3]; /* [nghosts] cell of the anchor */
    size_t id_capacity, kind_capacity, cell_capacity;
    struct sk_side send, recv;                 /* owned atoms; ghosts, in the order of their ranks */
    int64_t import_cells;                      /* distinct foreign cells that have a ghost here */
    struct sk_links *forward, *reverse, *wide; /* wide: made at its first use after a rebuild */
    struct sk_comm *comm;
};

/* What all ranks receive together. */
struct sk_import {
    int64_t atoms, atoms_max; /* ghosts, and those of the rank with most */
    int64_t cells;            /* distinct foreign cells that have a ghost on a rank, summed over ranks */
    int64_t messages;         /* pairs of ranks, one direction */
};

void sk_halo_init(struct sk_halo *halo, struct sk_comm *comm);
void sk_halo_clear(struct sk_halo *halo);
/* Collective. list_radius in length units, rounded outward; stick_up[3]: how far any atom of the system lies above the
 * upper face of its cell. Checks that what all ranks sent is what all ranks got, by count and id hash. */
enum sk_code sk_halo_build(struct sk_halo *halo, struct sk_cells *cells, const struct sk_home *home,
                           const struct sk_atoms *atoms, const struct sk_box *box, double list_radius,
                           const double stick_up[3], struct sk_error *err);
/* Local. The same choice without messages: what the ranks that `cells` names would receive, all atoms being here. */
void sk_halo_suppose(struct sk_cells *cells, const struct sk_home *home, const struct sk_atoms *atoms,
                     const struct sk_box *box, double list_radius, const double stick_up[3], struct sk_import *import);
/* Sends grid[owned][3]; to be followed by arrived until it returns NULL. */
void sk_halo_forward_begin(struct sk_halo *halo, const int32_t (*grid)[3]);
/* Waits for the next message; its coordinates are those of ghosts [*first, *first + *count). NULL when all came: the
 * exchange is over then. */
const int32_t (*sk_halo_arrived(struct sk_halo *halo, int *first, int *count))[3];
/* Sends ghost_force[nghosts][3]; end adds what comes back to force[owned][3]. */
void sk_halo_reverse_begin(struct sk_halo *halo, const int32_t (*ghost_force)[3]);
void sk_halo_reverse_end(struct sk_halo *halo, int32_t (*force)[3]);
/* The same in 64 bits for a wide step. Collective at its first use after a build. */
void sk_halo_reverse_wide(struct sk_halo *halo, const int64_t (*ghost_force)[3], int64_t (*force)[3]);

#endif
