/* Bonded: the bonded terms of the owned atoms: who computes a term, its atoms wherever they are, its forces, energies
 * and virial. Position restraints are apart (restraint.h). A term belongs to the owner of the atom at its second place
 * (a term of one atom: of that), so each is computed once. Owns blocks of terms, made anew at every rebuild; borrows
 * topology, force field and local atoms. Sums are integers: bits do not depend on ranks. Not here: the arithmetic
 * (kernel/bonded.h), what terms there are (model/bonded.h). */
#ifndef SK_FORCE_BONDED_H
#define SK_FORCE_BONDED_H

#include <stdbool.h>

#include "force/local.h"
#include "force/parts.h"
#include "geom/box.h"
#include "kernel/bonded.h"
#include "model/forcefield.h"

/* Energies that are told apart, as GROMACS does: improper: both forms of them; dihedral: periodic and
 * Ryckaert-Bellemans ones. */
enum sk_bonded_energy {
    SK_ENERGY_BOND,
    SK_ENERGY_ANGLE,
    SK_ENERGY_UREY_BRADLEY,
    SK_ENERGY_DIHEDRAL,
    SK_ENERGY_IMPROPER,
    SK_ENERGY_CMAP,
    SK_ENERGY_LJ_14,
    SK_ENERGY_COULOMB_14,
    SK_ENERGY_RESTRAINT, /* of positions: restraint.h */
    SK_BONDED_ENERGIES
};

/* Terms of a molecule type by the place whose owner computes them, with the parameters that kernels take. */
struct sk_bonded_index {
    int *start, *term; /* [natoms + 1], [nterms] */
    double (*p)[SK_BONDED_PARAMETERS];
};

/* Terms of one form; atom[place][term] are local atoms. */
struct sk_bonded_batch {
    int form, n;
    double p[SK_BONDED_PARAMETERS][SK_BONDED_BLOCK];
    int32_t atom[SK_BONDED_ATOMS][SK_BONDED_BLOCK];
};

/* Terms over all ranks: their number and the sum of the hashes of their ids. */
struct sk_bonded_census {
    int64_t terms, hash;
};

struct sk_bonded {
    const struct sk_topology *top;
    bool is_used; /* the topology has terms */
    struct sk_bonded_index *index;
    struct sk_bonded_map *maps; /* [nmaps] */
    int nmaps;
    double scale; /* force units per kJ/mol/nm */
    struct sk_bonded_census expected;
    int nbatches;
    struct sk_bonded_batch *batches;
    size_t batches_capacity;
    bool has_failed;   /* a term of this rank had no force or energy that can be told, at the last evaluation */
    bool has_overflow; /* or no energy or virial, ever */
    bool has_core;     /* a 1-4 pair of this rank was within its core when energies were last measured */
};

/* Collective if the topology has terms; makes the molecules that have them wanted in local. `coulomb`: energy x length
 * / charge^2 of 1-4 pairs, 0 for none; scale: force units; core_charge2: as in sk_pair_parameters, and 1-4 pairs have
 * the cores of minimizers; 0: none. Topology is borrowed; what is needed of the force field is copied. */
void sk_bonded_init(struct sk_bonded *bonded, struct sk_local *local, const struct sk_forcefield *ff, double coulomb,
                    double scale, double core_charge2);
/* A zeroed struct counts as without terms here and in all that follows. */
void sk_bonded_clear(struct sk_bonded *bonded);
/* Local, between sk_local_list and connect: the terms of the owned atoms. */
struct sk_bonded_census sk_bonded_list(struct sk_bonded *bonded, struct sk_local *local);
/* Collective: every term once. Errors: SK_EINTERNAL. */
enum sk_code sk_bonded_verify(const struct sk_bonded *bonded, struct sk_comm *comm,
                              const struct sk_bonded_census *found, struct sk_error *err);
/* Local, between sk_local_receive and return: adds all forces to those of local atoms; has_failed is final. */
void sk_bonded_run(struct sk_bonded *bonded, struct sk_local *local, const struct sk_box *box);
/* Local. Adds energies and the diagonal of the virial, -1/2 sum d g, of this rank's terms at the last evaluation's
 * places, each rounded once, in SK_ENERGY_SCALE; those of 1-4 pairs also to parts unless NULL. */
void sk_bonded_measure(struct sk_bonded *bonded, const struct sk_local *local, const struct sk_box *box,
                       sk_int128 energy[SK_BONDED_ENERGIES], sk_int128 virial[3], struct sk_parts *parts);
/* Collective, after has_failed or has_overflow on some rank: the failure (SK_EPHYSICS) of the failed term of lowest
 * id, by name. */
enum sk_code sk_bonded_fail(const struct sk_bonded *bonded, const struct sk_local *local, const struct sk_box *box,
                            int64_t step, struct sk_error *err);
size_t sk_bonded_memory(const struct sk_bonded *bonded);

/* The kernel of a form; parameters of the force field into what it takes. Local, both. */
sk_bonded_kernel *sk_bonded_kernel_of(int form);
void sk_bonded_prepare(int form, const double *values, double coulomb, double p[SK_BONDED_PARAMETERS]);
/* The energy that terms of a form belong to; the first one of a 1-4 pair. */
enum sk_bonded_energy sk_bonded_energy_of(int form);

#endif
