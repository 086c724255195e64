#include "domain/halo.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

/* What a new ghost brings along. */
struct introduction {
    sk_gid id;
    int32_t kind;
    int32_t cell[3];
};

void sk_halo_init(struct sk_halo *halo, struct sk_comm *comm)
{
    memset(halo, 0, sizeof *halo);
    halo->comm = comm;
}

static void halo_drop_links(struct sk_halo *halo)
{
    sk_links_free(&halo->forward);
    sk_links_free(&halo->reverse);
    sk_links_free(&halo->wide);
    sk_free(&halo->send_rank);
    sk_free(&halo->recv_rank);
    sk_free(&halo->send_first);
    sk_free(&halo->recv_first);
    halo->nsend = halo->nrecv = halo->nghosts = 0;
}

void sk_halo_clear(struct sk_halo *halo)
{
    halo_drop_links(halo);
    sk_free(&halo->id);
    sk_free(&halo->kind);
    sk_free(&halo->cell);
    sk_free(&halo->send_index);
}

/* One atom that goes to one rank. */
struct shipment {
    int rank, atom;
};
struct shipments {
    int n;
    struct shipment *list;
    size_t capacity;
};

/* Squared distance of atom i from the corner cells at -offset of its own cell, counting only axes with an offset. */
static double corner_distance2(const struct sk_cells *cells, const struct sk_home *home, const struct sk_atoms *atoms,
                               const struct sk_box *box, int i, const struct sk_export *e, const double stick_up[3])
{
    double distance2 = 0;
    for (int k = 0; k < 3; k++) {
        if (e->offset[k] == 0)
            continue;
        double face = (double)(home->cell[i][k] - e->offset[k] + 1) / cells->n[k];
        double gap = (sk_home_place(atoms, i, k) - face) * box->edge[k] - stick_up[k];
        if (gap > 0)
            distance2 += gap * gap;
    }
    return distance2;
}

static void halo_choose(struct sk_cells *cells, const struct sk_home *home, const struct sk_atoms *atoms,
                        const struct sk_box *box, double list_radius, const double stick_up[3], struct shipments *out)
{
    double radius2 = list_radius * list_radius;
    for (int i = 0; i < atoms->n; i++) {
        const int32_t *c = home->cell[i];
        struct sk_cell *cell = sk_cells_find(cells, c[0], c[1], c[2]);
        if (cell->first_export < 0) {
            sk_cells_plan(cells, c[0], c[1], c[2]);
            cell = sk_cells_find(cells, c[0], c[1], c[2]);
        }
        const struct sk_export *exports = cells->exports + cell->first_export;
        for (int e = 0, before = out->n; e < cell->nexports; e++) {
            bool is_listed = false;
            for (int s = before; s < out->n; s++)
                is_listed |= out->list[s].rank == exports[e].rank;
            if (is_listed || corner_distance2(cells, home, atoms, box, i, &exports[e], stick_up) > radius2)
                continue;
            sk_reserve(&out->list, &out->capacity, (size_t)out->n + 1);
            out->list[out->n++] = (struct shipment){exports[e].rank, i};
        }
    }
}

/* Sorts shipments by rank (atoms stay in home order) and fills the send side. */
static void halo_address(struct sk_halo *halo, const struct shipments *shipments, int nranks)
{
    int *count = sk_calloc((size_t)nranks + 1, sizeof *count);
    for (int s = 0; s < shipments->n; s++)
        count[shipments->list[s].rank]++;
    for (int r = 0; r < nranks; r++)
        halo->nsend += count[r] > 0;
    halo->send_rank = sk_alloc((size_t)halo->nsend, sizeof *halo->send_rank);
    halo->send_first = sk_alloc((size_t)halo->nsend + 1, sizeof *halo->send_first);
    int link = 0, first = 0;
    for (int r = 0; r < nranks; r++) {
        if (count[r] > 0) {
            halo->send_rank[link] = r;
            halo->send_first[link++] = first;
        }
        int here = count[r];
        count[r] = first;
        first += here;
    }
    halo->send_first[link] = first;
    sk_reserve(&halo->send_index, &halo->send_index_capacity, (size_t)first);
    for (int s = 0; s < shipments->n; s++)
        halo->send_index[count[shipments->list[s].rank]++] = shipments->list[s].atom;
    sk_free(&count);
}

