#include <mpi.h>

#include "par/ring.h"

#include "base/memory.h"
#include "par/private.h"

#define LEAST_WINDOW ((size_t)256 << 10)

/* Windows are never given back before the end: blocks in them are read by other ranks. As each is as large
 * as all before it together, there are few. */
struct sk_rings {
    int nwindows, nblocks;
    MPI_Win *window;
    size_t *window_bytes, window_capacity, bytes_capacity, block_capacity;
    struct sk_ring_block *block;
    bool is_broken; /* shared memory was refused once: not asked again */
};

static struct sk_rings *rings_of(struct sk_comm *comm)
{
    if (!comm->rings)
        comm->rings = sk_calloc(1, sizeof *comm->rings);
    return comm->rings;
}

unsigned char *sk_ring_at(const struct sk_comm *comm, int window, int node_rank, size_t offset)
{
    MPI_Aint bytes;
    int unit;
    unsigned char *base;
    SK_REQUIRE(comm->rings && window >= 0 && window < comm->rings->nwindows);
    MPI_Win_shared_query(comm->rings->window[window], node_rank, &bytes, &unit, &base);
    SK_REQUIRE(offset + SK_RING_ALIGN <= (size_t)bytes);
    /* Open MPI's parts begin at odd places, but pages are mapped whole: every rank pads alike. */
    return base + -(uintptr_t)base % SK_RING_ALIGN + offset;
}

static struct sk_ring_head *block_head(const struct sk_comm *comm, const struct sk_ring_block *block)
{
    int node_rank;
    MPI_Comm_rank(comm->node, &node_rank);
    return (struct sk_ring_head *)(void *)sk_ring_at(comm, block->window, node_rank, block->offset);
}

static void blocks_sweep(struct sk_comm *comm)
{
    struct sk_rings *rings = comm->rings;
    int kept = 0;
    /* Indices of blocks in use must not change: only the tail is cut, holes are filled by take. */
    for (int i = 0; i < rings->nblocks; i++) {
        struct sk_ring_block *block = &rings->block[i];
        if (block->is_given && block->bytes &&
            atomic_load_explicit(&block_head(comm, block)->readers, memory_order_acquire) == 0)
            block->bytes = 0;
        if (block->bytes)
            kept = i + 1;
    }
    rings->nblocks = kept;
}

/* First offset at which `bytes` fit between the blocks of a window, or SIZE_MAX. */
static size_t find_gap(const struct sk_rings *rings, int window, size_t bytes)
{
    for (size_t at = 0; bytes <= rings->window_bytes[window] && at <= rings->window_bytes[window] - bytes;) {
        size_t next = at;
        for (int i = 0; i < rings->nblocks; i++) {
            const struct sk_ring_block *b = &rings->block[i];
            if (b->bytes && b->window == window && b->offset < at + bytes && at < b->offset + b->bytes)
                next = b->offset + b->bytes;
        }
        if (next == at)
            return at;
        at = next;
    }
    return SIZE_MAX;
}

static struct sk_ring_block place(const struct sk_rings *rings, size_t bytes)
{
    for (int w = rings->nwindows - 1; w >= 0; w--) {
        size_t at = find_gap(rings, w, bytes);
        if (at != SIZE_MAX)
            return (struct sk_ring_block){.window = w, .offset = at, .bytes = bytes};
    }
    return (struct sk_ring_block){.window = -1};
}

/* Collective over the node. One more window, with room for `bytes`. */
static bool rings_grow(struct sk_comm *comm, size_t bytes)
{
    struct sk_rings *rings = comm->rings;
    size_t size = LEAST_WINDOW, owned = 0;
    for (int w = 0; w < rings->nwindows; w++)
        owned += rings->window_bytes[w];
    size = owned > size ? owned : size;
    size = bytes > size ? bytes : size;
    MPI_Win win;
    MPI_Info info;
    void *base;
    MPI_Info_create(&info);
    MPI_Info_set(info, "alloc_shared_noncontig", "true"); /* each rank's part on its own pages */
    MPI_Comm_set_errhandler(comm->node, MPI_ERRORS_RETURN);
    MPI_Aint padded = (MPI_Aint)(size + SK_RING_ALIGN);
    int is_made = MPI_Win_allocate_shared(padded, 1, info, comm->node, &base, &win) == MPI_SUCCESS;
    MPI_Comm_set_errhandler(comm->node, MPI_ERRORS_ARE_FATAL);
    MPI_Info_free(&info);
    MPI_Allreduce(MPI_IN_PLACE, &is_made, 1, MPI_INT, MPI_MIN, comm->node);
    if (!is_made)
        return false;
    MPI_Win_lock_all(MPI_MODE_NOCHECK, win);
    sk_reserve(&rings->window, &rings->window_capacity, (size_t)rings->nwindows + 1);
    sk_reserve(&rings->window_bytes, &rings->bytes_capacity, (size_t)rings->nwindows + 1);
    rings->window[rings->nwindows] = win;
    rings->window_bytes[rings->nwindows++] = size;
    return true;
}

int sk_ring_take(struct sk_comm *comm, size_t bytes)
{
    struct sk_rings *rings = rings_of(comm);
    if (rings->is_broken)
        return -1;
    SK_REQUIRE(bytes >= sizeof(struct sk_ring_head) && bytes % SK_RING_ALIGN == 0);
    blocks_sweep(comm);
    struct sk_ring_block block = place(rings, bytes);
    int must_grow = block.window < 0;
    comm->stats.blocking_collectives++;
    MPI_Allreduce(MPI_IN_PLACE, &must_grow, 1, MPI_INT, MPI_MAX, comm->node);
    if (must_grow) {
        comm->stats.blocking_collectives += 2;
        if (!rings_grow(comm, bytes)) {
            rings->is_broken = true;
            return -1;
        }
        if (block.window < 0)
            block = place(rings, bytes);
    }
    int free_entry = 0;
    while (free_entry < rings->nblocks && rings->block[free_entry].bytes)
        free_entry++;
    sk_reserve(&rings->block, &rings->block_capacity, (size_t)free_entry + 1);
    rings->nblocks = free_entry == rings->nblocks ? free_entry + 1 : rings->nblocks;
    rings->block[free_entry] = block;
    atomic_store(&block_head(comm, &block)->readers, 0);
    return free_entry;
}

void sk_ring_give(struct sk_comm *comm, int block)
{
    SK_REQUIRE(block >= 0 && block < comm->rings->nblocks && !comm->rings->block[block].is_given);
    comm->rings->block[block].is_given = true;
}

struct sk_ring_block sk_ring_block(const struct sk_comm *comm, int block)
{
    SK_REQUIRE(block >= 0 && block < comm->rings->nblocks);
    return comm->rings->block[block];
}

void sk_ring_close(struct sk_comm *comm)
{
    struct sk_rings *rings = comm->rings;
    if (!rings)
        return;
    for (int w = 0; w < rings->nwindows; w++) {
        MPI_Win_unlock_all(rings->window[w]);
        MPI_Win_free(&rings->window[w]);
    }
    sk_free(&rings->window);
    sk_free(&rings->window_bytes);
    sk_free(&rings->block);
    sk_free(&comm->rings);
}
