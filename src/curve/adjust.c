#include "curve/adjust.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "curve/chain.h"
#include "curve/origin.h"
#include "curve/power.h"

static int64_t cells_of(const int32_t n[3])
{
    return (int64_t)n[0] * n[1] * n[2];
}

static int64_t weight_of(const struct sk_share *share, int32_t cell)
{
    return share->weight ? share->weight[cell] : 1;
}

/* What it costs to move a cell: its atoms, and one for the cell. */
static int64_t price_of(const struct sk_share *share, int32_t cell)
{
    return (share->atoms ? share->atoms[cell] : 0) + 1;
}

/* ---- curves ---- */

/* The cells along a curve. */
struct row {
    int64_t n, cap;
    int parts;
    int64_t *before; /* [n + 1]: weight before a place */
    int64_t *price;  /* [n + 1]: price of the cells before a place */
};

static sk_key key_at(const struct sk_plan *plan, const int32_t *cells, int64_t place)
{
    const int32_t *n = plan->n;
    if (place == cells_of(n))
        return sk_curve_end_turned(sk_plan_curve(plan), plan->turn, n);
    int32_t cell = cells[place], yz = cell / n[0];
    return sk_curve_key_turned(sk_plan_curve(plan), plan->turn, n, cell % n[0], yz % n[1], yz / n[1]);
}

