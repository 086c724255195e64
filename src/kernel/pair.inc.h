/* The force kernel: one source for every instruction set (simd.h), rule of combination and cutoff.
 * Order of operations, the same in every variant (and in the scalar loop of the tests):
 *   d = float(xj - (xi + shift)); r2 = fma(dz, dz, fma(dy, dy, fma(dx, dx, nearest2))), in quanta^2;
 *   rinv2 = (1 / r2_scale) / r2, which has the bits of 1 / (r2 * r2_scale): a power of two;
 *   Lennard-Jones  r6 = (rinv2 * rinv2) * rinv2; fma(c12, r6, -c6) * (r6 * rinv2), or Lorentz
 *                  s2 = ((a + a) * (a + a)) * rinv2; s6 = (s2 * s2) * s2; ((e * s6) * fma(2, s6, -1)) * rinv2;
 *   switched       of either rule in switch.inc.h; Lorentz then with s6 = ((a + a)^2)^3, c6 = e * s6,
 *                  c12 = (c6 + c6) * s6, the cube as above;
 *   Coulomb        s = fma(rinv2, sqrt(rinv2), -two_k_rf); F/r = qq * s, or fma(qq, s, Lennard-Jones);
 *   Ewald          s from the table (ewald_table.inc.h), which is in powers of t in [-1/8, 1/8), the same in quanta;
 *                  closer than the table reaches it is so large that only a pair without charge is in range;
 *   force = int(F/r * d), to nearest; out of range: |F/r| > scalar_limit.
 * nearest2 (SK_PAIR_NEAREST2) rounds away at any distance that atoms have, costs nothing, and keeps the
 * powers of 1/r finite: a pair without parameters adds zero in whichever loop it comes. */

enum {
    PAIR_RULE = 3, /* enum sk_lj_rule in the low bits */
    PAIR_COULOMB = 4,
    PAIR_TWIN = 8,
    PAIR_EWALD = 16,
    PAIR_SWITCH = 32 /* of Lennard-Jones, whichever kind; with Coulomb always PAIR_TWIN as well */
};

struct pair_constants {
    vf coulomb_cutoff2, vdw_cutoff2, nearest2, inverse_scale, two_k_rf; /* lengths in quanta */
    const float *table;
    vi row;                             /* floats in a row of the table */
    const struct sk_ewald_table *ewald; /* of r^2 in quanta */
    const struct switch_constants *switched;
};
/* The i side of a run of tiles, and the sums of the forces of its atoms on others. */
struct pair_side {
    vi x[SK_REGS], y[SK_REGS], z[SK_REGS];
    vf q[SK_REGS], a[SK_REGS], b[SK_REGS]; /* Lennard-Jones factors */
    vi row[SK_REGS];                       /* or the start of the row in the table */
    vi fx[SK_REGS], fy[SK_REGS], fz[SK_REGS];
    vf worst; /* largest F/r */
};
/* What is known of a tile once its distances are. */
struct pair_near {
    vf dx[SK_REGS], dy[SK_REGS], dz[SK_REGS], r2[SK_REGS], rinv2[SK_REGS];
    vm in_coulomb[SK_REGS], in_vdw[SK_REGS];
    size_t pack;
};

