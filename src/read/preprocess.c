#include "read/preprocess.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "read/lines.h"
#include "read/macros.h"
#include "read/words.h"

#define LINE_LONGEST    16384     /* of a physical line */
#define LOGICAL_LONGEST (1 << 20) /* continued or expanded */
#define DEPTH_MAX       32        /* of includes */

/* Every opening of a file has its own entry, so that a place stays known after the file is closed. */
struct entry {
    char *path;
    struct sk_source from; /* file -1: the first */
};

struct open_file {
    struct sk_lines lines;
    int entry;
    int conditions; /* depth of the condition stack when it was opened */
    dev_t device;   /* to recognise the file by whatever path */
    ino_t inode;
    bool is_text;
};

struct condition {
    bool is_true, was_active, has_else;
    struct sk_source at;
};

struct sk_preprocessor {
    struct entry *entries;
    size_t nentries, entries_capacity;
    struct open_file files[DEPTH_MAX];
    int depth;
    struct condition *conditions;
    size_t conditions_capacity;
    int nconditions;
    struct sk_macros macros;
    char **folders;
    size_t nfolders, folders_capacity;
    struct sk_text line;
};

/* ---- small helpers ---- */

static void pp_append_chain(const struct sk_preprocessor *pp, int file, struct sk_error *err)
{
    size_t length = strlen(err->message);
    const char *before = " (included from ";
    for (struct sk_source from = pp->entries[file].from; from.file >= 0; from = pp->entries[from.file].from) {
        snprintf(err->message + length, sizeof err->message - length, "%s%s:%lld", before, pp->entries[from.file].path,
                 (long long)from.line);
        length = strlen(err->message);
        before = ", from ";
    }
    if (pp->entries[file].from.file >= 0)
        snprintf(err->message + length, sizeof err->message - length, ")");
}

enum sk_code sk_preprocess_fail(const struct sk_preprocessor *pp, struct sk_source at, struct sk_error *err,
                                const char *format, ...)
{
    char message[768];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (at.line) /* 0: about the file as a whole */
        sk_fail(err, SK_EINPUT, "%.400s:%lld: %s", pp->entries[at.file].path, (long long)at.line, message);
    else
        sk_fail(err, SK_EINPUT, "%.400s: %s", pp->entries[at.file].path, message);
    pp_append_chain(pp, at.file, err);
    return SK_EINPUT;
}

/* ---- new, free, open ---- */

static void pp_add_folder(struct sk_preprocessor *pp, const char *folder, size_t length)
{
    if (length == 0)
        return;
    sk_reserve(&pp->folders, &pp->folders_capacity, pp->nfolders + 1);
    pp->folders[pp->nfolders++] = sk_text_copy(folder, length);
}

static void pp_add_folders(struct sk_preprocessor *pp, const char *list, const char *separators)
{
    for (const char *s = list; s && *s;) {
        size_t n = strcspn(s, separators);
        size_t skip = n > 2 && strncmp(s, "-I", 2) == 0 ? 2 : 0;
        pp_add_folder(pp, s + skip, n - skip);
        s += n + (s[n] != '\0');
    }
}

static enum sk_code pp_add_defines(struct sk_preprocessor *pp, const char *define, struct sk_error *err)
{
    const char *blanks = " \t\r\n";
    for (const char *s = define; s && *s;) {
        s += strspn(s, blanks);
        size_t n = strcspn(s, blanks);
        if (n == 0)
            break;
        char *word = sk_text_copy(s, n);
        char *name = strncmp(word, "-D", 2) == 0 ? word + 2 : word;
        size_t length = sk_macros_word(name);
        bool is_good = length && (name[length] == '\0' || name[length] == '=');
        if (is_good)
            sk_macros_set(&pp->macros, name, length, name[length] ? name + length + 1 : "");
        else
            sk_fail(err, SK_EINPUT, "define: '%.200s' is not NAME, NAME=VALUE, -DNAME or -DNAME=VALUE", word);
        sk_free(&word);
        if (!is_good)
            return SK_EINPUT;
        s += n;
    }
    return SK_OK;
}

