#include <stddef.h>
#include <string.h>

#include "kernel/variant.h"

static int has_baseline(void)
{
    return 1;
}

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}

#define DISPATCH_VARIANT(name)                                                                                        \
    {                                                                                                                 \
#name, has_##name, sk_pair_##name, sk_pair_wide_##name, sk_pair_energy_##name, sk_pair_parts_##name,          \
            sk_prune_##name, sk_displacement_##name, sk_kick_##name, sk_drift_##name, sk_move_##name, sk_near_##name, \
            sk_fragment_positions_##name, sk_fragment_velocities_##name, sk_water_positions_##name,                   \
            sk_water_velocities_##name, sk_fft_##name, sk_spread_##name, sk_gather_##name, sk_ewald_table_##name,     \
            sk_ewald_part_##name                                                                                      \
    }

static const struct sk_kernel_variant dispatch_table[] = {
    DISPATCH_VARIANT(baseline),
    DISPATCH_VARIANT(avx2),
    DISPATCH_VARIANT(avx512),
};
enum { DISPATCH_COUNT = sizeof dispatch_table / sizeof dispatch_table[0] };

const struct sk_kernel_variant *sk_kernel_variants(int *count)
{
    *count = DISPATCH_COUNT;
    return dispatch_table;
}

const struct sk_kernel_variant *sk_kernel_find(const char *name)
{
    const int is_auto = strcmp(name, "auto") == 0;
    for (int k = DISPATCH_COUNT - 1; k >= 0; k--)
        if (is_auto ? dispatch_table[k].is_supported() : strcmp(name, dispatch_table[k].name) == 0)
            return &dispatch_table[k];
    return NULL;
}
