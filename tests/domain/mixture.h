/* Mixture: waters, chains of four and single atoms at random places, known to every rank as a whole, so that what the
 * domain does with them can be checked from outside. The chains exclude only neighbours: a group with pairs that
 * interact. Owns the topology and the table. */
#ifndef SK_TESTS_DOMAIN_MIXTURE_H
#define SK_TESTS_DOMAIN_MIXTURE_H

#include <string.h>

#include "check.h"
#include "par/mixer.h"

#include "base/memory.h"
#include "geom/box.h"
#include "model/atoms.h"
#include "model/topology.h"
#include "par/comm.h"

enum { MIXTURE_OXYGEN, MIXTURE_HYDROGEN, MIXTURE_CHAIN, MIXTURE_SINGLE, MIXTURE_KINDS };

struct mixture {
    struct sk_topology top;
    struct sk_box box;
    struct sk_atom_record *atoms; /* [top.natoms] by id; group_size as the engine wants it */
    sk_gid *anchor;               /* [top.natoms] first atom of the atom's group */
};

/* In [0, 1). */
static inline double mixture_uniform(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return (double)(mix4(a, b, c, d) >> 11) * 0x1p-53;
}

static inline void mixture_type(struct sk_moltype *type, const char *name, int natoms, const int *kinds)
{
    snprintf(type->name, sizeof type->name, "%s", name);
    type->natoms = natoms;
    type->atoms = sk_calloc((size_t)natoms, sizeof *type->atoms);
    type->excluded_start = sk_calloc((size_t)natoms + 1, sizeof *type->excluded_start);
    type->excluded = sk_calloc((size_t)(natoms * natoms), sizeof *type->excluded);
    for (int i = 0; i < natoms; i++) {
        snprintf(type->atoms[i].name, SK_NAME_MAX, "A%d", i);
        snprintf(type->atoms[i].residue, SK_NAME_MAX, "%s", name);
        type->atoms[i].kind = kinds[i];
        type->excluded_start[i + 1] = type->excluded_start[i];
        for (int j = i + 1; j < natoms && (natoms == 3 || j == i + 1); j++)
            type->excluded[type->excluded_start[i + 1]++] = j;
    }
}

static inline void mixture_topology(struct sk_topology *top, const int count[3])
{
    static const int water[] = {MIXTURE_OXYGEN, MIXTURE_HYDROGEN, MIXTURE_HYDROGEN};
    static const int chain[] = {MIXTURE_CHAIN, MIXTURE_CHAIN, MIXTURE_CHAIN, MIXTURE_CHAIN};
    static const int single[] = {MIXTURE_SINGLE};
    struct sk_error err = {0};
    sk_topology_init(top);
    for (int k = 0; k < MIXTURE_KINDS; k++)
        SK_REQUIRE(sk_topology_kind(top, k, 0, 1 + k) == k);
    top->nmoltypes = top->nblocks = 3;
    top->moltypes = sk_calloc(3, sizeof *top->moltypes);
    top->blocks = sk_calloc(3, sizeof *top->blocks);
    mixture_type(&top->moltypes[0], "WATER", 3, water);
    mixture_type(&top->moltypes[1], "CHAIN", 4, chain);
    mixture_type(&top->moltypes[2], "SINGLE", 1, single);
    top->moltypes[0].nsettles = 1;
    top->moltypes[0].settles = sk_calloc(1, sizeof *top->moltypes[0].settles);
    top->moltypes[0].settles[0] = (struct sk_settle){0, 1, 2, 0.1, 0.16};
    for (int t = 0; t < 3; t++) {
        top->blocks[t] = (struct sk_molblock){.moltype = t, .count = count[t]};
        SK_REQUIRE(sk_moltype_finish(&top->moltypes[t], &err) == SK_OK);
    }
    SK_REQUIRE(sk_topology_finish(top, &err) == SK_OK);
}

/* Moves a fraction by part of the box edge, -1 < part < 1, counting wraps. */
static inline void mixture_move(sk_frac *x, int32_t *image, double part)
{
    sk_int128 sum = (sk_int128)*x + (sk_int128)(int64_t)(part * 0x1p62) * 4;
    *image += sum < 0 ? -1 : (sum >> 64) > 0;
    *x = (sk_frac)sum;
}

