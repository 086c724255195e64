/* References are found by id, whoever keeps them and however often they are asked for. Expected: a function of the id.
 */
#include "domain/reference.h"

#include "base/memory.h"
#include "check.h"
#include "domain/intake.h"
#include "domain/mixture.h"

static struct sk_comm *comm;

static void any_rank_gets_any_place(void **state)
{
    (void)state;
    static const int count[3] = {40, 13, 21};
    struct sk_topology top;
    struct sk_atoms block;
    struct sk_reference reference;
    int64_t errors = 0;
    int size = sk_comm_size(comm), rank = sk_comm_rank(comm);
    mixture_topology(&top, count);
    sk_atoms_init(&block);
    sk_gid first = sk_intake_first(&top, size, rank), end = sk_intake_first(&top, size, rank + 1);
    sk_atoms_reserve(&block, (size_t)(end - first) + 1);
    for (sk_gid id = end - 1; id >= first; id--) { /* any order */
        block.id[block.n] = id;
        for (int k = 0; k < 3; k++)
            block.x[block.n][k] = mix4(3, (uint64_t)id, (uint64_t)k, 0);
        block.n++;
    }
    sk_reference_init(&reference, comm, &top, &block);
    int64_t hash = (int64_t)reference.hash, most = hash;
    sk_comm_max_i64(comm, &most, 1);
    errors += hash != most;
    for (uint64_t round = 0; round < 20; round++) {
        int n = (int)(mix4(4, round, (uint64_t)rank, 0) % 100) * (round % 4 != (uint64_t)rank % 4);
        sk_gid *ids = sk_alloc((size_t)n, sizeof *ids);
        sk_frac(*x)[3] = sk_alloc((size_t)n, sizeof *x);
        for (int i = 0; i < n; i++)
            ids[i] = (sk_gid)(mix4(5, round, (uint64_t)rank, (uint64_t)i) % (uint64_t)top.natoms);
        sk_reference_fetch(&reference, ids, n, x);
        for (int i = 0; i < n; i++)
            for (int k = 0; k < 3; k++)
                errors += x[i][k] != mix4(3, (uint64_t)ids[i], (uint64_t)k, 0);
        sk_free(&ids);
        sk_free(&x);
    }
    sk_reference_clear(&reference);
    sk_atoms_clear(&block);
    sk_topology_clear(&top);
    sk_comm_sum_i64(comm, &errors, 1);
    assert_int_equal(errors, 0);
}

int main(void)
{
    comm = sk_comm_new(NULL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_rank_gets_any_place)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sk_comm_free(&comm);
    return failed;
}
