#include "curve/slide.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"

/* A stretch of the curve that grows and shrinks at both ends, and how many of its cells touch each cell. */
struct stretch {
    const struct sk_slide *slide;
    unsigned char *touch; /* by cell: cells of the stretch among the cell and its neighbours, with repetitions */
    int64_t from, to;
    int64_t touched, own; /* values of the cells with touch > 0, and of the cells of the stretch */
};

static void stretch_init(struct stretch *s, const struct sk_slide *slide)
{
    *s = (struct stretch){.slide = slide};
    s->touch = sk_calloc((size_t)slide->n[0] * (size_t)slide->n[1] * (size_t)slide->n[2], 1);
}

static int64_t value_of(const struct sk_slide *slide, int64_t cell)
{
    return slide->value ? slide->value[cell] : 1;
}

/* Adds (sign 1) or removes (-1) the cell at a place of the curve. */
static inline void stretch_change(struct stretch *s, int64_t place, int sign)
{
    const struct sk_slide *slide = s->slide;
    const int32_t *n = slide->n, cell = slide->cells[place];
    const int32_t yz = cell / n[0], x = cell % n[0], z = yz / n[1], y = yz % n[1];
    const int32_t xs[3] = {x > 0 ? x - 1 : n[0] - 1, x, x < n[0] - 1 ? x + 1 : 0};
    const int32_t ys[3] = {y > 0 ? y - 1 : n[1] - 1, y, y < n[1] - 1 ? y + 1 : 0};
    const int32_t zs[3] = {z > 0 ? z - 1 : n[2] - 1, z, z < n[2] - 1 ? z + 1 : 0};
    const unsigned char edge = sign > 0 ? 0 : 1; /* the count whose change makes or ends a touch */
    int64_t changed = 0;
    for (int k = 0; k < 9; k++) {
        int64_t row = (int64_t)n[0] * (ys[k % 3] + (int64_t)n[1] * zs[k / 3]);
        for (int j = 0; j < 3; j++) {
            unsigned char *touch = &s->touch[row + xs[j]];
            if (*touch == edge)
                changed += value_of(slide, row + xs[j]);
            *touch = (unsigned char)(*touch + sign);
        }
    }
    s->touched += sign * changed;
    s->own += sign * value_of(slide, cell);
}

/* Makes it [from, to), in an order that never makes it negative. */
static void stretch_move(struct stretch *s, int64_t from, int64_t to)
{
    if (from >= s->to || to <= s->from) {
        while (s->to > s->from)
            stretch_change(s, --s->to, -1);
        s->from = s->to = from;
    }
    while (s->to < to)
        stretch_change(s, s->to++, 1);
    while (s->from > from)
        stretch_change(s, --s->from, 1);
    while (s->to > to)
        stretch_change(s, --s->to, -1);
    while (s->from < from)
        stretch_change(s, s->from++, -1);
}

static int64_t stretch_ghosts(const struct stretch *s)
{
    return s->touched - s->own;
}

static int64_t before(const struct sk_slide *slide, int64_t place)
{
    return slide->prefix ? slide->prefix[place] : place;
}

static int64_t cells_of(const struct sk_slide *slide)
{
    return (int64_t)slide->n[0] * slide->n[1] * slide->n[2];
}

static int64_t sum_of_ghosts(const struct sk_slide *slide, struct stretch *s, const int64_t *cut)
{
    int64_t sum = 0;
    for (int p = 0; p < slide->parts; p++) {
        stretch_move(s, cut[p], cut[p + 1]);
        sum += stretch_ghosts(s);
    }
    return sum;
}

/* ---- one cut at a time ---- */

#define SWEEPS 4

/* The first place in [from, to] with at least this weight before it, else to. */
static int64_t place_of(const struct sk_slide *slide, int64_t from, int64_t to, int64_t weight)
{
    while (from < to) {
        int64_t middle = from + (to - from) / 2;
        if (before(slide, middle) >= weight)
            to = middle;
        else
            from = middle + 1;
    }
    return to;
}

/* How far the cut between two parts may move: their weights stay within the cap, or what the heavier one has. */
static void reach_of_cut(const struct sk_slide *slide, const int64_t cut[3], int64_t *low, int64_t *high)
{
    int64_t cap = slide->cap, start = before(slide, cut[0]), end = before(slide, cut[2]);
    for (int k = 0; k < 2; k++) {
        int64_t weight = before(slide, cut[k + 1]) - before(slide, cut[k]);
        cap = weight > cap ? weight : cap;
    }
    int64_t few = (cut[2] - cut[0]) / 16 + 2; /* farther is not worth the time */
    *low = cut[1] - few > cut[0] ? cut[1] - few : cut[0] + (cut[0] < cut[1]);
    *high = cut[1] + few < cut[2] ? cut[1] + few : cut[2] - (cut[2] > cut[1]);
    *low = place_of(slide, *low, cut[1], end - cap);
    int64_t beyond = place_of(slide, cut[1], *high + 1, start + cap + 1);
    *high = beyond - 1 > cut[1] ? beyond - 1 : cut[1];
}

