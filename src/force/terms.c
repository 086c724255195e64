#include "force/terms.h"

#include <math.h>

#include "base/math.h"

/* Where a lane's first component is in the packs' coordinates and forces; the others follow at SK_PACK and twice. */
static inline size_t lane_offset(int32_t lane)
{
    return 24 * ((uint32_t)lane / SK_PACK) + (uint32_t)lane % SK_PACK;
}

static inline double component(const int32_t *xi, int32_t shift, const int32_t *xj)
{
    return (double)(int32_t)((uint32_t)*xi + (uint32_t)shift - (uint32_t)*xj);
}

/* Vector i + shift - j in quanta, of the image in which the pair was taken out of its tile, and its square. Axes are
 * written out here and below: as loops, which the compiler keeps, they cost 1 % of a step of water. */
static inline double excluded_vector(const struct sk_force *force, const struct sk_excluded_pair *e, double d[3])
{
    const int32_t *shift = force->shifts.x[e->shift];
    const int32_t *xi = force->clusters.packs.x + lane_offset(e->i), *xj = force->clusters.packs.x + lane_offset(e->j);
    d[0] = component(xi, shift[0], xj);
    d[1] = component(xi + SK_PACK, shift[1], xj + SK_PACK);
    d[2] = component(xi + 2 * SK_PACK, shift[2], xj + 2 * SK_PACK);
    return d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
}

/* Adds the nearest integer (ties to even) of a force of at most 2^26 to one atom, subtracts it from the other. */
static inline int32_t push(int32_t *fi, int32_t *fj, double force)
{
    union {
        double d;
        uint64_t bits;
    } magic = {force + 0x1.8p52}; /* has the integer in its low bits */
    uint32_t f = (uint32_t)magic.bits;
    *fi = (int32_t)((uint32_t)*fi + f); /* unsigned: sums wrap, as in the kernel */
    *fj = (int32_t)((uint32_t)*fj - f);
    return (int32_t)f;
}

void sk_terms_add_excluded(struct sk_force *force, enum sk_list_part part)
{
    const struct sk_pair_parameters *pair = &force->nonbonded.pair;
    const struct sk_excluded_list *list = &force->list.excluded[part];
    const double r2_scale = pair->quantum * pair->quantum, cutoff2 = pair->coulomb_cutoff2_d,
                 factor = -2 * pair->k_rf * pair->coulomb * pair->force_scale * pair->quantum;
    int32_t *const pack_force = force->pack_force;
    bool has_range = false;
    for (int p = 0; p < list->n; p++) {
        const struct sk_excluded_pair *e = &list->pairs[p];
        double d[3], r2 = excluded_vector(force, e, d), s = factor * e->qq;
        if (!(r2 * r2_scale < cutoff2))
            continue;
        if (!(s * s * r2 <= 0x1p52)) { /* push() takes no more, and the step will be wide */
            has_range = true;
            continue;
        }
        int32_t *fi = pack_force + lane_offset(e->i), *fj = pack_force + lane_offset(e->j);
        int64_t *shift_force = force->shift_force[e->shift];
        shift_force[0] += push(fi, fj, s * d[0]);
        shift_force[1] += push(fi + SK_PACK, fj + SK_PACK, s * d[1]);
        shift_force[2] += push(fi + 2 * SK_PACK, fj + 2 * SK_PACK, s * d[2]);
    }
    force->has_range |= has_range;
}

static void add_excluded_wide(struct sk_force *force, const struct sk_excluded_pair *e)
{
    const struct sk_pair_parameters *pair = &force->nonbonded.pair;
    const double factor = -2 * pair->k_rf * pair->coulomb * pair->force_scale * pair->quantum;
    double d[3], r2 = excluded_vector(force, e, d), s = factor * e->qq;
    if (!(r2 * (pair->quantum * pair->quantum) < pair->coulomb_cutoff2_d))
        return;
    if (!(s * s * r2 <= 0x1p124)) { /* the range of the wide kernel */
        force->has_bad = true;
        return;
    }
    int64_t *fi = force->pack_wide + lane_offset(e->i), *fj = force->pack_wide + lane_offset(e->j);
    int64_t *shift = force->shift_force[e->shift];
    for (int k = 0; k < 3; k++) {
        uint64_t f = (uint64_t)sk_round(s * d[k]);
        fi[SK_PACK * k] = (int64_t)((uint64_t)fi[SK_PACK * k] + f);
        fj[SK_PACK * k] = (int64_t)((uint64_t)fj[SK_PACK * k] - f);
        shift[k] = (int64_t)((uint64_t)shift[k] + f);
    }
}

