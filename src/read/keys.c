#include "read/keys.h"

#include <stdio.h>
#include <string.h>

static const struct sk_choice units_choices[] = {{"lj", 0, true}, {"real", 1, true}, {0}};
static const struct sk_choice velocities_choices[] = {
    {"file", SK_VELOCITIES_FILE, true}, {"maxwell", SK_VELOCITIES_MAXWELL, true}, {0}};
static const struct sk_choice integrator_choices[] = {{"leap-frog", SK_LEAP_FROG, true},
                                                      {"velocity-verlet", SK_VELOCITY_VERLET, true},
                                                      {"steepest-descent", SK_STEEPEST_DESCENT, true},
                                                      {"fire", SK_FIRE, true},
                                                      {0}};
static const struct sk_choice velocity_time_choices[] = {
    {"half-step-back", SK_VELOCITY_HALF_STEP_BACK, true}, {"on-step", SK_VELOCITY_ON_STEP, true}, {0}};
static const struct sk_choice curve_choices[] = {{"hilbert", SK_CURVE_HILBERT, true}, {"morton", SK_CURVE_MORTON, true},
                                                 {"kd", SK_CURVE_KD, true},           {"power", SK_CURVE_POWER, true},
                                                 {"auto", SK_CURVE_AUTO, true},       {0}};
static const struct sk_choice rebalance_choices[] = {
    {"auto", SK_REBALANCE_AUTO, true}, {"off", SK_REBALANCE_OFF, true}, {"always", SK_REBALANCE_ALWAYS, true}, {0}};
static const struct sk_choice transport_choices[] = {
    {"auto", SK_TRANSPORT_AUTO, true}, {"mpi", SK_TRANSPORT_MPI, true}, {"ring", SK_TRANSPORT_RING, true}, {0}};
static const struct sk_choice layout_choices[] = {
    {"auto", SK_LAYOUT_AUTO, true}, {"slab", SK_LAYOUT_SLAB, true}, {"pencil", SK_LAYOUT_PENCIL, true}, {0}};
static const struct sk_choice mixing_choices[] = {{"auto", SK_MIXING_AUTO, true},
                                                  {"geometric", SK_MIXING_GEOMETRIC, true},
                                                  {"lorentz-berthelot", SK_MIXING_LORENTZ_BERTHELOT, true},
                                                  {0}};
static const struct sk_choice vdw_modifier_choices[] = {
    {"potential-shift", SK_MODIFIER_POTENTIAL_SHIFT, true}, {"none", SK_MODIFIER_NONE, true},
    {"force-switch", SK_MODIFIER_FORCE_SWITCH, true},       {"potential-switch", SK_MODIFIER_POTENTIAL_SWITCH, true},
    {"charmm-switch", SK_MODIFIER_CHARMM_SWITCH, true},     {0}};
static const struct sk_choice coulomb_modifier_choices[] = {
    {"potential-shift", SK_MODIFIER_POTENTIAL_SHIFT, true}, {"none", SK_MODIFIER_NONE, true}, {0}};
static const struct sk_choice dispersion_choices[] = {{"none", SK_DISPERSION_NONE, true},
                                                      {"energy", SK_DISPERSION_ENERGY, true},
                                                      {"energy-pressure", SK_DISPERSION_ENERGY_PRESSURE, true},
                                                      {0}};
static const struct sk_choice coulomb_choices[] = {{"none", SK_COULOMB_NONE, true},
                                                   {"cut", SK_COULOMB_CUT, true},
                                                   {"reaction-field", SK_COULOMB_REACTION_FIELD, true},
                                                   {"pme", SK_COULOMB_PME, true},
                                                   {"esp", 0, false},
                                                   {0}};
static const struct sk_choice bonds_choices[] = {{"none", SK_BONDS_NONE, true},
                                                 {"h-bonds", SK_BONDS_H_BONDS, true},
                                                 {"all-bonds", SK_BONDS_ALL, true},
                                                 {"h-angles", SK_BONDS_H_ANGLES, true},
                                                 {0}};
