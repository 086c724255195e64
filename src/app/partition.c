#include "app/partition.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "base/memory.h"

/* Larger grids are only looked at along the curves as they come, not with their axes permuted. */
#define TURNED_CELLS 4000000

int64_t partition_bytes(const struct partition_result *result)
{
    return 24 * result->score;
}

double partition_over_ideal(const struct partition_result *result)
{
    return result->ideal > 0 ? result->sum.ghosts_mean / result->ideal : NAN;
}

struct study {
    const struct partition_request *request;
    const struct partition_scene *scene;
    int32_t *owner; /* [cells] */
    struct sk_share share;
    /* Of the present rank count: what was asked for and what auto looks at, each made once. ranks 0: not yet. */
    struct partition_result tried[SK_SCHEMES][SK_CURVE_TURNS];
};

/* Results that show one of the tried ones hold nothing any more. */
static void forget_tried(struct study *s)
{
    for (int scheme = 0; scheme < SK_SCHEMES; scheme++)
        for (int turn = 0; turn < SK_CURVE_TURNS; turn++) {
            sk_plan_clear(&s->tried[scheme][turn].plan);
            sk_count_clear(&s->tried[scheme][turn].count);
        }
    memset(s->tried, 0, sizeof s->tried);
}

static void evaluate(const struct study *s, enum sk_scheme scheme, int turn, struct partition_result *result)
{
    const struct partition_scene *scene = s->scene;
    struct sk_stencil shell = sk_stencil_shell();
    memset(result, 0, sizeof *result);
    result->asked = (int)scheme;
    result->ranks = s->share.nranks;
    sk_plan_make(&result->plan, &s->share, scheme, turn);
    sk_plan_owners(&result->plan, s->owner);
    sk_count_make(&result->count, scene->n, result->ranks, s->owner, scene->weight, scene->atoms, &shell);
    sk_count_components(&result->count, scene->n, s->owner);
    sk_count_summarize(&result->count, s->request->ranks_per_node, &result->sum);
    result->ideal = sk_count_ideal(scene->n, (double)scene->cells / result->ranks);
    result->score = sk_score_ghosts(&s->share, &result->sum);
}

static int turns(const struct study *s, enum sk_scheme scheme)
{
    bool are_new = sk_score_is_new_turn(&s->share, scheme, 1);
    return are_new && s->scene->cells <= TURNED_CELLS ? SK_CURVE_TURNS : 1;
}

/* The result of a scheme; `tried` keeps owning what it points to. */
static struct partition_result look_at(struct study *s, enum sk_scheme scheme, int turn)
{
    struct partition_result *result = &s->tried[scheme][turn];
    if (!result->ranks)
        evaluate(s, scheme, turn, result);
    return *result;
}

/* The best of all schemes along all turns. */
static struct partition_result look_at_all(struct study *s)
{
    struct partition_result all[SK_SCORES];
    const struct sk_count_summary *summaries[SK_SCORES];
    int n = 0;
    for (int scheme = 0; scheme < SK_SCHEMES; scheme++)
        for (int turn = 0; turn < turns(s, scheme); turn++, n++) {
            all[n] = look_at(s, scheme, turn);
            summaries[n] = &all[n].sum;
        }
    struct partition_result best = all[sk_score_best(&s->share, summaries, n)];
    best.asked = PARTITION_AUTO;
    return best;
}

static void mark_best(const struct study *s, struct partition_result *results, int n)
{
    const struct sk_count_summary *summaries[PARTITION_SCHEMES];
    for (int i = 0; i < n; i++)
        summaries[i] = &results[i].sum;
    int best = sk_score_best(&s->share, summaries, n);
    double cap = sk_score_cap(&s->share, summaries, n);
    for (int i = 0; i < n; i++)
        results[i].is_best = results[i].score == results[best].score && results[i].sum.imbalance <= cap;
}

/* All schemes on one number of ranks. */
static enum sk_code study_block(struct study *s, int ranks, struct partition_result *results, struct sk_error *err)
{
    const struct partition_request *request = s->request;
    s->share.nranks = ranks;
    for (int i = 0; i < request->nschemes; i++)
        results[i] = request->scheme[i] == PARTITION_AUTO ? look_at_all(s)
                                                          : look_at(s, (enum sk_scheme)request->scheme[i], 0);
    mark_best(s, results, request->nschemes);
    if (ranks > s->scene->cells)
        fprintf(stderr, "skein: %d ranks share %lld cells: %lld of them have nothing to do\n", ranks,
                (long long)s->scene->cells, (long long)(ranks - s->scene->cells));
    if (!request->is_json)
        partition_print_block(stdout, request, s->scene, results);
    enum sk_code code = SK_OK;
    for (int i = 0; i < request->nschemes && request->is_json && !code; i++)
        code = partition_write_json(stdout, request, s->scene, &results[i], err);
    return code;
}

static enum sk_code study_all(struct study *s, struct partition_result *results, struct sk_error *err)
{
    const struct partition_request *request = s->request;
    enum sk_code code = SK_OK;
    if (!request->is_json)
        partition_print_scene(stdout, request, s->scene);
    for (int r = 0; r < request->nranks && !code; r++) {
        struct partition_result *block = results + (size_t)r * (size_t)request->nschemes;
        code = study_block(s, request->ranks[r], block, err);
        if (!code && request->owners)
            code = partition_write_owners(request->owners, s->scene, &block->plan, err);
        if (!code && request->picture)
            code = partition_draw(request->picture, request, s->scene, block, request->nschemes, err);
        forget_tried(s);
    }
    if (!code && !request->is_json)
        partition_print_verdict(stdout, request, results);
    if (!code && fflush(stdout) != 0)
        code = sk_fail(err, SK_EENV, "cannot write the table: %s", strerror(errno));
    return code;
}

static int work(const struct partition_request *request, const struct partition_scene *scene)
{
    struct sk_error err;
    struct study s = {.request = request, .scene = scene};
    memcpy(s.share.n, scene->n, sizeof s.share.n);
    s.share.weight = scene->weight;
    s.share.atoms = scene->atoms;
    s.share.slack = request->slack;
    s.owner = sk_alloc((size_t)scene->cells, sizeof *s.owner);
    struct partition_result *results = sk_calloc((size_t)request->nranks * (size_t)request->nschemes, sizeof *results);
    enum sk_code code = study_all(&s, results, &err);
    if (code)
        fprintf(stderr, "skein: %s\n", err.message);
    sk_free(&results);
    sk_free(&s.owner);
    return (int)code;
}

int app_partition(int argc, char **argv)
{
    struct partition_request request;
    struct partition_scene scene = {0};
    bool is_mine = false;
    int code = partition_parse(argc, argv, &request);
    if (!code)
        code = partition_scene_make(&request, &scene, &is_mine);
    if (!code && is_mine)
        code = work(&request, &scene);
    partition_scene_clear(&scene);
    sk_free(&request.ranks);
    return code;
}
