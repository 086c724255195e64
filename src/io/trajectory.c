#include "io/trajectory.h"

#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "io/files.h"
#include "io/h5.h"
#include "io/h5md.h"

struct sk_trajectory {
    struct sk_comm *comm;          /* borrowed until close */
    const struct sk_topology *top; /* borrowed until close */
    char path[SK_FILE_PATH_MAX], tmp[SK_FILE_PATH_MAX];
    bool has[SK_H5MD_ELEMENTS];
    bool is_new; /* still PATH.tmp, without a frame */
    struct sk_h5 *file;
    struct sk_merge_plan plan;
    int64_t frames, last_step; /* in the file */
    unsigned char *rows;       /* one element of a piece */
    uint64_t *sums;            /* [rounds][SK_H5MD_ELEMENTS] hashes of what this rank wrote of the frame */
};

static const char *trajectory_name(const struct sk_trajectory *t)
{
    return t->is_new ? t->tmp : t->path;
}

/* Collective. See file_give_up in checkpoint.c: the frames flushed before are whole. */
static _Noreturn void trajectory_give_up(struct sk_trajectory *t, const struct sk_error *err)
{
    if (sk_comm_rank(t->comm) == 0) {
        if (t->is_new)
            sk_file_remove(t->tmp);
        sk_die(err->code, "%s", err->message);
    }
    for (;;) /* until rank 0 has ended the job */
        sk_comm_barrier(t->comm);
}

/* Collective, agreed. */
static enum sk_code trajectory_create(struct sk_trajectory *t, const struct sk_parameters *parameters,
                                      struct sk_error *err)
{
    int64_t bytes = sk_h5md_fixed_bytes(t->top) + sk_h5md_frame_bytes(t->top);
    t->is_new = true;
    enum sk_code code = sk_comm_agree(t->comm, err, sk_file_may_grow(t->tmp, bytes, err));
    if (code)
        return code;
    if (sk_comm_rank(t->comm) == 0)
        code = sk_h5_seed(t->tmp, SK_H5_APPEND, bytes, err);
    code = sk_comm_agree(t->comm, err, code);
    if (!code)
        code = sk_comm_agree(t->comm, err, sk_h5_open(&t->file, t->tmp, SK_H5_APPEND, sk_comm_mpi(t->comm), err));
    if (!code) {
        code = sk_comm_agree(t->comm, err, sk_h5md_layout(t->file, parameters, t->top, err));
        if (!code)
            code = sk_h5md_topology_write(t->comm, t->file, &t->plan, t->top, err);
        if (code)
            trajectory_give_up(t, err);
    }
    if (code && sk_comm_rank(t->comm) == 0)
        sk_file_remove(t->tmp);
    return code;
}

/* What an existing file holds; plain bytes for the broadcast. */
struct content {
    int64_t rows;      /* frames that every dataset has */
    int64_t keep;      /* of these, frames up to the step to resume from */
    int64_t last_step; /* of frame keep - 1 */
    int64_t is_even;   /* all datasets have as many rows */
};

static void content_rows(struct content *content, uint64_t rows)
{
    if (content->rows >= 0 && content->rows != (int64_t)rows)
        content->is_even = 0;
    if (content->rows < 0 || (int64_t)rows < content->rows)
        content->rows = (int64_t)rows;
}

/* Local: compares the file with what the run would write. */
static enum sk_code content_check(struct sk_h5 *file, const struct sk_trajectory *t, struct content *content,
                                  struct sk_error *err)
{
    static const char *const name[] = {SK_H5MD_STEP, SK_H5MD_TIME, SK_H5MD_EDGES};
    static const enum sk_h5_type type[] = {SK_H5_I64, SK_H5_F64, SK_H5_F64};
    struct sk_h5_shape shape;
    content->rows = -1;
    content->is_even = 1;
    for (int i = 0; i < 3; i++) {
        enum sk_code code = sk_h5_shape(file, name[i], type[i], &shape, err);
        if (code)
            return code;
        content_rows(content, shape.size[0]);
    }
    for (int e = 0; e < SK_H5MD_ELEMENTS; e++) {
        const struct sk_h5md_element *element = &sk_h5md_elements[e];
        if (sk_h5_has(file, element->value) != t->has[e])
            return sk_fail(
                err, SK_EINPUT,
                "%s: %s %s, which the run file %s; resume with the same [output], or name another trajectory", t->path,
                t->has[e] ? "lacks" : "holds", strrchr(element->group, '/') + 1,
                t->has[e] ? "asks for" : "does not ask for");
        if (!t->has[e])
            continue;
        enum sk_code code = sk_h5_shape(file, element->value, element->type, &shape, err);
        if (code)
            return code;
        if (shape.rank != 3 || shape.size[1] != (uint64_t)t->top->natoms || shape.size[2] != 3)
            return sk_fail(err, SK_EINPUT, "%s: holds %llu atoms, the run %lld: not its trajectory", t->path,
                           (unsigned long long)shape.size[1], (long long)t->top->natoms);
        content_rows(content, shape.size[0]);
    }
    return SK_OK;
}

