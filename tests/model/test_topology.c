/* Topology and force field. Expected values: counted by hand from the models written here, and a
 * brute-force walk over all atoms as second implementation of sk_topology_find. */
#include "model/topology.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "model/forcefield.h"

static void fill_type(struct sk_moltype *type, const char *name, int natoms)
{
    memset(type, 0, sizeof *type);
    strcpy(type->name, name);
    type->natoms = natoms;
    type->atoms = sk_calloc((size_t)natoms, sizeof *type->atoms);
    for (int i = 0; i < natoms; i++) {
        snprintf(type->atoms[i].name, SK_NAME_MAX, "A%d", i);
        strcpy(type->atoms[i].residue, name);
        type->atoms[i].residue_number = 1;
        type->atoms[i].kind = -1;
    }
}

/* Gives the type its exclusions from a list of (i, j) sorted by i, as a reader would. */
static void fill_exclusions(struct sk_moltype *type, int n, const int pairs[][2])
{
    type->excluded_start = sk_calloc((size_t)type->natoms + 1, sizeof *type->excluded_start);
    type->excluded = sk_alloc((size_t)n, sizeof *type->excluded);
    for (int k = 0; k < n; k++) {
        type->excluded[k] = pairs[k][1];
        for (int i = pairs[k][0]; i < type->natoms; i++)
            type->excluded_start[i + 1]++;
    }
}

static void fill_settle(struct sk_moltype *type, int s, int apex, int leg1, int leg2)
{
    type->settles[s] = (struct sk_settle){apex, leg1, leg2, 0.1, 0.1633};
}

static void fill_water(struct sk_moltype *type)
{
    fill_type(type, "SOL", 3);
    type->nsettles = 1;
    type->settles = sk_calloc(1, sizeof *type->settles);
    fill_settle(type, 0, 0, 1, 2);
}

/* Seven atoms in three residues; exclusions one way, doubled, of itself; a settle apart from them. */
static void fill_chain(struct sk_moltype *type)
{
    static const int pairs[][2] = {{0, 6}, {0, 0}, {2, 6}, {2, 0}, {2, 0}, {6, 2}};
    fill_type(type, "CHAIN", 7);
    for (int i = 0; i < 7; i++)
        type->atoms[i].residue_number = 10 + i / 3;
    fill_exclusions(type, 6, pairs);
    type->nsettles = 1;
    type->settles = sk_calloc(1, sizeof *type->settles);
    fill_settle(type, 0, 5, 3, 1);
}

static void fill_system(struct sk_topology *top)
{
    struct sk_error err;
    sk_topology_init(top);
    strcpy(top->title, "two waters");
    assert_int_equal(sk_topology_kind(top, 0, -0.8476, 15.9994), 0);
    assert_int_equal(sk_topology_kind(top, 1, 0.4238, 1.008), 1);
    assert_int_equal(sk_topology_kind(top, 0, -0.8476, 15.9994), 0);
    assert_int_equal(sk_topology_kind(top, 1, -0.0, 1.008), 2);
    assert_int_equal(sk_topology_kind(top, 1, 0.0, 1.008), 2);
    top->nmoltypes = 3;
    top->moltypes = sk_calloc(3, sizeof *top->moltypes);
    fill_water(&top->moltypes[0]);
    fill_chain(&top->moltypes[1]);
    fill_type(&top->moltypes[2], "AR", 1);
    for (int t = 0; t < 3; t++)
        assert_int_equal(sk_moltype_finish(&top->moltypes[t], &err), SK_OK);
    static const int type[6] = {2, 0, 1, 1, 2, 0}, count[6] = {5, 4, 0, 3, 0, 2};
    top->nblocks = 6;
    top->blocks = sk_calloc(6, sizeof *top->blocks);
    for (int b = 0; b < 6; b++) {
        top->blocks[b].moltype = type[b];
        top->blocks[b].count = count[b];
    }
    top->replicate[0] = 2;
    top->replicate[2] = 3;
    assert_int_equal(sk_topology_finish(top, &err), SK_OK);
}

