/* LAMMPS data: header, sections, rows. */
#include "read/lammps_internal.h"

#include <math.h>
#include <string.h>

#include "read/fail.h"
#include "read/number.h"
#include "read/words.h"

struct sk_data_units sk_data_units_of(const struct sk_parameters *parameters)
{
    /* real: A, kcal/mol, A/fs. */
    struct sk_data_units real = {10.0, 4.184, 100.0}, lj = {1.0, 1.0, 1.0};
    return parameters->system.is_real ? real : lj;
}

double sk_data_coulomb(const struct sk_parameters *parameters)
{
    return parameters->system.is_real ? 332.06371 * 4.184 / 10.0 : sk_units_of(parameters->units).coulomb;
}

const struct sk_data_family sk_data_families[SK_FAMILIES] = {
    [SK_FAMILY_BOND] = {"bond", "Bonds", "Bond Coeffs", 2},
    [SK_FAMILY_ANGLE] = {"angle", "Angles", "Angle Coeffs", 3},
    [SK_FAMILY_DIHEDRAL] = {"dihedral", "Dihedrals", "Dihedral Coeffs", 4},
    [SK_FAMILY_IMPROPER] = {"improper", "Impropers", "Improper Coeffs", 4},
};

bool sk_data_has_terms(const struct sk_data_header *header)
{
    bool has_terms = false;
    for (int f = 0; f < SK_FAMILIES; f++)
        has_terms |= header->nterms[f] > 0;
    return has_terms;
}

/* ---- header ---- */

/* Counts that must be zero, and counts that say how much memory LAMMPS should reserve. */
static const char *const header_refused[] = {"ellipsoids", "lines", "triangles", "bodies"};
static const char *const header_ignored[] = {"extra bond per atom", "extra angle per atom", "extra dihedral per atom",
                                             "extra improper per atom", "extra special per atom"};

static enum sk_code header_bounds(struct sk_data_file *file, char **words, int axis, struct sk_error *err)
{
    double lo, hi;
    if (!sk_parse_real(words[0], &lo) || !sk_parse_real(words[1], &hi))
        return sk_lines_fail(file->lines, err, "box bounds '%.40s' and '%.40s' are not numbers", words[0], words[1]);
    if (!(hi > lo) || !isfinite(hi - lo))
        return sk_lines_fail(file->lines, err, "box bounds %g and %g along %c leave no room", lo, hi, "xyz"[axis]);
    file->header.has_bounds[axis] = true;
    file->header.lo[axis] = lo;
    file->header.hi[axis] = hi;
    return SK_OK;
}

static enum sk_code header_tilt(struct sk_data_file *file, char **words, struct sk_error *err)
{
    for (int k = 0; k < 3; k++)
        if (!sk_parse_real(words[k], &file->header.tilt[k]) || !(fabs(file->header.tilt[k]) < 1e9))
            return sk_lines_fail(file->lines, err, "tilt factor '%.40s' is not a number below 1e9", words[k]);
    return SK_OK;
}

struct sk_box sk_data_box(const struct sk_data_header *header, double length)
{
    struct sk_box box;
    for (int k = 0; k < 3; k++) {
        box.edge[k] = (header->hi[k] - header->lo[k]) / length;
        box.tilt[k] = header->tilt[k] / length;
    }
    return box;
}

static bool is_listed(const char *text, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}
#define IS_LISTED(text, list) is_listed(text, list, sizeof(list) / sizeof *(list))

/* The family that "bonds" or "bond types" counts; -1: none. */
static int counted_family(const char *what, bool *is_types)
{
    for (int f = 0; f < SK_FAMILIES; f++) {
        size_t n = strlen(sk_data_families[f].name);
        if (strncmp(what, sk_data_families[f].name, n) != 0)
            continue;
        *is_types = strcmp(what + n, " types") == 0;
        if (*is_types || strcmp(what + n, "s") == 0)
            return f;
    }
    return -1;
}

static enum sk_code count_atoms(struct sk_data_file *file, int64_t count, bool is_types, struct sk_error *err)
{
    struct sk_data_header *header = &file->header;
    if ((is_types ? header->ntypes : header->natoms) >= 0)
        return sk_lines_fail(file->lines, err, "a second number of %s", is_types ? "atom types" : "atoms");
    if (is_types && (count == 0 || count > SK_DATA_TYPES_MAX))
        return sk_lines_fail(file->lines, err, "%lld atom types; from 1 to %d are supported", (long long)count,
                             SK_DATA_TYPES_MAX);
    if (!is_types && (count == 0 || count >= (int64_t)1 << 48))
        return sk_lines_fail(file->lines, err, "%lld atoms: nothing to simulate, or too many", (long long)count);
    if (is_types)
        header->ntypes = (int)count;
    else
        header->natoms = count;
    return SK_OK;
}

