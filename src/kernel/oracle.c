/* The oracle in double. A block of partners j at a time, a cheap test on the leading 32 bits of the
 * fractions finds candidates (wrapping differences in float, with a margin for what they lose);
 * candidates are computed from all 64 bits. */
#include "kernel/pair.h"

#include <math.h>
#include <stddef.h>

#include "base/math.h"

#define TWO_OVER_SQRT_PI 1.12837916709551257390

enum { BLOCK = 512, GROUP = 32 }; /* partners in a block (on the stack), partners tested together */

struct oracle_block {
    int32_t x[3][BLOCK]; /* leading bits of the fractions */
    int start, count;
};

struct oracle {
    const sk_frac (*x)[3];
    const struct sk_box *box;
    const int32_t *type;
    const double *charge;
    const int64_t *excluded_start;
    const int32_t *excluded;
    const struct sk_pair_parameters *p;
    double (*force)[3];
    long double *energy;
    double (*virial)[3];
    double cutoff2; /* the larger one */
};

static void block_fill(struct oracle_block *block, const sk_frac (*x)[3], int start, int count)
{
    block->start = start;
    block->count = count;
    for (int k = 0; k < 3; k++) {
        for (int j = 0; j < count; j++)
            block->x[k][j] = (int32_t)(uint32_t)(x[start + j][k] >> 32);
        for (int j = count; j < BLOCK; j++)
            block->x[k][j] = 0;
    }
}

/* The box for differences of leading bits. */
struct fast_box {
    float edge[3], tilt[3];
};

/* Sets near[l] for the GROUP partners from `first` of the block that may be in range; returns how many. */
static int group_near(const struct oracle_block *block, int first, const int32_t xi[3], const struct fast_box *box,
                      float limit, int32_t near[GROUP])
{
    const int32_t *x = block->x[0] + first, *y = block->x[1] + first, *z = block->x[2] + first;
    int32_t count = 0;
    for (int l = 0; l < GROUP; l++) {
        float sx = (float)(int32_t)((uint32_t)xi[0] - (uint32_t)x[l]);
        float sy = (float)(int32_t)((uint32_t)xi[1] - (uint32_t)y[l]);
        float sz = (float)(int32_t)((uint32_t)xi[2] - (uint32_t)z[l]);
        float dx = sx * box->edge[0] + (sy * box->tilt[0] + sz * box->tilt[1]);
        float dy = sy * box->edge[1] + sz * box->tilt[2], dz = sz * box->edge[2];
        near[l] = dx * dx + dy * dy + dz * dz < limit;
        count += near[l];
    }
    return count;
}

static int oracle_is_excluded(const struct oracle *o, int i, int j)
{
    if (!o->excluded_start)
        return 0;
    for (int64_t k = o->excluded_start[i]; k < o->excluded_start[i + 1]; k++)
        if (o->excluded[k] == j)
            return 1;
    return 0;
}

/* Adds the energy of a pair in range; returns F/r. pair: index in the tables of types. */
static double oracle_lj(const struct sk_pair_parameters *p, size_t pair, double r2, long double *energy)
{
    const double rinv2 = 1.0 / r2, r6 = rinv2 * rinv2 * rinv2, c6 = p->c6[pair], c12 = p->c12[pair];
    if (c6 == 0.0 && c12 == 0.0)
        return 0.0;
    if (p->vdw_switch.kind == SK_SWITCH_NONE) {
        *energy += (c12 * r6 - c6) * r6 + p->lj_shift[pair];
        return (12.0 * c12 * r6 - 6.0 * c6) * r6 * rinv2;
    }
    const struct sk_switched powers = sk_switch_powers(&p->vdw_switch, r2);
    *energy += c12 * powers.energy[1] - c6 * powers.energy[0] + p->lj_shift[pair];
    return c12 * powers.force[1] - c6 * powers.force[0];
}

