/* Gro: the final structure as a GROMACS .gro file, in id order, written by one rank as a stream. Positions have six
 * decimals, velocities seven; molecules are in one piece if they were so at the start, with their first atom in the
 * box. Not here: reading (read/structure.h). */
#ifndef SK_IO_GRO_H
#define SK_IO_GRO_H

#include "geom/box.h"
#include "model/atoms.h"
#include "model/topology.h"
#include "par/comm.h"

/* Collective. Written beside (PATH.tmp) and renamed. Errors: SK_EENV (disk, permission); SK_EPHYSICS for a number that
 * does not fit its column, by the atom's name; SK_EINTERNAL for an atom that is missing or doubled. */
enum sk_code sk_gro_write(struct sk_comm *comm, const char *path, const struct sk_topology *top,
                          const struct sk_box *box, const struct sk_atoms *atoms, int64_t step, struct sk_error *err);

#endif
