/* Energies and wide forces: plain double loops over the lanes of a tile, which the compiler may
 * vectorise: nothing here depends on the order of operations, as each pair is rounded to an integer. */

#define LANES 32 /* pairs of a tile: lane 8 i + j */

/* Squared distances (length^2) and parameters of the pairs of a tile, or of any others. */
struct wide_tile {
    double r2[LANES], rinv2[LANES], qq[LANES], c6[LANES], c12[LANES], shift[LANES];
    int64_t mask[LANES];   /* -1 or 0 */
    int cores;             /* SK_PAIR_CORE and SK_PAIR_COINCIDENT of its pairs; with them, what follows is set */
    double core2[LANES];   /* squared radius of the core */
    double gap[LANES];     /* the way out to the surface of the core, 0 for pairs outside of theirs */
    double stretch[LANES]; /* what makes the difference of places as long as the core's radius; 0 where that is */
};

/* Pairs within their cores go by the distance at the surface. */
static void wide_enter_cores(struct wide_tile *w)
{
    for (int l = 0; l < LANES; l++) {
        w->gap[l] = 0.0;
        w->stretch[l] = 1.0;
        if (!w->mask[l] || !(w->r2[l] < w->core2[l]))
            continue;
        const double r = sqrt(w->r2[l]), radius = sqrt(w->core2[l]);
        w->cores |= r > 0.0 ? SK_PAIR_CORE : SK_PAIR_CORE | SK_PAIR_COINCIDENT;
        w->gap[l] = radius - r;
        w->stretch[l] = r > 0.0 ? radius / r : 0.0;
        w->r2[l] = w->core2[l];
        w->rinv2[l] = 1.0 / w->core2[l];
    }
}

/* Differences i - j in quanta, and squared distances, of all pairs of a tile. */
static void wide_distances(double d[3][LANES], double r2[LANES], const struct sk_packs *packs,
                           const struct sk_pair_parameters *p, const struct sk_ientry *entry, const int32_t shift[3],
                           struct sk_tile tile)
{
    const double scale = p->quantum * p->quantum;
    const int32_t *xi = packs->x + 24 * (size_t)(entry->icluster / 2) + SK_HALF * (entry->icluster % 2);
    const int32_t *xj = packs->x + 24 * (size_t)tile.pack;
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < SK_HALF; i++) {
            const uint32_t x = (uint32_t)xi[SK_PACK * k + i] + (uint32_t)shift[k];
            for (int j = 0; j < SK_PACK; j++)
                d[k][SK_PACK * i + j] = (double)(int32_t)(x - (uint32_t)xj[SK_PACK * k + j]);
        }
    for (int l = 0; l < LANES; l++)
        r2[l] = (d[0][l] * d[0][l] + d[1][l] * d[1][l] + d[2][l] * d[2][l]) * scale;
}

/* Lane l is the pair of i and j, lanes of packs. */
static inline void wide_set_pair(struct wide_tile *w, int l, const struct sk_packs *packs,
                                 const struct sk_pair_parameters *p, int i, int j)
{
    /* lanes without an atom have type 0 */
    const int types = packs->type[i] * p->ntypes + packs->type[j];
    const int has_lj = p->lj_rule != SK_LJ_NONE;
    w->qq[l] = p->has_coulomb ? packs->qd[i] * packs->qd[j] * p->coulomb : 0.0;
    w->c6[l] = has_lj ? p->c6[types] : 0.0;
    w->c12[l] = has_lj ? p->c12[types] : 0.0;
    w->shift[l] = has_lj ? p->lj_shift[types] : 0.0;
    if (p->core2) {
        const double lj = has_lj ? p->core2[types] : 0.0;
        w->core2[l] = lj > 0.0 ? lj : w->qq[l] != 0.0 ? p->core_charge2 : 0.0;
    }
}

/* What follows from distances and parameters. */
static void wide_finish(struct wide_tile *w, const struct sk_pair_parameters *p)
{
    for (int l = 0; l < LANES; l++)
        w->rinv2[l] = 1.0 / w->r2[l];
    w->cores = 0;
    if (p->core2)
        wide_enter_cores(w);
}

