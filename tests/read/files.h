/* Files: what the tests of the readers share: text files in a folder of their own, the reference systems, sinks. */
#ifndef SK_TESTS_READ_FILES_H
#define SK_TESTS_READ_FILES_H

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "check.h"
#include "read/structure.h"

/* A folder in $TMPDIR; files_remove deletes it. */
static char files_folder[256];

static inline int files_make(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;
    snprintf(files_folder, sizeof files_folder, "%s/skein-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(files_folder) ? 0 : -1;
}

static inline int files_remove(void **state)
{
    char command[320];
    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", files_folder);
    return system(command);
}

/* Path of a file in the folder, valid for the next 63 calls. */
static inline const char *files_path(const char *name)
{
    static char path[64][512];
    static int next;
    next = (next + 1) % 64;
    snprintf(path[next], sizeof path[next], "%s/%s", files_folder, name);
    return path[next];
}

static inline const char *files_write(const char *name, const char *text)
{
    const char *path = files_path(name);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
    return path;
}

/* Path of a reference system's file, unpacked if it ends in .xz; NULL (after saying so) where there is none. */
static inline const char *files_system(const char *name)
{
    const char *root = getenv("SKEIN_SYSTEMS");
    static char source[512];
    struct stat info;
    snprintf(source, sizeof source, "%s/%s", root && *root ? root : "../shared/systems", name);
    if (stat(source, &info) != 0) {
        print_message("skipped: %s is not there (SKEIN_SYSTEMS)\n", source);
        return NULL;
    }
    size_t length = strlen(source);
    if (length < 3 || strcmp(source + length - 3, ".xz") != 0)
        return source;
    const char *path = files_path("unpacked");
    char command[1200];
    snprintf(command, sizeof command, "xz -dc '%s' > '%s'", source, path);
    assert_int_equal(system(command), 0);
    return path;
}

/* Number printed by a shell command. */
static inline long files_number(const char *command)
{
    long number = -1;
    FILE *in = popen(command, "r");
    assert_non_null(in);
    assert_int_equal(fscanf(in, "%ld", &number), 1);
    pclose(in);
    return number;
}

/* Everything that came through the sinks. */
struct files_atoms {
    int n, nv, nblocks;
    sk_gid *id;
    int32_t *kind, (*image)[3];
    double (*x)[3], (*v)[3];
};

static inline void files_atoms_init(struct files_atoms *atoms, int64_t capacity)
{
    memset(atoms, 0, sizeof *atoms);
    size_t n = (size_t)capacity;
    atoms->id = sk_calloc(n, sizeof *atoms->id);
    atoms->kind = sk_calloc(n, sizeof *atoms->kind);
    atoms->image = sk_calloc(n, sizeof *atoms->image);
    atoms->x = sk_calloc(n, sizeof *atoms->x);
    atoms->v = sk_calloc(n, sizeof *atoms->v);
}

static inline void files_atoms_clear(struct files_atoms *atoms)
{
    sk_free(&atoms->id);
    sk_free(&atoms->kind);
    sk_free(&atoms->image);
    sk_free(&atoms->x);
    sk_free(&atoms->v);
}

/* In file order. */
static inline enum sk_code files_atom_sink(void *context, const struct sk_atom_block *block, struct sk_error *err)
{
    struct files_atoms *atoms = context;
    (void)err;
    assert_true(block->n > 0 && block->n <= SK_BLOCK_ATOMS);
    size_t at = (size_t)atoms->n, n = (size_t)block->n;
    memcpy(atoms->id + at, block->id, n * sizeof *atoms->id);
    memcpy(atoms->kind + at, block->kind, n * sizeof *atoms->kind);
    memcpy(atoms->image + at, block->image, n * sizeof *atoms->image);
    memcpy(atoms->x + at, block->x, n * sizeof *atoms->x);
    memcpy(atoms->v + at, block->v, n * sizeof *atoms->v);
    atoms->n += block->n;
    atoms->nblocks++;
    return SK_OK;
}

/* By id. */
static inline enum sk_code files_velocity_sink(void *context, const struct sk_atom_block *block, struct sk_error *err)
{
    struct files_atoms *atoms = context;
    (void)err;
    for (int i = 0; i < block->n; i++)
        memcpy(atoms->v[block->id[i]], block->v[i], sizeof block->v[i]);
    atoms->nv += block->n;
    return SK_OK;
}

#endif
