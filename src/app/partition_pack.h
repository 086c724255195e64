/* Partition_pack: the data of the 3-D view in a page: who owns the drawn cells under each scheme, and counts by rank.
 * Owns nothing. Not here: what is done with them (web/partition_view.js). */
#ifndef SK_APP_PARTITION_PACK_H
#define SK_APP_PARTITION_PACK_H

#include <stdio.h>

#include "app/partition.h"

/* Larger grids are drawn coarser: one cell of each block stands for it. */
#define PARTITION_DRAWN 512000
#define PARTITION_EDGE  240

/* One JSON object without '<', for a script element:
 * name, ranks, cells [3], drawn [3], step [3] (cells of a block), box [3] (edges in nm, or cells), reach (of the
 * shell), has_atoms, colours: base64 of three bytes for each rank, by_rank: the names of the counts of a rank, of the
 * full grid, schemes: label, scheme, turn, owners: base64 of varints (rank, length) along the drawn cells, x fastest,
 *          by_rank: base64 of varints, the counts of rank 0, then rank 1.
 * A varint has seven bits in a byte, low ones first; the eighth says that more follow. */
void partition_pack(FILE *out, const struct partition_scene *scene, const struct partition_result *results,
                    int nresults);
/* The scheme's name, and for auto what it chose. */
void partition_label(const struct partition_result *result, char *text, size_t size);

#endif
