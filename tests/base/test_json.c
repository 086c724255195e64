#include "base/json.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Expected texts are written by hand after RFC 8259. */

static void items_and_nesting(void **state)
{
    (void)state;
    struct sk_json json;
    struct sk_error err;
    sk_json_init(&json, NULL);
    sk_json_begin(&json);
    assert_int_equal(sk_json_end(&json, &err), SK_OK);
    assert_string_equal(sk_json_text(&json), "{}\n");

    sk_json_begin(&json);
    sk_json_string(&json, "event", "energy");
    sk_json_int(&json, "step", INT64_MIN);
    sk_json_open_object(&json, "terms");
    sk_json_double(&json, "lj", -0.5);
    sk_json_open_object(&json, "none");
    sk_json_close(&json);
    sk_json_double(&json, "bond", 3);
    sk_json_close(&json);
    sk_json_open_array(&json, "box");
    sk_json_int(&json, NULL, 1);
    sk_json_open_array(&json, NULL);
    sk_json_close(&json);
    sk_json_string(&json, NULL, NULL);
    sk_json_close(&json);
    sk_json_bool(&json, "ok", true);
    sk_json_bool(&json, "late", false);
    assert_int_equal(sk_json_end(&json, &err), SK_OK);
    assert_string_equal(sk_json_text(&json),
                        "{\"event\":\"energy\",\"step\":-9223372036854775808,\"terms\":{\"lj\":-0.5,\"none\":{},"
                        "\"bond\":3},\"box\":[1,[],null],\"ok\":true,\"late\":false}\n");
    sk_json_clear(&json);
}

static const char *quoted(struct sk_json *json, const char *value)
{
    struct sk_error err;
    sk_json_begin(json);
    sk_json_string(json, "k", value);
    assert_int_equal(sk_json_end(json, &err), SK_OK);
    return sk_json_text(json);
}

static void strings_are_escaped(void **state)
{
    (void)state;
    struct sk_json json;
    sk_json_init(&json, NULL);
    assert_string_equal(quoted(&json, "a\"b\\c/d"), "{\"k\":\"a\\\"b\\\\c/d\"}\n");
    assert_string_equal(quoted(&json, "\n\t\x01\x7f"), "{\"k\":\"\\u000a\\u0009\\u0001\\u007f\"}\n");
    /* two, three and four bytes: e acute, euro sign, an emoji */
    assert_string_equal(quoted(&json, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
                        "{\"k\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}\n");
    /* Latin-1 e acute; overlong slash; surrogate; beyond U+10FFFF; cut at the end */
    assert_string_equal(quoted(&json, "\xe9z"), "{\"k\":\"\\ufffdz\"}\n");
    assert_string_equal(quoted(&json, "\xc0\xaf"), "{\"k\":\"\\ufffd\\ufffd\"}\n");
    assert_string_equal(quoted(&json, "\xed\xa0\x80"), "{\"k\":\"\\ufffd\\ufffd\\ufffd\"}\n");
    assert_string_equal(quoted(&json, "\xf4\x90\x80\x80"), "{\"k\":\"\\ufffd\\ufffd\\ufffd\\ufffd\"}\n");
    assert_string_equal(quoted(&json, "x\xe2\x82"), "{\"k\":\"x\\ufffd\\ufffd\"}\n");
    sk_json_clear(&json);
}

static void doubles_read_back_with_the_same_bits(void **state)
{
    (void)state;
    struct sk_json json;
    struct sk_error err;
    sk_json_init(&json, NULL);
    const double values[] = {0.1, -0.0, 1.0 / 3.0, 5e-324, 1.7976931348623157e308, 138.9354576, -4503599627370497.5};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        sk_json_begin(&json);
        sk_json_double(&json, "x", values[i]);
        sk_json_end(&json, &err);
        double back = strtod(sk_json_text(&json) + strlen("{\"x\":"), NULL);
        assert_memory_equal(&back, &values[i], sizeof back);
    }
    const double odd[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        sk_json_begin(&json);
        sk_json_double(&json, "x", odd[i]);
        sk_json_end(&json, &err);
        assert_string_equal(sk_json_text(&json), "{\"x\":null}\n");
    }
    sk_json_clear(&json);
}

/* A packet socket keeps the borders of writes: a line longer than any stream buffer is one packet. */
static void a_line_is_one_write(void **state)
{
    (void)state;
    int ends[2];
    struct sk_json json;
    struct sk_error err;
    static char text[20000], packet[40000];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    FILE *out = fdopen(ends[0], "w");
    sk_json_init(&json, out);
    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 3; i++) {
        sk_json_begin(&json);
        sk_json_string(&json, "long", text);
        sk_json_int(&json, "i", i);
        assert_int_equal(sk_json_end(&json, &err), SK_OK);
        ssize_t n = recv(ends[1], packet, sizeof packet, MSG_DONTWAIT);
        assert_int_equal(n, strlen("{\"long\":\"\",\"i\":0}\n") + sizeof text - 1);
        assert_int_equal(packet[n - 1], '\n');
        assert_int_equal(packet[n - 3], '0' + i);
    }
    sk_json_clear(&json);
    fclose(out);
    close(ends[1]);
}

static void a_full_disk_is_reported(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    if (!full)
        skip();
    struct sk_json json;
    struct sk_error err = {SK_OK, ""};
    sk_json_init(&json, full);
    sk_json_begin(&json);
    assert_int_equal(sk_json_end(&json, &err), SK_EENV);
    assert_int_equal(err.code, SK_EENV);
    assert_non_null(strstr(err.message, "No space left"));
    sk_json_clear(&json);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_and_nesting),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(doubles_read_back_with_the_same_bits),
        cmocka_unit_test(a_line_is_one_write),
        cmocka_unit_test(a_full_disk_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
