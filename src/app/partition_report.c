#include <errno.h>
#include <math.h>
#include <string.h>

#include "app/partition.h"
#include "base/json.h"

void partition_print_scene(FILE *out, const struct partition_request *request, const struct partition_scene *scene)
{
    fprintf(out, "%s: %lld cells", scene->name, (long long)scene->cells);
    if (scene->atoms)
        fprintf(out,
                " (%d x %d x %d) with %sthe list radius %.4g as edge, %lld atoms\n"
                "weight of a cell: %g for a pair within the list radius whose lower corner it is, %g for an atom, %g\n",
                scene->n[0], scene->n[1], scene->n[2], scene->reach > 1 ? "half of " : "", scene->list_radius,
                (long long)scene->natoms, request->cost.pair, request->cost.atom, request->cost.cell);
    else
        fprintf(out, " of equal weight, one atom each\n");
    fprintf(out, "ghosts: distinct foreign cells among the %d periodic neighbours of a rank's cells; ",
            scene->reach > 1 ? 124 : 26);
    fprintf(out, "bytes: 24 for each ghost atom\n");
    if (scene->atoms)
        fprintf(
            out,
            "ideal: the best cube, tube or slab of a mean rank's volume; where atoms are few, ranks differ from it\n");
    fprintf(out, "*: the fewest ghost %s of those whose heaviest rank is within %g %% of the mean load of the best\n",
            scene->atoms ? "atoms" : "cells", 100 * fmax(SK_SCORE_BALANCE, request->slack));
    if (request->slack > 0)
        fprintf(out, "a rank may be %g %% heavier than the mean where that saves ghosts\n", 100 * request->slack);
}

static void scheme_label(const struct partition_result *r, char *text, size_t size)
{
    const char *name = partition_scheme_name(r->asked), *chosen = partition_scheme_name((int)r->plan.scheme);
    if (r->asked != PARTITION_AUTO)
        snprintf(text, size, "%s", name);
    else if (r->plan.turn)
        snprintf(text, size, "%s = %s, turn %d", name, chosen, r->plan.turn);
    else
        snprintf(text, size, "%s = %s", name, chosen);
}

/* "-" where there is no number. */
static const char *number(char text[32], const char *format, double value)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, 32, isfinite(value) ? format : "-", value);
#pragma GCC diagnostic pop
    return text;
}

/* By what crosses the network: atoms, if there are any. */
static double off_node(const struct partition_result *r, const struct partition_scene *scene)
{
    return scene->atoms ? r->sum.off_node_atoms : r->sum.off_node;
}

static void print_row(FILE *out, const struct partition_request *request, const struct partition_scene *scene,
                      const struct partition_result *r, int64_t best)
{
    char label[64], over[32], loss[32], node[32];
    const struct sk_count_summary *s = &r->sum;
    scheme_label(r, label, sizeof label);
    number(over, "%.3f", partition_over_ideal(r));
    if (r->is_best)
        snprintf(loss, sizeof loss, "best");
    else
        number(loss, "%+.1f %%", best > 0 ? 100.0 * (double)(r->score - best) / (double)best : NAN);
    number(node, "%.3f", request->ranks_per_node ? off_node(r, scene) : NAN);
    fprintf(out, "%c %-22s %9.4f %9.1f %7lld %7s", r->is_best ? '*' : ' ', label, s->imbalance, s->ghosts_mean,
            (long long)s->ghosts_max, over);
    if (scene->atoms)
        fprintf(out, " %11.1f %9lld", s->ghost_atoms_mean, (long long)s->ghost_atoms_max);
    fprintf(out, " %8s %7.1f %4d %9lld %11.4g", loss, s->neighbours_mean, s->neighbours_max, (long long)s->messages,
            (double)partition_bytes(r));
    if (request->ranks_per_node)
        fprintf(out, " %8s", node);
    fprintf(out, " %6.2f %4d\n", s->components_mean, s->components_max);
}

