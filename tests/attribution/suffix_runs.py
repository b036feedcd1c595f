"""Checks of chapter 5: running a model from the middle."""

import functools
from collections.abc import Iterator
from typing import Any

from patchbook.checking import Case, checks
from patchbook.checking.awkward import awkward_model
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.tests.mistakes import suffix_runs as mistakes
from patchbook.tests.specifications import suffix_runs as specifications


def _arguments(seed: int, layer: int, batch: int, length: int, positions: list, **options) -> dict[str, Any]:
    model = awkward_model(seed, **options)
    residual = randn(seed, batch, length, 20, dtype=model.W_E.dtype)
    return {"model": model, "residual": residual, "layer": layer, "positions": list(positions)}


@checks(specifications.run_from, mistakes.run_from)
def test_run_from(seed: int) -> Iterator[Case]:
    """The rest of a forward pass, and its logits at some positions only."""
    rows = (
        ("from layer 1 of 3, two positions", 1, 2, 6, [4, 1], {}),
        ("from layer 0, the last position alone", 0, 3, 5, [-1], {}),
        ("from the last layer, float64", 2, 2, 7, [0, 3, -2], DOUBLE),
        ("after the last layer: only the end is left", 3, 4, 5, [2, 2], {}),
        ("from layer 1 of 2, all positions", 1, 2, 3, [0, 1, 2], {"n_layers": 2}),
    )
    for text, layer, batch, length, positions, options in rows:
        yield Case(text, functools.partial(_arguments, seed, layer, batch, length, positions, **options))
