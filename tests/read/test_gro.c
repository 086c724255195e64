#include "files.h"

#include "read/gromacs_internal.h"

/* One SPC/E-like molecule type of three atoms, `count` molecules; enough of a topology for a .gro. */
static void make_water(struct sk_topology *top, int count)
{
    char text[600];
    struct sk_forcefield ff;
    struct sk_error err;
    snprintf(text, sizeof text,
             "[ defaults ]\n1 2\n[ atomtypes ]\nO 16 0 A 0.3 0.6\nH 1 0 A 0 0\n[ moleculetype ]\nSOL 2\n[ atoms ]\n"
             "1 O 1 SOL OW 1\n2 H 1 SOL HW1 1\n3 H 1 SOL HW2 1\n[ system ]\nx\n[ molecules ]\nSOL %d\n",
             count);
    sk_topology_init(top);
    sk_forcefield_init(&ff);
    if (sk_top_parse("w.top", text, strlen(text), NULL, NULL, SK_BONDS_NONE, top, &ff, &err) != SK_OK)
        fail_msg("%s", err.message);
    sk_forcefield_clear(&ff);
}

static enum sk_code read_text(const char *text, int molecules, struct sk_structure *structure,
                              struct files_atoms *atoms, struct sk_error *err)
{
    struct sk_topology top;
    const char *path = files_write("w.gro", text);
    make_water(&top, molecules);
    enum sk_code code = sk_gro_open(path, structure, err);
    if (code == SK_OK)
        code = sk_gro_read(path, &top, files_atom_sink, atoms, err);
    sk_topology_clear(&top);
    return code;
}

static void accept(const char *text, struct sk_structure *structure, struct files_atoms *atoms)
{
    struct sk_error err;
    files_atoms_init(atoms, 3);
    if (read_text(text, 1, structure, atoms, &err) != SK_OK)
        fail_msg("%s", err.message);
    assert_int_equal(atoms->n, 3);
}

/* Refused as bad input with exactly "FOLDER/w.gro" and this text. */
static void refuse(const char *text, const char *message)
{
    struct sk_structure structure;
    struct files_atoms atoms;
    struct sk_error err = {SK_OK, ""};
    char expected[1024];
    files_atoms_init(&atoms, 3);
    assert_int_equal(read_text(text, 1, &structure, &atoms, &err), SK_EINPUT);
    assert_int_equal(err.code, SK_EINPUT);
    snprintf(expected, sizeof expected, "%s%s", files_path("w.gro"), message);
    assert_string_equal(err.message, expected);
    files_atoms_clear(&atoms);
}

#define HEAD "water\n3\n"
#define O    "    1SOL     OW    1   0.230   0.628   0.113\n"
#define H1   "    1SOL    HW1    2   0.137   0.626  -0.150\n"
#define H2   "    1SOL    HW2    3   0.231  10.589   0.021\n"
#define BOX  "   1.86206   2.5   3\n"

static void three_decimals(void **state)
{
    struct sk_structure s;
    struct files_atoms a;
    (void)state;
    accept(HEAD O H1 H2 BOX "\n  \n", &s, &a);
    assert_int_equal(s.natoms, 3);
    assert_true(s.box.edge[0] == 1.86206 && s.box.edge[1] == 2.5 && s.box.edge[2] == 3.0);
    assert_false(s.has_velocities);
    assert_true(a.x[0][0] == 0.230 && a.x[0][1] == 0.628 && a.x[0][2] == 0.113);
    assert_true(a.x[1][2] == -0.150 && a.x[2][1] == 10.589);
    assert_true(a.id[0] == 0 && a.id[2] == 2 && a.kind[0] == -1 && a.image[1][1] == 0 && a.v[2][2] == 0);
    files_atoms_clear(&a);
}