/* Cells of lower keys. */
static int64_t place_of_key(const struct sk_plan *plan, const int32_t *cells, sk_key key)
{
    int64_t low = 0, high = cells_of(plan->n);
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (key_at(plan, cells, middle) < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The smallest place in [low, high] with at least this weight before it, else high. */
static int64_t first_with(const struct row *row, int64_t low, int64_t high, int64_t weight)
{
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (row->before[middle] >= weight)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The farthest end of a part that begins at a place. */
static int64_t farthest(const struct row *row, int64_t from)
{
    if (row->before[from] > row->before[row->n] - row->cap - 1)
        return row->n;
    return first_with(row, from, row->n, row->before[from] + row->cap + 1) - 1;
}

/* Where each cut may lie: the parts on either side of it can hold what is there. Of that, the neighbourhood of a cut
 * that is found quickly: each as near to the old one as the earlier ones allow. */
static void find_windows(const struct row *row, const int64_t *old, int64_t *low, int64_t *high)
{
    const int parts = row->parts;
    int64_t reach = 4 * (row->n / parts) + 64; /* so that all windows together are linear in cells */
    low[parts] = row->n;
    for (int p = parts - 1; p >= 0; p--)
        low[p] = first_with(row, 0, low[p + 1], row->before[low[p + 1]] - row->cap);
    SK_REQUIRE(low[0] == 0);
    high[0] = 0;
    for (int p = 1; p <= parts; p++)
        high[p] = farthest(row, high[p - 1]);
    SK_REQUIRE(high[parts] == row->n);
    int64_t near = 0;
    for (int p = 1; p < parts; p++) {
        int64_t least = near > low[p] ? near : low[p], most = farthest(row, near);
        near = old[p] < least ? least : old[p] > most ? most : old[p];
        low[p] = low[p] > near - reach ? low[p] : near - reach;
        high[p] = high[p] < near + reach ? high[p] : near + reach;
    }
}

/* The places that a cut may take, and the least price of moving it and those before it to there. */
struct front {
    int64_t low, high;
    int64_t *price; /* [high - low + 1]; INT64_MAX: not to be reached */
};

/* From one cut to the next, whose old place is given: a sliding minimum over the places within the cap. from[i] becomes
 * the best place of the earlier cut if the later one is at next->low + i. queue: as long as the earlier front. */
static void advance(const struct row *row, int64_t old, const struct front *last, struct front *next, int64_t *queue,
                    int32_t *from)
{
    int64_t head = 0, tail = 0, in = last->low; /* queue[head .. tail - 1]: ascending places of rising price */
    for (int64_t i = next->low; i <= next->high; i++) {
        for (; in <= i && in <= last->high; in++) {
            int64_t price = last->price[in - last->low];
            while (tail > head && last->price[queue[tail - 1] - last->low] >= price)
                tail--;
            if (price < INT64_MAX)
                queue[tail++] = in;
        }
        while (head < tail && row->before[i] - row->before[queue[head]] > row->cap)
            head++;
        next->price[i - next->low] = INT64_MAX;
        if (head == tail)
            continue;
        int64_t moved = row->price[i] - row->price[old];
        next->price[i - next->low] = last->price[queue[head] - last->low] + (moved < 0 ? -moved : moved);
        from[i - next->low] = (int32_t)queue[head];
    }
}

/* The cuts within their windows, all parts within the cap, for which the prices of what lies between each and its old
 * place sum to the least: a shortest path over all places. A cell that passes several cuts counts for each. */
static void nearest_cuts(const struct row *row, const int64_t *old, int64_t *cut)
{
    const int parts = row->parts;
    int64_t *low = sk_alloc((size_t)parts + 1, sizeof *low), *high = sk_alloc((size_t)parts + 1, sizeof *high);
    int64_t *offset = sk_alloc((size_t)parts + 2, sizeof *offset), widest = 0;
    find_windows(row, old, low, high);
    offset[0] = 0;
    for (int p = 0; p <= parts; p++) {
        int64_t width = high[p] - low[p] + 1;
        offset[p + 1] = offset[p] + width;
        widest = width > widest ? width : widest;
    }
    int32_t *from = sk_alloc((size_t)offset[parts + 1], sizeof *from);
    int64_t *queue = sk_alloc((size_t)widest, sizeof *queue);
    struct front front[2] = {{0, 0, sk_calloc((size_t)widest, sizeof *front[0].price)},
                             {0, 0, sk_calloc((size_t)widest, sizeof *front[1].price)}};
    for (int p = 1; p <= parts; p++) {
        front[p % 2].low = low[p];
        front[p % 2].high = high[p];
        advance(row, old[p], &front[(p - 1) % 2], &front[p % 2], queue, from + offset[p]);
    }
    SK_REQUIRE(front[parts % 2].price[0] < INT64_MAX);
    cut[parts] = row->n;
    for (int p = parts; p > 0; p--)
        cut[p - 1] = from[offset[p] + cut[p] - low[p]];
    sk_free(&front[0].price);
    sk_free(&front[1].price);
    sk_free(&queue);
    sk_free(&from);
    sk_free(&offset);
    sk_free(&high);
    sk_free(&low);
}

static void adjust_curve(struct sk_plan *plan, const struct sk_share *share, int64_t cap)
{
    const int32_t *n = plan->n;
    int64_t ncells = cells_of(n);
    struct row row = {.n = ncells, .parts = plan->nranks};
    int32_t *cells = sk_alloc((size_t)ncells, sizeof *cells);
    int64_t *old = sk_alloc((size_t)plan->nranks + 1, sizeof *old);
    int64_t *cut = sk_alloc((size_t)plan->nranks + 1, sizeof *cut);
    sk_curve_cells(sk_plan_curve(plan), plan->turn, n, cells);
    row.before = sk_alloc((size_t)ncells + 1, sizeof *row.before);
    row.price = sk_alloc((size_t)ncells + 1, sizeof *row.price);
    row.before[0] = row.price[0] = 0;
    for (int64_t i = 0; i < ncells; i++) {
        row.before[i + 1] = row.before[i] + weight_of(share, cells[i]);
        row.price[i + 1] = row.price[i] + price_of(share, cells[i]);
    }
    bool is_in_bounds = true;
    for (int r = 0; r <= plan->nranks; r++) {
        old[r] = place_of_key(plan, cells, plan->cut[r]);
        is_in_bounds &= r == 0 || row.before[old[r]] - row.before[old[r - 1]] <= cap;
    }
    if (!is_in_bounds) {
        row.cap = sk_chain_cut(row.before, ncells, plan->nranks, cut);
        row.cap = cap > row.cap ? cap : row.cap;
        nearest_cuts(&row, old, cut);
        for (int r = 0; r <= plan->nranks; r++)
            if (cut[r] != old[r])
                plan->cut[r] = key_at(plan, cells, cut[r]);
    }
    sk_free(&row.price);
    sk_free(&row.before);
    sk_free(&cut);
    sk_free(&old);
    sk_free(&cells);
}

/* ---- trees of planes ---- */

struct tree {
    const struct sk_share *share;
    int64_t cap, heaviest;    /* of a rank; cell */
    int32_t *cells, *scratch; /* a permutation of the cells: each node owns a stretch */
    int64_t *layer;           /* [longest edge] */
    int64_t *held;            /* [nranks] */
};

/* A subtree with its cells, [from, to) of the permutation. */
struct node {
    struct sk_plane *plane;
    int ranks;
    int64_t from, to, weight;
};

static void place_of(const struct tree *t, int32_t cell, int32_t at[3])
{
    const int32_t *n = t->share->n;
    int32_t yz = cell / n[0];
    at[0] = cell - yz * n[0];
    at[2] = yz / n[1];
    at[1] = yz - at[2] * n[1];
}

/* The weight of the heaviest rank below a node. */
static int64_t heaviest_below(const struct tree *t, const struct node *node)
{
    int64_t heaviest = 0;
    memset(t->held, 0, (size_t)node->ranks * sizeof *t->held);
    for (int64_t i = node->from; i < node->to; i++) {
        int32_t at[3];
        place_of(t, t->cells[i], at);
        int32_t first = sk_plane_owner(node->plane, node->ranks, t->share->n, at);
        t->held[first] += weight_of(t->share, t->cells[i]);
        heaviest = t->held[first] > heaviest ? t->held[first] : heaviest;
    }
    return heaviest;
}

/* Weighs, along axes[k], the cells of a node whose places on axes[0 .. k - 1] are given, and walks along them from
 * their low or high end until the running sum passes the target or, if is_growing, reaches it. */
static int32_t find_place(const struct tree *t, const struct node *node, const int axes[3], int k,
                          const int32_t place[3], bool is_flipped, int64_t target, bool is_growing, int64_t *sum)
{
    int32_t low = INT32_MAX, high = 0;
    memset(t->layer, 0, (size_t)t->share->n[axes[k]] * sizeof *t->layer);
    for (int64_t i = node->from; i < node->to; i++) {
        int32_t at[3];
        place_of(t, t->cells[i], at);
        if ((k > 0 && at[axes[0]] != place[0]) || (k > 1 && at[axes[1]] != place[1]))
            continue;
        int32_t l = at[axes[k]];
        t->layer[l] += weight_of(t->share, t->cells[i]);
        low = l < low ? l : low;
        high = l > high ? l : high;
    }
    int32_t at = is_flipped ? high : low, last = is_flipped ? low : high, step = is_flipped ? -1 : 1;
    for (; at != last && *sum + t->layer[at] <= target - is_growing; at += step)
        *sum += t->layer[at];
    return at;
}

/* Moves the plane of a node to the place nearest to where it is that has a weight of at least `least` on the left
 * (is_growing), or of at most `most`. If one cell is too much for both, the smaller excess. */
static void move_plane(const struct tree *t, const struct node *node, int64_t least, int64_t most, bool is_growing)
{
    struct sk_plane *plane = node->plane;
    const int32_t *n = t->share->n;
    const int axes[3] = {plane->axis, plane->second, 3 - plane->axis - plane->second};
    int64_t target = is_growing ? least : most, sum = 0;
    int32_t place[3];
    for (int k = 0; k < 3; k++)
        place[k] = find_place(t, node, axes, k, place, k > 0 && (plane->flip >> (k - 1) & 1), target, is_growing, &sum);
    int64_t cell = t->layer[place[2]];
    bool is_in = is_growing; /* the cell at the place goes to the left */
    if (is_growing && sum + cell > most && sum + cell - most > least - sum)
        is_in = false;
    else if (!is_growing && sum < least && least - sum > sum + cell - most)
        is_in = true;
    plane->at[0] = place[0];
    plane->at[1] = plane->flip & 1 ? n[axes[1]] - 1 - place[1] : place[1];
    plane->at[2] = (plane->flip & 2 ? n[axes[2]] - 1 - place[2] : place[2]) + is_in;
}

/* What some of the ranks below a node may hold, such that the cuts between them find a place within the cap: each may
 * be off by a cell. */
static int64_t most_of(const struct tree *t, const struct node *node, int ranks)
{
    double mean = (double)node->weight / node->ranks;
    double room = ranks * ((double)t->cap - mean) - (ranks - 1) * (double)t->heaviest;
    return (int64_t)floor(ranks * mean + (room > 0.0 ? room : 0.0));
}

static int64_t held_left(const struct tree *t, const struct node *node)
{
    int64_t held = 0;
    for (int64_t i = node->from; i < node->to; i++) {
        int32_t at[3];
        place_of(t, t->cells[i], at);
        held += sk_plane_is_left(node->plane, t->share->n, at) ? weight_of(t->share, t->cells[i]) : 0;
    }
    return held;
}

static void divide(const struct tree *t, const struct node *node, struct node *low, struct node *high)
{
    int left = node->plane->left;
    int64_t rest = 0;
    *low = (struct node){node->plane + 1, left, node->from, node->from, 0};
    *high = (struct node){node->plane + left, node->ranks - left, 0, node->to, 0};
    for (int64_t i = node->from; i < node->to; i++) {
        int32_t at[3], cell = t->cells[i];
        place_of(t, cell, at);
        if (sk_plane_is_left(node->plane, t->share->n, at)) {
            low->weight += weight_of(t->share, cell);
            t->cells[low->to++] = cell;
        } else {
            t->scratch[rest++] = cell;
        }
    }
    if (rest)
        memcpy(t->cells + low->to, t->scratch, (size_t)rest * sizeof *t->cells);
    high->from = low->to;
    high->weight = node->weight - low->weight;
}

/* Planes move only where a rank below is too heavy, and as little as leaves both sides a solution: exact planes would
 * move more atoms, measured over a drift. */
static void adjust_node(const struct tree *t, const struct node *node)
{
    if (node->ranks == 1 || heaviest_below(t, node) <= t->cap)
        return;
    int left = node->plane->left, right = node->ranks - left;
    int64_t held = held_left(t, node), most = most_of(t, node, left), least = node->weight - most_of(t, node, right);
    if (held < least || held > most)
        move_plane(t, node, least, most, held < least);
    struct node low, high;
    divide(t, node, &low, &high);
    adjust_node(t, &low);
    adjust_node(t, &high);
}

/* Tries the cap, and where single cells are too heavy for it, one by half a cell and by a cell higher, which any tree
 * of planes meets; no movement if that leaves the heaviest rank as heavy as it was. */
static void adjust_planes(struct tree *t, const struct node *root)
{
    size_t size = ((size_t)root->ranks - 1) * sizeof *root->plane;
    struct sk_plane *old = sk_alloc((size_t)root->ranks, sizeof *old);
    int64_t was = heaviest_below(t, root), is = was, cap = t->cap;
    memcpy(old, root->plane, size);
    for (int k = 0; k < 3 && is > t->cap; k++) {
        memcpy(root->plane, old, size);
        t->cap = cap + k * (t->heaviest + 1) / 2;
        adjust_node(t, root);
        is = heaviest_below(t, root);
    }
    if (is >= was)
        memcpy(root->plane, old, size);
    sk_free(&old);
}

static void adjust_tree(struct sk_plan *plan, const struct sk_share *share, int64_t cap)
{
    const int32_t *n = share->n;
    int64_t ncells = cells_of(n);
    int32_t longest = n[0] > n[1] ? n[0] : n[1];
    longest = longest > n[2] ? longest : n[2];
    struct tree t = {.share = share, .cap = cap};
    struct node root = {plan->plane, plan->nranks, 0, ncells, 0};
    t.cells = sk_alloc((size_t)ncells, sizeof *t.cells);
    t.scratch = sk_alloc((size_t)ncells, sizeof *t.scratch);
    t.layer = sk_alloc((size_t)longest, sizeof *t.layer);
    t.held = sk_alloc((size_t)plan->nranks, sizeof *t.held);
    for (int32_t i = 0; i < ncells; i++) {
        int64_t weight = weight_of(share, i);
        t.cells[i] = i;
        root.weight += weight;
        t.heaviest = weight > t.heaviest ? weight : t.heaviest;
    }
    adjust_planes(&t, &root);
    sk_free(&t.held);
    sk_free(&t.layer);
    sk_free(&t.scratch);
    sk_free(&t.cells);
}

/* ---- power diagrams ---- */

static int64_t heaviest_rank(const struct sk_plan *plan, const struct sk_share *share)
{
    int64_t ncells = cells_of(share->n), heaviest = 0;
    int64_t *held = sk_calloc((size_t)plan->nranks, sizeof *held);
    int32_t *owner = sk_alloc((size_t)ncells, sizeof *owner);
    sk_plan_owners(plan, owner);
    for (int32_t i = 0; i < ncells; i++) {
        held[owner[i]] += weight_of(share, i);
        heaviest = held[owner[i]] > heaviest ? held[owner[i]] : heaviest;
    }
    sk_free(&owner);
    sk_free(&held);
    return heaviest;
}

/* Back to the old plan if the heaviest rank stays as heavy. */
static void adjust_power(struct sk_plan *plan, const struct sk_share *share, int64_t cap)
{
    int64_t was = heaviest_rank(plan, share);
    if (was <= cap)
        return;
    size_t size = sk_plan_pack(plan, NULL);
    void *bytes = sk_alloc(size, 1);
    sk_plan_pack(plan, bytes);
    if (!sk_power_adjust(plan, share, (double)cap) && heaviest_rank(plan, share) >= was) {
        struct sk_error err;
        sk_plan_clear(plan);
        SK_REQUIRE(sk_plan_unpack(plan, bytes, size, &err) == SK_OK);
    }
    sk_free(&bytes);
}

/* ---- all ---- */

void sk_plan_adjust(struct sk_plan *plan, const struct sk_share *share, double slack)
{
    int64_t total = 0, heaviest = 0, ncells = cells_of(share->n);
    SK_REQUIRE(memcmp(plan->n, share->n, sizeof plan->n) == 0 && plan->nranks == share->nranks && slack >= 0.0);
    for (int32_t i = 0; i < ncells; i++) {
        int64_t weight = weight_of(share, i);
        SK_REQUIRE(weight >= 0);
        total += weight;
        heaviest = weight > heaviest ? weight : heaviest;
    }
    int64_t cap = (int64_t)floor((double)total / plan->nranks * (1.0 + slack));
    int64_t mean = total / plan->nranks + (total % plan->nranks > 0); /* some rank has that, or one cell */
    cap = cap > mean ? cap : mean;
    cap = cap > heaviest ? cap : heaviest;
    if (plan->scheme == SK_SCHEME_KD) {
        struct sk_share moved;
        sk_origin_move(share, plan->origin, &moved);
        adjust_tree(plan, &moved, cap);
        sk_origin_clear(share, &moved);
    } else if (plan->scheme == SK_SCHEME_POWER) {
        adjust_power(plan, share, cap);
    } else {
        adjust_curve(plan, share, cap);
    }
}

int64_t sk_plan_moved(const struct sk_plan *before, const struct sk_plan *after, const struct sk_share *share)
{
    int64_t ncells = cells_of(before->n), moved = 0;
    SK_REQUIRE(memcmp(before->n, after->n, sizeof before->n) == 0 && memcmp(before->n, share->n, sizeof share->n) == 0);
    int32_t *old = sk_alloc((size_t)ncells, sizeof *old), *new = sk_alloc((size_t)ncells, sizeof *new);
    sk_plan_owners(before, old);
    sk_plan_owners(after, new);
    for (int64_t i = 0; i < ncells; i++)
        if (old[i] != new[i])
            moved += share->atoms ? share->atoms[i] : 1;
    sk_free(&new);
    sk_free(&old);
    return moved;
}
