#include "force/nonbonded.h"

#include <math.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "mesh/ewald.h"

#define PI       3.14159265358979323846
#define WALL_KT  50.0   /* the force scale gives room for pairs at this energy */
#define COARSEST 0x1p11 /* in nm and kJ/mol: rounding errors of 4e-6 of the rms force in water */

#define LARGEST_SIGMA 32.0 /* (sigma / r)^6 of atoms on one point is a float (SK_PAIR_NEAREST2) */

#define CORE_FORCE      0x1p31 /* integer units */
#define CORE_ENERGY     0x1p18 /* of two atoms on one point: half the range of energies */
/* Radius of charges, in nm and in reduced units */
#define CORE_CHARGES    0.08
#define CORE_CHARGES_LJ 0.25

static double epsilon_of(double c6, double c12)
{
    return c12 > 0 ? c6 * c6 / (4 * c12) : 0;
}

/* Largest force that a pair (c6, c12) has at energy e > 0 on its wall: c12 u^2 - c6 u = e with u = r^-6. */
static double wall_force(double c6, double c12, double e)
{
    if (c12 <= 0)
        return 0;
    double u = (c6 + sqrt(c6 * c6 + 4 * c12 * e)) / (2 * c12);
    double r = 1 / sqrt(sk_cbrt(u));
    return (12 * c12 * u * u - 6 * c6 * u) / r;
}

/* The power of two that maps the largest wall force to between 2^25 and 2^26 (docs/numerics.md). kT: 300 K where
 * there are charges, the largest well depth where there are none. */
static double choose_force_scale(const struct sk_forcefield *ff, const struct sk_topology *top,
                                 const struct sk_units *units)
{
    int n = ff->ntypes;
    double charge2 = 0, kT = 0, largest = 0;
    for (int k = 0; k < top->nkinds; k++)
        charge2 = fabs(top->kinds[k].charge) > charge2 ? fabs(top->kinds[k].charge) : charge2;
    charge2 *= charge2;
    for (int p = 0; p < n * n; p++)
        kT = epsilon_of(ff->c6[p], ff->c12[p]) > kT ? epsilon_of(ff->c6[p], ff->c12[p]) : kT;
    if (charge2 > 0 || kT == 0)
        kT = units->system == SK_UNITS_LJ ? 1.0 : 300 * units->boltzmann;
    double energy = WALL_KT * kT;
    for (int p = 0; p < n * n; p++) {
        double wall = wall_force(ff->c6[p], ff->c12[p], energy);
        largest = wall > largest ? wall : largest;
    }
    if (largest == 0 && charge2 > 0)
        largest = energy * energy / (units->coulomb * charge2);
    if (largest == 0)
        largest = 1;
    double scale = 1;
    while (scale * largest < 0x1p25)
        scale *= 2;
    while (scale * largest > 0x1p26)
        scale *= 0.5;
    /* walls of hydrogens inside heavier atoms would ask for less: what comes there is a wide step */
    return units->system != SK_UNITS_LJ && scale < COARSEST ? COARSEST : scale;
}

double sk_core2(double c6, double c12, double force_scale)
{
    double force = CORE_FORCE / force_scale;
    if (c12 > 0) {
        double of_force = sk_pow(12 * c12 / force, 2.0 / 13), of_energy = sk_pow(13 * c12 / CORE_ENERGY, 2.0 / 12);
        return of_force > of_energy ? of_force : of_energy;
    }
    if (c6 > 0)
        return sk_pow(6 * c6 / force, 2.0 / 7);
    return 0;
}

static void fill_cores(struct sk_nonbonded *nb, const struct sk_forcefield *ff, enum sk_unit_system units)
{
    int n = ff->ntypes;
    nb->core2 = sk_alloc((size_t)(n * n), sizeof *nb->core2);
    for (int p = 0; p < n * n; p++)
        nb->core2[p] = sk_core2(ff->c6[p], ff->c12[p], nb->pair.force_scale);
    nb->pair.core2 = nb->core2;
    nb->pair.core_charge2 = units == SK_UNITS_LJ ? CORE_CHARGES_LJ * CORE_CHARGES_LJ : CORE_CHARGES * CORE_CHARGES;
}

static double sigma_of(double c6, double c12)
{
    return c6 > 0 && c12 > 0 ? 1 / sqrt(sk_cbrt(c6 / c12)) : 0;
}

