/* Bonded terms of .top files against GROMACS: whole systems by their figures (terms.inc), rules of the look-ups by
 * small molecules whose terms `gmx_d dump` of the same text gave (2022.5, double). */
#include "files.h"

#include <math.h>

#include "read/gromacs_internal.h"

#define RADIAN (3.14159265358979323846 / 180)

static struct sk_topology top;
static struct sk_forcefield ff;

static int start(void **state)
{
    (void)state;
    sk_topology_init(&top);
    sk_forcefield_init(&ff);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    sk_topology_clear(&top);
    sk_forcefield_clear(&ff);
    return 0;
}

static enum sk_code parse(const char *text, enum sk_bonds rigid, const char *define, struct sk_error *err)
{
    stop(NULL);
    return sk_top_parse("a.top", text, strlen(text), define, NULL, rigid, &top, &ff, err);
}

static void accept(const char *text, enum sk_bonds rigid)
{
    struct sk_error err;
    if (parse(text, rigid, NULL, &err) != SK_OK)
        fail_msg("%s", err.message);
}

static void refuse(const char *text, const char *message)
{
    struct sk_error err = {SK_OK, ""};
    assert_int_equal(parse(text, SK_BONDS_NONE, NULL, &err), SK_EINPUT);
    assert_string_equal(err.message, message);
    assert_null(top.moltypes);
    assert_null(ff.parameters);
}

static void round_trip(void)
{
    struct sk_topology again;
    struct sk_forcefield same;
    unsigned char *bytes;
    size_t length;
    sk_topology_init(&again);
    sk_forcefield_init(&same);
    sk_topology_pack(&top, &bytes, &length);
    sk_topology_unpack(&again, bytes, length);
    sk_free(&bytes);
    sk_forcefield_pack(&ff, &bytes, &length);
    sk_forcefield_unpack(&same, bytes, length);
    sk_free(&bytes);
    assert_true(sk_topology_hash(&again) == sk_topology_hash(&top));
    assert_true(sk_forcefield_hash(&same) == sk_forcefield_hash(&ff));
    sk_topology_clear(&again);
    sk_forcefield_clear(&same);
}

/* ---- the reference systems ---- */

struct figures {
    const char *system;
    enum sk_bonds rigid;
    int form, n;
    int64_t moment;
    double value[SK_BONDED_VALUES][3]; /* sum, sum of squares, sum times first atom */
};

static const struct figures reference[] = {
#include "terms.inc"
};

static void add_figures(struct figures *figures, const struct sk_moltype *type)
{
    for (int t = 0; t < type->nterms; t++) {
        const struct sk_term *term = &type->terms[t];
        struct figures *f = &figures[term->form];
        f->n++;
        for (int k = 0; k < sk_bonded_atoms(term->form); k++)
            f->moment += (k + 1) * (int64_t)(term->atom[k] + 1);
        for (int v = 0; v < sk_bonded_values(term->form); v++) {
            double p = ff.parameters[term->parameter].p[v];
            f->value[v][0] += p;
            f->value[v][1] += p * p;
            f->value[v][2] += p * (term->atom[0] + 1);
        }
    }
}

/* gmx dump prints eight decimals; of plain and G96 bonds and angles and of impropers
 * five. */
static void compare_figures(const struct figures *found, const struct figures *expected)
{
    int form = expected->form;
    bool is_short = form == SK_BOND_HARMONIC || form == SK_BOND_G96 || form == SK_ANGLE_HARMONIC ||
                    form == SK_ANGLE_G96 || form == SK_IMPROPER_HARMONIC;
    double near = is_short ? 1e-6 : 1e-8;
    assert_int_equal(found->n, expected->n);
    assert_int_equal(found->moment, expected->moment);
    for (int v = 0; v < sk_bonded_values(expected->form); v++) {
        double size = sqrt(expected->n * expected->value[v][1]);
        check_near(found->value[v][0], expected->value[v][0], near * size, 0);
        check_near(found->value[v][1], expected->value[v][1], 0, 2 * near);
        check_near(found->value[v][2], expected->value[v][2], near * size * top.moltypes[0].natoms, 0);
    }
}

