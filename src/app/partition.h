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
#include "curve/score.h"

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
    int ranks_per_node; /* 0: not said */
    double slack;       /* share of the mean load */
    double cost[3];     /* of a pair of atoms in neighbouring cells, of an atom, of a cell */
    const char *owners, *picture;
    const char *overrides[PARTITION_SETS];
    int noverrides;
    bool is_json;
};

struct partition_scene {
    char name[256];
    int32_t n[3];
    int64_t cells, natoms;
    double edge[3], list_radius; /* of a configuration */
    int32_t *atoms;              /* [cells], x fastest; NULL: a bare grid */
    int64_t *weight;             /* [cells]; NULL: 1 each */
};

struct partition_result {
    int asked; /* enum sk_scheme or PARTITION_AUTO */
    int ranks;
    struct sk_plan
        plan; /* its scheme and turn are what auto chose; borrowed, as the count, while its block is in hand */
    struct sk_count count;
    struct sk_count_summary sum;
    double ideal;  /* ghosts of the best cube, tube or slab */
    int64_t score; /* what the schemes are ranked by: ghost atoms, or ghost cells of a bare grid */
    bool is_best;  /* none in its block has a lower score, but for those that are out of balance */
};

const char *partition_scheme_name(int scheme);

/* options.c: 0, or a message and SKEIN_INPUT. The caller frees request->ranks. */
int partition_parse(int argc, char **argv, struct partition_request *request);

/* scene.c: Collective for a run file, which only rank 0 gets to see: *is_mine says who. 0, or a message and the code.
 */
int partition_scene_make(const struct partition_request *request, struct partition_scene *scene, bool *is_mine);
void partition_scene_clear(struct partition_scene *scene);

/* Bytes that all ranks send in a step, by the definition of ghosts: 12 forward and 12 back for each ghost atom, a bare
 * grid having one atom in each cell. */
int64_t partition_bytes(const struct partition_result *result);
/* Mean ghosts over the ideal; NaN where the ideal is none. */
double partition_over_ideal(const struct partition_result *result);

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

/* picture.c: the first two results of a block side by side, or the only one; their counts must still be there. */
enum sk_code partition_draw(const char *path, const struct partition_request *request,
                            const struct partition_scene *scene, const struct partition_result *results, int nresults,
                            struct sk_error *err);

#endif
