#include "read/selection.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "read/number.h"
#include "read/suggest.h"
#include "read/words.h"

enum by { BY_MOLECULE, BY_RESIDUE, BY_ATOM, BY_TYPE, BY_ID, BY_ALL, BY_REST, NBY };

static const struct {
    const char *word, *what; /* what a message calls its names */
} words[NBY] = {
    [BY_MOLECULE] = {"molecule", "molecule type"},
    [BY_RESIDUE] = {"residue", "residue"},
    [BY_ATOM] = {"atom", "atom"},
    [BY_TYPE] = {"type", "atom type"},
    [BY_ID] = {"id", NULL},
    [BY_ALL] = {"all", NULL},
    [BY_REST] = {"rest", NULL},
};

/* One definition being read. */
struct selection {
    struct sk_groups *groups;
    const struct sk_forcefield *ff;
    const char *name;
    uint32_t set;
    struct sk_error *err;
};

__attribute__((format(printf, 2, 3))) static enum sk_code selection_fail(const struct selection *s, const char *format,
                                                                         ...)
{
    char text[sizeof s->err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return sk_fail(s->err, SK_EINPUT, "group '%s': %.800s", s->name, text);
}

/* Whether molecules of the type are in the system. */
static bool is_present(const struct sk_topology *top, int moltype)
{
    for (int b = 0; b < top->nblocks; b++)
        if (top->blocks[b].moltype == moltype && top->blocks[b].count > 0)
            return true;
    return false;
}

/* Adds what is called so; false if nothing is. */
static bool add_places(const struct selection *s, enum by by, struct sk_suggestion *suggestion)
{
    const struct sk_topology *top = s->groups->top;
    bool is_found = false;
    for (int t = 0; t < top->nmoltypes; t++) {
        const struct sk_moltype *type = &top->moltypes[t];
        int natoms = is_present(top, t) ? type->natoms : 0;
        for (int i = 0; i < natoms; i++) {
            const char *name = by == BY_MOLECULE  ? type->name
                               : by == BY_RESIDUE ? type->atoms[i].residue
                                                  : type->atoms[i].name;
            sk_suggestion_consider(suggestion, name);
            if (strcmp(name, suggestion->word) != 0)
                continue;
            s->groups->of_place[t][i] |= s->set;
            is_found = true;
        }
    }
    return is_found;
}

static bool add_kinds(const struct selection *s, struct sk_suggestion *suggestion)
{
    const struct sk_topology *top = s->groups->top;
    bool is_found = false;
    for (int k = 0; k < top->nkinds; k++) {
        const char *name = s->ff->names[top->kinds[k].type];
        sk_suggestion_consider(suggestion, name);
        if (strcmp(name, suggestion->word) != 0)
            continue;
        s->groups->of_kind[k] |= s->set;
        is_found = true;
    }
    return is_found;
}

static enum sk_code add_name(const struct selection *s, enum by by, const char *name)
{
    struct sk_suggestion suggestion = {name, NULL, 0};
    char hint[128];
    if (by == BY_TYPE ? add_kinds(s, &suggestion) : add_places(s, by, &suggestion))
        return SK_OK;
    return selection_fail(s, "the system has no %s '%.60s'%s", words[by].what, name,
                          sk_suggestion_text(&suggestion, hint, sizeof hint));
}

/* "5" or "5-9", numbers from 1. */
static enum sk_code add_ids(const struct selection *s, const char *text)
{
    int64_t first, last, most = s->groups->top->unit_atoms;
    size_t n = strcspn(text, "-");
    bool is_good = sk_parse_integer_field(text, n, &first);
    last = first;
    if (is_good && text[n] == '-')
        is_good = sk_parse_integer(text + n + 1, &last);
    if (!is_good)
        return selection_fail(s, "'%.60s' is neither a number of an atom nor a range of them, for example 1-100", text);
    if (first < 1 || last > most || first > last)
        return selection_fail(s, "'%.60s' is no range of atoms: they are numbered from 1 to %lld", text,
                              (long long)most);
    sk_groups_add_range(s->groups, s->set, first - 1, last);
    return SK_OK;
}

static enum by word_of(const char *text)
{
    int by = 0;
    while (by < NBY && strcmp(words[by].word, text) != 0)
        by++;
    return (enum by)by;
}

static enum sk_code unknown_word(const struct selection *s, const char *text)
{
    struct sk_suggestion suggestion = {text, NULL, 0};
    for (int by = 0; by < NBY; by++)
        sk_suggestion_consider(&suggestion, words[by].word);
    if (sk_suggestion_is_near(&suggestion))
        return selection_fail(s, "unknown word '%.60s'; did you mean '%s'?", text, suggestion.nearest);
    return selection_fail(s,
                          "unknown word '%.60s'; a selection begins with molecule, residue, atom, type, id, all or "
                          "rest",
                          text);
}

/* What stands between two commas; is_only: there are none. The text is cut into words. */
static enum sk_code read_part(const struct selection *s, char *text, bool is_only)
{
    char *word[SK_TEXT_MAX / 2];
    int n = sk_words_split(text, word, SK_TEXT_MAX / 2);
    if (n == 0)
        return selection_fail(s, "nothing is selected before or after a comma");
    enum by by = word_of(word[0]);
    if (by == NBY)
        return unknown_word(s, word[0]);
    if (by == BY_ALL || by == BY_REST) {
        if (n > 1)
            return selection_fail(s, "'%s' is followed by '%.60s'; put a comma between two parts", word[0], word[1]);
        if (by == BY_REST && !is_only)
            return selection_fail(s, "'rest' stands alone: it is the atoms in no other group");
        *(by == BY_ALL ? &s->groups->common : &s->groups->rest) |= s->set;
        return SK_OK;
    }
    if (n == 1)
        return selection_fail(s, "nothing is selected: names or numbers must follow '%s'", word[0]);
    enum sk_code code = SK_OK;
    for (int i = 1; i < n && !code; i++)
        code = by == BY_ID ? add_ids(s, word[i]) : add_name(s, by, word[i]);
    return code;
}

static enum sk_code read_definition(const struct selection *s, const char *text)
{
    char copy[SK_TEXT_MAX];
    bool is_only = strchr(text, ',') == NULL;
    snprintf(copy, sizeof copy, "%s", text);
    enum sk_code code = SK_OK;
    for (char *part = copy, *end; part && !code; part = end) {
        end = strchr(part, ',');
        if (end)
            *end++ = '\0';
        code = read_part(s, part, is_only);
    }
    return code;
}

/* Two groups of the rest would be each other's. */
static enum sk_code check_rest(const struct sk_groups *groups, int *failed, struct sk_error *err)
{
    if ((groups->rest & (groups->rest - 1)) == 0)
        return SK_OK;
    int first = __builtin_ctz(groups->rest);
    *failed = __builtin_ctz(groups->rest & (groups->rest - 1));
    return sk_fail(err, SK_EINPUT, "group '%s': 'rest' is group '%s' already", groups->name[*failed],
                   groups->name[first]);
}

enum sk_code sk_selections_read(const struct sk_definitions *definitions, const struct sk_forcefield *ff,
                                struct sk_groups *groups, int *failed, struct sk_error *err)
{
    enum sk_code code = SK_OK;
    for (int i = 0; i < definitions->n && !code; i++) {
        const char *name = definitions->of[i].name;
        struct selection s = {groups, ff, name, UINT32_C(1) << sk_groups_add(groups, name), err};
        *failed = i;
        code = read_definition(&s, definitions->of[i].text);
    }
    if (!code)
        code = check_rest(groups, failed, err);
    sk_groups_finish(groups);
    return code;
}
