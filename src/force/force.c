#include "force/force.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "force/terms.h"

#define BATCH_ENTRIES 256   /* i-clusters between two polls: about 40 microseconds */
#define INNER_BUFFER  0.085 /* of the cutoff: inner list radius less cutoff, at most half of the buffer */
#define MESH_TAG      8     /* of links */
#define REACH_MARGIN  1.1   /* of the mesh's tiles beyond what the list allows */

void sk_force_phases_init(struct sk_force_phases *phases, struct sk_timer *timer)
{
    phases->timer = timer;
    phases->pair = sk_timer_phase(timer, "pair");
    phases->prune = sk_timer_phase(timer, "prune");
    phases->list = sk_timer_phase(timer, "list");
    phases->bonded = sk_timer_phase(timer, "bonded");
    phases->mesh = sk_timer_phase(timer, "mesh");
    phases->fft = sk_timer_phase(timer, "fft");
    phases->halo = sk_timer_phase(timer, "halo");
}

void sk_force_init(struct sk_force *force, const struct sk_topology *top, const struct sk_kernel_variant *variant)
{
    memset(force, 0, sizeof *force);
    force->top = top;
    force->variant = variant;
    sk_clusters_init(&force->clusters);
    sk_list_init(&force->list, top);
}

bool sk_force_set_radius(struct sk_force *force, double list_radius)
{
    double cutoff = force->nonbonded.cutoff, inner = INNER_BUFFER * cutoff, half = 0.5 * (list_radius - cutoff);
    force->list_radius = list_radius;
    force->inner_radius = cutoff + (inner < half ? inner : half);
    return list_radius >= cutoff * (1 + SK_FORCE_LEAST_BUFFER);
}

void sk_force_clear(struct sk_force *force)
{
    sk_nonbonded_clear(&force->nonbonded);
    sk_bonded_clear(&force->bonded);
    sk_excluded_clear(&force->excluded);
    sk_restraints_clear(&force->restraints);
    sk_local_clear(&force->local);
    sk_mesh_free(&force->mesh);
    sk_clusters_clear(&force->clusters);
    sk_list_clear(&force->list);
    sk_parts_clear(&force->parts);
    sk_free(&force->grid);
    sk_free(&force->pair);
    sk_free(&force->wide);
    sk_free(&force->total);
    sk_free(&force->charge);
    sk_free(&force->pack_force);
    sk_free(&force->pack_wide);
    sk_free(&force->list_x);
}

void sk_force_init_terms(struct sk_force *force, struct sk_comm *comm, const struct sk_forcefield *ff,
                         const struct sk_reference *reference, const struct sk_mesh_plan *plan, enum sk_mesh_cuts cuts)
{
    const struct sk_pair_parameters *pair = &force->nonbonded.pair;
    sk_local_init(&force->local, comm, force->top);
    sk_bonded_init(&force->bonded, &force->local, ff, pair->has_coulomb ? pair->coulomb : 0, pair->force_scale,
                   pair->core_charge2);
    sk_restraints_init(&force->restraints, force->top, ff, reference, pair->force_scale);
    if (!plan)
        return;
    sk_excluded_init(&force->excluded, &force->local, force->variant, plan->beta, pair->coulomb, pair->force_scale);
    struct sk_mesh_setup setup = {
        .plan = *plan, .coulomb = pair->coulomb, .cuts = cuts, .tag = MESH_TAG, .variant = force->variant};
    force->mesh = sk_mesh_new(comm, &setup);
}

void sk_force_set_box(struct sk_force *force, const struct sk_box *box)
{
    double lattice[3][3];
    force->box = *box;
    sk_box_lattice(box, lattice);
    if (force->mesh)
        sk_mesh_set_lattice(force->mesh, (const double(*)[3])lattice);
    force->box_grid = sk_box_grid_of(box, force->nonbonded.pair.quantum);
    for (int s = 0; s < SK_SHIFTS; s++) {
        int32_t n[3];
        int64_t shift[3];
        sk_shift_of(s, n);
        sk_box_grid_vector(&force->box_grid, n, shift);
        for (int k = 0; k < 3; k++)
            force->shifts.x[s][k] = (int32_t)(uint32_t)shift[k];
    }
    force->is_pruned[SK_LIST_INTERIOR] = force->is_pruned[SK_LIST_BOUNDARY] = false;
}

