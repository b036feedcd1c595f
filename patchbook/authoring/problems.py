"""What an author forgot: which file, which cell, and what to write there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

from patchbook.authoring.course import Course

GRADED = ("exercise", "check", "interpret")
REGIONS = ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME")
MARKER = re.compile(r"^(?:#|<!--) (EXERCISE|CHECK) (\w+)", re.MULTILINE)
SOLUTION = re.compile(r"### BEGIN SOLUTION.*?### END SOLUTION", re.DOTALL)
POINTS_IN_HEADING = re.compile(r"·\s*([\d.]+) points?\*")


class AuthorError(Exception):
    """A source notebook cannot be built. The message has one line for each cell to mend."""


def refuse_problems(course: Course, chapter: str, notebook: NotebookNode, text: str) -> None:
    """Raises AuthorError when the chapter, read from `text`, has anything to mend."""
    lines = cell_lines(notebook, text)
    checks = course.checks(chapter)
    found = [
        f"{course.relative(course.solution(chapter))}, line {lines[index]}, cell {index + 1}: {what}"
        for index, what in sorted(problems(notebook, defined_names(checks), course.relative(checks)))
    ]
    if found:
        raise AuthorError("\n".join(found))


def problems(notebook: NotebookNode, tests: set[str] | None, where: str) -> Iterator[tuple[int, str]]:
    """Every (cell index, what is wrong and what to write). `tests`: names in the checks' module, `where`."""
    for index, cell in enumerate(notebook.cells):
        kind = next((kind for kind in GRADED if kind in cell.metadata), None)
        look = {"exercise": _exercise, "check": _check, "interpret": _interpret, None: _plain}[kind]
        yield from ((index, what) for what in look(cell))
        yield from ((index, what) for what in _regions(cell.source))
    yield from _pairs(notebook)
    yield from _headings(notebook)
    yield from _unknown_tests(notebook, tests, where)


def _exercise(cell: NotebookNode) -> Iterator[str]:
    name = cell.metadata["exercise"]
    if not str(name).isidentifier():
        yield f"exercise id {name!r} is not a Python name; write the function's name after `exercise:`"
        return
    yield from _marker(cell, f"# EXERCISE {name}", name)
    if "BEGIN SOLUTION" not in cell.source:
        yield (
            f"exercise {name!r} has no solution region; put `### BEGIN SOLUTION` and "
            "`### END SOLUTION` around the lines that a learner writes"
        )
    if not defines(cell.source, name):
        yield f"exercise {name!r} defines no {name!r}; write `def {name}(…)` or `{name} = …`"
    elif not defines(SOLUTION.sub("", cell.source), name):
        yield (
            f"exercise {name!r} leaves a learner no {name!r} at all; write `def {name}(…)`, or for a value "
            f'`{name} = "?"`, above its solution region'
        )
    if "points" in cell.metadata:
        yield f"exercise {name!r} has points; write `points:` in its check cell"


def _check(cell: NotebookNode) -> Iterator[str]:
    name = cell.metadata["check"]
    yield from _marker(cell, f"# CHECK {name}", name)
    yield from _points(cell, f"check {name!r}")
    visible, _, hidden = cell.source.partition("### BEGIN HIDDEN TESTS")
    call = f"tests.test_{name}({name}"
    if call not in visible:
        yield f"check {name!r} does not call the exercise's test; write `{call})`"
    if call not in hidden:
        yield (
            f"check {name!r} has no hidden test; write `### BEGIN HIDDEN TESTS`, "
            f"`{call}, seed=…)` and `### END HIDDEN TESTS`"
        )


def _interpret(cell: NotebookNode) -> Iterator[str]:
    name = cell.metadata["interpret"]
    if cell.cell_type != "markdown":
        yield f'interpret {name!r} is a code cell; write it as text after `+++ {{"interpret": …}}`'
    yield from _marker(cell, f"<!-- EXERCISE {name} -->", name)
    yield from _points(cell, f"interpret {name!r}")
    for region, holds in (("MARK SCHEME", "the rubric"), ("SOLUTION", "a model answer")):
        if f"BEGIN {region}" not in cell.source:
            yield (
                f"interpret {name!r} has no {region.lower()}; put `### BEGIN {region}` and "
                f"`### END {region}` around {holds}"
            )


def _plain(cell: NotebookNode) -> Iterator[str]:
    found = MARKER.search(cell.source)
    if found:
        yield (
            f"marker line `{found[0]}` in a cell without an id; write `:exercise: {found[2]}`, "
            f"`:check: {found[2]}` or `interpret` in its metadata"
        )
    if cell.metadata.get("setup") and not cell.source.startswith("# SETUP"):
        yield "setup cell without its marker line; write `# SETUP` as its first line"
    for region in REGIONS:
        if f"BEGIN {region}" in cell.source:
            yield f"a {region} region in a cell without an id; write `:exercise:` or `:check:` above it"


def _marker(cell: NotebookNode, wanted: str, name: str) -> Iterator[str]:
    if cell.source.split("\n", 1)[0].strip() != wanted:
        yield f"{name!r} lacks its marker line; write `{wanted}` as the cell's first line"


def _points(cell: NotebookNode, called: str) -> Iterator[str]:
    points = cell.metadata.get("points")
    if isinstance(points, bool) or not isinstance(points, int | float) or points <= 0:
        yield f"{called} has no points; write `points: 2` (a number above 0) in its metadata"


def _regions(source: str) -> Iterator[str]:
    for region in REGIONS:
        begin, end = source.count(f"BEGIN {region}"), source.count(f"END {region}")
        if begin != end:
            missing = f"### {'END' if begin > end else 'BEGIN'} {region}"
            yield f"a {region} region is not closed; write `{missing}`"


def _pairs(notebook: NotebookNode) -> Iterator[tuple[int, str]]:
    """Each exercise has one check, below it; no id stands twice."""
    seen = {kind: {} for kind in GRADED}
    for index, cell in enumerate(notebook.cells):
        for kind in GRADED:
            name = cell.metadata.get(kind)
            if name is None:
                continue
            others = ("check",) if kind == "check" else ("exercise", "interpret")
            if any(name in seen[other] for other in others):
                yield index, f"{kind} id {name!r} stands twice; give this one another id"
            if kind == "check" and name not in seen["exercise"]:
                yield index, f"check {name!r} has no exercise above it; write an `:exercise: {name}` cell"
            seen[kind][name] = index
    for name, index in seen["exercise"].items():
        if name not in seen["check"]:
            yield index, f"exercise {name!r} has no check; write a `:check: {name}` cell below it"


def _headings(notebook: NotebookNode) -> Iterator[tuple[int, str]]:
    """The points that a heading promises are the points that the check gives."""
    promised = None
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            found = POINTS_IN_HEADING.findall(cell.source)
            promised = float(found[-1]) if found else promised
        points = cell.metadata.get("points")
        if isinstance(points, int | float) and promised is not None:
            if points != promised:
                yield index, f"the heading says {promised:g} points, the cell {points:g}; make them agree"
            promised = None


def _unknown_tests(notebook: NotebookNode, tests: set[str] | None, where: str) -> Iterator[tuple[int, str]]:
    module = where.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    for index, cell in enumerate(notebook.cells):
        name = cell.metadata.get("check")
        if name and tests is None:
            yield index, f"check {name!r} has no test module; write {where}"
        elif name and f"test_{name}" not in tests:
            yield (
                index,
                f"patchbook.{module} has no `test_{name}`; write it in {where}, or mend the id",
            )


def defines(source: str, name: str) -> bool:
    """Whether code defines `name` at its top level, as a function, class or variable."""
    return re.search(rf"^(?:async def|def|class) {name}\b|^{name}\s*(?::[^=\n]+)?=", source, re.M) is not None


def defined_names(path: Path) -> set[str] | None:
    """The names a module defines at its top level, without importing it; None when it is missing."""
    if not path.is_file():
        return None
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
    return names


def cell_lines(notebook: NotebookNode, text: str) -> list[int]:
    """The line of the .md file where each cell's text begins, counted from 1."""
    lines, cursor = [], 0
    for cell in notebook.cells:
        found = text.find(cell.source, cursor)
        cursor = found if found >= 0 else cursor
        lines.append(text.count("\n", 0, cursor) + 1)
    return lines
