#include "base/timer.h"

#include <string.h>
#include <time.h>

#include "base/status.h"

int64_t sk_timer_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void sk_timer_init(struct sk_timer *timer)
{
    *timer = (struct sk_timer){.current = SK_TIMER_NONE};
}

int sk_timer_phase(struct sk_timer *timer, const char *name)
{
    for (int i = 0; i < timer->count; i++)
        if (strcmp(timer->name[i], name) == 0)
            return i;
    SK_REQUIRE(timer->count < SK_TIMER_PHASES);
    timer->name[timer->count] = name;
    return timer->count++;
}

int sk_timer_enter(struct sk_timer *timer, int phase)
{
    SK_REQUIRE(phase >= SK_TIMER_NONE && phase < timer->count);
    int before = timer->current;
    int64_t now = sk_timer_now();
    if (before != SK_TIMER_NONE)
        timer->ns[before] += now - timer->since;
    timer->current = phase;
    timer->since = now;
    return before;
}

int64_t sk_timer_ns(const struct sk_timer *timer, int phase)
{
    SK_REQUIRE(phase >= 0 && phase < timer->count);
    return timer->ns[phase] + (phase == timer->current ? sk_timer_now() - timer->since : 0);
}

double sk_timer_seconds(const struct sk_timer *timer, int phase)
{
    return 1e-9 * (double)sk_timer_ns(timer, phase);
}

void sk_timer_reset(struct sk_timer *timer)
{
    memset(timer->ns, 0, sizeof timer->ns);
    timer->since = sk_timer_now();
}
