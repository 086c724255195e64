#include "par/links.h"

#include <limits.h>
#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "par/private.h"

#define TRAILER   sizeof(uint64_t)
#define MAX_TAG   15
#define OFFER_TAG (MAX_TAG + 1) /* tags of the messages that set up rings follow those of the data */
#define SPINS     300           /* looks at a flag before the core is offered to another rank */

struct link {
    int rank;
    size_t length, room;             /* room: length and trailer, padded */
    unsigned char *buffer;           /* of a link by MPI or to oneself: length bytes, then the trailer */
    struct sk_ring_channel *channel; /* of a link through shared memory, else NULL */
    struct sk_ring_head *head;       /* receiving through shared memory: of the sender's block */
    bool is_arrived;                 /* receiving: reported since begin */
};

struct sk_links {
    struct sk_comm *comm;
    int tag, nsend, nrecv;
    struct link *send, *recv;
    unsigned char *memory;
    /* MPI's requests: receives (in the order of recv), then sends; MPI_REQUEST_NULL for other links. */
    MPI_Request *requests;
    int nmpi_recv, nring_recv;
    int self_send, self_recv; /* index or -1 */
    int block;                /* of the rings, or -1 */
    uint32_t set;
    uint64_t step;
    int reported, reported_ring, reported_mpi; /* since begin */
    bool is_open;
    struct sk_comm_stats per_step;
};

/* ---- making ---- */

static int compare_int(const void *a, const void *b)
{
    const int *p = a, *q = b;
    return (*p > *q) - (*p < *q);
}

/* Two links of one direction between the same ranks could be confused. */
static void require_distinct(int n, const int *rank, int size)
{
    int *sorted = sk_alloc((size_t)n, sizeof *sorted);
    for (int i = 0; i < n; i++) {
        SK_REQUIRE(rank[i] >= 0 && rank[i] < size);
        sorted[i] = rank[i];
    }
    qsort(sorted, (size_t)n, sizeof *sorted, compare_int);
    for (int i = 1; i < n; i++)
        SK_REQUIRE(sorted[i - 1] != sorted[i]);
    sk_free(&sorted);
}

static struct link *links_describe(int n, const int *rank, const size_t *length)
{
    struct link *made = sk_calloc((size_t)n, sizeof *made);
    for (int i = 0; i < n; i++) {
        SK_REQUIRE(length[i] > 0 && length[i] <= INT_MAX - TRAILER);
        size_t room = (length[i] + TRAILER + SK_RING_ALIGN - 1) / SK_RING_ALIGN * SK_RING_ALIGN;
        made[i] = (struct link){.rank = rank[i], .length = length[i], .room = room};
    }
    return made;
}

static int find_rank(int n, const struct link *link, int wanted)
{
    for (int i = 0; i < n; i++)
        if (link[i].rank == wanted)
            return i;
    return -1;
}

/* Where a sender's channel is; all words of 64 bits, so that nothing uninitialised is sent. */
struct offer {
    uint64_t window, head, channel, length, set;
};

/* node_rank[i] of each link that can use shared memory, else -1. A link to oneself is a plain copy. */
static int *node_ranks(const struct sk_comm *comm, int n, const struct link *link)
{
    int *world = sk_alloc((size_t)n, sizeof *world), *node = sk_alloc((size_t)n, sizeof *node);
    MPI_Group all, near;
    for (int i = 0; i < n; i++)
        world[i] = link[i].rank;
    MPI_Comm_group(comm->main, &all);
    MPI_Comm_group(comm->node, &near);
    MPI_Group_translate_ranks(all, n, world, near, node);
    MPI_Group_free(&all);
    MPI_Group_free(&near);
    for (int i = 0; i < n; i++)
        if (node[i] == MPI_UNDEFINED || link[i].rank == comm->rank)
            node[i] = -1;
    sk_free(&world);
    return node;
}

static size_t channel_bytes(const struct link *link)
{
    return sizeof(struct sk_ring_channel) + 2 * link->room;
}

