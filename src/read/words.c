#include "read/words.h"

#include <stdint.h>
#include <string.h>

#include "base/memory.h"

static bool word_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

int sk_words_split(char *text, char **words, int max)
{
    int n = 0;
    while (*text) {
        while (word_is_blank(*text))
            text++;
        if (!*text)
            break;
        if (n < max)
            words[n] = text;
        n++;
        while (*text && !word_is_blank(*text))
            text++;
        if (*text)
            *text++ = '\0';
    }
    return n;
}

char *sk_words_trim(char *text)
{
    while (word_is_blank(*text))
        text++;
    size_t length = strlen(text);
    while (length && word_is_blank(text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}

/* FNV-1a: the table's order never shows, so any hash does. */
static uint32_t names_hash(const char *name, size_t length)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)name[i]) * 16777619u;
    return h;
}

static int names_slot(const struct sk_names *names, const char *name, size_t length)
{
    uint32_t mask = (uint32_t)names->nslots - 1;
    uint32_t s = names_hash(name, length) & mask;
    for (; names->slot[s]; s = (s + 1) & mask) {
        const char *other = names->name[names->slot[s] - 1];
        if (strncmp(other, name, length) == 0 && other[length] == '\0')
            break;
    }
    return (int)s;
}

int sk_names_find(const struct sk_names *names, const char *name, size_t length)
{
    return names->nslots ? names->slot[names_slot(names, name, length)] - 1 : -1;
}

static void names_grow(struct sk_names *names)
{
    sk_free(&names->slot);
    names->nslots = names->nslots ? 2 * names->nslots : 64;
    names->slot = sk_calloc((size_t)names->nslots, sizeof *names->slot);
    for (int i = 0; i < names->n; i++)
        names->slot[names_slot(names, names->name[i], strlen(names->name[i]))] = i + 1;
}

int sk_names_add(struct sk_names *names, const char *name, size_t length)
{
    if (2 * names->n >= names->nslots)
        names_grow(names);
    int s = names_slot(names, name, length);
    if (names->slot[s])
        return names->slot[s] - 1;
    sk_reserve(&names->name, &names->capacity, (size_t)names->n + 1);
    char *copy = sk_alloc(length + 1, 1);
    memcpy(copy, name, length);
    copy[length] = '\0';
    names->name[names->n] = copy;
    names->slot[s] = ++names->n;
    return names->n - 1;
}

void sk_names_clear(struct sk_names *names)
{
    for (int i = 0; i < names->n; i++)
        sk_free(&names->name[i]);
    sk_free(&names->name);
    sk_free(&names->slot);
    memset(names, 0, sizeof *names);
}
