"""Right solutions rewritten by rule are still right: checks ask for values, not for one way to hold them.

The mirror of mutation testing. A rule that has nothing to rewrite in a solution's results is left out.
"""

import collections
import contextlib
import copy
import dataclasses
import functools
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from patchbook.checking import Check, Record, judge, observe
from patchbook.checking.record import as_data
from patchbook.checking.running import run

from .mutation import CHAPTERS, Exercise, exercises_of

EXERCISES = [exercise for chapter in CHAPTERS for exercise in exercises_of(chapter)]


# --- other forms of a result


def each(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A change of values, wherever they stand in lists, tuples and dictionaries."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: changed(v) for key, v in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(map(changed, value))
        return change(value)

    return changed


def a_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def numpys_number(value: Any) -> Any:
    if not a_number(value):
        return value
    return np.float64(value) if isinstance(value, float) else np.int64(value)


def sequences(value: Any) -> Any:
    """Tuples for lists, and lists for tuples."""
    if isinstance(value, list | tuple):
        return (tuple if isinstance(value, list) else list)(map(sequences, value))
    return {key: sequences(v) for key, v in value.items()} if isinstance(value, dict) else value


def of_tensors(change: Callable[[Tensor], Any]) -> Callable[[Any], Any]:
    return each(lambda value: change(value) if isinstance(value, Tensor) else value)


FORMS: dict[str, Callable[[Any], Any]] = {
    "numpy and back": of_tensors(lambda t: torch.from_numpy(t.numpy().copy())),
    "numpy's arrays": of_tensors(lambda t: t.numpy()),
    "numpy's numbers": each(numpys_number),
    "numpy's small numbers": each(lambda v: np.float32(v) if isinstance(v, float) else v),
    "tensors of one number": each(lambda v: torch.tensor(v) if a_number(v) else v),
    "plain numbers": of_tensors(lambda t: t.item() if t.dim() == 0 else t),
    "float64": of_tensors(lambda t: t.double() if t.is_floating_point() else t),
    "float32": of_tensors(lambda t: t.float() if t.is_floating_point() else t),
    "int32": of_tensors(lambda t: t.int() if t.dtype == torch.int64 else t),
    "not contiguous": of_tensors(lambda t: torch.stack([t, t], -1)[..., 0]),
    "a view of more": of_tensors(lambda t: torch.stack([t, t])[1]),
    "tracked by autograd": of_tensors(lambda t: t.clone().requires_grad_(t.is_floating_point())),
    "tuples for lists, lists for tuples": sequences,
    "an ordered dictionary": lambda v: collections.OrderedDict(v) if isinstance(v, dict) else v,
    "a default dictionary": lambda v: collections.defaultdict(list, v) if isinstance(v, dict) else v,
}
TENSORS_ONLY = {"cache_without_aliases"}  # its result is edited in place: arrays are no entries of a cache


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_a_solution_passes_its_hidden_tests(exercise):
    """The book runs what a learner sees."""
    hidden = exercise.seeds[1:]
    assert hidden
    for seed in hidden:
        run(exercise.check, exercise.function(exercise.source), seed)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_a_result_in_another_form_is_as_right(exercise):
    solution = Replayed(exercise)
    judge(exercise.check, solution.record)
    forms = set(solution.changed) - ({"numpy's arrays"} if exercise.name in TENSORS_ONLY else set())
    assert not [name for name in forms if not solution.passes(FORMS[name])]


def how_held(value: Any) -> Any:
    """The types of a result and of all in it, and where its tensors lie."""
    if isinstance(value, dict):
        return type(value), {key: how_held(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [*map(how_held, value)]
    if isinstance(value, Tensor):
        return Tensor, value.dtype, value.data_ptr(), value.stride(), value.requires_grad
    return type(value)


class Replayed:
    """A solution that runs once: its results are then judged again, each in another form.

    changed: the forms that are other ones for some result.
    """

    def __init__(self, exercise: Exercise):
        self.check, self.solution = exercise.check, exercise.function(exercise.source)
        self.kept, self.changed = [], {}
        self.replays = self.check.call.__name__ == "call_in_order"
        self.record = observe(self.check, self.like_the_solution(self.run))

    def run(self, *arguments: Any, **options: Any) -> Any:
        value = self.solution(*arguments, **options)
        self.kept.append(copy.deepcopy(value) if self.replays else None)
        self.changed |= {n: None for n, form in FORMS.items() if how_held(form(value)) != how_held(value)}
        return value

    def passes(self, form: Callable[[Any], Any]) -> bool:
        """Where the call does more than hand on the result, the solution has to run again."""
        if self.replays:
            return accepts(self.check, self.in_form(form))
        again = self.like_the_solution(lambda *a, **options: form(self.solution(*a, **options)))
        return passes(self.check, again)

    def like_the_solution(self, function: Callable) -> Callable:
        """What looks for the solution, to see the names that it uses, finds it in there."""
        return functools.wraps(self.solution)(lambda *a, **options: function(*a, **options))

    def in_form(self, form: Callable[[Any], Any]) -> Record:
        """The record of a solution that gives its results in this form."""
        results, outcomes = iter(self.kept), []
        for outcome in self.record.outcomes:
            if not outcome.error:
                values = tuple(form(copy.deepcopy(next(results))) for _ in range(self.check.calls))
                value = as_data(values if self.check.facts else values[0])
                outcome = dataclasses.replace(outcome, value=value)
            outcomes.append(outcome)
        return dataclasses.replace(self.record, outcomes=outcomes)


def accepts(check: Check, record: Record) -> bool:
    with contextlib.suppress(AssertionError):
        judge(check, record)
        return True
    return False


# --- other ways to be a function

WAYS = {
    "wrapped": "@functools.wraps(solution)\ndef {name}(*a, **options):\n    return solution(*a, **options)",
    "partial": "{name} = functools.partial(solution)",
    "no gradients": "{name} = torch.no_grad()(solution)",
    "inference mode": "{name} = torch.inference_mode()(solution)",
    "kept": "{name} = functools.partial(torch.inference_mode()(functools.partial(solution)))",
    "a callable object": """
class Callable:
    def __call__(self, *a, **options):
        return solution(*a, **options)
{name} = Callable()""",
    "a method": """
class Answers:
    def method(self, *a, **options):
        return solution(*a, **options)
{name} = Answers().method""",
    "a lambda": "{name} = lambda *a, **options: solution(*a, **options)",
}


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_a_function_made_in_another_way_is_as_right(exercise):
    check = first_case_only(exercise.check)
    ways = WAYS
    if "enable_grad" in exercise.source:  # which inference mode does not let it have
        ways = {way: text for way, text in WAYS.items() if "inference_mode" not in text}
    assert not [way for way, text in ways.items() if not passes(check, rewritten(exercise, text))]


def rewritten(exercise: Exercise, text: str) -> Any:
    """The solution, and below it in the same cell a text that makes something else of it."""
    names = exercise.names | {"functools": functools, "torch": torch}
    exec(compile(exercise.source, f"<{exercise.name}>", "exec"), names)
    names["solution"] = names[exercise.name]
    exec(compile(text.format(name=exercise.name), "<rewritten>", "exec"), names)
    return names[exercise.name]


def first_case_only(check: Check) -> Check:
    """How a function is made is the same to all cases."""
    cases = check.cases
    return dataclasses.replace(check, cases=functools.cache(lambda seed: cases(seed)[:1]), mistakes=())


def passes(check: Check, implementation: Any) -> bool:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(AssertionError):
        run(check, implementation)
        return True
    return False


def test_a_form_that_is_wrong_is_refused():
    """The rules above would prove nothing if anything passed."""
    exercise = next(e for e in EXERCISES if e.name == "attention_from_q_and_k")
    solution = Replayed(exercise)
    assert solution.replays and solution.passes(lambda t: t)
    for form in (lambda t: t.tolist(), lambda t: t[None], lambda t: t.double().round(), lambda t: t.half()):
        assert not solution.passes(form)
