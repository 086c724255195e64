#!/bin/sh
# timeout: 120
# scripts/statehash against the hash that the program computes; and it must notice a changed atom, step or stored hash.
. "$(dirname "$0")/lib.sh"
for atoms in 1 1000 140000; do
    said=$(timeout 60 mpirun -n 3 "$programs/mpi_checkpoint" write "$folder/a.h5" $atoms) || fail "writing: $said"
    found=$("$python" "$root/scripts/statehash" "$folder/a.h5") || fail "statehash exits $? on a good file"
    [ "$said" = "$found" ] || fail "program says '$said', script '$found'"
done
change() {
    cp "$folder/a.h5" "$folder/b.h5"
    "$python" - "$folder/b.h5" "$1" <<'END' || fail "cannot change the file"
import sys, h5py
with h5py.File(sys.argv[1], "r+") as f:
    exec(sys.argv[2])
END
    if "$python" "$root/scripts/statehash" "$folder/b.h5" >/dev/null 2>&1; then fail "not noticed: $1"; fi
}
change 'f["x"][77, 1] += 1'
change 'f["image"][77, 2] += 1'
change 'f["v"][139999, 0] *= 1.0000001'
change 'f["state"].attrs.modify("step", f["state"].attrs["step"] + 1)'
change 'f["state"].attrs.modify("box", f["state"].attrs["box"] * 1.5)'
change 'f["state"].attrs.modify("state_hash", f["state"].attrs["state_hash"] // 2)'
if "$python" "$root/scripts/statehash" "$folder/none.h5" >/dev/null 2>&1; then fail "a missing file passes"; fi
echo "statehash: program and script agree on 1, 1000, 140000 atoms; 7 faults noticed"