/* Columns that touch: width is the distance of the points, and velocities have one decimal more. */
static void touching_columns_and_velocities(void **state)
{
    struct sk_structure s;
    struct files_atoms a;
    (void)state;
    accept(HEAD "99999SOL     OW99999-100.230-100.628-100.113-10.1234 20.5678-30.0000\n"
                "99999SOL    HW1    0   0.137   0.626   0.150  0.1000  0.2000  0.3000\n"
                "    0SOL    HW2    1   0.231   0.589   0.021  0.0000 -0.0001  0.0000\r\n" BOX,
           &s, &a);
    assert_true(s.has_velocities);
    assert_true(a.x[0][0] == -100.230 && a.x[0][2] == -100.113 && a.v[0][0] == -10.1234 && a.v[0][2] == -30.0);
    assert_true(a.v[1][1] == 0.2 && a.v[2][1] == -0.0001);
    files_atoms_clear(&a);
}

static void other_precisions(void **state)
{
    struct sk_structure s;
    struct files_atoms a;
    (void)state;
    accept(HEAD
           "    1SOL     OW    1   2.92269377   0.95951289   2.97083795  0.065072175 -0.513790927 -0.013844376\n"
           "    1SOL    HW1    2   2.87987150   0.87442751   3.00128019  2.078210607 -0.994531506  1.712999399\n"
           "    1SOL    HW2    3   2.96860022   0.94427201   2.88331473  1.994072802 -1.826007956  1.148798162\n" BOX,
           &s, &a);
    assert_true(a.x[1][1] == 0.87442751 && a.v[2][2] == 1.148798162);
    files_atoms_clear(&a);
    accept(HEAD "    1SOL     OW    1   0.2   0.6   0.1\n    1SOL    HW1    2   0.1   0.6   0.2\n"
                "    1SOL    HW2    3   0.2   0.5  -0.2\n   3 3 3 0 0 0.0 0 -0 0\n",
           &s, &a);
    assert_true(a.x[2][2] == -0.2 && s.box.edge[0] == 3.0);
    files_atoms_clear(&a);
}

static void boxes_are_refused(void **state)
{
    (void)state;
    refuse(HEAD O H1 H2 "3 3 3 0 1 1 0 0 0\n", ":6: the box is not in standard orientation: its first vector must lie "
                                               "along x, its second in the xy plane (numbers 4, 5 and 7 are to be 0)");
    refuse(HEAD O H1 H2 "3 0 3\n", ":6: box edge y is 0; all edges must be positive");
    refuse(HEAD O H1 H2 "3 3\n", ":6: expected the box: 3 or 9 numbers");
    refuse(HEAD O H1 H2 "3 3 nan\n", ":6: expected the box: 3 or 9 numbers");
    refuse(HEAD O H1 H2 O BOX, ":6: expected the box: 3 or 9 numbers (or are there more atoms than line 2 says?)");
    refuse(HEAD O H1 H2 BOX HEAD, ":7: text after the box line; files with several frames are not supported");
}

static void truncated_files_are_refused(void **state)
{
    (void)state;
    refuse("", ":0: the file ends here; a title line should follow");
    refuse("water\n", ":1: the file ends here; the number of atoms should follow");
    refuse(HEAD O H1, ":4: the file ends after 2 of 3 atoms");
    refuse(HEAD O H1 H2, ":5: the file ends here; the box line should follow");
    refuse(HEAD O H1 "    1SOL    HW2    3   0.231  10.589   \n" BOX, ":5: position z: the line ends before column 44");
    refuse(HEAD O H1 "    1SOL    HW2    3   0.231  10.589   0.02\n" BOX,
           ":5: position z: the line ends before column 44");
}

static void bad_atoms_are_refused(void **state)
{
    (void)state;
    refuse("water\nthree\n" O, ":2: 'three' is not a number of atoms");
    refuse("water\n0\n" BOX, ":2: '0' is not a number of atoms");
    refuse(HEAD "    1SOL     OW    1  0.230 0.628\n" H1 H2 BOX,
           ":3: expected an atom: 20 characters of names and numbers, then x y z in columns of equal width");
    refuse(HEAD O "    1SOL    HW1    2   0.137   0.6x6   0.150\n" H2 BOX,
           ":4: position y: '   0.6x6' is not a number (columns 29 to 36)");
    refuse(HEAD O "    1SOL    HW1    2  0.137   0.626   0.150 \n" H2 BOX,
           ":4: position x does not stand in the columns of the first atom");
    refuse(HEAD O "    1SOL  \n" H2 BOX, ":4: expected atom 2 of 3; the line is too short");
    refuse(HEAD O "    1SOL    HW1    2   0.137   0.626   0.150  0.1000  0.2000  0.3000\n" H2 BOX,
           ":4: text after the position, though the first atom has no velocity");
    refuse(HEAD "    1SOL     OW    1   0.137   0.626   0.150  0.1000  0.2000  0.3000\n" H1 H2 BOX,
           ":4: velocity x: the line ends before column 52");
    refuse(HEAD O "    1SOL    HW1    2   1e999   0.626   0.150\n" H2 BOX,
           ":4: position x: '   1e999' is not a number (columns 21 to 28)");
}

