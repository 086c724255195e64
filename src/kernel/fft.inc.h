/* The transforms of fft.h; included by variant.c, which compiles them for one instruction set.
 *
 * Sixteen lines are copied to a block [point][2][16], real parts and imaginary parts apart, transformed by self-sorting
 * passes (Stockham) from one half of the scratch memory to the other, and copied out. */
#include "kernel/fft.h"

sk_fft_kernel VARIANT(fft);

enum { FFT_POINT = 2 * SK_FFT_LANES }; /* floats from a complex point to the next */

/* cos and sin of 2 pi j / r */
static const float fft_roots[][13][2] = {
    {{1.0f, 0.0f}, {-0.5f, 0.866025404f}, {-0.5f, -0.866025404f}},
    {{1.0f, 0.0f},
     {0.309016994f, 0.951056516f},
     {-0.809016994f, 0.587785252f},
     {-0.809016994f, -0.587785252f},
     {0.309016994f, -0.951056516f}},
    {{1.0f, 0.0f},
     {0.623489802f, 0.781831482f},
     {-0.222520934f, 0.974927912f},
     {-0.900968868f, 0.433883739f},
     {-0.900968868f, -0.433883739f},
     {-0.222520934f, -0.974927912f},
     {0.623489802f, -0.781831482f}},
    {{1.0f, 0.0f},
     {0.841253533f, 0.540640817f},
     {0.415415013f, 0.909631995f},
     {-0.142314838f, 0.989821442f},
     {-0.654860734f, 0.755749574f},
     {-0.959492974f, 0.281732557f},
     {-0.959492974f, -0.281732557f},
     {-0.654860734f, -0.755749574f},
     {-0.142314838f, -0.989821442f},
     {0.415415013f, -0.909631995f},
     {0.841253533f, -0.540640817f}},
    {{1.0f, 0.0f},
     {0.885456026f, 0.464723172f},
     {0.568064747f, 0.822983866f},
     {0.12053668f, 0.992708874f},
     {-0.354604887f, 0.935016243f},
     {-0.748510748f, 0.663122658f},
     {-0.970941817f, 0.239315664f},
     {-0.970941817f, -0.239315664f},
     {-0.748510748f, -0.663122658f},
     {-0.354604887f, -0.935016243f},
     {0.12053668f, -0.992708874f},
     {0.568064747f, -0.822983866f},
     {0.885456026f, -0.464723172f}},
};

/* In place, X_k = sum over j of x_j exp(-2 pi i j k / r); r odd. */
SK_INLINE void fft_odd(int r, const float (*root)[2], vf *re, vf *im)
{
    const int half = r / 2;
    vf sum_re[6], sum_im[6], difference_re[6], difference_im[6], first_re = re[0], first_im = im[0];

    _Pragma("GCC unroll 6") for (int k = 0; k < half; k++)
    {
        sum_re[k] = vf_add(re[k + 1], re[r - k - 1]);
        sum_im[k] = vf_add(im[k + 1], im[r - k - 1]);
        difference_re[k] = vf_sub(re[k + 1], re[r - k - 1]);
        difference_im[k] = vf_sub(im[k + 1], im[r - k - 1]);
        re[0] = vf_add(re[0], sum_re[k]);
        im[0] = vf_add(im[0], sum_im[k]);
    }
    _Pragma("GCC unroll 6") for (int m = 1; m <= half; m++)
    {
        vf c = vf_set(root[m][0]), s = vf_set(root[m][1]);
        vf even_re = vf_fma(c, sum_re[0], first_re), even_im = vf_fma(c, sum_im[0], first_im);
        vf odd_re = vf_mul(s, difference_re[0]), odd_im = vf_mul(s, difference_im[0]);
        _Pragma("GCC unroll 6") for (int k = 1; k < half; k++)
        {
            c = vf_set(root[m * (k + 1) % r][0]);
            s = vf_set(root[m * (k + 1) % r][1]);
            even_re = vf_fma(c, sum_re[k], even_re);
            even_im = vf_fma(c, sum_im[k], even_im);
            odd_re = vf_fma(s, difference_re[k], odd_re);
            odd_im = vf_fma(s, difference_im[k], odd_im);
        }
        re[m] = vf_add(even_re, odd_im);
        im[m] = vf_sub(even_im, odd_re);
        re[r - m] = vf_sub(even_re, odd_im);
        im[r - m] = vf_add(even_im, odd_re);
    }
}

