/* .top: [ moleculetype ], [ atoms ], [ settles ], [ exclusions ], [ molecules ]. */
#include "read/gromacs_internal.h"

#include <limits.h>
#include <string.h>

#include "base/memory.h"
#include "read/number.h"

enum sk_code sk_top_moleculetype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    struct sk_raw_moltype type = {.at = line->at, .moltype = -1};
    int64_t nrexcl;
    if (sk_top_name(raw, line, 0, "molecule name", type.name, err) != SK_OK ||
        sk_top_integer(raw, line, 1, "nrexcl", 0, 1000, &nrexcl, err) != SK_OK)
        return err->code;
    if (raw->nmolecules)
        return sk_preprocess_fail(raw->pp, line->at, err, "[ moleculetype ] must come before [ molecules ]");
    int known = raw->molnames.n;
    if (sk_names_add(&raw->molnames, type.name, strlen(type.name)) != known)
        return sk_preprocess_fail(raw->pp, line->at, err, "molecule type '%s' is defined a second time", type.name);
    type.nrexcl = (int)nrexcl;
    sk_reserve(&raw->moltypes, &raw->moltypes_capacity, raw->nmoltypes + 1);
    raw->moltypes[raw->nmoltypes++] = type;
    return SK_OK;
}

/* A residue number may end in a letter, the insertion code of a PDB file, which names nothing here. */
static enum sk_code atom_residue(struct sk_raw_top *raw, const struct sk_top_line *line, int *number,
                                 struct sk_error *err)
{
    char *word = line->words[2];
    size_t length = strlen(word);
    int64_t value;
    char last = word[length - 1];
    if (length > 1 && ((last >= 'A' && last <= 'Z') || (last >= 'a' && last <= 'z')))
        word[length - 1] = '\0';
    if (sk_top_integer(raw, line, 2, "residue number", INT_MIN, INT_MAX, &value, err) != SK_OK)
        return err->code;
    *number = (int)value;
    return SK_OK;
}

enum sk_code sk_top_atom(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    struct sk_raw_moltype *type = &raw->moltypes[raw->nmoltypes - 1];
    struct sk_raw_atom atom = {.at = line->at, .has_charge = line->n > 6, .has_mass = line->n > 7};
    char name[SK_NAME_MAX];
    int64_t number, group;
    if (line->n < 6)
        return sk_preprocess_fail(raw->pp, line->at, err,
                                  "expected: number type residue-number residue atom charge-group [charge [mass]]");
    if (sk_top_integer(raw, line, 0, "atom number", 1, INT_MAX, &number, err) != SK_OK ||
        sk_top_name(raw, line, 1, "atom type", name, err) != SK_OK ||
        atom_residue(raw, line, &atom.atom.residue_number, err) != SK_OK ||
        sk_top_name(raw, line, 3, "residue name", atom.atom.residue, err) != SK_OK ||
        sk_top_name(raw, line, 4, "atom name", atom.atom.name, err) != SK_OK ||
        sk_top_integer(raw, line, 5, "charge group", INT_MIN, INT_MAX, &group, err) != SK_OK ||
        (atom.has_charge && sk_top_real(raw, line, 6, "charge", &atom.charge, err) != SK_OK) ||
        (atom.has_mass && sk_top_real(raw, line, 7, "mass", &atom.mass, err) != SK_OK))
        return err->code;
    if (number != (int64_t)type->natoms + 1)
        return sk_preprocess_fail(raw->pp, line->at, err, "atom number %lld, but %zu comes next", (long long)number,
                                  type->natoms + 1);
    if (line->n > 8)
        sk_top_refuse(raw, "atoms (second state of free energy calculations)", line->at);
    atom.type = sk_top_type(raw, name);
    sk_reserve(&type->atoms, &type->atoms_capacity, type->natoms + 1);
    type->atoms[type->natoms++] = atom;
    return SK_OK;
}

enum sk_code sk_top_settle(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    struct sk_raw_moltype *type = &raw->moltypes[raw->nmoltypes - 1];
    struct sk_raw_settle new = {.at = line->at};
    int64_t apex, function;
    /* An older format repeats all three atoms; it is told by its length. */
    if (line->n != 4)
        return sk_preprocess_fail(raw->pp, line->at, err, "expected: first-atom function doh dhh");
    if (sk_top_integer(raw, line, 0, "first atom", 1, INT_MAX - 2, &apex, err) != SK_OK ||
        sk_top_integer(raw, line, 1, "function", 1, 1, &function, err) != SK_OK ||
        sk_top_real(raw, line, 2, "doh", &new.settle.apex_leg, err) != SK_OK ||
        sk_top_real(raw, line, 3, "dhh", &new.settle.leg_leg, err) != SK_OK)
        return err->code;
    if (!(new.settle.apex_leg > 0 && new.settle.leg_leg > 0 && new.settle.leg_leg < 2 * new.settle.apex_leg))
        return sk_preprocess_fail(raw->pp, line->at, err, "doh %g and dhh %g do not make a triangle",
                                  new.settle.apex_leg, new.settle.leg_leg);
    new.settle.apex = (int)apex - 1;
    new.settle.leg1 = (int)apex;
    new.settle.leg2 = (int)apex + 1;
    sk_reserve(&type->settles, &type->settles_capacity, type->nsettles + 1);
    type->settles[type->nsettles++] = new;
    return SK_OK;
}

enum sk_code sk_top_exclusion(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    struct sk_raw_moltype *type = &raw->moltypes[raw->nmoltypes - 1];
    int64_t first = 0, other;
    for (int w = 0; w < line->n; w++) {
        if (sk_top_integer(raw, line, w, "excluded atom", 1, INT_MAX, &other, err) != SK_OK)
            return err->code;
        if (w == 0) {
            first = other;
            continue;
        }
        sk_reserve(&type->exclusions, &type->exclusions_capacity, type->nexclusions + 1);
        type->exclusions[type->nexclusions++] = (struct sk_raw_exclusion){(int)first - 1, (int)other - 1, line->at};
    }
    return SK_OK;
}

enum sk_code sk_top_molecules(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    int64_t count;
    char name[SK_NAME_MAX];
    if (sk_top_name(raw, line, 0, "molecule name", name, err) != SK_OK ||
        sk_top_integer(raw, line, 1, "number of molecules", 0, INT64_MAX / 2, &count, err) != SK_OK)
        return err->code;
    if (line->n > 2)
        return sk_preprocess_fail(raw->pp, line->at, err, "expected: molecule-name count");
    int type = sk_names_find(&raw->molnames, name, strlen(name));
    if (type < 0)
        return sk_preprocess_fail(raw->pp, line->at, err, "molecule type '%s' is not defined", name);
    sk_reserve(&raw->molecules, &raw->molecules_capacity, raw->nmolecules + 1);
    raw->molecules[raw->nmolecules++] = (struct sk_raw_molecules){type, count, line->at};
    return SK_OK;
}
