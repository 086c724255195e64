/* Suggest: the nearest of many names, for messages about an unknown one. Owns nothing. */
#ifndef SK_READ_SUGGEST_H
#define SK_READ_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>

/* A search: start with {word} alone, consider all candidates; each must stay valid. */
struct sk_suggestion {
    const char *word;
    const char *nearest; /* NULL: none was considered */
    int distance;        /* letters inserted, deleted, replaced or swapped */
};
void sk_suggestion_consider(struct sk_suggestion *suggestion, const char *candidate);
/* Whether the nearest is worth naming alone. */
bool sk_suggestion_is_near(const struct sk_suggestion *suggestion);
/* Writes "; did you mean 'X'?", or "; nearest is 'X'", or nothing without candidates. Returns text. */
const char *sk_suggestion_text(const struct sk_suggestion *suggestion, char *text, size_t size);

#endif
