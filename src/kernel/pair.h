/* Pair: Lennard-Jones and Coulomb forces over tiles of a cluster-pair list, in many variants from one
 * source (pair.inc.h). Allocates nothing, communicates nothing, has no globals.
 * Every pair force is computed in float by order-symmetric arithmetic, rounded once to an integer
 * and added to both atoms, so sums do not depend on tiles, order or owner (docs/numerics.md).
 * Not here: how the list is made (neigh), what the parameters mean (force). */
#ifndef SK_KERNEL_PAIR_H
#define SK_KERNEL_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "geom/box.h"
#include "kernel/ewald_series.h"
#include "kernel/ewald_table.h"
#include "kernel/fft.h"
#include "kernel/fragment.h"
#include "kernel/mesh.h"
#include "kernel/motion.h"
#include "kernel/near.h"
#include "kernel/switch.h"
#include "kernel/water.h"

#define SK_PACK       8  /* atoms in a pack; a j-cluster is a pack */
#define SK_HALF       4  /* atoms in an i-cluster: half a pack */
#define SK_SHIFTS     27 /* periodic shifts: index (sx+1) + 3 (sy+1) + 9 (sz+1), s in {-1,0,1} */
#define SK_SHIFT_NONE 13
static inline void sk_shift_of(int index, int32_t s[3])
{
    s[0] = index % 3 - 1;
    s[1] = index / 3 % 3 - 1;
    s[2] = index / 9 - 1;
}

/* Coordinates and parameters of packs; arrays are 64-byte aligned; lanes without an atom carry zeros
 * and are masked in every tile. p is a pack index. */
struct sk_packs {
    int n;
    int32_t *x;    /* [n][3][8] kernel grid coordinates, low 32 bits: x lanes, y lanes, z lanes */
    float *q;      /* [n][8] charge x sqrt(coulomb x S); see sk_pair_parameters */
    float *lj;     /* [n][2][8] factors of the combination rule: see enum sk_lj_rule */
    int32_t *type; /* [n][8] Lennard-Jones type */
    double *qd;    /* [n][8] charge in e, double, for the energy and wide kernels */
};

/* One i-cluster, one periodic shift of it, a run of tiles. */
struct sk_ientry {
    int32_t icluster;   /* pack * 2 + half */
    int32_t shift;      /* index of the shift added to the i side */
    int32_t first;      /* first tile */
    int32_t first_full; /* tiles before this one need their mask; from here on the mask is all ones */
    int32_t end;        /* one past the last tile */
    int32_t has_lj;     /* some atom of the i-cluster has Lennard-Jones parameters */
};
/* Added to r^2 (length^2) by the float kernel: it rounds away at distances that atoms have (below 5e-8 of r^2
 * from 0.1 length units on) and keeps the powers of 1/r finite, so that a pair without parameters adds
 * nothing at any distance and any other pair trips the range test on one point. */
#define SK_PAIR_NEAREST2    0x1p-31f
/* Largest force, in integer units, that a pair may have at the cutoff; closer, r / cutoff times as much. So pairs that
 * are so close that their force can be large, within a quarter of the cutoff, stay below 2^26. */
#define SK_PAIR_FORCE_LIMIT 0x1p28

/* A tile: i-cluster against pack j. Bit 8 * i + j of mask: the pair (i, j) is this rank's and not excluded. */
struct sk_tile {
    int32_t pack;
    uint32_t mask;
};
struct sk_tiles {
    const struct sk_ientry *entries;
    int first_entry, end_entry; /* the range to work on */
    const struct sk_tile *tiles;
};

/* How the kernel combines two atoms' Lennard-Jones factors (commutative operations only). */
enum sk_lj_rule {
    SK_LJ_NONE,
    SK_LJ_GEOMETRIC, /* lj[0] = sqrt(6 c6 S), lj[1] = sqrt(12 c12 S): products */
    SK_LJ_LORENTZ,   /* lj[0] = sigma / 2, lj[1] = sqrt(24 epsilon S): sigma = sum, e = product;
                        F/r = e (2 (sigma^2/r^2)^6 - (sigma^2/r^2)^3) / r^2 */
    SK_LJ_TABLE      /* type pair table: lj unused */
};

