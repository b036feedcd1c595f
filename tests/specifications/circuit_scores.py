"""What chapter 6's exercises must compute: faithfulness, areas under its curve, circuits from scores.

Source of the definitions: Mueller et al. 2025, arXiv 2504.13151 (MIB, the circuit track).
"""

from jaxtyping import Float
from torch import Tensor


def faithfulness(
    circuit: Float[Tensor, "batch"], empty: Float[Tensor, "batch"], full: Float[Tensor, "batch"]
) -> float:
    """(m(C) - m(nothing)) / (m(everything) - m(nothing)), each m a mean over the prompts."""
    m_circuit, m_empty, m_full = (sum(m.tolist()) / len(m) for m in (circuit, empty, full))
    return (m_circuit - m_empty) / (m_full - m_empty)


def cpr(shares: Float[Tensor, "size"], f: Float[Tensor, "size"]) -> float:
    """The area under f over the share of edges, by trapezoids."""
    x, y = shares.tolist(), f.tolist()
    return sum((x[i + 1] - x[i]) * (y[i] + y[i + 1]) / 2 for i in range(len(x) - 1))


def cmd(shares: Float[Tensor, "size"], f: Float[Tensor, "size"]) -> float:
    """The area between f and 1, by trapezoids over |1 - f|."""
    return cpr(shares, (1 - f).abs())


def circuit_from_scores(scores: dict[str, float], n: int) -> list[str]:
    """The n edges with the largest |score|, less those on no path from the embedding to the logits."""
    kept = sorted(scores, key=lambda edge: abs(scores[edge]), reverse=True)[:n]
    while True:
        ends = [edge.split(" -> ") for edge in kept]
        spoken_to = {"embedding", *(receiver.split(".")[0] for _, receiver in ends)}
        heard = {"logits", *(sender for sender, _ in ends)}
        alive = [
            edge
            for edge, (sender, receiver) in zip(kept, ends, strict=True)
            if sender in spoken_to and receiver.split(".")[0] in heard
        ]
        if len(alive) == len(kept):
            return alive
        kept = alive
