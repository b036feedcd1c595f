"""Checks of chapter 1: averages over chosen pairs of query and key."""

import functools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from patchbook.checking import Case, checks
from patchbook.checking.awkward import awkward_model
from patchbook.checking.designed import Condition, cache_of_patterns, tied_patterns
from patchbook.checking.prepared import tiny_gpt2
from patchbook.tests.induction_heads.patterns import (
    cached_patterns,
    detector_case,
    first_key,
    first_or_second,
    previous,
    same,
    tiny_case,
    two_before,
    uniform,
)
from patchbook.tests.mistakes import averages as mistakes
from patchbook.tests.specifications import averages as specifications


@checks(specifications.average_over_condition, mistakes.average_over_condition)
def test_average_over_condition(seed: int) -> Iterator[Case]:
    """The mean of each head's pattern over the pairs where a condition holds."""
    rows: tuple[tuple[str, Condition, Callable[[], Tensor]], ...] = (
        (
            "3 heads, 7 positions, random values, key == query - 1",
            lambda query, key: key == query - 1,
            lambda: uniform(seed, 3, 7, 7),
        ),
        (
            "5 heads, 8 positions, random values, key > query + 1 or key == 0",
            lambda query, key: key > query + 1 or key == 0,
            lambda: uniform(seed + 1, 5, 8, 8),
        ),
        (
            "4 heads, 6 positions, float64, one pair only: query 5 and key 2",
            lambda query, key: query == 5 and key == 2,
            lambda: uniform(seed + 2, 4, 6, 6, dtype=torch.float64),
        ),
        (
            "a model's cached pattern, key >= query - 2 (later keys too: their attention is 0)",
            lambda query, key: key >= query - 2,
            lambda: cached_patterns(awkward_model, seed)[1].clone(),
        ),
        (
            "the last layer of tiny-gpt2, key == 0 or key == query",
            lambda query, key: key in (0, query),
            lambda: cached_patterns(tiny_gpt2, seed)[-1].clone(),
        ),
    )
    for text, condition, values in rows:
        arguments = functools.partial(lambda v, c: {"tensor": v(), "condition": c}, values, condition)
        yield Case(text, arguments)


@checks(specifications.heads_with_high_average_pattern, mistakes.heads_with_high_average_pattern)
def test_heads_with_high_average_pattern(seed: int) -> Iterator[Case]:
    """Labels of the heads whose average pattern reaches a threshold."""
    two_back = {"rule": two_before, "condition": lambda query, key: key == query - 2}
    beside = {"rule": previous, "condition": lambda query, key: abs(query - key) == 1, "scale": 2.0}
    early = {"rule": first_or_second, "condition": lambda query, key: key <= 1 and query > 1, "scale": 1.8}
    rows = (
        ("key == query - 2", two_back | {"threshold": 0.6, "layers": 3, "length": 6}),
        ("query and key side by side", beside | {"threshold": 0.25, "layers": 2, "length": 7}),
        ("key 0 or 1, query 2 or later", early | {"threshold": 0.35, "layers": 4, "length": 8}),
        ("key == query - 2", two_back | {"threshold": 0.05, "layers": 3, "length": 4}),
    )
    for index, (text, plan) in enumerate(rows):
        plan |= {"decoys": (same, first_key), "dtype": torch.float64 if index == 2 else torch.float32}
        name = f"{plan['layers']} layers, 5 heads, {text}, threshold {plan['threshold']}"
        after = {argument: plan[argument] for argument in ("condition", "threshold")}
        yield detector_case(name, seed + index, plan, **after)
    tied = functools.partial(tied_patterns, two_before, _averages_with_ties(seed), length=6)
    yield Case(
        "2 layers, 5 heads, key == query - 2, some heads exactly at the threshold 0.5",
        lambda: {"cache": cache_of_patterns(tied()), "condition": two_back["condition"], "threshold": 0.5},
    )
    yield tiny_case(seed, {"condition": lambda query, key: key == query - 1})


def _averages_with_ties(seed: int) -> Tensor:
    """For 2 layers of 5 heads: binary fractions, and 0.5 itself three times."""
    values = torch.tensor([0.5, 0.5, 0.5, 0.25, 0.75, 0.0625, 0.375, 0.625, 0.4375, 0.5625])
    order = torch.randperm(10, generator=torch.Generator().manual_seed(seed))
    return values[order].reshape(2, 5)
