/* Gromacs internal: what the files of the .top and .gro readers share, and their entry points for text in memory
 * (fuzzing, tests). Owns nothing. Not here: the public readers (structure.h), the preprocessor (preprocess.h). */
#ifndef SK_READ_GROMACS_INTERNAL_H
#define SK_READ_GROMACS_INTERNAL_H

#include "read/lines.h"
#include "read/preprocess.h"
#include "read/structure.h"
#include "read/words.h"

#define SK_TOP_WORDS 256 /* of a line that are looked at; exclusions alone may have more */

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

struct sk_raw_bond {
    int i, j, function;
    bool is_constraint, has_length; /* length: given in the line itself */
    double length;
    struct sk_source at;
};

struct sk_raw_angle {
    int place[3], function;
    bool has_theta;
    double theta; /* degrees, in the functions that have it first */
    struct sk_source at;
};

struct sk_raw_moltype {
    int nrexcl;
    char name[SK_NAME_MAX];
    struct sk_source at;
    struct sk_raw_atom *atoms;
    struct sk_raw_settle *settles;
    struct sk_raw_exclusion *exclusions;
    struct sk_raw_bond *bonds; /* and constraints */
    struct sk_raw_angle *angles;
    size_t natoms, nsettles, nexclusions, atoms_capacity, settles_capacity, exclusions_capacity;
    size_t nbonds, nangles, bonds_capacity, angles_capacity;
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
    int combination;              /* 0: no [ defaults ] yet; 1 to 3 */
    struct sk_names names;        /* atom types */
    struct sk_names bonded_names; /* bonded types, of which one may stand for several atom types */
    struct sk_names bonded;       /* keys of bondtypes, constrainttypes, angletypes; see sk_top_bonded */
    double *values;               /* lengths and angles, by index in bonded */
    size_t values_capacity;
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
enum sk_code sk_top_bond(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_constraint(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
/* Only where angles can be rigid (h-angles). */
enum sk_code sk_top_angle(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);
enum sk_code sk_top_molecules(struct sk_raw_top *raw, const struct sk_top_line *line, struct sk_error *err);

/* Index of an atom type, made (undefined) on first mention. */
int sk_top_type(struct sk_raw_top *raw, const char *name);
/* Length of a bond ('b') or constraint ('c'), or angle ('a'), of these n bonded types in either order. */
bool sk_top_bonded(const struct sk_raw_top *raw, char section, const char *const *names, int n, int function,
                   double *value);
/* A word as a number; `what` names it in the message. */
enum sk_code sk_top_real(const struct sk_raw_top *raw, const struct sk_top_line *line, int word, const char *what,
                         double *value, struct sk_error *err);
enum sk_code sk_top_integer(const struct sk_raw_top *raw, const struct sk_top_line *line, int word, const char *what,
                            int64_t low, int64_t high, int64_t *value, struct sk_error *err);
/* Copies a name that must fit SK_NAME_MAX. */
enum sk_code sk_top_name(const struct sk_raw_top *raw, const struct sk_top_line *line, int word, const char *what,
                         char name[SK_NAME_MAX], struct sk_error *err);

/* Constraints and exclusions of a template whose atoms and settles are filled. */
enum sk_code sk_top_build_constraints(const struct sk_raw_top *raw, const struct sk_raw_moltype *from,
                                      struct sk_moltype *type, struct sk_error *err);
enum sk_code sk_top_build_exclusions(const struct sk_raw_top *raw, const struct sk_raw_moltype *from,
                                     struct sk_moltype *type, struct sk_error *err);
/* What [ molecules ] uses, as a topology and a force field. */
enum sk_code sk_top_build(struct sk_raw_top *raw, struct sk_topology *top, struct sk_forcefield *ff,
                          struct sk_error *err);

/* ---- entry points on text in memory; name is used in messages ---- */

enum sk_code sk_top_parse(const char *name, const char *text, size_t length, const char *define,
                          const char *include_path, enum sk_bonds bonds, struct sk_topology *top,
                          struct sk_forcefield *ff, struct sk_error *err);
#define SK_GRO_LONGEST 1024 /* bytes of a line */
enum sk_code sk_gro_scan(struct sk_lines *lines, struct sk_structure *structure, struct sk_error *err);
/* edge is what the scan found: it bounds the positions. */
enum sk_code sk_gro_stream(struct sk_lines *lines, const struct sk_topology *top, const double edge[3],
                           sk_atom_sink *sink, void *context, struct sk_error *err);

#endif
