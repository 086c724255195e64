/* .top: lines of [ bonds ], [ constraints ], [ angles ], [ dihedrals ], [ cmap ], [ pairs ], [ position_restraints ]
 * and virtual sites of a molecule. */
#include <limits.h>
#include <string.h>

#include "base/memory.h"
#include "read/gromacs_internal.h"

void sk_top_refuse(struct sk_raw_top *raw, const char *what, struct sk_source at)
{
    struct sk_raw_moltype *type = &raw->moltypes[raw->nmoltypes - 1];
    if (!type->refused) {
        type->refused = what;
        type->refused_at = at;
    }
}

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

static const char *const perturbed[SK_TOP_LISTS] = {
    [SK_TOP_BONDS] = "bonds (second state of free energy calculations)",
    [SK_TOP_CONSTRAINTS] = "constraints (second state of free energy calculations)",
    [SK_TOP_ANGLES] = "angles (second state of free energy calculations)",
    [SK_TOP_DIHEDRALS] = "dihedrals (second state of free energy calculations)",
    [SK_TOP_PAIRS] = "pairs (second state of free energy calculations)",
    [SK_TOP_POSITIONS] = "position_restraints (second state of free energy calculations)",
};

/* Functions that are not known are kept, to be refused where they are used. */
static enum sk_code term_line(struct sk_raw_top *raw, const struct sk_top_line *line, int list, int most,
                              struct sk_error *err)
{
    int n = sk_top_list_atoms(list);
    int64_t number = 1; /* as in GROMACS, when there is none */
    struct sk_raw_term new = {.at = line->at};
    double values[SK_BONDED_VALUES];
    bool is_perturbed = false;
    if (line_places(raw, line, n, new.place, err) != SK_OK ||
        (line->n != n && sk_top_integer(raw, line, n, "function", 1, most, &number, err) != SK_OK))
        return err->code;
    new.function = (int)number;
    const struct sk_top_function *function = sk_top_function(list, number);
    if (function && function->nparameters && line->n > n + 1) {
        if (sk_top_parameters(raw, line, n + 1, function->nparameters, true, values, &is_perturbed, err) != SK_OK)
            return err->code;
        new.nvalues = function->nparameters;
        new.value = sk_top_values(raw, values, new.nvalues);
    }
    if (is_perturbed)
        sk_top_refuse(raw, perturbed[list], line->at);
    struct sk_raw_list *to = &raw->moltypes[raw->nmoltypes - 1].lists[list];
    sk_reserve(&to->terms, &to->capacity, to->n + 1);
    to->terms[to->n++] = new;
    return SK_OK;
}

enum sk_code sk_top_bond(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return term_line(raw, line, SK_TOP_BONDS, 10, err);
}

enum sk_code sk_top_constraint(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return term_line(raw, line, SK_TOP_CONSTRAINTS, 2, err);
}

enum sk_code sk_top_angle(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return term_line(raw, line, SK_TOP_ANGLES, 10, err);
}

enum sk_code sk_top_dihedral(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return term_line(raw, line, SK_TOP_DIHEDRALS, 11, err);
}

enum sk_code sk_top_pair(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return term_line(raw, line, SK_TOP_PAIRS, 2, err);
}

enum sk_code sk_top_cmap(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return term_line(raw, line, SK_TOP_CMAP, 1, err);
}

enum sk_code sk_top_position(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return term_line(raw, line, SK_TOP_POSITIONS, 2, err);
}

/* ---- virtual sites ---- */

/* A site from n atoms; form < 0: a function that is not supported. */
static enum sk_code site_line(struct sk_raw_top *raw, const struct sk_top_line *line, int n, int form, const char *what,
                              struct sk_error *err)
{
    struct sk_raw_moltype *type = &raw->moltypes[raw->nmoltypes - 1];
    struct sk_raw_site new = {.at = line->at, .site = {.form = form, .from = {-1, -1, -1}}};
    int place[4], nvalues = form == SK_VIRTUAL_2 ? 1 : form == SK_VIRTUAL_3 ? 2 : 3;
    double values[3] = {0};
    bool is_perturbed;
    if (form < 0) {
        sk_top_refuse(raw, what, line->at);
        return SK_OK;
    }
    if (line_places(raw, line, n + 1, place, err) != SK_OK)
        return err->code;
    if (line->n - (n + 2) > nvalues)
        return sk_preprocess_fail(raw->pp, line->at, err, "%d parameters, not %d", line->n - (n + 2), nvalues);
    if (sk_top_parameters(raw, line, n + 2, nvalues, true, values, &is_perturbed, err) != SK_OK)
        return err->code;
    new.site.place = place[0];
    memcpy(new.site.from, place + 1, (size_t)n * sizeof *place);
    new.site.a = values[0];
    new.site.b = values[1];
    new.site.c = values[2];
    sk_reserve(&type->sites, &type->sites_capacity, type->nsites + 1);
    type->sites[type->nsites++] = new;
    return SK_OK;
}

enum sk_code sk_top_site2(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    int64_t function;
    if (sk_top_integer(raw, line, 3, "function", 1, 2, &function, err) != SK_OK)
        return err->code;
    return site_line(raw, line, 2, function == 1 ? SK_VIRTUAL_2 : -1, "virtual_sites2 (function 2)", err);
}

enum sk_code sk_top_site3(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    int64_t function;
    if (sk_top_integer(raw, line, 4, "function", 1, 4, &function, err) != SK_OK)
        return err->code;
    int form = function == 1 ? SK_VIRTUAL_3 : function == 4 ? SK_VIRTUAL_3_OUT : -1;
    return site_line(raw, line, 3, form, function == 2 ? "virtual_sites3 (function 2)" : "virtual_sites3 (function 3)",
                     err);
}