static const struct sk_choice solver_choices[] = {
    {"fragments", SK_SOLVER_FRAGMENTS, true}, {"shake", SK_SOLVER_SHAKE, true}, {0}};
static const struct sk_choice thermostat_choices[] = {{"none", SK_THERMOSTAT_NONE, true},
                                                      {"v-rescale", SK_THERMOSTAT_V_RESCALE, true},
                                                      {"langevin", SK_THERMOSTAT_LANGEVIN, true},
                                                      {0}};
static const struct sk_choice barostat_choices[] = {{"none", SK_BAROSTAT_NONE, true},
                                                    {"c-rescale", SK_BAROSTAT_C_RESCALE, true},
                                                    {"berendsen", SK_BAROSTAT_BERENDSEN, true},
                                                    {0}};
static const struct sk_choice coupling_choices[] = {{"isotropic", SK_COUPLING_ISOTROPIC, true},
                                                    {"semi-isotropic", SK_COUPLING_SEMI_ISOTROPIC, true},
                                                    {"anisotropic", SK_COUPLING_ANISOTROPIC, true},
                                                    {0}};

#define FIELD(member) \
    .offset = offsetof(struct sk_parameters, member), .size = sizeof((struct sk_parameters *)0)->member
#define NOWHERE                  .offset = SK_KEY_NOWHERE
#define KEY(SECTION, NAME, TYPE) .section = SECTION, .name = NAME, .plain = NAME, .type = SK_KEY_##TYPE
/* A key whose name carries its unit: the plain form is the name without it. */
#define UNIT_KEY(SECTION, PLAIN, UNIT, TYPE) \
    .section = SECTION, .name = PLAIN "_" UNIT, .plain = PLAIN, .type = SK_KEY_##TYPE
