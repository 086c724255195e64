/* Score: all partition schemes on one configuration, counted, and the best of them.
 * Owns the plan it returns. Not here: times and tables (app). */
#ifndef SK_CURVE_SCORE_H
#define SK_CURVE_SCORE_H

#include "curve/count.h"
#include "curve/plan.h"

struct sk_score {
    enum sk_scheme scheme;
    int turn;
    struct sk_count_summary summary; /* of the shell stencil */
};
#define SK_SCORES (2 * SK_CURVE_TURNS + 1)

/* Makes and counts Hilbert and Morton in all turns that differ, and kd; scores[] gets one line each, in the order of
 * (scheme, turn), and the number of lines is returned. *best is the index of the winner, *plan its plan: the fewest
 * ghosts (atoms if the share has them, else cells), ties to the lower imbalance, then to the earlier line. A scheme
 * that stays within the slack (if none does, the one of the least imbalance; without slack, within 1 % of the
 * least imbalance) beats all that do not. schemes: bit
 * s set if scheme s takes part. plan may be NULL. Local. */
int sk_score_make(const struct sk_share *share, unsigned schemes, struct sk_score scores[SK_SCORES], int *best,
                  struct sk_plan *plan);
/* Whether this turn gives counts that an earlier one does not: axes of equal length and no weights make them equal. */
bool sk_score_is_new_turn(const struct sk_share *share, enum sk_scheme scheme, int turn);

#endif
