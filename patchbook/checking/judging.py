"""Decide on a Record: errors, contract, behaviour, values, in that order. Never runs a learner's code."""

import functools
import re

from transformer_lens import ActivationCache, TransformerBridge

from patchbook.checking import contract, errors
from patchbook.checking.arguments import fresh
from patchbook.checking.bench import numbered
from patchbook.checking.check import Case, Check
from patchbook.checking.comparing import agree, first_difference
from patchbook.checking.diagnosis import Result, diagnose, known_mistake
from patchbook.checking.messages import CheckFailed, listing
from patchbook.checking.record import Outcome, Raised, Record
from patchbook.checking.references import reference_of
from patchbook.checking.unforeseen import unforeseen
from patchbook.checking.values import compared, fitted, values_in


def judge(check: Check, record: Record) -> None:
    """Raise CheckFailed with a diagnosis unless every case of the record is right.

    The cases are built anew from the record's seed, so nothing a learner edited reaches the judge.
    """
    cases = check.cases(record.seed)
    for outcome in record.outcomes:
        _refuse_ready_made(check, outcome)
        errors.refuse_unwritten(check, outcome)
    if record.exercise != check.exercise or len(record.outcomes) != len(cases):
        raise ValueError(f"this record is not one of {check.exercise} on seed {record.seed}")
    results = [result_of(check, c, o) for c, o in zip(cases, record.outcomes, strict=True)]
    _refuse_errors(check, results, record.outcomes)
    if check.compares:
        _refuse_contract(check, results)
    for case, outcome in zip(cases, record.outcomes, strict=True):
        _refuse_behaviour(check, case, outcome)
    _refuse_values(check, results) if check.compares else _refuse_explained(check, results)


def passed(check: Check, record: Record) -> str:
    """What is said of a record that `judge` lets pass, in one line."""
    if check.bench is None:
        return f"✓ {check.exercise}: right on all {len(record.outcomes)} cases."
    found = caught(check, record)
    slipped = numbered(what for what, refused in found.items() if not refused)
    counts = f"{sum(found.values())} of {len(found)} wrong functions are refused, and no right one."
    return f"✓ {check.exercise}: {counts}" + (f" Slipped through: {slipped}." if slipped else "")


def caught(check: Check, record: Record) -> dict[str, bool]:
    """By misconception, in words, whether a learner's cases refuse it; {} where there are no fit cases."""
    values = [outcome.value for outcome in record.outcomes]
    return check.bench.caught(values[0]) if check.bench and len(values) == 1 else {}


def result_of(check: Check, case: Case, outcome: Outcome) -> Result:
    """What a case gave, in the form in which it is compared, beside what it should have given."""
    arrays, wanted = reference_of(check, case)
    if outcome.error or case.raises:
        error = outcome.error and Raised(tuple(map(str, outcome.error["kinds"])))
        return Result(case, error or outcome.value, wanted, "")
    got = fitted(check, outcome.value)
    if not check.compares:
        return Result(case, got, wanted, "")
    broken = [
        contract.violation(check.reference, check.return_type, arrays, v) for v in values_in(check, got)
    ]
    got, want = (compared(check, functools.partial(fresh, case), values) for values in (got, wanted))
    if not any(broken):
        broken = [contract.misshapen(got, want)]
    return Result(case, got, want, next(filter(None, broken), ""))


def _refuse_ready_made(check: Check, outcome: Outcome) -> None:
    if outcome.ready_made:
        raise CheckFailed(
            check.exercise,
            "ready-made",
            f"it calls {outcome.ready_made[0]}, which is a ready-made answer.",
            next="Write the function yourself: that is the exercise.",
        )