/* Rows [first, end) belong to one system; forms without a row must have no terms. */
static void compare_system(const struct figures *first, const struct figures *end, const char *text)
{
    struct figures found[SK_BONDED_FORMS] = {{0}};
    bool is_expected[SK_BONDED_FORMS] = {false};
    int64_t excluded = 0;
    double lengths = 0;
    int rigid = 0;
    accept(text, first->rigid);
    for (int m = 0; m < top.nmoltypes; m++) {
        const struct sk_moltype *type = &top.moltypes[m];
        add_figures(found, type);
        excluded += type->excluded_start[type->natoms];
        rigid += type->nconstraints;
        for (int c = 0; c < type->nconstraints; c++)
            lengths += type->constraints[c].length;
    }
    for (const struct figures *f = first; f < end; f++) {
        if (f->form >= 0) {
            compare_figures(&found[f->form], f);
            is_expected[f->form] = true;
            continue;
        }
        assert_int_equal(rigid, f->n);
        assert_int_equal(excluded, f->moment);
        check_near(lengths, f->value[0][0], 1e-8, 1e-8);
    }
    for (int form = 0; form < SK_BONDED_FORMS; form++)
        assert_true(found[form].n == 0 || is_expected[form]);
    round_trip();
}

#define INSTALLED "/usr/share/gromacs/top"

/* A topology with the system: a file of the reference systems, or "FOLDER FILE MOLECULE" of gromacs-data. False: that
 * is not there. */
static bool system_text(const char *name, char *text, size_t size)
{
    char field[64], file[64], molecule[64];
    if (sscanf(name, "%63s %63s %63s", field, file, molecule) == 3) {
        snprintf(text, size, "#include \"%s/forcefield.itp\"\n#include \"%s/%s\"\n[ system ]\nx\n[ molecules ]\n%s 1\n",
                 field, field, file, molecule);
        return access(INSTALLED "/oplsaa.ff/forcefield.itp", R_OK) == 0;
    }
    const char *path = files_system(name);
    snprintf(text, size, "#include \"%s\"\n", path ? path : "");
    return path != NULL;
}

static void reference_systems(void **state)
{
    const struct figures *end = reference + sizeof reference / sizeof *reference;
    int ncompared = 0;
    (void)state;
    for (const struct figures *f = reference; f < end;) {
        const struct figures *next = f;
        char text[700];
        while (next < end && strcmp(next->system, f->system) == 0 && next->rigid == f->rigid)
            next++;
        if (system_text(f->system, text, sizeof text)) {
            compare_system(f, next, text);
            ncompared++;
        }
        f = next;
    }
    if (ncompared == 0)
        skip();
}

/* ---- rules, one at a time ---- */

#define HEAD                                                                                                 \
    "[ defaults ]\n1 2 yes 0.5 0.8\n[ atomtypes ]\nA AA 6 12.0 0.1 A 0.3 0.5\nB BB 6 12.0 -0.2 A 0.35 0.6\n" \
    "C CC 6 12.0 0.3 A 0.4 0.7\nD DD 6 12.0 -0.2 A -0.2 0.8\nE EE 6 12.0 0 A 0.2 0.1\n[ nonbond_params ]\n"  \
    "A C 1 0.31 0.9\n[ pairtypes ]\nB C 1 0.33 0.44\n" /* lines 1 to 12 */
#define ATOMS                                                                                                        \
    "[ moleculetype ]\nM 3\n[ atoms ]\n1 A 1 M A 1\n2 B 1 M B 1\n3 C 1 M C 1\n4 D 1 M D 1\n5 E 1 M E 1\n" /* 8 lines \
                                                                                                           */
#define TAIL "[ system ]\nx\n[ molecules ]\nM 1\n"

struct term {
    int form, atom[4]; /* from 1 */
    double p[SK_BONDED_VALUES];
};

static void expect(int n, const struct term *terms)
{
    const struct sk_moltype *type = &top.moltypes[0];
    assert_int_equal(type->nterms, n);
    for (int t = 0; t < n; t++) {
        assert_int_equal(type->terms[t].form, terms[t].form);
        for (int k = 0; k < 4; k++)
            assert_int_equal(type->terms[t].atom[k] + 1, terms[t].atom[k]);
        for (int v = 0; v < SK_BONDED_VALUES; v++)
            check_near(ff.parameters[type->terms[t].parameter].p[v], terms[t].p[v], 1e-12, 5e-9);
    }
    round_trip();
}

