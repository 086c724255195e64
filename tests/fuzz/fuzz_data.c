/* libFuzzer target of the LAMMPS data reader: must not crash or hang; what it accepts brings every id once, with finite
 * coordinates and a kind that exists, and terms of finite parameters between atoms that exist. Byte 0xFF splits the
 * input: the file; 'r' for real units or any other character, then pair_coeff; pair_style; styles and coefficients of
 * bonds, angles, dihedrals and impropers in turn. The length of the input says which bonds are rigid. */
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

static void check_terms(const struct sk_topology *top, const struct sk_forcefield *ff)
{
    for (int m = 0; m < top->nmoltypes; m++)
        for (int t = 0; t < top->moltypes[m].nterms; t++) {
            const struct sk_term *term = &top->moltypes[m].terms[t];
            SK_REQUIRE(term->parameter >= 0 && term->parameter < ff->nparameters);
            for (int k = 0; k < sk_bonded_atoms(term->form); k++)
                SK_REQUIRE(term->atom[k] >= 0 && term->atom[k] < top->moltypes[m].natoms);
            for (int k = 0; k < SK_BONDED_VALUES; k++)
                SK_REQUIRE(__builtin_isfinite(ff->parameters[term->parameter].p[k]));
        }
}

/* The text up to the next split, which goes to `field`; returns what follows, or NULL. */
static char *take_part(char *text, char *field, size_t size)
{
    if (!text)
        return NULL;
    char *end = strchr(text, 0xFF);
    if (end)
        *end++ = '\0';
    snprintf(field, size, "%s", text);
    return end;
}

static void take_keys(char *text, size_t size, struct sk_parameters *p)
{
    memset(p, 0, sizeof *p);
    p->system.is_real = text && *text == 'r';
    p->units = p->system.is_real ? SK_UNITS_GROMACS : SK_UNITS_LJ;
    text = text && *text ? text + 1 : NULL;
    text = take_part(text, p->nonbonded.pair_coeff, sizeof p->nonbonded.pair_coeff);
    text = take_part(text, p->nonbonded.pair_style, sizeof p->nonbonded.pair_style);
    for (int f = 0; f < SK_FAMILIES; f++) {
        text = take_part(text, p->bonded.style[f], sizeof p->bonded.style[f]);
        text = take_part(text, p->bonded.coeff[f], sizeof p->bonded.coeff[f]);
    }
    p->constraints.bonds = size % 2 ? SK_BONDS_ALL : p->system.is_real ? SK_BONDS_H_BONDS : SK_BONDS_NONE;
    if (size % 3 == 0)
        strcpy(p->constraints.bond_lengths, "1");
    if (size % 5 == 0)
        strcpy(p->constraints.bond_types, "1");
    if (size % 11 == 0)
        strcpy(p->constraints.angle_types, "1");
    p->nonbonded.coulomb = size % 13 ? SK_COULOMB_CUT : SK_COULOMB_NONE;
    p->nonbonded.vdw_cutoff = p->nonbonded.coulomb_cutoff = (const double[]){0, 10, 10, 1}[size % 4];
    p->nonbonded.special_bonds[0][1] = p->nonbonded.special_bonds[1][1] = size % 7 == 0;
    p->nonbonded.special_bonds[0][2] = size % 7 == 1 ? 0.5 : 0;
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
    take_keys(rest ? rest + 1 : NULL, size, &parameters);
    sk_topology_init(&top);
    sk_forcefield_init(&ff);
    sk_lines_open_text(&lines, "fuzz.data", text, length, SK_DATA_LONGEST);
    enum sk_code code = sk_data_scan(&lines, &parameters, &structure, &top, &ff, &err);
    sk_lines_close(&lines);
    SK_REQUIRE(code == SK_OK || (!top.moltypes && !ff.c6));
    if (code == SK_OK)
        check_terms(&top, &ff);
    if (code == SK_OK)
        code = stream(text, length, &parameters, &structure, &top, &err);
    SK_REQUIRE(code == SK_OK || (code == SK_EINPUT && err.code == code && err.message[0]));
    sk_topology_clear(&top);
    sk_forcefield_clear(&ff);
    free(text);
    return 0;
}
