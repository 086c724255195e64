/* Bonded terms of every form on random maps of owners, atom by atom, against the same terms on one rank: forces,
 * energies and virial as integers; the census; failures. What the integers should be is the matter of
 * tests/kernel/test_bonded.c and tests/system/test_bonded.py. Only agreed facts are asserted. */
#include "force/bonded.h"

#include <mpi.h>
#include <string.h>

#include "check.h"
#include "par/mixer.h"

#include "base/memory.h"

enum { PLACES = 14, MOLECULES = 60, NATOMS = PLACES * MOLECULES, MAP = 6 };
static const double scale = 0x1p12;
static const struct sk_box box = {{2.5, 3.0, 2.0}};

static struct sk_comm *comm, *alone;
static int rank, size;

static double unit(uint64_t a, uint64_t b, uint64_t c)
{
    return (double)(mix4(31, a, b, c) >> 11) * 0x1p-53;
}

/* ---- the model ---- */

static void add_term(struct sk_moltype *type, struct sk_forcefield *ff, int form, int n)
{
    static const double values[SK_BONDED_FORMS][SK_BONDED_VALUES] = {
        [SK_BOND_HARMONIC] = {0.1, 2e5},      [SK_BOND_G96] = {0.12, 1e6},
        [SK_BOND_MORSE] = {0.1, 300, 20},     [SK_BOND_FENE] = {2, 100},
        [SK_BOND_FENE_LJ] = {2, 100, 1, 0.1}, [SK_ANGLE_HARMONIC] = {1.9, 400},
        [SK_ANGLE_G96] = {1.9, 400},          [SK_ANGLE_UREY_BRADLEY] = {1.9, 400, 0.2, 1e4},
        [SK_DIHEDRAL_PERIODIC] = {0.5, 8, 3}, [SK_DIHEDRAL_RYCKAERT] = {9, 12, -2, -3, 1, 2},
        [SK_IMPROPER_HARMONIC] = {0.4, 160},  [SK_IMPROPER_PERIODIC] = {3.1, 40, 2},
        [SK_PAIR_14] = {1e-3, 1e-7, 0.2},
    };
    struct sk_term *term = &type->terms[type->nterms++];
    int natoms = sk_bonded_atoms(form), place = (int)(mix4(32, (uint64_t)form, (uint64_t)n, 0) % PLACES);
    term->form = form;
    term->parameter = form == SK_CMAP ? 0 : sk_forcefield_parameter(ff, values[form], sk_bonded_values(form));
    for (int k = 0; k < SK_BONDED_ATOMS; k++)
        term->atom[k] = k < natoms ? (place + 3 * k) % PLACES : -1; /* 3 and 14 have no common divisor */
}

static void make_model(struct sk_topology *top, struct sk_forcefield *ff)
{
    struct sk_error err;
    double map[MAP * MAP];
    sk_topology_init(top);
    sk_forcefield_init(ff);
    for (int i = 0; i < MAP * MAP; i++)
        map[i] = 10 * unit(33, (uint64_t)i, 0);
    sk_forcefield_cmap(ff, map, MAP);
    top->nmoltypes = top->nblocks = 1;
    top->moltypes = sk_calloc(1, sizeof *top->moltypes);
    top->blocks = sk_calloc(1, sizeof *top->blocks);
    top->blocks[0].count = MOLECULES;
    struct sk_moltype *type = &top->moltypes[0];
    strcpy(type->name, "TANGLE");
    type->natoms = PLACES;
    type->atoms = sk_calloc(PLACES, sizeof *type->atoms);
    int kind = sk_topology_kind(top, 0, 0.1, 12);
    for (int a = 0; a < PLACES; a++) {
        strcpy(type->atoms[a].name, "C");
        strcpy(type->atoms[a].residue, "TAN");
        type->atoms[a].residue_number = 1;
        type->atoms[a].kind = kind;
    }
    type->terms = sk_calloc(SK_BONDED_FORMS * 5, sizeof *type->terms);
    for (int form = 0; form < SK_BONDED_FORMS; form++)
        for (int n = 0; n < 5 && form != SK_POSITION_RESTRAINT; n++)
            add_term(type, ff, form, n);
    assert_int_equal(sk_moltype_finish(type, &err), SK_OK);
    assert_int_equal(sk_topology_finish(top, &err), SK_OK);
}

/* Molecules of 0.3 to 0.5 nm anywhere, across faces too; atoms at least 0.08 nm apart, for the pairs' sake. */
static void put_atom(struct sk_atoms *atoms, sk_gid id, uint64_t step)
{
    sk_atoms_reserve(atoms, (size_t)atoms->n + 1);
    int i = atoms->n++, place = (int)(id % PLACES);
    const int corner[3] = {place % 3, place / 3 % 3, place / 9};
    atoms->id[i] = id;
    for (int k = 0; k < 3; k++) {
        double x = unit(34, (uint64_t)(id / PLACES), (uint64_t)k) +
                   (0.15 * corner[k] + 0.07 * unit(35 + step, (uint64_t)id, (uint64_t)k)) / box.edge[k];
        atoms->x[i][k] = (sk_frac)((x - (x >= 1)) * 0x1p64);
    }
}

/* ---- the same on some ranks and on one ---- */

struct sums {
    sk_int128 energy[SK_BONDED_ENERGIES], virial[3];
};

