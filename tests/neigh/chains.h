/* Chains: molecules whose exclusions leave their ownership groups, besides waters and single atoms: random walks with
 * small constrained groups in them, a straight chain as long as the box that meets its own image, and molecules whose
 * atoms are anywhere, so that excluded pairs have all distances. In the form of a mixture. */
#ifndef SK_TESTS_NEIGH_CHAINS_H
#define SK_TESTS_NEIGH_CHAINS_H

#include "domain/mixture.h"

/* The long chain comes first: it cannot dodge what is there already. */
enum { CHAINS_LONG, CHAINS_WATER, CHAINS_BLOB, CHAINS_WALK, CHAINS_SCATTERED, CHAINS_SINGLE, CHAINS_TYPES };
enum { CHAINS_KINDS = 4 };

/* Atoms of a molecule, and up to how many bonds apart they are excluded. */
static const int chains_natoms[CHAINS_TYPES] = {40, 3, 4, 24, 12, 1}, chains_reach[CHAINS_TYPES] = {3, 2, 1, 3, 3, 0};
static const double chains_charge[CHAINS_KINDS] = {-0.8, 0.4, 0, 0.3};

static inline void chains_type(struct sk_moltype *type, int t)
{
    static const int water[3] = {0, 1, 1};
    int n = chains_natoms[t];
    snprintf(type->name, sizeof type->name, "T%d", t);
    type->natoms = n;
    type->atoms = sk_calloc((size_t)n, sizeof *type->atoms);
    type->excluded_start = sk_calloc((size_t)n + 1, sizeof *type->excluded_start);
    type->excluded = sk_calloc((size_t)n * 3, sizeof *type->excluded);
    for (int i = 0; i < n; i++) {
        snprintf(type->atoms[i].name, SK_NAME_MAX, "A%d", i);
        snprintf(type->atoms[i].residue, SK_NAME_MAX, "%s", type->name);
        type->atoms[i].kind = t == CHAINS_WATER ? water[i] : (i * i + t) % CHAINS_KINDS;
        type->excluded_start[i + 1] = type->excluded_start[i];
        for (int j = i + 1; j < n && j <= i + chains_reach[t]; j++)
            type->excluded[type->excluded_start[i + 1]++] = j;
    }
    if (t == CHAINS_WATER) {
        type->nsettles = 1;
        type->settles = sk_calloc(1, sizeof *type->settles);
        type->settles[0] = (struct sk_settle){0, 1, 2, 0.1, 0.16};
    } else if (t == CHAINS_WALK) { /* groups of two and of three atoms; places of the first are not neighbours */
        static const struct sk_constraint fixed[3] = {{2, 5, 0.3}, {7, 8, 0.1}, {8, 9, 0.1}};
        type->nconstraints = 3;
        type->constraints = sk_calloc(3, sizeof *type->constraints);
        memcpy(type->constraints, fixed, sizeof fixed);
    }
}

static inline void chains_topology(struct sk_topology *top, const int count[CHAINS_TYPES])
{
    struct sk_error err = {0};
    sk_topology_init(top);
    for (int k = 0; k < CHAINS_KINDS; k++)
        SK_REQUIRE(sk_topology_kind(top, k % 2, chains_charge[k], 1 + k) == k);
    top->nmoltypes = top->nblocks = CHAINS_TYPES;
    top->moltypes = sk_calloc(CHAINS_TYPES, sizeof *top->moltypes);
    top->blocks = sk_calloc(CHAINS_TYPES, sizeof *top->blocks);
    for (int t = 0; t < CHAINS_TYPES; t++) {
        chains_type(&top->moltypes[t], t);
        top->blocks[t] = (struct sk_molblock){.moltype = t, .count = count[t]};
        SK_REQUIRE(sk_moltype_finish(&top->moltypes[t], &err) == SK_OK);
    }
    SK_REQUIRE(top->moltypes[CHAINS_BLOB].ngroups == 1);
    SK_REQUIRE(top->moltypes[CHAINS_WALK].ngroups == 24 - 3);
    SK_REQUIRE(sk_topology_finish(top, &err) == SK_OK);
}

static inline bool chains_is_excluded(const struct mixture *m, sk_gid i, sk_gid j)
{
    struct sk_place at = sk_topology_find(&m->top, i), to = sk_topology_find(&m->top, j);
    int apart = at.place > to.place ? at.place - to.place : to.place - at.place;
    return at.molecule == to.molecule && apart <= chains_reach[at.moltype];
}

