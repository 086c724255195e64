#include "read/lines.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static void lines_are_counted_and_checked(void **state)
{
    /* Longer than the reader's block, so that lines straddle blocks; CR LF and LF in turn, the last without an end. */
    enum { COUNT = 3000 };
    char name[] = "/tmp/sk_lines_XXXXXX";
    struct sk_lines lines;
    struct sk_error err;
    (void)state;
    FILE *out = fdopen(mkstemp(name), "w");
    assert_non_null(out);
    for (int i = 1; i <= COUNT; i++)
        fprintf(out, "%0*d%s", i % 97 + 1, i, i == COUNT ? "" : i % 2 ? "\n" : "\r\n");
    fclose(out);
    int opened = sk_lines_open(&lines, name, 97, &err);
    unlink(name);
    assert_int_equal(opened, SK_OK);
    for (int i = 1; i <= COUNT; i++) {
        char expected[128];
        snprintf(expected, sizeof expected, "%0*d", i % 97 + 1, i);
        assert_int_equal(sk_lines_next(&lines, &err), 1);
        assert_string_equal(lines.text, expected);
        assert_int_equal(lines.number, i);
        assert_int_equal(lines.length, strlen(expected));
    }
    assert_int_equal(sk_lines_next(&lines, &err), 0);
    assert_int_equal(sk_lines_next(&lines, &err), 0);
    sk_lines_close(&lines);
    sk_lines_close(&lines);
    sk_lines_open_text(&lines, "t", "\n12345\r\n123456\n", 15, 5);
    assert_int_equal(sk_lines_next(&lines, &err), 1);
    assert_int_equal(lines.length, 0);
    assert_int_equal(sk_lines_next(&lines, &err), 1);
    assert_string_equal(lines.text, "12345");
    assert_int_equal(sk_lines_next(&lines, &err), -1);
    assert_string_equal(err.message, "t:3: line longer than 5 bytes; break it up");
    sk_lines_close(&lines);
    if (access("/dev/zero", R_OK) == 0) {
        assert_int_equal(sk_lines_open(&lines, "/dev/zero", 100, &err), SK_OK);
        assert_int_equal(sk_lines_next(&lines, &err), -1); /* an endless line ends */
        assert_string_equal(err.message, "/dev/zero:1: a NUL byte in the line; is this a binary file?");
        sk_lines_close(&lines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_counted_and_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
