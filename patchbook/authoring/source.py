"""A chapter's .md file as an nbgrader source notebook: the author writes ids, this writes the rest."""

import hashlib
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from patchbook.authoring.course import Course
from patchbook.authoring.head import consent, foot, head
from patchbook.authoring.problems import refuse_problems

SHORT = ("exercise", "check", "interpret", "setup", "points")
SETUP_MARKER = "# SETUP"


@dataclass(frozen=True)
class Kind:
    """How nbgrader treats a cell: gives marks for it, lets the learner write in it."""

    grade: bool
    solution: bool
    locked: bool
    prefix: str = ""


KINDS = {
    "exercise": Kind(grade=False, solution=True, locked=False),
    "check": Kind(grade=True, solution=False, locked=True, prefix="test_"),
    "interpret": Kind(grade=True, solution=True, locked=False),
}


def source_notebook(course: Course, chapter: str) -> NotebookNode:
    """The chapter with solutions, hidden tests and nbgrader's metadata; nbformat 4.5.

    Reading the same file twice gives the same notebook, cell ids included.
    Raises AuthorError, which names every cell to mend and what to write there.
    """
    import jupytext

    text = course.solution(chapter).read_text(encoding="utf-8")
    notebook = jupytext.reads(text, fmt="md:myst")
    refuse_problems(course, chapter, notebook, text)
    fill_repository(notebook, course)
    for cell in notebook.cells:
        cell.metadata = derived_metadata(cell)
    cells = _under_the_set_up(consent(course, chapter), notebook.cells)
    cells = [head(course, chapter), *cells, foot(course, chapter)]
    notebook.cells = [cell for cell in cells if cell is not None]
    name_cells(notebook)
    notebook.metadata = notebook_metadata(chapter)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    return notebook


def _under_the_set_up(cell: NotebookNode | None, cells: list[NotebookNode]) -> list[NotebookNode | None]:
    """The cells with one more, where the package is there; without it, if nothing sets the package up."""
    for number, other in enumerate(cells, 1):
        if other.source.startswith(SETUP_MARKER):
            return [*cells[:number], cell, *cells[number:]]
    return cells


def kind_of(cell: NotebookNode) -> str | None:
    """ "exercise", "check" or "interpret", from the author's short metadata; None for other cells."""
    return next((kind for kind in KINDS if kind in cell.metadata), None)


def derived_metadata(cell: NotebookNode) -> NotebookNode:
    """nbgrader's metadata for the author's `exercise:`, `check:`, `interpret:` and `points:`."""
    kept = {key: value for key, value in cell.metadata.items() if key not in SHORT}
    name = kind_of(cell)
    if name is not None:
        kind = KINDS[name]
        grader = {
            "schema_version": 3,
            "grade_id": kind.prefix + cell.metadata[name],
            "grade": kind.grade,
            "solution": kind.solution,
            "locked": kind.locked,
            "task": False,
            "cell_type": cell.cell_type,
        }
        if kind.grade:
            grader["points"] = cell.metadata["points"]
        kept["nbgrader"] = grader
    return nbformat.from_dict(kept)


def fill_repository(notebook: NotebookNode, course: Course) -> None:
    """Write the repository's address where the author left `{{ repository }}`."""
    for cell in notebook.cells:
        if "{{ repository }}" in cell.source:
            cell.source = cell.source.replace("{{ repository }}", course.repository())


def name_cells(notebook: NotebookNode) -> None:
    """Stable cell ids: the graded cells' own, else a digest of the text, so that diffs stay small."""
    taken = set()
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        wanted = cell.metadata.get("nbgrader", {}).get("grade_id", digest)[:64]
        name, copy = wanted, 2
        while name in taken:
            name, copy = f"{wanted[:60]}-{copy}", copy + 1
        taken.add(name)
        cell.id = name


def notebook_metadata(chapter: str) -> NotebookNode:
    """What Jupyter and Colab look for when they open the file."""
    return nbformat.from_dict(
        {
            "colab": {"name": f"{chapter}.ipynb", "provenance": [], "toc_visible": True},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
