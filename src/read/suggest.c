#include "read/suggest.h"

#include <stdio.h>
#include <string.h>

#include "read/keys.h"

#define WORD_MAX 64

/* Letters inserted, deleted, replaced or swapped with their neighbour to get from a to b (optimal string alignment).
 * Only the first WORD_MAX - 1 bytes count. */
static int edit_distance(const char *a, const char *b)
{
    int n = (int)strnlen(a, WORD_MAX - 1), m = (int)strnlen(b, WORD_MAX - 1);
    int row[3][WORD_MAX]; /* of a's prefixes i - 2, i - 1, i */
    for (int j = 0; j <= m; j++)
        row[1][j] = j;
    for (int i = 1; i <= n; i++) {
        row[2][0] = i;
        for (int j = 1; j <= m; j++) {
            int best = row[1][j - 1] + (a[i - 1] != b[j - 1]);
            if (row[1][j] + 1 < best)
                best = row[1][j] + 1;
            if (row[2][j - 1] + 1 < best)
                best = row[2][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && row[0][j - 2] + 1 < best)
                best = row[0][j - 2] + 1;
            row[2][j] = best;
        }
        memcpy(row[0], row[1], sizeof row[0]);
        memcpy(row[1], row[2], sizeof row[1]);
    }
    return row[1][m];
}

/* Whether a guess is worth naming alone. */
static bool is_near(const char *word, int distance)
{
    return distance <= 1 + (int)strlen(word) / 3;
}

void sk_suggestion_consider(struct sk_suggestion *s, const char *candidate)
{
    int distance = edit_distance(s->word, candidate);
    if (s->nearest && distance >= s->distance)
        return;
    s->nearest = candidate;
    s->distance = distance;
}

bool sk_suggestion_is_near(const struct sk_suggestion *s)
{
    return s->nearest && is_near(s->word, s->distance);
}

const char *sk_suggestion_text(const struct sk_suggestion *s, char *text, size_t size)
{
    text[0] = '\0';
    if (sk_suggestion_is_near(s))
        snprintf(text, size, "; did you mean '%s'?", s->nearest);
    else if (s->nearest)
        snprintf(text, size, "; nearest is '%s'", s->nearest);
    return text;
}

static void append(char *text, size_t size, const char *lead, const char *word)
{
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", lead, word);
}

void sk_key_suggest_section(const char *section, char *text, size_t size)
{
    int n;
    const struct sk_key *key = sk_key_table(&n);
    struct sk_suggestion suggestion = {section, NULL, 0};
    for (int i = 0; i < n; i++)
        sk_suggestion_consider(&suggestion, key[i].section);
    if (sk_suggestion_is_near(&suggestion)) {
        snprintf(text, size, "did you mean '%s'?", suggestion.nearest);
        return;
    }
    snprintf(text, size, "the sections are");
    for (int i = 0; i < n; i++)
        if (i == 0 || strcmp(key[i].section, key[i - 1].section) != 0)
            append(text, size, i ? ", " : " ", key[i].section);
}

void sk_key_suggest(const char *section, const char *name, enum sk_unit_system units, char *text, size_t size)
{
    int n, best = WORD_MAX;
    const struct sk_key *key = sk_key_table(&n);
    const char *nearest = "";
    for (int i = 0; i < n; i++) {
        bool is_same = strcmp(key[i].name, name) == 0 || strcmp(key[i].plain, name) == 0;
        if (is_same && key[i].type != SK_KEY_DEFINITIONS) {
            snprintf(text, size, "it belongs in [%s]", key[i].section);
            return;
        }
        if (strcmp(key[i].section, section) != 0)
            continue;
        /* Someone who forgets the unit, or writes another one, is as near as the name without it. */
        int distance = edit_distance(name, key[i].name), plain = edit_distance(name, key[i].plain);
        if (plain < distance)
            distance = plain;
        if (distance < best) {
            best = distance;
            nearest = sk_key_name(&key[i], units);
        }
    }
    if (is_near(name, best)) {
        snprintf(text, size, "did you mean '%s'?", nearest);
        return;
    }
    snprintf(text, size, "nearest is '%s'; the keys there are", nearest);
    const char *lead = " ";
    for (int i = 0; i < n; i++)
        if (strcmp(key[i].section, section) == 0) {
            append(text, size, lead, sk_key_name(&key[i], units));
            lead = ", ";
        }
}
