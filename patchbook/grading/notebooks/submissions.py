"""What a class handed in: `submissions/<learner>/<chapter>.ipynb`, read safely.

nbgrader's folder of collected work is read as it is: `submitted/<learner>/<chapter>/<chapter>.ipynb`.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from patchbook.grading.notebooks.strange_json import from_json

LARGEST = 50  # MB; a notebook full of figures has 5
MOST_CELLS = 1000  # the longest chapter has 210; each one that is run costs a worker's time


class Unreadable(Exception):
    """A file that cannot be graded. The message says what it is and what to ask the learner for."""


@dataclass(frozen=True)
class Submission:
    """One learner's notebook for one chapter; `path` is None when they handed in nothing."""

    learner: str
    chapter: str
    path: Path | None


def find_submissions(folder: Path, chapters: list[str]) -> list[Submission]:
    """Every learner with every chapter that anybody handed in, in order.

    Raises FileNotFoundError when no folder of a learner holds a notebook of these chapters.
    """
    learners = sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    found = {(legible(who), chapter): notebook_of(who, chapter) for who in learners for chapter in chapters}
    handed_in = {chapter for (_, chapter), path in found.items() if path and path.parent != folder}
    if not handed_in:
        raise FileNotFoundError(
            f"no notebook to grade in {folder}: it should hold one folder for each learner, "
            f"such as {folder / 'ada-lovelace' / (chapters[0] + '.ipynb')}"
        )
    return [Submission(who, chapter, path) for (who, chapter), path in found.items() if chapter in handed_in]


def legible(folder: Path) -> str:
    """A folder's name; a byte of it that is no text, which no gradebook could keep, becomes such as %FF."""
    return re.sub(r"[\udc80-\udcff]", lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", folder.name)


def notebook_of(learner: Path, chapter: str) -> Path | None:
    """The learner's file for a chapter: by its name, or a browser's copy such as "… (1).ipynb".

    Where there is none, that in a folder of the chapter's name. A folder that is a link may lead to somebody
    else's work: the link itself stands for all its files.
    """
    if learner.is_symlink():
        return learner
    exact = learner / f"{chapter}.ipynb"
    try:
        if exact.exists() or exact.is_symlink():
            return exact
        copies = sorted(
            path for path in learner.iterdir() if path.suffix == ".ipynb" and chapter in path.name
        )
        if copies:
            return copies[-1]
        inner = learner / chapter
        return notebook_of(inner, chapter) if inner.is_dir() and inner.name != learner.name else None
    except OSError:  # a folder that cannot be looked into: `read_notebook` says why
        return exact


def read_notebook(path: Path) -> NotebookNode:
    """The notebook in a file, as nbformat 4. Raises Unreadable, never anything else."""
    return _parse(_content(path))


def taken(path: Path) -> dict[str, str]:
    """A file as data that can travel: its "content", a character for each byte, or why it is "unreadable"."""
    try:
        return {"content": _content(path).decode("latin-1")}
    except Unreadable as error:
        return {"unreadable": str(error)}


def notebook_of_taken(file: dict[str, str]) -> NotebookNode:
    """What `read_notebook` says of the file that was taken, here or on another machine. Raises Unreadable."""
    if "unreadable" in file:
        raise Unreadable(file["unreadable"])
    return _parse(file["content"].encode("latin-1"))


def _content(path: Path) -> bytes:
    try:
        if path.is_symlink() or not path.is_file():
            raise Unreadable("it is a link or a folder, not a file: ask for the notebook itself")
        if path.stat().st_size > LARGEST * 2**20:
            raise Unreadable(f"it is larger than {LARGEST} MB: ask for it with its outputs cleared")
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"it cannot be read here ({error.strerror}): mend that, then grade again") from None


def _parse(content: bytes) -> NotebookNode:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("it is not text, so not a notebook: ask for the .ipynb file") from None
    if not text.strip():
        raise Unreadable("the file is empty: ask for it again")
    if text.lstrip().startswith("<"):
        raise Unreadable("it is a web page, not a notebook: ask for File > Download > .ipynb")
    try:
        raw = from_json(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a ValueError, too
        line = f" after line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Unreadable(f"it breaks off or is damaged{line}: ask for it again") from None
    try:
        notebook = nbformat.from_dict(raw)
        if raw["nbformat"] < 4:
            notebook = nbformat.convert(notebook, 4)
        return _plain(_short(notebook))
    except Unreadable:
        raise
    except Exception as error:  # a stranger's JSON: whatever is wrong in it is wrong with the file
        raise Unreadable(f"it is not a notebook ({type(error).__name__}): ask for the .ipynb file") from None


def _short(notebook: NotebookNode) -> NotebookNode:
    if len(notebook.cells) > MOST_CELLS:
        raise Unreadable(
            f"it has {len(notebook.cells):,} cells, and more than {MOST_CELLS:,} are not graded: "
            "ask for the chapter's own cells"
        )
    return notebook


def _plain(notebook: NotebookNode) -> NotebookNode:
    """The cells with every field that the grading reads, and no outputs: those are made afresh."""
    if not isinstance(notebook.get("metadata"), dict):
        notebook.metadata = NotebookNode()
    for cell in notebook.cells:
        cell.cell_type = str(cell.cell_type)
        source = cell.get("source", "")
        cell.source = source if isinstance(source, str) else "".join(source)
        if not isinstance(cell.get("metadata"), dict):
            cell.metadata = NotebookNode()
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook
