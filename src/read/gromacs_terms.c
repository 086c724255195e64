/* .top: the bonded terms and virtual sites of a template: which lines, with which parameters. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "read/gromacs_internal.h"

#define DEGREE           (0x1.921fb54442d18p1 / 180)
#define MULTIPLICITY_MAX 1000

struct builder {
    struct sk_raw_top *raw;
    const struct sk_raw_moltype *from;
    const struct sk_kind *kinds;
    struct sk_moltype *type;
    struct sk_forcefield *ff;
    size_t capacity;
    char *is_site; /* by place */
    struct sk_error *err;
};

enum sk_code sk_top_check_places(const struct sk_raw_top *raw, const struct sk_raw_moltype *from, const char *section,
                                 const int *place, int n, struct sk_source at, struct sk_error *err)
{
    for (int k = 0; k < n; k++) {
        if ((size_t)place[k] >= from->natoms)
            return sk_preprocess_fail(raw->pp, at, err, "atom %d, but '%s' has %zu atoms", place[k] + 1, from->name,
                                      from->natoms);
        for (int m = 0; m < k; m++)
            if (place[m] == place[k])
                return sk_preprocess_fail(raw->pp, at, err, "[ %s ]: atom %d of molecule type '%s' is named twice",
                                          section, place[k] + 1, from->name);
    }
    return SK_OK;
}

/* ---- virtual sites ---- */

enum sk_code sk_top_build_sites(const struct sk_raw_top *raw, const struct sk_raw_moltype *from,
                                struct sk_moltype *type, struct sk_error *err)
{
    type->sites = sk_calloc(from->nsites, sizeof *type->sites);
    for (size_t s = 0; s < from->nsites; s++) {
        const struct sk_virtual_site *site = &from->sites[s].site;
        const int place[4] = {site->place, site->from[0], site->from[1], site->from[2]};
        int n = sk_virtual_atoms(site->form);
        if (sk_top_check_places(raw, from, n == 2 ? "virtual_sites2" : "virtual_sites3", place, 1 + n,
                                from->sites[s].at, err) != SK_OK)
            return err->code;
        type->sites[type->nsites++] = *site;
    }
    return SK_OK;
}

/* ---- from the parameters of a line to those of a form ---- */

static enum sk_code line_fail(const struct builder *b, const struct sk_raw_term *line, const char *what)
{
    return sk_preprocess_fail(b->raw->pp, line->at, b->err, "%s (molecule type '%s')", what, b->from->name);
}

static void convert_pair(const struct builder *b, const struct sk_raw_term *line, const double *v, double p[3])
{
    const struct sk_moltype *type = b->type;
    int i = line->place[0], j = line->place[1];
    if (line->function == 2) {
        sk_top_lennard_jones(b->raw, v + 3, &p[0], &p[1]);
        p[2] = v[0] * v[1] * v[2];
        return;
    }
    const struct sk_kind *ki = &b->kinds[type->atoms[i].kind], *kj = &b->kinds[type->atoms[j].kind];
    int at = ki->type * b->ff->ntypes + kj->type;
    p[2] = b->raw->fudge_qq * ki->charge * kj->charge;
    if (v) {
        sk_top_lennard_jones(b->raw, v, &p[0], &p[1]);
    } else { /* generated: epsilon, or C6 and C12, are scaled */
        p[0] = b->raw->fudge_lj * b->ff->c6[at];
        p[1] = b->raw->fudge_lj * b->ff->c12[at];
    }
}

static enum sk_code convert_periodic(const struct builder *b, const struct sk_raw_term *line, const double *v,
                                     double p[3])
{
    if (v[2] != rint(v[2]) || fabs(v[2]) > MULTIPLICITY_MAX)
        return line_fail(b, line, "the multiplicity of a dihedral must be a whole number up to 1000");
    /* cos(-n phi - phi0) = cos(n phi + phi0) */
    p[0] = (v[2] < 0 ? -v[0] : v[0]) * DEGREE;
    p[1] = v[1];
    p[2] = fabs(v[2]);
    return SK_OK;
}

/* F1 to F4 of 1/2 (F1 (1 + cos phi) + F2 (1 - cos 2 phi) + F3 (1 + cos 3 phi) + F4 (1 - cos 4 phi)) as powers of
 * cos psi = -cos phi. */
static void convert_fourier(const double f[4], double c[6])
{
    c[0] = f[1] + 0.5 * (f[0] + f[2]);
    c[1] = 0.5 * (3 * f[2] - f[0]);
    c[2] = 4 * f[3] - f[1];
    c[3] = -2 * f[2];
    c[4] = -4 * f[3];
    c[5] = 0;
}

/* v: NULL for a generated pair. */
static enum sk_code convert(const struct builder *b, const struct sk_raw_term *line, int form, const double *v,
                            double p[SK_BONDED_VALUES])
{
    int n = sk_bonded_values(form);
    if (form == SK_PAIR_14)
        convert_pair(b, line, v, p);
    else if (form == SK_DIHEDRAL_PERIODIC || form == SK_IMPROPER_PERIODIC) {
        if (convert_periodic(b, line, v, p) != SK_OK)
            return b->err->code;
    } else if (form == SK_DIHEDRAL_RYCKAERT && line->function == 5)
        convert_fourier(v, p);
    else
        memcpy(p, v, (size_t)n * sizeof *p);
    if (form == SK_ANGLE_HARMONIC || form == SK_ANGLE_G96 || form == SK_ANGLE_UREY_BRADLEY ||
        form == SK_IMPROPER_HARMONIC)
        p[0] *= DEGREE;
    if (form == SK_BOND_FENE && !(p[0] > 0))
        return line_fail(b, line, "the length of a FENE bond must be positive");
    for (int k = 0; k < n; k++)
        if (!isfinite(p[k]))
            return line_fail(b, line, "the parameters give no finite number");
    return SK_OK;
}

