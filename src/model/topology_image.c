/* Topology as bytes, for broadcasts and for the hash of a model. */
#include "base/hash.h"
#include "base/memory.h"
#include "model/bytes.h"
#include "model/topology.h"

static void terms_write(const struct sk_moltype *type, struct sk_bytes_writer *w)
{
    sk_bytes_put_int(w, type->nterms);
    for (int t = 0; t < type->nterms; t++) {
        const struct sk_term *term = &type->terms[t];
        sk_bytes_put_int(w, term->form);
        sk_bytes_put_int(w, term->parameter);
        for (int k = 0; k < sk_bonded_atoms(term->form); k++)
            sk_bytes_put_int(w, term->atom[k]);
    }
    sk_bytes_put_int(w, type->nsites);
    for (int s = 0; s < type->nsites; s++) {
        const struct sk_virtual_site *site = &type->sites[s];
        sk_bytes_put_int(w, site->form);
        sk_bytes_put_int(w, site->place);
        for (int k = 0; k < 3; k++)
            sk_bytes_put_int(w, site->from[k]);
        sk_bytes_put_real(w, site->a);
        sk_bytes_put_real(w, site->b);
        sk_bytes_put_real(w, site->c);
    }
}

static void moltype_write(const struct sk_moltype *type, struct sk_bytes_writer *w)
{
    sk_bytes_put_text(w, type->name, sizeof type->name);
    sk_bytes_put_int(w, type->natoms);
    for (int i = 0; i < type->natoms; i++) {
        const struct sk_template_atom *atom = &type->atoms[i];
        sk_bytes_put_text(w, atom->name, sizeof atom->name);
        sk_bytes_put_text(w, atom->residue, sizeof atom->residue);
        sk_bytes_put_int(w, atom->residue_number);
        sk_bytes_put_int(w, atom->kind);
    }
    for (int i = 0; i < type->natoms; i++) {
        sk_bytes_put_int(w, type->excluded_start[i + 1] - type->excluded_start[i]);
        for (int k = type->excluded_start[i]; k < type->excluded_start[i + 1]; k++)
            sk_bytes_put_int(w, type->excluded[k]);
    }
    sk_bytes_put_int(w, type->nsettles);
    for (int s = 0; s < type->nsettles; s++) {
        const struct sk_settle *settle = &type->settles[s];
        sk_bytes_put_int(w, settle->apex);
        sk_bytes_put_int(w, settle->leg1);
        sk_bytes_put_int(w, settle->leg2);
        sk_bytes_put_real(w, settle->apex_leg);
        sk_bytes_put_real(w, settle->leg_leg);
    }
    sk_bytes_put_int(w, type->nconstraints);
    for (int c = 0; c < type->nconstraints; c++) {
        sk_bytes_put_int(w, type->constraints[c].i);
        sk_bytes_put_int(w, type->constraints[c].j);
        sk_bytes_put_real(w, type->constraints[c].length);
    }
    terms_write(type, w);
}

/* What is given; what sk_*_finish derives is derived again by the reader of the image. */
static void topology_write(const struct sk_topology *top, struct sk_bytes_writer *w)
{
    sk_bytes_put_int(w, top->nkinds);
    for (int k = 0; k < top->nkinds; k++) {
        sk_bytes_put_int(w, top->kinds[k].type);
        sk_bytes_put_real(w, top->kinds[k].charge);
        sk_bytes_put_real(w, top->kinds[k].mass);
    }
    sk_bytes_put_int(w, top->nmoltypes);
    for (int t = 0; t < top->nmoltypes; t++)
        moltype_write(&top->moltypes[t], w);
    sk_bytes_put_int(w, top->nblocks);
    for (int b = 0; b < top->nblocks; b++) {
        sk_bytes_put_int(w, top->blocks[b].moltype);
        sk_bytes_put_int(w, top->blocks[b].count);
    }
    for (int k = 0; k < 3; k++)
        sk_bytes_put_int(w, top->replicate[k]);
}

uint64_t sk_topology_hash(const struct sk_topology *top)
{
    struct sk_bytes_writer w = {0};
    topology_write(top, &w);
    uint64_t hash = sk_hash(w.bytes, w.length);
    sk_free(&w.bytes);
    return hash;
}

/* What is no part of the model. */
static void states_write(const struct sk_moltype *type, struct sk_bytes_writer *w)
{
    for (int i = 0; i < type->natoms; i++)
        sk_bytes_put_int(w, type->atoms[i].is_frozen);
}

void sk_topology_pack(const struct sk_topology *top, unsigned char **bytes, size_t *length)
{
    struct sk_bytes_writer w = {0};
    sk_bytes_put_text(&w, top->title, sizeof top->title);
    topology_write(top, &w);
    for (int t = 0; t < top->nmoltypes; t++)
        states_write(&top->moltypes[t], &w);
    *bytes = w.bytes;
    *length = w.length;
}

static void terms_read(struct sk_moltype *type, struct sk_bytes_reader *r)
{
    type->nterms = sk_bytes_get_count(r);
    type->terms = sk_calloc((size_t)type->nterms, sizeof *type->terms);
    for (int t = 0; t < type->nterms; t++) {
        struct sk_term *term = &type->terms[t];
        term->form = (int)sk_bytes_get_int(r);
        term->parameter = (int)sk_bytes_get_int(r);
        int n = sk_bonded_atoms(term->form);
        for (int k = 0; k < SK_BONDED_ATOMS; k++)
            term->atom[k] = k < n ? (int)sk_bytes_get_int(r) : -1;
    }
    type->nsites = sk_bytes_get_count(r);
    type->sites = sk_calloc((size_t)type->nsites, sizeof *type->sites);
    for (int s = 0; s < type->nsites; s++) {
        struct sk_virtual_site *site = &type->sites[s];
        site->form = (int)sk_bytes_get_int(r);
        site->place = (int)sk_bytes_get_int(r);
        for (int k = 0; k < 3; k++)
            site->from[k] = (int)sk_bytes_get_int(r);
        site->a = sk_bytes_get_real(r);
        site->b = sk_bytes_get_real(r);
        site->c = sk_bytes_get_real(r);
    }
}

