/* The loop of near.h; included by variant.c, which compiles it for one instruction set. */
#include <immintrin.h>

#include "kernel/near.h"

sk_near_kernel VARIANT(near);

#ifdef __AVX__
static inline uint8_t near_bits(const struct sk_boxes *e, const float lo[3], const float hi[3], float radius2)
{
    __m256 distance2 = _mm256_setzero_ps();
    for (int k = 0; k < 3; k++) {
        __m256 below = _mm256_sub_ps(_mm256_load_ps(e->lo[k]), _mm256_set1_ps(hi[k]));
        __m256 above = _mm256_sub_ps(_mm256_set1_ps(lo[k]), _mm256_load_ps(e->hi[k]));
        __m256 gap = _mm256_max_ps(_mm256_max_ps(below, above), _mm256_setzero_ps());
        distance2 = _mm256_add_ps(distance2, _mm256_mul_ps(gap, gap));
    }
    return (uint8_t)_mm256_movemask_ps(_mm256_cmp_ps(distance2, _mm256_set1_ps(radius2), _CMP_LE_OQ));
}
#else
static inline uint8_t near_bits(const struct sk_boxes *e, const float lo[3], const float hi[3], float radius2)
{
    int bits = 0;
    for (int half = 0; half < 8; half += 4) {
        __m128 distance2 = _mm_setzero_ps();
        for (int k = 0; k < 3; k++) {
            __m128 below = _mm_sub_ps(_mm_load_ps(e->lo[k] + half), _mm_set1_ps(hi[k]));
            __m128 above = _mm_sub_ps(_mm_set1_ps(lo[k]), _mm_load_ps(e->hi[k] + half));
            __m128 gap = _mm_max_ps(_mm_max_ps(below, above), _mm_setzero_ps());
            distance2 = _mm_add_ps(distance2, _mm_mul_ps(gap, gap));
        }
        bits |= _mm_movemask_ps(_mm_cmple_ps(distance2, _mm_set1_ps(radius2))) << half;
    }
    return (uint8_t)bits;
}
#endif

void VARIANT(near)(const struct sk_boxes *elements, const int *index, int n, const float lo[3], const float hi[3],
                   float radius2, uint8_t *bits)
{
    for (int c = 0; c < n; c++)
        bits[c] = near_bits(&elements[index[c]], lo, hi, radius2);
}
