/* Simd: the few vector operations that the pair kernels need, at the width of the instruction set
 * this file is compiled for: AVX-512 (16 lanes), AVX2 with FMA (8) or SSE2 (4, fma in software).
 * Every operation is correctly rounded, so the bits are the same at every width.
 * A tile is 4 i-atoms x 8 j-atoms, spread over SK_REGS registers: lane l of register r holds pair
 * SK_LANES * r + l = 8 * i + j. Not here: arithmetic on pairs (pair.inc.h). */
#ifndef SK_KERNEL_SIMD_H
#define SK_KERNEL_SIMD_H

#include <immintrin.h>
#include <stdint.h>

#define SK_INLINE static inline __attribute__((always_inline))
/* Where fma is made in software, what uses it much is a call: inlined a few hundred times, it takes the compiler
 * minutes, and beside all that arithmetic a call is nothing. */
#ifdef __FMA__
#define SK_OUTLINE SK_INLINE
#else
#define SK_OUTLINE static __attribute__((noinline, unused))
#endif

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#define SK_LANES    16
#define SK_PIPELINE 1 /* enough registers to start a tile before the last one is finished */
#define SK_HAS_FULL 0 /* tiles without a mask have a loop of their own */
typedef __m512 vf;
typedef __m512i vi;
typedef __mmask16 vm;

SK_INLINE vf vf_set(float a)
{
    return _mm512_set1_ps(a);
}
SK_INLINE vi vi_set(int32_t a)
{
    return _mm512_set1_epi32(a);
}
SK_INLINE vi vi_zero(void)
{
    return _mm512_setzero_si512();
}
SK_INLINE vi vi_add(vi a, vi b)
{
    return _mm512_add_epi32(a, b);
}
SK_INLINE vi vi_sub(vi a, vi b)
{
    return _mm512_sub_epi32(a, b);
}
SK_INLINE vf vf_of_int(vi a)
{
    return _mm512_cvtepi32_ps(a);
}
SK_INLINE vi vi_of_float(vf a)
{
    return _mm512_cvtps_epi32(a);
}
SK_INLINE vf vf_add(vf a, vf b)
{
    return _mm512_add_ps(a, b);
}
SK_INLINE vf vf_sub(vf a, vf b)
{
    return _mm512_sub_ps(a, b);
}
SK_INLINE vf vf_mul(vf a, vf b)
{
    return _mm512_mul_ps(a, b);
}
SK_INLINE vf vf_div(vf a, vf b)
{
    return _mm512_div_ps(a, b);
}
SK_INLINE vf vf_sqrt(vf a)
{
    return _mm512_sqrt_ps(a);
}
SK_INLINE vf vf_min(vf a, vf b)
{
    return _mm512_min_ps(a, b);
}
SK_INLINE vf vf_max(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}
SK_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}
SK_INLINE vf vf_fms(vf a, vf b, vf c)
{
    return _mm512_fmsub_ps(a, b, c);
}
/* The larger magnitude. */
SK_INLINE vf vf_larger(vf a, vf b)
{
    return _mm512_range_ps(a, b, 0xb);
}
SK_INLINE vm vm_less(vf a, vf b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}
SK_INLINE vi vi_or(vi a, vi b)
{
    return _mm512_or_si512(a, b);
}
SK_INLINE vi vi_and(vi a, vi b)
{
    return _mm512_and_si512(a, b);
}
/* The high halves. */
SK_INLINE vi vi_high(vi a)
{
    return _mm512_srli_epi32(a, 16);
}
/* Differences of the halves, and the sum of their squares. */
SK_INLINE vi vi_sub16(vi a, vi b)
{
    return _mm512_sub_epi16(a, b);
}
SK_INLINE vi vi_squares16(vi a)
{
    return _mm512_madd_epi16(a, a);
}
SK_INLINE vm vi_less(vi a, vi b)
{
    return _mm512_cmplt_epi32_mask(a, b);
}
SK_INLINE vm vm_and(vm a, vm b)
{
    return a & b;
}
SK_INLINE uint32_t vm_bits(vm a)
{
    return a;
}
SK_INLINE vm vm_of_bits(uint32_t bits, int r)
{
    return (vm)(bits >> (16 * r));
}
SK_INLINE vf vf_keep(vm m, vf a)
{
    return _mm512_maskz_mov_ps(m, a);
}
SK_INLINE vf vf_pick(vm m, vf a, vf b)
{
    return _mm512_mask_mov_ps(b, m, a);
}
SK_INLINE vf vf_gather(const float *p, vi i)
{
    return _mm512_i32gather_ps(i, p, 4);
}
SK_INLINE vi vi_mul(vi a, vi b)
{
    return _mm512_mullo_epi32(a, b);
}

