/* Status: how a failure travels.
 * Owns nothing. A function that can fail takes a `struct sk_error *` as its last argument,
 * fills it and returns the code; it never prints and never exits. Not here: printing (app). */
#ifndef SK_BASE_STATUS_H
#define SK_BASE_STATUS_H

/* The exit codes of the program are these codes. */
enum sk_code {
    SK_OK = 0,        /* done */
    SK_EINPUT = 1,    /* bad usage or input */
    SK_EPHYSICS = 2,  /* constraint failure, NaN, overflow */
    SK_EENV = 3,      /* I/O, memory, MPI */
    SK_EINTERNAL = 70 /* a bug */
};
#define SK_EXIT_STOPPED 75 /* stopped early with a checkpoint: run again with --resume */

struct sk_error {
    enum sk_code code;
    char message[1024];
};

/* Fills *err with the printf-style message and returns code. Local. */
enum sk_code sk_fail(struct sk_error *err, enum sk_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The process record: set once by par, so that a bug report can name the rank and end the job. */
void sk_process_set(int rank, int size, void (*abort_hook)(int code));
int sk_process_rank(void);

/* Prints message with rank and place to stderr, then ends the whole job with SK_EINTERNAL. */
_Noreturn void sk_bug(const char *file, int line, const char *claim);
/* Ends the whole job with `code` after printing the message to stderr (out of memory, lost rank). */
_Noreturn void sk_die(enum sk_code code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define SK_REQUIRE(claim) ((claim) ? (void)0 : sk_bug(__FILE__, __LINE__, #claim))
#ifdef SK_DEBUG
#define SK_ASSERT(claim) SK_REQUIRE(claim)
#else
#define SK_ASSERT(claim) ((void)0)
#endif

#endif
