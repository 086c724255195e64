#include "constrain/water.h"

#include <math.h>
#include <stdbool.h>

/* Pairs in this order: 0 apex-leg1, 1 apex-leg2, 2 leg1-leg2. With b1, b2 the old bonds of the legs, the old vector
 * of pair 2 is b2 - b1, and so every new pair vector is e_k = a_k + p_k b1 + q_k b2, where p, q are linear in the
 * multipliers (A and L are inverse masses of apex and leg):
 *   p_0 = (A + L) l0        + L l2     q_0 =        A l1 - L l2
 *   p_1 =  A      l0        - L l2     q_1 = (A + L) l1 + L l2
 * and pair 2 is the difference of 1 and 0. Scalar products with b1 and b2 are all that a step needs. */
#define MAX_STEPS 10
/* This runs once a molecule and step; without them -O2 calls and loops, and is 1.5 times slower. */
#define INLINE    static inline __attribute__((always_inline))
#define UNROLL    _Pragma("GCC unroll 3")
#define FINEST    1e-9 /* a looser one would seldom save a step, and leave errors of one sign, that is drift */

INLINE double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

void sk_water_init(struct sk_water *water, double mass_apex, double mass_leg, double apex_leg, double leg_leg,
                   double tolerance)
{
    water->mass_apex = mass_apex;
    water->mass_leg = mass_leg;
    water->apex_leg = apex_leg;
    water->leg_leg = leg_leg;
    water->tolerance = tolerance;
    water->inverse_apex = 1.0 / mass_apex;
    water->inverse_leg = 1.0 / mass_leg;
    water->leg_part = mass_leg / (mass_apex + 2.0 * mass_leg);
    water->limit = 0.5 * (tolerance < FINEST ? tolerance : FINEST);
    water->square[0] = water->square[1] = apex_leg * apex_leg;
    water->square[2] = leg_leg * leg_leg;
}

/* Fills row k of the matrix d(e_k . e_k / 2) / d(multipliers) from (e_k . b1, e_k . b2), for all k. */
INLINE void fill_matrix(const struct sk_water *water, const double eb[3][2], double m[3][3])
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
INLINE void invert(const double m[3][3], double inverse[3][3])
{
    const double c0 = m[1][1] * m[2][2] - m[1][2] * m[2][1];
    const double c1 = m[1][2] * m[2][0] - m[1][0] * m[2][2];
    const double c2 = m[1][0] * m[2][1] - m[1][1] * m[2][0];
    const double scale = 1.0 / (m[0][0] * c0 + m[0][1] * c1 + m[0][2] * c2);
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
INLINE double worse(double a, double b)
{
    return b > a || b != b ? b : a;
}

/* out[a] += or = 1/m_a times the sum of +-l b over the pairs of atom a; virial -= 1/2 sum l b (x) b. */
INLINE void apply(const struct sk_water *water, const double b[2][3], const double l[3], double out[3][3],
                  double virial[3][3])
{
    UNROLL
    for (int i = 0; i < 3; i++) {
        const double f0 = l[0] * b[0][i], f1 = l[1] * b[1][i], f2 = l[2] * (b[1][i] - b[0][i]);
        out[0][i] -= water->inverse_apex * (f0 + f1);
        out[1][i] += water->inverse_leg * (f0 - f2);
        out[2][i] += water->inverse_leg * (f1 + f2);
        UNROLL
        for (int j = 0; j < 3; j++)
            virial[i][j] -= 0.5 * (f0 * b[0][j] + f1 * b[1][j] + f2 * (b[1][j] - b[0][j]));
    }
}

/* The steps in the plane, p and q of every pair, that multipliers l make. */
INLINE void plane_steps(const struct sk_water *water, const double l[3], double p[3], double q[3])
{
    const double apex = water->inverse_apex, leg = water->inverse_leg, both = apex + leg;
    p[0] = both * l[0] + leg * l[2];
    q[0] = apex * l[1] - leg * l[2];
    p[1] = apex * l[0] - leg * l[2];
    q[1] = both * l[1] + leg * l[2];
    p[2] = p[1] - p[0];
    q[2] = q[1] - q[0];
}

/* Scalar products of a triangle's problem: all that find_multipliers works on. */
struct gram {
    double g11, g12, g22; /* of the old bonds */
    double ab[3][2];      /* of the drifted pair vectors with the old bonds */
    double square[3];     /* of the drifted pair vectors with themselves */
};

INLINE void gram_fill(struct gram *gram, const double before[2][3], const double after[3][3])
{
    gram->g11 = dot(before[0], before[0]);
    gram->g12 = dot(before[0], before[1]);
    gram->g22 = dot(before[1], before[1]);
    UNROLL
    for (int j = 0; j < 2; j++) {
        gram->ab[0][j] = dot(after[0], before[j]);
        gram->ab[1][j] = dot(after[1], before[j]);
        gram->ab[2][j] = gram->ab[1][j] - gram->ab[0][j];
    }
    UNROLL
    for (int k = 0; k < 3; k++)
        gram->square[k] = dot(after[k], after[k]);
}

/* Improves the multipliers l. The equations are quadratic, so what a Newton step leaves is known exactly, and
 * removing it with the same inverse makes convergence cubic (Chebyshev's method): two steps for a thermal displacement.
 * Returns whether l reached a root, and the right one of the four: continuous with no displacement at all, the new
 * triangle faces as the old one (normals) and is turned by less than a right angle (sum of m r_old . r_new). */
static bool find_multipliers(const struct sk_water *water, const struct gram *g, double l[3])
{
    double p[3], q[3], eb[3][2], m[3][3], inverse[3][3], r[3];
    for (int step = 0;; step++) {
        bool is_small = true;
        plane_steps(water, l, p, q);
        UNROLL
        for (int k = 0; k < 3; k++) {
            eb[k][0] = g->ab[k][0] + p[k] * g->g11 + q[k] * g->g12;
            eb[k][1] = g->ab[k][1] + p[k] * g->g12 + q[k] * g->g22;
            r[k] = water->square[k] - g->square[k] - p[k] * (g->ab[k][0] + eb[k][0]) - q[k] * (g->ab[k][1] + eb[k][1]);
            r[k] *= 0.5;
            is_small = is_small && fabs(r[k]) <= water->limit * water->square[k];
        }
        if (is_small)
            break;
        if (step == MAX_STEPS)
            return false;
        fill_matrix(water, eb, m);
        invert(m, inverse);
        const double first[3] = {dot(inverse[0], r), dot(inverse[1], r), dot(inverse[2], r)};
        plane_steps(water, first, p, q);
        UNROLL
        for (int k = 0; k < 3; k++)
            r[k] = 0.5 * (p[k] * (p[k] * g->g11 + 2.0 * q[k] * g->g12) + q[k] * q[k] * g->g22);
        UNROLL
        for (int k = 0; k < 3; k++)
            l[k] += first[k] - dot(inverse[k], r);
    }
    double normals = eb[0][0] * eb[1][1] - eb[0][1] * eb[1][0];
    double all = eb[0][0] + eb[0][1] + eb[1][0] + eb[1][1];
    return normals > 0.0 && eb[0][0] + eb[1][1] - water->leg_part * all > 0.0;
}

/* Axes of the old plane: z its normal, x and y in it with the drifted apex above the centre of mass along y.
 * place: the drifted atoms from their centre of mass, in these axes. */
struct frame {
    double axis[3][3];
    double place[3][3];
    double area; /* of the old parallelogram: |b1 x b2| */
};

static void cross(const double a[3], const double b[3], double out[3])
{
    for (int i = 0; i < 3; i++)
        out[i] = a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3];
}