/* p: the 4 values of an i-cluster. Two atoms a register. */
SK_INLINE vi vi_load_i(const int32_t *p, int r)
{
    __m512i both = _mm512_broadcast_i32x8(_mm256_set1_epi32(p[2 * r]));
    return _mm512_mask_set1_epi32(both, 0xff00, p[2 * r + 1]);
}
SK_INLINE vf vf_load_i(const float *p, int r)
{
    __m512 both = _mm512_broadcast_f32x8(_mm256_set1_ps(p[2 * r]));
    return _mm512_mask_broadcastss_ps(both, 0xff00, _mm_load_ss(p + 2 * r + 1));
}
SK_INLINE vi vi_load_j(const int32_t *p, int r)
{
    (void)r;
    return _mm512_broadcast_i32x8(_mm256_load_si256((const __m256i *)p));
}
/* f[0..7] += sum of t over the i-atoms. */
SK_INLINE void vi_add_j(int32_t *f, const vi *t)
{
    vi sum = _mm512_add_epi32(t[0], t[1]);
    __m256i fold = _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti32x8_epi32(sum, 1));
    __m256i *place = (__m256i *)f;
    _mm256_store_si256(place, _mm256_add_epi32(_mm256_load_si256(place), fold));
}
/* The 4 sums over j of t. */
SK_INLINE __m128i vi_sum_i(const vi *t)
{
    __m512i lo = _mm512_unpacklo_epi32(t[0], t[1]), hi = _mm512_unpackhi_epi32(t[0], t[1]);
    __m512i s = _mm512_add_epi32(lo, hi); /* 128-bit lanes: t0 t1 t0 t1 */
    s = _mm512_add_epi32(s, _mm512_shuffle_epi32(s, 0x4e));
    __m256i low = _mm512_castsi512_si256(s), high = _mm512_extracti32x8_epi32(s, 1);
    __m128i a = _mm_add_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    __m128i b = _mm_add_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
    return _mm_unpacklo_epi32(a, b); /* atoms 0 1 2 3 = t0 low, t0 high, t1 low, t1 high */
}

#elif defined(__AVX2__) && defined(__FMA__)
#define SK_LANES    8
#define SK_PIPELINE 0
#define SK_HAS_FULL 1
typedef __m256 vf;
typedef __m256i vi;
typedef __m256 vm;

SK_INLINE vf vf_set(float a)
{
    return _mm256_set1_ps(a);
}
SK_INLINE vi vi_set(int32_t a)
{
    return _mm256_set1_epi32(a);
}
SK_INLINE vi vi_zero(void)
{
    return _mm256_setzero_si256();
}
SK_INLINE vi vi_add(vi a, vi b)
{
    return _mm256_add_epi32(a, b);
}
SK_INLINE vi vi_sub(vi a, vi b)
{
    return _mm256_sub_epi32(a, b);
}
SK_INLINE vf vf_of_int(vi a)
{
    return _mm256_cvtepi32_ps(a);
}
SK_INLINE vi vi_of_float(vf a)
{
    return _mm256_cvtps_epi32(a);
}
SK_INLINE vf vf_add(vf a, vf b)
{
    return _mm256_add_ps(a, b);
}
SK_INLINE vf vf_sub(vf a, vf b)
{
    return _mm256_sub_ps(a, b);
}
SK_INLINE vf vf_mul(vf a, vf b)
{
    return _mm256_mul_ps(a, b);
}
SK_INLINE vf vf_div(vf a, vf b)
{
    return _mm256_div_ps(a, b);
}
SK_INLINE vf vf_sqrt(vf a)
{
    return _mm256_sqrt_ps(a);
}
SK_INLINE vf vf_min(vf a, vf b)
{
    return _mm256_min_ps(a, b);
}
SK_INLINE vf vf_max(vf a, vf b)
{
    return _mm256_max_ps(a, b);
}
SK_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}
SK_INLINE vf vf_fms(vf a, vf b, vf c)
{
    return _mm256_fmsub_ps(a, b, c);
}
SK_INLINE vf vf_larger(vf a, vf b)
{
    const vf sign = _mm256_set1_ps(-0.0f);
    return _mm256_max_ps(_mm256_andnot_ps(sign, a), _mm256_andnot_ps(sign, b));
}
SK_INLINE vm vm_less(vf a, vf b)
{
    return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}
