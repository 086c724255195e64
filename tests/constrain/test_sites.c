/* Virtual sites: places against their definition in Cartesian coordinates, also across faces and in tilted boxes;
 * forces on atoms against the change of a linear potential of the site when an atom is moved. */
#include "constrain/sites.h"

#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "par/mixer.h"

enum { FORMS = 3, ATOMS = 4, TRIALS = 60 };
static const struct sk_box boxes[2] = {{{2.0, 2.5, 3.0}, {0, 0, 0}}, {{2.0, 2.5, 3.0}, {0.6, -0.8, 1.1}}};
static const double a = 0.31, b = -0.22, c = 5.5;

static double unit(uint64_t seed, uint64_t i, uint64_t k)
{
    return (double)(mix4(seed, i, k, 77) >> 11) * 0x1p-53;
}

/* A molecule of three atoms and a site of some form, the third of its places. */
static void make_topology(struct sk_topology *top, int form)
{
    struct sk_error err;
    sk_topology_init(top);
    top->nmoltypes = top->nblocks = 1;
    top->moltypes = sk_calloc(1, sizeof *top->moltypes);
    top->blocks = sk_calloc(1, sizeof *top->blocks);
    top->blocks[0].count = 1;
    struct sk_moltype *type = &top->moltypes[0];
    strcpy(type->name, "M");
    type->natoms = ATOMS;
    type->atoms = sk_calloc(ATOMS, sizeof *type->atoms);
    const int kinds[2] = {sk_topology_kind(top, 0, 0, 12), sk_topology_kind(top, 0, 0, 0)};
    for (int i = 0; i < ATOMS; i++) {
        strcpy(type->atoms[i].name, "A");
        strcpy(type->atoms[i].residue, "R");
        type->atoms[i].kind = kinds[i == 2];
    }
    type->nsites = 1;
    type->sites = sk_calloc(1, sizeof *type->sites);
    type->sites[0] = (struct sk_virtual_site){form, 2, {1, 3, form == SK_VIRTUAL_2 ? -1 : 0}, a, b, c};
    assert_int_equal(sk_moltype_finish(type, &err), SK_OK);
    assert_int_equal(sk_topology_finish(top, &err), SK_OK);
}

/* Owned atoms in the order of groups: in the two-atom form the fourth atom is a group of its own. */
static void make_atoms(const struct sk_topology *top, const struct sk_box *box, uint64_t seed, struct sk_atoms *atoms)
{
    const struct sk_moltype *type = &top->moltypes[0];
    sk_atoms_init(atoms);
    sk_atoms_reserve(atoms, ATOMS);
    double corner[3];
    for (int k = 0; k < 3; k++)
        corner[k] = unit(seed, 9, (uint64_t)k) < 0.5 ? 0.0 : unit(seed, 8, (uint64_t)k);
    for (int g = 0; g < type->ngroups; g++)
        for (int m = type->group_start[g]; m < type->group_start[g + 1]; m++) {
            const int i = atoms->n++;
            double x[3], s[3];
            atoms->id[i] = type->group_place[m];
            atoms->group_size[i] = m == type->group_start[g] ? type->group_start[g + 1] - m : 0;
            for (int k = 0; k < 3; k++)
                x[k] = 0.3 * (unit(seed, (uint64_t)atoms->id[i], (uint64_t)k) - 0.5);
            sk_box_fractions(box, x, s);
            for (int k = 0; k < 3; k++) {
                s[k] += corner[k];
                atoms->image[i][k] = 3 + (int32_t)floor(s[k]);
                atoms->x[i][k] = (sk_frac)((s[k] - floor(s[k])) * 0x1p64);
            }
        }
}

static int of_place(const struct sk_atoms *atoms, sk_gid place)
{
    for (int i = 0; i < atoms->n; i++)
        if (atoms->id[i] == place)
            return i;
    fail();
    return -1;
}

/* Unwrapped. */
static void place_in_space(const struct sk_atoms *atoms, const struct sk_box *box, int i, double x[3])
{
    double s[3];
    for (int k = 0; k < 3; k++)
        s[k] = (double)atoms->x[i][k] * 0x1p-64 + atoms->image[i][k];
    sk_box_vector(box, s, x);
}

static void expected_place(const struct sk_atoms *atoms, const struct sk_box *box, int form, double x[3])
{
    double x0[3], u[3], v[3];
    place_in_space(atoms, box, of_place(atoms, 1), x0);
    place_in_space(atoms, box, of_place(atoms, 3), u);
    place_in_space(atoms, box, of_place(atoms, 0), v);
    for (int k = 0; k < 3; k++) {
        u[k] -= x0[k];
        v[k] -= x0[k];
    }
    for (int k = 0; k < 3; k++) {
        const int l = (k + 1) % 3, m = (k + 2) % 3;
        x[k] = x0[k] + a * u[k] + (form == SK_VIRTUAL_2 ? 0 : b * v[k]) +
               (form == SK_VIRTUAL_3_OUT ? c * (u[l] * v[m] - u[m] * v[l]) : 0);
    }
}

