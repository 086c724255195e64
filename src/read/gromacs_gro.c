/* .gro: a scan for what the file says besides the atoms, and a stream of its atoms. */
#include "read/structure.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "read/fail.h"
#include "read/gromacs_internal.h"
#include "read/number.h"

#define NAMES_WIDTH 20  /* residue number, residue, atom, atom number: 5 characters each */
#define EDGES_MAX   1e6 /* an atom further out than this many box edges is a broken file */

/* Where the numbers stand in the line of an atom. */
struct gro_columns {
    int width; /* of a position and of a velocity */
    int point; /* of the decimal point within a position's column */
    bool has_velocities;
};

static enum sk_code gro_next(struct sk_lines *lines, const char *what, struct sk_error *err)
{
    int status = sk_lines_next(lines, err);
    if (status < 0)
        return err->code;
    return status ? SK_OK : sk_lines_fail(lines, err, "the file ends here; %s should follow", what);
}

static enum sk_code gro_head(struct sk_lines *lines, int64_t *natoms, struct sk_error *err)
{
    if (gro_next(lines, "a title line", err) != SK_OK || gro_next(lines, "the number of atoms", err) != SK_OK)
        return err->code;
    char *text = sk_words_trim(lines->text);
    if (!sk_parse_integer(text, natoms) || *natoms <= 0)
        return sk_lines_fail(lines, err, "'%.40s' is not a number of atoms", text);
    return SK_OK;
}

static bool gro_is_blank(const char *text)
{
    return text[strspn(text, " \t")] == '\0';
}

/* The precision shows in the distance between the decimal points of the first atom. */
static enum sk_code gro_columns(const struct sk_lines *lines, struct gro_columns *columns, struct sk_error *err)
{
    const char *start = lines->length > NAMES_WIDTH ? lines->text + NAMES_WIDTH : "";
    const char *p1 = strchr(start, '.');
    const char *p2 = p1 ? strchr(p1 + 1, '.') : NULL;
    const char *p3 = p2 ? strchr(p2 + 1, '.') : NULL;
    if (!p3 || p3 - p2 != p2 - p1 || p1 - start >= p2 - p1 || p2 - p1 > 64)
        return sk_lines_fail(
            lines, err, "expected an atom: 20 characters of names and numbers, then x y z in columns of equal width");
    columns->width = (int)(p2 - p1);
    columns->point = (int)(p1 - start);
    size_t end = NAMES_WIDTH + 3 * (size_t)columns->width;
    columns->has_velocities = lines->length > end && !gro_is_blank(lines->text + end);
    return SK_OK;
}

static enum sk_code gro_numbers(const struct sk_lines *lines, const struct gro_columns *columns, int first,
                                const char *what, double out[3], struct sk_error *err)
{
    for (int k = 0; k < 3; k++) {
        size_t from = NAMES_WIDTH + (size_t)(first + k) * (size_t)columns->width;
        size_t left = lines->length > from ? lines->length - from : 0;
        int width = columns->width;
        const char *field = lines->text + from;
        /* A number that lost its last digits would still be one. */
        if (left < (size_t)width)
            return sk_lines_fail(lines, err, "%s %c: the line ends before column %zu", what, "xyz"[k],
                                 from + (size_t)width);
        if (!sk_parse_real_field(field, (size_t)width, &out[k]))
            return sk_lines_fail(lines, err, "%s %c: '%.*s' is not a number (columns %zu to %zu)", what, "xyz"[k],
                                 width, field, from + 1, from + (size_t)width);
        if (first == 0 && field[columns->point] != '.')
            return sk_lines_fail(lines, err, "%s %c does not stand in the columns of the first atom", what, "xyz"[k]);
    }
    return SK_OK;
}

