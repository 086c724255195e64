/* Preprocess: the text of a GROMACS topology after #include, #define, #undef, #ifdef, #ifndef, #else, #endif, line
 * continuation by a backslash and ';' comments. Knows where every line came from, through all includes.
 * Owns its files, macros and buffers. Not here: what the lines mean (gromacs_top.c). */
#ifndef SK_READ_PREPROCESS_H
#define SK_READ_PREPROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Where a line came from; stays valid as long as the preprocessor. */
struct sk_source {
    int file;     /* entry in the preprocessor's table: a file and who included it */
    int64_t line; /* from 1 */
};

struct sk_preprocessor;

/* define is "-DNAME -DNAME=VALUE" or "NAME NAME=VALUE"; include_path is folders separated by colons, each
 * with or without -I. Either may be NULL. Returns NULL with *err filled when one is malformed. Local. */
struct sk_preprocessor *sk_preprocess_new(const char *define, const char *include_path, struct sk_error *err);
void sk_preprocess_free(struct sk_preprocessor **pp);
/* Opens the first file. An included file is looked for in the folder of the file that includes it, the folder of the
 * first file, include_path, $GMXLIB, $GMXDATA/top and the usual install folders. Local. */
enum sk_code sk_preprocess_open(struct sk_preprocessor *pp, const char *path, struct sk_error *err);
/* The same from memory; the text is borrowed until free. */
void sk_preprocess_open_text(struct sk_preprocessor *pp, const char *name, const char *text, size_t length);
/* 1: *line is the next line that is not empty, trimmed, comments removed, macros expanded; the caller may overwrite it;
 * valid until the next call. 0: the end. -1: *err filled. Local. */
int sk_preprocess_next(struct sk_preprocessor *pp, char **line, struct sk_source *at, struct sk_error *err);
/* Fills *err with "FILE:LINE: message (included from FILE:LINE, ...)" and returns SK_EINPUT. Local. */
enum sk_code sk_preprocess_fail(const struct sk_preprocessor *pp, struct sk_source at, struct sk_error *err,
                                const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