SK_INLINE void fft_two(vf *re, vf *im)
{
    vf a = re[0], b = im[0];
    re[0] = vf_add(a, re[1]);
    im[0] = vf_add(b, im[1]);
    re[1] = vf_sub(a, re[1]);
    im[1] = vf_sub(b, im[1]);
}

SK_INLINE void fft_four(vf *re, vf *im)
{
    vf a_re = vf_add(re[0], re[2]), a_im = vf_add(im[0], im[2]), b_re = vf_sub(re[0], re[2]);
    vf b_im = vf_sub(im[0], im[2]), c_re = vf_add(re[1], re[3]), c_im = vf_add(im[1], im[3]);
    vf d_re = vf_sub(re[1], re[3]), d_im = vf_sub(im[1], im[3]);
    re[0] = vf_add(a_re, c_re);
    im[0] = vf_add(a_im, c_im);
    re[1] = vf_add(b_re, d_im);
    im[1] = vf_sub(b_im, d_re);
    re[2] = vf_sub(a_re, c_re);
    im[2] = vf_sub(a_im, c_im);
    re[3] = vf_sub(b_re, d_im);
    im[3] = vf_add(b_im, d_re);
}

/* The butterfly at x, whose points are `apart` floats from each other; results `step` floats apart at y. */
SK_INLINE void fft_butterfly(int r, const float *x, size_t apart, float *y, size_t step, const float *twiddle)
{
    vf re[13], im[13];
    _Pragma("GCC unroll 13") for (int k = 0; k < r; k++)
    {
        re[k] = *(const vf *)(x + k * apart);
        im[k] = *(const vf *)(x + k * apart + SK_FFT_LANES);
    }
    if (r == 2)
        fft_two(re, im);
    else if (r == 4)
        fft_four(re, im);
    else
        fft_odd(r, fft_roots[r == 3 ? 0 : r == 5 ? 1 : r == 7 ? 2 : r == 11 ? 3 : 4], re, im);
    *(vf *)y = re[0];
    *(vf *)(y + SK_FFT_LANES) = im[0];
    _Pragma("GCC unroll 13") for (int k = 1; k < r; k++)
    {
        vf a = re[k], b = im[k];
        if (twiddle) {
            vf c = vf_set(twiddle[2 * k - 2]), s = vf_set(twiddle[2 * k - 1]);
            a = vf_fms(re[k], c, vf_mul(im[k], s));
            b = vf_fma(re[k], s, vf_mul(im[k], c));
        }
        *(vf *)(y + k * step) = a;
        *(vf *)(y + k * step + SK_FFT_LANES) = b;
    }
}

/* A pass: s interleaved transforms of length l become r s of length l / r. The first butterfly of each has no
 * twiddles, which leaves the last pass without any. */
SK_INLINE void fft_pass(int r, int l, int s, const float *x, float *y, const float *twiddle)
{
    const int q = l / r;
    const size_t apart = (size_t)q * (size_t)s * FFT_POINT, step = (size_t)s * FFT_POINT;
    for (int i = 0; i < s; i++)
        fft_butterfly(r, x + (size_t)i * FFT_POINT, apart, y + (size_t)i * FFT_POINT, step, NULL);
    for (int j = 1; j < q; j++) {
        const float *t = twiddle + 2 * (size_t)(r - 1) * (size_t)j, *from = x + (size_t)j * step;
        float *to = y + (size_t)j * (size_t)r * step;
        for (int i = 0; i < s; i++)
            fft_butterfly(r, from + (size_t)i * FFT_POINT, apart, to + (size_t)i * FFT_POINT, step, t);
    }
}

#define FFT_PASS(r)                                                                                                  \
    static __attribute__((noinline)) void fft_pass_##r(int l, int s, const float *x, float *y, const float *twiddle) \
    {                                                                                                                \
        fft_pass(r, l, s, x, y, twiddle);                                                                            \
    }
FFT_PASS(2)
FFT_PASS(3)
FFT_PASS(4)
FFT_PASS(5)
FFT_PASS(7)
FFT_PASS(11)
FFT_PASS(13)

