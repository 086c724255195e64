#include "read/script.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "read/number.h"
#include "read/values.h"
#include "read/words.h"

#define CUT   "vdw_modifier none coulomb cut coulomb_modifier none"
#define LONG  "vdw_modifier none coulomb pme"
#define TAPER "vdw_modifier charmm-switch coulomb pme"

static const struct sk_pair_style styles[] = {
    {"lj/cut", false, 1, 1, "RC", "vdw_cutoff_nm", "vdw_modifier none coulomb none"},
    {"lj/cut/coul/cut", false, 1, 2, "RC [RCOUL]", "vdw_cutoff_nm coulomb_cutoff_nm", CUT},
    {"lj/cut/coul/long", false, 1, 2, "RC [RCOUL]", "vdw_cutoff_nm coulomb_cutoff_nm", LONG},
    {"lj/charmm/coul/long", true, 2, 3, "RIN RC [RCOUL]", "vdw_switch_nm vdw_cutoff_nm coulomb_cutoff_nm", TAPER},
    {"lj/charmm/coul/charmm", true, 0, 0, "", "",
     ""}, /* for its coefficients: a switched Coulomb potential there is not */
};
#define STYLES (sizeof styles / sizeof *styles)

static bool is_at(const char *text, size_t n, const char *word)
{
    return strlen(word) == n && memcmp(text, word, n) == 0;
}

size_t sk_style_length(const char *text)
{
    static const char *const suffixes[] = {"/omp", "/opt", "/gpu", "/intel", "/kk"};
    size_t n = strcspn(text, " \t");
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t m = strlen(suffixes[i]);
        if (n > m && memcmp(text + n - m, suffixes[i], m) == 0)
            return n - m;
    }
    return n;
}

const struct sk_pair_style *sk_pair_style_find(const char *text)
{
    for (size_t i = 0; i < STYLES; i++)
        if (is_at(text, sk_style_length(text), styles[i].name))
            return &styles[i];
    return NULL;
}

void sk_pair_style_names(char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < STYLES && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", styles[i].name);
}

/* ---- pair_style and pair_modify ---- */

/* Adds a key, or replaces its value. Returns the number of keys. */
static int imply(struct sk_implied *implied, int n, const char *name, size_t length, const char *value)
{
    int at = 0;
    while (at < n && !is_at(name, length, implied[at].name))
        at++;
    SK_REQUIRE(at < SK_IMPLIED_MAX);
    snprintf(implied[at].name, sizeof implied[at].name, "%.*s", (int)length, name);
    snprintf(implied[at].value, sizeof implied[at].value, "%s", value);
    implied[at].is_modified = false;
    return at == n ? n + 1 : n;
}

static bool check_numbers(const struct sk_pair_style *style, char **words, int n, char *why, size_t size)
{
    double number;
    if (n && !style->most) {
        snprintf(why, size,
                 "pair_style %s with its cutoffs is not supported (it switches the Coulomb potential); give the name "
                 "alone, and cutoffs, 'vdw_modifier' and 'coulomb' of your choice",
                 style->name);
        return false;
    }
    for (int i = 0; i < n; i++)
        if (n < style->least || n > style->most || !sk_parse_real(words[i], &number) || !(number > 0)) {
            snprintf(why, size, "expected pair_style %s %s with positive numbers, or the name alone", style->name,
                     style->usage);
            return false;
        }
    return true;
}

int sk_pair_style_implied(const char *text, bool is_real, struct sk_implied *implied, char *why, size_t size)
{
    char copy[SK_STYLE_MAX], *words[6], value[40];
    const struct sk_pair_style *style = sk_pair_style_find(text);
    snprintf(copy, sizeof copy, "%s", text);
    int n = sk_words_split(copy, words, 6) - 1, found = 0;
    if (n < 0)
        return 0;
    if (!style) {
        char names[256];
        sk_pair_style_names(names, sizeof names);
        snprintf(why, size, "pair_style '%.60s' is not supported; there are %s", text, names);
        return -1;
    }
    if (!check_numbers(style, words + 1, n, why, size))
        return -1;
    const char *key = style->keys, *pair = style->words;
    for (int i = 0; i < style->most && n; i++) { /* a number that is missing is the one before it */
        size_t length = strcspn(key, " ");
        double number = 0;
        sk_parse_real(words[i < n ? i + 1 : n], &number);
        sk_value_format(number / (is_real ? 10.0 : 1.0), value);
        found = imply(implied, found, key, length, value);
        key += length + (key[length] == ' ');
    }
    while (*pair && n) {
        size_t length = strcspn(pair, " "), word = strcspn(pair + length + 1, " ");
        snprintf(value, sizeof value, "%.*s", (int)word, pair + length + 1);
        found = imply(implied, found, pair, length, value);
        pair += length + 1 + word;
        pair += *pair == ' ';
    }
    return found;
}

