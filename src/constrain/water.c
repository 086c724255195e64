#include "constrain/water.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define FINEST 1e-9 /* a looser one would seldom save a step, and leave errors of one sign, that is drift */

static double dot(const double a[3], const double b[3])
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

/* The closed form of SETTLE, for displacements that the kernel does not manage from zero. Heights above
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

/* The lane's pair vectors after the drift; relative error of the worst of their lengths. */
static double drifted_error(const struct sk_water *water, const double after[2][3])
{
    double e[3][3], worst = 0.0;
    for (int i = 0; i < 3; i++) {
        e[0][i] = after[0][i];
        e[1][i] = after[1][i];
        e[2][i] = after[1][i] - after[0][i];
    }
    for (int k = 0; k < 3; k++) {
        const double error = fabs(dot(e[k], e[k]) - water->square[k]) / (2.0 * water->square[k]);
        worst = error > worst || error != error ? error : worst;
    }
    return worst;
}

/* Lane l starts from the closed form; false if there is none. */
static bool lane_restart(const struct sk_water *water, struct sk_water_lanes *lanes, int l)
{
    double before[2][3], after[2][3], start[3] = {0.0};
    for (int k = 0; k < 6; k++) {
        before[k / 3][k % 3] = lanes->before[k / 3][k % 3][l];
        after[k / 3][k % 3] = lanes->after[k / 3][k % 3][l];
    }
    const bool has_form = closed_form(water, (const double(*)[3])before, (const double(*)[3])after, start);
    for (int k = 0; k < 3; k++)
        lanes->lambda[k][l] = start[k];
    return has_form;
}

/* Lane l stays where the drift has brought it. */
static void lane_give_up(const struct sk_water *water, struct sk_water_lanes *lanes, int l)
{
    double after[2][3];
    for (int k = 0; k < 3; k++) {
        after[0][k] = lanes->after[0][k][l];
        after[1][k] = lanes->after[1][k][l];
        lanes->lambda[k][l] = lanes->virial[k][l] = 0.0;
        for (int a = 0; a < 3; a++)
            lanes->change[a][k][l] = 0.0;
    }
    lanes->worst[l] = drifted_error(water, (const double(*)[3])after);
}

void sk_water_positions(const struct sk_kernel_variant *variant, const struct sk_water *water,
                        struct sk_water_lanes *lanes)
{
    memset(lanes->lambda, 0, sizeof lanes->lambda);
    const unsigned missed = variant->water_positions(water, lanes);
    if (!missed)
        return;
    unsigned hopeless = 0;
    for (int l = 0; l < SK_WATER_LANES; l++)
        if (missed >> l & 1 && !lane_restart(water, lanes, l))
            hopeless |= 1u << l;
    variant->water_positions(water, lanes); /* lanes that have a root keep it */
    for (int l = 0; l < SK_WATER_LANES; l++)
        if (hopeless >> l & 1)
            lane_give_up(water, lanes, l);
}
