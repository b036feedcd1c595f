"""What chapter 2's exercises must compute: how sure an effect is, and what chance alone would name."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor


def standard_error_of_effect(
    clean: Float[Tensor, "prompt"], patched: Float[Tensor, "*component prompt"]
) -> Float[Tensor, "*component"]:
    """One component at a time: the spread of the prompts' own differences, over the root of their number."""
    n = len(clean)
    errors = []
    for row in patched.reshape(-1, n):
        differences = [(b - a).item() for a, b in zip(clean, row, strict=True)]
        mean = math.fsum(differences) / n
        variance = math.fsum((d - mean) ** 2 for d in differences) / (n - 1)
        errors.append(math.sqrt(variance / n))
    return torch.tensor(errors, dtype=patched.dtype, device=patched.device).reshape(patched.shape[:-1])


def null_of_threshold(
    effects: Float[Tensor, "prompt"], threshold: float, draws: Int[Tensor, "draw k"]
) -> float:
    """Draw by draw: does the mean of k prompts reach the line, when the mean of all of them is zero?"""
    nothing = effects - effects.mean()
    passed = 0
    for draw in draws:
        passed += int(abs(nothing[draw].mean().item()) >= threshold)
    return passed / len(draws)
