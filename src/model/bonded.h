/* Bonded: interactions along the covalent structure of a molecule, as templates: which form, which places, which
 * parameters. Angles in radians, lengths in nm, energies in kJ/mol (or reduced units).
 * Not here: their arithmetic (kernel/bonded.h), constraints and exclusions (topology.h). */
#ifndef SK_MODEL_BONDED_H
#define SK_MODEL_BONDED_H

enum sk_bonded_form {
    SK_BOND_HARMONIC,      /* 1/2 k (r - b)^2                       p: b, k            .top bonds 1, 6 */
    SK_BOND_G96,           /* 1/4 k (r^2 - b^2)^2                   p: b, k            .top bonds 2 */
    SK_BOND_MORSE,         /* D (1 - exp(-beta (r - b)))^2          p: b, D, beta      .top bonds 3 */
    SK_BOND_FENE,          /* -1/2 k b^2 ln(1 - r^2 / b^2)          p: b, k            .top bonds 7 */
    SK_BOND_FENE_LJ,       /* that + 4 e ((s/r)^12 - (s/r)^6) + e for r < 2^(1/6) s
                                                                    p: b, k, e, s      LAMMPS fene */
    SK_ANGLE_HARMONIC,     /* 1/2 k (theta - theta0)^2              p: theta0, k       .top angles 1 */
    SK_ANGLE_G96,          /* 1/2 k (cos theta - cos theta0)^2      p: theta0, k       .top angles 2 */
    SK_ANGLE_UREY_BRADLEY, /* harmonic angle + 1/2 kub (r13 - b)^2  p: theta0, k, b, kub   .top angles 5 */
    SK_DIHEDRAL_PERIODIC,  /* k (1 + cos(n phi - phi0))             p: phi0, k, n      .top dihedrals 1, 9 */
    SK_DIHEDRAL_RYCKAERT,  /* sum over n = 0..5 of c_n cos^n(psi), psi = phi - pi
                                                                    p: c0 .. c5        .top dihedrals 3, 5 (Fourier) */
    SK_IMPROPER_HARMONIC,  /* 1/2 k (xi - xi0)^2, xi - xi0 in [-pi, pi)
                                                                    p: xi0, k          .top dihedrals 2 */
    SK_IMPROPER_PERIODIC,  /* as SK_DIHEDRAL_PERIODIC               p: phi0, k, n      .top dihedrals 4 */
    SK_CMAP,               /* bicubic map of two dihedrals of five atoms
                                                                    parameter: index of a map (struct sk_cmap) */
    SK_PAIR_14,            /* c12 / r^12 - c6 / r^6 + k_e fqq / r   p: c6, c12, fqq    .top pairs 1, 2 */
    SK_POSITION_RESTRAINT, /* 1/2 sum of k_x (x - x0)^2; the reference is the starting place, or a file's
                                                                    p: kx, ky, kz      .top position_restraints 1 */
    SK_BONDED_FORMS
};

#define SK_BONDED_ATOMS  5 /* most atoms of a term */
#define SK_BONDED_VALUES 6

/* One interaction of a template. */
struct sk_term {
    int form;                  /* enum sk_bonded_form */
    int parameter;             /* index into the force field's parameters; SK_CMAP: of its map */
    int atom[SK_BONDED_ATOMS]; /* places in the template; -1 beyond those of the form */
};

struct sk_term_parameter {
    double p[SK_BONDED_VALUES];
};

/* Correction map on an even periodic grid from -pi, energies; first index: the first dihedral. */
struct sk_cmap {
    int n;
    double *energy; /* [n * n] */
};

/* How a virtual site follows from the atoms that it is built from, with d1 = x1 - x0, d2 = x2 - x0. */
enum sk_virtual_form {
    SK_VIRTUAL_2,     /* x0 + a d1                          .top virtual_sites2 1 */
    SK_VIRTUAL_3,     /* x0 + a d1 + b d2                   .top virtual_sites3 1: four-site water */
    SK_VIRTUAL_3_OUT, /* x0 + a d1 + b d2 + c (d1 x d2)     .top virtual_sites3 4: five-site water; c in 1/nm */
    SK_VIRTUAL_FORMS
};

/* A place of a template without mass; its force goes back to the atoms that it is built from. */
struct sk_virtual_site {
    int form;    /* enum sk_virtual_form */
    int place;   /* of the site */
    int from[3]; /* places; none of them is a site; -1 beyond those of the form */
    double a, b, c;
};

/* Atoms of a form: 1 to 5. */
int sk_bonded_atoms(int form);
/* Values in p of a form; 0 for SK_CMAP. */
int sk_bonded_values(int form);
/* What a message calls terms of a form: "bonds", "Urey-Bradley angles". */
const char *sk_bonded_name(int form);
/* Atoms that a site is built from: 2 or 3. */
int sk_virtual_atoms(int form);

#endif
