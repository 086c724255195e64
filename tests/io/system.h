/* System: atoms that are a function of their id, spread over ranks in ways of which the files must not depend. */
#ifndef SK_TESTS_IO_SYSTEM_H
#define SK_TESTS_IO_SYSTEM_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#include "base/memory.h"
#include "model/atoms.h"
#include "par/comm.h"

/* SplitMix64: another generator than the program's. */
static inline uint64_t system_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

/* Kinds repeat 0, 1, 1. `salt` makes another configuration of the same atoms. */
static inline struct sk_atom_record system_atom(sk_gid id, uint64_t salt)
{
    struct sk_atom_record a;
    memset(&a, 0, sizeof a);
    a.id = id;
    a.kind = id % 3 ? 1 : 0;
    for (uint64_t k = 0; k < 3; k++) {
        uint64_t bits = system_mix((uint64_t)id * 3 + k + salt * 0x1000003);
        a.x[k] = bits;
        a.image[k] = (int32_t)(bits % 7) - 3;
        a.v[k] = (double)(int64_t)system_mix(bits) * 0x1p-62;
        a.move[k] = (double)(int64_t)system_mix(~bits) * 0x1p-70;
    }
    if (id % 11 == 0)
        a.v[1] = -0.0;
    return a;
}

enum system_spread { SYSTEM_SCATTERED, SYSTEM_LAST_RANK, SYSTEM_REVERSED, SYSTEM_SPREADS };

static inline int system_owner(sk_gid id, int64_t natoms, int size, enum system_spread spread)
{
    if (spread == SYSTEM_LAST_RANK)
        return size - 1;
    if (spread == SYSTEM_REVERSED)
        return size - 1 - (int)(id * size / natoms);
    return (int)(system_mix((uint64_t)id ^ 0xabcdef) % (uint64_t)size);
}

/* This rank's atoms, in an order that is not that of their ids. */
static inline void system_fill(struct sk_atoms *atoms, struct sk_comm *comm, int64_t natoms, uint64_t salt,
                               enum system_spread spread)
{
    sk_atoms_init(atoms);
    for (int64_t i = 0; i < natoms; i++) {
        sk_gid id = natoms - 1 - i;
        if (system_owner(id, natoms, sk_comm_size(comm), spread) != sk_comm_rank(comm))
            continue;
        struct sk_atom_record a = system_atom(id, salt);
        sk_atoms_reserve(atoms, (size_t)atoms->n + 1);
        sk_atoms_put(atoms, atoms->n, &a);
        atoms->n++;
    }
}

/* Whether the claim holds on every rank. */
static inline bool system_all(struct sk_comm *comm, bool claim)
{
    int64_t value = claim;
    sk_comm_min_i64(comm, &value, 1);
    return value == 1;
}

/* A new folder, the same on all ranks; system_folder_remove empties and removes it. */
static inline void system_folder(struct sk_comm *comm, char folder[512])
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, 512, "%s/skein-io-XXXXXX", base ? base : "/tmp");
    if (sk_comm_rank(comm) == 0 && !mkdtemp(folder))
        abort();
    sk_comm_bcast(comm, folder, 512, 0);
}

static inline void system_folder_remove(struct sk_comm *comm, const char *folder)
{
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    sk_comm_barrier(comm);
    if (sk_comm_rank(comm) == 0 && system(command) != 0)
        print_message("could not remove %s\n", folder);
    sk_comm_barrier(comm);
}

#endif
