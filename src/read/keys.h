/* Keys: the one table of everything a run file can say: a line per key carries its section, name, type, place in
 * sk_parameters, range, default, unit and help. The parser, the writer and docs/runfile.md all come from it.
 * Owns constants only. Not here: text to value (values.h), rules that join several keys (runfile.c). */
#ifndef SK_READ_KEYS_H
#define SK_READ_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/parameters.h"

enum sk_key_type {
    SK_KEY_REAL,
    SK_KEY_INTEGER,
    SK_KEY_UNSIGNED, /* any 64-bit number: seeds */
    SK_KEY_BOOLEAN,  /* on, off */
    SK_KEY_CHOICE,
    SK_KEY_TEXT,
    SK_KEY_PATH,
    SK_KEY_PATHS,      /* folders separated by ':' */
    SK_KEY_TRIPLE,     /* AxBxC */
    SK_KEY_WEIGHTS,    /* as special_bonds in LAMMPS */
    SK_KEY_REALS,      /* numbers above 0, at most SK_GROUPS_MAX; zeros in the field behind them */
    SK_KEY_DEFINITIONS /* any key of the section: a name for a text (struct sk_definitions) */
};

enum sk_key_flags {
    SK_KEY_DATA_ONLY = 1,    /* belongs to a LAMMPS data file */
    SK_KEY_GROMACS_ONLY = 2, /* belongs to structure and topology */
    SK_KEY_UNWRITTEN = 4,    /* left out of the written set: other keys say the same */
    SK_KEY_ZERO_UNSET = 8,   /* zero means "not given" and is written as a comment */
    SK_KEY_ABOVE = 16,       /* the lower end of the range is excluded */
    SK_KEY_SEMICOLON = 32,   /* ';' separates entries, so " ;" starts no comment here */
    SK_KEY_REPEATED = 64     /* may stand in several lines, which are joined by ';' */
};

struct sk_choice {
    const char *name;
    int value;
    bool is_supported;
};

#define SK_KEY_NOWHERE ((size_t)-1)

struct sk_key {
    const char *section;
    const char *name;  /* in GROMACS units, with its unit suffix if it has one */
    const char *plain; /* in reduced units; the same pointer text where there is no suffix */
    enum sk_key_type type;
    unsigned flags;
    size_t offset, size;             /* in sk_parameters; offset SK_KEY_NOWHERE: no field, the value is only checked */
    double low, high;                /* range of numbers */
    const char *fallback;            /* default as text, or NULL: none, or made in runfile.c by a rule */
    const char *rule;                /* what the documentation says about the default when fallback is NULL */
    const char *word;                /* word for the number 0 ("auto"), or NULL */
    const struct sk_choice *choices; /* ends with a NULL name */
    const char *unit;                /* for the documentation; reduced units apart */
    const char *help;
};

/* The table, in the order of the documentation; *count lines. */
const struct sk_key *sk_key_table(int *count);
/* The key of that section with that name in either form, or that of its definitions, or NULL. */
const struct sk_key *sk_key_find(const char *section, const char *name);
bool sk_key_has_section(const char *section);
/* The name to write in this unit system. */
static inline const char *sk_key_name(const struct sk_key *key, enum sk_unit_system units)
{
    return units == SK_UNITS_LJ ? key->plain : key->name;
}
/* Continues a message about an unknown section or key with the nearest valid one, or with all that there are; also
 * where else a key belongs. Writes into text[size]. */
void sk_key_suggest_section(const char *section, char *text, size_t size);
void sk_key_suggest(const char *section, const char *name, enum sk_unit_system units, char *text, size_t size);

#endif
