/* .top: which bonds and angles of a molecule are rigid, how long, and what they exclude. */
#include "read/gromacs_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "read/bondgraph.h"

#define PI 0x1.921fb54442d18p1

/* What a molecule's constraints are made from, each with the line that asks for it. */
struct rigid {
    struct sk_constraint constraint; /* i < j */
    size_t order;                    /* of lines in the file */
    struct sk_source at;
};

struct work {
    const struct sk_raw_top *raw;
    const struct sk_raw_moltype *from;
    struct sk_moltype *type;
    struct rigid *rigid;
    size_t n, capacity;
    struct sk_error *err;
};

static enum sk_code work_fail(const struct work *w, struct sk_source at, const char *what, int i, int j)
{
    return sk_preprocess_fail(w->raw->pp, at, w->err, "%s (atoms %d and %d of molecule type '%s')", what, i + 1, j + 1,
                              w->from->name);
}

static bool is_hydrogen(const struct work *w, int place)
{
    char first = w->type->atoms[place].name[0];
    return first == 'H' || first == 'h';
}

/* Bonds of functions 1 to 4 have a length that they keep when they turn rigid. */
static bool bond_may_be_rigid(const struct sk_raw_bond *bond)
{
    return bond->is_constraint || bond->function <= 4;
}

static bool bond_is_rigid(const struct work *w, const struct sk_raw_bond *bond)
{
    if (bond->is_constraint || !bond_may_be_rigid(bond))
        return bond->is_constraint;
    if (w->raw->rigid == SK_BONDS_H_BONDS)
        return is_hydrogen(w, bond->i) || is_hydrogen(w, bond->j);
    return w->raw->rigid != SK_BONDS_NONE;
}

static const char *bonded_name(const struct work *w, int place)
{
    return w->raw->bonded_names.name[w->raw->types[w->from->atoms[place].type].bonded];
}

static void work_add(struct work *w, int i, int j, double length, struct sk_source at)
{
    sk_reserve(&w->rigid, &w->capacity, w->n + 1);
    w->rigid[w->n] = (struct rigid){{i < j ? i : j, i < j ? j : i, length}, w->n, at};
    w->n++;
}

static enum sk_code add_bond(struct work *w, const struct sk_raw_bond *bond)
{
    const char *const names[2] = {bonded_name(w, bond->i), bonded_name(w, bond->j)};
    double length = bond->length;
    if (!bond->has_length && !sk_top_bonded(w->raw, bond->is_constraint ? 'c' : 'b', names, 2, bond->function, &length))
        return sk_preprocess_fail(
            w->raw->pp, bond->at, w->err, "no [ %s ] of function %d for the bonded types %s and %s",
            bond->is_constraint ? "constrainttypes" : "bondtypes", bond->function, names[0], names[1]);
    if (!(length > 0))
        return work_fail(w, bond->at, "the length of a rigid bond must be positive", bond->i, bond->j);
    work_add(w, bond->i, bond->j, length, bond->at);
    return SK_OK;
}

static enum sk_code check_places(struct work *w, const int *place, int n, struct sk_source at)
{
    for (int k = 0; k < n; k++) {
        if (place[k] >= w->type->natoms)
            return sk_preprocess_fail(w->raw->pp, at, w->err, "atom %d, but '%s' has %d atoms", place[k] + 1,
                                      w->from->name, w->type->natoms);
        for (int m = 0; m < k; m++)
            if (place[m] == place[k])
                return work_fail(w, at, "an atom bonded to itself", place[m], place[k]);
    }
    return SK_OK;
}

static enum sk_code add_bonds(struct work *w)
{
    for (size_t b = 0; b < w->from->nbonds; b++) {
        const struct sk_raw_bond *bond = &w->from->bonds[b];
        const int place[2] = {bond->i, bond->j};
        if (check_places(w, place, 2, bond->at) != SK_OK)
            return w->err->code;
        if (bond_is_rigid(w, bond)) {
            if (add_bond(w, bond) != SK_OK)
                return w->err->code;
        } else if (bond_may_be_rigid(bond))
            return sk_preprocess_fail(w->raw->pp, bond->at, w->err,
                                      "[ bonds ] of molecule type '%s': a bond that is not rigid is not supported yet "
                                      "('bonds = all-bonds' in [constraints] makes all rigid)",
                                      w->from->name);
        else if (bond->function != 5)
            return sk_preprocess_fail(w->raw->pp, bond->at, w->err,
                                      "[ bonds ] of molecule type '%s': function %d is not supported", w->from->name,
                                      bond->function);
    }
    return SK_OK;
}

