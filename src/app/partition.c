#include "app/partition.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "base/memory.h"

/* On larger grids auto looks only at the curves as they come, not with their axes permuted. */
#define TURNED_CELLS 4000000

/* Of an owned atom, and of an atom in a ghost cell, of which the engine imports 0.42 by its corner rule: bytes in
 * atoms, lists and halo, measured with `skein run` (memory_bytes_per_atom) on 1 to 8 ranks; docs/partition.md. */
#define OWNED_BYTES 926.0
#define GHOST_BYTES (0.42 * 450.0)

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
    struct sk_stencil shell;
    const struct partition_constants *constants; /* or NULL */
    int32_t *owner;                              /* [cells] */
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

/* Memory of ranks, constraints between ranks, and time: what follows from the counts and the owners. */
static void derive(const struct study *s, struct partition_result *result)
{
    const struct partition_scene *scene = s->scene;
    double sum = 0, most = 0;
    for (int r = 0; r < result->ranks; r++) {
        const struct sk_rank_count *rank = &result->count.rank[r];
        double bytes = scene->atoms ? OWNED_BYTES * (double)rank->atoms + GHOST_BYTES * (double)rank->ghost_atoms
                                    : OWNED_BYTES * (double)rank->cells + GHOST_BYTES * (double)rank->ghosts;
        sum += bytes;
        most = fmax(most, bytes);
    }
    result->memory_mean = (int64_t)(sum / result->ranks + 0.5);
    result->memory_max = (int64_t)(most + 0.5);
    for (int64_t k = 0; k < scene->njoined; k++)
        result->constraints_cut += s->owner[scene->joined[k][0]] != s->owner[scene->joined[k][1]];
    result->predicted = NAN;
    if (s->constants) {
        struct partition_tally *tally = sk_alloc((size_t)result->ranks, sizeof *tally);
        partition_model_count(scene, s->constants, result->ranks, s->owner, tally);
        result->predicted = 1e-3 * partition_model_step(s->constants, s->request->ranks_per_node, result->ranks, tally);
        sk_free(&tally);
    }
}

static void evaluate(const struct study *s, enum sk_scheme scheme, int turn, struct partition_result *result)
{
    const struct partition_scene *scene = s->scene;
    memset(result, 0, sizeof *result);
    result->asked = (int)scheme;
    result->ranks = s->share.nranks;
    sk_plan_make(&result->plan, &s->share, scheme, turn);
    sk_plan_owners(&result->plan, s->owner);
    sk_count_make(&result->count, scene->n, result->ranks, s->owner, scene->weight, scene->atoms, &s->shell);
    sk_count_components(&result->count, scene->n, s->owner);
    sk_count_summarize(&result->count, s->request->ranks_per_node, &result->sum);
    result->ideal = sk_count_ideal_shell(scene->n, (double)scene->cells / result->ranks, scene->reach);
    result->score = sk_score_ghosts(&s->share, &result->sum);
    derive(s, result);
}

static int turns(const struct study *s, enum sk_scheme scheme)
{
    bool are_new = sk_score_is_new_turn(&s->share, scheme, 1);
    return are_new && s->scene->cells <= TURNED_CELLS ? SK_CURVE_TURNS : 1;
}

/* By auto: what there is already costs nothing. */
static bool is_looked_at(const struct study *s, enum sk_scheme scheme)
{
    return sk_score_takes_part(&s->share, scheme) || s->tried[scheme][0].ranks;
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
    struct partition_result all[SK_SCHEMES * SK_CURVE_TURNS];
    const struct sk_count_summary *summaries[SK_SCHEMES * SK_CURVE_TURNS];
    int n = 0;
    for (int scheme = 0; scheme < SK_SCHEMES; scheme++)
        for (int turn = 0; is_looked_at(s, scheme) && turn < turns(s, scheme); turn++, n++) {
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
static enum sk_code study_block(struct study *s, int block, struct partition_result *results, struct sk_error *err)
{
    const struct partition_request *request = s->request;
    int ranks = s->share.nranks = request->ranks[block];
    for (int i = 0; i < request->nschemes; i++) {
        results[i] = request->scheme[i] == PARTITION_AUTO ? look_at_all(s)
                                                          : look_at(s, (enum sk_scheme)request->scheme[i], 0);
        results[i].supposed = s->scene->supposed ? &s->scene->supposed[block * request->nschemes + i] : NULL;
    }
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
        code = study_block(s, r, block, err);
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

static int work(const struct partition_request *request, const struct partition_scene *scene,
                const struct partition_constants *constants)
{
    struct sk_error err;
    struct study s = {.request = request, .scene = scene, .constants = constants};
    for (int k = 0; k < 3; k++) {
        s.shell.low[k] = -scene->reach;
        s.shell.high[k] = scene->reach;
    }
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

/* Power diagrams of large grids take long: only for those who name them. */
static void drop_slow_schemes(struct partition_request *request, const struct partition_scene *scene)
{
    int n = 0;
    if (request->has_schemes || scene->cells <= TURNED_CELLS)
        return;
    for (int i = 0; i < request->nschemes; i++)
        if (request->scheme[i] != SK_SCHEME_POWER)
            request->scheme[n++] = request->scheme[i];
    if (n < request->nschemes)
        fprintf(stderr, "skein: more than %d cells: without power diagrams, unless --curve names them\n", TURNED_CELLS);
    request->nschemes = n;
}

int app_partition(int argc, char **argv)
{
    struct partition_request request;
    struct partition_scene scene = {0};
    struct partition_constants constants;
    bool is_mine = false;
    int code = partition_parse(argc, argv, &request);
    if (!code && request.is_calibration)
        code = partition_calibrate(&request);
    else if (!code) {
        struct sk_error err;
        if (request.calibration)
            code = (int)partition_constants_read(request.calibration, &constants, &err);
        if (code && app_is_first_rank())
            fprintf(stderr, "skein: %s\n", err.message);
        if (!code)
            code = partition_scene_make(&request, &scene, &is_mine);
        if (!code && is_mine)
            drop_slow_schemes(&request, &scene);
        if (!code && is_mine)
            code = work(&request, &scene, request.calibration ? &constants : NULL);
    }
    partition_scene_clear(&scene);
    sk_free(&request.ranks);
    return code;
}
