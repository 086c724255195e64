/* Gromacs internal: what the files of the .top and .gro readers share, and their entry points for text in memory
 * (fuzzing, tests). Owns nothing. Not here: the public readers (structure.h), the preprocessor (preprocess.h). */
#ifndef SK_READ_GROMACS_INTERNAL_H
#define SK_READ_GROMACS_INTERNAL_H

#include "read/lines.h"
#include "read/preprocess.h"
#include "read/structure.h"
#include "read/words.h"

#define SK_TOP_WORDS 4096 /* most of a line; a correction map has 8 and its grid */

/* ---- a topology as it stands in the file, before it is known what is used ---- */

struct sk_raw_type {
    bool is_defined;
    char particle; /* A, S, B, V or D */
    double mass, charge;
    double p[2]; /* C6, C12 or sigma, epsilon */
    int bonded;  /* name of its bonded type, index into sk_raw_top.bonded_names */
    int type;    /* index in the force field, or -1: not used */
};

struct sk_raw_pair {
    int i, j; /* types */
    double p[2];
    struct sk_source at;
};

struct sk_raw_atom {
    int type; /* index into sk_raw_top.types */
    struct sk_template_atom atom;
    bool has_charge, has_mass;
    double charge, mass;
    struct sk_source at;
};

struct sk_raw_exclusion {
    int i, j;
    struct sk_source at;
};

struct sk_raw_settle {
    struct sk_settle settle;
    struct sk_source at;
};

/* Sections of interactions, of a molecule or of the types that give them parameters. */
enum sk_top_list {
    SK_TOP_BONDS,
    SK_TOP_CONSTRAINTS,
    SK_TOP_ANGLES,
    SK_TOP_DIHEDRALS,
    SK_TOP_CMAP,
    SK_TOP_PAIRS,
    SK_TOP_POSITIONS, /* restraints */
    SK_TOP_NONBOND,   /* types alone: [ nonbond_params ] */
    SK_TOP_LISTS
};

/* A function of a section. */
struct sk_top_function {
    int list, function;
    int nparameters;
    int form;     /* enum sk_bonded_form, or SK_TOP_NO_TERM, SK_TOP_NOT_YET */
    int types;    /* the function under which its types are found; 0: it has none */
    bool is_soft; /* turns rigid when the run file asks for rigid bonds or angles; first parameter: length, angle */
};
#define SK_TOP_NO_TERM (-1) /* says something else: a rigid bond, a connection */
#define SK_TOP_NOT_YET (-2) /* refused where it stays a term */

/* A line of a section of interactions. */
struct sk_raw_term {
    int function;
    int place[SK_BONDED_ATOMS];
    int nvalues;  /* 0: from the types */
    size_t value; /* first, index into sk_raw_top.values */
    struct sk_source at;
};

struct sk_raw_list {
    struct sk_raw_term *terms;
    size_t n, capacity;
};

struct sk_raw_site {
    struct sk_virtual_site site;
    struct sk_source at;
};

/* Parameters by types; in order of the file, which decides between entries with equally many wildcards. */
struct sk_raw_entry {
    int list, function;
    int name[SK_BONDED_ATOMS]; /* bonded types, of pairs atom types; SK_TOP_ANY: a wildcard; as in the file */
    int nlines;                /* of parameters; for one dihedral there may be several */
    int nvalues;               /* in each line */
    size_t value;
    bool is_perturbed; /* a second state differs */
    int cmap;          /* map in the force field, or -1: not used */
    struct sk_source at;
};
#define SK_TOP_ANY (-1)

struct sk_raw_types {
    struct sk_raw_entry *entries;
    size_t n, capacity;
    int *slots; /* [nslots] index + 1 by hash of list, function and names in either order; 0: empty */
    size_t nslots;
};

