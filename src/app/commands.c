#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"

int app_run(int argc, char **argv)
{
    struct app_arguments a;
    struct skein *simulation;
    if (app_parse("run", argc, argv, "snrhlq", &a))
        return SKEIN_INPUT;
    a.options.log = stdout;
    int code = skein_open(a.run_file, &a.options, &simulation);
    if (!code)
        code = skein_run(simulation);
    if (code && code != SKEIN_STOPPED)
        app_fail(simulation, code);
    skein_close(&simulation);
    return code;
}

int app_check(int argc, char **argv)
{
    struct app_arguments a;
    struct skein *simulation;
    if (app_parse("check", argc, argv, "s", &a))
        return SKEIN_INPUT;
    a.options.log = stdout;
    int code = skein_open(a.run_file, &a.options, &simulation);
    if (!code)
        code = skein_check(simulation);
    if (code)
        app_fail(simulation, code);
    skein_close(&simulation);
    return code;
}

/* Writes 'id fx fy fz', 15 digits; 0 or SKEIN_ENVIRONMENT with a message on standard error. */
static int write_forces(const char *path, const double *forces, int64_t n)
{
    FILE *out = fopen(path, "w");
    int has_failed = !out;
    for (int64_t i = 0; out && i < n; i++)
        has_failed |= fprintf(out, "%lld %.15g %.15g %.15g\n", (long long)i + 1, forces[3 * i], forces[3 * i + 1],
                              forces[3 * i + 2]) < 0;
    if (out)
        has_failed |= fclose(out) != 0;
    if (has_failed)
        fprintf(stderr, "skein: cannot write %s: %s\n", path, strerror(errno));
    return has_failed ? SKEIN_ENVIRONMENT : 0;
}

static void print_energies(const struct skein_energies *e, int is_reduced, int is_json, int is_oracle)
{
    if (is_json)
        printf("{\"event\":\"energy\",\"terms\":{\"lj\":%.17g,\"dispersion_correction\":%.17g,\"coulomb_sr\":%.17g},"
               "\"potential\":%.17g,\"kinetic\":%.17g,\"%s\":%.17g,\"%s\":%.17g}\n",
               e->lj, e->dispersion, e->coulomb, e->potential, e->kinetic, is_reduced ? "temperature" : "temperature_K",
               e->temperature, is_reduced ? "pressure" : "pressure_bar", e->pressure);
    else {
        printf("%-24s %.10g\n%-24s %.10g\n%-24s %.10g\n%-24s %.10g\n", "Lennard-Jones", e->lj, "dispersion correction",
               e->dispersion, "Coulomb", e->coulomb, "potential", e->potential);
        if (!is_oracle)
            printf("%-24s %.10g\n%-24s %.10g\n", "kinetic", e->kinetic, "temperature", e->temperature);
        printf("%-24s %.10g\n", is_oracle ? "pressure (virial)" : "pressure", e->pressure);
    }
}

int app_energy(int argc, char **argv)
{
    struct app_arguments a;
    struct skein *simulation;
    if (app_parse("energy", argc, argv, "sfjo", &a))
        return SKEIN_INPUT;
    int code = skein_open(a.run_file, &a.options, &simulation);
    struct skein_energies energies;
    double *forces = NULL;
    if (!code && a.forces) {
        forces = malloc((size_t)skein_atoms(simulation) * 3 * sizeof *forces);
        if (!forces)
            abort();
    }
    if (!code && a.is_oracle)
        code = skein_oracle(simulation, &energies, forces);
    else if (!code) {
        code = skein_get_energies(simulation, &energies);
        if (!code && forces)
            code = skein_get_forces(simulation, forces);
    }
    if (code)
        app_fail(simulation, code);
    else if (skein_rank(simulation) == 0) {
        print_energies(&energies, skein_is_reduced(simulation), a.is_json, a.is_oracle);
        if (forces)
            code = write_forces(a.forces, forces, skein_atoms(simulation));
    }
    free(forces);
    skein_close(&simulation);
    return code;
}