static bool nearly(double a, double b)
{
    return fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b));
}

/* The cheapest rule that reproduces the whole type table. */
static enum sk_lj_rule choose_rule(const struct sk_forcefield *ff)
{
    int n = ff->ntypes;
    bool is_zero = true, is_geometric = true, is_lorentz = true;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double c6 = ff->c6[i * n + j], c12 = ff->c12[i * n + j];
            double c6i = ff->c6[i * n + i], c6j = ff->c6[j * n + j], c12i = ff->c12[i * n + i],
                   c12j = ff->c12[j * n + j];
            is_zero = is_zero && c6 == 0 && c12 == 0;
            is_geometric = is_geometric && nearly(c6, sqrt(c6i) * sqrt(c6j)) && nearly(c12, sqrt(c12i) * sqrt(c12j));
            double sigma = 0.5 * (sigma_of(c6i, c12i) + sigma_of(c6j, c12j)), sigma2 = sigma * sigma;
            double epsilon = sqrt(epsilon_of(c6i, c12i)) * sqrt(epsilon_of(c6j, c12j)), s6 = sigma2 * sigma2 * sigma2;
            is_lorentz = is_lorentz && sigma < LARGEST_SIGMA && nearly(c6, 4 * epsilon * s6) &&
                         nearly(c12, 4 * epsilon * s6 * s6);
        }
    return is_zero ? SK_LJ_NONE : is_geometric ? SK_LJ_GEOMETRIC : is_lorentz ? SK_LJ_LORENTZ : SK_LJ_TABLE;
}

static void fill_lanes(struct sk_nonbonded *nb, const struct sk_forcefield *ff, const struct sk_topology *top,
                       const struct sk_units *units, double S)
{
    int n = ff->ntypes;
    nb->lanes = sk_calloc((size_t)top->nkinds, sizeof *nb->lanes);
    for (int k = 0; k < top->nkinds; k++) {
        struct sk_lane *lane = &nb->lanes[k];
        int t = top->kinds[k].type;
        double c6 = ff->c6[t * n + t], c12 = ff->c12[t * n + t];
        lane->type = t;
        lane->charge = top->kinds[k].charge;
        lane->q = (float)(lane->charge * sqrt(units->coulomb * S));
        for (int j = 0; j < n; j++)
            lane->has_lj = lane->has_lj || ff->c6[t * n + j] != 0 || ff->c12[t * n + j] != 0;
        if (nb->pair.lj_rule == SK_LJ_GEOMETRIC) {
            lane->lj[0] = (float)sqrt(6 * c6 * S);
            lane->lj[1] = (float)sqrt(12 * c12 * S);
        } else if (nb->pair.lj_rule == SK_LJ_LORENTZ) {
            lane->lj[0] = (float)(0.5 * sigma_of(c6, c12));
            lane->lj[1] = (float)sqrt(24 * epsilon_of(c6, c12) * S);
        }
    }
}

static void fill_tables(struct sk_nonbonded *nb, const struct sk_parameters *parameters, const struct sk_forcefield *ff,
                        double S)
{
    int n = ff->ntypes;
    double rc2 = parameters->nonbonded.vdw_cutoff * parameters->nonbonded.vdw_cutoff, inv6 = 1 / (rc2 * rc2 * rc2);
    const double *shift = nb->pair.vdw_switch.shift;
    nb->table = sk_alloc((size_t)(2 * n * n), sizeof *nb->table);
    nb->lj_shift = sk_alloc((size_t)(n * n), sizeof *nb->lj_shift);
    for (int p = 0; p < n * n; p++) {
        nb->table[2 * p] = (float)(6 * ff->c6[p] * S);
        nb->table[2 * p + 1] = (float)(12 * ff->c12[p] * S);
        nb->lj_shift[p] = parameters->nonbonded.vdw_modifier == SK_MODIFIER_POTENTIAL_SHIFT
                              ? (ff->c6[p] - ff->c12[p] * inv6) * inv6
                              : ff->c12[p] * shift[1] - ff->c6[p] * shift[0]; /* zero without a switch */
    }
}

