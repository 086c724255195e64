/* Speed of the transforms beside FFTW in float, and of a whole mesh step; not part of the test run. Build:
 *   mpicc -O2 -std=c11 -Isrc tests/kernel/bench_fft.c build/libskein.a -lfftw3f -lxxhash -lm
 * Nanoseconds per grid point of a real grid there and back (both ways along three axes), the least of many runs. */
#include <fftw3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "kernel/pair.h"
#include "mesh/mesh.h"

static double uniform(void)
{
    static uint64_t s = 88172645463325252ULL;
    s ^= s << 13;
    s ^= s >> 7;
    s ^= s << 17;
    return (double)(s >> 11) * 0x1p-53;
}

static struct sk_fft plan_new(int n, bool is_real)
{
    struct sk_fft fft;
    double(*root)[2] = sk_alloc((size_t)n, sizeof *root);
    for (int k = 0; k < n; k++)
        sk_sincos(6.283185307179586 * k / n, &root[k][1], &root[k][0]);
    sk_fft_init(&fft, n, is_real, (const double(*)[2])root, sk_alloc(sk_fft_room(n), sizeof(float)));
    sk_free(&root);
    return fft;
}

/* One axis of an n^3 grid (n / 2 + 1 planes of a spectrum). */
static void axis(const struct sk_kernel_variant *v, const struct sk_fft *fft, int d, bool is_forward,
                 float *const in[2], float *const out[2], float *scratch)
{
    const int n = fft->n, planes = n / 2 + 1;
    struct sk_fft_side side = {.point = d == 0   ? n * n
                                        : d == 1 ? n
                                                 : 1,
                               .line = d == 2 ? n : 1,
                               .inner = d == 0   ? n * n
                                        : d == 1 ? n
                                                 : n * planes,
                               .group = n * n};
    struct sk_fft_lines lines = {d == 0 ? n * n : n * planes, side, side};
    lines.in.re = in[0];
    lines.in.im = in[1];
    lines.out.re = out[0];
    lines.out.im = out[1];
    v->fft(fft, is_forward, &lines, scratch);
}

static void bench_own(const struct sk_kernel_variant *v, int n, double ns[4])
{
    const struct sk_fft real = plan_new(n, true), full = plan_new(n, false);
    const size_t points = (size_t)n * n * n, waves = (size_t)n * n * (n / 2 + 1);
    float *grid[2] = {sk_calloc(points, sizeof(float)), NULL};
    float *spectrum[2] = {sk_calloc(waves, sizeof(float)), sk_calloc(waves, sizeof(float))};
    float *scratch = sk_alloc(sk_fft_scratch(n), sizeof(float));
    for (size_t i = 0; i < points; i++)
        grid[0][i] = (float)uniform();
    for (int k = 0; k < 4; k++)
        ns[k] = 1e30;
    for (double start = sk_comm_wall(); sk_comm_wall() - start < 0.4;) {
        double t[4];
        t[0] = sk_comm_wall();
        axis(v, &real, 0, true, grid, spectrum, scratch);
        t[1] = sk_comm_wall();
        axis(v, &full, 1, true, spectrum, spectrum, scratch);
        t[2] = sk_comm_wall();
        axis(v, &full, 2, true, spectrum, spectrum, scratch);
        t[3] = sk_comm_wall();
        for (int k = 0; k < 3; k++)
            ns[k + 1] = t[k + 1] - t[k] < ns[k + 1] ? t[k + 1] - t[k] : ns[k + 1];
        axis(v, &full, 2, false, spectrum, spectrum, scratch);
        axis(v, &full, 1, false, spectrum, spectrum, scratch);
        axis(v, &real, 0, false, spectrum, grid, scratch);
        const double whole = sk_comm_wall() - t[0];
        ns[0] = whole < ns[0] ? whole : ns[0];
        for (size_t i = 0; i < points; i++)
            grid[0][i] *= 1.0f / (float)points;
    }
    for (int k = 0; k < 4; k++)
        ns[k] *= 1e9 / (double)points;
    sk_free(&grid[0]);
    sk_free(&spectrum[0]);
    sk_free(&spectrum[1]);
    sk_free(&scratch);
}

