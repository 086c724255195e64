#include <math.h>
#include <string.h>

#include "app/partition_pack.h"
#include "app/partition_svg.h"

/* Files in src/app/web and src/app/vendor (Makefile). */
extern const char sk_file_partition_css[], sk_file_partition_view_html[];
extern const char sk_file_partition_mesh_js[], sk_file_partition_view_js[];
extern const char sk_file_regl_min_js[], sk_file_regl_LICENSE[];

static void write_head(FILE *out, const struct partition_request *request, const struct partition_scene *scene,
                       int ranks)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
          "script-src 'unsafe-inline' 'unsafe-eval'\">\n<title>",
          out);
    svg_escape(out, scene->name);
    fprintf(out, " on %d ranks</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<h1>", ranks,
            sk_file_partition_css);
    svg_escape(out, scene->name);
    fprintf(out, " on %d ranks</h1>\n<p>", ranks);
    if (scene->atoms)
        fprintf(out, "%lld atoms in %d &times; %d &times; %d cells with %sthe list radius as edge, weighed by work",
                (long long)scene->natoms, scene->n[0], scene->n[1], scene->n[2], scene->reach > 1 ? "half of " : "");
    else
        fputs("cells of equal weight", out);
    if (request->slack > 0)
        fprintf(out, "; slack %g %%", 100 * request->slack);
    fputs("</p>\n</header>\n<main>\n", out);
}

/* Digits in threes. */
static void write_number(FILE *out, const char *text)
{
    size_t whole = strspn(text, "0123456789");
    for (size_t i = 0; text[i]; i++)
        fprintf(out, "%s%c", whole > 4 && i > 0 && i < whole && (whole - i) % 3 == 0 ? "&#8239;" : "", text[i]);
}

/* One row: a number for each scheme, the least set off if they differ; NaN is a dash. */
static void write_row(FILE *out, const char *name, const char *format, const double *value, int n)
{
    double least = INFINITY, most = -INFINITY;
    for (int i = 0; i < n; i++) {
        least = fmin(least, value[i]);
        most = fmax(most, value[i]);
    }
    fprintf(out, "<tr><th scope=\"row\">%s</th>", name);
    for (int i = 0; i < n; i++) {
        char text[32];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, isfinite(value[i]) ? format : "&ndash;", value[i]);
#pragma GCC diagnostic pop
        fprintf(out, "<td%s>", value[i] == least && least < most ? " class=\"least\"" : "");
        write_number(out, text);
        fputs("</td>", out);
    }
    fputs("</tr>\n", out);
}

static void write_rows(FILE *out, const struct partition_request *request, const struct partition_scene *scene,
                       const struct partition_result *results, int n)
{
    enum {
        IMBALANCE,
        MEAN,
        MOST,
        IDEAL,
        ATOMS,
        ATOMS_MOST,
        NEAR,
        NEAR_MOST,
        MESSAGES,
        BYTES,
        OFF,
        PIECES,
        MEMORY,
        CUT,
        TIME,
        ROWS
    };
    static const struct {
        const char *name, *format;
    } row[ROWS] = {{"imbalance, heaviest rank over the mean", "%.4f"},
                   {"ghost cells of a rank, mean", "%.1f"},
                   {"ghost cells, largest", "%.0f"},
                   {"ghost cells over the ideal", "%.3f"},
                   {"ghost atoms of a rank, mean", "%.1f"},
                   {"ghost atoms, largest", "%.0f"},
                   {"neighbours, mean", "%.1f"},
                   {"neighbours, most", "%.0f"},
                   {"messages, one direction", "%.0f"},
                   {"bytes per step, all ranks", "%.0f"},
                   {"share of ghosts from other nodes", "%.3f"},
                   {"pieces of a territory, mean", "%.2f"},
                   {"memory of a rank, largest, MB", "%.3f"},
                   {"constraints between ranks", "%.0f"},
                   {"predicted time of a step, us", "%.1f"}};
    const bool is_hidden[ROWS] = {[ATOMS] = !scene->atoms,
                                  [ATOMS_MOST] = !scene->atoms,
                                  [OFF] = !request->ranks_per_node,
                                  [CUT] = !scene->constraints,
                                  [TIME] = !isfinite(results->predicted)};
    double value[ROWS][PARTITION_SCHEMES];
    for (int i = 0; i < n; i++) {
        const struct sk_count_summary *s = &results[i].sum;
        double column[ROWS] = {s->imbalance,
                               s->ghosts_mean,
                               (double)s->ghosts_max,
                               partition_over_ideal(&results[i]),
                               s->ghost_atoms_mean,
                               (double)s->ghost_atoms_max,
                               s->neighbours_mean,
                               s->neighbours_max,
                               (double)s->messages,
                               (double)partition_bytes(&results[i]),
                               scene->atoms ? s->off_node_atoms : s->off_node,
                               s->components_mean,
                               1e-6 * (double)results[i].memory_max,
                               (double)results[i].constraints_cut,
                               results[i].predicted};
        for (int k = 0; k < ROWS; k++)
            value[k][i] = column[k];
    }
    for (int k = 0; k < ROWS; k++)
        if (!is_hidden[k])
            write_row(out, row[k].name, row[k].format, value[k], n);
}

