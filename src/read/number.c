#include "read/number.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define FIELD_MAX 128

static const char *number_digits(const char *p)
{
    while (*p >= '0' && *p <= '9')
        p++;
    return p;
}

/* The grammar is checked here, for strtod also takes blanks, hexadecimal, inf and nan. */
static bool number_is_real(const char *p)
{
    p += *p == '+' || *p == '-';
    const char *whole = p;
    p = number_digits(p);
    ptrdiff_t digits = p - whole;
    if (*p == '.') {
        const char *fraction = ++p;
        p = number_digits(p);
        digits += p - fraction;
    }
    if (digits == 0)
        return false;
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '+' || *p == '-';
        const char *exponent = p;
        p = number_digits(p);
        if (p == exponent)
            return false;
    }
    return *p == '\0';
}

bool sk_parse_real(const char *text, double *value)
{
    if (!number_is_real(text))
        return false;
    /* The C locale is a static object of the C library: this neither allocates nor depends on setlocale. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c)
        return false;
    double x = strtod_l(text, NULL, c);
    freelocale(c);
    if (!__builtin_isfinite(x))
        return false;
    *value = x;
    return true;
}

bool sk_parse_unsigned(const char *text, uint64_t *value)
{
    const char *p = text + (*text == '+');
    uint64_t sum = 0;
    if (*p == '\0')
        return false;
    for (; *p; p++) {
        if (*p < '0' || *p > '9')
            return false;
        uint64_t digit = (uint64_t)(*p - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = 10 * sum + digit;
    }
    *value = sum;
    return true;
}

bool sk_parse_integer(const char *text, int64_t *value)
{
    bool is_negative = *text == '-';
    uint64_t size;
    if (is_negative && text[1] == '+')
        return false;
    if (!sk_parse_unsigned(text + is_negative, &size) || size > (uint64_t)INT64_MAX + is_negative)
        return false;
    /* Negation in unsigned arithmetic: INT64_MIN has no positive counterpart. */
    *value = is_negative ? (int64_t)(0 - size) : (int64_t)size;
    return true;
}

static bool number_field(const char *text, size_t width, char field[FIELD_MAX])
{
    while (width && (*text == ' ' || *text == '\t')) {
        text++;
        width--;
    }
    while (width && (text[width - 1] == ' ' || text[width - 1] == '\t'))
        width--;
    if (width >= FIELD_MAX || memchr(text, '\0', width))
        return false;
    memcpy(field, text, width);
    field[width] = '\0';
    return true;
}

bool sk_parse_real_field(const char *text, size_t width, double *value)
{
    char field[FIELD_MAX];
    return number_field(text, width, field) && sk_parse_real(field, value);
}

bool sk_parse_integer_field(const char *text, size_t width, int64_t *value)
{
    char field[FIELD_MAX];
    return number_field(text, width, field) && sk_parse_integer(field, value);
}