static enum sk_code count_terms(struct sk_data_file *file, int64_t count, int family, bool is_types,
                                struct sk_error *err)
{
    struct sk_data_header *header = &file->header;
    const char *name = sk_data_families[family].name;
    if ((is_types ? header->nterm_types[family] : header->nterms[family]) > 0)
        return sk_lines_fail(file->lines, err, "a second number of %s%s", name, is_types ? " types" : "s");
    if (is_types && count > SK_DATA_KINDS_MAX)
        return sk_lines_fail(file->lines, err, "%lld %s types; at most %d are supported", (long long)count, name,
                             SK_DATA_KINDS_MAX);
    if (!is_types && count >= (int64_t)1 << 48)
        return sk_lines_fail(file->lines, err, "%lld %ss: too many", (long long)count, name);
    if (is_types)
        header->nterm_types[family] = (int)count;
    else
        header->nterms[family] = count;
    return SK_OK;
}

/* `what` is the line after its first number. Returns 1 if the line is a count, 0 if it is none, -1 on an error. */
static int header_count(struct sk_data_file *file, const char *number, const char *what, struct sk_error *err)
{
    int64_t count;
    bool is_atom_types = strcmp(what, "atom types") == 0, is_types = false;
    bool is_atoms = strcmp(what, "atoms") == 0 || is_atom_types, is_refused = IS_LISTED(what, header_refused);
    int family = counted_family(what, &is_types);
    enum sk_code code = SK_OK;
    if (!is_atoms && family < 0 && !is_refused && !IS_LISTED(what, header_ignored))
        return 0;
    if (!sk_parse_integer(number, &count) || count < 0)
        code = sk_lines_fail(file->lines, err, "number of %s: '%.40s' is not a whole number", what, number);
    else if (is_refused && count > 0)
        code = sk_lines_fail(file->lines, err, "%lld %s: not supported", (long long)count, what);
    else if (is_atoms)
        code = count_atoms(file, count, is_atom_types, err);
    else if (family >= 0)
        code = count_terms(file, count, family, is_types, err);
    return code == SK_OK ? 1 : -1;
}

/* Joins words[from..n) with single blanks in place. */
static char *header_join(char **words, int from, int n)
{
    char *end = words[from] + strlen(words[from]);
    for (int i = from + 1; i < n; i++) {
        size_t length = strlen(words[i]);
        *end++ = ' ';
        memmove(end, words[i], length);
        end += length;
    }
    *end = '\0';
    return words[from];
}

