/* Batched transforms. Expected: FFTW 3 in double; and equal bits over variants, lanes, neighbours and layouts. */
#include "kernel/fft.h"

#include <fftw3.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "check.h"
#include "kernel/pair.h"

static uint64_t random_state = 88172645463325252ULL;
static double uniform(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (double)(random_state >> 11) * 0x1p-52 - 1.0;
}

struct plan {
    struct sk_fft fft;
    float *memory, *scratch;
};

static struct plan plan_new(int n, bool is_real)
{
    struct plan p = {.memory = sk_alloc(sk_fft_room(n), sizeof(float)),
                     .scratch = sk_alloc(sk_fft_scratch(n), sizeof(float))};
    double(*root)[2] = sk_alloc((size_t)n, sizeof *root);
    for (int k = 0; k < n; k++)
        sk_sincos(6.283185307179586 * k / n, &root[k][1], &root[k][0]);
    sk_fft_init(&p.fft, n, is_real, (const double(*)[2])root, p.memory);
    sk_free(&root);
    return p;
}

static void plan_free(struct plan *p)
{
    sk_free(&p->memory);
    sk_free(&p->scratch);
}

/* Lines one after another (LINES) or point by point (POINTS). */
enum order { LINES, POINTS, NORDERS };
static struct sk_fft_side side(enum order order, int count, int n, float *re, float *im)
{
    if (order == LINES)
        return (struct sk_fft_side){.re = re, .im = im, .point = 1, .line = n, .inner = count};
    return (struct sk_fft_side){.re = re, .im = im, .point = count, .line = 1, .inner = count};
}

static size_t place(enum order order, int count, int n, int line, int point)
{
    return order == LINES ? (size_t)line * n + point : (size_t)point * count + line;
}

/* What FFTW makes of a line of complex or real numbers, in double. */
static void reference(int n, bool is_real, bool is_forward, const double (*in)[2], double (*out)[2])
{
    fftw_complex *a = fftw_alloc_complex((size_t)n), *b = fftw_alloc_complex((size_t)n);
    fftw_plan plan = fftw_plan_dft_1d(n, a, b, is_forward ? FFTW_FORWARD : FFTW_BACKWARD, FFTW_ESTIMATE);
    for (int k = 0; k < n; k++) {
        /* half of a spectrum stands for the whole */
        const int from = is_real && !is_forward && k > n / 2 ? n - k : k;
        a[k][0] = in[from][0];
        a[k][1] = is_real && (is_forward || k == 0 || 2 * k == n) ? 0.0 : from == k ? in[from][1] : -in[from][1];
    }
    fftw_execute(plan);
    memcpy(out, b, (size_t)n * sizeof *out);
    fftw_destroy_plan(plan);
    fftw_free(a);
    fftw_free(b);
}

/* Relative error, root mean square over lines and points. */
static double error_of(const struct sk_kernel_variant *v, int n, bool is_real, bool is_forward, enum order order)
{
    enum { COUNT = 37 };
    struct plan p = plan_new(n, is_real);
    const int nin = is_real && !is_forward ? n / 2 + 1 : n, nout = is_real && is_forward ? n / 2 + 1 : n;
    float *data = sk_calloc(4 * (size_t)COUNT * (size_t)n + 4, sizeof *data);
    float *re = data, *im = re + COUNT * n, *out_re = im + COUNT * n, *out_im = out_re + COUNT * n;
    for (int i = 0; i < 2 * COUNT * n; i++)
        data[i] = (float)uniform();
    struct sk_fft_lines lines = {COUNT, side(order, COUNT, nin, re, im), side(order, COUNT, nout, out_re, out_im)};
    v->fft(&p.fft, is_forward, &lines, p.scratch);
    double(*in)[2] = sk_calloc((size_t)n, sizeof *in), (*out)[2] = sk_calloc((size_t)n, sizeof *out);
    double difference = 0.0, size = 0.0;
    for (int l = 0; l < COUNT; l++) {
        for (int k = 0; k < nin; k++) {
            in[k][0] = re[place(order, COUNT, nin, l, k)];
            in[k][1] = im[place(order, COUNT, nin, l, k)];
        }
        reference(n, is_real, is_forward, (const double(*)[2])in, out);
        for (int k = 0; k < nout; k++) {
            const size_t at = place(order, COUNT, nout, l, k);
            const double a = out_re[at] - out[k][0], b = is_real && !is_forward ? 0.0 : out_im[at] - out[k][1];
            difference += a * a + b * b;
            size += out[k][0] * out[k][0] + out[k][1] * out[k][1];
        }
    }
    sk_free(&in);
    sk_free(&out);
    sk_free(&data);
    plan_free(&p);
    return sqrt(difference / size);
}

