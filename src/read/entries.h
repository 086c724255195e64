/* Entries: the INI layer: text lines through inih to a list of (section, name, value, line).
 * Owns the strings. Not here: which keys exist (keys.h), what values mean (values.h). */
#ifndef SK_READ_ENTRIES_H
#define SK_READ_ENTRIES_H

#include "read/keys.h"
#include "read/lines.h"

struct sk_entry {
    char *section, *name, *value; /* value as it stands, comments and quotes included */
    int64_t line;                 /* in the run file; 0: from --set */
    const struct sk_key *key;     /* filled by the caller */
};

struct sk_entries {
    const char *file; /* borrowed */
    int n;
    size_t capacity;
    struct sk_entry *entry; /* [n] in the order given */
};

void sk_entries_init(struct sk_entries *entries, const char *file);
void sk_entries_clear(struct sk_entries *entries);
/* Appends everything that lines (open, at its start) says. Errors name file and line. Local. */
enum sk_code sk_entries_read(struct sk_entries *entries, struct sk_lines *lines, struct sk_error *err);
/* Appends one "section.key=value" of the command line. Local. */
enum sk_code sk_entries_override(struct sk_entries *entries, const char *text, struct sk_error *err);
/* Appends an entry that another one implies, with its line. Local. */
void sk_entries_imply(struct sk_entries *entries, const struct sk_key *key, const char *value, int64_t line);
/* Fills *err with "FILE:LINE: " or "--set section.key: " and the message; returns SK_EINPUT. */
enum sk_code sk_entry_fail(const struct sk_entries *entries, const struct sk_entry *entry, struct sk_error *err,
                           const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The value without comment and quotes, in text[size]; false with a reason in *err. Needs entry->key. */
enum sk_code sk_entry_value(const struct sk_entries *entries, const struct sk_entry *entry, char *text, size_t size,
                            struct sk_error *err);

#endif
