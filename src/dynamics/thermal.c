#include "dynamics/thermal.h"

#include <string.h>

#include "base/memory.h"

void sk_thermal_init(struct sk_thermal *t, const struct sk_groups *groups, const struct sk_parameters *p)
{
    struct sk_grouping freeze;
    memset(t, 0, sizeof *t);
    t->groups = groups;
    sk_grouping_init(&t->grouping, groups, p->temperature.groups);
    t->n = t->grouping.n > 0 ? t->grouping.n : 1;
    t->target[0] = p->temperature.target;
    t->tau[0] = p->temperature.tau;
    for (int g = 0; g < t->grouping.n; g++) {
        t->target[g] = p->temperature.group_target[g];
        t->tau[g] = p->temperature.group_tau[g];
    }
    sk_grouping_init(&freeze, groups, p->run.freeze);
    t->frozen = sk_grouping_union(&freeze);
    SK_REQUIRE(sk_axes_parse(p->run.freeze_axes, t->frozen_axis));
}

void sk_thermal_clear(struct sk_thermal *t)
{
    sk_free(&t->group);
}

static int group_of_id(const struct sk_thermal *t, sk_gid id, int kind)
{
    if (t->grouping.n == 0)
        return 0;
    int group = sk_grouping_find(&t->grouping, sk_groups_of(t->groups, id, kind));
    SK_REQUIRE(group >= 0);
    return group;
}

static int group_of(const struct sk_thermal *t, const struct sk_atoms *atoms, int i)
{
    return group_of_id(t, atoms->id[i], atoms->kind[i]);
}

void sk_thermal_assign(struct sk_thermal *t, const struct sk_atoms *atoms)
{
    sk_reserve(&t->group, &t->group_capacity, (size_t)atoms->n + 1);
    for (int i = 0; i < atoms->n; i++)
        t->group[i] = (uint8_t)group_of(t, atoms, i);
}

void sk_thermal_moves(const struct sk_thermal *t, const struct sk_atoms *atoms, int i, bool moves[3])
{
    bool is_frozen = t->frozen && (sk_groups_of(t->groups, atoms->id[i], atoms->kind[i]) & t->frozen);
    for (int k = 0; k < 3; k++)
        moves[k] = !(is_frozen && t->frozen_axis[k]);
}

/* Halves of degrees of freedom that constraints take from each place of a type. */
static int *halves_lost(const struct sk_moltype *type)
{
    int *lost = sk_calloc((size_t)type->natoms, sizeof *lost);
    for (int c = 0; c < type->nconstraints; c++) {
        int i = type->constraints[c].i, j = type->constraints[c].j;
        lost[i] += type->atoms[j].is_frozen ? 2 : 1;
        lost[j] += type->atoms[i].is_frozen ? 2 : 1;
    }
    for (int s = 0; s < type->nsettles; s++) {
        lost[type->settles[s].apex] += 2;
        lost[type->settles[s].leg1] += 2;
        lost[type->settles[s].leg2] += 2;
    }
    return lost;
}

/* Whether two places of a molecule are in different groups. */
static bool is_split(const struct sk_thermal *t, const struct sk_moltype *type, sk_gid molecule, int i, int j)
{
    return group_of_id(t, molecule + i, type->atoms[i].kind) != group_of_id(t, molecule + j, type->atoms[j].kind);
}

/* Constraints and rigid waters of a molecule that join groups. */
static int64_t count_split(const struct sk_thermal *t, const struct sk_moltype *type, sk_gid molecule)
{
    int64_t split = 0;
    for (int c = 0; c < type->nconstraints; c++)
        split += is_split(t, type, molecule, type->constraints[c].i, type->constraints[c].j);
    for (int s = 0; s < type->nsettles; s++)
        split += is_split(t, type, molecule, type->settles[s].apex, type->settles[s].leg1) ||
                 is_split(t, type, molecule, type->settles[s].apex, type->settles[s].leg2);
    return split;
}

