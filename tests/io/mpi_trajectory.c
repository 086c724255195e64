/* Trajectory: written with changing distributions, read back row by row; resumed; full disks; faulty atoms. Expected
 * values are the atoms' own definition (system.h). mpi_trajectory                                   runs the tests
 *     mpi_trajectory write PATH WATERS FRAMES UNITS    writes frames 0 .. FRAMES-1 (UNITS gromacs or lj)
 *     mpi_trajectory endless PATH WATERS               writes until killed; says "pid P" for each rank, then "safe K"
 *                                                    after each frame
 *     mpi_trajectory break PATH WATERS FRAMES          writes; from frame 2 on the disk is broken
 *     mpi_trajectory resume PATH WATERS STEP FRAMES    resumes from STEP and writes frames to FRAMES-1 */
#include <errno.h>
#include <mpi.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "broken_disk.h"
#include "io/h5.h"
#include "io/h5md.h"
#include "io/trajectory.h"
#include "system.h"

static struct sk_comm *comm;
static char folder[512];

/* Waters: oxygen, two hydrogens, one residue each. */
static void topology_make(struct sk_topology *top, int64_t waters)
{
    struct sk_error err;
    static const char *const names[] = {"OW", "HW1", "HW2"};
    sk_topology_init(top);
    if (sk_topology_kind(top, 0, -0.8476, 15.9994) != 0 || sk_topology_kind(top, 1, 0.4238, 1.008) != 1)
        abort();
    top->nmoltypes = top->nblocks = 1;
    top->moltypes = sk_calloc(1, sizeof *top->moltypes);
    struct sk_moltype *type = top->moltypes;
    type->natoms = 3;
    type->atoms = sk_calloc(3, sizeof *type->atoms);
    for (int a = 0; a < 3; a++) {
        snprintf(type->atoms[a].name, SK_NAME_MAX, "%s", names[a]);
        snprintf(type->atoms[a].residue, SK_NAME_MAX, "SOL");
        type->atoms[a].residue_number = 1;
        type->atoms[a].kind = a > 0;
    }
    type->nsettles = 1;
    type->settles = sk_calloc(1, sizeof *type->settles);
    type->settles[0] = (struct sk_settle){0, 1, 2, 0.1, 0.1633};
    top->blocks = sk_calloc(1, sizeof *top->blocks);
    top->blocks[0].count = waters;
    if (sk_moltype_finish(type, &err) || sk_topology_finish(top, &err))
        abort();
}

static void parameters_make(struct sk_parameters *p, const char *path, enum sk_unit_system units)
{
    memset(p, 0, sizeof *p);
    p->units = units;
    p->run.velocity_time = SK_VELOCITY_HALF_STEP_BACK;
    p->run.dt = 0.002;
    p->output.positions = p->output.velocities = p->output.forces = true;
    snprintf(p->output.trajectory, sizeof p->output.trajectory, "%s", path);
}

/* Frame k: step 10 k, time k / 4, configuration k + salt, a box that grows. */
static void edges_of(int64_t k, double edge[3])
{
    for (int d = 0; d < 3; d++)
        edge[d] = 3 + d + 0.125 * (double)k;
}

enum fault { NO_FAULT, ATOM_LOST, ATOM_DOUBLED };

static enum sk_code frame_put(struct sk_trajectory *t, int64_t natoms, int64_t k, uint64_t salt, enum fault fault,
                              struct sk_error *err)
{
    struct sk_atoms atoms;
    struct sk_frame frame = {.step = 10 * k, .time = 0.25 * (double)k, .atoms = &atoms};
    system_fill(&atoms, comm, natoms, (uint64_t)k + salt, (enum system_spread)(k % SYSTEM_SPREADS));
    edges_of(k, frame.box.edge);
    for (int i = 0; i < atoms.n; i++) {
        if (atoms.id[i] == natoms / 2 && fault == ATOM_LOST)
            atoms.n--, atoms.id[i] = atoms.id[atoms.n];
        else if (atoms.id[i] == natoms / 2 && fault == ATOM_DOUBLED)
            atoms.id[i]++;
    }
    double(*force)[3] = sk_alloc((size_t)atoms.n, sizeof *force);
    for (int i = 0; i < atoms.n; i++)
        for (int d = 0; d < 3; d++)
            force[i][d] = -3 * atoms.v[i][d];
    frame.force = (const double(*)[3])force;
    enum sk_code code = sk_trajectory_write(t, &frame, err);
    sk_free(&force);
    sk_atoms_clear(&atoms);
    return code;
}