static void exclusions_are_symmetric_and_sorted(void **state)
{
    (void)state;
    struct sk_topology top;
    fill_system(&top);
    const struct sk_moltype *type = &top.moltypes[1];
    static const int start[8] = {0, 2, 2, 4, 4, 4, 4, 6}, excluded[6] = {2, 6, 0, 6, 0, 2};
    assert_memory_equal(type->excluded_start, start, sizeof start);
    assert_memory_equal(type->excluded, excluded, sizeof excluded);
    for (int i = 0; i < 4; i++)
        assert_int_equal(top.moltypes[0].excluded_start[i], 0);
    sk_topology_clear(&top);
}

static void groups_are_components(void **state)
{
    (void)state;
    struct sk_topology top;
    struct sk_error err;
    fill_system(&top);
    struct sk_moltype *type = &top.moltypes[1];
    static const int start[4] = {0, 3, 6, 7}, place[7] = {0, 2, 6, 1, 3, 5, 4};
    static const int of[7] = {0, 1, 0, 1, 2, 1, 0}, settle[3] = {-1, 0, -1};
    for (int again = 0; again < 2; again++) { /* the second call must change nothing */
        assert_int_equal(type->ngroups, 3);
        assert_memory_equal(type->group_start, start, sizeof start);
        assert_memory_equal(type->group_place, place, sizeof place);
        assert_memory_equal(type->group_of, of, sizeof of);
        assert_memory_equal(type->settle_of_group, settle, sizeof settle);
        assert_int_equal(type->nresidues, 3);
        assert_int_equal(sk_moltype_finish(type, &err), SK_OK);
    }
    assert_int_equal(top.moltypes[0].ngroups, 1);
    assert_int_equal(top.moltypes[0].settle_of_group[0], 0);
    /* unit: 5 argon, 6 waters, 3 chains; 6 copies */
    assert_int_equal(sk_topology_groups(&top), 6 * (5 + 6 + 9));
    assert_int_equal(sk_topology_settles(&top), 6 * (6 + 3));
    assert_int_equal(sk_topology_molecules(&top), 6 * 14);
    assert_int_equal(top.natoms, 6 * (5 + 18 + 21));
    sk_topology_clear(&top);
    assert_int_equal(top.natoms, 0);
}

/* A random graph against a flood by repeated relabelling; atoms of components that are too large stay alone. */
static void groups_of_random_exclusions(void **state)
{
    (void)state;
    srand(7);
    for (int trial = 0; trial < 200; trial++) {
        int n = 1 + rand() % 40, m = rand() % 40, pairs[40][2], label[40], size[40] = {0};
        struct sk_topology top;
        struct sk_error err;
        sk_topology_init(&top);
        top.nmoltypes = 1;
        top.moltypes = sk_calloc(1, sizeof *top.moltypes);
        struct sk_moltype *type = &top.moltypes[0];
        fill_type(type, "R", n);
        for (int k = 0; k < m; k++) {
            pairs[k][0] = k * n / (m + 1);
            pairs[k][1] = rand() % n;
        }
        fill_exclusions(type, m, pairs);
        assert_int_equal(sk_moltype_finish(type, &err), SK_OK);
        for (int i = 0; i < n; i++)
            label[i] = i;
        for (int sweep = 0; sweep < n; sweep++)
            for (int k = 0; k < m; k++) {
                int *a = &label[pairs[k][0]], *b = &label[pairs[k][1]];
                *a = *b = *a < *b ? *a : *b;
            }
        for (int i = 0; i < n; i++)
            size[label[i]]++;
        for (int i = 0; i < n; i++)
            label[i] = size[label[i]] <= SK_CLUSTER_MAX ? label[i] : i;
        for (int i = 0; i < n; i++) {
            int g = type->group_of[i];
            assert_int_equal(type->group_place[type->group_start[g]], label[i]);
            if (i && label[i] == i) /* groups follow their anchors */
                assert_true(g > type->group_of[i - 1] || label[i - 1] != i - 1);
        }
        assert_int_equal(type->group_start[type->ngroups], n);
        sk_topology_clear(&top);
    }
}