static bool evaluate(struct sk_bonded *b, struct sk_comm *its_comm, const struct sk_atoms *atoms, int64_t (*total)[3],
                     struct sums *sums)
{
    memset(total, 0, (size_t)atoms->n * sizeof *total);
    memset(sums, 0, sizeof *sums);
    sk_bonded_send(b, atoms);
    mix_delay(mix4(36, (uint64_t)rank, (uint64_t)atoms->x[0][0], 0));
    sk_bonded_receive(b, atoms);
    sk_bonded_run(b);
    sk_bonded_measure(b, sums->energy, sums->virial);
    sk_bonded_collect(b, total);
    sk_comm_sum_i128(its_comm, sums->energy, SK_BONDED_ENERGIES);
    sk_comm_sum_i128(its_comm, sums->virial, 3);
    return !b->has_failed && !b->has_overflow;
}

static int owner_of(uint64_t round, sk_gid id)
{
    return round == 0 ? 0 : (int)(mix4(37, round, (uint64_t)id, 0) % (uint64_t)size);
}

static void ranks_do_not_matter(void **state)
{
    (void)state;
    struct sk_topology top;
    struct sk_forcefield ff;
    struct sk_atoms all, mine;
    struct sk_bonded whole, part;
    struct sk_error err;
    int64_t(*exact)[3] = sk_alloc(NATOMS, sizeof *exact), (*total)[3] = sk_alloc(NATOMS, sizeof *total), errors = 0;
    make_model(&top, &ff);
    sk_atoms_init(&all);
    sk_atoms_init(&mine);
    sk_bonded_init(&whole, alone, &top, &ff, 138.9, scale, 0);
    sk_bonded_init(&part, comm, &top, &ff, 138.9, scale, 0);
    sk_bonded_set_box(&whole, &box);
    sk_bonded_set_box(&part, &box);
    bool has_force = false;
    for (uint64_t round = 0; round < 6; round++) {
        struct sums one, many;
        all.n = mine.n = 0;
        for (sk_gid id = 0; id < NATOMS; id++) {
            put_atom(&all, id, round);
            if (owner_of(round, (id * 11) % NATOMS) == rank) /* 11 and 840 have no common divisor: another order */
                put_atom(&mine, (id * 11) % NATOMS, round);
        }
        sk_atoms_reserve(&mine, 1);
        errors += sk_bonded_rebuild(&whole, &all, &err) != SK_OK;
        errors += sk_bonded_rebuild(&part, &mine, &err) != SK_OK;
        errors += !evaluate(&whole, alone, &all, exact, &one);
        errors += !evaluate(&part, comm, &mine, total, &many);
        errors += memcmp(&one, &many, sizeof one) != 0;
        int64_t sum[3] = {0};
        for (int i = 0; i < mine.n; i++)
            errors += memcmp(total[i], exact[mine.id[i]], sizeof total[i]) != 0;
        for (int i = 0; i < NATOMS; i++)
            for (int k = 0; k < 3; k++) {
                sum[k] += exact[i][k];
                has_force |= exact[i][k] != 0;
            }
        errors += sum[0] != 0 || sum[1] != 0 || sum[2] != 0;
        for (int e = 0; e < SK_BONDED_ENERGIES; e++)
            errors += one.energy[e] == 0;
    }
    sk_bonded_clear(&whole);
    sk_bonded_clear(&part);
    sk_atoms_clear(&all);
    sk_atoms_clear(&mine);
    sk_topology_clear(&top);
    sk_forcefield_clear(&ff);
    sk_free(&exact);
    sk_free(&total);
    assert_int_equal(agreed_errors(comm, errors), 0);
    assert_true(has_force);
}

/* An atom that two ranks have, or in another's place, is noticed at the rebuild. */
static void census_counts_terms(void **state)
{
    (void)state;
    struct sk_topology top;
    struct sk_forcefield ff;
    struct sk_error err = {SK_OK, ""};
    int64_t errors = 0;
    make_model(&top, &ff);
    for (int fault = 0; fault < 3; fault++) {
        struct sk_bonded b;
        struct sk_atoms mine;
        sk_atoms_init(&mine);
        sk_bonded_init(&b, comm, &top, &ff, 138.9, scale, 0);
        for (sk_gid id = 0; id < NATOMS; id++)
            if (id / PLACES % size == rank && !(fault == 2 && id < PLACES))
                put_atom(&mine, id, 0);
        /* the last rank has the first molecule a second time; or the second one, and nobody the first */
        for (int a = 0; a < PLACES && rank == size - 1 && fault; a++)
            put_atom(&mine, fault == 1 ? a : PLACES + a, 0);
        enum sk_code code = sk_bonded_rebuild(&b, &mine, &err);
        errors += code != (fault ? SK_EINTERNAL : SK_OK);
        errors += fault == 1 && !strstr(err.message, "census failed: 4270 bonded terms of 4200");
        errors += fault == 2 && !strstr(err.message, "4200 bonded terms of 4200 (ids differ");
        sk_bonded_clear(&b);
        sk_atoms_clear(&mine);
    }
    sk_topology_clear(&top);
    sk_forcefield_clear(&ff);
    assert_int_equal(agreed_errors(comm, errors), 0);
}

int main(void)
{
    comm = sk_comm_new(NULL);
    MPI_Comm self = MPI_COMM_SELF;
    alone = sk_comm_new(&self);
    rank = sk_comm_rank(comm);
    size = sk_comm_size(comm);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_do_not_matter),
        cmocka_unit_test(census_counts_terms),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sk_comm_free(&alone);
    sk_comm_free(&comm);
    return failed;
}
