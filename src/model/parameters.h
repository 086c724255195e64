/* Parameters: everything a run file can say, after parsing, in the run's own units.
 * A plain struct without pointers, so that it is broadcast as bytes. The table that names the keys,
 * their types, ranges, defaults and help is in read/keys.c. Not here: derived quantities. */
#ifndef SK_MODEL_PARAMETERS_H
#define SK_MODEL_PARAMETERS_H

#include <stdbool.h>
#include <stdint.h>

#include "geom/units.h"
#include "model/topology.h"

#define SK_PATH_MAX   1024
#define SK_TEXT_MAX   2048
#define SK_STYLE_MAX  128
#define SK_GROUPS_MAX 16

enum sk_integrator { SK_LEAP_FROG, SK_VELOCITY_VERLET, SK_STEEPEST_DESCENT, SK_FIRE };
static inline bool sk_is_minimizer(enum sk_integrator integrator)
{
    return integrator == SK_STEEPEST_DESCENT || integrator == SK_FIRE;
}
enum sk_velocity_time { SK_VELOCITY_AUTO, SK_VELOCITY_HALF_STEP_BACK, SK_VELOCITY_ON_STEP };
enum sk_velocities { SK_VELOCITIES_FILE, SK_VELOCITIES_MAXWELL };
enum sk_curve { SK_CURVE_HILBERT, SK_CURVE_MORTON, SK_CURVE_KD, SK_CURVE_POWER, SK_CURVE_AUTO };
enum sk_transport { SK_TRANSPORT_AUTO, SK_TRANSPORT_MPI, SK_TRANSPORT_RING };
enum sk_rebalance { SK_REBALANCE_AUTO, SK_REBALANCE_OFF, SK_REBALANCE_ALWAYS };
enum sk_layout { SK_LAYOUT_AUTO, SK_LAYOUT_SLAB, SK_LAYOUT_PENCIL };
enum sk_coulomb { SK_COULOMB_NONE, SK_COULOMB_CUT, SK_COULOMB_REACTION_FIELD, SK_COULOMB_PME };
/* The switches are of Lennard-Jones only. */
enum sk_modifier {
    SK_MODIFIER_POTENTIAL_SHIFT,
    SK_MODIFIER_NONE,
    SK_MODIFIER_FORCE_SWITCH,
    SK_MODIFIER_POTENTIAL_SWITCH,
    SK_MODIFIER_CHARMM_SWITCH
};
enum sk_dispersion { SK_DISPERSION_NONE, SK_DISPERSION_ENERGY, SK_DISPERSION_ENERGY_PRESSURE };
enum sk_mixing { SK_MIXING_AUTO, SK_MIXING_LORENTZ_BERTHELOT, SK_MIXING_GEOMETRIC }; /* auto: by the pair style */
enum sk_bonds { SK_BONDS_NONE, SK_BONDS_H_BONDS, SK_BONDS_ALL, SK_BONDS_H_ANGLES };
enum sk_family { SK_FAMILY_BOND, SK_FAMILY_ANGLE, SK_FAMILY_DIHEDRAL, SK_FAMILY_IMPROPER, SK_FAMILIES };
enum sk_solver { SK_SOLVER_FRAGMENTS, SK_SOLVER_SHAKE };
enum sk_thermostat { SK_THERMOSTAT_NONE, SK_THERMOSTAT_V_RESCALE, SK_THERMOSTAT_LANGEVIN };
enum sk_barostat { SK_BAROSTAT_NONE, SK_BAROSTAT_C_RESCALE, SK_BAROSTAT_BERENDSEN };
enum sk_coupling { SK_COUPLING_ISOTROPIC, SK_COUPLING_SEMI_ISOTROPIC, SK_COUPLING_ANISOTROPIC };

/* Names that the run file gives to texts of its own, in its order. */
struct sk_definitions {
    int n;
    struct {
        char name[SK_NAME_MAX], text[SK_TEXT_MAX];
    } of[SK_GROUPS_MAX];
};

