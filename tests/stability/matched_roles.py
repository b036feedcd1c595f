"""Checks of chapter 7: nodes and edges called by what their heads do."""

import functools
import random
from collections.abc import Iterator
from typing import Any

from patchbook.checking import Case, checks
from patchbook.tests.circuits.circuit_runs import edge_labels, in_any_order
from patchbook.tests.mistakes import matched_roles as mistakes
from patchbook.tests.specifications import matched_roles as specifications

HEADS = 13  # more than ten: L1H1 begins like L1H12


def _nodes(labels: list[str]) -> list[str]:
    return sorted({end.split(".")[0] for label in labels for end in label.split(" -> ")})


def _arguments(seed: int, number: int, nodes: bool = False) -> dict[str, Any]:
    """Some edges or nodes of a model; some heads of it have a role, one has two, most have none."""
    draw = random.Random(seed)
    roles = {
        "previous token": ["L0H1", "L0H3"],
        "induction": ["L1H1", *draw.sample([f"L1H{head}" for head in range(2, 10)], 2)],
        "name mover": ["L1H1", "L1H10"],
        "duplicate token": [],
    }
    labels = edge_labels(2, HEADS)
    of_roles = ["L0H1 -> L1H1.k", "L0H3 -> L1H1.k", "L0H12 -> L1H12.q", "embedding -> L1H10.v"]
    of_roles += ["L1H1 -> logits", "L0H5 -> L1H1.k", "L0H6 -> L1H1.k", "L1H10 -> MLP 1", "L0H1 -> L1H12.k"]
    chosen = [*of_roles, *draw.sample([label for label in labels if label not in of_roles], number)]
    draw.shuffle(chosen)
    return {"labels": _nodes(chosen) if nodes else chosen, "roles": roles}


@checks(specifications.in_roles, mistakes.in_roles, call=in_any_order)
def test_in_roles(seed: int) -> Iterator[Case]:
    """Names that two models can share."""
    for number in (4, 9):
        yield Case(f"{number + 9} edges", functools.partial(_arguments, seed + number, number))
    yield Case("nodes", functools.partial(_arguments, seed, 6, nodes=True))
    yield Case("no head has a role", lambda: _arguments(seed + 1, 5) | {"roles": {"induction": []}})
