/* .top: [ bondtypes ], [ constrainttypes ], [ angletypes ], [ dihedraltypes ], [ pairtypes ], [ cmaptypes ]. */
#include <string.h>

#include "base/memory.h"
#include "read/gromacs_internal.h"
#include "read/number.h"

#define CMAP_MAX 60 /* points of a map along one axis */

size_t sk_top_values(struct sk_raw_top *raw, const double *values, int n)
{
    sk_reserve(&raw->values, &raw->values_capacity, raw->nvalues + (size_t)n);
    if (n)
        memcpy(raw->values + raw->nvalues, values, (size_t)n * sizeof *values);
    raw->nvalues += (size_t)n;
    return raw->nvalues - (size_t)n;
}

enum sk_code sk_top_parameters(const struct sk_raw_top *raw, const struct sk_top_line *line, int first, int n,
                               bool is_strict, double *values, bool *is_perturbed, struct sk_error *err)
{
    double other;
    int given = line->n - first;
    *is_perturbed = false;
    for (int k = n; k < given && !is_strict; k++)
        if (!sk_parse_real(line->words[first + k], &other))
            given = k;
    if (given < n)
        return sk_preprocess_fail(raw->pp, line->at, err, "%d of %d parameters", given > 0 ? given : 0, n);
    if (given != n && given != 2 * n)
        return sk_preprocess_fail(raw->pp, line->at, err, "%d parameters, not %d (or %d with a second state)", given, n,
                                  2 * n);
    for (int k = 0; k < given; k++) {
        if (sk_top_real(raw, line, first + k, "parameter", &other, err) != SK_OK)
            return err->code;
        if (k < n)
            values[k] = other;
        else
            *is_perturbed |= other != values[k - n];
    }
    return SK_OK;
}

/* Bonded types may be named before an atom type has them; 'X' is any type, in dihedrals. */
static enum sk_code read_names(struct sk_raw_top *raw, const struct sk_top_line *line, int list, int n, int *name,
                               struct sk_error *err)
{
    char text[SK_NAME_MAX];
    for (int k = 0; k < n; k++) {
        if (sk_top_name(raw, line, k, "type", text, err) != SK_OK)
            return err->code;
        if (list == SK_TOP_DIHEDRALS && strcmp(text, "X") == 0)
            name[k] = SK_TOP_ANY;
        else if (list == SK_TOP_PAIRS)
            name[k] = sk_top_type(raw, text);
        else
            name[k] = sk_names_add(&raw->bonded_names, text, strlen(text));
    }
    return SK_OK;
}

static bool values_equal(const struct sk_raw_top *raw, size_t at, const double *values, int n)
{
    for (int k = 0; k < n; k++)
        if (raw->values[at + (size_t)k] != values[k])
            return false;
    return true;
}

/* What GROMACS does with a line for names that it has parameters for: dihedrals of function 9 gain a line if they are
 * the newest, in the same order of names; the same again says nothing; pairs are not given twice; else the last
 * counts. */
static enum sk_code change_entry(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_raw_entry *entry,
                                 bool may_add, const int *name, const double *values, bool is_perturbed,
                                 struct sk_error *err)
{
    int n = entry->nvalues;
    size_t end = entry->value + (size_t)(n * entry->nlines);
    bool is_newest = end == raw->nvalues;
    if (values_equal(raw, end - (size_t)n, values, n) && entry->is_perturbed == is_perturbed &&
        (entry->nlines == 1 || (may_add && is_newest)))
        return SK_OK;
    bool is_same_order = memcmp(entry->name, name, (size_t)sk_top_list_atoms(entry->list) * sizeof *name) == 0;
    if (may_add && is_newest && is_same_order) {
        sk_top_values(raw, values, n);
        entry->nlines++;
        entry->is_perturbed |= is_perturbed;
        return SK_OK;
    }
    if (may_add || entry->nlines > 1)
        return sk_preprocess_fail(raw->pp, line->at, err,
                                  "a second block of parameters for the same types, which differs; lines for one "
                                  "dihedral must follow each other, with the types in the same order");
    if (entry->list == SK_TOP_PAIRS)
        return sk_preprocess_fail(raw->pp, line->at, err, "the pair %s %s is given a second time, differently",
                                  line->words[0], line->words[1]);
    entry->value = sk_top_values(raw, values, n);
    entry->is_perturbed = is_perturbed;
    return SK_OK;
}

