/* Checkpoint: written with one distribution and read with others; damage; full disks. Expected values are the atoms'
 * own definition (system.h). mpi_checkpoint                    runs the tests mpi_checkpoint write PATH NATOMS  writes
 * a checkpoint and prints its state hash (for statehash.sh) mpi_checkpoint break PATH NATOMS  the same on a disk that
 * fails in the middle (for broken_disk.sh) */
#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "broken_disk.h"
#include "io/checkpoint.h"
#include "io/files.h"
#include "system.h"

static struct sk_comm *comm;
static char folder[512];

/* A file system that cannot claim space. */
static bool is_simple_disk;

int fallocate(int fd, int mode, off_t offset, off_t length)
{
    if (is_simple_disk) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return (int)syscall(SYS_fallocate, fd, mode, offset, length);
}

static struct sk_checkpoint_state state_make(struct sk_comm *on, const struct sk_atoms *atoms, int64_t natoms,
                                             int64_t step)
{
    struct sk_checkpoint_state s;
    memset(&s, 0xee, sizeof s); /* bytes between and behind fields must not matter */
    s = (struct sk_checkpoint_state){.natoms = natoms,
                                     .step = step,
                                     .time = 0.002 * (double)step,
                                     .box = {{3.1, 4.2, 5.3}},
                                     .seed = 0xfedcba9876543210,
                                     .model_hash = 17,
                                     .integrator = 1,
                                     .velocity_time = 2,
                                     .quantum_bits = 26,
                                     .force_scale = 4096,
                                     .constraint_solver = 1,
                                     .fragment_core = 64,
                                     .fragment_overlap = 12,
                                     .constraint_tolerance = 1e-6,
                                     .has_pending_box = 1,
                                     .pending_box = {1, 2, 3},
                                     .conserved_offset = -0.1,
                                     .last_energy_step = -1,
                                     .descent = {1e-3, 0.25, 0.7, 4e10},
                                     .downhill = 1LL << 33,
                                     .is_crowded = 1,
                                     .rebuilds = 5,
                                     .migrated = 1LL << 40,
                                     .version = "0.1.0"};
    int64_t sum = (int64_t)sk_atoms_hash(atoms);
    sk_comm_sum_i64(on, &sum, 1);
    s.state_hash = (uint64_t)sum + sk_state_hash_frame(&s.box, s.step);
    return s;
}

static bool state_is(const struct sk_checkpoint_state *a, const struct sk_checkpoint_state *b)
{
    return a->natoms == b->natoms && a->step == b->step && a->time == b->time && a->seed == b->seed &&
           memcmp(&a->box, &b->box, sizeof a->box) == 0 && a->model_hash == b->model_hash &&
           a->state_hash == b->state_hash && a->integrator == b->integrator && a->velocity_time == b->velocity_time &&
           a->quantum_bits == b->quantum_bits && a->force_scale == b->force_scale &&
           a->constraint_solver == b->constraint_solver && a->fragment_core == b->fragment_core &&
           a->fragment_overlap == b->fragment_overlap && a->constraint_tolerance == b->constraint_tolerance &&
           a->has_pending_box == b->has_pending_box &&
           memcmp(a->pending_box, b->pending_box, sizeof a->pending_box) == 0 &&
           a->conserved_offset == b->conserved_offset && a->last_energy_step == b->last_energy_step &&
           memcmp(a->descent, b->descent, sizeof a->descent) == 0 && a->downhill == b->downhill &&
           a->is_crowded == b->is_crowded && a->has_moves == b->has_moves && a->rebuilds == b->rebuilds &&
           a->migrated == b->migrated && strcmp(a->version, b->version) == 0;
}

/* Writes step `step` of configuration `salt`, which has moves if it is odd; the code must be the same everywhere. */
static enum sk_code put(struct sk_comm *on, const char *path, int64_t natoms, uint64_t salt, int64_t step,
                        enum system_spread spread, struct sk_checkpoint_state *state, struct sk_error *err)
{
    struct sk_atoms atoms;
    system_fill(&atoms, on, natoms, salt, spread);
    *state = state_make(on, &atoms, natoms, step);
    state->has_moves = salt % 2 == 1;
    enum sk_code code = sk_checkpoint_write(on, path, state, &atoms, err);
    sk_atoms_clear(&atoms);
    return code;
}

