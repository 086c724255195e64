#include "io/h5md.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define ROOT         "/particles/trajectory"
#define TOPOLOGY     "/parameters/topology"
#define SERIES_CHUNK 64 /* rows of step, time and edges */

const struct sk_h5md_element sk_h5md_elements[SK_H5MD_ELEMENTS] = {
    {ROOT "/position", ROOT "/position/value", SK_H5_F64, 24, offsetof(struct sk_h5md_record, position)},
    {ROOT "/image", ROOT "/image/value", SK_H5_I32, 12, offsetof(struct sk_h5md_record, image)},
    {ROOT "/velocity", ROOT "/velocity/value", SK_H5_F32, 12, offsetof(struct sk_h5md_record, velocity)},
    {ROOT "/force", ROOT "/force/value", SK_H5_F32, 12, offsetof(struct sk_h5md_record, force)},
};

/* Units as MDAnalysis reads them; in reduced units there are none. */
static const char *const units[SK_H5MD_ELEMENTS] = {"nm", NULL, "nm ps-1", "kJ mol-1 nm-1"};

bool sk_h5md_is_wanted(const struct sk_parameters *parameters, int element)
{
    if (element == SK_H5MD_VELOCITY)
        return parameters->output.velocities;
    if (element == SK_H5MD_FORCE)
        return parameters->output.forces;
    return parameters->output.positions;
}

int64_t sk_h5md_chunk(int64_t natoms)
{
    int64_t chunks = (natoms + SK_H5MD_CHUNK - 1) / SK_H5MD_CHUNK;
    return chunks > 1 ? (natoms + chunks - 1) / chunks : natoms > 1 ? natoms : 1;
}

int64_t sk_h5md_frame_bytes(const struct sk_topology *top)
{
    int64_t chunks = (top->natoms + SK_H5MD_CHUNK - 1) / SK_H5MD_CHUNK;
    /* The last chunk's unused rows are less than one an a chunk; HDF5's index takes some 60 bytes a chunk. */
    return (top->natoms + chunks) * 60 + chunks * 1024 + 131072;
}

int64_t sk_h5md_fixed_bytes(const struct sk_topology *top)
{
    return top->natoms * (8 + 4 + 8 + 8 + 8 + 2 * SK_NAME_MAX) + sk_topology_settles(top) * 32 + 131072;
}

static enum sk_code unit_write(struct sk_h5 *file, const struct sk_parameters *parameters, const char *object,
                               const char *unit, struct sk_error *err)
{
    if (!unit || parameters->units == SK_UNITS_LJ)
        return SK_OK;
    return sk_h5_text_write(file, object, "unit", 0, &unit, err);
}

/* /h5md: what the format asks for. */
static enum sk_code header_layout(struct sk_h5 *file, struct sk_error *err)
{
    static const int32_t version[2] = {1, 1}, units_version[2] = {1, 0};
    static const char *const author = "unknown", *const creator = "skein", *const creator_version = SK_VERSION;
    enum sk_code code = sk_h5_group(file, "/h5md/author", err);
    if (!code)
        code = sk_h5_group(file, "/h5md/creator", err);
    if (!code)
        code = sk_h5_group(file, "/h5md/modules/units", err);
    if (!code)
        code = sk_h5_attribute_write(file, "/h5md", "version", SK_H5_I32, 2, version, err);
    if (!code)
        code = sk_h5_attribute_write(file, "/h5md/modules/units", "version", SK_H5_I32, 2, units_version, err);
    if (!code)
        code = sk_h5_text_write(file, "/h5md/author", "name", 0, &author, err);
    if (!code)
        code = sk_h5_text_write(file, "/h5md/creator", "name", 0, &creator, err);
    return code ? code : sk_h5_text_write(file, "/h5md/creator", "version", 0, &creator_version, err);
}

