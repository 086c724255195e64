/* Fail: a message about the current line of a file. Owns nothing. Not here: files with includes (preprocess.h). */
#ifndef SK_READ_FAIL_H
#define SK_READ_FAIL_H

#include "base/status.h"
#include "read/lines.h"

/* Fills *err with "FILE:LINE: message" and returns SK_EINPUT. Local. */
enum sk_code sk_lines_fail(const struct sk_lines *lines, struct sk_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