static void write_heading(FILE *out, const char *open, const struct partition_result *r, const char *close)
{
    char label[64];
    partition_label(r, label, sizeof label);
    fprintf(out, "%s%s%s%s", open, label, r->is_best ? "<span class=\"tag\">fewest ghosts</span>" : "", close);
}

static void write_table(FILE *out, const struct partition_request *request, const struct partition_scene *scene,
                        const struct partition_result *results, int n)
{
    fputs("<h2>Numbers</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th></th>", out);
    for (int i = 0; i < n; i++)
        write_heading(out, "<th scope=\"col\">", &results[i], "</th>");
    fputs("</tr></thead>\n<tbody>\n", out);
    write_rows(out, request, scene, results, n);
    fputs("</tbody></table></div>\n", out);
}

static void figure_open(FILE *out, const char *caption, double width, double height, const char *what)
{
    fprintf(out, "<figure><figcaption>%s</figcaption><svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">\n",
            caption, width, height, what);
}

static void figure_close(FILE *out)
{
    fputs("</svg></figure>\n", out);
}

/* As high as it must be for n x m cells across 300 pixels; long boxes are not made wider than that. */
static double panel_height(int32_t n, int32_t m)
{
    return fmin(300, fmax(30, 300.0 * m / n));
}

static void write_slices(FILE *out, const struct partition_scene *scene, const struct partition_result *r)
{
    const int32_t *n = scene->n;
    double height = panel_height(n[0], n[1]);
    fputs("<div class=\"slices\">", out);
    for (int i = 0; i < svg_slices(scene); i++) {
        char caption[64];
        int32_t z = svg_slice_layer(scene, i);
        snprintf(caption, sizeof caption, "slice z = %d of %d", z, n[2]);
        figure_open(out, caption, 300, height, "territories in a slice");
        svg_slice(out, (struct svg_place){0, 0, 300, height}, scene, r, 2, z, 1.0);
        figure_close(out);
    }
    fputs("</div>\n", out);
}

static void write_order(FILE *out, const struct partition_scene *scene, const struct partition_result *r)
{
    char caption[96];
    int32_t width, height;
    svg_order_size(scene, r, &width, &height);
    double high = panel_height(width, height);
    svg_order_caption(scene, r, caption);
    figure_open(out, caption, 300, high, "order of cells");
    svg_order(out, (struct svg_place){0, 0, 300, high}, scene, r);
    figure_close(out);
}

static void write_article(FILE *out, const struct partition_scene *scene, const struct partition_result *r,
                          const struct svg_scales *scales)
{
    char caption[96];
    write_heading(out, "<article><h3>", r, "</h3>\n");
    write_slices(out, scene, r);
    fputs("<div class=\"pair\">", out);
    write_order(out, scene, r);
    figure_open(out, "traffic, ghost cells: column to row", 300, 300, "traffic between ranks");
    svg_traffic(out, (struct svg_place){0, 0, 300, 300}, r, scales->traffic);
    figure_close(out);
    fputs("</div>\n", out);
    snprintf(caption, sizeof caption, "ghost %s by rank, 0 to %d%s", scene->atoms ? "atoms" : "cells", r->ranks - 1,
             r->ranks > SVG_RANKS ? ", the largest of neighbouring ranks" : "");
    figure_open(out, caption, 500, 130, "ghosts by rank");
    svg_bars(out, (struct svg_place){36, 8, 464, 116}, r, scene->atoms, svg_even_ideal(scene, r), scales->ghosts);
    figure_close(out);
    fputs("</article>\n", out);
}

