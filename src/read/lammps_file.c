/* LAMMPS data: header, sections, rows. */
#include "read/lammps_internal.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "read/fail.h"
#include "read/number.h"
#include "read/words.h"

#define IMAGE_MAX (1 << 30)

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

/* ---- header ---- */

struct header_word {
    const char *text;
    bool is_refused; /* when its count is not zero */
};

/* Counts that the header may have besides atoms, atom types and the box. Types alone do nothing. */
static const struct header_word header_words[] = {
    {"angles", true},
    {"dihedrals", true},
    {"impropers", true},
    {"ellipsoids", true},
    {"lines", true},
    {"triangles", true},
    {"bodies", true},
    {"angle types", false},
    {"dihedral types", false},
    {"improper types", false},
    {"extra bond per atom", false},
    {"extra angle per atom", false},
    {"extra dihedral per atom", false},
    {"extra improper per atom", false},
    {"extra special per atom", false},
};

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
    for (int k = 0; k < 3; k++) {
        double tilt;
        if (!sk_parse_real(words[k], &tilt))
            return sk_lines_fail(file->lines, err, "tilt factor '%.40s' is not a number", words[k]);
        if (tilt != 0)
            return sk_lines_fail(file->lines, err, "the box is triclinic; only rectangular boxes are supported");
    }
    return SK_OK;
}

