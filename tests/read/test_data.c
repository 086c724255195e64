#include "data.h"

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
    assert_true(structure.box.edge[0] == 10 && structure.box.edge[1] == 10 && structure.box.edge[2] == 10);
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
    assert_true(structure.box.edge[2] == 1.0);
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
    strcpy(parameters.nonbonded.pair_coeff, "1 1 1 1 2.5; 2* *2 1 2 2.5"); /* not the pair 2 1: LAMMPS has I <= J */
    parameters.nonbonded.vdw_cutoff = 2.5;
    accept(HEAD MASS ATOMS);
    check_near(ff.c6[3], 4 * 64, 0, 1e-15);
    check_near(ff.c6[2], 4 * 8, 0, 1e-14);
    /* Those of the run file come later, as in a script after read_data. */
    strcpy(parameters.nonbonded.pair_coeff, "1 2 3 1");
    accept(HEAD MASS PAIRS ATOMS);
    check_near(ff.c6[0], 4, 0, 1e-15);
    check_near(ff.c6[1], 12, 0, 1e-15);
    parameters.nonbonded.pair_coeff[0] = '\0';
    refuse(HEAD MASS ATOMS,
           ": no pair coefficients for atom type 1; add a section Pair Coeffs or set nonbonded.pair_coeff");
    parameters.nonbonded.vdw_cutoff = 3.0;
    refuse(HEAD MASS PAIRS ATOMS,
           ":17: pair coefficients: the cutoff of this pair is not the run's; cutoffs by pair are not supported");
    refuse(HEAD MASS "\nPair Coeffs # eam\n\n1 1 1\n2 1 1\n" ATOMS,
           ":14: pair style 'eam' is not supported; there are lj/cut, lj/cut/coul/cut, lj/cut/coul/long, "
           "lj/charmm/coul/long, lj/charmm/coul/charmm");
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
        {"2 *1 1 1", "pair_coeff '2 *1 1 1': no pair, for '*' stands for types I <= J"},
        {"1", "pair_coeff '1': expected I J EPSILON SIGMA with types from 1 to 2 or *"},
        {"1 1 1 1 2 2 2", "pair_coeff '1 1 1 1 2 2 2': too many words: expected epsilon, sigma and at most a cutoff"},
        {"1 1 1 1 2 2",
         "pair_coeff '1 1 1 1 2 2': four numbers mean different things in different styles; name it behind "
         "the section (Pair Coeffs # STYLE) or set nonbonded.pair_style"},
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
    refuse("title\n12 lines\n", ":2: 12 lines: not supported");
    refuse("title\n12 angles\n13 angles\n", ":3: a second number of angles");
    refuse("title\n12 dihedral types\n5 dihedral types\n", ":3: a second number of dihedral types");
    refuse("title\n12 bonds\n12 bonds\n", ":3: a second number of bonds");
    refuse("title\n5000 bond types\n", ":2: 5000 bond types; at most 4096 are supported");
    refuse("title\n0 bonds\n3 bond types\n1 bodies\n", ":4: 1 bodies: not supported");
    refuse("title\n1 0 xlo xhi\n", ":2: box bounds 1 and 0 along x leave no room");
    refuse("title\n0 x ylo yhi\n", ":2: box bounds '0' and 'x' are not numbers");
    refuse("title\n0 1e999 0 xy xz yz\n", ":2: tilt factor '1e999' is not a number below 1e9");
    refuse("title\n3 molecules\n", ":2: unknown line in the header: '3 ...'");
    accept("title # 9 atoms\n 3  atoms # three\n\t2 atom   types\n0 bonds\n 5 bond types\n0 0 0 xy xz yz\n" BOX MASS
               PAIRS ATOMS);
}