struct sk_parameters {
    enum sk_unit_system units;
    struct {
        char structure[SK_PATH_MAX], topology[SK_PATH_MAX]; /* absolute or relative to the run file, resolved */
        char define[SK_TEXT_MAX], include_path[SK_TEXT_MAX];
        char restraint_reference[SK_PATH_MAX]; /* empty: structure */
        char data[SK_PATH_MAX];
        char start[SK_PATH_MAX]; /* a checkpoint whose atoms are to be used; empty: those of the file */
        bool is_real;            /* the data file is in LAMMPS real units (converted on reading) */
        int replicate[3];
        enum sk_velocities velocities;
        double maxwell; /* K or reduced */
    } system;
    struct sk_definitions groups; /* selections of atoms (read/selection.h) */
    struct {
        enum sk_integrator integrator;
        enum sk_velocity_time velocity_time; /* resolved: never AUTO after parsing */
        double dt;
        int64_t steps;
        uint64_t seed;
        int64_t remove_com_every;             /* 0: never */
        double force_tolerance, initial_step; /* of minimizers, else 0 */
        char freeze[SK_TEXT_MAX];             /* groups whose atoms do not move */
        char freeze_axes[8];                  /* along which they do not: words x, y, z */
    } run;
    struct {
        enum sk_curve curve;
        enum sk_rebalance rebalance;
        enum sk_transport transport;
        enum sk_layout mesh_layout;
        char kernel[32]; /* "auto" or a variant's name; "a,b" gives rank r the entry r modulo count */
    } domain;
    struct {
        char pair_style[SK_STYLE_MAX], pair_modify[SK_STYLE_MAX]; /* data file: as in a LAMMPS script */
        char pair_coeff[SK_TEXT_MAX];                             /* "I J EPS SIGMA; ..." for one without them */
        enum sk_mixing mixing;                                    /* LAMMPS pairs not given explicitly */
        double buffer;                                            /* list radius minus cutoff; 0: auto */
        double vdw_cutoff, coulomb_cutoff;
        enum sk_modifier vdw_modifier, coulomb_modifier;
        double vdw_switch; /* where a switch begins; 0 without one */
        enum sk_dispersion dispersion;
        enum sk_coulomb coulomb;
        double epsilon_rf;          /* 0: conductor */
        double coulomb_error;       /* bound of the rms force error of an Ewald sum; 0: by the next two */
        double ewald_rtol;          /* erfc(beta coulomb_cutoff) */
        double mesh_spacing;        /* largest, if mesh is 0 0 0 */
        int mesh[3];                /* points of the Ewald mesh */
        int64_t mesh_order;         /* of its splines */
        double special_bonds[2][3]; /* data file: weights of Lennard-Jones and Coulomb, one, two, three bonds apart */
    } nonbonded;
    struct {
        char style[SK_FAMILIES][SK_STYLE_MAX]; /* data file that does not name them: as in a LAMMPS script */
        char coeff[SK_FAMILIES][SK_TEXT_MAX];  /* "TYPE VALUES; ..." for one without them */
    } bonded;
    struct {
        enum sk_bonds bonds;
        enum sk_solver solver;
        double tolerance; /* relative bond length */
        int64_t max_rounds;
        bool split_clusters;
        char bond_types[SK_TEXT_MAX];   /* data file: types of rigid bonds */
        char angle_types[SK_TEXT_MAX];  /* and of rigid angles */
        char bond_lengths[SK_TEXT_MAX]; /* data file without lengths: one for each bond type, in its units */
    } constraints;
    struct {
        enum sk_thermostat thermostat;
        double target, tau;
        char groups[SK_TEXT_MAX];                                     /* coupled apart; empty: all atoms together */
        double group_target[SK_GROUPS_MAX], group_tau[SK_GROUPS_MAX]; /* of these groups; the others 0 */
        int64_t couple_every;
    } temperature;
    struct {
        enum sk_barostat barostat;
        enum sk_coupling coupling;
        double target, tau, compressibility;
    } pressure;
    struct {
        char trajectory[SK_PATH_MAX]; /* empty: none */
        int64_t trajectory_every;
        bool positions, velocities, forces;
        int64_t energy_every;
        char energy_groups[SK_TEXT_MAX];   /* between which energies are told apart; empty: not at all */
        char checkpoint[SK_PATH_MAX];      /* default: run file's stem + .ckpt.h5 */
        int64_t checkpoint_every;          /* 0: only at the end or when stopped */
        int64_t hash_every;                /* 0: only at the end */
        char final_structure[SK_PATH_MAX]; /* empty: none */
    } output;
};

#endif