/* Returns false if the old triangle is a line or the drifted apex is above its own centre of mass. */
static bool frame_fill(const struct sk_water *water, struct frame *f, const double b[2][3], const double after[2][3])
{
    double from[3][3];
    for (int i = 0; i < 3; i++) {
        const double com = water->leg_part * (after[0][i] + after[1][i]);
        from[0][i] = -com;
        from[1][i] = after[0][i] - com;
        from[2][i] = after[1][i] - com;
    }
    cross(b[0], b[1], f->axis[2]);
    cross(from[0], f->axis[2], f->axis[0]);
    f->area = sqrt(dot(f->axis[2], f->axis[2]));
    const double width = sqrt(dot(f->axis[0], f->axis[0]));
    if (!(f->area > 0.0) || !(width > 0.0))
        return false;
    for (int i = 0; i < 3; i++) {
        f->axis[2][i] /= f->area;
        f->axis[0][i] /= width;
    }
    cross(f->axis[2], f->axis[0], f->axis[1]);
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < 3; i++)
            f->place[k][i] = dot(from[k], f->axis[i]);
    return true;
}

/* The closed form of SETTLE, for displacements that find_multipliers does not manage from zero. Heights above
 * the old plane stay as they are; they fix the two tilts (sin_apex, sin_legs) of the new triangle, and the turn in
 * the plane follows from the torque about the old apex, which constraint forces do not change. The old
 * triangle need not be rigid. Returns false if no rigid triangle fits. */
