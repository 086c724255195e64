# What the make_*.sh of references from GROMACS 2022.5 in double precision (Debian's gmx_d) share; sourced. Leaves the
# caller in an empty folder of its own that goes when it ends.
here=$(dirname "$(readlink -f "$0")")
root=$here/../..
systems=${SKEIN_SYSTEMS:-$root/../shared/systems}
python=$("$root/scripts/find-python.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# gmx or gmx_d with its arguments; what it says is shown only if it fails.
run() { "$root/scripts/bench/gmx.sh" "$@" > log 2>&1 || { tail -30 log >&2; exit 1; }; }

# The .mdp of one step of `mdrun -nsteps 0`, but for its interactions, with the velocities of the file half a step back.
# The list is far longer than the cutoff: gmx 2022.5 misses pairs when it is close.
one_step() { # DT RLIST
    cat << MDP
integrator = md
dt = $1
nsteps = 0
cutoff-scheme = Verlet
nstlist = 10
verlet-buffer-tolerance = -1
rlist = $2
continuation = yes
gen-vel = no
tcoupl = no
pcoupl = no
comm-mode = None
nstxout = 1
nstvout = 1
nstfout = 1
nstenergy = 1
nstcalcenergy = 1
MDP
}

reaction_field() { # VDW-MODIFIER DISPCORR
    cat << MDP
coulombtype = Reaction-Field
rcoulomb = 0.9
epsilon-r = 1
epsilon-rf = 0
rvdw = 0.9
vdwtype = Cut-off
vdw-modifier = $1
DispCorr = $2
MDP
}

pme() {
    cat << MDP
coulombtype = PME
rcoulomb = 0.9
coulomb-modifier = Potential-shift
fourierspacing = 0.12
pme-order = 4
ewald-rtol = 1e-5
rvdw = 0.9
vdw-modifier = Potential-shift
DispCorr = EnerPres
MDP
}

# NAME.gro minimized and run at 300 K for some steps of 1 fs, in single precision.
equilibrate() { # NAME START.gro MINIMIZING-STEPS STEPS CONSTRAINTS
    local common="cutoff-scheme = Verlet
coulombtype = PME
rcoulomb = 0.9
rvdw = 0.9"
    printf 'integrator = steep\nnsteps = %d\n%s\n' $3 "$common" > em.mdp
    cat > md.mdp << MDP
integrator = md
dt = 0.001
nsteps = $4
$common
constraints = $5
tcoupl = v-rescale
tc-grps = System
tau-t = 0.1
ref-t = 300
gen-vel = yes
gen-temp = 300
gen-seed = 4
ld-seed = 4
MDP
    run gmx grompp -quiet -f em.mdp -c "$2" -p $1.top -o em.tpr -maxwarn 9
    run gmx mdrun -quiet -s em.tpr -deffnm em -ntmpi 1 -ntomp 1
    run gmx grompp -quiet -f md.mdp -c em.gro -p $1.top -o md.tpr -maxwarn 9
    run gmx mdrun -quiet -s md.tpr -deffnm md -ntmpi 1 -ntomp 1
    run gmx_d trjconv -quiet -f md.cpt -s md.tpr -o $1.gro < <(echo 0)
}

# Energies of all steps, all terms, full digits: a.xvg; forces: a.trr.
simulate() { # GROMPP-ARGUMENTS...
    run gmx_d grompp -quiet -o a.tpr -po out.mdp -maxwarn 9 "$@"
    run gmx_d mdrun -quiet -s a.tpr -deffnm a -ntmpi 1 -ntomp 1
    run gmx_d energy -quiet -f a.edr -o a.xvg -dp < <(seq 1 99; echo 0)
}

# 'name<TAB>value' lines of the first step.
terms() {
    awk -F'"' '/^@ s[0-9]+ legend/ { name[++n] = $2 } !/^[@#]/ { split($0, v, " "); for (i = 1; i <= n; i++) print name[i] "\t" v[i + 1]; exit }' a.xvg
}

# STEM.energy.txt and STEM.forces.txt.xz of what was simulated.
keep() { # STEM TITLE
    mkdir -p "$(dirname "$1")"
    { echo "# GROMACS 2022.5 double; $2"; terms; } > "$1.energy.txt"
    "$python" "$here/trr_forces.py" a.trr "$1.forces.txt.xz"
}

pme_mesh() { grep -o 'fourier-n[xyz] *= *[0-9]*' a.log | tr -s ' ' | tr '\n' ' '; }