static void bad_sections_are_refused(void **state)
{
    (void)state;
    refuse(HEAD "\nMassses\n\n1 1\n2 1\n", ":9: section 'Massses' is not supported");
    refuse(HEAD "\nAngles\n\n1 1 1 2 3\n", ":9: Angles, but the header has no line 'N angles'");
    refuse(HEAD "\nAngleAngle Coeffs\n\n1 1\n", ":9: section 'AngleAngle Coeffs' is not supported");
    refuse(HEAD "\nBonds\n\n1 1 1 2\n", ":9: Bonds, but the header has no line 'N bonds'");
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
    refuse(HEAD "\nAtoms # charge\n\n1 1 1 0 0 2\n",
           ":11: atom style 'charge' is not supported; only atomic, bond, molecular and full");
    refuse(HEAD "\nAtoms\n\n1 1 1 0\n",
           ":11: 4 columns fit none of the atom styles atomic (5 or 8), bond (6 or 9) and full (7 or 10)");
    refuse(HEAD "\nAtoms\n\n1 1 1 0 0 2\n",
           ":11: 6 columns may be atom style bond or charge; name it behind the section: Atoms # bond");
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
    assert_true(structure.box.edge[0] == 16.795961913825074);
    assert_true(atoms.x[0][0] == 0.11140177 && atoms.x[0][1] == 16.66489806 && atoms.v[0][0] == -0.409973);
    path = files_system("slab/data.slab.xz");
    assert_int_equal(read_path(path, &err), SK_OK);
    assert_int_equal(atoms.n, 99507);
    assert_int_equal(atoms.nblocks, 13);
    assert_true(structure.box.edge[2] == 202.670668 && atoms.x[0][2] == 75.96799);
}

/* ---- bonds ---- */

/* Eight atoms: a molecule of three (1-2-3), its copy (4-5-6) given in another order, two single atoms. */
#define BHEAD \
    "title\n\n8 atoms\n5 bonds\n2 atom types\n2 bond types\n" BOX "\nMasses\n\n1 1.5\n2 2.5\n" /* lines 1 to 14 */
#define BATOMS                                                                                                        \
    "\nAtoms # bond\n\n3 1 1 1 1 1\n2 1 2 1 1 1\n1 1 1 1 1 1\n4 2 1 2 2 2\n5 2 2 2 2 2\n6 2 1 2 2 2\n7 3 1 3 3 3\n8 " \
    "4 2 3 3 3\n"
#define BCOEFF "\nBond Coeffs # harmonic\n\n1 100 0.5\n2 100 0.75\n"
#define BBONDS "\nBonds\n\n1 1 1 2\n2 2 2 3\n3 2 6 5\n4 1 5 4\n5 1 7 8\n"

static void rigid_all(const char *special)
{
    parameters.constraints.bonds = SK_BONDS_ALL;
    strcpy(parameters.nonbonded.pair_coeff, "* * 1 1");
    for (int d = 0; d < 3; d++)
        parameters.nonbonded.special_bonds[0][d] = parameters.nonbonded.special_bonds[1][d] = special[d] - '0';
}