static void halo_introduce(struct sk_halo *halo, const struct sk_home *home, const struct sk_atoms *atoms,
                           struct sk_receipt *receipt)
{
    struct sk_parcel *parcels = sk_alloc((size_t)halo->nsend, sizeof *parcels);
    struct introduction *bytes = sk_calloc((size_t)halo->send_first[halo->nsend], sizeof *bytes);
    for (int s = 0; s < halo->send_first[halo->nsend]; s++) {
        int i = halo->send_index[s];
        bytes[s] = (struct introduction){
            atoms->id[i], atoms->kind[i], {home->cell[i][0], home->cell[i][1], home->cell[i][2]}};
    }
    for (int l = 0; l < halo->nsend; l++) {
        int first = halo->send_first[l], count = halo->send_first[l + 1] - first;
        parcels[l] = (struct sk_parcel){halo->send_rank[l], (size_t)count * sizeof *bytes,
                                        (unsigned char *)(bytes + first)};
    }
    sk_comm_exchange(halo->comm, parcels, halo->nsend, receipt);
    sk_free(&bytes);
    sk_free(&parcels);
}

static void halo_accept(struct sk_halo *halo, struct sk_cells *cells, const struct sk_receipt *receipt)
{
    halo->nrecv = receipt->count;
    halo->recv_rank = sk_alloc((size_t)halo->nrecv, sizeof *halo->recv_rank);
    halo->recv_first = sk_alloc((size_t)halo->nrecv + 1, sizeof *halo->recv_first);
    halo->recv_first[0] = 0;
    for (int l = 0; l < halo->nrecv; l++) {
        halo->recv_rank[l] = receipt->parcels[l].rank;
        halo->recv_first[l + 1] = halo->recv_first[l] + (int)(receipt->parcels[l].length / sizeof(struct introduction));
    }
    halo->nghosts = halo->recv_first[halo->nrecv];
    sk_reserve(&halo->id, &halo->id_capacity, (size_t)halo->nghosts);
    sk_reserve(&halo->kind, &halo->kind_capacity, (size_t)halo->nghosts);
    sk_reserve(&halo->cell, &halo->cell_capacity, (size_t)halo->nghosts);
    halo->import_cells = 0;
    int64_t previous = -1;
    for (int l = 0, g = 0; l < halo->nrecv; l++)
        for (int i = 0; i < halo->recv_first[l + 1] - halo->recv_first[l]; i++, g++) {
            struct introduction ghost;
            memcpy(&ghost, receipt->parcels[l].bytes + (size_t)i * sizeof ghost, sizeof ghost);
            halo->id[g] = ghost.id;
            halo->kind[g] = ghost.kind;
            memcpy(halo->cell[g], ghost.cell, sizeof ghost.cell);
            /* senders list atoms in home order, so those of one cell are neighbours in the list */
            int64_t index = ghost.cell[0] + cells->n[0] * (ghost.cell[1] + (int64_t)cells->n[1] * ghost.cell[2]);
            halo->import_cells += index != previous;
            previous = index;
        }
}

static void halo_connect(struct sk_halo *halo, struct sk_links **out, struct sk_links **back, int tag, size_t item)
{
    size_t *send = sk_alloc((size_t)halo->nsend, sizeof *send), *recv = sk_alloc((size_t)halo->nrecv, sizeof *recv);
    for (int l = 0; l < halo->nsend; l++)
        send[l] = (size_t)(halo->send_first[l + 1] - halo->send_first[l]) * item;
    for (int l = 0; l < halo->nrecv; l++)
        recv[l] = (size_t)(halo->recv_first[l + 1] - halo->recv_first[l]) * item;
    if (out)
        *out = sk_links_new(halo->comm, tag, halo->nsend, halo->send_rank, send, halo->nrecv, halo->recv_rank, recv);
    *back = sk_links_new(halo->comm, tag + 1, halo->nrecv, halo->recv_rank, recv, halo->nsend, halo->send_rank, send);
    sk_free(&recv);
    sk_free(&send);
}

