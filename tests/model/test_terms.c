/* Bonded terms and virtual sites of templates, term parameters of the force field. Expected values: counted by hand. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "model/forcefield.h"
#include "model/topology.h"

/* One type of n atoms with room for terms and sites. */
static struct sk_moltype *make(struct sk_topology *top, int natoms, int64_t count)
{
    sk_topology_init(top);
    sk_topology_kind(top, 0, 0, 1);
    top->nmoltypes = top->nblocks = 1;
    top->moltypes = sk_calloc(1, sizeof *top->moltypes);
    top->blocks = sk_calloc(1, sizeof *top->blocks);
    top->blocks[0].count = count;
    struct sk_moltype *type = &top->moltypes[0];
    strcpy(type->name, "M");
    type->natoms = natoms;
    type->atoms = sk_calloc((size_t)natoms, sizeof *type->atoms);
    return type;
}

static void add_term(struct sk_moltype *type, int form, int parameter, const int *atoms)
{
    struct sk_term *grown = sk_calloc((size_t)type->nterms + 1, sizeof *grown);
    if (type->nterms)
        memcpy(grown, type->terms, (size_t)type->nterms * sizeof *grown);
    struct sk_term *term = &grown[type->nterms++];
    term->form = form;
    term->parameter = parameter;
    for (int k = 0; k < SK_BONDED_ATOMS; k++)
        term->atom[k] = k < sk_bonded_atoms(form) ? atoms[k] : -1;
    sk_free(&type->terms);
    type->terms = grown;
}

static void add_site(struct sk_moltype *type, int form, int place, int i, int j, int k)
{
    struct sk_virtual_site *grown = sk_calloc((size_t)type->nsites + 1, sizeof *grown);
    if (type->nsites)
        memcpy(grown, type->sites, (size_t)type->nsites * sizeof *grown);
    grown[type->nsites++] = (struct sk_virtual_site){form, place, {i, j, k}, 0.25, 0.5, 0};
    sk_free(&type->sites);
    type->sites = grown;
}

static void forms_have_atoms_and_values(void **state)
{
    static const int atoms[] = {2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 2, 1};
    static const int values[] = {2, 2, 3, 2, 4, 2, 2, 4, 3, 6, 2, 3, 0, 3, 3};
    (void)state;
    assert_int_equal(sizeof atoms / sizeof *atoms, SK_BONDED_FORMS);
    for (int form = 0; form < SK_BONDED_FORMS; form++) {
        assert_int_equal(sk_bonded_atoms(form), atoms[form]);
        assert_int_equal(sk_bonded_values(form), values[form]);
        assert_true(strlen(sk_bonded_name(form)) > 4);
    }
    assert_int_equal(sk_virtual_atoms(SK_VIRTUAL_2), 2);
    assert_int_equal(sk_virtual_atoms(SK_VIRTUAL_3_OUT), 3);
}

