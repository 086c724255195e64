/* Ring, private to src/par: shared memory of the ranks of one node, and one-way channels in it.
 * Owns the MPI-3 windows; hands out blocks of a rank's own part of them. A channel is written by one rank
 * and read in place by another: two slots used in turn and two sequence numbers, so neither side copies and
 * nothing needs MPI's progress. Include <mpi.h> before. Not here: who talks to whom (links.c). */
#ifndef SK_PAR_RING_H
#define SK_PAR_RING_H

#include <stdatomic.h>

#include "par/comm.h"

#define SK_RING_ALIGN 64

/* Each number has its own cache line, for each has another writer. Two slots of `room` bytes follow. */
struct sk_ring_channel {
    _Alignas(SK_RING_ALIGN) _Atomic uint64_t published; /* last step in the slots; written by the sender */
    _Alignas(SK_RING_ALIGN) _Atomic uint64_t released;  /* last step the receiver is done with */
};

/* Head of a block: channels whose receivers may still read. The block is used again when none is left. */
struct sk_ring_head {
    _Alignas(SK_RING_ALIGN) _Atomic uint32_t readers;
};

static inline unsigned char *sk_ring_slot(struct sk_ring_channel *channel, size_t room, uint64_t step)
{
    return (unsigned char *)(channel + 1) + (step & 1) * room;
}

struct sk_ring_block {
    int window;
    size_t offset, bytes;
    bool is_given; /* back; free as soon as it has no readers */
};

struct sk_rings;

/* Collective over the ranks of the node. A block of at least `bytes` in this rank's part; returns its
 * index, or -1 on all of them when the node cannot provide shared memory. The block's head is zeroed. */
int sk_ring_take(struct sk_comm *comm, size_t bytes);
/* Local. */
void sk_ring_give(struct sk_comm *comm, int block);
struct sk_ring_block sk_ring_block(const struct sk_comm *comm, int block);
/* Local. Address of a place in the part of another rank of the node. */
unsigned char *sk_ring_at(const struct sk_comm *comm, int window, int node_rank, size_t offset);
/* Collective over the ranks of the node; at the end of comm. */
void sk_ring_close(struct sk_comm *comm);

#endif