/* Counts of this rank's atoms, then of all. */
struct counts {
    int nkinds;
    int64_t *halves, *atoms, *frozen, *split; /* halves[n], atoms[n], frozen[1], split[1] of one array */
    int64_t *movers;                          /* [n][3][nkinds]: atoms that move along an axis */
    int64_t total;                            /* length of the array */
};

static void count_atom(const struct sk_thermal *t, const struct sk_atoms *atoms, int i, int *const *lost,
                       struct counts *counts)
{
    int group = group_of(t, atoms, i), kind = atoms->kind[i], axes = 0;
    bool moves[3];
    sk_thermal_moves(t, atoms, i, moves);
    for (int k = 0; k < 3; k++) {
        axes += moves[k];
        counts->movers[(3 * group + k) * counts->nkinds + kind] += moves[k];
    }
    counts->atoms[group]++;
    *counts->frozen += axes < 3;
    struct sk_place at = sk_topology_find(t->groups->top, atoms->id[i]);
    if (t->n > 1 && at.place == 0)
        *counts->split += count_split(t, &t->groups->top->moltypes[at.moltype], at.molecule);
    if (axes > 0 && t->groups->top->kinds[kind].mass > 0)
        counts->halves[group] += 2 * axes - lost[at.moltype][at.place];
}

static void set_masses(struct sk_thermal *t, const struct counts *counts)
{
    for (int k = 0; k < 3; k++)
        t->total_mass[k] = 0;
    for (int kind = 0; kind < counts->nkinds; kind++)
        for (int k = 0; k < 3; k++) {
            int64_t all = 0;
            double mass = t->groups->top->kinds[kind].mass;
            for (int g = 0; g < t->n; g++) {
                int64_t n = counts->movers[(3 * g + k) * counts->nkinds + kind];
                t->mass[g][k] += (double)n * mass;
                all += n;
            }
            t->total_mass[k] += (double)all * mass;
        }
}

static void set_freedom(struct sk_thermal *t, const struct counts *counts, bool is_motion_removed)
{
    int64_t all = 0;
    double axes = 0; /* along which the centre of mass moves no more */
    for (int k = 0; k < 3 && is_motion_removed; k++)
        axes += t->total_mass[k] > 0;
    for (int g = 0; g < t->n; g++)
        all += counts->halves[g];
    t->total_dof = 0.5 * (double)all - axes;
    for (int g = 0; g < t->n; g++) {
        double mine = (double)counts->halves[g];
        t->dof[g] = 0.5 * mine - (all > 0 ? axes * mine / (double)all : 0);
        t->atoms[g] = counts->atoms[g];
    }
    t->frozen_atoms = *counts->frozen;
    t->split = *counts->split;
}

void sk_thermal_count(struct sk_thermal *t, struct sk_comm *comm, const struct sk_atoms *atoms, bool is_motion_removed)
{
    const struct sk_topology *top = t->groups->top;
    struct counts counts = {.nkinds = top->nkinds, .total = 2 * t->n + 2 + 3 * t->n * top->nkinds};
    int64_t *array = sk_calloc((size_t)counts.total, sizeof *array);
    int **lost = sk_alloc((size_t)top->nmoltypes, sizeof *lost);
    counts.halves = array;
    counts.atoms = array + t->n;
    counts.frozen = array + 2 * t->n;
    counts.split = counts.frozen + 1;
    counts.movers = counts.split + 1;
    for (int m = 0; m < top->nmoltypes; m++)
        lost[m] = halves_lost(&top->moltypes[m]);
    for (int i = 0; i < atoms->n; i++)
        count_atom(t, atoms, i, lost, &counts);
    sk_comm_sum_i64(comm, array, (int)counts.total);
    set_masses(t, &counts);
    set_freedom(t, &counts, is_motion_removed);
    for (int m = 0; m < top->nmoltypes; m++)
        sk_free(&lost[m]);
    sk_free(&lost);
    sk_free(&array);
}
