#include "par/comm.h"

#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "par/private.h"

/* ---- life ---- */

static void comm_abort(int code)
{
    int is_up = 0, is_down = 0;
    MPI_Initialized(&is_up);
    MPI_Finalized(&is_down);
    if (is_up && !is_down)
        MPI_Abort(MPI_COMM_WORLD, code);
    exit(code);
}

/* MPI's buffers need not be aligned for __int128, hence the copies. */
static void add_int128(const unsigned char *in, unsigned char *inout, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sk_uint128 a, b;
        memcpy(&a, in + i * sizeof a, sizeof a);
        memcpy(&b, inout + i * sizeof b, sizeof b);
        b += a;
        memcpy(inout + i * sizeof b, &b, sizeof b);
    }
}

static void op_int128(void *in, void *inout, int *n, MPI_Datatype *type)
{
    (void)type;
    add_int128(in, inout, (size_t)*n);
}

static void op_reduction(void *in, void *inout, int *n, MPI_Datatype *type)
{
    int bytes;
    MPI_Type_size(*type, &bytes);
    size_t sums = ((size_t)bytes - offsetof(struct sk_reduction, sum)) / sizeof(sk_int128);
    for (int i = 0; i < *n; i++) {
        const unsigned char *from = (const unsigned char *)in + (size_t)i * (size_t)bytes;
        unsigned char *to = (unsigned char *)inout + (size_t)i * (size_t)bytes;
        for (int k = 0; k < SK_REDUCE_MAX; k++) {
            int64_t a, b;
            memcpy(&a, from + offsetof(struct sk_reduction, max) + (size_t)k * sizeof a, sizeof a);
            memcpy(&b, to + offsetof(struct sk_reduction, max) + (size_t)k * sizeof b, sizeof b);
            if (a > b)
                memcpy(to + offsetof(struct sk_reduction, max) + (size_t)k * sizeof b, &a, sizeof a);
        }
        add_int128(from + offsetof(struct sk_reduction, sum), to + offsetof(struct sk_reduction, sum), sums);
    }
}

static void make_reduction_type(struct sk_comm *comm, int sums)
{
    size_t bytes = offsetof(struct sk_reduction, sum) + (size_t)sums * sizeof(sk_int128);
    MPI_Type_contiguous((int)bytes, MPI_BYTE, &comm->reduction_type);
    MPI_Type_commit(&comm->reduction_type);
}

static MPI_Comm duplicate(MPI_Comm from)
{
    MPI_Comm copy;
    MPI_Comm_dup(from, &copy);
    /* A host program may have asked for error codes on its own communicator; nobody here reads them. */
    MPI_Comm_set_errhandler(copy, MPI_ERRORS_ARE_FATAL);
    return copy;
}

struct sk_comm *sk_comm_new(const void *mpi_comm)
{
    struct sk_comm *comm = sk_calloc(1, sizeof *comm);
    int is_up;
    MPI_Initialized(&is_up);
    if (!is_up) {
        MPI_Init(NULL, NULL);
        comm->has_init = true;
    }
    comm->main = duplicate(mpi_comm ? *(const MPI_Comm *)mpi_comm : MPI_COMM_WORLD);
    comm->sparse = duplicate(comm->main);
    comm->links = duplicate(comm->main);
    comm->reduce = duplicate(comm->main);
    MPI_Comm_split_type(comm->main, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &comm->node);
    MPI_Comm_rank(comm->main, &comm->rank);
    MPI_Comm_size(comm->main, &comm->size);
    MPI_Type_contiguous(sizeof(sk_int128), MPI_BYTE, &comm->int128_type);
    MPI_Type_commit(&comm->int128_type);
    MPI_Op_create(op_int128, 1, &comm->int128_op);
    make_reduction_type(comm, SK_REDUCE_SUM);
    MPI_Op_create(op_reduction, 1, &comm->reduction_op);
    comm->reduction = MPI_REQUEST_NULL;
    sk_process_set(comm->rank, comm->size, comm_abort);
    return comm;
}

