#include "read/fail.h"

#include <stdarg.h>
#include <stdio.h>

enum sk_code sk_lines_fail(const struct sk_lines *lines, struct sk_error *err, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return sk_fail(err, SK_EINPUT, "%.480s:%lld: %s", lines->name, (long long)lines->number, message);
}
