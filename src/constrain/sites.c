#include "constrain/sites.h"

#include <string.h>

#include "base/math.h"
#include "base/memory.h"

void sk_sites_clear(struct sk_sites *sites)
{
    sk_free(&sites->site);
    memset(sites, 0, sizeof *sites);
}

/* The type's site at a place, or NULL. */
static const struct sk_virtual_site *site_at(const struct sk_moltype *type, int place)
{
    int low = 0, high = type->nsites;
    while (low < high) {
        int middle = (low + high) / 2;
        if (type->sites[middle].place < place)
            low = middle + 1;
        else
            high = middle;
    }
    return low < type->nsites && type->sites[low].place == place ? &type->sites[low] : NULL;
}

/* The sites of the group at an anchor. */
static void add_group(struct sk_sites *sites, const struct sk_moltype *type, int group, const struct sk_atoms *atoms,
                      int anchor)
{
    const int *place = type->group_place + type->group_start[group];
    for (int m = 0; m < atoms->group_size[anchor]; m++) {
        const struct sk_virtual_site *site = site_at(type, place[m]);
        if (!site)
            continue;
        struct sk_site_atom added = {anchor + m, {-1, -1, -1}, site->form, site->a, site->b, site->c};
        for (int f = 0; f < sk_virtual_atoms(site->form); f++)
            for (int o = 0; o < atoms->group_size[anchor]; o++)
                if (place[o] == site->from[f])
                    added.from[f] = anchor + o;
        sk_reserve(&sites->site, &sites->capacity, (size_t)sites->n + 1);
        sites->site[sites->n++] = added;
    }
}

void sk_sites_rebuild(struct sk_sites *sites, const struct sk_topology *top, const struct sk_atoms *atoms)
{
    sites->n = 0;
    for (int i = 0; i < atoms->n; i += atoms->group_size[i]) {
        struct sk_place at = sk_topology_find(top, atoms->id[i]);
        const struct sk_moltype *type = &top->moltypes[at.moltype];
        if (type->nsites)
            add_group(sites, type, type->group_of[at.place], atoms, i);
    }
}

/* Vectors from the first of the site's atoms to the others, in fractions. */
static void legs_of(const struct sk_site_atom *site, const struct sk_atoms *atoms, double leg[2][3])
{
    for (int l = 0; l < 2; l++)
        for (int k = 0; k < 3; k++)
            leg[l][k] = site->from[l + 1] < 0
                            ? 0.0
                            : sk_frac_difference(atoms->x[site->from[l + 1]][k], atoms->x[site->from[0]][k]);
}

static void cross(const double u[3], const double v[3], double w[3])
{
    for (int k = 0; k < 3; k++)
        w[k] = u[(k + 1) % 3] * v[(k + 2) % 3] - u[(k + 2) % 3] * v[(k + 1) % 3];
}

/* From the first of its atoms to the site, in fractions. */
static void place_of(const struct sk_site_atom *site, const struct sk_box *box, double leg[2][3], double s[3])
{
    for (int k = 0; k < 3; k++)
        s[k] = site->a * leg[0][k] + site->b * leg[1][k];
    if (site->form != SK_VIRTUAL_3_OUT)
        return;
    double u[3], v[3], out[3];
    sk_box_vector(box, leg[0], u);
    sk_box_vector(box, leg[1], v);
    cross(u, v, out);
    sk_box_fractions(box, out, out);
    for (int k = 0; k < 3; k++)
        s[k] += site->c * out[k];
}

void sk_sites_place(const struct sk_sites *sites, const struct sk_box *box, struct sk_atoms *atoms)
{
    for (int i = 0; i < sites->n; i++) {
        const struct sk_site_atom *site = &sites->site[i];
        double leg[2][3], s[3];
        legs_of(site, atoms, leg);
        place_of(site, box, leg, s);
        for (int k = 0; k < 3; k++) {
            const sk_int128 sum = (sk_int128)atoms->x[site->from[0]][k] + sk_round(s[k] * 0x1p64);
            atoms->x[site->atom][k] = (sk_frac)sum;
            atoms->image[site->atom][k] = atoms->image[site->from[0]][k] + (int32_t)(sum >> 64);
        }
    }
}

/* What a site off the plane of its atoms, at c (u x v) beside the plane, changes of their forces and of the virial. */
static void spread_out(const struct sk_site_atom *site, const struct sk_box *box, double leg[2][3],
                       const double force[3], double share[2][3], double excess[3])
{
    double u[3], v[3], out[3], first[3], second[3];
    sk_box_vector(box, leg[0], u);
    sk_box_vector(box, leg[1], v);
    cross(v, force, first);
    cross(force, u, second);
    cross(u, v, out);
    for (int k = 0; k < 3; k++) {
        share[0][k] += site->c * first[k];
        share[1][k] += site->c * second[k];
        excess[k] = site->c * (u[k] * first[k] + v[k] * second[k] - out[k] * force[k]);
    }
}

void sk_sites_spread(const struct sk_sites *sites, const struct sk_box *box, const struct sk_atoms *atoms, double scale,
                     int64_t (*force)[3], sk_int128 virial[3])
{
    for (int i = 0; i < sites->n; i++) {
        const struct sk_site_atom *site = &sites->site[i];
        double leg[2][3], f[3], share[2][3], excess[3];
        for (int k = 0; k < 3; k++) {
            f[k] = (double)force[site->atom][k];
            share[0][k] = site->a * f[k];
            share[1][k] = site->b * f[k];
        }
        if (site->form == SK_VIRTUAL_3_OUT) {
            legs_of(site, atoms, leg);
            spread_out(site, box, leg, f, share, excess);
            for (int k = 0; k < 3; k++)
                virial[k] += sk_round(-0.5 * excess[k] / scale * SK_ENERGY_SCALE);
        }
        for (int k = 0; k < 3; k++) {
            int64_t rest = force[site->atom][k];
            for (int l = 0; l < 2 && site->from[l + 1] >= 0; l++) {
                const int64_t part = sk_round(share[l][k]);
                force[site->from[l + 1]][k] += part;
                rest -= part;
            }
            force[site->from[0]][k] += rest;
            force[site->atom][k] = 0;
        }
    }
}
