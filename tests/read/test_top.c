#include "files.h"

#include "read/gromacs_internal.h"

static struct sk_topology top;
static struct sk_forcefield ff;
static enum sk_bonds rigid; /* what the run file says */

static int start(void **state)
{
    (void)state;
    sk_topology_init(&top);
    sk_forcefield_init(&ff);
    rigid = SK_BONDS_NONE;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    sk_topology_clear(&top);
    sk_forcefield_clear(&ff);
    return 0;
}

static enum sk_code parse(const char *text, const char *define, struct sk_error *err)
{
    stop(NULL);
    return sk_top_parse("a.top", text, strlen(text), define, NULL, rigid, &top, &ff, err);
}

static void accept_with(const char *text, const char *define)
{
    struct sk_error err;
    if (parse(text, define, &err) != SK_OK)
        fail_msg("%s", err.message);
}

static void accept(const char *text)
{
    accept_with(text, NULL);
}

/* Refused as bad input with exactly this message, and nothing left behind. */
static void refuse_with(const char *text, const char *define, const char *message)
{
    struct sk_error err = {SK_OK, ""};
    assert_int_equal(parse(text, define, &err), SK_EINPUT);
    assert_int_equal(err.code, SK_EINPUT);
    assert_string_equal(err.message, message);
    assert_null(top.moltypes);
    assert_null(ff.c6);
}

static void refuse(const char *text, const char *message)
{
    refuse_with(text, NULL, message);
}

static void accept_file(const char *path, const char *include_path)
{
    struct sk_error err;
    stop(NULL);
    if (sk_top_read(path, NULL, include_path, rigid, &top, &ff, &err) != SK_OK)
        fail_msg("%s", err.message);
}

static void refuse_file(const char *path, const char *message)
{
    struct sk_error err = {SK_OK, ""};
    stop(NULL);
    assert_int_equal(sk_top_read(path, NULL, NULL, rigid, &top, &ff, &err), SK_EINPUT);
    assert_string_equal(err.message, message);
}

#define FF                                                                                                          \
    "[ defaults ]\n1 2 yes 0.5 0.8333\n[ atomtypes ]\nO 8 16.0 -0.8 A 0.3 0.6\nH 1.0 0.4 A 0 0\n"      /* lines 1-5 \
                                                                                                        */
#define MOL   "[ moleculetype ]\nSOL 2\n[ atoms ]\n1 O 1 SOL OW 1\n2 H 1 SOL HW1 1\n3 H 1 SOL HW2 1\n" /* lines 6-11 */
#define TAIL  "[ system ]\nwater\n[ molecules ]\nSOL 2\n"
#define RIGID "[ settles ]\n1 1 0.1 0.16\n[ exclusions ]\n1 2 3\n2 3\n"

/* ---- physics: numbers of gmx_d 2022.5 (`gmx dump` of the same text) ---- */

#define MIX(rule, a, b, c, pair)                                                                        \
    "[ defaults ]\n1 " rule " no 1.0 1.0\n[ atomtypes ]\nA1 8 15.9994 0 A " a "\nB1 BB 6 12.0 0.5 A " b \
    "\nC1 CC 14.0 0 A " c "\n[ nonbond_params ]\nB1 A1 1 " pair                                         \
    "\n[ moleculetype ]\nM 0\n[ atoms ]\n1 C1 1 M X 1 0\n2 A1 1 M Y 1 0\n3 B1 1 M Z 1\n[ system ]\nx\n" \
    "[ molecules ]\nM 1\n"

static void check_matrix(const double c6[9], const double c12[9])
{
    assert_int_equal(ff.ntypes, 3);
    for (int k = 0; k < 9; k++) {
        check_near(ff.c6[k], c6[k], 0, 5e-9);
        check_near(ff.c12[k], c12[k], 0, 5e-9);
    }
}

static void combination_rules(void **state)
{
    (void)state;
    /* Types are numbered by first use: C1, A1, B1. A negative sigma leaves the repulsion alone. */
    accept(MIX("1", "0.0022619536 1e-06", "0.0026173456 2.634129e-06", "0.0074684164 3.3965584e-05", "0.003 4e-06"));
    check_matrix((const double[9]){7.46841640e-03, 4.11013520e-03, 4.42124720e-03, 4.11013520e-03, 2.26195360e-03,
                                   3.00000000e-03, 4.42124720e-03, 3.00000000e-03, 2.61734560e-03},
                 (const double[9]){3.39655840e-05, 5.82800000e-06, 9.45884400e-06, 5.82800000e-06, 1.00000000e-06,
                                   4.00000000e-06, 9.45884400e-06, 4.00000000e-06, 2.63412900e-06});
    accept(MIX("2", "0.316557 0.650194", "0.25 0.1", "-0.4 0.5", "0.3 0.7"));
    check_matrix((const double[9]){0, 0, 0, 0, 2.61706481e-03, 2.04120000e-03, 0, 2.04120000e-03, 9.76562500e-05},
                 (const double[9]){3.35544320e-05, 1.02027076e-05, 1.24206786e-06, 1.02027076e-05, 2.63345564e-06,
                                   1.48803480e-06, 1.24206786e-06, 1.48803480e-06, 2.38418579e-08});
    accept(MIX("3", "0.316557 0.650194", "0.25 0.1", "-0.4 0.5", "0.3 0.7"));
    check_matrix((const double[9]){0, 0, 0, 0, 2.61706481e-03, 2.04120000e-03, 0, 2.04120000e-03, 9.76562500e-05},
                 (const double[9]){3.35544320e-05, 9.40021851e-06, 8.94427191e-07, 9.40021851e-06, 2.63345564e-06,
                                   1.48803480e-06, 8.94427191e-07, 1.48803480e-06, 2.38418579e-08});
    /* Charge and mass of the type where the atom gives none; all three column variants of [ atomtypes ]. */
    assert_string_equal(ff.names[0], "C1");
    assert_true(top.kinds[top.moltypes[0].atoms[0].kind].mass == 14.0);
    assert_true(top.kinds[top.moltypes[0].atoms[2].kind].mass == 12.0);
    assert_true(top.kinds[top.moltypes[0].atoms[2].kind].charge == 0.5);
    assert_true(top.kinds[top.moltypes[0].atoms[1].kind].mass == 15.9994);
}

