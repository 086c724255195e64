/* Local: the atoms that terms of a topology are made of, on the rank that computes the terms: the owned atoms of
 * molecules that have such terms, and atoms named by id, wherever they are. Places come in, forces go home. Owns its
 * arrays and links, made anew at every rebuild. Not here: the terms (bonded.h, excluded.h), ghosts by distance. */
#ifndef SK_FORCE_LOCAL_H
#define SK_FORCE_LOCAL_H

#include "domain/named.h"
#include "model/atoms.h"
#include "model/topology.h"

struct sk_local {
    struct sk_comm *comm;
    const struct sk_topology *top;
    bool is_used;
    bool *is_wanted; /* [moltypes]: molecules whose owned atoms are local */
    int nmine, nnamed;
    int *mine;       /* [nmine] owned atom */
    sk_gid *id;      /* [nmine + nnamed] */
    sk_frac (*x)[3]; /* [nmine + nnamed] at the last evaluation */
    int64_t (*f)[3]; /* [nmine + nnamed] in force units */
    size_t mine_capacity, id_capacity, x_capacity, f_capacity;
    struct sk_idmap owned_of; /* from ids to owned atoms */
    struct sk_idmap local_of; /* from ids to local atoms */
    struct sk_named named;
};

/* No molecule is wanted yet; want: one that has terms. Local. A zeroed struct counts as without molecules. */
void sk_local_init(struct sk_local *local, struct sk_comm *comm, const struct sk_topology *top);
void sk_local_want(struct sk_local *local, int moltype);
void sk_local_clear(struct sk_local *local);
/* Rebuild, in this order. List: the wanted owned atoms, none named. Find: the local index of an atom, named if it was
 * not there. Connect (collective): arrays and links. Errors: SK_EINTERNAL. */
void sk_local_list(struct sk_local *local, const struct sk_atoms *atoms);
int32_t sk_local_find(struct sk_local *local, sk_gid id);
enum sk_code sk_local_connect(struct sk_local *local, struct sk_error *err);
/* An evaluation, collective over those who share terms, in this order, anything in between. Send: places of owned atoms
 * leave for those who named them. Receive: waits for those of named atoms; forces are zero. Return: forces of named
 * atoms leave. Collect: adds the forces to total[owned], after those of other ranks have come. */
void sk_local_send(struct sk_local *local, const struct sk_atoms *atoms);
void sk_local_receive(struct sk_local *local, const struct sk_atoms *atoms);
void sk_local_return(struct sk_local *local);
void sk_local_collect(struct sk_local *local, int64_t (*total)[3]);
/* Local. For long computations between receive and return. */
void sk_local_poll(const struct sk_local *local);
size_t sk_local_memory(const struct sk_local *local);

#endif