SK_INLINE void pair_approach(struct pair_near *n, const struct pair_side *side, const struct pair_constants *c,
                             const struct sk_packs *packs, struct sk_tile tile, const int mode, const int is_masked)
{
    const int32_t *x = packs->x + 24 * (size_t)tile.pack;
    n->pack = (size_t)tile.pack;
    SK_EACH_REGISTER(r)
    {
        vf dx = vf_of_int(vi_sub(vi_load_j(x, r), side->x[r]));
        vf dy = vf_of_int(vi_sub(vi_load_j(x + 8, r), side->y[r]));
        vf dz = vf_of_int(vi_sub(vi_load_j(x + 16, r), side->z[r]));
        vf r2 = vf_fma(dz, dz, vf_fma(dy, dy, vf_fma(dx, dx, c->nearest2)));
        vm in = vm_less(r2, mode & PAIR_COULOMB ? c->coulomb_cutoff2 : c->vdw_cutoff2);
        vm in_vdw = mode & PAIR_TWIN ? vm_less(r2, c->vdw_cutoff2) : in;
        if (is_masked) {
            vm mask = vm_of_bits(tile.mask, r);
            in = vm_and(in, mask);
            in_vdw = vm_and(in_vdw, mask);
        }
        n->dx[r] = dx;
        n->dy[r] = dy;
        n->dz[r] = dz;
        n->r2[r] = r2;
        n->rinv2[r] = vf_div(c->inverse_scale, r2);
        n->in_coulomb[r] = in;
        n->in_vdw[r] = in_vdw;
    }
}

/* 6 c6 and 12 c12 of register r, times the force scale. */
SK_INLINE void pair_lj_factors(vf *c6, vf *c12, const struct pair_side *side, const struct pair_constants *c,
                               const struct sk_packs *packs, size_t pack, int r, const int rule)
{
    const float *lj = packs->lj + 16 * pack;
    if (rule == SK_LJ_TABLE) {
        vi type = vi_load_j(packs->type + 8 * pack, r);
        vi place = vi_add(side->row[r], vi_add(type, type));
        *c6 = vf_gather(c->table, place);
        *c12 = vf_gather(c->table + 1, place);
    } else {
        *c6 = vf_mul(side->a[r], vf_load_j(lj, r));
        *c12 = vf_mul(side->b[r], vf_load_j(lj + 8, r));
    }
    if (rule == SK_LJ_LORENTZ) { /* they are of sigma and 24 epsilon */
        vf sigma = vf_add(side->a[r], vf_load_j(lj, r)), s2 = vf_mul(sigma, sigma), s6 = vf_mul(vf_mul(s2, s2), s2);
        *c6 = vf_mul(*c12, s6);
        *c12 = vf_mul(vf_add(*c6, *c6), s6);
    }
}

SK_INLINE vf pair_lj(const struct pair_near *n, const struct pair_side *side, const struct pair_constants *c,
                     const struct sk_packs *packs, int r, const int mode)
{
    const float *lj = packs->lj + 16 * n->pack;
    const vf rinv2 = n->rinv2[r];
    const int rule = mode & PAIR_RULE;
    if (rule == SK_LJ_LORENTZ && !(mode & PAIR_SWITCH)) {
        vf sigma = vf_add(side->a[r], vf_load_j(lj, r));
        vf e = vf_mul(side->b[r], vf_load_j(lj + 8, r));
        vf s2 = vf_mul(vf_mul(sigma, sigma), rinv2);
        vf s6 = vf_mul(vf_mul(s2, s2), s2);
        return vf_mul(vf_mul(vf_mul(e, s6), vf_fms(vf_set(2.0f), s6, vf_set(1.0f))), rinv2);
    }
    vf c6, c12;
    pair_lj_factors(&c6, &c12, side, c, packs, n->pack, r, rule);
    if (mode & PAIR_SWITCH)
        return switch_force(c->switched, n->r2[r], rinv2, c6, c12);
    vf r6 = vf_mul(vf_mul(rinv2, rinv2), rinv2);
    return vf_mul(vf_fms(c12, r6, c6), vf_mul(r6, rinv2));
}