static void moltype_read(struct sk_moltype *type, struct sk_bytes_reader *r)
{
    sk_bytes_get_text(r, type->name, sizeof type->name);
    type->natoms = sk_bytes_get_count(r);
    type->atoms = sk_calloc((size_t)type->natoms, sizeof *type->atoms);
    for (int i = 0; i < type->natoms; i++) {
        struct sk_template_atom *atom = &type->atoms[i];
        sk_bytes_get_text(r, atom->name, sizeof atom->name);
        sk_bytes_get_text(r, atom->residue, sizeof atom->residue);
        atom->residue_number = (int)sk_bytes_get_int(r);
        atom->kind = (int)sk_bytes_get_int(r);
    }
    size_t capacity = 0;
    type->excluded_start = sk_calloc((size_t)type->natoms + 1, sizeof *type->excluded_start);
    for (int i = 0; i < type->natoms; i++) {
        int at = type->excluded_start[i], n = sk_bytes_get_count(r);
        sk_reserve(&type->excluded, &capacity, (size_t)at + (size_t)n);
        for (int k = 0; k < n; k++)
            type->excluded[at + k] = (int)sk_bytes_get_int(r);
        type->excluded_start[i + 1] = at + n;
    }
    type->nsettles = sk_bytes_get_count(r);
    type->settles = sk_calloc((size_t)type->nsettles, sizeof *type->settles);
    for (int s = 0; s < type->nsettles; s++) {
        struct sk_settle *settle = &type->settles[s];
        settle->apex = (int)sk_bytes_get_int(r);
        settle->leg1 = (int)sk_bytes_get_int(r);
        settle->leg2 = (int)sk_bytes_get_int(r);
        settle->apex_leg = sk_bytes_get_real(r);
        settle->leg_leg = sk_bytes_get_real(r);
    }
    type->nconstraints = sk_bytes_get_count(r);
    type->constraints = sk_calloc((size_t)type->nconstraints, sizeof *type->constraints);
    for (int c = 0; c < type->nconstraints; c++) {
        type->constraints[c].i = (int)sk_bytes_get_int(r);
        type->constraints[c].j = (int)sk_bytes_get_int(r);
        type->constraints[c].length = sk_bytes_get_real(r);
    }
    terms_read(type, r);
    struct sk_error err;
    SK_REQUIRE(sk_moltype_finish(type, &err) == SK_OK);
}

static void states_read(struct sk_moltype *type, struct sk_bytes_reader *r)
{
    for (int i = 0; i < type->natoms; i++)
        type->atoms[i].is_frozen = sk_bytes_get_int(r) != 0;
}

void sk_moltype_copy(const struct sk_moltype *type, struct sk_moltype *copy)
{
    struct sk_bytes_writer w = {0};
    moltype_write(type, &w);
    states_write(type, &w);
    struct sk_bytes_reader r = {w.bytes, w.length, 0};
    memset(copy, 0, sizeof *copy);
    copy->is_split = type->is_split;
    moltype_read(copy, &r);
    states_read(copy, &r);
    sk_free(&w.bytes);
}

void sk_topology_unpack(struct sk_topology *top, const unsigned char *bytes, size_t length)
{
    struct sk_bytes_reader r = {bytes, length, 0};
    sk_topology_clear(top);
    sk_bytes_get_text(&r, top->title, sizeof top->title);
    top->nkinds = sk_bytes_get_count(&r);
    top->kinds = sk_calloc((size_t)top->nkinds, sizeof *top->kinds);
    for (int k = 0; k < top->nkinds; k++) {
        top->kinds[k].type = (int)sk_bytes_get_int(&r);
        top->kinds[k].charge = sk_bytes_get_real(&r);
        top->kinds[k].mass = sk_bytes_get_real(&r);
    }
    top->nmoltypes = sk_bytes_get_count(&r);
    top->moltypes = sk_calloc((size_t)top->nmoltypes, sizeof *top->moltypes);
    for (int t = 0; t < top->nmoltypes; t++)
        moltype_read(&top->moltypes[t], &r);
    top->nblocks = sk_bytes_get_count(&r);
    top->blocks = sk_calloc((size_t)top->nblocks, sizeof *top->blocks);
    for (int b = 0; b < top->nblocks; b++) {
        top->blocks[b].moltype = (int)sk_bytes_get_int(&r);
        top->blocks[b].count = sk_bytes_get_int(&r);
    }
    for (int k = 0; k < 3; k++)
        top->replicate[k] = (int)sk_bytes_get_int(&r);
    for (int t = 0; t < top->nmoltypes; t++)
        states_read(&top->moltypes[t], &r);
    SK_REQUIRE(r.at == length);
    struct sk_error err;
    SK_REQUIRE(sk_topology_finish(top, &err) == SK_OK);
}

void sk_topology_copy(const struct sk_topology *top, struct sk_topology *copy)
{
    unsigned char *bytes = NULL;
    size_t length = 0;
    sk_topology_pack(top, &bytes, &length);
    sk_topology_init(copy);
    sk_topology_unpack(copy, bytes, length);
    sk_free(&bytes);
}