/* Gives the type its constraints from a list of places, all of length 0.1. */
static void fill_constraints(struct sk_moltype *type, int n, const int pairs[][2])
{
    sk_free(&type->constraints);
    type->nconstraints = n;
    type->constraints = sk_calloc((size_t)n, sizeof *type->constraints);
    for (int k = 0; k < n; k++)
        type->constraints[k] = (struct sk_constraint){pairs[k][0], pairs[k][1], 0.1};
}

static void constraints_are_ordered_and_checked(void **state)
{
    (void)state;
    struct sk_topology top, copy;
    struct sk_error err;
    unsigned char *bytes;
    size_t length;
    fill_system(&top);
    struct sk_moltype *type = &top.moltypes[2];
    sk_free(&type->atoms);
    sk_free(&type->excluded_start);
    sk_free(&type->excluded);
    sk_free(&type->group_start);
    sk_free(&type->group_place);
    sk_free(&type->group_of);
    sk_free(&type->settle_of_group);
    sk_free(&type->residue_of);
    fill_type(type, "AR", 4);
    assert_int_equal(sk_moltype_finish(type, &err), SK_OK);
    uint64_t none = sk_topology_hash(&top);
    fill_constraints(type, 3, (const int[][2]){{3, 1}, {2, 0}, {0, 1}});
    type->constraints[0].length = 0.25;
    assert_int_equal(sk_moltype_finish(type, &err), SK_OK);
    assert_int_equal(sk_topology_finish(&top, &err), SK_OK);
    static const struct sk_constraint sorted[3] = {{0, 1, 0.1}, {0, 2, 0.1}, {1, 3, 0.25}};
    for (int k = 0; k < 3; k++) {
        assert_int_equal(type->constraints[k].i, sorted[k].i);
        assert_int_equal(type->constraints[k].j, sorted[k].j);
        assert_true(type->constraints[k].length == sorted[k].length);
    }
    assert_int_equal(sk_topology_constraints(&top), 6 * 5 * 3); /* 5 molecules, 6 copies */
    uint64_t hash = sk_topology_hash(&top);
    assert_true(hash != none);
    type->constraints[1].length = 0.1000001;
    assert_true(sk_topology_hash(&top) != hash);
    type->constraints[1].length = 0.1;
    type->constraints[1].j = 3;
    assert_true(sk_topology_hash(&top) != hash);
    type->constraints[1].j = 2;
    type->is_split = true;
    assert_true(sk_topology_hash(&top) == hash);
    sk_topology_pack(&top, &bytes, &length);
    sk_topology_init(&copy);
    sk_topology_unpack(&copy, bytes, length);
    sk_free(&bytes);
    assert_true(sk_topology_hash(&copy) == hash && !copy.moltypes[2].is_split);
    assert_int_equal(copy.moltypes[2].ngroups, 1);
    sk_topology_clear(&copy);
    static const struct {
        int n, pairs[2][2];
        double length;
        const char *says;
    } bad[] = {{2, {{0, 1}, {1, 0}}, 0.1, "two constraints between atoms 1 and 2"},
               {1, {{0, 4}}, 0.1, "atoms 1 and 5, but it has 4 atoms"},
               {1, {{2, 2}}, 0.1, "atoms 3 and 3"},
               {1, {{-1, 2}}, 0.1, "atoms 0 and 3"},
               {1, {{0, 1}}, 0, "length 0"},
               {1, {{0, 1}}, NAN, "length nan"}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        fill_constraints(type, bad[k].n, bad[k].pairs);
        type->constraints[0].length = bad[k].length;
        assert_int_equal(sk_moltype_finish(type, &err), SK_EINPUT);
        assert_non_null(strstr(err.message, bad[k].says));
    }
    fill_constraints(&top.moltypes[0], 1, (const int[][2]){{0, 1}});
    assert_int_equal(sk_moltype_finish(&top.moltypes[0], &err), SK_EINPUT);
    assert_non_null(strstr(err.message, "meets a rigid water"));
    sk_topology_clear(&top);
}

