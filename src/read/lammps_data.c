/* LAMMPS data: the two passes. */
#include "read/structure.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "read/fail.h"
#include "read/lammps_internal.h"
#include "read/number.h"

#define ATOM_WORDS 10

/* ---- kinds: pairs of type and charge ---- */

#define KIND_SLOTS (4 * SK_DATA_KINDS_MAX)

struct data_kind {
    int type; /* 0-based */
    double charge;
};

struct data_kinds {
    int n;
    struct data_kind kind[SK_DATA_KINDS_MAX];
    int slot[KIND_SLOTS]; /* index + 1; 0: empty */
};

/* Index of a kind, added if new; -1: no room. */
static int kinds_find(struct data_kinds *kinds, int type, double charge)
{
    uint64_t bits;
    memcpy(&bits, &charge, sizeof bits);
    uint64_t h = (bits ^ (uint64_t)type * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
    int s = (int)(h >> 40) % KIND_SLOTS;
    for (; kinds->slot[s]; s = (s + 1) % KIND_SLOTS) {
        const struct data_kind *kind = &kinds->kind[kinds->slot[s] - 1];
        if (kind->type == type && kind->charge == charge)
            return kinds->slot[s] - 1;
    }
    if (kinds->n == SK_DATA_KINDS_MAX)
        return -1;
    kinds->kind[kinds->n] = (struct data_kind){type, charge};
    kinds->slot[s] = ++kinds->n;
    return kinds->n - 1;
}

/* By type, then charge: the order of lines in the file must not matter. */
static int kinds_compare(const void *a, const void *b)
{
    const struct data_kind *x = a, *y = b;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return (x->charge > y->charge) - (x->charge < y->charge);
}

/* ---- first pass ---- */

struct scanned_atom {
    int64_t id, line;
    int32_t kind;
};

struct data_scan {
    struct sk_data_file file;
    const struct sk_parameters *parameters;
    double *masses; /* by type; 0: not given */
    struct sk_data_pairs pairs;
    struct sk_data_terms terms[SK_FAMILIES];
    struct data_kinds kinds;
    struct scanned_atom *atoms; /* of a file with terms, in its order */
    size_t atoms_capacity;
    int32_t *kind; /* of a file with terms, by id */
};

static enum sk_code scan_masses(struct data_scan *scan, struct sk_error *err)
{
    int ntypes = scan->file.header.ntypes;
    for (int i = 0; i < ntypes; i++) {
        char *words[2];
        int n;
        int64_t type;
        double mass;
        if (sk_data_row(&scan->file, "Masses", i, ntypes, words, 2, &n, err) != SK_OK)
            return err->code;
        if (n != 2 || !sk_parse_integer(words[0], &type) || type < 1 || type > ntypes ||
            !sk_parse_real(words[1], &mass))
            return sk_lines_fail(scan->file.lines, err, "expected an atom type from 1 to %d and its mass", ntypes);
        if (!(mass > 0))
            return sk_lines_fail(scan->file.lines, err, "atom type %lld has mass %g; every mass must be positive",
                                 (long long)type, mass);
        if (scan->masses[type - 1] > 0)
            return sk_lines_fail(scan->file.lines, err, "a second mass for atom type %lld", (long long)type);
        scan->masses[type - 1] = mass;
    }
    return SK_OK;
}

/* Kinds by id from the atoms in file order. Only now is it known that the file has as many as its header says. */
static enum sk_code scan_spread_kinds(struct data_scan *scan, struct sk_error *err)
{
    size_t n = (size_t)scan->file.header.natoms;
    enum sk_code code = SK_OK;
    scan->kind = sk_alloc(n, sizeof *scan->kind);
    for (size_t i = 0; i < n; i++)
        scan->kind[i] = -1;
    for (size_t i = 0; i < n && !code; i++) {
        const struct scanned_atom *atom = &scan->atoms[i];
        if (scan->kind[atom->id - 1] >= 0)
            code = sk_fail(err, SK_EINPUT, "%.400s:%lld: atom id %lld occurs a second time", scan->file.lines->name,
                           (long long)atom->line, (long long)atom->id);
        scan->kind[atom->id - 1] = atom->kind;
    }
    sk_free(&scan->atoms);
    return code;
}

static enum sk_code scan_atoms(struct data_scan *scan, struct sk_error *err)
{
    enum sk_data_style style = SK_DATA_ATOMIC;
    for (int64_t i = 0; i < scan->file.header.natoms; i++) {
        char *words[ATOM_WORDS];
        int n;
        struct sk_data_atom atom;
        if (sk_data_row(&scan->file, "Atoms", i, scan->file.header.natoms, words, ATOM_WORDS, &n, err) != SK_OK ||
            (i == 0 && sk_data_style_of(&scan->file, n, &style, err) != SK_OK) ||
            sk_data_atom(&scan->file, style, words, n, &atom, err) != SK_OK)
            return err->code;
        int kind = kinds_find(&scan->kinds, atom.type - 1, atom.charge);
        if (kind < 0)
            return sk_lines_fail(scan->file.lines, err, "more than %d different pairs of type and charge",
                                 SK_DATA_KINDS_MAX);
        if (!sk_data_has_terms(&scan->file.header))
            continue;
        sk_reserve(&scan->atoms, &scan->atoms_capacity, (size_t)i + 1);
        scan->atoms[i] = (struct scanned_atom){atom.id, scan->file.lines->number, kind};
    }
    return sk_data_has_terms(&scan->file.header) ? scan_spread_kinds(scan, err) : SK_OK;
}

static enum sk_code scan_velocities(struct data_scan *scan, struct sk_error *err)
{
    if (!scan->file.is_seen[SK_DATA_ATOMS])
        return sk_lines_fail(scan->file.lines, err, "Velocities before Atoms");
    for (int64_t i = 0; i < scan->file.header.natoms; i++) {
        char *words[4];
        int n;
        if (sk_data_row(&scan->file, "Velocities", i, scan->file.header.natoms, words, 4, &n, err) != SK_OK)
            return err->code;
    }
    return SK_OK;
}

static enum sk_code scan_section(struct data_scan *scan, enum sk_data_section section, struct sk_error *err)
{
    switch (section) {
    case SK_DATA_MASSES: return scan_masses(scan, err);
    case SK_DATA_PAIR:
    case SK_DATA_PAIR_IJ:
        return sk_data_pair_section(&scan->file, scan->parameters, section == SK_DATA_PAIR_IJ, &scan->pairs, err);
    case SK_DATA_ATOMS: return scan_atoms(scan, err);
    case SK_DATA_VELOCITIES: return scan_velocities(scan, err);
    default: break;
    }
    if (section >= SK_DATA_TERMS)
        return sk_data_term_section(&scan->file, &scan->terms[section - SK_DATA_TERMS], err);
    return sk_data_coeff_section(&scan->file, scan->parameters, &scan->terms[section - SK_DATA_COEFFS], err);
}

static enum sk_code scan_sections(struct data_scan *scan, struct sk_error *err)
{
    enum sk_data_section section;
    int status;
    while ((status = sk_data_next_section(&scan->file, &section, err)) > 0)
        if (scan_section(scan, section, err) != SK_OK)
            return err->code;
    return status < 0 ? err->code : SK_OK;
}

static enum sk_code scan_pairs(struct data_scan *scan, struct sk_forcefield *ff, struct sk_error *err)
{
    const char *text = scan->parameters->nonbonded.pair_coeff;
    if (sk_data_pair_text(text, scan->parameters, &scan->pairs, err) != SK_OK)
        return err->code;
    return sk_data_pairs_finish(&scan->pairs, scan->parameters, scan->file.lines->name, ff, err);
}

/* Puts the kinds in order, in the table and in what refers to it. */
static void scan_sort_kinds(struct data_scan *scan)
{
    struct data_kinds *kinds = &scan->kinds;
    size_t n = (size_t)kinds->n, size = sizeof *kinds->kind;
    struct data_kind *before = sk_alloc(n, size);
    int32_t *now = sk_alloc(n, sizeof *now);
    memcpy(before, kinds->kind, n * size);
    qsort(kinds->kind, n, size, kinds_compare);
    for (size_t i = 0; i < n; i++) {
        const struct data_kind *found = bsearch(&before[i], kinds->kind, n, size, kinds_compare);
        now[i] = (int32_t)(found - kinds->kind);
    }
    for (int64_t i = 0; scan->kind && i < scan->file.header.natoms; i++)
        scan->kind[i] = now[scan->kind[i]];
    sk_free(&before);
    sk_free(&now);
}

static enum sk_code scan_missing(const struct data_scan *scan, struct sk_error *err)
{
    const char *missing = NULL;
    if (!scan->file.is_seen[SK_DATA_MASSES])
        missing = "Masses";
    for (int f = 0; f < SK_FAMILIES; f++)
        if (scan->file.header.nterms[f] && !scan->file.is_seen[SK_DATA_TERMS + f])
            missing = sk_data_families[f].terms;
    if (!scan->file.is_seen[SK_DATA_ATOMS])
        missing = "Atoms";
    return missing ? sk_fail(err, SK_EINPUT, "%.400s: no section %s", scan->file.lines->name, missing) : SK_OK;
}

static enum sk_code scan_topology(struct data_scan *scan, struct sk_topology *top, struct sk_forcefield *ff,
                                  struct sk_error *err)
{
    const char *name = scan->file.lines->name;
    memcpy(top->title, scan->file.title, sizeof top->title);
    scan_sort_kinds(scan);
    for (int i = 0; i < scan->kinds.n; i++) {
        struct data_kind kind = scan->kinds.kind[i];
        sk_topology_kind(top, kind.type, kind.charge, scan->masses[kind.type]);
    }
    for (int f = 0; f < SK_FAMILIES; f++) {
        struct sk_data_terms *terms = &scan->terms[f];
        if (sk_data_coeff_text(scan->parameters, terms, err) != SK_OK ||
            sk_data_rules(terms, scan->parameters, name, err) != SK_OK ||
            sk_data_terms_sort(terms, name, err) != SK_OK ||
            sk_data_check(terms, scan->parameters, top, scan->kind, name, err) != SK_OK)
            return err->code;
    }
    struct sk_data_model model = {scan->parameters,         &scan->pairs, scan->terms, scan->kind,
                                  scan->file.header.natoms, name};
    return sk_data_molecules(&model, top, ff, err);
}

/* What the run file says about styles, before the sections. */
static enum sk_code scan_styles(struct data_scan *scan, struct sk_error *err)
{
    const char *text = scan->parameters->nonbonded.pair_style;
    scan->pairs.style = sk_pair_style_find(text + strspn(text, " \t"));
    enum sk_code code = SK_OK;
    for (int f = 0; f < SK_FAMILIES && !code; f++)
        code = sk_data_coeff_style(scan->parameters, &scan->terms[f], err);
    return code;
}

static enum sk_code scan_all(struct data_scan *scan, struct sk_structure *structure, struct sk_topology *top,
                             struct sk_forcefield *ff, struct sk_error *err)
{
    const struct sk_data_header *header = &scan->file.header;
    double length = sk_data_units_of(scan->parameters).length;
    scan->masses = sk_calloc((size_t)header->ntypes, sizeof *scan->masses);
    sk_data_pairs_init(&scan->pairs, header->ntypes);
    for (int f = 0; f < SK_FAMILIES; f++)
        sk_data_terms_init(&scan->terms[f], (enum sk_family)f, header);
    if (scan_styles(scan, err) != SK_OK || scan_sections(scan, err) != SK_OK || scan_missing(scan, err) != SK_OK ||
        scan_pairs(scan, ff, err) != SK_OK || scan_topology(scan, top, ff, err) != SK_OK)
        return err->code;
    memset(structure, 0, sizeof *structure);
    structure->natoms = header->natoms;
    structure->has_velocities = scan->file.is_seen[SK_DATA_VELOCITIES];
    structure->box = sk_data_box(header, length);
    sk_box_reduce(&structure->box);
    return SK_OK;
}

enum sk_code sk_data_scan(struct sk_lines *lines, const struct sk_parameters *parameters,
                          struct sk_structure *structure, struct sk_topology *top, struct sk_forcefield *ff,
                          struct sk_error *err)
{
    struct data_scan *scan = sk_calloc(1, sizeof *scan);
    scan->parameters = parameters;
    enum sk_code code = sk_data_head(&scan->file, lines, err);
    if (code == SK_OK)
        code = scan_all(scan, structure, top, ff, err);
    if (code != SK_OK) {
        sk_topology_clear(top);
        sk_forcefield_clear(ff);
    }
    sk_data_pairs_clear(&scan->pairs);
    for (int f = 0; f < SK_FAMILIES; f++)
        sk_data_terms_clear(&scan->terms[f]);
    sk_free(&scan->kind);
    sk_free(&scan->atoms);
    sk_free(&scan->masses);
    sk_free(&scan);
    return code;
}

enum sk_code sk_data_open(const char *path, const struct sk_parameters *parameters, struct sk_structure *structure,
                          struct sk_topology *top, struct sk_forcefield *ff, struct sk_error *err)
{
    struct sk_lines lines;
    enum sk_code code = sk_lines_open(&lines, path, SK_DATA_LONGEST, err);
    if (code != SK_OK)
        return code;
    code = sk_data_scan(&lines, parameters, structure, top, ff, err);
    sk_lines_close(&lines);
    return code;
}

/* ---- second pass ---- */

struct data_stream {
    struct sk_data_file file;
    struct sk_data_units units;
    struct data_kinds kinds;
    int nkinds;          /* of the topology; the table may grow beyond if the file changes under us */
    unsigned char *seen; /* a bit for each id */
    struct sk_box box;   /* of the file */
    bool is_reduced;     /* the run has other vectors of the same lattice */
    struct sk_atom_block block;
    sk_atom_sink *sink; /* of the section at hand; NULL: nobody wants it */
    void *context;
};

static enum sk_code stream_mark(struct data_stream *stream, int64_t id, struct sk_error *err)
{
    unsigned char *byte = &stream->seen[(id - 1) / 8], bit = (unsigned char)(1u << ((id - 1) % 8));
    if (*byte & bit)
        return sk_lines_fail(stream->file.lines, err, "atom id %lld occurs a second time", (long long)id);
    *byte |= bit;
    return SK_OK;
}

static enum sk_code stream_flush(struct data_stream *stream, bool is_last, struct sk_error *err)
{
    struct sk_atom_block *block = &stream->block;
    if (++block->n < SK_BLOCK_ATOMS && !is_last)
        return SK_OK;
    enum sk_code code = stream->sink ? stream->sink(stream->context, block, err) : SK_OK;
    block->n = 0;
    return code;
}

static enum sk_code stream_atom(struct data_stream *stream, const struct sk_data_atom *atom, struct sk_error *err)
{
    struct sk_atom_block *block = &stream->block;
    int n = block->n;
    int kind = kinds_find(&stream->kinds, atom->type - 1, atom->charge);
    if (kind < 0 || kind >= stream->nkinds)
        return sk_lines_fail(stream->file.lines, err, "the file has changed while it was read");
    if (stream_mark(stream, atom->id, err) != SK_OK)
        return err->code;
    block->id[n] = atom->id - 1;
    block->kind[n] = kind;
    for (int k = 0; k < 3; k++) {
        block->x[n][k] = (atom->x[k] - stream->file.header.lo[k]) / stream->units.length;
        block->v[n][k] = 0;
        block->image[n][k] = stream->is_reduced ? 0 : atom->image[k];
    }
    if (stream->is_reduced) { /* images count other vectors than those of the run */
        const double turns[3] = {atom->image[0], atom->image[1], atom->image[2]};
        double shift[3];
        sk_box_vector(&stream->box, turns, shift);
        for (int k = 0; k < 3; k++)
            block->x[n][k] += shift[k];
    }
    return SK_OK;
}

static enum sk_code stream_atoms(struct data_stream *stream, struct sk_error *err)
{
    int64_t natoms = stream->file.header.natoms;
    enum sk_data_style style = SK_DATA_ATOMIC;
    for (int64_t i = 0; i < natoms; i++) {
        char *words[ATOM_WORDS];
        int n;
        struct sk_data_atom atom;
        if (sk_data_row(&stream->file, "Atoms", i, natoms, words, ATOM_WORDS, &n, err) != SK_OK ||
            (i == 0 && sk_data_style_of(&stream->file, n, &style, err) != SK_OK) ||
            sk_data_atom(&stream->file, style, words, n, &atom, err) != SK_OK ||
            stream_atom(stream, &atom, err) != SK_OK || stream_flush(stream, i + 1 == natoms, err) != SK_OK)
            return err->code;
    }
    return SK_OK;
}

static enum sk_code stream_velocities(struct data_stream *stream, struct sk_error *err)
{
    int64_t natoms = stream->file.header.natoms;
    memset(stream->seen, 0, (size_t)(natoms + 7) / 8);
    memset(&stream->block, 0, sizeof stream->block);
    for (int64_t i = 0; i < natoms; i++) {
        char *words[4];
        int n;
        int64_t id;
        double *v = stream->block.v[stream->block.n];
        if (sk_data_row(&stream->file, "Velocities", i, natoms, words, 4, &n, err) != SK_OK)
            return err->code;
        if (n != 4)
            return sk_lines_fail(stream->file.lines, err, "%d columns; expected an atom id and three velocities", n);
        if (sk_data_id(&stream->file, words[0], &id, err) != SK_OK || stream_mark(stream, id, err) != SK_OK)
            return err->code;
        for (int k = 0; k < 3; k++) {
            if (!sk_parse_real(words[k + 1], &v[k]))
                return sk_lines_fail(stream->file.lines, err, "velocity '%.40s' is not a number", words[k + 1]);
            v[k] *= stream->units.velocity;
        }
        stream->block.id[stream->block.n] = id - 1;
        stream->block.kind[stream->block.n] = -1;
        if (stream_flush(stream, i + 1 == natoms, err) != SK_OK)
            return err->code;
    }
    return SK_OK;
}

/* A section of n lines that the first pass has read. */
static enum sk_code stream_skip(struct data_stream *stream, int64_t n, struct sk_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        char *words[8];
        int nwords;
        if (sk_data_row(&stream->file, "the section", i, n, words, 8, &nwords, err) != SK_OK)
            return err->code;
    }
    return SK_OK;
}

