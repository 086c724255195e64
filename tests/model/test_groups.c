/* Groups and freezing. Expected values: sets of every atom told by a walk over all of them, and molecules that freezing
 * changes, written out by hand. */
#include "model/groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "model/freeze.h"

enum { WATERS = 5, CHAINS = 3, LOOSE = 4, UNIT = 3 * WATERS + 4 * CHAINS + LOOSE };

static void fill_type(struct sk_moltype *type, const char *name, int natoms, int kind)
{
    memset(type, 0, sizeof *type);
    strcpy(type->name, name);
    type->natoms = natoms;
    type->atoms = sk_calloc((size_t)natoms, sizeof *type->atoms);
    for (int i = 0; i < natoms; i++) {
        snprintf(type->atoms[i].name, SK_NAME_MAX, "A%d", i);
        strcpy(type->atoms[i].residue, name);
        type->atoms[i].residue_number = 1;
        type->atoms[i].kind = kind;
    }
}

/* Five rigid waters, three chains of four atoms with three constraints, four loose atoms; twice along x. */
static void fill_system(struct sk_topology *top)
{
    struct sk_error err;
    sk_topology_init(top);
    for (int k = 0; k < 3; k++)
        sk_topology_kind(top, k, 0, 1 + k);
    top->nmoltypes = 3;
    top->moltypes = sk_calloc(3, sizeof *top->moltypes);
    struct sk_moltype *water = &top->moltypes[0], *chain = &top->moltypes[1];
    fill_type(water, "SOL", 3, 0);
    water->nsettles = 1;
    water->settles = sk_calloc(1, sizeof *water->settles);
    water->settles[0] = (struct sk_settle){0, 1, 2, 0.1, 0.16};
    fill_type(chain, "CHAIN", 4, 1);
    chain->nconstraints = 3;
    chain->constraints = sk_calloc(3, sizeof *chain->constraints);
    for (int c = 0; c < 3; c++)
        chain->constraints[c] = (struct sk_constraint){c, c + 1, 0.1 + 0.01 * c};
    fill_type(&top->moltypes[2], "atom", 1, -1);
    for (int t = 0; t < 3; t++)
        assert_int_equal(sk_moltype_finish(&top->moltypes[t], &err), SK_OK);
    top->nblocks = 3;
    top->blocks = sk_calloc(3, sizeof *top->blocks);
    const int64_t counts[] = {WATERS, CHAINS, LOOSE};
    for (int b = 0; b < 3; b++)
        top->blocks[b] = (struct sk_molblock){.moltype = b, .count = counts[b]};
    top->replicate[0] = 2;
    assert_int_equal(sk_topology_finish(top, &err), SK_OK);
}

static int kind_of(sk_gid id)
{
    int place = (int)(id % UNIT);
    return place < 3 * WATERS ? 0 : place < UNIT - LOOSE ? 1 : 1 + place % 2;
}

static void sets_are_those_of_a_walk(void **state)
{
    struct sk_topology top;
    struct sk_groups groups;
    (void)state;
    fill_system(&top);
    srand(3);
    for (int turn = 0; turn < 200; turn++) {
        uint32_t place[3][4], kind[3], id[UNIT] = {0}, rest = turn % 3 ? 1U << 5 : 0;
        sk_groups_init(&groups, &top);
        assert_int_equal(sk_groups_of(&groups, 7, 0) & 0xffff, 0);
        for (int g = 0; g < 6; g++)
            sk_groups_add(&groups, (const char *[]){"a", "b", "c", "d", "e", "f"}[g]);
        for (int t = 0; t < 3; t++) {
            kind[t] = groups.of_kind[t] = rand() % 4 ? 0 : 1U << rand() % 3;
            for (int i = 0; i < top.moltypes[t].natoms; i++)
                place[t][i] = groups.of_place[t][i] = rand() % 3 ? 0 : 1U << rand() % 5;
        }
        for (int r = 0; r < turn % 9; r++) {
            int first = rand() % UNIT, end = first + 1 + rand() % (UNIT - first);
            uint32_t set = 1U << rand() % 5;
            sk_groups_add_range(&groups, set, first, end);
            for (int i = first; i < end; i++)
                id[i] |= set;
        }
        groups.rest = rest;
        sk_groups_finish(&groups);
        for (sk_gid i = 0; i < top.natoms; i++) {
            int at = (int)(i % UNIT), t = at < 3 * WATERS ? 0 : at < UNIT - LOOSE ? 1 : 2;
            int p = t == 0 ? at % 3 : t == 1 ? (at - 3 * WATERS) % 4 : 0;
            uint32_t sets = place[t][p] | kind[kind_of(i)] | id[at];
            assert_int_equal(sk_groups_of(&groups, i, kind_of(i)) & 0xffff, sets ? sets : rest);
        }
        sk_groups_clear(&groups);
    }
    sk_topology_clear(&top);
}

