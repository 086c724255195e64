/* Selections of atoms: text to the sets that atoms are in. Expected: written out by hand for a system of two molecule
 * types and loose atoms, and the full text of every message. */
#include "read/selection.h"

#include <string.h>

#include "base/memory.h"
#include "check.h"

/* 0-3 a dipeptide, 4-6 and 7-9 water, 10-12 loose atoms as in a data file, of types OW, OW, CT; an unused ion. */
static void fill(struct sk_topology *top, struct sk_forcefield *ff)
{
    static const struct {
        const char *molecule, *atom, *residue;
        int kind;
    } atoms[] = {{"Protein", "N", "ALA", 0}, {"Protein", "CA", "ALA", 1}, {"Protein", "CA", "GLY", 1},
                 {"Protein", "C", "GLY", 1}, {"SOL", "OW", "HOH", 2},     {"SOL", "HW1", "HOH", 3},
                 {"SOL", "HW2", "HOH", 3},   {"atom", "X", "X", -1},      {"NA+", "NA", "NA", 0}};
    static const char *const types[] = {"N3", "CT", "OW", "HW"};
    static const int of[] = {4, 3, 1, 1};
    static const int64_t counts[] = {1, 2, 3, 0};
    struct sk_error err;
    sk_forcefield_init(ff);
    sk_forcefield_resize(ff, 4);
    sk_topology_init(top);
    for (int t = 0; t < 4; t++) {
        strcpy(ff->names[t], types[t]);
        sk_topology_kind(top, t, 0, 1);
    }
    top->nmoltypes = top->nblocks = 4;
    top->moltypes = sk_calloc(4, sizeof *top->moltypes);
    top->blocks = sk_calloc(4, sizeof *top->blocks);
    for (int t = 0, next = 0; t < 4; t++) {
        struct sk_moltype *type = &top->moltypes[t];
        strcpy(type->name, atoms[next].molecule);
        type->natoms = of[t];
        type->atoms = sk_calloc((size_t)of[t], sizeof *type->atoms);
        for (int i = 0; i < of[t]; i++, next++) {
            strcpy(type->atoms[i].name, atoms[next].atom);
            strcpy(type->atoms[i].residue, atoms[next].residue);
            type->atoms[i].kind = atoms[next].kind;
        }
        assert_int_equal(sk_moltype_finish(type, &err), SK_OK);
        top->blocks[t] = (struct sk_molblock){.moltype = t, .count = counts[t]};
    }
    assert_int_equal(sk_topology_finish(top, &err), SK_OK);
    assert_int_equal(top->natoms, 13);
}

static void define(struct sk_definitions *all, const char *name, const char *text)
{
    snprintf(all->of[all->n].name, sizeof all->of[0].name, "%s", name);
    snprintf(all->of[all->n++].text, sizeof all->of[0].text, "%s", text);
}

/* Members as a string of the atoms' numbers in hexadecimal. */
static void check_members(const char *selection, const char *members)
{
    struct sk_topology top;
    struct sk_forcefield ff;
    struct sk_groups groups;
    struct sk_error err;
    static struct sk_definitions all;
    static const int loose[] = {2, 2, 1};
    char found[16] = "";
    int failed;
    fill(&top, &ff);
    memset(&all, 0, sizeof all);
    define(&all, "it", selection);
    sk_groups_init(&groups, &top);
    if (sk_selections_read(&all, &ff, &groups, &failed, &err))
        fail_msg("%s: %s", selection, err.message);
    for (sk_gid id = 0; id < 13; id++) {
        struct sk_place at = sk_topology_find(&top, id);
        int kind = top.moltypes[at.moltype].atoms[at.place].kind;
        if (sk_groups_of(&groups, id, kind < 0 ? loose[id - 10] : kind) & 1)
            sprintf(found + strlen(found), "%x", (unsigned)id);
    }
    if (strcmp(found, members) != 0)
        fail_msg("%s selects %s, expected %s", selection, found, members);
    sk_groups_clear(&groups);
    sk_forcefield_clear(&ff);
    sk_topology_clear(&top);
}

static void selections_select(void **state)
{
    (void)state;
    check_members("molecule Protein", "0123");
    check_members("  molecule\tSOL Protein ", "0123456789");
    check_members("residue GLY HOH", "23456789");
    check_members("atom CA,atom OW", "1247");
    check_members("type CT", "123c");
    check_members("type OW, residue ALA", "0147ab");
    check_members("id 1", "0");
    check_members("id 2-3 13 7-7", "126c");
    check_members("id 1-13", "0123456789abc");
    check_members("all", "0123456789abc");
    check_members("molecule SOL, all", "0123456789abc");
    check_members("rest", "0123456789abc");
}

static void refuse(const char *first, const char *second, int where, const char *message)
{
    struct sk_topology top;
    struct sk_forcefield ff;
    struct sk_groups groups;
    struct sk_error err = {SK_OK, ""};
    static struct sk_definitions all;
    int failed = -1;
    fill(&top, &ff);
    memset(&all, 0, sizeof all);
    define(&all, "one", first);
    if (second)
        define(&all, "two", second);
    sk_groups_init(&groups, &top);
    assert_int_equal(sk_selections_read(&all, &ff, &groups, &failed, &err), SK_EINPUT);
    assert_string_equal(err.message, message);
    assert_int_equal(failed, where);
    sk_groups_clear(&groups);
    sk_forcefield_clear(&ff);
    sk_topology_clear(&top);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    refuse("residu ALA", NULL, 0, "group 'one': unknown word 'residu'; did you mean 'residue'?");
    refuse("all", "water", 1,
           "group 'two': unknown word 'water'; a selection begins with molecule, residue, atom, type, "
           "id, all or rest");
    refuse("molecule Protien", NULL, 0,
           "group 'one': the system has no molecule type 'Protien'; did you mean 'Protein'?");
    refuse("molecule NA+", NULL, 0, "group 'one': the system has no molecule type 'NA+'; nearest is 'SOL'");
    refuse("residue HOH, residue ALLA", NULL, 0, "group 'one': the system has no residue 'ALLA'; did you mean 'ALA'?");
    refuse("atom CB", NULL, 0, "group 'one': the system has no atom 'CB'; did you mean 'CA'?");
    refuse("type CW", NULL, 0, "group 'one': the system has no atom type 'CW'; did you mean 'CT'?");
    refuse("id 14", NULL, 0, "group 'one': '14' is no range of atoms: they are numbered from 1 to 13");
    refuse("id 0-3", NULL, 0, "group 'one': '0-3' is no range of atoms: they are numbered from 1 to 13");
    refuse("id 5-3", NULL, 0, "group 'one': '5-3' is no range of atoms: they are numbered from 1 to 13");
    refuse("id 1-", NULL, 0, "group 'one': '1-' is neither a number of an atom nor a range of them, for example 1-100");
    refuse("id 1.5", NULL, 0,
           "group 'one': '1.5' is neither a number of an atom nor a range of them, for example 1-100");
    refuse("atom", NULL, 0, "group 'one': nothing is selected: names or numbers must follow 'atom'");
    refuse("atom N,, atom C", NULL, 0, "group 'one': nothing is selected before or after a comma");
    refuse("atom N,", NULL, 0, "group 'one': nothing is selected before or after a comma");
    refuse("all residue ALA", NULL, 0, "group 'one': 'all' is followed by 'residue'; put a comma between two parts");
    refuse("rest, atom N", NULL, 0, "group 'one': 'rest' stands alone: it is the atoms in no other group");
    refuse("rest", "rest", 1, "group 'two': 'rest' is group 'one' already");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(selections_select), cmocka_unit_test(mistakes_are_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
