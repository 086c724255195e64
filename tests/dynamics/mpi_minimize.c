/* Minimizers on several ranks, against what must hold exactly: steps that are taken back leave no bit behind,
 * potentials never rise in steepest descent, velocities stay, forces have no part along rigid bonds and lose nothing
 * else, and all of it is as on one process. */
#include "scene.h"

#include <mpi.h>

#define DESCENT "run.integrator=steepest-descent"
#define FIRE    "run.integrator=fire"

static struct skein *open_water(const char *integrator, const char *initial_step, const void *comm)
{
    const char *const overrides[] = {integrator, initial_step, "run.force_tolerance_kJ_per_mol_per_nm=1e-3",
                                     "run.steps=1000000", NULL};
    return scene_open_in(SCENE_WATER, overrides, comm);
}

static bool holds_everywhere(struct skein *sim, bool claim)
{
    int64_t value = claim;
    sk_comm_min_i64(sim->comm, &value, 1);
    return value == 1;
}

/* State hashes at step 0 of all that is in the hash: places, images, velocities. */
static uint64_t hash_of_atoms(struct skein *sim)
{
    int64_t sum = (int64_t)sk_atoms_hash(&sim->atoms);
    sk_comm_sum_i64(sim->comm, &sum, 1);
    return (uint64_t)sum;
}

/* The first trials move an atom by 0.3 nm, which no water survives: constraints fail, or the potential rises. */
static void test_taken_back(void **state)
{
    (void)state;
    static const char *const integrators[] = {DESCENT, FIRE};
    for (int k = 0; k < 2; k++) {
        struct skein *sim = open_water(integrators[k], "run.initial_step_nm=0.3", NULL);
        scene_step(sim, 0);
        uint64_t before = hash_of_atoms(sim);
        sk_int128 potential = sim->minimizer.potential;
        int taken_back = 0, kept = 0;
        for (int n = 0; n < 8 && !kept; n++) {
            double reach = sim->minimizer.descent.reach;
            scene_step(sim, 1);
            bool is_back = hash_of_atoms(sim) == before;
            taken_back += is_back;
            kept += !is_back;
            if (is_back && reach > 0)
                assert_true(sim->minimizer.descent.reach == 0.5 * reach);
            if (is_back && k == 0)
                assert_true(sim->minimizer.potential == potential);
        }
        if (k == 0)
            assert_true(taken_back > 0 && kept > 0 && sim->minimizer.potential < potential);
        assert_int_equal(skein_step_number(sim), taken_back + kept);
        skein_close(&sim);
    }
}

static void test_descends(void **state)
{
    (void)state;
    struct skein *sim = open_water(DESCENT, "run.initial_step_nm=0.01", NULL);
    double *v = scene_array(sim), *after = scene_array(sim);
    assert_int_equal(skein_get_velocities(sim, v), 0);
    for (int n = 0; n < 12; n++) {
        sk_int128 before = sim->minimizer.potential;
        scene_step(sim, 1);
        assert_true(sim->minimizer.potential <= before);
        assert_true(sim->minimizer.has_energy && !sim->minimizer.has_overlap);
    }
    assert_int_equal(skein_get_velocities(sim, after), 0);
    assert_memory_equal(v, after, (size_t)sim->top.natoms * 3 * sizeof *v);
    free(v);
    free(after);
    skein_close(&sim);
}

/* Of every rigid water: the forces that are left are those of a rigid body in the metric of equal masses. */
static void test_projection(void **state)
{
    (void)state;
    struct skein *sim = open_water(FIRE, "run.initial_step_nm=0.01", NULL);
    scene_step(sim, 5);
    const struct sk_minimizer *m = &sim->minimizer;
    double largest = 0, worst_sum = 0, worst_along = 0, scale = sim->force.nonbonded.pair.force_scale;
    for (int w = 0; w < sim->rigid.nwaters; w++) {
        const int *atom = sim->rigid.waters[w].atom;
        for (int k = 0; k < 3; k++) {
            double raw = 0, left = 0;
            for (int a = 0; a < 3; a++) {
                raw += (double)sim->force.total[atom[a]][k] / scale;
                left += m->force[atom[a]][k];
            }
            worst_sum = fmax(worst_sum, fabs(raw - left));
        }
        for (int p = 0; p < 3; p++) {
            int i = atom[p], j = atom[(p + 1) % 3];
            double along = 0;
            for (int k = 0; k < 3; k++)
                along += sk_frac_difference(sim->atoms.x[i][k], sim->atoms.x[j][k]) * sim->box.edge[k] *
                         (m->force[i][k] - m->force[j][k]);
            worst_along = fmax(worst_along, fabs(along));
        }
        for (int a = 0; a < 3; a++)
            largest = fmax(largest, sqrt(m->force[atom[a]][0] * m->force[atom[a]][0] +
                                         m->force[atom[a]][1] * m->force[atom[a]][1] +
                                         m->force[atom[a]][2] * m->force[atom[a]][2]));
    }
    assert_true(holds_everywhere(sim, worst_sum < 1e-8 && worst_along < 1e-8));
    sk_comm_max_f64(sim->comm, &largest, 1);
    check_near(m->largest, largest, 0, 1e-14);
    assert_true(largest > 10);
    skein_close(&sim);
}

static void test_as_alone(void **state)
{
    (void)state;
    static const char *const integrators[] = {DESCENT, FIRE};
    MPI_Comm self = MPI_COMM_SELF;
    for (int k = 0; k < 2; k++) {
        struct skein *together = open_water(integrators[k], "run.initial_step_nm=0.02", NULL),
                     *alone = open_water(integrators[k], "run.initial_step_nm=0.02", &self);
        scene_step(together, 15);
        scene_step(alone, 15);
        assert_int_equal(sk_dynamics_hash(&together->dynamics), sk_dynamics_hash(&alone->dynamics));
        assert_memory_equal(&together->minimizer.descent, &alone->minimizer.descent, sizeof(struct sk_descent));
        assert_int_equal(sk_minimize_worst(&together->minimizer), sk_minimize_worst(&alone->minimizer));
        skein_close(&together);
        skein_close(&alone);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_taken_back), cmocka_unit_test(test_descends),
                                       cmocka_unit_test(test_projection), cmocka_unit_test(test_as_alone)};
    MPI_Init(&argc, &argv);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failures;
}
