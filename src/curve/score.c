#include "curve/score.h"

#include "base/memory.h"
#include "curve/power.h"

bool sk_score_is_new_turn(const struct sk_share *share, enum sk_scheme scheme, int turn)
{
    const int32_t *n = share->n;
    bool is_cube = n[0] == n[1] && n[1] == n[2];
    return turn == 0 || ((scheme == SK_SCHEME_HILBERT || scheme == SK_SCHEME_MORTON) &&
                         !(is_cube && !share->weight && !share->atoms));
}

int64_t sk_score_ghosts(const struct sk_share *share, const struct sk_count_summary *summary)
{
    return share->atoms ? summary->ghost_atoms : summary->ghosts;
}

double sk_score_cap(const struct sk_share *share, const struct sk_count_summary *const summaries[], int n)
{
    double least = summaries[0]->imbalance;
    for (int k = 1; k < n; k++)
        least = summaries[k]->imbalance < least ? summaries[k]->imbalance : least;
    return least + (share->slack > SK_SCORE_BALANCE ? share->slack : SK_SCORE_BALANCE);
}

int sk_score_best(const struct sk_share *share, const struct sk_count_summary *const summaries[], int n)
{
    double cap = sk_score_cap(share, summaries, n);
    int best = -1;
    for (int k = 0; k < n; k++) {
        const struct sk_count_summary *a = summaries[k], *b = best < 0 ? NULL : summaries[best];
        if (a->imbalance > cap)
            continue;
        int64_t ghosts = sk_score_ghosts(share, a), fewest = b ? sk_score_ghosts(share, b) : INT64_MAX;
        if (!b || ghosts < fewest || (ghosts == fewest && a->imbalance < b->imbalance))
            best = k;
    }
    return best;
}

bool sk_score_takes_part(const struct sk_share *share, enum sk_scheme scheme)
{
    double cells = (double)share->n[0] * share->n[1] * share->n[2];
    return scheme != SK_SCHEME_POWER || (share->weight && cells <= SK_POWER_FEW);
}

static void evaluate(const struct sk_share *share, int32_t *owner, struct sk_score *score, struct sk_plan *plan)
{
    const struct sk_stencil shell = sk_stencil_shell();
    struct sk_count count;
    sk_plan_make(plan, share, score->scheme, score->turn);
    sk_plan_owners(plan, owner);
    sk_count_make(&count, share->n, share->nranks, owner, share->weight, share->atoms,
                  share->stencil ? share->stencil : &shell);
    sk_count_summarize(&count, 0, &score->summary);
    sk_count_clear(&count);
}

/* A power diagram promises nothing about loads. */
static bool is_balanced(const struct sk_share *share, const struct sk_count_summary *const summaries[], int n)
{
    double cap = 1.0 + (share->slack > SK_SCORE_BALANCE ? share->slack : SK_SCORE_BALANCE);
    bool is_within = n == 1 || summaries[n - 1]->imbalance <= cap;
    for (int k = 0; k < n - 1; k++)
        is_within |= summaries[n - 1]->imbalance <= summaries[k]->imbalance;
    return is_within;
}

int sk_score_make(const struct sk_share *share, unsigned schemes, struct sk_score scores[SK_SCORES], int *best,
                  struct sk_plan *plan)
{
    size_t cells = (size_t)share->n[0] * (size_t)share->n[1] * (size_t)share->n[2];
    int32_t *owner = sk_alloc(cells, sizeof *owner);
    const struct sk_count_summary *summaries[SK_SCORES];
    struct sk_plan made[SK_SCORES];
    int lines = 0;
    for (int scheme = 0; scheme < SK_SCHEMES; scheme++)
        for (int turn = 0; turn < SK_CURVE_TURNS; turn++) {
            if (!(schemes >> scheme & 1) || !sk_score_is_new_turn(share, (enum sk_scheme)scheme, turn) ||
                !sk_score_takes_part(share, (enum sk_scheme)scheme))
                continue;
            scores[lines] = (struct sk_score){.scheme = (enum sk_scheme)scheme, .turn = turn};
            evaluate(share, owner, &scores[lines], &made[lines]);
            summaries[lines] = &scores[lines].summary;
            lines++;
            if (scheme == SK_SCHEME_POWER && !is_balanced(share, summaries, lines))
                sk_plan_clear(&made[--lines]);
        }
    SK_REQUIRE(lines > 0);
    *best = sk_score_best(share, summaries, lines);
    for (int k = 0; k < lines; k++) {
        if (plan && k == *best)
            *plan = made[k];
        else
            sk_plan_clear(&made[k]);
    }
    sk_free(&owner);
    return lines;
}