/* The box carries step and time; the elements link to them. Readers want edges as matrices that depend on time. */
static enum sk_code box_layout(struct sk_h5 *file, const struct sk_parameters *parameters, struct sk_error *err)
{
    static const struct sk_h5_shape row = {1, {0}, {SERIES_CHUNK}}, matrix = {3, {0, 3, 3}, {SERIES_CHUNK, 3, 3}};
    static const char *const boundary[3] = {"periodic", "periodic", "periodic"};
    static const int32_t dimension = 3;
    enum sk_code code = sk_h5_dataset(file, SK_H5MD_STEP, SK_H5_I64, &row, err);
    if (!code)
        code = sk_h5_dataset(file, SK_H5MD_TIME, SK_H5_F64, &row, err);
    if (!code)
        code = sk_h5_dataset(file, SK_H5MD_EDGES, SK_H5_F64, &matrix, err);
    if (!code)
        code = unit_write(file, parameters, SK_H5MD_TIME, "ps", err);
    if (!code)
        code = unit_write(file, parameters, SK_H5MD_EDGES, "nm", err);
    if (!code)
        code = sk_h5_attribute_write(file, ROOT "/box", "dimension", SK_H5_I32, 0, &dimension, err);
    return code ? code : sk_h5_text_write(file, ROOT "/box", "boundary", 3, boundary, err);
}

static enum sk_code element_layout(struct sk_h5 *file, const struct sk_parameters *parameters, int element,
                                   int64_t natoms, struct sk_error *err)
{
    const struct sk_h5md_element *e = &sk_h5md_elements[element];
    struct sk_h5_shape shape = {3, {0, (uint64_t)natoms, 3}, {1, (uint64_t)sk_h5md_chunk(natoms), 3}};
    char path[128];
    enum sk_code code = sk_h5_dataset(file, e->value, e->type, &shape, err);
    if (!code)
        code = unit_write(file, parameters, e->value, units[element], err);
    snprintf(path, sizeof path, "%s/step", e->group);
    if (!code)
        code = sk_h5_link(file, SK_H5MD_STEP, path, err);
    snprintf(path, sizeof path, "%s/time", e->group);
    return code ? code : sk_h5_link(file, SK_H5MD_TIME, path, err);
}

static enum sk_code run_layout(struct sk_h5 *file, const struct sk_parameters *parameters, struct sk_error *err)
{
    const char *phase = parameters->run.velocity_time == SK_VELOCITY_HALF_STEP_BACK ? "half-step-back" : "on-step";
    const char *system = parameters->units == SK_UNITS_LJ ? "lj" : "gromacs";
    enum sk_code code = sk_h5_group(file, "/parameters/run", err);
    if (!code)
        code = sk_h5_text_write(file, "/parameters/run", "velocity_time", 0, &phase, err);
    if (!code)
        code = sk_h5_text_write(file, "/parameters/run", "units", 0, &system, err);
    return code ? code : sk_h5_attribute_write(file, "/parameters/run", "dt", SK_H5_F64, 0, &parameters->run.dt, err);
}

/* Longest name, at least 1. */
static int name_length(const struct sk_topology *top, bool is_residue)
{
    size_t longest = 1;
    for (int m = 0; m < top->nmoltypes; m++) {
        for (int a = 0; a < top->moltypes[m].natoms; a++) {
            const struct sk_template_atom *atom = &top->moltypes[m].atoms[a];
            size_t length = strnlen(is_residue ? atom->residue : atom->name, SK_NAME_MAX);
            longest = length > longest ? length : longest;
        }
    }
    return (int)longest;
}

static enum sk_code atoms_layout(struct sk_h5 *file, const struct sk_parameters *parameters,
                                 const struct sk_topology *top, struct sk_error *err)
{
    struct sk_h5_shape row = {1, {(uint64_t)top->natoms}, {0}};
    struct sk_h5_shape pairs = {2, {2 * (uint64_t)sk_topology_settles(top), 2}, {0}};
    const struct {
        const char *path;
        int type;
        const char *unit;
    } sets[] = {
        {ROOT "/id", SK_H5_I64, NULL},
        {ROOT "/species", SK_H5_I32, NULL},
        {ROOT "/mass", SK_H5_F64, "u"},
        {ROOT "/charge", SK_H5_F64, "e"},
        {TOPOLOGY "/atom_name", SK_H5_TEXT(name_length(top, false)), NULL},
        {TOPOLOGY "/residue_name", SK_H5_TEXT(name_length(top, true)), NULL},
        {TOPOLOGY "/residue_id", SK_H5_I64, NULL},
    };
    enum sk_code code = SK_OK;
    for (size_t i = 0; !code && i < sizeof sets / sizeof sets[0]; i++) {
        code = sk_h5_dataset(file, sets[i].path, (enum sk_h5_type)sets[i].type, &row, err);
        if (!code)
            code = unit_write(file, parameters, sets[i].path, sets[i].unit, err);
    }
    if (!code && pairs.size[0])
        code = sk_h5_dataset(file, TOPOLOGY "/bonds", SK_H5_I64, &pairs, err);
    return code;
}

