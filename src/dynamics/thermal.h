/* Thermal: groups of atoms that are coupled to baths apart, and atoms that do not move: who is what, degrees of
 * freedom, masses. Without groups all atoms are one. Owns its arrays; borrows groups and topology. Not here: the baths
 * (coupling.h), when they act (observe.c), constraints of frozen atoms (model/freeze.h). */
#ifndef SK_DYNAMICS_THERMAL_H
#define SK_DYNAMICS_THERMAL_H

#include "model/atoms.h"
#include "model/groups.h"
#include "par/comm.h"

struct sk_thermal {
    const struct sk_groups *groups;
    struct sk_grouping grouping;                      /* as in the run file; n = 0: none is named */
    uint32_t frozen;                                  /* the sets whose atoms do not move ... */
    bool frozen_axis[3];                              /* ... along these */
    int n;                                            /* groups: 1 if none is named */
    double target[SK_GROUPS_MAX], tau[SK_GROUPS_MAX]; /* as in the run file; used with a thermostat */
    int64_t atoms[SK_GROUPS_MAX];
    double dof[SK_GROUPS_MAX];
    double mass[SK_GROUPS_MAX][3]; /* of what moves along an axis */
    double total_dof, total_mass[3];
    int64_t frozen_atoms;
    int64_t split;  /* constraints and rigid waters that join atoms of different groups */
    uint8_t *group; /* [owned] */
    size_t group_capacity;
};

/* The groups are finished, and every atom is in exactly one of the temperature groups. Local. */
void sk_thermal_init(struct sk_thermal *thermal, const struct sk_groups *groups,
                     const struct sk_parameters *parameters);
void sk_thermal_clear(struct sk_thermal *thermal);
/* Collective. Atoms, degrees of freedom and masses, from the atoms of all ranks. An atom has one degree of freedom for
 * each axis along which it moves; a constraint takes half of one from either atom, or a whole one from the atom that
 * moves if the other is frozen; a rigid water takes one from each of its atoms; where the motion of the centre of mass
 * is removed, what it has is taken from groups in proportion to what they have (as GROMACS does). */
void sk_thermal_count(struct sk_thermal *thermal, struct sk_comm *comm, const struct sk_atoms *atoms,
                      bool is_motion_removed);
/* Local. After owned atoms changed. */
void sk_thermal_assign(struct sk_thermal *thermal, const struct sk_atoms *atoms);
/* Local. Whether an owned atom moves along each axis. */
void sk_thermal_moves(const struct sk_thermal *thermal, const struct sk_atoms *atoms, int i, bool moves[3]);

#endif
