#include "domain/directory.h"

#include <string.h>

#include "base/int128.h"
#include "base/memory.h"

/* What goes to the rank of a block: the ids that the sender owns, then those it asks for. */
struct question {
    int64_t nmine, nwanted;
    sk_gid ids[];
};

static int block_of(sk_gid id, int64_t natoms, int nranks)
{
    return (int)((sk_int128)id * nranks / natoms);
}

/* Questions by rank of the block; order[] lists the wanted ids as they were sent. */
struct post {
    int nranks;
    int64_t *nmine, *nwanted; /* by rank */
    unsigned char *buffer;
    struct sk_parcel *parcels;
    int nparcels;
    int *order;        /* [nwanted] index of the wanted id, in the order of sending */
    int64_t *first_of; /* by rank: where its part of order begins */
};

static void post_write(struct post *post, int64_t natoms, const sk_gid *mine, int nmine, const sk_gid *wanted,
                       int nwanted)
{
    int n = post->nranks;
    post->nmine = sk_calloc((size_t)n, sizeof *post->nmine);
    post->nwanted = sk_calloc((size_t)n, sizeof *post->nwanted);
    post->first_of = sk_calloc((size_t)n + 1, sizeof *post->first_of);
    post->parcels = sk_alloc((size_t)n, sizeof *post->parcels);
    post->order = sk_alloc((size_t)nwanted, sizeof *post->order);
    for (int i = 0; i < nmine; i++)
        post->nmine[block_of(mine[i], natoms, n)]++;
    for (int i = 0; i < nwanted; i++)
        post->nwanted[block_of(wanted[i], natoms, n)]++;
    struct question **question = sk_calloc((size_t)n, sizeof *question);
    post->buffer = sk_alloc((size_t)(nmine + nwanted) + 2 * (size_t)n, sizeof(int64_t));
    unsigned char *at = post->buffer;
    for (int r = 0; r < n; r++) {
        post->first_of[r + 1] = post->first_of[r] + post->nwanted[r];
        if (post->nmine[r] + post->nwanted[r] == 0)
            continue;
        size_t length = sizeof **question + (size_t)(post->nmine[r] + post->nwanted[r]) * sizeof(sk_gid);
        question[r] = (struct question *)at;
        *question[r] = (struct question){post->nmine[r], post->nwanted[r]};
        post->parcels[post->nparcels++] = (struct sk_parcel){r, length, at};
        at += length;
        post->nwanted[r] = post->nmine[r];
        post->nmine[r] = 0;
    }
    for (int i = 0; i < nmine; i++) {
        int r = block_of(mine[i], natoms, n);
        question[r]->ids[post->nmine[r]++] = mine[i];
    }
    for (int i = 0; i < nwanted; i++) {
        int r = block_of(wanted[i], natoms, n);
        post->order[post->first_of[r] + post->nwanted[r] - question[r]->nmine] = i;
        question[r]->ids[post->nwanted[r]++] = wanted[i];
    }
    sk_free(&question);
}

static void post_clear(struct post *post)
{
    sk_free(&post->nmine);
    sk_free(&post->nwanted);
    sk_free(&post->first_of);
    sk_free(&post->parcels);
    sk_free(&post->order);
    sk_free(&post->buffer);
}

/* Answers the questions that came: for each, the owners of the ids it asks for. */
static void answer(struct sk_comm *comm, const struct sk_receipt *questions, struct sk_receipt *answers)
{
    struct sk_idmap owners;
    sk_idmap_init(&owners);
    int64_t nmine = 0, nwanted = 0;
    for (int p = 0; p < questions->count; p++) {
        const struct question *q = (const struct question *)questions->parcels[p].bytes;
        nmine += q->nmine;
        nwanted += q->nwanted;
    }
    sk_idmap_reset(&owners, (size_t)nmine);
    for (int p = 0; p < questions->count; p++) {
        const struct question *q = (const struct question *)questions->parcels[p].bytes;
        for (int64_t i = 0; i < q->nmine; i++)
            sk_idmap_set(&owners, q->ids[i], questions->parcels[p].rank);
    }
    int32_t *found = sk_alloc((size_t)nwanted, sizeof *found);
    struct sk_parcel *parcels = sk_alloc((size_t)questions->count, sizeof *parcels);
    int nparcels = 0;
    int64_t at = 0;
    for (int p = 0; p < questions->count; p++) {
        const struct question *q = (const struct question *)questions->parcels[p].bytes;
        if (q->nwanted == 0)
            continue;
        parcels[nparcels++] = (struct sk_parcel){questions->parcels[p].rank, (size_t)q->nwanted * sizeof *found,
                                                 (unsigned char *)(found + at)};
        for (int64_t i = 0; i < q->nwanted; i++)
            found[at++] = sk_idmap_find(&owners, q->ids[q->nmine + i]);
    }
    sk_comm_exchange(comm, parcels, nparcels, answers);
    sk_free(&parcels);
    sk_free(&found);
    sk_idmap_clear(&owners);
}

void sk_directory_find(struct sk_comm *comm, int64_t natoms, const sk_gid *mine, int nmine, const sk_gid *wanted,
                       int nwanted, int32_t *owner)
{
    struct post post = {.nranks = sk_comm_size(comm)};
    struct sk_receipt questions, answers;
    post_write(&post, natoms, mine, nmine, wanted, nwanted);
    sk_comm_exchange(comm, post.parcels, post.nparcels, &questions);
    answer(comm, &questions, &answers);
    for (int p = 0; p < answers.count; p++) {
        const int32_t *found = (const int32_t *)answers.parcels[p].bytes;
        const int *order = post.order + post.first_of[answers.parcels[p].rank];
        for (size_t i = 0; i < answers.parcels[p].length / sizeof *found; i++)
            owner[order[i]] = found[i];
    }
    sk_receipt_clear(&answers);
    sk_receipt_clear(&questions);
    post_clear(&post);
}

enum sk_code sk_directory_locate(struct sk_comm *comm, int64_t natoms, const struct sk_idmap *owned_of,
                                 const sk_gid *wanted, int nwanted, int32_t *owner, const char *what,
                                 struct sk_error *err)
{
    int nmine = 0, lost = -1;
    sk_gid *mine = sk_alloc(owned_of->used, sizeof *mine);
    for (size_t s = 0; s < owned_of->size; s++)
        if (owned_of->slot[s].key >= 0)
            mine[nmine++] = owned_of->slot[s].key;
    sk_directory_find(comm, natoms, mine, nmine, wanted, nwanted, owner);
    sk_free(&mine);
    for (int w = 0; w < nwanted; w++)
        lost = owner[w] < 0 ? w : lost;
    enum sk_code code = SK_OK;
    if (lost >= 0)
        code = sk_fail(err, SK_EINTERNAL, "no rank owns atom %lld, which %s names; please report this",
                       (long long)wanted[lost] + 1, what);
    return sk_comm_agree(comm, err, code);
}