static void lists_tell_the_one_group(void **state)
{
    struct sk_topology top;
    struct sk_groups groups;
    struct sk_grouping list;
    (void)state;
    fill_system(&top);
    sk_groups_init(&groups, &top);
    sk_groups_add(&groups, "water");
    sk_groups_add(&groups, "wat");
    groups.of_place[0][0] = groups.of_place[0][1] = groups.of_place[0][2] = 1;
    groups.of_place[0][2] |= 2;
    sk_groups_finish(&groups);
    uint32_t oxygen = sk_groups_of(&groups, 0, 0), last = sk_groups_of(&groups, 2, 0),
             other = sk_groups_of(&groups, 20, 1);
    sk_grouping_init(&list, &groups, "");
    assert_int_equal(list.n, 0);
    sk_grouping_init(&list, &groups, "  wat\twater ");
    assert_int_equal(list.n, 2);
    assert_string_equal(list.name[0], "wat");
    assert_int_equal(sk_grouping_find(&list, oxygen), 1);
    assert_int_equal(sk_grouping_find(&list, last), SK_IN_SEVERAL_GROUPS);
    assert_int_equal(sk_grouping_find(&list, other), SK_IN_NO_GROUP);
    assert_true(sk_grouping_union(&list) & oxygen && !(sk_grouping_union(&list) & other));
    sk_grouping_init(&list, &groups, "rest wat");
    assert_int_equal(sk_grouping_find(&list, oxygen), 0);
    assert_int_equal(sk_grouping_find(&list, last), 1);
    assert_int_equal(sk_grouping_find(&list, other), 0);
    sk_grouping_init(&list, &groups, "all");
    assert_int_equal(sk_grouping_find(&list, last), 0);
    assert_int_equal(sk_grouping_find(&list, other), 0);
    sk_groups_clear(&groups);
    sk_topology_clear(&top);
}

static void axes_are_words(void **state)
{
    bool axis[3];
    (void)state;
    assert_true(sk_axes_parse("z  x", axis) && axis[0] && !axis[1] && axis[2]);
    assert_true(sk_axes_parse(" y", axis) && !axis[0] && axis[1] && !axis[2]);
    const char *const bad[] = {"", " ", "xy", "x x", "w", "x,y", "xx"};
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++)
        assert_false(sk_axes_parse(bad[b], axis));
}

static const bool whole[3] = {true, true, true};

/* Freezes ids [first, end) of the unit system. */
static enum sk_code freeze(struct sk_topology *top, sk_gid first, sk_gid end, const bool axis[3], struct sk_error *err)
{
    struct sk_groups groups;
    sk_groups_init(&groups, top);
    sk_groups_add(&groups, "cold");
    sk_groups_add_range(&groups, 1, first, end);
    sk_groups_finish(&groups);
    enum sk_code code = sk_topology_freeze(top, &groups, 1, axis, err);
    sk_groups_clear(&groups);
    return code;
}

static void molecules_that_freeze_become_types(void **state)
{
    struct sk_topology top, copy;
    struct sk_error err;
    (void)state;
    fill_system(&top);
    uint64_t hash = sk_topology_hash(&top);
    /* waters 2 to 4, the first chain, and half of the second */
    assert_int_equal(freeze(&top, 6, 3 * WATERS + 6, whole, &err), SK_OK);
    assert_int_equal(top.natoms, 2 * UNIT);
    const int64_t counts[] = {2, 3, 1, 1, 1, LOOSE};
    const char *const names[] = {"SOL", "SOL", "CHAIN", "CHAIN", "CHAIN", "atom"};
    const int constraints[] = {0, 0, 0, 2, 3, 0};
    assert_int_equal(top.nblocks, 6);
    for (int b = 0; b < 6; b++) {
        const struct sk_moltype *type = &top.moltypes[top.blocks[b].moltype];
        assert_int_equal(top.blocks[b].count, counts[b]);
        assert_string_equal(type->name, names[b]);
        assert_int_equal(type->nconstraints, constraints[b]);
        for (int i = 0; i < type->natoms; i++)
            assert_int_equal(type->atoms[i].is_frozen, b == 1 || b == 2 || (b == 3 && i < 2));
    }
    assert_true(sk_moltype_frozen_settle(&top.moltypes[top.blocks[1].moltype], 0));
    assert_false(sk_moltype_frozen_settle(&top.moltypes[top.blocks[0].moltype], 0));
    /* of the half: between its second and third atom and beyond, for the first pair cannot move */
    const struct sk_moltype *half = &top.moltypes[top.blocks[3].moltype];
    assert_int_equal(half->constraints[0].i, 1);
    assert_true(half->constraints[0].length == 0.1 + 0.01);
    assert_true(1 / sk_template_mass(&top, &half->atoms[1]) == 0);
    assert_true(sk_template_mass(&top, &half->atoms[2]) == 2);
    for (sk_gid id = 0; id < top.natoms; id++) { /* ids are where they were */
        struct sk_place at = sk_topology_find(&top, id);
        bool is_frozen = id % UNIT >= 6 && id % UNIT < 3 * WATERS + 6;
        assert_int_equal(top.moltypes[at.moltype].atoms[at.place].is_frozen, is_frozen);
    }
    sk_topology_copy(&top, &copy); /* marks are part of the image */
    assert_true(copy.moltypes[copy.blocks[1].moltype].atoms[2].is_frozen);
    assert_true(sk_topology_hash(&top) != hash);
    sk_topology_clear(&copy);
    sk_topology_clear(&top);
}

