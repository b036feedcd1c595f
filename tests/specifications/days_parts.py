"""What chapter 4's exercises must compute: the parts of a logit difference."""

import torch
from jaxtyping import Int
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge


def decompose_logit_diff(
    model: TransformerBridge,
    cache: ActivationCache,
    answer_tokens: Int[Tensor, "batch"],
    wrong_tokens: Int[Tensor, "batch"],
) -> dict[str, Tensor]:
    """Each vector of the stream along its prompt's direction, over the final scale; and the bias b_U."""
    scale = cache["ln_final.hook_scale"][:, -1]  # (batch, 1)
    directions = (model.W_U[:, answer_tokens] - model.W_U[:, wrong_tokens]).T

    def share(vectors: Tensor) -> Tensor:  # (batch, d_model) -> (batch,)
        centred = vectors - vectors.mean(-1, keepdim=True)
        return (centred / scale * directions).sum(-1)

    layers = range(model.cfg.n_layers)
    return {
        "embedding": share(cache["resid_pre", 0][:, -1]),
        "attention": torch.stack([share(cache["attn_out", layer][:, -1]) for layer in layers]),
        "mlps": torch.stack([share(cache["mlp_out", layer][:, -1]) for layer in layers]),
        "bias": model.b_U[answer_tokens] - model.b_U[wrong_tokens],
    }