/* Mean c6 over pairs that are not excluded, as GROMACS counts them. */
static double mean_c6(const struct sk_forcefield *ff, const struct sk_topology *top, const int64_t *kind_count)
{
    int n = ff->ntypes;
    double *count = sk_calloc((size_t)n, sizeof *count), sum = 0, pairs = 0;
    for (int k = 0; k < top->nkinds; k++)
        count[top->kinds[k].type] += (double)kind_count[k];
    for (int i = 0; i < n; i++)
        for (int j = i; j < n; j++) {
            double np = i == j ? 0.5 * count[i] * (count[i] - 1) : count[i] * count[j];
            sum += np * ff->c6[i * n + j];
            pairs += np;
        }
    int64_t copies = (int64_t)top->replicate[0] * top->replicate[1] * top->replicate[2];
    for (int b = 0; b < top->nblocks; b++) {
        const struct sk_moltype *type = &top->moltypes[top->blocks[b].moltype];
        double molecules = (double)(top->blocks[b].count * copies);
        for (int a = 0; a < type->natoms; a++)
            for (int e = type->excluded_start[a]; e < type->excluded_start[a + 1]; e++) {
                if (type->excluded[e] <= a)
                    continue;
                int ti = top->kinds[type->atoms[a].kind].type,
                    tj = top->kinds[type->atoms[type->excluded[e]].kind].type;
                sum -= molecules * ff->c6[ti * n + tj];
                pairs -= molecules;
            }
    }
    sk_free(&count);
    return pairs > 0 ? sum / pairs : 0;
}

static void fill_dispersion(struct sk_nonbonded *nb, const struct sk_parameters *parameters, double natoms)
{
    if (parameters->nonbonded.dispersion == SK_DISPERSION_NONE)
        return;
    double rc = parameters->nonbonded.vdw_cutoff, rc3 = rc * rc * rc, c6 = nb->dispersion_c6;
    bool is_shifted = parameters->nonbonded.vdw_modifier == SK_MODIFIER_POTENTIAL_SHIFT;
    nb->dispersion_energy_volume = -(is_shifted ? 4.0 : 2.0) / 3.0 * PI * natoms * natoms * c6 / rc3;
    nb->dispersion_energy_const = is_shifted ? natoms * c6 / (2 * rc3 * rc3) : 0;
    nb->dispersion_pressure_volume2 = -4.0 / 3.0 * PI * natoms * natoms * c6 / rc3;
    if (nb->pair.vdw_switch.kind != SK_SWITCH_NONE) {
        /* E = C / V + const of a potential without a jump has the pressure C / V^2; the constant is for an atom that
         * the integral counts as its own neighbour. */
        nb->dispersion_energy_volume = 2 * PI * natoms * natoms * c6 * sk_switch_lacking(&nb->pair.vdw_switch);
        nb->dispersion_energy_const = -0.5 * natoms * c6 * nb->pair.vdw_switch.shift[0];
        nb->dispersion_pressure_volume2 = nb->dispersion_energy_volume;
    }
    if (parameters->nonbonded.dispersion == SK_DISPERSION_ENERGY)
        nb->dispersion_pressure_volume2 = 0;
}

static void fill_switch(struct sk_switch *s, const struct sk_parameters *parameters)
{
    double start = parameters->nonbonded.vdw_switch, end = parameters->nonbonded.vdw_cutoff;
    switch (parameters->nonbonded.vdw_modifier) {
    case SK_MODIFIER_POTENTIAL_SHIFT:
    case SK_MODIFIER_NONE: break;
    case SK_MODIFIER_FORCE_SWITCH: sk_switch_init(s, SK_SWITCH_FORCE, start, end); break;
    case SK_MODIFIER_POTENTIAL_SWITCH: sk_switch_init(s, SK_SWITCH_POTENTIAL, start, end); break;
    case SK_MODIFIER_CHARMM_SWITCH: sk_switch_init(s, SK_SWITCH_CHARMM, start, end); break;
    }
}