/* `what` is the line after its first number. Returns 1 if the line is a count, 0 if it is none, -1 on an error. */
static int header_count(struct sk_data_file *file, const char *number, const char *what, struct sk_error *err)
{
    int64_t count;
    bool is_atoms = strcmp(what, "atoms") == 0, is_types = strcmp(what, "atom types") == 0;
    bool is_bonds = strcmp(what, "bonds") == 0, is_bond_types = strcmp(what, "bond types") == 0;
    const struct header_word *found = NULL;
    for (size_t i = 0; i < sizeof header_words / sizeof *header_words; i++)
        if (strcmp(header_words[i].text, what) == 0)
            found = &header_words[i];
    if (!found && !is_atoms && !is_types && !is_bonds && !is_bond_types)
        return 0;
    enum sk_code code = SK_OK;
    if (!sk_parse_integer(number, &count) || count < 0)
        code = sk_lines_fail(file->lines, err, "number of %s: '%.40s' is not a whole number", what, number);
    else if (found && found->is_refused && count > 0)
        code = sk_lines_fail(file->lines, err, "%lld %s: not supported", (long long)count, what);
    else if (is_atoms && (count == 0 || count >= (int64_t)1 << 48))
        code = sk_lines_fail(file->lines, err, "%lld atoms: nothing to simulate, or too many", (long long)count);
    else if (is_types && (count == 0 || count > SK_DATA_TYPES_MAX))
        code = sk_lines_fail(file->lines, err, "%lld atom types; from 1 to %d are supported", (long long)count,
                             SK_DATA_TYPES_MAX);
    else if (is_bonds && count >= (int64_t)1 << 48)
        code = sk_lines_fail(file->lines, err, "%lld bonds: too many", (long long)count);
    else if (is_bond_types && count > SK_DATA_KINDS_MAX)
        code = sk_lines_fail(file->lines, err, "%lld bond types; at most %d are supported", (long long)count,
                             SK_DATA_KINDS_MAX);
    else if ((is_atoms && file->header.natoms >= 0) || (is_types && file->header.ntypes >= 0) ||
             (is_bonds && file->header.nbonds > 0) || (is_bond_types && file->header.nbond_types > 0))
        code = sk_lines_fail(file->lines, err, "a second number of %s", what);
    if (is_atoms)
        file->header.natoms = count;
    if (is_types)
        file->header.ntypes = (int)count;
    if (is_bonds)
        file->header.nbonds = count;
    if (is_bond_types && code == SK_OK)
        file->header.nbond_types = (int)count;
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

static const char *const data_sections[SK_DATA_NSECTIONS] = {"Masses", "Pair Coeffs", "PairIJ Coeffs", "Bond Coeffs",
                                                             "Bonds",  "Atoms",       "Velocities"};

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
        if (strcmp(name, data_sections[s]) != 0)
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

/* ---- atoms ---- */

/* By enum sk_data_style: words up to x, and what hints may call it. */
static const struct {
    const char *name;
    int first;
} data_styles[] = {{"atomic", 2}, {"bond", 3}, {"full", 4}};

enum sk_code sk_data_style_of(const struct sk_data_file *file, int nwords, enum sk_data_style *style,
                              struct sk_error *err)
{
    const char *hint = file->hint;
    if (strcmp(hint, "molecular") == 0 || strcmp(hint, "angle") == 0)
        hint = "bond";
    for (int s = SK_DATA_ATOMIC; s <= SK_DATA_FULL; s++) {
        int columns = data_styles[s].first + 3;
        *style = (enum sk_data_style)s;
        if (hint[0] ? strcmp(hint, data_styles[s].name) == 0 : nwords == columns || nwords == columns + 3)
            break;
        if (s < SK_DATA_FULL)
            continue;
        if (hint[0])
            return sk_lines_fail(file->lines, err,
                                 "atom style '%.60s' is not supported; only atomic, bond, molecular and full", hint);
        return sk_lines_fail(file->lines, err,
                             "%d columns fit none of the atom styles atomic (5 or 8), bond (6 or 9) and full (7 or 10)",
                             nwords);
    }
    if (*style == SK_DATA_BOND && !hint[0] && file->header.nbonds == 0)
        return sk_lines_fail(file->lines, err,
                             "%d columns may be atom style bond or charge; name it behind the section: Atoms # bond",
                             nwords);
    return SK_OK;
}

enum sk_code sk_data_id(const struct sk_data_file *file, const char *word, int64_t *id, struct sk_error *err)
{
    if (!sk_parse_integer(word, id))
        return sk_lines_fail(file->lines, err, "atom id '%.40s' is not a whole number", word);
    if (*id < 1 || *id > file->header.natoms)
        return sk_lines_fail(file->lines, err, "atom id %lld is not in 1 to %lld; ids must have no gaps",
                             (long long)*id, (long long)file->header.natoms);
    return SK_OK;
}

static enum sk_code atom_images(const struct sk_data_file *file, char **words, int32_t image[3], struct sk_error *err)
{
    for (int k = 0; k < 3; k++) {
        int64_t value;
        if (!sk_parse_integer(words[k], &value) || value < -IMAGE_MAX || value > IMAGE_MAX)
            return sk_lines_fail(file->lines, err, "image flag '%.40s' is not a whole number, or too large", words[k]);
        image[k] = (int32_t)value;
    }
    return SK_OK;
}

enum sk_code sk_data_atom(const struct sk_data_file *file, enum sk_data_style style, char **words, int nwords,
                          struct sk_data_atom *atom, struct sk_error *err)
{
    const struct sk_data_header *header = &file->header;
    int64_t type, molecule;
    int first = data_styles[style].first; /* word of x */
    bool is_full = style == SK_DATA_FULL;
    char *type_word = words[style == SK_DATA_ATOMIC ? 1 : 2];
    memset(atom, 0, sizeof *atom);
    if (nwords != first + 3 && nwords != first + 6)
        return sk_lines_fail(file->lines, err, "%d columns; atom style %s has %d, or %d with image flags", nwords,
                             data_styles[style].name, first + 3, first + 6);
    if (sk_data_id(file, words[0], &atom->id, err) != SK_OK)
        return err->code;
    if (style != SK_DATA_ATOMIC && !sk_parse_integer(words[1], &molecule))
        return sk_lines_fail(file->lines, err, "molecule id '%.40s' is not a whole number", words[1]);
    if (!sk_parse_integer(type_word, &type) || type < 1 || type > header->ntypes)
        return sk_lines_fail(file->lines, err, "atom type '%.40s' is not a whole number from 1 to %d", type_word,
                             header->ntypes);
    if (is_full && !sk_parse_real(words[3], &atom->charge))
        return sk_lines_fail(file->lines, err, "charge '%.40s' is not a number", words[3]);
    atom->charge += 0.0; /* -0 and 0 are one kind */
    atom->type = (int)type;
    for (int k = 0; k < 3; k++) {
        if (!sk_parse_real(words[first + k], &atom->x[k]))
            return sk_lines_fail(file->lines, err, "position '%.40s' is not a number", words[first + k]);
        if (!(fabs(atom->x[k] - header->lo[k]) <= 1e6 * (header->hi[k] - header->lo[k])))
            return sk_lines_fail(file->lines, err, "position %c = %g of atom %lld is more than 1e6 box edges away",
                                 "xyz"[k], atom -> x[k], (long long)atom -> id);
    }
    return nwords == first + 6 ? atom_images(file, words + first + 3, atom->image, err) : SK_OK;
}
