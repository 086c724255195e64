/* Groups: named sets of atoms that a run file defines, and lists of them. Which sets an atom is in follows from its
 * place in the template, its kind and its id; nothing here grows with the system. A set is a bit. Owns its tables;
 * borrows the topology. Not here: the text of a selection (read/selection.h), what groups are for. */
#ifndef SK_MODEL_GROUPS_H
#define SK_MODEL_GROUPS_H

#include "model/parameters.h"
#include "model/topology.h"

/* Ids of the unit system: copies of the box are alike. */
struct sk_group_range {
    sk_gid first, end;
    uint32_t sets;
};

struct sk_groups {
    const struct sk_topology *top;
    int n;
    char name[SK_GROUPS_MAX][SK_NAME_MAX];
    uint32_t common; /* sets that have every atom */
    uint32_t rest;   /* sets that have the atoms in no other set */
    int nmoltypes;
    uint32_t **of_place; /* [nmoltypes][natoms] */
    uint32_t *of_kind;   /* [nkinds] */
    int nranges;
    struct sk_group_range *ranges; /* after sk_groups_finish ascending, without overlap */
    size_t ranges_capacity;
};

/* No sets yet. The topology is finished, and stays as it is for the life of the groups. Local. */
void sk_groups_init(struct sk_groups *groups, const struct sk_topology *top);
void sk_groups_clear(struct sk_groups *groups);
/* Index of a new set with this name. Requires n < SK_GROUPS_MAX. Local. */
int sk_groups_add(struct sk_groups *groups, const char *name);
/* Adds the ids [first, end) of the unit system to sets. Local. */
void sk_groups_add_range(struct sk_groups *groups, uint32_t sets, sk_gid first, sk_gid end);
/* After all ranges, before what follows. Local. */
void sk_groups_finish(struct sk_groups *groups);
/* Bits of the sets that atom id, of this kind, is in. O(log(blocks) + log(ranges)). Local. */
uint32_t sk_groups_of(const struct sk_groups *groups, sk_gid id, int kind);

/* Words that lists may have in place of a defined name. */
#define SK_GROUP_ALL  "all"  /* every atom */
#define SK_GROUP_REST "rest" /* the atoms in no other group of the list */

/* A list of groups that share the atoms among them. */
struct sk_grouping {
    int n;
    char name[SK_GROUPS_MAX][SK_NAME_MAX];
    uint32_t sets[SK_GROUPS_MAX];
    int rest; /* the place in the list of SK_GROUP_REST, or -1 */
};
enum { SK_IN_NO_GROUP = -1, SK_IN_SEVERAL_GROUPS = -2 };
/* From names separated by blanks, which are defined: whoever reads a run file has seen to it. Local. */
void sk_grouping_init(struct sk_grouping *grouping, const struct sk_groups *groups, const char *names);
/* The place in the list of the group that an atom of these sets is in, or one of the values above. Local. */
int sk_grouping_find(const struct sk_grouping *grouping, uint32_t sets);
/* The union of the groups of a list without SK_GROUP_REST: an atom is in it if it is in one of these sets. */
uint32_t sk_grouping_union(const struct sk_grouping *grouping);

/* Axes from text: x, y and z in any order, separated by blanks, each at most once and one at least. Local. */
bool sk_axes_parse(const char *text, bool axis[3]);

#endif
