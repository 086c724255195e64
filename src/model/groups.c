#include "model/groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define EVERY_ATOM (UINT32_C(1) << SK_GROUPS_MAX) /* a set that is not defined: every atom is in it */

void sk_groups_init(struct sk_groups *groups, const struct sk_topology *top)
{
    memset(groups, 0, sizeof *groups);
    groups->top = top;
    groups->common = EVERY_ATOM;
    groups->nmoltypes = top->nmoltypes;
    groups->of_place = sk_alloc((size_t)top->nmoltypes, sizeof *groups->of_place);
    for (int t = 0; t < top->nmoltypes; t++)
        groups->of_place[t] = sk_calloc((size_t)top->moltypes[t].natoms, sizeof **groups->of_place);
    groups->of_kind = sk_calloc((size_t)top->nkinds, sizeof *groups->of_kind);
}

void sk_groups_clear(struct sk_groups *groups)
{
    for (int t = 0; t < groups->nmoltypes; t++)
        sk_free(&groups->of_place[t]);
    sk_free(&groups->of_place);
    sk_free(&groups->of_kind);
    sk_free(&groups->ranges);
    memset(groups, 0, sizeof *groups);
}

int sk_groups_add(struct sk_groups *groups, const char *name)
{
    SK_REQUIRE(groups->n < SK_GROUPS_MAX && strlen(name) < SK_NAME_MAX);
    strcpy(groups->name[groups->n], name);
    return groups->n++;
}

void sk_groups_add_range(struct sk_groups *groups, uint32_t sets, sk_gid first, sk_gid end)
{
    sk_reserve(&groups->ranges, &groups->ranges_capacity, (size_t)groups->nranges + 1);
    groups->ranges[groups->nranges++] = (struct sk_group_range){first, end, sets};
}

static int compare_ids(const void *a, const void *b)
{
    sk_gid x = *(const sk_gid *)a, y = *(const sk_gid *)b;
    return (x > y) - (x < y);
}

void sk_groups_finish(struct sk_groups *groups)
{
    int given = groups->nranges, nedges = 0;
    if (given == 0)
        return;
    const struct sk_group_range *range = groups->ranges;
    sk_gid *edge = sk_alloc(2 * (size_t)given, sizeof *edge);
    struct sk_group_range *pieces = sk_alloc(2 * (size_t)given, sizeof *pieces);
    for (int r = 0; r < given; r++) {
        edge[nedges++] = range[r].first;
        edge[nedges++] = range[r].end;
    }
    qsort(edge, (size_t)nedges, sizeof *edge, compare_ids);
    groups->nranges = 0;
    for (int e = 1; e < nedges; e++) {
        struct sk_group_range piece = {edge[e - 1], edge[e], 0};
        for (int r = 0; r < given; r++)
            if (range[r].first <= piece.first && piece.end <= range[r].end)
                piece.sets |= range[r].sets;
        if (piece.first < piece.end && piece.sets)
            pieces[groups->nranges++] = piece;
    }
    sk_free(&edge);
    sk_free(&groups->ranges);
    groups->ranges = pieces;
    groups->ranges_capacity = 2 * (size_t)given;
}

static uint32_t sets_of_range(const struct sk_groups *groups, sk_gid id)
{
    int low = 0, high = groups->nranges;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (groups->ranges[middle].end <= id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < groups->nranges && groups->ranges[low].first <= id ? groups->ranges[low].sets : 0;
}

uint32_t sk_groups_of(const struct sk_groups *groups, sk_gid id, int kind)
{
    if (groups->n == 0)
        return groups->common;
    struct sk_place at = sk_topology_find(groups->top, id);
    uint32_t sets = groups->common | groups->of_place[at.moltype][at.place] | groups->of_kind[kind] |
                    sets_of_range(groups, id % groups->top->unit_atoms);
    return sets == EVERY_ATOM ? sets | groups->rest : sets;
}

/* The set called name[length], or none. */
static uint32_t set_called(const struct sk_groups *groups, const char *name, size_t length)
{
    for (int g = 0; g < groups->n; g++)
        if (strlen(groups->name[g]) == length && memcmp(groups->name[g], name, length) == 0)
            return UINT32_C(1) << g;
    return 0;
}

void sk_grouping_init(struct sk_grouping *grouping, const struct sk_groups *groups, const char *names)
{
    memset(grouping, 0, sizeof *grouping);
    grouping->rest = -1;
    for (names += strspn(names, " \t"); *names; names += strspn(names, " \t")) {
        size_t length = strcspn(names, " \t");
        int g = grouping->n++;
        SK_REQUIRE(g < SK_GROUPS_MAX && length < SK_NAME_MAX);
        memcpy(grouping->name[g], names, length);
        if (strcmp(grouping->name[g], SK_GROUP_REST) == 0)
            grouping->rest = g;
        else if (strcmp(grouping->name[g], SK_GROUP_ALL) == 0)
            grouping->sets[g] = EVERY_ATOM;
        else
            grouping->sets[g] = set_called(groups, names, length);
        SK_REQUIRE(grouping->sets[g] || grouping->rest == g);
        names += length;
    }
}

int sk_grouping_find(const struct sk_grouping *grouping, uint32_t sets)
{
    int found = grouping->rest;
    bool is_in = false;
    for (int g = 0; g < grouping->n; g++) {
        if (!(grouping->sets[g] & sets))
            continue;
        if (is_in)
            return SK_IN_SEVERAL_GROUPS;
        is_in = true;
        found = g;
    }
    return found;
}

uint32_t sk_grouping_union(const struct sk_grouping *grouping)
{
    uint32_t sets = 0;
    for (int g = 0; g < grouping->n; g++)
        sets |= grouping->sets[g];
    return sets;
}

bool sk_axes_parse(const char *text, bool axis[3])
{
    int n = 0;
    axis[0] = axis[1] = axis[2] = false;
    for (; *text; text++) {
        if (*text == ' ' || *text == '\t')
            continue;
        int k = *text - 'x';
        bool is_alone = text[1] == '\0' || text[1] == ' ' || text[1] == '\t';
        if (k < 0 || k > 2 || axis[k] || !is_alone)
            return false;
        axis[k] = true;
        n++;
    }
    return n > 0;
}