/* Transforms the block x; where the result is, x or y, is returned. */
static float *fft_transform(const struct sk_fft *fft, float *x, float *y)
{
    for (int part = 0; part < SK_FFT_LANES; part += SK_LANES) {
        float *from = x + part, *to = y + part;
        int l = fft->length, s = 1;
        for (int stage = 0; stage < fft->nstages; stage++) {
            const float *twiddle = fft->twiddle[stage];
            switch (fft->radix[stage]) {
            case 2: fft_pass_2(l, s, from, to, twiddle); break;
            case 3: fft_pass_3(l, s, from, to, twiddle); break;
            case 4: fft_pass_4(l, s, from, to, twiddle); break;
            case 5: fft_pass_5(l, s, from, to, twiddle); break;
            case 7: fft_pass_7(l, s, from, to, twiddle); break;
            case 11: fft_pass_11(l, s, from, to, twiddle); break;
            default: fft_pass_13(l, s, from, to, twiddle); break;
            }
            l /= fft->radix[stage];
            s *= fft->radix[stage];
            float *other = from;
            from = to;
            to = other;
        }
    }
    return fft->nstages % 2 ? y : x;
}

/* Spectrum of the real line whose even points are the real parts and odd points the imaginary parts behind z. */
static void fft_unfold(const struct sk_fft *fft, const float *z, float *x)
{
    const int h = fft->length;
    for (int part = 0; part < SK_FFT_LANES; part += SK_LANES) {
        vf a_re = *(const vf *)(z + part), a_im = *(const vf *)(z + part + SK_FFT_LANES), half = vf_set(0.5f);
        float *last = x + (size_t)h * FFT_POINT + part;
        *(vf *)(x + part) = vf_add(a_re, a_im);
        *(vf *)(x + part + SK_FFT_LANES) = vf_set(0.0f);
        *(vf *)last = vf_sub(a_re, a_im);
        *(vf *)(last + SK_FFT_LANES) = vf_set(0.0f);
        for (int k = 1; k <= h / 2; k++) {
            const float *a = z + (size_t)k * FFT_POINT + part, *b = z + (size_t)(h - k) * FFT_POINT + part;
            float *low = x + (size_t)k * FFT_POINT + part, *high = x + (size_t)(h - k) * FFT_POINT + part;
            vf b_re = *(const vf *)b, b_im = *(const vf *)(b + SK_FFT_LANES);
            a_re = vf_mul(*(const vf *)a, half);
            a_im = vf_mul(*(const vf *)(a + SK_FFT_LANES), half);
            vf e_re = vf_fma(half, b_re, a_re), e_im = vf_fms(half, b_im, a_im); /* e_im: minus the even part's */
            vf d_re = vf_sub(a_re, vf_mul(half, b_re)), d_im = vf_fma(half, b_im, a_im);
            vf c = vf_set(fft->fold[2 * k]), s = vf_set(fft->fold[2 * k + 1]);
            vf o_re = vf_fma(c, d_re, vf_mul(s, d_im)), o_im = vf_fms(c, d_im, vf_mul(s, d_re));
            *(vf *)low = vf_add(e_re, o_im);
            *(vf *)(low + SK_FFT_LANES) = vf_sub(vf_set(0.0f), vf_add(e_im, o_re));
            *(vf *)high = vf_sub(e_re, o_im);
            *(vf *)(high + SK_FFT_LANES) = vf_sub(e_im, o_re);
        }
    }
}

/* The inverse of unfold, times two; x and z hold imaginary parts before real parts. */
static void fft_fold(const struct sk_fft *fft, const float *x, float *z)
{
    const int h = fft->length;
    for (int part = 0; part < SK_FFT_LANES; part += SK_LANES) {
        const float *last = x + (size_t)h * FFT_POINT + part + SK_FFT_LANES;
        vf a_re = *(const vf *)(x + part + SK_FFT_LANES), b_re = *(const vf *)last;
        *(vf *)(z + part) = vf_sub(a_re, b_re);
        *(vf *)(z + part + SK_FFT_LANES) = vf_add(a_re, b_re);
        for (int k = 1; k <= h / 2; k++) {
            const float *a = x + (size_t)k * FFT_POINT + part, *b = x + (size_t)(h - k) * FFT_POINT + part;
            float *low = z + (size_t)k * FFT_POINT + part, *high = z + (size_t)(h - k) * FFT_POINT + part;
            vf a_im = *(const vf *)a, b_im = *(const vf *)b;
            a_re = *(const vf *)(a + SK_FFT_LANES);
            b_re = *(const vf *)(b + SK_FFT_LANES);
            vf e_re = vf_add(a_re, b_re), e_im = vf_sub(a_im, b_im), d_re = vf_sub(a_re, b_re),
               d_im = vf_add(a_im, b_im);
            vf c = vf_set(fft->fold[2 * k]), s = vf_set(fft->fold[2 * k + 1]);
            vf o_re = vf_fms(c, d_re, vf_mul(s, d_im)), o_im = vf_fma(c, d_im, vf_mul(s, d_re));
            *(vf *)low = vf_add(e_im, o_re);
            *(vf *)(low + SK_FFT_LANES) = vf_sub(e_re, o_im);
            *(vf *)high = vf_sub(o_re, e_im);
            *(vf *)(high + SK_FFT_LANES) = vf_add(e_re, o_im);
        }
    }
}

