/* Checkpoint: the whole state in id order, readable on any rank count. Written beside, synced, verified by reading back
 * (checksums of blocks), renamed; the previous generation is kept as PATH.prev. */
#ifndef SK_IO_CHECKPOINT_H
#define SK_IO_CHECKPOINT_H

#include "geom/box.h"
#include "model/atoms.h"
#include "par/comm.h"

/* Everything but the atoms; plain data without pointers. Stored as named attributes of /state. */
struct sk_checkpoint_state {
    int64_t natoms, step;
    double time;
    struct sk_box box;
    uint64_t seed, model_hash, state_hash;
    uint64_t reference_hash; /* of the places that position restraints hold to; 0: none */
    int32_t integrator, velocity_time, quantum_bits;
    double force_scale;
    /* particle-mesh Ewald; mesh 0 0 0: none */
    int32_t mesh[3], mesh_order, charge_bits;
    double ewald_beta;
    /* how constraints were solved (constrain/graph.h): other values give other bits */
    int32_t constraint_solver, fragment_core, fragment_overlap;
    double constraint_tolerance;
    /* coupling: the barostat's pending factors and accumulators (see dynamics/dynamics.h) */
    int32_t has_pending_box;
    double pending_box[3];
    double conserved_offset;  /* energy given to the baths so far */
    int64_t last_energy_step; /* -1: none */
    /* minimizers (dynamics/minimize.h): reach, ceiling, mixing, square; steps downhill; wide arithmetic; whether atoms
     * have moves */
    double descent[4];
    int64_t downhill;
    int32_t is_crowded, has_moves;
    int64_t rebuilds, migrated;
    char version[32];
};

/* Collective. The atoms of all ranks, ids 0 .. natoms - 1 each once (else SK_EINTERNAL, which names one). SK_EENV: disk
 * full, no permission, or what was read back differs; PATH.tmp is removed, earlier generations are intact. Should HDF5
 * itself fail in writing, nothing can be closed any more (sk_h5_seed): the job ends with code SK_EENV. */
enum sk_code sk_checkpoint_write(struct sk_comm *comm, const char *path, const struct sk_checkpoint_state *state,
                                 const struct sk_atoms *atoms, struct sk_error *err);
/* Collective. Tries PATH, then PATH.prev; every checksum is compared. *used is the file to read, *exists false and
 * SK_OK if there is neither. If PATH was passed over because it is damaged, err->message says why, with SK_OK; else it
 * is empty. A file that exists but is damaged in both generations is SK_EENV with what is wrong with each. */
enum sk_code sk_checkpoint_find(struct sk_comm *comm, const char *path, bool *exists, char used[1024],
                                struct sk_checkpoint_state *state, struct sk_error *err);
/* Collective. Reads ids [first, first + n) into records (group_size 0), checksums verified; n may be 0. */
enum sk_code sk_checkpoint_read(struct sk_comm *comm, const char *used, sk_gid first, int64_t n,
                                struct sk_atom_record *records, struct sk_error *err);

#endif
