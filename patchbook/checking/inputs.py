"""Seeded inputs of checks."""

import torch
from torch import Tensor

DOUBLE = {"dtype": torch.float64}


def randn(seed: int, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Normal random numbers that depend on nothing but the seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)
