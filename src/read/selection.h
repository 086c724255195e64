/* Selection: the text of a group of atoms to the tables of model/groups.h.
 *     selection = part, part, ... | rest
 *     part      = molecule NAME ... | residue NAME ... | atom NAME ... | type NAME ... | id FIRST[-LAST] ... | all
 * Owns nothing. Not here: which keys define groups (keys.h), what they are for. */
#ifndef SK_READ_SELECTION_H
#define SK_READ_SELECTION_H

#include "base/status.h"
#include "model/forcefield.h"
#include "model/groups.h"

/* Fills groups (initialised) and finishes them. Names are those of molecule types that the system has, of their
 * residues and atoms, and of the force field's atom types; ids count from 1 in the unit system. Errors (SK_EINPUT): an
 * unknown word, a name or an id that nothing has, a part that selects nothing; *failed is then the definition it is in,
 * for the caller to say where. Local. */
enum sk_code sk_selections_read(const struct sk_definitions *definitions, const struct sk_forcefield *ff,
                                struct sk_groups *groups, int *failed, struct sk_error *err);

#endif
