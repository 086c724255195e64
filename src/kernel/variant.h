/* Variant: the functions that variant.c, compiled once for each instruction set, hands to the table
 * in dispatch.c, which is compiled for any processor. Not here: what they do (pair.h). */
#ifndef SK_KERNEL_VARIANT_H
#define SK_KERNEL_VARIANT_H

#include "kernel/pair.h"

#define SK_VARIANT_FUNCTIONS(name)                                      \
    extern sk_pair_kernel sk_pair_##name;                               \
    extern sk_pair_wide_kernel sk_pair_wide_##name;                     \
    extern sk_pair_energy_kernel sk_pair_energy_##name;                 \
    extern sk_pair_parts_kernel sk_pair_parts_##name;                   \
    extern sk_prune_kernel sk_prune_##name;                             \
    extern sk_displacement_kernel sk_displacement_##name;               \
    extern sk_kick_kernel sk_kick_##name;                               \
    extern sk_drift_kernel sk_drift_##name;                             \
    extern sk_move_kernel sk_move_##name;                               \
    extern sk_near_kernel sk_near_##name;                               \
    extern sk_fragment_positions_kernel sk_fragment_positions_##name;   \
    extern sk_fragment_velocities_kernel sk_fragment_velocities_##name; \
    extern sk_water_positions_kernel sk_water_positions_##name;         \
    extern sk_water_velocities_kernel sk_water_velocities_##name;       \
    extern sk_fft_kernel sk_fft_##name;                                 \
    extern sk_spread_kernel sk_spread_##name;                           \
    extern sk_gather_kernel sk_gather_##name;                           \
    extern sk_ewald_table_kernel sk_ewald_table_##name;                 \
    extern sk_ewald_part_kernel sk_ewald_part_##name;

SK_VARIANT_FUNCTIONS(baseline)
SK_VARIANT_FUNCTIONS(avx2)
SK_VARIANT_FUNCTIONS(avx512)

#endif