void sk_comm_free(struct sk_comm **handle)
{
    struct sk_comm *comm = *handle;
    if (!comm)
        return;
    SK_REQUIRE(!comm->is_reducing);
    sk_ring_close(comm);
    MPI_Op_free(&comm->reduction_op);
    MPI_Op_free(&comm->int128_op);
    MPI_Type_free(&comm->reduction_type);
    MPI_Type_free(&comm->int128_type);
    MPI_Comm_free(&comm->node);
    MPI_Comm_free(&comm->reduce);
    MPI_Comm_free(&comm->links);
    MPI_Comm_free(&comm->sparse);
    MPI_Comm_free(&comm->main);
    if (comm->has_init)
        MPI_Finalize();
    sk_free(handle);
}

int sk_comm_rank(const struct sk_comm *comm)
{
    return comm->rank;
}

int sk_comm_size(const struct sk_comm *comm)
{
    return comm->size;
}

const void *sk_comm_mpi(const struct sk_comm *comm)
{
    return &comm->main;
}

struct sk_comm_stats sk_comm_stats(const struct sk_comm *comm)
{
    return comm->stats;
}

double sk_comm_wall(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void sk_comm_set_transport(struct sk_comm *comm, enum sk_links_transport transport)
{
    comm->transport = transport;
}

int sk_comm_node_size(struct sk_comm *comm)
{
    int n;
    MPI_Comm_size(comm->node, &n);
    return n;
}

bool sk_comm_has_cores(struct sk_comm *comm)
{
    int64_t spare = sysconf(_SC_NPROCESSORS_ONLN) - sk_comm_node_size(comm);
    sk_comm_min_i64(comm, &spare, 1);
    return spare >= 0;
}

static int environment_size(const char *name)
{
    const char *text = getenv(name);
    char *rest;
    if (!text)
        return 0;
    long n = strtol(text, &rest, 10);
    return rest != text && *rest == '\0' && n > 0 && n <= INT_MAX ? (int)n : 0;
}

int sk_comm_launcher_size(void)
{
    /* A foreign mpiexec sets only its own variable. Both are set when one launcher runs under another;
     * the larger one then errs on the side of refusing. */
    int n = environment_size("OMPI_COMM_WORLD_SIZE"), pmi = environment_size("PMI_SIZE");
    if (pmi > n)
        n = pmi;
    /* Slurm's count is that of the tasks only inside a step, and mpirun starts its daemons as a step. */
    if (n == 0 && getenv("SLURM_STEP_ID"))
        n = environment_size("SLURM_NTASKS");
    return n;
}

/* ---- agreement and blocking collectives ---- */

enum sk_code sk_comm_agree(struct sk_comm *comm, struct sk_error *err, enum sk_code local)
{
    int first = local == SK_OK ? INT_MAX : comm->rank;
    comm->stats.blocking_collectives++;
    MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, comm->main);
    if (first == INT_MAX)
        return SK_OK;
    /* A copy, so that bytes behind the message, never written, are not sent. */
    struct sk_error agreed = {.code = local};
    if (first == comm->rank)
        snprintf(agreed.message, sizeof agreed.message, "%s", err->message);
    comm->stats.blocking_collectives++;
    MPI_Bcast(&agreed, (int)sizeof agreed, MPI_BYTE, first, comm->main);
    *err = agreed;
    return agreed.code;
}

void sk_comm_barrier(struct sk_comm *comm)
{
    comm->stats.blocking_collectives++;
    MPI_Barrier(comm->main);
}

void sk_comm_bcast(struct sk_comm *comm, void *bytes, size_t length, int root)
{
    const size_t chunk = (size_t)1 << 30;
    unsigned char *at = bytes;
    for (size_t left = length; left > 0;) {
        size_t n = left < chunk ? left : chunk;
        comm->stats.blocking_collectives++;
        MPI_Bcast(at, (int)n, MPI_BYTE, root, comm->main);
        at += n;
        left -= n;
    }
}

static void allreduce(struct sk_comm *comm, void *values, int n, MPI_Datatype type, MPI_Op op)
{
    comm->stats.blocking_collectives++;
    MPI_Allreduce(MPI_IN_PLACE, values, n, type, op, comm->main);
}

void sk_comm_max_i64(struct sk_comm *comm, int64_t *values, int n)
{
    allreduce(comm, values, n, MPI_INT64_T, MPI_MAX);
}

void sk_comm_min_i64(struct sk_comm *comm, int64_t *values, int n)
{
    allreduce(comm, values, n, MPI_INT64_T, MPI_MIN);
}

void sk_comm_sum_i64(struct sk_comm *comm, int64_t *values, int n)
{
    allreduce(comm, values, n, MPI_UINT64_T, MPI_SUM); /* unsigned: wrapping is defined */
}

