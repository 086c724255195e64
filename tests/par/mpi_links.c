#include "check.h"

#include <string.h>

#include "base/memory.h"
#include "mixer.h"
#include "par/links.h"

enum { MAX_RANKS = 64 };

static struct sk_comm *comm;
static int rank, size;
static enum sk_links_transport transport;

static uint64_t payload(int set, int step, int from, int to)
{
    return mix4((uint64_t)set, (uint64_t)step, (uint64_t)from, (uint64_t)to);
}

/* Bytes from one rank to another in a link set, 0 for no link; every rank knows all of them. */
static size_t link_length(int set, int from, int to)
{
    uint64_t key = mix4(100, (uint64_t)set, (uint64_t)from, (uint64_t)to);
    if (key % 5 == 0)
        return 0;
    return 1 + (size_t)(key % 7 == 3 ? key / 64 % 150000 : key / 64 % 5000);
}

/* A link set with its ends, lengths by `length`. */
struct net {
    struct sk_links *links;
    int set, nsend, nrecv, send_rank[MAX_RANKS], recv_rank[MAX_RANKS];
    size_t send_length[MAX_RANKS], recv_length[MAX_RANKS];
};

static void net_open(struct net *net, int set, int tag, size_t (*length)(int, int, int))
{
    *net = (struct net){.set = set};
    for (int i = 0; i < size; i++) {
        int other = (rank + i) % size; /* another order on each rank; the rank itself first */
        size_t there = length(set, rank, other), here = length(set, other, rank);
        if (there) {
            net->send_rank[net->nsend] = other;
            net->send_length[net->nsend++] = there;
        }
        if (here) {
            net->recv_rank[net->nrecv] = other;
            net->recv_length[net->nrecv++] = here;
        }
    }
    net->links = sk_links_new(comm, tag, net->nsend, net->send_rank, net->send_length, net->nrecv, net->recv_rank,
                              net->recv_length);
}

static void net_begin(struct net *net, int step)
{
    for (int k = 0; k < net->nsend; k++)
        mix_fill(sk_links_send_buffer(net->links, k), net->send_length[k],
                 payload(net->set, step, rank, net->send_rank[k]));
    sk_links_begin(net->links);
}

static int64_t net_recv_errors(struct net *net, int step, int k)
{
    return mix_errors(sk_links_recv_buffer(net->links, k), net->recv_length[k],
                      payload(net->set, step, net->recv_rank[k], rank));
}

/* Takes `most` arrivals one by one, then ends; counts wrong bytes, repeated and missing reports. */
static int64_t net_finish(struct net *net, int step, int most)
{
    int64_t errors = 0;
    int seen[MAX_RANKS] = {0}, count = 0, k;
    while (count < most && (k = sk_links_arrived(net->links)) >= 0) {
        count++;
        errors += seen[k]++ != 0;
        errors += net_recv_errors(net, step, k);
    }
    if (count < most)
        errors += count != net->nrecv;
    sk_links_end(net->links);
    for (k = 0; k < net->nrecv; k++)
        errors += net_recv_errors(net, step, k);
    return errors;
}

static void random_links_deliver_for_many_steps(void **state)
{
    (void)state;
    int64_t errors = 0;
    for (int set = 0; set < 12; set++) { /* as many rebuilds */
        struct net net;
        net_open(&net, set, set % 3, link_length);
        for (int k = 0; k < net.nsend; k++)
            errors += (uintptr_t)sk_links_send_buffer(net.links, k) % 64 != 0;
        for (int step = 0; step < 25; step++) {
            mix_delay(mix4(8, (uint64_t)step, (uint64_t)rank, (uint64_t)set));
            net_begin(&net, step);
            sk_comm_poll(comm);
            errors += net_finish(&net, step, step % 3 == 0 ? MAX_RANKS : step % 3 == 1 ? 1 : 0);
        }
        sk_links_free(&net.links);
        sk_links_free(&net.links); /* NULL-safe */
    }
    assert_int_equal(agreed_errors(comm, errors), 0);
}

/* Forward and reverse are open at once, with a hidden reduction beside them; ended in either order. */
static void two_sets_and_a_reduction_are_open_at_once(void **state)
{
    (void)state;
    int64_t errors = 0;
    struct net forward, reverse;
    net_open(&forward, 50, 0, link_length);
    net_open(&reverse, 51, 15, link_length);
    for (int step = 0; step < 60; step++) {
        struct sk_reduction sum = {{0}, {0}};
        sum.sum[0] = rank - 10;
        mix_delay(mix4(9, (uint64_t)step, (uint64_t)rank, 0));
        net_begin(&forward, step);
        sk_reduction_begin(comm, &sum);
        net_begin(&reverse, step);
        if (step % 2) {
            errors += net_finish(&reverse, step, MAX_RANKS);
            errors += net_finish(&forward, step, MAX_RANKS);
        } else {
            errors += net_finish(&forward, step, MAX_RANKS);
            errors += net_finish(&reverse, step, MAX_RANKS);
        }
        sk_reduction_end(comm, &sum);
        errors += sum.sum[0] != size * (size - 1) / 2 - 10 * size;
    }
    sk_links_free(&reverse.links);
    sk_links_free(&forward.links);
    assert_int_equal(agreed_errors(comm, errors), 0);
}

/* Sets of different size live and die in any order, so that shared memory is reused in pieces and grows
 * while sets in the older pieces are in use. */
static size_t growing_length(int set, int from, int to)
{
    return link_length(set, from, to) * (size_t)(1 + set % 40 / 10) / 2;
}