/* The lines of a block: where lane l starts. Lanes without a line repeat the first. */
struct fft_block {
    ptrdiff_t start[SK_FFT_LANES];
    int lanes;
    bool is_row;    /* sixteen lines side by side */
    unsigned quads; /* bit g: lines 4 g to 4 g + 3 are side by side */
};

static struct fft_block fft_block_of(const struct sk_fft_side *side, int first, int count)
{
    struct fft_block block = {.lanes = count - first < SK_FFT_LANES ? count - first : SK_FFT_LANES};
    int outer = first / side->inner, inner = first % side->inner;
    block.is_row = side->line == 1 && inner + SK_FFT_LANES <= side->inner && block.lanes == SK_FFT_LANES;
    if (block.is_row) {
        block.start[0] = outer * side->group + inner;
        return block;
    }
    for (int l = 0; l < SK_FFT_LANES; l++) {
        block.start[l] = l < block.lanes ? outer * side->group + inner * side->line : block.start[0];
        if (++inner == side->inner) {
            inner = 0;
            outer++;
        }
    }
    for (int l = 0; l + 4 <= block.lanes; l += 4)
        if (block.start[l + 1] == block.start[l] + 1 && block.start[l + 2] == block.start[l] + 2 &&
            block.start[l + 3] == block.start[l] + 3)
            block.quads |= 1u << l / 4;
    return block;
}

/* Points of the lines, each `point` floats after the last, to rows of lanes `step` floats apart. */
static void fft_load(const float *from, const struct fft_block *block, ptrdiff_t point, int npoints, float *to,
                     size_t step)
{
    int k = 0;
    if (block->is_row) {
        const float *row = from + block->start[0];
        for (; k < npoints; k++, row += point, to += step)
            memcpy(to, row, SK_FFT_LANES * sizeof *to);
        return;
    }
    if (point == 1)
        for (; k + 4 <= npoints; k += 4, to += 4 * step)
            for (int l = 0; l < SK_FFT_LANES; l += 4) {
                const ptrdiff_t *start = block->start + l;
                __m128 a = _mm_loadu_ps(from + start[0] + k), b = _mm_loadu_ps(from + start[1] + k);
                __m128 c = _mm_loadu_ps(from + start[2] + k), d = _mm_loadu_ps(from + start[3] + k);
                _MM_TRANSPOSE4_PS(a, b, c, d);
                _mm_store_ps(to + l, a);
                _mm_store_ps(to + step + l, b);
                _mm_store_ps(to + 2 * step + l, c);
                _mm_store_ps(to + 3 * step + l, d);
            }
    for (; k < npoints; k++, to += step)
        for (int l = 0; l < SK_FFT_LANES; l += 4) {
            const float *row = from + k * point;
            const ptrdiff_t *start = block->start + l;
            _mm_store_ps(to + l, block->quads >> l / 4 & 1
                                     ? _mm_loadu_ps(row + start[0])
                                     : _mm_setr_ps(row[start[0]], row[start[1]], row[start[2]], row[start[3]]));
        }
}

static void fft_store(float *to, const struct fft_block *block, ptrdiff_t point, int npoints, const float *from,
                      size_t step)
{
    int k = 0;
    if (block->is_row) {
        float *row = to + block->start[0];
        for (; k < npoints; k++, row += point, from += step)
            memcpy(row, from, SK_FFT_LANES * sizeof *to);
        return;
    }
    if (point == 1 && block->lanes == SK_FFT_LANES)
        for (; k + 4 <= npoints; k += 4, from += 4 * step)
            for (int l = 0; l < SK_FFT_LANES; l += 4) {
                const ptrdiff_t *start = block->start + l;
                __m128 a = _mm_load_ps(from + l), b = _mm_load_ps(from + step + l);
                __m128 c = _mm_load_ps(from + 2 * step + l), d = _mm_load_ps(from + 3 * step + l);
                _MM_TRANSPOSE4_PS(a, b, c, d);
                _mm_storeu_ps(to + start[0] + k, a);
                _mm_storeu_ps(to + start[1] + k, b);
                _mm_storeu_ps(to + start[2] + k, c);
                _mm_storeu_ps(to + start[3] + k, d);
            }
    for (; k < npoints; k++, from += step)
        for (int l = 0; l < block->lanes; l += 4) {
            float *row = to + k * point;
            if (block->quads >> l / 4 & 1)
                _mm_storeu_ps(row + block->start[l], _mm_load_ps(from + l));
            else
                for (int i = l; i < l + 4 && i < block->lanes; i++)
                    row[block->start[i]] = from[i];
        }
}

