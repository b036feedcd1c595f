"""Turn a source notebook, solutions/NN_topic.md, into the page a learner may read.

What stays: the text, the hints, each exercise as the notebook shows it, the check's output, the
figures, and each solution folded away. What goes: hidden tests, mark schemes, nbgrader's markers.
"""

import re

import jupytext
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

HIDDEN = re.compile(
    r"^[^\n]*### BEGIN (HIDDEN TESTS|MARK SCHEME).*?### END \1[^\n]*\n?", re.DOTALL | re.MULTILINE
)
SOLUTION = re.compile(
    r"^(?P<indent>[ \t]*)### BEGIN SOLUTION[^\n]*\n(?P<body>.*?)^[ \t]*### END SOLUTION[^\n]*\n?",
    re.DOTALL | re.MULTILINE,
)
MARKER = re.compile(r"^[ \t]*(?:# (?:EXERCISE|CHECK|SETUP)|<!-- EXERCISE)\b[^\n]*\n", re.MULTILINE)
LEFT_OVER = re.compile(r"### (?:BEGIN|END) ")


def exercise_page(text: str, repository: str) -> str:
    """Return the MyST text of the page for a source notebook's text.

    Args:
        text: the whole of solutions/NN_topic.md.
        repository: the address that `{{ repository }}` stands for.
    Raises:
        ValueError: a marker has no partner, so that something hidden would show.
    """
    notebook = jupytext.reads(text.replace("{{ repository }}", repository), fmt="md:myst")
    notebook.cells = [shown for cell in notebook.cells for shown in _shown(cell)]
    page = jupytext.writes(notebook, fmt="md:myst")
    if left := LEFT_OVER.search(page):
        line = page[left.start() :].splitlines()[0]
        raise ValueError(f"the marker {line!r} has no partner: the page would show what is hidden")
    return page


def stub(source: str, exercise: str) -> str:
    """An exercise as the notebook shows it: a function's solution replaced by NotImplementedError."""
    missing = f'raise NotImplementedError("exercise {exercise}")\n'
    return SOLUTION.sub(lambda found: found["indent"] and found["indent"] + missing, source)


def _shown(cell: NotebookNode) -> list[NotebookNode]:
    cell.source = HIDDEN.sub("", cell.source)
    if exercise := cell.metadata.get("exercise"):
        return _exercise_cells(cell, exercise)
    if "interpret" in cell.metadata:
        return _interpret_cells(cell)
    if cell.metadata.get("setup"):
        cell.metadata = {"tags": ["hide-input"], "mystnb": _prompt("Show the set-up")}
    cell.source = MARKER.sub("", cell.source).rstrip()
    return [cell]


def _exercise_cells(cell: NotebookNode, exercise: str) -> list[NotebookNode]:
    """The stub as text (running it would raise), then the solution, folded and run."""
    source = MARKER.sub("", cell.source)
    task = new_markdown_cell(f"```python\n{stub(source, exercise).rstrip()}\n```")
    cell.source = SOLUTION.sub(lambda found: found["body"], source).rstrip()
    cell.metadata = {"tags": ["hide-input"], "mystnb": _prompt("Show the solution")}
    return [task, cell]


def _interpret_cells(cell: NotebookNode) -> list[NotebookNode]:
    """The question, then the model answer, folded."""
    source = MARKER.sub("", cell.source)
    answers = [found["body"].strip() for found in SOLUTION.finditer(source)]
    cell.source = SOLUTION.sub("", source).rstrip()
    cell.metadata = {}
    answer = "\n\n".join(answers)
    folded = f"<details><summary>Show a model answer</summary>\n\n{answer}\n\n</details>"
    return [cell, new_markdown_cell(folded)] if answers else [cell]


def _prompt(text: str) -> dict[str, str]:
    return {"code_prompt_show": text, "code_prompt_hide": text.replace("Show", "Hide")}
