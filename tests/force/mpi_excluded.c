/* Forces of charged chains in a reaction field, whose exclusions cross groups, cells, ranks and faces: the same bits as
 * on one rank alone, for energies and virial too, and equal to the oracle in double as far as the kernel goes. */
#include <stdlib.h>

#include <mpi.h>

#include "domain/plans.h"
#include "neigh/chains.h"

#include "force/force.h"

static struct sk_comm *comm, *self;

struct scene {
    struct mixture m;
    struct sk_forcefield ff;
    struct sk_parameters parameters;
    struct sk_units units;
    double force_scale;
    uint64_t seed;
};

/* The scene as some ranks have it. */
struct engine {
    struct sk_comm *comm;
    struct sk_domain domain;
    struct sk_force force;
    struct sk_atoms atoms;
    struct sk_timer timer;
    struct sk_force_phases phases;
};

static void scene_make(struct scene *s, const int count[CHAINS_TYPES], double epsilon_rf, double force_scale,
                       uint64_t seed)
{
    static const double edge[3] = {3.0, 2.6, 2.8}, sigma[2] = {0.2, 0.15}, epsilon[2] = {0.6, 0.1};
    memset(s, 0, sizeof *s);
    chains_make(&s->m, count, edge, 0.17, seed);
    sk_forcefield_init(&s->ff);
    sk_forcefield_resize(&s->ff, 2);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j <= i; j++) {
            double six = pow(0.5 * (sigma[i] + sigma[j]), 6), e = sqrt(epsilon[i] * epsilon[j]);
            sk_forcefield_set(&s->ff, i, j, 4 * e * six, 4 * e * six * six);
        }
    s->parameters.domain.curve = (enum sk_curve)(seed % 5);
    s->parameters.nonbonded.vdw_cutoff = 0.9;
    s->parameters.nonbonded.coulomb_cutoff = 0.85;
    s->parameters.nonbonded.coulomb = SK_COULOMB_REACTION_FIELD;
    s->parameters.nonbonded.epsilon_rf = epsilon_rf;
    s->units = sk_units_of(SK_UNITS_GROMACS);
    s->force_scale = force_scale;
    s->seed = seed;
}

static void scene_clear(struct scene *s)
{
    mixture_clear(&s->m);
    sk_forcefield_clear(&s->ff);
}

static void engine_rebuild(struct engine *e, const struct scene *s)
{
    struct sk_error err = {0};
    enum sk_code code = sk_domain_rebuild(&e->domain, &s->m.top, &s->m.box, e->force.list_radius, NULL, &e->atoms,
                                          &err);
    if (code)
        print_error("%s\n", err.message);
    assert_int_equal(code, SK_OK);
    assert_int_equal(sk_force_rebuild(&e->force, &e->domain, &e->atoms, &e->phases, &err), SK_OK);
}

static void engine_open(struct engine *e, const struct scene *s, struct sk_comm *its_comm)
{
    struct sk_error err = {0};
    int64_t kind_count[CHAINS_KINDS] = {0};
    memset(e, 0, sizeof *e);
    e->comm = its_comm;
    chains_deal(&s->m, its_comm, s->seed, &e->atoms);
    for (sk_gid id = 0; id < s->m.top.natoms; id++)
        kind_count[s->m.atoms[id].kind]++;
    sk_force_init(&e->force, &s->m.top, sk_kernel_find("auto"));
    e->force.list_radius = 0.94;
    e->force.inner_radius = 0.92;
    sk_nonbonded_init(&e->force.nonbonded, &s->parameters, &s->ff, &s->m.top, &s->units, kind_count, s->force_scale, 0);
    sk_force_set_box(&e->force, &s->m.box);
    sk_timer_init(&e->timer);
    sk_force_phases_init(&e->phases, &e->timer);
    assert_int_equal(sk_domain_start(&e->domain, its_comm, &s->parameters, &s->m.top, &s->m.box, e->force.list_radius,
                                     &e->atoms, &err),
                     SK_OK);
    engine_rebuild(e, s);
}

static void engine_close(struct engine *e)
{
    sk_nonbonded_clear(&e->force.nonbonded);
    sk_force_clear(&e->force);
    sk_domain_clear(&e->domain);
    sk_atoms_clear(&e->atoms);
}

