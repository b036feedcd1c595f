"""Seeded inputs of checks, and results in other forms that are as good."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

DOUBLE = {"dtype": torch.float64}


def randn(seed: int, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Normal random numbers that depend on nothing but the seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def number_as_tensor(implementation: Callable, arguments: dict[str, Any]) -> Any:
    """A call whose plain number is as good as a tensor of shape ()."""
    value = implementation(*arguments.values())
    return torch.tensor(value) if isinstance(value, float) else value
