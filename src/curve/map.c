#include "curve/map.h"

#include <string.h>

#include "base/memory.h"

static void link_cell(struct sk_map *map, int32_t cell, int32_t rank)
{
    int32_t first = map->head[rank];
    map->owner[cell] = rank;
    map->next[cell] = first;
    map->last[cell] = -1;
    if (first >= 0)
        map->last[first] = cell;
    map->head[rank] = cell;
    map->load[rank] += sk_map_weight(map, cell);
}

static void unlink_cell(struct sk_map *map, int32_t cell)
{
    int32_t next = map->next[cell], last = map->last[cell], rank = map->owner[cell];
    if (next >= 0)
        map->last[next] = last;
    if (last >= 0)
        map->next[last] = next;
    else
        map->head[rank] = next;
    map->load[rank] -= sk_map_weight(map, cell);
}

/* Cells on a line around x, periodically. */
static void around(int32_t x, int32_t n, int reach, int32_t *places)
{
    for (int d = -reach; d <= reach; d++) {
        int32_t at = x + d;
        while (at < 0)
            at += n;
        while (at >= n)
            at -= n;
        places[d + reach] = at;
    }
}

void sk_map_around(const struct sk_map *map, int32_t cell, int32_t cells[27])
{
    int32_t at[3], xs[3], ys[3], zs[3];
    sk_map_place(map, cell, at);
    if (at[0] > 0 && at[0] < map->n[0] - 1 && at[1] > 0 && at[1] < map->n[1] - 1 && at[2] > 0 &&
        at[2] < map->n[2] - 1) {
        for (int k = 0; k < 27; k++)
            cells[k] = cell + map->offset[k];
        return;
    }
    around(at[0], map->n[0], 1, xs);
    around(at[1], map->n[1], 1, ys);
    around(at[2], map->n[2], 1, zs);
    for (int k = 0; k < 27; k++)
        cells[k] = xs[k % 3] + map->n[0] * (ys[k / 3 % 3] + map->n[1] * zs[k / 9]);
}

void sk_map_init(struct sk_map *map, const struct sk_share *share)
{
    *map = (struct sk_map){.share = share, .nranks = share->nranks};
    memcpy(map->n, share->n, sizeof map->n);
    map->ncells = (int64_t)map->n[0] * map->n[1] * map->n[2];
    map->owner = sk_alloc((size_t)map->ncells, sizeof *map->owner);
    map->next = sk_alloc((size_t)map->ncells, sizeof *map->next);
    map->last = sk_alloc((size_t)map->ncells, sizeof *map->last);
    map->head = sk_alloc((size_t)map->nranks, sizeof *map->head);
    map->load = sk_alloc((size_t)map->nranks, sizeof *map->load);
    for (int k = 0; k < 27; k++)
        map->offset[k] = k % 3 - 1 + map->n[0] * (k / 3 % 3 - 1 + map->n[1] * (k / 9 - 1));
    double total = 0.0;
    for (int32_t c = 0; c < map->ncells; c++)
        total += (double)sk_map_weight(map, c);
    map->mean = total / map->nranks;
}

void sk_map_clear(struct sk_map *map)
{
    sk_free(&map->owner);
    sk_free(&map->next);
    sk_free(&map->last);
    sk_free(&map->head);
    sk_free(&map->load);
}

void sk_map_gather(struct sk_map *map)
{
    for (int r = 0; r < map->nranks; r++) {
        map->head[r] = -1;
        map->load[r] = 0;
    }
    for (int32_t c = 0; c < map->ncells; c++)
        link_cell(map, c, map->owner[c]);
}

/* Thin vapour is most of the cells of an uneven box, and next to nothing of its ghosts and loads. */
#define THIN 0.04