/* A star of 5, a chain of 6, a pair, and a single atom, with exclusions that join or do not. */
static void small_clusters_are_groups(void **state)
{
    (void)state;
    static const int bonds[][2] = {{0, 1}, {0, 2}, {0, 3}, {0, 4}, {5, 6}, {6, 7}, {7, 8}, {8, 9}, {9, 10}, {11, 12}};
    static const int excluded[][2] = {{11, 13}};
    static const int many[][2] = {{4, 11}, {11, 13}};
    static const int kept[14] = {0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 7, 7};  /* 11-12-13: 3 atoms, so joined */
    static const int apart[14] = {0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 7, 8}; /* the exclusions' component: 8 atoms */
    struct sk_error err;
    for (int which = 0; which < 3; which++) {
        struct sk_topology top;
        sk_topology_init(&top);
        top.nmoltypes = 1;
        top.moltypes = sk_calloc(1, sizeof *top.moltypes);
        struct sk_moltype *type = &top.moltypes[0];
        fill_type(type, "M", 14);
        fill_constraints(type, 10, bonds);
        if (which == 1)
            fill_exclusions(type, 2, many);
        else
            fill_exclusions(type, 1, excluded);
        type->is_split = which == 2;
        assert_int_equal(sk_moltype_finish(type, &err), SK_OK);
        assert_int_equal(type->ngroups, which == 2 ? 14 : which == 1 ? 9 : 8);
        for (int i = 0; i < 14; i++)
            assert_int_equal(type->group_of[i], which == 2 ? i : which == 1 ? apart[i] : kept[i]);
        sk_topology_clear(&top);
    }
}

static void find_agrees_with_a_walk(void **state)
{
    (void)state;
    struct sk_topology top;
    fill_system(&top);
    sk_gid id = 0;
    int64_t residue = 0;
    for (int copy = 0; copy < 6; copy++)
        for (int b = 0; b < top.nblocks; b++)
            for (int64_t m = 0; m < top.blocks[b].count; m++) {
                const struct sk_moltype *type = &top.moltypes[top.blocks[b].moltype];
                sk_gid first = id;
                for (int p = 0; p < type->natoms; p++, id++) {
                    if (p && type->atoms[p].residue_number != type->atoms[p - 1].residue_number)
                        residue++;
                    struct sk_place found = sk_topology_find(&top, id);
                    assert_int_equal(found.moltype, top.blocks[b].moltype);
                    assert_int_equal(found.place, p);
                    assert_int_equal(found.molecule, first);
                    assert_int_equal(found.residue, residue);
                }
                residue++;
            }
    assert_int_equal(id, top.natoms);
    assert_int_equal(residue, 6 * top.unit_residues);
    sk_topology_clear(&top);
}

