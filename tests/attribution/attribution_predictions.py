"""Checks of chapter 5: what is saved, and an edge where one gradient is not enough."""

import functools
import math
import os
from collections.abc import Iterator
from typing import Any

from patchbook.checking import Case, checks, measured_edges
from patchbook.checking.contract import describe
from patchbook.checking.diagnosis import Diagnosis
from patchbook.tests.specifications import attribution_predictions as specifications

LAYERS, LENGTH = 12, 15  # of GPT-2 small, and of the course's prompts
NEAR = 0.02  # of the right number


def _prediction(exercise: str) -> Any:
    """A learner's value as it stands; the stub's is a question mark."""

    def answer(answer: Any, arguments: dict[str, Any]) -> Any:
        if isinstance(answer, str) and answer == "?":
            raise NotImplementedError(f"exercise {exercise}")
        return answer(*arguments.values()) if callable(answer) else answer

    return answer


def _not_a_number(value: Any) -> Diagnosis | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        came = "None" if value is None else describe(value)
        return Diagnosis("not-a-number", f"this is {came}; wanted a number.", "Such as 0.25.")
    return None


def _of_the_saved_share(arguments: dict[str, Any], share: Any) -> Diagnosis | None:
    n, refused = arguments["layers"](), _not_a_number(share)
    if refused:
        return refused
    rows = (
        ("percent", 100 * (n - 1) / (2 * n), "this is a percentage.", "0.25 is a quarter."),
        (
            "what-remains",
            (n + 1) / (2 * n),
            "this is the share that still runs.",
            "What is saved is the rest.",
        ),
        (
            "one-half",
            0.5,
            "this is one half: nearly.",
            "The patched layer itself has to run: count the layers for each of the twelve patches.",
        ),
        (
            "one-patch",
            (n - 1) / n,
            "this is the share that the last layer's patches save.",
            "Earlier layers' patches save less. Take the mean over all twelve.",
        ),
    )
    if _near(share, (n - 1) / (2 * n)):
        return None
    for id, value, what, following in rows:
        if _near(share, value):
            return Diagnosis(id, what, following)
    return Diagnosis(
        "other-share",
        f"{share:.3f} is not the share.",
        f"Patching before layer 0 runs {n} layers, before layer {n - 1} one. In all it could be {n} · {n}.",
    )


def _near(value: float, right: float) -> bool:
    return abs(value - right) <= NEAR * right


@checks(specifications.my_share_saved, call=_prediction("my_share_saved"), explain=_of_the_saved_share)
def test_my_share_saved(seed: int) -> Iterator[Case]:
    """How much of a sweep's work the layers before the patch are."""
    yield Case("a sweep over the stream before each of 12 layers", lambda: {"layers": lambda: LAYERS})


def _of_the_edge(arguments: dict[str, Any], label: Any) -> Diagnosis | None:
    return measured_edges.wrong_edge(arguments["errors"](), label)


@checks(specifications.my_wrong_edge, call=_prediction("my_wrong_edge"), explain=_of_the_edge)
def test_my_wrong_edge(seed: int) -> Iterator[Case]:
    """An edge of the model in use where EAP is wrong and EAP-IG mends it, patched exactly."""
    errors = functools.partial(measured_edges.errors, os.environ.get("PATCHBOOK_MODEL"))
    yield Case("the model in use, the published prompts", lambda: {"errors": errors})


def _of_the_speedup(arguments: dict[str, Any], factor: Any) -> Diagnosis | None:
    (n, length), refused = arguments["sizes"](), _not_a_number(factor)
    if refused:
        return refused
    layers, positions = 2 * n / (n + 1), 2 * length / (length + 1)
    if _near(factor, layers * positions):
        return None
    rows = (
        ("layers-only", layers, "this is what the layers give.", "Positions before it are spared, too."),
        (
            "positions-only",
            positions,
            "this is what the positions give.",
            "Layers before it are spared, too.",
        ),
        (
            "share",
            1 / (layers * positions),
            "this is the share that still runs.",
            "Wanted how many times fewer: 1 over it.",
        ),
        ("added", layers + positions, "the two savings are added.", "One multiplies the other."),
        ("four", 4.0, "it is a little less than 2 times 2.", "The patched layer and position have to run."),
    )
    for id, value, what, following in rows:
        if _near(factor, value):
            return Diagnosis(id, what, following)
    return Diagnosis(
        "other-factor",
        f"{factor:.2f} times is not what the operations say.",
        "Divide what sweep_flops gives without both cuts by what it gives with both.",
    )


@checks(specifications.my_speedup, call=_prediction("my_speedup"), explain=_of_the_speedup)
def test_my_speedup(seed: int) -> Iterator[Case]:
    """How many times fewer operations a sweep needs that runs only what a patch can reach."""
    yield Case(f"{LAYERS} layers, {LENGTH} positions", lambda: {"sizes": lambda: (LAYERS, LENGTH)})
