/* Scene: small systems in packs and tiles for the kernel tests, and the second implementation of the
 * force kernel: a plain scalar loop with fmaf. */
#ifndef SK_TESTS_SCENE_H
#define SK_TESTS_SCENE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kernel/pair.h"

#define SCENE_TYPES 5

struct scene {
    int natoms, ntiles, tile_capacity, nentries;
    double edge[3];
    sk_frac (*x)[3]; /* [natoms], atom a in lane a % 8 of pack a / 8 */
    int32_t *type;   /* [natoms] */
    double *charge;  /* [natoms] */
    double c6[SCENE_TYPES * SCENE_TYPES], c12[SCENE_TYPES * SCENE_TYPES], lj_shift[SCENE_TYPES * SCENE_TYPES];
    float table[SCENE_TYPES * SCENE_TYPES * 2];
    struct sk_packs packs;
    struct sk_shifts shifts;
    struct sk_tile *tiles;
    struct sk_ientry *entries;
    struct sk_pair_parameters p;
};

static uint64_t scene_random_state = 88172645463325252ULL;
static inline uint64_t scene_random(void)
{
    scene_random_state ^= scene_random_state << 13;
    scene_random_state ^= scene_random_state >> 7;
    scene_random_state ^= scene_random_state << 17;
    return scene_random_state * 0x2545F4914F6CDD1DULL;
}
static inline double scene_uniform(void)
{
    return (double)(scene_random() >> 11) * 0x1p-53;
}

/* How a scene is to interact. */
struct scene_rule {
    enum sk_lj_rule rule;
    int has_coulomb;
    double vdw_cutoff, coulomb_cutoff;
    int is_reaction_field;
};

static inline int scene_has_lj(const struct scene *s, int32_t type)
{
    return s->c6[type * SCENE_TYPES + type] != 0.0;
}

/* Types 0 to 2 have Lennard-Jones parameters, 3 and 4 none. */
static inline void scene_rule_set(struct scene *s, struct scene_rule rule)
{
    static const double sigma[SCENE_TYPES] = {0.3166, 0.34, 0.25, 0.0, 0.0};
    static const double epsilon[SCENE_TYPES] = {0.65, 0.997, 0.4, 0.0, 0.0};
    struct sk_pair_parameters *p = &s->p;
    memset(p, 0, sizeof *p);
    p->quantum = 0x1p-26;
    p->r2_scale = 0x1p-52f;
    p->force_scale = 4096.0;
    const double S = p->force_scale * p->quantum, rv = rule.vdw_cutoff, rq = rule.coulomb_cutoff;
    p->lj_rule = rule.rule;
    p->has_coulomb = rule.has_coulomb;
    p->is_twin = rv != rq;
    p->vdw_cutoff2_d = rv * rv;
    p->coulomb_cutoff2_d = rq * rq;
    p->vdw_cutoff2 = (float)p->vdw_cutoff2_d;
    p->coulomb_cutoff2 = (float)p->coulomb_cutoff2_d;
    p->scalar_limit = (float)(SK_PAIR_FORCE_LIMIT * p->quantum / (rv > rq ? rv : rq));
    p->is_reaction_field = rule.is_reaction_field;
    p->k_rf = rule.is_reaction_field ? 0.5 / (rq * rq * rq) : 0.0;
    p->c_rf = 1.0 / rq + p->k_rf * rq * rq;
    p->two_k_rf = (float)(2.0 * p->k_rf);
    p->coulomb = 138.9354576;
    p->ntypes = SCENE_TYPES;
    p->table = s->table;
    p->c6 = s->c6;
    p->c12 = s->c12;
    p->lj_shift = s->lj_shift;
    for (int a = 0; a < SCENE_TYPES; a++)
        for (int b = 0; b < SCENE_TYPES; b++) {
            const int lorentz = rule.rule == SK_LJ_LORENTZ, k = a * SCENE_TYPES + b;
            double sg = lorentz ? 0.5 * (sigma[a] + sigma[b]) : sqrt(sigma[a] * sigma[b]);
            double eps = sqrt(epsilon[a] * epsilon[b]), s6 = pow(sg, 6.0), rc6 = pow(rv, -6.0);
            s->c6[k] = 4.0 * eps * s6;
            s->c12[k] = 4.0 * eps * s6 * s6;
            s->lj_shift[k] = -(s->c12[k] * rc6 - s->c6[k]) * rc6;
            s->table[2 * k] = (float)(6.0 * s->c6[k] * S);
            s->table[2 * k + 1] = (float)(12.0 * s->c12[k] * S);
        }
    for (int a = 0; a < s->natoms; a++) {
        float *lj = s->packs.lj + 16 * (a / 8) + a % 8;
        const int t = s->type[a], k = t * SCENE_TYPES + t;
        lj[0] = (float)(rule.rule == SK_LJ_LORENTZ ? 0.5 * sigma[t] : sqrt(6.0 * s->c6[k] * S));
        lj[8] = (float)(rule.rule == SK_LJ_LORENTZ ? sqrt(24.0 * epsilon[t] * S) : sqrt(12.0 * s->c12[k] * S));
        s->packs.q[a] = (float)(s->charge[a] * sqrt(p->coulomb * S));
        s->packs.qd[a] = s->charge[a];
    }
}

