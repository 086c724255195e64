/* LAMMPS data: styles of bonds, angles, dihedrals and impropers, and what their coefficients mean here. */
#include "read/lammps_internal.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "read/fail.h"
#include "read/number.h"
#include "read/words.h"

#define DEGREE           (0x1.921fb54442d18p1 / 180)
#define MULTIPLICITY_MAX 1000
#define STRETCH          1.25 /* a harmonic bond is hardly ever longer than this, times its length of rest */

/* ---- from the numbers of a line to the parameters of a form; a returned text is what is wrong ---- */

typedef const char *converter(const double *v, const struct sk_data_units *u, struct sk_data_type *type);

static bool is_whole(double x, double least, double most)
{
    return x == rint(x) && x >= least && x <= most;
}

/* K (r - r0)^2: force constants here have a factor of 1/2. */
static const char *bond_harmonic(const double *v, const struct sk_data_units *u, struct sk_data_type *type)
{
    if (v[1] < 0)
        return "r0 is negative";
    type->form = SK_BOND_HARMONIC;
    type->p[0] = type->length = v[1] / u->length;
    type->p[1] = 2.0 * v[0] * u->energy * u->length * u->length;
    type->reach = STRETCH * type->length;
    return NULL;
}

static const char *bond_fene(const double *v, const struct sk_data_units *u, struct sk_data_type *type)
{
    if (!(v[1] > 0) || v[2] < 0 || v[3] < 0)
        return "R0 must be positive, epsilon and sigma not negative";
    type->form = v[2] > 0 && v[3] > 0 ? SK_BOND_FENE_LJ : SK_BOND_FENE;
    type->p[0] = type->reach = v[1] / u->length;
    type->p[1] = v[0] * u->energy * u->length * u->length;
    type->p[2] = type->form == SK_BOND_FENE_LJ ? v[2] * u->energy : 0;
    type->p[3] = type->form == SK_BOND_FENE_LJ ? v[3] / u->length : 0;
    return NULL;
}

static const char *angle_harmonic(const double *v, const struct sk_data_units *u, struct sk_data_type *type)
{
    type->form = v[0] == 0 ? SK_DATA_NOTHING : SK_ANGLE_HARMONIC;
    type->p[0] = type->angle = v[1] * DEGREE;
    type->p[1] = 2.0 * v[0] * u->energy;
    return NULL;
}

/* K (theta - theta0)^2 + Kub (r - rub)^2 */
static const char *angle_charmm(const double *v, const struct sk_data_units *u, struct sk_data_type *type)
{
    if (v[2] == 0)
        return angle_harmonic(v, u, type);
    type->form = SK_ANGLE_UREY_BRADLEY;
    type->p[0] = type->angle = v[1] * DEGREE;
    type->p[1] = 2.0 * v[0] * u->energy;
    type->p[2] = v[3] / u->length;
    type->p[3] = 2.0 * v[2] * u->energy * u->length * u->length;
    return NULL;
}

static void periodic(int form, double k, double n, double degrees, struct sk_data_type *type)
{
    type->form = k == 0 ? SK_DATA_NOTHING : form;
    type->p[0] = degrees * DEGREE;
    type->p[1] = k;
    type->p[2] = n;
}

/* K (1 + cos(n phi - d)), and a pair of the ends with a weight */
static const char *dihedral_charmm(const double *v, const struct sk_data_units *u, struct sk_data_type *type)
{
    if (!is_whole(v[1], 0, MULTIPLICITY_MAX) || !is_whole(v[2], -1e6, 1e6))
        return "n must be a whole number from 0, d a whole number of degrees";
    if (!(v[3] >= 0 && v[3] <= 1))
        return "the weight must be from 0 to 1";
    periodic(SK_DIHEDRAL_PERIODIC, v[0] * u->energy, v[1], v[2], type);
    type->weight14 = v[3];
    return NULL;
}

