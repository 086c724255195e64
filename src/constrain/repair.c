/* The rare way, when the normal number of solutions was not enough somewhere: blocking rounds for the components
 * concerned, on all ranks. What is done with a component depends on its own residuals alone, which all ranks know. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "constrain/network.h"

#define SLOW             0.3 /* a component that keeps more than this of its residual in a round */
#define PATIENCE         3   /* after so many rounds is solved as a whole */
#define WHOLE_STEPS      30
#define HISTORY          100
#define LANES            SK_FRAGMENT_LANES
#define LARGEST_REPORTED 8 /* rounds in a message */

/* A component whose bonds are not right yet. */
struct ailing {
    sk_gid molecule;
    int64_t moltype, component;
    double residual;
};

/* What has been tried on it. */
struct patient {
    struct ailing now;
    int nrounds;
    double history[HISTORY];
    bool is_whole; /* solved as a whole from now on */
};

struct ward {
    int n;
    struct patient *patients; /* ordered by molecule and component; the same on every rank */
    size_t capacity;
};

static int compare_ailing(const void *a, const void *b)
{
    const struct ailing *p = a, *q = b;
    if (p->molecule != q->molecule)
        return p->molecule < q->molecule ? -1 : 1;
    return (p->component > q->component) - (p->component < q->component);
}

static int component_of(const struct sk_network *n, const struct sk_window *window)
{
    return sk_window_fragment(n, window)->component;
}

/* Ailing components over all ranks, in order, each once with its largest residual. Collective. */
static int find_ailing(const struct sk_network *n, struct ailing **all)
{
    int count = 0, size = sk_comm_size(n->comm);
    struct ailing *mine = sk_alloc((size_t)n->nwindows, sizeof *mine);
    for (int w = 0; w < n->nwindows; w++) {
        const struct sk_window *window = &n->windows[w];
        if (n->residual[w] <= n->tolerance)
            continue;
        double residual = n->residual[w] == n->residual[w] ? n->residual[w] : INFINITY;
        mine[count++] = (struct ailing){window->molecule, window->moltype, component_of(n, window), residual};
    }
    int64_t most = count;
    sk_comm_max_i64(n->comm, &most, 1);
    struct ailing *padded = sk_alloc((size_t)most, sizeof *padded);
    for (int64_t a = 0; a < most; a++)
        padded[a] = a < count ? mine[a] : (struct ailing){-1, 0, 0, 0};
    *all = sk_alloc((size_t)(most * size), sizeof **all);
    if (most)
        sk_comm_allgather(n->comm, padded, (size_t)most * sizeof *padded, *all);
    sk_free(&padded);
    sk_free(&mine);
    qsort(*all, (size_t)(most * size), sizeof **all, compare_ailing);
    int kept = 0;
    for (int64_t a = 0; a < most * size; a++) {
        struct ailing *last = kept ? &(*all)[kept - 1] : NULL;
        if ((*all)[a].molecule < 0)
            continue;
        if (last && compare_ailing(last, &(*all)[a]) == 0)
            last->residual = (*all)[a].residual > last->residual ? (*all)[a].residual : last->residual;
        else
            (*all)[kept++] = (*all)[a];
    }
    return kept;
}

/* The ward after a round: patients that are well leave, new ones come, and for each it is decided how to go on. */
static void ward_update(struct ward *ward, const struct ailing *ailing, int nailing)
{
    struct ward next = {0};
    sk_reserve(&next.patients, &next.capacity, (size_t)nailing);
    for (int a = 0, old = 0; a < nailing; a++) {
        struct patient *p = &next.patients[next.n++];
        while (old < ward->n && compare_ailing(&ward->patients[old].now, &ailing[a]) < 0)
            old++;
        if (old < ward->n && compare_ailing(&ward->patients[old].now, &ailing[a]) == 0)
            *p = ward->patients[old];
        else
            *p = (struct patient){.now = ailing[a]};
        p->now.residual = ailing[a].residual;
        double before = p->nrounds ? p->history[p->nrounds - 1] : INFINITY;
        if (p->nrounds < HISTORY)
            p->history[p->nrounds++] = ailing[a].residual;
        if (p->nrounds > PATIENCE && !(ailing[a].residual <= SLOW * before))
            p->is_whole = true;
    }
    sk_free(&ward->patients);
    *ward = next;
}