static void fill_coulomb(struct sk_nonbonded *nb, const struct sk_parameters *parameters, double ewald_beta)
{
    struct sk_pair_parameters *pair = &nb->pair;
    double rc = parameters->nonbonded.coulomb_cutoff, rc3 = rc * rc * rc, eps = parameters->nonbonded.epsilon_rf;
    double shift = parameters->nonbonded.coulomb_modifier == SK_MODIFIER_POTENTIAL_SHIFT ? 1 / rc : 0;
    switch (parameters->nonbonded.coulomb) {
    case SK_COULOMB_NONE: break;
    case SK_COULOMB_CUT: pair->c_rf = shift; break;
    case SK_COULOMB_REACTION_FIELD:
        pair->is_reaction_field = true;
        pair->k_rf = eps == 0 ? 1 / (2 * rc3) : (eps - 1) / ((2 * eps + 1) * rc3);
        pair->c_rf = 1 / rc + pair->k_rf * rc * rc;
        break;
    case SK_COULOMB_PME:
        if (!pair->has_coulomb)
            break;
        nb->ewald_beta = ewald_beta;
        nb->ewald_table = sk_calloc(1, sizeof *nb->ewald_table);
        nb->ewald_series = sk_calloc(1, sizeof *nb->ewald_series);
        sk_ewald_table_init(nb->ewald_table, rc * rc, sk_ewald_real_force, &nb->ewald_beta);
        sk_ewald_series_init(nb->ewald_series, nb->ewald_beta, rc * rc);
        nb->ewald_self = sk_ewald_self(nb->ewald_beta, pair->coulomb, nb->charge2);
        nb->background_volume = sk_ewald_background(nb->ewald_beta, pair->coulomb, nb->charge, 1);
        pair->is_ewald = true;
        pair->ewald_table = nb->ewald_table;
        pair->ewald_series = nb->ewald_series;
        pair->c_rf = shift * sk_erfc(nb->ewald_beta * rc);
        break;
    }
    pair->two_k_rf = (float)(2 * pair->k_rf);
}

void sk_nonbonded_init(struct sk_nonbonded *nb, const struct sk_parameters *parameters, const struct sk_forcefield *ff,
                       const struct sk_topology *top, const struct sk_units *units, const int64_t *kind_count,
                       double force_scale, double ewald_beta)
{
    memset(nb, 0, sizeof *nb);
    struct sk_pair_parameters *pair = &nb->pair;
    bool has_charges = false;
    double natoms = 0;
    for (int k = 0; k < top->nkinds; k++) {
        has_charges = has_charges || top->kinds[k].charge != 0;
        natoms += (double)kind_count[k];
        nb->charge += (double)kind_count[k] * top->kinds[k].charge;
        nb->charge2 += (double)kind_count[k] * top->kinds[k].charge * top->kinds[k].charge;
    }
    double vdw = parameters->nonbonded.vdw_cutoff, coulomb = parameters->nonbonded.coulomb_cutoff;
    pair->lj_rule = choose_rule(ff);
    pair->has_coulomb = has_charges && parameters->nonbonded.coulomb != SK_COULOMB_NONE;
    pair->is_twin = pair->has_coulomb && vdw != coulomb;
    pair->quantum = ldexp(1.0, -units->quantum_bits);
    pair->r2_scale = (float)(pair->quantum * pair->quantum);
    pair->vdw_cutoff2_d = vdw * vdw;
    pair->coulomb_cutoff2_d = coulomb * coulomb;
    pair->vdw_cutoff2 = (float)pair->vdw_cutoff2_d;
    pair->coulomb_cutoff2 = (float)pair->coulomb_cutoff2_d;
    pair->ntypes = ff->ntypes;
    pair->c6 = ff->c6;
    pair->c12 = ff->c12;
    pair->coulomb = units->coulomb;
    pair->force_scale = force_scale > 0 ? force_scale : choose_force_scale(ff, top, units);
    fill_switch(&pair->vdw_switch, parameters);
    fill_coulomb(nb, parameters, ewald_beta);
    double S = pair->force_scale * pair->quantum;
    fill_lanes(nb, ff, top, units, S);
    fill_tables(nb, parameters, ff, S);
    pair->table = nb->table;
    pair->lj_shift = nb->lj_shift;
    if (sk_is_minimizer(parameters->run.integrator))
        fill_cores(nb, ff, units->system);
    nb->cutoff = pair->has_coulomb && coulomb > vdw ? coulomb : vdw;
    pair->scalar_limit = (float)(SK_PAIR_FORCE_LIMIT * pair->quantum / nb->cutoff);
    nb->dispersion_c6 = mean_c6(ff, top, kind_count);
    fill_dispersion(nb, parameters, natoms);
}

void sk_nonbonded_clear(struct sk_nonbonded *nonbonded)
{
    sk_free(&nonbonded->lanes);
    sk_free(&nonbonded->table);
    sk_free(&nonbonded->lj_shift);
    sk_free(&nonbonded->ewald_table);
    sk_free(&nonbonded->ewald_series);
    sk_free(&nonbonded->core2);
}
