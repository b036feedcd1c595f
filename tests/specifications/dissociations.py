"""What chapter 7's exercises must compute: what each task loses without each circuit."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


def double_dissociation(
    measure: Callable[[str, list[str]], float], circuits: dict[str, list[str]]
) -> Float[Tensor, "circuit task"]:
    """Circuit by circuit, without the edges that it has for itself: the share that each task loses."""
    table = torch.zeros(len(circuits), len(circuits))
    for row, name in enumerate(circuits):
        others = [edge for other in circuits if other != name for edge in circuits[other]]
        own = [edge for edge in circuits[name] if edge not in others]
        for column, task in enumerate(circuits):
            whole = measure(task, [])
            table[row, column] = (whole - measure(task, own)) / whole
    return table
