"""What our own functions give on a case: references and known mistakes. No learner's code runs here."""

import functools
from collections.abc import Callable
from typing import Any

import torch

from patchbook.checking import contract
from patchbook.checking.arguments import fresh
from patchbook.checking.check import Case, Check
from patchbook.checking.record import Raised, as_data
from patchbook.checking.values import compared, fitted, observed

_KEPT = 2048  # values of cases: the same for everybody in a class


@functools.lru_cache(maxsize=_KEPT)
def reference_of(check: Check, case: Case) -> tuple[dict[str, Any], Any]:
    """The arguments that bind the contract's axes, which no learner's code has seen, and the right value.

    Where a case wants an error the value is a Raised. RuntimeError when the reference does not raise it.
    """
    arrays = contract.arrays(check.reference, fresh(case))
    value = _value(check, check.reference, case) if case.raises is None else _error(check, case)
    return arrays, value


def prepare(check: Check, seed: int) -> None:
    """Compute the right values of a seed now, before any learner's code can run."""
    for case in check.cases(seed):
        reference_of(check, case)


@functools.lru_cache(maxsize=_KEPT)
def value_of(check: Check, implementation: Callable, case: Case) -> Any:
    """What is compared of an implementation of ours on one case, or what it Raised."""
    try:
        value = _value(check, implementation, case)
    except Exception as error:  # a mistake may well be one that breaks on some inputs
        return Raised.of(error)
    return compared(check, functools.partial(fresh, case), fitted(check, value))


def _value(check: Check, implementation: Callable, case: Case) -> Any:
    with torch.no_grad():
        return as_data(observed(check, implementation, iter(lambda: fresh(case), None)))


def _error(check: Check, case: Case) -> Raised:
    try:
        _value(check, check.reference, case)
    except case.raises as error:
        return Raised.of(error)
    raise RuntimeError(f"{check.exercise}: the reference raises no {case.raises.__name__} on {case}")
