#include "domain/intake.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

#define BATCH      256 /* atoms in a message */
#define TAG_INTAKE 11

enum parcel_kind { PARCEL_ATOM, PARCEL_VELOCITY };

struct raw_atom {
    sk_gid id;
    double x[3], v[3];
    int32_t image[3];
    int32_t kind;
    int32_t what; /* enum parcel_kind */
    int32_t unused;
};

struct sk_intake {
    struct sk_comm *comm;
    const struct sk_topology *top;
    struct sk_box unit, whole; /* of the file, and with all its copies */
    sk_gid *first;             /* [nranks + 1] id blocks */
    struct raw_atom *batch;    /* rank 0: [nranks][BATCH] */
    int *batch_count;
    sk_gid begin, end;              /* this rank's block */
    struct sk_atom_record *records; /* [end - begin] */
    unsigned char *times;           /* how often each id came, up to 255 */
};

sk_gid sk_intake_first(const struct sk_topology *top, int nranks, int r)
{
    if (r >= nranks)
        return top->natoms;
    sk_gid even = (sk_gid)((sk_int128)top->natoms * r / nranks);
    return even ? sk_topology_find(top, even).molecule : 0;
}

struct sk_intake *sk_intake_new(struct sk_comm *comm, const struct sk_topology *top, const struct sk_box *unit)
{
    struct sk_intake *intake = sk_calloc(1, sizeof *intake);
    int nranks = sk_comm_size(comm), rank = sk_comm_rank(comm);
    intake->comm = comm;
    intake->top = top;
    intake->unit = *unit;
    intake->whole = sk_box_replicate(unit, top->replicate);
    intake->first = sk_alloc((size_t)nranks + 1, sizeof *intake->first);
    for (int r = 0; r <= nranks; r++)
        intake->first[r] = sk_intake_first(top, nranks, r);
    if (rank == 0) {
        intake->batch = sk_alloc((size_t)nranks * BATCH, sizeof *intake->batch);
        intake->batch_count = sk_calloc((size_t)nranks, sizeof *intake->batch_count);
    }
    intake->begin = intake->first[rank];
    intake->end = intake->first[rank + 1];
    intake->records = sk_alloc((size_t)(intake->end - intake->begin), sizeof *intake->records);
    intake->times = sk_calloc((size_t)(intake->end - intake->begin), 1);
    return intake;
}

void sk_intake_free(struct sk_intake **intake)
{
    if (!*intake)
        return;
    sk_free(&(*intake)->first);
    sk_free(&(*intake)->batch);
    sk_free(&(*intake)->batch_count);
    sk_free(&(*intake)->records);
    sk_free(&(*intake)->times);
    sk_free(intake);
}

/* Fraction and image of coordinate x (in box edges). */
static void split_coordinate(double x, sk_frac *fraction, int32_t *image)
{
    double whole = floor(x), part = x - whole;
    if (part >= 1.0) { /* x just below an integer */
        part = 0.0;
        whole += 1;
    }
    *fraction = (sk_frac)(part * 0x1p64);
    *image = (int32_t)whole;
}

static void intake_accept(struct sk_intake *intake, const struct raw_atom *raw)
{
    struct sk_atom_record *record = &intake->records[raw->id - intake->begin];
    memcpy(record->v, raw->v, sizeof record->v);
    if (raw->what == PARCEL_VELOCITY)
        return;
    unsigned char *times = &intake->times[raw->id - intake->begin];
    *times += *times < 255;
    record->id = raw->id;
    record->kind = raw->kind;
    record->group_size = 0;
    memset(record->move, 0, sizeof record->move);
    double s[3];
    sk_box_fractions(&intake->whole, raw->x, s);
    for (int k = 0; k < 3; k++) {
        split_coordinate(s[k], &record->x[k], &record->image[k]);
        record->image[k] += raw->image[k];
    }
}