static void terms_are_ordered_hashed_and_packed(void **state)
{
    struct sk_topology top, copy;
    struct sk_error err;
    unsigned char *bytes;
    size_t length;
    (void)state;
    struct sk_moltype *type = make(&top, 7, 3);
    add_term(type, SK_DIHEDRAL_PERIODIC, 5, (const int[]){3, 2, 1, 0});
    add_term(type, SK_BOND_HARMONIC, 2, (const int[]){4, 5});
    add_term(type, SK_DIHEDRAL_PERIODIC, 4, (const int[]){0, 1, 2, 3});
    add_term(type, SK_CMAP, 0, (const int[]){0, 1, 2, 3, 4});
    add_term(type, SK_BOND_HARMONIC, 1, (const int[]){1, 0});
    add_site(type, SK_VIRTUAL_3, 6, 0, 1, 2);
    add_site(type, SK_VIRTUAL_2, 3, 4, 5, -1);
    assert_int_equal(sk_moltype_finish(type, &err), SK_OK);
    assert_int_equal(sk_topology_finish(&top, &err), SK_OK);
    static const int order[5] = {2, 1, 5, 4, 0}; /* by form; within one as given */
    for (int t = 0; t < 5; t++)
        assert_int_equal(type->terms[t].parameter, order[t]);
    assert_int_equal(type->sites[0].place, 3);
    assert_int_equal(sk_topology_terms(&top, SK_DIHEDRAL_PERIODIC), 6);
    assert_int_equal(sk_topology_terms(&top, SK_PAIR_14), 0);
    assert_int_equal(sk_topology_sites(&top), 6);
    uint64_t hash = sk_topology_hash(&top);
    sk_topology_init(&copy);
    sk_topology_pack(&top, &bytes, &length);
    sk_topology_unpack(&copy, bytes, length);
    sk_free(&bytes);
    assert_true(sk_topology_hash(&copy) == hash);
    assert_memory_equal(copy.moltypes[0].terms, type->terms, 5 * sizeof *type->terms);
    assert_memory_equal(copy.moltypes[0].sites, type->sites, 2 * sizeof *type->sites);
    /* The hash sees each of them. */
    int *numbers[] = {&type->terms[1].form, &type->terms[1].parameter, &type->terms[3].atom[3],
                      &type->sites[1].form, &type->sites[1].place,     &type->sites[0].from[1]};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        *numbers[k] += 1;
        assert_true(sk_topology_hash(&top) != hash);
        *numbers[k] -= 1;
    }
    double *reals[] = {&type->sites[0].a, &type->sites[1].b, &type->sites[1].c};
    for (size_t k = 0; k < sizeof reals / sizeof *reals; k++) {
        *reals[k] += 1;
        assert_true(sk_topology_hash(&top) != hash);
        *reals[k] -= 1;
    }
    assert_true(sk_topology_hash(&top) == hash);
    sk_topology_clear(&copy);
    sk_topology_clear(&top);
}

static void sites_live_with_their_atoms(void **state)
{
    struct sk_topology top;
    struct sk_error err;
    (void)state;
    /* Four-site water as it is flexible; two free atoms between. */
    struct sk_moltype *type = make(&top, 6, 1);
    add_site(type, SK_VIRTUAL_3, 5, 0, 2, 3);
    for (int again = 0; again < 2; again++) {
        static const int of[6] = {0, 1, 0, 0, 2, 0};
        type->is_split = again; /* that concerns constraints alone */
        assert_int_equal(sk_moltype_finish(type, &err), SK_OK);
        assert_int_equal(type->ngroups, 3);
        assert_memory_equal(type->group_of, of, sizeof of);
    }
    sk_topology_clear(&top);
}

static void refuse(struct sk_topology *top, const char *message)
{
    struct sk_error err = {SK_OK, ""};
    assert_int_equal(sk_moltype_finish(&top->moltypes[0], &err), SK_EINPUT);
    assert_string_equal(err.message, message);
    sk_topology_clear(top);
}

static void bad_terms_are_refused(void **state)
{
    struct sk_topology top;
    (void)state;
    add_term(make(&top, 4, 1), SK_ANGLE_G96, 0, (const int[]){0, 1, 4});
    refuse(&top, "molecule type M: G96 angles name atom 5, but it has 4 atoms");
    add_term(make(&top, 4, 1), SK_ANGLE_G96, 0, (const int[]){2, 1, 2});
    refuse(&top, "molecule type M: one of the G96 angles names atom 3 twice");
    add_site(make(&top, 4, 1), SK_VIRTUAL_2, 3, 0, -1, -1);
    refuse(&top, "molecule type M: a virtual site names atom 0, but it has 4 atoms");
    add_site(make(&top, 4, 1), SK_VIRTUAL_2, 3, 0, 3, -1);
    refuse(&top, "molecule type M: the virtual site 4 names atom 4 twice");
    struct sk_moltype *type = make(&top, 4, 1);
    add_site(type, SK_VIRTUAL_2, 3, 0, 1, -1);
    type->sites[0].b = NAN;
    refuse(&top, "molecule type M: the virtual site 4 has no finite parameters");
    type = make(&top, 4, 1);
    add_site(type, SK_VIRTUAL_2, 3, 0, 1, -1);
    add_site(type, SK_VIRTUAL_2, 3, 0, 2, -1);
    refuse(&top, "molecule type M: atom 4 is a virtual site twice");
    type = make(&top, 4, 1);
    add_site(type, SK_VIRTUAL_2, 3, 0, 1, -1);
    add_site(type, SK_VIRTUAL_2, 2, 3, 1, -1);
    refuse(&top, "molecule type M: the virtual site 3 is built from a virtual site, 4");
    type = make(&top, 4, 1);
    add_site(type, SK_VIRTUAL_2, 3, 0, 1, -1);
    type->nconstraints = 1;
    type->constraints = sk_calloc(1, sizeof *type->constraints);
    type->constraints[0] = (struct sk_constraint){3, 2, 0.1};
    refuse(&top, "molecule type M: the constraint of atoms 3 and 4 holds a virtual site");
    type = make(&top, 4, 1);
    add_site(type, SK_VIRTUAL_2, 2, 0, 3, -1);
    type->nsettles = 1;
    type->settles = sk_calloc(1, sizeof *type->settles);
    type->settles[0] = (struct sk_settle){0, 1, 2, 0.1, 0.16};
    refuse(&top, "molecule type M: settles at atom 1 hold a virtual site");
    type = make(&top, 6, 1);
    add_site(type, SK_VIRTUAL_3, 3, 0, 1, 2);
    add_site(type, SK_VIRTUAL_3, 4, 0, 1, 5);
    refuse(&top, "molecule type M: the virtual site 4 and others join 6 atoms; at most 5 are supported");
}

