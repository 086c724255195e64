/* Imports: what one process says that any number of ranks would import, against a count over all atoms and all cells by
 * the definition (src/README.md, "Ghosts, once"), and against what as many ranks do import. */
#include "domain/mixture.h"
#include "domain/plans.h"

#include "domain/domain.h"
#include "par/measure.h"

static struct sk_comm *comm, *self;

struct world {
    struct mixture m;
    struct sk_parameters parameters;
    struct sk_error err;
    double radius;
};

static void world_make(struct world *w, const int count[3], const double edge[3], double radius, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    mixture_make(&w->m, count, edge, seed);
    if (seed % 2) /* most of it in a part of the box */
        for (sk_gid id = 0; id < w->m.top.natoms; id++)
            if (w->m.anchor[id] % 7) {
                const struct sk_atom_record *anchor = &w->m.atoms[w->m.anchor[id]];
                sk_frac away = anchor->x[0] - anchor->x[0] / 3;
                for (sk_gid a = id; a < id + anchor->group_size; a++) { /* groups as they are */
                    w->m.atoms[a].image[0] += w->m.atoms[a].x[0] < away ? -1 : 0;
                    w->m.atoms[a].x[0] -= away;
                }
                id += anchor->group_size - 1;
            }
    w->radius = radius;
    w->parameters.nonbonded.vdw_cutoff = 0.9 * radius;
}

/* The domain of these ranks, not yet rebuilt. */
static int64_t domain_open(struct sk_domain *domain, struct world *w, struct sk_comm *its_comm, enum sk_curve curve,
                           struct sk_atoms *atoms)
{
    w->parameters.domain.curve = curve;
    mixture_deal(&w->m, its_comm, 5, atoms);
    return sk_domain_start(domain, its_comm, &w->parameters, &w->m.top, &w->m.box, w->radius, atoms, &w->err) != SK_OK;
}

/* ---- by the definition ---- */

struct looked_up {
    const struct world *w;
    struct sk_cells *cells;
    int64_t ncells;
    int32_t *owner;     /* [ncells] */
    int32_t (*cell)[3]; /* [natoms] of the anchor */
    double (*place)[3]; /* [natoms] as the anchor's frame has it, lengths */
    double stick_up[3]; /* of any atom, above the cell of its anchor */
};

static void look_up(struct looked_up *l, const struct world *w, struct sk_cells *cells)
{
    const int32_t *n = cells->n;
    size_t natoms = (size_t)w->m.top.natoms;
    *l = (struct looked_up){w, cells, (int64_t)n[0] * n[1] * n[2], NULL, NULL, NULL, {0}};
    l->owner = sk_alloc((size_t)l->ncells, sizeof *l->owner);
    l->cell = sk_alloc(natoms, sizeof *l->cell);
    l->place = sk_alloc(natoms, sizeof *l->place);
    for (int64_t c = 0; c < l->ncells; c++) {
        const int32_t *b = cells->block,
                      at[3] = {(int32_t)(c % n[0]), (int32_t)(c / n[0] % n[1]), (int32_t)(c / n[0] / n[1])};
        l->owner[c] = sk_plan_owner(&cells->plan, at[0] / b[0], at[1] / b[1], at[2] / b[2]);
    }
    for (sk_gid id = 0; id < w->m.top.natoms; id++) {
        const struct sk_atom_record *a = &w->m.atoms[id], *anchor = &w->m.atoms[w->m.anchor[id]];
        for (int k = 0; k < 3; k++) {
            double edge = w->m.box.edge[k];
            l->cell[id][k] = (int32_t)floor((double)anchor->x[k] * 0x1p-64 * n[k]);
            l->place[id][k] = ((double)a->x[k] * 0x1p-64 + (a->image[k] - anchor->image[k])) * edge;
            double up = l->place[id][k] - (l->cell[id][k] + 1) * edge / n[k];
            l->stick_up[k] = up > l->stick_up[k] ? up : l->stick_up[k];
        }
    }
}

static void forget(struct looked_up *l)
{
    sk_free(&l->owner);
    sk_free(&l->cell);
    sk_free(&l->place);
}

/* Is the atom within the list radius of where atoms of cell c can be, c being at or below its own cell on every axis?
 */
static bool is_near(const struct looked_up *l, sk_gid id, int64_t c)
{
    const int32_t *n = l->cells->n,
                  at[3] = {(int32_t)(c % n[0]), (int32_t)(c / n[0] % n[1]), (int32_t)(c / n[0] / n[1])};
    double square = 0, radius = l->w->radius * (1 + 1e-9) + 1e-9;
    for (int k = 0; k < 3; k++) {
        int offset = l->cell[id][k] - at[k];
        offset += offset < 0 ? n[k] : 0;
        double top = (l->cell[id][k] - offset + 1) * l->w->m.box.edge[k] / n[k] + l->stick_up[k];
        double d = l->place[id][k] - top;
        square += offset > 0 && d > 0 ? d * d : 0;
    }
    return square <= radius * radius;
}