/* Angles and dihedrals that say nothing are left out, as in GROMACS. */
static bool is_nothing(int form, const double *p)
{
    if (form == SK_DIHEDRAL_PERIODIC || form == SK_IMPROPER_PERIODIC)
        return p[1] == 0;
    if (form < SK_ANGLE_HARMONIC || form == SK_PAIR_14)
        return false;
    for (int k = 0; k < sk_bonded_values(form); k++)
        if (p[k] != 0)
            return false;
    return true;
}

/* ---- lines ---- */

static void add_term(struct builder *b, int form, int parameter, const int *place)
{
    struct sk_moltype *type = b->type;
    SK_REQUIRE(type->nterms < INT32_MAX);
    sk_reserve(&type->terms, &b->capacity, (size_t)type->nterms + 1);
    struct sk_term *term = &type->terms[type->nterms++];
    term->form = form;
    term->parameter = parameter;
    for (int k = 0; k < SK_BONDED_ATOMS; k++)
        term->atom[k] = k < sk_bonded_atoms(form) ? place[k] : -1;
}

static enum sk_code add_values(struct builder *b, const struct sk_raw_term *line, int form, const double *v)
{
    double p[SK_BONDED_VALUES] = {0};
    if (convert(b, line, form, v, p) != SK_OK)
        return b->err->code;
    if (!is_nothing(form, p))
        add_term(b, form, sk_forcefield_parameter(b->ff, p, sk_bonded_values(form)), line->place);
    return SK_OK;
}

static enum sk_code add_from_types(struct builder *b, int list, const struct sk_raw_term *line, int form)
{
    struct sk_raw_entry *entry = sk_top_find_line(b->raw, b->from, list, line);
    if (!entry && list == SK_TOP_PAIRS && line->function == 1 && b->raw->has_generated_pairs)
        return add_values(b, line, form, NULL);
    if (!entry)
        return sk_top_fail_types(b->raw, b->from, list, line, b->err);
    if (entry->is_perturbed)
        return sk_preprocess_fail(b->raw->pp, line->at, b->err,
                                  "the [ %s ] of this line have a second state (free energy), which is not supported",
                                  sk_top_types_name(list));
    const double *values = b->raw->values + entry->value;
    if (form == SK_CMAP) {
        if (entry->cmap < 0)
            entry->cmap = sk_forcefield_cmap(b->ff, values, entry->nlines);
        add_term(b, form, entry->cmap, line->place);
        return SK_OK;
    }
    for (int k = 0; k < entry->nlines; k++)
        if (add_values(b, line, form, values + k * entry->nvalues) != SK_OK)
            return b->err->code;
    return SK_OK;
}

static enum sk_code add_line(struct builder *b, int list, const struct sk_raw_term *line)
{
    int n = sk_top_list_atoms(list);
    const struct sk_top_function *function = sk_top_function(list, line->function);
    if (sk_top_check_places(b->raw, b->from, sk_top_list_name(list), line->place, n, line->at, b->err) != SK_OK)
        return b->err->code;
    if ((list == SK_TOP_BONDS && sk_top_bond_is_rigid(b->raw, b->type, list, line)) ||
        (list == SK_TOP_ANGLES && sk_top_angle_is_rigid(b->raw, b->type, line)) ||
        (function && function->form == SK_TOP_NO_TERM))
        return SK_OK;
    if (!function || function->form == SK_TOP_NOT_YET)
        return sk_preprocess_fail(b->raw->pp, line->at, b->err,
                                  "[ %s ] of molecule type '%s': function %d is not supported", sk_top_list_name(list),
                                  b->from->name, line->function);
    for (int k = 0; k < n && list != SK_TOP_PAIRS; k++)
        if (b->is_site[line->place[k]])
            return line_fail(b, line, "a virtual site can only be in [ pairs ] and [ exclusions ]");
    return line->nvalues ? add_values(b, line, function->form, b->raw->values + line->value)
                         : add_from_types(b, list, line, function->form);
}

enum sk_code sk_top_build_terms(struct sk_raw_top *raw, const struct sk_raw_moltype *from, const struct sk_kind *kinds,
                                struct sk_moltype *type, struct sk_forcefield *ff, struct sk_error *err)
{
    struct builder b = {.raw = raw, .from = from, .kinds = kinds, .type = type, .ff = ff, .err = err};
    enum sk_code code = SK_OK;
    b.is_site = sk_calloc((size_t)type->natoms, 1);
    for (int s = 0; s < type->nsites; s++)
        b.is_site[type->sites[s].place] = 1;
    for (int list = 0; list < SK_TOP_LISTS; list++)
        for (size_t k = 0; k < from->lists[list].n && !code; k++)
            code = add_line(&b, list, &from->lists[list].terms[k]);
    sk_free(&b.is_site);
    return code;
}
