/* Skein as a library: run a file for some steps, read and set velocities, print energies and the state hash.
 *   mpicc example.c $(pkg-config --cflags --libs skein) -o example && mpirun -n 2 ./example water.ini 100 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <skein/skein.h>

int main(int argc, char **argv)
{
    struct skein *water = NULL;
    struct skein_options options;
    struct skein_energies e;
    uint64_t hash = 0;
    double *v = NULL;

    skein_options_init(&options);
    int code = argc == 3 ? skein_open(argv[1], &options, &water) : SKEIN_INPUT;
    if (code == SKEIN_OK)
        code = skein_step(water, strtoll(argv[2], NULL, 10));
    if (code == SKEIN_OK)
        code = skein_get_energies(water, &e);
    if (code == SKEIN_OK) {
        v = malloc((size_t)skein_atoms(water) * 3 * sizeof *v); /* id order, the same on every process */
        code = v ? skein_get_velocities(water, v) : SKEIN_ENVIRONMENT;
    }
    if (code == SKEIN_OK)
        code = skein_set_velocities(water, v); /* what was read goes back bit for bit */
    if (code == SKEIN_OK)
        code = skein_state_hash(water, &hash);

    if (code == SKEIN_OK && skein_rank(water) == 0)
        printf("step %" PRId64 ": potential %.6f, temperature %.3f, %" PRId64 " atoms, state hash %016" PRIx64 "\n",
               skein_step_number(water), e.potential, e.temperature, skein_atoms(water), hash);
    else if (code != SKEIN_OK)
        fprintf(stderr, "%s\n",
                water && *skein_message(water) ? skein_message(water) : "usage: example FILE.ini STEPS");
    free(v);
    skein_close(&water);
    return code;
}
