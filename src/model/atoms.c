#include "model/atoms.h"

#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "model/bytes.h"

#define ATOM_BYTES  68
#define FRAME_BYTES 32

void sk_atoms_init(struct sk_atoms *atoms)
{
    memset(atoms, 0, sizeof *atoms);
}

void sk_atoms_clear(struct sk_atoms *atoms)
{
    sk_free(&atoms->id);
    sk_free(&atoms->kind);
    sk_free(&atoms->x);
    sk_free(&atoms->image);
    sk_free(&atoms->v);
    sk_free(&atoms->move);
    sk_free(&atoms->frame);
    sk_free(&atoms->group_size);
    sk_atoms_init(atoms);
}

/* One capacity serves all arrays: each grows from the same old one by the same rule. */
#define RESERVE(array)                      \
    do {                                    \
        capacity = atoms->capacity;         \
        sk_reserve(&(array), &capacity, n); \
    } while (0)

void sk_atoms_reserve(struct sk_atoms *atoms, size_t n)
{
    size_t capacity;
    if (n <= atoms->capacity)
        return;
    RESERVE(atoms->id);
    RESERVE(atoms->kind);
    RESERVE(atoms->x);
    RESERVE(atoms->image);
    RESERVE(atoms->v);
    RESERVE(atoms->move);
    RESERVE(atoms->frame);
    RESERVE(atoms->group_size);
    atoms->capacity = capacity;
}

size_t sk_atoms_memory(const struct sk_atoms *atoms)
{
    size_t atom = sizeof *atoms->id + sizeof *atoms->kind + sizeof *atoms->x + sizeof *atoms->image + sizeof *atoms->v +
                  sizeof *atoms->move + sizeof *atoms->frame + sizeof *atoms->group_size;
    return atoms->capacity * atom;
}

void sk_atoms_get(const struct sk_atoms *atoms, int i, struct sk_atom_record *record)
{
    SK_ASSERT(i >= 0 && (size_t)i < atoms->capacity);
    /* Records travel as bytes: padding must not carry what was in memory. */
    memset(record, 0, sizeof *record);
    record->id = atoms->id[i];
    record->kind = atoms->kind[i];
    record->group_size = atoms->group_size[i];
    for (int k = 0; k < 3; k++) {
        record->x[k] = atoms->x[i][k];
        record->image[k] = atoms->image[i][k];
        record->v[k] = atoms->v[i][k];
        record->move[k] = atoms->move[i][k];
    }
}

void sk_atoms_put(struct sk_atoms *atoms, int i, const struct sk_atom_record *record)
{
    SK_ASSERT(i >= 0 && (size_t)i < atoms->capacity);
    atoms->id[i] = record->id;
    atoms->kind[i] = record->kind;
    atoms->group_size[i] = record->group_size;
    for (int k = 0; k < 3; k++) {
        atoms->x[i][k] = record->x[k];
        atoms->image[i][k] = record->image[k];
        atoms->frame[i][k] = record->image[k];
        atoms->v[i][k] = record->v[k];
        atoms->move[i][k] = record->move[k];
    }
}

uint64_t sk_atoms_hash(const struct sk_atoms *atoms)
{
    unsigned char bytes[ATOM_BYTES];
    uint64_t sum = 0;
    for (int i = 0; i < atoms->n; i++) {
        unsigned char *at = sk_bytes_store(bytes, (uint64_t)atoms->id[i] + 1, 8);
        for (int k = 0; k < 3; k++)
            at = sk_bytes_store(at, atoms->x[i][k], 8);
        for (int k = 0; k < 3; k++)
            at = sk_bytes_store(at, (uint32_t)atoms->image[i][k], 4);
        for (int k = 0; k < 3; k++) /* + 0.0 makes -0 to +0 */
            at = sk_bytes_store(at, sk_bytes_bits(atoms->v[i][k] + 0.0), 8);
        sum += sk_hash(bytes, ATOM_BYTES);
    }
    return sum;
}

uint64_t sk_state_hash_frame(const struct sk_box *box, int64_t step)
{
    unsigned char bytes[FRAME_BYTES + 24], *at = bytes;
    for (int k = 0; k < 3; k++)
        at = sk_bytes_store(at, sk_bytes_bits(box->edge[k]), 8);
    at = sk_bytes_store(at, (uint64_t)step, 8);
    for (int k = 0; k < 3 && !sk_box_is_rectangular(box); k++)
        at = sk_bytes_store(at, sk_bytes_bits(box->tilt[k]), 8);
    return sk_hash(bytes, (size_t)(at - bytes));
}