static void force_reserve(struct sk_force *force, const struct sk_atoms *atoms, int nghosts)
{
    size_t nlocal = (size_t)(atoms->n + nghosts) + 1;
    if (nlocal > force->local_capacity) {
        size_t capacity = force->local_capacity;
        sk_reserve(&force->grid, &capacity, nlocal);
        sk_reserve(&force->pair, &force->local_capacity, nlocal);
    }
    sk_reserve(&force->total, &force->total_capacity, (size_t)atoms->n + 1);
    sk_reserve(&force->list_x, &force->list_x_capacity, (size_t)atoms->n + 1);
}

static void force_set_grid(struct sk_force *force, const struct sk_atoms *atoms)
{
    for (int i = 0; i < atoms->n; i++) {
        int32_t wraps[3];
        int64_t place[3];
        for (int k = 0; k < 3; k++)
            wraps[k] = atoms->image[i][k] - atoms->frame[i][k];
        sk_box_grid_place(&force->box_grid, atoms->x[i], wraps, place);
        for (int k = 0; k < 3; k++)
            force->grid[i][k] = (int32_t)(uint32_t)place[k];
    }
}

static void force_scatter(struct sk_force *force, int first, int count, const int32_t (*grid)[3])
{
    int32_t *x = force->clusters.packs.x;
    const int32_t *slot = force->clusters.slot + first;
    for (int i = 0; i < count; i++) {
        int32_t *lane = x + 24 * (slot[i] / SK_PACK) + slot[i] % SK_PACK;
        lane[0] = grid[i][0];
        lane[SK_PACK] = grid[i][1];
        lane[2 * SK_PACK] = grid[i][2];
    }
}

/* Receives ghost coordinates into grid and, once packs exist, into their lanes. */
static void force_receive(struct sk_force *force, struct sk_halo *halo, int nowned, bool has_packs)
{
    int first, count;
    for (const int32_t(*ghosts)[3]; (ghosts = sk_halo_arrived(halo, &first, &count));) {
        memcpy(force->grid + nowned + first, ghosts, (size_t)count * sizeof *ghosts);
        if (has_packs)
            force_scatter(force, nowned + first, count, ghosts);
    }
}

/* Tiles of the mesh for these atoms, as far as the list lets them move. */
static void force_assign_mesh(struct sk_force *force, const struct sk_atoms *atoms)
{
    double width[3], reach[3], allowance = REACH_MARGIN * sk_force_allowance(force, &force->box);
    sk_box_widths(&force->box, width);
    for (int k = 0; k < 3; k++)
        reach[k] = allowance < 0.125 * width[k] ? allowance / width[k] : 0.125;
    sk_reserve(&force->charge, &force->charge_capacity, (size_t)atoms->n + 1);
    for (int i = 0; i < atoms->n; i++)
        force->charge[i] = force->top->kinds[atoms->kind[i]].charge;
    sk_mesh_assign(force->mesh, atoms->n, (const sk_frac(*)[3])atoms->x, reach);
}

enum sk_code sk_force_choose_charge_bits(struct sk_force *force, const struct sk_atoms *atoms, struct sk_error *err)
{
    memcpy(force->list_edge, force->box.edge, sizeof force->list_edge);
    force_assign_mesh(force, atoms);
    return sk_mesh_choose_charge_bits(force->mesh, atoms->n, (const sk_frac(*)[3])atoms->x, force->charge, err);
}

static enum sk_code force_rebuild_terms(struct sk_force *force, const struct sk_atoms *atoms, struct sk_error *err)
{
    struct sk_local *local = &force->local;
    sk_local_list(local, atoms);
    struct sk_bonded_census found = sk_bonded_list(&force->bonded, local);
    sk_excluded_list(&force->excluded, local);
    sk_restraints_rebuild(&force->restraints, atoms);
    enum sk_code code = sk_local_connect(local, err);
    if (!code)
        code = sk_bonded_verify(&force->bonded, local->comm, &found, err);
    return code ? code : sk_excluded_verify(&force->excluded, local->comm, local, err);
}

