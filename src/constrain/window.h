/* Window: from a core, the constraints that are solved with it, in an order of small bandwidth, and their shape.
 * Borrows the graph's lists; what it makes belongs to the caller. Not here: how a graph is cut into cores (graph.h). */
#ifndef SK_CONSTRAIN_WINDOW_H
#define SK_CONSTRAIN_WINDOW_H

#include "constrain/graph.h"

/* What windows of one molecule type are made with. */
struct sk_window_maker {
    const struct sk_moltype *type;
    const struct sk_graph *graph; /* atom_start, atom_constraint are filled */
    double *inverse_mass;         /* [natoms], 0 for atoms without constraints */
    int *place;                   /* [nconstraints] scratch: place in the window being made, or -1 */
};
void sk_window_maker_init(struct sk_window_maker *maker, const struct sk_topology *top, int moltype,
                          const struct sk_graph *graph);
void sk_window_maker_clear(struct sk_window_maker *maker);
/* Makes the fragment around core[ncore] (constraints, ascending, connected) with `overlap` layers and the rim. Cost in
 * proportion to the window, up to a logarithm. */
void sk_window_make(struct sk_window_maker *maker, const int *core, int ncore, int overlap,
                    struct sk_fragment *fragment, struct sk_fragment_shape *shape);
uint64_t sk_window_hash(const struct sk_fragment_shape *shape);
/* Bit for bit. */
bool sk_window_is_same(const struct sk_fragment_shape *a, const struct sk_fragment_shape *b);

#endif