static void check_rigid_water(const char *title, double charge, double mass, double c6, double c12, double doh,
                              double dhh, int64_t count)
{
    assert_string_equal(top.title, title);
    assert_int_equal(top.natoms, 3 * count);
    assert_int_equal(top.nmoltypes, 1);
    assert_int_equal(top.nkinds, 2);
    assert_int_equal(ff.ntypes, 2);
    assert_int_equal(ff.units, SK_UNITS_GROMACS);
    const struct sk_moltype *type = &top.moltypes[0];
    assert_string_equal(type->name, "SOL");
    assert_string_equal(type->atoms[0].name, "OW");
    assert_string_equal(type->atoms[2].name, "HW2");
    assert_string_equal(type->atoms[2].residue, "SOL");
    assert_true(top.kinds[type->atoms[0].kind].charge == charge);
    assert_true(top.kinds[type->atoms[0].kind].mass == mass);
    assert_true(top.kinds[type->atoms[1].kind].charge == -0.5 * charge);
    assert_true(top.kinds[type->atoms[1].kind].mass == 1.008);
    assert_int_equal(type->atoms[1].kind, type->atoms[2].kind);
    check_near(ff.c6[0], c6, 0, 5e-9);
    check_near(ff.c12[0], c12, 0, 5e-9);
    for (int k = 1; k < 4; k++)
        assert_true(ff.c6[k] == 0 && ff.c12[k] == 0);
    assert_int_equal(type->nsettles, 1);
    assert_int_equal(type->settles[0].apex, 0);
    assert_int_equal(type->settles[0].leg1, 1);
    assert_int_equal(type->settles[0].leg2, 2);
    assert_true(type->settles[0].apex_leg == doh && type->settles[0].leg_leg == dhh);
    const int start_of[4] = {0, 2, 4, 6}, excluded[6] = {1, 2, 0, 2, 0, 1};
    assert_memory_equal(type->excluded_start, start_of, sizeof start_of);
    assert_memory_equal(type->excluded, excluded, sizeof excluded);
}

static void reference_waters(void **state)
{
    (void)state;
    const char *path = files_system("spce/topol-3k.pp.top.xz");
    if (!path)
        skip();
    accept_file(path, NULL);
    check_rigid_water("spce water", -0.8476, 15.9994, 2.61881571e-03, 2.63521750e-06, 0.1, 0.1633, 1000);
    accept_file(files_system("tip3p/topol-3k.pp.top"), NULL);
    check_rigid_water("tip3p water", -0.834, 16.0, 2.48970844e-03, 2.43509761e-06, 0.09572, 0.15139, 1000);
    accept_file(files_system("slab/topol-slab.top"), NULL);
    assert_int_equal(top.natoms, 99507);
    /* 4 epsilon sigma^6 and ^12 of 0.3405 nm and 0.996 kJ/mol. */
    check_near(ff.c6[0], 4 * 0.996 * pow(0.3405, 6), 0, 1e-14);
    check_near(ff.c12[0], 4 * 0.996 * pow(0.3405, 12), 0, 1e-14);
}

/* Counts of `gmx dump` of the reference runs. */
static void reference_molecules(void **state)
{
    static const struct {
        const char *path;
        int form, n;
    } cases[] = {
        {"dhfr/topol.pp.top.xz", SK_BOND_HARMONIC, 0},
        {"dhfr/topol.pp.top.xz", SK_ANGLE_HARMONIC, 4561},
        {"dhfr/topol.pp.top.xz", SK_DIHEDRAL_PERIODIC, 7026},
        {"dhfr/topol.pp.top.xz", SK_IMPROPER_PERIODIC, 512},
        {"dhfr/topol.pp.top.xz", SK_PAIR_14, 6556},
        {"aladip/topol-ala-charmm27.pp.top.xz", SK_ANGLE_UREY_BRADLEY, 36},
        {"aladip/topol-ala-charmm27.pp.top.xz", SK_DIHEDRAL_PERIODIC, 23},
        {"aladip/topol-ala-charmm27.pp.top.xz", SK_IMPROPER_HARMONIC, 5},
        {"aladip/topol-ala-charmm27.pp.top.xz", SK_CMAP, 1},
        {"aladip/topol-ala-charmm27.pp.top.xz", SK_PAIR_14, 41},
    };
    (void)state;
    rigid = SK_BONDS_ALL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = files_system(cases[i].path);
        if (!path)
            skip();
        accept_file(path, NULL);
        assert_int_equal(sk_topology_terms(&top, cases[i].form), cases[i].n);
    }
}

/* ---- bonds, constraints, angles: numbers of gmx_d 2022.5 (`gmx grompp` and `gmx dump` of the same text) ---- */

#define BONDED                                                                                                      \
    "[ defaults ]\n1 2 no 1 1\n[ atomtypes ]\nA AB 12.0 0 A 0.3 0.3\nO OB 16.0 0 A 0.3 0.3\nH HB 1.0 0 A 0.3 0.3\n" \
    "[ bondtypes ]\nHB AB 1 0.107 1000\nAB HB 1 0.108 1000\nOB AB 1 0.14 1000\nAB OB 2 0.141 1000\n"                \
    "AB AB 1 0.15 1000\nOB HB 1 0.1 1000\n[ constrainttypes ]\nHB AB 1 0.11\n[ angletypes ]\n"                      \
    "HB AB HB 1 109.5 100\nAB OB HB 1 108 100\n" /* lines 1 to 18 */
