/* Bonded terms of every form and excluded pairs of an Ewald sum on random maps of owners, atom by atom, against the
 * same on one rank: forces, energies and virial as integers; the census; failures. What the integers of bonded terms
 * should be is the matter of tests/kernel/test_bonded.c and tests/system/test_bonded.py; those of excluded pairs are
 * compared with the function in double (mesh/ewald.h). Only agreed facts are asserted. */
#include "force/bonded.h"
#include "force/excluded.h"

#include <mpi.h>
#include <string.h>

#include "check.h"
#include "par/mixer.h"

#include "base/memory.h"
#include "mesh/ewald.h"

enum { PLACES = 14, MOLECULES = 60, NATOMS = PLACES * MOLECULES, MAP = 6 };
static const double scale = 0x1p12, beta = 3.5, coulomb = 138.9;
static const struct sk_box box = {{2.5, 3.0, 2.0}, {0.4, -0.3, 0.6}};

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

/* Every place with three others. */
static void exclude_some(struct sk_moltype *type)
{
    type->excluded_start = sk_calloc(PLACES + 1, sizeof *type->excluded_start);
    type->excluded = sk_alloc(3 * PLACES, sizeof *type->excluded);
    for (int a = 0; a < PLACES; a++) {
        for (int k = 0; k < 3; k++)
            type->excluded[3 * a + k] = (a + 1 + 4 * k) % PLACES;
        type->excluded_start[a + 1] = 3 * (a + 1);
    }
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
    for (int a = 0; a < PLACES; a++) {
        int kind = sk_topology_kind(top, 0, 0.1 * (a % 3), 12); /* a third without charge */
        strcpy(type->atoms[a].name, "C");
        strcpy(type->atoms[a].residue, "TAN");
        type->atoms[a].residue_number = 1;
        type->atoms[a].kind = kind;
    }
    type->terms = sk_calloc(SK_BONDED_FORMS * 5, sizeof *type->terms);
    for (int form = 0; form < SK_BONDED_FORMS; form++)
        for (int n = 0; n < 5 && form != SK_POSITION_RESTRAINT; n++)
            add_term(type, ff, form, n);
    exclude_some(type);
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
    sk_int128 energy[SK_BONDED_ENERGIES], excluded, virial[3];
};

struct terms {
    struct sk_local local;
    struct sk_bonded bonded;
    struct sk_excluded excluded;
};

static void terms_init(struct terms *t, struct sk_comm *on, const struct sk_topology *top,
                       const struct sk_forcefield *ff)
{
    sk_local_init(&t->local, on, top);
    sk_bonded_init(&t->bonded, &t->local, ff, coulomb, scale, 0);
    sk_excluded_init(&t->excluded, &t->local, sk_kernel_find("auto"), beta, coulomb, scale);
}

static void terms_clear(struct terms *t)
{
    sk_excluded_clear(&t->excluded);
    sk_bonded_clear(&t->bonded);
    sk_local_clear(&t->local);
}

static enum sk_code rebuild(struct terms *t, const struct sk_atoms *atoms, struct sk_error *err)
{
    sk_local_list(&t->local, atoms);
    struct sk_bonded_census found = sk_bonded_list(&t->bonded, &t->local);
    sk_excluded_list(&t->excluded, &t->local);
    enum sk_code code = sk_local_connect(&t->local, err);
    if (!code)
        code = sk_bonded_verify(&t->bonded, t->local.comm, &found, err);
    return code ? code : sk_excluded_verify(&t->excluded, t->local.comm, &t->local, err);
}

static bool evaluate(struct terms *t, const struct sk_atoms *atoms, int64_t (*total)[3], struct sums *sums)
{
    memset(total, 0, (size_t)atoms->n * sizeof *total);
    memset(sums, 0, sizeof *sums);
    sk_local_send(&t->local, atoms);
    mix_delay(mix4(36, (uint64_t)rank, (uint64_t)atoms->x[0][0], 0));
    sk_local_receive(&t->local, atoms);
    sk_bonded_run(&t->bonded, &t->local, &box);
    sk_excluded_run(&t->excluded, &t->local, &box);
    sk_local_return(&t->local);
    sk_bonded_measure(&t->bonded, &t->local, &box, sums->energy, sums->virial, NULL);
    sk_excluded_measure(&t->excluded, &t->local, &box, &sums->excluded, sums->virial, NULL);
    sk_local_collect(&t->local, total);
    sk_comm_sum_i128(t->local.comm, sums->energy, SK_BONDED_ENERGIES);
    sk_comm_sum_i128(t->local.comm, &sums->excluded, 1);
    sk_comm_sum_i128(t->local.comm, sums->virial, 3);
    return !t->bonded.has_failed && !t->bonded.has_overflow;
}

