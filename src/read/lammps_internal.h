/* Lammps internal: what the files of the data-file reader share, and its entry points on open lines (fuzzing, tests).
 * Owns nothing. Not here: the public readers (structure.h). */
#ifndef SK_READ_LAMMPS_INTERNAL_H
#define SK_READ_LAMMPS_INTERNAL_H

#include "read/lines.h"
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

struct sk_data_header {
    int64_t natoms; /* -1 until found */
    int ntypes;     /* -1 until found */
    int64_t nbonds;
    int nbond_types;
    bool has_bounds[3];
    double lo[3], hi[3]; /* file units */
};

enum sk_data_section {
    SK_DATA_MASSES,
    SK_DATA_PAIR,
    SK_DATA_PAIR_IJ,
    SK_DATA_BOND_COEFFS,
    SK_DATA_BONDS,
    SK_DATA_ATOMS,
    SK_DATA_VELOCITIES,
    SK_DATA_NSECTIONS
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

/* Reads the header, up to the first section's name. */
enum sk_code sk_data_head(struct sk_data_file *file, struct sk_lines *lines, struct sk_error *err);
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
struct sk_data_pairs {
    int ntypes;
    double *epsilon, *sigma;
    bool *is_given;
};
void sk_data_pairs_init(struct sk_data_pairs *pairs, int ntypes);
void sk_data_pairs_clear(struct sk_data_pairs *pairs);
enum sk_code sk_data_pair_section(struct sk_data_file *file, const struct sk_parameters *parameters, bool is_ij,
                                  struct sk_data_pairs *pairs, struct sk_error *err);
/* The run file's pair_coeff. */
enum sk_code sk_data_pair_text(const char *text, const struct sk_parameters *parameters, struct sk_data_pairs *pairs,
                               struct sk_error *err);
/* Mixes what is not given and fills ff in the run's units. */
enum sk_code sk_data_pairs_finish(const struct sk_data_pairs *pairs, const struct sk_parameters *parameters,
                                  const char *name, struct sk_forcefield *ff, struct sk_error *err);

/* Bonds while they are collected, in file units. */
struct sk_data_bond {
    int64_t i, j; /* 0-based ids, i < j */
    int64_t line;
    int type; /* 0-based */
};
struct sk_data_bonds {
    int ntypes;
    double *length; /* [ntypes]; 0: not known */
    bool *is_rigid; /* [ntypes] */
    bool has_coefficients;
    int64_t n;
    struct sk_data_bond *bond; /* [n] */
};
void sk_data_bonds_init(struct sk_data_bonds *bonds, const struct sk_data_header *header);
void sk_data_bonds_clear(struct sk_data_bonds *bonds);
/* has_lengths: the run file says them, and coefficients of a style without lengths do no harm. */
enum sk_code sk_data_bond_coeffs(struct sk_data_file *file, bool has_lengths, struct sk_data_bonds *bonds,
                                 struct sk_error *err);
enum sk_code sk_data_bond_section(struct sk_data_file *file, struct sk_data_bonds *bonds, struct sk_error *err);
/* What the run file says about the types of bonds. */
enum sk_code sk_data_bonds_rules(struct sk_data_bonds *bonds, const struct sk_parameters *parameters, const char *name,
                                 struct sk_error *err);
/* By i, then j; a bond given twice is refused. */
enum sk_code sk_data_bonds_sort(struct sk_data_bonds *bonds, const char *name, struct sk_error *err);
/* Refuses what is not rigid and what has no length. kind: by id, index into the topology's kinds. */
enum sk_code sk_data_bonds_check(const struct sk_data_bonds *bonds, const struct sk_parameters *parameters,
                                 const struct sk_topology *top, const int32_t *kind, const char *name,
                                 struct sk_error *err);
/* A text or list of the run file that says something. */
bool sk_data_has_words(const char *text);
/* Fills molecule types and blocks from sorted, checked bonds, and finishes the topology. */
enum sk_code sk_data_molecules(const struct sk_data_bonds *bonds, const struct sk_parameters *parameters,
                               const int32_t *kind, int64_t natoms, const char *name, struct sk_topology *top,
                               struct sk_error *err);

/* The two passes over lines that are open at their beginning. */
enum sk_code sk_data_scan(struct sk_lines *lines, const struct sk_parameters *parameters,
                          struct sk_structure *structure, struct sk_topology *top, struct sk_forcefield *ff,
                          struct sk_error *err);
enum sk_code sk_data_stream(struct sk_lines *lines, const struct sk_parameters *parameters,
                            const struct sk_topology *top, sk_atom_sink *atom_sink, sk_atom_sink *velocity_sink,
                            void *context, struct sk_error *err);

#endif