static bool starts_with_letter(const char *text)
{
    return (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
}

static enum sk_code header_line(struct sk_data_file *file, char *text, struct sk_error *err)
{
    char *words[8];
    int n = sk_words_split(text, words, 8);
    if (n == 4)
        for (int k = 0; k < 3; k++) {
            const char lo[] = {"xyz"[k], 'l', 'o', '\0'}, hi[] = {"xyz"[k], 'h', 'i', '\0'};
            if (strcmp(words[2], lo) == 0 && strcmp(words[3], hi) == 0)
                return header_bounds(file, words, k, err);
        }
    if (n == 6 && strcmp(words[3], "xy") == 0 && strcmp(words[4], "xz") == 0 && strcmp(words[5], "yz") == 0)
        return header_tilt(file, words, err);
    int is_count = n > 1 && n <= 8 ? header_count(file, words[0], header_join(words, 1, n), err) : 0;
    if (is_count < 0)
        return err->code;
    return is_count ? SK_OK : sk_lines_fail(file->lines, err, "unknown line in the header: '%.60s ...'", words[0]);
}

/* Cuts the comment off the current line and keeps it; returns the rest, trimmed. */
static char *data_text(struct sk_data_file *file)
{
    char *hash = strchr(file->lines->text, '#');
    file->hint[0] = '\0';
    if (hash) {
        *hash = '\0';
        snprintf(file->hint, sizeof file->hint, "%.100s", sk_words_trim(hash + 1));
    }
    return sk_words_trim(file->lines->text);
}

static enum sk_code header_check(const struct sk_data_file *file, struct sk_error *err)
{
    const struct sk_data_header *header = &file->header;
    if (header->natoms < 0 || header->ntypes < 0)
        return sk_lines_fail(file->lines, err, "the header has no line 'N %s'",
                             header->natoms < 0 ? "atoms" : "atom types");
    for (int k = 0; k < 3; k++)
        if (!header->has_bounds[k])
            return sk_lines_fail(file->lines, err, "the header has no line with %clo %chi", "xyz"[k], "xyz"[k]);
    return SK_OK;
}

enum sk_code sk_data_head(struct sk_data_file *file, struct sk_lines *lines, struct sk_error *err)
{
    memset(file, 0, sizeof *file);
    file->lines = lines;
    file->header.natoms = file->header.ntypes = -1;
    int status = sk_lines_next(lines, err);
    if (status == 0)
        return sk_lines_fail(lines, err, "the file is empty");
    if (status > 0)
        memcpy(file->title, lines->text, strnlen(lines->text, sizeof file->title - 1));
    while (status > 0 && (status = sk_lines_next(lines, err)) > 0) {
        char *text = data_text(file);
        file->has_section = starts_with_letter(text);
        if (file->has_section)
            break;
        if (*text && header_line(file, text, err) != SK_OK)
            return err->code;
    }
    return status < 0 ? err->code : header_check(file, err);
}

/* ---- sections ---- */

static const char *section_name(enum sk_data_section section)
{
    static const char *const names[SK_DATA_COEFFS] = {"Masses", "Pair Coeffs", "PairIJ Coeffs", "Atoms", "Velocities"};
    if (section >= SK_DATA_TERMS)
        return sk_data_families[section - SK_DATA_TERMS].terms;
    return section >= SK_DATA_COEFFS ? sk_data_families[section - SK_DATA_COEFFS].coeffs : names[section];
}

int64_t sk_data_rows(const struct sk_data_header *header, enum sk_data_section section)
{
    if (section >= SK_DATA_TERMS)
        return header->nterms[section - SK_DATA_TERMS];
    if (section >= SK_DATA_COEFFS)
        return header->nterm_types[section - SK_DATA_COEFFS];
    if (section == SK_DATA_ATOMS || section == SK_DATA_VELOCITIES)
        return header->natoms;
    return section == SK_DATA_PAIR_IJ ? (int64_t)header->ntypes * (header->ntypes + 1) / 2 : header->ntypes;
}

int sk_data_next_section(struct sk_data_file *file, enum sk_data_section *section, struct sk_error *err)
{
    char *text = file->lines->text; /* already cut and trimmed, if it names a section */
    while (!file->has_section) {
        int status = sk_lines_next(file->lines, err);
        if (status <= 0)
            return status;
        text = data_text(file);
        file->has_section = *text != '\0';
    }
    file->has_section = false;
    char *words[4];
    int n = sk_words_split(text, words, 4);
    char *name = header_join(words, 0, n < 4 ? n : 4);
    for (int s = 0; s < SK_DATA_NSECTIONS; s++) {
        if (strcmp(name, section_name((enum sk_data_section)s)) != 0)
            continue;
        if (file->is_seen[s]) {
            sk_lines_fail(file->lines, err, "a second section %s", name);
            return -1;
        }
        file->is_seen[s] = true;
        *section = (enum sk_data_section)s;
        return 1;
    }
    if (starts_with_letter(name))
        sk_lines_fail(file->lines, err, "section '%.60s' is not supported", name);
    else
        sk_lines_fail(file->lines, err, "expected the name of a section, not '%.60s'", name);
    return -1;
}

enum sk_code sk_data_row(struct sk_data_file *file, const char *section, int64_t i, int64_t n, char **words, int max,
                         int *nwords, struct sk_error *err)
{
    char *text;
    do {
        int status = sk_lines_next(file->lines, err);
        if (status < 0)
            return err->code;
        if (status == 0)
            return sk_lines_fail(file->lines, err, "the file ends after %lld of %lld lines of %s", (long long)i,
                                 (long long)n, section);
        text = file->lines->text;
        text[strcspn(text, "#")] = '\0';
        *nwords = sk_words_split(text, words, max);
    } while (*nwords == 0);
    if (starts_with_letter(words[0]))
        return sk_lines_fail(file->lines, err, "'%.40s' comes after %lld of %lld lines of %s", words[0], (long long)i,
                             (long long)n, section);
    if (*nwords > max)
        return sk_lines_fail(file->lines, err, "more than %d words in a line of %s", max, section);
    return SK_OK;
}
