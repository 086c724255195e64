#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "mixer.h"
#include "par/comm.h"

static struct sk_comm *comm;
static int rank, size;

/* ---- collectives, against their definitions ---- */

static void broadcast_reaches_everyone(void **state)
{
    (void)state;
    const size_t length = 300001;
    unsigned char *bytes = sk_alloc(length, 1);
    for (int root = 0; root < size; root++) {
        mix_fill(bytes, length, root == rank ? 77 + (uint64_t)root : 5);
        sk_comm_bcast(comm, bytes, length, root);
        assert_int_equal(agreed_errors(comm, mix_errors(bytes, length, 77 + (uint64_t)root)), 0);
    }
    sk_free(&bytes);
}

static void integer_collectives_match_their_definition(void **state)
{
    (void)state;
    int64_t least[2] = {-rank, 5}, most[2] = {-rank, INT64_MIN + rank};
    sk_comm_min_i64(comm, least, 2);
    sk_comm_max_i64(comm, most, 2);
    assert_int_equal(agreed_errors(comm, least[0] != 1 - size || least[1] != 5), 0);
    assert_int_equal(agreed_errors(comm, most[0] != 0 || most[1] != INT64_MIN + size - 1), 0);

    int64_t sum[2] = {INT64_MAX, rank + 1}, wrapped = (int64_t)((uint64_t)INT64_MAX * (uint64_t)size);
    sk_comm_sum_i64(comm, sum, 2);
    assert_int_equal(agreed_errors(comm, sum[0] != wrapped || sum[1] != size * (size + 1) / 2), 0);

    int64_t before[2] = {rank + 1, 3};
    sk_comm_exscan_i64(comm, before, 2);
    assert_int_equal(agreed_errors(comm, before[0] != rank * (rank + 1) / 2 || before[1] != 3 * rank), 0);
}

static void maximum_of_doubles_keeps_nan(void **state)
{
    (void)state;
    double values[4] = {-1.5 - rank, rank == size - 1 ? 1e300 : -INFINITY, rank == 0 ? -NAN : INFINITY,
                        rank == 0 ? -0.0 : -1e-310};
    sk_comm_max_f64(comm, values, 4);
    int64_t wrong = values[0] != -1.5 || values[1] != 1e300 || !isnan(values[2]) || values[3] != 0.0;
    assert_int_equal(agreed_errors(comm, wrong), 0);
}

static void gathers_are_in_rank_order(void **state)
{
    (void)state;
    const size_t length = 1003;
    unsigned char *mine = sk_alloc(length, 1), *all = sk_alloc((size_t)size, length);
    mix_fill(mine, length, (uint64_t)rank * 1000);
    int64_t errors = 0;
    sk_comm_allgather(comm, mine, length, all);
    for (int r = 0; r < size; r++)
        errors += mix_errors(all + (size_t)r * length, length, (uint64_t)r * 1000);
    int root = size - 1;
    memset(all, 0, (size_t)size * length);
    sk_comm_gather(comm, mine, length, rank == root ? all : NULL, root);
    for (int r = 0; r < size && rank == root; r++)
        errors += mix_errors(all + (size_t)r * length, length, (uint64_t)r * 1000);
    assert_int_equal(agreed_errors(comm, errors), 0);
    sk_free(&mine);
    sk_free(&all);
}

static void point_to_point_keeps_order_and_length(void **state)
{
    (void)state;
    enum { CAPACITY = 200000 };
    unsigned char *bytes = sk_alloc(CAPACITY, 1);
    int64_t errors = 0;
    for (int i = 0; i < 20; i++) {
        if (rank == 0) {
            for (int dest = 1; dest < size; dest++) {
                uint64_t key = mix4(1, (uint64_t)i, (uint64_t)dest, 0);
                mix_fill(bytes, key % CAPACITY, key);
                sk_comm_send(comm, bytes, key % CAPACITY, dest, 3);
            }
        } else {
            uint64_t key = mix4(1, (uint64_t)i, (uint64_t)rank, 0);
            errors += sk_comm_recv(comm, bytes, CAPACITY, 0, 3) != key % CAPACITY;
            errors += mix_errors(bytes, key % CAPACITY, key);
        }
    }
    assert_int_equal(agreed_errors(comm, errors), 0);
    sk_free(&bytes);
}

