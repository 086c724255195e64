#include "force/parts.h"

#include <string.h>

#include "base/memory.h"

void sk_parts_init(struct sk_parts *parts, const struct sk_groups *groups, const char *names)
{
    memset(parts, 0, sizeof *parts);
    parts->groups = groups;
    sk_grouping_init(&parts->grouping, groups, names);
}

void sk_parts_clear(struct sk_parts *parts)
{
    sk_free(&parts->lane);
}

static uint8_t group_of(const struct sk_parts *parts, sk_gid id, int kind)
{
    int group = sk_grouping_find(&parts->grouping, sk_groups_of(parts->groups, id, kind));
    SK_REQUIRE(group >= 0);
    return (uint8_t)group;
}

void sk_parts_count(struct sk_parts *parts, struct sk_comm *comm, const struct sk_atoms *atoms)
{
    const struct sk_topology *top = parts->groups->top;
    if (!sk_parts_are_wanted(parts))
        return;
    int n = parts->grouping.n * top->nkinds;
    int64_t *count = sk_calloc((size_t)n, sizeof *count);
    for (int i = 0; i < atoms->n; i++)
        count[group_of(parts, atoms->id[i], atoms->kind[i]) * top->nkinds + atoms->kind[i]]++;
    sk_comm_sum_i64(comm, count, n);
    for (int k = 0; k < n; k++) {
        double charge = top->kinds[k % top->nkinds].charge;
        parts->charge2[k / top->nkinds] += (double)count[k] * charge * charge;
    }
    sk_free(&count);
}

void sk_parts_set_lanes(struct sk_parts *parts, const struct sk_clusters *c, const struct sk_atoms *atoms,
                        const struct sk_halo *halo)
{
    if (!sk_parts_are_wanted(parts))
        return;
    size_t nlanes = (size_t)c->packs.n * SK_PACK;
    sk_reserve(&parts->lane, &parts->lane_capacity, nlanes);
    memset(parts->lane, 0, nlanes);
    for (int i = 0; i < c->nowned; i++)
        parts->lane[c->slot[i]] = group_of(parts, atoms->id[i], atoms->kind[i]);
    for (int g = 0; g < c->nghosts; g++)
        parts->lane[c->slot[c->nowned + g]] = group_of(parts, halo->id[g], halo->kind[g]);
}

void sk_parts_reset(struct sk_parts *parts)
{
    memset(parts->pair, 0, sizeof parts->pair);
    memset(parts->near, 0, sizeof parts->near);
}

static uint8_t group_of_template(const struct sk_parts *parts, sk_gid id)
{
    struct sk_place at = sk_topology_find(parts->groups->top, id);
    return group_of(parts, id, parts->groups->top->moltypes[at.moltype].atoms[at.place].kind);
}

int sk_parts_of(const struct sk_parts *parts, sk_gid i, sk_gid j)
{
    return sk_group_pair(group_of_template(parts, i), group_of_template(parts, j));
}

void sk_parts_sum(struct sk_parts *parts, struct sk_comm *comm)
{
    int n = parts->grouping.n * (parts->grouping.n + 1);
    sk_comm_sum_i128(comm, parts->pair[0], n);
    sk_comm_sum_i128(comm, parts->near[0], n);
}
