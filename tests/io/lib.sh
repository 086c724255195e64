# For the scripts beside: finds the test programs and Python, sets MPI for small machines, makes a folder that goes away.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
programs=$(cd "$root" && cd "${BUILD:-build}" && pwd)/tests/io
. "$root/scripts/mpi-env.sh"
python=${PYTHON:-$("$root/scripts/find-python.sh")}
folder=$(mktemp -d "${TMPDIR:-/tmp}/skein-io-XXXXXX")
trap 'rm -rf "$folder"' EXIT
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
