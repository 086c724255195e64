/* .top: the functions of the sections of interactions, and the table of parameters by types. */
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "read/gromacs_internal.h"

/* Bonds that GROMACS turns into constraints have one of the functions 1 to 4. */
static const struct sk_top_function functions[] = {
    {SK_TOP_BONDS, 1, 2, SK_BOND_HARMONIC, 1, true},
    {SK_TOP_BONDS, 2, 2, SK_BOND_G96, 2, true},
    {SK_TOP_BONDS, 3, 3, SK_BOND_MORSE, 3, true},
    {SK_TOP_BONDS, 4, 3, SK_TOP_NOT_YET, 4, true}, /* cubic */
    {SK_TOP_BONDS, 5, 0, SK_TOP_NO_TERM, 0, false},
    {SK_TOP_BONDS, 6, 2, SK_BOND_HARMONIC, 6, false},
    {SK_TOP_BONDS, 7, 2, SK_BOND_FENE, 7, false},
    {SK_TOP_CONSTRAINTS, 1, 1, SK_TOP_NO_TERM, 1, false},
    {SK_TOP_CONSTRAINTS, 2, 1, SK_TOP_NO_TERM, 2, false},
    {SK_TOP_ANGLES, 1, 2, SK_ANGLE_HARMONIC, 1, true},
    {SK_TOP_ANGLES, 2, 2, SK_ANGLE_G96, 2, true},
    {SK_TOP_ANGLES, 5, 4, SK_ANGLE_UREY_BRADLEY, 5, true},
    {SK_TOP_ANGLES, 6, 6, SK_TOP_NOT_YET, 6, true}, /* quartic */
    {SK_TOP_DIHEDRALS, 1, 3, SK_DIHEDRAL_PERIODIC, 1, false},
    {SK_TOP_DIHEDRALS, 2, 2, SK_IMPROPER_HARMONIC, 2, false},
    {SK_TOP_DIHEDRALS, 3, 6, SK_DIHEDRAL_RYCKAERT, 3, false},
    {SK_TOP_DIHEDRALS, 4, 3, SK_IMPROPER_PERIODIC, 4, false},
    {SK_TOP_DIHEDRALS, 5, 4, SK_DIHEDRAL_RYCKAERT, 5, false},
    {SK_TOP_DIHEDRALS, 9, 3, SK_DIHEDRAL_PERIODIC, 1, false},
    {SK_TOP_CMAP, 1, 0, SK_CMAP, 1, false},
    {SK_TOP_PAIRS, 1, 2, SK_PAIR_14, 1, false},
    {SK_TOP_PAIRS, 2, 5, SK_PAIR_14, 0, false},
    {SK_TOP_POSITIONS, 1, 3, SK_POSITION_RESTRAINT, 0, false},
};

static const struct {
    const char *name, *types;
    int atoms;
} lists[SK_TOP_LISTS] = {
    [SK_TOP_BONDS] = {"bonds", "bondtypes", 2},
    [SK_TOP_CONSTRAINTS] = {"constraints", "constrainttypes", 2},
    [SK_TOP_ANGLES] = {"angles", "angletypes", 3},
    [SK_TOP_DIHEDRALS] = {"dihedrals", "dihedraltypes", 4},
    [SK_TOP_CMAP] = {"cmap", "cmaptypes", 5},
    [SK_TOP_PAIRS] = {"pairs", "pairtypes", 2},
    [SK_TOP_POSITIONS] = {"position_restraints", "", 1},
    [SK_TOP_NONBOND] = {"", "nonbond_params", 2},
};

const struct sk_top_function *sk_top_function(int list, int64_t function)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (functions[i].list == list && functions[i].function == function)
            return &functions[i];
    return NULL;
}

const char *sk_top_list_name(int list)
{
    return lists[list].name;
}

const char *sk_top_types_name(int list)
{
    return lists[list].types;
}

int sk_top_list_atoms(int list)
{
    return lists[list].atoms;
}

/* ---- the table ---- */

struct key {
    int list, function, name[SK_BONDED_ATOMS];
};

/* One key for either order of the names. */
static struct key make_key(int list, int function, const int *name)
{
    struct key key = {list, function, {0}};
    int n = lists[list].atoms, k = 0;
    while (k < n && name[k] == name[n - 1 - k])
        k++;
    bool is_reversed = list != SK_TOP_CMAP && k < n && name[k] > name[n - 1 - k];
    for (int m = 0; m < n; m++)
        key.name[m] = name[is_reversed ? n - 1 - m : m];
    return key;
}

static struct key entry_key(const struct sk_raw_entry *entry)
{
    return make_key(entry->list, entry->function, entry->name);
}