/* One draw of an atom's place. */
static inline void chains_draw(struct mixture *m, sk_gid id, struct sk_place at, uint64_t seed, uint64_t trial)
{
    struct sk_atom_record *a = &m->atoms[id];
    double d[3], norm = 0;
    bool is_free = at.place == 0 || at.moltype == CHAINS_SCATTERED;
    for (int k = 0; k < 3; k++) {
        d[k] = mixture_uniform(seed, 3, (uint64_t)id, (uint64_t)k + 8 * trial) - 0.5;
        norm += d[k] * d[k];
        if (is_free) {
            a->x[k] = mix4(seed, 1, (uint64_t)id, (uint64_t)k + 8 * trial);
            a->image[k] = (int32_t)(mix4(seed, 2, (uint64_t)id, (uint64_t)k) % 5) - 2;
        }
    }
    for (int k = 0; k < 3 && !is_free; k++) {
        int from = at.moltype == CHAINS_WATER ? at.place : 1; /* waters: from the oxygen; else from the atom before */
        double step = d[k] / sqrt(norm) * (at.moltype == CHAINS_WATER ? 0.1 : 0.15);
        if (at.moltype == CHAINS_LONG)
            step = 0.01 * d[k] + (k == 0) * m->box.edge[0] / (chains_natoms[CHAINS_LONG] + 2);
        a->x[k] = m->atoms[id - from].x[k];
        a->image[k] = m->atoms[id - from].image[k];
        mixture_move(&a->x[k], &a->image[k], step / m->box.edge[k]);
    }
}

/* Whether no earlier atom that the atom interacts with is closer than `least`. */
static inline bool chains_has_room(const struct mixture *m, sk_gid id, double least)
{
    for (sk_gid j = 0; j < id; j++) {
        double r2 = 0;
        for (int k = 0; k < 3; k++) {
            double d = sk_frac_difference(m->atoms[id].x[k], m->atoms[j].x[k]) * m->box.edge[k];
            r2 += d * d;
        }
        if (r2 < least * least && !chains_is_excluded(m, id, j))
            return false;
    }
    return true;
}

/* least: how close atoms that interact may be, 0: anything goes. */
static inline void chains_make(struct mixture *m, const int count[CHAINS_TYPES], const double edge[3], double least,
                               uint64_t seed)
{
    memset(m, 0, sizeof *m);
    chains_topology(&m->top, count);
    memcpy(m->box.edge, edge, sizeof m->box.edge);
    m->atoms = sk_calloc((size_t)m->top.natoms, sizeof *m->atoms);
    m->anchor = sk_calloc((size_t)m->top.natoms, sizeof *m->anchor);
    for (sk_gid id = 0; id < m->top.natoms; id++) {
        struct sk_place at = sk_topology_find(&m->top, id);
        const struct sk_moltype *type = &m->top.moltypes[at.moltype];
        int group = type->group_of[at.place], first = type->group_start[group];
        m->anchor[id] = at.molecule + type->group_place[first];
        m->atoms[id].id = id;
        m->atoms[id].kind = type->atoms[at.place].kind;
        m->atoms[id].group_size = m->anchor[id] == id ? type->group_start[group + 1] - first : 0;
        uint64_t trial = 0;
        do
            chains_draw(m, id, at, seed, trial);
        while (least > 0 && !chains_has_room(m, id, least) && ++trial < 100000);
        SK_REQUIRE(trial < 100000);
    }
}

/* This rank's atoms: every group, in one piece, on a rank drawn at random. */
static inline void chains_deal(const struct mixture *m, const struct sk_comm *comm, uint64_t seed,
                               struct sk_atoms *atoms)
{
    sk_atoms_init(atoms);
    for (sk_gid id = 0; id < m->top.natoms; id++) {
        if (m->anchor[id] != id ||
            (int)(mix4(seed, 4, (uint64_t)id, 0) % (uint64_t)sk_comm_size(comm)) != sk_comm_rank(comm))
            continue;
        for (sk_gid member = id, left = m->atoms[id].group_size; left > 0; member++) {
            if (m->anchor[member] != id)
                continue;
            sk_atoms_reserve(atoms, (size_t)atoms->n + 1);
            sk_atoms_put(atoms, atoms->n++, &m->atoms[member]);
            left--;
        }
    }
}

#endif
