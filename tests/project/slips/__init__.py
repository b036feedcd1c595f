"""Slips: one change in a solution that makes it wrong in the way that a diagnosis names.

    NN_topic.toml    data, a file for each chapter: function -> id of a diagnosis -> the change

Each has `right`, a text that stands once in the solution's function, and `wrong`, what a learner wrote there.
`said_by` names the exercises whose checks say so, where it is not this one's alone: those of functions that
are built on this one. The book's pages of diagnoses show the lines that are wrong, and
`tests/project/test_slips.py` holds that the check says so of them.
"""

import ast
import copy
import dataclasses
import functools
import tomllib
from pathlib import Path
from typing import Any

from patchbook.checking import Check, CheckFailed, Record, judge, observe
from tests.project.mutation import Exercise, exercises_of


@dataclasses.dataclass(frozen=True)
class Slip:
    """A change in the function of one exercise, and the exercise whose check gives it the diagnosis `id`."""

    exercise: Exercise
    id: str
    changed: Exercise
    right: str
    wrong: str

    @property
    def source(self) -> str:
        """The changed function. Raises ValueError where `right` does not stand in it exactly once."""
        found = self.changed.source.count(self.right)
        if found != 1:
            raise ValueError(
                f"{self.exercise.name}.{self.id}: {self.right!r} stands {found} times in "
                f"{self.changed.name}; wanted once"
            )
        return self.changed.source.replace(self.right, self.wrong)

    @property
    def answer(self) -> Any:
        """The learner's function: the exercise's solution with the slip in it, or in what it is built on."""
        own, names = exercises_of(self.exercise.chapter), self.changed.names
        for each in own[own.index(self.changed) : own.index(self.exercise) + 1]:
            source = self.source if each is self.changed else each.source
            names = names | {each.name: dataclasses.replace(each, names=names).function(source)}
        return names[self.exercise.name]

    @property
    def lines(self) -> str:
        """The statements that are wrong, under the function's first line; `...` stands for what is right."""
        source, before = self.source, self.changed.source.index(self.right)
        first, last = (source.count("\n", 0, at) + 1 for at in (before, before + len(self.wrong)))
        (function,) = ast.parse(source).body
        body = function.body[1:] if ast.get_docstring(function) else function.body
        simple = [one for one in ast.walk(function) if isinstance(one, ast.stmt) and not hasattr(one, "body")]
        touched = [one for one in simple if one.lineno <= last and one.end_lineno >= first]
        first = min([first, *(one.lineno for one in touched)])
        last = max([last, *(one.end_lineno for one in touched)])
        text = source.splitlines()
        shown = [line for line in text[first - 1 : last] if "### " not in line]
        above = ["    ..."] if body[0].lineno < first else []
        below = ["    ..."] if body[-1].end_lineno > last else []
        return "\n".join([f"def {function.name}({_parameters(function)}):", *above, *shown, *below])

    def said(self) -> str:
        """The id that the check gives, or would give if it knew this row alone; "" if it passes."""
        check = self.exercise.check
        record = observe(check, self.answer)
        said = _said(check, record)
        if said == self.id:
            return said
        own = tuple(mistake for mistake in check.mistakes if mistake.id == self.id)
        return _said(dataclasses.replace(check, mistakes=own), record)


def _said(check: Check, record: Record) -> str:
    try:
        judge(check, record)
    except CheckFailed as failed:
        return failed.diagnosis
    return ""


def _parameters(function: ast.FunctionDef) -> str:
    """The parameters without their types, with their defaults."""
    bare = copy.deepcopy(function.args)
    for argument in ast.walk(bare):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return ast.unparse(bare)


@functools.cache
def slips_of(chapter: str) -> tuple[Slip, ...]:
    """The chapter's slips. Raises KeyError where the chapter has no function of that name."""
    path = Path(__file__).parent / f"{chapter}.toml"
    rows = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    exercises = {exercise.name: exercise for exercise in exercises_of(chapter)}
    return tuple(
        Slip(exercises[name], id, exercises[changed], row["right"], row["wrong"])
        for changed, its in rows.items()
        for id, row in its.items()
        for name in row.get("said_by", [changed])
    )
