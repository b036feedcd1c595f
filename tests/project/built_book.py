"""The book, built once for all the tests that read it, whichever process of the run comes first.

Executed cells are kept in build/jupyter-cache, keyed by the package's source, so a second run is quick.
"""

import fcntl
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from uuid import uuid4

ROOT = Path(__file__).resolve().parents[2]
EDITIONS = ("self-study", "class")
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid4().hex  # never that of an earlier run


@cache
def built(edition: str) -> Path:
    """The html folder of an edition. Another process that asks for it meanwhile waits."""
    out = ROOT / "build" / "test-book" / edition
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "built-in", "a+") as note:
        fcntl.flock(note, fcntl.LOCK_EX)
        note.seek(0)
        if note.read() != RUN:
            build(edition, out)
            note.truncate(0)
            note.write(RUN)
    return out / "_build" / "html"


def build(edition: str, out: Path) -> None:
    command = [sys.executable, str(ROOT / "book" / "build.py"), "--edition", edition, "--out", str(out)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
