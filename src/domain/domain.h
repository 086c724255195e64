/* Domain: the rank's part of the system as a whole: cells, balance, home order, halo, and the census that proves at
 * every rebuild that no atom, molecule or constraint was lost or doubled. Owns cells, balance, home and halo.
 * Not here: forces, pair lists. */
#ifndef SK_DOMAIN_DOMAIN_H
#define SK_DOMAIN_DOMAIN_H

#include "domain/balance.h"
#include "domain/halo.h"
#include "model/parameters.h"
#include "model/topology.h"

/* Counts and id hashes over all ranks: equal at every rebuild. */
struct sk_census {
    int64_t atoms, groups, settles;
    int64_t atom_hash, group_hash, settle_hash;
};

struct sk_domain {
    struct sk_comm *comm;
    struct sk_cells cells;
    struct sk_balance balance;
    struct sk_home home;
    struct sk_halo halo;
    struct sk_census expected;
    double stick_up[3], stick_down[3]; /* how far atoms of the system leave their cell, length units */
    int64_t rebuilds;
};

/* Collective. `atoms`: any distribution of whole groups (anchor first); they are sent home. */
enum sk_code sk_domain_start(struct sk_domain *domain, struct sk_comm *comm, const struct sk_parameters *parameters,
                             const struct sk_topology *top, const struct sk_box *box, double list_radius,
                             struct sk_atoms *atoms, struct sk_error *err);
void sk_domain_clear(struct sk_domain *domain);
/* Collective. Plans anew if `effort` (NULL: nothing was done yet) is shared badly, migrates, finds ghosts, takes the
 * census. */
enum sk_code sk_domain_rebuild(struct sk_domain *domain, const struct sk_topology *top, const struct sk_box *box,
                               double list_radius, const struct sk_effort *effort, struct sk_atoms *atoms,
                               struct sk_error *err);
/* Collective. The cells as they would be planned at the start for another number of ranks, by any scheme; balance says
 * what is predicted. To be cleared by the caller, both. */
void sk_domain_suppose(const struct sk_domain *domain, const struct sk_topology *top, const struct sk_box *box,
                       double list_radius, const struct sk_atoms *atoms, int nranks, enum sk_curve curve,
                       struct sk_balance *balance, struct sk_cells *cells);
/* On one process, which has all atoms. What ranks would import by such cells at the first rebuild, where the engine
 * counts the same. Puts atoms in the order of these cells. */
void sk_domain_imports(const struct sk_domain *domain, const struct sk_box *box, double list_radius,
                       struct sk_atoms *atoms, struct sk_cells *cells, struct sk_import *import);
/* Local. owner[atoms->n]: who has each atom, by such cells. */
void sk_domain_deal(struct sk_cells *cells, const struct sk_atoms *atoms, int32_t *owner);
size_t sk_domain_memory(const struct sk_domain *domain);

#endif
