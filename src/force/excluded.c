#include "force/excluded.h"

#include <string.h>

#include "base/hash.h"
#include "base/math.h"
#include "base/memory.h"
#include "mesh/ewald.h"

#define NEAR  1.6 /* 1 / beta: how far the series reaches, 0.46 nm at the usual beta */
#define BLOCK SK_EWALD_LANES
#define POLL  256 /* blocks between two polls: about 40 microseconds */

static void index_type(struct sk_excluded_index *index, const struct sk_topology *top, const struct sk_moltype *type,
                       double coulomb)
{
    size_t capacity = 0, qq_capacity = 0;
    index->start = sk_calloc((size_t)type->natoms + 1, sizeof *index->start);
    for (int a = 0, n = 0; a < type->natoms; a++) {
        for (int e = type->excluded_start[a]; e < type->excluded_start[a + 1]; e++) {
            int b = type->excluded[e];
            if (b <= a)
                continue;
            double qq = coulomb * top->kinds[type->atoms[a].kind].charge * top->kinds[type->atoms[b].kind].charge;
            if (qq == 0)
                continue;
            sk_reserve(&index->other, &capacity, (size_t)n + 1);
            sk_reserve(&index->qq, &qq_capacity, (size_t)n + 1);
            index->other[n] = b;
            index->qq[n++] = qq;
        }
        index->start[a + 1] = n;
    }
}

static int64_t add_hash(int64_t sum, sk_gid first, sk_gid second)
{
    const int64_t id[2] = {first, second};
    return (int64_t)((uint64_t)sum + sk_hash(id, sizeof id));
}

/* From the topology alone: each rank counts for an equal share of all ids. */
static void expect(struct sk_excluded *ex, struct sk_comm *comm)
{
    int64_t size = sk_comm_size(comm), rank = sk_comm_rank(comm), sums[2] = {0, 0};
    sk_gid first = (sk_gid)((sk_int128)ex->top->natoms * rank / size),
           end = (sk_gid)((sk_int128)ex->top->natoms * (rank + 1) / size);
    for (sk_gid id = first; id < end; id++) {
        struct sk_place at = sk_topology_find(ex->top, id);
        const struct sk_excluded_index *index = &ex->index[at.moltype];
        for (int k = index->start[at.place]; k < index->start[at.place + 1]; k++) {
            sums[0]++;
            sums[1] = add_hash(sums[1], id, at.molecule + index->other[k]);
        }
    }
    sk_comm_sum_i64(comm, sums, 2);
    ex->expected = sums[0];
    ex->expected_hash = sums[1];
}

void sk_excluded_init(struct sk_excluded *ex, struct sk_local *local, const struct sk_kernel_variant *variant,
                      double beta, double coulomb, double scale)
{
    memset(ex, 0, sizeof *ex);
    ex->top = local->top;
    ex->variant = variant;
    ex->scale = scale;
    sk_ewald_series_init(&ex->near, beta, NEAR * NEAR / (beta * beta));
    ex->index = sk_calloc((size_t)ex->top->nmoltypes, sizeof *ex->index);
    for (int t = 0; t < ex->top->nmoltypes; t++) {
        const struct sk_moltype *type = &ex->top->moltypes[t];
        index_type(&ex->index[t], ex->top, type, coulomb);
        if (ex->index[t].start[type->natoms] > 0)
            sk_local_want(local, t);
    }
    expect(ex, local->comm);
}

void sk_excluded_clear(struct sk_excluded *ex)
{
    for (int t = 0; ex->index && t < ex->top->nmoltypes; t++) {
        sk_free(&ex->index[t].start);
        sk_free(&ex->index[t].other);
        sk_free(&ex->index[t].qq);
    }
    sk_free(&ex->index);
    sk_free(&ex->atom);
    sk_free(&ex->qq);
}

void sk_excluded_list(struct sk_excluded *ex, struct sk_local *local)
{
    ex->n = 0;
    for (int m = 0; ex->index && m < local->nmine; m++) {
        struct sk_place at = sk_topology_find(ex->top, local->id[m]);
        const struct sk_excluded_index *index = &ex->index[at.moltype];
        for (int k = index->start[at.place]; k < index->start[at.place + 1]; k++, ex->n++) {
            sk_reserve(&ex->atom, &ex->atom_capacity, (size_t)ex->n + 1);
            sk_reserve(&ex->qq, &ex->qq_capacity, (size_t)ex->n + 1);
            ex->atom[ex->n][0] = m;
            ex->atom[ex->n][1] = sk_local_find(local, at.molecule + index->other[k]);
            ex->qq[ex->n] = index->qq[k];
        }
    }
}

