#include "force/terms.h"

#include <string.h>

#include "base/math.h"
#include "base/memory.h"

static void excluded_add(struct sk_force *force, const struct sk_atoms *atoms, int i, int j)
{
    const struct sk_kind *kinds = force->top->kinds;
    double qq = force->nonbonded.pair.coulomb * kinds[atoms->kind[i]].charge * kinds[atoms->kind[j]].charge;
    if (qq == 0)
        return;
    sk_reserve(&force->excluded, &force->excluded_capacity, (size_t)force->nexcluded + 1);
    force->excluded[force->nexcluded++] = (struct sk_excluded_pair){i, j, qq};
}

void sk_terms_list_excluded(struct sk_force *force, const struct sk_atoms *atoms)
{
    force->nexcluded = 0;
    if (!force->nonbonded.pair.is_reaction_field)
        return;
    for (int i = 0; i < atoms->n; i += atoms->group_size[i]) {
        if (atoms->group_size[i] == 1)
            continue;
        struct sk_place anchor = sk_topology_find(force->top, atoms->id[i]);
        const struct sk_moltype *type = &force->top->moltypes[anchor.moltype];
        const int *places = type->group_place + type->group_start[type->group_of[anchor.place]];
        for (int a = 0; a < atoms->group_size[i]; a++)
            for (int b = a + 1; b < atoms->group_size[i]; b++)
                for (int e = type->excluded_start[places[a]]; e < type->excluded_start[places[a] + 1]; e++)
                    if (type->excluded[e] == places[b])
                        excluded_add(force, atoms, i + a, i + b);
    }
}

/* Vector i - j (by images) and its square. */
static double excluded_vector(const struct sk_atoms *atoms, const struct sk_box *box, int i, int j, double d[3])
{
    double r2 = 0;
    for (int k = 0; k < 3; k++) {
        d[k] = sk_frac_difference(atoms->x[i][k], atoms->x[j][k]) * box->edge[k];
        r2 += d[k] * d[k];
    }
    return r2;
}

void sk_terms_add_excluded(struct sk_force *force, const struct sk_atoms *atoms, const struct sk_box *box)
{
    const struct sk_pair_parameters *pair = &force->nonbonded.pair;
    for (int p = 0; p < force->nexcluded; p++) {
        const struct sk_excluded_pair *e = &force->excluded[p];
        double d[3], r2 = excluded_vector(atoms, box, e->i, e->j, d);
        if (!(r2 < pair->coulomb_cutoff2_d))
            continue;
        double scale = -2 * pair->k_rf * e->qq * pair->force_scale;
        for (int k = 0; k < 3; k++) {
            int64_t f = sk_round(scale * d[k]);
            force->total[e->i][k] += f;
            force->total[e->j][k] -= f;
        }
    }
}

void sk_force_energy(struct sk_force *force, const struct sk_atoms *atoms, const struct sk_box *box)
{
    const struct sk_pair_parameters *pair = &force->nonbonded.pair;
    force->energy[0] = force->energy[1] = 0;
    for (int part = 0; part < SK_LIST_PARTS; part++) {
        struct sk_tiles tiles = sk_list_tiles(&force->list.inner[part]);
        force->has_bad |= force->variant->energy(&force->clusters.packs, &tiles, pair, &force->shifts, force->energy) !=
                          0;
    }
    if (!pair->is_reaction_field)
        return;
    for (int p = 0; p < force->nexcluded; p++) {
        const struct sk_excluded_pair *e = &force->excluded[p];
        double d[3], r2 = excluded_vector(atoms, box, e->i, e->j, d);
        if (r2 < pair->coulomb_cutoff2_d)
            force->energy[1] += sk_round(e->qq * (pair->k_rf * r2 - pair->c_rf) * SK_ENERGY_SCALE);
    }
    for (int i = 0; i < atoms->n; i++) {
        double q = force->top->kinds[atoms->kind[i]].charge;
        force->energy[1] += sk_round(-0.5 * pair->c_rf * pair->coulomb * q * q * SK_ENERGY_SCALE);
    }
}

void sk_force_virial(const struct sk_force *force, const struct sk_atoms *atoms, const struct sk_box *box,
                     sk_int128 pair[3], sk_int128 rest[3])
{
    const struct sk_pair_parameters *p = &force->nonbonded.pair;
    for (int k = 0; k < 3; k++) {
        /* sum over pairs of (x_i + shift - x_j) F = sum over atoms of x F + sum over shifts of shift F_shift: exact, so
         * the frames of atoms and the side that carries a shift do not matter */
        sk_int128 sum = 0;
        for (int i = 0; i < atoms->n; i++) {
            int64_t x = sk_frac_to_grid(atoms->x[i][k], force->edge_quanta[k]) +
                        (int64_t)(atoms->image[i][k] - atoms->frame[i][k]) * (int64_t)force->edge_quanta[k];
            sum += (sk_int128)x * (force->is_wide ? force->wide[i][k] : force->pair[i][k]);
        }
        for (int s = 0; s < SK_SHIFTS; s++) {
            int component = k == 0 ? s % 3 - 1 : k == 1 ? s / 3 % 3 - 1 : s / 9 - 1;
            sum += (sk_int128)component * (int64_t)force->edge_quanta[k] * force->shift_force[s][k];
        }
        pair[k] = sum; /* the factor -1/2 is applied when the total is converted */
        rest[k] = 0;
    }
    for (int e = 0; e < force->nexcluded; e++) {
        double d[3], r2 = excluded_vector(atoms, box, force->excluded[e].i, force->excluded[e].j, d);
        if (!(r2 < p->coulomb_cutoff2_d))
            continue;
        for (int k = 0; k < 3; k++)
            rest[k] += sk_round(p->k_rf * force->excluded[e].qq * d[k] * d[k] * SK_ENERGY_SCALE);
    }
}