static void pairs(void **state)
{
    (void)state;
    accept(HEAD ATOMS "[ pairs ]\n1 3 1\n2 3 1\n1 4 1\n1 5 1 0.25 0.5\n1 2 2 0.9 0.5 -0.4 0.3 0.2\n" TAIL,
           SK_BONDS_NONE);
    /* From [ nonbond_params ] with fudge, [ pairtypes ], mixed with a negative sigma, the line, the line. */
    expect(5, (const struct term[]){
                  {SK_PAIR_14, {1, 3}, {1.59750663e-03, 1.41779301e-06, 0.8 * 0.1 * 0.3}},
                  {SK_PAIR_14, {2, 3}, {2.27298363e-03, 2.93548555e-06, 0.8 * -0.2 * 0.3}},
                  {SK_PAIR_14, {1, 4}, {0, 7.53945746e-08, 0.8 * 0.1 * -0.2}},
                  {SK_PAIR_14, {1, 5}, {4.88281250e-04, 1.19209290e-07, 0}},
                  {SK_PAIR_14, {1, 2}, {5.83200000e-04, 4.25152800e-07, 0.9 * 0.5 * -0.4}},
              });
    refuse("[ defaults ]\n1 1 no\n[ atomtypes ]\nA 12.0 0.1 A 0.3 0.5\nB 12.0 0.1 A 0.3 0.5\n[ moleculetype ]\nM 3\n"
           "[ atoms ]\n1 A 1 M A 1\n2 B 1 M B 1\n[ pairs ]\n2 1 1\n" TAIL,
           "a.top:12: no [ pairtypes ] of function 1 for the atom types B and A");
    refuse(HEAD ATOMS "[ pairs ]\n1 3 2\n" TAIL,
           "a.top:22: function 2 of [ pairs ] needs its 5 parameters in the line");
    refuse(HEAD ATOMS "[ pairs ]\n1 3 1 0.1\n" TAIL, "a.top:22: 1 of 2 parameters");
    refuse(HEAD "C B 1 0.33 0.5\n", "a.top:13: the pair C B is given a second time, differently");
}

static void check_dihedrals(const char *types, const char *lines, int n, const struct term *terms)
{
    char text[2000];
    snprintf(text, sizeof text, HEAD "[ dihedraltypes ]\n%s" ATOMS "[ dihedrals ]\n%s" TAIL, types, lines);
    accept(text, SK_BONDS_ALL);
    expect(n, terms);
}

static void dihedral_look_ups(void **state)
{
    (void)state;
    /* Equally many wildcards: the first of the file. */
    check_dihedrals("X BB CC DD 9 0 1 1\nAA BB CC X 9 0 2 2\n", "1 2 3 4 9\n", 1,
                    (const struct term[]){{SK_DIHEDRAL_PERIODIC, {1, 2, 3, 4}, {0, 1, 1}}});
    check_dihedrals("AA BB CC X 9 0 2 2\nX BB CC DD 9 0 1 1\n", "1 2 3 4 9\n", 1,
                    (const struct term[]){{SK_DIHEDRAL_PERIODIC, {1, 2, 3, 4}, {0, 2, 2}}});
    /* The fewest wildcards, in either order. */
    check_dihedrals("X BB CC X 9 0 1 1\nX CC BB AA 9 0 2 2\nDD CC BB AA 9 0 3 3\n", "1 2 3 4 9\n4 3 2 5 9\n", 2,
                    (const struct term[]){{SK_DIHEDRAL_PERIODIC, {1, 2, 3, 4}, {0, 3, 3}},
                                          {SK_DIHEDRAL_PERIODIC, {4, 3, 2, 5}, {0, 1, 1}}});
    /* Lines of function 9 add up, for function 1 too; the same again says nothing; no force, no term. */
    check_dihedrals("AA BB CC DD 9 0 1 1\nAA BB CC DD 9 180 2 2\nAA BB CC DD 9 180 2 2\n", "1 2 3 4 1\n", 2,
                    (const struct term[]){{SK_DIHEDRAL_PERIODIC, {1, 2, 3, 4}, {0, 1, 1}},
                                          {SK_DIHEDRAL_PERIODIC, {1, 2, 3, 4}, {180 * RADIAN, 2, 2}}});
    check_dihedrals("AA BB CC DD 9 0 1 1\nAA BB CC EE 9 0 2 2\nAA BB CC DD 9 0 1 1\n", "4 3 2 1 9\n", 1,
                    (const struct term[]){{SK_DIHEDRAL_PERIODIC, {4, 3, 2, 1}, {0, 1, 1}}});
    check_dihedrals(
        "AA BB CC DD 9 180 0 2\nAA BB CC DD 9 0 0 3\n",
        "1 2 3 4 9\n1 2 3 5 1 180 0 2\n1 2 3 5 4 180 0 0\n1 2 3 5 9 0 0 2\n1 2 3 5 2 10 0\n1 2 3 5 1 0 1 0\n"
        "1 2 3 5 3 0 0 0 0 0 0\n1 2 3 5 2 0 0\n",
        2,
        (const struct term[]){{SK_DIHEDRAL_PERIODIC, {1, 2, 3, 5}, {0, 1, 0}},
                              {SK_IMPROPER_HARMONIC, {1, 2, 3, 5}, {10 * RADIAN, 0}}});
    /* Two types: the middle ones, or the outer ones of an improper. */
    check_dihedrals("BB CC 1 0 5 2\nAA DD 2 10 20\n", "1 2 3 4 1\n1 2 3 4 2\n", 2,
                    (const struct term[]){{SK_DIHEDRAL_PERIODIC, {1, 2, 3, 4}, {0, 5, 2}},
                                          {SK_IMPROPER_HARMONIC, {1, 2, 3, 4}, {10 * RADIAN, 20}}});
    /* Ryckaert-Bellemans as it is, and from Fourier coefficients (manual 2022, 5.128). */
    check_dihedrals("AA BB CC DD 5 1 2 3 4 ; F\nAA BB CC DD 3 1 2 3 4 5 6 and words\n",
                    "1 2 3 4 5\n1 2 3 4 3\n1 2 3 5 5 4 3 2 1 4 3 2 1\n", 3,
                    (const struct term[]){{SK_DIHEDRAL_RYCKAERT, {1, 2, 3, 4}, {4, 4, 14, -6, -16, 0}},
                                          {SK_DIHEDRAL_RYCKAERT, {1, 2, 3, 4}, {1, 2, 3, 4, 5, 6}},
                                          {SK_DIHEDRAL_RYCKAERT, {1, 2, 3, 5}, {6, 1, 1, -4, -4, 0}}});
    /* cos(-2 phi - 30) is cos(2 phi + 30). */
    check_dihedrals("", "1 2 3 4 4 30 1 -2\n", 1,
                    (const struct term[]){{SK_IMPROPER_PERIODIC, {1, 2, 3, 4}, {-30 * RADIAN, 1, 2}}});
}