static enum sk_code step_read(struct sk_h5 *file, int64_t frame, int64_t *step, struct sk_error *err)
{
    struct sk_h5_slab one = {{(uint64_t)frame}, {1}};
    return sk_h5_read(file, SK_H5MD_STEP, SK_H5_I64, &one, step, err);
}

/* Local. Steps ascend: bisection for the first frame beyond resume_step. */
static enum sk_code content_read(const struct sk_trajectory *t, int64_t resume_step, struct content *content,
                                 struct sk_error *err)
{
    struct sk_h5 *file;
    struct sk_error ignored; /* closing: nothing was written */
    enum sk_code code = sk_h5_open(&file, t->path, SK_H5_READ, NULL, err);
    if (!code)
        code = content_check(file, t, content, err);
    int64_t low = 0, high = code ? 0 : content->rows, step = -1;
    while (!code && low < high) {
        int64_t middle = low + (high - low) / 2;
        code = step_read(file, middle, &step, err);
        if (step > resume_step)
            high = middle;
        else
            low = middle + 1;
    }
    content->keep = low;
    content->last_step = -1;
    if (!code && low)
        code = step_read(file, low - 1, &content->last_step, err);
    sk_h5_close(&file, &ignored);
    return code;
}

/* Collective. Sets the length of everything that has a row a frame. */
static enum sk_code trajectory_resize(struct sk_trajectory *t, int64_t rows, struct sk_error *err)
{
    enum sk_code code = sk_h5_resize(t->file, SK_H5MD_STEP, (uint64_t)rows, err);
    if (!code)
        code = sk_h5_resize(t->file, SK_H5MD_TIME, (uint64_t)rows, err);
    if (!code)
        code = sk_h5_resize(t->file, SK_H5MD_EDGES, (uint64_t)rows, err);
    for (int e = 0; !code && e < SK_H5MD_ELEMENTS; e++)
        if (t->has[e])
            code = sk_h5_resize(t->file, sk_h5md_elements[e].value, (uint64_t)rows, err);
    return code;
}

/* Collective, agreed. Room on the disk, before HDF5 is asked to write (sk_h5_seed says why). */
static enum sk_code trajectory_reserve(struct sk_trajectory *t, struct sk_error *err)
{
    int64_t bytes = sk_h5md_frame_bytes(t->top);
    enum sk_code code = sk_file_may_grow(trajectory_name(t), bytes, err);
    if (!code && sk_comm_rank(t->comm) == 0)
        code = sk_file_reserve(trajectory_name(t), bytes, err);
    return sk_comm_agree(t->comm, err, code);
}

/* Collective, agreed. */
static enum sk_code trajectory_append(struct sk_trajectory *t, int64_t resume_step, struct sk_error *err)
{
    struct content content = {0};
    enum sk_code code = SK_OK;
    if (sk_comm_rank(t->comm) == 0)
        code = content_read(t, resume_step, &content, err);
    if (!code && sk_comm_rank(t->comm) == 0)
        code = sk_file_mend(t->path, err);
    code = sk_comm_agree(t->comm, err, code);
    if (!code)
        code = trajectory_reserve(t, err);
    if (!code)
        code = sk_comm_agree(t->comm, err, sk_h5_open(&t->file, t->path, SK_H5_APPEND, sk_comm_mpi(t->comm), err));
    if (code)
        return code;
    sk_comm_bcast(t->comm, &content, sizeof content, 0);
    if (content.keep < content.rows || !content.is_even) {
        code = trajectory_resize(t, content.keep, err);
        if (!code)
            code = sk_h5_flush(t->file, err);
        if (sk_comm_agree(t->comm, err, code))
            trajectory_give_up(t, err);
    }
    t->frames = content.keep;
    t->last_step = content.last_step;
    return SK_OK;
}

static void trajectory_free(struct sk_trajectory **trajectory)
{
    sk_free(&(*trajectory)->rows);
    sk_free(&(*trajectory)->sums);
    sk_free(trajectory);
}

