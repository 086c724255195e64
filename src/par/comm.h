/* Comm: processes, agreement, broadcast, exact reductions, sparse exchange.
 * Owns the MPI communicators; the .c files of this folder are the only ones of the engine that see mpi.h
 * (io/h5.c apart). MPI errors are fatal. Not here: neighbour halos (links.h). */
#ifndef SK_PAR_COMM_H
#define SK_PAR_COMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/int128.h"
#include "base/status.h"

struct sk_comm;

/* Counters for the report; all since the communicator was made. */
struct sk_comm_stats {
    uint64_t messages, bytes;      /* point-to-point, sent by this rank, by any transport */
    uint64_t ring_messages;        /* those of them that went through shared memory */
    uint64_t blocking_collectives; /* calls by this rank; a sparse exchange counts as one, agreement on a
                                    * failure as two, making links as one (over the node, by AUTO and RING;
                                    * three when shared memory grows), hidden reduction and links as none */
};

/* Collective. Calls MPI_Init if it has not been called (then free finalizes it). Duplicates the world
 * (`mpi_comm` NULL) or the communicator that `mpi_comm` points to (an MPI_Comm *). Sets the process record,
 * whose hook ends the whole job with MPI_Abort. Free with sk_comm_free, after everything made from it. */
struct sk_comm *sk_comm_new(const void *mpi_comm);
void sk_comm_free(struct sk_comm **comm);
int sk_comm_rank(const struct sk_comm *comm);
int sk_comm_size(const struct sk_comm *comm);
/* Pointer to the MPI_Comm, for io/h5.c (parallel HDF5 needs it) and nobody else. */
const void *sk_comm_mpi(const struct sk_comm *comm);
struct sk_comm_stats sk_comm_stats(const struct sk_comm *comm);
double sk_comm_wall(void); /* seconds, monotonic */
/* Uniform. How links made from now on carry their messages. AUTO, the default: between ranks of one node
 * through shared memory (ring.h) where the node provides it, else and between nodes by MPI. RING: the same,
 * but a node without shared memory for it ends the job (code 3). MPI: messages everywhere. */
enum sk_links_transport { SK_LINKS_AUTO, SK_LINKS_MPI, SK_LINKS_RING };
void sk_comm_set_transport(struct sk_comm *comm, enum sk_links_transport transport);
/* Local. Processes that the launcher says it started (environment of Open MPI, PMI or a Slurm step), or 0
 * when unknown. More than the size of the world means that mpirun and library do not belong together and
 * that each process would run the whole job alone: the caller refuses. */
int sk_comm_launcher_size(void);
/* Ranks that share this rank's node, for the log. Collective. */
int sk_comm_node_size(struct sk_comm *comm);
/* Whether every node has a core for each of its ranks. Collective. */
bool sk_comm_has_cores(struct sk_comm *comm);

/* Collective. Every rank returns the error of the lowest rank that failed (code `local` and message), or
 * SK_OK, in which case *err is left alone. */
enum sk_code sk_comm_agree(struct sk_comm *comm, struct sk_error *err, enum sk_code local);

/* Blocking collectives. In place. */
void sk_comm_barrier(struct sk_comm *comm);
void sk_comm_bcast(struct sk_comm *comm, void *bytes, size_t length, int root);
void sk_comm_max_i64(struct sk_comm *comm, int64_t *values, int n);
void sk_comm_min_i64(struct sk_comm *comm, int64_t *values, int n);
void sk_comm_sum_i64(struct sk_comm *comm, int64_t *values, int n); /* wraps modulo 2^64 */
void sk_comm_sum_i128(struct sk_comm *comm, sk_int128 *values, int n);
void sk_comm_exscan_i64(struct sk_comm *comm, int64_t *values, int n); /* rank 0 gets zeros */
void sk_comm_max_f64(struct sk_comm *comm, double *values, int n);     /* a NaN anywhere gives NaN */
/* all[size * length]: every rank's `length` bytes (at most 2^31 - 1) in rank order. */
void sk_comm_allgather(struct sk_comm *comm, const void *mine, size_t length, void *all);
/* Gathers on root; all is NULL elsewhere. */
void sk_comm_gather(struct sk_comm *comm, const void *mine, size_t length, void *all, int root);

/* Blocking point to point in bytes (at most 2^31 - 1), for streaming input (reader to block owners). */
void sk_comm_send(struct sk_comm *comm, const void *bytes, size_t length, int dest, int tag);
/* Receives from `source` whatever length comes (at most capacity, else a bug); returns the length. */
size_t sk_comm_recv(struct sk_comm *comm, void *bytes, size_t capacity, int source, int tag);

/* One message of a sparse exchange. */
struct sk_parcel {
    int rank;             /* destination, or source in what is received */
    size_t length;        /* bytes, at most 2^31 - 1 (else a bug); 0 is delivered too */
    unsigned char *bytes; /* borrowed on sending; owned by the receipt on receiving */
};
struct sk_receipt {
    int count;
    struct sk_parcel *parcels; /* sorted by source rank; the bytes of each are 64-byte aligned */
    unsigned char *buffer;     /* all of them */
};
/* Collective. Delivers every parcel (any destination, itself included, any number of destinations, at
 * most one parcel a destination) without knowing sources in advance (NBX: Hoefler et al. 2010;
 * synchronous sends and a non-blocking barrier; consecutive exchanges cannot mix). What is sent is
 * borrowed for the call; clear the receipt with sk_receipt_clear. */
void sk_comm_exchange(struct sk_comm *comm, const struct sk_parcel *send, int nsend, struct sk_receipt *receipt);
void sk_receipt_clear(struct sk_receipt *receipt);

/* The hidden reduction of a step: one non-blocking all-reduce of MAX of int64 and SUM of 128-bit
 * integers in a single commutative operation. At most SK_REDUCE_MAX maxima and SK_REDUCE_SUM sums travel, or as many
 * sums as were asked for, up to SK_REDUCE_MOST; those that do not travel come out as zero. */
#define SK_REDUCE_MAX  12
#define SK_REDUCE_SUM  40
#define SK_REDUCE_MOST 128
struct sk_reduction {
    int64_t max[SK_REDUCE_MAX];
    sk_int128 sum[SK_REDUCE_MOST];
};
/* Uniform, while no reduction is open. */
void sk_reduction_set_sums(struct sk_comm *comm, int n);
/* Collective, both. Begin copies `local`; end waits and fills `global`. One open at a time; anything else
 * may be called in between. Set what is not used to zero (or INT64_MIN, for a maximum). */
void sk_reduction_begin(struct sk_comm *comm, const struct sk_reduction *local);
void sk_reduction_end(struct sk_comm *comm, struct sk_reduction *global);
/* Local. Makes progress of open communication; cheap; called between batches of work. */
void sk_comm_poll(struct sk_comm *comm);

#endif