static void write_legend(FILE *out, const struct partition_scene *scene, int ranks, const struct svg_scales *scales)
{
    int patches = ranks < 48 ? ranks : 48;
    fprintf(out, "<div class=\"legend\"><div>rank 0<svg width=\"192\" viewBox=\"0 0 192 14\" aria-hidden=\"true\">");
    for (int i = 0; i < patches; i++) {
        char colour[8];
        int rank = patches > 1 ? (int)((int64_t)i * (ranks - 1) / (patches - 1)) : 0;
        fprintf(out, "<rect x=\"%.2f\" width=\"%.2f\" height=\"14\" fill=\"%s\"/>", 192.0 * i / patches,
                192.0 / patches + 0.1, svg_rank_colour(rank, ranks, colour));
    }
    fprintf(out, "</svg>%d</div>\n<div>traffic: few<svg width=\"120\" viewBox=\"0 0 120 14\" aria-hidden=\"true\">",
            ranks - 1);
    for (int level = 0; level < SVG_LEVELS; level++)
        fprintf(out, "<rect class=\"level%d\" x=\"%d\" width=\"20\" height=\"14\" fill=\"%s\"/>", level, 20 * level,
                svg_level_colour(level));
    fprintf(
        out,
        "</svg>%.0f, each shade doubles</div>\n"
        "<div><svg width=\"30\" viewBox=\"0 0 30 14\" aria-hidden=\"true\"><path class=\"mean\" stroke-width=\"2\" "
        "d=\"M0 7h30\"/></svg>mean ghosts</div>\n"
        "<div><svg width=\"30\" viewBox=\"0 0 30 14\" aria-hidden=\"true\"><path class=\"ideal\" stroke-width=\"2\" "
        "stroke-dasharray=\"7 4\" d=\"M0 7h30\"/></svg>%s</div></div>\n",
        scales->traffic,
        scene->atoms ? "ideal, had the atoms been spread evenly" : "ideal: best cube, tube or slab of equal volume");
}

static void write_drawings(FILE *out, const struct partition_scene *scene, const struct partition_result *results,
                           int n)
{
    struct svg_scales scales = svg_scales(scene, results, n);
    fputs("<h2>Drawings</h2>\n<div class=\"columns\">\n", out);
    for (int i = 0; i < n; i++)
        write_article(out, scene, &results[i], &scales);
    fputs("</div>\n", out);
    write_legend(out, scene, results->ranks, &scales);
}

static void write_notes(FILE *out, const struct partition_scene *scene)
{
    fprintf(out,
            "</main>\n<footer>\n<p>Ghosts: distinct cells of other ranks among the %d periodic neighbours of a rank's "
            "cells. Bytes per step: 24 for each ghost atom. Colours run with the rank, three shades in turn. The curve "
            "is bold where consecutive cells are in the layer, thin where it leaves the layer in between.",
            scene->reach > 1 ? 124 : 26);
    if (scene->atoms)
        fputs(" The ideal is that of a mean rank's volume; where atoms are few, territories differ from it.", out);
    fprintf(out,
            "</p>\n<p>Made by skein %s; the page loads nothing. 3-D view: regl 2.1.1, MIT licence (in the source of "
            "this page).</p>\n"
            "</footer>\n",
            SK_VERSION);
}

void partition_write_html(FILE *out, const struct partition_request *request, const struct partition_scene *scene,
                          const struct partition_result *results, int nresults)
{
    write_head(out, request, scene, results->ranks);
    fputs(sk_file_partition_view_html, out);
    write_table(out, request, scene, results, nresults);
    write_drawings(out, scene, results, nresults < 2 ? nresults : 2);
    write_notes(out, scene);
    fputs("<script type=\"application/json\" id=\"data\">", out);
    partition_pack(out, scene, results, nresults);
    fprintf(out, "</script>\n<script>/*\n%s*/\n", sk_file_regl_LICENSE);
    fputs(sk_file_regl_min_js, out);
    fputs("</script>\n<script>\n", out);
    fputs(sk_file_partition_mesh_js, out);
    fputs("</script>\n<script>\n", out);
    fputs(sk_file_partition_view_js, out);
    fputs("</script>\n</body>\n</html>\n", out);
}
