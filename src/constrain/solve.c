#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/math.h"
#include "constrain/network.h"

#define MAX_STEPS 8 /* Newton steps in a window */
#define LANES     SK_FRAGMENT_LANES
/* -O2 keeps loops over axes, with their sums in memory. */
#define UNROLL    _Pragma("GCC unroll 3")

/* What travels of an atom: its place at time t and what the solution changes. */
struct item {
    sk_frac x[3];
    double u[3];
};

/* x NULL: only u matters. */
static void items_leave(struct sk_network *n, const sk_frac (*x)[3], const double *u)
{
    for (int l = 0; l < n->send.atoms.nlinks; l++) {
        struct item *item = sk_links_send_buffer(n->atom_links, l);
        for (int t = n->send.atoms.first[l]; t < n->send.atoms.first[l + 1]; t++, item++) {
            int i = n->send.atoms.item[t];
            if (x)
                memcpy(item->x, x[i], sizeof item->x);
            else
                memset(item->x, 0, sizeof item->x);
            memcpy(item->u, u + 3 * i, sizeof item->u);
        }
    }
    sk_links_begin(n->atom_links);
}

static void items_arrive(struct sk_network *n, sk_frac (*x)[3], double (*u)[3])
{
    for (int l; (l = sk_links_arrived(n->atom_links)) >= 0;) {
        const struct item *item = sk_links_recv_buffer(n->atom_links, l);
        for (int t = n->recv.atoms.first[l]; t < n->recv.atoms.first[l + 1]; t++, item++) {
            int g = n->recv.atoms.item[t] - n->nowned;
            if (x)
                memcpy(x[g], item->x, sizeof item->x);
            memcpy(u[g], item->u, sizeof item->u);
        }
    }
    sk_links_end(n->atom_links);
}

void sk_network_begin(struct sk_network *n, const struct sk_atoms *atoms, const double *u)
{
    if (!n->atom_links)
        return;
    items_leave(n, (const sk_frac(*)[3])atoms->x, u);
    n->halos++;
}

static void atoms_arrive(struct sk_network *n)
{
    if (n->atom_links)
        items_arrive(n, n->ghost_x, n->ghost_u);
}

void sk_network_forward(struct sk_network *n, const double (*value)[3], double (*ghost)[3])
{
    if (!n->atom_links)
        return;
    items_leave(n, NULL, value[0]);
    items_arrive(n, NULL, ghost);
}

/* Old bond and drifted bond (or relative velocity) of a constraint. */
static inline void fill_bond(enum sk_network_what what, const sk_frac xi[3], const sk_frac xj[3], const double ui[3],
                             const double uj[3], const struct sk_box *box, double s[3], double p[3])
{
    sk_box_difference(box, xi, xj, s);
    UNROLL
    for (int d = 0; d < 3; d++) {
        p[d] = (what == SK_NETWORK_POSITIONS ? s[d] : 0) + (ui[d] - uj[d]);
    }
}

static void fill_inner_bonds(struct sk_network *n, enum sk_network_what what, const struct sk_atoms *atoms,
                             const struct sk_box *box, const double *u)
{
    const struct sk_box local = *box; /* the compiler cannot know that bonds do not alias it */
    for (int k = 0; k < n->nconstraints; k++) {
        int i = n->ends[k][0], j = n->ends[k][1];
        if (i < n->nowned && j < n->nowned)
            fill_bond(what, atoms->x[i], atoms->x[j], u + 3 * i, u + 3 * j, &local, n->s[k], n->p[k]);
    }
}

static void fill_outer_bonds(struct sk_network *n, enum sk_network_what what, const struct sk_atoms *atoms,
                             const struct sk_box *box, const double *u)
{
    for (int o = 0; o < n->nouter; o++) {
        int k = n->outer[o], i = n->ends[k][0], j = n->ends[k][1];
        fill_bond(what, i < n->nowned ? atoms->x[i] : n->ghost_x[i - n->nowned],
                  j < n->nowned ? atoms->x[j] : n->ghost_x[j - n->nowned],
                  i < n->nowned ? u + 3 * i : n->ghost_u[i - n->nowned],
                  j < n->nowned ? u + 3 * j : n->ghost_u[j - n->nowned], box, n->s[k], n->p[k]);
    }
}

static void gather(const struct sk_network *n, const struct sk_fragment_shape *shape, const int *const member[LANES],
                   struct sk_fragment_lanes *lanes)
{
    for (int c = 0; c < shape->ntotal; c++)
        for (int v = 0; v < LANES; v++) {
            int k = member[v][c];
            UNROLL
            for (int d = 0; d < 3; d++) {
                lanes->s[c][d][v] = n->s[k][d];
                if (c < shape->nwindow)
                    lanes->p[c][d][v] = n->p[k][d];
            }
            lanes->lambda[c][v] = n->previous[k];
        }
}