/* What all ranks of an engine find together. */
struct result {
    int64_t (*force)[3]; /* [natoms] by id */
    sk_int128 energy[2], virial[3];
    int64_t has_range, has_bad;
    int64_t excluded, foreign; /* excluded pairs; of these with a ghost */
};

static void engine_take(struct engine *e, const struct scene *s, bool is_wide, struct result *r)
{
    struct sk_force *f = &e->force;
    memset(r, 0, sizeof *r);
    r->force = sk_calloc((size_t)s->m.top.natoms, sizeof *r->force);
    mixture_update(&s->m, &e->atoms);
    sk_force_begin(f, &e->domain, &e->atoms, false, &e->phases);
    sk_force_end(f, &e->domain, &e->atoms, &e->phases);
    if (is_wide)
        sk_force_redo_wide(f, &e->domain, &e->atoms, &e->phases);
    sk_force_energy(f, &e->atoms);
    sk_force_virial(f, &e->atoms, r->virial);
    memcpy(r->energy, f->energy, sizeof r->energy);
    for (int i = 0; i < e->atoms.n; i++)
        memcpy(r->force[e->atoms.id[i]], f->total[i], sizeof f->total[i]);
    r->has_range = f->has_range;
    r->has_bad = f->has_bad;
    for (int part = 0; part < SK_LIST_PARTS; part++)
        for (int p = 0; p < f->list.excluded[part].n; p++) {
            const struct sk_excluded_pair *pair = &f->list.excluded[part].pairs[p];
            r->excluded++;
            r->foreign += f->clusters.atom[pair->i] >= e->atoms.n || f->clusters.atom[pair->j] >= e->atoms.n;
        }
    sk_comm_sum_i64(e->comm, r->force[0], (int)(3 * s->m.top.natoms));
    sk_comm_sum_i128(e->comm, r->energy, 2);
    sk_comm_sum_i128(e->comm, r->virial, 3);
    sk_comm_sum_i64(e->comm, &r->has_range, 4);
}

struct truth {
    double (*force)[3];
    long double energy[2];
    double virial[3][3];
};

/* The oracle on the table, exclusions from the rule of the chains and not from the topology. */
static void truth_make(struct truth *t, const struct scene *s, const struct sk_pair_parameters *p)
{
    int n = (int)s->m.top.natoms;
    memset(t, 0, sizeof *t);
    t->force = sk_calloc((size_t)n, sizeof *t->force);
    sk_frac(*x)[3] = sk_calloc((size_t)n, sizeof *x);
    int32_t *type = sk_calloc((size_t)n, sizeof *type), *excluded = sk_calloc((size_t)n * 6, sizeof *excluded);
    double *charge = sk_calloc((size_t)n, sizeof *charge);
    int64_t *start = sk_calloc((size_t)n + 1, sizeof *start);
    for (int i = 0; i < n; i++) {
        const struct sk_kind *kind = &s->m.top.kinds[s->m.atoms[i].kind];
        memcpy(x[i], s->m.atoms[i].x, sizeof x[i]);
        type[i] = kind->type;
        charge[i] = kind->charge;
        start[i + 1] = start[i];
        for (int j = 0; j < n; j++)
            if (j != i && chains_is_excluded(&s->m, i, j))
                excluded[start[i + 1]++] = j;
    }
    sk_pair_oracle(n, 0, n, (const sk_frac(*)[3])x, &s->m.box, type, charge, start, excluded, p, t->force, t->energy,
                   t->virial);
    sk_free(&x);
    sk_free(&type);
    sk_free(&excluded);
    sk_free(&charge);
    sk_free(&start);
}