enum sk_code sk_force_rebuild(struct sk_force *force, struct sk_domain *domain, const struct sk_atoms *atoms,
                              const struct sk_force_phases *phases, struct sk_error *err)
{
    enum sk_code code = force_rebuild_terms(force, atoms, err);
    if (code)
        return code;
    sk_timer_enter(phases->timer, phases->list);
    struct sk_halo *halo = &domain->halo;
    force_reserve(force, atoms, halo->nghosts);
    force_set_grid(force, atoms);
    sk_halo_forward_begin(halo, (const int32_t(*)[3])force->grid);
    force_receive(force, halo, atoms->n, false);
    double quantum = force->nonbonded.pair.quantum;
    sk_clusters_build(&force->clusters, &domain->cells, &domain->home, atoms, halo, (const int32_t(*)[3])force->grid,
                      &force->box_grid, quantum, force->nonbonded.lanes);
    sk_parts_set_lanes(&force->parts, &force->clusters, atoms, halo);
    struct sk_list_context context = {.clusters = &force->clusters,
                                      .cells = &domain->cells,
                                      .atoms = atoms,
                                      .ghost_id = halo->id,
                                      .top = force->top,
                                      .radius = force->list_radius,
                                      .near = force->variant->near,
                                      .wants_excluded = force->nonbonded.pair.is_reaction_field};
    for (int s = 0; s < SK_SHIFTS; s++) {
        int32_t n[3];
        int64_t shift[3];
        sk_shift_of(s, n);
        sk_box_grid_vector(&force->box_grid, n, shift);
        for (int k = 0; k < 3; k++)
            context.shift[s][k] = (double)shift[k] * quantum;
    }
    sk_list_build(&force->list, &context);
    force_scatter(force, 0, atoms->n + halo->nghosts, (const int32_t(*)[3])force->grid);
    sk_list_trim(&force->list, &force->clusters.packs, force->variant->prune,
                 sk_prune_limit2(force->list_radius, quantum), &force->shifts);
    sk_reserve(&force->pack_force, &force->pack_force_capacity, (size_t)force->clusters.packs.n * 24 + 1);
    memcpy(force->list_x, atoms->x, (size_t)atoms->n * sizeof *atoms->x);
    memcpy(force->list_edge, force->box.edge, sizeof force->list_edge);
    sk_force_ask_prune(force);
    if (force->mesh)
        force_assign_mesh(force, atoms);
    return SK_OK;
}

/* Largest displacement, in quanta, that keeps the inner list complete. */
static double prune_limit(const struct sk_force *force)
{
    double quantum = force->nonbonded.pair.quantum;
    return ((force->inner_radius - force->nonbonded.cutoff) / quantum - 2 * sqrt(3.0)) / 2 * (1 - 1e-5);
}

/* Whether the packs [first, end) are where the inner list is complete. */
static bool is_inner_valid(struct sk_force *force, int first, int end)
{
    const struct sk_clusters *c = &force->clusters;
    double limit = prune_limit(force);
    double moved = sqrt(force->variant->displacement(c->packs.x + 24 * first, c->reference + 24 * first, end - first));
    if (!(moved <= limit))
        return false;
    force->moved = moved / limit > force->moved ? moved / limit : force->moved;
    return true;
}

bool sk_force_expects_prune(const struct sk_force *force)
{
    return force->prune_age > 0 && force->moved * (force->prune_age + 1) > force->prune_age;
}

void sk_force_ask_prune(struct sk_force *force)
{
    force->is_pruned[SK_LIST_INTERIOR] = force->is_pruned[SK_LIST_BOUNDARY] = false;
}

int64_t sk_force_tiles(const struct sk_force *force)
{
    return force->list.inner[SK_LIST_INTERIOR].ntiles + force->list.inner[SK_LIST_BOUNDARY].ntiles;
}

/* Prunes the part if the packs [first_pack, end_pack) have moved too far since the last prune. */
static void force_prune(struct sk_force *force, enum sk_list_part part, int first_pack, int end_pack,
                        const struct sk_force_phases *phases)
{
    struct sk_clusters *c = &force->clusters;
    if (force->is_pruned[part] && is_inner_valid(force, first_pack, end_pack))
        return;
    int before = sk_timer_enter(phases->timer, phases->prune);
    /* the other part counts from an older reference now: it follows at its next turn */
    int upto = part == SK_LIST_INTERIOR ? c->owned_packs : c->packs.n;
    memcpy(c->reference, c->packs.x, (size_t)upto * 24 * sizeof *c->reference);
    if (force->is_pruned[part] || part == SK_LIST_INTERIOR)
        force->is_pruned[!part] = false;
    sk_list_prune(&force->list, part, &c->packs, force->variant->prune,
                  sk_prune_limit2(force->inner_radius, force->nonbonded.pair.quantum), &force->shifts);
    force->is_pruned[part] = true;
    force->moved = force->prune_age = 0;
    force->prunes++;
    sk_timer_enter(phases->timer, before);
}