struct sk_preprocessor *sk_preprocess_new(const char *define, const char *include_path, struct sk_error *err)
{
    struct sk_preprocessor *pp = sk_calloc(1, sizeof *pp);
    pp_add_folders(pp, include_path, ":");
    pp_add_folders(pp, getenv("GMXLIB"), ":");
    const char *data = getenv("GMXDATA");
    if (data && *data) {
        char *top = sk_alloc(strlen(data) + 5, 1);
        sprintf(top, "%s/top", data);
        pp_add_folder(pp, top, strlen(top));
        sk_free(&top);
    }
    pp_add_folders(pp, "/usr/share/gromacs/top:/usr/local/gromacs/share/gromacs/top:/usr/local/share/gromacs/top", ":");
    if (pp_add_defines(pp, define, err) != SK_OK)
        sk_preprocess_free(&pp);
    return pp;
}

static void pp_close_file(struct sk_preprocessor *pp)
{
    sk_lines_close(&pp->files[--pp->depth].lines);
}

void sk_preprocess_free(struct sk_preprocessor **ppp)
{
    struct sk_preprocessor *pp = *ppp;
    if (!pp)
        return;
    while (pp->depth)
        pp_close_file(pp);
    for (size_t i = 0; i < pp->nentries; i++)
        sk_free(&pp->entries[i].path);
    for (size_t i = 0; i < pp->nfolders; i++)
        sk_free(&pp->folders[i]);
    sk_macros_clear(&pp->macros);
    sk_free(&pp->entries);
    sk_free(&pp->folders);
    sk_free(&pp->conditions);
    sk_free(&pp->line.s);
    sk_free(ppp);
}

static struct open_file *pp_push(struct sk_preprocessor *pp, const char *path, struct sk_source from)
{
    sk_reserve(&pp->entries, &pp->entries_capacity, pp->nentries + 1);
    pp->entries[pp->nentries] = (struct entry){sk_text_copy(path, strlen(path)), from};
    struct open_file *file = &pp->files[pp->depth++];
    memset(file, 0, sizeof *file);
    file->entry = (int)pp->nentries++;
    file->conditions = pp->nconditions;
    return file;
}

enum sk_code sk_preprocess_open(struct sk_preprocessor *pp, const char *path, struct sk_error *err)
{
    struct open_file *file = pp_push(pp, path, (struct sk_source){-1, 0});
    struct stat info;
    if (stat(path, &info) == 0) {
        file->device = info.st_dev;
        file->inode = info.st_ino;
    }
    enum sk_code code = sk_lines_open(&file->lines, pp->entries[file->entry].path, LINE_LONGEST, err);
    if (code != SK_OK)
        pp->depth--;
    return code;
}

void sk_preprocess_open_text(struct sk_preprocessor *pp, const char *name, const char *text, size_t length)
{
    struct open_file *file = pp_push(pp, name, (struct sk_source){-1, 0});
    file->is_text = true;
    sk_lines_open_text(&file->lines, pp->entries[file->entry].path, text, length, LINE_LONGEST);
}

/* ---- include ---- */

/* folder[length]/name if it is a regular file, else NULL. The caller frees it. */
static char *pp_try(const char *folder, size_t length, const char *name, struct stat *info)
{
    char *path = sk_alloc(length + strlen(name) + 2, 1);
    memcpy(path, folder, length);
    if (length)
        path[length++] = '/';
    strcpy(path + length, name);
    if (stat(path, info) != 0 || !S_ISREG(info->st_mode))
        sk_free(&path);
    return path;
}

static char *pp_try_beside(const struct sk_preprocessor *pp, int file, const char *name, struct stat *info)
{
    const char *path = pp->entries[file].path;
    const char *slash = strrchr(path, '/');
    /* A file in the root folder: the slash alone is the folder. */
    return pp_try(path, slash ? (size_t)(slash - path) + (slash == path) : 0, name, info);
}

static char *pp_find(const struct sk_preprocessor *pp, int file, const char *name, struct stat *info)
{
    if (name[0] == '/')
        return pp_try("", 0, name, info);
    char *path = pp_try_beside(pp, file, name, info);
    if (!path)
        path = pp_try_beside(pp, 0, name, info);
    for (size_t i = 0; i < pp->nfolders && !path; i++)
        path = pp_try(pp->folders[i], strlen(pp->folders[i]), name, info);
    return path;
}

