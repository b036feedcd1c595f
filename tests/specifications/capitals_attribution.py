"""What chapter 3's exercises must compute: all parts of the logit difference for one type of wrong answer."""

import torch
from jaxtyping import Int
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge

from patchbook.tests.specifications.capitals_bias import along


def logit_attribution_by_type(
    model: TransformerBridge,
    cache: ActivationCache,
    answer_tokens: Int[Tensor, "batch 4"],
    incorrect_idx: int,
) -> dict[str, Tensor]:
    """Mean share of each part in the logit difference; "biases" holds b_O, through the scale, and b_U."""
    right, wrong = answer_tokens[:, 0], answer_tokens[:, incorrect_idx]

    def share(vectors: Tensor) -> Tensor:
        return along(model, cache, vectors, right, wrong).mean(-1)

    layers, heads = range(model.cfg.n_layers), range(model.cfg.n_heads)
    written = [[cache["z", i][:, -1, h] @ model.W_O[i, h] for h in heads] for i in layers]
    mlps = model.W_U.new_zeros(len(layers))
    if not model.cfg.attn_only:
        mlps = torch.stack([share(cache["mlp_out", i][:, -1]) for i in layers])
    b_O = sum(model.b_O[i] for i in layers).expand(len(answer_tokens), -1)
    return {
        "embedding": share(cache["resid_pre", 0][:, -1]),
        "heads": torch.stack([torch.stack([share(head) for head in row]) for row in written]),
        "mlps": mlps,
        "biases": share(b_O) + (model.b_U[right] - model.b_U[wrong]).mean(),
    }
