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

void sk_named_clear(struct sk_named *named)
{
    sk_links_free(&named->forward);
    sk_links_free(&named->back);
    sk_side_clear(&named->ask);
    sk_side_clear(&named->give);
}

/* Exchanges ids; what comes is to be given. */
static void named_give(struct sk_named *named, const struct sk_idmap *owned_of, const sk_gid *wanted)
{
    const struct sk_side *ask = &named->ask;
    struct sk_parcel *parcels = sk_alloc((size_t)ask->nlinks, sizeof *parcels);
    sk_gid *ids = sk_alloc((size_t)ask->first[ask->nlinks], sizeof *ids);
    for (int t = 0; t < ask->first[ask->nlinks]; t++)
        ids[t] = wanted[ask->item[t]];
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
    struct sk_side *give = &named->give;
    sk_side_reserve(give, receipt.count, (int)total);
    give->nlinks = receipt.count;
    for (int p = 0; p < receipt.count; p++) {
        const sk_gid *id = (const sk_gid *)receipt.parcels[p].bytes;
        int n = (int)(receipt.parcels[p].length / sizeof *id);
        give->rank[p] = receipt.parcels[p].rank;
        give->first[p + 1] = give->first[p] + n;
        for (int t = 0; t < n; t++) {
            int atom = give->item[give->first[p] + t] = sk_idmap_find(owned_of, id[t]);
            SK_REQUIRE(atom >= 0);
        }
    }
    sk_receipt_clear(&receipt);
}

enum sk_code sk_named_connect(struct sk_named *named, int64_t natoms, const struct sk_idmap *owned_of,
                              const sk_gid *wanted, int nwanted, const char *what, struct sk_error *err)
{
    sk_named_clear(named);
    if (sk_comm_size(named->comm) == 1 && nwanted == 0)
        return SK_OK;
    int32_t *owner = sk_alloc((size_t)nwanted, sizeof *owner);
    enum sk_code code = sk_directory_locate(named->comm, natoms, owned_of, wanted, nwanted, owner, what, err);
    if (!code) {
        sk_side_sort(&named->ask, sk_comm_size(named->comm), nwanted, owner, NULL);
        named_give(named, owned_of, wanted);
        if (sk_comm_size(named->comm) > 1) {
            named->forward = sk_side_links(named->comm, named->tag, sizeof(sk_frac[3]), 0, &named->give, &named->ask);
            named->back = sk_side_links(named->comm, named->tag + 1, sizeof(int64_t[3]), 0, &named->ask, &named->give);
        }
    }
    sk_free(&owner);
    return code;
}

void sk_named_forward_begin(struct sk_named *named, const sk_frac (*x)[3])
{
    const struct sk_side *give = &named->give;
    if (!named->forward)
        return;
    for (int l = 0; l < give->nlinks; l++) {
        sk_frac(*buffer)[3] = sk_links_send_buffer(named->forward, l);
        for (int t = give->first[l]; t < give->first[l + 1]; t++)
            memcpy(*buffer++, x[give->item[t]], sizeof *buffer);
    }
    sk_links_begin(named->forward);
}

void sk_named_forward_end(struct sk_named *named, sk_frac (*x)[3])
{
    const struct sk_side *ask = &named->ask;
    if (!named->forward)
        return;
    for (int l; (l = sk_links_arrived(named->forward)) >= 0;) {
        const sk_frac(*buffer)[3] = (const sk_frac(*)[3])sk_links_recv_buffer(named->forward, l);
        for (int t = ask->first[l]; t < ask->first[l + 1]; t++)
            memcpy(x[ask->item[t]], *buffer++, sizeof *buffer);
    }
    sk_links_end(named->forward);
}

void sk_named_reverse_begin(struct sk_named *named, const int64_t (*force)[3])
{
    const struct sk_side *ask = &named->ask;
    if (!named->back)
        return;
    for (int l = 0; l < ask->nlinks; l++) {
        int64_t(*buffer)[3] = sk_links_send_buffer(named->back, l);
        for (int t = ask->first[l]; t < ask->first[l + 1]; t++)
            memcpy(*buffer++, force[ask->item[t]], sizeof *buffer);
    }
    sk_links_begin(named->back);
}

void sk_named_reverse_end(struct sk_named *named, int64_t (*force)[3])
{
    const struct sk_side *give = &named->give;
    if (!named->back)
        return;
    for (int l; (l = sk_links_arrived(named->back)) >= 0;) {
        const int64_t(*buffer)[3] = (const int64_t(*)[3])sk_links_recv_buffer(named->back, l);
        for (int t = give->first[l]; t < give->first[l + 1]; t++, buffer++) {
            int64_t *f = force[give->item[t]];
            for (int k = 0; k < 3; k++)
                f[k] = (int64_t)((uint64_t)f[k] + (uint64_t)(*buffer)[k]);
        }
    }
    sk_links_end(named->back);
}