static void refuse_dihedrals(const char *types, const char *lines, const char *message)
{
    char text[2000];
    snprintf(text, sizeof text, HEAD "[ dihedraltypes ]\n%s" ATOMS "[ dihedrals ]\n%s" TAIL, types, lines);
    refuse(text, message);
}

static void bad_dihedrals(void **state)
{
    static const char second[] = "a second block of parameters for the same types, which differs; lines for one "
                                 "dihedral must follow each other, with the types in the same order";
    char message[300];
    (void)state;
    snprintf(message, sizeof message, "a.top:15: %s", second);
    refuse_dihedrals("AA BB CC DD 9 0 1 1\nDD CC BB AA 9 0 2 2\n", "", message);
    snprintf(message, sizeof message, "a.top:16: %s", second);
    refuse_dihedrals("AA BB CC DD 9 0 1 1\nAA BB CC EE 9 0 2 2\nAA BB CC DD 9 0 3 3\n", "", message);
    refuse_dihedrals("AA BB CC DD 4 0 1 1\n", "1 2 3 4 9\n",
                     "a.top:24: no [ dihedraltypes ] of function 9 for the bonded types AA, BB, CC and DD");
    refuse_dihedrals("AA BB CC DD 9 0 1\n", "", "a.top:14: 2 of 3 parameters");
    refuse_dihedrals("AA BB CC DD 9 0 1 gd_1\n", "", "a.top:14: parameter: 'gd_1' is not a number");
    refuse_dihedrals("AA BB CC DD 9 0 1 1 8\n", "", "a.top:14: 4 parameters, not 3 (or 6 with a second state)");
    refuse_dihedrals("AA BB CC 9 10 1 1\n", "",
                     "a.top:14: expected: four types, or two, and a function of one digit with its parameters");
    refuse_dihedrals("", "1 2 3 4 1 0 1 gd_1\n", "a.top:23: parameter: 'gd_1' is not a number");
    refuse_dihedrals("", "1 2 3 4 1 0 1 1.7\n",
                     "a.top:23: the multiplicity of a dihedral must be a whole number up to 1000 (molecule type 'M')");
    refuse_dihedrals("", "1 2 2 4 1 0 1 1\n", "a.top:23: [ dihedrals ]: atom 2 of molecule type 'M' is named twice");
    refuse_dihedrals("", "1 2 3 6 1 0 1 1\n", "a.top:23: atom 6, but 'M' has 5 atoms");
    refuse_dihedrals("", "1 2 3 4 8 0 1\n",
                     "a.top:23: [ dihedrals ] of molecule type 'M': function 8 is not supported");
    refuse_dihedrals("", "1 2 3 4 9 0 1 1 0 2 1\n",
                     "a.top:23: [ dihedrals (second state of free energy calculations) ] of molecule type 'M' is not "
                     "supported");
    refuse_dihedrals("AA BB CC DD 9 0 1 1 0 2 1\n", "1 2 3 4 9\n",
                     "a.top:24: the [ dihedraltypes ] of this line have a second state (free energy), which is not "
                     "supported");
}

