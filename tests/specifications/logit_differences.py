"""What chapter 2's exercises must compute: logit differences, of prompts and along the residual stream."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import ActivationCache


def logits_to_ave_logit_diff(
    logits: Float[Tensor, "batch seq d_vocab"],
    answer_tokens: Int[Tensor, "batch 2"],
    per_prompt: bool = False,
) -> Float[Tensor, "*batch"]:
    """Logit of the right answer less that of the wrong one, at the last position."""
    pairs = zip(logits, answer_tokens.tolist(), strict=True)
    differences = torch.stack([prompt[-1, right] - prompt[-1, wrong] for prompt, (right, wrong) in pairs])
    return differences if per_prompt else differences.mean()


def residual_stack_to_logit_diff(
    residual_stack: Float[Tensor, "*components batch d_model"],
    cache: ActivationCache,
    logit_diff_directions: Float[Tensor, "batch d_model"],
) -> Float[Tensor, "*components"]:
    """Each component, over the final LayerNorm's scale at the last position, along its prompt's direction."""
    scale = cache["ln_final.hook_scale"][:, -1]  # (batch, 1)
    centred = residual_stack - residual_stack.mean(-1, keepdim=True)
    return (centred / scale * logit_diff_directions).sum(-1).mean(-1)


def ioi_metric(
    logits: Float[Tensor, "batch seq d_vocab"],
    answer_tokens: Int[Tensor, "batch 2"],
    corrupted_logit_diff: float,
    clean_logit_diff: float,
) -> Float[Tensor, ""]:
    """How much of the way from corrupted (0) to clean (1) the logit difference has come."""
    difference = logits_to_ave_logit_diff(logits, answer_tokens)
    return (difference - corrupted_logit_diff) / (clean_logit_diff - corrupted_logit_diff)
