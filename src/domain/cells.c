#include "domain/cells.h"

#include <math.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"

#define ATOMS_PER_CELL 16.0

/* All cells belong to rank 0. */
static void cells_cut_nothing(struct sk_cells *cells, int nranks)
{
    cells->nranks = nranks;
    cells->cut = sk_alloc((size_t)nranks + 1, sizeof *cells->cut);
    cells->cut[0] = 0;
    for (int r = 1; r <= nranks; r++)
        cells->cut[r] = sk_curve_end(cells->curve, cells->n);
}

void sk_cells_init(struct sk_cells *cells, enum sk_curve_kind curve, const struct sk_box *box, double list_radius,
                   int64_t natoms, const struct sk_comm *comm)
{
    memset(cells, 0, sizeof *cells);
    double side = sk_cbrt(ATOMS_PER_CELL * sk_box_volume(box) / (double)(natoms > 0 ? natoms : 1));
    if (side < 0.5 * list_radius)
        side = 0.5 * list_radius;
    for (int k = 0; k < 3; k++) {
        double count = floor(box->edge[k] / side);
        cells->n[k] = count < 1 ? 1 : count > 1048576 ? 1048576 : (int32_t)count;
    }
    cells->curve = curve;
    cells->rank = sk_comm_rank(comm);
    cells_cut_nothing(cells, sk_comm_size(comm));
}

void sk_cells_like(struct sk_cells *cells, const struct sk_cells *like, int nranks)
{
    memset(cells, 0, sizeof *cells);
    memcpy(cells->n, like->n, sizeof cells->n);
    cells->curve = like->curve;
    cells->rank = -1;
    cells_cut_nothing(cells, nranks);
}

void sk_cells_clear(struct sk_cells *cells)
{
    sk_free(&cells->cut);
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

static int cells_owner(const struct sk_cells *cells, sk_key key)
{
    int low = 0, high = cells->nranks; /* cut[low] <= key < cut[high] */
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (cells->cut[middle] <= key)
            low = middle;
        else
            high = middle;
    }
    return low;
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
        sk_key key = sk_curve_key(cells->curve, cells->n, x, y, z);
        *cell = (struct sk_cell){index, key, cells_owner(cells, key), -1, 0, false};
        cells->table_used++;
    }
    return cell;
}

/* Weight of items with key < limit; prefix[i] is the weight before item i. */
static int64_t weight_below(const struct sk_keyed *items, const int64_t *prefix, int n, sk_key limit)
{
    int low = 0, high = n;
    while (low < high) {
        int middle = (low + high) / 2;
        if (items[middle].key < limit)
            low = middle + 1;
        else
            high = middle;
    }
    return prefix[low];
}

void sk_cells_cut(struct sk_cells *cells, struct sk_comm *comm, const struct sk_keyed *items, const int64_t *work,
                  int n)
{
    int ncuts = cells->nranks - 1;
    int64_t *prefix = sk_alloc((size_t)n + 1, sizeof *prefix);
    prefix[0] = 0;
    for (int i = 0; i < n; i++)
        prefix[i + 1] = prefix[i] + work[i];
    int64_t total = prefix[n];
    sk_comm_sum_i64(comm, &total, 1);
    sk_key *low = sk_alloc((size_t)ncuts + 1, sizeof *low), *high = sk_alloc((size_t)ncuts + 1, sizeof *high);
    int64_t *below = sk_alloc((size_t)ncuts + 1, sizeof *below);
    sk_key end = sk_curve_end(cells->curve, cells->n);
    for (int c = 0; c < ncuts; c++) {
        low[c] = 0;
        high[c] = end;
    }
    /* cut c + 1 is the smallest key whose weight below reaches its share */
    for (sk_key span = end; span > 0; span >>= 1) {
        for (int c = 0; c < ncuts; c++)
            below[c] = weight_below(items, prefix, n, low[c] + (high[c] - low[c]) / 2);
        sk_comm_sum_i64(comm, below, ncuts);
        for (int c = 0; c < ncuts; c++) {
            sk_key middle = low[c] + (high[c] - low[c]) / 2;
            int64_t share = (int64_t)((sk_int128)total * (c + 1) / cells->nranks);
            if (low[c] < high[c] && below[c] < share)
                low[c] = middle + 1;
            else
                high[c] = middle;
        }
    }
    for (int c = 0; c < ncuts; c++)
        cells->cut[c + 1] = low[c];
    cells->cut[cells->nranks] = end;
    cells_forget(cells);
    sk_free(&below);
    sk_free(&high);
    sk_free(&low);
    sk_free(&prefix);
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
    int first = cells->nexports;
    bool is_deep = true;
    for (int ez = 0; ez <= cells->reach[2] && ez < cells->n[2]; ez++)
        for (int ey = 0; ey <= cells->reach[1] && ey < cells->n[1]; ey++)
            for (int ex = 0; ex <= cells->reach[0] && ex < cells->n[0]; ex++) {
                int owner = sk_cells_find(cells, sk_cells_wrap(x - ex, cells->n[0]), sk_cells_wrap(y - ey, cells->n[1]),
                                          sk_cells_wrap(z - ez, cells->n[2]))
                                ->owner;
                if (owner == cells->rank)
                    continue;
                is_deep = false;
                plan_add(cells, first, owner, ex, ey, ez);
            }
    struct sk_cell *cell = sk_cells_find(cells, x, y, z);
    cell->first_export = first;
    cell->nexports = cells->nexports - first;
    cell->is_deep = is_deep;
}
