/* Expected values: energies and forces from bonded_reference.h (a second implementation in long double and its
 * differences), hand-made geometries with known answers, and what must hold exactly: sums of rounded forces, chains
 * read backwards, terms alone or in a block. Terms of whole molecules against GROMACS:
 * tests/system/test_bonded_terms.py. */
#include "kernel/bonded.h"

#include "bonded_scene.h"
#include "check.h"

/* Energies to 1e-13, forces to `tolerance`, of the largest of the kind in the term. */
static void compare(const struct scene *s, const struct form *form, int l, double tolerance, double worst[2])
{
    real x[5][3], expected[5][3];
    double f[5][3], largest = 1e-3, off = 0;
    for (int i = 0; i < 5; i++)
        for (int a = 0; a < 3; a++)
            x[i][a] = s->x[l][i][a];
    const double e = s->block.energy[0][l] + (form->parts == 2 ? s->block.energy[1][l] : 0);
    const double reference_energy = (double)form->energy(x, s->raw[l]);
    reference_forces(form->energy, form->natoms, x, s->raw[l], expected);
    forces_of(s, form, l, f);
    for (int i = 0; i < form->natoms; i++)
        for (int a = 0; a < 3; a++) {
            largest = fmax(largest, fabs((double)expected[i][a]));
            off = fmax(off, fabs(f[i][a] - (double)expected[i][a]));
        }
    double scale = 0; /* parameters and cancelling parts set what an energy can be known to */
    for (int v = 0; v < form->values; v++)
        scale = fmax(scale, form->natoms < 4 ? 0 : fabs(s->raw[l][v]));
    worst[0] = fmax(worst[0], fabs(e - reference_energy) / (fabs(reference_energy) + scale + 1));
    worst[1] = fmax(worst[1], off / largest);
    if (!(off <= tolerance * largest && fabs(e - reference_energy) <= 1e-13 * (fabs(reference_energy) + scale + 1)))
        fail_msg("%s, term %d: energy %.17g, expected %.17g; force off by %g of %g", form->name, l, e, reference_energy,
                 off, largest);
}

static void test_random(void **state)
{
    (void)state;
    static struct scene s;
    scene_init(&s);
    for (int i = 0; i < FORMS; i++) {
        uint64_t random = 11 + (uint64_t)i;
        double worst[2] = {0, 0};
        const int rounds = forms[i].kernel == sk_bonded_cmap ? 2 : 20; /* its reference is slow */
        for (int n = 0; n < rounds; n++) {
            scene_random(&s, &forms[i], &random, 0.3);
            forms[i].kernel(&s.block);
            for (int l = 0; l < B; l++)
                compare(&s, &forms[i], l, 1e-9, worst);
        }
        print_message("%-14s energies to %.1e, forces to %.1e\n", forms[i].name, worst[0], worst[1]);
    }
}

/* Angles down to 1e-12 from straight, or from folded: the torque is k (theta - theta0), the force k (theta - theta0) /
 * r across the bond; energies by the exact angle. */
static void test_straight(void **state)
{
    (void)state;
    static struct scene s;
    scene_init(&s);
    for (int n = 0; n < 4 * 12; n++) {
        const int is_straight = n & 1;
        const struct form *form = form_of(n & 2 ? sk_bonded_angle_urey_bradley : sk_bonded_angle_harmonic);
        const double bend = pow(10, -(1 + n / 4)), r = 0.125, raw[6] = {is_straight ? PI : 1.9, 500, 0, 0};
        double x[5][3] = {{is_straight ? -r : r, r * bend, 0}, {0, 0, 0}, {0.25, 0, 0}};
        scene_one(&s, form, raw, x);
        const double away = atan(bend), length = hypot(r, r * bend);
        const double turn = is_straight ? -away : away - 1.9; /* theta - theta0, pi - theta0 rounded with theta0 */
        double f[5][3];
        forces_of(&s, form, 0, f);
        check_near(s.block.energy[0][0], 250 * turn * turn, 500 * 1e-15 * away, 1e-14);
        /* theta grows as atom 0 goes up if folded, down if straight */
        check_near(f[0][1] * length, (is_straight ? 1 : -1) * 500 * turn * cos(away), 2e-13, 1e-12);
        check_near(f[0][0] * length, 500 * turn * sin(away), 2e-13, 1e-12);
        check_near(f[2][1] * 0.25, 500 * turn, 2e-13, 1e-12);
    }
}