static void sets_live_and_die_in_any_order(void **state)
{
    (void)state;
    enum { SETS = 5 };
    int64_t errors = 0;
    struct net net[SETS] = {{.links = NULL}};
    for (int round = 0; round < 40; round++) {
        int victim = (int)(mix4(11, (uint64_t)round, 0, 0) % SETS);
        mix_delay(mix4(12, (uint64_t)round, (uint64_t)rank, 0));
        struct net old = net[victim];
        if (rank % 2 == 0)
            sk_links_free(&old.links);
        net_open(&net[victim], 200 + round, victim, growing_length);
        for (int i = 0; i < SETS; i++)
            if (net[i].links)
                net_begin(&net[i], round);
        for (int i = SETS - 1; i >= 0; i--)
            if (net[i].links)
                errors += net_finish(&net[i], round, i % 2 ? MAX_RANKS : 0);
        for (int k = 0; old.links && k < old.nrecv; k++) /* still to be read, though its senders have freed it */
            errors += net_recv_errors(&old, round - 1, k);
        sk_links_free(&old.links);
    }
    for (int i = 0; i < SETS; i++) /* another order on each rank */
        sk_links_free(&net[(i + rank) % SETS].links);
    assert_int_equal(agreed_errors(comm, errors), 0);
}

static size_t first_to_others(int set, int from, int to)
{
    (void)set;
    return from == 0 && to != 0 ? 60000 : 0;
}

/* Rank 0 sends only when the reduction is complete, and the reduction needs the ranks that wait for it. */
static void a_reduction_progresses_while_links_wait(void **state)
{
    (void)state;
    int64_t errors = 0;
    struct net net;
    net_open(&net, 80, 4, first_to_others);
    for (int step = 0; step < 30; step++) {
        struct sk_reduction sum = {{0}, {0}};
        sum.sum[0] = rank;
        sk_reduction_begin(comm, &sum);
        if (rank == 0)
            sk_reduction_end(comm, &sum);
        net_begin(&net, step);
        errors += net_finish(&net, step, MAX_RANKS);
        if (rank != 0)
            sk_reduction_end(comm, &sum);
        errors += sum.sum[0] != size * (size - 1) / 2;
    }
    sk_links_free(&net.links);
    assert_int_equal(agreed_errors(comm, errors), 0);
}

static size_t one_way(int set, int from, int to)
{
    (void)set;
    return to == from + 1 ? 1000 : 0;
}

/* A sender may run ahead of a receiver that it never hears from. */
static void a_sender_may_run_ahead(void **state)
{
    (void)state;
    int64_t errors = 0;
    struct net net;
    net_open(&net, 60, 1, one_way);
    for (int step = 0; step < 50; step++) {
        if (rank == size - 1)
            mix_delay(4 * 300);
        net_begin(&net, step);
        errors += net_finish(&net, step, MAX_RANKS);
    }
    sk_links_free(&net.links);
    assert_int_equal(agreed_errors(comm, errors), 0);
}

static size_t everyone_but_self(int set, int from, int to)
{
    (void)set;
    return from == to ? 0 : 100;
}

static void statistics_tell_the_transport(void **state)
{
    (void)state;
    struct net net;
    net_open(&net, 90, 3, everyone_but_self);
    struct sk_comm_stats before = sk_comm_stats(comm);
    for (int step = 0; step < 3; step++) {
        net_begin(&net, step);
        sk_links_end(net.links);
    }
    struct sk_comm_stats after = sk_comm_stats(comm);
    sk_links_free(&net.links);
    uint64_t sent = 3 * ((uint64_t)size - 1), shared = 3 * ((uint64_t)sk_comm_node_size(comm) - 1);
    int64_t wrong = after.messages - before.messages != sent;
    wrong += after.bytes - before.bytes != sent * (100 + 8); /* a trailer of 8 bytes */
    wrong += after.ring_messages - before.ring_messages != (transport == SK_LINKS_MPI ? 0 : shared);
    wrong += after.blocking_collectives != before.blocking_collectives;
    assert_int_equal(agreed_errors(comm, wrong), 0);
}

static size_t no_link(int set, int from, int to)
{
    (void)set, (void)from, (void)to;
    return 0;
}

static void no_links_at_all(void **state)
{
    (void)state;
    struct net net;
    net_open(&net, 70, 0, no_link);
    struct sk_comm_stats before = sk_comm_stats(comm);
    sk_links_begin(net.links);
    int first = sk_links_arrived(net.links);
    sk_links_end(net.links);
    struct sk_comm_stats after = sk_comm_stats(comm);
    sk_links_free(&net.links);
    assert_int_equal(agreed_errors(comm, first != -1 || after.messages != before.messages), 0);
}

int main(void)
{
    comm = sk_comm_new(NULL);
    rank = sk_comm_rank(comm);
    size = sk_comm_size(comm);
    SK_REQUIRE(size <= MAX_RANKS);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_links_deliver_for_many_steps),
        cmocka_unit_test(two_sets_and_a_reduction_are_open_at_once),
        cmocka_unit_test(sets_live_and_die_in_any_order),
        cmocka_unit_test(a_reduction_progresses_while_links_wait),
        cmocka_unit_test(a_sender_may_run_ahead),
        cmocka_unit_test(statistics_tell_the_transport),
        cmocka_unit_test(no_links_at_all),
    };
    int failed = 0;
    for (transport = SK_LINKS_AUTO; transport <= SK_LINKS_RING; transport++) {
        sk_comm_set_transport(comm, transport);
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    }
    sk_comm_free(&comm);
    return failed;
}
