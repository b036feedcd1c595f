"""What chapter 5's exercises must compute: the end of a forward pass, from the stream before a layer."""

from jaxtyping import Float
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.tests.specifications.forward_pass import attention, mlp, normalise, unchanged


def run_from(
    model: TransformerBridge,
    residual: Float[Tensor, "batch pos d_model"],
    layer: int,
    positions: list[int],
) -> Float[Tensor, "batch at d_vocab"]:
    """Logits at these positions, from the stream before a layer."""
    x = residual
    for number in range(layer, model.cfg.n_layers):
        x = x + attention(model, number, normalise(model, x), unchanged)
        x = x + mlp(model, number, normalise(model, x))
    return normalise(model, x[:, positions]) @ model.W_U + model.b_U
