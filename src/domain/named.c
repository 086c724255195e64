#include "domain/named.h"

#include <string.h>

#include "base/memory.h"
#include "domain/directory.h"

void sk_named_init(struct sk_named *named, struct sk_comm *comm, int tag)
{
    memset(named, 0, sizeof *named);
    named->comm = comm;
    named->tag = tag;
}

static void side_clear(struct sk_named_side *side)
{
    sk_free(&side->rank);
    sk_free(&side->first);
    sk_free(&side->atom);
    side->nlinks = 0;
}

void sk_named_clear(struct sk_named *named)
{
    sk_links_free(&named->forward);
    sk_links_free(&named->back);
    side_clear(&named->ask);
    side_clear(&named->give);
}

static void side_reserve(struct sk_named_side *side, int nlinks, int natoms)
{
    side->nlinks = nlinks;
    side->rank = sk_alloc((size_t)nlinks, sizeof *side->rank);
    side->first = sk_calloc((size_t)nlinks + 1, sizeof *side->first);
    side->atom = sk_alloc((size_t)natoms, sizeof *side->atom);
}

/* Wanted atoms in the order of their ranks; within one as they are. */
static void named_ask(struct sk_named *named, const int32_t *owner, int n)
{
    int nranks = sk_comm_size(named->comm), nlinks = 0, link = 0;
    int *place = sk_calloc((size_t)nranks + 1, sizeof *place);
    struct sk_named_side *ask = &named->ask;
    for (int i = 0; i < n; i++)
        place[owner[i] + 1]++;
    for (int r = 0; r < nranks; r++)
        nlinks += place[r + 1] > 0;
    side_reserve(ask, nlinks, n);
    for (int r = 0; r < nranks; r++) {
        if (place[r + 1]) {
            ask->rank[link++] = r;
            ask->first[link] = ask->first[link - 1] + place[r + 1];
        }
        place[r + 1] += place[r];
    }
    for (int i = 0; i < n; i++)
        ask->atom[place[owner[i]]++] = i;
    sk_free(&place);
}

/* Exchanges ids; what comes is to be given. */
static void named_give(struct sk_named *named, const struct sk_idmap *owned_of, const sk_gid *wanted)
{
    const struct sk_named_side *ask = &named->ask;
    struct sk_parcel *parcels = sk_alloc((size_t)ask->nlinks, sizeof *parcels);
    sk_gid *ids = sk_alloc((size_t)ask->first[ask->nlinks], sizeof *ids);
    for (int t = 0; t < ask->first[ask->nlinks]; t++)
        ids[t] = wanted[ask->atom[t]];
    for (int l = 0; l < ask->nlinks; l++)
        parcels[l] = (struct sk_parcel){ask->rank[l], (size_t)(ask->first[l + 1] - ask->first[l]) * sizeof *ids,
                                        (unsigned char *)(ids + ask->first[l])};
    struct sk_receipt receipt;
    sk_comm_exchange(named->comm, parcels, ask->nlinks, &receipt);
    sk_free(&parcels);
    sk_free(&ids);
    size_t total = 0;
    for (int p = 0; p < receipt.count; p++)
        total += receipt.parcels[p].length / sizeof *ids;
    struct sk_named_side *give = &named->give;
    side_reserve(give, receipt.count, (int)total);
    for (int p = 0; p < receipt.count; p++) {
        const sk_gid *id = (const sk_gid *)receipt.parcels[p].bytes;
        int n = (int)(receipt.parcels[p].length / sizeof *id);
        give->rank[p] = receipt.parcels[p].rank;
        give->first[p + 1] = give->first[p] + n;
        for (int t = 0; t < n; t++) {
            int atom = give->atom[give->first[p] + t] = sk_idmap_find(owned_of, id[t]);
            SK_REQUIRE(atom >= 0);
        }
    }
    sk_receipt_clear(&receipt);
}

static struct sk_links *links_between(struct sk_comm *comm, int tag, size_t item, const struct sk_named_side *from,
                                      const struct sk_named_side *to)
{
    const struct sk_named_side *sides[2] = {from, to};
    size_t *length[2];
    for (int s = 0; s < 2; s++) {
        length[s] = sk_alloc((size_t)sides[s]->nlinks, sizeof *length[s]);
        for (int l = 0; l < sides[s]->nlinks; l++)
            length[s][l] = (size_t)(sides[s]->first[l + 1] - sides[s]->first[l]) * item;
    }
    struct sk_links *links = sk_links_new(comm, tag, from->nlinks, from->rank, length[0], to->nlinks, to->rank,
                                          length[1]);
    sk_free(&length[0]);
    sk_free(&length[1]);
    return links;
}

