#!/bin/bash
# Regenerates dodecahedron/: the peptide of SKEIN_SYSTEMS/aladip (amber99sb-ildn, ions, TIP3P) solvated in a rhombic
# dodecahedron and in a truncated octahedron, and energies and forces of both with PME, from GROMACS 2022.5 in double
# precision (Debian's gmx_d), one step of `mdrun -nsteps 0`. Bonds to hydrogen and water are rigid, so the pressure has
# their virial (SHAKE: LINCS misses 0.3 bar of it). Velocities are those of the file, half a step back.
set -eu
export GMX_NBNXN_EWALD_ANALYTICAL=1 # not from a table, whose forces are off by 7e-7
. "$(dirname "$(readlink -f "$0")")/gromacs.sh"
mkdir -p "$here/dodecahedron"
xz -dc "$systems/aladip/conf-pep-amber.gro.xz" > all.gro
xz -dc "$systems/aladip/topol-pep-amber.pp.top.xz" > all.top
# The peptide alone: what is neither water nor an ion.
"$python" - << 'PY'
lines = open('all.gro').read().split('\n')
n = int(lines[1])
kept = [l for l in lines[2:2 + n] if l[5:10].strip() not in ('SOL', 'NA', 'CL')]
open('peptide.gro', 'w').write('\n'.join([lines[0], str(len(kept))] + kept + [lines[2 + n], '']))
text = open('all.top').read()
head, molecules = text.split('[ molecules ]')
rows = [r for r in molecules.split('\n') if r.strip() and r.split()[0] not in ('SOL', 'NA', 'CL')]
open('peptide.top', 'w').write(head + '[ molecules ]\n' + '\n'.join(rows) + '\n')
PY
{
    one_step 0.002 1.2
    pme
    printf 'constraints = h-bonds\nconstraint-algorithm = shake\nshake-tol = 1e-11\n'
} > ref.mdp
for shape in dodecahedron octahedron; do
    cp peptide.top $shape.top
    run gmx editconf -quiet -f peptide.gro -o box.gro -bt $shape -d 0.7 -c
    run gmx solvate -quiet -cp box.gro -cs spc216.gro -p $shape.top -o water.gro
    equilibrate $shape water.gro 200 3000 h-bonds
    simulate -f ref.mdp -c $shape.gro -p $shape.top
    keep "$here/dodecahedron/$shape" "peptide in a $shape, PME $(pme_mesh)"
    xz -9e < $shape.gro > "$here/dodecahedron/$shape.gro.xz"
    xz -9e < $shape.top > "$here/dodecahedron/$shape.top.xz"
done
