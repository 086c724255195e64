/* .top: [ bonds ], [ constraints ], [ angles ] and their parameters by bonded type; only what lengths need. */
#include "read/gromacs_internal.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "read/number.h"

/* Number of parameters of a function of [ bonds ], the length first in those that have one; 0: not looked at. */
static int bond_parameters(int function)
{
    static const int parameters[] = {0, 2, 2, 3, 3};
    return function <= 4 ? parameters[function] : 0;
}

/* ---- tables by bonded type ---- */

#define KEY_LONGEST 512

/* One text for either order of the names; a section's letter keeps the tables apart. False: the names are too long. */
static bool bonded_key(char section, const char *const *names, int n, int function, char key[KEY_LONGEST])
{
    bool is_reversed = strcmp(names[0], names[n - 1]) > 0;
    int used = snprintf(key, KEY_LONGEST, "%c %d", section, function);
    for (int k = 0; k < n && used < KEY_LONGEST; k++)
        used += snprintf(key + used, (size_t)(KEY_LONGEST - used), " %s", names[is_reversed ? n - 1 - k : k]);
    return used < KEY_LONGEST;
}

static enum sk_code bonded_define(struct sk_raw_top *raw, const struct sk_top_line *line, char section, int n,
                                  const char *what, struct sk_error *err)
{
    int64_t function;
    double value;
    char key[KEY_LONGEST];
    int most = section == 'c' ? 2 : 10;
    if (sk_top_integer(raw, line, n, "function", 1, most, &function, err) != SK_OK)
        return err->code;
    if (section == 'b' && !bond_parameters((int)function))
        return SK_OK; /* never rigid: refused where they are used */
    if (sk_top_real(raw, line, n + 1, what, &value, err) != SK_OK)
        return err->code;
    if (!bonded_key(section, (const char *const *)line->words, n, (int)function, key))
        return sk_preprocess_fail(raw->pp, line->at, err, "the names are too long");
    int known = raw->bonded.n, entry = sk_names_add(&raw->bonded, key, strlen(key));
    if (entry == known)
        sk_reserve(&raw->values, &raw->values_capacity, (size_t)known + 1);
    raw->values[entry] = value; /* as in GROMACS, the last counts */
    return SK_OK;
}

enum sk_code sk_top_bondtype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return bonded_define(raw, line, 'b', 2, "length", err);
}

enum sk_code sk_top_constrainttype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return bonded_define(raw, line, 'c', 2, "length", err);
}

enum sk_code sk_top_angletype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return bonded_define(raw, line, 'a', 3, "first parameter", err);
}

bool sk_top_bonded(const struct sk_raw_top *raw, char section, const char *const *names, int n, int function,
                   double *value)
{
    char key[KEY_LONGEST];
    if (!bonded_key(section, names, n, function, key))
        return false;
    int entry = sk_names_find(&raw->bonded, key, strlen(key));
    if (entry >= 0)
        *value = raw->values[entry];
    return entry >= 0;
}

/* ---- lines of a molecule ---- */

static enum sk_code line_places(const struct sk_raw_top *raw, const struct sk_top_line *line, int n, int *places,
                                struct sk_error *err)
{
    for (int k = 0; k < n; k++) {
        int64_t place;
        if (sk_top_integer(raw, line, k, "atom", 1, INT_MAX, &place, err) != SK_OK)
            return err->code;
        places[k] = (int)place - 1;
    }
    return SK_OK;
}

/* What follows the function: nothing, or all parameters, and of a second state only one of the same length. */
static enum sk_code line_parameters(struct sk_raw_top *raw, const struct sk_top_line *line, int first, int n,
                                    const char *section, struct sk_error *err)
{
    struct sk_raw_moltype *type = &raw->moltypes[raw->nmoltypes - 1];
    int given = line->n - first;
    double value, length = 0;
    bool is_changed = given > n && given != 2 * n;
    if (given > 0 && given < n)
        return sk_preprocess_fail(raw->pp, line->at, err, "%d of %d parameters", given, n);
    for (int k = 0; k < given; k++) {
        if (sk_top_real(raw, line, first + k, "parameter", &value, err) != SK_OK)
            return err->code;
        if (k == 0)
            length = value;
        is_changed |= k == n && value != length;
    }
    if (is_changed && !type->refused) {
        type->refused = section;
        type->refused_at = line->at;
    }
    return SK_OK;
}

static enum sk_code bond_line(struct sk_raw_top *raw, const struct sk_top_line *line, bool is_constraint,
                              struct sk_error *err)
{
    struct sk_raw_moltype *type = &raw->moltypes[raw->nmoltypes - 1];
    struct sk_raw_bond new = {.is_constraint = is_constraint, .at = line->at};
    int place[2];
    int64_t function;
    if (line_places(raw, line, 2, place, err) != SK_OK ||
        sk_top_integer(raw, line, 2, "function", 1, is_constraint ? 2 : 10, &function, err) != SK_OK)
        return err->code;
    new.i = place[0];
    new.j = place[1];
    new.function = (int)function;
    int parameters = is_constraint ? 1 : bond_parameters(new.function);
    if (parameters && line_parameters(raw, line, 3, parameters,
                                      is_constraint ? "constraints (second state of free energy calculations)"
                                                    : "bonds (second state of free energy calculations)",
                                      err) != SK_OK)
        return err->code;
    new.has_length = parameters && line->n > 3;
    if (new.has_length)
        sk_parse_real(line->words[3], &new.length);
    sk_reserve(&type->bonds, &type->bonds_capacity, type->nbonds + 1);
    type->bonds[type->nbonds++] = new;
    return SK_OK;
}

enum sk_code sk_top_bond(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return bond_line(raw, line, false, err);
}

enum sk_code sk_top_constraint(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return bond_line(raw, line, true, err);
}

enum sk_code sk_top_angle(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    struct sk_raw_moltype *type = &raw->moltypes[raw->nmoltypes - 1];
    struct sk_raw_angle new = {.at = line->at, .has_theta = line->n > 4};
    int64_t function;
    if (line_places(raw, line, 3, new.place, err) != SK_OK ||
        sk_top_integer(raw, line, 3, "function", 1, 10, &function, err) != SK_OK ||
        (new.has_theta &&sk_top_real(raw, line, 4, "first parameter", &new.theta, err) != SK_OK))
        return err->code;
    new.function = (int)function;
    sk_reserve(&type->angles, &type->angles_capacity, type->nangles + 1);
    type->angles[type->nangles++] = new;
    return SK_OK;
}
