"""Checks of chapter 7: how much two circuits share, and how much chance would share."""

import functools
import random
from collections.abc import Iterator
from typing import Any

import torch

from patchbook.checking import Case, checks
from patchbook.tests.circuits.circuit_runs import edge_labels
from patchbook.tests.mistakes import overlaps as mistakes
from patchbook.tests.specifications import overlaps as specifications


def _pair(seed: int, one: int, two: int, both: int, repeats: int = 0) -> dict[str, Any]:
    """Two circuits of a model of 2 layers and 2 heads, some edges of the first listed twice."""
    draw = random.Random(seed)
    labels = draw.sample(edge_labels(2, 2), one + two - both)
    circuit, other = labels[:one], labels[one - both :]
    circuit = circuit + draw.sample(circuit, repeats)
    draw.shuffle(circuit)
    draw.shuffle(other)
    return {"circuit": circuit, "other": other}


@checks(specifications.jaccard, mistakes.jaccard)
def test_jaccard(seed: int) -> Iterator[Case]:
    """How much two circuits share."""
    yield Case("9 and 14 edges, 5 in both", lambda: _pair(seed, 9, 14, 5))
    yield Case("12 and 7 edges, 4 in both", lambda: _pair(seed + 1, 12, 7, 4))
    yield Case("8 edges, 3 of them listed twice, and 6; 4 in both", lambda: _pair(seed + 2, 8, 6, 4, 3))
    yield Case("the same 6 edges", lambda: _pair(seed + 3, 6, 6, 6))
    yield Case("no edge in both", lambda: _pair(seed + 4, 5, 8, 0))
    yield Case("two empty circuits", lambda: {"circuit": [], "other": []})


def _controls(seed: int, circuit: int, size: int, draws: int) -> dict[str, Any]:
    """A circuit, and orders of all edges of its model."""
    edges, generator = edge_labels(2, 2), torch.Generator().manual_seed(seed)
    orders = torch.stack([torch.randperm(len(edges), generator=generator) for _ in range(draws)])
    return {
        "circuit": random.Random(seed).sample(edges, circuit),
        "size": size,
        "edges": edges,
        "orders": orders,
    }


@checks(specifications.random_control, mistakes.random_control)
def test_random_control(seed: int) -> Iterator[Case]:
    """How much chance shares."""
    for circuit, size, draws in ((12, 20, 9), (20, 8, 11)):
        text = f"a circuit of {circuit} of 46 edges, {draws} controls of {size}"
        yield Case(text, functools.partial(_controls, seed + size, circuit, size, draws))


def _chance(seed: int, draws: int, above: int, ties: int) -> dict[str, Any]:
    """Controls in hundredths, of which so many lie above the value, and some are equal to it."""
    draw = random.Random(seed)
    value = 30
    control = [draw.randint(value + 1, value + 9) for _ in range(above)] + [value] * ties
    control += [draw.randint(2, value - 1) for _ in range(draws - len(control))]
    draw.shuffle(control)
    return {"value": value / 100, "control": [number / 100 for number in control]}


@checks(specifications.p_value, mistakes.p_value)
def test_p_value(seed: int) -> Iterator[Case]:
    """How often chance does as well."""
    rows = ((19, 4, 3), (9, 0, 0), (40, 11, 1), (25, 23, 2))
    for number, (draws, above, ties) in enumerate(rows):
        text = f"{draws} controls, {above} above the value, {ties} equal to it"
        yield Case(text, functools.partial(_chance, seed + number, draws, above, ties))
