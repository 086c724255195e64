#include "read/runfile.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "model/groups.h"
#include "read/runfile_internal.h"
#include "read/suggest.h"
#include "read/values.h"

#define LINE_LONGEST 4095

/* The folder of the run file, absolute, so that what is written back means the same anywhere. */
static enum sk_code runfile_folder(struct runfile *run)
{
    const char *file = run->entries.file;
    const char *slash = strrchr(file, '/');
    char here[SK_PATH_MAX] = "", part[SK_PATH_MAX] = "";
    size_t n = slash ? (size_t)(slash - file) + 1 : 0;
    if (file[0] != '/' && !getcwd(here, sizeof here - 1))
        return sk_fail(run->err, SK_EENV, "%s: cannot tell the current folder: %s", file, strerror(errno));
    if (file[0] != '/')
        strcat(here, "/");
    bool is_good = n < sizeof part;
    if (is_good) {
        memcpy(part, file, n);
        part[n] = '\0';
        is_good = sk_path_resolve(here, part, run->folder, sizeof run->folder);
    }
    if (!is_good)
        return sk_fail(run->err, SK_EINPUT, "%.200s: the path is longer than %d bytes", file, SK_PATH_MAX - 1);
    for (const char *p = run->folder; *p; p++)
        if (*p == '"' || (unsigned char)*p < ' ' || *p == 127)
            return sk_fail(run->err, SK_EINPUT,
                           "%.200s: the folder's name has a double quote or a control character; rename it", file);
    return SK_OK;
}

/* The unit system decides how keys are called, so it is looked up first. */
static enum sk_code runfile_units(struct runfile *run)
{
    for (int i = 0; i < run->entries.n; i++) {
        struct sk_entry *entry = &run->entries.entry[i];
        char value[SK_VALUE_MAX], why[512];
        if (strcmp(entry->section, "system") != 0 || strcmp(entry->name, "units") != 0)
            continue;
        entry->key = sk_key_find("system", "units");
        if (sk_entry_value(&run->entries, entry, value, sizeof value, run->err))
            return run->err->code;
        if (!sk_value_set(entry->key, value, run->folder, run->p, why, sizeof why))
            return sk_entry_fail(&run->entries, entry, run->err, "%s", why);
        run->p->system.is_real = strcmp(value, "real") == 0;
        run->p->units = run->p->system.is_real ? SK_UNITS_GROMACS : SK_UNITS_LJ;
    }
    return SK_OK;
}

/* Finds the key of entry i and checks that it may stand there. */
static enum sk_code runfile_key(struct runfile *run, int i)
{
    struct sk_entry *entry = &run->entries.entry[i];
    const struct sk_key *key = sk_key_find(entry->section, entry->name);
    if (!key) {
        char hint[700];
        sk_key_suggest(entry->section, entry->name, run->p->units, hint, sizeof hint);
        return sk_entry_fail(&run->entries, entry, run->err, "unknown key '%.60s' in [%s]; %s", entry->name,
                             entry->section, hint);
    }
    entry->key = key;
    for (int j = 0; entry->line && j < i && !(key->flags & SK_KEY_REPEATED); j++)
        if (run->entries.entry[j].key == key &&
            (key->type != SK_KEY_DEFINITIONS || strcmp(run->entries.entry[j].name, entry->name) == 0))
            return sk_entry_fail(&run->entries, entry, run->err, "'%s' is given twice in [%s], first in line %lld",
                                 entry->name, entry->section, (long long)run->entries.entry[j].line);
    if (key->type != SK_KEY_DEFINITIONS && strcmp(entry->name, sk_key_name(key, run->p->units)) != 0) {
        if (run->p->units == SK_UNITS_LJ)
            return sk_entry_fail(&run->entries, entry, run->err,
                                 "'%s' carries a unit, but units = lj is in reduced units; write '%s'", entry->name,
                                 key->plain);
        return sk_entry_fail(&run->entries, entry, run->err, "'%s' lacks its unit; write '%s'", entry->name, key->name);
    }
    return SK_OK;
}

static enum sk_code runfile_defaults(struct runfile *run)
{
    int n;
    const struct sk_key *key = sk_key_table(&n);
    char why[512];
    for (int i = 0; i < n; i++)
        if (key[i].fallback && !sk_value_set(&key[i], key[i].fallback, run->folder, run->p, why, sizeof why))
            return sk_fail(run->err, SK_EINTERNAL, "default of %s: %s", key[i].name, why);
    return SK_OK;
}

