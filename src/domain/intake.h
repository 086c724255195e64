/* Intake: from a stream of atoms on one rank to whole groups on all ranks, without any rank holding the system.
 * The reading rank sends each atom (and each of its copies under replication) to the rank of its id block; there
 * fractions are made, groups are made whole, and every id is proved to have come exactly once.
 * Owns its buffers; made for one reading, then cleared. */
#ifndef SK_DOMAIN_INTAKE_H
#define SK_DOMAIN_INTAKE_H

#include "geom/box.h"
#include "model/atoms.h"
#include "model/topology.h"
#include "par/comm.h"

struct sk_intake;

/* Collective. unit: box of the file before replication. */
struct sk_intake *sk_intake_new(struct sk_comm *comm, const struct sk_topology *top, const struct sk_box *unit);
void sk_intake_free(struct sk_intake **intake);
/* First id of the block of rank r, on a molecule boundary; r = size gives natoms. */
sk_gid sk_intake_first(const struct sk_topology *top, int nranks, int r);
/* On rank 0 only. One atom of the unit system: x and v in length units, kind or -1. Copies are made here. */
void sk_intake_atom(struct sk_intake *intake, sk_gid id, int32_t kind, const double x[3], const int32_t image[3],
                    const double v[3]);
/* On rank 0 only. Velocity of an atom that came before. */
void sk_intake_velocity(struct sk_intake *intake, sk_gid id, const double v[3]);
/* On ranks other than 0: receives until rank 0 finishes. */
void sk_intake_receive(struct sk_intake *intake);
/* Collective; rank 0 calls it when the stream ended (the others after receive). Fills atoms with whole groups. Errors:
 * an id that did not come, or came twice. */
enum sk_code sk_intake_finish(struct sk_intake *intake, struct sk_atoms *atoms, struct sk_error *err);
/* Atom records in id order, one block of whole molecules starting at id `first`, to groups (anchor first). Local. */
void sk_intake_group(const struct sk_topology *top, sk_gid first, int64_t n, const struct sk_atom_record *records,
                     struct sk_atoms *atoms);
/* Groups that are broken across faces of the box made whole: images such that every atom is the nearest to its anchor.
 * Local. */
void sk_intake_make_whole(const struct sk_topology *top, struct sk_atoms *atoms);

#endif
