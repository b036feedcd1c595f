"""Checks of chapter 6: the CPR of circuits drawn by lot."""

from collections.abc import Iterator
from typing import Any

from patchbook.checking import Case, checks
from patchbook.checking.contract import describe
from patchbook.checking.diagnosis import Diagnosis
from patchbook.tests.specifications import circuit_predictions as specifications

# The share of the model's edges that each circuit of a curve may keep: the chapter's own grid.
SHARES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.45, 0.7, 1.0)
NEAR = 0.005


def _answer(answer: Any, arguments: dict[str, Any]) -> Any:
    """A learner's number as it stands; the stub's is a question mark."""
    if answer == "?":
        raise NotImplementedError("exercise random_cpr")
    return answer(*arguments.values()) if callable(answer) else answer


def wrong_area(shares: tuple[float, ...], area: Any) -> Diagnosis | None:
    """What is wrong with a learner's area, or None. Never says what it is."""
    if isinstance(area, bool) or not isinstance(area, int | float):
        came = "None" if area is None else describe(area)
        return Diagnosis("not-a-number", f"this is {came}; wanted an area.", "Give a number.")
    step = shares[-1] - shares[-2]
    if abs(area - step / 2) <= NEAR:
        return None
    known = (
        (
            0,
            "no-area",
            "the area is not 0: f is 1 at the last size.",
            "Draw the last two points, and join them.",
        ),
        (
            step,
            "rectangle",
            "this is the whole last step.",
            "Two points are joined by a straight line: what is below it?",
        ),
        (
            0.25,
            "other-grid",
            "this is the published number, for a grid that ends with 0.5 and 1.",
            "Look at tests.SHARES.",
        ),
        (1 - step / 2, "other-side", "this is the area above the curve: CMD.", "CPR is the area below it."),
        (0.5, "one-line", "f does not rise all the way.", "It is 0 up to the last size but one."),
        (
            1 / len(shares),
            "mean",
            "this is the mean of f over the sizes.",
            "An area weighs each value by the grid's steps.",
        ),
    )
    for value, name, what, next_line in known:
        if abs(area - value) <= NEAR:
            return Diagnosis(name, what, next_line)
    return Diagnosis("other-area", f"{area} is another area.", "Draw the last two points, and join them.")


@checks(
    specifications.random_cpr,
    call=_answer,
    explain=lambda arguments, area: wrong_area(arguments["shares"], area),
)
def test_random_cpr(seed: int) -> Iterator[Case]:
    """The CPR of a circuit that does nothing until it is the whole model."""
    yield Case("f is 0 but at the last size", lambda: {"shares": SHARES})
