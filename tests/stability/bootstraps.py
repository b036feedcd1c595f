"""Checks of chapter 7: which edges other prompts would have chosen."""

import functools
from collections.abc import Iterator
from typing import Any

import torch

from patchbook.checking import Case, checks
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.tests.mistakes import bootstraps as mistakes
from patchbook.tests.specifications import bootstraps as specifications


def _arguments(seed: int, prompts: int, edges: int, draws: int, n: int, **options) -> dict[str, Any]:
    """Edges with a mean of either sign and a spread of their own: their ranks change from draw to draw."""
    means, spread = 0.6 * randn(seed, edges, **options), 0.5 + 2 * randn(seed + 1, edges, **options).abs()
    generator = torch.Generator().manual_seed(seed)
    return {
        "scores": means + spread * randn(seed + 2, prompts, edges, **options),
        "draws": torch.randint(prompts, (draws, prompts), generator=generator),
        "n": n,
    }


@checks(specifications.bootstrap_circuits, mistakes.bootstrap_circuits)
def test_bootstrap_circuits(seed: int) -> Iterator[Case]:
    """How often other prompts would have chosen each edge."""
    yield Case("30 draws of 12 prompts, 5 of 17 edges", functools.partial(_arguments, seed, 12, 17, 30, 5))
    yield Case(
        "21 draws of 8 prompts, 4 of 11 edges, float64",
        functools.partial(_arguments, seed + 10, 8, 11, 21, 4, **DOUBLE),
    )
