/* Gro: the final structure, written with several distributions, against the atoms' own definition (system.h) and the
 * format as the GROMACS manual has it: "%5d%-5s%5s%5d", then columns of the distance between decimal points (six
 * decimals: 11), velocities with one decimal more; and through the program's own reader. */
#include <mpi.h>

#include "io/gro.h"
#include "read/structure.h"
#include "system.h"

#define WATERS 33400 /* 100,200 atoms: numbers wrap */

static struct sk_comm *comm;
static char folder[512];

static void topology_make(struct sk_topology *top, int64_t waters)
{
    struct sk_error err;
    static const char *const names[] = {"OW", "HW1", "LONGNAME"};
    sk_topology_init(top);
    snprintf(top->title, sizeof top->title, "water");
    for (int kind = 0; kind < 2; kind++)
        sk_topology_kind(top, kind, 0, 1 + kind);
    top->nmoltypes = top->nblocks = 1;
    top->moltypes = sk_calloc(1, sizeof *top->moltypes);
    struct sk_moltype *type = top->moltypes;
    type->natoms = 3;
    type->atoms = sk_calloc(3, sizeof *type->atoms);
    for (int a = 0; a < 3; a++) {
        snprintf(type->atoms[a].name, SK_NAME_MAX, "%s", names[a]);
        snprintf(type->atoms[a].residue, SK_NAME_MAX, "WATER1");
        type->atoms[a].residue_number = 1;
        type->atoms[a].kind = a > 0;
    }
    top->blocks = sk_calloc(1, sizeof *top->blocks);
    top->blocks[0].count = waters;
    if (sk_moltype_finish(type, &err) || sk_topology_finish(top, &err))
        abort();
}

/* A box, by the vectors in its rows, and its line in the file. */
struct cell {
    struct sk_box box;
    double lattice[3][3];
    const char *line;
};
static const struct cell cells[] = {
    {{{3.5, 4.25, 5.125}, {0, 0, 0}},
     {{3.5, 0, 0}, {0, 4.25, 0}, {0, 0, 5.125}},
     "   3.500000   4.250000   5.125000\n"},
    {{{3.5, 4.25, 5.125}, {-1.5, 0.75, 2}},
     {{3.5, 0, 0}, {-1.5, 4.25, 0}, {0.75, 2, 5.125}},
     "   3.500000   4.250000   5.125000   0.000000   0.000000  -1.500000   0.000000   0.750000   2.000000\n"},
};

/* Where an atom should be in the file: its molecule's first atom in the box, the others by their images. */
static void place_of(sk_gid id, uint64_t salt, const struct cell *cell, double x[3], double v[3])
{
    struct sk_atom_record a = system_atom(id, salt), first = system_atom(id / 3 * 3, salt);
    for (int k = 0; k < 3; k++) {
        x[k] = 0;
        for (int j = 0; j < 3; j++)
            x[k] += ((double)a.x[j] * 0x1p-64 + (a.image[j] - first.image[j])) * cell->lattice[j][k];
        v[k] = a.v[k];
    }
}

static bool line_is(const char *line, sk_gid id, uint64_t salt, const struct cell *cell)
{
    static const char *const names[] = {"   OW", "  HW1", "LONGN"};
    char head[21];
    double x[3], v[3];
    place_of(id, salt, cell, x, v);
    snprintf(head, sizeof head, "%5dWATER%s%5d", (int)((id / 3 + 1) % 100000), names[id % 3], (int)((id + 1) % 100000));
    bool is_good = strlen(line) == 20 + 6 * 11 + 1 && memcmp(line, head, 20) == 0;
    for (int k = 0; k < 6; k++) {
        char number[12];
        snprintf(number, sizeof number, "%.11s", line + 20 + 11 * k);
        is_good = is_good && line[20 + 11 * k + (k < 3 ? 4 : 3)] == '.' &&
                  fabs(strtod(number, NULL) - (k < 3 ? x[k] : v[k - 3])) <= (k < 3 ? 0.51e-6 : 0.51e-7);
    }
    if (!is_good)
        print_message("atom %lld: %s", (long long)id + 1, line);
    return is_good;
}

