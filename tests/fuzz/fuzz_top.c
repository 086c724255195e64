/* libFuzzer target of the .top reader: must not crash or hang; what it accepts is a consistent topology that survives
 * packing. Bytes 0xFF split the input: the text, then the macros of the run file; its length says which bonds are
 * rigid. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "read/gromacs_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_terms(const struct sk_moltype *type, const struct sk_forcefield *ff)
{
    for (int k = 0; k < type->nterms; k++) {
        const struct sk_term *term = &type->terms[k];
        SK_REQUIRE(k == 0 || term[-1].form <= term->form);
        SK_REQUIRE(term->parameter >= 0);
        SK_REQUIRE(term->parameter < (term->form == SK_CMAP ? ff->ncmaps : ff->nparameters));
        for (int m = 0; m < sk_bonded_atoms(term->form); m++)
            SK_REQUIRE(term->atom[m] >= 0 && term->atom[m] < type->natoms);
        for (int v = 0; v < sk_bonded_values(term->form); v++)
            SK_REQUIRE(__builtin_isfinite(ff->parameters[term->parameter].p[v]));
    }
}

static void check_topology(const struct sk_topology *top, const struct sk_forcefield *ff)
{
    int64_t natoms = 0;
    for (int b = 0; b < top->nblocks; b++)
        natoms += top->blocks[b].count * top->moltypes[top->blocks[b].moltype].natoms;
    SK_REQUIRE(natoms == top->natoms && natoms > 0);
    for (int t = 0; t < top->nmoltypes; t++) {
        const struct sk_moltype *type = &top->moltypes[t];
        for (int i = 0, s = 0; i < type->natoms; i++) {
            int kind = type->atoms[i].kind;
            bool is_site = s < type->nsites && type->sites[s].place == i;
            s += is_site;
            SK_REQUIRE(kind >= 0 && kind < top->nkinds);
            SK_REQUIRE(is_site ? top->kinds[kind].mass == 0 : top->kinds[kind].mass > 0);
            SK_REQUIRE(top->kinds[kind].type >= 0 && top->kinds[kind].type < ff->ntypes);
        }
        check_terms(type, ff);
    }
    for (int t = 0; t < top->nmoltypes; t++)
        for (int c = 0; c < top->moltypes[t].nconstraints; c++) {
            const struct sk_constraint *bond = &top->moltypes[t].constraints[c];
            SK_REQUIRE(bond->i >= 0 && bond->i < bond->j && bond->j < top->moltypes[t].natoms && bond->length > 0);
        }
    for (int i = 0; i < ff->ntypes; i++)
        for (int j = 0; j < ff->ntypes; j++) {
            SK_REQUIRE(__builtin_isfinite(ff->c6[i * ff->ntypes + j]));
            SK_REQUIRE(ff->c12[i * ff->ntypes + j] == ff->c12[j * ff->ntypes + i]);
        }
}

static void round_trip(const struct sk_topology *top, const struct sk_forcefield *ff)
{
    struct sk_topology again;
    unsigned char *bytes;
    size_t length;
    sk_topology_init(&again);
    sk_topology_pack(top, &bytes, &length);
    sk_topology_unpack(&again, bytes, length);
    SK_REQUIRE(sk_topology_hash(&again) == sk_topology_hash(top));
    sk_topology_clear(&again);
    sk_free(&bytes);
    struct sk_forcefield same;
    sk_forcefield_init(&same);
    sk_forcefield_pack(ff, &bytes, &length);
    sk_forcefield_unpack(&same, bytes, length);
    SK_REQUIRE(sk_forcefield_hash(&same) == sk_forcefield_hash(ff));
    sk_forcefield_clear(&same);
    sk_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sk_topology top;
    struct sk_forcefield ff;
    struct sk_error err = {SK_OK, ""};
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    char *define = memchr(text, 0xFF, size);
    size_t length = define ? (size_t)(define - text) : size;
    sk_topology_init(&top);
    sk_forcefield_init(&ff);
    enum sk_code code = sk_top_parse("fuzz.top", text, length, define ? define + 1 : NULL, NULL,
                                     (enum sk_bonds)(size % 4), &top, &ff, &err);
    if (code == SK_OK) {
        check_topology(&top, &ff);
        round_trip(&top, &ff);
    } else {
        SK_REQUIRE((code == SK_EINPUT || code == SK_EENV) && err.code == code && err.message[0]);
        SK_REQUIRE(!top.moltypes && !ff.c6);
    }
    sk_topology_clear(&top);
    sk_forcefield_clear(&ff);
    free(text);
    return 0;
}
