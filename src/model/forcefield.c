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
    ff->units = (enum sk_unit_system)sk_bytes_get_int(&r);
    sk_forcefield_resize(ff, sk_bytes_get_count(&r));
    size_t n = (size_t)ff->ntypes;
    for (size_t i = 0; i < n; i++)
        sk_bytes_get_text(&r, ff->names[i], SK_NAME_MAX);
    for (size_t k = 0; k < n * n; k++) {
        ff->c6[k] = sk_bytes_get_real(&r);
        ff->c12[k] = sk_bytes_get_real(&r);
    }
    SK_REQUIRE(r.at == length);
}