static void bad_templates_are_refused(void **state)
{
    (void)state;
    static const struct {
        int settle[2][3];
        int pair[2];
        const char *says;
    } bad[] = {
        {{{0, 1, 2}, {2, 3, 4}}, {0, 1}, "two settles"},   {{{0, 1, 2}, {3, 4, 6}}, {0, 1}, "names atom 7"},
        {{{0, 1, 2}, {3, 4, -1}}, {0, 1}, "names atom 0"}, {{{0, 1, 1}, {3, 4, 5}}, {0, 1}, "twice"},
        {{{0, 1, 2}, {3, 4, 5}}, {2, 6}, "names atom 7"},
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        struct sk_topology top;
        struct sk_error err;
        sk_topology_init(&top);
        top.nmoltypes = 1;
        top.moltypes = sk_calloc(1, sizeof *top.moltypes);
        struct sk_moltype *type = &top.moltypes[0];
        fill_type(type, "BAD", 6);
        fill_exclusions(type, 1, &bad[k].pair);
        type->nsettles = 2;
        type->settles = sk_calloc(2, sizeof *type->settles);
        for (int s = 0; s < 2; s++)
            fill_settle(type, s, bad[k].settle[s][0], bad[k].settle[s][1], bad[k].settle[s][2]);
        assert_int_equal(sk_moltype_finish(type, &err), SK_EINPUT);
        assert_non_null(strstr(err.message, bad[k].says));
        assert_non_null(strstr(err.message, "BAD"));
        sk_topology_clear(&top);
    }
}

static void impossible_systems_are_refused(void **state)
{
    (void)state;
    struct sk_topology top;
    struct sk_error err;
    fill_system(&top);
    top.replicate[1] = 0;
    assert_int_equal(sk_topology_finish(&top, &err), SK_EINPUT);
    top.replicate[0] = top.replicate[1] = top.replicate[2] = 1 << 20;
    assert_int_equal(sk_topology_finish(&top, &err), SK_EINPUT);
    top.replicate[0] = top.replicate[1] = top.replicate[2] = 1;
    top.blocks[1].count = INT64_MAX / 2;
    assert_int_equal(sk_topology_finish(&top, &err), SK_EINPUT);
    top.nblocks = 0;
    assert_int_equal(sk_topology_finish(&top, &err), SK_EINPUT);
    sk_topology_clear(&top);
}

static void a_packed_topology_returns(void **state)
{
    (void)state;
    struct sk_topology top, copy;
    unsigned char *bytes, *again;
    size_t length, length_again;
    fill_system(&top);
    sk_topology_pack(&top, &bytes, &length);
    fill_system(&copy); /* unpack must clear what was there */
    sk_topology_unpack(&copy, bytes, length);
    sk_topology_pack(&copy, &again, &length_again);
    assert_int_equal(length, length_again);
    assert_memory_equal(bytes, again, length);
    assert_string_equal(copy.title, "two waters");
    assert_int_equal(copy.natoms, top.natoms);
    assert_int_equal(copy.unit_residues, top.unit_residues);
    assert_memory_equal(copy.kinds, top.kinds, 3 * sizeof *top.kinds);
    assert_memory_equal(copy.blocks, top.blocks, 6 * sizeof *top.blocks);
    for (int t = 0; t < 3; t++) {
        const struct sk_moltype *a = &copy.moltypes[t], *b = &top.moltypes[t];
        size_t n = (size_t)b->natoms;
        assert_string_equal(a->name, b->name);
        assert_memory_equal(a->atoms, b->atoms, n * sizeof *a->atoms);
        assert_memory_equal(a->excluded_start, b->excluded_start, (n + 1) * sizeof(int));
        assert_int_equal(a->nsettles, b->nsettles);
        if (b->nsettles)
            assert_memory_equal(a->settles, b->settles, (size_t)b->nsettles * sizeof *a->settles);
        assert_memory_equal(a->group_of, b->group_of, n * sizeof(int));
    }
    assert_true(sk_topology_hash(&copy) == sk_topology_hash(&top));
    sk_free(&bytes);
    sk_free(&again);
    sk_topology_clear(&copy);
    sk_topology_clear(&top);
}

