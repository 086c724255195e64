/* LAMMPS data: molecules, cut out of the ids by the terms. Components whose ranges of ids overlap are one molecule, so
 * that every range of ids is one; equal ones share a template. */
#include <limits.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "read/lammps_internal.h"
#include "read/words.h"

struct cutting {
    const struct sk_data_model *model;
    struct sk_topology *top;
    struct sk_forcefield *ff;
    struct sk_names known;       /* digests of templates; the index is that of first */
    struct sk_data_range *first; /* where each template was seen first, by moltype */
    size_t first_capacity, moltypes_capacity, blocks_capacity;
};

/* ---- ranges ---- */

static bool is_atom(const struct sk_data_range *range)
{
    return range->end - range->begin == 1;
}

/* The shortest range from `begin` on that no term leaves, from terms sorted by their lowest atom; those before `from`
 * are used up. This joins exactly the components whose ranges overlap, without looking for components: between the
 * lowest and the highest id of one there is no place that none of its terms passes. */
static struct sk_data_range cut_range(const struct sk_data_model *model, int64_t begin, const int64_t *from)
{
    struct sk_data_range range = {.begin = begin, .end = begin + 1};
    memcpy(range.first, from, sizeof range.first);
    memcpy(range.last, from, sizeof range.last);
    for (bool has_grown = true; has_grown;) {
        has_grown = false;
        for (int f = 0; f < SK_FAMILIES; f++) {
            const struct sk_data_terms *terms = &model->terms[f];
            int64_t *last = &range.last[f];
            for (; *last < terms->n && sk_data_term_low(&terms->term[*last]) < range.end; ++*last) {
                int64_t high = sk_data_term_high(&terms->term[*last]);
                if (high < range.end)
                    continue;
                range.end = high + 1;
                has_grown = true;
            }
        }
    }
    SK_REQUIRE(range.end <= model->natoms);
    return range;
}

/* ---- templates ---- */

static bool terms_are_equal(const struct sk_data_term *p, int64_t p_begin, const struct sk_data_term *q,
                            int64_t q_begin)
{
    bool is_equal = p->type == q->type && p->is_rigid == q->is_rigid;
    for (int k = 0; k < 4 && is_equal; k++)
        is_equal = p->atom[k] < 0 ? q->atom[k] < 0 : p->atom[k] - p_begin == q->atom[k] - q_begin;
    return is_equal;
}

static bool ranges_are_equal(const struct sk_data_model *model, const struct sk_data_range *a,
                             const struct sk_data_range *b)
{
    if (a->end - a->begin != b->end - b->begin)
        return false;
    for (int64_t k = 0; k < a->end - a->begin; k++)
        if (model->kind[a->begin + k] != model->kind[b->begin + k])
            return false;
    for (int f = 0; f < SK_FAMILIES; f++) {
        const struct sk_data_term *term = model->terms[f].term;
        int64_t n = a->last[f] - a->first[f];
        if (n != b->last[f] - b->first[f])
            return false;
        for (int64_t k = 0; k < n; k++)
            if (!terms_are_equal(&term[a->first[f] + k], a->begin, &term[b->first[f] + k], b->begin))
                return false;
    }
    return true;
}

/* Text that equal ranges share, different ones hardly ever; `turn` steps past those that do. */
static void range_digest(const struct sk_data_model *model, const struct sk_data_range *range, int turn, char text[96])
{
    uint64_t hash = 0;
    for (int64_t id = range->begin; id < range->end; id++) {
        uint64_t parts[2] = {hash, (uint64_t)model->kind[id]};
        hash = sk_hash(parts, sizeof parts);
    }
    for (int f = 0; f < SK_FAMILIES; f++)
        for (int64_t t = range->first[f]; t < range->last[f]; t++) {
            const struct sk_data_term *term = &model->terms[f].term[t];
            uint64_t parts[6] = {hash, (uint64_t)(term->type * SK_FAMILIES + f)};
            for (int k = 0; k < 4; k++)
                parts[2 + k] = (uint64_t)(term->atom[k] < 0 ? -1 : term->atom[k] - range->begin);
            hash = sk_hash(parts, sizeof parts);
        }
    snprintf(text, 96, "%llx %lld %d", (unsigned long long)hash, (long long)(range->end - range->begin), turn);
}

