/* Random numbers: counter-based Philox4x64-10 (Random123); no state, so no owner.
 * A draw is a pure function of (seed, purpose, id, step, sub-counter): the same on any rank.
 * Philox counter = {id, step, purpose, sub}, key = {seed, 0x736b65696e}. */
#ifndef SK_BASE_RNG_H
#define SK_BASE_RNG_H

#include <stdint.h>

enum sk_rng_purpose {
    SK_RNG_MAXWELL = 1,
    SK_RNG_LANGEVIN = 2,
    SK_RNG_V_RESCALE = 3,
    SK_RNG_C_RESCALE = 4,
    SK_RNG_PART = 5 /* atoms on one point */
};

/* A stream of draws of variable count: the sub-counter advances. */
struct sk_rng {
    uint64_t seed, purpose, id, step, sub;
};

/* Four independent 64-bit words. */
void sk_rng_words(uint64_t seed, enum sk_rng_purpose purpose, uint64_t id, uint64_t step, uint64_t sub,
                  uint64_t words[4]);
/* Four independent standard normal deviates (Box-Muller through base/math: same bits everywhere). */
void sk_rng_normal4(uint64_t seed, enum sk_rng_purpose purpose, uint64_t id, uint64_t step, uint64_t sub,
                    double normal[4]);
/* Streams for the thermostat. Uniform in (0, 1): the odd multiples of 2^-53; normal; gamma with shape a > 0, scale 1
 * (Marsaglia-Tsang). */
double sk_rng_uniform(struct sk_rng *rng);
double sk_rng_normal(struct sk_rng *rng);
double sk_rng_gamma(struct sk_rng *rng, double shape);

#endif
