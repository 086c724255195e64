/* LAMMPS data: which bonds and angles are rigid, and whether all terms have what they need. */
#include "read/lammps_internal.h"

#include <string.h>

#include "base/memory.h"
#include "read/number.h"

#define HYDROGEN_MOST 1.1 /* amu */

bool sk_data_has_words(const char *text)
{
    return text[strspn(text, " \t;")] != '\0';
}

/* ---- the run file's lists ---- */

static enum sk_code read_types(struct sk_data_terms *terms, const char *text, struct sk_error *err)
{
    const char *family = sk_data_families[terms->family].name;
    char copy[SK_TEXT_MAX], *word, *rest = copy;
    snprintf(copy, sizeof copy, "%s", text);
    while ((word = strtok_r(rest, " \t", &rest))) {
        int64_t type;
        if (!sk_parse_integer(word, &type) || type < 1 || type > terms->ntypes)
            return sk_fail(err, SK_EINPUT, "constraints.%s_types: '%.40s' is not %s type from 1 to %d", family, word,
                           terms->family == SK_FAMILY_ANGLE ? "an angle" : "a bond", terms->ntypes);
        terms->types[type - 1].is_rigid = true;
    }
    return SK_OK;
}

static enum sk_code read_lengths(struct sk_data_terms *bonds, const char *text, double unit, struct sk_error *err)
{
    char copy[SK_TEXT_MAX], *word, *rest = copy;
    int n = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (; (word = strtok_r(rest, " \t", &rest)); n++) {
        double length;
        if (!sk_parse_real(word, &length) || !(length > 0))
            return sk_fail(err, SK_EINPUT, "constraints.bond_lengths: '%.40s' is not a positive number", word);
        if (n < bonds->ntypes)
            bonds->types[n].length = length / unit;
    }
    if (n != bonds->ntypes)
        return sk_fail(err, SK_EINPUT, "constraints.bond_lengths: %d lengths for %d bond types", n, bonds->ntypes);
    return SK_OK;
}

static enum sk_code bond_rules(struct sk_data_terms *bonds, const struct sk_parameters *parameters, const char *name,
                               struct sk_error *err)
{
    enum sk_bonds rule = parameters->constraints.bonds;
    const char *lengths = parameters->constraints.bond_lengths;
    bool has_lengths = false;
    if (rule == SK_BONDS_H_ANGLES)
        return sk_fail(err, SK_EINPUT,
                       "%.400s: 'bonds = h-angles' is for topologies; name the types of rigid angles with "
                       "'angle_types'",
                       name);
    if (rule == SK_BONDS_H_BONDS && !parameters->system.is_real)
        return sk_fail(err, SK_EINPUT,
                       "%.400s: 'bonds = h-bonds' goes by the mass of hydrogen and needs units = real; name the bond "
                       "types with 'bond_types'",
                       name);
    for (int t = 0; t < bonds->ntypes; t++) {
        bonds->types[t].is_rigid = rule == SK_BONDS_ALL;
        has_lengths |= bonds->types[t].length > 0;
    }
    if (read_types(bonds, parameters->constraints.bond_types, err) != SK_OK)
        return err->code;
    if (!sk_data_has_words(lengths))
        return SK_OK;
    if (has_lengths)
        return sk_fail(err, SK_EINPUT,
                       "%.400s: has the lengths of bonds, and so has constraints.bond_lengths; remove one", name);
    return read_lengths(bonds, lengths, sk_data_units_of(parameters).length, err);
}

enum sk_code sk_data_rules(struct sk_data_terms *terms, const struct sk_parameters *parameters, const char *name,
                           struct sk_error *err)
{
    if (terms->family == SK_FAMILY_BOND)
        return bond_rules(terms, parameters, name, err);
    return terms->family == SK_FAMILY_ANGLE ? read_types(terms, parameters->constraints.angle_types, err) : SK_OK;
}

/* ---- each term ---- */

enum need { HAS_ALL, NEEDS_LENGTH, NEEDS_STYLE, NEEDS_COEFFICIENTS };

static enum need need_of(const struct sk_data_terms *terms, const struct sk_data_term *term)
{
    const struct sk_data_type *type = &terms->types[term->type];
    if (terms->family == SK_FAMILY_BOND && term->is_rigid)
        return type->length > 0 ? HAS_ALL : NEEDS_LENGTH;
    if (type->form != SK_DATA_UNKNOWN)
        return HAS_ALL;
    return terms->has_coefficients && !terms->style ? NEEDS_STYLE : NEEDS_COEFFICIENTS;
}

static enum sk_code fail(enum need need, const struct sk_data_terms *terms, const struct sk_data_term *term,
                         const char *name, struct sk_error *err)
{
    const struct sk_data_family *family = &sk_data_families[terms->family];
    const char *a = terms->family == SK_FAMILY_BOND ? "the bond of atoms" : "the term that begins with atoms";
    if (need == NEEDS_LENGTH)
        return sk_fail(err, SK_EINPUT,
                       "%.400s:%lld: no length for bond type %d, which is rigid; add a section Bond Coeffs # harmonic "
                       "or set constraints.bond_lengths",
                       name, (long long)term->line, term->type + 1);
    if (need == NEEDS_STYLE)
        return sk_fail(err, SK_EINPUT,
                       "%.400s:%lld: %s %lld and %lld (type %d) is not rigid, but %s do not say their style; write it "
                       "behind the section's name (%s # STYLE) or set bonded.%s_style",
                       name, (long long)term->line, a, (long long)term->atom[0] + 1, (long long)term->atom[1] + 1,
                       term->type + 1, family->coeffs, family->coeffs, family->name);
    return sk_fail(err, SK_EINPUT,
                   "%.400s:%lld: no coefficients for %s type %d; add a section %s # STYLE, or set bonded.%s_style and "
                   "bonded.%s_coeff",
                   name, (long long)term->line, family->name, term->type + 1, family->coeffs, family->name,
                   family->name);
}

enum sk_code sk_data_check(struct sk_data_terms *terms, const struct sk_parameters *parameters,
                           const struct sk_topology *top, const int32_t *kind, const char *name, struct sk_error *err)
{
    const struct sk_data_term *first = NULL;
    bool is_bond = terms->family == SK_FAMILY_BOND;
    for (int64_t t = 0; t < terms->n; t++) {
        struct sk_data_term *term = &terms->term[t];
        term->is_rigid = terms->types[term->type].is_rigid;
        if (is_bond && parameters->constraints.bonds == SK_BONDS_H_BONDS)
            for (int k = 0; k < 2; k++)
                term->is_rigid |= top->kinds[kind[term->atom[k]]].mass <= HYDROGEN_MOST;
        if (need_of(terms, term) != HAS_ALL && (!first || term->line < first->line))
            first = term;
    }
    return first ? fail(need_of(terms, first), terms, first, name, err) : SK_OK;
}