/* Puts what earlier lines of the run file said before the value of entry i. Too long a text is refused later. */
static void runfile_join(const struct runfile *run, int i, char value[2 * SK_VALUE_MAX])
{
    const struct sk_entry *entry = &run->entries.entry[i];
    bool is_first = !(entry->key->flags & SK_KEY_REPEATED) || entry->line == 0;
    for (int j = 0; j < i && !is_first; j++)
        if (run->entries.entry[j].key == entry->key) {
            char last[SK_VALUE_MAX];
            memcpy(last, value, sizeof last);
            snprintf(value, 2 * SK_VALUE_MAX, "%s; %s", (const char *)run->p + entry->key->offset, last);
            return;
        }
}

static enum sk_code runfile_apply(struct runfile *run)
{
    static const char *const reserved[] = {SK_GROUP_ALL, SK_GROUP_REST, NULL};
    for (int i = 0; i < run->entries.n; i++) {
        struct sk_entry *entry = &run->entries.entry[i];
        char value[2 * SK_VALUE_MAX], why[512];
        if (runfile_key(run, i) || sk_entry_value(&run->entries, entry, value, SK_VALUE_MAX, run->err))
            return run->err->code;
        runfile_join(run, i, value);
        bool is_text = entry->key->type == SK_KEY_TEXT, is_definition = entry->key->type == SK_KEY_DEFINITIONS;
        const char *text = is_text && *value == '\0' && entry->key->fallback ? entry->key->fallback : value;
        bool is_good = is_definition ? sk_value_define(entry->key, entry->name, text, reserved, run->p, why, sizeof why)
                                     : sk_value_set(entry->key, text, run->folder, run->p, why, sizeof why);
        if (!is_good)
            return sk_entry_fail(&run->entries, entry, run->err, "%s", why);
    }
    return SK_OK;
}

static enum sk_code runfile_parse(struct sk_lines *lines, const struct sk_override *overrides, int noverrides,
                                  struct sk_parameters *parameters, struct sk_error *err)
{
    struct runfile run = {.p = parameters, .err = err};
    memset(parameters, 0, sizeof *parameters);
    err->code = SK_OK;
    sk_entries_init(&run.entries, lines->name);
    enum sk_code code = runfile_folder(&run);
    if (!code)
        code = sk_entries_read(&run.entries, lines, err);
    for (int i = 0; i < noverrides && !code; i++)
        code = sk_entries_override(&run.entries, overrides[i].text, err);
    static enum sk_code (*const stages[])(struct runfile *) = {runfile_units, runfile_defaults, runfile_apply,
                                                               sk_runfile_rules};
    for (size_t i = 0; i < sizeof stages / sizeof *stages && !code; i++)
        code = stages[i](&run);
    sk_entries_clear(&run.entries);
    return code;
}

void sk_runfile_locate(const char *path, const struct sk_override *overrides, int noverrides, const char *section,
                       const char *name, char *text, size_t size)
{
    struct sk_lines lines;
    struct sk_error ignored; /* the file was read before */
    struct sk_entries entries;
    snprintf(text, size, "%s", path);
    if (sk_lines_open(&lines, path, LINE_LONGEST, &ignored))
        return;
    sk_entries_init(&entries, path);
    enum sk_code code = sk_entries_read(&entries, &lines, &ignored);
    for (int i = 0; i < noverrides && !code; i++)
        code = sk_entries_override(&entries, overrides[i].text, &ignored);
    for (int i = 0; i < entries.n && !code; i++) {
        const struct sk_entry *entry = &entries.entry[i];
        if (strcmp(entry->section, section) != 0 || strcmp(entry->name, name) != 0)
            continue;
        if (entry->line)
            snprintf(text, size, "%s:%lld", path, (long long)entry->line);
        else
            snprintf(text, size, "--set %s.%s", section, name);
    }
    sk_entries_clear(&entries);
    sk_lines_close(&lines);
}

enum sk_code sk_runfile_read(const char *path, const struct sk_override *overrides, int noverrides,
                             struct sk_parameters *parameters, struct sk_error *err)
{
    struct sk_lines lines;
    enum sk_code code = sk_lines_open(&lines, path, LINE_LONGEST, err);
    if (code)
        return code;
    code = runfile_parse(&lines, overrides, noverrides, parameters, err);
    sk_lines_close(&lines);
    return code;
}

enum sk_code sk_runfile_parse(const char *text, size_t length, const char *name, const struct sk_override *overrides,
                              int noverrides, struct sk_parameters *parameters, struct sk_error *err)
{
    struct sk_lines lines;
    sk_lines_open_text(&lines, name, text, length, LINE_LONGEST);
    enum sk_code code = runfile_parse(&lines, overrides, noverrides, parameters, err);
    sk_lines_close(&lines);
    return code;
}
