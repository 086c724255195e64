/* Energies and wide forces: plain double loops over the lanes of a tile, which the compiler may
 * vectorise: nothing here depends on the order of operations, as each pair is rounded to an integer. */

#define LANES 32 /* pairs of a tile: lane 8 i + j */

/* Lane-wise parameters and squared distances (length^2) of a tile. */
struct wide_tile {
    double d[3][LANES]; /* in quanta */
    double r2[LANES], rinv2[LANES], qq[LANES], c6[LANES], c12[LANES], shift[LANES];
    int64_t mask[LANES];   /* -1 or 0 */
    int cores;             /* SK_PAIR_CORE and SK_PAIR_COINCIDENT of its pairs; with them, what follows is set */
    double gap[LANES];     /* the way out to the surface of the core, 0 for pairs outside of theirs */
    double stretch[LANES]; /* what makes d as long as the core's radius; 0 where d is */
};

/* Pairs within their cores go by the distance at the surface. */
static void wide_enter_cores(struct wide_tile *w, const struct sk_packs *packs, const struct sk_pair_parameters *p,
                             const struct sk_ientry *entry, struct sk_tile tile)
{
    const int32_t *itype = packs->type + 4 * (size_t)entry->icluster, *jtype = packs->type + 8 * (size_t)tile.pack;
    for (int l = 0; l < LANES; l++) {
        const double lj = entry->has_lj ? p->core2[itype[l / 8] * p->ntypes + jtype[l % 8]] : 0.0;
        const double core2 = lj > 0.0 ? lj : w->qq[l] != 0.0 ? p->core_charge2 : 0.0;
        w->gap[l] = 0.0;
        w->stretch[l] = 1.0;
        if (!w->mask[l] || !(w->r2[l] < core2))
            continue;
        const double r = sqrt(w->r2[l]), radius = sqrt(core2);
        w->cores |= r > 0.0 ? SK_PAIR_CORE : SK_PAIR_CORE | SK_PAIR_COINCIDENT;
        w->gap[l] = radius - r;
        w->stretch[l] = r > 0.0 ? radius / r : 0.0;
        w->r2[l] = core2;
        w->rinv2[l] = 1.0 / core2;
    }
}

static void wide_load(struct wide_tile *w, const struct sk_packs *packs, const struct sk_pair_parameters *p,
                      const struct sk_ientry *entry, const int32_t shift[3], struct sk_tile tile)
{
    const size_t icluster = (size_t)entry->icluster;
    const double scale = p->quantum * p->quantum;
    const size_t ip = icluster / 2, jp = (size_t)tile.pack, half = 4 * (icluster % 2);
    for (int k = 0; k < 3; k++)
        for (size_t i = 0; i < 4; i++) {
            uint32_t xi = (uint32_t)packs->x[24 * ip + 8 * k + half + i] + (uint32_t)shift[k];
            for (size_t j = 0; j < 8; j++)
                w->d[k][8 * i + j] = (double)(int32_t)(xi - (uint32_t)packs->x[24 * jp + 8 * k + j]);
        }
    for (int l = 0; l < LANES; l++) {
        w->r2[l] = (w->d[0][l] * w->d[0][l] + w->d[1][l] * w->d[1][l] + w->d[2][l] * w->d[2][l]) * scale;
        w->rinv2[l] = 1.0 / w->r2[l];
        w->mask[l] = -(int64_t)(tile.mask >> l & 1);
    }
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 8; j++)
            w->qq[8 * i + j] = p->has_coulomb ? packs->qd[8 * ip + half + i] * packs->qd[8 * jp + j] * p->coulomb : 0.0;
    if (p->lj_rule == SK_LJ_NONE || !entry->has_lj) {
        memset(w->c6, 0, sizeof w->c6);
        memset(w->c12, 0, sizeof w->c12);
        memset(w->shift, 0, sizeof w->shift);
    } else {
        const int32_t *type = packs->type + 8 * jp; /* lanes without an atom have type 0 */
        for (size_t i = 0; i < 4; i++) {
            const size_t row = (size_t)packs->type[8 * ip + half + i] * (size_t)p->ntypes;
            for (size_t j = 0; j < 8; j++) {
                w->c6[8 * i + j] = p->c6[row + (size_t)type[j]];
                w->c12[8 * i + j] = p->c12[row + (size_t)type[j]];
                w->shift[8 * i + j] = p->lj_shift[row + (size_t)type[j]];
            }
        }
    }
    w->cores = 0;
    if (p->core2)
        wide_enter_cores(w, packs, p, entry, tile);
}

/* Sums sum of c[k] s^k of all lanes, s of ewald_series.h (beyond the cutoff any number). */
static void ewald_sum(const struct wide_tile *w, const struct sk_ewald_series *series, const double *c,
                      double sum[LANES])
{
    double s[LANES];
    for (int l = 0; l < LANES; l++) {
        s[l] = w->r2[l] * series->scale - 1.0;
        sum[l] = 0.0;
    }
    for (int k = series->terms - 1; k >= 0; k--)
        for (int l = 0; l < LANES; l++)
            sum[l] = sum[l] * s[l] + c[k];
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

int VARIANT(pair_energy)(const struct sk_packs *packs, const struct sk_tiles *tiles, const struct sk_pair_parameters *p,
                         const struct sk_shifts *shifts, sk_int128 energy[2])
{
    struct wide_tile w;
    int bad = 0, cores = 0;
    for (int k = tiles->first_entry; k < tiles->end_entry; k++) {
        const struct sk_ientry *e = &tiles->entries[k];
        for (int t = e->first; t < e->end; t++) {
            int64_t sum[2];
            wide_load(&w, packs, p, e, shifts->x[e->shift], tiles->tiles[t]);
            energy_tile(&w, p, sum, &bad);
            cores |= w.cores;
            energy[0] += sum[0];
            energy[1] += sum[1];
        }
    }
    return (bad ? SK_PAIR_BAD : 0) | cores;
}

int VARIANT(pair_parts)(const struct sk_packs *packs, const struct sk_tiles *tiles, const struct sk_pair_parameters *p,
                        const struct sk_shifts *shifts, const uint8_t *group, sk_int128 (*parts)[2])
{
    struct wide_tile w;
    int bad = 0, cores = 0;
    for (int k = tiles->first_entry; k < tiles->end_entry; k++) {
        const struct sk_ientry *e = &tiles->entries[k];
        const uint8_t *gi = group + SK_HALF * (size_t)e->icluster;
        for (int t = e->first; t < e->end; t++) {
            const uint8_t *gj = group + SK_PACK * (size_t)tiles->tiles[t].pack;
            wide_load(&w, packs, p, e, shifts->x[e->shift], tiles->tiles[t]);
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
    double s[LANES];
    int bad = 0, cores = 0;
    for (int n = tiles->first_entry; n < tiles->end_entry; n++) {
        const struct sk_ientry *e = &tiles->entries[n];
        int64_t *fi = f + 24 * (size_t)(e->icluster / 2) + 4 * (e->icluster % 2);
        for (int t = e->first; t < e->end; t++) {
            int64_t *fj = f + 24 * (size_t)tiles->tiles[t].pack;
            wide_load(&w, packs, p, e, shifts->x[e->shift], tiles->tiles[t]);
            wide_scalar(&w, p, s);
            for (int l = 0; w.cores && l < LANES; l++)
                s[l] *= w.stretch[l];
            cores |= w.cores;
            for (int k = 0; k < 3; k++)
                for (int l = 0; l < LANES; l++) {
                    double force = rint(s[l] * w.d[k][l]);
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
