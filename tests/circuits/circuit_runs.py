"""Checks of chapter 6: a circuit of edges alone, everything else ablated."""

import functools
import random
from collections.abc import Callable, Iterator
from typing import Any

from jaxtyping import Float
from torch import Tensor

from patchbook.checking import Case, checks
from patchbook.checking.awkward import awkward_model, random_tokens
from patchbook.checking.calling import call_in_order
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.patching.graph import Graph
from patchbook.tests.mistakes import circuit_runs as mistakes
from patchbook.tests.specifications import circuit_runs as specifications

SMALL = {"n_layers": 2, "n_heads": 3}
LENGTH, WIDTH = 6, 20


def edge_labels(n_layers: int, n_heads: int) -> list[str]:
    """All edges of a model with MLPs, as the chapter writes them."""
    return [edge.label for edge in Graph(n_layers, n_heads).edges]


def in_any_order(implementation: Callable, arguments: dict[str, Any]) -> Any:
    """A list of edges, sorted: their order carries nothing."""
    edges = call_in_order(implementation, arguments)
    texts = isinstance(edges, list | tuple) and all(isinstance(edge, str) for edge in edges)
    return sorted(edges) if texts else edges


def some_edges(seed: int, share: float) -> list[str]:
    """A share of the small model's edges, drawn by lot."""
    labels = edge_labels(**SMALL)
    return random.Random(seed).sample(labels, round(share * len(labels)))


def _stand_in_arguments(seed: int, ablation: str, **options) -> dict[str, Any]:
    tokens = random_tokens(seed + 1, batch=3, length=LENGTH)
    return {"model": awkward_model(seed, **SMALL, **options), "tokens": tokens, "ablation": ablation}


@checks(specifications.stand_ins, mistakes.stand_ins)
def test_stand_ins(seed: int) -> Iterator[Case]:
    """What stands for each sender where it is ablated."""
    yield Case("resample, 3 prompts", lambda: _stand_in_arguments(seed, "resample"))
    yield Case("mean, float64", lambda: _stand_in_arguments(seed + 1, "mean", **DOUBLE))
    yield Case("zero", lambda: _stand_in_arguments(seed + 2, "zero"))
    yield Case("a word that is no ablation", lambda: _stand_in_arguments(seed, "none"), raises=ValueError)


def _heard_arguments(seed: int, receiver: str, share: float) -> dict[str, Any]:
    """As many senders have written as the receiver may hear; the stand-ins are of all of them."""
    senders = ["embedding", "L0H0", "L0H1", "L0H2", "MLP 0", "L1H0", "L1H1", "L1H2", "MLP 1"]
    before = {"L0H1.q": 1, "L1H2.k": 5, "L1H2.v": 5, "MLP 1": 8, "logits": 9}[receiver]
    written = {name: randn(seed + i, 2, 4, 5) for i, name in enumerate(senders[:before])}
    return {
        "receiver": receiver,
        "written": written,
        "stand_ins": {name: randn(seed + 50 + i, 1, 4, 5) for i, name in enumerate(senders)},
        "edges": some_edges(seed, share),
    }


@checks(specifications.what_is_heard, mistakes.what_is_heard)
def test_what_is_heard(seed: int) -> Iterator[Case]:
    """What one input reads."""
    rows = (("L1H2.k", 0.5), ("MLP 1", 0.4), ("logits", 0.6), ("L1H2.v", 0.3))
    for number, (receiver, share) in enumerate(rows):
        arguments = functools.partial(_heard_arguments, seed + 100 * number, receiver, share)
        yield Case(f"{receiver}, {share:.0%} of the edges kept", arguments)


def _head_arguments(seed: int, layer: int, head: int, **options) -> dict[str, Any]:
    streams = (randn(seed + i, 2, LENGTH, WIDTH, **options) for i in range(3))
    places = {"model": awkward_model(seed, **SMALL, **options), "layer": layer, "head": head}
    return places | dict(zip(("q_stream", "k_stream", "v_stream"), streams, strict=True))


@checks(specifications.head_output, mistakes.head_output)
def test_head_output(seed: int) -> Iterator[Case]:
    """One head, each of its three inputs with a stream of its own."""
    yield Case("L0H2", lambda: _head_arguments(seed, 0, 2))
    yield Case("L1H1", lambda: _head_arguments(seed + 10, 1, 1))
    yield Case("L1H0, float64", lambda: _head_arguments(seed + 20, 1, 0, **DOUBLE))


def _run_arguments(seed: int, share: float, ablation: str | None, **options) -> dict[str, Any]:
    """ablation None: not given ("resample")."""
    arguments = {
        "model": awkward_model(seed, **SMALL, **options),
        "edges": some_edges(seed, share),
        "clean": random_tokens(seed + 1, batch=2, length=LENGTH),
        "corrupted": random_tokens(seed + 2, batch=2, length=LENGTH),
    }
    return arguments | ({} if ablation is None else {"ablation": ablation})


@checks(specifications.run_circuit, mistakes.run_circuit, gives=Float[Tensor, "batch pos d_vocab"])
def test_run_circuit(seed: int) -> Iterator[Case]:
    """A circuit alone."""
    yield Case("half of the edges, resample", lambda: _run_arguments(seed, 0.5, None))
    yield Case("8 of 10 edges, mean", lambda: _run_arguments(seed + 10, 0.8, "mean"))
    yield Case("7 of 10 edges, zero, float64", lambda: _run_arguments(seed + 20, 0.7, "zero", **DOUBLE))
    yield Case("no edges, resample", lambda: _run_arguments(seed + 30, 0, "resample"))
    yield Case("all edges, resample", lambda: _run_arguments(seed + 40, 1, "resample"))
