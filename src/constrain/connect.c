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

/* Things in the order of their ranks, as links want them: fills rank[], first[] and thing[] of one kind. */
static int side_fill(int nranks, int nthings, const int32_t *owner, const int *local, int **rank, int **first,
                     int **thing)
{
    int *count = sk_calloc((size_t)nranks + 1, sizeof *count), nlinks = 0;
    for (int t = 0; t < nthings; t++)
        count[owner[t] + 1]++;
    for (int r = 0; r < nranks; r++)
        nlinks += count[r + 1] > 0;
    *rank = sk_alloc((size_t)nlinks, sizeof **rank);
    *first = sk_calloc((size_t)nlinks + 1, sizeof **first);
    *thing = sk_alloc((size_t)nthings, sizeof **thing);
    int link = 0;
    for (int r = 0; r < nranks; r++) {
        if (count[r + 1]) {
            (*rank)[link] = r;
            (*first)[link + 1] = (*first)[link] + count[r + 1];
            link++;
        }
        count[r + 1] += count[r];
    }
    for (int t = 0; t < nthings; t++)
        (*thing)[count[owner[t]]++] = local[t];
    sk_free(&count);
    return nlinks;
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
    const struct sk_network_side *side = &n->recv;
    int natoms = side->atom_first[side->natom_links], nmultipliers = side->multiplier_first[side->nmultiplier_links];
    size_t most = (size_t)(side->natom_links + side->nmultiplier_links);
    struct sk_parcel *parcels = sk_alloc(most, sizeof *parcels);
    unsigned char *buffer = sk_alloc(most * sizeof(struct request) + (size_t)(natoms + 2 * nmultipliers) * 8, 1);
    unsigned char *to = buffer;
    for (int r = 0, a = 0, m = 0; r < nranks; r++) {
        bool has_atoms = a < side->natom_links && side->atom_rank[a] == r;
        bool has_multipliers = m < side->nmultiplier_links && side->multiplier_rank[m] == r;
        if (!has_atoms && !has_multipliers)
            continue;
        struct request *request = (struct request *)to;
        *request = (struct request){0, 0};
        int64_t *key = request->key;
        if (has_atoms) {
            for (int t = side->atom_first[a]; t < side->atom_first[a + 1]; t++, request->natoms++)
                *key++ = n->ghost_id[side->atom[t] - n->nowned];
            a++;
        }
        if (has_multipliers) {
            for (int t = side->multiplier_first[m]; t < side->multiplier_first[m + 1]; t++, request->nmultipliers++) {
                *key++ = n->constraints[side->multiplier[t]].molecule;
                *key++ = n->constraints[side->multiplier[t]].index;
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
    struct sk_network_side *side = &n->send;
    size_t most = (size_t)receipt->count, atoms = 0, multipliers = 0;
    for (int p = 0; p < receipt->count; p++) {
        const struct request *request = (const struct request *)receipt->parcels[p].bytes;
        atoms += (size_t)request->natoms;
        multipliers += (size_t)request->nmultipliers;
    }
    side->atom_rank = sk_alloc(most, sizeof *side->atom_rank);
    side->multiplier_rank = sk_alloc(most, sizeof *side->multiplier_rank);
    side->atom_first = sk_calloc(most + 1, sizeof *side->atom_first);
    side->multiplier_first = sk_calloc(most + 1, sizeof *side->multiplier_first);
    side->atom = sk_alloc(atoms, sizeof *side->atom);
    side->multiplier = sk_alloc(multipliers, sizeof *side->multiplier);
    int a = 0, m = 0;
    for (int p = 0; p < receipt->count; p++) {
        const struct request *request = (const struct request *)receipt->parcels[p].bytes;
        const int64_t *key = request->key;
        for (int t = 0; t < request->natoms; t++) {
            side->atom[a] = sk_idmap_find(&n->owned_of, *key++);
            SK_REQUIRE(side->atom[a++] >= 0);
        }
        for (int t = 0; t < request->nmultipliers; t++, key += 2) {
            side->multiplier[m] = sk_idmap_find(&n->constraint_of, sk_network_key(key[0], (int)key[1]));
            SK_REQUIRE(side->multiplier[m++] >= 0);
        }
        if (request->natoms) {
            side->atom_rank[side->natom_links++] = receipt->parcels[p].rank;
            side->atom_first[side->natom_links] = a;
        }
        if (request->nmultipliers) {
            side->multiplier_rank[side->nmultiplier_links++] = receipt->parcels[p].rank;
            side->multiplier_first[side->nmultiplier_links] = m;
        }
    }
}

/* Links with so many bytes an item, and `extra` bytes more. */
static struct sk_links *links_of(struct sk_comm *comm, int tag, size_t item, size_t extra, int nsend,
                                 const int *send_rank, const int *send_first, int nrecv, const int *recv_rank,
                                 const int *recv_first)
{
    size_t *send = sk_alloc((size_t)nsend, sizeof *send), *recv = sk_alloc((size_t)nrecv, sizeof *recv);
    for (int l = 0; l < nsend; l++)
        send[l] = (size_t)(send_first[l + 1] - send_first[l]) * item + extra;
    for (int l = 0; l < nrecv; l++)
        recv[l] = (size_t)(recv_first[l + 1] - recv_first[l]) * item + extra;
    struct sk_links *links = sk_links_new(comm, tag, nsend, send_rank, send, nrecv, recv_rank, recv);
    sk_free(&recv);
    sk_free(&send);
    return links;
}

enum { TAG_ATOMS = 4, TAG_MULTIPLIERS = 5 };

enum sk_code sk_network_connect(struct sk_network *n, const struct sk_lack *lack, struct sk_error *err)
{
    int nwanted = n->nghosts + lack->nmultipliers, nmine = 0, lost = -1;
    sk_gid *mine = sk_alloc((size_t)n->nowned, sizeof *mine);
    for (size_t s = 0; s < n->owned_of.size; s++)
        if (n->owned_of.slot[s].key >= 0)
            mine[nmine++] = n->owned_of.slot[s].key;
    sk_directory_find(n->comm, n->top->natoms, mine, nmine, lack->id, nwanted, lack->owner);
    sk_free(&mine);
    for (int w = 0; w < nwanted; w++)
        lost = lack->owner[w] < 0 ? w : lost;
    enum sk_code code = lost < 0 ? SK_OK
                                 : sk_fail(err, SK_EINTERNAL,
                                           "no rank owns atom %lld, which a constraint names; please report this",
                                           (long long)lack->id[lost] + 1);
    code = sk_comm_agree(n->comm, err, code);
    if (code)
        return code;
    int nranks = sk_comm_size(n->comm);
    struct sk_network_side *recv = &n->recv, *send = &n->send;
    int *ghost = sk_alloc((size_t)n->nghosts, sizeof *ghost);
    for (int g = 0; g < n->nghosts; g++)
        ghost[g] = n->nowned + g;
    recv->natom_links = side_fill(nranks, n->nghosts, lack->owner, ghost, &recv->atom_rank, &recv->atom_first,
                                  &recv->atom);
    recv->nmultiplier_links = side_fill(nranks, lack->nmultipliers, lack->owner + n->nghosts, lack->multiplier,
                                        &recv->multiplier_rank, &recv->multiplier_first, &recv->multiplier);
    sk_free(&ghost);
    struct sk_receipt receipt;
    network_request(n, &receipt);
    network_grant(n, &receipt);
    sk_receipt_clear(&receipt);
    n->atom_links = links_of(n->comm, TAG_ATOMS, sizeof(sk_frac[3]) + sizeof(double[3]), 0, send->natom_links,
                             send->atom_rank, send->atom_first, recv->natom_links, recv->atom_rank, recv->atom_first);
    n->multiplier_links = links_of(n->comm, TAG_MULTIPLIERS, sizeof(double), sizeof(uint64_t), send->nmultiplier_links,
                                   send->multiplier_rank, send->multiplier_first, recv->nmultiplier_links,
                                   recv->multiplier_rank, recv->multiplier_first);
    return SK_OK;
}
