/* .top: [ defaults ], [ atomtypes ], [ nonbond_params ]. */
#include "read/gromacs_internal.h"

#include <string.h>
#include <strings.h>

#include "base/memory.h"

enum sk_code sk_top_defaults(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    int64_t function, combination;
    double factor[3] = {1, 1, 12};
    static const char *const names[3] = {"fudgeLJ", "fudgeQQ", "repulsion power"};
    if (raw->combination)
        return sk_preprocess_fail(raw->pp, line->at, err,
                                  "a second line of [ defaults ]; include one force field only");
    if (sk_top_integer(raw, line, 0, "nbfunc", 1, 2, &function, err) != SK_OK ||
        sk_top_integer(raw, line, 1, "comb-rule", 1, 3, &combination, err) != SK_OK)
        return err->code;
    if (function != 1)
        return sk_preprocess_fail(raw->pp, line->at, err,
                                  "nbfunc 2 (Buckingham) is not supported; only 1 (Lennard-Jones)");
    if (line->n > 2 && strcasecmp(line->words[2], "yes") != 0 && strcasecmp(line->words[2], "no") != 0)
        return sk_preprocess_fail(raw->pp, line->at, err, "gen-pairs: '%.80s' is neither yes nor no", line->words[2]);
    for (int i = 3; i < 6 && i < line->n; i++)
        if (sk_top_real(raw, line, i, names[i - 3], &factor[i - 3], err) != SK_OK)
            return err->code;
    if (factor[2] != 12)
        return sk_preprocess_fail(raw->pp, line->at, err, "repulsion power %g is not supported; only 12", factor[2]);
    raw->has_generated_pairs = line->n > 2 && strcasecmp(line->words[2], "yes") == 0;
    raw->fudge_lj = factor[0];
    raw->fudge_qq = factor[1];
    raw->combination = (int)combination;
    return SK_OK;
}

int sk_top_type(struct sk_raw_top *raw, const char *name)
{
    int known = raw->names.n;
    int type = sk_names_add(&raw->names, name, strlen(name));
    if (type == known) {
        sk_reserve(&raw->types, &raw->types_capacity, (size_t)known + 1);
        raw->types[type] = (struct sk_raw_type){.type = -1};
    }
    return type;
}

static bool is_letter(const char *word)
{
    return ((word[0] >= 'a' && word[0] <= 'z') || (word[0] >= 'A' && word[0] <= 'Z')) && word[1] == '\0';
}

/* Word of the mass: 1 + optional bonded type + optional atomic number. As in GROMACS, the single letter of the
 * particle type, three words after the name at least, tells which are there. -1: not to be told. */
static int atomtype_mass_word(const struct sk_top_line *line)
{
    if (line->n > 5 && is_letter(line->words[5]))
        return 3;
    if (line->n > 3 && is_letter(line->words[3]))
        return 1;
    if (line->n > 4 && is_letter(line->words[4]))
        return 2;
    return -1;
}

enum sk_code sk_top_atomtype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    char name[SK_NAME_MAX];
    struct sk_raw_type new = {.is_defined = true, .type = -1};
    if (!raw->combination)
        return sk_preprocess_fail(raw->pp, line->at, err, "[ atomtypes ] before [ defaults ]");
    int word = atomtype_mass_word(line);
    if (word < 0)
        return sk_preprocess_fail(raw->pp, line->at, err,
                                  "expected: name [bonded type] [atomic number] mass charge particle-type and two "
                                  "Lennard-Jones parameters");
    if (sk_top_name(raw, line, 0, "atom type", name, err) != SK_OK ||
        sk_top_real(raw, line, word, "mass", &new.mass, err) != SK_OK ||
        sk_top_real(raw, line, word + 1, "charge", &new.charge, err) != SK_OK ||
        sk_top_real(raw, line, word + 3, raw->combination == 1 ? "C6" : "sigma", &new.p[0], err) != SK_OK ||
        sk_top_real(raw, line, word + 4, raw->combination == 1 ? "C12" : "epsilon", &new.p[1], err) != SK_OK)
        return err->code;
    new.particle = line->words[word + 2][0];
    new.particle = (char)(new.particle >= 'a' ? new.particle - 'a' + 'A' : new.particle);
    if (!strchr("ASBVD", new.particle))
        return sk_preprocess_fail(raw->pp, line->at, err, "particle type '%c' is none of A, S, B, V, D", new.particle);
    /* Of two words before the mass the first is the bonded type; of one, it is if it starts with a letter. */
    const char *bonded = word == 3 || (word == 2 && !strchr("0123456789", line->words[1][0])) ? line->words[1] : name;
    new.bonded = sk_names_add(&raw->bonded_names, bonded, strlen(bonded));
    int type = sk_top_type(raw, name);
    struct sk_raw_type *old = &raw->types[type];
    bool is_same = old->mass == new.mass && old->charge == new.charge && old->particle == new.particle &&
                   old->bonded == new.bonded && old->p[0] == new.p[0] && old->p[1] == new.p[1];
    if (old->is_defined && !is_same)
        return sk_preprocess_fail(raw->pp, line->at, err, "atom type '%s' is defined a second time, differently", name);
    *old = new;
    return SK_OK;
}

enum sk_code sk_top_nonbond(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    struct sk_raw_pair pair = {.at = line->at};
    char name[2][SK_NAME_MAX];
    int64_t function;
    if (sk_top_name(raw, line, 0, "first atom type", name[0], err) != SK_OK ||
        sk_top_name(raw, line, 1, "second atom type", name[1], err) != SK_OK ||
        sk_top_integer(raw, line, 2, "function", 1, 2, &function, err) != SK_OK ||
        sk_top_real(raw, line, 3, raw->combination == 1 ? "C6" : "sigma", &pair.p[0], err) != SK_OK ||
        sk_top_real(raw, line, 4, raw->combination == 1 ? "C12" : "epsilon", &pair.p[1], err) != SK_OK)
        return err->code;
    if (function != 1)
        return sk_preprocess_fail(raw->pp, line->at, err, "function 2 (Buckingham) is not supported");
    pair.i = sk_top_type(raw, name[0]);
    pair.j = sk_top_type(raw, name[1]);
    sk_reserve(&raw->pairs, &raw->pairs_capacity, raw->npairs + 1);
    raw->pairs[raw->npairs++] = pair;
    return SK_OK;
}
