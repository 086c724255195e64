/* The loops of water.h; included by variant.c, which compiles them for one instruction set.
 * With b1, b2 the old bonds of the legs, the old vector of pair 2 is b2 - b1, and so every new pair vector is
 * e_k = a_k + p_k b1 + q_k b2, where p, q are linear in the multipliers (A and L are inverse masses of apex and leg):
 *   p_0 = (A + L) l0        + L l2     q_0 =        A l1 - L l2
 *   p_1 =  A      l0        - L l2     q_1 = (A + L) l1 + L l2
 * and pair 2 is the difference of 1 and 0. Scalar products with b1 and b2 are all that a step needs. */
#include "kernel/water.h"

sk_water_positions_kernel VARIANT(water_positions);
sk_water_velocities_kernel VARIANT(water_velocities);

#define WATER_MAX_STEPS         10
#define WATER_UNROLL            _Pragma("GCC unroll 3")
#define WATER_BLOCKS            (SK_WATER_LANES / LANES_WIDTH)
#define WATER_ROW(array, block) (((vd *)(void *)(array))[block]) /* one vector of [LANES] */

LANES_INLINE vd water_dot(const vd a[3], const vd b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* Row k of the matrix d(e_k . e_k / 2) / d(multipliers) from (e_k . b1, e_k . b2), for all k. */
LANES_INLINE void water_matrix(const struct sk_water *water, const vd eb[3][2], vd m[3][3])
{
    const double apex = water->inverse_apex, leg = water->inverse_leg, both = apex + leg;
    m[0][0] = both * eb[0][0];
    m[0][1] = apex * eb[0][1];
    m[0][2] = leg * (eb[0][0] - eb[0][1]);
    m[1][0] = apex * eb[1][0];
    m[1][1] = both * eb[1][1];
    m[1][2] = leg * (eb[1][1] - eb[1][0]);
    m[2][0] = -leg * eb[2][0];
    m[2][1] = leg * eb[2][1];
    m[2][2] = 2.0 * leg * (eb[2][1] - eb[2][0]);
}

/* Adjugate and one division. A singular matrix gives infinities or NaN, which the caller's check sees. */
LANES_INLINE void water_invert(const vd m[3][3], vd inverse[3][3])
{
    const vd c0 = m[1][1] * m[2][2] - m[1][2] * m[2][1];
    const vd c1 = m[1][2] * m[2][0] - m[1][0] * m[2][2];
    const vd c2 = m[1][0] * m[2][1] - m[1][1] * m[2][0];
    const vd scale = 1.0 / (m[0][0] * c0 + m[0][1] * c1 + m[0][2] * c2);
    inverse[0][0] = scale * c0;
    inverse[1][0] = scale * c1;
    inverse[2][0] = scale * c2;
    inverse[0][1] = scale * (m[0][2] * m[2][1] - m[0][1] * m[2][2]);
    inverse[1][1] = scale * (m[0][0] * m[2][2] - m[0][2] * m[2][0]);
    inverse[2][1] = scale * (m[0][1] * m[2][0] - m[0][0] * m[2][1]);
    inverse[0][2] = scale * (m[0][1] * m[1][2] - m[0][2] * m[1][1]);
    inverse[1][2] = scale * (m[0][2] * m[1][0] - m[0][0] * m[1][2]);
    inverse[2][2] = scale * (m[0][0] * m[1][1] - m[0][1] * m[1][0]);
}

/* The larger of the two; NaN if either is. */
LANES_INLINE vd water_worse(vd a, vd b)
{
    return LANES_PICK((b > a) | (b != b), b, a);
}

/* out[a] += 1/m_a times the sum of +-l b over the pairs of atom a; virial -= 1/2 sum l b b, along axes. */
LANES_INLINE void water_apply(const struct sk_water *water, const vd b[2][3], const vd l[3], vd out[3][3], vd virial[3])
{
    WATER_UNROLL
    for (int i = 0; i < 3; i++) {
        const vd f0 = l[0] * b[0][i], f1 = l[1] * b[1][i], f2 = l[2] * (b[1][i] - b[0][i]);
        out[0][i] -= water->inverse_apex * (f0 + f1);
        out[1][i] += water->inverse_leg * (f0 - f2);
        out[2][i] += water->inverse_leg * (f1 + f2);
        virial[i] -= 0.5 * (f0 * b[0][i] + f1 * b[1][i] + f2 * (b[1][i] - b[0][i]));
    }
}

/* The steps in the plane, p and q of every pair, that multipliers l make. */
LANES_INLINE void water_steps(const struct sk_water *water, const vd l[3], vd p[3], vd q[3])
{
    const double apex = water->inverse_apex, leg = water->inverse_leg, both = apex + leg;
    p[0] = both * l[0] + leg * l[2];
    q[0] = apex * l[1] - leg * l[2];
    p[1] = apex * l[0] - leg * l[2];
    q[1] = both * l[1] + leg * l[2];
    p[2] = p[1] - p[0];
    q[2] = q[1] - q[0];
}

/* Scalar products of a triangle's problem: all that water_multipliers works on. */
struct water_gram {
    vd g11, g12, g22; /* of the old bonds */
    vd ab[3][2];      /* of the drifted pair vectors with the old bonds */
    vd square[3];     /* of the drifted pair vectors with themselves */
};

LANES_INLINE void water_gram_fill(struct water_gram *gram, const vd before[2][3], const vd after[3][3])
{
    gram->g11 = water_dot(before[0], before[0]);
    gram->g12 = water_dot(before[0], before[1]);
    gram->g22 = water_dot(before[1], before[1]);
    WATER_UNROLL
    for (int j = 0; j < 2; j++) {
        gram->ab[0][j] = water_dot(after[0], before[j]);
        gram->ab[1][j] = water_dot(after[1], before[j]);
        gram->ab[2][j] = gram->ab[1][j] - gram->ab[0][j];
    }
    WATER_UNROLL
    for (int k = 0; k < 3; k++)
        gram->square[k] = water_dot(after[k], after[k]);
}

/* Bits of the lanes whose mask is set. */
LANES_INLINE unsigned water_bits(vl mask)
{
    unsigned bits = 0;
    for (int lane = 0; lane < LANES_WIDTH; lane++)
        bits |= (unsigned)(mask[lane] & 1) << lane;
    return bits;
}

/* Improves the multipliers l. The equations are quadratic, so what a Newton step leaves is known exactly, and removing
 * it with the same inverse makes convergence cubic (Chebyshev's method): two steps for a thermal displacement. Returns
 * the lanes that reached a root, and the right one of the four: continuous with no displacement at all, the new
 * triangle faces as the old one (normals) and is turned by less than a right angle (sum of m r_old . r_new). */
LANES_INLINE vl water_multipliers(const struct sk_water *water, const struct water_gram *g, vd l[3])
{
    vd p[3], q[3], eb[3][2], m[3][3], inverse[3][3], r[3];
    vl is_small, is_active;
    for (int step = 0;; step++) {
        is_small = (vl){0} == 0;
        water_steps(water, l, p, q);
        WATER_UNROLL
        for (int k = 0; k < 3; k++) {
            eb[k][0] = g->ab[k][0] + p[k] * g->g11 + q[k] * g->g12;
            eb[k][1] = g->ab[k][1] + p[k] * g->g12 + q[k] * g->g22;
            r[k] = water->square[k] - g->square[k] - p[k] * (g->ab[k][0] + eb[k][0]) - q[k] * (g->ab[k][1] + eb[k][1]);
            r[k] *= 0.5;
            is_small &= LANES_MAGNITUDE(r[k]) <= water->limit * water->square[k];
        }
        is_active = ~is_small;
        if (step == WATER_MAX_STEPS || !lanes_any(&is_active))
            break;
        water_matrix(water, (const vd(*)[2])eb, m);
        water_invert((const vd(*)[3])m, inverse);
        const vd first[3] = {water_dot(inverse[0], r), water_dot(inverse[1], r), water_dot(inverse[2], r)};
        water_steps(water, first, p, q);
        WATER_UNROLL
        for (int k = 0; k < 3; k++)
            r[k] = 0.5 * (p[k] * (p[k] * g->g11 + 2.0 * q[k] * g->g12) + q[k] * q[k] * g->g22);
        WATER_UNROLL
        for (int k = 0; k < 3; k++)
            l[k] = LANES_PICK(is_small, l[k], l[k] + (first[k] - water_dot(inverse[k], r)));
    }
    const vd normals = eb[0][0] * eb[1][1] - eb[0][1] * eb[1][0];
    const vd sum = eb[0][0] + eb[0][1] + eb[1][0] + eb[1][1];
    return is_small & (normals > 0.0) & (eb[0][0] + eb[1][1] - water->leg_part * sum > 0.0);
}

/* Lanes of one vector; returns those that found a root. */
LANES_INLINE unsigned water_positions_block(const struct sk_water *water, struct sk_water_lanes *lanes, int block)
{
    struct water_gram gram;
    vd before[2][3], e[3][3], l[3], change[3][3], virial[3], worst = {0};
    WATER_UNROLL
    for (int i = 0; i < 3; i++) {
        before[0][i] = WATER_ROW(lanes->before[0][i], block);
        before[1][i] = WATER_ROW(lanes->before[1][i], block);
        e[0][i] = WATER_ROW(lanes->after[0][i], block);
        e[1][i] = WATER_ROW(lanes->after[1][i], block);
        e[2][i] = e[1][i] - e[0][i];
        l[i] = WATER_ROW(lanes->lambda[i], block);
        change[0][i] = change[1][i] = change[2][i] = virial[i] = (vd){0};
    }
    water_gram_fill(&gram, (const vd(*)[3])before, (const vd(*)[3])e);
    const vl is_found = water_multipliers(water, &gram, l);
    water_apply(water, (const vd(*)[3])before, l, change, virial);
    WATER_UNROLL
    for (int i = 0; i < 3; i++) {
        e[0][i] += change[1][i] - change[0][i];
        e[1][i] += change[2][i] - change[0][i];
        e[2][i] = e[1][i] - e[0][i];
        WATER_ROW(lanes->lambda[i], block) = l[i];
        WATER_ROW(lanes->virial[i], block) = virial[i];
        WATER_UNROLL
        for (int a = 0; a < 3; a++)
            WATER_ROW(lanes->change[a][i], block) = change[a][i];
    }
    WATER_UNROLL
    for (int k = 0; k < 3; k++) {
        const vd error = water_dot(e[k], e[k]) - water->square[k];
        worst = water_worse(worst, LANES_MAGNITUDE(error) / (2.0 * water->square[k]));
    }
    WATER_ROW(lanes->worst, block) = worst;
    return water_bits(is_found);
}

unsigned VARIANT(water_positions)(const struct sk_water *water, struct sk_water_lanes *lanes)
{
    unsigned found = 0;
    for (int block = 0; block < WATER_BLOCKS; block++)
        found |= water_positions_block(water, lanes, block) << (LANES_WIDTH * block);
    return found ^ ((1u << SK_WATER_LANES) - 1);
}

LANES_INLINE void water_velocities_block(const struct sk_water *water, struct sk_water_lanes *lanes, int block)
{
    vd b[3][3], v[3][3], bb[3][2], m[3][3], inverse[3][3], r[3], u[3], mu[3], virial[3], worst = {0};
    WATER_UNROLL
    for (int i = 0; i < 3; i++) {
        b[0][i] = WATER_ROW(lanes->before[0][i], block);
        b[1][i] = WATER_ROW(lanes->before[1][i], block);
        b[2][i] = b[1][i] - b[0][i];
        virial[i] = (vd){0};
        WATER_UNROLL
        for (int a = 0; a < 3; a++)
            v[a][i] = WATER_ROW(lanes->change[a][i], block);
    }
    WATER_UNROLL
    for (int k = 0; k < 3; k++) {
        WATER_UNROLL
        for (int i = 0; i < 3; i++)
            u[i] = v[k == 0 ? 1 : 2][i] - v[k / 2][i];
        bb[k][0] = water_dot(b[k], b[0]);
        bb[k][1] = water_dot(b[k], b[1]);
        r[k] = -water_dot(b[k], u);
    }
    water_matrix(water, (const vd(*)[2])bb, m);
    water_invert((const vd(*)[3])m, inverse);
    WATER_UNROLL
    for (int k = 0; k < 3; k++)
        mu[k] = water_dot(inverse[k], r);
    water_apply(water, (const vd(*)[3])b, mu, v, virial);
    WATER_UNROLL
    for (int k = 0; k < 3; k++) {
        WATER_UNROLL
        for (int i = 0; i < 3; i++)
            u[i] = v[k == 0 ? 1 : 2][i] - v[k / 2][i];
        const vd along = water_dot(b[k], u);
        worst = water_worse(worst, LANES_MAGNITUDE(along) / water_dot(b[k], b[k]));
    }
    WATER_UNROLL
    for (int i = 0; i < 3; i++) {
        WATER_ROW(lanes->lambda[i], block) = mu[i];
        WATER_ROW(lanes->virial[i], block) = virial[i];
        WATER_UNROLL
        for (int a = 0; a < 3; a++)
            WATER_ROW(lanes->change[a][i], block) = v[a][i];
    }
    WATER_ROW(lanes->worst, block) = worst;
}

void VARIANT(water_velocities)(const struct sk_water *water, struct sk_water_lanes *lanes)
{
    for (int block = 0; block < WATER_BLOCKS; block++)
        water_velocities_block(water, lanes, block);
}
