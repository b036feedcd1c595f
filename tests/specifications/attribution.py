"""What chapter 1's exercises must compute: what each head adds to the logit of the next token."""

from collections.abc import Callable

from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge


def logit_of(
    model: TransformerBridge, cache: ActivationCache, position: int, token: Tensor
) -> Callable[[Tensor], Tensor]:
    """What a vector in the residual stream at `position` adds to the logit of `token`.

    The final LayerNorm is: subtract the mean, divide by the scale that the whole stream had. (Its weights
    are folded into W_U and b_U.) The mean is 0 already where the model's weights are centred, as they are
    after compatibility mode; subtracting it keeps the sum rule where they are not.
    """

    def to_logit(vector: Float[Tensor, "d_model"]) -> Float[Tensor, ""]:
        if model.cfg.normalization_type is not None:
            vector = (vector - vector.mean()) / cache["ln_final.hook_scale"][0, position]
        return vector @ model.W_U[:, token]

    return to_logit


def logit_attribution(
    tokens: Int[Tensor, "1 seq"], model: TransformerBridge, cache: ActivationCache, token_position: int
) -> Float[Tensor, "layer head"]:
    """One head at a time: its z through its W_O, the final scale, the column of W_U of the next token."""
    to_logit = logit_of(model, cache, token_position, tokens[0, token_position + 1])
    contributions = model.W_U.new_zeros(model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            written = cache["z", layer][0, token_position, head] @ model.W_O[layer, head]
            contributions[layer, head] = to_logit(written)
    return contributions