/* At most LANES windows of one shape. */
static void run_batch(struct sk_network *n, enum sk_network_what what, const int *window, int count)
{
    const struct sk_fragment_shape *shape = sk_window_shape(n, &n->windows[window[0]]);
    const int *member[LANES];
    struct sk_fragment_lanes lanes;
    for (int v = 0; v < LANES; v++)
        member[v] = n->members + n->windows[window[v < count ? v : 0]].member;
    sk_fragment_lanes_place(shape, n->scratch, &lanes);
    gather(n, shape, member, &lanes);
    if (what == SK_NETWORK_POSITIONS)
        n->variant->fragment_positions(shape, &lanes, n->limit, MAX_STEPS);
    else
        n->variant->fragment_velocities(shape, &lanes);
    for (int v = 0; v < count; v++) {
        n->residual[window[v]] = lanes.residual[v];
        n->pivot[window[v]] = lanes.pivot[v];
        /* a window that failed changes nothing: its bonds are then seen to be wrong */
        bool has_failed = !(lanes.residual[v] < 1);
        for (int c = 0; c < shape->nwindow; c++)
            if (shape->is_core[c])
                n->lambda[member[v][c]] = has_failed ? 0 : lanes.lambda[c][v];
    }
}

void sk_network_run(struct sk_network *n, enum sk_network_what what, int first, int end, const char *is_wanted)
{
    int batch[LANES], count = 0, shape = -1;
    for (int w = first; w < end; w++) {
        if (is_wanted && !is_wanted[w])
            continue;
        int mine = sk_window_fragment(n, &n->windows[w])->shape;
        if (count == LANES || (count && mine != shape)) {
            run_batch(n, what, batch, count);
            count = 0;
        }
        shape = mine;
        batch[count++] = w;
    }
    if (count)
        run_batch(n, what, batch, count);
}

/* A message is the multipliers and their hash: a wrong one would move atoms with nobody to check them. */
void sk_network_exchange_begin(struct sk_network *n)
{
    if (!n->multiplier_links)
        return;
    for (int l = 0; l < n->send.multipliers.nlinks; l++) {
        int first = n->send.multipliers.first[l], count = n->send.multipliers.first[l + 1] - first;
        double *value = sk_links_send_buffer(n->multiplier_links, l);
        for (int t = 0; t < count; t++)
            value[t] = n->lambda[n->send.multipliers.item[first + t]];
        uint64_t hash = sk_hash(value, (size_t)count * sizeof *value);
        memcpy(value + count, &hash, sizeof hash);
    }
    sk_links_begin(n->multiplier_links);
}

void sk_network_exchange_end(struct sk_network *n)
{
    if (!n->multiplier_links)
        return;
    for (int l; (l = sk_links_arrived(n->multiplier_links)) >= 0;) {
        int first = n->recv.multipliers.first[l], count = n->recv.multipliers.first[l + 1] - first;
        const double *value = sk_links_recv_buffer(n->multiplier_links, l);
        uint64_t hash = sk_hash(value, (size_t)count * sizeof *value);
        SK_REQUIRE(memcmp(value + count, &hash, sizeof hash) == 0); /* multipliers changed on their way */
        for (int t = 0; t < count; t++)
            n->lambda[n->recv.multipliers.item[first + t]] = value[t];
    }
    sk_links_end(n->multiplier_links);
}

static void solve_again(struct sk_network *n, enum sk_network_what what)
{
    if (n->nconstraints)
        memcpy(n->previous, n->lambda, (size_t)n->nconstraints * sizeof *n->lambda);
    sk_network_run(n, what, 0, n->nwindows, n->is_overlapping);
    sk_network_exchange_begin(n);
    sk_network_exchange_end(n);
}

/* The first solution, in the order in which data come and are asked for. */
static void solve_first(struct sk_network *n, enum sk_network_what what, const struct sk_atoms *atoms,
                        const struct sk_box *box, const double *u)
{
    sk_network_run(n, what, 0, n->first_boundary, NULL);
    atoms_arrive(n);
    fill_outer_bonds(n, what, atoms, box, u);
    sk_network_run(n, what, n->first_boundary, n->first_private, NULL);
    if (n->has_neighbours)
        sk_network_exchange_begin(n);
    sk_network_run(n, what, n->first_private, n->nwindows, NULL);
    if (n->has_neighbours)
        sk_network_exchange_end(n);
}

void sk_network_solve(struct sk_network *n, enum sk_network_what what, const struct sk_atoms *atoms,
                      const struct sk_box *box, const double *u)
{
    size_t bytes = (size_t)n->nconstraints * sizeof *n->lambda;
    if (n->nconstraints) {
        memset(n->lambda, 0, bytes);
        memset(n->previous, 0, bytes);
    }
    fill_inner_bonds(n, what, atoms, box, u);
    if (n->solver == SK_SOLVER_SHAKE) {
        atoms_arrive(n);
        fill_outer_bonds(n, what, atoms, box, u);
        sk_network_shake(n, what, u);
        return;
    }
    solve_first(n, what, atoms, box, u);
    int rounds = n->has_neighbours ? n->solves : 0;
    for (int again = 1; again < rounds; again++)
        solve_again(n, what);
    n->solutions++;
    n->rounds += rounds;
    n->largest_rounds = rounds > n->largest_rounds ? rounds : n->largest_rounds;
}