static bool rows_are(struct sk_h5 *file, const char *path, enum sk_h5_type type, int64_t frame, int64_t natoms,
                     size_t size, const void *want)
{
    struct sk_h5_slab slab = {{(uint64_t)frame, 0, 0}, {1, (uint64_t)natoms, 3}};
    struct sk_error err;
    void *have = sk_alloc((size_t)natoms * 3, size);
    bool is_same = sk_h5_read(file, path, type, &slab, have, &err) == SK_OK &&
                   memcmp(have, want, (size_t)natoms * 3 * size) == 0;
    if (!is_same)
        print_message("frame %lld of %s differs\n", (long long)frame, path);
    sk_free(&have);
    return is_same;
}

static bool frame_is(struct sk_h5 *file, int64_t frame, int64_t natoms, int64_t k, uint64_t salt)
{
    struct sk_h5_slab one = {{(uint64_t)frame, 0, 0}, {1, 3, 3}};
    struct sk_error err;
    int64_t step;
    double time, edges[9], edge[3];
    edges_of(k, edge);
    bool is_good = sk_h5_read(file, SK_H5MD_STEP, SK_H5_I64, &one, &step, &err) == SK_OK && step == 10 * k &&
                   sk_h5_read(file, SK_H5MD_TIME, SK_H5_F64, &one, &time, &err) == SK_OK && time == 0.25 * (double)k &&
                   sk_h5_read(file, SK_H5MD_EDGES, SK_H5_F64, &one, edges, &err) == SK_OK && edges[0] == edge[0] &&
                   edges[4] == edge[1] && edges[8] == edge[2] && edges[1] == 0 && edges[5] == 0 && edges[6] == 0;
    double(*x)[3] = sk_alloc((size_t)natoms, sizeof *x);
    float(*v)[3] = sk_alloc((size_t)natoms, sizeof *v), (*f)[3] = sk_alloc((size_t)natoms, sizeof *f);
    int32_t(*image)[3] = sk_alloc((size_t)natoms, sizeof *image);
    for (int64_t i = 0; i < natoms; i++) {
        struct sk_atom_record a = system_atom(i, (uint64_t)k + salt);
        for (int d = 0; d < 3; d++) {
            x[i][d] = (double)(a.x[d] / 2048) / 9007199254740992.0 * edge[d];
            v[i][d] = (float)a.v[d];
            f[i][d] = (float)(-3 * a.v[d]);
            image[i][d] = a.image[d];
        }
    }
    is_good = is_good && rows_are(file, "/particles/trajectory/position/value", SK_H5_F64, frame, natoms, 8, x) &&
              rows_are(file, "/particles/trajectory/velocity/value", SK_H5_F32, frame, natoms, 4, v) &&
              rows_are(file, "/particles/trajectory/force/value", SK_H5_F32, frame, natoms, 4, f) &&
              rows_are(file, "/particles/trajectory/image/value", SK_H5_I32, frame, natoms, 4, image);
    sk_free(&x);
    sk_free(&v);
    sk_free(&f);
    sk_free(&image);
    return is_good;
}

/* Whether the file holds exactly frames 0 .. changed-1 of salt 0, then changed .. n-1 of salt 7. Rank 0 looks. */
static bool holds(const char *path, int64_t natoms, int64_t n, int64_t changed)
{
    bool is_good = true;
    sk_comm_barrier(comm);
    if (sk_comm_rank(comm) == 0) {
        struct sk_h5 *file;
        struct sk_error err;
        is_good = sk_h5_open(&file, path, SK_H5_READ, NULL, &err) == SK_OK;
        for (int e = 0; is_good && e < SK_H5MD_ELEMENTS; e++) {
            struct sk_h5_shape shape;
            is_good = sk_h5_shape(file, sk_h5md_elements[e].value, sk_h5md_elements[e].type, &shape, &err) == SK_OK &&
                      shape.size[0] == (uint64_t)n && shape.size[1] == (uint64_t)natoms;
        }
        for (int64_t k = 0; is_good && k < n; k++)
            is_good = frame_is(file, k, natoms, k, k < changed ? 0 : 7);
        sk_h5_close(&file, &err);
    }
    return system_all(comm, is_good);
}

