"""Checks of chapter 4: the OV circuit and the circle of the days."""

import functools
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.checking import Case, checks
from patchbook.checking.awkward import VOCAB, awkward_model, with_tokenizer
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.tests.capitals.capitals_bias import weights_only
from patchbook.tests.mistakes import days_circuits as mistakes
from patchbook.tests.specifications import days_circuits as specifications
from patchbook.tests.specifications import days_words


def _knows_days(seed: int, counted: dict[tuple[int, int], int], **options) -> TransformerBridge:
    """A random model with a word for each day, some of whose heads map that many days to the next."""
    model = awkward_model(seed, **options)
    rng = random.Random(seed)
    places = rng.sample([i for i in range(VOCAB) if i != 61], len(days_words.DAYS))
    with_tokenizer(model, {" " + day: place for day, place in zip(days_words.DAYS, places, strict=True)})
    with torch.no_grad():
        for (layer, head), hits in counted.items():
            circuit = _circuit_of(rng, hits, model.W_E.dtype)
            _write_circuit(model, layer, head, places, circuit, rng.randrange(1000))
    return model


def _circuit_of(rng: random.Random, hits: int, dtype: torch.dtype) -> Tensor:
    """A map of days to days: `hits` of them to the next day, the others to any but the next: (7, 7)."""
    n = len(days_words.DAYS)
    circuit = randn(rng.randrange(1000), n, n, dtype=dtype)
    chosen = set(rng.sample(range(n), hits))
    for day in range(n):
        step = 1 if day in chosen else rng.choice((0, -1, 2))
        circuit[day, (day + step) % n] += 6
    return circuit * randn(rng.randrange(1000), n, 1, dtype=dtype).exp()  # rows and columns disagree


def _write_circuit(
    model: TransformerBridge, layer: int, head: int, places: list[int], circuit: Tensor, seed: int
) -> None:
    """Give a head weights for which W_E W_V W_O W_U on the days is `circuit`. d_head is 7, too.

    Each head turns its 7 directions in a way of its own (seed): neither W_V nor W_O alone says anything.
    """
    attn, width = model.blocks[layer].attn, model.cfg.d_head
    rows = slice(head * width, (head + 1) * width)
    turn = torch.linalg.qr(randn(seed, width, width, dtype=circuit.dtype)).Q
    W_V = torch.linalg.pinv(model.W_E[places]) @ turn  # (d_model, 7)
    W_O = turn.T @ circuit @ torch.linalg.pinv(model.W_U[:, places])  # (7, d_model)
    attn.v.weight[rows] = W_V.T
    attn.o.weight[:, rows] = W_O.T


@checks(specifications.ov_successor_score, mistakes.ov_successor_score)
def test_ov_successor_score(seed: int) -> Iterator[Case]:
    """How many days a head's OV circuit maps to the next."""
    rows = ((1, 2, 5, {}), (2, 0, 7, {}), (0, 1, 2, DOUBLE), (2, 1, 3, {}))
    for index, (layer, head, hits, options) in enumerate(rows):
        heads = {(layer, head): hits, (head, layer): (hits + 3) % 8}
        build = functools.partial(_knows_days, seed + index, heads, **options)
        yield Case(
            f"layer {layer}, head {head}{' in float64' if options else ''}",
            lambda b=build, i=layer, h=head: {"model": weights_only(b()), "layer": i, "head": h},
        )


def _without_sign(implementation: Callable, arguments: dict[str, Any]) -> Any:
    """Each column so that its largest entry is positive: which way a direction points carries nothing.

    Where vectors do not differ at all, coordinates are rounding errors: they count as 0.
    """
    found = implementation(*arguments.values())
    found = torch.from_numpy(found) if isinstance(found, np.ndarray) else found
    if not torch.is_tensor(found) or found.dim() != 2 or not found.numel() or not found.isfinite().all():
        return found
    found = torch.where(found.abs() < 1e-3, 0.0, found)
    largest = found.abs().argmax(0, keepdim=True)
    return found * found.gather(0, largest).sign()


def _vectors(seed: int, number: int, width: int, k: int | None = None, **options) -> dict[str, Any]:
    """Random vectors that share a mean; no two directions have nearly the same spread."""
    basis = torch.linalg.qr(randn(seed, width, width, dtype=torch.float64)).Q
    spread = 3.0 * 0.7 ** torch.arange(width, dtype=torch.float64)
    vectors = (randn(seed + 1, number, width, dtype=torch.float64) * spread) @ basis.T
    vectors = (vectors + 4 * randn(seed + 2, 1, width, dtype=torch.float64)).to(
        options.get("dtype", torch.float32)
    )
    return {"vectors": vectors} | ({} if k is None else {"k": k})


@checks(specifications.days_pca, mistakes.days_pca, call=_without_sign)
def test_days_pca(seed: int) -> Iterator[Case]:
    """Where the days lie along the directions in which they differ most."""
    yield Case("7 vectors of 20, k not given (2)", lambda: _vectors(seed, 7, 20))
    # float64, so that the directions with the least spread are as certain as those with the most
    yield Case("12 vectors of 9 in float64, k 3", lambda: _vectors(seed + 3, 12, 9, 3, **DOUBLE))
    yield Case("7 vectors of 16, k 1", lambda: _vectors(seed + 6, 7, 16, 1))
