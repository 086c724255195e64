/* Fragment: Newton on the multipliers of one window of a constraint graph, SK_FRAGMENT_LANES windows of the same shape
 * at a time, a window in each lane; what a lane gets depends on its own data alone. Allocates nothing, communicates
 * nothing. Not here: how windows are cut (constrain/graph.h), where their data come from (constrain/network.h).
 *
 * A constraint k of atoms (i, j) has the old bond s_k = r_i(t) - r_j(t), the drifted bond p_k = r'_i - r'_j and the
 * multiplier lambda_k, which moves i by +lambda_k s_k / m_i and j by -lambda_k s_k / m_j. The new bond is
 *     r_k = p_k + sum over l that share an atom with k (k among them) of c_kl lambda_l s_l,
 *     c_kl = sum over shared atoms a of sign_ka sign_la / m_a,   sign +1 for i, -1 for j,
 * and the equations are f_k = (d_k^2 - r_k^2) / 2 = 0 with Jacobian J_kl = -df_k/dlambda_l = c_kl r_k . s_l. */
#ifndef SK_KERNEL_FRAGMENT_H
#define SK_KERNEL_FRAGMENT_H

#include <stdint.h>

#define SK_FRAGMENT_LANES 8

/* Constraints of a window come first, in an order of small bandwidth, then the rim: those that share an atom with a
 * window constraint, whose multipliers stay as they are. Windows of equal shape differ in atoms only. */
struct sk_fragment_shape {
    int nwindow, ntotal;    /* constraints of the window; with the rim */
    int *neighbour_start;   /* [nwindow + 1] */
    int *neighbour;         /* constraints that share an atom with k, k among them, each < ntotal */
    double *coupling;       /* c_kl */
    double *length2;        /* [nwindow] d_k^2 */
    unsigned char *is_core; /* [nwindow] */
    int *first;             /* [nwindow] first column of row k inside the envelope (symmetric pattern), <= k */
    int *row_start;         /* [nwindow + 1] places of L's rows (and U's columns) in the envelope, without diagonal */
};

/* Data of the lanes. Arrays are 64-byte aligned; lanes without a window repeat another one. */
struct sk_fragment_lanes {
    double (*s)[3][SK_FRAGMENT_LANES];     /* [ntotal] */
    double (*p)[3][SK_FRAGMENT_LANES];     /* [nwindow] drifted bonds; for velocities: v_i - v_j */
    double (*lambda)[SK_FRAGMENT_LANES];   /* [ntotal] in: start in the window, frozen in the rim; out: window solved */
    double (*r)[3][SK_FRAGMENT_LANES];     /* [nwindow] scratch: new bonds */
    double (*f)[SK_FRAGMENT_LANES];        /* [nwindow] scratch */
    double (*diagonal)[SK_FRAGMENT_LANES]; /* [nwindow] scratch */
    double (*lower)[SK_FRAGMENT_LANES], (*upper)[SK_FRAGMENT_LANES]; /* [row_start[nwindow]] scratch */
    double pivot[SK_FRAGMENT_LANES];    /* out: smallest pivot over its diagonal element, of the last factorization */
    double residual[SK_FRAGMENT_LANES]; /* out: largest |f_k| / d_k^2 of the window that is left (NaN if it failed) */
    int steps[SK_FRAGMENT_LANES];       /* out: Newton steps taken */
};

/* Newton steps from the given multipliers until |f_k| <= limit d_k^2 for the whole window, at most max_steps; a lane
 * that is done does not change any more, and one with NaN takes no further step. A lane that takes none has pivot 1. */
typedef void sk_fragment_positions_kernel(const struct sk_fragment_shape *shape, struct sk_fragment_lanes *lanes,
                                          double limit, int max_steps);
/* Velocities (RATTLE): one linear solve of sum over l of c_kl (s_k . s_l) mu_l = -s_k . p_k with rim multipliers
 * frozen; mu in lambda, with the signs of lambda; solved as a correction of the mu given, so a second call refines.
 * residual: largest |s_k . v_k| / d_k^2 left; steps: 1. */
typedef void sk_fragment_velocities_kernel(const struct sk_fragment_shape *shape, struct sk_fragment_lanes *lanes);

#endif
