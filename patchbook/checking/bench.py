"""What a learner's own cases are held against: right functions, and wrong ones, one misconception each.

A learner writes cases for a function, and the judge runs functions of ours on them. So cases are data, and
all of a case is looked at before anything runs on it: its names, its size, types and axes, its domain.
"""

import inspect
import math
import textwrap
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch

from patchbook.checking.arguments import apart
from patchbook.checking.check import Mistake
from patchbook.checking.contract import describe, misfit
from patchbook.checking.diagnosis import Diagnosis
from patchbook.checking.fitting import fit
from patchbook.checking.messages import listing, number
from patchbook.checking.record import Array, Opaque, Raised, as_data

EXPECT = "expect"  # the key under which a case holds what must come out
MOST_CASES = 12
MOST_PARTS = 2048  # of one case: numbers in tensors, entries of lists, characters of texts
FURTHEST = 1e4  # from 0 that a number may be
NEAR = 1e-3  # what comes out may be so far from what is expected, and is still the same
DTYPES = {
    **dict.fromkeys((torch.float16, torch.bfloat16, torch.float32, torch.float64), torch.float64),
    **dict.fromkeys((torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64), torch.int64),
}

Case = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """Right and wrong functions of one signature.

    right: all of them must be accepted. The first one's signature, axes and all, is what a case must fit.
    wrong: at most six; `what` is the misconception in words, `next` what to think of to find it.
    enough: how many of the wrong ones must be refused.
    outside: why arguments that fit the signature are still outside of the function's domain, in words, or "".
    """

    right: tuple[Callable, ...]
    wrong: tuple[Mistake, ...]
    enough: int
    outside: Callable[..., str] = lambda **arguments: ""

    @property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self.right[0])

    @property
    def function(self) -> str:
        """The name of the function that the cases are for."""
        return self.right[0].__name__

    def explain(self, arguments: dict[str, Any], cases: Any) -> Diagnosis | None:
        """What is wrong with a learner's cases; None where they are good enough. There are no arguments."""
        unfit = self._unfit(cases)
        if unfit:
            return unfit
        for place, case in enumerate(cases):
            if not all(self.accepts(case, right) for right in self.right):
                return Diagnosis(
                    "refuses-right",
                    f"{_called(place, case)} expects {_short(case[EXPECT])}: it refuses a right function.",
                    "Work this case out by hand, step by step, from the definition in the text.",
                )
        slipped = [wrong for wrong in self.wrong if not self._refuses(cases, wrong)]
        caught = len(self.wrong) - len(slipped)
        if caught >= self.enough:
            return None
        words = numbered(wrong.what for wrong in slipped)
        return Diagnosis(
            "slipped-through",
            f"{caught} of {len(self.wrong)} wrong functions are refused; wanted at least {self.enough}. "
            f"Slipped through: {words}.",
            slipped[0].next,
        )

    def caught(self, cases: Any) -> dict[str, bool]:
        """Each misconception in words, and whether the cases refuse it; {} for what are no fit cases."""
        if self._unfit(cases) or not all(self.accepts(case, r) for case in cases for r in self.right):
            return {}
        return {wrong.what: self._refuses(cases, wrong) for wrong in self.wrong}

    def accepts(self, case: Case, function: Callable) -> bool:
        """Whether a function gives what a case expects."""
        return same(self.gives(case, function), fit(case[EXPECT], self._signature.return_annotation))

    def gives(self, case: Case, function: Callable) -> Any:
        """What a function gives on a case, or the error that it Raised."""
        arguments = [*self.arguments(case).values()]
        with torch.no_grad(), warnings.catch_warnings(action="ignore"):
            try:
                came = as_data(function(*apart(arguments, {})))
            except Exception as error:  # a wrong function may well break
                return Raised.of(error)
        return fit(came, self._signature.return_annotation)

    def _refuses(self, cases: list[Case], wrong: Mistake) -> bool:
        return not all(self.accepts(case, wrong.wrong) for case in cases)

    def _unfit(self, cases: Any) -> Diagnosis | None:
        """Why these are no cases for the function; None where they are. Runs nothing."""
        if not isinstance(cases, list | tuple):
            return _no_list(describe(cases))
        if not cases:
            return Diagnosis(
                "no-cases",
                "there are no cases: an empty check refuses nothing.",
                "Begin with the example in the docstring, as a dictionary in the list.",
            )
        if len(cases) > MOST_CASES:
            return Diagnosis(
                "too-many",
                f"there are {len(cases)} cases; at most {MOST_CASES} are wanted.",
                "A good check is short: leave out what refuses no function that another case does not.",
            )
        return next(filter(None, (self._unfit_case(*numbered) for numbered in enumerate(cases))), None)

    def _unfit_case(self, place: int, case: Any) -> Diagnosis | None:
        if not isinstance(case, dict):
            return _no_list(f"a list whose case {place + 1} is {describe(case)}")
        names = self._signature.parameters
        needed = [n for n, parameter in names.items() if parameter.default is parameter.empty]
        missing = [name for name in (*needed, EXPECT) if name not in case]
        strange = [key for key in case if key not in names and key != EXPECT]
        if missing or strange:
            word = f"has no {missing[0]!r}" if missing else f"has {_short(strange[0])}, which is no argument"
            return Diagnosis(
                "other-arguments",
                f"case {place + 1} {word}.",
                f"A case of {self.function} has the names {listing(map(repr, names))} and {EXPECT!r}.",
            )
        why = _too_much(case)
        if not why:
            arguments = self.arguments(case)
            why = misfit(self.right[0], arguments) or self.outside(**arguments)
        if not why:
            return None
        return Diagnosis(
            "outside-domain",
            f"{_called(place, case)} is no input of {self.function}: {why}.",
            "See what the text says of the arguments. On such an input no answer is right or wrong.",
        )

    def arguments(self, case: Case) -> dict[str, Any]:
        """A case's arguments in order and in the signature's forms, their tensors in float64 and int64."""
        given = self._signature.bind(**{name: value for name, value in case.items() if name != EXPECT})
        names = self._signature.parameters
        return {name: _wide(fit(value, names[name].annotation)) for name, value in given.arguments.items()}