/* After scene_rule_set: a switch (or none) from start to the Lennard-Jones cutoff. */
static inline void scene_switch(struct scene *s, enum sk_switch_kind kind, double start)
{
    if (kind == SK_SWITCH_NONE)
        return;
    sk_switch_init(&s->p.vdw_switch, kind, start, sqrt(s->p.vdw_cutoff2_d));
    for (int k = 0; k < SCENE_TYPES * SCENE_TYPES; k++)
        s->lj_shift[k] = s->c12[k] * s->p.vdw_switch.shift[1] - s->c6[k] * s->p.vdw_switch.shift[0];
}

/* Kernel coordinates from fractions, all moved by offset quanta (which changes no difference). */
static inline void scene_place(struct scene *s, int32_t offset)
{
    for (int k = 0; k < 3; k++) {
        uint64_t n = (uint64_t)llrint(s->edge[k] * 0x1p26);
        for (int a = 0; a < s->natoms; a++)
            s->packs.x[24 * (a / 8) + 8 * k + a % 8] = (int32_t)((uint32_t)sk_frac_to_grid(s->x[a][k], n) +
                                                                 (uint32_t)offset);
        for (int h = 0; h < SK_SHIFTS; h++) {
            int steps[3] = {h % 3 - 1, h / 3 % 3 - 1, h / 9 - 1};
            s->shifts.x[h][k] = (int32_t)(uint32_t)((int64_t)steps[k] * (int64_t)n);
        }
    }
}

static inline double scene_distance2(const struct scene *s, int a, int b)
{
    double r2 = 0.0;
    for (int k = 0; k < 3; k++) {
        double d = sk_frac_difference(s->x[a][k], s->x[b][k]) * s->edge[k];
        r2 += d * d;
    }
    return r2;
}

/* natoms at random places at least `apart` from each other (minimum image; twice that with
 * Lennard-Jones), types and charges at random; in each pack atoms with Lennard-Jones come first. */
static inline void scene_init(struct scene *s, int natoms, double edge, double apart)
{
    memset(s, 0, sizeof *s);
    s->natoms = natoms;
    s->edge[0] = edge;
    s->edge[1] = edge * 1.03;
    s->edge[2] = edge * 0.97;
    s->packs.n = (natoms + 7) / 8;
    const size_t lanes = 8 * (size_t)s->packs.n;
    s->x = sk_calloc(lanes, sizeof *s->x);
    s->type = sk_calloc(lanes, sizeof *s->type);
    s->charge = sk_calloc(lanes, sizeof *s->charge);
    s->packs.x = sk_calloc(3 * lanes, sizeof *s->packs.x);
    s->packs.q = sk_calloc(lanes, sizeof *s->packs.q);
    s->packs.qd = sk_calloc(lanes, sizeof *s->packs.qd);
    s->packs.lj = sk_calloc(2 * lanes, sizeof *s->packs.lj);
    s->packs.type = sk_calloc(lanes, sizeof *s->packs.type);
    for (int a = 0; a < natoms; a++) {
        /* packs with all, some and no atoms with Lennard-Jones */
        int with = (a / 8) % 4 == 0 ? 8 : (a / 8) % 4 == 1 ? 2 : (a / 8) % 4 == 2 ? 0 : 3;
        s->type[a] = a % 8 < with ? (int32_t)(scene_random() % 3) : 3 + (int32_t)(scene_random() % 2);
        s->charge[a] = s->type[a] == 4 && a % 3 == 0 ? 0.0 : scene_uniform() * 1.6 - 0.8;
        s->packs.type[a] = s->type[a];
        for (int is_free = 0; !is_free;) {
            is_free = 1;
            for (int k = 0; k < 3; k++)
                s->x[a][k] = scene_random();
            for (int b = 0; b < a && is_free; b++)
                is_free = scene_distance2(s, a, b) >= apart * apart * (s->type[a] < 3 && s->type[b] < 3 ? 4.0 : 1.0);
        }
    }
    scene_place(s, 0);
}

static inline void scene_clear(struct scene *s)
{
    void *all[] = {s->x,        s->type,     s->charge,     s->packs.x, s->packs.q,
                   s->packs.qd, s->packs.lj, s->packs.type, s->tiles,   s->entries};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
        sk_free(&all[k]);
}

