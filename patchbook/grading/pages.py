"""What a learner's page says at its top: the marks by name, and what became of the notebook."""

from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

from patchbook.grading.execute import exercise_of
from patchbook.grading.results import fate

TEMPLATE = "patchbook_feedback"
TEMPLATES = Path(__file__).parent / "templates"


class Summarise(NbGraderPreprocessor):
    """Adds what our template shows and nbgrader's GetGrades does not: names, status, marks still to come."""

    def preprocess(self, nb, resources):
        names = resources["nbgrader"]
        pending = scores(names["db_url"], names["assignment"], names["student"])
        by_hand = 0.0
        for cell in (cell for cell in nb.cells if "nbgrader" in cell.metadata):
            grader = cell.metadata.nbgrader
            grader["exercise"] = exercise_of(grader.get("grade_id", ""))
            grader["pending"] = grader["grade"] and pending[grader["grade_id"]] is None
            by_hand += grader["points"] if grader["pending"] else 0
        status, reason = fate(nb)
        names["summary"] = {"status": status, "reason": reason, "by_hand": by_hand}
        return nb, resources


def scores(url: str, chapter: str, learner: str) -> dict[str, float | None]:
    """Points by nbgrader's grade id, from the gradebook; None where a human must still give them."""
    with Gradebook(url) as book:
        grades = book.find_submission_notebook(chapter, chapter, learner).grades
        return {grade.name: None if grade.needs_manual_grade else float(grade.score) for grade in grades}
