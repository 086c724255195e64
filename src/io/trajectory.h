/* Trajectory: H5MD, frames in id order, readable by MDAnalysis without a topology file. Writing ranks own id ranges and
 * merge the k sorted streams that reach them (merge.h). Owns the file handle and buffers bounded by constants. */
#ifndef SK_IO_TRAJECTORY_H
#define SK_IO_TRAJECTORY_H

#include "geom/box.h"
#include "model/atoms.h"
#include "model/parameters.h"
#include "model/topology.h"
#include "par/comm.h"

struct sk_trajectory;

struct sk_frame {
    int64_t step;
    double time;
    struct sk_box box;
    const struct sk_atoms *atoms; /* owned atoms, home order, borrowed for the call */
    const double (*force)[3];     /* [atoms->n] or NULL */
};

/* Collective. resume_step < 0: a new file is made beside (PATH.tmp) and renamed when its first frame is safe, so an
 * earlier file stays intact until then. resume_step >= 0: appends, dropping frames with step > resume_step; a missing
 * file is made anew. Topology (names, residues, bonds of rigid waters) goes inside, under /parameters so that readers
 * are not disturbed. Positions are wrapped with images in a dataset beside. float32 for v and f, float64 for positions.
 * comm and top are borrowed until close. Errors: SK_EENV; SK_EINPUT if the file to append to is of another system or
 * holds other elements than output asks for. On failure *trajectory is NULL. */
enum sk_code sk_trajectory_open(struct sk_comm *comm, const struct sk_parameters *parameters,
                                const struct sk_topology *top, int64_t resume_step, struct sk_trajectory **trajectory,
                                struct sk_error *err);
/* Collective. A frame whose step the file already holds is skipped. Flushes, so that a kill leaves all frames readable,
 * and reads back. SK_EENV (disk full, limit, broken disk) and SK_EINTERNAL (an atom missing or doubled) leave the
 * frames before as they are, and a handle that is to be closed. Should HDF5 itself fail in writing, nothing can be
 * closed any more (sk_h5_seed): the job ends with code SK_EENV. force is needed if output.forces. */
enum sk_code sk_trajectory_write(struct sk_trajectory *trajectory, const struct sk_frame *frame, struct sk_error *err);
/* Collective. NULL-safe; nulls the handle. A new file without a frame is removed. */
enum sk_code sk_trajectory_close(struct sk_trajectory **trajectory, struct sk_error *err);

#endif
