"""The learner's notebook, made from the source notebook by nbgrader's own preprocessors."""

import copy
import re

from nbformat import NotebookNode
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
    SaveCells,
)
from traitlets.config import Config

STUB = 'raise NotImplementedError("exercise '  # then the exercise's name; learners' files are searched for it

BEGIN_VALUE = re.compile(r"^### BEGIN SOLUTION", re.MULTILINE)  # not indented: no function is around it


class NamedStubs(ClearSolutions):
    """nbgrader's ClearSolutions, with a stub that says which exercise it belongs to.

    A value to predict gets none: a line that raises there would stop "Run all", and its question mark says
    enough.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        predicts = BEGIN_VALUE.search(cell.source) is not None
        self.code_stub = {"python": "" if predicts else f'{STUB}{name}")'}
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        if predicts:
            cell.source = cell.source.rstrip()
        return cell, resources


# nbgrader's own order, but for one step: the rubric goes before the cells are saved. It stands in the
# cell that the learner writes in, so with the rubric in its checksum an untouched answer would count
# as written and wait for a human.
RELEASE_STEPS = [
    LockCells,
    NamedStubs,
    ClearMarkScheme,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
    ClearHiddenTests,
    ComputeChecksums,
    CheckCellMetadata,
]
PLACE_FOR_TEXT = "*Write your answer here, in place of this line.*"
SOLUTION_MARKERS = ("### BEGIN SOLUTION", "### END SOLUTION")


def release_config() -> Config:
    """nbgrader's settings for a release; grading uses the same ones, so both see the same cells."""
    config = Config()
    config.ClearSolutions.text_stub = PLACE_FOR_TEXT
    config.ClearMarkScheme.enforce_metadata = False  # the rubric stands in the answer's own cell
    return config


def release_notebook(source: NotebookNode) -> NotebookNode:
    """A copy of a source notebook without solutions, rubrics and hidden tests, and no gradebook."""
    return _apply([step for step in RELEASE_STEPS if step is not SaveCells], source)


def solved_notebook(source: NotebookNode) -> NotebookNode:
    """The release as a learner would hand it in who had written exactly the course's solutions."""
    solved = _apply([step for step in RELEASE_STEPS if step not in (SaveCells, NamedStubs)], source)
    for cell in solved.cells:
        lines = cell.source.split("\n")
        cell.source = "\n".join(line for line in lines if line.strip() not in SOLUTION_MARKERS)
    return solved


def _apply(steps: list[type], source: NotebookNode) -> NotebookNode:
    notebook, resources = copy.deepcopy(source), {}
    for step in steps:
        notebook, resources = step(config=release_config())(notebook, resources)
    return notebook
