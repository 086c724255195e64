#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    int rank, size;
    void (*abort_hook)(int code);
} process = {0, 1, NULL};

enum sk_code sk_fail(struct sk_error *err, enum sk_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err->code = code;
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return code;
}

void sk_process_set(int rank, int size, void (*abort_hook)(int code))
{
    process.rank = rank;
    process.size = size;
    process.abort_hook = abort_hook;
}

int sk_process_rank(void)
{
    return process.rank;
}

static _Noreturn void process_end(int code)
{
    fflush(NULL);
    if (process.abort_hook)
        process.abort_hook(code);
    exit(code);
}

void sk_bug(const char *file, int line, const char *claim)
{
    fprintf(stderr, "skein: internal error on rank %d at %s:%d: '%s' does not hold; please report this\n", process.rank,
            file, line, claim);
    process_end(SK_EINTERNAL);
}

void sk_die(enum sk_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "skein: rank %d: ", process.rank);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    process_end(code);
}
