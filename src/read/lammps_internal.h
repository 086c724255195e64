/* Lammps internal: what the files of the data-file reader share, and its entry points on open lines (fuzzing, tests).
 * Owns nothing. Not here: the public readers (structure.h). */
#ifndef SK_READ_LAMMPS_INTERNAL_H
#define SK_READ_LAMMPS_INTERNAL_H

#include "read/lines.h"
#include "read/script.h"
#include "read/structure.h"

#define SK_DATA_LONGEST   4096 /* bytes of a line */
#define SK_DATA_TYPES_MAX 512  /* the tables of pairs have the square of it */
#define SK_DATA_KINDS_MAX 4096

/* File units to the run's: x_run = x / length, e_run = e * energy, v_run = v * velocity. Lengths are divided, for 0.1
 * is no binary number and 10 is. */
struct sk_data_units {
    double length, energy, velocity;
};
struct sk_data_units sk_data_units_of(const struct sk_parameters *parameters);

/* Bonds, angles, dihedrals and impropers are four families of terms (enum sk_family). */
struct sk_data_family {
    const char *name;           /* "bond" */
    const char *terms, *coeffs; /* names of sections */
    int natoms;
};
extern const struct sk_data_family sk_data_families[SK_FAMILIES];

struct sk_data_header {
    int64_t natoms; /* -1 until found */
    int ntypes;     /* -1 until found */
    int64_t nterms[SK_FAMILIES];
    int nterm_types[SK_FAMILIES];
    bool has_bounds[3];
    double lo[3], hi[3], tilt[3]; /* file units; tilt: xy xz yz */
};
/* The box as the file has it, in the run's units; `length`: file units in one of these. */
struct sk_box sk_data_box(const struct sk_data_header *header, double length);

enum sk_data_section {
    SK_DATA_MASSES,
    SK_DATA_PAIR,
    SK_DATA_PAIR_IJ,
    SK_DATA_ATOMS,
    SK_DATA_VELOCITIES,
    SK_DATA_COEFFS, /* + family */
    SK_DATA_TERMS = SK_DATA_COEFFS + SK_FAMILIES,
    SK_DATA_NSECTIONS = SK_DATA_TERMS + SK_FAMILIES
};

/* A data file being read: at most one of each section; hint is the comment after a section's name. */
struct sk_data_file {
    struct sk_lines *lines;
    struct sk_data_header header;
    char title[256];
    bool is_seen[SK_DATA_NSECTIONS];
    char hint[128];
    bool has_section; /* the line at hand names a section that is yet to be read */
};

bool sk_data_has_terms(const struct sk_data_header *header);
/* Reads the header, up to the first section's name. */
enum sk_code sk_data_head(struct sk_data_file *file, struct sk_lines *lines, struct sk_error *err);
/* Lines of a section, by the header. */
int64_t sk_data_rows(const struct sk_data_header *header, enum sk_data_section section);
/* 1: *section is next, its name line read; 0: end of the file; -1: *err filled. */
int sk_data_next_section(struct sk_data_file *file, enum sk_data_section *section, struct sk_error *err);
/* Words of data line i of n of a section (comments cut); from min to max words. Blank lines are passed over. */
enum sk_code sk_data_row(struct sk_data_file *file, const char *section, int64_t i, int64_t n, char **words, int max,
                         int *nwords, struct sk_error *err);

/* One line of Atoms; columns by style. */
struct sk_data_atom {
    int64_t id;
    int type; /* 1-based */
    double charge, x[3];
    int32_t image[3];
};
enum sk_data_style {
    SK_DATA_ATOMIC, /* id type x y z */
    SK_DATA_BOND,   /* id molecule type x y z; so are angle and molecular */
    SK_DATA_FULL    /* id molecule type charge x y z */
};
/* Tells the style from the hint or, without one, from the number of words. */
enum sk_code sk_data_style_of(const struct sk_data_file *file, int nwords, enum sk_data_style *style,
                              struct sk_error *err);
enum sk_code sk_data_atom(const struct sk_data_file *file, enum sk_data_style style, char **words, int nwords,
                          struct sk_data_atom *atom, struct sk_error *err);
enum sk_code sk_data_id(const struct sk_data_file *file, const char *word, int64_t *id, struct sk_error *err);

/* Pair coefficients while they are collected: epsilon and sigma in file units, by i * ntypes + j. */
struct sk_data_lj {
    double epsilon, sigma;
};
struct sk_data_pairs {
    int ntypes;
    const struct sk_pair_style *style; /* NULL: not named */
    struct sk_data_lj *lj, *lj14;      /* [ntypes * ntypes]; lj14: between the ends of dihedrals, lj/charmm only */
    bool *is_given;
};
void sk_data_pairs_init(struct sk_data_pairs *pairs, int ntypes);
void sk_data_pairs_clear(struct sk_data_pairs *pairs);
enum sk_code sk_data_pair_section(struct sk_data_file *file, const struct sk_parameters *parameters, bool is_ij,
                                  struct sk_data_pairs *pairs, struct sk_error *err);
/* The run file's pair_coeff, which come after those of the file. */
enum sk_code sk_data_pair_text(const char *text, const struct sk_parameters *parameters, struct sk_data_pairs *pairs,
                               struct sk_error *err);