/* Where there is no direction: energy of the limit, no force, nothing that is not a number. */
static void test_undefined(void **state)
{
    (void)state;
    static struct scene s;
    scene_init(&s);
    double line[5][3] = {{0, 0, 0}, {0.125, 0.125, 0}, {0.25, 0.25, 0}, {0.375, 0.375, 0}, {0.25, 0.5, 0.125}};
    double point[5][3] = {{0}}, f[5][3];
    const double raw[6] = {1.5, 400, 0, 0, 0, 0}, ryckaert[6] = {1, 2, 3, 4, 5, 6}, turned[6] = {1.5, 400, 3, 0, 0, 0};
    const struct {
        sk_bonded_kernel *kernel;
        const double *raw;
        double (*x)[3], energy;
    } cases[] = {
        {sk_bonded_angle_harmonic, raw, line, 200 * (PI - 1.5) * (PI - 1.5)},
        {sk_bonded_angle_harmonic, raw, point, 200 * 1.5 * 1.5},
        {sk_bonded_bond_harmonic, raw, point, 200 * 1.5 * 1.5},
        {sk_bonded_bond_morse, raw, point, 0},
        {sk_bonded_dihedral_periodic, turned, line, 400 * (1 + cos(1.5))},
        {sk_bonded_dihedral_periodic, turned, point, 400 * (1 + cos(1.5))},
        {sk_bonded_dihedral_ryckaert, ryckaert, line, 1 - 2 + 3 - 4 + 5 - 6},
        {sk_bonded_improper_harmonic, raw, line, 200 * 1.5 * 1.5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct form *form = form_of(cases[i].kernel);
        scene_one(&s, form, cases[i].raw, cases[i].x);
        check_near(s.block.energy[0][0], cases[i].energy, 0, 1e-14);
        forces_of(&s, form, 0, f);
        for (int k = 0; k < 3 * form->natoms; k++)
            assert_true(f[k / 3][k % 3] == 0);
    }
    const struct form *cmap = form_of(sk_bonded_cmap);
    const double first[6] = {1};
    scene_one(&s, cmap, first, line); /* phi undefined, psi too: the node of cis and cis */
    check_near(s.block.energy[0][0], s.node[MAP_NODES / 2 * MAP_NODES + MAP_NODES / 2][0], 0, 1e-14);
    for (int v = 0; v < 4; v++)
        assert_true(s.block.g[v][0][0] == 0 && s.block.g[v][1][0] == 0 && s.block.g[v][2][0] == 0);
}

/* Atoms 0 .. 3 with a dihedral that is an exact rational direction: x along the first, y a quarter turn on. */
static void place_dihedral(double cosine, double sine, double x[5][3])
{
    const double places[5][3] = {
        {0.1, 0, 0.05}, {0, 0, 0}, {0, 0, 0.15}, {0.1 * cosine, 0.1 * sine, 0.2}, {0.1 * cosine, 0.1 * sine, 0.35}};
    memcpy(x, places, sizeof places);
}

/* Known dihedrals: sign (clockwise seen from atom 1 is positive), cis, trans, forces that vanish at the minimum. */
static void test_known_dihedrals(void **state)
{
    (void)state;
    static struct scene s;
    scene_init(&s);
    double x[5][3], f[5][3];
    const struct form *periodic = form_of(sk_bonded_dihedral_periodic),
                      *improper = form_of(sk_bonded_improper_harmonic);
    const double plain[6] = {0, 10, 1}, quarter[6] = {PI / 2, 10, 1}, wrapped[6] = {3, 10};
    const double direction[][3] = {
        {1, 0, 0}, {0, 1, PI / 2}, {-1, 0, PI}, {0, -1, -PI / 2}, {0.6, -0.8, -0.92729521800161223}};
    for (int i = 0; i < 5; i++) {
        place_dihedral(direction[i][0], direction[i][1], x);
        scene_one(&s, periodic, plain, x);
        check_near(s.block.energy[0][0], 10 * (1 + direction[i][0]), 1e-14, 1e-14);
        scene_one(&s, periodic, quarter, x);
        check_near(s.block.energy[0][0], 10 * (1 + direction[i][1]), 1e-14, 1e-14);
        scene_one(&s, improper, wrapped, x);
        const double turn = remainder(direction[i][2] - 3, 2 * PI);
        check_near(s.block.energy[0][0], 5 * turn * turn, 1e-14, 1e-14);
        forces_of(&s, improper, 0, f);
        check_near(f[0][1], 10 * turn / 0.1, 0, 1e-13); /* torque 10 turn at arm 0.1; up is towards a smaller angle */
    }
    for (int n = -7; n < 15; n++) { /* any number of turns, negative ones too */
        const double raw[6] = {0.7, 3, n};
        place_dihedral(0.6, -0.8, x);
        scene_one(&s, periodic, raw, x);
        check_near(s.block.energy[0][0], 3 * (1 + cos(n * direction[4][2] - 0.7)), 1e-13, 0);
    }
}

/* A dihedral whose ends turn next to cis and trans: energy and force are smooth there. */
static void test_near_planar(void **state)
{
    (void)state;
    static struct scene s;
    scene_init(&s);
    double x[5][3], f[5][3];
    const struct form *improper = form_of(sk_bonded_improper_harmonic);
    for (int k = 1; k < 16; k++)
        for (int side = 0; side < 4; side++) {
            const double t = pow(10, -k) * (side & 1 ? -1 : 1), half = side & 2 ? PI : 0;
            const double raw[6] = {half, 40};
            place_dihedral(side & 2 ? -1 : 1, side & 2 ? -t : t, x); /* dihedral: half + atan(t) */
            scene_one(&s, improper, raw, x);
            check_near(s.block.energy[0][0], 20 * atan(t) * atan(t), 40 * 1e-15 * fabs(t), 1e-13);
            forces_of(&s, improper, 0, f);
            check_near(f[0][1], 40 * atan(t) / 0.1, 1e-12, 1e-13);
        }
}

/* The bicubic patches meet: across the seam at pi and across nodes, energies and forces go on. */
static void test_map_seams(void **state)
{
    (void)state;
    static struct scene s;
    scene_init(&s);
    const struct form *cmap = form_of(sk_bonded_cmap);
    const double raw[6] = {1};
    double x[5][3], energy[2], f[2][5][3];
    for (int node = 0; node < MAP_NODES; node++) {
        for (int side = 0; side < 2; side++) {
            const double phi = -PI + node * 2 * PI / MAP_NODES + (side ? 1e-11 : -1e-11);
            place_dihedral(cos(phi), sin(phi), x);
            x[4][1] += 0.07;
            scene_one(&s, cmap, raw, x);
            energy[side] = s.block.energy[0][0];
            forces_of(&s, cmap, 0, f[side]);
        }
        check_near(energy[0], energy[1], 2e-9, 0);
        for (int k = 0; k < 15; k++)
            check_near(f[0][k / 3][k % 3], f[1][k / 3][k % 3], 1e-6, 0);
    }
}

/* Nodes: the energies themselves, and slopes that make curvature continuous, s(i-1) + 4 s(i) + s(i+1) = 3 (f(i+1) -
 * f(i-1)), along either dihedral and of either slope: even and odd numbers of nodes, few and many. */
static void test_map_nodes(void **state)
{
    (void)state;
    const int sizes[] = {2, 3, 5, 12, 24};
    double energy[24 * 24], node[24 * 24][4];
    for (int k = 0; k < 5; k++) {
        const int n = sizes[k];
        uint64_t random = 31;
        for (int i = 0; i < n * n; i++)
            energy[i] = sample(&random, -10, 10);
        sk_bonded_prepare_map(n, energy, node);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                const double *here = node[i * n + j];
                const double *up = node[(i + 1) % n * n + j], *down = node[(i + n - 1) % n * n + j];
                const double *right = node[i * n + (j + 1) % n], *left = node[i * n + (j + n - 1) % n];
                assert_true(here[0] == energy[i * n + j]);
                check_near(down[1] + 4 * here[1] + up[1], 3 * (up[0] - down[0]), 1e-13, 1e-13);
                check_near(left[2] + 4 * here[2] + right[2], 3 * (right[0] - left[0]), 1e-13, 1e-13);
                check_near(left[3] + 4 * here[3] + right[3], 3 * (right[1] - left[1]), 1e-13, 1e-13);
                check_near(down[3] + 4 * here[3] + up[3], 3 * (up[2] - down[2]), 1e-13, 1e-13);
            }
    }
}