static enum sk_code halo_verify(const struct sk_halo *halo, const struct sk_atoms *atoms, struct sk_error *err)
{
    int64_t balance[2] = {0, 0}; /* sent minus received: count, id hash */
    for (int s = 0; s < (halo->nsend ? halo->send_first[halo->nsend] : 0); s++) {
        balance[0]++;
        balance[1] = (int64_t)((uint64_t)balance[1] + sk_hash_id(atoms->id[halo->send_index[s]]));
    }
    for (int g = 0; g < halo->nghosts; g++) {
        balance[0]--;
        balance[1] = (int64_t)((uint64_t)balance[1] - sk_hash_id(halo->id[g]));
    }
    sk_comm_sum_i64(halo->comm, balance, 2);
    if (balance[0] || balance[1])
        return sk_fail(err, SK_EINTERNAL,
                       "ghost atoms sent and received differ (count off by %lld); please report this",
                       (long long)balance[0]);
    return SK_OK;
}

enum sk_code sk_halo_build(struct sk_halo *halo, struct sk_cells *cells, const struct sk_home *home,
                           const struct sk_atoms *atoms, const struct sk_box *box, double list_radius,
                           const double stick_up[3], struct sk_error *err)
{
    halo_drop_links(halo);
    if (cells->nranks == 1)
        return SK_OK;
    struct shipments shipments = {0};
    halo_choose(cells, home, atoms, box, list_radius, stick_up, &shipments);
    halo_address(halo, &shipments, cells->nranks);
    sk_free(&shipments.list);
    struct sk_receipt receipt;
    halo_introduce(halo, home, atoms, &receipt);
    halo_accept(halo, cells, &receipt);
    sk_receipt_clear(&receipt);
    halo_connect(halo, &halo->forward, &halo->reverse, 0, sizeof(int32_t[3]));
    return halo_verify(halo, atoms, err);
}

static int compare_words(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return x[0] != y[0] ? (x[0] < y[0] ? -1 : 1) : x[1] < y[1] ? -1 : x[1] > y[1];
}

/* Distinct pairs of words; sorts them. */
static int64_t count_distinct(uint64_t (*pair)[2], int n)
{
    int64_t distinct = 0;
    qsort(pair, (size_t)n, sizeof *pair, compare_words);
    for (int i = 0; i < n; i++)
        distinct += i == 0 || pair[i][0] != pair[i - 1][0] || pair[i][1] != pair[i - 1][1];
    return distinct;
}

void sk_halo_suppose(struct sk_cells *cells, const struct sk_home *home, const struct sk_atoms *atoms,
                     const struct sk_box *box, double list_radius, const double stick_up[3], struct sk_import *import)
{
    *import = (struct sk_import){0};
    struct shipments shipments = {0};
    halo_choose(cells, home, atoms, box, list_radius, stick_up, &shipments);
    uint64_t(*to_cell)[2] = sk_alloc((size_t)shipments.n + 1, sizeof *to_cell),
    (*to_from)[2] = sk_alloc((size_t)shipments.n + 1, sizeof *to_from);
    int64_t *received = sk_calloc((size_t)cells->nranks, sizeof *received);
    for (int s = 0; s < shipments.n; s++) {
        const int32_t *c = home->cell[shipments.list[s].atom];
        const struct sk_cell *cell = sk_cells_find(cells, c[0], c[1], c[2]);
        int rank = shipments.list[s].rank;
        to_cell[s][0] = to_from[s][0] = (uint64_t)rank;
        to_cell[s][1] = (uint64_t)cell->index;
        to_from[s][1] = (uint64_t)cell->owner;
        if (++received[rank] > import->atoms_max)
            import->atoms_max = received[rank];
    }
    import->atoms = shipments.n;
    import->cells = count_distinct(to_cell, shipments.n);
    import->messages = count_distinct(to_from, shipments.n);
    sk_free(&received);
    sk_free(&to_from);
    sk_free(&to_cell);
    sk_free(&shipments.list);
}

