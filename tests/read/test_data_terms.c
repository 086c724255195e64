/* Bonded terms of LAMMPS data files: forms and constants against the formulas of the LAMMPS manual, templates, weights
 * of special_bonds, 1-4 pairs, rigid bonds and angles. tests/system/test_lammps.py compares energies with LAMMPS
 * itself. */
#include "data.h"

#include "read/lammps_internal.h"

#define DEGREE (M_PI / 180)
#define KCAL   4.184

/* ---- constants ---- */

/* The manual's formulas, in its units; x: distance, angle or dihedral in radians. */
static double lammps(const char *style, const double *v, double x)
{
    double sum = 0;
    if (strcmp(style, "bond harmonic") == 0)
        return v[0] * (x - v[1]) * (x - v[1]);
    if (strcmp(style, "bond fene") == 0) {
        double six = pow(v[3] / x, 6), wall = x < pow(2, 1.0 / 6) * v[3] ? 4 * v[2] * (six * six - six) + v[2] : 0;
        return -0.5 * v[0] * v[1] * v[1] * log(1 - x * x / (v[1] * v[1])) + wall;
    }
    if (strcmp(style, "angle harmonic") == 0 || strcmp(style, "improper harmonic") == 0)
        return v[0] * (fabs(x) - v[1] * DEGREE) * (fabs(x) - v[1] * DEGREE);
    if (strcmp(style, "angle charmm") == 0) { /* bonds of length 1: r = 2 sin(theta / 2) */
        double r = 2 * sin(x / 2);
        return v[0] * (x - v[1] * DEGREE) * (x - v[1] * DEGREE) + v[2] * (r - v[3]) * (r - v[3]);
    }
    if (strcmp(style, "dihedral charmm") == 0)
        return v[0] * (1 + cos(v[1] * x - v[2] * DEGREE));
    if (strcmp(style, "dihedral harmonic") == 0 || strcmp(style, "improper cvff") == 0)
        return v[0] * (1 + v[1] * cos(v[2] * x));
    if (strcmp(style, "dihedral opls") == 0)
        return 0.5 *
               (v[0] * (1 + cos(x)) + v[1] * (1 - cos(2 * x)) + v[2] * (1 + cos(3 * x)) + v[3] * (1 - cos(4 * x)));
    for (int n = 1; n <= 5; n++) /* multi/harmonic */
        sum += v[n - 1] * pow(cos(x), n - 1);
    return sum;
}

/* The formulas of model/bonded.h; lengths in nm, but for the distance of the ends of an angle: see above. */
static double skein(int form, const double *p, double x)
{
    double sum = 0, off = x - p[0];
    switch (form) {
    case SK_BOND_HARMONIC:
    case SK_ANGLE_HARMONIC: return 0.5 * p[1] * off * off;
    case SK_BOND_FENE: return -0.5 * p[1] * p[0] * p[0] * log(1 - x * x / (p[0] * p[0]));
    case SK_BOND_FENE_LJ: {
        double six = pow(p[3] / x, 6), wall = x < pow(2, 1.0 / 6) * p[3] ? 4 * p[2] * (six * six - six) + p[2] : 0;
        return -0.5 * p[1] * p[0] * p[0] * log(1 - x * x / (p[0] * p[0])) + wall;
    }
    case SK_ANGLE_UREY_BRADLEY: {
        double r = 0.1 * 2 * sin(x / 2);
        return 0.5 * p[1] * off * off + 0.5 * p[3] * (r - p[2]) * (r - p[2]);
    }
    case SK_DIHEDRAL_PERIODIC:
    case SK_IMPROPER_PERIODIC: return p[1] * (1 + cos(p[2] * x - p[0]));
    case SK_IMPROPER_HARMONIC: off -= 2 * M_PI * floor((off + M_PI) / (2 * M_PI)); return 0.5 * p[1] * off * off;
    case SK_DIHEDRAL_RYCKAERT:
        for (int n = 0; n < 6; n++)
            sum += p[n] * pow(-cos(x), n);
        return sum;
    }
    fail_msg("form %d", form);
    return 0;
}

/* Four atoms in a row, real units, with everything between them. */
#define ROW_HEAD                                                                                                   \
    "title\n\n4 atoms\n3 bonds\n2 angles\n1 dihedrals\n1 impropers\n1 atom types\n1 bond types\n1 angle types\n1 " \
    "dihedral types\n1 improper types\n" BOX                                                                       \
    "\nMasses\n\n1 12\n\nPair Coeffs # lj/charmm/coul/long\n\n1 0.1 3 0.2 2\n"
