/* Freeze: what a topology must know of atoms that do not move, for the sake of constraints. Owns nothing. Not here:
 * that they do not move (dynamics/thermal.h). */
#ifndef SK_MODEL_FREEZE_H
#define SK_MODEL_FREEZE_H

#include "model/groups.h"

/* Marks atoms of these sets, which do not move along the axes given, in the templates of molecules that have
 * constraints or virtual sites: molecules of one type that are frozen in different places become types of their own,
 * and what holds two frozen atoms apart is a constraint no more. (Rigid water stays in the topology;
 * sk_moltype_frozen_settle tells.) The groups are those of the topology before: they must be made anew. Errors
 * (SK_EINPUT): a rigid water that is frozen in part, a virtual site that is frozen without its atoms, atoms with
 * constraints that are free along an axis; by name. On an error the topology is of no use. Local. */
enum sk_code sk_topology_freeze(struct sk_topology *top, const struct sk_groups *groups, uint32_t sets,
                                const bool axis[3], struct sk_error *err);
/* Whether a rigid water of the type is frozen. */
static inline bool sk_moltype_frozen_settle(const struct sk_moltype *type, int settle)
{
    return type->atoms[type->settles[settle].apex].is_frozen;
}

#endif
