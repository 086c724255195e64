/* .top: from what stands in the file to the templates, kinds and Lennard-Jones matrices of what is used. */
#include "read/gromacs_internal.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* Ids, and ids times small factors, stay far from the ends of 64 bits. */
#define ATOMS_MAX ((int64_t)1 << 48)
/* The matrices have TYPES_MAX^2 entries. */
#define TYPES_MAX 2000

struct build {
    struct sk_raw_top *raw;
    struct sk_topology *top;
    int *used; /* raw type of each force-field type, in order of first use */
    int nused;
    size_t used_capacity;
};

static enum sk_code build_atom(struct build *b, const struct sk_raw_moltype *raw, const struct sk_raw_atom *atom,
                               bool is_site, struct sk_template_atom *out, struct sk_error *err)
{
    struct sk_raw_type *type = &b->raw->types[atom->type];
    const char *name = b->raw->names.name[atom->type];
    if (!type->is_defined)
        return sk_preprocess_fail(b->raw->pp, atom->at, err, "atom type '%s' is not in [ atomtypes ]", name);
    double mass = atom->has_mass ? atom->mass : type->mass;
    double charge = atom->has_charge ? atom->charge : type->charge;
    if (strchr("SB", type->particle))
        return sk_preprocess_fail(b->raw->pp, atom->at, err,
                                  "atom '%s' of molecule type '%s' has particle type %c (shell), which is not "
                                  "supported",
                                  atom->atom.name, raw->name, type->particle);
    if (is_site && mass != 0)
        return sk_preprocess_fail(b->raw->pp, atom->at, err,
                                  "virtual site '%s' of molecule type '%s' has mass %g; it must have none",
                                  atom->atom.name, raw->name, mass);
    if (!is_site && strchr("VD", type->particle))
        return sk_preprocess_fail(b->raw->pp, atom->at, err,
                                  "atom '%s' of molecule type '%s' has particle type %c (virtual site), but no "
                                  "[ virtual_sites2 ] or [ virtual_sites3 ] says where it is",
                                  atom->atom.name, raw->name, type->particle);
    if (!is_site && !(mass > 0))
        return sk_preprocess_fail(b->raw->pp, atom->at, err,
                                  "atom '%s' of molecule type '%s' has mass %g; every mass must be positive",
                                  atom->atom.name, raw->name, mass);
    if (type->type < 0) {
        if (b->nused == TYPES_MAX)
            return sk_preprocess_fail(b->raw->pp, atom->at, err, "more than %d atom types are used", TYPES_MAX);
        sk_reserve(&b->used, &b->used_capacity, (size_t)b->nused + 1);
        b->used[b->nused] = atom->type;
        type->type = b->nused++;
    }
    *out = atom->atom;
    out->kind = sk_topology_kind(b->top, type->type, charge, mass);
    return SK_OK;
}

static enum sk_code build_atoms(struct build *b, const struct sk_raw_moltype *raw, struct sk_moltype *type,
                                struct sk_error *err)
{
    bool *is_site = sk_calloc(raw->natoms, sizeof *is_site);
    enum sk_code code = SK_OK;
    type->natoms = (int)raw->natoms;
    type->atoms = sk_calloc(raw->natoms, sizeof *type->atoms);
    for (int s = 0; s < type->nsites; s++)
        is_site[type->sites[s].place] = true;
    for (size_t i = 0; i < raw->natoms && !code; i++)
        code = build_atom(b, raw, &raw->atoms[i], is_site[i], &type->atoms[i], err);
    sk_free(&is_site);
    return code;
}

static double build_mass(const struct build *b, const struct sk_moltype *type, int place)
{
    return b->top->kinds[type->atoms[place].kind].mass;
}

static enum sk_code build_settles(struct build *b, const struct sk_raw_moltype *raw, struct sk_moltype *type,
                                  struct sk_error *err)
{
    type->settles = sk_calloc(raw->nsettles, sizeof *type->settles);
    for (size_t i = 0; i < raw->nsettles; i++) {
        struct sk_settle settle = raw->settles[i].settle;
        struct sk_source at = raw->settles[i].at;
        if (settle.leg2 >= type->natoms)
            return sk_preprocess_fail(b->raw->pp, at, err, "settles names atoms %d to %d, but '%s' has %d atoms",
                                      settle.apex + 1, settle.leg2 + 1, raw->name, type->natoms);
        if (build_mass(b, type, settle.leg1) != build_mass(b, type, settle.leg2))
            return sk_preprocess_fail(b->raw->pp, at, err, "settles needs legs of equal mass, not %g and %g",
                                      build_mass(b, type, settle.leg1), build_mass(b, type, settle.leg2));
        type->settles[type->nsettles++] = settle;
    }
    return SK_OK;
}

