#include "kernel/switch.h"

#include <string.h>

enum { INTERVALS = 1024 }; /* of Simpson's rule: errors fall with the fourth power of their width */

static double power_of(double r, int p)
{
    double power = 1.0;
    for (int k = 0; k < p; k++)
        power *= r;
    return power;
}

void sk_switch_init(struct sk_switch *s, enum sk_switch_kind kind, double start, double end)
{
    const double width = end - start;
    memset(s, 0, sizeof *s);
    s->kind = kind;
    s->start = start;
    s->end = end;
    if (kind != SK_SWITCH_FORCE)
        return;
    for (int k = 0; k < 2; k++) {
        const int p = k ? 12 : 6;
        const double end_p2 = power_of(end, p + 2), width3 = width * width * width;
        s->c2[k] = ((p + 1) * start - (p + 4) * end) / (end_p2 * width * width);
        s->c3[k] = ((p + 3) * end - (p + 1) * start) / (end_p2 * width3);
        s->shift[k] = p * (s->c2[k] / 3.0 + s->c3[k] / 4.0 * width) * width3 - 1.0 / power_of(end, p);
    }
}

double sk_switch_lacking(const struct sk_switch *s)
{
    const double step = (s->end - s->start) / INTERVALS;
    double sum = 0.0;
    for (int k = 0; k <= INTERVALS; k++) {
        const double r = s->start + k * step, r2 = r * r;
        const double lacking = sk_switch_powers(s, r2).energy[0] + s->shift[0] - 1.0 / (r2 * r2 * r2);
        sum += (k == 0 || k == INTERVALS ? 1.0 : k % 2 ? 4.0 : 2.0) * r2 * lacking;
    }
    return s->shift[0] * power_of(s->start, 3) / 3.0 + sum * step / 3.0 - 1.0 / (3.0 * power_of(s->end, 3));
}