/* Whether reading `used` in equal shares gives configuration `salt`, bit for bit. */
static bool holds(struct sk_comm *on, const char *used, int64_t natoms, uint64_t salt)
{
    int rank = sk_comm_rank(on), size = sk_comm_size(on);
    sk_gid first = natoms * rank / size;
    int64_t n = natoms * (rank + 1) / size - first;
    struct sk_atom_record *records = sk_alloc((size_t)n, sizeof *records);
    struct sk_error err;
    bool is_same = sk_checkpoint_read(on, used, first, n, records, &err) == SK_OK;
    for (int64_t i = 0; is_same && i < n; i++) {
        struct sk_atom_record want = system_atom(first + i, salt);
        if (salt % 2 == 0)
            memset(want.move, 0, sizeof want.move);
        is_same = memcmp(&want, &records[i], sizeof want) == 0;
    }
    sk_free(&records);
    return system_all(on, is_same);
}

static bool found(struct sk_comm *on, const char *path, const char *used_want, const struct sk_checkpoint_state *want)
{
    struct sk_checkpoint_state state;
    struct sk_error err;
    bool exists;
    char used[1024];
    enum sk_code code = sk_checkpoint_find(on, path, &exists, used, &state, &err);
    if (code)
        print_message("find: %s\n", err.message);
    return system_all(on, code == SK_OK && exists && strcmp(used, used_want) == 0 && state_is(&state, want));
}

static void name(char out[600], const char *base, const char *suffix)
{
    snprintf(out, 600, "%s/%s%s", folder, base, suffix);
}

static void flip(const char *path, int64_t offset)
{
    if (sk_comm_rank(comm) == 0) {
        unsigned char byte;
        int fd = open(path, O_RDWR);
        if (fd < 0 || pread(fd, &byte, 1, offset) != 1)
            abort();
        byte ^= 0x10;
        if (pwrite(fd, &byte, 1, offset) != 1 || close(fd) != 0)
            abort();
    }
    sk_comm_barrier(comm);
}

static int64_t length_of(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 ? (int64_t)about.st_size : -1;
}

/* Written by the first m ranks, read by all and by one; several blocks, a last one that is short. */
static void test_distributions(void **state)
{
    (void)state;
    const int64_t natoms = 2 * 65536 + 4321;
    char path[600];
    name(path, "spread.h5", "");
    for (int m = 1; m <= sk_comm_size(comm); m++) {
        MPI_Comm part, self = MPI_COMM_SELF;
        int is_in = sk_comm_rank(comm) < m;
        uint64_t salt = (uint64_t)m;
        struct sk_checkpoint_state want;
        memset(&want, 0, sizeof want);
        MPI_Comm_split(MPI_COMM_WORLD, is_in, 0, &part);
        struct sk_comm *some = sk_comm_new(&part);
        struct sk_error err;
        enum sk_code code = SK_OK;
        if (is_in)
            code = put(some, path, natoms, salt, 100 + m, (enum system_spread)(m % SYSTEM_SPREADS), &want, &err);
        if (code)
            print_message("write: %s\n", err.message);
        assert_true(system_all(comm, code == SK_OK));
        sk_comm_bcast(comm, &want, sizeof want, 0);
        assert_true(found(comm, path, path, &want));
        assert_true(holds(comm, path, natoms, salt));
        struct sk_comm *alone = sk_comm_new(&self);
        bool is_same = sk_comm_rank(comm) != 0 || (found(alone, path, path, &want) && holds(alone, path, natoms, salt));
        assert_true(system_all(comm, is_same));
        sk_comm_free(&alone);
        sk_comm_free(&some);
        MPI_Comm_free(&part);
    }
}

static void test_small(void **state)
{
    (void)state;
    for (int64_t natoms = 1; natoms < 4; natoms++) {
        char path[600];
        struct sk_checkpoint_state want;
        struct sk_error err;
        name(path, "small.h5", "");
        assert_int_equal(put(comm, path, natoms, 1, natoms, SYSTEM_SCATTERED, &want, &err), SK_OK);
        assert_true(found(comm, path, path, &want));
        assert_true(holds(comm, path, natoms, 1));
    }
}

static void test_missing(void **state)
{
    (void)state;
    struct sk_checkpoint_state read;
    struct sk_error err;
    char used[1024], path[600];
    bool exists = true;
    name(path, "nothing.h5", "");
    assert_int_equal(sk_checkpoint_find(comm, path, &exists, used, &read, &err), SK_OK);
    assert_false(exists);
}