/* Lines of a LAMMPS script. */
#define COEFF SK_KEY_DATA_ONLY | SK_KEY_SEMICOLON | SK_KEY_REPEATED
#define STYLE(SECTION, NAME, FAMILY)                                                              \
    KEY(SECTION, NAME, TEXT), .flags = SK_KEY_DATA_ONLY, FIELD(bonded.style[SK_FAMILY_##FAMILY]), \
                              .rule = "the data file's"
#define COEFFS(SECTION, NAME, FAMILY) \
    KEY(SECTION, NAME, TEXT), .flags = COEFF, FIELD(bonded.coeff[SK_FAMILY_##FAMILY]), .rule = "nothing"
#define COUNT_MOST 0x1p62

static const struct sk_key table[] = {
#define S "system"
    {KEY(S, "structure", PATH), .flags = SK_KEY_GROMACS_ONLY, FIELD(system.structure), .rule = "this or `data`",
     .help = "Coordinates and box, a GROMACS .gro file."},
    {KEY(S, "topology", PATH), .flags = SK_KEY_GROMACS_ONLY, FIELD(system.topology),
     .rule = "required with `structure`", .help = "Molecules and force field, a GROMACS .top file."},
    {KEY(S, "restraint_reference", PATH), .flags = SK_KEY_GROMACS_ONLY, FIELD(system.restraint_reference),
     .rule = "`structure`",
     .help =
         "Where position restraints hold atoms, a `.gro` file of the same atoms. Places count as fractions of its box: "
         "they move with the box of the run."},
    {KEY(S, "define", TEXT), .flags = SK_KEY_GROMACS_ONLY, FIELD(system.define), .rule = "nothing",
     .help = "Macros for the topology's preprocessor, separated by blanks: `-DNAME` or `-DNAME=VALUE`."},
    {KEY(S, "include_path", PATHS), .flags = SK_KEY_GROMACS_ONLY, FIELD(system.include_path), .rule = "nothing",
     .help = "Folders searched for `#include` files before those in the environment variable GMXLIB, separated by "
             "`:`."},
    {KEY(S, "data", PATH), .flags = SK_KEY_DATA_ONLY, FIELD(system.data), .rule = "this or `structure`",
     .help = "A LAMMPS data file: coordinates, box and force field in one."},
    {KEY(S, "units", CHOICE), .flags = SK_KEY_DATA_ONLY, NOWHERE, .rule = "required with `data`",
     .choices = units_choices,
     .help = "Units of the data file. `lj`: the run is in reduced units. `real`: the file is converted on reading, and "
             "the run, this file included, is in nm, ps, kJ/mol, K and bar."},
    {KEY(S, "replicate", TRIPLE), FIELD(system.replicate), .low = 1, .high = 1000, .fallback = "1x1x1",
     .help = "Copies of the box along x, y and z."},
    {KEY(S, "start", PATH), FIELD(system.start), .rule = "nothing",
     .help =
         "A checkpoint of the same molecules, of any integrator: its box, positions and velocities are taken instead "
         "of those of `structure` or `data`, and the run begins at step 0."},
    {KEY(S, "velocities", CHOICE), FIELD(system.velocities), .fallback = "file", .choices = velocities_choices,
     .help = "`file`: as read (zero where the file has none). `maxwell`: drawn at `maxwell_K` from `seed` and the "
             "atom's number."},
    {UNIT_KEY(S, "maxwell", "K", REAL), .flags = SK_KEY_ABOVE | SK_KEY_ZERO_UNSET, FIELD(system.maxwell), .low = 0,
     .high = 1e9, .rule = "required with `velocities = maxwell`", .unit = "K",
     .help = "Temperature of the drawn velocities."},
#undef S
#define S "groups"
    {KEY(S, "NAME", DEFINITIONS), FIELD(groups), .rule = "none is defined",
     .help = "Defines a group of atoms. The selection is a list of these, separated by commas: `molecule NAME ...` "
             "(molecule types), `residue NAME ...`, `atom NAME ...`, `type NAME ...` (atom types; in a data file their "
             "numbers), `id 1-100 205 ...` (numbers of atoms in the file, from 1; copies made by `replicate` belong to "
             "the atom they are copies of), `all`; or the word `rest` alone: the atoms in no other defined group."},
#undef S
#define S "run"
    {KEY(S, "integrator", CHOICE), FIELD(run.integrator), .fallback = "leap-frog", .choices = integrator_choices,
     .help = "How positions and velocities advance. `steepest-descent` and `fire` minimize the potential instead: they "
             "take no notice of time step, velocities, temperature and pressure ([minimize.md](minimize.md))."},
    {KEY(S, "velocity_time", CHOICE), FIELD(run.velocity_time),
     .rule = "`half-step-back` with leap-frog, `on-step` with velocity-verlet", .choices = velocity_time_choices,
     .help = "The time the starting velocities belong to: half a step before the positions, or the same."},
    {UNIT_KEY(S, "dt", "ps", REAL), .flags = SK_KEY_ABOVE | SK_KEY_ZERO_UNSET, FIELD(run.dt), .low = 0, .high = 1000,
     .rule = "required, but not used by minimizers", .unit = "ps", .help = "Length of a time step."},
    {KEY(S, "steps", INTEGER), FIELD(run.steps), .low = 0, .high = COUNT_MOST, .fallback = "0",
     .help = "The step to reach: a total, not an increment, also on `--resume`. `--steps N` sets it too. A minimizer "
             "that converges ends before."},
    {KEY(S, "seed", UNSIGNED), FIELD(run.seed), .low = 0, .high = 0x1p64, .fallback = "1",
     .help = "Seed of all random numbers: velocities, thermostat, barostat. Any 64-bit number."},
    {KEY(S, "remove_com_every", INTEGER), FIELD(run.remove_com_every), .low = 0, .high = COUNT_MOST,
     .rule = "100; 0 with `thermostat = langevin` or `freeze`", .unit = "steps",
     .help = "How often the motion of the centre of mass is removed; 0: never."},
    {UNIT_KEY(S, "force_tolerance", "kJ_per_mol_per_nm", REAL), .flags = SK_KEY_ABOVE | SK_KEY_ZERO_UNSET,
     FIELD(run.force_tolerance), .low = 0, .high = 1e9, .rule = "100; 1 in reduced units; minimizers only",
     .unit = "kJ/mol/nm", .help = "A minimizer has converged when no force on an atom is larger."},
    {UNIT_KEY(S, "initial_step", "nm", REAL), .flags = SK_KEY_ABOVE | SK_KEY_ZERO_UNSET, FIELD(run.initial_step),
     .low = 0, .high = 1, .rule = "0.01; minimizers only", .unit = "nm",
     .help = "The longest displacement of an atom in the first step of a minimizer. Steepest descent then adapts it; "
             "no step of `fire` is longer than three times that."},
    {KEY(S, "freeze", TEXT), FIELD(run.freeze), .rule = "nothing",
     .help = "Groups, separated by blanks, whose atoms do not move. They have no velocity and no degrees of freedom; "
             "forces on them are computed; with a barostat they keep their fractions of the box edges."},
    {KEY(S, "freeze_axes", TEXT), FIELD(run.freeze_axes), .fallback = "x y z",
     .help = "The axes along which they do not move."},
#undef S
#define S "domain"
    {KEY(S, "curve", CHOICE), FIELD(domain.curve), .fallback = "hilbert", .choices = curve_choices,
     .help = "How cells are shared out: lengths of a curve, planned planes (kd), a power diagram (for unevenly filled "
             "boxes), or "
             "the one of them with the fewest ghosts. Results do not depend on it."},
    {KEY(S, "rebalance", CHOICE), FIELD(domain.rebalance), .fallback = "auto", .choices = rebalance_choices,
     .help = "When cells are shared out anew: if it is predicted to pay, never, or at every rebuild. Results do not "
             "depend on it."},
    {KEY(S, "transport", CHOICE), FIELD(domain.transport), .fallback = "auto", .choices = transport_choices,
     .help = "How neighbours exchange messages. Results do not depend on it."},
    {KEY(S, "mesh_layout", CHOICE), FIELD(domain.mesh_layout), .fallback = "auto", .choices = layout_choices,
     .help = "How processes share the Ewald mesh: in slabs or in pencils; `auto`: in slabs while each has four planes. "
             "Results do not depend on it."},
    {KEY(S, "kernel", TEXT), FIELD(domain.kernel), .fallback = "auto",
     .help = "Variant of the pair kernel: `auto` (the widest that all processes can run) or a name; `a,b` gives "
             "process r entry r modulo 2. Results do not depend on it."},
#undef S
#define S "nonbonded"
    {KEY(S, "pair_style", TEXT), .flags = SK_KEY_DATA_ONLY, FIELD(nonbonded.pair_style),
     .rule = "the comment behind `Pair Coeffs`",
     .help =
         "`lj/cut RC`, `lj/cut/coul/cut RC [RCOUL]`, `lj/cut/coul/long RC [RCOUL]`, `lj/charmm/coul/long RIN RC "
         "[RCOUL]`, as in a LAMMPS script: cutoffs (in the data file's units), `vdw_modifier` and `coulomb` follow. "
         "Without numbers (and for `lj/charmm/coul/charmm`) only what pair coefficients mean."},
    {KEY(S, "pair_modify", TEXT), .flags = SK_KEY_DATA_ONLY, FIELD(nonbonded.pair_modify), .rule = "nothing",
     .help = "`shift yes` or `no`, `mix geometric` or `arithmetic`, as in a LAMMPS script: `vdw_modifier` and `mixing` "
             "follow."},
    {KEY(S, "pair_coeff", TEXT), .flags = COEFF, FIELD(nonbonded.pair_coeff), .rule = "nothing",
     .help =
         "`I J EPS SIGMA; I J EPS SIGMA; ...` in the data file's units, besides or instead of the data file's; I and J "
         "are types or ranges of types (`*`, `2*4`). In this key `;` separates pairs and starts no comment; it may be "
         "given in several lines."},
    {KEY(S, "mixing", CHOICE), .flags = SK_KEY_DATA_ONLY, FIELD(nonbonded.mixing), .fallback = "auto",
     .choices = mixing_choices,
     .help = "How pairs of unlike types that the data file does not list are made; `auto` is what LAMMPS does unless "
             "told otherwise: `lorentz-berthelot` with `lj/charmm`, else `geometric`. (A topology brings its own "
             "rule.)"},
    {UNIT_KEY(S, "buffer", "nm", REAL), .flags = SK_KEY_ABOVE, FIELD(nonbonded.buffer), .low = 0, .high = 1000,
     .fallback = "auto", .word = "auto", .unit = "nm",
     .help = "How far the pair list reaches beyond the cutoff. Results do not depend on it, only speed."},
    {UNIT_KEY(S, "cutoff", "nm", REAL), .flags = SK_KEY_ABOVE | SK_KEY_UNWRITTEN, FIELD(nonbonded.vdw_cutoff), .low = 0,
     .high = 1000, .rule = "required, or the next two", .unit = "nm",
     .help = "Cutoff of both Lennard-Jones and Coulomb interactions."},
    {UNIT_KEY(S, "vdw_cutoff", "nm", REAL), .flags = SK_KEY_ABOVE, FIELD(nonbonded.vdw_cutoff), .low = 0, .high = 1000,
     .rule = "`cutoff_nm`", .unit = "nm", .help = "Cutoff of the Lennard-Jones interaction."},
    {UNIT_KEY(S, "coulomb_cutoff", "nm", REAL), .flags = SK_KEY_ABOVE, FIELD(nonbonded.coulomb_cutoff), .low = 0,
     .high = 1000, .rule = "`cutoff_nm`; with `coulomb = none` the other cutoff", .unit = "nm",
     .help = "Cutoff of the Coulomb interaction."},
    {KEY(S, "vdw_modifier", CHOICE), FIELD(nonbonded.vdw_modifier), .fallback = "potential-shift",
     .choices = vdw_modifier_choices,
     .help = "What is done to Lennard-Jones at the cutoff: shifted to zero energy, cut as it is, or brought to zero "
             "smoothly from `vdw_switch_nm` on: the force by a polynomial (as GROMACS does), the potential by one of "
             "the distance (GROMACS) or of its square (LAMMPS `lj/charmm`). 1-4 pairs are never modified."},
    {UNIT_KEY(S, "vdw_switch", "nm", REAL), .flags = SK_KEY_ABOVE | SK_KEY_ZERO_UNSET, FIELD(nonbonded.vdw_switch),
     .low = 0, .high = 1000, .rule = "required with a switch", .unit = "nm",
     .help = "Where a switched potential begins to differ; less than the Lennard-Jones cutoff."},
    {KEY(S, "dispersion_correction", CHOICE), FIELD(nonbonded.dispersion), .fallback = "none",
     .choices = dispersion_choices,
     .help = "Long-range correction for the Lennard-Jones attraction beyond the cutoff, for homogeneous systems."},
    {KEY(S, "coulomb", CHOICE), FIELD(nonbonded.coulomb), .rule = "required; `none` in reduced units",
     .choices = coulomb_choices,
     .help = "Electrostatics: none at all, plain cutoff, reaction field, or particle-mesh Ewald."},
    {KEY(S, "coulomb_modifier", CHOICE), FIELD(nonbonded.coulomb_modifier), .fallback = "potential-shift",
     .choices = coulomb_modifier_choices,
     .help = "For `coulomb = cut` and the direct part of `pme`: shifted to zero energy at the cutoff, or not."},
    {KEY(S, "epsilon_rf", REAL), FIELD(nonbonded.epsilon_rf), .low = 0, .high = 1e9, .fallback = "0",
     .help = "Relative permittivity beyond the cutoff, for the reaction field: 0 means a conductor, else at least 1."},
    {KEY(S, "special_bonds", WEIGHTS), .flags = SK_KEY_DATA_ONLY, FIELD(nonbonded.special_bonds), .fallback = "0 0 0",
     .help =
         "Weights of the interaction of atoms that are one, two and three bonds apart, as in a LAMMPS script, which "
         "has this default, too: `lj/coul A B C`, `lj A B C`, `coul A B C`, `fene`, `amber`, `charmm`, `dreiding`; "
         "three numbers alone are both. (A topology brings its own rule.)"},
    {UNIT_KEY(S, "coulomb_force_error", "kJ_per_mol_per_nm", REAL), .flags = SK_KEY_ABOVE | SK_KEY_ZERO_UNSET,
     FIELD(nonbonded.coulomb_error), .low = 0, .high = 1e6, .rule = "by the next two", .unit = "kJ/mol/nm",
     .help = "For `coulomb = pme`: the rms error of Coulomb forces that the splitting and the mesh are chosen for, as "
             "estimated for charges at random places (in water it is several times less)."},
    {KEY(S, "ewald_rtol", REAL), FIELD(nonbonded.ewald_rtol), .low = 1e-14, .high = 0.1, .fallback = "1e-5",
     .help =
         "For `coulomb = pme`: what is left of the direct Coulomb energy at the cutoff; it sets how the interaction "
         "is split between pairs and mesh."},
    {UNIT_KEY(S, "mesh_spacing", "nm", REAL), .flags = SK_KEY_ABOVE, FIELD(nonbonded.mesh_spacing), .low = 0,
     .high = 10, .fallback = "0.12", .unit = "nm",
     .help = "For `coulomb = pme`: largest spacing of the charge mesh. Numbers of points are those that GROMACS "
             "takes."},
    {KEY(S, "mesh", TRIPLE), FIELD(nonbonded.mesh), .low = 4, .high = 4096, .fallback = "auto", .word = "auto",
     .help = "For `coulomb = pme`: points of the charge mesh along the three box vectors, without prime factors above "
             "13; `auto`: from `mesh_spacing`."},
    {KEY(S, "mesh_order", INTEGER), FIELD(nonbonded.mesh_order), .low = 4, .high = 6, .fallback = "4",
     .help = "For `coulomb = pme`: order of the splines that spread charges: 4 (cubic) to 6."},
#undef S
#define S "bonded"
    {STYLE(S, "bond_style", BOND), .help = "`harmonic` or `fene`, for a data file whose `Bond Coeffs` do not name it."},
    {COEFFS(S, "bond_coeff", BOND),
     .help =
         "`TYPE VALUES; TYPE VALUES; ...` as in a LAMMPS script, in the data file's units, besides or instead of its "
         "`Bond Coeffs`; TYPE is a type or a range. May be given in several lines, as all of these keys."},
    {STYLE(S, "angle_style", ANGLE), .help = "`harmonic` or `charmm`."},
    {COEFFS(S, "angle_coeff", ANGLE), .help = "As `bond_coeff`."},
    {STYLE(S, "dihedral_style", DIHEDRAL), .help = "`charmm`, `harmonic`, `opls` or `multi/harmonic`."},
    {COEFFS(S, "dihedral_coeff", DIHEDRAL), .help = "As `bond_coeff`."},
    {STYLE(S, "improper_style", IMPROPER), .help = "`harmonic` or `cvff`."},
    {COEFFS(S, "improper_coeff", IMPROPER), .help = "As `bond_coeff`."},
#undef S
#define S "constraints"
    {KEY(S, "bonds", CHOICE), FIELD(constraints.bonds), .fallback = "none", .choices = bonds_choices,
     .help = "Which bonds are rigid: none; those to hydrogen (atom names that start with H; with a data file in real "
             "units, masses up to 1.1); all; all, and the angles H-X-H and H-O-X too. What `[ settles ]` and "
             "`[ constraints ]` of a topology name is rigid anyway."},
    {KEY(S, "bond_types", TEXT), .flags = SK_KEY_DATA_ONLY, FIELD(constraints.bond_types), .rule = "nothing",
     .help = "Bond types of the data file, separated by blanks, that are rigid besides those of `bonds`."},
    {KEY(S, "angle_types", TEXT), .flags = SK_KEY_DATA_ONLY, FIELD(constraints.angle_types), .rule = "nothing",
     .help = "Angle types of the data file, separated by blanks, that are rigid: the distance of their outer atoms, "
             "between two rigid bonds. Water, say. (`bond_types` and this are `b` and `a` of LAMMPS' fix shake.)"},
    {KEY(S, "bond_lengths", TEXT), .flags = SK_KEY_DATA_ONLY, FIELD(constraints.bond_lengths), .rule = "nothing",
     .help = "One length for each bond type, separated by blanks, in the data file's units, for a data file that does "
             "not say them in a section `Bond Coeffs # harmonic`."},
    {KEY(S, "solver", CHOICE), FIELD(constraints.solver), .fallback = "fragments", .choices = solver_choices,
     .help = "How constrained bonds are solved (rigid water has its own closed form)."},
    {KEY(S, "tolerance", REAL), FIELD(constraints.tolerance), .low = 1e-13, .high = 1e-3, .fallback = "1e-10",
     .help = "Largest relative error of a constrained length. Rigid water always reaches the default, at no extra "
             "cost."},
    {KEY(S, "max_rounds", INTEGER), FIELD(constraints.max_rounds), .low = 1, .high = 1e6, .fallback = "50",
     .help = "Message rounds before a constraint failure is reported."},
    {KEY(S, "split_clusters", BOOLEAN), FIELD(constraints.split_clusters), .fallback = "off",
     .help = "Whether constrained clusters of up to 5 atoms, too, may be spread over processes. Results do not depend "
             "on it."},
#undef S
#define S "temperature"
    {KEY(S, "thermostat", CHOICE), FIELD(temperature.thermostat), .fallback = "none", .choices = thermostat_choices,
     .help = "`v-rescale`: stochastic velocity rescaling. `langevin`: friction and noise on every atom."},
    {UNIT_KEY(S, "target", "K", REAL), .flags = SK_KEY_ABOVE | SK_KEY_ZERO_UNSET, FIELD(temperature.target), .low = 0,
     .high = 1e9, .rule = "required with a thermostat and with `barostat = c-rescale`", .unit = "K",
     .help = "Temperature of the bath."},
    {UNIT_KEY(S, "tau", "ps", REAL), .flags = SK_KEY_ABOVE | SK_KEY_ZERO_UNSET, FIELD(temperature.tau), .low = 0,
     .high = 1e9, .rule = "required with a thermostat", .unit = "ps",
     .help = "Coupling time; with `langevin` the inverse friction."},
    {KEY(S, "groups", TEXT), FIELD(temperature.groups), .rule = "all atoms together",
     .help = "Groups that are coupled apart and whose temperatures are reported: names from [groups], separated by "
             "blanks, and `rest` for the atoms in none of the others. Every atom must be in exactly one."},
    {UNIT_KEY(S, "group_target", "K", REALS), .flags = SK_KEY_ABOVE | SK_KEY_ZERO_UNSET,
     FIELD(temperature.group_target), .low = 0, .high = 1e9, .rule = "`target_K` for each", .unit = "K",
     .help = "Temperatures of the baths of `groups`, in their order; `target_K` is then that of the barostat's noise."},
    {UNIT_KEY(S, "group_tau", "ps", REALS), .flags = SK_KEY_ABOVE | SK_KEY_ZERO_UNSET, FIELD(temperature.group_tau),
     .low = 0, .high = 1e9, .rule = "`tau_ps` for each", .unit = "ps",
     .help = "Coupling times of `groups`, in their order."},
    {KEY(S, "couple_every", INTEGER), FIELD(temperature.couple_every), .low = 1, .high = 1e9, .fallback = "10",
     .unit = "steps", .help = "How often `v-rescale` and the barostat act."},
#undef S
#define S "pressure"
    {KEY(S, "barostat", CHOICE), FIELD(pressure.barostat), .fallback = "none", .choices = barostat_choices,
     .help = "`c-rescale`: stochastic cell rescaling, which samples NPT. `berendsen`: relaxation only."},
    {KEY(S, "coupling", CHOICE), FIELD(pressure.coupling), .fallback = "isotropic", .choices = coupling_choices,
     .help = "Which box edges change together: all, x with y, or none."},
    {UNIT_KEY(S, "target", "bar", REAL), FIELD(pressure.target), .low = -1e9, .high = 1e9,
     .rule = "required with a barostat", .unit = "bar", .help = "Pressure of the bath."},
    {UNIT_KEY(S, "tau", "ps", REAL), .flags = SK_KEY_ABOVE | SK_KEY_ZERO_UNSET, FIELD(pressure.tau), .low = 0,
     .high = 1e9, .rule = "required with a barostat", .unit = "ps", .help = "Time of relaxation."},
    {UNIT_KEY(S, "compressibility", "per_bar", REAL), .flags = SK_KEY_ABOVE | SK_KEY_ZERO_UNSET,
     FIELD(pressure.compressibility), .low = 0, .high = 1e9,
     .rule = "4.5e-5 (water); required with a barostat in reduced units", .unit = "1/bar",
     .help = "Isothermal compressibility that the barostat assumes."},
#undef S
#define S "output"
    {KEY(S, "trajectory", PATH), FIELD(output.trajectory), .rule = "none is written",
     .help = "H5MD trajectory; the name ends in .h5md."},
    {KEY(S, "trajectory_every", INTEGER), FIELD(output.trajectory_every), .low = 0, .high = COUNT_MOST,
     .rule = "1000 with `trajectory`", .unit = "steps", .help = "Steps between frames."},
    {KEY(S, "positions", BOOLEAN), FIELD(output.positions), .fallback = "on", .help = "Positions in each frame."},
    {KEY(S, "velocities", BOOLEAN), FIELD(output.velocities), .fallback = "off", .help = "Velocities in each frame."},
    {KEY(S, "forces", BOOLEAN), FIELD(output.forces), .fallback = "off", .help = "Forces in each frame."},
    {KEY(S, "energy_every", INTEGER), FIELD(output.energy_every), .low = 0, .high = COUNT_MOST, .fallback = "100",
     .unit = "steps", .help = "Steps between lines of energies in the log; 0: at the start and the end only."},
    {KEY(S, "energy_groups", TEXT), FIELD(output.energy_groups), .rule = "none",
     .help = "Groups for every pair of which the Lennard-Jones, direct Coulomb and 1-4 energies are reported, in the "
             "JSON log and by `skein energy`: names from [groups], separated by blanks, and `rest` for the atoms in "
             "none of the others. Every atom must be in exactly one."},
    {KEY(S, "checkpoint", PATH), FIELD(output.checkpoint), .rule = "the run file's name with .ckpt.h5 for its suffix",
     .help = "Checkpoint file, written beside and renamed."},
    {KEY(S, "checkpoint_every", INTEGER), FIELD(output.checkpoint_every), .low = 0, .high = COUNT_MOST,
     .fallback = "10000", .unit = "steps",
     .help = "Steps between checkpoints; 0: only at the end or when the run is stopped."},
    {KEY(S, "hash_every", INTEGER), FIELD(output.hash_every), .low = 0, .high = COUNT_MOST, .fallback = "0",
     .unit = "steps", .help = "Steps between state hashes in the log; 0: at the end only."},
    {KEY(S, "final_structure", PATH), FIELD(output.final_structure), .rule = "none is written",
     .help = "Positions, velocities and box at the end of the run as a .gro file (not in reduced units)."},
#undef S
};

const struct sk_key *sk_key_table(int *count)
{
    *count = (int)(sizeof table / sizeof *table);
    return table;
}

const struct sk_key *sk_key_find(const char *section, const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].section, section) == 0 &&
            (strcmp(table[i].name, name) == 0 || strcmp(table[i].plain, name) == 0 ||
             table[i].type == SK_KEY_DEFINITIONS))
            return &table[i];
    return NULL;
}

bool sk_key_has_section(const char *section)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].section, section) == 0)
            return true;
    return false;
}
