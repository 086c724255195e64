/* Force: evaluates all forces of one configuration, overlapping kernels with the halo, and prunes the inner list again
 * when it must be, alone, or better when told to, together with the other ranks. Owns clusters, lists and force arrays.
 * Results are integers: bits do not depend on ranks, lists or variants. Not here: when to rebuild (dynamics),
 * integration. */
#ifndef SK_FORCE_FORCE_H
#define SK_FORCE_FORCE_H

#include "base/timer.h"
#include "domain/domain.h"
#include "force/bonded.h"
#include "force/excluded.h"
#include "force/nonbonded.h"
#include "force/parts.h"
#include "force/restraint.h"
#include "mesh/mesh.h"
#include "neigh/list.h"

struct sk_force {
    const struct sk_topology *top;
    struct sk_nonbonded nonbonded;
    struct sk_local local; /* atoms of bonded terms and excluded pairs */
    struct sk_bonded bonded;
    struct sk_excluded excluded; /* used with a mesh */
    struct sk_restraints restraints;
    struct sk_mesh *mesh; /* NULL: none */
    const struct sk_kernel_variant *variant;
    struct sk_clusters clusters;
    struct sk_list list;
    struct sk_box box;                /* of the last sk_force_set_box */
    double list_radius, inner_radius; /* length units */
    struct sk_box_grid box_grid;      /* the same in quanta of the kernel */
    struct sk_shifts shifts;
    /* per local atom: owned, then ghosts */
    int32_t (*grid)[3]; /* kernel coordinates, low 32 bits */
    int32_t (*pair)[3]; /* pair force, integer units */
    int64_t (*wide)[3]; /* pair force of a wide step */
    size_t local_capacity, wide_capacity;
    int64_t (*total)[3]; /* [owned] all forces, integer units: what moves atoms */
    size_t total_capacity;
    double *charge; /* [owned], with a mesh */
    size_t charge_capacity;
    int32_t *pack_force; /* [packs][3][8] */
    int64_t *pack_wide;
    size_t pack_force_capacity, pack_wide_capacity;
    int64_t shift_force[SK_SHIFTS][3];
    sk_frac (*list_x)[3]; /* [owned] fractions when the list was made */
    size_t list_x_capacity;
    double list_edge[3];
    bool is_pruned[SK_LIST_PARTS]; /* inner list valid for the present reference */
    bool is_wide;                  /* the present forces come from wide arithmetic */
    bool has_range;                /* the float kernel met a pair out of range on this rank */
    bool has_bad;                  /* a force or energy is not finite */
    bool has_core;                 /* a pair of this rank was within its core when wide forces or energies were made */
    bool has_crowd;                /* charges out of range at a point of the mesh, on this rank */
    struct sk_mesh_sums mesh_sums; /* this rank's part, if asked for */
    sk_int128 energy[2];           /* this rank's Lennard-Jones and Coulomb energy, SK_ENERGY_SCALE; if asked for */
    struct sk_parts parts;         /* the same by pairs of groups, with the 1-4 pairs; if wanted */
    double moved;                  /* largest displacement since the last prune, as a share of what it may be */
    int prune_age;                 /* evaluations since the last prune */
    int64_t prunes, wide_steps;
};

/* Places inside the timer that the force calls enter. */
struct sk_force_phases {
    struct sk_timer *timer;
    int halo, pair, prune, list, bonded, mesh, fft;
};

void sk_force_phases_init(struct sk_force_phases *phases, struct sk_timer *timer);
void sk_force_init(struct sk_force *force, const struct sk_topology *top, const struct sk_kernel_variant *variant);
/* After nonbonded is in place; then lists must be made anew. The radius of the inner list follows. False if the radius
 * is too near to the cutoff to be of use. */
#define SK_FORCE_LEAST_BUFFER 0.02 /* of the cutoff */
bool sk_force_set_radius(struct sk_force *force, double list_radius);
void sk_force_clear(struct sk_force *force);
/* Collective, once, after init and with nonbonded in place: bonded terms, position restraints (reference NULL: none),
 * and with an Ewald sum excluded pairs and the mesh of this plan (else NULL). The reference is borrowed. */
void sk_force_init_terms(struct sk_force *force, struct sk_comm *comm, const struct sk_forcefield *ff,
                         const struct sk_reference *reference, const struct sk_mesh_plan *plan, enum sk_mesh_cuts cuts);
/* Collective, once, at a fresh start with a mesh: the scale of its charges for these atoms. Errors: SK_EINPUT. */
enum sk_code sk_force_choose_charge_bits(struct sk_force *force, const struct sk_atoms *atoms, struct sk_error *err);
/* Kernel box from the box: grid edges and shifts. After every change of the box. */
void sk_force_set_box(struct sk_force *force, const struct sk_box *box);
/* Collective. Terms, clusters, outer lists and tiles of the mesh for a freshly rebuilt domain. Errors: SK_EINTERNAL
 * from the census of terms. */
enum sk_code sk_force_rebuild(struct sk_force *force, struct sk_domain *domain, const struct sk_atoms *atoms,
                              const struct sk_force_phases *phases, struct sk_error *err);
/* Collective over neighbours. Forces of the present positions but for the gather from the mesh; those of ghosts and
 * named atoms are on their way back when it returns; has_range, has_crowd and bonded.has_failed are final, and so, if
 * wants_sums, are mesh_sums. */
void sk_force_begin(struct sk_force *force, struct sk_domain *domain, const struct sk_atoms *atoms, bool wants_sums,
                    const struct sk_force_phases *phases);
/* Local. Whether, as things move, the inner list will not do for the next evaluation. */
bool sk_force_expects_prune(const struct sk_force *force);
/* Local. Tiles that this rank computes in a step. */
int64_t sk_force_tiles(const struct sk_force *force);
/* Local. The next evaluation prunes. If all ranks do so in the same step, none waits for another's prune. */
void sk_force_ask_prune(struct sk_force *force);
/* Collects the forces of ghosts, terms and mesh: total is complete. */
void sk_force_end(struct sk_force *force, struct sk_domain *domain, const struct sk_atoms *atoms,
                  const struct sk_force_phases *phases);
/* Collective. After begin and end, once, in place of their pair forces: those of the same configuration in double and
 * int64 (a wide step). */
void sk_force_redo_wide(struct sk_force *force, struct sk_domain *domain, const struct sk_atoms *atoms,
                        const struct sk_force_phases *phases);
/* Local. Energies of the present pairs, terms and mesh apart, into force->energy (after begin). */
void sk_force_energy(struct sk_force *force, const struct sk_atoms *atoms);
/* Local. This rank's part of the virial of the present forces, diagonal: -1/2 sum over pairs of r F, exact, in
 * quanta x force units, without the factor -1/2. Valid after end. */
void sk_force_virial(const struct sk_force *force, const struct sk_atoms *atoms, sk_int128 pair[3]);
/* Local. The pair of interacting atoms that are closest to each other among those this rank computes, for messages: the
 * distance (length), or infinity without pairs. */
double sk_force_closest(const struct sk_force *force, const struct sk_atoms *atoms, const struct sk_halo *halo,
                        sk_gid pair[2]);
/* Local. Largest displacement of an owned atom since the list was made, in present length units. */
double sk_force_displacement(const struct sk_force *force, const struct sk_atoms *atoms, const struct sk_box *box);
/* What the list allows at present: an owned displacement up to this keeps it complete (docs/numerics.md). */
double sk_force_allowance(const struct sk_force *force, const struct sk_box *box);
size_t sk_force_memory(const struct sk_force *force);

#endif
