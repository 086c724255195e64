/* Map: who owns each cell of a partition in the making, with loads and ghosts kept up to date as cells change hands.
 * Borrows the share; owns the rest. Local throughout.
 * Not here: which changes are good (kd_slide.c, power_search.c), what a finished partition costs (count.h). */
#ifndef SK_CURVE_MAP_H
#define SK_CURVE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "curve/plan.h"

struct sk_map {
    const struct sk_share *share;
    int32_t n[3];
    int nranks;
    int64_t ncells;
    int32_t offset[27];   /* of the cells around one that is not at a face of the box */
    int32_t *owner;       /* [ncells] */
    int32_t *head;        /* [nranks]: cells of a rank are a list: its first one, or -1 */
    int32_t *next, *last; /* [ncells] */
    int64_t *load;        /* [nranks] */
    double mean;          /* load */
};

/* The caller fills owner[], then calls sk_map_gather. */
void sk_map_init(struct sk_map *map, const struct sk_share *share);
void sk_map_clear(struct sk_map *map);
/* Lists and loads, from owner[]. */
void sk_map_gather(struct sk_map *map);

static inline void sk_map_place(const struct sk_map *map, int32_t cell, int32_t at[3])
{
    int32_t yz = cell / map->n[0];
    at[0] = cell - yz * map->n[0];
    at[2] = yz / map->n[1];
    at[1] = yz - at[2] * map->n[1];
}
static inline int64_t sk_map_weight(const struct sk_map *map, int32_t cell)
{
    return map->share->weight ? map->share->weight[cell] : 1;
}

/* The cells around a cell, itself among them; with repetitions if the box is that small. */
void sk_map_around(const struct sk_map *map, int32_t cell, int32_t cells[27]);
/* [ncells]: has weight, or atoms around it, worth the time. The caller frees it. */
bool *sk_map_matters(const struct sk_map *map);
/* Ghosts (those of the shell, each as many as it has atoms) are counted if every axis has three cells. */
bool sk_map_can_count(const struct sk_map *map);
int64_t sk_map_ghosts(const struct sk_map *map);
/* What the ghosts of all ranks would change by if a rank got a cell; 0 if they are not counted. */
int64_t sk_map_change(const struct sk_map *map, int32_t cell, int32_t to);
/* Gives it the cell; returns the same change, or 0 if it is not to be counted. */
int64_t sk_map_move(struct sk_map *map, int32_t cell, int32_t to, bool is_counted);

#endif
