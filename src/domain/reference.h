/* Reference: places that atoms are held to, by id, as fractions of the box. Each rank keeps those of its id block; they
 * do not travel with atoms. Owns them. Not here: the restraints (force/restraint.h). */
#ifndef SK_DOMAIN_REFERENCE_H
#define SK_DOMAIN_REFERENCE_H

#include "model/atoms.h"
#include "model/topology.h"
#include "par/comm.h"

struct sk_reference {
    struct sk_comm *comm;
    const struct sk_topology *top;
    sk_gid first;    /* id of the first place kept here */
    sk_frac (*x)[3]; /* of this rank's id block */
    uint64_t hash;   /* of all places of all ranks */
};

/* Collective. The atoms of this rank's id block, in any order, each once. comm and topology are borrowed. */
void sk_reference_init(struct sk_reference *reference, struct sk_comm *comm, const struct sk_topology *top,
                       const struct sk_atoms *block);
void sk_reference_clear(struct sk_reference *reference);
/* Collective. Places of ids[n] (any ids of the system) into x[n]. */
void sk_reference_fetch(const struct sk_reference *reference, const sk_gid *ids, int n, sk_frac (*x)[3]);

#endif