/* Mask of a tile without the lanes that hold no atom. */
static inline uint32_t scene_real(const struct scene *s, int icluster, int pack)
{
    uint32_t mask = 0;
    for (int l = 0; l < 32; l++)
        if (icluster * 4 + l / 8 < s->natoms && pack * 8 + l % 8 < s->natoms)
            mask |= 1U << l;
    return mask;
}

static inline int scene_icluster_has_lj(const struct scene *s, int icluster)
{
    for (int a = 4 * icluster; a < 4 * icluster + 4 && a < s->natoms; a++)
        if (scene_has_lj(s, s->type[a]))
            return 1;
    return 0;
}

static inline void scene_tiles_reserve(struct scene *s, int entries, int tiles)
{
    sk_free(&s->tiles);
    sk_free(&s->entries);
    s->tiles = sk_calloc((size_t)tiles + 1, sizeof *s->tiles);
    s->entries = sk_calloc((size_t)entries + 1, sizeof *s->entries);
    s->nentries = s->ntiles = 0;
}

/* Every pair i < j in all 27 shifts, but for excluded ones: atoms of the same group of `group`. */
static inline void scene_list_all(struct scene *s, int group)
{
    const int n = s->packs.n;
    scene_tiles_reserve(s, 2 * n * SK_SHIFTS, 2 * n * n * SK_SHIFTS);
    for (int i = 0; i < 2 * n; i++)
        for (int h = 0; h < SK_SHIFTS; h++) {
            struct sk_ientry *e = &s->entries[s->nentries++];
            *e = (struct sk_ientry){i, h, s->ntiles, 0, 0, scene_icluster_has_lj(s, i)};
            for (int is_full = 0; is_full < 2; is_full++) {
                for (int j = i / 2; j < n; j++) {
                    uint32_t mask = scene_real(s, i, j);
                    for (int l = 0; l < 32; l++) {
                        int a = 4 * i + l / 8, b = 8 * j + l % 8;
                        if (a >= b || a / group == b / group)
                            mask &= ~(1U << l);
                    }
                    if (mask && (mask == UINT32_MAX) == is_full)
                        s->tiles[s->ntiles++] = (struct sk_tile){j, mask};
                }
                if (!is_full)
                    e->first_full = s->ntiles;
            }
            e->end = s->ntiles;
        }
}

/* Entries with random masked tiles (0 to 3) and every count of full ones from 0 to 9. */
static inline void scene_list_random(struct scene *s)
{
    const int whole = s->natoms / 8, n = s->packs.n;
    scene_tiles_reserve(s, 400, 400 * 13);
    for (int k = 0; k < 400; k++) {
        int i = (int)(scene_random() % (2 * (uint64_t)n)), masked = (int)(scene_random() % 4), full = k % 10;
        if (scene_real(s, i, 0) != UINT32_MAX)
            full = 0;
        struct sk_ientry *e = &s->entries[s->nentries++];
        *e = (struct sk_ientry){
            i, k % SK_SHIFTS, s->ntiles, s->ntiles + masked, s->ntiles + masked + full, scene_icluster_has_lj(s, i)};
        for (int t = 0; t < masked + full; t++) {
            int j = (int)(scene_random() % (uint64_t)(t < masked ? n : whole));
            uint32_t mask = scene_real(s, i, j) & (uint32_t)scene_random();
            for (int l = 0; l < 32; l++)
                if (4 * i + l / 8 == 8 * j + l % 8)
                    mask &= ~(1U << l);
            if (t >= masked && j == i / 2)
                j = (j + 1) % whole;
            s->tiles[s->ntiles++] = (struct sk_tile){j, t < masked ? mask : UINT32_MAX};
        }
    }
}

static inline struct sk_tiles scene_tiles(const struct scene *s)
{
    return (struct sk_tiles){s->entries, 0, s->nentries, s->tiles};
}

/* F/r of a switched pair by the order of operations in switch.inc.h. */
static inline float scalar_switched(const struct sk_switch *s, float r2, float rinv2, float c6, float c12)
{
    const double width = s->end - s->start, width2 = width * (s->end + s->start);
    const float r6 = (rinv2 * rinv2) * rinv2, g = fmaf(c12, r6, -c6), rinv = sqrtf(rinv2), r = r2 * rinv;
    if (s->kind == SK_SWITCH_FORCE) {
        const float x = r > (float)s->start ? r - (float)s->start : 0.0f;
        const float attraction = c6 * fmaf(x, (float)s->c3[0], (float)s->c2[0]);
        const float bend = fmaf(c12, fmaf(x, (float)s->c3[1], (float)s->c2[1]), -attraction);
        return fmaf((x * x) * rinv, bend, g * (r6 * rinv2));
    }
    const int is_charmm = s->kind == SK_SWITCH_CHARMM;
    const float fall = (float)(-1.0 / (is_charmm ? width2 : width));
    const float top = (float)(is_charmm ? s->end * s->end / width2 : s->end / width);
    const float full = fmaf(is_charmm ? r2 : r, fall, top), y = full < 1.0f ? full : 1.0f, h = y - y * y;
    const float factor = is_charmm ? (y * y) * fmaf(-2.0f, y, 3.0f)
                                   : ((y * y) * y) * fmaf(y, fmaf(6.0f, y, -15.0f), 10.0f);
    const float slope = is_charmm ? h * (float)(1.0 / width2) : (h * h) * (rinv * (float)(2.5 / width));
    return fmaf(g * factor, rinv2, (g - c6) * slope) * r6;
}