static void agreement_returns_the_lowest_failure(void **state)
{
    (void)state;
    for (int lowest = 0; lowest < size; lowest++) {
        struct sk_error err = {SK_OK, ""};
        enum sk_code code = SK_OK;
        if (rank == lowest)
            code = sk_fail(&err, SK_EPHYSICS, "atom %d is lost", 1000 + rank);
        else if (rank > lowest)
            code = sk_fail(&err, SK_EENV, "rank %d has no memory", rank);
        code = sk_comm_agree(comm, &err, code);
        char expected[64];
        snprintf(expected, sizeof expected, "atom %d is lost", 1000 + lowest);
        int64_t wrong = code != SK_EPHYSICS || err.code != SK_EPHYSICS || strcmp(err.message, expected) != 0;
        assert_int_equal(agreed_errors(comm, wrong), 0);
    }
    struct sk_error untouched = {SK_EINPUT, "kept"};
    enum sk_code code = sk_comm_agree(comm, &untouched, SK_OK);
    assert_int_equal(agreed_errors(comm, code != SK_OK || strcmp(untouched.message, "kept") != 0), 0);
}

/* ---- sums, against a serial sum of what every rank contributes ---- */

/* Full 64-bit low words make carries, the sign comes from the high word. */
static sk_int128 contribution(int step, int from, int k)
{
    uint64_t low = mix4(2, (uint64_t)step, (uint64_t)from, (uint64_t)k);
    int64_t high = (int64_t)mix(low) >> 8;
    return (sk_int128)((sk_uint128)(sk_int128)high << 64 | low);
}

static sk_int128 serial_sum(int step, int k)
{
    sk_uint128 sum = 0;
    for (int from = 0; from < size; from++)
        sum += (sk_uint128)contribution(step, from, k);
    return (sk_int128)sum;
}

static void wide_sums_are_exact(void **state)
{
    (void)state;
    enum { N = 300 };
    sk_int128 values[N];
    int64_t errors = 0;
    for (int k = 0; k < N; k++)
        values[k] = contribution(9, rank, k);
    sk_comm_sum_i128(comm, values, N);
    for (int k = 0; k < N; k++)
        errors += values[k] != serial_sum(9, k);
    sk_int128 carry = rank == 0 ? -1 : 1; /* 0xff..ff + 1: a carry through both words */
    sk_comm_sum_i128(comm, &carry, 1);
    errors += carry != size - 2;
    assert_int_equal(agreed_errors(comm, errors), 0);
}

static int64_t maximum_at(int step, int from, int k)
{
    return (int64_t)mix4(3, (uint64_t)step, (uint64_t)from, (uint64_t)k);
}

static void hidden_reduction_is_exact(void **state)
{
    (void)state;
    int64_t errors = 0;
    int sums = SK_REDUCE_SUM;
    for (int step = 0; step < 100; step++) {
        struct sk_reduction local, global;
        if (step == 25 || step == 50 || step == 75) { /* other numbers of sums than the usual one */
            sums = step == 25 ? 3 : step == 50 ? SK_REDUCE_MOST : SK_REDUCE_SUM + 1;
            sk_reduction_set_sums(comm, sums);
        }
        for (int k = 0; k < SK_REDUCE_MAX; k++)
            local.max[k] = maximum_at(step, rank, k);
        for (int k = 0; k < SK_REDUCE_MOST; k++)
            local.sum[k] = contribution(step, rank, k);
        sk_reduction_begin(comm, &local);
        memset(&local, 0x55, sizeof local); /* begin has copied it */
        mix_delay(mix4(4, (uint64_t)step, (uint64_t)rank, 0));
        for (int i = 0; i < step % 5; i++)
            sk_comm_poll(comm);
        if (step % 10 == 3) { /* other collectives may run meanwhile */
            int64_t one = 1;
            sk_comm_sum_i64(comm, &one, 1);
            errors += one != size;
        }
        sk_reduction_end(comm, &global);
        sk_comm_poll(comm);
        for (int k = 0; k < SK_REDUCE_MAX; k++) {
            int64_t expected = INT64_MIN;
            for (int from = 0; from < size; from++)
                if (maximum_at(step, from, k) > expected)
                    expected = maximum_at(step, from, k);
            errors += global.max[k] != expected;
        }
        for (int k = 0; k < SK_REDUCE_MOST; k++)
            errors += global.sum[k] != (k < sums ? serial_sum(step, k) : 0);
    }
    sk_reduction_set_sums(comm, SK_REDUCE_SUM);
    assert_int_equal(agreed_errors(comm, errors), 0);
}

/* ---- sparse exchange ---- */

/* Length of the parcel that `from` sends to `to`, or -1 for none. */
static int64_t parcel_length(int round, int from, int to)
{
    uint64_t key = mix4(5, (uint64_t)round, (uint64_t)from, (uint64_t)to);
    if (round % 7 == 0 || key % 3 == 0)
        return round % 14 == 0 ? (int64_t)(key % 100) : -1;
    if (key % 29 == 1)
        return (int64_t)(key / 64 % 400000); /* rendezvous */
    return (int64_t)(key / 64 % 3000) - 100 < 0 ? 0 : (int64_t)(key / 64 % 3000);
}

