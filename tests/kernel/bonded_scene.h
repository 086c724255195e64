/* Blocks of bonded terms at random or given places, for every form. */
#ifndef SK_TESTS_BONDED_SCENE_H
#define SK_TESTS_BONDED_SCENE_H

#include "kernel/bonded.h"

#include "bonded_reference.h"
#include "check.h"

#define PI 3.14159265358979323846

enum { B = SK_BONDED_BLOCK };

/* splitmix64 */
static inline double sample(uint64_t *state, double low, double high)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return low + (high - low) * ((double)((z ^ (z >> 31)) >> 11) * 0x1p-53);
}

static const struct form {
    const char *name;
    int natoms, values, parts, is_symmetric; /* symmetric: a chain read backwards is the same term */
    sk_bonded_kernel *kernel;
    reference *energy;
    double low[6], high[6]; /* ranges of the parameters as a force field gives them */
} forms[] = {
    {"bond_harmonic", 2, 2, 1, 1, sk_bonded_bond_harmonic, e_bond_harmonic, {0.1, 1e5}, {0.2, 5e5}},
    {"bond_g96", 2, 2, 1, 1, sk_bonded_bond_g96, e_bond_g96, {0.1, 1e6}, {0.2, 2e7}},
    {"bond_morse", 2, 3, 1, 1, sk_bonded_bond_morse, e_bond_morse, {0.1, 100, 10}, {0.2, 500, 30}},
    {"bond_fene", 2, 2, 1, 1, sk_bonded_bond_fene, e_bond_fene, {0.4, 1e3}, {0.6, 1e4}},
    {"bond_fene_lj", 2, 4, 1, 1, sk_bonded_bond_fene_lj, e_bond_fene_lj, {0.4, 1e3, 0.5, 0.1}, {0.6, 1e4, 2, 0.3}},
    {"pair", 2, 3, 2, 1, sk_bonded_pair, e_pair, {0, 0, -100}, {1e-3, 1e-6, 100}},
    {"pair_core", 2, 4, 2, 1, sk_bonded_pair, e_pair_core, {0, 0, -100, 0.05}, {1e-3, 1e-6, 100, 0.3}},
    {"angle_harmonic", 3, 2, 1, 1, sk_bonded_angle_harmonic, e_angle_harmonic, {1.5, 200}, {2.5, 800}},
    {"angle_g96", 3, 2, 1, 1, sk_bonded_angle_g96, e_angle_g96, {1.5, 200}, {2.5, 800}},
    {"urey_bradley",
     3,
     4,
     1,
     1,
     sk_bonded_angle_urey_bradley,
     e_angle_urey_bradley,
     {1.5, 200, 0.2, 0},
     {2.5, 800, 0.3, 3e4}},
    {"periodic", 4, 3, 1, 1, sk_bonded_dihedral_periodic, e_dihedral_periodic, {-PI, -20, -6.5}, {PI, 20, 12.5}},
    {"ryckaert",
     4,
     6,
     1,
     1,
     sk_bonded_dihedral_ryckaert,
     e_dihedral_ryckaert,
     {-30, -30, -30, -30, -9, -9},
     {30, 30, 30, 30, 9, 9}},
    {"improper", 4, 2, 1, 1, sk_bonded_improper_harmonic, e_improper_harmonic, {-PI, 50}, {PI, 500}},
    {"cmap", 5, 1, 1, 0, sk_bonded_cmap, e_cmap, {1, 0}, {1, 0}},
    {"position", 1, 3, 1, 0, sk_bonded_position, e_position, {0, 0, 0}, {1e4, 1e4, 1e4}},
};

enum { FORMS = sizeof forms / sizeof *forms };

/* A block with what it borrows. */
struct scene {
    struct sk_bonded_block block;
    double p[SK_BONDED_PARAMETERS][B], raw[B][6];
    double x[B][5][3];
    double node[MAP_NODES * MAP_NODES][4];
    struct sk_bonded_map maps[2]; /* the first one is empty: the index counts */
};