/* F/r of register r, zero outside the cutoffs. */
SK_INLINE vf pair_scalar(const struct pair_near *n, const struct pair_side *side, const struct pair_constants *c,
                         const struct sk_packs *packs, int r, const int mode, const int has_lj)
{
    vf lj = vf_set(0.0f);
    if (has_lj)
        lj = pair_lj(n, side, c, packs, r, mode);
    if (!(mode & PAIR_COULOMB))
        return vf_keep(n->in_vdw[r], lj);
    vf qq = vf_mul(side->q[r], vf_load_j(packs->q + 8 * n->pack, r));
    vf s;
    if (mode & PAIR_EWALD)
        s = ewald_polynomial(c->ewald, n->r2[r]);
    else
        s = vf_fms(n->rinv2[r], vf_sqrt(n->rinv2[r]), c->two_k_rf);
    if (!has_lj)
        return vf_keep(n->in_coulomb[r], vf_mul(qq, s));
    if (!(mode & PAIR_TWIN))
        return vf_keep(n->in_coulomb[r], vf_fma(qq, s, lj));
    lj = vf_keep(n->in_vdw[r], lj);
    return vf_pick(n->in_coulomb[r], vf_fma(qq, s, lj), lj);
}

/* The first nlj registers have Lennard-Jones. */
SK_INLINE void pair_push(const struct pair_near *n, struct pair_side *side, const struct pair_constants *c,
                         const struct sk_packs *packs, int32_t *f, const int mode, const int nlj)
{
    vi tx[SK_REGS], ty[SK_REGS], tz[SK_REGS];
    SK_EACH_REGISTER(r)
    {
        vf s = pair_scalar(n, side, c, packs, r, mode, r < nlj);
        side->worst = vf_larger(side->worst, s);
        tx[r] = vi_of_float(vf_mul(s, n->dx[r]));
        ty[r] = vi_of_float(vf_mul(s, n->dy[r]));
        tz[r] = vi_of_float(vf_mul(s, n->dz[r]));
        side->fx[r] = vi_add(side->fx[r], tx[r]);
        side->fy[r] = vi_add(side->fy[r], ty[r]);
        side->fz[r] = vi_add(side->fz[r], tz[r]);
    }
    f += 24 * n->pack;
    vi_add_j(f, tx);
    vi_add_j(f + 8, ty);
    vi_add_j(f + 16, tz);
}

SK_INLINE void pair_tiles(struct pair_side *side, const struct pair_constants *c, const struct sk_packs *packs,
                          const struct sk_tile *tiles, const struct sk_ientry *e, int32_t *f, const int mode,
                          const int nlj)
{
    struct pair_near near;
    const int end = e->end;
    if (SK_PIPELINE) {
        /* The distances of a tile are under way while the one before is finished. Applying a mask of
         * ones costs nothing here, one loop for all tiles is better predicted than two. */
        pair_approach(&near, side, c, packs, tiles[e->first], mode, 1);
        for (int t = e->first + 1; t < end; t++) {
            struct pair_near next;
            pair_approach(&next, side, c, packs, tiles[t], mode, 1);
            pair_push(&near, side, c, packs, f, mode, nlj);
            near = next;
        }
        pair_push(&near, side, c, packs, f, mode, nlj);
        return;
    }
    /* without fma a mask costs nothing beside the rest, and half the code compiles in half the time */
    const int first_full = SK_HAS_FULL ? e->first_full : end;
    for (int t = e->first; t < first_full; t++) {
        pair_approach(&near, side, c, packs, tiles[t], mode, 1);
        pair_push(&near, side, c, packs, f, mode, nlj);
    }
    for (int t = first_full; SK_HAS_FULL && t < end; t++) {
        pair_approach(&near, side, c, packs, tiles[t], mode, 0);
        pair_push(&near, side, c, packs, f, mode, nlj);
    }
}