static void equal_parameters_are_shared(void **state)
{
    struct sk_forcefield ff, copy;
    unsigned char *bytes;
    size_t length;
    (void)state;
    sk_forcefield_init(&ff);
    for (int round = 0; round < 2; round++)
        for (int k = 0; k < 1000; k++) {
            const double p[3] = {k % 10, k / 10, -0.0};
            assert_int_equal(sk_forcefield_parameter(&ff, p, 3), k);
        }
    assert_int_equal(ff.nparameters, 1000);
    /* What is beyond the values given is zero; -0 is 0. */
    assert_int_equal(sk_forcefield_parameter(&ff, (const double[2]){7, 12}, 2), 127);
    assert_int_equal(sk_forcefield_parameter(&ff, (const double[1]){-0.0}, 1), 0);
    assert_int_equal(sk_forcefield_cmap(&ff, (const double[4]){1, 2, 3, 4}, 2), 0);
    assert_int_equal(sk_forcefield_cmap(&ff, (const double[1]){5}, 1), 1);
    sk_forcefield_resize(&ff, 2); /* leaves them */
    sk_forcefield_set(&ff, 0, 1, 1, 2);
    assert_int_equal(ff.nparameters, 1000);
    uint64_t hash = sk_forcefield_hash(&ff);
    sk_forcefield_init(&copy);
    sk_forcefield_parameter(&copy, (const double[1]){99}, 1); /* unpack clears what there was */
    sk_forcefield_pack(&ff, &bytes, &length);
    sk_forcefield_unpack(&copy, bytes, length);
    sk_free(&bytes);
    assert_true(sk_forcefield_hash(&copy) == hash);
    assert_int_equal(copy.nparameters, 1000);
    assert_memory_equal(copy.parameters, ff.parameters, 1000 * sizeof *ff.parameters);
    assert_true(copy.ncmaps == 2 && copy.cmaps[0].n == 2 && copy.cmaps[0].energy[3] == 4 &&
                copy.cmaps[1].energy[0] == 5);
    copy.parameters[999].p[5] = 1;
    assert_true(sk_forcefield_hash(&copy) != hash);
    copy.parameters[999].p[5] = 0;
    copy.cmaps[0].energy[2] = 0;
    assert_true(sk_forcefield_hash(&copy) != hash);
    sk_forcefield_clear(&copy);
    sk_forcefield_clear(&ff);
    assert_null(ff.parameters);
    assert_int_equal(ff.ncmaps, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_have_atoms_and_values), cmocka_unit_test(terms_are_ordered_hashed_and_packed),
        cmocka_unit_test(sites_live_with_their_atoms), cmocka_unit_test(bad_terms_are_refused),
        cmocka_unit_test(equal_parameters_are_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