static double bench_fftw(int n)
{
    const size_t points = (size_t)n * n * n, waves = (size_t)n * n * (n / 2 + 1);
    float *grid = fftwf_alloc_real(points);
    fftwf_complex *spectrum = fftwf_alloc_complex(waves);
    fftwf_plan there = fftwf_plan_dft_r2c_3d(n, n, n, grid, spectrum, FFTW_MEASURE);
    fftwf_plan back = fftwf_plan_dft_c2r_3d(n, n, n, spectrum, grid, FFTW_MEASURE);
    double best = 1e30;
    memset(grid, 0, points * sizeof *grid);
    for (double start = sk_comm_wall(); sk_comm_wall() - start < 0.4;) {
        const double t = sk_comm_wall();
        fftwf_execute(there);
        fftwf_execute(back);
        best = sk_comm_wall() - t < best ? sk_comm_wall() - t : best;
    }
    fftwf_destroy_plan(there);
    fftwf_destroy_plan(back);
    fftwf_free(grid);
    fftwf_free(spectrum);
    return best * 1e9 / (double)points;
}

/* Water-like: atoms in order of blocks, 0.01 nm^3 each, order 4 to 6, spacing 0.12. */
static void bench_mesh(struct sk_comm *comm, const struct sk_kernel_variant *v, int n, int order)
{
    const int side = n * 12 / 100 * 10 / 3, natoms = 24 * side * side * side / 8;
    const double edge = n * 0.12, lattice[3][3] = {{edge, 0, 0}, {0, edge, 0}, {0, 0, edge}}, reach[3] = {0, 0, 0};
    struct sk_mesh_setup setup = {{{n, n, n}, order, 3.47}, 138.9, {0, 0}, 0, v};
    sk_frac(*x)[3] = sk_alloc((size_t)natoms, sizeof *x);
    double *q = sk_alloc((size_t)natoms, sizeof *q), best[3] = {1e30, 1e30, 1e30};
    sk_fixed(*force)[3] = sk_calloc((size_t)natoms, sizeof *force);
    for (int i = 0; i < natoms; i++) {
        const int cell = i / 24, cells = side / 2, at[3] = {cell / cells / cells, cell / cells % cells, cell % cells};
        for (int d = 0; d < 3; d++)
            x[i][d] = (sk_frac)((at[d] % cells + uniform()) / cells * 0x1p63) * 2;
        q[i] = i % 3 ? 0.4238 : -0.8476;
    }
    struct sk_mesh *mesh = sk_mesh_new(comm, &setup);
    sk_mesh_set_lattice(mesh, lattice);
    sk_mesh_assign(mesh, natoms, (const sk_frac(*)[3])x, reach);
    for (double start = sk_comm_wall(); sk_comm_wall() - start < 0.5;) {
        double t[4];
        t[0] = sk_comm_wall();
        sk_mesh_begin(mesh, natoms, (const sk_frac(*)[3])x, q);
        t[1] = sk_comm_wall();
        sk_mesh_solve(mesh, NULL);
        t[2] = sk_comm_wall();
        sk_mesh_end(mesh, 4096.0, force);
        t[3] = sk_comm_wall();
        for (int k = 0; k < 3; k++)
            best[k] = t[k + 1] - t[k] < best[k] ? t[k + 1] - t[k] : best[k];
    }
    printf("mesh %s order %d, %d^3 points, %d atoms: ns per atom: begin %.1f solve %.1f end %.1f\n", v->name, order, n,
           natoms, best[0] * 1e9 / natoms, best[1] * 1e9 / natoms, best[2] * 1e9 / natoms);
    sk_mesh_free(&mesh);
    sk_free(&x);
    sk_free(&q);
    sk_free(&force);
}

int main(int argc, char **argv)
{
    static const int lengths[] = {28, 48, 52, 60, 64, 80, 104};
    struct sk_comm *comm = sk_comm_new(NULL);
    const struct sk_kernel_variant *v = sk_kernel_find(argc > 1 ? argv[1] : "auto");
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
        double ns[4];
        bench_own(v, lengths[k], ns);
        printf("%s n = %3d: there and back %.2f (forward x %.2f y %.2f z %.2f); FFTW %.2f ns per point\n", v->name,
               lengths[k], ns[0], ns[1], ns[2], ns[3], bench_fftw(lengths[k]));
    }
    for (int order = 4; order <= 6; order++)
        bench_mesh(comm, v, 52, order);
    sk_comm_free(&comm);
    return 0;
}