SK_INLINE void pair_side_load(struct pair_side *side, const struct pair_constants *c, const struct sk_packs *packs,
                              size_t icluster, const int32_t shift[3], const int mode)
{
    size_t pack = icluster / 2, half = 4 * (icluster % 2);
    const int32_t *x = packs->x + 24 * pack + half;
    const float *lj = packs->lj + 16 * pack + half;
    const int rule = mode & PAIR_RULE;
    SK_EACH_REGISTER(r)
    {
        side->x[r] = vi_add(vi_load_i(x, r), vi_set(shift[0]));
        side->y[r] = vi_add(vi_load_i(x + 8, r), vi_set(shift[1]));
        side->z[r] = vi_add(vi_load_i(x + 16, r), vi_set(shift[2]));
        if (mode & PAIR_COULOMB)
            side->q[r] = vf_load_i(packs->q + 8 * pack + half, r);
        if (rule == SK_LJ_TABLE)
            side->row[r] = vi_mul(vi_load_i(packs->type + 8 * pack + half, r), c->row);
        if (rule == SK_LJ_GEOMETRIC || rule == SK_LJ_LORENTZ) {
            side->a[r] = vf_load_i(lj, r);
            side->b[r] = vf_load_i(lj + 8, r);
        }
        side->fx[r] = side->fy[r] = side->fz[r] = vi_zero();
    }
}

/* Takes what the j-atoms got from the atoms of the side and from the sum of its shift. */
SK_INLINE void pair_side_store(const struct pair_side *side, size_t icluster, int32_t *f, int64_t shift_force[3])
{
    const vi *axes[3] = {side->fx, side->fy, side->fz};
    f += 24 * (icluster / 2) + 4 * (icluster % 2);
    for (int k = 0; k < 3; k++) {
        __m128i sum = vi_sum_i(axes[k]);
        __m128i *place = (__m128i *)(f + 8 * k);
        _mm_store_si128(place, _mm_sub_epi32(_mm_load_si128(place), sum));
        __m128i sign = _mm_srai_epi32(sum, 31);
        __m128i wide = _mm_add_epi64(_mm_unpacklo_epi32(sum, sign), _mm_unpackhi_epi32(sum, sign));
        wide = _mm_add_epi64(wide, _mm_unpackhi_epi64(wide, wide));
        shift_force[k] -= _mm_cvtsi128_si64(wide);
    }
}

/* Do only the first two atoms of the i-cluster have Lennard-Jones (the common case of water)? */
SK_INLINE int pair_is_half(const struct sk_packs *packs, size_t icluster, const int rule)
{
    const float *lj = packs->lj + 16 * (icluster / 2) + 4 * (icluster % 2);
    if (rule == SK_LJ_LORENTZ)
        return lj[10] == 0.0f && lj[11] == 0.0f;
    return rule == SK_LJ_GEOMETRIC && lj[2] == 0.0f && lj[3] == 0.0f && lj[10] == 0.0f && lj[11] == 0.0f;
}

/* The table as a function of r^2 in quanta: as the scale is a power of two, only the exponents move. */
SK_INLINE void pair_ewald_scale(struct sk_ewald_table *scaled, const struct sk_ewald_table *table, float inverse)
{
    int32_t bits;
    *scaled = *table;
    scaled->least2 *= inverse;
    memcpy(&bits, &scaled->least2, sizeof bits);
    scaled->first = (bits >> 21) - 1;
}

