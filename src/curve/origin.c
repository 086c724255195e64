#include "curve/origin.h"

#include "base/memory.h"

/* Half the box around a face should be lighter than this share of what it is around the old one: enough for a slab or
 * a droplet, too much for noise or clusters here and there. */
#define WORTH 0.75

static int32_t lightest_place(const int64_t *layer, int32_t n)
{
    int32_t half = n / 4 > 0 ? n / 4 : 1, best = 0;
    int64_t sum = 0, first, least;
    for (int32_t d = -half; d < half; d++)
        sum += layer[(d + n) % n];
    first = least = sum;
    for (int32_t at = 1; at < n; at++) {
        sum += layer[(at + half - 1) % n] - layer[(at - half - 1 + n) % n];
        if (sum < least) {
            least = sum;
            best = at;
        }
    }
    return (double)least < WORTH * (double)first ? best : 0;
}

void sk_origin_choose(const struct sk_share *share, int32_t origin[3])
{
    const int32_t *n = share->n;
    origin[0] = origin[1] = origin[2] = 0;
    if (!share->weight)
        return;
    int64_t *layer[3];
    for (int k = 0; k < 3; k++)
        layer[k] = sk_calloc((size_t)n[k], sizeof *layer[k]);
    const int64_t *weight = share->weight;
    for (int32_t z = 0; z < n[2]; z++)
        for (int32_t y = 0; y < n[1]; y++)
            for (int32_t x = 0; x < n[0]; x++, weight++) {
                layer[0][x] += *weight;
                layer[1][y] += *weight;
                layer[2][z] += *weight;
            }
    for (int k = 0; k < 3; k++) {
        if (n[k] > 3) /* in fewer, every layer touches a face anyway */
            origin[k] = lightest_place(layer[k], n[k]);
        sk_free(&layer[k]);
    }
}

void sk_origin_move(const struct sk_share *share, const int32_t origin[3], struct sk_share *moved)
{
    const int32_t *n = share->n;
    int64_t cells = (int64_t)n[0] * n[1] * n[2], to = 0;
    *moved = *share;
    if (!origin[0] && !origin[1] && !origin[2])
        return;
    int64_t *weight = share->weight ? sk_alloc((size_t)cells, sizeof *weight) : NULL;
    int32_t *atoms = share->atoms ? sk_alloc((size_t)cells, sizeof *atoms) : NULL;
    for (int32_t z = 0; z < n[2]; z++)
        for (int32_t y = 0; y < n[1]; y++)
            for (int32_t x = 0; x < n[0]; x++, to++) {
                int64_t from = (x + origin[0]) % n[0] +
                               n[0] * ((y + origin[1]) % n[1] + (int64_t)n[1] * ((z + origin[2]) % n[2]));
                if (weight)
                    weight[to] = share->weight[from];
                if (atoms)
                    atoms[to] = share->atoms[from];
            }
    moved->weight = weight;
    moved->atoms = atoms;
}

void sk_origin_clear(const struct sk_share *share, struct sk_share *moved)
{
    int64_t *weight = moved->weight == share->weight ? NULL : (int64_t *)moved->weight;
    int32_t *atoms = moved->atoms == share->atoms ? NULL : (int32_t *)moved->atoms;
    sk_free(&weight);
    sk_free(&atoms);
    moved->weight = NULL;
    moved->atoms = NULL;
}