static void wide_load(struct wide_tile *w, double d[3][LANES], const struct sk_packs *packs,
                      const struct sk_pair_parameters *p, const struct sk_ientry *entry, const int32_t shift[3],
                      struct sk_tile tile)
{
    wide_distances(d, w->r2, packs, p, entry, shift, tile);
    for (int l = 0; l < LANES; l++) {
        w->mask[l] = -(int64_t)(tile.mask >> l & 1);
        wide_set_pair(w, l, packs, p, SK_HALF * entry->icluster + l / SK_PACK, SK_PACK * tile.pack + l % SK_PACK);
    }
    wide_finish(w, p);
}

/* Sums sum of c[k] s^k of all lanes, s of ewald_series.h (beyond the cutoff any number). */
static void ewald_sum(const struct wide_tile *w, const struct sk_ewald_series *series, const double *c,
                      double sum[LANES])
{
    typedef double vd8 __attribute__((vector_size(64), aligned(8), may_alias));
    enum { PARTS = LANES / 8 };
    vd8 s[PARTS], t[PARTS];
    for (int part = 0; part < PARTS; part++) {
        s[part] = *(const vd8 *)(w->r2 + 8 * part) * series->scale - 1.0;
        t[part] = 0.0 * s[part];
    }
    for (int k = series->terms - 1; k >= 0; k--)
        _Pragma("GCC unroll 4") for (int part = 0; part < PARTS; part++) t[part] = t[part] * s[part] + c[k];
    for (int part = 0; part < PARTS; part++)
        *(vd8 *)(sum + 8 * part) = t[part];
}

/* Rounds e (energy) of the lanes in `in` to integers and adds them up; *bad counts lanes out of range. */
static int64_t energy_sum(const double *e, const int64_t *in, int *bad)
{
    int64_t sum = 0;
    int64_t off = 0;
    for (int l = 0; l < LANES; l++) {
        int64_t is_good = -(int64_t)(fabs(e[l]) <= 0x1p19);
        /* 1.5 x 2^52 puts the nearest integer, ties to even, in the low bits */
        union {
            double d;
            int64_t i;
        } magic = {e[l] * SK_ENERGY_SCALE + 0x1.8p52}, zero = {0x1.8p52};
        sum += (magic.i - zero.i) & in[l] & is_good;
        off |= in[l] & ~is_good;
    }
    *bad |= off != 0;
    return sum;
}

/* Lennard-Jones energies of all lanes; any number where there are no parameters. */
static void energy_lj(const struct wide_tile *w, const struct sk_pair_parameters *p, double lj[LANES])
{
    if (p->vdw_switch.kind != SK_SWITCH_NONE) {
        for (int l = 0; l < LANES; l++) {
            const struct sk_switched s = sk_switch_powers(&p->vdw_switch, w->r2[l]);
            lj[l] = w->c12[l] * s.energy[1] - w->c6[l] * s.energy[0] + w->shift[l];
        }
        return;
    }
    for (int l = 0; l < LANES; l++) {
        double r6 = w->rinv2[l] * w->rinv2[l] * w->rinv2[l];
        lj[l] = (w->c12[l] * r6 - w->c6[l]) * r6 + w->shift[l];
    }
}

/* The same of F/r. */
static void wide_lj(const struct wide_tile *w, const struct sk_pair_parameters *p, double lj[LANES])
{
    if (p->vdw_switch.kind != SK_SWITCH_NONE) {
        for (int l = 0; l < LANES; l++) {
            const struct sk_switched s = sk_switch_powers(&p->vdw_switch, w->r2[l]);
            lj[l] = w->c12[l] * s.force[1] - w->c6[l] * s.force[0];
        }
        return;
    }
    for (int l = 0; l < LANES; l++) {
        double r6 = w->rinv2[l] * w->rinv2[l] * w->rinv2[l];
        lj[l] = (12.0 * w->c12[l] * r6 - 6.0 * w->c6[l]) * r6 * w->rinv2[l];
    }
}

