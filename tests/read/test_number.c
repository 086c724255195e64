#include "read/number.h"

#include <locale.h>

#include "check.h"

static void numbers_are_strict_in_any_locale(void **state)
{
    static const char *const bad[] = {"",   "+",   ".",   "1.",  " 1",    "1 ",  "0x10",  "inf",   "nan",
                                      "1e", "1e+", "1,5", "1d3", "1e999", "--1", "1.2.3", "1e5.0", "1_0"};
    double x = 7;
    int64_t i = 7;
    (void)state;
    setlocale(LC_ALL, "de_DE.UTF-8"); /* has a decimal comma, where installed */
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        assert_int_equal(sk_parse_real(bad[k], &x), k == 3); /* "1." is a number */
    assert_true(x == 1);
    assert_true(sk_parse_real("-1.5e-3", &x) && x == -1.5e-3);
    assert_true(sk_parse_real("9007199254740993", &x) && x == 9007199254740992.0); /* ties to even */
    assert_true(sk_parse_real("4.9406564584124654e-324", &x) && x == 0x1p-1074);
    assert_true(sk_parse_integer("-9223372036854775808", &i) && i == INT64_MIN);
    assert_true(sk_parse_integer("+9223372036854775807", &i) && i == INT64_MAX);
    assert_false(sk_parse_integer("9223372036854775808", &i));
    assert_false(sk_parse_integer("-+1", &i) || sk_parse_integer("-", &i) || sk_parse_integer("1.0", &i));
    assert_true(sk_parse_real_field("  1.25 junk", 7, &x) && x == 1.25);
    assert_false(sk_parse_real_field("       ", 7, &x));
    assert_true(sk_parse_integer_field("  12345678", 5, &i) && i == 123);
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_strict_in_any_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
