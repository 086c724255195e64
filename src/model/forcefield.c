#include "model/forcefield.h"

#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "model/bytes.h"

void sk_forcefield_init(struct sk_forcefield *ff)
{
    memset(ff, 0, sizeof *ff);
}

void sk_forcefield_clear(struct sk_forcefield *ff)
{
    sk_free(&ff->names);
    sk_free(&ff->c6);
    sk_free(&ff->c12);
    for (int m = 0; m < ff->ncmaps; m++)
        sk_free(&ff->cmaps[m].energy);
    sk_free(&ff->cmaps);
    sk_free(&ff->parameters);
    sk_free(&ff->slots);
    sk_forcefield_init(ff);
}

void sk_forcefield_resize(struct sk_forcefield *ff, int ntypes)
{
    size_t n = (size_t)ntypes;
    SK_REQUIRE(ntypes >= 0);
    sk_free(&ff->names);
    sk_free(&ff->c6);
    sk_free(&ff->c12);
    ff->ntypes = ntypes;
    ff->names = sk_calloc(n, sizeof *ff->names);
    ff->c6 = sk_calloc(n * n, sizeof *ff->c6);
    ff->c12 = sk_calloc(n * n, sizeof *ff->c12);
}

void sk_forcefield_set(struct sk_forcefield *ff, int i, int j, double c6, double c12)
{
    SK_REQUIRE(i >= 0 && i < ff->ntypes && j >= 0 && j < ff->ntypes);
    size_t n = (size_t)ff->ntypes, ij = (size_t)i * n + (size_t)j, ji = (size_t)j * n + (size_t)i;
    /* + 0.0: -0 and 0 are one parameter, equal models must have equal hashes. */
    ff->c6[ij] = ff->c6[ji] = c6 + 0.0;
    ff->c12[ij] = ff->c12[ji] = c12 + 0.0;
}

/* The slot of these values, or the empty one where they belong. */
static int parameter_slot(const struct sk_forcefield *ff, const struct sk_term_parameter *parameter)
{
    int s = (int)(sk_hash(parameter, sizeof *parameter) & (uint64_t)(ff->nslots - 1));
    while (ff->slots[s] && memcmp(&ff->parameters[ff->slots[s] - 1], parameter, sizeof *parameter) != 0)
        s = (s + 1) & (ff->nslots - 1);
    return s;
}

static void grow_slots(struct sk_forcefield *ff)
{
    sk_free(&ff->slots);
    ff->nslots = ff->nslots ? 2 * ff->nslots : 64;
    ff->slots = sk_calloc((size_t)ff->nslots, sizeof *ff->slots);
    for (int k = 0; k < ff->nparameters; k++)
        ff->slots[parameter_slot(ff, &ff->parameters[k])] = k + 1;
}

int sk_forcefield_parameter(struct sk_forcefield *ff, const double *values, int n)
{
    struct sk_term_parameter new = {{0}};
    SK_REQUIRE(n >= 0 && n <= SK_BONDED_VALUES && ff->nparameters < INT32_MAX / 4);
    for (int k = 0; k < n; k++)
        new.p[k] = values[k] + 0.0; /* -0 and 0 are one parameter */
    while (2 * ff->nparameters >= ff->nslots)
        grow_slots(ff);
    int slot = parameter_slot(ff, &new);
    if (!ff->slots[slot]) {
        sk_reserve(&ff->parameters, &ff->parameters_capacity, (size_t)ff->nparameters + 1);
        ff->parameters[ff->nparameters] = new;
        ff->slots[slot] = ++ff->nparameters;
    }
    return ff->slots[slot] - 1;
}

int sk_forcefield_cmap(struct sk_forcefield *ff, const double *energy, int n)
{
    size_t count = (size_t)ff->ncmaps;
    struct sk_cmap *grown = sk_calloc(count + 1, sizeof *grown);
    if (count)
        memcpy(grown, ff->cmaps, count * sizeof *grown);
    grown[count].n = n;
    grown[count].energy = sk_alloc((size_t)n * (size_t)n, sizeof *energy);
    for (int k = 0; k < n * n; k++)
        grown[count].energy[k] = energy[k] + 0.0;
    sk_free(&ff->cmaps);
    ff->cmaps = grown;
    return ff->ncmaps++;
}