/* Forces of a term after rounding: the sum is zero, and a chain read backwards has the same bits. */
static void test_rounded(void **state)
{
    (void)state;
    static struct scene s, back;
    static int64_t rounded[2][SK_BONDED_VECTORS][3][B], f[2][5 * B][3];
    int32_t atom[2][5][B];
    for (int i = 0; i < FORMS; i++) {
        const struct form *form = &forms[i];
        uint64_t random = 5;
        scene_init(&s);
        scene_init(&back);
        scene_random(&s, form, &random, 0.05);
        memcpy(back.raw, s.raw, sizeof s.raw);
        memset(f, 0, sizeof f);
        for (int l = 0; l < B; l++) {
            for (int k = 0; k < form->natoms; k++) {
                memcpy(back.x[l][k], s.x[l][form->natoms - 1 - k], sizeof back.x[l][k]);
                atom[0][k][l] = 5 * l + k;
                atom[1][k][l] = 5 * l + form->natoms - 1 - k;
            }
            scene_parameters(&back, form, l);
            scene_vectors(&back, form, l);
        }
        form->kernel(&s.block);
        form->kernel(&back.block);
        assert_int_equal(sk_bonded_round(&s.block, form->natoms, 0x1p20, rounded[0]), -1);
        assert_int_equal(sk_bonded_round(&back.block, form->natoms, 0x1p20, rounded[1]), -1);
        for (int way = 0; way < 2; way++)
            sk_bonded_scatter(B, form->natoms, rounded[way], (const int32_t(*)[B])atom[way], f[way]);
        for (int l = 0; l < B; l++) {
            double exact[5][3];
            forces_of(&s, form, l, exact);
            for (int a = 0; a < 3; a++) {
                int64_t sum = 0;
                for (int k = 0; k < form->natoms; k++) {
                    sum += f[0][5 * l + k][a];
                    check_near((double)f[0][5 * l + k][a], exact[k][a] * 0x1p20, 1.001, 1e-15); /* two roundings */
                }
                assert_true(sum == 0 || form->natoms == 1);
            }
        }
        if (form->is_symmetric) {
            assert_memory_equal(f[0], f[1], sizeof f[0]);
            assert_memory_equal(s.block.energy, back.block.energy, sizeof s.block.energy);
        }
    }
}

