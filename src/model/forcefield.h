/* Force field: Lennard-Jones parameters of every pair of types, parameters of bonded terms.
 * Owns its arrays. V(r) = c12 / r^12 - c6 / r^6. Not here: charges and masses (topology.h), forms of terms
 * (bonded.h). */
#ifndef SK_MODEL_FORCEFIELD_H
#define SK_MODEL_FORCEFIELD_H

#include <stddef.h>

#include "base/status.h"
#include "geom/units.h"
#include "model/topology.h"

struct sk_forcefield {
    enum sk_unit_system units;
    int ntypes;
    char (*names)[SK_NAME_MAX]; /* [ntypes] */
    double *c6, *c12;           /* [ntypes * ntypes], symmetric */
    int nparameters;
    struct sk_term_parameter *parameters; /* [nparameters] of terms of any form, no two equal */
    int ncmaps;
    struct sk_cmap *cmaps; /* [ncmaps] */
    /* Private from here. */
    size_t parameters_capacity;
    int *slots; /* [nslots] index + 1 of parameters by hash; 0: empty */
    int nslots;
};

void sk_forcefield_init(struct sk_forcefield *ff);
void sk_forcefield_clear(struct sk_forcefield *ff);
/* Makes room for ntypes types, all Lennard-Jones parameters zero; those of terms stay. */
void sk_forcefield_resize(struct sk_forcefield *ff, int ntypes);
/* Sets the pair (i, j) and (j, i). */
void sk_forcefield_set(struct sk_forcefield *ff, int i, int j, double c6, double c12);
/* Index of these values, those beyond n zero, added if new. Local. */
int sk_forcefield_parameter(struct sk_forcefield *ff, const double *values, int n);
/* Adds a correction map of n x n energies, copied; its index. Local. */
int sk_forcefield_cmap(struct sk_forcefield *ff, const double *energy, int n);
/* XXH3_64 over units, names and parameters, field by field in a fixed little-endian layout. */
uint64_t sk_forcefield_hash(const struct sk_forcefield *ff);
/* Flat image for broadcast: pack allocates *bytes (caller frees with sk_free), unpack rebuilds; it
 * clears *ff (initialised) first. */
void sk_forcefield_pack(const struct sk_forcefield *ff, unsigned char **bytes, size_t *length);
void sk_forcefield_unpack(struct sk_forcefield *ff, const unsigned char *bytes, size_t length);

#endif
