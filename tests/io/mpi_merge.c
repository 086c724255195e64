/* Merge: plans cover every id once, for any numbers; records arrive in id order from any distribution; lost and doubled
 * atoms are found. Expected values: brute-force counting, and the atoms' own definition. */
#include "io/merge.h"
#include "system.h"

static struct sk_comm *comm;

static void test_plan(void **state)
{
    (void)state;
    static const int64_t natoms[] = {1, 2, 7, 8, 9, 63, 64, 65, 1000}, unit[] = {1, 4, 8, 64}, divisor[] = {1, 2, 4};
    for (size_t a = 0; a < 9; a++) {
        for (int u = 0; u < 4; u++) {
            for (int ranks = 1; ranks < 20; ranks += 3) {
                int64_t piece = unit[u] / divisor[u % 3] ? unit[u] / divisor[u % 3] : 1;
                struct sk_merge_plan plan = sk_merge_plan_make(natoms[a], ranks, unit[u], piece);
                sk_gid next = 0, first;
                int64_t n;
                assert_true(plan.writers >= 1 && plan.writers <= ranks);
                for (int w = 0; w < ranks; w++) {
                    for (int64_t round = 0; round < plan.rounds; round++) {
                        sk_merge_piece(&plan, w, round, &first, &n);
                        assert_true(n >= 0 && n <= piece);
                        assert_true(n == 0 || first == next);
                        assert_true(n == 0 || round > 0 || first % unit[u] == 0);
                        next += n;
                    }
                }
                assert_int_equal(next, natoms[a]);
            }
        }
    }
}

static void record_fill(const void *context, int i, void *record)
{
    sk_atoms_get(context, i, record);
}

/* Merges all rounds; whether every record that this rank got is the right one. */
static enum sk_code merge_all(const struct sk_atoms *atoms, const struct sk_merge_plan *plan, uint64_t salt,
                              bool *is_right, struct sk_error *err)
{
    struct sk_merge *merge;
    enum sk_code code = sk_merge_new(comm, plan, atoms->n, atoms->id, sizeof(struct sk_atom_record), &merge, err);
    *is_right = true;
    for (int64_t round = 0; !code && round < plan->rounds; round++) {
        const void *bytes;
        sk_gid first;
        int64_t n;
        code = sk_merge_round(merge, round, record_fill, atoms, &bytes, err);
        const struct sk_atom_record *records = bytes;
        sk_merge_piece(plan, sk_comm_rank(comm), round, &first, &n);
        for (int64_t i = 0; !code && i < n; i++) {
            struct sk_atom_record want = system_atom(first + i, salt);
            *is_right = *is_right && memcmp(&want, &records[i], sizeof want) == 0;
        }
    }
    sk_merge_free(&merge);
    return code;
}

static void test_order(void **state)
{
    (void)state;
    static const int64_t natoms[] = {1, 5, 100, 3001};
    for (int a = 0; a < 4; a++) {
        for (int spread = 0; spread < SYSTEM_SPREADS; spread++) {
            for (int64_t unit = 8; unit <= 512; unit *= 8) {
                struct sk_merge_plan plan = sk_merge_plan_make(natoms[a], sk_comm_size(comm), unit, unit / 4);
                struct sk_atoms atoms;
                struct sk_error err;
                bool is_right;
                system_fill(&atoms, comm, natoms[a], 3, (enum system_spread)spread);
                assert_int_equal(merge_all(&atoms, &plan, 3, &is_right, &err), SK_OK);
                sk_atoms_clear(&atoms);
                assert_true(system_all(comm, is_right));
            }
        }
    }
}

/* One rank has a false atom: lost; a copy of another rank's or its own; outside the system. */
static void test_faults(void **state)
{
    (void)state;
    static const struct {
        sk_gid from, to; /* atom `from` calls itself `to`; to = -1: it is left out */
        const char *message;
    } faults[] = {
        {50, -1, "atom 51 belongs to no rank"},   {0, -1, "atom 1 belongs to no rank"},
        {199, -1, "atom 200 belongs to no rank"}, {61, 60, "atom 61 exists twice"},
        {199, 198, "atom 199 exists twice"},      {60, 61, "atom 61 belongs to no rank"},
        {7, 200, "atom 201 of a system of 200"},  {7, -5, "atom -4 of a system of 200"},
    };
    struct sk_merge_plan plan = sk_merge_plan_make(200, sk_comm_size(comm), 64, 32);
    for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++) {
        struct sk_atoms atoms;
        struct sk_error err;
        bool is_right;
        system_fill(&atoms, comm, 200, 3, SYSTEM_SCATTERED);
        for (int i = atoms.n - 1; i >= 0; i--) {
            if (atoms.id[i] != faults[f].from)
                continue;
            if (faults[f].to == -1) {
                atoms.n--;
                atoms.id[i] = atoms.id[atoms.n];
            } else {
                atoms.id[i] = faults[f].to;
            }
        }
        assert_int_equal(merge_all(&atoms, &plan, 3, &is_right, &err), SK_EINTERNAL);
        sk_atoms_clear(&atoms);
        if (!strstr(err.message, faults[f].message))
            print_message("'%s', expected '%s'\n", err.message, faults[f].message);
        assert_non_null(strstr(err.message, faults[f].message));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_faults),
    };
    comm = sk_comm_new(NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sk_comm_free(&comm);
    return failed;
}
