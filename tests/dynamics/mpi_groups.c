/* Groups of atoms in the engine: sums by groups are parts of the sums of all, exactly; one group of all atoms is none;
 * frozen atoms stay where they are, bit by bit. Expected: the sums of a run without groups, degrees of freedom counted
 * by hand (three an atom, one less for each atom of a rigid water). */
#include "scene.h"

#include <mpi.h>

#define WATER "water/water.ini"     /* the same with v-rescale, removing motion */
#define NPT   "water/water-npt.ini" /* and C-rescale */

static uint64_t hash_of(struct skein *sim)
{
    uint64_t hash;
    assert_int_equal(skein_state_hash(sim, &hash), 0);
    return hash;
}

static void one_group_is_none(void **state)
{
    static const char *const sets[][3] = {
        {NULL}, {"temperature.groups=all", NULL}, {"groups.w=molecule SOL", "temperature.groups=w", NULL}};
    uint64_t hash[3];
    (void)state;
    for (int s = 0; s < 3; s++) {
        struct skein *sim = scene_open(WATER, sets[s]);
        scene_step(sim, 45);
        hash[s] = hash_of(sim);
        skein_close(&sim);
    }
    assert_true(hash[0] == hash[1] && hash[0] == hash[2]);
}

static void groups_share_energies(void **state)
{
    static const char *const methods[] = {"nonbonded.coulomb=reaction-field", "nonbonded.coulomb=pme"};
    (void)state;
    for (int m = 0; m < 2; m++) {
        const char *const set[] = {methods[m],
                                   "groups.o=id 1-700, atom OW",
                                   "groups.h=id 2000-3000", /* the last one counts */
                                   "groups.h=id 2001 2003 2006",
                                   "output.energy_groups=rest o h",
                                   NULL};
        const char *const plain[] = {methods[m], NULL};
        struct skein_energies with, without;
        struct skein *sim = scene_open(WATER, set), *bare = scene_open(WATER, plain);
        assert_int_equal(skein_get_energies(sim, &with), 0);
        assert_int_equal(skein_get_energies(bare, &without), 0);
        sk_int128 total[2] = {sim->dynamics.observables.energy[0], sim->dynamics.observables.energy[1]};
        sk_int128 other[2] = {bare->dynamics.observables.energy[0], bare->dynamics.observables.energy[1]};
        sk_int128 sum[2] = {0, 0};
        sk_comm_sum_i128(sim->comm, total, 2);
        sk_comm_sum_i128(bare->comm, other, 2);
        for (int p = 0; p < SK_PARTS; p++)
            for (int e = 0; e < 2; e++)
                sum[e] += sim->force.parts.pair[p][e];
        assert_true(sum[0] == total[0] && sum[1] == total[1]);
        assert_true(sum[0] == other[0] && sum[1] == other[1]);
        assert_true(with.lj == without.lj && with.coulomb == without.coulomb && with.pressure == without.pressure);
        struct skein_group_energies pair[9];
        double coulomb = 0; /* with what charges do to themselves in an Ewald sum */
        assert_int_equal(skein_get_group_energies(sim, pair, 9), 6);
        assert_string_equal(pair[1].first, "rest");
        assert_string_equal(pair[1].second, "o");
        for (int p = 0; p < 6; p++)
            coulomb += pair[p].coulomb;
        check_near(coulomb, with.coulomb, 0, 1e-10);
        skein_close(&sim);
        skein_close(&bare);
    }
}

/* After an advance whose sums the thermostat and the removal of motion want. */
static void groups_share_motion(void **state)
{
    static const char *const runs[][2] = {{"run.integrator=leap-frog", "constraints.split_clusters=off"},
                                          {"run.integrator=velocity-verlet", "constraints.split_clusters=on"}};
    (void)state;
    for (int r = 0; r < 2; r++) {
        const char *const set[] = {runs[r][0],
                                   runs[r][1],
                                   "groups.a=id 1-900",
                                   "groups.b=id 1501",
                                   "temperature.groups=a b rest",
                                   "temperature.group_target_K=400 10 200",
                                   "run.remove_com_every=10",
                                   NULL};
        struct skein *sim = scene_open(WATER, set);
        const struct sk_observables *o = &sim->dynamics.observables;
        scene_step(sim, 11);
        assert_true(o->is_coupled && o->has_momentum);
        sk_int128 before = 0, after = 0, momentum[3] = {0, 0, 0};
        for (int g = 0; g < 3; g++) {
            before += o->group_before[g];
            after += o->group_after[g];
            for (int k = 0; k < 3; k++)
                momentum[k] += o->group_momentum[g][k];
        }
        assert_true(before == o->kinetic_before[0] + o->kinetic_before[1] + o->kinetic_before[2]);
        assert_true(after == o->kinetic_after[0] + o->kinetic_after[1] + o->kinetic_after[2]);
        for (int k = 0; k < 3; k++)
            assert_true(momentum[k] == o->momentum[k]);
        /* degrees of freedom: two an atom, and three less of all, shared out */
        const double *dof = sim->dynamics.thermal.dof;
        check_near(dof[0], 1800 - 3 * 1800.0 / 6000, 0, 1e-14);
        check_near(dof[1], 2 - 3 * 2.0 / 6000, 0, 1e-14);
        check_near(dof[2], 4198 - 3 * 4198.0 / 6000, 0, 1e-14);
        assert_true(sim->dynamics.dof == 5997);
        assert_int_equal(sim->dynamics.thermal.atoms[2], 2099);
        assert_int_equal(sim->dynamics.thermal.split, 1); /* the water of atom 1501 */
        double mass = 300 * (15.9994 + 2 * 1.008);
        check_near(sim->dynamics.thermal.mass[0][1], mass, 0, 1e-12);
        skein_close(&sim);
    }
}