SK_INLINE vi vi_or(vi a, vi b)
{
    return _mm256_or_si256(a, b);
}
SK_INLINE vi vi_and(vi a, vi b)
{
    return _mm256_and_si256(a, b);
}
SK_INLINE vi vi_high(vi a)
{
    return _mm256_srli_epi32(a, 16);
}
SK_INLINE vi vi_sub16(vi a, vi b)
{
    return _mm256_sub_epi16(a, b);
}
SK_INLINE vi vi_squares16(vi a)
{
    return _mm256_madd_epi16(a, a);
}
SK_INLINE vm vi_less(vi a, vi b)
{
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(b, a));
}
SK_INLINE vm vm_and(vm a, vm b)
{
    return _mm256_and_ps(a, b);
}
SK_INLINE uint32_t vm_bits(vm a)
{
    return (uint32_t)_mm256_movemask_ps(a);
}
SK_INLINE vm vm_of_bits(uint32_t bits, int r)
{
    __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    __m256i all = _mm256_set1_epi32((int)(bits >> (8 * r)));
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(all, lane), lane));
}
SK_INLINE vf vf_keep(vm m, vf a)
{
    return _mm256_and_ps(m, a);
}
SK_INLINE vf vf_pick(vm m, vf a, vf b)
{
    return _mm256_blendv_ps(b, a, m);
}
SK_INLINE vf vf_gather(const float *p, vi i)
{
    return _mm256_i32gather_ps(p, i, 4);
}
SK_INLINE vi vi_mul(vi a, vi b)
{
    return _mm256_mullo_epi32(a, b);
}

SK_INLINE vi vi_load_i(const int32_t *p, int r)
{
    return _mm256_set1_epi32(p[r]);
}
SK_INLINE vf vf_load_i(const float *p, int r)
{
    return _mm256_set1_ps(p[r]);
}
SK_INLINE vi vi_load_j(const int32_t *p, int r)
{
    (void)r;
    return _mm256_load_si256((const __m256i *)p);
}
SK_INLINE void vi_add_j(int32_t *f, const vi *t)
{
    vi sum = _mm256_add_epi32(_mm256_add_epi32(t[0], t[1]), _mm256_add_epi32(t[2], t[3]));
    __m256i *place = (__m256i *)f;
    _mm256_store_si256(place, _mm256_add_epi32(_mm256_load_si256(place), sum));
}
SK_INLINE __m128i vi_sum_i(const vi *t)
{
    __m256i a = _mm256_hadd_epi32(t[0], t[1]), b = _mm256_hadd_epi32(t[2], t[3]);
    __m256i s = _mm256_hadd_epi32(a, b);
    return _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
}

#else
#define SK_LANES    4
#define SK_PIPELINE 0
#define SK_HAS_FULL 0
typedef __m128 vf;
typedef __m128i vi;
typedef __m128 vm;

