/* Partition_svg: the panels of a picture of a partition, each drawn into a rectangle of an SVG file.
 * Owns nothing; what cannot be written shows in ferror of the stream. Not here: the page (partition_picture.c). */
#ifndef SK_APP_PARTITION_SVG_H
#define SK_APP_PARTITION_SVG_H

#include <stdio.h>

#include "app/partition.h"

struct svg_place {
    double x, y, width, height;
};

/* Escapes what XML needs. */
void svg_text(FILE *out, double x, double y, int size, const char *style, const char *text);
/* "#rrggbb" of a rank: the hue runs with the rank, neighbours in number differ in lightness. */
const char *svg_rank_colour(int rank, int ranks, char text[8]);
/* The colour of level 0 .. SVG_LEVELS - 1 of the traffic map. */
#define SVG_LEVELS 6
const char *svg_level_colour(int level);

/* The layer of cells at `layer` of axis (0: x, 1: y, 2: z), coloured by rank; borders between ranks are drawn. Opacity
 * 0..1 of the colours. */
void svg_slice(FILE *out, struct svg_place at, const struct partition_scene *scene,
               const struct partition_result *result, int axis, int32_t layer, double opacity);
/* The path of the curve through the middle layer of the axis: bold where consecutive cells are in it. */
void svg_curve(FILE *out, struct svg_place at, const struct partition_scene *scene,
               const struct partition_result *result, int axis);
/* The axis whose layers show most of the curve. */
int svg_curve_axis(const struct partition_scene *scene, const struct sk_plan *plan);
/* Ghost cells (or atoms) of each rank from 0 to `most`; lines: the mean and the ideal. Several ranks share a bar if
 * they are many: it shows the largest. */
void svg_bars(FILE *out, struct svg_place at, const struct partition_result *result, bool has_atoms, double ideal,
              double most);
/* Who (column) sends how many ghost cells to whom (row), in SVG_LEVELS powers of two below `most`. */
void svg_traffic(FILE *out, struct svg_place at, const struct partition_result *result, double most);
/* The largest value of that map, for a common scale. */
double svg_traffic_most(const struct partition_result *result);

#endif
