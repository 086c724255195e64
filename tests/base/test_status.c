/* Facts checked: what a failure carries, and how the process ends on a bug or a fatal condition. */
#include "base/status.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static void test_fail_fills(void **state)
{
    (void)state;
    struct sk_error err = {SK_OK, "old"};
    assert_int_equal(sk_fail(&err, SK_EINPUT, "%s:%d: unknown key '%s'", "run.ini", 7, "cutof"), SK_EINPUT);
    assert_int_equal(err.code, SK_EINPUT);
    assert_string_equal(err.message, "run.ini:7: unknown key 'cutof'");
    assert_int_equal(sk_fail(&err, SK_EPHYSICS, "NaN"), SK_EPHYSICS);
    assert_string_equal(err.message, "NaN");
}

static void test_fail_truncates(void **state)
{
    (void)state;
    struct {
        struct sk_error err;
        char guard[16];
    } box;
    char text[3000];
    memset(&box, 'g', sizeof box);
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    sk_fail(&box.err, SK_EENV, "%s", text);
    assert_int_equal(strlen(box.err.message), sizeof box.err.message - 1);
    for (size_t i = 0; i < sizeof box.guard; i++)
        assert_true(box.guard[i] == 'g');
}

static void test_codes(void **state)
{
    (void)state; /* the documented exit codes */
    assert_int_equal(SK_OK, 0);
    assert_int_equal(SK_EINPUT, 1);
    assert_int_equal(SK_EPHYSICS, 2);
    assert_int_equal(SK_EENV, 3);
    assert_int_equal(SK_EINTERNAL, 70);
    assert_int_equal(SK_EXIT_STOPPED, 75);
}

static void hook(int code)
{
    _exit(100 + code);
}

static void die_plain(void)
{
    sk_process_set(5, 8, NULL);
    sk_die(SK_EENV, "disk %d is full", 4);
}

static void die_hooked(void)
{
    sk_process_set(2, 4, hook);
    sk_die(SK_EENV, "lost");
}

static void bug(void)
{
    sk_process_set(3, 4, NULL);
    SK_REQUIRE(1 + 1 == 3);
    _exit(0);
}

static void no_bug(void)
{
    SK_REQUIRE(1 + 1 == 2);
    SK_ASSERT(1);
    _exit(0);
}

/* Exit code of a child that runs f; its stderr comes back in text. */
static int exit_code_of(void (*f)(void), char *text, size_t room)
{
    int channel[2], status = 0;
    assert_int_equal(pipe(channel), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(channel[1], 2);
        f();
        _exit(99);
    }
    close(channel[1]);
    ssize_t n, total = 0;
    while ((n = read(channel[0], text + total, room - 1 - (size_t)total)) > 0)
        total += n;
    text[total] = 0;
    close(channel[0]);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_endings(void **state)
{
    (void)state;
    char text[512];
    assert_int_equal(exit_code_of(die_plain, text, sizeof text), 3);
    assert_string_equal(text, "skein: rank 5: disk 4 is full\n");
    assert_int_equal(exit_code_of(die_hooked, text, sizeof text), 103);
    assert_int_equal(exit_code_of(bug, text, sizeof text), 70);
    assert_non_null(strstr(text, "rank 3"));
    assert_non_null(strstr(text, "test_status.c:"));
    assert_non_null(strstr(text, "'1 + 1 == 3'"));
    assert_int_equal(exit_code_of(no_bug, text, sizeof text), 0);
}

static void test_rank(void **state)
{
    (void)state;
    assert_int_equal(sk_process_rank(), 0); /* before par has said anything */
    sk_process_set(6, 7, NULL);
    assert_int_equal(sk_process_rank(), 6);
    sk_process_set(0, 1, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail_fills), cmocka_unit_test(test_fail_truncates), cmocka_unit_test(test_codes),
        cmocka_unit_test(test_endings),    cmocka_unit_test(test_rank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
