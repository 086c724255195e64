#include "domain/domain.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

#define RECUT_IMBALANCE 1.05 /* below this a new cut does not pay for the migration */

/* Cuts the curve so that every rank gets an equal share of work (NULL: of atoms). */
static void domain_cut(struct sk_domain *domain, struct sk_cells *cells, const struct sk_atoms *atoms,
                       const int32_t *work)
{
    int ngroups = sk_home_sort(&domain->home, cells, atoms);
    int64_t *weight = sk_alloc((size_t)ngroups, sizeof *weight);
    for (int g = 0; g < ngroups; g++) {
        int anchor = (int)domain->home.order[g].value;
        weight[g] = work ? 0 : atoms->group_size[anchor];
        for (int k = 0; work && k < atoms->group_size[anchor]; k++)
            weight[g] += work[anchor + k];
    }
    sk_cells_cut(cells, domain->comm, domain->home.order, weight, ngroups);
    sk_free(&weight);
}

static struct sk_census domain_count(struct sk_comm *comm, const struct sk_topology *top, const struct sk_atoms *atoms)
{
    int64_t count[6] = {0};
    for (int i = 0; i < atoms->n; i++) {
        int64_t hash = (int64_t)sk_hash_id(atoms->id[i]);
        count[0]++;
        count[3] = (int64_t)((uint64_t)count[3] + (uint64_t)hash);
        if (!atoms->group_size[i])
            continue;
        struct sk_place at = sk_topology_find(top, atoms->id[i]);
        const struct sk_moltype *type = &top->moltypes[at.moltype];
        bool has_settle = type->settle_of_group[type->group_of[at.place]] >= 0;
        count[1]++;
        count[4] = (int64_t)((uint64_t)count[4] + (uint64_t)hash);
        count[2] += has_settle;
        count[5] = (int64_t)((uint64_t)count[5] + (has_settle ? (uint64_t)hash : 0));
    }
    sk_comm_sum_i64(comm, count, 6);
    return (struct sk_census){count[0], count[1], count[2], count[3], count[4], count[5]};
}

static enum sk_code domain_verify(const struct sk_domain *domain, const struct sk_topology *top,
                                  const struct sk_atoms *atoms, struct sk_error *err)
{
    struct sk_census now = domain_count(domain->comm, top, atoms);
    const struct sk_census *then = &domain->expected;
    if (memcmp(&now, then, sizeof now) == 0)
        return SK_OK;
    return sk_fail(
        err, SK_EINTERNAL,
        "census failed at rebuild %lld: %lld atoms of %lld, %lld groups of %lld, %lld rigid waters of %lld%s; "
        "please report this",
        (long long)domain->rebuilds, (long long)now.atoms, (long long)then->atoms, (long long)now.groups,
        (long long)then->groups, (long long)now.settles, (long long)then->settles,
        now.atoms == then->atoms ? " (ids differ: one lost, another doubled)" : "");
}

enum sk_code sk_domain_start(struct sk_domain *domain, struct sk_comm *comm, const struct sk_parameters *parameters,
                             const struct sk_topology *top, const struct sk_box *box, double list_radius,
                             struct sk_atoms *atoms, struct sk_error *err)
{
    memset(domain, 0, sizeof *domain);
    domain->comm = comm;
    domain->rebalance = parameters->domain.rebalance;
    domain->imbalance = 1;
    enum sk_curve_kind kind = parameters->domain.curve == SK_CURVE_MORTON ? SK_CURVE_KIND_MORTON
                                                                          : SK_CURVE_KIND_HILBERT;
    sk_cells_init(&domain->cells, kind, box, list_radius, top->natoms, comm);
    sk_home_init(&domain->home);
    sk_halo_init(&domain->halo, comm);
    domain->expected = domain_count(comm, top, atoms);
    if (domain->expected.atoms != top->natoms || domain->expected.settles != sk_topology_settles(top) ||
        domain->expected.groups != sk_topology_groups(top))
        return sk_fail(err, SK_EINTERNAL, "%lld atoms were distributed, the topology has %lld; please report this",
                       (long long)domain->expected.atoms, (long long)top->natoms);
    domain_cut(domain, &domain->cells, atoms, NULL);
    domain->recuts = 1;
    return SK_OK;
}

void sk_domain_clear(struct sk_domain *domain)
{
    sk_halo_clear(&domain->halo);
    sk_home_clear(&domain->home);
    sk_cells_clear(&domain->cells);
}

