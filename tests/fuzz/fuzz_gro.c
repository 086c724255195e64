/* libFuzzer target of the .gro reader: must not crash or hang; what it accepts has finite coordinates for every atom of
 * the topology, which is one water molecule. */
#include <stdlib.h>
#include <string.h>

#include "read/gromacs_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char water[] =
    "[ defaults ]\n1 2\n[ atomtypes ]\nO 16 0 A 0.3 0.6\nH 1 0 A 0 0\n[ moleculetype ]\nSOL 2\n"
    "[ atoms ]\n1 O 1 SOL OW 1\n2 H 1 SOL HW1 1\n3 H 1 SOL HW2 1\n[ system ]\nx\n[ molecules ]\n"
    "SOL 1\n";

static enum sk_code sink(void *context, const struct sk_atom_block *block, struct sk_error *err)
{
    (void)err;
    for (int i = 0; i < block->n; i++)
        for (int k = 0; k < 3; k++)
            SK_REQUIRE(__builtin_isfinite(block->x[i][k]) && __builtin_isfinite(block->v[i][k]));
    *(int64_t *)context += block->n;
    return SK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sk_topology top;
    struct sk_forcefield ff;
    struct sk_error err = {SK_OK, ""};
    struct sk_structure structure;
    struct sk_lines lines;
    int64_t n = 0;
    sk_topology_init(&top);
    sk_forcefield_init(&ff);
    SK_REQUIRE(sk_top_parse("water.top", water, sizeof water - 1, NULL, NULL, SK_BONDS_NONE, &top, &ff, &err) == SK_OK);
    sk_lines_open_text(&lines, "fuzz.gro", (const char *)data, size, SK_GRO_LONGEST);
    enum sk_code code = sk_gro_scan(&lines, &structure, &err);
    sk_lines_close(&lines);
    if (code == SK_OK) {
        SK_REQUIRE(structure.natoms > 0 && structure.box.edge[0] > 0 && structure.box.edge[1] > 0 &&
                   structure.box.edge[2] > 0);
        sk_lines_open_text(&lines, "fuzz.gro", (const char *)data, size, SK_GRO_LONGEST);
        code = sk_gro_stream(&lines, &top, structure.box.edge, sink, &n, &err);
        sk_lines_close(&lines);
        SK_REQUIRE(code != SK_OK || n == 3);
    }
    SK_REQUIRE(code == SK_OK || (code == SK_EINPUT && err.code == code && strncmp(err.message, "fuzz.gro", 8) == 0));
    sk_topology_clear(&top);
    sk_forcefield_clear(&ff);
    return 0;
}