enum sk_code sk_named_connect(struct sk_named *named, int64_t natoms, const struct sk_idmap *owned_of,
                              const sk_gid *wanted, int nwanted, const char *what, struct sk_error *err)
{
    sk_named_clear(named);
    if (sk_comm_size(named->comm) == 1 && nwanted == 0)
        return SK_OK;
    int nmine = 0, lost = -1;
    sk_gid *mine = sk_alloc(owned_of->used, sizeof *mine);
    int32_t *owner = sk_alloc((size_t)nwanted, sizeof *owner);
    for (size_t s = 0; s < owned_of->size; s++)
        if (owned_of->slot[s].key >= 0)
            mine[nmine++] = owned_of->slot[s].key;
    sk_directory_find(named->comm, natoms, mine, nmine, wanted, nwanted, owner);
    sk_free(&mine);
    for (int w = 0; w < nwanted; w++)
        lost = owner[w] < 0 ? w : lost;
    enum sk_code code = lost < 0
                            ? SK_OK
                            : sk_fail(err, SK_EINTERNAL, "no rank owns atom %lld, which %s names; please report this",
                                      (long long)wanted[lost] + 1, what);
    code = sk_comm_agree(named->comm, err, code);
    if (!code) {
        named_ask(named, owner, nwanted);
        named_give(named, owned_of, wanted);
        if (sk_comm_size(named->comm) > 1) {
            named->forward = links_between(named->comm, named->tag, sizeof(sk_frac[3]), &named->give, &named->ask);
            named->back = links_between(named->comm, named->tag + 1, sizeof(int64_t[3]), &named->ask, &named->give);
        }
    }
    sk_free(&owner);
    return code;
}

void sk_named_forward_begin(struct sk_named *named, const sk_frac (*x)[3])
{
    const struct sk_named_side *give = &named->give;
    if (!named->forward)
        return;
    for (int l = 0; l < give->nlinks; l++) {
        sk_frac(*buffer)[3] = sk_links_send_buffer(named->forward, l);
        for (int t = give->first[l]; t < give->first[l + 1]; t++)
            memcpy(*buffer++, x[give->atom[t]], sizeof *buffer);
    }
    sk_links_begin(named->forward);
}

void sk_named_forward_end(struct sk_named *named, sk_frac (*x)[3])
{
    const struct sk_named_side *ask = &named->ask;
    if (!named->forward)
        return;
    for (int l; (l = sk_links_arrived(named->forward)) >= 0;) {
        const sk_frac(*buffer)[3] = (const sk_frac(*)[3])sk_links_recv_buffer(named->forward, l);
        for (int t = ask->first[l]; t < ask->first[l + 1]; t++)
            memcpy(x[ask->atom[t]], *buffer++, sizeof *buffer);
    }
    sk_links_end(named->forward);
}

void sk_named_reverse_begin(struct sk_named *named, const int64_t (*force)[3])
{
    const struct sk_named_side *ask = &named->ask;
    if (!named->back)
        return;
    for (int l = 0; l < ask->nlinks; l++) {
        int64_t(*buffer)[3] = sk_links_send_buffer(named->back, l);
        for (int t = ask->first[l]; t < ask->first[l + 1]; t++)
            memcpy(*buffer++, force[ask->atom[t]], sizeof *buffer);
    }
    sk_links_begin(named->back);
}

void sk_named_reverse_end(struct sk_named *named, int64_t (*force)[3])
{
    const struct sk_named_side *give = &named->give;
    if (!named->back)
        return;
    for (int l; (l = sk_links_arrived(named->back)) >= 0;) {
        const int64_t(*buffer)[3] = (const int64_t(*)[3])sk_links_recv_buffer(named->back, l);
        for (int t = give->first[l]; t < give->first[l + 1]; t++, buffer++) {
            int64_t *f = force[give->atom[t]];
            for (int k = 0; k < 3; k++)
                f[k] = (int64_t)((uint64_t)f[k] + (uint64_t)(*buffer)[k]);
        }
    }
    sk_links_end(named->back);
}
