/* Macros: names with values, and their expansion in a line.
 * Owns names, values and buffers. Not here: the directives that set them (preprocess.h). */
#ifndef SK_READ_MACROS_H
#define SK_READ_MACROS_H

#include <stdbool.h>
#include <stddef.h>

#include "read/words.h"

/* A growing text, always NUL-terminated once something was added. */
struct sk_text {
    char *s;
    size_t length, capacity;
};
void sk_text_add(struct sk_text *text, const char *s, size_t length);
/* A copy of s[length]; the caller frees it with sk_free. */
char *sk_text_copy(const char *s, size_t length);

struct sk_macros {
    struct sk_names names;
    char **values; /* by name; NULL: not defined */
    size_t capacity;
    struct sk_text scratch;
};

/* Length of the word (letters, digits, '_') that s begins with. Local. */
size_t sk_macros_word(const char *s);
/* Sets name[length]; value NULL: not defined any more, "": a flag. Local. */
void sk_macros_set(struct sk_macros *macros, const char *name, size_t length, const char *value);
/* NULL if it is not defined; valid until it is set again. Local. */
const char *sk_macros_value(const struct sk_macros *macros, const char *name, size_t length);
/* Replaces whole words by their values, again and again until none is left. A macro without a value is only a flag: its
 * name stays, as in GROMACS. False if the line refers to itself or grows beyond `longest`. Local. */
bool sk_macros_expand(struct sk_macros *macros, struct sk_text *line, size_t longest);
void sk_macros_clear(struct sk_macros *macros);

#endif
