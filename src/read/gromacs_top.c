/* .top: sections, their order, and what is done with each. */
#include "read/structure.h"

#include <string.h>

#include "base/memory.h"
#include "read/gromacs_internal.h"
#include "read/number.h"

typedef enum sk_code top_handler(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);

/* Where a section may stand. */
enum top_place { ANYWHERE, BEFORE_MOLECULES, IN_MOLECULE };

struct top_section {
    const char *name;
    enum top_place place;
    top_handler *handler; /* NULL and IN_MOLECULE: refused if the molecule is used; NULL elsewhere: passed over */
};

static enum sk_code top_system(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
static enum sk_code top_intermolecular(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);

static const struct top_section top_sections[] = {
    {"defaults", BEFORE_MOLECULES, sk_top_defaults},
    {"atomtypes", BEFORE_MOLECULES, sk_top_atomtype},
    {"nonbond_params", BEFORE_MOLECULES, sk_top_nonbond},
    {"pairtypes", BEFORE_MOLECULES, sk_top_pairtype},
    {"bondtypes", BEFORE_MOLECULES, sk_top_bondtype},
    {"constrainttypes", BEFORE_MOLECULES, sk_top_constrainttype},
    {"angletypes", BEFORE_MOLECULES, sk_top_angletype},
    {"dihedraltypes", BEFORE_MOLECULES, sk_top_dihedraltype},
    {"cmaptypes", BEFORE_MOLECULES, sk_top_cmaptype},
    {"implicit_genborn_params", BEFORE_MOLECULES, NULL},
    {"implicit_surface_params", BEFORE_MOLECULES, NULL},
    {"moleculetype", ANYWHERE, sk_top_moleculetype},
    {"atoms", IN_MOLECULE, sk_top_atom},
    {"settles", IN_MOLECULE, sk_top_settle},
    {"exclusions", IN_MOLECULE, sk_top_exclusion},
    {"bonds", IN_MOLECULE, sk_top_bond},
    {"angles", IN_MOLECULE, sk_top_angle},
    {"dihedrals", IN_MOLECULE, sk_top_dihedral},
    {"pairs", IN_MOLECULE, sk_top_pair},
    {"pairs_nb", IN_MOLECULE, NULL},
    {"constraints", IN_MOLECULE, sk_top_constraint},
    {"cmap", IN_MOLECULE, sk_top_cmap},
    {"virtual_sites1", IN_MOLECULE, NULL},
    {"virtual_sites2", IN_MOLECULE, sk_top_site2},
    {"virtual_sites3", IN_MOLECULE, sk_top_site3},
    {"virtual_sites4", IN_MOLECULE, NULL},
    {"virtual_sitesn", IN_MOLECULE, NULL},
    {"dummies1", IN_MOLECULE, NULL},
    {"dummies2", IN_MOLECULE, sk_top_site2},
    {"dummies3", IN_MOLECULE, sk_top_site3},
    {"dummies4", IN_MOLECULE, NULL},
    {"dummiesn", IN_MOLECULE, NULL},
    {"position_restraints", IN_MOLECULE, sk_top_position},
    {"distance_restraints", IN_MOLECULE, NULL},
    {"dihedral_restraints", IN_MOLECULE, NULL},
    {"angle_restraints", IN_MOLECULE, NULL},
    {"angle_restraints_z", IN_MOLECULE, NULL},
    {"orientation_restraints", IN_MOLECULE, NULL},
    {"polarization", IN_MOLECULE, NULL},
    {"water_polarization", IN_MOLECULE, NULL},
    {"thole_polarization", IN_MOLECULE, NULL},
    {"system", ANYWHERE, top_system},
    {"molecules", ANYWHERE, sk_top_molecules},
    {"intermolecular_interactions", ANYWHERE, top_intermolecular},
};

/* ---- words ---- */

enum sk_code sk_top_real(const struct sk_raw_top *raw, const struct sk_top_line *line, int word, const char *what,
                         double *value, struct sk_error *err)
{
    if (word >= line->n)
        return sk_preprocess_fail(raw->pp, line->at, err, "%s is missing at the end of the line", what);
    if (!sk_parse_real(line->words[word], value))
        return sk_preprocess_fail(raw->pp, line->at, err, "%s: '%.80s' is not a number", what, line->words[word]);
    return SK_OK;
}

enum sk_code sk_top_integer(const struct sk_raw_top *raw, const struct sk_top_line *line, int word, const char *what,
                            int64_t low, int64_t high, int64_t *value, struct sk_error *err)
{
    if (word >= line->n)
        return sk_preprocess_fail(raw->pp, line->at, err, "%s is missing at the end of the line", what);
    if (!sk_parse_integer(line->words[word], value) || *value < low || *value > high)
        return sk_preprocess_fail(raw->pp, line->at, err, "%s: '%.80s' is not a whole number from %lld to %lld", what,
                                  line->words[word], (long long)low, (long long)high);
    return SK_OK;
}

enum sk_code sk_top_name(const struct sk_raw_top *raw, const struct sk_top_line *line, int word, const char *what,
                         char name[SK_NAME_MAX], struct sk_error *err)
{
    if (word >= line->n)
        return sk_preprocess_fail(raw->pp, line->at, err, "%s is missing at the end of the line", what);
    if (strlen(line->words[word]) >= SK_NAME_MAX)
        return sk_preprocess_fail(raw->pp, line->at, err, "%s '%.80s' is longer than %d characters", what,
                                  line->words[word], SK_NAME_MAX - 1);
    memset(name, 0, SK_NAME_MAX); /* names are hashed and broadcast as bytes */
    strcpy(name, line->words[word]);
    return SK_OK;
}

/* ---- sections ---- */

static enum sk_code top_system(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    (void)raw, (void)line, (void)err; /* the title is taken before the line is cut into words */
    return SK_OK;
}

static enum sk_code top_intermolecular(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err)
{
    return sk_preprocess_fail(raw->pp, line->at, err, "[ intermolecular_interactions ] is not supported");
}

static char section_char(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c == '-' ? '_' : c;
}

/* GROMACS compares directive names without regard to case, '-' and '_'. */
static bool section_is(const char *name, const char *word)
{
    while (*name || *word) {
        if (*name == '_')
            name++;
        else if (section_char(*word) == '_')
            word++;
        else if (*name++ != section_char(*word++))
            return false;
    }
    return true;
}

static enum sk_code top_open_section(struct sk_raw_top *raw, char *text, struct sk_source at,
                                     const struct top_section **section, struct sk_error *err)
{
    char *end = strchr(text, ']');
    if (!end)
        return sk_preprocess_fail(raw->pp, at, err, "section name without ']'");
    *end = '\0';
    char *name = sk_words_trim(text + 1);
    *section = NULL;
    for (size_t i = 0; i < sizeof top_sections / sizeof *top_sections; i++)
        if (section_is(top_sections[i].name, name))
            *section = &top_sections[i];
    if (!*section)
        return sk_preprocess_fail(raw->pp, at, err, "unknown section [ %.80s ]", name);
    if ((*section)->place == BEFORE_MOLECULES && raw->nmoltypes)
        return sk_preprocess_fail(raw->pp, at, err, "[ %s ] must come before the first [ moleculetype ]",
                                  (*section)->name);
    if ((*section)->place == IN_MOLECULE && !raw->nmoltypes)
        return sk_preprocess_fail(raw->pp, at, err, "[ %s ] must come after a [ moleculetype ]", (*section)->name);
    return SK_OK;
}

static enum sk_code top_data_line(struct sk_raw_top *raw, const struct top_section *section, char *text,
                                  struct sk_source at, struct sk_error *err)
{
    if (section->place == IN_MOLECULE && !section->handler) {
        sk_top_refuse(raw, section->name, at);
        return SK_OK;
    }
    if (section->handler == top_system && !raw->title[0]) {
        size_t length = strnlen(text, sizeof raw->title - 1);
        memcpy(raw->title, text, length);
    }
    if (!section->handler)
        return SK_OK;
    char *words[SK_TOP_WORDS];
    struct sk_top_line line = {words, sk_words_split(text, words, SK_TOP_WORDS), at};
    if (line.n > SK_TOP_WORDS && section->handler != top_system)
        return sk_preprocess_fail(raw->pp, at, err, "more than %d words in a line of [ %s ]", SK_TOP_WORDS,
                                  section->name);
    return section->handler(raw, &line, err);
}

static enum sk_code top_read_sections(struct sk_raw_top *raw, struct sk_error *err)
{
    const struct top_section *section = NULL;
    enum sk_code code = SK_OK;
    while (code == SK_OK) {
        char *text;
        struct sk_source at;
        int status = sk_preprocess_next(raw->pp, &text, &at, err);
        if (status == 0)
            break;
        if (status < 0)
            return err->code;
        raw->end = at;
        if (*text == '[')
            code = top_open_section(raw, text, at, &section, err);
        else if (section)
            code = top_data_line(raw, section, text, at, err);
        else if (*text != '*') /* force fields open with a block of stars */
            code = sk_preprocess_fail(raw->pp, at, err, "text before the first [ section ]: '%.60s'", text);
    }
    return code;
}

/* ---- the whole ---- */

static void top_clear_raw(struct sk_raw_top *raw)
{
    for (size_t i = 0; i < raw->nmoltypes; i++) {
        sk_free(&raw->moltypes[i].atoms);
        sk_free(&raw->moltypes[i].settles);
        sk_free(&raw->moltypes[i].exclusions);
        sk_free(&raw->moltypes[i].sites);
        for (int k = 0; k < SK_TOP_LISTS; k++)
            sk_free(&raw->moltypes[i].lists[k].terms);
    }
    sk_names_clear(&raw->names);
    sk_names_clear(&raw->molnames);
    sk_names_clear(&raw->bonded_names);
    sk_free(&raw->bonded.entries);
    sk_free(&raw->bonded.slots);
    sk_free(&raw->values);
    sk_free(&raw->types);
    sk_free(&raw->pairs);
    sk_free(&raw->moltypes);
    sk_free(&raw->molecules);
}

static enum sk_code top_read(struct sk_preprocessor *pp, enum sk_bonds bonds, struct sk_topology *top,
                             struct sk_forcefield *ff, struct sk_error *err)
{
    struct sk_raw_top raw = {.pp = pp, .rigid = bonds};
    enum sk_code code = top_read_sections(&raw, err);
    if (code == SK_OK)
        code = sk_top_build(&raw, top, ff, err);
    if (code != SK_OK) {
        sk_topology_clear(top);
        sk_forcefield_clear(ff);
    }
    top_clear_raw(&raw);
    return code;
}

enum sk_code sk_top_read(const char *path, const char *define, const char *include_path, enum sk_bonds bonds,
                         struct sk_topology *top, struct sk_forcefield *ff, struct sk_error *err)
{
    struct sk_preprocessor *pp = sk_preprocess_new(define, include_path, err);
    if (!pp)
        return err->code;
    enum sk_code code = sk_preprocess_open(pp, path, err);
    if (code == SK_OK)
        code = top_read(pp, bonds, top, ff, err);
    sk_preprocess_free(&pp);
    return code;
}

enum sk_code sk_top_parse(const char *name, const char *text, size_t length, const char *define,
                          const char *include_path, enum sk_bonds bonds, struct sk_topology *top,
                          struct sk_forcefield *ff, struct sk_error *err)
{
    struct sk_preprocessor *pp = sk_preprocess_new(define, include_path, err);
    if (!pp)
        return err->code;
    sk_preprocess_open_text(pp, name, text, length);
    enum sk_code code = top_read(pp, bonds, top, ff, err);
    sk_preprocess_free(&pp);
    return code;
}
