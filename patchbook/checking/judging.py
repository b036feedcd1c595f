"""Decide on a Record: contract, behaviour, values, in that order. Never runs a learner's code."""

import functools
from typing import Any, NamedTuple

import torch

from patchbook.checking import contract
from patchbook.checking.check import Case, Check
from patchbook.checking.comparing import agree, first_difference
from patchbook.checking.diagnosis import diagnose
from patchbook.checking.messages import CheckFailed, listing
from patchbook.checking.observing import SWITCHES
from patchbook.checking.record import Outcome, Record, as_data


class Result(NamedTuple):
    """One case as judged: the learner's value, the reference's, and how the contract is broken ("")."""

    case: Case
    got: Any
    want: Any
    broken: str


def judge(check: Check, record: Record) -> None:
    """Raise CheckFailed with a diagnosis unless every case of the record is right.

    The cases are built anew from the record's seed, so nothing a learner edited reaches the judge.
    """
    cases = check.cases(record.seed)
    for outcome in record.outcomes:
        _refuse_errors(check, outcome)
    if record.exercise != check.exercise or len(record.outcomes) != len(cases):
        raise ValueError(f"this record is not one of {check.exercise} on seed {record.seed}")
    results = [_result(check, c, o) for c, o in zip(cases, record.outcomes, strict=True)]
    if check.explain is None:
        _refuse_contract(check, results)
    for outcome in record.outcomes:
        _refuse_behaviour(check, outcome)
    _refuse_values(check, results) if check.explain is None else _refuse_explained(check, results)


def _result(check: Check, case: Case, outcome: Outcome) -> Result:
    (arrays, wanted), got = _reference(check, case), _simplified(outcome.value, check)
    broken = [contract.violation(check.reference, check.return_type, arrays, v) for v in check.values(got)]
    got, want = (check.compared(case.arguments, observed) for observed in (got, wanted))
    if not any(broken) and torch.is_tensor(want) and got.shape != want.shape:
        broken = [f"it returned {contract.describe(got)}; wanted shape {tuple(want.shape)}"]
    return Result(case, got, want, next(filter(None, broken), ""))


@functools.lru_cache(maxsize=512)  # a whole class is judged on the same cases
def _reference(check: Check, case: Case) -> tuple[dict[str, Any], Any]:
    """The arguments that bind the contract's axes, which no learner's code has seen, and the right value."""
    with torch.set_grad_enabled(case.grad):
        arguments = case.arguments()
        arrays = contract.arrays(check.reference, arguments)
        return arrays, as_data(check.observed(check.reference, arguments))


def _simplified(value: Any, check: Check) -> Any:
    """A 0-dimensional tensor is as good as the number it holds, where a number is wanted."""
    if check.return_type in (float, int) and torch.is_tensor(value):
        return value.item() if value.numel() == 1 else value
    return value


def _refuse_errors(check: Check, outcome: Outcome) -> None:
    if outcome.ready_made:
        name = outcome.ready_made[0]
        why = "would hide what else it calls" if name.startswith(SWITCHES) else "is a ready-made answer"
        raise CheckFailed(
            check.exercise,
            "ready-made",
            f"it calls {name}, which {why}.",
            next="Write the function yourself: that is the exercise.",
        )
    if outcome.error is None:
        return
    kind, message = outcome.error["type"], outcome.error["message"]
    if kind == "NotImplementedError" and message == f"exercise {check.exercise}":
        raise CheckFailed(
            check.exercise,
            "not-written",
            "it is not written yet.",
            next="Replace `raise NotImplementedError(...)` in its cell, run that cell, then this one.",
        )
    if kind == "NotImplementedError" and message.startswith("exercise "):
        raise CheckFailed(
            check.exercise,
            "needs-another",
            f"it calls {message.removeprefix('exercise ')}, which is not written yet.",
            next="Write that one first: it comes earlier in this chapter.",
        )
    line = f"your line {outcome.error['number']}: {outcome.error['line']}"
    raise CheckFailed(
        check.exercise,
        "raised",
        f"it raised {kind}: {message[:300]}",
        f"{outcome.case}{'; ' + line if outcome.error['line'] else ''}",
        _hint(kind, message),
    )