static void force_run_kernel(struct sk_force *force, struct sk_domain *domain, enum sk_list_part part)
{
    struct sk_tiles tiles = sk_list_tiles(&force->list.inner[part]);
    int end = tiles.end_entry;
    for (tiles.first_entry = 0; tiles.first_entry < end; tiles.first_entry = tiles.end_entry) {
        tiles.end_entry = tiles.first_entry + BATCH_ENTRIES < end ? tiles.first_entry + BATCH_ENTRIES : end;
        force->has_range |= force->variant->pair(&force->clusters.packs, &tiles, &force->nonbonded.pair, &force->shifts,
                                                 force->pack_force, force->shift_force) != 0;
        if (domain->cells.nranks > 1)
            sk_comm_poll(domain->comm);
    }
}

static void force_gather(struct sk_force *force)
{
    const struct sk_clusters *c = &force->clusters;
    for (int i = 0; i < c->nowned + c->nghosts; i++) {
        const int32_t *lane = force->pack_force + 24 * (c->slot[i] / SK_PACK) + c->slot[i] % SK_PACK;
        force->pair[i][0] = lane[0];
        force->pair[i][1] = lane[SK_PACK];
        force->pair[i][2] = lane[2 * SK_PACK];
    }
}

/* Charges leave for the mesh. */
static void force_spread(struct sk_force *force, const struct sk_atoms *atoms, const struct sk_force_phases *phases)
{
    if (!force->mesh)
        return;
    sk_timer_enter(phases->timer, phases->mesh);
    /* atoms beyond its tiles have moved further than the list allows, too: these forces will not be used */
    sk_mesh_begin(force->mesh, atoms->n, (const sk_frac(*)[3])atoms->x, force->charge);
}

static void force_run_terms(struct sk_force *force, const struct sk_atoms *atoms, const struct sk_force_phases *phases)
{
    sk_timer_enter(phases->timer, phases->halo);
    sk_local_receive(&force->local, atoms);
    sk_timer_enter(phases->timer, phases->bonded);
    sk_bonded_run(&force->bonded, &force->local, &force->box);
    sk_excluded_run(&force->excluded, &force->local, &force->box);
    sk_local_return(&force->local);
}

static void force_solve_mesh(struct sk_force *force, bool wants_sums, const struct sk_force_phases *phases)
{
    if (!force->mesh)
        return;
    sk_timer_enter(phases->timer, phases->fft);
    memset(&force->mesh_sums, 0, sizeof force->mesh_sums);
    force->has_crowd = !sk_mesh_solve(force->mesh, wants_sums ? &force->mesh_sums : NULL);
}

void sk_force_begin(struct sk_force *force, struct sk_domain *domain, const struct sk_atoms *atoms, bool wants_sums,
                    const struct sk_force_phases *phases)
{
    struct sk_clusters *c = &force->clusters;
    sk_timer_enter(phases->timer, phases->halo);
    force->has_range = force->has_bad = force->has_core = force->is_wide = false;
    force->prune_age++;
    force_set_grid(force, atoms);
    sk_halo_forward_begin(&domain->halo, (const int32_t(*)[3])force->grid);
    sk_local_send(&force->local, atoms);
    force_spread(force, atoms, phases);
    sk_timer_enter(phases->timer, phases->pair);
    force_scatter(force, 0, atoms->n, (const int32_t(*)[3])force->grid);
    memset(force->pack_force, 0, (size_t)c->packs.n * 24 * sizeof *force->pack_force);
    memset(force->shift_force, 0, sizeof force->shift_force);
    force_prune(force, SK_LIST_INTERIOR, 0, c->owned_packs, phases);
    force_run_kernel(force, domain, SK_LIST_INTERIOR);
    sk_terms_add_excluded(force, SK_LIST_INTERIOR);
    force_run_terms(force, atoms, phases);
    force_solve_mesh(force, wants_sums, phases);
    sk_timer_enter(phases->timer, phases->halo);
    force_receive(force, &domain->halo, atoms->n, true);
    sk_timer_enter(phases->timer, phases->pair);
    force_prune(force, SK_LIST_BOUNDARY, c->owned_packs, c->packs.n, phases);
    force_run_kernel(force, domain, SK_LIST_BOUNDARY);
    sk_terms_add_excluded(force, SK_LIST_BOUNDARY);
    force_gather(force);
    sk_timer_enter(phases->timer, phases->halo);
    sk_halo_reverse_begin(&domain->halo, (const int32_t(*)[3])force->pair + atoms->n);
}

