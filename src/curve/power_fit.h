/* Fit: a power diagram in the making, with the map of owners kept up to date as centres move.
 * For power_make.c and power_search.c alone. Borrows the share; owns the rest. */
#ifndef SK_CURVE_POWER_FIT_H
#define SK_CURVE_POWER_FIT_H

#include "curve/map.h"
#include "curve/power.h"

struct sk_fit {
    struct sk_map map;
    struct sk_power *power; /* its sites are what is fitted */
    double cap;
    uint32_t *mark; /* [ncells] */
    bool *matters;  /* [ncells]: see sk_map_matters; other cells wait for sk_fit_refresh */
    uint32_t epoch;
    uint64_t random;
};

/* A cell that may change hands if one rank's site does. */
struct sk_reach {
    int32_t cell, rival; /* its best rank but for this one, -1: there is none */
    double place[3];
    double other; /* what that rank has: distance squared - weight */
    double need;  /* after sk_view_aim: the weight from which the rank owns the cell */
    double weight;
};

struct sk_step {
    double need, weight;
};

/* The cells near a rank's surface, and whose they are without it. */
struct sk_view {
    int rank;
    struct sk_reach *reach;
    struct sk_step *step; /* scratch */
    size_t count, capacity, step_capacity;
    double base;            /* load of the rank's other cells */
    int32_t *ranks, *cells; /* scratch */
    size_t nranks, ranks_capacity, cells_capacity;
};

void sk_fit_init(struct sk_fit *fit, const struct sk_share *share, struct sk_power *power);
void sk_fit_clear(struct sk_fit *fit);

void sk_view_make(struct sk_view *view, struct sk_fit *fit, int rank, int depth);
void sk_view_clear(struct sk_view *view);
/* Computes need for a site at a place. */
void sk_view_aim(struct sk_view *view, const struct sk_fit *fit, const int64_t at[3]);
/* The weight nearest to `weight` with which the load is in [low, high], or else as near to that as it gets from
 * below. */
int64_t sk_view_weigh(struct sk_view *view, int64_t weight, double low, double high);

/* Gives the cells in reach to whom they belong with this weight; returns what the ghosts change by. */
int64_t sk_view_apply(const struct sk_view *view, struct sk_fit *fit, double weight, bool is_counted);

/* Owners and loads from the sites, exactly. */
void sk_fit_refresh(struct sk_fit *fit);
/* Sum over ranks of what their loads are above the cap. */
double sk_fit_excess(const struct sk_fit *fit);

/* power_make.c: lowers the loads that are above the cap, by weights of sites. */
void sk_fit_settle(struct sk_fit *fit, struct sk_view *view);
/* power_search.c: moves sites, and adds exceptions, for fewer ghosts; keeps what is best within the cap. */
void sk_fit_search(struct sk_fit *fit);

#endif