/* The key and value that one option of pair_modify says; NULL: there is no such option, "": it says nothing. */
static const char *modify_option(const char *name, const char *value, bool is_charmm, const char **means)
{
    bool is_yes = strcmp(value, "yes") == 0, is_geometric = strcmp(value, "geometric") == 0;
    if (strcmp(name, "shift") == 0 && (is_yes || strcmp(value, "no") == 0)) {
        *means = is_yes ? "potential-shift" : "none";
        return !is_charmm ? "vdw_modifier" : is_yes ? NULL : "";
    }
    *means = is_geometric ? "geometric" : "lorentz-berthelot";
    return strcmp(name, "mix") == 0 && (is_geometric || strcmp(value, "arithmetic") == 0) ? "mixing" : NULL;
}

int sk_pair_modify_implied(const char *modify, const char *text, int n, struct sk_implied *implied, char *why,
                           size_t size)
{
    char copy[SK_STYLE_MAX], *words[8];
    const struct sk_pair_style *style = sk_pair_style_find(text);
    snprintf(copy, sizeof copy, "%s", modify);
    int nwords = sk_words_split(copy, words, 8);
    for (int i = 0; i < nwords; i += 2) {
        const char *means, *value = nwords <= 8 && i + 1 < nwords ? words[i + 1] : "";
        const char *key = modify_option(words[i], value, style && style->is_charmm, &means);
        if (!key) {
            snprintf(why, size,
                     "pair_modify '%.40s %.40s' is not supported; only shift yes|no (not with lj/charmm, whose energy "
                     "ends at zero) and mix geometric|arithmetic",
                     words[i], value);
            return -1;
        }
        if (!*key)
            continue;
        n = imply(implied, n, key, strlen(key), means);
        for (int k = 0; k < n; k++)
            implied[k].is_modified |= strcmp(implied[k].name, key) == 0;
    }
    return n;
}

/* ---- special_bonds ---- */

static const struct {
    const char *name;
    double weights[2][3];
} specials[] = {
    {"fene", {{0, 1, 1}, {0, 1, 1}}},
    {"amber", {{0, 0, 0.5}, {0, 0, 5.0 / 6.0}}},
    {"charmm", {{0, 0, 0}, {0, 0, 0}}},
    {"dreiding", {{0, 0, 1}, {0, 0, 1}}},
};

/* Three weights, into the rows of `which`: 1 Lennard-Jones, 2 Coulomb. Returns the number of words taken, 0: none. */
static int special_numbers(char **words, int n, int which, double weights[2][3])
{
    double value[3];
    for (int d = 0; d < 3; d++)
        if (d >= n || !sk_parse_real(words[d], &value[d]) || value[d] < 0 || value[d] > 1)
            return 0;
    for (int d = 0; d < 3; d++)
        for (int row = 0; row < 2; row++)
            if (which & (1 << row))
                weights[row][d] = value[d] + 0.0;
    return 3;
}

/* What the words begin with. Returns the number of words taken, 0: it makes no sense. */
static int special_part(char **words, int n, double weights[2][3])
{
    static const char *const names[] = {"lj", "coul", "lj/coul"};
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
        if (strcmp(words[0], specials[i].name) == 0) {
            memcpy(weights, specials[i].weights, sizeof specials[i].weights);
            return 1;
        }
    for (int i = 0; i < 3; i++)
        if (strcmp(words[0], names[i]) == 0)
            return special_numbers(words + 1, n - 1, i + 1, weights) ? 4 : 0;
    if (n > 1 && (strcmp(words[0], "angle") == 0 || strcmp(words[0], "dihedral") == 0) && strcmp(words[1], "no") == 0)
        return 2;
    return special_numbers(words, n, 3, weights);
}

bool sk_special_weights(const char *text, double weights[2][3], char *why, size_t size)
{
    char copy[SK_TEXT_MAX], *words[16];
    snprintf(copy, sizeof copy, "%.*s", (int)sizeof copy - 1, text);
    int n = sk_words_split(copy, words, 16), at = 0, taken = 1;
    bool is_whole = n > 0 && n <= 16 && strlen(text) < sizeof copy;
    memset(weights, 0, 2 * sizeof *weights);
    while (is_whole && at < n && (taken = special_part(words + at, n - at, weights)))
        at += taken;
    if (is_whole && taken)
        return true;
    snprintf(why, size,
             "'%.60s' is not understood; expected three weights from 0 to 1, or as in LAMMPS: lj/coul, lj or coul with "
             "three weights each, fene, amber, charmm, dreiding",
             text);
    return false;
}
