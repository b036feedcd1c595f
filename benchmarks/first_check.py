"""Seconds from opening a notebook to the first check that passes.

    .venv/bin/python benchmarks/first_check.py             # chapter 0; the table goes to first_check.md
    .venv/bin/python benchmarks/first_check.py 02_ioi      # another chapter, printed only

A fresh kernel runs the chapter's cells in order, solved, down to the first check.
What a learner reads and thinks is not in it, nor what Colab needs to install the course.
"""

import os
import sys
import time
from pathlib import Path

from notebooks import name_of

os.environ |= {"TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1", "PATCHBOOK_MODEL": "tiny-gpt2"}

HERE = Path(__file__).parent
CHAPTER = "00_hooks_and_caches"


def upto_first_check(chapter: str):
    """The chapter's notebook, solved, without what comes after its first check."""
    from patchbook.authoring import find_course, solved_notebook, source_notebook

    notebook = solved_notebook(source_notebook(find_course(HERE.parent), chapter))
    checks = [i for i, cell in enumerate(notebook.cells) if cell.source.startswith("# CHECK ")]
    notebook.cells = notebook.cells[: checks[0] + 1]
    return notebook


def timed(chapter: str) -> list[tuple[str, float]]:
    """(what, seconds since the notebook was opened), for the kernel and each code cell; a line at a time."""
    from nbclient import NotebookClient

    notebook, rows = upto_first_check(chapter), []
    client = NotebookClient(notebook, timeout=None, kernel_name="python3")
    start = time.monotonic()
    with client.setup_kernel():
        rows.append(("the kernel answers", time.monotonic() - start))
        for place, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                client.execute_cell(cell, place)
                rows.append((f"`{name_of(cell.source)}`", time.monotonic() - start))
    printed = "".join(output.get("text", "") for output in notebook.cells[-1].outputs)
    if not printed.startswith("✓ "):
        sys.exit(f"the first check of {chapter} does not pass: {printed or notebook.cells[-1].outputs}")
    return rows


def main(chapter: str = CHAPTER) -> None:
    rows = timed(chapter)
    lines = ["| what has run | seconds since opening |", "| --- | --: |"]
    lines += [f"| {what} | {seconds:.1f} |" for what, seconds in rows]
    print("\n".join(lines))
    print(f"{rows[-1][1]:.1f} s from opening {chapter} to the first check that passes")
    if chapter == CHAPTER:
        (HERE / "first_check.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