static void test_damage(void **state)
{
    (void)state;
    const int64_t natoms = 70000;
    struct sk_checkpoint_state older, newer, read;
    struct sk_error err;
    char path[600], prev[600], tmp[600], used[1024];
    bool exists;
    name(path, "damage.h5", "");
    name(prev, "damage.h5", ".prev");
    name(tmp, "damage.h5", ".tmp");
    assert_int_equal(put(comm, path, natoms, 1, 10, SYSTEM_SCATTERED, &older, &err), SK_OK);
    assert_int_equal(put(comm, path, natoms, 2, 20, SYSTEM_SCATTERED, &newer, &err), SK_OK);
    assert_true(found(comm, path, path, &newer));
    assert_true(holds(comm, prev, natoms, 1));
    assert_int_equal(length_of(tmp), -1);

    flip(path, length_of(path) / 2);
    assert_true(found(comm, path, prev, &older));
    assert_true(holds(comm, prev, natoms, 1));
    assert_false(holds(comm, path, natoms, 2));

    flip(prev, length_of(prev) / 2);
    assert_int_equal(sk_checkpoint_find(comm, path, &exists, used, &read, &err), SK_EENV);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, prev));
    assert_non_null(strstr(err.message, "checksum"));

    /* A kill between the two renames leaves only PATH.prev. */
    flip(prev, length_of(prev) / 2);
    if (sk_comm_rank(comm) == 0)
        unlink(path);
    sk_comm_barrier(comm);
    assert_true(found(comm, path, prev, &older));

    if (sk_comm_rank(comm) == 0 && truncate(prev, length_of(prev) - 1000) != 0)
        abort();
    sk_comm_barrier(comm);
    assert_int_equal(sk_checkpoint_find(comm, path, &exists, used, &read, &err), SK_EENV);
}

/* Any one byte: the damage is found, or it is in unused space and changes nothing. Never a crash, never other atoms. */
static void test_any_byte(void **state)
{
    (void)state;
    const int64_t natoms = 200;
    struct sk_checkpoint_state want, read;
    struct sk_error err;
    char path[600], used[1024];
    bool exists, is_right = true;
    int64_t detected = 0, harmless = 0;
    name(path, "byte.h5", "");
    assert_int_equal(put(comm, path, natoms, 1, 1, SYSTEM_SCATTERED, &want, &err), SK_OK);
    if (sk_comm_rank(comm) == 0) {
        MPI_Comm self = MPI_COMM_SELF;
        struct sk_comm *alone = sk_comm_new(&self), *all = comm;
        int64_t length = length_of(path);
        comm = alone;
        for (int64_t at = 0; at < length; at += 1 + (int64_t)(system_mix((uint64_t)at) % 31)) {
            flip(path, at);
            if (sk_checkpoint_find(alone, path, &exists, used, &read, &err) != SK_OK) {
                detected++;
            } else {
                harmless++;
                is_right = is_right && exists && state_is(&read, &want) && holds(alone, path, natoms, 1);
            }
            flip(path, at);
        }
        comm = all;
        sk_comm_free(&alone);
        print_message("bytes flipped: %lld detected, %lld harmless\n", (long long)detected, (long long)harmless);
        /* Atoms take 64 bytes each: that many flips at least must be seen. */
        is_right = is_right && detected * 16 > natoms * 64;
    }
    assert_true(system_all(comm, is_right));
}

/* Writes over a good checkpoint must fail with SK_EENV, leave nothing beside, and the old one whole. */
static void must_fail(const char *base, const char *reason)
{
    const int64_t natoms = 70000;
    struct sk_checkpoint_state want, ignored;
    struct sk_error err;
    char path[600], tmp[700];
    snprintf(path, sizeof path, "%s", base);
    snprintf(tmp, sizeof tmp, "%s.tmp", base);
    err.message[0] = '\0';
    struct sk_atoms atoms;
    system_fill(&atoms, comm, natoms, 1, SYSTEM_SCATTERED);
    want = state_make(comm, &atoms, natoms, 10);
    want.has_moves = 1;
    sk_atoms_clear(&atoms);
    enum sk_code code = put(comm, path, natoms, 2, 20, SYSTEM_SCATTERED, &ignored, &err);
    bool has_reason = strstr(err.message, reason) != NULL && strstr(err.message, base) != NULL;
    if (!has_reason && sk_comm_rank(comm) == 0)
        print_message("message: %s\n", err.message);
    assert_true(system_all(comm, code == SK_EENV));
    assert_true(system_all(comm, has_reason));
    sk_comm_barrier(comm);
    assert_int_equal(length_of(tmp), -1);
    assert_true(found(comm, path, path, &want));
    assert_true(holds(comm, path, natoms, 1));
}

