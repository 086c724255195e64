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
