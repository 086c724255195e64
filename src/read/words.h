/* Words: splitting a line at blanks, and a table from names to indices.
 * The table owns copies of its names. Not here: numbers (number.h), lines (lines.h). */
#ifndef SK_READ_WORDS_H
#define SK_READ_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Cuts text in place at blanks and tabs; words[0 .. min(n, max)) point into it. Returns n, the number of words in the
 * line, which may be larger than max. Local. */
int sk_words_split(char *text, char **words, int max);
/* Removes blanks at both ends in place; returns the new start. Local. */
char *sk_words_trim(char *text);

/* Names in order of first mention: the first has index 0. */
struct sk_names {
    int n;
    char **name; /* [n] */
    size_t capacity;
    int *slot; /* [nslots] hash table of index + 1; 0: empty */
    int nslots;
};

/* Index of name[length], or -1. Local. */
int sk_names_find(const struct sk_names *names, const char *name, size_t length);
/* Index of name[length], added if new. Local. */
int sk_names_add(struct sk_names *names, const char *name, size_t length);
void sk_names_clear(struct sk_names *names);

#endif
