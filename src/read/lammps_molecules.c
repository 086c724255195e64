/* LAMMPS data: molecules, cut out of the ids by the bonds. Components whose ranges of ids overlap are one molecule, so
 * that every range of ids is one; equal ones share a template. */
#include "read/lammps_internal.h"

#include <limits.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "read/bondgraph.h"
#include "read/words.h"

struct cutting {
    const struct sk_data_bonds *bonds;
    const struct sk_parameters *parameters;
    const int32_t *kind; /* by id; NULL without bonds */
    struct sk_topology *top;
    struct sk_names known; /* digests of templates; the index is that of first */
    int64_t *first;        /* id and bond where each template was seen first, by moltype; -1: 'atom' */
    int64_t *first_bond;
    size_t first_capacity, first_bond_capacity, moltypes_capacity, blocks_capacity;
};

/* One range of ids [begin, end) and its bonds [bond, bond_end). */
struct range {
    int64_t begin, end, bond, bond_end;
};

/* ---- ranges ---- */

/* The shortest range from `begin` on that no bond leaves, from bonds sorted by their lower atom. This joins exactly the
 * components whose ranges overlap, without looking for components: between the lowest and the highest id of one there
 * is no place that none of its bonds passes. */
static struct range cut_range(const struct cutting *c, int64_t begin, int64_t bond, int64_t natoms)
{
    struct range range = {begin, begin + 1, bond, bond};
    while (range.bond_end < c->bonds->n && c->bonds->bond[range.bond_end].i < range.end) {
        int64_t j = c->bonds->bond[range.bond_end++].j;
        if (j >= range.end)
            range.end = j + 1;
    }
    SK_REQUIRE(range.end <= natoms);
    return range;
}

/* ---- templates ---- */

static bool range_is_equal(const struct cutting *c, const struct range *a, int64_t begin, int64_t bond)
{
    for (int64_t k = 0; k < a->end - a->begin; k++)
        if (c->kind[a->begin + k] != c->kind[begin + k])
            return false;
    for (int64_t k = 0; k < a->bond_end - a->bond; k++) {
        const struct sk_data_bond *p = &c->bonds->bond[a->bond + k], *q = &c->bonds->bond[bond + k];
        if (p->i - a->begin != q->i - begin || p->j - a->begin != q->j - begin || p->type != q->type)
            return false;
    }
    return true;
}

/* Text that equal ranges share, different ones hardly ever; `turn` steps past those that do. */
static void range_digest(const struct cutting *c, const struct range *range, int turn, char text[96])
{
    uint64_t hash = 0;
    for (int64_t id = range->begin; id < range->end; id++) {
        uint64_t parts[2] = {hash, (uint64_t)c->kind[id]};
        hash = sk_hash(parts, sizeof parts);
    }
    for (int64_t b = range->bond; b < range->bond_end; b++) {
        const struct sk_data_bond *bond = &c->bonds->bond[b];
        uint64_t parts[4] = {hash, (uint64_t)(bond->i - range->begin), (uint64_t)(bond->j - range->begin),
                             (uint64_t)bond->type};
        hash = sk_hash(parts, sizeof parts);
    }
    snprintf(text, 96, "%llx %lld %lld %d", (unsigned long long)hash, (long long)(range->end - range->begin),
             (long long)(range->bond_end - range->bond), turn);
}

static struct sk_moltype *new_moltype(struct cutting *c, int64_t begin, int64_t bond)
{
    size_t n = (size_t)c->top->nmoltypes + 1;
    sk_reserve(&c->top->moltypes, &c->moltypes_capacity, n);
    sk_reserve(&c->first, &c->first_capacity, n);
    sk_reserve(&c->first_bond, &c->first_bond_capacity, n);
    c->first[n - 1] = begin;
    c->first_bond[n - 1] = bond;
    struct sk_moltype *type = &c->top->moltypes[n - 1];
    memset(type, 0, sizeof *type);
    c->top->nmoltypes++;
    return type;
}

static enum sk_code fill_atom(struct sk_moltype *type, struct sk_error *err)
{
    type->natoms = 1;
    type->atoms = sk_calloc(1, sizeof *type->atoms);
    strcpy(type->name, "atom");
    strcpy(type->atoms[0].name, "X");
    strcpy(type->atoms[0].residue, "X");
    type->atoms[0].residue_number = 1;
    type->atoms[0].kind = -1;
    return sk_moltype_finish(type, err);
}

