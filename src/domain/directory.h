/* Directory: which rank owns an atom, asked by global id. Ids are split into blocks of equal size; the rank of a block
 * knows who owns its atoms, for the time of one question. Owns nothing. Not here: ghosts by distance (halo.h). */
#ifndef SK_DOMAIN_DIRECTORY_H
#define SK_DOMAIN_DIRECTORY_H

#include "base/idmap.h"
#include "geom/fixed.h"
#include "par/comm.h"

/* Collective (two sparse exchanges). mine[nmine]: atoms of this rank that anybody may ask for, of natoms in all;
 * wanted[nwanted]: ids whose owners this rank wants; owner[nwanted] becomes their ranks, or -1 where nobody named the
 * atom as its own. */
void sk_directory_find(struct sk_comm *comm, int64_t natoms, const sk_gid *mine, int nmine, const sk_gid *wanted,
                       int nwanted, int32_t *owner);
/* Collective. The same where every wanted atom must have an owner; the rank's own atoms are the keys of owned_of.
 * Errors (SK_EINTERNAL, agreed on): an atom that no rank offers; `what` says what names it. */
enum sk_code sk_directory_locate(struct sk_comm *comm, int64_t natoms, const struct sk_idmap *owned_of,
                                 const sk_gid *wanted, int nwanted, int32_t *owner, const char *what,
                                 struct sk_error *err);

#endif
