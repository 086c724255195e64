#!/bin/bash
# Runs gmx or gmx_d: scripts/bench/gmx.sh gmx|gmx_d ARGUMENTS...
# Debian's builds refuse to start where a virtual machine hides the RDTSCP flag, though the instruction works; there
# a shim is preloaded that adds the flag.
set -eu
program=$(command -v "$1")
shift
export GMX_MAXBACKUP=-1 GMX_SUPPRESS_DUMP=1
if grep -qw rdtscp /proc/cpuinfo; then exec "$program" "$@"; fi
here=$(dirname "$(readlink -f "$0")")
shim=${XDG_CACHE_HOME:-/tmp}/skein-rdtscp-shim-$(id -u).so
if [ ! -f "$shim" ]; then
    g++ -O2 -shared -fPIC -o "$shim.$$" "$here/rdtscp_shim.cpp" -ldl
    mv "$shim.$$" "$shim"
fi
LD_PRELOAD=$shim exec "$program" "$@"
