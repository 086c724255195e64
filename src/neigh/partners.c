#include "neigh/partners.h"

#include <string.h>

#include "base/memory.h"

static bool type_is_crossing(const struct sk_moltype *type)
{
    for (int i = 0; i < type->natoms; i++)
        for (int e = type->excluded_start[i]; e < type->excluded_start[i + 1]; e++)
            if (type->group_of[type->excluded[e]] != type->group_of[i])
                return true;
    return false;
}

void sk_partners_init(struct sk_partners *partners, const struct sk_topology *top)
{
    memset(partners, 0, sizeof *partners);
    sk_idmap_init(&partners->ids);
    partners->is_crossing = sk_calloc((size_t)top->nmoltypes + 1, sizeof *partners->is_crossing);
    for (int t = 0; t < top->nmoltypes; t++) {
        partners->is_crossing[t] = type_is_crossing(&top->moltypes[t]);
        partners->has_crossing |= partners->is_crossing[t];
    }
}

void sk_partners_clear(struct sk_partners *partners)
{
    sk_free(&partners->start);
    sk_free(&partners->partner);
    sk_free(&partners->is_crossing);
    sk_free(&partners->crossing);
    sk_idmap_clear(&partners->ids);
}

/* Makes ids: local index by id of the atoms whose molecules have exclusions that leave a group. */
static void map_crossing(struct sk_partners *p, const struct sk_topology *top, const struct sk_atoms *atoms,
                         const sk_gid *ghost_id, int nghosts)
{
    int n = 0;
    for (int i = 0; i < atoms->n + nghosts; i++) {
        sk_gid id = i < atoms->n ? atoms->id[i] : ghost_id[i - atoms->n];
        if (!p->is_crossing[sk_topology_find(top, id).moltype])
            continue;
        sk_reserve(&p->crossing, &p->crossing_capacity, (size_t)n + 1);
        p->crossing[n++] = i;
    }
    sk_idmap_reset(&p->ids, (size_t)n);
    for (int c = 0; c < n; c++) {
        int i = p->crossing[c];
        sk_idmap_set(&p->ids, i < atoms->n ? atoms->id[i] : ghost_id[i - atoms->n], i);
    }
}

static void row_add(struct sk_partners *p, int *n, int partner)
{
    sk_reserve(&p->partner, &p->partner_capacity, (size_t)*n + 1);
    p->partner[(*n)++] = partner;
}

/* Partners anywhere, if they are local. */
static void row_fill_crossing(struct sk_partners *p, int *n, const struct sk_moltype *type, struct sk_place at)
{
    for (int e = type->excluded_start[at.place]; e < type->excluded_start[at.place + 1]; e++) {
        int partner = sk_idmap_find(&p->ids, at.molecule + type->excluded[e]);
        if (partner >= 0)
            row_add(p, n, partner);
    }
}

/* Partners in the group, whose atoms are consecutive from `anchor` on and ascend by place. */
static void row_fill_group(struct sk_partners *p, int *n, const struct sk_moltype *type, int group, int place,
                           int anchor)
{
    int first = type->group_start[group], end = type->group_start[group + 1], m = first;
    for (int e = type->excluded_start[place]; e < type->excluded_start[place + 1]; e++) {
        while (m < end && type->group_place[m] < type->excluded[e])
            m++;
        if (m < end && type->group_place[m] == type->excluded[e])
            row_add(p, n, anchor + m - first);
    }
}

void sk_partners_build(struct sk_partners *p, const struct sk_topology *top, const struct sk_atoms *atoms,
                       const sk_gid *ghost_id, int nghosts)
{
    int n = 0, nlocal = atoms->n + nghosts;
    sk_reserve(&p->start, &p->start_capacity, (size_t)nlocal + 1);
    if (p->has_crossing)
        map_crossing(p, top, atoms, ghost_id, nghosts);
    for (int i = 0; i < atoms->n; i += atoms->group_size[i]) {
        struct sk_place at = sk_topology_find(top, atoms->id[i]);
        const struct sk_moltype *type = &top->moltypes[at.moltype];
        int group = type->group_of[at.place];
        for (int m = 0; m < atoms->group_size[i]; m++) {
            p->start[i + m] = n;
            at.place = type->group_place[type->group_start[group] + m];
            if (p->is_crossing[at.moltype])
                row_fill_crossing(p, &n, type, at);
            else
                row_fill_group(p, &n, type, group, at.place, i);
        }
    }
    for (int g = 0; g < nghosts; g++) {
        p->start[atoms->n + g] = n;
        if (!p->has_crossing)
            continue;
        struct sk_place at = sk_topology_find(top, ghost_id[g]);
        if (p->is_crossing[at.moltype])
            row_fill_crossing(p, &n, &top->moltypes[at.moltype], at);
    }
    p->start[nlocal] = n;
}

size_t sk_partners_memory(const struct sk_partners *p)
{
    return p->start_capacity * sizeof *p->start + p->partner_capacity * sizeof *p->partner +
           p->crossing_capacity * sizeof *p->crossing + p->ids.size * sizeof *p->ids.slot;
}
