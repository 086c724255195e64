/* Lines: text input line by line, counted, shared by all parsers.
 * Owns its buffers and the file it opened; borrows the name and, when reading from memory, the text, until close.
 * Not here: what a line means, comments, continuation. */
#ifndef SK_READ_LINES_H
#define SK_READ_LINES_H

#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

struct sk_lines {
    const char *name; /* for messages: "NAME:NUMBER: ..." */
    int64_t number;   /* of the current line, from 1; 0 before the first */
    char *text;       /* current line, NUL-terminated, without its end; the caller may overwrite it (tokens) */
    size_t length;    /* bytes of text */
    /* Private from here. */
    FILE *file; /* NULL when reading from memory */
    char *buffer;
    const char *block;
    size_t place, filled, capacity, longest;
};

/* Opens path for reading lines of at most `longest` bytes (line end apart). Errors: SK_EINPUT for a file that is
 * missing or a folder, SK_EENV for one that cannot be read. After an error there is nothing to close. Local. */
enum sk_code sk_lines_open(struct sk_lines *lines, const char *path, size_t longest, struct sk_error *err);
/* The same from text[length]. Cannot fail. Local. */
void sk_lines_open_text(struct sk_lines *lines, const char *name, const char *text, size_t length, size_t longest);
/* 1: a line is in lines->text; 0: end of the file; -1: *err says "NAME:LINE: ..." (a NUL byte, a line that is too long,
 * a read error). Ends of line are LF or CR LF; the last line may lack one; a UTF-8 byte order mark at the start is
 * dropped. The text is valid until the next call. Local. */
int sk_lines_next(struct sk_lines *lines, struct sk_error *err);
/* Closes and frees; safe to call twice. Local. */
void sk_lines_close(struct sk_lines *lines);

#endif
