/* Score: all partition schemes on one configuration, counted, and the best of them.
 * Owns the plan it returns. Not here: times and tables (app). */
#ifndef SK_CURVE_SCORE_H
#define SK_CURVE_SCORE_H

#include "curve/count.h"
#include "curve/plan.h"

struct sk_score {
    enum sk_scheme scheme;
    int turn;
    struct sk_count_summary summary; /* of the stencil of the share */
};
#define SK_SCORES (2 * SK_CURVE_TURNS + 2)

/* How much of the mean load a partition with fewer ghosts may be less balanced than the best balanced one, whatever the
 * slack. */
#define SK_SCORE_BALANCE 0.03
/* What partitions are ranked by: ghost atoms if the share has atoms, else ghost cells. */
int64_t sk_score_ghosts(const struct sk_share *share, const struct sk_count_summary *summary);
/* The largest imbalance with which one of several partitions may win: SK_SCORE_BALANCE, or the slack if that is more,
 * above the least of them. */
double sk_score_cap(const struct sk_share *share, const struct sk_count_summary *const summaries[], int n);
/* Index of the one with the fewest ghosts of those under the cap, ties to the lower imbalance, then to the earlier. */
int sk_score_best(const struct sk_share *share, const struct sk_count_summary *const summaries[], int n);

/* Whether a scheme takes part where the best of all is wanted: power takes seconds and only pays where weights differ,
 * on up to SK_POWER_FEW cells. */
bool sk_score_takes_part(const struct sk_share *share, enum sk_scheme scheme);
/* Makes and counts Hilbert and Morton in all turns that differ, kd, and power if it takes part and is within the load
 * cap (the slack or SK_SCORE_BALANCE above the mean, or what another reaches); scores[] gets one line each, in the
 * order of (scheme, turn), and the number of lines is returned. *best is the index of the winner, *plan its plan.
 * schemes: bit s set if scheme s takes part. plan may be NULL. Local. */
int sk_score_make(const struct sk_share *share, unsigned schemes, struct sk_score scores[SK_SCORES], int *best,
                  struct sk_plan *plan);
/* Whether this turn gives counts that an earlier one does not: axes of equal length and no weights make them equal. */
bool sk_score_is_new_turn(const struct sk_share *share, enum sk_scheme scheme, int turn);

#endif