/* The limit holds for the ranks of the mask. */
static void limited(rlim_t bytes, unsigned mask)
{
    struct rlimit limit, old;
    struct sk_checkpoint_state want;
    struct sk_error err;
    char path[600];
    name(path, "limited.h5", "");
    assert_int_equal(put(comm, path, 70000, 1, 10, SYSTEM_SCATTERED, &want, &err), SK_OK);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = bytes;
    if (mask >> sk_comm_rank(comm) & 1)
        setrlimit(RLIMIT_FSIZE, &limit);
    must_fail(path, strerror(EFBIG));
    setrlimit(RLIMIT_FSIZE, &old);
    /* The failure leaves nothing behind: the next write is good. */
    assert_int_equal(put(comm, path, 70000, 3, 30, SYSTEM_SCATTERED, &want, &err), SK_OK);
    assert_true(found(comm, path, path, &want));
}

static void test_size_limit(void **state)
{
    (void)state;
    limited(1000000, ~0u);
    limited(100, 1u);
    limited(1000000, 1u << (sk_comm_size(comm) - 1));
}

static void test_no_folder(void **state)
{
    (void)state;
    struct sk_checkpoint_state ignored;
    struct sk_error err;
    char path[600];
    name(path, "no/such/folder.h5", "");
    assert_int_equal(put(comm, path, 100, 2, 20, SYSTEM_SCATTERED, &ignored, &err), SK_EENV);
    assert_non_null(strstr(err.message, strerror(ENOENT)));
    assert_non_null(strstr(err.message, path));
}

/* A disk of 7 MB holds one generation of 70,000 atoms with moves (6.2 MB), not a second one (4.5 MB) beside it. */
static void test_full_disk(void **state)
{
    (void)state;
    char disk[600], path[700];
    struct sk_checkpoint_state want;
    struct sk_error err;
    name(disk, "disk", "");
    int64_t is_mounted = 0;
    if (sk_comm_rank(comm) == 0)
        is_mounted = mkdir(disk, 0700) == 0 && mount("tmpfs", disk, "tmpfs", 0, "size=7m") == 0;
    sk_comm_max_i64(comm, &is_mounted, 1);
    if (!is_mounted) {
        if (sk_comm_rank(comm) == 0)
            print_message("SKIPPED test_full_disk: mounting a tmpfs needs root\n");
        return;
    }
    snprintf(path, sizeof path, "%s/full.h5", disk);
    enum sk_code code = put(comm, path, 70000, 1, 10, SYSTEM_SCATTERED, &want, &err);
    if (!code)
        must_fail(path, strerror(ENOSPC));
    is_simple_disk = true;
    if (!code)
        must_fail(path, strerror(ENOSPC));
    is_simple_disk = false;
    sk_comm_barrier(comm);
    if (sk_comm_rank(comm) == 0)
        umount2(disk, MNT_DETACH);
    assert_int_equal(code, SK_OK);
}

static int write_only(const char *path, int64_t natoms, bool is_broken)
{
    struct sk_checkpoint_state state;
    struct sk_error err;
    is_broken_disk = is_broken;
    enum sk_code code = put(comm, path, natoms, 1, 12345, SYSTEM_SCATTERED, &state, &err);
    if (sk_comm_rank(comm) == 0)
        code ? printf("%s\n", err.message) : printf("state hash: %016llx\n", (unsigned long long)state.state_hash);
    return (int)code;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distributions), cmocka_unit_test(test_small),     cmocka_unit_test(test_missing),
        cmocka_unit_test(test_damage),        cmocka_unit_test(test_any_byte),  cmocka_unit_test(test_no_folder),
        cmocka_unit_test(test_size_limit),    cmocka_unit_test(test_full_disk),
    };
    comm = sk_comm_new(NULL);
    int failed;
    if (argc == 4) {
        failed = write_only(argv[2], atoll(argv[3]), strcmp(argv[1], "break") == 0);
    } else {
        system_folder(comm, folder);
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        system_folder_remove(comm, folder);
    }
    sk_comm_free(&comm);
    return failed;
}
