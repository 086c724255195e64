/* Fft: Fourier transforms of many lines at once, a line in each lane, so that the bits of a line depend on its data and
 * length alone, whatever lines go beside it and whatever the instruction set. Radices 4 and 2, and 3 to 13 for odd
 * factors; real lines by packing even and odd points into one complex line. Owns nothing, allocates nothing.
 * Not here: transforms in three dimensions and who has which lines (mesh/layout.h). */
#ifndef SK_KERNEL_FFT_H
#define SK_KERNEL_FFT_H

#include <stdbool.h>
#include <stddef.h>

#define SK_FFT_LANES  16
#define SK_FFT_STAGES 31

struct sk_fft {
    int n;        /* points of a line */
    bool is_real; /* real lines: n real points, n / 2 + 1 complex ones */
    int length;   /* of the complex transform inside: n, or n / 2 for real lines of even n */
    int nstages, radix[SK_FFT_STAGES];
    const float *twiddle[SK_FFT_STAGES]; /* [length of the stage / radix][radix - 1][2] */
    const float *fold;                   /* [n / 4 + 1][2] cos, sin of 2 pi k / n; real lines of even n */
};

/* Whether n >= 1 has no prime factor but 2, 3, 5, 7, 11, 13. */
bool sk_fft_is_length(int n);
/* Floats that a plan of n points needs for its constants; n as above. */
size_t sk_fft_room(int n);
/* Floats of scratch memory (64-byte aligned) for a call of the kernel. */
size_t sk_fft_scratch(int n);
/* Makes a plan. root[k]: cos and sin of 2 pi k / n for k in [0, n), borrowed for the call; memory: sk_fft_room(n)
 * floats, borrowed as long as the plan is used. */
void sk_fft_init(struct sk_fft *fft, int n, bool is_real, const double (*root)[2], float *memory);

/* Where lines are: point k of line l is at (l / inner) * group + (l % inner) * line + k * point of re and im.
 * Fast where line or point is 1. im is not used on the real side of a real transform. */
struct sk_fft_side {
    float *re, *im;
    ptrdiff_t point, line, group;
    int inner;
};
/* `count` lines; out may be in (the same places), else they must not overlap. */
struct sk_fft_lines {
    int count;
    struct sk_fft_side in, out;
};

/* Forward: X_k = sum over j of x_j exp(-2 pi i j k / n); from real points to k in [0, n / 2] for real lines.
 * Backward: x_j = sum over k of X_k exp(+2 pi i j k / n), without 1 / n; real lines from half of the spectrum, whose
 * imaginary parts at k = 0 (and n / 2, n even) count as zero. */
typedef void sk_fft_kernel(const struct sk_fft *fft, bool is_forward, const struct sk_fft_lines *lines, float *scratch);

#endif