/* Within a core the force is that at the surface, so the energy rises along a straight line. */
static void energy_add_cores(const struct wide_tile *w, const struct sk_pair_parameters *p, double lj[LANES],
                             double coulomb[LANES])
{
    double force[LANES], mesh[LANES] = {0};
    if (p->has_coulomb && p->is_ewald)
        ewald_sum(w, p->ewald_series, p->ewald_series->force, mesh);
    wide_lj(w, p, force);
    for (int l = 0; l < LANES; l++) {
        if (!(w->gap[l] > 0.0))
            continue;
        const double radius = sqrt(w->r2[l]);
        lj[l] += force[l] * radius * w->gap[l];
        coulomb[l] += w->qq[l] * (w->rinv2[l] / radius - mesh[l] - 2.0 * p->k_rf) * radius * w->gap[l];
    }
}

static void energy_tile(const struct wide_tile *w, const struct sk_pair_parameters *p, int64_t sum[2], int *bad)
{
    double lj[LANES], coulomb[LANES], mesh[LANES] = {0}; /* mesh: the part of 1/r that is the mesh's */
    int64_t in_vdw[LANES], in_coulomb[LANES];
    if (p->has_coulomb && p->is_ewald)
        ewald_sum(w, p->ewald_series, p->ewald_series->energy, mesh);
    energy_lj(w, p, lj);
    for (int l = 0; l < LANES; l++) {
        coulomb[l] = w->qq[l] * (sqrt(w->rinv2[l]) - mesh[l] + p->k_rf * w->r2[l] - p->c_rf);
        /* a pair without parameters has no energy, even at distance zero */
        int64_t has_lj = -(int64_t)((w->c6[l] != 0.0) | (w->c12[l] != 0.0));
        in_vdw[l] = w->mask[l] & has_lj & -(int64_t)(w->r2[l] < p->vdw_cutoff2_d);
        in_coulomb[l] = w->mask[l] & -(int64_t)(w->qq[l] != 0.0) & -(int64_t)(w->r2[l] < p->coulomb_cutoff2_d);
    }
    if (w->cores)
        energy_add_cores(w, p, lj, coulomb);
    sum[0] = energy_sum(lj, in_vdw, bad);
    sum[1] = energy_sum(coulomb, in_coulomb, bad);
}

/* Pairs near enough, of as many tiles as it takes to fill the lanes. */
struct energy_batch {
    const struct sk_packs *packs;
    const struct sk_pair_parameters *p;
    int i[LANES], j[LANES], d[3][LANES]; /* lanes of packs, differences in quanta */
    int n, bad, cores;
    sk_int128 *energy;
};

static void energy_flush(struct energy_batch *b)
{
    struct wide_tile w;
    int64_t sum[2];
    const double scale = b->p->quantum * b->p->quantum;
    for (int l = b->n; l < LANES; l++)
        b->i[l] = b->j[l] = b->d[0][l] = b->d[1][l] = b->d[2][l] = 0;
    for (int l = 0; l < LANES; l++) {
        const double x = b->d[0][l], y = b->d[1][l], z = b->d[2][l];
        w.r2[l] = (x * x + y * y + z * z) * scale;
        w.mask[l] = -(int64_t)(l < b->n);
    }
    for (int l = 0; l < LANES; l++)
        wide_set_pair(&w, l, b->packs, b->p, b->i[l], b->j[l]);
    wide_finish(&w, b->p);
    energy_tile(&w, b->p, sum, &b->bad);
    b->cores |= w.cores;
    b->energy[0] += sum[0];
    b->energy[1] += sum[1];
    b->n = 0;
}

/* Pairs of the tile with r^2 below the limit in quanta^2, as bits of its mask. */
SK_INLINE uint32_t energy_near(const struct pair_side *side, const int32_t *x, vf limit2)
{
    uint32_t near = 0;
    SK_EACH_REGISTER(r)
    {
        vf dx = vf_of_int(vi_sub(side->x[r], vi_load_j(x, r)));
        vf dy = vf_of_int(vi_sub(side->y[r], vi_load_j(x + 8, r)));
        vf dz = vf_of_int(vi_sub(side->z[r], vi_load_j(x + 16, r)));
        vf r2 = vf_add(vf_mul(dz, dz), vf_add(vf_mul(dy, dy), vf_mul(dx, dx)));
        near |= vm_bits(vm_less(r2, limit2)) << (SK_LANES * r);
    }
    return near;
}