def _refuse_errors(check: Check, results: list[Result], outcomes: list[Outcome]) -> None:
    """Errors where values are wanted, other errors than the wanted ones, and values in their place."""
    pairs = [(r, o) for r, o in zip(results, outcomes, strict=True) if not _as_wanted(r)]
    for result, outcome in pairs:
        cause = known_mistake(check, results) if any(not isinstance(r.got, Raised) for r in results) else None
        if cause:
            raise CheckFailed(check.exercise, cause.id, cause.what, errors.place(outcome), cause.next)
        if result.case.raises is None:
            raise errors.raised(check, outcome, sum(o.error is not None for _, o in pairs) - 1)
        wanted = result.case.raises.__name__
        if outcome.error:
            raise errors.wrong_error(check, outcome, wanted)
        raise errors.no_error(check, outcome, wanted, contract.describe(outcome.value))


def _as_wanted(result: Result) -> bool:
    """A value where one is wanted, right or wrong; an error where that one is."""
    raises = isinstance(result.got, Raised), isinstance(result.want, Raised)
    return agree(result.got, result.want) if all(raises) else not any(raises)


def _refuse_contract(check: Check, results: list[Result]) -> None:
    axes = contract.axes(check.return_type)
    for result in (r for r in results if r.broken):
        cause = diagnose(check, results, axes)
        raise CheckFailed(
            check.exercise,
            cause.id if cause else "contract",
            cause.what if cause else f"{result.broken}.",
            f"{result.case.description}; {result.broken}" if cause else result.case.description,
            cause.next if cause else contract.hint(result.got, check.return_type),
        )


def _refuse_behaviour(check: Check, case: Case, outcome: Outcome) -> None:
    if outcome.hooks_left:
        raise CheckFailed(
            check.exercise,
            "hooks-left",
            f"it leaves hooks behind on the model: {listing(outcome.hooks_left, 2)}.",
            outcome.case,
            "run_with_hooks removes its own hooks; after add_hook, call model.reset_hooks().",
        )
    if outcome.autograd_left_on:
        raise CheckFailed(
            check.exercise,
            "autograd-left-on",
            "it leaves autograd on: every later run would keep what a backward pass needs.",
            outcome.case,
            "Write `with torch.enable_grad():` around the run and the metric: it puts the setting back.",
        )
    if outcome.changed:
        raise CheckFailed(
            check.exercise,
            "changed-input",
            f"it edits what it was given: {listing(outcome.changed, 2)} changed.",
            outcome.case,
            _copy(case, outcome.changed[0]),
        )


def _copy(case: Case, changed: str) -> str:
    """How to work on a copy of the argument that was edited."""
    name = re.match(r"\w*", changed)[0]
    argument = fresh(case).get(name)
    if isinstance(argument, list | set):
        return f"Work on a copy, list({name}): whoever passed it goes on with what you leave of it."
    if isinstance(argument, dict):
        return f"Work on a copy, copy.deepcopy({name}): dict({name}) would share the lists within it."
    if isinstance(argument, TransformerBridge):
        return "Leave the model as it was: change activations in a hook, and put settings back at the end."
    if isinstance(argument, ActivationCache):
        return "Read from the cache, write elsewhere: into a copy (.clone()). Its entries share memory."
    return "Work on a copy (.clone()): tensors share memory, so an edit leaks elsewhere."


def _refuse_values(check: Check, results: list[Result]) -> None:
    agrees = check.agrees or agree
    wrong = [r for r in results if not agrees(r.got, r.want)]
    if not wrong:
        return
    case, got, want, _ = wrong[0]
    axes = contract.axes(check.return_type)
    right = [r for r in results if agrees(r.got, r.want)]
    cause = diagnose(check, results, axes) or unforeseen(wrong, right, axes)
    place = first_difference(got, want, axes) if check.agrees is None else ""
    where = f"{case.description}{': ' if place else ''}{place}"
    raise CheckFailed(check.exercise, cause.id, cause.what, where, cause.next)


def _refuse_explained(check: Check, results: list[Result]) -> None:
    explain = check.explain or check.bench.explain
    for result in results:
        cause = explain(fresh(result.case), result.got)
        if cause is not None:
            raise CheckFailed(check.exercise, cause.id, cause.what, result.case.description, cause.next)