static void print_heading(FILE *out, const struct partition_request *request, const struct partition_scene *scene)
{
    fprintf(out, "  %-22s %9s %9s %7s %7s", "scheme", "imbalance", "ghosts", "max", "/ideal");
    if (scene->atoms)
        fprintf(out, " %11s %9s", "ghost atoms", "max");
    fprintf(out, " %8s %7s %4s %9s %11s", "to best", "neighb.", "max", "messages", "bytes/step");
    if (request->ranks_per_node)
        fprintf(out, " %8s", "off-node");
    fprintf(out, " %6s %4s\n", "pieces", "max");
}

/* What the table has no room for: of a configuration, or if times were asked for. */
static void print_rest(FILE *out, const struct partition_request *request, const struct partition_scene *scene,
                       const struct partition_result *results)
{
    bool has_cut = scene->constraints > 0, has_time = request->calibration != NULL;
    if (!scene->atoms && !has_time)
        return;
    fprintf(out, "  %-22s %9s %7s", "", "MB a rank", "max");
    if (has_cut)
        fprintf(out, " %15s", "constraints cut");
    if (scene->supposed)
        fprintf(out, " %13s %13s %9s %9s", "import: cells", "atoms", "max", "imbalance");
    fprintf(out, "%s\n", has_time ? "   us/step" : "");
    for (int i = 0; i < request->nschemes; i++) {
        char label[64];
        const struct partition_result *r = &results[i];
        scheme_label(r, label, sizeof label);
        fprintf(out, "  %-22s %9.3f %7.3f", label, 1e-6 * (double)r->memory_mean, 1e-6 * (double)r->memory_max);
        if (has_cut)
            fprintf(out, " %15lld", (long long)r->constraints_cut);
        if (r->supposed)
            fprintf(out, " %13lld %13lld %9lld %9.4f", (long long)r->supposed->import.cells,
                    (long long)r->supposed->import.atoms, (long long)r->supposed->import.atoms_max,
                    r->supposed->imbalance);
        if (has_time)
            fprintf(out, " %9.1f", r->predicted);
        fprintf(out, "\n");
    }
}

void partition_print_block(FILE *out, const struct partition_request *request, const struct partition_scene *scene,
                           const struct partition_result *results)
{
    int64_t best = 0;
    for (int i = 0; i < request->nschemes; i++)
        if (results[i].is_best)
            best = results[i].score;
    fprintf(out, "\n%d ranks, %.5g cells each, ideal %.1f ghosts\n", results->ranks,
            (double)scene->cells / results->ranks, results->ideal);
    print_heading(out, request, scene);
    for (int i = 0; i < request->nschemes; i++)
        print_row(out, request, scene, &results[i], best);
    print_rest(out, request, scene, results);
    fflush(out);
}

void partition_print_verdict(FILE *out, const struct partition_request *request, const struct partition_result *results)
{
    int n = request->nschemes, morton = 0;
    while (morton < n && request->scheme[morton] != SK_SCHEME_MORTON)
        morton++;
    if (morton == n || n < 2 || request->nranks < 2)
        return;
    fprintf(out, "\nghosts against morton, over %d rank counts:\n", request->nranks);
    for (int i = 0; i < n; i++) {
        int fewer = 0, tied = 0, more = 0, counted = 0;
        double logs = 0;
        for (int r = 0; r < request->nranks; r++) {
            int64_t other = results[r * n + morton].score, own = results[r * n + i].score;
            fewer += own < other;
            tied += own == other;
            more += own > other;
            if (own > 0 && other > 0) {
                logs += log((double)own / (double)other);
                counted++;
            }
        }
        if (i != morton)
            fprintf(out, "  %-8s fewer %d times, as many %d, more %d; geometric mean of the ratio %.3f\n",
                    partition_scheme_name(request->scheme[i]), fewer, tied, more, counted ? exp(logs / counted) : 1.0);
    }
}

