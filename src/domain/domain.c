#include "domain/domain.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

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
    sk_cells_init(&domain->cells, box, list_radius, top->natoms, comm);
    sk_balance_init(&domain->balance, comm, parameters);
    sk_home_init(&domain->home);
    sk_halo_init(&domain->halo, comm);
    domain->expected = domain_count(comm, top, atoms);
    if (domain->expected.atoms != top->natoms || domain->expected.settles != sk_topology_settles(top) ||
        domain->expected.groups != sk_topology_groups(top))
        return sk_fail(err, SK_EINTERNAL, "%lld atoms were distributed, the topology has %lld; please report this",
                       (long long)domain->expected.atoms, (long long)top->natoms);
    sk_balance_start(&domain->balance, &domain->cells, atoms, box);
    return SK_OK;
}

void sk_domain_clear(struct sk_domain *domain)
{
    sk_halo_clear(&domain->halo);
    sk_home_clear(&domain->home);
    sk_balance_clear(&domain->balance);
    sk_cells_clear(&domain->cells);
}

/* How far atoms stick out of the cells of their anchors, over all ranks; then how many cells away ghosts can be. */
static void measure_reach(struct sk_cells *cells, const struct sk_home *home, struct sk_comm *comm,
                          const struct sk_atoms *atoms, const struct sk_box *box, double list_radius,
                          double stick_up[3], double stick_down[3])
{
    double stick[6] = {0}, width[3];
    sk_box_widths(box, width);
    for (int i = 0; i < atoms->n; i++)
        for (int k = 0; k < 3; k++) {
            double cell = home->cell[i][k], n = cells->n[k], place = sk_home_place(atoms, i, k);
            double up = (place - (cell + 1) / n) * width[k], down = (cell / n - place) * width[k];
            stick[k] = up > stick[k] ? up : stick[k];
            stick[3 + k] = down > stick[3 + k] ? down : stick[3 + k];
        }
    sk_comm_max_f64(comm, stick, 6);
    int32_t reach[3];
    for (int k = 0; k < 3; k++) {
        stick_up[k] = stick[k];
        stick_down[k] = stick[3 + k];
        double thickness = width[k] / cells->n[k];
        reach[k] = (int32_t)floor((list_radius + stick[k] + stick[3 + k]) / thickness) + 1;
    }
    /* keep the larger reach of earlier rebuilds, so that plans are not made anew for a hair's breadth */
    for (int k = 0; k < 3; k++)
        if (reach[k] < cells->reach[k])
            reach[k] = cells->reach[k];
    sk_cells_set_reach(cells, reach);
}

/* The list radius, rounded outward. */
static double rounded_up(double list_radius)
{
    return list_radius * (1 + 1e-9) + 1e-9;
}

enum sk_code sk_domain_rebuild(struct sk_domain *domain, const struct sk_topology *top, const struct sk_box *box,
                               double list_radius, const struct sk_effort *effort, struct sk_atoms *atoms,
                               struct sk_error *err)
{
    domain->rebuilds++;
    if (effort && domain->cells.nranks > 1)
        sk_balance_check(&domain->balance, &domain->cells, atoms, box, effort);
    sk_home_migrate(&domain->home, &domain->cells, domain->comm, atoms);
    if (domain->rebuilds == 1)
        domain->home.migrated = 0; /* the way home from the id blocks is not migration */
    enum sk_code code = domain_verify(domain, top, atoms, err);
    if (code)
        return code;
    measure_reach(&domain->cells, &domain->home, domain->comm, atoms, box, list_radius, domain->stick_up,
                  domain->stick_down);
    return sk_halo_build(&domain->halo, &domain->cells, &domain->home, atoms, box, rounded_up(list_radius),
                         domain->stick_up, err);
}

void sk_domain_suppose(const struct sk_domain *domain, const struct sk_topology *top, const struct sk_box *box,
                       double list_radius, const struct sk_atoms *atoms, int nranks, enum sk_curve curve,
                       struct sk_balance *balance, struct sk_cells *cells)
{
    *balance = domain->balance;
    memset(&balance->old, 0, sizeof balance->old);
    balance->curve = curve;
    sk_cells_init(cells, box, list_radius, top->natoms, domain->comm);
    cells->rank = -1;
    cells->nranks = nranks;
    sk_balance_start(balance, cells, atoms, box);
}

void sk_domain_imports(const struct sk_domain *domain, const struct sk_box *box, double list_radius,
                       struct sk_atoms *atoms, struct sk_cells *cells, struct sk_import *import)
{
    SK_REQUIRE(sk_comm_size(domain->comm) == 1);
    double up[3], down[3];
    struct sk_home home;
    sk_home_init(&home);
    sk_home_migrate(&home, cells, domain->comm, atoms);
    measure_reach(cells, &home, domain->comm, atoms, box, list_radius, up, down);
    sk_halo_suppose(cells, &home, atoms, box, rounded_up(list_radius), up, import);
    sk_home_clear(&home);
}

void sk_domain_deal(struct sk_cells *cells, const struct sk_atoms *atoms, int32_t *owner)
{
    for (int i = 0, anchor = 0; i < atoms->n; i++) {
        anchor = atoms->group_size[i] ? i : anchor;
        const sk_frac *x = atoms->x[anchor];
        owner[i] = sk_cells_find(cells, sk_frac_to_cell(x[0], cells->n[0]), sk_frac_to_cell(x[1], cells->n[1]),
                                 sk_frac_to_cell(x[2], cells->n[2]))
                       ->owner;
    }
}

size_t sk_domain_memory(const struct sk_domain *domain)
{
    return domain->cells.table_size * sizeof *domain->cells.table + domain->home.capacity * sizeof *domain->home.cell +
           domain->home.order_capacity * 2 * sizeof *domain->home.order + sk_atoms_memory(&domain->home.spare) +
           domain->halo.id_capacity * (sizeof(sk_gid) + 4 * sizeof(int32_t)) +
           (size_t)sk_side_items(&domain->halo.send) * sizeof(int);
}