static bool closed_form(const struct sk_water *water, const double b[2][3], const double after[2][3], double l[3])
{
    struct frame f;
    if (!frame_fill(water, &f, b, after))
        return false;
    const double half = 0.5 * water->leg_leg, height = sqrt(water->square[0] - half * half);
    const double ra = 2.0 * water->leg_part * height, rb = height - ra;
    const double sin_apex = f.place[0][2] / ra, cos_apex = sqrt(1.0 - sin_apex * sin_apex);
    const double sin_legs = (f.place[1][2] - f.place[2][2]) / (2.0 * half * cos_apex);
    const double cos_legs = sqrt(1.0 - sin_legs * sin_legs), lift = half * sin_legs * sin_apex;
    /* Legs in x and y after the tilts; a turn by theta keeps the torque: alpha sin + beta cos = gamma. */
    const double p[2][2] = {{-half * cos_legs, -rb * cos_apex - lift}, {half * cos_legs, -rb * cos_apex + lift}};
    double old[2][2], alpha = 0.0, beta = 0.0, gamma = 0.0;
    for (int k = 0; k < 2; k++) {
        old[k][0] = dot(b[k], f.axis[0]);
        old[k][1] = dot(b[k], f.axis[1]);
        alpha += old[k][0] * p[k][0] + old[k][1] * p[k][1];
        beta += old[k][0] * p[k][1] - old[k][1] * p[k][0];
        gamma += old[k][0] * f.place[k + 1][1] - old[k][1] * f.place[k + 1][0];
    }
    const double norm = alpha * alpha + beta * beta, root = sqrt(norm - gamma * gamma);
    if (!(root >= 0.0)) /* also if a sine above was larger than 1 */
        return false;
    const double sine = (alpha * gamma - beta * root) / norm, cosine = (beta * gamma + alpha * root) / norm;
    /* Forces on the legs, (l0 + l2) b1 - l2 b2 and -l2 b1 + (l1 + l2) b2, by Cramer's rule in the plane. */
    double force[2][2];
    for (int k = 0; k < 2; k++) {
        force[k][0] = water->mass_leg * (cosine * p[k][0] - sine * p[k][1] - f.place[k + 1][0]);
        force[k][1] = water->mass_leg * (sine * p[k][0] + cosine * p[k][1] - f.place[k + 1][1]);
    }
    l[2] = -(old[0][0] * force[0][1] - old[0][1] * force[0][0]) / f.area;
    l[0] = (force[0][0] * old[1][1] - force[0][1] * old[1][0]) / f.area - l[2];
    l[1] = (old[0][0] * force[1][1] - old[0][1] * force[1][0]) / f.area - l[2];
    return true;
}

double sk_water_positions(const struct sk_water *water, const double before[2][3], const double after[2][3],
                          double correction[3][3], double lambda[3], double virial[3][3])
{
    struct gram gram;
    double e[3][3], worst = 0.0;
    UNROLL
    for (int i = 0; i < 3; i++) {
        e[0][i] = after[0][i];
        e[1][i] = after[1][i];
        e[2][i] = after[1][i] - after[0][i];
        lambda[i] = correction[0][i] = correction[1][i] = correction[2][i] = 0.0;
    }
    gram_fill(&gram, before, e);
    if (!find_multipliers(water, &gram, lambda)) {
        if (closed_form(water, before, after, lambda))
            find_multipliers(water, &gram, lambda);
        else
            lambda[0] = lambda[1] = lambda[2] = 0.0;
    }
    apply(water, before, lambda, correction, virial);
    UNROLL
    for (int i = 0; i < 3; i++) {
        e[0][i] = after[0][i] + (correction[1][i] - correction[0][i]);
        e[1][i] = after[1][i] + (correction[2][i] - correction[0][i]);
        e[2][i] = e[1][i] - e[0][i];
    }
    UNROLL
    for (int k = 0; k < 3; k++)
        worst = worse(worst, fabs(dot(e[k], e[k]) - water->square[k]) / (2.0 * water->square[k]));
    return worst;
}

double sk_water_velocities(const struct sk_water *water, const double bond[2][3], double v[3][3], double mu[3],
                           double virial[3][3])
{
    double b[3][3], bb[3][2], m[3][3], inverse[3][3], r[3], worst = 0.0;
    UNROLL
    for (int i = 0; i < 3; i++) {
        b[0][i] = bond[0][i];
        b[1][i] = bond[1][i];
        b[2][i] = bond[1][i] - bond[0][i];
    }
    UNROLL
    for (int k = 0; k < 3; k++) {
        const double *first = v[k / 2], *second = v[k == 0 ? 1 : 2];
        const double u[3] = {second[0] - first[0], second[1] - first[1], second[2] - first[2]};
        bb[k][0] = dot(b[k], b[0]);
        bb[k][1] = dot(b[k], b[1]);
        r[k] = -dot(b[k], u);
    }
    fill_matrix(water, bb, m);
    invert(m, inverse);
    UNROLL
    for (int k = 0; k < 3; k++)
        mu[k] = dot(inverse[k], r);
    apply(water, bond, mu, v, virial);
    UNROLL
    for (int k = 0; k < 3; k++) {
        const double *first = v[k / 2], *second = v[k == 0 ? 1 : 2];
        const double u[3] = {second[0] - first[0], second[1] - first[1], second[2] - first[2]};
        worst = worse(worst, fabs(dot(b[k], u)) / dot(b[k], b[k]));
    }
    return worst;
}