enum sk_code sk_excluded_verify(const struct sk_excluded *ex, struct sk_comm *comm, const struct sk_local *local,
                                struct sk_error *err)
{
    int64_t sums[2] = {ex->n, 0};
    if (!ex->index)
        return SK_OK;
    for (int p = 0; p < ex->n; p++)
        sums[1] = add_hash(sums[1], local->id[ex->atom[p][0]], local->id[ex->atom[p][1]]);
    sk_comm_sum_i64(comm, sums, 2);
    if (sums[0] == ex->expected && sums[1] == ex->expected_hash)
        return SK_OK;
    return sk_fail(err, SK_EINTERNAL, "census failed: %lld excluded pairs of %lld%s; please report this",
                   (long long)sums[0], (long long)ex->expected,
                   sums[0] == ex->expected ? " (ids differ: one lost, another doubled)" : "");
}

/* A block of pairs: vectors, and what they give back: force over distance, energy. */
struct block {
    int n;
    double d[3][BLOCK], force[BLOCK], energy[BLOCK];
};

static void block_make(const struct sk_excluded *ex, const struct sk_local *local, const struct sk_box *box, int first,
                       bool wants_energy, struct block *block)
{
    double qq[BLOCK] = {0};
    block->n = ex->n - first < BLOCK ? ex->n - first : BLOCK;
    for (int l = 0; l < block->n; l++) {
        const int32_t *atom = ex->atom[first + l];
        double d[3];
        sk_box_difference(box, local->x[atom[0]], local->x[atom[1]], d);
        for (int k = 0; k < 3; k++)
            block->d[k][l] = d[k];
        qq[l] = ex->qq[first + l];
    }
    int far = ex->variant->ewald_part(&ex->near, block->n, (const double(*)[BLOCK])block->d, qq,
                                      wants_energy ? block->energy : NULL, block->force);
    for (int l = 0; far && l < block->n; l++) {
        double r2 = block->d[0][l] * block->d[0][l] + block->d[1][l] * block->d[1][l] + block->d[2][l] * block->d[2][l];
        if (!(r2 * ex->near.scale > 2))
            continue;
        struct sk_ewald_pair back = sk_ewald_excluded(ex->near.beta, r2);
        block->force[l] = -qq[l] * back.force;
        block->energy[l] = -qq[l] * back.energy;
    }
}

void sk_excluded_run(const struct sk_excluded *ex, struct sk_local *local, const struct sk_box *box)
{
    struct block block;
    for (int first = 0; first < ex->n; first += BLOCK) {
        block_make(ex, local, box, first, false, &block);
        for (int l = 0; l < block.n; l++) {
            const int32_t *atom = ex->atom[first + l];
            double s = ex->scale * block.force[l];
            for (int k = 0; k < 3; k++) {
                int64_t f = sk_round(s * block.d[k][l]);
                local->f[atom[0]][k] -= f;
                local->f[atom[1]][k] += f;
            }
        }
        if (first % (POLL * BLOCK) == (POLL - 1) * BLOCK)
            sk_local_poll(local);
    }
}

void sk_excluded_measure(const struct sk_excluded *ex, const struct sk_local *local, const struct sk_box *box,
                         sk_int128 *energy, sk_int128 virial[3], struct sk_parts *parts)
{
    struct block block;
    for (int first = 0; first < ex->n; first += BLOCK) {
        block_make(ex, local, box, first, true, &block);
        for (int l = 0; l < block.n; l++) {
            const int32_t *atom = ex->atom[first + l];
            int64_t rounded = sk_round(block.energy[l] * SK_ENERGY_SCALE);
            *energy -= rounded;
            if (parts)
                parts->pair[sk_parts_of(parts, local->id[atom[0]], local->id[atom[1]])][1] -= rounded;
            for (int k = 0; k < 3; k++) /* the force on the first atom is -force d */
                virial[k] += sk_round(0.5 * block.force[l] * block.d[k][l] * block.d[k][l] * SK_ENERGY_SCALE);
        }
    }
}

size_t sk_excluded_memory(const struct sk_excluded *ex)
{
    return ex->atom_capacity * sizeof *ex->atom + ex->qq_capacity * sizeof *ex->qq;
}
