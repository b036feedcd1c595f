"""Checks refuse solutions that were changed in one place: a seeded sample here, all in `make mutants`."""

import ast
import random

import pytest

from patchbook.checking import Case, checks

from .mutation import (
    CHAPTERS,
    Exercise,
    Verdict,
    exercises_of,
    judge_mutant,
    listed_as_equivalent,
    mutants_of,
    subject_of,
)
from .mutation import judging as mutation_judging
from .mutation.operators import OPERATORS

SEED = 9
EXERCISES = [exercise for chapter in CHAPTERS for exercise in exercises_of(chapter)]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_a_mutant_of_each_solution_is_refused(exercise):
    """Else a learner who makes this slip passes: add a case that shows it."""
    listed = listed_as_equivalent(exercise.chapter).get(exercise.name, {})
    subject = subject_of(exercise)
    mutants = mutants_of(subject.source)
    random.Random(SEED).shuffle(mutants)
    mutant = next(m for m in mutants if m.id not in listed)
    assert judge_mutant(subject, mutant) in (Verdict.REFUSED, Verdict.KILLED), mutant.id


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_what_is_listed_is_a_mutant_with_a_reason(chapter):
    mutants = {e.name: {m.id for m in mutants_of(subject_of(e).source)} for e in exercises_of(chapter)}
    listed = listed_as_equivalent(chapter)
    assert not listed.keys() - mutants.keys(), "no such exercise in this chapter"
    for name, reasons in listed.items():
        assert not reasons.keys() - mutants[name], f"no such mutants of {name}: take them off the list"
        assert all(len(reason) > 10 for reason in reasons.values())


def at_least(limit: int, values: list) -> int:
    return sum(value >= limit for value in values)


SOURCE = '''
def at_least(limit: int, values: list) -> int:
    """How many values reach the limit."""
    return sum(value >= limit for value in values)
'''


def exercise_with(*values: int) -> Exercise:
    @checks(at_least)
    def test_at_least(seed):
        yield Case(f"limit 3, values {values}", lambda: {"limit": 3, "values": list(values)})

    return Exercise("toy", "at_least", SOURCE, {}, test_at_least.check, (0,))


def verdict(exercise: Exercise, id: str) -> Verdict:
    (mutant,) = (m for m in mutants_of(exercise.source) if m.id == id)
    return judge_mutant(exercise, mutant)


def test_a_mutant_that_no_case_tells_from_the_solution_passes():
    slip = "1 comparison: value >= limit → value > limit"
    assert verdict(exercise_with(2, 4, 5), slip) is Verdict.PASSED
    assert verdict(exercise_with(2, 3, 5), slip) is Verdict.REFUSED


@pytest.mark.parametrize(
    "body, ended",
    [
        ("while True: pass", Verdict.KILLED),
        ("return len(bytearray(2**40))", Verdict.REFUSED),
        ("raise SystemExit", Verdict.REFUSED),
        ("import os; os._exit(9)", Verdict.KILLED),
    ],
)
def test_a_mutant_that_runs_wild_is_stopped(body, ended, monkeypatch):
    monkeypatch.setattr(mutation_judging, "CPU_SECONDS", 1)
    exercise = exercise_with(2, 3)
    mutant = mutants_of(SOURCE)[0]._replace(source=f"def at_least(limit, values):\n    {body}")
    assert judge_mutant(exercise, mutant) is ended


EXAMPLES = {
    "comparison": ("return x >= y", "return x > y"),
    "arithmetic": ("return x - y", "return y - x"),
    "sign": ("return not x", "return x"),
    "constant": ("return x[-1]", "return x[-2]"),
    "index": ("return x[a, b]", "return x[b, a]"),
    "bounds": ("return x[:, b]", "return x[1:, b]"),
    "loop": ("return [i for i in range(a)]", "return [i for i in range(1, a)]"),
    "swapped": ("return a(x, y)", "return a(y, x)"),
    "method": ("return x.clone()", "return x"),
    "argument": ("return x(a, dim=b)", "return x(a)"),
    "name": ("return x.argmax(b)", "return x.argmin(b)"),
    "condition": ("return a and b or x", "return a and b"),
    "statement": ("x[a] = b", "pass"),
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_each_operator_makes_its_slip(operator):
    before, after = EXAMPLES[operator]
    mutants = mutants_of(f"def f(x: int, y: str, a: list, b: dict):\n    {before}")
    assert any(f" {operator}: " in m.id and m.line == (before, after) for m in mutants)


def test_parameters_of_one_kind_are_mixed_up_and_defaults_changed():
    texts = {m.source for m in mutants_of("def f(x: int, y: int = 1, z: bool = True):\n    return x")}
    signature = "def f(x: int, y: int={}, z: bool={}):\n    return {}"
    changes = [(1, True, "y"), (2, True, "x"), (0, True, "x"), (1, False, "x")]
    assert {signature.format(*change) for change in changes} <= texts
    assert "def f(x=None):" in mutants_of("def f(x=other):\n    return x")[0].source


def test_docstrings_annotations_and_words_of_errors_stay():
    source = 'def f(x: "1") -> "2":\n    """3"""\n    raise ValueError("4")'
    assert [m.line[1] for m in mutants_of(source)] == ["pass"]


def test_ids_are_unique_and_the_mutants_python():
    for exercise in exercises_of("01_induction_heads"):
        mutants = mutants_of(exercise.source)
        assert len({m.id for m in mutants}) == len({m.source for m in mutants}) == len(mutants)
        assert all(ast.parse(m.source) for m in mutants)
