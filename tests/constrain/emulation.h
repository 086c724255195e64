/* Emulation: the fragments of one molecule solved one after another, multipliers exchanged through one array, as all
 * ranks together do it. Not here: messages, and who solves what (constrain/network.h). */
#ifndef SK_TESTS_EMULATION_H
#define SK_TESTS_EMULATION_H

#include "constrain/geometries.h"
#include "constrain/graph.h"
#include "kernel/pair.h"

/* What a round of solves left: of all fragments. */
struct emulation_result {
    double residual, pivot;
    int steps;
};

/* Fills one lane: bonds of g->x as s, differences of y as p, multipliers. */
static inline void emulation_load(const struct geometry *g, const double (*y)[3], const double *lambda,
                                  const struct sk_fragment *fragment, const struct sk_fragment_shape *shape,
                                  struct sk_fragment_lanes *lanes, int lane)
{
    for (int k = 0; k < shape->ntotal; k++) {
        const struct sk_constraint *c = &g->constraints[fragment->constraint[k]];
        lanes->lambda[k][lane] = lambda[fragment->constraint[k]];
        for (int d = 0; d < 3; d++) {
            lanes->s[k][d][lane] = g->x[c->i][d] - g->x[c->j][d];
            if (k < shape->nwindow)
                lanes->p[k][d][lane] = y[c->i][d] - y[c->j][d];
        }
    }
}

/* Solves one fragment from lambda and writes what its core (or, with is_whole, its window) gets to next. */
static inline struct emulation_result emulation_solve(const struct geometry *g, const double (*y)[3],
                                                      const double *lambda, double *next,
                                                      const struct sk_fragment *fragment,
                                                      const struct sk_fragment_shape *shape, bool is_positions,
                                                      double limit, int max_steps)
{
    const struct sk_kernel_variant *variant = sk_kernel_find("auto");
    struct sk_fragment_lanes lanes;
    void *memory = sk_alloc(sk_fragment_lanes_bytes(shape), 1);
    sk_fragment_lanes_place(shape, memory, &lanes);
    for (int lane = 0; lane < SK_FRAGMENT_LANES; lane++)
        emulation_load(g, y, lambda, fragment, shape, &lanes, lane);
    if (is_positions)
        variant->fragment_positions(shape, &lanes, limit, max_steps);
    else
        variant->fragment_velocities(shape, &lanes);
    for (int k = 0; k < shape->nwindow; k++)
        if (shape->is_core[k])
            next[fragment->constraint[k]] = lanes.lambda[k][0];
    sk_free(&memory);
    return (struct emulation_result){lanes.residual[0], lanes.pivot[0], lanes.steps[0]};
}

/* One solve of all fragments, each from the multipliers as they were. */
static inline struct emulation_result emulation_round(const struct geometry *g, const struct sk_graphs *graphs,
                                                      const double (*y)[3], double *lambda, bool is_positions,
                                                      double limit, int max_steps)
{
    const struct sk_graph *graph = &graphs->of[0];
    struct emulation_result all = {0.0, 1.0, 0};
    double *next = sk_alloc((size_t)g->nconstraints, sizeof *next);
    for (int f = 0; f < graph->nfragments; f++) {
        const struct sk_fragment *fragment = &graph->fragments[f];
        const struct emulation_result one = emulation_solve(
            g, y, lambda, next, fragment, &graphs->shapes[fragment->shape], is_positions, limit, max_steps);
        all.residual = !(one.residual <= all.residual) ? one.residual : all.residual;
        all.pivot = one.pivot < all.pivot ? one.pivot : all.pivot;
        all.steps = one.steps > all.steps ? one.steps : all.steps;
    }
    memcpy(lambda, next, (size_t)g->nconstraints * sizeof *next);
    sk_free(&next);
    return all;
}

