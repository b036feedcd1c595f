"""What chapter 4's exercises must compute: tables of heads, the OV circuit and the circle of the days."""

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.tests.specifications.days_words import DAYS


def scatter_rows(
    x: Float[Tensor, "layer head"], y: Float[Tensor, "layer head"]
) -> list[tuple[str, int, float, float]]:
    """Label, layer, x and y of each head, layer by layer."""
    layers, heads = x.shape
    return [
        (f"L{layer}H{head}", layer, x[layer, head].item(), y[layer, head].item())
        for layer in range(layers)
        for head in range(heads)
    ]


def heads_by_depth(patched: Float[Tensor, "layer head"], threshold: float) -> dict[str, list[str]]:
    """Heads whose value is large either way, by the third of the model that their layer lies in."""
    layers, heads = patched.shape
    found: dict[str, list[str]] = {"early": [], "middle": [], "late": []}
    for layer in range(layers):
        third = "early" if 3 * layer < layers else "middle" if 3 * layer < 2 * layers else "late"
        for head in range(heads):
            if abs(patched[layer, head].item()) >= threshold:
                found[third].append(f"L{layer}H{head}")
    return found


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
