/* Idmap against plain arrays: the same answers for present and absent keys whatever the keys look like, through growth
 * and reset. */
#include "base/idmap.h"

#include "check.h"
#include "par/mixer.h"

#include "base/memory.h"

#define NKEYS 20000

/* Keys of all sizes, of one residue modulo any power of two, consecutive ones; 62 bits at most. */
static int64_t key_of(int pattern, int i)
{
    switch (pattern) {
    case 0: return (int64_t)(mix((uint64_t)i) >> 2);
    case 1: return i;
    case 2: return (int64_t)i << 40;
    case 3: return (int64_t)(mix((uint64_t)i) % 4000); /* most come again */
    default: return INT64_MAX - 7 * (int64_t)i;
    }
}

/* By search from the end: what was set last. */
static int32_t reference_find(const int64_t *key, const int32_t *value, int n, int64_t wanted)
{
    for (int i = n - 1; i >= 0; i--)
        if (key[i] == wanted)
            return value[i];
    return -1;
}

/* Different keys among those below most. */
static size_t count_different(const int64_t *key, int n, int64_t most)
{
    char *is_there = sk_calloc((size_t)most, 1);
    size_t different = 0;
    for (int i = 0; i < n; i++) {
        different += !is_there[key[i]];
        is_there[key[i]] = 1;
    }
    sk_free(&is_there);
    return different;
}

static void answers_are_those_of_a_plain_search(void **state)
{
    (void)state;
    int64_t *key = sk_alloc(NKEYS, sizeof *key);
    int32_t *value = sk_alloc(NKEYS, sizeof *value);
    for (int pattern = 0; pattern < 5; pattern++) {
        struct sk_idmap map;
        sk_idmap_init(&map);
        sk_idmap_reset(&map, pattern % 2 ? NKEYS : 0);
        for (int i = 0; i < NKEYS; i++) {
            key[i] = key_of(pattern, i);
            value[i] = (int32_t)(mix4(5, (uint64_t)pattern, (uint64_t)i, 0) >> 33);
            sk_idmap_set(&map, key[i], value[i]);
            int64_t known = key[mix((uint64_t)i + 99) % (uint64_t)(i + 1)];
            int64_t other = pattern == 3 ? key_of(3, NKEYS + i) : (int64_t)(mix((uint64_t)i + 7) >> 1);
            if (i % 50 == 0 || i < 40) { /* the search is slow */
                assert_int_equal(sk_idmap_find(&map, known), reference_find(key, value, i + 1, known));
                assert_int_equal(sk_idmap_find(&map, other), reference_find(key, value, i + 1, other));
            }
        }
        for (int i = 0; i < NKEYS && pattern != 3; i++)
            assert_int_equal(sk_idmap_find(&map, key[i]), value[i]);
        assert_int_equal(map.used, pattern == 3 ? count_different(key, NKEYS, 4000) : NKEYS);
        sk_idmap_clear(&map);
    }
    sk_free(&key);
    sk_free(&value);
}

/* A key that comes again takes no second place. */
static void a_second_value_replaces_the_first(void **state)
{
    (void)state;
    struct sk_idmap map;
    sk_idmap_init(&map);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 1000; i++)
            sk_idmap_set(&map, 3 * (int64_t)i, 1000 * round + i);
    assert_int_equal(map.used, 1000);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(sk_idmap_find(&map, i), i % 3 ? -1 : 2000 + i / 3);
    sk_idmap_clear(&map);
}

static void a_table_is_a_power_of_two_and_at_most_half_full(void **state)
{
    (void)state;
    struct sk_idmap map;
    sk_idmap_init(&map);
    int growths = 0;
    for (int i = 0; i < 5000; i++) {
        size_t before = map.size;
        sk_idmap_set(&map, (int64_t)(mix((uint64_t)i) >> 1), i);
        growths += map.size != before;
        assert_true(map.size && (map.size & (map.size - 1)) == 0 && 2 * map.used <= map.size);
        assert_int_equal(map.used, i + 1);
    }
    assert_in_range(growths, 5, 15);
    /* room that was asked for is there: a pointer into the table stays */
    sk_idmap_reset(&map, 50000);
    const struct sk_idmap_slot *slot = map.slot;
    for (int i = 0; i < 50000; i++)
        sk_idmap_set(&map, i, i);
    assert_ptr_equal(map.slot, slot);
    sk_idmap_clear(&map);
}

static void an_empty_map_knows_nothing(void **state)
{
    (void)state;
    struct sk_idmap map;
    sk_idmap_init(&map);
    assert_int_equal(sk_idmap_find(&map, 0), -1); /* before any room is made */
    sk_idmap_reset(&map, 0);
    assert_int_equal(sk_idmap_find(&map, 0), -1);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 700; i++)
            sk_idmap_set(&map, 700 * round + i, i);
        for (int i = 0; i < 4 * 700; i++) /* of this round alone */
            assert_int_equal(sk_idmap_find(&map, i), i / 700 == round ? i % 700 : -1);
        sk_idmap_reset(&map, round == 1 ? 10000 : 5);
        assert_int_equal(map.used, 0);
        assert_int_equal(sk_idmap_find(&map, 700 * round), -1);
    }
    sk_idmap_clear(&map);
    assert_null(map.slot);
    assert_int_equal(sk_idmap_find(&map, 3), -1);
    sk_idmap_set(&map, INT64_MAX, INT32_MAX); /* usable again */
    sk_idmap_set(&map, 0, 0);
    assert_int_equal(sk_idmap_find(&map, INT64_MAX), INT32_MAX);
    assert_int_equal(sk_idmap_find(&map, 0), 0);
    sk_idmap_clear(&map);
    sk_idmap_clear(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_of_a_plain_search),
        cmocka_unit_test(a_second_value_replaces_the_first),
        cmocka_unit_test(a_table_is_a_power_of_two_and_at_most_half_full),
        cmocka_unit_test(an_empty_map_knows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