/* A term gets the same bits alone, in another place of the block, and moved as a whole; turned, the same to rounding.
 */
static void test_invariance(void **state)
{
    (void)state;
    static struct scene s, other;
    for (int i = 0; i < FORMS; i++) {
        const struct form *form = &forms[i];
        uint64_t random = 17;
        scene_init(&s);
        scene_random(&s, form, &random, 0.3);
        form->kernel(&s.block);
        for (int l = 0; l < B; l++) {
            double x[5][3], f[5][3], g[5][3];
            forces_of(&s, form, l, f);
            for (int k = 0; k < 15; k++) /* by multiples of the grid the places are on */
                x[k / 3][k % 3] = s.x[l][k / 3][k % 3] + (form->natoms > 1 ? 1.5 + k % 3 : 0);
            scene_init(&other);
            scene_one(&other, form, s.raw[l], x);
            assert_true(other.block.energy[0][0] == s.block.energy[0][l]);
            forces_of(&other, form, 0, g);
            assert_memory_equal(f, g, sizeof f);
            for (int k = 0; k < 5; k++) { /* about z by the angle of 3, 4, 5 */
                x[k][0] = 0.6 * s.x[l][k][0] - 0.8 * s.x[l][k][1];
                x[k][1] = 0.8 * s.x[l][k][0] + 0.6 * s.x[l][k][1];
                x[k][2] = s.x[l][k][2];
            }
            if (form->natoms == 1)
                continue; /* its force constants have directions */
            scene_one(&other, form, s.raw[l], x);
            double size = 1;
            for (int k = 0; k < 15; k++)
                size = fmax(size, fabs(f[k / 3][k % 3]));
            check_near(other.block.energy[0][0], s.block.energy[0][l], 1e-11, 1e-11);
            forces_of(&other, form, 0, g);
            for (int k = 0; k < form->natoms; k++) {
                check_near(g[k][0], 0.6 * f[k][0] - 0.8 * f[k][1], 1e-11 * size, 0);
                check_near(g[k][1], 0.8 * f[k][0] + 0.6 * f[k][1], 1e-11 * size, 0);
                check_near(g[k][2], f[k][2], 1e-11 * size, 0);
            }
        }
    }
}

/* Energies and virial: -1/2 sum of x F over atoms, each term rounded once; the trace of a term that depends on angles
 * alone is zero. */