static void test_against_fftw(void **state)
{
    (void)state;
    const struct sk_kernel_variant *v = sk_kernel_find("auto");
    for (int n = 1; n <= 364; n++) {
        if (!sk_fft_is_length(n))
            continue;
        for (int kind = 0; kind < 8; kind++) {
            const double error = error_of(v, n, kind & 1, kind & 2, kind & 4 ? POINTS : LINES);
            if (!(error < 3e-7))
                print_error("length %d, %s, %s: relative error %.2e\n", n, kind & 1 ? "real" : "complex",
                            kind & 2 ? "forward" : "backward", error);
            assert_true(error < 3e-7);
        }
    }
}

/* A line of the batch alone, elsewhere, in another order, in place, by another variant: the same bits. */
static void check_bits(int n, bool is_real, bool is_forward)
{
    enum { COUNT = 53 };
    int nvariants;
    const struct sk_kernel_variant *variants = sk_kernel_variants(&nvariants), *best = sk_kernel_find("auto");
    struct plan p = plan_new(n, is_real);
    const int nin = is_real && !is_forward ? n / 2 + 1 : n, nout = is_real && is_forward ? n / 2 + 1 : n;
    const size_t room = 2 * (size_t)COUNT * (size_t)n + 64;
    float *in = sk_calloc(room, sizeof *in), *out = sk_calloc(room, sizeof *in), *other = sk_calloc(room, sizeof *in);
    for (size_t i = 0; i < room; i++)
        in[i] = (float)uniform();
    struct sk_fft_lines lines = {COUNT, side(LINES, COUNT, nin, in, in + COUNT * n),
                                 side(LINES, COUNT, nout, out, out + COUNT * n)};
    best->fft(&p.fft, is_forward, &lines, p.scratch);
    const int nparts = is_real && !is_forward ? 1 : 2;
    for (int k = 0; k < nvariants; k++) {
        if (!variants[k].is_supported())
            continue;
        lines.out = side(POINTS, COUNT, nout, other, other + COUNT * n);
        variants[k].fft(&p.fft, is_forward, &lines, p.scratch);
        for (int part = 0; part < nparts; part++)
            for (int l = 0; l < COUNT; l++)
                for (int j = 0; j < nout; j++)
                    assert_memory_equal(&out[part * COUNT * n + l * nout + j], &other[part * COUNT * n + j * COUNT + l],
                                        sizeof(float));
        for (int l = 0; l < COUNT; l += 9) { /* alone, and 7 lines of two groups */
            lines = (struct sk_fft_lines){1, side(LINES, 1, nin, in + l * nin, in + COUNT * n + l * nin),
                                          side(LINES, 1, nout, other, other + n)};
            variants[k].fft(&p.fft, is_forward, &lines, p.scratch);
            for (int part = 0; part < nparts; part++)
                assert_memory_equal(&out[part * COUNT * n + l * nout], other + part * n, nout * sizeof(float));
        }
        lines = (struct sk_fft_lines){COUNT, side(LINES, COUNT, nin, in, in + COUNT * n),
                                      side(LINES, COUNT, nout, out, out + COUNT * n)};
    }
    if (!is_real) { /* in place, lines in groups of 5 */
        struct sk_fft_side mixed = side(LINES, COUNT, n, in, in + COUNT * n);
        mixed.inner = 5;
        mixed.group = 5 * n;
        lines.in = lines.out = mixed;
        best->fft(&p.fft, is_forward, &lines, p.scratch);
        assert_memory_equal(in, out, 2 * COUNT * n * sizeof(float));
    }
    sk_free(&in);
    sk_free(&out);
    sk_free(&other);
    plan_free(&p);
}

static void test_bits(void **state)
{
    (void)state;
    static const int lengths[] = {1, 2, 6, 12, 15, 25, 28, 44, 52, 54, 63, 64, 70, 90, 98, 104, 121, 128, 169, 210};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (int kind = 0; kind < 4; kind++)
            check_bits(lengths[i], kind & 1, kind & 2);
}

static void test_lengths(void **state)
{
    (void)state;
    assert_true(sk_fft_is_length(1) && sk_fft_is_length(2 * 3 * 5 * 7 * 11 * 13) && sk_fft_is_length(1 << 20));
    assert_false(sk_fft_is_length(0) || sk_fft_is_length(-4) || sk_fft_is_length(17) || sk_fft_is_length(38));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_against_fftw),
        cmocka_unit_test(test_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