/* F/r is in units of S = force_scale x quantum, so that F/r times an integer coordinate difference is a
 * force in integer units. All real constants here are powers of two or rounded once from double. */
struct sk_pair_parameters {
    enum sk_lj_rule lj_rule;
    bool has_coulomb;
    bool is_twin;           /* the two cutoffs differ */
    bool is_reaction_field; /* excluded pairs and the self term carry the field (the oracle adds them;
                               otherwise whoever owns the topology's excluded pairs does) */
    bool is_ewald;  /* real-space part erfc(beta r)/r in place of 1/r; k_rf and two_k_rf are 0. Excluded pairs have no
                       part in it here or in the oracle: what the mesh gives them is taken back as terms */
    float r2_scale; /* quantum^2: integer r^2 to length^2; a power of two */
    float scalar_limit;                 /* of F/r: SK_PAIR_FORCE_LIMIT over the larger cutoff in quanta */
    float vdw_cutoff2, coulomb_cutoff2; /* length^2; a pair interacts if r2 < cutoff2 */
    float two_k_rf;                     /* 2 k_rf of the reaction field, 0 for a plain cutoff; length^-3 */
    int ntypes;
    const float *table; /* [ntypes][ntypes][2]: 6 c6 S, 12 c12 S; for SK_LJ_TABLE */
    /* for is_ewald, made for coulomb_cutoff2_d and the same beta; length^2. A pair with charges closer than the table
     * reaches (1/13 of the cutoff) is out of range. */
    const struct sk_ewald_table *ewald_table;
    const struct sk_ewald_series *ewald_series;
    /* double versions for the energy and wide kernels */
    const double *c6, *c12; /* [ntypes * ntypes] */
    double quantum, coulomb, vdw_cutoff2_d, coulomb_cutoff2_d, k_rf,
        c_rf; /* coulomb: constant; c_rf is the constant subtracted from 1/r or erfc(beta r)/r (Ewald: 0, or
                 erfc(beta rc)/rc for a potential-shift) */
    const double *lj_shift; /* [ntypes * ntypes] added to each pair's Lennard-Jones energy in range (potential-shift and
                               force-switch), >= or <= 0 */
    double force_scale;     /* integer force units per energy/length */
    /* Cores, for minimizers (force/nonbonded.h); NULL in dynamics. Squared radius, length^2, of the core of two types:
     * a pair within has the force of the core's surface, whatever its distance, and the energy that goes with it, so
     * that both stay in range. Pairs of types whose entry is 0 have core_charge2 if both have charges. Energy and wide
     * kernels know of cores, the float kernel does not. */
    const double *core2; /* [ntypes * ntypes] */
    double core_charge2;
    struct sk_switch vdw_switch; /* its end is the Lennard-Jones cutoff */
};

/* What the wide and the energy kernel return: some pair is bad, is within its core, has its atoms on one point (such
 * pairs within a core have no direction, and no force). */
enum { SK_PAIR_BAD = 1, SK_PAIR_CORE = 2, SK_PAIR_COINCIDENT = 4 };

/* Integer shift vectors in quanta, low 32 bits. */
struct sk_shifts {
    int32_t x[SK_SHIFTS][3];
};

/* Accumulates (never clears) f [n][3][8] and shift_force[27][3] (sum over entries with that shift of the force on
 * the i side, int64). Returns nonzero if a pair within the cutoffs had |F/r| > scalar_limit: the whole step must be
 * redone wide. */
typedef int sk_pair_kernel(const struct sk_packs *packs, const struct sk_tiles *tiles,
                           const struct sk_pair_parameters *parameters, const struct sk_shifts *shifts, int32_t *f,
                           int64_t shift_force[SK_SHIFTS][3]);
/* The same in double and int64: f [n][3][8]. Bad is a force that is not finite or beyond 2^62. */
typedef int sk_pair_wide_kernel(const struct sk_packs *packs, const struct sk_tiles *tiles,
                                const struct sk_pair_parameters *parameters, const struct sk_shifts *shifts, int64_t *f,
                                int64_t shift_force[SK_SHIFTS][3]);
/* Energies only, in double from exact integer differences, each pair rounded once to SK_ENERGY_SCALE and
 * summed as integers: energy[0] Lennard-Jones, energy[1] Coulomb (128-bit). Same range test as the force kernel's
 * cutoff, in double. Bad is a pair's energy that is not finite or beyond 2^19 (not added). */
