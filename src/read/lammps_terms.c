/* LAMMPS data: lines of Bonds, Angles, Dihedrals and Impropers, and the order in which molecules are cut from them. */
#include "read/lammps_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "read/fail.h"
#include "read/number.h"

void sk_data_terms_init(struct sk_data_terms *terms, enum sk_family family, const struct sk_data_header *header)
{
    memset(terms, 0, sizeof *terms);
    terms->family = family;
    terms->ntypes = header->nterm_types[family];
    terms->types = sk_calloc((size_t)terms->ntypes, sizeof *terms->types);
    for (int t = 0; t < terms->ntypes; t++)
        terms->types[t].form = SK_DATA_UNKNOWN;
}

void sk_data_terms_clear(struct sk_data_terms *terms)
{
    sk_free(&terms->types);
    sk_free(&terms->term);
}

/* ---- lines ---- */

/* A term read backwards is the same term: the lower end comes first. */
static void turn(struct sk_data_term *term, int natoms)
{
    if (term->atom[0] < term->atom[natoms - 1])
        return;
    for (int k = 0; k < natoms / 2; k++) {
        int64_t id = term->atom[k];
        term->atom[k] = term->atom[natoms - 1 - k];
        term->atom[natoms - 1 - k] = id;
    }
}

static enum sk_code term_row(const struct sk_data_file *file, char **words, int n, const struct sk_data_terms *terms,
                             struct sk_data_term *term, struct sk_error *err)
{
    static const char *const counts[] = {"", "", "two", "three", "four"};
    const struct sk_data_family *family = &sk_data_families[terms->family];
    int64_t number, type;
    if (n != 2 + family->natoms || !sk_parse_integer(words[0], &number))
        return sk_lines_fail(file->lines, err, "%s: expected a number, a type and %s atom ids", family->terms,
                             counts[family->natoms]);
    if (!sk_parse_integer(words[1], &type) || type < 1 || type > terms->ntypes)
        return sk_lines_fail(file->lines, err, "%s type '%.40s' is not a whole number from 1 to %d", family->name,
                             words[1], terms->ntypes);
    for (int k = 0; k < 4; k++)
        term->atom[k] = -1;
    for (int k = 0; k < family->natoms; k++) {
        int64_t id;
        if (sk_data_id(file, words[2 + k], &id, err) != SK_OK)
            return err->code;
        for (int m = 0; m < k; m++)
            if (term->atom[m] == id - 1)
                return sk_lines_fail(file->lines, err, "%s: atom %lld is named twice", family->terms, (long long)id);
        term->atom[k] = id - 1;
    }
    turn(term, family->natoms);
    term->type = (int)type - 1;
    term->line = file->lines->number;
    term->is_rigid = false;
    return SK_OK;
}

enum sk_code sk_data_term_section(struct sk_data_file *file, struct sk_data_terms *terms, struct sk_error *err)
{
    const struct sk_data_family *family = &sk_data_families[terms->family];
    int64_t total = file->header.nterms[terms->family];
    if (total == 0)
        return sk_lines_fail(file->lines, err, "%s, but the header has no line 'N %ss'", family->terms, family->name);
    for (int64_t i = 0; i < total; i++) {
        char *words[6];
        int n;
        /* Grows with what the file has, not with what its header claims. */
        sk_reserve(&terms->term, &terms->capacity, (size_t)i + 1);
        if (sk_data_row(file, family->terms, i, total, words, 6, &n, err) != SK_OK ||
            term_row(file, words, n, terms, &terms->term[i], err) != SK_OK)
            return err->code;
        terms->n = i + 1;
    }
    return SK_OK;
}

/* ---- order ---- */

int64_t sk_data_term_low(const struct sk_data_term *term)
{
    int64_t low = term->atom[0];
    for (int k = 1; k < 4 && term->atom[k] >= 0; k++)
        low = term->atom[k] < low ? term->atom[k] : low;
    return low;
}

int64_t sk_data_term_high(const struct sk_data_term *term)
{
    int64_t high = term->atom[0];
    for (int k = 1; k < 4; k++)
        high = term->atom[k] > high ? term->atom[k] : high;
    return high;
}

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* By lowest atom, then by all atoms, then by type, then by line. */
static int compare_terms(const void *a, const void *b)
{
    const struct sk_data_term *p = a, *q = b;
    int order = compare(sk_data_term_low(p), sk_data_term_low(q));
    for (int k = 0; k < 4 && !order; k++)
        order = compare(p->atom[k], q->atom[k]);
    if (!order)
        order = compare(p->type, q->type);
    return order ? order : compare(p->line, q->line);
}

enum sk_code sk_data_terms_sort(struct sk_data_terms *terms, const char *name, struct sk_error *err)
{
    if (terms->n)
        qsort(terms->term, (size_t)terms->n, sizeof *terms->term, compare_terms);
    for (int64_t b = 1; b < terms->n && terms->family == SK_FAMILY_BOND; b++) {
        const struct sk_data_term *p = &terms->term[b - 1], *q = &terms->term[b];
        if (p->atom[0] == q->atom[0] && p->atom[1] == q->atom[1])
            return sk_fail(err, SK_EINPUT, "%.400s:%lld: a second bond of atoms %lld and %lld, first in line %lld",
                           name, (long long)(p->line > q->line ? p : q)->line, (long long)q->atom[0] + 1,
                           (long long)q->atom[1] + 1, (long long)(p->line > q->line ? q : p)->line);
    }
    return SK_OK;
}
