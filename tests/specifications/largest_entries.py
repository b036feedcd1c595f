"""What chapter 2's exercises must compute: the largest entries of a tensor."""

import torch
from jaxtyping import Float
from torch import Tensor


def topk_of_Nd_tensor(tensor: Float[Tensor, "..."], k: int) -> list[list[int]]:
    """The indices of the k largest entries, largest first."""
    order = sorted(range(tensor.numel()), key=lambda i: -tensor.flatten()[i].item())
    return [[int(j) for j in torch.unravel_index(torch.tensor(i), tensor.shape)] for i in order[:k]]