static struct sk_moltype *new_moltype(struct cutting *c, const struct sk_data_range *range)
{
    size_t n = (size_t)c->top->nmoltypes + 1;
    sk_reserve(&c->top->moltypes, &c->moltypes_capacity, n);
    sk_reserve(&c->first, &c->first_capacity, n);
    c->first[n - 1] = *range;
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

static enum sk_code fill_molecule(const struct cutting *c, const struct sk_data_range *range, struct sk_moltype *type,
                                  struct sk_error *err)
{
    int64_t natoms = range->end - range->begin, nterms = 0;
    for (int f = 0; f < SK_FAMILIES; f++)
        nterms += range->last[f] - range->first[f];
    if (natoms > INT_MAX / 2 || nterms > INT_MAX / 4)
        return sk_fail(err, SK_EINPUT, "%.400s: the molecule of atoms %lld to %lld is too large", c->model->name,
                       (long long)range->begin + 1, (long long)range->end);
    snprintf(type->name, sizeof type->name, "M%d", c->top->nmoltypes);
    type->natoms = (int)natoms;
    type->atoms = sk_calloc((size_t)natoms, sizeof *type->atoms);
    for (int i = 0; i < type->natoms; i++) {
        struct sk_template_atom *atom = &type->atoms[i];
        atom->kind = c->model->kind[range->begin + i];
        atom->residue_number = 1;
        snprintf(atom->name, sizeof atom->name, "%d", c->top->kinds[atom->kind].type + 1);
        strcpy(atom->residue, type->name);
    }
    if (sk_data_fill_terms(c->model, range, c->top->kinds, type, c->ff, err) != SK_OK)
        return err->code;
    return sk_moltype_finish(type, err);
}

/* The molecule type of a range, made if it is the first of its kind; -1: *err filled. */
static int range_moltype(struct cutting *c, const struct sk_data_range *range, struct sk_error *err)
{
    char text[96] = "atom";
    for (int turn = 0;; turn++) {
        if (!is_atom(range))
            range_digest(c->model, range, turn, text);
        int known = c->known.n, type = sk_names_add(&c->known, text, strlen(text));
        if (type < known) {
            if (is_atom(range) || ranges_are_equal(c->model, range, &c->first[type]))
                return type;
            continue;
        }
        struct sk_moltype *made = new_moltype(c, range);
        enum sk_code code = is_atom(range) ? fill_atom(made, err) : fill_molecule(c, range, made, err);
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

enum sk_code sk_data_molecules(const struct sk_data_model *model, struct sk_topology *top, struct sk_forcefield *ff,
                               struct sk_error *err)
{
    struct cutting c = {.model = model, .top = top, .ff = ff};
    enum sk_code code = SK_OK;
    int64_t used[SK_FAMILIES] = {0};
    for (int64_t id = 0; id < model->natoms && !code;) {
        struct sk_data_range range = cut_range(model, id, used);
        int moltype = range_moltype(&c, &range, err);
        code = moltype < 0 ? err->code : SK_OK;
        if (code)
            break;
        add_molecule(&c, moltype);
        id = range.end;
        memcpy(used, range.last, sizeof used);
        if (!model->kind) { /* the rest is alike */
            top->blocks[0].count = model->natoms;
            break;
        }
        if (top->nblocks == INT_MAX / 2)
            code = sk_fail(err, SK_EINPUT, "%.400s: molecules of different kinds alternate too often", model->name);
    }
    sk_names_clear(&c.known);
    sk_free(&c.first);
    return code ? code : sk_topology_finish(top, err);
}