static bool is_there(const char *path)
{
    struct stat about;
    sk_comm_barrier(comm);
    bool found = stat(path, &about) == 0;
    sk_comm_barrier(comm);
    return found;
}

/* Writes frames from .. to - 1 after opening for `resume`; returns the first failure. */
static enum sk_code run(const char *path, int64_t waters, int64_t resume, int64_t from, int64_t to, uint64_t salt,
                        struct sk_error *err)
{
    struct sk_topology top;
    struct sk_parameters parameters;
    struct sk_trajectory *t;
    struct sk_error closing;
    topology_make(&top, waters);
    parameters_make(&parameters, path, SK_UNITS_GROMACS);
    enum sk_code code = sk_trajectory_open(comm, &parameters, &top, resume, &t, err);
    for (int64_t k = from; !code && k < to; k++)
        code = frame_put(t, top.natoms, k, salt, NO_FAULT, err);
    enum sk_code closed = sk_trajectory_close(&t, &closing);
    sk_topology_clear(&top);
    return code ? code : closed;
}

static void name(char out[600], const char *base)
{
    snprintf(out, 600, "%s/%s", folder, base);
}

/* Several chunks, so that several ranks write. */
static void test_frames(void **state)
{
    (void)state;
    struct sk_error err;
    char path[600];
    name(path, "frames.h5md");
    assert_int_equal(run(path, 15000, -1, 0, 4, 0, &err), SK_OK);
    assert_true(holds(path, 45000, 4, 4));
    assert_int_equal(run(path, 1, -1, 0, 3, 0, &err), SK_OK);
    assert_true(holds(path, 3, 3, 3));
}

static void test_resume(void **state)
{
    (void)state;
    struct sk_error err;
    char path[600];
    name(path, "resume.h5md");
    /* A missing file is made. */
    assert_int_equal(run(path, 700, 0, 0, 5, 0, &err), SK_OK);
    assert_true(holds(path, 2100, 5, 5));
    /* Step 25 keeps 0, 10, 20; the frame at 20 is offered again and skipped. */
    assert_int_equal(run(path, 700, 25, 2, 6, 7, &err), SK_OK);
    assert_true(holds(path, 2100, 6, 3));
    /* Nothing to drop, nothing doubled. */
    assert_int_equal(run(path, 700, 50, 3, 6, 7, &err), SK_OK);
    assert_true(holds(path, 2100, 6, 3));
    assert_int_equal(run(path, 700, 1000, 6, 7, 7, &err), SK_OK);
    assert_true(holds(path, 2100, 7, 3));
    /* From the very beginning. */
    assert_int_equal(run(path, 700, 0, 1, 2, 0, &err), SK_OK);
    assert_true(holds(path, 2100, 2, 2));
}

/* What a kill inside a flush can leave: the recorded end of the file lies before the last frames. */
static void test_resume_short_end(void **state)
{
    (void)state;
    struct sk_error err;
    char path[600];
    uint64_t end;
    name(path, "short.h5md");
    assert_int_equal(run(path, 6000, -1, 0, 6, 0, &err), SK_OK);
    sk_comm_barrier(comm);
    if (sk_comm_rank(comm) == 0) {
        FILE *file = fopen(path, "r+b");
        if (!file || fseek(file, 40, SEEK_SET) || fread(&end, 8, 1, file) != 1)
            abort();
        end -= 900000; /* less than one frame */
        if (fseek(file, 40, SEEK_SET) || fwrite(&end, 8, 1, file) != 1 || fclose(file))
            abort();
    }
    sk_comm_barrier(comm);
    assert_int_equal(run(path, 6000, 10, 2, 8, 7, &err), SK_OK);
    assert_true(holds(path, 18000, 8, 2));
}