/* ---- angles ---- */

static int compare_places(const struct sk_constraint *p, const struct sk_constraint *q)
{
    int by_i = (p->i > q->i) - (p->i < q->i);
    return by_i ? by_i : (p->j > q->j) - (p->j < q->j);
}

static int compare_rigid(const void *a, const void *b)
{
    const struct rigid *p = a, *q = b;
    int by_place = compare_places(&p->constraint, &q->constraint);
    return by_place ? by_place : (p->order > q->order) - (p->order < q->order);
}

/* As in GROMACS: H-X-H and H-O-X. */
static bool angle_is_rigid(const struct work *w, const struct sk_raw_angle *angle)
{
    char middle = w->type->atoms[angle->place[1]].name[0];
    int hydrogens = 0;
    for (int k = 0; k < 3; k++)
        hydrogens += is_hydrogen(w, angle->place[k]);
    return hydrogens > 1 || (hydrogens == 1 && (middle == 'O' || middle == 'o'));
}

/* Length of the bond between two places among the first n, which are sorted; 0: none. */
static double bond_length(const struct work *w, size_t n, int i, int j)
{
    struct rigid key = {{i < j ? i : j, i < j ? j : i, 0}, 0, {0, 0}};
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_places(&w->rigid[middle].constraint, &key.constraint) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_found = low < n && compare_places(&w->rigid[low].constraint, &key.constraint) == 0;
    return is_found ? w->rigid[low].constraint.length : 0;
}

/* Functions whose first parameter is the angle of rest: harmonic, G96, Urey-Bradley, quartic. */
static bool angle_has_theta(int function)
{
    return function == 1 || function == 2 || function == 5 || function == 6;
}

static enum sk_code add_angle(struct work *w, const struct sk_raw_angle *angle, size_t nbonds)
{
    const int *at = angle->place;
    const char *const names[3] = {bonded_name(w, at[0]), bonded_name(w, at[1]), bonded_name(w, at[2])};
    double theta = angle->theta, sine, cosine;
    double a = bond_length(w, nbonds, at[0], at[1]), b = bond_length(w, nbonds, at[1], at[2]);
    if (!angle->has_theta && !sk_top_bonded(w->raw, 'a', names, 3, angle->function, &theta))
        return sk_preprocess_fail(w->raw->pp, angle->at, w->err,
                                  "no [ angletypes ] of function %d for the bonded types %s, %s and %s",
                                  angle->function, names[0], names[1], names[2]);
    if (!(a > 0 && b > 0))
        return work_fail(w, angle->at, "a rigid angle needs a bond on either side; one is missing", at[0], at[2]);
    sk_sincos(theta * (PI / 180), &sine, &cosine);
    double length = sqrt(a * a + b * b - 2 * a * b * cosine);
    if (!(theta > 0 && theta < 180) || !(length > 0))
        return work_fail(w, angle->at, "a rigid angle must lie between 0 and 180 degrees", at[0], at[2]);
    work_add(w, at[0], at[2], length, angle->at);
    return SK_OK;
}

static void sort_rigid(struct work *w)
{
    if (w->n)
        qsort(w->rigid, w->n, sizeof *w->rigid, compare_rigid);
}

static enum sk_code add_angles(struct work *w)
{
    size_t nbonds = w->n;
    sort_rigid(w);
    for (size_t k = 0; k < w->from->nangles; k++) {
        const struct sk_raw_angle *angle = &w->from->angles[k];
        if (check_places(w, angle->place, 3, angle->at) != SK_OK)
            return w->err->code;
        if (!angle_is_rigid(w, angle) || !angle_has_theta(angle->function))
            return sk_preprocess_fail(w->raw->pp, angle->at, w->err,
                                      "[ angles ] of molecule type '%s': an angle that is not rigid is not supported",
                                      w->from->name);
        if (add_angle(w, angle, nbonds) != SK_OK)
            return w->err->code;
    }
    sort_rigid(w);
    return SK_OK;
}

