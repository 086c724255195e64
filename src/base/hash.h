/* Hash: XXH3_64 of xxHash. Owns nothing. */
#ifndef SK_BASE_HASH_H
#define SK_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* XXH3_64 (seed 0) of bytes[length]. Local. */
uint64_t sk_hash(const void *bytes, size_t length);
/* Hash of one id, for order-free checks: the sum over a set proves which ids are in it. */
uint64_t sk_hash_id(int64_t id);

#endif
