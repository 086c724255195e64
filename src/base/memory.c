#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

void *sk_alloc(size_t count, size_t size)
{
    size_t bytes = count * size;
    if (size && count > (SIZE_MAX - 64) / size)
        sk_die(SK_EENV, "cannot allocate %zu x %zu bytes", count, size);
    bytes = (bytes + 63) / 64 * 64;
    void *p = aligned_alloc(64, bytes ? bytes : 64);
    if (!p)
        sk_die(SK_EENV, "out of memory: cannot allocate %zu bytes", bytes);
    return p;
}

void *sk_calloc(size_t count, size_t size)
{
    void *p = sk_alloc(count, size);
    memset(p, 0, count * size);
    return p;
}

void sk_free_(void **pointer)
{
    free(*pointer);
    *pointer = NULL;
}

void sk_reserve_(void **array, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity)
        return;
    size_t grown = *capacity + *capacity / 2;
    if (grown < need)
        grown = need;
    void *p = sk_alloc(grown, size);
    if (*array)
        memcpy(p, *array, *capacity * size);
    free(*array);
    *array = p;
    *capacity = grown;
}
