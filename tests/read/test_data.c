#include "files.h"

#include "read/lammps_internal.h"

static struct sk_parameters parameters;
static struct sk_structure structure;
static struct sk_topology top;
static struct sk_forcefield ff;
static struct files_atoms atoms;

static int start(void **state)
{
    (void)state;
    memset(&parameters, 0, sizeof parameters);
    parameters.units = SK_UNITS_LJ;
    parameters.nonbonded.mixing = SK_MIXING_GEOMETRIC;
    sk_topology_init(&top);
    sk_forcefield_init(&ff);
    files_atoms_init(&atoms, 1);
    return 0;
}

static void clear(void)
{
    sk_topology_clear(&top);
    sk_forcefield_clear(&ff);
    files_atoms_clear(&atoms);
}

static int stop(void **state)
{
    (void)state;
    clear();
    return 0;
}

static enum sk_code read_path(const char *path, struct sk_error *err)
{
    clear();
    enum sk_code code = sk_data_open(path, &parameters, &structure, &top, &ff, err);
    if (code != SK_OK)
        return code;
    files_atoms_init(&atoms, structure.natoms);
    return sk_data_read(path, &parameters, &top, files_atom_sink, files_velocity_sink, &atoms, err);
}

static void accept(const char *text)
{
    struct sk_error err;
    if (read_path(files_write("a.data", text), &err) != SK_OK)
        fail_msg("%s", err.message);
}

/* Refused as bad input with exactly "FOLDER/a.data" and this text. */
static void refuse(const char *text, const char *message)
{
    struct sk_error err = {SK_OK, ""};
    char expected[1024];
    assert_int_equal(read_path(files_write("a.data", text), &err), SK_EINPUT);
    assert_int_equal(err.code, SK_EINPUT);
    snprintf(expected, sizeof expected, "%s%s", files_path("a.data"), message);
    assert_string_equal(err.message, expected);
}

#define BOX   "0 10 xlo xhi\n-5 5 ylo yhi\n1e0 1.1e1 zlo zhi\n"
#define HEAD  "title\n\n3 atoms\n2 atom types\n" BOX                                             /* lines 1 to 7 */
#define MASS  "\nMasses\n\n1 1.5\n2 2.5 # heavy\n"                                               /* lines 8 to 12 */
#define PAIRS "\nPair Coeffs # lj/cut\n\n1 1.0 1.0\n2 4.0 2.0 2.5\n"                             /* lines 13 to 17 */
#define ATOMS "\nAtoms # atomic\n\n3 1 1 2 3 0 1 -2\n1 2 -1.5 -5 1.25 0 0 0\n2 1 0 0 20 0 0 0\n" /* lines 18 to 23 */
#define VELS  "\nVelocities\n\n2 0.1 0.2 0.3\n3 1 2 3\n1 -4 -5 -6\n"
#define FULL  "\nAtoms\n\n1 1 1 0.5 1 1 2\n2 1 2 -0.5 2 2 2\n3 7 1 -0 3 3 3\n"