enum sk_code partition_write_json(FILE *out, const struct partition_request *request,
                                  const struct partition_scene *scene, const struct partition_result *r,
                                  struct sk_error *err)
{
    const struct sk_count_summary *s = &r->sum;
    struct sk_json json;
    sk_json_init(&json, out);
    sk_json_begin(&json);
    sk_json_string(&json, "curve", partition_scheme_name(r->asked));
    sk_json_int(&json, "ranks", r->ranks);
    sk_json_double(&json, "imbalance", s->imbalance);
    sk_json_double(&json, "ghosts_mean", s->ghosts_mean);
    sk_json_int(&json, "ghosts_max", s->ghosts_max);
    sk_json_double(&json, "ghosts_over_ideal", partition_over_ideal(r));
    sk_json_double(&json, "neighbours_mean", s->neighbours_mean);
    sk_json_int(&json, "neighbours_max", s->neighbours_max);
    sk_json_int(&json, "messages", s->messages);
    sk_json_int(&json, "bytes_per_step", partition_bytes(r));
    sk_json_double(&json, "ghost_atoms_mean", scene->atoms ? s->ghost_atoms_mean : s->ghosts_mean);
    sk_json_int(&json, "ghost_atoms_max", scene->atoms ? s->ghost_atoms_max : s->ghosts_max);
    sk_json_double(&json, "off_node", request->ranks_per_node ? off_node(r, scene) : NAN);
    sk_json_double(&json, "components_mean", s->components_mean);
    sk_json_int(&json, "components_max", s->components_max);
    sk_json_double(&json, "ideal", r->ideal);
    sk_json_string(&json, "scheme", partition_scheme_name((int)r->plan.scheme));
    sk_json_int(&json, "turn", r->plan.turn);
    sk_json_bool(&json, "is_best", r->is_best);
    sk_json_int(&json, "memory_bytes_mean", r->memory_mean);
    sk_json_int(&json, "memory_bytes_max", r->memory_max);
    if (scene->atoms) {
        sk_json_int(&json, "constraints", scene->constraints);
        sk_json_int(&json, "constraints_cut", r->constraints_cut);
    } else {
        sk_json_double(&json, "constraints", NAN);
        sk_json_double(&json, "constraints_cut", NAN);
    }
    sk_json_double(&json, "predicted_us_per_step", r->predicted);
    if (r->supposed) {
        sk_json_string(&json, "import_scheme", partition_scheme_name((int)r->supposed->scheme));
        sk_json_int(&json, "import_cells", r->supposed->import.cells);
        sk_json_int(&json, "import_atoms", r->supposed->import.atoms);
        sk_json_int(&json, "import_atoms_max", r->supposed->import.atoms_max);
        sk_json_int(&json, "import_messages", r->supposed->import.messages);
        sk_json_double(&json, "import_imbalance", r->supposed->imbalance);
        sk_json_double(&json, "import_tile_imbalance", r->supposed->tile_imbalance);
    }
    sk_json_int(&json, "shell", scene->reach);
    sk_json_open_array(&json, "cells");
    for (int k = 0; k < 3; k++)
        sk_json_int(&json, NULL, scene->n[k]);
    sk_json_close(&json);
    enum sk_code code = sk_json_end(&json, err);
    sk_json_clear(&json);
    return code;
}

enum sk_code partition_write_owners(const char *path, const struct partition_scene *scene, const struct sk_plan *plan,
                                    struct sk_error *err)
{
    FILE *out = fopen(path, "w");
    bool has_failed = !out;
    for (int32_t z = 0; z < scene->n[2] && !has_failed; z++)
        for (int32_t y = 0; y < scene->n[1]; y++)
            for (int32_t x = 0; x < scene->n[0]; x++)
                has_failed |= fprintf(out, "%d\n", sk_plan_owner(plan, x, y, z)) < 0;
    int why = errno;
    if (out && fclose(out) != 0 && !has_failed) {
        has_failed = true;
        why = errno;
    }
    return has_failed ? sk_fail(err, SK_EENV, "cannot write %s: %s", path, strerror(why)) : SK_OK;
}