_HINTS = (
    ("unexpected keyword argument 'hook'", "TransformerLens passes the hook point by name: call it `hook`."),
    ("missing 1 required positional argument", "Compare your function's arguments with the stub's."),
    ("positional argument", "Compare your function's arguments with the stub's: same number, same order."),
    ("not callable", "Pass the function itself, without calling it: test_f(f), not test_f(f(...))."),
    ("out of bounds", "An index runs past the end: print the shape and the index just before this line."),
    ("out of range", "An index runs past the end: print the length and the index just before this line."),
    ("must match the size", "Two shapes do not fit: print both shapes just before this line."),
    ("cannot be multiplied", "Two shapes do not fit: print both shapes just before this line."),
    ("requires grad", "Autograd is on here: use .detach() before leaving torch."),
    ("is ambiguous", "True or False is wanted of many values at once: ask for one of them at a time."),
    ("is not defined", "A name is missing: run the cells above from the top, or check its spelling."),
)  # fmt: skip


def _hint(kind: str, message: str) -> str:
    for words, hint in _HINTS:
        if words in message:
            return hint
    if kind == "KeyError":
        return "That key is not there: print the keys, and compare the spelling."
    return "Run your function on the notebook's own example first, and print shapes on the way."


def _refuse_contract(check: Check, results: list[Result]) -> None:
    axes = contract.axes(check.return_type)
    for result in (r for r in results if r.broken):
        cause = diagnose(check, results, axes)
        raise CheckFailed(
            check.exercise,
            cause.id if cause else "contract",
            cause.what if cause else f"{result.broken}.",
            f"{result.case.description}; {result.broken}" if cause else result.case.description,
            cause.next if cause else _contract_hint(result.broken),
        )


def _contract_hint(broken: str) -> str:
    if "(Tensor)" in broken:
        return "Turn tensors that hold one number into plain numbers, with .item() or .tolist()."
    return "Print the type and shape of what you return."


def _refuse_behaviour(check: Check, outcome: Outcome) -> None:
    if outcome.hooks_left:
        raise CheckFailed(
            check.exercise,
            "hooks-left",
            f"it leaves hooks behind on the model: {listing(outcome.hooks_left, 2)}.",
            outcome.case,
            "run_with_hooks removes its own hooks; after add_hook, call model.reset_hooks().",
        )
    if outcome.changed:
        raise CheckFailed(
            check.exercise,
            "changed-input",
            f"it edits what it was given: {listing(outcome.changed, 2)} changed.",
            outcome.case,
            "Work on a copy (.clone()): cache entries share memory, so an edit leaks elsewhere.",
        )


def _refuse_values(check: Check, results: list[Result]) -> None:
    agrees = check.agrees or agree
    wrong = [r for r in results if not agrees(r.got, r.want)]
    if not wrong:
        return
    case, got, want, _ = wrong[0]
    axes = contract.axes(check.return_type)
    cause = diagnose(check, results, axes)
    place = first_difference(got, want, axes) if check.agrees is None else ""
    right = f"{len(results) - len(wrong)} of {len(results)} cases are right"
    raise CheckFailed(
        check.exercise,
        cause.id if cause else "first-difference",
        cause.what if cause else f"the values differ from the reference ({right}).",
        f"{case.description}{': ' if place else ''}{place}",
        cause.next if cause else "Work this case out by hand for the one value named above.",
    )


def _refuse_explained(check: Check, results: list[Result]) -> None:
    for result in results:
        cause = check.explain(result.case.arguments(), result.got)
        if cause is not None:
            raise CheckFailed(check.exercise, cause.id, cause.what, result.case.description, cause.next)
