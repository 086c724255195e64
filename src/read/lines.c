#include "read/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"

#define BLOCK_BYTES 65536

enum sk_code sk_lines_open(struct sk_lines *lines, const char *path, size_t longest, struct sk_error *err)
{
    memset(lines, 0, sizeof *lines);
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (!file) {
        int why = errno;
        bool is_input = why == ENOENT || why == ENOTDIR || why == ENAMETOOLONG;
        return sk_fail(err, is_input ? SK_EINPUT : SK_EENV, "%s: cannot open: %s", path, strerror(why));
    }
    /* fopen takes a folder; only reading it would fail. */
    if (fstat(fileno(file), &info) == 0 && S_ISDIR(info.st_mode)) {
        fclose(file);
        return sk_fail(err, SK_EINPUT, "%s: cannot read: this is a folder", path);
    }
    lines->name = path;
    lines->longest = longest;
    lines->file = file;
    lines->buffer = sk_alloc(BLOCK_BYTES, 1);
    lines->block = lines->buffer;
    return SK_OK;
}

void sk_lines_open_text(struct sk_lines *lines, const char *name, const char *text, size_t length, size_t longest)
{
    memset(lines, 0, sizeof *lines);
    lines->name = name;
    lines->longest = longest;
    lines->block = text;
    lines->filled = length;
}

/* Makes block[place, filled) non-empty; 0 at the end of the input, -1 on a read error. */
static int lines_fill(struct sk_lines *lines, struct sk_error *err)
{
    if (lines->place < lines->filled)
        return 1;
    if (!lines->file)
        return 0;
    lines->place = 0;
    lines->filled = fread(lines->buffer, 1, BLOCK_BYTES, lines->file);
    if (lines->filled)
        return 1;
    if (!ferror(lines->file))
        return 0;
    sk_fail(err, SK_EENV, "%s:%lld: read error: %s", lines->name, (long long)lines->number, strerror(errno));
    return -1;
}

/* Trims the line end and the byte order mark, and checks what is left. */
static int lines_finish(struct sk_lines *lines, struct sk_error *err)
{
    if (lines->length && lines->text[lines->length - 1] == '\r')
        lines->length--;
    lines->text[lines->length] = '\0';
    if (lines->number == 1 && lines->length >= 3 && memcmp(lines->text, "\xEF\xBB\xBF", 3) == 0) {
        lines->length -= 3;
        memmove(lines->text, lines->text + 3, lines->length + 1);
    }
    if (memchr(lines->text, '\0', lines->length)) {
        sk_fail(err, SK_EINPUT, "%s:%lld: a NUL byte in the line; is this a binary file?", lines->name,
                (long long)lines->number);
        return -1;
    }
    if (lines->length > lines->longest) {
        sk_fail(err, SK_EINPUT, "%s:%lld: line longer than %zu bytes; break it up", lines->name,
                (long long)lines->number, lines->longest);
        return -1;
    }
    return 1;
}

int sk_lines_next(struct sk_lines *lines, struct sk_error *err)
{
    lines->length = 0;
    int status = lines_fill(lines, err);
    if (status <= 0)
        return status;
    lines->number++;
    do {
        const char *start = lines->block + lines->place;
        size_t left = lines->filled - lines->place;
        const char *end = memchr(start, '\n', left);
        size_t take = end ? (size_t)(end - start) : left;
        lines->place += take + (end != NULL);
        /* Of an endless line no more is kept than shows that it is too long: mark, CR and one byte. */
        size_t room = lines->longest + 5 - lines->length;
        if (take > room)
            take = room;
        sk_reserve(&lines->text, &lines->capacity, lines->length + take + 1);
        if (take)
            memcpy(lines->text + lines->length, start, take);
        lines->length += take;
        if (end || lines->length == lines->longest + 5)
            return lines_finish(lines, err);
        status = lines_fill(lines, err);
    } while (status > 0);
    return status < 0 ? -1 : lines_finish(lines, err);
}

void sk_lines_close(struct sk_lines *lines)
{
    if (lines->file)
        fclose(lines->file);
    lines->file = NULL;
    sk_free(&lines->text);
    sk_free(&lines->buffer);
    lines->block = NULL;
    lines->place = lines->filled = lines->capacity = lines->length = 0;
}
