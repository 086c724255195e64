/* Script: what the lines pair_style, pair_modify and special_bonds of a LAMMPS script say, in terms of keys.
 * Owns constants only. Not here: coefficients (lammps_pairs.c, lammps_styles.c). */
#ifndef SK_READ_SCRIPT_H
#define SK_READ_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "model/parameters.h"

struct sk_pair_style {
    const char *name;
    bool is_charmm;    /* coefficients have columns for 1-4 pairs, and pairs are mixed arithmetically */
    int least, most;   /* numbers behind the name, if there are any; 0 0: the name alone is supported */
    const char *usage; /* what they are called */
    const char *keys;  /* what the numbers are: names of keys, separated by blanks; the last ones may be missing */
    const char *words; /* what the style says besides: "key value key value ..." */
};

/* Length of the first word of text without the suffix of an accelerated variant: "lj/cut/omp" is lj/cut. Local. */
size_t sk_style_length(const char *text);
/* The style that the first word of text names, or NULL. Local. */
const struct sk_pair_style *sk_pair_style_find(const char *text);
/* The names of all, separated by ", ". */
void sk_pair_style_names(char *text, size_t size);

/* A key of [nonbonded] and its value as text. */
struct sk_implied {
    char name[32], value[40];
    bool is_modified; /* by pair_modify */
};
#define SK_IMPLIED_MAX 8
/* What pair_style (in the data file's units) says; pair_modify, read after it, adds to the n keys there are or replaces
 * their values. Texts may be "". Both return how many there are now, or -1 with the reason in why. Local. */
int sk_pair_style_implied(const char *style, bool is_real, struct sk_implied *implied, char *why, size_t size);
int sk_pair_modify_implied(const char *modify, const char *style, int n, struct sk_implied *implied, char *why,
                           size_t size);

/* Weights of Lennard-Jones and Coulomb interactions of atoms one, two and three bonds apart; false with the reason in
 * why. Local. */
bool sk_special_weights(const char *text, double weights[2][3], char *why, size_t size);

#endif
