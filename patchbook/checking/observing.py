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
from transformer_lens import ActivationCache, TransformerBridge

from patchbook.checking.check import Case, Check
from patchbook.checking.record import Outcome, Record, as_data

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


_made: dict[Case, dict[str, Any]] = {}  # arguments made ahead of time, each for one run


def make_arguments(case: Case) -> None:
    """Make a case's arguments now. The next run of the case takes them; the one after makes its own."""
    _made[case] = case.arguments()


def observe(check: Check, implementation: Any, seed: int = 0) -> Record:
    """Run `implementation` on every case of the seed, up to the first that raises."""
    outcomes = []
    for case in check.cases(seed):
        outcomes.append(observe_case(check, implementation, case))
        if outcomes[-1].error:
            break
    return Record(check.exercise, seed, outcomes)


def observe_case(check: Check, implementation: Any, case: Case) -> Outcome:
    """One case: the value or the error, edited inputs, hooks left behind, ready-made answers used."""
    arguments = _made.pop(case, None) or case.arguments()
    before = Snapshot(arguments)
    outcome = Outcome(case.description)
    with (
        torch.set_grad_enabled(case.grad),
        warnings.catch_warnings(action="ignore"),  # a check writes nothing to stderr
        refuse_ready_made(check, outcome.ready_made),
    ):
        try:
            outcome.value = check.observed(implementation, arguments)
        except (Exception, SystemExit) as error:  # a learner's code may raise anything
            outcome.error = describe_error(error, implementation)
    outcome.value = as_data(outcome.value)
    outcome.changed = [name for name in before.changed() if name.split("[")[0] not in check.may_change]
    outcome.hooks_left = before.hooks_left()
    return outcome


class Snapshot:
    """The tensors, weights and hooks of a case's arguments, to compare after the call."""

    def __init__(self, arguments: dict[str, Any]):
        self.arguments = arguments
        self.models = [a for a in arguments.values() if isinstance(a, TransformerBridge)]
        self.hooks = {id(m): _hooked(m) for m in self.models}
        self.training = {id(m): m.training for m in self.models}
        self.tensors = [(name, t, t.detach().clone()) for name, t in _tensors(arguments)]

    def changed(self) -> list[str]:
        """Names of the arguments that were edited, each once."""
        edited = [name for name, now, then in self.tensors if not _same(now, then)]
        edited += ["model.training" for m in self.models if m.training != self.training[id(m)]]
        return list(dict.fromkeys(edited))

    def hooks_left(self) -> list[str]:
        """Hook points that hold more hooks than before. Removes nothing: the model is thrown away."""
        return [
            name
            for m in self.models
            for name, count in _hooked(m).items()
            if count > self.hooks[id(m)].get(name, 0)
        ]


def _hooked(model: TransformerBridge) -> dict[str, int]:
    return {
        name: len(point.fwd_hooks) + len(point.bwd_hooks)
        for name, point in model.hook_dict.items()
        if point.fwd_hooks or point.bwd_hooks
    }


def _tensors(arguments: dict[str, Any]) -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor within the arguments, with the name a learner would use for it."""
    for name, value in arguments.items():
        if isinstance(value, torch.Tensor):
            yield name, value
        elif isinstance(value, ActivationCache):
            yield from ((f"{name}[{key!r}]", t) for key, t in value.cache_dict.items())
        elif isinstance(value, TransformerBridge):
            # buffers too: b_U is one once the final LayerNorm is folded into it
            yield from ((f"{name}'s weights", w) for w in (*value.parameters(), *value.buffers()))
        elif isinstance(value, dict):
            yield from ((f"{name}[{k!r}]", t) for k, t in value.items() if torch.is_tensor(t))


def _same(now: torch.Tensor, then: torch.Tensor) -> bool:
    return now.shape == then.shape and torch.equal(now.detach(), then)


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
    filename, frame = _code_file(implementation), None
    for entry in traceback.extract_tb(error.__traceback__):
        if entry.filename == filename:
            frame = entry
    line = linecache.getline(frame.filename, frame.lineno).strip() if frame else ""
    return {
        "type": type(error).__name__,
        "message": str(error),
        "line": line,
        "number": frame.lineno if frame else None,
    }


def _code_file(implementation: Any) -> str | None:
    """The file (or notebook cell) of the learner's function, through partials and wrappers."""
    while hasattr(implementation, "func") or hasattr(implementation, "__wrapped__"):
        implementation = getattr(implementation, "func", None) or implementation.__wrapped__
    return getattr(getattr(implementation, "__code__", None), "co_filename", None)