static void molecules_are_cut_by_bonds(void **state)
{
    (void)state;
    rigid_all("000");
    accept(BHEAD BATOMS BCOEFF BBONDS);
    assert_int_equal(top.nmoltypes, 2);
    assert_int_equal(top.nblocks, 2);
    assert_true(top.blocks[0].count == 2 && top.blocks[1].count == 1 && top.blocks[0].moltype == 0);
    const struct sk_moltype *type = &top.moltypes[0];
    assert_int_equal(type->natoms, 3);
    assert_int_equal(type->nconstraints, 2);
    assert_true(type->constraints[0].i == 0 && type->constraints[0].j == 1 && type->constraints[0].length == 0.5);
    assert_true(type->constraints[1].i == 1 && type->constraints[1].j == 2 && type->constraints[1].length == 0.75);
    assert_int_equal(type->excluded_start[3], 6); /* special_bonds 0 0 0 */
    assert_string_equal(type->atoms[1].name, "2");
    for (int i = 0; i < 8; i++) {
        struct sk_place at = sk_topology_find(&top, atoms.id[i]);
        assert_int_equal(top.moltypes[at.moltype].atoms[at.place].kind, atoms.kind[i]);
    }
    uint64_t hash = sk_topology_hash(&top);
    rigid_all("011");
    accept(BHEAD BATOMS BCOEFF BBONDS);
    assert_int_equal(top.moltypes[0].excluded_start[3], 4);
    assert_true(sk_topology_hash(&top) != hash);
    rigid_all("110");
    accept(BHEAD BATOMS BCOEFF BBONDS);
    assert_int_equal(top.moltypes[0].excluded_start[3], 0);
    /* Without Bond Coeffs; other lengths make other molecules of the same atoms. */
    strcpy(parameters.constraints.bond_lengths, "2 1.5");
    accept(BHEAD BATOMS BBONDS);
    assert_true(top.moltypes[0].constraints[1].length == 1.5 && top.moltypes[1].constraints[0].length == 2);
    accept(BHEAD BATOMS "\nBond Coeffs # fene\n\n1 30 1.5 1 1\n2 30 1.5 1 1\n" BBONDS);
    accept(BHEAD BATOMS "\nBond Coeffs # morse\n\n1 30 1.5 1\n2 30 1.5 1\n" BBONDS);
    accept(BHEAD BATOMS "\nBonds\n\n1 1 1 2\n2 2 2 3\n3 2 6 5\n4 2 5 4\n5 1 7 8\n");
    assert_int_equal(top.nmoltypes, 3);
    /* By type; single atoms keep the type of a file without bonds. */
    parameters.constraints.bonds = SK_BONDS_NONE;
    strcpy(parameters.constraints.bond_types, "2 1");
    accept("t\n8 atoms\n1 bonds\n2 atom types\n2 bond types\n" BOX "\nMasses\n\n1 1.5\n2 2.5\n" BATOMS
           "\nBonds\n\n1 1 7 8\n");
    assert_true(top.nmoltypes == 2 && top.nblocks == 2 && top.blocks[0].count == 6);
    assert_string_equal(top.moltypes[0].name, "atom");
    assert_int_equal(top.moltypes[0].atoms[0].kind, -1);
    assert_int_equal(sk_topology_constraints(&top), 1);
}

/* A random graph against components found by relabelling, ranges joined until none overlap. */
static void molecules_are_ranges_of_ids(void **state)
{
    (void)state;
    srand(11);
    rigid_all("011");
    strcpy(parameters.constraints.bond_lengths, "1");
    for (int trial = 0; trial < 100; trial++) {
        enum { N = 30 };
        int label[N], n = rand() % 15, pairs[15][2];
        char text[4000], *end = text;
        bool is_inner[N] = {false};
        for (int b = 0; b < n; b++) {
            bool is_new;
            do {
                pairs[b][0] = rand() % N;
                pairs[b][1] = (pairs[b][0] + 1 + rand() % 4) % N;
                is_new = true;
                for (int c = 0; c < b; c++)
                    is_new &= !((pairs[c][0] == pairs[b][0] && pairs[c][1] == pairs[b][1]) ||
                                (pairs[c][0] == pairs[b][1] && pairs[c][1] == pairs[b][0]));
            } while (!is_new);
        }
        end += sprintf(
            end, "t\n%d atoms\n%d bonds\n1 atom types\n1 bond types\n" BOX "\nMasses\n\n1 1\n\nAtoms # bond\n\n", N, n);
        for (int i = 0; i < N; i++)
            end += sprintf(end, "%d 1 1 1 1 1\n", i + 1);
        end += sprintf(end, n ? "\nBonds\n\n" : "\n");
        for (int b = 0; b < n; b++)
            end += sprintf(end, "%d 1 %d %d\n", b + 1, pairs[b][0] + 1, pairs[b][1] + 1);
        for (int i = 0; i < N; i++)
            label[i] = i;
        for (int sweep = 0; sweep < N; sweep++)
            for (int b = 0; b < n; b++) {
                int *p = &label[pairs[b][0]], *q = &label[pairs[b][1]];
                *p = *q = *p < *q ? *p : *q;
            }
        /* No molecule may start at i if a component has ids on both sides. */
        for (int i = 0; i < N; i++)
            for (int low = 0; low < i; low++)
                for (int high = i; high < N; high++)
                    is_inner[i] |= label[low] == label[high];
        accept(text);
        for (int i = 0; i < N; i++)
            assert_int_equal(sk_topology_find(&top, i).place == 0, !is_inner[i]);
        assert_int_equal(sk_topology_constraints(&top), n);
    }
}

