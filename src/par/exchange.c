#include <limits.h>
#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "par/comm.h"
#include "par/private.h"

#define PARCEL_ALIGN 64
#define SPINS        64 /* idle rounds before the core is offered to another rank */

/* What has arrived so far. `bytes` of a parcel is set when the buffer has stopped moving. */
struct arrivals {
    struct sk_parcel *parcels;
    size_t *offset; /* by arrival; parcel.bytes - NULL would be undefined */
    unsigned char *buffer;
    size_t count, parcel_capacity, offset_capacity, used, capacity;
};

static unsigned char *arrivals_add(struct arrivals *in, int rank, size_t length)
{
    size_t at = in->used;
    sk_reserve(&in->parcels, &in->parcel_capacity, in->count + 1);
    sk_reserve(&in->offset, &in->offset_capacity, in->count + 1);
    in->used += (length + PARCEL_ALIGN - 1) / PARCEL_ALIGN * PARCEL_ALIGN;
    sk_reserve(&in->buffer, &in->capacity, in->used);
    in->parcels[in->count] = (struct sk_parcel){.rank = rank, .length = length};
    in->offset[in->count++] = at;
    return in->buffer ? in->buffer + at : NULL;
}

static int compare_rank(const void *a, const void *b)
{
    const struct sk_parcel *p = a, *q = b;
    return (p->rank > q->rank) - (p->rank < q->rank);
}

static void arrivals_finish(struct arrivals *in, struct sk_receipt *receipt)
{
    for (size_t i = 0; i < in->count; i++)
        in->parcels[i].bytes = in->buffer ? in->buffer + in->offset[i] : NULL;
    if (in->count)
        qsort(in->parcels, in->count, sizeof *in->parcels, compare_rank);
    for (size_t i = 1; i < in->count; i++)
        SK_REQUIRE(in->parcels[i - 1].rank != in->parcels[i].rank); /* one parcel a destination */
    sk_free(&in->offset);
    SK_REQUIRE(in->count <= INT_MAX);
    *receipt = (struct sk_receipt){(int)in->count, in->parcels, in->buffer};
}

/* Takes one message if one is there. */
static bool arrivals_take(struct arrivals *in, MPI_Comm from, int tag)
{
    int has_message, length;
    MPI_Message message;
    MPI_Status status;
    MPI_Improbe(MPI_ANY_SOURCE, tag, from, &has_message, &message, &status);
    if (!has_message)
        return false;
    MPI_Get_count(&status, MPI_BYTE, &length);
    unsigned char *to = arrivals_add(in, status.MPI_SOURCE, (size_t)length);
    MPI_Mrecv(to, length, MPI_BYTE, &message, MPI_STATUS_IGNORE);
    return true;
}

/* The parity of the exchange is the tag: a rank that has left may already send for the next exchange
 * while another has yet to see the barrier complete, but nobody can be two exchanges ahead, for the
 * next barrier needs everyone. */
void sk_comm_exchange(struct sk_comm *comm, const struct sk_parcel *send, int nsend, struct sk_receipt *receipt)
{
    struct arrivals in = {0};
    const int tag = (int)(comm->exchanges++ & 1);
    MPI_Request *sends = sk_alloc((size_t)nsend, sizeof(MPI_Request)), barrier = MPI_REQUEST_NULL;
    int open_sends = 0, is_done = 0;
    bool has_barrier = false;

    comm->stats.blocking_collectives++;
    for (int i = 0; i < nsend; i++) {
        const struct sk_parcel *p = &send[i];
        SK_REQUIRE(p->rank >= 0 && p->rank < comm->size);
        SK_REQUIRE(p->length <= INT_MAX);
        if (p->rank == comm->rank) {
            unsigned char *to = arrivals_add(&in, p->rank, p->length);
            if (p->length)
                memcpy(to, p->bytes, p->length);
            continue;
        }
        comm_count_sent(comm, 1, p->length);
        MPI_Issend(p->bytes, (int)p->length, MPI_BYTE, p->rank, tag, comm->sparse, &sends[open_sends++]);
    }
    for (int idle = 0; !is_done; idle++) {
        if (arrivals_take(&in, comm->sparse, tag)) {
            idle = 0;
            continue;
        }
        if (has_barrier) {
            MPI_Test(&barrier, &is_done, MPI_STATUS_IGNORE);
        } else {
            int are_sent;
            MPI_Testall(open_sends, sends, &are_sent, MPI_STATUSES_IGNORE);
            if (are_sent) {
                MPI_Ibarrier(comm->sparse, &barrier);
                has_barrier = true;
            }
        }
        if (idle > SPINS)
            sched_yield();
    }
    sk_free(&sends);
    arrivals_finish(&in, receipt);
}

void sk_receipt_clear(struct sk_receipt *receipt)
{
    sk_free(&receipt->parcels);
    sk_free(&receipt->buffer);
    receipt->count = 0;
}
