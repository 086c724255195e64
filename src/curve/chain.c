#include "curve/chain.h"

#include <stdbool.h>

#include "base/int128.h"
#include "base/status.h"

struct chain {
    const int64_t *prefix;
    int64_t n, stride; /* stride: cells in a part at the mean density, a first guess */
};

static int64_t before(const struct chain *chain, int64_t i)
{
    return chain->prefix ? chain->prefix[i] : i;
}

/* The largest i >= from with before(i) <= limit; before(from) <= limit. Searches outwards in growing steps, for parts
 * are about as long as each other. */
static int64_t farthest(const struct chain *chain, int64_t from, int64_t limit)
{
    int64_t low = from, high = chain->n + 1; /* before(low) <= limit < before(high) */
    for (int64_t step = chain->stride; low + step < high; step *= 2) {
        if (before(chain, low + step) > limit) {
            high = low + step;
            break;
        }
        low += step;
    }
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (before(chain, middle) <= limit)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The smallest i <= to with before(i) >= limit; before(to) >= limit. */
static int64_t nearest(const struct chain *chain, int64_t to, int64_t limit)
{
    int64_t low = -1, high = to; /* before(low) < limit <= before(high) */
    for (int64_t step = chain->stride; high - step > low; step *= 2) {
        if (before(chain, high - step) < limit) {
            low = high - step;
            break;
        }
        high -= step;
    }
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (before(chain, middle) >= limit)
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* The weight before the end of a part of this weight that begins at a cell; sums stay below the whole. */
static int64_t limit_of(const struct chain *chain, int64_t at, int64_t bottleneck)
{
    int64_t total = before(chain, chain->n), start = before(chain, at);
    return start > total - bottleneck ? total : start + bottleneck;
}

static bool is_enough(const struct chain *chain, int parts, int64_t bottleneck)
{
    int64_t at = 0;
    for (int p = 0; p < parts && at < chain->n; p++) {
        int64_t to = farthest(chain, at, limit_of(chain, at, bottleneck));
        if (to == at)
            return false;
        at = to;
    }
    return at == chain->n;
}

static int64_t find_bottleneck(const struct chain *chain, int parts)
{
    int64_t total = before(chain, chain->n), heaviest = 0;
    if (chain->prefix)
        for (int64_t i = 0; i < chain->n; i++) {
            SK_REQUIRE(chain->prefix[i] <= chain->prefix[i + 1]);
            if (chain->prefix[i + 1] - chain->prefix[i] > heaviest)
                heaviest = chain->prefix[i + 1] - chain->prefix[i];
        }
    else
        heaviest = chain->n > 0;
    /* Greedy parts of mean + heaviest - 1 hold at least the mean each, so they are enough. */
    int64_t mean = total / parts + (total % parts > 0);
    int64_t low = mean > heaviest ? mean : heaviest, high = mean + (heaviest > 0 ? heaviest - 1 : 0);
    high = high < total ? high : total;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (is_enough(chain, parts, middle))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The place whose weight before it is nearest to part / parts of the whole, not before from. */
static int64_t ideal_place(const struct chain *chain, int64_t from, int part, int parts)
{
    sk_int128 share = (sk_int128)before(chain, chain->n) * part;
    int64_t floor_share = (int64_t)(share / parts);
    if (before(chain, from) > floor_share)
        return from;
    int64_t at = farthest(chain, from, floor_share);
    if (at == chain->n)
        return at;
    sk_int128 under = share - (sk_int128)before(chain, at) * parts,
              over = (sk_int128)before(chain, at + 1) * parts - share;
    return over < under ? at + 1 : at;
}

int64_t sk_chain_cut(const int64_t *prefix, int64_t n, int parts, int64_t *cut)
{
    SK_REQUIRE(parts >= 1 && n >= 0 && (!prefix || prefix[0] == 0));
    const struct chain chain = {prefix, n, n / parts + 1};
    int64_t bottleneck = find_bottleneck(&chain, parts);
    /* Before cut p must not lie more than the parts from p on can hold. */
    cut[parts] = n;
    for (int p = parts - 1; p >= 0; p--)
        cut[p] = nearest(&chain, cut[p + 1], before(&chain, cut[p + 1]) - bottleneck);
    SK_REQUIRE(cut[0] == 0);
    for (int p = 1; p < parts; p++) {
        int64_t least = cut[p] > cut[p - 1] ? cut[p] : cut[p - 1];
        int64_t place = ideal_place(&chain, cut[p - 1], p, parts);
        int64_t most = farthest(&chain, cut[p - 1], limit_of(&chain, cut[p - 1], bottleneck));
        cut[p] = place < least ? least : place > most ? most : place;
    }
    return bottleneck;
}
