"""What of a call is kept, and what of that is compared: the same for a learner's function and for ours."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from patchbook.checking.check import Check
from patchbook.checking.fitting import fit


def observed(check: Check, implementation: Callable, arguments: Iterator[dict[str, Any]]) -> Any:
    """What a Record keeps of one case: the value, or both values of a function that draws at random.

    arguments: fresh ones for each of the calls. torch's generator starts from the same state each time, so
    the same code gets the same verdict, and is put back afterwards.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)  # torch.manual_seed writes a traceback for each absent GPU
        values = tuple(check.call(implementation, next(arguments)) for _ in range(check.calls))
        return values if check.facts else values[0]


def values_in(check: Check, observed: Any) -> tuple[Any, ...]:
    """The value or values within it. A Record from elsewhere may hold anything."""
    both = check.facts is not None and isinstance(observed, tuple) and len(observed) == 2
    return observed if both else (observed,)


def fitted(check: Check, observed: Any) -> Any:
    """The value or values in the form that the contract asks for, where that loses nothing."""
    values = tuple(fit(value, check.return_type) for value in values_in(check, observed))
    return values if len(values) > 1 else values[0]


def compared(check: Check, arguments: Callable[[], dict[str, Any]], observed: Any) -> Any:
    """What is compared of it. arguments: a case's, made afresh where they are needed."""
    if check.facts is None:
        return observed
    values = values_in(check, observed)
    return check.facts(arguments(), (values[0], values[-1]))
