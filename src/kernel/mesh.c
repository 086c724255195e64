#include "kernel/mesh.h"

#include <string.h>

/* piece[i][k]: coefficient of s^k of M_p on [i, i + 1], s = x - i, by
 * M_p(x) = (x M_{p-1}(x) + (p - x) M_{p-1}(x - 1)) / (p - 1). */
static void spline_pieces(int order, double piece[SK_SPLINE_ORDER][SK_SPLINE_ORDER])
{
    double lower[SK_SPLINE_ORDER][SK_SPLINE_ORDER] = {{1.0}};
    memcpy(piece, lower, sizeof lower);
    for (int p = 2; p <= order; p++) {
        memcpy(lower, piece, sizeof lower);
        for (int i = 0; i < p; i++)
            for (int k = 0; k < p; k++) {
                const double here = i < p - 1 ? lower[i][k] : 0.0, before = i > 0 ? lower[i - 1][k] : 0.0;
                const double here_s = i < p - 1 && k > 0 ? lower[i][k - 1] : 0.0;
                const double before_s = i > 0 && k > 0 ? lower[i - 1][k - 1] : 0.0;
                piece[i][k] = (i * here + here_s + (p - i) * before - before_s) / (p - 1);
            }
    }
}

void sk_spline_init(struct sk_spline *spline, int order)
{
    double piece[SK_SPLINE_ORDER][SK_SPLINE_ORDER];
    spline_pieces(order, piece);
    *spline = (struct sk_spline){.order = order};
    for (int j = 0; j < order; j++)
        for (int k = 0; k < order; k++) {
            spline->value[j][k] = (float)piece[order - 1 - j][k];
            if (k > 0)
                spline->slope[j][k - 1] = (float)(k * piece[order - 1 - j][k]);
        }
}

void sk_spline_knots(int order, double *value)
{
    double piece[SK_SPLINE_ORDER][SK_SPLINE_ORDER];
    spline_pieces(order, piece);
    for (int k = 0; k < order; k++)
        value[k] = piece[k][0];
}
