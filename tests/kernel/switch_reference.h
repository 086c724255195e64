/* Switched Lennard-Jones in long double from what GROMACS' and LAMMPS' manuals say of it, for the tests: potentials as
 * written there, forces as their derivatives by finite differences; the force switch from the conditions that its force
 * must meet, and its potential by quadrature. Shares nothing with the engine. */
#ifndef SK_TESTS_SWITCH_REFERENCE_H
#define SK_TESTS_SWITCH_REFERENCE_H

#include <math.h>

#include "kernel/switch.h"

/* r^-p */
static inline long double reference_inverse(long double r, int p)
{
    long double power = 1.0L;
    for (int k = 0; k < p; k++)
        power *= r;
    return 1.0L / power;
}

/* GROMACS manual, "Modified non-bonded interactions": F = p (r^-(p+1) + A (r - start)^2 + B (r - start)^3) beyond the
 * start, F and dF/dr zero at the end. */
static inline long double reference_switched_force(int p, long double start, long double end, long double r)
{
    const long double w = end - start, f = -reference_inverse(end, p + 1), df = (p + 1) * reference_inverse(end, p + 2);
    /* A w^2 + B w^3 = f, 2 A w + 3 B w^2 = df */
    const long double b = (df * w - 2 * f) / (w * w * w), a = (f - b * w * w * w) / (w * w);
    const long double x = r > start ? r - start : 0.0L;
    return p * (reference_inverse(r, p + 1) + (a + b * x) * x * x);
}

/* Its integral from r to the end, Gauss' rule of five points on short parts. */
static inline long double reference_force_switch(int p, long double start, long double end, long double r)
{
    static const long double x[5] = {-0.906179845938663992797627L, -0.538469310105683091036314L, 0.0L,
                                     0.538469310105683091036314L, 0.906179845938663992797627L};
    static const long double weight[5] = {0.236926885056189087514264L, 0.478628670499366468041292L,
                                          0.568888888888888888888889L, 0.478628670499366468041292L,
                                          0.236926885056189087514264L};
    if (r < start)
        return reference_force_switch(p, start, end, start) + reference_inverse(r, p) - reference_inverse(start, p);
    const int parts = 2 + (int)(40 * (end - start) / start);
    const long double half = (end - r) / (2 * parts);
    long double sum = 0.0L;
    for (int k = 0; k < parts; k++)
        for (int i = 0; i < 5; i++)
            sum += weight[i] * half * reference_switched_force(p, start, end, r + (2 * k + 1 + x[i]) * half);
    return sum;
}

/* What stands for r^-p in the energy, shift included. */
static inline long double reference_power(enum sk_switch_kind kind, int p, long double start, long double end,
                                          long double r)
{
    if (r >= end)
        return 0.0L;
    if (kind == SK_SWITCH_FORCE)
        return reference_force_switch(p, start, end, r);
    const long double plain = reference_inverse(r, p);
    if (r <= start)
        return plain;
    if (kind == SK_SWITCH_POTENTIAL) { /* GROMACS manual: S = 1 - 10 x^3 + 15 x^4 - 6 x^5 */
        const long double x = (r - start) / (end - start);
        return plain * (1 + x * x * x * (-10 + 15 * x - 6 * x * x));
    }
    /* LAMMPS manual, pair_style lj/charmm */
    const long double e2 = end * end, s2 = start * start, r2 = r * r, w = e2 - s2;
    return plain * (e2 - r2) * (e2 - r2) * (e2 + 2 * r2 - 3 * s2) / (w * w * w);
}

/* -d/dr of the above: central differences, once extrapolated; not within 2e-4 of start or end, where the third
 * derivative (LAMMPS: the second) jumps. */
static inline long double reference_power_force(enum sk_switch_kind kind, int p, long double start, long double end,
                                                long double r)
{
    long double slope[2];
    for (int k = 0; k < 2; k++) {
        const long double h = 1e-4L / (k + 1);
        slope[k] = (reference_power(kind, p, start, end, r - h) - reference_power(kind, p, start, end, r + h)) /
                   (2 * h);
    }
    return (4 * slope[1] - slope[0]) / 3;
}

static inline int reference_is_smooth(long double start, long double end, long double r)
{
    return fabsl(r - start) > 2e-4L && fabsl(r - end) > 2e-4L;
}

#endif
