/* Switch: Lennard-Jones interactions that go to zero smoothly between a start and the cutoff, as GROMACS and LAMMPS
 * define them: what stands for r^-6 and r^-12 in a pair's energy, and for -1/r times their derivatives in its force.
 * Pure functions of distance; owns nothing. Not here: the float kernel's form of them (switch.inc.h). */
#ifndef SK_KERNEL_SWITCH_H
#define SK_KERNEL_SWITCH_H

#include <math.h>

enum sk_switch_kind {
    SK_SWITCH_NONE,
    SK_SWITCH_FORCE, /* to the force p r^-(p+1) of each power p, p (c2 x^2 + c3 x^3) is added, x = max(r - start, 0),
                        so that force and slope are continuous and zero at the end (gmx force-switch) */
    SK_SWITCH_POTENTIAL, /* energy times y^3 (10 - 15 y + 6 y^2), y = min((end - r) / (end - start), 1)
                            (gmx potential-switch) */
    SK_SWITCH_CHARMM     /* energy times y^2 (3 - 2 y), y = min((end^2 - r^2) / (end^2 - start^2), 1): another way to
                            write (end^2 - r^2)^2 (end^2 + 2 r^2 - 3 start^2) / (end^2 - start^2)^3 (LAMMPS lj/charmm) */
};

/* Index 0: r^-6, 1: r^-12. */
struct sk_switch {
    enum sk_switch_kind kind;
    double start, end; /* length */
    double c2[2], c3[2];
    double shift[2]; /* added to the power at r < end; pairs of types carry it in their lj_shift */
};
/* energy[]: for r^-6 and r^-12; force[]: for -1/r d/dr of them. */
struct sk_switched {
    double energy[2], force[2];
};

/* 0 < start < end, the cutoff. */
void sk_switch_init(struct sk_switch *s, enum sk_switch_kind kind, double start, double end);
/* Integral over r from 0 of r^2 times what a switched attraction lacks of -r^-6: inside the start the shift, beyond the
 * end all of it. */
double sk_switch_lacking(const struct sk_switch *s);

/* r2 = r^2 < end^2; kind is not SK_SWITCH_NONE. */
static inline struct sk_switched sk_switch_powers(const struct sk_switch *s, double r2)
{
    const double rinv2 = 1.0 / r2, r6 = rinv2 * rinv2 * rinv2, power[2] = {r6, r6 * r6};
    const double r = sqrt(r2), width = s->end - s->start;
    double factor, slope; /* of the energy; slope: -1/r d/dr of the factor */
    struct sk_switched out;
    if (s->kind == SK_SWITCH_FORCE) {
        const double x = r > s->start ? r - s->start : 0.0;
        for (int k = 0; k < 2; k++) {
            const double p = k ? 12.0 : 6.0;
            out.energy[k] = power[k] - p * (s->c2[k] / 3.0 + s->c3[k] / 4.0 * x) * x * x * x;
            out.force[k] = p * (power[k] * rinv2 + (s->c2[k] + s->c3[k] * x) * x * x / r);
        }
        return out;
    }
    if (s->kind == SK_SWITCH_POTENTIAL) {
        const double y = r > s->start ? (s->end - r) / width : 1.0, h = y * (1.0 - y);
        factor = y * y * y * (10.0 + y * (6.0 * y - 15.0));
        slope = 30.0 * h * h / (width * r);
    } else {
        const double width2 = width * (s->end + s->start);
        const double y = r > s->start ? (s->end * s->end - r2) / width2 : 1.0;
        factor = y * y * (3.0 - 2.0 * y);
        slope = 12.0 * y * (1.0 - y) / width2;
    }
    for (int k = 0; k < 2; k++) {
        out.energy[k] = power[k] * factor;
        out.force[k] = power[k] * ((k ? 12.0 : 6.0) * rinv2 * factor + slope);
    }
    return out;
}

#endif
