/* Json: writes JSON lines, one object a line, for machines that follow a run.
 * Owns its text buffer; borrows the stream. A line reaches the stream in one system call when it is
 * complete, so a reader, or a killed job, leaves no half line. Not here: reading JSON, what the events mean (sim). */
#ifndef SK_BASE_JSON_H
#define SK_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

#define SK_JSON_DEPTH 16

struct sk_json {
    FILE *out; /* borrowed; NULL: the text is only kept (sk_json_text) */
    char *text;
    size_t used, capacity;
    int depth;
    char closer[SK_JSON_DEPTH]; /* '}' or ']' of every open level */
    bool has_items;             /* of the innermost level */
};

/* All functions are local. `out` must outlive the writer; what else is written to it should be flushed. */
void sk_json_init(struct sk_json *json, FILE *out);
void sk_json_clear(struct sk_json *json);

/* Begins a line: '{'. The buffer of the last line is reused. */
void sk_json_begin(struct sk_json *json);
/* Ends the line: '}' and a newline, written to `out`. SK_EENV if it cannot be written (disk full). All
 * nested objects and arrays must be closed. */
enum sk_code sk_json_end(struct sk_json *json, struct sk_error *err);
/* The last line, complete after end, with its newline; valid until the next begin. */
const char *sk_json_text(const struct sk_json *json);

/* One item each. `key` is NULL inside an array and only there. Strings are escaped, bytes that are not
 * UTF-8 become U+FFFD. Doubles have 17 significant digits, so they read back with the same bits; NaN and
 * infinities, which JSON lacks, become null. A NULL string becomes null. */
void sk_json_string(struct sk_json *json, const char *key, const char *value);
void sk_json_int(struct sk_json *json, const char *key, int64_t value);
void sk_json_double(struct sk_json *json, const char *key, double value);
void sk_json_bool(struct sk_json *json, const char *key, bool value);
/* Nesting; SK_JSON_DEPTH levels in all. */
void sk_json_open_object(struct sk_json *json, const char *key);
void sk_json_open_array(struct sk_json *json, const char *key);
void sk_json_close(struct sk_json *json);

#endif
