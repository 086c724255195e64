#!/bin/bash
# Regenerates groups/: what GROMACS 2022.5 in double precision (Debian's gmx_d) says of groups of atoms in the peptide in
# water of SKEIN_SYSTEMS/aladip (pep-amber). energy.txt: energies by pairs of groups (energygrps) with reaction field, as
# in make_peptide.sh. freedom.txt: degrees of freedom of temperature groups (nrdf of gmx dump).
#
# gmx 2022 adds 1-4 energies of a pair of groups other than the first one to the wrong place (all pairs of the second
# group count as pairs with the first). So a group's own 1-4 energies are taken from a run in which it comes first.
set -eu
. "$(dirname "$(readlink -f "$0")")/gromacs.sh"
mkdir -p "$here/groups"
xz -dc "$systems/aladip/conf-pep-amber.gro.xz" > a.gro
xz -dc "$systems/aladip/topol-pep-amber.pp.top.xz" > a.top

# Groups by name; and by number: the first 40 atoms and the rest, 100 waters and the rest.
awk 'NR == 2 { n = $1 } NR > 2 && NR <= n + 2 {
    residue = substr($0, 6, 5); name = substr($0, 11, 5); gsub(/ /, "", residue); gsub(/ /, "", name)
    is_water = residue == "SOL"; is_ion = residue == "NA" || residue == "CL"
    is_backbone = !is_water && !is_ion && (name == "N" || name == "CA" || name == "C" || name == "O")
    id = NR - 2
    print (is_water || is_ion ? "solvent" : is_backbone ? "backbone" : "sidechain"), id
    print (is_water ? "water" : is_ion ? "ions" : "protein"), id
    print (id <= 40 ? "head" : "tail"), id
    print (id >= 199 && id <= 498 ? "some" : "others"), id
}' a.gro > members
for group in backbone sidechain solvent protein water ions head tail some others; do
    echo "[ $group ]"
    awk -v group=$group '$1 == group { print $2 }' members
done > index.ndx

common="$(one_step 0.0005 1.25 | grep -vE '^(tcoupl|comm-mode|nst[xvf]out)')
$(reaction_field Potential-shift no)"

energies() { # GROUPS: 'name<TAB>value' lines
    printf '%s\nconstraints = none\ntcoupl = no\ncomm-mode = None\nenergygrps = %s\n' "$common" "$1" > a.mdp
    simulate -f a.mdp -c a.gro -p a.top -n index.ndx
    terms
}
energies "backbone sidechain solvent" > first
energies "sidechain backbone solvent" > second
{
    echo "# GROMACS 2022.5 double; pep-amber, reaction field, rcoulomb = rvdw = 0.9, epsilon-rf 0, vdw-modifier Potential-shift"
    grep -E '^(LJ|Coulomb)(-14| .SR.)\s|^(LJ|Coul)-SR:|14:backbone-backbone' first
    grep '14:sidechain-sidechain' second
} > "$here/groups/energy.txt"

freedom() { # CASE CONSTRAINTS COMM-MODE GROUPS [FROZEN AXES]
    local n
    n=$(echo "$4" | wc -w)
    {
        printf '%s\nconstraints = %s\ncomm-mode = %s\ntcoupl = v-rescale\ntc-grps = %s\n' "$common" "$2" "$3" "$4"
        echo "ref-t = $(yes 300 | head -n "$n" | tr '\n' ' ')"
        echo "tau-t = $(yes 0.5 | head -n "$n" | tr '\n' ' ')"
        [ $# -le 4 ] || printf 'freezegrps = %s\nfreezedim = %s\n' "$5" "$6"
    } > a.mdp
    run gmx_d grompp -quiet -f a.mdp -c a.gro -p a.top -n index.ndx -o a.tpr -po out.mdp -maxwarn 9
    printf '%s\t%s\n' "$1" "$("$root/scripts/bench/gmx.sh" gmx_d dump -quiet -s a.tpr 2> /dev/null | sed -n 's/^ *nrdf: *//p' | xargs)"
}
{
    echo "# GROMACS 2022.5 double; pep-amber, nrdf of temperature groups"
    freedom h-bonds h-bonds Linear "protein water ions"
    freedom all-bonds all-bonds Linear "backbone sidechain solvent"
    freedom with-motion all-bonds None "backbone sidechain solvent"
    freedom cut all-bonds Linear "head tail"
    freedom frozen all-bonds None "backbone sidechain solvent" backbone "Y Y Y"
    freedom frozen-still all-bonds Linear "backbone sidechain solvent" backbone "Y Y Y"
    freedom frozen-head all-bonds None "protein water ions" head "Y Y Y"
    freedom frozen-water h-bonds None "some others" some "Y Y Y"
    freedom frozen-plane h-bonds None "protein water ions" ions "Y Y N"
} > "$here/groups/freedom.txt"
