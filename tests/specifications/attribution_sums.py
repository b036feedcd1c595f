"""What chapter 1's exercises must compute: everything that adds to the logit of the next token."""

from jaxtyping import Int
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge

from patchbook.tests.specifications.attribution import logit_attribution, logit_of


def full_logit_attribution(
    tokens: Int[Tensor, "1 seq"], model: TransformerBridge, cache: ActivationCache, token_position: int
) -> dict[str, Tensor]:
    """Everything that is ever added to the residual stream, one term at a time, and b_U."""
    correct = tokens[0, token_position + 1]
    to_logit = logit_of(model, cache, token_position, correct)
    mlps = model.W_U.new_zeros(model.cfg.n_layers)
    biases = model.b_U[correct].clone()
    for layer in range(model.cfg.n_layers):
        biases += to_logit(model.b_O[layer])
        if not model.cfg.attn_only:
            mlps[layer] = to_logit(cache["mlp_out", layer][0, token_position])
    return {
        "embedding": to_logit(cache["resid_pre", 0][0, token_position]),
        "heads": logit_attribution(tokens, model, cache, token_position),
        "mlps": mlps,
        "biases": biases,
    }
