/* Scene: simulations opened on the project's inputs, in the build folder ($BUILD, as the test runner sets it), with
 * what the tests of motion ask of them. All ranks of the communicator call these; what looks at sim->atoms sees the
 * atoms of its own rank. */
#ifndef SK_TESTS_DYNAMICS_SCENE_H
#define SK_TESTS_DYNAMICS_SCENE_H

#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "sim/sim.h"

#define SCENE_WATER "water/water-nve.ini"    /* SPC/E 3k, leap-frog, no bath, no removal of momentum */
#define SCENE_MELT  "lj-melt/lj-melt-4k.ini" /* velocity Verlet, no removal of momentum */

/* Opens inputs/FILE with overrides "section.key=value" up to NULL. mpi_comm: an MPI_Comm *, NULL for the world. */
static inline struct skein *scene_open_in(const char *file, const char *const *overrides, const void *mpi_comm)
{
    char path[4096];
    const char *build = getenv("BUILD");
    struct skein *sim = NULL;
    struct skein_options options;
    skein_options_init(&options);
    options.mpi_comm = mpi_comm;
    options.overrides = overrides;
    while (overrides[options.noverrides])
        options.noverrides++;
    snprintf(path, sizeof path, "%s/inputs/%s", build ? build : "build", file);
    if (skein_open(path, &options, &sim)) {
        print_error("%s: %s\n", path, skein_message(sim));
        fail();
    }
    return sim;
}

static inline struct skein *scene_open(const char *file, const char *const *overrides)
{
    return scene_open_in(file, overrides, NULL);
}

static inline void scene_step(struct skein *sim, int64_t n)
{
    if (skein_step(sim, n)) {
        print_error("%s\n", skein_message(sim));
        fail();
    }
}

static inline double *scene_array(const struct skein *sim)
{
    double *array = calloc((size_t)(3 * sim->top.natoms), sizeof *array);
    assert_non_null(array);
    return array;
}

static inline double *scene_positions(struct skein *sim)
{
    double *x = scene_array(sim);
    assert_int_equal(skein_get_positions(sim, x), 0);
    return x;
}

/* All 64 bits of each coordinate, by id. */
static inline sk_frac *scene_fractions(const struct skein *sim)
{
    sk_frac *x = malloc((size_t)sim->top.natoms * sizeof sim->atoms.x[0]);
    assert_non_null(x);
    for (int i = 0; i < sim->atoms.n; i++)
        memcpy(x + 3 * sim->atoms.id[i], sim->atoms.x[i], sizeof sim->atoms.x[i]);
    return x;
}

/* The forces come first: they bring the velocities of velocity Verlet to the step. */
static inline double *scene_velocities(struct skein *sim)
{
    double *v = scene_array(sim);
    assert_int_equal(skein_get_forces(sim, v), 0);
    assert_int_equal(skein_get_velocities(sim, v), 0);
    return v;
}

/* rms distance of an atom between two sets of positions, nearest images. */
static inline double scene_distance(const struct skein *sim, const double *a, const double *b)
{
    double edge[3], sum = 0;
    skein_get_box(sim, edge);
    for (int64_t i = 0; i < 3 * sim->top.natoms; i++) {
        double d = a[i] - b[i];
        d -= edge[i % 3] * rint(d / edge[i % 3]);
        sum += d * d;
    }
    return sqrt(sum / (double)sim->top.natoms);
}

static inline double scene_mass(const struct skein *sim, int i)
{
    return sim->top.kinds[sim->atoms.kind[i]].mass;
}

/* Kinetic energy and momentum of the present velocities, in long double. */
static inline double scene_motion(const struct skein *sim, double momentum[3])
{
    long double kinetic = 0, p[3] = {0};
    for (int i = 0; i < sim->atoms.n; i++)
        for (int k = 0; k < 3; k++) {
            long double v = sim->atoms.v[i][k], m = scene_mass(sim, i);
            kinetic += 0.5L * m * v * v;
            p[k] += m * v;
        }
    for (int k = 0; k < 3; k++)
        momentum[k] = (double)p[k];
    return (double)kinetic;
}

#endif