static void reduced_units(void **state)
{
    (void)state;
    accept(HEAD MASS PAIRS ATOMS VELS);
    assert_int_equal(structure.natoms, 3);
    assert_true(structure.has_velocities);
    assert_true(structure.edge[0] == 10 && structure.edge[1] == 10 && structure.edge[2] == 10);
    /* In file order, the origin removed; velocities by id. */
    assert_true(atoms.id[0] == 2 && atoms.id[1] == 0 && atoms.id[2] == 1);
    assert_true(atoms.x[0][0] == 1 && atoms.x[0][1] == 7 && atoms.x[0][2] == 2);
    assert_true(atoms.x[1][0] == -1.5 && atoms.x[1][1] == 0 && atoms.x[1][2] == 0.25 && atoms.x[2][2] == 19);
    assert_true(atoms.image[0][0] == 0 && atoms.image[0][1] == 1 && atoms.image[0][2] == -2);
    assert_int_equal(atoms.nv, 3);
    assert_true(atoms.v[0][0] == -4 && atoms.v[1][2] == 0.3 && atoms.v[2][1] == 2);
    /* One molecule type of one atom whose kind comes with the atom. */
    assert_int_equal(top.natoms, 3);
    assert_int_equal(top.nmoltypes, 1);
    assert_int_equal(top.moltypes[0].natoms, 1);
    assert_int_equal(top.moltypes[0].atoms[0].kind, -1);
    assert_int_equal(top.nkinds, 2);
    assert_true(top.kinds[atoms.kind[0]].mass == 1.5 && top.kinds[atoms.kind[1]].mass == 2.5);
    assert_true(top.kinds[atoms.kind[0]].charge == 0);
    assert_int_equal(ff.units, SK_UNITS_LJ);
    assert_string_equal(ff.names[1], "2");
    /* Geometric: epsilon 2, sigma sqrt 2. */
    check_near(ff.c6[0], 4, 0, 1e-15);
    check_near(ff.c6[3], 4 * 4.0 * 64, 0, 1e-15);
    check_near(ff.c6[1], 4 * 2.0 * 8, 0, 1e-14);
    check_near(ff.c12[2], 4 * 2.0 * 64, 0, 1e-14);
    assert_true(sk_data_coulomb(&parameters) == 1.0);
    parameters.nonbonded.mixing = SK_MIXING_LORENTZ_BERTHELOT;
    accept(HEAD MASS PAIRS ATOMS);
    check_near(ff.c6[1], 4 * 2.0 * pow(1.5, 6), 0, 1e-14);
    assert_false(structure.has_velocities);
}

/* Conversion factors: NIST kcal 4.184 kJ, 1 A/fs = 100 nm/ps; the Coulomb constant of LAMMPS' force field, 332.06371
 * kcal/mol A e^-2, in kJ/mol nm. */
static void real_units(void **state)
{
    (void)state;
    parameters.units = SK_UNITS_GROMACS;
    parameters.system.is_real = true;
    accept(HEAD MASS PAIRS FULL VELS);
    assert_true(structure.edge[2] == 1.0);
    assert_true(atoms.x[1][0] == 0.2 && atoms.x[1][1] == 0.7 && atoms.x[1][2] == 0.1);
    assert_true(atoms.v[0][0] == -400);
    check_near(atoms.v[1][0], 10, 0, 1e-15);
    check_near(ff.c6[0], 4 * 4.184 * 1e-6, 0, 1e-14);
    check_near(ff.c12[0], 4 * 4.184 * 1e-12, 0, 1e-14);
    /* Kinds by type and charge: (1, -0) is (1, 0), below (1, 0.5). */
    assert_int_equal(top.nkinds, 3);
    assert_int_equal(atoms.kind[2], 0);
    assert_int_equal(atoms.kind[0], 1);
    assert_int_equal(atoms.kind[1], 2);
    assert_true(top.kinds[1].charge == 0.5 && top.kinds[2].charge == -0.5 && top.kinds[2].mass == 2.5);
    check_near(sk_data_coulomb(&parameters), 138.935456264, 0, 1e-12);
    assert_int_equal(ff.units, SK_UNITS_GROMACS);
}