#define CHAIN                                                                                                      \
    "[ moleculetype ]\nM 2\n[ atoms ]\n1 A 1 M CA 1\n2 H 1 M H1 1\n3 H 1 M 2H 1\n4 H 1 M hx 1\n5 A 1 M CB 1\n6 O " \
    "1 M O 1\n7 H 1 M HO 1\n8 O 1 M OX 1\n"                                        /* lines 19 to 29 */
#define CHAIN_BONDS "[ bonds ]\n1 2 1\n1 3 1\n1 4 1\n5 1 1\n5 6 2\n6 7 1\n5 8 1\n" /* lines 30 to 37 */
#define ONE         "[ system ]\nx\n[ molecules ]\nM 1\n"

static void check_constraints(int n, const struct sk_constraint *expected)
{
    const struct sk_moltype *type = &top.moltypes[0];
    assert_int_equal(type->nconstraints, n);
    for (int c = 0; c < n; c++) {
        assert_int_equal(type->constraints[c].i, expected[c].i);
        assert_int_equal(type->constraints[c].j, expected[c].j);
        check_near(type->constraints[c].length, expected[c].length, 0, 5e-9);
    }
}

static void check_exclusions(const struct sk_moltype *type, int i, int n, const int *expected)
{
    assert_int_equal(type->excluded_start[i + 1] - type->excluded_start[i], n);
    assert_memory_equal(type->excluded + type->excluded_start[i], expected, (size_t)n * sizeof *expected);
}

static void bonds_become_constraints(void **state)
{
    (void)state;
    /* The last [ bondtypes ] line for a pair counts, in either order, but of the bond's own function. */
    rigid = SK_BONDS_ALL;
    accept(BONDED CHAIN CHAIN_BONDS ONE);
    check_constraints(
        7, (const struct sk_constraint[]){
               {0, 1, 0.108}, {0, 2, 0.108}, {0, 3, 0.108}, {0, 4, 0.15}, {4, 5, 0.141}, {4, 7, 0.14}, {5, 6, 0.1}});
    check_exclusions(&top.moltypes[0], 0, 6, (const int[]){1, 2, 3, 4, 5, 7});
    check_exclusions(&top.moltypes[0], 4, 7, (const int[]){0, 1, 2, 3, 5, 6, 7});
    check_exclusions(&top.moltypes[0], 6, 2, (const int[]){4, 5});
    /* Hydrogen is an atom name that starts with H or h; 2H does not. */
    rigid = SK_BONDS_H_BONDS;
    accept(BONDED CHAIN CHAIN_BONDS ONE);
    check_constraints(3, (const struct sk_constraint[]){{0, 1, 0.108}, {0, 3, 0.108}, {5, 6, 0.1}});
    assert_int_equal(top.moltypes[0].nterms, 4);
    accept(BONDED CHAIN "[ bonds ]\n1 2 1\n1 4 1\n6 7 1\n1 3 5\n" ONE);
    check_constraints(3, (const struct sk_constraint[]){{0, 1, 0.108}, {0, 3, 0.108}, {5, 6, 0.1}});
    check_exclusions(&top.moltypes[0], 2, 3, (const int[]){0, 1, 3}); /* a connection (5) excludes, and no more */
    /* Lengths in the line, by macro, from [ constrainttypes ]; type 2 of [ constraints ] is no bond. */
    rigid = SK_BONDS_NONE;
    accept("#define LONG 0.123 5.0\n" BONDED CHAIN
           "[ bonds ]\n[ constraints ]\n2 1 1\n1 3 1 0.12\n1 4 2 0.3 0.3\n" ONE);
    check_constraints(3, (const struct sk_constraint[]){{0, 1, 0.11}, {0, 2, 0.12}, {0, 3, 0.3}});
    check_exclusions(&top.moltypes[0], 1, 2, (const int[]){0, 2});
    check_exclusions(&top.moltypes[0], 3, 0, NULL);
    rigid = SK_BONDS_H_ANGLES;
    accept("#define LONG 0.123 5.0\n" BONDED CHAIN
           "[ bonds ]\n1 2 1 LONG\n1 3 3 0.2 9 9\n1 4 4 0.21 9 9\n1 5 1 LONG LONG\n"
           "[ exclusions ]\n7 8\n" ONE);
    check_constraints(4, (const struct sk_constraint[]){{0, 1, 0.123}, {0, 2, 0.2}, {0, 3, 0.21}, {0, 4, 0.123}});
    check_exclusions(&top.moltypes[0], 6, 1, (const int[]){7});
}

#define METHANOL                                                                                              \
    "[ moleculetype ]\nM 3\n[ atoms ]\n1 A 1 M C 1\n2 H 1 M H1 1\n3 H 1 M H2 1\n4 H 1 M H3 1\n5 O 1 M OG 1\n" \
    "6 H 1 M HO 1\n[ bonds ]\n1 2 1\n1 3 1\n4 1 1\n1 5 1\n5 6 1 0.0960 1000\n" /* lines 19 to 33 */

