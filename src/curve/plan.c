#include "curve/plan.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "curve/chain.h"
#include "curve/origin.h"
#include "curve/power.h"
#include "curve/slide.h"

static int64_t cells_of(const int32_t n[3])
{
    int64_t plane = (int64_t)n[0] * n[1];
    SK_REQUIRE(n[0] >= 1 && n[1] >= 1 && n[2] >= 1 && plane <= INT32_MAX && plane * n[2] <= INT32_MAX);
    return plane * n[2];
}

/* Weight before each place of the curve. */
static int64_t *sum_along(const struct sk_share *share, const int32_t *cells, int64_t ncells)
{
    if (!share->weight)
        return NULL;
    int64_t *prefix = sk_alloc((size_t)ncells + 1, sizeof *prefix);
    prefix[0] = 0;
    for (int64_t i = 0; i < ncells; i++) {
        SK_REQUIRE(share->weight[cells[i]] >= 0);
        prefix[i + 1] = prefix[i] + share->weight[cells[i]];
    }
    return prefix;
}

static void make_curve(struct sk_plan *plan, const struct sk_share *share)
{
    const int32_t *n = share->n;
    int64_t ncells = cells_of(n);
    int32_t *cells = sk_alloc((size_t)ncells, sizeof *cells);
    sk_curve_cells(sk_plan_curve(plan), plan->turn, n, cells);
    int64_t *prefix = sum_along(share, cells, ncells), *cut = sk_alloc((size_t)plan->nranks + 1, sizeof *cut);
    int64_t bottleneck = sk_chain_cut(prefix, ncells, plan->nranks, cut);
    if (share->slack > 0.0) {
        double mean = (double)(prefix ? prefix[ncells] : ncells) / plan->nranks;
        int64_t cap = (int64_t)floor(mean * (1.0 + share->slack));
        struct sk_slide slide = {{n[0], n[1], n[2]}, cells, prefix, share->atoms, plan->nranks, 0};
        slide.cap = cap > bottleneck ? cap : bottleneck;
        sk_slide_cuts(&slide, cut);
    }
    plan->cut = sk_alloc((size_t)plan->nranks + 1, sizeof *plan->cut);
    for (int r = 0; r <= plan->nranks; r++) {
        int32_t cell = cut[r] < ncells ? cells[cut[r]] : 0, yz = cell / n[0];
        plan->cut[r] = cut[r] < ncells
                           ? sk_curve_key_turned(sk_plan_curve(plan), plan->turn, n, cell % n[0], yz % n[1], yz / n[1])
                           : sk_curve_end_turned(sk_plan_curve(plan), plan->turn, n);
    }
    sk_free(&cut);
    sk_free(&prefix);
    sk_free(&cells);
}

void sk_plan_make(struct sk_plan *plan, const struct sk_share *share, enum sk_scheme scheme, int turn)
{
    cells_of(share->n);
    SK_REQUIRE(share->nranks >= 1 && turn >= 0 && turn < SK_CURVE_TURNS && share->slack >= 0.0);
    bool has_turns = scheme == SK_SCHEME_HILBERT || scheme == SK_SCHEME_MORTON;
    *plan = (struct sk_plan){.scheme = scheme, .turn = has_turns ? turn : 0, .nranks = share->nranks};
    memcpy(plan->n, share->n, sizeof plan->n);
    if (scheme == SK_SCHEME_KD)
        sk_kd_make(plan, share);
    else if (scheme == SK_SCHEME_POWER)
        sk_power_make(plan, share);
    else
        make_curve(plan, share);
}

void sk_plan_clear(struct sk_plan *plan)
{
    sk_free(&plan->cut);
    sk_free(&plan->plane);
    if (plan->power)
        sk_power_clear(plan->power);
    sk_free(&plan->power);
    plan->nranks = 0;
}