/* The slot of a key, or the empty one where it belongs. */
static size_t key_slot(const struct sk_raw_types *types, const struct key *key)
{
    size_t s = (size_t)sk_hash(key, sizeof *key) & (types->nslots - 1);
    for (; types->slots[s]; s = (s + 1) & (types->nslots - 1)) {
        struct key other = entry_key(&types->entries[types->slots[s] - 1]);
        if (memcmp(&other, key, sizeof other) == 0)
            break;
    }
    return s;
}

static void grow_slots(struct sk_raw_types *types)
{
    sk_free(&types->slots);
    types->nslots = types->nslots ? 2 * types->nslots : 256;
    types->slots = sk_calloc(types->nslots, sizeof *types->slots);
    for (size_t e = 0; e < types->n; e++) {
        struct key key = entry_key(&types->entries[e]);
        types->slots[key_slot(types, &key)] = (int)e + 1;
    }
}

struct sk_raw_entry *sk_top_entry(struct sk_raw_top *raw, int list, int function, const int *name, bool *is_new)
{
    struct sk_raw_types *types = &raw->bonded;
    struct key key = make_key(list, function, name);
    if (2 * types->n >= types->nslots)
        grow_slots(types);
    size_t s = key_slot(types, &key);
    *is_new = !types->slots[s];
    if (*is_new) {
        SK_REQUIRE(types->n < INT32_MAX);
        sk_reserve(&types->entries, &types->capacity, types->n + 1);
        struct sk_raw_entry *entry = &types->entries[types->n++];
        *entry = (struct sk_raw_entry){.list = list, .function = function, .cmap = -1};
        memcpy(entry->name, name, (size_t)lists[list].atoms * sizeof *name);
        types->slots[s] = (int)types->n;
    }
    return &types->entries[types->slots[s] - 1];
}

/* 0: none, else its index + 1. */
static int find_exact(const struct sk_raw_types *types, int list, int function, const int *name)
{
    struct key key = make_key(list, function, name);
    return types->nslots ? types->slots[key_slot(types, &key)] : 0;
}

struct sk_raw_entry *sk_top_find(const struct sk_raw_top *raw, int list, int function, const int *name)
{
    const struct sk_raw_types *types = &raw->bonded;
    int best = find_exact(types, list, function, name), most = best ? lists[list].atoms : -1;
    for (unsigned wild = 1; wild < 16 && list == SK_TOP_DIHEDRALS && most < 4; wild++) {
        int pattern[4], named = 0;
        for (int k = 0; k < 4; k++) {
            pattern[k] = wild >> k & 1 ? SK_TOP_ANY : name[k];
            named += !(wild >> k & 1);
        }
        int entry = find_exact(types, list, function, pattern);
        if (entry && (named > most || (named == most && entry < best))) {
            best = entry;
            most = named;
        }
    }
    return best ? &types->entries[best - 1] : NULL;
}

/* ---- the types of a line's atoms ---- */

static void line_names(const struct sk_raw_top *raw, const struct sk_raw_moltype *from, int list,
                       const struct sk_raw_term *term, int *name)
{
    for (int k = 0; k < lists[list].atoms; k++) {
        int type = from->atoms[term->place[k]].type;
        name[k] = list == SK_TOP_PAIRS ? type : raw->types[type].bonded;
    }
}

struct sk_raw_entry *sk_top_find_line(const struct sk_raw_top *raw, const struct sk_raw_moltype *from, int list,
                                      const struct sk_raw_term *term)
{
    int name[SK_BONDED_ATOMS];
    const struct sk_top_function *function = sk_top_function(list, term->function);
    if (!function || !function->types)
        return NULL;
    line_names(raw, from, list, term, name);
    return sk_top_find(raw, list, function->types, name);
}

enum sk_code sk_top_fail_types(const struct sk_raw_top *raw, const struct sk_raw_moltype *from, int list,
                               const struct sk_raw_term *term, struct sk_error *err)
{
    int name[SK_BONDED_ATOMS], n = lists[list].atoms;
    const struct sk_names *names = list == SK_TOP_PAIRS ? &raw->names : &raw->bonded_names;
    const struct sk_top_function *function = sk_top_function(list, term->function);
    char text[400];
    size_t length = 0;
    if (function && !function->types)
        return sk_preprocess_fail(raw->pp, term->at, err, "function %d of [ %s ] needs its %d parameters in the line",
                                  term->function, lists[list].name, function->nparameters);
    line_names(raw, from, list, term, name);
    for (int k = 0; k < n && length < sizeof text; k++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%.60s",
                                   k == 0       ? ""
                                   : k == n - 1 ? " and "
                                                : ", ",
                                   names->name[name[k]]);
    return sk_preprocess_fail(raw->pp, term->at, err, "no [ %s ] of function %d for the %s types %s", lists[list].types,
                              term->function, list == SK_TOP_PAIRS ? "atom" : "bonded", text);
}