static inline void scene_parameters(struct scene *s, const struct form *form, int l)
{
    double p[6];
    memcpy(p, s->raw[l], sizeof p);
    if (form->kernel == sk_bonded_angle_g96)
        sk_bonded_prepare_g96(s->raw[l][0], s->raw[l][1], p);
    if (form->kernel == sk_bonded_dihedral_periodic)
        sk_bonded_prepare_periodic(s->raw[l][0], s->raw[l][1], (int)s->raw[l][2], p);
    for (int v = 0; v < 6; v++)
        s->p[v][l] = p[v];
}

/* Displacements of the places x; the reference of a restraint is the origin. */
static inline void scene_vectors(struct scene *s, const struct form *form, int l)
{
    for (int v = 0; v < sk_bonded_vectors(form->natoms); v++)
        for (int a = 0; a < 3; a++)
            s->block.d[v][a][l] = s->x[l][sk_bonded_head(v)][a] -
                                  (form->natoms > 1 ? s->x[l][sk_bonded_tail(v)][a] : 0);
}

static inline void scene_init(struct scene *s)
{
    memset(s, 0, sizeof *s);
    double energy[MAP_NODES * MAP_NODES];
    reference_map(energy);
    sk_bonded_prepare_map(MAP_NODES, energy, s->node);
    s->maps[1] = (struct sk_bonded_map){MAP_NODES, (const double(*)[4])s->node};
    s->block.n = B;
    s->block.p = (const double(*)[B])s->p;
    s->block.maps = s->maps;
}

/* Chains of bonds of 0.1 to 0.2 nm on a grid of 2^-40 nm, so that displacements are exact; no closer than `least` to a
 * straight or folded angle, nor an overstretched FENE bond. */
static inline void scene_random(struct scene *s, const struct form *form, uint64_t *random, double least)
{
    for (int l = 0; l < B; l++) {
        for (int v = 0; v < 6; v++) {
            double value = sample(random, form->low[v], form->high[v]);
            s->raw[l][v] = form->kernel == sk_bonded_dihedral_periodic && v == 2 ? rint(value) : value;
        }
        for (int i = 0; i < 5;) {
            double length = 0;
            for (int a = 0; a < 3; a++) {
                double step = sample(random, -0.2, 0.2);
                s->x[l][i][a] = rint(((i ? s->x[l][i - 1][a] : 0) + step) * 0x1p40) * 0x1p-40;
                length += step * step;
            }
            real x[3][3];
            for (int k = 0; k < 3 && i > 1; k++)
                for (int a = 0; a < 3; a++)
                    x[k][a] = s->x[l][i - 2 + k][a];
            const double angle = i > 1 ? (double)reference_angle(x[0], x[1], x[2]) : 1.0;
            i += length > 0.01 && length < 0.04 && angle > least && angle < PI - least;
        }
        scene_parameters(s, form, l);
        scene_vectors(s, form, l);
    }
}

/* Forces on atoms from the vectors' g. */
static inline void forces_of(const struct scene *s, const struct form *form, int l, double f[5][3])
{
    memset(f, 0, sizeof(double[5][3]));
    for (int v = 0; v < sk_bonded_vectors(form->natoms); v++)
        for (int a = 0; a < 3; a++) {
            f[sk_bonded_head(v)][a] += s->block.g[v][a][l];
            if (form->natoms > 1)
                f[sk_bonded_tail(v)][a] -= s->block.g[v][a][l];
        }
}

/* Puts one term at given places, with given parameters, into lane 0. */
static inline void scene_one(struct scene *s, const struct form *form, const double raw[6], double x[5][3])
{
    s->block.n = 1;
    memcpy(s->raw[0], raw, sizeof s->raw[0]);
    memcpy(s->x[0], x, sizeof s->x[0]);
    scene_parameters(s, form, 0);
    scene_vectors(s, form, 0);
    form->kernel(&s->block);
}

static inline const struct form *form_of(sk_bonded_kernel *kernel)
{
    for (int i = 0; i < FORMS; i++)
        if (forms[i].kernel == kernel)
            return &forms[i];
    fail_msg("no such form");
    return NULL;
}

#endif
