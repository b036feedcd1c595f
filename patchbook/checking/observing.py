"""Run a learner's function on a check's cases and write down what happened. Judges nothing."""

import contextlib
import linecache
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch

from patchbook.checking.arguments import take_arguments
from patchbook.checking.calling import innermost
from patchbook.checking.check import Case, Check
from patchbook.checking.record import Outcome, Raised, Record, as_data
from patchbook.checking.snapshot import Snapshot
from patchbook.checking.values import observed

READY_MADE = (
    "transformer_lens.patching",
    "transformer_lens.tools.analysis",
    "transformer_lens.head_detector",
    "patchbook.checking.fallback",
    "patchbook.patching",
    "patchbook.patching.attribution",
    "patchbook.tests.specifications",
)
SWITCHES = ("sys.setprofile", "threading.setprofile")  # would end the watch for them
_set_profile = sys.setprofile


def observe(check: Check, implementation: Any, seed: int = 0, watch: bool = True) -> Record:
    """Run `implementation` on every case of the seed; an unwritten one on the first only.

    watch: refuse ready-made answers. A grading kernel has none.
    """
    outcomes = []
    for case in check.cases(seed):
        outcomes.append(observe_case(check, implementation, case, watch))
        if "NotImplementedError" in (outcomes[-1].error or {}).get("kinds", ()):
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
        refuse_ready_made(check, outcome.ready_made) if watch else contextlib.nullcontext(),
    ):
        try:
            outcome.value = observed(check, implementation, iter(given))
        except (Exception, SystemExit) as error:  # a learner's code may raise anything
            outcome.error = describe_error(error, implementation)
    outcome.value = as_data(outcome.value)
    outcome.changed = [words for snapshot in before for words in snapshot.changed()]
    outcome.hooks_left = [point for snapshot in before for point in snapshot.hooks_left()]
    return outcome


class ReadyMade(Exception):
    """Raised inside a learner's function that calls a ready-made answer."""


@contextlib.contextmanager
def refuse_ready_made(check: Check, used: list[str]) -> Iterator[None]:
    """Refuse calls into modules that hold ready-made answers, under whatever name they were imported.

    A profile function sees every Python call with its code's module, in threads too. The check's own
    reference is refused too. The names used are noted in `used`, so that catching the exception hides
    nothing; so is switching the profile function off. Who copies a library's text is not found out.
    """
    refused = (*READY_MADE, *SWITCHES, *check.ready_made)
    roots = tuple({name.split(".")[0] for name in refused})

    def watch(frame, event, argument):
        if argument is _set_profile and event == "c_call":
            refuse(SWITCHES[0])
        if event != "call" or not (module := frame.f_globals.get("__name__", "")).startswith(roots):
            return  # nearly always: this function runs at every call and return
        name = f"{module}.{frame.f_code.co_qualname}"
        if name.startswith(refused):
            refuse(name)

    def refuse(name):
        if watching:
            used.append(name)
            raise ReadyMade(name)

    watching, before = [watch], (sys.getprofile(), threading.getprofile())
    threading.setprofile(watch)
    _set_profile(watch)
    try:
        yield
    finally:
        used += [] if used or sys.getprofile() is watch else SWITCHES[:1]
        watching.clear()
        _set_profile(before[0])
        threading.setprofile(before[1])


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
