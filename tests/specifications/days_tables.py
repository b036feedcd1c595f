"""What chapter 4's exercises must compute: tables of heads."""

from jaxtyping import Float
from torch import Tensor


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
