/* Intake: a stream of atoms on one rank becomes whole groups on all ranks; what is missing or doubled is named. Ranks
 * count their errors; only sums over ranks are asserted. */
#include "domain/mixture.h"

#include "domain/intake.h"

static struct sk_comm *comm;
static int rank;

static int64_t summed(int64_t errors)
{
    sk_comm_sum_i64(comm, &errors, 1);
    return errors;
}

/* Feeds the mixture, as wrapped places in a file's order of ids, but for one that is left out and one that comes twice.
 */
static enum sk_code feed(const struct mixture *m, sk_gid lost, sk_gid doubled, struct sk_atoms *atoms,
                         struct sk_error *err)
{
    struct sk_intake *intake = sk_intake_new(comm, &m->top, &m->box);
    static const int32_t zero[3] = {0, 0, 0};
    for (sk_gid id = 0; rank == 0 && id < m->top.unit_atoms; id++)
        for (int times = (id != lost) + (id == doubled); times > 0; times--) {
            double x[3], none[3] = {0, 0, 0};
            for (int k = 0; k < 3; k++)
                x[k] = (double)m->atoms[id].x[k] * 0x1p-64 * m->box.edge[k];
            sk_intake_atom(intake, id, -1, x, zero, none);
        }
    for (sk_gid id = 0; rank == 0 && id < m->top.unit_atoms; id++)
        if (id != lost)
            sk_intake_velocity(intake, id, m->atoms[id].v);
    if (rank != 0)
        sk_intake_receive(intake);
    enum sk_code code = sk_intake_finish(intake, atoms, err);
    sk_intake_free(&intake);
    return code;
}

/* One atom that came in: right kind, velocity, place (to rounding) in its copy of the file's box; whole with its
 * anchor. */
static int64_t check_intake_atom(const struct mixture *m, const struct sk_atoms *atoms, int i, int anchor)
{
    const int *copies = m->top.replicate;
    sk_gid unit = atoms->id[i] % m->top.unit_atoms, replica = atoms->id[i] / m->top.unit_atoms;
    int64_t at[3] = {replica % copies[0], replica / copies[0] % copies[1], replica / copies[0] / copies[1]};
    const struct sk_atom_record *file = &m->atoms[unit];
    int64_t errors = atoms->kind[i] != file->kind || memcmp(atoms->v[i], file->v, sizeof file->v) != 0 ||
                     atoms->group_size[i] != file->group_size;
    for (int k = 0; k < 3; k++) {
        double right = ((double)file->x[k] * 0x1p-64 + (double)at[k]) / copies[k];
        double wrong = (double)atoms->x[i][k] * 0x1p-64 - right;
        wrong *= i == anchor ? 1 : copies[k]; /* the file may break a molecule: its atoms are in other copies then */
        errors += fabs(wrong - rint(wrong)) > 1e-13;
        double apart = (double)((sk_int128)atoms->x[i][k] - (sk_int128)atoms->x[anchor][k]) * 0x1p-64 +
                       atoms->image[i][k] - atoms->image[anchor][k];
        errors += fabs(apart) * m->box.edge[k] * copies[k] > 0.5; /* molecules are smaller */
    }
    return errors;
}

static void intake_makes_whole_groups_and_copies(void **state)
{
    (void)state;
    static const int count[3] = {400, 50, 300}, all_copies[3][3] = {{1, 1, 1}, {2, 1, 3}, {1, 3, 1}};
    static const double edge[3] = {1.5, 2.5, 2.0};
    int64_t errors = 0;
    for (int c = 0; c < 3; c++) {
        struct mixture m;
        struct sk_error err = {0};
        struct sk_atoms atoms;
        mixture_make(&m, count, edge, 80);
        memcpy(m.top.replicate, all_copies[c], sizeof m.top.replicate);
        SK_REQUIRE(sk_topology_finish(&m.top, &err) == SK_OK);
        sk_atoms_init(&atoms);
        errors += feed(&m, -1, -1, &atoms, &err) != SK_OK;
        int64_t *times = sk_calloc((size_t)m.top.natoms, sizeof *times);
        for (int i = 0, anchor = 0; i < atoms.n; i++) {
            anchor = atoms.group_size[i] ? i : anchor;
            times[atoms.id[i]]++;
            errors += check_intake_atom(&m, &atoms, i, anchor);
        }
        sk_comm_sum_i64(comm, times, (int)m.top.natoms);
        for (sk_gid id = 0; id < m.top.natoms; id++)
            errors += times[id] != 1;
        sk_free(&times);
        sk_atoms_clear(&atoms);
        mixture_clear(&m);
    }
    assert_int_equal(summed(errors), 0);
}

static void intake_names_the_atom_that_is_missing_or_doubled(void **state)
{
    (void)state;
    static const int count[3] = {400, 50, 300};
    static const double edge[3] = {1.5, 2.5, 2.0};
    /* lost, doubled, what the message must say: ids are 1-based there; with both faults the lower id is named */
    static const struct {
        sk_gid lost, doubled;
        const char *says;
    } cases[] = {{0, -1, "atom 1 is missing"},
                 {1699, -1, "atom 1700 is missing"},
                 {-1, 1001, "atom 1002 comes more than once"},
                 {-1, 0, "atom 1 comes more than once"},
                 {1500, 700, "atom 701 comes more than once"},
                 {700, 1500, "atom 701 is missing"}};
    struct mixture m;
    mixture_make(&m, count, edge, 81);
    int64_t errors = 0;
    for (int c = 0; c < 6; c++) {
        struct sk_error err = {0};
        struct sk_atoms atoms;
        sk_atoms_init(&atoms);
        errors += feed(&m, cases[c].lost, cases[c].doubled, &atoms, &err) != SK_EINPUT ||
                  !strstr(err.message, cases[c].says);
        sk_atoms_clear(&atoms);
    }
    mixture_clear(&m);
    assert_int_equal(summed(errors), 0);
}

int main(void)
{
    comm = sk_comm_new(NULL);
    rank = sk_comm_rank(comm);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intake_makes_whole_groups_and_copies),
        cmocka_unit_test(intake_names_the_atom_that_is_missing_or_doubled),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sk_comm_free(&comm);
    return failed;
}
