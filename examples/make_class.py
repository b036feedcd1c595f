"""Make examples/submissions from examples/answers.toml and the course as it is now.

    python examples/make_class.py

Run it after a chapter changed: the answers stay, the notebooks around them are renewed.
"""

import copy
import json
import shutil
import tomllib
from pathlib import Path

from nbformat import NotebookNode

from patchbook.authoring import Course, find_course, release_notebook, solved_notebook, source_notebook
from patchbook.authoring.release import PLACE_FOR_TEXT

HERE = Path(__file__).parent
TORN = 0.6  # of the file arrived


def main() -> None:
    course = find_course(HERE.parent)
    learners = tomllib.loads((HERE / "answers.toml").read_text(encoding="utf-8"))
    submissions = HERE / "submissions"
    shutil.rmtree(submissions, ignore_errors=True)
    for learner, entry in learners.items():
        for chapter in entry["chapters"]:
            path = submissions / learner / f"{chapter}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(submission(course, chapter, entry), encoding="utf-8")
            print(f"{path.relative_to(HERE)}: {entry['story']}")


def submission(course: Course, chapter: str, entry: dict) -> str:
    """The text of the .ipynb file that a learner handed in for a chapter."""
    source = source_notebook(course, chapter)
    untouched, solved = release_notebook(source), solved_notebook(source)
    notebook = copy.deepcopy(solved if entry["begin"] == "solved" else untouched)
    for cell, right, stub in zip(notebook.cells, solved.cells, untouched.cells, strict=True):
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in entry.get("solved", []):
            cell.source = right.source
        if name in entry.get("answers", {}):
            cell.source = answer(stub, entry["answers"][name])
    return saved(notebook, entry.get("saved", {}).get(chapter, ""))


def answer(stub: NotebookNode, text: str) -> str:
    """The learner's text under the stub's marker line, or in the place that a question leaves for it."""
    if stub.cell_type == "markdown":
        return stub.source.replace(PLACE_FOR_TEXT, text.strip())
    return stub.source.split("\n", 1)[0] + "\n" + text.strip()


def saved(notebook: NotebookNode, how: str) -> str:
    """The file as the learner's program wrote it."""
    if how == "colab":
        notebook.nbformat_minor = 0
        for cell in notebook.cells:
            cell.metadata = {"id": cell.pop("id")}
    elif how.startswith("copied "):
        name = how.removeprefix("copied ")
        place = next(index for index, cell in enumerate(notebook.cells) if cell.id == name)
        notebook.cells.insert(place + 1, copy.deepcopy(notebook.cells[place]))
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    return text[: int(len(text) * TORN)] if how == "torn off" else text


if __name__ == "__main__":
    main()