static void pair_coefficients(void **state)
{
    (void)state;
    accept(HEAD MASS "\nPairIJ Coeffs\n\n1 1 1 1\n1 2 3 1\n2 2 1 2\n" ATOMS);
    check_near(ff.c6[1], 12, 0, 1e-15);
    check_near(ff.c6[2], 12, 0, 1e-15);
    accept(HEAD MASS "\nPair Coeffs # lj/charmm/coul/long\n\n1 1 1 0.5 0.5\n2 1 1 0.5 0.5\n" ATOMS);
    check_near(ff.c6[3], 4, 0, 1e-15);
    strcpy(parameters.nonbonded.pair_coeff, "* * 1 1; 2 1 2 1;");
    accept(HEAD MASS ATOMS);
    check_near(ff.c6[0], 4, 0, 1e-15);
    check_near(ff.c6[1], 8, 0, 1e-15);
    check_near(ff.c6[2], 8, 0, 1e-15);
    check_near(ff.c6[3], 4, 0, 1e-15);
    strcpy(parameters.nonbonded.pair_coeff, "1 1 1 1 2.5; 2* *2 1 2 2.5");
    parameters.nonbonded.vdw_cutoff = 2.5;
    accept(HEAD MASS ATOMS);
    check_near(ff.c6[3], 4 * 64, 0, 1e-15);
    refuse(HEAD MASS PAIRS ATOMS, ": has pair coefficients, and so has nonbonded.pair_coeff; remove one");
    parameters.nonbonded.pair_coeff[0] = '\0';
    refuse(HEAD MASS ATOMS,
           ": no pair coefficients for atom type 1; add a section Pair Coeffs or set nonbonded.pair_coeff");
    parameters.nonbonded.vdw_cutoff = 3.0;
    refuse(HEAD MASS PAIRS ATOMS,
           ":17: pair coefficients: the cutoff of this pair is not the run's; cutoffs by pair are not supported");
    refuse(HEAD MASS "\nPair Coeffs # eam\n\n1 1 1\n2 1 1\n" ATOMS,
           ":14: pair style 'eam' is not supported; only lj/cut and lj/charmm");
    refuse(HEAD MASS "\nPair Coeffs\n\n1 1 1\n1 1 1\n" ATOMS,
           ":17: pair coefficients of types 1 and 1 are given a second time");
    refuse(HEAD MASS "\nPair Coeffs\n\n3 1 1\n1 1 1\n" ATOMS, ":16: '3' is not an atom type from 1 to 2");
    refuse(HEAD MASS "\nPair Coeffs\n\n1 -1 1\n1 1 1\n" ATOMS,
           ":16: pair coefficients: epsilon and sigma must not be negative");
    refuse(HEAD MASS "\nPair Coeffs\n\n1 1 1e99\n2 1 1\n" ATOMS,
           ": the pair coefficients of types 1 and 1 are too large");
}

