#include "curve/score.h"

#include "base/memory.h"

bool sk_score_is_new_turn(const struct sk_share *share, enum sk_scheme scheme, int turn)
{
    const int32_t *n = share->n;
    bool is_cube = n[0] == n[1] && n[1] == n[2];
    return turn == 0 || (scheme != SK_SCHEME_KD && !(is_cube && !share->weight && !share->atoms));
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

int sk_score_make(const struct sk_share *share, unsigned schemes, struct sk_score scores[SK_SCORES], int *best,
                  struct sk_plan *plan)
{
    const struct sk_stencil shell = sk_stencil_shell();
    size_t cells = (size_t)share->n[0] * (size_t)share->n[1] * (size_t)share->n[2];
    int32_t *owner = sk_alloc(cells, sizeof *owner);
    const struct sk_count_summary *summaries[SK_SCORES];
    int lines = 0;
    for (int scheme = 0; scheme < SK_SCHEMES; scheme++)
        for (int turn = 0; turn < SK_CURVE_TURNS; turn++) {
            if (!(schemes >> scheme & 1) || !sk_score_is_new_turn(share, (enum sk_scheme)scheme, turn))
                continue;
            struct sk_plan made;
            struct sk_count count;
            struct sk_score *score = &scores[lines];
            summaries[lines++] = &score->summary;
            *score = (struct sk_score){.scheme = (enum sk_scheme)scheme, .turn = turn};
            sk_plan_make(&made, share, score->scheme, turn);
            sk_plan_owners(&made, owner);
            sk_plan_clear(&made);
            sk_count_make(&count, share->n, share->nranks, owner, share->weight, share->atoms, &shell);
            sk_count_summarize(&count, 0, &score->summary);
            sk_count_clear(&count);
        }
    SK_REQUIRE(lines > 0);
    *best = sk_score_best(share, summaries, lines);
    sk_free(&owner);
    if (plan)
        sk_plan_make(plan, share, scores[*best].scheme, scores[*best].turn);
    return lines;
}
