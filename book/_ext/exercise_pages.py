"""Turn a source notebook, solutions/NN_topic.md, into the pages a learner may read: one for each section.

What stays: the text, the hints, each exercise as the notebook shows it, the check's output, the
figures, and each solution folded away. What goes: hidden tests, mark schemes, nbgrader's markers.

    notebook = shown(text, repository, solved=True)   # to be run as a whole
    pages = split(notebook, "01_induction_heads")     # {"index": …, "3-detectors": …}
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field

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
HEADING = re.compile(r"^(#+) (.+)$")
EXERCISE = re.compile(
    r"^### Exercise: (?P<title>.+)\n\n"
    r"\*Difficulty (?P<difficulty>[●○]+) · Importance (?P<importance>[●○]+) · "
    r"(?P<time>[^·]+) · (?P<points>[^·]+)\*$",
    re.MULTILINE,
)
CLOSING = ("Quiz", "Bonus", "Further reading", "Take away")  # short sections, which share the last page


@dataclass
class Section:
    """One page: its name in the address, its title, and the cells."""

    name: str
    title: str
    cells: list[NotebookNode] = field(default_factory=list)


def shown(text: str, repository: str, solved: bool = True) -> NotebookNode:
    """Return the notebook that a chapter's pages are made of.

    Args:
        text: the whole of solutions/NN_topic.md.
        repository: the address that `{{ repository }}` stands for.
        solved: with the solutions, so that it can be run; otherwise stubs and questions only.
    Raises:
        ValueError: a marker has no partner, so that something hidden would show.
    """
    notebook = jupytext.reads(text.replace("{{ repository }}", repository), fmt="md:myst")
    cells = [label_exercise(cell, notebook.cells) for cell in notebook.cells]
    notebook.cells = [kept for cell in cells for kept in _kept(cell, solved)]
    for cell in notebook.cells:
        if left := LEFT_OVER.search(cell.source):
            line = cell.source[left.start() :].splitlines()[0]
            raise ValueError(f"the marker {line!r} has no partner: the page would show what is hidden")
    return notebook


def stub(source: str, exercise: str) -> str:
    """An exercise as the notebook shows it: a function's solution replaced by NotImplementedError."""
    missing = f'raise NotImplementedError("exercise {exercise}")\n'
    return SOLUTION.sub(lambda found: found["indent"] and found["indent"] + missing, source)


def label_exercise(cell: NotebookNode, cells: list[NotebookNode]) -> NotebookNode:
    """Give the heading above an exercise's cell its name, so that a link can lead there."""
    if name := cell.metadata.get("exercise") or cell.metadata.get("interpret"):
        above = cells[: cells.index(cell)]
        heading = next(c for c in reversed(above) if c.cell_type == "markdown" and EXERCISE.search(c.source))
        last = list(EXERCISE.finditer(heading.source))[-1]
        heading.source = f"{heading.source[: last.start()]}({name})=\n{heading.source[last.start() :]}"
    return cell


def _kept(cell: NotebookNode, solved: bool) -> list[NotebookNode]:
    cell.source = HIDDEN.sub("", cell.source)
    if exercise := cell.metadata.get("exercise"):
        return _exercise_cells(cell, exercise)[: 2 if solved else 1]
    if "interpret" in cell.metadata:
        return _interpret_cells(cell)[: 2 if solved else 1]
    if cell.metadata.get("setup"):
        cell.metadata = {"tags": ["hide-input"], "mystnb": _prompt("Show the set-up")}
    elif "check" in cell.metadata:
        cell.metadata = {"tags": ["check"]}
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


