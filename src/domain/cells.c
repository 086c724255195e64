#include "domain/cells.h"

#include <math.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"

void sk_cells_init(struct sk_cells *cells, const struct sk_box *box, double list_radius, int64_t natoms,
                   const struct sk_comm *comm)
{
    memset(cells, 0, sizeof *cells);
    double most = natoms > SK_CELLS_MOST ? (double)natoms : (double)SK_CELLS_MOST;
    double side = sk_cbrt(sk_box_volume(box) / most);
    if (side < 0.5 * list_radius)
        side = 0.5 * list_radius;
    double width[3];
    sk_box_widths(box, width);
    for (int k = 0; k < 3; k++) {
        double count = floor(width[k] / side);
        cells->n[k] = count < 1 ? 1 : count > 1048576 ? 1048576 : (int32_t)count;
    }
    cells->rank = sk_comm_rank(comm);
    cells->nranks = sk_comm_size(comm);
}

void sk_cells_coarsen(struct sk_cells *cells, double factor)
{
    SK_REQUIRE(cells->table_used == 0 && factor >= 1);
    for (int k = 0; k < 3; k++) {
        double count = floor(cells->n[k] / factor);
        cells->n[k] = count < 1 ? 1 : (int32_t)count;
    }
}

void sk_cells_clear(struct sk_cells *cells)
{
    sk_plan_clear(&cells->plan);
    sk_free(&cells->table);
    sk_free(&cells->exports);
    memset(cells, 0, sizeof *cells);
}

static void cells_forget(struct sk_cells *cells)
{
    for (size_t i = 0; i < cells->table_size; i++)
        cells->table[i].index = -1;
    cells->table_used = 0;
    cells->nexports = 0;
}

void sk_cells_set_plan(struct sk_cells *cells, struct sk_plan *plan, const int32_t block[3])
{
    sk_plan_clear(&cells->plan);
    cells->plan = *plan;
    memset(plan, 0, sizeof *plan);
    memcpy(cells->block, block, sizeof cells->block);
    cells_forget(cells);
}

static size_t cells_slot(const struct sk_cell *table, size_t size, int64_t index)
{
    size_t slot = (size_t)((uint64_t)index * 0x9e3779b97f4a7c15u >> 32) & (size - 1);
    while (table[slot].index >= 0 && table[slot].index != index)
        slot = (slot + 1) & (size - 1);
    return slot;
}

static void cells_grow(struct sk_cells *cells)
{
    size_t size = cells->table_size ? 2 * cells->table_size : 1024;
    struct sk_cell *table = sk_alloc(size, sizeof *table);
    for (size_t i = 0; i < size; i++)
        table[i].index = -1;
    for (size_t i = 0; i < cells->table_size; i++)
        if (cells->table[i].index >= 0)
            table[cells_slot(table, size, cells->table[i].index)] = cells->table[i];
    sk_free(&cells->table);
    cells->table = table;
    cells->table_size = size;
}

struct sk_cell *sk_cells_find(struct sk_cells *cells, int32_t x, int32_t y, int32_t z)
{
    if (2 * (cells->table_used + 1) > cells->table_size)
        cells_grow(cells);
    int64_t index = x + cells->n[0] * (y + (int64_t)cells->n[1] * z);
    struct sk_cell *cell = &cells->table[cells_slot(cells->table, cells->table_size, index)];
    if (cell->index < 0) {
        const struct sk_plan *plan = &cells->plan;
        const int32_t *block = cells->block;
        int32_t owner = plan->nranks ? sk_plan_owner(plan, x / block[0], y / block[1], z / block[2]) : 0;
        sk_key key = sk_curve_key_turned(sk_plan_curve(plan), plan->turn, cells->n, x, y, z);
        *cell = (struct sk_cell){index, key, owner, -1, 0, false};
        cells->table_used++;
    }
    return cell;
}

void sk_cells_set_reach(struct sk_cells *cells, const int32_t reach[3])
{
    if (memcmp(cells->reach, reach, sizeof cells->reach) == 0)
        return;
    memcpy(cells->reach, reach, sizeof cells->reach);
    cells_forget(cells);
}

/* Adds (rank, offset) unless a smaller offset of that rank is there. Offsets come in an order in which a smaller one
 * (component by component) always precedes. */
static void plan_add(struct sk_cells *cells, int first, int rank, int ex, int ey, int ez)
{
    for (int i = first; i < cells->nexports; i++) {
        const struct sk_export *e = &cells->exports[i];
        if (e->rank == rank && e->offset[0] <= ex && e->offset[1] <= ey && e->offset[2] <= ez)
            return;
    }
    sk_reserve(&cells->exports, &cells->exports_capacity, (size_t)cells->nexports + 1);
    cells->exports[cells->nexports++] = (struct sk_export){rank, {(int16_t)ex, (int16_t)ey, (int16_t)ez}};
}

void sk_cells_plan(struct sk_cells *cells, int32_t x, int32_t y, int32_t z)
{
    int first = cells->nexports, home = sk_cells_find(cells, x, y, z)->owner;
    bool is_deep = true;
    for (int ez = 0; ez <= cells->reach[2] && ez < cells->n[2]; ez++)
        for (int ey = 0; ey <= cells->reach[1] && ey < cells->n[1]; ey++)
            for (int ex = 0; ex <= cells->reach[0] && ex < cells->n[0]; ex++) {
                int owner = sk_cells_find(cells, sk_cells_wrap(x - ex, cells->n[0]), sk_cells_wrap(y - ey, cells->n[1]),
                                          sk_cells_wrap(z - ez, cells->n[2]))
                                ->owner;
                if (owner == home)
                    continue;
                is_deep = false;
                plan_add(cells, first, owner, ex, ey, ez);
            }
    struct sk_cell *cell = sk_cells_find(cells, x, y, z);
    cell->first_export = first;
    cell->nexports = cells->nexports - first;
    cell->is_deep = is_deep;
}