SK_INLINE int pair_entries(const struct sk_packs *packs, const struct sk_tiles *tiles,
                           const struct sk_pair_parameters *p, const struct sk_shifts *shifts, int32_t *f,
                           int64_t shift_force[SK_SHIFTS][3], const int mode)
{
    const float inverse = 1.0f / p->r2_scale;
    const int rule = mode & PAIR_RULE;
    struct pair_constants c = {.coulomb_cutoff2 = vf_set(p->coulomb_cutoff2 * inverse),
                               .vdw_cutoff2 = vf_set(p->vdw_cutoff2 * inverse),
                               .nearest2 = vf_set(SK_PAIR_NEAREST2 * inverse),
                               .inverse_scale = vf_set(inverse),
                               .two_k_rf = vf_set(p->two_k_rf),
                               .table = p->table,
                               .row = vi_set(2 * p->ntypes)};
    const struct sk_packs local = *packs; /* the compiler cannot know that forces do not alias it */
    struct sk_ewald_table ewald __attribute__((aligned(64)));
    struct switch_constants switched;
    struct pair_side side;
    if (mode & PAIR_SWITCH) {
        switch_constants_set(&switched, &p->vdw_switch, p->r2_scale);
        c.switched = &switched;
    }
    if (mode & PAIR_EWALD) {
        pair_ewald_scale(&ewald, p->ewald_table, inverse);
        c.ewald = &ewald;
    }
    side.worst = vf_set(0.0f);
    packs = &local;
    for (int k = tiles->first_entry; k < tiles->end_entry; k++) {
        const struct sk_ientry *e = &tiles->entries[k];
        size_t icluster = (size_t)e->icluster;
        if (e->first == e->end || (!(mode & PAIR_COULOMB) && !e->has_lj))
            continue;
        pair_side_load(&side, &c, packs, icluster, shifts->x[e->shift], mode);
        if ((mode & PAIR_COULOMB) && (rule == SK_LJ_NONE || !e->has_lj))
            pair_tiles(&side, &c, packs, tiles->tiles, e, f, mode, 0);
        else if ((mode & PAIR_COULOMB) && rule != SK_LJ_TABLE && pair_is_half(packs, icluster, rule))
            pair_tiles(&side, &c, packs, tiles->tiles, e, f, mode, SK_REGS / 2);
        else
            pair_tiles(&side, &c, packs, tiles->tiles, e, f, mode, SK_REGS);
        pair_side_store(&side, icluster, f, shift_force[e->shift]);
    }
    return vm_bits(vm_less(vf_set(p->scalar_limit), side.worst)) != 0;
}

/* A rule with cutoffs that differ or not; without charges there is one. */
#define PAIR_RULES(X, more)   \
    X(SK_LJ_GEOMETRIC | more) \
    X(SK_LJ_LORENTZ | more)   \
    X(SK_LJ_TABLE | more)
#define PAIR_MODES(X)                                     \
    PAIR_RULES(X, 0)                                      \
    X(SK_LJ_NONE | PAIR_COULOMB)                          \
    PAIR_RULES(X, PAIR_COULOMB)                           \
    PAIR_RULES(X, PAIR_COULOMB | PAIR_TWIN)               \
    X(SK_LJ_NONE | PAIR_EWALD | PAIR_COULOMB)             \
    PAIR_RULES(X, PAIR_EWALD | PAIR_COULOMB)              \
    PAIR_RULES(X, PAIR_EWALD | PAIR_COULOMB | PAIR_TWIN)  \
    PAIR_RULES(X, PAIR_SWITCH)                            \
    PAIR_RULES(X, PAIR_SWITCH | PAIR_COULOMB | PAIR_TWIN) \
    PAIR_RULES(X, PAIR_SWITCH | PAIR_EWALD | PAIR_COULOMB | PAIR_TWIN)

int VARIANT(pair)(const struct sk_packs *packs, const struct sk_tiles *tiles, const struct sk_pair_parameters *p,
                  const struct sk_shifts *shifts, int32_t *f, int64_t shift_force[SK_SHIFTS][3])
{
    int mode = (int)p->lj_rule;
    const int is_switched = mode != SK_LJ_NONE && p->vdw_switch.kind != SK_SWITCH_NONE;
    if (p->has_coulomb)
        mode |= mode != SK_LJ_NONE && (p->is_twin || is_switched) ? PAIR_COULOMB | PAIR_TWIN : PAIR_COULOMB;
    if (p->has_coulomb && p->is_ewald)
        mode |= PAIR_EWALD;
    if (is_switched)
        mode |= PAIR_SWITCH;
    switch (mode) {
#define PAIR_CASE(m) \
    case m: return pair_entries(packs, tiles, p, shifts, f, shift_force, m);
        PAIR_MODES(PAIR_CASE)
#undef PAIR_CASE
    default: return 0;
    }
}
