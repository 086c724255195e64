#include "constrain/rigid.h"

#include <string.h>

#include "base/memory.h"
#include "model/freeze.h"

void sk_rigid_init(struct sk_rigid *rigid, const struct sk_topology *top, double tolerance)
{
    memset(rigid, 0, sizeof *rigid);
    rigid->first_kind = sk_alloc((size_t)top->nmoltypes, sizeof *rigid->first_kind);
    for (int t = 0; t < top->nmoltypes; t++) {
        rigid->first_kind[t] = rigid->nkinds;
        rigid->nkinds += top->moltypes[t].nsettles;
    }
    rigid->kinds = sk_alloc((size_t)rigid->nkinds, sizeof *rigid->kinds);
    for (int t = 0; t < top->nmoltypes; t++)
        for (int s = 0; s < top->moltypes[t].nsettles; s++) {
            const struct sk_moltype *type = &top->moltypes[t];
            const struct sk_settle *settle = &type->settles[s];
            sk_water_init(&rigid->kinds[rigid->first_kind[t] + s], top->kinds[type->atoms[settle->apex].kind].mass,
                          top->kinds[type->atoms[settle->leg1].kind].mass, settle->apex_leg, settle->leg_leg,
                          tolerance);
        }
}

void sk_rigid_clear(struct sk_rigid *rigid)
{
    sk_free(&rigid->kinds);
    sk_free(&rigid->first_kind);
    sk_free(&rigid->waters);
    sk_free(&rigid->free_atom);
}

/* Adds the water of the group at `anchor`; the rest of a larger group stays free. */
static void rigid_add(struct sk_rigid *rigid, const struct sk_moltype *type, int first_kind, int group, int settle,
                      const struct sk_atoms *atoms, int anchor)
{
    const struct sk_settle *s = &type->settles[settle];
    struct sk_rigid_water water = {{0, 0, 0}, first_kind + settle};
    for (int m = 0; m < atoms->group_size[anchor]; m++) {
        int place = type->group_place[type->group_start[group] + m];
        if (place == s->apex)
            water.atom[0] = anchor + m;
        else if (place == s->leg1)
            water.atom[1] = anchor + m;
        else if (place == s->leg2)
            water.atom[2] = anchor + m;
        else
            rigid->free_atom[rigid->nfree++] = anchor + m;
    }
    sk_reserve(&rigid->waters, &rigid->waters_capacity, (size_t)rigid->nwaters + 1);
    rigid->waters[rigid->nwaters++] = water;
}

void sk_rigid_rebuild(struct sk_rigid *rigid, const struct sk_topology *top, const struct sk_atoms *atoms)
{
    rigid->nwaters = rigid->nfree = 0;
    sk_reserve(&rigid->free_atom, &rigid->free_capacity, (size_t)atoms->n);
    for (int i = 0; i < atoms->n; i += atoms->group_size[i]) {
        int settle = -1, group = 0;
        struct sk_place at = {0};
        if (atoms->group_size[i] > 1) {
            at = sk_topology_find(top, atoms->id[i]);
            group = top->moltypes[at.moltype].group_of[at.place];
            settle = top->moltypes[at.moltype].settle_of_group[group];
            if (settle >= 0 && sk_moltype_frozen_settle(&top->moltypes[at.moltype], settle))
                settle = -1;
        }
        if (settle >= 0)
            rigid_add(rigid, &top->moltypes[at.moltype], rigid->first_kind[at.moltype], group, settle, atoms, i);
        else
            for (int m = 0; m < atoms->group_size[i]; m++)
                rigid->free_atom[rigid->nfree++] = i + m;
    }
}
