#include "read/entries.h"

#include <ini.h>
#include <stdarg.h>
#include <string.h>

#include "base/memory.h"

/* inih as packaged splits lines over 199 bytes, joins indented lines to the key before, cuts values at " ;", cuts
 * section names at 49 bytes, skips what follows ']' and gives no line numbers. So it is fed one stripped line at a
 * time with a placeholder for the value, and the value is taken from the line itself. */
#define NAME_LONGEST 48
#define ENTRIES_MOST 1000

struct ini {
    struct sk_entries *entries;
    struct sk_lines *lines;
    const char *value; /* of the current line, in lines->text */
    bool has_failed;
    struct sk_error *err;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Cuts blanks at both ends, in place; returns the new start. */
static char *entries_trim(char *text)
{
    while (is_blank(*text))
        text++;
    size_t n = strlen(text);
    while (n && is_blank(text[n - 1]))
        n--;
    text[n] = '\0';
    return text;
}

static char *entries_copy(const char *text)
{
    size_t n = strlen(text) + 1;
    return memcpy(sk_alloc(n, 1), text, n);
}

void sk_entries_init(struct sk_entries *entries, const char *file)
{
    memset(entries, 0, sizeof *entries);
    entries->file = file;
}

void sk_entries_clear(struct sk_entries *entries)
{
    for (int i = 0; i < entries->n; i++) {
        sk_free(&entries->entry[i].section);
        sk_free(&entries->entry[i].name);
        sk_free(&entries->entry[i].value);
    }
    sk_free(&entries->entry);
    entries->n = 0;
    entries->capacity = 0;
}

static void entries_add(struct sk_entries *entries, const char *section, const char *name, const char *value,
                        int64_t line)
{
    sk_reserve(&entries->entry, &entries->capacity, (size_t)entries->n + 1);
    struct sk_entry *entry = &entries->entry[entries->n++];
    entry->section = entries_copy(section);
    entry->name = entries_copy(name);
    entry->value = entries_copy(value);
    entry->line = line;
    entry->key = NULL;
}

void sk_entries_imply(struct sk_entries *entries, const struct sk_key *key, const char *value, int64_t line)
{
    entries_add(entries, key->section, key->name, value, line);
    entries->entry[entries->n - 1].key = key;
}

__attribute__((format(printf, 2, 3))) static bool ini_fail(struct ini *ini, const char *format, ...)
{
    char text[sizeof ini->err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    sk_fail(ini->err, SK_EINPUT, "%s:%lld: %s", ini->lines->name, (long long)ini->lines->number, text);
    ini->has_failed = true;
    return false;
}

static bool is_comment(const char *text)
{
    return *text == ';' || *text == '#' || *text == '\0';
}

static bool ini_section(struct ini *ini, char *line, char *text, size_t size)
{
    char *end = strchr(line, ']');
    if (!end)
        return ini_fail(ini, "section without ']': '%.60s'", line);
    *end = '\0';
    const char *name = entries_trim(line + 1);
    if (!is_comment(entries_trim(end + 1)))
        return ini_fail(ini, "text after '[%.60s]'; a key goes on a line of its own", name);
    if (!sk_key_has_section(name)) {
        char hint[256];
        sk_key_suggest_section(name, hint, sizeof hint);
        return ini_fail(ini, "unknown section [%.60s]; %s", name, hint);
    }
    snprintf(text, size, "[%s]\n", name);
    return true;
}

static bool ini_key(struct ini *ini, char *line, char *text, size_t size)
{
    char *end = strpbrk(line, "=:");
    if (!end)
        return ini_fail(ini, "expected 'key = value' or '[section]', found '%.60s'", line);
    *end = '\0';
    const char *name = entries_trim(line);
    if (*name == '\0')
        return ini_fail(ini, "no key before '='");
    if (strlen(name) > NAME_LONGEST)
        return ini_fail(ini, "unknown key '%.60s...': no key is that long", name);
    if (strpbrk(name, ";#[]"))
        return ini_fail(ini, "expected 'key = value', found '%.60s = ...'", name);
    ini->value = entries_trim(end + 1);
    snprintf(text, size, "%s = x\n", name);
    return true;
}

/* The reader inih calls in place of fgets: the next line, stripped, checked and short. */
static char *ini_next(char *text, int size, void *context)
{
    struct ini *ini = context;
    if (ini->has_failed)
        return NULL;
    int status = sk_lines_next(ini->lines, ini->err);
    if (status <= 0) {
        ini->has_failed = status < 0;
        return NULL;
    }
    for (const char *p = ini->lines->text; *p; p++)
        if (((unsigned char)*p < ' ' && *p != '\t') || *p == 127) {
            ini_fail(ini, "control character (code %d) in the line; is this a text file?", *p);
            return NULL;
        }
    char *line = entries_trim(ini->lines->text);
    bool is_good = true;
    if (is_comment(line))
        snprintf(text, (size_t)size, "\n");
    else if (*line == '[')
        is_good = ini_section(ini, line, text, (size_t)size);
    else
        is_good = ini_key(ini, line, text, (size_t)size);
    return is_good ? text : NULL;
}

/* What inih calls for each key. */
static int ini_entry(void *context, const char *section, const char *name, const char *value)
{
    struct ini *ini = context;
    (void)value; /* the placeholder */
    if (ini->has_failed)
        return 1;
    if (ini->entries->n >= ENTRIES_MOST)
        ini_fail(ini, "more than %d keys; is this a run file?", ENTRIES_MOST);
    else if (*section == '\0')
        ini_fail(ini, "'%s' stands before any [section]", name);
    else
        entries_add(ini->entries, section, name, ini->value, ini->lines->number);
    return 1;
}

enum sk_code sk_entries_read(struct sk_entries *entries, struct sk_lines *lines, struct sk_error *err)
{
    struct ini ini = {entries, lines, "", false, err};
    int line = ini_parse_stream(ini_next, &ini, ini_entry, &ini);
    if (!ini.has_failed && line < 0)
        return sk_fail(err, SK_EENV, "%s: out of memory in inih", lines->name);
    if (!ini.has_failed && line > 0)
        return sk_fail(err, SK_EINPUT, "%s:%d: expected 'key = value' or '[section]'", lines->name, line);
    return ini.has_failed ? err->code : SK_OK;
}

enum sk_code sk_entries_override(struct sk_entries *entries, const char *text, struct sk_error *err)
{
    const char *equals = strchr(text, '=');
    const char *dot = strchr(text, '.');
    enum sk_code code = SK_OK;
    if (!equals || !dot || dot > equals)
        return sk_fail(err, SK_EINPUT, "--set %.80s: expected section.key=value, for example run.dt_ps=0.002", text);
    char *copy = entries_copy(text);
    copy[dot - text] = copy[equals - text] = '\0';
    const char *section = entries_trim(copy);
    const char *name = entries_trim(copy + (dot - text) + 1);
    const char *value = entries_trim(copy + (equals - text) + 1);
    if (!sk_key_has_section(section)) {
        char hint[256];
        sk_key_suggest_section(section, hint, sizeof hint);
        code = sk_fail(err, SK_EINPUT, "--set %.80s: unknown section '%.60s'; %s", text, section, hint);
    } else {
        entries_add(entries, section, name, value, 0);
    }
    sk_free(&copy);
    return code;
}

enum sk_code sk_entry_fail(const struct sk_entries *entries, const struct sk_entry *entry, struct sk_error *err,
                           const char *format, ...)
{
    char text[sizeof err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (entry->line)
        return sk_fail(err, SK_EINPUT, "%s:%lld: %s", entries->file, (long long)entry->line, text);
    return sk_fail(err, SK_EINPUT, "--set %s.%.60s: %s", entry->section, entry->name, text);
}

/* Cuts the comment that follows a value. */
static void entries_cut(const struct sk_key *key, char *text)
{
    for (char *p = text; *p; p++) {
        bool is_mark = *p == '#' || (*p == ';' && !(key->flags & SK_KEY_SEMICOLON));
        if (is_mark && (p == text || is_blank(p[-1]))) {
            *p = '\0';
            break;
        }
    }
    entries_trim(text);
}

enum sk_code sk_entry_value(const struct sk_entries *entries, const struct sk_entry *entry, char *text, size_t size,
                            struct sk_error *err)
{
    const char *value = entry->value;
    size_t length = strlen(value);
    const char *end = NULL;
    /* The shell has already seen to quotes and comments of --set. */
    if (entry->line && *value == '"') {
        value++;
        end = strchr(value, '"');
        if (!end)
            return sk_entry_fail(entries, entry, err, "'%s' has no closing '\"'", entry->name);
        const char *rest = end + 1;
        while (is_blank(*rest))
            rest++;
        if (!is_comment(rest))
            return sk_entry_fail(entries, entry, err, "'%s': text after the closing '\"'", entry->name);
        length = (size_t)(end - value);
    }
    if (length >= size)
        return sk_entry_fail(entries, entry, err, "the value of '%s' is longer than %zu bytes", entry->name, size - 1);
    memcpy(text, value, length);
    text[length] = '\0';
    if (entry->line && !end)
        entries_cut(entry->key, text);
    for (const char *p = text; *p; p++)
        if (*p == '"' || ((unsigned char)*p < ' ' && *p != '\t') || *p == 127)
            return sk_entry_fail(entries, entry, err, "the value of '%s' has a double quote or a control character",
                                 entry->name);
    return SK_OK;
}
