/* The loops of motion.h; included by variant.c, which compiles them for one instruction set. */
#include "kernel/motion.h"

#define CHUNK 24 /* components: a multiple of 3 and of any vector length */

sk_kick_kernel VARIANT(kick);
sk_drift_kernel VARIANT(drift);
sk_move_kernel VARIANT(move);

void VARIANT(kick)(double *restrict v, const int64_t *restrict f, const double *restrict inverse_mass, double scale,
                   int n)
{
    for (int c = 0; c < n; c++)
        v[c] += (double)f[c] * (scale * inverse_mass[c]);
}

void VARIANT(drift)(double *restrict move, const double *restrict v, double dt, int n)
{
    for (int c = 0; c < n; c++)
        move[c] = v[c] * dt;
}

/* One component; *largest is infinite after a NaN. */
static inline __attribute__((always_inline)) void motion_move(sk_frac *x, int32_t *image, double move,
                                                              double to_fraction, double *largest)
{
    double fraction = move * to_fraction, size = fraction < 0 ? -fraction : fraction;
    size = size < 0x1p63 ? size : 0x1p1000;
    *largest = size > *largest ? size : *largest;
    int64_t step = (int64_t)__builtin_rint(size < 0x1p63 ? fraction : 0);
    sk_frac old = *x, now = old + (sk_frac)step;
    *x = now;
    /* the sum wrapped if it came out on the wrong side */
    *image += (int32_t)(step >= 0 && now < old) - (int32_t)(step < 0 && now > old);
}

double VARIANT(move)(sk_frac *restrict x, int32_t *restrict image, const double *restrict move,
                     const double to_fraction[3], int n)
{
    double scale[CHUNK], largest[CHUNK] = {0}, result = 0;
    for (int l = 0; l < CHUNK; l++)
        scale[l] = to_fraction[l % 3];
    int c = 0;
    for (; c + CHUNK <= n; c += CHUNK)
        for (int l = 0; l < CHUNK; l++)
            motion_move(&x[c + l], &image[c + l], move[c + l], scale[l], &largest[l]);
    for (int l = 0; c + l < n; l++)
        motion_move(&x[c + l], &image[c + l], move[c + l], scale[l], &largest[l]);
    for (int l = 0; l < CHUNK; l++)
        result = largest[l] > result ? largest[l] : result;
    return result;
}