/* The force on lane a from lane b, by the order of operations in pair.inc.h. Returns whether it is out of range. */
static inline int scalar_pair(const struct scene *s, int a, int b, const int32_t shift[3], int32_t out[3])
{
    const struct sk_pair_parameters *p = &s->p;
    const int32_t *xa = s->packs.x + 24 * (a / 8) + a % 8, *xb = s->packs.x + 24 * (b / 8) + b % 8;
    float d[3];
    for (int k = 0; k < 3; k++)
        d[k] = (float)(int32_t)((uint32_t)xa[8 * k] + (uint32_t)shift[k] - (uint32_t)xb[8 * k]);
    const float nearest2 = SK_PAIR_NEAREST2 / p->r2_scale;
    const float r2 = fmaf(d[2], d[2], fmaf(d[1], d[1], fmaf(d[0], d[0], nearest2))) * p->r2_scale;
    const int in_vdw = p->lj_rule != SK_LJ_NONE && r2 < p->vdw_cutoff2;
    const int in_coulomb = p->has_coulomb && r2 < p->coulomb_cutoff2;
    out[0] = out[1] = out[2] = 0;
    if (!in_vdw && !in_coulomb)
        return 0;
    const float rinv2 = 1.0f / r2, *la = s->packs.lj + 16 * (a / 8) + a % 8, *lb = s->packs.lj + 16 * (b / 8) + b % 8;
    float force = 0.0f;
    const int is_switched = p->vdw_switch.kind != SK_SWITCH_NONE;
    if (in_vdw && p->lj_rule == SK_LJ_LORENTZ) {
        const float sigma = la[0] + lb[0], e = la[8] * lb[8];
        const float s2 = is_switched ? sigma * sigma : (sigma * sigma) * rinv2, s6 = (s2 * s2) * s2, c6 = e * s6;
        force = is_switched ? scalar_switched(&p->vdw_switch, r2, rinv2, c6, (c6 + c6) * s6)
                            : ((e * s6) * fmaf(2.0f, s6, -1.0f)) * rinv2;
    } else if (in_vdw) {
        const float *row = p->table + 2 * (s->packs.type[a] * p->ntypes + s->packs.type[b]);
        const int is_table = p->lj_rule == SK_LJ_TABLE;
        const float c6 = is_table ? row[0] : la[0] * lb[0], c12 = is_table ? row[1] : la[8] * lb[8];
        const float r6 = (rinv2 * rinv2) * rinv2;
        force = is_switched ? scalar_switched(&p->vdw_switch, r2, rinv2, c6, c12) : fmaf(c12, r6, -c6) * (r6 * rinv2);
    }
    if (in_coulomb)
        force = fmaf(s->packs.q[a] * s->packs.q[b], fmaf(rinv2, sqrtf(rinv2), -p->two_k_rf), force);
    if (!(fabsf(force) <= p->scalar_limit))
        return 1;
    for (int k = 0; k < 3; k++)
        out[k] = (int32_t)lrintf(force * d[k]);
    return 0;
}

static inline int scalar_forces(const struct scene *s, int32_t *f, int64_t shift_force[SK_SHIFTS][3])
{
    int bad = 0;
    for (int n = 0; n < s->nentries; n++) {
        const struct sk_ientry *e = &s->entries[n];
        for (int t = e->first; t < e->end; t++)
            for (int l = 0; l < 32; l++) {
                const int a = 4 * e->icluster + l / 8, b = 8 * s->tiles[t].pack + l % 8;
                int32_t out[3];
                if (!(s->tiles[t].mask >> l & 1))
                    continue;
                bad |= scalar_pair(s, a, b, s->shifts.x[e->shift], out);
                for (int k = 0; k < 3; k++) {
                    int32_t *fa = f + 24 * (a / 8) + 8 * k + a % 8, *fb = f + 24 * (b / 8) + 8 * k + b % 8;
                    *fa = (int32_t)((uint32_t)*fa + (uint32_t)out[k]);
                    *fb = (int32_t)((uint32_t)*fb - (uint32_t)out[k]);
                    shift_force[e->shift][k] += out[k];
                }
            }
    }
    return bad;
}

#endif
