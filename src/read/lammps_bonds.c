/* LAMMPS data: bond coefficients, bonds, and which of them are rigid. */
#include "read/lammps_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "read/fail.h"
#include "read/number.h"
#include "read/words.h"

void sk_data_bonds_init(struct sk_data_bonds *bonds, const struct sk_data_header *header)
{
    memset(bonds, 0, sizeof *bonds);
    bonds->ntypes = header->nbond_types;
    bonds->length = sk_calloc((size_t)bonds->ntypes, sizeof *bonds->length);
    bonds->is_rigid = sk_calloc((size_t)bonds->ntypes, sizeof *bonds->is_rigid);
}

void sk_data_bonds_clear(struct sk_data_bonds *bonds)
{
    sk_free(&bonds->length);
    sk_free(&bonds->is_rigid);
    sk_free(&bonds->bond);
}

enum sk_code sk_data_bond_coeffs(struct sk_data_file *file, bool has_lengths, struct sk_data_bonds *bonds,
                                 struct sk_error *err)
{
    bool is_harmonic = !file->hint[0] || strcmp(file->hint, "harmonic") == 0;
    if (!is_harmonic && !has_lengths)
        return sk_lines_fail(file->lines, err,
                             "bond style '%.60s' says no length; only harmonic does (or set constraints.bond_lengths)",
                             file->hint);
    for (int i = 0; i < bonds->ntypes; i++) {
        char *words[8];
        int n;
        int64_t type;
        double strength, length;
        if (sk_data_row(file, "Bond Coeffs", i, bonds->ntypes, words, 8, &n, err) != SK_OK)
            return err->code;
        if (!is_harmonic)
            continue;
        if (n != 3 || !sk_parse_integer(words[0], &type) || type < 1 || type > bonds->ntypes ||
            !sk_parse_real(words[1], &strength) || !sk_parse_real(words[2], &length))
            return sk_lines_fail(file->lines, err, "expected a bond type from 1 to %d, K and r0 (style harmonic)",
                                 bonds->ntypes);
        if (!(length > 0))
            return sk_lines_fail(file->lines, err, "length %g of bond type %lld is not positive", length,
                                 (long long)type);
        if (bonds->length[type - 1] > 0)
            return sk_lines_fail(file->lines, err, "a second line for bond type %lld", (long long)type);
        bonds->length[type - 1] = length;
    }
    bonds->has_coefficients = is_harmonic;
    return SK_OK;
}

/* Lines: number, type, two atoms. */
static enum sk_code bond_row(const struct sk_data_file *file, char **words, int n, const struct sk_data_bonds *bonds,
                             struct sk_data_bond *bond, struct sk_error *err)
{
    int64_t number, type, atom[2];
    if (n != 4 || !sk_parse_integer(words[0], &number))
        return sk_lines_fail(file->lines, err, "expected a bond's number, its type and two atom ids");
    if (!sk_parse_integer(words[1], &type) || type < 1 || type > bonds->ntypes)
        return sk_lines_fail(file->lines, err, "bond type '%.40s' is not a whole number from 1 to %d", words[1],
                             bonds->ntypes);
    for (int k = 0; k < 2; k++)
        if (sk_data_id(file, words[2 + k], &atom[k], err) != SK_OK)
            return err->code;
    if (atom[0] == atom[1])
        return sk_lines_fail(file->lines, err, "a bond of atom %lld to itself", (long long)atom[0]);
    bond->i = (atom[0] < atom[1] ? atom[0] : atom[1]) - 1;
    bond->j = (atom[0] < atom[1] ? atom[1] : atom[0]) - 1;
    bond->type = (int)type - 1;
    bond->line = file->lines->number;
    return SK_OK;
}

enum sk_code sk_data_bond_section(struct sk_data_file *file, struct sk_data_bonds *bonds, struct sk_error *err)
{
    int64_t total = file->header.nbonds;
    size_t capacity = 0;
    if (total == 0)
        return sk_lines_fail(file->lines, err, "Bonds, but the header has no line 'N bonds'");
    for (int64_t i = 0; i < total; i++) {
        char *words[4];
        int n;
        /* Grows with what the file has, not with what its header claims. */
        sk_reserve(&bonds->bond, &capacity, (size_t)i + 1);
        if (sk_data_row(file, "Bonds", i, total, words, 4, &n, err) != SK_OK ||
            bond_row(file, words, n, bonds, &bonds->bond[i], err) != SK_OK)
            return err->code;
        bonds->n = i + 1;
    }
    return SK_OK;
}

/* ---- the run file's lists ---- */

static enum sk_code bonds_read_types(struct sk_data_bonds *bonds, const char *text, struct sk_error *err)
{
    char copy[SK_TEXT_MAX], *word, *rest = copy;
    snprintf(copy, sizeof copy, "%s", text);
    while ((word = strtok_r(rest, " \t", &rest))) {
        int64_t type;
        if (!sk_parse_integer(word, &type) || type < 1 || type > bonds->ntypes)
            return sk_fail(err, SK_EINPUT, "constraints.bond_types: '%.40s' is not a bond type from 1 to %d", word,
                           bonds->ntypes);
        bonds->is_rigid[type - 1] = true;
    }
    return SK_OK;
}

