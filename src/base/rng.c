#include "base/rng.h"

#include <Random123/philox.h>

#include "base/math.h"
#include "base/status.h"

#define KEY_SKEIN 0x736b65696eULL
#define TWO_PI    0x1.921fb54442d18p+2

void sk_rng_words(uint64_t seed, enum sk_rng_purpose purpose, uint64_t id, uint64_t step, uint64_t sub,
                  uint64_t words[4])
{
    philox4x64_ctr_t counter = {{id, step, (uint64_t)purpose, sub}};
    philox4x64_key_t key = {{seed, KEY_SKEIN}};
    philox4x64_ctr_t out = philox4x64_R(10, counter, key);
    for (int i = 0; i < 4; i++)
        words[i] = out.v[i];
}

/* The odd multiples of 2^-53: inside (0, 1), symmetric about one half, each exact. */
static inline double uniform_of(uint64_t word)
{
    return (double)(int64_t)((word >> 11) | 1) * 0x1p-53;
}

/* Box-Muller: two independent normal deviates of two words. */
static inline void normal_pair(uint64_t a, uint64_t b, double pair[2])
{
    double radius = __builtin_sqrt(-2.0 * sk_log(uniform_of(a)));
    double s, c;
    sk_sincos(TWO_PI * uniform_of(b), &s, &c);
    pair[0] = radius * c;
    pair[1] = radius * s;
}

void sk_rng_normal4(uint64_t seed, enum sk_rng_purpose purpose, uint64_t id, uint64_t step, uint64_t sub,
                    double normal[4])
{
    uint64_t words[4];
    sk_rng_words(seed, purpose, id, step, sub, words);
    normal_pair(words[0], words[1], normal);
    normal_pair(words[2], words[3], normal + 2);
}

/* A block a draw: the thermostat draws a handful a step, and the sub-counter stays the whole state. */
static void next_words(struct sk_rng *rng, uint64_t words[4])
{
    sk_rng_words(rng->seed, (enum sk_rng_purpose)rng->purpose, rng->id, rng->step, rng->sub++, words);
}

double sk_rng_uniform(struct sk_rng *rng)
{
    uint64_t words[4];
    next_words(rng, words);
    return uniform_of(words[0]);
}

double sk_rng_normal(struct sk_rng *rng)
{
    uint64_t words[4];
    double pair[2];
    next_words(rng, words);
    normal_pair(words[0], words[1], pair);
    return pair[0];
}

/* Marsaglia, Tsang, ACM Trans. Math. Softw. 26 (2000) 363; a shape below 1 through shape + 1 (their section 6). */
double sk_rng_gamma(struct sk_rng *rng, double shape)
{
    SK_REQUIRE(shape > 0.0);
    if (shape < 1.0) {
        double larger = sk_rng_gamma(rng, shape + 1.0);
        return larger * sk_pow(sk_rng_uniform(rng), 1.0 / shape);
    }
    double d = shape - 1.0 / 3.0, c = 1.0 / __builtin_sqrt(9.0 * d);
    for (;;) {
        double x = sk_rng_normal(rng), v = 1.0 + c * x;
        if (v <= 0.0)
            continue;
        v = v * v * v;
        if (sk_log(sk_rng_uniform(rng)) < 0.5 * x * x + d - d * v + d * sk_log(v))
            return d * v;
    }
}
