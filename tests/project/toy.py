"""A course small enough to build and grade in seconds, without torch: four exercises and a question."""

import copy
import json
import shutil
from functools import cache
from pathlib import Path

from nbformat import NotebookNode

from patchbook.authoring import Course, find_course, release_notebook, solved_notebook, source_notebook

CHAPTER = "00_toy"
HOME = Path(__file__).parent / "toy_course"
WORTH = {"double": 3, "shout": 2, "my_guess": 1, "cases_for_double": 2, "interpret_toy": 4}  # points
RIGHT = 8  # points of the solutions, by machine
WRONG_DOUBLE = RIGHT - WORTH["double"]
HIDDEN_SEEDS = ("4711", "4712", "4713", "4714")


def toy_course(folder: Path) -> Course:
    """A copy of the toy course that a test may change."""
    shutil.copytree(HOME, folder)
    return find_course(folder)


def released() -> NotebookNode:
    return release_notebook(source_notebook(find_course(HOME), CHAPTER))


@cache
def solution() -> NotebookNode:
    return solved_notebook(source_notebook(find_course(HOME), CHAPTER))


def solved(**answers: str) -> NotebookNode:
    """The toy chapter with the right answers, but for those given: exercise name = code."""
    notebook = copy.deepcopy(solution())
    for name, code in answers.items():
        cell_of(notebook, name).source = f"# EXERCISE {name}\n{code}"
    return notebook


def cell_of(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    return notebook.cells[place_of(notebook, grade_id)]


def place_of(notebook: NotebookNode, grade_id: str) -> int:
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
    return ids.index(grade_id)


def as_colab_saves(notebook: NotebookNode) -> NotebookNode:
    """nbformat 4.0, the ids in the metadata, nbgrader's metadata gone."""
    saved = copy.deepcopy(notebook)
    saved.nbformat_minor = 0
    for cell in saved.cells:
        cell.metadata = NotebookNode(id=cell.pop("id"))
    return saved


def hand_in(folder: Path, learner: str, notebook: NotebookNode | str, name: str = CHAPTER) -> Path:
    """Write a notebook, or any text, as a learner's submission."""
    path = folder / learner / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebook if isinstance(notebook, str) else json.dumps(notebook))
    return path
