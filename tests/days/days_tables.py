"""Checks of chapter 4: tables of heads."""

import functools
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from patchbook.checking import Case, checks
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.tests.mistakes import days_tables as mistakes
from patchbook.tests.specifications import days_tables as specifications


def _two_tables(seed: int, layers: int, heads: int, **options) -> dict[str, Tensor]:
    return {name: randn(seed + i, layers, heads, **options) for i, name in enumerate("xy")}


@checks(specifications.scatter_rows, mistakes.scatter_rows)
def test_scatter_rows(seed: int) -> Iterator[Case]:
    """One point for each head, with its label and its layer."""
    yield Case("3 layers, 5 heads", lambda: _two_tables(seed, 3, 5))
    yield Case("4 layers, 2 heads", lambda: _two_tables(seed + 2, 4, 2))
    yield Case("2 layers, 7 heads, float64", lambda: _two_tables(seed + 4, 2, 7, **DOUBLE))


def _around(seed: int, layers: int, heads: int, threshold: float, quiet: int) -> dict[str, Any]:
    """Values below, at and above a threshold, of either sign.

    quiet: so many layers at the start have no head above it; every other layer has one.
    """
    patched = randn(seed, layers, heads)
    order = torch.rand(layers, heads, generator=torch.Generator().manual_seed(seed)).argsort(-1)
    for layer in range(layers):
        patched[layer, order[layer, 0]] = 1.5 * threshold * (-1) ** layer
    patched[0, order[0, 1]], patched[-1, order[-1, 1]] = threshold, -threshold
    patched[:quiet] *= 0.1
    return {"patched": patched, "threshold": threshold}


@checks(specifications.heads_by_depth, mistakes.heads_by_depth)
def test_heads_by_depth(seed: int) -> Iterator[Case]:
    """The heads that matter, by third of the model."""
    # the thresholds are sums of powers of 2, so that nothing rounds: a tie is a tie
    rows = ((3, 5, 0.75, 0), (4, 6, 0.875, 0), (7, 3, 0.5, 0), (12, 2, 0.625, 0), (6, 4, 1.0, 2))
    for index, (layers, heads, threshold, quiet) in enumerate(rows):
        build = functools.partial(_around, seed + index, layers, heads, threshold, quiet)
        none = ", no early head matters" if quiet else ""
        yield Case(f"{layers} layers, {heads} heads, threshold {threshold}{none}", build)
