/* Pruning and displacement: distances in float without fma (which the baseline lacks), no forces. */

/* The pairs of a tile within radius2 (in quanta^2), as bits of its mask. */
SK_INLINE uint32_t prune_within(const struct pair_side *side, const int32_t *x, vf radius2)
{
    uint32_t within = 0;
    SK_EACH_REGISTER(r)
    {
        vf dx = vf_of_int(vi_sub(side->x[r], vi_load_j(x, r)));
        vf dy = vf_of_int(vi_sub(side->y[r], vi_load_j(x + 8, r)));
        vf dz = vf_of_int(vi_sub(side->z[r], vi_load_j(x + 16, r)));
        vf r2 = vf_add(vf_mul(dz, dz), vf_add(vf_mul(dy, dy), vf_mul(dx, dx)));
        within |= vm_bits(vm_less(r2, radius2)) << (SK_LANES * r);
    }
    return within;
}

int VARIANT(prune)(const struct sk_packs *packs, const struct sk_tiles *tiles, float r2_scale, float radius2,
                   const struct sk_shifts *shifts, struct sk_ientry *kept_entries, struct sk_tile *kept)
{
    struct pair_side side;
    vf limit = vf_set(radius2 * (1.0f / r2_scale));
    int count = 0;
    for (int k = tiles->first_entry; k < tiles->end_entry; k++) {
        struct sk_ientry e = tiles->entries[k];
        struct sk_ientry *out = kept_entries++;
        pair_side_load(&side, NULL, packs, (size_t)e.icluster, shifts->x[e.shift], SK_LJ_NONE);
        *out = e;
        out->first = count;
        /* store always, advance if kept: a branch here would be mispredicted */
        for (int t = e.first; t < e.first_full; t++) {
            struct sk_tile tile = tiles->tiles[t];
            kept[count] = tile;
            count += (prune_within(&side, packs->x + 24 * (size_t)tile.pack, limit) & tile.mask) != 0;
        }
        out->first_full = count;
        for (int t = e.first_full; t < e.end; t++) {
            struct sk_tile tile = tiles->tiles[t];
            kept[count] = tile;
            count += prune_within(&side, packs->x + 24 * (size_t)tile.pack, limit) != 0;
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