/* ---- bonds, angles, restraints, sites ---- */

#define MIXED                                                                                                      \
    "#define gb_1 0.1 2e5\n#define ga_1 110.0 400.0\n[ defaults ]\n1 2 yes 0.5 0.8\n[ atomtypes ]\n"               \
    "A AA 6 12.0 0.1 A 0.3 0.5\nB BB 6 12.0 -0.2 A 0.35 0.6\nH HH 1 1.0 0.3 A 0.4 0.7\nV 0 0 V 0 0\n"              \
    "[ bondtypes ]\nAA BB 1 0.15 1000\nAA BB 3 0.16 500 20\nBB HH 2 0.11 3000\nHH AA 7 0.2 700\nAA HH 6 0.3 800\n" \
    "[ angletypes ]\nHH BB AA 1 109 300\nAA BB HH 2 108 310\nAA BB HH 5 107 320 0.21 330\n[ cmaptypes ]\n"         \
    "AA BB HH AA HH 1 2 2 1 2 \\\n 3 4\n" /* lines 1 to 22 */                                                      \
    "[ moleculetype ]\nM 1\n[ atoms ]\n1 A 1 M A1 1\n2 B 1 M B2 1\n3 H 1 M H3 1\n4 A 1 M A4 1\n5 H 1 M H5 1\n"     \
    "6 V 1 M V6 1 0.2\n7 V 1 M V7 1 -0.2\n" /* lines 23 to 32 */

static void all_functions(void **state)
{
    static const struct term terms[] = {
        {SK_BOND_HARMONIC, {1, 2}, {0.1, 2e5}},
        {SK_BOND_HARMONIC, {1, 5}, {0.3, 800}},
        {SK_BOND_HARMONIC, {4, 2}, {0.15, 1000}},
        {SK_BOND_G96, {2, 3}, {0.11, 3000}},
        {SK_BOND_MORSE, {2, 1}, {0.16, 500, 20}},
        {SK_BOND_FENE, {4, 5}, {0.2, 700}},
        {SK_ANGLE_HARMONIC, {1, 2, 3}, {109 * RADIAN, 300}},
        {SK_ANGLE_HARMONIC, {2, 4, 5}, {110 * RADIAN, 400}},
        {SK_ANGLE_HARMONIC, {3, 2, 5}, {100 * RADIAN, 10}},
        {SK_ANGLE_G96, {3, 2, 1}, {108 * RADIAN, 310}},
        {SK_ANGLE_UREY_BRADLEY, {1, 2, 3}, {107 * RADIAN, 320, 0.21, 330}},
        {SK_ANGLE_UREY_BRADLEY, {1, 2, 4}, {100 * RADIAN, 50, 0, 0}},
        {SK_PAIR_14, {6, 3}, {0, 0, 0.8 * 0.2 * 0.3}},
        {SK_POSITION_RESTRAINT, {2}, {100, 200, 300}},
    };
    static const char text[] = MIXED
        "[ bonds ]\n1 2 1 gb_1\n2 1 3\n2 3 2\n4 5 7\n1 5 6\n4 2 1\n4 1 5\n[ angles ]\n1 2 3 1\n3 2 1 2\n1 2 3 5\n"
        "2 4 5 1 ga_1\n3 2 5 1 100 10\n1 2 4 5 100 50 0 0\n[ virtual_sites2 ]\n6 1 2 1 0.3\n[ dummies3 ]\n"
        "7 3 4 5 1 0.2 0.4\n[ position_restraints ]\n2 1 100 200 300\n4 1 0 0 0\n[ pairs ]\n6 3 1\n" TAIL;
    static const int excluded[7] = {2, 3, 1, 3, 1, 0, 0}; /* as in gmx: bonds 6 and sites exclude nothing */
    (void)state;
    accept(text, SK_BONDS_NONE);
    expect(14, terms);
    const struct sk_moltype *type = &top.moltypes[0];
    for (int i = 0; i < 7; i++)
        assert_int_equal(type->excluded_start[i + 1] - type->excluded_start[i], excluded[i]);
    assert_int_equal(type->nsites, 2);
    assert_int_equal(type->sites[0].form, SK_VIRTUAL_2);
    assert_true(type->sites[0].place == 5 && type->sites[0].from[1] == 1 && type->sites[0].from[2] == -1);
    assert_true(type->sites[0].a == 0.3);
    assert_int_equal(type->sites[1].form, SK_VIRTUAL_3);
    assert_true(type->sites[1].place == 6 && type->sites[1].from[0] == 2 && type->sites[1].from[2] == 4);
    assert_true(type->sites[1].a == 0.2 && type->sites[1].b == 0.4);
    assert_true(top.kinds[type->atoms[5].kind].mass == 0 && top.kinds[type->atoms[5].kind].charge == 0.2);
    assert_int_equal(type->group_of[5], type->group_of[0]); /* with what it is built from */
    assert_int_equal(type->group_of[6], type->group_of[4]);
    /* Under h-bonds the bond 2-3 is no term any more. */
    accept(text, SK_BONDS_H_BONDS);
    assert_int_equal(top.moltypes[0].nterms, 13);
    assert_int_equal(top.moltypes[0].nconstraints, 1);
    assert_int_equal(sk_topology_terms(&top, SK_BOND_G96), 0);
    assert_int_equal(sk_topology_terms(&top, SK_BOND_HARMONIC), 3);
    assert_int_equal(sk_topology_sites(&top), 2);
}