SK_INLINE vf vf_set(float a)
{
    return _mm_set1_ps(a);
}
SK_INLINE vi vi_set(int32_t a)
{
    return _mm_set1_epi32(a);
}
SK_INLINE vi vi_zero(void)
{
    return _mm_setzero_si128();
}
SK_INLINE vi vi_add(vi a, vi b)
{
    return _mm_add_epi32(a, b);
}
SK_INLINE vi vi_sub(vi a, vi b)
{
    return _mm_sub_epi32(a, b);
}
SK_INLINE vf vf_of_int(vi a)
{
    return _mm_cvtepi32_ps(a);
}
SK_INLINE vi vi_of_float(vf a)
{
    return _mm_cvtps_epi32(a);
}
SK_INLINE vf vf_add(vf a, vf b)
{
    return _mm_add_ps(a, b);
}
SK_INLINE vf vf_sub(vf a, vf b)
{
    return _mm_sub_ps(a, b);
}
SK_INLINE vf vf_mul(vf a, vf b)
{
    return _mm_mul_ps(a, b);
}
SK_INLINE vf vf_div(vf a, vf b)
{
    return _mm_div_ps(a, b);
}
SK_INLINE vf vf_sqrt(vf a)
{
    return _mm_sqrt_ps(a);
}
SK_INLINE vf vf_min(vf a, vf b)
{
    return _mm_min_ps(a, b);
}
SK_INLINE vf vf_max(vf a, vf b)
{
    return _mm_max_ps(a, b);
}
#ifdef __FMA__
SK_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return _mm_fmadd_ps(a, b, c);
}
#else
/* The exact sum of product and addend, rounded to odd in double and then once to float: 53 bits are
 * more than twice 24 and two, so this is the correctly rounded fma. */
SK_INLINE __m128d vd_fma_odd(__m128d a, __m128d b, __m128d c)
{
    __m128d zero = _mm_setzero_pd();
    __m128d p = _mm_mul_pd(a, b); /* exact: 48 bits */
    __m128d s = _mm_add_pd(p, c);
    __m128d part = _mm_sub_pd(s, p);
    __m128d rest = _mm_add_pd(_mm_sub_pd(p, _mm_sub_pd(s, part)), _mm_sub_pd(c, part));
    /* ordered comparisons: a NaN rest (infinite sum) is left alone */
    __m128d inexact = _mm_or_pd(_mm_cmplt_pd(rest, zero), _mm_cmplt_pd(zero, rest));
    __m128i bits = _mm_castpd_si128(s), one = _mm_set1_epi64x(1);
    __m128i opposite = _mm_srli_epi64(_mm_castpd_si128(_mm_xor_pd(s, rest)), 63);
    __m128i step = _mm_sub_epi64(one, _mm_add_epi64(opposite, opposite));
    __m128i is_even = _mm_sub_epi64(_mm_and_si128(bits, one), one); /* all ones where even */
    step = _mm_and_si128(step, _mm_and_si128(is_even, _mm_castpd_si128(inexact)));
    return _mm_castsi128_pd(_mm_add_epi64(bits, step));
}
SK_OUTLINE vf vf_fma(vf a, vf b, vf c)
{
    __m128d low = vd_fma_odd(_mm_cvtps_pd(a), _mm_cvtps_pd(b), _mm_cvtps_pd(c));
    __m128d high = vd_fma_odd(_mm_cvtps_pd(_mm_movehl_ps(a, a)), _mm_cvtps_pd(_mm_movehl_ps(b, b)),
                              _mm_cvtps_pd(_mm_movehl_ps(c, c)));
    return _mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high));
}
#endif
SK_INLINE vf vf_fms(vf a, vf b, vf c)
{
    return vf_fma(a, b, _mm_xor_ps(c, _mm_set1_ps(-0.0f)));
}
SK_INLINE vf vf_larger(vf a, vf b)
{
    const vf sign = _mm_set1_ps(-0.0f);
    return _mm_max_ps(_mm_andnot_ps(sign, a), _mm_andnot_ps(sign, b));
}
SK_INLINE vm vm_less(vf a, vf b)
{
    return _mm_cmplt_ps(a, b);
}
SK_INLINE vi vi_or(vi a, vi b)
{
    return _mm_or_si128(a, b);
}
SK_INLINE vi vi_and(vi a, vi b)
{
    return _mm_and_si128(a, b);
}
SK_INLINE vi vi_high(vi a)
{
    return _mm_srli_epi32(a, 16);
}
SK_INLINE vi vi_sub16(vi a, vi b)
{
    return _mm_sub_epi16(a, b);
}
SK_INLINE vi vi_squares16(vi a)
{
    return _mm_madd_epi16(a, a);
}
SK_INLINE vm vi_less(vi a, vi b)
{
    return _mm_castsi128_ps(_mm_cmpgt_epi32(b, a));
}
SK_INLINE vm vm_and(vm a, vm b)
{
    return _mm_and_ps(a, b);
}
SK_INLINE uint32_t vm_bits(vm a)
{
    return (uint32_t)_mm_movemask_ps(a);
}
SK_INLINE vm vm_of_bits(uint32_t bits, int r)
{
    __m128i lane = _mm_setr_epi32(1, 2, 4, 8);
    __m128i all = _mm_set1_epi32((int)(bits >> (4 * r)));
    return _mm_castsi128_ps(_mm_cmpeq_epi32(_mm_and_si128(all, lane), lane));
}
SK_INLINE vf vf_keep(vm m, vf a)
{
    return _mm_and_ps(m, a);
}
SK_INLINE vf vf_pick(vm m, vf a, vf b)
{
    return _mm_or_ps(_mm_and_ps(m, a), _mm_andnot_ps(m, b));
}
SK_INLINE vf vf_gather(const float *p, vi i)
{
    int32_t k[4] __attribute__((aligned(16)));
    _mm_store_si128((__m128i *)k, i);
    return _mm_setr_ps(p[k[0]], p[k[1]], p[k[2]], p[k[3]]);
}
SK_INLINE vi vi_mul(vi a, vi b)
{
    __m128i even = _mm_mul_epu32(a, b);
    __m128i odd = _mm_mul_epu32(_mm_srli_epi64(a, 32), _mm_srli_epi64(b, 32));
    return _mm_unpacklo_epi32(_mm_shuffle_epi32(even, 0x08), _mm_shuffle_epi32(odd, 0x08));
}

