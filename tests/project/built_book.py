"""The book, built once for all the tests that read it, whichever process of the run comes first.

Of the chapters run those that `drawing` draws, and the one whose figures a browser looks at. What has run is
kept in build/jupyter-cache, keyed by the package's source, so a second run is quick.
"""

import fcntl
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from uuid import uuid4

from patchbook.authoring import find_course
from tests.project.drawing import share_of

ROOT = Path(__file__).resolve().parents[2]
EDITIONS = ("self-study", "class")
LOOKED_AT = "01_induction_heads"  # it has figures of every kind
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid4().hex  # never that of an earlier run


def running() -> set[str]:
    """The chapters whose cells run."""
    return {LOOKED_AT, *share_of(find_course(ROOT).chapters, "test_a_solution_says_that_all_is_right")}


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
    command += ["--run", *sorted(running())]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
