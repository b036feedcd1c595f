"""Checks of chapter 6: faithfulness, the areas CPR and CMD, circuits from scores."""

import functools
import random
from collections.abc import Iterator
from typing import Any

import torch

from patchbook.checking import Case, checks
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.tests.circuits.circuit_runs import edge_labels, in_any_order
from patchbook.tests.mistakes import circuit_scores as mistakes
from patchbook.tests.specifications import circuit_scores as specifications

PATHS = (  # of a model of 2 layers and 2 heads
    ("embedding -> L0H1.v", "L0H1 -> L1H0.k", "L1H0 -> logits"),
    ("embedding -> L0H0.q", "L0H0 -> MLP 0", "MLP 0 -> L1H1.v", "L1H1 -> MLP 1", "MLP 1 -> logits"),
)


def _metric_arguments(seed: int, batch: int, **options) -> dict[str, Any]:
    """Of a model that can do the task: about 4 on the whole, about -2 on nothing; prompts differ a lot."""
    circuit, empty, full = (randn(seed + i, batch, **options) for i in range(3))
    return {"circuit": 2 + circuit, "empty": empty - 2, "full": 4 + 1.5 * full}


@checks(specifications.faithfulness, mistakes.faithfulness)
def test_faithfulness(seed: int) -> Iterator[Case]:
    """How much of what the model does a circuit does."""
    yield Case("5 prompts", lambda: _metric_arguments(seed, 5))
    yield Case("4 prompts, float64", lambda: _metric_arguments(seed + 10, 4, **DOUBLE))
    yield Case(
        "a circuit above the model", lambda: _metric_arguments(seed + 20, 3) | {"circuit": randn(seed, 3) + 9}
    )


def _curve(seed: int, first: float, last: float, top: float, size: int = 7) -> dict[str, Any]:
    """A curve over an uneven grid: rises, with noise, to `top` in the middle and ends at 1."""
    generator = torch.Generator().manual_seed(seed)
    inner = torch.rand(size - 2, generator=generator).sort().values * (last - first) + first
    shares = torch.cat([torch.tensor([first]), inner, torch.tensor([last])])
    f = torch.linspace(0, top, size) + 0.3 * torch.rand(size, generator=generator) - 0.2
    return {"shares": shares, "f": f}


@checks(specifications.cpr, mistakes.cpr)
def test_cpr(seed: int) -> Iterator[Case]:
    """The area under the curve."""
    yield Case("7 sizes, f up to 1.6", lambda: _curve(seed, 0, 1, 1.6))
    yield Case("9 sizes from 0.1 to 0.7, f below 1", lambda: _curve(seed + 1, 0.1, 0.7, 0.8, size=9))


@checks(specifications.cmd, mistakes.cmd)
def test_cmd(seed: int) -> Iterator[Case]:
    """The area between the curve and 1."""
    yield Case("7 sizes, f up to 2", lambda: _curve(seed, 0, 1, 2))
    yield Case("9 sizes from 0.1 to 0.7, f up to 1.5", lambda: _curve(seed + 1, 0.1, 0.7, 1.5, size=9))


def _score_arguments(seed: int, n: int) -> dict[str, Any]:
    """Noise on every edge; two paths stand out, one of them by negative scores, and so do some dead ends."""
    draw = random.Random(seed)
    labels = edge_labels(2, 2)
    draw.shuffle(labels)
    scores = {edge: draw.uniform(-1, 1) for edge in labels}
    for sign, path in zip((1, -1), PATHS, strict=True):
        scores |= {edge: sign * draw.uniform(2, 3) for edge in path}
    dead_ends = ("L0H1 -> L1H1.q", "L0H0 -> L1H0.q", "embedding -> L1H1.k", "L1H0 -> MLP 1")
    no_way_on = ("embedding -> L0H1.q", "MLP 0 -> L1H0.v")
    scores |= {edge: draw.uniform(1, 2) for edge in (*dead_ends, *no_way_on)}
    return {"scores": scores, "n": n}


def _chain_arguments(seed: int) -> dict[str, Any]:
    """A path that has no last edge: it goes edge by edge. Another has no first one. One that stays."""
    draw = random.Random(seed)
    unfinished = ("embedding -> L0H0.q", "L0H0 -> L1H1.v", "L1H1 -> MLP 1")
    without_beginning = ("L0H1 -> MLP 0", "MLP 0 -> L1H0.k", "L1H0 -> logits")
    whole = ("embedding -> logits",)
    scores = {edge: draw.uniform(-1, 1) for edge in edge_labels(2, 2)}
    scores |= {edge: -draw.uniform(3, 4) for edge in (*unfinished, *without_beginning, *whole)}
    return {"scores": scores, "n": 7}


@checks(specifications.circuit_from_scores, mistakes.circuit_from_scores, call=in_any_order)
def test_circuit_from_scores(seed: int) -> Iterator[Case]:
    """The edges with the largest scores that lie on a path."""
    for n in (14, 20):
        yield Case(f"{n} of 46 edges", functools.partial(_score_arguments, seed + n, n))
    yield Case("7 of 46 edges: chains without an end", lambda: _chain_arguments(seed))
