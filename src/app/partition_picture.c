#include <errno.h>
#include <math.h>
#include <string.h>

#include "app/partition_svg.h"

#define COLUMN 680.0
#define MARGIN 24.0
#define HEIGHT 1020.0

static const char plain[] = "fill=\"#333\"", bold[] = "font-weight=\"bold\" fill=\"#111\"";

/* What both columns share. */
struct page {
    FILE *out;
    const struct partition_scene *scene;
    struct svg_scales scales;
};

static void draw_heading(const struct page *page, double x, const struct partition_result *r)
{
    char text[256], over[32] = "";
    const char *name = partition_scheme_name(r->asked), *chosen = partition_scheme_name((int)r->plan.scheme);
    const struct sk_count_summary *s = &r->sum;
    snprintf(text, sizeof text, "%s%s%s%s", name, r->asked == PARTITION_AUTO ? " = " : "",
             r->asked == PARTITION_AUTO ? chosen : "", r->is_best ? "  (fewest ghosts)" : "");
    svg_text(page->out, x, 98, 20, bold, text);
    if (r->ideal > 0)
        snprintf(over, sizeof over, " (%.3f of the ideal)", partition_over_ideal(r));
    snprintf(text, sizeof text, "imbalance %.4f; ghost cells mean %.1f%s, largest %lld", s->imbalance, s->ghosts_mean,
             over, (long long)s->ghosts_max);
    svg_text(page->out, x, 117, 13, plain, text);
    if (page->scene->atoms) {
        snprintf(text, sizeof text, "ghost atoms mean %.0f, largest %lld", s->ghost_atoms_mean,
                 (long long)s->ghost_atoms_max);
        svg_text(page->out, x, 149, 13, plain, text);
    }
    snprintf(text, sizeof text, "neighbours mean %.1f, most %d; %lld messages; pieces per rank %.2f",
             s->neighbours_mean, s->neighbours_max, (long long)s->messages, s->components_mean);
    svg_text(page->out, x, 133, 13, plain, text);
}

static void draw_slices(const struct page *page, double x, const struct partition_result *r)
{
    int32_t nz = page->scene->n[2];
    int slices = svg_slices(page->scene);
    for (int i = 0; i < slices; i++) {
        int32_t z = svg_slice_layer(page->scene, i);
        struct svg_place at = {x + i * (COLUMN - 2 * MARGIN) / 3.0, 175, 198, 198};
        char text[64];
        snprintf(text, sizeof text, "slice z = %d of %d", z, nz);
        svg_text(page->out, at.x, 168, 12, plain, text);
        svg_slice(page->out, at, page->scene, r, 2, z, 1.0);
    }
}

static void draw_order(const struct page *page, double x, const struct partition_result *r)
{
    char text[96];
    svg_order_caption(page->scene, r, text);
    svg_order(page->out, (struct svg_place){x, 412, 306, 306}, page->scene, r);
    svg_text(page->out, x, 404, 12, plain, text);
}

static void draw_column(const struct page *page, double x, const struct partition_result *r)
{
    draw_heading(page, x, r);
    draw_slices(page, x, r);
    draw_order(page, x, r);
    svg_text(page->out, x + 326, 404, 12, plain, "traffic: column sends to row, ghost cells");
    svg_traffic(page->out, (struct svg_place){x + 326, 412, 306, 306}, r, page->scales.traffic);
    char last[96];
    snprintf(last, sizeof last, "ghost %s by rank%s", page->scene->atoms ? "atoms" : "cells",
             r->ranks > SVG_RANKS ? ", the largest of neighbouring ranks" : "");
    svg_text(page->out, x, 752, 12, plain, last);
    svg_bars(page->out, (struct svg_place){x + 44, 764, COLUMN - 2 * MARGIN - 44, 150}, r, page->scene->atoms,
             svg_even_ideal(page->scene, r), page->scales.ghosts);
    snprintf(last, sizeof last, "rank %d", r->ranks - 1);
    svg_text(page->out, x + 44, 929, 11, plain, "rank 0");
    svg_text(page->out, x + COLUMN - 2 * MARGIN, 929, 11, "text-anchor=\"end\" fill=\"#333\"", last);
}

