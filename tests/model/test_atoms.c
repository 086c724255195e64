/* Atoms: storage and the state hash. Expected hashes: computed with Python's struct and xxhash,
 *   xxhash.xxh3_64_intdigest(struct.pack('<Q3Q3i3d', id + 1, *x, *image, *v)). */
#include "model/atoms.h"

#include <string.h>

#include "check.h"

static const struct sk_atom_record two[2] = {
    {.id = 0,
     .x = {1, UINT64_C(0x8000000000000000), UINT64_MAX},
     .v = {-0.0, 1.5, -2.25},
     .move = {-0.0, 1e-3, -7e-9},
     .image = {-1, 0, 7},
     .kind = 3,
     .group_size = 2},
    {.id = 123456789012, .x = {5, 6, 7}, .v = {1e-3, 0.0, 3e5}, .image = {0, INT32_MIN, 2}, .kind = 0, .group_size = 0},
};
#define HASH_0      UINT64_C(0x84506b5a63cb973c)
#define HASH_1      UINT64_C(0x865c4d486b66a492)
#define HASH_FRAME  UINT64_C(0x366c13178f125993)
#define HASH_TILTED UINT64_C(0xd003c43ed7d1c5fa)

static void put_two(struct sk_atoms *atoms)
{
    sk_atoms_init(atoms);
    sk_atoms_reserve(atoms, 2);
    sk_atoms_put(atoms, 0, &two[0]);
    sk_atoms_put(atoms, 1, &two[1]);
    atoms->n = 2;
}

static void records_return(void **state)
{
    (void)state;
    struct sk_atoms atoms;
    put_two(&atoms);
    sk_atoms_reserve(&atoms, 1000); /* growing keeps the content */
    assert_true(atoms.capacity >= 1000);
    assert_int_equal(atoms.n, 2);
    for (int i = 0; i < 2; i++) {
        struct sk_atom_record record;
        memset(&record, 0xff, sizeof record);
        sk_atoms_get(&atoms, i, &record);
        assert_int_equal(record.id, two[i].id);
        assert_int_equal(record.kind, two[i].kind);
        assert_int_equal(record.group_size, two[i].group_size);
        assert_memory_equal(record.x, two[i].x, sizeof record.x);
        assert_memory_equal(record.v, two[i].v, sizeof record.v); /* raw bits: -0 stays -0 */
        assert_memory_equal(record.move, two[i].move, sizeof record.move);
        assert_memory_equal(record.image, two[i].image, sizeof record.image);
        assert_memory_equal(atoms.frame[i], two[i].image, sizeof record.image);
    }
    /* Every array reaches to the capacity (a sanitizer build sees a short one). */
    for (int i = 2; i < (int)atoms.capacity; i++)
        sk_atoms_put(&atoms, i, &two[i % 2]);
    sk_atoms_clear(&atoms);
    assert_null(atoms.id);
    assert_int_equal(atoms.capacity, 0);
}

static void the_hash_is_the_documented_one(void **state)
{
    (void)state;
    struct sk_atoms atoms;
    put_two(&atoms);
    assert_true(sk_atoms_hash(&atoms) == HASH_0 + HASH_1);
    atoms.n = 1;
    assert_true(sk_atoms_hash(&atoms) == HASH_0);
    atoms.v[0][0] = 0.0; /* -0 counts as +0 */
    assert_true(sk_atoms_hash(&atoms) == HASH_0);
    atoms.n = 2;
    sk_atoms_put(&atoms, 0, &two[1]); /* order does not count; nor does what is not state */
    sk_atoms_put(&atoms, 1, &two[0]);
    atoms.frame[0][0] += 5;
    atoms.kind[0] += 5;
    assert_true(sk_atoms_hash(&atoms) == HASH_0 + HASH_1);
    atoms.n = 0;
    assert_true(sk_atoms_hash(&atoms) == 0);
    sk_atoms_clear(&atoms);
    struct sk_box box = {{3.1, 4.0, 1e-3}, {0}};
    assert_true(sk_state_hash_frame(&box, 123456789012) == HASH_FRAME);
    memcpy(box.tilt, (const double[3]){0.5, -0.25, 0.125}, sizeof box.tilt);
    assert_true(sk_state_hash_frame(&box, 123456789012) == HASH_TILTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_return),
        cmocka_unit_test(the_hash_is_the_documented_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
