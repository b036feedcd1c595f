"""What chapter 4's exercises must compute: the strongest wrong answer."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def best_rivals(
    logits: Float[Tensor, "batch seq d_vocab"],
    answer_tokens: Int[Tensor, "batch"],
    candidate_tokens: Int[Tensor, "candidate"],
) -> Int[Tensor, "batch"]:
    """Of each prompt's candidates without its answer the likeliest, as a token."""
    rivals = []
    for prompt, answer in zip(logits, answer_tokens.tolist(), strict=True):
        others = [token for token in candidate_tokens.tolist() if token != answer]
        rivals.append(max(others, key=lambda token: prompt[-1, token].item()))
    return torch.tensor(rivals, device=candidate_tokens.device)
