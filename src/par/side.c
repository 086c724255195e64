#include "par/side.h"

#include "base/memory.h"

void sk_side_reserve(struct sk_side *side, int nlinks, int nitems)
{
    sk_side_clear(side);
    side->rank = sk_alloc((size_t)nlinks, sizeof *side->rank);
    side->first = sk_calloc((size_t)nlinks + 1, sizeof *side->first);
    side->item = sk_alloc((size_t)nitems, sizeof *side->item);
}

void sk_side_sort(struct sk_side *side, int nranks, int n, const int32_t *rank, const int *item)
{
    int *place = sk_calloc((size_t)nranks + 1, sizeof *place), nlinks = 0;
    for (int i = 0; i < n; i++)
        place[rank[i] + 1]++;
    for (int r = 0; r < nranks; r++)
        nlinks += place[r + 1] > 0;
    sk_side_reserve(side, nlinks, n);
    for (int r = 0; r < nranks; r++) {
        if (place[r + 1]) {
            side->rank[side->nlinks++] = r;
            side->first[side->nlinks] = side->first[side->nlinks - 1] + place[r + 1];
        }
        place[r + 1] += place[r];
    }
    for (int i = 0; i < n; i++)
        side->item[place[rank[i]]++] = item ? item[i] : i;
    sk_free(&place);
}

void sk_side_clear(struct sk_side *side)
{
    sk_free(&side->rank);
    sk_free(&side->first);
    sk_free(&side->item);
    side->nlinks = 0;
}

static size_t *lengths_of(const struct sk_side *side, size_t bytes, size_t extra)
{
    size_t *length = sk_alloc((size_t)side->nlinks, sizeof *length);
    for (int l = 0; l < side->nlinks; l++)
        length[l] = (size_t)(side->first[l + 1] - side->first[l]) * bytes + extra;
    return length;
}

struct sk_links *sk_side_links(struct sk_comm *comm, int tag, size_t bytes, size_t extra, const struct sk_side *send,
                               const struct sk_side *recv)
{
    size_t *send_length = lengths_of(send, bytes, extra), *recv_length = lengths_of(recv, bytes, extra);
    struct sk_links *links = sk_links_new(comm, tag, send->nlinks, send->rank, send_length, recv->nlinks, recv->rank,
                                          recv_length);
    sk_free(&recv_length);
    sk_free(&send_length);
    return links;
}