#define ROW                                                                                                       \
    "\nAtoms # full\n\n1 1 1 0.5 1 1 2\n2 1 1 -0.5 2 1 2\n3 1 1 -0.25 3 1 2\n4 1 1 0.25 4 1 2\n\nBonds\n\n1 1 1 " \
    "2\n2 1 2 3\n3 1 3 4\n\nAngles\n\n1 1 1 2 3\n2 1 4 3 2\n\nDihedrals\n\n1 1 4 3 2 1\n\nImpropers\n\n1 1 2 1 3 4\n"

static void real_row(void)
{
    parameters.units = SK_UNITS_GROMACS;
    parameters.system.is_real = true;
    parameters.nonbonded.mixing = SK_MIXING_AUTO;
    parameters.nonbonded.vdw_cutoff = parameters.nonbonded.coulomb_cutoff = 1;
    parameters.nonbonded.coulomb = SK_COULOMB_CUT;
    static const char *const coeffs[SK_FAMILIES] = {"1 300 1.5", "1 50 109.5", "1 0 1 0 0", "1 0 0"};
    static const char *const styles[SK_FAMILIES] = {"harmonic", "harmonic", "charmm", "harmonic"};
    for (int f = 0; f < SK_FAMILIES; f++) {
        strcpy(parameters.bonded.style[f], styles[f]);
        strcpy(parameters.bonded.coeff[f], coeffs[f]);
    }
}

static const struct sk_term *first_term(int form)
{
    for (int t = 0; t < top.moltypes[0].nterms; t++)
        if (top.moltypes[0].terms[t].form == form)
            return &top.moltypes[0].terms[t];
    return NULL;
}

static void constants_are_lammps_formulas(void **state)
{
    static const struct {
        enum sk_family family;
        const char *style;
        double v[5];
        int n, form;
    } cases[] = {
        {SK_FAMILY_BOND, "harmonic", {310, 1.53}, 2, SK_BOND_HARMONIC},
        {SK_FAMILY_BOND, "fene", {30, 15, 1.1, 8}, 4, SK_BOND_FENE_LJ},
        {SK_FAMILY_BOND, "fene", {30, 15, 0, 8}, 4, SK_BOND_FENE},
        {SK_FAMILY_ANGLE, "harmonic", {58.35, 112.7}, 2, SK_ANGLE_HARMONIC},
        {SK_FAMILY_ANGLE, "charmm", {33, 109.5, 30, 2.163}, 4, SK_ANGLE_UREY_BRADLEY},
        {SK_FAMILY_ANGLE, "charmm", {33, 109.5, 0, 0}, 4, SK_ANGLE_HARMONIC},
        {SK_FAMILY_DIHEDRAL, "charmm", {0.2, 3, 60, 0}, 4, SK_DIHEDRAL_PERIODIC},
        {SK_FAMILY_DIHEDRAL, "charmm", {-0.7, 1, -30, 0}, 4, SK_DIHEDRAL_PERIODIC},
        {SK_FAMILY_DIHEDRAL, "harmonic", {1.3, -1, 2}, 3, SK_DIHEDRAL_PERIODIC},
        {SK_FAMILY_DIHEDRAL, "opls", {1.74, -0.157, 0.279, 0.31}, 4, SK_DIHEDRAL_RYCKAERT},
        {SK_FAMILY_DIHEDRAL, "multi/harmonic", {1, 0.7, -0.4, 0.3, 0.2}, 5, SK_DIHEDRAL_RYCKAERT},
        {SK_FAMILY_IMPROPER, "harmonic", {20, 0}, 2, SK_IMPROPER_HARMONIC},
        {SK_FAMILY_IMPROPER, "harmonic", {20, 180}, 2, SK_IMPROPER_HARMONIC},
        {SK_FAMILY_IMPROPER, "cvff", {1.1, -1, 2}, 3, SK_IMPROPER_PERIODIC},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128] = "1", style[64];
        for (int k = 0; k < cases[i].n; k++)
            sprintf(text + strlen(text), " %.17g", cases[i].v[k]);
        real_row();
        snprintf(style, sizeof style, "%s %s", sk_data_families[cases[i].family].name, cases[i].style);
        strcpy(parameters.bonded.style[cases[i].family], cases[i].style);
        strcpy(parameters.bonded.coeff[cases[i].family], text);
        accept(ROW_HEAD ROW);
        const struct sk_term *term = first_term(cases[i].form);
        assert_non_null(term);
        bool is_bond = cases[i].family == SK_FAMILY_BOND;
        for (int k = 1; k < 12; k++) {
            double x = is_bond ? 1.2 * k : 0.25 * k * (cases[i].family > SK_FAMILY_ANGLE && k % 2 ? -1 : 1);
            double got = skein(term->form, ff.parameters[term->parameter].p, is_bond ? 0.1 * x : x);
            check_near(got, KCAL * lammps(style, cases[i].v, x), 1e-11, 1e-12);
        }
    }
}