static enum sk_code stream_sections(struct data_stream *stream, sk_atom_sink *atom_sink, sk_atom_sink *velocity_sink,
                                    struct sk_error *err)
{
    enum sk_data_section section;
    enum sk_code code = SK_OK;
    while (code == SK_OK) {
        int status = sk_data_next_section(&stream->file, &section, err);
        if (status < 0)
            return err->code;
        if (status == 0)
            break;
        stream->sink = section == SK_DATA_ATOMS ? atom_sink : velocity_sink;
        if (section == SK_DATA_ATOMS)
            code = stream_atoms(stream, err);
        else if (section == SK_DATA_VELOCITIES)
            code = stream_velocities(stream, err);
        else
            code = stream_skip(stream, sk_data_rows(&stream->file.header, section), err);
    }
    return code;
}

enum sk_code sk_data_stream(struct sk_lines *lines, const struct sk_parameters *parameters,
                            const struct sk_topology *top, sk_atom_sink *atom_sink, sk_atom_sink *velocity_sink,
                            void *context, struct sk_error *err)
{
    struct data_stream *stream = sk_calloc(1, sizeof *stream);
    stream->units = sk_data_units_of(parameters);
    stream->context = context;
    enum sk_code code = sk_data_head(&stream->file, lines, err);
    stream->box = sk_data_box(&stream->file.header, stream->units.length);
    struct sk_box reduced = stream->box;
    stream->is_reduced = sk_box_reduce(&reduced);
    if (code == SK_OK && stream->file.header.natoms != top->unit_atoms)
        code = sk_lines_fail(lines, err, "the file has changed while it was read");
    if (code == SK_OK) {
        stream->nkinds = top->nkinds;
        for (int i = 0; i < top->nkinds; i++)
            kinds_find(&stream->kinds, top->kinds[i].type, top->kinds[i].charge);
        stream->seen = sk_calloc((size_t)(top->unit_atoms + 7) / 8, 1);
        code = stream_sections(stream, atom_sink, velocity_sink, err);
    }
    sk_free(&stream->seen);
    sk_free(&stream);
    return code;
}

enum sk_code sk_data_read(const char *path, const struct sk_parameters *parameters, const struct sk_topology *top,
                          sk_atom_sink *atom_sink, sk_atom_sink *velocity_sink, void *context, struct sk_error *err)
{
    struct sk_lines lines;
    enum sk_code code = sk_lines_open(&lines, path, SK_DATA_LONGEST, err);
    if (code != SK_OK)
        return code;
    code = sk_data_stream(&lines, parameters, top, atom_sink, velocity_sink, context, err);
    sk_lines_close(&lines);
    return code;
}
