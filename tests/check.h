/* Check: comparisons of doubles that cmocka 1.1.5 lacks. */
#ifndef SK_TESTS_CHECK_H
#define SK_TESTS_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Fails unless |a - b| <= absolute + relative * |b|; NaN fails. */
#define check_near(a, b, absolute, relative) check_near_((a), (b), (absolute), (relative), #a, __FILE__, __LINE__)
static inline void check_near_(double a, double b, double absolute, double relative, const char *what, const char *file,
                               int line)
{
    if (!(fabs(a - b) <= absolute + relative * fabs(b))) {
        print_error("%s = %.17g, expected %.17g (off by %.3g)\n", what, a, b, a - b);
        _fail(file, line);
    }
}

#endif