static void hydrogen_goes_by_mass(void **state)
{
    (void)state;
    rigid_all("000");
    parameters.units = SK_UNITS_GROMACS;
    parameters.system.is_real = true;
    parameters.constraints.bonds = SK_BONDS_H_BONDS;
    static const char text[] =
        "t\n3 atoms\n2 bonds\n2 atom types\n2 bond types\n" BOX
        "\nMasses\n\n1 1.08\n2 12.0\n\nAtoms # full\n\n1 1 2 0 1 1 1\n2 1 1 0 1 1 1\n3 1 2 0 1 1 1\n"
        "\nBond Coeffs\n\n1 340 1.09\n2 300 1.5\n\nBonds\n\n1 1 1 2\n2 2 1 3\n";
    refuse(text,
           ":29: the bond of atoms 1 and 3 (type 2) is not rigid, but Bond Coeffs do not say their style; write it "
           "behind the section's name (Bond Coeffs # STYLE) or set bonded.bond_style");
    strcpy(parameters.constraints.bond_types, "2");
    accept(text);
    check_near(top.moltypes[0].constraints[0].length, 0.109, 0, 1e-15);
    check_near(top.moltypes[0].constraints[1].length, 0.15, 0, 1e-15);
}

static void bad_bonds_are_refused(void **state)
{
    (void)state;
    rigid_all("000");
#define WITH(bonds) BHEAD BATOMS BCOEFF "\nBonds\n\n1 1 1 2\n" bonds
    refuse(WITH("2 3 2 3\n"), ":35: bond type '3' is not a whole number from 1 to 2");
    refuse(WITH("2 1 2 9\n"), ":35: atom id 9 is not in 1 to 8; ids must have no gaps");
    refuse(WITH("2 1 2 2\n"), ":35: Bonds: atom 2 is named twice");
    refuse(WITH("2 1 2\n"), ":35: Bonds: expected a number, a type and two atom ids");
    refuse(WITH("2 1 2 3\n"), ":35: the file ends after 2 of 5 lines of Bonds");
    refuse(WITH("2 1 2 3\n3 1 7 8\n4 2 2 1\n5 1 8 7\n"), ":37: a second bond of atoms 1 and 2, first in line 34");
    refuse(BHEAD BATOMS BCOEFF, ": no section Bonds");
    refuse(BHEAD BATOMS BBONDS,
           ":29: no length for bond type 1, which is rigid; add a section Bond Coeffs # harmonic or "
           "set constraints.bond_lengths");
    refuse(BHEAD BATOMS "\nBond Coeffs # fene\n\n1 30 1.5 1 1\n2 30 1.5 1 1\n" BBONDS,
           ":34: no length for bond type 1, which is rigid; add a section Bond Coeffs # harmonic or set "
           "constraints.bond_lengths");
    refuse(BHEAD BATOMS "\nBond Coeffs\n\n1 30 1.5 1 1\n2 30 1.5 1 1\n" BBONDS,
           ":29: expected a bond type from 1 to 2, K and r0 (style harmonic)");
    refuse(BHEAD BATOMS "\nBond Coeffs\n\n1 30 0\n2 30 1\n" BBONDS,
           ":34: no length for bond type 1, which is rigid; add a section Bond Coeffs # harmonic or set "
           "constraints.bond_lengths");
    refuse(BHEAD BATOMS "\nBond Coeffs # morse\n\n1 30 1 1\n2 30 1 1\n" BBONDS,
           ":27: bond style 'morse' is not supported; there are harmonic, fene");
    refuse(BHEAD BATOMS "\nBond Coeffs\n\n1 30 1\n1 30 1\n" BBONDS, ":30: a second line for bond type 1");
    refuse(BHEAD "\nAtoms # bond\n\n1 1 1 1 1 1\n2 1 1 1 1 1\n1 1 1 1 1 1\n4 1 1 1 1 1\n5 1 1 1 1 1\n6 1 1 1 1 1\n"
                 "7 1 1 1 1 1\n8 1 1 1 1 1\n",
           ":20: atom id 1 occurs a second time");
    strcpy(parameters.constraints.bond_lengths, "1 1");
    refuse(BHEAD BATOMS BCOEFF BBONDS, ": has the lengths of bonds, and so has constraints.bond_lengths; remove one");
    parameters.constraints.bond_lengths[0] = '\0';
    parameters.constraints.bonds = SK_BONDS_NONE;
    accept(BHEAD BATOMS BCOEFF BBONDS);
    assert_int_equal(sk_topology_terms(&top, SK_BOND_HARMONIC), 5);
    parameters.constraints.bonds = SK_BONDS_H_BONDS;
    refuse(BHEAD BATOMS BCOEFF BBONDS,
           ": 'bonds = h-bonds' goes by the mass of hydrogen and needs units = real; name the bond types with "
           "'bond_types'");
    parameters.constraints.bonds = SK_BONDS_H_ANGLES;
    refuse(BHEAD BATOMS BCOEFF BBONDS, ": 'bonds = h-angles' is for topologies; name the types of rigid angles "
                                       "with 'angle_types'");
}

