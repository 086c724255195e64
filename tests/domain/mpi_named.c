/* Named atoms on random maps of owners: every rank can compute who owns what, who asks for what, where atoms are and
 * what comes back. Ranks count their errors; only sums over ranks are asserted. */
#include "domain/named.h"

#include <string.h>

#include "check.h"
#include "par/mixer.h"

#include "base/memory.h"

enum { MOST = 600, STEPS = 5 };

static struct sk_comm *comm;
static int rank, size;

static int owner_of(uint64_t round, sk_gid id)
{
    return (int)(mix4(1, round, (uint64_t)id, 0) % (uint64_t)size);
}

/* Some ranks ask for nothing, some for nearly everything that they do not own. */
static bool is_wanted(uint64_t round, int by, sk_gid id)
{
    return owner_of(round, id) != by &&
           mix4(2, round, (uint64_t)id, (uint64_t)by) % 8 < mix4(3, round, (uint64_t)by, 0) % 9;
}

static sk_frac place_of(uint64_t step, sk_gid id, int axis)
{
    return mix4(4, step, (uint64_t)id, (uint64_t)axis);
}

static int64_t force_of(uint64_t step, int by, sk_gid id, int axis)
{
    return (int64_t)mix4(5 + (uint64_t)by, step, (uint64_t)id, (uint64_t)axis); /* sums wrap */
}

struct scene {
    int natoms, nmine, nwanted;
    sk_gid mine[MOST], wanted[MOST];
    sk_frac x[MOST][3], got[MOST][3];
    int64_t f[MOST][3], pushed[MOST][3];
    struct sk_idmap owned_of;
    struct sk_named named;
};

static void deal(struct scene *s, uint64_t round, int natoms)
{
    s->natoms = natoms;
    s->nmine = s->nwanted = 0;
    sk_idmap_reset(&s->owned_of, 16);
    for (sk_gid id = 0; id < natoms; id++) {
        if (owner_of(round, id) == rank) {
            sk_idmap_set(&s->owned_of, id, s->nmine);
            s->mine[s->nmine++] = id;
        }
        if (is_wanted(round, rank, natoms - 1 - id))
            s->wanted[s->nwanted++] = natoms - 1 - id;
    }
}

static int64_t check_step(struct scene *s, uint64_t round, uint64_t step)
{
    int64_t errors = 0;
    for (int i = 0; i < s->nmine; i++)
        for (int k = 0; k < 3; k++) {
            s->x[i][k] = place_of(step, s->mine[i], k);
            s->f[i][k] = force_of(step, rank, s->mine[i], k);
        }
    mix_delay(mix4(6, round, step, (uint64_t)rank));
    sk_named_forward_begin(&s->named, (const sk_frac(*)[3])s->x);
    sk_named_forward_end(&s->named, s->got);
    for (int w = 0; w < s->nwanted; w++)
        for (int k = 0; k < 3; k++) {
            errors += s->got[w][k] != place_of(step, s->wanted[w], k);
            s->pushed[w][k] = force_of(step, rank, s->wanted[w], k);
        }
    sk_named_reverse_begin(&s->named, (const int64_t(*)[3])s->pushed);
    sk_named_reverse_end(&s->named, s->f);
    return errors;
}

/* Who asked for what is known from the lists of all ranks. */
static int64_t check_sums(struct scene *s, const unsigned char *asked, uint64_t step)
{
    int64_t errors = 0;
    for (int i = 0; i < s->nmine; i++)
        for (int k = 0; k < 3; k++) {
            uint64_t sum = (uint64_t)force_of(step, rank, s->mine[i], k);
            for (int r = 0; r < size; r++)
                if (asked[(size_t)r * MOST + (size_t)s->mine[i]])
                    sum += (uint64_t)force_of(step, r, s->mine[i], k);
            errors += (uint64_t)s->f[i][k] != sum;
        }
    return errors;
}

static void atoms_come_and_forces_return(void **state)
{
    (void)state;
    static const int natoms[] = {1, 3, 40, MOST};
    struct scene *s = sk_calloc(1, sizeof *s);
    unsigned char mine[MOST], *asked = sk_alloc((size_t)size, sizeof mine);
    int64_t errors = 0, total = 0;
    sk_named_init(&s->named, comm, 6);
    for (uint64_t round = 0; round < 24; round++) {
        struct sk_error err;
        deal(s, round, natoms[round % 4]);
        memset(mine, 0, sizeof mine);
        for (int w = 0; w < s->nwanted; w++)
            mine[s->wanted[w]] = 1;
        sk_comm_allgather(comm, mine, sizeof mine, asked);
        errors += sk_named_connect(&s->named, s->natoms, &s->owned_of, s->wanted, s->nwanted, "a test", &err) != SK_OK;
        for (uint64_t step = 0; step < STEPS; step++)
            errors += check_step(s, round, step) + check_sums(s, asked, step);
        total += s->nwanted;
    }
    sk_named_clear(&s->named);
    sk_idmap_clear(&s->owned_of);
    sk_free(&asked);
    sk_free(&s);
    assert_int_equal(agreed_errors(comm, errors), 0);
    assert_true(size == 1 || agreed_errors(comm, total) > 1000);
}

/* All ranks get the same error, whoever asked; the atom is named. */
static void lost_atoms_are_missed(void **state)
{
    (void)state;
    struct sk_named named;
    struct sk_idmap owned_of;
    struct sk_error err = {SK_OK, ""};
    const sk_gid wanted[1] = {7};
    sk_idmap_init(&owned_of);
    for (sk_gid id = rank; id < 20; id += size)
        if (id != 7)
            sk_idmap_set(&owned_of, id, (int32_t)id);
    sk_named_init(&named, comm, 6);
    enum sk_code code = sk_named_connect(&named, 20, &owned_of, wanted, rank == size - 1, "a test", &err);
    int64_t errors = code != SK_EINTERNAL || !strstr(err.message, "no rank owns atom 8, which a test names");
    sk_named_clear(&named);
    sk_idmap_clear(&owned_of);
    assert_int_equal(agreed_errors(comm, errors), 0);
}

int main(void)
{
    comm = sk_comm_new(NULL);
    rank = sk_comm_rank(comm);
    size = sk_comm_size(comm);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(atoms_come_and_forces_return),
        cmocka_unit_test(lost_atoms_are_missed),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sk_comm_free(&comm);
    return failed;
}