/* K (1 + d cos(n phi)) */
static const char *signed_periodic(int form, const double *v, const struct sk_data_units *u, struct sk_data_type *type)
{
    if ((v[1] != 1 && v[1] != -1) || !is_whole(v[2], 0, MULTIPLICITY_MAX))
        return "d must be 1 or -1, n a whole number from 0";
    periodic(form, v[0] * u->energy, v[2], v[1] > 0 ? 0 : 180, type);
    return NULL;
}

static const char *dihedral_harmonic(const double *v, const struct sk_data_units *u, struct sk_data_type *type)
{
    return signed_periodic(SK_DIHEDRAL_PERIODIC, v, u, type);
}

static const char *improper_cvff(const double *v, const struct sk_data_units *u, struct sk_data_type *type)
{
    return signed_periodic(SK_IMPROPER_PERIODIC, v, u, type);
}

static void ryckaert(const double c[6], const struct sk_data_units *u, struct sk_data_type *type)
{
    type->form = SK_DATA_NOTHING;
    for (int k = 0; k < 6; k++) {
        type->p[k] = c[k] * u->energy;
        if (c[k] != 0)
            type->form = SK_DIHEDRAL_RYCKAERT;
    }
}

/* 1/2 (K1 (1 + cos phi) + K2 (1 - cos 2 phi) + K3 (1 + cos 3 phi) + K4 (1 - cos 4 phi)), in powers of -cos phi */
static const char *dihedral_opls(const double *v, const struct sk_data_units *u, struct sk_data_type *type)
{
    const double c[6] = {v[1] + 0.5 * (v[0] + v[2]), 0.5 * (3 * v[2] - v[0]), 4 * v[3] - v[1], -2 * v[2], -4 * v[3], 0};
    ryckaert(c, u, type);
    return NULL;
}

/* sum of A(n) cos^(n - 1) phi */
static const char *dihedral_multi_harmonic(const double *v, const struct sk_data_units *u, struct sk_data_type *type)
{
    const double c[6] = {v[0], -v[1], v[2], -v[3], v[4], 0};
    ryckaert(c, u, type);
    return NULL;
}

/* K (chi - chi0)^2 with chi from 0 to pi: LAMMPS takes the angle from its cosine. With chi0 = 0 and 180 that is the
 * signed angle between the planes 1 2 3 and 2 3 4; elsewhere it has a second minimum, which no form here has. */
static const char *improper_harmonic(const double *v, const struct sk_data_units *u, struct sk_data_type *type)
{
    if (v[1] != 0 && v[1] != 180)
        return "chi0 must be 0 or 180 (LAMMPS' angle has no sign, so that others mean two places)";
    type->form = v[0] == 0 ? SK_DATA_NOTHING : SK_IMPROPER_HARMONIC;
    type->p[0] = v[1] * DEGREE;
    type->p[1] = 2.0 * v[0] * u->energy;
    return NULL;
}

/* ---- the table ---- */

struct sk_term_style {
    enum sk_family family;
    const char *name;
    int n; /* numbers */
    const char *numbers;
    converter *convert;
};

static const struct sk_term_style styles[] = {
    {SK_FAMILY_BOND, "harmonic", 2, "K and r0", bond_harmonic},
    {SK_FAMILY_BOND, "fene", 4, "K, R0, epsilon and sigma", bond_fene},
    {SK_FAMILY_ANGLE, "harmonic", 2, "K and theta0", angle_harmonic},
    {SK_FAMILY_ANGLE, "charmm", 4, "K, theta0, K_ub and r_ub", angle_charmm},
    {SK_FAMILY_DIHEDRAL, "charmm", 4, "K, n, d and a weight", dihedral_charmm},
    {SK_FAMILY_DIHEDRAL, "harmonic", 3, "K, d and n", dihedral_harmonic},
    {SK_FAMILY_DIHEDRAL, "opls", 4, "K1, K2, K3 and K4", dihedral_opls},
    {SK_FAMILY_DIHEDRAL, "multi/harmonic", 5, "A1, A2, A3, A4 and A5", dihedral_multi_harmonic},
    {SK_FAMILY_IMPROPER, "harmonic", 2, "K and chi0", improper_harmonic},
    {SK_FAMILY_IMPROPER, "cvff", 3, "K, d and n", improper_cvff},
};
#define STYLES        (sizeof styles / sizeof *styles)
#define BOND_HARMONIC (&styles[0])