static void bad_bond_lists_are_refused(void **state)
{
    static const char *const cases[][3] = {
        {"3", "", "constraints.bond_types: '3' is not a bond type from 1 to 2"},
        {"1 x", "", "constraints.bond_types: 'x' is not a bond type from 1 to 2"},
        {"", "1", "constraints.bond_lengths: 1 lengths for 2 bond types"},
        {"", "1 1 1", "constraints.bond_lengths: 3 lengths for 2 bond types"},
        {"", "1 -1", "constraints.bond_lengths: '-1' is not a positive number"},
    };
    (void)state;
    rigid_all("000");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sk_error err = {SK_OK, ""};
        strcpy(parameters.constraints.bond_types, cases[i][0]);
        strcpy(parameters.constraints.bond_lengths, cases[i][1]);
        assert_int_equal(read_path(files_write("a.data", BHEAD BATOMS BBONDS), &err), SK_EINPUT);
        assert_string_equal(err.message, cases[i][2]);
    }
}

/* 100 chains of 200 beads, as its README says. */
static void reference_chains(void **state)
{
    struct sk_error err;
    const char *path = files_system("polymer/data.polymer.xz");
    (void)state;
    if (!path)
        skip();
    rigid_all("011");
    strcpy(parameters.constraints.bond_lengths, "0.97");
    if (read_path(path, &err) != SK_OK)
        fail_msg("%s", err.message);
    assert_int_equal(atoms.nv, 20000);
    assert_true(top.nmoltypes == 1 && top.nblocks == 1 && top.blocks[0].count == 100);
    assert_int_equal(top.moltypes[0].natoms, 200);
    assert_int_equal(sk_topology_constraints(&top), 19900);
    assert_int_equal(top.moltypes[0].excluded_start[200], 398);
    for (int c = 0; c < 199; c++) {
        const struct sk_constraint bond = top.moltypes[0].constraints[c];
        assert_true(bond.i == c && bond.j == c + 1 && bond.length == 0.97);
    }
    /* 320 chains of 100 and no hint of the style. */
    assert_int_equal(read_path(files_system("chain/data.chain.xz"), &err), SK_OK);
    assert_true(top.nmoltypes == 1 && top.blocks[0].count == 320 && top.moltypes[0].natoms == 100);
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
        cmocka_unit_test_setup_teardown(molecules_are_cut_by_bonds, start, stop),
        cmocka_unit_test_setup_teardown(molecules_are_ranges_of_ids, start, stop),
        cmocka_unit_test_setup_teardown(hydrogen_goes_by_mass, start, stop),
        cmocka_unit_test_setup_teardown(bad_bonds_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(bad_bond_lists_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(reference_chains, start, stop),
        cmocka_unit_test_setup_teardown(reference_systems, start, stop),
    };
    return cmocka_run_group_tests(tests, files_make, files_remove);
}