void sk_force_end(struct sk_force *force, struct sk_domain *domain, const struct sk_atoms *atoms,
                  const struct sk_force_phases *phases)
{
    sk_timer_enter(phases->timer, phases->halo);
    sk_halo_reverse_end(&domain->halo, force->pair);
    sk_timer_enter(phases->timer, phases->pair);
    for (int i = 0; i < atoms->n; i++)
        for (int k = 0; k < 3; k++)
            force->total[i][k] = force->pair[i][k];
    sk_timer_enter(phases->timer, phases->halo);
    sk_local_collect(&force->local, force->total);
    sk_restraints_run(&force->restraints, atoms, &force->box, force->total);
    if (!force->mesh)
        return;
    sk_timer_enter(phases->timer, phases->mesh);
    sk_mesh_end(force->mesh, force->nonbonded.pair.force_scale, force->total);
}

void sk_force_redo_wide(struct sk_force *force, struct sk_domain *domain, const struct sk_atoms *atoms,
                        const struct sk_force_phases *phases)
{
    struct sk_clusters *c = &force->clusters;
    sk_timer_enter(phases->timer, phases->pair);
    sk_reserve(&force->pack_wide, &force->pack_wide_capacity, (size_t)c->packs.n * 24 + 1);
    sk_reserve(&force->wide, &force->wide_capacity, force->local_capacity);
    memset(force->pack_wide, 0, (size_t)c->packs.n * 24 * sizeof *force->pack_wide);
    memset(force->shift_force, 0, sizeof force->shift_force);
    int found = 0;
    for (int part = 0; part < SK_LIST_PARTS; part++) {
        struct sk_tiles tiles = sk_list_tiles(&force->list.inner[part]);
        found |= force->variant->wide(&c->packs, &tiles, &force->nonbonded.pair, &force->shifts, force->pack_wide,
                                      force->shift_force);
    }
    force->has_bad |= (found & SK_PAIR_BAD) != 0;
    force->has_core |= (found & SK_PAIR_CORE) != 0;
    if (found & SK_PAIR_COINCIDENT)
        sk_terms_part_coincident(force, atoms, &domain->halo);
    sk_terms_add_excluded_wide(force);
    for (int i = 0; i < c->nowned + c->nghosts; i++)
        for (int k = 0; k < 3; k++)
            force->wide[i][k] = force->pack_wide[24 * (c->slot[i] / SK_PACK) + SK_PACK * k + c->slot[i] % SK_PACK];
    sk_timer_enter(phases->timer, phases->halo);
    sk_halo_reverse_wide(&domain->halo, (const int64_t(*)[3])force->wide + atoms->n, force->wide);
    for (int i = 0; i < atoms->n; i++)
        for (int k = 0; k < 3; k++) /* what is no pair force stays */
            force->total[i][k] = (int64_t)((uint64_t)force->total[i][k] - (uint64_t)(int64_t)force->pair[i][k] +
                                           (uint64_t)force->wide[i][k]);
    sk_timer_enter(phases->timer, phases->pair);
    force->is_wide = true;
    force->wide_steps++;
}

double sk_force_displacement(const struct sk_force *force, const struct sk_atoms *atoms, const struct sk_box *box)
{
    double largest2 = 0;
    for (int i = 0; i < atoms->n; i++) {
        double d[3];
        sk_box_difference(box, atoms->x[i], force->list_x[i], d);
        double d2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
        largest2 = d2 > largest2 ? d2 : largest2;
    }
    return sqrt(largest2) * (1 + 1e-12);
}

double sk_force_allowance(const struct sk_force *force, const struct sk_box *box)
{
    double ratio = DBL_MAX;
    for (int k = 0; k < 3; k++)
        ratio = box->edge[k] / force->list_edge[k] < ratio ? box->edge[k] / force->list_edge[k] : ratio;
    double slack = ratio * force->list_radius * (1 - 1e-12) - force->nonbonded.cutoff -
                   2 * sqrt(3.0) * force->nonbonded.pair.quantum;
    return slack / 2;
}

size_t sk_force_memory(const struct sk_force *force)
{
    return sk_clusters_memory(&force->clusters) + sk_list_memory(&force->list) + force->local_capacity * 24 +
           force->total_capacity * 24 + force->pack_force_capacity * 4 + force->pack_wide_capacity * 8 +
           force->list_x_capacity * 24 + sk_bonded_memory(&force->bonded) + sk_excluded_memory(&force->excluded) +
           sk_restraints_memory(&force->restraints) + sk_local_memory(&force->local) + force->charge_capacity * 8 +
           force->parts.lane_capacity + (force->mesh ? sk_mesh_memory(force->mesh) : 0);
}
