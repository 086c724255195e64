/* The kernels of mesh.h; included by variant.c, which compiles them for one instruction set. The weights of an atom
 * are the lanes of an eight. With order 4 the two halves of an eight have a use each (weights along two axes, two rows
 * of points, values and slopes); with orders 5 and 6 an eight is a row. */
#include "kernel/mesh.h"

#include "kernel/eight.h"

sk_spread_kernel VARIANT(spread);
sk_gather_kernel VARIANT(gather);

/* Coefficients by power: lanes are weights. */
struct mesh_powers {
    v8 power[SK_SPLINE_ORDER];
};

/* Power k of the weights first to first + 3, of which those from `order` on are zero. */
SK_INLINE __m128 mesh_column(const float *spline, int stride, int order, int first, int k)
{
    float lane[4];
    for (int j = 0; j < 4; j++)
        lane[j] = first + j < order ? spline[(first + j) * stride + k] : 0.0f;
    return _mm_loadu_ps(lane);
}

SK_INLINE __m128 mesh_value_column(const struct sk_spline *spline, int first, int k)
{
    return mesh_column(&spline->value[0][0], SK_SPLINE_ORDER, spline->order, first, k);
}

/* Zero for the power that only values have: where one polynomial makes both, it changes no bit of a slope. */
SK_INLINE __m128 mesh_slope_column(const struct sk_spline *spline, int first, int k)
{
    return k < spline->order - 1 ? mesh_column(&spline->slope[0][0], SK_SPLINE_ORDER - 1, spline->order, first, k)
                                 : _mm_setzero_ps();
}

/* sum over k < terms of power[k] t^k */
SK_INLINE v8 mesh_weights(const struct mesh_powers *c, int terms, v8 t)
{
    v8 sum = c->power[terms - 1];
    _Pragma("GCC unroll 6") for (int k = terms - 2; k >= 0; k--) sum = v8_fma(sum, t, c->power[k]);
    return sum;
}

SK_INLINE void mesh_spread_4(const struct mesh_powers *c, const struct sk_mesh_atom *atom,
                             const struct sk_mesh_shape *shape, int32_t *grid)
{
    const v8 tq = v8_load_both(atom->t);
    const v8 xy = mesh_weights(c, 4, v8_splat(tq, 0, 1));
    const __m128 t = v8_low(v8_splat(tq, 2, 2));
    __m128 z = v8_low(c->power[3]);
    for (int k = 2; k >= 0; k--)
        z = v4_fma(z, t, v8_low(c->power[k]));
    const v8 x = v8_both(v8_low(xy)), y = v8_both(v8_high(xy)), qz = v8_mul(v8_splat(tq, 3, 3), v8_both(z));
    const v8 first = v8_mul(qz, v8_splat(y, 0, 1)), second = v8_mul(qz, v8_splat(y, 2, 3));
    const v8 w[4] = {v8_splat(x, 0, 0), v8_splat(x, 1, 1), v8_splat(x, 2, 2), v8_splat(x, 3, 3)};
    const ptrdiff_t row = shape->row;
    int32_t *at = grid + atom->place;
    _Pragma("GCC unroll 4") for (int k = 0; k < 4; k++, at += shape->plane)
    {
        v8_add_rounded(at, at + row, v8_mul(first, w[k]));
        v8_add_rounded(at + 2 * row, at + 3 * row, v8_mul(second, w[k]));
    }
}

SK_INLINE void mesh_spread_8(int order, const struct mesh_powers *c, const struct sk_mesh_atom *atom,
                             const struct sk_mesh_shape *shape, int32_t *grid)
{
    float x[8], y[8];
    v8 row[SK_SPLINE_ORDER];
    v8_store(x, mesh_weights(c, order, v8_set(atom->t[0])));
    v8_store(y, mesh_weights(c, order, v8_set(atom->t[1])));
    const v8 qz = v8_mul(v8_set(atom->q), mesh_weights(c, order, v8_set(atom->t[2])));
    _Pragma("GCC unroll 6") for (int j = 0; j < order; j++) row[j] = v8_mul(qz, v8_set(y[j]));
    grid += atom->place;
    for (int i = 0; i < order; i++, grid += shape->plane) {
        const v8 w = v8_set(x[i]);
        int32_t *at = grid;
        _Pragma("GCC unroll 6") for (int j = 0; j < order; j++, at += shape->row)
            v8_add_rounded(at, at + 4, v8_mul(row[j], w));
    }
}

SK_INLINE void mesh_spread(int order, const struct sk_spline *spline, const struct sk_mesh_atom *atoms, int n,
                           const struct sk_mesh_shape *shape, int32_t *grid)
{
    struct mesh_powers c;
    for (int k = 0; k < order; k++)
        c.power[k] = v8_join(mesh_value_column(spline, 0, k), mesh_value_column(spline, order == 4 ? 0 : 4, k));
    for (int i = 0; i < n; i++)
        if (order == 4)
            mesh_spread_4(&c, &atoms[i], shape, grid);
        else
            mesh_spread_8(order, &c, &atoms[i], shape, grid);
}

