"""Run a learner's function on a check's cases and write down what happened. Judges nothing."""

import contextlib
import linecache
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import torch

from patchbook.checking.arguments import take_arguments
from patchbook.checking.calling import innermost
from patchbook.checking.check import Case, Check
from patchbook.checking.errors import is_unwritten
from patchbook.checking.ready_made import refused
from patchbook.checking.record import Outcome, Raised, Record, as_data
from patchbook.checking.snapshot import Snapshot
from patchbook.checking.values import observed


def observe(check: Check, implementation: Any, seed: int = 0, watch: bool = True) -> Record:
    """Run `implementation` on every case of the seed; an unwritten one on the first only.

    watch: refuse ready-made answers. A grading kernel has none.
    """
    outcomes = []
    for case in check.cases(seed):
        outcomes.append(observe_case(check, implementation, case, watch))
        if is_unwritten(outcomes[-1]):
            break
    return Record(check.exercise, seed, outcomes)


def observe_case(check: Check, implementation: Any, case: Case, watch: bool = True) -> Outcome:
    """One case: the value or the error, edited inputs, hooks left behind, ready-made answers used."""
    given = [take_arguments(case) for _ in range(check.calls)]
    before = [Snapshot(arguments, check.may_change) for arguments in given]
    outcome = Outcome(case.description)
    with (
        torch.no_grad(),
        warnings.catch_warnings(action="ignore"),  # a check writes nothing to stderr
        refused(check.ready_made, outcome.ready_made) if watch else contextlib.nullcontext(),
    ):
        try:
            outcome.value = observed(check, implementation, iter(given))
        except (Exception, SystemExit) as error:  # a learner's code may raise anything
            outcome.error = describe_error(error, implementation)
        outcome.autograd_left_on = torch.is_grad_enabled()
    outcome.value = as_data(outcome.value)
    outcome.changed = [words for snapshot in before for words in snapshot.changed()]
    outcome.hooks_left = [point for snapshot in before for point in snapshot.hooks_left()]
    return outcome


def describe_error(error: BaseException, implementation: Callable) -> dict[str, Any]:
    """The exception in words: its type, message and the last line of the learner's own code."""
    code = getattr(innermost(implementation), "__code__", None)
    filename, frame = getattr(code, "co_filename", None), None
    for entry in traceback.extract_tb(error.__traceback__):
        if entry.filename == filename:
            frame = entry
    line = linecache.getline(frame.filename, frame.lineno).strip() if frame else ""
    return {
        "kinds": list(Raised.of(error).kinds),
        "message": str(error),
        "line": line,
        "number": frame.lineno if frame else None,
    }
