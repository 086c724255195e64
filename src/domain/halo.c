#include "domain/halo.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

enum { TAG_FORWARD = 0, TAG_REVERSE = 1, TAG_WIDE = 3 };

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
    sk_side_clear(&halo->send);
    sk_side_clear(&halo->recv);
    halo->nghosts = 0;
}

void sk_halo_clear(struct sk_halo *halo)
{
    halo_drop_links(halo);
    sk_free(&halo->id);
    sk_free(&halo->kind);
    sk_free(&halo->cell);
}

/* Atoms, and to which rank each goes. */
struct shipments {
    int n;
    int32_t *rank;
    int *atom;
    size_t rank_capacity, atom_capacity;
};

static void shipments_clear(struct shipments *shipments)
{
    sk_free(&shipments->rank);
    sk_free(&shipments->atom);
}

/* The geometry of the box that distances from cells depend on. */
struct faces {
    bool is_rectangular;
    double width[3], cosine[3][3];
};

/* Squared distance from two half-spaces at once, of which one is at distances a and b from the faces, a cosine apart; 0
 * if the nearest point lies on one face alone, whose own distance counts then. */
static double wedge_distance2(double a, double b, double cosine)
{
    if (a <= b * cosine || b <= a * cosine)
        return 0;
    return (a * a + b * b - 2 * a * b * cosine) / (1 - cosine * cosine);
}

/* The same for three: h N^-1 h with the matrix N of cosines, if all components of N^-1 h are positive. */
static double corner_distance2_of(const double h[3], const double n[3][3])
{
    const double xy = n[0][1], xz = n[0][2], yz = n[1][2];
    const double inverse[3][3] = {{1 - yz * yz, xz * yz - xy, xy * yz - xz},
                                  {xz * yz - xy, 1 - xz * xz, xy * xz - yz},
                                  {xy * yz - xz, xy * xz - yz, 1 - xy * xy}};
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        double weight = inverse[i][0] * h[0] + inverse[i][1] * h[1] + inverse[i][2] * h[2];
        if (!(weight > 0))
            return 0;
        sum += weight * h[i];
    }
    return sum / (1 - xy * xy - xz * xz - yz * yz + 2 * xy * xz * yz);
}

/* Squared distance of a point from a corner of three half-spaces, gap[k] from face k or less than 0 within it: that of
 * the nearest point on one face, on two or on all three, whichever are met. */
static double distance2_of(const double gap[3], const struct faces *faces)
{
    double sum = 0, most = 0;
    for (int k = 0; k < 3; k++)
        if (gap[k] > 0) {
            sum += gap[k] * gap[k];
            most = gap[k] * gap[k] > most ? gap[k] * gap[k] : most;
        }
    if (faces->is_rectangular)
        return sum;
    for (int k = 0; k < 3; k++) {
        int l = (k + 1) % 3;
        double two = gap[k] > 0 && gap[l] > 0 ? wedge_distance2(gap[k], gap[l], faces->cosine[k][l]) : 0;
        most = two > most ? two : most;
    }
    double three = gap[0] > 0 && gap[1] > 0 && gap[2] > 0 ? corner_distance2_of(gap, faces->cosine) : 0;
    return three > most ? three : most;
}

/* Squared distance of atom i from the corner cells at -offset of its own cell, counting only axes with an offset. */
static double corner_distance2(const struct sk_cells *cells, const struct sk_home *home, const struct sk_atoms *atoms,
                               const struct faces *faces, int i, const struct sk_export *e, const double stick_up[3])
{
    double gap[3];
    for (int k = 0; k < 3; k++) {
        double face = (double)(home->cell[i][k] - e->offset[k] + 1) / cells->n[k];
        gap[k] = e->offset[k] == 0 ? 0 : (sk_home_place(atoms, i, k) - face) * faces->width[k] - stick_up[k];
    }
    return distance2_of(gap, faces);
}

static void halo_choose(struct sk_cells *cells, const struct sk_home *home, const struct sk_atoms *atoms,
                        const struct sk_box *box, double list_radius, const double stick_up[3], struct shipments *out)
{
    double radius2 = list_radius * list_radius;
    struct faces faces = {.is_rectangular = sk_box_is_rectangular(box)};
    sk_box_widths(box, faces.width);
    sk_box_cosines(box, faces.cosine);
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
                is_listed |= out->rank[s] == exports[e].rank;
            if (is_listed || corner_distance2(cells, home, atoms, &faces, i, &exports[e], stick_up) > radius2)
                continue;
            sk_reserve(&out->rank, &out->rank_capacity, (size_t)out->n + 1);
            sk_reserve(&out->atom, &out->atom_capacity, (size_t)out->n + 1);
            out->rank[out->n] = exports[e].rank;
            out->atom[out->n++] = i;
        }
    }
}

static void halo_introduce(struct sk_halo *halo, const struct sk_home *home, const struct sk_atoms *atoms,
                           struct sk_receipt *receipt)
{
    const struct sk_side *send = &halo->send;
    struct sk_parcel *parcels = sk_alloc((size_t)send->nlinks, sizeof *parcels);
    struct introduction *bytes = sk_calloc((size_t)sk_side_items(send), sizeof *bytes);
    for (int s = 0; s < sk_side_items(send); s++) {
        int i = send->item[s];
        bytes[s] = (struct introduction){
            atoms->id[i], atoms->kind[i], {home->cell[i][0], home->cell[i][1], home->cell[i][2]}};
    }
    for (int l = 0; l < send->nlinks; l++) {
        int first = send->first[l], count = send->first[l + 1] - first;
        parcels[l] = (struct sk_parcel){send->rank[l], (size_t)count * sizeof *bytes, (unsigned char *)(bytes + first)};
    }
    sk_comm_exchange(halo->comm, parcels, send->nlinks, receipt);
    sk_free(&bytes);
    sk_free(&parcels);
}

