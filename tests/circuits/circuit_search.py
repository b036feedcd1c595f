"""Checks of chapter 6: ACDC's search, completeness and minimality of a set of edges."""

import functools
import random
from collections.abc import Callable, Collection, Iterator
from typing import Any

from patchbook.checking import Case, checks
from patchbook.tests.circuits.circuit_runs import edge_labels, in_any_order
from patchbook.tests.mistakes import circuit_search as mistakes
from patchbook.tests.specifications import circuit_search as specifications


def _score(edges: Collection[str], worth: dict[str, float], pairs: dict[tuple[str, str], float]) -> float:
    """What each edge is worth alone, and some pairs together: what an edge adds depends on the others."""
    kept = set(edges)
    together = sum(value for pair, value in pairs.items() if kept.issuperset(pair))
    return 1.5 + sum(worth[edge] for edge in kept) + together


def _harm(edges: Collection[str], **worths) -> float:
    return -_score(edges, **worths)


def _loss(edges: Collection[str], **worths) -> float:
    return 10 - _score(edges, **worths)


def _worths(seed: int) -> tuple[list[str], dict[str, Any]]:
    """The edges of a small model, in the order in which a search tries them; backups are pairs worth less."""
    draw = random.Random(seed)
    edges = edge_labels(1, 3)[::-1]
    worth = {edge: draw.choice((-0.3, 0.05, 0.1, 0.6, 1.2)) + draw.uniform(-0.02, 0.02) for edge in edges}
    pairs = {tuple(draw.sample(edges, 2)): draw.choice((-0.9, 0.4, 0.8)) for _ in range(12)}
    return edges, {"worth": worth, "pairs": pairs}


def _acdc_arguments(seed: int, tau: float) -> dict[str, Any]:
    edges, worths = _worths(seed)
    return {"edges": edges, "loss": functools.partial(_loss, **worths), "tau": tau}


def _tied_arguments(seed: int, tau: float) -> dict[str, Any]:
    """Sums of eighths are exact: some edges' removal raises the loss by tau, and not by a hair less."""
    arguments = _acdc_arguments(seed, tau)
    for worths in arguments["loss"].keywords.values():
        worths |= {key: round(8 * value) / 8 for key, value in worths.items()}
    worth, pairs = arguments["loss"].keywords.values()
    alone = [edge for edge in worth if not any(edge in pair for pair in pairs)]
    worth |= dict.fromkeys(alone, tau)
    return arguments


@checks(specifications.acdc, mistakes.acdc, call=in_any_order)
def test_acdc(seed: int) -> Iterator[Case]:
    """Edges removed one by one."""
    for number, tau in enumerate((0.2, 0.5, 0.35)):
        yield Case(f"18 edges, tau {tau}", functools.partial(_acdc_arguments, seed + number, tau))
    yield Case("18 edges, tau 0.5, some of them worth just that", lambda: _tied_arguments(seed, 0.5))


def _completeness_arguments(
    seed: int, score: Callable, kept: int, removed: int, inside: int
) -> dict[str, Any]:
    """inside: how many of the removed edges belong to the circuit."""
    edges, worths = _worths(seed)
    circuit, rest = edges[:kept], edges[kept:]
    return {
        "score": functools.partial(score, **worths),
        "edges": edges,
        "circuit": circuit,
        "removed": circuit[1 : 1 + inside] + rest[: removed - inside],
    }


@checks(specifications.completeness, mistakes.completeness)
def test_completeness(seed: int) -> Iterator[Case]:
    """Circuit and model, both without the same edges."""
    rows = (
        ("3 edges, all in the circuit", _score, 9, 3, 3),
        ("5 edges, 2 in the circuit; a score below 0", _harm, 11, 5, 2),
        ("1 edge", _score, 7, 1, 1),
    )
    for number, (text, *sizes) in enumerate(rows):
        yield Case(f"K: {text}", functools.partial(_completeness_arguments, seed + number, *sizes))


def _minimality_arguments(seed: int, kept: int) -> dict[str, Any]:
    edges, worths = _worths(seed)
    return {"score": functools.partial(_score, **worths), "circuit": edges[3 : 3 + kept]}


@checks(specifications.minimality, mistakes.minimality)
def test_minimality(seed: int) -> Iterator[Case]:
    """What each edge of a circuit adds."""
    for number, kept in enumerate((12, 7)):
        yield Case(
            f"a circuit of {kept} edges", functools.partial(_minimality_arguments, seed + number, kept)
        )
