#include "domain/reference.h"

#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "domain/intake.h"
#include "par/side.h"

static sk_gid first_of(const struct sk_reference *r, int rank)
{
    return sk_intake_first(r->top, sk_comm_size(r->comm), rank);
}

void sk_reference_init(struct sk_reference *r, struct sk_comm *comm, const struct sk_topology *top,
                       const struct sk_atoms *block)
{
    int64_t sum = 0;
    *r = (struct sk_reference){.comm = comm, .top = top};
    r->first = first_of(r, sk_comm_rank(comm));
    SK_REQUIRE(block->n == first_of(r, sk_comm_rank(comm) + 1) - r->first);
    r->x = sk_alloc((size_t)block->n, sizeof *r->x);
    for (int i = 0; i < block->n; i++) {
        const sk_frac *x = block->x[i];
        const uint64_t bytes[4] = {(uint64_t)block->id[i], x[0], x[1], x[2]};
        sum = (int64_t)((uint64_t)sum + sk_hash(bytes, sizeof bytes));
        memcpy(r->x[block->id[i] - r->first], x, sizeof *r->x);
    }
    sk_comm_sum_i64(comm, &sum, 1);
    r->hash = (uint64_t)sum;
}

void sk_reference_clear(struct sk_reference *r)
{
    sk_free(&r->x);
}

static int rank_of(const struct sk_reference *r, sk_gid id)
{
    int low = 0, high = sk_comm_size(r->comm);
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (first_of(r, middle) <= id)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Answers to requests; the parcels point into places. */
static void answer(const struct sk_reference *r, const struct sk_receipt *requests, struct sk_parcel *answers,
                   sk_frac (*places)[3])
{
    for (int p = 0; p < requests->count; p++) {
        const sk_gid *id = (const sk_gid *)requests->parcels[p].bytes;
        const size_t n = requests->parcels[p].length / sizeof *id;
        answers[p] = (struct sk_parcel){requests->parcels[p].rank, n * sizeof *places, (unsigned char *)places};
        for (size_t i = 0; i < n; i++)
            memcpy(*places++, r->x[id[i] - r->first], sizeof *places);
    }
}

void sk_reference_fetch(const struct sk_reference *r, const sk_gid *ids, int n, sk_frac (*x)[3])
{
    struct sk_side side = {0};
    struct sk_receipt requests, places;
    int32_t *rank = sk_alloc((size_t)n, sizeof *rank);
    sk_gid *sorted = sk_alloc((size_t)n, sizeof *sorted);
    for (int i = 0; i < n; i++)
        rank[i] = rank_of(r, ids[i]);
    sk_side_sort(&side, sk_comm_size(r->comm), n, rank, NULL);
    struct sk_parcel *parcels = sk_alloc((size_t)side.nlinks, sizeof *parcels);
    for (int i = 0; i < n; i++)
        sorted[i] = ids[side.item[i]];
    for (int l = 0; l < side.nlinks; l++)
        parcels[l] = (struct sk_parcel){side.rank[l], (size_t)(side.first[l + 1] - side.first[l]) * sizeof *sorted,
                                        (unsigned char *)(sorted + side.first[l])};
    sk_comm_exchange(r->comm, parcels, side.nlinks, &requests);
    size_t asked = 0;
    for (int p = 0; p < requests.count; p++)
        asked += requests.parcels[p].length / sizeof *sorted;
    struct sk_parcel *answers = sk_alloc((size_t)requests.count, sizeof *answers);
    sk_frac(*buffer)[3] = sk_alloc(asked, sizeof *buffer);
    answer(r, &requests, answers, buffer);
    sk_comm_exchange(r->comm, answers, requests.count, &places);
    for (int p = 0, l = 0; p < places.count; p++, l++) {
        const sk_frac(*place)[3] = (const sk_frac(*)[3])places.parcels[p].bytes;
        SK_REQUIRE(places.parcels[p].rank == side.rank[l]);
        for (int i = side.first[l]; i < side.first[l + 1]; i++)
            memcpy(x[side.item[i]], *place++, sizeof *x);
    }
    sk_receipt_clear(&requests);
    sk_receipt_clear(&places);
    sk_side_clear(&side);
    sk_free(&rank);
    sk_free(&sorted);
    sk_free(&parcels);
    sk_free(&answers);
    sk_free(&buffer);
}
