/* Values: text of one value to its field in sk_parameters and back, by the type and range of its key.
 * Owns nothing. Not here: rules that join several keys (runfile.c). */
#ifndef SK_READ_VALUES_H
#define SK_READ_VALUES_H

#include <stdio.h>

#include "base/status.h"
#include "read/keys.h"

#define SK_VALUE_MAX SK_TEXT_MAX

/* Parses text into the field of key; relative paths are put behind `folder` (absolute, ends in '/'). On failure returns
 * false with the reason in why[size] ("'dt_ps' = -1 is out of range: ..."), and the field is undefined. Local. */
bool sk_value_set(const struct sk_key *key, const char *text, const char *folder, struct sk_parameters *parameters,
                  char *why, size_t size);
/* Gives the name its text, or takes it away if the text is empty, in the definitions of key. A name is letters, digits,
 * '_', '-' and '.', and none of the words in `reserved` (ends with NULL). Fails as above. Local. */
bool sk_value_define(const struct sk_key *key, const char *name, const char *text, const char *const *reserved,
                     struct sk_parameters *parameters, char *why, size_t size);
/* Prints a blank and the field's value, nothing for an empty text, so that sk_value_set reads back the same bits. */
void sk_value_print(FILE *out, const struct sk_key *key, const struct sk_parameters *parameters);
/* The same for a text. */
void sk_value_print_text(FILE *out, const char *text);
/* The shortest of the forms that read back to the same bits; 17 digits always do. */
void sk_value_format(double value, char text[40]);
/* The range in words, "" where there is none ("above 0, at most 1000"). */
void sk_value_range(const struct sk_key *key, char *text, size_t size);
/* The values of a choice, separated by ", ". */
void sk_value_choices(const struct sk_choice *choices, bool is_supported, char *text, size_t size);
/* The value of a real field. */
double sk_value_real(const struct sk_key *key, const struct sk_parameters *parameters);
/* Writes folder + path (path alone when absolute) without "." steps into result[size]; false if it does not fit. */
bool sk_path_resolve(const char *folder, const char *path, char *result, size_t size);

#endif