static enum sk_code build_finish(const struct sk_raw_top *raw, const struct sk_raw_moltype *from,
                                 struct sk_moltype *type, struct sk_error *err)
{
    struct sk_error inner;
    if (sk_moltype_finish(type, &inner) != SK_OK)
        return sk_preprocess_fail(raw->pp, from->at, err, "%s", inner.message);
    return SK_OK;
}

static enum sk_code build_moltype(struct build *b, const struct sk_raw_moltype *raw, struct sk_source used_at,
                                  struct sk_moltype *type, struct sk_error *err)
{
    memcpy(type->name, raw->name, sizeof type->name);
    if (raw->refused)
        return sk_preprocess_fail(b->raw->pp, raw->refused_at, err, "[ %s ] of molecule type '%s' is not supported",
                                  raw->refused, raw->name);
    if (raw->natoms == 0)
        return sk_preprocess_fail(b->raw->pp, used_at, err, "molecule type '%s' has no atoms", raw->name);
    if (sk_top_build_sites(b->raw, raw, type, err) != SK_OK || build_atoms(b, raw, type, err) != SK_OK ||
        build_settles(b, raw, type, err) != SK_OK || sk_top_build_constraints(b->raw, raw, type, err) != SK_OK ||
        sk_top_build_exclusions(b->raw, raw, type, err) != SK_OK)
        return err->code;
    return build_finish(b->raw, raw, type, err);
}

static enum sk_code build_blocks(struct build *b, struct sk_error *err)
{
    struct sk_raw_top *raw = b->raw;
    struct sk_topology *top = b->top;
    int64_t total = 0;
    top->moltypes = sk_calloc(raw->nmoltypes, sizeof *top->moltypes);
    top->blocks = sk_calloc(raw->nmolecules, sizeof *top->blocks);
    for (size_t m = 0; m < raw->nmolecules; m++) {
        const struct sk_raw_molecules *molecules = &raw->molecules[m];
        struct sk_raw_moltype *type = &raw->moltypes[molecules->moltype];
        if (molecules->count == 0)
            continue;
        if (type->moltype < 0) {
            type->moltype = top->nmoltypes++;
            if (build_moltype(b, type, molecules->at, &top->moltypes[type->moltype], err) != SK_OK)
                return err->code;
        }
        int64_t natoms;
        if (__builtin_mul_overflow(molecules->count, (int64_t)type->natoms, &natoms) || natoms > ATOMS_MAX - total)
            return sk_preprocess_fail(raw->pp, molecules->at, err, "more than %lld atoms", (long long)ATOMS_MAX);
        top->blocks[top->nblocks++] = (struct sk_molblock){.moltype = type->moltype, .count = molecules->count};
        total += natoms;
    }
    if (total == 0)
        return sk_preprocess_fail(raw->pp, raw->molecules[raw->nmolecules - 1].at, err,
                                  "[ molecules ] asks for no atoms at all");
    return sk_topology_finish(top, err);
}

/* ---- force field ---- */

static void build_sigma_epsilon(double sigma, double epsilon, double *c6, double *c12)
{
    double s3 = sigma * sigma * sigma, s6 = s3 * s3;
    /* GROMACS: a negative sigma asks for the repulsive part alone. */
    *c6 = sigma < 0 ? 0.0 : 4.0 * epsilon * s6;
    *c12 = 4.0 * epsilon * s6 * s6;
}

void sk_top_lennard_jones(const struct sk_raw_top *raw, const double p[2], double *c6, double *c12)
{
    if (raw->combination == 1) {
        *c6 = p[0];
        *c12 = p[1];
    } else {
        build_sigma_epsilon(p[0], p[1], c6, c12);
    }
}

static void build_combine(int rule, const double a[2], const double b[2], double *c6, double *c12)
{
    if (rule == 1) {
        *c6 = sqrt(a[0] * b[0]);
        *c12 = sqrt(a[1] * b[1]);
        return;
    }
    double sigma = rule == 2 ? 0.5 * (fabs(a[0]) + fabs(b[0])) : sqrt(fabs(a[0] * b[0]));
    if (a[0] < 0 || b[0] < 0)
        sigma = -sigma;
    build_sigma_epsilon(sigma, sqrt(a[1] * b[1]), c6, c12);
}

