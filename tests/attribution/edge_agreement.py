"""Checks of chapter 5: estimates against what is true."""

import functools
from collections.abc import Iterator
from typing import Any

from patchbook.checking import Case, checks
from patchbook.checking.inputs import randn
from patchbook.tests.mistakes import edge_agreement as mistakes
from patchbook.tests.specifications import edge_agreement as specifications


def _scores(seed: int, edges: int, number: int, bent: float, missing: int = 0) -> dict[str, Any]:
    """Effects, and estimates that are too small by a factor, shifted, and noisy; in another order."""
    names = [f"L0H{i} -> L1H{i % 3}.{'qkv'[i % 3]}" for i in range(edges)]
    effects, noise = 2 * randn(seed, edges) + 0.7, 0.5 * randn(seed + 100, edges)
    estimates = bent * effects + noise + 0.2
    pairs = dict(zip(names, estimates.tolist(), strict=True))
    return {
        "estimates": dict(reversed([*pairs.items()][missing:])),
        "effects": dict(zip(names, effects.tolist(), strict=True)),
        "number": number,
    }


@checks(specifications.agreement, mistakes.agreement)
def test_agreement(seed: int) -> Iterator[Case]:
    """R² of estimates as they stand, and the edges that lie furthest off."""
    rows = ((12, 3, 0.8), (30, 5, 0.3), (7, 1, -1.5), (9, 4, 1.6))
    for index, (edges, number, bent) in enumerate(rows):
        text = f"{edges} edges, the {number} furthest off; estimates {bent} times the effects, and noise"
        yield Case(text, functools.partial(_scores, seed + index, edges, number, bent))
    yield Case(
        "an edge without an estimate", functools.partial(_scores, seed, 8, 2, 0.5, 1), raises=ValueError
    )