static void angles_become_constraints(void **state)
{
    (void)state;
    rigid = SK_BONDS_H_ANGLES;
    accept(BONDED METHANOL "[ angles ]\n2 1 3 1\n2 1 4 1\n3 1 4 1 107 10\n6 5 1 1\n" ONE);
    check_constraints(9, (const struct sk_constraint[]){{0, 1, 0.108},
                                                        {0, 2, 0.108},
                                                        {0, 3, 0.108},
                                                        {0, 4, 0.14},
                                                        {0, 5, 1.92671681e-01},
                                                        {1, 2, 1.76394576e-01},
                                                        {1, 3, 1.76394576e-01},
                                                        {2, 3, 1.73633082e-01},
                                                        {4, 5, 0.096}});
    /* Urey-Bradley, G96. */
    accept(BONDED METHANOL "[ angles ]\n2 1 3 2 108 10\n3 1 4 5 109 10 0.17 10\n" ONE);
    assert_int_equal(top.moltypes[0].nconstraints, 7);
    check_near(top.moltypes[0].constraints[4].length, 1.74747671e-01, 0, 5e-9);
    check_near(top.moltypes[0].constraints[5].length, 1.75848952e-01, 0, 5e-9);
    accept(BONDED METHANOL "[ angles ]\n2 1 3 1\n2 1 5 1 111 10\n" ONE);
    assert_int_equal(top.moltypes[0].nconstraints, 6);
    assert_int_equal(top.moltypes[0].nterms, 1);
    refuse(BONDED METHANOL "[ angles ]\n2 1 3 8 0 10\n" ONE,
           "a.top:35: [ angles ] of molecule type 'M': function 8 is not supported");
    refuse(BONDED METHANOL "[ angles ]\n2 1 3 5\n" ONE,
           "a.top:35: no [ angletypes ] of function 5 for the bonded types HB, AB and HB");
    refuse(BONDED METHANOL "[ angles ]\n2 5 6 1 100 10\n" ONE,
           "a.top:35: a rigid angle needs a bond on either side; one is missing (atoms 2 and 6 of molecule type 'M')");
    refuse(BONDED METHANOL "[ angles ]\n2 1 3 1 180 10\n" ONE,
           "a.top:35: a rigid angle must lie between 0 and 180 degrees (atoms 2 and 3 of molecule type 'M')");
    refuse(BONDED METHANOL "[ angles ]\n2 1 3 1\n3 1 2 1\n" ONE,
           "a.top:36: these atoms are joined rigidly a second time; remove one (atoms 2 and 3 of molecule type 'M')");
    refuse(BONDED METHANOL "[ angles ]\n2 1 9 1\n" ONE, "a.top:35: atom 9, but 'M' has 6 atoms");
    rigid = SK_BONDS_ALL;
    accept(BONDED METHANOL "[ angles ]\n2 1 3 1\n" ONE);
    assert_int_equal(top.moltypes[0].nterms, 1);
}

static void bad_bonds_are_refused(void **state)
{
    static const char *const cases[][2] = {
        {"[ bonds ]\n1 2 1\n1 3 1\n2 1 1 0.108 1000\n",
         "a.top:33: these atoms are joined rigidly a second time; remove one (atoms 1 and 2 of molecule type 'M')"},
        {"[ constraints ]\n1 2 1\n[ bonds ]\n1 2 1\n",
         "a.top:31: these atoms are joined rigidly a second time; remove one (atoms 1 and 2 of molecule type 'M')"},
        {"[ bonds ]\n1 9 1\n", "a.top:31: atom 9, but 'M' has 8 atoms"},
        {"[ bonds ]\n2 2 1\n", "a.top:31: [ bonds ]: atom 2 of molecule type 'M' is named twice"},
        {"[ bonds ]\n1 2 11\n", "a.top:31: function: '11' is not a whole number from 1 to 10"},
        {"[ bonds ]\n1 x 1\n", "a.top:31: atom: 'x' is not a whole number from 1 to 2147483647"},
        {"[ bonds ]\n1 2 1 0.1\n", "a.top:31: 1 of 2 parameters"},
        {"[ bonds ]\n1 2 1 0.1 gb_1\n", "a.top:31: parameter: 'gb_1' is not a number"},
        {"[ bonds ]\n1 2 1 -0.1 10\n",
         "a.top:31: the length of a rigid bond must be positive (atoms 1 and 2 of molecule type 'M')"},
        {"[ bonds ]\n1 2 1 0.1 10 0.2 10\n",
         "a.top:31: [ bonds (second state of free energy calculations) ] of molecule type 'M' is not supported"},
        {"[ bonds ]\n1 2 3\n", "a.top:31: no [ bondtypes ] of function 3 for the bonded types AB and HB"},
        {"[ constraints ]\n1 5 1\n", "a.top:31: no [ constrainttypes ] of function 1 for the bonded types AB and AB"},
        {"[ constraints ]\n1 2 3 1\n", "a.top:31: function: '3' is not a whole number from 1 to 2"},
        {"[ constraints ]\n1 2 1 0\n",
         "a.top:31: the length of a rigid bond must be positive (atoms 1 and 2 of molecule type 'M')"},
        {"[ settles ]\n6 1 0.1 0.1\n[ constraints ]\n1 2 1\n1 6 1 0.2\n",
         "a.top:31: settles needs legs of equal mass, not 1 and 16"},
        {"9 H 1 M H 1\n[ settles ]\n1 1 0.1 0.1\n[ constraints ]\n9 5 1 1\n9 3 1 0.2\n",
         "a.top:35: a rigid bond to an atom of [ settles ] (atoms 3 and 9 of molecule type 'M')"},
        {"9 H 1 M H 1 0 0\n[ constraints ]\n9 5 1 1\n",
         "a.top:30: atom 'H' of molecule type 'M' has mass 0; every mass must be positive"},
    };
    char text[1400];
    (void)state;
    rigid = SK_BONDS_ALL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, BONDED CHAIN "%s" ONE, cases[i][0]);
        refuse(text, cases[i][1]);
    }
    refuse("[ defaults ]\n1 2\n[ bondtypes ]\nA B 1 x 1\n", "a.top:4: parameter: 'x' is not a number");
    refuse("[ defaults ]\n1 2\n[ angletypes ]\nA B 1 1\n", "a.top:4: 0 of 2 parameters");
    /* In a molecule that is not used they do no harm. */
    accept(BONDED CHAIN
           "[ bonds ]\n1 2 6 0.1 10\n1 99 1\n[ moleculetype ]\nN 1\n[ atoms ]\n1 A 1 N N 1\n[ system ]\nx\n[ "
           "molecules ]\nN 3\n");
}

