"""What a head does, prompt by prompt: its mean, how far that would move, and how often chance would name it.

A head is named by a line, and by being sure: its mean reaches the line, and lies SURE standard errors from
zero.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

SURE = 3  # standard errors from zero, without which nothing is named
NOTHING = 1e-4  # a share below this is rounding, and so is a standard error
Head = tuple[int, int]  # (layer, head)


@dataclass(frozen=True)
class Effect:
    """What one head does, prompt by prompt, such as a share of the answer or of its attention.

    >>> effect = Effect(patched - clean)
    >>> effect.mean, effect.error, effect.by_chance(line=0.03, k=16)
    """

    by_prompt: Float[Tensor, "prompt"]

    @property
    def mean(self) -> float:
        return self.by_prompt.mean().item()

    @property
    def error(self) -> float:
        """The standard error of the mean."""
        return max(self.by_prompt.std().item() / len(self.by_prompt) ** 0.5, NOTHING)

    def line(self, line: float) -> float:
        """From where on this head is named: the line, and far enough from zero."""
        return max(line, SURE * self.error)

    def above(self, line: float) -> float:
        """How far above a line it is, in standard errors of the difference between two sets of prompts."""
        return (self.mean - line) / (2**0.5 * self.error)

    def by_chance(self, line: float, k: int | None = None, draws: int = 1000) -> float:
        """How often k prompts (None: all) would reach the line, upwards or downwards, if it did nothing."""
        n = len(self.by_prompt)
        chosen = torch.randint(n, (draws, k or n), generator=torch.Generator().manual_seed(0))
        means = (self.by_prompt - self.by_prompt.mean()).cpu()[chosen].mean(-1)
        return (means.abs() >= line).double().mean().item()


def by_head(values: Float[Tensor, "layer head prompt"]) -> dict[Head, Effect]:
    """The effects of each head."""
    layers, heads, _ = values.shape
    return {(i, j): Effect(values[i, j]) for i in range(layers) for j in range(heads)}