static int64_t cell_index(const struct looked_up *l, sk_gid id)
{
    const int32_t *n = l->cells->n, *c = l->cell[id];
    return c[0] + n[0] * (c[1] + (int64_t)n[1] * c[2]);
}

static void import_by_definition(const struct looked_up *l, struct sk_import *import)
{
    int nranks = l->cells->nranks;
    int64_t *received = sk_calloc((size_t)nranks, sizeof *received);
    unsigned char *has_cell = sk_calloc((size_t)l->ncells * (size_t)nranks, 1),
                  *has_message = sk_calloc((size_t)nranks * (size_t)nranks, 1), *is_ghost = sk_alloc((size_t)nranks, 1);
    *import = (struct sk_import){0};
    for (sk_gid id = 0; id < l->w->m.top.natoms; id++) {
        int64_t home = cell_index(l, id);
        int32_t from = l->owner[home];
        memset(is_ghost, 0, (size_t)nranks);
        for (int64_t c = 0; c < l->ncells; c++)
            if (l->owner[c] != from && !is_ghost[l->owner[c]] && is_near(l, id, c))
                is_ghost[l->owner[c]] = 1;
        for (int r = 0; r < nranks; r++)
            if (is_ghost[r]) {
                import->atoms++;
                import->atoms_max = ++received[r] > import->atoms_max ? received[r] : import->atoms_max;
                import->cells += !has_cell[home * nranks + r];
                import->messages += !has_message[from * nranks + r];
                has_cell[home * nranks + r] = has_message[from * nranks + r] = 1;
            }
    }
    sk_free(&is_ghost);
    sk_free(&has_message);
    sk_free(&has_cell);
    sk_free(&received);
}

static int64_t differences(const char *what, int nranks, const struct sk_import *a, const struct sk_import *b)
{
    if (a->atoms == b->atoms && a->atoms_max == b->atoms_max && a->cells == b->cells && a->messages == b->messages)
        return 0;
    print_error("%s, %d ranks: atoms %lld, %lld; most %lld, %lld; cells %lld, %lld; messages %lld, %lld\n", what,
                nranks, (long long)a->atoms, (long long)b->atoms, (long long)a->atoms_max, (long long)b->atoms_max,
                (long long)a->cells, (long long)b->cells, (long long)a->messages, (long long)b->messages);
    return 1;
}

/* One question to one process. drawn: by a random plan, else by the first plan of the curve. */
static int64_t check_question(struct world *w, int nranks, enum sk_curve curve, uint64_t drawn,
                              struct sk_import *import)
{
    struct sk_domain domain;
    struct sk_atoms atoms;
    struct sk_balance balance;
    struct sk_cells cells;
    struct looked_up l;
    struct sk_import right;
    int64_t errors = domain_open(&domain, w, self, SK_CURVE_HILBERT, &atoms);
    sk_domain_suppose(&domain, &w->m.top, &w->m.box, w->radius, &atoms, nranks, curve, &balance, &cells);
    errors += cells.nranks != nranks || (curve != SK_CURVE_AUTO && (int)cells.plan.scheme != (int)curve);
    if (drawn)
        plans_draw(&cells, drawn);
    look_up(&l, w, &cells);
    int32_t *owner = sk_alloc((size_t)w->m.top.natoms, sizeof *owner);
    sk_domain_deal(&cells, &atoms, owner);
    for (int i = 0; i < atoms.n; i++)
        errors += owner[i] != l.owner[cell_index(&l, atoms.id[i])];
    sk_free(&owner);
    sk_domain_imports(&domain, &w->m.box, w->radius, &atoms, &cells, import);
    errors += atoms.n != w->m.top.natoms;
    import_by_definition(&l, &right);
    errors += differences(drawn ? "random plan" : "first plan", nranks, import, &right);
    forget(&l);
    sk_cells_clear(&cells);
    sk_balance_clear(&balance);
    sk_domain_clear(&domain);
    sk_atoms_clear(&atoms);
    return errors;
}

static const int count[3] = {90, 40, 270};
static const double edge[3] = {3.1, 2.2, 4.0};

