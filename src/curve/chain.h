/* Chain: the best cut of a row of weighted cells into consecutive parts.
 * Owns nothing. Not here: which row (curve.h), what a part touches (slide.h). */
#ifndef SK_CURVE_CHAIN_H
#define SK_CURVE_CHAIN_H

#include <stdint.h>

/* Cuts cells 0 .. n - 1 into parts, part p being [cut[p], cut[p + 1]), cut[0] = 0 and cut[parts] = n (parts may be
 * empty), such that the heaviest part is as light as possible: exact, by probing and bisection (Pinar and Aykanat
 * 2004). Among such cuts each is as near to its share of the weight as the parts before it and the bottleneck allow.
 * prefix[n + 1]: weight of the cells before i, non-decreasing from 0; NULL: every cell weighs 1. Returns the weight of
 * the heaviest part. O(parts log n log(heaviest cell)). Local. */
int64_t sk_chain_cut(const int64_t *prefix, int64_t n, int parts, int64_t *cut);

#endif