/* Even registers hold j-atoms 0 to 3, odd ones 4 to 7. */
SK_INLINE vi vi_load_i(const int32_t *p, int r)
{
    return _mm_set1_epi32(p[r / 2]);
}
SK_INLINE vf vf_load_i(const float *p, int r)
{
    return _mm_set1_ps(p[r / 2]);
}
SK_INLINE vi vi_load_j(const int32_t *p, int r)
{
    return _mm_load_si128((const __m128i *)(p + 4 * (r % 2)));
}
SK_INLINE void vi_add_j(int32_t *f, const vi *t)
{
    for (int k = 0; k < 2; k++) {
        vi sum = _mm_add_epi32(_mm_add_epi32(t[k], t[k + 2]), _mm_add_epi32(t[k + 4], t[k + 6]));
        __m128i *place = (__m128i *)(f + 4 * k);
        _mm_store_si128(place, _mm_add_epi32(_mm_load_si128(place), sum));
    }
}
SK_INLINE __m128i vi_sum_i(const vi *t)
{
    __m128i a[4];
    for (int k = 0; k < 4; k++)
        a[k] = _mm_add_epi32(t[2 * k], t[2 * k + 1]);
    __m128i x = _mm_add_epi32(_mm_unpacklo_epi32(a[0], a[1]), _mm_unpackhi_epi32(a[0], a[1]));
    __m128i y = _mm_add_epi32(_mm_unpacklo_epi32(a[2], a[3]), _mm_unpackhi_epi32(a[2], a[3]));
    return _mm_add_epi32(_mm_unpacklo_epi64(x, y), _mm_unpackhi_epi64(x, y));
}
#endif

#define SK_REGS             (32 / SK_LANES)
/* Unrolled, or the arrays of registers would live in memory. */
#define SK_EACH_REGISTER(r) _Pragma("GCC unroll 8") for (int r = 0; r < SK_REGS; r++)

/* The same bits as floats. */
SK_INLINE vf vf_load_j(const float *p, int r)
{
    union {
        vi i;
        vf f;
    } both = {vi_load_j((const int32_t *)(const void *)p, r)};
    return both.f;
}

#endif