/* Every input of the model must move the hash; the title, derived fields and old bytes must not. */
static void the_hash_sees_the_model_only(void **state)
{
    (void)state;
    struct sk_topology top;
    fill_system(&top);
    uint64_t hash = sk_topology_hash(&top);
    struct sk_moltype *chain = &top.moltypes[1];
#define CHANGES(field, value)                        \
    do {                                             \
        __typeof__(field) kept = (field);            \
        (field) = (value);                           \
        assert_true(sk_topology_hash(&top) != hash); \
        (field) = kept;                              \
        assert_true(sk_topology_hash(&top) == hash); \
    } while (0)
    CHANGES(top.kinds[1].charge, 0.42380000000000001 + 1e-16);
    CHANGES(top.kinds[0].mass, 16.0);
    CHANGES(top.kinds[0].type, 1);
    CHANGES(chain->excluded[1], 5);
    CHANGES(chain->settles[0].leg1, 4);
    CHANGES(chain->settles[0].leg_leg, 0.1634);
    CHANGES(chain->atoms[3].kind, 2);
    CHANGES(chain->atoms[3].residue_number, 99);
    CHANGES(chain->atoms[3].name[0], 'B');
    CHANGES(chain->name[0], 'B');
    CHANGES(top.blocks[1].count, 3);
    CHANGES(top.blocks[1].moltype, 2);
    CHANGES(top.replicate[1], 2);
    CHANGES(top.nblocks, 5);
#undef CHANGES
    top.title[0] = 'x';
    chain->atoms[3].name[SK_NAME_MAX - 1] = 'x'; /* behind the terminator */
    assert_true(sk_topology_hash(&top) == hash);
    sk_topology_clear(&top);
}

static void a_force_field_is_symmetric_and_returns(void **state)
{
    (void)state;
    struct sk_forcefield ff, copy;
    unsigned char *bytes;
    size_t length;
    sk_forcefield_init(&ff);
    ff.units = SK_UNITS_LJ;
    sk_forcefield_resize(&ff, 3);
    for (int k = 0; k < 9; k++)
        assert_true(ff.c6[k] == 0.0 && ff.c12[k] == 0.0);
    strcpy(ff.names[2], "OW");
    sk_forcefield_set(&ff, 0, 2, 1.5, 2.5);
    sk_forcefield_set(&ff, 1, 1, -0.0, 3.0);
    assert_true(ff.c6[2] == 1.5 && ff.c6[6] == 1.5 && ff.c12[2] == 2.5 && ff.c12[6] == 2.5 && ff.c12[4] == 3.0);
    assert_true(!signbit(ff.c6[4]));
    uint64_t hash = sk_forcefield_hash(&ff);
    sk_forcefield_pack(&ff, &bytes, &length);
    sk_forcefield_init(&copy);
    sk_forcefield_resize(&copy, 5);
    sk_forcefield_unpack(&copy, bytes, length);
    sk_free(&bytes);
    assert_int_equal(copy.units, SK_UNITS_LJ);
    assert_int_equal(copy.ntypes, 3);
    assert_string_equal(copy.names[2], "OW");
    assert_memory_equal(copy.c6, ff.c6, 9 * sizeof(double));
    assert_memory_equal(copy.c12, ff.c12, 9 * sizeof(double));
    assert_true(sk_forcefield_hash(&copy) == hash);
    sk_forcefield_set(&copy, 2, 2, 1e-300, 0.0);
    assert_true(sk_forcefield_hash(&copy) != hash);
    sk_forcefield_clear(&copy);
    sk_forcefield_clear(&ff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exclusions_are_symmetric_and_sorted),
        cmocka_unit_test(groups_are_components),
        cmocka_unit_test(groups_of_random_exclusions),
        cmocka_unit_test(constraints_are_ordered_and_checked),
        cmocka_unit_test(small_clusters_are_groups),
        cmocka_unit_test(find_agrees_with_a_walk),
        cmocka_unit_test(bad_templates_are_refused),
        cmocka_unit_test(impossible_systems_are_refused),
        cmocka_unit_test(a_packed_topology_returns),
        cmocka_unit_test(the_hash_sees_the_model_only),
        cmocka_unit_test(a_force_field_is_symmetric_and_returns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
