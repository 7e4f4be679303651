#!/bin/sh
# Prints the first Python here that really runs (a name on the path may be a dead shim), can make
# environments and is 3.11 or newer; prints nothing if there is none. PYTHON=... is the only one tried if set.
if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- python3 python3.13 python3.12 python3.11 python3.14 python
fi
for newest in 13 99; do # first the versions we test with, then anything newer
    for python; do
        "$python" -c "
import sys, venv, ensurepip
if not (3, 11) <= sys.version_info[:2] <= (3, $newest): sys.exit(1)
print(sys.executable)" 2>/dev/null && exit
    done
done
