"""What chapter 3's exercises must compute: logits after prompts of different lengths."""

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import TransformerBridge


def left_padded_final_logits(model: TransformerBridge, prompts: list[str]) -> Float[Tensor, "batch d_vocab"]:
    """One prompt at a time, so that nothing is padded."""
    return torch.cat([model(model.to_tokens(prompt))[:, -1] for prompt in prompts])
