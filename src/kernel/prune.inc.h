/* Pruning by the high halves of coordinates, which are integers that one multiplication squares and adds two at a time;
 * displacement in float without fma (which the baseline lacks). */

/* The high halves of x and y together, and that of z. */
SK_INLINE vi prune_plane(vi x, vi y)
{
    return vi_or(vi_high(x), vi_and(y, vi_set(-0x10000)));
}

/* high[n][2][8], of every pack: x with y, and z. */
static void prune_coarsen(const struct sk_packs *packs, int32_t *high)
{
    for (int p = 0; p < packs->n; p++)
        for (int l = 0; l < SK_PACK; l++) {
            const uint32_t *x = (const uint32_t *)packs->x + 24 * (size_t)p + l;
            high[16 * (size_t)p + l] = (int32_t)(x[0] >> 16 | (x[8] & 0xffff0000u));
            high[16 * (size_t)p + 8 + l] = (int32_t)(x[16] >> 16);
        }
}

struct prune_side {
    vi plane[SK_REGS], z[SK_REGS];
};

/* The pairs of a tile within the limit, as bits of its mask. */
SK_INLINE uint32_t prune_within(const struct prune_side *side, const int32_t *high, vi limit2)
{
    uint32_t within = 0;
    SK_EACH_REGISTER(r)
    {
        vi plane = vi_sub16(side->plane[r], vi_load_j(high, r)), z = vi_sub16(side->z[r], vi_load_j(high + 8, r));
        vi r2 = vi_add(vi_squares16(plane), vi_squares16(z));
        within |= vm_bits(vi_less(r2, limit2)) << (SK_LANES * r);
    }
    return within;
}

int VARIANT(prune)(const struct sk_packs *packs, const struct sk_tiles *tiles, int32_t limit2,
                   const struct sk_shifts *shifts, int32_t *high, struct sk_ientry *kept_entries, struct sk_tile *kept)
{
    const vi limit = vi_set(limit2);
    int count = 0;
    prune_coarsen(packs, high);
    for (int k = tiles->first_entry; k < tiles->end_entry; k++) {
        struct sk_ientry e = tiles->entries[k];
        struct sk_ientry *out = kept_entries++;
        struct pair_side at;
        struct prune_side side;
        pair_side_load(&at, NULL, packs, (size_t)e.icluster, shifts->x[e.shift], SK_LJ_NONE);
        SK_EACH_REGISTER(r)
        {
            side.plane[r] = prune_plane(at.x[r], at.y[r]);
            side.z[r] = vi_high(at.z[r]);
        }
        *out = e;
        out->first = count;
        /* store always, advance if kept: a branch here would be mispredicted */
        for (int t = e.first; t < e.first_full; t++) {
            struct sk_tile tile = tiles->tiles[t];
            kept[count] = tile;
            count += (prune_within(&side, high + 16 * (size_t)tile.pack, limit) & tile.mask) != 0;
        }
        out->first_full = count;
        for (int t = e.first_full; t < e.end; t++) {
            struct sk_tile tile = tiles->tiles[t];
            kept[count] = tile;
            count += prune_within(&side, high + 16 * (size_t)tile.pack, limit) != 0;
        }
        out->end = count;
    }
    return count;
}

/* Eight running maxima, so that the loop vectorises without reordering anything that rounds. */
float VARIANT(displacement)(const int32_t *x, const int32_t *reference, int npacks)
{
    float best[8] = {0.0f};
    for (size_t p = 0; p < (size_t)npacks; p++) {
        const int32_t *a = x + 24 * p, *b = reference + 24 * p;
        for (int l = 0; l < 8; l++) {
            float dx = (float)(int32_t)((uint32_t)a[l] - (uint32_t)b[l]);
            float dy = (float)(int32_t)((uint32_t)a[l + 8] - (uint32_t)b[l + 8]);
            float dz = (float)(int32_t)((uint32_t)a[l + 16] - (uint32_t)b[l + 16]);
            float r2 = dx * dx + dy * dy + dz * dz;
            best[l] = r2 > best[l] ? r2 : best[l];
        }
    }
    for (int l = 1; l < 8; l++)
        best[0] = best[l] > best[0] ? best[l] : best[0];
    return best[0];
}
