/* What bonded.c and torsion.c share: vectors of three, and the loop over a block, in which a term's data are plain
 * local arrays. Included by these two only. */
#include "kernel/bonded.h"

#define BONDED_INLINE static inline __attribute__((always_inline))

BONDED_INLINE double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

BONDED_INLINE void cross(const double a[3], const double b[3], double c[3])
{
    c[0] = a[1] * b[2] - a[2] * b[1];
    c[1] = a[2] * b[0] - a[0] * b[2];
    c[2] = a[0] * b[1] - a[1] * b[0];
}

/* Defines the kernel sk_bonded_<name> from term_<name>(d, p, e, g, maps): e, g are out, `parts` energies. Unrolled, for
 * then the arrays are registers. */
#define BONDED_KERNEL(name, vectors, values, parts)                                               \
    void sk_bonded_##name(struct sk_bonded_block *block)                                          \
    {                                                                                             \
        for (int l = 0; l < block->n; l++) {                                                      \
            double d[vectors][3], p[values], e[2], g[vectors][3];                                 \
            _Pragma("GCC unroll 12") for (int c = 0; c < 3 * (vectors); c++)                      \
                d[c / 3][c % 3] = block->d[c / 3][c % 3][l];                                      \
            _Pragma("GCC unroll 6") for (int v = 0; v < (values); v++) p[v] = block->p[v][l];     \
            term_##name((const double(*)[3])d, p, block->maps, e, g);                             \
            _Pragma("GCC unroll 12") for (int c = 0; c < 3 * (vectors); c++)                      \
                block->g[c / 3][c % 3][l] = g[c / 3][c % 3];                                      \
            _Pragma("GCC unroll 2") for (int v = 0; v < (parts); v++) block->energy[v][l] = e[v]; \
        }                                                                                         \
    }

/* Arguments of every term_ function. */
#define BONDED_TERM const double d[][3], const double *p, const struct sk_bonded_map *maps, double e[2], double g[][3]