static enum sk_code build_pairs(const struct sk_raw_top *raw, struct sk_forcefield *ff, struct sk_error *err)
{
    const struct sk_raw_pair **given = sk_calloc((size_t)ff->ntypes * (size_t)ff->ntypes, sizeof *given);
    enum sk_code code = SK_OK;
    for (size_t k = 0; k < raw->npairs && code == SK_OK; k++) {
        const struct sk_raw_pair *pair = &raw->pairs[k];
        for (int side = 0; side < 2 && code == SK_OK; side++) {
            int type = side ? pair->j : pair->i;
            if (!raw->types[type].is_defined)
                code = sk_preprocess_fail(raw->pp, pair->at, err, "atom type '%s' is not in [ atomtypes ]",
                                          raw->names.name[type]);
        }
        int i = raw->types[pair->i].type, j = raw->types[pair->j].type;
        if (code != SK_OK || i < 0 || j < 0)
            continue;
        const struct sk_raw_pair **old = &given[i < j ? i * ff->ntypes + j : j * ff->ntypes + i];
        if (*old && ((*old)->p[0] != pair->p[0] || (*old)->p[1] != pair->p[1]))
            code = sk_preprocess_fail(raw->pp, pair->at, err, "the pair %s %s is given a second time, differently",
                                      raw->names.name[pair->i], raw->names.name[pair->j]);
        *old = pair;
        double c6, c12;
        sk_top_lennard_jones(raw, pair->p, &c6, &c12);
        sk_forcefield_set(ff, i, j, c6, c12);
    }
    sk_free(&given);
    return code;
}

static enum sk_code build_forcefield(const struct build *b, struct sk_forcefield *ff, struct sk_error *err)
{
    const struct sk_raw_top *raw = b->raw;
    ff->units = SK_UNITS_GROMACS;
    sk_forcefield_resize(ff, b->nused);
    for (int i = 0; i < ff->ntypes; i++) {
        const struct sk_raw_type *a = &raw->types[b->used[i]];
        snprintf(ff->names[i], SK_NAME_MAX, "%s", raw->names.name[b->used[i]]);
        for (int j = 0; j <= i; j++) {
            double c6, c12;
            build_combine(raw->combination, a->p, raw->types[b->used[j]].p, &c6, &c12);
            sk_forcefield_set(ff, i, j, c6, c12);
        }
    }
    if (build_pairs(raw, ff, err) != SK_OK)
        return err->code;
    for (int k = 0; k < ff->ntypes * ff->ntypes; k++)
        if (!isfinite(ff->c6[k]) || !isfinite(ff->c12[k]))
            return sk_preprocess_fail(
                raw->pp, raw->end, err,
                "the Lennard-Jones parameters of atom types %s and %s combine to no finite number",
                ff->names[k / ff->ntypes], ff->names[k % ff->ntypes]);
    return SK_OK;
}

/* Terms refer to the force field, which refers to the types in use. */
static enum sk_code build_terms(const struct build *b, struct sk_forcefield *ff, struct sk_error *err)
{
    for (size_t m = 0; m < b->raw->nmoltypes; m++) {
        const struct sk_raw_moltype *from = &b->raw->moltypes[m];
        struct sk_moltype *type = from->moltype < 0 ? NULL : &b->top->moltypes[from->moltype];
        if (type && (sk_top_build_terms(b->raw, from, b->top->kinds, type, ff, err) != SK_OK ||
                     build_finish(b->raw, from, type, err) != SK_OK))
            return err->code;
    }
    return SK_OK;
}

enum sk_code sk_top_build(struct sk_raw_top *raw, struct sk_topology *top, struct sk_forcefield *ff,
                          struct sk_error *err)
{
    struct build b = {.raw = raw, .top = top};
    if (raw->nmolecules == 0)
        return sk_preprocess_fail(raw->pp, raw->end, err, "the topology ends here and has no [ molecules ]");
    memcpy(top->title, raw->title, sizeof top->title);
    enum sk_code code = build_blocks(&b, err);
    if (code == SK_OK)
        code = build_forcefield(&b, ff, err);
    if (code == SK_OK)
        code = build_terms(&b, ff, err);
    sk_free(&b.used);
    return code;
}