static void correction_maps(void **state)
{
    (void)state;
    accept(MIXED "[ virtual_sites2 ]\n6 1 2 1 0.3\n7 1 2 1 0.4\n[ cmap ]\n1 2 3 4 5 1\n" TAIL, SK_BONDS_NONE);
    assert_int_equal(top.moltypes[0].nterms, 1);
    assert_int_equal(top.moltypes[0].terms[0].form, SK_CMAP);
    assert_int_equal(top.moltypes[0].terms[0].parameter, 0);
    assert_int_equal(ff.ncmaps, 1);
    assert_int_equal(ff.cmaps[0].n, 2);
    for (int k = 0; k < 4; k++)
        assert_true(ff.cmaps[0].energy[k] == k + 1);
    round_trip();
    refuse(MIXED "[ virtual_sites2 ]\n6 1 2 1 0.3\n7 1 2 1 0.4\n[ cmap ]\n5 4 3 2 1 1\n" TAIL,
           "a.top:37: no [ cmaptypes ] of function 1 for the bonded types HH, AA, HH, BB and AA");
    refuse(HEAD "[ cmaptypes ]\nAA BB CC DD EE 1 2 2 1 2 3\n", "a.top:14: 3 of 4 parameters");
    refuse(HEAD "[ cmaptypes ]\nAA BB CC DD EE 1 2 3 1 2 3\n",
           "a.top:14: number of points: '3' is not a whole number from 2 to 2");
}

static void bad_molecules(void **state)
{
    static const char *const cases[][2] = {
        {"[ bonds ]\n1 2 8\n", "a.top:36: [ bonds ] of molecule type 'M': function 8 is not supported"},
        {"[ bonds ]\n1 2 4 1 1 1\n", "a.top:36: [ bonds ] of molecule type 'M': function 4 is not supported"},
        {"[ bonds ]\n1 3 1\n", "a.top:36: no [ bondtypes ] of function 1 for the bonded types AA and HH"},
        {"[ bonds ]\n1 3 7 0 1\n", "a.top:36: the length of a FENE bond must be positive (molecule type 'M')"},
        {"[ bonds ]\n1 6 1 0.1 1\n",
         "a.top:36: a virtual site can only be in [ pairs ] and [ exclusions ] (molecule type 'M')"},
        {"[ constraints ]\n1 6 1 0.1\n",
         "a.top:36: a rigid bond to a virtual site (atoms 1 and 6 of molecule type 'M')"},
        {"[ angles ]\n1 2 3 8 1 1\n", "a.top:36: [ angles ] of molecule type 'M': function 8 is not supported"},
        {"[ position_restraints ]\n1 1\n",
         "a.top:36: function 1 of [ position_restraints ] needs its 3 parameters in the line"},
        {"[ position_restraints ]\n1 2 1 1 1\n",
         "a.top:36: [ position_restraints ] of molecule type 'M': function 2 is not supported"},
        {"[ virtual_sites3 ]\n7 1 2 3 3 100 0.1\n",
         "a.top:36: [ virtual_sites3 (function 3) ] of molecule type 'M' is not supported"},
        {"[ virtual_sites2 ]\n7 1 2 1 0.1\n", "a.top:24: molecule type M: atom 7 is a virtual site twice"},
        {"[ virtual_sites2 ]\n5 1 2 1 0.1\n",
         "a.top:30: virtual site 'H5' of molecule type 'M' has mass 1; it must have none"},
        {"[ virtual_sites2 ]\n6 1 2 1\n", "a.top:36: 0 of 1 parameters"},
        {"[ virtual_sites2 ]\n6 1 2 1 1 1\n", "a.top:36: 2 parameters, not 1"},
    };
    char text[2000];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, MIXED "[ virtual_sites2 ]\n7 1 2 1 0.3\n%s%s" TAIL, cases[i][0],
                 i < 9 || i == 10 || i == 11 ? "[ dummies2 ]\n6 1 2 1 0.2\n" : "");
        refuse(text, cases[i][1]);
    }
    refuse(MIXED TAIL, "a.top:31: atom 'V6' of molecule type 'M' has particle type V (virtual site), but no "
                       "[ virtual_sites2 ] or [ virtual_sites3 ] says where it is");
    refuse(MIXED "[ virtual_sites2 ]\n6 1 2 1 0.3\n7 6 2 1 0.3\n" TAIL,
           "a.top:24: molecule type M: the virtual site 7 is built from a virtual site, 6");
    refuse(MIXED "[ virtual_sites3 ]\n6 1 2 3 1 0.3 0.3\n7 3 4 5 1 0.3 0.3\n" TAIL,
           "a.top:24: molecule type M: the virtual site 6 and others join 7 atoms; at most 5 are supported");
    refuse("[ defaults ]\n1 2 no 1 1 9\n", "a.top:2: repulsion power 9 is not supported; only 12");
}

