/* LAMMPS data: lines of Atoms. */
#include "read/lammps_internal.h"

#include <math.h>
#include <string.h>

#include "read/fail.h"
#include "read/number.h"

#define IMAGE_MAX (1 << 30)

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
    if (*style == SK_DATA_BOND && !hint[0] && !sk_data_has_terms(&file->header))
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
