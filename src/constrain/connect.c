/* Who has what a rank lacks, and the channels on which it comes. */
#include <string.h>

#include "base/memory.h"
#include "constrain/network.h"
#include "domain/directory.h"

void sk_lack_find(struct sk_network *n, struct sk_lack *lack)
{
    *lack = (struct sk_lack){0};
    lack->multiplier = sk_alloc((size_t)n->nconstraints, sizeof *lack->multiplier);
    lack->id = sk_alloc((size_t)(n->nghosts + n->nconstraints), sizeof *lack->id);
    lack->owner = sk_alloc((size_t)(n->nghosts + n->nconstraints), sizeof *lack->owner);
    if (n->nghosts)
        memcpy(lack->id, n->ghost_id, (size_t)n->nghosts * sizeof *lack->id);
    for (int k = 0; k < n->nconstraints; k++) {
        const struct sk_network_constraint *c = &n->constraints[k];
        const struct sk_graph *graph = &n->graphs.of[c->moltype];
        int fragment = graph->core_of[c->index];
        if (sk_idmap_find(&n->window_of, sk_network_key(c->molecule, fragment)) >= 0)
            continue;
        lack->id[n->nghosts + lack->nmultipliers] = c->molecule + graph->fragments[fragment].anchor;
        lack->multiplier[lack->nmultipliers++] = k;
    }
}

void sk_lack_clear(struct sk_lack *lack)
{
    sk_free(&lack->multiplier);
    sk_free(&lack->id);
    sk_free(&lack->owner);
}

/* What one rank asks of another. */
struct request {
    int32_t natoms, nmultipliers;
    int64_t key[]; /* ids of atoms, then pairs of molecule and index in the template */
};

/* Sends requests for what the receiving side lists; returns what others ask of this rank. */
static void network_request(struct sk_network *n, struct sk_receipt *receipt)
{
    int nranks = sk_comm_size(n->comm), nparcels = 0;
    const struct sk_side *atoms = &n->recv.atoms, *multipliers = &n->recv.multipliers;
    size_t most = (size_t)(atoms->nlinks + multipliers->nlinks);
    struct sk_parcel *parcels = sk_alloc(most, sizeof *parcels);
    unsigned char *buffer = sk_alloc(
        most * sizeof(struct request) + (size_t)(sk_side_items(atoms) + 2 * sk_side_items(multipliers)) * 8, 1);
    unsigned char *to = buffer;
    for (int r = 0, a = 0, m = 0; r < nranks; r++) {
        bool has_atoms = a < atoms->nlinks && atoms->rank[a] == r;
        bool has_multipliers = m < multipliers->nlinks && multipliers->rank[m] == r;
        if (!has_atoms && !has_multipliers)
            continue;
        struct request *request = (struct request *)to;
        *request = (struct request){0, 0};
        int64_t *key = request->key;
        if (has_atoms) {
            for (int t = atoms->first[a]; t < atoms->first[a + 1]; t++, request->natoms++)
                *key++ = n->ghost_id[atoms->item[t] - n->nowned];
            a++;
        }
        if (has_multipliers) {
            for (int t = multipliers->first[m]; t < multipliers->first[m + 1]; t++, request->nmultipliers++) {
                *key++ = n->constraints[multipliers->item[t]].molecule;
                *key++ = n->constraints[multipliers->item[t]].index;
            }
            m++;
        }
        parcels[nparcels++] = (struct sk_parcel){r, (size_t)((unsigned char *)key - to), to};
        to = (unsigned char *)key;
    }
    sk_comm_exchange(n->comm, parcels, nparcels, receipt);
    sk_free(&buffer);
    sk_free(&parcels);
}

/* The sending side, from the requests that came. */
static void network_grant(struct sk_network *n, const struct sk_receipt *receipt)
{
    struct sk_side *atoms = &n->send.atoms, *multipliers = &n->send.multipliers;
    int natoms = 0, nmultipliers = 0;
    for (int p = 0; p < receipt->count; p++) {
        const struct request *request = (const struct request *)receipt->parcels[p].bytes;
        natoms += request->natoms;
        nmultipliers += request->nmultipliers;
    }
    sk_side_reserve(atoms, receipt->count, natoms);
    sk_side_reserve(multipliers, receipt->count, nmultipliers);
    int a = 0, m = 0;
    for (int p = 0; p < receipt->count; p++) {
        const struct request *request = (const struct request *)receipt->parcels[p].bytes;
        const int64_t *key = request->key;
        for (int t = 0; t < request->natoms; t++) {
            atoms->item[a] = sk_idmap_find(&n->owned_of, *key++);
            SK_REQUIRE(atoms->item[a++] >= 0);
        }
        for (int t = 0; t < request->nmultipliers; t++, key += 2) {
            multipliers->item[m] = sk_idmap_find(&n->constraint_of, sk_network_key(key[0], (int)key[1]));
            SK_REQUIRE(multipliers->item[m++] >= 0);
        }
        if (request->natoms) {
            atoms->rank[atoms->nlinks++] = receipt->parcels[p].rank;
            atoms->first[atoms->nlinks] = a;
        }
        if (request->nmultipliers) {
            multipliers->rank[multipliers->nlinks++] = receipt->parcels[p].rank;
            multipliers->first[multipliers->nlinks] = m;
        }
    }
}

enum { TAG_ATOMS = 4, TAG_MULTIPLIERS = 5 };

enum sk_code sk_network_connect(struct sk_network *n, const struct sk_lack *lack, struct sk_error *err)
{
    enum sk_code code = sk_directory_locate(n->comm, n->top->natoms, &n->owned_of, lack->id,
                                            n->nghosts + lack->nmultipliers, lack->owner, "a constraint", err);
    if (code)
        return code;
    int nranks = sk_comm_size(n->comm);
    struct sk_network_side *recv = &n->recv, *send = &n->send;
    int *ghost = sk_alloc((size_t)n->nghosts, sizeof *ghost);
    for (int g = 0; g < n->nghosts; g++)
        ghost[g] = n->nowned + g;
    sk_side_sort(&recv->atoms, nranks, n->nghosts, lack->owner, ghost);
    sk_side_sort(&recv->multipliers, nranks, lack->nmultipliers, lack->owner + n->nghosts, lack->multiplier);
    sk_free(&ghost);
    struct sk_receipt receipt;
    network_request(n, &receipt);
    network_grant(n, &receipt);
    sk_receipt_clear(&receipt);
    n->atom_links = sk_side_links(n->comm, TAG_ATOMS, sizeof(sk_frac[3]) + sizeof(double[3]), 0, &send->atoms,
                                  &recv->atoms);
    n->multiplier_links = sk_side_links(n->comm, TAG_MULTIPLIERS, sizeof(double), sizeof(uint64_t), &send->multipliers,
                                        &recv->multipliers);
    return SK_OK;
}
