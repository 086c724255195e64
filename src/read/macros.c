#include "read/macros.h"

#include <string.h>

#include "base/memory.h"

#define ROUNDS_MAX 32 /* of expansion, each replacing every macro in the line once */

void sk_text_add(struct sk_text *text, const char *s, size_t length)
{
    sk_reserve(&text->s, &text->capacity, text->length + length + 1);
    memcpy(text->s + text->length, s, length);
    text->length += length;
    text->s[text->length] = '\0';
}

char *sk_text_copy(const char *s, size_t length)
{
    char *copy = sk_alloc(length + 1, 1);
    memcpy(copy, s, length);
    copy[length] = '\0';
    return copy;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

size_t sk_macros_word(const char *s)
{
    size_t n = 0;
    while (is_word_char(s[n]))
        n++;
    return n;
}

void sk_macros_set(struct sk_macros *macros, const char *name, size_t length, const char *value)
{
    int known = macros->names.n;
    int macro = sk_names_add(&macros->names, name, length);
    sk_reserve(&macros->values, &macros->capacity, (size_t)macros->names.n);
    if (macro == known)
        macros->values[macro] = NULL;
    sk_free(&macros->values[macro]);
    macros->values[macro] = value ? sk_text_copy(value, strlen(value)) : NULL;
}

const char *sk_macros_value(const struct sk_macros *macros, const char *name, size_t length)
{
    int macro = sk_names_find(&macros->names, name, length);
    return macro < 0 ? NULL : macros->values[macro];
}

/* One round; *is_changed tells whether anything was replaced. False if it grew too long. */
static bool macros_round(struct sk_macros *macros, struct sk_text *line, size_t longest, bool *is_changed)
{
    struct sk_text *out = &macros->scratch;
    out->length = 0;
    sk_text_add(out, "", 0);
    *is_changed = false;
    for (const char *s = line->s; *s;) {
        size_t n = sk_macros_word(s);
        const char *value = n ? sk_macros_value(macros, s, n) : NULL;
        n += n == 0;
        if (value && *value) {
            sk_text_add(out, value, strlen(value));
            *is_changed = true;
        } else {
            sk_text_add(out, s, n);
        }
        s += n;
        if (*is_changed && out->length > longest)
            return false;
    }
    struct sk_text swap = *line;
    *line = *out;
    *out = swap;
    return true;
}

bool sk_macros_expand(struct sk_macros *macros, struct sk_text *line, size_t longest)
{
    bool is_changed = true;
    for (int i = 0; i < ROUNDS_MAX && is_changed; i++)
        if (!macros_round(macros, line, longest, &is_changed))
            return false;
    return !is_changed;
}

void sk_macros_clear(struct sk_macros *macros)
{
    for (int i = 0; i < macros->names.n; i++)
        sk_free(&macros->values[i]);
    sk_names_clear(&macros->names);
    sk_free(&macros->values);
    sk_free(&macros->scratch.s);
    memset(macros, 0, sizeof *macros);
}
