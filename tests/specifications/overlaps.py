"""What chapter 7's exercises must compute: how much two circuits share, and how much chance would share."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def jaccard(circuit: list[str], other: list[str]) -> float:
    """Edges in both over edges in either; two empty circuits are the same one."""
    either = {*circuit, *other}
    both = [edge for edge in either if edge in circuit and edge in other]
    return len(both) / len(either) if either else 1.0


def random_control(
    circuit: list[str], size: int, edges: list[str], orders: Int[Tensor, "draw edge"]
) -> Float[Tensor, "draw"]:
    """Order by order: how much the circuit shares with the first `size` edges."""
    shared = []
    for order in orders.tolist():
        control = [edges[place] for place in order[:size]]
        shared.append(jaccard(circuit, control))
    return torch.tensor(shared)


def p_value(value: float, control: list[float]) -> float:
    """The value itself is one more draw: how many of all are at least as large."""
    draws = [value, *control]
    return len([draw for draw in draws if draw >= value]) / len(draws)