/* The larger of the two; NaN if either is. */
static double worse(double a, double b)
{
    return b > a || b != b ? b : a;
}

double sk_network_residual(const struct sk_network *n, enum sk_network_what what, const struct sk_window *window, int c)
{
    const struct sk_fragment_shape *shape = sk_window_shape(n, window);
    const int *member = n->members + window->member;
    int k = member[c];
    double r[3] = {n->p[k][0], n->p[k][1], n->p[k][2]};
    for (int e = shape->neighbour_start[c]; e < shape->neighbour_start[c + 1]; e++) {
        int l = member[shape->neighbour[e]];
        double step = shape->coupling[e] * n->lambda[l];
        UNROLL
        for (int d = 0; d < 3; d++)
            r[d] += step * n->s[l][d];
    }
    double f = what == SK_NETWORK_POSITIONS ? 0.5 * (shape->length2[c] - (r[0] * r[0] + r[1] * r[1] + r[2] * r[2]))
                                            : n->s[k][0] * r[0] + n->s[k][1] * r[1] + n->s[k][2] * r[2];
    return fabs(f) / shape->length2[c];
}

/* Over the whole core. */
static double window_residual(const struct sk_network *n, enum sk_network_what what, const struct sk_window *window)
{
    const struct sk_fragment_shape *shape = sk_window_shape(n, window);
    double worst = 0;
    for (int c = 0; c < shape->nwindow; c++)
        if (shape->is_core[c])
            worst = worse(worst, sk_network_residual(n, what, window, c));
    return worst;
}

/* Over the rows that depend on other cores. */
static double edge_residual(const struct sk_network *n, enum sk_network_what what, const struct sk_window *window)
{
    int shape = sk_window_fragment(n, window)->shape;
    double worst = 0;
    for (int e = n->edge_start[shape]; e < n->edge_start[shape + 1]; e++)
        worst = worse(worst, sk_network_residual(n, what, window, n->edge_row[e]));
    return worst;
}

double sk_network_measure(struct sk_network *n, enum sk_network_what what, const char *is_wanted)
{
    double worst = 0;
    for (int w = 0; w < n->nwindows; w++) {
        if (is_wanted && !is_wanted[w])
            continue;
        n->residual[w] = is_wanted ? window_residual(n, what, &n->windows[w])
                                   : worse(n->residual[w], edge_residual(n, what, &n->windows[w]));
        worst = worse(worst, n->residual[w]);
        if (n->pivot[w] < n->smallest_pivot)
            n->smallest_pivot = n->pivot[w];
    }
    return worst;
}

double sk_network_check(struct sk_network *n, enum sk_network_what what)
{
    int k;
    double worst = n->solver == SK_SOLVER_SHAKE ? sk_network_shake_measure(n, what, &k)
                                                : sk_network_measure(n, what, NULL);
    if (worst <= n->tolerance && what == SK_NETWORK_POSITIONS)
        n->worst = worse(n->worst, worst);
    return worst;
}

static inline void correct(const struct sk_network *n, const struct sk_network_atom *atom, double correction[3])
{
    double sum[3] = {0, 0, 0};
    for (int e = atom->first; e < atom->end; e++) {
        int k = n->incident[e].constraint;
        double step = n->incident[e].sign * n->lambda[k];
        UNROLL
        for (int d = 0; d < 3; d++)
            sum[d] += step * n->s[k][d];
    }
    UNROLL
    for (int d = 0; d < 3; d++)
        correction[d] = atom->inverse_mass * sum[d];
}

void sk_network_correction(const struct sk_network *n, int m, double correction[3])
{
    correct(n, &n->moved[m], correction);
}

void sk_network_apply(const struct sk_network *n, double *u, double *v, double scale)
{
    double correction[3];
    for (int m = 0; m < n->nmoved; m++) {
        int i = n->moved[m].atom;
        correct(n, &n->moved[m], correction);
        UNROLL
        for (int d = 0; d < 3; d++) {
            u[3 * i + d] += correction[d];
            if (v)
                v[3 * i + d] += correction[d] * scale;
        }
    }
}

void sk_network_virial(const struct sk_network *n, double scale, sk_int128 virial[3])
{
    for (int k = 0; k < n->nconstraints; k++)
        for (int d = 0; n->constraints[k].i < n->nowned && d < 3; d++)
            virial[d] += sk_round(-0.5 * n->lambda[k] * n->s[k][d] * n->s[k][d] * scale * SK_ENERGY_SCALE);
}
