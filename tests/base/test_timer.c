#include "base/timer.h"

#include "check.h"

#include <time.h>

static void nap(void)
{
    struct timespec ms = {0, 2000000};
    nanosleep(&ms, NULL);
}

static void phases_are_found_by_name(void **state)
{
    (void)state;
    struct sk_timer timer;
    char again[] = "pair";
    sk_timer_init(&timer);
    assert_int_equal(sk_timer_phase(&timer, "pair"), 0);
    assert_int_equal(sk_timer_phase(&timer, "halo"), 1);
    assert_int_equal(sk_timer_phase(&timer, again), 0);
    assert_int_equal(timer.count, 2);
    assert_string_equal(timer.name[1], "halo");
}

/* Phases fill the time between start and stop without gap or overlap: bounds from two outer clock reads. */
static void phases_add_up_to_the_time_that_passed(void **state)
{
    (void)state;
    struct sk_timer timer;
    sk_timer_init(&timer);
    int pair = sk_timer_phase(&timer, "pair"), halo = sk_timer_phase(&timer, "halo");
    int idle = sk_timer_phase(&timer, "idle");
    int64_t outer_begin = sk_timer_now();
    assert_int_equal(sk_timer_enter(&timer, pair), SK_TIMER_NONE);
    int64_t inner_begin = sk_timer_now();
    nap();
    assert_int_equal(sk_timer_enter(&timer, halo), pair);
    nap();
    nap();
    assert_int_equal(sk_timer_enter(&timer, pair), halo);
    nap();
    assert_true(sk_timer_ns(&timer, pair) >= 4000000); /* the running stretch counts */
    int64_t inner_end = sk_timer_now();
    assert_int_equal(sk_timer_enter(&timer, SK_TIMER_NONE), pair);
    int64_t outer_end = sk_timer_now();
    int64_t sum = sk_timer_ns(&timer, pair) + sk_timer_ns(&timer, halo);
    assert_true(sum >= inner_end - inner_begin && sum <= outer_end - outer_begin);
    assert_true(sk_timer_ns(&timer, pair) >= 4000000 && sk_timer_ns(&timer, halo) >= 4000000);
    assert_int_equal(sk_timer_ns(&timer, idle), 0);
    nap(); /* stopped */
    assert_int_equal(sk_timer_ns(&timer, pair) + sk_timer_ns(&timer, halo), sum);
    check_near(sk_timer_seconds(&timer, pair), 1e-9 * (double)sk_timer_ns(&timer, pair), 0, 1e-15);
}

static void reset_forgets_the_past_only(void **state)
{
    (void)state;
    struct sk_timer timer;
    sk_timer_init(&timer);
    int pair = sk_timer_phase(&timer, "pair");
    sk_timer_enter(&timer, pair);
    nap();
    int64_t before = sk_timer_now();
    sk_timer_reset(&timer);
    int64_t ns = sk_timer_ns(&timer, pair), after = sk_timer_now();
    assert_true(ns >= 0 && ns <= after - before);
    assert_int_equal(timer.current, pair);
    assert_int_equal(sk_timer_phase(&timer, "pair"), pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_are_found_by_name),
        cmocka_unit_test(phases_add_up_to_the_time_that_passed),
        cmocka_unit_test(reset_forgets_the_past_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
