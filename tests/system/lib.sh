# To be sourced by system tests: an empty folder, ways to run the program, to read its reports, and to claim things.
# Environment: BUILD, SKEIN_TEST_ALL (check-all), SKEIN_SYSTEMS, PYTHON, SKEIN_SLOW (factor for timeouts).
set -u
export LC_ALL=C
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$(cd "$ROOT" && cd "${BUILD:-build}" && pwd)
SKEIN=$BUILD/skein
SKEIN_SYSTEMS=${SKEIN_SYSTEMS:-$ROOT/../shared/systems}
PYTHON=${PYTHON:-$("$ROOT/scripts/find-python.sh")}
SLOW=${SKEIN_SLOW:-1}
. "$ROOT/scripts/mpi-env.sh"
WORK=$(mktemp -d "${TMPDIR:-/tmp}/skein-system-XXXXXX")
WORK=$(cd "$WORK" && pwd -P)
finish_hook() { :; }
trap 'finish_hook; rm -rf "$WORK"' EXIT
cd "$WORK" || exit 1

failures=0
ok() { echo "ok $*"; }
# not_ok NAME: with what the last run said.
not_ok() {
    echo "not ok $*"
    failures=$((failures + 1))
    if [ -f "$WORK/err" ]; then
        echo "  last command: ${last_command:-}  (code ${code:-?})"
        tail -n 15 "$WORK/err" | sed 's/^/  | /'
    fi
}
# claim NAME CONDITION...: the condition is a command.
claim() {
    local name=$1
    shift
    if "$@"; then ok "$name"; else not_ok "$name"; fi
}
skip_all() { echo "$*"; exit 77; }
finish() { exit $((failures > 0)); }

# skein N ARGUMENTS...: output in $WORK/out and $WORK/err, exit code in $code (124: it did not end).
LIMIT=120
skein() {
    local ranks=$1
    shift
    last_command="skein $* on $ranks"
    timeout -k 5 $((LIMIT * SLOW)) mpirun -n "$ranks" "$SKEIN" "$@" > "$WORK/out" 2> "$WORK/err" < /dev/null
    code=$?
    return $code
}
# The same without mpirun.
skein_alone() {
    last_command="skein $* without mpirun"
    timeout -k 5 $((LIMIT * SLOW)) "$SKEIN" "$@" > "$WORK/out" 2> "$WORK/err" < /dev/null
    code=$?
    return $code
}
said() { grep -qiE -- "$1" "$WORK/err"; }

# value FILE EVENT KEY: of the last such event in a file of JSON lines; nested objects are opened.
value() {
    grep "\"event\": *\"$2\"" "$1" 2> /dev/null | tail -n 1 | sed 's/"[a-z_]*": *{/,/g; s/[{}]/,/g' | tr ',' '\n' |
        sed -n "s/^ *\"$3\": *\"\{0,1\}\([^\"]*\)\"\{0,1\} *\$/\1/p" | head -n 1
}
above() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a + 0 > b + 0) }'; }

# Copies of the inputs, ready to run, without the trajectory that a hash test does not need.
use_water() {
    cp "$BUILD"/inputs/water/* "$WORK"
    sed -i '/^trajectory/d' "$WORK"/*.ini
}
use_melt() { cp "$BUILD"/inputs/lj-melt/*"$1"* "$WORK"; }
use_argon() { cp "$BUILD/inputs/argon/$1".* "$WORK"; }
# A box of 216 Lennard-Jones atoms, a jittered lattice: tiny.data and tiny.ini. Fewer cells than ranks.
use_tiny() {
    awk 'BEGIN {
        print "tiny\n\n216 atoms\n1 atom types\n\n0 6.6 xlo xhi\n0 6.6 ylo yhi\n0 6.6 zlo zhi\n\nMasses\n\n1 1\n\nAtoms # atomic\n"
        for (i = 0; i < 216; i++) {
            a = sin(12.9898 * i) * 0.05; b = sin(78.233 * i) * 0.05; c = sin(37.719 * i) * 0.05
            printf "%d 1 %.6f %.6f %.6f\n", i + 1, 0.55 + 1.1 * (i % 6) + a, 0.55 + 1.1 * (int(i / 6) % 6) + b, 0.55 + 1.1 * int(i / 36) + c
        }
    }' > "$WORK/tiny.data"
    sed 's/snap-4k.data/tiny.data/; s/^velocities.*/velocities = maxwell\nmaxwell = 1.0/; s/lj-melt-4k/tiny/' \
        "$BUILD/inputs/lj-melt/lj-melt-4k.ini" > "$WORK/tiny.ini"
}

has_avx512() { grep -qm1 'avx512f.*avx512vl\|avx512vl.*avx512f' /proc/cpuinfo; }
has_avx2() { grep -qm1 avx2 /proc/cpuinfo; }
