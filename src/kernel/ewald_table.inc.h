/* Evaluation of the table of ewald_table.h; included by variant.c, which compiles it for one instruction set. The pair
 * kernel calls ewald_polynomial on registers of r^2. */
#include "kernel/ewald_table.h"

sk_ewald_table_kernel VARIANT(ewald_table);

#if SK_LANES == 16
SK_INLINE vf ewald_entry(const float *table, vi piece)
{
    return _mm512_permutex2var_ps(_mm512_loadu_ps(table), piece, _mm512_loadu_ps(table + 16));
}
/* Number of the piece, that of the first for all before it and counted modulo 32, and significand in [1, 1.25). */
SK_INLINE void ewald_split(vf r2, int32_t first, vi *piece, vf *significand)
{
    const vi bits = _mm512_castps_si512(r2);
    *piece = _mm512_subs_epu16(_mm512_srli_epi32(bits, 21), vi_set(first)); /* a permutation looks at five bits */
    *significand = _mm512_castsi512_ps(_mm512_ternarylogic_epi32(bits, vi_set(0x1fffff), vi_set(0x3f800000), 0xea));
}
#elif SK_LANES == 8
SK_INLINE vf ewald_entry(const float *table, vi piece)
{
    return vf_gather(table, piece);
}
SK_INLINE void ewald_split(vf r2, int32_t first, vi *piece, vf *significand)
{
    const vi bits = _mm256_castps_si256(r2);
    *piece = _mm256_and_si256(_mm256_subs_epu16(_mm256_srli_epi32(bits, 21), vi_set(first)), vi_set(31));
    *significand = _mm256_castsi256_ps(_mm256_or_si256(_mm256_and_si256(bits, vi_set(0x1fffff)), vi_set(0x3f800000)));
}
#else
SK_INLINE vf ewald_entry(const float *table, vi piece)
{
    return vf_gather(table, piece);
}
SK_INLINE void ewald_split(vf r2, int32_t first, vi *piece, vf *significand)
{
    const vi bits = _mm_castps_si128(r2);
    *piece = _mm_and_si128(_mm_subs_epu16(_mm_srli_epi32(bits, 21), vi_set(first)), vi_set(31));
    *significand = _mm_castsi128_ps(_mm_or_si128(_mm_and_si128(bits, vi_set(0x1fffff)), vi_set(0x3f800000)));
}
#endif

/* F/r at r^2: right for least2 <= r^2 < cutoff^2, SK_EWALD_TOO_CLOSE below, some finite number beyond. */
SK_INLINE vf ewald_polynomial(const struct sk_ewald_table *table, vf r2)
{
    vi piece;
    vf t;
    ewald_split(r2, table->first, &piece, &t);
    t = vf_sub(t, vf_set(1.125f));
    vf sum = ewald_entry(table->coefficient[SK_EWALD_TERMS - 1], piece);
    _Pragma("GCC unroll 4") for (int k = SK_EWALD_TERMS - 2; k >= 0; k--)
        sum = vf_fma(sum, t, ewald_entry(table->coefficient[k], piece));
    return sum;
}

/* F/r at r^2: right for least2 <= r^2 < cutoff^2, that of least2 below (and for NaN), some finite number beyond. */
SK_INLINE vf ewald_force(const struct sk_ewald_table *table, vf r2)
{
    return ewald_polynomial(table, vf_max(r2, vf_set(table->least2)));
}

void VARIANT(ewald_table)(const struct sk_ewald_table *table, const float *r2, float *f, int n)
{
    for (int i = 0; i < n; i += SK_LANES)
        *(vf *)(f + i) = ewald_force(table, *(const vf *)(r2 + i));
}