static void test_resume_refused(void **state)
{
    (void)state;
    struct sk_error err;
    struct sk_topology top;
    struct sk_parameters parameters;
    struct sk_trajectory *t;
    char path[600];
    name(path, "refused.h5md");
    assert_int_equal(run(path, 20, -1, 0, 2, 0, &err), SK_OK);
    assert_int_equal(run(path, 21, 10, 2, 3, 0, &err), SK_EINPUT);
    assert_non_null(strstr(err.message, "60 atoms"));
    topology_make(&top, 20);
    parameters_make(&parameters, path, SK_UNITS_GROMACS);
    parameters.output.forces = false;
    assert_int_equal(sk_trajectory_open(comm, &parameters, &top, 10, &t, &err), SK_EINPUT);
    assert_null(t);
    assert_non_null(strstr(err.message, "force"));
    sk_topology_clear(&top);
    assert_true(holds(path, 60, 2, 2));
    sk_comm_barrier(comm);
    if (sk_comm_rank(comm) == 0 && truncate(path, 700) != 0)
        abort();
    sk_comm_barrier(comm);
    assert_int_equal(run(path, 20, 10, 2, 3, 0, &err), SK_EENV);
    assert_non_null(strstr(err.message, path));
}

/* An earlier file stays until the new one has a frame. */
static void test_earlier(void **state)
{
    (void)state;
    struct sk_error err;
    char path[600], tmp[700];
    name(path, "earlier.h5md");
    snprintf(tmp, sizeof tmp, "%s.tmp", path);
    assert_int_equal(run(path, 20, -1, 0, 3, 0, &err), SK_OK);
    assert_false(is_there(tmp));
    assert_int_equal(run(path, 20, -1, 0, 0, 0, &err), SK_OK);
    assert_true(holds(path, 60, 3, 3));
    assert_false(is_there(tmp));
    assert_int_equal(run(path, 20, -1, 0, 1, 7, &err), SK_OK);
    assert_true(holds(path, 60, 1, 0));
}

static void test_faults(void **state)
{
    (void)state;
    struct sk_error err;
    struct sk_topology top;
    struct sk_parameters parameters;
    struct sk_trajectory *t;
    char path[600];
    name(path, "faults.h5md");
    topology_make(&top, 15000);
    parameters_make(&parameters, path, SK_UNITS_GROMACS);
    assert_int_equal(sk_trajectory_open(comm, &parameters, &top, -1, &t, &err), SK_OK);
    assert_int_equal(frame_put(t, top.natoms, 0, 0, NO_FAULT, &err), SK_OK);
    assert_int_equal(frame_put(t, top.natoms, 1, 0, ATOM_LOST, &err), SK_EINTERNAL);
    assert_non_null(strstr(err.message, "atom 22501 belongs to no rank"));
    assert_int_equal(frame_put(t, top.natoms, 1, 0, ATOM_DOUBLED, &err), SK_EINTERNAL);
    assert_non_null(strstr(err.message, "atom 2250"));
    assert_int_equal(frame_put(t, top.natoms, 1, 0, NO_FAULT, &err), SK_OK);
    assert_int_equal(sk_trajectory_close(&t, &err), SK_OK);
    sk_topology_clear(&top);
    assert_true(holds(path, 45000, 2, 2));
}

/* Writes frames until that fails, which must happen; all frames before must be whole. */
static void until_full(const char *path, const char *reason)
{
    struct sk_error err;
    struct sk_topology top;
    struct sk_parameters parameters;
    struct sk_trajectory *t;
    enum sk_code code = SK_OK;
    int64_t k = 0;
    topology_make(&top, 3000);
    parameters_make(&parameters, path, SK_UNITS_GROMACS);
    assert_int_equal(sk_trajectory_open(comm, &parameters, &top, -1, &t, &err), SK_OK);
    while (!code && k < 20)
        code = frame_put(t, top.natoms, k++, 0, NO_FAULT, &err);
    assert_int_equal(code, SK_EENV);
    assert_true(k > 2);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, reason));
    assert_int_equal(sk_trajectory_close(&t, &err), SK_OK);
    sk_topology_clear(&top);
    assert_true(holds(path, 9000, k - 1, k - 1));
}

