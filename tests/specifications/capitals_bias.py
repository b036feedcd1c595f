"""What chapter 3's exercises must compute: the missing logits, and where they are."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge


def along(
    model: TransformerBridge, cache: ActivationCache, vectors: Tensor, right: Tensor, wrong: Tensor
) -> Float[Tensor, "*components batch"]:
    """What vectors at the last position add to each prompt's logit difference."""
    if model.cfg.normalization_type is not None:
        vectors = (vectors - vectors.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, -1]
    return torch.einsum("...bm,mb->...b", vectors, model.W_U[:, right] - model.W_U[:, wrong])


def missing_logits(
    model: TransformerBridge, tokens: Int[Tensor, "batch seq"], answer_tokens: Int[Tensor, "batch 2"]
) -> Float[Tensor, "batch"]:
    """The model's own logit difference less what its final residual stream accounts for."""
    logits, cache = model.run_with_cache(tokens)
    right, wrong = answer_tokens.T
    rows = torch.arange(len(tokens))
    true = logits[rows, -1, right] - logits[rows, -1, wrong]
    return true - along(model, cache, cache["resid_post", -1][:, -1], right, wrong)


def logit_diff_from_bias(
    model: TransformerBridge, answer_tokens: Int[Tensor, "batch 2"]
) -> Float[Tensor, "batch"]:
    """b_U of the right token less b_U of the wrong one."""
    return torch.stack([model.b_U[right] - model.b_U[wrong] for right, wrong in answer_tokens.tolist()])