void sk_halo_forward_begin(struct sk_halo *halo, const int32_t (*grid)[3])
{
    if (!halo->forward)
        return;
    for (int l = 0; l < halo->nsend; l++) {
        int32_t(*buffer)[3] = sk_links_send_buffer(halo->forward, l);
        const int *index = halo->send_index + halo->send_first[l];
        for (int s = 0; s < halo->send_first[l + 1] - halo->send_first[l]; s++)
            memcpy(buffer[s], grid[index[s]], sizeof *buffer);
    }
    sk_links_begin(halo->forward);
}

const int32_t (*sk_halo_arrived(struct sk_halo *halo, int *first, int *count))[3]
{
    if (!halo->forward)
        return NULL;
    int link = sk_links_arrived(halo->forward);
    if (link < 0) {
        sk_links_end(halo->forward);
        return NULL;
    }
    *first = halo->recv_first[link];
    *count = halo->recv_first[link + 1] - *first;
    return (const int32_t(*)[3])sk_links_recv_buffer(halo->forward, link);
}

void sk_halo_reverse_begin(struct sk_halo *halo, const int32_t (*ghost_force)[3])
{
    if (!halo->reverse)
        return;
    for (int l = 0; l < halo->nrecv; l++)
        memcpy(sk_links_send_buffer(halo->reverse, l), ghost_force + halo->recv_first[l],
               (size_t)(halo->recv_first[l + 1] - halo->recv_first[l]) * sizeof *ghost_force);
    sk_links_begin(halo->reverse);
}

void sk_halo_reverse_end(struct sk_halo *halo, int32_t (*force)[3])
{
    if (!halo->reverse)
        return;
    for (int l; (l = sk_links_arrived(halo->reverse)) >= 0;) {
        const int32_t(*buffer)[3] = (const int32_t(*)[3])sk_links_recv_buffer(halo->reverse, l);
        const int *index = halo->send_index + halo->send_first[l];
        for (int s = 0; s < halo->send_first[l + 1] - halo->send_first[l]; s++)
            for (int k = 0; k < 3; k++) /* unsigned: partial sums may wrap */
                force[index[s]][k] = (int32_t)((uint32_t)force[index[s]][k] + (uint32_t)buffer[s][k]);
    }
    sk_links_end(halo->reverse);
}

void sk_halo_reverse_wide(struct sk_halo *halo, const int64_t (*ghost_force)[3], int64_t (*force)[3])
{
    if (!halo->reverse)
        return;
    if (!halo->wide)
        halo_connect(halo, NULL, &halo->wide, 2, sizeof(int64_t[3]));
    for (int l = 0; l < halo->nrecv; l++)
        memcpy(sk_links_send_buffer(halo->wide, l), ghost_force + halo->recv_first[l],
               (size_t)(halo->recv_first[l + 1] - halo->recv_first[l]) * sizeof *ghost_force);
    sk_links_begin(halo->wide);
    for (int l; (l = sk_links_arrived(halo->wide)) >= 0;) {
        const int64_t(*buffer)[3] = (const int64_t(*)[3])sk_links_recv_buffer(halo->wide, l);
        const int *index = halo->send_index + halo->send_first[l];
        for (int s = 0; s < halo->send_first[l + 1] - halo->send_first[l]; s++)
            for (int k = 0; k < 3; k++)
                force[index[s]][k] += buffer[s][k];
    }
    sk_links_end(halo->wide);
}
