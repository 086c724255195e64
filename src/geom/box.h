/* Box: the periodic cell. Rectangular; edges are double and never snapped to anything.
 * A change of an edge leaves fractions alone. Not here: cells of the domain. */
#ifndef SK_GEOM_BOX_H
#define SK_GEOM_BOX_H

#include "geom/fixed.h"

struct sk_box {
    double edge[3]; /* length units of the run: nm, or sigma in reduced units */
};

static inline double sk_box_volume(const struct sk_box *box)
{
    return box->edge[0] * box->edge[1] * box->edge[2];
}

#endif