static int32_t owner_on_curve(const struct sk_plan *plan, sk_key key)
{
    int32_t low = 0, high = plan->nranks; /* cut[low] <= key < cut[high] */
    while (high - low > 1) {
        int32_t middle = low + (high - low) / 2;
        if (plan->cut[middle] <= key)
            low = middle;
        else
            high = middle;
    }
    return low;
}

bool sk_plane_is_left(const struct sk_plane *plane, const int32_t n[3], const int32_t at[3])
{
    if (at[plane->axis] != plane->at[0])
        return at[plane->axis] < plane->at[0];
    int second = plane->second, third = 3 - plane->axis - second;
    int32_t b = plane->flip & 1 ? n[second] - 1 - at[second] : at[second];
    int32_t c = plane->flip & 2 ? n[third] - 1 - at[third] : at[third];
    return b != plane->at[1] ? b < plane->at[1] : c < plane->at[2];
}

int32_t sk_plane_owner(const struct sk_plane *node, int32_t ranks, const int32_t n[3], const int32_t at[3])
{
    int32_t first = 0;
    while (ranks > 1) {
        int32_t left = node->left;
        if (sk_plane_is_left(node, n, at)) {
            ranks = left;
            node++;
        } else {
            first += left;
            ranks -= left;
            node += left;
        }
    }
    return first;
}

static int32_t owner_in_tree(const struct sk_plan *plan, const int32_t at[3])
{
    int32_t place[3];
    for (int k = 0; k < 3; k++)
        place[k] = sk_origin_place(at[k], plan->origin[k], plan->n[k]);
    return sk_plane_owner(plan->plane, plan->nranks, plan->n, place);
}

int32_t sk_plan_owner(const struct sk_plan *plan, int32_t x, int32_t y, int32_t z)
{
    if (plan->scheme == SK_SCHEME_KD)
        return owner_in_tree(plan, (const int32_t[3]){x, y, z});
    if (plan->scheme == SK_SCHEME_POWER)
        return sk_power_owner(plan->power, plan->n, (const int32_t[3]){x, y, z});
    return owner_on_curve(plan, sk_curve_key_turned(sk_plan_curve(plan), plan->turn, plan->n, x, y, z));
}

void sk_plan_owners(const struct sk_plan *plan, int32_t *owner)
{
    for (int32_t z = 0; z < plan->n[2]; z++)
        for (int32_t y = 0; y < plan->n[1]; y++)
            for (int32_t x = 0; x < plan->n[0]; x++)
                *owner++ = sk_plan_owner(plan, x, y, z);
}

/* ---- bytes ---- */

struct packed {
    uint32_t magic;
    int32_t scheme, turn, n[3], nranks, nexceptions, origin[3];
};
#define MAGIC 0x6e616c71u

static size_t body_size(const struct packed *head)
{
    size_t ranks = (size_t)head->nranks;
    switch ((enum sk_scheme)head->scheme) {
    case SK_SCHEME_KD: return (ranks - 1) * sizeof(struct sk_plane);
    case SK_SCHEME_POWER:
        return ranks * sizeof(struct sk_site) + (size_t)head->nexceptions * sizeof(struct sk_exception);
    default: return (ranks + 1) * sizeof(sk_key);
    }
}

static void copy(void *to, const void *from, size_t size)
{
    if (size)
        memcpy(to, from, size);
}

size_t sk_plan_pack(const struct sk_plan *plan, void *bytes)
{
    const struct sk_power *power = plan->power;
    struct packed head = {.magic = MAGIC,
                          .scheme = (int32_t)plan->scheme,
                          .turn = plan->turn,
                          .nranks = plan->nranks,
                          .nexceptions = power ? power->nexceptions : 0};
    memcpy(head.n, plan->n, sizeof head.n);
    memcpy(head.origin, plan->origin, sizeof head.origin);
    size_t body = body_size(&head);
    if (bytes) {
        char *to = (char *)bytes + sizeof head;
        memcpy(bytes, &head, sizeof head);
        if (power) {
            size_t sites = (size_t)plan->nranks * sizeof *power->site;
            memcpy(to, power->site, sites);
            copy(to + sites, power->exception, body - sites);
        } else {
            copy(to, plan->scheme == SK_SCHEME_KD ? (const void *)plan->plane : (const void *)plan->cut, body);
        }
    }
    return sizeof head + body;
}

