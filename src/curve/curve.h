/* Curve: Hilbert and Morton keys of the cells of any box. Pure integers; owns nothing.
 * Keys of distinct cells differ; cell (0, 0, 0) has key 0. The Hilbert curve is fitted to the box, never
 * embedded in a larger one: its keys are 0 .. cells - 1, and consecutive cells are face neighbours in every
 * box; on 2^k cubes it is a true Hilbert curve. The Morton key interleaves the bits that each axis needs
 * (60 at most), x first. A curve can be turned: the same rule with the axes in another order. Not here:
 * cutting (chain.h), who owns a cell (plan.h; domain). */
#ifndef SK_CURVE_CURVE_H
#define SK_CURVE_CURVE_H

#include <stdint.h>

typedef uint64_t sk_key;

enum sk_curve_kind { SK_CURVE_KIND_HILBERT, SK_CURVE_KIND_MORTON };

#define SK_CURVE_TURNS 6

/* Key of cell (x, y, z) in a grid of n[0] x n[1] x n[2] cells, 1 <= n[k] <= 2^20. O(log n), about
 * 70 ns (Hilbert) or 20 ns (Morton) at 64^3. Local. */
sk_key sk_curve_key(enum sk_curve_kind kind, const int32_t n[3], int32_t x, int32_t y, int32_t z);
/* The same along the curve whose axes are permuted by turn, 0 .. SK_CURVE_TURNS - 1; turn 0 is sk_curve_key. Hilbert
 * permutes the axes sorted longest first, Morton x, y, z. */
sk_key sk_curve_key_turned(enum sk_curve_kind kind, int turn, const int32_t n[3], int32_t x, int32_t y, int32_t z);
/* One more than the largest key that occurs. */
sk_key sk_curve_end(enum sk_curve_kind kind, const int32_t n[3]);
sk_key sk_curve_end_turned(enum sk_curve_kind kind, int turn, const int32_t n[3]);

/* All cells, x + n0 (y + n1 z), in the order of their keys; at most 2^31 - 1 cells. O(cells log n). Local. */
void sk_curve_cells(enum sk_curve_kind kind, int turn, const int32_t n[3], int32_t *cells);

#endif
