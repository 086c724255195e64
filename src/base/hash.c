#include "base/hash.h"

#define XXH_INLINE_ALL /* short inputs, called once for each atom: no call, no streaming state */
#include <xxhash.h>

uint64_t sk_hash(const void *bytes, size_t length)
{
    return XXH3_64bits(bytes, length);
}

uint64_t sk_hash_id(int64_t id)
{
    return XXH3_64bits(&id, sizeof id);
}