void VARIANT(spread)(const struct sk_spline *spline, const struct sk_mesh_atom *atoms, int n,
                     const struct sk_mesh_shape *shape, int32_t *grid)
{
    switch (spline->order) {
    case 4: mesh_spread(4, spline, atoms, n, shape, grid); break;
    case 5: mesh_spread(5, spline, atoms, n, shape, grid); break;
    default: mesh_spread(6, spline, atoms, n, shape, grid); break;
    }
}

enum { MESH_FEW = 16 };

/* to_force: x y, z 0 of each edge. */
struct mesh_frame {
    __m128d row[3][2];
};

SK_INLINE __m128d mesh_force_half(const __m128d g[3], const struct mesh_frame *frame, int half, __m128d q)
{
    const __m128d a = _mm_mul_pd(g[0], frame->row[0][half]), b = _mm_mul_pd(g[1], frame->row[1][half]);
    return _mm_mul_pd(q, _mm_add_pd(_mm_add_pd(a, b), _mm_mul_pd(g[2], frame->row[2][half])));
}

/* Adds what an atom's gradient (x y z -) does to a charge. */
SK_INLINE void mesh_add_force(__m128 gradient, const struct mesh_frame *frame, double charge, int64_t force[3])
{
    const __m128d magic = _mm_set1_pd(0x1.8p52), limit = _mm_set1_pd(0x1p50), sign = _mm_set1_pd(-0.0);
    const __m128d xy = _mm_cvtps_pd(gradient), z = _mm_cvtps_pd(_mm_movehl_ps(gradient, gradient));
    const __m128d g[3] = {_mm_unpacklo_pd(xy, xy), _mm_unpackhi_pd(xy, xy), _mm_unpacklo_pd(z, z)};
    const __m128d q = _mm_set1_pd(charge), f = mesh_force_half(g, frame, 0, q), h = mesh_force_half(g, frame, 1, q);
    const __m128d size = _mm_max_pd(_mm_andnot_pd(sign, f), _mm_andnot_pd(sign, h));
    if (__builtin_expect(_mm_movemask_pd(_mm_cmplt_pd(size, limit)) == 3, 1)) {
        /* the sum with 1.5 x 2^52 rounds, and its bits are the integer */
        const __m128i base = _mm_castpd_si128(magic);
        const __m128i first = _mm_sub_epi64(_mm_castpd_si128(_mm_add_pd(f, magic)), base);
        const __m128i second = _mm_sub_epi64(_mm_castpd_si128(_mm_add_pd(h, magic)), base);
        __m128i *at = (__m128i *)force;
        _mm_storeu_si128(at, _mm_add_epi64(_mm_loadu_si128(at), first));
        _mm_storel_epi64(at + 1, _mm_add_epi64(_mm_loadl_epi64(at + 1), second));
        return;
    }
    force[0] += sk_round(_mm_cvtsd_f64(f));
    force[1] += sk_round(_mm_cvtsd_f64(_mm_unpackhi_pd(f, f)));
    force[2] += sk_round(_mm_cvtsd_f64(h));
}

struct mesh_gathering {
    const struct sk_mesh_shape *shape;
    const float *grid;
    struct mesh_frame frame;
    struct mesh_powers value, slope; /* order 4: both in value */
};

/* The sums of four lanes, each as (0 + 1) + (2 + 3). */
SK_INLINE __m128 mesh_sum_lanes(__m128 x, __m128 y, __m128 z)
{
    __m128 zero = _mm_setzero_ps();
    _MM_TRANSPOSE4_PS(x, y, z, zero);
    return _mm_add_ps(_mm_add_ps(x, y), _mm_add_ps(z, zero));
}

/* Sums over y of potential x (weight | slope), then over x, with (sum | -) and (along x | along y). */
SK_INLINE __m128 mesh_gather_4(const struct mesh_gathering *m, const struct sk_mesh_atom *atom, const v8 w[3])
{
    const v8 x = w[0], y = w[1], z = w[2], turned = v8_join(v8_high(x), v8_low(x));
    const v8 along_y[4] = {v8_splat(y, 0, 0), v8_splat(y, 1, 1), v8_splat(y, 2, 2), v8_splat(y, 3, 3)};
    const v8 along_x[4] = {v8_splat(x, 0, 0), v8_splat(x, 1, 1), v8_splat(x, 2, 2), v8_splat(x, 3, 3)};
    const v8 other_x[4] = {v8_splat(turned, 0, 0), v8_splat(turned, 1, 1), v8_splat(turned, 2, 2),
                           v8_splat(turned, 3, 3)};
    const float *at = m->grid + atom->place;
    const ptrdiff_t row = m->shape->row;
    v8 sum = v8_set(0.0f), slopes = sum;
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++, at += m->shape->plane)
    {
        v8 a = v8_set(0.0f);
        _Pragma("GCC unroll 4") for (int j = 0; j < 4; j++) a = v8_fma(v8_load_both(at + j * row), along_y[j], a);
        sum = v8_fma(a, along_x[i], sum);
        slopes = v8_fma(a, other_x[i], slopes);
    }
    const v8 xy = v8_mul(slopes, v8_both(v8_low(z)));
    return mesh_sum_lanes(v8_low(xy), v8_high(xy), _mm_mul_ps(v8_low(sum), v8_high(z)));
}

