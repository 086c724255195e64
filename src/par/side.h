/* Side: items by the rank that they go to or come from, as links want them. Owns its arrays.
 * Not here: the links' buffers and messages (links.h), what the items are. */
#ifndef SK_PAR_SIDE_H
#define SK_PAR_SIDE_H

#include "par/links.h"

struct sk_side {
    int nlinks;
    int *rank, *first; /* [nlinks] ascending, [nlinks + 1] into item; NULL before the first use */
    int *item;
};

/* Makes room: at most nlinks links and nitems items, none so far. */
void sk_side_reserve(struct sk_side *side, int nlinks, int nitems);
/* The items 0 .. n - 1 (item NULL), or item[n], by their ranks; those of one rank stay in their order. Local. */
void sk_side_sort(struct sk_side *side, int nranks, int n, const int32_t *rank, const int *item);
void sk_side_clear(struct sk_side *side);
/* Number of items of all links. */
static inline int sk_side_items(const struct sk_side *side)
{
    return side->nlinks ? side->first[side->nlinks] : 0;
}
/* Collective, as sk_links_new: links of `bytes` an item and `extra` bytes more. */
struct sk_links *sk_side_links(struct sk_comm *comm, int tag, size_t bytes, size_t extra, const struct sk_side *send,
                               const struct sk_side *recv);

#endif
