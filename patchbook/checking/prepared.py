"""Inputs for checks about heads: a prompt with its cache, repeated tokens, ablations, matrices that copy."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import FactoredMatrix, TransformerBridge
from transformer_lens.hook_points import HookPoint

from patchbook.checking.awkward import awkward_model, random_tokens
from patchbook.models.copies import copy_of


def tiny_gpt2(seed: int) -> TransformerBridge:
    """A fresh copy of tiny-gpt2. There is nothing for the seed to choose."""
    return copy_of("tiny-gpt2")


def prompt_with_cache(model: TransformerBridge, seed: int, position: int) -> dict[str, Any]:
    """The arguments of an attribution: one random prompt of 11 tokens, its cache, a position."""
    tokens = random_tokens(seed, batch=1)
    with torch.no_grad():
        _, cache = model.run_with_cache(tokens)
    return {"tokens": tokens, "model": model, "cache": cache, "token_position": position}


def repeated_tokens(seed: int, batch: int, seq_len: int) -> Int[Tensor, "batch seq"]:
    """[any token, half, the same half]: (batch, 1 + 2 * seq_len)."""
    tokens = random_tokens(seed, batch, 1 + seq_len)
    return torch.cat([tokens, tokens[:, 1:]], dim=1)


def z_and_head(seed: int, batch: int, head: int, dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    """The arguments of an ablation hook: z of 6 positions and 5 heads of 7."""
    z = torch.randn(batch, 6, 5, 7, generator=torch.Generator().manual_seed(seed), dtype=dtype) + 2.0
    return {"z": z, "hook": HookPoint(), "head_index_to_ablate": head}


def ablation(of_one_head: Callable[[Tensor], Tensor]) -> Callable:
    """An ablation function: one head's z replaced by of_one_head(z of that head)."""

    def ablate(
        z: Float[Tensor, "batch pos head d_head"], hook: HookPoint, head_index_to_ablate: int
    ) -> Float[Tensor, "batch pos head d_head"]:
        z = z.clone()
        z[:, :, head_index_to_ablate] = of_one_head(z[:, :, head_index_to_ablate])
        return z

    return ablate


def partial_copier(
    seed: int, n: int, rank: int, strength: float, dtype: torch.dtype = torch.float32
) -> FactoredMatrix:
    """A random (n, n) matrix of that rank. strength: 2 copies most tokens, 0 hardly any."""
    generator = torch.Generator().manual_seed(seed)
    vectors, noise = (torch.randn(n, rank, generator=generator, dtype=dtype) for _ in range(2))
    return FactoredMatrix(vectors, (strength * vectors + noise).T)


def one_head_of_a_model(seed: int) -> FactoredMatrix:
    """What one head makes of each token, compared with the embeddings: (97, 97)."""
    model = awkward_model(seed)
    read, write = model.W_E @ model.W_V[1, 3], model.W_O[1, 3] @ model.W_E.T
    return FactoredMatrix(read.detach(), write.detach())


def two_matrices(seed: int, rows: int, between: int, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """W_A of shape (rows, between) and W_B of (between, rows): both products exist, and they differ."""
    generator = torch.Generator().manual_seed(seed)
    W_A = torch.randn(rows, between, generator=generator, dtype=dtype)
    return {"W_A": W_A, "W_B": 3 * torch.randn(between, rows, generator=generator, dtype=dtype)}


def matrices_apart(seed: int) -> dict[str, Tensor]:
    """W_B reads next to nothing of what W_A writes."""
    matrices = two_matrices(seed, 8, 8)
    matrices["W_A"][:, 4:] *= 1e-3
    matrices["W_B"][:4] *= 1e-3
    return matrices