struct sk_raw_moltype {
    int nrexcl;
    char name[SK_NAME_MAX];
    struct sk_source at;
    struct sk_raw_atom *atoms;
    struct sk_raw_settle *settles;
    struct sk_raw_exclusion *exclusions;
    struct sk_raw_site *sites;
    struct sk_raw_list lists[SK_TOP_LISTS];
    size_t natoms, nsettles, nexclusions, atoms_capacity, settles_capacity, exclusions_capacity;
    size_t nsites, sites_capacity;
    const char *refused; /* the first thing in it that is not supported, or NULL; only an error if it is used */
    struct sk_source refused_at;
    int moltype; /* index in the topology, or -1: not used */
};

struct sk_raw_molecules {
    int moltype;
    int64_t count;
    struct sk_source at;
};

struct sk_raw_top {
    struct sk_preprocessor *pp; /* borrowed */
    struct sk_source end;       /* the last line that says something */
    enum sk_bonds rigid;        /* which bonds become constraints */
    char title[256];
    int combination; /* 0: no [ defaults ] yet; 1 to 3 */
    bool has_generated_pairs;
    double fudge_lj, fudge_qq;
    struct sk_names names;        /* atom types */
    struct sk_names bonded_names; /* bonded types, of which one may stand for several atom types */
    struct sk_raw_types bonded;   /* what [ ...types ] give */
    double *values;               /* parameters of lines and types */
    size_t nvalues, values_capacity;
    struct sk_raw_type *types;
    struct sk_raw_pair *pairs;
    struct sk_raw_moltype *moltypes;
    struct sk_names molnames; /* index = index into moltypes */
    struct sk_raw_molecules *molecules;
    size_t types_capacity, npairs, pairs_capacity, nmoltypes, moltypes_capacity, nmolecules, molecules_capacity;
};

/* One line of a section: its words, n of them (words holds at most SK_TOP_WORDS), and where it stands. */
struct sk_top_line {
    char **words;
    int n;
    struct sk_source at;
};