static int block_of(const struct sk_intake *intake, sk_gid id)
{
    int low = 0, high = sk_comm_size(intake->comm);
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (intake->first[middle] <= id)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void intake_flush(struct sk_intake *intake, int rank)
{
    if (intake->batch_count[rank])
        sk_comm_send(intake->comm, intake->batch + (size_t)rank * BATCH,
                     (size_t)intake->batch_count[rank] * sizeof *intake->batch, rank, TAG_INTAKE);
    intake->batch_count[rank] = 0;
}

static void intake_post(struct sk_intake *intake, const struct raw_atom *raw)
{
    int rank = block_of(intake, raw->id);
    if (rank == 0) {
        intake_accept(intake, raw);
        return;
    }
    intake->batch[(size_t)rank * BATCH + (size_t)intake->batch_count[rank]++] = *raw;
    if (intake->batch_count[rank] == BATCH)
        intake_flush(intake, rank);
}

/* Calls intake_post for every copy of the atom under replication. */
static void intake_copies(struct sk_intake *intake, struct raw_atom raw)
{
    const int *copies = intake->top->replicate;
    struct raw_atom copy = raw;
    for (int z = 0; z < copies[2]; z++)
        for (int y = 0; y < copies[1]; y++)
            for (int x = 0; x < copies[0]; x++) {
                int64_t replica = x + copies[0] * (y + (int64_t)copies[1] * z);
                copy.id = raw.id + replica * intake->top->unit_atoms;
                const double n[3] = {x + (double)raw.image[0], y + (double)raw.image[1], z + (double)raw.image[2]};
                double shift[3];
                sk_box_vector(&intake->unit, n, shift);
                for (int k = 0; k < 3; k++)
                    copy.x[k] = raw.x[k] + shift[k];
                memset(copy.image, 0, sizeof copy.image);
                intake_post(intake, &copy);
            }
}

void sk_intake_atom(struct sk_intake *intake, sk_gid id, int32_t kind, const double x[3], const int32_t image[3],
                    const double v[3])
{
    if (kind < 0) {
        struct sk_place at = sk_topology_find(intake->top, id);
        kind = intake->top->moltypes[at.moltype].atoms[at.place].kind;
    }
    struct raw_atom raw = {.id = id, .kind = kind, .what = PARCEL_ATOM};
    memcpy(raw.x, x, sizeof raw.x);
    memcpy(raw.v, v, sizeof raw.v);
    memcpy(raw.image, image, sizeof raw.image);
    intake_copies(intake, raw);
}

void sk_intake_velocity(struct sk_intake *intake, sk_gid id, const double v[3])
{
    struct raw_atom raw = {.id = id, .what = PARCEL_VELOCITY};
    memcpy(raw.v, v, sizeof raw.v);
    intake_copies(intake, raw);
}

void sk_intake_receive(struct sk_intake *intake)
{
    struct raw_atom *batch = sk_alloc(BATCH, sizeof *batch);
    for (size_t length; (length = sk_comm_recv(intake->comm, batch, BATCH * sizeof *batch, 0, TAG_INTAKE)) > 0;)
        for (size_t i = 0; i < length / sizeof *batch; i++)
            intake_accept(intake, &batch[i]);
    sk_free(&batch);
}

/* Places such that every atom of a group is the nearest to its anchor in the file's box, for input files break
 * molecules across its faces and copies of the box keep them broken; then images to match. */
static void group_make_whole(struct sk_atoms *atoms, int anchor, const int copies[3])
{
    for (int i = anchor + 1; i < anchor + atoms->group_size[anchor]; i++)
        for (int k = 0; k < 3; k++) {
            double boxes = rint(sk_frac_difference(atoms->x[i][k], atoms->x[anchor][k]) * copies[k]);
            atoms->x[i][k] -= (sk_frac)((sk_int128)boxes * ((sk_int128)1 << 64) / copies[k]);
            int64_t delta = (int64_t)(atoms->x[i][k] - atoms->x[anchor][k]);
            bool is_past_edge = delta >= 0 ? atoms->x[i][k] < atoms->x[anchor][k] : false;
            bool is_before_edge = delta < 0 ? atoms->x[i][k] > atoms->x[anchor][k] : false;
            atoms->image[i][k] = atoms->image[anchor][k] + is_past_edge - is_before_edge;
        }
}

void sk_intake_make_whole(const struct sk_topology *top, struct sk_atoms *atoms)
{
    for (int i = 0; i < atoms->n; i += atoms->group_size[i])
        group_make_whole(atoms, i, top->replicate);
}

void sk_intake_group(const struct sk_topology *top, sk_gid first, int64_t n, const struct sk_atom_record *records,
                     struct sk_atoms *atoms)
{
    sk_atoms_reserve(atoms, (size_t)(atoms->n + n));
    for (sk_gid id = first; id < first + n;) {
        struct sk_place at = sk_topology_find(top, id);
        SK_REQUIRE(at.place == 0);
        const struct sk_moltype *type = &top->moltypes[at.moltype];
        for (int g = 0; g < type->ngroups; g++)
            for (int m = type->group_start[g]; m < type->group_start[g + 1]; m++) {
                int i = atoms->n++;
                sk_atoms_put(atoms, i, &records[id - first + type->group_place[m]]);
                atoms->group_size[i] = m == type->group_start[g] ? type->group_start[g + 1] - m : 0;
            }
        id += type->natoms;
    }
}

/* The lowest id of this rank's block that did not come once, or -1. */
static sk_gid intake_missing(const struct sk_intake *intake)
{
    for (sk_gid id = intake->begin; id < intake->end; id++)
        if (intake->times[id - intake->begin] != 1)
            return id;
    return -1;
}

enum sk_code sk_intake_finish(struct sk_intake *intake, struct sk_atoms *atoms, struct sk_error *err)
{
    for (int r = 1; sk_comm_rank(intake->comm) == 0 && r < sk_comm_size(intake->comm); r++) {
        intake_flush(intake, r);
        sk_comm_send(intake->comm, intake->batch, 0, r, TAG_INTAKE);
    }
    sk_gid missing = intake_missing(intake);
    enum sk_code code = SK_OK;
    if (missing >= 0)
        code = sk_fail(err, SK_EINPUT, "atom %lld %s the coordinate file", (long long)(missing + 1),
                       intake->times[missing - intake->begin] ? "comes more than once in" : "is missing in");
    code = sk_comm_agree(intake->comm, err, code);
    if (code)
        return code;
    atoms->n = 0;
    sk_intake_group(intake->top, intake->begin, intake->end - intake->begin, intake->records, atoms);
    sk_intake_make_whole(intake->top, atoms);
    return SK_OK;
}
