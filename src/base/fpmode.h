/* Floating-point mode: host programs change rounding and flush-to-zero flags, and bits depend on them. Every entry of
 * the library sets round-to-nearest without flushing, and gives the caller's mode back on leaving. Owns nothing. */
#ifndef SK_BASE_FPMODE_H
#define SK_BASE_FPMODE_H

#if defined(__x86_64__)
#include <xmmintrin.h>

/* Returns the mode to be given to leave. */
static inline unsigned sk_fpmode_enter(void)
{
    unsigned before = _mm_getcsr();
    _mm_setcsr(0x1f80); /* all exceptions masked, nearest, no flush-to-zero, no denormals-are-zero */
    return before;
}

static inline void sk_fpmode_leave(unsigned before)
{
    _mm_setcsr(before);
}
#else
#error "the floating-point mode of this processor is not known to src/base/fpmode.h"
#endif

#endif