/* ax by cz, or that and ay az bx bz cx cy. */
static enum sk_code gro_box(struct sk_lines *lines, struct sk_box *result, struct sk_error *err)
{
    double box[9] = {0};
    char *words[9];
    if (gro_next(lines, "the box line", err) != SK_OK)
        return err->code;
    int n = sk_words_split(lines->text, words, 9);
    bool is_good = n == 3 || n == 9;
    for (int i = 0; i < n && is_good; i++)
        is_good = sk_parse_real(words[i], &box[i]);
    if (!is_good)
        return sk_lines_fail(lines, err, "expected the box: 3 or 9 numbers%s",
                             n > 3 ? " (or are there more atoms than line 2 says?)" : "");
    if (box[3] != 0 || box[4] != 0 || box[6] != 0)
        return sk_lines_fail(lines, err,
                             "the box is not in standard orientation: its first vector must lie along x, its "
                             "second in the xy plane (numbers 4, 5 and 7 are to be 0)");
    for (int k = 0; k < 3; k++) {
        if (!(box[k] > 0))
            return sk_lines_fail(lines, err, "box edge %c is %g; all edges must be positive", "xyz"[k], box[k]);
        result->edge[k] = box[k];
    }
    result->tilt[0] = box[5];
    result->tilt[1] = box[7];
    result->tilt[2] = box[8];
    sk_box_reduce(result);
    return SK_OK;
}

static enum sk_code gro_end(struct sk_lines *lines, struct sk_error *err)
{
    int status;
    while ((status = sk_lines_next(lines, err)) > 0)
        if (*sk_words_trim(lines->text))
            return sk_lines_fail(lines, err, "text after the box line; files with several frames are not supported");
    return status < 0 ? err->code : SK_OK;
}

static enum sk_code gro_next_atom(struct sk_lines *lines, int64_t i, int64_t natoms, struct sk_error *err)
{
    int status = sk_lines_next(lines, err);
    if (status < 0)
        return err->code;
    if (status == 0)
        return sk_lines_fail(lines, err, "the file ends after %lld of %lld atoms", (long long)i, (long long)natoms);
    return SK_OK;
}

enum sk_code sk_gro_scan(struct sk_lines *lines, struct sk_structure *structure, struct sk_error *err)
{
    struct gro_columns columns = {0};
    memset(structure, 0, sizeof *structure);
    if (gro_head(lines, &structure->natoms, err) != SK_OK)
        return err->code;
    for (int64_t i = 0; i < structure->natoms; i++)
        if (gro_next_atom(lines, i, structure->natoms, err) != SK_OK ||
            (i == 0 && gro_columns(lines, &columns, err) != SK_OK))
            return err->code;
    structure->has_velocities = columns.has_velocities;
    if (gro_box(lines, &structure->box, err) != SK_OK)
        return err->code;
    return gro_end(lines, err);
}

enum sk_code sk_gro_open(const char *path, struct sk_structure *structure, struct sk_error *err)
{
    struct sk_lines lines;
    enum sk_code code = sk_lines_open(&lines, path, SK_GRO_LONGEST, err);
    if (code != SK_OK)
        return code;
    code = sk_gro_scan(&lines, structure, err);
    sk_lines_close(&lines);
    return code;
}

/* ---- stream ---- */

/* A place in the topology that moves one atom at a time. */
struct gro_cursor {
    int block, place;
    int64_t molecule; /* within the block */
};

static void cursor_next(struct gro_cursor *cursor, const struct sk_topology *top)
{
    const struct sk_molblock *block = &top->blocks[cursor->block];
    if (++cursor->place < top->moltypes[block->moltype].natoms)
        return;
    cursor->place = 0;
    if (++cursor->molecule < block->count)
        return;
    cursor->molecule = 0;
    cursor->block++;
}

/* The file has room for 5 characters. */
static bool gro_is_name(const char *field, const char *name)
{
    while (*field == ' ')
        field++;
    size_t length = strlen(field);
    while (length && field[length - 1] == ' ')
        length--;
    size_t expected = strlen(name);
    return strncmp(field, name, length) == 0 && (expected == length || (expected > 5 && length == 5));
}

