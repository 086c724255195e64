#include "domain/migrate.h"

#include <string.h>

#include "base/memory.h"

void sk_home_init(struct sk_home *home)
{
    memset(home, 0, sizeof *home);
    sk_atoms_init(&home->spare);
}

void sk_home_clear(struct sk_home *home)
{
    sk_free(&home->cell);
    sk_free(&home->order);
    sk_free(&home->scratch);
    sk_atoms_clear(&home->spare);
}

static struct sk_cell *home_cell(struct sk_cells *cells, const struct sk_atoms *atoms, int i)
{
    return sk_cells_find(cells, sk_frac_to_cell(atoms->x[i][0], cells->n[0]),
                         sk_frac_to_cell(atoms->x[i][1], cells->n[1]), sk_frac_to_cell(atoms->x[i][2], cells->n[2]));
}

int sk_home_sort(struct sk_home *home, struct sk_cells *cells, const struct sk_atoms *atoms)
{
    sk_reserve(&home->order, &home->order_capacity, (size_t)atoms->n);
    sk_reserve(&home->scratch, &home->scratch_capacity, (size_t)atoms->n);
    int ngroups = 0;
    for (int i = 0; i < atoms->n; i += atoms->group_size[i])
        home->order[ngroups++] = (struct sk_keyed){home_cell(cells, atoms, i)->key, i};
    sk_sort_keyed(home->order, home->scratch, ngroups);
    return ngroups;
}

struct outbox {
    int count;                 /* destinations */
    int *slot_of_rank;         /* [nranks] index of the parcel, or -1 */
    struct sk_parcel *parcels; /* [count] */
    size_t *capacity;          /* [count] bytes allocated */
    size_t parcels_capacity, capacity_capacity;
};

static void outbox_add(struct outbox *box, int rank, const struct sk_atom_record *record)
{
    int slot = box->slot_of_rank[rank];
    if (slot < 0) {
        slot = box->slot_of_rank[rank] = box->count++;
        sk_reserve(&box->parcels, &box->parcels_capacity, (size_t)box->count);
        sk_reserve(&box->capacity, &box->capacity_capacity, (size_t)box->count);
        box->parcels[slot] = (struct sk_parcel){rank, 0, NULL};
        box->capacity[slot] = 0;
    }
    struct sk_parcel *parcel = &box->parcels[slot];
    sk_reserve(&parcel->bytes, &box->capacity[slot], parcel->length + sizeof *record);
    memcpy(parcel->bytes + parcel->length, record, sizeof *record);
    parcel->length += sizeof *record;
}

static void outbox_clear(struct outbox *box)
{
    for (int i = 0; i < box->count; i++)
        sk_free(&box->parcels[i].bytes);
    sk_free(&box->parcels);
    sk_free(&box->capacity);
    sk_free(&box->slot_of_rank);
}

/* Takes the groups that are not this rank's out of atoms; the rest closes up. */
static void home_take_leavers(struct sk_home *home, struct sk_cells *cells, struct sk_atoms *atoms, struct outbox *box)
{
    struct sk_atom_record record;
    int kept = 0;
    for (int i = 0, size; i < atoms->n; i += size) {
        size = atoms->group_size[i];
        int owner = home_cell(cells, atoms, i)->owner;
        if (owner != cells->rank)
            home->migrated++;
        for (int k = 0; k < size; k++) {
            sk_atoms_get(atoms, i + k, &record);
            if (owner != cells->rank)
                outbox_add(box, owner, &record);
            else
                sk_atoms_put(atoms, kept++, &record);
        }
    }
    atoms->n = kept;
}

static void home_add_arrivals(struct sk_atoms *atoms, const struct sk_receipt *receipt)
{
    for (int p = 0; p < receipt->count; p++) {
        int count = (int)(receipt->parcels[p].length / sizeof(struct sk_atom_record));
        sk_atoms_reserve(atoms, (size_t)(atoms->n + count));
        for (int i = 0; i < count; i++) {
            struct sk_atom_record record;
            memcpy(&record, receipt->parcels[p].bytes + (size_t)i * sizeof record, sizeof record);
            sk_atoms_put(atoms, atoms->n++, &record);
        }
    }
}

/* Puts atoms in home order and starts new frames. */
static void home_arrange(struct sk_home *home, struct sk_cells *cells, struct sk_atoms *atoms)
{
    int ngroups = sk_home_sort(home, cells, atoms);
    struct sk_atoms *sorted = &home->spare;
    sk_atoms_reserve(sorted, (size_t)atoms->n + 1); /* a rank that owns nothing has arrays too */
    sk_reserve(&home->cell, &home->capacity, (size_t)atoms->n);
    int n = 0;
    for (int g = 0; g < ngroups; g++) {
        int anchor = (int)home->order[g].value;
        for (int k = 0; k < atoms->group_size[anchor]; k++, n++) {
            struct sk_atom_record record;
            sk_atoms_get(atoms, anchor + k, &record);
            sk_atoms_put(sorted, n, &record);
            for (int d = 0; d < 3; d++) {
                sorted->frame[n][d] = atoms->image[anchor][d];
                home->cell[n][d] = sk_frac_to_cell(atoms->x[anchor][d], cells->n[d]);
            }
        }
    }
    sorted->n = n;
    sorted->revision = atoms->revision + 1;
    struct sk_atoms old = *atoms;
    *atoms = *sorted;
    *sorted = old;
}

void sk_home_migrate(struct sk_home *home, struct sk_cells *cells, struct sk_comm *comm, struct sk_atoms *atoms)
{
    if (sk_comm_size(comm) > 1) {
        struct outbox box = {0};
        box.slot_of_rank = sk_alloc((size_t)cells->nranks, sizeof *box.slot_of_rank);
        for (int r = 0; r < cells->nranks; r++)
            box.slot_of_rank[r] = -1;
        home_take_leavers(home, cells, atoms, &box);
        struct sk_receipt receipt;
        sk_comm_exchange(comm, box.parcels, box.count, &receipt);
        home_add_arrivals(atoms, &receipt);
        sk_receipt_clear(&receipt);
        outbox_clear(&box);
    }
    home_arrange(home, cells, atoms);
}