void sk_comm_sum_i128(struct sk_comm *comm, sk_int128 *values, int n)
{
    allreduce(comm, values, n, comm->int128_type, comm->int128_op);
}

void sk_comm_exscan_i64(struct sk_comm *comm, int64_t *values, int n)
{
    comm->stats.blocking_collectives++;
    MPI_Exscan(MPI_IN_PLACE, values, n, MPI_UINT64_T, MPI_SUM, comm->main);
    if (comm->rank == 0 && n > 0)
        memset(values, 0, (size_t)n * sizeof *values);
}

/* Order of doubles as order of integers, its own inverse on the bits; every NaN above infinity. */
static int64_t double_order(int64_t bits)
{
    return bits < 0 ? bits ^ INT64_MAX : bits;
}

void sk_comm_max_f64(struct sk_comm *comm, double *values, int n)
{
    int64_t *keys = sk_alloc((size_t)n, sizeof *keys);
    for (int i = 0; i < n; i++) {
        double x = values[i] != values[i] ? (double)__builtin_nan("") : values[i];
        memcpy(&keys[i], &x, sizeof x);
        keys[i] = double_order(keys[i]);
    }
    sk_comm_max_i64(comm, keys, n);
    for (int i = 0; i < n; i++) {
        keys[i] = double_order(keys[i]);
        memcpy(&values[i], &keys[i], sizeof values[i]);
    }
    sk_free(&keys);
}

void sk_comm_allgather(struct sk_comm *comm, const void *mine, size_t length, void *all)
{
    SK_REQUIRE(length <= INT_MAX);
    comm->stats.blocking_collectives++;
    MPI_Allgather(mine, (int)length, MPI_BYTE, all, (int)length, MPI_BYTE, comm->main);
}

void sk_comm_gather(struct sk_comm *comm, const void *mine, size_t length, void *all, int root)
{
    SK_REQUIRE(length <= INT_MAX);
    comm->stats.blocking_collectives++;
    MPI_Gather(mine, (int)length, MPI_BYTE, all, (int)length, MPI_BYTE, root, comm->main);
}

/* ---- point to point ---- */

void sk_comm_send(struct sk_comm *comm, const void *bytes, size_t length, int dest, int tag)
{
    SK_REQUIRE(length <= INT_MAX);
    comm_count_sent(comm, 1, length);
    MPI_Send(bytes, (int)length, MPI_BYTE, dest, tag, comm->main);
}

size_t sk_comm_recv(struct sk_comm *comm, void *bytes, size_t capacity, int source, int tag)
{
    MPI_Message message;
    MPI_Status status;
    int length;
    MPI_Mprobe(source, tag, comm->main, &message, &status);
    MPI_Get_count(&status, MPI_BYTE, &length);
    SK_REQUIRE((size_t)length <= capacity);
    MPI_Mrecv(bytes, length, MPI_BYTE, &message, MPI_STATUS_IGNORE);
    return (size_t)length;
}

/* ---- the hidden reduction ---- */

void sk_reduction_set_sums(struct sk_comm *comm, int n)
{
    SK_REQUIRE(!comm->is_reducing && n > 0 && n <= SK_REDUCE_MOST);
    MPI_Type_free(&comm->reduction_type);
    make_reduction_type(comm, n);
    memset(&comm->global, 0, sizeof comm->global);
}

void sk_reduction_begin(struct sk_comm *comm, const struct sk_reduction *local)
{
    SK_REQUIRE(!comm->is_reducing);
    comm->local = *local;
    comm->is_reducing = true;
    MPI_Iallreduce(&comm->local, &comm->global, 1, comm->reduction_type, comm->reduction_op, comm->reduce,
                   &comm->reduction);
}

void sk_reduction_end(struct sk_comm *comm, struct sk_reduction *global)
{
    SK_REQUIRE(comm->is_reducing);
    MPI_Wait(&comm->reduction, MPI_STATUS_IGNORE);
    comm->is_reducing = false;
    *global = comm->global;
}

void sk_comm_poll(struct sk_comm *comm)
{
    int is_done;
    if (comm->reduction != MPI_REQUEST_NULL)
        MPI_Test(&comm->reduction, &is_done, MPI_STATUS_IGNORE);
    else
        MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm->links, &is_done, MPI_STATUS_IGNORE);
}
