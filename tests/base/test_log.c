#include "base/log.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

/* A log that writes into memory, notes and warnings apart. */
struct capture {
    char *notes, *warnings;
    size_t notes_size, warnings_size;
    FILE *note_stream, *warning_stream;
    struct sk_log log;
};

static void capture_open(struct capture *c, int rank, enum sk_verbosity verbosity)
{
    c->note_stream = open_memstream(&c->notes, &c->notes_size);
    c->warning_stream = open_memstream(&c->warnings, &c->warnings_size);
    sk_log_init(&c->log, c->note_stream, rank, verbosity);
    if (c->log.warnings)
        c->log.warnings = c->warning_stream;
}

static void capture_close(struct capture *c)
{
    fclose(c->note_stream);
    fclose(c->warning_stream);
    free(c->notes);
    free(c->warnings);
}

static void say_everything(struct sk_log *log)
{
    sk_log_note(log, SK_LOG_NORMAL, "step %d", 7);
    sk_log_progress(log, "%d %%", 50);
    sk_log_note(log, SK_LOG_DETAIL, "kernel %s", "avx2");
    sk_log_warn(log, "%d ranks own nothing", 3);
    sk_log_note(log, SK_LOG_QUIET, "hash");
}

static void verbosity_decides_what_is_said(void **state)
{
    (void)state;
    const char *expected[3] = {"hash\n", "step 7\nhash\n", "step 7\nkernel avx2\nhash\n"};
    for (int verbosity = SK_LOG_QUIET; verbosity <= SK_LOG_DETAIL; verbosity++) {
        struct capture c;
        capture_open(&c, 0, (enum sk_verbosity)verbosity);
        say_everything(&c.log);
        assert_string_equal(c.notes, expected[verbosity]); /* flushed: no close needed */
        assert_string_equal(c.warnings, "warning: 3 ranks own nothing\n");
        capture_close(&c);
    }
}

static void other_ranks_are_silent(void **state)
{
    (void)state;
    struct capture c;
    capture_open(&c, 1, SK_LOG_DETAIL);
    say_everything(&c.log);
    say_everything(NULL);
    fflush(c.note_stream);
    fflush(c.warning_stream);
    assert_int_equal(c.notes_size, 0);
    assert_int_equal(c.warnings_size, 0);
    capture_close(&c);
}

static void progress_is_erased_by_the_next_line(void **state)
{
    (void)state;
    struct capture c;
    capture_open(&c, 0, SK_LOG_NORMAL);
    c.log.is_terminal = true;
    sk_log_progress(&c.log, "%s", "10 %");
    sk_log_progress(&c.log, "%s", "90 %");
    sk_log_note(&c.log, SK_LOG_NORMAL, "done");
    sk_log_note(&c.log, SK_LOG_NORMAL, "bye");
    assert_string_equal(c.notes, "10 %\r    \r90 %\r    \rdone\nbye\n");
    capture_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verbosity_decides_what_is_said),
        cmocka_unit_test(other_ranks_are_silent),
        cmocka_unit_test(progress_is_erased_by_the_next_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
