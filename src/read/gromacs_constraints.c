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

static bool is_hydrogen(const struct sk_moltype *type, int place)
{
    char first = type->atoms[place].name[0];
    return first == 'H' || first == 'h';
}

bool sk_top_bond_is_rigid(const struct sk_raw_top *raw, const struct sk_moltype *type, int list,
                          const struct sk_raw_term *bond)
{
    const struct sk_top_function *function = sk_top_function(list, bond->function);
    if (list == SK_TOP_CONSTRAINTS || !function || !function->is_soft)
        return list == SK_TOP_CONSTRAINTS;
    if (raw->rigid == SK_BONDS_H_BONDS)
        return is_hydrogen(type, bond->place[0]) || is_hydrogen(type, bond->place[1]);
    return raw->rigid != SK_BONDS_NONE;
}

static void work_add(struct work *w, int i, int j, double length, struct sk_source at)
{
    sk_reserve(&w->rigid, &w->capacity, w->n + 1);
    w->rigid[w->n] = (struct rigid){{i < j ? i : j, i < j ? j : i, length}, w->n, at};
    w->n++;
}

/* First parameter: a length or an angle. */
static enum sk_code first_value(struct work *w, int list, const struct sk_raw_term *term, double *value)
{
    const struct sk_raw_entry *entry = term->nvalues ? NULL : sk_top_find_line(w->raw, w->from, list, term);
    if (!term->nvalues && !entry)
        return sk_top_fail_types(w->raw, w->from, list, term, w->err);
    if (entry && entry->is_perturbed)
        return sk_preprocess_fail(w->raw->pp, term->at, w->err,
                                  "the [ %s ] of this line have a second state (free energy), which is not supported",
                                  sk_top_types_name(list));
    *value = w->raw->values[entry ? entry->value : term->value];
    return SK_OK;
}

static enum sk_code add_bond(struct work *w, int list, const struct sk_raw_term *bond)
{
    double length;
    if (first_value(w, list, bond, &length) != SK_OK)
        return w->err->code;
    if (!(length > 0))
        return work_fail(w, bond->at, "the length of a rigid bond must be positive", bond->place[0], bond->place[1]);
    work_add(w, bond->place[0], bond->place[1], length, bond->at);
    return SK_OK;
}

static enum sk_code add_bonds(struct work *w, int list)
{
    const struct sk_raw_list *bonds = &w->from->lists[list];
    for (size_t b = 0; b < bonds->n; b++) {
        const struct sk_raw_term *bond = &bonds->terms[b];
        if (sk_top_check_places(w->raw, w->from, sk_top_list_name(list), bond->place, 2, bond->at, w->err) != SK_OK ||
            (sk_top_bond_is_rigid(w->raw, w->type, list, bond) && add_bond(w, list, bond) != SK_OK))
            return w->err->code;
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
bool sk_top_angle_is_rigid(const struct sk_raw_top *raw, const struct sk_moltype *type, const struct sk_raw_term *angle)
{
    const struct sk_top_function *function = sk_top_function(SK_TOP_ANGLES, angle->function);
    char middle = type->atoms[angle->place[1]].name[0];
    int hydrogens = 0;
    for (int k = 0; k < 3; k++)
        hydrogens += is_hydrogen(type, angle->place[k]);
    return raw->rigid == SK_BONDS_H_ANGLES && function && function->is_soft &&
           (hydrogens > 1 || (hydrogens == 1 && (middle == 'O' || middle == 'o')));
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

static enum sk_code add_angle(struct work *w, const struct sk_raw_term *angle, size_t nbonds)
{
    const int *at = angle->place;
    double theta, sine, cosine;
    double a = bond_length(w, nbonds, at[0], at[1]), b = bond_length(w, nbonds, at[1], at[2]);
    if (first_value(w, SK_TOP_ANGLES, angle, &theta) != SK_OK)
        return w->err->code;
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
    for (size_t k = 0; k < w->from->lists[SK_TOP_ANGLES].n; k++) {
        const struct sk_raw_term *angle = &w->from->lists[SK_TOP_ANGLES].terms[k];
        if (sk_top_check_places(w->raw, w->from, "angles", angle->place, 3, angle->at, w->err) != SK_OK ||
            (sk_top_angle_is_rigid(w->raw, w->type, angle) && add_angle(w, angle, nbonds) != SK_OK))
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

static enum sk_code refuse_others(struct work *w)
{
    char *is_water = sk_calloc((size_t)w->type->natoms, 1);
    char *is_site = sk_calloc((size_t)w->type->natoms, 1);
    enum sk_code code = SK_OK;
    for (int s = 0; s < w->type->nsites; s++)
        is_site[w->type->sites[s].place] = 1;
    for (int s = 0; s < w->type->nsettles; s++) {
        const struct sk_settle *settle = &w->type->settles[s];
        is_water[settle->apex] = is_water[settle->leg1] = is_water[settle->leg2] = 1;
    }
    for (size_t k = 0; k < w->n && !code; k++) {
        const struct sk_constraint *c = &w->rigid[k].constraint;
        if (is_water[c->i] || is_water[c->j])
            code = work_fail(w, w->rigid[k].at, "a rigid bond to an atom of [ settles ]", c->i, c->j);
        else if (is_site[c->i] || is_site[c->j])
            code = work_fail(w, w->rigid[k].at, "a rigid bond to a virtual site", c->i, c->j);
    }
    sk_free(&is_site);
    sk_free(&is_water);
    return code;
}

enum sk_code sk_top_build_constraints(const struct sk_raw_top *raw, const struct sk_raw_moltype *from,
                                      struct sk_moltype *type, struct sk_error *err)
{
    struct work w = {.raw = raw, .from = from, .type = type, .err = err};
    enum sk_code code = add_bonds(&w, SK_TOP_BONDS);
    if (!code)
        code = add_bonds(&w, SK_TOP_CONSTRAINTS);
    if (!code)
        code = add_angles(&w);
    if (!code && w.n > INT32_MAX / 4)
        code = sk_preprocess_fail(raw->pp, from->at, err, "molecule type '%s' has too many bonds", from->name);
    const struct rigid *second = code ? NULL : find_second(&w);
    if (second)
        code = work_fail(&w, second->at, "these atoms are joined rigidly a second time; remove one",
                         second->constraint.i, second->constraint.j);
    if (!code)
        code = refuse_others(&w);
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
static bool bond_is_chemical(int list, const struct sk_raw_term *bond)
{
    return list == SK_TOP_CONSTRAINTS ? bond->function == 1 : bond->function != 6 && bond->function < 9;
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
    for (int list = SK_TOP_BONDS; list <= SK_TOP_CONSTRAINTS; list++)
        for (size_t b = 0; b < from->lists[list].n; b++) {
            const struct sk_raw_term *bond = &from->lists[list].terms[b];
            if (bond_is_chemical(list, bond))
                sk_place_pairs_add(&bonds, bond->place[0], bond->place[1]);
        }
    if (!code &&
        !(sk_bondgraph_exclude(type->natoms, &bonds, from->nrexcl, NULL, &pairs) && pairs.n <= SK_PLACE_PAIRS_MAX))
        code = sk_preprocess_fail(raw->pp, from->at, err, "molecule type '%s' has too many exclusions", from->name);
    if (!code)
        sk_bondgraph_set(&pairs, type);
    sk_place_pairs_clear(&bonds);
    sk_place_pairs_clear(&pairs);
    return code;
}
