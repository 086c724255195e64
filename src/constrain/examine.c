/* What is wrong with constraints can be seen at the start: lengths that make no triangle, bonds longer than half the
 * box, and constraints that say what others say already. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "constrain/network.h"

#define DEPENDENT 1e-8 /* pivot over diagonal */
#define WEAK      1e-2

/* Length of the constraint between two places, or -1. */
static double length_between(const struct sk_moltype *type, const struct sk_graph *graph, int i, int j)
{
    for (int c = graph->atom_start[i]; c < graph->atom_start[i + 1]; c++) {
        const struct sk_constraint *constraint = &type->constraints[graph->atom_constraint[c]];
        if (constraint->i == j || constraint->j == j)
            return constraint->length;
    }
    return -1;
}

/* The third atom of a triangle of three constraints must be within reach of the other two. */
static enum sk_code examine_triangles(const struct sk_moltype *type, const struct sk_graph *graph, struct sk_error *err)
{
    for (int a = 0; a < graph->natoms && graph->nfragments; a++)
        for (int p = graph->atom_start[a]; p < graph->atom_start[a + 1]; p++)
            for (int q = graph->atom_start[a]; q < p; q++) {
                const struct sk_constraint *ab = &type->constraints[graph->atom_constraint[p]],
                                           *ac = &type->constraints[graph->atom_constraint[q]];
                int b = ab->i == a ? ab->j : ab->i, c = ac->i == a ? ac->j : ac->i;
                double length = length_between(type, graph, b, c);
                if (length > ab->length + ac->length)
                    return sk_fail(err, SK_EINPUT,
                                   "molecule type %s: constraints of atoms %d, %d and %d have lengths %.6g, %.6g and "
                                   "%.6g, which make no triangle",
                                   type->name, a + 1, b + 1, c + 1, ab->length, ac->length, length);
            }
    return SK_OK;
}

static enum sk_code examine_lengths(const struct sk_network *n, const struct sk_box *box, struct sk_error *err)
{
    double width[3], least;
    sk_box_widths(box, width);
    least = width[0] < width[1] ? width[0] : width[1];
    least = width[2] < least ? width[2] : least;
    for (int t = 0; t < n->top->nmoltypes; t++) {
        const struct sk_moltype *type = &n->top->moltypes[t];
        if (type->nconstraints > 3 * type->natoms)
            return sk_fail(
                err, SK_EINPUT,
                "molecule type %s: %d constraints depend on each other, for its %d atoms have no more than %d "
                "degrees of freedom; remove some",
                type->name, type->nconstraints, type->natoms, 3 * type->natoms);
        for (int c = 0; c < type->nconstraints; c++)
            if (!(type->constraints[c].length < 0.5 * least))
                return sk_fail(
                    err, SK_EINPUT,
                    "molecule type %s: the constraint of atoms %d and %d has length %.6g, which must be less "
                    "than half of the smallest width of the box, %.6g",
                    type->name, type->constraints[c].i + 1, type->constraints[c].j + 1, type->constraints[c].length,
                    least);
        enum sk_code code = examine_triangles(type, &n->graphs.of[t], err);
        if (code)
            return code;
    }
    return SK_OK;
}

/* Row of the window whose pivot is the smallest share of its diagonal, when rows are eliminated one by one, and that
 * share. Dense, for a window that is known to be bad. */
static double weakest_row(const struct sk_network *n, const struct sk_window *window, int *row)
{
    const struct sk_fragment_shape *shape = sk_window_shape(n, window);
    const int *member = n->members + window->member;
    int size = shape->nwindow;
    double *m = sk_calloc((size_t)size * (size_t)size, sizeof *m), weakest = INFINITY;
    for (int k = 0; k < size; k++)
        for (int e = shape->neighbour_start[k]; e < shape->neighbour_start[k + 1]; e++) {
            int l = shape->neighbour[e];
            const double *a = n->s[member[k]], *b = n->s[member[l]];
            if (l < size)
                m[k * size + l] = shape->coupling[e] * (a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
        }
    *row = 0;
    for (int k = 0; k < size; k++) {
        double diagonal = m[k * size + k];
        for (int l = 0; l < k; l++) { /* row k of L, and what is left of its diagonal element */
            for (int j = 0; j < l; j++)
                m[k * size + l] -= m[k * size + j] * m[l * size + j] * m[j * size + j];
            m[k * size + l] /= m[l * size + l];
            m[k * size + k] -= m[k * size + l] * m[k * size + l] * m[l * size + l];
        }
        if (!(m[k * size + k] / diagonal >= weakest)) {
            weakest = m[k * size + k] / diagonal;
            *row = k;
            if (!(weakest >= DEPENDENT))
                break;
        }
    }
    sk_free(&m);
    return weakest;
}

static void name_row(const struct sk_network *n, const struct sk_window *window, int row, char *text, size_t size)
{
    const struct sk_network_constraint *c = &n->constraints[n->members[window->member + row]];
    const struct sk_moltype *type = &n->top->moltypes[c->moltype];
    char i[SK_ATOM_NAME_MAX], j[SK_ATOM_NAME_MAX];
    sk_topology_name(n->top, c->molecule + type->constraints[c->index].i, -1, i);
    sk_topology_name(n->top, c->molecule + type->constraints[c->index].j, -1, j);
    snprintf(text, size, "of atoms %s and %s of molecule type %s", i, j, type->name);
}

enum sk_code sk_network_examine(struct sk_network *n, const struct sk_atoms *atoms, const struct sk_box *box,
                                struct sk_weakness *weakness, struct sk_error *err)
{
    *weakness = (struct sk_weakness){.pivot = 1};
    if (!n->is_used)
        return SK_OK;
    enum sk_code code = examine_lengths(n, box, err);
    if (!code)
        code = sk_network_rebuild(n, atoms, err);
    if (code)
        return code;
    double *rest = sk_calloc((size_t)atoms->n * 3 + 3, sizeof *rest), least = 1;
    int worst = -1, row;
    enum sk_solver solver = n->solver;
    n->solver = SK_SOLVER_FRAGMENTS; /* for the pivots */
    sk_network_begin(n, atoms, rest);
    sk_network_solve(n, SK_NETWORK_VELOCITIES, atoms, box, rest);
    sk_network_check(n, SK_NETWORK_VELOCITIES);
    n->solver = solver;
    n->solutions = n->rounds = n->halos = n->largest_rounds = 0;
    n->smallest_pivot = 1;
    sk_free(&rest);
    for (int w = 0; w < n->nwindows; w++)
        if (n->windows[w].is_answerable && !(n->pivot[w] >= least)) {
            least = n->pivot[w] == n->pivot[w] ? n->pivot[w] : -1;
            worst = w;
        }
    double all = -least; /* the smallest over ranks */
    sk_comm_max_f64(n->comm, &all, 1);
    if (-all >= WEAK)
        return SK_OK;
    if (worst >= 0 && least == -all) {
        double pivot = weakest_row(n, &n->windows[worst], &row);
        name_row(n, &n->windows[worst], row, weakness->where, sizeof weakness->where);
        if (!(pivot >= DEPENDENT))
            code = sk_fail(err, SK_EINPUT,
                           "the constraint %s depends on others there (pivot %.1e of 1): remove it, or, in a linear "
                           "group, keep the outer atoms and make the inner one a virtual site",
                           weakness->where, pivot);
        weakness->pivot = pivot;
    }
    return sk_comm_agree(n->comm, err, code);
}
