/* Water: rigid three-site molecules. The equations of SETTLE (Miyamoto, Kollman 1992) are solved by Chebyshev's
 * method on the three multipliers, whose steps are scalar, for all corrections lie in the plane of the old triangle;
 * that is faster than the closed form, which is kept as the start where displacements are too large for it.
 * Local to the rank that owns the molecule; owns nothing. Double arithmetic without fma; no loss far from the
 * origin, for everything is relative to the apex. Not here: other constraints, which molecule is where. */
#ifndef SK_CONSTRAIN_WATER_H
#define SK_CONSTRAIN_WATER_H

/* Constants of one kind of rigid water, derived once. */
struct sk_water {
    double mass_apex, mass_leg;
    double apex_leg, leg_leg; /* target lengths */
    double tolerance;         /* relative */
    double inverse_apex, inverse_leg;
    double leg_part;  /* mass of a leg over that of the molecule */
    double limit;     /* relative residual that ends the iteration */
    double square[3]; /* target lengths squared: apex-leg1, apex-leg2, leg1-leg2 */
};

/* Errors are none: masses and lengths were checked on reading (all > 0, leg_leg < 2 apex_leg). Local. */
void sk_water_init(struct sk_water *water, double mass_apex, double mass_leg, double apex_leg, double leg_leg,
                   double tolerance);

/* Position constraint. before[2][3]: leg1 - apex, leg2 - apex at time t (the constraint directions; they need
 * not be exactly rigid). after[2][3]: the same after the unconstrained drift. correction[3][3]: what must be added
 * to the drifted positions of apex, leg1, leg2. lambda[3] (pairs apex-leg1, apex-leg2, leg1-leg2): displacement
 * multipliers, so that with b = second - first of a pair, correction = -lambda b / m for its first and +lambda b / m
 * for its second atom, summed over pairs. virial[3][3] is increased by -1/2 sum over pairs lambda b (x) b (multiply
 * by 1/dt^2 outside).
 * Returns the largest relative error of a length that is left (<= tolerance when converged; it can be NaN, so test
 * !(error <= tolerance)); if no rigid triangle fits, correction and lambda are zero. Local. */
double sk_water_positions(const struct sk_water *water, const double before[2][3], const double after[2][3],
                          double correction[3][3], double lambda[3], double virial[3][3]);

/* Velocity constraint (RATTLE): removes relative velocity along the three bonds, directions bond[2][3] (leg - apex).
 * v[3][3] apex, leg1, leg2 are changed in place; mu[3] multipliers with the signs of lambda above; virial increased
 * by -1/2 sum mu b (x) b. Exact 3 x 3 solve. Returns the largest |relative velocity . b| / b^2 left. Local. */
double sk_water_velocities(const struct sk_water *water, const double bond[2][3], double v[3][3], double mu[3],
                           double virial[3][3]);

#endif