/* Readers of one data line. Errors: "FILE:LINE: ...". */
enum sk_code sk_top_defaults(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_atomtype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_nonbond(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_moleculetype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_atom(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_settle(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_exclusion(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_bondtype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_constrainttype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_angletype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_dihedraltype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_pairtype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_cmaptype(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_bond(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_constraint(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_angle(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_dihedral(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_pair(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_cmap(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_position(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_site2(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_site3(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_molecules(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);

/* Index of an atom type, made (undefined) on first mention. */
int sk_top_type(struct sk_raw_top *raw, const char *name);
/* The table of functions; NULL: there is none of that number that this version knows. */
const struct sk_top_function *sk_top_function(int list, int64_t function);
/* "bonds", and "bondtypes". */
const char *sk_top_list_name(int list);
const char *sk_top_types_name(int list);
/* Atoms of a line of the section. */
int sk_top_list_atoms(int list);
/* The entry with these names in either order (of maps: in this one), NULL: none. Of dihedrals the one that names most
 * types, and of those the first of the file. */
struct sk_raw_entry *sk_top_find(const struct sk_raw_top *raw, int list, int function, const int *name);
/* The entry for a line of `from`, by the bonded types (pairs: atom types) of its atoms; NULL: none. */
struct sk_raw_entry *sk_top_find_line(const struct sk_raw_top *raw, const struct sk_raw_moltype *from, int list,
                                      const struct sk_raw_term *term);
/* That there is none, with the names; sets and returns *err. */
enum sk_code sk_top_fail_types(const struct sk_raw_top *raw, const struct sk_raw_moltype *from, int list,
                               const struct sk_raw_term *term, struct sk_error *err);
/* The entry with exactly these names, wildcards included, in either order (of maps: in this one), added if new. */
struct sk_raw_entry *sk_top_entry(struct sk_raw_top *raw, int list, int function, const int *name, bool *is_new);
/* Index of the first of n values, copied. */
size_t sk_top_values(struct sk_raw_top *raw, const double *values, int n);
/* Numbers from a word on: at least n, of which the first n are copied to values[n]; *is_perturbed tells whether n
 * more follow and differ. is_strict: nothing else may follow; else what is no number ends the list, as in GROMACS. */
enum sk_code sk_top_parameters(const struct sk_raw_top *raw, const struct sk_top_line *line, int first, int n,
                               bool is_strict, double *values, bool *is_perturbed, struct sk_error *err);
/* Marks the molecule as refused if it is used. */
void sk_top_refuse(struct sk_raw_top *raw, const char *what, struct sk_source at);
/* A word as a number; `what` names it in the message. */
enum sk_code sk_top_real(const struct sk_raw_top *raw, const struct sk_top_line *line, int word, const char *what,
                         double *value, struct sk_error *err);
enum sk_code sk_top_integer(const struct sk_raw_top *raw, const struct sk_top_line *line, int word, const char *what,
                            int64_t low, int64_t high, int64_t *value, struct sk_error *err);
/* Copies a name that must fit SK_NAME_MAX. */
enum sk_code sk_top_name(const struct sk_raw_top *raw, const struct sk_top_line *line, int word, const char *what,
                         char name[SK_NAME_MAX], struct sk_error *err);

/* C6 and C12 from the two Lennard-Jones parameters of a line. */
void sk_top_lennard_jones(const struct sk_raw_top *raw, const double p[2], double *c6, double *c12);
/* Refuses places beyond the molecule, and the same place twice. */
enum sk_code sk_top_check_places(const struct sk_raw_top *raw, const struct sk_raw_moltype *from, const char *section,
                                 const int *place, int n, struct sk_source at, struct sk_error *err);
/* Whether the run file makes a bond or an angle rigid, so that it is no term. The names of the template's atoms must be
 * there. */
bool sk_top_bond_is_rigid(const struct sk_raw_top *raw, const struct sk_moltype *type, int list,
                          const struct sk_raw_term *bond);
bool sk_top_angle_is_rigid(const struct sk_raw_top *raw, const struct sk_moltype *type,
                           const struct sk_raw_term *angle);
/* Constraints and exclusions of a template whose atoms, settles and sites are filled. */
enum sk_code sk_top_build_constraints(const struct sk_raw_top *raw, const struct sk_raw_moltype *from,
                                      struct sk_moltype *type, struct sk_error *err);
enum sk_code sk_top_build_exclusions(const struct sk_raw_top *raw, const struct sk_raw_moltype *from,
                                     struct sk_moltype *type, struct sk_error *err);
/* Its virtual sites, before its atoms. */
enum sk_code sk_top_build_sites(const struct sk_raw_top *raw, const struct sk_raw_moltype *from,
                                struct sk_moltype *type, struct sk_error *err);
/* Its terms, when the kinds and the Lennard-Jones matrices of the force field are there. */
enum sk_code sk_top_build_terms(struct sk_raw_top *raw, const struct sk_raw_moltype *from, const struct sk_kind *kinds,
                                struct sk_moltype *type, struct sk_forcefield *ff, struct sk_error *err);
/* What [ molecules ] uses, as a topology and a force field. */
enum sk_code sk_top_build(struct sk_raw_top *raw, struct sk_topology *top, struct sk_forcefield *ff,
                          struct sk_error *err);

/* ---- entry points on text in memory; name is used in messages ---- */

enum sk_code sk_top_parse(const char *name, const char *text, size_t length, const char *define,
                          const char *include_path, enum sk_bonds bonds, struct sk_topology *top,
                          struct sk_forcefield *ff, struct sk_error *err);
#define SK_GRO_LONGEST 1024 /* bytes of a line */
enum sk_code sk_gro_scan(struct sk_lines *lines, struct sk_structure *structure, struct sk_error *err);
/* box is what the scan found: it bounds the positions. */
enum sk_code sk_gro_stream(struct sk_lines *lines, const struct sk_topology *top, const struct sk_box *box,
                           sk_atom_sink *sink, void *context, struct sk_error *err);

#endif
