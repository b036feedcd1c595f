"""Checks of chapter 2: standard errors, and what chance alone would name."""

import functools
from collections.abc import Iterator
from typing import Any

import torch

from patchbook.checking import Case, checks
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.tests.mistakes import standard_errors as mistakes
from patchbook.tests.specifications import standard_errors as specifications


def _runs(seed: int, *shape: int, effect: float = 0.5, dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    """Logit differences of a clean run, and of runs that differ from it by an effect with little spread."""
    clean = 5.0 + 2.0 * randn(seed, shape[-1], dtype=dtype)
    spread = 0.3 + randn(seed + 1, *shape[:-1], 1, dtype=dtype).abs()
    return {"clean": clean, "patched": clean - effect + spread * randn(seed + 2, *shape, dtype=dtype)}


@checks(specifications.standard_error_of_effect, mistakes.standard_error_of_effect)
def test_standard_error_of_effect(seed: int) -> Iterator[Case]:
    """The standard error of a mean effect."""
    rows = (
        ("one head, 12 prompts", (12,), {}),
        ("3 layers of 5 heads, 20 prompts", (3, 5, 20), {}),
        ("4 heads, 2 prompts", (4, 2), {}),
        ("6 heads, 9 prompts, float64", (6, 9), DOUBLE),
        ("2 heads, 300 prompts, a large effect", (2, 300), {"effect": 4.0}),
    )
    for number, (text, shape, options) in enumerate(rows):
        yield Case(text, functools.partial(_runs, seed + 10 * number, *shape, **options))


def _draws(seed: int, prompts: int, draws: int, k: int) -> torch.Tensor:
    return torch.randint(prompts, (draws, k), generator=torch.Generator().manual_seed(seed))


def _on_the_line(seed: int) -> dict[str, Any]:
    """Effects that add up without rounding, so that means of two stand exactly on the line."""
    effects = torch.tensor([1.0, -1.0, 0.5, -0.5, 0.25, -0.25, 0.75, -0.75])
    return {"effects": effects, "threshold": 0.25, "draws": _draws(seed, 8, 200, 2)}


@checks(specifications.null_of_threshold, mistakes.null_of_threshold)
def test_null_of_threshold(seed: int) -> Iterator[Case]:
    """How often a head that does nothing would be named."""
    rows = (
        ("300 draws of 16 out of 96 prompts", (96, 300, 16), 0.04, {}),
        ("150 draws of 5 out of 40 prompts, float64", (40, 150, 5), 0.08, DOUBLE),
        ("80 draws of all 24 prompts", (24, 80, 24), 0.03, {}),
        ("200 draws of one prompt out of 30", (30, 200, 1), 0.12, {}),
    )
    for number, (text, sizes, threshold, options) in enumerate(rows):

        def arguments(sizes=sizes, threshold=threshold, options=options, number=number):
            effects = 0.06 + 0.15 * randn(seed + number, sizes[0], **options)
            return {"effects": effects, "threshold": threshold, "draws": _draws(seed + number, *sizes)}

        yield Case(text, arguments)
    yield Case(
        "200 draws of 2 out of 8 prompts, many of them exactly on the line", lambda: _on_the_line(seed)
    )