/* Atoms that are frozen along an axis have the fraction they had, and no velocity; the others move. */
static void check_frozen(struct skein *sim, const sk_frac *x, const int32_t *image, sk_gid last, const bool axis[3])
{
    int64_t wrong = 0, moved = 0;
    for (int i = 0; i < sim->atoms.n; i++)
        for (int k = 0; k < 3; k++) {
            sk_gid at = 3 * sim->atoms.id[i] + k;
            bool is_still = sim->atoms.x[i][k] == x[at] && sim->atoms.image[i][k] == image[at];
            if (sim->atoms.id[i] < last && axis[k])
                wrong += !is_still || sim->atoms.v[i][k] != 0;
            else
                moved += !is_still && sim->atoms.v[i][k] != 0;
        }
    sk_comm_sum_i64(sim->comm, &wrong, 1);
    sk_comm_sum_i64(sim->comm, &moved, 1);
    int frozen = axis[0] + axis[1] + axis[2];
    assert_int_equal(wrong, 0);
    assert_int_equal(moved, 3 * sim->top.natoms - frozen * last);
}

static void freeze(const char *file, const char *const *set, sk_gid last, const bool axis[3], double dof)
{
    struct skein *sim = scene_open(file, set);
    size_t n = 3 * (size_t)sim->top.natoms;
    int64_t *x = calloc(n, sizeof *x), *image = calloc(n, sizeof *image);
    int32_t *small = calloc(n, sizeof *small);
    assert_true(x && image && small);
    for (int i = 0; i < sim->atoms.n; i++)
        for (int k = 0; k < 3; k++) {
            x[3 * sim->atoms.id[i] + k] = (int64_t)sim->atoms.x[i][k];
            image[3 * sim->atoms.id[i] + k] = sim->atoms.image[i][k];
        }
    sk_comm_sum_i64(sim->comm, x, (int)n);
    sk_comm_sum_i64(sim->comm, image, (int)n);
    for (size_t c = 0; c < n; c++)
        small[c] = (int32_t)image[c];
    assert_true(sim->dynamics.dof == dof);
    scene_step(sim, 12);
    check_frozen(sim, (const sk_frac *)x, small, last, axis);
    double *v = scene_velocities(sim); /* a host program cannot push them either */
    for (size_t c = 0; c < n; c++)
        v[c] += 0.01;
    assert_int_equal(skein_set_velocities(sim, v), 0);
    scene_step(sim, 11);
    check_frozen(sim, (const sk_frac *)x, small, last, axis);
    free(v);
    free(x);
    free(image);
    free(small);
    skein_close(&sim);
}

static void frozen_atoms_stay(void **state)
{
    static const bool whole[3] = {true, true, true}, plane[3] = {true, false, true};
    const char *const leap_frog[] = {"groups.wall=id 1-300", "run.freeze=wall", NULL};
    const char *const box[] = {"groups.wall=id 1-300",      "run.freeze=wall",      "run.remove_com_every=1",
                               "system.velocities=maxwell", "system.maxwell_K=300", NULL};
    const char *const bath[] = {"groups.wall=id 1-300", "run.freeze=wall", "temperature.thermostat=langevin", NULL};
    const char *const verlet[] = {"groups.wall=id 1-500", "run.freeze=wall", "run.freeze_axes=z x", NULL};
    (void)state;
    freeze(WATER, leap_frog, 300, whole, 2 * 2700);
    freeze(NPT, box, 300, whole, 2 * 2700 - 3);
    freeze(WATER, bath, 300, whole, 2 * 2700);
    freeze(SCENE_MELT, verlet, 500, plane, 3 * 3500 + 500);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_group_is_none),
        cmocka_unit_test(groups_share_energies),
        cmocka_unit_test(groups_share_motion),
        cmocka_unit_test(frozen_atoms_stay),
    };
    MPI_Init(&argc, &argv);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failures;
}