/* awk: leaves [ bonds ] of the bonded sections; with h = 1 without those that would not be rigid under h-bonds. */
static const char strip[] = "/^ *\\[/ { s = $2 }\n"
                            "s ~ /^(pairs|angles|dihedrals|cmap|position_restraints)$/ && !/^#/ { next }\n"
                            "s == \"atoms\" && $1 ~ /^[0-9]/ { name[$1] = $5 }\n"
                            "h && s == \"bonds\" && $1 ~ /^[0-9]/ && name[$1] !~ /^H/ && name[$2] !~ /^H/ { next }\n"
                            "{ print }\n";

/* The peptides of the reference systems with [ bonds ] alone, against counts, lengths and exclusions of gmx_d 2022.5
 * (grompp, dump) for the same files: molecule, constraints, sum of lengths, sum of i j length, excluded partners. */
static void reference_bonds(void **state)
{
    static const struct {
        const char *file;
        enum sk_bonds rigid;
        int n;
        double lengths, moment;
        int excluded;
    } cases[] = {
        {"dhfr/topol.pp.top.xz", SK_BONDS_ALL, 2523, 316.23, 655504136.5778, 27280},
        {"dhfr/topol.pp.top.xz", SK_BONDS_H_BONDS, 1221, 130.8742, 259798467.716, 0},
        {"aladip/topol-pep-amber.pp.top.xz", SK_BONDS_ALL, 201, 25.0567, 324192.0689, 2144},
        {"aladip/topol-pep-charmm27.pp.top.xz", SK_BONDS_ALL, 201, 25.1056, 325241.5747, 2144},
        {"aladip/topol-pep-charmm27.pp.top.xz", SK_BONDS_H_BONDS, 98, 10.5229, 143116.9934, 0},
        {"aladip/topol-pep-opls.pp.top.xz", SK_BONDS_ALL, 201, 25.0608, 323812.7188, 2144},
        {"aladip/topol-ala-opls.pp.top.xz", SK_BONDS_H_BONDS, 12, 1.292, 224.587, 0},
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const char *path = files_system(cases[k].file);
        if (!path)
            skip();
        char command[1400];
        snprintf(command, sizeof command, "awk -v h=%d -f '%s' '%s' > '%s'", cases[k].rigid == SK_BONDS_H_BONDS,
                 files_write("strip.awk", strip), path, files_path("stripped.top"));
        assert_int_equal(system(command), 0);
        rigid = cases[k].rigid;
        accept_file(files_path("stripped.top"), NULL);
        const struct sk_moltype *type = &top.moltypes[0];
        double lengths = 0, moment = 0;
        assert_int_equal(type->nconstraints, cases[k].n);
        for (int c = 0; c < type->nconstraints; c++) {
            const struct sk_constraint *bond = &type->constraints[c];
            lengths += bond->length;
            moment += (bond->i + 1.0) * (bond->j + 1.0) * bond->length;
        }
        check_near(lengths, cases[k].lengths, 0, 1e-8);
        check_near(moment, cases[k].moment, 0, 1e-8);
        if (cases[k].excluded)
            assert_int_equal(type->excluded_start[type->natoms], cases[k].excluded);
    }
}

static void reference_polymer(void **state)
{
    static const char *const files[] = {"polymer/topol.top", "polymer/topol-constr.top"};
    (void)state;
    for (int k = 0; k < 2; k++) {
        const char *path = files_system(files[k]);
        if (!path)
            skip();
        rigid = k ? SK_BONDS_NONE : SK_BONDS_ALL;
        accept_file(path, NULL);
        assert_int_equal(top.natoms, 20000);
        assert_int_equal(sk_topology_constraints(&top), 19900);
        for (int c = 0; c < 199; c++) {
            const struct sk_constraint bond = top.moltypes[0].constraints[c];
            assert_true(bond.i == c && bond.j == c + 1 && bond.length == 0.3395);
        }
        assert_int_equal(top.moltypes[0].excluded_start[200], 2 * 199); /* nrexcl 1 */
    }
}

/* ---- the installed force fields ---- */

#define INSTALLED "/usr/share/gromacs/top"

static void installed_force_fields(void **state)
{
    static const char *const fields[] = {"amber03",        "amber94",    "amber96",    "amber99",    "amber99sb",
                                         "amber99sb-ildn", "amberGS",    "charmm27",   "oplsaa",     "gromos43a1",
                                         "gromos43a2",     "gromos45a3", "gromos53a5", "gromos53a6", "gromos54a7"};
    (void)state;
    if (access(INSTALLED "/oplsaa.ff/forcefield.itp", R_OK) != 0) {
        print_message("skipped: no force fields in " INSTALLED " (package gromacs-data)\n");
        skip();
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char text[512];
        snprintf(
            text, sizeof text,
            "#include \"%s.ff/forcefield.itp\"\n#include <%s.ff/spc.itp>\n#include \"%s.ff/ions.itp\"\n[ system ]\n"
            "x\n[ molecules ]\nSOL 7\n",
            fields[i], fields[i], fields[i]);
        accept(text);
        assert_int_equal(top.natoms, 21);
        assert_int_equal(top.nmoltypes, 1);
        assert_true(top.kinds[0].charge == -0.82 && top.kinds[1].charge == 0.41);
        assert_true(top.kinds[0].mass == 15.9994 && top.kinds[1].mass == 1.008);
        /* SPC: C6 = (0.37122)^6, C12 = (0.3428)^12 in kJ/mol (GROMOS), 1e-3 the roundings of the ports. */
        check_near(ff.c6[0], pow(0.37122, 6), 0, 1e-3);
        check_near(ff.c12[0], pow(0.3428, 12), 0, 2e-3);
    }
    accept("#include \"oplsaa.ff/forcefield.itp\"\n#include \"oplsaa.ff/tip4p.itp\"\n[moleculetype]\nAR 0\n[atoms]\n"
           "1 opls_097 1 AR AR 1\n[ system ]\nx\n[ molecules ]\nAR 1\n");
}