static enum sk_code fill_molecule(const struct cutting *c, const struct range *range, struct sk_moltype *type,
                                  const char *name, struct sk_error *err)
{
    int64_t natoms = range->end - range->begin, nbonds = range->bond_end - range->bond;
    double unit = sk_data_units_of(c->parameters).length;
    struct sk_place_pairs bonds = {0}, pairs = {0};
    if (natoms > INT_MAX / 2 || nbonds > INT_MAX / 4)
        return sk_fail(err, SK_EINPUT, "%.400s: the molecule of atoms %lld to %lld is too large", name,
                       (long long)range->begin + 1, (long long)range->end);
    snprintf(type->name, sizeof type->name, "M%d", c->top->nmoltypes);
    type->natoms = (int)natoms;
    type->atoms = sk_calloc((size_t)natoms, sizeof *type->atoms);
    for (int i = 0; i < type->natoms; i++) {
        struct sk_template_atom *atom = &type->atoms[i];
        atom->kind = c->kind[range->begin + i];
        atom->residue_number = 1;
        snprintf(atom->name, sizeof atom->name, "%d", c->top->kinds[atom->kind].type + 1);
        strcpy(atom->residue, type->name);
    }
    type->constraints = sk_calloc((size_t)nbonds, sizeof *type->constraints);
    for (int64_t b = range->bond; b < range->bond_end; b++) {
        const struct sk_data_bond *bond = &c->bonds->bond[b];
        int i = (int)(bond->i - range->begin), j = (int)(bond->j - range->begin);
        type->constraints[type->nconstraints++] = (struct sk_constraint){i, j, c->bonds->length[bond->type] / unit};
        sk_place_pairs_add(&bonds, i, j);
    }
    bool is_excluded[3];
    for (int d = 0; d < 3; d++)
        is_excluded[d] = c->parameters->nonbonded.special_bonds[d] == 0;
    enum sk_code code = SK_OK;
    if (sk_bondgraph_exclude(type->natoms, &bonds, 3, is_excluded, &pairs))
        sk_bondgraph_set(&pairs, type);
    else
        code = sk_fail(err, SK_EINPUT, "%.400s: the molecule of atoms %lld to %lld has too many exclusions", name,
                       (long long)range->begin + 1, (long long)range->end);
    sk_place_pairs_clear(&bonds);
    sk_place_pairs_clear(&pairs);
    return code ? code : sk_moltype_finish(type, err);
}

/* The molecule type of a range, made if it is the first of its kind; -1: *err filled. */
static int range_moltype(struct cutting *c, const struct range *range, const char *name, struct sk_error *err)
{
    char text[96] = "atom";
    for (int turn = 0;; turn++) {
        if (range->bond < range->bond_end)
            range_digest(c, range, turn, text);
        int known = c->known.n, type = sk_names_add(&c->known, text, strlen(text));
        bool is_atom = range->bond == range->bond_end;
        if (type < known) {
            if (is_atom || range_is_equal(c, range, c->first[type], c->first_bond[type]))
                return type;
            continue;
        }
        struct sk_moltype *made = new_moltype(c, range->begin, range->bond);
        enum sk_code code = is_atom ? fill_atom(made, err) : fill_molecule(c, range, made, name, err);
        return code ? -1 : type;
    }
}

static void add_molecule(struct cutting *c, int moltype)
{
    struct sk_topology *top = c->top;
    if (top->nblocks == 0 || top->blocks[top->nblocks - 1].moltype != moltype) {
        sk_reserve(&top->blocks, &c->blocks_capacity, (size_t)top->nblocks + 1);
        top->blocks[top->nblocks++] = (struct sk_molblock){.moltype = moltype};
    }
    top->blocks[top->nblocks - 1].count++;
}

enum sk_code sk_data_molecules(const struct sk_data_bonds *bonds, const struct sk_parameters *parameters,
                               const int32_t *kind, int64_t natoms, const char *name, struct sk_topology *top,
                               struct sk_error *err)
{
    struct cutting c = {.bonds = bonds, .parameters = parameters, .kind = kind, .top = top};
    enum sk_code code = SK_OK;
    int64_t bond = 0;
    for (int64_t id = 0; id < natoms && !code;) {
        struct range range = cut_range(&c, id, bond, natoms);
        int moltype = range_moltype(&c, &range, name, err);
        code = moltype < 0 ? err->code : SK_OK;
        if (code)
            break;
        add_molecule(&c, moltype);
        id = range.end;
        bond = range.bond_end;
        if (!bonds->n) { /* the rest is alike */
            top->blocks[0].count = natoms;
            break;
        }
        if (top->nblocks == INT_MAX / 2)
            code = sk_fail(err, SK_EINPUT, "%.400s: molecules of different kinds alternate too often", name);
    }
    sk_names_clear(&c.known);
    sk_free(&c.first);
    sk_free(&c.first_bond);
    return code ? code : sk_topology_finish(top, err);
}
