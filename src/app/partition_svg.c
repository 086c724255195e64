#include "app/partition_svg.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

#define DRAWN_CELLS 160 /* most cells along an edge of a slice; a larger one is sampled */
#define CURVE_CELLS 48  /* most cells along an edge of the curve's panel; a larger one is cropped */

void svg_escape(FILE *out, const char *text)
{
    for (; *text; text++)
        if (*text == '&')
            fputs("&amp;", out);
        else if (*text == '<')
            fputs("&lt;", out);
        else
            fputc((unsigned char)*text < ' ' ? '?' : *text, out);
}

void svg_text(FILE *out, double x, double y, int size, const char *style, const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" %s>", x, y, size, style);
    svg_escape(out, text);
    fputs("</text>\n", out);
}

/* Linear light to the 8 bits of sRGB. */
static unsigned char encode(double light)
{
    double value = light <= 0.0031308 ? 12.92 * light : 1.055 * pow(light, 1 / 2.4) - 0.055;
    return (unsigned char)(255 * fmin(fmax(value, 0), 1) + 0.5);
}

/* OKLCH (Ottosson 2020): equal steps of the hue look equal, which those of HSL do not. */
void svg_rank_rgb(int rank, int ranks, unsigned char rgb[3])
{
    static const double lightness[3] = {0.70, 0.84, 0.57}, chroma[3] = {0.135, 0.10, 0.125};
    double hue = 0.45 + 5.5 * rank / (ranks > 1 ? ranks - 1 : 1), light = lightness[rank % 3];
    double a = chroma[rank % 3] * cos(hue), b = chroma[rank % 3] * sin(hue);
    double l = light + 0.3963377774 * a + 0.2158037573 * b, m = light - 0.1055613458 * a - 0.0638541728 * b;
    double s = light - 0.0894841775 * a - 1.2914855480 * b;
    l *= l * l;
    m *= m * m;
    s *= s * s;
    rgb[0] = encode(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
    rgb[1] = encode(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
    rgb[2] = encode(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s);
}

const char *svg_rank_colour(int rank, int ranks, char text[8])
{
    unsigned char rgb[3];
    svg_rank_rgb(rank, ranks, rgb);
    snprintf(text, 8, "#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
    return text;
}

const char *svg_level_colour(int level)
{
    static const char *const colour[SVG_LEVELS] = {"#dbe9f6", "#abcfe6", "#6aaed6", "#3787c0", "#105ba4", "#08306b"};
    return colour[level];
}

/* A layer as a picture of width x height cells, row by row. */
struct layer {
    int32_t width, height;
    double scale; /* pixels of a cell */
    struct svg_place at;
    int32_t *owner;
};

static void layer_fit(struct layer *layer, struct svg_place at)
{
    layer->scale = fmin(at.width / layer->width, at.height / layer->height);
    at.x += 0.5 * (at.width - layer->scale * layer->width);
    layer->at = at;
}

static int axis_right(int normal)
{
    return normal == 0 ? 1 : 0;
}

static int axis_up(int normal)
{
    return normal == 2 ? 1 : 2;
}

static void layer_make(struct layer *layer, struct svg_place at, const struct partition_scene *scene,
                       const struct partition_result *result, int axis, int32_t place)
{
    int right = axis_right(axis), up = axis_up(axis);
    int32_t n = scene->n[right], m = scene->n[up],
            step = (n > m ? n : m) / DRAWN_CELLS + ((n > m ? n : m) % DRAWN_CELLS > 0);
    layer->width = (n + step - 1) / step;
    layer->height = (m + step - 1) / step;
    layer->owner = sk_alloc((size_t)layer->width * (size_t)layer->height, sizeof *layer->owner);
    for (int32_t v = 0; v < layer->height; v++)
        for (int32_t u = 0; u < layer->width; u++) {
            int32_t cell[3];
            cell[right] = u * step;
            cell[up] = v * step;
            cell[axis] = place;
            layer->owner[v * layer->width + u] = sk_plan_owner(&result->plan, cell[0], cell[1], cell[2]);
        }
    layer_fit(layer, at);
}

/* y grows upwards in the box and downwards in the file. */
static void layer_open(FILE *out, const struct layer *layer, const char *style)
{
    fprintf(out, "<g transform=\"translate(%.2f %.2f) scale(%.4f %.4f)\" %s>\n", layer->at.x,
            layer->at.y + layer->scale * layer->height, layer->scale, -layer->scale, style);
}

struct run {
    int32_t owner, u, v, length;
};

static int by_owner(const void *a, const void *b)
{
    const struct run *p = a, *q = b;
    if (p->owner != q->owner)
        return p->owner < q->owner ? -1 : 1;
    if (p->v != q->v)
        return p->v < q->v ? -1 : 1;
    return (p->u > q->u) - (p->u < q->u);
}

static void layer_fill(FILE *out, const struct layer *layer, int ranks)
{
    struct run *runs = sk_alloc((size_t)layer->width * (size_t)layer->height, sizeof *runs);
    size_t n = 0;
    for (int32_t v = 0; v < layer->height; v++)
        for (int32_t u = 0; u < layer->width; u++) {
            int32_t owner = layer->owner[v * layer->width + u];
            if (u > 0 && runs[n - 1].owner == owner)
                runs[n - 1].length++;
            else
                runs[n++] = (struct run){owner, u, v, 1};
        }
    qsort(runs, n, sizeof *runs, by_owner);
    for (size_t i = 0; i < n; i++) {
        char colour[8];
        if (i == 0 || runs[i].owner != runs[i - 1].owner)
            fprintf(out, "%s<path fill=\"%s\" d=\"", i ? "\"/>\n" : "", svg_rank_colour(runs[i].owner, ranks, colour));
        fprintf(out, "M%d %dh%dv1h-%dz", runs[i].u, runs[i].v, runs[i].length, runs[i].length);
    }
    fputs("\"/>\n", out);
    sk_free(&runs);
}

static void layer_borders(FILE *out, const struct layer *layer)
{
    fprintf(out,
            "<path class=\"border\" fill=\"none\" stroke=\"#111\" stroke-width=\"%.4f\" shape-rendering=\"auto\" d=\"",
            1.1 / layer->scale);
    for (int32_t v = 0; v < layer->height; v++)
        for (int32_t u = 0; u < layer->width; u++) {
            const int32_t *own = &layer->owner[v * layer->width + u];
            if (u + 1 < layer->width && own[0] != own[1])
                fprintf(out, "M%d %dv1", u + 1, v);
            if (v + 1 < layer->height && own[0] != own[layer->width])
                fprintf(out, "M%d %dh1", u, v + 1);
        }
    fprintf(out, "M0 0h%dv%dh-%dz\"/>\n", layer->width, layer->height, layer->width);
}

void svg_slice(FILE *out, struct svg_place at, const struct partition_scene *scene,
               const struct partition_result *result, int axis, int32_t place, double opacity)
{
    struct layer layer;
    char style[64];
    layer_make(&layer, at, scene, result, axis, place);
    snprintf(style, sizeof style, "fill-opacity=\"%.2f\" shape-rendering=\"crispEdges\"", opacity);
    layer_open(out, &layer, style);
    layer_fill(out, &layer, result->ranks);
    layer_borders(out, &layer);
    fputs("</g>\n", out);
    sk_free(&layer.owner);
}

int svg_slices(const struct partition_scene *scene)
{
    return scene->n[2] < 3 ? (int)scene->n[2] : 3;
}

int32_t svg_slice_layer(const struct partition_scene *scene, int i)
{
    return (int32_t)((2 * i + 1) * (int64_t)scene->n[2] / (2 * svg_slices(scene)));
}

struct step {
    sk_key key;
    int32_t u, v;
};

static int by_key(const void *a, const void *b)
{
    const struct step *p = a, *q = b;
    return (p->key > q->key) - (p->key < q->key);
}

/* The cells of a layer (its first CURVE_CELLS each way) in the order of the curve; the caller frees them. */
static struct step *layer_steps(struct layer *layer, const struct partition_scene *scene, const struct sk_plan *plan,
                                int axis)
{
    enum sk_curve_kind kind = plan->scheme == SK_SCHEME_MORTON ? SK_CURVE_KIND_MORTON : SK_CURVE_KIND_HILBERT;
    int right = axis_right(axis), up = axis_up(axis);
    layer->width = scene->n[right] < CURVE_CELLS ? scene->n[right] : CURVE_CELLS;
    layer->height = scene->n[up] < CURVE_CELLS ? scene->n[up] : CURVE_CELLS;
    size_t n = (size_t)layer->width * (size_t)layer->height;
    struct step *steps = sk_alloc(n, sizeof *steps);
    layer->owner = sk_alloc(n, sizeof *layer->owner);
    for (int32_t v = 0; v < layer->height; v++)
        for (int32_t u = 0; u < layer->width; u++) {
            int32_t c[3];
            c[right] = u;
            c[up] = v;
            c[axis] = scene->n[axis] / 2;
            steps[v * layer->width + u] = (struct step){
                sk_curve_key_turned(kind, plan->turn, scene->n, c[0], c[1], c[2]), u, v};
            layer->owner[v * layer->width + u] = sk_plan_owner(plan, c[0], c[1], c[2]);
        }
    qsort(steps, n, sizeof *steps, by_key);
    return steps;
}

static bool is_direct(const struct step *to)
{
    return to[0].key - to[-1].key == 1;
}

static int svg_curve_axis(const struct partition_scene *scene, const struct sk_plan *plan)
{
    double best = -1;
    int axis = 2;
    for (int k = 2; k >= 0; k--) {
        struct layer layer;
        struct step *steps = layer_steps(&layer, scene, plan, k);
        int n = layer.width * layer.height, direct = 0;
        for (int i = 1; i < n; i++)
            direct += is_direct(&steps[i]);
        if ((double)direct / n > 1.1 * best) {
            best = (double)direct / n;
            axis = k;
        }
        sk_free(&layer.owner);
        sk_free(&steps);
    }
    return axis;
}

/* One path of the steps that are direct, or of those that are not. */
static void draw_steps(FILE *out, const struct step *steps, int n, bool wants_direct, const char *style)
{
    fprintf(out, "<path fill=\"none\" %s d=\"", style);
    for (int i = 1; i < n; i++)
        if (is_direct(&steps[i]) == wants_direct)
            fprintf(out, "M%d.5 %d.5L%d.5 %d.5", steps[i - 1].u, steps[i - 1].v, steps[i].u, steps[i].v);
    fputs("\"/>\n", out);
}

static void svg_curve(FILE *out, struct svg_place at, const struct partition_scene *scene,
                      const struct partition_result *result, int axis)
{
    struct layer layer;
    struct step *steps = layer_steps(&layer, scene, &result->plan, axis);
    int n = layer.width * layer.height;
    char style[96];
    layer_fit(&layer, at);
    layer_open(out, &layer, "fill-opacity=\"0.45\" stroke-linecap=\"round\"");
    layer_fill(out, &layer, result->ranks);
    layer_borders(out, &layer);
    snprintf(style, sizeof style, "class=\"jump\" stroke=\"#444\" stroke-opacity=\"0.6\" stroke-width=\"%.4f\"",
             0.6 / layer.scale);
    draw_steps(out, steps, n, false, style);
    snprintf(style, sizeof style, "class=\"curve\" stroke=\"#000\" stroke-width=\"%.4f\"",
             fmin(0.22, 2.2 / layer.scale));
    draw_steps(out, steps, n, true, style);
    fputs("</g>\n", out);
    sk_free(&layer.owner);
    sk_free(&steps);
}

static bool has_curve(const struct partition_result *result)
{
    return result->plan.scheme == SK_SCHEME_HILBERT || result->plan.scheme == SK_SCHEME_MORTON;
}

static int32_t cropped(int32_t cells)
{
    return cells < CURVE_CELLS ? cells : CURVE_CELLS;
}

void svg_order_size(const struct partition_scene *scene, const struct partition_result *result, int32_t *width,
                    int32_t *height)
{
    int axis = has_curve(result) ? svg_curve_axis(scene, &result->plan) : 1;
    int32_t right = scene->n[axis_right(axis)], up = scene->n[axis_up(axis)];
    *width = has_curve(result) ? cropped(right) : right;
    *height = has_curve(result) ? cropped(up) : up;
}

void svg_order(FILE *out, struct svg_place at, const struct partition_scene *scene,
               const struct partition_result *result)
{
    if (has_curve(result))
        svg_curve(out, at, scene, result, svg_curve_axis(scene, &result->plan));
    else
        svg_slice(out, at, scene, result, 1, scene->n[1] / 2, 1.0);
}

void svg_order_caption(const struct partition_scene *scene, const struct partition_result *result, char caption[96])
{
    const int32_t *n = scene->n;
    int axis = has_curve(result) ? svg_curve_axis(scene, &result->plan) : 1;
    if (!has_curve(result))
        snprintf(caption, 96, "no curve; slice y = %d of %d, z up", n[1] / 2, n[1]);
    else
        snprintf(caption, 96, "curve at %c = %d of %d%s", "xyz"[axis], n[axis] / 2, n[axis],
                 n[axis_right(axis)] > CURVE_CELLS || n[axis_up(axis)] > CURVE_CELLS ? " (a corner)" : "");
}

/* Ranks that share a bar or a row. */
static int ranks_together(int ranks)
{
    return (ranks + SVG_RANKS - 1) / SVG_RANKS;
}

static void draw_level(FILE *out, struct svg_place at, double value, double most, const char *style, const char *text)
{
    double y = at.y + at.height * (1 - value / most);
    fprintf(out, "<path fill=\"none\" %s d=\"M%.1f %.1fh%.1f\"/>\n", style, at.x, y, at.width);
    if (*text)
        svg_text(out, at.x - 4, y + 4, 11, "text-anchor=\"end\" fill=\"#333\"", text);
}

void svg_bars(FILE *out, struct svg_place at, const struct partition_result *result, bool has_atoms, double ideal,
              double most)
{
    int together = ranks_together(result->ranks), bars = (result->ranks + together - 1) / together;
    double width = at.width / bars, gap = width > 3 ? 0.15 * width : 0;
    char text[32];
    fprintf(out, "<path class=\"bars\" fill=\"#8fb3d9\" d=\"");
    for (int b = 0; b < bars; b++) {
        int64_t high = 0;
        for (int r = b * together; r < (b + 1) * together && r < result->ranks; r++) {
            const struct sk_rank_count *rank = &result->count.rank[r];
            int64_t ghosts = has_atoms ? rank->ghost_atoms : rank->ghosts;
            high = ghosts > high ? ghosts : high;
        }
        double height = at.height * (double)high / most;
        fprintf(out, "M%.2f %.2fh%.2fv-%.2fh-%.2fz", at.x + b * width + 0.5 * gap, at.y + at.height, width - gap,
                height, width - gap);
    }
    fputs("\"/>\n", out);
    double mean = has_atoms ? result->sum.ghost_atoms_mean : result->sum.ghosts_mean;
    draw_level(out, at, 0, most, "class=\"axis\" stroke=\"#333\"", "0");
    snprintf(text, sizeof text, "%.0f", most);
    draw_level(out, at, most, most, "class=\"grid\" stroke=\"#ccc\"", text);
    draw_level(out, at, mean, most, "class=\"mean\" stroke=\"#08306b\" stroke-width=\"1.5\"", "");
    draw_level(out, at, ideal, most, "class=\"ideal\" stroke=\"#c0392b\" stroke-width=\"1.8\" stroke-dasharray=\"7 4\"",
               "");
}

/* The map by groups of ranks; the caller frees it. */
static double *traffic_map(const struct partition_result *result, int *size)
{
    int together = ranks_together(result->ranks);
    *size = (result->ranks + together - 1) / together;
    double *map = sk_calloc((size_t)*size * (size_t)*size, sizeof *map);
    for (int to = 0; to < result->ranks; to++)
        for (int64_t i = result->count.first[to]; i < result->count.first[to + 1]; i++) {
            const struct sk_traffic *t = &result->count.traffic[i];
            map[(int64_t)(to / together) * *size + t->from / together] += (double)t->cells;
        }
    return map;
}

static double traffic_most(const struct partition_result *result)
{
    int size;
    double most = 0, *map = traffic_map(result, &size);
    for (int64_t i = 0; i < (int64_t)size * size; i++)
        most = fmax(most, map[i]);
    sk_free(&map);
    return most;
}

double svg_even_ideal(const struct partition_scene *scene, const struct partition_result *result)
{
    return result->ideal * (scene->atoms ? (double)scene->natoms / (double)scene->cells : 1.0);
}

struct svg_scales svg_scales(const struct partition_scene *scene, const struct partition_result *results, int n)
{
    struct svg_scales scales = {1, 1};
    for (int i = 0; i < n; i++) {
        int64_t high = scene->atoms ? results[i].sum.ghost_atoms_max : results[i].sum.ghosts_max;
        scales.ghosts = fmax(scales.ghosts, 1.05 * fmax((double)high, svg_even_ideal(scene, &results[i])));
        scales.traffic = fmax(scales.traffic, traffic_most(&results[i]));
    }
    return scales;
}

void svg_traffic(FILE *out, struct svg_place at, const struct partition_result *result, double most)
{
    int size;
    double *map = traffic_map(result, &size), scale = fmin(at.width, at.height) / size;
    fprintf(out, "<g transform=\"translate(%.2f %.2f) scale(%.5f)\" shape-rendering=\"crispEdges\">\n", at.x, at.y,
            scale);
    for (int level = 0; level < SVG_LEVELS; level++) {
        double above = level ? ldexp(most, level - SVG_LEVELS) : 0, upto = ldexp(most, level + 1 - SVG_LEVELS);
        fprintf(out, "<path class=\"level%d\" fill=\"%s\" d=\"", level, svg_level_colour(level));
        for (int v = 0; v < size; v++)
            for (int u = 0; u < size; u++) {
                double value = map[(int64_t)v * size + u];
                if (value > above && value <= upto)
                    fprintf(out, "M%d %dh1v1h-1z", u, v);
            }
        fputs("\"/>\n", out);
    }
    fprintf(out,
            "<path class=\"frame\" fill=\"none\" stroke=\"#222\" stroke-width=\"%.4f\" d=\"M0 0h%dv%dh-%dz\"/>\n</g>\n",
            1.2 / scale, size, size, size);
    sk_free(&map);
}