static enum sk_code gro_check_names(const struct sk_lines *lines, const struct sk_topology *top,
                                    const struct gro_cursor *cursor, int64_t i, struct sk_error *err)
{
    const struct sk_moltype *type = &top->moltypes[top->blocks[cursor->block].moltype];
    const struct sk_template_atom *atom = &type->atoms[cursor->place];
    char residue[6] = "", name[6] = "";
    memcpy(residue, lines->text + 5, 5);
    memcpy(name, lines->text + 10, 5);
    if (gro_is_name(residue, atom->residue) && gro_is_name(name, atom->name))
        return SK_OK;
    return sk_lines_fail(
        lines, err,
        "atom %lld is '%s' of residue '%s' here, but '%s' of residue '%s' in the topology (molecule type "
        "'%s'); are the molecules in the same order?",
        (long long)i + 1, sk_words_trim(name), sk_words_trim(residue), atom->name, atom->residue, type->name);
}

static enum sk_code gro_atom(struct sk_lines *lines, const struct gro_columns *columns, const struct sk_box *box,
                             struct sk_atom_block *block, struct sk_error *err)
{
    int n = block->n;
    if (gro_numbers(lines, columns, 0, "position", block->x[n], err) != SK_OK)
        return err->code;
    for (int k = 0; k < 3; k++)
        if (fabs(block->x[n][k]) > EDGES_MAX * box->edge[k])
            return sk_lines_fail(lines, err, "position %c = %g is more than %g box edges away", "xyz"[k],
                                 block -> x[n][k], EDGES_MAX);
    if (columns->has_velocities)
        return gro_numbers(lines, columns, 3, "velocity", block->v[n], err);
    size_t end = NAMES_WIDTH + 3 * (size_t)columns->width;
    if (lines->length > end && !gro_is_blank(lines->text + end))
        return sk_lines_fail(lines, err, "text after the position, though the first atom has no velocity");
    return SK_OK;
}

static enum sk_code gro_atoms(struct sk_lines *lines, const struct sk_topology *top, const struct sk_box *box,
                              struct sk_atom_block *block, sk_atom_sink *sink, void *context, struct sk_error *err)
{
    int64_t natoms;
    if (gro_head(lines, &natoms, err) != SK_OK)
        return err->code;
    if (natoms != top->unit_atoms)
        return sk_lines_fail(lines, err, "%lld atoms here, but %lld in the topology", (long long)natoms,
                             (long long)top->unit_atoms);
    struct gro_columns columns = {0};
    struct gro_cursor cursor = {0};
    for (int64_t i = 0; i < natoms; i++, cursor_next(&cursor, top)) {
        if (gro_next_atom(lines, i, natoms, err) != SK_OK || (i == 0 && gro_columns(lines, &columns, err) != SK_OK))
            return err->code;
        if (lines->length < NAMES_WIDTH)
            return sk_lines_fail(lines, err, "expected atom %lld of %lld; the line is too short", (long long)i + 1,
                                 (long long)natoms);
        if (gro_check_names(lines, top, &cursor, i, err) != SK_OK ||
            gro_atom(lines, &columns, box, block, err) != SK_OK)
            return err->code;
        block->id[block->n] = i;
        block->kind[block->n] = -1;
        if (++block->n == SK_BLOCK_ATOMS || i + 1 == natoms) {
            enum sk_code code = sink(context, block, err);
            if (code != SK_OK)
                return code;
            block->n = 0;
        }
    }
    return SK_OK;
}

enum sk_code sk_gro_stream(struct sk_lines *lines, const struct sk_topology *top, const struct sk_box *box,
                           sk_atom_sink *sink, void *context, struct sk_error *err)
{
    struct sk_atom_block *block = sk_calloc(1, sizeof *block);
    enum sk_code code = gro_atoms(lines, top, box, block, sink, context, err);
    sk_free(&block);
    return code;
}

enum sk_code sk_gro_read(const char *path, const struct sk_topology *top, sk_atom_sink *sink, void *context,
                         struct sk_error *err)
{
    struct sk_structure structure;
    struct sk_lines lines;
    enum sk_code code = sk_gro_open(path, &structure, err);
    if (code == SK_OK)
        code = sk_lines_open(&lines, path, SK_GRO_LONGEST, err);
    if (code != SK_OK)
        return code;
    code = sk_gro_stream(&lines, top, &structure.box, sink, context, err);
    sk_lines_close(&lines);
    return code;
}
