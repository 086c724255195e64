/* Topology: what molecules are made of, as templates; nothing here grows with the system.
 * Owns its arrays. Atom ids are 0-based: id = replica * unit_atoms + (place in the blocks).
 * Not here: parameters of interactions (forcefield.h), where atoms are (atoms.h). */
#ifndef SK_MODEL_TOPOLOGY_H
#define SK_MODEL_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "geom/fixed.h"
#include "model/bonded.h"

#define SK_NAME_MAX 32

/* A distinct combination of Lennard-Jones type, charge and mass. */
struct sk_kind {
    int type;      /* Lennard-Jones type, index into the force field */
    double charge; /* e */
    double mass;   /* amu */
};

struct sk_template_atom {
    char name[SK_NAME_MAX];    /* atom name, e.g. OW */
    char residue[SK_NAME_MAX]; /* residue name, e.g. SOL */
    int residue_number;        /* within the molecule */
    int kind;                  /* index into sk_topology.kinds; -1: the kind comes with the atom */
    bool is_frozen;            /* constraints cannot move it (model/freeze.h); no part of the hash */
};

/* Rigid three-site water: apex atom and two legs. */
struct sk_settle {
    int apex, leg1, leg2;     /* places in the template */
    double apex_leg, leg_leg; /* target lengths */
};

/* A bond of fixed length between two places of a template, i < j. */
struct sk_constraint {
    int i, j;
    double length;
};

/* Atoms that a constrained cluster may have at most to be owned as one. */
#define SK_CLUSTER_MAX 5

struct sk_moltype {
    char name[SK_NAME_MAX];
    int natoms;
    struct sk_template_atom *atoms; /* [natoms] */
    int *excluded_start;            /* [natoms + 1] */
    int *excluded;                  /* places excluded from each place, both directions, ascending */
    int nsettles;
    struct sk_settle *settles; /* [nsettles] */
    int nconstraints;
    struct sk_constraint *constraints; /* [nconstraints] ascending by (i, j); sk_moltype_finish sorts them */
    int nterms;
    struct sk_term *terms; /* [nterms] bonded interactions, ascending by form, within one as the reader gave them */
    int nsites;
    struct sk_virtual_site *sites; /* [nsites] virtual sites, ascending by place; their kinds have mass 0 */
    bool is_split;                 /* constraints and exclusions join no atoms to groups; no part of hash and image */
    /* Ownership groups: atoms that live on one rank, in the cell of the lowest place (the anchor): waters, connected
     * components of constraints of at most SK_CLUSTER_MAX atoms (unless is_split), virtual sites with what they are
     * built from, and components of all of these and exclusions of at most as many. Filled by sk_moltype_finish. */
    int ngroups;
    int *group_start;     /* [ngroups + 1] */
    int *group_place;     /* [natoms] places, ascending within a group */
    int *group_of;        /* [natoms] */
    int *settle_of_group; /* [ngroups] index of the settle in this group, or -1; at most one */
    int nresidues;        /* runs of equal residue number and name. Filled by sk_moltype_finish. */
    int *residue_of;      /* [natoms] 0-based residue within the molecule */
};

struct sk_molblock {
    int moltype;
    int64_t count;         /* molecules */
    sk_gid first;          /* id of the first atom in the unit system; filled by sk_topology_finish */
    int64_t first_residue; /* the same for residues */
};

struct sk_topology {
    char title[256];
    int nkinds;
    struct sk_kind *kinds; /* [nkinds] */
    int nmoltypes;
    struct sk_moltype *moltypes; /* [nmoltypes] */
    int nblocks;
    struct sk_molblock *blocks; /* [nblocks] the unit system, in id order */
    int replicate[3];           /* copies along x, y, z; x fastest; 1 after sk_topology_init */
    int64_t unit_atoms;         /* atoms before replication; this and the rest: sk_topology_finish */
    int64_t unit_residues;      /* residues before replication */
    int64_t natoms;             /* unit_atoms x copies */
};

/* The mass that constraints see: infinite for an atom that they cannot move. The kind is known. */
static inline double sk_template_mass(const struct sk_topology *top, const struct sk_template_atom *atom)
{
    return atom->is_frozen ? __builtin_inf() : top->kinds[atom->kind].mass;
}

/* Where an atom sits in its molecule. */
struct sk_place {
    int moltype;
    int place;       /* in the template */
    sk_gid molecule; /* id of the first atom of its molecule */
    int64_t residue; /* residue index over the whole system, 0-based */
};

void sk_topology_init(struct sk_topology *top);
void sk_topology_clear(struct sk_topology *top);
/* Completes a template whose atoms, exclusions, settles, constraints, terms and sites are filled: makes exclusions
 * symmetric and sorted (one of itself is dropped; excluded_start may be NULL when there are none), sorts constraints,
 * terms and sites, builds groups and residues. May be called again after a change. Errors (SK_EINPUT): a place out of
 * range, an atom in two settles or in a settle and a constraint, two constraints between the same atoms, a length that
 * is not positive, an atom twice in a term, a virtual site that is built from a site, twice, or rigid, or that joins
 * more than SK_CLUSTER_MAX atoms. Local. */
enum sk_code sk_moltype_finish(struct sk_moltype *type, struct sk_error *err);
/* A copy that shares nothing with the type; *copy is overwritten. Local. */
void sk_moltype_copy(const struct sk_moltype *type, struct sk_moltype *copy);
/* Fills the derived fields of blocks and totals from moltypes (finished), blocks and replicate; to be
 * called before anything below. Errors (SK_EINPUT): empty system, more than 2^53 atoms. Local. */
enum sk_code sk_topology_finish(struct sk_topology *top, struct sk_error *err);
/* Index of the kind (type, charge, mass), added if new. Local. */
int sk_topology_kind(struct sk_topology *top, int type, double charge, double mass);
/* O(log blocks). Requires 0 <= id < natoms. Local. */
struct sk_place sk_topology_find(const struct sk_topology *top, sk_gid id);
#define SK_ATOM_NAME_MAX 128
/* What a message calls an atom: "12 (OW, residue SOL 3)", with the rank that has it unless that is -1. Local. */
void sk_topology_name(const struct sk_topology *top, sk_gid id, int rank, char text[SK_ATOM_NAME_MAX]);
/* Totals over the whole system: rigid waters, constraints besides, ownership groups, terms of a form, virtual sites,
 * molecules. */
int64_t sk_topology_settles(const struct sk_topology *top);
int64_t sk_topology_constraints(const struct sk_topology *top);
int64_t sk_topology_groups(const struct sk_topology *top);
int64_t sk_topology_terms(const struct sk_topology *top, int form);
int64_t sk_topology_sites(const struct sk_topology *top);
int64_t sk_topology_molecules(const struct sk_topology *top);
/* XXH3_64 over everything that defines the model except coordinates (kinds, templates, blocks,
 * replication; not the title), field by field in a fixed little-endian layout. */
uint64_t sk_topology_hash(const struct sk_topology *top);
/* Deep flat image for broadcast: pack allocates *bytes (caller frees with sk_free), unpack rebuilds;
 * it clears *top (initialised) first. */
void sk_topology_pack(const struct sk_topology *top, unsigned char **bytes, size_t *length);
void sk_topology_unpack(struct sk_topology *top, const unsigned char *bytes, size_t length);
/* A copy that shares nothing with the topology; *copy is overwritten. Local. */
void sk_topology_copy(const struct sk_topology *top, struct sk_topology *copy);

#endif
