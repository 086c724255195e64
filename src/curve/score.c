#include "curve/score.h"

#include "base/memory.h"

bool sk_score_is_new_turn(const struct sk_share *share, enum sk_scheme scheme, int turn)
{
    const int32_t *n = share->n;
    bool is_cube = n[0] == n[1] && n[1] == n[2];
    return turn == 0 || (scheme != SK_SCHEME_KD && !(is_cube && !share->weight && !share->atoms));
}

static int64_t ghosts_of(const struct sk_share *share, const struct sk_score *score)
{
    return share->atoms ? score->summary.ghost_atoms : score->summary.ghosts;
}

static bool is_better(const struct sk_share *share, double limit, const struct sk_score *a, const struct sk_score *b)
{
    bool a_fits = a->summary.imbalance <= limit, b_fits = b->summary.imbalance <= limit;
    int64_t a_ghosts = ghosts_of(share, a), b_ghosts = ghosts_of(share, b);
    if (a_fits != b_fits)
        return a_fits;
    if (!a_fits || a_ghosts == b_ghosts)
        return a->summary.imbalance < b->summary.imbalance;
    return a_ghosts < b_ghosts;
}

int sk_score_make(const struct sk_share *share, unsigned schemes, struct sk_score scores[SK_SCORES], int *best,
                  struct sk_plan *plan)
{
    const struct sk_stencil shell = sk_stencil_shell();
    size_t cells = (size_t)share->n[0] * (size_t)share->n[1] * (size_t)share->n[2];
    int32_t *owner = sk_alloc(cells, sizeof *owner);
    double limit = 1e300;
    int lines = 0;
    for (int scheme = 0; scheme < SK_SCHEMES; scheme++)
        for (int turn = 0; turn < SK_CURVE_TURNS; turn++) {
            if (!(schemes >> scheme & 1) || !sk_score_is_new_turn(share, (enum sk_scheme)scheme, turn))
                continue;
            struct sk_plan made;
            struct sk_count count;
            struct sk_score *score = &scores[lines++];
            *score = (struct sk_score){.scheme = (enum sk_scheme)scheme, .turn = turn};
            sk_plan_make(&made, share, score->scheme, turn);
            sk_plan_owners(&made, owner);
            sk_plan_clear(&made);
            sk_count_make(&count, share->n, share->nranks, owner, share->weight, share->atoms, &shell);
            sk_count_summarize(&count, 0, &score->summary);
            sk_count_clear(&count);
            limit = score->summary.imbalance < limit ? score->summary.imbalance : limit;
        }
    SK_REQUIRE(lines > 0);
    limit *= share->slack > 0.0 ? 1.0 : 1.01;
    limit = limit < 1.0 + share->slack ? 1.0 + share->slack : limit;
    *best = 0;
    for (int k = 1; k < lines; k++)
        if (is_better(share, limit, &scores[k], &scores[*best]))
            *best = k;
    sk_free(&owner);
    if (plan)
        sk_plan_make(plan, share, scores[*best].scheme, scores[*best].turn);
    return lines;
}
