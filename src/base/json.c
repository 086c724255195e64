#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

void sk_json_init(struct sk_json *json, FILE *out)
{
    *json = (struct sk_json){.out = out};
}

void sk_json_clear(struct sk_json *json)
{
    sk_free(&json->text);
    *json = (struct sk_json){0};
}

/* ---- text ---- */

/* Keeps the text ended by a NUL. */
static void put(struct sk_json *json, const char *bytes, size_t n)
{
    sk_reserve(&json->text, &json->capacity, json->used + n + 1);
    memcpy(json->text + json->used, bytes, n);
    json->used += n;
    json->text[json->used] = '\0';
}

static void put_text(struct sk_json *json, const char *text)
{
    put(json, text, strlen(text));
}

/* Length of the well-formed UTF-8 character at s (Unicode 15, table 3-7), or 0. */
static size_t utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xc2 && s[0] <= 0xdf   ? 2
               : s[0] >= 0xe0 && s[0] <= 0xef ? 3
               : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
                                              : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool is_overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool is_surrogate = s[0] == 0xed && s[1] > 0x9f, is_too_large = s[0] == 0xf4 && s[1] > 0x8f;
    return is_overlong || is_surrogate || is_too_large ? 0 : n;
}

static void put_quoted(struct sk_json *json, const char *text)
{
    char code[8];
    put(json, "\"", 1);
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        size_t n = utf8_length(s);
        if (n == 0) {
            put_text(json, "\\ufffd");
            n = 1;
        } else if (*s == '"' || *s == '\\') {
            snprintf(code, sizeof code, "\\%c", *s);
            put_text(json, code);
        } else if (*s < 0x20 || *s == 0x7f) {
            snprintf(code, sizeof code, "\\u%04x", *s);
            put_text(json, code);
        } else {
            put(json, (const char *)s, n);
        }
        s += n;
    }
    put(json, "\"", 1);
}

/* ---- items ---- */

static void begin_item(struct sk_json *json, const char *key)
{
    SK_REQUIRE(json->depth > 0);
    SK_REQUIRE((key != NULL) == (json->closer[json->depth - 1] == '}'));
    if (json->has_items)
        put(json, ",", 1);
    json->has_items = true;
    if (key) {
        put_quoted(json, key);
        put(json, ":", 1);
    }
}

static void open_level(struct sk_json *json, char opener, char closer)
{
    SK_REQUIRE(json->depth < SK_JSON_DEPTH);
    put(json, &opener, 1);
    json->closer[json->depth++] = closer;
    json->has_items = false;
}

static void close_level(struct sk_json *json)
{
    put(json, &json->closer[--json->depth], 1);
    json->has_items = true; /* the level that is now innermost has just got this one */
}

void sk_json_string(struct sk_json *json, const char *key, const char *value)
{
    begin_item(json, key);
    if (value)
        put_quoted(json, value);
    else
        put_text(json, "null");
}

void sk_json_int(struct sk_json *json, const char *key, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    begin_item(json, key);
    put_text(json, text);
}

void sk_json_double(struct sk_json *json, const char *key, double value)
{
    char text[40];
    snprintf(text, sizeof text, "%.17g", value);
    for (char *c = text; *c; c++) /* a host program's locale may have another decimal point */
        if (!strchr("0123456789+-e.", *c))
            *c = '.';
    begin_item(json, key);
    put_text(json, isfinite(value) ? text : "null");
}

void sk_json_bool(struct sk_json *json, const char *key, bool value)
{
    begin_item(json, key);
    put_text(json, value ? "true" : "false");
}

void sk_json_open_object(struct sk_json *json, const char *key)
{
    begin_item(json, key);
    open_level(json, '{', '}');
}

void sk_json_open_array(struct sk_json *json, const char *key)
{
    begin_item(json, key);
    open_level(json, '[', ']');
}

void sk_json_close(struct sk_json *json)
{
    SK_REQUIRE(json->depth > 1); /* the line itself is closed by end */
    close_level(json);
}

/* ---- lines ---- */

void sk_json_begin(struct sk_json *json)
{
    SK_REQUIRE(json->depth == 0);
    json->used = 0;
    open_level(json, '{', '}');
}

enum sk_code sk_json_end(struct sk_json *json, struct sk_error *err)
{
    SK_REQUIRE(json->depth == 1);
    close_level(json);
    put(json, "\n", 1);
    if (!json->out)
        return SK_OK;
    /* Not fwrite: it cuts what is longer than the stream's buffer into several writes. */
    if (fflush(json->out) != 0)
        return sk_fail(err, SK_EENV, "cannot write JSON line: %s", strerror(errno));
    for (size_t done = 0; done < json->used;) {
        ssize_t n = write(fileno(json->out), json->text + done, json->used - done);
        if (n < 0 && errno != EINTR)
            return sk_fail(err, SK_EENV, "cannot write JSON line: %s", strerror(errno));
        if (n > 0)
            done += (size_t)n;
    }
    return SK_OK;
}

const char *sk_json_text(const struct sk_json *json)
{
    return json->text ? json->text : "";
}
