/* Vectors of doubles as wide as the instruction set has them, for kernels whose lanes never meet: no shuffle, no sum
 * over lanes, and a choice by lane is a choice of bits. No fma: a variant without the hardware would crawl. Included by
 * variant.c before those kernels. (Only functions that are always inlined take vectors by value: others would depend
 * on the instruction set's calling convention.) */
#include <stdbool.h>
#include <stdint.h>

#include <immintrin.h>

#if defined(__AVX512F__)
#define LANES_WIDTH 8
#elif defined(__AVX__)
#define LANES_WIDTH 4
#else
#define LANES_WIDTH 2
#endif
typedef double vd __attribute__((vector_size(8 * LANES_WIDTH), may_alias));
typedef long long vl __attribute__((vector_size(8 * LANES_WIDTH), may_alias));
typedef unsigned long long vu __attribute__((vector_size(8 * LANES_WIDTH), may_alias));
typedef int vi32 __attribute__((vector_size(4 * LANES_WIDTH), may_alias));

#define LANES_INLINE           static inline __attribute__((always_inline))
#define LANES_PICK(mask, a, b) ((vd)(((vl)(a) & (mask)) | ((vl)(b) & ~(mask))))
#define LANES_MAGNITUDE(a)     ((vd)((vl)(a) & (INT64_MAX - (vl){0})))

LANES_INLINE bool lanes_any(const vl *mask)
{
    long long any = 0;
    for (int lane = 0; lane < LANES_WIDTH; lane++)
        any |= (*mask)[lane];
    return any != 0;
}

/* Nearest integers, ties to even, of numbers below 2^63 in magnitude. */
LANES_INLINE void lanes_round(const vd *x, vl *nearest)
{
#ifdef __AVX512DQ__
    *nearest = (vl)_mm512_cvtpd_epi64((__m512d)*x);
#else
    for (int lane = 0; lane < LANES_WIDTH; lane++)
        (*nearest)[lane] = (long long)__builtin_rint((*x)[lane]);
#endif
}
