#include "kernel/fft.h"

static const int fft_radices[] = {4, 2, 3, 5, 7, 11, 13};
enum { FFT_RADICES = sizeof fft_radices / sizeof fft_radices[0] };

bool sk_fft_is_length(int n)
{
    if (n < 1)
        return false;
    for (int k = 0; k < FFT_RADICES; k++)
        while (n % fft_radices[k] == 0)
            n /= fft_radices[k];
    return n == 1;
}

/* A stage of length l and radix r holds l / r (r - 1) < l complex numbers, the next stage has length l / r <= l / 2;
 * the rest is for the fold. */
size_t sk_fft_room(int n)
{
    return 5 * (size_t)n + 2;
}

size_t sk_fft_scratch(int n)
{
    return 2 * (size_t)(n + 1) * 2 * SK_FFT_LANES;
}

void sk_fft_init(struct sk_fft *fft, int n, bool is_real, const double (*root)[2], float *memory)
{
    const bool is_packed = is_real && n % 2 == 0;
    int step = is_packed ? 2 : 1, l = n / step, rest = l;

    *fft = (struct sk_fft){.n = n, .is_real = is_real, .length = l};
    for (int kind = 0; kind < FFT_RADICES; kind++)
        for (; rest % fft_radices[kind] == 0; rest /= fft_radices[kind])
            fft->radix[fft->nstages++] = fft_radices[kind];
    for (int stage = 0; stage < fft->nstages; stage++) {
        const int r = fft->radix[stage], q = l / r;
        fft->twiddle[stage] = memory;
        for (int j = 0; j < q; j++)
            for (int k = 1; k < r; k++) {
                *memory++ = (float)root[(size_t)j * k * step][0];
                *memory++ = (float)-root[(size_t)j * k * step][1];
            }
        l = q;
        step *= r;
    }
    fft->fold = memory;
    if (is_packed)
        for (int k = 0; k <= n / 4; k++) {
            *memory++ = (float)root[k][0];
            *memory++ = (float)root[k][1];
        }
}