static void check_place(const struct sk_topology *top, int form, const struct sk_box *box, uint64_t seed)
{
    struct sk_atoms atoms;
    struct sk_sites sites = {0};
    double x[3], want[3];
    make_atoms(top, box, seed, &atoms);
    sk_sites_rebuild(&sites, top, &atoms);
    assert_int_equal(sites.n, 1);
    sk_sites_place(&sites, box, &atoms);
    place_in_space(&atoms, box, of_place(&atoms, 2), x);
    expected_place(&atoms, box, form, want);
    for (int k = 0; k < 3; k++)
        check_near(x[k], want[k], 1e-14, 0);
    sk_sites_clear(&sites);
    sk_atoms_clear(&atoms);
}

/* With E = -F x_site, an atom's force is F times the derivative of the site's place; and -1/2 sum r F is that of the
 * atoms. */
static void check_forces(const struct sk_topology *top, int form, const struct sk_box *box, uint64_t seed)
{
    struct sk_atoms atoms;
    struct sk_sites sites = {0};
    int64_t force[ATOMS][3] = {{0}}, total[3] = {0};
    sk_int128 virial[3] = {0};
    double site_virial[3], atom_virial[3] = {0}, x[3];
    const double scale = 0x1p20, f[3] = {310.0, -42.5, 77.25};
    make_atoms(top, box, seed, &atoms);
    sk_sites_rebuild(&sites, top, &atoms);
    sk_sites_place(&sites, box, &atoms);
    const int at = of_place(&atoms, 2);
    place_in_space(&atoms, box, at, x);
    for (int k = 0; k < 3; k++) {
        force[at][k] = (int64_t)(f[k] * scale);
        site_virial[k] = -0.5 * x[k] * f[k];
    }
    sk_sites_spread(&sites, box, &atoms, scale, force, virial);
    for (int i = 0; i < ATOMS; i++) {
        place_in_space(&atoms, box, i, x);
        for (int k = 0; k < 3; k++) {
            double plus[3], minus[3], step[3] = {0}, s[3], change = 0;
            total[k] += force[i][k];
            atom_virial[k] -= 0.5 * x[k] * (double)force[i][k] / scale;
            if (i == at) {
                assert_int_equal(force[i][k], 0);
                continue;
            }
            step[k] = 1e-4;
            sk_box_fractions(box, step, s);
            sk_frac before[3];
            memcpy(before, atoms.x[i], sizeof before);
            int32_t image[3];
            memcpy(image, atoms.image[i], sizeof image);
            for (int sign = -1; sign <= 1; sign += 2) {
                for (int l = 0; l < 3; l++) {
                    const sk_int128 sum = (sk_int128)before[l] + (sk_int128)(int64_t)(sign * s[l] * 0x1p62) * 4;
                    atoms.x[i][l] = (sk_frac)sum;
                    atoms.image[i][l] = image[l] + (int32_t)(sum >> 64);
                }
                expected_place(&atoms, box, form, sign > 0 ? plus : minus);
            }
            memcpy(atoms.x[i], before, sizeof before);
            memcpy(atoms.image[i], image, sizeof image);
            for (int l = 0; l < 3; l++)
                change += f[l] * (plus[l] - minus[l]) / 2e-4;
            check_near((double)force[i][k] / scale, change, 1e-5, 1e-7);
        }
    }
    for (int k = 0; k < 3; k++) {
        assert_int_equal(total[k], (int64_t)(f[k] * scale));
        check_near(site_virial[k] + (double)virial[k] / SK_ENERGY_SCALE, atom_virial[k], 1e-4, 0);
    }
    sk_sites_clear(&sites);
    sk_atoms_clear(&atoms);
}

static void sites_follow_their_atoms(void **state)
{
    (void)state;
    for (int form = 0; form < FORMS; form++) {
        struct sk_topology top;
        make_topology(&top, form);
        for (uint64_t trial = 0; trial < TRIALS; trial++)
            check_place(&top, form, &boxes[trial % 2], trial);
        sk_topology_clear(&top);
    }
}

static void forces_go_to_their_atoms(void **state)
{
    (void)state;
    for (int form = 0; form < FORMS; form++) {
        struct sk_topology top;
        make_topology(&top, form);
        for (uint64_t trial = 0; trial < TRIALS; trial++)
            check_forces(&top, form, &boxes[trial % 2], trial);
        sk_topology_clear(&top);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sites_follow_their_atoms),
                                       cmocka_unit_test(forces_go_to_their_atoms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