static void compare_with_truth(const struct result *r, const struct scene *s, const struct sk_pair_parameters *p)
{
    struct truth t;
    double off2 = 0, all2 = 0;
    truth_make(&t, s, p);
    for (sk_gid i = 0; i < s->m.top.natoms; i++)
        for (int k = 0; k < 3; k++) {
            double d = (double)r->force[i][k] / p->force_scale - t.force[i][k];
            off2 += d * d;
            all2 += t.force[i][k] * t.force[i][k];
        }
    check_near(sqrt(off2), 0, 2e-6 * sqrt(all2), 0); /* docs/numerics.md: 1e-6 for water */
    /* the grid moves coordinates by an error of rms quantum / sqrt(12): five times what that does to the energy */
    double grid = 5 * p->quantum / sqrt(12.0) * sqrt(all2);
    for (int k = 0; k < 2; k++)
        check_near((double)r->energy[k] / SK_ENERGY_SCALE, (double)t.energy[k], 1e-6 + grid, 0);
    double size = fabs(t.virial[0][0]) + fabs(t.virial[1][1]) + fabs(t.virial[2][2]);
    for (int k = 0; k < 3; k++)
        check_near(-0.5 * (double)r->virial[k] * p->quantum / p->force_scale, t.virial[k][k], 2e-6 * size, 0);
    sk_free(&t.force);
}

/* Returns how many excluded pairs had a ghost. */
static int64_t compare(struct engine *together, struct engine *alone, const struct scene *s, bool is_wide)
{
    struct result all, one;
    engine_take(together, s, is_wide, &all);
    engine_take(alone, s, is_wide, &one);
    assert_memory_equal(all.force, one.force, (size_t)s->m.top.natoms * sizeof *all.force);
    assert_memory_equal(all.energy, one.energy, sizeof all.energy);
    assert_memory_equal(all.virial, one.virial, sizeof all.virial);
    assert_int_equal(all.has_range, 0);
    assert_int_equal(all.has_bad, 0);
    assert_int_equal(one.foreign, 0);
    compare_with_truth(&all, s, &together->force.nonbonded.pair);
    sk_free(&all.force);
    sk_free(&one.force);
    return all.foreign;
}

static void chains_have_the_same_bits_and_the_oracles_forces(void **state)
{
    (void)state;
    static const int count[CHAINS_TYPES] = {1, 50, 8, 4, 2, 20};
    int64_t foreign = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct scene s;
        struct engine together, alone;
        scene_make(&s, count, seed < 3 ? 0 : 15, 0, seed);
        engine_open(&together, &s, comm);
        engine_open(&alone, &s, self);
        for (int round = 0; round < 2; round++) {
            if (round) {
                plans_draw(&together.domain.cells, seed);
                engine_rebuild(&together, &s);
                engine_rebuild(&alone, &s);
            }
            for (int look = 0; look < 4; look++) { /* at the list's positions, then as far off as it allows */
                double allowance = sk_force_allowance(&together.force, &s.m.box);
                if (look % 2 == 0)
                    mixture_kick(&s.m, 0, look ? 0.99 * allowance : 0, seed + (uint64_t)round);
                foreign += compare(&together, &alone, &s, look % 2);
            }
        }
        engine_close(&together);
        engine_close(&alone);
        scene_clear(&s);
    }
    assert_true(foreign > 100 || sk_comm_size(comm) == 1);
}

/* One water: nothing but excluded pairs. */
static void an_excluded_pair_out_of_range_makes_a_wide_step(void **state)
{
    (void)state;
    static const int count[CHAINS_TYPES] = {0, 1, 0, 0, 0, 0};
    for (int is_beyond = 0; is_beyond < 2; is_beyond++) {
        struct scene s;
        struct engine e;
        struct result r;
        scene_make(&s, count, 0, is_beyond ? 0x1p26 : 0x1p20, 5);
        engine_open(&e, &s, comm);
        engine_take(&e, &s, false, &r);
        assert_int_equal(r.excluded, 3);
        assert_int_equal(r.has_range > 0, is_beyond);
        if (!is_beyond)
            compare_with_truth(&r, &s, &e.force.nonbonded.pair);
        sk_free(&r.force);
        engine_take(&e, &s, true, &r);
        compare_with_truth(&r, &s, &e.force.nonbonded.pair);
        assert_int_equal(r.has_bad, 0);
        sk_free(&r.force);
        engine_close(&e);
        scene_clear(&s);
    }
}

int main(void)
{
    comm = sk_comm_new(NULL);
    MPI_Comm alone = MPI_COMM_SELF;
    self = sk_comm_new(&alone);
    const struct CMUnitTest tests[] = {cmocka_unit_test(chains_have_the_same_bits_and_the_oracles_forces),
                                       cmocka_unit_test(an_excluded_pair_out_of_range_makes_a_wide_step)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sk_comm_free(&self);
    sk_comm_free(&comm);
    return failed;
}
