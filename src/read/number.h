/* Number: strict decimal text to numbers, the same in every locale. Owns nothing.
 * The whole text must be the number: no blanks, no trailing junk, no hexadecimal, no inf or nan.
 * Not here: units and ranges (keys.c), splitting of lines (lines.h and the readers). */
#ifndef SK_READ_NUMBER_H
#define SK_READ_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* [+-]digits[.digits][(e|E)[+-]digits], at least one digit before the exponent; correctly rounded; a number that
 * overflows is refused. On failure *value is untouched. Local. */
bool sk_parse_real(const char *text, double *value);
/* [+-]digits that fit; "1e6" and "1.0" are refused. On failure *value is untouched. Local. */
bool sk_parse_integer(const char *text, int64_t *value);
/* [+]digits that fit. On failure *value is untouched. Local. */
bool sk_parse_unsigned(const char *text, uint64_t *value);
/* The same for a field of a fixed-width format: text[width], blanks around the number allowed, no NUL needed. Fields
 * wider than 127 bytes are refused. Local. */
bool sk_parse_real_field(const char *text, size_t width, double *value);
bool sk_parse_integer_field(const char *text, size_t width, int64_t *value);

#endif
