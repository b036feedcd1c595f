"""Build the book: every page executed on the shipped models, offline, warnings as errors.

    .venv/bin/python book/build.py                      # the edition for self-study
    .venv/bin/python book/build.py --edition class      # without any solution

The class edition shows exercises/NN_topic.ipynb, unexecuted, where the self-study edition shows
the pages made from solutions/NN_topic.md.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = {"self-study": ROOT / "build" / "book", "class": ROOT / "build" / "book-class"}


def main() -> int:
    """Build one edition and say where it lies; returns jupyter-book's exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edition", choices=list(OUT), default="self-study")
    parser.add_argument("--out", type=Path, help="folder to build in (default: build/book…)")
    chosen = parser.parse_args()
    out = (chosen.out or OUT[chosen.edition]).resolve()
    status = build(chosen.edition, out)
    if status == 0:
        print(f"The {chosen.edition} edition: {out / '_build' / 'html' / 'index.html'}")
    return status


def build(edition: str, out: Path) -> int:
    """Run jupyter-book for one edition into `out`; returns its exit status."""
    out.mkdir(parents=True, exist_ok=True)
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    command = [str(jupyter_book), "build", str(ROOT), "-W", "--keep-going", "-q"]
    command += ["--path-output", str(out), "--toc", str(table_of_contents(edition, out))]
    offline = {"HF_HUB_OFFLINE": "1", "PATCHBOOK_EDITION": edition}
    return subprocess.run(command, cwd=ROOT, env=os.environ | offline).returncode


def table_of_contents(edition: str, out: Path) -> Path:
    """The _toc.yml of an edition: the class reads the exercises where others read solutions."""
    listed = ROOT / "_toc.yml"
    if edition == "self-study":
        return listed
    copy = out / "_toc.yml"
    copy.write_text(listed.read_text(encoding="utf-8").replace("solutions/", "exercises/"))
    return copy


if __name__ == "__main__":
    sys.exit(main())
