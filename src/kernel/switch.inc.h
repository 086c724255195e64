/* Switched Lennard-Jones (switch.h) in float, on registers of the pair kernel; included by variant.c. The kind is the
 * same for all pairs of a run, so that asking for it costs little, and three kinds take no more modes than one.
 * Order of operations, the same in every variant (and in the scalar loop of the tests), after r6 and g =
 * fma(c12, r6, -c6) of pair.inc.h, with rinv = sqrt(rinv2) and r = r2 * rinv, which is a distance over r2_scale:
 *   force      x = max(fma(r, r2_scale, -start), 0);
 *              bend = fma(c12, fma(x, c3[1], c2[1]), -(c6 * fma(x, c3[0], c2[0])));
 *              fma((x * x) * rinv, bend, g * (r6 * rinv2))
 *   potential  y = min(fma(r, fall, top), 1); h = y - y * y;
 *              factor = ((y * y) * y) * fma(y, fma(6, y, -15), 10); slope = (h * h) * (rinv * steep);
 *              fma(g * factor, rinv2, (g - c6) * slope) * r6
 *   charmm     y = min(fma(r2, fall, top), 1); h = y - y * y;
 *              factor = (y * y) * fma(-2, y, 3); slope = h * steep; the last line as above */
#include "kernel/switch.h"

struct switch_constants {
    enum sk_switch_kind kind;
    float r2_scale, start, c2[2], c3[2]; /* force */
    float fall, top, steep;              /* the others */
};

static void switch_constants_set(struct switch_constants *c, const struct sk_switch *s, float r2_scale)
{
    const double width = s->end - s->start, width2 = width * (s->end + s->start);
    const int is_charmm = s->kind == SK_SWITCH_CHARMM;
    c->kind = s->kind;
    c->r2_scale = r2_scale;
    c->start = (float)s->start;
    for (int k = 0; k < 2; k++) {
        c->c2[k] = (float)s->c2[k];
        c->c3[k] = (float)s->c3[k];
    }
    c->fall = (float)(-(double)r2_scale / (is_charmm ? width2 : width));
    c->top = (float)(is_charmm ? s->end * s->end / width2 : s->end / width);
    c->steep = (float)(is_charmm ? 1.0 / width2 : 30.0 / 12.0 / width);
}

/* F/r; r2 in quanta^2, rinv2 in length^-2. */
SK_OUTLINE vf switch_force(const struct switch_constants *s, vf r2, vf rinv2, vf c6, vf c12)
{
    const vf r6 = vf_mul(vf_mul(rinv2, rinv2), rinv2), g = vf_fms(c12, r6, c6);
    vf factor, slope;
    if (s->kind == SK_SWITCH_CHARMM) {
        const vf y = vf_min(vf_fma(r2, vf_set(s->fall), vf_set(s->top)), vf_set(1.0f)), y2 = vf_mul(y, y);
        factor = vf_mul(y2, vf_fma(vf_set(-2.0f), y, vf_set(3.0f)));
        slope = vf_mul(vf_sub(y, y2), vf_set(s->steep));
    } else {
        const vf rinv = vf_sqrt(rinv2), r = vf_mul(r2, rinv);
        if (s->kind == SK_SWITCH_FORCE) {
            const vf x = vf_max(vf_fms(r, vf_set(s->r2_scale), vf_set(s->start)), vf_set(0.0f));
            const vf attraction = vf_mul(c6, vf_fma(x, vf_set(s->c3[0]), vf_set(s->c2[0])));
            const vf bend = vf_fms(c12, vf_fma(x, vf_set(s->c3[1]), vf_set(s->c2[1])), attraction);
            return vf_fma(vf_mul(vf_mul(x, x), rinv), bend, vf_mul(g, vf_mul(r6, rinv2)));
        }
        const vf y = vf_min(vf_fma(r, vf_set(s->fall), vf_set(s->top)), vf_set(1.0f)), y2 = vf_mul(y, y);
        const vf h = vf_sub(y, y2), inner = vf_fms(vf_set(6.0f), y, vf_set(15.0f));
        factor = vf_mul(vf_mul(y2, y), vf_fma(y, inner, vf_set(10.0f)));
        slope = vf_mul(vf_mul(h, h), vf_mul(rinv, vf_set(s->steep)));
    }
    return vf_mul(vf_fma(vf_mul(g, factor), rinv2, vf_mul(vf_sub(g, c6), slope)), r6);
}
