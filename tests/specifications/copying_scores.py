"""What chapter 2's exercises must compute: what a head's OV circuit copies.

Source of the definitions: Wang et al. 2022, arXiv 2211.00593.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook import zoo
from patchbook.tests.specifications.forward_pass import mlp, normalise


def get_copying_scores(
    model: TransformerBridge, k: int = 5, names: list[str] | None = None
) -> Float[Tensor, "2 layer head"]:
    """The share of names that a head's OV circuit puts among its k largest logits; then with OV negated.

    Each name enters as its embedding after the first MLP, as in the paper.
    """
    names = names or [f" {name}" for name in zoo.words("names")]
    tokens = torch.tensor([model.to_single_token(name) for name in names])
    embedded = model.W_E[tokens]  # (name, d_model)
    embedded = embedded + mlp(model, 0, normalise(model, embedded))
    results = torch.zeros(2, model.cfg.n_layers, model.cfg.n_heads, dtype=model.W_E.dtype)
    for row, sign in enumerate((1, -1)):
        for layer in range(model.cfg.n_layers):
            for head in range(model.cfg.n_heads):
                written = sign * embedded @ model.W_V[layer, head] @ model.W_O[layer, head]
                logits = normalise(model, written) @ model.W_U + model.b_U  # (name, d_vocab)
                own = logits.gather(1, tokens[:, None])
                results[row, layer, head] = ((logits > own).sum(1) < k).to(results.dtype).mean()
    return results