typedef int sk_pair_energy_kernel(const struct sk_packs *packs, const struct sk_tiles *tiles,
                                  const struct sk_pair_parameters *parameters, const struct sk_shifts *shifts,
                                  sk_int128 energy[2]);
/* The same, told apart: group[n][8] is that of each lane, parts[sk_group_pair(a, b)][2] has the energies between groups
 * a and b. The parts sum to what the energy kernel gives, exactly. */
typedef int sk_pair_parts_kernel(const struct sk_packs *packs, const struct sk_tiles *tiles,
                                 const struct sk_pair_parameters *parameters, const struct sk_shifts *shifts,
                                 const uint8_t *group, sk_int128 (*parts)[2]);
/* Pairs of groups, whichever comes first, in a row: 0 0, 0 1, 1 1, 0 2, ... */
static inline int sk_group_pair(int a, int b)
{
    return a < b ? b * (b + 1) / 2 + a : a * (a + 1) / 2 + b;
}
/* Copies into kept[] the tiles of entry range `tiles` that have a pair with its mask bit set whose distance in the high
 * halves of coordinates is below limit (its square: limit2; see sk_prune_limit2), entry by entry: kept_entries[k]
 * describes entry k of the range (possibly empty runs). Masked tiles stay first. kept may be the tiles themselves, and
 * kept_entries the entries; else kept needs room for all the tiles and one more. high [n][2][8] is working space.
 * Returns the number of tiles kept, the same in all variants. */
typedef int sk_prune_kernel(const struct sk_packs *packs, const struct sk_tiles *tiles, int32_t limit2,
                            const struct sk_shifts *shifts, int32_t *high, struct sk_ientry *kept_entries,
                            struct sk_tile *kept);
/* A limit that keeps every pair closer than radius (length units): halves are cut off, on each axis by less than 1. */
static inline int32_t sk_prune_limit2(double radius, double quantum)
{
    const double limit = radius / (quantum * 0x1p16) + 1.7321;
    return (int32_t)(limit * limit) + 1;
}
/* Largest over packs and lanes of |x - reference|^2 in float (wrapping difference), in grid units^2. */
typedef float sk_displacement_kernel(const int32_t *x, const int32_t *reference, int npacks);

struct sk_kernel_variant {
    const char *name;          /* "baseline", "avx2", "avx512" */
    int (*is_supported)(void); /* does this processor have the instructions */
    sk_pair_kernel *pair;
    sk_pair_wide_kernel *wide;
    sk_pair_energy_kernel *energy;
    sk_pair_parts_kernel *parts;
    sk_prune_kernel *prune;
    sk_displacement_kernel *displacement;
    sk_kick_kernel *kick;
    sk_drift_kernel *drift;
    sk_move_kernel *move;
    sk_near_kernel *near;
    sk_fragment_positions_kernel *fragment_positions;
    sk_fragment_velocities_kernel *fragment_velocities;
    sk_water_positions_kernel *water_positions;
    sk_water_velocities_kernel *water_velocities;
    sk_fft_kernel *fft;
    sk_spread_kernel *spread;
    sk_gather_kernel *gather;
    sk_ewald_table_kernel *ewald_table;
    sk_ewald_part_kernel *ewald_part;
};
/* All variants, slowest first; *count receives how many. */
const struct sk_kernel_variant *sk_kernel_variants(int *count);
/* The variant called name ("auto": the fastest that this processor supports), or NULL. */
const struct sk_kernel_variant *sk_kernel_find(const char *name);

/* The oracle: brute force over all pairs i < j in double on full-precision fractions, minimum image.
 * rows [first, end) of i; x[n][3] fractions; type, charge [n]; excluded pairs through excluded_start[n + 1],
 * excluded[] (ascending partners, any order of use). Adds to force[n][3] and energy[2] (long double
 * accumulation), virial[3][3] = -1/2 sum r (x) F over pairs. */
void sk_pair_oracle(int n, int first, int end, const sk_frac (*x)[3], const struct sk_box *box, const int32_t *type,
                    const double *charge, const int64_t *excluded_start, const int32_t *excluded,
                    const struct sk_pair_parameters *parameters, double (*force)[3], long double energy[2],
                    double virial[3][3]);

#endif