static enum sk_code pp_fail_missing(const struct sk_preprocessor *pp, struct sk_source at, const char *name,
                                    struct sk_error *err)
{
    struct sk_text folders = {0};
    sk_text_add(&folders, "", 0);
    for (size_t i = 0; i < pp->nfolders; i++) {
        sk_text_add(&folders, ", ", 2);
        sk_text_add(&folders, pp->folders[i], strlen(pp->folders[i]));
    }
    sk_preprocess_fail(pp, at, err,
                       "include file '%.200s' not found (looked beside this file%.400s); set include_path or GMXLIB",
                       name, folders.s);
    sk_free(&folders.s);
    return SK_EINPUT;
}

static enum sk_code pp_include(struct sk_preprocessor *pp, char *rest, struct sk_source at, struct sk_error *err)
{
    char close = rest[0] == '"' ? '"' : '>';
    char *end = rest[0] == '"' || rest[0] == '<' ? strchr(rest + 1, close) : NULL;
    if (!end || end == rest + 1)
        return sk_preprocess_fail(pp, at, err, "#include needs a file name in \"...\" or <...>");
    *end = '\0';
    if (pp->depth == DEPTH_MAX)
        return sk_preprocess_fail(pp, at, err, "#include is nested deeper than %d files", DEPTH_MAX);
    struct stat info;
    char *path = pp_find(pp, at.file, rest + 1, &info);
    if (!path)
        return pp_fail_missing(pp, at, rest + 1, err);
    enum sk_code code = SK_OK;
    for (int i = 0; i < pp->depth && code == SK_OK; i++)
        if (!pp->files[i].is_text && pp->files[i].device == info.st_dev && pp->files[i].inode == info.st_ino)
            code = sk_preprocess_fail(pp, at, err, "file '%.300s' includes itself", path);
    if (code == SK_OK) {
        struct open_file *file = pp_push(pp, path, at);
        file->device = info.st_dev;
        file->inode = info.st_ino;
        code = sk_lines_open(&file->lines, pp->entries[file->entry].path, LINE_LONGEST, err);
        if (code != SK_OK) {
            pp->depth--;
            pp_append_chain(pp, file->entry, err);
        }
    }
    sk_free(&path);
    return code;
}

/* ---- conditions and directives ---- */

static bool pp_is_active(const struct sk_preprocessor *pp)
{
    if (pp->nconditions == 0)
        return true;
    const struct condition *top = &pp->conditions[pp->nconditions - 1];
    return top->was_active && top->is_true;
}

static void pp_push_condition(struct sk_preprocessor *pp, bool is_true, struct sk_source at)
{
    bool is_active = pp_is_active(pp);
    sk_reserve(&pp->conditions, &pp->conditions_capacity, (size_t)pp->nconditions + 1);
    pp->conditions[pp->nconditions++] = (struct condition){is_true, is_active, false, at};
}

static enum sk_code pp_else(struct sk_preprocessor *pp, bool is_end, struct sk_source at, struct sk_error *err)
{
    if (pp->nconditions == pp->files[pp->depth - 1].conditions)
        return sk_preprocess_fail(pp, at, err, "%s without #ifdef or #ifndef in this file",
                                  is_end ? "#endif" : "#else");
    struct condition *top = &pp->conditions[pp->nconditions - 1];
    if (is_end) {
        pp->nconditions--;
        return SK_OK;
    }
    if (top->has_else)
        return sk_preprocess_fail(pp, at, err, "a second #else for the condition of line %lld",
                                  (long long)top->at.line);
    top->has_else = true;
    top->is_true = !top->is_true;
    return SK_OK;
}

/* #define, #undef, #ifdef, #ifndef: all begin with a name. */
static enum sk_code pp_named(struct sk_preprocessor *pp, const char *verb, char *rest, struct sk_source at,
                             struct sk_error *err)
{
    size_t n = sk_macros_word(rest);
    bool is_blank_after = rest[n] == '\0' || rest[n] == ' ' || rest[n] == '\t';
    if (n == 0 || !is_blank_after)
        return sk_preprocess_fail(pp, at, err, "#%s needs a name of letters, digits and '_'", verb);
    if (strcmp(verb, "define") == 0)
        sk_macros_set(&pp->macros, rest, n, sk_words_trim(rest + n));
    else if (strcmp(verb, "undef") == 0)
        sk_macros_set(&pp->macros, rest, n, NULL);
    else
        pp_push_condition(pp, (sk_macros_value(&pp->macros, rest, n) != NULL) == (strcmp(verb, "ifdef") == 0), at);
    return SK_OK;
}

