/* Mixer: pseudo-random bytes that every rank can compute for every other rank (splitmix64), so that what
 * arrives can be checked without a second message; and agreement on the number of errors. */
#ifndef SK_TESTS_PAR_MIXER_H
#define SK_TESTS_PAR_MIXER_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "par/comm.h"

static inline uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline uint64_t mix4(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return mix(mix(mix(mix(a) + b) + c) + d);
}

/* Byte i of the stream `key`; `word` carries the hash from one byte to the next. */
static inline unsigned char mix_byte(uint64_t *word, size_t i, uint64_t key)
{
    *word = i % 8 ? *word >> 8 : mix(key + i / 8);
    return (unsigned char)*word;
}

static inline void mix_fill(unsigned char *bytes, size_t length, uint64_t key)
{
    uint64_t word = 0;
    for (size_t i = 0; i < length; i++)
        bytes[i] = mix_byte(&word, i, key);
}

/* Number of bytes that are not what mix_fill writes. */
static inline int64_t mix_errors(const unsigned char *bytes, size_t length, uint64_t key)
{
    int64_t errors = 0;
    uint64_t word = 0;
    for (size_t i = 0; i < length; i++)
        errors += bytes[i] != mix_byte(&word, i, key);
    return errors;
}

/* Puts the ranks out of step with one another, differently in each round. */
static inline void mix_delay(uint64_t key)
{
    if (key % 4 == 0) {
        struct timespec nap = {0, (long)(key / 4 % 500) * 1000};
        nanosleep(&nap, NULL);
    }
}

static inline int64_t agreed_errors(struct sk_comm *comm, int64_t mine)
{
    sk_comm_sum_i64(comm, &mine, 1);
    return mine;
}

#endif
