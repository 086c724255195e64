/* The kernels of mesh.h; included by variant.c, which compiles them for one instruction set. Weights are computed with
 * an atom in each lane and turned, so that the weights of an atom along an axis are eight floats side by side; then
 * rows of four points are worked on, at any width of the instruction set. */
#include "kernel/mesh.h"

sk_spread_kernel VARIANT(spread);
sk_gather_kernel VARIANT(gather);

enum { MESH_WEIGHTS = 8 };

SK_INLINE __m128 mesh_fma(__m128 a, __m128 b, __m128 c)
{
#ifdef __FMA__
    return _mm_fmadd_ps(a, b, c);
#else
    return vf_fma(a, b, c);
#endif
}

/* w[l][j] = sum over k < terms of coefficient[j][k] t[l]^k; zero for j in [order, 8). */
SK_INLINE void mesh_weights(int order, int terms, const float *coefficient, const float *t,
                            float w[SK_MESH_CHUNK][MESH_WEIGHTS])
{
    float column[MESH_WEIGHTS][SK_MESH_CHUNK] __attribute__((aligned(64)));
    for (int j = 0; j < MESH_WEIGHTS; j++)
        for (int part = 0; part < SK_MESH_CHUNK; part += SK_LANES) {
            vf sum = vf_set(0.0f);
            if (j < order) {
                const float *c = coefficient + j * terms;
                const vf x = *(const vf *)(t + part);
                sum = vf_set(c[terms - 1]);
                for (int k = terms - 2; k >= 0; k--)
                    sum = vf_fma(sum, x, vf_set(c[k]));
            }
            *(vf *)(column[j] + part) = sum;
        }
    for (int j = 0; j < (order > 4 ? MESH_WEIGHTS : 4); j += 4)
        for (int l = 0; l < SK_MESH_CHUNK; l += 4) {
            __m128 a = _mm_load_ps(column[j] + l), b = _mm_load_ps(column[j + 1] + l);
            __m128 c = _mm_load_ps(column[j + 2] + l), d = _mm_load_ps(column[j + 3] + l);
            _MM_TRANSPOSE4_PS(a, b, c, d);
            _mm_store_ps(w[l] + j, a);
            _mm_store_ps(w[l + 1] + j, b);
            _mm_store_ps(w[l + 2] + j, c);
            _mm_store_ps(w[l + 3] + j, d);
        }
}

/* Coefficients of one order without the gaps. */
struct mesh_coefficients {
    float value[SK_SPLINE_ORDER * SK_SPLINE_ORDER], slope[SK_SPLINE_ORDER * (SK_SPLINE_ORDER - 1)];
};

SK_INLINE void mesh_pack(const struct sk_spline *spline, int order, struct mesh_coefficients *c)
{
    for (int j = 0; j < order; j++) {
        for (int k = 0; k < order; k++)
            c->value[j * order + k] = spline->value[j][k];
        for (int k = 0; k < order - 1; k++)
            c->slope[j * (order - 1) + k] = spline->slope[j][k];
    }
}

SK_INLINE void mesh_spread_atom(int order, const float *wx, const float *wy, const float *wz, float charge,
                                const struct sk_mesh_shape *shape, int32_t *grid)
{
    const int quads = order > 4 ? 2 : 1;
    __m128 q = _mm_set1_ps(charge), row[SK_SPLINE_ORDER][2];
    _Pragma("GCC unroll 2") for (int k = 0; k < quads; k++)
    {
        const __m128 qz = _mm_mul_ps(q, _mm_load_ps(wz + 4 * k));
        _Pragma("GCC unroll 6") for (int y = 0; y < order; y++) row[y][k] = _mm_mul_ps(qz, _mm_set1_ps(wy[y]));
    }
    for (int x = 0; x < order; x++, grid += shape->plane) {
        const __m128 w = _mm_set1_ps(wx[x]);
        int32_t *at = grid;
        _Pragma("GCC unroll 6") for (int y = 0; y < order; y++, at += shape->row)
            _Pragma("GCC unroll 2") for (int k = 0; k < quads; k++)
        {
            __m128i *place = (__m128i *)(at + 4 * k);
            const __m128i add = _mm_cvtps_epi32(_mm_mul_ps(row[y][k], w));
            _mm_storeu_si128(place, _mm_add_epi32(_mm_loadu_si128(place), add));
        }
    }
}

SK_INLINE void mesh_spread(int order, const struct sk_spline *spline, const struct sk_mesh_chunk *chunks, int nchunks,
                           const struct sk_mesh_shape *shape, int32_t *grid)
{
    float w[3][SK_MESH_CHUNK][MESH_WEIGHTS] __attribute__((aligned(64)));
    struct mesh_coefficients c;
    mesh_pack(spline, order, &c);
    for (int i = 0; i < nchunks; i++) {
        for (int d = 0; d < 3; d++)
            mesh_weights(order, order, c.value, chunks[i].t[d], w[d]);
        for (int l = 0; l < chunks[i].n; l++)
            mesh_spread_atom(order, w[0][l], w[1][l], w[2][l], chunks[i].q[l], shape, grid + chunks[i].place[l]);
    }
}

