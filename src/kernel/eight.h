/* Eight: eight floats in two halves of four: one register where there are such, two elsewhere; the same bits. For code
 * whose natural width is eight, whatever the instruction set. Owns nothing.
 * Not here: as many lanes as a register has (simd.h). */
#ifndef SK_KERNEL_EIGHT_H
#define SK_KERNEL_EIGHT_H

#include "kernel/simd.h"

SK_INLINE __m128 v4_fma(__m128 a, __m128 b, __m128 c)
{
#ifdef __FMA__
    return _mm_fmadd_ps(a, b, c);
#else
    return vf_fma(a, b, c);
#endif
}

#if defined(__AVX2__) && defined(__FMA__)
typedef __m256 v8;

SK_INLINE v8 v8_join(__m128 low, __m128 high)
{
    return _mm256_set_m128(high, low);
}
SK_INLINE __m128 v8_low(v8 a)
{
    return _mm256_castps256_ps128(a);
}
SK_INLINE __m128 v8_high(v8 a)
{
    return _mm256_extractf128_ps(a, 1);
}
SK_INLINE v8 v8_set(float a)
{
    return _mm256_set1_ps(a);
}
SK_INLINE v8 v8_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
/* Four floats in both halves. */
SK_INLINE v8 v8_load_both(const float *p)
{
    return _mm256_broadcast_ps((const __m128 *)(const void *)p);
}
SK_INLINE void v8_store(float *p, v8 a)
{
    _mm256_storeu_ps(p, a);
}
SK_INLINE v8 v8_mul(v8 a, v8 b)
{
    return _mm256_mul_ps(a, b);
}
SK_INLINE v8 v8_fma(v8 a, v8 b, v8 c)
{
    return _mm256_fmadd_ps(a, b, c);
}
/* Lane j of the low half in all of it, lane k of the high half in all of that. */
#define v8_splat(a, j, k) _mm256_permutevar_ps(a, _mm256_setr_epi32(j, j, j, j, k, k, k, k))
/* Adds the nearest integers to four at low and four at high, which do not overlap. */
SK_INLINE void v8_add_rounded(int32_t *low, int32_t *high, v8 a)
{
    __m128i *first = (__m128i *)low, *second = (__m128i *)high;
    const __m256i old = _mm256_set_m128i(_mm_loadu_si128(second), _mm_loadu_si128(first));
    const __m256i sum = _mm256_add_epi32(old, _mm256_cvtps_epi32(a));
    _mm_storeu_si128(first, _mm256_castsi256_si128(sum));
    _mm_storeu_si128(second, _mm256_extracti128_si256(sum, 1));
}

#else
typedef struct {
    __m128 low, high;
} v8;

SK_INLINE v8 v8_join(__m128 low, __m128 high)
{
    return (v8){low, high};
}
SK_INLINE __m128 v8_low(v8 a)
{
    return a.low;
}
SK_INLINE __m128 v8_high(v8 a)
{
    return a.high;
}
SK_INLINE v8 v8_set(float a)
{
    return v8_join(_mm_set1_ps(a), _mm_set1_ps(a));
}
SK_INLINE v8 v8_load(const float *p)
{
    return v8_join(_mm_loadu_ps(p), _mm_loadu_ps(p + 4));
}
SK_INLINE v8 v8_load_both(const float *p)
{
    return v8_join(_mm_loadu_ps(p), _mm_loadu_ps(p));
}
SK_INLINE void v8_store(float *p, v8 a)
{
    _mm_storeu_ps(p, a.low);
    _mm_storeu_ps(p + 4, a.high);
}
SK_INLINE v8 v8_mul(v8 a, v8 b)
{
    return v8_join(_mm_mul_ps(a.low, b.low), _mm_mul_ps(a.high, b.high));
}
SK_INLINE v8 v8_fma(v8 a, v8 b, v8 c)
{
    return v8_join(v4_fma(a.low, b.low, c.low), v4_fma(a.high, b.high, c.high));
}
#define v8_splat(a, j, k) \
    v8_join(_mm_shuffle_ps((a).low, (a).low, (j)*0x55), _mm_shuffle_ps((a).high, (a).high, (k)*0x55))
SK_INLINE void v8_add_rounded(int32_t *low, int32_t *high, v8 a)
{
    __m128i *first = (__m128i *)low, *second = (__m128i *)high;
    _mm_storeu_si128(first, _mm_add_epi32(_mm_loadu_si128(first), _mm_cvtps_epi32(a.low)));
    _mm_storeu_si128(second, _mm_add_epi32(_mm_loadu_si128(second), _mm_cvtps_epi32(a.high)));
}
#endif

SK_INLINE v8 v8_both(__m128 a)
{
    return v8_join(a, a);
}

#endif