static void nothing_frozen_changes_nothing(void **state)
{
    struct sk_topology top;
    struct sk_error err;
    (void)state;
    fill_system(&top);
    uint64_t hash = sk_topology_hash(&top);
    assert_int_equal(freeze(&top, UNIT - LOOSE, UNIT, whole, &err), SK_OK); /* loose atoms have no constraints */
    assert_true(sk_topology_hash(&top) == hash);
    assert_int_equal(top.nblocks, 3);
    sk_topology_clear(&top);
}

static void refuse(sk_gid first, sk_gid end, const bool axis[3], const char *message)
{
    struct sk_topology top;
    struct sk_error err;
    fill_system(&top);
    assert_int_equal(freeze(&top, first, end, axis, &err), SK_EINPUT);
    assert_string_equal(err.message, message);
    sk_topology_clear(&top);
}

static void what_cannot_freeze_is_named(void **state)
{
    static const bool plane[3] = {true, true, false};
    (void)state;
    refuse(4, 6, whole,
           "atom 4 (A0, residue SOL 1) is in a rigid water that is frozen in part; freeze all of it or "
           "nothing");
    refuse(3, 6, plane, "atom 4 (A0, residue SOL 1) is in a rigid water, which can only be frozen along all axes");
    refuse(3 * WATERS + 5, 3 * WATERS + 6, plane,
           "atom 21 (A1, residue CHAIN 1) has constraints, and so can only be frozen along all axes");
}

/* Chains with a virtual site at their end, which is built from the two atoms before it; nothing is rigid. */
static enum sk_code freeze_sites(sk_gid first, sk_gid end, const bool axis[3], struct sk_error *err)
{
    struct sk_topology top;
    fill_system(&top);
    struct sk_moltype *chain = &top.moltypes[1];
    int massless = sk_topology_kind(&top, 0, 0, 0);
    chain->nconstraints = 0;
    chain->atoms[3].kind = massless;
    chain->nsites = 1;
    chain->sites = sk_calloc(1, sizeof *chain->sites);
    chain->sites[0] = (struct sk_virtual_site){.place = 3, .from = {1, 2, -1}, .form = SK_VIRTUAL_2, .a = 0.5};
    assert_int_equal(sk_moltype_finish(chain, err), SK_OK);
    enum sk_code code = freeze(&top, first, end, axis, err);
    sk_topology_clear(&top);
    return code;
}

static void sites_freeze_with_their_atoms(void **state)
{
    enum { CHAIN = 3 * WATERS + 4 }; /* the second */
    static const bool plane[3] = {true, false, true};
    struct sk_error err;
    (void)state;
    assert_int_equal(freeze_sites(CHAIN + 1, CHAIN + 4, whole, &err), SK_OK);
    assert_int_equal(freeze_sites(CHAIN, CHAIN + 3, whole, &err), SK_OK);
    assert_int_equal(freeze_sites(CHAIN, CHAIN + 3, plane, &err), SK_OK);
    const char *message = "atom 23 (A3, residue CHAIN 1) is a virtual site, which goes where its atoms go; freeze them "
                          "along all axes too, or leave it out";
    assert_int_equal(freeze_sites(CHAIN + 2, CHAIN + 4, whole, &err), SK_EINPUT);
    assert_string_equal(err.message, message);
    assert_int_equal(freeze_sites(CHAIN, CHAIN + 4, plane, &err), SK_EINPUT);
    assert_string_equal(err.message, message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_those_of_a_walk),
        cmocka_unit_test(lists_tell_the_one_group),
        cmocka_unit_test(axes_are_words),
        cmocka_unit_test(molecules_that_freeze_become_types),
        cmocka_unit_test(nothing_frozen_changes_nothing),
        cmocka_unit_test(what_cannot_freeze_is_named),
        cmocka_unit_test(sites_freeze_with_their_atoms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