def numbered(sentences: Iterable[str]) -> str:
    """Several sentences as one: "(1) it adds 2; (2) it squares"."""
    return "; ".join(f"({place}) {said.rstrip('.')}" for place, said in enumerate(sentences, start=1))


def same(got: Any, want: Any) -> bool:
    """Whether two values are the same to NEAR, in every part."""
    if isinstance(want, bool | str | None) or isinstance(got, bool | str | None):
        return type(got) is type(want) and got == want
    if isinstance(want, int | float):
        return isinstance(got, int | float) and math.isclose(got, want, rel_tol=NEAR, abs_tol=NEAR)
    if torch.is_tensor(want):
        close = torch.is_tensor(got) and got.shape == want.shape
        return close and torch.allclose(got.double(), want.double(), rtol=NEAR, atol=NEAR)
    if isinstance(want, list | tuple):
        return type(got) is type(want) and len(got) == len(want) and all(map(same, got, want))
    return False


def _no_list(came: str) -> Diagnosis:
    return Diagnosis(
        "not-cases",
        f"it returned {came}; wanted a list of dictionaries, one for each case.",
        f"Return [{{…}}, {{…}}]: in each the arguments by name, and {EXPECT!r}.",
    )


def _too_much(case: Case) -> str:
    """What in a case is too large, or no data, in words. It stops counting where it is too much."""
    waiting, parts = [*case.values()], 0
    while waiting:
        part = waiting.pop()
        part = part.values if isinstance(part, Array) else part
        if isinstance(part, Opaque | dict) or part is None:
            return "it holds None" if part is None else f"it holds {describe(part)}"
        if torch.is_tensor(part):
            if part.dtype not in DTYPES or not part.numel():
                return f"it holds {describe(part)}"
            parts += part.numel()
            far = part.numel() <= MOST_PARTS and not (part.double().abs() <= FURTHEST).all()
        else:
            parts += len(part) if isinstance(part, str | list | tuple) else 1
            far = isinstance(part, int | float) and not abs(part) <= FURTHEST
        if parts > MOST_PARTS:
            return f"it has more than {MOST_PARTS} numbers, entries and characters"
        if far:
            return f"a number in it is further from 0 than {FURTHEST:g}, or none"
        waiting += part if isinstance(part, list | tuple) else []
    return ""


def _wide(value: Any) -> Any:
    return value.to(DTYPES[value.dtype]) if torch.is_tensor(value) and value.dtype in DTYPES else value


def _called(place: int, case: Case) -> str:
    """A case by its number, counted from 1, and its arguments in short."""
    arguments = listing((f"{name}: {_short(value)}" for name, value in case.items() if name != EXPECT), 3)
    return f"case {place + 1} ({arguments})"


def _short(value: Any) -> str:
    if torch.is_tensor(value) or isinstance(value, Array):
        return describe(value)
    return textwrap.shorten(number(value), 60)
