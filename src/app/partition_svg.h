/* Partition_svg: the panels of a picture of a partition, each drawn into a rectangle of an SVG file.
 * Owns nothing; what cannot be written shows in ferror of the stream. Classes are for the style sheet of the HTML page.
 * Not here: the pages (partition_picture.c, partition_html.c). */
#ifndef SK_APP_PARTITION_SVG_H
#define SK_APP_PARTITION_SVG_H

#include <stdio.h>

#include "app/partition.h"

struct svg_place {
    double x, y, width, height;
};

/* Writes text with what XML and HTML need escaped. */
void svg_escape(FILE *out, const char *text);
void svg_text(FILE *out, double x, double y, int size, const char *style, const char *text);
/* The colour of a rank: the hue runs with the rank, neighbours in number differ in lightness. */
void svg_rank_rgb(int rank, int ranks, unsigned char rgb[3]);
/* The same as "#rrggbb". */
const char *svg_rank_colour(int rank, int ranks, char text[8]);
/* The colour of level 0 .. SVG_LEVELS - 1 of the traffic map. */
#define SVG_LEVELS 6
/* Most bars, and most rows of the traffic map. */
#define SVG_RANKS  512
const char *svg_level_colour(int level);

/* The layer of cells at `layer` of axis (0: x, 1: y, 2: z), coloured by rank; borders between ranks are drawn. Opacity
 * 0..1 of the colours. */
void svg_slice(FILE *out, struct svg_place at, const struct partition_scene *scene,
               const struct partition_result *result, int axis, int32_t layer, double opacity);
/* Up to three layers across z are shown, spread evenly: how many, and where. */
int svg_slices(const struct partition_scene *scene);
int32_t svg_slice_layer(const struct partition_scene *scene, int i);
/* The path of the curve through the middle layer of the axis whose layers show most of it: bold where consecutive cells
 * are in the layer. Schemes without a curve get a slice across y. */
void svg_order(FILE *out, struct svg_place at, const struct partition_scene *scene,
               const struct partition_result *result);
void svg_order_caption(const struct partition_scene *scene, const struct partition_result *result, char caption[96]);
/* Cells across and up that it shows. */
void svg_order_size(const struct partition_scene *scene, const struct partition_result *result, int32_t *width,
                    int32_t *height);

/* Ends of the scales that results side by side have in common. */
struct svg_scales {
    double ghosts, traffic;
};
struct svg_scales svg_scales(const struct partition_scene *scene, const struct partition_result *results, int n);
/* The ideal ghosts; of a configuration in atoms, had they been spread evenly. */
double svg_even_ideal(const struct partition_scene *scene, const struct partition_result *result);
/* Ghost cells (or atoms) of each rank from 0 to `most`; lines: the mean and the ideal. Several ranks share a bar if
 * they are many: it shows the largest. */
void svg_bars(FILE *out, struct svg_place at, const struct partition_result *result, bool has_atoms, double ideal,
              double most);
/* Who (column) sends how many ghost cells to whom (row), in SVG_LEVELS powers of two below `most`. */
void svg_traffic(FILE *out, struct svg_place at, const struct partition_result *result, double most);

#endif