/* One pass over the cuts; returns what the sum of ghosts fell by. */
static int64_t sweep(const struct sk_slide *slide, struct stretch pair[2], int64_t *cut)
{
    int64_t gain = 0;
    struct stretch *left = &pair[0], *right = &pair[1];
    stretch_move(left, cut[0], cut[1]);
    for (int p = 1; p < slide->parts; p++) {
        int64_t low, high, best = cut[p];
        reach_of_cut(slide, cut + p - 1, &low, &high);
        stretch_move(right, cut[p], cut[p + 1]);
        int64_t was = stretch_ghosts(left) + stretch_ghosts(right), least = was;
        for (int64_t at = cut[p] - 1; at >= low; at--) {
            stretch_move(left, cut[p - 1], at);
            stretch_move(right, at, cut[p + 1]);
            int64_t ghosts = stretch_ghosts(left) + stretch_ghosts(right);
            if (ghosts < least) {
                least = ghosts;
                best = at;
            }
        }
        for (int64_t at = low; at <= high; at++) {
            stretch_move(left, cut[p - 1], at);
            stretch_move(right, at, cut[p + 1]);
            int64_t ghosts = stretch_ghosts(left) + stretch_ghosts(right);
            if (ghosts < least) {
                least = ghosts;
                best = at;
            }
        }
        stretch_move(right, best, cut[p + 1]);
        cut[p] = best;
        gain += was - least;
        struct stretch *other = left;
        left = right;
        right = other;
    }
    stretch_move(left, 0, 0);
    stretch_move(right, 0, 0);
    return gain;
}

/* ---- all cuts at once ---- */

#define PLACES_PER_SLACK 8
#define FLOOR_SLACKS     2 /* a part may be lighter than the mean by so many slacks */
#define BAND             2 /* a cut may leave its share by so many mean parts: cuts shift each other */

struct path {
    const struct sk_slide *slide;
    int64_t *place; /* candidates, ascending, first 0, last all */
    int64_t nplaces;
    int64_t *first;  /* [nplaces + 1]: edges of a candidate */
    int64_t *end;    /* [nplaces]: candidate at which its edges begin; edge i leads to end + i */
    int64_t *ghosts; /* of the part that an edge is */
};

static void path_clear(struct path *path)
{
    sk_free(&path->place);
    sk_free(&path->first);
    sk_free(&path->end);
    sk_free(&path->ghosts);
}

static void choose_places(struct path *path, const int64_t *cut, int64_t step)
{
    const struct sk_slide *slide = path->slide;
    int64_t cells = cells_of(slide), far = cells / slide->parts / PLACES_PER_SLACK + 1, next = 0, last = 0;
    size_t capacity = 0;
    int part = 0;
    for (int64_t i = 0; i <= cells; i++) {
        bool is_cut = false;
        for (; part <= slide->parts && cut[part] <= i; part++)
            is_cut |= cut[part] == i;
        if (!is_cut && before(slide, i) < next && i - last < far)
            continue;
        sk_reserve(&path->place, &capacity, (size_t)path->nplaces + 1);
        path->place[path->nplaces++] = i;
        last = i;
        next = before(slide, i) + step;
    }
}

/* Edges from every candidate to those that make a part of a permitted weight, and their ghosts. */
static void measure_edges(struct path *path, struct stretch *s, int64_t least)
{
    const struct sk_slide *slide = path->slide;
    path->first = sk_alloc((size_t)path->nplaces + 1, sizeof *path->first);
    path->end = sk_alloc((size_t)path->nplaces, sizeof *path->end);
    int64_t low = 0, high = 0, edges = 0;
    for (int64_t i = 0; i < path->nplaces; i++) {
        int64_t start = before(slide, path->place[i]);
        while (low < path->nplaces && (low <= i || before(slide, path->place[low]) < start + least))
            low++;
        while (high < path->nplaces && before(slide, path->place[high]) <= start + slide->cap)
            high++;
        path->first[i] = edges;
        path->end[i] = low;
        edges += high > low ? high - low : 0;
    }
    path->first[path->nplaces] = edges;
    path->ghosts = sk_alloc((size_t)edges + 1, sizeof *path->ghosts);
    for (int64_t i = 0; i < path->nplaces; i++) {
        int64_t count = path->first[i + 1] - path->first[i];
        for (int64_t k = 0; k < count; k++) {
            int64_t e = i % 2 ? count - 1 - k : k; /* to and fro */
            stretch_move(s, path->place[i], path->place[path->end[i] + e]);
            path->ghosts[path->first[i] + e] = stretch_ghosts(s);
        }
    }
    stretch_move(s, 0, 0);
}