/* ---- preprocessor ---- */

static void macros_and_conditions(void **state)
{
    static const char text[] =
        "#define MASS 16.0\n#define PAIR 0.3 \\\n EPS ; sigma and\n#define EPS 0.6\n[ defaults ]\n1 2\n[ atomtypes ]\n"
        "O 8 MASS -0.8 A PAIR\n"
        "#ifdef HEAVY\n#ifndef NOT\nH 2.0 0.4 A 0 0\n#else\nnonsense\n#endif\n#else\nH 1.0 0.4 A 0 0\n#endif\n" MOL
        "#undef MASS\n#ifdef MASS\nnonsense\n#endif\n" TAIL;
    (void)state;
    accept(text);
    check_near(ff.c6[0], 4 * 0.6 * pow(0.3, 6), 0, 1e-14);
    assert_true(top.kinds[0].mass == 16.0 && top.kinds[1].mass == 1.0);
    accept_with(text, "-DHEAVY");
    assert_true(top.kinds[1].mass == 2.0);
    accept_with(text, " OTHER=3  HEAVY=");
    assert_true(top.kinds[1].mass == 2.0);
    /* A value from the run file; parts of words are no macros. */
    accept_with("[ defaults ]\n1 2\n[ atomtypes ]\nX1 X 0 A 0.3 0.6\n[ moleculetype ]\nM 1\n[ atoms ]\n1 X1 1 M M 1\n"
                "[ system ]\nx\n[ molecules ]\nM N\n",
                "-DX=39.9 -DN=5");
    assert_true(top.kinds[0].mass == 39.9);
    assert_int_equal(top.natoms, 5);
    refuse_with(text, "-D", "define: '-D' is not NAME, NAME=VALUE, -DNAME or -DNAME=VALUE");
    refuse_with(text, "-Ihere", "define: '-Ihere' is not NAME, NAME=VALUE, -DNAME or -DNAME=VALUE");
}

static void bad_directives_are_refused(void **state)
{
    (void)state;
    refuse("#ifdef A\n" FF MOL TAIL, "a.top:1: no #endif for this condition");
    refuse("#endif\n", "a.top:1: #endif without #ifdef or #ifndef in this file");
    refuse("\n#else\n", "a.top:2: #else without #ifdef or #ifndef in this file");
    refuse("#ifdef A\n#else\n#else\n#endif\n", "a.top:3: a second #else for the condition of line 1");
    refuse("#if 1\n#endif\n", "a.top:1: #if is not supported; use #ifdef, #ifndef and #else");
    refuse("#pragma once\n", "a.top:1: unknown directive '#pragma once'");
    refuse("#error wrong flags\n", "a.top:1: #error wrong flags");
    refuse("#define\n", "a.top:1: #define needs a name of letters, digits and '_'");
    refuse("#define F(x) x\n", "a.top:1: #define needs a name of letters, digits and '_'");
    refuse("#include x.itp\n", "a.top:1: #include needs a file name in \"...\" or <...>");
    refuse("#define A B\n#define B A\n[ A ]\n",
           "a.top:3: the macros in this line refer to themselves or grow without end");
    refuse("; a comment\nstray\n", "a.top:2: text before the first [ section ]: 'stray'");
}

static void includes(void **state)
{
    (void)state;
    assert_int_equal(mkdir(files_path("lib"), 0700), 0);
    assert_int_equal(mkdir(files_path("lib/sub"), 0700), 0);
    files_write("lib/ff.itp", "* stars are comments here *\n" FF "#include \"sub/mol.itp\"\n");
    files_write("lib/sub/mol.itp", "#include \"atoms.itp\"\n#include \"beside.itp\"\n");
    files_write("lib/sub/atoms.itp", MOL);
    files_write("beside.itp", RIGID);
    const char *main_file = files_write("main.top", "#include <ff.itp>\n" TAIL);
    /* From include_path, the folder of the including file, and the folder of the first file. */
    accept_file(main_file, files_path("lib"));
    assert_int_equal(top.natoms, 6);
    assert_int_equal(top.moltypes[0].nsettles, 1);
    /* From GMXLIB. */
    setenv("GMXLIB", files_path("lib"), 1);
    accept_file(main_file, NULL);
    assert_int_equal(top.natoms, 6);
    /* The chain is named: the third file is wrong. */
    files_write("lib/sub/atoms.itp", "[ moleculetype ]\nSOL two\n");
    char message[1024];
    snprintf(message, sizeof message,
             "%s:2: nrexcl: 'two' is not a whole number from 0 to 1000 (included from %s:1, from %s:7, from %s:1)",
             files_path("lib/sub/atoms.itp"), files_path("lib/sub/mol.itp"), files_path("lib/ff.itp"), main_file);
    refuse_file(main_file, message);
    files_write("lib/sub/atoms.itp", "#ifdef X\n");
    snprintf(message, sizeof message, "%s:1: no #endif for this condition (included from %s:1, from %s:7, from %s:1)",
             files_path("lib/sub/atoms.itp"), files_path("lib/sub/mol.itp"), files_path("lib/ff.itp"), main_file);
    refuse_file(main_file, message);
    files_write("lib/sub/atoms.itp", "#include \"../ff.itp\"\n");
    struct sk_error err;
    assert_int_equal(sk_top_read(main_file, NULL, NULL, rigid, &top, &ff, &err), SK_EINPUT);
    assert_non_null(strstr(err.message, "includes itself"));
    assert_non_null(strstr(err.message, "atoms.itp:1: file "));
    unsetenv("GMXLIB");
    assert_int_equal(sk_top_read(main_file, NULL, NULL, rigid, &top, &ff, &err), SK_EINPUT);
    assert_non_null(strstr(err.message, "main.top:1: include file 'ff.itp' not found (looked beside this file, "));
}