/* ---- where styles and coefficients come from ---- */

#define BC "\nBond Coeffs # harmonic\n\n1 300 1.5\n"
#define AC "\nAngle Coeffs\n\n1 50 109.5\n"

static void say(enum sk_family family, const char *style, const char *coeff)
{
    strcpy(parameters.bonded.style[family], style);
    strcpy(parameters.bonded.coeff[family], coeff);
}

static void refuse_keys(const char *text, const char *message)
{
    struct sk_error err = {SK_OK, ""};
    assert_int_equal(read_path(files_write("a.data", text), &err), SK_EINPUT);
    assert_string_equal(err.message, message);
}

static void styles_come_from_file_or_keys(void **state)
{
    (void)state;
    real_row();
    say(SK_FAMILY_BOND, "", "");
    say(SK_FAMILY_ANGLE, "harmonic", "");
    accept(ROW_HEAD BC AC ROW);
    assert_int_equal(top.moltypes[0].nterms, 5);
    say(SK_FAMILY_BOND, "harmonic", "");
    say(SK_FAMILY_ANGLE, "harmonic/omp", "");
    accept(ROW_HEAD BC AC ROW);
    say(SK_FAMILY_BOND, "fene", "");
    refuse(ROW_HEAD BC AC ROW, ":25: bond style 'harmonic', but bonded.bond_style = fene");
    say(SK_FAMILY_BOND, "", "");
    say(SK_FAMILY_ANGLE, "", "");
    refuse(ROW_HEAD BC AC ROW,
           ":29: Angle Coeffs do not say their style; write it behind the section's name (Angle Coeffs "
           "# STYLE) or set bonded.angle_style: harmonic, charmm");
    refuse(ROW_HEAD "\nBond Coeffs # hybrid\n\n1 harmonic 300 1.5\n" ROW,
           ":25: bond style 'hybrid' is not supported; there are harmonic, fene");
    refuse(ROW_HEAD BC ROW, ":44: no coefficients for angle type 1; add a section Angle Coeffs # STYLE, or set "
                            "bonded.angle_style and bonded.angle_coeff");
    refuse(
        ROW_HEAD "\nBond Coeffs\n\n1 300 1.5\n" ROW,
        ":38: the bond of atoms 1 and 2 (type 1) is not rigid, but Bond Coeffs do not say their style; write it behind "
        "the section's name (Bond Coeffs # STYLE) or set bonded.bond_style");
    say(SK_FAMILY_ANGLE, "harmonic", "1 60 109.5"); /* the run file's come later, as in a script after read_data */
    accept(ROW_HEAD BC AC ROW);
    check_near(ff.parameters[first_term(SK_ANGLE_HARMONIC)->parameter].p[1], 120 * KCAL, 0, 1e-15);
    say(SK_FAMILY_BOND, "", "1 300 1.4"); /* the style is the data file's */
    accept(ROW_HEAD BC AC ROW);
    check_near(ff.parameters[first_term(SK_BOND_HARMONIC)->parameter].p[0], 0.14, 0, 1e-15);
    say(SK_FAMILY_BOND, "", "");
    say(SK_FAMILY_ANGLE, "", "1 50 109.5");
    refuse_keys(ROW_HEAD BC ROW, "bonded.angle_coeff needs bonded.angle_style: harmonic, charmm");
    say(SK_FAMILY_ANGLE, "cosine", "");
    refuse_keys(ROW_HEAD BC ROW, "bonded.angle_style: 'cosine' is not supported; there are harmonic, charmm");
    say(SK_FAMILY_ANGLE, "harmonic charmm", "");
    refuse_keys(ROW_HEAD BC ROW, "bonded.angle_style: 'harmonic charmm' is not supported; there are harmonic, charmm");
    say(SK_FAMILY_ANGLE, "harmonic", "1 50 109.5");
    say(SK_FAMILY_IMPROPER, "", "");
    refuse(ROW_HEAD BC ROW, ":53: no coefficients for improper type 1; add a section Improper Coeffs # STYLE, or set "
                            "bonded.improper_style and bonded.improper_coeff");
}