static void halo_accept(struct sk_halo *halo, struct sk_cells *cells, const struct sk_receipt *receipt)
{
    struct sk_side *recv = &halo->recv;
    sk_side_reserve(recv, receipt->count, 0); /* ghosts come in this order: no items */
    for (; recv->nlinks < receipt->count; recv->nlinks++) {
        const struct sk_parcel *parcel = &receipt->parcels[recv->nlinks];
        recv->rank[recv->nlinks] = parcel->rank;
        recv->first[recv->nlinks + 1] = recv->first[recv->nlinks] + (int)(parcel->length / sizeof(struct introduction));
    }
    halo->nghosts = sk_side_items(recv);
    sk_reserve(&halo->id, &halo->id_capacity, (size_t)halo->nghosts);
    sk_reserve(&halo->kind, &halo->kind_capacity, (size_t)halo->nghosts);
    sk_reserve(&halo->cell, &halo->cell_capacity, (size_t)halo->nghosts);
    halo->import_cells = 0;
    int64_t previous = -1;
    for (int l = 0, g = 0; l < recv->nlinks; l++)
        for (int i = 0; i < recv->first[l + 1] - recv->first[l]; i++, g++) {
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

static enum sk_code halo_verify(const struct sk_halo *halo, const struct sk_atoms *atoms, struct sk_error *err)
{
    int64_t balance[2] = {0, 0}; /* sent minus received: count, id hash */
    for (int s = 0; s < sk_side_items(&halo->send); s++) {
        balance[0]++;
        balance[1] = (int64_t)((uint64_t)balance[1] + sk_hash_id(atoms->id[halo->send.item[s]]));
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
    sk_side_sort(&halo->send, cells->nranks, shipments.n, shipments.rank, shipments.atom);
    shipments_clear(&shipments);
    struct sk_receipt receipt;
    halo_introduce(halo, home, atoms, &receipt);
    halo_accept(halo, cells, &receipt);
    sk_receipt_clear(&receipt);
    halo->forward = sk_side_links(halo->comm, TAG_FORWARD, sizeof(int32_t[3]), 0, &halo->send, &halo->recv);
    halo->reverse = sk_side_links(halo->comm, TAG_REVERSE, sizeof(int32_t[3]), 0, &halo->recv, &halo->send);
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
        const int32_t *c = home->cell[shipments.atom[s]];
        const struct sk_cell *cell = sk_cells_find(cells, c[0], c[1], c[2]);
        int rank = shipments.rank[s];
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
    shipments_clear(&shipments);
}

void sk_halo_forward_begin(struct sk_halo *halo, const int32_t (*grid)[3])
{
    if (!halo->forward)
        return;
    for (int l = 0; l < halo->send.nlinks; l++) {
        int32_t(*buffer)[3] = sk_links_send_buffer(halo->forward, l);
        const int *index = halo->send.item + halo->send.first[l];
        for (int s = 0; s < halo->send.first[l + 1] - halo->send.first[l]; s++)
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
    *first = halo->recv.first[link];
    *count = halo->recv.first[link + 1] - *first;
    return (const int32_t(*)[3])sk_links_recv_buffer(halo->forward, link);
}

void sk_halo_reverse_begin(struct sk_halo *halo, const int32_t (*ghost_force)[3])
{
    if (!halo->reverse)
        return;
    for (int l = 0; l < halo->recv.nlinks; l++)
        memcpy(sk_links_send_buffer(halo->reverse, l), ghost_force + halo->recv.first[l],
               (size_t)(halo->recv.first[l + 1] - halo->recv.first[l]) * sizeof *ghost_force);
    sk_links_begin(halo->reverse);
}

void sk_halo_reverse_end(struct sk_halo *halo, int32_t (*force)[3])
{
    if (!halo->reverse)
        return;
    for (int l; (l = sk_links_arrived(halo->reverse)) >= 0;) {
        const int32_t(*buffer)[3] = (const int32_t(*)[3])sk_links_recv_buffer(halo->reverse, l);
        const int *index = halo->send.item + halo->send.first[l];
        for (int s = 0; s < halo->send.first[l + 1] - halo->send.first[l]; s++)
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
        halo->wide = sk_side_links(halo->comm, TAG_WIDE, sizeof(int64_t[3]), 0, &halo->recv, &halo->send);
    for (int l = 0; l < halo->recv.nlinks; l++)
        memcpy(sk_links_send_buffer(halo->wide, l), ghost_force + halo->recv.first[l],
               (size_t)(halo->recv.first[l + 1] - halo->recv.first[l]) * sizeof *ghost_force);
    sk_links_begin(halo->wide);
    for (int l; (l = sk_links_arrived(halo->wide)) >= 0;) {
        const int64_t(*buffer)[3] = (const int64_t(*)[3])sk_links_recv_buffer(halo->wide, l);
        const int *index = halo->send.item + halo->send.first[l];
        for (int s = 0; s < halo->send.first[l + 1] - halo->send.first[l]; s++)
            for (int k = 0; k < 3; k++)
                force[index[s]][k] += buffer[s][k];
    }
    sk_links_end(halo->wide);
}