/* Less than half of the pairs of tiles are within the cutoffs: only these are computed. */
int VARIANT(pair_energy)(const struct sk_packs *packs, const struct sk_tiles *tiles, const struct sk_pair_parameters *p,
                         const struct sk_shifts *shifts, sk_int128 energy[2])
{
    struct energy_batch b = {.packs = packs, .p = p, .energy = energy};
    const double cutoff2 = p->vdw_cutoff2_d > p->coulomb_cutoff2_d ? p->vdw_cutoff2_d : p->coulomb_cutoff2_d;
    const vf limit2 = vf_set((float)(cutoff2 / p->r2_scale * (1.0 + 1e-6)));
    for (int k = tiles->first_entry; k < tiles->end_entry; k++) {
        const struct sk_ientry *e = &tiles->entries[k];
        const int32_t *shift = shifts->x[e->shift];
        struct pair_side side;
        pair_side_load(&side, NULL, packs, (size_t)e->icluster, shift, SK_LJ_NONE);
        for (int t = e->first; t < e->end; t++) {
            const struct sk_tile tile = tiles->tiles[t];
            const int32_t *xj = packs->x + 24 * (size_t)tile.pack;
            uint32_t near = energy_near(&side, xj, limit2) & tile.mask;
            for (; near; near &= near - 1) {
                const int l = __builtin_ctz(near), i = SK_HALF * e->icluster + l / SK_PACK, j = l % SK_PACK;
                const int32_t *xi = packs->x + 24 * (size_t)(i / SK_PACK) + i % SK_PACK;
                for (int c = 0; c < 3; c++)
                    b.d[c][b.n] = (int32_t)((uint32_t)xi[SK_PACK * c] + (uint32_t)shift[c] -
                                            (uint32_t)xj[SK_PACK * c + j]);
                b.i[b.n] = i;
                b.j[b.n] = SK_PACK * tile.pack + j;
                if (++b.n == LANES)
                    energy_flush(&b);
            }
        }
    }
    if (b.n > 0)
        energy_flush(&b);
    return (b.bad ? SK_PAIR_BAD : 0) | b.cores;
}

int VARIANT(pair_parts)(const struct sk_packs *packs, const struct sk_tiles *tiles, const struct sk_pair_parameters *p,
                        const struct sk_shifts *shifts, const uint8_t *group, sk_int128 (*parts)[2])
{
    struct wide_tile w;
    double d[3][LANES];
    int bad = 0, cores = 0;
    for (int k = tiles->first_entry; k < tiles->end_entry; k++) {
        const struct sk_ientry *e = &tiles->entries[k];
        const uint8_t *gi = group + SK_HALF * (size_t)e->icluster;
        for (int t = e->first; t < e->end; t++) {
            const uint8_t *gj = group + SK_PACK * (size_t)tiles->tiles[t].pack;
            wide_load(&w, d, packs, p, e, shifts->x[e->shift], tiles->tiles[t]);
            cores |= w.cores;
            /* the tile once for each pair of groups that it has: most have one */
            for (uint32_t left = tiles->tiles[t].mask, taken; left; left &= ~taken) {
                int64_t sum[2];
                int first = __builtin_ctz(left), part = sk_group_pair(gi[first / SK_PACK], gj[first % SK_PACK]);
                taken = 0;
                for (int l = 0; l < LANES; l++) {
                    bool is_in = left >> l & 1 && sk_group_pair(gi[l / SK_PACK], gj[l % SK_PACK]) == part;
                    taken |= (uint32_t)is_in << l;
                    w.mask[l] = -(int64_t)is_in;
                }
                energy_tile(&w, p, sum, &bad);
                parts[part][0] += sum[0];
                parts[part][1] += sum[1];
            }
        }
    }
    return (bad ? SK_PAIR_BAD : 0) | cores;
}