/* The style that the first word of text names, or NULL. */
static const struct sk_term_style *find_style(enum sk_family family, const char *text)
{
    size_t n = sk_style_length(text);
    for (size_t i = 0; i < STYLES; i++)
        if (styles[i].family == family && strlen(styles[i].name) == n && memcmp(styles[i].name, text, n) == 0)
            return &styles[i];
    return NULL;
}

static void list_styles(enum sk_family family, char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < STYLES && used < size; i++)
        if (styles[i].family == family)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", styles[i].name);
}

/* ---- coefficients ---- */

/* Sets types first to last from the numbers of a line. */
static const char *set_types(const struct sk_term_style *style, const double *v, const struct sk_data_units *u,
                             struct sk_data_type *types, int first, int last)
{
    struct sk_data_type type = {0};
    const char *wrong = style->convert(v, u, &type);
    for (int k = 0; k < SK_BONDED_VALUES && !wrong; k++)
        if (!isfinite(type.p[k]))
            wrong = "they give no finite number";
    for (int t = first; t <= last && !wrong; t++)
        types[t] = type;
    return wrong;
}

static bool read_numbers(const struct sk_term_style *style, char **words, int n, double *v)
{
    bool is_good = n == style->n;
    for (int k = 0; k < n && is_good; k++)
        is_good = sk_parse_real(words[k], &v[k]);
    return is_good;
}

static enum sk_code coeff_row(struct sk_data_file *file, const struct sk_data_units *u,
                              const struct sk_term_style *style, char **words, int n, struct sk_data_terms *terms,
                              struct sk_error *err)
{
    const char *family = sk_data_families[terms->family].name;
    int64_t type;
    double v[8];
    if (!sk_parse_integer(words[0], &type) || type < 1 || type > terms->ntypes ||
        !read_numbers(style, words + 1, n - 1, v))
        return sk_lines_fail(file->lines, err, "expected %s %s type from 1 to %d, %s (style %s)",
                             *family == 'a' || *family == 'i' ? "an" : "a", family, terms->ntypes, style->numbers,
                             style->name);
    if (terms->types[type - 1].form != SK_DATA_UNKNOWN)
        return sk_lines_fail(file->lines, err, "a second line for %s type %lld", family, (long long)type);
    const char *wrong = set_types(style, v, u, terms->types, (int)type - 1, (int)type - 1);
    return wrong ? sk_lines_fail(file->lines, err, "%s type %lld: %s", family, (long long)type, wrong) : SK_OK;
}

/* The style of a section, by its comment or the run file. */
static enum sk_code coeff_style(const struct sk_data_file *file, struct sk_data_terms *terms, struct sk_error *err)
{
    const struct sk_data_family *family = &sk_data_families[terms->family];
    const struct sk_term_style *hint = find_style(terms->family, file->hint);
    char list[128];
    list_styles(terms->family, list, sizeof list);
    if (file->hint[0] && !hint)
        return sk_lines_fail(file->lines, err, "%s style '%.60s' is not supported; there are %s", family->name,
                             file->hint, list);
    if (hint && terms->style && hint != terms->style)
        return sk_lines_fail(file->lines, err, "%s style '%.60s', but bonded.%s_style = %s", family->name, file->hint,
                             family->name, terms->style->name);
    if (hint)
        terms->style = hint;
    if (!terms->style && terms->family != SK_FAMILY_BOND)
        return sk_lines_fail(file->lines, err,
                             "%s do not say their style; write it behind the section's name (%s # STYLE) or set "
                             "bonded.%s_style: %s",
                             family->coeffs, family->coeffs, family->name, list);
    return SK_OK;
}

