/* Preloaded into a run (LD_PRELOAD), counts the MPI calls of each process from outside the program, through the
 * profiling interface, and appends them at the end to the file COUNT_MPI_FILE.<rank>: point-to-point messages sent,
 * non-blocking collectives, blocking ones by name. tests/system/test_constraints.py. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

static long sent, nonblocking;
static struct {
    const char *name;
    long calls;
} blocking[32];

static void count(const char *name)
{
    int b = 0;
    while (blocking[b].name && blocking[b].name != name)
        b++;
    blocking[b].name = name;
    blocking[b].calls++;
}

/* name, formal parameters, arguments; what is counted. */
#define WRAP(name, counted, formal, actual) \
    EXPORT int MPI_##name formal;           \
    EXPORT int MPI_##name formal            \
    {                                       \
        counted;                            \
        return PMPI_##name actual;          \
    }
#define BLOCKING(name, formal, actual) WRAP(name, count(#name), formal, actual)

WRAP(Send, sent++, (const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c), (b, n, t, to, tag, c))
WRAP(Ssend, sent++, (const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c), (b, n, t, to, tag, c))
WRAP(Isend, sent++, (const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c, MPI_Request *r),
     (b, n, t, to, tag, c, r))
WRAP(Issend, sent++, (const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c, MPI_Request *r),
     (b, n, t, to, tag, c, r))

/* Of persistent requests, only those that send are messages; the others were made to receive. */
#define PERSISTENT 4096
static MPI_Request senders[PERSISTENT];
static int nsenders;

static void remember(MPI_Request r)
{
    if (nsenders == PERSISTENT)
        abort();
    senders[nsenders++] = r;
}

static void start_one(MPI_Request r)
{
    for (int s = 0; s < nsenders; s++)
        sent += senders[s] == r;
}

EXPORT int MPI_Send_init(const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c, MPI_Request *r)
{
    int code = PMPI_Send_init(b, n, t, to, tag, c, r);
    remember(*r);
    return code;
}

EXPORT int MPI_Request_free(MPI_Request *r)
{
    for (int s = 0; s < nsenders; s++)
        if (senders[s] == *r)
            senders[s--] = senders[--nsenders];
    return PMPI_Request_free(r);
}

EXPORT int MPI_Start(MPI_Request *r)
{
    start_one(*r);
    return PMPI_Start(r);
}

EXPORT int MPI_Startall(int n, MPI_Request r[])
{
    for (int i = 0; i < n; i++)
        start_one(r[i]);
    return PMPI_Startall(n, r);
}

WRAP(Iallreduce, nonblocking++, (const void *a, void *b, int n, MPI_Datatype t, MPI_Op o, MPI_Comm c, MPI_Request *r),
     (a, b, n, t, o, c, r))
WRAP(Ibarrier, nonblocking++, (MPI_Comm c, MPI_Request *r), (c, r))
WRAP(Ibcast, nonblocking++, (void *b, int n, MPI_Datatype t, int root, MPI_Comm c, MPI_Request *r),
     (b, n, t, root, c, r))

BLOCKING(Barrier, (MPI_Comm c), (c))
BLOCKING(Bcast, (void *b, int n, MPI_Datatype t, int root, MPI_Comm c), (b, n, t, root, c))
BLOCKING(Allreduce, (const void *a, void *b, int n, MPI_Datatype t, MPI_Op o, MPI_Comm c), (a, b, n, t, o, c))
BLOCKING(Reduce, (const void *a, void *b, int n, MPI_Datatype t, MPI_Op o, int root, MPI_Comm c),
         (a, b, n, t, o, root, c))
BLOCKING(Scan, (const void *a, void *b, int n, MPI_Datatype t, MPI_Op o, MPI_Comm c), (a, b, n, t, o, c))
BLOCKING(Exscan, (const void *a, void *b, int n, MPI_Datatype t, MPI_Op o, MPI_Comm c), (a, b, n, t, o, c))
BLOCKING(Gather, (const void *a, int n, MPI_Datatype t, void *b, int m, MPI_Datatype u, int root, MPI_Comm c),
         (a, n, t, b, m, u, root, c))
BLOCKING(Gatherv,
         (const void *a, int n, MPI_Datatype t, void *b, const int *m, const int *d, MPI_Datatype u, int root,
          MPI_Comm c),
         (a, n, t, b, m, d, u, root, c))
BLOCKING(Scatter, (const void *a, int n, MPI_Datatype t, void *b, int m, MPI_Datatype u, int root, MPI_Comm c),
         (a, n, t, b, m, u, root, c))
BLOCKING(Allgather, (const void *a, int n, MPI_Datatype t, void *b, int m, MPI_Datatype u, MPI_Comm c),
         (a, n, t, b, m, u, c))
BLOCKING(Allgatherv,
         (const void *a, int n, MPI_Datatype t, void *b, const int *m, const int *d, MPI_Datatype u, MPI_Comm c),
         (a, n, t, b, m, d, u, c))
BLOCKING(Alltoall, (const void *a, int n, MPI_Datatype t, void *b, int m, MPI_Datatype u, MPI_Comm c),
         (a, n, t, b, m, u, c))
BLOCKING(Alltoallv,
         (const void *a, const int *n, const int *d, MPI_Datatype t, void *b, const int *m, const int *e,
          MPI_Datatype u, MPI_Comm c),
         (a, n, d, t, b, m, e, u, c))
BLOCKING(Reduce_scatter_block, (const void *a, void *b, int n, MPI_Datatype t, MPI_Op o, MPI_Comm c),
         (a, b, n, t, o, c))
BLOCKING(Comm_dup, (MPI_Comm c, MPI_Comm *d), (c, d))
BLOCKING(Comm_split, (MPI_Comm c, int colour, int key, MPI_Comm *d), (c, colour, key, d))
BLOCKING(Comm_split_type, (MPI_Comm c, int type, int key, MPI_Info i, MPI_Comm *d), (c, type, key, i, d))
BLOCKING(Win_fence, (int assert, MPI_Win w), (assert, w))

EXPORT int MPI_Finalize(void)
{
    const char *name = getenv("COUNT_MPI_FILE");
    int rank;
    PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
    char path[4096];
    snprintf(path, sizeof path, "%s.%d", name ? name : "count_mpi", rank);
    FILE *file = fopen(path, "w");
    if (file) {
        fprintf(file, "sent %ld\nnonblocking %ld\n", sent, nonblocking);
        for (int b = 0; blocking[b].name; b++)
            fprintf(file, "blocking %s %ld\n", blocking[b].name, blocking[b].calls);
        fclose(file);
    }
    return PMPI_Finalize();
}