static bool file_is(const char *path, int64_t natoms, uint64_t salt, const struct cell *cell)
{
    char line[256];
    FILE *in = fopen(path, "r");
    if (!in)
        return false;
    bool is_good = fgets(line, sizeof line, in) && strcmp(line, "water, step 42\n") == 0;
    is_good = is_good && fgets(line, sizeof line, in) && strtol(line, NULL, 10) == natoms;
    for (sk_gid id = 0; is_good && id < natoms; id++)
        is_good = fgets(line, sizeof line, in) && line_is(line, id, salt, cell);
    is_good = is_good && fgets(line, sizeof line, in) && strcmp(line, cell->line) == 0;
    is_good = is_good && !fgets(line, sizeof line, in);
    fclose(in);
    return is_good;
}

static void test_distributions(void **state)
{
    (void)state;
    for (int k = 0; k < SYSTEM_SPREADS; k++) {
        const struct cell *cell = &cells[k % 2];
        struct sk_topology top;
        struct sk_atoms atoms;
        struct sk_error err;
        char path[600];
        topology_make(&top, k ? k : sk_comm_size(comm) > 2 ? 100 : WATERS);
        snprintf(path, sizeof path, "%s/final.gro", folder);
        system_fill(&atoms, comm, top.natoms, (uint64_t)k, (enum system_spread)k);
        assert_int_equal(sk_gro_write(comm, path, &top, &cell->box, &atoms, 42, &err), SK_OK);
        bool is_good = sk_comm_rank(comm) != 0 || file_is(path, top.natoms, (uint64_t)k, cell);
        assert_true(system_all(comm, is_good));
        struct sk_structure structure;
        is_good = sk_comm_rank(comm) != 0 || (sk_gro_open(path, &structure, &err) == SK_OK &&
                                              structure.natoms == top.natoms && structure.has_velocities);
        assert_true(system_all(comm, is_good));
        sk_atoms_clear(&atoms);
        sk_topology_clear(&top);
    }
}

/* What cannot be written leaves no file, and all ranks know. */
static void test_failures(void **state)
{
    (void)state;
    struct sk_topology top;
    struct sk_atoms atoms;
    struct sk_error err;
    char path[600];
    topology_make(&top, 50);
    system_fill(&atoms, comm, top.natoms, 5, SYSTEM_SCATTERED);
    snprintf(path, sizeof path, "%s/nowhere/final.gro", folder);
    assert_int_equal(sk_gro_write(comm, path, &top, &cells[0].box, &atoms, 42, &err), SK_EENV);
    assert_non_null(strstr(err.message, "nowhere/final.gro"));
    snprintf(path, sizeof path, "%s/fast.gro", folder);
    for (int i = 0; i < atoms.n; i++)
        if (atoms.id[i] == 70)
            atoms.v[i][1] = -123.5;
    assert_int_equal(sk_gro_write(comm, path, &top, &cells[0].box, &atoms, 42, &err), SK_EPHYSICS);
    assert_non_null(strstr(err.message, "atom 71 (HW1, residue WATER1 1)"));
    assert_non_null(strstr(err.message, "-123.5"));
    char tmp[700];
    snprintf(tmp, sizeof tmp, "%s.tmp", path);
    assert_true(system_all(comm, access(path, F_OK) != 0 && access(tmp, F_OK) != 0));
    sk_atoms_clear(&atoms);
    sk_topology_clear(&top);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    comm = sk_comm_new(NULL);
    system_folder(comm, folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_failures),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    system_folder_remove(comm, folder);
    sk_comm_free(&comm);
    MPI_Finalize();
    return failed;
}
