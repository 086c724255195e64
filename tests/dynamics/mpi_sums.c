/* Pair forces cancel exactly over all ranks, in int32 and in wide arithmetic, and are the same on any number of them:
 * a hash of (id, force) summed over atoms equals that of one process alone. */
#include "scene.h"

#include <mpi.h>

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

struct sums {
    int64_t pair[3], total[3], wide[3], size, hash;
};

static struct sums take(struct skein *sim)
{
    struct sums s;
    memset(&s, 0, sizeof s);
    const struct sk_force *f = &sim->force;
    free(scene_velocities(sim));
    for (int i = 0; i < sim->atoms.n; i++)
        for (int k = 0; k < 3; k++) {
            s.pair[k] += f->pair[i][k];
            s.total[k] += f->total[i][k];
            s.size += llabs((long long)f->pair[i][k]);
            s.hash += (int64_t)mix(mix((uint64_t)(3 * sim->atoms.id[i] + k + 1)) + (uint64_t)f->total[i][k]) >> 8;
        }
    sk_force_redo_wide(&sim->force, &sim->domain, &sim->atoms, &sim->dynamics.phases);
    for (int i = 0; i < sim->atoms.n; i++)
        for (int k = 0; k < 3; k++)
            s.wide[k] += f->wide[i][k];
    sk_comm_sum_i64(sim->comm, (int64_t *)&s, (int)(sizeof s / sizeof(int64_t)));
    return s;
}

static void check(const char *file)
{
    MPI_Comm self = MPI_COMM_SELF;
    const char *const none[] = {NULL};
    struct skein *together = scene_open(file, none), *alone = scene_open_in(file, none, &self);
    for (int look = 0; look < 2; look++) {
        struct sums all = take(together), one = take(alone);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(all.pair[k], 0);
            assert_int_equal(all.total[k], 0);
            assert_int_equal(all.wide[k], 0);
        }
        assert_true(all.size > 1000 * together->top.natoms);
        assert_int_equal(all.size, one.size);
        assert_int_equal(all.hash, one.hash);
        scene_step(together, 12);
        scene_step(alone, 12);
    }
    skein_close(&together);
    skein_close(&alone);
}

static void test_water(void **state)
{
    (void)state;
    check(SCENE_WATER);
}

static void test_melt(void **state)
{
    (void)state;
    check(SCENE_MELT);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_water), cmocka_unit_test(test_melt)};
    MPI_Init(&argc, &argv);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failures;
}