static void test_sum(void **state)
{
    (void)state;
    static struct scene s;
    for (int i = 0; i < FORMS; i++) {
        const struct form *form = &forms[i];
        uint64_t random = 23;
        scene_init(&s);
        scene_random(&s, form, &random, 0.3);
        form->kernel(&s.block);
        int64_t energy[2] = {7, 0}, virial[3] = {0, -3, 0};
        assert_int_equal(sk_bonded_sum(&s.block, form->natoms, form->parts, 0x1p32, energy, virial), -1);
        real expected[5] = {7, 0, 0, -3, 0}, trace = 0;
        for (int l = 0; l < B; l++) {
            double f[5][3];
            forces_of(&s, form, l, f);
            for (int part = 0; part < form->parts; part++)
                expected[part] += (real)s.block.energy[part][l] * 0x1p32L;
            for (int k = 0; k < 3 * form->natoms; k++)
                expected[2 + k % 3] -= 0.5L * s.x[l][k / 3][k % 3] * f[k / 3][k % 3] * 0x1p32L;
        }
        for (int k = 0; k < 2; k++)
            check_near((double)energy[k], (double)expected[k], B, 1e-13);
        for (int k = 0; k < 3; k++) {
            check_near((double)virial[k], (double)expected[2 + k], B, 1e-9);
            trace += virial[k];
        }
        if (form->natoms > 2 && form->kernel != sk_bonded_angle_urey_bradley)
            check_near((double)trace, -3, 3 * B, 0);
    }
}

/* A term without a force is reported with its place, in the first of them, and adds nothing. */
static void test_failures(void **state)
{
    (void)state;
    static struct scene s;
    static int64_t rounded[SK_BONDED_VECTORS][3][B];
    const struct form *fene = form_of(sk_bonded_bond_fene);
    uint64_t random = 29;
    const double lengths[] = {0.5, 0.50000001, 3, NAN}; /* b = 0.5 */
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        scene_init(&s);
        scene_random(&s, fene, &random, 0.3);
        for (int l = 0; l < B; l++)
            s.p[0][l] = 0.5;
        for (int l = 19; l < 21; l++) {
            s.block.d[0][0][l] = lengths[i];
            s.block.d[0][1][l] = s.block.d[0][2][l] = 0;
        }
        fene->kernel(&s.block);
        assert_int_equal(sk_bonded_round(&s.block, 2, 4096, rounded), 19);
        for (int a = 0; a < 3; a++)
            assert_true(rounded[0][a][19] == 0 && rounded[0][a][20] == 0 && rounded[0][a][18] != 0);
        int64_t energy[2] = {0}, virial[3] = {0}, rest[2] = {0};
        assert_int_equal(sk_bonded_sum(&s.block, 2, 1, 0x1p32, energy, virial), 19);
        s.block.energy[0][19] = s.block.energy[0][20] = 5; /* a good energy does not count without its virial */
        int64_t again[2] = {0};
        assert_int_equal(sk_bonded_sum(&s.block, 2, 1, 0x1p32, again, virial), 19);
        assert_int_equal(energy[0], again[0]);
        s.block.n = 19;
        assert_int_equal(sk_bonded_sum(&s.block, 2, 1, 0x1p32, rest, virial), -1);
        for (int l = 21; l < B; l++)
            rest[0] += llrint(s.block.energy[0][l] * 0x1p32);
        assert_int_equal(energy[0], rest[0]);
    }
    const struct form *pair = form_of(sk_bonded_pair);
    double x[5][3] = {{0}};
    const double raw[6] = {1e-3, 1e-6, 1};
    scene_init(&s);
    scene_one(&s, pair, raw, x); /* two atoms in one place */
    assert_int_equal(sk_bonded_round(&s.block, 2, 4096, rounded), 0);
    x[1][0] = 1e-4; /* 12e-6 / r^13 = 1.2e47: too large, not NaN */
    scene_one(&s, pair, raw, x);
    assert_true(isfinite(s.block.g[0][0][0]));
    assert_int_equal(sk_bonded_round(&s.block, 2, 4096, rounded), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),      cmocka_unit_test(test_straight),        cmocka_unit_test(test_undefined),
        cmocka_unit_test(test_near_planar), cmocka_unit_test(test_known_dihedrals), cmocka_unit_test(test_map_seams),
        cmocka_unit_test(test_map_nodes),   cmocka_unit_test(test_rounded),         cmocka_unit_test(test_invariance),
        cmocka_unit_test(test_sum),         cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
