/* Ghost atoms on 64 ranks of a slab, a droplet and clusters like those of the design notes, by both definitions of a
 * ghost and over both plain Hilbert curves. Lines of JSON, for scripts/hilbert_vs_morton.py. No test: test_power.c
 * asserts. usage: ghosts_table [realisations [cases]] */
#include "curve/score.h"
#include "uneven.h"

#define RANKS 64
#define SLACK 0.03

static const struct {
    const char *name;
    double published; /* ghosts of the best scheme over those of the Hilbert curve */
} cases[] = {{"slab", 0.77}, {"droplet", 0.84}, {"clusters", 0.65}};

/* Returns the imbalance. */
static double count_auto(struct sk_share *share, double ghosts[DEFINITIONS])
{
    struct sk_score scores[SK_SCORES];
    struct sk_plan plan;
    int best;
    share->slack = SLACK;
    sk_score_make(share, (1u << SK_SCHEMES) - 1, scores, &best, &plan);
    int32_t *owner = malloc((size_t)cells_in(share->n) * sizeof *owner);
    sk_plan_owners(&plan, owner);
    sk_plan_clear(&plan);
    count_ghosts(share, owner, ghosts);
    free(owner);
    return scores[best].summary.imbalance;
}

static void add(double sum[DEFINITIONS], const double ghosts[DEFINITIONS])
{
    sum[WHOLE_CELLS] += ghosts[WHOLE_CELLS];
    sum[WITHIN_EDGE] += ghosts[WITHIN_EDGE];
}

static void report(int k, int realisations)
{
    double skilling[DEFINITIONS] = {0}, hilbert[DEFINITIONS] = {0}, best[DEFINITIONS] = {0}, ghosts[DEFINITIONS];
    double imbalance = 0.0;
    for (int i = 0; i < realisations; i++) {
        struct sk_share share = uneven_share(k, 1, RANKS);
        count_plain_hilbert(&share, true, ghosts);
        add(skilling, ghosts);
        count_plain_hilbert(&share, false, ghosts);
        add(hilbert, ghosts);
        imbalance = fmax(imbalance, count_auto(&share, ghosts));
        add(best, ghosts);
        clear_share(&share);
    }
    for (int d = 0; d < DEFINITIONS; d++)
        printf("{\"case\":\"%s\",\"ranks\":%d,\"realisations\":%d,\"counted\":\"%s\",\"skilling\":%.1f,"
               "\"hilbert\":%.1f,\"auto\":%.1f,\"imbalance\":%.4f,\"published\":%.2f}\n",
               cases[k].name, RANKS, realisations, d == WHOLE_CELLS ? "whole cells" : "within the cutoff",
               skilling[d] / realisations, hilbert[d] / realisations, best[d] / realisations, imbalance,
               cases[k].published);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int realisations = argc > 1 ? atoi(argv[1]) : 5, ncases = argc > 2 ? atoi(argv[2]) : 3;
    for (int k = 0; k < ncases && k < 3; k++)
        report(k, realisations);
    return 0;
}
