"""Following the Next line of a mistake leads to a right answer: what it names, a right answer does.

A line names code: `dim=-1`, cache["scale"], .clone(). Each name must stand in a right answer of the exercise,
in its statement, or in the mistake itself, where the line asks to leave it out.
"""

import ast
import functools
import inspect
import keyword
import re
import sys
import textwrap

import pytest

from .mutation import CHAPTERS, exercises_of
from .test_checks import TESTS

CODE = re.compile(
    r"`([^`]+)`"  # what is marked as code
    r"|(\.?\b[a-zA-Z_][\w.]*\([^()]*\))"  # a call
    r"|(\b[a-zA-Z]+_[a-zA-Z_]+\b)"  # a name of several words
    r"|(\b\w+=[-\w]+)"  # an argument
)
NAME = re.compile(r"[A-Za-z_]\w{2,}")
AXES = {"d_model", "d_head", "d_vocab", "batch", "pos", "head"}  # shapes, in the signatures' words


@functools.cache
def solutions() -> dict[str, str]:
    """The statement and solution of each exercise, as its notebook has them."""
    return {exercise.name: exercise.source for chapter in CHAPTERS for exercise in exercises_of(chapter)}


def names_of_code(source: str) -> set[str]:
    """The names that code uses: texts and comments do not count."""
    found = set()
    for node in ast.walk(ast.parse(textwrap.dedent(source))):
        for field in ("id", "attr", "arg", "name"):
            found |= {getattr(node, field, None)} - {None}
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value.strip():
            found |= {*NAME.findall(node.value)}  # a key, or the name of a hook
        if isinstance(node, ast.Constant) and node.value in (True, False):
            found.add(str(node.value))
    return found


@functools.cache
def names_of_module(name: str) -> set[str]:
    found = sys.modules.get(name)  # a prediction has no mistakes
    return names_of_code(inspect.getsource(found)) if found else set()


def known(exercise: str) -> set[str]:
    """What right answers use; and what the wrong ones of the same group do, that must go."""
    group = TESTS[exercise].__module__.rpartition(".")[2]
    homes = ("patchbook.tests.specifications", "patchbook.tests.mistakes", "tests.project.answers")
    solution = names_of_code(solutions().get(exercise, ""))
    return solution.union(TESTS, AXES, *(names_of_module(f"{home}.{group}") for home in homes))


def names_in(line: str) -> set[str]:
    """The names in the code of a Next line."""
    pieces = ("".join(groups) for groups in CODE.findall(line))
    return {name for piece in pieces for name in NAME.findall(piece)} - {*keyword.kwlist}


@pytest.mark.parametrize("exercise", TESTS)
def test_what_a_next_line_names_is_done_by_a_right_answer(exercise):
    done = known(exercise)
    for mistake in TESTS[exercise].check.mistakes:
        strange = names_in(mistake.next) - done
        assert not strange, f"{mistake.id}: no right answer has {sorted(strange)}: {mistake.next}"


def test_names_are_found_in_lines():
    line = 'Use .clone(), with dim=-1, or `cache["scale"]`: apply_ln does it (not like this).'
    assert names_in(line) == {"clone", "dim", "cache", "scale", "apply_ln"}
