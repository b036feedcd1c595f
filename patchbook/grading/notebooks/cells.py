"""Graded cells: which exercise they belong to, what they are worth, and the errors that ended them."""

from nbformat import NotebookNode
from nbformat.v4 import new_output

DIED, TIMED_OUT, NOT_RUN = "KernelDied", "CellTimeoutError", "NotRun"


def exercise_of(grade_id: str) -> str:
    """The exercise that a graded cell belongs to: "test_x" is the check of "x"."""
    return grade_id.removeprefix("test_")


def is_check(cell: NotebookNode) -> bool:
    return cell.metadata.get("nbgrader", {}).get("grade", False)


def failed_to_end(cell: NotebookNode) -> bool:
    return any(output.get("ename") in (TIMED_OUT, DIED, NOT_RUN) for output in cell.get("outputs", []))


def record(cell: NotebookNode, name: str, reason: str) -> None:
    """Say in the cell's outputs what happened to it; nbgrader then gives it no points."""
    cell.outputs = [
        output for output in cell.get("outputs", []) if output.get("ename") not in (DIED, TIMED_OUT)
    ]
    cell.outputs.append(new_output("error", **error(name, reason)))


def error(name: str, reason: str) -> dict:
    return {"ename": name, "evalue": reason, "traceback": [f"{name}: {reason}"]}


def worth_of(released: NotebookNode) -> dict[str, float]:
    """The points of each exercise of a released notebook, in order."""
    graded = [cell.metadata.nbgrader for cell in released.cells if "nbgrader" in cell.metadata]
    return {exercise_of(g.grade_id): float(g.points) for g in graded if g.grade}


def called(grade_id: str) -> str:
    """A graded cell in a reader's words."""
    exercise = exercise_of(grade_id)
    return exercise if exercise == grade_id else f"check of {exercise}"


def grade_id_of(cell: NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")