static void oracle_pair(const struct oracle *o, int i, int j)
{
    const struct sk_pair_parameters *p = o->p;
    double d[3];
    sk_box_difference(o->box, o->x[i], o->x[j], d);
    const double r2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
    if (!(r2 < o->cutoff2))
        return;
    const int is_excluded = oracle_is_excluded(o, i, j);
    const double rinv2 = 1.0 / r2, rinv = sqrt(rinv2);
    double s = 0.0;
    if (p->lj_rule != SK_LJ_NONE && !is_excluded && r2 < p->vdw_cutoff2_d)
        s = oracle_lj(p, (size_t)o->type[i] * (size_t)p->ntypes + (size_t)o->type[j], r2, &o->energy[0]);
    const double qq = p->has_coulomb ? p->coulomb * o->charge[i] * o->charge[j] : 0.0;
    if (qq != 0.0 && r2 < p->coulomb_cutoff2_d && (!is_excluded || p->is_reaction_field)) {
        /* an excluded pair keeps the field but not the 1/r */
        double direct = is_excluded ? 0.0 : rinv, force = direct * rinv2;
        if (p->is_ewald) {
            const double z = p->ewald_series->beta * r2 * rinv;
            direct = sk_erfc(z) * rinv;
            force = (direct + TWO_OVER_SQRT_PI * p->ewald_series->beta * sk_exp(-z * z)) * rinv2;
        }
        o->energy[1] += qq * (direct + p->k_rf * r2 - p->c_rf);
        s += qq * (force - 2.0 * p->k_rf);
    }
    if (is_excluded && r2 == 0.0)
        s = 0.0;
    for (int a = 0; a < 3; a++) {
        const double f = s * d[a];
        o->force[i][a] += f;
        o->force[j][a] -= f;
        for (int b = 0; b < 3; b++)
            o->virial[b][a] -= 0.5 * d[b] * f;
    }
}

static void oracle_row(const struct oracle *o, const struct oracle_block *block, int i, const struct fast_box *box,
                       float limit)
{
    const int32_t xi[3] = {(int32_t)(uint32_t)(o->x[i][0] >> 32), (int32_t)(uint32_t)(o->x[i][1] >> 32),
                           (int32_t)(uint32_t)(o->x[i][2] >> 32)};
    int first = i + 1 - block->start;
    first = first < 0 ? 0 : first / GROUP * GROUP;
    for (; first < block->count; first += GROUP) {
        int32_t near[GROUP];
        if (!group_near(block, first, xi, box, limit, near))
            continue;
        for (int l = 0; l < GROUP; l++) {
            const int j = block->start + first + l;
            if (near[l] && j > i && first + l < block->count)
                oracle_pair(o, i, j);
        }
    }
}

void sk_pair_oracle(int n, int first, int end, const sk_frac (*x)[3], const struct sk_box *box, const int32_t *type,
                    const double *charge, const int64_t *excluded_start, const int32_t *excluded,
                    const struct sk_pair_parameters *parameters, double (*force)[3], long double energy[2],
                    double virial[3][3])
{
    const struct sk_pair_parameters *p = parameters;
    const double vdw2 = p->lj_rule == SK_LJ_NONE ? 0.0 : p->vdw_cutoff2_d;
    const double coulomb2 = p->has_coulomb ? p->coulomb_cutoff2_d : 0.0;
    const struct oracle o = {
        x, box, type, charge, excluded_start, excluded, p, force, energy, virial, vdw2 > coulomb2 ? vdw2 : coulomb2};
    struct fast_box fast;
    /* float keeps 24 bits of a distance and the cut fractions 2^-32 of an edge */
    double lost = 0.0;
    for (int k = 0; k < 3; k++) {
        fast.edge[k] = (float)(box->edge[k] * 0x1p-32);
        fast.tilt[k] = (float)(box->tilt[k] * 0x1p-32);
        lost += 1e-8 * (box->edge[k] + fabs(box->tilt[k])) + 1e-6 * fabs(box->tilt[k]);
    }
    const double radius = sqrt(o.cutoff2) * (1.0 + 1e-5) + lost;
    struct oracle_block block;
    for (int start = (first + 1) / BLOCK * BLOCK; start < n; start += BLOCK) {
        block_fill(&block, x, start, n - start < BLOCK ? n - start : BLOCK);
        for (int i = first; i < end && i < start + block.count; i++)
            oracle_row(&o, &block, i, &fast, (float)(radius * radius));
    }
    if (p->has_coulomb && p->is_reaction_field)
        for (int i = first; i < end; i++)
            energy[1] -= 0.5L * (long double)(p->c_rf * p->coulomb * charge[i] * charge[i]);
}
