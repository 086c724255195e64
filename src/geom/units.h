/* Units: constants of the unit systems. Inside there is one system per run: nm, ps, kJ/mol, amu, e, K,
 * or reduced units, in which the Boltzmann and Coulomb constants are 1. Not here: conversions of
 * files (read). */
#ifndef SK_GEOM_UNITS_H
#define SK_GEOM_UNITS_H

#define SK_COULOMB   138.9354576           /* kJ mol^-1 nm e^-2, GROMACS 2022 (CODATA 2018) */
#define SK_BOLTZMANN 0.0083144626181532403 /* kJ mol^-1 K^-1 */
#define SK_BAR       16.605390671738466    /* bar per kJ mol^-1 nm^-3 */

enum sk_unit_system { SK_UNITS_GROMACS, SK_UNITS_LJ };

/* What the run's unit system means by its constants. */
struct sk_units {
    enum sk_unit_system system;
    double coulomb;   /* energy x length / charge^2 */
    double boltzmann; /* energy / temperature */
    double pressure;  /* reported pressure per energy / length^3 */
    int quantum_bits; /* kernel grid quantum is 2^-quantum_bits length units */
};

static inline struct sk_units sk_units_of(enum sk_unit_system system)
{
    struct sk_units gromacs = {SK_UNITS_GROMACS, SK_COULOMB, SK_BOLTZMANN, SK_BAR, 26};
    struct sk_units lj = {SK_UNITS_LJ, 1.0, 1.0, 1.0, 25};
    return system == SK_UNITS_LJ ? lj : gromacs;
}

#endif
