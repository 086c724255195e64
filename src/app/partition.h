/* Partition: `skein partition`, who would own what on how many ranks, and what it would cost; offline, on one core.
 * A request is what the command line said, a scene the cells to share out, a result one scheme on one number of ranks.
 * Not here: the partitions and the counting (curve). */
#ifndef SK_APP_PARTITION_H
#define SK_APP_PARTITION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"
#include "curve/count.h"
#include "curve/load.h"
#include "curve/score.h"
#include "sim/whatif.h"

#define PARTITION_RANKS   65536 /* most ranks */
#define PARTITION_LIST    4096  /* most rank counts */
#define PARTITION_SETS    256
#define PARTITION_AUTO    SK_SCHEMES /* beside enum sk_scheme */
#define PARTITION_SCHEMES (SK_SCHEMES + 1)

struct partition_request {
    const char *run_file; /* or NULL: the grid */
    int32_t grid[3];
    int *ranks; /* [nranks]; owned */
    int nranks;
    int scheme[PARTITION_SCHEMES]; /* enum sk_scheme or PARTITION_AUTO, in the order asked for */
    int nschemes;
    bool has_schemes;   /* they were named */
    int ranks_per_node; /* 0: not said */
    double slack;       /* share of the mean load */
    int reach;          /* cells of the list radius (1) or half of it (2), and as many of them make the shell */
    struct sk_cost cost;
    const char *owners, *picture;
    bool is_calibration;     /* measure, do not partition */
    const char *calibration; /* constants to predict times with, or NULL */
    const char *output;      /* where a calibration goes; NULL: the default */
    const char *overrides[PARTITION_SETS];
    int noverrides;
    bool is_json, has_imports; /* imports: what the engine itself would do, too */
};

struct partition_scene {
    char name[256];
    int32_t n[3];
    int64_t cells, natoms;
    int reach;                   /* of the shell, in cells */
    double edge[3], list_radius; /* of a configuration */
    bool is_reduced;             /* lengths in sigma, not nm */
    int32_t *atoms;              /* [cells], x fastest; NULL: a bare grid */
    int64_t *pairs;              /* [cells]: sixteenths of the pairs within the list radius (sk_load_pairs); or NULL */
    int64_t *weight;             /* [cells]; NULL: 1 each */
    int64_t constraints;         /* of the system, those of rigid waters apart */
    int32_t (*joined)[2];        /* [njoined]: cells that own the ends of a constraint, if they differ */
    int64_t njoined;
    struct sk_supposition *supposed; /* [ranks][schemes] of the request, or NULL: not asked for */
};

/* What the time model knows of this machine, as `skein partition --calibrate` stores it. Times in ns. */
struct partition_constants {
    double message, byte;    /* a message between two processes, and each byte of it */
    double reduce;           /* the step's reduction, for each doubling of ranks */
    double handover;         /* a message when both processes have one core */
    double pair, atom, cell; /* a pair within the list radius, an atom, a cell with atoms in it: in each step */
    double ghost;            /* an imported atom in each step */
    double crowd;            /* what work takes when `processes` ranks of a node work, over what it takes alone */
    double atoms_per_cell, pairs_per_atom; /* of the run measured, cells of the list radius: what a bare grid holds */
    int processes, cores;
    char run_file[256];
};

struct partition_result {
    int asked; /* enum sk_scheme or PARTITION_AUTO */
    int ranks;
    struct sk_plan
        plan; /* its scheme and turn are what auto chose; borrowed, as the count, while its block is in hand */
    struct sk_count count;
    struct sk_count_summary sum;
    double ideal;                          /* ghosts of the best cube, tube or slab */
    int64_t memory_mean, memory_max;       /* bytes of a rank's atoms and ghosts */
    int64_t constraints_cut;               /* of joined cells, with another owner each */
    double predicted;                      /* us a step; NaN without constants */
    const struct sk_supposition *supposed; /* by the engine's cells; NULL: not asked for */
    int64_t score; /* what the schemes are ranked by: ghost atoms, or ghost cells of a bare grid */
    bool is_best;  /* none in its block has a lower score, but for those that are out of balance */
};