/* Decides on reduced integers, so every rank decides the same. */
static void domain_balance(struct sk_domain *domain, const int32_t *work, const struct sk_atoms *atoms)
{
    int64_t mine = 0;
    for (int i = 0; work && i < atoms->n; i++)
        mine += work[i];
    int64_t largest = mine, total = mine;
    sk_comm_max_i64(domain->comm, &largest, 1);
    sk_comm_sum_i64(domain->comm, &total, 1);
    if (total > 0)
        domain->imbalance = (double)largest * domain->cells.nranks / (double)total;
    bool is_wanted = domain->rebalance == SK_REBALANCE_ALWAYS ||
                     (domain->rebalance == SK_REBALANCE_AUTO && domain->imbalance > RECUT_IMBALANCE);
    if (is_wanted && total > 0) {
        domain_cut(domain, &domain->cells, atoms, work);
        domain->recuts++;
    }
}

/* How far atoms stick out of the cells of their anchors, over all ranks; then how many cells away ghosts can be. */
static void domain_measure_reach(struct sk_domain *domain, const struct sk_atoms *atoms, const struct sk_box *box,
                                 double list_radius)
{
    double stick[6] = {0};
    for (int i = 0; i < atoms->n; i++)
        for (int k = 0; k < 3; k++) {
            double cell = domain->home.cell[i][k], n = domain->cells.n[k], place = sk_home_place(atoms, i, k);
            double up = (place - (cell + 1) / n) * box->edge[k], down = (cell / n - place) * box->edge[k];
            stick[k] = up > stick[k] ? up : stick[k];
            stick[3 + k] = down > stick[3 + k] ? down : stick[3 + k];
        }
    sk_comm_max_f64(domain->comm, stick, 6);
    int32_t reach[3];
    for (int k = 0; k < 3; k++) {
        domain->stick_up[k] = stick[k];
        domain->stick_down[k] = stick[3 + k];
        double edge = box->edge[k] / domain->cells.n[k];
        reach[k] = (int32_t)floor((list_radius + stick[k] + stick[3 + k]) / edge) + 1;
    }
    /* keep the larger reach of earlier rebuilds, so that plans are not made anew for a hair's breadth */
    for (int k = 0; k < 3; k++)
        if (reach[k] < domain->cells.reach[k])
            reach[k] = domain->cells.reach[k];
    sk_cells_set_reach(&domain->cells, reach);
}

enum sk_code sk_domain_rebuild(struct sk_domain *domain, const struct sk_topology *top, const struct sk_box *box,
                               double list_radius, const int32_t *work, struct sk_atoms *atoms, struct sk_error *err)
{
    domain->rebuilds++;
    if (domain->cells.nranks > 1)
        domain_balance(domain, work, atoms);
    sk_home_migrate(&domain->home, &domain->cells, domain->comm, atoms);
    if (domain->rebuilds == 1)
        domain->home.migrated = 0; /* the way home from the id blocks is not migration */
    enum sk_code code = domain_verify(domain, top, atoms, err);
    if (code)
        return code;
    domain_measure_reach(domain, atoms, box, list_radius);
    return sk_halo_build(&domain->halo, &domain->cells, &domain->home, atoms, box, list_radius * (1 + 1e-9) + 1e-9,
                         domain->stick_up, err);
}

void sk_domain_deal(struct sk_domain *domain, const struct sk_atoms *atoms, int nranks, int32_t *owner)
{
    struct sk_cells cells;
    sk_cells_like(&cells, &domain->cells, nranks);
    domain_cut(domain, &cells, atoms, NULL);
    for (int i = 0; i < atoms->n; i++) {
        int anchor = i; /* of the group */
        while (atoms->group_size[anchor] == 0)
            anchor--;
        const sk_frac *x = atoms->x[anchor];
        owner[i] = sk_cells_find(&cells, sk_frac_to_cell(x[0], cells.n[0]), sk_frac_to_cell(x[1], cells.n[1]),
                                 sk_frac_to_cell(x[2], cells.n[2]))
                       ->owner;
    }
    sk_cells_clear(&cells);
}

size_t sk_domain_memory(const struct sk_domain *domain)
{
    return domain->cells.table_size * sizeof *domain->cells.table + domain->home.capacity * sizeof *domain->home.cell +
           domain->home.order_capacity * 2 * sizeof *domain->home.order + sk_atoms_memory(&domain->home.spare) +
           domain->halo.id_capacity * (sizeof(sk_gid) + 4 * sizeof(int32_t)) +
           domain->halo.send_index_capacity * sizeof(int);
}