static uint64_t parcel_key(int round, int from, int to)
{
    return mix4(6, (uint64_t)round, (uint64_t)from, (uint64_t)to);
}

static void exchange_round(int round, struct sk_receipt *receipt)
{
    struct sk_parcel *parcels = sk_alloc((size_t)size, sizeof *parcels);
    int n = 0;
    for (int i = 0; i < size; i++) {
        int to = (int)((uint64_t)(i + round * 3) % (uint64_t)size);
        int64_t length = parcel_length(round, rank, to);
        if (length < 0)
            continue;
        parcels[n] = (struct sk_parcel){to, (size_t)length, length ? sk_alloc((size_t)length, 1) : NULL};
        mix_fill(parcels[n].bytes, parcels[n].length, parcel_key(round, rank, to));
        n++;
    }
    sk_comm_exchange(comm, parcels, n, receipt);
    for (int i = 0; i < n; i++)
        sk_free(&parcels[i].bytes);
    sk_free(&parcels);
}

/* Errors of a receipt, given what each rank says it sends to me (-1: nothing). */
static int64_t receipt_errors(int round, const struct sk_receipt *receipt, const int64_t *expected)
{
    int64_t errors = 0;
    int at = 0;
    for (int from = 0; from < size; from++) {
        if (expected[from] < 0)
            continue;
        if (at == receipt->count)
            return errors + 1;
        const struct sk_parcel *p = &receipt->parcels[at++];
        if (p->rank != from || p->length != (size_t)expected[from])
            return errors + 1;
        errors += (uintptr_t)p->bytes % 64 != 0;
        errors += mix_errors(p->bytes, p->length, parcel_key(round, from, rank));
    }
    return errors + (at != receipt->count);
}

/* The reference: every rank tells all ranks what it sends to whom. */
static void exchange_matches_allgather(void **state)
{
    (void)state;
    int64_t errors = 0, delivered = 0;
    int64_t *mine = sk_alloc((size_t)size, sizeof *mine), *all = sk_alloc((size_t)size * (size_t)size, sizeof *all);
    for (int round = 0; round < 40; round++) {
        struct sk_receipt receipt;
        for (int to = 0; to < size; to++)
            mine[to] = parcel_length(round, rank, to);
        sk_comm_allgather(comm, mine, (size_t)size * sizeof *mine, all);
        for (int from = 0; from < size; from++)
            mine[from] = all[from * size + rank];
        exchange_round(round, &receipt);
        errors += receipt_errors(round, &receipt, mine);
        delivered += receipt.count;
        sk_receipt_clear(&receipt);
        sk_receipt_clear(&receipt); /* harmless twice */
    }
    assert_int_equal(agreed_errors(comm, errors), 0);
    assert_true(agreed_errors(comm, delivered) > 20 * size);
    sk_free(&mine);
    sk_free(&all);
}

/* Nothing but exchanges, ranks out of step: a parcel of the next exchange must not slip into this one. */
static void consecutive_exchanges_do_not_mix(void **state)
{
    (void)state;
    int64_t errors = 0;
    int64_t *expected = sk_alloc((size_t)size, sizeof *expected);
    for (int round = 0; round < 200; round++) {
        struct sk_receipt receipt;
        mix_delay(mix4(7, (uint64_t)round, (uint64_t)rank, 0));
        exchange_round(round, &receipt);
        for (int from = 0; from < size; from++)
            expected[from] = parcel_length(round, from, rank);
        errors += receipt_errors(round, &receipt, expected);
        sk_receipt_clear(&receipt);
    }
    assert_int_equal(agreed_errors(comm, errors), 0);
    sk_free(&expected);
}

/* ---- the rest ---- */

static void statistics_count_what_was_sent(void **state)
{
    (void)state;
    unsigned char bytes[96] = {0};
    struct sk_receipt receipt;
    struct sk_parcel parcels[2] = {{rank, 96, bytes}, {(rank + 1) % size, 40, bytes}};
    struct sk_comm_stats before = sk_comm_stats(comm);
    sk_comm_exchange(comm, parcels, size > 1 ? 2 : 1, &receipt);
    sk_comm_barrier(comm);
    struct sk_comm_stats after = sk_comm_stats(comm);
    sk_receipt_clear(&receipt);
    int64_t wrong = after.messages - before.messages != (size > 1) ||
                    after.bytes - before.bytes != (size > 1 ? 40 : 0) ||
                    after.blocking_collectives - before.blocking_collectives != 2;
    assert_int_equal(agreed_errors(comm, wrong), 0);
}