const char *partition_scheme_name(int scheme);

/* options.c: 0, or a message and SKEIN_INPUT. The caller frees request->ranks. */
int partition_parse(int argc, char **argv, struct partition_request *request);

/* scene.c: Collective for a run file, which only rank 0 gets to see: *is_mine says who. 0, or a message and the code.
 */
int partition_scene_make(const struct partition_request *request, struct partition_scene *scene, bool *is_mine);
/* Collective. The scene of an open simulation, on its rank 0 alone; 0 or a code, what is wrong on stderr. */
struct skein;
int partition_scene_take(const struct partition_request *request, struct skein *simulation,
                         struct partition_scene *scene);
void partition_scene_clear(struct partition_scene *scene);

/* Bytes that all ranks send in a step, by the definition of ghosts: 12 forward and 12 back for each ghost atom, a bare
 * grid having one atom in each cell. */
int64_t partition_bytes(const struct partition_result *result);
/* Mean ghosts over the ideal; NaN where the ideal is none. */
double partition_over_ideal(const struct partition_result *result);

/* model.c: what a step takes, from counts and constants (docs/partition.md has the equation and its derivation).
 *   rank r:  t_r = F (pair P_r + atom A_r + cell C_r) + ghost G_r + message M_r + byte B_r
 *   node:    the largest t_r, or the sum of them over its cores if that is more, and handover M / ranks per core
 *   step:    the slowest node + reduce log2(ranks)
 * P: pairs, A: atoms, C: cells with atoms (half ones count an eighth), G: atoms in the cells that it imports by the
 * corner rule, M and B: messages and bytes that reach it; F: crowding. */
struct partition_tally {
    double pairs, atoms, cells, ghosts, messages, bytes;
};
/* tally[ranks], from the owner of each cell. */
void partition_model_count(const struct partition_scene *scene, const struct partition_constants *constants, int ranks,
                           const int32_t *owner, struct partition_tally *tally);
/* ns a step. ranks_per_node 0: as many as cores. */
double partition_model_step(const struct partition_constants *constants, int ranks_per_node, int ranks,
                            const struct partition_tally *tally);

/* constants.c: SK_EINPUT with a message that says what is wrong. */
enum sk_code partition_constants_read(const char *path, struct partition_constants *constants, struct sk_error *err);
enum sk_code partition_constants_write(const char *path, const struct partition_constants *constants,
                                       struct sk_error *err);

/* calibrate.c: Collective. Measures this machine and writes the constants. Returns the exit code. */
int partition_calibrate(const struct partition_request *request);

/* report.c */
void partition_print_scene(FILE *out, const struct partition_request *request, const struct partition_scene *scene);
void partition_print_block(FILE *out, const struct partition_request *request, const struct partition_scene *scene,
                           const struct partition_result *results);
/* Wins, ties and losses against Morton over all rank counts; nothing if it was not asked for.
 * results[nranks][nschemes].
 */
void partition_print_verdict(FILE *out, const struct partition_request *request,
                             const struct partition_result *results);
enum sk_code partition_write_json(FILE *out, const struct partition_request *request,
                                  const struct partition_scene *scene, const struct partition_result *result,
                                  struct sk_error *err);
enum sk_code partition_write_owners(const char *path, const struct partition_scene *scene, const struct sk_plan *plan,
                                    struct sk_error *err);

/* picture.c: the first two results of a block side by side, or the only one, as SVG; as HTML all of them (html.c).
 * Their counts must still be there. */
enum sk_code partition_draw(const char *path, const struct partition_request *request,
                            const struct partition_scene *scene, const struct partition_result *results, int nresults,
                            struct sk_error *err);
bool partition_picture_is_html(const char *path);
/* Ends in .svg or .html. */
bool partition_picture_is_known(const char *path);
/* html.c: what cannot be written shows in ferror. */
void partition_write_html(FILE *out, const struct partition_request *request, const struct partition_scene *scene,
                          const struct partition_result *results, int nresults);

#endif
