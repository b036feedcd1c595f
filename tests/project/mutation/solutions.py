"""The functions of the solutions: their text, the names they use, their check and the seeds it runs on."""

import ast
import functools
import inspect
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from nbformat import NotebookNode

from patchbook.authoring import find_course, source_notebook
from patchbook.checking import Case, Check
from patchbook.checking.record import as_data

COURSE = find_course(Path(__file__).parents[3])
CHAPTERS = COURSE.chapters
EQUIVALENT = Path(__file__).parent / "equivalent"


@dataclass(frozen=True)
class Exercise:
    """One function that a learner writes.

    source: the solution's function, docstring and all.
    names: what its cell sees: the notebook's imports and the solutions before it.
    seeds: those of the visible check and of the hidden tests.
    """

    chapter: str
    name: str
    source: str
    names: dict[str, Any]
    check: Check
    seeds: tuple[int, ...]

    def function(self, source: str) -> Any:
        """The function that a text of it gives. Raises whatever the text raises."""
        names = dict(self.names)
        exec(compile(source, f"<{self.name}>", "exec"), names)
        return names[self.name]


@functools.cache
def solution(chapter: str) -> NotebookNode:
    """The chapter's source notebook, read once for all tests: change copies of it."""
    return source_notebook(COURSE, chapter)


@functools.cache
def exercises_of(chapter: str) -> tuple[Exercise, ...]:
    """The chapter's functions in their order. Predict items hold values and have no mutants."""
    cells = [c for c in solution(chapter).cells if c.cell_type == "code"]
    sources = {_grade_id(c): c.source for c in cells if _grade_id(c)}
    names: dict[str, Any] = {}
    grad = torch.is_grad_enabled()
    exec("\n".join(line for c in cells for line in _imports(c.source)), names)
    exercises = []
    for name, source in sources.items():
        function = _function(source, name)
        if function is None:
            continue
        check = getattr(names["tests"], f"test_{name}").check
        seeds = _seeds(sources[f"test_{name}"])
        exercises.append(Exercise(chapter, name, function, dict(names), check, seeds))
        names[name] = exercises[-1].function(function)
    torch.set_grad_enabled(grad)
    return tuple(exercises)


def subject_of(exercise: Exercise) -> Exercise:
    """What is mutated: the solution; or, where it is a list of cases, the function that the cases are for.

    Cases that refuse every change of that function are good ones. Changed cases may be as good as they were.
    """
    bench = exercise.check.bench
    if bench is None:
        return exercise
    (right, *_), given = bench.right, as_data(exercise.function(exercise.source)())
    cases = tuple(
        Case(f"case {number}", functools.partial(bench.arguments, case))
        for number, case in enumerate(given, start=1)
    )
    check = Check(bench.function, exercise.check.title, lambda seed: cases, right)
    names = vars(inspect.getmodule(right))
    return Exercise(exercise.chapter, bench.function, inspect.getsource(right), names, check, (0,))


def _grade_id(cell: Any) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def _imports(source: str) -> list[str]:
    """The import statements at a cell's top level. Magics are not Python: such a cell has none for us."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return []
    return [ast.unparse(s) for s in statements if isinstance(s, ast.Import | ast.ImportFrom)]


def _function(source: str, name: str) -> str | None:
    """The text of the function of this name in a cell, if it has one."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return ast.get_source_segment(source, node)
    return None


def _seeds(check_cell: str) -> tuple[int, ...]:
    """The seeds that a check's cell gives; 0 where it gives none."""
    calls = [n for n in ast.walk(ast.parse(check_cell)) if isinstance(n, ast.Call)]
    given = [[k.value.value for k in call.keywords if k.arg == "seed"] for call in calls]
    return tuple(dict.fromkeys(seeds[0] if seeds else 0 for seeds in given))


def listed_as_equivalent(chapter: str) -> dict[str, dict[str, str]]:
    """exercise -> id of a mutant -> why it is as right as the solution."""
    path = EQUIVALENT / f"{chapter}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
