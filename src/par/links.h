/* Links: fixed neighbour channels used every step, through shared memory inside a node, by persistent MPI
 * messages between nodes (sk_comm_set_transport). Owns buffers and requests; borrows comm.
 * Made at a rebuild, used in pairs begin / end with work in between. Messages carry a sequence
 * number in a trailer that is checked on receipt: a stale message is a bug, never data. */
#ifndef SK_PAR_LINKS_H
#define SK_PAR_LINKS_H

#include "par/comm.h"

struct sk_links;

/* Collective over comm: every rank calls it, also with no links, and both sides agree on lengths: rank
 * a's send_length towards b equals b's recv_length from a. At most one link a direction between two
 * ranks; a rank may be linked to itself (a copy). Lengths are bytes, 1 to 2^31 - 9; zero-length links are
 * left out by the caller. `tag` (0 to 15) tells link sets apart that are open at the same time. The arrays
 * are borrowed for the call. Free with sk_links_free before comm. */
struct sk_links *sk_links_new(struct sk_comm *comm, int tag, int nsend, const int *send_rank, const size_t *send_length,
                              int nrecv, const int *recv_rank, const size_t *recv_length);
/* Local. Not between begin and end. */
void sk_links_free(struct sk_links **links);
/* 64-byte aligned buffers of link k. Both addresses CHANGE from step to step (neither side copies): fetch
 * the send buffer after end (or new), write it before begin; fetch the receive buffer after the link has
 * arrived, read it until the next begin. Fetching a send buffer waits, if need be, until the receiver has
 * left the step before the last one. */
void *sk_links_send_buffer(struct sk_links *links, int k);
const void *sk_links_recv_buffer(struct sk_links *links, int k);
/* Local, all three: a rank waits for its neighbours only. */
void sk_links_begin(struct sk_links *links);
/* Waits for any one not yet reported arrival; returns its index, or -1 when all were reported. */
int sk_links_arrived(struct sk_links *links);
/* Waits for everything, sends included; arrivals not yet reported are checked too. */
void sk_links_end(struct sk_links *links);

#endif
