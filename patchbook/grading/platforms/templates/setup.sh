#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the container: Python, the pinned environment, the course.
set -euo pipefail
root=${PATCHBOOK_AUTOGRADER:-/autograder}
export DEBIAN_FRONTEND=noninteractive

apt-get update
apt-get install -y --no-install-recommends bubblewrap python3 python3-venv
python=python3
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then # Ubuntu 22.04 has 3.10
  apt-get install -y --no-install-recommends python3.11 python3.11-venv
  python=python3.11
fi

"$python" -m venv "$root/python"
"$root/python/bin/pip" install --no-cache-dir -r "$root/source/package/requirements.txt"
"$root/python/bin/pip" install --no-cache-dir --no-deps "$root/source/package"
chmod o+x "$root"                         # learners' code runs as another user, with this Python
chmod -R o+rX "$root/python"
chmod -R go= "$root/source"               # but it reads no solution and no hidden test
