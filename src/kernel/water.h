/* Water: SETTLE and RATTLE of rigid three-site molecules (Miyamoto, Kollman 1992), SK_WATER_LANES molecules of one kind
 * at a time, one in each lane; what a lane gets depends on its own data alone. The equations of SETTLE are solved by
 * Chebyshev's method on the three multipliers, whose steps are scalar, for all corrections lie in the plane of the old
 * triangle; that is faster than the closed form (constrain/water.h), which starts displacements too large for it.
 * Double arithmetic without fma, the same bits in every variant; no loss far from the origin, for everything is
 * relative to the apex. Allocates nothing, communicates nothing. */
#ifndef SK_KERNEL_WATER_H
#define SK_KERNEL_WATER_H

#define SK_WATER_LANES 8

/* Constants of one kind of rigid water, derived once (sk_water_init). */
struct sk_water {
    double mass_apex, mass_leg;
    double apex_leg, leg_leg; /* target lengths */
    double tolerance;         /* relative */
    double inverse_apex, inverse_leg;
    double leg_part;  /* mass of a leg over that of the molecule */
    double limit;     /* relative residual that ends the iteration */
    double square[3]; /* target lengths squared: apex-leg1, apex-leg2, leg1-leg2 */
};

/* Pairs are apex-leg1, apex-leg2, leg1-leg2, atoms apex, leg1, leg2. Lanes without a molecule repeat another one. */
struct sk_water_lanes {
    double before[2][3][SK_WATER_LANES]; /* bonds of the legs, leg - apex: the constraint directions */
    double after[2][3][SK_WATER_LANES];  /* positions: the same after the unconstrained drift */
    /* Multipliers of the pairs: with b = second - first of a pair, change = -lambda b / m for its first and
     * +lambda b / m for its second atom, summed over pairs. */
    double lambda[3][SK_WATER_LANES];
    double change[3][3][SK_WATER_LANES]; /* positions: what must be added to those after the drift; or velocities */
    double virial[3][SK_WATER_LANES];    /* along x, y, z: -1/2 sum over pairs lambda b b */
    double worst[SK_WATER_LANES];        /* what is left; it can be NaN, so test !(worst <= tolerance) */
} __attribute__((aligned(64)));

/* Improves the given lambda and fills change, virial and worst (the largest relative error of a length). Returns, as
 * bits, the lanes where lambda did not reach a root, or one of the three wrong ones. */
typedef unsigned sk_water_positions_kernel(const struct sk_water *water, struct sk_water_lanes *lanes);
/* Takes relative velocity along the bonds `before` out of the velocities `change`: an exact 3 x 3 solve. Fills lambda,
 * virial and worst (the largest |relative velocity . b| / b^2 left). */
typedef void sk_water_velocities_kernel(const struct sk_water *water, struct sk_water_lanes *lanes);

#endif