/* F/r x force_scale x quantum of each lane: times a difference in quanta it is a force in integer units. */
static void wide_scalar(const struct wide_tile *w, const struct sk_pair_parameters *p, double s[LANES])
{
    const double scale = p->force_scale * p->quantum;
    double lj[LANES], mesh[LANES] = {0};
    if (p->has_coulomb && p->is_ewald)
        ewald_sum(w, p->ewald_series, p->ewald_series->force, mesh);
    wide_lj(w, p, lj);
    for (int l = 0; l < LANES; l++) {
        double coulomb = w->qq[l] * (w->rinv2[l] * sqrt(w->rinv2[l]) - mesh[l] - 2.0 * p->k_rf);
        int has_lj = ((w->c6[l] != 0.0) | (w->c12[l] != 0.0)) & (w->r2[l] < p->vdw_cutoff2_d);
        int has_coulomb = (w->qq[l] != 0.0) & (w->r2[l] < p->coulomb_cutoff2_d);
        double sum = (has_lj ? lj[l] : 0.0) + (has_coulomb ? coulomb : 0.0);
        s[l] = w->mask[l] ? sum * scale : 0.0;
    }
}

int VARIANT(pair_wide)(const struct sk_packs *packs, const struct sk_tiles *tiles, const struct sk_pair_parameters *p,
                       const struct sk_shifts *shifts, int64_t *f, int64_t shift_force[SK_SHIFTS][3])
{
    struct wide_tile w;
    double s[LANES], d[3][LANES];
    int bad = 0, cores = 0;
    for (int n = tiles->first_entry; n < tiles->end_entry; n++) {
        const struct sk_ientry *e = &tiles->entries[n];
        int64_t *fi = f + 24 * (size_t)(e->icluster / 2) + 4 * (e->icluster % 2);
        for (int t = e->first; t < e->end; t++) {
            int64_t *fj = f + 24 * (size_t)tiles->tiles[t].pack;
            wide_load(&w, d, packs, p, e, shifts->x[e->shift], tiles->tiles[t]);
            wide_scalar(&w, p, s);
            for (int l = 0; w.cores && l < LANES; l++)
                s[l] *= w.stretch[l];
            cores |= w.cores;
            for (int k = 0; k < 3; k++)
                for (int l = 0; l < LANES; l++) {
                    double force = rint(s[l] * d[k][l]);
                    int is_good = fabs(force) <= 0x1p62;
                    /* unsigned: a sum that runs over wraps, as it does in the fast kernel */
                    uint64_t value = is_good ? (uint64_t)(int64_t)force : 0;
                    bad |= !is_good;
                    fi[8 * k + l / 8] = (int64_t)((uint64_t)fi[8 * k + l / 8] + value);
                    fj[8 * k + l % 8] = (int64_t)((uint64_t)fj[8 * k + l % 8] - value);
                    shift_force[e->shift][k] = (int64_t)((uint64_t)shift_force[e->shift][k] + value);
                }
        }
    }
    return (bad ? SK_PAIR_BAD : 0) | cores;
}

int VARIANT(ewald_part)(const struct sk_ewald_series *series, int n, const double (*d)[SK_EWALD_LANES],
                        const double *qq, double *energy, double *force)
{
    struct wide_tile w;
    double sum[LANES];
    int beyond = 0;
    for (int l = 0; l < LANES; l++) {
        w.r2[l] = l < n ? d[0][l] * d[0][l] + d[1][l] * d[1][l] + d[2][l] * d[2][l] : 0.0;
        beyond += w.r2[l] * series->scale > 2.0;
    }
    ewald_sum(&w, series, series->force, sum);
    for (int l = 0; l < LANES; l++)
        force[l] = l < n ? qq[l] * sum[l] : 0.0;
    if (!energy)
        return beyond;
    ewald_sum(&w, series, series->energy, sum);
    for (int l = 0; l < LANES; l++)
        energy[l] = l < n ? qq[l] * sum[l] : 0.0;
    return beyond;
}
