/* LAMMPS data: constraints, terms and exclusions of a molecule's template. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "read/bondgraph.h"
#include "read/lammps_internal.h"

struct filling {
    const struct sk_data_model *model;
    const struct sk_data_range *range;
    const struct sk_kind *kinds;
    struct sk_moltype *type;
    struct sk_forcefield *ff;
    size_t terms_capacity, constraints_capacity;
    struct sk_error *err;
};

static void add_term(struct filling *f, int form, const double *p, const int *place)
{
    struct sk_moltype *type = f->type;
    SK_REQUIRE(type->nterms < INT_MAX);
    sk_reserve(&type->terms, &f->terms_capacity, (size_t)type->nterms + 1);
    struct sk_term *term = &type->terms[type->nterms++];
    term->form = form;
    term->parameter = sk_forcefield_parameter(f->ff, p, sk_bonded_values(form));
    for (int k = 0; k < SK_BONDED_ATOMS; k++)
        term->atom[k] = k < sk_bonded_atoms(form) ? place[k] : -1;
}

static void add_constraint(struct filling *f, int i, int j, double length)
{
    struct sk_moltype *type = f->type;
    sk_reserve(&type->constraints, &f->constraints_capacity, (size_t)type->nconstraints + 1);
    type->constraints[type->nconstraints++] = (struct sk_constraint){i < j ? i : j, i < j ? j : i, length};
}

/* ---- pairs ---- */

static const struct sk_kind *kind_at(const struct filling *f, int place)
{
    return &f->kinds[f->type->atoms[place].kind];
}

static bool has_coulomb(const struct filling *f)
{
    return f->model->parameters->nonbonded.coulomb != SK_COULOMB_NONE;
}

static void add_pair(struct filling *f, int i, int j, double c6, double c12, double qq)
{
    const double p[3] = {c6, c12, qq};
    const int place[2] = {i, j};
    if (c6 != 0 || c12 != 0 || qq != 0)
        add_term(f, SK_PAIR_14, p, place);
}

/* The longest that a bond of the molecule may become. */
static double longest_bond(const struct filling *f)
{
    const struct sk_data_terms *bonds = &f->model->terms[SK_FAMILY_BOND];
    double longest = 0;
    for (int64_t b = f->range->first[SK_FAMILY_BOND]; b < f->range->last[SK_FAMILY_BOND]; b++) {
        const struct sk_data_type *type = &bonds->types[bonds->term[b].type];
        double reach = bonds->term[b].is_rigid ? type->length : type->reach;
        longest = reach > longest ? reach : longest;
    }
    return longest;
}

/* A pair with a weight is a term of its own, which knows no cutoff, so the pair must stay within it. */
static enum sk_code check_reach(const struct filling *f, int i, int j, int distance, double cutoff)
{
    const double(*weights)[3] = f->model->parameters->nonbonded.special_bonds;
    double reach = distance * longest_bond(f);
    if (reach <= cutoff)
        return SK_OK;
    return sk_fail(
        f->err, SK_EINPUT,
        "%.400s: atoms %lld and %lld are %d bond%s apart, where special_bonds has the weights %g (lj) and %g "
        "(coul); such a pair is a term without a cutoff, but these may come %g apart, beyond the cutoff of %g; "
        "only weights of 0, or of 1 for both, are supported there",
        f->model->name, (long long)(f->range->begin + i) + 1, (long long)(f->range->begin + j) + 1, distance,
        distance > 1 ? "s" : "", weights[0][distance - 1], weights[1][distance - 1], reach, cutoff);
}

/* A pair of atoms some bonds apart. What does not act between them needs no weight. */
static enum sk_code special_pair(struct filling *f, int i, int j, int distance, struct sk_place_pairs *excluded)
{
    const struct sk_kind *a = kind_at(f, i), *b = kind_at(f, j);
    const struct sk_parameters *parameters = f->model->parameters;
    double lj = parameters->nonbonded.special_bonds[0][distance - 1];
    double coulomb = parameters->nonbonded.special_bonds[1][distance - 1];
    int at = a->type * f->ff->ntypes + b->type;
    double c6 = f->ff->c6[at], c12 = f->ff->c12[at], qq = has_coulomb(f) ? a->charge * b->charge : 0;
    bool has_lj = c6 != 0 || c12 != 0;
    if ((lj == 1 || !has_lj) && (coulomb == 1 || qq == 0))
        return SK_OK;
    sk_place_pairs_add(excluded, i, j);
    bool is_cut = parameters->nonbonded.coulomb == SK_COULOMB_CUT;
    if ((has_lj && lj != 0 && check_reach(f, i, j, distance, parameters->nonbonded.vdw_cutoff) != SK_OK) ||
        (qq != 0 && coulomb != 0 && is_cut &&
         check_reach(f, i, j, distance, parameters->nonbonded.coulomb_cutoff) != SK_OK))
        return f->err->code;
    add_pair(f, i, j, lj * c6, lj * c12, coulomb * qq);
    return SK_OK;
}