static void bad_pair_text_is_refused(void **state)
{
    static const char *const texts[][2] = {
        {"1 1 1", "pair_coeff '1 1 1': expected epsilon and sigma"},
        {"1 1 1 1; 3 3 1 1", "pair_coeff '3 3 1 1': expected I J EPSILON SIGMA with types from 1 to 2 or *"},
        {"2*1 1 1 1", "pair_coeff '2*1 1 1 1': expected I J EPSILON SIGMA with types from 1 to 2 or *"},
        {"1", "pair_coeff '1': expected I J EPSILON SIGMA with types from 1 to 2 or *"},
        {"1 1 1 1 2 2", "pair_coeff '1 1 1 1 2 2': too many words: expected epsilon, sigma and at most a cutoff"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct sk_error err = {SK_OK, ""};
        strcpy(parameters.nonbonded.pair_coeff, texts[i][0]);
        assert_int_equal(read_path(files_write("a.data", HEAD MASS ATOMS), &err), SK_EINPUT);
        assert_string_equal(err.message, texts[i][1]);
    }
}

static void bad_headers_are_refused(void **state)
{
    (void)state;
    refuse("", ":0: the file is empty");
    refuse("title\n", ":1: the header has no line 'N atoms'");
    refuse("title\n3 atoms\nMasses\n", ":3: the header has no line 'N atom types'");
    refuse("title\n3 atoms\n1 atom types\n0 1 xlo xhi\n0 1 zlo zhi\nMasses\n",
           ":6: the header has no line with ylo yhi");
    refuse("title\n3 atoms\n4 atoms\n", ":3: a second number of atoms");
    refuse("title\n0 atoms\n", ":2: 0 atoms: nothing to simulate, or too many");
    refuse("title\n-3 atoms\n", ":2: number of atoms: '-3' is not a whole number");
    refuse("title\n2000000 atom types\n", ":2: 2000000 atom types; from 1 to 512 are supported");
    refuse("title\n12 bonds\n", ":2: 12 bonds: not supported");
    refuse("title\n0 bonds\n3 bond types\n1 impropers\n", ":4: 1 impropers: not supported");
    refuse("title\n1 0 xlo xhi\n", ":2: box bounds 1 and 0 along x leave no room");
    refuse("title\n0 x ylo yhi\n", ":2: box bounds '0' and 'x' are not numbers");
    refuse("title\n0 0.5 0 xy xz yz\n", ":2: the box is triclinic; only rectangular boxes are supported");
    refuse("title\n3 molecules\n", ":2: unknown line in the header: '3 ...'");
    accept("title # 9 atoms\n 3  atoms # three\n\t2 atom   types\n0 bonds\n 5 bond types\n0 0 0 xy xz yz\n" BOX MASS
               PAIRS ATOMS);
}

static void bad_sections_are_refused(void **state)
{
    (void)state;
    refuse(HEAD "\nMassses\n\n1 1\n2 1\n", ":9: section 'Massses' is not supported");
    refuse(HEAD "\nBonds\n\n1 1 1 2\n", ":9: section 'Bonds' is not supported");
    refuse(HEAD MASS "\nMasses\n", ":14: a second section Masses");
    refuse(HEAD MASS "3 1\n", ":13: expected the name of a section, not '3 1'");
    refuse(HEAD "\nMasses\n\n1 1\n", ":11: the file ends after 1 of 2 lines of Masses");
    refuse(HEAD "\nMasses\n\n1 1\n3 1\n", ":12: expected an atom type from 1 to 2 and its mass");
    refuse(HEAD "\nMasses\n\n1 1\n1 1\n", ":12: a second mass for atom type 1");
    refuse(HEAD "\nMasses\n\n1 0\n2 1\n", ":11: atom type 1 has mass 0; every mass must be positive");
    refuse(HEAD MASS PAIRS, ": no section Atoms");
    refuse(HEAD PAIRS ATOMS, ": no section Masses");
    refuse(HEAD MASS PAIRS VELS ATOMS, ":19: Velocities before Atoms");
}

static void bad_atoms_are_refused(void **state)
{
    (void)state;
    refuse(HEAD "\nAtoms # bond\n\n1 1 1 0 0 2\n", ":11: atom style 'bond' is not supported; only atomic and full");
    refuse(HEAD "\nAtoms\n\n1 1 1 0 0 2\n", ":11: 6 columns fit neither atom style atomic (5 or 8) nor full (7 or 10)");
    refuse(HEAD "\nAtoms # atomic\n\n1 1 1 0 0 2\n", ":11: 6 columns; atom style atomic has 5, or 8 with image flags");
    refuse(HEAD "\nAtoms\n\n1 1 1 0 2\n4 1 1 0 2\n", ":12: atom id 4 is not in 1 to 3; ids must have no gaps");
    refuse(HEAD "\nAtoms\n\n1 3 1 0 2\n", ":11: atom type '3' is not a whole number from 1 to 2");
    refuse(HEAD "\nAtoms\n\n1 1 1 nan 2\n", ":11: position 'nan' is not a number");
    refuse(HEAD "\nAtoms\n\n1 1 1 1e9 2\n", ":11: position y = 1e+09 of atom 1 is more than 1e6 box edges away");
    refuse(HEAD "\nAtoms\n\n1 1 1 0 2 0 0 5000000000\n",
           ":11: image flag '5000000000' is not a whole number, or too large");
    refuse(HEAD "\nAtoms # full\n\n1 1 1 x 1 0 2\n", ":11: charge 'x' is not a number");
    refuse(HEAD "\nAtoms\n\n1 1 1 0 2\n2 1 1 0 2\n", ":12: the file ends after 2 of 3 lines of Atoms");
    refuse(HEAD "\nAtoms\n\n1 1 1 0 2\n2 1 1 0 2\n\nVelocities\n",
           ":14: 'Velocities' comes after 2 of 3 lines of Atoms");
    refuse(HEAD MASS PAIRS "\nAtoms\n\n1 1 1 0 2\n2 1 1 0 2\n1 1 1 0 2\n", ":23: atom id 1 occurs a second time");
    refuse(HEAD MASS PAIRS ATOMS "\nVelocities\n\n1 0 0 0\n3 0 0 0\n3 0 0 0\n", ":29: atom id 3 occurs a second time");
    refuse(HEAD MASS PAIRS ATOMS "\nVelocities\n\n1 0 0 0\n3 0 0\n2 0 0 0\n",
           ":28: 3 columns; expected an atom id and three velocities");
    refuse(HEAD MASS PAIRS ATOMS "\nVelocities\n\n1 0 0 0\n", ":27: the file ends after 1 of 3 lines of Velocities");
}

static void too_many_kinds_are_refused(void **state)
{
    char *text = sk_alloc(600000, 1), *end = text;
    struct sk_error err = {SK_OK, ""};
    (void)state;
    end += sprintf(end, "title\n5000 atoms\n1 atom types\n" BOX "\nMasses\n\n1 1\n\nPair Coeffs\n\n1 1 1\n\nAtoms\n\n");
    for (int i = 1; i <= 5000; i++)
        end += sprintf(end, "%d 1 1 %g 1 1 2\n", i, 1e-4 * (i % 4096));
    accept(text);
    assert_int_equal(top.nkinds, 4096);
    for (int i = 0; i < 5000; i++)
        check_near(top.kinds[atoms.kind[i]].charge, 1e-4 * ((int)(atoms.id[i] + 1) % 4096), 1e-15, 0);
    end = strstr(text, "\n4096 ");
    end[10] = '9'; /* charge 0 of atom 4096 becomes 9 */
    assert_int_equal(read_path(files_write("a.data", text), &err), SK_OK);
    assert_int_equal(top.nkinds, 4096);
    end = strstr(text, "\n4097 ");
    end[10] = '7';
    assert_int_equal(read_path(files_write("a.data", text), &err), SK_EINPUT);
    assert_non_null(strstr(err.message, "more than 4096 different pairs of type and charge"));
    sk_free(&text);
}

static void reference_systems(void **state)
{
    struct sk_error err;
    const char *path = files_system("lj-melt/snap-4k.data.xz");
    (void)state;
    if (!path)
        skip();
    strcpy(parameters.nonbonded.pair_coeff, "1 1 1.0 1.0 2.5");
    assert_int_equal(read_path(path, &err), SK_OK);
    /* First lines of Atoms and of Velocities. */
    assert_int_equal(atoms.n, 4000);
    assert_int_equal(atoms.nv, 4000);
    assert_true(structure.edge[0] == 16.795961913825074);
    assert_true(atoms.x[0][0] == 0.11140177 && atoms.x[0][1] == 16.66489806 && atoms.v[0][0] == -0.409973);
    path = files_system("slab/data.slab.xz");
    assert_int_equal(read_path(path, &err), SK_OK);
    assert_int_equal(atoms.n, 99507);
    assert_int_equal(atoms.nblocks, 13);
    assert_true(structure.edge[2] == 202.670668 && atoms.x[0][2] == 75.96799);
    assert_int_equal(read_path(files_system("peptide-lmp/data.peptide.xz"), &err), SK_EINPUT);
    assert_non_null(strstr(err.message, "unpacked:4: 1365 bonds: not supported"));
    assert_int_equal(read_path(files_system("chain/data.chain.xz"), &err), SK_EINPUT);
    assert_non_null(strstr(err.message, "unpacked:4: 31680 bonds: not supported"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reduced_units, start, stop),
        cmocka_unit_test_setup_teardown(real_units, start, stop),
        cmocka_unit_test_setup_teardown(pair_coefficients, start, stop),
        cmocka_unit_test_setup_teardown(bad_pair_text_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(bad_headers_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(bad_sections_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(bad_atoms_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(too_many_kinds_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(reference_systems, start, stop),
    };
    return cmocka_run_group_tests(tests, files_make, files_remove);
}
