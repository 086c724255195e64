/* Timer: where the wall time goes, by named phase. One phase runs at a time; entering one leaves the
 * other. Owns nothing on the heap. Not here: sums over ranks (sim reduces the nanoseconds). */
#ifndef SK_BASE_TIMER_H
#define SK_BASE_TIMER_H

#include <stdint.h>

#define SK_TIMER_PHASES 24
#define SK_TIMER_NONE   (-1)

struct sk_timer {
    int count, current;                /* current: phase that runs, or SK_TIMER_NONE */
    int64_t since;                     /* ns, when it was entered */
    int64_t ns[SK_TIMER_PHASES];       /* finished stretches */
    const char *name[SK_TIMER_PHASES]; /* borrowed: string constants */
};

/* Local, as all here. */
void sk_timer_init(struct sk_timer *timer);
/* Index of the phase, registered at the first call with that name. `name` must live as long as the timer.
 * Register in the same order on all ranks, and indices mean the same everywhere. */
int sk_timer_phase(struct sk_timer *timer, const char *name);
/* Switches to `phase` (SK_TIMER_NONE stops) and returns the one that ran. About 25 ns. */
int sk_timer_enter(struct sk_timer *timer, int phase);
/* Nanoseconds spent in `phase` so far, the running stretch included. */
int64_t sk_timer_ns(const struct sk_timer *timer, int phase);
double sk_timer_seconds(const struct sk_timer *timer, int phase);
/* Zeroes the sums; phases and the one that runs stay. */
void sk_timer_reset(struct sk_timer *timer);
/* Monotonic clock, ns. */
int64_t sk_timer_now(void);

#endif
