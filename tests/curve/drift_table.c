/* Prints what moves between ranks while a liquid drifts through the box: no test, but the figures of
 * scripts/hilbert_vs_morton.py, one JSON object a line. usage: drift_table [steps [cases]] */
#include "curve/adjust.h"
#include "curve/score.h"
#include "drift.h"

#define RANKS   64
#define SLACK   0.03
#define TRIGGER 0.05
#define FRESH   1.05 /* as many ghosts as a new plan may save */

static const struct {
    const char *name;
    enum drift_shape shape;
    int normal;
    double direction[3];
} cases[] = {{"slab along its normal, z", DRIFT_SLAB, 2, {0, 0, 1}},
             {"slab along its normal, x", DRIFT_SLAB, 0, {1, 0, 0}},
             {"droplet along x", DRIFT_DROPLET, 0, {1, 0, 0}},
             {"droplet along the diagonal", DRIFT_DROPLET, 0, {0.57735, 0.57735, 0.57735}}};

static struct sk_count_summary count(const struct sk_plan *plan, const struct sk_share *share)
{
    struct sk_count count;
    struct sk_count_summary summary;
    struct sk_stencil shell = sk_stencil_shell();
    int32_t *owner = malloc((size_t)cells_in(share->n) * sizeof *owner);
    sk_plan_owners(plan, owner);
    sk_count_make(&count, share->n, share->nranks, owner, share->weight, share->atoms, &shell);
    sk_count_summarize(&count, 0, &summary);
    sk_count_clear(&count);
    free(owner);
    return summary;
}

static struct sk_plan copy_of(const struct sk_plan *plan)
{
    struct sk_plan copy;
    struct sk_error err;
    size_t size = sk_plan_pack(plan, NULL);
    void *bytes = malloc(size);
    sk_plan_pack(plan, bytes);
    assert_int_equal(sk_plan_unpack(&copy, bytes, size, &err), SK_OK);
    free(bytes);
    return copy;
}

static double share_moved(const struct sk_plan *before, const struct sk_plan *after, const struct sk_share *share)
{
    int64_t atoms = 0;
    for (int64_t c = 0; c < cells_in(share->n); c++)
        atoms += share->atoms[c];
    return (double)sk_plan_moved(before, after, share) / (double)atoms;
}

/* Each step a sixteenth of a cell. recut: a new plan at every step, as balanced as it can be. adjusted: the plan is
 * moved to the load cap when two steps in a row were above the trigger, and made anew when that saves more than a
 * twentieth of the ghosts. */
static void follow(int k, enum sk_scheme scheme, const char *name, int steps)
{
    struct drift d;
    double at[3] = {0.0, 0.0, 0.0}, recut = 0.0, adjusted = 0.0, ghosts = 0.0, imbalance = 0.0;
    int changes = 0, over = 0;
    drift_init(&d, cases[k].shape, cases[k].normal, 32, 1);
    struct sk_share share = drift_share(&d, at, RANKS);
    struct sk_plan plan, last, exact, fresh;
    sk_plan_make(&last, &share, scheme, 0);
    share.slack = SLACK;
    sk_plan_make(&plan, &share, scheme, 0);
    for (int step = 1; step <= steps; step++) {
        for (int a = 0; a < 3; a++)
            at[a] += cases[k].direction[a] / 16.0;
        share = drift_share(&d, at, RANKS);
        sk_plan_make(&exact, &share, scheme, 0);
        recut += share_moved(&last, &exact, &share) / steps;
        sk_plan_clear(&last);
        last = exact;
        share.slack = SLACK;
        sk_plan_make(&fresh, &share, scheme, 0);
        struct sk_count_summary is = count(&plan, &share), best = count(&fresh, &share);
        over = is.imbalance > 1.0 + TRIGGER ? over + 1 : 0;
        if (over > 1) {
            struct sk_plan old = copy_of(&plan);
            sk_plan_adjust(&plan, &share, SLACK);
            is = count(&plan, &share);
            if ((double)is.ghost_atoms > FRESH * (double)best.ghost_atoms) {
                sk_plan_clear(&plan);
                plan = copy_of(&fresh);
                is = best;
            }
            adjusted += share_moved(&old, &plan, &share) / steps;
            sk_plan_clear(&old);
            changes++;
            over = 0;
        }
        sk_plan_clear(&fresh);
        ghosts += (double)is.ghost_atoms / (double)best.ghost_atoms / steps;
        imbalance = fmax(imbalance, is.imbalance);
    }
    printf(
        "{\"case\":\"%s\",\"scheme\":\"%s\",\"ranks\":%d,\"steps\":%d,\"recut\":%.6f,\"adjusted\":%.6f,\"changes\":%d,"
        "\"ghosts\":%.4f,\"imbalance\":%.4f}\n",
        cases[k].name, name, RANKS, steps, recut, adjusted, changes, ghosts, imbalance);
    fflush(stdout);
    sk_plan_clear(&plan);
    sk_plan_clear(&last);
    drift_clear(&d);
}

int main(int argc, char **argv)
{
    int steps = argc > 1 ? atoi(argv[1]) : 48, ncases = argc > 2 ? atoi(argv[2]) : 4;
    for (int k = 0; k < ncases && k < 4; k++) {
        follow(k, SK_SCHEME_MORTON, "morton", steps);
        follow(k, SK_SCHEME_HILBERT, "hilbert", steps);
        follow(k, SK_SCHEME_KD, "kd", steps);
    }
    return 0;
}
