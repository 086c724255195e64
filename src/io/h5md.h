/* H5MD: names, shapes and units of the trajectory file (docs/files.md), and what does not change with time.
 * Owns nothing. Not here: when files are made, frames written and dropped (trajectory.h). */
#ifndef SK_IO_H5MD_H
#define SK_IO_H5MD_H

#include "io/h5.h"
#include "io/merge.h"
#include "model/parameters.h"
#include "model/topology.h"

/* What a writer receives of an atom. */
struct sk_h5md_record {
    sk_gid id;
    double position[3];
    float velocity[3], force[3];
    int32_t image[3];
    int32_t kind;
};

/* A time-dependent element of the atoms: three values each. */
struct sk_h5md_element {
    const char *group, *value; /* paths of the group and of its dataset */
    enum sk_h5_type type;
    size_t bytes, offset; /* of an atom's values in the record */
};
enum { SK_H5MD_POSITION, SK_H5MD_IMAGE, SK_H5MD_VELOCITY, SK_H5MD_FORCE, SK_H5MD_ELEMENTS };
extern const struct sk_h5md_element sk_h5md_elements[SK_H5MD_ELEMENTS];
/* Datasets with one row a frame beside the elements. */
#define SK_H5MD_STEP  "/particles/trajectory/box/edges/step"
#define SK_H5MD_TIME  "/particles/trajectory/box/edges/time"
#define SK_H5MD_EDGES "/particles/trajectory/box/edges/value"

/* Whether the run's parameters ask for the element. */
bool sk_h5md_is_wanted(const struct sk_parameters *parameters, int element);
/* Atoms of a chunk: at most SK_H5MD_CHUNK, chunks nearly full. */
#define SK_H5MD_CHUNK 16384
int64_t sk_h5md_chunk(int64_t natoms);
/* Upper bounds of what the file takes: without frames, and a frame. */
int64_t sk_h5md_fixed_bytes(const struct sk_topology *top);
int64_t sk_h5md_frame_bytes(const struct sk_topology *top);

/* Collective as sk_h5_dataset: groups, attributes and empty datasets. */
enum sk_code sk_h5md_layout(struct sk_h5 *file, const struct sk_parameters *parameters, const struct sk_topology *top,
                            struct sk_error *err);
/* Collective, agreed: residues, names and bonds, which follow from the topology alone. */
enum sk_code sk_h5md_topology_write(struct sk_comm *comm, struct sk_h5 *file, const struct sk_merge_plan *plan,
                                    const struct sk_topology *top, struct sk_error *err);
/* Collective, not agreed: id, species, mass and charge of n atoms in id order. */
enum sk_code sk_h5md_kinds_write(struct sk_h5 *file, const struct sk_topology *top,
                                 const struct sk_h5md_record *records, int64_t n, struct sk_error *err);

#endif