void VARIANT(spread)(const struct sk_spline *spline, const struct sk_mesh_chunk *chunks, int nchunks,
                     const struct sk_mesh_shape *shape, int32_t *grid)
{
    switch (spline->order) {
    case 4: mesh_spread(4, spline, chunks, nchunks, shape, grid); break;
    case 5: mesh_spread(5, spline, chunks, nchunks, shape, grid); break;
    default: mesh_spread(6, spline, chunks, nchunks, shape, grid); break;
    }
}

/* Along z last: four lanes, added as (0 + 1) + (2 + 3) after the halves of a long row. */
SK_INLINE void mesh_gather_atom(int order, const float *const w[3], const float *const s[3],
                                const struct sk_mesh_shape *shape, const float *grid, float value[4])
{
    const int quads = order > 4 ? 2 : 1;
    __m128 sum[2], along_x[2], along_y[2], result[4];
    _Pragma("GCC unroll 2") for (int k = 0; k < quads; k++) sum[k] = along_x[k] = along_y[k] = _mm_setzero_ps();
    for (int x = 0; x < order; x++, grid += shape->plane) {
        const float *at = grid;
        const __m128 wx = _mm_set1_ps(w[0][x]), sx = _mm_set1_ps(s[0][x]);
        __m128 a[2], b[2];
        _Pragma("GCC unroll 2") for (int k = 0; k < quads; k++) a[k] = b[k] = _mm_setzero_ps();
        _Pragma("GCC unroll 6") for (int y = 0; y < order; y++, at += shape->row)
            _Pragma("GCC unroll 2") for (int k = 0; k < quads; k++)
        {
            const __m128 potential = _mm_loadu_ps(at + 4 * k);
            a[k] = mesh_fma(potential, _mm_set1_ps(w[1][y]), a[k]);
            b[k] = mesh_fma(potential, _mm_set1_ps(s[1][y]), b[k]);
        }
        _Pragma("GCC unroll 2") for (int k = 0; k < quads; k++)
        {
            sum[k] = mesh_fma(a[k], wx, sum[k]);
            along_x[k] = mesh_fma(a[k], sx, along_x[k]);
            along_y[k] = mesh_fma(b[k], wx, along_y[k]);
        }
    }
    const __m128 wz = _mm_load_ps(w[2]), sz = _mm_load_ps(s[2]);
    result[0] = _mm_mul_ps(along_x[0], wz);
    result[1] = _mm_mul_ps(along_y[0], wz);
    result[2] = _mm_mul_ps(sum[0], sz);
    result[3] = _mm_mul_ps(sum[0], wz);
    if (quads == 2) {
        const __m128 wz4 = _mm_load_ps(w[2] + 4), sz4 = _mm_load_ps(s[2] + 4);
        result[0] = mesh_fma(along_x[1], wz4, result[0]);
        result[1] = mesh_fma(along_y[1], wz4, result[1]);
        result[2] = mesh_fma(sum[1], sz4, result[2]);
        result[3] = mesh_fma(sum[1], wz4, result[3]);
    }
    _MM_TRANSPOSE4_PS(result[0], result[1], result[2], result[3]);
    _mm_storeu_ps(value, _mm_add_ps(_mm_add_ps(result[0], result[1]), _mm_add_ps(result[2], result[3])));
}

SK_INLINE void mesh_gather(int order, const struct sk_spline *spline, const struct sk_mesh_chunk *chunks, int nchunks,
                           const struct sk_mesh_shape *shape, const float *grid, float (*value)[SK_MESH_CHUNK][4])
{
    float w[3][SK_MESH_CHUNK][MESH_WEIGHTS] __attribute__((aligned(64)));
    float s[3][SK_MESH_CHUNK][MESH_WEIGHTS] __attribute__((aligned(64)));
    struct mesh_coefficients c;
    mesh_pack(spline, order, &c);
    for (int i = 0; i < nchunks; i++) {
        for (int d = 0; d < 3; d++) {
            mesh_weights(order, order, c.value, chunks[i].t[d], w[d]);
            mesh_weights(order, order - 1, c.slope, chunks[i].t[d], s[d]);
        }
        for (int l = 0; l < chunks[i].n; l++) {
            const float *const of_w[3] = {w[0][l], w[1][l], w[2][l]}, *const of_s[3] = {s[0][l], s[1][l], s[2][l]};
            mesh_gather_atom(order, of_w, of_s, shape, grid + chunks[i].place[l], value[i][l]);
        }
    }
}

void VARIANT(gather)(const struct sk_spline *spline, const struct sk_mesh_chunk *chunks, int nchunks,
                     const struct sk_mesh_shape *shape, const float *grid, float (*value)[SK_MESH_CHUNK][4])
{
    switch (spline->order) {
    case 4: mesh_gather(4, spline, chunks, nchunks, shape, grid, value); break;
    case 5: mesh_gather(5, spline, chunks, nchunks, shape, grid, value); break;
    default: mesh_gather(6, spline, chunks, nchunks, shape, grid, value); break;
    }
}
