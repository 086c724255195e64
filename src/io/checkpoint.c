#include "io/checkpoint.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "io/blocks.h"
#include "io/files.h"
#include "io/h5.h"

#define FORMAT_VERSION 2
/* Fixed, unlike other texts: those of variable length are in a heap that has no checksum, and whose bytes HDF5 trusts.
 */
#define VERSION_TYPE   ((enum sk_h5_type)SK_H5_TEXT(sizeof((struct sk_checkpoint_state *)0)->version))
#define METADATA_BYTES 65536 /* more than HDF5's own structures take */

/* The attributes of /state: name and place of every field but the version. n = 0: a scalar. */
struct field {
    const char *name;
    enum sk_h5_type type;
    int n;
    size_t offset, bytes;
};
#define FIELD(member, type, n)                                          \
    {                                                                   \
#member, type, n, offsetof(struct sk_checkpoint_state, member), \
            sizeof(((struct sk_checkpoint_state *)0)->member)           \
    }
static const struct field fields[] = {
    FIELD(natoms, SK_H5_I64, 0),
    FIELD(step, SK_H5_I64, 0),
    FIELD(time, SK_H5_F64, 0),
    {"box", SK_H5_F64, 3, offsetof(struct sk_checkpoint_state, box.edge), 24},
    {"tilt", SK_H5_F64, 3, offsetof(struct sk_checkpoint_state, box.tilt), 24},
    FIELD(seed, SK_H5_U64, 0),
    FIELD(model_hash, SK_H5_U64, 0),
    FIELD(state_hash, SK_H5_U64, 0),
    FIELD(reference_hash, SK_H5_U64, 0),
    FIELD(integrator, SK_H5_I32, 0),
    FIELD(velocity_time, SK_H5_I32, 0),
    FIELD(quantum_bits, SK_H5_I32, 0),
    FIELD(force_scale, SK_H5_F64, 0),
    FIELD(mesh, SK_H5_I32, 3),
    FIELD(mesh_order, SK_H5_I32, 0),
    FIELD(charge_bits, SK_H5_I32, 0),
    FIELD(ewald_beta, SK_H5_F64, 0),
    FIELD(constraint_solver, SK_H5_I32, 0),
    FIELD(fragment_core, SK_H5_I32, 0),
    FIELD(fragment_overlap, SK_H5_I32, 0),
    FIELD(constraint_tolerance, SK_H5_F64, 0),
    FIELD(has_pending_box, SK_H5_I32, 0),
    FIELD(pending_box, SK_H5_F64, 3),
    FIELD(conserved_offset, SK_H5_F64, 0),
    FIELD(last_energy_step, SK_H5_I64, 0),
    FIELD(descent, SK_H5_F64, 4),
    FIELD(downhill, SK_H5_I64, 0),
    FIELD(is_crowded, SK_H5_I32, 0),
    FIELD(has_moves, SK_H5_I32, 0),
    FIELD(rebuilds, SK_H5_I64, 0),
    FIELD(migrated, SK_H5_I64, 0),
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

/* XXH3_64 over the fields' bytes in table order, then the version's 32. */
static uint64_t state_sum(const struct sk_checkpoint_state *state)
{
    unsigned char bytes[sizeof *state];
    size_t length = 0;
    for (int i = 0; i < FIELDS; i++) {
        memcpy(bytes + length, (const unsigned char *)state + fields[i].offset, fields[i].bytes);
        length += fields[i].bytes;
    }
    memcpy(bytes + length, state->version, sizeof state->version);
    return sk_hash(bytes, length + sizeof state->version);
}

static enum sk_code state_write(struct sk_h5 *file, const struct sk_checkpoint_state *state, struct sk_error *err)
{
    const int32_t format = FORMAT_VERSION;
    uint64_t sum = state_sum(state);
    enum sk_code code = sk_h5_group(file, "/state", err);
    for (int i = 0; !code && i < FIELDS; i++)
        code = sk_h5_attribute_write(file, "/state", fields[i].name, fields[i].type, fields[i].n,
                                     (const unsigned char *)state + fields[i].offset, err);
    if (!code)
        code = sk_h5_attribute_write(file, "/state", "version", VERSION_TYPE, 0, state->version, err);
    if (!code)
        code = sk_h5_attribute_write(file, "/checksum", "state", SK_H5_U64, 0, &sum, err);
    return code ? code : sk_h5_attribute_write(file, "/", "skein_checkpoint", SK_H5_I32, 0, &format, err);
}

static enum sk_code state_read(struct sk_h5 *file, const char *path, struct sk_checkpoint_state *state,
                               struct sk_error *err)
{
    int32_t format = 0;
    uint64_t sum = 0;
    memset(state, 0, sizeof *state);
    enum sk_code code = sk_h5_attribute_read(file, "/", "skein_checkpoint", SK_H5_I32, 0, &format, err);
    if (!code && format != FORMAT_VERSION)
        code = sk_fail(err, SK_EENV, "%s: checkpoint format %d; this program reads format %d", path, (int)format,
                       FORMAT_VERSION);
    for (int i = 0; !code && i < FIELDS; i++)
        code = sk_h5_attribute_read(file, "/state", fields[i].name, fields[i].type, fields[i].n,
                                    (unsigned char *)state + fields[i].offset, err);
    if (!code)
        code = sk_h5_attribute_read(file, "/state", "version", VERSION_TYPE, 0, state->version, err);
    if (!code)
        code = sk_h5_attribute_read(file, "/checksum", "state", SK_H5_U64, 0, &sum, err);
    if (!code && (sum != state_sum(state) || state->natoms < 0))
        code = sk_fail(err, SK_EENV, "%s: damaged: checksum of /state differs", path);
    return code;
}

/* Compares every checksum of the file; ranks share the blocks. Each opens the file by itself, so that damage met by one
 * rank alone cannot leave the others in a collective call. */
static enum sk_code file_verify(struct sk_comm *comm, const char *path, struct sk_checkpoint_state *state,
                                struct sk_error *err)
{
    int rank = sk_comm_rank(comm), size = sk_comm_size(comm);
    struct sk_h5 *file = NULL;
    enum sk_code code = SK_OK;
    if (rank == 0) {
        code = sk_h5_open(&file, path, SK_H5_READ, NULL, err);
        if (!code)
            code = state_read(file, path, state, err);
        if (!code)
            code = sk_blocks_shapes(file, state->natoms, state->has_moves, err);
    }
    code = sk_comm_agree(comm, err, code);
    if (!code) {
        sk_comm_bcast(comm, state, sizeof *state, 0);
        int64_t blocks = sk_blocks_count(state->natoms);
        if (rank > 0 && rank < blocks)
            code = sk_h5_open(&file, path, SK_H5_READ, NULL, err);
        for (int64_t block = rank; !code && block < blocks; block += size)
            code = sk_blocks_read(file, path, state->natoms, state->has_moves, block, 0, 0, NULL, err);
        code = sk_comm_agree(comm, err, code);
    }
    struct sk_error ignored; /* nothing was written */
    sk_h5_close(&file, &ignored);
    return code;
}

/* Collective. HDF5 can neither close nor forget a file that it failed to write (h5.h): nothing is left but to clear
 * away and end the job. Space was claimed before, so this takes a broken disk. */
static _Noreturn void file_give_up(struct sk_comm *comm, const char *tmp, const struct sk_error *err)
{
    if (sk_comm_rank(comm) == 0) {
        sk_file_remove(tmp);
        sk_die(err->code, "%s", err->message);
    }
    for (;;) /* until rank 0 has ended the job */
        sk_comm_barrier(comm);
}

/* Collective. Makes and fills the file `path`; it is closed, not yet synced. */
static enum sk_code file_write(struct sk_comm *comm, const char *path, const struct sk_checkpoint_state *state,
                               const struct sk_atoms *atoms, struct sk_error *err)
{
    const int64_t bytes = sk_blocks_bytes(state->natoms, state->has_moves) + METADATA_BYTES;
    struct sk_h5 *file = NULL;
    struct sk_error closing;
    enum sk_code code = sk_file_may_grow(path, bytes, err);
    code = sk_comm_agree(comm, err, code);
    if (!code && sk_comm_rank(comm) == 0)
        code = sk_h5_seed(path, SK_H5_APPEND_CHECKSUMMED, bytes, err);
    code = sk_comm_agree(comm, err, code);
    if (!code)
        code = sk_comm_agree(comm, err, sk_h5_open(&file, path, SK_H5_APPEND_CHECKSUMMED, sk_comm_mpi(comm), err));
    if (code)
        return code;
    code = sk_blocks_layout(file, state->natoms, state->has_moves, err);
    if (!code)
        code = state_write(file, state, err);
    code = sk_comm_agree(comm, err, code);
    if (!code)
        code = sk_blocks_write(comm, file, atoms, state->natoms, state->has_moves, err);
    if (code == SK_EENV)
        file_give_up(comm, path, err);
    enum sk_code closed = sk_comm_agree(comm, &closing, sk_h5_close(&file, &closing));
    if (closed)
        file_give_up(comm, path, &closing);
    return code;
}

static enum sk_code file_publish(const char *tmp, const char *path, const char *prev, struct sk_error *err)
{
    bool has_previous = sk_file_exists(path);
    enum sk_code code = has_previous ? sk_file_rename(path, prev, err) : SK_OK;
    if (code)
        return code;
    code = sk_file_rename(tmp, path, err);
    if (code && has_previous) {
        struct sk_error ignored; /* the first failure is the one to report */
        sk_file_rename(prev, path, &ignored);
    }
    return code;
}

enum sk_code sk_checkpoint_write(struct sk_comm *comm, const char *path, const struct sk_checkpoint_state *state,
                                 const struct sk_atoms *atoms, struct sk_error *err)
{
    char tmp[SK_FILE_PATH_MAX], prev[SK_FILE_PATH_MAX];
    bool is_first = sk_comm_rank(comm) == 0;
    struct sk_checkpoint_state written = *state, read;
    enum sk_code code = sk_file_join(tmp, path, ".tmp", err);
    if (!code)
        code = sk_file_join(prev, path, ".prev", err);
    if (code)
        return code;
    /* What lies behind the version's end counts in its checksum. */
    memset(written.version, 0, sizeof written.version);
    snprintf(written.version, sizeof written.version, "%s", state->version);
    /* Attributes are written with equal values on all ranks. */
    sk_comm_bcast(comm, &written, sizeof written, 0);
    code = file_write(comm, tmp, &written, atoms, err);
    if (!code) {
        if (is_first)
            sk_file_trim(tmp);
        code = sk_comm_agree(comm, err, is_first ? sk_file_sync(tmp, err) : SK_OK);
    }
    if (!code)
        code = file_verify(comm, tmp, &read, err);
    if (!code)
        code = sk_comm_agree(comm, err, is_first ? file_publish(tmp, path, prev, err) : SK_OK);
    if (code && is_first)
        sk_file_remove(tmp);
    return code;
}

enum sk_code sk_checkpoint_find(struct sk_comm *comm, const char *path, bool *exists, char used[1024],
                                struct sk_checkpoint_state *state, struct sk_error *err)
{
    static const char *const suffix[] = {"", ".prev"};
    char trouble[900] = "";
    *exists = false;
    used[0] = '\0';
    for (int generation = 0; generation < 2; generation++) {
        char name[SK_FILE_PATH_MAX];
        enum sk_code code = sk_file_join(name, path, suffix[generation], err);
        if (code || strlen(name) >= 1024)
            return code ? code : sk_fail(err, SK_EENV, "path too long: %.200s...", path);
        int64_t is_there = sk_comm_rank(comm) == 0 && sk_file_exists(name);
        sk_comm_max_i64(comm, &is_there, 1);
        if (!is_there)
            continue;
        *exists = true;
        if (file_verify(comm, name, state, err) == SK_OK) {
            snprintf(used, 1024, "%s", name);
            snprintf(err->message, sizeof err->message, "%s", trouble);
            err->code = SK_OK;
            return SK_OK;
        }
        size_t length = strlen(trouble);
        snprintf(trouble + length, sizeof trouble - length, "%s%.440s", length ? "; " : "", err->message);
    }
    if (*exists)
        return sk_fail(err, SK_EENV, "no checkpoint can be read: %s", trouble);
    err->code = SK_OK;
    err->message[0] = '\0';
    return SK_OK;
}

enum sk_code sk_checkpoint_read(struct sk_comm *comm, const char *used, sk_gid first, int64_t n,
                                struct sk_atom_record *records, struct sk_error *err)
{
    struct sk_h5 *file = NULL;
    struct sk_checkpoint_state state;
    enum sk_code code = SK_OK;
    if (n > 0) {
        memset(records, 0, (size_t)n * sizeof *records);
        for (int64_t i = 0; i < n; i++)
            records[i].id = first + i;
        code = sk_h5_open(&file, used, SK_H5_READ, NULL, err);
        if (!code)
            code = state_read(file, used, &state, err);
        if (!code && (first < 0 || first + n > state.natoms))
            code = sk_fail(err, SK_EINTERNAL, "%s: atoms %lld to %lld of %lld asked for", used, (long long)first + 1,
                           (long long)(first + n), (long long)state.natoms);
        for (int64_t block = first / SK_BLOCK_ROWS; !code && block * SK_BLOCK_ROWS < first + n; block++)
            code = sk_blocks_read(file, used, state.natoms, state.has_moves, block, first, n, records, err);
    }
    struct sk_error ignored; /* nothing was written */
    sk_h5_close(&file, &ignored);
    return sk_comm_agree(comm, err, code);
}