static void test_size_limit(void **state)
{
    (void)state;
    struct rlimit limit, old;
    char path[600];
    name(path, "limit.h5md");
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = 5000000;
    if (sk_comm_rank(comm) == sk_comm_size(comm) - 1)
        setrlimit(RLIMIT_FSIZE, &limit);
    until_full(path, strerror(EFBIG));
    setrlimit(RLIMIT_FSIZE, &old);
}

static void test_full_disk(void **state)
{
    (void)state;
    char disk[600], path[700];
    name(disk, "disk");
    int64_t is_mounted = 0;
    if (sk_comm_rank(comm) == 0)
        is_mounted = mkdir(disk, 0700) == 0 && mount("tmpfs", disk, "tmpfs", 0, "size=6m") == 0;
    sk_comm_max_i64(comm, &is_mounted, 1);
    if (!is_mounted) {
        if (sk_comm_rank(comm) == 0)
            print_message("SKIPPED test_full_disk: mounting a tmpfs needs root\n");
        return;
    }
    snprintf(path, sizeof path, "%s/full.h5md", disk);
    until_full(path, strerror(ENOSPC));
    sk_comm_barrier(comm);
    if (sk_comm_rank(comm) == 0)
        umount2(disk, MNT_DETACH);
}

static void test_no_folder(void **state)
{
    (void)state;
    struct sk_error err;
    char path[600];
    name(path, "no/such/folder.h5md");
    assert_int_equal(run(path, 20, -1, 0, 1, 0, &err), SK_EENV);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, strerror(ENOENT)));
}

/* The modes for scripts. */
static int drive(int argc, char **argv)
{
    struct sk_error err = {.code = SK_OK};
    struct sk_topology top;
    struct sk_parameters parameters;
    struct sk_trajectory *t;
    bool is_endless = strcmp(argv[1], "endless") == 0, is_resume = strcmp(argv[1], "resume") == 0;
    bool is_lj = argc > 5 && strcmp(argv[5], "lj") == 0;
    int64_t frames = is_resume ? atoll(argv[5]) : argc > 4 ? atoll(argv[4]) : INT64_MAX;
    if (is_endless)
        printf("pid %ld\n", (long)getpid());
    fflush(stdout);
    topology_make(&top, atoll(argv[3]));
    parameters_make(&parameters, argv[2], is_lj ? SK_UNITS_LJ : SK_UNITS_GROMACS);
    int64_t from = is_resume ? atoll(argv[4]) / 10 : 0;
    enum sk_code code = sk_trajectory_open(comm, &parameters, &top, is_resume ? atoll(argv[4]) : -1, &t, &err);
    for (int64_t k = from; !code && k < frames; k++) {
        is_broken_disk = k == 2 && strcmp(argv[1], "break") == 0;
        code = frame_put(t, top.natoms, k, 0, NO_FAULT, &err);
        if (is_endless && sk_comm_rank(comm) == 0) {
            printf("safe %lld\n", (long long)k);
            fflush(stdout);
        }
    }
    if (code && sk_comm_rank(comm) == 0)
        fprintf(stderr, "%s\n", err.message);
    sk_trajectory_close(&t, &err);
    sk_topology_clear(&top);
    return (int)code;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),         cmocka_unit_test(test_resume),
        cmocka_unit_test(test_resume_refused), cmocka_unit_test(test_resume_short_end),
        cmocka_unit_test(test_earlier),        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_size_limit),     cmocka_unit_test(test_no_folder),
        cmocka_unit_test(test_full_disk),
    };
    comm = sk_comm_new(NULL);
    int failed;
    if (argc > 3) {
        failed = drive(argc, argv);
    } else {
        system_folder(comm, folder);
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        system_folder_remove(comm, folder);
    }
    sk_comm_free(&comm);
    return failed;
}
