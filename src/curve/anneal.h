/* Anneal: what the searches for fewer ghosts share, random numbers and when to accept a loss. The same plans
 * everywhere: whole numbers, products of doubles and sk_exp. */
#ifndef SK_CURVE_ANNEAL_H
#define SK_CURVE_ANNEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/math.h"

/* The next of a splitmix sequence, in [0, 1). */
static inline double sk_anneal_next(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((x ^ x >> 31) >> 11) * 0x1p-53;
}

/* Whether a change that costs so much is made (Metropolis); at temperature 0 only if it costs nothing. */
static inline bool sk_anneal_accepts(uint64_t *state, double cost, double temperature)
{
    return cost <= 0.0 || (temperature > 0.0 && sk_anneal_next(state) < sk_exp(-cost / temperature));
}

#endif
