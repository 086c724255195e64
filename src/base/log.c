#include "base/log.h"

#include <stdarg.h>
#include <unistd.h>

void sk_log_init(struct sk_log *log, FILE *out, int rank, enum sk_verbosity verbosity)
{
    *log = (struct sk_log){.verbosity = verbosity};
    if (rank != 0)
        return;
    log->out = out;
    log->warnings = stderr;
    log->is_terminal = isatty(fileno(out)) == 1;
}

static void erase_progress(struct sk_log *log)
{
    if (log->progress_width > 0)
        fprintf(log->out, "\r%*s\r", log->progress_width, "");
    fflush(log->out); /* before another stream writes to the same terminal */
    log->progress_width = 0;
}

static void write_line(FILE *to, const char *prefix, const char *format, va_list args)
{
    flockfile(to);
    fputs(prefix, to);
    vfprintf(to, format, args);
    fputc('\n', to);
    fflush(to);
    funlockfile(to);
}

void sk_log_note(struct sk_log *log, enum sk_verbosity level, const char *format, ...)
{
    if (!log || !log->out || level > log->verbosity)
        return;
    va_list args;
    va_start(args, format);
    erase_progress(log);
    write_line(log->out, "", format, args);
    va_end(args);
}

void sk_log_warn(struct sk_log *log, const char *format, ...)
{
    if (!log || !log->warnings)
        return;
    va_list args;
    va_start(args, format);
    erase_progress(log);
    write_line(log->warnings, "warning: ", format, args);
    va_end(args);
}

void sk_log_progress(struct sk_log *log, const char *format, ...)
{
    if (!log || !log->out || !log->is_terminal || log->verbosity == SK_LOG_QUIET)
        return;
    va_list args;
    va_start(args, format);
    erase_progress(log);
    int width = vfprintf(log->out, format, args);
    va_end(args);
    log->progress_width = width > 0 ? width : 0;
    fflush(log->out);
}