/* A line with its function as word `at`, after names that are read already. */
static enum sk_code define(struct sk_raw_top *raw, const struct sk_top_line *line, int list, int at, const int *name,
                           struct sk_error *err)
{
    int64_t number;
    double values[SK_BONDED_VALUES];
    bool is_perturbed, is_new;
    if (sk_top_integer(raw, line, at, "function", 1, 100, &number, err) != SK_OK)
        return err->code;
    const struct sk_top_function *function = sk_top_function(list, number);
    if (!function || !function->types)
        return SK_OK; /* refused where it is used */
    if (sk_top_parameters(raw, line, at + 1, function->nparameters, false, values, &is_perturbed, err) != SK_OK)
        return err->code;
    struct sk_raw_entry *entry = sk_top_entry(raw, list, function->types, name, &is_new);
    if (!is_new)
        return change_entry(raw, line, entry, list == SK_TOP_DIHEDRALS && number == 9, name, values, is_perturbed, err);
    entry->nlines = 1;
    entry->nvalues = function->nparameters;
    entry->is_perturbed = is_perturbed;
    entry->at = line->at;
    entry->value = sk_top_values(raw, values, entry->nvalues);
    return SK_OK;
}

static enum sk_code define_names(struct sk_raw_top *raw, const struct sk_top_line *line, int list, struct sk_error *err)
{
    int name[SK_BONDED_ATOMS], n = sk_top_list_atoms(list);
    if (read_names(raw, line, list, n, name, err) != SK_OK)
        return err->code;
    return define(raw, line, list, n, name, err);
}

enum sk_code sk_top_bondtype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return define_names(raw, line, SK_TOP_BONDS, err);
}

enum sk_code sk_top_constrainttype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return define_names(raw, line, SK_TOP_CONSTRAINTS, err);
}

enum sk_code sk_top_angletype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return define_names(raw, line, SK_TOP_ANGLES, err);
}

enum sk_code sk_top_pairtype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return define_names(raw, line, SK_TOP_PAIRS, err);
}

static bool is_digit(const struct sk_top_line *line, int word)
{
    return word < line->n && strlen(line->words[word]) == 1 && line->words[word][0] >= '0' &&
           line->words[word][0] <= '9';
}

/* Four types, or two: the middle ones, of the harmonic improper (2) the outer ones. */
enum sk_code sk_top_dihedraltype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    int name[4];
    bool has_two = is_digit(line, 2);
    if (!has_two && !is_digit(line, 4))
        return sk_preprocess_fail(raw->pp, line->at, err,
                                  "expected: four types, or two, and a function of one digit with its parameters");
    if (read_names(raw, line, SK_TOP_DIHEDRALS, has_two ? 2 : 4, name, err) != SK_OK)
        return err->code;
    if (!has_two)
        return define(raw, line, SK_TOP_DIHEDRALS, 4, name, err);
    bool is_improper = line->words[2][0] == '2';
    const int outer[4] = {name[0], SK_TOP_ANY, SK_TOP_ANY, name[1]};
    const int middle[4] = {SK_TOP_ANY, name[0], name[1], SK_TOP_ANY};
    return define(raw, line, SK_TOP_DIHEDRALS, 2, is_improper ? outer : middle, err);
}

enum sk_code sk_top_cmaptype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    int name[SK_BONDED_ATOMS];
    int64_t function, n[2];
    bool is_new, is_perturbed;
    if (read_names(raw, line, SK_TOP_CMAP, 5, name, err) != SK_OK ||
        sk_top_integer(raw, line, 5, "function", 1, 1, &function, err) != SK_OK ||
        sk_top_integer(raw, line, 6, "number of points", 2, CMAP_MAX, &n[0], err) != SK_OK ||
        sk_top_integer(raw, line, 7, "number of points", n[0], n[0], &n[1], err) != SK_OK)
        return err->code;
    int nvalues = (int)(n[0] * n[0]);
    double *values = sk_alloc((size_t)nvalues, sizeof *values);
    enum sk_code code = sk_top_parameters(raw, line, 8, nvalues, true, values, &is_perturbed, err);
    struct sk_raw_entry *entry = code ? NULL : sk_top_entry(raw, SK_TOP_CMAP, 1, name, &is_new);
    if (entry && !is_new && !(entry->nvalues == nvalues && values_equal(raw, entry->value, values, nvalues)))
        code = sk_preprocess_fail(raw->pp, line->at, err, "a map for these types is given a second time, differently");
    if (entry && is_new) {
        entry->nlines = (int)n[0];
        entry->nvalues = nvalues;
        entry->at = line->at;
        entry->value = sk_top_values(raw, values, nvalues);
    }
    sk_free(&values);
    return code;
}
