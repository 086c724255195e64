#!/bin/sh
# Prints the Python interpreter that has what the tests import (another one may shadow the system's). Code 1 if none.
for python in "${PYTHON:-python3}" python3 /usr/bin/python3; do
    if "$python" -c '
import importlib.util, sys
sys.exit(any(importlib.util.find_spec(m) is None for m in ("numpy", "h5py", "xxhash", "MDAnalysis")))' 2> /dev/null; then
        command -v "$python"
        exit 0
    fi
done
echo "no Python with numpy, h5py, xxhash and MDAnalysis: scripts/install-deps.sh --tests" >&2
exit 1