/* Lays the channels of sending links out in this rank's block and offers them to the receivers. */
static void rings_offer(struct sk_links *links, const int *node, struct offer *offers, MPI_Request *requests)
{
    struct sk_ring_block block = sk_ring_block(links->comm, links->block);
    int me;
    MPI_Comm_rank(links->comm->node, &me);
    unsigned char *base = sk_ring_at(links->comm, block.window, me, block.offset);
    size_t at = sizeof(struct sk_ring_head);
    uint32_t readers = 0;
    for (int i = 0; i < links->nsend; i++) {
        struct link *out = &links->send[i];
        requests[i] = MPI_REQUEST_NULL;
        if (node[i] < 0)
            continue;
        out->channel = (struct sk_ring_channel *)(void *)(base + at);
        atomic_store(&out->channel->published, 0);
        atomic_store(&out->channel->released, 0);
        offers[i] = (struct offer){(uint64_t)block.window, block.offset, block.offset + at, out->length, links->set};
        at += channel_bytes(out);
        readers++;
    }
    atomic_store(&((struct sk_ring_head *)(void *)base)->readers, readers);
    for (int i = 0; i < links->nsend; i++)
        if (node[i] >= 0)
            MPI_Isend(&offers[i], (int)sizeof *offers, MPI_BYTE, links->send[i].rank, OFFER_TAG + links->tag,
                      links->comm->links, &requests[i]);
}

static void rings_accept(struct sk_links *links, const int *node)
{
    for (int i = 0; i < links->nrecv; i++) {
        struct link *in = &links->recv[i];
        struct offer offer;
        if (node[i] < 0)
            continue;
        MPI_Recv(&offer, (int)sizeof offer, MPI_BYTE, in->rank, OFFER_TAG + links->tag, links->comm->links,
                 MPI_STATUS_IGNORE);
        SK_REQUIRE(offer.length == in->length && offer.set == links->set);
        in->head = (void *)sk_ring_at(links->comm, (int)offer.window, node[i], offer.head);
        in->channel = (void *)sk_ring_at(links->comm, (int)offer.window, node[i], offer.channel);
        links->nring_recv++;
    }
}

/* Collective over the node. */
static void rings_connect(struct sk_links *links)
{
    struct sk_comm *comm = links->comm;
    size_t bytes = sizeof(struct sk_ring_head);
    links->block = -1;
    if (comm->transport == SK_LINKS_MPI || sk_comm_node_size(comm) == 1)
        return;
    int *send_node = node_ranks(comm, links->nsend, links->send);
    int *recv_node = node_ranks(comm, links->nrecv, links->recv);
    for (int i = 0; i < links->nsend; i++)
        bytes += send_node[i] < 0 ? 0 : channel_bytes(&links->send[i]);
    links->block = sk_ring_take(comm, bytes);
    if (links->block >= 0) {
        struct offer *offers = sk_alloc((size_t)links->nsend, sizeof *offers);
        MPI_Request *requests = sk_alloc((size_t)links->nsend, sizeof(MPI_Request));
        rings_offer(links, send_node, offers, requests);
        rings_accept(links, recv_node);
        MPI_Waitall(links->nsend, requests, MPI_STATUSES_IGNORE);
        sk_free(&requests);
        sk_free(&offers);
    } else if (comm->transport == SK_LINKS_RING) {
        sk_die(SK_EENV, "the node provides no shared memory of %zu bytes for transport = ring; use auto or mpi", bytes);
    }
    sk_free(&send_node);
    sk_free(&recv_node);
}

static unsigned char *links_place(int n, struct link *link, unsigned char *memory)
{
    for (int i = 0; i < n; i++)
        if (!link[i].channel) {
            link[i].buffer = memory;
            memory += link[i].room;
        }
    return memory;
}

static void links_allocate(struct sk_links *links)
{
    size_t bytes = 0;
    for (int i = 0; i < links->nsend; i++)
        bytes += links->send[i].channel ? 0 : links->send[i].room;
    for (int i = 0; i < links->nrecv; i++)
        bytes += links->recv[i].channel ? 0 : links->recv[i].room;
    /* Zeroed, so that padding inside a caller's records is not sent uninitialised. */
    links->memory = sk_calloc(bytes, 1);
    links_place(links->nrecv, links->recv, links_place(links->nsend, links->send, links->memory));
}