def split(notebook: NotebookNode, chapter: str) -> dict[str, NotebookNode]:
    """The pages of a chapter's exercises, run or not: the opening as "index", then one for each section."""
    sections = sections_of(notebook)
    found = [match for section in sections for cell in section.cells for match in _exercises(cell)]
    contents = new_markdown_cell(contents_of(sections[1:], chapter))
    cards = {match[0]: card(match, number, len(found)) for number, match in enumerate(found, start=1)}
    pages = {}
    for section in sections:
        page = deepcopy(notebook)
        page.cells = [_on_a_page(cell, cards, section.title) for cell in section.cells]
        pages[section.name] = page
    pages["index"].cells.append(contents)
    return pages


def sections_of(notebook: NotebookNode) -> list[Section]:
    """The notebook cut at its second-level headings; the first piece is what stands before them."""
    sections = [Section("index", "")]
    for cell in notebook.cells:
        pieces = _pieces(cell.source) if cell.cell_type == "markdown" else [("", None)]
        for text, title in pieces:
            if title and not (title in CLOSING and sections[-1].title in CLOSING):
                sections.append(Section(_name(title), title))
            if cell.cell_type != "markdown":
                sections[-1].cells.append(cell)
            elif text.strip():
                sections[-1].cells.append(new_markdown_cell(text.strip()))
    return sections


def _pieces(source: str) -> Iterator[tuple[str, str | None]]:
    """A cell's text, cut before each "## Title": the text with its heading, and the title."""
    lines, title = [], None
    for line, level in _lines(source):
        if level == 2:
            yield "\n".join(lines), title
            lines, title = [], line.removeprefix("## ")
        lines.append(line)
    yield "\n".join(lines), title


def _lines(source: str) -> Iterator[tuple[str, int]]:
    """Each line, and the level of the heading that it is; 0 for others, and for those inside of code."""
    fenced = False
    for line in source.split("\n"):
        fenced ^= line.startswith("```")
        heading = None if fenced else HEADING.match(line)
        yield line, len(heading[1]) if heading else 0


def _name(title: str) -> str:
    """A title as part of an address: "3 Detectors" gives "3-detectors"."""
    return "-".join(re.findall(r"\w+", title.lower()))


def _exercises(cell: NotebookNode) -> Iterator[re.Match]:
    return EXERCISE.finditer(cell.source) if cell.cell_type == "markdown" else iter(())


def _on_a_page(cell: NotebookNode, cards: dict[str, str], title: str) -> NotebookNode:
    """Cards in place of the lines below the exercises' headings; the section's title becomes the page's."""
    if cell.cell_type != "markdown":
        return cell
    source = EXERCISE.sub(lambda found: cards[found[0]], cell.source)
    first = source.removeprefix("## ").split("\n")[0]
    raised = title and (first == title or first not in CLOSING)
    lines = [line[1:] if raised and level > 1 else line for line, level in _lines(source)]
    return new_markdown_cell("\n".join(lines))


def card(found: re.Match, number: int, total: int) -> str:
    """An exercise's heading, and what there is to know about it as chips."""
    chips = [
        f"<b>{number} of {total}</b>",
        _dots("difficulty", found["difficulty"]),
        _dots("importance", found["importance"]),
        found["time"],
        found["points"],
    ]
    chips = "".join(f"<li>{chip}</li>" for chip in chips)
    return f'### Exercise: {found["title"]}\n\n<ul class="pb-chips">{chips}</ul>\n'


def _dots(what: str, dots: str) -> str:
    said = f"{dots.count('●')} of {len(dots)}"
    return f'{what} <span role="img" aria-label="{said}">{dots}</span>'


def contents_of(sections: list[Section], chapter: str) -> str:
    """The sections with links to them and to their exercises."""
    lines = ["## The sections", ""]
    for section in sections:
        lines.append(f"- [{section.title}]({chapter}/{section.name}.ipynb)")
        for cell in section.cells:
            for found in _exercises(cell):
                name = re.search(r"\((\w+)\)=\n\Z", cell.source[: found.start()])[1]
                lines.append(f"  - {{ref}}`{found['title']} <{name}>`, {found['points']}")
    return "\n".join(lines)