static void bad_coefficients_are_refused(void **state)
{
    static const struct {
        enum sk_family family;
        const char *style, *coeff, *message;
    } cases[] = {
        {SK_FAMILY_BOND, "harmonic", "1 300",
         "bond_coeff '1 300': expected a type from 1 to 1 or *, K and r0 (style "
         "harmonic)"},
        {SK_FAMILY_BOND, "harmonic", "2 300 1",
         "bond_coeff '2 300 1': expected a type from 1 to 1 or *, K and r0 (style "
         "harmonic)"},
        {SK_FAMILY_BOND, "harmonic", "* 300 -1", "bond_coeff '* 300 -1': r0 is negative"},
        {SK_FAMILY_BOND, "harmonic", "1 1e308 1", "bond_coeff '1 1e308 1': they give no finite number"},
        {SK_FAMILY_BOND, "fene", "1 30 0 1 1",
         "bond_coeff '1 30 0 1 1': R0 must be positive, epsilon and sigma not "
         "negative"},
        {SK_FAMILY_DIHEDRAL, "charmm", "1 1 1.5 0 0",
         "dihedral_coeff '1 1 1.5 0 0': n must be a whole number from 0, d a "
         "whole number of degrees"},
        {SK_FAMILY_DIHEDRAL, "charmm", "1 1 1 0 2", "dihedral_coeff '1 1 1 0 2': the weight must be from 0 to 1"},
        {SK_FAMILY_DIHEDRAL, "harmonic", "1 1 0 2",
         "dihedral_coeff '1 1 0 2': d must be 1 or -1, n a whole number from 0"},
        {SK_FAMILY_IMPROPER, "harmonic", "1 20 35.26",
         "improper_coeff '1 20 35.26': chi0 must be 0 or 180 (LAMMPS' angle "
         "has no sign, so that others mean two places)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        real_row();
        say(cases[i].family, cases[i].style, cases[i].coeff);
        refuse_keys(ROW_HEAD ROW, cases[i].message);
    }
    real_row();
    say(SK_FAMILY_IMPROPER, "", "");
    refuse(ROW_HEAD "\nImproper Coeffs # harmonic\n\n1 20 90\n" ROW,
           ":27: improper type 1: chi0 must be 0 or 180 (LAMMPS' angle has no sign, so that others mean two places)");
    refuse(ROW_HEAD "\nImproper Coeffs # cvff\n\n1 20\n" ROW,
           ":27: expected an improper type from 1 to 1, K, d and n (style cvff)");
}

/* ---- templates ---- */

#define THREE                                                                                                         \
    "t\n\n9 atoms\n6 bonds\n3 angles\n2 atom types\n1 bond types\n2 angle types\n" BOX "\nMasses\n\n1 1\n2 2\n\n"     \
    "Atoms # bond\n\n1 1 1 1 1 1\n2 1 2 1 1 1\n3 1 1 1 1 1\n4 2 1 2 2 2\n5 2 2 2 2 2\n6 2 1 2 2 2\n7 3 1 3 3 3\n8 3 " \
    "2 3 "                                                                                                            \
    "3 3\n9 3 1 3 3 3\n\nBonds\n\n1 1 2 1\n2 1 2 3\n3 1 5 6\n4 1 5 4\n5 1 7 8\n6 1 8 9\n\nAngles\n\n"

static void three_molecules(const char *angles)
{
    char text[2048];
    snprintf(text, sizeof text, THREE "%s", angles);
    strcpy(parameters.nonbonded.pair_coeff, "* * 1 1");
    parameters.nonbonded.vdw_cutoff = 5;
    say(SK_FAMILY_BOND, "harmonic", "1 100 1");
    say(SK_FAMILY_ANGLE, "harmonic", "1 20 120; 2 30 120");
    accept(text);
}

static void equal_molecules_share_a_template(void **state)
{
    (void)state;
    three_molecules("1 1 6 5 4\n2 1 1 2 3\n3 1 9 8 7\n"); /* any order, either direction */
    assert_true(top.nmoltypes == 1 && top.nblocks == 1 && top.blocks[0].count == 3 && top.moltypes[0].nterms == 3);
    assert_int_equal(sk_topology_terms(&top, SK_ANGLE_HARMONIC), 3);
    three_molecules("1 1 6 5 4\n2 1 1 2 3\n3 2 9 8 7\n"); /* another type */
    assert_true(top.nmoltypes == 2 && top.nblocks == 2 && top.blocks[0].count == 2);
    three_molecules("1 1 6 5 4\n2 1 1 3 2\n3 1 9 8 7\n"); /* other atoms */
    assert_true(top.nmoltypes == 2 && top.blocks[0].count == 1 && top.blocks[1].count == 2);
    three_molecules("1 1 6 5 4\n2 1 1 2 4\n3 1 9 8 7\n"); /* a term joins molecules as a bond does */
    assert_true(top.nmoltypes == 2 && top.moltypes[0].natoms == 6 && top.moltypes[1].natoms == 3);
    three_molecules("1 1 6 5 4\n2 1 6 5 4\n3 1 6 5 4\n"); /* thrice the same angle counts thrice */
    assert_true(top.nmoltypes == 2 && top.moltypes[1].nterms == 5);
}

/* ---- weights ---- */

static void weigh(double one, double two, double three, int row)
{
    const double weights[3] = {one, two, three};
    memcpy(parameters.nonbonded.special_bonds[row], weights, sizeof weights);
}

/* A row of four, by hand: epsilon 0.1 kcal/mol and sigma 3 A between all, charges of the row. */
static void weights_become_exclusions_and_pairs(void **state)
{
    const struct sk_moltype *type;
    double c6 = 4 * 0.1 * KCAL * pow(0.3, 6), c12 = c6 * pow(0.3, 6);
    (void)state;
    real_row();
    weigh(0, 0, 0.5, 0);
    weigh(0, 1, 5.0 / 6, 1);
    accept(ROW_HEAD ROW);
    type = &top.moltypes[0];
    assert_int_equal(type->excluded_start[4], 12); /* 1-3 pairs lack Lennard-Jones, and so are excluded, too */
    assert_int_equal(sk_topology_terms(&top, SK_PAIR_14), 3);
    const struct sk_term *term = first_term(SK_PAIR_14); /* two bonds apart come first */
    const double *p = ff.parameters[term->parameter].p;
    assert_true(term->atom[0] == 0 && term->atom[1] == 2 && p[0] == 0 && p[1] == 0);
    check_near(p[2], 0.5 * -0.25, 0, 1e-15);
    p = ff.parameters[term[2].parameter].p;
    assert_true(term[2].atom[0] == 0 && term[2].atom[1] == 3);
    check_near(p[0], 0.5 * c6, 0, 1e-13);
    check_near(p[1], 0.5 * c12, 0, 1e-13);
    check_near(p[2], 5.0 / 6 * 0.5 * 0.25, 0, 1e-15);
    /* What is whole is left alone: 1-4 pairs, and Coulomb weights where there is no Coulomb interaction. */
    weigh(0, 1, 1, 0);
    weigh(0, 0, 1, 1);
    accept(ROW_HEAD ROW);
    assert_int_equal(top.moltypes[0].excluded_start[4], 10);
    parameters.nonbonded.coulomb = SK_COULOMB_NONE;
    accept(ROW_HEAD ROW);
    assert_int_equal(top.moltypes[0].excluded_start[4], 6);
    assert_int_equal(sk_topology_terms(&top, SK_PAIR_14), 0);
    /* Three bonds of at most 1.25 x 1.5 A are more than 5 A. */
    parameters.nonbonded.vdw_cutoff = 0.5;
    weigh(0, 0, 0.5, 0);
    refuse(
        ROW_HEAD ROW,
        ": atoms 1 and 4 are 3 bonds apart, where special_bonds has the weights 0.5 (lj) and 1 (coul); such a pair "
        "is a term without a cutoff, but these may come 0.5625 apart, beyond the cutoff of 0.5; only weights of 0, or "
        "of 1 for both, are supported there");
}

/* Dihedrals of style charmm: the second pair of coefficients, mixed arithmetically. */
static void dihedral_weights_make_pairs(void **state)
{
    (void)state;
    real_row();
    say(SK_FAMILY_DIHEDRAL, "charmm", "1 0 1 0 0.25");
    accept(ROW_HEAD ROW);
    const struct sk_term *term = first_term(SK_PAIR_14);
    const double *p = ff.parameters[term->parameter].p;
    assert_true(term->atom[0] == 0 && term->atom[1] == 3);
    check_near(p[0], 0.25 * 4 * 0.2 * KCAL * pow(0.2, 6), 0, 1e-13);
    check_near(p[1], 0.25 * 4 * 0.2 * KCAL * pow(0.2, 12), 0, 1e-13);
    check_near(p[2], 0.25 * 0.5 * 0.25, 0, 1e-15);
    assert_int_equal(top.moltypes[0].excluded_start[4], 12);
    weigh(0, 0, 1, 1);
    refuse(ROW_HEAD ROW,
           ":45: dihedral type 1 has a weight, so that special_bonds must leave out atoms three bonds apart; "
           "set 'special_bonds = charmm'");
    weigh(0, 0, 0, 1);
    static const char plain[] = "t\n4 atoms\n1 atom types\n3 bonds\n2 angles\n1 dihedrals\n1 impropers\n1 bond "
                                "types\n1 angle types\n1 dihedral "
                                "types\n1 improper types\n" BOX
                                "\nMasses\n\n1 12\n\nPair Coeffs # lj/cut\n\n1 0.1 3\n" ROW;
    refuse(plain,
           ":44: dihedral type 1 has a weight, which needs pair coefficients of a style lj/charmm; name it behind "
           "the section (Pair Coeffs # lj/charmm/coul/long) or set nonbonded.pair_style");
}

/* ---- rigid ---- */

static void rigid_bonds_and_angles_have_no_terms(void **state)
{
    (void)state;
    real_row();
    strcpy(parameters.constraints.bond_types, "1");
    accept(ROW_HEAD ROW);
    const struct sk_moltype *type = &top.moltypes[0];
    assert_true(type->nconstraints == 3 && type->nterms == 2);
    check_near(type->constraints[0].length, 0.15, 0, 1e-15);
    strcpy(parameters.constraints.angle_types, "1");
    accept(ROW_HEAD ROW);
    type = &top.moltypes[0];
    assert_true(type->nconstraints == 5 && type->nterms == 0);
    assert_true(type->constraints[1].i == 0 && type->constraints[1].j == 2);
    check_near(type->constraints[1].length, 2 * 0.15 * sin(0.5 * 109.5 * DEGREE), 0, 1e-14);
    parameters.constraints.bond_types[0] = '\0';
    refuse(ROW_HEAD ROW,
           ":40: the angle of atoms 1, 2 and 3 (type 1) is in 'angle_types', but not both of its bonds are "
           "rigid");
    strcpy(parameters.constraints.angle_types, "2");
    refuse_keys(ROW_HEAD ROW, "constraints.angle_types: '2' is not an angle type from 1 to 1");
}

/* ---- lines ---- */

static void bad_terms_are_refused(void **state)
{
#define START                                                                                \
    "t\n4 atoms\n1 atom types\n2 angles\n1 angle types\n1 dihedrals\n1 dihedral types\n" BOX \
    "\nMasses\n\n1 12\n\nAtoms "                                                             \
    "# full\n\n1 1 1 0 1 1 2\n2 1 1 0 2 1 2\n3 1 1 0 3 1 2\n4 1 1 0 4 1 2\n"
    (void)state;
    real_row();
    refuse(START "\nAngles\n\n1 1 1 2\n", ":25: Angles: expected a number, a type and three atom ids");
    refuse(START "\nAngles\n\n1 1 1 2 3 4\n", ":25: Angles: expected a number, a type and three atom ids");
    refuse(START "\nAngles\n\n1 2 1 2 3\n", ":25: angle type '2' is not a whole number from 1 to 1");
    refuse(START "\nAngles\n\n1 1 1 2 5\n", ":25: atom id 5 is not in 1 to 4; ids must have no gaps");
    refuse(START "\nAngles\n\n1 1 1 2 1\n", ":25: Angles: atom 1 is named twice");
    refuse(START "\nAngles\n\n1 1 1 2 3\n", ":25: the file ends after 1 of 2 lines of Angles");
    refuse(START "\nAngles\n\n1 1 1 2 3\n2 1 2 3 4\n", ": no section Dihedrals");
    refuse(START "\nImpropers\n\n1 1 1 2 3 4\n", ":23: Impropers, but the header has no line 'N impropers'");
    refuse(START "\nPair Coeffs\n\n1 0.1 3 0.1 3\n",
           ":25: pair coefficients: four numbers mean different things in different styles; name it behind the section "
           "(Pair Coeffs # STYLE) or set nonbonded.pair_style");
    strcpy(parameters.nonbonded.pair_style, "lj/charmm/coul/charmm");
    refuse(START "\nPair Coeffs # lj/cut\n\n1 0.1 3\n",
           ":23: pair style 'lj/cut', but nonbonded.pair_style = lj/charmm/coul/charmm");
    refuse(START "\nPair Coeffs\n\n1 0.1 3 1\n",
           ":25: pair coefficients: expected epsilon and sigma, and either both again "
           "for 1-4 pairs or nothing");
}

/* ---- reference systems ---- */

/* Numbers of the files' headers; the peptide's 12 impropers and 21 of its dihedrals' types have chi0 = 0 or K = 0. */
static void reference_systems(void **state)
{
    struct sk_error err;
    const char *path = files_system("peptide-lmp/data.peptide.xz");
    (void)state;
    if (!path)
        skip();
    real_row();
    for (int f = 0; f < SK_FAMILIES; f++)
        say((enum sk_family)f, (const char *[]){"harmonic", "charmm", "charmm", "harmonic"}[f], "");
    strcpy(parameters.nonbonded.pair_style, "lj/charmm/coul/long");
    if (read_path(path, &err) != SK_OK)
        fail_msg("%s", err.message);
    assert_int_equal(sk_topology_terms(&top, SK_BOND_HARMONIC), 1365);
    assert_int_equal(sk_topology_terms(&top, SK_ANGLE_HARMONIC) + sk_topology_terms(&top, SK_ANGLE_UREY_BRADLEY), 786);
    assert_int_equal(sk_topology_terms(&top, SK_IMPROPER_HARMONIC), 12);
    assert_true(top.nmoltypes == 2 && top.moltypes[0].natoms == 84 && top.moltypes[1].natoms == 3);
    assert_int_equal(top.nblocks, 2);
    strcpy(parameters.constraints.bond_types, "4 6 8 10 12 14 18");
    strcpy(parameters.constraints.angle_types, "31");
    assert_int_equal(read_path(path, &err), SK_OK);
    assert_int_equal(top.moltypes[1].nconstraints, 3);
    clear();
    start(NULL);
    parameters.nonbonded.vdw_cutoff = 1.12;
    weigh(0, 1, 1, 0);
    strcpy(parameters.nonbonded.pair_coeff, "1 1 1 1 1.12");
    say(SK_FAMILY_BOND, "fene", "1 30 1.5 1 1");
    assert_int_equal(read_path(files_system("chain/data.chain.xz"), &err), SK_OK);
    assert_true(top.nmoltypes == 1 && top.blocks[0].count == 320 && top.moltypes[0].nterms == 99);
    assert_int_equal(top.moltypes[0].excluded_start[100], 198);
    parameters.nonbonded.special_bonds[0][0] = 0.5;
    assert_int_equal(read_path(files_system("chain/data.chain.xz"), &err), SK_EINPUT);
    assert_non_null(
        strstr(err.message, "atoms 1 and 2 are 1 bond apart, where special_bonds has the weights 0.5 (lj)"));
    assert_non_null(strstr(err.message, "these may come 1.5 apart, beyond the cutoff of 1.12;"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(constants_are_lammps_formulas, start, stop),
        cmocka_unit_test_setup_teardown(styles_come_from_file_or_keys, start, stop),
        cmocka_unit_test_setup_teardown(bad_coefficients_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(equal_molecules_share_a_template, start, stop),
        cmocka_unit_test_setup_teardown(weights_become_exclusions_and_pairs, start, stop),
        cmocka_unit_test_setup_teardown(dihedral_weights_make_pairs, start, stop),
        cmocka_unit_test_setup_teardown(rigid_bonds_and_angles_have_no_terms, start, stop),
        cmocka_unit_test_setup_teardown(bad_terms_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(reference_systems, start, stop),
    };
    return cmocka_run_group_tests(tests, files_make, files_remove);
}
