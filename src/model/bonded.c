#include "model/bonded.h"

#include "base/status.h"

static const struct {
    int atoms, values;
    const char *name;
} forms[SK_BONDED_FORMS] = {
    [SK_BOND_HARMONIC] = {2, 2, "harmonic bonds"},
    [SK_BOND_G96] = {2, 2, "G96 bonds"},
    [SK_BOND_MORSE] = {2, 3, "Morse bonds"},
    [SK_BOND_FENE] = {2, 2, "FENE bonds"},
    [SK_BOND_FENE_LJ] = {2, 4, "FENE bonds with repulsion"},
    [SK_ANGLE_HARMONIC] = {3, 2, "harmonic angles"},
    [SK_ANGLE_G96] = {3, 2, "G96 angles"},
    [SK_ANGLE_UREY_BRADLEY] = {3, 4, "Urey-Bradley angles"},
    [SK_DIHEDRAL_PERIODIC] = {4, 3, "periodic dihedrals"},
    [SK_DIHEDRAL_RYCKAERT] = {4, 6, "Ryckaert-Bellemans dihedrals"},
    [SK_IMPROPER_HARMONIC] = {4, 2, "harmonic impropers"},
    [SK_IMPROPER_PERIODIC] = {4, 3, "periodic impropers"},
    [SK_CMAP] = {5, 0, "correction maps"},
    [SK_PAIR_14] = {2, 3, "1-4 pairs"},
    [SK_POSITION_RESTRAINT] = {1, 3, "position restraints"},
};

int sk_bonded_atoms(int form)
{
    SK_REQUIRE(form >= 0 && form < SK_BONDED_FORMS);
    return forms[form].atoms;
}

int sk_bonded_values(int form)
{
    SK_REQUIRE(form >= 0 && form < SK_BONDED_FORMS);
    return forms[form].values;
}

const char *sk_bonded_name(int form)
{
    SK_REQUIRE(form >= 0 && form < SK_BONDED_FORMS);
    return forms[form].name;
}

int sk_virtual_atoms(int form)
{
    SK_REQUIRE(form >= 0 && form < SK_VIRTUAL_FORMS);
    return form == SK_VIRTUAL_2 ? 2 : 3;
}