static void requests_new(struct sk_links *links)
{
    MPI_Comm mpi = links->comm->links;
    links->requests = sk_alloc((size_t)(links->nrecv + links->nsend), sizeof(MPI_Request));
    for (int i = 0; i < links->nrecv; i++) {
        struct link *in = &links->recv[i];
        links->requests[i] = MPI_REQUEST_NULL;
        if (in->channel || i == links->self_recv)
            continue;
        MPI_Recv_init(in->buffer, (int)(in->length + TRAILER), MPI_BYTE, in->rank, links->tag, mpi,
                      &links->requests[i]);
        links->nmpi_recv++;
    }
    for (int i = 0; i < links->nsend; i++) {
        struct link *out = &links->send[i];
        MPI_Request *request = &links->requests[links->nrecv + i];
        *request = MPI_REQUEST_NULL;
        if (i == links->self_send)
            continue;
        links->per_step.messages++;
        links->per_step.bytes += out->length + TRAILER;
        if (out->channel)
            links->per_step.ring_messages++;
        else
            MPI_Send_init(out->buffer, (int)(out->length + TRAILER), MPI_BYTE, out->rank, links->tag, mpi, request);
    }
}

struct sk_links *sk_links_new(struct sk_comm *comm, int tag, int nsend, const int *send_rank, const size_t *send_length,
                              int nrecv, const int *recv_rank, const size_t *recv_length)
{
    SK_REQUIRE(tag >= 0 && tag <= MAX_TAG);
    SK_REQUIRE(nsend >= 0 && nrecv >= 0);
    require_distinct(nsend, send_rank, comm->size);
    require_distinct(nrecv, recv_rank, comm->size);
    struct sk_links *links = sk_calloc(1, sizeof *links);
    links->comm = comm;
    links->tag = tag;
    links->nsend = nsend;
    links->nrecv = nrecv;
    links->send = links_describe(nsend, send_rank, send_length);
    links->recv = links_describe(nrecv, recv_rank, recv_length);
    links->self_send = find_rank(nsend, links->send, comm->rank);
    links->self_recv = find_rank(nrecv, links->recv, comm->rank);
    SK_REQUIRE((links->self_send < 0) == (links->self_recv < 0));
    SK_REQUIRE(links->self_send < 0 || send_length[links->self_send] == recv_length[links->self_recv]);
    links->set = comm->link_sets++;
    rings_connect(links);
    links_allocate(links);
    requests_new(links);
    return links;
}

void sk_links_free(struct sk_links **handle)
{
    struct sk_links *links = *handle;
    if (!links)
        return;
    SK_REQUIRE(!links->is_open);
    for (int i = 0; i < links->nrecv + links->nsend; i++)
        if (links->requests[i] != MPI_REQUEST_NULL)
            MPI_Request_free(&links->requests[i]);
    for (int i = 0; i < links->nrecv; i++)
        if (links->recv[i].channel)
            atomic_fetch_sub(&links->recv[i].head->readers, 1);
    if (links->block >= 0)
        sk_ring_give(links->comm, links->block);
    sk_free(&links->requests);
    sk_free(&links->send);
    sk_free(&links->recv);
    sk_free(&links->memory);
    sk_free(handle);
}

/* ---- use ---- */

/* While a rank waits on shared memory, MPI must progress: a neighbour may be stuck in a reduction that
 * needs this rank. And with more ranks than cores the neighbour may need this very core. */
static void wait_a_little(struct sk_comm *comm, int *spins)
{
    if (++*spins < SPINS)
        return;
    sk_comm_poll(comm);
    sched_yield();
}

/* The slot for `step` held step - 2, which the receiver leaves when it begins step - 1. */
static unsigned char *slot_to_write(struct sk_links *links, const struct link *out, uint64_t step)
{
    int spins = 0;
    while (atomic_load_explicit(&out->channel->released, memory_order_acquire) + 2 < step)
        wait_a_little(links->comm, &spins);
    return sk_ring_slot(out->channel, out->room, step);
}

void *sk_links_send_buffer(struct sk_links *links, int k)
{
    SK_REQUIRE(k >= 0 && k < links->nsend);
    SK_REQUIRE(!links->is_open);
    struct link *out = &links->send[k];
    return out->channel ? slot_to_write(links, out, links->step + 1) : out->buffer;
}

static unsigned char *link_received(const struct sk_links *links, const struct link *in)
{
    return in->channel ? sk_ring_slot(in->channel, in->room, links->step) : in->buffer;
}

const void *sk_links_recv_buffer(struct sk_links *links, int k)
{
    SK_REQUIRE(k >= 0 && k < links->nrecv);
    return link_received(links, &links->recv[k]);
}

/* What the trailer of every message of this step must be: a message of an earlier step, of a set made at
 * an earlier rebuild or with another tag differs. */
