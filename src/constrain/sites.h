/* Sites: virtual sites, the atoms without mass whose places follow from others of their ownership group. They are
 * placed anew after every move, and the forces on them go to the atoms that they are built from. Owns its list. Not
 * here: the forms (model/bonded.h). */
#ifndef SK_CONSTRAIN_SITES_H
#define SK_CONSTRAIN_SITES_H

#include "base/int128.h"
#include "geom/box.h"
#include "model/atoms.h"
#include "model/topology.h"

struct sk_site_atom {
    int atom, from[3]; /* owned atoms; -1 beyond those of the form */
    int form;          /* enum sk_virtual_form */
    double a, b, c;
};

struct sk_sites {
    int n;
    struct sk_site_atom *site; /* [n] */
    size_t capacity;
};

void sk_sites_clear(struct sk_sites *sites);
/* Local. After the owned atoms changed their order. */
void sk_sites_rebuild(struct sk_sites *sites, const struct sk_topology *top, const struct sk_atoms *atoms);
/* Local. Fractions and images of the sites. */
void sk_sites_place(const struct sk_sites *sites, const struct sk_box *box, struct sk_atoms *atoms);
/* Local. Moves the forces (integer units) on sites to their atoms, whose sum is the same, and leaves zeros. Adds to
 * virial[3] what the diagonal of -1/2 sum r F changes by (kJ/mol, times SK_ENERGY_SCALE; scale: force units): only
 * sites that do not scale with the box have some. */
void sk_sites_spread(const struct sk_sites *sites, const struct sk_box *box, const struct sk_atoms *atoms, double scale,
                     int64_t (*force)[3], sk_int128 virial[3]);

#endif
