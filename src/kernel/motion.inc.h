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

/* A vector of components; *largest is infinite after a NaN. (Through memcpy, for arrays begin anywhere.) */
LANES_INLINE void motion_move(sk_frac *x, int32_t *image, const double *move, const vd *to_fraction, vd *largest)
{
    vd fraction;
    vl nearest;
    vu old;
    vi32 turns;
    memcpy(&fraction, move, sizeof fraction);
    memcpy(&old, x, sizeof old);
    memcpy(&turns, image, sizeof turns);
    fraction *= *to_fraction;
    const vd size = LANES_MAGNITUDE(fraction);
    const vl is_sound = size < 0x1p63; /* false for NaN */
    const vd bounded = LANES_PICK(is_sound, size, 0x1p1000 - (vd){0});
    *largest = LANES_PICK(bounded > *largest, bounded, *largest);
    fraction = (vd)((vl)fraction & is_sound);
    lanes_round(&fraction, &nearest);
    /* Image and fraction are one number: its upper part gets the carry, and the step's upper part, which is its sign.
     */
    const vu step = (vu)nearest, now = old + step;
    const vu carry = ((old & step) | ((old | step) & ~now)) >> 63, sign = step >> 63;
    turns += __builtin_convertvector((vl)(carry - sign), vi32);
    memcpy(x, &now, sizeof now);
    memcpy(image, &turns, sizeof turns);
}

LANES_INLINE void motion_chunk(sk_frac *x, int32_t *image, const double *move, const vd *to_fraction, vd *largest)
{
    for (int at = 0; at < CHUNK; at += LANES_WIDTH)
        motion_move(x + at, image + at, move + at, &to_fraction[at / LANES_WIDTH], &largest[at / LANES_WIDTH]);
}

double VARIANT(move)(sk_frac *restrict x, int32_t *restrict image, const double *restrict move,
                     const double to_fraction[3], int n)
{
    vd scale[CHUNK / LANES_WIDTH], largest[CHUNK / LANES_WIDTH] = {{0}};
    int c = 0;
    for (int l = 0; l < CHUNK; l++)
        scale[l / LANES_WIDTH][l % LANES_WIDTH] = to_fraction[l % 3];
    for (; c + CHUNK <= n; c += CHUNK)
        motion_chunk(x + c, image + c, move + c, scale, largest);
    if (c < n) { /* what is less than a chunk, with components that do not move */
        const size_t rest = (size_t)(n - c);
        sk_frac tail_x[CHUNK] = {0};
        int32_t tail_image[CHUNK] = {0};
        double tail_move[CHUNK] = {0};
        memcpy(tail_x, x + c, rest * sizeof *x);
        memcpy(tail_image, image + c, rest * sizeof *image);
        memcpy(tail_move, move + c, rest * sizeof *move);
        motion_chunk(tail_x, tail_image, tail_move, scale, largest);
        memcpy(x + c, tail_x, rest * sizeof *x);
        memcpy(image + c, tail_image, rest * sizeof *image);
    }
    double result = 0;
    for (int l = 0; l < CHUNK; l++) {
        const double size = largest[l / LANES_WIDTH][l % LANES_WIDTH];
        result = size > result ? size : result;
    }
    return result;
}
