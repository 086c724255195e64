/* Water: rigid three-site molecules: their constants, and SETTLE whatever the displacement. Local to the rank that owns
 * the molecule; owns nothing. Not here: the arithmetic of thermal displacements and of velocities (kernel/water.h),
 * other constraints, which molecule is where. */
#ifndef SK_CONSTRAIN_WATER_H
#define SK_CONSTRAIN_WATER_H

#include "kernel/pair.h"

/* Errors are none: masses and lengths were checked on reading (all > 0, leg_leg < 2 apex_leg). Local. */
void sk_water_init(struct sk_water *water, double mass_apex, double mass_leg, double apex_leg, double leg_leg,
                   double tolerance);

/* Solves positions: from `before` and `after` fills the rest of the lanes. Lanes that the kernel does not manage start
 * again from the closed form; where no rigid triangle fits, change and lambda are zero and worst says how wrong the
 * drifted triangle is. Local. */
void sk_water_positions(const struct sk_kernel_variant *variant, const struct sk_water *water,
                        struct sk_water_lanes *lanes);

#endif
