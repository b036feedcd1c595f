"""What the exercises of chapter 0 must compute."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import ActivationCache
from transformer_lens.hook_points import HookPoint


def attention_from_q_and_k(
    q: Float[Tensor, "batch pos head d_head"], k: Float[Tensor, "batch pos head d_head"]
) -> Float[Tensor, "batch head query key"]:
    """One query at a time: dot products with the keys up to it, over the root of d_head, softmax."""
    batch, length, heads, d_head = q.shape
    pattern = torch.zeros(batch, heads, length, length, dtype=q.dtype)
    for b in range(batch):
        for head in range(heads):
            for query in range(length):
                scores = k[b, : query + 1, head] @ q[b, query, head] / math.sqrt(d_head)
                pattern[b, head, query, : query + 1] = scores.softmax(0)
    return pattern


def zero_ablate_head_hook(
    z: Float[Tensor, "batch pos head d_head"], hook: HookPoint, head_index: int
) -> Float[Tensor, "batch pos head d_head"]:
    """One head's output set to zero; the others as they were."""
    ablated = z.clone()
    for pos in range(z.shape[1]):
        ablated[:, pos, head_index] = 0.0
    return ablated


def cache_without_aliases(cache: ActivationCache) -> dict[str, Tensor]:
    """Every activation under its own name, in memory of its own."""
    return {name: torch.empty_like(activation).copy_(activation) for name, activation in cache.items()}


def fold_layer_norm(
    weight: Float[Tensor, "d_model"],
    bias: Float[Tensor, "d_model"],
    W: Float[Tensor, "d_model d_out"],
    b: Float[Tensor, "d_out"],
) -> tuple[Float[Tensor, "d_model d_out"], Float[Tensor, "d_out"]]:
    """Row by row: what a coordinate is multiplied by goes into its row, what is added to it into the bias."""
    folded, folded_bias = torch.zeros_like(W), b.clone()
    for i in range(len(weight)):
        folded[i] = weight[i] * W[i]
        folded_bias += bias[i] * W[i]
    return folded, folded_bias


def center_writing_weights(W: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows d_model"]:
    """Each row written into the stream, less the mean of its own entries."""
    rows = [row - sum(row.tolist()) / len(row) for row in W.reshape(-1, W.shape[-1])]
    return torch.stack(rows).reshape(W.shape)
