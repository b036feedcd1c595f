"""CPU time of every notebook, and of its slowest cell, at GPT-2 small's size.

    .venv/bin/python benchmarks/notebooks.py               # all; the table goes to benchmarks/notebooks.md
    .venv/bin/python benchmarks/notebooks.py 03_capitals   # one of them, every cell over two seconds

Each solution runs from top to bottom in a process of its own, on one thread. The model has GPT-2's shape, its
tokenizer and random weights. It does no task, so what a notebook does only with heads that it found costs
nothing here. The last line says whether a cell is over CELL seconds or a notebook over NOTEBOOK.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ |= {"TQDM_DISABLE": "1", "PATCHBOOK_DEVICE": "cpu", "HF_HUB_OFFLINE": "1"}
sys.path.insert(0, str(Path(__file__).parents[1]))  # for tests.project

CELL, NOTEBOOK = 60, 8 * 60
HERE = Path(__file__).parent
SHOWN = 2  # seconds from which on a cell of a single chapter is listed


def make_model(folder: str) -> None:
    """GPT-2 small with random weights, and GPT-2's tokenizer."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from tests.project.prompt_sets import gpt2_tokenizer

    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config()).save_pretrained(folder)
    gpt2_tokenizer().save_pretrained(folder)


def in_a_fork(chapter: str, model: str) -> list[tuple[float, str]]:
    """(CPU seconds, first line) of each code cell of a chapter's solution."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        with os.fdopen(writer, "w") as pipe:
            json.dump(cells(chapter, model), pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        rows = json.load(pipe)
    os.wait()
    return rows


def cells(chapter: str, model: str) -> list[tuple[float, str]]:
    os.environ["PATCHBOOK_MODEL"] = model
    import torch
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    from patchbook.authoring import find_course
    from patchbook.authoring.source import source_notebook
    from patchbook.grading.notebooks.outputs import HIDDEN

    torch.set_num_threads(1)
    shell, rows = InteractiveShell.instance(), []
    for cell in source_notebook(find_course(), chapter).cells:
        if cell.cell_type != "code":
            continue
        start = time.process_time()
        with capture_output():
            done = shell.run_cell(HIDDEN.sub("", cell.source))  # no learner waits for those tests
        rows.append((time.process_time() - start, name_of(cell.source)))
        if not done.success:
            print(f"{chapter}: {rows[-1][1]!r} ends in {done.error_in_exec!r}", file=sys.stderr)
    return rows


def name_of(source: str) -> str:
    """A cell's first line that says something."""
    lines = (line.strip() for line in source.splitlines())
    return next((line for line in lines if line and not line.startswith(("import ", "from "))), "imports")[
        :60
    ]


def main(chapters: list[str]) -> int:
    from patchbook.authoring import find_course

    every = [path.stem for path in sorted((find_course().root / "solutions").glob("[0-9]*.md"))]
    lines, slow = [], []
    with tempfile.TemporaryDirectory() as folder:
        if os.fork() == 0:  # torch stays out of the process that forks
            make_model(folder)
            os._exit(0)
        os.wait()
        for chapter in chapters or every:
            rows = in_a_fork(chapter, folder)
            total, (longest, name) = sum(seconds for seconds, _ in rows), max(rows)
            lines.append(f"| {chapter} | {total:.0f} | {longest:.0f} | `{name}` |")
            print(lines[-1], flush=True)
            for seconds, its in rows if chapters else []:
                if seconds >= SHOWN:
                    print(f"{seconds:8.1f} s  {its}")
            slow += [chapter] * (longest > CELL or total > NOTEBOOK)
    if not chapters:
        head = ["| notebook | CPU, s | slowest cell, s | which |", "| --- | --: | --: | --- |"]
        (HERE / "notebooks.md").write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
    print("too slow: " + ", ".join(slow) if slow else "none is too slow")
    return bool(slow)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
