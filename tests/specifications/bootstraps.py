"""What chapter 7's exercises must compute: which edges other prompts would have chosen."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def bootstrap_circuits(
    scores: Float[Tensor, "prompt edge"], draws: Int[Tensor, "draw prompt"], n: int
) -> Float[Tensor, "edge"]:
    """Draw by draw the n edges whose mean over the drawn prompts is largest in size; then shares of draws."""
    edges = range(scores.shape[1])
    chosen = torch.zeros(len(edges))
    for draw in draws.tolist():
        sizes = [abs(sum(scores[prompt, edge].item() for prompt in draw)) for edge in edges]
        chosen[sorted(edges, key=sizes.__getitem__, reverse=True)[:n]] += 1
    return chosen / len(draws)