bool *sk_map_matters(const struct sk_map *map)
{
    int64_t *atoms = sk_alloc((size_t)map->ncells, sizeof *atoms), most = 0;
    bool *matters = sk_alloc((size_t)map->ncells, sizeof *matters);
    for (int32_t c = 0; c < map->ncells; c++) {
        int32_t cells[27];
        sk_map_around(map, c, cells);
        atoms[c] = 0;
        for (int k = 0; k < 27; k++)
            atoms[c] += map->share->atoms ? map->share->atoms[cells[k]] : 1;
        most = atoms[c] > most ? atoms[c] : most;
    }
    for (int32_t c = 0; c < map->ncells; c++)
        matters[c] = (double)atoms[c] > THIN * (double)most || (double)sk_map_weight(map, c) > 1e-4 * map->mean;
    sk_free(&atoms);
    return matters;
}

/* ---- ghosts: a cell is a ghost of every rank but its own that has a cell among the 27 around it ---- */

bool sk_map_can_count(const struct sk_map *map)
{
    return map->n[0] >= 3 && map->n[1] >= 3 && map->n[2] >= 3;
}

int64_t sk_map_ghosts(const struct sk_map *map)
{
    int64_t ghosts = 0;
    for (int32_t c = 0; c < map->ncells; c++) {
        int32_t cells[27], seen[27], nseen = 0;
        int64_t value = map->share->atoms ? map->share->atoms[c] : 1;
        if (!value)
            continue;
        sk_map_around(map, c, cells);
        for (int k = 0; k < 27; k++) {
            int32_t rank = map->owner[cells[k]], i = 0;
            while (i < nseen && seen[i] != rank)
                i++;
            if (i == nseen)
                seen[nseen++] = rank;
        }
        ghosts += value * (nseen - 1);
    }
    return ghosts;
}

/* Of the cells around a cell, those that see no other cell of `from` stop being its ghosts, those that see none of
 * `to` become its. Both counts in one number: sums over boxes of 3 x 3 x 3, axis by axis. */
static int64_t change_of_ghosts(const struct sk_map *map, int32_t cell, int32_t from, int32_t to)
{
    int32_t at[3], xs[5], ys[5], zs[5];
    uint16_t has[5][5][3], sum[5][3][3];
    int64_t change = 0;
    sk_map_place(map, cell, at);
    around(at[0], map->n[0], 2, xs);
    around(at[1], map->n[1], 2, ys);
    around(at[2], map->n[2], 2, zs);
    for (int z = 0; z < 5; z++)
        for (int y = 0; y < 5; y++) {
            const int32_t *row = map->owner + (int64_t)map->n[0] * (ys[y] + (int64_t)map->n[1] * zs[z]);
            uint16_t is[5];
            for (int x = 0; x < 5; x++)
                is[x] = (uint16_t)((row[xs[x]] == from) | (row[xs[x]] == to) << 8);
            for (int x = 0; x < 3; x++)
                has[z][y][x] = (uint16_t)(is[x] + is[x + 1] + is[x + 2]);
        }
    for (int z = 0; z < 5; z++)
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 3; x++)
                sum[z][y][x] = (uint16_t)(has[z][y][x] + has[z][y + 1][x] + has[z][y + 2][x]);
    for (int z = 0; z < 3; z++)
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 3; x++) {
                unsigned seen = (unsigned)sum[z][y][x] + sum[z + 1][y][x] + sum[z + 2][y][x];
                int sign = ((seen >> 8) == 0) - ((seen & 255) == 1);
                int64_t other = xs[x + 1] + (int64_t)map->n[0] * (ys[y + 1] + (int64_t)map->n[1] * zs[z + 1]);
                if (sign)
                    change += sign * (map->share->atoms ? map->share->atoms[other] : 1);
            }
    return change;
}

int64_t sk_map_change(const struct sk_map *map, int32_t cell, int32_t to)
{
    return sk_map_can_count(map) ? change_of_ghosts(map, cell, map->owner[cell], to) : 0;
}

int64_t sk_map_move(struct sk_map *map, int32_t cell, int32_t to, bool is_counted)
{
    int64_t change = is_counted ? change_of_ghosts(map, cell, map->owner[cell], to) : 0;
    unlink_cell(map, cell);
    link_cell(map, cell, to);
    return change;
}