/* As a library inside a program that has its own communicator; the two do not hear each other. */
static void two_communicators_live_side_by_side(void **state)
{
    (void)state;
    struct sk_comm *other = sk_comm_new(sk_comm_mpi(comm));
    struct sk_receipt a, b;
    unsigned char ours = (unsigned char)rank, theirs = (unsigned char)(100 + rank);
    struct sk_parcel to_next = {(rank + 1) % size, 1, &ours}, to_next_too = {(rank + 1) % size, 1, &theirs};
    struct sk_reduction sum = {{0}, {0}}, more = {{0}, {0}};
    int64_t errors = sk_comm_rank(other) != rank || sk_comm_size(other) != size;
    sum.sum[0] = rank;
    more.sum[0] = rank + 1;
    sk_reduction_begin(comm, &sum);
    sk_reduction_begin(other, &more);
    sk_comm_exchange(other, &to_next_too, 1, &b);
    sk_comm_exchange(comm, &to_next, 1, &a);
    sk_reduction_end(other, &more);
    sk_reduction_end(comm, &sum);
    int before = (rank + size - 1) % size;
    errors += a.count != 1 || a.parcels[0].bytes[0] != before;
    errors += b.count != 1 || b.parcels[0].bytes[0] != 100 + before;
    errors += more.sum[0] - sum.sum[0] != size;
    sk_receipt_clear(&a);
    sk_receipt_clear(&b);
    sk_comm_free(&other);
    sk_comm_free(&other); /* NULL-safe */
    assert_int_equal(agreed_errors(comm, errors), 0);
}

static void node_is_not_larger_than_the_job(void **state)
{
    (void)state;
    int n = sk_comm_node_size(comm);
    assert_int_equal(agreed_errors(comm, n < 1 || n > size), 0);
}

static int size_with(const char *ompi, const char *pmi, const char *ntasks, const char *step)
{
    const char *names[4] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS", "SLURM_STEP_ID"};
    const char *values[4] = {ompi, pmi, ntasks, step};
    char *saved[4];
    for (int i = 0; i < 4; i++) {
        saved[i] = getenv(names[i]) ? strdup(getenv(names[i])) : NULL;
        if (values[i])
            setenv(names[i], values[i], 1);
        else
            unsetenv(names[i]);
    }
    int n = sk_comm_launcher_size();
    for (int i = 0; i < 4; i++) {
        if (saved[i])
            setenv(names[i], saved[i], 1);
        else
            unsetenv(names[i]);
        free(saved[i]);
    }
    return n;
}

static void launcher_size_is_read_from_the_environment(void **state)
{
    (void)state;
    int64_t errors = 0;
    errors += sk_comm_launcher_size() > size; /* started by the right launcher, or by none */
    errors += size_with(NULL, NULL, NULL, NULL) != 0;
    errors += size_with("4", NULL, NULL, NULL) != 4;
    errors += size_with(NULL, "6", NULL, NULL) != 6;
    errors += size_with(NULL, NULL, "8", NULL) != 0; /* a batch script, not a step */
    errors += size_with(NULL, NULL, "8", "0") != 8;
    errors += size_with("4", NULL, "2", "0") != 4; /* mpirun's daemons are the step */
    errors += size_with("many", "-3", NULL, NULL) != 0;
    assert_int_equal(agreed_errors(comm, errors), 0);
}

int main(void)
{
    comm = sk_comm_new(NULL);
    rank = sk_comm_rank(comm);
    size = sk_comm_size(comm);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broadcast_reaches_everyone),
        cmocka_unit_test(integer_collectives_match_their_definition),
        cmocka_unit_test(maximum_of_doubles_keeps_nan),
        cmocka_unit_test(gathers_are_in_rank_order),
        cmocka_unit_test(point_to_point_keeps_order_and_length),
        cmocka_unit_test(agreement_returns_the_lowest_failure),
        cmocka_unit_test(wide_sums_are_exact),
        cmocka_unit_test(hidden_reduction_is_exact),
        cmocka_unit_test(exchange_matches_allgather),
        cmocka_unit_test(consecutive_exchanges_do_not_mix),
        cmocka_unit_test(statistics_count_what_was_sent),
        cmocka_unit_test(two_communicators_live_side_by_side),
        cmocka_unit_test(node_is_not_larger_than_the_job),
        cmocka_unit_test(launcher_size_is_read_from_the_environment),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sk_comm_free(&comm);
    return failed;
}