/* Mixes what is not given and fills ff in the run's units. */
enum sk_code sk_data_pairs_finish(struct sk_data_pairs *pairs, const struct sk_parameters *parameters, const char *name,
                                  struct sk_forcefield *ff, struct sk_error *err);
/* C6 and C12 in the run's units. */
void sk_data_c6_c12(struct sk_data_lj lj, const struct sk_parameters *parameters, double *c6, double *c12);
/* N, *, N*, *N or N*M as in LAMMPS, of types 1 to ntypes: from range[0] to range[1], 0-based. Changes the word. */
bool sk_data_type_range(char *word, int ntypes, int range[2]);

/* What the type of a term says, in the run's units. */
#define SK_DATA_UNKNOWN (-1) /* no coefficients */
#define SK_DATA_NOTHING (-2) /* coefficients that make no force */
struct sk_data_type {
    int form; /* enum sk_bonded_form, or one of the above */
    double p[SK_BONDED_VALUES];
    double length;   /* of a rigid bond; 0: not known */
    double reach;    /* of a bond: hardly ever longer (harmonic), or never */
    double angle;    /* of rest, of a rigid angle; radians */
    double weight14; /* of the pair of a dihedral's ends */
    bool is_rigid;   /* bonds and angles: by the run file's lists */
};

struct sk_data_term {
    int64_t atom[4]; /* 0-based ids, the lower end first; -1 beyond those of the family */
    int64_t line;
    int type; /* 0-based */
    bool is_rigid;
};

/* Terms of a family while they are collected. */
struct sk_data_terms {
    enum sk_family family;
    const struct sk_term_style *style; /* NULL: not named */
    bool has_coefficients;
    int ntypes;
    struct sk_data_type *types; /* [ntypes] */
    int64_t n;
    size_t capacity;
    struct sk_data_term *term; /* [n] */
};
void sk_data_terms_init(struct sk_data_terms *terms, enum sk_family family, const struct sk_data_header *header);
void sk_data_terms_clear(struct sk_data_terms *terms);
/* A section like Bonds. */
enum sk_code sk_data_term_section(struct sk_data_file *file, struct sk_data_terms *terms, struct sk_error *err);
/* In the order in which molecules are cut, so that equal molecules have equal lists; a bond given twice is refused. */
enum sk_code sk_data_terms_sort(struct sk_data_terms *terms, const char *name, struct sk_error *err);
/* Lowest and highest id of a term. */
int64_t sk_data_term_low(const struct sk_data_term *term);
int64_t sk_data_term_high(const struct sk_data_term *term);

/* The run file's bond_style and so on. */
enum sk_code sk_data_coeff_style(const struct sk_parameters *parameters, struct sk_data_terms *terms,
                                 struct sk_error *err);
/* A section like Bond Coeffs. Without the name of a style, bonds are taken as harmonic, for their lengths. */
enum sk_code sk_data_coeff_section(struct sk_data_file *file, const struct sk_parameters *parameters,
                                   struct sk_data_terms *terms, struct sk_error *err);
/* The run file's bond_coeff and so on, which come after those of the file. */
enum sk_code sk_data_coeff_text(const struct sk_parameters *parameters, struct sk_data_terms *terms,
                                struct sk_error *err);

/* What the run file says about rigid types of bonds and angles. */
enum sk_code sk_data_rules(struct sk_data_terms *terms, const struct sk_parameters *parameters, const char *name,
                           struct sk_error *err);
/* Marks rigid bonds and angles, refuses what has neither a length nor a form. kind: by id, index into the topology's
 * kinds. */
enum sk_code sk_data_check(struct sk_data_terms *terms, const struct sk_parameters *parameters,
                           const struct sk_topology *top, const int32_t *kind, const char *name, struct sk_error *err);
/* A text or list of the run file that says something. */
bool sk_data_has_words(const char *text);

/* Everything that molecules are made of. */
struct sk_data_model {
    const struct sk_parameters *parameters;
    const struct sk_data_pairs *pairs;
    const struct sk_data_terms *terms; /* [SK_FAMILIES] sorted and checked */
    const int32_t *kind;               /* by id; NULL without terms */
    int64_t natoms;
    const char *name; /* of the file */
};
/* Terms of a molecule, atoms begin to end, of each family first to last. */
struct sk_data_range {
    int64_t begin, end, first[SK_FAMILIES], last[SK_FAMILIES];
};
/* Fills constraints, terms and exclusions of a template whose atoms are there. */
enum sk_code sk_data_fill_terms(const struct sk_data_model *model, const struct sk_data_range *range,
                                const struct sk_kind *kinds, struct sk_moltype *type, struct sk_forcefield *ff,
                                struct sk_error *err);
/* Fills molecule types and blocks, and finishes the topology. */
enum sk_code sk_data_molecules(const struct sk_data_model *model, struct sk_topology *top, struct sk_forcefield *ff,
                               struct sk_error *err);

/* The two passes over lines that are open at their beginning. */
enum sk_code sk_data_scan(struct sk_lines *lines, const struct sk_parameters *parameters,
                          struct sk_structure *structure, struct sk_topology *top, struct sk_forcefield *ff,
                          struct sk_error *err);
enum sk_code sk_data_stream(struct sk_lines *lines, const struct sk_parameters *parameters,
                            const struct sk_topology *top, sk_atom_sink *atom_sink, sk_atom_sink *velocity_sink,
                            void *context, struct sk_error *err);

#endif