/* ---- the whole ---- */

/* The first line, in the order of the file, that asks for what an earlier one asked for. */
static const struct rigid *find_second(const struct work *w)
{
    const struct rigid *second = NULL;
    for (size_t k = 1; k < w->n; k++)
        if (compare_places(&w->rigid[k - 1].constraint, &w->rigid[k].constraint) == 0 &&
            (!second || w->rigid[k].order < second->order))
            second = &w->rigid[k];
    return second;
}

static enum sk_code refuse_water(struct work *w)
{
    char *is_water = sk_calloc((size_t)w->type->natoms, 1);
    enum sk_code code = SK_OK;
    for (int s = 0; s < w->type->nsettles; s++) {
        const struct sk_settle *settle = &w->type->settles[s];
        is_water[settle->apex] = is_water[settle->leg1] = is_water[settle->leg2] = 1;
    }
    for (size_t k = 0; k < w->n && !code; k++) {
        const struct sk_constraint *c = &w->rigid[k].constraint;
        if (is_water[c->i] || is_water[c->j])
            code = work_fail(w, w->rigid[k].at, "a rigid bond to an atom of [ settles ]", c->i, c->j);
    }
    sk_free(&is_water);
    return code;
}

enum sk_code sk_top_build_constraints(const struct sk_raw_top *raw, const struct sk_raw_moltype *from,
                                      struct sk_moltype *type, struct sk_error *err)
{
    struct work w = {.raw = raw, .from = from, .type = type, .err = err};
    enum sk_code code = add_bonds(&w);
    if (!code)
        code = add_angles(&w);
    if (!code && w.n > INT32_MAX / 4)
        code = sk_preprocess_fail(raw->pp, from->at, err, "molecule type '%s' has too many bonds", from->name);
    const struct rigid *second = code ? NULL : find_second(&w);
    if (second)
        code = work_fail(&w, second->at, "these atoms are joined rigidly a second time; remove one",
                         second->constraint.i, second->constraint.j);
    if (!code)
        code = refuse_water(&w);
    if (!code) {
        type->nconstraints = (int)w.n;
        type->constraints = sk_calloc(w.n, sizeof *type->constraints);
        for (size_t k = 0; k < w.n; k++)
            type->constraints[k] = w.rigid[k].constraint;
    }
    sk_free(&w.rigid);
    return code;
}

/* ---- exclusions ---- */

/* As in GROMACS: neither the plain harmonic potential (6), nor tables (9) and restraints (10) without a bond, nor
 * constraints of type 2, nor [ settles ]. */
static bool bond_is_chemical(const struct sk_raw_bond *bond)
{
    return bond->is_constraint ? bond->function == 1 : bond->function != 6 && bond->function < 9;
}

enum sk_code sk_top_build_exclusions(const struct sk_raw_top *raw, const struct sk_raw_moltype *from,
                                     struct sk_moltype *type, struct sk_error *err)
{
    struct sk_place_pairs bonds = {0}, pairs = {0};
    enum sk_code code = SK_OK;
    for (size_t k = 0; k < from->nexclusions && !code; k++) {
        const struct sk_raw_exclusion *x = &from->exclusions[k];
        int largest = x->i > x->j ? x->i : x->j;
        if (largest >= type->natoms)
            code = sk_preprocess_fail(raw->pp, x->at, err, "exclusion of atom %d, but '%s' has %d atoms", largest + 1,
                                      from->name, type->natoms);
        else
            sk_place_pairs_add(&pairs, x->i, x->j);
    }
    for (size_t b = 0; b < from->nbonds; b++)
        if (bond_is_chemical(&from->bonds[b]))
            sk_place_pairs_add(&bonds, from->bonds[b].i, from->bonds[b].j);
    if (!code &&
        !(sk_bondgraph_exclude(type->natoms, &bonds, from->nrexcl, NULL, &pairs) && pairs.n <= SK_PLACE_PAIRS_MAX))
        code = sk_preprocess_fail(raw->pp, from->at, err, "molecule type '%s' has too many exclusions", from->name);
    if (!code)
        sk_bondgraph_set(&pairs, type);
    sk_place_pairs_clear(&bonds);
    sk_place_pairs_clear(&pairs);
    return code;
}
