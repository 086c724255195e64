/* Graph: the constraints of each molecule type as a graph, cut once and for all, by places in the template alone, into
 * fragments: cores that share the constraints among them, and a window around each core on which the multipliers are
 * solved together. Nothing here depends on ranks, so bits do not either. Owns its arrays; nothing grows with the
 * system. Not here: which fragments a rank solves (network.h), the solution (kernel/fragment.h). */
#ifndef SK_CONSTRAIN_GRAPH_H
#define SK_CONSTRAIN_GRAPH_H

#include <stdbool.h>

#include "kernel/fragment.h"
#include "model/topology.h"

#define SK_FRAGMENT_CORE 64 /* constraints of a core; components up to this are one fragment */
#define SK_FRAGMENT_TINY 16 /* a smaller rest of a larger component joins a neighbouring core, */
#define SK_FRAGMENT_MOST 96 /* if this stays the most that a core has */

struct sk_fragment {
    int shape; /* into sk_graphs.shapes; -1 for a fragment of sk_graph_whole */
    int component;
    int *constraint; /* [shape->ntotal] constraints of the template in the shape's order: window, then rim */
    int ncore;       /* of the window, those with is_core */
    int anchor;      /* a place in the middle of the core: who owns it answers for the fragment */
    bool is_local;   /* all atoms of window and rim are in one ownership group */
};

/* The constraints of one molecule type. */
struct sk_graph {
    int nconstraints, natoms, ncomponents, nfragments, ncolours;
    int *component_of;     /* [nconstraints] components numbered by their lowest place */
    int *component_size;   /* [ncomponents] constraints */
    int *component_lowest; /* [ncomponents] lowest place of its atoms */
    int *core_of;          /* [nconstraints] the fragment whose core it is in */
    int *colour;           /* [nconstraints] constraints of one colour share no atom (greedy by index) */
    struct sk_fragment *fragments;
    int *atom_start, *atom_constraint;        /* [natoms + 1]: constraints of a place, ascending */
    int *atom_fragment_start, *atom_fragment; /* [natoms + 1]: fragments whose core touches a place, ascending */
};

/* Components of one fragment are exact after one solution; the others need multipliers of their neighbours. */
static inline bool sk_fragment_is_alone(const struct sk_graph *graph, const struct sk_fragment *fragment)
{
    return fragment->ncore == graph->component_size[fragment->component];
}

struct sk_graphs {
    int nmoltypes, nshapes, overlap;
    struct sk_graph *of;              /* [nmoltypes] */
    struct sk_fragment_shape *shapes; /* equal ones are kept once */
    bool has_remote;                  /* some fragment is not local: ranks must talk */
};

/* Layers of constraints around a core that its window has, and how often windows are solved in a normal step (each
 * followed by an exchange of multipliers): chosen by tolerance alone (docs/constraints.md says how well it contracts).
 */
int sk_graph_overlap(double tolerance);
int sk_graph_solves(double tolerance);
/* From finished molecule types. Atoms of constraints have a kind and a positive mass (whoever reads a topology refuses
 * others by name). A type without constraints gets an empty graph. Deterministic; all orders are by places alone, so
 * equal stretches of a molecule give equal shapes. */
void sk_graphs_init(struct sk_graphs *graphs, const struct sk_topology *top, double tolerance);
void sk_graphs_clear(struct sk_graphs *graphs);
/* A fragment whose core and window are a whole component; the caller owns both parts (sk_fragment_clear). */
void sk_graph_whole(const struct sk_topology *top, const struct sk_graph *graph, int moltype, int component,
                    struct sk_fragment *fragment, struct sk_fragment_shape *shape);
void sk_fragment_clear(struct sk_fragment *fragment, struct sk_fragment_shape *shape);
/* Bytes of scratch a batch of this shape needs, and how they are laid out. */
size_t sk_fragment_lanes_bytes(const struct sk_fragment_shape *shape);
void sk_fragment_lanes_place(const struct sk_fragment_shape *shape, void *memory, struct sk_fragment_lanes *lanes);

#endif
