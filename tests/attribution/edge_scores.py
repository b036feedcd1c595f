"""Checks of chapter 5: what every edge does, and what it would do by its gradient."""

import functools
from collections.abc import Iterator
from typing import Any

from patchbook.checking import Case, checks
from patchbook.checking.inputs import DOUBLE
from patchbook.tests.attribution.prompts import pair
from patchbook.tests.mistakes import edge_scores as mistakes
from patchbook.tests.specifications import edge_scores as specifications

ONE = {"n_layers": 1, "n_heads": 2}
TWO = {"n_layers": 2, "n_heads": 3}
FINE = {"n_layers": 2, "n_heads": 2} | DOUBLE


def _unequal(seed: int, **more: Any) -> Case:
    def build() -> dict[str, Any]:
        return pair(seed, "", 2, 6, 5, **ONE) | more

    return Case("clean prompts of 6, corrupted ones of 5", build, raises=ValueError)


@checks(specifications.edge_attribution, mistakes.edge_attribution)
def test_edge_attribution(seed: int) -> Iterator[Case]:
    """The estimated effect of every edge."""
    rows = (
        ("1 layer, 2 heads, 4 prompts of 3; logit difference", 4, 3, ONE),
        ("2 layers, 3 heads, 2 prompts of 5; log-probability at all positions", 2, 5, TWO),
        ("2 layers, 2 heads, float64, 3 prompts of 4", 3, 4, FINE),
        ("a linear model, 3 prompts of 4", 3, 4, {}),
    )
    for text, batch, length, options in rows:
        yield Case(text, functools.partial(pair, seed, text, batch, length, **options))
    yield _unequal(seed)


def _some(seed: int, text: str, batch: int, length: int, options: dict, edges: list) -> dict[str, Any]:
    return pair(seed, text, batch, length, **options) | {"edges": list(edges)}


_AMONG = (
    "embedding -> L0H1.q",
    "embedding -> L1H2.v",
    "L0H1 -> L1H0.q",
    "L0H1 -> L1H0.k",
    "L0H0 -> MLP 1",
    "MLP 0 -> L1H1.v",
    "MLP 1 -> logits",
    "L1H2 -> MLP 1",
)


@checks(specifications.edge_patching, mistakes.edge_patching)
def test_edge_patching(seed: int) -> Iterator[Case]:
    """The exact effect of some edges."""
    rows = (
        (
            "1 layer, 2 heads, 4 prompts of 3; logit difference",
            4,
            3,
            ONE,
            ["L0H1 -> MLP 0", "embedding -> L0H0.k", "embedding -> logits", "embedding -> L0H1.v"],
        ),
        ("2 layers, 3 heads, 2 prompts of 5; log-probability at all positions", 2, 5, TWO, _AMONG),
        ("2 layers, 3 heads, float64, 3 prompts of 4", 3, 4, TWO | DOUBLE, _AMONG[::-2]),
        (
            "a linear model, 3 prompts of 4",
            3,
            4,
            {},
            ["embedding -> L1H4.v", "L0H2 -> logits", "L0H0 -> L1H1.v"],
        ),
    )
    for text, *row in rows:
        yield Case(text, functools.partial(_some, seed, text, *row))
    yield _unequal(seed, edges=["embedding -> logits"])


def _steps(seed: int, text: str, batch: int, length: int, options: dict, steps: int) -> dict[str, Any]:
    return pair(seed, text, batch, length, **options) | {"steps": steps}


@checks(specifications.edge_attribution_ig, mistakes.edge_attribution_ig)
def test_edge_attribution_ig(seed: int) -> Iterator[Case]:
    """The estimated effect of every edge, by gradients along the way."""
    rows = (
        ("1 layer, 2 heads, 4 prompts of 3; 2 steps", 4, 3, ONE, 2),
        ("2 layers, 3 heads, 2 prompts of 5, log-probability at all positions; 5 steps", 2, 5, TWO, 5),
        ("2 layers, 2 heads, float64, 3 prompts of 4; 3 steps", 3, 4, FINE, 3),
        ("1 layer, 2 heads, 2 prompts of 4; 1 step, in the middle", 2, 4, ONE, 1),
    )
    for text, *row in rows:
        yield Case(text, functools.partial(_steps, seed, text, *row))
    yield _unequal(seed, steps=2)
