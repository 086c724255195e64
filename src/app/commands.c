#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "base/json.h"
#include "sim/groups.h"

/* Opens what the arguments say, does `work`, tells what failed, closes. */
static int with_simulation(const char *command, int argc, char **argv, const char *allowed,
                           int (*work)(struct skein *simulation))
{
    struct app_arguments a;
    struct skein *simulation;
    if (app_parse(command, argc, argv, allowed, &a))
        return SKEIN_INPUT;
    a.options.log = stdout;
    int code = skein_open(a.run_file, &a.options, &simulation);
    if (!code)
        code = work(simulation);
    if (code && code != SKEIN_STOPPED)
        app_fail(simulation, code);
    skein_close(&simulation);
    return code;
}

int app_run(int argc, char **argv)
{
    return with_simulation("run", argc, argv, "snrhlq", skein_run);
}

int app_check(int argc, char **argv)
{
    return with_simulation("check", argc, argv, "sk", skein_check);
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

struct named_energy {
    const char *key, *name;
    double value;
};

#define NBONDED 8

static void bonded_of(const struct skein_energies *e, struct named_energy list[NBONDED])
{
    const struct named_energy all[NBONDED] = {{"bond", "bonds", e->bond},
                                              {"angle", "angles", e->angle},
                                              {"urey_bradley", "Urey-Bradley angles", e->urey_bradley},
                                              {"dihedral", "dihedrals", e->dihedral},
                                              {"improper", "impropers", e->improper},
                                              {"cmap", "correction maps", e->cmap},
                                              {"lj_14", "Lennard-Jones 1-4", e->lj_14},
                                              {"coulomb_14", "Coulomb 1-4", e->coulomb_14}};
    memcpy(list, all, sizeof all);
}

static void print_groups(const struct skein *simulation, int has_bonded)
{
    struct skein_temperature_group group[SK_GROUPS_MAX];
    struct skein_group_energies pair[SK_PARTS];
    int ngroups = skein_get_temperature_groups(simulation, group, SK_GROUPS_MAX);
    int npairs = skein_get_group_energies(simulation, pair, SK_PARTS);
    for (int g = 0; g < ngroups; g++)
        printf("%-24s %.10g of %s, %lld atoms with %.8g degrees of freedom\n", "temperature", group[g].temperature,
               group[g].name, (long long)group[g].atoms, group[g].degrees_of_freedom);
    for (int p = 0; p < npairs; p++) {
        printf("%s with %s: Lennard-Jones %.10g, Coulomb %.10g", pair[p].first, pair[p].second, pair[p].lj,
               pair[p].coulomb);
        if (has_bonded)
            printf(", 1-4 %.10g and %.10g", pair[p].lj_14, pair[p].coulomb_14);
        printf("\n");
    }
}

static void print_json(const struct skein *simulation, const struct skein_energies *e, int is_reduced, int has_groups)
{
    struct sk_json json;
    struct named_energy bonded[NBONDED];
    struct sk_error ignored; /* a closed stdout is the reader's doing */
    bonded_of(e, bonded);
    sk_json_init(&json, stdout);
    sk_json_begin(&json);
    sk_json_string(&json, "event", "energy");
    sk_json_open_object(&json, "terms");
    sk_json_double(&json, "lj", e->lj);
    sk_json_double(&json, "dispersion_correction", e->dispersion);
    sk_json_double(&json, "coulomb_sr", e->coulomb);
    if (e->has_mesh)
        sk_json_double(&json, "coulomb_recip", e->coulomb_recip);
    for (int b = 0; e->has_bonded && b < NBONDED; b++)
        sk_json_double(&json, bonded[b].key, bonded[b].value);
    if (e->has_restraints)
        sk_json_double(&json, "position_restraint", e->position_restraint);
    sk_json_close(&json);
    sk_json_double(&json, "potential", e->potential);
    sk_json_double(&json, "kinetic", e->kinetic);
    sk_json_double(&json, is_reduced ? "temperature" : "temperature_K", e->temperature);
    if (has_groups)
        sk_sim_temperatures_json(simulation, &json);
    sk_json_double(&json, is_reduced ? "pressure" : "pressure_bar", e->pressure);
    if (has_groups)
        sk_sim_parts_json(simulation, &json);
    sk_json_end(&json, &ignored);
    sk_json_clear(&json);
}

/* The oracle tells nothing of groups. */
static void print_energies(const struct skein *simulation, const struct skein_energies *e, int is_json, int has_groups)
{
    if (is_json)
        print_json(simulation, e, skein_is_reduced(simulation), has_groups);
    else {
        struct named_energy bonded[NBONDED];
        bonded_of(e, bonded);
        printf("%-24s %.10g\n%-24s %.10g\n%-24s %.10g\n", "Lennard-Jones", e->lj, "dispersion correction",
               e->dispersion, e->has_mesh ? "Coulomb, direct" : "Coulomb", e->coulomb);
        if (e->has_mesh)
            printf("%-24s %.10g\n", "Coulomb, reciprocal", e->coulomb_recip);
        for (int b = 0; e->has_bonded && b < NBONDED; b++)
            printf("%-24s %.10g\n", bonded[b].name, bonded[b].value);
        if (e->has_restraints)
            printf("%-24s %.10g\n", "position restraints", e->position_restraint);
        printf("%-24s %.10g\n", "potential", e->potential);
        printf("%-24s %.10g\n%-24s %.10g\n%-24s %.10g\n", "kinetic", e->kinetic, "temperature", e->temperature,
               "pressure", e->pressure);
        if (has_groups)
            print_groups(simulation, e->has_bonded);
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
        print_energies(simulation, &energies, a.is_json, !a.is_oracle);
        if (forces)
            code = write_forces(a.forces, forces, skein_atoms(simulation));
    }
    free(forces);
    skein_close(&simulation);
    return code;
}
