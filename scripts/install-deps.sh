#!/bin/bash
# The one place that names what Skein needs from outside.
#   scripts/install-deps.sh [--tests] [--bench] [--dev] [--print]
# Installs what is missing where it may (root, or sudo without a password; apt or dnf); elsewhere it prints what to
# run or load and leaves with code 3. Does nothing, in a moment, when all is there.
set -u
export LC_ALL=C

# group  probe        Debian/Ubuntu                              Fedora                               Spack
table='
build    cc           gcc,libc6-dev                              gcc                                  -
build    make         make                                       make                                 gmake
build    pkgconfig    pkg-config                                 pkgconf-pkg-config                   pkgconf
build    mpi          libopenmpi-dev,openmpi-bin                 openmpi-devel,openmpi                openmpi
build    hdf5         libhdf5-openmpi-dev                        hdf5-openmpi-devel                   hdf5+mpi
build    inih         libinih-dev                                inih-devel                           inih
build    random123    librandom123-dev                           Random123-devel                      random123
build    xxhash       libxxhash-dev                              xxhash-devel                         xxhash
tests    cmocka       libcmocka-dev                              libcmocka-devel                      cmocka
tests    fftw         libfftw3-dev                               fftw-devel                           fftw
tests    nm           binutils                                   binutils                             binutils
tests    xz           xz-utils                                   xz                                   xz
tests    python       python3,python3-numpy,python3-h5py,python3-xxhash,python3-mdanalysis  python3,python3-numpy,python3-h5py,python3-xxhash,python3-MDAnalysis  py-numpy,py-h5py,py-xxhash,py-mdanalysis
tests    chromium     chromium                                   chromium                             -
tests    forcefields  gromacs-data                               gromacs-common                       -
bench    gromacs      gromacs,g++                                gromacs,gcc-c++                      gromacs
bench    lammps       lammps                                     lammps                               lammps
dev      clang        clang,libclang-rt-14-dev                   clang,compiler-rt                    llvm
dev      clangformat  clang-format                               clang-tools-extra                    llvm
dev      clangtidy    clang-tidy                                 clang-tools-extra                    llvm
'
# Nice to have: without it tests are skipped, and a distribution may not have it (Ubuntu's is a snap).
optional=' chromium forcefields '
groups=build
print_only=
for argument in "$@"; do
    case $argument in
    --tests) groups="$groups tests" ;;
    --bench) groups="$groups tests bench" ;;
    --dev) groups="$groups dev" ;;
    --print) print_only=1 ;;
    *) echo "usage: scripts/install-deps.sh [--tests] [--bench] [--dev] [--print]" >&2; exit 1 ;;
    esac
done

here=$(dirname "$(readlink -f "$0")")
# Fedora keeps Open MPI out of the way until its module is loaded.
if ! command -v mpicc > /dev/null && [ -x /usr/lib64/openmpi/bin/mpicc ]; then
    PATH=$PATH:/usr/lib64/openmpi/bin
    fedora_path='export PATH=$PATH:/usr/lib64/openmpi/bin   (or: module load mpi/openmpi-x86_64)'
fi