void sk_terms_add_excluded_wide(struct sk_force *force)
{
    for (int part = 0; part < SK_LIST_PARTS; part++)
        for (int p = 0; p < force->list.excluded[part].n; p++)
            add_excluded_wide(force, &force->list.excluded[part].pairs[p]);
}

/* Adds the Coulomb energy of two lanes, rounded. */
static void add_coulomb(struct sk_force *force, int32_t i, int32_t j, double energy)
{
    struct sk_parts *parts = &force->parts;
    int64_t rounded = sk_round(energy * SK_ENERGY_SCALE);
    force->energy[1] += rounded;
    if (sk_parts_are_wanted(parts))
        parts->pair[sk_group_pair(parts->lane[i], parts->lane[j])][1] += rounded;
}

/* Energies of the tiles, all together or by pairs of groups. */
static int tile_energies(struct sk_force *force, const struct sk_tiles *tiles)
{
    const struct sk_packs *packs = &force->clusters.packs;
    const struct sk_pair_parameters *pair = &force->nonbonded.pair;
    struct sk_parts *parts = &force->parts;
    return sk_parts_are_wanted(parts)
               ? force->variant->parts(packs, tiles, pair, &force->shifts, parts->lane, parts->pair)
               : force->variant->energy(packs, tiles, pair, &force->shifts, force->energy);
}

/* Energy of the excluded pairs of a part: they have the field but not the 1/r. */
static void add_excluded_energy(struct sk_force *force, const struct sk_excluded_list *list)
{
    const struct sk_pair_parameters *pair = &force->nonbonded.pair;
    for (int p = 0; p < list->n; p++) {
        const struct sk_excluded_pair *e = &list->pairs[p];
        double d[3], r2 = excluded_vector(force, e, d) * (pair->quantum * pair->quantum);
        if (!(r2 < pair->coulomb_cutoff2_d))
            continue;
        double energy = pair->coulomb * e->qq * (pair->k_rf * r2 - pair->c_rf);
        if (fabs(energy) <= 0x1p19)
            add_coulomb(force, e->i, e->j, energy);
        else
            force->has_bad = true;
    }
}

void sk_force_energy(struct sk_force *force, const struct sk_atoms *atoms)
{
    const struct sk_pair_parameters *pair = &force->nonbonded.pair;
    force->energy[0] = force->energy[1] = 0;
    sk_parts_reset(&force->parts);
    for (int part = 0; part < SK_LIST_PARTS; part++) {
        struct sk_tiles tiles = sk_list_tiles(&force->list.inner[part]);
        int found = tile_energies(force, &tiles);
        force->has_bad |= (found & SK_PAIR_BAD) != 0;
        force->has_core |= (found & SK_PAIR_CORE) != 0;
    }
    for (int p = 0; p < SK_PARTS && sk_parts_are_wanted(&force->parts); p++)
        for (int e = 0; e < 2; e++)
            force->energy[e] += force->parts.pair[p][e];
    if (!pair->is_reaction_field)
        return;
    for (int part = 0; part < SK_LIST_PARTS; part++)
        add_excluded_energy(force, &force->list.excluded[part]);
    for (int i = 0; i < atoms->n; i++) {
        double q = force->top->kinds[atoms->kind[i]].charge;
        int32_t lane = force->clusters.slot[i];
        add_coulomb(force, lane, lane, -0.5 * pair->c_rf * pair->coulomb * q * q);
    }
}

void sk_force_virial(const struct sk_force *force, const struct sk_atoms *atoms, sk_int128 pair[3])
{
    /* sum over pairs of (x_i + shift - x_j) F = sum over atoms of x F + sum over shifts of shift F_shift: exact, so the
     * frames of atoms and the side that carries a shift do not matter */
    int32_t n[3];
    int64_t place[3];
    pair[0] = pair[1] = pair[2] = 0; /* the factor -1/2 is applied when the total is converted */
    for (int i = 0; i < atoms->n; i++) {
        for (int k = 0; k < 3; k++)
            n[k] = atoms->image[i][k] - atoms->frame[i][k];
        sk_box_grid_place(&force->box_grid, atoms->x[i], n, place);
        for (int k = 0; k < 3; k++)
            pair[k] += (sk_int128)place[k] * (force->is_wide ? force->wide[i][k] : force->pair[i][k]);
    }
    for (int s = 0; s < SK_SHIFTS; s++) {
        sk_shift_of(s, n);
        sk_box_grid_vector(&force->box_grid, n, place);
        for (int k = 0; k < 3; k++)
            pair[k] += (sk_int128)place[k] * force->shift_force[s][k];
    }
}