/* The excluded pairs alone, by their definition; all atoms are here, in the order of ids. */
static void excluded_pairs_are_right(void **state)
{
    (void)state;
    struct sk_topology top;
    struct sk_forcefield ff;
    struct sk_atoms all;
    struct terms t;
    struct sk_error err;
    sk_int128 energy = 0, virial[3] = {0};
    double expected = 0, tensor[3] = {0}, (*force)[3] = sk_calloc(NATOMS, sizeof *force);
    make_model(&top, &ff);
    sk_atoms_init(&all);
    for (sk_gid id = 0; id < NATOMS; id++)
        put_atom(&all, id, 0);
    terms_init(&t, alone, &top, &ff);
    assert_int_equal(rebuild(&t, &all, &err), SK_OK);
    sk_local_send(&t.local, &all);
    sk_local_receive(&t.local, &all);
    sk_excluded_run(&t.excluded, &t.local, &box);
    sk_excluded_measure(&t.excluded, &t.local, &box, &energy, virial, NULL);
    for (int i = 0; i < NATOMS; i++)
        for (int e = top.moltypes[0].excluded_start[i % PLACES]; e < top.moltypes[0].excluded_start[i % PLACES + 1];
             e++) {
            int j = i - i % PLACES + top.moltypes[0].excluded[e]; /* both directions are listed */
            double qq = 0.5 * coulomb * 0.01 * (i % PLACES % 3) * (j % PLACES % 3), d[3];
            sk_box_difference(&box, all.x[i], all.x[j], d);
            struct sk_ewald_pair back = sk_ewald_excluded(beta, d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
            expected += qq * back.energy;
            for (int k = 0; k < 3; k++) {
                force[i][k] += qq * back.force * d[k];
                force[j][k] -= qq * back.force * d[k];
                tensor[k] -= 0.5 * qq * back.force * d[k] * d[k];
            }
        }
    check_near((double)energy / SK_ENERGY_SCALE, expected, 1e-7, 1e-12);
    for (int k = 0; k < 3; k++)
        check_near((double)virial[k] / SK_ENERGY_SCALE, tensor[k], 1e-7, 1e-12);
    for (int i = 0; i < NATOMS; i++)
        for (int k = 0; k < 3; k++)
            check_near((double)t.local.f[i][k], scale * force[i][k], 3.01, 0); /* six pairs, each rounded */
    terms_clear(&t);
    sk_atoms_clear(&all);
    sk_topology_clear(&top);
    sk_forcefield_clear(&ff);
    sk_free(&force);
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
    struct terms whole, part;
    struct sk_error err;
    int64_t(*exact)[3] = sk_alloc(NATOMS, sizeof *exact), (*total)[3] = sk_alloc(NATOMS, sizeof *total), errors = 0;
    make_model(&top, &ff);
    sk_atoms_init(&all);
    sk_atoms_init(&mine);
    terms_init(&whole, alone, &top, &ff);
    terms_init(&part, comm, &top, &ff);
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
        errors += rebuild(&whole, &all, &err) != SK_OK;
        errors += rebuild(&part, &mine, &err) != SK_OK;
        errors += !evaluate(&whole, &all, exact, &one);
        errors += !evaluate(&part, &mine, total, &many);
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
            errors += one.energy[e] == 0 && e != SK_ENERGY_RESTRAINT; /* those are not here */
    }
    terms_clear(&whole);
    terms_clear(&part);
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
        struct terms t;
        struct sk_atoms mine;
        sk_atoms_init(&mine);
        terms_init(&t, comm, &top, &ff);
        for (sk_gid id = 0; id < NATOMS; id++)
            if (id / PLACES % size == rank && !(fault == 2 && id < PLACES))
                put_atom(&mine, id, 0);
        /* the last rank has the first molecule a second time; or the second one, and nobody the first */
        for (int a = 0; a < PLACES && rank == size - 1 && fault; a++)
            put_atom(&mine, fault == 1 ? a : PLACES + a, 0);
        enum sk_code code = rebuild(&t, &mine, &err);
        errors += code != (fault ? SK_EINTERNAL : SK_OK);
        errors += fault == 1 && !strstr(err.message, "census failed: 4270 bonded terms of 4200");
        errors += fault == 2 && !strstr(err.message, "4200 bonded terms of 4200 (ids differ");
        terms_clear(&t);
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
        cmocka_unit_test(excluded_pairs_are_right),
        cmocka_unit_test(ranks_do_not_matter),
        cmocka_unit_test(census_counts_terms),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sk_comm_free(&alone);
    sk_comm_free(&comm);
    return failed;
}