static void names_and_counts_must_match(void **state)
{
    (void)state;
    refuse(
        HEAD O "    1SOL    HW2    2   0.137   0.626   0.150\n" H2 BOX,
        ":4: atom 2 is 'HW2' of residue 'SOL' here, but 'HW1' of residue 'SOL' in the topology (molecule type 'SOL'); "
        "are the molecules in the same order?");
    refuse(HEAD "    1WAT     OW    1   0.137   0.626   0.150\n" H1 H2 BOX,
           ":3: atom 1 is 'OW' of residue 'WAT' here, but 'OW' of residue 'SOL' in the topology (molecule type 'SOL'); "
           "are the molecules in the same order?");
    refuse("water\n2\n" O H1 BOX, ":2: 2 atoms here, but 3 in the topology");
}

static enum sk_code failing_sink(void *context, const struct sk_atom_block *block, struct sk_error *err)
{
    (void)context, (void)block;
    return sk_fail(err, SK_EENV, "no room");
}

static void failures_of_the_sink_come_back(void **state)
{
    struct sk_topology top;
    struct sk_error err;
    const char *path = files_write("w.gro", HEAD O H1 H2 BOX);
    (void)state;
    make_water(&top, 1);
    assert_int_equal(sk_gro_read(path, &top, failing_sink, NULL, &err), SK_EENV);
    assert_string_equal(err.message, "no room");
    sk_topology_clear(&top);
}

/* More than one block and numbers that wrap: 8,000 waters of the reference systems. */
static void reference_water(void **state)
{
    struct sk_topology top;
    struct sk_structure s;
    struct sk_error err;
    struct files_atoms a;
    (void)state;
    const char *path = files_system("spce/conf-24k.gro.xz");
    if (!path)
        skip();
    make_water(&top, 8000);
    files_atoms_init(&a, 24000);
    if (sk_gro_open(path, &s, &err) != SK_OK || sk_gro_read(path, &top, files_atom_sink, &a, &err) != SK_OK)
        fail_msg("%s", err.message);
    /* First and last line of the file. */
    assert_int_equal(a.n, 24000);
    assert_int_equal(a.nblocks, 3);
    assert_true(s.has_velocities && s.box.edge[0] == 6.2128 && s.box.edge[2] == 6.2128);
    char last[2][200], command[700];
    for (int k = 0; k < 2; k++) {
        snprintf(command, sizeof command, "sed -n %dp '%s' | cut -c21-", k ? 24002 : 3, path);
        FILE *in = popen(command, "r");
        assert_non_null(fgets(last[k], sizeof last[k], in));
        pclose(in);
        const double *x = a.x[k ? 23999 : 0], *v = a.v[k ? 23999 : 0];
        double y[6];
        assert_int_equal(sscanf(last[k], "%lf %lf %lf %lf %lf %lf", y, y + 1, y + 2, y + 3, y + 4, y + 5), 6);
        for (int j = 0; j < 3; j++)
            assert_true(x[j] == y[j] && v[j] == y[j + 3]);
    }
    files_atoms_clear(&a);
    sk_topology_clear(&top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_decimals),
        cmocka_unit_test(touching_columns_and_velocities),
        cmocka_unit_test(other_precisions),
        cmocka_unit_test(boxes_are_refused),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(bad_atoms_are_refused),
        cmocka_unit_test(names_and_counts_must_match),
        cmocka_unit_test(failures_of_the_sink_come_back),
        cmocka_unit_test(reference_water),
    };
    return cmocka_run_group_tests(tests, files_make, files_remove);
}