enum sk_code sk_h5md_layout(struct sk_h5 *file, const struct sk_parameters *parameters, const struct sk_topology *top,
                            struct sk_error *err)
{
    enum sk_code code = header_layout(file, err);
    if (!code)
        code = box_layout(file, parameters, err);
    for (int e = 0; !code && e < SK_H5MD_ELEMENTS; e++)
        if (sk_h5md_is_wanted(parameters, e))
            code = element_layout(file, parameters, e, top->natoms, err);
    if (!code)
        code = atoms_layout(file, parameters, top, err);
    return code ? code : run_layout(file, parameters, err);
}

/* Rows of a piece of the topology, and where the piece's bonds go. */
struct rows {
    int name_length, residue_length;
    char *name, *residue;
    int64_t *residue_id;
    int64_t (*bonds)[2];
    int64_t nbonds, bonds_at;
    int **settle_at; /* [nmoltypes][natoms] index of the settle whose apex is the place, or -1 */
};

static void rows_init(struct rows *rows, const struct sk_topology *top, int64_t piece)
{
    memset(rows, 0, sizeof *rows);
    rows->name_length = name_length(top, false);
    rows->residue_length = name_length(top, true);
    rows->name = sk_alloc((size_t)piece, (size_t)rows->name_length);
    rows->residue = sk_alloc((size_t)piece, (size_t)rows->residue_length);
    rows->residue_id = sk_alloc((size_t)piece, sizeof *rows->residue_id);
    rows->bonds = sk_alloc(2 * (size_t)piece, sizeof *rows->bonds);
    rows->settle_at = sk_alloc((size_t)top->nmoltypes, sizeof *rows->settle_at);
    for (int m = 0; m < top->nmoltypes; m++) {
        const struct sk_moltype *type = &top->moltypes[m];
        rows->settle_at[m] = sk_alloc((size_t)type->natoms, sizeof **rows->settle_at);
        for (int a = 0; a < type->natoms; a++)
            rows->settle_at[m][a] = -1;
        for (int s = 0; s < type->nsettles; s++)
            rows->settle_at[m][type->settles[s].apex] = s;
    }
}

static void rows_clear(struct rows *rows, const struct sk_topology *top)
{
    for (int m = 0; m < top->nmoltypes; m++)
        sk_free(&rows->settle_at[m]);
    sk_free(&rows->settle_at);
    sk_free(&rows->name);
    sk_free(&rows->residue);
    sk_free(&rows->residue_id);
    sk_free(&rows->bonds);
}

/* Fills the rows of ids [first, first + n); ids in files count from 1. */
static void rows_fill(struct rows *rows, const struct sk_topology *top, sk_gid first, int64_t n)
{
    rows->nbonds = 0;
    for (int64_t i = 0; i < n; i++) {
        struct sk_place at = sk_topology_find(top, first + i);
        const struct sk_moltype *type = &top->moltypes[at.moltype];
        const struct sk_template_atom *atom = &type->atoms[at.place];
        int s = rows->settle_at[at.moltype][at.place];
        strncpy(rows->name + i * rows->name_length, atom->name, (size_t)rows->name_length);
        strncpy(rows->residue + i * rows->residue_length, atom->residue, (size_t)rows->residue_length);
        rows->residue_id[i] = at.residue + 1;
        for (int leg = 0; s >= 0 && leg < 2; leg++) {
            int place = leg ? type->settles[s].leg2 : type->settles[s].leg1;
            rows->bonds[rows->nbonds][0] = first + i + 1;
            rows->bonds[rows->nbonds++][1] = at.molecule + place + 1;
        }
    }
}