/* The candidates that cut p may take: [low, high). */
static void window(const struct path *path, int p, int64_t *low, int64_t *high)
{
    const struct sk_slide *slide = path->slide;
    int64_t total = before(slide, cells_of(slide)), mean = total / slide->parts;
    int64_t share = (int64_t)((double)total * p / slide->parts);
    int64_t least = total - (slide->parts - p) * slide->cap, most = p * slide->cap;
    least = least > share - BAND * mean ? least : share - BAND * mean;
    most = most < share + BAND * mean ? most : share + BAND * mean;
    int64_t a = 0, b = path->nplaces;
    while (a < b) {
        int64_t middle = (a + b) / 2;
        if (before(slide, path->place[middle]) < least)
            a = middle + 1;
        else
            b = middle;
    }
    *low = a;
    for (b = path->nplaces; a < b;) {
        int64_t middle = (a + b) / 2;
        if (before(slide, path->place[middle]) <= most)
            a = middle + 1;
        else
            b = middle;
    }
    *high = b;
}

/* The path from the first candidate to the last in `parts` edges with the fewest ghosts; false if there is none. */
static bool shortest_path(const struct path *path, int64_t *cut, int64_t *sum)
{
    const int parts = path->slide->parts;
    int64_t *low = sk_alloc((size_t)parts + 1, sizeof *low), *high = sk_alloc((size_t)parts + 1, sizeof *high);
    int64_t *offset = sk_alloc((size_t)parts + 2, sizeof *offset);
    offset[0] = 0;
    for (int p = 0; p <= parts; p++) {
        window(path, p, &low[p], &high[p]);
        low[p] = p == parts ? path->nplaces - 1 : low[p];
        high[p] = p == 0 ? 1 : high[p];
        offset[p + 1] = offset[p] + high[p] - low[p];
    }
    int64_t *cost = sk_alloc((size_t)offset[parts + 1], sizeof *cost);
    int32_t *from = sk_alloc((size_t)offset[parts + 1], sizeof *from);
    for (int64_t i = 0; i < offset[parts + 1]; i++)
        cost[i] = i ? INT64_MAX : 0;
    for (int p = 0; p < parts; p++)
        for (int64_t i = low[p]; i < high[p]; i++) {
            int64_t so_far = cost[offset[p] + i - low[p]];
            if (so_far == INT64_MAX)
                continue;
            int64_t end = path->end[i], count = path->first[i + 1] - path->first[i];
            for (int64_t e = end > low[p + 1] ? 0 : low[p + 1] - end; e < count && end + e < high[p + 1]; e++) {
                int64_t at = offset[p + 1] + end + e - low[p + 1], ghosts = so_far + path->ghosts[path->first[i] + e];
                if (ghosts < cost[at]) {
                    cost[at] = ghosts;
                    from[at] = (int32_t)i;
                }
            }
        }
    *sum = cost[offset[parts + 1] - 1];
    if (*sum < INT64_MAX)
        for (int64_t p = parts, i = path->nplaces - 1; p > 0; p--) {
            cut[p] = path->place[i];
            i = from[offset[p] + i - low[p]];
        }
    sk_free(&from);
    sk_free(&cost);
    sk_free(&offset);
    sk_free(&high);
    sk_free(&low);
    return *sum < INT64_MAX;
}

static int64_t best_path(const struct sk_slide *slide, struct stretch *s, int64_t *cut, int64_t sum)
{
    int64_t total = before(slide, cells_of(slide)), mean = total / slide->parts, slack = slide->cap - mean;
    int64_t step = slack / PLACES_PER_SLACK > 0 ? slack / PLACES_PER_SLACK : 1;
    if (mean < 1 || slack < 1)
        return sum;
    struct path path = {.slide = slide};
    choose_places(&path, cut, step);
    measure_edges(&path, s, mean - FLOOR_SLACKS * slack > 1 ? mean - FLOOR_SLACKS * slack : 1);
    int64_t *found = sk_alloc((size_t)slide->parts + 1, sizeof *found), least;
    found[0] = 0;
    if (shortest_path(&path, found, &least) && least < sum) {
        memcpy(cut, found, ((size_t)slide->parts + 1) * sizeof *cut);
        sum = least;
    }
    sk_free(&found);
    path_clear(&path);
    return sum;
}

int64_t sk_slide_cuts(const struct sk_slide *slide, int64_t *cut)
{
    struct stretch pair[2];
    stretch_init(&pair[0], slide);
    stretch_init(&pair[1], slide);
    int64_t sum = sum_of_ghosts(slide, &pair[0], cut);
    stretch_move(&pair[0], 0, 0);
    if (cells_of(slide) <= SK_SLIDE_FEW)
        sum = best_path(slide, &pair[0], cut, sum);
    for (int k = 0; k < SWEEPS; k++) {
        int64_t gain = sweep(slide, pair, cut);
        sum -= gain;
        if (200 * gain < sum) /* half a per cent */
            break;
    }
    sk_free(&pair[0].touch);
    sk_free(&pair[1].touch);
    return sum;
}