enum sk_code sk_trajectory_open(struct sk_comm *comm, const struct sk_parameters *parameters,
                                const struct sk_topology *top, int64_t resume_step, struct sk_trajectory **trajectory,
                                struct sk_error *err)
{
    const char *path = parameters->output.trajectory;
    struct sk_trajectory *t = sk_calloc(1, sizeof *t);
    int64_t chunk = sk_h5md_chunk(top->natoms);
    *trajectory = NULL;
    t->comm = comm;
    t->top = top;
    for (int e = 0; e < SK_H5MD_ELEMENTS; e++)
        t->has[e] = sk_h5md_is_wanted(parameters, e);
    t->plan = sk_merge_plan_make(top->natoms, sk_comm_size(comm), chunk, chunk);
    t->rows = sk_alloc(sk_comm_rank(comm) < t->plan.writers ? (size_t)chunk : 0, 3 * sizeof(double));
    t->sums = sk_calloc((size_t)t->plan.rounds * SK_H5MD_ELEMENTS, sizeof *t->sums);
    enum sk_code code = sk_file_join(t->path, path, "", err);
    if (!code)
        code = sk_file_join(t->tmp, path, ".tmp", err);
    if (!code) {
        int64_t is_there = resume_step >= 0 && sk_comm_rank(comm) == 0 && sk_file_exists(t->path);
        sk_comm_max_i64(comm, &is_there, 1);
        code = is_there ? trajectory_append(t, resume_step, err) : trajectory_create(t, parameters, err);
    }
    if (code)
        trajectory_free(&t);
    *trajectory = t;
    return code;
}

/* What a frame's records are made from. */
struct source {
    const struct sk_frame *frame;
    bool has_force;
};

static void record_fill(const void *context, int i, void *bytes)
{
    const struct source *source = context;
    const struct sk_atoms *atoms = source->frame->atoms;
    struct sk_h5md_record record;
    memset(&record, 0, sizeof record);
    record.id = atoms->id[i];
    record.kind = atoms->kind[i];
    double s[3];
    for (int k = 0; k < 3; k++) {
        s[k] = (double)(atoms->x[i][k] >> 11) * 0x1p-53; /* 53 bits: no fraction becomes the whole edge */
        record.velocity[k] = (float)atoms->v[i][k];
        record.image[k] = atoms->image[i][k];
        if (source->has_force)
            record.force[k] = (float)source->frame->force[i][k];
    }
    sk_box_vector(&source->frame->box, s, record.position);
    memcpy(bytes, &record, sizeof record);
}

/* Collective. Every call is made on every rank, whatever failed before. */
static enum sk_code piece_write(struct sk_trajectory *t, const struct sk_h5md_record *records, int64_t round,
                                struct sk_error *err)
{
    sk_gid first;
    int64_t n;
    sk_merge_piece(&t->plan, sk_comm_rank(t->comm), round, &first, &n);
    struct sk_h5_slab slab = {{(uint64_t)t->frames, (uint64_t)first, 0}, {n > 0, (uint64_t)n, 3}};
    enum sk_code code = SK_OK;
    struct sk_error other;
    for (int e = 0; e < SK_H5MD_ELEMENTS; e++) {
        const struct sk_h5md_element *element = &sk_h5md_elements[e];
        if (!t->has[e])
            continue;
        for (int64_t i = 0; i < n; i++)
            memcpy(t->rows + (size_t)i * element->bytes, (const unsigned char *)&records[i] + element->offset,
                   element->bytes);
        t->sums[round * SK_H5MD_ELEMENTS + e] = sk_hash(t->rows, (size_t)n * element->bytes);
        enum sk_code now = sk_h5_write(t->file, element->value, element->type, &slab, t->rows, code ? &other : err);
        code = code ? code : now;
    }
    if (t->is_new) {
        enum sk_code now = sk_h5md_kinds_write(t->file, t->top, records, n, code ? &other : err);
        code = code ? code : now;
    }
    return code;
}

/* Collective. Rank 0 writes the row of step, time and edges. */
static enum sk_code row_write(struct sk_trajectory *t, const struct sk_frame *frame, struct sk_error *err)
{
    uint64_t mine = sk_comm_rank(t->comm) == 0;
    struct sk_h5_slab row = {{(uint64_t)t->frames, 0, 0}, {mine, 3, 3}};
    double edges[3][3];
    struct sk_error e[3];
    enum sk_code code[3];
    sk_box_lattice(&frame->box, edges);
    code[0] = sk_h5_write(t->file, SK_H5MD_STEP, SK_H5_I64, &row, &frame->step, &e[0]);
    code[1] = sk_h5_write(t->file, SK_H5MD_TIME, SK_H5_F64, &row, &frame->time, &e[1]);
    code[2] = sk_h5_write(t->file, SK_H5MD_EDGES, SK_H5_F64, &row, edges, &e[2]);
    for (int k = 0; k < 3; k++) {
        if (code[k]) {
            *err = e[k];
            return code[k];
        }
    }
    return SK_OK;
}

