/* Bytes: a growing byte image in a fixed little-endian layout, for hashes and broadcasts of a model.
 * The writer owns its buffer until it is handed over; the reader borrows. Private to src/model.
 * Not here: file formats. */
#ifndef SK_MODEL_BYTES_H
#define SK_MODEL_BYTES_H

#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"

struct sk_bytes_writer {
    unsigned char *bytes;
    size_t length, capacity;
};

struct sk_bytes_reader {
    const unsigned char *bytes;
    size_t length, at;
};

/* Stores the low 8 * size bits of value at *to, little-endian; returns the byte after. */
static inline unsigned char *sk_bytes_store(unsigned char *to, uint64_t value, int size)
{
    for (int k = 0; k < size; k++)
        to[k] = (unsigned char)(value >> (8 * k));
    return to + size;
}

static inline uint64_t sk_bytes_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline void sk_bytes_put_int(struct sk_bytes_writer *w, int64_t value)
{
    sk_reserve(&w->bytes, &w->capacity, w->length + 8);
    sk_bytes_store(w->bytes + w->length, (uint64_t)value, 8);
    w->length += 8;
}

static inline void sk_bytes_put_real(struct sk_bytes_writer *w, double value)
{
    sk_bytes_put_int(w, (int64_t)sk_bytes_bits(value));
}

/* Length and characters: what follows the terminator in a fixed field is not part of the image. */
static inline void sk_bytes_put_text(struct sk_bytes_writer *w, const char *text, size_t size)
{
    size_t n = strnlen(text, size);
    sk_bytes_put_int(w, (int64_t)n);
    sk_reserve(&w->bytes, &w->capacity, w->length + n);
    memcpy(w->bytes + w->length, text, n);
    w->length += n;
}

static inline int64_t sk_bytes_get_int(struct sk_bytes_reader *r)
{
    SK_REQUIRE(r->length - r->at >= 8);
    uint64_t value = 0;
    for (int k = 0; k < 8; k++)
        value |= (uint64_t)r->bytes[r->at + (size_t)k] << (8 * k);
    r->at += 8;
    return (int64_t)value;
}

/* A count of things of which each takes at least eight bytes of what is left. */
static inline int sk_bytes_get_count(struct sk_bytes_reader *r)
{
    int64_t n = sk_bytes_get_int(r);
    SK_REQUIRE(n >= 0 && n <= INT32_MAX && (uint64_t)n <= (r->length - r->at) / 8);
    return (int)n;
}

static inline double sk_bytes_get_real(struct sk_bytes_reader *r)
{
    int64_t bits = sk_bytes_get_int(r);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* text has room for size characters with its terminator; the rest is zeroed. */
static inline void sk_bytes_get_text(struct sk_bytes_reader *r, char *text, size_t size)
{
    int64_t n = sk_bytes_get_int(r);
    SK_REQUIRE(n >= 0 && (uint64_t)n < size && (uint64_t)n <= r->length - r->at);
    memset(text, 0, size);
    memcpy(text, r->bytes + r->at, (size_t)n);
    r->at += (size_t)n;
}

#endif
