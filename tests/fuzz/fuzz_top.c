/* libFuzzer target of the .top reader: must not crash or hang; what it accepts is a consistent topology that survives
 * packing. Bytes 0xFF split the input: the text, then the macros of the run file; its length says which bonds are
 * rigid. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "read/gromacs_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_topology(const struct sk_topology *top, const struct sk_forcefield *ff)
{
    int64_t natoms = 0;
    for (int b = 0; b < top->nblocks; b++)
        natoms += top->blocks[b].count * top->moltypes[top->blocks[b].moltype].natoms;
    SK_REQUIRE(natoms == top->natoms && natoms > 0);
    for (int t = 0; t < top->nmoltypes; t++)
        for (int i = 0; i < top->moltypes[t].natoms; i++) {
            int kind = top->moltypes[t].atoms[i].kind;
            SK_REQUIRE(kind >= 0 && kind < top->nkinds && top->kinds[kind].mass > 0);
            SK_REQUIRE(top->kinds[kind].type >= 0 && top->kinds[kind].type < ff->ntypes);
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

static void round_trip(const struct sk_topology *top)
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
        round_trip(&top);
    } else {
        SK_REQUIRE((code == SK_EINPUT || code == SK_EENV) && err.code == code && err.message[0]);
        SK_REQUIRE(!top.moltypes && !ff.c6);
    }
    sk_topology_clear(&top);
    sk_forcefield_clear(&ff);
    free(text);
    return 0;
}