/* Every walk down the tree must end at a rank. */
static bool is_tree(const struct sk_plane *plane, int ranks)
{
    while (ranks > 1) {
        if (plane->axis > 2 || plane->second > 2 || plane->axis == plane->second || plane->left < 1 ||
            plane->left >= ranks || !is_tree(plane + 1, plane->left))
            return false;
        ranks -= plane->left;
        plane += plane->left;
    }
    return true;
}

static bool is_plan(const struct sk_plan *plan)
{
    if (plan->scheme == SK_SCHEME_KD)
        return is_tree(plan->plane, plan->nranks);
    if (plan->scheme == SK_SCHEME_POWER)
        return sk_power_is_valid(plan->power, plan->n, plan->nranks);
    for (int r = 0; r < plan->nranks; r++)
        if (plan->cut[r] > plan->cut[r + 1])
            return false;
    return plan->cut[0] == 0 &&
           plan->cut[plan->nranks] == sk_curve_end_turned(sk_plan_curve(plan), plan->turn, plan->n);
}

static bool is_head(const struct packed *head)
{
    bool is_good = head->magic == MAGIC && head->scheme >= 0 && head->scheme < SK_SCHEMES && head->turn >= 0 &&
                   head->turn < SK_CURVE_TURNS && head->nranks >= 1 && head->nexceptions >= 0 &&
                   head->nexceptions <= SK_POWER_EXCEPTIONS * (int64_t)head->nranks &&
                   (head->nexceptions == 0 || head->scheme == SK_SCHEME_POWER);
    double cells = 1.0;
    for (int k = 0; k < 3; k++) {
        is_good = is_good && head->n[k] >= 1 && head->n[k] <= 1 << 20 && head->origin[k] >= 0 &&
                  head->origin[k] < (head->scheme == SK_SCHEME_KD ? head->n[k] : 1);
        cells *= head->n[k];
    }
    return is_good && (head->scheme != SK_SCHEME_POWER || cells <= INT32_MAX);
}

enum sk_code sk_plan_unpack(struct sk_plan *plan, const void *bytes, size_t size, struct sk_error *err)
{
    struct packed head = {0};
    *plan = (struct sk_plan){0};
    if (size >= sizeof head)
        memcpy(&head, bytes, sizeof head);
    if (!is_head(&head) || size != sizeof head + body_size(&head))
        return sk_fail(err, SK_EINPUT, "not a partition plan (%zu bytes)", size);
    plan->scheme = (enum sk_scheme)head.scheme;
    plan->turn = head.turn;
    plan->nranks = head.nranks;
    memcpy(plan->n, head.n, sizeof plan->n);
    memcpy(plan->origin, head.origin, sizeof plan->origin);
    size_t body = size - sizeof head;
    const char *from = (const char *)bytes + sizeof head;
    if (plan->scheme == SK_SCHEME_POWER) {
        size_t sites = (size_t)head.nranks * sizeof(struct sk_site);
        plan->power = sk_calloc(1, sizeof *plan->power);
        plan->power->nexceptions = head.nexceptions;
        plan->power->site = sk_alloc(sites, 1);
        plan->power->exception = sk_alloc(body - sites, 1);
        memcpy(plan->power->site, from, sites);
        copy(plan->power->exception, from + sites, body - sites);
    } else {
        void *to = sk_alloc(body, 1);
        copy(to, from, body);
        if (plan->scheme == SK_SCHEME_KD)
            plan->plane = to;
        else
            plan->cut = to;
    }
    if (!is_plan(plan)) {
        sk_plan_clear(plan);
        return sk_fail(err, SK_EINPUT, "a partition plan whose parts are out of order or out of range");
    }
    if (plan->power)
        sk_power_index(plan->power, plan->n, plan->nranks);
    return SK_OK;
}