static enum sk_code pp_directive(struct sk_preprocessor *pp, char *line, struct sk_source at, struct sk_error *err)
{
    char *verb = line + 1 + strspn(line + 1, " \t");
    size_t n = sk_macros_word(verb);
    char *rest = verb + n;
    rest += strspn(rest, " \t");
    char name[16] = "";
    if (n < sizeof name)
        memcpy(name, verb, n);
    bool is_active = pp_is_active(pp);
    if (strcmp(name, "else") == 0 || strcmp(name, "endif") == 0)
        return pp_else(pp, name[1] == 'n', at, err);
    if (strcmp(name, "ifdef") == 0 || strcmp(name, "ifndef") == 0)
        return pp_named(pp, name, rest, at, err);
    /* Unknown conditions must nest even where they are skipped. */
    if (strcmp(name, "if") == 0 || strcmp(name, "elif") == 0)
        return sk_preprocess_fail(pp, at, err, "#%s is not supported; use #ifdef, #ifndef and #else", name);
    if (!is_active)
        return SK_OK;
    if (strcmp(name, "define") == 0 || strcmp(name, "undef") == 0)
        return pp_named(pp, name, rest, at, err);
    if (strcmp(name, "include") == 0)
        return pp_include(pp, rest, at, err);
    if (strcmp(name, "error") == 0)
        return sk_preprocess_fail(pp, at, err, "#error %.300s", rest);
    return sk_preprocess_fail(pp, at, err, "unknown directive '#%.60s'", verb);
}

/* ---- lines ---- */

/* The next line with its continuations in pp->line; 1, 0 at the end of this file, -1 on an error. As in GROMACS, a
 * backslash at the end of a comment also continues. */
static int pp_logical_line(struct sk_preprocessor *pp, struct sk_source *at, struct sk_error *err)
{
    struct open_file *file = &pp->files[pp->depth - 1];
    pp->line.length = 0;
    at->file = file->entry;
    at->line = file->lines.number + 1;
    for (bool is_first = true;; is_first = false) {
        int status = sk_lines_next(&file->lines, err);
        if (status < 0)
            pp_append_chain(pp, file->entry, err);
        if (status < 0 || (status == 0 && is_first))
            return status;
        if (status == 0)
            return 1;
        const char *s = file->lines.text;
        size_t n = file->lines.length;
        while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
            n--;
        bool is_continued = n && s[n - 1] == '\\';
        sk_text_add(&pp->line, s, n - is_continued);
        if (!is_continued)
            return 1;
        sk_text_add(&pp->line, " ", 1);
        if (pp->line.length > LOGICAL_LONGEST) {
            sk_preprocess_fail(pp, *at, err, "continued line longer than %d bytes", LOGICAL_LONGEST);
            return -1;
        }
    }
}

static enum sk_code pp_end_file(struct sk_preprocessor *pp, struct sk_error *err)
{
    int entered = pp->files[pp->depth - 1].conditions;
    if (pp->nconditions > entered)
        return sk_preprocess_fail(pp, pp->conditions[pp->nconditions - 1].at, err, "no #endif for this condition");
    pp_close_file(pp);
    return SK_OK;
}

int sk_preprocess_next(struct sk_preprocessor *pp, char **line, struct sk_source *at, struct sk_error *err)
{
    while (pp->depth) {
        int status = pp_logical_line(pp, at, err);
        if (status < 0)
            return -1;
        if (status == 0) {
            if (pp_end_file(pp, err) != SK_OK)
                return -1;
            continue;
        }
        pp->line.s[strcspn(pp->line.s, ";")] = '\0';
        char *text = sk_words_trim(pp->line.s);
        if (*text == '#') {
            if (pp_directive(pp, text, *at, err) != SK_OK)
                return -1;
            continue;
        }
        if (*text == '\0' || !pp_is_active(pp))
            continue;
        if (!sk_macros_expand(&pp->macros, &pp->line, LOGICAL_LONGEST)) {
            sk_preprocess_fail(pp, *at, err, "the macros in this line refer to themselves or grow without end");
            return -1;
        }
        *line = sk_words_trim(pp->line.s);
        if (**line)
            return 1;
    }
    return 0;
}
