"""What to say of a function that raised: unwritten, broken, or the wrong kind of error."""

from typing import Any

from patchbook.checking.check import Check
from patchbook.checking.messages import CheckFailed
from patchbook.checking.record import Outcome
from patchbook.outline import UNWRITTEN

NOT_WRITTEN, NEEDS_ANOTHER = "not-written", "needs-another"  # diagnoses
_UNWRITTEN = "exercise "  # a stub raises NotImplementedError("exercise <name>")


def is_unwritten(outcome: Outcome) -> bool:
    """Whether a stub stopped it, its own or another exercise's."""
    error = outcome.error or {"kinds": [""], "message": ""}
    return error["kinds"][0] == "NotImplementedError" and error["message"].startswith(_UNWRITTEN)


def not_yet(failed: CheckFailed) -> bool:
    """Whether nothing is wrong with an answer but that it, or one that it calls, is unwritten."""
    return failed.diagnosis in UNWRITTEN


def refuse_unwritten(check: Check, outcome: Outcome) -> None:
    """Raise CheckFailed for a stub as it was released, and for a function that calls one."""
    if not is_unwritten(outcome):
        return
    name = outcome.error["message"].removeprefix(_UNWRITTEN)
    if name != check.exercise:
        raise CheckFailed(
            check.exercise,
            NEEDS_ANOTHER,
            f"it calls {name}, which is not written yet.",
            next="Write that one first: it comes earlier in this chapter.",
        )
    predicts = check.explain is not None
    raise CheckFailed(
        check.exercise,
        NOT_WRITTEN,
        "it is not answered yet." if predicts else "it is not written yet.",
        next="Write your answer where the question mark is, run that cell, then this one."
        if predicts
        else "Replace `raise NotImplementedError(...)` in its cell, run that cell, then this one.",
    )


def raised(check: Check, outcome: Outcome, others: int) -> CheckFailed:
    """An error where a value is wanted. others: how many other cases raised, too."""
    error = outcome.error or {}
    kind, message = error["kinds"][0], error["message"]
    more = f" (on {others} other cases, too)" if others > 1 else " (on one other case, too)" if others else ""
    what = f"it raised {kind}: {message[:300]}" if message else f"it raised {kind}."
    return CheckFailed(check.exercise, "raised", f"{what}{more}", place(outcome), _hint(kind, message))


def wrong_error(check: Check, outcome: Outcome, wanted: str) -> CheckFailed:
    """Another error than the exercise asks for."""
    kind = (outcome.error or {})["kinds"][0]
    instead = f"Ask before that line: `if …: raise {wanted}(…)`, and say in it what is wrong."
    if kind == "AssertionError":
        instead = f"`assert` raises AssertionError. Write `if …: raise {wanted}(…)` instead."
    return CheckFailed(
        check.exercise, "wrong-error", f"it raised {kind}; wanted a {wanted}.", place(outcome), instead
    )


def no_error(check: Check, outcome: Outcome, wanted: str, came: str) -> CheckFailed:
    """A value where the exercise asks for an error."""
    return CheckFailed(
        check.exercise,
        "no-error",
        f"it returned {came}; wanted a {wanted}.",
        outcome.case,
        f"Look at the argument first: `if …: raise {wanted}(…)`. To return the error is not enough.",
    )


def place(outcome: Outcome) -> str:
    """The case, and the learner's own line that raised."""
    error: dict[str, Any] = outcome.error or {}
    return (
        f"{outcome.case}; your line {error['number']}: {error['line']}" if error.get("line") else outcome.case
    )


_HINTS = (
    ("unexpected keyword argument 'hook'", "TransformerLens passes the hook point by name: call it `hook`."),
    ("missing 1 required positional argument", "Compare your function's arguments with the stub's."),
    ("positional argument", "Compare your function's arguments with the stub's: same number, same order."),
    ("not callable", "Pass the function itself, without calling it: test_f(f), not test_f(f(...))."),
    ("out of bounds", "An index runs past the end: print the shape and the index just before this line."),
    ("out of range", "An index runs past the end: print the length and the index just before this line."),
    ("must match the size", "Two shapes do not fit: print both shapes just before this line."),
    ("must match the existing size", "Two shapes do not fit: print both shapes just before this line."),
    ("shape mismatch", "Two shapes do not fit: print both shapes just before this line."),
    ("cannot be multiplied", "Two shapes do not fit: print both shapes just before this line."),
    (
        "does not require grad",
        "Autograd is off, as in every notebook: `with torch.enable_grad():` around the run and the metric.",
    ),
    (
        "not have been used in the graph",
        "The run went on with another tensor than the one you kept: return the kept one from your hook.",
    ),
    ("none of this model's attention", "This model has no such setting: do without it, from z and W_O."),
    ("'tuple' object has no", "Something here is a tuple: print it. What you want may be its first entry."),
    ("requires grad", "Autograd tracks this tensor: use .detach() before it leaves torch."),
    ("support item assignment", "This cannot be written into: write into the tensor you were given."),
    ("is ambiguous", "`if`, `and`, `or`, `not` and `in` want one True or False: this tensor has many."),
    ("exercise does without", "Read the weights themselves: model.W_U, model.b_U, model.W_V, model.W_O."),
    ("is not defined", "A name is missing: run the cells above from the top, or check its spelling."),
    ("expected str instance", "A text is wanted here and something else came: str(...) makes one of it."),
)  # fmt: skip


def _hint(kind: str, message: str) -> str:
    for words, hint in _HINTS:
        if words in message:
            return hint
    if kind == "KeyError":
        return "That key is not there: print the keys, and compare the spelling."
    if kind == "AttributeError":
        return "It has no such attribute: print its type, and look for the name with dir(...)."
    return "Run your function on the notebook's own example first, and print shapes on the way."