/* Halves of a long row: the low ones times their weights first. */
SK_INLINE __m128 mesh_fold(v8 a, v8 w)
{
    return v4_fma(v8_high(a), v8_high(w), _mm_mul_ps(v8_low(a), v8_low(w)));
}

SK_INLINE __m128 mesh_gather_8(int order, const struct mesh_gathering *m, const struct sk_mesh_atom *atom)
{
    float w[2][8], s[2][8];
    for (int d = 0; d < 2; d++) {
        v8_store(w[d], mesh_weights(&m->value, order, v8_set(atom->t[d])));
        v8_store(s[d], mesh_weights(&m->slope, order - 1, v8_set(atom->t[d])));
    }
    const float *plane = m->grid + atom->place;
    v8 sum = v8_set(0.0f), along_x = sum, along_y = sum;
    for (int i = 0; i < order; i++, plane += m->shape->plane) {
        const float *at = plane;
        v8 a = v8_set(0.0f), b = a;
        _Pragma("GCC unroll 6") for (int j = 0; j < order; j++, at += m->shape->row)
        {
            const v8 potential = v8_load(at);
            a = v8_fma(potential, v8_set(w[1][j]), a);
            b = v8_fma(potential, v8_set(s[1][j]), b);
        }
        sum = v8_fma(a, v8_set(w[0][i]), sum);
        along_x = v8_fma(a, v8_set(s[0][i]), along_x);
        along_y = v8_fma(b, v8_set(w[0][i]), along_y);
    }
    const v8 wz = mesh_weights(&m->value, order, v8_set(atom->t[2]));
    const v8 sz = mesh_weights(&m->slope, order - 1, v8_set(atom->t[2]));
    return mesh_sum_lanes(mesh_fold(along_x, wz), mesh_fold(along_y, wz), mesh_fold(sum, sz));
}

/* Weights of a few atoms, then their gradients, then forces: of chains of operations this long a processor overlaps
 * more if they are apart. */
SK_INLINE void mesh_gather(int order, const struct mesh_gathering *m, const struct sk_mesh_atom *atoms, int n,
                           const double *charge, int64_t (*force)[3])
{
    v8 w[MESH_FEW][3];
    __m128 gradient[MESH_FEW];
    for (; n > 0; n -= MESH_FEW, atoms += MESH_FEW, charge += MESH_FEW, force += MESH_FEW) {
        const int few = n < MESH_FEW ? n : MESH_FEW;
        for (int i = 0; i < few && order == 4; i++) {
            const v8 t = v8_load_both(atoms[i].t);
            w[i][0] = mesh_weights(&m->value, 4, v8_splat(t, 0, 0));
            w[i][1] = mesh_weights(&m->value, 4, v8_splat(t, 1, 1));
            w[i][2] = mesh_weights(&m->value, 4, v8_splat(t, 2, 2));
        }
        for (int i = 0; i < few; i++)
            gradient[i] = order == 4 ? mesh_gather_4(m, &atoms[i], w[i]) : mesh_gather_8(order, m, &atoms[i]);
        for (int i = 0; i < few; i++)
            mesh_add_force(gradient[i], &m->frame, charge[i], force[i]);
    }
}

void VARIANT(gather)(const struct sk_spline *spline, const struct sk_mesh_atom *atoms, int n,
                     const struct sk_mesh_shape *shape, const float *grid, const double to_force[3][3],
                     const double *charge, int64_t (*force)[3])
{
    struct mesh_gathering m = {.shape = shape, .grid = grid};
    for (int e = 0; e < 3; e++) {
        m.frame.row[e][0] = _mm_loadu_pd(to_force[e]);
        m.frame.row[e][1] = _mm_load_sd(to_force[e] + 2);
    }
    for (int k = 0; k < spline->order; k++) {
        const __m128 value = mesh_value_column(spline, 0, k), slope = mesh_slope_column(spline, 0, k);
        m.value.power[k] = v8_join(value, spline->order == 4 ? slope : mesh_value_column(spline, 4, k));
        m.slope.power[k] = v8_join(slope, mesh_slope_column(spline, 4, k));
    }
    switch (spline->order) {
    case 4: mesh_gather(4, &m, atoms, n, charge, force); break;
    case 5: mesh_gather(5, &m, atoms, n, charge, force); break;
    default: mesh_gather(6, &m, atoms, n, charge, force); break;
    }
}