static enum sk_code fill_pairs(struct filling *f)
{
    const struct sk_data_terms *bonds = &f->model->terms[SK_FAMILY_BOND];
    struct sk_place_pairs graph = {0}, found = {0}, excluded = {0};
    enum sk_code code = SK_OK;
    for (int64_t b = f->range->first[SK_FAMILY_BOND]; b < f->range->last[SK_FAMILY_BOND]; b++)
        sk_place_pairs_add(&graph, (int)(bonds->term[b].atom[0] - f->range->begin),
                           (int)(bonds->term[b].atom[1] - f->range->begin));
    for (int d = 1; d <= 3 && !code; d++) {
        bool is_wanted[3] = {d == 1, d == 2, d == 3};
        found.n = 0;
        if (!sk_bondgraph_exclude(f->type->natoms, &graph, d, is_wanted, &found) ||
            found.n + excluded.n > SK_PLACE_PAIRS_MAX)
            code = sk_fail(f->err, SK_EINPUT, "%.400s: the molecule of atoms %lld to %lld has too many exclusions",
                           f->model->name, (long long)f->range->begin + 1, (long long)f->range->end);
        for (size_t k = 0; k < found.n && !code; k++)
            code = special_pair(f, found.pair[k][0], found.pair[k][1], d, &excluded);
    }
    if (!code)
        sk_bondgraph_set(&excluded, f->type);
    sk_place_pairs_clear(&graph);
    sk_place_pairs_clear(&found);
    sk_place_pairs_clear(&excluded);
    return code;
}

/* The share that a dihedral of style charmm has in the pair of its ends. */
static enum sk_code ends_pair(struct filling *f, const struct sk_data_term *term, const int *place, double weight)
{
    const struct sk_data_pairs *pairs = f->model->pairs;
    const struct sk_parameters *parameters = f->model->parameters;
    const struct sk_kind *a = kind_at(f, place[0]), *b = kind_at(f, place[3]);
    double c6, c12;
    if (!pairs->style || !pairs->style->is_charmm)
        return sk_fail(
            f->err, SK_EINPUT,
            "%.400s:%lld: dihedral type %d has a weight, which needs pair coefficients of a style lj/charmm; "
            "name it behind the section (Pair Coeffs # lj/charmm/coul/long) or set nonbonded.pair_style",
            f->model->name, (long long)term->line, term->type + 1);
    if (parameters->nonbonded.special_bonds[0][2] != 0 || parameters->nonbonded.special_bonds[1][2] != 0)
        return sk_fail(f->err, SK_EINPUT,
                       "%.400s:%lld: dihedral type %d has a weight, so that special_bonds must leave out atoms three "
                       "bonds apart; set 'special_bonds = charmm'",
                       f->model->name, (long long)term->line, term->type + 1);
    sk_data_c6_c12(pairs->lj14[a->type * pairs->ntypes + b->type], parameters, &c6, &c12);
    add_pair(f, place[0], place[3], weight * c6, weight * c12, has_coulomb(f) ? weight * a->charge * b->charge : 0);
    return SK_OK;
}

/* ---- terms ---- */

/* Length of the rigid bond between two places; 0: there is none. */
static double rigid_length(const struct filling *f, int i, int j)
{
    const struct sk_data_terms *bonds = &f->model->terms[SK_FAMILY_BOND];
    int64_t low = f->range->first[SK_FAMILY_BOND], high = f->range->last[SK_FAMILY_BOND];
    int64_t a = f->range->begin + (i < j ? i : j), b = f->range->begin + (i < j ? j : i);
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        const struct sk_data_term *bond = &bonds->term[middle];
        if (bond->atom[0] < a || (bond->atom[0] == a && bond->atom[1] < b))
            low = middle + 1;
        else
            high = middle;
    }
    const struct sk_data_term *bond = &bonds->term[low];
    bool is_found = low < f->range->last[SK_FAMILY_BOND] && bond->atom[0] == a && bond->atom[1] == b;
    return is_found && bond->is_rigid ? bonds->types[bond->type].length : 0;
}

/* The distance of the ends, from two rigid bonds and the angle of rest. */
static enum sk_code rigid_angle(struct filling *f, const struct sk_data_term *term, const int *place, double angle)
{
    double a = rigid_length(f, place[0], place[1]), b = rigid_length(f, place[1], place[2]), sine, cosine;
    sk_sincos(angle, &sine, &cosine);
    double square = a * a + b * b - 2 * a * b * cosine;
    if (!(a > 0 && b > 0 && sine > 0 && square > 0))
        return sk_fail(f->err, SK_EINPUT,
                       "%.400s:%lld: the angle of atoms %lld, %lld and %lld (type %d) is in 'angle_types', but %s",
                       f->model->name, (long long)term->line, (long long)term->atom[0] + 1,
                       (long long)term->atom[1] + 1, (long long)term->atom[2] + 1, term->type + 1,
                       a > 0 && b > 0 ? "is not between 0 and 180 degrees" : "not both of its bonds are rigid");
    add_constraint(f, place[0], place[2], sqrt(square));
    return SK_OK;
}

static enum sk_code fill_term(struct filling *f, enum sk_family family, const struct sk_data_term *term)
{
    const struct sk_data_type *type = &f->model->terms[family].types[term->type];
    int place[4];
    for (int k = 0; k < 4; k++)
        place[k] = (int)(term->atom[k] - f->range->begin);
    if (term->is_rigid && family == SK_FAMILY_ANGLE)
        return rigid_angle(f, term, place, type->angle);
    if (term->is_rigid)
        add_constraint(f, place[0], place[1], type->length);
    else if (type->form >= 0)
        add_term(f, type->form, type->p, place);
    return type->weight14 > 0 ? ends_pair(f, term, place, type->weight14) : SK_OK;
}

enum sk_code sk_data_fill_terms(const struct sk_data_model *model, const struct sk_data_range *range,
                                const struct sk_kind *kinds, struct sk_moltype *type, struct sk_forcefield *ff,
                                struct sk_error *err)
{
    struct filling f = {.model = model, .range = range, .kinds = kinds, .type = type, .ff = ff, .err = err};
    enum sk_code code = SK_OK;
    for (int family = 0; family < SK_FAMILIES; family++)
        for (int64_t t = range->first[family]; t < range->last[family] && !code; t++)
            code = fill_term(&f, (enum sk_family)family, &model->terms[family].term[t]);
    return code ? code : fill_pairs(&f);
}