/* moved = y with the multipliers' moves added, in long double. */
static inline void emulation_move(const struct geometry *g, const double (*y)[3], const double *lambda,
                                  long double (*moved)[3])
{
    for (int i = 0; i < g->natoms; i++)
        for (int d = 0; d < 3; d++)
            moved[i][d] = y[i][d];
    for (int k = 0; k < g->nconstraints; k++) {
        const struct sk_constraint *c = &g->constraints[k];
        for (int d = 0; d < 3; d++) {
            const long double move = lambda[k] * ((long double)g->x[c->i][d] - g->x[c->j][d]);
            moved[c->i][d] += move / g->mass[c->i];
            moved[c->j][d] -= move / g->mass[c->j];
        }
    }
}

/* Largest |d^2 - r^2| / 2 d^2, or of velocities |s . v| / d^2, after the moves. */
static inline double emulation_residual(const struct geometry *g, const double (*y)[3], const double *lambda,
                                        bool is_positions)
{
    long double(*moved)[3] = sk_alloc((size_t)g->natoms, sizeof *moved), worst = 0;
    emulation_move(g, y, lambda, moved);
    for (int k = 0; k < g->nconstraints; k++) {
        const struct sk_constraint *c = &g->constraints[k];
        long double r2 = 0, rs = 0;
        const long double length2 = c->length * c->length;
        for (int d = 0; d < 3; d++) {
            const long double r = moved[c->i][d] - moved[c->j][d];
            r2 += r * r;
            rs += r * ((long double)g->x[c->i][d] - g->x[c->j][d]);
        }
        const long double left = fabsl(is_positions ? (length2 - r2) / 2 : rs) / length2;
        worst = !(left <= worst) ? left : worst;
    }
    sk_free(&moved);
    return (double)worst;
}

/* Largest distance between the moved y and the reference, over the shortest constraint. */
static inline double emulation_distance(const struct geometry *g, const double (*y)[3], const double *lambda,
                                        const long double (*reference)[3])
{
    long double(*moved)[3] = sk_alloc((size_t)g->natoms, sizeof *moved), worst = 0;
    double least = g->constraints[0].length;
    for (int k = 0; k < g->nconstraints; k++)
        least = fmin(least, g->constraints[k].length);
    emulation_move(g, y, lambda, moved);
    for (int i = 0; i < g->natoms; i++)
        for (int d = 0; d < 3; d++) {
            const long double off = fabsl(moved[i][d] - reference[i][d]);
            worst = !(off <= worst) ? off : worst;
        }
    sk_free(&moved);
    return (double)worst / least;
}

/* As geometry_drift, with velocities that the engine's direct solution of the whole freed of parts along bonds (the
 * reference never gets there for stiff rods; here any velocities would do). Needs one component. */
static inline double (*emulation_drift(const struct geometry *g, const struct sk_topology *top,
                                       const struct sk_graphs *graphs))[3]
{
    struct sk_fragment fragment;
    struct sk_fragment_shape shape;
    sk_graph_whole(top, &graphs->of[0], 0, 0, &fragment, &shape);
    double *mu = sk_calloc((size_t)g->nconstraints, sizeof *mu), (*y)[3] = sk_alloc((size_t)g->natoms, sizeof *y);
    for (int i = 0; i < g->natoms; i++)
        for (int d = 0; d < 3; d++)
            y[i][d] = sqrt(GEOMETRY_KT / g->mass[i]) * geometry_normal();
    for (int pass = 0; pass < 2; pass++)
        emulation_solve(g, (const double(*)[3])y, mu, mu, &fragment, &shape, false, 0.0, 0);
    long double(*v)[3] = sk_alloc((size_t)g->natoms, sizeof *v);
    emulation_move(g, (const double(*)[3])y, mu, v);
    for (int i = 0; i < g->natoms; i++)
        for (int d = 0; d < 3; d++)
            y[i][d] = g->x[i][d] +
                      GEOMETRY_DT * ((double)v[i][d] + GEOMETRY_DT * 600.0 * geometry_normal() / g->mass[i]);
    sk_free(&v);
    sk_free(&mu);
    sk_fragment_clear(&fragment, &shape);
    return y;
}

#endif
