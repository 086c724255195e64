/* libFuzzer target of the LAMMPS data reader: must not crash or hang; what it accepts brings every id once, with finite
 * coordinates and a kind that exists. Byte 0xFF splits the input: the file, then 'r' for real units or any other
 * character, then pair_coeff; its length says which bonds are rigid. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "read/lammps_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    const struct sk_topology *top;
    unsigned char *atom, *velocity; /* by id */
    int64_t natoms, nvelocities;
};

static enum sk_code atom_sink(void *context, const struct sk_atom_block *block, struct sk_error *err)
{
    struct seen *seen = context;
    (void)err;
    for (int i = 0; i < block->n; i++) {
        SK_REQUIRE(block->id[i] >= 0 && block->id[i] < seen->top->natoms && !seen->atom[block->id[i]]++);
        SK_REQUIRE(block->kind[i] >= 0 && block->kind[i] < seen->top->nkinds);
        struct sk_place at = sk_topology_find(seen->top, block->id[i]);
        int kind = seen->top->moltypes[at.moltype].atoms[at.place].kind;
        SK_REQUIRE(kind < 0 || kind == block->kind[i]);
        for (int k = 0; k < 3; k++)
            SK_REQUIRE(__builtin_isfinite(block->x[i][k]) && block->v[i][k] == 0);
    }
    seen->natoms += block->n;
    return SK_OK;
}

static enum sk_code velocity_sink(void *context, const struct sk_atom_block *block, struct sk_error *err)
{
    struct seen *seen = context;
    (void)err;
    for (int i = 0; i < block->n; i++)
        SK_REQUIRE(block->id[i] >= 0 && block->id[i] < seen->top->natoms && !seen->velocity[block->id[i]]++);
    seen->nvelocities += block->n;
    return SK_OK;
}

static enum sk_code stream(const char *text, size_t length, const struct sk_parameters *parameters,
                           const struct sk_structure *structure, const struct sk_topology *top, struct sk_error *err)
{
    struct sk_lines lines;
    size_t n = (size_t)top->natoms;
    struct seen seen = {top, sk_calloc(n, 1), sk_calloc(n, 1), 0, 0};
    SK_REQUIRE(structure->natoms == top->natoms && structure->box.edge[0] > 0);
    sk_lines_open_text(&lines, "fuzz.data", text, length, SK_DATA_LONGEST);
    enum sk_code code = sk_data_stream(&lines, parameters, top, atom_sink, velocity_sink, &seen, err);
    sk_lines_close(&lines);
    if (code == SK_OK)
        SK_REQUIRE(seen.natoms == top->natoms && seen.nvelocities == (structure->has_velocities ? top->natoms : 0));
    sk_free(&seen.atom);
    sk_free(&seen.velocity);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sk_parameters parameters;
    struct sk_topology top;
    struct sk_forcefield ff;
    struct sk_structure structure;
    struct sk_lines lines;
    struct sk_error err = {SK_OK, ""};
    char *text = malloc(size + 2);
    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = text[size + 1] = '\0';
    char *rest = memchr(text, 0xFF, size);
    size_t length = rest ? (size_t)(rest - text) : size;
    memset(&parameters, 0, sizeof parameters);
    parameters.system.is_real = rest && rest[1] == 'r';
    parameters.units = parameters.system.is_real ? SK_UNITS_GROMACS : SK_UNITS_LJ;
    if (rest && rest[1])
        snprintf(parameters.nonbonded.pair_coeff, sizeof parameters.nonbonded.pair_coeff, "%s", rest + 2);
    parameters.constraints.bonds = size % 2                    ? SK_BONDS_ALL
                                   : parameters.system.is_real ? SK_BONDS_H_BONDS
                                                               : SK_BONDS_NONE;
    if (size % 3 == 0)
        strcpy(parameters.constraints.bond_lengths, "1");
    if (size % 5 == 0)
        strcpy(parameters.constraints.bond_types, "1");
    parameters.nonbonded.special_bonds[1] = size % 7 == 0;
    sk_topology_init(&top);
    sk_forcefield_init(&ff);
    sk_lines_open_text(&lines, "fuzz.data", text, length, SK_DATA_LONGEST);
    enum sk_code code = sk_data_scan(&lines, &parameters, &structure, &top, &ff, &err);
    sk_lines_close(&lines);
    SK_REQUIRE(code == SK_OK || (!top.moltypes && !ff.c6));
    if (code == SK_OK)
        code = stream(text, length, &parameters, &structure, &top, &err);
    SK_REQUIRE(code == SK_OK || (code == SK_EINPUT && err.code == code && err.message[0]));
    sk_topology_clear(&top);
    sk_forcefield_clear(&ff);
    free(text);
    return 0;
}