static uint64_t stamp(const struct sk_links *links)
{
    return links->step << 32 | (uint64_t)(links->set & 0xffffff) << 8 | (uint64_t)links->tag;
}

static void check_arrival(struct sk_links *links, int k, const MPI_Status *status)
{
    struct link *in = &links->recv[k];
    uint64_t found;
    int received;
    in->is_arrived = true;
    links->reported++;
    if (status) {
        MPI_Get_count(status, MPI_BYTE, &received);
        SK_REQUIRE((size_t)received == in->length + TRAILER);
    }
    memcpy(&found, link_received(links, in) + in->length, TRAILER);
    SK_REQUIRE(found == stamp(links) && "a message of another step or link set");
}

void sk_links_begin(struct sk_links *links)
{
    SK_REQUIRE(!links->is_open);
    links->is_open = true;
    links->step++;
    links->reported = links->reported_ring = links->reported_mpi = 0;
    uint64_t mark = stamp(links);
#ifdef SK_LINKS_FAULT
    mark = SK_LINKS_FAULT(mark); /* only in the test that plants stale messages */
#endif
    for (int i = 0; i < links->nrecv; i++) {
        struct link *in = &links->recv[i];
        in->is_arrived = false;
        if (in->channel)
            atomic_store_explicit(&in->channel->released, links->step - 1, memory_order_release);
        else if (links->requests[i] != MPI_REQUEST_NULL)
            MPI_Start(&links->requests[i]); /* before the sends: what finds its receive is not copied twice */
    }
    for (int i = 0; i < links->nsend; i++) {
        struct link *out = &links->send[i];
        unsigned char *bytes = out->channel ? slot_to_write(links, out, links->step) : out->buffer;
        memcpy(bytes + out->length, &mark, TRAILER);
        if (out->channel)
            atomic_store_explicit(&out->channel->published, links->step, memory_order_release);
        else if (i == links->self_send)
            memcpy(links->recv[links->self_recv].buffer, bytes, out->length + TRAILER);
        else
            MPI_Start(&links->requests[links->nrecv + i]);
    }
    links->comm->stats.ring_messages += links->per_step.ring_messages;
    comm_count_sent(links->comm, links->per_step.messages, links->per_step.bytes);
}

static int ring_arrived(const struct sk_links *links)
{
    for (int k = 0; k < links->nrecv; k++) {
        const struct link *in = &links->recv[k];
        if (in->channel && !in->is_arrived &&
            atomic_load_explicit(&in->channel->published, memory_order_acquire) >= links->step)
            return k;
    }
    return -1;
}

/* An arrival among those still missing, or -1 if there is none yet; *status is set for one by MPI. */
static int try_arrival(struct sk_links *links, MPI_Status *status, bool *is_mpi)
{
    int k = -1, is_there = 0;
    *is_mpi = false;
    if (links->reported_ring < links->nring_recv && (k = ring_arrived(links)) >= 0) {
        links->reported_ring++;
        return k;
    }
    if (links->reported_mpi == links->nmpi_recv)
        return -1;
    if (links->reported_ring == links->nring_recv) { /* nothing else to look at: MPI may wait */
        MPI_Waitany(links->nrecv, links->requests, &k, status);
        is_there = 1;
    } else {
        MPI_Testany(links->nrecv, links->requests, &k, &is_there, status);
    }
    *is_mpi = is_there;
    links->reported_mpi += is_there;
    return is_there ? k : -1;
}

int sk_links_arrived(struct sk_links *links)
{
    SK_REQUIRE(links->is_open);
    if (links->reported == links->nrecv)
        return -1;
    if (links->self_recv >= 0 && !links->recv[links->self_recv].is_arrived) {
        check_arrival(links, links->self_recv, NULL);
        return links->self_recv;
    }
    MPI_Status status;
    bool is_mpi;
    int k, spins = 0;
    while ((k = try_arrival(links, &status, &is_mpi)) < 0)
        wait_a_little(links->comm, &spins);
    check_arrival(links, k, is_mpi ? &status : NULL);
    return k;
}

void sk_links_end(struct sk_links *links)
{
    SK_REQUIRE(links->is_open);
    while (sk_links_arrived(links) >= 0)
        ;
    MPI_Waitall(links->nsend, links->requests + links->nrecv, MPI_STATUSES_IGNORE);
    links->is_open = false;
}