/* ---- the installed force fields ---- */

static void installed_waters(void **state)
{
    static const struct {
        const char *field, *water, *define;
        int natoms, bonds, angles, sites, form;
        double a, c;
    } cases[] = {
        {"amber99sb-ildn", "spce", "-DFLEXIBLE", 3, 2, 1, 0, 0, 0, 0},
        {"charmm27", "tip4p", NULL, 4, 0, 0, 1, SK_VIRTUAL_3, 0.128012065, 0},
        {"oplsaa", "tip4p", "-DFLEXIBLE", 4, 2, 1, 1, SK_VIRTUAL_3, 0.128012065, 0},
        {"oplsaa", "tip5p", NULL, 5, 0, 0, 2, SK_VIRTUAL_3_OUT, -0.344908, -6.4437903493},
    };
    (void)state;
    if (access(INSTALLED "/oplsaa.ff/forcefield.itp", R_OK) != 0)
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        struct sk_error err;
        snprintf(text, sizeof text,
                 "#include \"%s.ff/forcefield.itp\"\n#include \"%s.ff/%s.itp\"\n[ system ]\nx\n[ molecules ]\nSOL 1\n",
                 cases[i].field, cases[i].field, cases[i].water);
        if (parse(text, SK_BONDS_NONE, cases[i].define, &err) != SK_OK)
            fail_msg("%s", err.message);
        const struct sk_moltype *type = &top.moltypes[0];
        assert_int_equal(type->natoms, cases[i].natoms);
        assert_int_equal(sk_topology_terms(&top, SK_BOND_HARMONIC), cases[i].bonds);
        assert_int_equal(sk_topology_terms(&top, SK_ANGLE_HARMONIC), cases[i].angles);
        assert_int_equal(type->nterms, cases[i].bonds + cases[i].angles);
        assert_int_equal(type->nsites, cases[i].sites);
        assert_int_equal(type->ngroups, cases[i].sites || type->nsettles ? 1 : type->ngroups);
        assert_int_equal(type->excluded_start[type->natoms], type->natoms * (type->natoms - 1));
        if (!cases[i].sites)
            continue;
        assert_true(type->sites[0].form == cases[i].form && type->sites[0].place == 3);
        assert_true(type->sites[0].from[0] == 0 && type->sites[0].from[1] == 1 && type->sites[0].from[2] == 2);
        check_near(type->sites[0].a, cases[i].a, 1e-9, 0);
        check_near(type->sites[0].b, cases[i].a, 1e-9, 0);
        check_near(type->sites[0].c, cases[i].c, 1e-9, 0);
    }
}