static enum sk_code rows_write(struct rows *rows, struct sk_h5 *file, sk_gid first, int64_t n, bool has_bonds,
                               struct sk_error *err)
{
    struct sk_h5_slab row = {{(uint64_t)first}, {(uint64_t)n}};
    struct sk_h5_slab pairs = {{(uint64_t)rows->bonds_at, 0}, {(uint64_t)rows->nbonds, 2}};
    struct sk_error e[4];
    enum sk_code code[4] = {SK_OK};
    code[0] = sk_h5_write(file, TOPOLOGY "/atom_name", (enum sk_h5_type)SK_H5_TEXT(rows->name_length), &row, rows->name,
                          &e[0]);
    code[1] = sk_h5_write(file, TOPOLOGY "/residue_name", (enum sk_h5_type)SK_H5_TEXT(rows->residue_length), &row,
                          rows->residue, &e[1]);
    code[2] = sk_h5_write(file, TOPOLOGY "/residue_id", SK_H5_I64, &row, rows->residue_id, &e[2]);
    if (has_bonds)
        code[3] = sk_h5_write(file, TOPOLOGY "/bonds", SK_H5_I64, &pairs, rows->bonds, &e[3]);
    rows->bonds_at += rows->nbonds;
    for (int k = 0; k < 4; k++) {
        if (code[k]) {
            *err = e[k];
            return code[k];
        }
    }
    return SK_OK;
}

enum sk_code sk_h5md_topology_write(struct sk_comm *comm, struct sk_h5 *file, const struct sk_merge_plan *plan,
                                    const struct sk_topology *top, struct sk_error *err)
{
    int rank = sk_comm_rank(comm);
    bool has_bonds = sk_topology_settles(top) > 0;
    enum sk_code code = SK_OK;
    struct rows rows;
    sk_gid first;
    int64_t n, bonds = 0;
    rows_init(&rows, top, rank < plan->writers ? plan->piece : 0);
    /* Counted first, so that every writer knows where its bonds begin. */
    for (int64_t round = 0; has_bonds && round < plan->rounds; round++) {
        sk_merge_piece(plan, rank, round, &first, &n);
        rows_fill(&rows, top, first, n);
        bonds += rows.nbonds;
    }
    sk_comm_exscan_i64(comm, &bonds, 1);
    rows.bonds_at = bonds;
    for (int64_t round = 0; !code && round < plan->rounds; round++) {
        sk_merge_piece(plan, rank, round, &first, &n);
        rows_fill(&rows, top, first, n);
        code = sk_comm_agree(comm, err, rows_write(&rows, file, first, n, has_bonds, err));
    }
    rows_clear(&rows, top);
    return code;
}

enum sk_code sk_h5md_kinds_write(struct sk_h5 *file, const struct sk_topology *top,
                                 const struct sk_h5md_record *records, int64_t n, struct sk_error *err)
{
    static const char *const path[] = {ROOT "/id", ROOT "/species", ROOT "/mass", ROOT "/charge"};
    static const enum sk_h5_type type[] = {SK_H5_I64, SK_H5_I32, SK_H5_F64, SK_H5_F64};
    struct sk_h5_slab row = {{n ? (uint64_t)records[0].id : 0}, {(uint64_t)n}};
    int64_t *id = sk_alloc((size_t)n, sizeof *id);
    int32_t *species = sk_alloc((size_t)n, sizeof *species);
    double *mass = sk_alloc((size_t)n, sizeof *mass), *charge = sk_alloc((size_t)n, sizeof *charge);
    const void *data[] = {id, species, mass, charge};
    enum sk_code code = SK_OK;
    for (int64_t i = 0; i < n; i++) {
        SK_REQUIRE(records[i].kind >= 0 && records[i].kind < top->nkinds);
        const struct sk_kind *kind = &top->kinds[records[i].kind];
        id[i] = records[i].id + 1;
        species[i] = kind->type;
        mass[i] = kind->mass;
        charge[i] = kind->charge;
    }
    for (int k = 0; k < 4; k++) {
        struct sk_error other;
        enum sk_code now = sk_h5_write(file, path[k], type[k], &row, data[k], code ? &other : err);
        code = code ? code : now;
    }
    sk_free(&id);
    sk_free(&species);
    sk_free(&mass);
    sk_free(&charge);
    return code;
}
