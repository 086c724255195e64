/* Private to src/par: what comm.c, exchange.c and links.c share. Include <mpi.h> before it.
 * Not here: anything that another module may see (comm.h, links.h). */
#ifndef SK_PAR_PRIVATE_H
#define SK_PAR_PRIVATE_H

#include "par/comm.h"
#include "par/ring.h"

/* Each kind of traffic has its own communicator, so that no receive of one kind can match a message of
 * another, and so that an open reduction does not order itself against other collectives. */
struct sk_comm {
    MPI_Comm main; /* blocking collectives, send and recv, HDF5 */
    MPI_Comm sparse, links, reduce;
    MPI_Comm node; /* the ranks that share memory with this one */
    int rank, size;
    bool has_init; /* this object called MPI_Init and must finalize */
    MPI_Datatype int128_type, reduction_type;
    MPI_Op int128_op, reduction_op;
    MPI_Request reduction;
    bool is_reducing;
    struct sk_reduction local, global; /* belong to MPI while is_reducing */
    unsigned exchanges;                /* so far; its parity is the tag */
    uint32_t link_sets;                /* made so far, the same number on all ranks */
    enum sk_links_transport transport; /* of the link sets to come */
    struct sk_rings *rings;            /* NULL until the first set that uses them (ring.c) */
    struct sk_comm_stats stats;
};

static inline void comm_count_sent(struct sk_comm *comm, uint64_t messages, uint64_t bytes)
{
    comm->stats.messages += messages;
    comm->stats.bytes += bytes;
}

#endif