static enum sk_code bonds_read_lengths(struct sk_data_bonds *bonds, const char *text, struct sk_error *err)
{
    char copy[SK_TEXT_MAX], *word, *rest = copy;
    int n = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (; (word = strtok_r(rest, " \t", &rest)); n++) {
        double length;
        if (!sk_parse_real(word, &length) || !(length > 0))
            return sk_fail(err, SK_EINPUT, "constraints.bond_lengths: '%.40s' is not a positive number", word);
        if (n < bonds->ntypes)
            bonds->length[n] = length;
    }
    if (n != bonds->ntypes)
        return sk_fail(err, SK_EINPUT, "constraints.bond_lengths: %d lengths for %d bond types", n, bonds->ntypes);
    return SK_OK;
}

enum sk_code sk_data_bonds_rules(struct sk_data_bonds *bonds, const struct sk_parameters *parameters, const char *name,
                                 struct sk_error *err)
{
    enum sk_bonds rule = parameters->constraints.bonds;
    const char *types = parameters->constraints.bond_types, *lengths = parameters->constraints.bond_lengths;
    if (rule == SK_BONDS_H_ANGLES)
        return sk_fail(err, SK_EINPUT, "%.400s: 'bonds = h-angles' needs angles, which are not read from data files",
                       name);
    if (rule == SK_BONDS_H_BONDS && !parameters->system.is_real)
        return sk_fail(err, SK_EINPUT,
                       "%.400s: 'bonds = h-bonds' goes by the mass of hydrogen and needs units = real; name the bond "
                       "types with 'bond_types'",
                       name);
    for (int t = 0; t < bonds->ntypes; t++)
        bonds->is_rigid[t] = rule == SK_BONDS_ALL;
    if (bonds_read_types(bonds, types, err) != SK_OK)
        return err->code;
    if (!sk_data_has_words(lengths))
        return SK_OK;
    if (bonds->has_coefficients)
        return sk_fail(err, SK_EINPUT,
                       "%.400s: has the lengths of bonds, and so has constraints.bond_lengths; remove one", name);
    return bonds_read_lengths(bonds, lengths, err);
}

bool sk_data_has_words(const char *text)
{
    return text[strspn(text, " \t;")] != '\0';
}

/* ---- order and rigidity ---- */

static int compare_bonds(const void *a, const void *b)
{
    const struct sk_data_bond *p = a, *q = b;
    if (p->i != q->i)
        return p->i < q->i ? -1 : 1;
    if (p->j != q->j)
        return p->j < q->j ? -1 : 1;
    return (p->line > q->line) - (p->line < q->line);
}

enum sk_code sk_data_bonds_sort(struct sk_data_bonds *bonds, const char *name, struct sk_error *err)
{
    if (bonds->n)
        qsort(bonds->bond, (size_t)bonds->n, sizeof *bonds->bond, compare_bonds);
    for (int64_t b = 1; b < bonds->n; b++)
        if (bonds->bond[b].i == bonds->bond[b - 1].i && bonds->bond[b].j == bonds->bond[b - 1].j)
            return sk_fail(err, SK_EINPUT, "%.400s:%lld: a second bond of atoms %lld and %lld, first in line %lld",
                           name, (long long)bonds->bond[b].line, (long long)bonds->bond[b].i + 1,
                           (long long)bonds->bond[b].j + 1, (long long)bonds->bond[b - 1].line);
    return SK_OK;
}

enum sk_code sk_data_bonds_check(const struct sk_data_bonds *bonds, const struct sk_parameters *parameters,
                                 const struct sk_topology *top, const int32_t *kind, const char *name,
                                 struct sk_error *err)
{
    const struct sk_data_bond *loose = NULL, *unknown = NULL;
    for (int64_t b = 0; b < bonds->n; b++) {
        const struct sk_data_bond *bond = &bonds->bond[b];
        double mass_i = top->kinds[kind[bond->i]].mass, mass_j = top->kinds[kind[bond->j]].mass;
        double mass = mass_i < mass_j ? mass_i : mass_j;
        bool is_hydrogen = parameters->constraints.bonds == SK_BONDS_H_BONDS && mass <= 1.1;
        if (!bonds->is_rigid[bond->type] && !is_hydrogen && (!loose || bond->line < loose->line))
            loose = bond;
        if (!(bonds->length[bond->type] > 0) && (!unknown || bond->line < unknown->line))
            unknown = bond;
    }
    if (loose)
        return sk_fail(err, SK_EINPUT,
                       "%.400s:%lld: the bond of atoms %lld and %lld (type %d) is not rigid, and such bonds are not "
                       "supported yet ('bonds = all-bonds' in [constraints] makes all rigid)",
                       name, (long long)loose->line, (long long)loose->i + 1, (long long)loose->j + 1, loose->type + 1);
    if (unknown)
        return sk_fail(err, SK_EINPUT,
                       "%.400s:%lld: no length for bond type %d; add a section Bond Coeffs # harmonic or set "
                       "constraints.bond_lengths",
                       name, (long long)unknown->line, unknown->type + 1);
    return SK_OK;
}
