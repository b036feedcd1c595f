"""Checks of chapter 1: heads that look at the current, the previous or the first token."""

from collections.abc import Iterator

import torch

from patchbook.checking import Case, checks
from patchbook.checking.designed import Condition, Rule
from patchbook.tests.induction_heads.patterns import (
    detector_case,
    first_key,
    previous,
    same,
    second_key,
    two_before,
)
from patchbook.tests.mistakes import detectors as mistakes
from patchbook.tests.specifications import detectors as specifications


def _detector_cases(
    seed: int, rule: Rule, condition: Condition, decoys: tuple[Rule, ...], low: float = 0.3, length: int = 9
) -> Iterator[Case]:
    """The default threshold, a high one and a low one. (Position 0 can only look at itself: not too low.)"""
    plan = {"rule": rule, "condition": condition, "decoys": decoys}
    yield detector_case(
        "3 layers, 5 heads, 7 tokens, no threshold given (0.4)", seed, plan | {"threshold": 0.4}
    )
    yield detector_case(
        "2 layers, 6 heads, 8 tokens, threshold 0.65, float64",
        seed + 1,
        plan | {"threshold": 0.65, "layers": 2, "heads": 6, "length": 8, "dtype": torch.float64},
        threshold=0.65,
    )
    plan |= {"threshold": low, "layers": 4, "length": length}
    name = f"4 layers, 5 heads, {length} tokens, threshold {low}"
    yield detector_case(name, seed + 2, plan, threshold=low)


@checks(specifications.current_attn_detector, mistakes.current_attn_detector)
def test_current_attn_detector(seed: int) -> Iterator[Case]:
    """Heads whose queries look at themselves."""
    decoys = (previous, two_before, first_key, second_key)
    yield from _detector_cases(seed, same, lambda query, key: key == query, decoys)


@checks(specifications.prev_attn_detector, mistakes.prev_attn_detector)
def test_prev_attn_detector(seed: int) -> Iterator[Case]:
    """Heads whose queries look one token back."""
    decoys = (same, two_before, first_key, second_key)
    condition = lambda query, key: key == query - 1  # noqa: E731
    yield from _detector_cases(seed, previous, condition, decoys, low=0.08, length=4)


@checks(specifications.first_attn_detector, mistakes.first_attn_detector)
def test_first_attn_detector(seed: int) -> Iterator[Case]:
    """Heads that look at position 0."""
    decoys = (same, previous, two_before, second_key)
    yield from _detector_cases(seed, first_key, lambda query, key: key == 0, decoys)
