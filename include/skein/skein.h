/* Skein: molecular dynamics on any number of MPI processes with the same bits.
 * This is the library's one header. All functions are collective: every process of the communicator calls
 * them in the same order. They return 0 or an error code (the program's exit codes); the text is in skein_message. */
#ifndef SKEIN_SKEIN_H
#define SKEIN_SKEIN_H

#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SKEIN_API __attribute__((visibility("default")))

enum skein_code {
    SKEIN_OK = 0,
    SKEIN_INPUT = 1,       /* bad usage or input */
    SKEIN_PHYSICS = 2,     /* constraint failure, NaN, overflow */
    SKEIN_ENVIRONMENT = 3, /* I/O, memory, MPI */
    SKEIN_INTERNAL = 70,   /* a bug */
    SKEIN_STOPPED = 75     /* stopped early with a checkpoint: resume to go on */
};

struct skein; /* one simulation; owned by the caller, freed by skein_close */

struct skein_options {
    const void *mpi_comm;         /* an MPI_Comm *, or NULL for MPI_COMM_WORLD; MPI is initialised if it is not */
    const char *const *overrides; /* "section.key=value" each, borrowed */
    int noverrides;
    int resume;           /* nonzero: continue from the checkpoint if there is one */
    int64_t steps;        /* total to reach; negative: what the run file says */
    double max_hours;     /* stop with a checkpoint after this; 0: never */
    const char *log_json; /* JSON lines go here; NULL: nowhere */
    FILE *log;            /* human log of rank 0; NULL: none */
    int quiet;
    int check_ranks; /* skein_check counts crossing constraints for so many ranks; 0: for those that run */
};

struct skein_energies {
    int64_t step;
    double time, lj, coulomb, dispersion, potential, kinetic, total, conserved, temperature, pressure;
    int has_bonded; /* the system has bonded terms; without them what follows is 0. The potential includes them. */
    double bond, angle, urey_bradley, dihedral, improper, cmap, lj_14, coulomb_14;
    int has_mesh;         /* particle-mesh Ewald: coulomb is its direct part, with excluded pairs and self energy */
    double coulomb_recip; /* the mesh's, with the background of a net charge; else 0 */
    int has_restraints;   /* of positions */
    double position_restraint;
};

/* Defaults: everything off, steps negative. */
SKEIN_API void skein_options_init(struct skein_options *options);
/* Reads a run file and everything it names, distributes the system. On failure *simulation still carries the message;
 * close it all the same. */
SKEIN_API int skein_open(const char *run_file, const struct skein_options *options, struct skein **simulation);
/* Ends MPI too if skein_open began it: no simulation can be opened after that. A program that opens several calls
 * MPI_Init itself. */
SKEIN_API void skein_close(struct skein **simulation);
/* Text of the last error, for a user; empty if none. Valid until the next call. */
SKEIN_API const char *skein_message(const struct skein *simulation);
SKEIN_API int skein_rank(const struct skein *simulation);

/* Runs to the end of the run file (or options.steps) with all its output: energies, trajectory, checkpoints, report.
 * SKEIN_STOPPED when a signal (SIGUSR1) or max_hours ended it early. */
SKEIN_API int skein_run(struct skein *simulation);
/* Prints what was read (molecules, cells, parameters) to options.log and evaluates the forces once; runs nothing. */
SKEIN_API int skein_check(struct skein *simulation);
/* Advances by n steps without output; a minimizer ends before if it has converged or no step leads further. */
SKEIN_API int skein_step(struct skein *simulation, int64_t n);
SKEIN_API int64_t skein_step_number(const struct skein *simulation);
SKEIN_API int64_t skein_atoms(const struct skein *simulation);
/* Energies of the present step (temperature and pressure in the run's units: K and bar, or reduced). A minimizer has no
 * kinetic energy, and SKEIN_PHYSICS as long as atoms overlap, for then its energies are not the force field's. */
SKEIN_API int skein_get_energies(struct skein *simulation, struct skein_energies *energies);
/* The groups of [temperature] groups, and every pair of those of [output] energy_groups (Lennard-Jones, direct Coulomb
 * and 1-4 energies between them), at the last skein_get_energies: how many there are; up to `most` are filled in. Names
 * are valid until skein_close. */
struct skein_temperature_group {
    const char *name;
    int64_t atoms;
    double degrees_of_freedom, temperature;
};
SKEIN_API int skein_get_temperature_groups(const struct skein *simulation, struct skein_temperature_group *groups,
                                           int most);
struct skein_group_energies {
    const char *first, *second;
    double lj, coulomb, lj_14, coulomb_14;
};
SKEIN_API int skein_get_group_energies(const struct skein *simulation, struct skein_group_energies *pairs, int most);
/* Arrays of all atoms in id order, [atoms][3], on every process. Positions are wrapped into the box, length units.
 * Velocities have the integrator's phase: leap-frog half a step back, velocity Verlet on the step. */
SKEIN_API int skein_get_positions(struct skein *simulation, double *positions);
SKEIN_API int skein_get_velocities(struct skein *simulation, double *velocities);
SKEIN_API int skein_get_forces(struct skein *simulation, double *forces);
/* The same array on every process; positions may lie outside the box. */
SKEIN_API int skein_set_positions(struct skein *simulation, const double *positions);
SKEIN_API int skein_set_velocities(struct skein *simulation, const double *velocities);
/* Nonzero if the run is in reduced (Lennard-Jones) units. */
SKEIN_API int skein_is_reduced(const struct skein *simulation);
/* Diagonal of the box, and its three vectors in the rows: (ax, 0, 0), (bx, by, 0), (cx, cy, cz). */
SKEIN_API int skein_get_box(const struct skein *simulation, double edge[3]);
SKEIN_API int skein_get_lattice(const struct skein *simulation, double lattice[3][3]);
/* Radius within which the neighbour list holds every pair, length units. */
SKEIN_API double skein_list_radius(const struct skein *simulation);
SKEIN_API int skein_state_hash(struct skein *simulation, uint64_t *hash);
/* Forces and energies of the present positions by brute force in double precision (O(N^2): the oracle of the tests).
 * forces: [atoms][3] or NULL. Kinetic energy and the virial of constraints are those of a trial step with these forces.
 */
SKEIN_API int skein_oracle(struct skein *simulation, struct skein_energies *energies, double *forces);

SKEIN_API const char *skein_version(void);

#ifdef __cplusplus
}
#endif

#endif
