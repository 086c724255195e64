/* Named: atoms that a rank needs by id, wherever they are: partners of its bonded terms. Found through the directory,
 * refreshed by forward (places of owned atoms go to the ranks that asked for them), paid back by reverse (forces come
 * home and are added). Owns requests and channels; made anew at every rebuild. Not here: ghosts by distance (halo.h),
 * what the atoms are needed for. */
#ifndef SK_DOMAIN_NAMED_H
#define SK_DOMAIN_NAMED_H

#include "base/idmap.h"
#include "base/status.h"
#include "geom/fixed.h"
#include "par/side.h"

struct sk_named {
    struct sk_comm *comm;
    int tag;                         /* of links: forward; reverse has the next one */
    struct sk_side ask;              /* item: index into the ids that were wanted */
    struct sk_side give;             /* item: owned atom */
    struct sk_links *forward, *back; /* NULL on one rank */
};

void sk_named_init(struct sk_named *named, struct sk_comm *comm, int tag);
void sk_named_clear(struct sk_named *named);
/* Collective. wanted[nwanted]: distinct ids of atoms of other ranks; owned_of: from ids to owned atoms, of all that
 * other ranks may ask for; natoms: of the whole system. Errors (SK_EINTERNAL): an atom that no rank offers, on the
 * lowest rank that asks for one; `what` says what names it. */
enum sk_code sk_named_connect(struct sk_named *named, int64_t natoms, const struct sk_idmap *owned_of,
                              const sk_gid *wanted, int nwanted, const char *what, struct sk_error *err);
/* Collective over those who ask and give. Begin sends from x[owned]; end fills x[nwanted]. Begin sends force[nwanted];
 * end adds what comes to force[owned]; sums wrap. */
void sk_named_forward_begin(struct sk_named *named, const sk_frac (*x)[3]);
void sk_named_forward_end(struct sk_named *named, sk_frac (*x)[3]);
void sk_named_reverse_begin(struct sk_named *named, const int64_t (*force)[3]);
void sk_named_reverse_end(struct sk_named *named, int64_t (*force)[3]);

#endif
