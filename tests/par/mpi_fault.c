/* Planted faults: what must never pass as data ends the job instead. The code of links.c is compiled into
 * this file, so that its stamps can be spoilt; the abort hook jumps back here, so that the test survives. */
#include <stdint.h>

static uint64_t fault;
#define SK_LINKS_FAULT(mark) ((mark)-fault)
#include "par/links.c" /* NOLINT(bugprone-suspicious-include) */

#include "check.h"

#include <fcntl.h>
#include <unistd.h>

#include "mixer.h"

enum { MAX_RANKS = 64, LENGTH = 500 };

static struct sk_comm *comm;
static int rank, size;
static jmp_buf trap;

static void hook(int code)
{
    longjmp(trap, code);
}

/* True if the call ends in sk_bug. The message of the bug is expected, and not shown. */
static bool is_bug(void (*call)(void *), void *argument)
{
    int saved = dup(2), null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    close(null);
    int code = setjmp(trap);
    if (code == 0)
        call(argument);
    dup2(saved, 2);
    close(saved);
    return code == SK_EINTERNAL;
}

static struct sk_links *everyone_to_everyone(void)
{
    int others[MAX_RANKS], n = 0;
    size_t length[MAX_RANKS];
    for (int i = 0; i < size; i++)
        if (i != rank) {
            others[n] = i;
            length[n++] = LENGTH;
        }
    return sk_links_new(comm, 2, n, others, length, n, others, length);
}

static void take_one(void *links)
{
    sk_links_arrived(links);
}

/* One step in which rank 0's stamps are too low by `offset`. Returns the number of bugs that arrivals make. */
static int64_t step_with_bad_stamp(struct sk_links *links, uint64_t offset)
{
    int64_t caught = 0;
    fault = rank == 0 ? offset : 0;
    sk_links_begin(links);
    fault = 0;
    for (int k = 0; k < links->nrecv; k++)
        caught += is_bug(take_one, links);
    sk_links_end(links);
    return agreed_errors(comm, caught);
}

static void stale_messages_are_caught(void **state)
{
    (void)state;
    for (int transport = SK_LINKS_AUTO; transport <= SK_LINKS_RING; transport++) {
        sk_comm_set_transport(comm, (enum sk_links_transport)transport);
        struct sk_links *links = everyone_to_everyone();
        for (int round = 0; round < 4; round++) {
            assert_int_equal(step_with_bad_stamp(links, 0), 0);
            assert_int_equal(step_with_bad_stamp(links, (uint64_t)1 << 32), size - 1); /* the step before */
            assert_int_equal(step_with_bad_stamp(links, (uint64_t)1 << 8), size - 1);  /* the set before */
            assert_int_equal(step_with_bad_stamp(links, 1), size - 1);                 /* another tag */
        }
        sk_links_free(&links);
    }
    sk_comm_set_transport(comm, SK_LINKS_AUTO);
}

/* ---- misuse of the interface ---- */

static void call_new(void *list)
{
    const int *ranks = list;
    size_t length[2] = {LENGTH, LENGTH};
    sk_links_new(comm, 0, 2, ranks, length, 0, NULL, NULL);
}

static void call_new_empty(void *unused)
{
    (void)unused;
    size_t length = 0;
    sk_links_new(comm, 0, 1, &rank, &length, 1, &rank, &length);
}

static void call_begin(void *links)
{
    sk_links_begin(links);
}

static void call_free(void *links)
{
    sk_links_free((struct sk_links **)&links);
}

static void misuse_is_a_bug(void **state)
{
    (void)state;
    int twice[2] = {(rank + 1) % size, (rank + 1) % size}, outside[2] = {0, size}, half_self[2] = {rank, size};
    half_self[1] = size > 1 ? (rank + 1) % size : rank;
    int64_t caught = 0;
    caught += is_bug(call_new, twice);
    caught += is_bug(call_new, outside);
    caught += is_bug(call_new, half_self); /* sends to itself, receives nothing */
    caught += is_bug(call_new_empty, NULL);
    struct sk_links *links = everyone_to_everyone();
    caught += is_bug(take_one, links); /* nothing begun */
    sk_links_begin(links);
    caught += is_bug(call_begin, links);
    caught += is_bug(call_free, links);
    sk_links_end(links);
    sk_links_free(&links);
    assert_int_equal(agreed_errors(comm, caught), 7 * size);
}

static void call_reduce(void *sum)
{
    sk_reduction_begin(comm, sum);
}

static void call_exchange(void *parcels)
{
    struct sk_receipt receipt;
    sk_comm_exchange(comm, parcels, 2, &receipt);
    sk_receipt_clear(&receipt);
}

static void call_recv(void *bytes)
{
    sk_comm_recv(comm, bytes, 10, 0, 1);
}

static void broken_contracts_of_comm_are_bugs(void **state)
{
    (void)state;
    unsigned char bytes[20] = {0};
    struct sk_reduction sum = {{0}, {0}};
    sk_reduction_begin(comm, &sum);
    int64_t caught = is_bug(call_reduce, &sum);
    sk_reduction_end(comm, &sum);
    int next = (rank + 1) % size;
    struct sk_parcel twice[2] = {{next, 20, bytes}, {next, 20, bytes}};
    caught += is_bug(call_exchange, twice);
    if (size > 1 && rank < 2) { /* a message longer than the room for it */
        if (rank == 0)
            sk_comm_send(comm, bytes, 20, 1, 1);
        else
            caught += is_bug(call_recv, bytes);
    }
    assert_int_equal(agreed_errors(comm, caught), 2 * size + (size > 1));
}

int main(void)
{
    comm = sk_comm_new(NULL);
    rank = sk_comm_rank(comm);
    size = sk_comm_size(comm);
    SK_REQUIRE(size <= MAX_RANKS);
    sk_process_set(rank, size, hook);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stale_messages_are_caught),
        cmocka_unit_test(misuse_is_a_bug),
        cmocka_unit_test(broken_contracts_of_comm_are_bugs),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sk_comm_free(&comm);
    return failed;
}