/* count[3]: waters, chains, single atoms. Bonds are at most 0.1 long, in any direction. */
static inline void mixture_make(struct mixture *m, const int count[3], const double edge[3], uint64_t seed)
{
    memset(m, 0, sizeof *m);
    mixture_topology(&m->top, count);
    memcpy(m->box.edge, edge, sizeof m->box.edge);
    m->atoms = sk_calloc((size_t)m->top.natoms, sizeof *m->atoms);
    m->anchor = sk_calloc((size_t)m->top.natoms, sizeof *m->anchor);
    for (sk_gid id = 0; id < m->top.natoms; id++) {
        struct sk_place at = sk_topology_find(&m->top, id);
        struct sk_atom_record *a = &m->atoms[id];
        m->anchor[id] = at.molecule; /* each of these molecules is one group */
        a->id = id;
        a->kind = m->top.moltypes[at.moltype].atoms[at.place].kind;
        a->group_size = at.place ? 0 : m->top.moltypes[at.moltype].natoms;
        for (int k = 0; k < 3; k++) {
            a->v[k] = mixture_uniform(seed, 7, (uint64_t)id, (uint64_t)k);
            if (at.place == 0) {
                a->x[k] = mix4(seed, 1, (uint64_t)id, (uint64_t)k);
                a->image[k] = (int32_t)(mix4(seed, 2, (uint64_t)id, (uint64_t)k) % 5) - 2;
                continue;
            }
            int from = at.moltype == 0 ? at.place : 1; /* waters: from the oxygen; chains: from the atom before */
            a->x[k] = m->atoms[id - from].x[k];
            a->image[k] = m->atoms[id - from].image[k];
            double step = 0.115 * (mixture_uniform(seed, 3, (uint64_t)id, (uint64_t)k) - 0.5);
            mixture_move(&a->x[k], &a->image[k], step / m->box.edge[k]);
        }
    }
}

static inline void mixture_clear(struct mixture *m)
{
    sk_topology_clear(&m->top);
    sk_free(&m->atoms);
    sk_free(&m->anchor);
}

/* This rank's atoms: every group on a rank drawn at random. */
static inline void mixture_deal(const struct mixture *m, const struct sk_comm *comm, uint64_t seed,
                                struct sk_atoms *atoms)
{
    sk_atoms_init(atoms);
    for (sk_gid id = 0; id < m->top.natoms; id++) {
        if ((int)(mix4(seed, 4, (uint64_t)m->anchor[id], 0) % (uint64_t)sk_comm_size(comm)) != sk_comm_rank(comm))
            continue;
        sk_atoms_reserve(atoms, (size_t)atoms->n + 1);
        sk_atoms_put(atoms, atoms->n++, &m->atoms[id]);
    }
}

/* Moves every group as one by up to `together` and every atom by up to `apart` (lengths), all in the table. */
static inline void mixture_kick(struct mixture *m, double together, double apart, uint64_t seed)
{
    for (sk_gid id = 0; id < m->top.natoms; id++) {
        double length = apart * mixture_uniform(seed, 8, (uint64_t)id, 0), direction[3], norm = 0;
        for (int k = 0; k < 3; k++) {
            direction[k] = mixture_uniform(seed, 6, (uint64_t)id, (uint64_t)k) - 0.5;
            norm += direction[k] * direction[k];
        }
        for (int k = 0; k < 3; k++) {
            double d = together * (2 * mixture_uniform(seed, 5, (uint64_t)m->anchor[id], (uint64_t)k) - 1) +
                       length * direction[k] / sqrt(norm);
            mixture_move(&m->atoms[id].x[k], &m->atoms[id].image[k], d / m->box.edge[k]);
        }
    }
}

/* Owned atoms take their places from the table, as if they had been moved in place. */
static inline void mixture_update(const struct mixture *m, struct sk_atoms *atoms)
{
    for (int i = 0; i < atoms->n; i++) {
        memcpy(atoms->x[i], m->atoms[atoms->id[i]].x, sizeof atoms->x[i]);
        memcpy(atoms->image[i], m->atoms[atoms->id[i]].image, sizeof atoms->image[i]);
    }
}

/* From atom a to the image of b that is image[] boxes off b's wrapped place. */
static inline void mixture_vector(const struct mixture *m, sk_gid a, sk_gid b, const int image[3], double vector[3])
{
    double s[3];
    for (int k = 0; k < 3; k++)
        s[k] = (double)((sk_int128)m->atoms[b].x[k] - (sk_int128)m->atoms[a].x[k]) * 0x1p-64 + image[k];
    sk_box_vector(&m->box, s, vector);
}

#endif