static void include_depth_is_bounded(void **state)
{
    char name[32], text[64];
    struct sk_error err;
    (void)state;
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "deep%d.itp", i);
        snprintf(text, sizeof text, "#include \"deep%d.itp\"\n", i + 1);
        files_write(name, text);
    }
    assert_int_equal(sk_top_read(files_path("deep0.itp"), NULL, NULL, rigid, &top, &ff, &err), SK_EINPUT);
    assert_non_null(strstr(err.message, "deep31.itp:1: #include is nested deeper than 32 files (included from "));
    assert_int_equal(sk_top_read(files_path("absent.top"), NULL, NULL, rigid, &top, &ff, &err), SK_EINPUT);
    assert_non_null(strstr(err.message, "absent.top: cannot open"));
}

/* ---- sections ---- */

static void only_what_is_used_is_built(void **state)
{
    (void)state;
    /* An unused molecule may hold anything; types are compacted in order of use; a count of 0 uses nothing. */
    accept(
        "[ defaults ]\n1 3\n[ atomtypes ]\nU 1 0 A 0.1 0.1\nV 0 0 D 0 0\nH 1 0 A 0.2 0.2\nO 16 0 A 0.3 0.3\n"
        "[ moleculetype ]\nUNUSED 3\n[ atoms ]\n1 V 1 U U 1\n2 nosuch 1 U U 1\n[ "
        "bonds ]\n"
        "1 2 1\n[ Virtual_Sites2 ]\n2 1 1 2\n[ moleculetype ]\nM 3\n[ atoms ]\n1 O 7A R O 1 -1 5\n2 H 8 R H 1 1\n3 O 8 "
        "R O 1 -1 5\n"
        "[ bonds ]\n[ system ]\nx\n[ molecules ]\nUNUSED 0\nM 2\nM 1\n");
    assert_int_equal(top.nmoltypes, 1);
    assert_int_equal(top.nblocks, 2);
    assert_int_equal(top.natoms, 9);
    assert_int_equal(top.blocks[1].first, 6);
    assert_int_equal(ff.ntypes, 2);
    assert_string_equal(ff.names[0], "O");
    assert_string_equal(ff.names[1], "H");
    assert_int_equal(top.nkinds, 2);
    assert_int_equal(top.moltypes[0].atoms[0].residue_number, 7);
    assert_int_equal(top.moltypes[0].atoms[2].kind, 0);
    assert_int_equal(top.moltypes[0].excluded_start[3], 0); /* nrexcl without bonds: as gmx 2022.5 */
    check_near(ff.c6[1], 4 * sqrt(0.06) * pow(0.06, 3), 0, 1e-14);
}

static void unsupported_molecules_are_refused(void **state)
{
    static const char *const names[] = {"pairs_nb",         "virtual_sites1",      "virtual_sites4",
                                        "virtual_sitesn",   "distance_restraints", "dihedral_restraints",
                                        "angle_restraints", "angle_restraints_z",  "orientation_restraints",
                                        "polarization",     "water_polarization",  "thole_polarization"};
    char text[600], message[200];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(text, sizeof text, FF MOL "[ %s ]\n; none yet\n1 2 1 0.1 1000\n" TAIL, names[i]);
        snprintf(message, sizeof message, "a.top:14: [ %s ] of molecule type 'SOL' is not supported", names[i]);
        refuse(text, message);
    }
    refuse(FF "[ moleculetype ]\nSOL 2\n[ atoms ]\n1 O 1 SOL OW 1 0 16 O 0 16\n" TAIL,
           "a.top:9: [ atoms (second state of free energy calculations) ] of molecule type 'SOL' is not supported");
    refuse(FF MOL TAIL "[ intermolecular_interactions ]\n1 2\n",
           "a.top:17: [ intermolecular_interactions ] is not supported");
}

static void bad_parameters_are_refused(void **state)
{
    (void)state;
    refuse("[ defaults ]\n2 2\n", "a.top:2: nbfunc 2 (Buckingham) is not supported; only 1 (Lennard-Jones)");
    refuse("[ defaults ]\n1 4\n", "a.top:2: comb-rule: '4' is not a whole number from 1 to 3");
    refuse("[ defaults ]\n1 2 perhaps\n", "a.top:2: gen-pairs: 'perhaps' is neither yes nor no");
    refuse(FF "[ defaults ]\n1 2\n", "a.top:7: a second line of [ defaults ]; include one force field only");
    refuse("[ atomtypes ]\nO 16.0 0 A 0.3 0.6\n", "a.top:2: [ atomtypes ] before [ defaults ]");
    refuse("[ defaults ]\n1 2\n[ atomtypes ]\nO 16.0 0 Q 0.3 0.6\n",
           "a.top:4: particle type 'Q' is none of A, S, B, V, D");
    refuse("[ defaults ]\n1 2\n[ atomtypes ]\nO 16.0 0 A 0.3\n", "a.top:4: epsilon is missing at the end of the line");
    refuse("[ defaults ]\n1 1\n[ atomtypes ]\nO 16.0 0 A x 1\n", "a.top:4: C6: 'x' is not a number");
    refuse("[ defaults ]\n1 2\n[ atomtypes ]\nO 16.0 0 0.3 0.3 0.3\n",
           "a.top:4: expected: name [bonded type] [atomic number] mass charge particle-type and two Lennard-Jones "
           "parameters");
    refuse(FF "O 8 16.0 -0.8 A 0.3 0.7\n", "a.top:6: atom type 'O' is defined a second time, differently");
    accept(FF "O 8 16.0 -0.8 A 0.3 0.6\n" MOL TAIL);
    refuse(FF "[ nonbond_params ]\nO H 2 1 1 1\n", "a.top:7: function 2 (Buckingham) is not supported");
    refuse(FF "[ nonbond_params ]\nO X 1 1 1\n" MOL TAIL, "a.top:7: atom type 'X' is not in [ atomtypes ]");
    refuse(FF "[ nonbond_params ]\nO H 1 1 1\nH O 1 1 2\n" MOL TAIL,
           "a.top:8: the pair H O is given a second time, differently");
    refuse("[ defaults ]\n1 2\n[ atomtypes ]\nO 1 0 A 1e99 1\nH 1 0 A 0 0\n" MOL TAIL,
           "a.top:15: the Lennard-Jones parameters of atom types O and O combine to no finite number");
}

