"""A prediction may need figures that an unwritten exercise draws: one hard exercise stops nobody.

In a notebook a figure falls back on the reference while an exercise is unwritten (`or_reference`), and a
learner may compute a prediction from it, or from what the library draws. A grading kernel has no references
and no ready-made functions: whoever could call them would have answers. So a prediction that broke there is
run again, in another kernel that has them. Of that run nothing counts but the predictions, of which there is
no reference in that kernel either.
"""

from typing import Any

import nbformat
from nbformat import NotebookNode

from patchbook.authoring.release import STUB
from patchbook.grading.judging.execute import ExecuteToTheEnd
from patchbook.grading.kernels.withheld.not_here import NotHere
from patchbook.grading.notebooks.cells import failed_to_end, is_check
from patchbook.grading.notebooks.plan import Plan, plain


def broken(ran: NotebookNode, plan: Plan) -> dict[str, str]:
    """Predictions whose cell raised while something was missing: the check's grade id -> the exercise.

    Missing is what is unwritten, and what a grading kernel does not have.
    """
    if not unwritten(ran) and NotHere.__name__ not in raised_in(ran.cells):
        return {}
    written = [cell for cell in ran.cells if STUB not in cell.source]
    raised = {
        cell.metadata.get("nbgrader", {}).get("grade_id")
        for cell in written
        if not failed_to_end(cell) and any(o.output_type == "error" for o in cell.get("outputs", []))
    }
    predictions = {name: asked.exercise for name, asked in plan.checks.items() if asked.predicts}
    return {name: exercise for name, exercise in predictions.items() if exercise in raised}


def run_again(
    first: ExecuteToTheEnd, notebook: NotebookNode, ran: NotebookNode, settings: dict[str, Any]
) -> list[str]:
    """Run broken predictions with references, and put their records into the first run's.

    first, ran: the first run's step and notebook.  notebook: as it was before any run.
    settings: the first run's, in nbclient's words.  Returns a line for each prediction.
    """
    again = broken(ran, first.plan)
    if not again:
        return []
    checks = {name: first.plan.checks[name] for name in again}
    every = [asked.exercise for asked in first.plan.checks.values() if not asked.predicts]
    kernel = first.kernel_options | {"figures": True, "references": every}
    plan = Plan(checks, first.plan.shows)
    second = ExecuteToTheEnd(plan, kernel_options=kernel, spent=first.spent, **settings)
    other = without_checks(notebook, keep=set(again))
    second.preprocess(other, {})
    first.records |= second.records
    for cell, done in zip(ran.cells, other.cells, strict=True):
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in again:
            cell.outputs = done.outputs
        elif name in again.values():
            cell.outputs = []  # it could print what it saw
    lacking = (
        "the reference's values for what is unwritten" if unwritten(ran) else "what figures are made with"
    )
    return [f"{name}: run with {lacking}" for name in again.values()]


def unwritten(ran: NotebookNode) -> bool:
    return any(STUB in cell.source for cell in ran.cells)


def raised_in(cells: list[NotebookNode]) -> set[str]:
    """The names of the errors in their outputs."""
    return {output.get("ename") for cell in cells for output in cell.get("outputs", [])} - {None}


def hide_lacks(ran: NotebookNode, plan: Plan) -> None:
    """No page tells a learner that a figure of the course's own lacks a function that is withheld."""
    if NotHere.__name__ not in raised_in(ran.cells):
        return
    for cell in ran.cells:
        if cell.cell_type == "code" and plain(cell.source) in plan.shows and raised_in([cell]):
            cell.outputs = []


def show_all(
    first: ExecuteToTheEnd, notebook: NotebookNode, ran: NotebookNode, settings: dict[str, Any]
) -> None:
    """Fill in the cells that only show, from a run in which they have all that they use, and nothing counts.

    The arguments are those of `run_again`.
    """
    kernel, nothing = first.kernel_options | {"figures": True}, Plan({}, first.plan.shows)
    step = ExecuteToTheEnd(nothing, kernel_options=kernel, run_all=True, spent=first.spent, **settings)
    other = without_checks(notebook, keep=set())
    step.preprocess(other, {})
    for index in first.skipped:
        ran.cells[index] = other.cells[index]


def without_checks(notebook: NotebookNode, keep: set[str]) -> NotebookNode:
    """A copy whose checks do nothing, but for some."""
    copy = nbformat.from_dict(notebook)
    for cell in copy.cells:
        if is_check(cell) and cell.cell_type == "code" and cell.metadata.nbgrader.grade_id not in keep:
            cell.source = ""
    return copy