/* Whatever file of molecules or parameters a force field of gromacs-data has: it is read. */
static void installed_files(void **state)
{
    char field[256], file[256], text[900];
    int nfiles = 0;
    struct sk_error err;
    (void)state;
    FILE *list = popen("cd " INSTALLED " 2>/dev/null && ls *.ff/*.itp | tr / ' '", "r");
    assert_non_null(list);
    while (fscanf(list, "%255s %255s", field, file) == 2) {
        /* parts of forcefield.itp are read through it */
        bool is_part = strncmp(file, "ff", 2) == 0 || strcmp(file, "forcefield.itp") == 0 ||
                       strcmp(file, "cmap.itp") == 0 || strcmp(file, "gb.itp") == 0 ||
                       strcmp(file, "old_rtp_angles.itp") == 0;
        for (int flexible = 0; flexible < 2; flexible++) {
            snprintf(text, sizeof text,
                     "#include \"%s/forcefield.itp\"\n%s%s%s%s%s[ moleculetype ]\nNONE 0\n[ atoms ]\n1 T 1 N N 1\n"
                     "[ system ]\nx\n[ molecules ]\nNONE 1\n",
                     field, is_part ? "" : "#include \"", is_part ? "" : field, is_part ? "" : "/", is_part ? "" : file,
                     is_part ? "" : "\"\n");
            /* the type T is none of theirs: all was read when it is missed */
            assert_int_equal(parse(text, SK_BONDS_NONE, flexible ? "-DFLEXIBLE -DPOSRES" : NULL, &err), SK_EINPUT);
            if (!strstr(err.message, "atom type 'T' is not in [ atomtypes ]"))
                fail_msg("%s/%s: %s", field, file, err.message);
        }
        nfiles++;
    }
    pclose(list);
    if (nfiles == 0)
        skip();
}

/* ---- includes ---- */

static void wrong_lines_name_their_chain(void **state)
{
    char message[900];
    struct sk_error err;
    (void)state;
    assert_int_equal(mkdir(files_path("x.ff"), 0700), 0);
    files_write("x.ff/forcefield.itp", "[ defaults ]\n1 2 yes 1 1\n#include \"bonded.itp\"\n");
    files_write("x.ff/bonded.itp", "[ atomtypes ]\nA 12 0 A 0.3 1\n[ dihedraltypes ]\nX A A X 9 0 zero 1\n");
    files_write("mol.itp", "[ moleculetype ]\nM 3\n[ atoms ]\n1 A 1 M A 1\n2 A 1 M A 1\n[ bonds ]\n1 2 1\n");
    const char *path = files_write("main.top", "#include \"x.ff/forcefield.itp\"\n#include \"mol.itp\"\n" TAIL);
    assert_int_equal(sk_top_read(path, NULL, NULL, SK_BONDS_NONE, &top, &ff, &err), SK_EINPUT);
    snprintf(message, sizeof message, "%s:4: parameter: 'zero' is not a number (included from %s:3, from %s:1)",
             files_path("x.ff/bonded.itp"), files_path("x.ff/forcefield.itp"), path);
    assert_string_equal(err.message, message);
    files_write("x.ff/bonded.itp", "[ atomtypes ]\nA 12 0 A 0.3 1\n[ dihedraltypes ]\nX A A X 9 0 0 1\n");
    assert_int_equal(sk_top_read(path, NULL, NULL, SK_BONDS_NONE, &top, &ff, &err), SK_EINPUT);
    snprintf(message, sizeof message,
             "%s:7: no [ bondtypes ] of function 1 for the bonded types A and A (included from %s:2)",
             files_path("mol.itp"), path);
    assert_string_equal(err.message, message);
    /* With parameters it is read. */
    files_write("mol.itp", "[ moleculetype ]\nM 3\n[ atoms ]\n1 A 1 M A 1\n2 A 1 M A 1\n[ bonds ]\n1 2 1 0.1 1000\n");
    assert_int_equal(sk_top_read(path, NULL, NULL, SK_BONDS_NONE, &top, &ff, &err), SK_OK);
    assert_int_equal(sk_topology_terms(&top, SK_BOND_HARMONIC), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reference_systems, start, stop),
        cmocka_unit_test_setup_teardown(pairs, start, stop),
        cmocka_unit_test_setup_teardown(dihedral_look_ups, start, stop),
        cmocka_unit_test_setup_teardown(bad_dihedrals, start, stop),
        cmocka_unit_test_setup_teardown(all_functions, start, stop),
        cmocka_unit_test_setup_teardown(correction_maps, start, stop),
        cmocka_unit_test_setup_teardown(bad_molecules, start, stop),
        cmocka_unit_test_setup_teardown(installed_waters, start, stop),
        cmocka_unit_test_setup_teardown(installed_files, start, stop),
        cmocka_unit_test_setup_teardown(wrong_lines_name_their_chain, start, stop),
    };
    return cmocka_run_group_tests(tests, files_make, files_remove);
}