enum sk_code sk_data_coeff_section(struct sk_data_file *file, const struct sk_parameters *parameters,
                                   struct sk_data_terms *terms, struct sk_error *err)
{
    const struct sk_data_family *family = &sk_data_families[terms->family];
    struct sk_data_units units = sk_data_units_of(parameters);
    bool is_read = file->header.nterms[terms->family] > 0;
    if (is_read && coeff_style(file, terms, err) != SK_OK) {
        /* Bonds of any style may be rigid, if the run file has their lengths. */
        is_read = false;
        if (terms->family != SK_FAMILY_BOND || !sk_data_has_words(parameters->constraints.bond_lengths))
            return err->code;
    }
    for (int i = 0; i < terms->ntypes; i++) {
        char *words[8];
        int n;
        if (sk_data_row(file, family->coeffs, i, terms->ntypes, words, 8, &n, err) != SK_OK ||
            (is_read && coeff_row(file, &units, terms->style ? terms->style : BOND_HARMONIC, words, n, terms, err)))
            return err->code;
    }
    terms->has_coefficients = is_read;
    for (int t = 0; t < terms->ntypes && !terms->style; t++)
        terms->types[t].form = SK_DATA_UNKNOWN;
    return SK_OK;
}

/* ---- the run file ---- */

static enum sk_code coeff_entry(char *entry, const struct sk_data_units *u, struct sk_data_terms *terms,
                                struct sk_error *err)
{
    const char *family = sk_data_families[terms->family].name;
    char copy[128], *words[8];
    int range[2];
    double v[8];
    snprintf(copy, sizeof copy, "%.120s", entry);
    int n = sk_words_split(entry, words, 8);
    if (n == 0)
        return SK_OK;
    if (n > 8 || !sk_data_type_range(words[0], terms->ntypes, range) ||
        !read_numbers(terms->style, words + 1, n - 1, v))
        return sk_fail(err, SK_EINPUT, "%s_coeff '%s': expected a type from 1 to %d or *, %s (style %s)", family,
                       sk_words_trim(copy), terms->ntypes, terms->style->numbers, terms->style->name);
    const char *wrong = set_types(terms->style, v, u, terms->types, range[0], range[1]);
    return wrong ? sk_fail(err, SK_EINPUT, "%s_coeff '%s': %s", family, sk_words_trim(copy), wrong) : SK_OK;
}

enum sk_code sk_data_coeff_style(const struct sk_parameters *parameters, struct sk_data_terms *terms,
                                 struct sk_error *err)
{
    const char *family = sk_data_families[terms->family].name, *text = parameters->bonded.style[terms->family];
    char list[128];
    text += strspn(text, " \t");
    list_styles(terms->family, list, sizeof list);
    terms->style = find_style(terms->family, text);
    if (*text && (!terms->style || sk_data_has_words(text + strcspn(text, " \t"))))
        return sk_fail(err, SK_EINPUT, "bonded.%s_style: '%.60s' is not supported; there are %s", family, text, list);
    return SK_OK;
}

enum sk_code sk_data_coeff_text(const struct sk_parameters *parameters, struct sk_data_terms *terms,
                                struct sk_error *err)
{
    const char *family = sk_data_families[terms->family].name, *text = parameters->bonded.coeff[terms->family];
    struct sk_data_units units = sk_data_units_of(parameters);
    char copy[SK_TEXT_MAX], list[128];
    if (!sk_data_has_words(text))
        return SK_OK;
    list_styles(terms->family, list, sizeof list);
    if (!terms->style)
        return sk_fail(err, SK_EINPUT, "bonded.%s_coeff needs bonded.%s_style: %s", family, family, list);
    terms->has_coefficients = true;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *entry = copy; entry;) {
        char *end = strchr(entry, ';');
        if (end)
            *end++ = '\0';
        if (coeff_entry(entry, &units, terms, err) != SK_OK)
            return err->code;
        entry = end;
    }
    return SK_OK;
}
