/* Log: what a person reads while a job runs: notes, warnings, a progress line.
 * Owns nothing; borrows two streams. Silent on all ranks but 0, so that callers need not ask. Not here:
 * JSON (json.h), errors (status.h: they travel as values and are printed once, by app). */
#ifndef SK_BASE_LOG_H
#define SK_BASE_LOG_H

#include <stdbool.h>
#include <stdio.h>

enum sk_verbosity {
    SK_LOG_QUIET = 0, /* warnings only */
    SK_LOG_NORMAL,    /* what every user wants */
    SK_LOG_DETAIL     /* choices made, reasons */
};

struct sk_log {
    FILE *out, *warnings; /* NULL on ranks that are silent */
    enum sk_verbosity verbosity;
    bool is_terminal;   /* out is one: the progress line is redrawn in place */
    int progress_width; /* columns of the progress line that stand on the terminal */
};

/* Local, as all here. Writes to `out` (stdout, or stderr when stdout carries JSON); warnings always go to
 * stderr. Both are flushed after every call. */
void sk_log_init(struct sk_log *log, FILE *out, int rank, enum sk_verbosity verbosity);
/* A line (the newline is added) if `level` is at most the verbosity. log NULL: nothing. */
void sk_log_note(struct sk_log *log, enum sk_verbosity level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "warning: ..." at any verbosity. */
void sk_log_warn(struct sk_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Redraws the progress line on a terminal; nothing on files and pipes. The next note or
 * warning takes its place. */
void sk_log_progress(struct sk_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