/* Backward is forward with real and imaginary parts exchanged before and after. */
static void fft_complex(const struct sk_fft *fft, bool is_forward, const struct sk_fft_side *in,
                        const struct fft_block *from, const struct sk_fft_side *out, const struct fft_block *to,
                        float *x, float *y)
{
    const size_t re = is_forward ? 0 : SK_FFT_LANES, im = SK_FFT_LANES - re;
    fft_load(in->re, from, in->point, fft->n, x + re, FFT_POINT);
    fft_load(in->im, from, in->point, fft->n, x + im, FFT_POINT);
    const float *z = fft_transform(fft, x, y);
    fft_store(out->re, to, out->point, fft->n, z + re, FFT_POINT);
    fft_store(out->im, to, out->point, fft->n, z + im, FFT_POINT);
}

static void fft_from_real(const struct sk_fft *fft, const struct sk_fft_side *in, const struct fft_block *from,
                          const struct sk_fft_side *out, const struct fft_block *to, float *x, float *y)
{
    const bool is_packed = fft->length != fft->n;
    if (is_packed) {
        fft_load(in->re, from, in->point, fft->n, x, SK_FFT_LANES);
    } else {
        fft_load(in->re, from, in->point, fft->n, x, FFT_POINT);
        for (int k = 0; k < fft->n; k++)
            memset(x + (size_t)k * FFT_POINT + SK_FFT_LANES, 0, SK_FFT_LANES * sizeof *x);
    }
    float *z = fft_transform(fft, x, y);
    if (is_packed) {
        float *spectrum = z == x ? y : x;
        fft_unfold(fft, z, spectrum);
        z = spectrum;
    }
    fft_store(out->re, to, out->point, fft->n / 2 + 1, z, FFT_POINT);
    fft_store(out->im, to, out->point, fft->n / 2 + 1, z + SK_FFT_LANES, FFT_POINT);
}

static void fft_to_real(const struct sk_fft *fft, const struct sk_fft_side *in, const struct fft_block *from,
                        const struct sk_fft_side *out, const struct fft_block *to, float *x, float *y)
{
    fft_load(in->re, from, in->point, fft->n / 2 + 1, x + SK_FFT_LANES, FFT_POINT);
    fft_load(in->im, from, in->point, fft->n / 2 + 1, x, FFT_POINT);
    if (fft->length != fft->n) {
        fft_fold(fft, x, y);
        const float *z = fft_transform(fft, y, x);
        fft_store(out->re, to, 2 * out->point, fft->length, z + SK_FFT_LANES, FFT_POINT);
        fft_store(out->re + out->point, to, 2 * out->point, fft->length, z, FFT_POINT);
        return;
    }
    for (int l = 0; l < SK_FFT_LANES; l++)
        x[l] = 0.0f;
    for (int k = 1; k <= fft->n / 2; k++) {
        float *low = x + (size_t)k * FFT_POINT, *high = x + (size_t)(fft->n - k) * FFT_POINT;
        for (int l = 0; l < SK_FFT_LANES; l++) {
            high[l] = -low[l];
            high[l + SK_FFT_LANES] = low[l + SK_FFT_LANES];
        }
    }
    const float *z = fft_transform(fft, x, y);
    fft_store(out->re, to, out->point, fft->n, z + SK_FFT_LANES, FFT_POINT);
}

void VARIANT(fft)(const struct sk_fft *fft, bool is_forward, const struct sk_fft_lines *lines, float *scratch)
{
    float *x = scratch, *y = scratch + (size_t)(fft->n + 1) * FFT_POINT;
    for (int first = 0; first < lines->count; first += SK_FFT_LANES) {
        const struct fft_block from = fft_block_of(&lines->in, first, lines->count);
        const struct fft_block to = fft_block_of(&lines->out, first, lines->count);
        if (!fft->is_real)
            fft_complex(fft, is_forward, &lines->in, &from, &lines->out, &to, x, y);
        else if (is_forward)
            fft_from_real(fft, &lines->in, &from, &lines->out, &to, x, y);
        else
            fft_to_real(fft, &lines->in, &from, &lines->out, &to, x, y);
    }
}