static void bad_molecules_are_refused(void **state)
{
    (void)state;
    refuse(FF MOL "[ moleculetype ]\nSOL 1\n", "a.top:13: molecule type 'SOL' is defined a second time");
    refuse(FF "[ atoms ]\n", "a.top:6: [ atoms ] must come after a [ moleculetype ]");
    refuse(FF MOL "[ atomtypes ]\n", "a.top:12: [ atomtypes ] must come before the first [ moleculetype ]");
    refuse(FF MOL "[ setles ]\n", "a.top:12: unknown section [ setles ]");
    refuse(FF MOL "[ settles\n", "a.top:12: section name without ']'");
    refuse(FF MOL "5 O 1 SOL OW 1\n", "a.top:12: atom number 5, but 4 comes next");
    refuse(FF MOL "4 O 1 SOL OW\n",
           "a.top:12: expected: number type residue-number residue atom charge-group [charge [mass]]");
    refuse(FF MOL "4 X 1 SOL OW 1\n" TAIL, "a.top:12: atom type 'X' is not in [ atomtypes ]");
    refuse(FF MOL "4 O 1 SOL OW 1 0 0\n" TAIL,
           "a.top:12: atom 'OW' of molecule type 'SOL' has mass 0; every mass must be positive");
    refuse("[ defaults ]\n1 2\n[ atomtypes ]\nO 8 0 0 D 0 0\nH 1 0 A 0 0\n" MOL TAIL,
           "a.top:9: atom 'OW' of molecule type 'SOL' has particle type D (virtual site), but no [ virtual_sites2 ] or "
           "[ virtual_sites3 ] says where it is");
    refuse(FF MOL "[ settles ]\n1 1 0.1 0.3\n", "a.top:13: doh 0.1 and dhh 0.3 do not make a triangle");
    refuse(FF MOL "[ settles ]\n1 2 0.1 0.16\n", "a.top:13: function: '2' is not a whole number from 1 to 1");
    refuse(FF MOL "[ settles ]\n2 1 0.1 0.16\n" TAIL, "a.top:13: settles names atoms 2 to 4, but 'SOL' has 3 atoms");
    refuse(FF MOL "4 O 1 SOL OW 1\n[ settles ]\n2 1 0.1 0.16\n" TAIL,
           "a.top:14: settles needs legs of equal mass, not 1 and 16");
    refuse(FF MOL "[ exclusions ]\n1 4\n" TAIL, "a.top:13: exclusion of atom 4, but 'SOL' has 3 atoms");
    refuse(FF MOL RIGID "[ settles ]\n1 1 0.1 0.16\n" TAIL, "a.top:7: molecule type SOL: atom 1 is in two settles");
}

static void bad_systems_are_refused(void **state)
{
    (void)state;
    refuse("", "a.top: the topology ends here and has no [ molecules ]");
    refuse(FF MOL, "a.top:11: the topology ends here and has no [ molecules ]");
    refuse(FF MOL "[ molecules ]\nsol 1\n", "a.top:13: molecule type 'sol' is not defined");
    refuse(FF MOL "[ molecules ]\nSOL -1\n",
           "a.top:13: number of molecules: '-1' is not a whole number from 0 to 4611686018427387903");
    refuse(FF MOL "[ molecules ]\nSOL 0\n", "a.top:13: [ molecules ] asks for no atoms at all");
    refuse(FF MOL "[ molecules ]\nSOL 4000000000000000000\n", "a.top:13: more than 281474976710656 atoms");
    refuse(FF "[ moleculetype ]\nE 1\n[ molecules ]\nE 1\n", "a.top:9: molecule type 'E' has no atoms");
    refuse(FF MOL "[ molecules ]\nSOL 1 1\n", "a.top:13: expected: molecule-name count");
    refuse(FF "[ moleculetype ]\nA_name_that_is_longer_than_any_table_takes 1\n",
           "a.top:7: molecule name 'A_name_that_is_longer_than_any_table_takes' is longer than 31 characters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(combination_rules, start, stop),
        cmocka_unit_test_setup_teardown(reference_waters, start, stop),
        cmocka_unit_test_setup_teardown(reference_molecules, start, stop),
        cmocka_unit_test_setup_teardown(bonds_become_constraints, start, stop),
        cmocka_unit_test_setup_teardown(angles_become_constraints, start, stop),
        cmocka_unit_test_setup_teardown(bad_bonds_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(reference_bonds, start, stop),
        cmocka_unit_test_setup_teardown(reference_polymer, start, stop),
        cmocka_unit_test_setup_teardown(installed_force_fields, start, stop),
        cmocka_unit_test_setup_teardown(macros_and_conditions, start, stop),
        cmocka_unit_test_setup_teardown(bad_directives_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(includes, start, stop),
        cmocka_unit_test_setup_teardown(include_depth_is_bounded, start, stop),
        cmocka_unit_test_setup_teardown(only_what_is_used_is_built, start, stop),
        cmocka_unit_test_setup_teardown(unsupported_molecules_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(bad_parameters_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(bad_molecules_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(bad_systems_are_refused, start, stop),
    };
    return cmocka_run_group_tests(tests, files_make, files_remove);
}
