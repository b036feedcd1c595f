"""What chapter 4's exercises must compute: the OV circuit and the circle of the days."""

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.tests.specifications.days_words import DAYS


def ov_successor_score(model: TransformerBridge, layer: int, head: int) -> float:
    """The fraction of days for which the head's OV circuit makes the next day the largest of the days."""
    tokens = [model.to_single_token(" " + day) for day in DAYS]
    hits = 0
    for place, token in enumerate(tokens):
        written = model.W_E[token] @ model.W_V[layer, head] @ model.W_O[layer, head] @ model.W_U
        hits += written[tokens].argmax().item() == (place + 1) % len(tokens)
    return hits / len(tokens)


def days_pca(vectors: Float[Tensor, "day d_model"], k: int = 2) -> Float[Tensor, "day k"]:
    """Coordinates along the k directions in which the vectors differ most, largest first."""
    centred = vectors - vectors.mean(0)
    _, directions = torch.linalg.eigh(centred.T @ centred)
    return centred @ directions.flip(1)[:, :k]