static void terms_write(const struct sk_forcefield *ff, struct sk_bytes_writer *w)
{
    sk_bytes_put_int(w, ff->nparameters);
    for (int k = 0; k < ff->nparameters; k++)
        for (int v = 0; v < SK_BONDED_VALUES; v++)
            sk_bytes_put_real(w, ff->parameters[k].p[v]);
    sk_bytes_put_int(w, ff->ncmaps);
    for (int m = 0; m < ff->ncmaps; m++) {
        sk_bytes_put_int(w, ff->cmaps[m].n);
        for (int k = 0; k < ff->cmaps[m].n * ff->cmaps[m].n; k++)
            sk_bytes_put_real(w, ff->cmaps[m].energy[k]);
    }
}

static void terms_read(struct sk_forcefield *ff, struct sk_bytes_reader *r)
{
    int nparameters = sk_bytes_get_count(r);
    for (int k = 0; k < nparameters; k++) {
        double p[SK_BONDED_VALUES];
        for (int v = 0; v < SK_BONDED_VALUES; v++)
            p[v] = sk_bytes_get_real(r);
        SK_REQUIRE(sk_forcefield_parameter(ff, p, SK_BONDED_VALUES) == k);
    }
    int ncmaps = sk_bytes_get_count(r);
    for (int m = 0; m < ncmaps; m++) {
        int n = sk_bytes_get_count(r);
        SK_REQUIRE((size_t)n * (size_t)n <= (r->length - r->at) / 8);
        double *energy = sk_alloc((size_t)n * (size_t)n, sizeof *energy);
        for (int k = 0; k < n * n; k++)
            energy[k] = sk_bytes_get_real(r);
        sk_forcefield_cmap(ff, energy, n);
        sk_free(&energy);
    }
}

void sk_forcefield_pack(const struct sk_forcefield *ff, unsigned char **bytes, size_t *length)
{
    struct sk_bytes_writer w = {0};
    size_t n = (size_t)ff->ntypes;
    sk_bytes_put_int(&w, ff->units);
    sk_bytes_put_int(&w, ff->ntypes);
    for (size_t i = 0; i < n; i++)
        sk_bytes_put_text(&w, ff->names[i], SK_NAME_MAX);
    for (size_t k = 0; k < n * n; k++) {
        sk_bytes_put_real(&w, ff->c6[k]);
        sk_bytes_put_real(&w, ff->c12[k]);
    }
    terms_write(ff, &w);
    *bytes = w.bytes;
    *length = w.length;
}

uint64_t sk_forcefield_hash(const struct sk_forcefield *ff)
{
    unsigned char *bytes;
    size_t length;
    sk_forcefield_pack(ff, &bytes, &length);
    uint64_t hash = sk_hash(bytes, length);
    sk_free(&bytes);
    return hash;
}

void sk_forcefield_unpack(struct sk_forcefield *ff, const unsigned char *bytes, size_t length)
{
    struct sk_bytes_reader r = {bytes, length, 0};
    sk_forcefield_clear(ff);
    ff->units = (enum sk_unit_system)sk_bytes_get_int(&r);
    sk_forcefield_resize(ff, sk_bytes_get_count(&r));
    size_t n = (size_t)ff->ntypes;
    for (size_t i = 0; i < n; i++)
        sk_bytes_get_text(&r, ff->names[i], SK_NAME_MAX);
    for (size_t k = 0; k < n * n; k++) {
        ff->c6[k] = sk_bytes_get_real(&r);
        ff->c12[k] = sk_bytes_get_real(&r);
    }
    terms_read(ff, &r);
    SK_REQUIRE(r.at == length);
}