hdf5_flags() { pkg-config --cflags hdf5-openmpi 2> /dev/null || pkg-config --cflags hdf5 2> /dev/null; }
# Does this text get through the compiler? What is asked is whether the build works, not which package is listed.
compiles() { printf '%b' "$1" | ${MPICC:-mpicc} ${CPPFLAGS:-} $(hdf5_flags) -fsyntax-only -x c - 2> /dev/null; }
probe() {
    case $1 in
    cc) command -v cc > /dev/null && printf '#include <stdio.h>\n' | cc -fsyntax-only -x c - 2> /dev/null ;;
    make) command -v make > /dev/null ;;
    pkgconfig) command -v pkg-config > /dev/null ;;
    mpi) command -v mpirun > /dev/null && compiles '#include <mpi.h>\n' ;;
    hdf5) compiles '#include <hdf5.h>\n#ifndef H5_HAVE_PARALLEL\n#error serial\n#endif\n' ;;
    inih) compiles '#include <ini.h>\n' ;;
    random123) compiles '#include <Random123/philox.h>\n' ;;
    xxhash) compiles '#include <xxhash.h>\n#if XXH_VERSION_NUMBER < 800\n#error old\n#endif\n' ;;
    cmocka) compiles '#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <setjmp.h>\n#include <cmocka.h>\n' ;;
    fftw) compiles '#include <fftw3.h>\n' ;;
    nm) command -v nm > /dev/null ;;
    xz) command -v xz > /dev/null ;;
    chromium) command -v chromium > /dev/null || command -v chromium-browser > /dev/null || command -v google-chrome > /dev/null ;;
    forcefields) [ -d "${GMXDATA:-/usr/share/gromacs}/top" ] ;;
    python) "$here/find-python.sh" > /dev/null 2>&1 ;;
    gromacs) command -v gmx > /dev/null && command -v g++ > /dev/null ;;
    lammps) command -v lmp > /dev/null ;;
    clang) command -v clang > /dev/null ;;
    clangformat) command -v clang-format > /dev/null ;;
    clangtidy) command -v clang-tidy > /dev/null ;;
    esac
}
# Fills missing, debian, fedora and spack with what the wanted groups lack; extra, extra_debian and extra_fedora with
# what is optional.
look() {
    local group name deb fed spk
    missing= debian= fedora= spack= extra= extra_debian= extra_fedora=
    while read -r group name deb fed spk; do
        [ -n "$group" ] || continue
        case " $groups " in *" $group "*) ;; *) continue ;; esac
        if [ -z "${1:-}" ] && probe "$name"; then continue; fi
        case $optional in *" $name "*)
            extra="$extra $name"
            extra_debian="$extra_debian ${deb//,/ }"
            extra_fedora="$extra_fedora ${fed//,/ }"
            continue ;;
        esac
        missing="$missing $name"
        debian="$debian ${deb//,/ }"
        fedora="$fedora ${fed//,/ }"
        [ "$spk" = - ] || spack="$spack ${spk//,/ }"
    done <<< "$table"
}
show() {
    cat >&2 << TEXT
  Debian, Ubuntu:  apt-get update && apt-get install --no-install-recommends$debian
  Fedora:          dnf install$fedora
  clusters:        module load gcc openmpi hdf5      (a parallel HDF5 built with the same MPI; names differ by site)
                   spack install$spack && spack load$spack
  elsewhere:       set HDF5_CFLAGS and HDF5_LIBS on make's command line if pkg-config does not know HDF5
TEXT
}

# The usual case first, in one compilation: everything that a build needs is there.
if [ "$groups" = build ] && [ -z "$print_only" ] && probe mpi && compiles '#include <mpi.h>
#include <hdf5.h>
#include <ini.h>
#include <Random123/philox.h>
#include <xxhash.h>
#ifndef H5_HAVE_PARALLEL
#error serial
#endif
'; then exit 0; fi

if [ -n "$print_only" ]; then
    look all
    debian="$debian$extra_debian" fedora="$fedora$extra_fedora"
    show
    exit 0
fi
look
[ -n "$missing$extra" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo > /dev/null && sudo -n true 2> /dev/null; then as_root='sudo -n'; else as_root=no; fi
fi
if [ "$as_root" = no ] || { ! command -v apt-get > /dev/null && ! command -v dnf > /dev/null; }; then
    [ -z "$extra" ] || echo "skein: without$extra some tests are skipped" >&2
    [ -n "$missing" ] || exit 0
    echo "skein: missing:$missing. Nothing may be installed from here; one of these provides it:" >&2
    show
    exit 3
fi

echo "skein: installing what is missing:$missing$extra" >&2
if command -v apt-get > /dev/null; then
    run="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0"
    log=$(mktemp)
    install() { $run install -y --no-install-recommends "$@" > "$log" 2>&1; }
    # Without lists (a fresh image) or with stale ones the first try fails; then the lists are fetched, once.
    if ! install $debian $extra_debian && ! { $run update > "$log" 2>&1 && install $debian $extra_debian; }; then
        install $debian || cat "$log" >&2
    fi
    rm -f "$log"
else
    $as_root dnf install -y $fedora $extra_fedora >&2 || $as_root dnf install -y $fedora >&2
    [ -x /usr/lib64/openmpi/bin/mpicc ] && PATH=$PATH:/usr/lib64/openmpi/bin
fi
look
[ -z "$extra" ] || echo "skein: without$extra some tests are skipped" >&2
if [ -n "$missing" ]; then
    echo "skein: still missing after the installation:$missing" >&2
    [ -n "${fedora_path:-}" ] && echo "skein: try: $fedora_path" >&2
    show
    exit 3
fi
