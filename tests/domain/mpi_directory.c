/* Directory: ids dealt at random, every rank asks for what it likes, and a formula that every rank can compute says
 * who owns what. Ranks count their errors; only sums over ranks are asserted. */
#include "domain/directory.h"

#include "check.h"
#include "par/mixer.h"

#include "base/memory.h"

static struct sk_comm *comm;
static int rank, size;

/* How ids are dealt: at random, all to one rank, with every third id on nobody's list. */
enum deal { DEAL_RANDOM, DEAL_LAST, DEAL_HOLES, DEALS };

static int32_t owner_of(enum deal deal, uint64_t round, sk_gid id)
{
    if (deal == DEAL_LAST)
        return size - 1;
    uint64_t draw = mix4(11, round, (uint64_t)id, (uint64_t)deal);
    if (deal == DEAL_HOLES && draw % 3 == 0)
        return -1;
    return (int32_t)(draw / 8 % (uint64_t)size);
}

/* This rank's ids, in an order of its own. */
static int own_ids(enum deal deal, uint64_t round, int64_t natoms, sk_gid *mine)
{
    int n = 0;
    for (sk_gid id = 0; id < natoms; id++)
        if (owner_of(deal, round, id) == rank)
            mine[n++] = id;
    for (int i = n - 1; i > 0; i--) {
        int j = (int)(mix4(12, round, (uint64_t)i, (uint64_t)rank) % (uint64_t)(i + 1));
        sk_gid held = mine[i];
        mine[i] = mine[j];
        mine[j] = held;
    }
    return n;
}

/* What a rank asks for: nothing, the same id again and again, only its own, or anything, repeated ones among them. */
static int wanted_ids(uint64_t round, int64_t natoms, const sk_gid *mine, int nmine, sk_gid *wanted, int most)
{
    uint64_t draw = mix4(13, round, (uint64_t)rank, 0);
    int kind = (int)(draw % 5), n = (int)(draw / 8 % (uint64_t)(most + 1));
    if (kind == 0)
        return 0;
    for (int i = 0; i < n; i++) {
        uint64_t pick = mix4(14, round, (uint64_t)i, (uint64_t)rank);
        if (kind == 1)
            wanted[i] = (sk_gid)(draw / 32 % (uint64_t)natoms);
        else if (kind == 2 && nmine)
            wanted[i] = mine[pick % (uint64_t)nmine];
        else
            wanted[i] = i && pick % 4 == 0 ? wanted[pick / 4 % (uint64_t)i] : (sk_gid)(pick / 4 % (uint64_t)natoms);
    }
    return n;
}

/* Adds the answers that were checked to *checked, and those of them that were -1 to *unknown. */
static int64_t check_round(enum deal deal, uint64_t round, int64_t natoms, int64_t *checked, int64_t *unknown)
{
    const int most = 400;
    sk_gid *mine = sk_alloc((size_t)natoms, sizeof *mine), *wanted = sk_alloc((size_t)most, sizeof *wanted);
    int32_t *owner = sk_alloc((size_t)most, sizeof *owner);
    int nmine = own_ids(deal, round, natoms, mine), nwanted = wanted_ids(round, natoms, mine, nmine, wanted, most);
    int64_t errors = 0;
    for (int i = 0; i < most; i++)
        owner[i] = -77;
    mix_delay(mix4(15, round, (uint64_t)rank, 0));
    sk_directory_find(comm, natoms, mine, nmine, wanted, nwanted, owner);
    for (int i = 0; i < nwanted; i++) {
        errors += owner[i] != owner_of(deal, round, wanted[i]);
        *unknown += owner[i] == -1;
    }
    for (int i = nwanted; i < most; i++)
        errors += owner[i] != -77;
    *checked += nwanted;
    sk_free(&owner);
    sk_free(&wanted);
    sk_free(&mine);
    return errors;
}

static void everyone_learns_who_owns_what(void **state)
{
    (void)state;
    /* fewer atoms than ranks, blocks of unequal size, many */
    static const int64_t natoms[] = {1, 2, 5, 13, 1000, 4099};
    int64_t errors = 0, checked = 0, unknown[DEALS] = {0};
    for (int a = 0; a < 6; a++)
        for (int deal = 0; deal < DEALS; deal++)
            for (uint64_t round = 0; round < 12; round++)
                errors += check_round((enum deal)deal, 100 * (uint64_t)a + round, natoms[a], &checked, &unknown[deal]);
    assert_int_equal(agreed_errors(comm, errors), 0);
    assert_true(agreed_errors(comm, checked) > 5000);
    assert_int_equal(agreed_errors(comm, unknown[DEAL_RANDOM] + unknown[DEAL_LAST]), 0);
    assert_true(agreed_errors(comm, unknown[DEAL_HOLES]) > 500);
}

/* An answer is for one question: atoms that nobody names any more are unknown, and those that moved have new owners. */
static void nothing_is_remembered(void **state)
{
    (void)state;
    const int64_t natoms = 60;
    int64_t errors = 0;
    sk_gid all[60], mine[60];
    int32_t owner[60];
    for (int shift = 0; shift <= size; shift++) {
        int nmine = 0;
        for (sk_gid id = 0; id < natoms; id++) {
            all[id] = id;
            if (shift < size && (id + shift) % size == rank)
                mine[nmine++] = id;
        }
        sk_directory_find(comm, natoms, mine, nmine, all, (int)natoms, owner);
        for (sk_gid id = 0; id < natoms; id++)
            errors += owner[id] != (shift < size ? (id + shift) % size : -1);
    }
    assert_int_equal(agreed_errors(comm, errors), 0);
}

/* Ids of the largest systems do not overflow on the way to their blocks. */
static void large_ids_have_blocks(void **state)
{
    (void)state;
    const int64_t natoms = (int64_t)1 << 62;
    sk_gid mine[3] = {rank, natoms / 2 + rank, natoms - 1 - rank}, wanted[4];
    int next = (rank + 1) % size;
    int32_t owner[4];
    wanted[0] = natoms - 1 - next;
    wanted[1] = next;
    wanted[2] = natoms / 2 + next;
    wanted[3] = natoms / 3;
    sk_directory_find(comm, natoms, mine, 3, wanted, 4, owner);
    int64_t errors = (owner[0] != next) + (owner[1] != next) + (owner[2] != next) + (owner[3] != -1);
    assert_int_equal(agreed_errors(comm, errors), 0);
}

int main(void)
{
    comm = sk_comm_new(NULL);
    rank = sk_comm_rank(comm);
    size = sk_comm_size(comm);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everyone_learns_who_owns_what),
        cmocka_unit_test(nothing_is_remembered),
        cmocka_unit_test(large_ids_have_blocks),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sk_comm_free(&comm);
    return failed;
}