static void draw_legend(const struct page *page, int ranks)
{
    FILE *out = page->out;
    double y = 968;
    char text[64], colour[8];
    int patches = ranks < 64 ? ranks : 64;
    svg_text(out, MARGIN, y + 12, 12, plain, "colours: rank 0");
    for (int i = 0; i < patches; i++) {
        int rank = patches > 1 ? (int)((int64_t)i * (ranks - 1) / (patches - 1)) : 0;
        fprintf(out, "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"16\" fill=\"%s\"/>\n",
                MARGIN + 100 + 200.0 * i / patches, y, 200.0 / patches, svg_rank_colour(rank, ranks, colour));
    }
    snprintf(text, sizeof text, "%d", ranks - 1);
    svg_text(out, MARGIN + 306, y + 12, 12, plain, text);
    svg_text(out, MARGIN + 370, y + 12, 12, plain, "traffic: few");
    for (int level = 0; level < SVG_LEVELS; level++)
        fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"22\" height=\"16\" fill=\"%s\"/>\n",
                MARGIN + 445 + 22 * level, y, svg_level_colour(level));
    snprintf(text, sizeof text, "%.0f (each shade doubles)", page->scales.traffic);
    svg_text(out, MARGIN + 583, y + 12, 12, plain, text);
    fprintf(out, "<path stroke=\"#08306b\" stroke-width=\"1.5\" d=\"M%.1f %.1fh30\"/>\n", MARGIN + 780, y + 8);
    svg_text(out, MARGIN + 816, y + 12, 12, plain, "mean ghosts");
    fprintf(out, "<path stroke=\"#c0392b\" stroke-width=\"1.8\" stroke-dasharray=\"7 4\" d=\"M%.1f %.1fh30\"/>\n",
            MARGIN + 910, y + 8);
    svg_text(out, MARGIN + 946, y + 12, 12, plain,
             page->scene->atoms ? "ideal, had the atoms been spread evenly"
                                : "ideal: best cube, tube or slab of equal volume");
    svg_text(out, MARGIN, y + 38, 12, plain,
             "Curve: bold where consecutive cells are in the layer, thin where the curve leaves it in between.");
}

static void draw_title(const struct page *page, const struct partition_request *request, int ranks)
{
    char text[400];
    const struct partition_scene *s = page->scene;
    snprintf(text, sizeof text, "%s on %d ranks", s->name, ranks);
    svg_text(page->out, MARGIN, 38, 24, bold, text);
    if (s->atoms)
        snprintf(text, sizeof text, "%lld atoms in %d x %d x %d cells with %sthe list radius as edge, weighed by work",
                 (long long)s->natoms, s->n[0], s->n[1], s->n[2], s->reach > 1 ? "half of " : "");
    else
        snprintf(text, sizeof text, "cells of equal weight");
    if (request->slack > 0)
        snprintf(text + strlen(text), sizeof text - strlen(text), "; slack %g %%", 100 * request->slack);
    svg_text(page->out, MARGIN, 62, 14, plain, text);
}

static void draw_page(const struct page *page, const struct partition_request *request,
                      const struct partition_result *results, int columns)
{
    double width = MARGIN + COLUMN * (columns < 2 ? 2 : columns);
    fprintf(page->out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
            "font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\">\n<rect width=\"100%%\" height=\"100%%\" "
            "fill=\"#fff\"/>\n",
            width, HEIGHT, width, HEIGHT);
    draw_title(page, request, results->ranks);
    for (int i = 0; i < columns; i++)
        draw_column(page, MARGIN + i * COLUMN, &results[i]);
    draw_legend(page, results->ranks);
    fputs("</svg>\n", page->out);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

bool partition_picture_is_html(const char *path)
{
    return ends_with(path, ".html");
}

bool partition_picture_is_known(const char *path)
{
    return ends_with(path, ".html") || ends_with(path, ".svg");
}

enum sk_code partition_draw(const char *path, const struct partition_request *request,
                            const struct partition_scene *scene, const struct partition_result *results, int nresults,
                            struct sk_error *err)
{
    int columns = nresults < 2 ? nresults : 2;
    struct page page = {NULL, scene, svg_scales(scene, results, columns)};
    page.out = fopen(path, "w");
    bool has_failed = !page.out;
    int why = errno;
    if (page.out) {
        if (partition_picture_is_html(path))
            partition_write_html(page.out, request, scene, results, nresults);
        else
            draw_page(&page, request, results, columns);
        has_failed = ferror(page.out) != 0;
        why = errno;
        if (fclose(page.out) != 0 && !has_failed) {
            has_failed = true;
            why = errno;
        }
    }
    return has_failed ? sk_fail(err, SK_EENV, "cannot write %s: %s", path, strerror(why)) : SK_OK;
}
