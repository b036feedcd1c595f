"""What chapter 1's exercises must compute: through which door layer 0 can reach layer 1."""

from jaxtyping import Float
from torch import Tensor
from transformer_lens import TransformerBridge


def composition_scores(model: TransformerBridge, kind: str) -> Float[Tensor, "earlier_head later_head"]:
    """For each pair of heads: the size of the product of W_OV and what reads it, over the sizes of both."""
    if kind not in ("Q", "K", "V"):
        raise ValueError(f"wanted the kind Q, K or V, but got {kind!r}.")
    scores = model.W_U.new_zeros(model.cfg.n_heads, model.cfg.n_heads)
    for earlier in range(model.cfg.n_heads):
        writes = model.W_V[0, earlier] @ model.W_O[0, earlier]
        for later in range(model.cfg.n_heads):
            W_QK = model.W_Q[1, later] @ model.W_K[1, later].T
            W_OV = model.W_V[1, later] @ model.W_O[1, later]
            reads = {"Q": W_QK, "K": W_QK.T, "V": W_OV}[kind]
            size = (writes**2).sum().sqrt() * (reads**2).sum().sqrt()
            scores[earlier, later] = ((writes @ reads) ** 2).sum().sqrt() / size
    return scores