/* The ranks share the questions. */
static void imports_are_what_the_definition_says(void **state)
{
    (void)state;
    static const int nranks[] = {1, 2, 3, 5, 8, 13, 21, 30};
    int64_t sums[2] = {0};
    for (int q = 0; q < 8 * 5; q++) {
        if (q % sk_comm_size(comm) != sk_comm_rank(comm))
            continue;
        struct world w;
        struct sk_import import;
        world_make(&w, count, edge, q % 3 ? 0.7 : 0.33, (uint64_t)(q / 2));
        sums[0] += check_question(&w, nranks[q % 8], (enum sk_curve)(q % 5), 0, &import);
        sums[0] += nranks[q % 8] == 1 && import.atoms + import.cells + import.messages + import.atoms_max > 0;
        sums[1] += import.atoms;
        if (nranks[q % 8] < 20) /* power diagrams of hopeless weights take their time */
            sums[0] += check_question(&w, nranks[q % 8], (enum sk_curve)(q % 5), 500 + (uint64_t)q, &import);
        mixture_clear(&w.m);
    }
    sk_comm_sum_i64(comm, sums, 2);
    assert_int_equal(sums[0], 0);
    assert_true(sums[1] > 10000);
}

/* As many ranks as there are, of which one asks for itself. */
static void imports_are_what_ranks_import(void **state)
{
    (void)state;
    int64_t errors = 0;
    for (uint64_t curve = 0; curve < 5; curve++) {
        struct world w;
        struct sk_domain domain;
        struct sk_atoms atoms;
        struct sk_import alone, together;
        bool asks = (int)curve % sk_comm_size(comm) == sk_comm_rank(comm);
        world_make(&w, count, edge, 0.6, 30 + curve);
        if (asks)
            errors += check_question(&w, sk_comm_size(comm), (enum sk_curve)curve, 0, &alone);
        errors += domain_open(&domain, &w, comm, (enum sk_curve)curve, &atoms);
        errors += sk_domain_rebuild(&domain, &w.m.top, &w.m.box, w.radius, NULL, &atoms, &w.err) != SK_OK;
        const struct sk_halo *halo = &domain.halo;
        int64_t sum[3] = {halo->nghosts, halo->import_cells, halo->recv.nlinks}, most = halo->nghosts;
        sk_comm_sum_i64(comm, sum, 3);
        sk_comm_max_i64(comm, &most, 1);
        together = (struct sk_import){sum[0], most, sum[1], sum[2]};
        if (asks)
            errors += differences("question and engine", sk_comm_size(comm), &alone, &together);
        errors += sk_comm_size(comm) > 1 && together.atoms == 0;
        sk_domain_clear(&domain);
        sk_atoms_clear(&atoms);
        mixture_clear(&w.m);
    }
    assert_int_equal(agreed_errors(comm, errors), 0);
}

/* Asked by several ranks together, who have parts of the atoms, the plan is that of one who has all. */
static void supposed_plans_do_not_depend_on_who_asks(void **state)
{
    (void)state;
    int64_t errors = 0;
    for (uint64_t q = 0; q < 10; q++) {
        struct world w;
        int64_t hash[2];
        double predicted[2][2];
        world_make(&w, count, edge, 0.6, 60 + q);
        bool asks = (int)q % sk_comm_size(comm) == sk_comm_rank(comm);
        for (int k = asks ? 0 : 1; k < 2; k++) {
            struct sk_domain domain;
            struct sk_atoms atoms;
            struct sk_balance balance;
            struct sk_cells cells;
            errors += domain_open(&domain, &w, k ? comm : self, SK_CURVE_HILBERT, &atoms);
            sk_domain_suppose(&domain, &w.m.top, &w.m.box, w.radius, &atoms, q < 5 ? 6 : 20, (enum sk_curve)(q % 5),
                              &balance, &cells);
            hash[k] = plans_hash(&cells);
            predicted[k][0] = balance.predicted;
            predicted[k][1] = balance.predicted_tiles;
            sk_cells_clear(&cells);
            sk_balance_clear(&balance);
            sk_domain_clear(&domain);
            sk_atoms_clear(&atoms);
        }
        if (asks)
            errors += hash[0] != hash[1] || memcmp(predicted[0], predicted[1], sizeof predicted[0]) != 0;
        mixture_clear(&w.m);
    }
    assert_int_equal(agreed_errors(comm, errors), 0);
}

int main(void)
{
    comm = sk_comm_new(NULL);
    self = sk_comm_new_alone();
    const struct CMUnitTest tests[] = {cmocka_unit_test(imports_are_what_the_definition_says),
                                       cmocka_unit_test(imports_are_what_ranks_import),
                                       cmocka_unit_test(supposed_plans_do_not_depend_on_who_asks)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sk_comm_free(&self);
    sk_comm_free(&comm);
    return failed;
}
