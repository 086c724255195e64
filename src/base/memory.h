/* Memory: allocation that cannot return NULL, and growing arrays.
 * The caller owns what these return and frees it with sk_free. Running out of memory ends the
 * job with exit code 3 and a message that names the size. Not here: pools, shared windows. */
#ifndef SK_BASE_MEMORY_H
#define SK_BASE_MEMORY_H

#include <stddef.h>

/* 64-byte aligned, uninitialised; count * size bytes, overflow checked. Local. */
void *sk_alloc(size_t count, size_t size);
/* The same, zeroed. */
void *sk_calloc(size_t count, size_t size);
/* Frees *pointer (as void **) and nulls it; NULL-safe. */
void sk_free_(void **pointer);
#define sk_free(pointer) sk_free_((void **)(pointer))
/* Makes room for at least `need` elements in *array, whose capacity is *capacity; keeps the
 * content, grows by at least one half, never shrinks. New bytes are uninitialised. */
void sk_reserve_(void **array, size_t *capacity, size_t need, size_t size);
#define sk_reserve(array, capacity, need) sk_reserve_((void **)(array), (capacity), (need), sizeof **(array))

#endif