static const struct patient *ward_find(const struct ward *ward, const struct sk_network *n,
                                       const struct sk_window *window)
{
    struct ailing key = {window->molecule, window->moltype, component_of(n, window), 0};
    int low = 0, high = ward->n;
    while (low < high) {
        int middle = (low + high) / 2, order = compare_ailing(&ward->patients[middle].now, &key);
        if (order == 0)
            return &ward->patients[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- a component as a whole, on the rank that owns its lowest atom ---- */

/* Of one constraint, on its way there. */
struct entry {
    int64_t index; /* in the template */
    double s[3], p[3];
};

static bool is_of(const struct sk_network *n, const struct ailing *ailing, int k)
{
    const struct sk_network_constraint *c = &n->constraints[k];
    return c->molecule == ailing->molecule && n->graphs.of[c->moltype].component_of[c->index] == (int)ailing->component;
}

static bool has_component(const struct sk_network *n, const struct ailing *ailing)
{
    for (int k = 0; k < n->nconstraints; k++)
        if (is_of(n, ailing, k))
            return true;
    return false;
}

/* Sends the constraints whose lower atom this rank owns to the anchor. Collective. */
static void whole_gather(struct sk_network *n, const struct ailing *ailing, int anchor, struct sk_receipt *receipt)
{
    int count = 0;
    bool is_part = has_component(n, ailing);
    struct entry *entries = sk_calloc((size_t)n->nconstraints + 1, sizeof *entries);
    for (int k = 0; is_part && k < n->nconstraints; k++) {
        if (n->constraints[k].i >= n->nowned || !is_of(n, ailing, k))
            continue;
        entries[count].index = n->constraints[k].index;
        memcpy(entries[count].s, n->s[k], sizeof n->s[k]);
        memcpy(entries[count].p, n->p[k], sizeof n->p[k]);
        count++;
    }
    struct sk_parcel parcel = {anchor, (size_t)count * sizeof *entries, (unsigned char *)entries};
    sk_comm_exchange(n->comm, &parcel, is_part, receipt);
    sk_free(&entries);
}

/* Multipliers of all constraints of the component, by index in the template. */
static double *whole_solve(struct sk_network *n, enum sk_network_what what, const struct ailing *ailing,
                           const struct sk_receipt *receipt)
{
    const struct sk_graph *graph = &n->graphs.of[ailing->moltype];
    struct sk_fragment fragment;
    struct sk_fragment_shape shape;
    struct sk_fragment_lanes lanes;
    sk_graph_whole(n->top, graph, (int)ailing->moltype, (int)ailing->component, &fragment, &shape);
    unsigned char *memory = sk_calloc(sk_fragment_lanes_bytes(&shape), 1);
    sk_fragment_lanes_place(&shape, memory, &lanes);
    int *row = sk_alloc((size_t)graph->nconstraints, sizeof *row);
    for (int c = 0; c < shape.ntotal; c++)
        row[fragment.constraint[c]] = c;
    for (int p = 0; p < receipt->count; p++)
        for (size_t e = 0; e < receipt->parcels[p].length / sizeof(struct entry); e++) {
            const struct entry *entry = (const struct entry *)receipt->parcels[p].bytes + e;
            for (int d = 0; d < 3; d++)
                for (int v = 0; v < LANES; v++) {
                    lanes.s[row[entry->index]][d][v] = entry->s[d];
                    lanes.p[row[entry->index]][d][v] = entry->p[d];
                }
        }
    if (what == SK_NETWORK_POSITIONS)
        n->variant->fragment_positions(&shape, &lanes, n->limit, WHOLE_STEPS);
    else
        n->variant->fragment_velocities(&shape, &lanes);
    double *lambda = sk_calloc((size_t)graph->nconstraints, sizeof *lambda);
    for (int c = 0; c < shape.ntotal; c++)
        lambda[fragment.constraint[c]] = lanes.residual[0] < 1 ? lanes.lambda[c][0] : 0;
    if (lanes.pivot[0] < n->smallest_pivot)
        n->smallest_pivot = lanes.pivot[0];
    sk_free(&row);
    sk_free(&memory);
    sk_fragment_clear(&fragment, &shape);
    return lambda;
}

static void solve_whole(struct sk_network *n, enum sk_network_what what, const struct ailing *ailing)
{
    const struct sk_graph *graph = &n->graphs.of[ailing->moltype];
    sk_gid lowest = ailing->molecule + graph->component_lowest[ailing->component];
    int64_t anchor = sk_idmap_find(&n->owned_of, lowest) >= 0 ? sk_comm_rank(n->comm) : -1;
    sk_comm_max_i64(n->comm, &anchor, 1);
    struct sk_receipt sent, solved;
    whole_gather(n, ailing, (int)anchor, &sent);
    struct sk_parcel *answers = sk_alloc((size_t)sent.count, sizeof *answers);
    double *lambda = sent.count ? whole_solve(n, what, ailing, &sent) : NULL;
    for (int p = 0; p < sent.count; p++)
        answers[p] = (struct sk_parcel){sent.parcels[p].rank, (size_t)graph->nconstraints * sizeof *lambda,
                                        (unsigned char *)lambda};
    sk_comm_exchange(n->comm, answers, sent.count, &solved);
    for (int k = 0; solved.count && k < n->nconstraints; k++)
        if (is_of(n, ailing, k))
            n->lambda[k] = ((const double *)solved.parcels[0].bytes)[n->constraints[k].index];
    sk_free(&lambda);
    sk_free(&answers);
    sk_receipt_clear(&solved);
    sk_receipt_clear(&sent);
}

/* ---- failure ---- */

static int rank_of(const struct sk_network *n, int atom)
{
    if (atom < n->nowned)
        return sk_comm_rank(n->comm);
    for (int l = 0; l < n->recv.atoms.nlinks; l++)
        for (int t = n->recv.atoms.first[l]; t < n->recv.atoms.first[l + 1]; t++)
            if (n->recv.atoms.item[t] == atom)
                return n->recv.atoms.rank[l];
    return -1;
}

static void write_history(const struct patient *patient, char *text, size_t size)
{
    int first = patient->nrounds > LARGEST_REPORTED ? patient->nrounds - LARGEST_REPORTED : 0;
    text[0] = 0;
    for (int r = first; r < patient->nrounds; r++) {
        size_t length = strlen(text);
        snprintf(text + length, size - length, " %.2e", patient->history[r]);
    }
}

/* Names the bond of local constraint k. */
static enum sk_code name_bond(const struct sk_network *n, int k, double error, const char *history, int64_t step,
                              struct sk_error *err)
{
    const struct sk_network_constraint *bond = &n->constraints[k];
    const struct sk_moltype *type = &n->top->moltypes[bond->moltype];
    const struct sk_constraint *constraint = &type->constraints[bond->index];
    double drifted = sqrt(n->p[k][0] * n->p[k][0] + n->p[k][1] * n->p[k][1] + n->p[k][2] * n->p[k][2]);
    char i[SK_ATOM_NAME_MAX], j[SK_ATOM_NAME_MAX];
    sk_topology_name(n->top, bond->molecule + constraint->i, rank_of(n, bond->i), i);
    sk_topology_name(n->top, bond->molecule + constraint->j, rank_of(n, bond->j), j);
    return sk_fail(
        err, SK_EPHYSICS,
        "step %lld: constraints of molecule %s (atoms from %lld) do not converge; worst is the bond of atom "
        "%s and atom %s: target length %.9g, drifted to %.9g, relative error %.3g; largest error by "
        "round:%s; smallest pivot %.2e; take a shorter time step, or look for overlapping atoms or dependent "
        "constraints there",
        (long long)step, type->name, (long long)bond->molecule + 1, i, j, constraint->length, drifted, error, history,
        n->smallest_pivot);
}

/* The largest residual among the core rows of the patient's windows; *k: its constraint, or -1. */
static double worst_row(const struct sk_network *n, const struct ward *ward, const struct patient *patient, int *k)
{
    double largest = -1;
    *k = -1;
    for (int w = 0; w < n->nwindows; w++) {
        const struct sk_window *window = &n->windows[w];
        if (ward_find(ward, n, window) != patient)
            continue;
        const struct sk_fragment_shape *shape = sk_window_shape(n, window);
        for (int c = 0; c < shape->nwindow; c++) {
            double residual = shape->is_core[c] ? sk_network_residual(n, SK_NETWORK_POSITIONS, window, c) : -1;
            if (residual <= largest)
                continue;
            largest = residual == residual ? residual : INFINITY;
            *k = n->members[window->member + c];
        }
    }
    return largest;
}

/* Agrees on the message of the rank that has the largest residual. */
static enum sk_code fail_by(struct sk_network *n, int k, double largest, const char *history, int64_t step,
                            struct sk_error *err)
{
    double all = largest;
    sk_comm_max_f64(n->comm, &all, 1);
    enum sk_code code = k >= 0 && largest == all ? name_bond(n, k, largest, history, step, err) : SK_OK;
    return sk_comm_agree(n->comm, err, code);
}

/* Reports the worst component by its worst bond, the same on every rank. */
static enum sk_code fail_repair(struct sk_network *n, const struct ward *ward, int64_t step, struct sk_error *err)
{
    const struct patient *worst = &ward->patients[0];
    for (int p = 1; p < ward->n; p++)
        worst = ward->patients[p].now.residual > worst->now.residual ? &ward->patients[p] : worst;
    n->failed_molecule = worst->now.molecule;
    n->failed_moltype = (int)worst->now.moltype;
    n->failed_component = (int)worst->now.component;
    int k;
    char history[256];
    double largest = worst_row(n, ward, worst, &k);
    write_history(worst, history, sizeof history);
    return fail_by(n, k, largest, history, step, err);
}

static enum sk_code fail_shake(struct sk_network *n, int64_t step, struct sk_error *err)
{
    int k;
    double largest = sk_network_shake_measure(n, SK_NETWORK_POSITIONS, &k), all = largest;
    sk_comm_max_f64(n->comm, &all, 1);
    int64_t witness = k >= 0 && largest == all ? sk_comm_rank(n->comm) : -1, failed[3] = {-1, 0, 0};
    sk_comm_max_i64(n->comm, &witness, 1); /* one of them, if several have found the same */
    if (witness == sk_comm_rank(n->comm)) {
        const struct sk_network_constraint *c = &n->constraints[k];
        failed[0] = c->molecule;
        failed[1] = c->moltype;
        failed[2] = n->graphs.of[c->moltype].component_of[c->index];
    }
    sk_comm_max_i64(n->comm, failed, 3);
    n->failed_molecule = failed[0];
    n->failed_moltype = (int)failed[1];
    n->failed_component = (int)failed[2];
    return fail_by(n, k, largest, " (classic SHAKE)", step, err);
}

/* ---- rounds ---- */

static void treat(struct sk_network *n, enum sk_network_what what, const struct ward *ward, char *is_wanted)
{
    for (int w = 0; w < n->nwindows; w++) {
        const struct patient *patient = ward_find(ward, n, &n->windows[w]);
        is_wanted[w] = patient && !patient->is_whole;
    }
    if (n->nconstraints)
        memcpy(n->previous, n->lambda, (size_t)n->nconstraints * sizeof *n->lambda);
    sk_network_run(n, what, 0, n->nwindows, is_wanted);
    for (int p = 0; p < ward->n; p++)
        if (ward->patients[p].is_whole)
            solve_whole(n, what, &ward->patients[p].now);
    sk_network_exchange_begin(n);
    sk_network_exchange_end(n);
    for (int w = 0; w < n->nwindows; w++)
        is_wanted[w] = ward_find(ward, n, &n->windows[w]) != NULL;
    sk_network_measure(n, what, is_wanted);
}

enum sk_code sk_network_repair(struct sk_network *n, enum sk_network_what what, int64_t step, struct sk_error *err)
{
    if (n->solver == SK_SOLVER_SHAKE)
        return fail_shake(n, step, err);
    struct ward ward = {0};
    struct ailing *ailing;
    char *is_wanted = sk_alloc((size_t)n->nwindows, 1);
    enum sk_code code = SK_OK;
    for (int round = 0;; round++) {
        int nailing = find_ailing(n, &ailing);
        ward_update(&ward, ailing, nailing);
        sk_free(&ailing);
        if (nailing == 0)
            break;
        if (round == n->max_rounds) {
            code = fail_repair(n, &ward, step, err);
            break;
        }
        treat(n, what, &ward, is_wanted);
        n->rounds++;
        int rounds = (n->has_neighbours ? n->solves : 0) + round + 1;
        n->largest_rounds = rounds > n->largest_rounds ? rounds : n->largest_rounds;
    }
    for (int w = 0; w < n->nwindows && !code; w++)
        n->worst = n->residual[w] > n->worst ? n->residual[w] : n->worst;
    n->repairs++;
    sk_free(&is_wanted);
    sk_free(&ward.patients);
    return code;
}
