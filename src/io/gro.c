#include "io/gro.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/files.h"
#include "io/merge.h"

#define PIECE     16384 /* atoms in memory at once */
#define NUMBERS   99999 /* residues and atoms are counted modulo one more */
#define POSITIONS 1e3   /* what fits into a column, with a sign */
#define SPEEDS    1e2

struct record {
    sk_gid id;
    double x[3]; /* fractions of the box vectors */
    double v[3];
    int32_t image[3];
};

static void record_fill(const void *context, int i, void *bytes)
{
    const struct sk_atoms *atoms = context;
    struct record record;
    memset(&record, 0, sizeof record);
    record.id = atoms->id[i];
    for (int k = 0; k < 3; k++) {
        record.x[k] = (double)atoms->x[i][k] * 0x1p-64;
        record.v[k] = atoms->v[i][k];
        record.image[k] = atoms->image[i][k];
    }
    memcpy(bytes, &record, sizeof record);
}

/* The stream that rank 0 writes, and the images of the first atom of the present molecule. */
struct writer {
    FILE *out;
    const struct sk_topology *top;
    const struct sk_box *box;
    int32_t image[3];
};

static enum sk_code write_atom(struct writer *w, const struct record *r, struct sk_error *err)
{
    struct sk_place at = sk_topology_find(w->top, r->id);
    const struct sk_template_atom *atom = &w->top->moltypes[at.moltype].atoms[at.place];
    double s[3], x[3];
    bool fits = true;
    if (at.molecule == r->id)
        memcpy(w->image, r->image, sizeof w->image);
    for (int k = 0; k < 3; k++)
        s[k] = r->x[k] + (r->image[k] - w->image[k]);
    sk_box_vector(w->box, s, x);
    for (int k = 0; k < 3; k++)
        fits = fits && fabs(x[k]) < POSITIONS && fabs(r->v[k]) < SPEEDS;
    if (!fits) {
        char name[SK_ATOM_NAME_MAX];
        sk_topology_name(w->top, r->id, -1, name);
        return sk_fail(err, SK_EPHYSICS,
                       "a .gro file has no room for atom %s: position %g %g %g, velocity %g %g %g; use the checkpoint "
                       "([system] start)",
                       name, x[0], x[1], x[2], r->v[0], r->v[1], r->v[2]);
    }
    fprintf(w->out, "%5d%-5.5s%5.5s%5d%11.6f%11.6f%11.6f%11.7f%11.7f%11.7f\n", (int)((at.residue + 1) % (NUMBERS + 1)),
            atom->residue, atom->name, (int)((r->id + 1) % (NUMBERS + 1)), x[0], x[1], x[2], r->v[0], r->v[1], r->v[2]);
    return SK_OK;
}

static enum sk_code write_head(struct writer *w, const char *path, int64_t step, struct sk_error *err)
{
    w->out = fopen(path, "w");
    if (!w->out)
        return sk_fail(err, SK_EENV, "cannot write %s: %s", path, strerror(errno));
    fprintf(w->out, "%s, step %lld\n%lld\n", w->top->title, (long long)step, (long long)w->top->natoms);
    return SK_OK;
}

/* The box; then the file is closed and on the disk. */
static enum sk_code write_end(struct writer *w, const char *tmp, const char *path, struct sk_error *err)
{
    const struct sk_box *b = w->box;
    fprintf(w->out, "%11.6f%11.6f%11.6f", b->edge[0], b->edge[1], b->edge[2]);
    if (!sk_box_is_rectangular(b)) /* ay, az, bx, bz, cx, cy */
        fprintf(w->out, "%11.6f%11.6f%11.6f%11.6f%11.6f%11.6f", 0.0, 0.0, b->tilt[0], 0.0, b->tilt[1], b->tilt[2]);
    fputc('\n', w->out);
    bool is_bad = ferror(w->out) != 0;
    is_bad |= fclose(w->out) != 0;
    w->out = NULL;
    if (is_bad)
        return sk_fail(err, SK_EENV, "cannot write %s: %s", tmp, strerror(errno));
    enum sk_code code = sk_file_sync(tmp, err);
    return code ? code : sk_file_rename(tmp, path, err);
}

static enum sk_code write_rounds(struct sk_comm *comm, struct writer *w, const struct sk_atoms *atoms,
                                 struct sk_error *err)
{
    struct sk_merge_plan plan = sk_merge_plan_make(w->top->natoms, 1, PIECE, PIECE); /* one writer */
    struct sk_merge *merge;
    enum sk_code code = sk_merge_new(comm, &plan, atoms->n, atoms->id, sizeof(struct record), &merge, err);
    for (int64_t round = 0; !code && round < plan.rounds; round++) {
        const void *bytes;
        sk_gid first;
        int64_t n;
        code = sk_merge_round(merge, round, record_fill, atoms, &bytes, err);
        sk_merge_piece(&plan, sk_comm_rank(comm), round, &first, &n);
        const struct record *records = bytes;
        for (int64_t i = 0; !code && i < n; i++)
            code = write_atom(w, &records[i], err);
        code = sk_comm_agree(comm, err, code);
    }
    sk_merge_free(&merge);
    return code;
}

enum sk_code sk_gro_write(struct sk_comm *comm, const char *path, const struct sk_topology *top,
                          const struct sk_box *box, const struct sk_atoms *atoms, int64_t step, struct sk_error *err)
{
    struct writer w = {.top = top, .box = box};
    bool is_writer = sk_comm_rank(comm) == 0;
    char tmp[SK_FILE_PATH_MAX];
    enum sk_code code = sk_file_join(tmp, path, ".tmp", err);
    if (!code && is_writer)
        code = write_head(&w, tmp, step, err);
    code = sk_comm_agree(comm, err, code);
    if (!code)
        code = write_rounds(comm, &w, atoms, err);
    if (!code && is_writer)
        code = write_end(&w, tmp, path, err);
    if (w.out)
        fclose(w.out);
    if (code && is_writer)
        sk_file_remove(tmp);
    return sk_comm_agree(comm, err, code);
}
