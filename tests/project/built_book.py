"""The book, built once for all the tests that read it.

Executed cells are kept in build/jupyter-cache, keyed by the package's source, so a second run is quick.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EDITIONS = ("self-study", "class")


def build_editions() -> dict[str, Path]:
    """The html folder of each edition."""
    folders = {}
    for edition in EDITIONS:
        out = ROOT / "build" / "test-book" / edition
        command = [sys.executable, str(ROOT / "book" / "build.py"), "--edition", edition]
        run = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr[-2000:]
        folders[edition] = out / "_build" / "html"
    return folders