/* Collective, agreed. SK_EINTERNAL: the atoms are not what they should be, and the file is fit to be closed. */
static enum sk_code frame_write(struct sk_trajectory *t, const struct sk_frame *frame, struct sk_error *err)
{
    struct source source = {frame, t->has[SK_H5MD_FORCE]};
    struct sk_merge *merge;
    enum sk_code code = sk_merge_new(t->comm, &t->plan, frame->atoms->n, frame->atoms->id,
                                     sizeof(struct sk_h5md_record), &merge, err);
    if (code)
        return code;
    code = trajectory_resize(t, t->frames + 1, err);
    if (!code)
        code = row_write(t, frame, err);
    code = sk_comm_agree(t->comm, err, code);
    for (int64_t round = 0; !code && round < t->plan.rounds; round++) {
        const void *records;
        code = sk_merge_round(merge, round, record_fill, &source, &records, err);
        if (!code)
            code = sk_comm_agree(t->comm, err, piece_write(t, records, round, err));
    }
    sk_merge_free(&merge);
    return code ? code : sk_comm_agree(t->comm, err, sk_h5_flush(t->file, err));
}

/* Collective, agreed. Reads the frame back: MPI-IO of Open MPI 4.1 reports success for collective writes that failed.
 */
static enum sk_code frame_verify(struct sk_trajectory *t, struct sk_error *err)
{
    enum sk_code code = SK_OK;
    for (int64_t round = 0; !code && round < t->plan.rounds; round++) {
        sk_gid first;
        int64_t n;
        sk_merge_piece(&t->plan, sk_comm_rank(t->comm), round, &first, &n);
        struct sk_h5_slab slab = {{(uint64_t)t->frames, (uint64_t)first, 0}, {1, (uint64_t)n, 3}};
        for (int e = 0; !code && n && e < SK_H5MD_ELEMENTS; e++) {
            const struct sk_h5md_element *element = &sk_h5md_elements[e];
            if (!t->has[e])
                continue;
            code = sk_h5_read(t->file, element->value, element->type, &slab, t->rows, err);
            if (!code && sk_hash(t->rows, (size_t)n * element->bytes) != t->sums[round * SK_H5MD_ELEMENTS + e])
                code = sk_fail(err, SK_EENV, "%s: a frame does not read back as it was written: the disk fails",
                               t->path);
        }
    }
    return sk_comm_agree(t->comm, err, code);
}

/* Collective. Takes back a frame that is not good; the file then holds the frames before. */
static void frame_drop(struct sk_trajectory *t)
{
    struct sk_error err;
    enum sk_code code = trajectory_resize(t, t->frames, &err);
    if (!code)
        code = sk_h5_flush(t->file, &err);
    if (sk_comm_agree(t->comm, &err, code))
        trajectory_give_up(t, &err);
}

enum sk_code sk_trajectory_write(struct sk_trajectory *t, const struct sk_frame *frame, struct sk_error *err)
{
    SK_REQUIRE(frame->force || !t->has[SK_H5MD_FORCE] || !frame->atoms->n);
    if (t->frames && frame->step <= t->last_step)
        return SK_OK;
    enum sk_code code = t->is_new ? SK_OK : trajectory_reserve(t, err);
    if (code)
        return code;
    code = frame_write(t, frame, err);
    if (code == SK_EENV)
        trajectory_give_up(t, err);
    if (!code)
        code = frame_verify(t, err);
    if (code) {
        frame_drop(t);
        return code;
    }
    t->frames++;
    t->last_step = frame->step;
    if (t->is_new) {
        code = sk_comm_rank(t->comm) == 0 ? sk_file_rename(t->tmp, t->path, err) : SK_OK;
        code = sk_comm_agree(t->comm, err, code);
        t->is_new = code != SK_OK;
        if (!code)
            sk_h5_renamed(t->file, t->path);
    }
    return code;
}

enum sk_code sk_trajectory_close(struct sk_trajectory **trajectory, struct sk_error *err)
{
    struct sk_trajectory *t = *trajectory;
    if (!t)
        return SK_OK;
    if (sk_comm_agree(t->comm, err, sk_h5_close(&t->file, err)))
        trajectory_give_up(t, err);
    if (sk_comm_rank(t->comm) == 0) {
        if (t->is_new)
            sk_file_remove(t->tmp);
        else
            sk_file_trim(t->path);
    }
    trajectory_free(trajectory);
    return SK_OK;
}
